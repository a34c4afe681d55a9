"""The command `nta`: its group, its exit codes, and the commands in it."""

import os
import sys
from typing import Any, TextIO

import click
import structlog

from nta.cli import (
    admin,
    backup_command,
    catalogue,
    check_command,
    demo,
    keys_command,
    notice_preview,
    processes,
    report_command,
    resolve_command,
    submit_command,
    user_commands,
)
from nta.cli.context import MakeKit
from nta.cli.output import complain, configure_logs
from nta.domain.errors import OutsideError, RefusedError
from nta.render.reason_sentences import sentence
from nta.store.db.database import StoreFault, line_of

DONE, FAILED, REFUSED, OUT_OF_REACH, OUR_FAULT = 0, 1, 2, 3, 70


class _Group(click.Group):
    """Ends quietly when the reader of the results goes away; left to Click, that would be exit 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _let_go(sys.stdout)
            return DONE


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nta", prog_name="nta")
@click.pass_context
def nta(context: click.Context) -> None:
    """Notice and takedown: who hosts it, who was told, is it gone, how long did it take.

    Settings come from NTA_* variables or the TOML file named by NTA_CONFIG;
    `nta settings` prints them. To see it all at work: `nta demo`.
    """


for module in (
    demo,
    processes,
    submit_command,
    resolve_command,
    check_command,
    notice_preview,
    report_command,
    catalogue,
    admin,
    user_commands,
    backup_command,
    keys_command,
):
    for command in module.COMMANDS:
        nta.add_command(command)


def run(make: MakeKit) -> None:
    """Run the command line; `make` builds the installation when a command asks for it."""
    configure_logs(sys.stderr)
    code = _exit_code(make)
    try:
        sys.stderr.flush()
    except OSError:
        _let_go(sys.stderr)
    sys.exit(code)


def _let_go(stream: TextIO) -> None:
    """Send the rest of a stream nowhere: Python would try again at the end, and change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _exit_code(make: MakeKit) -> int:
    try:
        result: Any = nta.main(prog_name="nta", standalone_mode=False, obj=Opener(make))
    except RefusedError as refusal:
        return complain(sentence(refusal.reason), REFUSED)
    except OutsideError as fault:
        return complain(sentence(fault.reason), OUT_OF_REACH)
    except StoreFault as fault:
        return complain(f"database: {line_of(fault)}", OUT_OF_REACH)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.Abort:
        return complain("stopped", FAILED)
    except click.ClickException as mistake:
        mistake.show(sys.stderr)
        return REFUSED
    except Exception:  # noqa: BLE001  # the door: whatever is left is our fault
        structlog.get_logger("nta").exception("our fault")
        return OUR_FAULT
    return result if isinstance(result, int) else DONE


class Opener:
    """Builds the kit once, from this process's environment, when first asked."""

    def __init__(self, make: MakeKit) -> None:
        self.make = make
        self._kit: Any = None

    def __call__(self) -> Any:
        """Return the kit."""
        if self._kit is None:
            self._kit = self.make(os.environ)
        return self._kit
