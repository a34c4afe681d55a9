from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.hosting.facts import (
    AddressFacts,
    DomainFacts,
    FoundContact,
    HostingFacts,
    Network,
    RegistrarFacts,
)
from nta.domain.notices.contact_choice import Health, choose
from nta.domain.parties.contact_addresses import ContactAddress, mailbox_of
from nta.domain.parties.mail_addresses import is_usable
from nta.domain.parties.organisations import (
    Authority,
    Catalogue,
    Country,
    Hotline,
    NoticeRoute,
    Provider,
    Registrar,
    Registry,
)
from nta.domain.roles import Role
from nta.render.reason_sentences import sentence

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHECKED = date(2026, 3, 1)


def entry(
    kind: type,
    party: str,
    to: str | None,
    *,
    country: str | None = "NL",
    language: str = "nl",
    **more: object,
):
    route = NoticeRoute(to, language, "xarf") if to else None
    return kind(party, party.title(), country, route, "a page", CHECKED, **more)


CATALOGUE = Catalogue(
    hosting={"hosting:one": entry(Provider, "hosting:one", "abuse@one.example", asns=(64500,))},
    proxies={
        "proxy:shield": entry(Provider, "proxy:shield", "abuse@shield.example", country=None, language="qaa")
    },
    registrars={"registrar:reg": entry(Registrar, "registrar:reg", "abuse@reg.example", iana_id="7")},
    registries={"registry:test": entry(Registry, "registry:test", "abuse@nic.test", suffixes=("test",))},
    hotlines={
        "hotline:home": entry(Hotline, "hotline:home", "notices@home.example", enabled=True),
        "hotline:off": entry(Hotline, "hotline:off", "notices@off.example", enabled=False),
    },
    authorities={
        "authority:order": entry(Authority, "authority:order", "orders@gov.example"),
        "authority:abroad": entry(Authority, "authority:abroad", "orders@gov.test", country="DE"),
    },
    countries={
        code: Country(
            code,
            code,
            False,
            None,
            True,
            languages,
            "law",
            ("hotline:home", "hotline:off"),
            "a page",
            CHECKED,
        )
        for code, languages in (("NL", ("nl", "en")), ("FR", ("qaa",)), ("default", ("en",)))
    },
)


def found(email: str, source: str = "rdap", confidence: float = 0.9) -> FoundContact:
    return FoundContact(email, source, confidence)


def address(
    party: str | None,
    *abuse: FoundContact,
    country: str = "NL",
    proxy: str | None = None,
    ip: str = "192.0.2.1",
) -> AddressFacts:
    network = Network("NET-1", "NET", ("192.0.2.0/24",), country, None, None)
    return AddressFacts(ip, 64500, None, network, party, "Looked Up", proxy, abuse)


def facts(*addresses: AddressFacts, registrar: RegistrarFacts | None = None) -> HostingFacts:
    domain = DomainFacts("a.test", "test", None, registrar, "registry:test", (), (), None)
    return HostingFacts("a.test", NINE, (), addresses, "NL", domain, ())


def emails(role: Role, known: HostingFacts, **health: Health) -> list[tuple[str, str]]:
    chosen = choose(
        role, known, CATALOGUE, {mailbox_of(k.replace("_", "@", 1)): v for k, v in health.items()}
    )
    return [(choice.party, choice.address.to) for choice in chosen]


def test_the_catalogues_contact_comes_first():
    (choice,) = choose(Role.HOST, facts(address("hosting:one", found("noc@one.example"))), CATALOGUE, {})

    assert (choice.address.to, choice.language, choice.format) == ("abuse@one.example", "nl", "xarf")
    assert (choice.source, choice.confidence, choice.party_name) == ("catalogue", 1.0, "Hosting:One")
    assert sentence(choice.reason) == "The catalogue's contact, last checked on 2026-03-01."


def test_a_dead_contact_of_the_catalogue_gives_way_to_one_that_was_looked_up():
    known = facts(address("hosting:one", found("noc@one.example")))

    (choice,) = choose(Role.HOST, known, CATALOGUE, {mailbox_of("abuse@one.example"): Health.DEAD})

    assert (choice.address.to, choice.format) == ("noc@one.example", "text")
    assert (
        sentence(choice.reason)
        == "RDAP names it as the abuse contact; the catalogue's contact cannot be reached."
    )


def test_a_doubtful_contact_is_still_written_to():
    known = facts(address("hosting:one", found("noc@one.example")))

    (choice,) = choose(Role.HOST, known, CATALOGUE, {mailbox_of("abuse@one.example"): Health.DOUBTFUL})

    assert choice.address.to == "abuse@one.example"
    assert sentence(choice.reason).endswith("on 2026-03-01; mail to it has failed lately.")


