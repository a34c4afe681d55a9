"""Resolving: a proxy that tells us, when asked, what stands behind a host of its."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from sqlalchemy import select

from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.domain.intake.urls import parse
from nta.domain.parties.organisations import AskableProxies
from nta.domain.reasons import other
from nta.store.db.handle import Store
from nta.store.hosting import findings, override_rows
from nta.store.tables import Addressee, FindingRow, NoticeItem
from nta.store.work import due
from nta.usecases.notify import notify_waiting
from nta.usecases.resolve import resolve_url
from tests.builders import MadeCase
from tests.conftest import NINE, hours
from tests.lookup_plain import a_finding
from tests.resolving import LATER, FakeAsker, due_at, events, made, parties, resolve, state
from tests.usecases.test_resolve_domains import KNOWN, ORIGIN, SHIELD, URL, escalate, facts, told

ASKABLE = AskableProxies(KNOWN, frozenset({SHIELD.id}))
BEHIND = "192.0.2.77"
NO_ENTRY = LookupProblem("origin", other("our token is not accepted (401)"), False)
SILENT = LookupProblem("origin", other("the server does not answer in time"), True)


@dataclass
class Telling(FakeAsker):
    """One who also knows what stands behind names: an address, nothing (""), or why nobody says."""

    behind: dict[str, str | LookupProblem] = field(default_factory=dict)
    asked_origins: list[tuple[str, str | None]] = field(default_factory=list)

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterable[Finding]:
        for lookup in lookups:
            if lookup.kind is LookupKind.ORIGIN:
                self.asked_origins.append((lookup.subject, lookup.whom))
                yield self._behind(lookup, now)
        others = [lookup for lookup in lookups if lookup.kind is not LookupKind.ORIGIN]
        if others:
            yield from super().ask(others, now)

    def _behind(self, lookup: Lookup, now: datetime) -> Finding:
        said = self.behind[lookup.subject]
        if isinstance(said, LookupProblem):
            return a_finding(lookup, None, "origin look-up", now, now + hours(1), said)
        value = (
            {"proxy": lookup.whom, "addresses": [said], "holder_name": None, "abuse": []} if said else None
        )
        return a_finding(lookup, value, "origin look-up", now, now + hours(12 if said else 1), None)


@pytest.fixture
def asker() -> Telling:
    """One who knows a name behind a proxy, the proxy's ranges, a machine elsewhere, and that it is behind."""
    return Telling(
        names={"a.test": ("203.0.113.1",), "b.test": ("203.0.113.2",)},
        networks={
            "203.0.113.0/24": {"country": "US"},
            "198.51.100.0/24": {"country": "US"},
            "192.0.2.0/24": ORIGIN,
        },
        behind={"a.test": BEHIND, "b.test": ""},
    )


@pytest.fixture
def case(store: Store) -> MadeCase:
    return made(store, URL)


def test_the_host_behind_is_told_beside_the_proxy_without_a_persons_word(
    store: Store, asker: Telling, case: MadeCase
) -> None:
    resolve(store, asker, known=KNOWN, askable=ASKABLE)
    escalate(store)
    notify_waiting(store, catalogue=KNOWN, now=NINE + hours(1))

    assert asker.asked_origins == [("a.test", "proxy:shield")]
    assert told(store) == {("proxy", "proxy:shield"), ("host", "rdap:ORG-9")}
    found = facts(store, case)
    assert (found.country, found.origin_from) == ("NL", "proxy:shield")
    assert found.hidden_hosts == {"rdap:ORG-9"}
    assert parties(store, state(store, case).arrangement_id) == {"203.0.113.1": None}
    with store.db.read() as connection:
        query = select(Addressee.role, NoticeItem.addresses).join(
            Addressee, Addressee.id == NoticeItem.addressee_id
        )
        named = dict(map(tuple, connection.execute(query).all()))
    assert named == {"proxy": "203.0.113.1", "host": BEHIND}


def test_an_answer_is_believed_for_twelve_hours_and_asked_once_for_a_host(
    store: Store, asker: Telling, case: MadeCase
) -> None:
    resolve(store, asker, known=KNOWN, askable=ASKABLE)
    made(store, "http://a.test:8080/")
    resolve(store, asker, NINE + hours(11), known=KNOWN, askable=ASKABLE)
    assert asker.asked_origins == [("a.test", "proxy:shield")]

    resolve(store, asker, LATER, known=KNOWN, askable=ASKABLE)

    assert asker.asked_origins == [("a.test", "proxy:shield")] * 2


