"""Looking at pages whose status alone does not tell: made-up pages, redirects, blocks, long silence."""

import pytest
from sqlalchemy import select, update

from nta.domain.intake.urls import parse
from nta.domain.reasons import Code
from nta.store.db.handle import Store
from nta.store.tables import Case, Due, Episode, Event, Host, SightingSpan, TaskRow
from nta.store.work import due
from nta.usecases.recheck import look_once, recheck_due
from tests.builders import make_case, make_notice
from tests.conftest import NINE, hours
from tests.usecases.eyes import Said, World, leading, shown

URL = "http://images.quick.example/p/1"
OTHER = "http://images.quick.example/p/2"
HTTPS = "https://images.quick.example/p/1"
PHOTO = shown(51_200, media="image/jpeg", etag='"v1"')
SORRY = shown(812)


@pytest.fixture
def world() -> World:
    world = World()
    world.page(PHOTO)
    return world


def looks(store: Store, world: World, *rounds: float, vantages: tuple[str, ...] = ()) -> None:
    """Look so many hours after nine, whatever the deadlines say."""
    for hour in rounds:
        with store.db.write() as connection:
            connection.execute(update(Due).where(Due.kind == due.LOOK).values(due_at=NINE + hours(hour)))
        now = NINE + hours(hour)
        assert recheck_due(store, eyes=world.eyes(*vantages), holder="me", now=now) > 0


def found(store: Store) -> list[tuple[str, str | None, str | None]]:
    with store.db.read() as connection:
        asked = select(Episode.presence, Episode.last_verdict, Episode.last_cause).order_by(Episode.id)
        return [tuple(row) for row in connection.execute(asked)]


def rules(store: Store) -> set[str]:
    with store.db.read() as connection:
        return set(connection.execute(select(SightingSpan.rule).where(SightingSpan.current)).scalars())


def tasks(store: Store) -> list[tuple[str | None, str | None]]:
    with store.db.read() as connection:
        return [tuple(r) for r in connection.execute(select(TaskRow.owner, TaskRow.code))]


@pytest.mark.parametrize(
    ("page", "made_up", "expected"),
    [
        pytest.param(SORRY, SORRY, ("removed", "gone", "soft_404"), id="soft-404"),
        pytest.param(SORRY, 404, ("up", "up", "content_changed"), id="changed-on-an-honest-host"),
        pytest.param(SORRY, shown(4_711), ("up", "unknown", "soft_404"), id="another-answer-to-everybody"),
        pytest.param(SORRY, "timeout", ("up", "up", "content_changed"), id="changed-canary-not-answered"),
        pytest.param(
            shown(51_200, media="image/jpeg", etag='"v2"'),
            SORRY,
            ("up", "up", "content_present"),
            id="as-long-as-at-first",
        ),
        pytest.param(
            leading("http://images.quick.example/"),
            leading("http://images.quick.example/"),
            ("removed", "gone", "redirect_home"),
            id="led-home",
        ),
        pytest.param(
            leading("http://images.quick.example/"),
            404,
            ("up", "unknown", "redirect_home"),
            id="led-home-alone",
        ),
        pytest.param(
            leading("http://images.quick.example/lost?p=1"),
            leading("http://images.quick.example/lost?p=2"),
            ("removed", "gone", "soft_404"),
            id="led-to-an-error-page",
        ),
        pytest.param(
            leading("http://images.quick.example/login"),
            leading("http://images.quick.example/login"),
            ("up", "restricted", "login_wall"),
            id="log-in-first",
        ),
        pytest.param(
            leading("http://elsewhere.example/"),
            leading("http://elsewhere.example/"),
            ("up", "unknown", "other_host"),
            id="led-to-another-site",
        ),
        pytest.param(403, 403, ("up", "restricted", "forbidden"), id="all-forbidden"),
        pytest.param(
            shown(90, status=503, sign="challenge"), 404, ("up", "restricted", "bot_wall"), id="bot-wall"
        ),
    ],
)
def test_what_becomes_of_a_page_that_was_seen(
    store: Store, world: World, page: Said, made_up: Said, expected: tuple[str, str, str]
) -> None:
    make_case(store, URL, NINE)
    looks(store, world, 0)
    world.page(page)
    world.made_up = made_up

    looks(store, world, 2, 3)

    assert found(store) == [expected]


