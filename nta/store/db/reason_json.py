"""The column that keeps a reason."""

from typing import Any

from sqlalchemy import Dialect, String, Text
from sqlalchemy.types import TypeDecorator

from nta.domain.kept_reasons import dumped, loaded
from nta.domain.reasons import Reason


class ReasonJson(TypeDecorator[Reason]):
    """A column of reasons."""

    impl = Text().with_variant(String(200), "sqlite")  # which keeps the width declared once, and heeds it not
    cache_ok = True

    def process_bind_param(self, value: Reason | None, dialect: Dialect) -> str | None:
        return None if value is None else dumped(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Reason | None:
        return None if value is None else loaded(value)
