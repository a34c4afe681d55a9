"""What pages say in words, and what is no page of words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.checks.page_text import (
    decoded,
    is_text,
    rule_of,
    says_text,
    text_only,
)
from nta.domain.checks.verdicts import ProbeAnswer, Verdict, read


def page(title: str, words: str = "") -> str:
    return f"<!doctype html><html><head><title>{title}</title></head><body><p>{words}</p></body></html>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(page("Account suspended"), "suspended_page", id="en-suspended"),
        pytest.param(
            page("Oops", "This account has been suspended."), "suspended_page", id="en-suspended-text"
        ),
        pytest.param(page("Forbidden", "This website was disabled"), "suspended_page", id="en-disabled"),
        pytest.param(
            page("Melding", "Deze website is tijdelijk afgesloten."), "suspended_page", id="nl-closed"
        ),
        pytest.param(page("Hinweis", "Dieses Konto wurde gesperrt."), "suspended_page", id="de-suspended"),
        pytest.param(page("Sorry", "This image has been removed."), "removal_page", id="en-removed"),
        pytest.param(
            page("Gone", "The file you were looking for was deleted by its owner"),
            "removal_page",
            id="en-deleted",
        ),
        pytest.param(page("Helaas", "Deze afbeelding is verwijderd."), "removal_page", id="nl-removed"),
        pytest.param(page("Weg", "Das Bild wurde gelöscht."), "removal_page", id="de-removed"),
        pytest.param(page("pages.example", "This domain is for sale!"), "parked", id="en-for-sale"),
        pytest.param(page("Welkom", "Deze domeinnaam is gereserveerd"), "parked", id="nl-reserved"),
        pytest.param(page("Willkommen", "Diese Domain steht zum Verkauf"), "parked", id="de-for-sale"),
        pytest.param(page("Welcome to nginx!"), "placeholder", id="en-default-page"),
        pytest.param(page("Site", "Deze website is in aanbouw"), "placeholder", id="nl-under-construction"),
        pytest.param(page("Neu", "Hier entsteht eine Internetseite"), "placeholder", id="de-to-be"),
        pytest.param(page("404 Not Found"), "soft_404", id="en-not-found"),
        pytest.param(page("Pagina niet gevonden"), "soft_404", id="nl-not-found"),
        pytest.param(page("Seite nicht gefunden"), "soft_404", id="de-not-found"),
        pytest.param("This account has been suspended.\n", "suspended_page", id="plain-text"),
        pytest.param(page("Holiday", "Pictures of the sea"), None, id="content"),
        pytest.param(page("Not here", "This video is no longer available in your country"), None, id="geo"),
        pytest.param(page("Blocked", "This site has been disabled by order of the court"), None, id="order"),
        pytest.param(page("Access denied", "Your account has been suspended"), None, id="kept-out"),
        pytest.param(page("Forum", "My account was suspended. " + "And so on. " * 200), None, id="long-text"),
        pytest.param("<script>var t = 'account suspended';</script><p>Hello</p>", None, id="in-a-script"),
        pytest.param("<!-- welcome to nginx --><p>Hello</p>", None, id="in-a-comment"),
        pytest.param("", None, id="empty"),
    ],
)
def test_the_rule_that_a_pages_words_fit(text, expected):
    assert rule_of(text) == expected


@given(
    st.text("<>/!-h1titlescrpae \n&;", max_size=400) | st.binary(max_size=400).map(lambda b: decoded(b, None))
)
def test_no_page_is_too_odd_to_be_read(text):
    rule = rule_of(text)

    assert (
        rule is None
        or read(ProbeAnswer(None, 200, None, None, None, None, None, 0.1, rule), control_ok=True)[0]
        is Verdict.GONE
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("http://pages.example/", True, id="front"),
        pytest.param("http://pages.example/view.php?file=1.jpg", True, id="script"),
        pytest.param("http://pages.example/g/1.JPG", False, id="picture"),
        pytest.param("http://pages.example/g/1.mp4?x=.html", False, id="film"),
        pytest.param("http://pages.example/v1.2/about", True, id="dot-in-a-folder"),
    ],
)
def test_whether_a_path_says_text(url, expected):
    assert says_text(url) is expected


@pytest.mark.parametrize(
    ("media", "expected"),
    [("text/html", True), ("application/xhtml+xml", True), ("image/svg+xml", False), ("", False)],
)
def test_whether_a_type_says_text(media, expected):
    assert is_text(media) is expected


@given(st.text().filter(lambda t: all(c in "\t\n\f\r\x1b" or ord(c) >= 0x20 for c in t) and "\x7f" not in t))
def test_text_is_text_and_a_zero_ends_it(text):
    assert text_only(text.encode())
    assert not text_only(text.encode() + b"\x00")


@pytest.mark.parametrize(
    ("data", "content_type", "expected"),
    [
        pytest.param("é".encode(), None, "é", id="utf-8"),
        pytest.param("é".encode("latin-1"), "text/html; charset=ISO-8859-1", "é", id="as-named"),
        pytest.param(b"a\xff", "text/html; charset=nonsense", "a\ufffd", id="no-such-charset"),
    ],
)
def test_bytes_are_read_as_they_are_said_to_be(data, content_type, expected):
    assert decoded(data, content_type) == expected
