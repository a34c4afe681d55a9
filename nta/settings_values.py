"""How the text of one setting is read: each says by ValueError what it should have been."""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from nta.domain.errors import RefusedError
from nta.domain.intake.urls import parse

_PROXY = re.compile(r"proxy:[a-z0-9-]+")
_AUTHSERV = re.compile(r"[A-Za-z0-9._-]{1,255}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


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


def authserv(value: str) -> str | None:
    if value and not _AUTHSERV.fullmatch(value):
        raise ValueError("say the name that our relay writes first in Authentication-Results")
    return value or None


def servers(value: str) -> tuple[tuple[str, int], ...]:
    servers = []
    for part in filter(None, (p.strip() for p in value.split(","))):
        split = parts_of(f"//{part}" if part.count(":") < 2 or "[" in part else f"//[{part}]")
        try:
            servers.append((str(ip_address(split.hostname or "")), split.port or 53))
        except ValueError:
            raise ValueError("say ip, ip:port or vantage=ip, comma separated") from None
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
        except RefusedError:
            raise ValueError("a page begins with http:// or https:// and names a host") from None
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


def ranges(parts: Iterable[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(map(ip_network, parts))
    except ValueError:
        raise ValueError(
            "say CIDR ranges, each with nothing set behind its prefix, comma separated"
        ) from None


def networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    found = ranges(part.strip() for part in value.split(",") if part.strip())
    if any(network.prefixlen == 0 for network in found):
        raise ValueError("name the proxies alone: a range of everybody believes everybody")
    return found


def origin_lookups(value: str) -> Mapping[str, str]:
    """Return where each proxy is asked; a token goes over no plain line but this machine's own."""
    found = _of_proxies(value, "say proxy:<id>=https://host/path, comma separated")
    for url in found.values():
        split = parts_of(url)
        is_kept = split.scheme == "https" or (split.scheme == "http" and _is_loopback(split.hostname))
        if not (is_kept and split.hostname) or split.query or split.fragment or split.username is not None:
            raise ValueError("say proxy:<id>=https://host/path, comma separated")
    return found


def origin_tokens(value: str) -> Mapping[str, str]:
    """Return the token for each proxy (RFC 6750, section 2.1)."""
    found = _of_proxies(value, "say proxy:<id>=<token>, comma separated")
    if not all(map(_TOKEN.fullmatch, found.values())):
        raise ValueError("a token is of letters, digits and -._~+/=")
    return found


def _of_proxies(value: str, wanted: str) -> Mapping[str, str]:
    pairs = [part.partition("=") for part in value.replace(",", " ").split()]
    found = {proxy: rest for proxy, _, rest in pairs}
    if len(found) != len(pairs) or not all(_PROXY.fullmatch(proxy) for proxy in found):
        raise ValueError(wanted)
    return found


def _is_loopback(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def clock(value: str) -> str:
    if value != "system" and not value.startswith("lab:http://127.0.0.1:"):
        raise ValueError("say system (the lab sets its own)")
    return value
