"""XARF reports: what the schema asks for, nothing but our own fields, and nothing of what is seen."""

import email
import json
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing.jsonschema import DRAFT202012

from nta.domain.roles import NoticeKind
from nta.render import xarf
from nta.render.letters import Item, Letter, Us
from nta.render.notice_texts import Texts
from nta.shipped import shipped
from tests.conftest import NINE, hours
from tests.render.letters import item, letter

TEXTS = Texts([shipped("templates")])
BUNDLED = Path(str(resources.files("xarf"))) / "schemas"
SHAPES = [
    pytest.param({}, id="all-known"),
    pytest.param({"last_up_at": None, "vantages": 0}, id="never-seen"),
    pytest.param({"addresses": None, "port": None, "country": None}, id="little-known"),
    pytest.param({"url": "https://xn--bcher-kva.example/"}, id="punycode"),
    pytest.param({"url": "http://[2001:db8::1]:8080/a?b", "addresses": None}, id="ipv6"),
    pytest.param({"url": "http://u:p@images.example:8080/a", "scope": "site"}, id="user-name"),
]


def told(**changes: Any) -> Letter:
    """Return a letter about one location, to be sent as a report."""
    return letter(form="xarf", items=(item(**changes),))


def parts(one: Letter) -> list[EmailMessage]:
    message = email.message_from_bytes(TEXTS.message(one), policy=default)
    return [part for part in message.walk() if not part.is_multipart()]  # type: ignore[misc]


@cache
def validator(place: Path) -> jsonschema.Draft202012Validator:
    """Return a validator of content-csam by the schemas of a folder."""
    read = [json.loads(path.read_text()) for path in place.rglob("*.json")]
    known = [(one["$id"], DRAFT202012.create_resource(one)) for one in read]
    (csam,) = [one for one in read if one["$id"].endswith("/content-csam.json")]
    registry: Any = referencing.Registry().with_resources(known)
    return jsonschema.Draft202012Validator(csam, registry=registry, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("changes", SHAPES)
def test_a_report_is_what_the_schema_asks_for(changes: dict[str, Any]) -> None:
    made = json.loads(xarf.attachment(told(**changes)))

    assert [fault.message for fault in validator(BUNDLED).iter_errors(made)] == []
    assert made.keys() <= xarf.FIELDS


def test_a_report_says_who_what_where_and_when() -> None:
    made = json.loads(xarf.attachment(told()))

    us = {"org": "Meldpunt Voorbeeld", "contact": "help@hotline.test", "domain": "hotline.test"}
    assert made == {
        "xarf_version": "4.2.0",
        "report_id": "f7a8b9c0-d1e2-4456-abcd-def012345678",
        "timestamp": "2026-03-02T09:00:00Z",
        "reporter": us,
        "sender": us,
        "source_identifier": "192.0.2.1",
        "source_port": 8080,
        "category": "content",
        "type": "csam",
        "tags": ["case:c-26-aaaa-0001", "notice:n-26-7k3m-4qxt", "scope:file"],
        "url": "http://images1.example/gallery/1.jpg",
        "domain": "images1.example",
        "verified_at": "2026-03-02T09:00:00Z",
        "verification_method": "manual",
        "country_code": "NL",
        "classification": "baseline",
        "detection_method": "manual_review",
    }


def test_what_was_never_seen_up_happened_when_it_was_reported() -> None:
    made = json.loads(xarf.attachment(told(last_up_at=None)))

    assert made["timestamp"] == "2026-03-02T07:00:00Z"
    assert "verified_at" not in made


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("http://192.0.2.7/", "192.0.2.7"),
    ],
)
def test_a_host_that_the_schema_has_no_domain_for_is_the_source_alone(url: str, host: str) -> None:
    made = json.loads(xarf.attachment(told(url=url, addresses=None)))

    assert made["source_identifier"] == host
    assert "domain" not in made


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("evidence", [{"content_type": "image/jpeg", "payload": "AA=="}], id="an-image"),
        pytest.param("evidence", [], id="even-none"),
        pytest.param("evidence_source", "crawler", id="evidence-source"),
        pytest.param("hash_values", {"sha256": "0" * 64}, id="hashes"),
        pytest.param("screenshot_url", "http://images.example/s.png", id="screenshot"),
        pytest.param("description", "words", id="description"),
        pytest.param("media_type", "image", id="media-type"),
        pytest.param("_internal", {"analyst": "name"}, id="internal"),
        pytest.param("made_up", 1, id="made-up"),
        pytest.param("reporter", {"org": "a", "contact": "a@b.test", "domain": "b.test", "x": "y"}, id="who"),
        pytest.param("sender", None, id="nobody"),
        pytest.param("tags", ["case:c-26-aaaa-0001", "description:words"], id="tag"),
        pytest.param("tags", "case:a", id="tags-of-one-word"),
        pytest.param("classification", "A1", id="graver-than-we-say"),
        pytest.param("detection_method", "hash_match", id="hash-match"),
        pytest.param("url", "data:image/png;base64,AA==", id="the-content-itself"),
        pytest.param("source_port", True, id="port"),
    ],
)
def test_the_guard_refuses_what_is_not_ours_to_say(field: str, value: Any) -> None:
    one = told()
    made = {**xarf.report(one, one.items[0]), field: value}

    with pytest.raises(xarf.UnfitError, match=field) as refused:
        xarf.guard(made)

    assert "images1" not in str(refused.value)


