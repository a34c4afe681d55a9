"""A small installation for tests of telling: a catalogue, resolved episodes, a relay and an inbox."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from nta.domain.episode_state import EpisodeChange, EpisodeState
from nta.domain.escalation.ladders import Ladder, Rung, When
from nta.domain.hosting.facts import (
    AddressFacts,
    DomainFacts,
    FoundContact,
    HostingFacts,
    Network,
)
from nta.domain.lifecycle import EventKind, Presence, Stage
from nta.domain.parties.organisations import (
    Catalogue,
    Country,
    Hotline,
    NoticeRoute,
    Provider,
    Registry,
)
from nta.domain.roles import NoticeKind, Role
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.hosting import host_arrangements
from nta.store.tables import (
    Arrangement,
    Case,
    Domain,
    Due,
    Episode,
    Event,
    Host,
    Mail,
    Notice,
    NoticeEvent,
    Submission,
    Switch,
)
from nta.store.work import due
from tests import person_tasks
from tests.conftest import NINE, hours

CHECKED = date(2026, 3, 1)
HOSTING = Provider(
    "hosting:example",
    "Example Hosting B.V.",
    "NL",
    NoticeRoute("abuse@hosting.example", "nl"),
    "test",
    CHECKED,
)
REGISTRY = Registry(
    "registry:test",
    "Registry of .test",
    "NL",
    NoticeRoute("abuse@registry.example"),
    "test",
    CHECKED,
    ("test",),
)
US = Hotline(
    "hotline:ours",
    "Meldpunt Voorbeeld",
    "NL",
    NoticeRoute("help@hotline.test"),
    "test",
    CHECKED,
    standing="a hotline of the international network.",
    address="Voorbeeldstraat 1, 1000 AA Amsterdam",
)
NL = Country(
    "NL",
    "Netherlands",
    False,
    None,
    True,
    ("nl", "en"),
    "Article 252 of the Dutch Criminal Code",
    (),
    "test",
    CHECKED,
)
RUNGS = (
    Rung("first", (Role.HOST,), NoticeKind.FIRST, hours(24)),
    Rung("reminder", (Role.HOST,), NoticeKind.REMINDER, hours(24)),
    Rung(
        "registry",
        (Role.REGISTRY,),
        NoticeKind.REGISTRY,
        hours(72),
        only_if="dedicated_domain",
        seen_up_within=hours(6),
    ),
)
LADDER = Ladder("nl-domestic", When(("NL",)), RUNGS, "v1")


def catalogue(**changes: Any) -> Catalogue:
    """Return a catalogue of one host, one registry, ourselves and one ladder."""
    values: dict[str, Any] = {
        "hosting": {HOSTING.id: HOSTING},
        "registries": {REGISTRY.id: REGISTRY},
        "hotlines": {US.id: US},
        "countries": {"NL": NL},
        "ladders": (LADDER,),
    }
    return Catalogue(**(values | changes))


def served_by(
    party: str | None = HOSTING.id,
    *,
    ip: str = "192.0.2.1",
    abuse: Sequence[str] = (),
    name: str = "Example Hosting B.V.",
) -> AddressFacts:
    """Return one address with the party that answers for it."""
    network = Network("NET-1", "EXAMPLE-NET", ("192.0.2.0/24",), "NL", None, None)
    found = tuple(FoundContact(email, "rdap", 0.8) for email in abuse)
    return AddressFacts(ip, 64500, "EXAMPLE", network, party, name, None, found, NINE)


def facts_of(host: str, addresses: Sequence[AddressFacts], at: datetime = NINE) -> HostingFacts:
    """Return the facts of a host under the suffix `test`."""
    domain = DomainFacts(host, "test", True, None, REGISTRY.id, (), (), None)
    return HostingFacts(host, at, (), tuple(addresses), "NL", domain, ())


@dataclass
class World:
    """Episodes made ready, and the acts of other steps that the ones under test hang on."""

    store: Store
    made: int = 0
    urls: dict[int, str] = field(default_factory=dict)

    def ready(
        self,
        *,
        addresses: Sequence[AddressFacts] = (),
        severity: str = "normal",
        dedicated: str = "unknown",
        url: str | None = None,
        at: datetime = NINE,
        law: str | None = None,
        class_value: str = "baseline",
    ) -> int:
        """Return an episode that resolve has just made ready, seen up and due to be escalated."""
        self.made += 1
        host = f"site{self.made}.test"
        url = url or f"http://{host}/a/b{self.made}.jpg"
        facts = facts_of(host, addresses or (served_by(),), at)
        ids, seal = self.store.ids, self.store.sealer.seal
        domain, number, case = ids.take(3)
        with self.store.db.write() as c:
            c.execute(
                insert(Domain).values(
                    id=domain,
                    digest=b"d%015d" % domain,
                    name_sealed=seal("domain.name", domain, host),
                    suffix="test",
                    dedicated=dedicated,
                )
            )
            c.execute(
                insert(Host).values(
                    id=number,
                    digest=b"h%015d" % number,
                    name_sealed=seal("host.name", number, host),
                    port=80,
                    is_ip=False,
                    domain_id=domain,
                )
            )
            self._case(c, case, number, url, {"severity": severity, "class_value": class_value}, law, at)
            state = episodes.begin(
                c,
                ids,
                case_id=case,
                host_id=number,
                number=1,
                severity=severity,
                received_at=at,
                at=at,
                who="analyst",
                kind=EventKind.SUBMITTED,
            )
            held = host_arrangements.begin(c, self.store, number, facts, at)
            after = state._replace(
                stage=Stage.READY.value,
                arrangement_id=held,
                ladder=LADDER.id,
                ladder_version=LADDER.version,
                presence=Presence.UP.value,
                looked_at=at,
                last_verdict="up",
                last_cause="content_present",
                last_up_at=at,
            )
            episodes.move(c, ids, [EpisodeChange(state, after, EventKind.RESOLVED, at, "service")])
            due.want(c, due.ESCALATE, [state.id], at)
        self.urls[state.id] = url
        return state.id

    def looked(self, episode: int, verdict: str, at: datetime, presence: str | None = None) -> None:
        """Record a look as recheck would."""
        kinds = {"up": EventKind.SEEN_UP, "absent": EventKind.SEEN_GONE, "removed": EventKind.PROVEN_GONE}
        with self.store.db.write() as c:
            before = episodes.load(c, [episode])[episode]
            after = before._replace(looked_at=at, last_verdict=verdict, presence=presence or before.presence)
            if verdict == "up":
                after = after._replace(last_up_at=at)
            if presence and presence != before.presence:
                episodes.move(
                    c, self.store.ids, [EpisodeChange(before, after, kinds[presence], at, "service")]
                )
                if presence == "up":
                    due.want(c, due.ESCALATE, [episode], at)
            else:
                episodes.looked(c, [after])

    def serve(self, episode: int, addresses: Sequence[AddressFacts], at: datetime) -> None:
        """Let the episode's arrangement be found to have other addresses, as resolve would."""
        with self.store.db.write() as c:
            held = episodes.load(c, [episode])[episode].arrangement_id
            assert held is not None
            facts = host_arrangements.facts(c, self.store, held)
            host_arrangements.renew(
                c, self.store, held, replace(facts, addresses=tuple(addresses), asked_at=at)
            )
            due.want(c, due.ESCALATE, [episode], at)

    def fresh(self, at: datetime) -> None:
        """Let every open episode have been resolved and seen up just now."""
        with self.store.db.write() as c:
            c.execute(
                update(Episode)
                .where(Episode.ended_at.is_(None), Episode.presence == "up")
                .values(looked_at=at, last_up_at=at, last_verdict="up")
            )
            c.execute(update(Arrangement).values(facts_at=at))

    def searched(self) -> None:
        """Let every look-up that is due have been done, and have found what was known."""
        with self.store.db.write() as c:
            c.execute(delete(Due).where(Due.kind == due.RESOLVE))

    def state(self, episode: int) -> EpisodeState:
        with self.store.db.read() as c:
            return episodes.load(c, [episode])[episode]

    def events(self, episode: int) -> list[str]:
        """Return the kinds of the episode's events after it was made ready."""
        with self.store.db.read() as c:
            found = c.execute(
                select(Event.kind).where(Event.episode_id == episode).order_by(Event.at, Event.id)
            )
            return [kind for kind in found.scalars() if kind not in ("submitted", "resolved")]

    def due(self, kind: str, subject: int) -> datetime | None:
        with self.store.db.read() as c:
            return c.execute(select(Due.due_at).where(Due.kind == kind, Due.subject == subject)).scalar()

    def task(self, subject: int) -> str | None:
        return person_tasks.in_words(self.store, subject)

    def mail_task(self) -> str | None:
        """Return what a person is asked to read the newest mail for."""
        return self.task(max(mail.id for mail in self.rows(Mail)))

    def notices(self) -> list[Any]:
        with self.store.db.read() as c:
            return list(c.execute(select(*Notice.__table__.c).order_by(Notice.id)))

    def notice_events(self) -> list[str]:
        with self.store.db.read() as c:
            return list(
                c.execute(select(NoticeEvent.kind).order_by(NoticeEvent.at, NoticeEvent.id)).scalars()
            )

    def count(self, table: Any, *where: Any) -> int:
        with self.store.db.read() as c:
            return int(c.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

    def rows(self, table: Any) -> list[Any]:
        with self.store.db.read() as c:
            return list(c.execute(select(*table.__table__.c).order_by(table.id)))

    def switch(self, value: str, at: datetime) -> None:
        with self.store.db.write() as c:
            c.execute(insert(Switch).values(name="sending", value=value, at=at, who="lead"))

    def _case(
        self,
        c: Connection,
        case: int,
        host: int,
        url: str,
        given: dict[str, str],
        law: str | None,
        at: datetime,
    ) -> None:
        terms = {"class_scheme": "inhope", "scope": "file", **given}
        c.execute(
            insert(Case).values(
                id=case,
                reference=f"C-26-{case:04d}-AAAA",
                digest=b"c%015d" % case,
                host_id=host,
                url_sealed=self.store.sealer.seal("case.url", case, url),
                received_at=at,
                **terms,
            )
        )
        c.execute(
            insert(Submission).values(
                id=self.store.new_id(),
                case_id=case,
                source="analyst",
                received_at=at,
                confirmed_at=at,
                submitted_at=at,
                law=law,
                **terms,
            )
        )
