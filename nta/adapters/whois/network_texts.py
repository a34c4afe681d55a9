"""What a WHOIS text says of a network: the registries' objects (RPSL, ARIN's, LACNIC's), never a person."""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network, summarize_address_range
from typing import Final

from nta.adapters.rdap.network_answers import is_asn
from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.holders import holder_domains
from nta.domain.hosting.lookup_answers import RegisteredNetwork

_NAMED: Final = 0.9  # where the registry names it as the abuse contact
_REMARKED: Final = 0.6  # in a remark that speaks of abuse: written for people
_MOST_LINES: Final = 20_000
_MOST_RANGES: Final = 64
_LONGEST_TEXT: Final = 300
_WIDEST: Final = {4: 8, 6: 16}  # what is wider is a registry's placeholder, not somebody's network
_EMAIL: Final = re.compile(r"[a-z0-9.!#$&'*+/=?^_`{|}~-]+@[a-z0-9.-]+\.[a-z0-9-]*[a-z0-9]", re.IGNORECASE)
_SAID: Final = re.compile(r"^%\s*Abuse contact for '([^']{1,100})' is '([^']{1,200})'", re.IGNORECASE)
_NETWORK: Final = ("inetnum", "inet6num", "netrange")
_REMARKS: Final = ("remarks", "descr", "comment")
_IN_BRACKETS: Final = re.compile(r"^(.*?)\s*\(([^()\s]+)\)$")
_ASN: Final = re.compile(r"AS([0-9]{1,10})(?!\d)", re.IGNORECASE)
_PLACEHOLDER: Final = re.compile(
    r"IANA-|NON-RIPE-NCC|(?:APNIC|RIPE|AFRINIC|LACNIC)-ERX|ERX-NETBLOCK", re.IGNORECASE
)
_REFERRAL: Final = re.compile(r"whois://([a-z0-9-]+(?:\.[a-z0-9-]+)+)", re.IGNORECASE)

Address = IPv4Address | IPv6Address
Block = list[tuple[str, str]]
"""One object of the text: labels in lower case, with what follows each."""


def referral(text: str) -> str | None:
    """Return the server that the answer sends us on to, None when it sends nowhere."""
    for block in _blocks(text):
        for value in _all(block, "referralserver"):
            if found := _REFERRAL.match(value):
                return found[1].lower()
    return None


def network(text: str, ip: str) -> RegisteredNetwork:
    """Return what an answer about an address says of its network.

    Of several networks the narrowest that holds the address counts, with
    the objects that follow it up to the next.

    Raises:
        OutsideError: the text tells of no network that holds the address.
    """
    blocks = list(_blocks(text))
    places = [place for place, block in enumerate(blocks) if block[0][0] in _NETWORK]
    held = [(ends, place) for place in places if (ends := _holds(blocks[place], ip_address(ip)))]
    if not held:
        raise OutsideError("no WHOIS server knows this network", temporary=False)
    (first, last), place = min(held, key=lambda one: (int(one[0][1]) - int(one[0][0]), one[1]))
    after = next((other for other in places if other > place), len(blocks))
    own, around = blocks[place], blocks[place:after]
    ranges = [str(part) for part in summarize_address_range(first, last)][:_MOST_RANGES]
    holder, holder_name = _holder(own, around)
    origin = _ASN.match(_one(own, "originas", "aut-num") or "")
    asn = int(origin[1]) if origin else None
    country = re.match(r"[A-Z]{2}\b", (_one(own, "country") or _of_all(around, "country") or "").upper())
    return RegisteredNetwork(
        handle=_one(own, "nethandle") or own[0][1],
        name=_one(own, "netname"),
        cidr=tuple(ranges),
        country=country[0] if country else None,
        holder=holder,
        holder_name=holder_name,
        asn=asn if is_asn(asn) else None,
        abuse=_abuse(text, blocks, around, (first, last)),
        domains=tuple(holder_domains(_mailboxes(own, around))),
    )


def _blocks(text: str) -> Iterator[Block]:
    """Yield the objects of a text: labelled lines without an empty one between them."""
    block: Block = []
    for line in [*text.splitlines()[:_MOST_LINES], ""]:
        label, mark, value = line.partition(":")
        if not line.strip():
            if block:
                yield block
            block = []
        elif mark and line[0] not in "%# \t+":
            block.append((label.strip().lower(), " ".join(value.split())[:_LONGEST_TEXT]))


