"""The languages in which the service speaks to people: one line each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """A language in which there are notice texts, `templates/notices/<code>/`.

    `name` is its own word for itself. `pages` says that the desk, the portal
    and reports are translated too, `nta/web/translations/<code>/`.
    """

    code: str
    name: str
    pages: bool = False


FALLBACK = "en"
"""Who reads no language of ours is written to in this one, and texts in code are written in it."""

LANGUAGES = (
    Language("en", "English", pages=True),
    Language("nl", "Nederlands", pages=True),
    Language("de", "Deutsch"),
)

NOTICE_LANGUAGES = frozenset(language.code for language in LANGUAGES)

PAGE_LANGUAGES = {language.code: language.name for language in LANGUAGES if language.pages}
"""The languages of pages and reports by code, each with its own word for itself."""
