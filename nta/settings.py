"""Configuration: one frozen `Settings`, read once from NTA_* variables or a TOML file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError
from pydantic import PlainValidator as ReadBy
from pydantic_settings import BaseSettings, SettingsConfigDict

from nta import settings_values as read_as
from nta.domain.errors import RefusedError
from nta.settings_sources import PREFIX, Place, places, sources

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
class SettingLine:
    """One setting as `nta settings` prints it."""

    name: str
    value: str
    source: str
    default: str
    meaning: str


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
    return Reach("public" in parts, read_as.ranges(p for p in parts if p != "public"))


def _manners(value: str) -> bool:
    if value not in ("kept", "lifted"):
        raise ValueError("say kept (lifted is for the lab and the bench)")
    return value == "kept"


def _setting(default: str, meaning: str, *, secret: bool = False) -> Any:  # as pydantic's Field
    """Return how a setting is written where nobody says anything, and what it is for.

    A secret is never shown, and may stand in a file that NTA_…_FILE names.
    """
    return Field(default, validate_default=True, description=meaning, repr=not secret)


Text = Annotated[str | None, ReadBy(read_as.text)]
OwnPath = Annotated[Path | None, ReadBy(read_as.path)]


class Settings(BaseSettings):
    """All settings, read. Secrets are None until first start made them in the instance folder."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True, enable_decoding=False
    )

    instance: Annotated[Path, ReadBy(read_as.folder)] = _setting(
        "instance/", "embedded database and keys; made on first start, mode 0700"
    )
    database_url: Annotated[str | None, ReadBy(read_as.database_url)] = _setting(
        "", "postgresql+psycopg://… for several machines; else SQLite in the instance", secret=True
    )
    hotline: Text = _setting("", "id of our own entry in hotlines/")
    catalogue: OwnPath = _setting("", "our own folder laid over providers/; same file: ours wins")
    templates: OwnPath = _setting("", "our own folder laid over templates/; same file: ours wins")
    keys: Annotated[tuple[bytes, ...], ReadBy(read_as.read_keys)] = _setting(
        "", "sealing keys, newest first; made on first start", secret=True
    )
    digest_key: Annotated[bytes | None, ReadBy(read_as.key)] = _setting(
        "", "key of the digests; made on first start", secret=True
    )
    portal_keys: Annotated[tuple[bytes, ...], ReadBy(read_as.read_keys)] = _setting(
        "", "the portal's own sealing keys; made on first start", secret=True
    )
    sending: Annotated[Sending, ReadBy(_sending)] = _setting("off", "off; redirect:<address>; on")
    smtp_url: Annotated[str | None, ReadBy(read_as.smtp_url)] = _setting(
        "", "our relay, smtp://host:port", secret=True
    )
    sender: Annotated[str | None, ReadBy(read_as.sender)] = _setting("", "From of our notices")
    return_path: Annotated[str | None, ReadBy(read_as.return_path)] = _setting(
        "", "local+{token}@domain, where bounces come back to"
    )
    inbox_url: Annotated[str | None, ReadBy(read_as.inbox_url)] = _setting("", "maildir:/path", secret=True)
    inbox_authserv: Annotated[str | None, ReadBy(read_as.authserv)] = _setting(
        "",
        "name under which our relay writes Authentication-Results; else what a mail says of itself counts",
    )
    dns_servers: Annotated[NameServers, ReadBy(_name_servers)] = _setting(
        "",
        "ip[:port], comma separated; else the system's. vantage=ip[:port] is asked from that vantage point",
    )
    rdap_bootstrap: Text = _setting("", "folder or URL with {dns,ipv4,ipv6,asn}.json; else the shipped copy")
    whois_server: Annotated[tuple[str, int], ReadBy(read_as.whois_server)] = _setting(
        "whois.iana.org:43",
        "where referral begins for suffixes without RDAP; referred servers are asked on the same port",
    )
    routes: Annotated[Routes, ReadBy(_routes)] = _setting(
        "rdap",
        "who announces an address: rdap (what registries say); file:/path (a routing table); "
        "dns:<zone>[,<zone for IPv6>]",
    )
    vantages: Annotated[tuple[Vantage, ...], ReadBy(_vantages)] = _setting(
        "local=direct", "points to look from: name=direct or name=socks5h://…"
    )
    control_urls: Annotated[tuple[str, ...], ReadBy(read_as.urls)] = _setting(
        "http://example.com/,http://example.org/", "pages that must be there"
    )
    probe_body: Annotated[ProbeBody, ReadBy(_probe_body)] = _setting(
        "text", "none, head, headers or text: how much of an answer is looked at"
    )
    reach: Annotated[Reach, ReadBy(_reach)] = _setting(
        "public", "public, plus CIDR ranges that may be reached"
    )
    manners: Annotated[bool, ReadBy(_manners)] = _setting(
        "kept", "our own rates for asking registries: kept; lifted for the lab and the bench alone"
    )
    origin_lookups: Annotated[Mapping[str, str], ReadBy(read_as.origin_lookups)] = _setting(
        "", "proxies that tell us what stands behind a host: proxy:<id>=https://…, comma separated"
    )
    origin_tokens: Annotated[Mapping[str, str], ReadBy(read_as.origin_tokens)] = _setting(
        "", "our token with each of them: proxy:<id>=<token>, comma separated", secret=True
    )
    ca_file: OwnPath = _setting("", "certificates to trust instead of the shipped ones")
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], ReadBy(read_as.networks)] = _setting(
        "",
        "CIDR ranges of proxies before desk and portal whose forwarded client address is believed",
    )
    desk_url: Annotated[str, ReadBy(read_as.site)] = _setting(
        "http://localhost:8000", "what links to the desk say"
    )
    portal_url: Annotated[str, ReadBy(read_as.site)] = _setting(
        "http://localhost:8001", "what links to the portal say"
    )
    clock: Annotated[str, ReadBy(read_as.clock)] = _setting("system", "system; the lab sets its own")

    def __init__(self, files: Place, variables: Place, config: Place) -> None:
        super().__init__(_build_sources=(sources(type(self), files, variables, config), {}))


