"""What holds of every role and of every severity, however many there are."""

from itertools import pairwise

from nta.domain.roles import ROLES, URGENCIES, Role, Severity


def test_every_role_has_its_traits() -> None:
    assert set(ROLES) == set(Role)


def test_every_severity_has_its_urgency() -> None:
    assert set(URGENCIES) == set(Severity)
    assert [severity.rank for severity in Severity] == list(range(len(Severity)))


def test_what_hurries_more_waits_for_nothing_longer() -> None:
    for less, more in pairwise(severity.urgency for severity in Severity):
        assert more.gathers <= less.gathers
        assert more.first_pause <= less.first_pause
        assert more.look_fresh <= less.look_fresh
        assert more.patience <= less.patience
