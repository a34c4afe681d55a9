"""`nta report`: figures for readers."""

from datetime import UTC, datetime
from typing import Any

import click

from nta.cli.output import json_option
from nta.domain.errors import RefusedError
from nta.domain.figures.removal_times import RemovalClock
from nta.domain.languages import FALLBACK, PAGE_LANGUAGES
from nta.domain.reading import LARGEST_ID, instant
from nta.domain.roles import MEASURED, Role
from nta.render import removal_page, table_formats
from nta.shipped import template_folders
from nta.usecases.report import again, freeze, removal_times


class MomentParameter(click.ParamType[datetime]):
    """A date, or a time with its offset."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        """Return the moment; a date means its first moment in UTC."""
        if isinstance(value, datetime):
            return value
        moment = instant(value, UTC)
        if moment is None:
            self.fail("say 2026-03-01, or 2026-03-01T09:00:00+01:00", param, ctx)
        if len(value) > 10 and instant(value) is None:
            self.fail("a time of day needs an offset, like +01:00 or Z", param, ctx)
        return moment


@click.group()
def report() -> None:
    """Figures: how long removals took."""


@report.command("removal-times")
@click.option(
    "--clock",
    type=click.Choice([c.value for c in RemovalClock], case_sensitive=False),
    default="B",
    show_default=True,
)
@click.option("--by", type=click.Choice(["provider"]), default="provider", show_default=True)
@click.option(
    "--role",
    type=click.Choice([role.value for role in MEASURED]),
    help="Told as hosts or as proxies. Default: hosts; in HTML each in tables of its own.",
)
@click.option("--from", "since", type=MomentParameter(), help="Clocks that began at or after this.")
@click.option("--to", "until", type=MomentParameter(), help="Clocks that began before this.")
@click.option("--as-of", "as_of", type=MomentParameter(), help="What was known then. Default: now.")
@click.option(
    "--format",
    "form",
    type=click.Choice([*table_formats.FORMATS, "html"]),
    default="table",
    show_default=True,
    help="html: curves, tables and what they mean, in one file that needs no other.",
)
@click.option(
    "--language",
    type=click.Choice(list(PAGE_LANGUAGES)),
    default=FALLBACK,
    show_default=True,
    help="Of the HTML.",
)
@click.option(
    "--freeze", "keep", is_flag=True, help="Keep it with its data, so that it can be computed again."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_obj
def report_removal_times(
    opener: Any,
    clock: str,
    by: str,
    role: str | None,
    since: datetime | None,
    until: datetime | None,
    as_of: datetime | None,
    form: str,
    language: str,
    keep: bool,
    as_json: bool,
) -> int:
    """Removal times per provider, open cases counted in.

    \b
    Clock A runs from the hotline's receipt, B from the first notice handed
    over, C from its acceptance. docs/method.md says how figures are made.
    \b
    Example:  nta report removal-times --clock B --from 2026-01-01 --to 2026-02-01
              nta report removal-times --format html > report.html
    """
    kit = opener()
    now = kit.clock.now()
    if as_of is not None and as_of > now:
        raise RefusedError("--as-of lies in the future")
    wanted = "json" if as_json else form
    roles = [Role(role)] if role else list(MEASURED) if wanted == "html" else [Role.HOST]
    made = [
        removal_times(
            kit.store,
            clock=RemovalClock(clock),
            by=by,
            since=since,
            until=until,
            as_of=as_of or now,
            role=each,
        )
        for each in roles
    ]
    if wanted == "html":
        folders = template_folders(kit.settings.templates)
        page = removal_page.page(made, language=language, folders=folders, by_whom=_ourselves(kit))
        click.echo(page, nl=False)
    else:
        click.echo(table_formats.FORMATS[wanted](made[0]), nl=False)
    for each in made if keep else ():
        number = freeze(kit.store, each, "command", now)
        click.echo(f"kept as report {number}; `nta report again {number}` computes it again", err=True)
    return 0


def _ourselves(kit: Any) -> str | None:
    """Return our own name in the catalogue, where it is known already."""
    entry = kit.catalogue.ours(kit.settings.hotline)
    return entry.name if entry else None


@report.command("again")
@click.argument("number", type=click.IntRange(1, LARGEST_ID))
@json_option
@click.pass_obj
def report_again(opener: Any, number: int, as_json: bool) -> int:
    """Compute a kept report again from the data it was kept with.

    \b
    Example:  nta report again 123456789
    """
    found = again(opener().store, number)
    click.echo(table_formats.FORMATS["json" if as_json else "table"](found.report), nl=False)
    click.echo("the figures are the same" if found.is_equal else "the figures differ", err=True)
    return 0 if found.is_equal else 1


COMMANDS = (report,)
