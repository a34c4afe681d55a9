"""URLs: how they are read, written so that nobody follows them, found in text, and counted as one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nta.domain.errors import RefusedError
from nta.domain.intake import urls
from nta.domain.intake.urls import (
    Location,
    defang,
    digest,
    find_urls,
    mask,
    parse,
    refang,
)
from nta.render.reason_sentences import sentence
from tests.domain.url_tables import TABLES, located, own

KEY = b"k" * 32

SCHEMES = st.sampled_from(["http", "https", "HTTP", "Https"])
HOSTS = st.one_of(
    st.from_regex(r"[a-zA-Z0-9_-]{1,12}(\.[a-zA-Z0-9-]{1,8}){0,3}\.(test|example|co\.uk|de)", fullmatch=True),
    st.sampled_from(
        ["192.0.2.1", "0x7f.1", "[2001:db8::1]", "[::ffff:192.0.2.1]", "B\u00fccher.example", "xn--a.test"]
    ),
)
TAILS = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="ab.(){}[]<>\\/?#&=%:;,!'\"dot\u200b\u200d|~@", max_size=30),
).map(lambda tail: "/" + tail)
WRITTEN = st.builds(
    "{}://{}{}{}".format, SCHEMES, HOSTS, st.sampled_from(["", ":80", ":443", ":8080", ":"]), TAILS
)


def cases(table: str) -> list[object]:
    return [pytest.param(case, id=case["id"]) for case in own(table)]


@pytest.mark.parametrize("case", cases("whatwg-url"))
def test_urls_are_read_as_browsers_read_them(case):
    found, wanted = TABLES["whatwg-url"](case)

    assert found == wanted


@pytest.mark.parametrize("case", cases("toascii"))
def test_host_names_become_ascii(case):
    found, wanted = TABLES["toascii"](case)

    assert found == wanted


@pytest.mark.parametrize(
    ("host", "ascii_host"),
    [
        pytest.param(
            "stra\u1e9ee.example", "xn--strae-oqa.example", id="capital-sharp-s-is-its-small-letter"
        ),
        pytest.param("a\u206bb.example", "ab.example", id="a-mark-that-shows-nothing-is-dropped"),
        pytest.param("\u10a0.example", "xn--rkj.example", id="an-old-capital-has-its-small-letter"),
        pytest.param("\u0897.example", "xn--gyb.example", id="a-letter-of-unicode-16"),
        pytest.param("1\u05d0.example", None, id="right-to-left-behind-a-digit-is-refused-RFC-5893"),
    ],
)
def test_host_names_follow_unicode_16(host, ascii_host):
    found = located(f"http://{host}/")

    assert (found and found.host) == ascii_host


@pytest.mark.parametrize(
    "kept",
    [
        "http://strasse.example/",
        "http://xn--eib.example/",
        "http://xn--1-zhc.example/",
        "http://a.example/^?^",
    ],
)
def test_what_was_kept_before_a_newer_unicode_is_still_itself(kept):
    assert parse(kept).url == kept


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param("http://a.example/^", "http://a.example/^", id="path"),
        pytest.param("http://a.example/%5E^", "http://a.example/%5E^", id="beside-one-that-was-encoded"),
        pytest.param("http://a.example/\ue000^", "http://a.example/%EE%80%80^", id="beside-private-use"),
        pytest.param(
            "http://a.example/%EE%80%80^", "http://a.example/%EE%80%80^", id="beside-encoded-private-use"
        ),
        pytest.param("http://u^:^@a.example/?^", "http://u%5E:%5E@a.example/?^", id="user-and-query"),
    ],
)
def test_a_circumflex_stays_as_it_was_kept(text, url):
    assert parse(text).url == url


@pytest.mark.parametrize("text", ["http://a^b.example/", "http://a.example:^/", "^", "htt^p://a.example/"])
def test_a_circumflex_before_the_path_is_refused(text):
    assert located(text) is None


@pytest.mark.parametrize("case", cases("registrable-domain"))
def test_registrable_domain_follows_the_public_suffix_list(case):
    found, wanted = TABLES["registrable-domain"](case)

    assert found == wanted


@pytest.mark.parametrize("case", cases("refang"))
def test_defanged_text_is_refanged(case):
    found, wanted = TABLES["refang"](case)

    assert found == wanted


@pytest.mark.parametrize("case", cases("trailing-punctuation"))
def test_what_ends_a_sentence_is_not_part_of_the_url(case):
    found, wanted = TABLES["trailing-punctuation"](case)

    assert found == wanted


@pytest.mark.parametrize("case", cases("extract-from-text"))
def test_urls_are_found_in_text(case):
    found, wanted = TABLES["extract-from-text"](case)

    assert found == wanted


@given(WRITTEN)
@example("http://xn--a.test/%2e/x")
@example("https://u:p@xn--a.test/xn--a")
def test_canonical_form_of_a_canonical_form_is_itself(text):
    first = located(text)

    if first is not None:
        assert parse(first.url) == first


@given(WRITTEN, st.sampled_from(["", "#", "#part", "#a#b"]), st.sampled_from(["", " ", "\t", "\n"]))
def test_spellings_of_one_url_have_one_digest(text, fragment, space):
    bare = text.partition("#")[0].rstrip("".join(map(chr, range(33))))
    plain, spelled = located(bare), located(space + bare + fragment + space)

    if plain is not None:
        assert spelled is not None
        assert digest(plain.url, KEY) == digest(spelled.url, KEY)


def test_digests_need_the_key_and_differ_between_urls():
    made = {digest(url, key) for url in ("http://a.test/", "http://b.test/") for key in (KEY, b"other key")}

    assert len(made) == 4
    assert {len(each) for each in made} == {16}


@given(WRITTEN)
@example("http://a.test/x.")
@example("http://a.test/(.)[dot]{.}")
@example("http://a.test/a?b=c)")
@example("http://[2001:db8::1]/(/)x")
@example("http://u[.]:p@a.test/")
def test_a_defanged_url_comes_back_whole(text):
    location = located(text)

    if location is not None and not location.host.startswith(("-", "_")):
        assert refang(defang(location.url)) == location.url


@given(st.from_regex(urls._UNTOUCHED, fullmatch=True))
def test_a_plain_url_is_left_alone_by_the_long_way_too(text):
    assert refang(text) == text
    assert refang(f" {text} ") == text


@given(WRITTEN)
def test_a_defanged_url_shows_no_link(text):
    location = located(text)

    if location is not None:
        assert "http://" not in defang(location.url)[:12]
        assert "https://" not in defang(location.url)[:13]


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("hxxps[:]//site[.]test/a", "https://site.test/a"),
        ("hxxps[://]site[dot]test/a", "https://site.test/a"),
        ("h**p://site{.}test", "http://site.test"),
        ("<hxxp://site[.]test/a.>", "http://site.test/a."),
        ('"https://site.test/a",', "https://site.test/a"),
        ("https://si\u200bte.test/\ufeffa\u00ad", "https://site.test/a"),
        ("https://site\\.test/a", "https://site.test/a"),
        ("https://site.test/a_(b)", "https://site.test/a_(b)"),
        ("(https://site.test/a_(b))", "https://site.test/a_(b)"),
        ("site.example:8080/a", "http://site.example:8080/a"),
        (
            "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example",
            "http://\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example",
        ),
        ("site .test", "site .test"),
        ("report.docx", "report.docx"),
        ("ftp://site.test/a", "ftp://site.test/a"),
        ("two words", "two words"),
        ("", ""),
    ],
)
def test_refanging(pasted, meant):
    assert refang(pasted) == meant


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "seen at https://one.test/a, then hxxp://two[.]test/b.",
            ["https://one.test/a", "http://two.test/b"],
        ),
        ("one.test/a and one.test", ["http://one.test/a"]),
        ("mail me@one.test or read e.g. this/that and 3.5/4", []),
        ("https://one.test/?u=http://two.test/", ["https://one.test/?u=http://two.test/"]),
        ("https://one.test/a,https://two.test/b", ["https://one.test/a", "https://two.test/b"]),
        ('<a href="https://one.test/a">https://one.test/a</a>', ["https://one.test/a"]),
        ("url=https://one.test/a;", ["https://one.test/a"]),
    ],
)
def test_urls_in_free_text(text, found):
    assert find_urls(text) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("site.test/a", "begins with http"),
        ("ftp://site.test/a", "only http and https"),
        ("javascript:alert(1)", "only http and https"),
        ("http://", "names no host"),
        ("https:///", "names no host"),
        ("http://site.test:99999/", "host or port"),
        ("http://a b.test/", "host or port"),
        ("http://1.2.3.4.5/", "host or port"),
        ("http://" + "a" * 16 + ".onion/", "onion"),
        ("http://x." + "a" * 16 + ".ONION./", "onion"),
        ("http://site.test/" + "a" * 8_192, "longer than 8,192"),
        ("http://site.test/" + "\u00e4" * 3_000, "longer than 8,192"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_line_without_the_url(text, why):
    with pytest.raises(RefusedError) as refused:
        parse(text)

    message = sentence(refused.value.reason)
    assert why in message
    assert "\n" not in message
    assert "site.test" not in message


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("http://u:p@Site.test:80/a#b", Location("http://u:p@site.test/a", "http", "site.test", 80, False)),
        ("https://0x7f.1/", Location("https://127.0.0.1/", "https", "127.0.0.1", 443, True)),
        ("http://[2001:DB8::1]:81/", Location("http://[2001:db8::1]:81/", "http", "2001:db8::1", 81, True)),
        ("http://3221225985/", Location("http://192.0.2.1/", "http", "192.0.2.1", 80, True)),
        ("http://a.test/\ud800", Location("http://a.test/%EF%BF%BD", "http", "a.test", 80, False)),
    ],
)
def test_where_a_url_leads(text, location):
    assert parse(text) == location


def test_the_site_is_host_and_port():
    assert parse("http://site.test/").site_key == "site.test:80"
    assert parse("https://[2001:db8::1]/").site_key == "[2001:db8::1]:443"


@pytest.mark.parametrize(
    ("host", "suffix", "private"),
    [
        ("www.site.co.uk", "co.uk", False),
        ("site.github.io", "github.io", True),
        ("site.test", "test", False),
        ("Site.Example.", "example", False),
        ("192.0.2.1", None, False),
        ("2001:db8::1", None, False),
        ("", None, False),
    ],
)
def test_suffixes_tell_registries_from_companies(host, suffix, private):
    assert urls.public_suffix(host) == suffix
    assert urls.is_private_suffix(host) is private


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://secret.site.co.uk/", "https://\u2592\u2592\u2592.co.uk/"),
        ("http://secret.test:8080/short", "http://\u2592\u2592\u2592.test/\u2592"),
        ("https://secret.test/" + "a" * 20, "https://\u2592\u2592\u2592.test/\u2592\u2592"),
        ("https://secret.test/?" + "a" * 99, "https://\u2592\u2592\u2592.test/\u2592\u2592\u2592"),
        ("http://192.0.2.1/x", "http://\u2592\u2592\u2592/\u2592"),
        ("http://localhost/x", "http://\u2592\u2592\u2592/\u2592"),
        ("no url", "\u2592\u2592\u2592"),
    ],
)
def test_a_masked_url_shows_only_scheme_suffix_and_length(url, shown):
    assert mask(url) == shown


@pytest.mark.parametrize(
    "filling", ["[", "a.", "(.)", "[dot", "http", "hxxp://", "\\", "@", "1.", "/", " [.] "]
)
def test_a_long_line_takes_no_long_time(filling):
    """Searching it in quadratic time would take minutes, and the test run with it."""
    for size in (8_000, 60_000):
        text = filling * (size // len(filling))

        assert isinstance(refang(text) + refang("http://" + text) + mask(text), str)
        assert isinstance(find_urls(text), list)


@given(st.text(max_size=60))
def test_no_text_breaks_the_readers(text):
    found = located(text)
    assert isinstance(refang(text), str)
    assert isinstance(mask(text), str)
    assert all(located(url) or ".onion" in url for url in find_urls(text))
    assert found is None or found.url.startswith(("http://", "https://"))
