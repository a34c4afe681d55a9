"""Reporting: how long removals took, kept so that it can be computed again, and the whole in numbers."""

import dataclasses
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any

import numpy as np

from nta.domain.errors import RefusedError
from nta.domain.figures.removal_report import (
    NEVER,
    WAY_BITS,
    Group,
    Parameters,
    Report,
    Rows,
    Way,
    make,
)
from nta.domain.figures.removal_times import RemovalClock
from nta.domain.reasons import Code
from nta.domain.roles import MEASURED, Role
from nta.store.db.handle import Store
from nta.store.db.types import to_us
from nta.store.reads import removal_rows as reading
from nta.store.reads import summary as counting
from nta.store.work import frozen_reports
from nta.store.work.frozen_reports import Frozen

__all__ = ["Again", "Report", "again", "episode_lines", "freeze", "removal_times", "summary", "true_figures"]

KIND = "removal_times"


@dataclass(frozen=True, slots=True)
class Again:
    """A frozen report computed again, and whether the figures are those that were frozen."""

    report: Report
    is_equal: bool


def removal_times(
    store: Store,
    *,
    clock: RemovalClock,
    by: str = "provider",
    since: datetime | None = None,
    until: datetime | None = None,
    as_of: datetime,
    role: Role = Role.HOST,
) -> Report:
    """Return the removal times of each provider, as known at `as_of`.

    `since` and `until` bound the start of the clock: a report of March
    follows what was told of in March, until `as_of`. A provider answers for
    what it was told in one role: as a host, or as a proxy before one.
    """
    if by != "provider":
        raise RefusedError("removal times are given by provider")
    if role not in MEASURED:
        raise RefusedError("removal times are given for hosts and for proxies")
    if since is not None and until is not None and since >= until:
        raise RefusedError(Code.PERIOD_REVERSED)
    parameters = Parameters(clock, by, role.value, since, until, as_of)
    with store.db.read() as connection:
        rows = reading.rows(connection, parameters)
    return make(parameters, rows)


def freeze(store: Store, report: Report, who: str, now: datetime | None = None) -> int:
    """Keep a report with the rows it was made from; return its number. No row names a page."""
    number = store.new_id()
    p = report.parameters
    kept = Frozen(json.dumps(_plain_parameters(p)), _packed(report.rows), _figures(report.groups))
    with store.db.write() as connection:
        frozen_reports.keep(connection, number, KIND, kept, who=who, made_at=now or p.as_of)
    return number


def again(store: Store, number: int) -> Again:
    """Compute a frozen report again from its own rows."""
    with store.db.read() as connection:
        kept = frozen_reports.read(connection, number, KIND)
    if kept is None:
        raise RefusedError(Code.NO_REPORT)
    report = make(_parameters(json.loads(kept.parameters)), _unpacked(kept.data))
    return Again(report, _figures(report.groups) == bytes(kept.figures))


def summary(store: Store, as_of: datetime) -> dict[str, Any]:
    """Return what the work came to, in the shape of `nta demo --json` (design, section 9)."""
    with store.db.read() as connection:
        counted: dict[str, Any] = {
            **counting.counts(connection),
            "notices": counting.notices(connection),
            "outcomes": counting.outcomes(connection),
            "events": counting.events(connection),
        }
    reports = [
        removal_times(store, clock=clock, as_of=as_of, role=role)
        for clock, role in product(RemovalClock, MEASURED)
    ]
    lines = [_line(report.parameters, group) for report in reports for group in report.groups if group.n]
    counted["removal_times"] = sorted(lines, key=lambda line: (line["provider"], line["clock"], line["role"]))
    return counted


def episode_lines(store: Store, *, with_url: bool = False) -> Iterator[dict[str, Any]]:
    """Yield a line for each episode: where it was, how it ended, and the two looks between which it went.

    `last_up` is null for what no look ever saw. `with_url` adds the URL,
    for a demo that knows the truth of its world; it is not to be written.
    """
    with store.db.read() as connection:
        for line in counting.episode_lines(connection):
            found: dict[str, Any] = {
                "episode": str(line.episode),
                "provider": ",".join(line.parties) or None,
                "outcome": line.outcome,
                "last_up": line.last_up.isoformat() if line.last_up else None,
                "first_gone": line.first_gone.isoformat() if line.first_gone else None,
            }
            yield found | {"url": counting.url_of(store, line)} if with_url else found