@dataclass(frozen=True, slots=True)
class KnownSetting:
    """One setting as it is written, before anybody says anything of it."""

    name: str
    default: str
    meaning: str
    secret: bool


KNOWN: tuple[KnownSetting, ...] = tuple(
    KnownSetting(f"{PREFIX}{name.upper()}", field.default, field.description or "", not field.repr)
    for name, field in Settings.model_fields.items()
)


def read(environment: Mapping[str, str]) -> tuple[Settings, tuple[SettingLine, ...]]:
    """Return the settings and how each was come by. Unknown names and unreadable values are refused."""
    files, variables, config = places(environment, {known.name for known in KNOWN if known.secret})
    said = {**config, **variables, **files}
    unknown = sorted(set(said) - {known.name for known in KNOWN})
    if unknown:
        where = said[unknown[0]][1]
        raise RefusedError(f"unknown setting {unknown[0]} ({where}); `nta settings` lists the known ones")
    lines = tuple(_line(known, *said.get(known.name, (known.default, "default"))) for known in KNOWN)
    source = {line.name: line.source for line in lines}
    try:
        given = Settings(files, variables, config)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        name = f"{PREFIX}{first['loc'][0]}".upper()
        raise RefusedError(f"{name} ({source[name]}): {first['ctx']['error']}") from None
    _refuse_contradictions(given, source)
    return given, lines


def _line(known: KnownSetting, text: str, source: str) -> SettingLine:
    shown = ("(hidden)" if text else "(not set)") if known.secret else text or "(not set)"
    return SettingLine(known.name, shown, source, known.default or "(none)", known.meaning)


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
