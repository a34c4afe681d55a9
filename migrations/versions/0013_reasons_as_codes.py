"""Reasons as codes: what was written as a sentence becomes a code with parameters; tasks get a table."""

import json
import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

Plain = dict[str, Any]

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT_ONCE = 1_000

_NOTICE = re.compile(
    r"(first|reminder|escalation|upstream|site_owner|registrar|registry|hotline|authority|police|closing"
    r"|correction): (\S+)"
)

# Sentences that stand for one code each; a full stop at their end counts.
_WHOLE = {
    "The domain is not known to be dedicated.": "not_dedicated",
    "Hosts in this country are not told directly.": "not_told_directly",
    "The party it names cannot be reached.": "party_unreachable",
    "The ladder has changed since the case began.": "ladder_changed",
    "It is online again, so it is told again.": "online_again",
    "Nobody said in time whether this new contact may be used.": "unsaid",
    "the contact told before could not be reached": "contact_replaced",
    "the hosting country asks for the police first": "police_first",
    "the hold is over": "hold_over",
    "no longer to be told, or not at this address": "no_longer_told",
    "a person said that a contact may be used": "contact_usable",
    "to be sent again": "to_send_again",
    "no address was found": "no_address_found",
    "nobody can be reached": "nobody_reachable",
    "nobody is left to tell": "nobody_left",
    "unresolved": "nobody_found",
    "sending is off": "sending_off",
    "this step of the ladder needs approval": "two_leads",
    "many notices to one party at once": "burst",
    "held: nothing leaves until the police have had their time": "held",
    "kept from some places and seen from others": "seen_by_some",
    "looks have not been able to tell for three days whether it is there": "looks_tell_nothing",
    "a new contact waits for a word": "new_contact",
    "a provider will not remove it: read why": "will_not_remove",
    "a provider asks for more information": "wants_information",
    "a reply to read": "read_reply",
    "a mail filter wants a person to answer": "read_challenge",
    "a complaint about our mail": "read_complaint",
    "a mail to read": "read_mail",
    "a report to read": "read_report",
    "a report that fits no notice": "read_unfitting_report",
    "a mail that could not be read": "read_spoilt_mail",
    "finding out who serves it fails again and again": "resolving_fails",
    "looking whether it is still there fails again and again": "looking_fails",
    "choosing who is told next fails again and again": "escalating_fails",
    "writing a notice about it fails again and again": "writing_fails",
    "making a notice about it fails again and again": "notifying_fails",
    "taking in what a provider said of it fails again and again": "taking_answers_fails",
}

# Clauses of why a contact was chosen: the first says where it is from, the others how it fares.
_FROM = {
    "The security.txt of its own domain names this address": "named_by_security_txt",
    "No source names a contact; abuse@ at the domain of the network's holder is a guess": "guessed_abuse",
    "No source names a contact; this address is a guess": "guessed_mailbox",
    "No contact that is named can be used; abuse@ at the domain of the network's holder is a guess": (
        "guessed_abuse_instead"
    ),
    "No contact that is named can be used; this address is a guess": "guessed_mailbox_instead",
}
_BUT = {
    "that this proxy serves the page is said by a header field of its answers alone": "by_header_alone",
    "mail to it has failed lately": "mail_failed_lately",
    "the catalogue's contact was refused": "catalogues_refused",
    "the catalogue's contact cannot be reached": "catalogues_dead",
    "the catalogue's contact is in doubt": "catalogues_in_doubt",
    "the approved contact was refused": "approved_refused",
    "the approved contact cannot be reached": "approved_dead",
    "the approved contact is in doubt": "approved_in_doubt",
    "another contact was refused": "another_refused",
    "another contact cannot be reached": "another_dead",
    "another contact is in doubt": "another_in_doubt",
}
_SOURCES = {
    "RDAP": "rdap",
    "WHOIS": "whois",
    "the catalogue": "catalogue",
    "a remark": "remark",
    "RDAP of the network that announces the address": "upstream",
    "the proxy before the host": "origin_lookup",
    "security.txt": "security_txt",
}
_NO_LADDER = re.compile(r"ladders: none is for a (\w+) case hosted in (.+)")
_MAIL_BUT = {
    "only its subject names the notice": "named_in_subject_alone",
    "nobody we know stands behind it": "vouched_by_nobody",
}
_PROOFS = {"known from what came back": "came_back", "an answer came": "answered"}
_PROOF = "UPDATE notice_event SET proof = :new WHERE proof = :old"
_SAYS = ("removed", "disabled", "account_closed", "forwarded", "not_ours", "refused", "need_information")
_LEFT = ("ended", "held", "contact", "stale", "again", "gone", "moved")
_TASKS_OF_MAILS = frozenset(
    ("read_reply", "read_challenge", "read_complaint", "read_mail", "read_report", "read_spoilt_mail")
)


