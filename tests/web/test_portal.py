"""The portal's pages, once per outcome, and what must never stand in them."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from nta.domain.notices.answers import Says
from nta.domain.parties.organisations import Catalogue
from nta.settings import Settings
from nta.store.db.handle import Store
from nta.store.tables import AnswerRow, NoticeEvent, PortalLink
from nta.web.app_factory import POLICY
from nta.web.portal import create_portal
from tests.builders import MadeNotice, make_case, make_notice
from tests.conftest import NINE, hours
from tests.fakes import SetClock
from tests.web.conftest import COMPILED, Forms

DUTCH = {"Accept-Language": "nl-NL,nl;q=0.9,en;q=0.5"}


@pytest.fixture
def notice(lite: Store) -> MadeNotice:
    cases = [make_case(lite, f"http://images.quick.example/p/{n}", NINE) for n in (1, 2)]
    return make_notice(lite, cases, NINE)


@pytest.fixture
def app(lite: Store, settings: Settings, clock: SetClock, catalogue: Catalogue) -> Flask:
    clock.on(hours=3)
    app = create_portal(lite, settings, clock, catalogue)
    app.jinja_env.bytecode_cache = COMPILED
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def opened(client: FlaskClient, notice: MadeNotice) -> Forms:
    face = Forms(client.get(f"/n/{notice.token}").text)
    return Forms(client.post("/n", data=face.forms["open"]).text)


def said(store: Store) -> list[str]:
    with store.db.read() as connection:
        return list(connection.execute(select(AnswerRow.says)).scalars())


def test_a_link_shows_who_we_are_and_one_button_and_no_url(client: FlaskClient, notice: MadeNotice) -> None:
    answer = client.get(f"/n/{notice.token}")

    assert answer.status_code == 200
    assert notice.reference in answer.text
    assert "Example Hotline" in answer.text
    assert "2 locations" in answer.text
    assert len(re.findall("<button", answer.text)) == 1
    assert "quick.example" not in answer.text


def test_following_a_link_counts_as_nothing(client: FlaskClient, lite: Store, notice: MadeNotice) -> None:
    client.get(f"/n/{notice.token}")
    client.head(f"/n/{notice.token}")

    with lite.db.read() as connection:
        kinds = list(connection.execute(select(NoticeEvent.kind)).scalars())
    assert kinds == ["handed_over"]


def test_the_button_opens_the_list(client: FlaskClient, lite: Store, notice: MadeNotice) -> None:
    face = Forms(client.get(f"/n/{notice.token}").text)

    answer = client.post(face.actions["open"], data=face.forms["open"])

    assert answer.status_code == 200
    assert "http://images.quick.example/p/1" in answer.text
    assert 'href="http://images' not in answer.text
    with lite.db.read() as connection:
        assert "opened" in set(connection.execute(select(NoticeEvent.kind)).scalars())


def test_one_click_says_that_all_is_removed(client: FlaskClient, lite: Store, notice: MadeNotice) -> None:
    listing = opened(client, notice)

    answer = client.post(listing.actions["answer"], data=listing.forms["answer"])

    assert answer.status_code == 200
    assert "2 locations" in answer.text
    assert said(lite) == ["removed", "removed"]


@pytest.mark.parametrize("says", [says.value for says in Says])
def test_every_answer_for_one_item(client: FlaskClient, lite: Store, notice: MadeNotice, says: str) -> None:
    form = opened(client, notice).forms["answer"]
    form |= {"item": [str(notice.item_ids[1])], "answer": [says], "why": ["see our ticket"]}

    assert client.post("/n/answer", data=form).status_code == 200
    assert said(lite) == [says]


def test_an_answered_item_is_not_chosen_again(client: FlaskClient, notice: MadeNotice) -> None:
    form = opened(client, notice).forms["answer"] | {"item": [str(notice.item_ids[1])]}
    client.post("/n/answer", data=form)

    assert opened(client, notice).forms["answer"]["item"] == [str(notice.item_ids[0])]


def test_the_form_says_what_each_answer_means(client: FlaskClient, notice: MadeNotice) -> None:
    face = Forms(client.get(f"/n/{notice.token}", headers=DUTCH).text)
    shown = client.post("/n", data=face.forms["open"]).text

    for says in Says:
        assert f'<option value="{says}"' in shown
    assert "hoogstens 24 uur langer" in shown
    assert shown.count("<dt>") == len(Says)
    assert "<script" not in shown
    assert "style=" not in shown


def test_what_was_said_and_until_when_is_shown_again(
    client: FlaskClient, lite: Store, notice: MadeNotice
) -> None:
    form = opened(client, notice).forms["answer"]
    assert form["until"] == ["2026-03-03T12:00"]  # a day from now, ready to be sent
    form |= {"answer": ["forwarded"], "until": ["2026-03-02T18:30"], "whose": ["Customer Ltd"]}

    thanks = client.post("/n/answer", data=form)
    face = Forms(client.get(f"/n/{notice.token}").text)
    shown = client.post("/n", data=face.forms["open"]).text

    assert "We passed it on to our customer (2)" in thanks.text
    assert "until 2 Mar 2026, 18:30 UTC" in shown
    assert "(Customer Ltd)" in shown
    with lite.db.read() as connection:
        untils = set(connection.execute(select(AnswerRow.until)).scalars())
    assert untils == {NINE + hours(9.5)}


def test_one_location_may_have_an_answer_of_its_own(
    client: FlaskClient, lite: Store, notice: MadeNotice
) -> None:
    first, second = notice.item_ids
    form = opened(client, notice).forms["answer"]
    form |= {f"answer-{first}": ["not_ours"], "item": [str(second)], "whose": ["Example Ltd"]}

    answer = client.post("/n/answer", data=form)

    assert answer.status_code == 200
    assert "It was removed (1)" in answer.text
    assert "It is not on our network (1)" in answer.text
    with lite.db.read() as connection:
        found = connection.execute(select(AnswerRow.item_id, AnswerRow.says)).all()
    assert sorted(map(tuple, found)) == [(first, "not_ours"), (second, "removed")]


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        pytest.param({"item": []}, "item", "Choose at least one location.", id="nothing-chosen"),
        pytest.param({"item": ["77"]}, "item", "does not belong to this notice", id="item-of-another-notice"),
        pytest.param({"item": ["x"]}, "item", "does not belong to this notice", id="no-item-at-all"),
        pytest.param({"item": ["9" * 5000]}, "item", "does not belong to this notice", id="endless-item"),
        pytest.param({"answer": ["eaten"]}, "answer", "Choose one of the answers", id="unknown-answer"),
        pytest.param(
            {"answer": ["refused"]}, "why", "Say why you will not remove it", id="refused-no-reason"
        ),
        pytest.param({"answer": ["need_information"]}, "why", "what you need to know", id="no-question"),
        pytest.param({"why": ["x" * 2001]}, "why", "at most 2000 characters", id="long-explanation"),
        pytest.param(
            {"answer": ["not_ours"], "whose": ["http://a.example/"]},
            "whose",
            "no web address",
            id="whose-link",
        ),
        pytest.param(
            {"answer": ["not_ours"], "whose": ["x" * 201]}, "whose", "at most 200 characters", id="whose-long"
        ),
        pytest.param({"answer": ["forwarded"], "until": [""]}, "until", "Say until when", id="no-moment"),
        pytest.param({"answer": ["forwarded"], "until": ["soon"]}, "until", "Write day and time", id="soon"),
        pytest.param(
            {"answer": ["forwarded"], "until": ["0001-01-01T00:00+23:00"]},
            "until",
            "Write day",
            id="too-early",
        ),
        pytest.param(
            {"answer": ["forwarded"], "until": ["2026-03-02T11:59"]},
            "until",
            "This moment is over",
            id="past",
        ),
        pytest.param(
            {"answer": ["forwarded"], "until": ["2027-01-01T00:00"]}, "until", "more than 30 days", id="far"
        ),
    ],
)
def test_a_bad_answer_shows_the_list_again_with_the_fault_beside_its_field(
    client: FlaskClient, lite: Store, notice: MadeNotice, wrong: dict[str, list[str]], field: str, words: str
) -> None:
    form = opened(client, notice).forms["answer"] | wrong

    answer = client.post("/n/answer", data=form)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    beside = re.search(rf'id="fault-{field}">(.*?)</p>', answer.text)
    assert beside
    assert words in beside[1]
    if field != "item":
        assert re.search(
            rf'name="{field}"[^>]*aria-invalid="true" aria-describedby="fault-{field}', answer.text
        )
    assert said(lite) == []


def test_the_good_answers_of_a_form_with_a_fault_are_taken(
    client: FlaskClient, lite: Store, notice: MadeNotice
) -> None:
    second = notice.item_ids[1]
    form = opened(client, notice).forms["answer"] | {f"answer-{second}": ["refused"], "whose": ["Example"]}

    answer = client.post("/n/answer", data=form)

    assert answer.status_code == 422
    assert "The answer for 1 location was taken." in answer.text
    again = Forms(answer.text).forms["answer"]
    assert again["item"] == [str(second)]  # what was taken is not chosen any more
    assert (again[f"answer-{second}"], again["whose"]) == (["refused"], ["Example"])
    assert said(lite) == ["removed"]

    done = client.post("/n/answer", data=again | {"why": ["it is a drawing"]})

    assert done.status_code == 200
    assert said(lite) == ["removed", "refused"]


def test_unknown_expired_and_revoked_links_get_one_and_the_same_page(
    client: FlaskClient, lite: Store, clock: SetClock, notice: MadeNotice
) -> None:
    unknown = client.get(f"/n/{notice.token[::-1]}")
    with lite.db.write() as connection:
        connection.execute(update(PortalLink).values(revoked_at=NINE))
    revoked = client.get(f"/n/{notice.token}")
    with lite.db.write() as connection:
        connection.execute(update(PortalLink).values(revoked_at=None))
    clock.at = NINE + timedelta(days=31)
    expired = client.get(f"/n/{notice.token}")

    assert {a.status_code for a in (unknown, revoked, expired)} == {404}
    assert unknown.text == revoked.text == expired.text
    assert "This link does not work" in unknown.text


def test_a_post_without_our_form_is_refused(client: FlaskClient, lite: Store, notice: MadeNotice) -> None:
    answers = [
        client.post("/n", data={"token": notice.token}),
        client.post("/n/answer", data={"token": notice.token, "item": notice.item_ids[0]}),
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert said(lite) == []


def test_every_answer_carries_the_policy_and_is_not_kept(client: FlaskClient, notice: MadeNotice) -> None:
    for answer in (
        client.get(f"/n/{notice.token}"),
        client.get("/n/nothing"),
        client.get("/"),
        client.post("/n"),
    ):
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_titles_name_no_place(client: FlaskClient, notice: MadeNotice) -> None:
    face = client.get(f"/n/{notice.token}").text
    listing = client.post("/n", data=Forms(face).forms["open"]).text

    titles = [re.search("<title>(.*?)</title>", page)[1] for page in (face, listing)]  # type: ignore[index]
    assert titles == [f"Notice {notice.reference}"] * 2


def test_the_page_speaks_the_readers_language(client: FlaskClient, notice: MadeNotice) -> None:
    assert "Toon de lijst" in client.get(f"/n/{notice.token}", headers=DUTCH).text
    assert "Show the list" in client.get(f"/n/{notice.token}?lang=en", headers=DUTCH).text
    assert "Deze link werkt niet" in client.get("/n/nothing", headers=DUTCH).text


def test_whoever_tries_tokens_is_slowed_down(client: FlaskClient, notice: MadeNotice) -> None:
    tried = [client.get(f"/n/{n:032}").status_code for n in range(32)]

    assert tried[:30] == [404] * 30
    assert tried[-1] == 429


def test_a_provider_with_many_notices_is_not_slowed_down(client: FlaskClient, notice: MadeNotice) -> None:
    assert {client.get(f"/n/{notice.token}").status_code for _ in range(40)} == {200}


def test_robots_are_asked_to_stay_away(client: FlaskClient) -> None:
    assert "Disallow: /" in client.get("/robots.txt").text


@pytest.mark.parametrize(("method", "path", "status"), [("get", "/n", 405), ("get", "/none", 404)])
def test_errors_have_a_page_of_their_own(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = getattr(client, method)(path)

    assert answer.status_code == status
    assert 'class="portal"' in answer.text


def test_another_host_name_is_refused(client: FlaskClient) -> None:
    assert client.get("/", headers={"Host": "elsewhere.example"}).status_code == 400


def test_a_fault_of_ours_shows_nothing_and_logs_no_token(
    app: Flask, lite: Store, notice: MadeNotice, caplog: pytest.LogCaptureFixture
) -> None:
    with lite.db.write() as connection:
        connection.exec_driver_sql("DROP TABLE answer")
        connection.exec_driver_sql("DROP TABLE portal_link")

    answer = app.test_client().get(f"/n/{notice.token}")

    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "portal_link" not in answer.text
    assert "fault in view portal.face" in caplog.text
    assert notice.token not in caplog.text


def test_the_link_stops_after_thirty_days_only(
    client: FlaskClient, clock: SetClock, notice: MadeNotice
) -> None:
    clock.at = NINE + timedelta(days=30) - hours(1)

    assert client.get(f"/n/{notice.token}").status_code == 200
