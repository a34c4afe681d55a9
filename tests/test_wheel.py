"""The wheel: everything the service reads is in it, and it runs where there is no checkout."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("providers", "templates", "migrations")
MOST_S = 600
"""A bound against hanging, not a figure."""


def run(call: Sequence[str | Path], *, where: Path, **more: str) -> str:
    """Run a command without settings of the caller's; return what it printed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NTA_", "PYTHON"))}
    done = subprocess.run(
        [*map(str, call)],
        check=False,
        cwd=where,
        env=kept | more,
        capture_output=True,
        text=True,
        timeout=MOST_S,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the builder that is locked."""
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], where=ROOT)
    [made] = folder.glob("nta-*.whl")
    return made


@pytest.fixture
def unpacked(wheel: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(wheel) as held:
        held.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def shown(folder: Path) -> set[str]:
    """Return the files of a folder that belong to the project."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_beside_the_code_is_packed_whole(unpacked: Path, name: str) -> None:
    packed = shown(unpacked / "nta" / "_shipped" / name)

    assert packed == shown(ROOT / name)
    assert len(packed) > 3


def test_what_the_pages_and_the_lab_read_is_packed_and_nothing_else(unpacked: Path) -> None:
    packed = shown(unpacked / "nta")
    tops = {path.name.partition("-")[0] for path in unpacked.iterdir()}

    assert tops == {"nta"}
    assert {p for p in shown(ROOT / "nta") if not p.endswith(".py")} <= packed
    assert any(name.endswith("licenses/LICENSE") for name in shown(unpacked))


def test_it_finds_its_folders_and_plays_a_world_away_from_the_checkout(
    unpacked: Path, tmp_path: Path
) -> None:
    found = run(
        [sys.executable, "-c", "from nta.shipped import shipped; print(shipped('providers'))"],
        where=tmp_path,
        PYTHONPATH=str(unpacked),
    )
    run([sys.executable, "-m", "nta", "catalogue", "check"], where=tmp_path, PYTHONPATH=str(unpacked))
    played = run(
        [sys.executable, "-m", "nta", "demo", "--until-done", "--json", "--world", "quick"],
        where=tmp_path,
        PYTHONPATH=str(unpacked),
    )

    assert Path(found.strip()) == unpacked / "nta" / "_shipped" / "providers"
    assert json.loads(played)["outcomes"] == {"removed_after_notice": 3}


@pytest.mark.system
def test_it_is_installed_into_an_empty_environment_and_plays_the_whole_world(
    wheel: Path, tmp_path: Path
) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    pip = [programs / "python", "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    for name in ("base", "run"):
        run([*pip, "--require-hashes", "-r", ROOT / ".lock" / f"{name}.txt"], where=tmp_path)
    run([*pip, "--no-deps", wheel], where=tmp_path)

    version = run([programs / "nta", "--version"], where=tmp_path)
    played = json.loads(run([programs / "nta", "demo", "--until-done", "--json"], where=tmp_path))

    assert version.startswith("nta, version ")
    assert played["cases"] > 100
    assert played["outcomes"]["removed_after_notice"] > 50
