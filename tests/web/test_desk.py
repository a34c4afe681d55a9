"""The desk's pages, once per outcome, and what must never stand in them."""

import io
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from nta.domain.checks.outcomes import Outcome
from nta.domain.errors import RefusedError
from nta.domain.reasons import Code
from nta.store.db.handle import Store
from nta.store.tables import AuditEntry, Case, Episode
from nta.usecases import approve
from nta.usecases.decisions import case_decisions
from nta.web.app_factory import POLICY
from tests import person_tasks
from tests.builders import MadeCase, make_case, make_notice, make_span, sending_allowed
from tests.conftest import NINE, hours
from tests.fakes import SetClock
from tests.people import by
from tests.web.conftest import post

URL = "http://images.quick.example/private/path/1.jpg"


@pytest.fixture
def case(lite: Store) -> MadeCase:
    made = make_case(lite, URL, NINE - hours(5), severity="urgent", last_up_at=NINE - hours(1))
    make_notice(lite, [made], NINE - hours(4))
    make_span(lite, made, NINE - hours(4), NINE - hours(1))
    return made


def audited(store: Store) -> list[tuple[str, str, str | None]]:
    with store.db.read() as connection:
        rows = connection.execute(
            select(AuditEntry.who, AuditEntry.act, AuditEntry.subject).where(AuditEntry.act != "user_added")
        )
        return [tuple(row) for row in rows]


def test_a_paste_becomes_cases_with_a_result_a_line(analyst: FlaskClient, lite: Store) -> None:
    text = f"{URL}\nhxxp://other[.]example/x\nthis is no url\n"

    answer = post(analyst, "/hand-in", "hand-in", text=text, severity="high", confirm="yes")
    page = analyst.get(answer.location).text

    assert answer.status_code == 303
    assert answer.location.startswith("/hand-ins/")
    assert "2 URLs taken" in page
    assert "1 line refused" in page
    assert len(set(re.findall(r"C-26-\w{4}-\w{4}", page))) == 2
    assert "quick" not in page
    with lite.db.read() as connection:
        assert set(connection.execute(select(Case.severity)).scalars()) == {"high"}


def test_a_file_is_taken_too(analyst: FlaskClient) -> None:
    file = (io.BytesIO(b"url,severity\nhttp://a.example/1,urgent\nhttp://a.example/2,silly\n"), "list.csv")

    answer = post(analyst, "/hand-in", "hand-in", file=file, confirm="yes")
    page = analyst.get(answer.location).text

    assert "1 URL taken" in page
    assert "1 line refused" in page


def test_sending_the_form_twice_makes_one_hand_in(analyst: FlaskClient, lite: Store) -> None:
    fields = {"text": URL, "confirm": "yes", "key": "a" * 32}

    places = {post(analyst, "/hand-in", "hand-in", **fields).location for _ in range(2)}

    assert len(places) == 1
    with lite.db.read() as connection:
        assert len(connection.execute(select(Episode.id)).all()) == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"text": URL}, "Confirm that you have seen", id="not-confirmed"),
        pytest.param({"confirm": "yes"}, "Paste at least one URL", id="nothing"),
        pytest.param({"text": URL, "confirm": "yes", "severity": "silly"}, "values that the form", id="word"),
        pytest.param({"text": "url,shoe\nx,1", "confirm": "yes"}, "unknown column", id="column"),
    ],
)
def test_a_hand_in_that_cannot_be_taken_says_why_and_keeps_what_was_typed(
    analyst: FlaskClient, lite: Store, fields: dict[str, str], reason: str
) -> None:
    answer = post(analyst, "/hand-in", "hand-in", **fields)

    assert answer.status_code == 422
    assert reason in answer.text
    assert fields.get("text", "") in answer.text
    with lite.db.read() as connection:
        assert connection.execute(select(Case.id)).all() == []


def test_the_list_begins_with_what_needs_a_person(analyst: FlaskClient, lite: Store) -> None:
    states = [
        ("notified", "up", "normal"),
        ("exhausted", "up", "normal"),
        ("notified", "absent", "urgent"),
        ("unresolved", "unseen", "normal"),
        ("notified", "up", "urgent"),
        ("held", "removed", "normal"),
    ]
    made = [
        make_case(lite, f"http://s{n}.example/", NINE, severity=s, stage=stage, presence=p)
        for n, (stage, p, s) in enumerate(states)
    ]

    page = analyst.get("/cases").text

    shown = [ref for ref in re.findall(r"C-26-\w{4}-\w{4}", page) if ref in {m.reference for m in made}]
    order = list(dict.fromkeys(shown))
    assert order == [made[n].reference for n in (3, 1, 5, 4, 0, 2)]


