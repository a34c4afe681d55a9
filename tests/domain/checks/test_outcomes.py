from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.checks.outcomes import (
    Actor,
    Outcome,
    ending,
    on_hold,
)
from nta.domain.checks.verdicts import Cause
from nta.domain.roles import Role

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOST, KEEPERS = {Role.HOST}, {Role.HOST, Role.REGISTRAR, Role.REGISTRY}


def end(
    cause: Cause = Cause.NOT_FOUND,
    *,
    handed: float | None = 0,
    gone: float | None = 5,
    told: set[Role] = frozenset({Role.HOST}),
    removed: bool = False,
    moved: bool = False,
) -> tuple[str, str]:
    outcome, actor = ending(
        first_handed_at=None if handed is None else NINE + handed * HOUR,
        last_up_at=NINE,
        first_gone_at=None if gone is None else NINE + gone * HOUR,
        cause=cause,
        told_roles=frozenset(told),
        answered_removed=removed,
        moved=moved,
    )
    return outcome.value, actor.value


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        pytest.param(end(), ("removed_after_notice", "host"), id="the-host-was-told"),
        pytest.param(end(handed=None), ("gone_before_notice", "nobody"), id="nobody-was-told"),
        pytest.param(end(handed=5), ("gone_before_notice", "nobody"), id="told-when-it-was-gone"),
        pytest.param(end(handed=6), ("gone_before_notice", "nobody"), id="told-later"),
        pytest.param(end(told={Role.HOTLINE}), ("removed_after_notice", "unknown"), id="another-was-told"),
        pytest.param(
            end(told={Role.PROXY}, removed=True), ("removed_after_notice", "proxy"), id="a-proxy-that-says-so"
        ),
        pytest.param(end(told={Role.PROXY}), ("removed_after_notice", "unknown"), id="a-silent-proxy"),
        pytest.param(end(Cause.NXDOMAIN), ("removed_after_notice", "unknown"), id="a-name-is-not-the-hosts"),
        pytest.param(
            end(Cause.NXDOMAIN, removed=True), ("removed_after_notice", "host"), id="unless-it-says-so"
        ),
        pytest.param(end(Cause.NXDOMAIN, told=KEEPERS), ("disabled_domain", "registry"), id="the-registry"),
        pytest.param(
            end(Cause.PARKED, told=KEEPERS), ("disabled_domain", "registry"), id="parked-by-keepers"
        ),
        pytest.param(end(Cause.PARKED), ("removed_after_notice", "unknown"), id="parked-by-nobody-knows"),
        pytest.param(
            end(Cause.DOMAIN_HOLD, told={Role.HOST, Role.REGISTRAR}),
            ("disabled_domain", "registrar"),
            id="the-registrar",
        ),
        pytest.param(
            end(Cause.NO_ADDRESS, told=KEEPERS), ("removed_after_notice", "unknown"), id="address-taken-out"
        ),
        pytest.param(
            end(told=KEEPERS), ("removed_after_notice", "host"), id="page-gone-though-registry-told"
        ),
        pytest.param(end(Cause.LEGAL), ("restricted", "host"), id="kept-back-by-law"),
        pytest.param(end(Cause.LEGAL, handed=None), ("restricted", "nobody"), id="kept-back-before-notice"),
        pytest.param(end(moved=True, gone=None), ("moved_after_notice", "unknown"), id="moved-after-notice"),
        pytest.param(
            end(moved=True, gone=None, handed=None), ("moved_before_notice", "nobody"), id="moved-before"
        ),
        pytest.param(end(moved=True, handed=6), ("moved_before_notice", "nobody"), id="moved-before-told"),
        pytest.param(
            end(Cause.NXDOMAIN, told=KEEPERS, moved=True),
            ("moved_after_notice", "unknown"),
            id="moved-comes-first",
        ),
    ],
)
def test_how_an_episode_ended(ended, expected):
    assert ended == expected


@given(
    st.sampled_from(list(Cause)),
    st.none() | st.integers(0, 48),
    st.integers(1, 48),
    st.frozensets(st.sampled_from(list(Role))),
    st.booleans(),
    st.booleans(),
)
def test_nobody_is_praised_for_what_vanished_before_a_notice(cause, handed, gone, told, removed, moved):
    outcome, actor = end(cause, handed=handed, gone=gone, told=told, removed=removed, moved=moved)

    before = handed is None or handed >= gone
    assert outcome in set(Outcome)
    assert actor in set(Actor)
    if before:
        assert outcome not in ("removed_after_notice", "moved_after_notice")
        assert actor == "nobody" or outcome == "disabled_domain"
    else:
        assert outcome not in ("gone_before_notice", "moved_before_notice")
        assert actor != "nobody"


@pytest.mark.parametrize(
    ("status", "held"),
    [
        pytest.param("client hold", True, id="rdap"),
        pytest.param("active, server hold", True, id="one-of-several"),
        pytest.param("clientHold, clientTransferProhibited", True, id="port-43"),
        pytest.param("active", False, id="in-use"),
        pytest.param("client transfer prohibited", False, id="a-lock-is-no-hold"),
        pytest.param("not registered", False, id="gone-altogether"),
        pytest.param("", False, id="nothing"),
        pytest.param(None, False, id="not-asked"),
    ],
)
def test_a_domain_on_hold(status, held):
    assert on_hold(status) is held


def test_a_held_name_without_an_address_is_its_keepers_doing():
    ended = ending(
        first_handed_at=NINE,
        last_up_at=NINE,
        first_gone_at=NINE + HOUR,
        cause=Cause.NO_ADDRESS,
        told_roles=frozenset(KEEPERS),
        answered_removed=False,
        moved=False,
        held_name=True,
    )

    assert ended == (Outcome.DISABLED_DOMAIN, Actor.REGISTRY)
