"""Column types: moments as whole microseconds, enums as their words, sealed bytes."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Dialect, LargeBinary, String
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=8192)  # rows written together share their moments
def to_us(moment: datetime) -> int:
    """Return whole microseconds since 1970 in UTC. A naive datetime is a fault of ours."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs an offset")
    return (moment - EPOCH) // _MICROSECOND


@lru_cache(maxsize=8192)
def from_us(us: int) -> datetime:
    """Return the aware UTC datetime of `to_us`."""
    return EPOCH + timedelta(microseconds=us)


class Moment(TypeDecorator[datetime]):
    """A moment, kept as a 64-bit count of microseconds: exact, small, and the same on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_us(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else from_us(value)


class Span(TypeDecorator[timedelta]):
    """A length of time in microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        return None if value is None else value // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> timedelta | None:
        return None if value is None else timedelta(microseconds=value)


class Sealed(LargeBinary):
    """Bytes that only sealing writes and reads; resealing finds them by this class."""


class PortalSealed(Sealed):
    """Bytes sealed under the portal's own keys."""


def word(length: int = 24) -> String:
    """Return the type of a column that holds one word of an enum."""
    return String(length)
