"""What was resolved, as a tree on a terminal; what others wrote in it steers nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from nta.render import plain

Shown = Mapping[str, Any]

_WAYS: Final = {"rdap": "RDAP", "whois": "WHOIS", "upstream": "RDAP of its AS", "remark": "a remark"}
_DEAD: Final = {"nxdomain": "the name does not exist", "no_address": "the name has no address"}


def show_tree(found: Shown) -> None:
    """Print one resolved URL. Plain text where nobody looks at it, colours only on a terminal."""
    # No markup, no highlighting, no emoji codes: texts of others are only ever shown as they are.
    console = Console(markup=False, highlight=False, emoji=False, soft_wrap=True)
    console.print(resolved_tree(found))


def resolved_tree(found: Shown) -> Tree:
    """Return the tree of one URL: where it leads, its domain, whom to tell and why, what is missing."""
    country = found["hosting_country"] or "an unknown country"
    tree = Tree(_line("host ", found["host"], f", hosted in {country}"))
    for number, name in enumerate(found["cname"], 1):
        tree.add(_line(f"alias {number}: ", name))
    for address in found["addresses"]:
        _add_address(tree, address)
    _add_domain(tree, found)
    if found["contacts"]:
        whom = tree.add(_line("whom to tell"))
        for c in found["contacts"]:
            told = whom.add(_line(f"tell {c['role']}: ", c["email"], f"  ({_of(c['party'], c['country'])})"))
            told.add(_line("why: ", c["reason"]))
    elif found["addresses"]:
        tree.add(_line("nobody to tell was found"))
    if found["problems"]:
        missing = tree.add(_line("what could not be found"))
        for p in found["problems"]:
            reason = _DEAD.get(p["reason"], p["reason"])
            missing.add(_line(f"{p['step']}: ", reason, " (for now)" if p["temporary"] else ""))
    return tree


def _add_address(tree: Tree, a: Shown) -> None:
    announced = f"  AS{a['asn']} {a['as_name'] or ''}".rstrip() if a["asn"] else "  AS not known"
    branch = tree.add(_line(a["ip"], announced))
    if a["proxy"]:
        branch.add(_line("a proxy: ", a["proxy"], ": the host behind it is not seen"))
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
        branch.add(_line("abuse contact: ", mail["email"], f"  ({source})"))


def _of(party: str, country: str | None) -> str:
    return f"{party}, {country}" if country else party


def _line(*parts: str) -> Text:
    """Return one line, with a mark in place of whatever would steer a terminal."""
    return Text(plain.shown("".join(parts)))
