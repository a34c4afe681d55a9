"""Recorded answers scored through `nta resolve --json`: DNS, RDAP and WHOIS over real sockets.

Each record is the answer about a name or an address of its own, asked for in one command.
"""

import json
import re
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from nta.domain.intake.urls import parse
from tests.adapters.servers import http
from tests.cli.conftest import Ended, Nta
from tests.cli.registries import bootstrap, registries
from tests.recorded import records
from tests.recorded.records import recorded
from tests.recorded.test_urls import OTHERWISE, url_cases

Found = dict[str, Any]

# Addresses of records without one of their own: nobody's, and never connected to.
_ELSEWHERE = "198.51.100.{}"


def resolved(nta: Nta, urls: Iterable[str]) -> dict[str, Found]:
    """Return what is said of each host."""
    listed = list(urls)
    ended: Ended = nta("resolve", "--json", *listed) if listed else Ended(0, "", "")
    assert ended.code in (0, 1, 3), ended.err
    return {found["host"]: found for found in ended.objects}


def named(abuse: Iterable[Mapping[str, Any]], *, guesses: bool = False) -> list[str]:
    return sorted(c["email"].lower() for c in abuse if guesses or c["source"] != "guess")


def lower(emails: Iterable[str]) -> list[str]:
    return sorted(email.lower() for email in emails)


def wrong(pairs: Iterable[tuple[str, object, object]]) -> dict[str, tuple[object, object]]:
    """Return what differs, by the case's id: wanted, found."""
    return {case: (wanted, found) for case, wanted, found in pairs if wanted != found}


def test_recorded_networks_name_their_desk(nta: Nta) -> None:
    cases = recorded("rdap-ip", "rdap-ip")
    hosts = [f"n{number}.test" for number in range(len(cases))]
    ips = [_inside(case["expected"], number) for number, (case, _) in enumerate(cases)]
    zone = "\n".join(
        f"{host} 60 {'AAAA' if ':' in ip else 'A'} {ip}" for host, ip in zip(hosts, ips, strict=True)
    )

    with registries(nta, zone) as (rdap, _):
        bootstrap(rdap, "ipv4", ["0.0.0.0/0"])
        bootstrap(rdap, "ipv6", ["::/0"])
        found = {}
        for host, ip, (_, record) in zip(hosts, ips, cases, strict=True):
            rdap.pages[f"/ip/{ip}"] = http(200, record)
            found |= resolved(nta, [f"http://{host}/"])

    told = [found[host]["addresses"][0] for host in hosts]
    pairs = [(case["id"], case["expected"], one) for (case, _), one in zip(cases, told, strict=True)]
    desks = [
        (i, lower(e["abuse_emails"] or e.get("remark_abuse_emails") or []), named(one["abuse"]))
        for i, e, one in pairs
    ]
    assert wrong(desks) == {}
    countries = [(i, e["country"], one["network"]["country"]) for i, e, one in pairs if e.get("country")]
    assert wrong(countries) == {}
    names = [(i, e["name"], one["network"]["name"]) for i, e, one in pairs if e.get("name")]
    assert wrong(names) == {}


def _inside(expected: Mapping[str, Any], number: int) -> str:
    """Return an address of the record's range, its first."""
    start = expected.get("startAddress", _ELSEWHERE.format(number)).partition("/")[0]
    if "." in start:
        start = ".".join(str(int(part)) for part in start.split("."))
    return str(ip_address(start))


def test_recorded_systems_name_the_desk_where_the_network_names_none(nta: Nta) -> None:
    cases = recorded("rdap-ip", "rdap-autnum")
    hosts = [f"s{number}.test" for number in range(len(cases))]
    zone = "\n".join(f"{host} 60 A 198.51.100.{number}" for number, host in enumerate(hosts))

    with registries(nta, zone) as (rdap, _):
        bootstrap(rdap, "ipv4", ["198.51.100.0/24"])
        bootstrap(rdap, "asn", ["64500-64999"])
        for number, (_, record) in enumerate(cases):
            ip, asn = f"198.51.100.{number}", 64500 + number
            network = {"objectClassName": "ip network", "handle": f"NET-{number}"}
            network |= {"startAddress": ip, "endAddress": ip, "arin_originas0_originautnums": [asn]}
            rdap.pages[f"/ip/{ip}"] = http(200, json.dumps(network).encode())
            rdap.pages[f"/autnum/{asn}"] = http(200, record)
        found = resolved(nta, [f"http://{host}/" for host in hosts])

    told = [found[host]["addresses"][0] for host in hosts]
    pairs = [(case["id"], case["expected"], one) for (case, _), one in zip(cases, told, strict=True)]
    desks = [
        (i, lower(e["abuse_emails"] or e.get("remark_abuse_emails") or []), named(one["abuse"]))
        for i, e, one in pairs
    ]
    assert wrong(desks) == {}
    assert wrong((i, e["name"], one["as_name"]) for i, e, one in pairs) == {}


