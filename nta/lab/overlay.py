"""The catalogue that the lab lays over the shipped one: what the service may know of a world's parties."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from nta.lab.parties import WorldCountry, WorldHotline, WorldProvider
from nta.lab.world import World
from nta.strict_yaml import Lined

Entry = dict[str, Any]

PREFIX = "lab-"
"""Stands before the ids of a world's hosts, proxies and registrars."""


class _Dumper(yaml.SafeDumper):
    """Writes parts of a world's file as they were read."""


_Dumper.add_representer(Lined, yaml.SafeDumper.represent_dict)


def write_overlay(world: World, folder: Path) -> None:
    """Write the entries that the service needs to know the world's parties, one file each."""
    for shelf, name, entry in _entries(world):
        path = folder / shelf / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.dump(entry, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None)
        path.write_text(text, encoding="utf-8")


def _entries(world: World) -> Iterator[tuple[str, str, Entry]]:
    """Yield shelf, file name and content of each entry."""
    checked, parties = world.start.date(), world.parties
    for hotline in (world.hotline, *parties.hotlines.values()):
        yield "hotlines", hotline.id, _hotline(hotline, checked)
    for registry in parties.registries.values():
        entry = {"id": registry.id, "name": registry.name, "country": registry.country}
        route = {"to": registry.mail, "language": registry.language, "format": "text"}
        rest = {"suffixes": [registry.suffix], "notices": route}
        yield "registries", registry.id, entry | rest | _end(registry.mail, checked)
    for registrar in parties.registrars.values():
        if registrar.listed:
            name = f"{PREFIX}{registrar.id}"
            entry = {"id": name, "name": registrar.name, "country": registrar.country}
            route = {"to": registrar.mail, "language": registrar.language, "format": "text"}
            rest = {"iana_id": registrar.iana_id, "notices": route}
            yield "registrars", name, entry | rest | _end(registrar.mail, checked)
    for provider in parties.providers.values():
        if provider.listed:
            shelf = "proxies" if provider.is_proxy else "hosting"
            yield shelf, f"{PREFIX}{provider.id}", _provider(provider, checked)
    for one in parties.authorities.values():
        entry = {"id": one.id, "name": one.name, "country": one.country}
        rest = {"notices": {"to": one.mail, "language": one.language, "format": "text"}}
        yield "authorities", one.id, entry | rest | _end(one.mail, checked)
    for country in parties.countries.values():
        yield "countries", country.code, _country(country, checked)
    for ladder in parties.ladders:
        yield "ladders", str(ladder["id"]), dict(ladder)


def _hotline(hotline: WorldHotline, checked: date) -> Entry:
    return {
        "id": hotline.id,
        "name": hotline.name,
        "country": hotline.country,
        "standing": hotline.standing,
        "languages": list(hotline.languages),
        "notices": {"to": hotline.mail},
        "address": hotline.address,
    } | _end(hotline.mail, checked)


def _provider(provider: WorldProvider, checked: date) -> Entry:
    return {
        "id": f"{PREFIX}{provider.id}",
        "name": provider.name,
        "country": provider.country,
        "asns": [provider.asn],
        "notices": {
            "to": provider.outdated or provider.mail,
            "language": provider.language,
            "format": provider.format,
        },
    } | _end(provider.mail, checked)


def _country(country: WorldCountry, checked: date) -> Entry:
    hours = country.police_hold // timedelta(hours=1) if country.police_hold else None
    return {
        "code": country.code,
        "name": f"Country {country.code} of the lab",
        "police_first": country.police_first,
        "police_hold": f"{hours}h" if hours else None,
        "direct": country.direct,
        "languages": list(country.languages) or ["en"],
        "law": f"The law of the lab's {country.code}",
        "hotlines": list(country.hotlines),
        "source": "https://law.example/",
        "checked": checked,
    }


def _end(mail: str, checked: date) -> Entry:
    return {"source": f"https://{mail.partition('@')[2]}/abuse", "checked": checked}
