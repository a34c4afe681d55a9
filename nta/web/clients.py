"""Who a request comes from: the peer, or whom a trusted proxy names; and what limits count as one client."""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from flask import request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_FORWARDED: Final = tuple(
    f"HTTP_{name}"
    for name in (
        "FORWARDED",
        "X_FORWARDED_FOR",
        "X_FORWARDED_HOST",
        "X_FORWARDED_PROTO",
        "X_FORWARDED_PORT",
        "X_FORWARDED_PREFIX",
        "X_FORWARDED_BY",
        "X_FORWARDED_SSL",
        "X_REAL_IP",
    )
)
_LONGEST: Final = 2_000
"""Characters of a list of addresses that are read: longer than any chain of proxies writes."""


class Forwarded:
    """A WSGI app that is told the client's own address and scheme, as far as a trusted proxy says them.

    Every forwarded header is taken out on the way, so that nothing behind
    believes what a client wrote. Host names come by Host alone.
    """

    def __init__(self, app: "WSGIApplication", proxies: Sequence[Network], warn: Callable[[], None]) -> None:
        self._app = app
        self._proxies = proxies
        self._warn = warn

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        said = {name: environ.pop(name) for name in _FORWARDED if name in environ}
        peer = read(environ.get("REMOTE_ADDR", ""))
        if peer is not None and self._trusts(peer):
            environ["REMOTE_ADDR"] = str(self._client(peer, said.get("HTTP_X_FORWARDED_FOR", "")))
            scheme = said.get("HTTP_X_FORWARDED_PROTO", "").strip().lower()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        elif "HTTP_X_FORWARDED_FOR" in said:
            self._warn()
        return self._app(environ, start_response)

    def _client(self, peer: Address, listed: str) -> Address:
        """Return the rightmost address that is no proxy of ours; what cannot be read ends the search."""
        nearest = peer
        for part in reversed(listed[-_LONGEST:].split(",")):
            found = read(part)
            if found is None:
                break
            nearest = found
            if not self._trusts(found):
                break
        return nearest

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)


def read(text: str) -> Address | None:
    """Return the address that a peer or a header names, without its port; None for what is none."""
    plain = text.strip().strip('"')
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    try:
        found = ip_address(plain)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def client() -> str:
    """Return what counts as one client: an IPv4 address, or the /64 that one subscriber of IPv6 is given."""
    found = read(request.remote_addr or "")
    if isinstance(found, IPv6Address):
        return str(ip_network((int(found), 64), strict=False))
    return str(found)
