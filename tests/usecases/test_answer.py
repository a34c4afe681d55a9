"""A provider opens its notice and answers; the jobs turn that into dates, events and a look."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from nta.domain.errors import RefusedError
from nta.domain.notices.answers import AnswerSlip, ItemAnswer
from nta.store.db.handle import Store
from nta.store.db.sealing import Keyring
from nta.store.tables import (
    Addressee,
    AnswerRow,
    AuditEntry,
    Due,
    Episode,
    Event,
    Notice,
    NoticeEvent,
    PortalLink,
)
from nta.store.work import due
from nta.usecases import answer
from tests.builders import MadeCase, MadeNotice, make_case, make_notice
from tests.conftest import NINE, hours
from tests.mails import keep
from tests.people import by

LATER = NINE + hours(3)


@pytest.fixture
def cases(store: Store) -> list[MadeCase]:
    return [make_case(store, f"http://images.quick.example/p/{n}", NINE) for n in (1, 2)]


@pytest.fixture
def notice(store: Store, cases: list[MadeCase]) -> MadeNotice:
    return make_notice(store, cases, NINE + hours(1))


def say(
    store: Store, notice: MadeNotice, items: Sequence[int], says: str, at: datetime, **more: Any
) -> answer.Taken:
    """Answer items of a notice as the portal would; what has to be explained is."""
    if says in ("refused", "need_information"):
        more = {"why": "we see nothing there"} | more
    return answer.answer(store, notice.token, [ItemAnswer(item, says, **more) for item in items], at)


def rows(store: Store, query: object) -> list:
    with store.db.read() as connection:
        return list(connection.execute(query).all())  # type: ignore[call-overload]


def events(store: Store, episode: int) -> list[tuple[str, str]]:
    query = select(Event.kind, Event.who).where(Event.episode_id == episode).order_by(Event.id)
    return [tuple(row) for row in rows(store, query)]


def test_the_face_shows_no_url_and_records_nothing(store: Store, notice: MadeNotice) -> None:
    face = answer.face(store, notice.token, LATER)

    assert (face.reference, face.items, face.oldest_at) == (notice.reference, 2, NINE - hours(1))
    assert "quick" not in repr(face)
    assert not rows(store, select(NoticeEvent.id).where(NoticeEvent.kind == "opened"))


def test_opening_the_list_twice_records_it_once(
    store: Store, notice: MadeNotice, cases: list[MadeCase]
) -> None:
    listing = answer.listing(store, notice.token, LATER)
    answer.listing(store, notice.token, LATER + hours(1))

    assert [item.url for item in listing.items] == [case.url for case in cases]
    opened = rows(store, select(NoticeEvent.at, NoticeEvent.settled).where(NoticeEvent.kind == "opened"))
    assert opened == [(LATER, False)]


@pytest.mark.parametrize("fault", ["unknown", "expired", "revoked", "short", "not ascii"])
def test_a_link_that_does_not_work_is_refused_in_one_way(
    store: Store, notice: MadeNotice, fault: str
) -> None:
    token, now = notice.token, LATER
    if fault == "revoked":
        with store.db.write() as connection:
            connection.execute(update(PortalLink).values(revoked_at=NINE))
    token = {"unknown": token[::-1], "short": token[:20], "not ascii": "é" * 32}.get(fault, token)
    now = NINE + timedelta(days=32) if fault == "expired" else now

    with pytest.raises(answer.LinkNotFoundError, match="not, or no longer, in use"):
        answer.face(store, token, now)
    with pytest.raises(answer.LinkNotFoundError, match="not, or no longer, in use"):
        answer.answer(store, token, [ItemAnswer(notice.item_ids[0], "removed")], now)


def test_a_link_made_under_an_older_portal_key_still_opens(store: Store, notice: MadeNotice) -> None:
    newer = Keyring(store.keys.sealing, store.keys.digest, (b"n" * 32, *store.keys.portal))
    rotated = Store.open(store.db, newer, store.ids)

    assert len(answer.listing(rotated, notice.token, LATER).items) == 2


def test_answers_become_dates_and_a_look_now(store: Store, notice: MadeNotice, cases: list[MadeCase]) -> None:
    with store.db.write() as connection:
        due.drop(connection, [(due.LOOK, case.episode_id) for case in cases])
        due.want(connection, due.LOOK, [case.episode_id for case in cases], LATER + hours(9))
    answer.listing(store, notice.token, LATER)
    say(store, notice, [notice.item_ids[0]], "removed", LATER + hours(1))
    say(store, notice, [notice.item_ids[1]], "not_ours", LATER + hours(2), whose="another network")

    settled = answer.settle(store, LATER + hours(3))

    columns = (Addressee.accepted_at, Addressee.presumed, Addressee.opened_at)
    found = rows(store, select(*columns, Addressee.first_answer_at, Addressee.answer).order_by(Addressee.id))
    assert settled == 3
    assert found == [
        (LATER, False, LATER, LATER + hours(1), "removed"),
        (LATER, False, LATER, LATER + hours(2), "not_ours"),
    ]
    assert rows(store, select(Notice.accepted_at)) == [(LATER,)]
    looks = rows(store, select(Due.subject, Due.due_at).where(Due.kind == due.LOOK))
    assert sorted(looks) == [(case.episode_id, LATER + hours(3)) for case in cases]
    assert events(store, cases[0].episode_id)[-2:] == [
        ("opened", "hosting:quick"),
        ("answered_removed", "hosting:quick"),
    ]
    assert events(store, cases[1].episode_id)[-1] == ("answered", "hosting:quick")


def test_settling_again_does_nothing(store: Store, notice: MadeNotice, cases: list[MadeCase]) -> None:
    say(store, notice, notice.item_ids, "removed", LATER)
    answer.settle(store, LATER)
    before = events(store, cases[0].episode_id)

    assert answer.settle(store, LATER + hours(1)) == 0
    assert events(store, cases[0].episode_id) == before


def test_an_answer_ends_nothing(store: Store, notice: MadeNotice, cases: list[MadeCase]) -> None:
    say(store, notice, notice.item_ids, "removed", LATER)
    answer.settle(store, LATER)

    assert rows(store, select(Episode.stage, Episode.presence).distinct()) == [("notified", "unseen")]


def test_an_ended_episode_is_not_looked_at_for_an_answer(
    store: Store, notice: MadeNotice, cases: list[MadeCase]
) -> None:
    with store.db.write() as connection:
        due.drop(connection, [(due.LOOK, case.episode_id) for case in cases])
        connection.execute(update(Episode).values(stage="ended", outcome="withdrawn", ended_at=LATER))
    say(store, notice, notice.item_ids, "removed", LATER + hours(1))

    answer.settle(store, LATER + hours(1))

    assert not rows(store, select(Due.subject).where(Due.kind == due.LOOK))


@pytest.mark.parametrize(
    ("accepted", "presumed", "expected"),
    [
        pytest.param(NINE + hours(1), True, LATER, id="proof-replaces-presumption"),
        pytest.param(NINE + hours(2), False, NINE + hours(2), id="earlier-proof-stays"),
        pytest.param(LATER + hours(1), False, LATER, id="earlier-sign-wins"),
    ],
)
def test_acceptance_is_the_earliest_proof(
    store: Store, notice: MadeNotice, accepted: object, presumed: bool, expected: object
) -> None:
    with store.db.write() as connection:
        connection.execute(update(Addressee).values(accepted_at=accepted, presumed=presumed))
    say(store, notice, [notice.item_ids[0]], "refused", LATER)

    answer.settle(store, LATER)

    query = select(Addressee.accepted_at, Addressee.presumed).where(Addressee.id == notice.addressee_ids[0])
    assert rows(store, query) == [(expected, False)]


def test_signs_wait_until_the_notice_is_known_to_be_handed_over(store: Store, cases: list[MadeCase]) -> None:
    made = make_notice(store, cases, NINE, state="composed", handed=False)
    say(store, made, made.item_ids, "removed", LATER)
    assert answer.settle(store, LATER) == 0

    with store.db.write() as connection:
        connection.execute(update(Notice).values(handed_at=LATER + hours(1)))
        connection.execute(update(Addressee).values(first_handed_at=LATER + hours(1)))

    assert answer.settle(store, LATER + hours(2)) == 2
    assert rows(store, select(Addressee.accepted_at).distinct()) == [(LATER + hours(1),)]


def test_the_same_answer_sent_twice_is_one_answer(store: Store, notice: MadeNotice) -> None:
    counts = [say(store, notice, notice.item_ids, "removed", LATER).new for _ in range(2)]

    assert counts == [2, 0]
    assert len(rows(store, select(AnswerRow.id))) == 2


def test_an_explanation_is_kept_sealed(store: Store, notice: MadeNotice) -> None:
    say(store, notice, notice.item_ids[:1], "refused", LATER, why="it is art")

    ((number, sealed),) = rows(store, select(AnswerRow.id, AnswerRow.why_sealed))
    assert b"it is art" not in sealed
    assert store.portal_sealer.text("answer.why", number, sealed) == "it is art"


def test_what_is_wrong_with_one_item_keeps_no_other_from_being_taken(
    store: Store, notice: MadeNotice
) -> None:
    first, second = notice.item_ids
    said = [ItemAnswer(first, "removed"), ItemAnswer(second, "refused"), ItemAnswer(77, "removed")]

    taken = answer.answer(store, notice.token, said, LATER)

    assert [s.item_id for s in taken.said] == [first]
    assert [(s.item_id, s.slip) for s in taken.slips] == [
        (second, AnswerSlip.WHY_MISSING),
        (77, AnswerSlip.NOT_OF_THIS_NOTICE),
    ]
    assert rows(store, select(AnswerRow.item_id, AnswerRow.says)) == [(first, "removed")]


def test_no_item_at_all_is_a_slip(store: Store, notice: MadeNotice) -> None:
    taken = answer.answer(store, notice.token, [], LATER)

    assert [s.slip for s in taken.slips] == [AnswerSlip.NOTHING_CHOSEN]
    assert rows(store, select(AnswerRow.id)) == []


def test_what_came_by_mail_was_said_when_the_mail_came(store: Store, notice: MadeNotice) -> None:
    with store.db.write() as connection:
        mail = keep(
            connection, store, received=b"x", kept=b"x", kind="reply", notice_id=notice.notice_id, at=LATER
        )
        lost = keep(connection, store, received=b"y", kept=b"y", kind="reply", notice_id=None, at=LATER)
    assert mail
    assert lost

    taken = answer.answer_by_mail(
        store,
        mail,
        [ItemAnswer(notice.item_ids[0], "removed"), ItemAnswer(77, "removed")],
        by("analyst"),
        LATER + hours(5),
    )
    answer.settle(store, LATER + hours(5))

    assert [s.slip for s in taken.slips] == [AnswerSlip.NOT_OF_THIS_NOTICE]
    assert rows(store, select(AnswerRow.way, AnswerRow.at)) == [("mail", LATER)]
    query = select(Addressee.accepted_at, Addressee.first_answer_at).where(
        Addressee.id == notice.addressee_ids[0]
    )
    assert rows(store, query) == [(LATER, LATER)]
    assert rows(store, select(AuditEntry.act, AuditEntry.who, AuditEntry.subject)) == [
        ("answer_by_mail", "analyst", notice.reference)
    ]
    with pytest.raises(RefusedError, match="mail_without_notice"):
        answer.answer_by_mail(store, lost, [ItemAnswer(1, "removed")], by("analyst"), LATER)


def test_a_moment_is_kept_only_with_what_it_belongs_to(store: Store, notice: MadeNotice) -> None:
    first, second = notice.item_ids
    say(store, notice, [first], "forwarded", LATER, until=LATER + hours(9), whose="  a customer\n of ours ")
    say(store, notice, [second], "removed", LATER, until=LATER + hours(9))

    assert rows(store, select(AnswerRow.until, AnswerRow.whose).order_by(AnswerRow.id)) == [
        (LATER + hours(9), "a customer of ours"),
        (None, None),
    ]
