"""What providers answered and what came back, as the desk shows it and acts on it."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from nta import settings as settings_module
from nta.domain.notices.answers import ItemAnswer
from nta.domain.parties.organisations import Catalogue
from nta.domain.reasons import Code
from nta.store.db.handle import Store
from nta.store.tables import AnswerRow, AuditEntry, Notice, NoticeItem
from nta.usecases import answer
from nta.web.desk import create_desk
from tests import person_tasks
from tests.builders import MadeCase, MadeNotice, make_case, make_notice
from tests.conftest import NINE, hours
from tests.fakes import SetClock
from tests.mails import keep
from tests.web.conftest import Forms, entered, post

URL = "http://images.quick.example/private/path/1.jpg"
LETTER = b"From: desk@hosting.example\nSubject: Re: notice\n\nWhich one do you mean?\n"


@pytest.fixture
def case(lite: Store) -> MadeCase:
    return make_case(lite, URL, NINE - hours(9), last_up_at=NINE - hours(1), presence="up")


@pytest.fixture
def notice(lite: Store, case: MadeCase) -> MadeNotice:
    return make_notice(lite, [case], NINE - hours(8))


def say(store: Store, notice: MadeNotice, says: str, **more: object) -> None:
    said = [ItemAnswer(notice.item_ids[0], says, **more)]  # type: ignore[arg-type]
    assert not answer.answer(store, notice.token, said, NINE - hours(1)).slips
    answer.settle(store, NINE - hours(1))


def acts(store: Store) -> list[str]:
    with store.db.read() as connection:
        query = select(AuditEntry.act).where(AuditEntry.act != "user_added").order_by(AuditEntry.id)
        return list(connection.execute(query).scalars())


def tasks_of(store: Store, subject: int) -> list[Code]:
    return person_tasks.asked(store, subject)


def a_mail(store: Store, notice: MadeNotice) -> int:
    with store.db.write() as connection:
        number = keep(
            connection,
            store,
            received=LETTER,
            kept=LETTER,
            kind="reply",
            notice_id=notice.notice_id,
            at=NINE - hours(2),
        )
    assert number is not None
    return number


def test_a_refusal_is_on_the_page_of_tasks_and_of_the_case(
    analyst: FlaskClient, lite: Store, case: MadeCase, notice: MadeNotice
) -> None:
    say(lite, notice, "refused", why="it is a drawing")

    tasks, page = analyst.get("/tasks").text, analyst.get(f"/cases/{case.reference}").text

    assert "a provider will not remove it: read why" in tasks
    assert case.reference in tasks
    assert "a provider will not remove it: read why" in page
    assert "it is a drawing" in page


def test_the_case_says_until_when_and_whose(
    analyst: FlaskClient, lite: Store, case: MadeCase, notice: MadeNotice
) -> None:
    say(lite, notice, "forwarded", until=NINE + hours(9.5), whose="Customer Ltd")

    page = analyst.get(f"/cases/{case.reference}").text

    assert "until 2 Mar 2026, 18:30 UTC (Customer Ltd)" in page


def test_the_case_says_that_a_party_was_released(
    analyst: FlaskClient, lite: Store, case: MadeCase, notice: MadeNotice
) -> None:
    say(lite, notice, "not_ours", whose="Example Ltd")

    page = analyst.get(f"/cases/{case.reference}").text

    assert "Released" in page
    assert "not on our network" in page
    assert "not_ours" not in page


def test_a_task_is_finished_by_saying_what_was_done(
    analyst: FlaskClient, lite: Store, case: MadeCase, notice: MadeNotice
) -> None:
    say(lite, notice, "need_information", why="which page?")

    answered = post(analyst, "/tasks", f"done-{case.episode_id}-wants_information", reason="answered by mail")

    assert (answered.status_code, answered.location) == (303, "/tasks")
    assert tasks_of(lite, case.episode_id) == []
    assert acts(lite) == ["task_done"]


def test_a_leads_task_is_finished_by_a_lead_alone(
    analyst: FlaskClient, lead: FlaskClient, lite: Store, case: MadeCase
) -> None:
    with lite.db.write() as connection:
        person_tasks.give(connection, case.episode_id, NINE, owner="lead", code=Code.READ_REPLY)

    assert f"done-{case.episode_id}-read_reply" not in analyst.get("/tasks").text
    assert f"done-{case.episode_id}-read_reply" in lead.get("/tasks").text
    form = Forms(lead.get("/tasks").text).forms[f"done-{case.episode_id}-read_reply"]
    token = Forms(analyst.get("/sending").text).forms["search"]["csrf_token"]
    assert analyst.post("/tasks/done", data=form | {"csrf_token": token}).status_code == 422
    assert lead.post("/tasks/done", data=form | {"subject": ["x"]}).status_code == 422
    assert tasks_of(lite, case.episode_id) == [Code.READ_REPLY]


def test_a_mail_is_read_on_its_page_and_that_is_noted(
    analyst: FlaskClient, lite: Store, case: MadeCase, notice: MadeNotice
) -> None:
    number = a_mail(lite, notice)
    assert f"/mails/{number}" in analyst.get(f"/cases/{case.reference}").text

    closed = analyst.get(f"/mails/{number}").text
    opened = post(analyst, f"/mails/{number}", "read").text

    assert notice.reference in closed
    assert case.reference in closed
    assert "Which one do you mean?" not in closed
    assert "Which one do you mean?" in opened
    assert acts(lite) == ["read_mail"]
    assert analyst.get("/mails/77").status_code == 404


def test_what_a_provider_wrote_in_a_mail_is_noted_as_its_answer(
    analyst: FlaskClient, lite: Store, case: MadeCase, notice: MadeNotice
) -> None:
    number = a_mail(lite, notice)

    refused = post(analyst, f"/mails/{number}", "answer", answer="refused")
    answered = post(analyst, f"/mails/{number}", "answer", answer="refused", why="it is a drawing")
    answer.settle(lite, NINE)

    assert refused.status_code == 422
    assert 'id="fault-why"' in refused.text
    assert (answered.status_code, answered.location) == (303, f"/mails/{number}")
    with lite.db.read() as connection:
        row = connection.execute(select(AnswerRow.way, AnswerRow.says, AnswerRow.at)).one()
    assert tuple(row) == ("mail", "refused", NINE - hours(2))  # when the mail came
    assert acts(lite) == ["answer_by_mail"]
    assert tasks_of(lite, case.episode_id) == [Code.WILL_NOT_REMOVE]
    assert URL not in analyst.get(f"/mails/{number}").text


def test_a_mail_about_no_notice_takes_no_answer(analyst: FlaskClient, lite: Store, case: MadeCase) -> None:
    with lite.db.write() as connection:
        number = keep(
            connection, lite, received=b"x", kept=b"x", kind="unknown", notice_id=None, at=NINE - hours(1)
        )
    token = Forms(analyst.get("/sending").text).forms["search"]["csrf_token"]

    answered = analyst.post(f"/mails/{number}/answer", data={"csrf_token": token, "item": "1"})

    assert answered.status_code == 422
    assert 'id="answer"' not in analyst.get(f"/mails/{number}").text


def kept_back(lite: Store, case: MadeCase) -> MadeNotice:
    made = make_notice(lite, [case], NINE - hours(8), state="not_sent", handed=False)
    with lite.db.write() as connection:
        person_tasks.give(connection, case.episode_id, NINE, owner="lead", code=Code.SENDING_OFF)
    return made


@pytest.fixture
def sending_lead(
    lite: Store, tmp_path: Path, clock: SetClock, catalogue: Catalogue, at_nine: object
) -> FlaskClient:
    """A lead of an installation that sends."""
    given = {
        "NTA_INSTANCE": str(tmp_path),
        "NTA_HOTLINE": "ours",
        "NTA_SENDING": "redirect:us@hotline.test",
        "NTA_SMTP_URL": "smtp://127.0.0.1:25",
        "NTA_SENDER": "notices@hotline.test",
        "NTA_RETURN_PATH": "return+{token}@hotline.test",
    }
    return entered(create_desk(lite, settings_module.read(given)[0], clock, catalogue), lite, "lead")


@pytest.mark.parametrize("state", ["not_sent", "declined"])
def test_a_lead_sends_again_what_never_left(
    sending_lead: FlaskClient, lite: Store, case: MadeCase, state: str
) -> None:
    made = kept_back(lite, case)
    with lite.db.write() as connection:
        connection.execute(update(Notice).values(state=state))

    answered = post(sending_lead, "/sending", f"again-{made.reference}")

    assert (answered.status_code, answered.location) == (303, "/sending")
    with lite.db.read() as connection:
        assert connection.execute(select(NoticeItem.left_why)).scalar() == "again"
    assert acts(lite) == ["send_again"]
    assert made.reference not in sending_lead.get("/sending").text


def test_nobody_else_sends_again_and_not_while_sending_is_off(
    lead: FlaskClient, analyst: FlaskClient, lite: Store, case: MadeCase
) -> None:
    made = kept_back(lite, case)

    page = lead.get("/sending").text
    assert made.reference in page
    assert f"again-{made.reference}" not in page  # the settings of the tests have sending off
    token = Forms(analyst.get("/sending").text).forms["search"]["csrf_token"]
    data = {"csrf_token": token, "notice": made.reference}
    assert analyst.post("/sending/again", data=data).status_code == 403
