"""Looking after an installation: settings, catalogue, database, audit trail."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nta.settings import KNOWN
from nta.store import schema
from nta.store.db.database import Database
from nta.store.work import audit
from tests.cli.conftest import Nta
from tests.conftest import NINE
from tests.databases import Cluster

KEY = "ab" * 32


def change(nta: Nta, statement: str) -> None:
    with closing(sqlite3.connect(nta.instance / "nta.sqlite")) as connection, connection:
        connection.execute(statement)


def version(nta: Nta) -> str:
    with closing(sqlite3.connect(nta.instance / "nta.sqlite")) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_settings_are_printed_with_secrets_hidden(nta: Nta) -> None:
    nta.settings |= {"NTA_KEYS": KEY, "NTA_HOTLINE": "example"}

    ended = nta("settings")

    assert (ended.code, ended.err) == (0, "")
    assert "NTA_KEYS = (hidden)\n" in ended.out
    assert "NTA_DIGEST_KEY = (not set)\n" in ended.out
    assert "NTA_HOTLINE = example\n" in ended.out
    assert KEY not in ended.out
    assert not nta.instance.exists()


def test_settings_as_json_are_one_object_each(nta: Nta) -> None:
    nta.settings["NTA_DIGEST_KEY"] = KEY

    ended = nta("settings", "--json")

    assert [line["name"] for line in ended.objects] == [known.name for known in KNOWN]
    assert {tuple(line) for line in ended.objects} == {("name", "value", "source", "default", "meaning")}
    (digest,) = (line for line in ended.objects if line["name"] == "NTA_DIGEST_KEY")
    assert (digest["value"], digest["source"]) == ("(hidden)", "environment")
    assert KEY not in ended.out


def test_an_unknown_setting_is_refused_in_one_line(nta: Nta) -> None:
    nta.settings["NTA_SENDIGN"] = "on"

    ended = nta("settings")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("nta: unknown setting NTA_SENDIGN (environment)")
    assert ended.err.count("\n") == 1


def test_the_shipped_catalogue_is_sound(nta: Nta) -> None:
    ended = nta("catalogue", "check")

    assert (ended.code, ended.out) == (0, "")
    assert ended.err.endswith(" sound entries, 0 faults, 0 warnings, 0 files overridden\n")


@pytest.fixture
def own_nl(nta: Nta, tmp_path: Path) -> tuple[Path, Path]:
    """Lay a country of our own over the shipped one, as shipped so far; return both files."""
    shipped = Path(str(schema.folder().parents[1])) / "providers" / "countries" / "NL.yaml"
    own = tmp_path / "own" / "countries" / "NL.yaml"
    own.parent.mkdir(parents=True)
    own.write_bytes(shipped.read_bytes())
    nta.settings["NTA_CATALOGUE"] = str(tmp_path / "own")
    return shipped, own


def test_a_file_that_counts_instead_of_a_shipped_one_is_named(nta: Nta, own_nl: tuple[Path, Path]) -> None:
    text, as_json = nta("catalogue", "check"), nta("catalogue", "check", "--json")

    shipped, own = own_nl
    assert (text.code, text.out) == (0, f"{shipped}: overridden by {own}\n")
    assert (as_json.code, as_json.objects) == (
        0,
        [{"level": "overridden", "file": str(shipped), "line": None, "what": f"{own} counts instead"}],
    )


def test_an_unknown_key_of_the_catalogue_is_named_with_its_file_and_line(
    nta: Nta, own_nl: tuple[Path, Path]
) -> None:
    own = own_nl[1]
    lines = own.read_text(encoding="utf-8").splitlines()
    own.write_text("\n".join([*lines, "nonsense: 1", ""]), encoding="utf-8")

    text, as_json = nta("catalogue", "check"), nta("catalogue", "check", "--json")

    assert (text.code, as_json.code) == (2, 2)
    assert text.out.startswith(f"{own}:{len(lines) + 1}: nonsense: is not a key here")
    assert ", 1 faults, " in text.err
    fault = as_json.objects[0]
    assert (fault["level"], fault["file"], fault["line"]) == ("fault", str(own), len(lines) + 1)


def test_a_warning_keeps_nothing_from_running(nta: Nta, own_nl: tuple[Path, Path]) -> None:
    own = own_nl[1]
    own.write_text(re.sub(r"checked: .*", "checked: 2020-01-01", own.read_text("utf-8")), "utf-8")

    ended = nta("catalogue", "check")

    assert ended.code == 0
    assert "warning: checked: more than a year ago" in ended.out


def test_a_catalogue_that_is_not_there_is_refused(nta: Nta, tmp_path: Path) -> None:
    nta.settings["NTA_CATALOGUE"] = str(tmp_path / "nowhere")

    ended = nta("catalogue", "check")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"nta: NTA_CATALOGUE: {tmp_path / 'nowhere'} is no folder\n"


def test_a_fresh_database_is_brought_up_to_date_once(nta: Nta) -> None:
    first, second = nta("db", "upgrade"), nta("db", "upgrade")

    head = schema.head()
    assert (first.code, first.out) == (0, "")
    assert first.err == f"the database went from version none to {head}\n"
    assert (second.code, second.out) == (0, "")
    assert second.err == f"the database went from version {head} to {head}\n"
    assert version(nta) == head
    assert nta.instance.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("command", ["db upgrade", "audit verify"])
def test_a_database_newer_than_the_code_is_refused_and_not_touched(ready: Nta, command: str) -> None:
    change(ready, "UPDATE alembic_version SET version_num = 'ffff'")
    before = (ready.instance / "nta.sqlite").read_bytes()

    ended = ready(*command.split())

    assert (ended.code, ended.out) == (2, "")
    assert "version ffff, newer than this code" in ended.err
    assert ended.err.count("\n") == 1
    assert (ready.instance / "nta.sqlite").read_bytes() == before


def test_a_whole_audit_trail_holds_and_a_changed_one_does_not(ready: Nta) -> None:
    house = ready.house()
    with house.store.db.write() as connection:
        audit.note(connection, house.store.ids, at=NINE, who="lead@hotline.test", act="stop_sending")
        audit.seal(connection, NINE)
    house.close()

    whole = ready("audit", "verify")
    change(ready, "UPDATE audit_entry SET who = 'somebody else'")
    changed, as_json = ready("audit", "verify"), ready("audit", "verify", "--json")

    assert (whole.code, whole.out, whole.err) == (0, "", "the audit trail holds\n")
    assert (changed.code, changed.out) == (1, "batch 1: an entry was changed\n")
    assert changed.err == "1 faults\n"
    assert as_json.objects == [{"fault": "batch 1: an entry was changed"}]


def test_sqlite_has_no_role_for_the_portal(nta: Nta) -> None:
    nta("db", "upgrade")

    ended = nta("db", "grant-portal", "nta_portal")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "nta: SQLite has no roles: the portal's role is for PostgreSQL\n"


def test_a_role_of_postgresql_is_given_what_the_portal_needs(nta: Nta, cluster: Cluster) -> None:
    with cluster.fresh() as uri:
        nta.settings["NTA_DATABASE_URL"] = uri
        database = Database(uri)
        with database.write() as connection:
            connection.exec_driver_sql("CREATE ROLE nta_granted LOGIN")
        nta("db", "upgrade")

        ended = nta("db", "grant-portal", "nta_granted")

        with database.write() as connection:
            may = connection.exec_driver_sql(
                "SELECT has_column_privilege('nta_granted', 'notice', 'reference', 'SELECT'),"
                " has_column_privilege('nta_granted', 'notice', 'content_sealed', 'SELECT')"
            ).one()
            connection.exec_driver_sql("DROP OWNED BY nta_granted")
            connection.exec_driver_sql("DROP ROLE nta_granted")
        database.dispose()
    assert (ended.code, ended.err) == (0, "nta_granted may do what the portal needs, and nothing else\n")
    assert tuple(may) == (True, False)
