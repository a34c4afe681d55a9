"""Reports: removal times on a page, and the same as a file to pass on."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from nta.domain.errors import RefusedError
from nta.domain.figures.curves import only
from nta.domain.figures.removal_times import RemovalClock
from nta.domain.policy import DeskAct
from nta.domain.roles import MEASURED
from nta.ports import Clock as ServiceClock
from nta.render import removal_page, table_formats
from nta.store.db.handle import Store
from nta.usecases.report import Report, removal_times
from nta.web import request_values
from nta.web.access import needs


def pages(store: Store, clock: ServiceClock, folders: Sequence[Path], by_whom: str | None) -> Blueprint:
    """Return the pages of reports; `folders` hold templates, `by_whom` is our name on a file."""
    site = Blueprint("reports", __name__)

    def language() -> str:
        return str(get_locale())

    @site.get("/reports/removal-times")
    @needs(DeskAct.SEE_REPORTS)
    def removal_times_page() -> ResponseReturnValue:
        made = _made(store, clock.now())
        return render_template(
            "desk/removal_times.html",
            report=removal_page.body(_chosen(made), language=language(), folders=folders),
            clocks=tuple(RemovalClock),
            asked=made[0].parameters,
            providers=_providers(made),
            values=request.args,
        )

    @site.get("/reports/removal-times.html")
    @needs(DeskAct.SEE_REPORTS)
    def removal_times_file() -> ResponseReturnValue:
        made = _chosen(_made(store, clock.now()))
        page = removal_page.page(made, language=language(), folders=folders, by_whom=by_whom)
        return _file(page, "text/html", "html", made[0])

    @site.get("/reports/removal-times.csv")
    @needs(DeskAct.SEE_REPORTS)
    def removal_times_table() -> ResponseReturnValue:
        made = _chosen(_made(store, clock.now()))
        return _file(table_formats.report_csv(*made), "text/csv", "csv", made[0])

    return site


def _made(store: Store, now: datetime) -> list[Report]:
    """Return what the address asks for, of hosts and of proxies."""
    letter = request.args.get("clock", RemovalClock.B.value)
    if letter not in {c.value for c in RemovalClock}:
        raise RefusedError(_("There is no such clock; choose A, B or C."))
    as_of = request_values.day("as_of")
    if as_of is not None and as_of > now:
        raise RefusedError(_("What will be known in the future cannot be reported."))
    since, until = request_values.day("from"), request_values.day("to")
    if since is not None and until is not None and since >= until:
        raise RefusedError(_("The period ends before it begins."))
    return [
        removal_times(
            store, clock=RemovalClock(letter), since=since, until=until, as_of=as_of or now, role=role
        )
        for role in MEASURED
    ]


def _chosen(made: list[Report]) -> list[Report]:
    """Return the reports, or of those with the provider that was chosen its part."""
    party = request.args.get("provider", "")
    if not party:
        return made
    found = [only(report, party) for report in made if any(g.party == party for g in report.groups)]
    return found or [only(made[0], party)]


def _providers(made: list[Report]) -> list[tuple[str, str]]:
    found = {group.party: group.name for report in made for group in report.groups}
    return sorted(found.items(), key=lambda item: (item[1].casefold(), item[0]))


def _file(text: str, kind: str, ending: str, report: Report) -> Response:
    p = report.parameters
    name = f"removal-times-clock-{p.clock.value}-{p.as_of:%Y-%m-%d}.{ending}"
    answer = Response(text, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
