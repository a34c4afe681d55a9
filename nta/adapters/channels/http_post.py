"""Posting notices to the providers that take them by HTTP, and what each answer means."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from nta.adapters.net.address_policy import Gate
from nta.adapters.net.pinned_connections import Resolve
from nta.adapters.net.web_services import Web
from nta.domain.errors import OutsideError
from nta.ports import Document, Handed, HandOver, Outgoing
from nta.render.reason_sentences import sentence

HTTP: Final = "http"
"""The name of this channel in the catalogue."""

_GONE: Final = frozenset({404, 410})
_NOT_NOW: Final = frozenset({408, 425, 429})


class HttpPoster:
    """Posts each message to the URL that is its address.

    Every connection passes the gate and is pinned; no redirect is followed,
    and of an answer only its status is read.
    """

    carries = Document.JSON

    def __init__(
        self,
        gate: Gate,
        ca_file: Path | None = None,
        *,
        resolve: Resolve,
        user_agent: str = "nta",
        connect_timeout_s: float = 5,
        timeout_s: float = 10,
    ) -> None:
        self._web = partial(
            Web,
            gate,
            resolve,
            ca_file,
            user_agent=user_agent,
            connect_timeout_s=connect_timeout_s,
            timeout_s=timeout_s,
        )

    def hand_over(self, messages: Iterable[Outgoing], may_go: Callable[[Outgoing], bool]) -> Iterator[Handed]:
        """Yield an outcome for each message as soon as its server has answered.

        Never raises OutsideError: a server that is gone concerns its own
        messages alone. It is not waited for twice in one run.
        """
        waiting = iter(messages)
        silent: set[str] = set()
        with self._web() as web:
            message = next(waiting, None)
            while message is not None:
                handed = _hand_over(web, message, may_go, silent) if may_go(message) else None
                message = next(waiting, None)
                if handed is not None:
                    yield handed


def _hand_over(
    web: Web, message: Outgoing, may_go: Callable[[Outgoing], bool], silent: set[str]
) -> Handed | None:
    """Return what became of one message; None where it may not go once the server is reached."""
    server = urlsplit(message.address.to).netloc
    if server in silent:
        return Handed(message.notice_id, HandOver.LATER, "the server did not answer just before")
    try:
        status = web.post(message.address.to, message.content, "application/json", lambda: may_go(message))
    except OutsideError as fault:
        if fault.temporary:
            silent.add(server)
        result = HandOver.LATER if fault.temporary else HandOver.REFUSED
        return Handed(message.notice_id, result, sentence(fault.reason))
    return None if status is None else Handed(message.notice_id, _meaning(status), f"HTTP {status}")


def _meaning(status: int) -> HandOver:
    """Return what a status says of our message (RFC 9110, 15); a redirect is an address that is not right."""
    if 200 <= status < 300:
        return HandOver.ACCEPTED
    if status in _GONE:
        return HandOver.UNREACHABLE
    return HandOver.LATER if status in _NOT_NOW or status >= 500 else HandOver.REFUSED
