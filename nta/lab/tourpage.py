"""The HTML of a visitor's pages: the bar, the log-ins, the mailboxes and their mails."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final
from urllib.parse import quote

from nta.lab import totp
from nta.lab.actors import Service
from nta.lab.mail import COMMON_TAIL, PORTAL_LINK, RelayedMail
from nta.lab.world import Party
from nta.lab.worldpage import document

RATES: Final[Mapping[str, int | None]] = {
    "pause": 0,
    "walk": 60,
    "stroll": 300,
    "run": 1800,
    "approval": None,
    "end": None,
}
"""The pace that each button sets, in seconds of the world a second; None leaps."""

_BUTTONS: Final = {
    "pause": "Pause",
    "walk": "Walk: a minute a second",
    "stroll": "Faster: 5 minutes a second",
    "run": "Fast: half an hour a second",
    "event": "Leap to the next event",
    "day": "Leap a day",
    "approval": "Leap to the next approval",
    "end": "Play to the end",
}
OVER: Final = "The world has ended: everything stays to be read."


def bar(token: str, rate: int | None, *, is_over: bool, is_arriving: bool, awaits_approval: bool) -> str:
    """Return the bar that sets the pace; at the end only what it came to."""
    if is_over:
        return f"<section><h2>Time</h2><p><strong>{OVER}</strong></p></section>"
    buttons = "".join(
        f'<button type="submit" name="do" value="{word}">{text}</button> ' for word, text in _BUTTONS.items()
    )
    return (
        f"<section><h2>Time</h2><p>{_pace(rate, is_arriving, awaits_approval)}</p>"
        f'<form method="post" action="/pace"><input type="hidden" name="token" value="{token}">'
        f"{buttons}</form></section>"
    )


def _pace(rate: int | None, is_arriving: bool, awaits_approval: bool) -> str:
    if is_arriving:
        return "The world plays quickly into a moment where something waits in every list; then it walks."
    if awaits_approval:
        return "Time leaps until another notice waits for approval, and stands still then."
    if rate is None:
        return "Time leaps to the end."
    if rate == 0:
        return "Time stands still."
    pace = f"{rate // 60} minutes" if rate > 60 else "a minute" if rate == 60 else f"{rate} seconds"
    return f"Time walks: {pace} a second."


def log_ins(service: Service, machine_time: float) -> str:
    """Return who can log in, each with the code that an authenticator app would show now."""
    rows = "".join(
        f"<tr><td>{escape(user.role)}<td>{escape(user.email)}<td><code>{escape(user.password)}</code>"
        f"<td><code>{totp.code(user.totp_secret, machine_time)}</code></tr>"
        for user in service.users
    )
    left = totp.STEP_S - int(machine_time) % totp.STEP_S
    desk, portal = escape(service.desk_url), escape(service.portal_url)
    return (
        f'<section><h2>Log in</h2><p><a href="{desk}/" rel="noopener" target="_blank">The desk</a> is where '
        f"the hotline's people work; the portal for providers is at {portal}, behind the links in their "
        "mails. A code works once: where the desk refuses one, the world's own people used it just now; "
        "take the next.</p>"
        "<table><thead><tr><th scope=col>Who<th scope=col>E-mail address<th scope=col>Password"
        f"<th scope=col>Code (changes in {left} s)</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def mailboxes(owners: Mapping[str, tuple[Party, str]], mails: Sequence[RelayedMail]) -> str:
    """Return everybody's mailbox, with what came in."""
    rows = []
    for address, (party, _) in sorted(owners.items(), key=lambda one: one[1][0].name):
        theirs = [mail for mail in mails if address in {to.address for to in mail.recipients}]
        if theirs:
            rows.append(
                f'<tr><td>{escape(party.name)}<td><a href="/mailbox/{quote(address)}">{escape(address)}</a>'
                f"<td class=n>{len(theirs)}<td>{theirs[-1].at:%d %b %H:%M}</tr>"
            )
    head = "<tr><th scope=col>Party<th scope=col>Mailbox<th scope=col class=n>Mails<th scope=col>Last</tr>"
    empty = "" if rows else "<p>No mail yet.</p>"
    return (
        "<section><h2>Mailboxes</h2><p>What each party was sent, with the link that it clicks.</p>"
        f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>{empty}</section>"
    )


def mailbox(address: str, owner: str, mails: Sequence[RelayedMail]) -> str:
    """Return the mails of one mailbox, the newest first."""
    rows = "".join(
        f'<tr><td>{mail.at:%d %b %H:%M}<td><a href="/mail/{mail.number}">{escape(_subject(mail))}</a></tr>'
        for mail in reversed(mails)
    )
    table = (
        f"<table><thead><tr><th scope=col>Came<th scope=col>Mail</tr></thead><tbody>{rows}</tbody></table>"
    )
    about = f'{escape(address)}. <a href="/world">The world</a>'
    return document(f"Mailbox of {owner}", about, table)


def mail(mail: RelayedMail, text: str) -> str:
    """Return one mail as text; the portal's link can be clicked, nothing else."""
    to = ", ".join(
        f'<a href="/mailbox/{quote(one.address)}">{escape(one.address)}</a>' for one in mail.recipients
    )
    about = f'To {to}, {mail.at:%A %d %B %Y, %H:%M} UTC. <a href="/world">The world</a>'
    return document(_subject(mail), about, f"<pre>{_with_link(text)}</pre>")


def _with_link(text: str) -> str:
    parts, end = [], 0
    for found in PORTAL_LINK.finditer(text):
        link = found.group().rstrip(COMMON_TAIL)
        parts.append(escape(text[end : found.start()]))
        parts.append(f'<a href="{escape(link)}" rel="noopener" target="_blank">{escape(link)}</a>')
        end = found.start() + len(link)
    return "".join(parts) + escape(text[end:])


def _subject(mail: RelayedMail) -> str:
    found = re.search(r"^Subject: (.*)$", mail.head, re.MULTILINE)
    return found.group(1) if found else "(no subject)"
