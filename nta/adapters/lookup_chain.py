"""Everything that answers look-ups of names, addresses and domains, put together from the settings."""

from pathlib import Path

from nta.adapters.dns.many_names import ManyNames
from nta.adapters.dns.resolver import DnsAsker
from nta.adapters.dns.vantage_names import names_of
from nta.adapters.dns.zone_lookup import ZoneAsker
from nta.adapters.net.address_policy import Gate
from nta.adapters.net.concurrency import Askers
from nta.adapters.net.rate_limits import RateLimits
from nta.adapters.origin_lookup import AskedAt, OriginLookUp
from nta.adapters.rdap.domains_lookup import RdapDomainAsker
from nta.adapters.rdap.networks import RdapAsker
from nta.adapters.rdap.systems import RdapSystemAsker
from nta.adapters.routes.route_origins import OriginAsker
from nta.adapters.routes.route_table import TableAsker
from nta.adapters.security_txt import SecurityTxtAsker
from nta.adapters.whois.domains_on_port_43 import WhoisAsker
from nta.adapters.whois.national_registries import NATIONAL, NationalNetworks, RegistryAsker
from nta.adapters.whois.networks_on_port_43 import NetworkAsker, WhoisNetworkAsker
from nta.domain.hosting.lookups import LookupKind
from nta.ports import Asker
from nta.settings import Settings
from nta.shipped import shipped


def look_ups(given: Settings, gate: Gate, ca_file: Path | None, user_agent: str) -> Askers:
    """Return one adapter for each kind of look-up, all behind the gate.

    Time-outs are such that even when everybody is silent, a batch of hosts
    is through within its lease: a domain is worth less waiting than a host.
    """
    names = DnsAsker(given.dns_servers.everywhere)
    places = {vantage.name: given.dns_servers.of(vantage.name) for vantage in given.vantages}
    manners = RateLimits(lifted=not given.manners)  # one count for all who ask the same servers
    where = (given.rdap_bootstrap or str(shipped("providers") / "rdap"), gate, ca_file)
    networks = RdapAsker(*where, resolve=names.resolve, user_agent=user_agent, patience_s=90, manners=manners)
    old_networks = WhoisNetworkAsker(
        given.whois_server, gate, resolve=names.resolve, patience_s=20, manners=manners
    )
    hurried = {"connect_timeout_s": 3, "timeout_s": 6, "patience_s": 12}
    national = [
        RegistryAsker(one, given.whois_server[1], gate, resolve=names.resolve, manners=manners, **hurried)
        for one in NATIONAL
    ]
    domains = RdapDomainAsker(
        *where, resolve=names.resolve, user_agent=user_agent, timeout_s=10, patience_s=45, manners=manners
    )
    systems = RdapSystemAsker(
        *where, resolve=names.resolve, user_agent=user_agent, patience_s=20, manners=manners
    )
    port_43 = WhoisAsker(given.whois_server, gate, resolve=names.resolve, patience_s=30, manners=manners)
    adapters: dict[LookupKind, Asker] = {
        LookupKind.ADDRESSES: names_of(places, given.dns_servers.everywhere, ManyNames),
        LookupKind.NETWORK: NationalNetworks(NetworkAsker(networks, old_networks), national),
        LookupKind.SYSTEM: systems,
        LookupKind.SECURITY_TXT: SecurityTxtAsker(
            gate, ca_file, resolve=names.resolve, user_agent=user_agent, manners=manners
        ),
        LookupKind.ZONE: ZoneAsker(names),
        LookupKind.DOMAIN: domains,
        LookupKind.WHOIS: port_43,
    }
    if given.routes.table:
        adapters[LookupKind.ROUTE] = TableAsker(given.routes.table)
    elif given.routes.zones:
        adapters[LookupKind.ROUTE] = OriginAsker(names, given.routes.zones)
    if given.origin_lookups:
        adapters[LookupKind.ORIGIN] = OriginLookUp(
            {id_: AskedAt(url, given.origin_tokens[id_]) for id_, url in given.origin_lookups.items()},
            gate,
            ca_file,
            resolve=names.resolve,
            user_agent=user_agent,
            manners=manners,
        )
    return Askers(adapters)
