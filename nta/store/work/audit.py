"""The audit trail: acts noted as they happen, sealed in batches into a chain of Merkle roots."""

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, Select, func, insert, select, update

from nta.ports import Ids
from nta.store.db.dialects import take_turn
from nta.store.db.types import to_us
from nta.store.tables import AuditBatch, AuditEntry
from nta.store.work.isolation import (
    apart,
    is_aside,
    put_aside,
    went_through,
)

BATCH = 1_000


def note(
    connection: Connection,
    ids: Ids,
    *,
    at: datetime,
    who: str,
    act: str,
    subject: str | None = None,
    detail: str | None = None,
) -> None:
    """Write one entry. `subject` and `detail` never hold a URL or a host name."""
    connection.execute(
        insert(AuditEntry).values(
            id=ids.take(1)[0], at=at, who=who, act=act, subject=subject, detail=detail, batch=None
        )
    )


def seal(connection: Connection, now: datetime) -> int:
    """Seal the oldest open entries into the next batch; return how many (0: none were open).

    One that cannot be read is set aside, and sealed when it can.
    """
    take_turn(connection, 7789)  # one batch after the other
    unsealed = (AuditEntry.batch.is_(None), ~is_aside(AuditEntry.id, now))
    numbers = connection.execute(select(AuditEntry.id).where(*unsealed).order_by(AuditEntry.id).limit(BATCH))
    read, spoilt = apart(numbers.scalars(), lambda part: _leaves(connection, part))
    put_aside(connection, "seal", spoilt, {}, now)
    leaves = {number: leaf for part in read for number, leaf in part.items()}
    if not leaves:
        return 0
    last = connection.execute(
        select(AuditBatch.number, AuditBatch.chained).order_by(AuditBatch.number.desc()).limit(1)
    ).first()
    number = last.number + 1 if last else 1
    root = merkle_root(list(leaves.values()))
    connection.execute(
        insert(AuditBatch).values(
            number=number,
            sealed_at=now,
            entries=len(leaves),
            root=root,
            chained=_chain(last.chained if last else b"", number, now, root),
        )
    )
    listed = list(leaves)
    for start in range(0, len(listed), 500):
        connection.execute(
            update(AuditEntry).where(AuditEntry.id.in_(listed[start : start + 500])).values(batch=number)
        )
    went_through(connection, listed)
    return len(leaves)


def verify(connection: Connection) -> list[str]:
    """Return what is wrong with the trail, one line each; empty when every batch and link holds."""
    faults = []
    before = b""
    expected = 1
    for batch in connection.execute(select(AuditBatch.__table__).order_by(AuditBatch.number)):
        rows = connection.execute(
            _entries().where(AuditEntry.batch == batch.number).order_by(AuditEntry.id)
        ).all()
        if batch.number != expected:
            faults.append(f"batch {expected}: missing")
        if len(rows) != batch.entries:
            faults.append(f"batch {batch.number}: {len(rows)} entries, {batch.entries} were sealed")
        elif merkle_root([_leaf(row) for row in rows]) != batch.root:
            faults.append(f"batch {batch.number}: an entry was changed")
        if _chain(before, batch.number, batch.sealed_at, batch.root) != batch.chained:
            faults.append(f"batch {batch.number}: not chained to the batch before")
        before, expected = batch.chained, batch.number + 1
    stray = connection.execute(
        select(func.count())
        .select_from(AuditEntry)
        .where(AuditEntry.batch.is_not(None), AuditEntry.batch >= expected)
    ).scalar()
    if stray:
        faults.append(f"{stray} entries name a batch that does not exist")
    return faults


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash over leaf data (RFC 6962, section 2.1)."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + merkle_root(leaves[:half]) + merkle_root(leaves[half:])).digest()


def _entries() -> Select[int, datetime, str, str, str | None, str | None]:
    return select(
        AuditEntry.id, AuditEntry.at, AuditEntry.who, AuditEntry.act, AuditEntry.subject, AuditEntry.detail
    )


def _leaves(connection: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """Return the leaves of entries, in the order of their ids. It reads alone: a fault ends no write."""
    found: dict[int, bytes] = {}
    for start in range(0, len(ids), 500):
        part = _entries().where(AuditEntry.id.in_(ids[start : start + 500])).order_by(AuditEntry.id)
        found |= {row.id: _leaf(row) for row in connection.execute(part)}
    return found


def _leaf(row: tuple[int, datetime, str, str, str | None, str | None]) -> bytes:
    return json.dumps([row[0], to_us(row[1]), *row[2:]], ensure_ascii=False, separators=(",", ":")).encode()


def _chain(before: bytes, number: int, sealed_at: datetime, root: bytes) -> bytes:
    return sha256(b"%s:%d:%d:%s" % (before, number, to_us(sealed_at), root)).digest()
