"""A person says who serves a host or a domain: it counts while it is in force, and no longer."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from nta.domain.errors import RefusedError
from nta.domain.hosting.facts import HostingFacts
from nta.domain.hosting.overrides import EnteredOverride, OverrideSlip, SlipError
from nta.domain.parties.organisations import NoticeRoute, Provider
from nta.domain.reasons import Code, because
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements, override_rows
from nta.store.tables import Addressee, AuditEntry, Domain, Episode, Event, TaskRow
from nta.store.work import due
from nta.usecases.decisions import hosting_overrides
from nta.usecases.escalate import escalate_due
from tests import person_tasks
from tests.builders import MadeCase
from tests.builders_notices import CHECKED
from tests.conftest import NINE, hours
from tests.people import by
from tests.resolving import DOWN, EVERYWHERE, FakeAsker, an_asker, due_at, events, host, made, resolve, state

WHO = "analyst@hotline.test"
UNTIL = NINE + hours(3)
DESK = {"abuse": [{"email": "abuse@first.example", "source": "rdap", "confidence": 0.9}]}
ONE, TWO = (
    Provider(f"hosting:{name}", name.title(), "NL", NoticeRoute(f"abuse@{name}.example"), "x", CHECKED)
    for name in ("one", "two")
)
KNOWN = replace(EVERYWHERE, hosting={ONE.id: ONE, TWO.id: TWO})


@pytest.fixture
def asker() -> FakeAsker:
    """One who knows two hosts of one domain, and a machine elsewhere."""
    asker = an_asker()
    asker.names |= {"www.a.test": ("192.0.2.2",)}
    asker.networks["192.0.2.0/24"] |= DESK  # type: ignore[operator]
    return asker


@pytest.fixture
def case(store: Store, asker: FakeAsker) -> MadeCase:
    found = made(store, "http://a.test/x")
    resolve(store, asker, known=KNOWN)
    return found


def enter(store: Store, case: MadeCase, now: datetime = NINE, **said: Any) -> None:
    filled = EnteredOverride(
        **{"wrong": "host", "party": ONE.id, "until": UNTIL, "why": "its invoice"} | said
    )
    hosting_overrides.overrule(store, KNOWN, (), case.reference, filled, by(WHO), now)


def facts(store: Store, case: MadeCase) -> HostingFacts:
    with store.db.read() as connection:
        number = host(store, case).arrangement_id
        assert number is not None
        return host_arrangements.facts(connection, store, number)


def audited(store: Store) -> list[tuple[str, str, str | None]]:
    with store.db.read() as connection:
        rows = connection.execute(select(AuditEntry.act, AuditEntry.who, AuditEntry.detail))
        return [tuple(row) for row in rows]


def told(store: Store, case: MadeCase) -> set[str]:
    with store.db.read() as connection:
        query = select(Addressee.party).where(Addressee.episode_id == case.episode_id)
        return set(connection.execute(query).scalars())


def test_a_host_that_a_person_names_is_told_at_once(store: Store, asker: FakeAsker, case: MadeCase) -> None:
    enter(store, case)

    assert due_at(store, due.RESOLVE, case.host_id) == NINE
    resolve(store, asker, known=KNOWN)
    escalate_due(store, catalogue=KNOWN, holder="one", now=NINE)

    assert facts(store, case).forced_host == ONE.id
    assert told(store, case) == {ONE.id}
    assert events(store, case) == ["submitted", "resolved", "host_named", "party_joined"]
    assert audited(store) == [("name_host", WHO, "host: its invoice")]


def test_an_origin_is_looked_up_and_named_in_the_audit_trail(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    enter(store, case, wrong="origin", address="198.51.100.1")

    resolve(store, asker, known=KNOWN)

    assert [a.party for a in facts(store, case).origins] == ["rdap:ORG-2"]
    assert events(store, case)[-2:] == ["origin_named", "party_joined"]
    assert [entry[0] for entry in audited(store)] == ["name_origin"]


def test_what_is_entered_for_a_domain_counts_for_every_host_of_it(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    other = made(store, "http://www.a.test/y")
    stranger = made(store, "http://b.test/")
    resolve(store, asker, known=KNOWN)

    enter(store, case, scope="domain")
    soon = {c.host_id: due_at(store, due.RESOLVE, c.host_id) for c in (case, other, stranger)}
    resolve(store, asker, known=KNOWN)

    assert {number for number, at in soon.items() if at == NINE} == {case.host_id, other.host_id}
    assert [facts(store, c).forced_host for c in (case, other, stranger)] == [ONE.id, ONE.id, None]
    assert "host_named" in events(store, other)
    assert "host_named" not in events(store, stranger)


def test_a_hosts_own_entry_goes_before_its_domains_and_whole(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    enter(store, case, scope="domain", until=NINE + hours(9))
    enter(store, case, wrong="origin", address="198.51.100.1", until=UNTIL)

    resolve(store, asker, known=KNOWN)
    first = facts(store, case)
    resolve(store, asker, UNTIL, known=KNOWN)
    then = facts(store, case)

    assert (first.forced_host, [a.ip for a in first.origins]) == (None, ["198.51.100.1"])
    assert (then.forced_host, then.origins) == (ONE.id, ())
    assert due_at(store, due.RESOLVE, case.host_id) == NINE + hours(9)


@pytest.mark.parametrize("scope", ["host", "domain"])
def test_an_entry_that_is_over_counts_no_more_and_who_was_found_is_told(
    store: Store, asker: FakeAsker, case: MadeCase, scope: str
) -> None:
    enter(store, case, scope=scope)
    resolve(store, asker, known=KNOWN)
    escalate_due(store, catalogue=KNOWN, holder="one", now=NINE)
    asked = len(asker.asked)
    assert due_at(store, due.RESOLVE, case.host_id) == UNTIL

    resolve(store, asker, UNTIL, known=KNOWN)

    assert len(asker.asked) > asked
    assert facts(store, case).forced_host is None
    assert due_at(store, due.ESCALATE, case.episode_id) == UNTIL
    assert due_at(store, due.RESOLVE, case.host_id) == UNTIL + hours(12)


@pytest.mark.parametrize("scope", ["host", "domain"])
def test_an_entry_is_taken_back_with_a_reason(
    store: Store, asker: FakeAsker, case: MadeCase, scope: str
) -> None:
    enter(store, case, scope=scope)
    resolve(store, asker, known=KNOWN)

    hosting_overrides.take_back(store, case.reference, scope, " sold on ", by(WHO), NINE + hours(1))
    resolve(store, asker, NINE + hours(1), known=KNOWN)

    assert facts(store, case).forced_host is None
    assert events(store, case)[-2:] == ["entry_withdrawn", "party_joined"]
    assert audited(store)[-1] == ("withdraw_entry", WHO, f"{scope}: sold on")
    with pytest.raises(RefusedError, match="nothing_entered"):
        hosting_overrides.take_back(store, case.reference, scope, "again", by(WHO), NINE)


def test_a_later_entry_takes_the_place_of_the_one_before(store: Store, case: MadeCase) -> None:
    enter(store, case)
    enter(store, case, wrong="origin", address="198.51.100.1", why="its headers")

    with store.db.read() as connection:
        (entry,) = override_rows.written(connection, store, case.host_id)
    assert (entry.forced.party, entry.forced.origin) == (None, "198.51.100.1")
    assert (entry.why, entry.by, entry.at) == ("its headers", WHO, NINE)


def test_a_domains_origin_is_sealed(store: Store, case: MadeCase) -> None:
    enter(store, case, wrong="origin", address="198.51.100.1", scope="domain")

    with store.db.read() as connection:
        (sealed,) = connection.execute(select(Domain.forced_origin_sealed)).scalars()
        found = override_rows.of_hosts(connection, store, [case.host_id], NINE)[case.host_id]
    assert b"198.51.100.1" not in bytes(sealed or b"")
    assert found.origin == "198.51.100.1"


@pytest.mark.parametrize(
    ("said", "slip"),
    [
        pytest.param({"party": "hosting:nobody"}, OverrideSlip.HOST_UNKNOWN, id="party"),
        pytest.param({"wrong": "origin", "address": "127.0.0.1"}, OverrideSlip.ADDRESS_NOBODYS, id="private"),
        pytest.param({"until": NINE}, OverrideSlip.UNTIL_PAST, id="over"),
        pytest.param({"why": ""}, OverrideSlip.WHY_MISSING, id="reason"),
    ],
)
def test_what_is_refused_changes_nothing(
    store: Store, case: MadeCase, said: dict[str, Any], slip: OverrideSlip
) -> None:
    before = due_at(store, due.RESOLVE, case.host_id)

    with pytest.raises(SlipError) as refusal:
        enter(store, case, **said)

    assert refusal.value.slip is slip
    assert audited(store) == []
    assert due_at(store, due.RESOLVE, case.host_id) == before


def test_a_host_that_nobody_could_write_to_is_refused(store: Store, case: MadeCase) -> None:
    silent = replace(ONE, notices=None)
    known = replace(KNOWN, hosting={ONE.id: silent})
    said = EnteredOverride("host", party=ONE.id, until=UNTIL, why="its invoice")

    with pytest.raises(SlipError, match="no contact is known"):
        hosting_overrides.overrule(store, known, (), case.reference, said, by(WHO), NINE)


def test_of_a_case_on_an_address_no_domain_and_no_origin_is_entered(store: Store, asker: FakeAsker) -> None:
    on_address = made(store, "http://192.0.2.9/x")
    resolve(store, asker, known=KNOWN)

    with pytest.raises(SlipError, match="no domain"):
        enter(store, on_address, scope="domain")
    with pytest.raises(SlipError, match="nothing stands before"):
        enter(store, on_address, wrong="origin", address="198.51.100.1")
    enter(store, on_address)

    assert due_at(store, due.RESOLVE, on_address.host_id) == NINE


def test_a_host_that_a_person_names_brings_on_a_case_for_which_nobody_was_found(
    store: Store, asker: FakeAsker
) -> None:
    asker.networks["192.0.2.0/24"] = {}
    asker.names["lost.test"] = ("192.0.2.77",)
    lost = made(store, "http://lost.test/")
    resolve(store, asker, known=KNOWN)
    with store.db.write() as connection:
        connection.execute(update(Episode).where(Episode.id == lost.episode_id).values(stage="unresolved"))
        person_tasks.give(
            connection, lost.episode_id, NINE + hours(24), owner="analyst", code=Code.NOBODY_FOUND
        )
        due.drop(connection, [(due.ESCALATE, lost.episode_id)])

    enter(store, lost)
    resolve(store, asker, known=KNOWN)

    assert state(store, lost).stage == "ready"
    assert person_tasks.until(store, lost.episode_id) is None


def test_a_host_that_a_person_names_waits_for_no_registry(store: Store, asker: FakeAsker) -> None:
    asker.networks["192.0.2.0/24"] = DOWN
    waiting = made(store, "http://a.test/x")
    resolve(store, asker, known=KNOWN)
    before = state(store, waiting).stage

    enter(store, waiting)
    resolve(store, asker, known=KNOWN)
    escalate_due(store, catalogue=KNOWN, holder="one", now=NINE)

    assert before == "submitted"
    assert told(store, waiting) == {ONE.id}


def test_asking_again_asks_everything_anew(store: Store, asker: FakeAsker, case: MadeCase) -> None:
    later = NINE + hours(1) / 2
    asked = len(asker.asked)

    hosting_overrides.ask_again(store, case.reference, by(WHO), later)
    resolve(store, asker, later, known=KNOWN)

    assert sorted(asker.asked[asked:]) == ["192.0.2.1", "a.test"]
    assert audited(store) == [("ask_again", WHO, None)]


def test_something_else_that_is_wrong_is_a_leads_to_read(
    store: Store, asker: FakeAsker, case: MadeCase
) -> None:
    hosting_overrides.something_else(store, case.reference, "the registrar has changed", by(WHO), NINE)

    with store.db.read() as connection:
        task = connection.execute(select(TaskRow.owner, TaskRow.reason)).one()
    assert tuple(task) == ("lead", because(Code.SERVED_OTHERWISE, text="the registrar has changed"))
    assert due_at(store, due.RESOLVE, case.host_id) == NINE
    with pytest.raises(SlipError, match="where this is from"):
        hosting_overrides.something_else(store, case.reference, None, by(WHO), NINE)


def test_of_a_case_that_has_ended_nothing_is_entered(store: Store, case: MadeCase) -> None:
    with store.db.write() as connection:
        connection.execute(update(Episode).values(stage="ended", ended_at=NINE))

    for act in (
        lambda: enter(store, case),
        lambda: hosting_overrides.take_back(store, case.reference, "host", "x", by(WHO), NINE),
        lambda: hosting_overrides.ask_again(store, case.reference, by(WHO), NINE),
    ):
        with pytest.raises(RefusedError, match="no_open_case"):
            act()
    with store.db.read() as connection:
        kinds = set(connection.execute(select(Event.kind)).scalars())
    assert not {"host_named", "entry_withdrawn"} & kinds
