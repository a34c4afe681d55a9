"""The lab's process, as the demo starts, finds and ends it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nta.domain.errors import OutsideError, RefusedError

START_S = 20.0


class RunningLab:
    """A lab that runs. `at` is what it wrote down of itself: addresses, names, markers."""

    def __init__(self, at: Mapping[str, Any], process: "subprocess.Popen[bytes] | None") -> None:
        self.at = at
        self._process = process

    def introduce(self, desk_url: str, portal_url: str, users: Sequence[Mapping[str, str]]) -> None:
        """Tell the lab's people where the doors are and who they are."""
        self._ask("POST", "/service", {"desk_url": desk_url, "portal_url": portal_url, "users": list(users)})

    def believe(self, held: Sequence[Mapping[str, str | None]]) -> None:
        """Tell the lab how each URL stands with us."""
        self._ask("POST", "/beliefs", list(held))

    def tell_waiting(self, *, is_begun: bool, is_lively: bool, approvals: int, rate: int) -> None:
        """Tell the lab what waits at the desk, and how fast to walk once there is something to see."""
        told = {"is_begun": is_begun, "is_lively": is_lively, "approvals": approvals, "rate": rate}
        self._ask("POST", "/waiting", told)

    def truth(self) -> list[dict[str, Any]]:
        """Return what truly became of each URL."""
        urls: list[dict[str, Any]] = self._ask("GET", "/truth", None)["urls"]
        return urls

    def state(self) -> dict[str, Any]:
        """Return where the world stands."""
        return self._ask("GET", "/state", None)

    def ask_to_end(self) -> None:
        """Ask the lab's process to end, without waiting for it."""
        try:
            os.kill(int(self.at["pid"]), signal.SIGTERM)
        except ProcessLookupError:
            return

    def stop(self) -> None:
        """End the lab's process."""
        self.ask_to_end()
        if self._process is not None:
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(1)

    def _ask(self, method: str, path: str, body: Any) -> dict[str, Any]:
        split = urlsplit(self.at["control"])
        connection = http.client.HTTPConnection(split.hostname or "127.0.0.1", split.port, timeout=30)
        try:
            sent = json.dumps(body) if body is not None else None
            connection.request(method, path, sent, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            data = answer.read()
            if answer.status != 200:
                raise OutsideError(f"the lab answers {answer.status} to {path}", temporary=False)
            found: dict[str, Any] = json.loads(data)
            return found
        except (OSError, http.client.HTTPException) as fault:
            raise OutsideError(f"the lab does not answer: {type(fault).__name__}", temporary=True) from None
        finally:
            connection.close()


def settings_in(at: Mapping[str, Any], instance: Path) -> dict[str, str]:
    """Return the settings of an installation in a lab's world: its servers, nothing beyond loopback.

    `at` is what the lab said of itself in `lab.json`.
    """
    return {
        "NTA_INSTANCE": str(instance),
        "NTA_HOTLINE": at["hotline"],
        "NTA_CATALOGUE": at["catalogue"],
        "NTA_CLOCK": f"lab:{at['control']}",
        "NTA_SENDING": "on",
        "NTA_SMTP_URL": at["smtp"],
        "NTA_SENDER": at["sender"],
        "NTA_RETURN_PATH": at["return_path"],
        "NTA_INBOX_URL": f"maildir:{at['maildir']}",
        "NTA_DNS_SERVERS": at["dns"],
        "NTA_RDAP_BOOTSTRAP": at["rdap_bootstrap"],
        "NTA_WHOIS_SERVER": at["whois"],
        "NTA_ORIGIN_LOOKUPS": at["origin_lookups"],
        "NTA_ORIGIN_TOKENS": at["origin_tokens"],
        "NTA_VANTAGES": at["vantages"],
        "NTA_CONTROL_URLS": at["control_urls"],
        "NTA_REACH": "127.0.0.0/8",
        "NTA_MANNERS": "lifted",
    }


def the_lab(folder: Path, world: str, rate: int | None, control: int | None = None) -> RunningLab:
    """Return the lab of a folder: the one that lives, or a new process that goes on where it was."""
    folder.mkdir(parents=True, exist_ok=True)
    card = folder / "lab.json"
    if card.exists():
        lab = RunningLab(json.loads(card.read_text(encoding="utf-8")), None)
        try:
            lab.state()
        except OutsideError:
            card.rename(folder / "lab.before.json")
            return _start(folder, world, rate, control)
        return lab
    return _start(folder, world, rate, control)


def free_port(wanted: int, but: int | None = None) -> int:
    """Return the wanted port of 127.0.0.1 if it is free, else any free one."""
    for port in (wanted, 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            if found != but:
                return found
    raise RefusedError("no free port on 127.0.0.1")


def _start(folder: Path, world: str, rate: int | None, control: int | None) -> RunningLab:
    call = [sys.executable, "-m", "nta.lab", "--world", world, "--dir", str(folder)]
    if rate is not None:
        call += ["--rate", str(rate)]
    if control is not None:
        call += ["--control", str(control)]
    with (folder / "lab.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  # our own module, no shell
            call, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
        )
    try:
        return RunningLab(_card_of(process, folder), process)
    except BaseException:
        process.kill()
        raise


def _card_of(process: "subprocess.Popen[bytes]", folder: Path) -> Mapping[str, Any]:
    """Wait for the lab to write down where it is."""
    card = folder / "lab.json"
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if card.exists():
            at: Mapping[str, Any] = json.loads(card.read_text(encoding="utf-8"))
            if at["pid"] == process.pid:
                return at
        if process.poll() is not None:
            said = (folder / "lab.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise RefusedError(said[-1] if said else f"the lab ended with {process.returncode}")
        time.sleep(0.05)
    raise OutsideError(f"the lab was not ready within {START_S:.0f} s", temporary=True)
