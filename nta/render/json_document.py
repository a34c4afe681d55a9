"""A notice as one JSON document, for readers whose machines take notices in."""

import json

from nta.render import xarf
from nta.render.letters import Letter


def document(letter: Letter, subject: str, text: str) -> bytes:
    """Return the XARF report where a letter asks for one and fits it, else the letter with its text.

    XARF has no word for most of what is said later, as a correction, and
    what is said must be said: the object then holds the notice's reference,
    its kind, its language, its subject, its text and its locations.
    """
    if letter.form == "xarf":
        try:
            return xarf.attachment(letter)
        except xarf.UnfitError:
            pass
    said = {
        "notice": letter.reference,
        "kind": letter.kind.value,
        "language": letter.language,
        "subject": subject,
        "text": text,
        "locations": [{"case": item.case, "url": item.url, "scope": item.scope} for item in letter.items],
    }
    return json.dumps(said, indent=1).encode("ascii") + b"\n"
