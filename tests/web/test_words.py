"""One word for a state: whole, in one order, and the same in the database."""

import pytest
from sqlalchemy import select, update

from nta.domain.lifecycle import Presence, Stage
from nta.render.words import RANK, Word, pairs, ranks, state_word, tally
from nta.store.db.handle import Store
from nta.store.reads import cases as reads
from nta.store.reads.cases import Wanted
from nta.store.tables import Case, Episode
from tests.builders import make_case
from tests.conftest import NINE

ALL = [(stage, presence) for stage in Stage for presence in Presence]


@pytest.mark.parametrize(
    ("stage", "presence", "word"),
    [
        ("submitted", "unseen", Word.LOOKING_UP),
        ("ready", "up", Word.PREPARING),
        ("notified", "up", Word.TOLD),
        ("escalated", "unseen", Word.ESCALATED),
        ("unresolved", "up", Word.NO_CONTACT),
        ("unresolved", "absent", Word.SEEMS_GONE),
        ("exhausted", "up", Word.NOBODY_LEFT),
        ("exhausted", "removed", Word.REMOVED),
        ("held", "absent", Word.HELD),
        ("notified", "removed", Word.REMOVED),
        ("notified", "closed", Word.ENDED),
        ("ended", "up", Word.ENDED),
    ],
)
def test_the_word_of_a_state(stage: str, presence: str, word: Word) -> None:
    assert state_word(stage, presence) is word


def test_every_state_has_one_word_and_every_word_a_state() -> None:
    covered = [pair for word in Word for pair in pairs(word)]

    assert sorted(covered) == sorted((s.value, p.value) for s, p in ALL)
    assert all(pairs(word) for word in Word)


def test_the_database_ranks_as_the_words_do(store: Store) -> None:
    open_states = [(s, p) for s, p in ALL if s is not Stage.ENDED and p is not Presence.CLOSED]
    made = {}
    for number, (stage, presence) in enumerate(open_states):
        case = make_case(
            store, f"http://quick.example/{number}", NINE, stage=stage.value, presence=presence.value
        )
        made[case.reference] = RANK[state_word(stage, presence)]

    with store.db.read() as connection:
        query = select(Case.reference, reads.rank(ranks())).join(Episode, Episode.case_id == Case.id)
        found = {row[0]: row[1] for row in connection.execute(query)}
        counts = tally(reads.counts(connection))

    assert found == made
    assert sum(counts.values()) == len(open_states)


def test_the_list_reads_the_same_on_either_database(store: Store) -> None:
    cases = [make_case(store, f"http://quick.example/{n}", NINE, stage="unresolved") for n in range(3)]
    with store.db.write() as connection:
        connection.execute(update(Episode).where(Episode.id == cases[0].episode_id).values(severity="urgent"))

    with store.db.read() as connection:
        page = reads.page(connection, store, NINE, wanted=Wanted(), ranks=ranks())
        filtered = reads.page(connection, store, NINE, wanted=Wanted(pairs(Word.NO_CONTACT)), ranks=ranks())
        none = reads.page(connection, store, NINE, wanted=Wanted(ended=True), ranks=ranks())

    assert [row.reference for row in page.rows] == [case.reference for case in cases]
    assert len(filtered.rows) == 3
    assert none.rows == ()
    assert page.rows[0].parties == ("hosting:quick",)
    assert page.rows[0].next_at == NINE
