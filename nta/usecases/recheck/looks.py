"""One round of looks: every job from every vantage point, what is not plainly there in the light of more."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from nta.domain.aiming import aim_at
from nta.domain.availability import Answer, Cause, Sighting, Verdict, merge_hosts, read
from nta.domain.urls import Location
from nta.ports import LookRequest, NameAnswer
from nta.store import looking
from nta.usecases.recheck.aims import Aims, Eyes, control

RECORDED = 400
"""Episodes a transaction: with span, event and due row about 2,000 rows."""

Looked = tuple[looking.Job, Sequence[Sighting]]
"""One job, and what each vantage point saw of it in this round."""


def look(jobs: Sequence[looking.Job], aims: Aims, eyes: Eyes, now: datetime) -> Iterator[Looked]:
    """Look at every job from every vantage point; yield each with one merged sighting a vantage point.

    What the last vantage point has seen is told while others still answer.
    What is not there waits for some more of its kind: then the control page
    says whether our own network may be at fault.
    """
    found: dict[int, list[Sighting]] = {job.id: [] for job in jobs}
    by_id = {job.id: job for job in jobs}
    told: set[int] = set()
    for vantage in eyes.vantages:
        is_last = vantage == eyes.vantages[-1]
        answers: dict[int, list[Answer]] = {}
        doubtful: list[looking.Job] = []
        for key, answer in eyes.prober.look(aims.requests(jobs, vantage), vantage):
            given = answers.setdefault(key, [])
            given.append(answer)
            job = by_id[key]
            if not is_last or len(given) < len(aims[job.host_id, vantage].pins):
                continue
            if _is_there(answer) and all(map(_is_there, given)):
                found[key].append(_sighting(vantage, now, answer, True))
                told.add(key)
                yield job, found[key]
                continue
            doubtful.append(job)
            if len(doubtful) >= RECORDED:
                _conclude(doubtful, answers, aims, eyes, vantage, now, found)
                told.update(each.id for each in doubtful)
                yield from ((each, found[each.id]) for each in doubtful)
                doubtful = []
        rest = [job for job in jobs if job.id not in told]
        _conclude(rest, answers, aims, eyes, vantage, now, found)
    yield from ((job, found[job.id]) for job in jobs if job.id not in told)


def _is_there(answer: Answer) -> bool:
    return answer.error is None and answer.status is not None and 200 <= answer.status < 300


def _conclude(
    jobs: Sequence[looking.Job],
    answers: Mapping[int, Sequence[Answer]],
    aims: Aims,
    eyes: Eyes,
    vantage: str,
    now: datetime,
    found: Mapping[int, list[Sighting]],
) -> None:
    """Add what one vantage point saw of these jobs, in the light of the control page where that is needed."""
    blind = any(not _is_there(a) for job in jobs for a in answers.get(job.id, ()))
    named = any(aims[job.host_id, vantage].reading for job in jobs)
    control_ok = not (blind or named) or control(eyes, vantage)
    for job in jobs:
        reading = aims[job.host_id, vantage].reading
        if reading is not None:
            plain = reading if control_ok else (Verdict.UNKNOWN, Cause.OUR_NETWORK, "control_page")
            found[job.id].append(Sighting(vantage, now, *plain, None, None, None, 0.0))
            continue
        seen = [_sighting(vantage, now, a, control_ok) for a in answers.get(job.id, ())]
        if seen:
            found[job.id].append(seen[0] if len(seen) == 1 else merge_hosts(seen))


def look_once(location: Location, *, eyes: Eyes, now: datetime) -> list[Sighting]:
    """Look at one URL from every vantage point, wherever its name leads now; writes nothing."""
    found = []
    for vantage in eyes.vantages:
        named = {} if location.is_ip else eyes.names.addresses([location.host], vantage)
        answer = named.get(location.host) or NameAnswer((location.host,))
        at = aim_at(answer.addresses, answer.error, ())
        requests = [LookRequest(0, location.url, location.host, location.port, ip) for ip in at.pins]
        seen = [a for _, a in eyes.prober.look(requests, vantage)]
        control_ok = any(a.status == 200 for a in seen) or control(eyes, vantage)
        if at.reading is not None:
            plain = at.reading if control_ok else (Verdict.UNKNOWN, Cause.OUR_NETWORK, "control_page")
            found.append(Sighting(vantage, now, *plain, None, None, None, 0.0))
        found += [_sighting(vantage, now, a, control_ok) for a in seen]
    return found


def _sighting(vantage: str, now: datetime, answer: Answer, control_ok: bool) -> Sighting:
    verdict, cause, rule = read(answer, control_ok=control_ok)
    return Sighting(
        vantage, now, verdict, cause, rule, answer.status, answer.length, answer.ip, answer.seconds
    )
