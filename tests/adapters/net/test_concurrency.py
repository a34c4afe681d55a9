"""Each kind of question goes to its adapter, and each gets a finding."""

from datetime import UTC, datetime, timedelta

import pytest

from nta.adapters.net.concurrency import (
    Askers,
    TryLaterError,
    failed,
    tellable,
)
from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import FoundContact
from nta.domain.hosting.lookup_answers import AnnouncedRoute, RegisteredNetwork, SecurityFile
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.domain.reasons import Code, other
from tests.lookup_plain import a_finding

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES = [Lookup(LookupKind.ADDRESSES, f"h{i}.test") for i in range(3)]
NETWORK = Lookup(LookupKind.NETWORK, "192.0.2.1")


def found(lookup: Lookup, now: datetime) -> Finding:
    return a_finding(lookup, {"subject": lookup.subject}, "fake", now, now + timedelta(hours=1), None)


class Knowing:
    def ask(self, lookups, now):
        return [found(lookup, now) for lookup in lookups]


class BreakingOff:
    def ask(self, lookups, now):
        yield found(next(iter(lookups)), now)
        raise OutsideError("gone", temporary=True)


def test_each_kind_goes_to_its_own_adapter():
    askers = Askers({LookupKind.ADDRESSES: Knowing(), LookupKind.NETWORK: Knowing()})

    findings = {finding.lookup: finding for finding in askers.ask([*NAMES, NETWORK], NOW)}

    assert findings == {lookup: found(lookup, NOW) for lookup in [*NAMES, NETWORK]}


def test_a_kind_nobody_answers_is_a_problem():
    (finding,) = Askers({}).ask([NETWORK], NOW)

    assert finding.problem.step == "rdap_ip"
    assert not finding.problem.temporary


def test_an_adapter_that_breaks_off_leaves_problems_and_harms_no_other():
    askers = Askers({LookupKind.ADDRESSES: BreakingOff(), LookupKind.NETWORK: Knowing()})

    findings = {finding.lookup: finding for finding in askers.ask([*NAMES, NETWORK], NOW)}

    assert set(findings) == {*NAMES, NETWORK}
    assert [findings[lookup].problem is None for lookup in [*NAMES, NETWORK]] == [True, False, False, True]
    assert findings[NAMES[1]].problem.reason == other("gone")


def test_a_failure_is_believed_for_a_while_and_no_longer_than_asked():
    soon = failed(NETWORK, "fake", NOW, OutsideError("x", temporary=True))
    late = failed(NETWORK, "fake", NOW, OutsideError("x", temporary=False))
    told = failed(NETWORK, "fake", NOW, TryLaterError("x", NOW + timedelta(hours=7)))

    assert NOW < soon.valid_until <= NOW + timedelta(minutes=5) < late.valid_until
    assert told.valid_until == NOW + timedelta(hours=7)


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "\x1b"])
def test_what_no_database_can_hold_is_marked_and_makes_no_other_address(odd):
    contact = FoundContact(f"abuse{odd}@one.example", "rdap", 0.9)
    value = RegisteredNetwork(name=f"A{odd}B", abuse=(contact,), asn=64500)
    found = Finding(NETWORK, value, "fake", NOW, NOW + timedelta(hours=1), None)

    class Odd:
        def ask(self, lookups, now):
            yield found

    (told,) = Askers({NETWORK.kind: Odd()}).ask([NETWORK], NOW)

    marked = FoundContact("abuse\ufffd@one.example", "rdap", 0.9)
    assert told.value == RegisteredNetwork(name="A\ufffdB", abuse=(marked,), asn=64500)


class Stumbling:
    """Answers side by side, and falls over one answer before it tells any."""

    def __init__(self, over: Lookup) -> None:
        self.over = over

    def ask(self, lookups, now):
        if self.over in lookups:
            raise ValueError("what the adapter did not expect")
        yield from (found(lookup, now) for lookup in lookups)


def test_an_adapter_that_stumbles_over_one_answer_leaves_those_beside_it():
    askers = Askers({LookupKind.ADDRESSES: Stumbling(NAMES[1])})

    findings = {finding.lookup: finding for finding in askers.ask(NAMES, NOW)}

    assert {lookup for lookup in NAMES if findings[lookup].problem is None} == {NAMES[0], NAMES[2]}
    problem = findings[NAMES[1]].problem
    assert (problem.reason.code, problem.temporary) == (Code.ANSWER_UNREADABLE, True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(SecurityFile(("x\x00y",)), SecurityFile(("x\ufffdy",)), id="a-nul"),
        pytest.param("\ud83dx", "\ufffdx", id="half-a-character"),
        pytest.param("é" * 5_000, "é" * 1_000, id="a-long-text"),
        pytest.param((1,) * 5_000, (1,) * 1_000, id="a-long-list"),
        pytest.param(AnnouncedRoute(2**63), AnnouncedRoute(None), id="a-number-beyond-64-bits"),
        pytest.param(-(2**64), None, id="one-below"),
        pytest.param(2**63 - 1, 2**63 - 1, id="the-largest-number"),
        pytest.param((True, None, 0.9), (True, None, 0.9), id="what-else-there-is"),
    ],
)
def test_a_value_is_kept_within_what_a_database_holds(value, expected):
    assert tellable(value) == expected
