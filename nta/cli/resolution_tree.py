"""What was resolved, as a tree on a terminal; what others wrote in it steers nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from nta.render import plain
from nta.render.words import how_sure

Shown = Mapping[str, Any]

_WAYS: Final = {
    "rdap": "RDAP",
    "whois": "WHOIS",
    "upstream": "RDAP of its AS",
    "remark": "a remark",
    "catalogue": "the catalogue",
    "security_txt": "security.txt",
    "origin_lookup": "the proxy",
    "guess": "nobody's word",
}
_UNASKED: Final = frozenset({"catalogue", "guess"})  # the reason says since when an entry is known
_LOOKED_UP: Final = {
    "dns": "DNS",
    "rdap": "RDAP",
    "whois": "WHOIS",
    "route": "routes",
    "origin": "the proxy",
    "security_txt": "security.txt",
}
_NO_TERMINAL: Final = 4_096
_DEAD: Final = {"nxdomain": "the name does not exist", "no_address": "the name has no address"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the tree says besides: when all of it was asked, and the parties' names by id."""

    at: datetime
    names: Mapping[str, str] = field(default_factory=dict)


def show_tree(found: Shown, reading: Reading) -> None:
    """Print one resolved URL: on a terminal within its width, elsewhere one line for one thing."""
    # No markup, no highlighting, no emoji codes: texts of others are only ever shown as they are.
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _NO_TERMINAL  # a tree is cut at the width, also where lines may wrap
    console.print(resolved_tree(found, reading))


def resolved_tree(found: Shown, reading: Reading) -> Tree:
    """Return the tree of one URL: where it leads, its domain, whom to tell and why, what is missing."""
    country = found["hosting_country"] or "an unknown country"
    hosted = f", hosted in {country}" if found["addresses"] else ""
    tree = Tree(_line("host ", found["host"], hosted, style="bold"))
    for number, name in enumerate(found["cname"], 1):
        tree.add(_line(f"alias {number}: ", name))
    origins = found.get("origins", ())
    for address in found["addresses"]:
        _add_address(tree, address, reading, hides="" if origins else ": the host behind it is not seen")
    for origin in origins:
        who = reading.names.get(origin["from"], origin["from"])
        _add_address(tree.add(_line("behind the proxy, by the word of ", who)), origin, reading)
    _add_domain(tree, found)
    if found["contacts"]:
        whom = tree.add(_line("whom to tell", style="bold"))
        for contact in found["contacts"]:
            _add_contact(whom, contact, reading)
    elif found["addresses"]:
        tree.add(_line("nobody to tell was found", style="bold"))
    if found["problems"]:
        missing = tree.add(_line("what could not be found"))
        for p in found["problems"]:
            reason = _DEAD.get(p["reason"], p["reason"])
            missing.add(_line(f"{p['step']}: ", reason, " (for now)" if p["temporary"] else ""))
    counts = [f"{n} by {_LOOKED_UP.get(way, way)}" for way, n in found["lookups"].items() if n]
    tree.add(_line(f"asked {_moment(reading.at)}: {', '.join(counts) or 'nobody'}", style="dim"))
    return tree


def _add_contact(whom: Tree, c: Shown, reading: Reading) -> None:
    """Add one party to be told: at which address, why there, who says so and since when, how sure that is."""
    told = whom.add(_line(f"tell {c['role']}: ", c["to"], f"  ({_of(c, reading)})", style="bold"))
    told.add(_line("why: ", c["reason"]))
    source = _WAYS.get(c["source"], c["source"])
    asked = "" if c["source"] in _UNASKED else f", asked {_moment(reading.at)}"
    told.add(_line(f"source: {source}{asked}; {how_sure(c['confidence'])}"))


def _add_address(tree: Tree, a: Shown, reading: Reading, hides: str = "") -> None:
    announced = f"  AS{a['asn']} {a['as_name'] or ''}".rstrip() if a["asn"] else "  AS not known"
    branch = tree.add(_line(a["ip"], announced))
    if a.get("seen_from"):
        branch.add(_line("shown only to those who ask from ", ", ".join(a["seen_from"])))
    if a["proxy"]:
        name = reading.names.get(a["proxy"], a["proxy"])
        branch.add(_line("a proxy: ", name, hides))
    network = a["network"]
    if network:
        holder = network["holder"] or network["name"] or "an unknown holder"
        where = ", ".join(network["cidr"][:4])
        branch.add(_line("network of ", holder, f"  {where}  {network['country'] or ''}".rstrip()))
    _add_mails(branch, a["abuse"])


def _add_domain(tree: Tree, found: Shown) -> None:
    domain, zone = found["domain"], found.get("zone")
    if domain is None:
        return
    if domain["source"] is None:
        branch = tree.add(_line("domain ", found["registrable_domain"], ": its registration is not known"))
    elif not domain["registered"]:
        branch = tree.add(_line("domain ", found["registrable_domain"], ": not registered"))
    else:
        registrar = domain["registrar"] or {}
        name = registrar.get("name") or "an unknown registrar"
        source = _WAYS.get(domain["source"], domain["source"])
        branch = tree.add(_line("domain ", found["registrable_domain"], f"  (by {source})"))
        number = f" (IANA {registrar['iana_id']})" if registrar.get("iana_id") else ""
        held = branch.add(_line("registered through ", name, number))
        _add_mails(held, registrar.get("abuse", ()))
        branch.add(_line("status: ", ", ".join(domain["status"]) or "none told"))
    if zone:
        if zone["ns"] or domain["registered"]:
            branch.add(_line("name servers: ", ", ".join(zone["ns"]) or "none"))
        if zone["mx"]:
            branch.add(_line("mail servers: ", ", ".join(zone["mx"])))
        if zone["wildcard"]:
            branch.add(_line("any name under it is answered (wildcard)"))
        if zone["parked"]:
            branch.add(_line("it looks parked: ", zone["parked"], " serves such domains"))


def _add_mails(branch: Tree, mails: Sequence[Shown]) -> None:
    for mail in mails:
        source = _WAYS.get(mail["source"], mail["source"])
        branch.add(_line("abuse contact: ", mail["email"], f"  ({source}, {how_sure(mail['confidence'])})"))


def _of(contact: Shown, reading: Reading) -> str:
    name = reading.names.get(contact["party"], contact["party"])
    return f"{name}, {contact['country']}" if contact["country"] else name


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _line(*parts: str, style: str = "") -> Text:
    """Return one line, with a mark in place of whatever would steer a terminal."""
    return Text(plain.shown("".join(parts)), style)
