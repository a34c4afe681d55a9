"""The environment is what .lock says, from pip itself onwards: nothing else, and nothing of the machine."""

import re
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).resolve().parents[1] / ".lock"


def locked(*names: str) -> dict[str, str]:
    """Return the version that the lock names for each package that is wanted here."""
    text = "".join((LOCK / f"{name}.txt").read_text("utf-8") for name in names)
    wanted = [Requirement(line) for line in re.findall(r"^(\w.*?) *\\$", text, re.MULTILINE)]
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in wanted
        if one.marker is None or one.marker.evaluate()
    }


def test_the_environment_holds_what_is_locked_and_nothing_else() -> None:
    installed = {canonicalize_name(one.name): one.version for one in distributions()}
    del installed["nta"]

    assert installed == locked("base", "run", "dev")


def test_what_runs_in_earnest_is_locked_for_development_too() -> None:
    assert locked("run").items() <= locked("dev").items()
