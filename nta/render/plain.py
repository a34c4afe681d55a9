"""Text of others made safe to be shown: in a mail, and on a terminal."""

import re
from typing import Final

# Controls (C0, DEL, C1), line and paragraph separators, invisible marks, and those that turn the direction
# of writing.
_UNSEEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufe00-\ufe0f\ud800-\udfff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """Return a value without anything that breaks a line or hides what stands there."""
    return _UNSEEN.sub("", text)
