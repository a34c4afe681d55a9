"""Approvals: which notices wait for leads, and one notice with its text, its locations and the evidence."""

from pathlib import Path

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_security import current_user

from nta.domain import references
from nta.domain.errors import RefusedError
from nta.domain.notices.notice_state import NoticeState
from nta.domain.parties.organisations import Catalogue
from nta.domain.policy import DeskAct
from nta.ports import Clock
from nta.render.notice_texts import Texts
from nta.settings import Settings
from nta.shipped import shipped
from nta.store.db.handle import Store
from nta.store.reads import approvals as reads
from nta.usecases import approve
from nta.web import app_factory, request_values
from nta.web.access import acting, needs


def pages(store: Store, clock: Clock, settings: Settings, catalogue: Catalogue) -> Blueprint:
    """Return the pages of approvals."""
    site = Blueprint("approvals", __name__)
    desk = _NoticeView(store, clock, settings, catalogue)

    @site.get("/approvals")
    @needs(DeskAct.SEE_CASES)
    def listed() -> ResponseReturnValue:
        with store.db.read() as connection:
            found = reads.waiting(connection)
        return render_template("desk/approvals.html", notices=found)

    @site.get("/notices/<reference>")
    @needs(DeskAct.SEE_CASES)
    def one(reference: str) -> ResponseReturnValue:
        return desk.show(reference)

    @site.post("/notices/<reference>/reveal")
    @needs(DeskAct.REVEAL_URL)
    def reveal(reference: str) -> ResponseReturnValue:
        number = request_values.row("item", _("Choose a location of the list."))
        url = approve.reveal_item(store, reference, number, acting(), clock.now())
        return desk.show(reference, (number, url))

    @site.post("/notices/<reference>/approve")
    @needs(DeskAct.APPROVE_NOTICE)
    def agree(reference: str) -> ResponseReturnValue:
        why = request.form.get("reason")
        missing = approve.approve(store, reference, why, acting(), clock.now())
        if missing:
            said = ngettext(
                "Recorded. %(num)s other lead has to agree before it is sent.",
                "Recorded. %(num)s other leads have to agree before it is sent.",
                missing,
            )
        else:
            said = _("The notice will be sent.")
        flash(said, "success")
        return redirect(url_for("approvals.listed"), 303)

    @site.post("/notices/<reference>/decline")
    @needs(DeskAct.APPROVE_NOTICE)
    def decline(reference: str) -> ResponseReturnValue:
        approve.decline(store, reference, request.form.get("reason"), acting(), clock.now())
        flash(_("The notice is not sent. The ladder continues without this step."), "success")
        return redirect(url_for("approvals.listed"), 303)

    return site


class _NoticeView:
    """Shows a notice, with the text that it would be sent with while it waits."""

    def __init__(self, store: Store, clock: Clock, settings: Settings, catalogue: Catalogue) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._hotline = app_factory.ourselves(settings, catalogue)
        self._portal_url = settings.portal_url
        own: list[Path] = [settings.templates] if settings.templates else []
        self._texts = Texts([*own, shipped("templates")])

    def show(self, reference: str, revealed: tuple[int, str] | None = None) -> ResponseReturnValue:
        """Return the page of a notice; `revealed` is the location whose URL somebody just asked for."""
        try:
            plain = references.read(reference)
        except RefusedError:
            abort(404)
        with self._store.db.read() as connection:
            found = reads.notice(connection, self._store, plain)
        if found is None:
            abort(404)
        text = self._preview(found) if found.state == NoticeState.WAITING_LEAD else ""
        mine = current_user.email in {one.who for one in found.given}
        return render_template(
            "desk/notice.html", notice=found, text=text, mine=mine, revealed=revealed or (None, None)
        )

    def _preview(self, notice: reads.NoticePage) -> str:
        if self._hotline is None:
            return ""
        return approve.preview(
            self._store,
            notice,
            catalogue=self._catalogue,
            texts=self._texts,
            hotline=self._hotline,
            portal_url=self._portal_url,
            now=self._clock.now(),
        )
