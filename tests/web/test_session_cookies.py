"""A log-in is a row that ends: at log-out, by a command, after a shift; a copy of its cookie ends with it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from nta.domain.errors import RefusedError
from nta.store.accounts import desk_sessions
from nta.store.db.handle import Store
from nta.store.tables import AuditEntry, DeskSession, DeskUser
from nta.web.access import add_user
from nta.web.accounts import Accounts
from tests.conftest import hours
from tests.fakes import SetClock
from tests.web.conftest import PASSWORD, Forms, Staffed, log_in, post, totp


def copy_of(client: FlaskClient, desk: Flask) -> FlaskClient:
    """Return another browser that holds the same cookie."""
    cookie = client.get_cookie("nta_desk")
    assert cookie
    copy = desk.test_client()
    copy.set_cookie("nta_desk", cookie.value)
    return copy


def test_a_copied_cookie_ends_with_the_log_out(desk: Flask, staffed: Staffed) -> None:
    client = desk.test_client()
    log_in(client, staffed.users["lead"])
    copy = copy_of(client, desk)
    assert copy.get("/cases").status_code == 200

    post(client, "/cases", "logout")

    assert copy.get("/cases").status_code == 302
    assert copy.post("/sending/stop").status_code in {302, 400}


def test_a_session_ends_with_the_shift_however_busy_it_is(
    desk: Flask, staffed: Staffed, at_nine: time_machine.Traveller
) -> None:
    client = desk.test_client()
    log_in(client, staffed.users["lead"])
    seen = []
    for _ in range(7):
        at_nine.shift(2 * 3600)
        token = Forms(client.get("/login").text).forms.get("login", {})
        client.post("/language", data=token | {"lang": "nl"})  # the cookie is written anew
        seen.append(client.get("/cases").status_code)

    assert seen == [200] * 5 + [302] * 2


def test_a_token_that_was_given_beside_the_cookie_opens_nothing(
    desk: Flask, lite: Store, staffed: Staffed
) -> None:
    client, user = desk.test_client(), staffed.users["lead"]
    log_in(client, user)
    form = Forms(client.get("/verify").text).forms["verify"]
    answer = client.post(
        "/verify?include_auth_token",
        data=form | {"password": PASSWORD},
        headers={"Accept": "application/json"},
    )
    given = (answer.json if answer.is_json else None) or {"response": {}}
    token = given["response"].get("user", {}).get("authentication_token", "")
    post(client, "/cases", "logout")

    other = desk.test_client()
    form = Forms(other.get("/login").text).forms["login"]
    other.post("/language", data=form | {"lang": "nl"}, headers={"Authentication-Token": token})

    with lite.db.read() as connection:
        assert (
            connection.execute(select(DeskUser.language).where(DeskUser.email == user.email)).scalar() is None
        )


ENDING: dict[str, Callable[[Accounts, str], object]] = {
    "user_disabled": lambda accounts, name: accounts.disable(name),
    "user_password_reset": lambda accounts, name: accounts.reset_password(name, "another horse battery"),
    "user_factor_reset": lambda accounts, name: accounts.reset_second_factor(name),
    "user_sessions_ended": lambda accounts, name: accounts.end_sessions(name),
}


@pytest.mark.parametrize("act", ENDING)
def test_what_is_done_to_an_account_ends_its_log_ins_and_nobody_elses(
    desk: Flask, lite: Store, clock: SetClock, lead: FlaskClient, analyst: FlaskClient, act: str
) -> None:
    half = desk.test_client()
    form = Forms(half.get("/login").text).forms["login"]
    half.post("/login", data=form | {"email": "lead@hotline.test", "password": PASSWORD})
    assert half.get("/tf-validate").status_code == 200

    ENDING[act](Accounts(lite, clock), "Lead@hotline.test ")

    assert (lead.get("/cases").status_code, analyst.get("/cases").status_code) == (302, 200)
    assert half.get("/tf-validate").status_code == 302
    with lite.db.read() as connection:
        assert connection.execute(select(AuditEntry.who, AuditEntry.act, AuditEntry.subject)).all()[-1] == (
            "command",
            act,
            "lead@hotline.test",
        )


def test_a_closed_account_opens_again_without_its_old_log_ins(
    desk: Flask, lite: Store, clock: SetClock, staffed: Staffed, lead: FlaskClient
) -> None:
    accounts = Accounts(lite, clock)
    accounts.disable("lead@hotline.test")
    accounts.enable("lead@hotline.test")

    assert lead.get("/cases").status_code == 302
    client = desk.test_client()
    log_in(client, staffed.users["lead"])
    assert client.get("/cases").status_code == 200


def test_new_secrets_count_and_the_old_ones_do_not(
    desk: Flask, lite: Store, clock: SetClock, staffed: Staffed
) -> None:
    accounts, client, old = Accounts(lite, clock), desk.test_client(), staffed.users["lead"]
    accounts.reset_password(old.email, "another horse battery")
    secret = accounts.reset_second_factor(old.email)

    refused = client.post("/login", data=_login(client) | {"email": old.email, "password": PASSWORD})
    client.post("/login", data=_login(client) | {"email": old.email, "password": "another horse battery"})
    form = Forms(client.get("/tf-validate").text).forms["tf"]
    assert old.secret
    wrong = client.post("/tf-validate", data=form | {"code": totp(old.secret, time.time())})
    right = client.post("/tf-validate", data=form | {"code": totp(secret, time.time())})

    assert (refused.status_code, wrong.status_code, right.status_code) == (200, 200, 302)
    assert client.get("/cases").status_code == 200


def test_accounts_are_looked_after_on_either_database(store: Store, clock: SetClock) -> None:
    add_user(store, "lead@hotline.test", PASSWORD, "lead", clock=clock)
    accounts = Accounts(store, clock)
    now = datetime.now(UTC)
    with store.db.write() as connection:
        user = connection.execute(select(DeskUser.id)).scalar_one()
        for number, age in enumerate((timedelta(), hours(13), timedelta(days=40))):
            desk_sessions.begin(connection, store.ids, user_id=user, token=f"t{number}", now=now - age)
        desk_sessions.begin(connection, store.ids, user_id=user, token="new", now=now)

    (before,) = accounts.listed()
    ended = accounts.disable("lead@hotline.test")
    (after,) = accounts.listed()

    assert (before.roles, before.is_active, before.has_second_factor) == (("lead",), True, True)
    assert before.seen_at == (now, now)
    assert ended == 2
    assert (after.is_active, after.seen_at) == (False, ())
    with store.db.read() as connection:
        kept = connection.execute(select(DeskSession.made_at)).scalars().all()
    assert now - timedelta(days=40) not in kept


@pytest.mark.parametrize("act", [*ENDING.values(), lambda accounts, name: accounts.enable(name)])
def test_an_account_that_is_not_there_is_refused(
    lite: Store, clock: SetClock, act: Callable[[Accounts, str], object]
) -> None:
    for name in ("nobody@hotline.test", "nobody"):
        with pytest.raises(RefusedError, match="account"):
            act(Accounts(lite, clock), name)


def test_a_half_finished_log_in_waits_ten_minutes(
    desk: Flask, staffed: Staffed, at_nine: time_machine.Traveller
) -> None:
    client, user = desk.test_client(), staffed.users["lead"]
    client.post("/login", data=_login(client) | {"email": user.email, "password": PASSWORD})
    form = Forms(client.get("/tf-validate").text).forms["tf"]
    at_nine.shift(601)

    assert user.secret
    answer = client.post("/tf-validate", data=form | {"code": totp(user.secret, time.time())})

    assert answer.location == "/login"
    assert client.get("/cases").status_code == 302


def test_setting_up_a_second_factor_cannot_be_repeated_from_an_old_cookie(
    desk: Flask, lite: Store, clock: SetClock
) -> None:
    user = add_user(lite, "new@hotline.test", PASSWORD, "lead", clock=clock, second_factor=False)
    first = desk.test_client()
    first.post("/login", data=_login(first) | {"email": user.email, "password": PASSWORD})
    thief = copy_of(first, desk)
    _set_up(first)
    assert first.get("/cases").status_code == 200

    assert thief.get("/tf-setup").status_code == 302
    assert thief.get("/cases").status_code == 302


def _set_up(client: FlaskClient) -> None:
    page = post(client, "/tf-setup", "tf-setup").text
    key = page.partition('<code class="key">')[2].partition("</code>")[0].replace("-", "").replace(" ", "")
    client.post("/tf-validate", data=Forms(page).forms["tf"] | {"code": totp(key, time.time())})


def _login(client: FlaskClient) -> dict[str, list[str]]:
    return Forms(client.get("/login").text).forms["login"]


def test_no_page_that_is_only_opened_changes_a_log_in(desk: Flask, lite: Store, lead: FlaskClient) -> None:
    def accounts() -> list[object]:
        with lite.db.read() as connection:
            return [connection.execute(select(table.__table__)).all() for table in (DeskUser, DeskSession)]

    opened = sorted(
        rule.rule
        for rule in desk.url_map.iter_rules()
        if rule.endpoint.startswith("security.") and not rule.arguments and "GET" in (rule.methods or ())
    )
    before = accounts()
    for page in opened:
        answer = lead.get(page)

        assert answer.status_code in {200, 302, 303, 404}, page
        assert lead.get("/cases").status_code == 200, page
    assert {"/login", "/tf-validate", "/tf-setup", "/tf-rescue", "/verify"} <= set(opened)
    assert accounts() == before
    assert lead.get("/logout").status_code == 405
