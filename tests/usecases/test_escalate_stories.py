"""Escalating the longer way: police first, hotlines abroad, leads who decide, content that is back."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from nta.domain.checks.outcomes import Outcome
from nta.domain.episode_state import EpisodeChange
from nta.domain.escalation.ladders import Rung
from nta.domain.lifecycle import EventKind
from nta.domain.parties.organisations import Authority, Hotline, NoticeRoute
from nta.domain.reasons import Code
from nta.domain.roles import NoticeKind, Role
from nta.render.reason_sentences import sentence
from nta.store.cases import episodes
from nta.store.db.handle import Store
from nta.store.tables import Addressee, Arrangement, Due, Event, Submission
from nta.store.work import due
from nta.usecases import approve
from nta.usecases.decisions import case_decisions
from tests import person_tasks
from tests.builders_notices import CHECKED, LADDER, NL, REGISTRY, RUNGS, World, catalogue
from tests.conftest import NINE, hours
from tests.people import by
from tests.telling import Service

GATHERED = NINE + hours(0.25)
FIRST, REMINDER, KEEPER = RUNGS
ABROAD = Hotline(
    "hotline:abroad", "Hotline Abroad", "NL", NoticeRoute("reports@abroad.example"), "test", CHECKED
)
REFERRAL = Rung("hotline", (Role.HOTLINE,), NoticeKind.HOTLINE, hours(72))
ATKM = Authority("authority:atkm", "Authority", "NL", NoticeRoute("desk@authority.example"), "test", CHECKED)
OTHER = replace(ATKM, id="authority:other", notices=NoticeRoute("desk@other.example"))
ORDER = Rung(
    "authority",
    (Role.AUTHORITY,),
    NoticeKind.AUTHORITY,
    hours(0),
    seen_up_within=hours(6),
    approval="four-eyes",
    party="authority:atkm",
)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store)


def knows(service: Service, *rungs: Rung, country: object = NL, **shelves: object) -> None:
    """Let the service's catalogue have this ladder and country."""
    ladder = replace(LADDER, rungs=rungs)
    service.known = catalogue(ladders=(ladder,), countries={"NL": country}, **shelves)


def tell(world: World, service: Service, at: datetime) -> None:
    """Let the ladder go on at a moment, everything seen up just now, gathered and sent."""
    world.fresh(at)
    while service.escalate(at):
        pass
    world.fresh(at + hours(0.25))
    service.tell(at + hours(0.25))


def sent(service: Service) -> list[str]:
    return [message.address.to for message in service.relay.given]


def why_of(store: Store, kind: str) -> list[str]:
    with store.db.read() as connection:
        query = select(Event.why).where(Event.kind == kind).order_by(Event.at, Event.id)
        return [sentence(why) for why in connection.execute(query).scalars() if why]


def came_back(world: World, episode: int, gone: datetime, proven: datetime, back: datetime) -> None:
    """Let content be seen gone, proven gone, and seen online again, as recheck would."""
    world.looked(episode, "gone", gone, "absent")
    world.looked(episode, "gone", proven, "removed")
    with world.store.db.write() as connection:
        before = episodes.load(connection, [episode])[episode]
        after = before._replace(presence="up", looked_at=back, last_up_at=back, last_verdict="up", returns=1)
        change = EpisodeChange(before, after, EventKind.RETURNED, back, "service")
        episodes.move(connection, world.store.ids, [change])
        due.want(connection, due.ESCALATE, [episode], back)


