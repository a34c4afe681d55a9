"""No answer, however malformed, makes resolving raise anything but what is somebody else's fault."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nta.store.db.handle import Store
from tests.conftest import NINE
from tests.usecases.mangling import samples
from tests.usecases.registries import Registries
from tests.usecases.spoilt_answers import (
    Answers,
    answers,
    can_be_kept,
    four_names,
    gives_facts_or_is_the_fault_of_somebody,
)

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
def test_any_answer_gives_facts_or_is_the_fault_of_somebody(at: Registries, spoilt: Answers) -> None:
    gives_facts_or_is_the_fault_of_somebody(at, spoilt)


@given(four=st.tuples(*[ANY] * 4))
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
def test_any_answer_can_be_kept_and_what_it_makes_of_the_facts_before_it(
    store: Store, at: Registries, passed: Iterator[timedelta], four: tuple[Answers, ...]
) -> None:
    """What a registry says must fit into the database, whatever characters it is made of."""
    can_be_kept(store, at, four, NINE + next(passed))  # after all earlier findings
