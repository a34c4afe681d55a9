"""On PostgreSQL the portal works under a role that may touch its own tables and no other."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from nta.domain.errors import RefusedError
from nta.domain.parties.organisations import Catalogue
from nta.settings import Settings
from nta.store import schema
from nta.store.db.database import Database
from nta.store.db.grants import PORTAL, grant_portal
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from nta.store.tables import AnswerRow, Base, NoticeEvent
from nta.web.portal import create_portal
from tests.builders import make_case, make_notice
from tests.conftest import NINE
from tests.databases import Cluster
from tests.fakes import CountingIds, SetClock
from tests.web.conftest import Forms

ROLE = "nta_portal_test"


@pytest.fixture
def owner(cluster: Cluster, keyring: Keyring) -> Iterator[Store]:
    with cluster.fresh() as uri:
        database = Database(uri)
        with database.write() as connection:
            connection.execute(
                text(
                    f"DO $$ BEGIN CREATE ROLE {ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
                )
            )
            grant_portal(connection, ROLE)
        yield Store.open(database, keyring, CountingIds())
        database.dispose()


@pytest.fixture
def limited(owner: Store, keyring: Keyring) -> Iterator[Store]:
    """The portal's own store: its role, its key, and nobody else's."""
    database = Database(make_url(owner.db.url).set(username=ROLE))
    own = Keyring(sealing=(b"x" * 32,), digest=b"x" * 32, portal=keyring.portal)
    yield Store.open(database, own, CountingIds(900_000))
    database.dispose()


def test_the_whole_way_works_under_the_role(
    owner: Store, limited: Store, settings: Settings, catalogue: Catalogue, clock: SetClock
) -> None:
    notice = make_notice(owner, [make_case(owner, "http://images.quick.example/p/1", NINE)], NINE)
    client = create_portal(limited, settings, clock, catalogue).test_client()

    face = Forms(client.get(f"/n/{notice.token}").text)
    listing = client.post("/n", data=face.forms["open"])
    thanks = client.post("/n/answer", data=Forms(listing.text).forms["answer"] | {"why": ["done"]})

    assert "http://images.quick.example/p/1" in listing.text
    assert thanks.status_code == 200
    with owner.db.read() as connection:
        assert list(connection.execute(select(AnswerRow.says)).scalars()) == ["removed"]
        assert "opened" in set(connection.execute(select(NoticeEvent.kind)).scalars())
    assert schema.current(limited.db) == schema.head()


def test_the_role_reads_no_other_table(limited: Store) -> None:
    closed = sorted(set(Base.metadata.tables) - set(PORTAL))

    for table in closed:
        with pytest.raises(ProgrammingError, match="permission denied"), limited.db.read() as connection:
            connection.execute(text(f'SELECT 1 FROM "{table}" LIMIT 1'))
    assert {"case", "episode", "submission", "host", "domain", "desk_user", "addressee"} <= set(closed)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT location_sealed FROM notice_item",
        "SELECT content_sealed FROM notice",
        "SELECT why_sealed FROM answer",
        "UPDATE notice SET state = 'queued'",
        "UPDATE portal_link SET revoked_at = NULL",
        "DELETE FROM answer",
        "UPDATE answer SET settled = true",
    ],
)
def test_the_role_may_do_nothing_else_in_its_tables(limited: Store, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), limited.db.write() as connection:
        connection.execute(text(statement))


def test_a_role_that_does_not_exist_is_refused(owner: Store) -> None:
    with pytest.raises(RefusedError, match="no role nobody_here"), owner.db.write() as connection:
        grant_portal(connection, "nobody_here")


def test_a_strange_role_name_is_refused(owner: Store) -> None:
    with pytest.raises(RefusedError, match="lower-case"), owner.db.write() as connection:
        grant_portal(connection, 'x"; DROP TABLE notice; --')
