"""Where looks connect to, directly and through a proxy, and where they never do."""

import pycurl
import pytest

from nta.adapters.net.address_policy import Gate
from nta.adapters.probe.probe_handle import Handle, Rules
from nta.domain.errors import OutsideError
from nta.ports import LookRequest
from nta.settings import Reach
from tests.adapters.looking import HERE, look, request
from tests.adapters.servers import SocksServer, WebServer, http, nobody_listening


@pytest.fixture
def server():
    with WebServer() as server:
        yield server


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "web.test"]
)
def test_an_address_outside_our_reach_is_never_connected_to(server, public, address):
    answer = look(public, request(server, address=address))[1]

    assert (answer.status, answer.error) == (None, "not_reachable")
    assert server.connections == 0


def test_the_same_look_succeeds_once_the_gate_is_open(server, loopback):
    """Without this, the test above would also pass with nothing listening."""
    server.pages["/page"] = http(200)

    assert look(loopback, request(server, address="::ffff:127.0.0.1"))[1].status == 200


def test_our_own_door_is_not_looked_at(server, loopback):
    loopback.own = [(HERE, server.port)]

    assert look(loopback, request(server))[1].error == "not_reachable"
    assert server.connections == 0


def test_a_url_that_names_another_server_still_goes_to_the_pin(server, loopback):
    """The host in the URL is never looked up: whatever it says, the vetted address is connected to."""
    server.pages["/page"] = http(200)
    asked = LookRequest(1, "http://10.0.0.1:9/page", "10.0.0.1", server.port, HERE)

    assert look(loopback, asked)[1].status == 200
    assert server.connections == 1


def test_an_ipv6_address_is_pinned(loopback):
    asked = LookRequest(1, "http://[::1]:9/", "::1", 9, "::1")

    answer = look(loopback, asked)[1]

    assert answer.ip == "::1"
    assert answer.error == "refused"


def test_a_proxy_is_asked_for_the_pinned_address_and_no_name(server, loopback):
    server.pages["/page"] = http(200)
    with SocksServer() as proxy:
        answer = look(loopback, request(server), proxy=f"socks5h://localhost:{proxy.port}")[1]

        assert answer.status == 200
        assert proxy.places == [(1, HERE, server.port)]


@pytest.mark.parametrize(("refusal", "error"), [(5, "refused"), (4, "timeout"), (2, "not_reachable")])
def test_what_a_proxy_refuses_is_told_apart(server, loopback, refusal, error):
    with SocksServer(refusal) as proxy:
        answer = look(loopback, request(server), proxy=f"socks5h://127.0.0.1:{proxy.port}")[1]

    assert answer.error == error


def test_a_proxy_that_is_down_is_our_own_trouble(server, loopback):
    with nobody_listening() as port:
        answer = look(loopback, request(server), proxy=f"socks5h://127.0.0.1:{port}")[1]

    assert answer.error == "not_reachable"


def test_through_a_proxy_the_gate_still_holds(server, public):
    with SocksServer() as proxy:
        answer = look(public, request(server), proxy=f"socks5h://127.0.0.1:{proxy.port}")[1]

        assert answer.error == "not_reachable"
        assert proxy.connections == 0


def test_a_proxy_without_an_address_is_an_outside_error(server, loopback):
    with pytest.raises(OutsideError):
        look(loopback, request(server), proxy="socks5h://:1080")


def test_the_address_the_gate_gives_back_is_the_one_connected_to(server):
    class Careful(Gate):
        def vet(self, ip: str, port: int | None = None) -> str:
            return "127.0.0.2"

    gate = Careful(Reach(public=False, ranges=()))

    answer = look(gate, request(server))[1]

    assert (answer.ip, answer.error) == ("127.0.0.2", "refused")
    assert server.connections == 0


def test_curl_gets_no_socket_for_another_address_than_the_vetted_one(server, trust):
    rules = Rules(str(trust.ca_file), "nta", 400, 400, may_get=True)
    handle = Handle(rules, None)
    handle.queue.append((request(server), "127.0.0.2"))
    handle.start()
    handle.curl.setopt(pycurl.CONNECT_TO, [f"::{HERE}:{server.port}"])

    with pytest.raises(pycurl.error) as caught:
        handle.curl.perform()
    _, answer = handle.finish(caught.value.args[0])
    handle.curl.close()

    assert answer.error == "not_reachable"
    assert server.connections == 0
