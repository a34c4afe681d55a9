"""Notice texts: a letter's values in, the bytes of one mail out."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from nta.domain.languages import FALLBACK
from nta.ports import Document
from nta.render import json_document, mail_bytes
from nta.render.letters import Earlier, Item, Letter
from nta.render.plain import visible

_OTHER_SUBJECT: Final = "Notice"  # a language of an overlay that names none


class Texts:
    """The notice texts of `folders`, the first that has a file winning. Templates print values alone."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = [folder / "notices" for folder in folders]
        self._env = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in self._folders]),
            autoescape=False,  # plain text; values are stripped of what a reader cannot see
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )

    def has(self, language: str) -> bool:
        """Tell whether there are texts in a language."""
        return any((folder / language / "first.txt").is_file() for folder in self._folders)

    def language(self, wanted: str) -> str:
        """Return the language in which a reader of `wanted` is written to."""
        return wanted if self.has(wanted) else FALLBACK

    def text(self, letter: Letter) -> str:
        """Return the text of a letter, as it stands when nothing hinders its form."""
        return self._text(letter, mail_bytes.name_of(letter))

    def message(self, letter: Letter) -> bytes:
        """Return the mail: the text, and its list or report in the form that the letter asks for."""
        attached = mail_bytes.attachment(letter)
        text = self._text(letter, attached.name if attached else "")
        return mail_bytes.mail(letter, self.subject(letter), text, attached)

    def subject(self, letter: Letter) -> str:
        """Return the subject: what it is and its reference, never a URL, a host or a party."""
        try:
            named = self._env.get_template(f"{letter.language}/_subjects.txt").module.subjects  # type: ignore[attr-defined]
        except TemplateNotFound:
            named = {}
        return f"[{letter.reference}] {visible(named.get(letter.kind.value, _OTHER_SUBJECT))}"

    def document(self, letter: Letter) -> bytes:
        """Return the JSON document: a report, or the text where the letter is no report."""
        return json_document.document(letter, self.subject(letter), self._text(letter, ""))

    def composed(self, letter: Letter, document: Document = Document.MAIL) -> bytes:
        """Return a letter as the document wanted. Raises ValueError where a template cannot be filled in."""
        try:
            return self.message(letter) if document is Document.MAIL else self.document(letter)
        except TemplateError as fault:
            raise ValueError(f"{letter.language}/{letter.kind.value}.txt cannot be filled in") from fault

    def _text(self, letter: Letter, attached: str) -> str:
        template = self._env.get_template(f"{letter.language}/{letter.kind.value}.txt")
        return template.render(_values(letter, attached))


def _values(letter: Letter, attached: str) -> dict[str, Any]:
    items = [_item(item) for item in letter.items]
    return {
        "us": {
            "name": visible(letter.us.name),
            "standing": f"{visible(letter.us.standing).rstrip('. ')}.",
            "address": visible(letter.us.address),
            "contact": visible(letter.us.contact),
            "flagger": visible(letter.us.flagger).rstrip(". "),
        },
        "reference": letter.reference,
        "party": visible(letter.party),
        "items": items,
        "count": len(items),
        "reasons": _reasons(letter.items),
        "earlier": [_earlier(e) for e in letter.earlier],
        "yours": [_earlier(e) for e in letter.earlier if e.to_you],
        "link": letter.link,
        "link_until": _day(letter.link_until),
        "hours": _hours(letter.silence),
        "attached": attached,
        "sent_at": _moment(letter.at),
        "meant_for": visible(letter.meant_for or ""),
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "number": item.number,
        "url": visible(item.url).replace(" ", "%20"),
        "scope": item.scope,
        "case": item.case,
        "addresses": visible(item.addresses or ""),
        "port": item.port or 0,
        "last_up": _moment(item.last_up_at) if item.last_up_at else "",
        "doubt": item.doubt,
        "received": _moment(item.received_at),
        "confirmed": _moment(item.confirmed_at) if item.confirmed_at else "",
        "country": visible(item.country or ""),
        "networks": visible("; ".join(item.networks)),
        "vantages": item.vantages,
    }


def _earlier(earlier: Earlier) -> dict[str, Any]:
    return {
        "reference": earlier.reference,
        "at": _moment(earlier.at),
        "kind": earlier.kind.value,
        "party": visible(earlier.party),
        "role": earlier.role,
        "fate": earlier.fate,
        "accepted": _moment(earlier.accepted_at) if earlier.accepted_at else "",
        "answers": [visible(answer) for answer in earlier.answers],
    }


def _reasons(items: Sequence[Item]) -> list[dict[str, str]]:
    """Return each class and law that items share, with the numbers of those items."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for item in items:
        groups.setdefault((item.class_scheme, item.class_value, item.law), []).append(item.number)
    return [
        {
            "numbers": _spans(numbers),
            "scheme": visible(scheme).upper(),
            "value": visible(value),
            "law": visible(law),
        }
        for (scheme, value, law), numbers in groups.items()
    ]


def _spans(numbers: Sequence[int]) -> str:
    """Return rising numbers as people list them: 1-3, 5."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    return ", ".join("-".join(map(str, span)) for span in spans)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d")


def _hours(silence: timedelta) -> str:
    hours = silence / timedelta(hours=1)
    return f"{hours:g}"
