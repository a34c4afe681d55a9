"""Handing over to relays that behave well and badly."""

import re
import socket
import struct
from typing import ClassVar

import pytest

from nta.adapters.channels.smtp import SmtpMailer
from nta.domain.errors import OutsideError
from nta.domain.parties.contact_addresses import mailbox_of
from nta.ports import Handed, HandOver, Outgoing
from tests.adapters.servers import SmtpServer, nobody_listening

CONTENT = b"From: notices@hotline.test\r\nSubject: N-26-1\r\n\r\n.a line that begins with a dot\r\nend\r\n"


def message(notice_id: int = 7, recipient: str = "abuse@hosting.test", content: bytes = CONTENT) -> Outgoing:
    return Outgoing(notice_id, mailbox_of(recipient), content, "return+token@hotline.test")


def always(_: Outgoing) -> bool:
    return True


def mailer(server: SmtpServer, scheme: str = "smtp", login: str = "", **options) -> SmtpMailer:
    return SmtpMailer(f"{scheme}://{login}127.0.0.1:{server.port}", **{"timeout_s": 3, **options})


def test_messages_go_over_one_connection_and_each_gets_its_reply():
    with SmtpServer() as server:
        handed = list(mailer(server).hand_over([message(1), message(2)], always))

    assert handed == [
        Handed(1, HandOver.TAKEN, "250 2.0.0 queued as 4Xyz1"),
        Handed(2, HandOver.TAKEN, "250 2.0.0 queued as 4Xyz1"),
    ]
    assert server.connections == 1
    assert server.messages == [CONTENT.replace(b"\r\n.", b"\r\n..")] * 2
    assert server.commands[-1].upper() == "QUIT"


def test_delivery_reports_are_asked_for_where_the_relay_can():
    with SmtpServer() as server:
        list(mailer(server).hand_over([message(7)], always))

    (mail,) = [command for command in server.commands if command.upper().startswith("MAIL")]
    (rcpt,) = [command for command in server.commands if command.upper().startswith("RCPT")]
    assert mail == f"mail FROM:<return+token@hotline.test> SIZE={len(CONTENT)} RET=HDRS ENVID=7"
    assert rcpt == "rcpt TO:<abuse@hosting.test> NOTIFY=SUCCESS,FAILURE,DELAY"


def test_a_relay_without_extensions_is_asked_for_nothing():
    with SmtpServer(extensions=()) as server:
        (handed,) = mailer(server).hand_over([message(7)], always)

    assert handed.result is HandOver.TAKEN
    assert "mail FROM:<return+token@hotline.test>" in server.commands
    assert "rcpt TO:<abuse@hosting.test>" in server.commands


def test_eight_bit_content_is_announced():
    with SmtpServer() as server:
        list(mailer(server).hand_over([message(content="Grüße\r\n".encode())], always))

    assert any("BODY=8BITMIME" in command for command in server.commands)


def test_bare_line_ends_are_made_whole():
    with SmtpServer() as server:
        list(mailer(server).hand_over([message(content=b"a\nb\rc\r\n\n.\nMAIL FROM:<x@y.test>\r\n")], always))

    assert server.messages == [b"a\r\nb\r\nc\r\n\r\n..\r\nMAIL FROM:<x@y.test>\r\n"]


