"""Who a request comes from: a proxy is believed only where it is named, and only as far."""

import logging
from ipaddress import ip_network

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from nta.domain.parties.organisations import Catalogue
from nta.settings import Settings
from nta.store.db.handle import Store
from nta.web.clients import Forwarded
from nta.web.desk import create_desk
from nta.web.portal import create_portal
from tests.fakes import SetClock
from tests.web.conftest import COMPILED, PASSWORD, Forms, Staffed, log_in

PROXY = "10.0.0.7"
PROXIES = (ip_network("10.0.0.0/24"), ip_network("2001:db8:f::/64"))


def seen(peer: str, **headers: str) -> dict[str, object]:
    """Return what an app behind sees of a request."""
    found: dict[str, object] = {}

    def app(environ: dict[str, object], _start: object) -> list[bytes]:
        found.update(environ)
        return []

    behind = Forwarded(app, PROXIES, lambda: None)
    behind({"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", **headers}, lambda *_: None)  # type: ignore[arg-type, return-value]
    return found


@pytest.mark.parametrize(
    ("peer", "listed", "client"),
    [
        pytest.param("192.0.2.9", "198.51.100.1", "192.0.2.9", id="a-stranger-is-not-believed"),
        pytest.param(PROXY, "198.51.100.1", "198.51.100.1", id="the-proxy-is"),
        pytest.param(PROXY, "203.0.113.5, 198.51.100.1", "198.51.100.1", id="what-the-client-wrote-is-not"),
        pytest.param(PROXY, "198.51.100.1, 10.0.0.3", "198.51.100.1", id="a-chain-of-ours"),
        pytest.param(PROXY, "10.0.0.3", "10.0.0.3", id="the-proxy-itself"),
        pytest.param(PROXY, "198.51.100.1, unknown", PROXY, id="unreadable"),
        pytest.param(PROXY, "", PROXY, id="nothing-said"),
        pytest.param(PROXY, "198.51.100.1:4711", "198.51.100.1", id="with-a-port"),
        pytest.param(PROXY, '"[2001:db8::1]:4711"', "2001:db8::1", id="ipv6-with-a-port"),
        pytest.param("2001:db8:f::2", "2001:db8::1", "2001:db8::1", id="ipv6"),
        pytest.param("::ffff:10.0.0.7", "198.51.100.1", "198.51.100.1", id="ipv4-as-ipv6"),
        pytest.param(PROXY, "1," * 100_000 + "198.51.100.1", "198.51.100.1", id="endless"),
    ],
)
def test_whose_request_it_is(peer: str, listed: str, client: str) -> None:
    assert seen(peer, HTTP_X_FORWARDED_FOR=listed)["REMOTE_ADDR"] == client


@pytest.mark.parametrize("peer", [PROXY, "192.0.2.9"])
def test_no_forwarded_header_is_left_for_anything_behind(peer: str) -> None:
    names = ("FORWARDED", "X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PROTO", "X_FORWARDED_PREFIX")

    found = seen(peer, **{f"HTTP_{name}": "https" for name in names}, HTTP_HOST="desk.example")

    assert not [name for name in found if "FORWARDED" in name]
    assert found["HTTP_HOST"] == "desk.example"
    assert found["wsgi.url_scheme"] == ("https" if peer == PROXY else "http")


@pytest.fixture
def behind(settings: Settings) -> Settings:
    object.__setattr__(settings, "trusted_proxies", PROXIES)
    return settings


@pytest.fixture
def proxied(lite: Store, behind: Settings, clock: SetClock, catalogue: Catalogue, at_nine: object) -> Flask:
    app = create_desk(lite, behind, clock, catalogue)
    app.jinja_env.bytecode_cache = COMPILED
    return app


