"""Asking a proxy what stands behind a host: what it tells reporters whom it trusts."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from nta.adapters.net.address_policy import Gate
from nta.adapters.net.concurrency import failed, side_by_side
from nta.adapters.net.pinned_connections import Resolve
from nta.adapters.net.rate_limits import RateLimits
from nta.adapters.net.web_services import Web
from nta.adapters.rdap.client import as_json
from nta.adapters.rdap.network_answers import objects, text
from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.lookup_answers import ToldOrigin
from nta.domain.hosting.lookups import Finding, Lookup
from nta.domain.parties.organisations import PartyId
from nta.domain.reasons import Code

_SOURCE: Final = "origin look-up"
_CONTACT: Final = "origin_lookup"
_CONFIDENCE: Final = (
    0.7  # the proxy knows its customer's host, but the host's own word in the registry is nearer
)
_VALID: Final = timedelta(hours=12)
_NOTHING_VALID: Final = timedelta(hours=1)
_LONGEST_ANSWER: Final = 64 << 10
_MOST_ADDRESSES: Final = 16
_MOST_CONTACTS: Final = 8
_WORKERS: Final = 4


class AskedAt(NamedTuple):
    """Where a proxy is asked, and our token with it."""

    url: str
    token: str


class OriginLookUp:
    """Asks the proxy that a look-up names, by `GET <url>?host=<name>` with our token.

    What leaves the house is the host's name: no path, no page, no case. The
    answer is a JSON object {"addresses": [text], "holder_name": text or
    null, "abuse": [{"email": text}]} of 64 KiB at the most; 404 says that
    nothing is known. docs/operations.md holds the protocol for those who
    are to offer it. An address that policy does not let us reach is left
    out: it is nobody's machine.
    """

    def __init__(
        self,
        proxies: Mapping[PartyId, AskedAt],
        gate: Gate,
        ca_file: Path | None = None,
        *,
        resolve: Resolve,
        user_agent: str = "nta",
        connect_timeout_s: float = 5,
        timeout_s: float = 10,
        patience_s: float = 20,
        manners: RateLimits | None = None,
    ) -> None:
        self._proxies = dict(proxies)
        self._gate = gate
        self._patience_s = patience_s
        self._web = partial(
            Web,
            gate,
            resolve,
            ca_file,
            user_agent=user_agent,
            connect_timeout_s=connect_timeout_s,
            timeout_s=timeout_s,
            whole_s=patience_s,
            longest=_LONGEST_ANSWER,
            connections=_WORKERS,
            manners=manners,
        )

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        """Yield a finding for each look-up as answers come; the subject is a host's name."""
        wanted = dict.fromkeys(lookups)
        if not wanted:
            return
        slow = OutsideError(Code.PROXIES_SLOW, temporary=True)
        with self._web() as web:
            yield from side_by_side(
                lambda lookup: self._find(web, lookup, now),
                wanted,
                _WORKERS,
                self._patience_s,
                lambda lookup: failed(lookup, _SOURCE, now, slow),
            )

    def _find(self, web: Web, lookup: Lookup, now: datetime) -> Finding:
        try:
            value = self._answer(web, lookup, now)
        except OutsideError as fault:
            return failed(lookup, _SOURCE, now, fault)
        kept = _VALID if value else _NOTHING_VALID
        return Finding(lookup, value, _SOURCE, now, now + kept, None)

    def _answer(self, web: Web, lookup: Lookup, now: datetime) -> ToldOrigin | None:
        at = self._proxies.get(lookup.whom or "")
        if at is None:
            raise OutsideError(Code.PROXY_NOT_ASKED, temporary=False)
        url = f"{at.url}?host={quote(lookup.subject, safe='')}"
        body = web.get_with_token(url, "application/json", at.token, now)
        if body is None:
            return None
        document = as_json(body)
        if not isinstance(document, dict) or not isinstance(document.get("addresses"), list):
            raise OutsideError(Code.ORIGIN_FORM, temporary=True)
        addresses = list(dict.fromkeys(self._machines(document["addresses"][:_MOST_ADDRESSES])))
        if not addresses:
            return None
        emails = [
            email for contact in objects(document.get("abuse")) if (email := text(contact.get("email")))
        ]
        named = dict.fromkeys(emails[:_MOST_CONTACTS])
        return ToldOrigin(
            lookup.whom,
            tuple(addresses),
            text(document.get("holder_name")),
            tuple(FoundContact(email, _CONTACT, _CONFIDENCE) for email in named),
        )

    def _machines(self, told: Collection[object]) -> Iterator[str]:
        """Yield those addresses that a machine on the internet may have, in their normal form."""
        for one in told:
            try:
                yield self._gate.vet(str(ip_address(one)) if isinstance(one, str) else "")
            except (ValueError, OutsideError):
                continue
