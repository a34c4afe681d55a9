"""How a line of the log is written: filled in, pointing at no page, and so that nothing ends by it."""

import json
import logging
import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Final, TextIO

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*:(?://|\\/\\/)[^\s\"'<>]+", re.IGNORECASE)
_REST: Final = (
    (re.compile(r"[^\s\"'<>=(,:;]+@[\w.-]+"), "(address)"),
    (re.compile(r"\b(?:[\w-]+\.)+(?:xn--[\w-]+|[^\W\d_]{2,})\b(?::\d+)?(?:[/?#][^\s\"'<>]*)?"), "(name)"),
    (re.compile(r"(?<![\w)])/[^\s\"'<>]+"), "(path)"),
)
"""What may be half of a URL in a line of others: an address of mail, a host's name, a path with a token."""

_OURS: Final = "nta.web"
"""The one logger of ours that writes as libraries do; a view's name has the form of a host's."""


def without_urls(_logger: Any, _level: str, entry: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Take URLs out of an entry of ours: the last guard, should a reason ever carry one."""
    return {
        name: _URL.sub("(url)", value) if isinstance(value, str) else value for name, value in entry.items()
    }


def where_only(exc_info: Any) -> str:
    """Return the class of an exception and the lines it passed, without its text: that may hold a URL."""
    kind, _, trace = exc_info
    passed = []
    while trace is not None:
        code = trace.tb_frame.f_code
        passed.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return f"{kind.__name__} at {' > '.join(passed[-12:])}"


class Foreign(logging.Formatter):
    """Lines of libraries as JSON: with their values, and without what points at a page or a mailbox."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, whatever the record holds."""
        entry = {
            "event": _without(_filled(record), () if record.name == _OURS else _REST),
            "logger": record.name,
            "level": record.levelname.lower(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            entry["exception"] = where_only(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class Lossy:
    """A stream whose writer never fails: a line that cannot be written is lost, and the work goes on.

    A full disk, or a reader that went away, would end the thread that tells
    of its work, and the work with it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write if that can be."""
        try:
            # Half of a character, as a header from outside may hold, is in no encoding.
            return self._stream.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        """Bring out what was written, if that can be."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return


def _filled(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  # a value of another's class, or a template it does not fit
        return (
            f"{record.msg if isinstance(record.msg, str) else type(record.msg).__name__} (values unreadable)"
        )


def _without(text: str, more: Sequence[tuple[re.Pattern[str], str]]) -> str:
    text = _URL.sub("(url)", text)
    for pattern, instead in more:
        text = pattern.sub(instead, text)
    return text
