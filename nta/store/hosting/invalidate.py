"""Asking anew who serves hosts: what is known of them counts no more, and the step is due."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from nta.domain.intake.urls import registry_domain
from nta.store.db.handle import Store
from nta.store.hosting import findings, host_arrangements, override_rows
from nta.store.work import due


def ask_anew(connection: Connection, store: Store, host_ids: Collection[int], now: datetime) -> None:
    """Let what was found of these hosts, of their addresses and domains count no more, and ask for it now."""
    rows = host_arrangements.hosts(connection, store, host_ids)
    held = {row.arrangement_id for row in rows.values() if row.arrangement_id is not None}
    addresses = {one.address for many in host_arrangements.served(connection, held).values() for one in many}
    addresses |= {
        one.origin for one in override_rows.of_hosts(connection, store, rows, now).values() if one.origin
    }
    names = {row.name for row in rows.values()}
    names |= {domain for name in names if (domain := registry_domain(name))}
    findings.expire(connection, store, names, addresses, now)
    due.want(connection, due.RESOLVE, rows.keys(), now)
