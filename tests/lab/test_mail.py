"""The relay and the mailboxes: what is taken, counted, and reported back."""

import json
import smtplib
from email import message_from_bytes, policy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Client
from tests.lab.fake_service import FakeService


def reports(lab: Client) -> list[Any]:
    folder = Path(lab.card["maildir"], "new")
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.iterdir())]


def begin(lab: Client, service: FakeService) -> list[str]:
    lab.ask("POST", "/service", service.card())
    lab.leap("2026-03-02T09:00Z")
    return list(lab.truth())


def test_the_relay_offers_delivery_reports(lab: Client) -> None:
    host, port = lab.card["smtp"].removeprefix("smtp://").split(":")
    with smtplib.SMTP(host, int(port), timeout=5) as client:
        client.ehlo()

        assert client.has_extn("dsn")


def test_delivery_is_reported_at_once_where_asked_for(lab: Client, service: FakeService) -> None:
    urls = begin(lab, service)
    token = service.send(lab.card["smtp"], "abuse@quick.example", urls[:2])

    now = lab.leap("2026-03-02T09:30Z")

    (message,) = reports(lab)
    status = message.get_payload(1)
    per_message, per_recipient = status.get_payload()
    assert now == "03-02T09:00"
    assert message["To"] == f"return+{token}@hotline.test"
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert per_message["Original-Envelope-Id"] == token
    assert (per_recipient["Action"], per_recipient["Status"]) == ("delivered", "2.0.0")
    assert per_recipient["Final-Recipient"] == "rfc822; abuse@quick.example"
    assert per_recipient["Original-Recipient"] == "rfc822;abuse@quick.example"
    assert f"<{token}@hotline.test>" in message.get_payload(2).get_payload()
    assert message["Date"].datetime.isoformat() == "2026-03-02T09:00:00+00:00"


def test_a_mailbox_that_is_not_there_bounces_some_minutes_later(lab: Client, service: FakeService) -> None:
    urls = begin(lab, service)
    service.send(lab.card["smtp"], "abuse@bouncing.test", urls[8:9])
    service.send(lab.card["smtp"], "nobody@quick.example", urls[:1])

    moments = [lab.leap("2026-03-02T09:30Z")]
    while moments[-1] != "03-02T09:30":
        moments.append(lab.leap("2026-03-02T09:30Z"))

    statuses = [message.get_payload(1).get_payload()[1] for message in reports(lab)]
    assert [(one["Action"], one["Status"]) for one in statuses] == [("failed", "5.1.1")] * 2
    assert all("03-02T09:01" <= moment <= "03-02T09:04" for moment in moments[1:-1])


@pytest.mark.parametrize(
    ("to", "notify"),
    [
        pytest.param("abuse@quick.example", "FAILURE,DELAY", id="delivered-but-only-failures-asked-for"),
        pytest.param("abuse@bouncing.test", "NEVER", id="bounced-but-nothing-asked-for"),
        pytest.param("abuse@bouncing.test", "SUCCESS", id="bounced-but-only-success-asked-for"),
    ],
)
def test_nothing_is_reported_that_was_not_asked_for(
    lab: Client, service: FakeService, to: str, notify: str
) -> None:
    urls = begin(lab, service)
    service.send(lab.card["smtp"], to, urls[:1], notify=notify)

    while lab.leap("2026-03-02T09:30Z") != "03-02T09:30":
        pass

    assert reports(lab) == []


def test_a_repeated_message_id_is_counted_and_acted_on_once(lab: Client, service: FakeService) -> None:
    urls = begin(lab, service)
    for _ in range(2):
        service.notices.clear()
        service.send(lab.card["smtp"], "abuse@quick.example", urls[:1], message_id="<a@hotline.test>")
    service.send(lab.card["smtp"], "abuse@quick.example", urls[:1], message_id="<b@hotline.test>")
    service.send(lab.card["smtp"], "abuse@quick.example", urls[:2], message_id="<b@hotline.test>")

    lab.leap("2026-03-02T09:00Z")

    first, second = lab.ask("GET", "/mails")
    assert (first["message_id"], first["to"], first["copies"]) == (
        "<a@hotline.test>",
        "abuse@quick.example",
        2,
    )
    assert (first.get("differs"), second["copies"], second["differs"]) == (None, 2, True)
    assert len(reports(lab)) == 2


def test_a_mail_is_in_the_journal_with_its_digest_and_without_its_text(
    lab: Client, service: FakeService
) -> None:
    urls = begin(lab, service)
    service.send(lab.card["smtp"], "abuse@quick.example", urls[:3])

    journal = Path(lab.card["maildir"]).with_name("journal.jsonl").read_text(encoding="utf-8")

    entry = json.loads(journal.splitlines()[-1])
    assert (entry["do"], entry["pages"]) == ("mail", ["one/1", "one/2", "one/3"])
    assert entry["sha256"] == lab.ask("GET", "/mails")[0]["sha256"]
    assert len(entry["sha256"]) == len(sha256().hexdigest())
    assert "urlword" not in journal


def test_an_unfinished_transaction_leaves_nothing(lab: Client) -> None:
    host, port = lab.card["smtp"].removeprefix("smtp://").split(":")
    client = smtplib.SMTP(host, int(port), timeout=5)
    client.ehlo()
    client.mail("return+x@hotline.test", ["RET=HDRS"])
    client.rcpt("abuse@quick.example", ["NOTIFY=NEVER"])
    client.putcmd("DATA")
    client.send(b"Subject: half of a mail\r\n")
    client.close()

    assert lab.ask("GET", "/mails") == []
