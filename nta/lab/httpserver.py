"""A small HTTP/1.1 server for the lab's own services: registration data and control."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

IDLE_S = 120.0
_MOST_DIGITS = 10
BODY_LIMIT = 16 << 20
REASONS = {
    200: "OK",
    303: "See Other",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Fault",
}


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    body: bytes
    query: str
    fields: Mapping[str, str]  # the header fields, names in lower case


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    content_type: str = "application/json"
    fields: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Reply]]


def json_reply(value: Any, status: int = 200, content_type: str = "application/json") -> Reply:
    """Return a reply holding a JSON value."""
    return Reply(status, json.dumps(value).encode(), content_type)


class HTTPServer:
    """Serves one handler on 127.0.0.1."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> None:
        """Bind the port.

        Raises:
            OSError: the port is in use.
        """
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        except asyncio.CancelledError:
            pass  # the lab ends; asyncio would call this a fault of the connection
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request. Return whether another may follow on this connection."""
        async with asyncio.timeout(IDLE_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.split("\r\n")
        parts = lines[0].split(" ")
        fields = {
            name.strip().lower(): text.strip()
            for name, _, text in (line.partition(":") for line in lines[1:])
        }
        length = fields.get("content-length", "0")
        is_number = length.isascii() and length.isdecimal() and len(length) <= _MOST_DIGITS
        if len(parts) != 3 or not is_number or int(length) > BODY_LIMIT:
            writer.write(_wire(Reply(400, b""), "close", with_body=True))
            return False
        async with asyncio.timeout(IDLE_S):
            body = await reader.readexactly(int(length))
        method, target, version = parts
        path, _, query = target.partition("?")
        reply = await self._handler(Request(method, path, body, query, fields))
        goes_on = version == "HTTP/1.1" and fields.get("connection", "").lower() != "close"
        writer.write(_wire(reply, "keep-alive" if goes_on else "close", with_body=method != "HEAD"))
        await writer.drain()
        return goes_on


def _wire(reply: Reply, connection: str, *, with_body: bool) -> bytes:
    fields = "".join(f"{name}: {text}\r\n" for name, text in reply.fields.items())
    head = (
        f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Answer')}\r\n"
        f"Content-Type: {reply.content_type}\r\n"
        f"Content-Length: {len(reply.body)}\r\n{fields}Connection: {connection}\r\n\r\n"
    ).encode()
    return head + reply.body if with_body else head
