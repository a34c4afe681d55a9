"""What a request names and cannot be: 404 where nothing is, 422 where something is wrong, never 500."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from nta.domain.parties.organisations import Catalogue
from nta.settings import Settings
from nta.store.db.handle import Store
from nta.web.access import add_user
from nta.web.desk import create_desk
from nta.web.portal import create_portal
from tests.builders import make_case, make_notice
from tests.conftest import NINE
from tests.fakes import SetClock
from tests.web.conftest import COMPILED, PASSWORD, Forms, entered

HUGE = "9" * 4_400
PAST = str(2**63)


@pytest.fixture
def desk_of_either(
    store: Store, settings: Settings, clock: SetClock, catalogue: Catalogue, at_nine: object
) -> Flask:
    """The desk on either database, with one lead."""
    add_user(store, "lead@hotline.test", PASSWORD, "lead", clock=clock)
    app = create_desk(store, settings, clock, catalogue)
    app.jinja_env.bytecode_cache = COMPILED
    return app


@pytest.fixture
def lead(desk_of_either: Flask, store: Store) -> FlaskClient:
    return entered(desk_of_either, store, "lead")


def test_what_no_row_and_no_page_can_be_is_not_there(lead: FlaskClient) -> None:
    pages = ["/cases?page=", "/hand-ins/7?page=", "/hand-ins/", "/mails/"]

    answers = {
        f"{page}{n:.20}": lead.get(page + n).status_code
        for page in pages
        for n in (HUGE, PAST, "0", "-1", "²")
    }

    assert set(answers.values()) == {404}, answers


def test_numbers_in_forms_that_no_row_can_have_are_refused(lead: FlaskClient, store: Store) -> None:
    case = make_case(store, "http://images.quick.example/p/1", NINE)
    notice = make_notice(store, [case], NINE).reference
    token = Forms(lead.get("/cases").text).forms["logout"]
    fields = {"/sending/release": "notice", f"/notices/{notice}/reveal": "item", "/tasks/done": "subject"}

    answers = [
        lead.post(path, data=token | {name: number, "reason": "x"}).status_code
        for path, name in fields.items()
        for number in (HUGE, PAST, "0", "-1", "²", "")
    ]

    assert set(answers) == {422}


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59", "2026-03-03T09:00\0", HUGE, "soon"]
)
def test_moments_that_cannot_be_are_refused(lead: FlaskClient, store: Store, moment: str) -> None:
    case = make_case(store, "http://images.quick.example/p/1", NINE).reference
    token = Forms(lead.get("/cases").text).forms["logout"] | {"reason": "x"}

    hold = lead.post(f"/cases/{case}/hold", data=token | {"until": moment}).status_code
    wrong = token | {"wrong": "host", "party": "x", "scope": "host", "until": moment}
    resolution = lead.post(f"/cases/{case}/resolution/wrong", data=wrong).status_code
    report = lead.get(
        "/reports/removal-times", query_string={"from": moment[:10] + "T00:00+23:59"}
    ).status_code

    assert (hold, resolution, report) == (422, 422, 422)


def test_a_nul_is_refused_in_every_form_and_address(lead: FlaskClient, store: Store) -> None:
    case = make_case(store, "http://images.quick.example/p/1", NINE).reference
    token = Forms(lead.get("/cases").text).forms["logout"]

    answers = {
        path: lead.post(path, data=token | {name: "a\0b"}).status_code
        for path, name in {
            "/search": "q",
            f"/cases/{case}/withdraw": "reason",
            "/sending/release-all": "party",
            "/login": "email",
            "/language": "back",
        }.items()
    }

    assert set(answers.values()) == {422}, answers
    assert lead.get("/reports/removal-times?provider=%00").status_code == 422
    assert lead.get("/cases/%00").status_code == 404


def test_a_nul_in_a_paste_is_wrong_in_its_own_line_alone(lead: FlaskClient) -> None:
    form = Forms(lead.get("/hand-in").text).forms["hand-in"] | {"confirm": "yes"}

    answer = lead.post("/hand-in", data=form | {"text": "http://a.example/\nhttp://b\0.example/\n"})

    assert answer.status_code == 303
    assert "1" in lead.get(answer.location).text


def test_the_portal_refuses_what_cannot_be_kept(
    store: Store, settings: Settings, clock: SetClock, catalogue: Catalogue
) -> None:
    notice = make_notice(store, [make_case(store, "http://images.quick.example/p/1", NINE)], NINE)
    app = create_portal(store, settings, clock, catalogue)
    app.jinja_env.bytecode_cache = COMPILED
    client = app.test_client()
    face = Forms(client.get(f"/n/{notice.token}").text)
    form = Forms(client.post("/n", data=face.forms["open"]).text).forms["answer"]

    spoilt = [
        {"why": "a\0b", "answer": "refused"},
        {"until": "0001-01-01T00:00+23:59", "answer": "forwarded"},
    ]
    spoilt += [{"item": PAST}, {"item": HUGE}, {f"answer-{PAST}": "removed"}]

    assert [client.post("/n/answer", data=form | fields).status_code for fields in spoilt] == [422] * 4 + [
        200
    ]
    assert client.get("/n/%00").status_code == 404
