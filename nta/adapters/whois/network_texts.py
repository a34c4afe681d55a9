"""What a WHOIS text says of a network: ranges and names by ipwhois, holder and abuse contacts by ours."""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from nta.adapters.rdap.network_answers import is_asn
from nta.adapters.whois.ipwhois_parsers import AddressRange, Form, ParsedNetwork, parsed_network
from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.holders import holder_domains
from nta.domain.hosting.lookup_answers import RegisteredNetwork
from nta.domain.parties.mail_addresses import IN_TEXT
from nta.domain.reasons import Code

_NAMED: Final = 0.9  # where the registry names it as the abuse contact
_REMARKED: Final = 0.6  # in a remark that speaks of abuse: written for people
_MOST_LINES: Final = 20_000
_MOST_RANGES: Final = 64
_MOST_NETWORKS: Final = 32
_LONGEST_TEXT: Final = 300
_WIDEST: Final = {4: 8, 6: 16}  # what is wider is a registry's placeholder, not somebody's network
_SAID: Final = re.compile(r"^%\s*Abuse contact for '([^']{1,100})' is '([^']{1,200})'", re.IGNORECASE)
_NETWORK: Final = ("inetnum", "inet6num", "netrange")
_OF_HOLDER: Final = ("orgname", "custname", "country")
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
    blocks, address = list(_blocks(text)), ip_address(ip)
    places = [place for place, block in enumerate(blocks) if block[0][0] in _NETWORK][:_MOST_NETWORKS]
    held: list[tuple[int, ParsedNetwork, list[Block]]] = []
    for place, after in zip(places, [*places[1:], len(blocks)], strict=False):
        around = blocks[place:after]
        if (parsed := _parsed(around)) and _holds(parsed, address):
            held.append((sum(part.num_addresses for part in parsed.ranges), parsed, around))
    if not held:
        raise OutsideError(Code.WHOIS_KNOWS_NO_NETWORK, temporary=False)
    _, parsed, around = min(held, key=lambda one: one[0])
    own = around[0]
    holder, holder_name = _holder(own, around, parsed.holder_name)
    origin = _ASN.match(_one(own, "originas", "aut-num") or "")
    asn = int(origin[1]) if origin else None
    return RegisteredNetwork(
        handle=_one(own, "nethandle") or own[0][1],
        name=parsed.name,
        cidr=tuple(str(part) for part in parsed.ranges)[:_MOST_RANGES],
        country=parsed.country,
        holder=holder,
        holder_name=holder_name,
        asn=asn if is_asn(asn) else None,
        abuse=_abuse(text, blocks, around, parsed.ranges),
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


def _parsed(around: Sequence[Block]) -> ParsedNetwork | None:
    """Return what the network at the head of these objects is: its own lines, and where its holder is."""
    own = around[0]
    form: Form = "ripencc"
    if own[0][0] == "netrange":
        form = "arin"
    elif _one(own, "owner", "ownerid"):
        form = "lacnic"
    further = (line for block in around[1:] for line in block if line[0] in _OF_HOLDER)
    return parsed_network(form, (*own, *further))


def _holds(parsed: ParsedNetwork, address: Address) -> bool:
    """Tell whether a network holds the address and is somebody's, no placeholder of a registry."""
    widest = 1 << (address.max_prefixlen - _WIDEST[address.version])
    return (
        any(part.version == address.version and address in part for part in parsed.ranges)
        and sum(part.num_addresses for part in parsed.ranges) <= widest
        and not _PLACEHOLDER.match(parsed.name or "")
    )


def _holder(own: Block, around: Sequence[Block], name: str | None) -> tuple[str | None, str | None]:
    """Return handle and name of the organisation, as RDAP would give them: so both name one party.

    `name` is what the text calls the holder outside an object of its own.
    """
    if told := _one(own, "organization", "customer"):
        found = _IN_BRACKETS.match(told)
        return (found[2], name or found[1]) if found else (None, name or told)
    handle = _one(own, "org", "ownerid")
    for block in around:
        if handle and block[0] == ("organisation", handle):
            name = _one(block, "org-name") or name
    return handle or _one(own, "mnt-by"), name


def _abuse(
    text: str, blocks: Sequence[Block], around: Sequence[Block], ranges: Sequence[AddressRange]
) -> tuple[FoundContact, ...]:
    """Return the abuse contacts; those of remarks, marked so, where no other is named."""
    found: dict[str, str] = {}
    for email in (*_said(text, ranges), *_labelled(around), *_by_handle(blocks, around)):
        found.setdefault(email.casefold(), email)
    if found:
        return tuple(FoundContact(email, "whois", _NAMED) for email in found.values())
    remarks = [value for block in around for value in _all(block, *_REMARKS) if "abuse" in value.lower()]
    emails = dict.fromkeys(email for value in remarks for email in IN_TEXT.findall(value))
    return tuple(FoundContact(email, "remark", _REMARKED) for email in emails)


def _mailboxes(own: Block, around: Sequence[Block]) -> Iterator[str]:
    """Yield all mailboxes of a network's objects: its organisation's, its own, the others'."""
    holders = [block for block in around if block[0][0] == "organisation"]
    for block in (*holders, own, *around):
        for _, value in block:
            yield from IN_TEXT.findall(value)


def _said(text: str, ranges: Sequence[AddressRange]) -> Iterator[str]:
    """Yield what the server itself says about this very network, as RIPE's and others' do."""
    for line in text.splitlines()[:_MOST_LINES]:
        if found := _SAID.match(line):
            about = parsed_network("ripencc", [("inetnum", found[1])])
            if about and about.ranges == ranges:
                yield from IN_TEXT.findall(found[2])


def _labelled(around: Sequence[Block]) -> Iterator[str]:
    """Yield what stands behind labels that say so; of ARIN's, the network's own before the organisation's."""
    for label in ("rabuseemail", "abuse-mailbox", "orgabuseemail"):
        for block in around:
            for value in _all(block, label):
                yield from IN_TEXT.findall(value)


def _by_handle(blocks: Sequence[Block], around: Sequence[Block]) -> Iterator[str]:
    """Yield the mailboxes of those whom the network or its organisation names as `abuse-c`."""
    handles = {handle for block in around for handle in _all(block, "abuse-c")}
    for block in blocks:
        if handles.intersection(_all(block, "nic-hdl", "nic-hdl-br")):
            for value in _all(block, "abuse-mailbox") or _all(block, "e-mail"):
                yield from IN_TEXT.findall(value)
