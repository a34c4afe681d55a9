"""Dispatching: composed once, kept, handed over until taken, and told to nobody who need not know."""

import email
from dataclasses import replace
from datetime import timedelta
from email.policy import default
from typing import Any

import pytest
from sqlalchemy import update

from nta.domain.checks.outcomes import Actor, Outcome
from nta.domain.episode_state import EpisodeChange
from nta.domain.errors import RefusedError
from nta.domain.lifecycle import EventKind
from nta.domain.reasons import Code
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.db.sealing import digest16
from nta.store.notices import endings
from nta.store.notices.links import link_digests
from nta.store.notices.notice_rows import CONTENT
from nta.store.tables import Addressee, Contact, Due, Notice, NoticeItem, PortalLink
from nta.store.work import due
from tests import person_tasks
from tests.builders_notices import (
    LADDER,
    RUNGS,
    World,
    catalogue,
)
from tests.conftest import NINE, hours
from tests.telling import Manner, Service

NOW = NINE + timedelta(minutes=10)
ABUSE = "abuse@hosting.example"


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store)


def queued(world: World, service: Service, count: int = 1, **terms: Any) -> list[int]:
    """Return episodes of one queued notice, due at NOW, with fresh facts and looks."""
    made = [world.ready(**terms) for _ in range(count)]
    service.escalate(NINE)
    service.notify(NOW)
    return made


def release(store: Store) -> None:
    """Let the leases of a killed process be gone."""
    with store.db.write() as connection:
        due.release_all(connection)


def parsed(content: bytes) -> Any:
    return email.message_from_bytes(content, policy=default)


def text_of(content: bytes) -> str:
    return str(parsed(content).get_content())


def test_a_notice_is_handed_over_and_recorded(world: World, service: Service, store: Store) -> None:
    (episode,) = queued(world, service)

    assert service.dispatch(NOW) == 1

    (sent,) = service.relay.given
    (notice,) = world.notices()
    (addressee,) = world.rows(Addressee)
    state = world.state(episode)
    assert (notice.state, notice.composed_at, notice.handed_at) == ("handed_over", NOW, NOW)
    assert store.sealer.open(CONTENT, notice.id, notice.content_sealed) == sent.content
    assert (sent.address.to, notice.sent_to) == (ABUSE, ABUSE)
    assert parsed(sent.content)["Message-ID"] == notice.message_id
    assert notice.message_id.endswith("@hotline.test>")
    assert (addressee.first_handed_at, addressee.accepted_at, addressee.presumed) == (NOW, None, True)
    assert (state.stage, state.first_handed_at) == ("notified", NOW)
    assert world.events(episode) == ["told"]
    assert world.notice_events() == ["queued", "handed_over"]
    assert world.due(due.SEND, notice.id) is None
    assert world.due(due.ESCALATE, episode) == NOW


def test_the_return_path_and_the_link_lead_back_to_the_notice(
    world: World, service: Service, store: Store
) -> None:
    queued(world, service)
    service.dispatch(NOW)

    (sent,) = service.relay.given
    (notice,) = world.notices()
    (link,) = world.rows(PortalLink)
    token = sent.return_path.removeprefix("return+").removesuffix("@hotline.test")
    assert digest16(store.keys.derived("return"), token.encode()) == notice.return_digest
    assert token == token.lower()
    (shown,) = [line.strip() for line in text_of(sent.content).splitlines() if "/n/" in line]
    assert link_digests(store.keys, shown.rpartition("/")[2]) == [link.digest]
    assert (link.notice_id, link.expires_at) == (notice.id, NOW + timedelta(days=30))


def test_the_letter_lists_every_item_as_stored(world: World, service: Service) -> None:
    made = queued(world, service, 3, law="NL")
    service.dispatch(NOW)

    lines = text_of(service.relay.given[0].content).splitlines()
    for number, episode in enumerate(made, start=1):
        assert f"{number}. {world.urls[episode]}" in lines
    assert "   Wet: Article 252 of the Dutch Criminal Code" in lines
    assert [i.last_up_at for i in world.rows(NoticeItem)] == [NINE] * 3


def test_a_law_in_words_stands_as_it_was_handed_in(world: World, service: Service) -> None:
    queued(world, service, law="Article 5 of some act")
    service.dispatch(NOW)

    assert "   Wet: Article 5 of some act" in text_of(service.relay.given[0].content).splitlines()


