"""What answers about a domain come to, whoever gave them: nobody has it, or two of them as one."""

from typing import Any

Value = dict[str, Any]

UNDER_HOLDER = 0.2
"""Confidence of an abuse contact that belongs to the holder: known, and never a registrar's."""


def not_registered(name: str, source: str) -> Value:
    """Return the value that says that nobody has the name."""
    return {
        "name": name,
        "suffix": name.partition(".")[2],
        "registered": False,
        "registrar": None,
        "status": [],
        "nameservers": [],
        "source": source,
    }


def merged(registry: Value, registrar: Value) -> Value:
    """Return the registry's answer, filled from the registrar's; the nearer abuse contacts come first."""
    near, far = registrar["registrar"] or {}, registry["registrar"] or {}
    name, number = (far.get(key) or near.get(key) for key in ("name", "iana_id"))
    listed = [*near.get("abuse", ()), *far.get("abuse", ())]
    if name or number:
        listed = [one for one in listed if one["confidence"] > UNDER_HOLDER]
    named = [one for one in listed if one["source"] != "guess"] or listed
    once = {one["email"].casefold(): one for one in reversed(named)}
    abuse = [once[email] for email in dict.fromkeys(one["email"].casefold() for one in named)]
    return {
        **registry,
        "registrar": {"name": name, "iana_id": number, "abuse": abuse} if near or far else None,
        "status": registry["status"] or registrar["status"],
        "nameservers": registry["nameservers"] or registrar["nameservers"],
    }
