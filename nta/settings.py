"""Configuration: one frozen `Settings`, read once from NTA_* variables or a TOML file."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, get_args

from nta import settings_values as read_as
from nta.domain.errors import RefusedError
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
class NameServers:
    """Which DNS servers are asked, each (address, port), and which from single vantage points instead."""

    everywhere: tuple[tuple[str, int], ...] = ()
    own: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)

    def of(self, vantage: str) -> tuple[tuple[str, int], ...]:
        """Return the servers that a vantage point asks; none: the system's."""
        return self.own.get(vantage, self.everywhere)


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
    inbox_authserv: str | None
    dns_servers: NameServers
    rdap_bootstrap: str | None
    whois_server: tuple[str, int]
    routes: Routes
    vantages: tuple[Vantage, ...]
    control_urls: tuple[str, ...]
    probe_body: ProbeBody
    reach: Reach
    manners: bool
    origin_lookups: Mapping[str, str]
    origin_tokens: Mapping[str, str]
    ca_file: Path | None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    desk_url: str
    portal_url: str
    clock: str


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting as `nta settings` prints it."""

    name: str
    value: str
    source: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class _KnownSetting:
    name: str
    default: str
    meaning: str
    read: Callable[[str], Any]
    secret: bool = False

    @property
    def field(self) -> str:
        return self.name.removeprefix("NTA_").lower()


def _sending(value: str) -> Sending:
    if value in ("off", "on"):
        return Sending("off" if value == "off" else "on")
    word, _, address = value.partition(":")
    if word == "redirect" and "@" in address:
        return Sending("redirect", address)
    raise ValueError("say off, on or redirect:<address>")


def _name_servers(value: str) -> NameServers:
    places: dict[str, list[str]] = {}
    for part in value.split(","):
        vantage, _, place = part.rpartition("=")
        places.setdefault(vantage.strip(), []).append(place)
    read = {vantage: read_as.servers(",".join(listed)) for vantage, listed in places.items()}
    if not all(found for vantage, found in read.items() if vantage):
        raise ValueError("say vantage=ip")
    return NameServers(read.pop("", ()), read)


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
        split = read_as.parts_of(way)
        by_proxy = split.scheme in ("socks5", "socks5h") and split.hostname and split.port
        if not (name.isidentifier() and len(name) <= 24) or not (way == "direct" or by_proxy):
            raise ValueError("say name=direct or name=socks5h://host:port, comma separated")
        found.append(Vantage(name, None if way == "direct" else way))
    if not found or len({v.name for v in found}) != len(found):
        raise ValueError("name at least one vantage point, each once")
    return tuple(found)


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


KNOWN: tuple[_KnownSetting, ...] = (
    _KnownSetting(
        "NTA_INSTANCE",
        "instance/",
        "embedded database and keys; made on first start, mode 0700",
        read_as.folder,
    ),
    _KnownSetting(
        "NTA_DATABASE_URL",
        "",
        "postgresql+psycopg://… for several machines; else SQLite in the instance",
        read_as.database_url,
        secret=True,
    ),
    _KnownSetting("NTA_HOTLINE", "", "id of our own entry in hotlines/", read_as.text),
    _KnownSetting(
        "NTA_CATALOGUE", "", "our own folder laid over providers/; same file: ours wins", read_as.path
    ),
    _KnownSetting(
        "NTA_TEMPLATES", "", "our own folder laid over templates/; same file: ours wins", read_as.path
    ),
    _KnownSetting(
        "NTA_KEYS", "", "sealing keys, newest first; made on first start", read_as.read_keys, secret=True
    ),
    _KnownSetting("NTA_DIGEST_KEY", "", "key of the digests; made on first start", read_as.key, secret=True),
    _KnownSetting(
        "NTA_PORTAL_KEYS",
        "",
        "the portal's own sealing keys; made on first start",
        read_as.read_keys,
        secret=True,
    ),
    _KnownSetting("NTA_SENDING", "off", "off; redirect:<address>; on", _sending),
    _KnownSetting("NTA_SMTP_URL", "", "our relay, smtp://host:port", read_as.smtp_url, secret=True),
    _KnownSetting("NTA_SENDER", "", "From of our notices", read_as.sender),
    _KnownSetting(
        "NTA_RETURN_PATH", "", "local+{token}@domain, where bounces come back to", read_as.return_path
    ),
    _KnownSetting("NTA_INBOX_URL", "", "maildir:/path", read_as.inbox_url, secret=True),
    _KnownSetting(
        "NTA_INBOX_AUTHSERV",
        "",
        "name under which our relay writes Authentication-Results; else what a mail says of itself counts",
        read_as.authserv,
    ),
    _KnownSetting(
        "NTA_DNS_SERVERS",
        "",
        "ip[:port], comma separated; else the system's. vantage=ip[:port] is asked from that vantage point",
        _name_servers,
    ),
    _KnownSetting(
        "NTA_RDAP_BOOTSTRAP",
        "",
        "folder or URL with {dns,ipv4,ipv6,asn}.json; else the shipped copy",
        read_as.text,
    ),
    _KnownSetting(
        "NTA_WHOIS_SERVER",
        "whois.iana.org:43",
        "where referral begins for suffixes without RDAP; referred servers are asked on the same port",
        read_as.whois_server,
    ),
    _KnownSetting(
        "NTA_ROUTES",
        "rdap",
        "who announces an address: rdap (what registries say); file:/path (a routing table); "
        "dns:<zone>[,<zone for IPv6>]",
        _routes,
    ),
    _KnownSetting(
        "NTA_VANTAGES", "local=direct", "points to look from: name=direct or name=socks5h://…", _vantages
    ),
    _KnownSetting(
        "NTA_CONTROL_URLS",
        "http://example.com/,http://example.org/",
        "pages that must be there",
        read_as.urls,
    ),
    _KnownSetting(
        "NTA_PROBE_BODY",
        "text",
        "none, head, headers or text: how much of an answer is looked at",
        _probe_body,
    ),
    _KnownSetting("NTA_REACH", "public", "public, plus CIDR ranges that may be reached", _reach),
    _KnownSetting(
        "NTA_MANNERS",
        "kept",
        "our own rates for asking registries: kept; lifted for the lab and the bench alone",
        _manners,
    ),
    _KnownSetting(
        "NTA_ORIGIN_LOOKUPS",
        "",
        "proxies that tell us what stands behind a host: proxy:<id>=https://…, comma separated",
        read_as.origin_lookups,
    ),
    _KnownSetting(
        "NTA_ORIGIN_TOKENS",
        "",
        "our token with each of them: proxy:<id>=<token>, comma separated",
        read_as.origin_tokens,
        secret=True,
    ),
    _KnownSetting("NTA_CA_FILE", "", "certificates to trust instead of the shipped ones", read_as.path),
    _KnownSetting(
        "NTA_TRUSTED_PROXIES",
        "",
        "CIDR ranges of proxies before desk and portal whose forwarded client address is believed",
        read_as.networks,
    ),
    _KnownSetting("NTA_DESK_URL", "http://localhost:8000", "what links to the desk say", read_as.site),
    _KnownSetting("NTA_PORTAL_URL", "http://localhost:8001", "what links to the portal say", read_as.site),
    _KnownSetting("NTA_CLOCK", "system", "system; the lab sets its own", read_as.clock),
)


def read(environment: Mapping[str, str]) -> tuple[Settings, tuple[SettingLine, ...]]:
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
        lines.append(SettingLine(known.name, shown, source, known.default or "(none)", known.meaning))
    if raw:
        name, (_, source) = sorted(raw.items())[0]
        raise RefusedError(f"unknown setting {name} ({source}); `nta settings` lists the known ones")
    assert set(values) == {field.name for field in fields(Settings)}
    given = Settings(**values)
    _refuse_contradictions(given, {line.name: line.source for line in lines})
    return given, tuple(lines)


def _refuse_contradictions(given: Settings, source: Mapping[str, str]) -> None:
    """Refuse settings that are each readable and do not go together, before anything is begun with them."""
    unknown = sorted(set(given.dns_servers.own) - {v.name for v in given.vantages})
    if unknown:
        raise RefusedError(
            f"NTA_DNS_SERVERS ({source['NTA_DNS_SERVERS']}): NTA_VANTAGES names no vantage point {unknown[0]}"
        )
    way_out = (
        ("NTA_SMTP_URL", given.smtp_url),
        ("NTA_SENDER", given.sender),
        ("NTA_RETURN_PATH", given.return_path),
    )
    missing = [name for name, value in way_out if value is None]
    if given.sending.mode != "off" and missing:
        how = f"NTA_SENDING ({source['NTA_SENDING']}) is {given.sending.mode}"
        raise RefusedError(f"{how}, and there is no {', no '.join(missing)}")
