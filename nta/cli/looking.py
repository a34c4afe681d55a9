"""`nta resolve`, `nta check`, `nta inbox explain`: look, write nothing."""

import email
import email.policy
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from nta.cli.tell import complain, json_option, put, show
from nta.domain.availability import ProofRules, Verdict, extend, judge
from nta.domain.contacts import choose
from nta.domain.errors import RefusedError
from nta.domain.hosting import FoundContact, HostingFacts, Problem
from nta.domain.resolution import LookupKind
from nta.domain.returned_mail import explain
from nta.domain.roles import Role
from nta.domain.urls import Location, parse, refang, registrable_domain
from nta.usecases.recheck import look_once
from nta.usecases.resolve import Resolved, resolve_url


@click.command()
@click.argument("urls", nargs=-1, required=True)
@json_option
@click.pass_obj
def resolve(opener: Any, urls: tuple[str, ...], as_json: bool) -> int:
    """Say who serves a URL and whom to tell. Writes nothing.

    Exit 0: all was found; 1: something was not; 2: no URL could be read;
    3: a look-up failed for the time being.

    \b
    Example:  nta resolve https://gallery.example/a
    """
    locations = _located(urls)
    kit = opener()
    problems: list[Problem] = []
    routes = kit.settings.routes.are_asked
    for location in locations:
        now = kit.clock.now()
        found = resolve_url(location, asker=kit.asker, catalogue=kit.catalogue, now=now, routes=routes)
        plain = _resolved(location.url, found, kit.catalogue)
        problems += _problems(found.facts)
        if as_json:
            put(plain)
        else:
            _print_resolved(plain)
    if any(p.temporary for p in problems):
        return 3
    return 1 if problems or len(locations) < len(urls) else 0


@click.command()
@click.argument("urls", nargs=-1, required=True)
@json_option
@click.pass_obj
def check(opener: Any, urls: tuple[str, ...], as_json: bool) -> int:
    """Look once whether a URL still shows something, from every vantage point. Writes nothing.

    Each host is asked for a made-up page too: where that is answered alike,
    one look cannot tell.

    Exit 0: a verdict for each; 1: some could not be read; 2: none could; 3: one stayed unknown.

    \b
    Example:  nta check https://gallery.example/a
    """
    locations = _located(urls)
    kit = opener()
    unknown = 0
    for location in locations:
        sightings = look_once(location, eyes=kit.eyes, now=kit.clock.now())
        runs = [extend(None, s) for s in sightings]
        judgement = judge(sightings, runs, ProofRules())
        unknown += judgement.verdict is Verdict.UNKNOWN
        plain = {
            "url": location.url,
            "verdict": judgement.verdict.value,
            "cause": judgement.cause.value,
            "sightings": [
                {
                    "vantage": s.vantage,
                    "verdict": s.verdict.value,
                    "cause": s.cause.value,
                    "rule": s.rule,
                    "status": s.status,
                    "ip": s.ip,
                    "bytes": s.length,
                    "seconds": round(s.seconds, 3),
                }
                for s in sightings
            ],
        }
        if as_json:
            put(plain)
        else:
            show(f"{judgement.verdict.value} ({judgement.cause.value})")
            for s in sightings:
                said = f"{s.verdict.value}, {s.cause.value} by the rule {s.rule}"
                show(f"  {s.vantage}: {said}, status {s.status}, {s.ip}")
    if unknown:
        return 3
    return 1 if len(locations) < len(urls) else 0


def _located(urls: Sequence[str]) -> list[Location]:
    """Return where the URLs lead; says which cannot be read. Raises RefusedError when none can."""
    found = []
    for number, text in enumerate(urls, 1):
        try:
            found.append(parse(refang(text)))
        except RefusedError as refusal:
            if len(urls) == 1:
                raise
            complain(f"URL {number}: {refusal}", 2)
    if not found:
        raise RefusedError("none of the URLs can be read")
    return found


@click.group()
def inbox() -> None:
    """Mail that came back."""


