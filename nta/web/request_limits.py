"""How large a request may be: little by default, more where somebody who is logged in hands in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, Final

from flask import Flask, Request, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser


@dataclass(frozen=True, slots=True)
class Bound:
    """How large a body may be, how much of it its fields may hold together, and how many those are."""

    body: int
    fields: int
    count: int


USUAL: Final = Bound(body=64 * 1024, fields=64 * 1024, count=200)

ANSWERS: Final = Bound(body=256 * 1024, fields=256 * 1024, count=5_000)
"""Of the form that answers for each location of a notice."""

HAND_IN: Final = Bound(body=32 * 1024 * 1024 + USUAL.body, fields=4 * 1024 * 1024, count=12)
"""A file of 32 MB, which goes to a nameless file on disk, or a paste of 4."""


class _Fields(FormDataParser):
    """Counts the fields of a plain form too, before they are taken apart: each costs more than its text."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Any:  # as Werkzeug's own
        """Return stream, fields and files; a part that has no name, which nobody expects, is refused.

        Files of a form that cannot be read to its end are closed at once.
        """
        made: list[IO[bytes]] = []
        make, kept = self.stream_factory, set[int]()

        def noted(*given: Any, **named: Any) -> IO[bytes]:
            made.append(make(*given, **named))
            return made[-1]

        self.stream_factory = noted
        try:
            found = super().parse(stream, mimetype, content_length, options)
            if None in found[1] or None in found[2]:
                raise BadRequest
            kept.update(id(file.stream) for _, file in found[2].items(multi=True))
        finally:
            for file in made:
                if id(file) not in kept:
                    file.close()
        return found

    def _parse_urlencoded(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str]
    ) -> Any:  # as Werkzeug's own
        most, fields = self.max_form_memory_size, self.max_form_parts
        body = stream.read() if most is None else stream.read(most + 1)
        # Of a body without a length, gunicorn's stream ends at the bound; it says so at the next byte.
        is_long = most is not None and (len(body) > most or (len(body) == most and bool(stream.read(1))))
        if is_long or (fields is not None and body.count(b"&") >= fields):
            raise RequestEntityTooLarge
        return super()._parse_urlencoded(BytesIO(body), mimetype, content_length, options)


class BoundedRequest(Request):
    """A request whose form is bounded, whichever way it is written."""

    form_data_parser_class = _Fields


def keep(app: Flask, larger: Mapping[str, Bound], may: Callable[[], bool]) -> None:
    """Bound every request of an app. `larger` names the views that take more where `may` says so.

    Called before anything that reads a form; `may` must not read one.
    """
    app.request_class = BoundedRequest
    app.config["MAX_CONTENT_LENGTH"] = max([USUAL.body, *(bound.body for bound in larger.values())])

    @app.before_request
    def bounded() -> None:
        bound = larger.get(request.endpoint or "")
        bound = bound if bound is not None and may() else USUAL
        request.max_content_length = min(bound.body, app.config["MAX_CONTENT_LENGTH"])
        request.max_form_memory_size = bound.fields
        request.max_form_parts = bound.count
