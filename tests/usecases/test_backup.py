"""Backup and restore: of one moment under load, whole and readable, and a copy that keeps quiet."""

import gzip
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from nta.domain.errors import RefusedError
from nta.domain.intake import urls
from nta.store import schema
from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.safekeeping import archive, key_files
from nta.store.tables import AuditEntry, Base, Case, DeskUser, Due, Episode, HandIn, Submission
from nta.store.tables.account_tables import AsaList
from nta.store.work import audit, due, switches
from nta.usecases import backup
from nta.usecases.decisions import case_decisions
from nta.web import access
from tests.builders_notices import World
from tests.conftest import NINE, hours
from tests.databases import Cluster
from tests.fakes import CountingIds, SetClock
from tests.people import by
from tests.sealed import LATER, fill, heads, opened, store_of, submit
from tests.telling import KilledError, Killer, Service


@pytest.fixture
def own(database: Database, tmp_path: Path) -> Store:
    return store_of(database, tmp_path / "instance")


@pytest.fixture
def empty(database: Database, cluster: Cluster, tmp_path: Path) -> Iterator[Any]:
    """Makes empty databases of the kind under test, in which nothing ever was."""
    with ExitStack() as made:

        def make() -> Database:
            if database.is_sqlite:
                there = Database(f"sqlite:///{tmp_path / 'there' / 'nta.sqlite'}")
                (tmp_path / "there").mkdir(exist_ok=True)
            else:
                there = Database(made.enter_context(cluster.fresh("template1")))
            made.callback(there.dispose)
            return there

        yield make


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def restored(own: Store, saved: Path, there: Database, **more: Any) -> Store:
    """Return the store of a restored database, with the keys of the one backed up."""
    backup.restore(there, saved, own.keys, LATER, **more)
    return Store.open(there, own.keys, CountingIds(80_000_000))


def counts(store: Store) -> dict[str, int]:
    with store.db.read() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
        }


def rows(store: Store, table: Any, *without: str) -> list[Any]:
    kept = [c for c in table.__table__.columns if c.name not in without and not isinstance(c.type, AsaList)]
    with store.db.read() as connection:
        return sorted(map(tuple, connection.execute(select(*kept))))


def test_everything_comes_back_as_it_was(own: Store, empty: Any, saved: Path) -> None:
    fill(own)
    access.add_user(own, "lead@hotline.test", "correct horse battery", "lead", clock=SetClock(NINE))

    made = backup.back_up(own.db, saved, NINE)
    copy = restored(own, saved, empty())

    assert opened(copy) == opened(own)
    assert schema.current(copy.db) == schema.head()
    assert made.total == sum(counts(own).values())
    changed = {"audit_entry": counts(own)["audit_entry"] + 1, "switch": 1}
    assert counts(copy) == counts(own) | changed
    for table in (Case, Submission, Episode, HandIn):
        assert rows(copy, table) == rows(own, table)
    assert rows(copy, DeskUser, "fs_uniquifier") == rows(own, DeskUser, "fs_uniquifier")
    with copy.db.read() as connection:
        assert audit.verify(connection) == []


def test_a_backup_under_load_is_of_one_moment(own: Store, empty: Any, saved: Path, tmp_path: Path) -> None:
    fill(own)
    stop, faults = threading.Event(), []
    many = [store_of(own.db, tmp_path / "instance", CountingIds(1_000_000 * n)) for n in (2, 3)]

    def work(number: int) -> None:
        try:
            count = 0
            while not stop.is_set():
                submit(many[number], f"w{number}x{count}", 30)
                count += 1
        except Exception as fault:  # noqa: BLE001  # told below
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        made = backup.back_up(own.db, saved, NINE)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    copy = restored(own, saved, empty())

    assert faults == []
    held = counts(copy)
    assert {name: held[name] for name in made.rows if name not in ("audit_entry", "switch")} == {
        name: count for name, count in made.rows.items() if name not in ("audit_entry", "switch")
    }
    assert set(opened(copy).items()) <= set(opened(own).items())
    # Of one moment: each write puts in as many submissions as its hand-in counts, and a due look each.
    with copy.db.read() as connection:
        told = dict(map(tuple, connection.execute(select(HandIn.id, HandIn.accepted))))
        found = select(Submission.hand_in_id, func.count()).where(Submission.hand_in_id.is_not(None))
        assert dict(map(tuple, connection.execute(found.group_by(Submission.hand_in_id)))) == {
            number: count for number, count in told.items() if count
        }


