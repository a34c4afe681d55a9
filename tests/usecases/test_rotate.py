"""Rotating keys: everything comes under the new one while others write, and whatever the moment of a kill."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from nta.domain.errors import RefusedError
from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring, key_file, keys_in
from nta.store.hosting import override_rows
from nta.store.safekeeping.key_files import new_key
from nta.store.safekeeping.resealing import Ring, sealed_columns
from nta.store.tables import Case, Host
from nta.usecases import answer, rotate
from tests.conftest import NINE
from tests.databases import Cluster
from tests.fakes import CountingIds
from tests.sealed import LATER, fill, heads, opened, store_of, submit
from tests.telling import KilledError, Killer

PLACES = {
    "answer.why",
    "arrangement.facts",
    "case.referrer",
    "case.url",
    "domain.forced_origin",
    "domain.name",
    "finding.value",
    "hand_in_line.input",
    "host.forced_origin",
    "host.name",
    "mail.content",
    "notice.content",
    "notice_item.location",
    "notice_item.portal",
    "submission.referrer",
}


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "instance"


@pytest.fixture
def own(database: Database, instance: Path) -> Store:
    return store_of(database, instance)


def keys_of(instance: Path, ring: Ring = "sealing") -> tuple[bytes, ...]:
    return keys_in(key_file(instance, ring), "a key")


def aged(instance: Path, ring: Ring = "sealing") -> Path:
    """Let the keys have been changed long ago."""
    file = key_file(instance, ring)
    os.utime(file, (0, 0))
    return file


def under(keys: Keyring, store: Store) -> Store:
    """Return the store of a process that has these keys and no others."""
    return Store.open(store.db, keys, CountingIds(9_000_000))


def test_every_sealed_column_of_every_table_is_brought_under_the_new_keys(own: Store, instance: Path) -> None:
    fill(own)
    before = opened(own)

    for ring in ("sealing", "portal"):
        done = rotate.rotate(own, ring, key_file(instance, ring), NINE)
        assert (done.damaged, done.left) == (0, False)
        rotate.finish(own, ring, aged(instance, ring), NINE)

    newest = Keyring(keys_of(instance), own.keys.digest, keys_of(instance, "portal"))
    assert {place for place, _ in before} == PLACES == {one.place for one in sealed_columns()}
    assert opened(under(newest, own)) == before
    assert not {newest.sealing[0], newest.portal[0]} & {own.keys.sealing[0], own.keys.portal[0]}
    assert heads(own) == {own.sealer.head, own.portal_sealer.head}


@pytest.mark.parametrize("name", ["rotate.added", "rotate.read", "rotate.written"])
def test_a_rotation_that_was_killed_goes_on_with_the_same_key(name: str, own: Store, instance: Path) -> None:
    fill(own)
    before, file = opened(own), key_file(instance, "sealing")
    with pytest.raises(KilledError):
        rotate.rotate(own, "sealing", file, NINE, checkpoint=Killer(name, at=1))
    half_way = keys_of(instance)

    again = store_of(own.db, instance, CountingIds(5_000_000))
    assert opened(again) == before
    rotate.rotate(again, "sealing", file, NINE)
    aged(instance)
    with pytest.raises(KilledError):
        rotate.finish(again, "sealing", file, NINE, checkpoint=Killer("rotate.nothing_left"))
    rotate.finish(again, "sealing", file, NINE)

    assert len(half_way) == 2
    assert keys_of(instance) == half_way[:1]
    assert opened(store_of(own.db, instance)) == before


def test_keys_are_rotated_while_others_hand_in(own: Store, instance: Path) -> None:
    fill(own)
    running = [store_of(own.db, instance, CountingIds(1_000_000 * n)) for n in (2, 3)]
    stop, faults = threading.Event(), []

    def work(number: int) -> None:
        count = 0
        try:
            while not stop.is_set() or count == 0:
                submit(running[number], f"w{number}x{count}", 20)
                count += 1
        except Exception as fault:  # noqa: BLE001  # told below
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        first = rotate.rotate(own, "sealing", key_file(instance, "sealing"), NINE)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    rotate.rotate(own, "sealing", key_file(instance, "sealing"), NINE)
    before = opened(running[0])
    rotate.finish(own, "sealing", aged(instance), NINE)

    assert faults == []
    assert first.done > 0
    assert opened(store_of(own.db, instance)) == before
    assert opened(running[0]) == before


def test_what_is_written_between_reading_and_writing_stands(own: Store, instance: Path) -> None:
    fill(own)
    with own.db.read() as connection:
        host = connection.execute(select(Host.id).where(Host.forced_origin_sealed.is_not(None))).scalar_one()
    known: list[str] = []
    slow = Store.open(own.db, own.keys, own.ids)  # it has not looked for the new key yet

    def write_meanwhile(name: str) -> None:
        if name == "rotate.read" and len(known) < 20:
            known.append(f"192.0.2.{len(known)}")
            with own.db.write() as connection:
                override_rows.put(connection, slow, host, reason="known", until=None, origin=known[-1])

    rotate.rotate(own, "sealing", key_file(instance, "sealing"), NINE, checkpoint=write_meanwhile)

    assert known
    assert opened(own)["host.forced_origin", host] == known[-1].encode()


def test_a_rotation_waits_for_nobody_who_holds_a_row(cluster: Cluster, instance: Path) -> None:
    with cluster.fresh() as uri:
        own = store_of(Database(uri), instance)
        fill(own)
        file = key_file(instance, "sealing")
        with own.db.write() as connection:
            held = connection.execute(select(Case.id).limit(1).with_for_update()).scalar_one()
            first = rotate.rotate(own, "sealing", file, NINE)
            connection.execute(update(Case).where(Case.id == held).values(severity="high"))
        second = rotate.rotate(own, "sealing", file, NINE)
        own.db.dispose()

    assert (first.left, second.left) == (True, False)
    assert second.done == 2  # its URL and its referrer


def test_a_running_process_opens_what_is_sealed_under_a_key_made_after_its_start(
    own: Store, instance: Path
) -> None:
    fill(own)
    running = store_of(own.db, instance)
    rotate.rotate(own, "sealing", key_file(instance, "sealing"), NINE)
    rotate.rotate(own, "portal", key_file(instance, "portal"), NINE)

    assert opened(running) == opened(own)


def test_links_made_before_and_after_a_rotation_open_in_a_portal_that_runs(
    own: Store, instance: Path
) -> None:
    notice = fill(own)
    portal = store_of(own.db, instance, CountingIds(4_000_000))
    rotate.rotate(own, "portal", key_file(instance, "portal"), NINE)

    assert len(answer.listing(portal, notice.token, LATER).items) == 1
    with pytest.raises(RefusedError, match="the newest key is younger than 30 days"):
        rotate.finish(own, "portal", key_file(instance, "portal"), NINE)


def test_an_old_key_stays_until_every_process_has_the_new_one(own: Store, instance: Path) -> None:
    rotate.rotate(own, "sealing", key_file(instance, "sealing"), NINE)

    with pytest.raises(RefusedError, match="the newest key is younger than 1 minute"):
        rotate.finish(own, "sealing", key_file(instance, "sealing"), NINE)
    assert len(keys_of(instance)) == 2


def test_without_the_key_of_every_row_nothing_is_changed(own: Store, instance: Path) -> None:
    fill(own)
    file = key_file(instance, "sealing")
    file.write_text(new_key().hex())
    before = file.read_bytes()
    stranger = store_of(own.db, instance)

    with pytest.raises(RefusedError, match="are sealed under a key that is not among NTA_KEYS; put it back"):
        rotate.rotate(stranger, "sealing", file, NINE)
    assert file.read_bytes() == before


def test_a_damaged_value_keeps_no_other_from_its_new_key(own: Store, instance: Path) -> None:
    fill(own)
    before = opened(own)
    place = next(key for key in before if key[0] == "case.url")
    with own.db.write() as connection:
        broken = own.sealer.seal("case.url", 1, "moved here")
        connection.execute(update(Case).where(Case.id == place[1]).values(url_sealed=broken))
    file = key_file(instance, "sealing")

    done = rotate.rotate(own, "sealing", file, NINE)

    assert (done.damaged, done.done) == (1, len([1 for p, _ in before if p not in PORTALS]) - 1)
    with pytest.raises(RefusedError, match="the older keys stay"):
        rotate.finish(own, "sealing", aged(instance), NINE)


PORTALS = {one.place for one in sealed_columns("portal")}


@pytest.fixture
def several(database: Database) -> Any:
    """Makes stores whose keys come from settings: each call is a process with these keys."""
    ids = CountingIds()
    return lambda *keys: Store.open(database, Keyring(keys, b"d" * 32, (b"p" * 32,)), ids)


def test_keys_of_the_settings_are_put_there_by_a_person(several: Any) -> None:
    old, new = b"o" * 32, b"n" * 32
    fill(several(old))
    before = opened(several(old))

    with pytest.raises(RefusedError, match=r"Put a new one \(`nta keys new`\) after it on every machine"):
        rotate.rotate(several(old), "sealing", None, NINE)
    done = rotate.rotate(several(new, old), "sealing", None, NINE)
    rotate.finish(several(new, old), "sealing", None, NINE)

    assert done.done == len([1 for place, _ in before if place not in PORTALS])
    assert opened(several(new)) == before