@pytest.mark.parametrize(
    ("replies", "result", "line"),
    [
        ({"RCPT": "550 5.1.1 no such user"}, HandOver.UNREACHABLE, "550 5.1.1 no such user"),
        ({"RCPT": "450 4.2.0 greylisted"}, HandOver.LATER, "450 4.2.0 greylisted"),
        ({"MAIL": "552 5.3.4 too big"}, HandOver.REFUSED, "552 5.3.4 too big"),
        ({"DATA": "451 4.3.0 try later"}, HandOver.LATER, "451 4.3.0 try later"),
        ({"dot": "554 5.7.1 spam"}, HandOver.REFUSED, "554 5.7.1 spam"),
    ],
)
def test_a_refusal_is_told_and_the_next_message_still_goes(replies, result, line):
    class Once(SmtpServer):
        """Refuses the first message only."""

        def _reply(self, command, lines, connection):
            reply = super()._reply(command, lines, connection)
            if reply in replies.values():
                self._replies = {}
            return reply

    with Once(replies) as server:
        handed = list(mailer(server).hand_over([message(1), message(2)], always))

    assert handed[0] == Handed(1, result, line)
    assert handed[1].result is HandOver.TAKEN
    assert server.connections == 1


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        ("550 5.1.1 no such mailbox", HandOver.UNREACHABLE),
        ("550 mailbox unavailable", HandOver.UNREACHABLE),
        ("552 5.2.2 mailbox full", HandOver.UNREACHABLE),
        ("554 transaction failed", HandOver.UNREACHABLE),
        ("550 5.7.1 refused by policy", HandOver.REFUSED),
        ("554 5.3.4 message too big", HandOver.REFUSED),
        ("451 4.3.0 try later", HandOver.LATER),
    ],
)
def test_a_refusal_says_whether_it_is_for_the_reader(reply, result):
    with SmtpServer({"RCPT": reply}) as server:
        (handed,) = mailer(server).hand_over([message()], always)

    assert handed.result is result


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        ("550 <abuse@hosting.test>: user unknown", "550 (address): user unknown"),
        ("550 spam: http://bad.test/path?x=1 listed", "550 spam: (link) listed"),
        ("550 see https://help.test/why (return+token@hotline.test)", "550 see (link) (address)"),
        ("550 bad.host.example is listed, 5.7.1 127.0.0.1", "550 (name) is listed, 5.7.1 127.0.0.1"),
        ("550-first\r\n550 second", "550 first second"),
        ("550 " + "x" * 400, "550 " + "x" * 296),
        ("550 \xff", "550 \ufffd\ufffd"),
    ],
)
def test_the_relays_words_are_kept_without_address_or_link(reply, line):
    with SmtpServer({"RCPT": reply}) as server:
        (handed,) = mailer(server).hand_over([message()], always)

    assert handed.line == line


@pytest.mark.parametrize("size", ["", "-5", "0", "\udcb2", "3\udcb2", "9" * 5000])  # \udcb2: ² in Latin-1
def test_a_size_that_is_no_limit_limits_nothing(size):
    with SmtpServer(extensions=(f"SIZE {size}",)) as server:
        (handed,) = mailer(server).hand_over([message()], always)

    assert handed.result is HandOver.TAKEN


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
def test_the_next_envelope_is_told_while_an_outcome_is_dealt_with(extensions):
    told = []

    with SmtpServer(extensions=extensions) as server:

        def may_go(one):
            told.append((one.notice_id, len(server.messages), server.commands[-1].split(":")[0].upper()))
            return True

        outcomes = mailer(server).hand_over([message(1), message(2)], may_go)
        first = next(outcomes)
        asked_by_then = [number for number, *_ in told]
        rest = list(outcomes)

    assert first.notice_id == 1
    assert asked_by_then == [1, 1], "nothing of the second goes before the first is dealt with"
    assert told == [(1, 0, "RCPT TO"), (1, 0, "DATA"), (2, 1, "RCPT TO"), (2, 1, "DATA")]
    assert [one.notice_id for one in rest] == [2]


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
def test_a_message_that_may_not_go_stays_and_the_next_still_goes(extensions):
    with SmtpServer(extensions=extensions) as server:
        handed = list(
            mailer(server).hand_over(
                [message(1), message(2, content=b"never\r\n"), message(3)], lambda one: one.notice_id != 2
            )
        )

    assert [one.notice_id for one in handed if one.result is HandOver.TAKEN] == [1, 3]
    assert b"never\r\n" not in server.messages
    assert [c.upper() for c in server.commands].count("RSET") == 1
    assert server.connections == 1


def test_the_relay_is_hung_up_on_when_a_message_may_no_longer_go_once_data_was_said():
    answers = iter([True, True, True, False])
    handed = []

    with SmtpServer() as server, pytest.raises(OutsideError) as caught:
        _collect(mailer(server).hand_over([message(1), message(2)], lambda _: next(answers)), handed)

    assert [one.notice_id for one in handed] == [1]
    assert len(server.messages) == 1
    assert server.commands[-1].upper() == "DATA"
    assert caught.value.temporary


