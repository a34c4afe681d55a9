"""How the text of one setting is read: each says by ValueError what it should have been."""

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from nta.domain.errors import RefusedError
from nta.domain.urls import parse


def text(value: str) -> str | None:
    return value or None


def path(value: str) -> Path | None:
    return Path(value) if value else None


def folder(value: str) -> Path:
    if not value:
        raise ValueError("say a folder")
    return Path(value)


def read_keys(value: str) -> tuple[bytes, ...]:
    """Return keys written as 64 hexadecimal digits each, apart by commas or white space."""
    try:
        keys = tuple(bytes.fromhex(part) for part in value.replace(",", " ").split())
    except ValueError:
        keys = (b"",)
    if any(len(key) != 32 for key in keys):
        raise ValueError("each key is 64 hexadecimal digits")
    return keys


def key(value: str) -> bytes | None:
    keys = read_keys(value)
    if len(keys) > 1:
        raise ValueError("one key only")
    return keys[0] if keys else None


def sender(value: str) -> str | None:
    if value and not all(value.partition("@")):
        raise ValueError("say an e-mail address")
    return value or None


def return_path(value: str) -> str | None:
    before, mark, domain = value.partition("{token}@")
    if value and not (before and mark and domain):
        raise ValueError("say local+{token}@domain")
    return value or None


def database_url(value: str) -> str | None:
    if value and not value.startswith(("postgresql://", "postgresql+psycopg://", "sqlite:///")):
        raise ValueError(
            "say postgresql+psycopg://user@host/name, or leave it out for SQLite in the instance"
        )
    parts_of(value)
    return value or None


def smtp_url(value: str) -> str | None:
    split = parts_of(value)
    if value and not (split.scheme in ("smtp", "smtps") and split.hostname):
        raise ValueError("say smtp://host:port or smtps://user:password@host:port")
    return value or None


def inbox_url(value: str) -> str | None:
    if value and not value.startswith("maildir:/"):
        raise ValueError("say maildir:/path")
    return value or None


def servers(value: str) -> tuple[tuple[str, int], ...]:
    servers = []
    for part in filter(None, (p.strip() for p in value.split(","))):
        split = parts_of(f"//{part}" if part.count(":") < 2 or "[" in part else f"//[{part}]")
        try:
            servers.append((str(ip_address(split.hostname or "")), split.port or 53))
        except ValueError:
            raise ValueError("say ip or ip:port, comma separated") from None
    return tuple(servers)


def whois_server(value: str) -> tuple[str, int]:
    split = parts_of(f"//{value}")
    if not split.hostname or split.path or split.username is not None:
        raise ValueError("say host:port")
    return split.hostname, split.port or 43


def urls(value: str) -> tuple[str, ...]:
    urls = tuple(p.strip() for p in value.split(",") if p.strip())
    if not urls:
        raise ValueError("name at least one page")
    for url in urls:
        try:
            parse(url)
        except RefusedError as refusal:
            raise ValueError(str(refusal)) from None
    return urls


def parts_of(url: str) -> SplitResult:
    """Return the parts of a URL whose host and port can be read."""
    try:
        split = urlsplit(url)
        _ = split.hostname, split.port
    except ValueError:
        raise ValueError("the host or port cannot be read") from None
    return split


def site(value: str) -> str:
    split = parts_of(value)
    if split.scheme not in ("http", "https") or not split.hostname or split.query or split.fragment:
        raise ValueError("say http://host:port")
    return value.rstrip("/")


def clock(value: str) -> str:
    if value != "system" and not value.startswith("lab:http://127.0.0.1:"):
        raise ValueError("say system (the lab sets its own)")
    return value
