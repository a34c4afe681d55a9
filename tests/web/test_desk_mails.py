"""Mail at the desk: whatever was kept, its page opens and it can be read."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from nta.domain.reasons import Code, Reason
from nta.store.db.handle import Store
from nta.store.tables import Mail
from nta.store.work import open_tasks
from tests import mails
from tests.conftest import NINE, hours
from tests.spoilt_mails import SPOILT
from tests.telling import Post
from tests.web.conftest import post


def kept(store: Store, content: bytes) -> int:
    """Return the mail that a content was kept as."""
    inbox = Post()
    inbox.put(content)
    mails.read(store, inbox, NINE - hours(1))
    with store.db.read() as connection:
        return connection.execute(select(Mail.id)).scalar_one()


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_mail_is_on_the_page_of_tasks_and_can_be_read(
    analyst: FlaskClient, lite: Store, name: str
) -> None:
    number = kept(lite, SPOILT[name])

    opened = analyst.get(f"/mails/{number}")
    read = post(analyst, f"/mails/{number}", "read")

    assert (opened.status_code, read.status_code) == (200, 200)
    assert f"/mails/{number}" in analyst.get("/tasks").text
    assert not [sign for sign in "\x00\x1b\x9b\ud800" if sign in read.text]


def test_a_mail_that_could_not_be_read_says_so_and_where_it_lies(analyst: FlaskClient, lite: Store) -> None:
    number = kept(lite, b"Subject: broken\n" + SPOILT["boundary in no charset"])

    tasks, page = analyst.get("/tasks").text, post(analyst, f"/mails/{number}", "read").text

    assert "a mail that could not be read" in tasks
    assert "could not be read" in page
    assert "lies in the mailbox" in page
    assert "broken" in page


def test_what_a_person_has_to_know_of_a_mail_is_said_in_their_language(
    analyst: FlaskClient, lite: Store
) -> None:
    number = kept(lite, SPOILT["id with a NUL"])
    why = Reason(Code.READ_REPLY, besides=(Reason(Code.NAMED_IN_SUBJECT_ALONE),))
    with lite.db.write() as connection:
        open_tasks.ask(connection, number, why, owner="analyst", deadline=NINE)

    page = analyst.get("/tasks", headers={"Accept-Language": "nl"}).text

    assert "een antwoord om te lezen; alleen het onderwerp noemt de melding" in page
