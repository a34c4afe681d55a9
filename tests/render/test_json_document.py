"""A notice as a JSON document: a report where it is one, else its text; nothing is left unsaid."""

import json
from typing import Any

import pytest

from nta.domain.roles import NoticeKind
from nta.ports import Document
from nta.render import xarf
from nta.render.letters import Letter
from nta.render.notice_texts import Texts
from nta.shipped import shipped
from tests.render.letters import item, letter

TEXTS = Texts([shipped("templates")])


def made(one: Letter) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(TEXTS.composed(one, Document.JSON))
    return found


def test_a_letter_that_is_a_report_is_its_xarf_and_nothing_else() -> None:
    one = letter(form="xarf", items=(item(),))

    assert TEXTS.composed(one, Document.JSON) == xarf.attachment(one)


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(letter(kind=NoticeKind.CORRECTION, form="text", items=(item(),)), id="no-report"),
        pytest.param(letter(form="xarf", items=(item(number=1), item(number=2))), id="unfit"),
        pytest.param(letter(form="csv", items=(item(),)), id="a-list"),
    ],
)
def test_what_is_no_report_says_the_same_as_the_mail_would(one: Letter) -> None:
    said = made(one)

    assert (said["notice"], said["kind"], said["language"]) == (one.reference, one.kind.value, one.language)
    assert one.reference in said["subject"]
    assert one.link in said["text"]
    assert [place["url"] for place in said["locations"]] == [item.url for item in one.items]