def test_the_network_of_an_origin_is_asked_once_for_all_its_addresses(store: Store, asker: Telling) -> None:
    asker.behind["b.test"] = "192.0.2.78"
    made(store, URL)
    resolve(store, asker, known=KNOWN, askable=ASKABLE)
    made(store, "http://b.test/")

    resolve(store, asker, NINE + hours(1), known=KNOWN, askable=ASKABLE)

    assert [ip for ip in asker.asked if ip.startswith("192.0.2.")] == [BEHIND]


def test_where_nothing_is_known_the_proxy_alone_is_told(store: Store, asker: Telling) -> None:
    case = made(store, "http://b.test/")

    resolve(store, asker, known=KNOWN, askable=ASKABLE)
    escalate(store)

    assert told(store) == {("proxy", "proxy:shield")}
    assert facts(store, case).problems == ()
    assert due_at(store, due.RESOLVE, case.host_id) == NINE + hours(12)


@pytest.mark.parametrize(
    ("problem", "again"), [(NO_ENTRY, hours(12)), (SILENT, hours(1))], ids=["for-good", "for-now"]
)
def test_a_proxy_that_cannot_be_asked_holds_up_nothing(
    store: Store, asker: Telling, case: MadeCase, problem: LookupProblem, again: datetime
) -> None:
    asker.behind["a.test"] = problem

    resolve(store, asker, known=KNOWN, askable=ASKABLE)
    escalate(store)

    assert state(store, case).stage == "ready"
    assert told(store) == {("proxy", "proxy:shield")}
    assert [p.reason for p in facts(store, case).problems] == [problem.reason]
    assert due_at(store, due.RESOLVE, case.host_id) == NINE + again


def test_what_a_proxy_says_later_joins_the_episode(store: Store, asker: Telling, case: MadeCase) -> None:
    asker.behind["a.test"] = SILENT
    resolve(store, asker, known=KNOWN, askable=ASKABLE)
    asker.behind["a.test"] = BEHIND

    resolve(store, asker, NINE + hours(1), known=KNOWN, askable=ASKABLE)

    assert events(store, case)[-1] == "party_joined"
    assert facts(store, case).hidden_hosts == {"rdap:ORG-9"}


def test_its_word_stands_while_it_cannot_be_asked_again(store: Store, asker: Telling, case: MadeCase) -> None:
    resolve(store, asker, known=KNOWN, askable=ASKABLE)
    asker.behind["a.test"] = SILENT

    resolve(store, asker, LATER, known=KNOWN, askable=ASKABLE)
    assert facts(store, case).hidden_hosts == {"rdap:ORG-9"}
    asker.behind["a.test"] = ""
    resolve(store, asker, LATER + hours(2), known=KNOWN, askable=ASKABLE)

    assert facts(store, case).hidden_hosts == frozenset()


def test_where_a_person_knows_the_proxy_is_not_asked(store: Store, asker: Telling, case: MadeCase) -> None:
    with store.db.write() as connection:
        override_rows.put(connection, store, case.host_id, reason="its mail", until=None, origin="192.0.2.99")

    resolve(store, asker, known=KNOWN, askable=ASKABLE)

    assert asker.asked_origins == []
    assert [a.ip for a in facts(store, case).origins] == ["192.0.2.99"]
    assert facts(store, case).origin_from is None


def test_who_serves_by_himself_is_not_asked_about(store: Store, asker: Telling) -> None:
    asker.names["c.test"] = (BEHIND,)
    made(store, "http://c.test/")

    resolve(store, asker, known=KNOWN, askable=ASKABLE)

    assert asker.asked_origins == []


def test_what_a_host_disowns_is_asked_anew_and_kept_sealed(
    store: Store, asker: Telling, case: MadeCase
) -> None:
    resolve(store, asker, known=KNOWN, askable=ASKABLE)
    with store.db.write() as connection:
        sealed = connection.execute(select(FindingRow.value_sealed).where(FindingRow.kind == "origin"))
        assert all(BEHIND.encode() not in bytes(value) for (value,) in sealed.all())
        findings.expire(connection, store, ["a.test"], [], NINE)
        due.want(connection, due.RESOLVE, [case.host_id], NINE)

    resolve(store, asker, known=KNOWN, askable=ASKABLE)

    assert asker.asked_origins == [("a.test", "proxy:shield")] * 2


def test_a_reader_is_told_too(asker: Telling) -> None:
    found = resolve_url(parse(URL), asker=asker, catalogue=KNOWN, now=NINE, askable=ASKABLE)

    assert [a.ip for a in found.facts.origins] == [BEHIND]
    assert found.asked["origin"] == 1
