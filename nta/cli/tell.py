"""What commands print: results to stdout, everything else to stderr."""

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO

import click
import structlog

from nta.render import plain

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def put(value: Mapping[str, Any]) -> None:
    """Print one JSON object as a line."""
    click.echo(plain.json_line(value))


def show(text: str) -> None:
    """Print lines of a result for a person; what others wrote in them cannot steer the terminal."""
    click.echo(plain.lines_shown(text))


def say(text: str) -> None:
    """Say something that is not a result."""
    click.echo(plain.lines_shown(text), err=True)


def complain(text: str, code: int) -> int:
    """Say what went wrong and return the exit code."""
    for line in text.splitlines() or [""]:
        say(f"nta: {line}")
    return code


def configure_logs(stream: TextIO) -> None:
    """Log to a stream: readable on a terminal, JSON lines elsewhere. No entry ever names a URL or a host."""
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=False)
        if stream.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Unfilled())
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_where_only),
            _without_urls,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


def _without_urls(_logger: Any, _level: str, entry: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Take URLs out of an entry: the last guard, should a reason ever carry one."""
    return {
        name: _URL.sub("(url)", value) if isinstance(value, str) else value for name, value in entry.items()
    }


class _Unfilled(logging.Formatter):
    """Lines of libraries as JSON, their templates left unfilled: what would be filled in may be a URL."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "event": _URL.sub("(url)", str(record.msg)),
            "logger": record.name,
            "level": record.levelname.lower(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            entry["exception"] = _where_only(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def _where_only(exc_info: Any) -> str:
    """Return the class of an exception and the lines it passed, without its text: that may hold a URL."""
    kind, _, trace = exc_info
    passed = []
    while trace is not None:
        code = trace.tb_frame.f_code
        passed.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return f"{kind.__name__} at {' > '.join(passed[-12:])}"


def progress(label: str) -> Callable[[int], None]:
    """Return a function that shows a count on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda count: None
    return lambda count: click.echo(f"\r{label}: {count:,}", err=True, nl=False)
