"""What holds of every choice of a contact, whatever is known of it."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.hosting.facts import (
    AddressFacts,
    FoundContact,
    HostingFacts,
    Network,
)
from nta.domain.notices.contact_choice import (
    Choice,
    Health,
    KnownContact,
    choose,
    waits_until,
)
from nta.domain.parties.contact_addresses import ContactAddress, mailbox_of
from nta.domain.parties.mail_addresses import is_usable
from nta.domain.parties.organisations import (
    Catalogue,
    Country,
    NoticeRoute,
    Provider,
)
from nta.domain.roles import Role
from nta.render.reason_sentences import sentence

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHECKED = date(2026, 3, 1)
PARTY = "hosting:one"
FOUR = timedelta(hours=4)
COUNTRIES = {"NL": Country("NL", "NL", False, None, True, ("nl",), "law", (), "a page", CHECKED)}
EMAILS = ["abuse@a.example", "noc@b.example", "c@c.example", "d@d.example", "removed@lacnic.net"]


def facts(*found: FoundContact) -> HostingFacts:
    network = Network("NET-1", "NET", ("192.0.2.0/24",), "NL", None, None)
    address = AddressFacts("192.0.2.1", 64500, None, network, PARTY, "One", None, found)
    return HostingFacts("a.test", NINE, (), (address,), "NL", None, ())


def catalogue(to: str | None) -> Catalogue:
    route = NoticeRoute(to, "nl") if to else None
    entry = Provider(PARTY, "One", "NL", route, "a page", CHECKED)
    return Catalogue(hosting={PARTY: entry}, countries=COUNTRIES)


def met(email: str, *, approved: datetime | None = None, refused: datetime | None = None) -> KnownContact:
    return KnownContact(mailbox_of(email), "rdap", 0.9, approved, refused)


def chosen(
    *found: FoundContact, to: str | None = None, health: dict[str, Health] | None = None, known=()
) -> Choice:
    (choice,) = choose(
        Role.HOST, facts(*found), catalogue(to), by_address(health or {}), known={PARTY: known}
    )
    return choice


def by_address(health: dict[str, Health]) -> dict[ContactAddress, Health]:
    return {mailbox_of(email): one for email, one in health.items()}


def rdap(email: str, confidence: float = 0.9) -> FoundContact:
    return FoundContact(email, "rdap", confidence)


A, B, C, D = EMAILS[:4]
WHOIS_B = FoundContact(B, "whois", 0.5)
GUESS = FoundContact(D, "guess", 0.3)


@pytest.mark.parametrize(
    ("choice", "email", "reason"),
    [
        pytest.param(
            lambda: chosen(rdap(A), rdap(B), WHOIS_B, to=C, known=[met(D, approved=NINE)]),
            C,
            "The catalogue's contact, last checked on 2026-03-01.",
            id="the-catalogue-before-one-that-is-approved",
        ),
        pytest.param(
            lambda: chosen(rdap(A), rdap(B), WHOIS_B, known=[met(D, approved=NINE)]),
            D,
            "A person approved this contact on 2026-03-02.",
            id="approved-before-two-that-agree",
        ),
        pytest.param(
            lambda: chosen(known=[met(C, approved=NINE - FOUR), met(D, approved=NINE)]),
            D,
            "A person approved this contact on 2026-03-02.",
            id="the-last-approved-of-two",
        ),
        pytest.param(
            lambda: chosen(rdap(A), to=C, health={C: Health.DOUBTFUL}),
            C,
            "The catalogue's contact, last checked on 2026-03-01; mail to it has failed lately.",
            id="a-doubtful-one-is-still-the-best",
        ),
        pytest.param(
            lambda: chosen(rdap(A), rdap(B, 0.1), health={A: Health.DOUBTFUL}),
            B,
            "RDAP names it as the abuse contact; another contact is in doubt.",
            id="of-two-alike-the-fine-one",
        ),
        pytest.param(
            lambda: chosen(rdap(A), rdap(B), known=[met(A, refused=NINE)]),
            B,
            "RDAP names it as the abuse contact; another contact was refused.",
            id="a-refused-one-never",
        ),
        pytest.param(
            lambda: chosen(rdap(A), to=C, known=[met(C, refused=NINE)]),
            A,
            "RDAP names it as the abuse contact; the catalogue's contact was refused.",
            id="nor-the-catalogues",
        ),
        pytest.param(
            lambda: chosen(rdap(A), known=[met(C, approved=NINE)], health={C: Health.DEAD}),
            A,
            "RDAP names it as the abuse contact; the approved contact cannot be reached.",
            id="the-approved-one-is-dead",
        ),
        pytest.param(
            lambda: chosen(rdap(A), GUESS, health={A: Health.DEAD}),
            D,
            "No contact that is named can be used; this address is a guess.",
            id="a-guess-after-one-that-is-dead",
        ),
        pytest.param(
            lambda: chosen(rdap(EMAILS[4]), GUESS),
            D,
            "No source names a contact; this address is a guess.",
            id="a-placeholder-names-nobody",
        ),
    ],
)
def test_which_contact_and_why(choice, email, reason):
    found = choice()

    assert (found.address.to, sentence(found.reason)) == (email, reason)


def test_an_approved_contact_keeps_its_source():
    assert chosen(known=[KnownContact(mailbox_of(A), "whois", 0.4, approved_at=NINE)]).source == "whois"


FOUND = st.lists(
    st.builds(
        FoundContact,
        st.sampled_from([*EMAILS, A.upper()]),
        st.sampled_from(["rdap", "whois", "remark", "guess"]),
        st.sampled_from([0.1, 0.5, 0.9]),
    ),
    max_size=7,
)
HEALTH = st.dictionaries(st.sampled_from(EMAILS), st.sampled_from(list(Health)))
MOMENT = st.sampled_from([NINE, NINE - FOUR])
WORDS = st.dictionaries(
    st.sampled_from(EMAILS), st.tuples(st.sampled_from(["approved", "refused"]), MOMENT), max_size=3
)
ROUTE = st.none() | st.sampled_from(EMAILS)


def place(
    email: str, found: list[FoundContact], to: str | None, words: dict[str, tuple[str, datetime]]
) -> int:
    """Return the class of an address, the best first, written down anew."""
    sources = {one.source for one in found if one.email.lower() == email}
    named = len(sources - {"guess"})
    if to == email:
        return 1
    if words.get(email, ("",))[0] == "approved":
        return 2
    return {0: 5, 1: 4}.get(named, 3) if sources else 9


@given(FOUND, ROUTE, HEALTH, WORDS, st.randoms(use_true_random=False))
def test_what_holds_of_every_choice(found, to, health, words, random):
    known = [met(email, **{word: at}) for email, (word, at) in words.items()]
    shuffled, turned = list(found), list(known)
    random.shuffle(shuffled)
    random.shuffle(turned)

    def pick(theirs: list[FoundContact], said: list[KnownContact]) -> tuple[Choice, ...]:
        return choose(Role.HOST, facts(*theirs), catalogue(to), by_address(health), known={PARTY: said})

    choices = pick(found, known)

    assert pick(shuffled, turned) == choices
    open_ones = {
        email
        for email in EMAILS
        if place(email, found, to, words) < 9
        and is_usable(email)
        and health.get(email) is not Health.DEAD
        and words.get(email, ("",))[0] != "refused"
    }
    assert bool(choices) == bool(open_ones)
    for choice in choices:
        email = choice.address.to.lower()
        mine = place(email, found, to, words)
        assert email in open_ones
        assert mine == min(place(one, found, to, words) for one in open_ones)
        if health.get(email) is Health.DOUBTFUL:
            alike = [one for one in open_ones if place(one, found, to, words) == mine]
            assert all(health.get(one) is Health.DOUBTFUL for one in alike)
        assert re.fullmatch(r"[A-Z][^.]*\.", sentence(choice.reason))


NEW = Choice(Role.HOST, PARTY, "One", "NL", mailbox_of(A), "nl", "text", "rdap", 0.9, "RDAP names it.")


@pytest.mark.parametrize(
    ("source", "within", "known", "expected"),
    [
        pytest.param("rdap", None, [], None, id="used-at-once-by-default"),
        pytest.param("rdap", FOUR, [], NINE + FOUR, id="a-new-one-waits"),
        pytest.param("catalogue", FOUR, [], None, id="the-catalogues-never"),
        pytest.param("rdap", FOUR, [met(A, approved=NINE)], None, id="nor-an-approved-one"),
        pytest.param(
            "rdap",
            FOUR,
            [KnownContact(mailbox_of(A.upper()), "rdap", 0.9, waits_until=NINE + FOUR / 4)],
            NINE + FOUR / 4,
            id="a-wait-is-never-longer-than-it-was",
        ),
        pytest.param(
            "rdap",
            FOUR,
            [KnownContact(mailbox_of(A), "rdap", 0.9, waits_until=NINE)],
            None,
            id="nor-does-it-begin-again",
        ),
        pytest.param(
            "rdap",
            FOUR,
            [KnownContact(mailbox_of(B), "rdap", 0.9, refused_at=NINE, waits_until=NINE + FOUR / 2)],
            NINE + FOUR / 2,
            id="the-next-one-has-what-is-left",
        ),
        pytest.param(
            "rdap",
            FOUR,
            [KnownContact(mailbox_of(B), "rdap", 0.9, refused_at=NINE, waits_until=NINE)],
            NINE + FOUR,
            id="after-a-wait-that-is-over-its-own",
        ),
    ],
)
def test_how_long_a_contact_waits_for_a_word(source, within, known, expected):
    assert waits_until(replace(NEW, source=source), {PARTY: known}, within, NINE) == expected
