"""Rows for tests of doors and steps: a case as resolve leaves it, a notice as dispatch leaves it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from nta.domain.episode_state import EpisodeState
from nta.domain.hosting import facts as hosting_facts
from nta.domain.intake import urls
from nta.domain.lifecycle import EventKind
from nta.domain.reasons import Code, because
from nta.domain.references import reference
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.notices.links import new_link
from nta.store.tables import (
    Addressee,
    Arrangement,
    ArrangementParty,
    Case,
    Contact,
    Domain,
    Episode,
    Host,
    Notice,
    NoticeEvent,
    NoticeItem,
    PartyRow,
    PortalLink,
    SightingSpan,
    Submission,
)
from nta.store.work import due, switches


@dataclass(frozen=True, slots=True)
class MadeCase:
    """What `make_case` made."""

    case_id: int
    episode_id: int
    host_id: int
    domain_id: int | None
    reference: str
    url: str


@dataclass(frozen=True, slots=True)
class MadeNotice:
    """What `make_notice` made."""

    notice_id: int
    reference: str
    token: str
    item_ids: tuple[int, ...]
    addressee_ids: tuple[int, ...]


def make_case(
    store: Store,
    url: str,
    at: datetime,
    *,
    severity: str = "normal",
    party: str = "hosting:quick",
    ip: str = "192.0.2.10",
    country: str = "NL",
    resolved: bool = True,
    **state: Any,
) -> MadeCase:
    """Insert a case with its host, domain, arrangement, submission and first episode.

    `state` overrides columns of the episode: stage, presence, last_up_at …
    """
    location = urls.parse(url)
    with store.db.write() as connection:
        host_id, domain_id = _host(connection, store, location)
        case_id = store.new_id()
        found = reference("C", case_id, at.year, store.keys.derived("reference"))
        _put(
            connection,
            Case,
            id=case_id,
            reference=found,
            digest=urls.digest(location.url, store.keys.derived("url")),
            host_id=host_id,
            url_sealed=store.sealer.seal("case.url", case_id, location.url),
            class_scheme="inhope",
            class_value="baseline",
            severity=severity,
            scope="page",
            received_at=at,
        )
        _put(
            connection,
            Submission,
            id=store.new_id(),
            case_id=case_id,
            source="desk",
            received_at=at,
            confirmed_at=at,
            submitted_at=at,
            class_scheme="inhope",
            class_value="baseline",
            severity=severity,
            scope="page",
        )
        episode = episodes.begin(
            connection,
            store.ids,
            case_id=case_id,
            host_id=host_id,
            number=1,
            severity=severity,
            received_at=at,
            at=at,
            who="analyst@hotline.test",
            kind=EventKind.SUBMITTED,
        )
        if resolved:
            state["arrangement_id"] = _arrangement(
                connection, store, host_id, location, party, ip, country, at
            )
            state.setdefault("stage", "ready")
            due.want(connection, due.ESCALATE, [episode.id], at)
        if state:
            connection.execute(update(Episode).where(Episode.id == episode.id).values(**state))
    return MadeCase(case_id, episode.id, host_id, domain_id, found, location.url)


def make_notice(
    store: Store,
    cases: Sequence[MadeCase],
    at: datetime,
    *,
    party: str = "hosting:quick",
    role: str = "host",
    kind: str = "first",
    state: str = "handed_over",
    handed: bool = True,
) -> MadeNotice:
    """Insert a notice about the cases, with contact, addressees, items sealed for the portal, and a link."""
    notice_id = store.new_id()
    token, digest = new_link(store.keys)
    items, addressees = [], []
    with store.db.write() as connection:
        contact = _contact(connection, store, party, at)
        found = reference("N", notice_id, at.year, store.keys.derived("reference"))
        _put(
            connection,
            Notice,
            id=notice_id,
            reference=found,
            party=party,
            role=role,
            contact_id=contact,
            kind=kind,
            rung=kind,
            language="en",
            format="text",
            severity="normal",
            state=state,
            queued_at=at,
            handed_at=at if handed else None,
        )
        for position, case in enumerate(cases, 1):
            addressees.append(_addressee(connection, store, case, party, role, kind, contact, at, handed))
            items.append(store.new_id())
            _put(
                connection,
                NoticeItem,
                id=items[-1],
                notice_id=notice_id,
                addressee_id=addressees[-1],
                episode_id=case.episode_id,
                position=position,
                case_reference=case.reference,
                location_sealed=store.sealer.seal("notice_item.location", items[-1], case.url),
                portal_sealed=store.portal_sealer.seal("notice_item.portal", items[-1], case.url),
                last_up_at=at,
                received_at=at - timedelta(hours=2),
                scope="page",
            )
        if handed:
            _put(
                connection,
                NoticeEvent,
                id=store.new_id(),
                notice_id=notice_id,
                at=at,
                kind="handed_over",
                settled=True,
            )
        _put(
            connection,
            PortalLink,
            id=store.new_id(),
            notice_id=notice_id,
            digest=digest,
            expires_at=at + timedelta(days=30),
        )
    return MadeNotice(notice_id, found, token, tuple(items), tuple(addressees))


def make_span(
    store: Store, case: MadeCase, first: datetime, last: datetime, *, vantage: str = "nl", verdict: str = "up"
) -> None:
    """Insert the current sighting span of a case from one vantage point."""
    cause = {"up": "content_present", "gone": "not_found"}.get(verdict, "timeout")
    with store.db.write() as connection:
        _put(
            connection,
            SightingSpan,
            id=store.new_id(),
            episode_id=case.episode_id,
            vantage=vantage,
            first_at=first,
            last_at=last,
            count=3,
            longest_gap=timedelta(hours=1),
            verdict=verdict,
            cause=cause,
            rule="status",
            status=200 if verdict == "up" else 404,
            length=1200,
            address="192.0.2.10",
            current=True,
        )


def _put(connection: Connection, table: Any, **values: Any) -> None:
    connection.execute(insert(table).values(**values))


def _host(connection: Connection, store: Store, location: urls.Location) -> tuple[int, int | None]:
    digest = urls.digest(location.site_key, store.keys.derived("host"))
    known = connection.execute(select(Host.id, Host.domain_id).where(Host.digest == digest)).first()
    if known:
        return known.id, known.domain_id
    name = urls.registrable_domain(location.host)
    domain_id = None
    if name:
        name_digest = urls.digest(name, store.keys.derived("domain"))
        domain_id = connection.execute(select(Domain.id).where(Domain.digest == name_digest)).scalar()
    if name and domain_id is None:
        domain_id = store.new_id()
        _put(
            connection,
            Domain,
            id=domain_id,
            digest=name_digest,
            name_sealed=store.sealer.seal("domain.name", domain_id, name),
            suffix=urls.public_suffix(location.host) or "",
        )
    host_id = store.new_id()
    _put(
        connection,
        Host,
        id=host_id,
        digest=digest,
        name_sealed=store.sealer.seal("host.name", host_id, location.host),
        port=location.port,
        is_ip=location.is_ip,
        domain_id=domain_id,
    )
    return host_id, domain_id


def _arrangement(
    connection: Connection,
    store: Store,
    host_id: int,
    location: urls.Location,
    party: str,
    ip: str,
    country: str,
    at: datetime,
) -> int:
    known = connection.execute(select(Host.arrangement_id).where(Host.id == host_id)).scalar()
    if known:
        return known
    network = hosting_facts.Network(
        "NET-EXAMPLE", "EXAMPLE", ("192.0.2.0/24",), country, "ORG-EX1", "Example Hosting B.V."
    )
    address = hosting_facts.AddressFacts(
        ip, 64500, "EXAMPLE-AS", network, party, "Example Hosting B.V.", None, ()
    )
    facts = hosting_facts.HostingFacts(location.host, at, (), (address,), country, None, ())
    number = store.new_id()
    _put(
        connection,
        Arrangement,
        id=number,
        host_id=host_id,
        country=country,
        facts_sealed=store.sealer.seal(
            "arrangement.facts", number, json.dumps(hosting_facts.to_plain(facts))
        ),
        facts_at=at,
        began_at=at,
    )
    _put(
        connection,
        ArrangementParty,
        arrangement_id=number,
        address=ip,
        party=party,
        asn=64500,
        network="192.0.2.0/24",
        country=country,
        seen_at=at,
    )
    connection.execute(update(Host).where(Host.id == host_id).values(arrangement_id=number))
    return number


def _contact(connection: Connection, store: Store, party: str, at: datetime) -> int:
    if not connection.execute(select(PartyRow.id).where(PartyRow.id == party)).first():
        name = party.partition(":")[2].capitalize() + " Hosting B.V."
        _put(connection, PartyRow, id=party, name=name, country="NL", source="catalogue", seen_at=at)
    known = connection.execute(select(Contact.id).where(Contact.party == party)).scalar()
    if known:
        return known
    number = store.new_id()
    _put(
        connection,
        Contact,
        id=number,
        party=party,
        way="email",
        address="abuse@quick.example",
        language="en",
        format="text",
        source="catalogue",
        confidence=1.0,
    )
    return number


def _addressee(
    connection: Connection,
    store: Store,
    case: MadeCase,
    party: str,
    role: str,
    kind: str,
    contact: int,
    at: datetime,
    handed: bool,
) -> int:
    number = connection.execute(
        select(Addressee.id).where(
            Addressee.episode_id == case.episode_id, Addressee.party == party, Addressee.role == role
        )
    ).scalar()
    if number is None:
        number = store.new_id()
        _put(
            connection,
            Addressee,
            id=number,
            episode_id=case.episode_id,
            party=party,
            role=role,
            contact_id=contact,
            why=because(Code.CHOSEN, why=because(Code.OF_CATALOGUE, day="2026-03-01")),
            rung=kind,
            kind=kind,
            waiting_since=None if handed else at,
            first_handed_at=at if handed else None,
        )
    if handed:
        connection.execute(
            update(Episode)
            .where(Episode.id == case.episode_id, Episode.first_handed_at.is_(None))
            .values(first_handed_at=at, stage="notified")
        )
    return number


def sending_allowed(store: Store) -> bool:
    """Tell whether no lead has stopped sending."""
    with store.db.read() as connection:
        return not switches.sending_stopped(connection)


def episode_state(began_at: datetime, **changes: Any) -> EpisodeState:
    """Return an episode as it was handed in, for rules that need no database."""
    state = EpisodeState(
        id=1,
        case_id=1,
        host_id=1,
        number=1,
        arrangement_id=None,
        ladder=None,
        ladder_version=None,
        severity="normal",
        stage="submitted",
        presence="unseen",
        outcome=None,
        actor=None,
        began_at=began_at,
        ended_at=None,
        received_at=began_at,
        looked_at=None,
        last_verdict=None,
        last_cause=None,
        last_up_at=None,
        first_gone_at=None,
        proven_gone_at=None,
        paused_since=None,
        paused=timedelta(0),
        one_vantage=False,
        returns=0,
        first_handed_at=None,
    )
    return state._replace(**changes)
