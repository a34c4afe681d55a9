"""wsgi.py builds the app that is asked for, and only that one."""

import importlib

import pytest

import wsgi


def test_other_names_are_refused_and_build_nothing() -> None:
    module = importlib.reload(wsgi)

    with pytest.raises(AttributeError, match="say wsgi:desk or wsgi:portal"):
        module.exchange  # noqa: B018
    assert not {"desk", "portal"} & set(vars(module))
