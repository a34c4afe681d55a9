"""Returned mail: what it is, whom it names, and to which notice it belongs."""

import email
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.notices.returned_mail import (
    MailKind,
    Meaning,
    Recipient,
    explain,
)

OUR_PATH = "return+{token}@hotline.test"
NOTICE = "<notice-1@hotline.test>"
OWN = Path(__file__).parents[2] / "data" / "mails"
MAILS = sorted(OWN.glob("*.eml"))


def explained(name: str) -> Meaning:
    return explain(email.message_from_bytes((OWN / f"{name}.eml").read_bytes()), OUR_PATH)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("dsn-failed", MailKind.BOUNCE),
        ("dsn-failed-for-now", MailKind.BOUNCE),
        ("dsn-delayed", MailKind.DELAY),
        ("dsn-delivered", MailKind.DELIVERED),
        ("dsn-relayed", MailKind.DELIVERED),
        ("dsn-two-recipients", MailKind.BOUNCE),
        ("away", MailKind.AUTO_REPLY),
        ("away-without-a-flag", MailKind.AUTO_REPLY),
        ("challenge", MailKind.CHALLENGE),
        ("alarm", MailKind.UNKNOWN),
        ("reply", MailKind.REPLY),
        ("stranger", MailKind.UNKNOWN),
        ("feedback", MailKind.FEEDBACK),
        ("bounce-in-words", MailKind.BOUNCE),
        ("delay-in-words", MailKind.DELAY),
    ],
)
def test_what_a_mail_is(name, kind):
    assert explained(name).kind is kind


def test_a_failed_delivery_is_read_whole():
    assert explained("dsn-failed") == Meaning(
        kind=MailKind.BOUNCE,
        recipients=(
            Recipient(
                "abuse@hosting.test", "failed", "5.1.1", "550 5.1.1 no such user, see (URL)", permanent=True
            ),
        ),
        token="K7QF3M",
        original_message_id=NOTICE,
        envelope_id="N-26-0000-0000",
        reporting_mta="mx.hosting.test",
    )


@pytest.mark.parametrize(
    ("name", "permanent"),
    [
        ("dsn-failed", [True]),
        ("dsn-failed-for-now", [False]),
        ("dsn-delayed", [False]),
        ("dsn-delivered", [None]),
        ("dsn-two-recipients", [None, True]),
        ("bounce-in-words", [True]),
        ("delay-in-words", [False]),
    ],
)
def test_only_a_final_failure_is_permanent(name, permanent):
    assert [recipient.permanent for recipient in explained(name).recipients] == permanent


def test_a_bounce_in_words_names_the_address_and_not_those_of_the_copy():
    found = explained("bounce-in-words")

    assert [(each.address, each.status) for each in found.recipients] == [("abuse@hosting.test", "5.1.1")]
    assert found.original_message_id == NOTICE


@pytest.mark.parametrize("name", ["reply", "away", "feedback", "dsn-delivered", "bounce-in-words"])
def test_the_token_is_that_of_the_return_path(name):
    assert explained(name).token == "K7QF3M"


@pytest.mark.parametrize(
    ("address", "token"),
    [
        ("return+abc@hotline.test", "abc"),
        ("Return+aBc@HOTLINE.test", "aBc"),
        ("<return+abc@hotline.test>", "abc"),
        ("rfc822;return+abc@hotline.test", "abc"),
        ("return+abc@hotline.test.evil.example", None),
        ("return+abc@other.test", None),
        ("xreturn+abc@hotline.test", None),
        ("return@hotline.test", None),
    ],
)
def test_only_an_address_of_our_form_gives_a_token(address, token):
    message = EmailMessage()
    message["X-Original-To"] = address

    assert explain(message, OUR_PATH).token == token


def test_an_answer_names_what_it_answers():
    assert explained("reply").in_reply_to == (NOTICE, "<notice-0@hotline.test>")


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_both_parsers_of_the_library_give_the_same_meaning(path):
    raw = path.read_bytes()

    assert explain(email.message_from_bytes(raw)) == explain(
        email.message_from_bytes(raw, policy=policy.default)
    )


@given(st.binary(max_size=400))
def test_no_bytes_break_it(raw):
    for rules in (policy.compat32, policy.default):
        assert isinstance(explain(email.message_from_bytes(raw, policy=rules)), Meaning)


@given(st.sampled_from(MAILS), st.data())
def test_no_damaged_mail_breaks_it(path, data):
    raw = path.read_bytes()
    start = data.draw(st.integers(0, len(raw)))
    damaged = raw[:start] + data.draw(st.binary(max_size=30)) + raw[start + data.draw(st.integers(0, 60)) :]

    found = explain(email.message_from_bytes(damaged, policy=policy.default), OUR_PATH)

    assert all("\n" not in each.reason and len(each.reason) <= 500 for each in found.recipients)


@pytest.mark.parametrize("filling", ["a", "a@", "<", "a.", "-", "x+", "http", "550 "])
def test_a_long_line_takes_no_long_time(filling):
    """Searching it in quadratic time would take minutes, and the test run with it."""
    message = EmailMessage()
    message["From"] = "mailer-daemon@hosting.test"
    message["Subject"] = "failure notice"
    message.set_payload(filling * (60_000 // len(filling)))

    assert explain(message).kind in {MailKind.BOUNCE, MailKind.DELAY}


def test_our_own_mails_are_of_every_kind():
    kinds = {explain(email.message_from_bytes(path.read_bytes())).kind for path in MAILS}

    assert kinds == set(MailKind)
