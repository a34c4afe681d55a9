from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from nta.catalogue import Level, check, read
from nta.domain.errors import RefusedError
from nta.domain.escalation.ladders import Rung, When
from nta.domain.parties.contact_addresses import ContactAddress, mailbox_of
from nta.domain.parties.organisations import (
    Country,
    Hotline,
    NoticeRoute,
    Provider,
)
from nta.domain.roles import NoticeKind, Role, Severity

HOSTING = """\
id: one
name: One Hosting B.V.
country: NL
asns: [64500, 64501]
ranges: [192.0.2.0/24, "2001:db8::/32"]
notices: {to: abuse@one.example, language: nl, format: xarf}
source: https://one.example/abuse
checked: 2026-03-01
"""
PROXY = """\
{id: shield, name: Shield, country: US, asns: [64511], cnames: [shield.example, cdn.shield.test],
 form: "https://shield.example/abuse", notices: null, source: a page, checked: 2026-03-01}"""
REGISTRY = """\
{id: test, name: Test, country: NL, suffixes: [test, co.test], notices: {to: abuse@nic.test}, source: a page,
 checked: 2026-03-01}"""
REGISTRAR = (
    "{id: reg, name: Reg, country: NO, iana_id: 7, notices: null, source: a page, checked: 2026-03-01}"
)
AUTHORITY = "{id: order, name: Order, country: NL, notices: null, source: a page, checked: 2026-03-01}"
POLICE = """\
{id: force, name: Force, country: "NO", police: true, notices: null, source: a page, checked: 2026-03-01}"""
HOTLINE = """\
id: home
name: Home
country: NL
standing: Member of a network
languages: [nl, en]
notices: {to: notices@home.example}
address: A street, a town
source: a page
checked: 2026-03-01
"""
COUNTRY = """\
code: "NO"
name: Norway
police_first: true
police_hold: 48h
direct: false
languages: ["no", en]
law: A law
hotlines: [home]
police: force
source: a page
checked: 2026-03-01
"""
LADDER = """\
id: steps
when: {}
rungs:
  - {id: first, tell: host, kind: first, wait: 24h}
  - {id: both, tell: [host, upstream], kind: escalation, wait: 15min, only_if: dedicated_domain,
     needs: {seen_up_within: 6h}, dossier: true, approval: four-eyes}
  - {id: last, tell: authority, party: order, kind: authority}
"""
ALL = {
    "hosting/one.yaml": HOSTING,
    "proxies/shield.yaml": PROXY,
    "registries/test.yaml": REGISTRY,
    "registrars/reg.yaml": REGISTRAR,
    "authorities/order.yaml": AUTHORITY,
    "authorities/force.yaml": POLICE,
    "hotlines/home.yaml": HOTLINE,
    "countries/NO.yaml": COUNTRY,
    "ladders/steps.yaml": LADDER,
}

Write = Callable[..., Path]

TODAY = date(2026, 11, 22)


def problems(folders: list[Path]) -> list[str]:
    return [str(fault) for fault in check(folders, TODAY).at(Level.FAULT)]


