"""What reaches other machines, put together from the settings: who asks, who looks, who sends."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from nta.adapters.channels.http_post import HTTP, HttpPoster
from nta.adapters.channels.smtp import SmtpMailer
from nta.adapters.dns.fresh_names import FreshNames
from nta.adapters.dns.resolver import DnsAsker
from nta.adapters.lookup_chain import look_ups
from nta.adapters.net.address_policy import Gate
from nta.adapters.probe.probe_apart import ApartProber
from nta.domain.errors import OutsideError, RefusedError
from nta.domain.intake.urls import registrable_domain
from nta.domain.notices.vouching import Ours
from nta.domain.parties.contact_addresses import MAIL
from nta.domain.parties.organisations import AskableProxies, Catalogue, PartyId
from nta.ports import Asker, Channel, Document, Handed, Outgoing, Prober
from nta.settings import Settings
from nta.usecases.recheck import Eyes

USER_AGENT: Final = "nta (notice and takedown; a look whether something is gone)"


def asker(given: Settings, gate: Gate) -> Asker:
    """Return what asks who serves a name or an address."""
    alone = sorted(given.origin_lookups.keys() ^ given.origin_tokens.keys())
    if alone:
        raise RefusedError(f"{alone[0]} stands in one of NTA_ORIGIN_LOOKUPS and NTA_ORIGIN_TOKENS alone")
    return look_ups(given, gate, _ca_file(given), USER_AGENT)


def askable(given: Settings, catalogue: Callable[[], Catalogue]) -> AskableProxies | None:
    """Return the proxies that are asked what stands behind a host; None where none is.

    Raises: RefusedError for one that the catalogue does not know.
    """
    if not given.origin_lookups:
        return None
    known = catalogue()
    unknown = sorted(given.origin_lookups.keys() - known.proxies.keys())
    if unknown:
        raise RefusedError(f"NTA_ORIGIN_LOOKUPS: the catalogue has no {unknown[0]}")
    return AskableProxies(known, frozenset(given.origin_lookups))


def prober(given: Settings, gate: Gate, marks: Mapping[str, PartyId]) -> ApartProber:
    """Return what asks for pages and knows proxies by their marks; to be closed."""
    return ApartProber(given.vantages, gate, _ca_file(given), given.probe_body, USER_AGENT, marks=marks)


def eyes(given: Settings, prober: Prober, catalogue: Callable[[], Catalogue]) -> Eyes:
    """Return what looks; the catalogue is read when it is first asked for a proxy."""

    def proxy_of(address: str) -> PartyId | None:
        found = catalogue().proxy_of(address, None)
        return found.id if found else None

    return Eyes(
        vantages=tuple(v.name for v in given.vantages) if given.probe_body != "none" else (),
        names=FreshNames(given.dns_servers.everywhere, given.dns_servers.own),
        prober=prober,
        control_urls=given.control_urls,
        proxy_of=proxy_of,
    )


def channels(given: Settings, gate: Gate) -> Mapping[str, Channel]:
    """Return what hands messages over, by the channel's name; one that is not set up says so when used."""
    ca_file, resolve = _ca_file(given), DnsAsker(given.dns_servers.everywhere).resolve
    return {
        MAIL: SmtpMailer(given.smtp_url, ca_file) if given.smtp_url else _NotSet("NTA_SMTP_URL"),
        HTTP: HttpPoster(gate, ca_file, resolve=resolve, user_agent=USER_AGENT),
    }


def ours(given: Settings) -> Ours:
    """Return what is ours on the way back: our return path, and the hosts that our relay reports from."""
    relay = urlsplit(given.smtp_url).hostname if given.smtp_url else None
    domains = (text.rpartition("@")[2] for text in (given.return_path, given.sender) if text)
    hosts = dict.fromkeys(host.lower() for host in (*domains, relay) if host and registrable_domain(host))
    return Ours(given.return_path, tuple(hosts), given.inbox_authserv)


def _ca_file(given: Settings) -> Path | None:
    file = given.ca_file
    if file is not None and not file.is_file():
        raise RefusedError(f"NTA_CA_FILE: {file} is no file")
    return file


@dataclass(frozen=True, slots=True)
class _NotSet:
    """Stands where a channel's setting is missing: its notices wait."""

    setting: str
    carries: Document = Document.MAIL

    def hand_over(self, messages: Iterable[Outgoing], may_go: Callable[[Outgoing], bool]) -> Iterator[Handed]:
        raise OutsideError(f"{self.setting} is not set: there is nothing to hand notices to", temporary=True)
