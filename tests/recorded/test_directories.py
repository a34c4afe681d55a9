"""What the recorded directories hold, beside what we ship: everything of it, but for what is named here."""

import json
import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from nta.catalogue import read
from nta.domain.parties.mail_addresses import is_usable
from nta.domain.parties.organisations import Catalogue
from tests.recorded.records import cases, place, rows

SHIPPED = Path(__file__).parents[2] / "providers"
NOT_SHIPPED = {
    "894": "an address at a bare IP address",
    "1019": "one person's own address",
    "1411": "one person's own address",
    "1448": "an address with its first letter missing",
    "1464": "for law enforcement only, as it says itself",
    "1902": "one person's own address",
    "1903": "one person's own address",
}
"""Accredited registrars whose only contact in the list is none that we may use."""


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return read([SHIPPED])


def reachable(row: dict[str, str]) -> bool:
    """Tell whether a row of the list of abuse contacts names an address or a form."""
    mails = re.split(r"[\s,;]+", row["email"])
    return any(map(is_usable, mails)) or row["form"].strip().startswith("http")


def test_every_accredited_registrar_is_known_with_the_server_it_names(shipped: Catalogue) -> None:
    listed = rows("directories", "iana-registrar-ids.csv")
    accredited = [row for row in listed if row["Status"] == "Accredited"]
    known = {row["ID"]: shipped.registrar_of(row["ID"]) for row in accredited}

    assert len(accredited) > 3000
    assert [number for number, registrar in known.items() if registrar is None] == []
    answering = [row["ID"] for row in accredited if row["RDAP Base URL"].strip()]
    assert [number for number in answering if not getattr(known[number], "rdap", None)] == []


def test_every_registrar_that_has_an_address_or_a_form_has_it_here(shipped: Catalogue) -> None:
    listed = [
        row["iana_id"] for row in rows("directories", "digging-dns", "registrars.csv") if reachable(row)
    ]
    known = {number: registrar for number in listed if (registrar := shipped.registrar_of(number))}

    assert len(known) > 2700  # the others have lost their accreditation since
    assert {number for number, one in known.items() if not (one.notices or one.form)} <= set(NOT_SHIPPED)


def test_every_registry_that_has_an_address_or_a_form_is_known(shipped: Catalogue) -> None:
    delegated = {row["tld"] for row in rows("directories", "iana-root-zone-db.csv") if row["manager"]}
    listed = {
        row["tld"].strip(".").lower()
        for row in rows("directories", "digging-dns", "registries.csv")
        if reachable(row)
    }

    assert len(listed & delegated) > 900
    assert {tld for tld in listed & delegated if shipped.registry_of(tld) is None} == set()


def test_every_range_and_name_of_a_proxy_in_the_lists_is_somebodys(shipped: Catalogue) -> None:
    """What a company rents out beside what it passes on is a host to us, so either shelf will do."""
    groups = json.loads(place("cdn", "cdncheck-sources.json").read_text("utf-8"))
    ranges = {one for group in ("cdn", "waf") for listed in groups[group].values() for one in listed}
    names = {name for listed in groups["common"].values() for name in listed}

    assert (len(ranges) > 3500, len(names) >= 100) == (True, True)
    firsts = {str(ip_network(one, strict=False)[0]) for one in ranges}
    assert {ip for ip in firsts if not (shipped.proxy_of(ip, None) or shipped.host_of(ip, None))} == set()
    # Rented machines have such names too, so it marks no proxy.
    nobodys = {name for name in names if shipped.proxy_of_name([f"site.{name}"]) is None}
    assert nobodys == {"amazonaws.com"}


def test_most_networks_of_the_list_of_hosts_are_known(shipped: Catalogue) -> None:
    """The rest of the list are no hosts (universities, carriers), no companies, or have no name in it."""
    listed = {int(row["ASN"]) for row in rows("cdn", "hosting-asns.csv") if row["ASN"].isdecimal()}
    known = {asn for asn in listed if shipped.network_of(asn) or shipped.proxy_of("192.0.2.1", asn)}

    assert len(listed) > 700
    assert len(known) >= 564
    assert len([one for one in shipped.hosting.values() if one.asns]) >= 500


def test_the_recorded_addresses_of_proxies_are_known(shipped: Catalogue) -> None:
    """What a company rents out is hosted there, so it may be a host to us and no proxy."""
    listed = cases("cdn", "cases.json")
    found = {case["ip"]: shipped.proxy_of(case["ip"], None) for case in listed}
    holders = {ip: proxy or shipped.host_of(ip, None) for ip, proxy in found.items()}

    assert [case["ip"] for case in listed if not case["provider"] and found[case["ip"]]] == []
    assert [
        (case["ip"], case["provider"])
        for case in listed
        if case["provider"] and case["provider"] not in getattr(holders[case["ip"]], "name", "").lower()
    ] == []


def test_hotlines_are_those_that_the_directory_of_members_names(shipped: Catalogue) -> None:
    listed = list(rows("directories", "hotlines.csv"))
    named = {row["country_code"] for row in listed if row["verification"].startswith("V1")}
    members = {row["country_code"] for row in listed if row["verification"] in {"V1", "V1 (names)"}}

    assert {hotline.country for hotline in shipped.hotlines.values() if hotline.enabled} == members
    assert {hotline.country for hotline in shipped.hotlines.values()} == named


def test_registrars_are_entered_under_their_own_number(shipped: Catalogue) -> None:
    listed = {
        row["ID"]: (row["Registrar Name"].strip(), row["Status"])
        for row in rows("directories", "iana-registrar-ids.csv")
    }

    assert {
        one.iana_id: (one.name, listed[one.iana_id or ""])
        for one in shipped.registrars.values()
        if listed[one.iana_id or ""] != (one.name, "Accredited")
    } == {}
