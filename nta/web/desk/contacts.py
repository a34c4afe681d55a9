"""Contacts: those that wait for a word, those in doubt or dead, and what a person says of them."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from nta.domain.policy import DeskAct, Person
from nta.ports import Clock
from nta.store.db.handle import Store
from nta.store.reads import contacts as reads
from nta.usecases.decisions import contact_approvals
from nta.web.access import acting, needs

_Word = Callable[[Store, int, str | None, Person, datetime], int]


def pages(store: Store, clock: Clock) -> Blueprint:
    """Return the page of contacts and its acts."""
    site = Blueprint("contacts", __name__)

    def say(word: _Word, number: int, said: str) -> ResponseReturnValue:
        cases = word(store, number, request.form.get("reason"), acting(), clock.now())
        follows = ngettext("%(num)s open case goes on.", "%(num)s open cases go on.", cases) if cases else ""
        flash(f"{said} {follows}".strip(), "success")
        return redirect(url_for("contacts.listed"), 303)

    @site.get("/contacts")
    @needs(DeskAct.SEE_CASES)
    def listed() -> ResponseReturnValue:
        with store.db.read() as connection:
            waiting, troubled = reads.waiting(connection), reads.troubled(connection)
            refused = reads.refused(connection)
        return render_template("desk/contacts.html", waiting=waiting, troubled=troubled, refused=refused)

    @site.post("/contacts/<row:number>/approve")
    @needs(DeskAct.DECIDE_CONTACT)
    def approve(number: int) -> ResponseReturnValue:
        return say(contact_approvals.approve, number, _("The contact may be used."))

    @site.post("/contacts/<row:number>/refuse")
    @needs(DeskAct.DECIDE_CONTACT)
    def refuse(number: int) -> ResponseReturnValue:
        return say(contact_approvals.refuse, number, _("The contact is not used any more."))

    @site.post("/contacts/<row:number>/revive")
    @needs(DeskAct.DECIDE_CONTACT)
    def revive(number: int) -> ResponseReturnValue:
        return say(contact_approvals.revive, number, _("The contact is in use again."))

    return site
