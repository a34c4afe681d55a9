"""Registries whose answers are spoilt by seed: every step of resolving ends, and the host beside goes on."""

from pathlib import Path
from random import Random

from nta.domain.reasons import Code
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements
from nta.usecases.resolve import resolve_due
from tests.adapters.servers import Zone, http
from tests.conftest import NINE, hours
from tests.fuzzing import rounds, spoil
from tests.resolving import EVERYWHERE, host, made, state
from tests.usecases.registries import GOOD_IP, IP, registries

SEEDS = Path(__file__).parents[1] / "data" / "registries"


def test_a_spoilt_registry_ends_no_step_and_no_host_beside(store: Store) -> None:
    zone = Zone(f"a.test 300 A {GOOD_IP}\nb.test 300 A {IP}")
    whole = {name: (SEEDS / name).read_bytes() for name in ("network.json", "domain.json", "domain.txt")}
    with registries(zone, {}) as at:
        for number in rounds(15):
            random = Random(number)
            spoilt = {name: spoil(data, random) for name, data in whole.items()}
            at.rdap.pages[f"/ip/{IP}"] = http(200, spoilt["network.json"])
            at.registry.pages["/domain/b.test"] = http(200, spoilt["domain.json"])
            at.port_43.records |= {"test": b"refer: 127.0.0.1\r\n", "b.test": spoilt["domain.txt"]}
            now = NINE + hours(25 * number)  # after all earlier findings
            good, bad = (made(store, f"http://{name}.test/{number}") for name in "ab")

            resolve_due(store, asker=at.askers(), catalogue=EVERYWHERE, holder="one", now=now)

            assert state(store, good).stage == "ready"
            assert state(store, bad).stage in ("ready", "submitted", "unresolved")
            assert Code.ANSWER_UNREADABLE not in reasons(store, bad)


def reasons(store: Store, case: object) -> set[str]:
    number = host(store, case).arrangement_id  # type: ignore[arg-type]
    if number is None:
        return set()
    with store.db.read() as connection:
        return {
            problem.reason.code for problem in host_arrangements.facts(connection, store, number).problems
        }
