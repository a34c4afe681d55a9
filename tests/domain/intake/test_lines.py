"""Lines handed in: every one gets a result, and a bad one harms no other."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nta.domain.errors import RefusedError
from nta.domain.intake.lines import (
    InputLine,
    SubmissionTerms,
    Terms,
    lines_of,
    locate,
    read_lines,
    stricter,
    told,
)
from nta.domain.intake.urls import Location
from nta.domain.reasons import Code, Reason
from nta.domain.roles import Severity
from nta.render.reason_sentences import sentence

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TERMS = Terms(source="desk")
URL = "http://a.test/x"


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).isoformat()


def texts(data: bytes) -> list[tuple[int, str]]:
    return [(line.line, line.text) for line in read_lines(data)]


def one(**own: str) -> SubmissionTerms:
    return told(InputLine(1, URL, own), TERMS, NOW)


def test_text_is_a_url_a_line_and_empty_lines_count() -> None:
    assert texts(b"http://a.test/1\r\n\r\n  hxxp://b[.]test/2 \n") == [
        (1, "http://a.test/1"),
        (3, "hxxp://b[.]test/2"),
    ]
    assert texts(b"") == texts(b" \r\n\t\n") == []


def test_a_byte_order_mark_is_no_part_of_the_url() -> None:
    mark = "\ufeff".encode()

    assert texts(mark + b"http://a.test/1\n") == [(1, "http://a.test/1")]
    assert texts(mark + b"url,law\nhttp://a.test/1,252\n") == [(2, "http://a.test/1")]
    assert texts(mark + b'{"url": "http://a.test/1"}') == [(1, "http://a.test/1")]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_is_known_by_its_header_whatever_the_separator(separator: str) -> None:
    lines = read_lines(
        separator.join(["Severity", "URL", '"Reference"']).encode()
        + b"\n"
        + separator.join(["high", URL, "R-1"]).encode()
    )

    assert lines == [InputLine(2, URL, {"severity": "high", "reference": "R-1"})]


def test_csv_cells_may_be_quoted_left_out_or_empty() -> None:
    data = b'url,reference,law\n"http://a.test/a,b","say ""x""",252\nhttp://a.test/2\nhttp://a.test/3,,\n'

    assert read_lines(data) == [
        InputLine(2, "http://a.test/a,b", {"reference": 'say "x"', "law": "252"}),
        InputLine(3, "http://a.test/2", {}),
        InputLine(4, "http://a.test/3", {}),
    ]


def test_a_header_of_one_column_is_a_header() -> None:
    assert texts(b"URL\nhttp://a.test/1\n") == [(2, "http://a.test/1")]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"\nurl,colour", "line 2: unknown column 'colour'; known are class, "),
        (b"url;http://a.test/x", "line 1: unknown column; known are class, "),
        (b"url,law,law", "line 1: the column law is there twice"),
    ],
)
def test_a_header_that_cannot_be_meant_is_refused_whole(header: bytes, said: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        read_lines(header + b"\nhttp://a.test/1,2,3\n")

    assert sentence(refusal.value.reason).startswith(said)
    assert "a.test" not in sentence(refusal.value.reason)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (b'"http://a.test/1', "the line is not CSV"),
        (b"http://a.test/1,252,too,many", "the line has 4 columns, the header 2"),
        (b"http://a.test/\xff,252", "the line is not UTF-8 text"),
        (b"http://a.test/1,2\x005", "law holds characters that cannot be printed"),
        (b"http://a.test/1," + b"x" * 140_000, "the line is not CSV"),
    ],
)
def test_a_bad_csv_line_harms_no_other(row: bytes, fault: str) -> None:
    good, bad, after = read_lines(b"url,law\nhttp://a.test/0,252\n" + row + b"\nhttp://a.test/2,252\n")

    assert (good.line, bad.line, after.line) == (2, 3, 4)
    assert good.fault is None
    assert after.fault is None
    assert bad.fault is not None
    assert sentence(bad.fault).startswith(fault)
    with pytest.raises(RefusedError, match=bad.fault.code):
        locate(bad)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("[1]", 'the line is not a JSON object with a text "url"'),
        ('{"url": 5}', 'the line is not a JSON object with a text "url"'),
        ("{", "the line is not a JSON object"),
        ('{"url": "http://a.test/1", "law": ' + "9" * 5000 + "}", "the line is not a JSON object"),
        ("[" * 100_000, "the line is not a JSON object"),
        ('{"url": "http://a.test/1", "colour": "red"}', "unknown field 'colour'"),
        ('{"url": "http://a.test/1", "http://b.test/": "red"}', "unknown field"),
        ('{"url": "http://a.test/1", "law": ["252"]}', "a field 'law' is neither text nor a number"),
        ('{"url": "http://a.test/1", "law": true}', "a field 'law' is neither text nor a number"),
        ('{"url": "http://a.test/1", "law": "\\u0000"}', "law holds characters that cannot be printed"),
        ('{"url": "http://a.test/1", "law": "\\ud800"}', "law holds characters that cannot be printed"),
    ],
)
def test_a_bad_json_line_harms_no_other(row: str, fault: str) -> None:
    good, bad, after = read_lines(
        f'{{"url": "{URL}", "reference": 7}}\n{row}\n{{"url": "{URL}", "law": null}}'.encode()
    )

    assert good == InputLine(1, URL, {"reference": "7"})
    assert bad.fault is not None
    assert (bad.line, sentence(bad.fault)) == (2, fault)
    assert after == InputLine(3, URL, {})


