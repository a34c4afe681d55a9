"""What reaches other machines, put together from the settings: who asks, who looks, who sends."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from nta.adapters.dns.fresh_names import FreshNames
from nta.adapters.lookup_chain import look_ups
from nta.adapters.mail.smtp import SmtpMailer
from nta.adapters.net.address_policy import Gate
from nta.adapters.probe.probe_apart import ApartProber
from nta.domain.errors import OutsideError, RefusedError
from nta.domain.intake.urls import registrable_domain
from nta.domain.notices.vouching import Ours
from nta.domain.parties.organisations import AskableProxies, Catalogue, PartyId
from nta.ports import Asker, Handed, Mailer, Outgoing, Prober
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


def mailer(given: Settings) -> Mailer:
    """Return what hands messages to the relay."""
    return SmtpMailer(given.smtp_url, _ca_file(given)) if given.smtp_url else _NoRelay()


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


class _NoRelay:
    """Stands where no relay is set: notices wait."""

    def hand_over(self, messages: Iterable[Outgoing], may_go: Callable[[Outgoing], bool]) -> Iterator[Handed]:
        raise OutsideError("NTA_SMTP_URL is not set: there is no relay to hand notices to", temporary=True)
