"""`nta check`, `nta inbox explain`: look, write nothing."""

from pathlib import Path
from typing import Any

import click

from nta.cli.output import (
    complain,
    json_option,
    put,
    show,
)
from nta.cli.resolve_command import located
from nta.domain.checks.verdicts import (
    ProofRules,
    Verdict,
    extend,
    judge,
)
from nta.domain.notices.mail_parts import LONGEST_READ, clean
from nta.domain.notices.returned_mail import explain_bytes
from nta.usecases.recheck import look_once


@click.command()
@click.argument("urls", nargs=-1, required=True)
@json_option
@click.pass_obj
def check(opener: Any, urls: tuple[str, ...], as_json: bool) -> int:
    """Look once whether a URL still shows something, from every vantage point. Writes nothing.

    Each host is asked for a made-up page too: where that is answered alike,
    one look cannot tell.

    Exit 0: a verdict for each; 1: some could not be read; 2: none could; 3: one stayed unknown.

    \b
    Example:  nta check https://gallery.example/a
    """
    locations = located(urls)
    kit = opener()
    unknown = 0
    for location in locations:
        sightings = look_once(location, eyes=kit.eyes, now=kit.clock.now())
        runs = [extend(None, s) for s in sightings]
        judgement = judge(sightings, runs, ProofRules())
        unknown += judgement.verdict is Verdict.UNKNOWN
        plain = {
            "url": location.url,
            "verdict": judgement.verdict.value,
            "cause": judgement.cause.value,
            "sightings": [
                {
                    "vantage": s.vantage,
                    "verdict": s.verdict.value,
                    "cause": s.cause.value,
                    "rule": s.rule,
                    "status": s.status,
                    "ip": s.ip,
                    "bytes": s.length,
                    "seconds": round(s.seconds, 3),
                }
                for s in sightings
            ],
        }
        if as_json:
            put(plain)
        else:
            show(f"{judgement.verdict.value} ({judgement.cause.value})")
            for s in sightings:
                said = f"{s.verdict.value}, {s.cause.value} by the rule {s.rule}"
                show(f"  {s.vantage}: {said}, status {s.status}, {s.ip}")
    if unknown:
        return 3
    return 1 if len(locations) < len(urls) else 0


@click.group()
def inbox() -> None:
    """Mail that came back."""


@inbox.command("explain")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def inbox_explain(files: tuple[Path, ...], as_json: bool) -> int:
    """Say what mails mean: a bounce, a delay, an answer. Writes nothing.

    \b
    Example:  nta inbox explain returned.eml
    """
    unread = 0
    for file in files:
        name = clean(str(file))
        try:
            with file.open("rb") as opened:
                data = opened.read(LONGEST_READ)
        except OSError as fault:
            complain(f"{name}: {fault.strerror}", 2)
            unread += 1
            continue
        meaning = explain_bytes(data)
        plain = {
            "file": name,
            "kind": meaning.kind.value,
            "notice": meaning.original_message_id,
            "recipients": [
                {
                    "address": r.address,
                    "action": r.action,
                    "status": r.status,
                    "reason": r.reason,
                    "permanent": r.permanent,
                }
                for r in meaning.recipients
            ],
        }
        if as_json:
            put(plain)
        else:
            show(f"{name}: {meaning.kind.value}")
            for r in meaning.recipients:
                show(f"  {r.address}: {r.action} {r.status or ''} {r.reason or ''}".rstrip())
    return 2 if unread == len(files) else 1 if unread else 0


COMMANDS = (check, inbox)
