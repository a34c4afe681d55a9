"""Cases: the list with what needs a person first, search, and the page of one case."""

from datetime import datetime
from functools import partial

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from nta.domain import references
from nta.domain.checks.outcomes import PERSONS_ENDS, Outcome
from nta.domain.errors import RefusedError
from nta.domain.parties.organisations import Catalogue
from nta.domain.policy import DeskAct
from nta.ports import Clock
from nta.render.words import NEEDS_A_PERSON, Word, pairs, ranks, tally
from nta.store.db.handle import Store
from nta.store.reads import case as case_reads
from nta.store.reads import cases as list_reads
from nta.store.reads import mails as mail_reads
from nta.store.reads import search as search_reads
from nta.store.reads.cases import Wanted
from nta.usecases.decisions import case_decisions
from nta.web import request_values
from nta.web.access import acting, needs
from nta.web.desk import texts


def pages(store: Store, clock: Clock, catalogue: Catalogue) -> Blueprint:
    """Return the pages of cases."""
    site = Blueprint("cases", __name__)
    _lists(site, store, clock)
    _acts(site, store, clock)
    _ends(site, store, clock)
    _holds(site, store, clock, catalogue)
    return site


def _lists(site: Blueprint, store: Store, clock: Clock) -> None:
    places = ranks()

    @site.get("/cases")
    @needs(DeskAct.SEE_CASES)
    def listed() -> ResponseReturnValue:
        word = _word(request.args.get("state", ""))
        number = request_values.page()
        wanted = Wanted(pairs(word) if word else None, ended=word is Word.ENDED)
        with store.db.read() as connection:
            page = list_reads.page(connection, store, clock.now(), wanted=wanted, ranks=places, number=number)
            counts = tally(list_reads.counts(connection))
        return render_template(
            "desk/cases.html", page=page, counts=counts, word=word, needs=NEEDS_A_PERSON, found=None
        )

    @site.post("/search")
    @needs(DeskAct.SEE_CASES)
    def search() -> ResponseReturnValue:
        words = request.form.get("q", "").strip()[:10_000]
        with store.db.read() as connection:
            matches = search_reads.cases_of(connection, store, words)
            wanted = Wanted(only=matches)
            page = list_reads.page(connection, store, clock.now(), wanted=wanted, ranks=places)
        if not matches:
            return render_template("desk/nothing_found.html"), 404
        if len(matches) == 1:
            return redirect(url_for("cases.one", reference=matches[0]), 303)
        return render_template("desk/cases.html", page=page, counts={}, word=None, found=len(matches))

    @site.get("/cases/<reference>")
    @needs(DeskAct.SEE_CASES)
    def one(reference: str) -> ResponseReturnValue:
        return show(store, reference)


def _acts(site: Blueprint, store: Store, clock: Clock) -> None:
    @site.post("/cases/<reference>/reveal")
    @needs(DeskAct.REVEAL_URL)
    def reveal(reference: str) -> ResponseReturnValue:
        url = case_decisions.reveal(store, reference, acting(), clock.now())
        return show(store, reference, url)

    @site.post("/cases/<reference>/dedicated")
    @needs(DeskAct.JUDGE_DOMAIN)
    def dedicated(reference: str) -> ResponseReturnValue:
        form = request.form
        case_decisions.mark_dedicated(
            store,
            reference,
            form.get("dedicated", ""),
            form.get("reason"),
            acting(),
            clock.now(),
        )
        flash(_("The domain was marked; every case on it follows."), "success")
        return _back(reference)


def _ends(site: Blueprint, store: Store, clock: Clock) -> None:
    """Add the acts that end a case, one for each outcome that a person may decide."""
    for outcome, end in PERSONS_ENDS.items():
        view = needs(end.permission)(partial(_end, store, clock, outcome))
        site.add_url_rule(f"/cases/<reference>/{end.act.replace('_', '-')}", end.act, view, methods=["POST"])


def _end(store: Store, clock: Clock, outcome: Outcome, reference: str) -> ResponseReturnValue:
    case_decisions.end_case(store, reference, outcome, request.form.get("reason"), acting(), clock.now())
    flash(texts.ENDED[outcome], "success")
    return _back(reference)


def _holds(site: Blueprint, store: Store, clock: Clock, catalogue: Catalogue) -> None:
    """Add the acts that hold a case for the police, and let it go on."""

    @site.post("/cases/<reference>/hold")
    @needs(DeskAct.HOLD_CASE)
    def hold(reference: str) -> ResponseReturnValue:
        form, who = request.form, acting()
        until = _moment(form.get("until", ""))
        case_decisions.hold(store, catalogue, reference, until, form.get("reason"), who, clock.now())
        flash(_("The case is held. Nothing leaves until the hold ends; looks go on."), "success")
        return _back(reference)

    @site.post("/cases/<reference>/release")
    @needs(DeskAct.HOLD_CASE)
    def release(reference: str) -> ResponseReturnValue:
        case_decisions.release(store, reference, request.form.get("reason"), acting(), clock.now())
        flash(_("The hold has ended; the ladder continues."), "success")
        return _back(reference)


def _back(reference: str) -> ResponseReturnValue:
    return redirect(url_for("cases.one", reference=reference), 303)


def _moment(text: str) -> datetime | None:
    """Return a moment that a form named, in UTC where it says no offset; None when it is empty."""
    if not text.strip():
        return None
    moment = request_values.moment(text)
    if moment is None:
        raise RefusedError(_("Write the moment as a date and a time."))
    return moment


def show(store: Store, reference: str, revealed: str | None = None) -> ResponseReturnValue:
    """Return the page of a case; `revealed` is its URL when somebody just asked for it."""
    try:
        plain = references.read(reference)
    except RefusedError:
        abort(404)
    with store.db.read() as connection:
        case = case_reads.case(connection, store, plain)
        mails = mail_reads.of_case(connection, plain)
    if case is None:
        abort(404)
    return render_template("desk/case.html", case=case, mails=mails, revealed=revealed)


def _word(text: str) -> Word | None:
    return Word(text) if text in {*Word} else None
