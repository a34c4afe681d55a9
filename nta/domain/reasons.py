"""Reasons: what the service writes down and refuses, as a code with parameters; doors make the sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Code(StrEnum):
    """What a reason says; its sentence stands in templates/reasons/<language>.toml under the value."""

    # A person's own words, and what an earlier release or another system said: as it stands, in `text`.
    SAID = "said"
    OTHER = "other"
    SENTENCES = "sentences"  # several at once, in `all`

    # Why a step of the ladder does not apply
    PASSED_OVER = "passed_over"
    NOT_DEDICATED = "not_dedicated"
    NOT_TOLD_DIRECTLY = "not_told_directly"
    PARTY_UNREACHABLE = "party_unreachable"
    NOBODY_IN_ROLE = "nobody_in_role"
    DECLINED_BY_LEAD = "declined_by_lead"
    NO_LADDER = "no_ladder"

    # Why this contact
    CHOSEN = "chosen"
    OF_CATALOGUE = "of_catalogue"
    APPROVED_BY_PERSON = "approved_by_person"
    NAMED_BY_ONE = "named_by_one"
    NAMED_BY_SEVERAL = "named_by_several"
    NAMED_BY_SECURITY_TXT = "named_by_security_txt"
    GUESSED_ABUSE = "guessed_abuse"
    GUESSED_MAILBOX = "guessed_mailbox"
    GUESSED_ABUSE_INSTEAD = "guessed_abuse_instead"
    GUESSED_MAILBOX_INSTEAD = "guessed_mailbox_instead"
    BY_HEADER_ALONE = "by_header_alone"
    MAIL_FAILED_LATELY = "mail_failed_lately"
    CATALOGUES_REFUSED = "catalogues_refused"
    CATALOGUES_DEAD = "catalogues_dead"
    CATALOGUES_IN_DOUBT = "catalogues_in_doubt"
    APPROVED_REFUSED = "approved_refused"
    APPROVED_DEAD = "approved_dead"
    APPROVED_IN_DOUBT = "approved_in_doubt"
    ANOTHER_REFUSED = "another_refused"
    ANOTHER_DEAD = "another_dead"
    ANOTHER_IN_DOUBT = "another_in_doubt"
    UNSAID = "unsaid"
    LADDER_CHANGED = "ladder_changed"
    ONLINE_AGAIN = "online_again"

    # What happened
    NOTICE = "notice"
    APPROVALS_GIVEN = "approvals_given"
    CONTACT_REPLACED = "contact_replaced"
    NO_LONGER_TOLD = "no_longer_told"
    LEFT_NOTICE = "left_notice"
    TO_SEND_AGAIN = "to_send_again"
    POLICE_FIRST = "police_first"
    HOLD_OVER = "hold_over"
    CONTACT_USABLE = "contact_usable"
    ANSWERED = "answered"
    LOOKUPS_FAILED = "lookups_failed"
    LOOKUP_FAILED = "lookup_failed"
    NO_ADDRESS_FOUND = "no_address_found"

    # What a person is asked: each a task of its own
    NOBODY_FOUND = "nobody_found"
    NOBODY_REACHABLE = "nobody_reachable"
    NOBODY_LEFT = "nobody_left"
    SENDING_OFF = "sending_off"
    TWO_LEADS = "two_leads"
    BURST = "burst"
    HELD = "held"
    SEEN_BY_SOME = "seen_by_some"
    LOOKS_TELL_NOTHING = "looks_tell_nothing"
    NEW_CONTACT = "new_contact"
    WILL_NOT_REMOVE = "will_not_remove"
    WANTS_INFORMATION = "wants_information"
    SERVED_OTHERWISE = "served_otherwise"
    READ_REPLY = "read_reply"
    READ_CHALLENGE = "read_challenge"
    READ_COMPLAINT = "read_complaint"
    READ_MAIL = "read_mail"
    READ_REPORT = "read_report"
    READ_UNFITTING_REPORT = "read_unfitting_report"
    READ_SPOILT_MAIL = "read_spoilt_mail"
    NAMED_IN_SUBJECT_ALONE = "named_in_subject_alone"
    VOUCHED_BY_NOBODY = "vouched_by_nobody"
    RESOLVING_FAILS = "resolving_fails"
    LOOKING_FAILS = "looking_fails"
    ESCALATING_FAILS = "escalating_fails"
    WRITING_FAILS = "writing_fails"
    NOTIFYING_FAILS = "notifying_fails"
    TAKING_ANSWERS_FAILS = "taking_answers_fails"

    # Why something is refused
    NOT_PERMITTED = "not_permitted"
    SAY_WHY = "say_why"
    WORDS_TOO_LONG = "words_too_long"
    NO_CASE = "no_case"
    NO_OPEN_CASE = "no_open_case"
    CASE_ENDED = "case_ended"
    CASE_NOT_HELD = "case_not_held"
    HOLD_TOO_LONG = "hold_too_long"
    CASE_WANTS_DECISION = "case_wants_decision"
    NOTICE_WANTS_DECISION = "notice_wants_decision"
    CONTACT_WANTS_DECISION = "contact_wants_decision"
    TASK_DONE_BEFORE = "task_done_before"
    TASK_OF_LEAD = "task_of_lead"
    SAY_YES_NO = "say_yes_no"
    NO_DOMAIN_TO_MARK = "no_domain_to_mark"
    NO_DOMAIN_HERE = "no_domain_here"
    NEVER_DEDICATED = "never_dedicated"
    STILL_SOMEBODY_LEFT = "still_somebody_left"
    NOBODY_NOTIFIED = "nobody_notified"
    NOT_KEPT_OUT = "not_kept_out"
    CONTACT_APPROVED_BEFORE = "contact_approved_before"
    CONTACT_IS_DEAD = "contact_is_dead"
    CONTACT_REFUSED_BEFORE = "contact_refused_before"
    CONTACT_IS_FINE = "contact_is_fine"
    NO_CONTACT = "no_contact"
    NOTHING_ENTERED = "nothing_entered"
    NOTICE_MAY_LEAVE = "notice_may_leave"
    NOTHING_OPEN_TO_SEND = "nothing_open_to_send"
    NO_MAIL = "no_mail"
    MAIL_WITHOUT_NOTICE = "mail_without_notice"
    RELEASED_BY_YOU = "released_by_you"
    NOTICE_NOT_WAITING = "notice_not_waiting"
    TWO_LEADS_NEEDED = "two_leads_needed"
    NO_LOCATION = "no_location"
    STAGE_FORBIDS = "stage_forbids"
    REFERENCE_LENGTH = "reference_length"
    REFERENCE_SIGNS = "reference_signs"
    REFERENCE_BEGINNING = "reference_beginning"
    REFERENCE_SLIP = "reference_slip"
    URL_TOO_LONG = "url_too_long"
    URL_SCHEME = "url_scheme"
    URL_EMPTY = "url_empty"
    URL_BEGINNING = "url_beginning"
    URL_WITHOUT_HOST = "url_without_host"
    URL_UNREADABLE = "url_unreadable"
    URL_ONION = "url_onion"
    LINE_TOO_LONG = "line_too_long"
    LINE_NOT_TEXT = "line_not_text"
    LINE_NOT_JSON = "line_not_json"
    LINE_WITHOUT_URL = "line_without_url"
    FIELD_NEITHER = "field_neither"
    FIELD_UNKNOWN = "field_unknown"
    LINE_NOT_CSV = "line_not_csv"
    LINE_TOO_WIDE = "line_too_wide"
    COLUMN_UNKNOWN = "column_unknown"
    COLUMN_TWICE = "column_twice"
    FIELD_UNPRINTABLE = "field_unprintable"
    FIELD_TOO_LONG = "field_too_long"
    FIELD_ONE_OF = "field_one_of"
    FIELD_NO_TIME = "field_no_time"
    FIELD_WITHOUT_OFFSET = "field_without_offset"
    FIELD_IN_FUTURE = "field_in_future"
    FIELD_TOO_EARLY = "field_too_early"
    REPORTED_AFTER_RECEIVED = "reported_after_received"
    RECEIVED_AFTER_CONFIRMED = "received_after_confirmed"
    NO_REPORT = "no_report"
    PERIOD_REVERSED = "period_reversed"

    # Why a look-up has no answer
    NOBODY_ASKED = "nobody_asked"
    ANSWER_UNREADABLE = "answer_unreadable"
    ANSWER_TOO_LONG = "answer_too_long"
    ANSWER_NOT_JSON = "answer_not_json"
    ANSWER_SENSELESS = "answer_senseless"
    SERVER_WITHOUT_ADDRESS = "server_without_address"
    SERVER_URL_UNREADABLE = "server_url_unreadable"
    SERVER_SILENT = "server_silent"
    SERVER_INSECURE = "server_insecure"
    SERVER_UNREACHABLE = "server_unreachable"
    SERVER_SAYS_NOTHING = "server_says_nothing"
    SERVER_ANSWERED = "server_answered"
    SERVER_LEADS_ASTRAY = "server_leads_astray"
    ACCESS_LED_ASTRAY = "access_led_astray"
    ACCESS_REFUSED = "access_refused"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    ADDRESS_BARRED = "address_barred"
    SERVERS_SLOW = "servers_slow"
    OWN_PACE = "own_pace"
    ASKED_FOR_REST = "asked_for_rest"
    ASKED_TOO_OFTEN = "asked_too_often"
    WAS_SILENT = "was_silent"
    NO_DNS_CONFIGURED = "no_dns_configured"
    NO_DNS_ANSWER = "no_dns_answer"
    DNS_SLOW = "dns_slow"
    DNS_ANSWERED = "dns_answered"
    DNS_SENSELESS = "dns_senseless"
    DNS_CIRCLE = "dns_circle"
    NAME_NOT_OF_DNS = "name_not_of_dns"
    REGISTRIES_SLOW = "registries_slow"
    NO_REGISTRY_FOR_ADDRESS = "no_registry_for_address"
    NO_REGISTRY_FOR_DOMAIN = "no_registry_for_domain"
    NO_RDAP_FOR_SUFFIX = "no_rdap_for_suffix"
    NOT_AN_ADDRESS = "not_an_address"
    BOOTSTRAP_LACKS = "bootstrap_lacks"
    BOOTSTRAP_UNREADABLE = "bootstrap_unreadable"
    BOOTSTRAP_EMPTY = "bootstrap_empty"
    RDAP_NOT_AN_OBJECT = "rdap_not_an_object"
    RDAP_ERROR = "rdap_error"
    RDAP_NOT_A_DOMAIN = "rdap_not_a_domain"
    RDAP_NOT_A_NETWORK = "rdap_not_a_network"
    RDAP_NOT_A_SYSTEM = "rdap_not_a_system"
    WHOIS_SLOW = "whois_slow"
    WHOIS_CIRCLE = "whois_circle"
    NO_WHOIS_FOR_ADDRESS = "no_whois_for_address"
    NO_WHOIS_FOR_SUFFIX = "no_whois_for_suffix"
    WHOIS_KNOWS_NO_NETWORK = "whois_knows_no_network"
    WHOIS_SAYS_NOTHING = "whois_says_nothing"
    NATION_KNOWS_NO_NETWORK = "nation_knows_no_network"
    NAME_NOT_ASKED = "name_not_asked"
    ROUTES_UNREADABLE = "routes_unreadable"
    ROUTES_NOT_WHOLE = "routes_not_whole"
    ROUTES_EMPTY = "routes_empty"
    ORIGIN_ZONE_SENSELESS = "origin_zone_senseless"
    PROXIES_SLOW = "proxies_slow"
    PROXY_NOT_ASKED = "proxy_not_asked"
    ORIGIN_FORM = "origin_form"
    SECURITY_TXT_EXPIRED = "security_txt_expired"
    SECURITY_TXT_ELSEWHERE = "security_txt_elsewhere"
    SECURITY_TXT_NOT_TEXT = "security_txt_not_text"
    ONION_NOT_ASKED = "onion_not_asked"
    LOCALHOST_NOT_ASKED = "localhost_not_asked"
    LOCAL_NOT_ASKED = "local_not_asked"
    INTERNAL_NOT_ASKED = "internal_not_asked"
    ALT_NOT_ASKED = "alt_not_asked"
    ASKED_FROM = "asked_from"
    ONE_OF_SEVERAL = "one_of_several"


@dataclass(frozen=True, slots=True)
class Reason:
    """A code, what its sentence is filled with, and what is to be said besides.

    A parameter is a word or name, a number, another reason, or several of
    one of these. `besides` are clauses behind the sentence: what else a
    reader has to know, which makes no other reason of it.
    """

    code: Code
    params: Mapping[str, "Param"] = field(default_factory=dict, hash=False)
    besides: tuple["Reason", ...] = ()


Param = str | int | Reason | tuple[str, ...] | tuple[Reason, ...]


def because(code: Code, **params: Param) -> Reason:
    """Return a reason with these parameters."""
    return Reason(code, params)


def other(text: str) -> Reason:
    """Return what has no code, as it stands."""
    return Reason(Code.OTHER, {"text": text})


def said(words: str | None) -> Reason | None:
    """Return a person's own words as a reason, None where there are none."""
    return Reason(Code.SAID, {"text": words}) if words else None


def sentences(*reasons: Reason | None) -> Reason:
    """Return several reasons as one, each a sentence of its own; those that are None are left out."""
    given = tuple(one for one in reasons if one is not None)
    return given[0] if len(given) == 1 else Reason(Code.SENTENCES, {"all": given})
