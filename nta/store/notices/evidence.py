"""What those asked later are told of each location: its networks, when it was confirmed, who sees it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from nta.store.db.bulk import chunks, found_by, table_of
from nta.store.notices.outbox import OutboxItem
from nta.store.tables import Addressee, Episode, SightingSpan, Submission

_ADDRESSEE = table_of(Addressee)
_EPISODE = table_of(Episode)
_SPAN = table_of(SightingSpan)
_SUBMISSION = table_of(Submission)
_ROUND = timedelta(hours=1)
_NETWORKS = (
    "SELECT arrangement_id, address, asn, network, country FROM arrangement_party WHERE arrangement_id"
)


class Evidence(NamedTuple):
    """What is known of one episode beyond its location."""

    confirmed_at: datetime | None = None
    vantages: int = 0
    networks: tuple[str, ...] = ()


def of_items(connection: Connection, items: Sequence[OutboxItem]) -> dict[int, Evidence]:
    """Return the evidence of these items, by episode."""
    confirmed = _confirmed(connection, {i.episode_id for i in items})
    seen = _vantages(connection, {i.episode_id: i.last_up_at for i in items})
    networks = _networks(connection, {i.arrangement_id for i in items if i.arrangement_id is not None})
    return {
        i.episode_id: Evidence(
            confirmed.get(i.episode_id),
            seen.get(i.episode_id, 0),
            _of_addresses(networks.get(i.arrangement_id or 0, {}), i.addresses),
        )
        for i in items
    }


def answers(connection: Connection, episode_ids: Collection[int]) -> dict[tuple[int, str, str], str]:
    """Return what each party last said of each episode: by episode, party and role."""
    found: dict[tuple[int, str, str], str] = {}
    for part in chunks(episode_ids):
        query = select(
            _ADDRESSEE.c.episode_id, _ADDRESSEE.c.party, _ADDRESSEE.c.role, _ADDRESSEE.c.answer
        ).where(_ADDRESSEE.c.episode_id.in_(part), _ADDRESSEE.c.answer.is_not(None))
        found.update({(number, party, role): said for number, party, role, said in connection.execute(query)})
    return found


def _confirmed(connection: Connection, episode_ids: Collection[int]) -> dict[int, datetime]:
    """Return when an analyst first confirmed each episode's URL, those taken back not counting."""
    found: dict[int, datetime] = {}
    for part in chunks(episode_ids):
        query = (
            select(_EPISODE.c.id, func.min(_SUBMISSION.c.confirmed_at))
            .join(_SUBMISSION, _SUBMISSION.c.case_id == _EPISODE.c.case_id)
            .where(
                _EPISODE.c.id.in_(part),
                _SUBMISSION.c.withdrawn_at.is_(None),
                _SUBMISSION.c.confirmed_at.is_not(None),
            )
            .group_by(_EPISODE.c.id)
        )
        found.update({number: at for number, at in connection.execute(query) if at is not None})
    return found


def _vantages(connection: Connection, last_up: Mapping[int, datetime | None]) -> dict[int, int]:
    """Return from how many vantage points each episode was up in the round in which it was last seen up."""
    found: dict[int, int] = {}
    for part in chunks(last_up):
        query = select(_SPAN.c.episode_id, _SPAN.c.last_at).where(
            _SPAN.c.episode_id.in_(part), _SPAN.c.current, _SPAN.c.verdict == "up"
        )
        for number, last_at in connection.execute(query):
            up_at = last_up[number]
            if up_at is not None and up_at - last_at < _ROUND:
                found[number] = found.get(number, 0) + 1
    return found


def _networks(connection: Connection, ids: Collection[int]) -> dict[int, dict[str, str]]:
    """Return the network of each address in words, by arrangement: its range, AS number and country."""
    found: dict[int, dict[str, str]] = {}
    for number, address, asn, network, country in found_by(connection, _NETWORKS, sorted(ids)):
        said = ", ".join([*([network] if network else []), *([f"AS{asn}"] if asn else [])])
        if said:
            found.setdefault(number, {})[address] = f"{said} ({country})" if country else said
    return found


def _of_addresses(networks: Mapping[str, str], addresses: str | None) -> tuple[str, ...]:
    """Return the networks of the addresses that are named, each once."""
    named = [a.strip() for a in (addresses or "").split(",")]
    return tuple(dict.fromkeys(networks[a] for a in named if a in networks))
