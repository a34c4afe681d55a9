"""Rows that no step can read, and what three hosts are found to be: for tests of one spoilt subject."""

from typing import Any

from sqlalchemy import update

from nta.store.db.handle import Store
from tests import person_tasks
from tests.resolving import FakeAsker, made

SPOILT = b"\x01spoilt"
"""Sealed bytes that no key opens."""


def spoil(store: Store, table: Any, number: int, **values: Any) -> None:
    """Write what no step can read."""
    with store.db.write() as connection:
        connection.execute(update(table).where(table.id == number).values(**values))


def task(store: Store, subject: int) -> str | None:
    return person_tasks.in_words(store, subject)


def served(holder: str, **more: Any) -> dict[str, Any]:
    email = f"abuse@{holder[:9].lower()}.example"
    return {
        "holder": holder,
        "holder_name": holder,
        "abuse": [{"email": email, "source": "rdap", "confidence": 0.9}],
        **more,
    }


def three_hosts(store: Store, network: dict[str, Any]) -> tuple[list[Any], FakeAsker]:
    """Return cases on three hosts, the second in a network of which a registry says this."""
    ips = {"a.test": "192.0.2.1", "b.test": "198.51.100.1", "c.test": "203.0.113.1"}
    networks = {
        "192.0.2.0/24": served("ORG-A"),
        "198.51.100.0/24": network,
        "203.0.113.0/24": served("ORG-C"),
    }
    cases = [made(store, f"http://{name}/x") for name in ips]
    return cases, FakeAsker({name: (ip,) for name, ip in ips.items()}, networks)
