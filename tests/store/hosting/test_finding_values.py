"""What findings say, stored and read again: the same, in every release's form; the spoilt is not read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.lookup_answers import (
    AnnouncedRoute,
    HostAddresses,
    LookupAnswer,
    NamedRegistrar,
    RegisteredDomain,
    RegisteredNetwork,
    RegisteredSystem,
    SecurityFile,
    ToldOrigin,
    Unheard,
    ZoneKeeper,
    ZoneRecords,
)
from nta.domain.hosting.lookups import LookupKind
from nta.domain.reasons import Code, because, other
from nta.store.hosting.finding_values import from_stored, to_stored

UNREAD = (ValueError, LookupError, TypeError, OverflowError)
"""What the store takes for a finding that was kept in a way it no longer reads."""

WORD = st.text(max_size=8)
MAYBE = st.none() | WORD
WORDS = st.lists(WORD, max_size=3).map(tuple)
NUMBER = st.none() | st.integers(1, 2**32 - 1)
CONTACTS = st.lists(st.builds(FoundContact, WORD, WORD, st.floats(0, 1)), max_size=2).map(tuple)
WHY = st.one_of(WORD.map(other), st.builds(because, st.just(Code.DNS_ANSWERED), rcode=WORD))
UNHEARD = st.lists(st.builds(Unheard, WORD, WHY, st.booleans()), max_size=2).map(tuple)
SHOWN = st.dictionaries(WORD, WORDS, max_size=2).map(lambda shown: tuple(shown.items()))
REGISTRARS = st.none() | st.builds(NamedRegistrar, MAYBE, MAYBE, CONTACTS)
DOMAINS = st.builds(RegisteredDomain, MAYBE, MAYBE, st.booleans(), REGISTRARS, WORDS, WORDS, MAYBE)
ANSWERS = {
    LookupKind.ADDRESSES: st.builds(HostAddresses, WORDS, WORDS, MAYBE, SHOWN, UNHEARD),
    LookupKind.NETWORK: st.builds(
        RegisteredNetwork,
        *(MAYBE, MAYBE, WORDS, MAYBE, MAYBE, MAYBE, NUMBER, MAYBE),
        *(CONTACTS, WORDS, UNHEARD),
    ),
    LookupKind.ROUTE: st.builds(AnnouncedRoute, NUMBER, MAYBE, MAYBE),
    LookupKind.SYSTEM: st.builds(RegisteredSystem, MAYBE, MAYBE, CONTACTS),
    LookupKind.SECURITY_TXT: st.builds(SecurityFile, WORDS, MAYBE),
    LookupKind.ZONE: st.builds(
        ZoneRecords, WORDS, st.none() | st.builds(ZoneKeeper, WORD, WORD), WORDS, st.booleans()
    ),
    LookupKind.DOMAIN: DOMAINS,
    LookupKind.WHOIS: DOMAINS,
    LookupKind.ORIGIN: st.builds(ToldOrigin, MAYBE, WORDS, MAYBE, CONTACTS),
}


def stored(kind: LookupKind, **more: Any) -> dict[str, Any]:
    """Return the value of an answer of this kind as it is stored, some of it otherwise."""
    contact = {"email": "abuse@net.example", "source": "rdap", "confidence": 0.9}
    domain = {
        "name": "a.test",
        "suffix": "test",
        "registered": True,
        "registrar": {"name": "R", "iana_id": "9995", "abuse": [contact]},
        "status": ["active"],
        "nameservers": ["ns.one.example"],
        "source": "rdap",
    }
    values: dict[LookupKind, dict[str, Any]] = {
        LookupKind.ADDRESSES: {"addresses": ["192.0.2.1"], "cname": ["edge.test"], "dead": None},
        LookupKind.NETWORK: {
            "handle": "NET-1",
            "name": "ONE",
            "cidr": ["192.0.2.0/24"],
            "country": "NL",
            "holder": "ORG-1",
            "holder_name": "One",
            "asn": 64500,
            "as_name": "ONE-AS",
            "abuse": [contact],
            "domains": ["net.example"],
        },
        LookupKind.ROUTE: {"asn": 64500, "as_name": "ONE-AS", "prefix": "192.0.2.0/24"},
        LookupKind.SYSTEM: {"as_name": "ONE-AS", "holder": "ORG-1", "abuse": [contact]},
        LookupKind.SECURITY_TXT: {"contacts": ["security@a.test"], "expires": None},
        LookupKind.ZONE: {
            "ns": ["ns.one.example"],
            "soa": {"mname": "ns.one.example", "rname": "keeper@one.example"},
            "mx": [],
            "wildcard": False,
        },
        LookupKind.DOMAIN: domain,
        LookupKind.WHOIS: {**domain, "source": "whois"},
        LookupKind.ORIGIN: {
            "proxy": "proxy:shield",
            "addresses": ["192.0.2.1"],
            "holder_name": "One",
            "abuse": [contact],
        },
    }
    return values[kind] | more


@given(st.sampled_from(list(LookupKind)).flatmap(lambda kind: st.tuples(st.just(kind), ANSWERS[kind])))
def test_every_answer_comes_back_as_it_was(answered: tuple[LookupKind, LookupAnswer]) -> None:
    kind, answer = answered

    assert from_stored(kind, json.loads(json.dumps(to_stored(answer)))) == answer


@pytest.mark.parametrize("kind", LookupKind)
def test_the_stored_form_is_the_one_of_every_release(kind: LookupKind) -> None:
    plain = stored(kind)

    assert json.loads(json.dumps(to_stored(from_stored(kind, plain)))) == plain


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        pytest.param(
            LookupKind.ADDRESSES, {"seen_from": {"home": ["192.0.2.1"], "away": []}}, id="places-differ"
        ),
        pytest.param(
            LookupKind.NETWORK,
            {"unheard": [{"who": "JPNIC", "reason": "silence", "temporary": True}]},
            id="one-was-not-heard",
        ),
        pytest.param(
            LookupKind.ADDRESSES,
            {"unheard": [{"who": "asked from de", "reason": '{"code":"dns_slow"}', "temporary": True}]},
            id="a-place-was-not-heard",
        ),
    ],
)
def test_what_is_seldom_said_keeps_its_form_too(kind: LookupKind, more: dict[str, Any]) -> None:
    plain = stored(kind, **more)

    assert json.loads(json.dumps(to_stored(from_stored(kind, plain)))) == plain


@pytest.mark.parametrize(
    ("kind", "later"),
    [
        (LookupKind.NETWORK, ("asn", "as_name", "domains")),
        (LookupKind.SYSTEM, ("holder",)),
    ],
)
def test_what_an_earlier_release_did_not_write_is_not_known(kind: LookupKind, later: tuple[str, ...]) -> None:
    plain = {key: value for key, value in stored(kind).items() if key not in later}

    answer = from_stored(kind, plain)

    assert not any(getattr(answer, name) for name in later)


@pytest.mark.parametrize("kind", LookupKind)
@pytest.mark.parametrize("value", [[], "text", 7, {}, None], ids=repr)
def test_what_is_no_answer_is_not_read(kind: LookupKind, value: object) -> None:
    with pytest.raises(UNREAD):
        from_stored(kind, value)


@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        pytest.param(LookupKind.ADDRESSES, {"addresses": "192.0.2.1"}, id="text-for-a-list"),
        pytest.param(LookupKind.ADDRESSES, {"addresses": {"192.0.2.1": 1}}, id="object-for-a-list"),
        pytest.param(LookupKind.ADDRESSES, {"addresses": [1]}, id="number-for-an-address"),
        pytest.param(LookupKind.ADDRESSES, {"cname": None}, id="nothing-for-a-list"),
        pytest.param(LookupKind.ADDRESSES, {"dead": True}, id="flag-for-a-text"),
        pytest.param(LookupKind.ADDRESSES, {"seen_from": ["home"]}, id="places-are-a-list"),
        pytest.param(LookupKind.ADDRESSES, {"seen_from": {"home": None}}, id="a-place-is-shown-none"),
        pytest.param(LookupKind.ADDRESSES, {"unheard": [{"who": "x"}]}, id="unheard-in-part"),
        pytest.param(LookupKind.NETWORK, {"asn": "64500"}, id="text-for-a-number"),
        pytest.param(LookupKind.NETWORK, {"asn": True}, id="flag-for-a-number"),
        pytest.param(LookupKind.NETWORK, {"holder": ["ORG-1"]}, id="list-for-a-text"),
        pytest.param(LookupKind.NETWORK, {"abuse": ["abuse@net.example"]}, id="contact-is-a-text"),
        pytest.param(LookupKind.NETWORK, {"abuse": [{"email": "a@net.example"}]}, id="contact-in-part"),
        pytest.param(
            LookupKind.NETWORK,
            {"abuse": [{"email": "a@net.example", "source": "rdap", "confidence": 2}]},
            id="surer-than-sure",
        ),
        pytest.param(LookupKind.ROUTE, {"prefix": 24}, id="number-for-a-prefix"),
        pytest.param(LookupKind.SYSTEM, {"abuse": None}, id="nothing-for-contacts"),
        pytest.param(LookupKind.SECURITY_TXT, {"contacts": [None]}, id="nothing-for-a-mailbox"),
        pytest.param(LookupKind.ZONE, {"soa": ["ns.one.example"]}, id="soa-is-a-list"),
        pytest.param(LookupKind.ZONE, {"wildcard": 1}, id="number-for-a-flag"),
        pytest.param(LookupKind.DOMAIN, {"registrar": "R"}, id="registrar-is-a-text"),
        pytest.param(LookupKind.DOMAIN, {"registrar": {"name": "R"}}, id="registrar-in-part"),
        pytest.param(LookupKind.WHOIS, {"registered": "yes"}, id="text-for-a-flag"),
        pytest.param(LookupKind.ORIGIN, {"addresses": [["192.0.2.1"]]}, id="list-in-a-list"),
    ],
)
def test_what_is_spoilt_is_not_read(kind: LookupKind, odd: dict[str, Any]) -> None:
    with pytest.raises(UNREAD):
        from_stored(kind, stored(kind, **odd))
