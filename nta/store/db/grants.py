"""What the portal's PostgreSQL role may do: the tables and columns it needs, and nothing else."""

import re
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, text

from nta.domain.errors import RefusedError
from nta.store.db.dialects import is_sqlite

PORTAL: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "portal_link": {"SELECT": ("id", "notice_id", "digest", "expires_at", "revoked_at")},
    "notice": {"SELECT": ("id", "reference", "language", "queued_at", "handed_at")},
    "notice_item": {
        "SELECT": (
            "id",
            "notice_id",
            "position",
            "case_reference",
            "portal_sealed",
            "last_up_at",
            "received_at",
            "left_at",
        )
    },
    "notice_event": {
        "SELECT": ("notice_id", "kind"),
        "INSERT": ("id", "notice_id", "at", "kind", "proof", "settled"),
    },
    "answer": {
        "SELECT": ("id", "item_id", "says", "at", "whose", "until"),
        "INSERT": ("id", "item_id", "at", "way", "says", "whose", "until", "why_sealed", "settled"),
    },
    # At its start the portal checks the schema's version and takes a number for its ids.
    "alembic_version": {"SELECT": ("version_num",)},
    "process_start": {"SELECT": ("number",), "INSERT": ("number",)},
}
"""Table, right, columns. The sealed copy for ourselves (`location_sealed`) is not among them."""

_EXISTS = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def grant_portal(connection: Connection, role: str) -> None:
    """Give a PostgreSQL role that exists what the portal needs, and nothing more; run again at will.

    Raises: RefusedError on SQLite, for a name that is not plain lower case, and for an unknown role.
    """
    if is_sqlite(connection):
        raise RefusedError("SQLite has no roles: the portal's role is for PostgreSQL")
    if not _NAME.fullmatch(role):
        raise RefusedError("a role for the portal is named in lower-case letters, digits and _")
    if not connection.execute(_EXISTS, {"role": role}).scalar():
        raise RefusedError(f"the database has no role {role}: CREATE ROLE {role} LOGIN PASSWORD '…' makes it")
    for table, rights in PORTAL.items():
        connection.exec_driver_sql(f'REVOKE ALL ON "{table}" FROM "{role}"')
        for right, columns in rights.items():
            named = ", ".join(f'"{column}"' for column in columns)
            connection.exec_driver_sql(f'GRANT {right} ({named}) ON "{table}" TO "{role}"')
