"""Registries that answer badly: the case goes on with what is known, the problem has a name, nothing hangs.

Real sockets and our own adapters, through the use case, on both databases.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pytest

from nta.adapters.net.rate_limits import Rate
from nta.domain.hosting.facts import HostingFacts
from nta.domain.hosting.lookups import Lookup, LookupKind
from nta.domain.reasons import Code, Reason
from nta.render.reason_sentences import sentence
from nta.store.db.handle import Store
from nta.store.hosting import findings, host_arrangements
from nta.store.work import due
from nta.usecases.resolve import resolve_due
from tests.adapters.servers import Page, Zone, http
from tests.builders import MadeCase
from tests.conftest import NINE, hours
from tests.resolving import EVERYWHERE, due_at, host, made, parties, state
from tests.usecases.registries import (
    GOOD_IP,
    IP,
    Registries,
    abuse,
    domain,
    entity,
    network,
    never,
    registries,
    said,
)

BOTH = Zone(f"a.test 300 A {GOOD_IP}\na.test 300 A {IP}")
DEEP = abuse("abuse@deep.example")
for _ in range(49):
    DEEP = entity(["technical"], entities=[DEEP])
ODD_CARDS = [
    entity(["abuse"], "email", ["email"], ["email", {}, "text"], ["email", {}, "text", {"a": 1}], 7, None),
    {"roles": ["abuse"], "vcardArray": {"vcard": []}},
    {"roles": ["abuse"], "vcardArray": ["vcard", "email"]},
    {"roles": {"abuse": True}, "vcardArray": ["vcard", [[["email"], [], 1, ["x@y.example"]]]]},
]

Hostile = Callable[[str], Page]  # the page of a path
USELESS: Mapping[str, tuple[Hostile, str]] = {
    "429": (lambda _: http(429, b"slow down"), "the server answered 429"),
    "garbage": (
        lambda _: b"\x00\xff\x16\x03 not http at all\r\n\r\n" * 9,
        "the server cannot be reached or breaks off",
    ),
    "no JSON": (lambda _: http(200, b"<html>\xff\xfe</html>"), "the answer is not JSON"),
    "JSON too deep": (lambda _: http(200, b"[" * 200_000), "the answer is not JSON"),
    "JSON of another kind": (lambda _: said([1, {"a": None}]), "the RDAP answer is not an object"),
    "5 MiB": (lambda _: http(200, b" " * (5 << 20)), "the answer is too long"),
    "nothing": (lambda _: never, "the server does not answer in time"),
    "an empty answer": (lambda _: http(200, b""), "the answer is not JSON"),
    "hanging up": (lambda _: lambda connection: None, "the server cannot be reached or breaks off"),
    "a redirect loop": (lambda path: http(302, Location=path), "too many redirects"),
    "a redirect to a private address": (
        lambda _: http(302, Location="http://10.0.0.1/secret"),
        "address not reachable by policy",
    ),
    "a redirect to a link-local address": (
        lambda _: http(302, Location="http://169.254.169.254/latest"),
        "address not reachable by policy",
    ),
    "a redirect to nowhere": (
        lambda _: http(302, Location="http://[::1"),
        "the server's address cannot be read",
    ),
}


def resolve(store: Store, at: Registries, now=NINE, **more) -> int:
    return resolve_due(
        store, asker=more.pop("asker", None) or at.askers(), catalogue=EVERYWHERE, holder="one", now=now
    )


def facts(store: Store, case: MadeCase) -> HostingFacts:
    with store.db.read() as connection:
        return host_arrangements.facts(connection, store, host(store, case).arrangement_id)


def named(store: Store, case: MadeCase) -> dict[str, str]:
    return {p.step: sentence(p.reason) for p in facts(store, case).problems}


@pytest.mark.parametrize(("hostile", "reason"), USELESS.values(), ids=USELESS)
def test_a_hostile_registry_of_one_network_leaves_the_other_to_be_told(
    store: Store, hostile: Hostile, reason: str
) -> None:
    case = made(store, "http://a.test/x")
    with registries(BOTH, {f"/ip/{IP}": hostile(f"/ip/{IP}")}) as at:
        assert resolve(store, at) == 1

    assert state(store, case).stage == "ready"
    assert parties(store, state(store, case).arrangement_id) == {GOOD_IP: "rdap:GOOD", IP: None}
    assert named(store, case) == {"rdap_ip": reason}
    assert due_at(store, due.RESOLVE, case.host_id) <= NINE + hours(1)


@pytest.mark.parametrize(("hostile", "reason"), USELESS.values(), ids=USELESS)
def test_a_hostile_registry_of_the_domain_stops_no_notice_to_the_host(
    store: Store, hostile: Hostile, reason: str
) -> None:
    case = made(store, "http://a.test/x")
    pages = {
        f"/ip/{IP}": said(network("192.0.2.0/24", "GOOD", abuse("abuse@good.example"))),
        "/domain/a.test": hostile("/domain/a.test"),
    }
    with registries(Zone(f"a.test 300 A {IP}"), pages) as at:
        at.port_43.records["test"] = b""

        assert resolve(store, at) == 1

    assert state(store, case).stage == "ready"
    assert named(store, case) == {"rdap_domain": reason, "whois_domain": "the server answers nothing"}
    assert due_at(store, due.RESOLVE, case.host_id) <= NINE + hours(1)


PORT_43: Mapping[str, tuple[Page, str]] = {
    "nothing": (never, "the server does not answer in time"),
    "hanging up": (b"", "the server answers nothing"),
    "garbage": (bytes(range(256)) * 8, "no WHOIS server is named for this suffix"),
    "5 MiB": (b"refer: x\r\n" * (1 << 19), "the answer is too long"),
    "a referral inside": (b"refer: 10.0.0.1\r\n", "address not reachable by policy"),
    "too often": (b"% Query rate limit exceeded\r\n", "the server was asked too often"),
}


@pytest.mark.parametrize(("record", "reason"), PORT_43.values(), ids=PORT_43)
def test_a_hostile_server_on_port_43_is_one_more_problem_with_a_name(
    store: Store, record: Page, reason: str
) -> None:
    case = made(store, "http://a.test/x")
    with registries(Zone(f"a.test 300 A {GOOD_IP}"), {"/domain/a.test": http(500)}) as at:
        at.port_43.records["test"] = record

        assert resolve(store, at) == 1

    assert state(store, case).stage == "ready"
    assert named(store, case) == {"rdap_domain": "the server answered 500", "whois_domain": reason}


@pytest.mark.parametrize(("hostile", "reason"), USELESS.values(), ids=USELESS)
def test_where_nobody_else_is_known_the_case_waits_with_a_due_time(
    store: Store, hostile: Hostile, reason: str
) -> None:
    case = made(store, "http://a.test/x")
    with registries(Zone(f"a.test 300 A {IP}"), {f"/ip/{IP}": hostile(f"/ip/{IP}")}) as at:
        resolve(store, at)
        at.rdap.pages[f"/ip/{IP}"] = said(network("192.0.2.0/24", "LATE", abuse("abuse@late.example")))
        assert state(store, case).stage == "submitted"
        soon = due_at(store, due.RESOLVE, case.host_id)
        assert NINE < soon <= NINE + hours(1)

        assert resolve(store, at, NINE + hours(1)) == 1

    assert parties(store, state(store, case).arrangement_id) == {IP: "rdap:LATE"}


UNHEARD_OF: Mapping[str, dict[str, object]] = {
    "an AS number of 2**63": {"arin_originas0_originautnums": [2**63]},
    "an AS number of -1": {"entities": [entity(["registrant"], autnums=[{"startAutnum": -1}])]},
    "a holder's handle of 92 characters": {"entities": [entity(["registrant"], handle="H" * 92)]},
    "a network's handle of 300 characters": {"handle": "N" * 300, "entities": []},
    "a country of seven letters": {"country": "COUNTRY"},
    "a name that holds a NUL": {"name": "a\x00b", "handle": "a\x00b", "entities": []},
    "a name that holds half a character": {"handle": "a\ud800", "entities": []},
    "10,000 mailboxes": {"entities": [abuse(f"abuse{n}@good.example") for n in range(4_000)]},
    "a mailbox of 400 characters": {"entities": [abuse(f"{'a' * 400}@good.example")]},
}


@pytest.mark.parametrize("spoilt", UNHEARD_OF.values(), ids=UNHEARD_OF)
def test_what_no_column_holds_is_bounded_where_it_is_read(store: Store, spoilt: dict[str, object]) -> None:
    bad, good = made(store, "http://a.test/x"), made(store, "http://b.test/x")
    zone = Zone(f"a.test 300 A {IP}\nb.test 300 A {GOOD_IP}")
    answer = network("192.0.2.0/24", "ODD", abuse("abuse@odd.example")) | spoilt
    with registries(zone, {f"/ip/{IP}": said(answer), "/domain/b.test": said(domain("b.test"))}) as at:
        assert resolve(store, at) == 2

    assert (state(store, bad).stage, state(store, good).stage) == ("ready", "ready")
    asn = facts(store, bad).addresses[0].asn
    assert asn is None or 0 < asn < 2**32


def test_two_holders_whose_handles_begin_alike_stay_two(store: Store) -> None:
    cases = [made(store, "http://a.test/x"), made(store, "http://b.test/x")]
    zone = Zone(f"a.test 300 A {IP}\nb.test 300 A 203.0.113.1")
    pages = {
        f"/ip/{IP}": said(network("192.0.2.0/24", "H" * 92, abuse("abuse@one.example"))),
        "/ip/203.0.113.1": said(network("203.0.113.0/24", "H" * 93, abuse("abuse@two.example"))),
        "/domain/b.test": said(domain("b.test")),
    }
    with registries(zone, pages) as at:
        resolve(store, at)

    one, two = (facts(store, case).addresses[0].party for case in cases)
    assert one != two
    assert one is not None
    assert len(one) <= 96


def test_an_abuse_desk_fifty_entities_deep_is_found(store: Store) -> None:
    case = made(store, "http://a.test/x")
    pages = {
        f"/ip/{IP}": said(network("192.0.2.0/24", "DEEP", DEEP)),
        "/domain/a.test": said(domain("a.test", entity(["registrar"], entities=[DEEP]))),
    }
    with registries(Zone(f"a.test 300 A {IP}"), pages) as at:
        assert resolve(store, at) == 1

    found = facts(store, case)
    assert [c.email for c in found.addresses[0].abuse] == ["abuse@deep.example"]
    assert [c.email for c in found.domain.registrar.abuse] == ["abuse@deep.example"]
    assert found.problems == ()


def test_cards_of_the_wrong_shape_are_left_out_and_the_holder_stays_known(store: Store) -> None:
    case = made(store, "http://a.test/x")
    pages = {
        f"/ip/{IP}": said(network("192.0.2.0/24", "ODD", *ODD_CARDS, abuse("abuse@odd.example"))),
        "/domain/a.test": said(domain("a.test", entity(["registrar"], 3, entities=ODD_CARDS))),
    }
    with registries(Zone(f"a.test 300 A {IP}"), pages) as at:
        assert resolve(store, at) == 1

    found = facts(store, case)
    assert parties(store, state(store, case).arrangement_id) == {IP: "rdap:ODD"}
    assert [c.email for c in found.addresses[0].abuse] == ["abuse@odd.example"]
    assert found.domain.registered
    assert found.problems == ()


def test_a_name_whose_answer_breaks_off_is_asked_again_and_harms_no_other(store: Store) -> None:
    zone = Zone(f"a.test 300 A {GOOD_IP}\nb.test 300 A {GOOD_IP}", cut_short={"b.test"})
    good, bad = made(store, "http://a.test/x"), made(store, "http://b.test/x")
    with registries(zone, {"/domain/b.test": said(domain("b.test"))}) as at:
        assert resolve(store, at) == 2
        assert (state(store, good).stage, state(store, bad).stage) == ("ready", "submitted")
        soon = due_at(store, due.RESOLVE, bad.host_id)
        assert NINE < soon <= NINE + timedelta(minutes=2)
        zone.cut_short.clear()
        resolve(store, at, NINE + timedelta(minutes=2))

    assert state(store, bad).stage == "ready"


def test_retry_after_moves_the_due_time_of_the_hosts_concerned_and_of_no_other(store: Store) -> None:
    zone = Zone(f"a.test 300 A {GOOD_IP}\nb.test 300 A {IP}\nc.test 300 A 192.0.2.77")
    pages = {f"/domain/{name}.test": said(domain(f"{name}.test")) for name in "abc"}
    with registries(zone, pages) as at:
        good = made(store, "http://a.test/x")
        resolve(store, at)
        at.rdap.pages |= {
            "/ip/192.0.2.77": http(429, Retry_After="7200"),
            f"/ip/{IP}": http(429, Retry_After="7200"),
        }
        cases = [made(store, f"http://{name}.test/x") for name in "bc"]

        assert resolve(store, at) == 2

    assert [due_at(store, due.RESOLVE, case.host_id) for case in cases] == [NINE + hours(2)] * 2
    assert [state(store, case).stage for case in cases] == ["submitted"] * 2
    assert (state(store, good).stage, due_at(store, due.RESOLVE, good.host_id)) == ("ready", NINE + hours(12))
    assert len([ip for ip in at.networks() if ip.startswith("192.0.2.")]) == 1  # after 429 nothing more


def test_a_host_is_not_asked_about_before_its_registry_wants_and_is_then(store: Store) -> None:
    case = made(store, "http://a.test/x")
    with registries(Zone(f"a.test 300 A {IP}"), {f"/ip/{IP}": http(429, Retry_After="7200")}) as at:
        resolve(store, at)
        # Another process, another asker: the finding is what it knows.
        with store.db.write() as connection:
            due.want(connection, due.RESOLVE, [case.host_id], NINE + hours(1))
        assert resolve(store, at, NINE + hours(1)) == 1
        assert at.networks() == [IP]
        assert due_at(store, due.RESOLVE, case.host_id) == NINE + hours(2)
        at.rdap.pages[f"/ip/{IP}"] = said(network("192.0.2.0/24", "RESTED", abuse("abuse@rested.example")))

        assert resolve(store, at, NINE + hours(2)) == 1

    assert parties(store, state(store, case).arrangement_id) == {IP: "rdap:RESTED"}


def test_a_large_hand_in_is_resolved_as_a_set_as_far_as_manners_allow(store: Store) -> None:
    places = {f"http://s{number}.test/x": f"203.0.113.{16 * number}" for number in range(12)}
    zone = Zone("\n".join(f"s{number}.test 300 A {ip}" for number, ip in enumerate(places.values())))
    pages: dict[str, Page] = {f"/domain/s{n}.test": said(domain(f"s{n}.test")) for n in range(12)}
    for ip in places.values():
        pages[f"/ip/{ip}"] = said(network(f"{ip}/28", f"ORG-{ip}", abuse("abuse@small.example")))
    cases = {made(store, url): ip for url, ip in places.items()}
    with registries(zone, pages) as at:
        asker, now = at.askers(Rate(8, 0.5, "for a test")), NINE
        resolve(store, at, now, asker=asker)
        waiting = [case for case in cases if state(store, case).stage == "submitted"]
        assert 0 < len(waiting) < 12
        assert {problem(store, cases[case], now) for case in waiting} == {sentence(Reason(Code.OWN_PACE))}

        turns = 1
        while (then := min(due_at(store, due.RESOLVE, case.host_id) for case in cases)) < NINE + hours(1):
            turns += 1
            assert now < then <= now + timedelta(seconds=16)
            at.machine_s[0] += (then - now).total_seconds()
            now = then
            resolve(store, at, now, asker=asker)

    assert turns <= 3
    assert {state(store, case).stage for case in cases} == {"ready"}
    assert all(facts(store, case).domain.registrar and not facts(store, case).problems for case in cases)
    assert len(at.networks()) == len(set(at.networks())) == 12  # nobody was asked about twice


def problem(store: Store, ip: str, now: datetime) -> str | None:
    """Return why a network is not known, as it is kept for whoever asks next."""
    with store.db.read() as connection:
        kept = findings.of_questions(connection, store, [Lookup(LookupKind.NETWORK, ip)], now)
    return next((sentence(finding.problem.reason) for finding in kept if finding.problem), None)
