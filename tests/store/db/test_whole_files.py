"""Files that are there whole or not at all."""

import resource
import stat
from pathlib import Path

import pytest

from nta.domain.errors import OutsideError, RefusedError
from nta.store.db.whole_files import written_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_gets_its_name_when_all_of_it_is_there(tmp_path: Path) -> None:
    with written_whole(tmp_path / "a") as file:
        file.write(b"all of it")
        file.flush()
        before = (tmp_path / "a").exists()

    assert not before
    assert (tmp_path / "a").read_bytes() == b"all of it"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert names(tmp_path) == ["a"]


def test_a_fault_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("before")

    def write() -> None:
        with written_whole(tmp_path / "a", instead=True) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()

    assert (tmp_path / "a").read_text() == "before"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("meanwhile", [False, True])
def test_no_other_file_is_written_over(meanwhile: bool, tmp_path: Path) -> None:
    def write() -> None:
        with written_whole(tmp_path / "a") as file:
            file.write(b"mine")
            if meanwhile:
                (tmp_path / "a").write_text("theirs")

    if not meanwhile:
        (tmp_path / "a").write_text("theirs")
    with pytest.raises(RefusedError, match="exists already"):
        write()

    assert (tmp_path / "a").read_text() == "theirs"
    assert names(tmp_path) == ["a"]


def test_a_disk_that_takes_no_more_leaves_nothing_behind(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OutsideError, match="File too large"), written_whole(tmp_path / "a") as file:
            file.write(bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert names(tmp_path) == []
