"""The tests that read recorded data: left out where it is missing, as tests/conftest.py then says."""

import pytest

from tests.cli.conftest import nta
from tests.recorded.records import folder

__all__ = ["nta"]

collect_ignore_glob = [] if folder() else ["test_*.py"]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Call it no failure that nothing was collected where there is nothing to read."""
    if folder() is None and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK
