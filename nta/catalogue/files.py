"""Reading the file of an entry: keys and values with their lines, or what is wrong with it."""

from pathlib import Path

from nta.catalogue.catalogue_errors import Fault
from nta.strict_yaml import Lined, NotStrictError, read


def load(path: Path, faults: list[Fault]) -> Lined | None:
    """Return what a file holds, or None and what is wrong with it."""
    try:
        with open(path, "rb", buffering=0) as opened:  # noqa: PTH123 (hundreds: half the time of read_text)
            value = read(opened.read().decode("utf-8"))
    except NotStrictError as error:
        faults.append(Fault(str(path), error.line, str(error)))
        return None
    except (OSError, ValueError) as error:
        faults.append(Fault(str(path), None, f"cannot be read ({type(error).__name__})"))
        return None
    if not isinstance(value, Lined) or not all(isinstance(key, str) for key in value):
        faults.append(Fault(str(path), None, "must hold keys and values"))
        return None
    return value
