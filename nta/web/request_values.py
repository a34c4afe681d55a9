"""What a request names, as values: rows, pages, days and moments; what cannot be one is 404 or 422."""

from collections.abc import Iterator
from datetime import UTC, datetime

from flask import abort, request
from flask_babel import gettext as _
from werkzeug.routing import BaseConverter, ValidationError

from nta.domain.errors import RefusedError
from nta.domain.reading import instant, row_id, whole

_MOST_PAGES = 10**9


class RowConverter(BaseConverter):
    """The part of a path that is the number of a row."""

    regex = r"[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        """Return the number; a path with one that no row has leads nowhere."""
        found = row_id(value)
        if found is None:
            raise ValidationError
        return found


def page() -> int:
    """Return the page that is asked for, the first where none is. Another that is none is not there: 404."""
    found = whole(request.args.get("page", "1"), _MOST_PAGES)
    return found if found else abort(404)


def row(name: str, otherwise: str) -> int:
    """Return the row that a field of the form names; refuse what is none with the words `otherwise`."""
    found = row_id(request.form.get(name, ""))
    if found is None:
        raise RefusedError(otherwise)
    return found


def day(name: str) -> datetime | None:
    """Return the first moment of a day that the address names, in UTC; None where it names none."""
    text = request.args.get(name, "").strip()
    if not text:
        return None
    found = instant(text, UTC) if len(text) == len("2026-03-01") else None
    if found is None:
        raise RefusedError(_("Write a day like 2026-03-01."))
    return found


def moment(text: str) -> datetime | None:
    """Return the moment that a field of a form names, in UTC where it says no offset; None for none."""
    return instant(text.strip(), UTC)


def refuse_what_cannot_be_kept() -> None:
    """Refuse a NUL, which PostgreSQL keeps in no text. Lines that are handed in answer for themselves."""
    if any("\0" in text for text in _texts()):
        raise RefusedError(_("A field holds a character that cannot be kept."))


def _texts() -> Iterator[str]:
    handed_in = request.endpoint == "handing_in.send"
    for fields in (request.args, request.form):
        for name, text in fields.items(multi=True):
            yield name
            if not (handed_in and name == "text"):
                yield text
