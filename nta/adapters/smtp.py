"""Handing messages to our own relay, and what it says to each."""

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from email.utils import parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import certifi

from nta.domain.errors import OutsideError
from nta.ports import Handed, Outgoing

_PORTS: Final = {"smtp": 25, "smtps": 465}
_LONGEST_LINE: Final = 300
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]+")  # no database keeps a NUL
_LINE_ENDS: Final = re.compile(rb"\r\n|\r|\n")
_CLOSING: Final = 421  # the relay says this and hangs up (RFC 5321, 3.8)
# A relay that filters quotes what it filtered: nothing of that may reach a record in clear.
_LINKS: Final = re.compile(r"\b[a-z]+://\S+", re.IGNORECASE)
_ADDRESSES: Final = re.compile(r"<?[^\s<>@,;:]+@[^\s<>@,;]+>?")
_NAMES: Final = re.compile(r"\b(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]+\b(?:/\S*)?", re.IGNORECASE)


class SmtpMailer:
    """Hands messages to the relay the administrator named.

    The relay's address comes from our settings, not from a case: the gate does
    not apply to it. `url` is smtp://host:port or smtps://user:password@host:port;
    STARTTLS is used whenever it is offered, and certificates are checked.
    """

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

    def hand_over(self, messages: Sequence[Outgoing]) -> Iterator[Handed]:
        """Yield an outcome for each message as soon as the relay has answered, over one connection.

        Reports of delivery, delay and failure are asked for where the relay
        can (RFC 3461), with the notice's id as envelope id.

        Raises: OutsideError when the relay cannot be reached or hangs up;
        messages not yet answered for were not taken, or taken without our
        knowing.
        """
        if not messages:
            return
        try:
            relay = self._connect()
        except (OSError, smtplib.SMTPException) as fault:
            raise OutsideError(_unreachable(fault), temporary=True) from None
        try:
            for message in messages:
                handed, is_closing = _send(relay, message)
                yield handed
                if is_closing:
                    raise OutsideError("the relay closes the connection", temporary=True)
            _leave(relay)
        except (OSError, smtplib.SMTPException):
            raise OutsideError("the relay broke off", temporary=True) from None
        finally:
            relay.close()

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


def _send(relay: smtplib.SMTP, message: Outgoing) -> tuple[Handed, bool]:
    """Return the relay's word on one message, and whether it is hanging up."""
    content = _LINE_ENDS.sub(b"\r\n", message.content)
    refusal = _not_for_this_relay(relay, message, content)
    if refusal:
        return Handed(message.notice_id, taken=False, temporary=False, line=refusal), False
    code, text = relay.mail(message.return_path, _mail_options(relay, message, content))
    if code == 250:
        code, text = relay.rcpt(message.recipient, _rcpt_options(relay, message))
        if code in (250, 251):
            try:
                code, text = relay.data(content)
            except smtplib.SMTPDataError as fault:  # DATA itself was refused
                code, text = fault.smtp_code, _bytes(fault.smtp_error)
            if code == 250:
                return Handed(message.notice_id, taken=True, temporary=False, line=_line(code, text)), False
    if code == -1:
        raise smtplib.SMTPServerDisconnected("no code in the reply")
    handed = Handed(message.notice_id, taken=False, temporary=code < 500, line=_line(code, text))
    if code != _CLOSING:
        relay.rset()
    return handed, code == _CLOSING


def _not_for_this_relay(relay: smtplib.SMTP, message: Outgoing, content: bytes) -> str | None:
    limit = relay.esmtp_features.get("size", "")
    if limit.isdigit() and 0 < int(limit) < len(content):
        return f"552 not sent: {len(content)} bytes, the relay takes {limit}"
    if not all(_is_plain(address) for address in (message.return_path, message.recipient)):
        return "553 not sent: an address that is not one"
    if _needs_utf8(message) and not relay.has_extn("smtputf8"):
        return "553 not sent: the relay takes no international addresses"
    return None


def _is_plain(address: str) -> bool:
    """Return whether an address stands for itself: smtplib would pick one out of anything else."""
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
    return not (message.return_path + message.recipient).isascii()


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


def _unreachable(fault: Exception) -> str:
    if isinstance(fault, smtplib.SMTPAuthenticationError):
        return "the relay refuses our log-in"
    if isinstance(fault, ssl.SSLError):
        return "the relay's certificate or encryption is not in order"
    if isinstance(fault, TimeoutError) or isinstance(fault.__context__, TimeoutError):
        return "the relay does not answer in time"
    return "the relay cannot be reached"


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")
