"""Rows for the benchmark of looks: hosts, their arrangements, cases that are up, overdue looks."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from nta.domain.checks.canaries import page_trace
from nta.domain.hosting import facts as hosting_facts
from nta.domain.intake import urls
from nta.store.db.bulk import insert_rows, table_of
from nta.store.db.handle import Store
from nta.store.db.types import to_us
from nta.store.tables import Arrangement, ArrangementParty, Case, Due, Episode, Host, PartyRow, SightingSpan
from tests.benchmarks.little_internet import HOSTS, PER_HOST, address, name, url

PARTIES = 20
LOOKS = HOSTS * PER_HOST
BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = BEGAN + timedelta(hours=3)
_RECEIVED, _SEEN = to_us(BEGAN), to_us(BEGAN + timedelta(hours=1))
_DUE = to_us(BEGAN + timedelta(hours=2))


def fill(store: Store, port: int) -> None:
    """Write everything. The URLs of a host are due together, as they are after any round in which they were.

    Each was seen up two hours ago; half of them will be found gone, which
    takes an event and a new span each. The hosts' addresses were confirmed
    longer than an hour ago, so that this is written too.
    """
    hosts, arrangements = store.ids.take(HOSTS), store.ids.take(HOSTS)
    cases, episodes, spans = (store.ids.take(LOOKS) for _ in range(3))
    pages = [(host, page) for host in range(HOSTS) for page in range(PER_HOST)]
    with store.db.write() as connection:
        _insert(connection, PartyRow, [_party(number) for number in range(PARTIES)])
        _insert(connection, Host, [_host(store, n, i, arrangements[n], port) for n, i in enumerate(hosts)])
        _insert(
            connection, Arrangement, [_arrangement(store, n, i, hosts[n]) for n, i in enumerate(arrangements)]
        )
        _insert(connection, ArrangementParty, [_serving(n, i) for n, i in enumerate(arrangements)])
        _insert(
            connection,
            Case,
            [
                _case(store, n, i, hosts[host], url(host, page, port))
                for n, (i, (host, page)) in enumerate(zip(cases, pages, strict=True))
            ],
        )
        _insert(
            connection,
            Episode,
            [
                _episode(i, case, hosts[host], arrangements[host])
                for i, case, (host, _) in zip(episodes, cases, pages, strict=True)
            ],
        )
        _insert(
            connection,
            SightingSpan,
            [_span(i, episode, host) for i, episode, (host, _) in zip(spans, episodes, pages, strict=True)],
        )
        _insert(
            connection, Due, [{"kind": "look", "subject": i, "due_at": _DUE, "tries": 0} for i in episodes]
        )


def _insert(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    insert_rows(connection, table_of(table), tuple(rows[0]), [tuple(row.values()) for row in rows])


def _party(number: int) -> dict[str, Any]:
    return {
        "id": f"hosting:bench{number}",
        "name": f"Bench {number}",
        "country": "NL",
        "source": "catalogue",
        "seen_at": _RECEIVED,
    }


def _host(store: Store, number: int, host_id: int, arrangement: int, port: int) -> dict[str, Any]:
    return {
        "id": host_id,
        "digest": urls.digest(f"{name(number)}:{port}", store.keys.derived("host")),
        "name_sealed": store.sealer.seal("host.name", host_id, name(number)),
        "port": port,
        "is_ip": False,
        "arrangement_id": arrangement,
        "missed_looks": 0,
    }


def _arrangement(store: Store, number: int, arrangement: int, host_id: int) -> dict[str, Any]:
    network = hosting_facts.Network("NET-BENCH", "BENCH", ("127.10.0.0/16",), "NL", "ORG-BENCH", "Bench")
    party = f"hosting:bench{number % PARTIES}"
    found = hosting_facts.AddressFacts(address(number), 64500, "BENCH", network, party, "Bench", None, ())
    facts = hosting_facts.HostingFacts(name(number), BEGAN, (), (found,), "NL", None, ())
    return {
        "id": arrangement,
        "host_id": host_id,
        "country": "NL",
        "facts_sealed": store.sealer.seal(
            "arrangement.facts", arrangement, json.dumps(hosting_facts.to_plain(facts))
        ),
        "facts_at": _RECEIVED,
        "began_at": _RECEIVED,
    }


def _serving(number: int, arrangement: int) -> dict[str, Any]:
    return {
        "arrangement_id": arrangement,
        "address": address(number),
        "party": f"hosting:bench{number % PARTIES}",
        "asn": 64500,
        "network": "127.10.0.0/16",
        "country": "NL",
        "seen_at": _SEEN,
    }


def _case(store: Store, number: int, case: int, host_id: int, at: str) -> dict[str, Any]:
    return {
        "id": case,
        "reference": f"C-26-{number:09d}",
        "digest": urls.digest(at, store.keys.derived("url")),
        "host_id": host_id,
        "url_sealed": store.sealer.seal("case.url", case, at),
        "class_scheme": "inhope",
        "class_value": "baseline",
        "severity": "normal",
        "scope": "page",
        "received_at": _RECEIVED,
    }


def _episode(episode: int, case: int, host_id: int, arrangement: int) -> dict[str, Any]:
    return {
        "id": episode,
        "case_id": case,
        "host_id": host_id,
        "number": 1,
        "arrangement_id": arrangement,
        "severity": "normal",
        "stage": "notified",
        "presence": "up",
        "began_at": _RECEIVED,
        "received_at": _RECEIVED,
        "looked_at": _SEEN,
        "last_verdict": "up",
        "last_cause": "content_present",
        "last_up_at": _SEEN,
        "paused": 0,
        "one_vantage": False,
        "returns": 0,
        "first_handed_at": _SEEN,
    }


def _span(span: int, episode: int, host: int) -> dict[str, Any]:
    return {
        "id": span,
        "episode_id": episode,
        "vantage": "here",
        "first_at": _RECEIVED,
        "last_at": _SEEN,
        "count": 2,
        "longest_gap": _SEEN - _RECEIVED,
        "verdict": "up",
        "cause": "content_present",
        "rule": "status_2xx",
        "status": 200,
        "length": 1200,
        "address": address(host),
        "current": True,
        "first_trace": page_trace("text/html", 1200, None),
    }