class TestPoliceFirst:
    COUNTRY = replace(NL, police_first=True, police_hold=timedelta(hours=36))

    def test_nothing_leaves_until_the_deadline_and_then_it_goes_by_itself(
        self, world: World, service: Service, store: Store
    ) -> None:
        knows(service, FIRST, country=self.COUNTRY)
        episode = world.ready()
        tell(world, service, NINE)
        held, task = world.state(episode), world.task(episode)
        before = (len(service.relay.given), world.due(due.ESCALATE, episode))
        service.escalate(NINE + hours(35))
        tell(world, service, NINE + hours(36))

        assert (held.stage, held.held_until) == ("held", NINE + hours(36))
        assert task == "held: nothing leaves until the police have had their time"
        assert before == (0, NINE + hours(36))
        assert world.events(episode) == ["held", "released", "told"]
        assert why_of(store, "held") == ["the hosting country asks for the police first"]
        assert world.state(episode).stage == "notified"
        assert world.task(episode) is None

    def test_it_is_held_once(self, world: World, service: Service) -> None:
        knows(service, FIRST, country=self.COUNTRY)
        episode = world.ready()
        service.escalate(NINE)
        for _ in range(3):
            service.escalate(NINE + hours(36))

        assert world.events(episode).count("held") == 1
        assert world.rows(Addressee)[0].rung == "first"

    def test_a_person_releases_before_the_deadline(
        self, world: World, service: Service, store: Store
    ) -> None:
        knows(service, FIRST, country=self.COUNTRY)
        episode = world.ready()
        service.escalate(NINE)
        reference = reference_of(world, episode)

        case_decisions.release(store, reference, "they are done", by("lead"), NINE + hours(2))
        tell(world, service, NINE + hours(2))

        assert sent(service) == ["abuse@hosting.example"]
        assert world.task(episode) is None


class TestHeldByAPerson:
    def test_what_waited_to_be_told_does_not_leave(
        self, world: World, service: Service, store: Store
    ) -> None:
        episode = world.ready()
        service.escalate(NINE)
        until = case_decisions.hold(
            store, service.known, reference_of(world, episode), None, "they asked", by("lead"), NINE
        )
        world.fresh(GATHERED)
        service.tell(GATHERED)

        assert until == NINE + hours(48)
        assert sent(service) == []
        assert world.state(episode).stage == "held"
        assert world.due(due.LOOK, episode) is not None

    def test_what_was_composed_but_did_not_leave_waits_with_it(
        self, world: World, service: Service, store: Store
    ) -> None:
        service.relay.down_after = 0
        episode = world.ready()
        service.escalate(NINE)
        world.fresh(GATHERED)
        service.notify(GATHERED)
        service.dispatch(GATHERED)
        service.relay.down_after = None
        reference = reference_of(world, episode)
        case_decisions.hold(store, service.known, reference, None, "they asked", by("lead"), GATHERED)

        service.dispatch(NINE + hours(2))
        during = sent(service)
        case_decisions.release(store, reference, "done", by("lead"), NINE + hours(3))
        service.dispatch(NINE + hours(3))

        assert during == []
        assert sent(service) == ["abuse@hosting.example"]

    def test_one_that_was_told_goes_on_where_it_stood(
        self, world: World, service: Service, store: Store
    ) -> None:
        episode = world.ready()
        tell(world, service, NINE)
        reference = reference_of(world, episode)
        case_decisions.hold(
            store, service.known, reference, NINE + hours(30), "they asked", by("lead"), NINE + hours(1)
        )
        service.escalate(NINE + hours(29))
        tell(world, service, NINE + hours(30))

        assert [n.kind for n in world.notices()] == ["first", "reminder"]
        assert world.events(episode) == ["told", "held", "released", "told"]
        assert world.state(episode).stage == "escalated"

    def test_one_that_was_not_resolved_yet_gets_its_arrangement_when_it_is_released(
        self, world: World, service: Service, store: Store
    ) -> None:
        episode = world.ready()
        with store.db.write() as connection:
            connection.execute(
                update(episodes.Episode).values(stage="submitted", arrangement_id=None, ladder=None)
            )
        reference = reference_of(world, episode)
        case_decisions.hold(store, service.known, reference, None, "they asked", by("lead"), NINE)
        case_decisions.release(store, reference, "done", by("lead"), NINE + hours(1))
        tell(world, service, NINE + hours(1))

        assert sent(service) == ["abuse@hosting.example"]

    def test_the_hold_leaves_other_tasks_alone(self, world: World, service: Service, store: Store) -> None:
        episode = world.ready()
        with store.db.write() as connection:
            person_tasks.give(connection, episode, NINE, owner="analyst", code=Code.READ_REPLY)
        reference = reference_of(world, episode)
        case_decisions.hold(store, service.known, reference, None, "they asked", by("lead"), NINE)
        both = world.task(episode)
        case_decisions.release(store, reference, "done", by("lead"), NINE)

        assert both is not None
        assert both.count("; ") == 1
        assert world.task(episode) == "a reply to read"


