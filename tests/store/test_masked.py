"""Pages of a case whose URL cannot be unsealed: it is covered, and the others are shown."""

from sqlalchemy import update

from nta.domain.reasons import Code
from nta.store.db.handle import Store
from nta.store.reads import cases
from nta.store.reads.case import case
from nta.store.reads.tasks import tasks
from nta.store.tables import Case
from tests import person_tasks
from tests.builders import make_case
from tests.conftest import NINE, hours


def test_a_url_that_does_not_open_is_covered_and_hides_no_other(store: Store) -> None:
    bad, good = (make_case(store, f"http://{name}.example/x", NINE) for name in ("a", "b"))
    with store.db.write() as connection:
        connection.execute(update(Case).where(Case.id == bad.case_id).values(url_sealed=b"\x01spoilt"))
        for one in (bad, good):
            person_tasks.give(
                connection, one.episode_id, NINE + hours(24), owner="lead", code=Code.NOBODY_FOUND
            )

    with store.db.read() as connection:
        asked = tasks(connection, store)
        shown = case(connection, store, bad.reference)
        listed = cases.page(connection, store, NINE, wanted=cases.Wanted(), ranks={("ready", "unseen"): 1})

    assert {one.reference: one.masked for one in asked} == {
        bad.reference: "▒▒▒",
        good.reference: "http://▒▒▒.example/▒",
    }
    assert shown is not None
    assert shown.masked == "▒▒▒"
    assert {row.masked for row in listed.rows} == {"▒▒▒", "http://▒▒▒.example/▒"}
