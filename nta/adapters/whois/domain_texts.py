"""What a WHOIS text says of a domain, in whatever form: its registrar and status, or that nobody has it."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.lookup_answers import NamedRegistrar, RegisteredDomain
from nta.domain.parties.mail_addresses import IN_TEXT
from nta.domain.reasons import Code

_NAMED: Final = 0.9  # an address on a line, or in a block, that says abuse
_MOST_LISTED: Final = 64
_MOST_LINES: Final = 20_000
_LONGEST_BLOCK: Final = 50
_LONGEST_LINE: Final = 1_000
_LONGEST_TEXT: Final = 300

_LABELLED: Final = re.compile(r"^(\s*)(?:\[([^\]]{1,60})\]|([^:\s][^:]{0,60}?)[\s.]*:(?!//))(?:\s+|$)(.*)$")
_LABEL_ALONE: Final = re.compile(r"^(\s*)([A-Za-z][A-Za-z \-/']{2,60})$")
_COMMENT: Final = re.compile(r"^\s*[%#;*]+")
_NO_WORD: Final = re.compile(r"[\W_]+")

_REGISTRAR: Final = (
    "registrar",
    "sponsoring registrar",
    "registrar name",
    "registrar organization",
    "authorized agency",  # .kr
    "registration service provider",  # .tw
    "current registar",  # .kz, which spells it so
)
_REGISTRAR_BLOCK: Final = ("registrar", "registrar information", "registrar contact", "sponsoring registrar")
_NAME_IN_BLOCK: Final = ("name", "registrar name", "organization", "organisation", "registrar")
_CODE: Final = re.compile(r"[A-Z0-9]+(?:-[A-Z0-9]+)+")  # a registry's own short name of a registrar
_LINK_BEHIND: Final = re.compile(r"\s+\(\s*https?://[^)]*\)$")
_NOBODY: Final = re.compile(r"no registrar\b", re.IGNORECASE)  # .uk, of names it holds itself
_IANA: Final = ("registrar iana id", "sponsoring registrar iana id", "registrar id iana", "iana id")
_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_STATUS: Final = ("domain status", "status", "state", "eppstatus", "registration status")
_NAMESERVER: Final = (
    "name server",
    "name servers",
    "nserver",
    "nameserver",
    "nameservers",
    "domain nameservers",
    "host name",
    "hostname",
    "domain servers in listed order",
    "dns",
)
_REGISTERED_BY: Final = (
    *_REGISTRAR,
    *_NAMESERVER[:6],
    "creation date",
    "created",
    "created on",
    "registered",
    "registered on",
    "registered date",
    "registration date",
    "registration time",
    "expiry date",
    "registry expiry date",
    "expires",
    "expiration date",
    "paid till",
    "domain roid",
    "record created",
    "registrant",
    "holder c",
    "domain status",
)
_NOT_THERE: Final = re.compile(
    r"\bno match\b|\bnot found\b|\bno matching record\b|\bno such domain\b|\bnothing found\b|"
    r"\bno (?:data|entries|objects?|records?|domains?)(?: was| were)? found\b|"
    r"\bno information available about domain\b|\bno matching objects? found\b|\bnot known in\b|"
    r"\b(?:is|are) free\b|\bnot (?:been )?registered\b|\bis available\b|\bdoes not exist\b|"
    r"\bnot available for\b|\bavailable for (?:registration|purchase)\b",
    re.IGNORECASE,
)
_FREE_STATUS: Final = frozenset(
    {"free", "available", "not registered", "not found", "220 available", "no object found", "unregistered"}
)
_TOO_MANY: Final = re.compile(
    r"\b(?:quota|limit|rate|queries|requests|lookups)\b[^\n]{0,40}\bexceed|\bexceeded\b[^\n]{0,40}"
    r"\b(?:quota|limit|rate|number of)\b|\btoo many (?:requests|queries|connections)\b|\btry again later\b|"
    r"\btemporarily (?:blocked|denied|unavailable)\b|\bblacklisted\b",
    re.IGNORECASE,
)
_REFERRAL: Final = ("refer", "whois", "whois server", "referral server", "referralserver")
_REGISTRARS_SERVER: Final = ("registrar whois server", "registrar whois", "whois server")
_CHARSETS: Final = ("utf-8", "cp1252", "latin-1")


class _Line(NamedTuple):
    """One line of a record: label in lower case without marks ("" where it has none), and what follows."""

    indent: int
    label: str
    value: str
    is_comment: bool


def decoded(data: bytes) -> str:
    """Return the text of an answer, whatever its charset: names may suffer, addresses never do."""
    charsets = ("iso2022_jp", *_CHARSETS) if b"\x1b$" in data else _CHARSETS
    for charset in charsets:
        try:
            return data.decode(charset)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def wants_rest(text: str) -> bool:
    """Tell whether the server answered that it was asked too often, and nothing else."""
    lines = list(_lines(text))
    return _TOO_MANY.search(text) is not None and not (_is_registered(lines) or _is_free(lines, text))


def referral(text: str) -> str | None:
    """Return the server that a record about a suffix refers to."""
    return _server(text, _REFERRAL)


def registrars_server(text: str) -> str | None:
    """Return the registrar's own WHOIS server, where the registry names one."""
    return _server(text, _REGISTRARS_SERVER)


