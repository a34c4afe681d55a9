"""The portal's pages: a link shows its face, opens by a button, and takes answers."""

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from nta.domain.errors import RefusedError
from nta.domain.parties import Hotline
from nta.ports import Clock
from nta.store.base import Store
from nta.usecases import answer as answers

SAYS = {
    "removed": _l("It was removed"),
    "disabled": _l("Access to it was disabled"),
    "account_closed": _l("The account was closed"),
    "not_ours": _l("It is not on our network"),
    "refused": _l("We will not remove it"),
    "need_information": _l("We need more information"),
    "forwarded": _l("We passed it on to our customer"),
}
"""What an answer reads as; the form offers those of `OFFERED`."""

OFFERED = ("removed", "disabled", "not_ours", "refused", "need_information")


def pages(store: Store, clock: Clock, hotline: Hotline | None) -> Blueprint:
    """Return the pages that a link in a notice leads through."""
    site = Blueprint("portal", __name__)

    @site.context_processor
    def everywhere() -> dict[str, object]:
        return {"hotline": hotline, "says_words": SAYS}

    @site.get("/")
    def start() -> ResponseReturnValue:
        return render_template("portal/start.html")

    @site.get("/n/<token>")
    def face(token: str) -> ResponseReturnValue:
        now = clock.now()
        shown = answers.face(store, token, now)
        return render_template("portal/face.html", face=shown, token=token, now=now)

    @site.post("/n")
    def listing() -> ResponseReturnValue:
        return _list(request.form.get("token", ""))

    def _list(token: str, fault: str | None = None) -> ResponseReturnValue:
        now = clock.now()
        shown = answers.listing(store, token, now)
        page = render_template(
            "portal/listing.html", listing=shown, token=token, now=now, offered=OFFERED, fault=fault
        )
        return page, (422 if fault else 200)

    @site.post("/n/answer")
    def answer() -> ResponseReturnValue:
        token, chosen = request.form.get("token", ""), _chosen()
        fault = _take(store, clock, token, chosen)
        if fault:
            return _list(token, fault)
        says = request.form.get("answer", "removed")
        return render_template("portal/thanks.html", token=token, says=says, count=len(chosen))

    @site.get("/robots.txt")
    def robots() -> Response:
        return current_app.response_class("User-agent: *\nDisallow: /\n", mimetype="text/plain")

    return site


def _chosen() -> list[int]:
    return sorted({int(item) for item in request.form.getlist("item") if item.isdecimal()})


def _take(store: Store, clock: Clock, token: str, chosen: list[int]) -> str | None:
    """Record what the form says; return what is wrong with it, if anything."""
    form = request.form
    if not chosen:
        return str(_("Choose at least one location."))
    try:
        answers.answer(
            store,
            token,
            chosen,
            form.get("answer", "removed"),
            clock.now(),
            form.get("why", "").strip() or None,
        )
    except answers.LinkNotFoundError:
        raise
    except RefusedError:
        return str(_("This answer could not be taken. Check your choice and send it again."))
    return None
