"""What those asked later are told: who was told before, what they said, and who sees it where."""

import email
from dataclasses import replace
from datetime import datetime, timedelta
from email.policy import default

import pytest
from sqlalchemy import insert, update

from nta.domain.escalation.ladders import Rung
from nta.domain.parties.organisations import Hotline, NoticeRoute
from nta.domain.roles import NoticeKind, Role
from nta.ports import Outgoing
from nta.store.db.handle import Store
from nta.store.tables import Addressee, SightingSpan, Submission
from tests.builders_notices import CHECKED, HOSTING, LADDER, NL, RUNGS, US, World, catalogue
from tests.conftest import NINE, hours
from tests.telling import Service

NOW = NINE + timedelta(minutes=10)
ABROAD = Hotline(
    "hotline:abroad",
    "Hotline Abroad",
    "NL",
    NoticeRoute("exchange@abroad.example", "de"),
    "test",
    CHECKED,
)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    """Return a service whose ladder has the registry told right after the first notice."""
    made = Service(store)
    made.known = catalogue(ladders=(replace(LADDER, rungs=RUNGS[::2]),))
    return made


def text_of(sent: Outgoing) -> str:
    return str(email.message_from_bytes(sent.content, policy=default).get_content()).replace("\r\n", "\n")


def seen(store: Store, episode: int, spans: list[tuple[str, str, datetime, bool]]) -> None:
    """Write spans of looks: (vantage, verdict, last look, whether it goes on)."""
    with store.db.write() as connection:
        for vantage, verdict, at, current in spans:
            connection.execute(
                insert(SightingSpan).values(
                    id=store.new_id(),
                    episode_id=episode,
                    vantage=vantage,
                    first_at=NINE,
                    last_at=at,
                    count=2,
                    longest_gap=timedelta(minutes=1),
                    verdict=verdict,
                    cause="content_present",
                    rule="test",
                    current=current,
                )
            )


def to_registry(world: World, service: Service, at: datetime) -> str:
    """Let the registry be told at a moment; return what it reads."""
    world.fresh(at)
    service.escalate(at)
    service.tell(at + timedelta(minutes=10))
    return text_of(service.relay.given[-1])


def test_a_registry_reads_from_how_many_vantage_points_it_is_up(
    world: World, service: Service, store: Store
) -> None:
    episode = world.ready(dedicated="yes")
    service.escalate(NINE)
    service.tell(NOW)
    later = NOW + hours(24.1)
    seen(
        store,
        episode,
        [
            ("nl", "up", later, True),
            ("de", "up", later - timedelta(minutes=1), True),
            ("us", "unknown", later, True),  # sees nothing clear now
            ("jp", "up", NINE, True),  # has not looked since
            ("fr", "up", later, False),  # saw it up, and something else since
        ],
    )

    text = to_registry(world, service, later)

    assert "Last seen online: 2026-03-03 09:16 UTC, from 2 vantage points." in text


def test_a_registry_reads_what_the_host_answered(world: World, service: Service, store: Store) -> None:
    world.ready(dedicated="yes")
    service.escalate(NINE)
    service.tell(NOW)
    with store.db.write() as connection:
        connection.execute(update(Addressee).values(answer="refused", first_answer_at=NOW))

    text = to_registry(world, service, NOW + hours(24.1))

    assert "Example Hosting B.V., first notice" in text
    assert "  Answered: refused" in text.splitlines()


def test_a_hotline_reads_all_it_needs_to_take_the_case_over(
    world: World, service: Service, store: Store
) -> None:
    rung = Rung("hotline", (Role.HOTLINE,), NoticeKind.HOTLINE, hours(72))
    service.known = catalogue(
        ladders=(replace(LADDER, rungs=(rung,)),),
        hotlines={US.id: US, ABROAD.id: ABROAD},
        countries={"NL": replace(NL, hotlines=(ABROAD.id,), law_in={"de": "Artikel 252, auf Deutsch"})},
    )
    episode = world.ready(law="NL", class_value="national")
    with store.db.write() as connection:
        connection.execute(update(Submission).values(confirmed_at=NINE - timedelta(minutes=20)))
    service.escalate(NINE)
    service.tell(NOW)

    lines = text_of(service.relay.given[0]).splitlines()
    assert f"1. {world.urls[episode]}" in lines
    assert "   Gehostet in: NL. Netz: 192.0.2.0/24, AS64500 (NL)" in lines
    assert "   Uns gemeldet: 2026-03-02 09:00 UTC, festgestellt: 2026-03-02 08:40 UTC" in lines
    assert "   Klasse: national (INHOPE):" in lines
    assert "   Gesetz: Artikel 252, auf Deutsch" in lines
    assert "An die Kolleginnen und Kollegen von Hotline Abroad" in lines
    assert "Niemand vor Ihnen." in lines
    assert "Was nach 72 Stunden noch online ist, können wir selbst denen melden" in " ".join(lines)
    assert world.events(episode) == ["told_hotline"]


def test_who_we_are_is_said_in_the_readers_language(world: World, service: Service) -> None:
    host = replace(HOSTING, notices=NoticeRoute("abuse@hosting.example", "de"))
    ours = replace(US, standing_in={"de": "eine Meldestelle"}, trusted_flagger="the coordinator")
    service.known = catalogue(hosting={host.id: host}, hotlines={ours.id: ours})
    world.ready()
    service.tell(NINE)
    service.tell(NOW)

    text = " ".join(text_of(service.relay.given[0]).split())
    assert "Wir sind Meldpunt Voorbeeld: eine Meldestelle." in text
    assert "hat uns zuerkannt: the coordinator." in text
