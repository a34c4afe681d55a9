"""Desk, portal and jobs as processes of their own, on one PostgreSQL."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.databases import Cluster
from tests.world.playing import ROOT, environment

BOUND_S = 30
"""A bound against hanging, not a figure."""

MOST_S = 3.0
"""A service has to be gone by then (issue: Ctrl-C ends it within 3 s)."""

Parts = dict[str, "subprocess.Popen[str]"]


@pytest.fixture
def parts(cluster: Cluster, tmp_path: Path) -> Iterator[Parts]:
    """The three parts, none of which knows of the others; ended by their ids."""
    with cluster.fresh() as uri:
        given = environment(uri) | {"NTA_INSTANCE": str(tmp_path), "NTA_HOTLINE": "example"}
        started: Parts = {}
        try:
            for name, port in (("desk", "--desk-port"), ("portal", "--portal-port"), ("jobs", None)):
                started[name] = subprocess.Popen(
                    [sys.executable, "-m", "nta", name, *([port, "0"] if port else [])],
                    cwd=ROOT,
                    env=given,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            yield started
        finally:
            for process in started.values():
                process.kill()
                process.communicate(timeout=BOUND_S)


def test_the_parts_run_side_by_side_and_end_when_they_are_asked_to(parts: Parts) -> None:
    said = {name: process.stderr.readline() for name, process in parts.items() if process.stderr}
    assert said["jobs"] == "the jobs run\n"
    for door, path in (("desk", "/login"), ("portal", "/")):
        port = int(said[door].rpartition(":")[2])
        connection = HTTPConnection("127.0.0.1", port, timeout=BOUND_S)
        connection.request("GET", path)
        assert connection.getresponse().status < 500
        connection.close()

    asked = time.monotonic()
    for process, number in zip(parts.values(), (signal.SIGTERM, signal.SIGINT, signal.SIGINT), strict=True):
        process.send_signal(number)
    codes = [process.wait(BOUND_S) for process in parts.values()]

    assert codes == [0, 0, 0]
    assert time.monotonic() - asked < MOST_S
