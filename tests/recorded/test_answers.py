"""Recorded answers of registries, served over real sockets, and texts of networks as they are."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from nta.adapters.national_answers import jpnic
from nta.adapters.rdap import RdapAsker
from nta.adapters.rdap_domains import RdapDomainAsker
from nta.adapters.reach import Gate
from nta.adapters.whois import WhoisAsker
from nta.adapters.whois_answers import decoded
from nta.adapters.whois_network_answers import network, referral
from nta.domain.questions import Lookup, LookupKind
from tests.adapters.servers import WebServer, WhoisServer, http
from tests.recorded.records import recorded

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
Told = Mapping[str, Any]


def share(right: Sequence[bool]) -> float:
    return sum(right) / len(right)


def served_by_rdap(gate: Gate, records: Sequence[bytes]) -> list[Told]:
    """Serve each record as the registry's answer about a name of its own; return the findings' values."""
    names = [f"r{number}.test" for number in range(len(records))]
    with WebServer() as server:
        here = f"http://127.0.0.1:{server.port}/"
        server.pages = {f"/domain/{n}": http(200, r) for n, r in zip(names, records, strict=True)}
        server.pages["/dns.json"] = http(200, json.dumps({"services": [[["test"], [here]]]}).encode())
        asker = RdapDomainAsker(here, gate, resolve=lambda _: ())  # registrars are nowhere
        lookups = [Lookup(LookupKind.DOMAIN, name) for name in names]
        found = {f.lookup.subject: f.value for f in asker.ask(lookups, NOW)}
    return [found[name] or {} for name in names]


def served_by_whois(gate: Gate, records: Sequence[bytes]) -> list[Told]:
    names = [f"w{number}.test" for number in range(len(records))]
    with WhoisServer(dict(zip(names, records, strict=True))) as server:
        server.records["test"] = b"refer: whois.registry.test\r\n"
        only_these = {"whois.root.test": ("127.0.0.1",), "whois.registry.test": ("127.0.0.1",)}
        start = ("whois.root.test", server.port)
        asker = WhoisAsker(start, gate, resolve=lambda host: only_these.get(host, ()))
        lookups = [Lookup(LookupKind.WHOIS, name) for name in names]
        found = {f.lookup.subject: f.value for f in asker.ask(lookups, NOW)}
    return [found[name] or {} for name in names]


def served_of_networks(gate: Gate, records: Sequence[bytes]) -> list[Told]:
    addresses = [f"192.0.2.{number}" for number in range(len(records))]
    with WebServer() as server:
        here = f"http://127.0.0.1:{server.port}/"
        server.pages = {f"/ip/{a}": http(200, r) for a, r in zip(addresses, records, strict=True)}
        listed = http(200, json.dumps({"services": [[["192.0.2.0/24"], [here]]]}).encode())
        server.pages |= {"/ipv4.json": listed, "/ipv6.json": listed}
        asker = RdapAsker(here, gate, resolve=lambda _: ())
        lookups = [Lookup(LookupKind.NETWORK, address) for address in addresses]
        found = {f.lookup.subject: f.value for f in asker.ask(lookups, NOW)}
    return [found[address] or {} for address in addresses]


def emails(told: Told) -> list[str]:
    """Return whom the answer names for abuse, not whom we guess."""
    listed = (told.get("registrar") or {}).get("abuse") or []
    return sorted(one["email"].lower() for one in listed if one["source"] != "guess")


def of_registrar(told: Told, key: str) -> str | None:
    value: str | None = (told.get("registrar") or {}).get(key)
    return value


def test_recorded_rdap_answers_are_read(loopback: Gate) -> None:
    cases = recorded("rdap-domain", "rdap-domain")

    told = served_by_rdap(loopback, [record for _, record in cases])

    pairs = [(case["expected"], one) for (case, _), one in zip(cases, told, strict=True)]
    wanted = [e["registrar_abuse_emails"] or e["abuse_emails"] for e, _ in pairs]
    named = [
        set(w) <= set(emails(one)) and bool(w) == bool(emails(one))
        for w, (_, one) in zip(wanted, pairs, strict=True)
    ]
    assert share(named) >= 0.98
    assert share([of_registrar(one, "iana_id") == e["registrar_iana_id"] for e, one in pairs]) >= 0.98
    known = [(e, one) for e, one in pairs if e["registrar_name"]]
    assert share([of_registrar(one, "name") == e["registrar_name"] for e, one in known]) >= 0.98
    assert share([one.get("status") == e["status"] for e, one in pairs]) >= 0.98
    assert share([sorted(one["nameservers"]) == sorted(e["nameservers"]) for e, one in pairs]) >= 0.98


def test_recorded_whois_texts_are_read(loopback: Gate) -> None:
    cases = recorded("whois", "whois-domain")

    told = served_by_whois(loopback, [record for _, record in cases])

    pairs = [(case["expected"], one) for (case, _), one in zip(cases, told, strict=True)]
    assert share([one.get("registered") is True for _, one in pairs]) >= 0.98
    assert (
        share([emails(one) == sorted(x.lower() for x in e["registrar_abuse_emails"]) for e, one in pairs])
        >= 0.98
    )
    assert share([of_registrar(one, "iana_id") == e["registrar_iana_id"] for e, one in pairs]) >= 0.98
    known = [(e, one) for e, one in pairs if e["registrar_name"]]
    assert share([of_registrar(one, "name") == e["registrar_name"] for e, one in known]) >= 0.98


def test_recorded_texts_about_names_that_nobody_has_say_so(loopback: Gate) -> None:
    told = served_by_whois(loopback, [record for _, record in recorded("whois", "whois-domain-notfound")])

    assert share([one.get("registered") is False for one in told]) >= 0.98


def test_recorded_answers_about_networks_are_read(loopback: Gate) -> None:
    cases = recorded("rdap-ip", "rdap-ip")

    told = served_of_networks(loopback, [record for _, record in cases])

    pairs = [(case["expected"], one) for (case, _), one in zip(cases, told, strict=True)]
    wanted = [e["abuse_emails"] or e.get("remark_abuse_emails") or [] for e, _ in pairs]
    named = [sorted(c["email"].lower() for c in one.get("abuse") or []) for _, one in pairs]
    assert share([n == sorted(x.lower() for x in w) for n, w in zip(named, wanted, strict=True)]) >= 0.98
    known = [(e, one) for e, one in pairs if e.get("country")]
    assert share([one["country"] == e["country"] for e, one in known]) >= 0.98


def test_the_recorded_page_of_a_national_registry_is_read() -> None:
    for case, record in recorded("whois", "whois-nir-page"):
        told = jpnic(re.sub(r"<[^<>]*>", "", decoded(record)), case["query"])

        assert (told.holder_name is not None, list(told.abuse)) == (True, case["expected"]["abuse_emails"])


def test_recorded_texts_of_networks_are_read() -> None:
    for case, record in recorded("whois", "whois-ip"):
        text, wanted = decoded(record), case["expected"]
        assert (referral(text) is None) == (wanted.get("referral_server") is None)
        if "query" in case:
            told = network(text, case["query"])
            assert [one["email"] for one in told["abuse"]] == wanted["abuse_emails"]
            assert re.fullmatch("[A-Z]{2}", told["country"])
