"""security.txt (RFC 9116) over TLS, from servers that have one, none, or something else at its place."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.adapters import security_txt
from nta.adapters.net.address_policy import Gate
from nta.adapters.security_txt import SecurityTxtAsker
from nta.domain.errors import OutsideError
from nta.domain.hosting.holders import file_of
from nta.domain.hosting.lookups import Finding
from nta.render.reason_sentences import sentence
from nta.settings import Reach
from tests.adapters.conftest import Trust
from tests.adapters.servers import WebServer, http, nobody_listening
from tests.lookup_plain import plain

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def file_value(*given: Any) -> Any:
    return plain(security_txt.file_value(*given))


HOUR = timedelta(hours=1)
DOMAIN = "web.test"
PATH = "/.well-known/security.txt"
FILE = b"""\
# Our security contact
Contact: mailto:security@web.test
Contact: https://web.test/report
Expires: 2026-12-31T23:00:00.000Z
Preferred-Languages: en, nl
"""
PLAIN = "text/plain; charset=utf-8"


def page(body: bytes, media: str = PLAIN, status: int = 200) -> bytes:
    return http(status, body, Content_Type=media)


def redirect(target: str) -> bytes:
    return http(302, b"see there", Location=target, Content_Type="text/html")


@pytest.fixture
def server(trust: Trust):
    with WebServer({PATH: page(FILE)}, trust.server) as server:
        yield server


Ask = Callable[..., Finding]


@pytest.fixture
def ask(server: WebServer, trust: Trust, loopback: Gate) -> Ask:
    def ask(domain: str = DOMAIN, names: dict[str, tuple[str, ...]] | None = None, **options) -> Finding:
        known = {DOMAIN: ("127.0.0.1",)} if names is None else names
        options = {"port": server.port, "connect_timeout_s": 2, "timeout_s": 2} | options
        asker = SecurityTxtAsker(loopback, trust.ca_file, resolve=lambda name: known.get(name, ()), **options)
        (finding,) = asker.ask([file_of(domain)], NOW)
        return finding

    return ask


def test_the_file_is_asked_for_once_at_its_one_place(server, ask):
    finding = ask(user_agent="a hotline")

    assert finding.problem is None
    assert plain(finding.value) == {"contacts": ["security@web.test"], "expires": "2026-12-31T23:00:00+00:00"}
    assert finding.valid_until == NOW + 12 * HOUR
    assert [(asked.method, asked.path) for asked in server.asked] == [("GET", PATH)]
    assert server.asked[0].headers["user-agent"] == "a hotline"
    assert server.asked[0].headers["host"] == f"web.test:{server.port}"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http(404), id="no-such-page"),
        pytest.param(http(410), id="gone"),
        pytest.param(page(FILE, "text/html"), id="a-page-for-people"),
        pytest.param(page(FILE, "application/octet-stream"), id="a-download"),
        pytest.param(http(200, FILE), id="no-type"),
        pytest.param(page(b"x" * 100_000, "text/html"), id="a-long-page-is-not-even-read"),
    ],
)
def test_where_there_is_no_file_nothing_is_known(server, ask, answer):
    server.pages[PATH] = answer

    finding = ask()

    assert (finding.value, finding.problem, finding.valid_until) == (None, None, NOW + HOUR)


def test_what_a_file_says_holds_no_longer_than_the_file(server, ask):
    server.pages[PATH] = page(b"Expires: 2026-03-02T10:00:00Z\nContact: mailto:a@web.test\n")

    assert ask().valid_until == NOW + HOUR


def test_a_domain_for_mail_alone_is_not_asked(server, ask):
    finding = ask(names={})

    assert (finding.value, finding.problem) == (None, None)
    assert server.connections == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(page(b"Contact: mailto:security@web.test\n" * 160_000), "too long", id="5-mib"),
        pytest.param(page(b"# " + b"x" * 33_000), "too long", id="more-than-32-kib"),
        pytest.param(page(bytes(range(256))), "is no text", id="binary"),
        pytest.param(page(b"\xff\xfeC\x00o\x00"), "is no text", id="utf-16"),
        pytest.param(page(b"\xe9\xe8"), "is no text", id="latin-1"),
        pytest.param(redirect(PATH), "too many redirects", id="a-redirect-loop"),
        pytest.param(
            redirect("https://inner.web.test/a"), "not reachable by policy", id="to-a-private-address"
        ),
        pytest.param(redirect("https://10.0.0.7/a"), "where we do not follow", id="to-an-address"),
        pytest.param(redirect("https://relay.test/a"), "where we do not follow", id="to-another-domain"),
        pytest.param(redirect("http://web.test/a"), "where we do not follow", id="to-http"),
        pytest.param(redirect("http://["), "cannot be read", id="to-nowhere"),
        pytest.param(http(403), "answered 403", id="forbidden"),
        pytest.param(http(500), "answered 500", id="broken"),
        pytest.param(http(429, Retry_After="60"), "answered 429", id="too-many"),
        pytest.param(b"garbage\r\n\r\n", "", id="garbage"),
        pytest.param(lambda _: None, "cannot be reached or breaks off", id="nothing"),
        pytest.param(lambda connection: connection.recv(1), "in time", id="silence"),
        pytest.param(page(b"Expires: 2026-03-02T09:00:00Z\n" + FILE), "has run out", id="run-out"),
        pytest.param(
            page(b"Canonical: https://relay.test/.well-known/security.txt\n" + FILE),
            "belongs elsewhere",
            id="anothers",
        ),
    ],
)
def test_what_cannot_be_used_is_told_and_hurries_nothing(server, ask, answer, reason):
    server.pages[PATH] = answer
    names = {DOMAIN: ("127.0.0.1",), "relay.test": ("127.0.0.1",), "inner.web.test": ("10.0.0.7",)}

    finding = ask(names=names, timeout_s=0.5)

    assert finding.value is None
    assert finding.problem is not None
    assert finding.problem.step == "security_txt"
    assert reason in sentence(finding.problem.reason)
    assert ".test" not in sentence(finding.problem.reason)
    assert not finding.problem.temporary
    assert finding.problem.again_at is None
    assert finding.valid_until == NOW + HOUR


def test_a_certificate_for_another_name_is_not_in_order(ask):
    finding = ask("stranger.test", {"stranger.test": ("127.0.0.1",)})

    assert finding.problem
    assert "certificate" in sentence(finding.problem.reason)


def test_a_server_that_refuses_is_told(ask):
    with nobody_listening() as port:
        finding = ask(port=port)

    assert finding.problem
    assert "cannot be reached" in sentence(finding.problem.reason)


def test_an_address_outside_our_reach_is_never_connected_to(server, trust):
    asker = SecurityTxtAsker(
        Gate(Reach(public=True, ranges=())),
        trust.ca_file,
        resolve=lambda _: ("127.0.0.1",),
        port=server.port,
    )

    (finding,) = asker.ask([file_of(DOMAIN)], NOW)

    assert finding.problem
    assert sentence(finding.problem.reason) == "address not reachable by policy"
    assert server.connections == 0


def test_a_redirect_within_the_domain_is_followed(server, ask):
    server.pages[PATH] = redirect("/security.txt")
    server.pages["/security.txt"] = page(FILE)

    assert plain(ask().value)["contacts"] == ["security@web.test"]


def test_a_file_may_name_the_place_it_was_asked_for_or_the_one_it_lies_at(server, ask):
    there = f"https://web.test:{server.port}/security.txt"
    server.pages[PATH] = redirect("/security.txt")

    for named in (f"https://web.test:{server.port}{PATH}", there):
        server.pages["/security.txt"] = page(b"Canonical: %s\n" % named.encode() + FILE)
        assert plain(ask().value)["contacts"] == ["security@web.test"]


def test_each_domain_has_its_own_answer(server, trust, loopback):
    asker = SecurityTxtAsker(
        loopback,
        trust.ca_file,
        resolve=lambda name: ("127.0.0.1",) if name == DOMAIN else (),
        port=server.port,
    )
    lookups = [file_of(DOMAIN), file_of("other.test"), file_of(DOMAIN)]

    found = {finding.lookup.subject: finding.value for finding in asker.ask(lookups, NOW)}

    assert found["other.test"] is None
    assert found[DOMAIN].contacts == ("security@web.test",)
    assert len(server.asked) == 1
    assert list(asker.ask([], NOW)) == []


def contacts(text: str) -> list[str]:
    return file_value(text.encode(), DOMAIN, [f"https://web.test{PATH}"], NOW)["contacts"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "Contact: mailto:b@web.test\nContact: mailto:abuse@web.test\nContact: mailto:b@web.test\n",
            ["b@web.test", "abuse@web.test"],
            id="several-the-preferred-first",
        ),
        pytest.param("contact:MAILTO:a@web.test\r\n\r\n", ["a@web.test"], id="letters-and-line-ends"),
        pytest.param("Contact: mailto:a@web.test?subject=hello", ["a@web.test"], id="with-a-subject"),
        pytest.param("Contact: mailto:a%2Db@web.test", ["a-b@web.test"], id="escaped"),
        pytest.param("Contact: a@web.test", ["a@web.test"], id="without-its-scheme"),
        pytest.param("Contact: mailto:a@mail.web.test", ["a@mail.web.test"], id="below-the-domain"),
        pytest.param("\ufeffContact: mailto:a@web.test", ["a@web.test"], id="with-a-mark-before-it"),
        pytest.param("Contact: mailto:web@platform.test", [], id="a-platforms"),
        pytest.param("Contact: mailto:web.test@gmail.com", [], id="a-free-mailbox"),
        pytest.param("Contact: https://web.test/a@web.test", [], id="a-form"),
        pytest.param("Contact: tel:+31-20-5550100", [], id="a-telephone"),
        pytest.param("Contact: mailto:\nContact:\nContact: mailto:@web.test", [], id="empty"),
        pytest.param("Contact: mailto:a%0Ab@web.test", [], id="a-line-end-in-it"),
        pytest.param("# Contact: mailto:a@web.test", [], id="a-comment"),
        pytest.param("words without a field", [], id="no-fields"),
        pytest.param("", [], id="empty-file"),
        pytest.param(
            "".join(f"Contact: mailto:a{n}@web.test\n" for n in range(9)),
            [f"a{n}@web.test" for n in range(5)],
            id="only-so-many",
        ),
        pytest.param(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nContact: mailto:a@web.test\n"
            "- Contact: mailto:b@web.test\n-----BEGIN PGP SIGNATURE-----\n\niQEz\n=abcd\n"
            "-----END PGP SIGNATURE-----\nContact: mailto:c@web.test\n",
            ["a@web.test", "b@web.test"],
            id="signed",
        ),
        pytest.param("-----BEGIN PGP SIGNED MESSAGE-----", [], id="signed-and-cut-off"),
    ],
)
def test_the_mailboxes_a_file_names(text, expected):
    assert contacts(text) == expected


@pytest.mark.parametrize(
    ("expires", "until"),
    [
        pytest.param("Expires: 2026-03-02T09:00:01Z", "2026-03-02T09:00:01+00:00", id="a-second-left"),
        pytest.param("Expires: 2026-03-02T10:30:00+01:00", "2026-03-02T09:30:00+00:00", id="an-offset"),
        pytest.param("Expires: Thu, 31 Dec 2026 18:37:07 -0800", "2027-01-01T02:37:07+00:00", id="a-draft's"),
        pytest.param("Expires: 2027-01-01", "2027-01-01T00:00:00+00:00", id="a-day"),
        pytest.param("Expires: never\nExpires:", None, id="no-date"),
        pytest.param("Expires: 0001-01-01T00:00:00+14:00", None, id="before-all-time"),
        pytest.param("", None, id="none"),
    ],
)
def test_a_file_that_has_not_run_out_is_used(expires, until):
    value = file_value(expires.encode() + b"\n" + b"Contact: mailto:a@web.test", DOMAIN, [], NOW)

    assert value == {"contacts": ["a@web.test"], "expires": until}


@given(
    st.binary(max_size=400)
    | st.lists(
        st.sampled_from(["Contact", "Expires", "Canonical", "-----BEGIN PGP SIGNED MESSAGE-----", "# "])
        .flatmap(lambda name: st.text(max_size=40).map(lambda said: f"{name}: {said}"))
        .map(str),
        max_size=8,
    ).map(lambda lines: "\n".join(lines).encode("utf-8", "replace"))
)
def test_no_file_raises_anything_but_an_outside_error(body):
    try:
        value = file_value(body, DOMAIN, [f"https://web.test{PATH}"], NOW)
    except OutsideError:
        return

    assert all(email.endswith("web.test") for email in value["contacts"])
