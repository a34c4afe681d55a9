"""What pages answered at last: redirects to the same page followed, and words read where they may tell."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from nta.domain.checks.canaries import (
    PAGE,
    Trace,
    likeness,
    media_of,
    stored,
    trace,
    upgraded,
)
from nta.domain.checks.page_text import is_text, says_text
from nta.domain.checks.verdicts import Cause, ProbeAnswer, Reading
from nta.domain.intake.urls import parse
from nta.ports import LookRequest
from nta.store.checks.look_records import CurrentSpan
from nta.usecases.recheck.look_targets import Eyes

MAY_BE_READ = 403
"""The one status beside 2xx whose page may say more: hosts close accounts with it."""


class View(NamedTuple):
    """One URL from one vantage point: an answer for each host that serves it, and how it was at first."""

    host_id: int
    request: LookRequest
    span: CurrentSpan | None
    answers: Sequence[ProbeAnswer]
    said_by_name: Reading | None = None


class FinalAnswer(NamedTuple):
    """One answer, the request that it answers at last, and what there is to compare it by."""

    host_id: int
    request: LookRequest
    answer: ProbeAnswer
    now: Trace
    first: Trace | None
    last_as_first: datetime | None

    @property
    def asked_again(self) -> LookRequest:
        """Return a request to the place that answered."""
        return self.request._replace(address=self.answer.ip or "")


def followed(views: Sequence[View], vantage: str, eyes: Eyes) -> list[list[FinalAnswer]]:
    """Return the answers with their requests; a redirect to the same page, as by https, is followed once."""
    last = [[(view.request, answer) for answer in view.answers] for view in views]
    places = [
        (i, j) for i, some in enumerate(last) for j, (request, a) in enumerate(some) if _leads_on(request, a)
    ]
    again = []
    for key, (i, j) in enumerate(places):
        request, answer = last[i][j]
        to = parse(answer.location or "")
        again.append(request._replace(key=key, url=to.url, port=to.port, address=answer.ip or ""))
    if again:
        for key, answer in eyes.prober.look(again, vantage):
            i, j = places[key]
            last[i][j] = (again[key], answer)
    return [
        [
            FinalAnswer(view.host_id, request, answer, trace(answer, request.url), *_at_first(view.span))
            for request, answer in some
        ]
        for view, some in zip(views, last, strict=True)
    ]


def _leads_on(request: LookRequest, answer: ProbeAnswer) -> bool:
    if answer.error is not None or answer.location is None or answer.ip is None:
        return False
    return upgraded(request.url, answer.location)


def _at_first(span: CurrentSpan | None) -> tuple[Trace | None, datetime | None]:
    """Return how the page was at first, and when it was last seen so."""
    if span is None or span.first is None:
        return None, None
    run = span.run
    return stored(span.first), run.last_at if run.cause is Cause.CONTENT_PRESENT else None


def in_words(seen: Sequence[Sequence[FinalAnswer]], vantage: str, eyes: Eyes) -> list[list[FinalAnswer]]:
    """Return the answers with the rule that each page's words fit, where it may be read and has changed."""
    found = [list(some) for some in seen]
    places = [(i, j) for i, some in enumerate(found) for j, one in enumerate(some) if _may_tell(one)]
    asked = [found[i][j].asked_again._replace(key=key, text=True) for key, (i, j) in enumerate(places)]
    if asked:
        for key, answer in eyes.prober.look(asked, vantage):
            i, j = places[key]
            one = found[i][j]
            if answer.status == one.answer.status and answer.sign is not None:
                found[i][j] = one._replace(answer=one.answer._replace(sign=answer.sign))
    return found


def _may_tell(one: FinalAnswer) -> bool:
    """Tell whether path, first look and this answer all say text, and the page is not as it was at first."""
    first, answer = one.first, one.answer
    if first is None or answer.error is not None or answer.sign is not None:
        return False
    if not ((one.now.kind == PAGE and likeness(first, one.now) != "same") or answer.status == MAY_BE_READ):
        return False
    return is_text(first.media) and is_text(media_of(answer.content_type)) and says_text(one.request.url)
