"""Who is asked which kind of question, and what a failed one looks like as a finding."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.domain.reading import LARGEST_ID
from nta.domain.reasons import Code, Reason
from nta.ports import Asker
from nta.store.work.isolation import is_of_its_data, say

Told = TypeVar("Told")

# How long a failure is believed: long enough not to hammer a server in trouble, short enough
# that a notice's facts can be made fresh within its 15 minutes of waiting.
TEMPORARY_KEPT: Final = timedelta(minutes=2)
PERMANENT_KEPT: Final = timedelta(hours=1)

_LONGEST_TEXT: Final = 1_000
_LONGEST_LIST: Final = 1_000

# JSON can say them (\u0000, half a surrogate pair), databases cannot hold them and nobody's name has them.
_UNTELLABLE: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class TryLaterError(OutsideError):
    """Another system asked us to come back at `at` and not before."""

    def __init__(self, reason: Reason | Code | str, at: datetime) -> None:
        super().__init__(reason, temporary=True)
        self.at = at


def failed(lookup: Lookup, source: str, now: datetime, error: OutsideError) -> Finding:
    """Return the finding that says why there is no answer, valid until asking again makes sense."""
    kept = now + (TEMPORARY_KEPT if error.temporary else PERMANENT_KEPT)
    again_at = error.at if isinstance(error, TryLaterError) else None
    return Finding(
        lookup=lookup,
        value=None,
        source=source,
        asked_at=now,
        valid_until=again_at or kept,
        problem=LookupProblem(lookup.kind.value, error.reason, error.temporary, again_at),
    )


def side_by_side(
    find: Callable[[Lookup], Finding],
    lookups: Collection[Lookup],
    workers: int,
    patience_s: float,
    late: Callable[[Lookup], Finding],
) -> Iterator[Finding]:
    """Yield what `find` finds for each look-up, as answers come, from so many threads at once.

    When patience is over what has not begun is not begun any more, and
    `late` says what is told of all that are open.
    """
    wanted = dict.fromkeys(lookups)
    with ThreadPoolExecutor(workers, "ask") as pool:
        asked = [pool.submit(find, lookup) for lookup in wanted]
        try:
            for future in as_completed(asked, patience_s):
                finding = future.result()
                del wanted[finding.lookup]
                yield finding
        except TimeoutError:
            yield from map(late, wanted)
        finally:
            for rest in asked:
                rest.cancel()


class Askers:
    """One adapter for each kind of look-up."""

    def __init__(self, adapters: Mapping[LookupKind, Asker]) -> None:
        self._adapters = dict(adapters)

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterable[Finding]:
        """Yield one finding for each look-up; a kind that breaks off gives problems for its rest."""
        kinds: dict[LookupKind, dict[Lookup, None]] = {}
        for lookup in lookups:
            kinds.setdefault(lookup.kind, {})[lookup] = None
        for kind, wanted in kinds.items():
            yield from self._ask_kind(kind, wanted, now)

    def _ask_kind(self, kind: LookupKind, wanted: dict[Lookup, None], now: datetime) -> Iterator[Finding]:
        error = OutsideError(Code.NOBODY_ASKED, temporary=False)
        adapter = self._adapters.get(kind)
        if adapter is not None:
            try:
                for finding in adapter.ask(list(wanted), now):
                    wanted.pop(finding.lookup, None)
                    yield replace(finding, value=tellable(finding.value)) if finding.value else finding
            except OutsideError as fault:
                error = fault
            except Exception as fault:
                if not is_of_its_data(fault):
                    raise
                # An adapter that stumbles over one answer loses those beside it: what is open is halved.
                if len(wanted) > 1:
                    listed = list(wanted)
                    half = len(listed) // 2
                    for part in (listed[:half], listed[half:]):
                        yield from self._ask_kind(kind, dict.fromkeys(part), now)
                    return
                say("look-up", {kind.value: fault})
                error = OutsideError(Code.ANSWER_UNREADABLE, temporary=True)
        for lookup in wanted:
            yield failed(lookup, kind.value, now, error)


def tellable(answer: Told) -> Told:
    """Return an answer within bounds, a mark for each character that no text of ours may hold.

    The mark makes an address that held one unusable, as it should be: to
    leave the character out would make it another's. A number that no
    column holds is none; texts and lists end where nobody's go on.
    """
    bounded: Told = _bounded(answer)
    return bounded


def _bounded(value: Any) -> Any:
    """Return any part of an answer (hence `Any`), bounded; the very same where nothing is to be done."""
    if isinstance(value, str):
        if len(value) > _LONGEST_TEXT:
            value = value[:_LONGEST_TEXT]
        return value if value.isascii() and value.isprintable() else _UNTELLABLE.sub("\ufffd", value)
    if isinstance(value, tuple):
        return tuple(map(_bounded, value[:_LONGEST_LIST]))
    if isinstance(value, int) and abs(value) > LARGEST_ID:
        return None
    if is_dataclass(value) and not isinstance(value, type):
        held = {field.name: getattr(value, field.name) for field in fields(value)}
        other = {name: one for name, old in held.items() if (one := _bounded(old)) != old}
        return replace(value, **other) if other else value
    return value
