"""The pages of docs/ that are drawn from tables of the domain."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from nta.domain.lifecycle import PRESENCES, STAGES, Presence, Stage
from nta.domain.notices.notice_state import BEGINNINGS, ENDINGS, NOTICE_STATES
from nta.domain.policy import POLICY, DeskRoleName

State = TypeVar("State", bound=StrEnum)
Move = TypeVar("Move", bound=StrEnum)

_PAGE = """\
# The life of an episode

Drawn from the tables of `nta/domain/lifecycle.py` and `nta/domain/notices/notice_state.py`, which alone say
what follows what. After a change of the tables draw it again; a test compares:
`python -m nta.render.diagrams lifecycle > docs/lifecycle.md`

An episode has a **stage**, what we do about it, and a **presence**, what we know of the content. A deadline
counts only while presence is `unseen` or `up`. Content that is `closed` has ended its episode.

## Stage

{stages}

## Presence

{presences}

## A notice

A notice has a state of its own: where it stands on its way out. What became of it afterwards (accepted,
bounced, answered) is written as events, and changes no state.

{notices}
"""


_ROLES = """\
# Who may do what

Drawn from the table of `nta/domain/policy.py`, which pages and routes of the desk go by. After a change draw
it again; a test compares: `python -m nta.render.diagrams roles > docs/roles.md`

`nta user add NAME --role ROLE` makes an account. Nobody is shown a URL unasked, and each showing is written
down. A policy reader sees figures alone; an auditor reads what the desk shows, and changes nothing.

{table}
"""


def diagram(
    table: Mapping[tuple[State, Move], State], firsts: tuple[State, ...], lasts: tuple[State, ...]
) -> str:
    """Return a table of what follows what as a Mermaid state diagram.

    Moves between the same two states share an arrow; the order is the table's.
    """
    arrows: dict[tuple[State, State], list[str]] = {}
    for (state, move), following in table.items():
        arrows.setdefault((state, following), []).append(move.value)
    lines = ["```mermaid", "stateDiagram-v2", *(f"    [*] --> {first}" for first in firsts)]
    lines += [f"    {start} --> {end}: {', '.join(moves)}" for (start, end), moves in arrows.items()]
    lines += [f"    {last} --> [*]" for last in lasts]
    return "\n".join([*lines, "```"])


def lifecycle_page() -> str:
    """Return docs/lifecycle.md."""
    return _PAGE.format(
        stages=diagram(STAGES, (Stage.SUBMITTED,), (Stage.ENDED,)),
        presences=diagram(PRESENCES, (Presence.UNSEEN,), (Presence.CLOSED,)),
        notices=diagram(NOTICE_STATES, BEGINNINGS, ENDINGS),
    )


def roles_page() -> str:
    """Return docs/roles.md."""
    heads = [role.value.replace("_", " ") for role in DeskRoleName]
    lines = ["| | " + " | ".join(heads) + " |", "| --- |" + " :-: |" * len(heads)]
    for act, holders in POLICY.items():
        marks = ["yes" if role in holders else "" for role in DeskRoleName]
        lines.append(f"| {act.value.replace('_', ' ')} | " + " | ".join(marks) + " |")
    return _ROLES.format(table="\n".join(lines))


PAGES = {"lifecycle": lifecycle_page, "roles": roles_page}

if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
