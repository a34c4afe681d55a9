"""Findings kept: found again by question, or by the range that an answer covers."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any

from sqlalchemy import Connection, insert, select, update

from nta.domain.hosting import Problem
from nta.domain.questions import Finding, Lookup, LookupKind
from nta.store.base import Store
from nta.store.sealing import digest16
from nta.store.tables import FindingRange, FindingRow

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


def save(connection: Connection, store: Store, findings: Sequence[Finding]) -> None:
    """Keep findings with what they say sealed; the ranges of networks and routes in clear."""
    if not findings:
        return
    numbers = store.ids.take(len(findings))
    key = store.keys.derived("finding")
    connection.execute(
        insert(FindingRow),
        [
            {
                "id": number,
                "kind": f.lookup.kind.value,
                "digest": _digest(key, f.lookup),
                "source": f.source[:64],
                "asked_at": f.asked_at,
                "valid_until": f.valid_until,
                "value_sealed": store.sealer.seal("finding.value", number, _dump(f)),
                "problem": f.problem.reason[:200] if f.problem else None,
                "temporary": f.problem.temporary if f.problem else None,
            }
            for number, f in zip(numbers, findings, strict=True)
        ],
    )
    ranges = {
        (number, *_bounds(cidr)) for number, f in zip(numbers, findings, strict=True) for cidr in f.covers
    }
    if ranges:
        connection.execute(
            insert(FindingRange),
            [{"finding_id": n, "first": first, "last": last} for n, first, last in sorted(ranges)],
        )


def of_questions(
    connection: Connection, store: Store, lookups: Collection[Lookup], now: datetime
) -> list[Finding]:
    """Return the findings of these questions that are valid at `now`."""
    key = store.keys.derived("finding")
    digests = [_digest(key, lookup) for lookup in lookups]
    found: list[Finding] = []
    for start in range(0, len(digests), 500):
        rows = connection.execute(
            select(*_COLUMNS).where(
                FindingRow.digest.in_(digests[start : start + 500]), FindingRow.valid_until > now
            )
        )
        found += [_load(store, row) for row in rows]
    return found


def of_networks(
    connection: Connection, store: Store, addresses: Iterable[str], now: datetime
) -> list[Finding]:
    """Return the valid findings about networks and routes whose range holds one of the addresses."""
    numbers: set[int] = set()
    for address in set(addresses):
        packed = _packed(address)
        numbers.update(
            connection.execute(
                select(FindingRange.finding_id)
                .join(FindingRow, FindingRow.id == FindingRange.finding_id)
                .where(
                    FindingRange.last >= packed, FindingRange.first <= packed, FindingRow.valid_until > now
                )
                .order_by(FindingRange.last)
                .limit(16)
            ).scalars()
        )
    listed = sorted(numbers)
    found: list[Finding] = []
    for start in range(0, len(listed), 500):
        rows = connection.execute(select(*_COLUMNS).where(FindingRow.id.in_(listed[start : start + 500])))
        found += [_load(store, row) for row in rows]
    return found


def kept(connection: Connection, store: Store, lookups: Collection[Lookup], most: int) -> list[Finding]:
    """Return the newest `most` findings of these questions, newest first, also those that ran out."""
    key = store.keys.derived("finding")
    rows = connection.execute(
        select(*_COLUMNS)
        .where(FindingRow.digest.in_(sorted(_digest(key, lookup) for lookup in lookups)))
        .order_by(FindingRow.asked_at.desc(), FindingRow.id.desc())
        .limit(most)
    )
    return [_load(store, row) for row in rows]


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
    said: dict[str, Any] = {"subject": subject, "value": finding.value, "covers": finding.covers}
    if finding.lookup.whom:
        said["whom"] = finding.lookup.whom
    if finding.problem and finding.problem.again_at:
        said["again"] = True  # valid_until says when
    return json.dumps(said, separators=(",", ":"))


def _load(store: Store, row) -> Finding:  # type: ignore[no-untyped-def]
    plain = json.loads(store.sealer.open("finding.value", row.id, row.value_sealed))
    kind = LookupKind(row.kind)
    again_at = row.valid_until if plain.get("again") else None
    problem = None
    if row.problem is not None:
        problem = Problem(row.kind, row.problem, bool(row.temporary), again_at)
    return Finding(
        lookup=Lookup(kind, plain["subject"], plain.get("whom")),
        value=plain["value"],
        source=row.source,
        asked_at=row.asked_at,
        valid_until=row.valid_until,
        problem=problem,
        covers=tuple(plain["covers"]),
    )


def _digest(key: bytes, lookup: Lookup) -> bytes:
    """Return what a question is found by: whoever was asked, what is forgotten of a name is forgotten."""
    return digest16(key, f"{lookup.kind.value}:{lookup.subject}".encode())


def _packed(address: str) -> bytes:
    ip = ip_address(address)
    return (b"\x00" * 10 + b"\xff\xff" + ip.packed) if ip.version == 4 else ip.packed


def _bounds(cidr: str) -> tuple[bytes, bytes]:
    network = ip_network(cidr, strict=False)
    return _packed(str(network[0])), _packed(str(network[-1]))
