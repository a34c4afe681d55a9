"""Who may do what: each page has an act, and each role meets what the table says of it."""

import pytest
from flask import Flask
from werkzeug.routing import Rule

from nta.domain.policy import POLICY, DeskAct, DeskRoleName
from nta.store.db.handle import Store
from tests.builders import make_case
from tests.conftest import NINE
from tests.web.conftest import entered

OPEN_TO_ALL = {"static", "home", "language", "shared.static"}
"""What no act is needed for: the way in, the language, files."""

VALUES = {"reference": "C-26-0000-0000", "number": 1}


def acts(desk: Flask) -> dict[str, DeskAct | None]:
    """Return the act of each view that is the desk's own."""
    views = desk.view_functions.items()
    return {
        name: getattr(view, "act", None)
        for name, view in views
        if not name.startswith("security.") and name not in OPEN_TO_ALL
    }


def test_every_page_has_an_act(desk: Flask) -> None:
    assert [name for name, act in acts(desk).items() if act is None] == []


def test_every_act_but_one_within_a_page_has_a_page(desk: Flask) -> None:
    assert set(DeskAct) - set(acts(desk).values()) == {DeskAct.FINISH_LEADS_TASK}


@pytest.mark.parametrize("role", list(DeskRoleName))
def test_each_role_meets_what_the_table_says(desk: Flask, lite: Store, role: DeskRoleName) -> None:
    client = entered(desk, lite, role)
    allowed = {}
    rules = {rule.endpoint: rule for rule in desk.url_map.iter_rules()}

    desk.config["WTF_CSRF_ENABLED"] = False  # a form's token is another page's subject
    for name in acts(desk):
        path = _path(desk, rules[name])
        method = "POST" if "POST" in (rules[name].methods or ()) else "GET"
        allowed[name] = client.open(path, method=method).status_code != 403

    assert allowed == {name: act is not None and role in POLICY[act] for name, act in acts(desk).items()}


def _path(desk: Flask, rule: Rule) -> str:
    return desk.url_map.bind("localhost").build(
        rule.endpoint, {name: VALUES[name] for name in rule.arguments}
    )


def test_a_policy_reader_begins_with_figures_and_is_offered_no_case(desk: Flask, lite: Store) -> None:
    case = make_case(lite, "http://images.quick.example/p/1", NINE)
    client = entered(desk, lite, "policy_reader")

    page = client.get("/", follow_redirects=True)

    assert page.request.path == "/reports/removal-times"
    assert "/cases" not in page.text
    assert client.get(f"/cases/{case.reference}").status_code == 403


def test_an_auditor_reads_a_case_and_is_offered_nothing_that_changes_it(desk: Flask, lite: Store) -> None:
    case = make_case(lite, "http://images.quick.example/p/1", NINE)
    client = entered(desk, lite, "auditor")

    page = client.get(f"/cases/{case.reference}")

    assert page.status_code == 200
    assert f"/cases/{case.reference}/" not in page.text.replace(f"/cases/{case.reference}/resolution", "")
