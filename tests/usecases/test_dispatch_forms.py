"""The forms of a notice: XARF a location, a list where XARF has no word for it, and no notice lost."""

import csv
import email
import io
import json
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from sqlalchemy import update

from nta.domain.parties.organisations import NoticeRoute
from nta.domain.roles import NoticeKind
from nta.ports import Outgoing
from nta.store.db.handle import Store
from nta.store.notices.notice_rows import CONTENT
from nta.store.tables import Case, NoticeItem, PortalLink
from nta.store.work import due
from tests.builders_notices import HOSTING, World, catalogue
from tests.conftest import NINE, hours
from tests.telling import KilledError, Killer, Service

NOW = NINE + timedelta(minutes=10)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return wanting(Service(store), "xarf")


def wanting(service: Service, form: str) -> Service:
    """Let the host want its notices in a form."""
    host = replace(HOSTING, notices=NoticeRoute("abuse@hosting.example", "nl", form))
    service.known = catalogue(hosting={host.id: host})
    return service


def parts(sent: Outgoing) -> list[EmailMessage]:
    message = email.message_from_bytes(sent.content, policy=default)
    return [part for part in message.walk() if not part.is_multipart()]  # type: ignore[misc]


def report(sent: Outgoing) -> dict[str, Any]:
    """Return the XARF report of a message."""
    _, attached = parts(sent)
    assert attached.get_filename() == "xarf.json"
    found: dict[str, Any] = json.loads(attached.get_content())
    return found


def test_each_location_is_a_report_of_its_own(world: World, service: Service, store: Store) -> None:
    made = [world.ready() for _ in range(3)]
    service.escalate(NINE)
    service.tell(NINE)

    reports = [report(sent) for sent in service.relay.given]
    rows = world.notices()
    assert sorted(r["url"] for r in reports) == sorted(world.urls[e] for e in made)
    assert len({r["report_id"] for r in reports}) == 3
    assert [row.format for row in rows] == ["xarf"] * 3
    assert len({row.message_id for row in rows}) == len({row.return_digest for row in rows}) == 3
    assert world.count(PortalLink) == 3
    for row, sent in zip(rows, service.relay.given, strict=True):
        assert store.sealer.open(CONTENT, row.id, row.content_sealed) == sent.content
        assert f"notice:{row.reference.lower()}" in report(sent)["tags"]
    assert [world.events(e) for e in made] == [["told"]] * 3


def test_the_text_stands_before_the_report_in_the_readers_language(world: World, service: Service) -> None:
    world.ready()
    service.tell(NINE)

    text, _ = parts(service.relay.given[0])
    assert "Aan de abuse-afdeling van Example Hosting B.V." in text.get_content()
    assert "xarf.json" in text.get_content()


def test_what_one_law_forbids_goes_as_one_list_beside_the_reports(world: World, service: Service) -> None:
    baseline = [world.ready() for _ in range(2)]
    national = [world.ready(class_value="national", law="Article 1 of some act") for _ in range(3)]
    service.tell(NINE)
    service.tell(NOW)

    found = {sent.notice_id: parts(sent)[1] for sent in service.relay.given}
    lists = [one for one in found.values() if one.get_filename() != "xarf.json"]
    assert len(found) == 3
    (listed,) = lists
    content = listed.get_payload(decode=True)
    assert isinstance(content, bytes)
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["url"] for row in rows] == [world.urls[e] for e in national]
    assert {(row["class"], row["law"]) for row in rows} == {("inhope:national", "Article 1 of some act")}
    assert {row.format for row in world.notices()} == {"xarf", "csv"}
    assert [world.events(e) for e in baseline + national] == [["told"]] * 5


def test_a_class_that_changed_since_the_notice_was_planned_counts(
    world: World, service: Service, store: Store
) -> None:
    world.ready()
    service.escalate(NINE)
    service.notify(NINE)
    with store.db.write() as connection:
        connection.execute(update(Case).values(class_value="national"))
    service.dispatch(NINE)

    _, attached = parts(service.relay.given[0])
    assert attached.get_content_type() == "text/csv"


def test_a_reader_of_lists_gets_text_and_list(world: World, service: Service) -> None:
    wanting(service, "csv")
    made = [world.ready() for _ in range(2)]
    service.tell(NINE)
    service.tell(NOW)

    text, listed = parts(service.relay.given[0])
    (row,) = world.notices()
    assert listed.get_filename() == f"{row.reference}.csv"
    for number, episode in enumerate(made, start=1):
        assert f"{number}. {world.urls[episode]}" in text.get_content().splitlines()


@pytest.mark.parametrize("point", ["dispatch.composed", "dispatch.handed"])
def test_a_report_cut_short_is_sent_again_byte_for_byte(
    world: World, service: Service, store: Store, point: str
) -> None:
    for _ in range(3):
        world.ready()
    service.escalate(NINE)
    service.notify(NINE)
    with pytest.raises(KilledError):
        service.dispatch(NINE, Killer(point))
    with store.db.write() as connection:
        due.release_all(connection)
    service.dispatch(NINE)

    by_notice: dict[int, set[bytes]] = {}
    for sent in service.relay.given:
        by_notice.setdefault(sent.notice_id, set()).add(sent.content)
    assert [len(contents) for contents in by_notice.values()] == [1, 1, 1]
    assert {row.state for row in world.notices()} == {"handed_over"}


def test_a_reminder_is_a_report_of_its_own(world: World, service: Service) -> None:
    world.ready()
    service.tell(NINE)
    later = NINE + hours(24)
    service.escalate(later)
    world.fresh(later)
    service.tell(later)

    first, second = (report(sent) for sent in service.relay.given)
    assert first["report_id"] != second["report_id"]
    assert second["timestamp"] == "2026-03-03T09:00:00Z"
    assert [row.kind for row in world.notices()] == [NoticeKind.FIRST, NoticeKind.REMINDER]
    assert len(world.rows(NoticeItem)) == 2


def test_a_party_that_changes_its_mind_is_written_to_as_it_wants_now(world: World, service: Service) -> None:
    wanting(service, "text")
    world.ready()
    service.escalate(NINE)
    service.tell(NOW)
    host = replace(HOSTING, notices=NoticeRoute("abuse@hosting.example", "de", "xarf"))
    service.known = catalogue(hosting={host.id: host})
    world.ready(at=NOW)
    service.tell(NOW)

    first, second = service.relay.given
    assert len(parts(first)) == 1
    assert report(second)["type"] == "csam"
    assert "An die Abuse-Abteilung von Example Hosting B.V." in parts(second)[0].get_content()
