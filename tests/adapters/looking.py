"""Requests and looks that the tests of the probe share."""

from nta.adapters.net.address_policy import Gate
from nta.adapters.probe.prober import CurlProber
from nta.domain.checks.verdicts import ProbeAnswer
from nta.ports import LookRequest
from nta.settings import Vantage
from tests.adapters.servers import WebServer

HERE = "127.0.0.1"


def prober(gate: Gate, proxy: str | None = None, **options) -> CurlProber:
    return CurlProber([Vantage("local", proxy)], gate, **{"timeout_s": 3, "connect_timeout_s": 3, **options})


def request(
    server: WebServer, path: str = "/page", key: int = 1, host: str = "web.test", **more
) -> LookRequest:
    scheme = more.pop("scheme", "http")
    url = f"{scheme}://{host}:{server.port}{path}"
    return LookRequest(key, url, more.pop("named", host), server.port, more.pop("address", HERE), **more)


def look(gate: Gate, *requests: LookRequest, **options) -> dict[int, ProbeAnswer]:
    return dict(prober(gate, **options).look(requests, "local"))