@pytest.mark.parametrize(
    ("page", "made_up", "expected"),
    [
        pytest.param(SORRY, SORRY, ("unseen", "unknown", "soft_404"), id="it-answers-anything-alike"),
        pytest.param(
            leading("http://images.quick.example/"),
            leading("http://images.quick.example/"),
            ("unseen", "unknown", "redirect_home"),
            id="everybody-is-led-home",
        ),
        pytest.param(PHOTO, SORRY, ("up", "up", "content_present"), id="content-beside-soft-404s"),
    ],
)
def test_what_was_never_seen_is_not_gone(
    store: Store, world: World, page: Said, made_up: Said, expected: tuple[str, str, str]
) -> None:
    make_case(store, URL, NINE)
    world.page(page)
    world.made_up = made_up

    looks(store, world, 0, 1, 30, 60)

    assert found(store) == [expected]


TEXT = "http://pages.quick.example/p/1.html"


@pytest.mark.parametrize(
    ("url", "first", "then", "expected"),
    [
        pytest.param(TEXT, shown(4_000), SORRY, ("removed", "gone", "removal_page"), id="text"),
        pytest.param(
            TEXT, shown(4_000), shown(812, status=403), ("removed", "gone", "removal_page"), id="forbidden"
        ),
        pytest.param(TEXT, PHOTO, SORRY, ("up", "up", "content_changed"), id="it-was-a-picture"),
        pytest.param(
            URL + ".jpg", shown(4_000), SORRY, ("up", "up", "content_changed"), id="called-a-picture"
        ),
        pytest.param(
            TEXT,
            shown(4_000),
            shown(812, media="image/png"),
            ("up", "up", "content_changed"),
            id="now-a-picture",
        ),
        pytest.param(TEXT, shown(4_000), shown(4_000), ("up", "up", "content_present"), id="as-at-first"),
        pytest.param(TEXT, shown(4_000), 503, ("up", "unknown", "server_error"), id="out-of-order"),
    ],
)
def test_words_count_where_all_says_text_and_the_page_has_changed(
    store: Store, world: World, url: str, first: Said, then: Said, expected: tuple[str, str, str]
) -> None:
    make_case(store, url, NINE)
    world.words = "removal_page"
    world.page(first)
    looks(store, world, 0)
    world.page(then)

    looks(store, world, 2, 3)

    assert found(store) == [expected]
    assert any(r.text for r in world.requests) == (expected[2] == "removal_page")


