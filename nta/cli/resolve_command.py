"""`nta resolve`: who serves a URL and whom to tell, as JSON or as a tree for a reader. Writes nothing."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any

import click

from nta.cli.output import complain, json_option, put
from nta.domain.errors import RefusedError
from nta.domain.hosting.facts import FoundContact, HostingFacts, LookupProblem
from nta.domain.hosting.lookups import LookupKind
from nta.domain.intake.reserved_names import is_nobodys
from nta.domain.intake.urls import (
    Location,
    parse,
    refang,
    registrable_domain,
)
from nta.domain.notices.contact_choice import Choice, choose
from nta.domain.parties.contact_addresses import MAIL
from nta.domain.reasons import other
from nta.domain.roles import Role
from nta.render.reason_sentences import sentence
from nta.settings import Reach
from nta.usecases.resolve import Resolved, resolve_url

# An argument is one URL and no sentence: behind a sound scheme and host, the rest is taken to the letter.
_AS_IT_STANDS = re.compile(
    r"https?://(?:[^\s/?#@\\]*@)?(?:[\w.%-]+|\[[0-9a-f:.]+\])(?::\d*)?(?:/|\?.)(?!.*[\[({](?:\.|dot)[\])}])",
    re.IGNORECASE | re.DOTALL,
)
_ROLES = (Role.HOST, Role.PROXY, Role.SITE_OWNER, Role.REGISTRAR, Role.REGISTRY)
_NAMED_APART = (LookupKind.ROUTE, LookupKind.ORIGIN, LookupKind.SECURITY_TXT)


@click.command()
@click.argument("urls", nargs=-1, required=True)
@json_option
@click.pass_obj
def resolve(opener: Any, urls: tuple[str, ...], as_json: bool) -> int:
    """Say who serves a URL and whom to tell. Writes nothing.

    Exit 0: all was found; 1: something was not; 2: no URL could be read,
    or none leads anywhere; 3: a look-up failed for the time being.

    \b
    Example:  nta resolve https://gallery.example/a
              nta resolve --json hxxp://gallery[.]example/a
    """
    kit = opener()
    locations = located(urls, kit.settings.reach)
    problems: list[LookupProblem] = []
    routes = kit.settings.routes.are_asked
    for location in locations:
        now = kit.clock.now()
        found = resolve_url(
            location,
            asker=kit.asker,
            catalogue=kit.catalogue,
            now=now,
            routes=routes,
            askable=kit.askable,
        )
        choices = [c for role in _ROLES for c in choose(role, found.facts, kit.catalogue, {})]
        plain = _resolved(location.url, found, choices, kit.catalogue)
        problems += _problems(found.facts)
        if as_json:
            put(plain)
        else:
            _show(plain, found.facts, choices, now, is_first=location is locations[0])
    if any(p.temporary for p in problems):
        return 3
    return 1 if problems or len(locations) < len(urls) else 0


def located(urls: Sequence[str], reach: Reach | None = None) -> list[Location]:
    """Return where the URLs lead; says which cannot be read, and with `reach` which lead nowhere.

    Raises: RefusedError when none is left.
    """
    found = []
    for number, text in enumerate(urls, 1):
        try:
            location = parse(text if _AS_IT_STANDS.match(text.strip()) else refang(text))
            _lead_somewhere(location, reach)
        except RefusedError as refusal:
            if len(urls) == 1:
                raise
            complain(f"URL {number}: {sentence(refusal.reason)}", 2)
        else:
            found.append(location)
    if not found:
        raise RefusedError("none of the URLs can be read")
    return found


def _lead_somewhere(location: Location, reach: Reach | None) -> None:
    """Raise RefusedError for an address that no host on the internet has, unless it may be reached here."""
    if reach is None or not location.is_ip:
        return
    address = ip_address(location.host)
    mapped = getattr(address, "ipv4_mapped", None) or address
    named = any(mapped.version == range_.version and mapped in range_ for range_ in reach.ranges)
    if not named and is_nobodys(location.host):
        raise RefusedError(
            f"the URL leads to the address {mapped}, which no host on the internet has: "
            "it is private, reserved or this machine's own, and NTA_REACH does not name it"
        )


def _problems(facts: HostingFacts) -> list[LookupProblem]:
    """Return what was not found: look-ups without an answer, and a name that leads nowhere."""
    dead = (
        [LookupProblem(LookupKind.ADDRESSES.value, other(facts.dead), temporary=False)] if facts.dead else []
    )
    return [*facts.problems, *dead]


def _show(
    plain: dict[str, Any], facts: HostingFacts, choices: Sequence[Choice], now: datetime, *, is_first: bool
) -> None:
    """Print the tree of one URL, with a line between it and the one before."""
    from nta.cli.resolution_tree import (  # rich takes longer to load than most commands to run
        Reading,
        show_tree,
    )

    names = {who: a.party_name for a in facts.addresses if (who := a.proxy or a.party) and a.party_name}
    if not is_first:
        click.echo()
    show_tree(plain, Reading(now, names | {c.party: c.party_name for c in choices}))


def _resolved(url: str, found: Resolved, choices: Iterable[Choice], catalogue: Any) -> dict[str, Any]:
    facts = found.facts
    return {
        "url": url,
        "host": facts.host,
        "registrable_domain": registrable_domain(facts.host),
        "cname": list(facts.cname),
        "hosting_country": facts.country,
        "addresses": [_address(a) for a in facts.addresses],
        "origins": [_address(a) | {"from": facts.origin_from} for a in facts.origins],
        "domain": _domain(facts, catalogue),
        "contacts": [_contact(c) for c in choices],
        "problems": [
            {"step": p.step, "reason": sentence(p.reason), "temporary": p.temporary} for p in _problems(facts)
        ],
        "lookups": _lookups(found),
        "zone": _zone(found),
    }


def _lookups(found: Resolved) -> dict[str, int]:
    """Return how many questions choosing took, by the way they went; those of the zone are a reader's."""
    return {
        "dns": found.asked.get("dns", 0),
        "rdap": sum(n for kind, n in found.asked.items() if kind.startswith("rdap")),
        "whois": sum(n for kind, n in found.asked.items() if kind.startswith("whois")),
        **{kind: n for kind, n in found.asked.items() if kind in _NAMED_APART},
    }


