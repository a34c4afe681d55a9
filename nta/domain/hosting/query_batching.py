"""Asking registries about few addresses for many: first one far from the next, then closer and closer."""

from collections.abc import Iterable

from nta.domain.hosting.lookups import ABOUT_ADDRESSES, Lookup, LookupKind
from nta.domain.intake.reserved_names import number_of

_LENGTHS = {
    4: tuple(range(16, 33)),
    6: (28, 29, 30, 31, 32, 34, 36, 38, 40, 42, 44, 46, 48, 52, 56, 64, 128),
}
"""Prefixes of which one address is asked about at a time, step by step.

A registered range is asked about once if, before any narrower prefix, its
own length had its turn: then its addresses were one prefix, not two.
"""
_LAST = len(_LENGTHS[4]) - 1


def one_of_each(lookups: Iterable[Lookup], step: int = 0) -> tuple[frozenset[Lookup], int]:
    """Return the look-ups of a set of hosts to ask for side by side, and the step for what is open then.

    `next_lookups` sees one host; of many hosts one answer mostly covers
    others. Of look-ups about addresses one of each kind and prefix is
    chosen; a step that would choose the same ones again is passed over.
    """
    wanted = sorted(lookups, key=lambda x: (x.subject, x.kind))
    chosen = _chosen(wanted, step)
    after = step + 1
    while after < _LAST and len(_chosen(wanted, after)) == len(chosen):
        after += 1
    return frozenset(chosen), min(after, _LAST)


def _chosen(wanted: Iterable[Lookup], step: int) -> list[Lookup]:
    found: dict[tuple[LookupKind, int, int] | Lookup, Lookup] = {}
    for lookup in wanted:
        found.setdefault(_place(lookup, step) if lookup.kind in ABOUT_ADDRESSES else lookup, lookup)
    return list(found.values())


def _place(lookup: Lookup, step: int) -> tuple[LookupKind, int, int]:
    version, number = number_of(lookup.subject)
    width = (32 if version == 4 else 128) - _LENGTHS[version][step]
    return lookup.kind, version, number >> width
