"""What the desk calls things, in words that are translated; codes stay in the database."""

from typing import Final

from flask_babel import lazy_gettext as _l

from nta.domain.checks.outcomes import Outcome
from nta.domain.policy import DeskRoleName
from nta.domain.reasons import Code, Reason, because
from nta.domain.roles import Severity
from nta.render.words import Word
from nta.web.reason_words import Tables, in_words

WORDS: Final = {
    Word.NO_CONTACT: _l("no contact found"),
    Word.NOBODY_LEFT: _l("nobody left to notify"),
    Word.HELD: _l("held"),
    Word.ESCALATED: _l("escalated"),
    Word.TOLD: _l("notified"),
    Word.PREPARING: _l("notice in preparation"),
    Word.LOOKING_UP: _l("looking up the host"),
    Word.SEEMS_GONE: _l("seems gone"),
    Word.REMOVED: _l("removed, being watched"),
    Word.ENDED: _l("ended"),
}

COLOURS: Final = {
    Word.NO_CONTACT: "red",
    Word.NOBODY_LEFT: "red",
    Word.HELD: "orange",
    Word.ESCALATED: "yellow",
    Word.TOLD: "blue",
    Word.PREPARING: "azure",
    Word.LOOKING_UP: "secondary",
    Word.SEEMS_GONE: "teal",
    Word.REMOVED: "green",
    Word.ENDED: "secondary",
}

OUTCOMES: Final = {
    "removed_after_notice": _l("removed after notice"),
    "gone_before_notice": _l("gone before notice"),
    "moved_before_notice": _l("moved before notice"),
    "moved_after_notice": _l("moved after notice"),
    "disabled_domain": _l("domain disabled"),
    "restricted": _l("restricted"),
    "expired": _l("expired"),
    "withdrawn": _l("withdrawn"),
    "invalid": _l("invalid"),
    "still_online": _l("still online"),
}

ENDED: Final = {
    Outcome.WITHDRAWN: _l("The case was withdrawn. Everyone who was notified is sent a correction."),
    Outcome.INVALID: _l("The case was marked as invalid. Everyone who was notified is sent a correction."),
    Outcome.EXPIRED: _l("The case ended as expired. Nothing more is sent about it."),
    Outcome.RESTRICTED: _l("The case ended as restricted. It can still be seen from elsewhere."),
    Outcome.STILL_ONLINE: _l("The case ended as still online. Nobody is left to notify."),
}
"""What a person is told who has just ended a case so."""

EVENTS: Final = {
    "submitted": _l("Handed in"),
    "submitted_again": _l("Handed in again"),
    "followed": _l("Followed to another host: an episode begins"),
    "reopened": _l("It is back: a new episode begins"),
    "resolved": _l("Host found"),
    "unresolved": _l("No contact found"),
    "told": _l("Notice handed over"),
    "told_hotline": _l("Hotline abroad notified"),
    "told_registrar": _l("Registrar notified"),
    "told_registry": _l("Registry notified"),
    "rung_passed_over": _l("A step of the ladder does not apply"),
    "approval_asked": _l("A notice waits for two leads"),
    "approved": _l("A lead releases the notice"),
    "exhausted": _l("Nobody is left to notify"),
    "held": _l("Held"),
    "released": _l("Released"),
    "seen_up": _l("Seen online"),
    "seen_gone": _l("Seen gone for the first time"),
    "proven_gone": _l("Proven gone"),
    "returned": _l("Online again"),
    "accepted": _l("Notice accepted by the other side"),
    "opened": _l("Notice opened in the portal"),
    "bounced": _l("Notice bounced"),
    "contact_replaced": _l("Contact replaced"),
    "answered": _l("Answered"),
    "answered_removed": _l("Answered: removed"),
    "left_notice": _l("Left the notice before it was sent"),
    "party_joined": _l("Another party serves it too"),
    "domain_disabled": _l("Domain disabled"),
    "origin_named": _l("Address behind the proxy entered"),
    "host_named": _l("Who serves it entered"),
    "entry_withdrawn": _l("What was entered of its host taken back"),
    "moved": _l("Moved to another host"),
    "ended": _l("Episode ended"),
}

ROLES: Final = {
    "host": _l("host"),
    "proxy": _l("proxy"),
    "upstream": _l("upstream network"),
    "site_owner": _l("site owner"),
    "registrar": _l("registrar"),
    "registry": _l("registry"),
    "hotline": _l("hotline abroad"),
    "authority": _l("authority"),
    "police": _l("police"),
}

KINDS: Final = {
    "first": _l("first notice"),
    "reminder": _l("reminder"),
    "escalation": _l("escalation"),
    "upstream": _l("notice to the upstream network"),
    "site_owner": _l("notice to the site owner"),
    "registrar": _l("notice to the registrar"),
    "registry": _l("notice to the registry"),
    "hotline": _l("referral to a hotline"),
    "authority": _l("notice to an authority"),
    "police": _l("notice to the police"),
    "closing": _l("closing notice"),
    "correction": _l("correction"),
}

STATES: Final = {
    "queued": _l("queued"),
    "composed": _l("composed"),
    "handed_over": _l("handed over"),
    "refused": _l("refused by the relay"),
    "not_sent": _l("not sent"),
    "empty": _l("empty: all locations were gone"),
    "waiting_lead": _l("waits for a lead"),
    "declined": _l("declined by a lead"),
}

ANSWERS: Final = {
    "removed": _l("removed"),
    "disabled": _l("access disabled"),
    "account_closed": _l("account closed"),
    "forwarded": _l("passed on to the customer"),
    "not_ours": _l("not on our network"),
    "refused": _l("will not remove it"),
    "need_information": _l("needs more information"),
}