words = st.text(max_size=80)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    st.builds(
        item,
        st.just(1),
        url=st.builds("http://site{}.test/{}".format, st.integers(0, 9), st.text("az/?=.%", max_size=40)),
        addresses=st.sampled_from([None, "192.0.2.1", "2001:db8::1, 192.0.2.1"]),
        port=st.none() | st.integers(1, 65535),
        last_up_at=st.none() | moments,
        law=words,
        networks=st.lists(words, max_size=2).map(tuple),
    ),
    st.builds(Us, st.text("aé-,", min_size=1, max_size=300), words, words, st.just("help@hotline.test")),
    words,
)
def test_whatever_we_know_a_report_has_our_fields_alone(one: Item, us: Us, party: str) -> None:
    made = json.loads(xarf.attachment(letter(form="xarf", items=(one,), us=us, party=party)))

    assert made.keys() <= xarf.FIELDS
    assert {"evidence", "hash_values", "screenshot_url", "description"}.isdisjoint(made)
    assert made["reporter"].keys() == made["sender"].keys() == {"org", "contact", "domain"}
    assert made["url"] == one.url


@given(
    st.builds(
        item,
        url=words,
        scope=words,
        case=words,
        addresses=st.none() | words,
        port=st.none() | st.integers(),
        class_value=words | st.just("baseline"),
        country=st.none() | words,
    ),
    st.builds(Us, words, words, words, words),
    words,
)
def test_values_of_any_kind_give_a_report_of_ours_or_none(one: Item, us: Us, report_id: str) -> None:
    try:
        content = xarf.attachment(letter(form="xarf", items=(one,), us=us, report_id=report_id))
    except xarf.UnfitError:
        return
    assert json.loads(content).keys() <= xarf.FIELDS


@settings(max_examples=20)  # each makes strings for 17 patterns
@given(
    st.fixed_dictionaries(
        {name: st.from_regex(looks, fullmatch=True) for name, looks in xarf.LOOKS.items()}
        | {
            who: st.fixed_dictionaries(
                {n: st.from_regex(looks, fullmatch=True) for n, looks in xarf.REPORTER.items()}
            )
            for who in ("reporter", "sender")
        },
        optional={
            "source_port": st.integers(1, 65535),
            "tags": st.lists(st.from_regex(xarf.TAG, fullmatch=True), max_size=20),
        },
    )
)
def test_what_passes_the_guard_passes_the_schema(made: dict[str, Any]) -> None:
    xarf.guard(made)

    assert [fault.message for fault in validator(BUNDLED).iter_errors(made)] == []


@given(st.dictionaries(st.text(), st.none() | st.integers() | words, min_size=1))
def test_no_other_field_passes_the_guard(others: dict[str, Any]) -> None:
    one = told()
    foreign = {name: value for name, value in others.items() if name not in xarf.FIELDS}
    made = xarf.report(one, one.items[0])
    xarf.guard(made)

    for name, value in foreign.items():
        with pytest.raises(xarf.UnfitError):
            xarf.guard({**made, name: value})


def test_the_mail_holds_the_text_first_and_the_report_after_it() -> None:
    text, report = parts(told())

    assert text.get_content_type() == "text/plain"
    assert "1. http://images1.example/gallery/1.jpg" in text.get_content().splitlines()
    assert "attached as xarf.json" in text.get_content()
    assert report.get_content_type() == "application/json"
    assert (report.get_filename(), report.get_content_disposition()) == ("xarf.json", "attachment")
    assert json.loads(report.get_content()) == json.loads(xarf.attachment(told()))


@pytest.mark.parametrize(
    ("language", "says"), [("en", "You were told before"), ("nl", "al gemeld"), ("de", "schon gemeldet")]
)
def test_the_text_of_a_report_is_in_the_language_of_its_reader(language: str, says: str) -> None:
    text, report = parts(letter(NoticeKind.REMINDER, language, form="xarf", items=(item(),)))

    assert says in text.get_content()
    assert json.loads(report.get_content())["url"] == item().url


@pytest.mark.parametrize(
    "unfit",
    [
        pytest.param({"items": (item(class_value="national"),)}, id="one-country's-law"),
        pytest.param({"items": (item(1), item(2))}, id="two-locations"),
        pytest.param({"report_id": ""}, id="no-number"),
        pytest.param({"us": Us("We", "s", "a", "nobody")}, id="no-address-of-ours"),
    ],
)
def test_what_does_not_fit_into_a_report_goes_as_a_list(unfit: dict[str, Any]) -> None:
    text, listed = parts(letter(**({"form": "xarf", "items": (item(),)} | unfit)))

    assert listed.get_content_type() == "text/csv"
    assert "attached as N-26-7K3M-4QXT.csv" in text.get_content()


def test_a_preview_names_the_report_though_its_url_is_masked() -> None:
    masked = letter(form="xarf", items=(item(url="http://images1.example/▒▒▒"),), report_id="")

    assert "attached as xarf.json" in TEXTS.text(masked)
    assert "attached" not in TEXTS.text(letter())


def test_the_same_letter_is_the_same_bytes() -> None:
    one = told(last_up_at=NINE - hours(1))

    assert TEXTS.message(one) == TEXTS.message(one)