def test_a_relay_that_hangs_up_after_its_word_is_believed_for_what_it_said():
    class Once(SmtpServer):
        """Takes one message and is gone."""

        def _reply(self, command, lines, connection):
            reply = super()._reply(command, lines, connection)
            if command.upper() != "DATA":
                return reply
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(reply.encode() + b"\r\n")
            return None

    def messages():
        yield message(1)
        for thread in server._threads[1:]:
            thread.join(3)  # what is said next meets a connection that is gone
        yield message(2)

    handed = []
    with Once() as server, pytest.raises(OutsideError):
        _collect(mailer(server).hand_over(messages(), always), handed)

    assert [one.notice_id for one in handed] == [1]


def test_a_relay_that_says_pipelining_and_cannot_is_told_one_command_at_a_time_from_then_on():
    class Forgetful(SmtpServer):
        """Reads one command, and drops what came with it."""

        def serve(self, connection):
            connection.sendall(b"220 relay.test\r\n")
            while data := connection.recv(65_536):
                verb = "." if data.endswith(b"\r\n.\r\n") else data[:4].decode().upper()
                others = {"EHLO": b"250-relay.test\r\n250 PIPELINING\r\n", "DATA": b"354 go on\r\n"}
                connection.sendall(others.get(verb, b"250 ok\r\n"))

    with Forgetful() as server:
        relay = mailer(server, timeout_s=0.3)
        with pytest.raises(OutsideError):
            list(relay.hand_over([message(1)], always))
        handed = list(relay.hand_over([message(1), message(2)], always))

    assert {one.result for one in handed} == {HandOver.TAKEN}


@pytest.mark.parametrize("code", ["552 5.3.4 too big", "451 4.3.0 try later"])
def test_an_envelope_refused_in_a_group_leaves_no_reply_behind(code):
    class Once(SmtpServer):
        """Refuses the first MAIL, and the RCPT that came with it."""

        refused = 0

        def _reply(self, command, lines, connection):
            if not self.messages and command.upper().startswith(("MAIL", "RCPT")) and self.refused < 2:
                self.refused += 1
                return code if command.upper().startswith("MAIL") else "503 5.5.1 MAIL first"
            return super()._reply(command, lines, connection)

    with Once() as server:
        first, second = mailer(server).hand_over([message(1), message(2)], always)

    assert (first.result is HandOver.TAKEN, first.line) == (False, code)
    assert second.result is HandOver.TAKEN


def test_a_message_larger_than_the_relay_takes_is_not_sent():
    with SmtpServer() as server:
        handed = list(mailer(server).hand_over([message(1, content=b"x" * 100_001), message(2)], always))

    assert handed[0].result is HandOver.UNREACHABLE
    assert handed[1].result is HandOver.TAKEN
    assert len(server.messages) == 1


@pytest.mark.parametrize(("offered", "taken"), [(("SMTPUTF8", "8BITMIME"), True), ((), False)])
def test_an_international_address_needs_a_relay_that_knows_them(offered, taken):
    with SmtpServer(extensions=offered) as server:
        (handed,) = mailer(server).hand_over([message(recipient="käse@hosting.test")], always)

    assert (handed.result is HandOver.TAKEN) is taken
    assert any("SMTPUTF8" in command for command in server.commands) is taken


@pytest.mark.parametrize("moment", ["MAIL", "RCPT", "DATA"])
def test_a_relay_that_hangs_up_leaves_the_rest_unanswered(moment):
    class HangsUp(SmtpServer):
        """Hangs up at the second message."""

        seen: ClassVar[list[str]] = []

        def _reply(self, command, lines, connection):
            if command.upper().startswith(moment) and len(self.messages) == 1:
                return None
            return super()._reply(command, lines, connection)

    handed = []
    with HangsUp() as server, pytest.raises(OutsideError) as caught:
        handed.extend(
            _collect(mailer(server).hand_over([message(1), message(2), message(3)], always), handed)
        )

    assert [one.notice_id for one in handed] == [1]
    assert caught.value.temporary


def _collect(outcomes, into):
    for outcome in outcomes:
        into.append(outcome)
    return []


def test_a_relay_that_dies_after_the_dot_says_nothing_of_that_message():
    with SmtpServer({"dot": None}) as server, pytest.raises(OutsideError):
        list(mailer(server).hand_over([message(1)], always))

    assert len(server.messages) == 1


