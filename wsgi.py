"""Builds `desk` or `portal` when a server asks for it by name, and only that one: `gunicorn wsgi:desk`."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name not in ("desk", "portal"):
        raise AttributeError(f"module 'wsgi' has no attribute {name!r}; say wsgi:desk or wsgi:portal")
    from nta import bootstrap

    app = bootstrap.desk_app() if name == "desk" else bootstrap.portal_app()
    globals()[name] = app
    return app
