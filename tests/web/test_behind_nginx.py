"""Desk and portal behind nginx as docs/operations.md sets it up: limits, cookies, hosts, forwarded fields."""

import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.web.conftest import PASSWORD, Forms, totp
from tests.web.doors import BOUND_S, serving
from tests.world.playing import ROOT, environment

pytestmark = pytest.mark.system

DESK, PORTAL = "desk.your-hotline.example", "portal.your-hotline.example"
LEAD = "lead@hotline.test"


@dataclass(frozen=True)
class Front:
    """nginx before both doors: its port, the doors' own, the certificates it shows, and the lead's secret."""

    port: int
    desk: int
    trusted: ssl.SSLContext
    secret: str


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    short = name.partition(".")[0]
    kept = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / f"{short}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *kept))
    shown = folder / f"{short}.pem"
    shown.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return shown


def configuration(folder: Path, port: int, desk: int, portal: int) -> str:
    """Return what docs/operations.md says, with ports and certificates of our own, as one whole file."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (said,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    filled = (
        said.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
        .replace("127.0.0.1:8000", f"127.0.0.1:{desk}")
        .replace("127.0.0.1:8001", f"127.0.0.1:{portal}")
        .replace("/etc/ssl/", f"{folder}/")
    )
    # Workers of a master that is root would be somebody else, who may not write here.
    whose = "user root root;\n" if os.geteuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    top = f"{whose}daemon off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
    return f"{top}http {{\n{own}{filled}}}\n"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    trusted = ssl.create_default_context()
    for name in (DESK, PORTAL):
        trusted.load_verify_locations(certificate(folder, name))
    urls = {"desk_url": f"https://{DESK}", "portal_url": f"https://{PORTAL}"}
    with serving(folder, trusted_proxies="127.0.0.1/32", **urls) as doors:
        secret = _lead(folder)
        port = free_port()
        file = folder / "nginx.conf"
        file.write_text(configuration(folder, port, doors.desk, doors.portal))
        arguments = ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(file)]
        nginx = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
        try:
            _wait_for(port, nginx)
            yield Front(port, doors.desk, trusted, secret)
        finally:
            nginx.terminate()
            nginx.communicate(timeout=BOUND_S)


def _lead(folder: Path) -> str:
    """Make the lead's account beside the process that serves; return its secret."""
    word = folder / "word"
    word.write_text(PASSWORD)
    made = subprocess.run(
        [sys.executable, "-m", "nta", "user", "add", LEAD, "--role", "lead", "--password-file", str(word)],
        env={**environment(None), "NTA_INSTANCE": str(folder / "instance")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.rpartition(" ")[2].strip()


def _wait_for(port: int, nginx: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + BOUND_S
    while time.monotonic() < until and nginx.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    nginx.kill()
    raise AssertionError(nginx.communicate()[1])


class _Named(HTTPSConnection):
    """Connects to nginx on loopback from an address of loopback, and asks for a host by its name."""

    def __init__(self, front: Front, name: str, source: str) -> None:
        super().__init__(name, front.port, timeout=BOUND_S, context=front.trusted)
        self._front, self._name, self._source = front, name, source

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self._front.port), BOUND_S, (self._source, 0))
        self.sock = self._front.trusted.wrap_socket(plain, server_hostname=self._name)


class Browser:
    """Somebody at an address of loopback who keeps cookies."""

    def __init__(self, front: Front, address: str = "127.0.0.1", name: str = DESK) -> None:
        self._front, self._address, self._name = front, address, name
        self.cookies = SimpleCookie()
        self.text = ""

    def ask(self, path: str, fields: dict[str, object] | None = None, **headers: str) -> HTTPResponse:
        connection = _Named(self._front, self._name, self._address)
        sent = {"Host": self._name, **{name.replace("_", "-"): text for name, text in headers.items()}}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{one.key}={one.value}" for one in self.cookies.values())
        body = urlencode(fields, doseq=True) if fields is not None else None
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("POST" if fields is not None else "GET", path, body, sent)
        answer = connection.getresponse()
        self.text = answer.read().decode(errors="replace")
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookies.load(line)
        connection.close()
        return answer

    def form(self, path: str, name: str) -> dict[str, object]:
        self.ask(path)
        return dict(Forms(self.text).forms[name])

    def guess(self, count: int, **headers: str) -> list[int]:
        wrong = self.form("/login", "login") | {"email": LEAD, "password": "wrong horse battery"}
        return [self.ask("/login", wrong, **headers).status for _ in range(count)]


def test_the_lead_gets_in_while_another_client_is_slowed_down(front: Front) -> None:
    tried = Browser(front, "127.0.0.66").guess(16)

    lead = Browser(front, "127.0.0.1")
    lead.ask("/login", lead.form("/login", "login") | {"email": LEAD, "password": PASSWORD})
    lead.ask("/tf-validate", lead.form("/tf-validate", "tf") | {"code": totp(front.secret, time.time())})

    assert tried[:10] == [200] * 10
    assert 429 in tried[10:]
    assert lead.ask("/cases").status == 200


def test_what_a_client_writes_into_forwarded_headers_counts_for_nothing(front: Front) -> None:
    liar = Browser(front, "127.0.0.77")
    wrong = liar.form("/login", "login") | {"email": "nobody@hotline.test", "password": "wrong horse battery"}

    tried = [
        liar.ask("/login", wrong, X_Forwarded_For=f"198.51.100.{n}", Forwarded=f"for=198.51.100.{n}").status
        for n in range(16)
    ]
    misled = Browser(front).ask("/cases", X_Forwarded_Host="evil.example")

    assert 429 in tried[10:]
    assert "evil.example" not in str(misled.headers)


def test_unknown_links_of_one_client_keep_no_other_out(front: Front) -> None:
    stranger = Browser(front, "127.0.0.88", PORTAL)
    tried = [stranger.ask(f"/n/unknown{n}").status for n in range(31)]

    assert tried == [404] * 30 + [429]
    assert Browser(front, "127.0.0.1", PORTAL).ask("/n/unknown").status == 404


def test_cookies_go_over_tls_to_one_host_alone_and_to_no_script(front: Front) -> None:
    browser = Browser(front)
    answer = browser.ask("/login")

    (line,) = answer.headers.get_all("Set-Cookie", [])
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= {part.strip() for part in line.split(";")}
    assert "domain=" not in line.lower()
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "http://" not in (Browser(front).ask("/cases").headers["Location"] or "")


def test_another_host_name_is_refused(front: Front) -> None:
    assert Browser(front).ask("/login", Host="evil.example").status == 400


def test_sizes_are_bounded_before_the_desk_is_asked(front: Front) -> None:
    browser = Browser(front)

    assert browser.ask("/login", {"email": "x" * 70_000}).status == 413
    assert "nginx" in browser.text
    assert browser.ask("/hand-in", {"text": "x" * 300_000}).status in {302, 413}
    assert "nginx" not in browser.text


def test_a_door_that_is_reached_past_the_proxy_believes_no_other_address(front: Front) -> None:
    tried = []
    for number in range(16):
        past = HTTPConnection("127.0.0.1", front.desk, timeout=BOUND_S, source_address=("127.0.0.99", 0))
        past.request("GET", "/login", headers={"Host": DESK, "X-Forwarded-For": f"198.51.100.{number}"})
        answer = past.getresponse()
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        form = Forms(answer.read().decode()).forms["login"] | {"email": "a@hotline.test", "password": "wrong"}
        sent = {
            "Host": DESK,
            "X-Forwarded-For": f"198.51.100.{number}",
            "Cookie": cookie,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        past.request("POST", "/login", urlencode(form, doseq=True), sent)
        tried.append(past.getresponse().status)
        past.close()

    assert tried[:10] == [200] * 10
    assert 429 in tried[10:]
