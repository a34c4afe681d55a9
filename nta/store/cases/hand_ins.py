"""Writing hand-ins: chunks of lines in one short transaction each, hosts and domains made once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from nta.domain.kept_reasons import dumped
from nta.domain.reasons import Reason
from nta.store.cases.new_cases import CaseWriter, Good
from nta.store.db.bulk import found_by, insert_rows, table_of
from nta.store.db.handle import Store
from nta.store.db.sealing import digest16
from nta.store.tables import Domain, HandIn, HandInLine, Host

__all__ = ["Bad", "Good", "HandInWriter", "Opened", "finish", "open_hand_in"]

_LINE = ("hand_in_id", "line", "submission_id", "reason", "input_sealed")
_DOMAIN = ("id", "digest", "name_sealed", "suffix", "dedicated")
_HOST = ("id", "digest", "name_sealed", "port", "is_ip", "domain_id", "missed_looks")
_LONGEST_INPUT = 8192

Site = tuple[str, int]
"""A host name and a port."""


class Bad(NamedTuple):
    """One line that was refused, as it came."""

    line: int
    text: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Opened:
    """A hand-in that was begun, now or before: its id, the last line written, and its counts."""

    id: int
    last_line: int
    accepted: int
    refused: int
    finished: bool


def open_hand_in(store: Store, *, who: str, key: str, way: str, now: datetime) -> Opened:
    """Begin a hand-in, or find the one that `who` began with the same key."""
    with store.db.write() as connection:
        known = connection.execute(
            select(HandIn.id, HandIn.accepted, HandIn.refused, HandIn.finished_at).where(
                HandIn.who == who, HandIn.key == key
            )
        ).first()
        if known is not None:
            last = connection.execute(
                select(func.max(HandInLine.line)).where(HandInLine.hand_in_id == known.id)
            ).scalar()
            return Opened(known.id, last or 0, known.accepted, known.refused, known.finished_at is not None)
        made = store.new_id()
        connection.execute(
            insert(HandIn).values(id=made, who=who, key=key, way=way, received_at=now, accepted=0, refused=0)
        )
        return Opened(made, 0, 0, 0, False)


def finish(store: Store, hand_in_id: int, now: datetime) -> None:
    """Mark a hand-in as wholly written."""
    with store.db.write() as connection:
        connection.execute(update(HandIn).where(HandIn.id == hand_in_id).values(finished_at=now))


class HandInWriter:
    """Writes the lines of one hand-in, a chunk a transaction; remembers hosts between chunks."""

    def __init__(self, store: Store, *, hand_in_id: int, who: str, class_scheme: str, now: datetime) -> None:
        self._store = store
        self._hand_in = hand_in_id
        self._cases = CaseWriter(store, hand_in_id=hand_in_id, who=who, class_scheme=class_scheme, now=now)
        self._hosts: dict[Site, int] = {}
        self._host_key = store.keys.derived("host")
        self._domain_key = store.keys.derived("domain")

    def write(self, good: Sequence[Good], bad: Sequence[Bad]) -> None:
        """Write one chunk whole or not at all."""
        with self._store.db.write() as connection:
            hosts = self._made_hosts(connection, good)
            submissions = self._cases.write(connection, good, {**self._hosts, **hosts})
            lines: list[tuple[Any, ...]] = [
                (self._hand_in, g.line, s, None, None) for g, s in zip(good, submissions, strict=True)
            ]
            lines += [(self._hand_in, b.line, None, dumped(b.reason), self._input(b)) for b in bad]
            insert_rows(connection, table_of(HandInLine), _LINE, lines)
            connection.execute(
                update(HandIn)
                .where(HandIn.id == self._hand_in)
                .values(accepted=HandIn.accepted + len(good), refused=HandIn.refused + len(bad))
            )
        self._hosts.update(hosts)  # only what was committed may be remembered

    def _input(self, bad: Bad) -> bytes:
        # A lone surrogate cannot be kept as it is.
        text = bad.text[:_LONGEST_INPUT].encode(errors="replace")
        return self._store.sealer.seal("hand_in_line.input", line_row(self._hand_in, bad.line), text)

    def _made_hosts(self, connection: Connection, good: Sequence[Good]) -> dict[Site, int]:
        """Return the hosts of the chunk that are not yet remembered, made where there was none."""
        wanted: dict[Site, Good] = {}
        for g in good:
            site = (g.host, g.port)
            if site not in self._hosts:
                wanted.setdefault(site, g)
        digests = {site: digest16(self._host_key, f"{site[0]}:{site[1]}".encode()) for site in wanted}
        held = _by_digest(connection, "host", list(digests.values()))
        found = {site: held[digest] for site, digest in digests.items() if digest in held}
        new = [site for site in wanted if site not in found]
        domains = self._made_domains(connection, [wanted[site] for site in new])
        seal = self._store.sealer.seal
        rows = []
        for number, site in zip(self._store.ids.take(len(new)), new, strict=True):
            g = wanted[site]
            name = seal("host.name", number, g.host)
            domain = domains[g.domain] if g.domain else None
            rows.append((number, digests[site], name, g.port, g.is_ip, domain, 0))
            found[site] = number
        insert_rows(connection, table_of(Host), _HOST, rows)
        return found

    def _made_domains(self, connection: Connection, good: Collection[Good]) -> Mapping[str, int]:
        """Return the domains of new hosts, made where there was none."""
        wanted = {g.domain: g.suffix or "" for g in good if g.domain}
        digests = {name: digest16(self._domain_key, name.encode()) for name in wanted}
        held = _by_digest(connection, "domain", list(digests.values()))
        found = {name: held[digest] for name, digest in digests.items() if digest in held}
        new = [name for name in wanted if name not in found]
        seal = self._store.sealer.seal
        rows = [
            (number, digests[name], seal("domain.name", number, name), wanted[name], "unknown")
            for number, name in zip(self._store.ids.take(len(new)), new, strict=True)
        ]
        insert_rows(connection, table_of(Domain), _DOMAIN, rows)
        return found | {name: row[0] for name, row in zip(new, rows, strict=True)}


def line_row(hand_in: int, line: int) -> int:
    """Return the number that stands for a line of a hand-in where it is sealed."""
    return hand_in * 1_000_000 + line


def _by_digest(connection: Connection, table: str, digests: Sequence[bytes]) -> dict[bytes, int]:
    asked = f"SELECT digest, id FROM {table} WHERE digest"  # noqa: S608  # one of our own tables
    return {bytes(row[0]): row[1] for row in found_by(connection, asked, digests)}
