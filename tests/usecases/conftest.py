"""After every test of a use case: no open episode waits for nothing."""

from collections.abc import Iterator

import pytest

from nta.store.db.handle import Store
from nta.store.reads.stuck import waiting_unseen


@pytest.fixture(autouse=True)
def nothing_waits_unseen(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves an open episode which nothing will ever bring on."""
    store: Store | None = request.getfixturevalue("store") if "store" in request.fixturenames else None
    yield
    if store is not None:
        with store.db.read() as connection:
            unseen = waiting_unseen(connection)
        assert unseen == [], "these episodes wait for nothing"