def test_a_page_taken_away_softly_comes_back(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    looks(store, world, 0)
    world.made_up = SORRY
    world.page(SORRY)
    looks(store, world, 2, 3)
    world.page(PHOTO)

    looks(store, world, 27)

    assert found(store) == [("up", "up", "content_present")]
    with store.db.read() as connection:
        assert connection.execute(select(Episode.returns)).scalar() == 1


def test_what_a_page_was_like_at_first_is_known_over_all_spans(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    looks(store, world, 0, vantages=("nl",))
    for hour, page in enumerate((404, "timeout", SORRY, 500), 1):
        world.page(page)
        looks(store, world, hour, vantages=("nl",))

    with store.db.read() as connection:
        traces = set(connection.execute(select(SightingSpan.first_trace)).scalars())
    assert len(traces) == 1
    assert str(traces.pop()).startswith("page|image/jpeg|51200|")


def test_a_span_from_before_first_looks_were_kept_takes_this_look_as_the_first(
    store: Store, world: World
) -> None:
    make_case(store, URL, NINE)
    looks(store, world, 0)
    with store.db.write() as connection:
        connection.execute(update(SightingSpan).values(first_trace=None))

    looks(store, world, 1)

    with store.db.read() as connection:
        rows = connection.execute(select(SightingSpan.count, SightingSpan.first_trace)).all()
    assert [row.count for row in rows] == [2, 2]
    assert all(row.first_trace for row in rows)


def test_a_host_is_asked_once_for_all_its_pages_and_not_again_for_hours(store: Store, world: World) -> None:
    for url in (URL, OTHER):
        make_case(store, url, NINE)

    looks(store, world, 0, 1, 2)

    assert len(world.canaries) == 2  # one a vantage point
    for asked in world.canaries:
        assert asked.url.startswith("http://images.quick.example/p/9")
        assert asked.address == "192.0.2.10"
    with store.db.read() as connection:
        answer, at = connection.execute(select(Host.canaries, Host.canary_at)).one()
    assert at == NINE
    assert "example" not in answer


def test_a_host_whose_page_changed_since_is_asked_again(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    looks(store, world, 0, 1)
    world.page(SORRY)
    world.made_up = SORRY

    looks(store, world, 2)

    assert [r.key for r in world.canaries] == [-1] * 4
    assert found(store) == [("absent", "gone", "soft_404")]


def test_pages_that_stay_as_they_were_and_plain_404s_need_no_canary(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    looks(store, world, 0)
    world.canaries.clear()

    looks(store, world, 20)
    world.page(404)
    looks(store, world, 40, 60)

    assert world.canaries == []


def test_a_made_up_page_is_asked_for_with_the_referrer(store: Store, world: World) -> None:
    case = make_case(store, URL, NINE)
    sealed = store.sealer.seal("case.referrer", case.case_id, "http://gallery.example/")
    with store.db.write() as connection:
        connection.execute(update(Case).values(referrer_sealed=sealed))

    looks(store, world, 0, vantages=("nl",))

    assert [r.referrer for r in world.requests + world.canaries] == ["http://gallery.example/"] * 2


def test_what_our_own_network_answers_for_everything_is_not_gone(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    looks(store, world, 0)
    world.page(SORRY)
    world.made_up = SORRY
    world.page(SORRY, url="http://control-one.test/")

    looks(store, world, 2, 3)

    assert found(store) == [("up", "unknown", "our_network")]


def test_a_redirect_to_the_same_page_by_https_is_followed(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    world.page(leading(HTTPS), url=URL)
    world.page(PHOTO, url=HTTPS)
    looks(store, world, 0, vantages=("nl",))
    seen = found(store)
    world.page(404, url=HTTPS)

    looks(store, world, 1, 13, 25, vantages=("nl",))

    assert seen == [("up", "up", "content_present")]
    assert found(store) == [("removed", "gone", "not_found")]
    assert {(r.url, r.port, r.address) for r in world.requests} == {
        (URL, 80, "192.0.2.10"),
        (HTTPS, 443, "192.0.2.10"),
    }
    assert {r.port for r in world.canaries} == {443}


@pytest.mark.parametrize("status", [403, 451])
def test_what_one_place_is_denied_and_another_sees_is_up_and_blocked_there(
    store: Store, world: World, status: int
) -> None:
    make_case(store, URL, NINE)
    world.page(status, vantage="nl")

    looks(store, world, 0, 1)

    assert found(store) == [("up", "up", "content_present")]
    with store.db.read() as connection:
        spans = connection.execute(
            select(SightingSpan.vantage, SightingSpan.verdict, SightingSpan.cause, SightingSpan.status)
        )
        assert sorted(map(tuple, spans)) == [
            ("de", "up", "content_present", 200),
            ("nl", "restricted", "geo_blocked", status),
        ]


@pytest.mark.parametrize("status", [403, 451])
def test_what_is_blocked_in_one_place_is_proven_gone_by_the_other_alone(
    store: Store, world: World, status: int
) -> None:
    make_case(store, URL, NINE)
    world.page(status, vantage="nl")
    looks(store, world, 0)
    world.page(404, vantage="de")

    looks(store, world, 1, 2, 13)
    before = found(store)
    looks(store, world, 25)

    assert before == [("absent", "gone", "not_found")]
    assert found(store) == [("removed", "gone", "not_found")]
    with store.db.read() as connection:
        assert connection.execute(select(Episode.one_vantage)).scalar() is True


def test_a_page_blocked_in_one_place_for_two_days_is_shown_to_a_lead_once(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    world.page(451, vantage="nl")
    looks(store, world, 0, 24, 47)
    before = tasks(store)

    looks(store, world, 48)
    with store.db.write() as connection:
        connection.execute(update(TaskRow).values(owner="nobody"))
    looks(store, world, 49, 60)

    assert before == []
    assert tasks(store) == [("nobody", Code.SEEN_BY_SOME)]


def test_a_page_withheld_by_law_everywhere_ends_as_restricted(store: Store, world: World) -> None:
    case = make_case(store, URL, NINE)
    looks(store, world, 0)
    make_notice(store, [case], NINE)
    world.page(451)

    looks(store, world, 1, 2, 169)

    with store.db.read() as connection:
        ended = connection.execute(select(Episode.outcome, Episode.actor, Episode.last_cause)).one()
    assert tuple(ended) == ("restricted", "host", "legal")


@pytest.mark.parametrize("said", ["timeout", "refused", 503, 403])
def test_a_page_that_looks_cannot_tell_of_for_days_is_shown_to_an_analyst(
    store: Store, world: World, said: Said
) -> None:
    make_case(store, URL, NINE)
    looks(store, world, 0)
    world.page(said)
    looks(store, world, 1, 40, 72)
    before = tasks(store)

    looks(store, world, 73, 80)

    assert before == []
    assert tasks(store) == [("analyst", Code.LOOKS_TELL_NOTHING)]
    assert found(store)[0][0] == "up"


def test_our_own_networks_failure_is_not_told_page_by_page(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    world.control_is_down()
    world.page("timeout")

    looks(store, world, 0, 40, 73, 100)

    assert tasks(store) == []


def test_the_lead_reads_what_is_asked(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    world.page(403, vantage="de")

    looks(store, world, 0, 48)

    assert tasks(store) == [("lead", Code.SEEN_BY_SOME)]


@pytest.mark.parametrize(
    ("page", "made_up", "expected"),
    [
        pytest.param(PHOTO, 404, ("up", "content_present", "status_2xx"), id="there"),
        pytest.param(SORRY, SORRY, ("unknown", "soft_404", "answers_anything"), id="anything"),
        pytest.param(PHOTO, SORRY, ("up", "content_present", "unlike_canary"), id="unlike-others"),
    ],
)
def test_looking_once_asks_a_made_up_page_too(
    world: World, page: Said, made_up: Said, expected: tuple[str, str, str]
) -> None:
    world.page(page)
    world.made_up = made_up

    seen = look_once(parse(URL), eyes=world.eyes(), now=NINE)

    assert [(s.verdict, s.cause, s.rule) for s in seen] == [expected] * 2
    assert len(world.canaries) == 2


def test_a_day_has_few_canaries_even_where_every_answer_differs(store: Store, world: World) -> None:
    make_case(store, URL, NINE)
    world.made_up = shown(4_711)
    looks(store, world, 0, vantages=("nl",))
    for hour in range(1, 25):
        world.page(shown(5_000 + hour))
        looks(store, world, hour, vantages=("nl",))

    assert len(world.canaries) <= 24 // 6 + 2
    assert found(store) == [("up", "unknown", "soft_404")]
    assert rules(store) == {"answers_anything"}


PARKING = "203.0.113.9"


def led_away(store: Store, world: World, *, keepers_told: bool) -> None:
    """Let a page be told of to host and registrar, and its name lead to parking since half past nine."""
    case = make_case(store, URL, NINE)
    looks(store, world, 0)
    make_notice(store, [case], NINE)
    if keepers_told:
        make_notice(store, [case], NINE, party="registrar:9101", role="registrar", kind="registrar")
    world.name(PARKING)
    world.parked = (URL,)


@pytest.mark.parametrize(
    ("there", "made_up"),
    [
        pytest.param(SORRY, SORRY, id="a-page-for-all"),
        pytest.param(403, 403, id="forbidden-to-all"),
        pytest.param(leading("http://parking.example/"), leading("http://parking.example/"), id="led-on"),
    ],
)
def test_a_name_led_to_parking_after_its_keepers_were_told_is_disabled(
    store: Store, world: World, there: Said, made_up: Said
) -> None:
    led_away(store, world, keepers_told=True)
    world.page(there, address=PARKING)
    world.made_up = made_up

    looks(store, world, 1, 2, 169)

    with store.db.read() as connection:
        ended = connection.execute(select(Episode.outcome, Episode.actor, Episode.last_cause)).all()
        kinds = set(connection.execute(select(Event.kind)).scalars())
    assert [tuple(row) for row in ended] == [("disabled_domain", "registrar", "domain_hold")]
    assert {"domain_disabled"} <= kinds
    assert "moved" not in kinds


@pytest.mark.parametrize(
    ("told", "there", "made_up"),
    [
        pytest.param(False, SORRY, SORRY, id="its-keepers-know-of-nothing"),
        pytest.param(True, PHOTO, SORRY, id="the-content-is-there"),
        pytest.param(True, 404, 404, id="nothing-is-there-yet"),
        pytest.param(True, "timeout", "timeout", id="nobody-answers-there"),
    ],
)
def test_a_name_led_to_other_hosts_otherwise_has_moved(
    store: Store, world: World, told: bool, there: Said, made_up: Said
) -> None:
    led_away(store, world, keepers_told=told)
    world.page(there, address=PARKING)
    world.made_up = made_up

    looks(store, world, 1)

    assert found(store) == [("up", "moved", "other_host")]