@pytest.mark.parametrize(
    ("contacts", "email", "reason"),
    [
        pytest.param(
            [
                found("a@x.example", "rdap", 0.9),
                found("b@x.example", "rdap", 0.5),
                found("B@x.example", "whois", 0.5),
            ],
            "b@x.example",
            "RDAP and WHOIS name the same abuse contact.",
            id="two-that-agree-beat-one",
        ),
        pytest.param(
            [found("a@x.example", "rdap", 0.5), found("b@x.example", "rdap", 0.9)],
            "b@x.example",
            "RDAP names it as the abuse contact.",
            id="the-surer-of-two",
        ),
        pytest.param(
            [found("abuse@x.example", "guess", 0.9), found("b@x.example", "remark", 0.1)],
            "b@x.example",
            "A remark names it as the abuse contact.",
            id="a-guess-is-last",
        ),
        pytest.param(
            [found("abuse@x.example", "guess", 0.2)],
            "abuse@x.example",
            "No source names a contact; abuse@ at the domain of the network's holder is a guess.",
            id="a-guess-says-so",
        ),
        pytest.param(
            [found("removed@lacnic.net"), found("b@x.example", "rdap", 0.1)],
            "b@x.example",
            "RDAP names it as the abuse contact.",
            id="placeholders-are-skipped",
        ),
    ],
)
def test_the_best_of_what_was_looked_up(contacts, email, reason):
    (choice,) = choose(Role.HOST, facts(address("rdap:ORG-1", *contacts)), CATALOGUE, {})

    assert (choice.address.to, sentence(choice.reason)) == (email, reason)


def test_agreement_over_several_addresses_of_one_party_counts():
    known = facts(
        address("rdap:ORG-1", found("a@x.example", "rdap")),
        address("rdap:ORG-1", found("a@x.example", "whois"), ip="192.0.2.2"),
    )

    (choice,) = choose(Role.HOST, known, CATALOGUE, {})

    assert sentence(choice.reason) == "RDAP and WHOIS name the same abuse contact."


@pytest.mark.parametrize(
    ("country", "language"),
    [("NL", "nl"), ("FR", "en"), ("DE", "en")],
    ids=["own", "no-texts-in-it", "default"],
)
def test_a_party_outside_the_catalogue_is_written_to_in_its_countrys_language(country, language):
    known = facts(address("rdap:ORG-1", found("a@x.example"), country=country))

    (choice,) = choose(Role.HOST, known, CATALOGUE, {})

    assert (choice.country, choice.language, choice.format) == (country, language, "text")


PROXIED = facts(
    address("hosting:one"), address(None, found("a@x.example"), proxy="proxy:shield", ip="192.0.2.9")
)
REGISTRAR = RegistrarFacts("Some Registrar", "9", "rdap:REG-9", (found("abuse@reg9.example"),))


@pytest.mark.parametrize(
    ("role", "known", "expected"),
    [
        pytest.param(Role.HOST, PROXIED, [("hosting:one", "abuse@one.example")], id="a-proxy-is-no-host"),
        pytest.param(Role.PROXY, PROXIED, [("proxy:shield", "abuse@shield.example")], id="proxy"),
        pytest.param(
            Role.REGISTRY, facts(), [("registry:test", "abuse@nic.test")], id="registry-of-the-suffix"
        ),
        pytest.param(
            Role.REGISTRAR,
            facts(registrar=replace(REGISTRAR, iana_id="7")),
            [("registrar:reg", "abuse@reg.example")],
            id="registrar-by-iana-id",
        ),
        pytest.param(
            Role.REGISTRAR,
            facts(registrar=REGISTRAR),
            [("rdap:REG-9", "abuse@reg9.example")],
            id="registrar-by-rdap",
        ),
        pytest.param(Role.REGISTRAR, facts(), [], id="registrar-not-asked"),
        pytest.param(
            Role.HOTLINE, facts(), [("hotline:home", "notices@home.example")], id="hotlines-that-are-on"
        ),
        pytest.param(
            Role.AUTHORITY,
            facts(),
            [("authority:order", "orders@gov.example")],
            id="authority-of-the-country",
        ),
        pytest.param(Role.SITE_OWNER, facts(), [], id="never-the-site-owner-by-default"),
        pytest.param(Role.HOST, facts(), [], id="no-address-no-host"),
        pytest.param(Role.HOST, facts(address("rdap:ORG-1")), [], id="no-contact"),
        pytest.param(
            Role.HOST,
            facts(
                address("rdap:ORG-2", found("b@x.example")),
                address("rdap:ORG-1", found("a@x.example"), ip="192.0.2.2"),
            ),
            [("rdap:ORG-1", "a@x.example"), ("rdap:ORG-2", "b@x.example")],
            id="every-host-of-the-arrangement",
        ),
    ],
)
def test_who_is_told_in_a_role(role, known, expected):
    assert emails(role, known) == expected


