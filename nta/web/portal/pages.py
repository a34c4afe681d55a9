"""The portal's pages: a link shows its face, opens by a button, and takes answers."""

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue

from nta.domain.parties.organisations import Hotline
from nta.ports import Clock
from nta.store.db.handle import Store
from nta.usecases import answer as answers
from nta.web import answering
from nta.web.answering import MEANS, SAYS, FilledAnswer


def pages(store: Store, clock: Clock, hotline: Hotline | None) -> Blueprint:
    """Return the pages that a link in a notice leads through."""
    site = Blueprint("portal", __name__)

    @site.context_processor
    def everywhere() -> dict[str, object]:
        return {"hotline": hotline, "says_words": SAYS, "means": MEANS}

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

    def _list(token: str, filled: FilledAnswer | None = None) -> ResponseReturnValue:
        now = clock.now()
        shown = answers.listing(store, token, now)
        form = filled or answering.blank([item.id for item in shown.items if not item.says], now)
        page = render_template("portal/listing.html", listing=shown, token=token, form=form)
        return page, (422 if form.faults else 200)

    @site.post("/n/answer")
    def answer() -> ResponseReturnValue:
        token, now = request.form.get("token", ""), clock.now()
        filled, said, wrong = answering.read(request.form)
        taken = answers.answer(store, token, said, now)
        if wrong or taken.slips:
            return _list(token, answering.after(filled, taken, wrong))
        return render_template("portal/thanks.html", token=token, counts=answering.summed(taken))

    @site.get("/robots.txt")
    def robots() -> Response:
        return current_app.response_class("User-agent: *\nDisallow: /\n", mimetype="text/plain")

    return site
