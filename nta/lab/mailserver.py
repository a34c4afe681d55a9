"""The lab's mail relay: ESMTP with delivery report parameters (RFC 3461); it accepts what the journal has."""

import asyncio
import logging
from collections.abc import Callable

from aiosmtpd.smtp import SMTP, Envelope, Session

from nta.lab.mail import EnvelopeRecipient

TIMEOUT_S = 30.0
SIZE_LIMIT = 32 << 20

# Content, envelope sender, envelope id and recipients in, done once the mail is safe.
Keep = Callable[[bytes, str, str, tuple[EnvelopeRecipient, ...]], None]


class _Relay(SMTP):
    """Takes RET, ENVID, NOTIFY and ORCPT off the commands, which aiosmtpd itself would refuse."""

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 (aiosmtpd's name)
        rest, taken = _without(arg, ("RET", "ENVID"))
        before = self.envelope.mail_from if self.envelope else None
        await super().smtp_MAIL(rest)
        if self.envelope is not None and before is None and self.envelope.mail_from:
            self.envelope.mail_options.extend(f"{name}={value}" for name, value in taken.items())

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 (aiosmtpd's name)
        rest, taken = _without(arg, ("NOTIFY", "ORCPT"))
        before = len(self.envelope.rcpt_tos) if self.envelope else 0
        await super().smtp_RCPT(rest)
        if self.envelope is not None and len(self.envelope.rcpt_tos) > before:
            # One text for each recipient; none of the values can hold a space.
            self.envelope.rcpt_options.append(" ".join(f"{name}={value}" for name, value in taken.items()))


def _without(arg: str | None, names: tuple[str, ...]) -> tuple[str | None, dict[str, str]]:
    """Return the command's argument without the named parameters, and those."""
    if arg is None:
        return None, {}
    kept, taken = [], {}
    for part in arg.split(" "):
        name, equals, value = part.partition("=")
        if equals and name.upper() in names:
            taken[name.upper()] = value
        else:
            kept.append(part)
    return " ".join(kept), taken


class _Handler:
    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", responses[-1]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        recipients = tuple(map(_recipient, envelope.rcpt_tos, envelope.rcpt_options))
        named = dict(option.split("=", 1) for option in envelope.mail_options if option.startswith("ENVID="))
        content = envelope.original_content or b""
        self._keep(content, envelope.mail_from or "", named.get("ENVID", ""), recipients)
        return "250 2.0.0 taken"


def _recipient(address: str, option: str) -> EnvelopeRecipient:
    taken = dict(part.split("=", 1) for part in option.split())
    notify = tuple(word for word in taken.get("NOTIFY", "").upper().split(",") if word)
    return EnvelopeRecipient(address.lower(), notify, taken.get("ORCPT", ""))


class MailServer:
    """Listens for the service's mails on 127.0.0.1."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> None:
        """Bind the port.

        Raises:
            OSError: the port is in use.
        """
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        loop = asyncio.get_running_loop()
        handler = _Handler(self._keep)
        self._server = await loop.create_server(
            lambda: _Relay(
                handler,
                data_size_limit=SIZE_LIMIT,
                hostname="relay.lab.test",
                ident="lab",
                timeout=TIMEOUT_S,
                loop=loop,
            ),
            "127.0.0.1",
            port,
        )

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
