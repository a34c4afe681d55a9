"""What we ship in providers/: every entry has a source and a date, and nobody is told in haste."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from nta.catalogue import check, read
from nta.domain.escalation.ladders import Ladder, Rung
from nta.domain.hosting.facts import HostingFacts
from nta.domain.hosting.lookups import LookupKind
from nta.domain.hosting.registrations import domain_facts
from nta.domain.notices.contact_choice import choose
from nta.domain.parties.mail_addresses import is_usable
from nta.domain.parties.organisations import Catalogue
from nta.domain.roles import NoticeKind, Role, Severity
from tests.lookup_plain import typed

SHIPPED = Path(__file__).parents[1] / "providers"
FILES = sorted(SHIPPED.glob("*/*.yaml"))
DOCUMENTATION = range(64496, 64512)  # RFC 5398
PRIVATE = range(64512, 65536)  # RFC 6996
PARTIES = [path for path in FILES if path.parent.name not in {"countries", "ladders"}]


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return read([SHIPPED])


@pytest.fixture(scope="module")
def dutch(shipped: Catalogue) -> Mapping[str, Ladder]:
    return {ladder.id: ladder for ladder in shipped.ladders}


def plain(path: Path) -> dict[str, Any]:
    """Return an entry as any reader of YAML sees it."""
    entry: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return entry


def test_nothing_that_we_ship_is_wrong_or_doubtful() -> None:
    newest = max(plain(path)["checked"] for path in FILES if path.parent.name != "ladders")

    found = check([SHIPPED], newest)

    assert [str(fault) for fault in found.faults] == []
    assert found.entries == len(FILES)


@pytest.mark.parametrize(
    "shelf", ["hosting", "proxies", "registrars", "registries", "hotlines", "authorities"]
)
def test_every_entry_has_a_source_a_date_and_a_usable_contact_or_none_in_so_many_words(shelf: str) -> None:
    paths = [path for path in PARTIES if path.parent.name == shelf]
    assert paths
    for path in paths:
        entry = plain(path)

        assert entry["source"].strip(), path.name
        assert type(entry["checked"]) is date, path.name
        assert "notices" in entry, path.name
        if entry["notices"] is not None:
            assert is_usable(entry["notices"]["to"]), path.name
            assert {"language", "format"} <= set(entry["notices"]) or shelf == "hotlines", path.name


def test_nobodys_site_owner_is_told_by_default(shipped: Catalogue) -> None:
    assert shipped.owners_told_in == frozenset()
    assert all(Role.SITE_OWNER not in rung.tell for ladder in shipped.ladders for rung in ladder.rungs)


def test_countries_have_a_source_and_a_date() -> None:
    codes = {path.stem for path in FILES if path.parent.name == "countries"}

    assert {"NL", "DE", "default"} <= codes
    for code in codes:
        entry = plain(SHIPPED / "countries" / f"{code}.yaml")
        assert entry["source"].strip()
        assert type(entry["checked"]) is date


def test_no_ladder_tells_a_registry_without_four_eyes_fresh_evidence_and_a_dedicated_domain(
    shipped: Catalogue,
) -> None:
    hasty = [
        (ladder.id, rung.id)
        for ladder in shipped.ladders
        for rung in ladder.rungs
        if Role.REGISTRY in rung.tell
        and not (
            rung.approval == "four-eyes"
            and rung.seen_up_within is not None
            and rung.seen_up_within <= timedelta(hours=6)
            and rung.only_if == "dedicated_domain"
            and rung.dossier
        )
    ]

    assert hasty == []
    assert all(any(Role.REGISTRY in rung.tell for rung in ladder.rungs) for ladder in shipped.ladders)


def test_who_may_take_a_domain_or_order_removal_is_never_told_first(shipped: Catalogue) -> None:
    last = {Role.REGISTRAR, Role.REGISTRY, Role.AUTHORITY, Role.UPSTREAM}
    for ladder in shipped.ladders:
        told_host = next(n for n, rung in enumerate(ladder.rungs) if Role.HOST in rung.tell)

        assert not last.intersection(role for rung in ladder.rungs[: told_host + 1] for role in rung.tell)


def test_the_dutch_ladder_is_the_one_that_was_designed(dutch: Mapping[str, Ladder]) -> None:
    hours, fresh = (lambda n: timedelta(hours=n)), timedelta(hours=6)
    taking = {"only_if": "dedicated_domain", "seen_up_within": fresh, "dossier": True}
    both = (Role.HOST, Role.PROXY)

    assert dutch["nl-domestic"].rungs == (
        Rung("first", both, NoticeKind.FIRST, hours(24)),
        Rung("reminder", both, NoticeKind.REMINDER, hours(24)),
        Rung("upstream", (Role.HOST, Role.UPSTREAM), NoticeKind.ESCALATION, hours(24), seen_up_within=fresh),
        Rung("registrar", (Role.REGISTRAR,), NoticeKind.REGISTRAR, hours(48), **taking),
        Rung("registry", (Role.REGISTRY,), NoticeKind.REGISTRY, hours(72), approval="four-eyes", **taking),
        Rung(
            "authority",
            (Role.AUTHORITY,),
            NoticeKind.AUTHORITY,
            hours(0),
            seen_up_within=fresh,
            dossier=True,
            approval="four-eyes",
            party="authority:atkm",
        ),
    )


def test_abroad_the_hotline_comes_first_and_silence_goes_on_to_the_host(dutch: Mapping[str, Ladder]) -> None:
    told = [rung.tell[0] for rung in dutch["abroad"].rungs]

    assert told[:2] == [Role.HOTLINE, Role.HOST]
    assert told[-2:] == [Role.REGISTRAR, Role.REGISTRY]
    assert dutch["abroad"].rungs[0].wait == timedelta(days=3)


@pytest.mark.parametrize(
    ("home", "hosted_in", "chosen"),
    [
        ("NL", "NL", "nl-domestic"),
        ("NL", "DE", "abroad"),
        ("DE", "NL", "abroad"),
        ("DE", "DE", "default"),
        ("NL", None, "default"),
        (None, "NL", "nl-domestic"),
    ],
)
def test_the_ladder_hangs_on_home_and_hosting_country(
    shipped: Catalogue, home: str | None, hosted_in: str | None, chosen: str
) -> None:
    seen = Catalogue(ladders=shipped.ladders, home=home)

    assert seen.ladder_for(hosted_in, Severity.NORMAL).id == chosen


def test_there_are_hosts_proxies_registrars_and_registries_enough(shipped: Catalogue) -> None:
    countries = [host.country for host in shipped.hosting.values()]

    assert (countries.count("NL") >= 20, countries.count("DE") >= 15, len(countries) >= 100) == (True,) * 3
    assert all(host.asns or host.ranges for host in shipped.hosting.values())
    assert all(proxy.asns or proxy.ranges or proxy.cnames for proxy in shipped.proxies.values())
    assert all(registrar.iana_id for registrar in shipped.registrars.values())
    for suffix in ("nl", "de", "com", "org", "net", "eu"):
        assert shipped.registry_of(suffix) is not None, suffix


def test_a_proxy_is_known_by_each_of_its_names(shipped: Catalogue) -> None:
    names = [(name, proxy) for proxy in shipped.proxies.values() for name in proxy.cnames]
    assert len(names) > 50
    for name, proxy in names:
        assert shipped.proxy_of_name(["www.example.org", f"Site.{name}."]) == proxy
        assert shipped.proxy_of_name([f"not-{name}", "www.example.org"]) is None


def test_what_is_kept_for_tests_and_private_networks_is_nobodys(shipped: Catalogue) -> None:
    providers = (*shipped.hosting.values(), *shipped.proxies.values())
    own = [text for provider in providers for text in provider.ranges if not ip_network(text).is_global]

    assert own == []
    assert not [n for provider in providers for n in provider.asns if n in DOCUMENTATION or n in PRIVATE]


def test_the_invented_hotline_is_told_nothing_and_may_be_ours(shipped: Catalogue) -> None:
    assert "hotline:example" not in {hotline.id for hotline in shipped.hotlines_of("NL")}
    assert shipped.hotlines["hotline:example"].can_be_ours


def test_a_proxy_is_known_by_its_addresses(shipped: Catalogue) -> None:
    firsts = [str(ip_network(proxy.ranges[0])[0]) for proxy in shipped.proxies.values() if proxy.ranges]

    assert firsts
    assert [ip for ip in firsts if shipped.proxy_of(ip, None) is None] == []


def test_hotlines_that_are_told_are_there(shipped: Catalogue) -> None:
    assert {"NL", "DE", "US", "GB"} <= {
        hotline.country for hotline in shipped.hotlines.values() if hotline.enabled
    }


def test_registrars_are_entered_under_a_number_of_their_own(shipped: Catalogue) -> None:
    numbers = [registrar.iana_id for registrar in shipped.registrars.values()]

    assert shipped.registrar_of("146") is not None
    assert len(set(numbers)) == len(numbers)


def test_a_registrar_that_only_the_table_knows_is_told_at_the_address_of_its_row(shipped: Catalogue) -> None:
    row = next(r for r in shipped.registrars.values() if r.imported and r.notices and not r.form)
    registrar = {"name": "As it calls itself", "iana_id": row.iana_id, "abuse": []}
    value = {"registered": True, "registrar": registrar, "status": [], "nameservers": [], "source": "rdap"}
    domain = domain_facts("gallery.example", "example", typed(LookupKind.DOMAIN, value), shipped)
    now = datetime(2026, 11, 22, tzinfo=UTC)
    facts = HostingFacts("www.gallery.example", now, (), (), None, domain, ())

    [told] = choose(Role.REGISTRAR, facts, shipped, {})

    assert row.notices is not None
    assert (told.party, told.address.to, told.source) == (row.id, row.notices.to, "catalogue")


def test_the_entries_that_the_docs_show_are_sound(tmp_path: Path) -> None:
    docs = SHIPPED.parent / "docs"
    texts = [(docs / name).read_text("utf-8") for name in ("catalogue.md", "operations.md")]
    blocks = [block.split("```")[0] for text in texts for block in text.split("```yaml\n# ")[1:]]
    for block in blocks:
        shelf, name = block.split("\n")[0].split(":")[0].split("/")[-2:]
        file = tmp_path / shelf / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {block}", "utf-8")

    found = check([SHIPPED, tmp_path], date(2026, 11, 22))

    assert len(blocks) == 3
    assert [str(fault) for fault in found.faults] == []
