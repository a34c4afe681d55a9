"""Every text of the doors is there in every language, and what is compiled is what is written.

When this fails: from the top folder, with FOLDER = nta/web/translations,
`pybabel extract -F FOLDER/babel.cfg -k _l --no-location -o messages.pot .`, then
`pybabel update -i messages.pot -d FOLDER --no-wrap`, write what is missing, `pybabel compile -d FOLDER`.
"""

import io
import re
from pathlib import Path

import pytest
from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from nta.domain.checks.outcomes import PERSONS_ENDS, Outcome
from nta.domain.checks.verdicts import Cause, Verdict
from nta.domain.hosting.lookups import LookupKind
from nta.domain.hosting.overrides import Wrong
from nta.domain.intake.lines import CLASSES, SCOPES
from nta.domain.languages import PAGE_LANGUAGES
from nta.domain.lifecycle import EventKind
from nta.domain.notices.answers import Says
from nta.domain.roles import NoticeKind, Role, Severity
from nta.render.words import Word
from nta.web.answering import MEANS, SAYS
from nta.web.desk import texts
from nta.web.desk.hosting_page import WRONGS
from nta.web.localisation import FOLDER

TOP = Path(__file__).parents[2]
METHODS = [
    ("nta/web/**.py", "python"),
    ("templates/desk/**.html", "jinja2"),
    ("templates/portal/**.html", "jinja2"),
    ("templates/reports/**.html", "jinja2"),
    ("templates/security/**.html", "jinja2"),
]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2)}
OTHERS = sorted(set(PAGE_LANGUAGES) - {"en"})


def extracted() -> set[object]:
    found: set[object] = set()
    for room in ("nta/web", *(f"templates/{name}" for name in ("desk", "portal", "reports", "security"))):
        methods = [
            (pattern.removeprefix(room + "/"), how) for pattern, how in METHODS if pattern.startswith(room)
        ]
        for _, _, message, _, _ in extract_from_dir(TOP / room, methods, keywords=KEYWORDS):
            found.add(message)
    return found


def written(language: str) -> Catalog:
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return pofile.read_po(file, locale=language)


def test_the_folders_of_translations_are_the_languages_of_pages() -> None:
    assert sorted(path.parent.name for path in FOLDER.glob("*/LC_MESSAGES")) == OTHERS


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_and_nothing_else(language: str) -> None:
    catalogue = written(language)
    ids = {m.id if isinstance(m.id, str) else tuple(m.id) for m in catalogue if m.id}

    assert ids == extracted()
    assert not catalogue.obsolete
    assert not [m.id for m in catalogue if m.id and (m.fuzzy or not all([m.string] if m.id else m.string))]


@pytest.mark.parametrize("language", OTHERS)
def test_translations_keep_the_places_for_values(language: str) -> None:
    def places(text: str) -> set[str]:
        return set(re.findall(r"%\(\w+\)s", text))

    for message in written(language):
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        strings = [message.string] if isinstance(message.string, str) else list(message.string)
        if message.id:
            assert all(strings), message.id
            assert places(strings[-1]) == places(ids[-1])


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    made = io.BytesIO()
    mofile.write_mo(made, written(language))

    assert (FOLDER / language / "LC_MESSAGES" / "messages.mo").read_bytes() == made.getvalue()


@pytest.mark.parametrize(
    ("known", "named"),
    [
        pytest.param(EventKind, texts.EVENTS, id="events"),
        pytest.param(Word, texts.WORDS, id="words"),
        pytest.param(Word, texts.COLOURS, id="colours"),
        pytest.param(Outcome, texts.OUTCOMES, id="outcomes"),
        pytest.param(PERSONS_ENDS, texts.ENDED, id="ends-by-a-person"),
        pytest.param(Role, texts.ROLES, id="roles"),
        pytest.param(NoticeKind, texts.KINDS, id="kinds"),
        pytest.param(Verdict, texts.VERDICTS, id="verdicts"),
        pytest.param(Cause, texts.CAUSES, id="causes"),
        pytest.param(Severity, texts.SEVERITIES, id="severities"),
        pytest.param(Severity, texts.SEVERITY_COLOURS, id="colours-of-severities"),
        pytest.param(SCOPES, texts.SCOPES, id="scopes"),
        pytest.param(CLASSES, texts.CLASSES, id="classes"),
        pytest.param(Says, texts.ANSWERS, id="answers"),
        pytest.param(LookupKind, texts.QUESTIONS, id="questions"),
        pytest.param(Wrong, WRONGS, id="what-is-wrong-with-a-host"),
        pytest.param(Says, SAYS, id="answers-in-the-portal"),
        pytest.param(Says, MEANS, id="what-answers-mean-in-the-portal"),
    ],
)
def test_every_code_has_a_word(known: object, named: dict[str, object]) -> None:
    assert {str(code) for code in known} == {str(code) for code in named}  # type: ignore[attr-defined]
