"""No answer, however malformed, makes resolving raise anything but what is somebody else's fault."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nta.adapters.national import NATIONAL
from nta.domain.errors import OutsideError, RefusedError
from nta.domain.urls import parse
from nta.store.base import Store
from nta.usecases.resolve import resolve_due, resolve_url
from tests.adapters.servers import Zone, http
from tests.conftest import NINE
from tests.resolving import EVERYWHERE, made, state
from tests.usecases.mangling import samples, texts, trees
from tests.usecases.registries import Registries, registries

NETWORKS, DOMAINS, WHOIS = samples("rdap-ip"), samples("rdap-domain"), samples("whois")
STATUSES = st.sampled_from([200, 200, 200, 200, 404, 500, 302, 429])
ANSWERS = st.tuples(
    st.one_of(trees(NETWORKS), trees(NETWORKS), st.binary(max_size=200)),
    STATUSES,
    st.one_of(trees(DOMAINS), trees(DOMAINS), st.binary(max_size=200)),
    STATUSES,
    texts(WHOIS),
    texts(WHOIS),
)


@pytest.fixture
def at() -> Iterator[Registries]:
    hosts = [f"s{number}.test 300 A 192.0.2.{number}" for number in range(4)]
    zone = Zone("\n".join([*hosts, *(f"{registry.server} 300 A 127.0.0.1" for registry in NATIONAL)]))
    with registries(zone, {}) as all_of_them:
        yield all_of_them


@pytest.fixture
def passed() -> Iterator[timedelta]:
    """Time that passes from one example to the next."""
    return (timedelta(hours=25 * number) for number in count())


def spoil(at: Registries, number: int, answers: tuple[bytes, int, bytes, int, bytes, bytes]) -> str:
    """Let the registries answer so about one name, which is returned."""
    name, ip = f"s{number}.test", f"192.0.2.{number}"
    of_network, status, of_domain, its_status, record, net_record = answers
    at.rdap.pages[f"/ip/{ip}"] = http(status, of_network, Location="/elsewhere")
    at.registry.pages[f"/domain/{name}"] = http(its_status, of_domain)
    at.port_43.records |= {
        "test": b"refer: 127.0.0.1\r\n",
        name: record,
        ip: net_record,
        f"{ip}/e": net_record,
    }
    return name


@given(answers=ANSWERS)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_any_answer_gives_facts_or_is_the_fault_of_somebody(
    at: Registries, answers: tuple[bytes, int, bytes, int, bytes, bytes]
) -> None:
    name = spoil(at, 1, answers)

    try:
        found = resolve_url(parse(f"http://{name}/x"), asker=at.askers(), catalogue=EVERYWHERE, now=NINE)
    except (OutsideError, RefusedError):
        return

    assert found.facts.host == name
    assert all(len(problem.reason) < 200 for problem in found.facts.problems)


@given(data=st.data())
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
def test_any_answer_can_be_kept_and_what_it_makes_of_the_facts_before_it(
    store: Store, at: Registries, passed: Iterator[timedelta], data: st.DataObject
) -> None:
    """What a registry says must fit into the database, whatever characters it is made of."""
    now = NINE + next(passed)  # after all earlier findings
    names = [spoil(at, number, data.draw(ANSWERS)) for number in range(4)]
    cases = [made(store, f"http://{name}/{now:%d%H}") for name in names]

    resolve_due(store, asker=at.askers(), catalogue=EVERYWHERE, holder="one", now=now)

    assert [state(store, case).host_id for case in cases] == [case.host_id for case in cases]