def test_recorded_domains_name_their_registrar_and_its_desk(nta: Nta) -> None:
    cases = recorded("rdap-domain", "rdap-domain")
    hosts = [f"r{number}.test" for number in range(len(cases))]

    with registries(nta, "test 60 SOA ns.test. who.test. 1 1 1 1 1") as (rdap, _):
        bootstrap(rdap, "dns", ["test"])
        rdap.pages |= {f"/domain/{h}": http(200, r) for h, (_, r) in zip(hosts, cases, strict=True)}
        found = resolved(nta, [f"http://{host}/" for host in hosts])

    told = [found[host]["domain"] for host in hosts]
    pairs = [(case["id"], case["expected"], one) for (case, _), one in zip(cases, told, strict=True)]
    assert wrong((i, True, one["registered"]) for i, _, one in pairs) == {}
    desks = [(i, lower(e["registrar_abuse_emails"] or e["abuse_emails"]), _desk(one)) for i, e, one in pairs]
    assert wrong((i, w, [m for m in n if m in w] if w else n) for i, w, n in desks) == {}
    registrars = [(e, one["registrar"] or {}, i) for i, e, one in pairs]
    assert wrong((i, e["registrar_iana_id"], r.get("iana_id")) for e, r, i in registrars) == {}
    assert (
        wrong((i, e["registrar_name"], r.get("name")) for e, r, i in registrars if e["registrar_name"]) == {}
    )
    assert wrong((i, sorted(e["status"]), sorted(one["status"])) for i, e, one in pairs) == {}
    assert wrong((i, sorted(e["nameservers"]), sorted(one["nameservers"])) for i, e, one in pairs) == {}


def _desk(domain: Mapping[str, Any]) -> list[str]:
    return named((domain["registrar"] or {}).get("abuse") or [])


def test_recorded_whois_texts_name_the_registrar_and_its_desk(nta: Nta) -> None:
    cases = recorded("whois", "whois-domain")
    free = recorded("whois", "whois-domain-notfound")
    hosts = [f"w{number}.test" for number in range(len(cases) + len(free))]

    with registries(nta, "test 60 SOA ns.test. who.test. 1 1 1 1 1") as (_, whois):
        whois.records |= {h: record for h, (_, record) in zip(hosts, [*cases, *free], strict=True)}
        whois.records["test"] = b"refer: 127.0.0.1\r\n"
        found = resolved(nta, [f"http://{host}/" for host in hosts])

    told = [found[host]["domain"] for host in hosts]
    right = []
    for (case, _), one in zip(cases, told[: len(cases)], strict=True):
        e, registrar = case["expected"], one["registrar"] or {}
        desk = _desk(one) == lower(e["registrar_abuse_emails"])
        name = not e["registrar_name"] or registrar.get("name") == e["registrar_name"]
        number = registrar.get("iana_id") == e["registrar_iana_id"]
        right.append(one["registered"] is True and desk and name and number)
    right += [one["registered"] is False for one in told[len(cases) :]]
    assert sum(right) / len(right) >= 0.98, [
        c["id"] for (c, _), ok in zip([*cases, *free], right, strict=True) if not ok
    ]


def test_recorded_whois_texts_about_networks_name_the_desk(nta: Nta) -> None:
    """RDAP knows none of these networks; the root refers to a registry, which tells the record."""
    listed = recorded("whois", "whois-ip")
    cases = [(case, record) for case, record in listed if "query" in case]
    hosts = [f"p{number}.test" for number in range(len(cases))]
    ips = [case["query"] for case, _ in cases]
    zone = "whois.region.test 60 A 127.0.0.1\n" + "\n".join(
        f"{host} 60 {'AAAA' if ':' in ip else 'A'} {ip}" for host, ip in zip(hosts, ips, strict=True)
    )

    with registries(nta, zone) as (_, whois):
        whois.records |= {
            str(ip_address(ip)): _referred(record) for ip, (_, record) in zip(ips, cases, strict=True)
        }
        found = {}
        for host in hosts:
            found |= resolved(nta, [f"http://{host}/"])

    told = [found[host]["addresses"][0] for host in hosts]
    pairs = zip(cases, told, strict=True)
    assert (
        wrong((c["id"], lower(c["expected"]["abuse_emails"]), named(one["abuse"])) for (c, _), one in pairs)
        == {}
    )


