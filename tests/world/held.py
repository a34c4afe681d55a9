"""A lab whose answers can be held back: a process of its own behind a control port that the test keeps."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.world.playing import ROOT, end_lab, environment, pause


class HeldLab:
    """Passes what is asked on to the lab; the path that `held` names waits until `let_go` is set."""

    def __init__(self) -> None:
        self.held = ""
        self.is_asked = threading.Event()
        self.let_go = threading.Event()
        self.behind = ("127.0.0.1", 0)
        owner = self

        class Passing(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner._pass(self)

            do_POST = do_GET  # noqa: N815  # the name that the base class asks for

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "HeldLab":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _pass(self, asked: BaseHTTPRequestHandler) -> None:
        body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
        if asked.path == self.held:
            self.is_asked.set()
            self.let_go.wait()
        connection = HTTPConnection(*self.behind)
        try:
            connection.request(asked.command, asked.path, body)
            answer = connection.getresponse()
            status, content = answer.status, answer.read()
        except OSError:
            status, content = 500, b""  # the lab has ended
        finally:
            connection.close()
        asked.close_connection = True
        try:
            asked.send_response(status)
            asked.send_header("Content-Length", str(len(content)))
            asked.end_headers()
            asked.wfile.write(content)
        except OSError:
            return  # the demo has ended


@contextmanager
def held_lab(folder: Path, world: str) -> Iterator[HeldLab]:
    """Start a lab in a demo's folder, and let the demo find it behind a port that can hold one path back."""
    lab = folder / "lab"
    lab.mkdir(parents=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "nta.lab", "--world", world, "--dir", str(lab)],
        cwd=ROOT,
        env=environment(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    card = lab / "lab.json"
    try:
        while not card.exists():
            assert process.poll() is None
            pause(process)
        told = json.loads(card.read_text(encoding="utf-8"))
        with HeldLab() as held:
            host, port = told["control"].removeprefix("http://").split(":")
            held.behind = (host, int(port))
            card.write_text(json.dumps({**told, "control": held.url}), encoding="utf-8")
            yield held
    finally:
        end_lab(folder)
        process.kill()
        process.wait()
