"""One runner on an embedded database, whoever asks."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nta.domain.errors import RefusedError
from nta.jobs.single_runner import Alone
from tests.world.playing import ROOT

HOLDER = """
import sys
from pathlib import Path
from nta.jobs.single_runner import Alone
alone = Alone(Path(sys.argv[1]))
alone.take()
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "nta.sqlite")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "taken\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_refused_with_the_pid_of_the_first(
    holder: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match=rf"another process \(pid {holder.pid}\) runs the jobs of "):
        Alone(tmp_path / "nta.sqlite").take()


def test_a_holder_that_is_killed_gives_the_lock_back(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    holder.kill()
    holder.wait()
    alone = Alone(tmp_path / "nta.sqlite")

    alone.take()

    with pytest.raises(RefusedError):
        Alone(tmp_path / "nta.sqlite").take()
    alone.release()


def test_what_is_released_can_be_taken_again(tmp_path: Path) -> None:
    first, second = Alone(tmp_path / "nta.sqlite"), Alone(tmp_path / "nta.sqlite")

    first.take()
    first.release()
    first.release()
    second.take()

    with pytest.raises(RefusedError):
        first.take()
    second.release()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"No such file"):
        Alone(tmp_path / "nowhere" / "nta.sqlite").take()