def _all(block: Block, *labels: str) -> list[str]:
    return [value for label, value in block if label in labels and value]


def _one(block: Block, *labels: str) -> str | None:
    return next(iter(_all(block, *labels)), None)


def _of_all(blocks: Sequence[Block], *labels: str) -> str | None:
    return next((value for block in blocks if (value := _one(block, *labels))), None)


def _holds(block: Block, address: Address) -> tuple[Address, Address] | None:
    """Return both ends of a network that holds the address; None for others, and for placeholders."""
    try:
        first, last = _ends(block[0][1], address)
    except ValueError:
        return None
    if first.version != address.version or not int(first) <= int(address) <= int(last):
        return None
    widest = 1 << (address.max_prefixlen - _WIDEST[address.version])
    placeholder = _PLACEHOLDER.match(_one(block, "netname") or "")
    return None if placeholder or int(last) - int(first) >= widest else (first, last)


def _ends(text: str, address: Address) -> tuple[Address, Address]:
    if " - " in text:
        first, _, last = text.partition(" - ")
        return ip_address(first.strip()), ip_address(last.strip())
    prefix, mark, length = text.partition("/")
    if mark and address.version == 4:  # LACNIC leaves out what is zero
        prefix += ".0" * (3 - prefix.count("."))
    found = ip_network(f"{prefix}/{length}" if mark else prefix, strict=False)
    return found[0], found[-1]


def _holder(own: Block, around: Sequence[Block]) -> tuple[str | None, str | None]:
    """Return handle and name of the organisation, as RDAP would give them: so both name one party."""
    if told := _one(own, "organization", "customer"):
        found = _IN_BRACKETS.match(told)
        return (found[2], found[1]) if found else (None, told)
    name = _one(own, "owner") or _one(own, "descr")
    handle = _one(own, "org", "ownerid")
    for block in around:
        if handle and block[0] == ("organisation", handle):
            name = _one(block, "org-name") or name
    return handle or _one(own, "mnt-by"), name


def _abuse(
    text: str, blocks: Sequence[Block], around: Sequence[Block], ends: tuple[Address, Address]
) -> tuple[FoundContact, ...]:
    """Return the abuse contacts; those of remarks, marked so, where no other is named."""
    found: dict[str, str] = {}
    for email in (*_said(text, ends), *_labelled(around), *_by_handle(blocks, around)):
        found.setdefault(email.casefold(), email)
    if found:
        return tuple(FoundContact(email, "whois", _NAMED) for email in found.values())
    remarks = [value for block in around for value in _all(block, *_REMARKS) if "abuse" in value.lower()]
    emails = dict.fromkeys(email for value in remarks for email in _EMAIL.findall(value))
    return tuple(FoundContact(email, "remark", _REMARKED) for email in emails)


def _mailboxes(own: Block, around: Sequence[Block]) -> Iterator[str]:
    """Yield all mailboxes of a network's objects: its organisation's, its own, the others'."""
    holders = [block for block in around if block[0][0] == "organisation"]
    for block in (*holders, own, *around):
        for _, value in block:
            yield from _EMAIL.findall(value)


def _said(text: str, ends: tuple[Address, Address]) -> Iterator[str]:
    """Yield what the server itself says about this very network, as RIPE's and others' do."""
    for line in text.splitlines()[:_MOST_LINES]:
        if found := _SAID.match(line):
            try:
                same = _ends(found[1], ends[0]) == ends
            except ValueError:
                continue
            if same:
                yield from _EMAIL.findall(found[2])


def _labelled(around: Sequence[Block]) -> Iterator[str]:
    """Yield what stands behind labels that say so; of ARIN's, the network's own before the organisation's."""
    for label in ("rabuseemail", "abuse-mailbox", "orgabuseemail"):
        for block in around:
            for value in _all(block, label):
                yield from _EMAIL.findall(value)


def _by_handle(blocks: Sequence[Block], around: Sequence[Block]) -> Iterator[str]:
    """Yield the mailboxes of those whom the network or its organisation names as `abuse-c`."""
    handles = {handle for block in around for handle in _all(block, "abuse-c")}
    for block in blocks:
        if handles.intersection(_all(block, "nic-hdl", "nic-hdl-br")):
            for value in _all(block, "abuse-mailbox") or _all(block, "e-mail"):
                yield from _EMAIL.findall(value)
