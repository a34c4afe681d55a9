"""The service's own adapters against the lab: what one room plays, the others can read."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from nta.adapters.channels.smtp import SmtpMailer
from nta.adapters.dns.resolver import DnsAsker
from nta.adapters.mail.maildir import MaildirInbox
from nta.adapters.net.address_policy import Gate
from nta.adapters.probe.prober import CurlProber
from nta.adapters.rdap.networks import RdapAsker
from nta.domain.hosting.lookups import Lookup, LookupKind
from nta.domain.notices.returned_mail import explain
from nta.domain.parties.contact_addresses import mailbox_of
from nta.lab.world import World
from nta.ports import HandOver, LookRequest, Outgoing
from nta.settings import Reach, Vantage
from tests.conftest import NINE
from tests.lab.conftest import Client
from tests.lab.fake_service import FakeService
from tests.lookup_plain import plain


@pytest.fixture
def gate() -> Gate:
    return Gate(Reach(public=False, ranges=(IPv4Network("127.0.0.0/8"),)))


def test_names_are_resolved_through_their_alias(lab: Client) -> None:
    host, port = lab.card["dns"].split(":")
    asker = DnsAsker([(host, int(port))])

    (found,) = asker.ask([Lookup(LookupKind.ADDRESSES, "www.one.test")], NINE)

    assert plain(found.value) == {"addresses": ["127.10.0.11"], "cname": ["one.quick.example"], "dead": None}


@pytest.mark.parametrize(
    ("address", "asn", "mail", "holder"),
    [
        ("127.10.0.11", 64500, "abuse@quick.example", "Quick"),
        ("127.11.0.12", 64501, "abuse@slow.example", "Slow"),
    ],
)
def test_a_network_leads_to_its_abuse_desk(
    lab: Client, gate: Gate, address: str, asn: int, mail: str, holder: str
) -> None:
    asker = RdapAsker(lab.card["rdap_bootstrap"], gate, resolve=lambda host: (host,))

    (found,) = asker.ask([Lookup(LookupKind.NETWORK, address)], NINE)

    value = plain(found.value)
    assert value is not None, found.problem
    assert (value["asn"], value["country"], value["holder_name"]) == (asn, "NL", holder)
    assert [contact["email"] for contact in value["abuse"]] == [mail]


@pytest.mark.parametrize("vantage", ["nl", "de"])
def test_every_page_is_seen_from_every_vantage_point(
    lab: Client, gate: Gate, small: World, vantage: str
) -> None:
    far = lab.card["vantages"].removeprefix("nl=direct,de=")
    prober = CurlProber([Vantage("nl", None), Vantage("de", far)], gate)
    port = lab.card["web_port"]
    requests = [
        LookRequest(key, small.url(page, port), site.host, port, str(site.placements[0].address))
        for site in small.sites.values()
        for key, page in enumerate(site.pages)
    ]

    answers = [answer for _, answer in prober.look(requests, vantage)]

    assert [answer.status for answer in answers] == [200] * len(requests)


def test_a_mail_is_handed_over_and_its_bounce_comes_back(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap("2026-03-02T09:00Z")
    message = EmailMessage()
    message["Subject"] = "Notice"
    message["Message-ID"] = "<n@hotline.test>"
    message.set_content("nothing to remove\n")
    content = message.as_bytes(policy=policy.SMTP)
    outgoing = [
        Outgoing(number, mailbox_of(to), content, f"return+t{number}@hotline.test")
        for number, to in enumerate(("abuse@quick.example", "abuse@bouncing.test"))
    ]

    handed = list(SmtpMailer(lab.card["smtp"]).hand_over(outgoing[1:], lambda _: True))
    while lab.leap("2026-03-02T09:30Z") != "03-02T09:30":
        pass

    (received,) = MaildirInbox(Path(lab.card["maildir"])).waiting(10)
    meaning = explain(
        message_from_bytes(received.content, policy=policy.default), "return+{token}@hotline.test"
    )
    assert [one.result for one in handed] == [HandOver.TAKEN]
    assert (meaning.kind, meaning.recipients[0].status) == ("bounce", "5.1.1")
