"""Findings kept: found again by question, or by the range that an answer covers."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, Final

from sqlalchemy import Connection, select, update

from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.domain.intake.reserved_names import number_of
from nta.domain.kept_reasons import as_text, loaded
from nta.store.db.bulk import (
    found_by,
    insert_rows,
    table_of,
)
from nta.store.db.handle import Store
from nta.store.db.sealing import digest16
from nta.store.db.types import from_us, to_us
from nta.store.hosting.finding_values import from_stored, texts, to_stored
from nta.store.tables import FindingRange, FindingRow
from nta.store.work.isolation import say

_PLACE = "finding.value"
_LONGEST_REASON: Final = 200  # the column's width
_V4_WIDTHS = range(33)
_V6_WIDTHS = (
    0,
    *range(64, 129),
)  # no registry gives less than a /64; an answer about one address has it alone
_encoded = json.JSONEncoder(separators=(",", ":")).encode
_decoded = json.JSONDecoder().decode  # what json.loads comes to, for a text
_KINDS: Final = {kind.value: kind for kind in LookupKind}
_MAPPED = b"\x00" * 10 + b"\xff\xff"  # before an IPv4 address (RFC 4291, 2.5.5.2)
_COLUMNS = (
    FindingRow.id,
    FindingRow.kind,
    FindingRow.source,
    FindingRow.asked_at,
    FindingRow.valid_until,
    FindingRow.value_sealed,
    FindingRow.problem,
    FindingRow.temporary,
)
_READ = ", ".join(f"finding.{column.key}" for column in _COLUMNS)
_WRITTEN = (
    "id",
    "kind",
    "digest",
    "source",
    "asked_at",
    "valid_until",
    "value_sealed",
    "problem",
    "temporary",
)


def save(connection: Connection, store: Store, findings: Sequence[Finding]) -> None:
    """Keep findings with what they say sealed; the ranges of networks and routes in clear."""
    numbers = store.ids.take(len(findings))
    key = store.keys.derived("finding")
    rows = [
        (
            number,
            f.lookup.kind.value,
            _digest(key, f.lookup),
            f.source[:64],
            to_us(f.asked_at),
            to_us(f.valid_until),
            store.sealer.seal(_PLACE, number, _dump(f)),
            as_text(f.problem.reason, _LONGEST_REASON) if f.problem else None,
            f.problem.temporary if f.problem else None,
        )
        for number, f in zip(numbers, findings, strict=True)
    ]
    insert_rows(connection, table_of(FindingRow), _WRITTEN, rows)
    ranges = {
        (number, *_bounds(cidr)) for number, f in zip(numbers, findings, strict=True) for cidr in f.covers
    }
    insert_rows(connection, table_of(FindingRange), ("finding_id", "first", "last"), sorted(ranges))


def of_questions(
    connection: Connection, store: Store, lookups: Collection[Lookup], now: datetime
) -> list[Finding]:
    """Return the findings of these questions that are valid at `now`."""
    key = store.keys.derived("finding")
    digests = sorted({_digest(key, lookup) for lookup in lookups})
    asked = f"SELECT {_READ} FROM finding WHERE valid_until > ? AND digest"  # noqa: S608
    rows = found_by(connection, asked, digests, given=(to_us(now),))
    return list(_loaded(store, rows))


def of_networks(
    connection: Connection, store: Store, addresses: Iterable[str], now: datetime
) -> list[Finding]:
    """Return the valid findings about networks and routes whose range holds one of the addresses.

    Ranges are whole prefixes, of which few can hold an address: they are
    looked up by their ends, however many others are kept.
    """
    around = _prefixes_around(addresses)
    asked = (
        f"SELECT {_READ}, first, last FROM finding_range JOIN finding ON finding.id = finding_id "  # noqa: S608
        "WHERE valid_until > ? AND last"
    )
    ends = sorted({last for _, last in around})
    rows = {
        row[0]: row[:-2]
        for row in found_by(connection, asked, ends, given=(to_us(now),))
        if (bytes(row[-2]), bytes(row[-1])) in around
    }
    return list(_loaded(store, rows.values()))


def kept(connection: Connection, store: Store, lookups: Collection[Lookup], most: int) -> list[Finding]:
    """Return the newest `most` findings of these questions, newest first, also those that ran out."""
    key = store.keys.derived("finding")
    rows = connection.execute(
        select(*_COLUMNS)
        .where(FindingRow.digest.in_(sorted(_digest(key, lookup) for lookup in lookups)))
        .order_by(FindingRow.asked_at.desc(), FindingRow.id.desc())
        .limit(most)
    )
    return list(_loaded(store, rows, _as_is))


def expire(
    connection: Connection, store: Store, subjects: Iterable[str], addresses: Iterable[str], now: datetime
) -> None:
    """Let what is known of these names and addresses count no more, so that it is asked again at once."""
    key = store.keys.derived("finding")
    own = {*subjects, *addresses}
    digests = sorted(_digest(key, Lookup(kind, subject)) for kind in LookupKind for subject in own)
    for start in range(0, len(digests), 500):
        which = FindingRow.digest.in_(digests[start : start + 500])
        connection.execute(
            update(FindingRow).where(which, FindingRow.valid_until > now).values(valid_until=now)
        )
    for address in sorted(set(addresses)):
        packed = _packed(address)
        around = select(FindingRange.finding_id).where(
            FindingRange.last >= packed, FindingRange.first <= packed
        )
        connection.execute(
            update(FindingRow)
            .where(FindingRow.id.in_(around), FindingRow.valid_until > now)
            .values(valid_until=now)
        )


def _dump(finding: Finding) -> str:
    subject = finding.lookup.subject
    value = to_stored(finding.value) if finding.value else None
    said: dict[str, object] = {"subject": subject, "value": value, "covers": finding.covers}
    if finding.lookup.whom:
        said["whom"] = finding.lookup.whom
    if finding.problem and finding.problem.again_at:
        said["again"] = True  # valid_until says when
    return _encoded(said)


@lru_cache(maxsize=4096)
def _moment(us: int) -> datetime:
    """Return a moment; what was asked together has the same ones."""
    return from_us(us)


def _as_is(moment: datetime) -> datetime:
    """Return a moment that was read as one."""
    return moment


def _loaded(
    store: Store, rows: Iterable[Sequence[Any]], moment: Callable[[Any], datetime] = _moment
) -> Iterator[Finding]:
    """Yield findings, `moment` reading theirs. One that cannot be read counts as not there."""
    for row in rows:
        try:
            yield _load(store, row, moment)
        except (ValueError, LookupError, TypeError, OverflowError) as fault:
            say("findings", {row[0]: fault})


def _load(store: Store, row: Sequence[Any], moment: Callable[[Any], datetime]) -> Finding:
    number, step, source, asked_at, until, sealed, reason, temporary = row
    valid_until = moment(until)
    kind = _KINDS[step]
    plain = _decoded(store.sealer.text(_PLACE, number, sealed))
    subject, whom, value = plain["subject"], plain.get("whom"), plain["value"]
    if not isinstance(subject, str) or not isinstance(whom, str | None):
        raise TypeError("the subject of a finding is no text")
    again_at = valid_until if plain.get("again") else None
    return Finding(
        lookup=Lookup(kind, subject, whom),
        value=None if value is None else from_stored(kind, value),
        source=source,
        asked_at=moment(asked_at),
        valid_until=valid_until,
        problem=None if reason is None else LookupProblem(step, loaded(reason), bool(temporary), again_at),
        covers=texts(plain["covers"]),
    )


def _digest(key: bytes, lookup: Lookup) -> bytes:
    """Return what a question is found by: whoever was asked, what is forgotten of a name is forgotten."""
    return digest16(key, f"{lookup.kind.value}:{lookup.subject}".encode())


def _packed(address: str) -> bytes:
    version, number = number_of(address)
    return _MAPPED + number.to_bytes(4) if version == 4 else number.to_bytes(16)


def _prefixes_around(addresses: Iterable[str]) -> set[tuple[bytes, bytes]]:
    """Return first and last address of each prefix that holds one of the addresses and can be registered."""
    seen: set[tuple[int, int]] = set()
    for address in addresses:
        packed = _packed(address)
        number = int.from_bytes(packed)
        for width in _V4_WIDTHS if packed.startswith(_MAPPED) else _V6_WIDTHS:
            prefix = (width, number >> width)
            if prefix in seen:
                break  # and all wider ones with it
            seen.add(prefix)
    return {((bits << width).to_bytes(16), ((bits + 1 << width) - 1).to_bytes(16)) for width, bits in seen}


def _bounds(cidr: str) -> tuple[bytes, bytes]:
    network = ip_network(cidr, strict=False)
    return _packed(str(network[0])), _packed(str(network[-1]))