def true_figures(
    store: Store, *, as_of: datetime, vanished: Mapping[int, datetime | None]
) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the lines of `summary` by (provider, clock, role), computed from the true moments.

    `vanished` says of each episode when its page truly vanished there. What
    is open or was ended by others stays censored as it is, so that the
    truth lies between the bounds.
    """
    found = {}
    for clock, role in product(RemovalClock, MEASURED):
        parameters = Parameters(clock, "provider", role.value, None, None, as_of)
        with store.db.read() as connection:
            rows = reading.rows(connection, parameters, with_episode=True)
        last_up, gone = rows.last_up.copy(), rows.gone.copy()
        assert rows.episode is not None
        for place, episode in enumerate(rows.episode.tolist()):
            if gone[place] == NEVER or rows.code[place] & WAY_BITS >= Way.OTHER:
                continue
            moment = vanished.get(episode)
            if moment is not None and gone[place] > rows.start[place]:
                gone[place] = max(to_us(moment), int(rows.start[place]) + 1)
                last_up[place] = gone[place] - 1
        report = make(parameters, dataclasses.replace(rows, last_up=last_up, gone=gone))
        found.update({(g.party, clock.value, role.value): _line(parameters, g) for g in report.groups})
    return found


def _line(p: Parameters, group: Group) -> dict[str, Any]:
    day = group.within[0]
    return {
        "provider": group.party,
        "clock": p.clock.value,
        "n": group.n,
        "open": group.open,
        "median_h": _rounded(group.median_h),
        "p90_h": _rounded(group.p90_h),
        "within_24h": {"surely": round(day.surely, 6), "possibly": round(day.possibly, 6)},
        "true_median_h": None,
        "role": p.role,
        "gone": group.gone,
        "ended_by_other": group.other,
        "moved": group.moved,
        "set_apart": group.set_apart,
        "gone_before_notice": group.gone_before,
        "one_vantage": _rounded(group.one_vantage_share),
        "presumed": _rounded(group.presumed_share),
        "published": group.is_published,
        "ranked": group.is_ranked,
    }


def _rounded(hours: float | None) -> float | None:
    return None if hours is None else round(hours, 4)


def _plain_parameters(p: Parameters) -> dict[str, str | None]:
    return {
        "clock": p.clock.value,
        "by": p.by,
        "role": p.role,
        "since": p.since.isoformat() if p.since else None,
        "until": p.until.isoformat() if p.until else None,
        "as_of": p.as_of.isoformat(),
    }


def _parameters(plain: Mapping[str, str]) -> Parameters:
    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(plain[name]).astimezone(UTC) if plain[name] else None

    as_of = datetime.fromisoformat(plain["as_of"])
    return Parameters(
        RemovalClock(plain["clock"]), plain["by"], plain["role"], moment("since"), moment("until"), as_of
    )


_COLUMNS = ("group", "start", "entry", "last_up", "gone", "code", "before")


def _packed(rows: Rows) -> bytes:
    kept = {name: getattr(rows, name) for name in _COLUMNS}
    held = io.BytesIO()
    np.savez_compressed(held, parties=np.array(rows.parties), names=np.array(rows.names), **kept)
    return held.getvalue()


def _unpacked(data: bytes) -> Rows:
    with np.load(io.BytesIO(data), allow_pickle=False) as kept:
        columns = {name: kept[name] for name in _COLUMNS}
        return Rows(parties=kept["parties"].tolist(), names=kept["names"].tolist(), **columns)


def _figures(groups: tuple[Group, ...]) -> bytes:
    """Return the figures as JSON, each number to its last digit."""
    plain = [
        g._asdict()
        | {
            "within": [
                {"hours": w.limit.total_seconds() / 3600, "surely": w.surely, "possibly": w.possibly}
                for w in g.within
            ]
        }
        for g in groups
    ]
    return json.dumps(plain, separators=(",", ":")).encode()