def test_a_relay_that_closes_politely_is_believed_for_what_it_said():
    handed = []
    with SmtpServer({"RCPT": "421 4.3.2 shutting down"}) as server, pytest.raises(OutsideError):
        _collect(mailer(server).hand_over([message(1), message(2)], always), handed)

    assert handed == [Handed(1, HandOver.LATER, "421 4.3.2 shutting down")]


@pytest.mark.parametrize(
    "replies",
    [
        {"greeting": "554 go away"},
        {"EHLO": "500 no", "HELO": "500 no"},
        {"EHLO": None},
        {"greeting": "garbage"},
    ],
)
def test_a_relay_that_will_not_talk_is_an_outside_error(replies):
    with SmtpServer(replies) as server, pytest.raises(OutsideError) as caught:
        list(mailer(server).hand_over([message()], always))

    assert caught.value.temporary
    assert not re.search(r"127\.|test", str(caught.value))


def test_a_relay_that_is_silent_is_given_up_in_time():
    class Silent(SmtpServer):
        def serve(self, connection):
            connection.recv(1)

    with Silent() as server, pytest.raises(OutsideError) as caught:
        list(mailer(server, timeout_s=0.2).hand_over([message()], always))

    assert str(caught.value) == "the relay does not answer in time"


def test_no_relay_at_all_is_an_outside_error():
    with nobody_listening() as port, pytest.raises(OutsideError):
        list(SmtpMailer(f"smtp://127.0.0.1:{port}").hand_over([message()], always))


def test_nothing_to_send_connects_nowhere():
    with SmtpServer() as server:
        assert list(mailer(server).hand_over([], always)) == []

    assert server.connections == 0


def test_starttls_is_used_when_offered(trust):
    with SmtpServer(starttls=trust.server) as server:
        (handed,) = mailer(server, ca_file=trust.ca_file).hand_over([message()], always)

    assert handed.result is HandOver.TAKEN
    assert server.was_secured


def test_a_relay_with_a_strange_certificate_gets_nothing(trust):
    with SmtpServer(starttls=trust.server) as server, pytest.raises(OutsideError) as caught:
        list(mailer(server).hand_over([message()], always))

    assert str(caught.value) == "the relay's certificate or encryption is not in order"
    assert not server.messages


def test_smtps_with_a_login(trust):
    with SmtpServer(extensions=("AUTH PLAIN",), tls=trust.server) as server:
        relay = mailer(
            server, "smtps", "user%40hotline.test:pass%2Fword@", ca_file=trust.ca_file, timeout_s=3
        )
        (handed,) = relay.hand_over([message()], always)

    assert handed.result is HandOver.TAKEN
    assert "AUTH PLAIN AHVzZXJAaG90bGluZS50ZXN0AHBhc3Mvd29yZA==" in server.commands


def test_a_refused_login_is_an_outside_error():
    with (
        SmtpServer({"AUTH": "535 5.7.8 no"}, extensions=("AUTH PLAIN",)) as server,
        pytest.raises(OutsideError) as caught,
    ):
        list(mailer(server, login="user:wrong@").hand_over([message()], always))

    assert str(caught.value) == "the relay refuses our log-in"


@pytest.mark.parametrize(
    "recipient",
    [
        "a@b.test>\r\nRCPT TO:<c@d.test",
        "a@b.test\nRCPT TO:<c@d.test>",
        "a@b.test, c@d.test",
        "Somebody <a@b.test>",
        "a b@c.test",
        "nobody",
        "",
    ],
)
def test_what_is_not_one_address_is_not_sent_to(recipient):
    with SmtpServer() as server:
        bad, good = mailer(server).hand_over([message(1, recipient=recipient), message(2)], always)

    assert bad.result is HandOver.UNREACHABLE
    assert good.result is HandOver.TAKEN
    assert sum(command.upper().startswith("RCPT") for command in server.commands) == 1


@pytest.mark.parametrize("url", ["http://relay.test", "smtp://", "relay.test:25"])
def test_a_url_that_names_no_relay_is_refused(url):
    with pytest.raises(ValueError, match="relay"):
        SmtpMailer(url)
