"""Who stands behind a mail that came back: our own relay, the domain that we wrote to, or nobody we know.

A token of ours or one of our Message-IDs ties a mail to its notice; neither
can be guessed, but whoever was given the notice knows them. What may be done
because of a mail hangs on who wrote it besides.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final

from nta.domain.hosting.shared_mail_domains import is_nobodys_own
from nta.domain.intake.urls import registrable_domain
from nta.domain.notices.mail_parts import Mail, headers
from nta.domain.notices.returned_mail import Meaning


class Tie(StrEnum):
    """By what a mail belongs to a notice."""

    TOKEN = "token"  # noqa: S105  # it came to the return path of the notice
    THREAD = "thread"  # it answers or returns the notice's Message-ID
    SUBJECT = "subject"  # its subject names the reference, which is no secret


@dataclass(frozen=True, slots=True)
class Ours:
    """What is ours on the way back: the form of our return path, our hosts, and how our relay signs.

    `authserv` is the name under which our relay writes Authentication-Results
    (RFC 8601, section 2.5). It has to take such fields out that others wrote
    under this name (section 5).
    """

    return_path: str | None = None
    hosts: tuple[str, ...] = ()
    authserv: str | None = None


@dataclass(frozen=True, slots=True)
class MailWriter:
    """Who says to have written a mail, and what our relay verified of that."""

    sender: str | None  # the only address in From
    reporting_mta: str | None  # the system that a delivery report names as its own
    verified: frozenset[str] | None  # domains; None where our relay wrote nothing


def writer_of(message: Mail, meaning: Meaning, ours: Ours) -> MailWriter:
    """Return who wrote a mail, as far as the mail and our relay say."""
    return MailWriter(sole_sender(message), meaning.reporting_mta, verified_domains(message, ours.authserv))


def is_vouched_report(writer: MailWriter, contact: str, ours: Ours) -> bool:
    """Tell whether a delivery report is our relay's or that of the domain that `contact` is under.

    Where our relay writes what it verified, only that counts; what bears no
    such field never came from outside, so our relay wrote it. Else the
    domain of From counts, or the system that the report names as its own.
    """
    claimed = [name for name in (writer.sender, writer.reporting_mta) if name]
    if ours.authserv and writer.verified is None:
        return any(_is_of(name, host) for name in claimed for host in ours.hosts)
    if writer.verified is not None:
        organisations = {_organisation(domain) for domain in writer.verified}
        claimed = [name for name in claimed if _organisation(_host(name)) in organisations]
        claimed += [one for one in organisations if not is_nobodys_own(one)]
    return any(_is_of(name, one) for name in claimed for one in (contact, *ours.hosts))


def is_vouched_answer(writer: MailWriter, contact: str, ours: Ours) -> bool:
    """Tell whether an answer is from the domain that `contact` is under, as far as anybody verified it."""
    if writer.sender is None or not _is_of(writer.sender, contact):
        return False
    if not ours.authserv:
        return True
    verified = {_organisation(domain) for domain in writer.verified or ()}
    return _organisation(_host(writer.sender)) in verified


# --- From

_LONGEST: Final = 4_000  # of a field that is read here; quotes that never close are sought in quadratic time
_QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"")
_SENDER: Final = re.compile(r"[^\s<>@,;:()\"]{1,64}@[A-Za-z0-9.-]{1,255}")


def sole_sender(message: Mail) -> str | None:
    """Return the address in From, in lower case; None where it is none, or more than one.

    Readers differ in which of two addresses they show, so two are nobody's.
    """
    fields = list(headers(message, "From"))
    if len(fields) != 1:
        return None
    found = {
        one.lower().rstrip(".") for one in _SENDER.findall(_QUOTED.sub(" ", _plain(fields[0][:_LONGEST])))
    }
    return found.pop() if len(found) == 1 else None


def _plain(field: str) -> str:
    """Return a field without its comments (RFC 5322, section 3.2.2), which may stand within each other."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for sign in field:
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = True
        elif sign == '"' and not depth:
            quoted = not quoted
        elif sign == "(" and not quoted:
            depth += 1
        elif sign == ")" and depth and not quoted:
            depth -= 1
            continue
        if not depth:
            kept.append(sign)
    return "".join(kept)


# --- Authentication-Results

_MOST_FIELDS: Final = 20
_RESULT: Final = re.compile(r"\s*(spf|dkim|dmarc)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)", re.IGNORECASE)
_PROPERTY: Final = re.compile(
    r"\b(smtp\.(?:mailfrom|helo)|header\.(?:d|i|from))\s*=\s*\"?([^\s\";]{1,320})", re.IGNORECASE
)
_OF_METHOD: Final = {
    "spf": ("smtp.mailfrom", "smtp.helo"),
    "dkim": ("header.d", "header.i"),
    "dmarc": ("header.from",),
}


def verified_domains(message: Mail, authserv: str | None) -> frozenset[str] | None:
    """Return the domains that our relay verified by SPF, DKIM or DMARC; None where it wrote nothing.

    Of each method the topmost field that tells of it counts, and no other:
    what is further down may be the sender's own.
    """
    if not authserv:
        return None
    domains: set[str] = set()
    told: set[str] = set()
    wrote = False
    for field in islice(headers(message, "Authentication-Results"), _MOST_FIELDS):
        name, _, results = _plain(field[:_LONGEST]).partition(";")
        if (name.split() or [""])[0].lower() != authserv.lower():
            continue
        wrote = True
        here = list(_passes(results))
        domains.update(domain for method, domain in here if domain and method not in told)
        told.update(method for method, _ in here)
    return frozenset(domains) if wrote else None


def _passes(results: str) -> Iterator[tuple[str, str]]:
    """Yield each method that a field tells of, with the domain that passed it or an empty string."""
    for one in results.split(";"):
        match = _RESULT.match(one)
        if match is None:
            continue
        method = match[1].lower()
        named = {name.lower(): value.lower() for name, value in _PROPERTY.findall(one)}
        found = next((named[name] for name in _OF_METHOD[method] if named.get(name)), "")
        yield method, _host(found) if match[2].lower() == "pass" else ""


# --- whose a name is

_DAEMONS: Final = frozenset({"mailer-daemon", "postmaster"})


def _is_of(name: str, known: str) -> bool:
    """Tell whether an address or host belongs to the organisation of a known address or host.

    Under a domain where anybody has a mailbox only the same address does, or
    the system's own.
    """
    organisation = _organisation(_host(known))
    if not organisation or _organisation(_host(name)) != organisation:
        return False
    if not is_nobodys_own(organisation):
        return True
    return name.lower() == known.lower() or name.partition("@")[0].lower() in _DAEMONS


def _host(name: str) -> str:
    return name.rpartition("@")[2].strip().strip(".").lower()


def _organisation(host: str) -> str:
    """Return the registrable domain of a host, or the host itself where it has none."""
    return (registrable_domain(host) if 0 < len(host) <= 255 else None) or host
