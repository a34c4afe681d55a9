"""How much of an answer is taken: 1 MiB and no byte more. And no worker ever sleeps."""

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import nta
from nta.adapters.net.address_policy import Gate
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.render.reason_sentences import sentence
from tests.adapters.rdap.test_networks import (
    IP,
    NETWORK,
    asker,
    bootstrap,
)
from tests.adapters.servers import WebServer, WhoisServer, http
from tests.adapters.whois.test_domains_on_port_43 import asker as whois_asker
from tests.lookup_plain import plain

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MIB = 1 << 20
TOO_LONG = "the answer is too long"


@pytest.fixture
def registry() -> Iterator[WebServer]:
    with WebServer() as server:
        server.pages = bootstrap((["192.0.2.0/24"], [f"http://127.0.0.1:{server.port}/"]))
        yield server


def network(registry: WebServer, gate: Gate, length: int) -> Finding:
    plain = json.dumps(NETWORK).encode()
    registry.pages[f"/ip/{IP}"] = http(200, plain + b" " * (length - len(plain)))
    [finding] = asker(registry, gate).ask([Lookup(LookupKind.NETWORK, IP)], NOW)
    return finding


def test_an_answer_of_a_mebibyte_is_read_and_one_byte_more_is_not(
    registry: WebServer, loopback: Gate
) -> None:
    fits, too_long = network(registry, loopback, MIB), network(registry, loopback, MIB + 1)

    assert (fits.problem, fits.value and plain(fits.value)["handle"]) == (None, "NET-1")
    assert too_long.problem
    assert (sentence(too_long.problem.reason), too_long.problem.temporary) == (TOO_LONG, True)


def test_a_record_on_port_43_is_bounded_alike(loopback: Gate) -> None:
    head = b"Domain Name: A.TEST\r\nRegistrar: Registrar B.V.\r\n"
    with WhoisServer({"test": b"refer: whois.registry.test\r\n"}) as port_43:
        said = []
        for length in (MIB, MIB + 1):
            port_43.records["a.test"] = head + b"\n" * (length - len(head))
            [finding] = whois_asker(port_43, loopback).ask([Lookup(LookupKind.WHOIS, "a.test")], NOW)
            said.append(finding)

    assert [sentence(f.problem.reason) if f.problem else None for f in said] == [None, TOO_LONG]


def test_no_adapter_step_or_job_sleeps() -> None:
    """Who has to wait says until when, and the due time moves: a worker that sleeps keeps others waiting."""
    top = Path(nta.__file__).parent
    files = [f for room in ("adapters", "usecases", "store", "jobs") for f in (top / room).rglob("*.py")]

    found = [
        f"{file.relative_to(top)}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr == "sleep")
        or (isinstance(node, ast.ImportFrom) and any(name.name == "sleep" for name in node.names))
    ]

    assert len(files) > 100
    assert found == []