MAILS: Final = {
    "bounce": _l("could not be delivered"),
    "delay": _l("delayed"),
    "delivered": _l("delivery report"),
    "auto_reply": _l("automatic answer"),
    "challenge": _l("a mail filter asks for a person"),
    "reply": _l("reply"),
    "feedback": _l("complaint about our mail"),
    "unknown": _l("other mail"),
    "unreadable": _l("could not be read"),
}

VERDICTS: Final = {
    "up": _l("online"),
    "gone": _l("gone"),
    "moved": _l("moved"),
    "restricted": _l("restricted"),
    "unknown": _l("could not tell"),
}

QUESTIONS: Final = {
    "dns": _l("addresses of the name"),
    "rdap_ip": _l("who holds the network"),
    "route": _l("who announces the address"),
    "rdap_as": _l("who runs the AS"),
    "dns_zone": _l("name servers of the domain"),
    "rdap_domain": _l("registration of the domain"),
    "whois_domain": _l("registration of the domain, on port 43"),
    "security_txt": _l("security.txt of a domain"),
    "origin": _l("who stands behind the proxy"),
}

SOURCES: Final = {
    "dns": _l("the DNS"),
    "rdap": _l("RDAP"),
    "whois": _l("WHOIS"),
    "routing table": _l("the routing table"),
    "origin zone": _l("a zone of origins"),
    "origin look-up": _l("the proxy"),
    "catalogue": _l("the catalogue"),
    "remark": _l("a remark"),
    "upstream": _l("RDAP of the AS"),
    "security_txt": _l("security.txt"),
    "origin_lookup": _l("the proxy"),
    "guess": _l("a guess"),
}
"""Whose word an answer or a contact is."""

HEALTH: Final = {
    "fine": _l("fine"),
    "doubtful": _l("in doubt"),
    "dead": _l("dead"),
}

ARRANGEMENTS: Final = {
    "in_force": _l("in force"),
    "suspected": _l("seen once, not yet believed"),
    "past": _l("past"),
}

CAUSES: Final = {
    "content_present": _l("answers with content"),
    "content_changed": _l("content changed"),
    "not_found": _l("not found (404)"),
    "removed": _l("gone for good (410)"),
    "legal": _l("legal reasons (451)"),
    "soft_404": _l("says not found without the status"),
    "removal_page": _l("page saying it was removed"),
    "suspended_page": _l("page saying the account is suspended"),
    "parked": _l("parked domain"),
    "placeholder": _l("placeholder"),
    "redirect_home": _l("redirects to the front page"),
    "nxdomain": _l("name does not exist"),
    "no_address": _l("name has no address"),
    "domain_hold": _l("domain on hold"),
    "other_host": _l("redirects to another host"),
    "geo_blocked": _l("blocked from here"),
    "forbidden": _l("forbidden (403)"),
    "login_wall": _l("asks for a log-in"),
    "bot_wall": _l("asks for a human"),
    "timeout": _l("no answer in time"),
    "refused": _l("connection refused"),
    "reset": _l("connection cut"),
    "tls_error": _l("certificate fault"),
    "server_error": _l("server error"),
    "dns_failure": _l("name server failed"),
    "too_slow": _l("too slow"),
    "redirect_loop": _l("redirects in circles"),
    "our_network": _l("our own network failed"),
}

STAGES: Final = {
    "submitted": WORDS[Word.LOOKING_UP],
    "unresolved": WORDS[Word.NO_CONTACT],
    "ready": WORDS[Word.PREPARING],
    "notified": WORDS[Word.TOLD],
    "escalated": WORDS[Word.ESCALATED],
    "exhausted": WORDS[Word.NOBODY_LEFT],
    "held": WORDS[Word.HELD],
    "ended": WORDS[Word.ENDED],
}

STEPS: Final = {
    "resolve": _l("look up the host"),
    "send": _l("send the notice"),
    "look": _l("look again"),
    "escalate": _l("notify the next party"),
    "fetch": _l("fetch"),
    "seal": _l("seal"),
    "task": _l("needs a decision"),
}

OWNERS: Final = {"analyst": _l("analyst"), "lead": _l("lead")}

DESK_ROLES: Final = {
    DeskRoleName.ANALYST: _l("analyst"),
    DeskRoleName.LEAD: _l("lead"),
    DeskRoleName.ADMINISTRATOR: _l("administrator"),
    DeskRoleName.AUDITOR: _l("auditor"),
    DeskRoleName.POLICY_READER: _l("reader of figures"),
}

SEVERITIES: Final = {
    Severity.NORMAL: _l("normal"),
    Severity.HIGH: _l("high"),
    Severity.URGENT: _l("urgent"),
}

SEVERITY_COLOURS: Final = {
    Severity.NORMAL: "",  # most cases: no badge
    Severity.HIGH: "orange",
    Severity.URGENT: "red",
}

CLASSES: Final = {
    "baseline": _l("Baseline: illegal nearly everywhere"),
    "national": _l("National: illegal under our law"),
}

SCOPES: Final = {
    "file": _l("one file"),
    "page": _l("one page"),
    "directory": _l("a directory"),
    "site": _l("a whole site"),
}

DEDICATED: Final = {"yes": _l("yes"), "no": _l("no"), "unknown": _l("unknown")}

_TABLES: Final[Tables] = {
    "role": ROLES,
    "kind": KINDS,
    "says": ANSWERS,
    "severity": SEVERITIES,
    "step": QUESTIONS,
    "stage": STAGES,
}
"""The words that reasons are filled with, by the table that a sentence names."""


def reason(why: Reason | None) -> str:
    """Return a reason in the reader's language."""
    return in_words(why, _TABLES)


def left_because(word: str) -> str:
    """Return why a location left its notice, in the reader's language."""
    return reason(because(Code.LEFT_NOTICE, why=word))