def domain(text: str, name: str) -> RegisteredDomain:
    """Return what a text says of the domain `name`.

    Raises: OutsideError when the text says neither that somebody has the
    name nor that nobody has.
    """
    lines = list(_lines(text))
    registered = _is_registered(lines)
    if not registered and not _is_free(lines, text):
        raise OutsideError(Code.WHOIS_SAYS_NOTHING, temporary=True)
    return RegisteredDomain(
        name=name,
        suffix=name.partition(".")[2],
        registered=registered,
        registrar=_registrar(lines) if registered else None,
        status=_statuses(lines) if registered else (),
        nameservers=_nameservers(lines, name) if registered else (),
        source="whois",
    )


def _lines(text: str) -> Iterator[_Line]:
    for raw in text.splitlines()[:_MOST_LINES]:
        line = raw[:_LONGEST_LINE].rstrip().expandtabs(8)
        comment = _COMMENT.match(line)
        body = line[comment.end() :] if comment else line
        found = _LABELLED.match(body)
        if found:
            label = _NO_WORD.sub(" ", (found[2] or found[3]).lower()).strip()
            yield _Line(len(found[1]), label, found[4].strip()[:_LONGEST_TEXT], bool(comment))
        else:
            stripped = body.strip()
            yield _Line(len(body) - len(body.lstrip()), "", stripped[:_LONGEST_TEXT], bool(comment))


def _is_registered(lines: list[_Line]) -> bool:
    """Tell whether something is said that only a registration has."""
    for place, line in enumerate(lines):
        if line.label in _REGISTERED_BY and not line.is_comment:
            if line.label in _STATUS and line.value.lower() in _FREE_STATUS:
                return False
            if line.value or _block(lines, place):
                return True
    said = {line.label: line.value.lower() for line in lines if line.value and not line.is_comment}
    named = said.keys() & {"domain", "domain name"}
    return bool(named) and said.get("status", "free") not in _FREE_STATUS


def _is_free(lines: list[_Line], text: str) -> bool:
    said = (line.value.lower() for line in lines if line.label in (*_STATUS, "query status"))
    return any(value in _FREE_STATUS for value in said) or _NOT_THERE.search(text) is not None


def _registrar(lines: list[_Line]) -> NamedRegistrar | None:
    abuse = list(dict.fromkeys(_abuse(lines)))[:_MOST_LISTED]
    name = _registrar_name(lines)
    number = next(
        (line.value for line in lines if line.label in _IANA and _NUMBER.fullmatch(line.value)), None
    )
    if not (name or number or abuse):
        return None
    return NamedRegistrar(name, number, tuple(FoundContact(email, "whois", _NAMED) for email in abuse))