def test_a_state_filters_the_list(analyst: FlaskClient, lite: Store, case: MadeCase) -> None:
    other = make_case(lite, "http://b.example/", NINE, stage="unresolved")

    page = analyst.get("/cases?state=no_contact").text

    assert other.reference in page
    assert case.reference not in page


def test_ended_cases_are_listed_with_their_outcome(analyst: FlaskClient, lite: Store, case: MadeCase) -> None:
    case_decisions.end_case(
        lite, case.reference, Outcome.WITHDRAWN, "by mistake", by("lead@hotline.test"), NINE
    )

    assert case.reference not in analyst.get("/cases").text
    page = analyst.get("/cases?state=ended").text
    assert case.reference in page
    assert "withdrawn" in page


def test_a_long_list_comes_in_pages(analyst: FlaskClient, lite: Store) -> None:
    for number in range(51):
        make_case(lite, f"http://quick.example/{number}", NINE)

    first, second = analyst.get("/cases").text, analyst.get("/cases?page=2").text

    assert "page=2" in first
    assert len(re.findall('class="masked"', second)) == 1


@pytest.mark.parametrize("words", [URL, "hxxp://images[.]quick[.]example/private/path/1.jpg", URL + "#part"])
def test_a_case_is_found_by_its_url(analyst: FlaskClient, case: MadeCase, words: str) -> None:
    answer = post(analyst, "/cases", "search", q=words)

    assert (answer.status_code, answer.location) == (303, f"/cases/{case.reference}")


def test_a_case_is_found_by_its_reference_however_it_is_typed(analyst: FlaskClient, case: MadeCase) -> None:
    typed = case.reference.lower().replace("-", " ")

    assert post(analyst, "/cases", "search", q=typed).location == f"/cases/{case.reference}"


def test_the_reference_of_a_notice_finds_its_cases(analyst: FlaskClient, lite: Store) -> None:
    cases = [make_case(lite, f"http://quick.example/{n}", NINE) for n in (1, 2)]
    notice = make_notice(lite, cases, NINE)

    page = post(analyst, "/cases", "search", q=notice.reference)

    assert page.status_code == 200
    assert all(case.reference in page.text for case in cases)


@pytest.mark.parametrize("words", ["http://nowhere.example/", "C-26-7K3M-4QXT", "", "x" * 20_000])
def test_a_search_that_finds_nothing_says_so(analyst: FlaskClient, case: MadeCase, words: str) -> None:
    answer = post(analyst, "/cases", "search", q=words)

    assert answer.status_code == 404
    assert "Nothing found" in answer.text
    assert "nowhere" not in answer.text


def test_the_case_page_tells_its_story_without_the_url(analyst: FlaskClient, case: MadeCase) -> None:
    page = analyst.get(f"/cases/{case.reference}").text

    for part in (
        case.reference,
        "told",
        "192.0.2.10",
        "AS64500",
        "Quick Hosting B.V.",
        "Handed in",
        "online",
    ):
        assert part in page
    assert "The catalogue&#39;s contact, last checked on 2026-03-01." in page
    for secret in ("quick.example/", "images.quick", "private/path"):
        assert secret not in page


def test_showing_the_url_is_a_post_that_is_written_down(
    analyst: FlaskClient, lite: Store, case: MadeCase
) -> None:
    page = post(analyst, f"/cases/{case.reference}", "reveal")

    assert URL in page.text
    assert f'href="{URL}"' not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert audited(lite) == [("analyst@hotline.test", "reveal", case.reference)]
    assert analyst.get(f"/cases/{case.reference}/reveal").status_code == 405


def test_a_lead_marks_a_domain(lead: FlaskClient, lite: Store, case: MadeCase) -> None:
    answer = post(lead, f"/cases/{case.reference}", "dedicated", dedicated="yes", reason="nothing else there")

    page = lead.get(answer.location).text
    assert answer.status_code == 303
    assert "Dedicated to such content: yes" in page
    assert "nothing else there" in page
    assert audited(lite)[-1] == ("lead@hotline.test", "mark_dedicated", case.reference)


