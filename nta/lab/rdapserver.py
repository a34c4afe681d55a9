"""Registration data of the world: bootstrap files (RFC 9224), answers (RFC 9083), jCards (RFC 7095)."""

from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from nta.lab.httpserver import Reply, Request, json_reply
from nta.lab.landscape import Landscape
from nta.lab.parties import WorldProvider, WorldRegistrar
from nta.lab.whoisserver import statuses
from nta.lab.world import Site

MEDIA = "application/rdap+json"
PUBLISHED = "2026-03-01T00:00:00Z"
JSON = dict[str, Any]


class RDAPAnswers:
    """Answers look-ups of networks, AS numbers and domains; `root` is where it stands, with a last slash."""

    def __init__(self, landscape: Landscape, root: str) -> None:
        self._landscape = landscape
        self._world = landscape.world
        self._root = root
        self.questions = 0

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        self.questions += 1
        if request.method not in ("GET", "HEAD"):
            return json_reply(_error(405, "ask with GET"), 405, MEDIA)
        path = request.path.strip("/")
        if path in ("dns.json", "ipv4.json", "ipv6.json", "asn.json"):
            return json_reply(self._bootstrap(path))
        kind, _, subject = path.partition("/")
        answers: dict[str, Callable[[str], JSON | None]] = {
            "ip": self._network,
            "autnum": self._autnum,
            "domain": self._domain,
            "registrar": self._at_registrar,
        }
        found = answers[kind](subject) if kind in answers else None
        if found is None:
            return json_reply(_error(404, "nothing is registered so"), 404, MEDIA)
        self_link = {
            "rel": "self",
            "href": f"{self._root}{path}",
            "value": f"{self._root}{path}",
            "type": MEDIA,
        }
        return json_reply({**found, "links": [self_link, *found.get("links", ())]}, 200, MEDIA)

    def _bootstrap(self, name: str) -> JSON:
        services: list[list[list[str]]] = {
            "dns.json": [
                [[registry.suffix], [self._root]]
                for registry in self._world.registries.values()
                if not registry.whois
            ],
            "ipv4.json": [[["127.0.0.0/8"], [self._root]]],
            "asn.json": [[["64496-64511"], [self._root]]],
            "ipv6.json": [],
        }[name]
        return {"version": "1.0", "publication": PUBLISHED, "description": "Lab", "services": services}

    def _network(self, subject: str) -> JSON | None:
        try:
            address = ip_address(subject) if "/" not in subject else ip_network(subject).network_address
        except ValueError:
            return None
        for provider in self._world.providers.values():
            if isinstance(address, IPv4Address) and address in provider.network:
                return _network_of(provider)
        return None

    def _autnum(self, subject: str) -> JSON | None:
        for provider in self._world.providers.values():
            if subject == str(provider.asn):
                return {
                    **_object("autnum", f"AS{provider.asn}"),
                    "startAutnum": provider.asn,
                    "endAutnum": provider.asn,
                    "name": f"{provider.id.upper()}-AS",
                    "country": provider.country,
                    "entities": _entities(provider),
                }
        return None

    def _domain(self, subject: str) -> JSON | None:
        """Answer as a registry does: the registrar by name and number, and where its own data are."""
        site = self._registered(subject)
        if site is None or any(r.whois and r.suffix == site.suffix for r in self._world.registries.values()):
            return None
        registrar = self._world.registrar(site)
        entities = [_registrar(registrar, None)] if registrar else []
        there = f"{self._root}registrar/{registrar.id}/domain/{site.domain}" if registrar else ""
        here = f"{self._root}domain/{site.domain}"
        links = [{"rel": "related", "href": there, "value": here, "type": MEDIA}] if registrar else []
        return {**self._domain_of(site), "entities": entities, "links": links}

    def _at_registrar(self, subject: str) -> JSON | None:
        """Answer as a registrar does, whose own data hold its abuse contact."""
        name, _, asked = subject.partition("/domain/")
        site = self._registered(asked)
        registrar = self._world.registrar(site) if site else None
        if site is None or registrar is None or registrar.id != name:
            return None
        holder = {
            **_entity("HOLDER", ["registrant"], "", None),
            "remarks": [{"title": "REDACTED FOR PRIVACY"}],
        }
        entities = [_registrar(registrar, registrar.mail), holder]
        return {**self._domain_of(site), "entities": entities}

    def _registered(self, subject: str) -> Site | None:
        name = subject.lower().rstrip(".")
        return next((site for site in self._world.sites.values() if site.domain == name), None)

    def _domain_of(self, site: Site) -> JSON:
        placement = self._landscape.placements(site)[0]
        keeper = self._world.providers[placement.provider]
        nameservers = [
            {"objectClassName": "nameserver", "ldhName": f"{host}.{keeper.domain}"} for host in ("ns1", "ns2")
        ]
        return {
            **_object("domain", f"{site.domain.upper()}-LAB"),
            "ldhName": site.domain,
            "status": [rdap for _, rdap in statuses(self._landscape, site)],
            "nameservers": nameservers,
            "events": [{"eventAction": "registration", "eventDate": "2025-06-01T00:00:00Z"}],
        }