def _registrar_name(lines: list[_Line]) -> str | None:
    """Return the name behind the label, else the one in the block under it."""
    for wanted in _REGISTRAR:
        for place, line in enumerate(lines):
            if line.label == wanted and line.value and not line.is_comment:
                behind = _block(lines, place, level=True) if _CODE.fullmatch(line.value) else []
                return _first(behind, "name") or line.value
    for place, line in enumerate(lines):
        head = line.label or _NO_WORD.sub(" ", line.value.lower()).strip()
        if head in _REGISTRAR_BLOCK and (not line.label or not line.value):
            block = _block(lines, place, level=True)
            for wanted in _NAME_IN_BLOCK:
                named = _first(block, wanted)
                if named:
                    return named
            plain = next((one.value for one in block if not one.label and one.value), None)
            if plain and not _NOBODY.match(plain):
                return _LINK_BEHIND.sub("", plain)
    return None


def _first(lines: list[_Line], label: str) -> str | None:
    return next((line.value for line in lines if line.label == label and line.value), None)


def _block(lines: list[_Line], place: int, *, level: bool = False) -> list[_Line]:
    """Return the lines under a heading, up to a gap: indented deeper or, with `level`, as deep as it.

    Lines as deep as their heading are as often about something else: where
    an address is sought, they are not its block.
    """
    head = lines[place]
    found: list[_Line] = []
    for line in lines[place + 1 : place + 1 + _LONGEST_BLOCK]:
        if not (line.label or line.value) or line.indent < head.indent:
            break
        deeper = found[0].indent > head.indent if found else not level
        if line.indent == head.indent and deeper:
            break
        found.append(line)
    return found


def _abuse(lines: list[_Line]) -> Iterator[str]:
    """Yield addresses on lines whose label says abuse, and in blocks under such a label."""
    for place, line in enumerate(lines):
        if "abuse" not in line.label.split() and "abuse" not in line.label:
            continue
        found = IN_TEXT.findall(line.value)
        yield from found
        if not found and not line.value:
            for inner in _block(lines, place):
                yield from IN_TEXT.findall(inner.value)


def _statuses(lines: list[_Line]) -> tuple[str, ...]:
    """Return the statuses in the words of RDAP (RFC 8056), without the links behind them."""
    found: dict[str, None] = {}
    for line in lines:
        if line.label in _STATUS and line.value and not line.is_comment:
            for part in line.value.split(","):
                word = part.split("http")[0].strip(" (")
                found[_in_rdaps_words(word)] = None
    return tuple(status for status in found if status)[:_MOST_LISTED]


def _in_rdaps_words(status: str) -> str:
    if not re.fullmatch(r"[a-z]+(?:[A-Z][a-z]+)*", status):
        return status[:60]
    words = re.sub(r"(?<!^)([A-Z])", r" \1", status).lower()
    return {"ok": "active"}.get(words, words)


def _nameservers(lines: list[_Line], name: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for place, line in enumerate(lines):
        if line.label not in _NAMESERVER or line.is_comment:
            continue
        for one in (line.value, *(inner.value for inner in _block(lines, place) if not line.value)):
            host = one.split()[0].rstrip(".,").lower() if one.split() else ""
            if "." in host and host != name:
                found[host] = None
    return tuple(found)[:_MOST_LISTED]


def _server(text: str, labels: tuple[str, ...]) -> str | None:
    """Return the host named behind one of the labels, in the order of the labels."""
    lines = list(_lines(text))
    for label in labels:
        for line in lines:
            if line.label == label and not line.is_comment:
                host = line.value.lower().removeprefix("whois://").removeprefix("rwhois://")
                host = host.partition("/")[0].partition(":")[0].strip().rstrip(".")
                if re.fullmatch(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", host):
                    return host
    return None
