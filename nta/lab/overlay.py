"""The catalogue that the lab lays over the shipped one: its hotline, its registries, the hosts it lists."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from nta.lab.world import World

Entry = dict[str, Any]


def write_overlay(world: World, folder: Path) -> None:
    """Write the entries that the service needs to know the world's parties, one file each."""
    for kind, entry in _entries(world):
        path = folder / kind / f"{entry['id']}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, default_flow_style=None)
        path.write_text(text, encoding="utf-8")


def _entries(world: World) -> Iterator[tuple[str, Entry]]:
    checked = world.start.date()
    hotline = world.hotline
    yield (
        "hotlines",
        {
            "id": hotline.id,
            "name": hotline.name,
            "country": hotline.country,
            "standing": hotline.standing,
            "languages": list(hotline.languages),
            "notices": {"to": hotline.mail},
            "address": hotline.address,
            "source": _source(hotline.mail),
            "checked": checked,
        },
    )
    for registry in world.registries.values():
        yield (
            "registries",
            {
                "id": registry.id,
                "name": registry.name,
                "country": registry.country,
                "suffixes": [registry.suffix],
                "notices": {"to": registry.mail, "language": registry.language, "format": "text"},
                "source": _source(registry.mail),
                "checked": checked,
            },
        )
    for provider in world.providers.values():
        if provider.listed:
            yield (
                "hosting",
                {
                    "id": f"lab-{provider.id}",
                    "name": provider.name,
                    "country": provider.country,
                    "asns": [provider.asn],
                    "notices": {"to": provider.mail, "language": provider.language, "format": "text"},
                    "source": _source(provider.mail),
                    "checked": checked,
                },
            )


def _source(mail: str) -> str:
    return f"https://{mail.partition('@')[2]}/abuse"
