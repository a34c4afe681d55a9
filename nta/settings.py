"""Configuration: one frozen `Settings`, read once from NTA_* variables or a TOML file."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import SplitResult, urlsplit

from nta.domain.errors import RefusedError
from nta.domain.urls import parse
from nta.settings_sources import gather

_ZONE = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")

ProbeBody = Literal["none", "head", "headers", "text"]


@dataclass(frozen=True, slots=True)
class Sending:
    """`off`, `on`, or `redirect` to one address of ours."""

    mode: Literal["off", "redirect", "on"]
    redirect_to: str | None = None


@dataclass(frozen=True, slots=True)
class Vantage:
    """One point to look from: directly, or through a SOCKS proxy (`socks5h://host:port`)."""

    name: str
    proxy: str | None


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be reached: everything globally routable if `public`, plus the ranges named."""

    public: bool
    ranges: tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Routes:
    """Where the AS of an address is asked for: a table, or zones (IPv4's, IPv6's); else RDAP alone."""

    table: Path | None = None
    zones: tuple[str, ...] = ()

    @property
    def are_asked(self) -> bool:
        """Tell whether there is anybody to ask but the registries."""
        return bool(self.table or self.zones)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, read. Secrets are None until first start made them in the instance folder."""

    instance: Path
    database_url: str | None
    hotline: str | None
    catalogue: Path | None
    templates: Path | None
    keys: tuple[bytes, ...]
    digest_key: bytes | None
    portal_keys: tuple[bytes, ...]
    sending: Sending
    smtp_url: str | None
    sender: str | None
    return_path: str | None
    inbox_url: str | None
    dns_servers: tuple[tuple[str, int], ...]
    rdap_bootstrap: str | None
    whois_server: tuple[str, int]
    routes: Routes
    vantages: tuple[Vantage, ...]
    control_urls: tuple[str, ...]
    probe_body: ProbeBody
    reach: Reach
    manners: bool
    ca_file: Path | None
    desk_url: str
    portal_url: str
    clock: str


@dataclass(frozen=True, slots=True)
class Line:
    """One setting as `nta settings` prints it."""

    name: str
    value: str
    source: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class _Known:
    name: str
    default: str
    meaning: str
    read: Callable[[str], Any]
    secret: bool = False

    @property
    def field(self) -> str:
        return self.name.removeprefix("NTA_").lower()


def _text(value: str) -> str | None:
    return value or None


def _path(value: str) -> Path | None:
    return Path(value) if value else None


def _folder(value: str) -> Path:
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


def _key(value: str) -> bytes | None:
    keys = read_keys(value)
    if len(keys) > 1:
        raise ValueError("one key only")
    return keys[0] if keys else None


def _sending(value: str) -> Sending:
    if value in ("off", "on"):
        return Sending("off" if value == "off" else "on")
    word, _, address = value.partition(":")
    if word == "redirect" and "@" in address:
        return Sending("redirect", address)
    raise ValueError("say off, on or redirect:<address>")


def _sender(value: str) -> str | None:
    if value and not all(value.partition("@")):
        raise ValueError("say an e-mail address")
    return value or None


def _return_path(value: str) -> str | None:
    before, mark, domain = value.partition("{token}@")
    if value and not (before and mark and domain):
        raise ValueError("say local+{token}@domain")
    return value or None


def _database_url(value: str) -> str | None:
    if value and not value.startswith(("postgresql://", "postgresql+psycopg://", "sqlite:///")):
        raise ValueError(
            "say postgresql+psycopg://user@host/name, or leave it out for SQLite in the instance"
        )
    _split(value)
    return value or None


def _smtp(value: str) -> str | None:
    split = _split(value)
    if value and not (split.scheme in ("smtp", "smtps") and split.hostname):
        raise ValueError("say smtp://host:port or smtps://user:password@host:port")
    return value or None


def _inbox(value: str) -> str | None:
    if value and not value.startswith("maildir:/"):
        raise ValueError("say maildir:/path")
    return value or None


def _servers(value: str) -> tuple[tuple[str, int], ...]:
    servers = []
    for part in filter(None, (p.strip() for p in value.split(","))):
        split = _split(f"//{part}" if part.count(":") < 2 or "[" in part else f"//[{part}]")
        try:
            servers.append((str(ip_address(split.hostname or "")), split.port or 53))
        except ValueError:
            raise ValueError("say ip or ip:port, comma separated") from None
    return tuple(servers)


def _whois(value: str) -> tuple[str, int]:
    split = _split(f"//{value}")
    if not split.hostname or split.path or split.username is not None:
        raise ValueError("say host:port")
    return split.hostname, split.port or 43


def _routes(value: str) -> Routes:
    way, _, rest = value.partition(":")
    if value == "rdap":
        return Routes()
    if way == "file" and Path(rest).is_absolute():
        return Routes(table=Path(rest))
    zones = tuple(zone.strip().strip(".").lower() for zone in rest.split(","))
    if way == "dns" and len(zones) <= 2 and all(map(_ZONE.fullmatch, zones)):
        return Routes(zones=zones)
    raise ValueError("say rdap, file:/path or dns:<zone>[,<zone for IPv6>]")


def _vantages(value: str) -> tuple[Vantage, ...]:
    found = []
    for part in filter(None, (p.strip() for p in value.split(","))):
        name, _, way = part.partition("=")
        split = _split(way)
        by_proxy = split.scheme in ("socks5", "socks5h") and split.hostname and split.port
        if not (name.isidentifier() and len(name) <= 24) or not (way == "direct" or by_proxy):
            raise ValueError("say name=direct or name=socks5h://host:port, comma separated")
        found.append(Vantage(name, None if way == "direct" else way))
    if not found or len({v.name for v in found}) != len(found):
        raise ValueError("name at least one vantage point, each once")
    return tuple(found)


def _urls(value: str) -> tuple[str, ...]:
    urls = tuple(p.strip() for p in value.split(",") if p.strip())
    if not urls:
        raise ValueError("name at least one page")
    for url in urls:
        try:
            parse(url)
        except RefusedError as refusal:
            raise ValueError(str(refusal)) from None
    return urls


def _split(url: str) -> SplitResult:
    """Return the parts of a URL whose host and port can be read."""
    try:
        split = urlsplit(url)
        _ = split.hostname, split.port
    except ValueError:
        raise ValueError("the host or port cannot be read") from None
    return split


def _probe_body(value: str) -> str:
    if value not in get_args(ProbeBody):
        raise ValueError("say none, head, headers or text")
    return value


def _reach(value: str) -> Reach:
    parts = [p.strip() for p in value.split(",") if p.strip()]
    return Reach("public" in parts, tuple(ip_network(p) for p in parts if p != "public"))


def _manners(value: str) -> bool:
    if value not in ("kept", "lifted"):
        raise ValueError("say kept (lifted is for the lab and the bench)")
    return value == "kept"


def _site(value: str) -> str:
    split = _split(value)
    if split.scheme not in ("http", "https") or not split.hostname or split.query or split.fragment:
        raise ValueError("say http://host:port")
    return value.rstrip("/")


def _clock(value: str) -> str:
    if value != "system" and not value.startswith("lab:http://127.0.0.1:"):
        raise ValueError("say system (the lab sets its own)")
    return value


KNOWN: tuple[_Known, ...] = (
    _Known(
        "NTA_INSTANCE", "instance/", "embedded database and keys; made on first start, mode 0700", _folder
    ),
    _Known(
        "NTA_DATABASE_URL",
        "",
        "postgresql+psycopg://… for several machines; else SQLite in the instance",
        _database_url,
        secret=True,
    ),
    _Known("NTA_HOTLINE", "", "id of our own entry in hotlines/", _text),
    _Known("NTA_CATALOGUE", "", "our own folder laid over providers/; same file: ours wins", _path),
    _Known("NTA_TEMPLATES", "", "our own folder laid over templates/; same file: ours wins", _path),
    _Known("NTA_KEYS", "", "sealing keys, newest first; made on first start", read_keys, secret=True),
    _Known("NTA_DIGEST_KEY", "", "key of the digests; made on first start", _key, secret=True),
    _Known(
        "NTA_PORTAL_KEYS", "", "the portal's own sealing keys; made on first start", read_keys, secret=True
    ),
    _Known("NTA_SENDING", "off", "off; redirect:<address>; on", _sending),
    _Known("NTA_SMTP_URL", "", "our relay, smtp://host:port", _smtp, secret=True),
    _Known("NTA_SENDER", "", "From of our notices", _sender),
    _Known("NTA_RETURN_PATH", "", "local+{token}@domain, where bounces come back to", _return_path),
    _Known("NTA_INBOX_URL", "", "maildir:/path", _inbox, secret=True),
    _Known("NTA_DNS_SERVERS", "", "ip[:port], comma separated; else the system's", _servers),
    _Known(
        "NTA_RDAP_BOOTSTRAP", "", "folder or URL with {dns,ipv4,ipv6,asn}.json; else the shipped copy", _text
    ),
    _Known(
        "NTA_WHOIS_SERVER",
        "whois.iana.org:43",
        "where referral begins for suffixes without RDAP; referred servers are asked on the same port",
        _whois,
    ),
    _Known(
        "NTA_ROUTES",
        "rdap",
        "who announces an address: rdap (what registries say); file:/path (a routing table); "
        "dns:<zone>[,<zone for IPv6>]",
        _routes,
    ),
    _Known("NTA_VANTAGES", "local=direct", "points to look from: name=direct or name=socks5h://…", _vantages),
    _Known("NTA_CONTROL_URLS", "http://example.com/,http://example.org/", "pages that must be there", _urls),
    _Known(
        "NTA_PROBE_BODY",
        "text",
        "none, head, headers or text: how much of an answer is looked at",
        _probe_body,
    ),
    _Known("NTA_REACH", "public", "public, plus CIDR ranges that may be reached", _reach),
    _Known(
        "NTA_MANNERS",
        "kept",
        "our own rates for asking registries: kept; lifted for the lab and the bench alone",
        _manners,
    ),
    _Known("NTA_CA_FILE", "", "certificates to trust instead of the shipped ones", _path),
    _Known("NTA_DESK_URL", "http://localhost:8000", "what links to the desk say", _site),
    _Known("NTA_PORTAL_URL", "http://localhost:8001", "what links to the portal say", _site),
    _Known("NTA_CLOCK", "system", "system; the lab sets its own", _clock),
)


def read(environment: Mapping[str, str]) -> tuple[Settings, tuple[Line, ...]]:
    """Return the settings and how each was come by. Unknown names and unreadable values are refused."""
    raw = gather(environment, {known.name for known in KNOWN if known.secret})
    values: dict[str, Any] = {}
    lines = []
    for known in KNOWN:
        text, source = raw.pop(known.name, (known.default, "default"))
        try:
            values[known.field] = known.read(text)
        except ValueError as fault:
            raise RefusedError(f"{known.name} ({source}): {fault}") from None
        shown = ("(hidden)" if text else "(not set)") if known.secret else text or "(not set)"
        lines.append(Line(known.name, shown, source, known.default or "(none)", known.meaning))
    if raw:
        name, (_, source) = sorted(raw.items())[0]
        raise RefusedError(f"unknown setting {name} ({source}); `nta settings` lists the known ones")
    assert set(values) == {field.name for field in fields(Settings)}
    return Settings(**values), tuple(lines)
