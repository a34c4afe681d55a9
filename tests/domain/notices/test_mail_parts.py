"""Reading mails that are broken, huge, or built to take for ever."""

import pytest

from nta.domain.notices.kept_mail import LONGEST_KEPT, head_kept, text_kept
from nta.domain.notices.mail_parts import (
    LONGEST_READ,
    UnreadableError,
    decoded,
    first_text,
    head_of,
    header,
    ids_in,
    read_head,
    read_mail,
)
from nta.domain.notices.returned_mail import explain, explain_bytes
from nta.domain.notices.vouching import (
    Ours,
    is_vouched_report,
    sole_sender,
    verified_domains,
    writer_of,
)
from tests.spoilt_mails import SPOILT, nested

OURS = Ours("return+{token}@hotline.test", ("hotline.test",), "mx.hotline.test")


def filled(before: bytes, unit: bytes) -> bytes:
    """Return a mail as large as any that is read, filled up with one thing."""
    return before + unit * ((LONGEST_READ - len(before)) // len(unit))


@pytest.mark.parametrize(
    ("before", "unit"),
    [
        (b"Subject: failure notice\n\n", b"-"),
        (b"Subject: failure notice\n\n", b"- "),
        (b"Subject: ", b"=?a?q?"),
        (b"From: ", b'\\"'),
        (b"From: ", b"("),
        (b"To: ", b"return+a"),
        (b"References: ", b"<a@b> "),
        (b"Authentication-Results: mx.hotline.test; ", b"spf=pass smtp.mailfrom="),
        (b"", b"a:b\n"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n", b"--b\n\n"),
        (b"Content-Type: message/delivery-status\n\n", b"a:b\n\n"),
        (b"Content-Type: message/delivery-status\n\nAction: failed\nFinal-Recipient: ", b"a "),
    ],
)
def test_no_mail_takes_long_however_it_is_filled(before: bytes, unit: bytes) -> None:
    """Read in quadratic time each of these would take minutes, and the test run with it."""
    content = filled(before, unit)

    meaning = explain_bytes(content, OURS.return_path or "")
    head = read_head(content)

    assert isinstance(is_vouched_report(writer_of(head, meaning, OURS), "abuse@hosting.example", OURS), bool)
    assert len(meaning.in_reply_to) <= 100
    assert len(head_kept(content)) <= LONGEST_KEPT


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_mail_is_explained(name: str) -> None:
    meaning = explain_bytes(SPOILT[name])

    assert all(len(one) <= 128 and one.isascii() for one in meaning.in_reply_to)
    assert all("\x00" not in r.address + r.reason for r in meaning.recipients)


@pytest.mark.parametrize(
    "content",
    [nested(40), SPOILT["1,500 mails within mails"], SPOILT["20,000 parts"], SPOILT["boundary with a NUL"]],
)
def test_what_cannot_be_read_whole_says_so(content: bytes) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_mail(content)

    assert "bottom" not in str(caught.value)


def test_twenty_parts_within_parts_are_read() -> None:
    assert first_text(read_mail(nested(20))).strip() == "bottom"


def test_the_head_ends_where_fields_end() -> None:
    content = b"From: a@b.example\r\nSubject: one\r\n  two\r\nQUJDREVG\r\nTo: c@d.example\r\n\r\nbody"

    assert head_of(content) == b"From: a@b.example\nSubject: one\n  two"
    assert header(read_head(content), "subject") == "one two"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=?utf-8?q?caf=C3=A9?=", "caf\u00e9"),
        ("=?windows-1252?q?caf=E9?=", "caf\u00e9"),
        ("=?unicode_escape?q?=5Cud800?=", "\\ud800"),
        ("=?hex?q?00?=", "00"),
        ("=?idna?q?xn--?=", "xn--"),
        ("=?a\x00b?q?x?=", "x"),
        ("=?utf-8?b?AA==?=", "\ufffd"),
        ("\ud800", "?"),
    ],
)
def test_encoded_words_are_decoded_by_what_mails_are_written_in(text: str, expected: str) -> None:
    assert decoded(text) == expected


def test_a_text_in_eight_bits_is_read_by_its_charset() -> None:
    mail = read_mail(b"Content-Type: text/plain; charset=iso-8859-1\n\ncaf\xe9")

    assert first_text(mail) == "caf\u00e9"


def test_of_many_ids_the_first_and_the_last_remain() -> None:
    found = ids_in(" ".join(f"<{number}@c>" for number in range(5_000)) + f" <{'x' * 200}@c> <\u00e9@c>")

    assert len(found) == 50
    assert (found[0], found[-1]) == ("<0@c>", "<4999@c>")


def test_a_part_too_deep_for_a_reader_is_not_kept() -> None:
    mail = read_mail(nested(20).replace(b"text/plain\n\nbottom", b"image/png\n\nQUJDREVG"))

    assert b"QUJDREVG" not in text_kept(mail, b"")


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("a@b.example", "a@b.example"),
        ("Desk <A@B.Example>", "a@b.example"),
        ('"x@y.example" <a@b.example>', "a@b.example"),
        ("(x@y.example) a@b.example", "a@b.example"),
        ("a@b.example (x (y) z@y.example)", "a@b.example"),
        ("x@y.example <a@b.example>", None),
        ("a@b.example, c@d.example", None),
        ('"a@b.example', "a@b.example"),
        ("nobody", None),
        ("", None),
    ],
)
def test_a_sender_is_one_address_or_none(field: str, expected: str | None) -> None:
    assert sole_sender(read_head(f"From: {field}\n\n".encode())) == expected


def test_two_from_fields_are_nobody() -> None:
    assert sole_sender(read_head(b"From: a@b.example\nFrom: c@d.example\n\n")) is None


@pytest.mark.parametrize(
    ("field", "domains"),
    [
        ("mx.hotline.test; dkim=pass header.d=b.example", {"b.example"}),
        ("MX.hotline.test 1; dkim=pass header.i=@b.example; spf=fail smtp.mailfrom=c.example", {"b.example"}),
        ("mx.hotline.test; spf=pass smtp.mailfrom=a@b.example smtp.helo=mx.b.example", {"b.example"}),
        ("mx.hotline.test; spf=pass smtp.helo=mx.b.example", {"mx.b.example"}),
        ('mx.hotline.test; dmarc=pass header.from="b.example"', {"b.example"}),
        ("mx.hotline.test; none", set()),
        ("mx.hotline.test; dkim=pass", set()),
        ("elsewhere.example; dkim=pass header.d=b.example", None),
        ("", None),
    ],
)
def test_what_our_relay_verified_is_read(field: str, domains: set[str] | None) -> None:
    mail = read_head(f"Authentication-Results: {field}\n\n".encode())

    assert verified_domains(mail, "mx.hotline.test") == domains


def test_under_a_domain_for_all_only_the_same_address_or_the_system_is_the_contact() -> None:
    contact = "abuse.desk@gmail.com"

    def vouched(sender: str) -> bool:
        mail = read_head(f"From: {sender}\n\n".encode())
        return is_vouched_report(writer_of(mail, explain(mail), Ours()), contact, Ours())

    assert [vouched(f"{who}@gmail.com") for who in ("mailer-daemon", "abuse.desk", "other")] == [
        True,
        True,
        False,
    ]