def test_a_line_that_is_not_utf8_harms_no_other() -> None:
    not_text = Reason(Code.LINE_NOT_TEXT)

    plain = read_lines(b"http://a.test/1\n\xff\xfe\nhttp://a.test/2\n")
    assert [(line.line, line.fault) for line in plain] == [(1, None), (2, not_text), (3, None)]
    assert read_lines(b'{"url": "http://a.test/"}\n{"url": "\xff"}')[1].fault == not_text


def test_a_defanged_url_is_read() -> None:
    assert locate(InputLine(1, "hxxps://Site[.]example/a")) == Location(
        "https://site.example/a", "https", "site.example", 443, is_ip=False
    )
    with pytest.raises(RefusedError, match="url_empty"):
        locate(InputLine(1, ""))


def test_what_a_line_does_not_say_the_terms_say() -> None:
    terms = Terms(
        "desk",
        Severity.HIGH,
        class_value="national",
        scope="site",
        law="252",
        received_at=NOW - timedelta(hours=3),
    )

    plain = told(InputLine(1, URL), terms, NOW)
    own = told(
        InputLine(
            1,
            URL,
            {"severity": "Urgent", "class": "BASELINE", "scope": "file", "law": "240b", "source": "mail"},
        ),
        terms,
        NOW,
    )

    assert plain == SubmissionTerms(
        "desk",
        Severity.HIGH,
        "national",
        "site",
        "252",
        None,
        None,
        None,
        None,
        NOW - timedelta(hours=3),
        NOW,
        None,
    )
    assert (own.source, own.severity, own.class_value, own.scope, own.law) == (
        "mail",
        Severity.URGENT,
        "baseline",
        "file",
        "240b",
    )


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"severity": "very"}, "severity is one of "),
        ({"class": "x"}, "class is one of national, baseline"),
        ({"scope": "galaxy"}, "scope is one of "),
        ({"law": "x" * 65}, "law is longer than 64 characters"),
        ({"source": "x" * 65}, "source is longer than 64 characters"),
        ({"programme": "x" * 65}, "programme is longer than 64 characters"),
        ({"reference": "x" * 201}, "reference is longer than 200 characters"),
        ({"group": "x" * 201}, "group is longer than 200 characters"),
        ({"referrer": "forum"}, "a URL begins with http:// or https://"),
        ({"reported_at": "yesterday"}, "reported_at is not a time like 2026-03-02T09:00:00+01:00"),
        ({"received_at": "2026-03-02T08:00:00"}, "received_at needs an offset"),
        ({"received_at": "2026-03-02"}, "received_at needs an offset"),
        ({"confirmed_at": ago(minutes=-6)}, "confirmed_at lies in the future"),
        ({"reported_at": "0001-01-01T00:00:00+14:00"}, "reported_at lies before 1990"),
        ({"reported_at": ago(hours=1), "received_at": ago(hours=2)}, "reported_at is after received_at"),
        ({"received_at": ago(hours=1), "confirmed_at": ago(hours=2)}, "received_at is after confirmed_at"),
        ({"reported_at": ago(hours=1), "confirmed_at": ago(hours=2)}, "reported_at is after received_at"),
    ],
)
def test_a_word_or_time_that_cannot_be_is_refused(own: dict[str, str], said: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        one(**own)

    assert sentence(refusal.value.reason).startswith(said)


def test_times_come_in_utc_and_in_order() -> None:
    found = one(
        reported_at="2026-03-01T09:00:00+01:00",
        received_at="2026-03-01T10:00:00Z",
        confirmed_at="2026-03-02T09:30:00+01:00",
    )

    assert found.reported_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert found.reported_at.tzinfo is UTC
    assert found.received_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert found.confirmed_at == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def test_clocks_may_differ_by_five_minutes_and_nothing_is_ahead_of_ours() -> None:
    ahead = ago(minutes=-5)

    for name in ("reported_at", "received_at", "confirmed_at"):
        found = one(**{name: ahead})
        assert {found.reported_at or NOW, found.received_at, found.confirmed_at} == {NOW}


def test_what_is_confirmed_was_received_by_then() -> None:
    found = one(confirmed_at=ago(hours=5))

    assert (found.received_at, found.confirmed_at) == (NOW - timedelta(hours=5),) * 2
    assert one(received_at=ago(hours=5)).confirmed_at == NOW


def test_the_stricter_class_counts() -> None:
    assert stricter("national", "baseline") == stricter("baseline", "national") == "baseline"
    assert stricter("other", "national") == "national"


LINES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.text(max_size=40).map(lambda text: text.encode(errors="surrogatepass")),
        st.sampled_from(
            [b"url,law", b"url;severity", b"url", b"http://a.test/1", b'http://a.test/"', b"{}", b'"']
        ),
        st.dictionaries(
            st.sampled_from(["url", "law", "x"]), st.text(max_size=9) | st.integers() | st.none()
        ).map(lambda value: json.dumps(value).encode()),
    )
)


