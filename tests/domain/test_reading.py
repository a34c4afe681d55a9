"""Text into values: what no database or no calendar holds is no value, and no fault."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from nta.domain.reading import LARGEST_ID, instant, row_id, whole

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-03-02T09:00:00Z", NINE, id="utc"),
        pytest.param("2026-03-02T10:00+01:00", NINE, id="an-offset"),
        pytest.param("2026-03-02T09:00", None, id="no-offset"),
        pytest.param("0001-01-01T00:00+23:59", None, id="before-the-first-year-in-utc"),
        pytest.param("9999-12-31T23:59-23:59", None, id="after-the-last-year-in-utc"),
        pytest.param("0001-06-01T00:00Z", None, id="too-near-the-first-year-for-a-zone"),
        pytest.param("9999-12-31T23:59Z", None, id="too-near-the-last-year-for-a-zone"),
        pytest.param("2026-02-30T00:00Z", None, id="no-such-day"),
        pytest.param("", None, id="empty"),
        pytest.param("now", None, id="a-word"),
        pytest.param("9" * 4_400, None, id="4400-digits"),
        pytest.param("2026-03-02T09:00:00\x00Z", None, id="a-nul"),
        pytest.param("2026-03-02T09:00:00\ud800", None, id="half-a-character"),
    ],
)
def test_instant(text, expected):
    assert instant(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-03-02T10:00", NINE, id="no-offset"),
        pytest.param("2026-03-02T09:00Z", NINE, id="an-offset-goes-before-the-zone"),
        pytest.param("0001-01-01", None, id="the-zone-leads-out-of-the-years"),
    ],
)
def test_a_zone_is_meant_where_no_offset_is_named(text, expected):
    assert instant(text, ZoneInfo("Europe/Amsterdam")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("7", 7, id="a-number"),
        pytest.param("007", 7, id="zeros-before-it"),
        pytest.param(str(LARGEST_ID), LARGEST_ID, id="the-largest"),
        pytest.param(str(LARGEST_ID + 1), None, id="one-more"),
        pytest.param("9" * 4_400, None, id="4400-digits"),
        pytest.param("0", None, id="no-row-has-it"),
        pytest.param("-1", None, id="less-than-none"),
        pytest.param("+1", None, id="a-sign"),
        pytest.param(" 1", None, id="a-space"),
        pytest.param("1_0", None, id="as-in-a-program"),
        pytest.param("²", None, id="a-superscript"),
        pytest.param("٣", None, id="of-another-script"),
        pytest.param("", None, id="empty"),
    ],
)
def test_row_id(text, expected):
    assert row_id(text) == expected


def test_a_whole_number_is_bounded():
    assert (whole("0", 10), whole("10", 10), whole("11", 10)) == (0, 10, None)
