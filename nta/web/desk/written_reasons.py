"""Reasons that the service wrote down, in words that are translated; a person's own words stay as written."""

import re
from collections.abc import Callable
from re import Match
from typing import Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from nta.web.desk import texts

SENTENCES: Final = {
    # why a step of the ladder does not apply
    "The domain is not known to be dedicated.": _l("The domain is not known to be dedicated."),
    "The party it names cannot be reached.": _l("The party it names cannot be reached."),
    "Hosts in this country are not told directly.": _l("Hosts in this country are not told directly."),
    # why this contact
    "The ladder has changed since the case began.": _l("The ladder has changed since the case began."),
    "The catalogue's contact cannot be reached.": _l("The catalogue's contact cannot be reached."),
    "No source names a contact; this address is a guess.": _l(
        "No source names a contact; this address is a guess."
    ),
    "No source names a contact; abuse@ at the domain of the network's holder is a guess.": _l(
        "No source names a contact; abuse@ at the domain of the network's holder is a guess."
    ),
    "The security.txt of its own domain names this address.": _l(
        "The security.txt of its own domain names this address."
    ),
    "No contact that is named can be used; abuse@ at the domain of the network's holder is a guess.": _l(
        "No contact that is named can be used; abuse@ at the domain of the network's holder is a guess."
    ),
    "No contact that is named can be used; this address is a guess.": _l(
        "No contact that is named can be used; this address is a guess."
    ),
    "Nobody said in time whether this new contact may be used.": _l(
        "Nobody said in time whether this new contact may be used."
    ),
    # what happened
    "the contact told before could not be reached": _l("the contact told before could not be reached"),
    "no longer to be told, or not at this address": _l("no longer to be told, or not at this address"),
    "It is online again, so it is told again.": _l("It is online again, so it is told again."),
    "the hosting country asks for the police first": _l("the hosting country asks for the police first"),
    "the hold is over": _l("the hold is over"),
    "known from what came back": _l("known from what came back"),
    # what a person is asked
    "nobody is left to tell": _l("nobody is left to tell"),
    "nobody can be reached": _l("nobody can be reached"),
    "unresolved": _l("nobody was found who could be told"),
    "sending is off": _l("sending is off"),
    "this step of the ladder needs approval": _l("this step of the ladder needs two leads"),
    "many notices to one party at once": _l("many notices to one party at once"),
    "held: nothing leaves until the police have had their time": _l(
        "held: nothing leaves until the police have had their time"
    ),
    "kept from some places and seen from others": _l("kept from some places and seen from others"),
    "looks have not been able to tell for three days whether it is there": _l(
        "looks have not been able to tell for three days whether it is there"
    ),
    "a reply to read": _l("a reply to read"),
    "a mail filter wants a person to answer": _l("a mail filter wants a person to answer"),
    "a complaint about our mail": _l("a complaint about our mail"),
    "a mail to read": _l("a mail to read"),
    "a report that fits no notice": _l("a report that fits no notice"),
    "a report to read": _l("a report to read"),
    "only its subject names the notice": _l("only its subject names the notice"),
    "nobody we know stands behind it": _l("nobody we know stands behind it"),
    "a mail that could not be read": _l("a mail that could not be read"),
    "a provider will not remove it: read why": _l("a provider will not remove it: read why"),
    "a provider asks for more information": _l("a provider asks for more information"),
    # what fails again and again: see nta.store.work.isolation
    "finding out who serves it fails again and again": _l("finding out who serves it fails again and again"),
    "looking whether it is still there fails again and again": _l(
        "looking whether it is still there fails again and again"
    ),
    "choosing who is told next fails again and again": _l("choosing who is told next fails again and again"),
    "writing a notice about it fails again and again": _l("writing a notice about it fails again and again"),
    "making a notice about it fails again and again": _l("making a notice about it fails again and again"),
    "taking in what a provider said of it fails again and again": _l(
        "taking in what a provider said of it fails again and again"
    ),
    "a new contact waits for a word": _l("a new contact waits for a word"),
    "a person said that a contact may be used": _l("a person said that a contact may be used"),
    # why a location left its notice
    "ended": _l("the case had ended"),
    "held": _l("held"),
    "contact": _l("its contact cannot be reached"),
    "stale": _l("not seen online lately enough"),
    "again": _l("to be sent again"),
    "to be sent again": _l("to be sent again"),
}

