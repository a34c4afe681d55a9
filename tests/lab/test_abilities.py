"""What a wider world can do: proxies, registrars, port 43, hotlines abroad, odd servers and mailboxes."""

import json
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import dns.rcode
import pytest

from nta.lab.world import World
from nta.lab.worldfile import parse_world
from tests.lab.conftest import WIDE, Client, playing
from tests.lab.fake_service import FakeService
from tests.lab.test_servers import lookup, rdap, socks, texts, web


@pytest.fixture(scope="module")
def wide() -> World:
    return parse_world(WIDE.read_text(encoding="utf-8"), "wide.yaml")


@pytest.fixture
def lab(wide: World, tmp_path: Path, service: FakeService) -> Iterator[Client]:
    """Play the wide world; its first hand-in is made."""
    with playing(wide, tmp_path / "lab") as client:
        client.ask("POST", "/service", service.card())
        client.leap("2026-03-02T09:00Z")
        yield client


def go(lab: Client, until: str) -> None:
    """Let the world go on to a moment such as "03-02T15:00"."""
    while lab.leap(f"2026-{until}Z") != until:
        pass


def urls(lab: Client, host: str) -> list[str]:
    return [url for url in lab.truth() if f"//{host}:" in url]


def get(lab: Client, address: str, url: str, *fields: str) -> tuple[int, int]:
    """Return status and length of what an address answers for a URL."""
    host, _, target = url.removeprefix("http://").partition("/")
    lines = [f"GET /{target} HTTP/1.1", f"Host: {host}", "Connection: close", *fields]
    (answer,) = web(lab, address, ("\r\n".join(lines) + "\r\n\r\n").encode())
    return int(answer[:3]), len(answer.partition(b"\r\n\r\n")[2])


def whois(lab: Client, name: str, address: str = "") -> list[str]:
    host, port = lab.card["whois"].split(":")
    with socket.create_connection((address or host, int(port)), timeout=5) as one:
        one.sendall(f"{name}\r\n".encode())
        received = b""
        while data := one.recv(65_536):
            received += data
    return received.decode().splitlines()


# Registration data.


def test_a_registry_names_the_registrar_whose_own_data_name_its_abuse_desk(lab: Client) -> None:
    at_registry = rdap(lab, "domain/FRONTED.test")
    (related,) = [link for link in at_registry["links"] if link["rel"] == "related"]
    at_registrar = rdap(lab, related["href"].removeprefix(lab.card["rdap_bootstrap"]))

    (registrar,) = at_registry["entities"]
    assert registrar["roles"] == ["registrar"]
    assert registrar["publicIds"] == [{"type": "IANA Registrar ID", "identifier": "9101"}]
    assert "entities" not in registrar
    assert "abuse@tidy.example" in str(at_registrar["entities"][0]["entities"])
    assert (at_registry["status"], at_registrar["ldhName"]) == (["active"], "fronted.test")


def test_a_suffix_without_rdap_is_on_port_43(lab: Client) -> None:
    suffixes = [service[0] for service in rdap(lab, "dns.json")["services"]]
    refer = [line.split()[1] for line in whois(lab, "grumpy.example") if line.startswith("refer:")]
    (place,) = [text.split()[1] for text in texts(lookup(lab, refer[0]))]
    answer = whois(lab, "GRUMPY.example", place)

    assert suffixes == [["test"]]
    assert rdap(lab, "domain/grumpy.example", 404)["errorCode"] == 404
    assert refer == ["whois.registry-two.test"]
    assert answer[0] == "Domain Name: GRUMPY.EXAMPLE"
    assert {"Registrar: Lots of Names", "Registrar IANA ID: 9102"} <= set(answer)
    assert "Registrar Abuse Contact Email: abuse@lots.test" in answer
    assert "Domain Status: ok https://icann.org/epp#ok" in answer


def test_port_43_knows_what_is_not_registered_and_refers_no_further_than_it_must(lab: Client) -> None:
    assert whois(lab, "nobody.example", "127.0.0.43")[0] == 'No match for "NOBODY.EXAMPLE".'
    assert not [line for line in whois(lab, "soft.test") if line.startswith("refer:")]
    assert whois(lab, "nobody.org") == ["% This query returned 0 objects."]


def test_a_registrar_suspends_and_the_name_is_no_more(lab: Client, service: FakeService) -> None:
    service.send(lab.card["smtp"], "abuse@tidy.example", urls(lab, "soft.test"))
    go(lab, "03-02T13:00")

    assert lookup(lab, "soft.test").rcode() == dns.rcode.NXDOMAIN
    assert rdap(lab, "domain/soft.test")["status"] == ["client hold"]
    assert all(until for _, _, until in (lab.truth()[url][0] for url in urls(lab, "soft.test")))