def test_a_restored_copy_sends_nothing_until_a_lead_allows_it(own: Store, empty: Any, saved: Path) -> None:
    world = World(own)
    episode = world.ready()
    with own.db.write() as connection:
        digest = urls.digest(world.urls[episode], own.keys.derived("url"))
        connection.execute(update(Case).values(digest=digest))
    service = Service(own)
    service.escalate(NINE)
    service.notify(NINE + hours(0.2))
    now = NINE + hours(0.2)
    with pytest.raises(KilledError):
        service.dispatch(now, Killer("dispatch.composed"))
    backup.back_up(own.db, saved, now)
    copy = restored(own, saved, empty())
    there = Service(copy)

    before = there.dispatch(now + hours(1))
    with copy.db.read() as connection:
        stopped = switches.sending_stopped(connection)
        held = connection.execute(select(Due.taken_by, Due.taken_until)).all()
        said = connection.execute(select(AuditEntry.who, AuditEntry.act, AuditEntry.detail)).all()
    case_decisions.allow_sending(copy, by("lead@hotline.test"), now + hours(1))
    after = there.dispatch(now + hours(1))

    assert (before, stopped, after) == (0, True, 1)
    assert {tuple(row) for row in held} == {(None, None)}
    assert [tuple(row) for row in said] == [
        ("command", "restored", "backup of 2026-03-02 09:12 UTC; sending is stopped")
    ]
    service.dispatch(now + hours(1), holder="another")  # the first goes on too: the same bytes, the same path
    assert there.relay.given[0].return_path.startswith("return+")
    with own.db.write() as connection:
        due.release_all(connection)
    service.dispatch(now + hours(1))
    assert there.relay.given == service.relay.given


def test_log_ins_of_before_end_in_the_copy(own: Store, empty: Any, saved: Path) -> None:
    access.add_user(own, "lead@hotline.test", "correct horse battery", "lead", clock=SetClock(NINE))
    backup.back_up(own.db, saved, NINE)
    copy = restored(own, saved, empty())
    access.add_user(copy, "next@hotline.test", "correct horse battery", "lead", clock=SetClock(NINE))

    def marks(store: Store) -> set[str]:
        with store.db.read() as connection:
            return set(connection.execute(select(DeskUser.fs_uniquifier)).scalars())

    assert len(marks(own)) == 1
    assert len(marks(copy)) == 2
    assert not marks(own) & marks(copy)


def test_a_backup_holds_no_key_and_is_for_our_eyes_only(own: Store, saved: Path) -> None:
    fill(own)
    backup.back_up(own.db, saved, NINE)

    held = gzip.decompress(saved.read_bytes())
    for key in (*own.keys.sealing, own.keys.digest, *own.keys.portal):
        assert key not in held
        assert key.hex().encode() not in held
    assert b"quick.example/p" not in held
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert heads(own)


