"""Networks on port 43: texts of the registries, referrals, and when they are asked at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.adapters.net.address_policy import Gate
from nta.adapters.whois import network_texts
from nta.adapters.whois.network_texts import referral
from nta.adapters.whois.networks_on_port_43 import NetworkAsker, WhoisNetworkAsker
from nta.domain.errors import OutsideError
from nta.domain.hosting.facts import LookupProblem
from nta.domain.hosting.lookups import Finding, Lookup, LookupKind
from nta.domain.reasons import Code, Reason, other
from nta.render.reason_sentences import sentence
from nta.settings import Reach
from tests.adapters.servers import WhoisServer, nobody_listening
from tests.lookup_plain import a_finding, plain

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def network(text: str, ip: str) -> Any:
    return plain(network_texts.network(text, ip))


IP = "192.0.2.7"
ROOT = b"% IANA\r\n\r\nrefer:        whois.region.test\r\n\r\ninetnum:      192.0.0.0 - 192.255.255.255\r\n"
RPSL = """\
% Information related to '192.0.2.0 - 192.0.2.255'

% Abuse contact for '192.0.2.0 - 192.0.2.255' is 'abuse@hosting.example'
% Abuse contact for '192.0.0.0 - 192.0.255.255' is 'abuse@carrier.example'

inetnum:        192.0.2.0 - 192.0.2.255
netname:        EXAMPLE-NET
descr:          Racks of Example Hosting
country:        nl # approximate
org:            ORG-EX1-TEST
admin-c:        PP1-TEST
mnt-by:         EXAMPLE-MNT

organisation:   ORG-EX1-TEST
org-name:       Example Hosting B.V.
abuse-mailbox:  ABUSE@hosting.example
abuse-mailbox:  second@hosting.example

person:         Somebody
e-mail:         somebody@hosting.example
nic-hdl:        PP1-TEST
"""
ARIN = """\
#
# The following results may also be obtained via:
#

NetRange:       192.0.0.0 - 192.0.255.255
CIDR:           192.0.0.0/16
NetName:        CARRIER
NetHandle:      NET-192-0-0-0-1
OriginAS:       AS64499
Organization:   Carrier, Inc. (CARR-1)

OrgName:        Carrier, Inc.
OrgId:          CARR-1
Country:        US

OrgAbuseEmail:  abuse@carrier.example

NetRange:       192.0.2.0 - 192.0.2.255
CIDR:           192.0.2.0/24
NetName:        HOSTER
NetHandle:      NET-192-0-2-0-1
OriginAS:       AS64500
Organization:   Hoster LLC (HOST-7)

OrgName:        Hoster LLC
OrgId:          HOST-7
Country:        CA

OrgAbuseEmail:  abuse@hoster.example

RAbuseEmail:    net-abuse@hoster.example
"""
LACNIC = """\
inetnum:     192.0.2/24
owner:       Ejemplo S.A.
ownerid:     CO-EJEM-TEST
country:     CO
abuse-c:     ABC1

nic-hdl:     ABC1
person:      Mesa de ayuda
e-mail:      abuso@ejemplo.example