def test_a_reminder_is_the_next_stage(world: World, service: Service) -> None:
    (episode,) = queued(world, service)
    service.tell(NOW)
    later = NOW + hours(24)
    service.escalate(later)
    world.fresh(later + minutes(10))
    service.tell(later + minutes(10))

    first, second = service.relay.given
    assert world.state(episode).stage == "escalated"
    assert world.state(episode).first_handed_at == NOW
    assert world.rows(Addressee)[0].first_handed_at == NOW
    assert world.events(episode) == ["told", "told"]
    assert parsed(first.content)["Message-ID"] != parsed(second.content)["Message-ID"]
    reference = world.notices()[0].reference
    assert f"eerste melding {reference}" in text_of(second.content)


def test_a_registry_sees_whom_we_told_and_when(world: World, service: Service, store: Store) -> None:
    service.known = catalogue(ladders=(replace(LADDER, rungs=RUNGS[::2]),))
    (episode,) = queued(world, service, dedicated="yes")
    service.tell(NOW)
    with store.db.write() as connection:
        connection.execute(update(Notice).values(accepted_at=NOW + minutes(3)))
    later = NOW + hours(24.1)
    world.fresh(later)
    service.escalate(later)
    world.fresh(later + minutes(10))
    service.tell(later + minutes(10))

    text = text_of(service.relay.given[1].content)
    assert "- 2026-03-02 09:10 UTC: Example Hosting B.V., first notice" in text
    assert "taken by its mail server 2026-03-02 09:13 UTC" in text
    assert world.events(episode)[-1] == "told_registry"


def test_a_stale_notice_makes_looks_and_facts_due_and_waits(
    world: World, service: Service, store: Store
) -> None:
    (episode,) = queued(world, service)
    stale = NOW + hours(2)
    with store.db.write() as connection:
        connection.execute(update(Due).where(Due.kind == due.LOOK).values(due_at=stale + hours(9)))

    service.dispatch(stale)

    host = world.state(episode).host_id
    (notice,) = world.notices()
    assert service.relay.given == []
    assert world.due(due.LOOK, episode) == stale
    assert world.due(due.RESOLVE, host) is not None
    assert world.due(due.SEND, notice.id) == stale + minutes(1)

    world.fresh(stale + minutes(1))
    service.dispatch(stale + minutes(1))
    assert len(service.relay.given) == 1


def test_what_cannot_be_made_fresh_goes_after_a_quarter_of_an_hour(world: World, service: Service) -> None:
    (episode,) = queued(world, service)
    at = stale = NOW + hours(2)
    world.looked(episode, "unknown", stale - hours(1))
    while not service.relay.given and at < stale + hours(1):
        service.dispatch(at)
        at += minutes(1)

    assert at - minutes(1) == stale + minutes(15)
    assert "Laatste controle: geen duidelijk antwoord." in text_of(service.relay.given[0].content)


def test_content_that_is_gone_leaves_the_notice(world: World, service: Service) -> None:
    gone, there = queued(world, service, 2)
    world.looked(gone, "gone", NOW, "absent")

    service.dispatch(NOW)

    assert world.urls[gone] not in text_of(service.relay.given[0].content)
    assert f"1. {world.urls[there]}" in text_of(service.relay.given[0].content).splitlines()
    assert {i.episode_id: (i.left_at, i.left_why) for i in world.rows(NoticeItem)} == {
        gone: (NOW, "gone"),
        there: (None, None),
    }
    assert world.events(gone) == ["seen_gone", "left_notice"]
    assert {a.episode_id: a.first_handed_at for a in world.rows(Addressee)} == {gone: None, there: NOW}


def test_a_notice_that_all_left_is_empty_and_sends_nothing(world: World, service: Service) -> None:
    (episode,) = queued(world, service)
    world.looked(episode, "gone", NOW, "absent")

    service.dispatch(NOW)

    (notice,) = world.notices()
    assert service.relay.given == []
    assert (notice.state, world.due(due.SEND, notice.id)) == ("empty", None)


