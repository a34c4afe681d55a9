"""The sentence of a reason in a reader's language."""

import tomllib
from functools import cache

from nta.domain.reasons import Reason
from nta.shipped import shipped

FALLBACK = "en"
"""Read where a language has no file of reasons."""


def sentence(reason: Reason, language: str = FALLBACK) -> str:
    """Return the reason as a sentence, parameters filled in; nothing in them is read as a template."""
    filled = {
        name: sentence(value, language) if isinstance(value, Reason) else value
        for name, value in reason.params.items()
    }
    return texts(language)[reason.code].format_map(filled)


def languages() -> frozenset[str]:
    """Return the languages that have sentences."""
    return frozenset(path.stem for path in (shipped("templates") / "reasons").glob("*.toml"))


@cache
def texts(language: str) -> dict[str, str]:
    """Return the sentence of each code."""
    folder = shipped("templates") / "reasons"
    path = folder / f"{language if language in languages() else FALLBACK}.toml"
    return {code: str(text) for code, text in tomllib.loads(path.read_text(encoding="utf-8")).items()}