def warnings(folders: list[Path]) -> list[str]:
    return [str(fault) for fault in check(folders, TODAY).at(Level.WARNING)]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a folder of the catalogue: files by their path in it."""

    def folder(files: dict[str, str], name: str = "providers") -> Path:
        for path, text in files.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        return tmp_path / name

    return folder


def test_every_sort_of_entry_is_read(write):
    catalogue = read([write(ALL)])

    assert catalogue.hosting["hosting:one"] == Provider(
        id="hosting:one",
        name="One Hosting B.V.",
        country="NL",
        notices=NoticeRoute("abuse@one.example", "nl", "xarf"),
        source="https://one.example/abuse",
        checked=date(2026, 3, 1),
        asns=(64500, 64501),
        ranges=("192.0.2.0/24", "2001:db8::/32"),
    )
    assert catalogue.proxies["proxy:shield"].notices is None
    assert catalogue.proxies["proxy:shield"].form == "https://shield.example/abuse"
    assert catalogue.registries["registry:test"].notices == NoticeRoute("abuse@nic.test", "en", "text")
    assert (catalogue.registrars["registrar:reg"].iana_id, catalogue.registrars["registrar:reg"].country) == (
        "7",
        "NO",
    )
    assert (
        catalogue.authorities["authority:order"].name,
        catalogue.authorities["authority:order"].police,
    ) == (
        "Order",
        False,
    )
    assert catalogue.authorities["authority:force"].police
    assert isinstance(catalogue.hotlines["hotline:home"], Hotline)
    assert catalogue.hotlines["hotline:home"].enabled
    assert catalogue.countries["NO"] == Country(
        code="NO",
        name="Norway",
        police_first=True,
        police_hold=timedelta(hours=48),
        direct=False,
        languages=("no", "en"),
        law="A law",
        hotlines=("hotline:home",),
        source="a page",
        checked=date(2026, 3, 1),
        police="authority:force",
    )


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        pytest.param("", None, id="used-at-once-by-default"),
        pytest.param("new_contacts: use\n", None, id="used-at-once"),
        pytest.param("new_contacts: {approve_within: 4h}\n", timedelta(hours=4), id="waits"),
    ],
)
def test_a_country_says_how_long_a_new_contact_waits(write, said, waits):
    catalogue = read([write(ALL | {"countries/NO.yaml": COUNTRY + said})])

    assert catalogue.countries["NO"].new_contacts_wait == waits


def test_a_sites_owner_is_told_where_a_countrys_entry_says_so_and_nowhere_else(write):
    silent = read([write(ALL)])
    told = read([write(ALL | {"countries/NO.yaml": COUNTRY + "site_owner: true\n"}, "told")])

    assert silent.owners_told_in == frozenset()
    assert told.owners_told_in == {"NO"}


def test_a_ladder_is_read_rung_by_rung(write):
    (ladder,) = read([write(ALL)]).ladders

    assert (ladder.id, ladder.when) == ("steps", When())
    assert ladder.rungs == (
        Rung("first", (Role.HOST,), NoticeKind.FIRST, timedelta(hours=24)),
        Rung(
            "both",
            (Role.HOST, Role.UPSTREAM),
            NoticeKind.ESCALATION,
            timedelta(minutes=15),
            only_if="dedicated_domain",
            seen_up_within=timedelta(hours=6),
            dossier=True,
            approval="four-eyes",
        ),
        Rung("last", (Role.AUTHORITY,), NoticeKind.AUTHORITY, timedelta(0), party="authority:order"),
    )


def test_a_ladders_version_hangs_on_what_it_says_not_on_how(write):
    version = read([write(ALL)]).ladders[0].version
    laid_out = LADDER.replace(
        "{id: first, tell: host, kind: first, wait: 24h}",
        "{wait: 24h, kind: first, tell: host, id: first} # hm",
    )

    assert read([write(ALL | {"ladders/steps.yaml": laid_out})]).ladders[0].version == version
    changed = LADDER.replace("wait: 24h", "wait: 25h")
    assert read([write(ALL | {"ladders/steps.yaml": changed})]).ladders[0].version != version


def test_look_ups_find_the_entries(write):
    catalogue = read([write(ALL)])

    assert catalogue.host_of("192.0.2.7", None).id == "hosting:one"
    assert catalogue.host_of("2001:db8::1", None).id == "hosting:one"
    assert catalogue.host_of("203.0.113.1", 64501).id == "hosting:one"
    assert catalogue.host_of("203.0.113.1", 1) is None
    assert catalogue.proxy_of("203.0.113.1", 64511).id == "proxy:shield"
    assert catalogue.proxy_of_name(["www.a.example", "x.CDN.shield.test."]).id == "proxy:shield"
    assert catalogue.proxy_of_name(["shield.test", "notshield.example", ""]) is None
    assert catalogue.registry_of("co.test").id == "registry:test"
    assert catalogue.registry_of("example") is None
    assert catalogue.registrar_of("7").id == "registrar:reg"
    assert catalogue.country("NO").name == "Norway"
    assert catalogue.country("NL") is None
    assert catalogue.party("authority:order").name == "Order"
    assert catalogue.party("rdap:ORG-1") is None


def test_a_hotline_that_may_be_ours_says_who_it_is(write):
    abroad = "{id: abroad, name: Abroad, country: DE, source: a page, checked: 2026-03-01}"

    catalogue = read([write(ALL | {"hotlines/abroad.yaml": abroad})])

    assert catalogue.ours("home").can_be_ours
    assert not catalogue.ours("hotline:abroad").can_be_ours
    assert (catalogue.ours("none"), catalogue.ours(None)) == (None, None)


def test_a_party_may_name_another_channel_than_mail(write):
    posted = HOSTING.replace("abuse@one.example", "https://one.example/xarf, channel: http")

    catalogue = read([write(ALL | {"hosting/one.yaml": posted})])

    route = catalogue.hosting["hosting:one"].notices
    assert route.address == ContactAddress("http", "https://one.example/xarf")
    assert catalogue.registries["registry:test"].notices.address == mailbox_of("abuse@nic.test")


def test_a_hotline_that_is_not_reached_by_mail_cannot_be_ours(write):
    posted = HOTLINE.replace("notices@home.example", "https://home.example/in, channel: http")

    catalogue = read([write(ALL | {"hotlines/home.yaml": posted})])

    assert not catalogue.ours("home").can_be_ours


def test_the_ladder_hangs_on_which_country_is_home(write):
    abroad = LADDER.replace("id: steps", "id: away").replace("when: {}", "when: {abroad: true}")
    seen = replace(read([write(ALL | {"ladders/away.yaml": abroad})]), home="NO")

    assert [seen.ladder_for(c, Severity.NORMAL).id for c in ("NO", "NL", None)] == ["steps", "away", "steps"]


def test_a_later_folder_lays_its_files_over_the_earlier(write):
    own = write({"hosting/one.yaml": HOSTING.replace("abuse@", "ntd@"), "hosting/two.yaml": SECOND}, "own")

    catalogue = read([write(ALL), own])

    assert catalogue.hosting["hosting:one"].notices.to == "ntd@one.example"
    assert set(catalogue.hosting) == {"hosting:one", "hosting:two"}


STEPS = "ladders/steps.yaml"
SITE_OWNER = "tell: site_owner, kind: site_owner"
SECOND = (
    "{id: two, name: Two, country: NL, notices: null, asns: [64502], source: a page, checked: 2026-03-01}"
)


def edited(old: str, new: str, path: str = "hosting/one.yaml") -> dict[str, str]:
    assert old in ALL[path]
    return ALL | {path: ALL[path].replace(old, new)}


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        pytest.param(edited("asns", "asn"), "hosting/one.yaml:4: asn: is not a key here", id="unknown-key"),
        pytest.param(
            edited("format: xarf", "via: fax"),
            "hosting/one.yaml:6: notices: via: is not a key",
            id="key-within",
        ),
        pytest.param(edited("source: https://one.example/abuse\n", ""), "source: is missing", id="no-source"),
        pytest.param(edited("id: one", "id: two"), "id: must be the name of the file, one", id="another-id"),
        pytest.param(
            edited("country: NL", "country: Holland"), "country: must be a country's two", id="no-code"
        ),
        pytest.param(edited("64500", "AS64500"), "asns: must be AS numbers", id="as-with-letters"),
        pytest.param(edited("64500", "true"), "asns: must be AS numbers", id="as-that-is-true"),
        pytest.param(
            edited("192.0.2.0/24", "192.0.2.1/24"), "ranges: must be address ranges", id="host-bits"
        ),
        pytest.param(
            edited("[192.0.2.0/24, ", "[192.0.2.0, 5, "), "ranges: must be address ranges", id="a-number"
        ),
        pytest.param(
            edited("abuse@one.example", "One <a@one.example>"), "to: must be one plain mail", id="mail"
        ),
        pytest.param(edited("xarf", "fax"), "format: must be one of csv, text, xarf", id="format"),
        pytest.param(edited("2026-03-01", "soon"), "checked: must be a date", id="no-date"),
        pytest.param(edited("2026-03-01", "2026-03-01 10:00:00"), "checked: must be a date", id="a-moment"),
        pytest.param(
            edited("name: One", "name: [One]\nx: One"), "name: must be one line of text", id="a-list"
        ),
        pytest.param(
            edited("name:", "name: |\n  two\n  lines\nx:"), "name: must be one line", id="two-lines"
        ),
        pytest.param(
            edited("name:", "id: one\nname:"), "hosting/one.yaml:2: id: stands twice", id="a-key-twice"
        ),
        pytest.param(
            edited("asns: [", "asns: ["[:-1] + "{"), "hosting/one.yaml:4: did not find", id="not-yaml"
        ),
        pytest.param(
            edited(HOSTING, "- one"), "hosting/one.yaml: must hold keys and values", id="a-list-only"
        ),
        pytest.param(edited(HOSTING, ""), "hosting/one.yaml: must hold keys and values", id="empty"),
        pytest.param(
            edited(HOSTING, "1: one"), "hosting/one.yaml: must hold keys and values", id="a-number-as-key"
        ),
        pytest.param(edited(HOSTING, "[a]: b"), "a key must be a word", id="a-list-as-key"),
        pytest.param(
            edited("notices: {", "notices: fax\nx: {"), "notices: must hold keys and values", id="no-route"
        ),
        pytest.param(
            edited("true", "yes", "countries/NO.yaml"), "police_first: must be true or false", id="yes"
        ),
        pytest.param(
            edited("48h", "48", "countries/NO.yaml"), "police_hold: must be a duration", id="no-unit"
        ),
        pytest.param(
            edited("code:", "new_contacts: later\ncode:", "countries/NO.yaml"),
            "new_contacts: must be use, or {approve_within: 4h}",
            id="no-policy",
        ),
        pytest.param(
            edited("code:", "new_contacts: {approve_within: 25h}\ncode:", "countries/NO.yaml"),
            "countries/NO.yaml:1: new_contacts: approve_within: must be at most 24h",
            id="waits-too-long",
        ),
        pytest.param(
            edited("code:", "new_contacts: {}\ncode:", "countries/NO.yaml"),
            "new_contacts: approve_within: is missing",
            id="waits-without-an-end",
        ),
        pytest.param(
            edited("[home]", "[away]", "countries/NO.yaml"), "there is no hotline:away", id="no-hotline"
        ),
        pytest.param(
            edited("co.test", ".test", "registries/test.yaml"), "suffixes: must be public", id="dot"
        ),
        pytest.param(edited("7", "AB", "registrars/reg.yaml"), "iana_id: must be a registrar's", id="iana"),
        pytest.param(
            edited("tell: host", "tell: boss", "ladders/steps.yaml"),
            "rung 1: tell: must be one of",
            id="role",
        ),
        pytest.param(
            edited("wait: 24h", "wait: 0h", "ladders/steps.yaml"), "rung 1: wait: must be", id="no-wait"
        ),
        pytest.param(
            edited("id: both", "id: first", "ladders/steps.yaml"), "each with an id of its own", id="twice"
        ),
        pytest.param(
            edited("four-eyes", "boss", "ladders/steps.yaml"), "rung 2: approval: must be one", id="approval"
        ),
        pytest.param(
            edited("dedicated_domain", "bad", "ladders/steps.yaml"), "only_if: must be one of", id="condition"
        ),
        pytest.param(
            edited("seen_up_within", "seen", "ladders/steps.yaml"), "seen_up_within: is missing", id="needs"
        ),
        pytest.param(
            edited("party: order", "party: king", "ladders/steps.yaml"), "no authority:king", id="no-party"
        ),
        pytest.param(
            edited("tell: [host, upstream]", "tell: [host, upstream], party: one", "ladders/steps.yaml"),
            "rung 2: party: needs one role",
            id="a-party-of-two-roles",
        ),
        pytest.param(
            edited("when: {}", "when: {hosted_in: [NL]}", "ladders/steps.yaml"),
            "one ladder must be for all",
            id="gap",
        ),
        pytest.param(
            ALL | {"hosting/two.yaml": SECOND.replace("64502", "64500")},
            "hosting:one and hosting:two both claim AS64500",
            id="an-as-twice",
        ),
        pytest.param(
            ALL | {"ladders/other.yaml": LADDER.replace("id: steps", "id: other")},
            "ladders other and steps fit the same cases",
            id="a-tie",
        ),
        pytest.param(
            ALL | {"proxies/veil.yaml": PROXY.replace("shield,", "veil,", 1).replace("64511", "64510")},
            "proxies/veil.yaml:1: cnames: proxy:shield and proxy:veil both claim shield.example",
            id="a-cname-twice",
        ),
        pytest.param(
            edited("country: NL", "country: XX"),
            "one.yaml:3: country: must be a country's two",
            id="no-country",
        ),
        pytest.param(
            edited("police: force", "police: order", "countries/NO.yaml"),
            "countries/NO.yaml:9: police: there is no authority:order that is the police",
            id="no-police",
        ),
        pytest.param(
            edited("cnames: [shield.example", "cnames: [.shield.example", "proxies/shield.yaml"),
            "cnames: must be domain names",
            id="a-dot-before",
        ),
        pytest.param(
            edited("https://shield", "shield", "proxies/shield.yaml"), "form: must be the address", id="form"
        ),
        pytest.param(
            edited("when: {}", "when: {abroad: 1}", "ladders/steps.yaml"),
            "when: abroad: must be true or false",
            id="abroad",
        ),
        pytest.param(edited('"2001:db8::/32"', '"2001:db8::/129"'), "ranges: must be address", id="too-long"),
        pytest.param(
            edited("abuse@one.example", "abuse@one.example, channel: fax"), "channel: must be", id="channel"
        ),
        pytest.param(
            edited("abuse@one.example", "abuse@one.example, channel: http"),
            "to: must be the address to post to, https://",
            id="a-mailbox-to-post-to",
        ),
        pytest.param(
            edited("abuse@one.example", "http://one.example/xarf, channel: http"),
            "to: must be the address to post to, https://",
            id="in-clear",
        ),
        pytest.param(
            edited("abuse@one.example", "https://one.example/xarf"), "to: must be one plain", id="no-mailbox"
        ),
        pytest.param(
            ALL | {"misc/a.yaml": "a: b"}, "misc: not a folder of the catalogue", id="unknown-folder"
        ),
        pytest.param(
            ALL | {"hosting/one.yml": HOSTING}, "hosting/one.yml: not a .yaml file", id="other-file"
        ),
    ],
)
def test_a_fault_is_one_line_with_file_and_key(write, files, fault):
    found = problems([write(files)])

    assert [line for line in found if fault in line], found
    assert not any("\n" in line for line in found)


def test_all_faults_are_told_at_once(write):
    files = edited("asns", "asn") | {"registrars/reg.yaml": REGISTRAR.replace("name: Reg, ", "")}

    folder = write(files)

    keys = "id, name, country, notices, source, checked, form, asns, ranges"
    lines = [
        f"{folder}/hosting/one.yaml:4: asn: is not a key here (there are {keys})",
        f"{folder}/registrars/reg.yaml:1: name: is missing",
    ]
    assert problems([folder]) == lines
    with pytest.raises(RefusedError) as refused:
        read([folder])
    assert str(refused.value).splitlines() == lines


@pytest.mark.parametrize(
    ("files", "doubt"),
    [
        pytest.param({}, None, id="nothing-to-look-at"),
        pytest.param(edited("2026-03-01", "2025-11-21"), "one.yaml:8: warning: checked: more than", id="old"),
        pytest.param(edited("2026-03-01", "2025-11-22"), None, id="a-year-old"),
        pytest.param(
            edited("2026-03-01", "2062-03-01"), "one.yaml:8: warning: checked: more than", id="future"
        ),
        pytest.param(
            {"authorities/order.yaml": AUTHORITY.replace("notices: null, ", "")},
            "authorities/order.yaml:1: warning: notices: is missing: say null",
            id="silent-about-its-contact",
        ),
        pytest.param(
            edited("police_hold: 48h\n", "", "countries/NO.yaml"),
            "countries/NO.yaml:1: warning: police_hold: nothing ends",
            id="a-hold-without-end",
        ),
        pytest.param(
            edited("asns: [64511]", "asns: [64501]", "proxies/shield.yaml"),
            "shield.yaml:1: warning: asns: hosting:one and proxy:shield both claim AS64501",
            id="a-host-and-a-proxy-claim-an-as",
        ),
        pytest.param(
            edited("asns: [64511]", "ranges: [192.0.2.0/24]", "proxies/shield.yaml"),
            "shield.yaml:1: warning: ranges: hosting:one and proxy:shield both claim 192.0.2.0/24",
            id="a-host-and-a-proxy-claim-a-range",
        ),
        pytest.param(
            edited("asns: [64511]", "ranges: [192.0.2.0/25]", "proxies/shield.yaml"),
            None,
            id="a-proxy-within-a-hosts-range",
        ),
        pytest.param(
            edited("ranges: [", "ranges: [192.0.2.128/25, "),
            "one.yaml:5: warning: ranges: 192.0.2.128/25 lies in another of them",
            id="a-range-that-says-nothing-new",
        ),
        pytest.param(
            edited("tell: authority, party: order, kind: authority", "tell: registry, kind: registry", STEPS),
            "steps.yaml:3: warning: rungs: rung last: tells a registry without approval: four-eyes",
            id="a-registry-told-by-one-person",
        ),
        pytest.param(
            edited("tell: authority, party: order, kind: authority", SITE_OWNER, STEPS),
            "steps.yaml:3: warning: rungs: rung last: tells a site's owner, and no country",
            id="a-sites-owner-told-nowhere",
        ),
        pytest.param(
            edited("tell: authority, party: order, kind: authority", SITE_OWNER, STEPS)
            | {"countries/NO.yaml": COUNTRY + "site_owner: true\n"},
            None,
            id="a-sites-owner-told-somewhere",
        ),
    ],
)
def test_what_a_person_should_look_at_is_told_and_used_all_the_same(write, files, doubt):
    folder = write(ALL | files)

    found = warnings([folder])

    assert len(found) == (1 if doubt else 0), found
    assert all(doubt in line for line in found), found
    assert read([folder]).ladders


def test_a_file_of_ours_that_counts_instead_is_named(write):
    shipped, own = write(ALL), write({"hosting/one.yaml": HOSTING, "hosting/two.yaml": SECOND}, "own")

    found = check([shipped, own], TODAY)

    assert found.overridden == ((shipped / "hosting" / "one.yaml", own / "hosting" / "one.yaml"),)
    assert (found.entries, found.faults) == (len(ALL) + 1, ())


def test_ranges_may_be_a_text_and_are_read_as_the_library_reads_them(write):
    texts = ["0.0.0.0/0", "198.51.100.7", "2001:DB8:0:0::/64", "::/0", "203.0.113.6/31", "2001:db8::1"]
    listed = HOSTING.replace('[192.0.2.0/24, "2001:db8::/32"]', f"{texts}")
    as_text = HOSTING.replace('[192.0.2.0/24, "2001:db8::/32"]', ">-\n  " + "\n  ".join(texts))

    one, other = (read([write({"hosting/one.yaml": text})]) for text in (listed, as_text))

    assert one.hosting["hosting:one"].ranges == tuple(str(ip_network(text)) for text in texts)
    assert one.hosting == other.hosting


@pytest.mark.parametrize(
    "text", ["192.0.2.0/", "/24", "192.0.2.0/33", "192.0.2.0/-1", "1.2.3/8", "a::/x", "::1/64"]
)
def test_a_range_that_the_library_refuses_is_refused(write, text):
    (fault,) = problems([write({"hosting/one.yaml": HOSTING.replace("192.0.2.0/24", f"'{text}'")})])

    assert "ranges: must be address ranges" in fault


def test_a_hotline_abroad_is_found_by_its_country(write):
    entry = (
        "{{id: {0}, name: A, country: {1}, enabled: {2}, notices: null, source: a page, checked: 2026-03-01}}"
    )
    files = {
        "hotlines/away.yaml": entry.format("away", "DE", "true"),
        "hotlines/shut.yaml": entry.format("shut", "DE", "false"),
        "hotlines/north.yaml": entry.format("north", '"NO"', "true"),
    }

    catalogue = read([write(ALL | files)])

    assert [h.id for h in catalogue.hotlines_of("DE")] == ["hotline:away"]
    assert [h.id for h in catalogue.hotlines_of("NO")] == ["hotline:home"]
    assert (catalogue.hotlines_of("FR"), catalogue.hotlines_of(None)) == ((), ())


def test_a_folder_that_is_not_there_is_told(tmp_path):
    assert problems([tmp_path / "none"]) == [f"{tmp_path}/none: there is no such folder"]


def test_a_file_that_is_not_text_is_told(write):
    folder = write(ALL)
    (folder / "hosting" / "one.yaml").write_bytes(b"\xff\xfe\x00")

    assert problems([folder]) == [f"{folder}/hosting/one.yaml: cannot be read (UnicodeDecodeError)"]


def test_a_standing_and_a_law_are_said_in_further_languages(write):
    words = (
        "standing_in: {de: Mitglied eines Netzes, nl: lid van een netwerk}\ntrusted_flagger: a coordinator\n"
    )
    law = "law_in: {de: Ein Gesetz}\n"
    catalogue = read(
        [write({**ALL, "hotlines/home.yaml": HOTLINE + words, "countries/NO.yaml": COUNTRY + law})]
    )

    home = catalogue.hotlines["hotline:home"]
    assert home.standing_in == {"de": "Mitglied eines Netzes", "nl": "lid van een netwerk"}
    assert home.trusted_flagger == "a coordinator"
    assert catalogue.countries["NO"].law_in == {"de": "Ein Gesetz"}


@pytest.mark.parametrize(
    "said", ["standing_in: {fy: in meldpunt}", "standing_in: {nl: 3}", "standing_in: lid"]
)
def test_what_no_notice_could_say_is_refused(write, said):
    found = problems([write({**ALL, "hotlines/home.yaml": f"{HOTLINE}{said}\n"})])

    assert [fault for fault in found if "hotlines/home.yaml" in fault and "standing_in" in fault]
