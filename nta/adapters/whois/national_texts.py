"""What national registries (JPNIC, KRNIC, TWNIC) say of a network on port 43, each in a form of its own."""

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple

from nta.domain.errors import OutsideError
from nta.domain.parties.mail_addresses import IN_TEXT
from nta.domain.reasons import Code

_MOST_LINES: Final = 20_000
_MOST_MAILBOXES: Final = 8
_LONGEST_TEXT: Final = 300
_IN_BRACKETS: Final = re.compile(r"\s*(?:[a-z]\. *)?\[([A-Za-z][A-Za-z -]{1,40})\]\s*(.*)")
_ALLOCATION: Final = re.compile(r"\[Allocation\]\s+(\S.*)")
_GROUP: Final = re.compile(r"JP\d{8}")  # a desk; other handles are persons
_LABELLED: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9 -]{1,30}?)\s*:\s*(.*)")
_HEADING: Final = re.compile(r"\s*\[ ([A-Za-z][A-Za-z ]{1,50}) \]\s*")
_BEHIND: Final = re.compile(r"\s*\([^()]*\)\s*$")

Address = IPv4Address | IPv6Address
Ends = tuple[Address, Address]


class NationalRecord(NamedTuple):
    """What is said of one network that holds the address asked about."""

    ends: Ends
    name: str | None
    holder_name: str | None
    abuse: tuple[str, ...] = ()  # mailboxes that it names for abuse
    desk: tuple[str, ...] = ()  # mailboxes of who runs it, without a word of abuse
    wider: str | None = None  # JPNIC: the allocation around it, as it is asked for
    groups: tuple[str, ...] = ()  # JPNIC: handles of the desks that run it


def jpnic(text: str, ip: str) -> NationalRecord:
    """Return what JPNIC says in its English form (`/e`).

    An assigned network names the allocation around it under "Less Specific
    Info.": the provider's, where the assigned one is its customer's.

    Raises: OutsideError when it tells of no network that holds the address.
    """
    found: dict[str, list[str]] = {}
    wider = None
    is_own = True
    for line in _lines(text):
        is_own = is_own and "Specific Info" not in line
        if is_own and (labelled := _IN_BRACKETS.fullmatch(line)):
            found.setdefault(labelled[1].lower(), []).append(labelled[2].strip())
        elif wider is None and (around := _ALLOCATION.search(line)):
            wider = _ends(around[1])
    ends = _ends(next(iter(found.get("network number", ())), ""))
    if ends is None:
        return _narrowest((), ip)
    contacts = (*found.get("technical contact", ()), *found.get("administrative contact", ()))
    told = NationalRecord(
        ends,
        _first(found.get("network name", ())),
        _first(found.get("organization", ())),
        abuse=_mailboxes(found.get("abuse", ())),
        wider=_as_asked(wider) if wider and wider != ends else None,
        groups=tuple(dict.fromkeys(handle for handle in contacts if _GROUP.fullmatch(handle))),
    )
    return _narrowest((told,), ip)


def jpnic_desk(text: str) -> tuple[str, ...]:
    """Return the mailboxes of a desk that JPNIC was asked for by its handle."""
    labelled = (_IN_BRACKETS.fullmatch(line) for line in _lines(text))
    return _mailboxes(found[2] for found in labelled if found and found[1].lower() == "e-mail")


def krnic(text: str, ip: str) -> NationalRecord:
    """Return what KRNIC says in the English half of its answer.

    What a provider gave on to a customer is passed over for the provider's
    own: the customer may be the one who put the content there.

    Raises: OutsideError when it tells of no network that holds the address.
    """
    found: list[NationalRecord] = []
    section: dict[str, list[str]] = {}
    says_abuse = False
    for line in [*_lines(text), "[ Network Information ]"]:
        if heading := _HEADING.fullmatch(line):
            says_abuse = "abuse" in heading[1].lower()
            if heading[1] == "Network Information":
                found += _krnic_network(section)
                section = {}
        elif labelled := _LABELLED.fullmatch(line):
            label = labelled[1].lower()
            kind = "abuse" if label == "e-mail" and says_abuse else label
            section.setdefault(kind, []).append(labelled[2].strip())
    return _narrowest(found, ip)


def _krnic_network(section: dict[str, list[str]]) -> Iterator[NationalRecord]:
    ends = _ends(next(iter((*section.get("ipv4 address", ()), *section.get("ipv6 address", ()))), ""))
    if ends and "CUSTOMER" not in section.get("network type", ()):
        yield NationalRecord(
            ends,
            _first(section.get("service name", ())),
            _first(section.get("organization name", ())),
            abuse=_mailboxes(section.get("abuse", ())),
            desk=_mailboxes(section.get("e-mail", ())),
        )


def twnic(text: str, ip: str) -> NationalRecord:
    """Return what TWNIC says: a name, a block, and who runs it under "Administrator contact:" and others.

    Raises: OutsideError when it tells of no network that holds the address.
    """
    found: list[NationalRecord] = []
    name: str | None = None
    says_abuse = False
    for line in _lines(text):
        labelled = _LABELLED.fullmatch(line)
        label = labelled[1].lower() if labelled else ""
        value = labelled[2] if labelled else line
        if label == "netname":
            name = _first([value])
        elif label == "netblock":
            found += [NationalRecord(ends, name, None) for ends in [_ends(value)] if ends]
        elif label:
            says_abuse = "abuse" in label or "spam" in label
        if found and (mails := _mailboxes([value])):
            last = found.pop()
            if says_abuse:
                found.append(last._replace(abuse=_mailboxes(last.abuse + mails)))
            else:
                found.append(last._replace(desk=_mailboxes(last.desk + mails)))
    return _narrowest(found, ip)


def _lines(text: str) -> list[str]:
    return [line[:_LONGEST_TEXT] for line in text.splitlines()[:_MOST_LINES]]


def _first(texts: Iterable[str]) -> str | None:
    return next((" ".join(one.split()) for one in texts if one.strip()), None)


def _mailboxes(texts: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for text in texts:
        for email in IN_TEXT.findall(text):
            found.setdefault(email.casefold(), email)
    return tuple(found.values())[:_MOST_MAILBOXES]


def _ends(text: str) -> Ends | None:
    """Return both ends of a range: as CIDR, or from one to another, with a remark in brackets behind."""
    first, mark, last = _BEHIND.sub("", text).partition("-")
    try:
        if mark:
            ends: Ends = ip_address(first.strip()), ip_address(last.strip())
        else:
            around = ip_network(first.strip(), strict=False)
            ends = around[0], around[-1]
    except ValueError:
        return None
    return ends if ends[0].version == ends[1].version and int(ends[0]) <= int(ends[1]) else None


def _as_asked(ends: Ends) -> str:
    return f"{ends[0]}-{ends[1]}"


def _narrowest(found: Iterable[NationalRecord], ip: str) -> NationalRecord:
    """Return the narrowest of the networks that hold the address. Raises OutsideError when none does."""
    address = ip_address(ip)
    holding = [
        told
        for told in found
        if told.ends[0].version == address.version and int(told.ends[0]) <= int(address) <= int(told.ends[1])
    ]
    if not holding:
        raise OutsideError(Code.NATION_KNOWS_NO_NETWORK, temporary=False)
    return min(holding, key=lambda told: int(told.ends[1]) - int(told.ends[0]))
