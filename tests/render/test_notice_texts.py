"""Notice texts: complete in every language, every URL whole, no header that does not belong there."""

import email
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader, UndefinedError, meta
from jinja2.sandbox import SecurityError

from nta.domain.languages import NOTICE_LANGUAGES
from nta.domain.roles import NoticeKind
from nta.render.letters import Us
from nta.render.notice_texts import Texts
from nta.shipped import shipped
from tests.conftest import NINE
from tests.render.letters import LINK, item, letter
from tests.render.phrases import PHRASES

FOLDER = shipped("templates")
TEXTS = Texts([FOLDER])
KINDS = [
    pytest.param(language, kind, id=f"{language}-{kind}")
    for language in sorted(NOTICE_LANGUAGES)
    for kind in NoticeKind
]
TO_HOSTS = (NoticeKind.FIRST, NoticeKind.REMINDER, NoticeKind.ESCALATION, NoticeKind.SITE_OWNER)
TO_OTHERS = (NoticeKind.UPSTREAM, NoticeKind.REGISTRAR, NoticeKind.REGISTRY)
ASKED_IN_TIME = (NoticeKind.REGISTRAR, NoticeKind.REGISTRY, NoticeKind.HOTLINE, NoticeKind.POLICE)
OWN_HISTORY = (NoticeKind.REMINDER, NoticeKind.CLOSING, NoticeKind.CORRECTION)
WITH_RECORD = [k for k in NoticeKind if k not in (*OWN_HISTORY, NoticeKind.FIRST, NoticeKind.SITE_OWNER)]