def test_content_that_comes_back_is_told_after_all(world: World, service: Service) -> None:
    (episode,) = queued(world, service)
    world.looked(episode, "gone", NOW, "absent")
    service.dispatch(NOW)
    world.looked(episode, "up", NOW + hours(1), "up")
    service.escalate(NOW + hours(1))
    world.fresh(NOW + hours(1.2))
    service.tell(NOW + hours(1.2))

    assert len(service.relay.given) == 1
    assert world.state(episode).stage == "notified"


def test_a_verdict_that_changed_nothing_yet_is_looked_into_again(world: World, service: Service) -> None:
    (episode,) = queued(world, service)
    world.looked(episode, "moved", NOW)

    service.dispatch(NOW)

    assert service.relay.given == []
    assert world.rows(NoticeItem)[0].left_why == "moved"
    assert world.due(due.ESCALATE, episode) == NOW + minutes(15)


@pytest.mark.parametrize(
    ("outcome", "why"), [(Outcome.WITHDRAWN, "ended"), (Outcome.MOVED_BEFORE_NOTICE, "moved")]
)
def test_an_episode_that_ended_leaves_the_notice(
    world: World, service: Service, store: Store, outcome: Outcome, why: str
) -> None:
    (episode,) = queued(world, service)
    with store.db.write() as connection:
        endings.end(connection, store.ids, episode, outcome, Actor.ANALYST, at=NOW, who="analyst")

    service.dispatch(NOW)

    assert service.relay.given == []
    assert world.rows(NoticeItem)[0].left_why == why


def test_a_held_episode_leaves_the_notice(world: World, service: Service, store: Store) -> None:
    (episode,) = queued(world, service)
    with store.db.write() as connection:
        before = episodes.load(connection, [episode])[episode]
        after = before._replace(stage="held")
        episodes.move(connection, store.ids, [EpisodeChange(before, after, EventKind.HELD, NOW, "lead")])
        person_tasks.give(connection, episode, NOW, owner="lead", code=Code.HELD)

    service.dispatch(NOW)

    assert service.relay.given == []
    assert world.rows(NoticeItem)[0].left_why == "held"


def test_a_contact_that_died_is_not_written_to(world: World, service: Service, store: Store) -> None:
    (episode,) = queued(world, service)
    with store.db.write() as connection:
        connection.execute(update(Contact).values(health="dead"))

    service.dispatch(NOW)

    assert service.relay.given == []
    assert world.rows(NoticeItem)[0].left_why == "contact"
    assert world.due(due.ESCALATE, episode) == NOW


def test_a_row_of_a_notice_that_is_done_is_dropped(world: World, service: Service, store: Store) -> None:
    queued(world, service)
    service.dispatch(NOW)
    (notice,) = world.notices()
    with store.db.write() as connection:
        due.want(connection, due.SEND, [notice.id, 424242], NOW)

    assert service.dispatch(NOW) == 2

    assert world.count(Due, Due.kind == due.SEND) == 0
    assert len(service.relay.given) == 1


@pytest.mark.parametrize(
    ("manner", "says"),
    [
        (Manner(hotline=None), "NTA_HOTLINE"),
        (Manner(hotline="hotline:nobody"), "NTA_HOTLINE"),
        (Manner(sender=None), "NTA_SENDER"),
        (Manner(return_path=None), "NTA_RETURN_PATH"),
    ],
)
def test_a_missing_setting_is_refused_before_anything_is_taken(
    world: World, service: Service, manner: Manner, says: str
) -> None:
    queued(world, service)
    service.manner = manner

    with pytest.raises(RefusedError, match=says):
        service.dispatch(NOW)

    assert world.count(Due, Due.taken_by.is_not(None)) == 0


def test_a_party_with_a_language_we_have_no_texts_in_reads_english(
    world: World, service: Service, store: Store
) -> None:
    queued(world, service)
    with store.db.write() as connection:
        connection.execute(update(Notice).values(language="fy"))

    service.dispatch(NOW)

    assert "To the abuse desk of Example Hosting B.V." in text_of(service.relay.given[0].content)


def test_a_hosting_country_without_entry_still_has_a_law(
    world: World, service: Service, store: Store
) -> None:
    service.known = catalogue(countries={})
    queued(world, service)
    service.dispatch(NOW)

    assert "2011/93/EU" in text_of(service.relay.given[0].content)