@given(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]))
@example([b"url", b"\x85"], b"\n")
def test_every_line_that_is_not_empty_gets_a_result_and_nothing_else_is_raised(
    lines: list[bytes], end: bytes
) -> None:
    data = end.join(lines)
    wanted = [number for number, raw in enumerate(data.splitlines(), 1) if raw.strip()]

    found, refusal = tried(lambda: read_lines(data))

    if found is None:
        assert refusal.startswith(f"line {wanted[0]}: ")
        return
    assert [line.line for line in found] in (wanted, wanted[1:])
    for line in found:
        said = tried(lambda line=line: (locate(line), told(line, TERMS, NOW)))[1]
        assert said is None or 0 < len(said) <= 200


def tried(act):
    """Return what comes of it, and the refusal if that is what comes of it."""
    try:
        return act(), None
    except RefusedError as refusal:
        return None, sentence(refusal.reason)


OFFSETS = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
MOMENTS = st.datetimes(timezones=OFFSETS) | st.integers(-9, 9).map(
    lambda minutes: NOW + timedelta(minutes=minutes)
)


@given(st.dictionaries(st.sampled_from(["reported_at", "received_at", "confirmed_at"]), MOMENTS))
def test_times_that_are_taken_stand_in_order(own: dict[str, datetime]) -> None:
    found, refusal = tried(lambda: one(**{name: moment.isoformat() for name, moment in own.items()}))

    if found is None:
        assert refusal
    else:
        assert (found.reported_at or found.received_at) <= found.received_at <= found.confirmed_at <= NOW


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"http://a.example/\r\n\r\nhttp://b.example/\rhttp://c.example/\n", id="every-ending"),
        pytest.param(b"\xef\xbb\xbfurl;law\nhttp://a.example/;x\n\n\xff\nhttp://b.example/", id="csv"),
        pytest.param(b'\n{"url": "http://a.example/"}\r\n{"url"\r\n', id="json"),
        pytest.param(b" \r\n \n", id="nothing"),
    ],
)
def test_lines_are_the_same_whatever_blocks_they_come_in(data: bytes, size: int) -> None:
    blocks = [data[start : start + size] for start in range(0, len(data), size)]

    assert list(lines_of(blocks)) == read_lines(data)


def test_an_endless_line_is_wrong_itself_and_harms_no_other() -> None:
    endless = (b"x" * 65_536 for _ in range(100))

    lines = list(lines_of([b"http://a.example/\n", *endless, b"\nhttp://b.example/"]))

    assert [(line.line, line.text, bool(line.fault)) for line in lines] == [
        (1, "http://a.example/", False),
        (2, "", True),
        (3, "http://b.example/", False),
    ]


def test_a_header_that_cannot_be_is_refused_before_a_line_is_read() -> None:
    with pytest.raises(RefusedError, match="column_unknown"):
        lines_of([b"url,nonsense\n"])
