"""Accounts at the command line: made, listed, closed, opened, and given new secrets."""

from pathlib import Path

import pytest

from tests.cli.conftest import Nta

PASSWORD = "correct horse battery"
LEAD = "lead@hotline.test"


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return file


@pytest.fixture
def staffed(ready: Nta, password: Path) -> Nta:
    """An instance with one lead."""
    assert ready("user", "add", LEAD, "--role", "lead", "--password-file", password).code == 0
    return ready


def test_an_account_is_made_once(ready: Nta, password: Path) -> None:
    call = ("user", "add", "lead@hotline.test", "--role", "lead", "--password-file", password, "--json")

    made, again = ready(*call), ready(*call)

    (account,) = made.objects
    assert (made.code, made.err) == (0, "")
    assert (account["email"], account["role"]) == ("lead@hotline.test", "lead")
    assert set(account) == {"email", "role", "totp_secret"}
    assert len(account["totp_secret"]) >= 26
    assert (again.code, again.out) == (2, "")
    assert again.err == "nta: an account of this name exists already\n"


def test_a_password_that_is_too_easy_or_not_there_is_refused(
    ready: Nta, password: Path, tmp_path: Path
) -> None:
    call = ("user", "add", "lead@hotline.test", "--role", "lead", "--password-file")
    password.write_text("easy")

    easy, missing = ready(*call, password), ready(*call, tmp_path / "nowhere")

    assert (easy.code, easy.out, easy.err.count("\n")) == (2, "", 1)
    assert (missing.code, missing.out) == (2, "")
    assert missing.err == f"nta: --password-file {tmp_path / 'nowhere'}: No such file or directory\n"


def test_accounts_are_listed(staffed: Nta) -> None:
    text, as_json = staffed("user", "list"), staffed("user", "list", "--json")

    assert (text.code, text.err) == (0, "")
    assert text.out == f"{LEAD}  lead  open  second factor set  not logged in\n"
    assert as_json.objects == [
        {
            "email": LEAD,
            "roles": ["lead"],
            "active": True,
            "second_factor": True,
            "made_at": "2026-03-02T09:00:00Z",
            "sessions": [],
        }
    ]


def test_an_account_is_closed_and_opened(staffed: Nta) -> None:
    closed = staffed("user", "disable", LEAD)
    listed = staffed("user", "list")
    opened = staffed("user", "enable", LEAD, "--json")

    assert (closed.code, closed.out, closed.err) == (0, "", f"{LEAD}: closed; 0 log-ins ended\n")
    assert "  closed  " in listed.out
    assert opened.objects == [{"email": LEAD, "sessions_ended": 0}]
    assert staffed("user", "list", "--json").objects[0]["active"] is True


def test_new_secrets_are_given(staffed: Nta, password: Path) -> None:
    password.write_text("another horse battery")

    word = staffed("user", "reset-password", LEAD, "--password-file", password)
    factor = staffed("user", "reset-second-factor", LEAD, "--json")
    ended = staffed("user", "end-sessions", LEAD)

    assert (word.code, word.out, word.err) == (0, "", f"{LEAD}: a new password counts; 0 log-ins ended\n")
    assert len(factor.objects[0]["totp_secret"]) >= 26
    assert (ended.code, ended.err) == (0, f"{LEAD}: logged out everywhere; 0 log-ins ended\n")


@pytest.mark.parametrize(
    "command", ["disable", "enable", "reset-password", "reset-second-factor", "end-sessions"]
)
def test_an_account_that_is_not_there_is_refused(ready: Nta, password: Path, command: str) -> None:
    given = ("--password-file", password) if command == "reset-password" else ()

    ended = ready("user", command, LEAD, *given)

    assert (ended.code, ended.out, ended.err) == (2, "", "nta: there is no account of this name\n")


def test_a_new_password_that_is_too_easy_is_refused(staffed: Nta, password: Path) -> None:
    password.write_text("easy")

    ended = staffed("user", "reset-password", LEAD, "--password-file", password)

    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
