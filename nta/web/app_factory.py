"""What both doors have in common: policy and headers, templates, forms that only our pages can send."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined

from nta.domain.parties.organisations import Catalogue, Hotline
from nta.settings import Settings
from nta.shipped import template_folders
from nta.web import (
    clients,
    localisation,
    problems,
    request_limits,
    request_values,
)
from nta.web.request_limits import Bound

POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
"""No inline script or style. `data:` images are Tabler's check boxes and arrows, and the QR code."""

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def build(
    name: str,
    *,
    settings: Settings,
    url: str,
    secret: bytes,
    language: Callable[[], str] = localisation.asked_for,
    larger: Mapping[str, Bound] = MappingProxyType({}),
    may: Callable[[], bool] = lambda: True,
    closed: Callable[[], ResponseReturnValue | None] = lambda: None,
) -> problems.Quiet:
    """Return an app with everything that desk and portal share. `name` is `desk` or `portal`.

    `larger` and `may` are as in `nta.web.request_limits.keep`. What `closed` returns
    is the answer, before anything of the body is looked at.
    """
    static = Path(__file__).parent / "static"
    app = problems.Quiet(f"nta.web.{name}", static_folder=str(static), template_folder=None)
    secure = url.startswith("https:")
    app.config.update(
        SECRET_KEY=secret,
        SESSION_COOKIE_NAME=f"nta_{name}",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        TRUSTED_HOSTS=sorted({urlsplit(url).hostname or "localhost", "localhost", "127.0.0.1"}),
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        WTF_CSRF_TIME_LIMIT=None,
        # Our own Referrer-Policy keeps browsers from sending what this check asks for.
        WTF_CSRF_SSL_STRICT=False,
        RATELIMIT_HEADERS_ENABLED=False,
    )
    app.url_map.converters["row"] = request_values.RowConverter
    folders = template_folders(settings.templates)
    app.jinja_env.loader = ChoiceLoader([FileSystemLoader(folder) for folder in folders])
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    localisation.speak(app, language)
    problems.explain(app, f"{name}/problem.html")
    request_limits.keep(app, larger, may)
    app.before_request(closed)
    CSRFProtect(app)
    app.before_request(request_values.refuse_what_cannot_be_kept)
    # By attribute, as Flask's own guide puts middleware before an app.
    app.wsgi_app = clients.Forwarded(app.wsgi_app, settings.trusted_proxies, _Once())  # type: ignore[method-assign]

    @app.after_request
    def protect(response: Response) -> Response:
        for header, value in _HEADERS.items():
            response.headers.setdefault(header, value)
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        if secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response

    return app


def limits(app: problems.Quiet) -> Limiter:
    """Return the app's limiter. It counts in this process's memory, by the machine's time."""
    return Limiter(clients.client, app=app, storage_uri="memory://", strategy="fixed-window")


class _Once:
    """Says once in a process that limits count a proxy as one client."""

    def __init__(self) -> None:
        self._said = False

    def __call__(self) -> None:
        if not self._said:
            self._said = True
            problems.log.warning("a proxy that NTA_TRUSTED_PROXIES does not name forwards requests")


def ourselves(settings: Settings, catalogue: Catalogue) -> Hotline | None:
    """Return our own entry of the catalogue, however the setting spells its id."""
    name = settings.hotline or ""
    return catalogue.hotlines.get(name) or catalogue.hotlines.get(f"hotline:{name}")
