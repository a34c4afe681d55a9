"""Keys that a database in use was not sealed under are refused at the start, in one line, by every door."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from nta.bootstrap import House
from nta.domain.errors import RefusedError
from nta.store.tables import Case
from tests.builders import make_case, make_notice
from tests.cli.conftest import Nta, nta
from tests.conftest import NINE
from tests.databases import Cluster

__all__ = ["nta"]

OTHER = "ab" * 32
SETTINGS = {"sealing": "NTA_KEYS", "digest": "NTA_DIGEST_KEY", "portal": "NTA_PORTAL_KEYS"}


@pytest.fixture(params=["sqlite", "postgresql"])
def used(request: pytest.FixtureRequest, tmp_path: Path, blank_sqlite: Path) -> Iterator[dict[str, str]]:
    """The settings of an installation with an account, a case and a notice."""
    given = {"NTA_INSTANCE": str(tmp_path / "instance"), "NTA_HOTLINE": "example"}
    if request.param == "sqlite":
        (tmp_path / "instance").mkdir(mode=0o700)
        shutil.copy(blank_sqlite, tmp_path / "instance" / "nta.sqlite")
        fill(given)
        yield given
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        with cluster.fresh() as uri:
            given["NTA_DATABASE_URL"] = uri
            fill(given)
            yield given


def fill(given: dict[str, str]) -> None:
    house = House(given)
    house.add_user("lead@hotline.test", "correct horse battery", "lead")
    make_notice(house.store, [make_case(house.store, "http://gallery.example/a", NINE)], NINE)
    house.close()


def refusal_of(given: dict[str, str], asked: str = "store") -> str:
    house = House(given)
    try:
        with pytest.raises(RefusedError) as refusal:
            getattr(house, asked)
    finally:
        house.close()
    return str(refusal.value)


@pytest.mark.parametrize("name", SETTINGS)
def test_another_key_is_refused_by_name(used: dict[str, str], name: str) -> None:
    said = refusal_of({**used, SETTINGS[name]: OTHER})

    assert said.startswith(f"{SETTINGS[name]} (or keys/{name} in the instance): not the key ")
    assert "\n" not in said
    assert "gallery" not in said


@pytest.mark.parametrize("name", SETTINGS)
def test_another_key_file_is_refused_by_name(used: dict[str, str], name: str) -> None:
    (Path(used["NTA_INSTANCE"]) / "keys" / name).write_text(f"{OTHER}\n")

    assert refusal_of(used).startswith(f"{SETTINGS[name]} (or keys/{name} in the instance): not the key ")


def test_a_portal_on_its_own_is_refused_with_another_key(used: dict[str, str]) -> None:
    said = refusal_of({**used, "NTA_PORTAL_KEYS": OTHER}, "portal_store")

    assert said.startswith("NTA_PORTAL_KEYS ")


def test_an_older_key_that_was_taken_away_is_missed(used: dict[str, str]) -> None:
    """The newest rows open, the oldest do not."""
    old = (Path(used["NTA_INSTANCE"]) / "keys" / "sealing").read_text().strip()
    both = House({**used, "NTA_KEYS": f"{OTHER},{old}"})
    make_case(both.store, "http://gallery.example/b", NINE)
    both.close()

    assert refusal_of({**used, "NTA_KEYS": OTHER}).startswith("NTA_KEYS ")


def test_one_spoilt_row_shuts_nobody_out(used: dict[str, str]) -> None:
    house = House(used)
    with house.store.db.write() as connection:
        sealed = connection.execute(Case.__table__.select()).one().url_sealed
        spoilt = bytes(sealed[:-1]) + bytes([sealed[-1] ^ 1])
        connection.execute(Case.__table__.update().values(url_sealed=spoilt))
    house.close()

    again = House(used)

    assert again.store.keys
    again.close()


@pytest.mark.parametrize("command", [("serve",), ("jobs", "--once"), ("submit", "-")], ids=" ".join)
def test_a_command_is_refused_in_one_line_before_anything_is_done(
    nta: Nta, tmp_path: Path, command: tuple[str, ...]
) -> None:
    nta.settings["NTA_HOTLINE"] = "example"
    fill(nta.settings)
    nta.settings["NTA_KEYS"] = OTHER

    ended = nta(*command, stdin=b"http://gallery.example/c\n")

    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith("nta: NTA_KEYS (or keys/sealing in the instance): not the key ")
