"""Who acts in tests."""

from nta.domain.policy import DeskRoleName, Person


def by(name: str, role: DeskRoleName = DeskRoleName.LEAD) -> Person:
    """Return somebody of that name, a lead where nothing else is said."""
    return Person(name, frozenset({role.value}))
