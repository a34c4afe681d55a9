"""Finding out who serves a host: one loop over findings, then what they mean for its episodes."""

from nta.usecases.resolve.asking import ROUNDS
from nta.usecases.resolve.step import resolve_due
from nta.usecases.resolve.url import Resolved, resolve_url

__all__ = ["ROUNDS", "Resolved", "resolve_due", "resolve_url"]
