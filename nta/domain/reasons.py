"""Reasons: what the service writes down and refuses, as a code with parameters; doors make the sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Param = str | int


class Code(StrEnum):
    """What a reason says; its sentence stands in templates/reasons/<language>.toml under the value."""

    OTHER = "other"  # a sentence of an earlier release, or of another system, as it stands: `text`


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and what its sentence is filled with: a person's words, names, numbers, or another reason."""

    code: Code
    params: Mapping[str, "Param | Reason"] = field(default_factory=dict)


def because(code: Code, **params: "Param | Reason") -> Reason:
    """Return a reason with these parameters."""
    return Reason(code, params)
