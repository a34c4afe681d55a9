"""A registry takes a name away: every case of the domain ends by that, those handed in that day too."""

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import select, update

from nta.domain.escalation.ladders import When
from nta.store.db.handle import Store
from nta.store.tables import Domain, Due, Episode, Event, Notice
from nta.store.work import due
from nta.usecases import recheck
from tests.builders import MadeCase, make_case, make_notice
from tests.builders_notices import LADDER, catalogue
from tests.conftest import NINE, hours
from tests.resolving import FakeAsker, resolve
from tests.telling import Service
from tests.usecases.eyes import World

TOLD = NINE + hours(50)
"""When the registry was told; the name is gone two hours later."""

GONE = NINE + hours(52)
KNOWN = catalogue(ladders=(replace(LADDER, when=When()),))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def told(store: Store) -> MadeCase:
    """A case whose host and whose registry were told."""
    case = make_case(store, "http://images.quick.example/p/1", NINE, presence="up", last_up_at=TOLD)
    make_notice(store, [case], NINE)
    make_notice(store, [case], TOLD, party="registry:example", role="registry", kind="registry")
    return case


def hour(store: Store, world: World, now: datetime) -> None:
    """Let everything run that is due at a moment, as a runner would."""
    service = Service(store, known=KNOWN)
    asker = FakeAsker({"images.quick.example": "dead", "other.quick.example": "dead"})
    resolve(store, asker, now, KNOWN)
    recheck.recheck_due(store, eyes=world.eyes(), holder="one", now=now)
    service.tell(now)


def play(store: Store, world: World, since: datetime, days: int) -> None:
    for step in range(4):
        hour(store, world, since + hours(step))
    for day in range(1, days + 1):
        hour(store, world, since + hours(24 * day + 4))


def outcomes(store: Store) -> list[tuple[str | None, str | None]]:
    with store.db.read() as connection:
        return [
            tuple(r) for r in connection.execute(select(Episode.outcome, Episode.actor).order_by(Episode.id))
        ]


def count(store: Store, kind: str) -> int:
    with store.db.read() as connection:
        return len(connection.execute(select(Event.id).where(Event.kind == kind)).all())


def test_every_open_case_of_the_domain_ends_by_it(store: Store, world: World, told: MadeCase) -> None:
    make_case(store, "http://other.quick.example/x", NINE, presence="up", last_up_at=TOLD, stage="notified")
    make_case(store, "http://apart.example/x", NINE, presence="up", last_up_at=TOLD, stage="notified")
    world.name(error="nxdomain")
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.kind == due.LOOK).values(due_at=GONE))
        connection.execute(update(Due).where(Due.kind == due.RESOLVE).values(due_at=GONE + hours(9_000)))

    play(store, world, GONE, 9)

    assert outcomes(store) == [
        ("disabled_domain", "registry"),
        ("disabled_domain", "registry"),
        ("gone_before_notice", "nobody"),
    ]
    assert count(store, "domain_disabled") == 2


def test_one_that_is_handed_in_that_day_is_not_told_to_the_host_of_a_dead_name(
    store: Store, world: World, told: MadeCase
) -> None:
    world.name(error="nxdomain")
    fresh = make_case(store, "http://other.quick.example/x", GONE, resolved=False)

    play(store, world, GONE, 9)

    with store.db.read() as connection:
        told_again = connection.execute(select(Notice.kind).where(Notice.queued_at >= GONE)).all()
        stage = connection.execute(
            select(Episode.outcome, Episode.actor).where(Episode.id == fresh.episode_id)
        ).one()
    assert told_again == []
    assert tuple(stage) == ("disabled_domain", "registry")
    assert count(store, "domain_disabled") == 2


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        pytest.param("server hold", "disabled_domain", id="rdap"),
        pytest.param("active, clientHold", "disabled_domain", id="whois"),
        pytest.param("active", "removed_after_notice", id="in-use"),
        pytest.param(None, "removed_after_notice", id="not-asked"),
    ],
)
def test_a_name_without_an_address_is_the_registrys_doing_where_its_status_says_so(
    store: Store, world: World, told: MadeCase, status: str | None, outcome: str
) -> None:
    world.name(error="no_address")
    with store.db.write() as connection:
        connection.execute(update(Domain).values(status=status))
        connection.execute(update(Due).where(Due.kind == due.LOOK).values(due_at=GONE))

    for step in (0, 1, 2, 3, 24 * 8, 24 * 9):
        recheck.recheck_due(store, eyes=world.eyes(), holder="one", now=GONE + hours(step))

    assert outcomes(store)[0][0] == outcome
    assert count(store, "domain_disabled") == (outcome == "disabled_domain")