_BUT: Final = {
    "mail to it has failed lately": _l("mail to it has failed lately"),
    "the catalogue's contact cannot be reached": _l("the catalogue's contact cannot be reached"),
    "the catalogue's contact was refused": _l("the catalogue's contact was refused"),
    "the approved contact cannot be reached": _l("the approved contact cannot be reached"),
    "another contact cannot be reached": _l("another contact cannot be reached"),
    "another contact was refused": _l("another contact was refused"),
    "another contact is in doubt": _l("another contact is in doubt"),
}
"""What a reason for a contact may end in: how it fares, and what stood before it."""

_PATTERNS: Final[tuple[tuple[re.Pattern[str], Callable[[Match[str]], str]], ...]] = (
    (
        re.compile(r"Nobody in the role of (.+) can be reached\."),
        lambda m: _("Nobody in the role of %(roles)s can be reached.", roles=_roles(m[1])),
    ),
    (
        re.compile(rf"(.+); ({'|'.join(map(re.escape, _BUT))})\."),
        lambda m: f"{_plain(m[1] + '.').removesuffix('.')}; {_BUT[m[2]]}.",
    ),
    (
        re.compile(r"A person approved this contact on (\S+)\."),
        lambda m: _("A person approved this contact on %(day)s.", day=m[1]),
    ),
    (
        re.compile(r"The catalogue's contact, last checked on (\S+)\."),
        lambda m: _("The catalogue's contact, last checked on %(day)s.", day=m[1]),
    ),
    (
        re.compile(r"(.+) names it as the abuse contact\."),
        lambda m: _("%(source)s names it as the abuse contact.", source=m[1]),
    ),
    (
        re.compile(r"(.+) name the same abuse contact\."),
        lambda m: _("%(sources)s name the same abuse contact.", sources=m[1]),
    ),
    (
        re.compile(r"Declined by a lead: (.*)", re.DOTALL),
        lambda m: _("Declined by a lead: %(why)s", why=m[1]),
    ),
    (
        re.compile(r"(\d+) of (\d+): (\w+)"),
        lambda m: _(
            "%(given)s of %(needed)s: %(kind)s", given=m[1], needed=m[2], kind=texts.KINDS.get(m[3], m[3])
        ),
    ),
    (
        re.compile(r"(.+) \((N-\d\d-[0-9A-Z]{4}-[0-9A-Z]{4})\)"),
        lambda m: f"{_plain(m[1])} ({m[2]})",
    ),
)
_SENTENCE_END: Final = re.compile(r"(?<=\.) (?=[A-Z])")


def reason(why: str | None) -> str:
    """Return a reason in the reader's language, as far as it is one of the service's own."""
    if not why:
        return ""
    if "; " in why and why not in SENTENCES and not _SENTENCE_END.search(why):
        parts = why.split("; ")
        if all(_plain(part) != part or part in SENTENCES for part in parts):
            return "; ".join(_plain(part) for part in parts)
    return _plain(why)


def _plain(why: str) -> str:
    known = SENTENCES.get(why) or texts.ANSWERS.get(why) or texts.OUTCOMES.get(why) or texts.VERDICTS.get(why)
    if known is not None:
        return str(known)
    for pattern, say in _PATTERNS:
        if match := pattern.fullmatch(why):
            return str(say(match))
    head, colon, rest = why.partition(": ")
    if colon and " " not in head and (rest in SENTENCES or _plain(rest) != rest):
        return f"{head}: {_plain(rest)}"  # a step of a ladder, which is called as its file calls it
    if colon and head in texts.KINDS:
        return f"{texts.KINDS[head]}: {rest}"
    if _SENTENCE_END.search(why):
        return " ".join(_plain(one) for one in _SENTENCE_END.split(why))
    return why


def _roles(listed: str) -> str:
    names = (texts.ROLES.get(name.replace(" ", "_"), name) for name in listed.split(" or "))
    return str(_(" or ")).join(str(name) for name in names)
