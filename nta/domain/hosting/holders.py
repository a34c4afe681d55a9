"""Whose a network is by the mail domains of its registration, and whom to tell there as a last way."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.lookup_answers import RegisteredNetwork, RegisteredSystem, SecurityFile
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind, said
from nta.domain.hosting.shared_mail_domains import is_nobodys_own
from nta.domain.intake.urls import registrable_domain
from nta.domain.parties.mail_addresses import is_usable

_KEPT: Final = 8
_ASKED: Final = 2  # one is the rule; the second is mostly who keeps the record for the holder
_MOST_MAILBOXES: Final = 5_000
_FROM_FILE: Final = 0.45  # the holder's own word, but of who is told of weaknesses, not of content
_GUESSED: Final = 0.2
_LESS_SURE: Final = 0.01  # for each that is preferred to it

_NAME: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


def domain_of(email: str) -> str | None:
    """Return the registrable domain of a mailbox, None where it is no holder's own.

    Refused are services that give anybody a mailbox, registries, and what
    is no name in the DNS.
    """
    name = email.rpartition("@")[2].strip().rstrip(".").lower()
    domain = registrable_domain(name) if len(name) <= 253 and _NAME.fullmatch(name) else None
    if domain is None or is_nobodys_own(domain) or not is_usable(f"abuse@{domain}"):
        return None
    return domain


def holder_domains(emails: Iterable[str]) -> list[str]:
    """Return the domains of these mailboxes, each once, in the mailboxes' order: the holder's own first."""
    found: dict[str, None] = {}
    for _, email in zip(range(_MOST_MAILBOXES), emails, strict=False):
        if len(found) == _KEPT:
            break
        if domain := domain_of(email):
            found[domain] = None
    return list(found)


def names_desk(told: RegisteredNetwork | RegisteredSystem | None, dead: Collection[str] = ()) -> bool:
    """Tell whether an answer about a network or an AS names an abuse contact that can be written to.

    `dead` holds mailboxes, in lower case, that refused what we wrote. A
    general mailbox of a registration, marked as a guess, is no such contact
    either: the search goes on.
    """
    return any(
        is_usable(c.email) and c.source != "guess" and c.email.lower() not in dead
        for c in (told.abuse if told else ())
    )


def file_of(domain: str) -> Lookup:
    """Return the question for a domain's security.txt (RFC 9116)."""
    return Lookup(LookupKind.SECURITY_TXT, domain)


def files_of(network: RegisteredNetwork | None) -> tuple[Lookup, ...]:
    """Return the questions that a network's registration leaves where nobody names a contact."""
    return tuple(file_of(domain) for domain in (network.domains if network else ())[:_ASKED])


def of_files(files: Iterable[Finding]) -> tuple[FoundContact, ...]:
    """Return the mailboxes that these security.txt name; what comes first is the surer."""
    read = (said(file, SecurityFile) for file in files)
    named = dict.fromkeys(email for file in read if file for email in file.contacts)
    return _declining(list(named), "security_txt", _FROM_FILE)


def found_contacts(
    network: RegisteredNetwork | None,
    system: RegisteredSystem | None,
    files: Sequence[Finding],
    dead: Collection[str] = (),
) -> tuple[FoundContact, ...]:
    """Return the abuse contacts of a network, in the order in which one is looked for after another.

    The network's own registration, that of who announces it, the
    security.txt of the holder's domain, and at last abuse@ there, which
    nobody names (RFC 2142, section 4). `files` holds what was asked of the
    domains; without them nothing is guessed. A mailbox in
    `dead` (see `names_desk`) is no contact to stop at.
    """
    found = list(network.abuse if network else ())
    if not names_desk(network, dead):
        found += system.abuse if system else ()
    if names_desk(network, dead) or names_desk(system, dead):
        return tuple(found)
    found += of_files(files)
    if any(c.source == "security_txt" and c.email.lower() not in dead for c in found):
        return tuple(found)
    guesses = [f"abuse@{file.lookup.subject}" for file in files]
    return (*found, *_declining([email for email in guesses if email not in dead], "guess", _GUESSED))


def _declining(emails: Sequence[str], source: str, sure: float) -> tuple[FoundContact, ...]:
    return tuple(
        FoundContact(email, source, round(max(sure - _LESS_SURE * place, _LESS_SURE), 2))
        for place, email in enumerate(emails)
    )