def read(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(content: bytes) -> str:
    return str(read(content).get_content())


def variables(language: str, name: str) -> set[str]:
    """Return the variables of a template and of all that it builds on."""
    environment = Environment(loader=FileSystemLoader(FOLDER / "notices"), autoescape=False)
    assert environment.loader is not None
    found: set[str] = set()
    names, seen = [f"{language}/{name}"], set()
    while names:
        current = names.pop()
        seen.add(current)
        tree = environment.parse(environment.loader.get_source(environment, current)[0])
        found |= meta.find_undeclared_variables(tree)
        names += [n for n in meta.find_referenced_templates(tree) if n and n not in seen]
    return found


def test_every_kind_exists_in_every_language_with_the_same_variables() -> None:
    for kind in NoticeKind:
        used = {language: variables(language, f"{kind.value}.txt") for language in NOTICE_LANGUAGES}
        assert all(used["en"] == others for others in used.values()), kind
        assert {"items", "reference", "us", "meant_for"} <= used["en"], kind


def test_the_folders_of_texts_are_the_languages() -> None:
    assert {path.name for path in (FOLDER / "notices").iterdir()} == NOTICE_LANGUAGES


def test_there_is_no_text_that_no_kind_uses() -> None:
    for language in NOTICE_LANGUAGES:
        names = {path.stem for path in (FOLDER / "notices" / language).glob("*.txt")}
        assert {n for n in names if not n.startswith("_")} == {k.value for k in NoticeKind}


@pytest.mark.parametrize(("language", "kind"), KINDS)
def test_each_letter_names_who_what_where_and_how_to_answer(language: str, kind: NoticeKind) -> None:
    text = text_of(TEXTS.message(letter(kind, language)))

    for part in ("Meldpunt Voorbeeld", "N-26-7K3M-4QXT", "help@hotline.test", "2026-04-01"):
        assert part in text
    for line in (
        "1. http://images1.example/gallery/1.jpg",
        "3. http://images3.example/gallery/3.jpg",
        f"   {LINK}",
    ):
        assert line in text.splitlines()
    assert text.count(LINK) == 1
    assert "192.0.2.1, 2001:db8::1" in text
    assert "8080" in text
    assert "2026-03-02 09:00 UTC" in text
    assert "{" not in text
    assert "}" not in text


@pytest.mark.parametrize(("language", "kind"), KINDS)
def test_lines_are_short_enough_to_be_read(language: str, kind: NoticeKind) -> None:
    lines = TEXTS.text(letter(kind, language)).splitlines()

    own = [line for line in lines if "://" not in line]
    assert max(map(len, own)) <= 90
    assert not [n for n, line in enumerate(lines) if lines[n : n + 2] == ["", ""] and n + 2 < len(lines)]
    headings = [n for n, line in enumerate(lines) if line.isupper() and line[0] != " "]
    assert not [n for n in headings if lines[n - 1] or lines[n + 1]]  # a heading stands alone


def said(kind: NoticeKind, language: str, **changes: Any) -> str:
    """Return a letter's text with its lines run together."""
    return " ".join(TEXTS.text(letter(kind, language, **changes)).split())


@pytest.mark.parametrize("language", sorted(NOTICE_LANGUAGES))
@pytest.mark.parametrize("kind", TO_HOSTS)
def test_a_notice_to_a_host_has_the_elements_of_the_law(language: str, kind: NoticeKind) -> None:
    text = said(kind, language)

    assert "2022/2065" in text  # the regulation, and
    assert "Article 252 of the Dutch Criminal Code" in text  # (a) reasons
    assert "baseline (INHOPE)" in text
    assert PHRASES[language].good_faith in text  # (d)
    assert PHRASES[language].article in text  # (c)
    assert PHRASES[language].is_notice in text


@pytest.mark.parametrize("language", sorted(NOTICE_LANGUAGES))
@pytest.mark.parametrize("kind", TO_OTHERS)
def test_those_who_store_nothing_are_asked_and_not_held_to_article_16(
    language: str, kind: NoticeKind
) -> None:
    text = said(kind, language)

    assert PHRASES[language].is_request in text
    assert PHRASES[language].good_faith in text


@pytest.mark.parametrize("language", sorted(NOTICE_LANGUAGES))
@pytest.mark.parametrize("kind", [*TO_HOSTS, *ASKED_IN_TIME])
def test_each_reader_is_told_by_when(language: str, kind: NoticeKind) -> None:
    phrases = PHRASES[language].by_when

    assert phrases.get(kind, phrases[NoticeKind.FIRST]) in said(kind, language)


@pytest.mark.parametrize("language", sorted(NOTICE_LANGUAGES))
@pytest.mark.parametrize("kind", WITH_RECORD)
def test_those_asked_later_see_who_was_told_before_and_what_is_seen(language: str, kind: NoticeKind) -> None:
    text = TEXTS.text(letter(kind, language))

    assert "2026-02-28 09:00 UTC" in text
    assert "N-26-0000-0001" in text
    assert "2026-02-28 10:00 UTC" in text  # accepted
    assert PHRASES[language].came_back in text
    assert PHRASES[language].last_seen in text


@pytest.mark.parametrize("language", sorted(NOTICE_LANGUAGES))
@pytest.mark.parametrize(
    "kind", [NoticeKind.HOTLINE, NoticeKind.AUTHORITY, NoticeKind.POLICE, NoticeKind.ESCALATION]
)
def test_those_who_take_a_case_over_see_where_and_since_when(language: str, kind: NoticeKind) -> None:
    text = TEXTS.text(letter(kind, language, items=(item(1), item(2, networks=(), confirmed_at=None))))

    assert "192.0.2.0/24, AS64500 (NL)" in text
    assert "2026-03-02 07:00 UTC" in text  # reported
    assert "2026-03-02 08:00 UTC" in text  # confirmed
    assert text.count("2026-03-02 08:00 UTC") == 1


@pytest.mark.parametrize("language", sorted(NOTICE_LANGUAGES))
def test_what_a_party_answered_stands_beside_what_it_was_told(language: str) -> None:
    told = letter(NoticeKind.REGISTRY, language)
    last = replace(told.earlier[-1], answers=("refused", "removed"))
    text = TEXTS.text(replace(told, earlier=(told.earlier[0], last)))

    assert PHRASES[language].refused in text
    assert f"  {PHRASES[language].removed}" in text.splitlines()


@pytest.mark.parametrize("language", sorted(NOTICE_LANGUAGES))
@pytest.mark.parametrize("kind", list(NoticeKind))
def test_a_trusted_flagger_says_so_and_nobody_else(language: str, kind: NoticeKind) -> None:
    us = Us("Meldpunt Voorbeeld", "a hotline", "a", "help@hotline.test", "the coordinator of Example")
    words = PHRASES[language].flagger

    assert words in said(kind, language, us=us)
    assert "the coordinator of Example." in said(kind, language, us=us)
    assert words not in said(kind, language)


@pytest.mark.parametrize("ends", ["a hotline", "a hotline.", "a hotline. "])
def test_the_standing_ends_in_one_full_stop(ends: str) -> None:
    us = Us("Meldpunt Voorbeeld", ends, "a", "help@hotline.test")

    assert "We are Meldpunt Voorbeeld: a hotline." in TEXTS.text(letter(us=us)).splitlines()


@pytest.mark.parametrize("language", sorted(NOTICE_LANGUAGES))
@pytest.mark.parametrize("kind", OWN_HISTORY)
def test_a_host_is_shown_its_own_notices_alone(language: str, kind: NoticeKind) -> None:
    text = TEXTS.text(letter(kind, language))

    assert "N-26-0000-0002" in text
    assert "N-26-0000-0001" not in text
    assert "Deaf Hosting" not in text


def test_what_was_not_seen_or_not_clear_is_said() -> None:
    text = TEXTS.text(letter())

    assert "Last seen online: not yet seen by us." in text
    assert "Our latest look got no clear answer." in text


def test_items_are_grouped_by_law_and_class() -> None:
    items = (item(1), item(2), item(3, class_value="national", law="another law"), item(4), item(5))
    lines = TEXTS.text(letter(items=items)).splitlines()

    assert "No. 1-2, 4-5: child sexual abuse material." in lines
    assert "No. 3: child sexual abuse material." in lines
    assert "   Law: another law" in lines


def test_headers_are_ours_and_no_others() -> None:
    message = read(TEXTS.message(letter()))

    assert message["From"] == "Meldpunt Voorbeeld <notices@hotline.test>"
    assert message["To"] == "abuse@hosting.example"
    assert message["Date"].datetime == NINE
    assert message["Message-ID"] == "<n-26-7k3m-4qxt.0123456789abcdef@hotline.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Subject"] == "[N-26-7K3M-4QXT] Notice of illegal content"
    assert not [name for name in message if name.lower().startswith("x-")]
    assert message.get_content_type() == "text/plain"
    assert message.get_content_charset() == "utf-8"


