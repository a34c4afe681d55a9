"""Accounts: log-in needs a password and a code that works once; roles decide what is open."""

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from nta.domain.errors import RefusedError
from nta.domain.policy import DeskRoleName
from nta.store.db.handle import Store
from nta.store.tables import AuditEntry, DeskUser
from nta.web.access import NewUser, add_user
from tests.conftest import NINE
from tests.fakes import SetClock
from tests.web.conftest import PASSWORD, Forms, Staffed, log_in, post, totp

CLOSED = ["/cases", "/hand-in", "/hand-ins/1", "/cases/C-26-0000-0000", "/tasks", "/sending"]


@pytest.fixture
def user(staffed: Staffed) -> NewUser:
    return staffed.users["analyst"]


def password(client: FlaskClient, user: NewUser, **wrong: str) -> object:
    return post(client, "/login", "login", **({"email": user.email, "password": PASSWORD} | wrong))


@pytest.mark.parametrize("page", CLOSED)
def test_nothing_is_open_without_a_log_in(desk: Flask, page: str) -> None:
    answer = desk.test_client().get(page)

    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=")


def test_a_password_and_a_code_open_the_desk(desk: Flask, user: NewUser) -> None:
    client = desk.test_client()
    log_in(client, user)

    assert client.get("/cases").status_code == 200


def test_a_password_alone_opens_nothing(desk: Flask, user: NewUser) -> None:
    client = desk.test_client()
    password(client, user)

    assert client.get("/cases").status_code == 302


@pytest.mark.parametrize("wrong", [{"password": "wrong horse battery"}, {"email": "nobody@hotline.test"}])
def test_a_wrong_password_and_an_unknown_name_read_the_same(
    desk: Flask, user: NewUser, wrong: dict[str, str]
) -> None:
    answer = password(desk.test_client(), user, **wrong)

    assert answer.status_code == 200
    assert "Authentication failed" in answer.text


def test_a_wrong_code_opens_nothing(desk: Flask, user: NewUser) -> None:
    client = desk.test_client()
    password(client, user)

    answer = post(client, "/tf-validate", "tf", code="000000")

    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert client.get("/cases").status_code == 302


def test_a_code_works_once(desk: Flask, user: NewUser, at_nine: time_machine.Traveller) -> None:
    log_in(desk.test_client(), user)
    again = desk.test_client()
    password(again, user)

    used = post(again, "/tf-validate", "tf", code=totp(user.secret, NINE.timestamp()))
    at_nine.shift(31)
    fresh = post(again, "/tf-validate", "tf", code=totp(user.secret, NINE.timestamp() + 31))

    assert (used.status_code, fresh.status_code) == (200, 302)


def test_who_has_no_second_factor_sets_one_up_at_the_first_log_in(
    desk: Flask, lite: Store, clock: SetClock
) -> None:
    user = add_user(lite, "new@hotline.test", PASSWORD, "lead", clock=clock, second_factor=False)
    client = desk.test_client()
    assert password(client, user).location == "/tf-setup"

    page = post(client, "/tf-setup", "tf-setup").text
    key = page.partition('<code class="key">')[2].partition("</code>")[0].replace("-", "").replace(" ", "")
    answer = client.post("/tf-validate", data=Forms(page).forms["tf"] | {"code": totp(key, NINE.timestamp())})

    assert "data:image/svg+xml;base64," in page
    assert answer.status_code == 302
    assert client.get("/cases").status_code == 200


def test_a_closed_account_does_not_open(desk: Flask, lite: Store, user: NewUser) -> None:
    client = desk.test_client()
    log_in(client, user)
    with lite.db.write() as connection:
        connection.execute(update(DeskUser).values(active=False))

    assert client.get("/cases").status_code == 302
    assert password(desk.test_client(), user).status_code == 200


def test_a_log_in_ends_with_the_shift(desk: Flask, user: NewUser, at_nine: time_machine.Traveller) -> None:
    client = desk.test_client()
    log_in(client, user)
    at_nine.shift(12 * 3600 + 1)

    assert client.get("/cases").status_code == 302


