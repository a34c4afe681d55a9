"""What a person says for a decision: kept as written, never cut."""

from typing import Final

from nta.domain.errors import RefusedError
from nta.domain.reasons import Code, because

LONGEST: Final = 200


def given(words: str | None) -> str | None:
    """Return what a person wrote, None for nothing. Raises RefusedError where it is too long to be kept."""
    plain = (words or "").strip()
    if len(plain) > LONGEST:
        raise RefusedError(because(Code.WORDS_TOO_LONG, most=LONGEST))
    return plain or None


def needed(words: str | None) -> str:
    """Return what a person wrote. Raises RefusedError for nothing, or for too much to be kept."""
    plain = given(words)
    if plain is None:
        raise RefusedError(Code.SAY_WHY)
    return plain
