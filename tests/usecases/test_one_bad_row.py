"""A host or a page whose data cannot be read or written: its neighbours are resolved and looked at."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from nta.domain.deadlines import back_off
from nta.domain.hosting.lookups import Lookup, LookupKind
from nta.store.checks import canary_answers
from nta.store.db.handle import Store
from nta.store.db.types import to_us
from nta.store.hosting import findings
from nta.store.tables import (
    Case,
    FindingRow,
    Host,
    SightingSpan,
)
from nta.store.work import due
from nta.usecases import recheck
from tests.builders import make_case
from tests.conftest import NINE, hours
from tests.lookup_plain import a_finding
from tests.resolving import EVERYWHERE, due_at, resolve, state
from tests.usecases import eyes
from tests.usecases.spoiling import SPOILT, served, spoil, task, three_hosts

FAR = NINE + hours(1_000)


TOO_MUCH = {
    "an AS number of 2**63": served("ORG-B", asn=2**63),
    "a holder of 300 characters": served("B" * 300),
    "a range that is none": served("ORG-B", cidr=["rubbish"]),
    "half a character": served("ORG-\ud800"),
    "a NUL": served("ORG-\x00"),
}


@pytest.mark.parametrize("network", TOO_MUCH.values(), ids=TOO_MUCH)
def test_a_host_whose_facts_cannot_be_written_stops_no_other_host(
    store: Store, network: dict[str, Any]
) -> None:
    cases, asker = three_hosts(store, network)

    assert resolve(store, asker, known=EVERYWHERE) == 3

    a, b, c = (state(store, case).stage for case in cases)
    assert (a, c) == ("ready", "ready")
    if b != "ready":  # SQLite holds a text of any length
        assert due_at(store, due.RESOLVE, cases[1].host_id) == NINE + back_off(1)


def test_a_host_that_cannot_be_resolved_waits_longer_each_time_and_then_a_lead_hears_of_it(
    store: Store,
) -> None:
    cases, asker = three_hosts(store, served("ORG-B", cidr=["rubbish"]))
    waits, now = [], NINE
    for _ in range(5):
        assert task(store, cases[1].episode_id) is None
        resolve(store, asker, now, EVERYWHERE)
        then = due_at(store, due.RESOLVE, cases[1].host_id)
        assert then is not None
        waits.append(then - now)
        now = then

    assert waits == [timedelta(minutes=m) for m in (1, 5, 15, 30, 60)]
    assert task(store, cases[1].episode_id) == "finding out who serves it fails again and again"
    assert task(store, cases[0].episode_id) is None


def test_a_host_whose_name_cannot_be_unsealed_stops_no_other_host(store: Store) -> None:
    cases, asker = three_hosts(store, served("ORG-B"))
    spoil(store, Host, cases[1].host_id, name_sealed=SPOILT)

    assert resolve(store, asker, known=EVERYWHERE) == 3

    assert [state(store, case).stage for case in cases] == ["ready", "submitted", "ready"]
    assert due_at(store, due.RESOLVE, cases[1].host_id) == NINE + back_off(1)


def test_a_finding_that_cannot_be_read_is_asked_for_again(store: Store) -> None:
    cases, asker = three_hosts(store, served("ORG-B"))
    lookup = Lookup(LookupKind.NETWORK, "198.51.100.1")
    kept = a_finding(lookup, served("ORG-B"), "rdap", NINE, FAR, None, ("198.51.100.0/24",))
    with store.db.write() as connection:
        findings.save(connection, store, [kept])
        connection.execute(update(FindingRow).values(value_sealed=SPOILT))

    resolve(store, asker, known=EVERYWHERE)

    assert [state(store, case).stage for case in cases] == ["ready"] * 3
    assert "198.51.100.1" in asker.asked


def test_what_was_answered_is_kept_where_one_host_cannot_be_asked_about(store: Store) -> None:
    cases, asker = three_hosts(store, served("ORG-B"))
    asker.names["b.test"] = ("rubbish",)

    resolve(store, asker, known=EVERYWHERE)

    assert [state(store, case).stage for case in cases] == ["ready", "submitted", "ready"]
    assert len(asker.asked) == len(set(asker.asked))  # nobody was asked twice


def watched(store: Store) -> list[Any]:
    cases = [make_case(store, f"http://site{n}.example/p", NINE, ip=f"192.0.2.{n}") for n in (1, 2, 3)]
    with store.db.write() as connection:
        due.want(connection, due.LOOK, [case.episode_id for case in cases], NINE)
    return cases


def look(store: Store, now: datetime) -> int:
    there = eyes.World()
    for number in (1, 2, 3):
        there.name(f"192.0.2.{number}", host=f"site{number}.example")
    return recheck.recheck_due(store, eyes=there.eyes("nl"), holder="one", now=now)


def test_a_case_whose_url_cannot_be_unsealed_stops_no_other_look(store: Store) -> None:
    cases = watched(store)
    spoil(store, Case, cases[1].case_id, url_sealed=SPOILT)

    assert look(store, NINE) == 3

    assert [state(store, case).presence for case in cases] == ["up", "unseen", "up"]
    assert due_at(store, due.LOOK, cases[1].episode_id) == NINE + back_off(1)


def test_a_host_whose_name_cannot_be_unsealed_stops_no_other_look(store: Store) -> None:
    cases = watched(store)
    spoil(store, Host, cases[1].host_id, name_sealed=SPOILT)

    look(store, NINE)

    assert [state(store, case).presence for case in cases] == ["up", "unseen", "up"]
    assert due_at(store, due.LOOK, cases[1].episode_id) == NINE + back_off(1)


RUBBISH = {
    "a verdict that is none": {"verdict": "rubbish"},
    "a first look that cannot be read": {"first_trace": "rubbish"},
    "a count beyond 64 bits": {"count": 2**63 - 1},
    "a moment beyond the years": {"last_at": to_us(FAR)},
}


@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
def test_earlier_looks_that_cannot_be_read_stop_no_other_look(store: Store, rubbish: dict[str, Any]) -> None:
    cases = watched(store)
    look(store, NINE)
    with store.db.write() as connection:
        if "last_at" in rubbish:
            sql = "UPDATE sighting_span SET first_at = 9223372036854775807 WHERE episode_id = "
            connection.exec_driver_sql(f"{sql}{cases[1].episode_id}")
        else:
            which = SightingSpan.episode_id == cases[1].episode_id
            connection.execute(update(SightingSpan).where(which).values(**rubbish))
        due.want(connection, due.LOOK, [case.episode_id for case in cases], NINE + hours(1))

    look(store, NINE + hours(1))

    assert [state(store, cases[n]).looked_at for n in (0, 2)] == [NINE + hours(1)] * 2
    again = due_at(store, due.LOOK, cases[1].episode_id)
    assert again is not None
    assert NINE + hours(1) < again <= NINE + hours(2)


def test_a_canary_that_cannot_be_read_stops_no_look(store: Store) -> None:
    cases = watched(store)
    spoil(store, Host, cases[1].host_id, canaries='{"nl": "rubbish"}')

    look(store, NINE)

    assert [state(store, case).presence for case in cases] == ["up"] * 3


def test_a_long_type_of_a_made_up_page_seen_from_many_places_stops_no_look(store: Store) -> None:
    cases = watched(store)
    there, media = eyes.World(), f"{'a' * 41}/{'b' * 41}"
    for number in (1, 2, 3):
        there.name(f"192.0.2.{number}", host=f"site{number}.example")
    there.made_up = eyes.shown(10**12, media=media, etag="e")
    places = ("nl", "de", "fr", "us", "jp")

    recheck.recheck_due(store, eyes=there.eyes(*places), holder="one", now=NINE)

    assert [state(store, case).presence for case in cases] == ["up"] * 3
    with store.db.read() as connection:
        kept = canary_answers.of_hosts(connection, [case.host_id for case in cases])
    assert {len(answers) for answers in kept.values()} == {len(places)}


def test_a_network_that_is_none_stops_no_other_look(store: Store) -> None:
    cases = watched(store)
    with store.db.write() as connection:
        connection.exec_driver_sql(
            "UPDATE arrangement_party SET network = 'rubbish', address = '192.0.2.99' "
            "WHERE address = '192.0.2.2'"
        )

    look(store, NINE)

    assert [state(store, cases[n]).presence for n in (0, 2)] == ["up"] * 2
