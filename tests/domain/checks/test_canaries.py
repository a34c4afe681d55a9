"""What a page is compared by, what a made-up page says of it, and that no such page can be guessed."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.checks.canaries import (
    Canary,
    Trace,
    alike,
    is_as_first,
    is_fresh,
    is_parking,
    likeness,
    made_up,
    media_of,
    needs_canary,
    page_trace,
    path_length,
    stored,
    trace,
    upgraded,
    weigh,
)
from nta.domain.checks.verdicts import ProbeAnswer, Verdict
from nta.domain.intake import urls

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
URL = "http://pages.example/g/1.jpg"
CHANCE = b"0123456789abcdef"

PHOTO = Trace("page", "image/jpeg", 51_200, "aa")
SORRY = Trace("page", "text/html", 812)
OTHER = Trace("page", "text/html", 4_711)
CHUNKED = Trace("page", "text/html")
MISSING, NOTHING, HOME, LOGIN, AWAY = map(Trace, ("missing", "nothing", "home", "login", "away"))
WITHIN = Trace("within", target="e1")


def answer(status: int | None, location: str | None = None, error: str | None = None) -> ProbeAnswer:
    return ProbeAnswer("192.0.2.1", status, 812, '"v1"', "text/html; charset=utf-8", location, error, 0.1)


def canary(of: Trace, asked: int = 8) -> Canary:
    return Canary(NINE, asked, of)


@pytest.mark.parametrize(
    ("first", "now", "beside", "expected"),
    [
        pytest.param(None, PHOTO, MISSING, "up content_present status_2xx", id="first-look"),
        pytest.param(None, PHOTO, None, "up content_present status_2xx", id="first-look-no-canary-answered"),
        pytest.param(None, SORRY, SORRY, "unknown soft_404 answers_anything", id="anything-is-answered-so"),
        pytest.param(None, PHOTO, SORRY, "up content_present unlike_canary", id="not-what-anybody-gets"),
        pytest.param(PHOTO, PHOTO, SORRY, "up content_present status_2xx", id="as-at-first"),
        pytest.param(PHOTO, PHOTO, PHOTO, "up content_present status_2xx", id="as-at-first-beats-the-canary"),
        pytest.param(PHOTO, SORRY, SORRY, "gone soft_404 like_canary", id="soft-404"),
        pytest.param(PHOTO, SORRY, MISSING, "up content_changed changed_but_there", id="changed"),
        pytest.param(PHOTO, SORRY, HOME, "up content_changed changed_but_there", id="others-are-led-home"),
        pytest.param(PHOTO, SORRY, None, "up content_changed changed", id="changed-no-canary-answered"),
        pytest.param(PHOTO, SORRY, NOTHING, "up content_changed changed", id="changed-canary-says-nothing"),
        pytest.param(PHOTO, SORRY, OTHER, "unknown soft_404 answers_anything", id="always-another-answer"),
        pytest.param(CHUNKED, CHUNKED, MISSING, "up content_present status_2xx", id="nothing-compares-yet"),
        pytest.param(CHUNKED, CHUNKED, CHUNKED, "unknown soft_404 answers_anything", id="nothing-compares"),
        pytest.param(PHOTO, CHUNKED, CHUNKED, "gone soft_404 like_canary", id="another-type-without-length"),
        pytest.param(PHOTO, HOME, HOME, "gone redirect_home home_like_canary", id="led-home"),
        pytest.param(PHOTO, HOME, MISSING, "unknown redirect_home redirect_home", id="it-alone-is-led-home"),
        pytest.param(None, HOME, HOME, "unknown redirect_home redirect_home", id="led-home-from-the-start"),
        pytest.param(PHOTO, WITHIN, WITHIN, "gone soft_404 redirect_like_canary", id="led-to-an-error-page"),
        pytest.param(
            PHOTO,
            WITHIN,
            Trace("within", target="e2"),
            "unknown redirect_loop redirect_not_followed",
            id="led-elsewhere-than-others",
        ),
        pytest.param(PHOTO, LOGIN, LOGIN, "restricted login_wall redirect_to_login", id="log-in-first"),
        pytest.param(PHOTO, AWAY, AWAY, "unknown other_host redirect_to_other_host", id="all-led-away"),
        pytest.param(PHOTO, MISSING, MISSING, None, id="a-404-is-a-404"),
        pytest.param(PHOTO, NOTHING, SORRY, None, id="a-failure-is-a-failure"),
    ],
)
def test_what_an_answer_says_beside_the_first_look_and_the_canary(first, now, beside, expected):
    reading = weigh(first, now, 8, None if beside is None else canary(beside))

    assert (None if reading is None else " ".join(reading)) == expected


TRACES = st.builds(
    Trace,
    st.sampled_from(["page", "missing", "home", "login", "within", "away", "nothing"]),
    st.sampled_from(["", "text/html", "image/jpeg"]),
    st.none() | st.integers(0, 5_000),
    st.sampled_from(["", "aa", "bb"]),
    st.sampled_from(["", "e1", "e2"]),
)
CANARIES = st.none() | st.builds(Canary, st.just(NINE), st.integers(1, 60), TRACES)


@given(st.none() | TRACES, TRACES, st.integers(1, 60), CANARIES)
def test_gone_takes_a_first_look_that_differs_and_a_canary_that_does_not(first, now, asked, beside):
    reading = weigh(first, now, asked, beside)

    if reading is not None and reading[0] is Verdict.GONE:
        assert first is not None
        assert beside is not None
        assert alike(now, asked, beside)
        assert now.kind != "page" or likeness(first, now) == "other"


@given(st.none() | TRACES, TRACES, st.integers(1, 60), CANARIES)
def test_a_canary_changes_nothing_where_none_is_needed(first, now, asked, beside):
    if not needs_canary(first, now):
        assert weigh(first, now, asked, beside) == weigh(first, now, asked, None)


@given(TRACES)
def test_a_trace_is_stored_and_read_again(one):
    assert stored(one.text) == one


@pytest.mark.parametrize(
    ("given_answer", "expected"),
    [
        pytest.param(answer(200), "page text/html", id="page"),
        pytest.param(answer(404), "missing ", id="missing"),
        pytest.param(answer(410), "missing ", id="removed"),
        pytest.param(answer(403), "nothing ", id="forbidden"),
        pytest.param(answer(503), "nothing ", id="out-of-order"),
        pytest.param(answer(None, error="timeout"), "nothing ", id="no-answer"),
        pytest.param(answer(302), "nothing ", id="redirect-nowhere"),
        pytest.param(answer(302, "http://pages.example/"), "home ", id="home"),
        pytest.param(answer(301, "https://www.pages.example/index.html"), "home ", id="home-by-www"),
        pytest.param(answer(302, "http://pages.example/user/login?next=%2Fg%2F1.jpg"), "login ", id="login"),
        pytest.param(answer(302, "https://sso.other.example/sign-in"), "login ", id="login-elsewhere"),
        pytest.param(answer(302, "http://pages.example/blog/1"), "within ", id="within"),
        pytest.param(answer(302, "http://other.example/"), "away ", id="away"),
    ],
)
def test_what_is_kept_of_an_answer(given_answer, expected):
    found = trace(given_answer, URL)

    assert f"{found.kind} {found.media}" == expected
    assert "example" not in found.text
    assert len(found.text) <= 160


def test_an_etag_is_kept_as_a_digest():
    assert "secret" not in page_trace("image/jpeg", 9, '"secret"')
    assert page_trace("image/jpeg", 9, '"a"') != page_trace("image/jpeg", 9, '"b"')


def test_a_redirect_is_known_again_by_where_it_leads_whatever_is_asked_after():
    first, second, third = (
        trace(answer(302, f"http://pages.example{to}"), URL)
        for to in ("/lost?from=1", "/lost?from=2", "/found?from=1")
    )

    assert first == second != third


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param("Text/HTML; charset=utf-8", "text/html", id="parameters"),
        pytest.param(None, "", id="none"),
        pytest.param("nonsense|more", "", id="no-type"),
        pytest.param("image/" + "x" * 90, "", id="too-long"),
    ],
)
def test_a_media_type_is_kept_only_where_it_is_one(said, expected):
    assert media_of(said) == expected


@pytest.mark.parametrize(
    ("first", "now", "expected"),
    [
        pytest.param(PHOTO, PHOTO._replace(etag="bb"), "same", id="as-long-under-another-etag"),
        pytest.param(PHOTO, PHOTO._replace(length=None), "same", id="the-same-etag"),
        pytest.param(PHOTO, PHOTO._replace(length=9, etag=""), "other", id="another-length"),
        pytest.param(PHOTO, PHOTO._replace(media="text/html"), "other", id="another-type"),
        pytest.param(CHUNKED, CHUNKED, "never", id="nothing-to-compare"),
        pytest.param(CHUNKED._replace(etag="aa"), CHUNKED._replace(etag="bb"), "other", id="etags-differ"),
        pytest.param(None, PHOTO, "never", id="never-seen"),
    ],
)
def test_how_a_page_answers_beside_its_first_look(first, now, expected):
    assert likeness(first, now) == expected


@given(TRACES, TRACES)
def test_what_is_as_at_first_at_a_glance_is_so_on_a_closer_look(first, now):
    first, now = first._replace(kind="page", target=""), now._replace(kind="page", target="")

    if is_as_first(first.text, now.text):
        assert likeness(first, now) == "same"
        assert not needs_canary(first, now)


@pytest.mark.parametrize(
    ("now", "asked", "beside", "expected"),
    [
        pytest.param(SORRY, 8, canary(SORRY), True, id="the-same"),
        pytest.param(SORRY, 9, canary(SORRY), True, id="the-same-for-a-longer-path"),
        pytest.param(SORRY, 10, canary(SORRY._replace(length=810)), True, id="it-names-the-path"),
        pytest.param(SORRY, 10, canary(SORRY._replace(length=808)), True, id="it-names-the-path-twice"),
        pytest.param(SORRY, 10, canary(SORRY._replace(length=809)), False, id="another-length"),
        pytest.param(SORRY, 8, canary(SORRY._replace(media="text/plain")), False, id="another-type"),
        pytest.param(
            SORRY._replace(etag="aa"), 8, canary(SORRY._replace(etag="bb")), False, id="another-etag"
        ),
    ],
)
def test_whether_a_page_answers_as_the_made_up_one(now, asked, beside, expected):
    assert alike(now, asked, beside) is expected


@pytest.mark.parametrize(
    ("beside", "as_first", "after", "expected"),
    [
        pytest.param(None, None, 0, False, id="none"),
        pytest.param(MISSING, None, 5, True, id="kept"),
        pytest.param(MISSING, None, 6, False, id="too-old"),
        pytest.param(MISSING, NINE + HOUR, 2, False, id="the-page-changed-since"),
        pytest.param(MISSING, NINE - HOUR, 5, True, id="the-page-had-changed-before"),
        pytest.param(NOTHING, None, 0.5, True, id="said-nothing-just-now"),
        pytest.param(NOTHING, None, 1, False, id="said-nothing-an-hour-ago"),
    ],
)
def test_how_long_a_host_is_not_asked_again(beside, as_first, after, expected):
    known = None if beside is None else canary(beside)

    assert is_fresh(known, as_first, NINE + after * HOUR) is expected


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        pytest.param("http://a.example/", r"http://a.example/[a-z]{12}", id="front-page"),
        pytest.param("http://a.example/g/7.jpg", r"http://a.example/g/9\d{8}\.jpg", id="number"),
        pytest.param("http://a.example/g/holiday/", r"http://a.example/g/[a-z]{12}/", id="folder"),
        pytest.param(
            "http://a.example/v.php?id=12&n=abc", r"http://a.example/v.php\?id=9\d{8}&n=[a-z]{12}", id="query"
        ),
        pytest.param(
            "https://a.example/0b9f1c2e-11aa-4b4c-9d3e-52f6a7b8c9d0",
            r"https://a.example/\d[a-f]\d[a-f]\d[a-f]\d[a-f]-\d{2}[a-f]{2}-\d[a-f]\d[a-f]-\d[a-f]\d[a-f]-\d{2}[a-f]\d[a-f]\d[a-f]\d[a-f]\d[a-f]\d",
            id="uuid",
        ),
        pytest.param(
            "http://a.example/AbCdEfGh12345.html", r"http://a.example/[A-Za-z]{8}\d{5}\.html", id="mixed"
        ),
        pytest.param("http://a.example/p%C3%A9.html", r"http://a.example/[a-z]{12}\.html", id="escaped"),
        pytest.param("http://u:p@a.example:8080/x", r"http://u:p@a.example:8080/[a-z]{12}", id="authority"),
    ],
)
def test_a_made_up_page_has_the_shape_of_the_real_one(url, shape):
    assert re.fullmatch(shape, made_up(url, CHANCE))


SEGMENTS = st.text("abcABC019-_.~%25/", max_size=40)


@given(SEGMENTS, st.text("abc019=&;", max_size=30), st.binary(min_size=16, max_size=64))
def test_a_made_up_page_is_another_on_the_same_host(path, query, chance):
    url = urls.parse(f"http://pages.example:8080/{path}{'?' if query else ''}{query}").url

    found = made_up(url, chance)

    assert found != url
    assert found == made_up(url, chance)
    assert urlsplit(found).netloc == "pages.example:8080"
    assert urls.parse(found).url == found
    assert found != made_up(url, chance[:-1] + bytes([chance[-1] ^ 1]))


def test_a_path_is_measured_with_its_query():
    assert path_length("http://pages.example/ab?c=d") == 6


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        pytest.param("https://pages.example/g/1.jpg", True, id="https"),
        pytest.param("http://pages.example:8080/g/1.jpg", True, id="another-port"),
        pytest.param(URL, False, id="itself"),
        pytest.param("https://www.pages.example/g/1.jpg", False, id="another-name"),
        pytest.param("https://pages.example/g/1.jpg?x=1", False, id="another-query"),
        pytest.param("https://pages.example/", False, id="home"),
    ],
)
def test_a_redirect_to_the_same_page_by_another_scheme_is_known(to, expected):
    assert upgraded(URL, to) is expected


MADE = "http://pages.example/g/900000001.jpg"


@pytest.mark.parametrize(
    ("page", "made", "expected"),
    [
        pytest.param(answer(200), answer(200), True, id="one-page-for-all"),
        pytest.param(answer(403), answer(403), True, id="a-no-for-all"),
        pytest.param(
            answer(302, "http://lander.example/"), answer(302, "http://lander.example/"), True, id="led-away"
        ),
        pytest.param(
            answer(200)._replace(length=900), answer(200)._replace(sign="parked"), True, id="in-words"
        ),
        pytest.param(answer(200)._replace(length=51_200), answer(200), False, id="content"),
        pytest.param(answer(200), answer(404), False, id="a-page-of-an-honest-host"),
        pytest.param(answer(404), answer(404), False, id="nothing-there-yet"),
        pytest.param(answer(None, error="timeout"), answer(None, error="timeout"), False, id="no-answer"),
        pytest.param(answer(503), answer(503), False, id="out-of-order"),
    ],
)
def test_whether_a_name_leads_to_a_page_of_nobody(page, made, expected):
    assert is_parking(page, made, URL, MADE) is expected
