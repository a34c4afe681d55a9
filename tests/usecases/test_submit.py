"""Every line of a hand-in gets its result, whatever the other lines are and however often it is begun."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select, update

from nta.domain.checks.outcomes import Actor, Outcome
from nta.domain.references import reference
from nta.domain.roles import Severity
from nta.render.reason_sentences import sentence
from nta.store.db.handle import Store
from nta.store.notices import endings
from nta.store.tables import (
    Base,
    Case,
    Domain,
    Due,
    Episode,
    Event,
    HandIn,
    HandInLine,
    Host,
    Submission,
)
from nta.store.work import due
from nta.usecases.submit import CHUNK, HandedIn, Terms, examine, hand_in, read_lines
from tests.conftest import NINE, hours

ANALYST = "analyst@hotline.test"
URL = "http://images.example/p/1"
LATER = NINE + hours(5)


class CutOffError(BaseException):
    """The process ends here: nothing may catch it."""


def submit(
    store: Store,
    text: str | bytes,
    *,
    key: str = "first",
    now: datetime = NINE,
    who: str = ANALYST,
    checkpoint: Callable[[str], None] = lambda name: None,
    **terms: Any,
) -> HandedIn:
    data = text if isinstance(text, bytes) else text.encode()
    return hand_in(
        store,
        read_lines(data),
        Terms("desk", **terms),
        who=who,
        key=key,
        way="paste",
        now=now,
        checkpoint=checkpoint,
    )


def rows(store: Store, *columns: Any) -> list[tuple[Any, ...]]:
    with store.db.read() as connection:
        return sorted(tuple(row) for row in connection.execute(select(*columns)))


def count(store: Store, table: type[Base]) -> int:
    with store.db.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def results(store: Store, number: int) -> dict[int, str]:
    """Return what became of each line: the URL of its case, or why it was refused."""
    with store.db.read() as connection:
        found = connection.execute(
            select(HandInLine.line, HandInLine.reason, Case.id, Case.url_sealed)
            .outerjoin(Submission, Submission.id == HandInLine.submission_id)
            .outerjoin(Case, Case.id == Submission.case_id)
            .where(HandInLine.hand_in_id == number)
        ).all()
    return {
        r.line: sentence(r.reason) if r.reason else store.sealer.text("case.url", r.id, r.url_sealed)
        for r in found
    }


def test_every_line_has_a_result_and_bad_ones_harm_no_other(store: Store) -> None:
    text = b"hxxp://one[.]example/a\nnot a url\n\n\xff\xfe\nhttp://two.example/b\n"

    handed = submit(store, text)

    assert (handed.accepted, handed.refused) == (2, 2)
    found = results(store, handed.id)
    assert found[1] == "http://one.example/a"
    assert found[4] == "the line is not UTF-8 text"
    assert found[5] == "http://two.example/b"
    assert found[2]
    assert not found[2].startswith("http")
    assert set(found) == {1, 2, 4, 5}
    assert rows(store, HandIn.accepted, HandIn.refused, HandIn.finished_at) == [(2, 2, NINE)]


def test_a_refused_line_keeps_its_reason_and_its_input_sealed(store: Store) -> None:
    handed = submit(store, f"url,severity\n{URL},worst\n")

    [(line, reason, submission, sealed)] = rows(
        store, HandInLine.line, HandInLine.reason, HandInLine.submission_id, HandInLine.input_sealed
    )
    assert (line, submission) == (2, None)
    assert sentence(reason).startswith("severity is one of")
    assert URL.encode() not in sealed
    opened = store.sealer.text("hand_in_line.input", handed.id * 1_000_000 + line, sealed)
    assert opened == URL
    assert count(store, Case) == 0


def test_a_new_url_becomes_a_case_that_is_looked_at_and_looked_up_now(store: Store) -> None:
    handed = submit(store, URL, severity=Severity.URGENT, class_value="national")

    [(episode, number, stage, presence, severity, began)] = rows(
        store,
        Episode.id,
        Episode.number,
        Episode.stage,
        Episode.presence,
        Episode.severity,
        Episode.began_at,
    )
    assert (number, stage, presence, severity, began) == (1, "submitted", "unseen", "urgent", NINE)
    [(host,)] = rows(store, Host.id)
    assert rows(store, Due.kind, Due.subject, Due.due_at) == [
        ("look", episode, NINE),
        ("resolve", host, NINE),
    ]
    assert rows(store, Event.episode_id, Event.kind, Event.who, Event.subject) == [
        (episode, "submitted", ANALYST, handed.id)
    ]
    assert rows(store, Case.class_value, Case.severity, Case.received_at) == [("national", "urgent", NINE)]


def test_what_a_line_says_of_itself_is_kept_and_its_referrer_sealed(store: Store) -> None:
    text = (
        "url,reference,group,severity,received_at,reported_at,referrer\n"
        f"{URL},T-1,ring,high,2026-03-02T09:30:00+01:00,2026-03-01T00:00:00Z,http://forum.example/t\n"
    )

    submit(store, text)

    told = rows(
        store,
        Submission.their_reference,
        Submission.their_group,
        Submission.severity,
        Submission.reported_at,
        Submission.received_at,
        Submission.confirmed_at,
    )
    assert told == [("T-1", "ring", "high", NINE - hours(33), NINE - hours(0.5), NINE)]
    [(number, sealed)] = rows(store, Case.id, Case.referrer_sealed)
    assert store.sealer.text("case.referrer", number, sealed) == "http://forum.example/t"
    assert b"forum" not in sealed


def test_the_same_hand_in_again_takes_nothing_twice(store: Store) -> None:
    first = submit(store, f"{URL}\nnot a url\n")
    before = {table: count(store, table) for table in (Case, Submission, Event, HandIn, HandInLine, Due)}

    second = submit(store, f"{URL}\nnot a url\n", now=LATER)

    assert second == first
    assert {table: count(store, table) for table in before} == before


def test_the_same_key_of_somebody_else_is_another_hand_in(store: Store) -> None:
    first = submit(store, URL)

    second = submit(store, URL, who="lead@hotline.test")

    assert second.id != first.id
    assert (count(store, Case), count(store, Submission)) == (1, 2)


@pytest.mark.parametrize(
    ("name", "nth"),
    [
        pytest.param("submit.opened", 1, id="opened"),
        pytest.param("submit.written", 1, id="one-chunk-written"),
        pytest.param("submit.written", 3, id="all-chunks-written"),
        pytest.param("submit.finished", 1, id="finished"),
    ],
)
def test_a_hand_in_that_was_cut_off_goes_on_to_the_same_rows(store: Store, name: str, nth: int) -> None:
    total = 2 * CHUNK + 40
    lines = [f"http://h{n % 7}.example/p/{n}" if n % 10 else "not a url" for n in range(1, total + 1)]
    text = "\n".join(lines)
    seen: list[str] = []

    def cut(at: str) -> None:
        seen.append(at)
        if seen.count(name) == nth:
            raise CutOffError

    with pytest.raises(CutOffError):
        submit(store, text, checkpoint=cut)
    handed = submit(store, text, now=LATER)

    bad = total // 10
    assert (handed.accepted, handed.refused) == (total - bad, bad)
    assert rows(store, HandIn.accepted, HandIn.refused) == [(total - bad, bad)]
    found = results(store, handed.id)
    assert {n: line for n, line in found.items() if n % 10} == {
        n: line for n, line in enumerate(lines, 1) if n % 10
    }
    assert len(found) == total
    for table in (Case, Episode, Event, Submission):
        assert count(store, table) == total - bad
    assert (count(store, Host), count(store, Domain), count(store, Due)) == (7, 7, total - bad + 7)


def test_an_open_case_takes_the_submission_in_and_is_only_ever_raised(store: Store) -> None:
    submit(store, URL, severity=Severity.HIGH, class_value="national")

    submit(store, URL, key="second", now=LATER, severity=Severity.URGENT, class_value="baseline")
    submit(store, URL, key="third", now=LATER, severity=Severity.NORMAL, class_value="national")

    assert rows(store, Case.severity, Case.class_value, Case.received_at) == [("urgent", "baseline", NINE)]
    assert rows(store, Episode.number, Episode.severity) == [(1, "urgent")]
    assert [kind for _, kind in rows(store, Event.id, Event.kind)] == [
        "submitted",
        "submitted_again",
        "submitted_again",
    ]
    assert [s for _, s in rows(store, Submission.id, Submission.severity)] == ["high", "urgent", "normal"]


def ended(store: Store) -> int:
    """End the only episode as one whose page went; return its case."""
    [(number, case_id)] = rows(store, Episode.id, Episode.case_id)
    with store.db.write() as connection:
        endings.end(
            connection, store.ids, number, Outcome.WITHDRAWN, Actor.ANALYST, at=NINE + hours(1), who=ANALYST
        )
    return int(case_id)


def test_a_case_that_had_ended_begins_a_new_episode(store: Store) -> None:
    submit(store, URL, severity=Severity.HIGH)
    case_id = ended(store)

    submit(store, URL, key="second", now=LATER)

    assert rows(
        store, Episode.number, Episode.case_id, Episode.stage, Episode.severity, Episode.received_at
    ) == [
        (1, case_id, "ended", "high", NINE),
        (2, case_id, "submitted", "high", LATER),
    ]
    assert [kind for _, kind in rows(store, Event.id, Event.kind)] == ["submitted", "ended", "reopened"]
    new = rows(store, Episode.number, Episode.id)[1][1]
    assert (due.LOOK, new, LATER) in rows(store, Due.kind, Due.subject, Due.due_at)
    assert count(store, Case) == 1


def test_an_ended_case_that_comes_twice_in_one_file_begins_one_episode(store: Store) -> None:
    submit(store, URL)
    ended(store)

    submit(store, f"{URL}\n{URL}\n", key="second", now=LATER)

    assert count(store, Episode) == 2
    assert [kind for _, kind in rows(store, Event.id, Event.kind)][2:] == ["reopened", "submitted_again"]


def test_duplicates_in_one_file_make_one_case_and_two_submissions(store: Store) -> None:
    text = f"url,severity\n{URL},normal\nhxxp://IMAGES[.]example:80/p/1#x,urgent\n"

    handed = submit(store, text)

    assert handed.accepted == 2
    assert (count(store, Case), count(store, Episode), count(store, Submission)) == (1, 1, 2)
    assert rows(store, Case.severity) == [("urgent",)]
    assert [kind for _, kind in rows(store, Event.id, Event.kind)] == ["submitted", "submitted_again"]


def test_duplicates_in_two_chunks_are_one_case_too(store: Store) -> None:
    between = [f"http://images.example/q/{n}" for n in range(CHUNK)]

    submit(store, "\n".join([URL, *between, URL]))

    assert (count(store, Case), count(store, Submission)) == (CHUNK + 1, CHUNK + 2)


def test_two_hosts_of_one_domain_share_its_row(store: Store) -> None:
    submit(store, "http://a.images.example/1\nhttp://b.images.example/1\nhttp://b.images.example:8080/1\n")
    submit(store, "http://c.images.example/1\nhttp://192.0.2.7/1\n", key="second")

    [(domain, suffix)] = rows(store, Domain.id, Domain.suffix)
    assert suffix == "example"
    with store.db.read() as connection:
        found = connection.execute(select(Host.domain_id, Host.port, Host.is_ip).order_by(Host.id)).all()
    assert [tuple(row) for row in found] == [
        (domain, 80, False),
        (domain, 80, False),
        (domain, 8080, False),
        (domain, 80, False),
        (None, 80, True),
    ]


def test_a_reference_that_is_taken_gives_way_to_another(store: Store) -> None:
    key = store.keys.derived("reference")
    submit(store, "http://one.example/", key="1")
    submit(store, "http://two.example/", key="2")
    (first,), (second,) = rows(store, Case.id)
    coming = second + (second - first)  # each of these hand-ins takes as many ids
    with store.db.write() as connection:
        connection.execute(
            update(Case).where(Case.id == first).values(reference=reference("C", coming, 2026, key))
        )

    submit(store, "http://three.example/", key="3")

    assert rows(store, Case.id, Case.reference)[-1] == (coming, reference("C", coming, 2026, key, 1))


def test_each_line_is_told_in_order(store: Store) -> None:
    text = "\n".join(f"http://images.example/{n}" if n % 3 else "?" for n in range(CHUNK + 5))
    told: list[int] = []

    hand_in(
        store,
        read_lines(text.encode()),
        Terms("desk"),
        who=ANALYST,
        key="first",
        way="paste",
        now=NINE,
        each=lambda examined: told.append(examined.line),
    )

    assert told == list(range(1, CHUNK + 6))


def test_examining_says_what_would_become_of_each_line_and_writes_nothing(store: Store) -> None:
    lines = read_lines(b"hxxps://a.images.example/1\nnot a url\n")

    found = list(examine(lines, Terms("desk"), key=store.keys.derived("url"), now=NINE))

    assert found[0].good is not None
    assert (found[0].good.url, found[0].good.domain) == ("https://a.images.example/1", "images.example")
    assert found[1].good is None
    assert found[1].reason
    assert count(store, HandIn) == 0
