"""Contacts that wait for a person's word, that are refused, that die and are revived."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from nta.domain.checks.outcomes import Actor, Outcome
from nta.domain.errors import RefusedError
from nta.domain.hosting.facts import AddressFacts
from nta.domain.notices.contact_choice import Health
from nta.domain.roles import Role
from nta.ports import HandOver
from nta.render.reason_sentences import sentence
from nta.store.db.handle import Store
from nta.store.notices import endings
from nta.store.tables import Addressee, AuditEntry, Contact, Event, NoticeEvent
from nta.store.work import due
from nta.usecases import answer
from nta.usecases.decisions import contact_approvals
from tests import person_tasks
from tests.builders_notices import LADDER, NL, RUNGS, World, catalogue, served_by
from tests.conftest import NINE, hours
from tests.people import by
from tests.resolving import FakeAsker, made, resolve
from tests.telling import Service

ASKED = "a new contact waits for approval"
UNSAID = "Nobody said in time whether this new contact may be used."
ANALYST = "analyst@hotline.test"
NEW, NEXT = "abuse@second.example", "noc@second.example"
FOUR = NINE + hours(4)
DEAD = (HandOver.UNREACHABLE, "550 5.1.1 no such mailbox")


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    """A service whose country has new contacts wait for four hours."""
    return Service(store, known=waiting_for(4))


def waiting_for(long: float | None) -> Any:
    wait = hours(long) if long else None
    return catalogue(countries={"NL": replace(NL, new_contacts_wait=wait)})


def second(*abuse: str, ip: str = "192.0.2.9") -> AddressFacts:
    return served_by("rdap:ORG-2", ip=ip, abuse=abuse or [NEW], name="Second")


def told_at(world: World, service: Service, *moments: datetime) -> list[str]:
    """Let time pass and return to whom notices went until then."""
    for moment in moments:
        for at in (moment, moment + hours(0.25)):
            world.fresh(at)
            service.tell(at)
    return [message.address.to for message in service.relay.given]


def registered(email: str) -> dict[str, Any]:
    found = {"email": email, "source": "rdap", "confidence": 0.9}
    return {"holder": "ORG-2", "holder_name": "Second", "abuse": [found]}


def contact(world: World, address: str = NEW) -> Any:
    return next(row for row in world.rows(Contact) if row.address == address)


def resolved(world: World, episode: int, addresses: Sequence[AddressFacts], at: datetime) -> None:
    """Let the host have been looked up again."""
    world.serve(episode, addresses, at)
    world.searched()


def test_a_new_contact_is_used_at_once_by_default(world: World, service: Service) -> None:
    service.known = waiting_for(None)
    world.ready(addresses=(second(),))

    assert told_at(world, service, NINE) == [NEW]
    assert world.rows(Contact)[0].waits_until is None


def test_a_new_contact_waits_for_a_word_with_a_deadline(world: World, service: Service) -> None:
    episode = world.ready(addresses=(second(),))

    assert told_at(world, service, NINE, NINE + hours(3)) == []

    (addressee,) = world.rows(Addressee)
    new = contact(world)
    assert (addressee.contact_id, addressee.waiting_since) == (new.id, None)
    assert (new.waits_until, person_tasks.until(world.store, new.id), world.task(new.id)) == (
        FOUR,
        FOUR,
        ASKED,
    )
    assert world.due(due.ESCALATE, episode) == FOUR
    assert world.state(episode).stage == "ready"


def test_an_approved_contact_is_written_to_at_once(world: World, service: Service, store: Store) -> None:
    episode = world.ready(addresses=(second(),))
    told_at(world, service, NINE)

    assert (
        contact_approvals.approve(store, contact(world).id, "their own page", by(ANALYST), NINE + hours(1))
        == 1
    )

    assert world.due(due.ESCALATE, episode) == NINE + hours(1)
    assert world.task(contact(world).id) is None
    assert told_at(world, service, NINE + hours(1)) == [NEW]
    assert sentence(world.rows(Addressee)[0].why) == "A person approved this contact on 2026-03-02."
    with store.db.read() as connection:
        (entry,) = connection.execute(select(AuditEntry.act, AuditEntry.who, AuditEntry.detail))
    assert tuple(entry) == ("approve_contact", ANALYST, "their own page")


def test_an_approved_contact_never_waits_again(world: World, service: Service, store: Store) -> None:
    world.ready(addresses=(second(),))
    told_at(world, service, NINE)
    contact_approvals.approve(store, contact(world).id, None, by(ANALYST), NINE)

    world.ready(addresses=(second(NEXT),))

    assert told_at(world, service, NINE + hours(1)) == [NEW]  # the approved one for both, in one notice
    assert len(world.rows(Addressee)) == 2


def test_after_a_refused_contact_the_next_best_has_what_is_left(
    world: World, service: Service, store: Store
) -> None:
    world.ready(addresses=(second(NEW, NEXT),))
    told_at(world, service, NINE)

    assert (
        contact_approvals.refuse(store, contact(world).id, "a private address", by(ANALYST), NINE + hours(1))
        == 1
    )

    assert told_at(world, service, NINE + hours(1)) == []
    assert person_tasks.until(world.store, contact(world, NEXT).id) == FOUR
    assert world.task(contact(world).id) is None
    assert told_at(world, service, FOUR) == [NEXT]


def test_after_a_refused_contact_one_that_was_used_is_told_at_once(
    world: World, service: Service, store: Store
) -> None:
    service.known = waiting_for(None)
    world.ready(addresses=(second(NEXT),))
    told_at(world, service, NINE)
    service.known = waiting_for(4)
    world.ready(addresses=(second(NEW, NEXT),))
    told_at(world, service, NINE + hours(1))

    contact_approvals.refuse(store, contact(world).id, "a private address", by(ANALYST), NINE + hours(2))

    assert told_at(world, service, NINE + hours(2)) == [NEXT, NEXT]
    assert sentence(world.rows(Addressee)[-1].why).endswith("; another contact was refused.")


def test_a_refusal_that_leaves_nobody_waits_for_who_serves_the_host_to_be_asked(
    world: World, service: Service, store: Store
) -> None:
    episode = world.ready(addresses=(second(),))
    told_at(world, service, NINE)
    contact_approvals.refuse(store, contact(world).id, "a private address", by(ANALYST), NINE + hours(1))

    service.tell(NINE + hours(1))
    assert world.state(episode).stage == "ready"
    resolved(world, episode, (second(NEXT),), NINE + hours(1.1))

    assert told_at(world, service, NINE + hours(1.1), FOUR) == [NEXT]


@pytest.mark.parametrize("joined", [23, 24.25], ids=["in-the-silence", "with-the-next-rung"])
def test_a_party_that_waits_keeps_nobody_from_the_next_rung(
    world: World, service: Service, joined: float
) -> None:
    episode = world.ready()
    told_at(world, service, NINE)
    world.serve(episode, (served_by(), second()), NINE + hours(joined))

    moments = sorted({NINE + hours(joined), NINE + hours(24.25)})
    assert told_at(world, service, *moments) == ["abuse@hosting.example"] * 2
    assert [n.rung for n in world.notices()] == ["first", "reminder"]
    assert told_at(world, service, NINE + hours(joined + 4))[2:] == [NEW]
    assert [n.rung for n in world.notices()] == ["first", "reminder", "first"]


def test_a_refusal_that_leaves_nobody_is_taken_back(world: World, service: Service, store: Store) -> None:
    episode = world.ready(addresses=(second(),))
    told_at(world, service, NINE)
    contact_approvals.refuse(store, contact(world).id, "a slip", by(ANALYST), NINE + hours(1))
    told_at(world, service, NINE + hours(1))
    assert world.state(episode).stage == "unresolved"

    contact_approvals.approve(store, contact(world).id, "looked again", by(ANALYST), NINE + hours(2))

    assert world.task(episode) is None
    assert told_at(world, service, NINE + hours(2)) == [NEW]
    assert world.state(episode).stage == "notified"


def test_without_a_word_it_goes_out_all_the_same(world: World, service: Service) -> None:
    world.ready(addresses=(second(),))
    told_at(world, service, NINE)

    assert told_at(world, service, FOUR) == [NEW]

    assert sentence(world.rows(Addressee)[0].why) == f"RDAP names it as the abuse contact. {UNSAID}"
    assert world.task(contact(world).id) is None
    world.ready(addresses=(second(),))
    assert told_at(world, service, FOUR + hours(1)) == [NEW, NEW]
    assert UNSAID not in sentence(world.rows(Addressee)[-1].why)


def test_who_is_known_is_told_while_another_waits(world: World, service: Service, store: Store) -> None:
    episode = world.ready(addresses=(served_by(), second()))

    assert told_at(world, service, NINE) == ["abuse@hosting.example"]
    assert world.due(due.ESCALATE, episode) == FOUR
    assert told_at(world, service, FOUR) == ["abuse@hosting.example", NEW]
    assert world.due(due.ESCALATE, episode) == FOUR + hours(24.25)


def test_in_place_of_a_dead_contact_a_new_one_waits_and_no_rung_is_passed(
    world: World, service: Service, store: Store
) -> None:
    service.relay.says["abuse@hosting.example"] = DEAD
    episode = world.ready(addresses=(served_by(abuse=[NEW]),), dedicated="yes")

    assert told_at(world, service, NINE, NINE + hours(1)) == ["abuse@hosting.example"]

    assert person_tasks.until(world.store, contact(world).id) == NINE + hours(4.25)
    assert "contact_replaced" not in world.events(episode)
    assert told_at(world, service, NINE + hours(4.25)) == ["abuse@hosting.example", NEW]
    assert "contact_replaced" in world.events(episode)
    assert {row.rung for row in world.rows(Addressee)} == {"first"}


def test_an_episode_that_ended_meanwhile_stays_as_it_is(world: World, service: Service, store: Store) -> None:
    episode = world.ready(addresses=(second(),))
    told_at(world, service, NINE)
    world.looked(episode, "gone", NINE + hours(1), "absent")

    assert contact_approvals.approve(store, contact(world).id, None, by(ANALYST), NINE + hours(2)) == 1

    assert told_at(world, service, NINE + hours(2)) == []
    assert world.due(due.ESCALATE, episode) is None


@pytest.mark.parametrize("gathered", [False, True], ids=["while-it-gathers", "when-it-is-made"])
def test_a_notice_on_its_way_does_not_reach_a_refused_contact(
    world: World, service: Service, store: Store, gathered: bool
) -> None:
    service.known = waiting_for(None)
    world.ready(addresses=(second(NEW, NEXT),))
    world.fresh(NINE)
    service.escalate(NINE)
    if gathered:
        service.notify(NINE + hours(0.25))
        assert len(world.notices()) == 1

    contact_approvals.refuse(store, contact(world).id, "a private address", by(ANALYST), NINE)

    assert told_at(world, service, NINE + hours(0.25), NINE + hours(1)) == [NEXT]


def test_who_was_told_at_a_contact_that_is_refused_is_told_at_the_next(
    world: World, service: Service, store: Store
) -> None:
    service.known = waiting_for(None)
    episode = world.ready(addresses=(second(NEW, NEXT),))
    told_at(world, service, NINE)
    world.searched()

    assert (
        contact_approvals.refuse(store, contact(world).id, "nobody reads it", by(ANALYST), NINE + hours(1))
        == 1
    )

    assert world.due(due.RESOLVE, world.state(episode).host_id) == NINE + hours(1)
    assert told_at(world, service, NINE + hours(1)) == [NEW, NEXT]
    assert world.events(episode) == ["told", "contact_replaced", "told"]
    assert world.due(due.ESCALATE, episode) == NINE + hours(25)
    assert [row.rung for row in world.rows(Addressee)] == ["first"]


def test_nobody_is_asked_for_a_case_that_ended(world: World, service: Service, store: Store) -> None:
    both = [world.ready(addresses=(second(),)) for _ in range(2)]
    told_at(world, service, NINE)
    asked = []
    for episode in both:
        with store.db.write() as connection:
            endings.end(
                connection,
                store.ids,
                episode,
                Outcome.WITHDRAWN,
                Actor.ANALYST,
                at=NINE + hours(1),
                who=ANALYST,
            )
        asked.append(world.task(contact(world).id))

    assert asked == [ASKED, None]
    world.ready(addresses=(second(),), at=NINE + hours(9))
    assert told_at(world, service, NINE + hours(9)) == []
    assert person_tasks.until(world.store, contact(world).id) == NINE + hours(13)


def test_a_dead_contact_starts_the_search_for_another(world: World, service: Service, store: Store) -> None:
    service.known = waiting_for(None)
    service.relay.says[NEW] = DEAD
    episode = world.ready(addresses=(second(),))
    host = world.state(episode).host_id
    world.searched()

    assert told_at(world, service, NINE) == [NEW]
    died = NINE + hours(0.25)
    assert world.due(due.RESOLVE, host) == died
    assert world.due(due.ESCALATE, episode) == died + hours(1 / 60)
    resolved(world, episode, (second(NEXT),), died + hours(1 / 60))

    assert told_at(world, service, NINE + hours(0.5)) == [NEW, NEXT]
    assert "contact_replaced" in world.events(episode)


def test_the_contact_that_was_registered_since_is_found_and_told(
    world: World, service: Service, store: Store
) -> None:
    service.known = waiting_for(None)
    service.relay.says[NEW] = DEAD
    asker = FakeAsker({"a.test": ("192.0.2.1",)}, {"192.0.2.0/24": registered(NEW)})
    made(store, "http://a.test/x", presence="up", last_up_at=NINE)
    resolve(store, asker, NINE)
    assert told_at(world, service, NINE) == [NEW]

    asker.networks["192.0.2.0/24"] = registered(NEXT)
    resolve(store, asker, NINE + hours(0.3))

    assert asker.asked.count("192.0.2.1") == 2
    assert told_at(world, service, NINE + hours(0.5)) == [NEW, NEXT]


@pytest.mark.parametrize("found", [True, False], ids=["looked-up-in-vain", "never-looked-up"])
def test_a_search_in_vain_holds_nobody_up_for_long(
    world: World, service: Service, store: Store, found: bool
) -> None:
    service.known = waiting_for(None)
    service.relay.says[NEW] = DEAD
    episode = world.ready(addresses=(second(),))
    told_at(world, service, NINE)
    if found:
        resolved(world, episode, (second(),), NINE + hours(0.25))

    told_at(world, service, NINE + hours(0.3) if found else NINE + hours(0.5))

    assert world.state(episode).stage == "unresolved"


def test_a_contact_that_somebody_revived_is_written_to_again(
    world: World, service: Service, store: Store
) -> None:
    service.known = waiting_for(None)
    service.relay.says[NEW] = DEAD
    episode = world.ready(addresses=(second(),))
    told_at(world, service, NINE, NINE + hours(1))
    assert (contact(world).health, world.state(episode).stage) == ("dead", "unresolved")
    service.relay.says.clear()

    assert (
        contact_approvals.revive(store, contact(world).id, "they mended it", by(ANALYST), NINE + hours(2))
        == 1
    )

    revived = contact(world)
    assert (revived.health, revived.word_why) == ("fine", "they mended it")
    assert told_at(world, service, NINE + hours(2)) == [NEW, NEW]
    assert [n.rung for n in world.notices()] == ["first", "first"]
    assert world.state(episode).stage == "notified"


def test_a_mailbox_is_revived_for_every_party_that_has_it(
    world: World, service: Service, store: Store
) -> None:
    service.known = waiting_for(None)
    world.ready(addresses=(second(),))
    world.ready(addresses=(served_by("rdap:ORG-3", abuse=[NEW.upper()], name="Third"),))
    told_at(world, service, NINE)
    with store.db.write() as connection:
        connection.execute(update(Contact).values(health=Health.DEAD.value, health_at=NINE))

    contact_approvals.revive(store, contact(world).id, "they mended it", by(ANALYST), NINE + hours(2))

    assert {row.health for row in world.rows(Contact)} == {"fine"}


@pytest.mark.parametrize(
    ("word", "why", "values", "refusal"),
    [
        pytest.param(
            contact_approvals.approve, None, {"approved_at": NINE}, "contact_approved_before", id="approved"
        ),
        pytest.param(contact_approvals.approve, None, {"health": "dead"}, "contact_is_dead", id="dead"),
        pytest.param(
            contact_approvals.refuse, "x", {"refused_at": NINE}, "contact_refused_before", id="refused"
        ),
        pytest.param(
            contact_approvals.refuse, " ", {"health": "fine"}, "say_why", id="refused-without-a-reason"
        ),
        pytest.param(contact_approvals.revive, "x", {"health": "fine"}, "contact_is_fine", id="fine"),
        pytest.param(
            contact_approvals.revive, None, {"health": "dead"}, "say_why", id="revived-without-a-reason"
        ),
    ],
)
def test_a_word_that_makes_no_sense_is_refused(
    world: World, service: Service, store: Store, word: Any, why: str | None, values: Any, refusal: str
) -> None:
    world.ready(addresses=(second(),))
    told_at(world, service, NINE)
    with store.db.write() as connection:
        connection.execute(update(Contact).values(**values))

    with pytest.raises(RefusedError, match=refusal):
        word(store, contact(world).id, why, by(ANALYST), NINE)
    with pytest.raises(RefusedError, match="no_contact"):
        word(store, 7, "why", by(ANALYST), NINE)
    assert world.count(AuditEntry) == 0


def test_a_sign_from_its_reader_raises_a_doubtful_contact(
    world: World, service: Service, store: Store
) -> None:
    service.known = waiting_for(None)
    world.ready(addresses=(second(),))
    told_at(world, service, NINE)
    (notice,) = world.notices()
    doubted = NINE + hours(2)
    with store.db.write() as connection:
        connection.execute(update(Contact).values(health=Health.DOUBTFUL.value, health_at=doubted))

    seen = []
    for moment in (NINE + hours(1), NINE + hours(3)):
        with store.db.write() as connection:
            values = {"id": store.new_id(), "notice_id": notice.id, "at": moment, "kind": "opened"}
            connection.execute(insert(NoticeEvent).values(**values, settled=False))
        answer.settle(store, NINE + hours(4))
        seen.append(contact(world).health)

    assert seen == ["doubtful", "fine"]


def test_a_rung_that_names_a_waiting_party_alone_waits_with_it(
    world: World, service: Service, store: Store
) -> None:
    both = replace(RUNGS[1], id="both", tell=(Role.HOST,))
    service.known = catalogue(
        countries={"NL": replace(NL, new_contacts_wait=hours(4))},
        ladders=(replace(LADDER, rungs=(RUNGS[0], both)),),
    )
    episode = world.ready(addresses=(second(),))

    told_at(world, service, NINE, NINE + hours(1), NINE + hours(2))

    assert world.state(episode).stage == "ready"
    assert world.count(Event, Event.kind == "rung_passed_over") == 0
    assert len(world.rows(Addressee)) == 1
