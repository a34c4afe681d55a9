"""A provider opens its notice and answers; the jobs turn that into dates, events and a look."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from nta.domain.errors import RefusedError
from nta.store import due
from nta.store.base import Store
from nta.store.sealing import Keyring
from nta.store.tables import Addressee, AnswerRow, Due, Episode, Event, Notice, NoticeEvent, PortalLink
from nta.usecases import answer
from tests.builders import MadeCase, MadeNotice, make_case, make_notice
from tests.conftest import NINE, hours

LATER = NINE + hours(3)


@pytest.fixture
def cases(store: Store) -> list[MadeCase]:
    return [make_case(store, f"http://images.quick.example/p/{n}", NINE) for n in (1, 2)]


@pytest.fixture
def notice(store: Store, cases: list[MadeCase]) -> MadeNotice:
    return make_notice(store, cases, NINE + hours(1))


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
        answer.answer(store, token, [notice.item_ids[0]], "removed", now)


def test_a_link_made_under_an_older_portal_key_still_opens(store: Store, notice: MadeNotice) -> None:
    newer = Keyring(store.keys.sealing, store.keys.digest, (b"n" * 32, *store.keys.portal))
    rotated = Store.open(store.db, newer, store.ids)

    assert len(answer.listing(rotated, notice.token, LATER).items) == 2


def test_answers_become_dates_and_a_look_now(store: Store, notice: MadeNotice, cases: list[MadeCase]) -> None:
    with store.db.write() as connection:
        due.drop(connection, [(due.LOOK, case.episode_id) for case in cases])
        due.want(connection, due.LOOK, [case.episode_id for case in cases], LATER + hours(9))
    answer.listing(store, notice.token, LATER)
    answer.answer(store, notice.token, [notice.item_ids[0]], "removed", LATER + hours(1))
    answer.answer(store, notice.token, [notice.item_ids[1]], "not_ours", LATER + hours(2), "another network")

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
    assert sorted(looks) == [(cases[0].episode_id, LATER + hours(3)), (cases[1].episode_id, LATER + hours(9))]
    assert events(store, cases[0].episode_id)[-2:] == [
        ("opened", "hosting:quick"),
        ("answered_removed", "hosting:quick"),
    ]
    assert events(store, cases[1].episode_id)[-1] == ("answered", "hosting:quick")


def test_settling_again_does_nothing(store: Store, notice: MadeNotice, cases: list[MadeCase]) -> None:
    answer.answer(store, notice.token, notice.item_ids, "removed", LATER)
    answer.settle(store, LATER)
    before = events(store, cases[0].episode_id)

    assert answer.settle(store, LATER + hours(1)) == 0
    assert events(store, cases[0].episode_id) == before


def test_an_answer_ends_nothing(store: Store, notice: MadeNotice, cases: list[MadeCase]) -> None:
    answer.answer(store, notice.token, notice.item_ids, "removed", LATER)
    answer.settle(store, LATER)

    assert rows(store, select(Episode.stage, Episode.presence).distinct()) == [("notified", "unseen")]


def test_an_ended_episode_is_not_looked_at_for_an_answer(
    store: Store, notice: MadeNotice, cases: list[MadeCase]
) -> None:
    with store.db.write() as connection:
        due.drop(connection, [(due.LOOK, case.episode_id) for case in cases])
        connection.execute(update(Episode).values(stage="ended", outcome="withdrawn", ended_at=LATER))
    answer.answer(store, notice.token, notice.item_ids, "removed", LATER + hours(1))

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
    answer.answer(store, notice.token, [notice.item_ids[0]], "refused", LATER)

    answer.settle(store, LATER)

    query = select(Addressee.accepted_at, Addressee.presumed).where(Addressee.id == notice.addressee_ids[0])
    assert rows(store, query) == [(expected, False)]


def test_signs_wait_until_the_notice_is_known_to_be_handed_over(store: Store, cases: list[MadeCase]) -> None:
    made = make_notice(store, cases, NINE, state="composed", handed=False)
    answer.answer(store, made.token, made.item_ids, "removed", LATER)
    assert answer.settle(store, LATER) == 0

    with store.db.write() as connection:
        connection.execute(update(Notice).values(handed_at=LATER + hours(1)))
        connection.execute(update(Addressee).values(first_handed_at=LATER + hours(1)))

    assert answer.settle(store, LATER + hours(2)) == 2
    assert rows(store, select(Addressee.accepted_at).distinct()) == [(LATER + hours(1),)]


def test_the_same_answer_sent_twice_is_one_answer(store: Store, notice: MadeNotice) -> None:
    counts = [answer.answer(store, notice.token, notice.item_ids, "removed", LATER) for _ in range(2)]

    assert counts == [2, 0]
    assert len(rows(store, select(AnswerRow.id))) == 2


def test_an_explanation_is_kept_sealed(store: Store, notice: MadeNotice) -> None:
    answer.answer(store, notice.token, notice.item_ids[:1], "refused", LATER, "it is art")

    ((number, sealed),) = rows(store, select(AnswerRow.id, AnswerRow.why_sealed))
    assert b"it is art" not in sealed
    assert store.portal_sealer.text("answer.why", number, sealed) == "it is art"


@pytest.mark.parametrize(
    ("items", "says", "why", "reason"),
    [
        pytest.param([1], "removed", None, "does not belong to this notice", id="another-item"),
        pytest.param([], "removed", None, "no item was chosen", id="no-item"),
        pytest.param(None, "eaten", None, "not one of those", id="unknown-answer"),
        pytest.param(None, "refused", "x" * 2001, "longer than 2,000", id="long-explanation"),
    ],
)
def test_a_bad_answer_is_refused_and_nothing_is_kept(
    store: Store, notice: MadeNotice, items: list[int] | None, says: str, why: str | None, reason: str
) -> None:
    with pytest.raises(RefusedError, match=reason):
        answer.answer(store, notice.token, notice.item_ids if items is None else items, says, LATER, why)

    assert rows(store, select(AnswerRow.id)) == []