def reference_of(world: World, episode: int) -> str:
    """Return the case's reference, made readable: the builder's has no check character."""
    from nta.domain.references import reference as make
    from nta.store.tables import Case

    with world.store.db.write() as connection:
        case_id = episodes.load(connection, [episode])[episode].case_id
        made = make("C", case_id, 2026, world.store.keys.derived("reference"))
        connection.execute(update(Case).where(Case.id == case_id).values(reference=made))
    return made


class TestAbroad:
    COUNTRY = replace(NL, hotlines=(ABROAD.id,))

    def test_the_hotline_is_told_first_and_the_host_after_its_silence(
        self, world: World, service: Service
    ) -> None:
        knows(
            service,
            REFERRAL,
            FIRST,
            country=self.COUNTRY,
            hotlines={**catalogue().hotlines, ABROAD.id: ABROAD},
        )
        episode = world.ready()
        tell(world, service, NINE)
        tell(world, service, GATHERED + hours(71))
        tell(world, service, GATHERED + hours(72))

        assert sent(service) == ["reports@abroad.example", "abuse@hosting.example"]
        assert [n.kind for n in world.notices()] == ["hotline", "first"]
        assert world.events(episode) == ["told_hotline", "told"]
        assert world.state(episode).stage == "escalated"

    def test_where_hosts_are_not_told_directly_they_never_are(
        self, world: World, service: Service, store: Store
    ) -> None:
        closed = replace(self.COUNTRY, direct=False)
        shelf = {**catalogue().hotlines, ABROAD.id: ABROAD}
        knows(service, REFERRAL, FIRST, REMINDER, KEEPER, country=closed, hotlines=shelf)
        episode = world.ready(dedicated="yes")
        tell(world, service, NINE)
        tell(world, service, GATHERED + hours(72))

        assert sent(service) == ["reports@abroad.example", REGISTRY.notices.to]  # type: ignore[union-attr]
        assert why_of(store, "rung_passed_over") == [
            "first: Hosts in this country are not told directly.",
            "reminder: Hosts in this country are not told directly.",
        ]
        assert world.state(episode).stage == "escalated"

    def test_at_home_hosts_are_told_whatever_others_may_do(self, world: World, service: Service) -> None:
        knows(service, FIRST, country=replace(NL, direct=False))
        service.known = replace(service.known, home="NL")
        world.ready()
        tell(world, service, NINE)

        assert sent(service) == ["abuse@hosting.example"]

    def test_a_country_without_a_hotline_goes_on_to_the_host_at_once(
        self, world: World, service: Service, store: Store
    ) -> None:
        knows(service, REFERRAL, FIRST)
        world.ready()
        tell(world, service, NINE)

        assert sent(service) == ["abuse@hosting.example"]
        assert why_of(store, "rung_passed_over") == ["hotline: Nobody in the role of hotline can be reached."]


