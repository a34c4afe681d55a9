"""Pages for what went wrong: in the reader's language, and without any detail of ours."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError, TooManyRequests

from nta.domain.errors import OutsideError, RefusedError
from nta.web.reason_words import refusal

log = logging.getLogger("nta.web")

_TITLES = {
    400: _l("This could not be read"),
    403: _l("Not for this account"),
    404: _l("Nothing here"),
    405: _l("Not possible this way"),
    413: _l("Too large"),
    422: _l("Not accepted"),
    429: _l("Too many requests"),
    500: _l("Something went wrong on our side"),
    503: _l("Another system does not answer"),
}

_TEXTS = {
    400: _l(
        "The form may have been open for too long. Go back, load the page again and repeat what you did."
    ),
    403: _l("Your role does not include this. Ask a lead or the administrator."),
    404: _l("There is no such page, or it is no longer there."),
    405: _l("The page exists, but it does not do what was asked."),
    413: _l("A hand-in may hold at most 32 MB. Split the file and hand in the parts."),
    422: _l("That request breaks a rule."),
    429: _l("Wait a minute, then try again."),
    500: _l("The error was recorded for the administrator. Nothing was saved half-way."),
    503: _l("Nothing was lost. Try again in a minute."),
}


@dataclass(frozen=True, slots=True)
class ProblemText:
    """What a page of a problem says."""

    status: int
    title: str
    text: str
    detail: str | None = None


class Quiet(Flask):
    """A Flask app whose log names the view that failed, never the path: a path may hold a token."""

    def log_exception(self, exc_info: object) -> None:
        """Log a fault of ours once, with the view it happened in."""
        log.error("fault in view %s", request.endpoint, exc_info=exc_info)  # type: ignore[arg-type]


def explain(app: Flask, template: str) -> None:
    """Answer every error with the door's own page. A refusal shows its one line, which holds no secret."""

    def page(status: int, detail: str | None = None) -> ResponseReturnValue:
        title = str(_TITLES.get(status, _TITLES[400]))
        text = str(_TEXTS.get(status, _TEXTS[400]))
        return render_template(template, problem=ProblemText(status, title, text, detail)), status

    def on_http(fault: HTTPException) -> ResponseReturnValue:
        if isinstance(fault, SecurityError):  # a host name that is not ours: no page can be made for it
            return app.response_class("400\n", 400, mimetype="text/plain")
        if isinstance(fault, InternalServerError) or not fault.code:
            return page(500)
        if fault.code < 400 or fault.response is not None:
            return fault.get_response()
        answer = make_response(page(fault.code if fault.code in _TITLES else 400))
        if isinstance(fault, TooManyRequests) and fault.retry_after:
            answer.headers["Retry-After"] = str(fault.retry_after)
        return answer

    def on_refused(fault: RefusedError) -> ResponseReturnValue:
        return page(422, refusal(fault))

    def on_outside(fault: OutsideError) -> ResponseReturnValue:
        return page(503)

    handlers: dict[type[Exception], Callable[..., ResponseReturnValue]] = {
        HTTPException: on_http,
        RefusedError: on_refused,
        OutsideError: on_outside,
    }
    for kind, handler in handlers.items():
        app.register_error_handler(kind, handler)
