"""Every page and form of both doors, whoever sends it and however spoilt: never a fault of ours."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from urllib.parse import quote_from_bytes

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from nta.domain.parties.organisations import Catalogue
from nta.domain.policy import DeskRoleName
from nta.settings import Settings
from nta.store.db.handle import Store
from nta.web.access import add_user
from nta.web.desk import create_desk
from nta.web.portal import create_portal
from tests.builders import MadeNotice, make_case, make_notice
from tests.conftest import NINE
from tests.fakes import SetClock
from tests.fuzzing import rounds, spoil
from tests.web.conftest import COMPILED, PASSWORD, Forms, entered

GOOD: dict[str, bytes] = {
    "address": b"192.0.2.7",
    "answer": b"forwarded",
    "as_of": b"2026-03-01",
    "back": b"/cases",
    "class_value": b"baseline",
    "clock": b"B",
    "code": b"123456",
    "confirm": b"yes",
    "contact": b"7",
    "dedicated": b"yes",
    "email": b"lead@hotline.test",
    "from": b"2026-01-01",
    "item": b"7",
    "key": b"0123456789abcdef",
    "lang": b"nl",
    "next": b"/cases",
    "notice": b"7",
    "page": b"1",
    "party": b"hosting:quick",
    "password": b"correct horse battery",
    "provider": b"hosting:quick",
    "q": b"http://images.quick.example/p/1",
    "reason": b"seen by a person",
    "scope": b"page",
    "setup": b"authenticator",
    "severity": b"normal",
    "state": b"ended",
    "subject": b"7",
    "text": b"url,law\nhttp://images.quick.example/p/2,a law\nhxxp://b[.]example/\n",
    "to": b"2026-02-01",
    "token": b"token",
    "until": b"2026-03-03T09:00",
    "whose": b"Example Ltd",
    "why": b"our customer was told",
    "wrong": b"host",
}
"""Every field that a view of ours reads, with something that it takes."""


@dataclass(frozen=True)
class Known:
    """What there is to ask for."""

    case: str
    notice: MadeNotice


@dataclass(frozen=True)
class Sender:
    """A browser, and the token that its forms hold: without one nothing would be looked at."""

    name: str
    client: FlaskClient
    token: bytes

    @classmethod
    def at(cls, page: str, name: str, client: FlaskClient) -> "Sender":
        found = [form["csrf_token"][0] for form in Forms(client.get(page).text).forms.values()]
        return cls(name, client, found[0].encode())


@pytest.fixture
def known(store: Store, clock: SetClock) -> Known:
    for role in DeskRoleName:
        add_user(store, f"{role}@hotline.test", PASSWORD, role, clock=clock)
    cases = [make_case(store, f"http://images.quick.example/p/{n}", NINE) for n in (1, 2)]
    return Known(cases[0].reference, make_notice(store, cases, NINE))


@pytest.fixture
def doors(
    store: Store, settings: Settings, clock: SetClock, catalogue: Catalogue, known: Known, at_nine: object
) -> tuple[Flask, Flask]:
    made = create_desk(store, settings, clock, catalogue), create_portal(store, settings, clock, catalogue)
    for app in made:
        app.jinja_env.bytecode_cache = COMPILED
    return made


def test_no_form_however_spoilt_is_a_fault_of_ours(
    doors: tuple[Flask, Flask], store: Store, known: Known
) -> None:
    desk, portal = doors
    for seed in rounds(1):
        random = Random(seed)
        people = {role: Sender.at("/cases", role, entered(desk, store, role)) for role in DeskRoleName}
        people["nobody"] = Sender.at("/login", "nobody", desk.test_client())
        provider = Sender.at(f"/n/{known.notice.token}", "provider", portal.test_client())
        for rule, method in asked(desk):
            for who in ("lead", random.choice(["nobody", "analyst", "administrator"])):
                sent(people[who], rule, method, random, known, seed)
        for rule, method in asked(portal):
            sent(provider, rule, method, random, known, seed)


def asked(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint not in ("static", "security.static", "security.logout"):
            yield from ((rule, method) for method in sorted(rule.methods or ()) if method in ("GET", "POST"))


def sent(sender: Sender, rule: Rule, method: str, random: Random, known: Known, seed: int) -> None:
    """Send one request with a few things wrong in its path, its fields or its body."""
    path, fields = _path(rule, random, known), _fields(random, known)
    body = "&".join(f"{name}={_quoted(text)}" for name, text in fields.items()).encode()
    if random.random() < 0.1:
        body = spoil(body, random)
    if method == "GET":
        answer = sender.client.get(f"{path}?{body.decode('latin-1')}")
    elif random.random() < 0.3:
        parts = _in_parts(fields | {"csrf_token": sender.token}, random)
        answer = sender.client.post(path, data=parts, content_type="multipart/form-data; boundary=b")
    else:
        kind = "application/x-www-form-urlencoded"
        whole = b"csrf_token=" + sender.token + b"&" + body
        answer = sender.client.post(path, data=whole, content_type=kind)

    assert answer.status_code != 500, f"seed {seed}, {sender.name}: {method} {rule.rule} {path} {fields}"


def _path(rule: Rule, random: Random, known: Known) -> str:
    reference = known.case if "/cases/" in rule.rule else known.notice.reference
    parts = {"reference": reference, "number": "7", "token": known.notice.token}
    for name, part in parts.items():
        if random.random() < 0.2:
            parts[name] = _quoted(spoil(part.encode(), random))
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: parts.get(found[1], "x"), rule.rule)


def _fields(random: Random, known: Known) -> dict[str, bytes]:
    fields = {name: good for name, good in GOOD.items() if random.random() < 0.7}
    fields |= {"token": known.notice.token.encode(), "item": str(known.notice.item_ids[0]).encode()}
    for name in random.sample(sorted(fields), 3):
        fields[name] = spoil(fields[name], random)
    return fields


def _in_parts(fields: dict[str, bytes], random: Random) -> bytes:
    named = [(f'name="{name}"', text) for name, text in fields.items()]
    named.append(('name="file"; filename="f.csv"', spoil(GOOD["text"], random)))
    head = b"--b\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n"
    whole = b"".join(head % (name.encode(), text) for name, text in named) + b"--b--\r\n"
    return spoil(whole, random) if random.random() < 0.2 else whole


def _quoted(text: bytes) -> str:
    return quote_from_bytes(text, safe="")