class TestBack:
    def test_the_host_is_told_again_at_once_and_its_deadline_runs_on(
        self, world: World, service: Service, store: Store
    ) -> None:
        episode = world.ready()
        tell(world, service, NINE)
        came_back(world, episode, GATHERED + hours(20), GATHERED + hours(21), GATHERED + hours(50))
        service.escalate(GATHERED + hours(50))
        waiting = world.rows(Addressee)[0]
        world.fresh(GATHERED + hours(50))
        service.tell(GATHERED + hours(50))

        assert sentence(waiting.why).endswith("It is online again, so they are notified again.")
        assert b"Het was weg, en staat weer online." in service.relay.given[-1].content
        assert [(n.rung, n.kind, n.state) for n in world.notices()] == [
            ("first", "first", "handed_over"),
            ("first", "first", "handed_over"),
        ]
        assert world.events(episode)[-2:] == ["returned", "told"]
        assert world.state(episode).stage == "notified"
        assert world.due(due.ESCALATE, episode) == GATHERED + hours(54)  # 4 h were left

        tell(world, service, GATHERED + hours(54))
        assert [n.kind for n in world.notices()] == ["first", "first", "reminder"]

    def test_a_second_return_is_told_of_too(self, world: World, service: Service) -> None:
        episode = world.ready()
        tell(world, service, NINE)
        for day in (1, 3):
            back = GATHERED + hours(24 * day)
            came_back(world, episode, back - hours(20), back - hours(19), back)
            service.escalate(back)
            world.fresh(back)
            service.tell(back)

        assert [n.rung for n in world.notices()] == ["first", "first", "first"]

    def test_a_ladder_that_was_exhausted_begins_where_it_stood(
        self, world: World, service: Service, store: Store
    ) -> None:
        knows(service, FIRST)
        episode = world.ready()
        tell(world, service, NINE)
        tell(world, service, GATHERED + hours(24))
        exhausted = (world.state(episode).stage, world.task(episode))
        back = GATHERED + hours(60)
        came_back(world, episode, back - hours(20), back - hours(19), back)
        service.escalate(back)
        world.fresh(back)
        service.tell(back)

        assert exhausted == ("exhausted", "nobody is left to notify")
        assert [n.rung for n in world.notices()] == ["first", "first"]
        assert world.events(episode)[-2:] == ["returned", "told"]

    def test_content_that_was_never_told_begins_with_the_first_rung(
        self, world: World, service: Service
    ) -> None:
        episode = world.ready()
        came_back(world, episode, NINE, NINE + hours(2), NINE + hours(30))
        tell(world, service, NINE + hours(30))

        assert [n.rung for n in world.notices()] == ["first"]


class TestAuthority:
    def test_the_one_that_the_rung_names_is_told_when_two_leads_agree(
        self, world: World, service: Service, store: Store
    ) -> None:
        knows(service, FIRST, ORDER, authorities={ATKM.id: ATKM, OTHER.id: OTHER})
        episode = world.ready()
        tell(world, service, NINE)
        late = GATHERED + hours(24)
        tell(world, service, late)
        (notice,) = [n for n in world.notices() if n.rung == "authority"]
        for lead in ("one@hotline.test", "two@hotline.test"):
            approve.approve(store, notice.reference, None, by(lead), late + hours(1))
        world.fresh(late + hours(1))
        service.tell(late + hours(1))

        assert sent(service) == ["abuse@hosting.example", "desk@authority.example"]
        assert world.events(episode)[-4:] == ["approved", "approved", "told", "exhausted"]

    def test_no_second_notice_is_made_while_leads_think(self, world: World, service: Service) -> None:
        knows(service, ORDER, authorities={ATKM.id: ATKM})
        episode = world.ready()
        tell(world, service, NINE)
        with world.store.db.write() as connection:
            due.want(connection, due.ESCALATE, [episode], NINE + hours(5))
        service.tell(NINE + hours(5))

        assert [n.state for n in world.notices()] == ["waiting_lead"]
        with world.store.db.read() as connection:
            kinds = connection.execute(select(Due.kind).order_by(Due.kind)).scalars().all()
        assert kinds == ["look", "resolve"]
        assert person_tasks.asked(world.store, world.notices()[0].id) == [Code.TWO_LEADS]

    def test_a_wait_that_ended_without_content_brings_nobody_a_notice(
        self, world: World, service: Service, store: Store
    ) -> None:
        knows(service, ORDER, authorities={ATKM.id: ATKM})
        episode = world.ready()
        tell(world, service, NINE)
        world.looked(episode, "gone", NINE + hours(2), "absent")
        (notice,) = world.notices()
        for lead in ("one@hotline.test", "two@hotline.test"):
            approve.approve(store, notice.reference, None, by(lead), NINE + hours(3))
        service.tell(NINE + hours(3))

        assert sent(service) == []
        assert [n.state for n in world.notices()] == ["empty"]

    def test_nobody_is_asked_to_act_on_what_was_last_seen_before_leads_had_thought(
        self, world: World, service: Service, store: Store
    ) -> None:
        knows(service, ORDER, authorities={ATKM.id: ATKM})
        episode = world.ready()
        tell(world, service, NINE)
        late = NINE + hours(30)
        world.looked(episode, "unknown", late)
        with store.db.write() as connection:
            connection.execute(update(Arrangement).values(facts_at=late))
        (notice,) = world.notices()
        for lead in ("one@hotline.test", "two@hotline.test"):
            approve.approve(store, notice.reference, None, by(lead), late)
        service.dispatch(late)

        assert sent(service) == []
        assert why_of(store, "left_notice") == ["not seen online lately enough"]
        assert world.due(due.ESCALATE, episode) is not None

    def test_an_analysts_word_is_evidence_as_a_sighting_is(
        self, world: World, service: Service, store: Store
    ) -> None:
        knows(service, replace(ORDER, approval=None), authorities={ATKM.id: ATKM})
        episode = world.ready()
        late = NINE + hours(30)
        with store.db.write() as connection:
            connection.execute(update(Submission).values(confirmed_at=late - hours(1)))
            connection.execute(update(Arrangement).values(facts_at=late))
        world.looked(episode, "unknown", late)

        service.escalate(late)
        with store.db.write() as connection:
            connection.execute(update(Arrangement).values(facts_at=late + hours(0.25)))
        service.tell(late + hours(0.25))

        assert sent(service) == ["desk@authority.example"]


