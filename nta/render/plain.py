"""Text of others made safe to be shown: in a mail, in a file, and on a terminal."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

# Controls (C0, DEL, C1), line and paragraph separators, invisible marks, and those that turn the direction
# of writing.
_UNSEEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufe00-\ufe0f\ud800-\udfff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """Return a value without anything that breaks a line or hides what stands there."""
    return _UNSEEN.sub("", text)


def shown(text: str) -> str:
    """Return one line with a mark in place of whatever would steer a terminal, line ends among it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def lines_shown(text: str) -> str:
    """Return lines of our own making with the same done to what others put into them."""
    return "\n".join(map(shown, text.split("\n")))


def json_line(value: Mapping[str, Any]) -> str:
    """Return a JSON object on one line: readable letters as they are, whatever steers a terminal escaped."""
    line = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return _UNSEEN.sub(_escaped, line)


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]
