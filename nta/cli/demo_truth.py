"""What the service believes beside what the lab knows: each episode with its true moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any


def with_truth(
    lines: Sequence[dict[str, Any]], told: dict[str, Any], truth: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the episodes' lines with `true_gone`, and the summary with true medians.

    A URL's spells at hosts that overlap are one (a rotation); those that
    follow one another are the episodes of a move, in order.
    """
    spells = {entry["url"]: _spells(entry["hosts"]) for entry in truth}
    known: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        known.setdefault(line["url"], []).append(line)
    out = []
    for url, episodes in known.items():
        for place, line in enumerate(sorted(episodes, key=lambda e: e["number"])):
            ends = spells.get(url, [])
            line["true_gone"] = ends[min(place, len(ends) - 1)] if ends else None
    keys = ("episode", "provider", "outcome", "last_up", "first_gone", "true_gone")
    medians = _true_medians(lines)
    for figure in told["removal_times"]:
        figure["true_median_h"] = medians.get((figure["provider"], figure["clock"]))
    out = [{key: line[key] for key in keys} for line in lines]
    return out, told


def _spells(hosts: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Return the true end of each spell, in order."""
    ends: list[str | None] = []
    began_before: str | None = None
    for host in sorted(hosts, key=lambda h: (h["from"], h["until"] or "9")):
        if ends and began_before is not None and (ends[-1] is None or host["from"] < ends[-1]):
            ends[-1] = None if host["until"] is None or ends[-1] is None else max(ends[-1], host["until"])
        else:
            ends.append(host["until"])
        began_before = host["from"]
    return ends


def _true_medians(lines: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float | None]:
    """Return the median of the true removal times by provider and clock, in hours."""
    times: dict[tuple[str, str], list[float]] = {}
    for line in lines:
        for clock, provider, began in line["clocks"]:
            if line["true_gone"] and began:
                span = datetime.fromisoformat(line["true_gone"]) - datetime.fromisoformat(began)
                times.setdefault((provider, clock), []).append(max(0.0, span.total_seconds() / 3600))
    return {key: _median(values) for key, values in times.items()}


def _median(values: list[float]) -> float | None:
    """Return the first time by which half are gone, the convention of the report."""
    values.sort()
    return round(values[(len(values) - 1) // 2], 3) if values else None