def _referred(record: bytes) -> Callable[[socket.socket], None]:
    """Return what answers first as the root, which refers on, then as the registry."""
    answers = iter((b"refer: whois.region.test\r\n", record))
    return lambda connection: connection.sendall(next(answers))


def test_addresses_of_proxies_are_known_as_such(nta: Nta) -> None:
    cases = records.cases("cdn", "cases.json")
    hosts = [f"c{number}.test" for number in range(len(cases))]
    zone = "\n".join(
        f"{host} 60 {'AAAA' if ':' in case['ip'] else 'A'} {case['ip']}"
        for host, case in zip(hosts, cases, strict=True)
    )

    with registries(nta, zone):
        found = resolved(nta, [f"http://{host}/" for host in hosts])

    told = [_brand(found[host]) for host in hosts]
    listed = [(c, one) for c, one in zip(cases, told, strict=True) if c["provider"]]
    assert wrong((c["ip"], c["provider"], one) for c, one in listed) == {}
    others = [host for c, host in zip(cases, hosts, strict=True) if not c["provider"]]
    assert [found[host]["addresses"][0]["proxy"] for host in others] == [None] * len(others)


# What the data calls by the product, and our catalogue by the company.
_BRANDS = {"amazon-cloudfront": "cloudfront", "imperva": "incapsula"}


def _brand(found: Found) -> str | None:
    """Return the proxy's id, else that of the host whom the catalogue knows by its ranges."""
    parties = [
        found["addresses"][0]["proxy"],
        *(c["party"] for c in found["contacts"] if c["role"] == "host"),
    ]
    name = next((party.partition(":")[2] for party in parties if party), None)
    return _BRANDS.get(name or "", name)


def test_urls_lead_where_browsers_go(nta: Nta) -> None:
    """Cases with a base are links on a page, and nothing that is handed to a command."""
    pages = [c for c in url_cases("whatwg-url") if not c["base"] and "\x00" not in c["input"]]
    hosts = url_cases("toascii")
    broken = url_cases("refang")
    ended = [c for c in url_cases("trailing-punctuation") if "url" in c["expected"]]
    domains = [c for c in url_cases("registrable-domain") if c["input"]]
    asked: list[tuple[str, str, str, str | None]] = [
        *((c["id"], "url", c["input"], _address_bar(c["expected"])) for c in pages),
        *((c["id"], "url", f"http://{c['input']}/", _front(c["expected"]["ascii"])) for c in hosts),
        *((c["id"], "url", c["input"], _canonical(c["expected"])) for c in broken),
        *((c["id"], "url", c["input"].split()[0], _canonical(c["expected"])) for c in ended),
        *((c["id"], "registrable_domain", f"http://{c['input']}/", _ascii(c["expected"])) for c in domains),
    ]

    found = _asked_in_one(nta, [text for _, _, text, _ in asked])

    pairs = zip(asked, found, strict=True)
    other = wrong((case, wanted, one and one[field]) for (case, field, _, wanted), one in pairs)
    assert set(other) <= {*OTHERWISE, *_SENTENCE}, other
    assert len(other) <= len(asked) * 0.01


# A host alone with dots behind it ends a sentence more often than it is a name nobody can have.
_SENTENCE = {"wpt-782"}


def _front(host: str | None) -> str | None:
    return f"http://{host}/" if host else None


def _canonical(expected: Mapping[str, Any]) -> str:
    return parse(expected.get("url") or f"http://{expected['host']}/").url


def _ascii(expected: Mapping[str, Any]) -> str | None:
    domain = expected["registrable_domain"]
    return parse(f"http://{domain}/").host if domain else None


def _asked_in_one(nta: Nta, texts: Sequence[str]) -> list[Found | None]:
    """Return what is said of each text handed in, None where it is refused; nobody knows any name."""
    with registries(nta, "test 60 SOA ns.test. who.test. 1 1 1 1 1"):
        nta.settings["NTA_REACH"] = "0.0.0.0/0,::/0"
        ended = nta("resolve", "--json", "--", *texts)
    refused = {int(number) for number in re.findall(r"^nta: URL (\d+): ", ended.err, re.MULTILINE)}
    answers = iter(ended.objects)
    found = [None if number in refused else next(answers) for number in range(1, len(texts) + 1)]
    assert next(answers, None) is None
    return found


def _address_bar(expected: Mapping[str, Any]) -> str | None:
    if expected.get("failure") or expected["protocol"] not in {"http:", "https:"}:
        return None
    href: str = expected["href"]
    return href.partition("#")[0]
