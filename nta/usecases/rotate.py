"""Rotate: a new key seals from now on, and what older ones sealed is brought under it, while all runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from nta.domain.deadlines import LINK_LIFE
from nta.domain.errors import RefusedError
from nta.store.db.handle import Store
from nta.store.db.sealing import Sealer
from nta.store.safekeeping import key_files, resealing
from nta.store.safekeeping.resealing import Ring, SealedColumn
from nta.store.work import audit

SETTINGS: Final[dict[Ring, str]] = {"sealing": "NTA_KEYS", "portal": "NTA_PORTAL_KEYS"}

_BATCH = 200  # of mails of 256 KiB, 50 MiB
_PASSES = 10  # others seal under an older key for a second more, and hold rows for as long as a write takes
_SETTLED: Final[dict[Ring, timedelta]] = {
    # Every process seals under the newest key a second after it is there; a write ends long before this.
    "sealing": timedelta(minutes=1),
    # The digests of links hang on the key of their day.
    "portal": LINK_LIFE,
}


@dataclass(slots=True)
class Resealed:
    """What a rotation did; `damaged` are values that no key opens where they stand."""

    ring: Ring
    done: int = 0
    damaged: int = 0
    left: bool = False  # something is still sealed under an older key, or being sealed so


def rotate(
    store: Store,
    ring: Ring,
    file: Path | None,
    now: datetime,
    *,
    checkpoint: Callable[[str], None] = lambda name: None,
    progress: Callable[[int], None] = lambda count: None,
) -> Resealed:
    """Put a new key before the others and bring everything under it. Return what was done.

    `file` is the instance's; None: the keys come from the settings, where a
    person puts the new one. While there are several keys, an earlier
    rotation goes on and no further key is made, so that one that was killed
    is simply run again.

    Raises: RefusedError when rows are sealed under a key that we do not
    have, before anything is changed, or when the settings name one key only.
    """
    sealer = _sealer(store, ring)
    _refuse_strange(store, ring, sealer)
    if file is not None:
        key_files.add_key(file, SETTINGS[ring])
        checkpoint("rotate.added")
        sealer.read_again()
    elif len(sealer.keys) < 2:
        raise RefusedError(
            f"{SETTINGS[ring]} holds one key. Put a new one (`nta keys new`) after it on every machine and "
            "start all again; then put it first on every machine and start all again; then run this"
        )
    done = _reseal(store, ring, sealer, checkpoint, progress)
    _note(store, "rotate_keys", ring, f"{done.done} values", now)
    return done


def finish(
    store: Store,
    ring: Ring,
    file: Path | None,
    now: datetime,
    *,
    checkpoint: Callable[[str], None] = lambda name: None,
    progress: Callable[[int], None] = lambda count: None,
) -> Resealed:
    """Let the older keys go, once nothing is sealed under them any more. Return what was left to do.

    Raises: RefusedError while the older ones are needed, or when there are none.
    """
    sealer = _sealer(store, ring)
    sealer.read_again()
    if len(sealer.keys) < 2:
        raise RefusedError(f"{SETTINGS[ring]}: there is one key; `nta keys rotate` makes another")
    if file is not None and key_files.age(file) < _SETTLED[ring]:
        raise RefusedError(f"{file}: the newest key is younger than {_words(_SETTLED[ring])}: try again then")
    _refuse_strange(store, ring, sealer)
    done = _reseal(store, ring, sealer, checkpoint, progress)
    if done.left or done.damaged:
        raise RefusedError("the older keys stay: something is still sealed under them; see `nta keys rotate`")
    checkpoint("rotate.nothing_left")
    if file is not None:
        key_files.keep_newest(file, SETTINGS[ring], sealer.keys[0])
    _note(store, "old_keys_gone", ring, None, now)
    return done


def _sealer(store: Store, ring: Ring) -> Sealer:
    return store.sealer if ring == "sealing" else store.portal_sealer


def _refuse_strange(store: Store, ring: Ring, sealer: Sealer) -> None:
    known = {sealer.head_of(key) for key in sealer.keys}
    for one in resealing.sealed_columns(ring):
        with store.db.read() as connection:
            if resealing.a_strange_head(connection, one, known) is not None:
                lost = f"{one.place}: some rows are sealed under a key that is not among {SETTINGS[ring]}"
                raise RefusedError(f"{lost}; put it back")


def _reseal(
    store: Store,
    ring: Ring,
    sealer: Sealer,
    checkpoint: Callable[[str], None],
    progress: Callable[[int], None],
) -> Resealed:
    """Go over all columns until a pass finds nothing but what no key opens."""
    total = Resealed(ring)
    for _ in range(_PASSES):
        total.damaged, found = 0, 0
        for one in resealing.sealed_columns(ring):
            found += _reseal_column(store, one, sealer, total, checkpoint, progress)
        if not found:
            return total
    total.left = True
    return total


def _reseal_column(
    store: Store,
    one: SealedColumn,
    sealer: Sealer,
    total: Resealed,
    checkpoint: Callable[[str], None],
    progress: Callable[[int], None],
) -> int:
    """Bring one column under the newest key; return how many values were found that can be."""
    after: Sequence[Any] | None = None
    found = 0
    while True:
        with store.db.read() as connection:
            rows = resealing.under_old_keys(connection, one, sealer.head, after, _BATCH)
        if not rows:
            return found
        after = rows[-1][0]
        anew = []
        for key, sealed in rows:
            row = one.row(key)
            try:
                clear = sealer.open(one.place, row, sealed)
            except ValueError:  # it was damaged, or moved here: one value keeps no other from its new key
                total.damaged += 1
                continue
            anew.append((key, sealed, sealer.seal(one.place, row, clear)))
        checkpoint("rotate.read")
        found += len(anew)
        if anew:
            with store.db.write() as connection:
                total.done += resealing.put(connection, one, anew)
        checkpoint("rotate.written")
        progress(total.done)


def _note(store: Store, act: str, ring: Ring, detail: str | None, now: datetime) -> None:
    with store.db.write() as connection:
        audit.note(connection, store.ids, at=now, who="command", act=act, subject=ring, detail=detail)


def _words(span: timedelta) -> str:
    return f"{span.days} days" if span.days else f"{span // timedelta(minutes=1)} minute"
