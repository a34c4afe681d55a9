"""What ipwhois reads of answers that we fetched, of networks and of origins; it never asks by itself."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final, Literal, NamedTuple

from ipwhois.asn import IPASN
from ipwhois.exceptions import ASNParseError
from ipwhois.net import Net
from ipwhois.whois import RIR_WHOIS, Whois

# Made without its __init__ it has neither resolver nor opener: nothing of the library can ask anybody.
_OFFLINE: Final = Net.__new__(Net)
_OFFLINE.address_str = ""
_NETWORKS: Final = Whois(_OFFLINE)
_ORIGINS: Final = IPASN(_OFFLINE)
_FIELDS: Final = ("name", "country", "description")
# What is handed over, each label as the library knows it: of ranges the first, free text last. The library
# takes the line after an empty label for its value, a label within a line for one, each range for a network.
_RANGES: Final = frozenset({"netrange", "cidr", "inetnum", "inet6num"})
_ARIN: Final = {
    "netrange": "NetRange",
    "cidr": "CIDR",
    "netname": "NetName",
    "country": "Country",
    "orgname": "OrgName",
    "custname": "CustName",
}
_RPSL: Final = {label: label for label in ("inetnum", "inet6num", "netname", "country", "owner", "descr")}
_COUNTRY: Final = re.compile(r"[A-Z]{2}\b")

Form = Literal["arin", "lacnic", "ripencc"]
"""ARIN's, LACNIC's, or the RPSL that RIPE, APNIC and AFRINIC write alike."""
AddressRange = IPv4Network | IPv6Network


class ParsedNetwork(NamedTuple):
    """What a text says of one network; `ranges` are in order."""

    ranges: tuple[AddressRange, ...]
    name: str | None
    country: str | None
    holder_name: str | None


class ParsedOrigin(NamedTuple):
    """Who announces which prefix; of several numbers the first."""

    prefix: AddressRange
    asn: int


def parsed_network(form: Form, labelled: Iterable[tuple[str, str]]) -> ParsedNetwork | None:
    """Return what the lines of one network say; None where they name no range of addresses.

    `labelled` holds labels in lower case, each with what follows it.
    """
    said: dict[str, list[str]] = {}
    for label, value in labelled:
        if value and not (label in _RANGES and label in said):
            said.setdefault(label, []).append(value)
    known = _ARIN if form == "arin" else _RPSL
    lines = [f"{known[label]}: {value}\n" for label in known for value in said.get(label, ())]
    found = _NETWORKS.lookup(
        response="".join([*lines, "."]),
        asn_data={"asn_registry": form},
        field_list=_FIELDS,
        is_offline=True,
    )["nets"]
    if not found:
        return None
    first: dict[str, Any] = found[0]
    try:
        ranges = tuple(sorted(ip_network(one) for one in first["cidr"].split(", ")))
    except TypeError:  # of both families
        return None
    country = _COUNTRY.match(first["country"] or "")
    return ParsedNetwork(
        ranges,
        first["name"],
        country[0] if country else None,
        (first["description"] or "").partition("\n")[0] or None,
    )


def parsed_origin(text: str) -> ParsedOrigin | None:
    """Return what `AS | prefix | CC | registry | date` says; a zone of one's own may end after the prefix."""
    try:
        said = _ORIGINS.parse_fields_dns(_complete(text, registry_at=3))
        return ParsedOrigin(ip_network(said["asn_cidr"], strict=False), int(said["asn"].split()[0]))
    except (ASNParseError, ValueError, IndexError):
        return None


def parsed_system(text: str) -> tuple[str, str] | None:
    """Return number and name that `AS | CC | registry | date | name` says."""
    try:
        said = _ORIGINS.parse_fields_verbose_dns(_complete(text, registry_at=2))
    except ASNParseError:
        return None
    return said["asn"], said["asn_description"]


def _complete(text: str, registry_at: int) -> str:
    """Return the text with what the library insists on and we do not use: five parts, a known registry."""
    parts = [part.strip() for part in text.split("|")]
    parts += [""] * (5 - len(parts))
    if parts[registry_at] not in RIR_WHOIS:
        parts[registry_at] = "ripencc"
    return "|".join(parts)
