"""One round of looks: every job from every vantage point, what is not plainly there in the light of more."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, compress

from nta.domain.checks.canaries import (
    PAGE,
    Trace,
    is_as_first,
    needs_canary,
    page_trace,
    path_length,
    weigh,
)
from nta.domain.checks.targets import aim_at
from nta.domain.checks.verdicts import (
    Cause,
    ProbeAnswer,
    Reading,
    Sighting,
    Verdict,
    believed,
    in_places,
    merge_hosts,
    read,
)
from nta.domain.intake.urls import Location
from nta.ports import LookRequest, NameAnswer
from nta.store.checks import look_records
from nta.store.checks.look_records import CurrentSpan
from nta.store.work.isolation import apart
from nta.usecases.recheck.batch import LookBatch
from nta.usecases.recheck.canary_checks import Canaries, Doubt
from nta.usecases.recheck.look_targets import Aims, Eyes, control
from nta.usecases.recheck.page_answers import (
    MAY_BE_READ,
    FinalAnswer,
    View,
    followed,
    in_words,
)

RECORDED = 400
"""Episodes a transaction: with span, event and due row about 2,000 rows."""

Looked = tuple[look_records.Job, Sequence[Sighting]]
"""One job, and what each vantage point saw of it in this round."""


def look(
    batch: LookBatch,
    aims: Aims,
    eyes: Eyes,
    canaries: Canaries,
    now: datetime,
) -> Iterator[Looked]:
    """Look at every job of a batch from every vantage point; yield each with one merged sighting a point.

    What the last vantage point has seen is told while others still answer.
    What is not there as it was at first waits for some more of its kind:
    then a made-up page and the control pages say what to think of it.
    """
    found: defaultdict[int, list[Sighting]] = defaultdict(list)
    told: set[int] = set()
    for vantage in eyes.vantages:
        is_last = vantage == eyes.vantages[-1]
        answers: dict[int, list[ProbeAnswer]] = {}
        doubtful: list[look_records.Job] = []

        def conclude(
            some: Sequence[look_records.Job],
            vantage: str = vantage,
            answers: dict[int, list[ProbeAnswer]] = answers,
        ) -> None:
            parts, spoilt = apart(
                [job.id for job in some],
                lambda ids: _concluded(ids, answers, vantage, batch, aims, eyes, canaries, now),
            )
            batch.spoilt.update(spoilt)
            for number, sightings in (one for part in parts for one in part.items()):
                found[number] += sightings

        for job, given in _whole(batch, aims, vantage, answers):
            if not is_last:
                continue
            if _all_as_first(batch.spans(job.id).get(vantage), given):
                found[job.id].append(_sighting(vantage, now, given[-1], read(given[-1], control_ok=True)))
                told.add(job.id)
                yield job, _in_places(found[job.id], batch.spans(job.id))
                continue
            doubtful.append(job)
            if len(doubtful) >= RECORDED:
                conclude(doubtful)
                told.update(each.id for each in doubtful)
                yield from _seen(doubtful, found, batch)
                doubtful = []
        deque(map(conclude, _untold(batch, told)), maxlen=0)
    yield from _seen(chain.from_iterable(_untold(batch, told)), found, batch)


def _concluded(
    ids: Sequence[int],
    answers: Mapping[int, Sequence[ProbeAnswer]],
    vantage: str,
    batch: LookBatch,
    aims: Aims,
    eyes: Eyes,
    canaries: Canaries,
    now: datetime,
) -> dict[int, list[Sighting]]:
    """Return the merged sighting of some episodes from one vantage point: a list of one, or of none."""
    concluded: dict[int, list[Sighting]] = {}
    rest = []
    for job in map(batch.jobs.__getitem__, ids):
        given = answers.get(job.id)
        if given and _all_as_first(batch.spans(job.id).get(vantage), given):
            concluded[job.id] = [_sighting(vantage, now, given[0], read(given[0], control_ok=True))]
        else:
            rest.append(job)
    views = [_view(job, batch, aims, vantage, answers.get(job.id, ())) for job in rest]
    for job, sightings in zip(rest, judged(views, vantage, eyes, canaries, now), strict=True):
        concluded[job.id] = [merge_hosts(sightings)] if sightings else []
    return concluded


def _seen(
    jobs: Iterable[look_records.Job], found: Mapping[int, Sequence[Sighting]], batch: LookBatch
) -> Iterator[Looked]:
    """Yield jobs with what was seen of each; not those that could not be judged from every vantage point."""
    for job in jobs:
        if job.id not in batch.spoilt:
            yield job, _in_places(found.get(job.id, ()), batch.spans(job.id))


def _whole(
    batch: LookBatch, aims: Aims, vantage: str, answers: dict[int, list[ProbeAnswer]]
) -> Iterator[tuple[look_records.Job, Sequence[ProbeAnswer]]]:
    """Yield what has answered from each of its addresses; all answers are taken in."""
    for key, answer in aims.answers(vantage):
        given = answers.setdefault(key, [])
        given.append(answer)
        job = batch.jobs[key]
        if len(given) >= len(aims[job.host_id, vantage].pins):
            yield job, given


def _untold(batch: LookBatch, told: Collection[int]) -> Iterator[list[look_records.Job]]:
    """Yield what is still to be told, part by part."""
    return ([job for job in part if job.id not in told] for part in batch.parts())


def _in_places(sightings: Sequence[Sighting], spans: Mapping[str, CurrentSpan]) -> Sequence[Sighting]:
    """Return a round's sightings in each other's light; mostly nobody is kept out and nothing is to do."""
    if all(s.verdict is Verdict.UP for s in sightings):
        return sightings
    return in_places(sightings, [v for v, span in spans.items() if span.state[2] == Cause.GEO_BLOCKED])


def look_once(location: Location, *, eyes: Eyes, now: datetime) -> list[Sighting]:
    """Look at one URL from every vantage point, wherever its name leads now; writes nothing."""
    found: list[Sighting] = []
    canaries = Canaries(None, None, eyes, now)
    for vantage in eyes.vantages:
        named = {} if location.is_ip else eyes.names.addresses([location.host], vantage)
        answer = named.get(location.host) or NameAnswer((location.host,))
        aim = aim_at(answer.addresses, answer.error, ())
        asked = LookRequest(0, location.url, location.host, location.port, "")
        requests = [asked._replace(address=ip) for ip in aim.pins]
        answers = [a for _, a in eyes.prober.look(requests, vantage)]
        [seen] = judged([View(0, asked, None, answers, aim.reading)], vantage, eyes, canaries, now)
        found += seen
    return list(in_places(found))


def _view(
    job: look_records.Job,
    batch: LookBatch,
    aims: Aims,
    vantage: str,
    answers: Sequence[ProbeAnswer],
) -> View:
    row = batch.hosts[job.host_id]
    request = LookRequest(job.id, job.url, row.name, row.port, "", job.referrer)
    span = batch.spans(job.id).get(vantage)
    return View(row.id, request, span, answers, aims[row.id, vantage].reading)


def _all_as_first(span: CurrentSpan | None, answers: Sequence[ProbeAnswer]) -> bool:
    """Tell whether all that was answered is the page as it was when first seen."""
    if span is None or span.first is None:
        return False
    return all(
        _is_there(a) and is_as_first(span.first, page_trace(a.content_type, a.length, a.etag))
        for a in answers
    )


def _is_there(answer: ProbeAnswer) -> bool:
    status = answer.status
    return answer.error is None and status is not None and 200 <= status < 300 and answer.sign is None


def judged(
    views: Sequence[View], vantage: str, eyes: Eyes, canaries: Canaries, now: datetime
) -> list[list[Sighting]]:
    """Return what each view shows: a sighting for each answer, or one for what the name says."""
    tells = [view.said_by_name is None and any(map(_tells_more, view.answers)) for view in views]
    seen = in_words(followed(list(compress(views, tells)), vantage, eyes), vantage, eyes)
    doubts = [
        Doubt(one.host_id, one.asked_again, one.last_as_first)
        for some in seen
        for one in some
        if needs_canary(one.first, one.now)
    ]
    if doubts:
        canaries.ask(doubts, vantage)
    readings = [[(one, _reading(one, canaries, vantage)) for one in some] for some in seen]
    all_up = all(tells) and all(reading[0] is Verdict.UP for some in readings for _, reading in some)
    there = Trace("") if all_up else control(eyes, vantage)
    is_ok = there is not None
    telling = iter(readings)
    judged: list[list[Sighting]] = []
    for view, tells_more in zip(views, tells, strict=True):
        if view.said_by_name is not None:
            reading = believed(view.said_by_name, control_ok=is_ok)
            judged.append([Sighting(vantage, now, *reading, None, None, None, 0.0)])
        elif tells_more:
            judged.append([_weighed(one, said, there, vantage, now, canaries) for one, said in next(telling)])
        else:
            judged.append([_sighting(vantage, now, a, read(a, control_ok=is_ok)) for a in view.answers])
    return judged


def _tells_more(answer: ProbeAnswer) -> bool:
    """Tell whether an answer could say something else than its status does."""
    status = answer.status
    return answer.error is None and status is not None and (200 <= status < 400 or status == MAY_BE_READ)


def _weighed(
    one: FinalAnswer, reading: Reading, there: Trace | None, vantage: str, now: datetime, canaries: Canaries
) -> Sighting:
    """Return the sighting of an answer, in the light of the control page: what answers like that is ours."""
    is_ours = reading[0] is Verdict.GONE and one.now.kind == PAGE and one.now == there
    reading = believed(reading, control_ok=there is not None and not is_ours)
    return _kept(one, _sighting(vantage, now, one.answer, reading), canaries)


def _reading(one: FinalAnswer, canaries: Canaries, vantage: str) -> Reading:
    plain = read(one.answer, control_ok=True)
    if one.answer.sign is not None:
        return plain
    canary = canaries(one.host_id, vantage) if needs_canary(one.first, one.now) else None
    return weigh(one.first, one.now, path_length(one.request.url), canary) or plain


def _kept(one: FinalAnswer, sighting: Sighting, canaries: Canaries) -> Sighting:
    """Return the sighting with what is kept of a page first seen, where a canary said that it is one."""
    if one.first is not None or sighting.verdict is not Verdict.UP:
        return sighting
    known = canaries(one.host_id, sighting.vantage) is not None
    return sighting._replace(trace=one.now.text) if known else sighting


def _sighting(vantage: str, now: datetime, answer: ProbeAnswer, reading: Reading) -> Sighting:
    verdict, cause, rule = reading
    return Sighting(
        vantage, now, verdict, cause, rule, answer.status, answer.length, answer.ip, answer.seconds
    )
