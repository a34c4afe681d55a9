"""What an earlier release wrote as sentences is read as codes, and older code finds sentences again."""

from typing import Any

from sqlalchemy import text

from nta.domain.kept_reasons import loaded
from nta.domain.notices.notice_state import SentProof
from nta.domain.reasons import Code, Reason, because, sentences
from nta.store import schema
from nta.store.db.database import Database
from nta.store.db.handle import Store
from tests.builders import make_case, make_notice
from tests.conftest import NINE

GUESS = "No source names a contact; abuse@ at the domain of the network's holder is a guess"
EVENTS = [
    ("rung_passed_over", "registry: The domain is not known to be dedicated.",
     because(Code.PASSED_OVER, rung="registry", why=Reason(Code.NOT_DEDICATED))),
    ("rung_passed_over", "first: Nobody in the role of site owner or host can be reached.",
     because(Code.PASSED_OVER, rung="first", why=because(Code.NOBODY_IN_ROLE, roles=("site_owner", "host")))),
    ("rung_passed_over", "police: Declined by a lead: no order: yet",
     because(Code.PASSED_OVER, rung="police", why=because(Code.DECLINED_BY_LEAD, text="no order: yet"))),
    ("told", "first: rdap:ORG-1", because(Code.NOTICE, kind="first", party="rdap:ORG-1")),
    ("approval_asked", "registry: registry:x", because(Code.NOTICE, kind="registry", party="registry:x")),
    ("approved", "1 of 2: registry", because(Code.APPROVALS_GIVEN, given=1, needed=2, kind="registry")),
    ("left_notice", "stale", because(Code.LEFT_NOTICE, why="stale")),
    ("left_notice", "to be sent again", Reason(Code.TO_SEND_AGAIN)),
    ("answered", "not_ours", because(Code.ANSWERED, says="not_ours")),
    ("held", "the hosting country asks for the police first", Reason(Code.POLICE_FIRST)),
    ("held", "two towns; both asked", because(Code.OTHER, text="two towns; both asked")),
    ("bounced", "5.1.1 550 unknown", because(Code.OTHER, text="5.1.1 550 unknown")),
    ("unresolved", "ladders: none is for a normal case hosted in an unknown country",
     because(Code.NO_LADDER, severity="normal", country="unknown")),
    ("unresolved", "rdap_ip: cut", because(Code.OTHER, text="rdap_ip: cut")),
]  # fmt: skip
RDAP = because(Code.NAMED_BY_ONE, source="rdap")
CONTACTS = [
    ("The catalogue's contact, last checked on 2026-03-01.",
     because(Code.CHOSEN, why=because(Code.OF_CATALOGUE, day="2026-03-01"))),
    ("RDAP names it as the abuse contact; mail to it has failed lately; another contact was refused.",
     because(Code.CHOSEN, why=Reason(
         Code.NAMED_BY_ONE, {"source": "rdap"},
         (Reason(Code.MAIL_FAILED_LATELY), Reason(Code.ANOTHER_REFUSED))))),
    (f"{GUESS}; mail to it has failed lately. It is online again, so it is told again.",
     sentences(because(Code.CHOSEN, why=Reason(Code.GUESSED_ABUSE, {}, (Reason(Code.MAIL_FAILED_LATELY),))),
               Reason(Code.ONLINE_AGAIN))),
    ("RDAP and WHOIS name the same abuse contact.",
     because(Code.CHOSEN, why=because(Code.NAMED_BY_SEVERAL, sources=("rdap", "whois")))),
    ("RDAP names it as the abuse contact; cut at two hundr", because(
        Code.OTHER, text="RDAP names it as the abuse contact; cut at two hundr")),
]  # fmt: skip
TASKS = [
    ("unresolved", {Code.NOBODY_FOUND: ()}),
    ("a reply to read (N-26-7K3M-4QXT); nobody we know stands behind it",
     {Code.READ_REPLY: (Reason(Code.VOUCHED_BY_NOBODY),)}),
    ("held: nothing leaves until the police have had their time; a reply to read (N-26-7K3M-4QXT)",
     {Code.HELD: (), Code.READ_REPLY: ()}),
    ("sending is off; nobody is left to tell", {Code.SENDING_OFF: (), Code.NOBODY_LEFT: ()}),
    ("the registrar; has changed", {Code.OTHER: ()}),
]  # fmt: skip


def run(database: Database, statement: str, **given: Any) -> list[Any]:
    with database.write() as connection:
        result = connection.execute(text(statement), given)
        return list(result) if result.returns_rows else []


def written_before(database: Database, episode: int) -> None:
    """Write what the release before the codes wrote."""
    for number, (kind, why, _) in enumerate(EVENTS):
        run(
            database,
            "INSERT INTO event (id, episode_id, at, kind, who, why, stage, presence) "
            "VALUES (:id, :episode, 0, :kind, 'x', :why, 'ready', 'up')",
            id=number,
            episode=episode,
            kind=kind,
            why=why,
        )
    run(database, "INSERT INTO party (id, name, source, seen_at) VALUES ('rdap:P', 'P', 'rdap', 0)")
    for number, (why, _) in enumerate(CONTACTS):
        run(
            database,
            "INSERT INTO addressee (id, episode_id, party, role, why, rung, kind) "
            "VALUES (:id, :episode, 'rdap:P', :role, :why, 'first', 'first')",
            id=number,
            episode=episode,
            role=f"r{number}",
            why=why,
        )
    for number, (reason, _) in enumerate(TASKS):
        run(
            database,
            "INSERT INTO due (kind, subject, due_at, tries, owner, reason) "
            "VALUES ('task', :id, 7, 0, 'lead', :reason)",
            id=number,
            reason=reason,
        )


def whys(database: Database, table: str) -> list[str]:
    return [why for (why,) in run(database, f"SELECT why FROM {table} ORDER BY id")]


def test_sentences_become_codes_and_sentences_again(database: Database, store: Store) -> None:
    case = make_case(store, "http://quick.example/x", NINE)
    notice = make_notice(store, [case], NINE)
    schema.downgrade(database, "0012")
    run(database, "DELETE FROM event")
    event = "INSERT INTO notice_event (id, notice_id, at, kind, proof, settled) "
    event += "VALUES (1, :id, 0, 'x', 'known from what came back', true)"
    run(database, event, id=notice.notice_id)
    written_before(database, case.episode_id)

    schema.upgrade(database)

    assert list(map(loaded, whys(database, "event"))) == [reason for *_, reason in EVENTS]
    kept = whys(database, "addressee")[: len(CONTACTS)]
    assert list(map(loaded, kept)) == [reason for _, reason in CONTACTS]
    asked = run(database, "SELECT subject, reason, owner, due_at FROM task")
    for number, (_, expected) in enumerate(TASKS):
        reasons = [loaded(kept) for subject, kept, *_ in asked if subject == number]
        assert {reason.code: reason.besides for reason in reasons} == expected
    assert {(owner, at) for *_, owner, at in asked} == {("lead", 7)}
    assert run(database, "SELECT 1 FROM due WHERE kind = 'task'") == []
    assert run(database, "SELECT proof FROM notice_event WHERE id = 1") == [(SentProof.CAME_BACK,)]

    schema.downgrade(database, "0012")

    back = whys(database, "event")
    assert back[3:5] == ["first: rdap:ORG-1", "registry: registry:x"]
    assert (back[8], back[10]) == ("not_ours", EVENTS[10][1])
    assert len(run(database, "SELECT 1 FROM due WHERE kind = 'task'")) == len(TASKS)