def upgrade() -> None:
    op.create_table(
        "task",
        sa.Column("subject", _NUMBER, nullable=False, autoincrement=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text().with_variant(sa.String(200), "sqlite"), nullable=False),
        sa.Column("owner", sa.String(24), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "code", name="pk_task"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_task_due_at", "task", ["due_at"])
    _widen(sa.Text(), sa.String(200))
    _change("event", "why", ("id",), _of_event)
    _change("addressee", "why", ("id",), lambda text, _: _of_contact(text))
    _change("hand_in_line", "reason", ("hand_in_id", "line"), lambda text, _: _other(text))
    for sentence, word in _PROOFS.items():
        op.execute(sa.text(_PROOF).bindparams(old=sentence, new=word))
    _move_tasks()
    for column in ("owner", "reason"):
        op.drop_column("due", column)


def downgrade() -> None:
    op.add_column("due", sa.Column("owner", sa.String(64)))
    op.add_column("due", sa.Column("reason", sa.String(200)))
    op.execute(
        "INSERT INTO due (kind, subject, due_at, tries, owner, reason) "
        "SELECT 'task', subject, min(due_at), 0, min(owner), min(code) FROM task GROUP BY subject"
    )
    op.drop_index("ix_task_due_at", table_name="task")
    op.drop_table("task")
    for sentence, word in _PROOFS.items():
        op.execute(sa.text(_PROOF).bindparams(old=word, new=sentence))
    _change("event", "why", ("id",), lambda text, _: None, back=True)
    _change("addressee", "why", ("id",), lambda text, _: None, back=True)
    _change("hand_in_line", "reason", ("hand_in_id", "line"), lambda text, _: None, back=True)
    _widen(sa.String(200), sa.Text())


def _widen(to: sa.types.TypeEngine[Any], was: sa.types.TypeEngine[Any]) -> None:
    if op.get_bind().dialect.name == "sqlite":
        return  # SQLite keeps any length, and a table would have to be written anew
    for table, column in (("event", "why"), ("addressee", "why"), ("hand_in_line", "reason")):
        op.alter_column(table, column, type_=to, existing_type=was)


def _change(
    table: str,
    column: str,
    key: tuple[str, ...],
    read: Callable[[str, str], Plain | None],
    *,
    back: bool = False,
) -> None:
    """Write a column anew, a part at a time, in the order of its key."""
    bind = op.get_bind()
    kind = "kind" if table == "event" else "''"
    keys = ", ".join(key)
    places = ", ".join(f":{name}" for name in key)
    after = dict.fromkeys(key, -1)
    asked = sa.text(
        f"SELECT {keys}, {column}, {kind} FROM {table} "  # noqa: S608  # our own names
        f"WHERE {column} IS NOT NULL AND ({keys}) > ({places}) ORDER BY {keys} LIMIT {_AT_ONCE}"
    )
    where = " AND ".join(f"{name} = :{name}" for name in key)
    put = sa.text(f"UPDATE {table} SET {column} = :new WHERE {where}")  # noqa: S608
    while rows := bind.execute(asked, after).all():
        written = []
        for *numbers, text, event in rows:
            after = dict(zip(key, numbers, strict=True))
            new = _sentence(text)[:200] if back else _kept(read(text, event) or _other(text))
            written.append({**after, "new": new})
        bind.execute(put, written)


def _move_tasks() -> None:
    bind = op.get_bind()
    tasks = bind.execute(
        sa.text("SELECT subject, due_at, owner, reason FROM due WHERE kind = 'task' ORDER BY subject")
    ).all()
    rows: dict[tuple[int, str], Plain] = {}
    for subject, due_at, owner, text in tasks:
        for reason in _of_task(text or ""):
            given = {"subject": subject, "code": reason["code"], "reason": _kept(reason)}
            rows.setdefault(
                (subject, reason["code"]), {**given, "owner": owner or "analyst", "due_at": due_at}
            )
    if rows:
        into = "INSERT INTO task (subject, code, reason, owner, due_at) "
        put = sa.text(into + "VALUES (:subject, :code, :reason, :owner, :due_at)")
        bind.execute(put, list(rows.values()))
    bind.execute(sa.text("DELETE FROM due WHERE kind = 'task'"))


def _kept(reason: Plain) -> str:
    return json.dumps(reason, ensure_ascii=False, separators=(",", ":"))


def _other(text: str) -> Plain:
    return {"code": "other", "text": text}


def _of_event(text: str, kind: str) -> Plain:
    """Return what an event said; of a kind whose words are a person's or a server's, these words."""
    if kind == "rung_passed_over" and ": " in text:
        rung, _, why = text.partition(": ")
        return {"code": "passed_over", "rung": rung, "why": _of_rung(why)}
    if kind in ("answered", "answered_removed") and text in _SAYS:
        return {"code": "answered", "says": text}
    if kind == "left_notice" and text in _LEFT:
        return {"code": "left_notice", "why": text}
    if kind == "approved" and (count := re.fullmatch(r"(\d+) of (\d+): (\w+)", text)):
        return {"code": "approvals_given", "given": int(count[1]), "needed": int(count[2]), "kind": count[3]}
    if (kind.startswith("told") or kind == "approval_asked") and (notice := _NOTICE.fullmatch(text)):
        return {"code": "notice", "kind": notice[1], "party": notice[2]}
    return _known(text) or _other(text)


def _known(text: str) -> Plain | None:
    if none := _NO_LADDER.fullmatch(text):
        country = "unknown" if none[2] == "an unknown country" else none[2]
        return {"code": "no_ladder", "severity": none[1], "country": country}
    return {"code": _WHOLE[text]} if text in _WHOLE else None


def _of_rung(text: str) -> Plain:
    if declined := re.fullmatch(r"Declined by a lead: (.*)", text, re.DOTALL):
        return {"code": "declined_by_lead", "text": declined[1]}
    if nobody := re.fullmatch(r"Nobody in the role of (.+) can be reached\.", text):
        return {"code": "nobody_in_role", "roles": [r.replace(" ", "_") for r in nobody[1].split(" or ")]}
    return {"code": _WHOLE[text]} if text in _WHOLE else _other(text)


def _of_contact(text: str) -> Plain:
    """Return why a contact was chosen: what says so, how it fares, and what was known besides."""
    more: list[Plain] = []
    for sentence, code in _WHOLE.items():
        if sentence.endswith(".") and text.endswith(f" {sentence}"):
            text = text.removesuffix(f" {sentence}")
            more.insert(0, {"code": code})
    chosen = _chosen(text.removesuffix(".")) if text.endswith(".") else None
    if chosen is None:
        return _other(" ".join([text, *(_sentence_of(one) for one in more)]))
    return {"code": "sentences", "all": [chosen, *more]} if more else chosen


def _chosen(text: str) -> Plain | None:
    besides: list[Plain] = []
    while text not in _FROM and "; " in text:
        text, _, clause = text.rpartition("; ")
        if clause not in _BUT:
            return None
        besides.insert(0, {"code": _BUT[clause]})
    why = _origin(text)
    if why is None:
        return None
    return {"code": "chosen", "why": why | ({"besides": besides} if besides else {})}


def _origin(text: str) -> Plain | None:
    if text in _FROM:
        return {"code": _FROM[text]}
    if day := re.fullmatch(r"The catalogue's contact, last checked on (\S+)", text):
        return {"code": "of_catalogue", "day": day[1]}
    if day := re.fullmatch(r"A person approved this contact on (\S+)", text):
        return {"code": "approved_by_person", "day": day[1]}
    known = {name[:1].upper() + name[1:]: word for name, word in _SOURCES.items()} | _SOURCES
    if one := re.fullmatch(r"(.+) names it as the abuse contact", text):
        return {"code": "named_by_one", "source": known.get(one[1], one[1])}
    if many := re.fullmatch(r"(.+) name the same abuse contact", text):
        return {"code": "named_by_several", "sources": [known.get(n, n) for n in many[1].split(" and ")]}
    return None


def _of_task(text: str) -> list[Plain]:
    """Return what one task asked: several things once stood in one, joined; a reference stood behind one."""
    found: list[Plain] = []
    for part in text.split("; "):
        plain = re.sub(r" \(N-\d\d-[0-9A-Z]{4}-[0-9A-Z]{4}\)$", "", part)
        if plain in _MAIL_BUT and found and found[-1]["code"] in _TASKS_OF_MAILS:
            found[-1].setdefault("besides", []).append({"code": _MAIL_BUT[plain]})
        elif known := _known(plain):
            found.append(known)
        else:
            return [_other(text)]
    return found


def _sentence(kept: str) -> str:
    """Return a sentence for code that knows no codes: what a person or server said, else the code's."""
    try:
        return _sentence_of(json.loads(kept))
    except (ValueError, LookupError, TypeError):
        return kept


def _sentence_of(reason: Plain) -> str:
    code = str(reason["code"])
    if "text" in reason:
        return str(reason["text"])
    if code == "answered":
        return str(reason["says"])
    if code == "notice":
        return f"{reason['kind']}: {reason['party']}"
    if code == "passed_over":
        return f"{reason['rung']}: {_sentence_of(reason['why'])}"
    if code == "sentences":
        return " ".join(_sentence_of(one) for one in reason["all"])
    back = {word: sentence for sentence, word in _WHOLE.items()}
    return back.get(code, code.replace("_", " "))
