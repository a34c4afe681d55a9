"""Where settings are written: files of one secret each, NTA_* variables, a TOML file; the first counts."""

import logging
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource

from nta.domain.errors import RefusedError

PREFIX = "NTA_"
_CONFIG = "NTA_CONFIG"
_OF_TESTS = "NTA_TEST_"

# With PYDANTIC_SETTINGS_DEBUG in the environment it would log every value, secrets too.
logging.getLogger("pydantic_settings").setLevel(logging.INFO)

Place = Mapping[str, tuple[str, str]]
"""What stands in one place: the text of each setting by its name, and what the place is called."""


def places(environment: Mapping[str, str], secrets: Collection[str]) -> tuple[Place, Place, Place]:
    """Return what files of secrets, the environment and the TOML file say, in the order in which they count.

    `secrets` names the settings that NTA_…_FILE may give.

    Raises: RefusedError when one is said twice, or a file cannot be read.
    """
    files: dict[str, tuple[str, str]] = {}
    variables: dict[str, tuple[str, str]] = {}
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name == _CONFIG or name.startswith(_OF_TESTS):
            continue
        plain = name.removesuffix("_FILE")
        if plain == name or plain not in secrets:
            variables[name] = (text, "environment")
        elif plain in environment:
            raise RefusedError(f"{plain} and {name} (environment): set one of them")
        else:
            files[plain] = (_secret(plain, Path(text)), f"file named by {name}")
    config = environment.get(_CONFIG)
    return files, variables, _from_file(Path(config)) if config else {}


def sources(
    settings: type[BaseSettings], files: Place, variables: Place, config: Place
) -> tuple[PydanticBaseSettingsSource, ...]:
    """Return the places as sources of a class of settings."""
    environment = EnvSettingsSource(settings)
    environment.env_vars = {name.lower(): text for name, (text, _) in variables.items()}
    return (
        InitSettingsSource(settings, _fields(files)),
        environment,
        InitSettingsSource(settings, _fields(config)),
    )


def _fields(place: Place) -> dict[str, str]:
    return {name.removeprefix(PREFIX).lower(): text for name, (text, _) in place.items()}


def _from_file(path: Path) -> Place:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise RefusedError(f"NTA_CONFIG: cannot read {path}: {fault.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise RefusedError(f"{path}: not TOML: {fault}") from None
    found = {}
    for key, value in table.items():
        name = key if key.startswith(PREFIX) else f"{PREFIX}{key.upper()}"
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
