"""Two leads decide: a notice goes when both agreed, and its rung is passed over when one declines."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from nta.domain.checks.outcomes import Actor, Outcome
from nta.domain.errors import RefusedError
from nta.domain.notices.batching import PlanRules
from nta.domain.parties.organisations import NoticeRoute
from nta.domain.reasons import said
from nta.render.reason_sentences import sentence
from nta.store.db.handle import Store
from nta.store.notices import endings
from nta.store.reads import approvals as reads
from nta.store.tables import Approval, AuditEntry, Event, NoticeItem
from nta.store.work import due
from nta.usecases import approve
from tests.builders_notices import HOSTING, LADDER, REGISTRY, RUNGS, World, catalogue
from tests.conftest import NINE, hours
from tests.people import by
from tests.telling import Service

ONE, TWO = "lead@hotline.test", "other@hotline.test"
GATHERED = NINE + hours(0.25)
LATER = NINE + hours(1)
FOUR_EYES = replace(RUNGS[2], approval="four-eyes")


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    ladder = replace(LADDER, rungs=(FOUR_EYES, RUNGS[1]))
    return Service(store, known=catalogue(ladders=(ladder,), registries={REGISTRY.id: REGISTRY}))


@pytest.fixture
def episode(world: World, service: Service) -> int:
    """An episode whose registry is to be told once two leads agree."""
    made = world.ready(dedicated="yes")
    service.escalate(NINE)
    service.notify(GATHERED)
    return made


def reference(world: World) -> str:
    return str(world.notices()[0].reference)


def audited(store: Store) -> list[tuple[str, str, str | None]]:
    with store.db.read() as connection:
        rows = connection.execute(select(AuditEntry.who, AuditEntry.act, AuditEntry.subject))
        return [tuple(row) for row in rows]


def whys(store: Store, kind: str) -> list[str]:
    with store.db.read() as connection:
        return [
            sentence(why)
            for why in connection.execute(
                select(Event.why).where(Event.kind == kind).order_by(Event.at, Event.id)
            ).scalars()
        ]


def test_a_notice_goes_when_two_different_leads_agreed(
    world: World, service: Service, store: Store, episode: int
) -> None:
    notice = world.notices()[0]

    still_needed = approve.approve(store, notice.reference.lower(), " seen it ", by(ONE), LATER)
    world.fresh(LATER)
    assert service.dispatch(LATER) == 0
    done = approve.approve(store, notice.reference, None, by(TWO), LATER)
    service.dispatch(LATER)

    assert (still_needed, done) == (1, 0)
    assert [n.state for n in world.notices()] == ["handed_over"]
    assert world.task(notice.id) is None
    assert world.events(episode) == ["approval_asked", "approved", "approved", "told_registry"]
    assert whys(store, "approved") == ["1 of 2: registry", "2 of 2: registry"]
    assert audited(store) == [
        (ONE, "approve_notice", notice.reference),
        (TWO, "approve_notice", notice.reference),
    ]


def test_one_lead_counts_once(world: World, store: Store, episode: int) -> None:
    approve.approve(store, reference(world), None, by(ONE), LATER)

    with pytest.raises(RefusedError, match="released_by_you"):
        approve.approve(store, reference(world), None, by(ONE), LATER)

    assert world.notices()[0].state == "waiting_lead"
    with store.db.read() as connection:
        assert len(connection.execute(select(Approval.who)).all()) == 1


def at_once(store: Store, known_as: str, *leads: str) -> list[int | str]:
    """Let leads approve side by side; return what each was told, in order."""

    def act(who: str) -> int | str:
        try:
            return approve.approve(store, known_as, None, by(who), LATER)
        except RefusedError:
            return "refused"

    with ThreadPoolExecutor(len(leads)) as pool:
        return sorted(pool.map(act, leads), key=str)


def test_two_leads_at_one_moment_are_two(world: World, store: Store, episode: int) -> None:
    assert at_once(store, reference(world), ONE, TWO) == [0, 1]

    assert world.notices()[0].state == "queued"


def test_one_lead_twice_at_one_moment_is_one(world: World, store: Store, episode: int) -> None:
    assert at_once(store, reference(world), ONE, ONE) == [1, "refused"]

    assert world.notices()[0].state == "waiting_lead"


def test_nobody_lets_a_notice_of_two_leads_go_alone(world: World, store: Store, episode: int) -> None:
    with pytest.raises(RefusedError, match="two_leads_needed"):
        approve.release_waiting(store, world.notices()[0].id, by(ONE), LATER)

    assert world.notices()[0].state == "waiting_lead"


def test_a_notice_that_was_declined_is_passed_over_with_the_reason(
    world: World, service: Service, store: Store, episode: int
) -> None:
    approve.approve(store, reference(world), None, by(ONE), LATER)

    approve.decline(store, reference(world), "the registry asks for an order", by(TWO), LATER)
    service.escalate(LATER)
    world.fresh(LATER + hours(0.25))
    service.tell(LATER + hours(0.25))

    assert world.notices()[0].state == "declined"
    assert world.task(world.notices()[0].id) is None
    assert whys(store, "rung_passed_over") == ["registry: Declined by a lead: the registry asks for an order"]
    assert [(n.role, n.kind) for n in world.notices()] == [("registry", "registry"), ("host", "reminder")]
    assert audited(store)[-1] == (TWO, "decline_notice", reference(world))


def test_declining_needs_a_reason(world: World, store: Store, episode: int) -> None:
    with pytest.raises(RefusedError, match="say_why"):
        approve.decline(store, reference(world), "  ", by(ONE), LATER)

    assert world.notices()[0].state == "waiting_lead"


@pytest.mark.parametrize("act", [approve.approve, approve.decline])
def test_what_does_not_wait_is_refused(
    world: World, store: Store, episode: int, act: Callable[..., object]
) -> None:
    approve.decline(store, reference(world), "no", by(ONE), LATER)

    with pytest.raises(RefusedError, match="notice_not_waiting"):
        act(store, reference(world), "yes", by(TWO), LATER)


def test_a_burst_needs_one_lead(world: World, service: Service, store: Store) -> None:
    service.known = catalogue()
    service.rules = replace(service.rules, burst_items=1)
    for _ in range(2):
        world.ready()
    service.escalate(NINE)
    service.notify(GATHERED)
    (notice,) = world.notices()

    approve.release_waiting(store, notice.id, by(ONE), LATER)

    assert [n.state for n in world.notices()] == ["queued"]
    assert world.due(due.SEND, notice.id) == LATER
    with pytest.raises(RefusedError, match="notice_not_waiting"):
        approve.release_waiting(store, notice.id, by(ONE), LATER)


def test_what_has_ended_need_not_be_decided(world: World, store: Store, episode: int) -> None:
    with store.db.write() as connection:
        endings.end(
            connection,
            store.ids,
            episode,
            Outcome.WITHDRAWN,
            Actor.ANALYST,
            at=LATER,
            who=ONE,
            why=said("twice"),
        )

    assert world.notices()[0].state == "empty"
    assert world.task(world.notices()[0].id) is None


def test_the_page_shows_the_evidence_and_no_url(world: World, store: Store, episode: int) -> None:
    with store.db.read() as connection:
        (listed,) = reads.waiting(connection)
        page = reads.notice(connection, store, reference(world))

    assert page is not None
    (location,) = page.locations
    assert (listed.reference, listed.leads, listed.items) == (page.reference, 2, 1)
    assert (listed.deadline, page.deadline) == (GATHERED + hours(24), GATHERED + hours(24))
    assert ("test" in location.masked, "site" in location.masked) == (True, False)
    assert location.last_up_at == NINE
    assert location.told == ()


def test_a_revealed_location_is_noted(world: World, store: Store, episode: int) -> None:
    (item,) = world.rows(NoticeItem)

    url = approve.reveal_item(store, reference(world), item.id, by(ONE), LATER)

    assert url == world.urls[episode]
    assert audited(store) == [(ONE, "reveal", item.case_reference)]
    with pytest.raises(RefusedError, match="no_location"):
        approve.reveal_item(store, reference(world), 7, by(ONE), LATER)


def burst(world: World, service: Service, count: int) -> None:
    """Make a burst of reports to one host, which wait for a lead each."""
    host = replace(HOSTING, notices=NoticeRoute("abuse@hosting.example", "nl", "xarf"))
    service.known = catalogue(hosting={host.id: host})
    service.rules = PlanRules(burst_items=0)
    for _ in range(count):
        world.ready()
    service.escalate(NINE)
    service.notify(NINE)


def test_one_lead_lets_a_whole_burst_go(world: World, service: Service, store: Store) -> None:
    burst(world, service, 5)
    assert {row.state for row in world.notices()} == {"waiting_lead"}

    assert approve.release_burst(store, HOSTING.id, by(ONE), NINE, limit=2) == 5

    assert {row.state for row in world.notices()} == {"queued"}
    assert world.count(Approval, Approval.who == ONE) == 5
    assert audited(store) == [(ONE, "release_burst", HOSTING.id)]
    service.dispatch(NINE)
    assert len(service.relay.given) == 5


def test_what_two_leads_decide_is_no_part_of_a_burst(
    world: World, service: Service, store: Store, episode: int
) -> None:
    with pytest.raises(RefusedError, match="notice_not_waiting"):
        approve.release_burst(store, REGISTRY.id, by(ONE), NINE)

    assert {row.state for row in world.notices()} == {"waiting_lead"}
    assert audited(store) == []
