"""Resolving a set: kinds of questions side by side, hosts written together, and a host that cannot be."""

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from nta.domain.deadlines import back_off
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.store.db.handle import Store
from nta.store.work import due
from nta.store.work.leases import Leases
from nta.usecases.resolve.asking import subject_of
from nta.usecases.resolve.gathering import ASKING, gather
from tests.builders import MadeCase
from tests.conftest import NINE
from tests.resolving import FakeAsker, an_asker, due_at, events, host, made, resolve, state

_ON_SQLITE = """
CREATE TRIGGER spoilt BEFORE INSERT ON arrangement WHEN NEW.host_id = {host}
BEGIN SELECT RAISE(ABORT, 'spoilt'); END
"""
_ON_POSTGRESQL = """
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.host_id = {host} THEN RAISE EXCEPTION 'spoilt'; END IF; RETURN NEW; END $$;
CREATE TRIGGER spoilt BEFORE INSERT ON arrangement FOR EACH ROW EXECUTE FUNCTION spoil()
"""


@dataclass
class SlowOfDomains(FakeAsker):
    """Says nothing of domains before it was asked about a network."""

    was_asked: threading.Event = field(default_factory=threading.Event)

    def ask(self, lookups: Collection[Lookup], now: datetime) -> Iterator[Finding]:
        kinds = {lookup.kind for lookup in lookups}
        if LookupKind.DOMAIN in kinds:
            assert self.was_asked.wait(30), "networks wait for domains"
        if LookupKind.NETWORK in kinds:
            self.was_asked.set()
        yield from super().ask(lookups, now)


def test_a_slow_registry_of_domains_holds_up_no_network(store: Store) -> None:
    known = an_asker()
    asker = SlowOfDomains(known.names, known.networks)
    case = made(store, "http://a.test/x")

    assert resolve(store, asker) == 1

    assert state(store, case).stage == "ready"
    assert asker.asked_domains == ["rdap_domain a.test"]


def test_hosts_are_written_together_each_with_its_own(store: Store) -> None:
    asker = an_asker()
    cases = []
    for number in range(7):
        asker.names[f"s{number}.test"] = (f"192.0.2.{number}",)
        cases += [made(store, f"http://s{number}.test/{page}") for page in range(2)]
    passed: list[str] = []

    assert resolve(store, asker, checkpoint=passed.append) == 7

    assert [state(store, case).stage for case in cases] == ["ready"] * 14
    assert [events(store, case) for case in cases] == [["submitted", "resolved"]] * 14
    assert [due_at(store, due.ESCALATE, case.episode_id) for case in cases] == [NINE] * 14
    assert {host(store, case).arrangement_id for case in cases} == {
        state(store, case).arrangement_id for case in cases
    }
    assert passed == ["resolve.taken", "resolve.asked", "resolve.recorded"]


def test_nothing_more_is_asked_when_a_batch_has_taken_long(store: Store) -> None:
    asker = an_asker()
    times = iter((NINE, NINE, NINE))  # the beginning, the name, the domain: then it is late

    found = gather(
        store,
        {1: subject_of("a.test", is_ip=False)},
        asker,
        NINE,
        Leases(store.db, due.RESOLVE, "one", [1], machine=lambda: NINE),
        machine=lambda: next(times, NINE + ASKING),
    )

    assert (asker.asked, asker.asked_domains) == (["a.test"], ["rdap_domain a.test"])
    assert set(found.unfinished) == {1}


def test_a_host_that_cannot_be_written_harms_no_other(store: Store) -> None:
    asker = an_asker()
    asker.names["c.test"] = ("192.0.2.3",)
    good, bad, other = (made(store, f"http://{name}.test/x") for name in "abc")
    with spoilt(store, bad):
        assert resolve(store, asker) == 3

    assert [state(store, case).stage for case in (good, bad, other)] == ["ready", "submitted", "ready"]
    assert events(store, bad) == ["submitted"]
    assert resolve(store, asker) == 0, "it waits for its next try"
    assert resolve(store, asker, NINE + back_off(1)) == 1
    assert state(store, bad).stage == "ready"


@contextmanager
def spoilt(store: Store, case: MadeCase) -> Iterator[None]:
    """Let no arrangement of a host be written."""
    begin, end = (
        (_ON_SQLITE, "DROP TRIGGER spoilt")
        if store.db.is_sqlite
        else (_ON_POSTGRESQL, "DROP FUNCTION spoil CASCADE")
    )
    with store.db.write() as connection:
        connection.exec_driver_sql(begin.format(host=case.host_id))
    try:
        yield
    finally:
        with store.db.write() as connection:
            connection.exec_driver_sql(end)
