"""Where settings are written: NTA_* variables, a TOML file, and files that hold one secret each."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from nta.domain.errors import RefusedError


def gather(environment: Mapping[str, str], secrets: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return each setting's text with its source; `secrets` names those that NTA_…_FILE may give.

    Raises: RefusedError when one is said twice, or a file cannot be read.
    """
    found: dict[str, tuple[str, str]] = {}
    config = environment.get("NTA_CONFIG")
    if config:
        found.update(_from_file(Path(config)))
    for name, text in environment.items():
        if not name.startswith("NTA_") or name == "NTA_CONFIG" or name.startswith("NTA_TEST_"):
            continue
        plain = name.removesuffix("_FILE")
        if plain != name and plain in secrets:
            if plain in environment:
                raise RefusedError(f"{plain} and {name} (environment): set one of them")
            found[plain] = (_secret(plain, Path(text)), f"file named by {name}")
        else:
            found[name] = (text, "environment")
    return found


def _from_file(path: Path) -> dict[str, tuple[str, str]]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise RefusedError(f"NTA_CONFIG: cannot read {path}: {fault.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise RefusedError(f"{path}: not TOML: {fault}") from None
    found = {}
    for key, value in table.items():
        name = key if key.startswith("NTA_") else f"NTA_{key.upper()}"
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) for one in values):
            raise RefusedError(f"{name} ({path}): say a text, or a list of texts")
        found[name] = (",".join(values), str(path))
    return found


def _secret(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as fault:
        raise RefusedError(f"{name}_FILE: cannot read {path}: {fault.strerror}") from None
    except UnicodeDecodeError:
        raise RefusedError(f"{name}_FILE: {path} is not UTF-8 text") from None
