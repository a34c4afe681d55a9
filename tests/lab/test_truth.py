"""What the lab knows of a page, as the episodes of the service are held against it."""

from typing import Any

import pytest

from nta.cli.demo_truth import Truth


def shown(provider: str, begins: str, until: str | None) -> dict[str, Any]:
    return {
        "provider": provider,
        "from": f"2026-03-{begins}:00+00:00",
        "until": f"2026-03-{until}:00+00:00" if until else None,
    }


@pytest.mark.parametrize(
    ("hosts", "ends"),
    [
        pytest.param([shown("a", "02T09", "02T12")], ["02T12"], id="one-spell"),
        pytest.param(
            [shown("a", "02T09", "02T12"), shown("b", "02T09", "02T15")], ["02T15"], id="two-hosts-in-turn"
        ),
        pytest.param(
            [shown("a", "02T09", "03T12"), shown("b", "03T12", "04T09")], ["03T12", "04T09"], id="a-move"
        ),
        pytest.param(
            [shown("a", "02T09", "02T12"), shown("a", "04T12", "04T15")], ["04T15"], id="back-while-watched"
        ),
        pytest.param(
            [shown("a", "02T09", "02T12"), shown("a", "09T13", "10T09")],
            ["02T12", "10T09"],
            id="back-after-the-watch",
        ),
        pytest.param([shown("a", "02T09", "02T12"), shown("a", "03T09", None)], [None], id="back-and-there"),
    ],
)
def test_spells_that_are_one_episode_have_one_end(
    hosts: list[dict[str, Any]], ends: list[str | None]
) -> None:
    truth = Truth([{"url": "u", "hosts": hosts}])

    found = [truth.end("u", place) for place in range(len(ends))]

    assert [end.strftime("%dT%H") if end else None for end in found] == ends
    assert truth.end("u", len(ends)) == found[-1]
