"""What commands print: results to stdout, everything else to stderr."""

import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TextIO

import click
import structlog

from nta.cli.log_lines import Foreign, Lossy, where_only, without_urls
from nta.render import plain

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def put(value: Mapping[str, Any]) -> None:
    """Print one JSON object as a line."""
    click.echo(plain.json_line(value))


def show(text: str) -> None:
    """Print lines of a result for a person; what others wrote in them cannot steer the terminal."""
    click.echo(plain.lines_shown(text))


def say(text: str) -> None:
    """Say something that is not a result; where nobody can hear it, the work goes on."""
    with suppress(OSError):
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
    lossy: Any = Lossy(stream)  # of a text stream it has what both writers use
    handler = logging.StreamHandler(lossy)
    handler.setFormatter(Foreign())
    logging.raiseExceptions = False  # what fails to be logged is not printed either: it may hold a URL
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(where_only),
            without_urls,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(lossy),
        cache_logger_on_first_use=False,
    )


def progress(label: str) -> Callable[[int], None]:
    """Return a function that shows a count on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda count: None
    return lambda count: click.echo(f"\r{label}: {count:,}", err=True, nl=False)
