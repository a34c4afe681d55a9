"""Handing in: confirmed URLs become cases, each line with its own result."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from nta.domain.errors import RefusedError
from nta.domain.intake.lines import (
    InputLine,
    SubmissionTerms,
    Terms,
    lines_of,
    locate,
    read_lines,
    told,
)
from nta.domain.intake.urls import digest, public_suffix, registrable_domain
from nta.domain.policy import DeskAct, Person, permit
from nta.domain.reasons import Reason
from nta.store.cases.hand_ins import (
    Bad,
    Good,
    HandInWriter,
    finish,
    open_hand_in,
)
from nta.store.db.handle import Store

__all__ = [
    "Examined",
    "HandedIn",
    "InputLine",
    "Terms",
    "examine",
    "hand_in",
    "hand_in_at_desk",
    "lines_of",
    "read_lines",
]

CHUNK = 320
"""Lines a transaction: with six rows each about 2,000 rows, some tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What became of a hand-in."""

    id: int
    accepted: int
    refused: int


@dataclass(frozen=True, slots=True)
class Examined:
    """One line as understood: its canonical URL, or the reason why it was refused."""

    line: int
    text: str
    good: Good | None
    reason: Reason | None


def examine(lines: Iterable[InputLine], terms: Terms, *, key: bytes, now: datetime) -> Iterator[Examined]:
    """Yield each line as understood; writes nothing. `key` is the digest key of URLs."""
    plain = told(InputLine(0, ""), terms, now)
    for line in lines:
        try:
            yield Examined(line.line, line.text, _good(line, terms, plain, key, now), None)
        except RefusedError as refusal:
            yield Examined(line.line, line.text, None, refusal.reason)


def hand_in_at_desk(
    store: Store,
    lines: Iterable[InputLine],
    terms: Terms,
    *,
    by: Person,
    key: str,
    way: str,
    now: datetime,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> HandedIn:
    """Hand in what a person of the desk confirmed, as `hand_in` does.

    Raises: RefusedError, before anything is written, where no role of theirs includes it.
    """
    who = permit(by, DeskAct.HAND_IN)
    return hand_in(store, lines, terms, who=who, key=key, way=way, now=now, checkpoint=checkpoint)


def hand_in(
    store: Store,
    lines: Iterable[InputLine],
    terms: Terms,
    *,
    who: str,
    key: str,
    way: str,
    now: datetime,
    each: Callable[[Examined], None] | None = None,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> HandedIn:
    """Write every good line of a hand-in and say what is wrong with the others.

    No role is asked for: whoever runs a command on the machine needs none.
    People at the desk come in by `hand_in_at_desk`.

    `who` and `key` make a repetition harmless: a hand-in that is whole is
    answered with its counts, one that was cut off goes on after its last
    line. `each` is told every line in order.
    """
    told(InputLine(0, ""), terms, now)  # terms that cannot be are refused before anything is written
    opened = open_hand_in(store, who=who, key=key, way=way, now=now)
    checkpoint("submit.opened")
    url_key = store.keys.derived("url")
    writer = HandInWriter(store, hand_in_id=opened.id, who=who, class_scheme=terms.class_scheme, now=now)
    accepted, refused = opened.accepted, opened.refused
    rest = (line for line in lines if line.line > opened.last_line and not opened.finished)
    for chunk in _ahead(examine(rest, terms, key=url_key, now=now)):
        good = [e.good for e in chunk if e.good is not None]
        bad = [Bad(e.line, e.text, e.reason) for e in chunk if e.reason is not None]
        writer.write(good, bad)
        checkpoint("submit.written")
        accepted += len(good)
        refused += len(bad)
        if each is not None:
            for examined in chunk:
                each(examined)
    if not opened.finished:
        finish(store, opened.id, now)
    checkpoint("submit.finished")
    return HandedIn(opened.id, accepted, refused)


def _ahead(lines: Iterator[Examined]) -> Iterator[list[Examined]]:
    """Yield chunks; while one is being written, the next is read in another thread.

    A commit waits for the disk, and reading needs no database.
    """
    with ThreadPoolExecutor(1, "submit") as pool:
        coming = pool.submit(_chunk, lines)
        while chunk := coming.result():
            coming = pool.submit(_chunk, lines)
            yield chunk


def _chunk(lines: Iterator[Examined]) -> list[Examined]:
    return list(islice(lines, CHUNK))


def _good(line: InputLine, terms: Terms, plain: SubmissionTerms, key: bytes, now: datetime) -> Good:
    location = locate(line)
    host = location.host
    return Good(
        line.line,
        location.url,
        digest(location.url, key),
        host,
        location.port,
        location.is_ip,
        registrable_domain(host),
        public_suffix(host),
        told(line, terms, now) if line.own else plain,
    )
