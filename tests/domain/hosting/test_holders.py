"""Whose a network is by the mailboxes of its registration, and what is made of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.holders import (
    domain_of,
    file_of,
    files_of,
    found_contacts,
    holder_domains,
)
from nta.domain.hosting.lookup_answers import RegisteredNetwork, RegisteredSystem
from nta.domain.hosting.lookups import Finding
from nta.domain.parties.mail_addresses import is_usable
from tests.lookup_plain import a_finding

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        pytest.param("noc@hosting.example", "hosting.example", id="plain"),
        pytest.param("noc@mail.hosting.example", "hosting.example", id="a-mail-server-of-it"),
        pytest.param("NOC@Hosting.Example", "hosting.example", id="capitals"),
        pytest.param("noc@hosting.co.uk", "hosting.co.uk", id="under-a-suffix-of-two"),
        pytest.param("somebody@gmail.com", None, id="a-free-service"),
        pytest.param("somebody@outlook.com", None, id="another"),
        pytest.param("somebody@yahoo.co.uk", None, id="one-under-any-suffix"),
        pytest.param("hm-changed@apnic.net", None, id="a-registry"),
        pytest.param("unread@ripe.net", None, id="ripe"),
        pytest.param("hostmaster@arin.net", None, id="arin"),
        pytest.param("hostmaster@nic.ad.jp", None, id="a-national-registry"),
        pytest.param("noemail@supplied.unknown", None, id="nowhere"),
        pytest.param("noc@192.0.2.1", None, id="an-address"),
        pytest.param("noc@co.uk", None, id="a-suffix"),
        pytest.param("noc@-hosting.example", None, id="no-name"),
        pytest.param("no mailbox", None, id="no-mailbox"),
        pytest.param("", None, id="nothing"),
        pytest.param("noc@" + "a." * 200 + "example", None, id="too-long"),
    ],
)
def test_a_mailbox_says_whose_domain_it_is(email, domain):
    assert domain_of(email) == domain


def test_domains_come_once_in_order_and_only_so_many():
    emails = ["a@one.example", "b@gmail.com", "c@two.example", "d@one.example"]

    assert holder_domains(emails) == ["one.example", "two.example"]
    assert len(holder_domains(f"a@d{n}.example" for n in range(100))) == 8


@given(st.lists(st.text(max_size=80) | st.emails(), max_size=20))
def test_whatever_stands_there_a_domain_can_be_asked_and_written_to(emails):
    for domain in holder_domains(emails):
        assert domain_of(f"abuse@{domain}") == domain
        assert is_usable(f"abuse@{domain}")


def file(domain: str, *contacts: str) -> Finding:
    value = {"contacts": list(contacts), "expires": None} if contacts else None
    return a_finding(file_of(domain), value, "security_txt", NOW, NOW + timedelta(hours=1), None)


def named(email: str, source: str = "rdap") -> FoundContact:
    return FoundContact(email, source, 0.5)


ONE, TWO = file("one.example"), file("two.example")


@pytest.mark.parametrize(
    ("network", "system", "files", "expected"),
    [
        pytest.param(
            ["abuse@net.example"], ["abuse@as.example"], [ONE], ["abuse@net.example rdap"], id="its-own"
        ),
        pytest.param([], ["abuse@as.example"], [ONE], ["abuse@as.example upstream"], id="who-announces-it"),
        pytest.param(
            ["unread@ripe.net"],
            ["abuse@as.example"],
            [],
            ["unread@ripe.net rdap", "abuse@as.example upstream"],
            id="a-placeholder-is-no-desk",
        ),
        pytest.param(
            [],
            [],
            [file("one.example", "security@one.example", "it@one.example")],
            ["security@one.example security_txt", "it@one.example security_txt"],
            id="security-txt",
        ),
        pytest.param(
            [],
            [],
            [ONE, file("two.example", "security@two.example")],
            ["security@two.example security_txt"],
            id="the-second-domains",
        ),
        pytest.param(
            [], [], [ONE, TWO], ["abuse@one.example guess", "abuse@two.example guess"], id="guesses"
        ),
        pytest.param([], [], [], [], id="nothing-asked-nothing-guessed"),
    ],
)
def test_contacts_are_looked_for_one_way_after_another(network, system, files, expected):
    found = found_contacts(
        RegisteredNetwork(abuse=tuple(named(email) for email in network)),
        RegisteredSystem(abuse=tuple(named(email, "upstream") for email in system)),
        files,
    )

    assert [f"{c.email} {c.source}" for c in found] == expected


def test_who_names_only_dead_mailboxes_is_looked_past():
    network = RegisteredNetwork(abuse=(named("Abuse@net.example"),))
    system = RegisteredSystem(abuse=(named("abuse@as.example", "upstream"),))
    files = [file("one.example", "security@one.example")]
    dead = ["abuse@net.example", "abuse@as.example", "security@one.example", "abuse@one.example"]

    found = [[c.email for c in found_contacts(network, system, files, dead[:n])] for n in range(5)]

    assert found == [
        ["Abuse@net.example"],
        ["Abuse@net.example", "abuse@as.example"],
        ["Abuse@net.example", "abuse@as.example", "security@one.example"],
        ["Abuse@net.example", "abuse@as.example", "security@one.example", "abuse@one.example"],
        ["Abuse@net.example", "abuse@as.example", "security@one.example"],
    ]


def test_what_is_preferred_is_surer_and_a_guess_is_never_as_sure():
    first, second = found_contacts(None, None, [file("one.example", "a@one.example", "b@one.example")])
    guess, other = found_contacts(None, None, [ONE, TWO])

    assert first.confidence > second.confidence > guess.confidence > other.confidence > 0
    assert guess == FoundContact("abuse@one.example", "guess", 0.2)


def test_two_domains_are_asked_at_most():
    asked = files_of(RegisteredNetwork(domains=("one.example", "two.example", "three.example")))

    assert asked == (file_of("one.example"), file_of("two.example"))
    assert files_of(None) == files_of(RegisteredNetwork()) == ()
