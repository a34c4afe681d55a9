"""A relay in a process of its own, which keeps each message on disk before it says 250 (RFC 5321, 4.2.5)."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


@contextmanager
def running(folder: Path) -> Iterator[int]:
    """Yield the port of a relay that keeps its messages in a folder, one file each."""
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.little_relay", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate()


class _Keeper:
    """Keeps messages, and says PIPELINING, as every relay in use does: aiosmtpd can, and does not tell."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept = 0

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]]

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self._kept += 1
        handle = os.open(self._folder / f"{self._kept}.eml", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.write(handle, envelope.original_content or b"")
        os.fsync(handle)
        os.close(handle)
        return f"250 2.0.0 Ok: queued as {self._kept:X}"


async def _serve(folder: Path) -> None:
    loop = asyncio.get_running_loop()
    keeper = _Keeper(folder)
    server = await loop.create_server(lambda: SMTP(keeper, loop=loop, hostname="relay.test"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