def _registrar(registrar: WorldRegistrar, abuse: str | None) -> JSON:
    entity = _entity(f"REG-{registrar.iana_id}", ["registrar"], registrar.name, None, kind="org")
    entity["publicIds"] = [{"type": "IANA Registrar ID", "identifier": registrar.iana_id}]
    if abuse:
        entity["entities"] = [_entity("ABUSE", ["abuse"], f"{registrar.name} abuse desk", abuse)]
    return entity


def _network_of(provider: WorldProvider) -> JSON:
    network = provider.network
    first, last = str(network.network_address), str(network.broadcast_address)
    return {
        **_object("ip network", f"{first} - {last}"),
        "rdapConformance": ["rdap_level_0", "cidr0", "arin_originas0"],
        "startAddress": first,
        "endAddress": last,
        "ipVersion": "v4",
        "name": f"{provider.id.upper()}-NET",
        "type": "ASSIGNED PA",
        "country": provider.country,
        "status": ["active"],
        "cidr0_cidrs": [{"v4prefix": first, "length": network.prefixlen}],
        "arin_originas0_originautnums": [provider.asn],
        "entities": _entities(provider),
        "events": [{"eventAction": "registration", "eventDate": "2020-01-01T00:00:00Z"}],
    }


def _entities(provider: WorldProvider) -> list[JSON]:
    """Return holder and abuse contact: side by side, or the contact within the holder (RFC 9083, 5.1)."""
    key = provider.id.upper()
    abuse = _entity(f"AR-{key}", ["abuse"], f"{provider.name} abuse desk", provider.mail)
    holder = _entity(f"ORG-{key}", ["registrant"], provider.name, None, kind="org")
    if provider.nested:
        return [{**holder, "entities": [abuse]}]
    return [holder, abuse]


def _entity(handle: str, roles: list[str], name: str, mail: str | None, kind: str = "group") -> JSON:
    card: list[list[Any]] = [
        ["version", {}, "text", "4.0"],
        ["fn", {}, "text", name],
        ["kind", {}, "text", kind],
    ]
    if kind == "org":
        card.append(["org", {}, "text", name])
    if mail:
        card.append(["email", {"type": "abuse"}, "text", mail])
    return {
        "objectClassName": "entity",
        "handle": handle,
        "roles": roles,
        "vcardArray": ["vcard", card],
    }


def _object(kind: str, handle: str) -> JSON:
    return {"rdapConformance": ["rdap_level_0"], "objectClassName": kind, "handle": handle}


def _error(status: int, text: str) -> JSON:
    return {"rdapConformance": ["rdap_level_0"], "errorCode": status, "title": text}
