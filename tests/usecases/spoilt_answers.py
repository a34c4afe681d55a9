"""Registries that answer anything at all about four names, and what must hold of what is made of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from hypothesis import strategies as st
from sqlalchemy import select

from nta.adapters.whois.national_registries import NATIONAL
from nta.domain.errors import OutsideError, RefusedError
from nta.domain.intake.urls import parse
from nta.domain.reasons import Code
from nta.render.reason_sentences import sentence
from nta.store.db.handle import Store
from nta.store.tables import Due
from nta.store.work import due
from nta.usecases.resolve import resolve_due, resolve_url
from tests.adapters.servers import Zone, http
from tests.conftest import NINE
from tests.resolving import EVERYWHERE, made, state
from tests.usecases.mangling import texts, trees
from tests.usecases.registries import Registries, registries

Answers = tuple[bytes, int, bytes, int, bytes, bytes]
"""Of a network with its status, of a domain with its status, the domain's text, the network's text."""
_STATUSES = st.sampled_from([200, 200, 200, 200, 404, 500, 302, 429])


def answers(networks: list[bytes], domains: list[bytes], whois: list[bytes]) -> st.SearchStrategy[Answers]:
    """Draw answers that are made of these, spoilt."""
    return st.tuples(
        st.one_of(trees(networks), trees(networks), st.binary(max_size=200)),
        _STATUSES,
        st.one_of(trees(domains), trees(domains), st.binary(max_size=200)),
        _STATUSES,
        texts(whois),
        texts(whois),
    )


@contextmanager
def four_names() -> Iterator[Registries]:
    hosts = [f"s{number}.test 300 A 192.0.2.{number}" for number in range(4)]
    zone = Zone("\n".join([*hosts, *(f"{registry.server} 300 A 127.0.0.1" for registry in NATIONAL)]))
    with registries(zone, {}) as all_of_them:
        yield all_of_them


def _spoil(at: Registries, number: int, answers: Answers) -> str:
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


def gives_facts_or_is_the_fault_of_somebody(at: Registries, answers: Answers) -> None:
    name = _spoil(at, 1, answers)

    try:
        found = resolve_url(parse(f"http://{name}/x"), asker=at.askers(), catalogue=EVERYWHERE, now=NINE)
    except (OutsideError, RefusedError):
        return

    assert found.facts.host == name
    assert all(len(sentence(problem.reason)) < 200 for problem in found.facts.problems)
    assert Code.ANSWER_UNREADABLE not in {problem.reason.code for problem in found.facts.problems}


def can_be_kept(store: Store, at: Registries, four: Sequence[Answers], now: datetime) -> None:
    names = [_spoil(at, number, one) for number, one in enumerate(four)]
    cases = [made(store, f"http://{name}/{now:%d%H}") for name in names]

    resolve_due(store, asker=at.askers(), catalogue=EVERYWHERE, holder="one", now=now)

    assert [state(store, case).host_id for case in cases] == [case.host_id for case in cases]
    assert put_off(store) == []


def put_off(store: Store) -> list[int]:
    """Return the hosts that could not be written: what was recorded counts its tries anew."""
    with store.db.read() as connection:
        asked = select(Due.subject).where(Due.kind == due.RESOLVE, Due.tries > 0)
        return list(connection.execute(asked).scalars())