nic-hdl:     XYZ1
e-mail:      otro@ejemplo.example
"""


def value(**told: Any) -> dict[str, Any]:
    return {"as_name": None, "asn": None, "cidr": ["192.0.2.0/24"]} | told


def mails(*emails: str, source: str = "whois", confidence: float = 0.9) -> list[dict[str, Any]]:
    return [{"email": email, "source": source, "confidence": confidence} for email in emails]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            RPSL,
            value(
                handle="192.0.2.0 - 192.0.2.255",
                name="EXAMPLE-NET",
                country="NL",
                holder="ORG-EX1-TEST",
                holder_name="Example Hosting B.V.",
                abuse=mails("abuse@hosting.example", "second@hosting.example"),
                domains=["hosting.example"],
            ),
            id="ripe-apnic-afrinic",
        ),
        pytest.param(
            ARIN,
            value(
                handle="NET-192-0-2-0-1",
                name="HOSTER",
                country="CA",
                holder="HOST-7",
                holder_name="Hoster LLC",
                asn=64500,
                abuse=mails("net-abuse@hoster.example", "abuse@hoster.example"),
                domains=["hoster.example"],
            ),
            id="arin-the-narrowest-with-its-own-organisation",
        ),
        pytest.param(
            LACNIC,
            value(
                handle="192.0.2/24",
                name=None,
                country="CO",
                holder="CO-EJEM-TEST",
                holder_name="Ejemplo S.A.",
                abuse=mails("abuso@ejemplo.example"),
                domains=["ejemplo.example"],
            ),
            id="lacnic",
        ),
        pytest.param(
            "inetnum: 192.0.2.0 - 192.0.2.255\nremarks: send abuse reports to help@hosting.example\n"
            "descr: hostmaster@hosting.example\nmnt-by: A-MNT\nmnt-by: B-MNT\n",
            value(
                handle="192.0.2.0 - 192.0.2.255",
                name=None,
                country=None,
                holder="A-MNT",
                holder_name="hostmaster@hosting.example",
                abuse=mails("help@hosting.example", source="remark", confidence=0.6),
                domains=["hosting.example"],
            ),
            id="a-remark-that-speaks-of-abuse",
        ),
    ],
)
def test_a_text_says_what_rdap_would(text, expected):
    assert network(text, IP) == expected


def test_the_holders_domain_comes_first_and_a_registrys_never():
    text = (
        "inetnum: 192.0.2.0 - 192.0.2.255\nremarks: see noc@carrier.example\norg: ORG-1\n"
        "changed: hm-changed@apnic.net 20260301\n\n"
        "organisation: ORG-1\ne-mail: office@holder.example\n\nperson: Somebody\ne-mail: one@gmail.com\n"
    )

    assert network(text, IP)["domains"] == ["holder.example", "carrier.example"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "% No match found\n",
        "inetnum: 198.51.100.0 - 198.51.100.255\n",
        "inet6num: 2001:db8::/32\n",
        "inetnum: here - there\n",
        "inetnum: 0.0.0.0 - 255.255.255.255\nnetname: SOMETHING\n",
        "inetnum: 192.0.0.0 - 192.0.255.255\nnetname: NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK\n",
        "NetRange: 192.0.0.0 - 192.0.255.255\nCIDR: 192.0.0.0/16\nNetName: APNIC-ERX-192-0-0-0\n",
    ],
)
def test_a_text_about_no_network_of_somebody_is_no_answer(text):
    with pytest.raises(OutsideError, match="whois_knows_no_network"):
        network(text, IP)


@given(st.text(alphabet=st.sampled_from("inetnum: 192.0/-ab@\n%#()AS"), max_size=300))
def test_any_text_is_an_answer_or_none(text):
    for asked in (text, f"inetnum: 192.0.2.0/24\n{text}", f"NetRange:{text}"):
        assert referral(asked) is None
        try:
            assert network(asked, IP)["cidr"]
        except OutsideError:
            continue


@pytest.fixture
def server():
    """One server that plays all: they share its port."""
    with WhoisServer({IP: ROOT}) as server:
        yield server


def asker(server: WhoisServer, gate: Gate, **options: Any) -> WhoisNetworkAsker:
    options = {"resolve": lambda _: ("127.0.0.1",), "connect_timeout_s": 3, "timeout_s": 3, **options}
    return WhoisNetworkAsker(("whois.root.test", server.port), gate, **options)


def ask(port_43: WhoisNetworkAsker, ip: str = IP) -> Finding:
    (finding,) = port_43.ask([Lookup(LookupKind.NETWORK, ip)], NOW)
    return finding


def in_turn(*texts: bytes):
    """Return a record that says another text each time it is asked."""
    rest = list(texts)

    def say(connection) -> None:
        connection.sendall(rest.pop(0))

    return say


def test_the_registry_that_the_root_refers_to_tells_of_the_network(server, loopback):
    server.records[IP] = in_turn(ROOT, RPSL.encode(), RPSL.encode())
    port_43 = asker(server, loopback)

    finding = ask(port_43)
    again = ask(port_43)

    assert plain(finding.value)["holder"] == "ORG-EX1-TEST"
    assert (finding.source, finding.covers, finding.problem) == ("whois", ("192.0.2.0/24",), None)
    assert finding.valid_until == NOW + timedelta(hours=1)
    assert again.value == finding.value
    assert server.asked == [IP] * 3  # the root once for all of its region


def test_a_referral_is_followed_and_arin_asked_for_all_it_has(server, loopback):
    server.records = {
        IP: in_turn(b"refer: whois.arin.net\r\n", RPSL.encode()),
        f"n + {IP}": ARIN.encode() + b"\nReferralServer: whois://whois.region.test:43\n",
    }

    assert plain(ask(asker(server, loopback)).value)["holder"] == "ORG-EX1-TEST"
    assert server.asked == [IP, f"n + {IP}", IP]


def test_who_is_referred_to_and_knows_nothing_takes_nothing_away(server, loopback):
    server.records = {
        IP: in_turn(b"refer: whois.arin.net\r\n", b"% nothing here\r\n"),
        f"n + {IP}": ARIN.encode() + b"\nReferralServer: whois://whois.region.test:43\n",
    }

    assert plain(ask(asker(server, loopback)).value)["holder"] == "HOST-7"


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (b"% IANA knows nothing of it\r\n", Code.NO_WHOIS_FOR_ADDRESS),
        (ROOT, Code.WHOIS_KNOWS_NO_NETWORK),
    ],
)
def test_where_nobody_is_named_or_nothing_known_there_is_a_problem(server, loopback, first, reason):
    server.records[IP] = in_turn(first, b"% nothing\r\n")

    assert ask(asker(server, loopback)).problem == LookupProblem("rdap_ip", Reason(reason), False)


def test_nothing_out_of_reach_is_asked(server):
    gate = Gate(Reach(public=True, ranges=()))

    assert ask(asker(server, gate)).problem is not None
    assert server.connections == 0


class Rdap:
    """Answers of its own; counts nothing."""

    def __init__(self, *failing: str) -> None:
        self._failing = failing

    def ask(self, lookups, now):
        for lookup in lookups:
            problem = (
                LookupProblem("rdap_ip", other("429"), True) if lookup.subject in self._failing else None
            )
            told = None if problem else {"handle": "RDAP", "cidr": []}
            yield a_finding(lookup, told, "rdap", now, now + timedelta(hours=12), problem)


def test_port_43_is_asked_only_what_rdap_did_not_answer(server, loopback):
    server.records[IP] = in_turn(ROOT, RPSL.encode())
    lookups = [Lookup(LookupKind.NETWORK, ip) for ip in (IP, "192.0.2.8", "198.51.100.1")]

    found = NetworkAsker(Rdap(IP, "198.51.100.1"), asker(server, loopback)).ask(lookups, NOW)

    told = {f.lookup.subject: (f.source, sentence(f.problem.reason) if f.problem else None) for f in found}
    assert told == {IP: ("whois", None), "192.0.2.8": ("rdap", None), "198.51.100.1": ("rdap", "429")}
    assert "192.0.2.8" not in server.asked


def test_where_port_43_is_shut_it_stays_with_rdaps_problem(loopback):
    with nobody_listening() as port:
        old = WhoisNetworkAsker(("whois.root.test", port), loopback, resolve=lambda _: ("127.0.0.1",))
        (finding,) = NetworkAsker(Rdap(IP), old).ask([Lookup(LookupKind.NETWORK, IP)], NOW)

    assert finding.problem == LookupProblem("rdap_ip", other("429"), True)
