"""What the service believes beside what the lab knows: each episode with its true moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nta.domain.deadlines import WATCH

End = datetime | None


class Truth:
    """When each page truly vanished, by the lab's own record.

    A URL's spells at hosts that overlap are one (a host that rotates), and
    so are two at one host when the second begins while the first one's end
    is watched; else those that follow one another are the episodes of a
    move, in order.
    """

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        self._spells = {entry["url"]: _spells(entry["hosts"]) for entry in entries}

    def end(self, url: str, place: int) -> End:
        """Return when the spell of a URL's `place`-th episode truly ended, counted from 0."""
        ends = self._spells.get(url, [])
        return ends[min(place, len(ends) - 1)] if ends else None


def with_truth(lines: Sequence[Mapping[str, Any]], truth: Truth) -> list[dict[str, Any]]:
    """Return the episodes' lines with `true_gone` in place of the URL."""
    seen: dict[str, int] = {}
    out = []
    for line in lines:
        url = line["url"]
        end = truth.end(url, seen.get(url, 0))
        seen[url] = seen.get(url, 0) + 1
        told = {key: value for key, value in line.items() if key != "url"}
        out.append({**told, "true_gone": end.isoformat() if end else None})
    return out


def by_episode(lines: Sequence[Mapping[str, Any]]) -> dict[int, End]:
    """Return the true end of each episode, by its id."""
    return {
        int(line["episode"]): datetime.fromisoformat(line["true_gone"]) if line["true_gone"] else None
        for line in lines
    }


def with_medians(
    told: dict[str, Any], true: Mapping[tuple[str, str, str], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the summary with the true median beside each median."""
    for figure in told["removal_times"]:
        known = true.get((figure["provider"], figure["clock"], figure["role"]))
        figure["true_median_h"] = known["median_h"] if known else None
    return told


def _spells(hosts: Sequence[Mapping[str, Any]]) -> list[End]:
    """Return the true end of each spell, in order."""
    ends: list[End] = []
    provider = None
    for host in sorted(hosts, key=lambda h: (h["from"], h["until"] or "9")):
        begins = datetime.fromisoformat(host["from"])
        until = datetime.fromisoformat(host["until"]) if host["until"] else None
        last = ends[-1] if ends else None
        is_back = last is not None and host["provider"] == provider and begins - last <= WATCH
        if ends and (last is None or begins < last or is_back):
            ends[-1] = None if until is None or last is None else max(last, until)
        else:
            ends.append(until)
        provider = host["provider"]
    return ends
