"""XARF reports, held against the recorded schemas beside those that the library brings."""

import json
from typing import Any

import pytest

from nta.render import xarf
from tests.recorded.records import place
from tests.render.test_xarf import SHAPES, told, validator


@pytest.mark.parametrize("changes", SHAPES)
def test_a_report_is_what_the_recorded_schema_asks_for(changes: dict[str, Any]) -> None:
    made = json.loads(xarf.attachment(told(**changes)))

    assert [fault.message for fault in validator(place("xarf", "schemas", "v4")).iter_errors(made)] == []
