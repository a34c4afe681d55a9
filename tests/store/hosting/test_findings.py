"""Findings: found again by question or by range while they are valid, and sealed."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.domain.reasons import Code, Reason, because, other
from nta.store.db.handle import Store
from nta.store.hosting import findings
from nta.store.tables import FindingRange, FindingRow
from tests.conftest import NINE, hours
from tests.lookup_plain import a_finding

SOON, LONG = NINE + hours(1), NINE + hours(12)


def name(host: str = "a.test", until: datetime = SOON) -> Finding:
    value = {"addresses": ["192.0.2.1"], "cname": ["edge.test"], "dead": None}
    return a_finding(Lookup(LookupKind.ADDRESSES, host), value, "dns", NINE, until, None)


def network(ip: str, *covers: str, until: datetime = LONG, **value: Any) -> Finding:
    plain = {"handle": f"NET-{ip}", "abuse": [{"email": "abuse@hosting.example"}]} | value
    return a_finding(Lookup(LookupKind.NETWORK, ip), plain, "rdap", NINE, until, None, covers)


def save(store: Store, *found: Finding) -> None:
    with store.db.write() as connection:
        findings.save(connection, store, found)


def of_questions(store: Store, *lookups: Lookup, now: datetime = NINE) -> list[Finding]:
    with store.db.read() as connection:
        return findings.of_questions(connection, store, lookups, now)


def of_networks(store: Store, *addresses: str, now: datetime = NINE) -> list[str]:
    with store.db.read() as connection:
        return sorted(f.lookup.subject for f in findings.of_networks(connection, store, addresses, now))


def test_a_finding_comes_back_as_it_was(store: Store) -> None:
    failed = a_finding(
        Lookup(LookupKind.NETWORK, "192.0.2.9"),
        None,
        "rdap",
        NINE,
        NINE + hours(1),
        LookupProblem("rdap_ip", other("silence"), True),
    )
    nothing = a_finding(Lookup(LookupKind.NETWORK, "192.0.2.8"), None, "rdap", NINE, NINE + hours(1), None)
    kept = [name(), network("192.0.2.1", "192.0.2.0/25", "192.0.2.128/25"), failed, nothing]
    save(store, *kept)
    save(store)

    assert sorted(of_questions(store, *(f.lookup for f in kept)), key=str) == sorted(kept, key=str)
    assert of_questions(store, Lookup(LookupKind.ADDRESSES, "192.0.2.1")) == []
    assert of_questions(store) == []


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (because(Code.SERVER_ANSWERED, status=500), because(Code.SERVER_ANSWERED, status=500)),
        (because(Code.ROUTES_UNREADABLE, why="x" * 200), other("routes_unreadable")),
        (other("x" * 300), other("x" * 200)),
    ],
    ids=["a-code", "a-code-too-long", "a-sentence-too-long"],
)
def test_why_there_is_no_answer_comes_back_as_far_as_its_column_holds_it(
    store: Store, reason: Reason, expected: Reason
) -> None:
    problem = LookupProblem("rdap_ip", reason, True)
    lookup = Lookup(LookupKind.NETWORK, "192.0.2.9")
    save(store, a_finding(lookup, None, "rdap", NINE, NINE + hours(1), problem))

    (found,) = of_questions(store, lookup)

    assert found.problem == replace(problem, reason=expected)


def test_a_finding_is_found_until_it_runs_out(store: Store) -> None:
    save(store, name(until=NINE + hours(1)))

    assert len(of_questions(store, name().lookup, now=NINE + hours(1) - timedelta(seconds=1))) == 1
    assert of_questions(store, name().lookup, now=NINE + hours(1)) == []


def test_findings_that_ran_out_are_read_on_newest_first(store: Store) -> None:
    old, new, other = name(), replace(name(), asked_at=NINE + hours(2)), name("b.test")
    save(store, old, new, other)

    with store.db.read() as connection:
        assert findings.kept(connection, store, [old.lookup], 9) == [new, old]
        assert findings.kept(connection, store, [old.lookup, other.lookup], 1) == [new]


def test_many_questions_are_found_at_once(store: Store) -> None:
    save(store, *(name(f"s{n}.test") for n in range(1200)))

    found = of_questions(store, *(Lookup(LookupKind.ADDRESSES, f"s{n}.test") for n in range(1300)))

    assert len(found) == 1200


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", ["192.0.2.1"]),
        ("192.0.2.255", ["192.0.2.1"]),
        ("192.0.3.0", []),
        ("192.0.1.255", []),
        ("198.51.100.77", ["198.51.100.1", "198.51.100.77"]),
        ("2001:db8::ffff", ["2001:db8::1"]),
        ("2001:db9::", []),
        ("::c000:201", []),
    ],
)
def test_a_network_is_found_by_any_address_of_its_ranges(
    store: Store, address: str, expected: list[str]
) -> None:
    save(
        store,
        network("192.0.2.1", "192.0.2.0/24"),
        network("198.51.100.1", "198.51.100.0/24"),
        network("198.51.100.77", "198.51.100.76/30"),
        network("2001:db8::1", "2001:db8::/32"),
    )

    assert of_networks(store, address) == expected


def test_networks_that_ran_out_are_not_found(store: Store) -> None:
    save(store, network("192.0.2.1", "192.0.2.0/24", until=NINE), network("192.0.2.2", "192.0.2.0/24"))

    assert of_networks(store, "192.0.2.7", "192.0.2.8") == ["192.0.2.2"]


def test_a_narrow_range_is_found_among_many_wide_ones(store: Store) -> None:
    wide = [network(f"10.{n}.0.1", "10.0.0.0/8") for n in range(20)]
    save(store, *wide, network("10.1.2.3", "10.1.2.0/24"))

    assert "10.1.2.3" in of_networks(store, "10.1.2.9")


def test_what_a_finding_says_is_sealed_and_its_ranges_are_not(store: Store) -> None:
    save(store, name("secret.test"), network("192.0.2.1", "192.0.2.0/24"))

    with store.db.read() as connection:
        rows = [str(tuple(row)) for row in connection.execute(select(*FindingRow.__table__.c))]
        ranges = connection.execute(select(FindingRange.first, FindingRange.last)).all()
    assert not any(word in row for row in rows for word in ("secret", "192.0.2", "abuse@"))
    assert [(bytes(first)[-4:], bytes(last)[-4:]) for first, last in ranges] == [
        (b"\xc0\x00\x02\x00", b"\xc0\x00\x02\xff")
    ]


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param({"value": {"addresses": "192.0.2.1"}}, id="value"),
        pytest.param({"subject": ["a.test"]}, id="subject"),
        pytest.param({"whom": ["proxy:shield"]}, id="whom"),
        pytest.param({"covers": [24]}, id="ranges"),
    ],
)
def test_a_finding_kept_in_a_form_that_is_not_read_is_not_there(store: Store, kept: dict[str, Any]) -> None:
    value = {"addresses": ["192.0.2.1"], "cname": [], "dead": None}
    whole = {"subject": "a.test", "value": value, "covers": []}
    save(store, name(), name("b.test"))
    with store.db.write() as connection:
        number = connection.execute(select(FindingRow.id).order_by(FindingRow.id).limit(1)).scalar_one()
        sealed = store.sealer.seal("finding.value", number, json.dumps(whole | kept))
        connection.execute(update(FindingRow).where(FindingRow.id == number).values(value_sealed=sealed))

    assert of_questions(store, name().lookup, name("b.test").lookup) == [name("b.test")]
