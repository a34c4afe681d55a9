"""The audit trail: what was changed, taken out, put in or turned about is found."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Barrier

import pytest
from sqlalchemy import delete, func, insert, select, update

from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.tables import AuditBatch, AuditEntry
from nta.store.work import audit
from tests.conftest import NINE, hours


def noted(store: Store, count: int) -> None:
    with store.db.write() as connection:
        for number in range(count):
            audit.note(
                connection,
                store.ids,
                at=NINE + hours(number),
                who="lead@hotline.test",
                act="reveal",
                subject=f"C-{number}",
                detail="because" if number % 2 else None,
            )


def sealed(store: Store) -> int:
    with store.db.write() as connection:
        return audit.seal(connection, NINE)


def faults(database: Database) -> list[str]:
    with database.read() as connection:
        return audit.verify(connection)


@pytest.fixture
def trail(store: Store) -> Store:
    """Three sealed batches of four entries, and one entry that is not sealed yet."""
    for _ in range(3):
        noted(store, 4)
        sealed(store)
    noted(store, 1)
    return store


def test_an_untouched_trail_holds(trail: Store) -> None:
    assert faults(trail.db) == []
    with trail.db.read() as connection:
        assert connection.execute(
            select(AuditBatch.number, AuditBatch.entries).order_by(AuditBatch.number)
        ).all() == [
            (1, 4),
            (2, 4),
            (3, 4),
        ]


def test_a_trail_without_entries_holds_and_seals_nothing(store: Store) -> None:
    assert sealed(store) == 0
    assert faults(store.db) == []


def test_a_batch_takes_no_more_than_it_may(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    noted(store, 7)
    monkeypatch.setattr(audit, "BATCH", 3)

    assert [sealed(store) for _ in range(4)] == [3, 3, 1, 0]
    assert faults(store.db) == []


def test_two_that_seal_at_once_make_one_chain(store: Store) -> None:
    noted(store, 5)
    begin = Barrier(4)

    def one() -> int:
        begin.wait()
        return sealed(store)

    with ThreadPoolExecutor(4) as pool:
        counts = [call.result() for call in [pool.submit(one) for _ in range(4)]]

    assert sorted(counts) == [0, 0, 0, 5]
    assert faults(store.db) == []


@pytest.mark.parametrize("column", ["at", "who", "act", "subject", "detail"])
def test_a_changed_entry_is_found(trail: Store, column: str) -> None:
    with trail.db.write() as connection:
        first = connection.execute(select(func.min(AuditEntry.id))).scalar_one()
        changed = NINE - hours(1) if column == "at" else "other"
        connection.execute(update(AuditEntry).where(AuditEntry.id == first).values({column: changed}))

    assert faults(trail.db) == ["batch 1: an entry was changed"]


def test_a_removed_entry_is_found(trail: Store) -> None:
    with trail.db.write() as connection:
        last = connection.execute(select(func.max(AuditEntry.id)).where(AuditEntry.batch == 2)).scalar_one()
        connection.execute(delete(AuditEntry).where(AuditEntry.id == last))

    assert faults(trail.db) == ["batch 2: 3 entries, 4 were sealed"]


def test_an_added_entry_is_found(trail: Store) -> None:
    with trail.db.write() as connection:
        connection.execute(insert(AuditEntry).values(id=1, at=NINE, who="nobody", act="login", batch=1))

    assert faults(trail.db) == ["batch 1: 5 entries, 4 were sealed"]


def test_entries_that_changed_places_are_found(trail: Store) -> None:
    with trail.db.write() as connection:
        one, two = connection.execute(
            select(AuditEntry.id).where(AuditEntry.batch == 1).order_by(AuditEntry.id).limit(2)
        ).scalars()
        for before, after in ((one, 1), (two, one), (1, two)):
            connection.execute(update(AuditEntry).where(AuditEntry.id == before).values(id=after))

    assert faults(trail.db) == ["batch 1: an entry was changed"]


def test_a_batch_sealed_anew_breaks_the_chain(trail: Store) -> None:
    """Whoever changes an entry has to compute anew all that follows it."""
    with trail.db.write() as connection:
        connection.execute(update(AuditEntry).where(AuditEntry.batch == 1).values(who="other"))
        leaves = [
            audit._leaf(row) for row in connection.execute(audit._entries().where(AuditEntry.batch == 1))
        ]
        connection.execute(
            update(AuditBatch).where(AuditBatch.number == 1).values(root=audit.merkle_root(leaves))
        )

    assert faults(trail.db) == ["batch 1: not chained to the batch before"]


def test_a_batch_taken_out_is_found(trail: Store) -> None:
    with trail.db.write() as connection:
        connection.execute(delete(AuditEntry).where(AuditEntry.batch == 2))
        connection.execute(delete(AuditBatch).where(AuditBatch.number == 2))

    assert faults(trail.db) == ["batch 2: missing", "batch 3: not chained to the batch before"]


def test_entries_without_their_batch_are_found(trail: Store) -> None:
    with trail.db.write() as connection:
        connection.execute(delete(AuditBatch).where(AuditBatch.number == 3))

    assert faults(trail.db) == ["4 entries name a batch that does not exist"]


def test_the_time_of_sealing_cannot_be_moved(trail: Store) -> None:
    with trail.db.write() as connection:
        connection.execute(update(AuditBatch).where(AuditBatch.number == 3).values(sealed_at=NINE - hours(9)))

    assert faults(trail.db) == ["batch 3: not chained to the batch before"]


def test_the_root_is_that_of_rfc_6962() -> None:
    """Section 2.1: leaves hashed behind 0x00, nodes behind 0x01, the left half the larger power of two."""
    a, b, c, d, e = (sha256(b"\x00" + leaf).digest() for leaf in (b"a", b"b", b"c", b"d", b"e"))

    def node(left: bytes, right: bytes) -> bytes:
        return sha256(b"\x01" + left + right).digest()

    assert audit.merkle_root([]) == sha256(b"").digest()
    assert audit.merkle_root([b"a"]) == a
    assert audit.merkle_root([b"a", b"b"]) == node(a, b)
    assert audit.merkle_root([b"a", b"b", b"c"]) == node(node(a, b), c)
    assert audit.merkle_root([b"a", b"b", b"c", b"d"]) == node(node(a, b), node(c, d))
    assert audit.merkle_root([b"a", b"b", b"c", b"d", b"e"]) == node(node(node(a, b), node(c, d)), e)


@pytest.mark.parametrize(
    ("size", "root"),
    [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        (5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        (6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ],
)
def test_roots_of_the_leaves_that_other_implementations_test_with(size: int, root: str) -> None:
    """The leaves and roots that Certificate Transparency's own tests use."""
    leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]

    assert audit.merkle_root([bytes.fromhex(leaf) for leaf in leaves[:size]]).hex() == root
