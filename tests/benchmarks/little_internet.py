"""2,000 hosts on loopback: a DNS server, and a web server of which half of the pages are gone."""

import asyncio
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOSTS = 2_000
PER_HOST = 10
_BODY = "x" * 1_200
_NGINX = """daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log crit;
worker_processes 1;
worker_rlimit_nofile 16000;
events {{ worker_connections 12000; multi_accept on; }}
http {{
  access_log off;
  keepalive_timeout 0;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
{listens}
    location /gone/ {{ return 404; }}
    location / {{ return 200 "{body}"; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Internet:
    """Where it is: the ports, and what serves the pages."""

    web_port: int
    dns_port: int
    server: str


def address(host: int) -> str:
    """Return a host's loopback address."""
    return f"127.10.{host // 250}.{host % 250 + 1}"


def name(host: int) -> str:
    """Return a host's name."""
    return f"h{host}.bench.test"


def url(host: int, page: int, port: int) -> str:
    """Return the URL of a page; each second one is gone."""
    return f"http://{name(host)}:{port}/{'gone' if page % 2 else 'there'}/{page}/picture-{host}.html"


@contextmanager
def running(folder: Path) -> Iterator[Internet]:
    """Start both servers, and end them afterwards."""
    web_port = _free_port(address(0))
    program = shutil.which("nginx")
    if program:
        listens = "\n".join(f"    listen {address(host)}:{web_port};" for host in range(HOSTS))
        config = folder / "nginx.conf"
        config.write_text(_NGINX.format(folder=folder, listens=listens, body=_BODY))
        web = [program, "-p", str(folder), "-c", str(config), "-e", str(folder / "nginx-error.log")]
    else:
        web = [sys.executable, "-m", "tests.benchmarks.little_internet", "web", str(web_port)]
    dns = [sys.executable, "-m", "tests.benchmarks.little_internet", "dns"]
    with subprocess.Popen(web) as web_server, subprocess.Popen(dns, stdout=subprocess.PIPE) as dns_server:
        try:
            assert dns_server.stdout is not None
            dns_port = int(dns_server.stdout.readline())
            _wait_for(address(HOSTS - 1), web_port, web_server)
            yield Internet(web_port, dns_port, "nginx" if program else "asyncio")
        finally:
            web_server.terminate()
            dns_server.terminate()


def _free_port(ip: str) -> int:
    with socket.socket() as probe:
        probe.bind((ip, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(ip: str, port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert server.poll() is None, "the web server ended"
        with socket.socket() as probe:
            if probe.connect_ex((ip, port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the web server does not answer")


def _serve_names() -> None:
    """Answer A with the host's address, everything else with nothing; TTL 0."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    server.bind(("127.0.0.1", 0))
    print(server.getsockname()[1], flush=True)
    packed = [socket.inet_aton(address(host)) for host in range(HOSTS)]
    while True:
        asked, whom = server.recvfrom(512)
        end = asked.index(0, 12) + 5
        host = int(asked[14 : 13 + asked[12]])
        is_a = asked[end - 4 : end - 2] == b"\x00\x01"
        head = asked[:2] + struct.pack("!5H", 0x8580, 1, int(is_a), 0, 0)
        answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04" + packed[host] if is_a else b""
        server.sendto(head + asked[12:end] + answer, whom)


class _Page(asyncio.Protocol):
    """Answers one request and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert isinstance(self._transport, asyncio.Transport)
        path = data.split(b" ", 2)[1]
        status = b"404 Not Found" if path.startswith(b"/gone/") else b"200 OK"
        body = b"" if data.startswith(b"HEAD ") else _BODY.encode()
        head = b"HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        self._transport.write(head % (status, len(_BODY)) + body)
        self._transport.close()


async def _serve_pages(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Page, [address(host) for host in range(HOSTS)], port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "dns":
        _serve_names()
    else:
        asyncio.run(_serve_pages(int(sys.argv[2])))
