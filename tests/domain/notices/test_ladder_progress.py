"""How a ladder stands: whose silence runs from when, and who is told once more."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.episode_state import PastEvent
from nta.domain.escalation.ladders import RungHistory
from nta.domain.notices import ladder_progress
from nta.domain.notices.contact_choice import Choice
from nta.domain.notices.ladder_progress import RungInputs
from nta.domain.notices.past_notices import PastNotice
from nta.domain.parties.contact_addresses import mailbox_of
from nta.domain.roles import Role
from tests.builders import episode_state
from tests.builders_notices import LADDER
from tests.conftest import NINE, hours

HOST = Choice(
    Role.HOST,
    "hosting:example",
    "Example",
    "NL",
    mailbox_of("abuse@hosting.example"),
    "nl",
    "text",
    "catalogue",
    1.0,
    "known",
)
OTHER = Choice(
    Role.HOST,
    "hosting:other",
    "Other",
    "NL",
    mailbox_of("abuse@other.example"),
    "nl",
    "text",
    "catalogue",
    1.0,
    "known",
)
STATE = episode_state(NINE, last_up_at=NINE)


def notice(at: float, rung: str = "first", **more: Any) -> PastNotice:
    """Return a notice queued so many hours after nine and handed over a quarter later."""
    queued = NINE + hours(at)
    values: dict[str, Any] = {
        "episode_id": 1,
        "notice_id": int(at * 100),
        "reference": "N-26-AAAA-AAAA",
        "rung": rung,
        "kind": rung,
        "party": HOST.party,
        "party_name": "Example",
        "role": "host",
        "state": "handed_over",
        "address": HOST.address,
        "handed_at": queued + hours(0.25),
        "accepted_at": None,
        "bounced_at": None,
        "released_at": None,
        "queued_at": queued,
    }
    return PastNotice(**(values | more))


def event(at: float, kind: str, presence: str = "up") -> PastEvent:
    return PastEvent(1, NINE + hours(at), kind, presence, None)


def known(
    *past: PastNotice, noted: tuple[PastEvent, ...] = (), confirmed_at: datetime | None = None
) -> RungInputs:
    return RungInputs(STATE, None, False, past, (), noted, {}, confirmed_at)


BACK = (event(10, "proven_gone", "removed"), event(30, "returned"))
SPENT = (event(9, "exhausted"), *BACK)


@pytest.mark.parametrize(
    ("case", "silence"),
    [
        pytest.param(known(notice(0)), 0.25, id="one-notice"),
        pytest.param(known(notice(0, accepted_at=NINE + hours(3))), 3, id="from-acceptance"),
        pytest.param(known(notice(0), notice(2, party=OTHER.party)), 2.25, id="the-latest-of-several"),
        pytest.param(known(notice(0, bounced_at=NINE + hours(1))), None, id="one-that-came-back"),
        pytest.param(known(notice(0, handed_at=None, state="declined")), None, id="one-that-leads-declined"),
        pytest.param(known(notice(0), notice(30), noted=BACK), 0.25, id="told-again-runs-on"),
        pytest.param(known(notice(0), notice(30), noted=SPENT), 30.25, id="told-again-when-all-was-spent"),
        pytest.param(
            known(notice(0, bounced_at=NINE), notice(30), noted=BACK),
            30.25,
            id="told-again-for-the-first-time",
        ),
    ],
)
def test_when_a_silence_began(case: RungInputs, silence: float | None) -> None:
    begun = None if silence is None else NINE + hours(silence)

    assert ladder_progress.told(case) == {"first": RungHistory(begun)}


@pytest.mark.parametrize(
    ("case", "told"),
    [
        pytest.param(known(notice(0)), [], id="it-never-went"),
        pytest.param(known(notice(0), noted=BACK), ["first"], id="it-is-back"),
        pytest.param(known(notice(0), notice(5, "reminder"), noted=BACK), ["reminder"], id="where-it-stood"),
        pytest.param(known(notice(0), notice(30), noted=BACK), [], id="told-once"),
        pytest.param(
            known(notice(0), notice(30), noted=(*BACK, event(50, "returned"))), ["first"], id="back-again"
        ),
        pytest.param(known(noted=BACK), [], id="nobody-was-told"),
        pytest.param(
            known(
                notice(0, party=OTHER.party, address=OTHER.address), notice(1, bounced_at=NINE), noted=BACK
            ),
            [],
            id="its-contact-failed",
        ),
    ],
)
def test_who_is_told_once_more(case: RungInputs, told: list[str]) -> None:
    listed = ladder_progress.again(LADDER, case, ladder_progress.told(case), [HOST])

    assert [rung.id for rung, _ in listed] == told


def test_what_leads_declined_is_not_asked_of_one_that_joins() -> None:
    declined = known(notice(0, state="declined", handed_at=None))

    assert ladder_progress.late(LADDER, declined, ladder_progress.told(declined), [HOST, OTHER]) == ([], [])
    sent = known(notice(0))
    assert ladder_progress.late(LADDER, sent, ladder_progress.told(sent), [HOST, OTHER]) == (
        [],
        [(LADDER.rungs[0], OTHER)],
    )


@pytest.mark.parametrize(
    ("word", "expected"), [(None, NINE), (NINE - hours(1), NINE), (NINE + hours(1), NINE + hours(1))]
)
def test_it_was_there_when_somebody_saw_it_or_said_so(word: datetime | None, expected: datetime) -> None:
    assert known(confirmed_at=word).there_at == expected


MOMENTS = st.floats(0, 100, allow_nan=False).map(lambda n: round(n, 2))
PASTS = st.lists(st.builds(notice, MOMENTS, st.sampled_from(["first", "reminder"])), max_size=6)


@given(PASTS, st.lists(MOMENTS, max_size=3))
def test_no_return_puts_a_deadline_off(past: list[PastNotice], returns: list[float]) -> None:
    ordered = sorted(past, key=lambda p: p.queued_at)
    noted = tuple(event(at, "returned") for at in sorted(returns))

    plain = ladder_progress.told(known(*ordered))
    after = ladder_progress.told(known(*ordered, noted=noted))

    assert plain.keys() == after.keys()
    for rung, told in after.items():
        assert told.silence_from is not None
        assert told.silence_from <= (plain[rung].silence_from or told.silence_from)
        first = min(p.handed_at for p in ordered if p.rung == rung and p.handed_at)
        assert told.silence_from >= first
    assert ladder_progress.paused(known(*ordered, noted=noted), after, NINE) == timedelta(0)
