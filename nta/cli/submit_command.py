"""`nta submit`: hand in URLs from the command line."""

import getpass
import os
import secrets
import sys
from hashlib import blake2b
from pathlib import Path
from typing import Any

import click

from nta.cli.output import (
    json_option,
    progress,
    put,
    say,
)
from nta.domain.errors import RefusedError
from nta.domain.intake.lines import CLASSES, SCOPES
from nta.domain.roles import Severity
from nta.render.reason_sentences import sentence
from nta.usecases.submit import Examined, InputLine, Terms, examine, hand_in, read_lines

LONGEST_KEY = 64


@click.command()
@click.argument("urls", nargs=-1)
@click.option("--file", "file", type=click.Path(path_type=Path), help="Text, CSV or JSON lines; - for stdin.")
@click.option("--dry-run", is_flag=True, help="Say what would be taken and write nothing.")
@click.option(
    "--severity",
    type=click.Choice([s.value for s in Severity]),
    default=Severity.NORMAL.value,
    show_default=True,
)
@click.option("--class", "class_value", type=click.Choice(CLASSES), default="baseline", show_default=True)
@click.option("--scope", type=click.Choice(SCOPES), default="page", show_default=True)
@click.option("--law", help="The law it breaks, as notices should name it.")
@click.option(
    "--key",
    help="Handed in again with the same key, nothing is taken twice. Default: by the content of a file.",
)
@json_option
@click.pass_obj
def submit(
    opener: Any,
    urls: tuple[str, ...],
    file: Path | None,
    dry_run: bool,
    severity: str,
    class_value: str,
    scope: str,
    law: str | None,
    key: str | None,
    as_json: bool,
) -> int:
    """Hand in confirmed URLs, defanged ones too. Prints a line for each, good or bad.

    Exit 0: all were taken; 1: some were refused; 2: none could be read.

    \b
    Example:  nta submit --severity high hxxp://gallery[.]example/a
              nta submit --file morning.csv
    """
    data = _content(urls, file)
    lines = read_lines(data) if file else [InputLine(n, url) for n, url in enumerate(urls, 1)]
    if not lines:
        raise RefusedError("nothing to hand in: give URLs or --file")
    kit = opener()
    now = kit.clock.now()
    terms = Terms(
        source="command", severity=Severity(severity), class_value=class_value, scope=scope, law=law
    )
    teller = _Teller(as_json)
    if dry_run:
        for examined in examine(lines, terms, key=bytes(32), now=now):
            teller(examined)
    else:
        given = key or (blake2b(data, digest_size=16).hexdigest() if file else secrets.token_hex(16))
        if len(given) > LONGEST_KEY:
            raise RefusedError(f"--key is longer than {LONGEST_KEY} characters")
        result = hand_in(kit.store, lines, terms, who=_who(), key=given, way="command", now=now, each=teller)
        if not teller.accepted and not teller.refused:
            say(f"handed in before: {result.accepted} taken, {result.refused} refused")
            return 0
    say(f"{teller.accepted} {'would be ' if dry_run else ''}taken, {teller.refused} refused")
    if teller.refused and not teller.accepted:
        return 2
    return 1 if teller.refused else 0


def _content(urls: tuple[str, ...], file: Path | None) -> bytes:
    if file is None:
        return b""
    if urls:
        raise RefusedError("give URLs or --file, not both")
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as fault:
        raise RefusedError(f"--file {file}: {fault.strerror}") from None


def _who() -> str:
    """Return who hands in, for the trail."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        name = str(os.getuid())
    return f"command:{name}"[:64]


class _Teller:
    """Prints each line as it is taken, and counts."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._progress = progress("lines")
        self.accepted = 0
        self.refused = 0

    def __call__(self, examined: Examined) -> None:
        good = examined.good
        self.accepted += good is not None
        self.refused += good is None
        if self._as_json:
            put(
                {
                    "line": examined.line,
                    "input": examined.text,
                    "url": good.url if good else None,
                    "host": good.host if good else None,
                    "registrable_domain": good.domain if good else None,
                    "accepted": good is not None,
                    "reason": sentence(examined.reason) if examined.reason else None,
                }
            )
        elif examined.reason is not None:
            click.echo(f"line {examined.line}: refused: {sentence(examined.reason)}")
        else:
            click.echo(f"line {examined.line}: taken")
        if (self.accepted + self.refused) % 1000 == 0:
            self._progress(self.accepted + self.refused)


COMMANDS = (submit,)
