"""Looking at 20,000 due URLs on 2,000 hosts with all that is written, beside bare pycurl on the same URLs."""

import sys
import time
from collections import Counter, deque
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pycurl

from nta.adapters.dns.fresh_names import FreshNames
from nta.adapters.net.address_policy import Gate
from nta.adapters.probe.probe_apart import ApartProber
from nta.jobs.garbage_collection import calm
from nta.settings import Reach, Vantage
from nta.store.db.handle import Store
from nta.store.db.types import to_us
from nta.usecases.recheck import Eyes, recheck_due
from tests.benchmarks.little_internet import HOSTS, PER_HOST, Internet, address, running, url
from tests.benchmarks.overdue import LOOKS, NOW, fill
from tests.benchmarks.running import Result, beside, child, most_resident_mib
from tests.benchmarks.stores import blank, copied, open_store
from tests.databases import Cluster

OPEN = 256
GOAL_SQLITE = 0.5
GOAL_POSTGRESQL = 0.4


def ours(database: str, web_port: int, dns_port: int) -> dict[str, Any]:
    """Look at all that is due, as the jobs do."""
    store = open_store(database)
    gate = Gate(Reach(public=True, ranges=(ip_network("127.10.0.0/16"),)))
    prober = ApartProber([Vantage("here", None)], gate, concurrency=OPEN)
    control = url(0, 0, web_port)
    eyes = Eyes(("here",), FreshNames([("127.0.0.1", dns_port)]), prober, (control,))
    prober.start()
    calm()
    begun, cpu = time.perf_counter(), time.process_time()
    taken = 0
    while done := recheck_due(store, eyes=eyes, holder="bench", now=NOW):
        taken += done
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    assert prober.pid is not None
    looking_mib = most_resident_mib(prober.pid)
    prober.close()
    assert taken == LOOKS, taken
    _check(store)
    store.db.dispose()
    return {"seconds": seconds, "cpu": cpu, "beside_mib": looking_mib}


def _check(store: Store) -> None:
    """Make sure that each was looked at once, and that everything was written."""
    at = to_us(NOW)
    counts = {
        "SELECT count(*) FROM due WHERE kind = 'look' AND taken_by IS NULL": LOOKS,
        f"SELECT count(*) FROM due WHERE kind = 'look' AND due_at > {at}": LOOKS,
        "SELECT count(*) FROM event WHERE kind = 'seen_gone'": LOOKS // 2,
        "SELECT count(*) FROM event": LOOKS // 2,
        "SELECT count(*) FROM sighting_span WHERE verdict = 'up' AND count = 3": LOOKS // 2,
        "SELECT count(*) FROM sighting_span WHERE verdict = 'gone' AND current": LOOKS // 2,
        "SELECT count(*) FROM sighting_span": LOOKS * 3 // 2,
        "SELECT count(*) FROM episode WHERE presence = 'up'": LOOKS // 2,
        f"SELECT count(*) FROM episode WHERE presence = 'absent' AND first_gone_at = {to_us(NOW)}": LOOKS
        // 2,
    }
    with store.db.read() as connection:
        for asked, expected in counts.items():
            found = connection.exec_driver_sql(asked).scalar_one()
            assert found == expected, (asked, found)


def raw(web_port: int) -> dict[str, Any]:
    """Ask for the same URLs with bare pycurl multi: the same method, addresses pinned, nothing else."""
    waiting = deque(
        (url(host, page, web_port), f"::{address(host)}:{web_port}")
        for host in range(HOSTS)
        for page in range(PER_HOST)
    )
    begun, cpu = time.perf_counter(), time.process_time()
    statuses: Counter[int] = Counter()
    multi = pycurl.CurlMulti()
    for _ in range(OPEN):
        handle = pycurl.Curl()
        handle.setopt(pycurl.NOBODY, 1)
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.TIMEOUT, 10)
        _next(handle, waiting)
        multi.add_handle(handle)
    busy = OPEN
    while busy:
        multi.perform()
        more, quiet = 1, True
        while more:
            more, good, bad = multi.info_read()
            assert not bad, bad
            for handle in good:
                quiet = False
                statuses[handle.getinfo(pycurl.RESPONSE_CODE)] += 1
                multi.remove_handle(handle)
                if waiting:
                    _next(handle, waiting)
                    multi.add_handle(handle)
                else:
                    busy -= 1
        if quiet:
            multi.select(1.0)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    assert statuses == {200: LOOKS // 2, 404: LOOKS // 2}, statuses
    return {"seconds": seconds, "cpu": cpu}


def _next(handle: pycurl.Curl, waiting: deque[tuple[str, str]]) -> None:
    at, pin = waiting.popleft()
    handle.setopt(pycurl.URL, at)
    handle.setopt(pycurl.CONNECT_TO, [pin])


def run_sqlite(folder: Path) -> list[Result]:
    """Measure on SQLite, in a folder of its own."""
    with running(folder) as internet:
        filled = blank(folder)
        store = open_store(f"sqlite:///{filled}")
        fill(store, internet.web_port)
        with store.db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        store.db.dispose()

        def run_ours() -> dict[str, Any]:
            return _ours(copied(filled, folder / "looked.sqlite"), internet)

        return [_beside("recheck-new-sqlite", run_ours, internet)]


def run_postgresql(folder: Path) -> list[Result]:
    """Measure on a PostgreSQL server of our own that writes to disk as a real one does."""
    cluster = Cluster(durable=True)
    try:
        with running(folder) as internet, cluster.fresh() as filled:
            store = open_store(filled)
            fill(store, internet.web_port)
            with store.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM ANALYZE")
            store.db.dispose()
            template = filled.partition("?")[0].rpartition("/")[2]

            def run_ours() -> dict[str, Any]:
                with cluster.fresh(template) as database:
                    return _ours(database, internet)

            return [_beside("recheck-new-postgresql", run_ours, internet)]
    finally:
        cluster.stop()


def _ours(database: str, internet: Internet) -> dict[str, Any]:
    given = {"database": database, "web_port": internet.web_port, "dns_port": internet.dns_port}
    return child("recheck", "ours", given)


def _beside(bench: str, run_ours: Any, internet: Internet) -> Result:
    print(f"(pages by {internet.server})", end=" ", file=sys.stderr, flush=True)

    def run_raw() -> dict[str, Any]:
        return child("recheck", "raw", {"web_port": internet.web_port})

    return beside(bench, "URLs/s", LOOKS, run_ours, run_raw, repeats=5)
