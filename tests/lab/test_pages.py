"""How the lab's people read the service's pages: forms, cookies, redirects, codes."""

import socket

import pytest

from nta.lab import totp
from nta.lab.actors import Desk, Portal, Service, User, items_for
from nta.lab.forms import read_forms
from nta.lab.httpclient import ActError, Browser, UnreachableError
from nta.lab.world import Act, HandInVisit
from tests.conftest import NINE
from tests.lab.fake_service import FakeService

# RFC 6238, appendix B: the secret of the SHA-1 rows, and the last six of the eight digits.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

REMOVED = {"answer": "removed"}
PLAN = HandInVisit(NINE, "high", "baseline", "page", (), ("broken line",), defanged=True)
ACT = Act(NINE, "lead", "dedicated", ("one/1",), {"dedicated": "yes", "reason": "because"})


def ignore() -> None:
    """Hear that a form is about to be sent."""


@pytest.mark.parametrize(
    ("machine_time", "expected"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(machine_time: int, expected: str) -> None:
    assert totp.code(RFC_SECRET, machine_time) == expected


def test_a_code_may_be_asked_for_the_period_before_or_after() -> None:
    assert (
        totp.code(RFC_SECRET.lower(), 59 + 30, -1)
        == totp.code(RFC_SECRET, 59)
        == totp.code(RFC_SECRET, 29, 1)
    )


def test_a_form_is_sent_with_what_the_page_put_into_it() -> None:
    html = """<form id=a action=/x method=post><input type=hidden name=csrf value='a&amp;b'>
    <input name=free value=old><input type=checkbox name=tick value=1 checked>
    <input type=checkbox name=tick value=2>
    <select name=choice><option value=p>P<option value=q selected>Q</select><textarea name=text>
one
two</textarea><input type=radio name=r value=1><input type=radio name=r value=2 checked>
    <input type=file name=f><input type=image name=i><button type=reset name=z>0</button>
    <button name=go value=1>Go</button><button name=other value=1>Other</button></form>"""

    form = read_forms(html)["a"]

    assert form.filled({}) == [
        ("csrf", "a&b"),
        ("free", "old"),
        ("tick", "1"),
        ("choice", "q"),
        ("text", "one\ntwo"),
        ("r", "2"),
        ("go", "1"),
    ]
    assert form.filled({"tick": ["2"], "r": "1", "free": "new", "nobody": "x"})[1:4] == [
        ("free", "new"),
        ("tick", "2"),
        ("choice", "q"),
    ]


@pytest.mark.parametrize(
    "row",
    [
        '<tr><td><input type="checkbox" name="item" value="{n}"></td><td>{url}</td></tr>',
        '<tr><td>{url}</td><td><input type="checkbox" name="item" value="{n}"></td></tr>',
        '<label><input type="checkbox" name="item" value="{n}"> <code>{url}</code> seen up</label>',
        '<li><label for="i{n}">{url}</label><input id="i{n}" type="checkbox" name="item" value="{n}"></li>',
    ],
)
def test_boxes_are_found_by_the_url_beside_them(row: str) -> None:
    urls = [f"http://one.test:8/{n}" for n in range(3)]
    rows = "".join(row.format(n=n, url=url) for n, url in enumerate(urls))
    form = read_forms(f'<form id="answer"><table>{rows}</table><button>Go</button></form>')["answer"]

    assert items_for(form, [urls[2], urls[0], "http://one.test:8/9"]) == ["2", "0"]


def service_of(fake: FakeService) -> Service:
    card = fake.card()
    return Service(card["desk_url"], card["portal_url"], tuple(User(**user) for user in card["users"]))


def test_the_analyst_logs_in_once_and_stays_so(service: FakeService) -> None:
    desk, keys = Desk(service_of(service), "analyst"), list[str]()

    desk.hand_in(PLAN, {"http://one.test:80/a.b": ""}, "", keys.append)
    desk.hand_in(PLAN, {"http://one.test:80/c": ""}, "", keys.append)

    assert keys == list(service.hand_ins)
    assert service.hand_ins[keys[0]]["text"].splitlines() == ["hxxp://one[.]test:80/a.b", "broken line"]
    assert service.seen.count("POST /login") == 1


def test_a_code_that_is_refused_is_followed_by_the_next(service: FakeService) -> None:
    service.refused_codes = 2

    Desk(service_of(service), "lead").act(ACT, "http://one.test:80/a", ignore)

    assert service.marks == [("http://one.test:80/a", "yes", "because")]


def test_when_all_codes_are_used_up_the_next_half_minute_is_waited_for(service: FakeService) -> None:
    service.refused_codes = 3
    machine_time = [59.0]
    desk = Desk(service_of(service), "lead", lambda: machine_time[0])

    for _ in range(2):
        with pytest.raises(UnreachableError):
            desk.act(ACT, "http://one.test:80/a", ignore)
    tried = service.seen.count("POST /tf")
    machine_time[0] = 60.0
    desk.act(ACT, "http://one.test:80/a", ignore)

    assert tried == 3
    assert len(service.marks) == 1


def test_a_second_factor_that_is_never_taken_is_told(service: FakeService) -> None:
    service.refused_codes = 9
    machine_time = [60.0]
    desk = Desk(service_of(service), "lead", lambda: machine_time[0])

    for moment in (60.0, 90.0):
        machine_time[0] = moment
        with pytest.raises(UnreachableError):
            desk.act(ACT, "http://one.test:80/a", ignore)
    machine_time[0] = 120.0

    with pytest.raises(ActError, match="the second factor of the lead was refused"):
        desk.act(ACT, "http://one.test:80/a", ignore)


def test_an_answer_of_the_wrong_role_is_told_without_an_address(service: FakeService) -> None:
    with pytest.raises(ActError) as caught:
        Desk(service_of(service), "analyst").act(ACT, "http://one.test:80/a", ignore)

    assert str(caught.value) == "form#dedicated was answered with 403"


def test_a_provider_ticks_what_it_removed(service: FakeService) -> None:
    service.notices["t"] = ["http://one.test:80/a", "http://one.test:80/b"]

    Portal(service_of(service)).answer(
        "t", ["http://one.test:80/b", "http://one.test:80/gone-from-the-list"], REMOVED
    )

    assert service.answers == [("http://one.test:80/b", "removed")]


@pytest.mark.parametrize("cut", [("GET /n/t", "before"), ("POST /n", "after"), ("POST /n/answer", "after")])
def test_a_connection_that_breaks_is_told_as_unreachable(service: FakeService, cut: tuple[str, str]) -> None:
    service.notices["t"] = ["http://one.test:80/a"]
    service.breaks.append(cut)

    with pytest.raises(UnreachableError) as caught:
        Portal(service_of(service)).answer("t", service.notices["t"], REMOVED)

    assert not caught.value.answered


def test_a_service_that_fails_is_told_as_unreachable_but_answering(service: FakeService) -> None:
    with pytest.raises(UnreachableError) as caught:
        Portal(service_of(service)).answer("unknown", ["http://one.test:80/a"], REMOVED)

    assert caught.value.answered


def test_nobody_listening_is_told_as_unreachable() -> None:
    with FakeService() as gone:
        url = gone.url

    with pytest.raises(UnreachableError):
        Browser().get(url)


def test_who_waits_in_vain_is_told_from_who_finds_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(UnreachableError) as waited:
            Browser(timeout_s=0.05).get(url)
    with pytest.raises(UnreachableError) as refused:
        Browser(timeout_s=0.05).get(url)

    assert (waited.value.timed_out, refused.value.timed_out) == (True, False)