@inbox.command("explain")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def inbox_explain(files: tuple[Path, ...], as_json: bool) -> int:
    """Say what mails mean: a bounce, a delay, an answer. Writes nothing.

    \b
    Example:  nta inbox explain returned.eml
    """
    unread = 0
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as fault:
            complain(f"{file}: {fault.strerror}", 2)
            unread += 1
            continue
        meaning = explain(email.message_from_bytes(data, policy=email.policy.default))
        plain = {
            "file": str(file),
            "kind": meaning.kind.value,
            "notice": meaning.original_message_id,
            "recipients": [
                {
                    "address": r.address,
                    "action": r.action,
                    "status": r.status,
                    "reason": r.reason,
                    "permanent": r.permanent,
                }
                for r in meaning.recipients
            ],
        }
        if as_json:
            put(plain)
        else:
            show(f"{file}: {meaning.kind.value}")
            for r in meaning.recipients:
                show(f"  {r.address}: {r.action} {r.status or ''} {r.reason or ''}".rstrip())
    return 2 if unread == len(files) else 1 if unread else 0


def _problems(facts: HostingFacts) -> list[Problem]:
    """Return what was not found: look-ups without an answer, and a name that leads nowhere."""
    dead = [Problem(LookupKind.ADDRESSES.value, facts.dead, temporary=False)] if facts.dead else []
    return [*facts.problems, *dead]


def _resolved(url: str, found: Resolved, catalogue: Any) -> dict[str, Any]:
    facts = found.facts
    roles = (Role.HOST, Role.PROXY, Role.REGISTRAR, Role.REGISTRY)
    choices = [choice for role in roles for choice in choose(role, facts, catalogue, {})]
    return {
        "url": url,
        "host": facts.host,
        "registrable_domain": registrable_domain(facts.host),
        "cname": list(facts.cname),
        "hosting_country": facts.country,
        "addresses": [_address(a) for a in facts.addresses],
        "domain": _domain(facts, catalogue),
        "contacts": [
            {
                "role": c.role.value,
                "email": c.email,
                "party": c.party,
                "country": c.country,
                "source": c.source,
                "confidence": c.confidence,
                "reason": c.reason,
            }
            for c in choices
        ],
        "problems": [
            {"step": p.step, "reason": p.reason, "temporary": p.temporary} for p in _problems(facts)
        ],
        "lookups": {
            "dns": found.asked.get("dns", 0),
            "rdap": sum(n for kind, n in found.asked.items() if kind.startswith("rdap")),
            "whois": sum(n for kind, n in found.asked.items() if kind.startswith("whois")),
            **{kind: n for kind, n in found.asked.items() if kind == LookupKind.ROUTE},
        },
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
        "network": {
            "handle": network.handle,
            "name": network.name,
            "cidr": list(network.cidr),
            "country": network.country,
            "holder": network.holder_name or network.holder,
        }
        if network
        else None,
        "abuse": _mails(a.abuse),
    }


def _domain(facts: HostingFacts, catalogue: Any) -> dict[str, Any] | None:
    domain = facts.domain
    if domain is None:
        return None
    registry = catalogue.registry_of(domain.suffix)
    route = registry.notices if registry else None
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
            "abuse": [{"email": route.to, "source": "catalogue", "confidence": 1.0}] if route else [],
        },
        "status": list(domain.status),
        "nameservers": list(domain.nameservers),
        "source": domain.source,
    }


def _print_resolved(plain: dict[str, Any]) -> None:
    show(f"host {plain['host']}, hosted in {plain['hosting_country'] or 'an unknown country'}")
    for a in plain["addresses"]:
        network = a["network"] or {}
        show(f"  {a['ip']}  AS{a['asn'] or '?'} {a['as_name'] or ''}  {network.get('holder') or ''}".rstrip())
    _print_domain(plain["domain"])
    for c in plain["contacts"]:
        show(f"  tell {c['role']}: {c['email']}: {c['reason']}")
    for p in plain["problems"]:
        show(f"  {p['step']}: {p['reason']}{' (for now)' if p['temporary'] else ''}")


def _print_domain(domain: dict[str, Any] | None) -> None:
    if domain is None or domain["source"] is None:
        return
    if not domain["registered"]:
        show("  its domain is not registered")
        return
    name = (domain["registrar"] or {}).get("name") or "an unknown registrar"
    show(f"  its domain is registered through {name}: {', '.join(domain['status']) or 'no status'}")


COMMANDS = (resolve, check, inbox)