class TestTakenBack:
    @pytest.mark.parametrize("outcome", [Outcome.WITHDRAWN, Outcome.INVALID])
    def test_whoever_was_told_is_told_that_it_was_wrong(
        self, world: World, service: Service, store: Store, outcome: Outcome
    ) -> None:
        episode = world.ready()
        tell(world, service, NINE)

        case_decisions.end_case(
            store, reference_of(world, episode), outcome, "a slip", by("lead"), NINE + hours(2)
        )
        service.tell(NINE + hours(2.5))

        assert [(n.kind, n.state) for n in world.notices()] == [
            ("first", "handed_over"),
            ("correction", "handed_over"),
        ]
        assert sent(service) == ["abuse@hosting.example"] * 2
        assert world.state(episode).outcome == outcome

    def test_a_notice_that_left_while_the_case_was_taken_back_is_put_right_too(
        self, world: World, service: Service, store: Store
    ) -> None:
        service.relay.down_after = 0
        episode = world.ready()
        service.escalate(NINE)
        world.fresh(GATHERED)
        service.notify(GATHERED)
        service.dispatch(GATHERED)
        service.relay.down_after = None
        case_decisions.end_case(
            store, reference_of(world, episode), Outcome.WITHDRAWN, "a slip", by("lead"), GATHERED
        )

        for hour in (1, 2):
            service.tell(NINE + hours(hour))

        assert [n.kind for n in world.notices()] == ["first", "correction"]
        assert [n.state for n in world.notices()] == ["handed_over", "handed_over"]

    def test_nobody_who_was_not_told_hears_of_it(self, world: World, service: Service, store: Store) -> None:
        episode = world.ready()
        service.escalate(NINE)

        case_decisions.end_case(
            store, reference_of(world, episode), Outcome.WITHDRAWN, "a slip", by("lead"), NINE
        )
        service.tell(GATHERED)

        assert world.notices() == []
        assert sent(service) == []

    @pytest.mark.parametrize("outcome", [Outcome.EXPIRED, Outcome.STILL_ONLINE])
    def test_other_ends_say_nothing_to_anybody(
        self, world: World, service: Service, store: Store, outcome: Outcome
    ) -> None:
        knows(service, FIRST)
        episode = world.ready()
        tell(world, service, NINE)
        tell(world, service, GATHERED + hours(24))

        case_decisions.end_case(
            store, reference_of(world, episode), outcome, "it is so", by("lead"), NINE + hours(30)
        )
        service.tell(NINE + hours(31))

        assert [n.kind for n in world.notices()] == ["first"]
        assert world.state(episode).stage == "ended"
        assert world.task(episode) is None
