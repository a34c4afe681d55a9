"""The tables of `providers/imported/`: what they add, and that an entry always counts before them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nta.catalogue import Level, check, read
from nta.catalogue.columns import TABLES
from nta.catalogue.imported_tables import Table, lay, read_table
from nta.domain.errors import RefusedError
from nta.domain.hosting.facts import (
    AddressFacts,
    DomainFacts,
    FoundContact,
    HostingFacts,
    Network,
    RegistrarFacts,
)
from nta.domain.notices.contact_choice import choose
from nta.domain.parties.organisations import (
    Catalogue,
    NoticeRoute,
    Provider,
    Registrar,
    Registry,
    _number,
    _numbers,
)
from nta.domain.roles import Role
from nta.render.reason_sentences import sentence

SHIPPED = Path(__file__).parents[1] / "providers"
DAY = date(2026, 3, 1)
HEADS = {name: ",".join(kind.columns) for name, kind in TABLES.items()}
ROWS = {
    "registrars": (
        "7,Seven Ltd,https://rdap.seven.example/,abuse@seven.example,,a list,2026-03-01",
        '8,"Eight, Inc.",,,https://eight.example/abuse,a list,2026-03-01',
    ),
    "registries": ("north,North,NO,test example,abuse@north.example,,a list,2026-03-01",),
    "hosting": ("far,Far Hosting,DE,64500 64502,192.0.2.0/24,abuse@far.example,,a list,2026-03-01",),
    "proxies": ("veil,Veil,,64503,198.51.100.0/24,veil.example cdn.veil.test,,,a list,2026-03-01",),
    "countries": ("AT,Austria,yes,de,a list,2026-03-01", "BE,Belgium,yes,nl fr de,a list,2026-03-01"),
}
ENTRIES = {
    "registrars/mine.yaml": """\
{id: mine, name: Mine, country: NL, iana_id: 7, notices: null, source: a page, checked: 2026-02-01}""",
    "registries/mine.yaml": """\
{id: mine, name: Mine, country: NL, suffixes: [test], notices: null, source: a page, checked: 2026-02-01}""",
    "hosting/mine.yaml": """\
{id: mine, name: Mine, country: NL, asns: [64500], notices: null, source: a page, checked: 2026-02-01}""",
    "countries/default.yaml": """\
{code: default, name: any other, police_first: false, direct: true, languages: [en], law: A law,
 law_in: {nl: een wet}, source: a page, checked: 2026-02-01}""",
    "hotlines/south.yaml": """\
{id: south, name: South, country: AT, notices: {to: a@south.example}, source: a page, checked: 2026-02-01}""",
}

Lay = Callable[[Mapping[str, str]], Path]


def table(name: str, *rows: str) -> str:
    return "\n".join((HEADS[name], *(rows or ROWS[name]), ""))


@pytest.fixture
def lay_out(tmp_path: Path) -> Lay:
    def lay_out(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, "utf-8")
        return tmp_path

    return lay_out


@pytest.fixture
def both(lay_out: Lay) -> Catalogue:
    return read([lay_out(ENTRIES | {f"imported/{name}.csv": table(name) for name in ROWS})])


def test_a_row_becomes_a_party_with_source_and_date(lay_out: Lay) -> None:
    found = read([lay_out({f"imported/{name}.csv": table(name) for name in ROWS})])

    assert found.registrar_of("7") == Registrar(
        "registrar:iana-7",
        "Seven Ltd",
        None,
        NoticeRoute("abuse@seven.example"),
        "a list",
        DAY,
        "7",
        "https://rdap.seven.example/",
        imported=True,
    )
    assert found.registry_of("co.example") == Registry(
        "registry:north",
        "North",
        "NO",
        NoticeRoute("abuse@north.example"),
        "a list",
        DAY,
        ("test", "example"),
        imported=True,
    )
    far = Provider(
        "hosting:far",
        "Far Hosting",
        "DE",
        NoticeRoute("abuse@far.example"),
        "a list",
        DAY,
        (64500, 64502),
        ("192.0.2.0/24",),
        imported=True,
    )
    assert found.host_of("192.0.2.9", None) == found.host_of("203.0.113.1", 64500) == far
    veil = found.proxy_of_name(["site.cdn.veil.test"])
    assert veil is not None
    assert (veil.id, found.proxy_of("198.51.100.7", None), found.proxy_of("203.0.113.1", 64503)) == (
        "proxy:veil",
        veil,
        veil,
    )
    assert found.party("registrar:iana-8") is found.registrar_of("8")


def test_an_entry_of_its_own_counts_before_a_row(both: Catalogue) -> None:
    mine = both.registrar_of("7")
    assert mine is not None
    assert (mine.id, mine.name, mine.notices) == ("registrar:mine", "Mine", None)
    assert both.party("registrar:iana-7") is None
    registries = {suffix: both.registry_of(suffix) for suffix in ("test", "example")}
    assert {suffix: r and r.id for suffix, r in registries.items()} == {
        "test": "registry:mine",
        "example": "registry:north",
    }
    # Even what a row says by a range stands behind an entry's AS number.
    assert both.host_of("192.0.2.9", 64500) == both.hosting["hosting:mine"]
    assert both.host_of("192.0.2.9", 64999) == both.hosting["hosting:far"]
    assert both.network_of(64502) == both.hosting["hosting:far"]


def test_an_entry_is_given_the_rdap_server_it_is_silent_on(both: Catalogue) -> None:
    mine = both.registrar_of("7")

    assert mine is not None
    assert mine.rdap == "https://rdap.seven.example/"
    assert not mine.imported


def test_a_row_with_an_entrys_id_is_the_entrys(lay_out: Lay) -> None:
    row = "mine,Another,NO,64777,,abuse@other.example,,a list,2026-03-01"
    found = read([lay_out(ENTRIES | {"imported/hosting.csv": table("hosting", row)})])

    assert found.hosting["hosting:mine"].name == "Mine"
    assert found.host_of("203.0.113.1", 64777) is None


def test_a_country_of_the_table_has_law_and_manners_of_the_default(both: Catalogue) -> None:
    austria, default = both.country("AT"), both.country("default")

    assert austria is not None
    assert default is not None
    assert austria == replace(
        default,
        code="AT",
        name="Austria",
        eu=True,
        languages=("de",),
        source="a list",
        checked=DAY,
        imported=True,
    )
    # The hotline there still takes over: the table names none, so those entered for the country count.
    assert [hotline.id for hotline in both.hotlines_of("AT")] == ["hotline:south"]


@pytest.mark.parametrize(("country", "language"), [("AT", "de"), ("BE", "en")])
def test_only_a_country_with_one_language_is_written_to_in_it(
    both: Catalogue, country: str, language: str
) -> None:
    network = Network("NET", "NET", ("203.0.113.0/24",), country, None, None)
    contact = FoundContact("abuse@host.example", "rdap", 0.9)
    address = AddressFacts("203.0.113.1", None, None, network, "rdap:ORG", "Org", None, (contact,))
    now = datetime(2026, 3, 2, tzinfo=UTC)

    [chosen] = choose(
        Role.HOST, HostingFacts("www.example.org", now, (), (address,), country, None, ()), both, {}
    )

    assert chosen.language == language


def test_a_row_has_its_registrar_told(both: Catalogue) -> None:
    registrar = RegistrarFacts("Eight", "8", "registrar:iana-8", (FoundContact("a@b.example", "rdap", 0.9),))
    domain = DomainFacts("far.example", "example", True, registrar, None, (), (), "rdap")
    facts = HostingFacts("far.example", datetime(2026, 3, 2, tzinfo=UTC), (), (), None, domain, ())

    [registry] = choose(Role.REGISTRY, facts, both, {})
    [seller] = choose(Role.REGISTRAR, facts, both, {})

    assert (registry.party, registry.address.to) == ("registry:north", "abuse@north.example")
    assert sentence(registry.reason) == "The catalogue's contact, last checked on 2026-03-01."
    assert (seller.party, seller.party_name, seller.address.to) == (
        "registrar:iana-8",
        "Eight, Inc.",
        "a@b.example",
    )


@pytest.mark.parametrize(
    ("name", "bad", "what"),
    [
        pytest.param(
            "registrars", "x,A,,,,s,2026-03-01", "iana_id: must be a registrar's number", id="number"
        ),
        pytest.param("registrars", "9,A,,a b,,s,2026-03-01", "email: must be one plain", id="email"),
        pytest.param(
            "registrars", "9,A,ftp://a.example/,,,s,2026-03-01", "rdap: must be the addr", id="rdap"
        ),
        pytest.param("registrars", "9,A,,,,,2026-03-01", "source: must be one line", id="source"),
        pytest.param("registrars", "9,A,,,,s,20260301", "checked: must be a date", id="date"),
        pytest.param("registrars", "9,A,,,,s,2026-02-30", "checked: must be a date", id="no-such-day"),
        pytest.param("registrars", "9,A,,,s,2026-03-01", "has 6 fields instead of 7", id="short"),
        pytest.param("registrars", "7,A,,,,s,2026-03-01", "iana_id: 7 stands twice", id="twice"),
        pytest.param(
            "registries", "s,S,NO,test,,,s,2026-03-01", "suffixes: north claims test too", id="suffix"
        ),
        pytest.param("hosting", "s,S,,64500,,,,s,2026-03-01", "asns: far claims 64500 too", id="claimed"),
        pytest.param("hosting", "s,S,,AS7,,,,s,2026-03-01", "asns: must be AS numbers", id="as"),
        pytest.param("hosting", "s,S,,\u0661,,,,s,2026-03-01", "asns: must be AS numbers", id="digit"),
        pytest.param("hosting", "s,S,ZZ,7,,,,s,2026-03-01", "country: must be a country's", id="country"),
        pytest.param("proxies", "s,S,,,10.0.0.1/8,,,,s,2026-03-01", "ranges: must be address", id="range"),
        pytest.param("countries", "FR,France,true,fr,s,2026-03-01", "eu: must be yes or no", id="eu"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_the_good_ones_kept(
    lay_out: Lay, name: str, bad: str, what: str
) -> None:
    folder = lay_out({f"imported/{name}.csv": table(name, *ROWS[name], bad)})
    file = folder / "imported" / f"{name}.csv"

    found = check([folder], DAY)

    [fault] = found.faults
    assert (fault.file, fault.line, fault.level) == (str(file), 2 + len(ROWS[name]), Level.WARNING)
    assert fault.what.startswith(what)
    assert fault.what.endswith("; the row is left out")
    assert (found.rows, list(read_table(file, name).rows)) == (
        len(ROWS[name]),
        [row.partition(",")[0] for row in ROWS[name]],
    )
    read([folder])


def test_the_line_of_a_row_is_where_it_begins(lay_out: Lay) -> None:
    split = '9,"A\nB",,,,s,2026-03-01'
    folder = lay_out({"imported/registrars.csv": table("registrars", split, "", "y,A,,,,s,2026-03-01")})

    found = check([folder], DAY)

    assert [(fault.line, fault.what.partition(":")[0]) for fault in found.faults] == [
        (2, "name"),
        (5, "iana_id"),
    ]


@pytest.mark.parametrize(
    ("file", "text", "what"),
    [
        (
            "imported/registrars.csv",
            "iana_id,name\n",
            "registrars.csv:1: the columns must be iana_id,name,rdap",
        ),
        ("imported/registrars.csv", "", "registrars.csv:1: the columns must be"),
        ("imported/registrars.csv", table("registrars", '7,"a'), "registrars.csv: not CSV"),
        ("imported/ladders.csv", "id\n", "ladders.csv: not a table (there are hosting.csv, proxies.csv,"),
        ("imported/registrars.yaml", "a: b\n", "registrars.yaml: not a table"),
    ],
)
def test_a_file_that_is_no_table_keeps_the_catalogue_from_being_used(
    lay_out: Lay, file: str, text: str, what: str
) -> None:
    with pytest.raises(RefusedError, match=re.escape(what)):
        read([lay_out({file: text})])


def test_a_table_of_ours_stands_in_for_the_shipped_one(tmp_path: Path) -> None:
    for folder, row in (("one", ROWS["registrars"][0]), ("two", ROWS["registrars"][1])):
        (tmp_path / folder / "imported").mkdir(parents=True)
        (tmp_path / folder / "imported" / "registrars.csv").write_text(table("registrars", row), "utf-8")
    folders = [tmp_path / "one", tmp_path / "two"]

    assert list(read(folders).registrars) == ["registrar:iana-8"]
    shipped, ours = (folder / "imported" / "registrars.csv" for folder in folders)
    assert check(folders, DAY).overridden == ((shipped, ours),)


IDS = st.sampled_from(["one", "two", "three", "four"])
SUFFIXES = st.lists(st.sampled_from(["test", "example", "co.test", "invalid"]), max_size=3, unique=True)
NUMBERS = st.lists(st.integers(64500, 64504), max_size=3, unique=True)
RANGES = st.lists(
    st.sampled_from(["192.0.2.0/24", "192.0.2.0/25", "192.0.2.128/25", "192.0.2.0/26"]),
    max_size=2,
    unique=True,
)


def shelf(kind: str, *parts: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, tuple[object, ...]]]:
    """Draw parties of a shelf: what each claims, and nothing that two of them claim."""
    return st.dictionaries(IDS, st.tuples(*parts), max_size=3).map(_alone)


def _alone(drawn: dict[str, tuple[list[object], ...]]) -> dict[str, tuple[object, ...]]:
    seen: set[object] = set()
    alone: dict[str, tuple[object, ...]] = {}
    for one, parts in drawn.items():
        alone[one] = tuple(tuple(claim for claim in part if claim not in seen) for part in parts)
        seen.update(claim for part in parts for claim in part)
    return alone


def _party(kind: type, party: str, claims: tuple[object, ...], *, imported: bool) -> object:
    return kind(party, party, None, None, "a page", DAY, *claims, imported=imported)


def _laid(name: str, kind: type, entries: dict[str, object], rows: dict[str, object]) -> Catalogue:
    """Return a catalogue of one shelf, and of a table with the same ids and claims in it."""
    prefix = {"hosting": "hosting", "registries": "registry"}[name]
    empty: dict[str, dict[str, object]] = {"hosting": {}, "proxies": {}, "registries": {}}
    own = {
        f"{prefix}:{one}": _party(kind, f"{prefix}:{one}", c, imported=False) for one, c in entries.items()
    }
    values = {one: _party(kind, f"{prefix}:{one}", c, imported=True) for one, c in rows.items()}
    found = Table(name, Path("a.csv"), values=values)
    return Catalogue(**lay({**empty, name: own}, [found]))


@given(entries=shelf("registry", SUFFIXES), rows=shelf("registry", SUFFIXES))
@settings(max_examples=200, deadline=None)
def test_what_an_entry_claims_is_always_its_own_and_the_rest_the_tables(entries, rows) -> None:
    alone, both = _laid("registries", Registry, entries, {}), _laid("registries", Registry, entries, rows)

    for suffix, owner in alone._by_suffix.items():
        assert both.registry_of(suffix) == owner
    for one in entries:
        assert both.party(f"registry:{one}") == alone.party(f"registry:{one}")
    claimed = {suffix for claims in entries.values() for suffix in claims[0]}
    for one, claims in rows.items():
        for suffix in set(claims[0]) - claimed:
            found = both.registry_of(suffix)
            assert one in entries or (found and found.id == f"registry:{one}")


@given(st.ip_addresses())
def test_an_address_read_by_hand_is_the_number_it_is(address) -> None:
    read = _number(str(address)) if address.version == 6 else _numbers([str(address)] * 2)[1]

    assert read == int(address)


@given(st.lists(st.sampled_from([0, 0, 0, 1, 0xFFFF]), min_size=8, max_size=8))
def test_an_address_with_zeroes_left_out_is_read_as_well(groups: list[int]) -> None:
    address = IPv6Address(":".join(f"{group:x}" for group in groups))

    assert _number(str(address)) == int(address)


@given(
    entries=shelf("hosting", NUMBERS, RANGES),
    rows=shelf("hosting", NUMBERS, RANGES),
    ip=st.sampled_from(["192.0.2.1", "192.0.2.65", "192.0.2.129", "198.51.100.1"]),
    number=st.none() | st.integers(64500, 64504),
)
@settings(max_examples=200, deadline=None)
def test_whom_an_entry_names_for_an_address_no_table_can_change(entries, rows, ip, number) -> None:
    alone, both = _laid("hosting", Provider, entries, {}), _laid("hosting", Provider, entries, rows)

    assert alone.host_of(ip, number) in (None, both.host_of(ip, number))
    assert alone.network_of(number) in (None, both.network_of(number))


def test_the_shipped_tables_hold_registrars_registries_networks_proxies_and_countries() -> None:
    found = read([SHIPPED])
    rows = {name: read_table(SHIPPED / "imported" / f"{name}.csv", name) for name in TABLES}
    shelves = (found.registrars, found.registries, found.hosting, found.proxies, found.countries)

    assert [str(fault) for one in rows.values() for fault in one.faults] == []
    assert all(len(shelf) >= least for shelf, least in zip(shelves, (3000, 390, 500, 44, 250), strict=True))
    assert sum(bool(r.notices or r.form) for r in found.registrars.values()) > 2700
    assert sum(bool(r.rdap) for r in found.registrars.values()) > 3000
    # A few have nothing but one person's own address, which is left out.
    assert sum(not (r.notices or r.form) for r in found.registries.values() if r.imported) < 10
    assert sum(country.eu is True for country in found.countries.values()) == 27


def test_each_row_that_an_entry_goes_before_differs_from_it_in_no_number() -> None:
    found = read([SHIPPED])
    rows = read_table(SHIPPED / "imported" / "registrars.csv", "registrars")

    assert {r.iana_id for r in found.registrars.values()} == set(rows.rows)
    assert len(found.registrars) == len(rows.rows)
