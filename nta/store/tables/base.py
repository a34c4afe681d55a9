"""The declarative base that every table hangs on."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import BigInteger, MetaData, String
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import DeclarativeBase

from nta.domain.reasons import Reason
from nta.store.db.reason_json import ReasonJson
from nta.store.db.types import Moment, Span

NUMBER = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
"""64 bits on both; SQLite keeps a table under its key only when the type is spelt INTEGER."""


class Base(DeclarativeBase):
    """All tables of one installation."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Moment,
        timedelta: Span,
        int: NUMBER,
        Reason: ReasonJson,
        str: String(200),
    }
