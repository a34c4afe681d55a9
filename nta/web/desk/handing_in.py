"""Handing in: paste or file, and a page that says what became of each line."""

import secrets
from collections.abc import Callable
from itertools import chain

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_security import current_user

from nta.domain.errors import RefusedError
from nta.domain.intake.lines import CLASSES, SCOPES
from nta.domain.policy import DeskAct
from nta.domain.roles import Severity
from nta.ports import Clock
from nta.store.db.handle import Store
from nta.store.reads import hand_in as reads
from nta.usecases import submit
from nta.usecases.submit import Terms
from nta.web import request_values
from nta.web.access import acting, needs
from nta.web.reason_words import refusal

SOURCE = "desk"
_BLOCK = 64 * 1024
"""How much of a file is read at a time."""


def pages(store: Store, clock: Clock, checkpoint: Callable[[str], None] = lambda name: None) -> Blueprint:
    """Return the pages of handing in. `checkpoint` hears of each step of a hand-in, as the jobs' do."""
    site = Blueprint("handing_in", __name__)

    @site.get("/hand-in")
    @needs(DeskAct.HAND_IN)
    def form() -> ResponseReturnValue:
        return _form(store, {}, None)

    @site.post("/hand-in")
    @needs(DeskAct.HAND_IN)
    def send() -> ResponseReturnValue:
        try:
            made = _take(store, clock, checkpoint)
        except RefusedError as fault:
            return _form(store, request.form.to_dict(), refusal(fault)), 422
        return redirect(url_for("handing_in.result", number=made), 303)

    @site.get("/hand-ins/<row:number>")
    @needs(DeskAct.SEE_CASES)
    def result(number: int) -> ResponseReturnValue:
        page = request_values.page()
        with store.db.read() as connection:
            found = reads.hand_in(connection, store, number, page)
        if found is None:
            abort(404)
        return render_template("desk/hand_in_result.html", hand_in=found)

    return site


def _form(store: Store, entered: dict[str, str], fault: str | None) -> str:
    with store.db.read() as connection:
        recent = reads.recent(connection, current_user.email)
    key = entered.get("key") or secrets.token_hex(16)
    return render_template("desk/hand_in.html", entered=entered, fault=fault, key=key, recent=recent)


def _take(store: Store, clock: Clock, checkpoint: Callable[[str], None]) -> int:
    """Hand in what the form holds; return the number of the hand-in."""
    form = request.form
    if form.get("confirm") != "yes":
        raise RefusedError(_("Confirm that you have seen every URL yourself."))
    upload = request.files.get("file")
    from_file = upload is not None and bool(upload.filename)
    if upload is not None and from_file:
        blocks = iter(lambda: upload.read(_BLOCK), b"")
    else:
        blocks = iter([form.get("text", "").encode(errors="replace")])
    lines = submit.lines_of(blocks)
    first = next(lines, None)
    if first is None:
        raise RefusedError(_("Paste at least one URL, or choose a file."))
    now = clock.now()
    terms = Terms(
        source=SOURCE,
        severity=Severity(_choice("severity", tuple(Severity))),
        class_value=_choice("class_value", CLASSES),
        scope=_choice("scope", SCOPES),
    )
    made = submit.hand_in_at_desk(
        store,
        chain([first], lines),
        terms,
        by=acting(),
        key=form.get("key", "")[:64] or secrets.token_hex(16),
        way="file" if from_file else "paste",
        now=now,
        checkpoint=checkpoint,
    )
    return made.id


def _choice(name: str, known: tuple[str, ...]) -> str:
    value = request.form.get(name, "")
    if value not in known:
        raise RefusedError(_("Choose one of the values that the form offers."))
    return value
