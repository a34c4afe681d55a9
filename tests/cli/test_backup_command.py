"""`nta backup`, `nta restore` and `nta keys`: exit codes, one line where they refuse, nothing half done."""

import os
import stat
from pathlib import Path

import pytest

from tests.builders import sending_allowed
from tests.cli.conftest import Nta
from tests.databases import Cluster
from tests.sealed import fill, opened


@pytest.fixture
def saved(ready: Nta, tmp_path: Path) -> tuple[Path, Path]:
    """A backup of an instance in use and its keys, each in a folder; the settings name another instance."""
    house = ready.house()
    fill(house.store)
    house.close()
    data, keys = tmp_path / "backups" / "monday", tmp_path / "safe" / "keys"
    for file in (data, keys):
        file.parent.mkdir()
    ended = ready("backup", data, "--keys", keys)
    assert (ended.code, ended.out) == (0, "")
    ready.settings["NTA_INSTANCE"] = str(tmp_path / "other")
    return data, keys


def refused(nta: Nta, *arguments: object) -> str:
    """Return the one line that a command was refused with."""
    ended = nta(*arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    return ended.err


def test_an_instance_is_back_on_another_machine_and_quiet(
    ready: Nta, saved: tuple[Path, Path], tmp_path: Path
) -> None:
    data, keys = saved

    ended = ready("restore", data, "--keys", keys, "--json")

    (told,) = ended.objects
    assert (ended.code, told["file"], told["made_at"]) == (0, str(data), "2026-03-02T09:00:00+00:00")
    assert ended.err.endswith(" rows of 2026-03-02 09:00 UTC are back; a lead has to allow sending\n")
    there = ready.house()
    ready.settings["NTA_INSTANCE"] = str(ready.instance)
    before = ready.house()
    assert opened(there.store) == opened(before.store)
    assert (sending_allowed(there.store), sending_allowed(before.store)) == (False, True)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "other" / "keys").iterdir()}
    assert modes == {0o600}
    there.close()
    before.close()


def test_an_instance_is_restored_into_postgresql(
    ready: Nta, saved: tuple[Path, Path], cluster: Cluster
) -> None:
    with cluster.fresh("template1") as uri:
        ready.settings["NTA_DATABASE_URL"] = uri
        ended = ready("restore", saved[0], "--keys", saved[1])
        again = refused(ready, "restore", saved[0], "--keys", saved[1])
        house = ready.house()
        found = opened(house.store)
        house.close()

    assert (ended.code, ended.out) == (0, "")
    assert "the database is in use" in again
    assert len(found) > 15


def test_keys_and_data_do_not_go_into_one_folder(ready: Nta, tmp_path: Path) -> None:
    said = refused(ready, "backup", tmp_path / "data", "--keys", tmp_path / "keys")

    assert "the keys go into another folder than the data" in said
    assert not (tmp_path / "keys").exists()
    assert "say a file for the data" in refused(ready, "backup")


def test_a_backup_that_cannot_be_written_is_refused(
    ready: Nta, saved: tuple[Path, Path], tmp_path: Path
) -> None:
    ready.settings["NTA_INSTANCE"] = str(ready.instance)

    assert "exists already" in refused(ready, "backup", saved[0])
    assert "exists already" in refused(ready, "backup", "--keys", saved[1])
    assert "No such file or directory" in refused(ready, "backup", tmp_path / "none" / "data")


def test_a_restore_without_the_right_keys_is_refused_and_writes_nothing(
    ready: Nta, saved: tuple[Path, Path], tmp_path: Path
) -> None:
    data, keys = saved
    others = tmp_path / "others"
    assert "say --keys with the file" in refused(ready, "restore", data)
    assert "holds no keys that `nta backup --keys` wrote" in refused(ready, "restore", data, "--keys", data)
    assert "No such file" in refused(ready, "restore", data, "--keys", others)
    first = keys.read_text().split('"sealing": [')[1].split('"')[1]
    others.write_text(keys.read_text().replace(first, "ab" * 32))

    assert "these keys do not open it" in refused(ready, "restore", data, "--keys", others)
    assert not (tmp_path / "other" / "keys").exists()
    assert ready("restore", data, "--keys", keys).code == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_restored_under_jobs_that_run(
    kind: str, ready: Nta, saved: tuple[Path, Path], cluster: Cluster
) -> None:
    with cluster.fresh() as uri:
        if kind == "postgresql":
            ready.settings["NTA_DATABASE_URL"] = uri
        running = ready.house()
        running.take_jobs()
        for name in ("sealing", "digest", "portal"):
            (running.instance / "keys" / name).unlink()

        said = refused(ready, "restore", saved[0], "--keys", saved[1])
        running.close()
        ended = ready("restore", saved[0], "--keys", saved[1])

    assert "end it first" in said
    assert ended.code == 0


def test_an_instance_with_keys_of_its_own_is_not_restored_into(
    ready: Nta, saved: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "other" / "keys").mkdir(parents=True)
    (tmp_path / "other" / "keys" / "digest").write_text("cd" * 32)

    said = refused(ready, "restore", saved[0], "--keys", saved[1])

    assert "keys/digest holds another key than the backup's: this instance is in use" in said
    assert [path.name for path in (tmp_path / "other" / "keys").iterdir()] == ["digest"]


def test_keys_are_rotated_under_a_process_that_runs(ready: Nta) -> None:
    running = ready.house()
    fill(running.store)
    before = opened(running.store)

    ended = ready("keys", "rotate", "--json")
    early = refused(ready, "keys", "rotate", "--finish")
    os.utime(ready.instance / "keys" / "sealing", (0, 0))
    finished = ready("keys", "rotate", "--finish")

    (told,) = ended.objects
    assert (ended.code, told["keys"], told["damaged"], told["left"]) == (0, "sealing", 0, False)
    assert told["resealed"] > 10
    assert "the newest key is younger than 1 minute" in early
    assert (finished.code, finished.out) == (0, "")
    assert len((ready.instance / "keys" / "sealing").read_text().split()) == 1
    assert opened(running.store) == before
    assert "there is one key" in refused(ready, "keys", "rotate", "--finish")
    running.close()


def test_the_portals_keys_are_rotated_apart(ready: Nta) -> None:
    ready("db", "upgrade")
    ended = ready("keys", "rotate", "--portal")

    assert (ended.code, ended.out) == (0, "")
    assert ended.err.endswith("in 30 days: until then the links in notices hang on the old key\n")
    assert len((ready.instance / "keys" / "portal").read_text().split()) == 2
    assert len((ready.instance / "keys" / "sealing").read_text().split()) == 1


def test_on_several_machines_a_person_puts_the_new_key_into_the_settings(
    ready: Nta, cluster: Cluster
) -> None:
    with cluster.fresh() as uri:
        ready.settings["NTA_DATABASE_URL"] = uri
        elsewhere = refused(ready, "keys", "rotate")
        new = [ready("keys", "new").out.strip() for _ in range(2)]
        ready.settings |= {"NTA_KEYS": new[0], "NTA_DIGEST_KEY": new[0], "NTA_PORTAL_KEYS": new[0]}
        alone = refused(ready, "keys", "rotate")
        ready.settings["NTA_KEYS"] = f"{new[1]},{new[0]}"
        rotated = ready("keys", "rotate")
        finished = ready("keys", "rotate", "--finish")

    assert "other machines cannot open what is sealed under a key made here" in elsewhere
    assert "NTA_KEYS holds one key. Put a new one (`nta keys new`) after it on every machine" in alone
    assert (rotated.code, finished.code) == (0, 0)
    assert finished.err.endswith("take the older keys out of NTA_KEYS on every machine\n")
