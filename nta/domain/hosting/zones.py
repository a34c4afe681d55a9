"""What the DNS says of a domain as a whole: who serves its zone, whether it is parked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from nta.domain.hosting.facts import HostingFacts
from nta.domain.hosting.lookup_answers import ZoneRecords
from nta.domain.hosting.lookups import Finding, LookupKind, said

# Name servers and aliases of services that park domains or offer them for sale, each with what is below
# it, as measured by the TMA 2022 study of parking (tma22-parking.github.io, read on 2026-10-30). Left out are
# the names under which such companies also serve sites of customers.
_LISTED: Final = """
parkingcrew.net fastpark.net parkingspa.com ibspark.com ndparking.com dan.com undeveloped.com park.do
dan.hosting cashparking.com smartname.com namefind.com sedoparking.com uniregistrymarket.link
expired.uniregistry-dns.com bodis.com parkingpage.namecheap.com parking.namecheap.com
failed-whois-verification.namecheap.com verify-contact-details.namecheap.com above.com dsredirection.com
dsredirects.com rookdns.com dnsspark.com fwdservice.com pql.net tppns.com dsextra.com ztomy.com cnomy.com
malkm.com parking-page.net searchreinvented.com nsresolution.com searchmagnified.com
parkdns1.internetvikings.com parkdns2.internetvikings.com domainparking-dnspod.cn
webapp.parkingpage.production.flippa.com parklogic.com snparking.ru salenames.ru
comingsoon.namebright.com expired.namebright.com hugedomains.com afternic.com mytrafficmanagement.com
securetrafficrouting.com trafficcontrolrouter.com searchfusion.com voodoo.com overdue.aliyun.com
rentondc.com panamans.com torresdns.com thednscloud.com brainydns.com dnsnuts.com hostresolver.com
kirklanddc.com tacomadc.com emu-dns.com milesmx.com smtmdns.com taipandns.com redmonddc.com domainmx.com
commonmx.com wombatdns.com hastydns.com koaladns.com magpiedns.com dingodns.com namedynamics.net
quokkadns.com weaponizedcow.com chookdns.com sslparking.com ndsplitter.com expirationwarning.net
emailverification.info domain-is-4-sale-at-domainmarket.com domainmarket.com renewyourname.net
squadhelp.com domainist.com domain-for-sale.at domain-for-sale.se expiereddnsmanager.com
domainrecover.com nameprovider.net domainprofi.de sonexo.eu sonexo.com domain.io domaincntrol.com
brandbucket.com eftydns.com redirectdom.com domainhasexpired.com dnslink.com alter.com domainparking.ru
parktons.com perfectdomain.com trustednam.es domainorderdns.nl
"""
_PARKING: Final = frozenset(_LISTED.split())
_EXPIRED: Final = "expired-domain-ns"  # how two registrars begin the names of servers for what ran out


@dataclass(frozen=True, slots=True)
class ZoneFacts:
    """A domain's zone. `parked` is the name by which it is known to be parked: no proof of what a page shows.

    `wildcard` says that names nobody made are answered too.
    """

    ns: tuple[str, ...]
    soa: tuple[str, str] | None  # the first server, and the mailbox of who keeps the zone
    mx: tuple[str, ...]
    wildcard: bool
    parked: str | None


def zone_facts(domain: str | None, findings: Iterable[Finding], facts: HostingFacts) -> ZoneFacts | None:
    """Return what was found of a domain's zone; None where it could not be asked, or is not there."""
    own = (f for f in findings if f.lookup.kind is LookupKind.ZONE and f.lookup.subject == domain)
    zone = next((told for f in own if (told := said(f, ZoneRecords))), None)
    if zone is None:
        return None
    return ZoneFacts(
        ns=zone.ns,
        soa=(zone.soa.mname, zone.soa.rname) if zone.soa else None,
        mx=zone.mx,
        wildcard=zone.wildcard,
        parked=parking_mark((*zone.ns, *facts.cname)),
    )


def parking_mark(names: Sequence[str]) -> str | None:
    """Return the first of these names (a zone's servers, a host's aliases) that only parked domains have."""
    for name in names:
        labels = name.lower().rstrip(".").split(".")
        if labels[0].startswith(_EXPIRED):
            return name
        if any(".".join(labels[start:]) in _PARKING for start in range(len(labels))):
            return name
    return None
