"""A demo that was killed while it began goes on in the same folder."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nta.cli.demo import USERS
from tests.world.killed import play
from tests.world.playing import ROOT, end_lab, environment, finish, left_behind, start


def test_a_demo_killed_at_each_step_of_making_its_accounts_goes_on(tmp_path: Path) -> None:
    try:
        ended = [play(tmp_path, "at:user.making", None, "quick")]
        ended += [play(tmp_path, "at:user.made", None, "quick") for _ in USERS]
        last = finish(start(tmp_path, world="quick"), tmp_path)
        store = left_behind(last)
        with store.db.read() as connection:
            names = connection.exec_driver_sql("SELECT email FROM desk_user ORDER BY id").scalars().all()
        store.db.dispose()
    finally:
        end_lab(tmp_path)

    assert [one.code for one in ended] == [-signal.SIGKILL] * (1 + len(USERS))
    assert last.code == 0, last.err
    assert names == [email for _, email in USERS]
    assert '"do":"fault"' not in (tmp_path / "lab" / "journal.jsonl").read_text(), "each log-in was taken"


@pytest.mark.parametrize("left", [{"demo.json": ""}, {"demo.json.new": '{"desk"'}], ids=" ".join)
def test_a_demo_killed_while_it_wrote_down_its_ports_goes_on(tmp_path: Path, left: dict[str, str]) -> None:
    for name, text in left.items():
        (tmp_path / name).write_text(text)
    given = ["demo", "--until-done", "--json", "--world", "quick", "--instance", str(tmp_path)]

    ended = subprocess.run(
        [sys.executable, "-m", "nta", *given],
        cwd=ROOT,
        env=environment(None),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert set(json.loads((tmp_path / "demo.json").read_text())) == {"desk", "portal"}
