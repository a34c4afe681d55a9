"""One round of looks: every job from every vantage point, what is not plainly there in the light of more."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import compress

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


Record = Callable[[Sequence[Looked]], None]
"""Writes what was seen of some jobs, at most `RECORDED`."""


def look(batch: LookBatch, aims: Aims, eyes: Eyes, canaries: Canaries, now: datetime, record: Record) -> None:
    """Look at every job of a batch from every vantage point, and have recorded what was seen of each.

    The prober draws what to look at while it looks: then the next part is
    read and its names are asked. Leases are lengthened and what was learnt
    is recorded here alone, between two answers: where names have moved,
    before anything is judged of those hosts, and what the last vantage point
    has seen, while others still answer. What is not there as it was at first
    waits for some more of its kind: then a made-up page and the control
    pages say what to think of it.
    """
    round_ = _LookRound(batch, aims, eyes, canaries, now, record)
    for vantage in eyes.vantages:
        answers: dict[int, list[ProbeAnswer]] = {}
        for stretch in aims.stretches(vantage):
            batch.leases.keep()
            for whole in _answered(batch, aims, stretch, vantage, answers):
                batch.leases.keep()
                aims.record_moves()
                if whole is not None and vantage == eyes.vantages[-1]:
                    round_.take(whole, vantage, answers)
        aims.record_moves()
        round_.judge_rest(vantage, answers)
    round_.record_rest()


def _answered(
    batch: LookBatch,
    aims: Aims,
    stretch: Iterable[LookRequest],
    vantage: str,
    answers: dict[int, list[ProbeAnswer]],
) -> Iterator[look_records.Job | None]:
    """Yield with each answer, which is taken in, the job that has now answered from all its addresses."""
    for key, answer in aims.answers(stretch, vantage):
        given = answers.setdefault(key, [])
        given.append(answer)
        job = batch.jobs[key]
        yield job if len(given) >= len(aims[job.host_id, vantage].pins) else None


class _LookRound:
    """What was seen of each job so far, and what of it is still to be judged or recorded."""

    def __init__(
        self, batch: LookBatch, aims: Aims, eyes: Eyes, canaries: Canaries, now: datetime, record: Record
    ) -> None:
        self._batch, self._aims, self._eyes, self._canaries, self._now = batch, aims, eyes, canaries, now
        self._record = record
        self._found: defaultdict[int, list[Sighting]] = defaultdict(list)
        self._doubtful: list[look_records.Job] = []
        self._told: set[int] = set()
        self._looked: list[Looked] = []

    def take(self, job: look_records.Job, vantage: str, answers: Mapping[int, Sequence[ProbeAnswer]]) -> None:
        """Take in what has answered from the last vantage point: judged at once where it is as at first."""
        given = answers[job.id]
        if _all_as_first(self._batch.spans(job.id).get(vantage), given):
            seen = _sighting(vantage, self._now, given[-1], read(given[-1], control_ok=True))
            self._found[job.id].append(seen)
            self._tell([job])
            return
        self._doubtful.append(job)
        if len(self._doubtful) >= RECORDED:
            some, self._doubtful = self._doubtful, []
            self._judge(some, vantage, answers)
            self._tell(some)

    def judge_rest(self, vantage: str, answers: Mapping[int, Sequence[ProbeAnswer]]) -> None:
        """Judge from one vantage point all that was not told yet, also what gave no answer."""
        for part in self._untold():
            self._batch.leases.keep()
            self._judge(self._batch.held(part), vantage, answers)

    def record_rest(self) -> None:
        """Have recorded all that was not told yet, and what of the rest waits for that."""
        for part in self._untold():
            self._batch.leases.keep()
            self._tell(self._batch.held(part))
        if self._looked:
            self._record(self._looked)

    def _judge(
        self, some: Sequence[look_records.Job], vantage: str, answers: Mapping[int, Sequence[ProbeAnswer]]
    ) -> None:
        """Judge some jobs; one whose data fails stops no other."""
        parts, spoilt = apart(
            [job.id for job in some],
            lambda ids: _concluded(
                ids, answers, vantage, self._batch, self._aims, self._eyes, self._canaries, self._now
            ),
        )
        self._batch.spoilt.update(spoilt)
        for number, sightings in (one for part in parts for one in part.items()):
            self._found[number] += sightings

    def _tell(self, jobs: Iterable[look_records.Job]) -> None:
        """Have recorded what was seen of these jobs, not those that could not be judged from everywhere."""
        for job in jobs:
            self._told.add(job.id)
            if job.id in self._batch.spoilt:
                continue
            self._looked.append((job, _in_places(self._found.get(job.id, ()), self._batch.spans(job.id))))
            if len(self._looked) == RECORDED:
                part, self._looked = self._looked, []
                self._record(part)

    def _untold(self) -> Iterator[list[look_records.Job]]:
        return ([job for job in part if job.id not in self._told] for part in self._batch.parts())


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
