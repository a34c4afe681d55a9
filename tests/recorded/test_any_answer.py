"""Recorded answers, spoilt, and recorded lists of registries that are none: resolving goes on."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nta.store.db.handle import Store
from tests.conftest import NINE
from tests.recorded.records import place
from tests.usecases.registries import Registries, registries
from tests.usecases.spoilt_answers import (
    Answers,
    answers,
    can_be_kept,
    four_names,
    gives_facts_or_is_the_fault_of_somebody,
)
from tests.usecases.test_any_dns_answer import LISTS, ZONE, leaves_what_the_name_leads_to

LARGEST = 60_000  # a sample; what is larger differs by length alone


def samples(topic: str) -> list[bytes]:
    found = [path.read_bytes() for path in sorted(place(topic, "cases").iterdir())]
    return [sample for sample in found if len(sample) <= LARGEST]


ANY = answers(samples("rdap-ip"), samples("rdap-domain"), samples("whois"))


@pytest.fixture
def at() -> Iterator[Registries]:
    with four_names() as all_of_them:
        yield all_of_them


@pytest.fixture
def passed() -> Iterator[timedelta]:
    """Time that passes from one example to the next."""
    return (timedelta(hours=25 * number) for number in count())


@given(spoilt=ANY)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_a_spoilt_record_gives_facts_or_is_the_fault_of_somebody(at: Registries, spoilt: Answers) -> None:
    gives_facts_or_is_the_fault_of_somebody(at, spoilt)


@given(four=st.tuples(*[ANY] * 4))
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
def test_a_spoilt_record_can_be_kept(
    store: Store, at: Registries, passed: Iterator[timedelta], four: tuple[Answers, ...]
) -> None:
    can_be_kept(store, at, four, NINE + next(passed))  # after all earlier findings


def test_a_recorded_list_that_is_none_leaves_what_the_name_leads_to() -> None:
    malformed = sorted(place("registries", "rdap-bootstrap-malformed").glob("*.json"))

    with registries(ZONE, {}) as at:
        for file in malformed:
            leaves_what_the_name_leads_to(at, file.read_bytes(), LISTS[1])

    assert malformed