def test_logging_out_closes_the_desk(analyst: FlaskClient) -> None:
    post(analyst, "/cases", "logout")

    assert analyst.get("/cases").status_code == 302


def test_guessing_is_slowed_down(desk: Flask, user: NewUser) -> None:
    client = desk.test_client()
    tried = [password(client, user, password="wrong horse battery").status_code for _ in range(11)]

    assert tried == [200] * 10 + [429]


def test_remembering_a_browser_does_not_pass_the_second_factor(desk: Flask, user: NewUser) -> None:
    client = desk.test_client()
    password(client, user, remember="y")
    form = Forms(client.get("/tf-validate").text).forms["tf"]
    client.post("/tf-validate", data=form | {"code": totp(user.secret, NINE.timestamp())})

    assert client.get_cookie("nta_desk_remember") is None


def test_cookies_have_their_own_names_and_are_kept_from_scripts(desk: Flask) -> None:
    answer = desk.test_client().get("/login")

    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("nta_desk=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_refresh_by_script_is_told_to_log_in(desk: Flask) -> None:
    answer = desk.test_client().get("/cases", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login")


def test_a_name_is_an_account_however_it_is_typed(desk: Flask, user: NewUser) -> None:
    assert password(desk.test_client(), user, email=" Analyst@HOTLINE.test").status_code == 302


def test_secrets_are_not_kept_in_clear(lite: Store) -> None:
    user = add_user(lite, "new@hotline.test", PASSWORD, "analyst", clock=SetClock(NINE))

    with lite.db.read() as connection:
        row = connection.execute(
            select(DeskUser.password, DeskUser.tf_totp_secret).where(DeskUser.email == user.email)
        ).one()

    assert row.password.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert user.secret
    assert user.secret not in row.tf_totp_secret
    assert user.uri
    assert user.uri.startswith("otpauth://totp/")


@pytest.mark.parametrize(
    ("email", "password", "role", "reason"),
    [
        pytest.param("analyst@hotline.test", PASSWORD, "lead", "exists already", id="taken"),
        pytest.param("ANALYST@hotline.test", PASSWORD, "lead", "exists already", id="taken-in-other-case"),
        pytest.param("nobody", PASSWORD, "lead", "e-mail address", id="no-address"),
        pytest.param("n" * 60 + "@hotline.test", PASSWORD, "lead", "at most 64", id="long-name"),
        pytest.param("new@hotline.test", PASSWORD, "boss", "unknown role", id="unknown-role"),
        pytest.param("new@hotline.test", "short pass", "lead", "at least 12", id="short"),
        pytest.param("new@hotline.test", "aaaaabbbbbccccc", "lead", "too few", id="repeating"),
        pytest.param("newest@hotline.test", "the newest one", "lead", "name of the account", id="holds-name"),
    ],
)
def test_bad_accounts_are_refused(
    lite: Store, clock: SetClock, user: NewUser, email: str, password: str, role: str, reason: str
) -> None:
    with pytest.raises(RefusedError, match=reason):
        add_user(lite, email, password, role, clock=clock)

    with lite.db.read() as connection:
        assert len(connection.execute(select(DeskUser.id)).all()) == len(DeskRoleName)


def test_accounts_are_made_and_used_on_either_database(store: Store, clock: SetClock) -> None:
    made = add_user(store, "lead@hotline.test", PASSWORD, "lead", clock=clock)

    with store.db.bare().connect() as connection:
        connection.execute(update(DeskUser).values(totp_counter=7))
    with store.db.read() as connection:
        assert connection.execute(select(DeskUser.email, DeskUser.totp_counter)).one() == (made.email, 7)


def test_an_account_made_is_written_down(store: Store, clock: SetClock) -> None:
    made = add_user(store, "lead@hotline.test", PASSWORD, "lead", clock=clock)

    with store.db.read() as connection:
        entries = connection.execute(select(AuditEntry.act, AuditEntry.subject, AuditEntry.detail)).all()
    assert entries == [("user_added", made.email, "lead")]