def test_a_registrar_parks_and_every_path_shows_its_page(lab: Client, service: FakeService) -> None:
    (url,) = urls(lab, "grumpy.example")
    service.send(lab.card["smtp"], "abuse@lots.test", [url])
    before = get(lab, "127.11.0.11", url)
    go(lab, "03-02T13:00")

    parked = get(lab, "127.0.1.9", url)
    assert texts(lookup(lab, "grumpy.example")) == ["0 127.0.1.9"]
    assert parked[0] == 200
    assert parked == get(lab, "127.0.1.9", url + "-made-up") != before
    assert "clientUpdateProhibited" in str(whois(lab, "grumpy.example", "127.0.0.43"))
    assert lab.truth()[url][0][2]


def test_a_registrar_ends_only_what_it_sold(lab: Client, service: FakeService) -> None:
    service.send(lab.card["smtp"], "abuse@lots.test", urls(lab, "soft.test"))
    go(lab, "03-02T13:00")

    assert lookup(lab, "soft.test").rcode() == dns.rcode.NOERROR


# Proxies.


def test_a_proxy_stands_in_the_names_and_shows_what_its_origin_has(lab: Client, service: FakeService) -> None:
    (one, two) = urls(lab, "www.fronted.test")
    names = texts(lookup(lab, "www.fronted.test"))
    service.send(lab.card["smtp"], "abuse@quick.example", [one])
    go(lab, "03-02T12:00")

    assert names == ["0 fronted.front.example.", "0 127.13.0.11"]
    assert [get(lab, a, one)[0] in (404, 410) for a in ("127.13.0.11", "127.10.0.21")] == [True, True]
    assert [get(lab, a, two)[0] for a in ("127.13.0.11", "127.10.0.21")] == [200, 200]
    assert lab.truth()[one][0][:2] == ("front", "03-02T09:00")


def test_a_proxy_names_its_origin_and_tells_it(lab: Client, service: FakeService) -> None:
    (one, _) = urls(lab, "www.fronted.test")
    service.send(lab.card["smtp"], "abuse@front.example", [one])
    go(lab, "03-02T15:00")

    (said,) = service.said
    assert (said["answer"], said["whose"]) == ("forwarded", "127.10.0.21")
    assert "2026-03-02T21:10" <= said["until"] <= "2026-03-02T21:20"
    assert "03-02T12:00" <= str(lab.truth()[one][0][2]) <= "03-02T14:00"