def at(app: Flask, address: str) -> FlaskClient:
    """Return a browser at an address, behind the proxy."""
    client = app.test_client()
    client.environ_base |= {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": address}
    return client


def guess(client: FlaskClient, count: int, email: str = "lead@hotline.test") -> list[int]:
    form = Forms(client.get("/login").text).forms["login"]
    wrong = form | {"email": email, "password": "wrong horse battery"}
    return [client.post("/login", data=wrong).status_code for _ in range(count)]


def password(client: FlaskClient) -> TestResponse:
    form = Forms(client.get("/login").text).forms["login"]
    return client.post("/login", data=form | {"email": "Lead@hotline.test", "password": PASSWORD})


def test_wrong_log_ins_of_one_client_keep_nobody_else_out(proxied: Flask, staffed: Staffed) -> None:
    tried = guess(at(proxied, "203.0.113.9"), 12)

    log_in(at(proxied, "198.51.100.1"), staffed.users["lead"])

    assert tried == [200] * 10 + [429] * 2


def test_a_lead_gets_in_while_many_clients_hammer_at_the_account(
    proxied: Flask, staffed: Staffed, at_nine: time_machine.Traveller
) -> None:
    known, new = at(proxied, "198.51.100.1"), at(proxied, "198.51.100.2")
    log_in(known, staffed.users["lead"])
    device = known.get_cookie("nta_desk_device")
    assert device
    for number in range(4):
        guess(at(proxied, f"203.0.113.{number}"), 9)

    moved = at(proxied, "203.0.113.1")  # the device that was let in before, where somebody hammers
    moved.set_cookie("nta_desk_device", device.value)
    at_once, put_off = password(moved), password(new)
    guess(at(proxied, "203.0.113.200"), 3)
    at_nine.shift(max(31, int(put_off.headers["Retry-After"])))  # and the code is another by then
    log_in(new, staffed.users["lead"])

    assert (at_once.status_code, put_off.status_code) == (302, 429)
    assert int(put_off.headers["Retry-After"]) <= 60
    assert new.get("/cases").status_code == 200
    assert device.http_only


def test_wrong_codes_count_as_wrong_passwords_do(proxied: Flask, staffed: Staffed) -> None:
    client = at(proxied, "203.0.113.9")
    password(client)
    form = Forms(client.get("/tf-validate").text).forms["tf"]

    tried = [client.post("/tf-validate", data=form | {"code": "000000"}).status_code for _ in range(11)]

    assert tried == [200] * 10 + [429]


def test_whoever_is_in_becomes_no_known_device_of_another_account(proxied: Flask, staffed: Staffed) -> None:
    client = at(proxied, "198.51.100.1")
    log_in(client, staffed.users["analyst"])
    own = client.get_cookie("nta_desk_device")
    token = Forms(client.get("/cases").text).forms["logout"]

    client.post("/login", data=token | {"email": "lead@hotline.test", "password": "wrong horse battery"})
    client.post("/tf-validate", data=token | {"code": "000000"})

    now = client.get_cookie("nta_desk_device")
    assert own
    assert now
    assert now.value == own.value


def test_a_log_in_in_another_form_is_not_looked_at(proxied: Flask) -> None:
    client = at(proxied, "203.0.113.9")
    token = Forms(client.get("/login").text).forms["login"]["csrf_token"][0]

    answer = client.post(
        "/login",
        json={"email": "lead@hotline.test", "password": PASSWORD},
        headers={"X-CSRFToken": token, "Accept": "application/json"},
    )

    assert answer.status_code == 400
    assert client.get("/tf-validate").status_code == 302


def test_unknown_links_of_one_client_keep_no_provider_out(
    lite: Store, behind: Settings, clock: SetClock, catalogue: Catalogue
) -> None:
    app = create_portal(lite, behind, clock, catalogue)
    app.jinja_env.bytecode_cache = COMPILED
    stranger, neighbour = at(app, "2001:db8:1:2::1"), at(app, "2001:db8:1:2:ffff::9")
    tried = [stranger.get("/n/unknown").status_code for _ in range(31)]

    assert tried == [404] * 30 + [429]
    assert neighbour.get("/n/other").status_code == 429  # the same /64: one subscriber
    assert at(app, "2001:db8:1:3::1").get("/n/other").status_code == 404


def test_a_proxy_that_is_not_named_is_told_of_once(desk: Flask, caplog: pytest.LogCaptureFixture) -> None:
    client = at(desk, "198.51.100.1")
    with caplog.at_level(logging.WARNING, "nta.web"):
        client.get("/login")
        client.get("/login")

    (line,) = [record.getMessage() for record in caplog.records if record.name == "nta.web"]
    assert line == "a proxy that NTA_TRUSTED_PROXIES does not name forwards requests"
