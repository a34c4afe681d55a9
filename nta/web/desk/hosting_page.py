"""The page of who serves a case's host and how that is known; and the word of a person who knows better."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from nta.domain import references
from nta.domain.errors import RefusedError
from nta.domain.hosting.overrides import (
    FIELDS,
    USUAL,
    EnteredOverride,
    OverrideSlip,
    Scope,
    SlipError,
    Wrong,
    reason,
)
from nta.domain.parties.organisations import Catalogue
from nta.domain.policy import DeskAct
from nta.ports import Clock
from nta.settings import Reach
from nta.store.db.handle import Store
from nta.store.reads import hosting_page as reads
from nta.store.reads.hosting_page import ResolutionPage
from nta.usecases.decisions import contact_approvals, hosting_overrides
from nta.web import request_values
from nta.web.access import acting, needs

WRONGS: Final = {
    Wrong.HOST: _l("Somebody else serves it"),
    Wrong.ORIGIN: _l("The machine behind the proxy is known"),
    Wrong.CONTACT: _l("A contact does not work"),
    Wrong.OTHER: _l("Something else"),
}

SCOPES: Final = {
    Scope.HOST: _l("this host alone"),
    Scope.DOMAIN: _l("every host of the domain"),
}

SLIPS: Final = {
    OverrideSlip.NO_SUCH_CHOICE: _l("Choose what is wrong from the list."),
    OverrideSlip.NO_SUCH_SCOPE: _l("Say whether it is for this host or for the whole domain."),
    OverrideSlip.NO_DOMAIN: _l("This case is on an address or a suffix; there is no domain."),
    OverrideSlip.HOST_MISSING: _l("Say who serves it."),
    OverrideSlip.HOST_UNKNOWN: _l(
        "No host of the catalogue has this id or name, or several have this name. Choose one of the list."
    ),
    OverrideSlip.HOST_UNREACHABLE: _l("No contact is known of this host, so nobody could be told."),
    OverrideSlip.ADDRESS_MISSING: _l("Say at which address the machine stands."),
    OverrideSlip.ADDRESS_UNREADABLE: _l("This is no IP address."),
    OverrideSlip.ADDRESS_NOBODYS: _l("This is no address that a machine on the internet has."),
    OverrideSlip.ADDRESS_PROXYS: _l("This address is the proxy's own."),
    OverrideSlip.ADDRESS_KNOWN: _l("The name leads to this address already."),
    OverrideSlip.ON_AN_ADDRESS: _l("This case is on an address; nothing stands before it."),
    OverrideSlip.CONTACT_MISSING: _l("Choose the contact that does not work."),
    OverrideSlip.UNTIL_MISSING: _l("Say until when it counts."),
    OverrideSlip.UNTIL_UNREADABLE: _l("Write day and time, such as 2026-03-02 17:00."),
    OverrideSlip.UNTIL_PAST: _l("This moment is over. Choose a later one (UTC)."),
    OverrideSlip.UNTIL_FAR: _l("This moment is more than a year away. Choose an earlier one."),
    OverrideSlip.WHY_MISSING: _l("Say where this is from."),
}


@dataclass(frozen=True, slots=True)
class FilledCorrection:
    """The form as it was filled in, or as it is first shown; `fault` stands beside its field."""

    wrong: str
    party: str
    address: str
    until: str
    scope: str
    reason: str
    contact: str = ""
    field: str | None = None
    fault: str | None = None


def pages(store: Store, clock: Clock, catalogue: Catalogue, reach: Reach) -> Blueprint:
    """Return the page of a resolution and the acts on it."""
    site = Blueprint("resolution", __name__)
    hosts = sorted(
        (p for p in catalogue.hosting.values() if p.notices), key=lambda p: (p.name.casefold(), p.id)
    )

    def read(reference: str) -> ResolutionPage:
        with store.db.read() as connection:
            found = reads.resolution(connection, store, catalogue, _reference(reference), clock.now())
        if found is None:
            abort(404)
        return found

    def show(reference: str, filled: FilledCorrection | None = None) -> ResponseReturnValue:
        found = read(reference)
        form = filled or _blank(clock.now())
        page = render_template(
            "desk/resolution.html",
            page=found,
            past=found.past,
            form=form,
            hosts=hosts,
            wrongs=WRONGS,
            scopes=SCOPES,
        )
        return page, (422 if form.fault else 200)

    @site.get("/cases/<reference>/resolution")
    @needs(DeskAct.SEE_CASES)
    def one(reference: str) -> ResponseReturnValue:
        return show(reference)

    @site.post("/cases/<reference>/resolution/wrong")
    @needs(DeskAct.CORRECT_HOSTING)
    def wrong(reference: str) -> ResponseReturnValue:
        filled, who, now = _filled(request.form), acting(), clock.now()
        try:
            if filled.wrong == Wrong.OTHER:
                hosting_overrides.something_else(store, reference, filled.reason, who, now)
                follows = _("A lead reads what is wrong, and everything is asked anew.")
            elif filled.wrong == Wrong.CONTACT:
                contact_approvals.refuse(
                    store, _contact(read(reference), filled), reason(filled.reason), who, now
                )
                follows = _("The contact is not used any more; open cases go to the next best one.")
            else:
                hosting_overrides.overrule(store, catalogue, reach.ranges, reference, _said(filled), who, now)
                follows = _("It was entered; every open case that it is about is resolved again at once.")
        except SlipError as fault:
            return show(reference, _with_fault(filled, fault.slip))
        flash(follows, "success")
        return _back(reference)

    _acts(site, store, clock)
    return site


def _acts(site: Blueprint, store: Store, clock: Clock) -> None:
    """Add the acts beside the form: asking again, and taking back what was entered."""

    @site.post("/cases/<reference>/resolution/again")
    @needs(DeskAct.CORRECT_HOSTING)
    def again(reference: str) -> ResponseReturnValue:
        hosting_overrides.ask_again(store, reference, acting(), clock.now())
        flash(_("Everything about its host is asked anew; this page shows it when it is there."), "success")
        return _back(reference)

    @site.post("/cases/<reference>/resolution/withdraw")
    @needs(DeskAct.CORRECT_HOSTING)
    def withdraw(reference: str) -> ResponseReturnValue:
        form, who = request.form, acting()
        try:
            hosting_overrides.take_back(
                store, reference, form.get("scope", ""), form.get("reason"), who, clock.now()
            )
        except SlipError as fault:
            raise RefusedError(str(SLIPS[fault.slip])) from None
        flash(_("It counts no more; what is found counts again."), "success")
        return _back(reference)


def _back(reference: str) -> ResponseReturnValue:
    return redirect(url_for("resolution.one", reference=reference), 303)


def _reference(text: str) -> str:
    try:
        return references.read(text)
    except RefusedError:
        abort(404)


def _blank(now: datetime) -> FilledCorrection:
    until = (now + USUAL).astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
    return FilledCorrection(Wrong.HOST.value, "", "", until, Scope.HOST.value, "")


def _filled(form: MultiDict[str, str]) -> FilledCorrection:
    names = ("wrong", "party", "address", "until", "scope", "reason", "contact")
    return FilledCorrection(*(form.get(name, "").strip() for name in names))


def _said(filled: FilledCorrection) -> EnteredOverride:
    """Return what the form says; raises SlipError for a moment that cannot be read."""
    until = None
    if filled.until:
        until = request_values.moment(filled.until)
        if until is None:
            raise SlipError(OverrideSlip.UNTIL_UNREADABLE)
    return EnteredOverride(filled.wrong, filled.scope, filled.party, filled.address, until, filled.reason)


def _contact(page: ResolutionPage, filled: FilledCorrection) -> int:
    """Return the contact that was chosen; raises SlipError for one that this page does not show."""
    for one in page.told:
        if one.contact is not None and str(one.contact) == filled.contact:
            return one.contact
    raise SlipError(OverrideSlip.CONTACT_MISSING)


def _with_fault(filled: FilledCorrection, slip: OverrideSlip) -> FilledCorrection:
    return replace(filled, field=FIELDS[slip], fault=str(SLIPS[slip]))