def test_an_analyst_may_not_mark_a_domain(analyst: FlaskClient, case: MadeCase) -> None:
    page = analyst.get(f"/cases/{case.reference}").text
    token = re.search('name="csrf_token" value="(.*?)"', page)[1]  # type: ignore[index]

    answer = analyst.post(
        f"/cases/{case.reference}/dedicated", data={"csrf_token": token, "dedicated": "yes"}
    )

    assert 'id="dedicated"' not in page
    assert answer.status_code == 403
    assert "Not for this account" in answer.text


@pytest.mark.parametrize("act", ["withdraw", "invalid"])
def test_an_analyst_ends_a_case(analyst: FlaskClient, lite: Store, case: MadeCase, act: str) -> None:
    answer = post(analyst, f"/cases/{case.reference}", act, reason="entered twice")

    assert answer.status_code == 303
    with lite.db.read() as connection:
        outcome = connection.execute(select(Episode.outcome)).scalar()
    assert outcome == {"withdraw": "withdrawn", "invalid": "invalid"}[act]
    assert audited(lite) == [("analyst@hotline.test", act, case.reference)]


def test_a_refusal_is_a_page_that_says_why(lead: FlaskClient, lite: Store) -> None:
    made = make_case(lite, "http://192.0.2.10/x", NINE)
    page = lead.get(f"/cases/{made.reference}").text
    token = re.search('name="csrf_token" value="(.*?)"', page)[1]  # type: ignore[index]

    answer = lead.post(f"/cases/{made.reference}/dedicated", data={"csrf_token": token, "dedicated": "yes"})

    assert 'id="dedicated"' not in page
    assert answer.status_code == 422
    assert "no domain to mark" in answer.text


def test_a_lead_stops_sending_in_one_click_and_allows_it_again(
    lead: FlaskClient, analyst: FlaskClient, lite: Store
) -> None:
    post(lead, "/sending", "stop")
    assert not sending_allowed(lite)
    assert "All sending is stopped, by lead@hotline.test" in analyst.get("/cases").text

    post(lead, "/sending", "allow")
    assert sending_allowed(lite)
    assert [act for _, act, _ in audited(lite)] == ["stop_sending", "allow_sending"]


def test_an_analyst_cannot_stop_sending(analyst: FlaskClient, lite: Store) -> None:
    page = analyst.get("/sending").text
    token = re.search('name="csrf_token" value="(.*?)"', page)[1]  # type: ignore[index]

    assert 'id="stop"' not in page
    assert analyst.post("/sending/stop", data={"csrf_token": token}).status_code == 403
    assert sending_allowed(lite)


def test_a_lead_lets_a_waiting_notice_go(lead: FlaskClient, lite: Store, case: MadeCase) -> None:
    notice = make_notice(lite, [case], NINE, kind="reminder", state="waiting_lead", handed=False)
    assert notice.reference in lead.get("/sending").text

    answer = post(lead, "/sending", f"release-{notice.notice_id}")

    assert answer.status_code == 303
    assert "No notice waits for a lead" in lead.get("/sending").text
    with pytest.raises(RefusedError, match="notice_not_waiting"):
        approve.release_waiting(lite, notice.notice_id, by("lead@hotline.test"), NINE)


def test_a_lead_lets_a_burst_to_one_party_go_at_once(lead: FlaskClient, lite: Store, case: MadeCase) -> None:
    assert "release-all" not in lead.get("/sending").text
    made = [
        make_notice(lite, [case], NINE, kind=kind, state="waiting_lead", handed=False)
        for kind in ("first", "reminder")
    ]

    answer = post(lead, "/sending", "release-all-1")

    page = lead.get("/sending").text
    assert answer.status_code == 303
    assert "2 notices will be sent." in page
    assert "No notice waits for a lead" in page
    assert not [one for one in made if one.reference in page]


def test_tasks_come_by_deadline(analyst: FlaskClient, lite: Store, clock: SetClock, case: MadeCase) -> None:
    with lite.db.write() as connection:
        person_tasks.give(
            connection, case.episode_id, NINE - hours(1), owner="analyst", code=Code.NOBODY_FOUND
        )

    page = analyst.get("/tasks").text

    assert case.reference in page
    assert "nobody was found who could be notified" in page
    assert "overdue by 60 min" in page or "overdue by 1 h" in page


def test_titles_name_no_place(analyst: FlaskClient, case: MadeCase) -> None:
    pages = ["/cases", "/hand-in", f"/cases/{case.reference}", "/tasks", "/sending", "/nothing"]

    titles = [re.search("<title>(.*?)</title>", analyst.get(page).text)[1] for page in pages]  # type: ignore[index]

    assert not [title for title in titles if "example" in title or "://" in title]
    assert titles[2].startswith(case.reference)


