"""Which language a page is in, and how its moments and spans are written."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from flask import Flask, request
from flask_babel import Babel, format_datetime, get_locale, gettext
from werkzeug.exceptions import HTTPException

from nta.domain.languages import FALLBACK, PAGE_LANGUAGES

FOLDER: Final = Path(__file__).parent / "translations"


def asked_for() -> str:
    """Return the language that the request asks for: by its switch, else by Accept-Language."""
    chosen = request.args.get("lang", "")
    if not chosen and request.endpoint and request.method == "POST":
        try:
            chosen = request.form.get("lang", "")
        except HTTPException:  # too much, or no form at all; the page that says so has a language too
            chosen = ""
    if chosen in PAGE_LANGUAGES:
        return chosen
    return request.accept_languages.best_match(list(PAGE_LANGUAGES)) or FALLBACK


def speak(app: Flask, selector: object = asked_for) -> None:
    """Make an app speak every language we have; `selector` returns the one of a request."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(FOLDER)
    app.config["BABEL_DEFAULT_TIMEZONE"] = "UTC"
    Babel(app, locale_selector=selector)
    app.jinja_env.globals.update(languages=PAGE_LANGUAGES, get_locale=get_locale)
    app.jinja_env.filters.update(moment=moment, day=day, iso=iso, span=span, number=number)


def moment(at: datetime) -> str:
    """Return a moment as `2 Mar 2026, 09:00` in the reader's language; UTC, as each page says."""
    return str(format_datetime(at.astimezone(UTC), "d MMM y, HH:mm"))


def day(at: datetime) -> str:
    """Return the day of a moment in the reader's language, in full."""
    return str(format_datetime(at.astimezone(UTC), "d MMMM y"))


def iso(at: datetime) -> str:
    """Return a moment as RFC 3339, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(length: timedelta) -> str:
    """Return a length of time at the precision one acts on: min, then h (in Dutch: u), then d."""
    minutes = int(abs(length).total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return gettext("%(hours)s h", hours=hours) if hours < 72 else f"{hours // 24} d"


def number(count: int) -> str:
    """Return a count with a thin space between thousands, the same in every language."""
    return f"{count:,}".replace(",", "\u202f")