def ask_origin(lab: Client, proxy: str, host: str, token: str) -> tuple[int, Any]:
    """Return status and answer of a proxy that is asked what stands behind a host."""
    connection = HTTPConnection("127.0.0.1", lab.card["ports"]["origins"], timeout=5)
    try:
        connection.request("GET", f"/{proxy}?host={host}", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_proxy_tells_whom_it_trusts_what_stands_behind_a_host(lab: Client) -> None:
    name, _, token = lab.card["origin_tokens"].partition("=")
    place = lab.card["origin_lookups"]

    status, said = ask_origin(lab, "front", "www.fronted.test", token)

    assert name == "proxy:lab-front"
    assert place == f"proxy:lab-front=http://127.0.0.1:{lab.card['ports']['origins']}/front"
    assert status == 200
    assert said == {
        "addresses": ["127.10.0.21"],
        "holder_name": "Quick",
        "abuse": [{"email": "abuse@quick.example"}],
    }


@pytest.mark.parametrize(
    ("proxy", "host", "token", "status"),
    [
        ("front", "www.fronted.test", "a guess", 401),
        ("front", "soft.test", "", 404),
        ("quick", "soft.test", "", 404),
    ],
)
def test_a_proxy_tells_nobody_else_and_of_no_other_host(
    lab: Client, proxy: str, host: str, token: str, status: int
) -> None:
    token = token or lab.card["origin_tokens"].partition("=")[2]

    assert ask_origin(lab, proxy, host, token)[0] == status


# Mailboxes.


def test_a_party_says_its_word_once_for_each_page(lab: Client, service: FakeService) -> None:
    told = urls(lab, "grumpy.example")
    service.send(lab.card["smtp"], "abuse@ticket.example", told)
    lab.leap("2026-03-02T09:30Z")
    service.send(lab.card["smtp"], "abuse@ticket.example", told)
    go(lab, "03-03T09:30")

    assert service.said == [{"answer": "refused", "why": "not without an order"}]
    assert lab.truth()[told[0]][0][2] is None


def test_a_ticket_system_answers_by_itself(lab: Client, service: FakeService) -> None:
    service.send(lab.card["smtp"], "abuse@ticket.example", urls(lab, "grumpy.example"))
    go(lab, "03-02T09:30")

    (path,) = Path(lab.card["maildir"], "new").iterdir()
    reply: Any = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert (reply["Auto-Submitted"], reply["To"]) == ("auto-replied", "return+t1@hotline.test")
    assert reply["Subject"] == "Automatic reply: Notice"
    assert reply["In-Reply-To"] == "<t1@hotline.test>"


def test_an_outdated_address_bounces_and_the_true_one_acts(lab: Client, service: FakeService) -> None:
    told = urls(lab, "inner.example")
    service.send(lab.card["smtp"], "old@shut-before.example", told)
    go(lab, "03-02T09:30")
    still = [lab.truth()[url][0][2] for url in told]
    service.send(lab.card["smtp"], "abuse@shut.example", told)
    go(lab, "03-02T14:00")

    (path,) = Path(lab.card["maildir"], "new").glob("000001*")
    assert b"Action: failed" in path.read_bytes()
    assert still == [None, None]
    assert all(lab.truth()[url][0][2] for url in told)
    assert {said["answer"] for said in service.said} == {"account_closed"}


def test_a_hotline_abroad_takes_the_page_over_and_its_work_ends_it(lab: Client, service: FakeService) -> None:
    (one, two) = urls(lab, "inner.example")
    service.send(lab.card["smtp"], "desk@abroad.test", [one])
    go(lab, "03-02T18:00")

    (said,) = service.said
    assert said["answer"] == "forwarded"
    assert "2026-03-03T10:00" <= said["until"] <= "2026-03-03T11:00"
    assert "03-02T15:00" <= str(lab.truth()[one][0][2]) <= "03-02T17:00"
    assert lab.truth()[two][0][2] is None


def test_a_report_and_a_table_are_read_as_a_text_is(lab: Client, service: FakeService) -> None:
    one, two = urls(lab, "inner.example")
    message = EmailMessage()
    message["Message-ID"] = "<x@hotline.test>"
    message.set_content("See the attached.\n")
    message.add_attachment(f'{{"Source": {{"Url": "{one}"}}}}'.encode(), "application", "json")
    message.add_attachment(f'url,seen\r\n"{two}",2026\r\n', subtype="csv")
    host, port = lab.card["smtp"].removeprefix("smtp://").split(":")
    service.hand_over((host, int(port)), "abuse@shut.example", message.as_bytes(policy=policy.SMTP))
    go(lab, "03-02T14:00")

    assert [lab.truth()[url][0][2] is not None for url in (one, two)] == [True, True]


# Web servers.


def test_a_soft_404_is_one_same_page_for_what_is_gone_and_what_never_was(
    lab: Client, service: FakeService
) -> None:
    url, other = urls(lab, "soft.test")
    before = get(lab, "127.10.0.11", url)
    service.send(lab.card["smtp"], "abuse@quick.example", [url])
    go(lab, "03-02T12:00")

    after = get(lab, "127.10.0.11", url)
    assert (before[0], after[0]) == (200, 200)
    assert after == get(lab, "127.10.0.11", f"{other}-made-up") != before
    assert get(lab, "127.10.0.11", other) not in (before, after)


def test_a_page_that_was_removed_comes_back(lab: Client, service: FakeService) -> None:
    url, other = urls(lab, "soft.test")
    before = get(lab, "127.10.0.11", url)
    service.send(lab.card["smtp"], "abuse@quick.example", [url, other])
    go(lab, "03-03T14:00")

    first, second = lab.truth()[url]
    assert get(lab, "127.10.0.11", url) == before
    assert (first[2], second[2]) == (second[1].replace("03-03", "03-02"), None)  # type: ignore[union-attr]
    assert len(lab.truth()[other]) == 1


def test_one_server_answers_everything_with_a_page_of_its_own(lab: Client) -> None:
    (url,) = urls(lab, "echo.test")

    lengths = {get(lab, "127.10.0.12", url + "x" * n) for n in (1, 2)}

    assert [status for status, _ in lengths] == [200, 200]
    assert len(lengths) == 2


def test_a_hotlink_protected_page_wants_its_gallery_as_referrer(lab: Client, service: FakeService) -> None:
    (url,) = urls(lab, "hot.test")
    header, line = next(iter(service.hand_ins.values()))["text"].splitlines()[:2]
    referrer = line.partition(",")[2]

    assert (header, line.partition(",")[0]) == ("url,referrer", url)
    assert get(lab, "127.10.0.13", url)[0] == 403
    assert get(lab, "127.10.0.13", url, f"Referer: {referrer}")[0] == 200
    assert get(lab, "127.10.0.13", url + "-made-up", f"Referer: {referrer}")[0] == 404


def test_a_geo_blocked_page_is_kept_from_one_vantage_point(lab: Client) -> None:
    (url,) = urls(lab, "geo.test")
    host, _, target = url.removeprefix("http://").partition("/")
    request = f"GET /{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()

    far = socks(lab, 1, bytes((127, 10, 0, 14)), lab.card["web_port"], request=request)

    assert get(lab, "127.10.0.14", url)[0] == 200
    assert b"451 Unavailable For Legal Reasons" in far


def test_an_account_that_was_closed_shows_one_page_for_every_path(lab: Client, service: FakeService) -> None:
    one, two = urls(lab, "inner.example")
    service.send(lab.card["smtp"], "abuse@shut.example", [one])
    go(lab, "03-02T12:00")

    closed = get(lab, "127.12.0.11", one)
    assert closed[0] == 200
    assert closed == get(lab, "127.12.0.11", one + "-made-up") != get(lab, "127.12.0.11", two)


def test_a_machine_is_down_in_three_ways_and_up_again(lab: Client) -> None:
    (url,) = urls(lab, "sick.test")
    where = (bytes((127, 10, 0, 15)), lab.card["web_port"])
    seen: list[object] = []
    go(lab, "03-02T10:30")
    with pytest.raises(ConnectionRefusedError):
        get(lab, "127.10.0.15", url)
    seen.append(socks(lab, 1, *where)[1])
    go(lab, "03-02T11:30")
    seen.append(get(lab, "127.10.0.15", url)[0])
    go(lab, "03-02T12:30")
    seen.append(get(lab, "127.10.0.15", url)[0])
    go(lab, "03-02T14:30")
    with socket.create_connection(("127.10.0.15", lab.card["web_port"]), timeout=0.1) as one:
        one.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(TimeoutError):
            one.recv(1)
    seen.append(socks(lab, 1, *where)[1])
    go(lab, "03-02T15:30")
    seen.append(get(lab, "127.10.0.15", url)[0])

    assert seen == [5, 200, 503, 6, 200]


def test_a_machine_that_is_down_is_so_after_a_restart(
    wide: World, tmp_path: Path, service: FakeService
) -> None:
    with playing(wide, tmp_path / "lab") as client:
        client.ask("POST", "/service", service.card())
        go(client, "03-02T10:30")
    with playing(wide, tmp_path / "lab") as client:
        (url,) = urls(client, "sick.test")
        with pytest.raises(ConnectionRefusedError):
            get(client, "127.10.0.15", url)


# The hotline's own people.


def test_the_desks_forms_are_filled_in_by_those_who_may(lab: Client, service: FakeService) -> None:
    go(lab, "03-03T12:30")

    assert service.acts == [
        ("hold", {"until": "2026-03-05T10:00", "reason": "the police asked"}),
        ("hold", {"until": "2026-03-05T10:00", "reason": "the police asked"}),
        ("origin", {"address": "127.10.0.21", "until": "", "reason": "its own headers"}),
        ("withdraw", {"reason": "a mistake"}),
    ]


def test_an_act_whose_answer_was_lost_is_not_missed_when_its_form_is_gone(
    lab: Client, service: FakeService
) -> None:
    service.breaks.append(("POST /act/withdraw", "after"))
    go(lab, "03-03T12:30")

    assert [what for what, _ in service.acts].count("withdraw") == 1
    assert lab.ask("GET", "/state")["faults"] == []


def test_two_leads_approve_each_notice_once_and_one_declines(lab: Client, service: FakeService) -> None:
    service.waiting = {"N-26-AAAA-AAAA": [], "N-26-BBBB-BBBB": []}
    go(lab, "03-03T20:00")
    service.waiting["N-26-CCCC-CCCC"] = []
    go(lab, "03-04T20:00")

    assert service.waiting == {
        "N-26-AAAA-AAAA": ["lead", "lead2"],
        "N-26-BBBB-BBBB": ["lead", "lead2"],
        "N-26-CCCC-CCCC": ["not lead2"],
    }