@pytest.mark.parametrize("spoilt", ["cut", "changed", "a row gone", "no gzip", "other"])
def test_a_backup_that_is_not_whole_is_refused_and_nothing_is_written(
    spoilt: str, own: Store, empty: Any, saved: Path
) -> None:
    fill(own)
    backup.back_up(own.db, saved, NINE)
    whole = saved.read_bytes()
    lines = gzip.decompress(whole).splitlines(keepends=True)
    row = next(n for n, line in enumerate(lines) if line.startswith(b"["))
    changes = {
        "cut": whole[: len(whole) // 2],
        "changed": gzip.compress(b"".join(lines).replace(b'"first"', b'"fjrst"', 1)),
        "a row gone": gzip.compress(b"".join(lines[:row] + lines[row + 1 :])),
        "no gzip": b"x" * 400,
        "other": gzip.compress(b'{"kind":"x"}\n'),
    }
    saved.write_bytes(changes[spoilt])
    there = empty()

    with pytest.raises(RefusedError, match="is no backup of nta, or is damaged"):
        restored(own, saved, there)
    assert schema.current(there) is None


def test_a_database_in_use_is_not_restored_into(own: Store, saved: Path) -> None:
    fill(own)
    backup.back_up(own.db, saved, NINE)
    before = opened(own)

    with pytest.raises(RefusedError, match=r"the database is in use \(\w+ holds rows\)"):
        restored(own, saved, own.db)
    assert opened(own) == before


@pytest.mark.parametrize("wrong", ["sealing", "digest", "portal"])
def test_keys_that_do_not_fit_are_refused_and_nothing_is_written(
    wrong: str, own: Store, empty: Any, saved: Path
) -> None:
    fill(own)
    backup.back_up(own.db, saved, NINE)
    other = key_files.new_key()
    given = {"sealing": (other,), "digest": other, "portal": (other,)}
    keys = type(own.keys)(**{n: given[n] if n == wrong else getattr(own.keys, n) for n in given})
    there, put = empty(), []

    with pytest.raises(RefusedError, match=r"these keys do not open it|the digest key is another"):
        backup.restore(there, saved, keys, LATER, put_keys_back=lambda: put.append(1))
    assert (schema.current(there), put) == (None, [])


@pytest.mark.parametrize(
    "name", ["restore.keys", "restore.schema", "restore.filled", "restore.committed", "restore.made"]
)
def test_a_restore_that_was_killed_is_run_again_or_has_sending_stopped(
    name: str, own: Store, empty: Any, saved: Path
) -> None:
    fill(own)
    backup.back_up(own.db, saved, NINE)
    there, killed = empty(), Killer(name)
    with suppress(KilledError):
        restored(own, saved, there, checkpoint=killed)
    there.dispose()
    with there.read() as connection:
        used = next(archive.in_use(connection), None)

    if used is None:
        restored(own, saved, there)
    with there.read() as connection:
        assert switches.sending_stopped(connection)
    assert opened(Store.open(there, own.keys, own.ids)) == opened(own)
    assert killed.passed == 1 or (name == "restore.made" and not there.is_sqlite)


def test_a_backup_of_an_older_version_is_brought_to_this_one(own: Store, empty: Any, saved: Path) -> None:
    fill(own)
    schema.downgrade(own.db, "0007")
    made = backup.back_up(own.db, saved, NINE)
    copy = restored(own, saved, empty())
    schema.upgrade(own.db)

    assert made.schema == "0007"
    assert schema.current(copy.db) == schema.head()
    assert opened(copy) == opened(own)


def test_a_backup_newer_than_the_code_is_refused(own: Store, empty: Any, saved: Path) -> None:
    with own.db.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    backup.back_up(own.db, saved, NINE)
    there = empty()

    with pytest.raises(RefusedError, match="is of version 9999, newer than this code"):
        restored(own, saved, there)
    assert schema.current(there) is None


def test_nothing_is_backed_up_over_another_file_or_from_nothing(own: Store, empty: Any, saved: Path) -> None:
    with pytest.raises(RefusedError, match="the database is empty"):
        backup.back_up(empty(), saved, NINE)
    saved.write_text("dear")

    with pytest.raises(RefusedError, match="exists already"):
        backup.back_up(own.db, saved, NINE)
    assert saved.read_text() == "dear"
    assert [path.name for path in saved.parent.iterdir() if path.name.startswith(".backup")] == []


def test_a_backup_of_one_kind_of_database_is_restored_into_the_other(
    cluster: Cluster, blank_sqlite: Path, tmp_path: Path, saved: Path
) -> None:
    shutil.copy(blank_sqlite, tmp_path / "small.sqlite")
    small = Database(f"sqlite:///{tmp_path / 'small.sqlite'}")
    own = store_of(small, tmp_path / "instance")
    fill(own)
    backup.back_up(small, saved, NINE)

    with cluster.fresh("template1") as uri:
        large = Database(uri)
        copy = restored(own, saved, large)
        access.add_user(copy, "lead@hotline.test", "correct horse battery", "lead", clock=SetClock(NINE))
        assert opened(copy) == opened(own)
        large.dispose()
    small.dispose()


def test_a_damaged_file_is_found_by_its_backup(blank_sqlite: Path, tmp_path: Path, saved: Path) -> None:
    shutil.copy(blank_sqlite, tmp_path / "small.sqlite")
    small = Database(f"sqlite:///{tmp_path / 'small.sqlite'}")
    with small.write() as connection:
        for number in range(400):
            connection.execute(
                insert(HandIn).values(id=number, who="x" * 60, key=str(number), way="paste", received_at=NINE)
            )
    with small.bare().connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.exec_driver_sql(
            "SELECT rootpage FROM sqlite_master WHERE name = 'uq_hand_in_who_key' OR tbl_name = 'hand_in' "
            "ORDER BY rootpage DESC LIMIT 1"
        ).scalar_one()
    small.dispose()
    with (tmp_path / "small.sqlite").open("r+b") as raw:
        raw.seek((page - 1) * 4096)
        raw.write(b"\xff" * 200)

    with pytest.raises(RefusedError, match="the database is damaged"):
        backup.back_up(small, saved, NINE)
    small.dispose()
    assert not saved.exists()
