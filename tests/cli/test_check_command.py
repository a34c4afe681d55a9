"""`nta resolve`, `nta check` and `nta inbox explain`: against the lab, and against nothing."""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from nta.lab.world import World
from tests.cli.conftest import Nta
from tests.fuzzing import spoil
from tests.lab.conftest import SMALL, Client, playing
from tests.lab.conftest import small as small  # the world that the lab plays

MAILS = SMALL.parents[1] / "data" / "mails"
SHAPE = {
    "resolve": "url host registrable_domain cname hosting_country addresses origins domain contacts problems "
    "lookups zone",
    "address": "ip asn as_name proxy seen_from network abuse",
    "network": "handle name cidr country holder",
    "domain": "registered registrar registry status nameservers source",
    "contact": "role email channel to party country source confidence reason",
    "check": "url verdict cause sightings",
    "sighting": "vantage verdict cause rule status ip bytes seconds",
    "inbox": "file kind notice recipients",
    "recipient": "address action status reason permanent",
}


def shape(value: dict[str, Any]) -> str:
    return " ".join(value)


@pytest.fixture(scope="module")
def lab(small: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with playing(small, tmp_path_factory.mktemp("lab")) as client:
        yield client


@pytest.fixture
def online(nta: Nta, lab: Client) -> Nta:
    """An installation in the lab's world."""
    card = lab.card
    nta.settings |= {
        "NTA_HOTLINE": card["hotline"],
        "NTA_CATALOGUE": card["catalogue"],
        "NTA_CLOCK": f"lab:{card['control']}",
        "NTA_DNS_SERVERS": card["dns"],
        "NTA_RDAP_BOOTSTRAP": card["rdap_bootstrap"],
        "NTA_WHOIS_SERVER": card["whois"],
        "NTA_VANTAGES": card["vantages"],
        "NTA_CONTROL_URLS": card["control_urls"],
        "NTA_REACH": "127.0.0.0/8",
    }
    return nta


@pytest.fixture
def page(small: World, lab: Client) -> str:
    return small.url(small.sites["one"].pages[0], lab.card["web_port"])


def test_resolving_says_who_serves_a_page_and_whom_to_tell(online: Nta, page: str) -> None:
    ended = online("resolve", "--json", page)

    (found,) = ended.objects
    (address,) = found["addresses"]
    assert shape(found) == SHAPE["resolve"]
    assert shape(address) == SHAPE["address"]
    assert shape(address["network"]) == SHAPE["network"]
    assert (found["url"], found["host"], found["registrable_domain"]) == (page, "www.one.test", "one.test")
    assert (found["cname"], found["hosting_country"]) == (["one.quick.example"], "NL")
    assert (address["ip"], address["asn"], address["proxy"]) == ("127.10.0.11", 64500, None)
    assert [list(mail) for mail in address["abuse"]] == [["email", "source", "confidence"]]
    assert {shape(contact) for contact in found["contacts"]} == {SHAPE["contact"]}
    assert ("host", "abuse@quick.example") in [(c["role"], c["to"]) for c in found["contacts"]]
    assert shape(found["domain"]) == SHAPE["domain"]
    assert (found["domain"]["registered"], found["domain"]["source"]) == (True, "rdap")
    assert found["lookups"] == {"dns": 1, "rdap": 2, "whois": 0}
    assert (ended.code, found["problems"]) == (0, [])
    assert not online.instance.exists()


def test_resolving_is_told_to_a_person_too(online: Nta, page: str) -> None:
    ended = online("resolve", page)

    assert ended.code == 0
    lines = [line.strip("│├└─ ") for line in ended.out.splitlines()]
    assert lines[:2] == ["host www.one.test, hosted in NL", "alias 1: one.quick.example"]
    assert lines[2].startswith("127.10.0.11  AS64500")
    assert "abuse contact: abuse@quick.example  (RDAP, very likely)" in lines
    (told,) = [n for n, line in enumerate(lines) if line.startswith("tell host: abuse@quick.example ")]
    assert lines[told + 1].startswith("why: RDAP names it as the abuse contact.")


def test_a_domain_without_rdap_is_asked_for_on_port_43(online: Nta, lab: Client) -> None:
    ended = online("resolve", "--json", "http://nobody.invalid/")

    (found,) = ended.objects
    assert found["lookups"]["whois"] == 1
    assert found["domain"]["source"] is None
    assert {p["step"] for p in found["problems"]} == {"dns", "rdap_domain", "whois_domain"}


def test_a_name_that_does_not_exist_is_found_nowhere(online: Nta) -> None:
    ended = online("resolve", "--json", "http://nobody.test/")

    (found,) = ended.objects
    assert (ended.code, found["addresses"]) == (1, [])
    assert found["problems"] == [{"step": "dns", "reason": "nxdomain", "temporary": False}]


def test_a_look_up_that_fails_for_now_is_another_systems_fault(
    online: Nta, page: str, closed_port: int
) -> None:
    online.settings["NTA_DNS_SERVERS"] = f"127.0.0.1:{closed_port}"

    ended = online("resolve", "--json", page)

    assert ended.code == 3
    assert [problem["temporary"] for problem in ended.objects[0]["problems"]] == [True]


def test_a_page_that_is_there_is_seen_from_every_vantage(online: Nta, page: str) -> None:
    ended = online("check", "--json", page)

    (found,) = ended.objects
    assert (ended.code, ended.err) == (0, "")
    assert shape(found) == SHAPE["check"]
    assert {shape(sighting) for sighting in found["sightings"]} == {SHAPE["sighting"]}
    assert (found["url"], found["verdict"]) == (page, "up")
    assert [(s["vantage"], s["verdict"], s["status"]) for s in found["sightings"]] == [
        ("nl", "up", 200),
        ("de", "up", 200),
    ]
    assert not online.instance.exists()


def test_a_look_is_told_to_a_person_too(online: Nta, page: str) -> None:
    ended = online("check", page)

    assert (ended.code, ended.out.count("\n")) == (0, 3)
    assert ended.out.startswith("up (")


def test_a_look_that_fails_on_our_side_leaves_the_verdict_unknown(
    online: Nta, page: str, closed_port: int
) -> None:
    online.settings["NTA_DNS_SERVERS"] = f"127.0.0.1:{closed_port}"

    ended = online("check", "--json", page)

    assert (ended.code, ended.objects[0]["verdict"]) == (3, "unknown")


@pytest.mark.parametrize("command", ["resolve", "check"])
def test_of_several_urls_the_good_ones_are_answered(online: Nta, page: str, command: str) -> None:
    ended = online(command, "--json", "no address", page)

    assert ended.code == 1
    assert [found["url"] for found in ended.objects] == [page]
    assert ended.err.startswith("nta: URL 1: ")


@pytest.mark.parametrize("command", ["resolve", "check"])
@pytest.mark.parametrize("urls", [("no address",), ("no address", "ftp://gallery.example/")])
def test_urls_that_cannot_be_read_are_refused(nta: Nta, command: str, urls: tuple[str, ...]) -> None:
    ended = nta(command, *urls)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("nta: ")
    assert "gallery" not in ended.err


def test_a_bounce_is_explained(nta: Nta) -> None:
    ended = nta("inbox", "explain", "--json", MAILS / "dsn-failed.eml")

    (found,) = ended.objects
    (recipient,) = found["recipients"]
    assert (ended.code, ended.err) == (0, "")
    assert shape(found) == SHAPE["inbox"]
    assert shape(recipient) == SHAPE["recipient"]
    assert (found["kind"], found["file"]) == ("bounce", str(MAILS / "dsn-failed.eml"))
    assert (recipient["address"], recipient["action"]) == ("abuse@hosting.test", "failed")
    assert (recipient["status"], recipient["permanent"]) == ("5.1.1", True)
    assert not nta.instance.exists()


def test_mails_are_explained_to_a_person_and_missing_ones_named(nta: Nta, tmp_path: Path) -> None:
    ended = nta("inbox", "explain", MAILS / "dsn-failed.eml", tmp_path / "nowhere.eml")

    assert ended.code == 1
    assert ended.out.startswith(f"{MAILS / 'dsn-failed.eml'}: bounce\n  abuse@hosting.test: failed 5.1.1")
    assert ended.err == f"nta: {tmp_path / 'nowhere.eml'}: No such file or directory\n"


def test_a_mail_that_is_not_there_is_refused(nta: Nta, tmp_path: Path) -> None:
    ended = nta("inbox", "explain", tmp_path / "nowhere.eml")

    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"In-Reply-To: <\xff@c>\n\nx", id="id-of-no-character"),
        pytest.param(b"Content-Type: multipart/mixed; boundary*=nosuch''a%ff\n\n--a\n\nx", id="boundary"),
        pytest.param(b"Content-Type: text/plain; charset=a\x00b\n\nx", id="charset-with-a-nul"),
        pytest.param(b"Subject: =?unicode_escape?q?=5Cud800?=\n\nx", id="half-character"),
        pytest.param(b"Content-Type: message/rfc822\n\n" * 1_500 + b"x", id="1500-mails-within-mails"),
        pytest.param(
            b"Content-Type: message/delivery-status\n\nFinal-Recipient: \xed\xa0\x80\x1b[2J\nAction: failed",
            id="recipient-of-controls",
        ),
    ],
)
def test_no_bytes_are_a_fault_of_ours(nta: Nta, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / os.fsdecode(b"\xff.eml")
    file.write_bytes(content)

    as_json = nta("inbox", "explain", "--json", file)
    to_a_person = nta("inbox", "explain", file)

    assert (as_json.code, to_a_person.code, as_json.err) == (0, 0, "")
    assert [shape(found) for found in as_json.objects] == [SHAPE["inbox"]]
    assert "\x1b" not in as_json.out + to_a_person.out


def test_spoilt_mails_are_explained_one_and_all(nta: Nta, tmp_path: Path) -> None:
    seeds = [path.read_bytes() for path in sorted(MAILS.glob("*.eml"))]
    files = []
    for seed in range(150):
        random = Random(seed)
        files.append(tmp_path / f"{seed}.eml")
        files[-1].write_bytes(spoil(random.choice(seeds), random))

    ended = nta("inbox", "explain", "--json", *files)

    assert (ended.code, ended.err) == (0, "")
    assert [found["file"] for found in ended.objects] == [str(file) for file in files]