def test_every_page_carries_the_policy_and_is_not_kept(analyst: FlaskClient, case: MadeCase) -> None:
    one = f"/cases/{case.reference}"
    for page in ("/cases", one, f"{one}/resolution", "/login", "/nothing"):
        answer = analyst.get(page)
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert " style=" not in answer.text
        assert " onclick=" not in answer.text


POSTS = [
    "/hand-in",
    "/search",
    "/language",
    "/sending/stop",
    "/sending/allow",
    "/sending/release",
    "/sending/release-all",
    "/sending/again",
    "/tasks/done",
    "/mails/7/read",
    "/mails/7/answer",
    "/cases/C-26-0000-0000/reveal",
    "/cases/C-26-0000-0000/withdraw",
    "/cases/C-26-0000-0000/invalid",
    "/cases/C-26-0000-0000/dedicated",
    "/cases/C-26-0000-0000/expire",
    "/cases/C-26-0000-0000/still-online",
    "/cases/C-26-0000-0000/restrict",
    "/cases/C-26-0000-0000/hold",
    "/cases/C-26-0000-0000/release",
    "/cases/C-26-0000-0000/resolution/wrong",
    "/cases/C-26-0000-0000/resolution/again",
    "/cases/C-26-0000-0000/resolution/withdraw",
    "/contacts/7/approve",
    "/contacts/7/refuse",
    "/contacts/7/revive",
    "/notices/C-26-0000-0000/approve",
    "/notices/C-26-0000-0000/decline",
    "/notices/C-26-0000-0000/reveal",
    "/login",
    "/tf-validate",
    "/tf-setup",
]


@pytest.mark.parametrize("path", POSTS)
def test_no_post_is_taken_without_our_form(lead: FlaskClient, path: str) -> None:
    assert lead.post(path, data={"text": URL}).status_code == 400


def test_the_list_of_posts_is_whole(lead: FlaskClient) -> None:
    ours = {
        re.sub("<.*?>", "C-26-0000-0000", rule.rule.replace("<row:number>", "7"))
        for rule in lead.application.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.endpoint.startswith("security.")
    }

    assert ours <= set(POSTS)


def test_the_desk_speaks_dutch_when_asked(analyst: FlaskClient) -> None:
    post(analyst, "/cases", "form1", lang="nl")

    assert '<html lang="nl">' in analyst.get("/cases").text
    assert "Zaken" in analyst.get("/cases").text


@pytest.mark.parametrize("back", ["//elsewhere.example/", "https://elsewhere.example/", "/\\elsewhere"])
def test_the_switch_of_language_leads_nowhere_else(analyst: FlaskClient, back: str) -> None:
    assert post(analyst, "/cases", "form1", lang="nl", back=back).location == "/"


@pytest.mark.parametrize("page", ["/cases/C-26-7K3M-4QXT", "/cases/nonsense", "/hand-ins/77", "/nothing"])
def test_what_is_not_there_is_a_page_that_says_so(analyst: FlaskClient, page: str) -> None:
    answer = analyst.get(page)

    assert answer.status_code == 404
    assert "Nothing here" in answer.text


def test_a_hand_in_too_large_is_refused_with_a_page(analyst: FlaskClient) -> None:
    analyst.application.config["MAX_CONTENT_LENGTH"] = 10_000

    answer = post(analyst, "/hand-in", "hand-in", text="x" * 20_000, confirm="yes")

    assert answer.status_code == 413
    assert "at most 32 MB" in answer.text


def test_the_menu_says_what_the_person_is_in_words(analyst: FlaskClient) -> None:
    english = analyst.get("/cases").text
    post(analyst, "/cases", "form1", lang="nl")

    dutch = analyst.get("/cases").text

    assert '<p class="text-secondary">analyst</p>' in english
    assert '<p class="text-secondary">analist</p>' in dutch


def test_a_dutch_reader_counts_hours_in_uren(analyst: FlaskClient, case: MadeCase) -> None:
    post(analyst, "/cases", "form1", lang="nl")

    page = analyst.get("/cases").text

    assert ">5 u</time>" in page
    assert " h</time>" not in page


def test_ages_are_shown_as_spans_with_the_moment_beside(
    analyst: FlaskClient, case: MadeCase, clock: SetClock
) -> None:
    clock.at = NINE + timedelta(minutes=20)

    page = analyst.get("/cases").text

    assert '<time datetime="2026-03-02T04:00:00Z" title="2026-03-02T04:00:00Z">5 h</time>' in page