@pytest.mark.parametrize(("language", "kind"), KINDS)
def test_no_subject_holds_a_url_or_a_party(language: str, kind: NoticeKind) -> None:
    said = TEXTS.subject(letter(kind, language))

    assert said.startswith("[N-26-7K3M-4QXT] ")
    assert "http" not in said
    assert "Voorbeeld" not in said


@pytest.mark.parametrize("language", sorted(NOTICE_LANGUAGES))
def test_every_language_has_a_subject_of_its_own_for_every_kind(language: str) -> None:
    subjects = {TEXTS.subject(letter(kind, language)) for kind in NoticeKind}

    assert len(subjects) == len(NoticeKind)
    assert "[N-26-7K3M-4QXT] Notice" not in subjects


def test_a_language_of_an_overlay_needs_no_subjects(tmp_path: Path) -> None:
    folder = tmp_path / "notices" / "fy"
    folder.mkdir(parents=True)
    (folder / "first.txt").write_text("Wy binne {{ us.name }}.\n")
    texts = Texts([tmp_path, FOLDER])

    assert texts.subject(letter(language="fy")) == "[N-26-7K3M-4QXT] Notice"


def test_a_subject_of_an_overlay_stays_on_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "notices" / "en"
    folder.mkdir(parents=True)
    subjects = '{% set subjects = {"first": "Ours\\r\\nBcc: all@hosting.example"} %}'
    (folder / "_subjects.txt").write_text(subjects)
    texts = Texts([tmp_path, FOLDER])

    assert texts.subject(letter()) == "[N-26-7K3M-4QXT] OursBcc: all@hosting.example"


