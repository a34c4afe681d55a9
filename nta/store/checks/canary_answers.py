"""Canaries: how hosts answered made-up pages, kept so that each is asked seldom."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, update

from nta.domain.checks.canaries import Canary, stored
from nta.store.db.bulk import found_by
from nta.store.db.types import from_us, to_us
from nta.store.tables import Host

Answers = Mapping[str, Canary]
"""The canary of each vantage point that asked one."""

_KEPT = "SELECT id, canaries FROM host WHERE canaries IS NOT NULL AND id"


def of_hosts(connection: Connection, host_ids: Collection[int]) -> dict[int, Answers]:
    """Return what is known of these hosts' canaries."""
    found: dict[int, Answers] = {}
    for number, text in found_by(connection, _KEPT, sorted(host_ids)):
        try:
            found[number] = {
                vantage: Canary(from_us(at), int(asked), stored(trace))
                for vantage, (at, asked, trace) in json.loads(text).items()
            }
        except (ValueError, TypeError, AttributeError, OverflowError):
            continue  # it is asked again, and what is kept then can be read
    return found


def keep(connection: Connection, found: Mapping[int, Answers], now: datetime) -> None:
    """Keep how hosts answered."""
    for number, answers in sorted(found.items()):
        said = {vantage: (to_us(c.at), c.asked, c.trace.text) for vantage, c in answers.items()}
        kept = {"canaries": json.dumps(said, separators=(",", ":")), "canary_at": now}
        connection.execute(update(Host).where(Host.id == number).values(**kept))
