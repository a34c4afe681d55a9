"""Reading the notices: every kind in every language, with invented values."""

from collections.abc import Iterable, Sequence
from email import message_from_bytes, policy
from typing import Any

import click
from jinja2 import TemplateError

from nta.cli.output import (
    complain,
    json_option,
    put,
    say,
    show,
)
from nta.domain.errors import RefusedError
from nta.domain.languages import NOTICE_LANGUAGES
from nta.domain.roles import NoticeKind
from nta.render import composing, previews
from nta.render.letters import Letter, Us
from nta.render.notice_texts import Texts
from nta.shipped import shipped

_FORMS = ("text", "xarf", "csv")


@click.group()
def notice() -> None:
    """What is written to those who can take it away."""


@notice.command("preview")
@click.option("--kind", "kinds", multiple=True, type=click.Choice([k.value for k in NoticeKind]))
@click.option("--language", "languages", multiple=True, metavar="CODE", help="Such as nl; else all.")
@click.option("--form", type=click.Choice(_FORMS), default="text", show_default=True)
@json_option
@click.pass_obj
def preview(opener: Any, kinds: Sequence[str], languages: Sequence[str], form: str, as_json: bool) -> int:
    """Print notices as they would be sent, with invented and harmless values.

    Your own texts (NTA_TEMPLATES) stand before the shipped ones, and you
    write them as the hotline of NTA_HOTLINE, if it is set. A text that
    cannot be printed is named, and the exit code is 2.

    \b
    Example:  nta notice preview --kind first --kind registry --language nl
    """
    kit = opener()
    overlay = kit.settings.templates
    texts = Texts([*([overlay] if overlay else []), shipped("templates")])
    faults = 0
    for letter in _letters(kit, texts, kinds, languages, form):
        try:
            content = texts.message(letter)
        except TemplateError as fault:
            faults += 1
            complain(f"{letter.language}/{letter.kind.value}.txt: {type(fault).__name__}: {fault.message}", 2)
            continue
        _print(letter, content, as_json)
    say(f"{faults} faults" if faults else "nothing was sent; every value is invented")
    return 2 if faults else 0


def _letters(
    kit: Any, texts: Texts, kinds: Sequence[str], languages: Sequence[str], form: str
) -> Iterable[Letter]:
    """Yield a letter of each kind in each language that was asked for, or that there is."""
    unknown = [language for language in languages if not texts.has(language)]
    if unknown:
        raise RefusedError(f"--language: there are no texts in {', '.join(unknown)}")
    hotline = kit.catalogue.ours(kit.settings.hotline) if kit.settings.hotline else None
    sender = kit.settings.sender or "notices@hotline.example"
    for language in languages or sorted(NOTICE_LANGUAGES):
        us: Us = composing.us(hotline, sender, language) if hotline else previews.invented(language)
        for kind in NoticeKind:
            if not kinds or kind.value in kinds:
                yield previews.letter(kind, language, us, form)


def _print(letter: Letter, content: bytes, as_json: bool) -> None:
    message: Any = message_from_bytes(content, policy=policy.default)
    text, *attached = [part for part in message.walk() if not part.is_multipart()]
    files = {part.get_filename(): part.get_payload(decode=True).decode() for part in attached}
    if as_json:
        put(
            {
                "kind": letter.kind.value,
                "language": letter.language,
                "subject": str(message["Subject"]),
                "text": text.get_content().replace("\r\n", "\n"),
                "attached": files,
            }
        )
        return
    show(f"{'=' * 78}\n{letter.kind.value} ({letter.language})\nSubject: {message['Subject']}\n{'-' * 78}")
    show(text.get_content().replace("\r\n", "\n"))
    for name, held in files.items():
        show(f"{'-' * 78}\n{name}\n\n{held}".replace("\r\n", "\n"))


COMMANDS = (notice,)