def _zone(found: Resolved) -> dict[str, Any] | None:
    zone = found.zone
    if zone is None:
        return None
    return {
        "ns": list(zone.ns),
        "soa": {"mname": zone.soa[0], "rname": zone.soa[1]} if zone.soa else None,
        "mx": list(zone.mx),
        "wildcard": zone.wildcard,
        "parked": zone.parked,
    }


def _contact(c: Choice) -> dict[str, Any]:
    return {
        "role": c.role.value,
        "email": c.address.to if c.address.channel == MAIL else None,
        "channel": c.address.channel,
        "to": c.address.to,
        "party": c.party,
        "country": c.country,
        "source": c.source,
        "confidence": c.confidence,
        "reason": sentence(c.reason),
    }


def _mails(contacts: Iterable[FoundContact]) -> list[dict[str, Any]]:
    return [{"email": c.email, "source": c.source, "confidence": c.confidence} for c in contacts]


def _address(a: Any) -> dict[str, Any]:
    network = a.network
    return {
        "ip": a.ip,
        "asn": a.asn,
        "as_name": a.as_name,
        "proxy": a.proxy,
        "seen_from": list(a.seen_from),
        "network": {
            "handle": network.handle,
            "name": network.name,
            "cidr": list(network.cidr),
            "country": network.country,
            "holder": network.holder_name or network.holder,
        }
        if network
        else None,
        "abuse": _mails(c for c in a.abuse if c.source != "guess"),  # nobody named those: see contacts
    }


def _domain(facts: HostingFacts, catalogue: Any) -> dict[str, Any] | None:
    domain = facts.domain
    if domain is None:
        return None
    registry = catalogue.registry_of(domain.suffix)
    route = registry.notices if registry else None
    mailbox = route.to if route and route.channel == MAIL else None
    registrar = domain.registrar
    return {
        "registered": domain.registered,
        "registrar": {
            "name": registrar.name,
            "iana_id": registrar.iana_id,
            "abuse": _mails(registrar.abuse),
        }
        if registrar
        else None,
        "registry": {
            "suffix": domain.suffix,
            "abuse": [{"email": mailbox, "source": "catalogue", "confidence": 1.0}] if mailbox else [],
        },
        "status": list(domain.status),
        "nameservers": list(domain.nameservers),
        "source": domain.source,
    }


COMMANDS = (resolve,)