@pytest.mark.parametrize(
    "email", ["abuse@one.example", "a.b+c@x-y.one.test", "o'neil@one.example", "a@xn--bcher-kva.example"]
)
def test_plain_addresses_are_usable(email):
    assert is_usable(email)


@pytest.mark.parametrize(
    "email",
    [
        pytest.param("", id="empty"),
        pytest.param("abuse", id="no-at"),
        pytest.param("a@b@one.example", id="two-ats"),
        pytest.param("abuse@localhost", id="no-dot"),
        pytest.param("abuse@192.0.2.1", id="an-address-as-domain"),
        pytest.param("a@one.example, b@one.example", id="several-in-one"),
        pytest.param("a@one.example;b@one.example", id="several-by-semicolon"),
        pytest.param("Abuse <abuse@one.example>", id="with-a-name"),
        pytest.param("abuse@one.example\nBcc: x@two.example", id="a-header-in-it"),
        pytest.param("abuse@one.example\x00", id="a-control-character"),
        pytest.param("user%two.example@one.example", id="a-route"),
        pytest.param('"a b"@one.example', id="quoted"),
        pytest.param("abuse@-one.example", id="no-domain"),
        pytest.param("büro@one.example", id="outside-ascii"),
        pytest.param("removed@lacnic.net", id="lacnic"),
        pytest.param("search-apnic-not-arin@apnic.net", id="elsewhere"),
        pytest.param("nobody@apnic.net", id="nobody"),
        pytest.param("noemail@supplied.unknown", id="not-supplied"),
        pytest.param("abuse@host.unknown", id="a-domain-that-leads-nowhere"),
        pytest.param("abuse@mail.local", id="a-local-network"),
        pytest.param("do-not-reply@one.example", id="not-to-be-answered"),
        pytest.param("not.applicable@one.example", id="not-applicable"),
        pytest.param("Removed@LACNIC.net", id="lacnic-in-capitals"),
        pytest.param("REDACTED@one.example", id="redacted"),
        pytest.param("no-reply@one.example", id="nobody-reads-it"),
        pytest.param("noreply@one.example", id="nobody-reads-it-either"),
        pytest.param("a" * 65 + "@one.example", id="too-long-a-name"),
        pytest.param("a@" + "b." * 130 + "example", id="too-long"),
    ],
)
def test_other_texts_are_not_usable(email):
    assert not is_usable(email)


@given(st.text(max_size=40) | st.emails())
def test_a_usable_address_can_stand_in_a_header_as_it_is(text):
    if is_usable(text):
        assert text.isascii()
        assert text.isprintable()
        assert text.count("@") == 1
        assert not set(text) & set(' ,;:<>()[]\\"%')


SOME = st.lists(
    st.builds(
        found,
        st.sampled_from(["a@x.example", "b@x.example", "removed@lacnic.net", "dead@x.example"]),
        st.sampled_from(["rdap", "whois", "guess"]),
        st.sampled_from([0.1, 0.5, 0.9]),
    ),
    max_size=5,
)


@given(SOME, st.randoms(use_true_random=False))
def test_the_choice_hangs_on_no_order_and_never_is_dead(contacts, random):
    shuffled = list(contacts)
    random.shuffle(shuffled)
    health = {mailbox_of("dead@x.example"): Health.DEAD}

    chosen = choose(Role.HOST, facts(address("rdap:ORG-1", *contacts)), CATALOGUE, health)

    assert choose(Role.HOST, facts(address("rdap:ORG-1", *shuffled)), CATALOGUE, health) == chosen
    assert {choice.address.to for choice in chosen} <= {"a@x.example", "b@x.example"}
    assert len(chosen) == any(c.email in ("a@x.example", "b@x.example") for c in contacts)


def test_another_channel_of_the_catalogue_goes_before_every_mailbox():
    route = NoticeRoute("https://one.example/XARF", "en", "xarf", "http")
    host = replace(CATALOGUE.hosting["hosting:one"], notices=route)
    known = facts(address("hosting:one", found("noc@one.example")))
    catalogue = replace(CATALOGUE, hosting={host.id: host})
    same = ContactAddress("http", "https://one.example/XARF")

    (first,) = choose(Role.HOST, known, catalogue, {})
    (next_best,) = choose(Role.HOST, known, catalogue, {same: Health.DEAD})

    assert first.address == ContactAddress("http", "https://one.example/XARF")
    assert next_best.address == mailbox_of("noc@one.example")


def test_the_same_text_on_two_channels_is_two_addresses():
    health = {ContactAddress("http", "abuse@one.example"): Health.DEAD}

    (choice,) = choose(Role.HOST, facts(address("hosting:one")), CATALOGUE, health)

    assert choice.address == mailbox_of("abuse@one.example")
