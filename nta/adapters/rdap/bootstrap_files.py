"""Which RDAP server answers for an address or a domain (RFC 9224): the longest match wins."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from nta.domain.errors import OutsideError
from nta.domain.reasons import Code

_WIDTH = {4: 32, 6: 128}


class Bootstrap:
    """The services of ipv4.json and ipv6.json."""

    def __init__(self, documents: Mapping[int, object]) -> None:
        """Read the files, by IP version. Entries that make no sense are left out.

        Raises: OutsideError when a file as a whole makes no sense.
        """
        self._services: dict[tuple[int, int], dict[int, tuple[str, ...]]] = {}
        for version, document in documents.items():
            for entries, urls in _services(document):
                for entry in entries:
                    self._add(version, entry, urls)
        self._lengths = {
            version: sorted((length for v, length in self._services if v == version), reverse=True)
            for version in documents
        }

    def _add(self, version: int, entry: object, urls: tuple[str, ...]) -> None:
        try:
            range_ = ip_network(entry if isinstance(entry, str) else "")
        except ValueError:
            return
        if range_.version == version:
            same_length = self._services.setdefault((version, range_.prefixlen), {})
            same_length[int(range_.network_address)] = urls

    def servers(self, ip: str) -> tuple[str, ...]:
        """Return the base URLs to ask about an address, https first, each ending in "/".

        Raises: OutsideError when nobody answers for it.
        """
        try:
            address = ip_address(ip)
        except ValueError:
            raise OutsideError(Code.NOT_AN_ADDRESS, temporary=False) from None
        width = _WIDTH[address.version]
        for length in self._lengths.get(address.version, ()):
            prefix = int(address) >> (width - length) << (width - length)
            urls = self._services[address.version, length].get(prefix)
            if urls:
                return urls
        raise OutsideError(Code.NO_REGISTRY_FOR_ADDRESS, temporary=False)


class Suffixes:
    """The services of dns.json."""

    def __init__(self, document: object) -> None:
        """Read the file. Raises OutsideError when it makes no sense as a whole."""
        self._by_suffix: dict[str, tuple[str, ...]] = {}
        for entries, urls in _services(document):
            for entry in entries:
                if isinstance(entry, str) and urls:
                    self._by_suffix[entry.strip().strip(".").lower()] = urls

    def servers(self, name: str) -> tuple[str, ...]:
        """Return the base URLs to ask about a domain, https first, each ending in "/".

        Labels are compared, never parts of them (RFC 9224 section 4).

        Raises: OutsideError when nobody answers for it.
        """
        rest = name.lower()
        while rest:
            if urls := self._by_suffix.get(rest):
                return urls
            rest = rest.partition(".")[2]
        raise OutsideError(Code.NO_RDAP_FOR_SUFFIX, temporary=False)


class Systems:
    """The services of asn.json."""

    def __init__(self, document: object) -> None:
        """Read the file; entries that make no sense are left out. Raises OutsideError when it is none."""
        self._spans: list[tuple[int, int, tuple[str, ...]]] = []
        for entries, urls in _services(document):
            for entry in entries:
                first, _, last = entry.partition("-") if isinstance(entry, str) else ("", "", "")
                if urls and _is_number(first) and _is_number(last or first):
                    self._spans.append((int(first), int(last or first), urls))
        self._spans.sort(key=lambda span: span[1] - span[0])

    def servers(self, asn: int) -> tuple[str, ...]:
        """Return the base URLs to ask about an AS number, none when no registry has it."""
        return next((urls for first, last, urls in self._spans if first <= asn <= last), ())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10


def _services(document: object) -> Sequence[tuple[Sequence[object], tuple[str, ...]]]:
    services: Any = document.get("services") if isinstance(document, dict) else None
    if not isinstance(services, list):
        raise OutsideError(Code.BOOTSTRAP_EMPTY, temporary=False)
    found = []
    for service in services:
        if not (isinstance(service, list) and len(service) >= 2):
            continue
        entries, urls = service[-2], service[-1]  # RFC 8521 puts a contact before these two
        if isinstance(entries, list) and isinstance(urls, list):
            found.append((entries, _in_order(urls)))
    return found


def _in_order(urls: Sequence[object]) -> tuple[str, ...]:
    usable = [url for url in urls if isinstance(url, str) and url.startswith(("https://", "http://"))]
    return tuple(
        url if url.endswith("/") else f"{url}/"
        for url in sorted(usable, key=lambda url: not url.startswith("https://"))
    )