def test_a_subject_outside_ascii_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = tmp_path / "notices" / "en"
    folder.mkdir(parents=True)
    named = "Prévenir: contenu illégal dans un réseau que vous raccordez, au troisième rappel déjà"
    (folder / "_subjects.txt").write_text(f'{{% set subjects = {{"first": "{named}"}} %}}')
    texts = Texts([tmp_path, FOLDER])

    content = texts.message(letter())

    assert content.partition(b"\r\n\r\n")[0].isascii()
    assert read(content)["Subject"] == f"[N-26-7K3M-4QXT] {named}"


def test_who_reads_a_language_without_texts_is_written_to_in_english() -> None:
    assert TEXTS.language("nl") == "nl"
    assert TEXTS.language("fy") == "en"


def test_a_redirected_letter_says_whom_it_was_for() -> None:
    for language in NOTICE_LANGUAGES:
        text = TEXTS.text(letter(language=language, meant_for="abuse@hosting.example"))

        assert text.splitlines()[0] == f"{PHRASES[language].is_test} abuse@hosting.example"


def test_a_name_outside_ascii_and_a_line_break_do_no_harm_in_a_header() -> None:
    us = Us("Meldpünt, Voorbeeld\r\nBcc: all@hosting.example", "s", "a", "help@hotline.test")
    message = read(TEXTS.message(letter(us=us)))

    assert message["Bcc"] is None
    assert message["From"].addresses[0].addr_spec == "notices@hotline.test"
    assert message["From"].addresses[0].display_name == "Meldpünt, VoorbeeldBcc: all@hosting.example"


def test_values_cannot_break_lines_or_run_templates() -> None:
    party = "Evil\n\nLOCATIONS: 0\u2028{{ us.contact }}\u202e B.V."
    text = TEXTS.text(letter(party=party))

    assert "To the abuse desk of EvilLOCATIONS: 0{{ us.contact }} B.V." in text.splitlines()


def test_our_own_folder_wins_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "notices" / "en").mkdir(parents=True)
    (tmp_path / "notices" / "en" / "first.txt").write_text("Only {{ reference }}.\n")
    texts = Texts([tmp_path, FOLDER])

    assert texts.text(letter()) == "Only N-26-7K3M-4QXT.\n"
    assert "Wij zijn" in texts.text(letter(language="nl"))
    assert "told before" in texts.text(letter(NoticeKind.REMINDER))


def test_an_overlay_that_asks_for_what_is_not_there_is_told_so(tmp_path: Path) -> None:
    folder = tmp_path / "notices" / "en"
    folder.mkdir(parents=True)
    (folder / "first.txt").write_text("{{ nonsense }}")
    (folder / "reminder.txt").write_text("{{ us.__class__.__mro__ }}")
    texts = Texts([tmp_path])

    with pytest.raises(UndefinedError):
        texts.text(letter())
    with pytest.raises((SecurityError, UndefinedError)):
        texts.text(letter(NoticeKind.REMINDER))


def test_a_language_is_there_when_it_has_a_first_notice(tmp_path: Path) -> None:
    assert TEXTS.has("nl")
    assert not TEXTS.has("fy")


url_path = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=1500)
"""Printable ASCII: what a canonical URL is made of."""


@given(
    st.lists(url_path, min_size=1, max_size=6),
    st.sampled_from(sorted(NOTICE_LANGUAGES)),
    st.sampled_from(list(NoticeKind)),
)
def test_every_url_is_whole_on_one_line_of_the_mail_as_read(
    paths: list[str], language: str, kind: NoticeKind
) -> None:
    urls = [f"http://site{n}.test/{path}" for n, path in enumerate(paths)]
    items = tuple(item(n, url=url) for n, url in enumerate(urls, start=1))
    content = TEXTS.message(letter(kind, language, items=items))

    lines = text_of(content).splitlines()
    assert [line.partition(". ")[2] for line in lines if line.partition(". ")[2].startswith("http")] == urls
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.count(b"\n") == content.count(b"\r\n")
