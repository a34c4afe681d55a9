"""Handing messages to our own relay, and what it says to each."""

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import certifi

from nta.domain.errors import OutsideError
from nta.ports import Document, Handed, HandOver, Outgoing

_PORTS: Final = {"smtp": 25, "smtps": 465}
_LONGEST_LINE: Final = 300
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]+")  # no database keeps a NUL
_LONGEST_SIZE: Final = 20  # digits (RFC 1870, 3)
_CLOSING: Final = 421  # the relay says this and hangs up (RFC 5321, 3.8)
# A relay that filters quotes what it filtered: nothing of that may reach a record in clear.
_LINKS: Final = re.compile(r"\b[a-z]+://\S+", re.IGNORECASE)
_ADDRESSES: Final = re.compile(r"<?[^\s<>@,;:]+@[^\s<>@,;]+>?")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_+=-]+(?:\.[A-Za-z0-9_+=-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
# Enhanced status codes (RFC 3463, 3): x.1 and x.2 speak of the mailbox, x.4 and x.6 of the way to it.
_STATUS: Final = re.compile(r"\b5\.")
_OF_THE_READER: Final = re.compile(r"\b5\.[1246]\.\d+\b|\b55[013]\b(?!.*\b5\.[357]\.)")
_NAMES: Final = re.compile(r"\b(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]+\b(?:/\S*)?", re.IGNORECASE)


class SmtpMailer:
    """Hands messages to the relay the administrator named.

    The relay's address comes from our settings, not from a case: the gate does
    not apply to it. `url` is smtp://host:port or smtps://user:password@host:port;
    STARTTLS is used whenever it is offered, and certificates are checked.
    """

    carries = Document.MAIL

    def __init__(self, url: str, ca_file: Path | None = None, *, timeout_s: float = 30) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("a relay is smtp://host:port or smtps://host:port")
        self._is_tls = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or _PORTS[parts.scheme]
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._ca_file = str(ca_file or certifi.where())
        self._timeout_s = timeout_s
        self._groups = True  # until a relay shows that it says PIPELINING and cannot

    def hand_over(self, messages: Iterable[Outgoing], may_go: Callable[[Outgoing], bool]) -> Iterator[Handed]:
        """Yield an outcome for each message as soon as the relay has answered, over one connection.

        Reports of delivery, delay and failure are asked for where the relay
        can (RFC 3461), with the notice's id as envelope id. While an outcome
        is dealt with, the relay reads of whom the next message is and for
        whom (RFC 2920 where it can); DATA is said only after `may_go`, else
        RSET. Once DATA was said the way back is to hang up before the content
        (RFC 5321, 4.1.1.10: the relay then drops what it has).

        Raises: OutsideError when the relay cannot be reached, hangs up, or
        was hung up on; messages not yet answered for were not taken, or
        taken without our knowing.
        """
        waiting = iter(messages)
        first = next(waiting, None)
        if first is None:
            return
        try:
            relay = self._connect()
        except (OSError, smtplib.SMTPException) as fault:
            raise OutsideError(_unreachable(fault), temporary=True) from None
        try:
            announced: _Announced | None = self._announce(relay, first)
            while announced is not None:
                handed = _finish(relay, announced, may_go)
                following = next(waiting, None)
                announced = None if following is None else self._announce(relay, following)
                if handed is not None:
                    yield handed
            _leave(relay)
        except _ClosingError as last:
            yield last.handed
            raise OutsideError("the relay closes the connection", temporary=True) from None
        except _HalfGroupError:
            self._groups = False
            raise OutsideError("the relay lost a command of a group", temporary=True) from None
        except (OSError, smtplib.SMTPException):
            raise OutsideError("the relay broke off", temporary=True) from None
        finally:
            relay.close()

    def _announce(self, relay: smtplib.SMTP, message: Outgoing) -> "_Announced":
        return _announce(relay, message, 2 if self._groups and relay.has_extn("pipelining") else 1)

    def _connect(self) -> smtplib.SMTP:
        # smtplib would ask the DNS for our own name; the relay knows us by our address.
        name = socket.gethostname()
        relay: smtplib.SMTP
        if self._is_tls:
            relay = smtplib.SMTP_SSL(timeout=self._timeout_s, local_hostname=name, context=self._tls())
        else:
            relay = smtplib.SMTP(timeout=self._timeout_s, local_hostname=name)
        try:
            relay._host = self._host  # type: ignore[attr-defined]  # what TLS checks; set by the constructor alone
            code, _ = relay.connect(self._host, self._port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, b"")
            relay.ehlo_or_helo_if_needed()
            if not self._is_tls and relay.has_extn("starttls"):
                relay.starttls(context=self._tls())
                relay.ehlo()
            if self._login:
                relay.login(*self._login)
        except BaseException:
            relay.close()
            raise
        return relay

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca_file)


class _ClosingError(Exception):
    """The relay answers a message and hangs up."""

    def __init__(self, handed: Handed) -> None:
        super().__init__()
        self.handed = handed


class _HalfGroupError(Exception):
    """The relay answered MAIL, and nothing to the RCPT that came with it."""


@dataclass(frozen=True, slots=True)
class _Announced:
    """A message whose envelope the relay was told, or why it was not; its replies are still to be read."""

    message: Outgoing
    content: bytes
    commands: tuple[bytes, ...] = ()
    said: int = 0  # how many of the commands are on their way
    refusal: str | None = None


def _announce(relay: smtplib.SMTP, message: Outgoing, said: int) -> _Announced:
    """Tell the relay of a message, `said` commands at once, and wait for nothing.

    Never fails: the outcome of the message before this one is still to be
    told. What cannot be said is noticed when the reply is read.
    """
    content = _with_line_ends(message.content)
    refusal = _not_for_this_relay(relay, message, content)
    if refusal:
        return _Announced(message, content, refusal=refusal)
    mail = " ".join([f"mail FROM:<{message.return_path}>", *_mail_options(relay, message, content)])
    rcpt = " ".join([f"rcpt TO:<{message.address.to}>", *_rcpt_options(relay, message)])
    commands = tuple(f"{command}\r\n".encode() for command in (mail, rcpt))
    with contextlib.suppress(OSError, smtplib.SMTPException):
        relay.send(b"".join(commands[:said]))
    return _Announced(message, content, commands, said)


def _finish(relay: smtplib.SMTP, announced: _Announced, may_go: Callable[[Outgoing], bool]) -> Handed | None:
    """Return the relay's word on a message that was announced; None when it may not go."""
    message = announced.message
    if announced.refusal:
        return Handed(message.notice_id, _refused(announced.refusal), announced.refusal)
    took_envelope, (code, text) = _envelope(relay, announced)
    if took_envelope:
        if not may_go(message):
            relay.rset()
            return None
        code, text = relay.docmd("data")
        if code == 354:
            if not may_go(message):
                raise OutsideError("the relay was hung up on before the content", temporary=True)
            relay.send(_as_data(announced.content))
            code, text = relay.getreply()
            if code == 250:
                return Handed(message.notice_id, HandOver.TAKEN, _line(code, text))
    if code == -1:
        raise smtplib.SMTPServerDisconnected("no code in the reply")
    line = _line(code, text)
    handed = Handed(message.notice_id, HandOver.LATER if code < 500 else _refused(line), line)
    if code == _CLOSING:
        raise _ClosingError(handed)
    relay.rset()
    return handed


def _envelope(relay: smtplib.SMTP, announced: _Announced) -> tuple[bool, tuple[int, bytes]]:
    """Return whether the relay takes the envelope, and its reply: the first that refuses, or the last."""
    if relay.sock is None:
        raise smtplib.SMTPServerDisconnected("gone before it was told of the message")
    mail = relay.getreply()
    if announced.said == 2 and mail[0] not in (-1, _CLOSING):
        try:
            rcpt = relay.getreply()  # each command of a group is answered (RFC 2920, 3.2)
        except smtplib.SMTPServerDisconnected:
            raise _HalfGroupError from None
    elif mail[0] == 250:
        relay.send(announced.commands[1])
        rcpt = relay.getreply()
    else:
        return False, mail
    return (rcpt[0] in (250, 251), rcpt) if mail[0] == 250 else (False, mail)


def _with_line_ends(content: bytes) -> bytes:
    """Return content whose every line ends in CR LF; a pattern would take four times as long."""
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def _as_data(content: bytes) -> bytes:
    """Return content as DATA carries it, with its end (RFC 5321, 4.5.2); its lines end in CR LF already."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n")


def _not_for_this_relay(relay: smtplib.SMTP, message: Outgoing, content: bytes) -> str | None:
    limit = relay.esmtp_features.get("size", "")
    if (
        limit.isascii()
        and limit.isdecimal()
        and len(limit) <= _LONGEST_SIZE
        and 0 < int(limit) < len(content)
    ):
        return f"552 not sent: {len(content)} bytes, the relay takes {limit}"
    if not all(_is_plain(address) for address in (message.return_path, message.address.to)):
        return "553 not sent: an address that is not one"
    if _needs_utf8(message) and not relay.has_extn("smtputf8"):
        return "553 not sent: the relay takes no international addresses"
    return None


def _is_plain(address: str) -> bool:
    """Return whether an address stands for itself: smtplib would pick one out of anything else."""
    if _PLAIN.fullmatch(address):
        return True
    is_whole = parseaddr(address) == ("", address) and "@" in address
    return is_whole and address.isprintable() and " " not in address


def _mail_options(relay: smtplib.SMTP, message: Outgoing, content: bytes) -> list[str]:
    options = []
    if relay.has_extn("size"):
        options.append(f"SIZE={len(content)}")
    if relay.has_extn("8bitmime") and not content.isascii():
        options.append("BODY=8BITMIME")
    if _needs_utf8(message):
        options.append("SMTPUTF8")
    if relay.has_extn("dsn"):
        options += ["RET=HDRS", f"ENVID={message.notice_id}"]
    return options


def _rcpt_options(relay: smtplib.SMTP, message: Outgoing) -> list[str]:
    return ["NOTIFY=SUCCESS,FAILURE,DELAY"] if relay.has_extn("dsn") else []


def _needs_utf8(message: Outgoing) -> bool:
    return not (message.return_path + message.address.to).isascii()


def _leave(relay: smtplib.SMTP) -> None:
    """Say goodbye. Everything is answered for by now, so a relay that is gone already does no harm."""
    try:
        relay.quit()
    except (OSError, smtplib.SMTPException):
        relay.close()


def _line(code: int, text: bytes) -> str:
    plain = " ".join(_CONTROLS.sub(" ", text.decode("ascii", "replace")).split())
    for pattern, cover in ((_LINKS, "(link)"), (_ADDRESSES, "(address)"), (_NAMES, "(name)")):
        plain = pattern.sub(cover, plain)
    return f"{code} {plain}"[:_LONGEST_LINE].rstrip()


def _refused(line: str) -> HandOver:
    """Return what a refusal for good means.

    A relay that refuses what we wrote says nothing of the mailbox; one that
    gives no enhanced code is taken to speak of it.
    """
    of_the_reader = _OF_THE_READER.search(line) or not _STATUS.search(line)
    return HandOver.UNREACHABLE if of_the_reader else HandOver.REFUSED


def _unreachable(fault: Exception) -> str:
    if isinstance(fault, smtplib.SMTPAuthenticationError):
        return "the relay refuses our log-in"
    if isinstance(fault, ssl.SSLError):
        return "the relay's certificate or encryption is not in order"
    if isinstance(fault, TimeoutError) or isinstance(fault.__context__, TimeoutError):
        return "the relay does not answer in time"
    return "the relay cannot be reached"
