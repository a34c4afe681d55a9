"""The leap: what time stops at, what it passes, and what holds it where it is."""

from pathlib import Path

from nta.lab.world import World
from tests.lab.conftest import Client, playing
from tests.lab.fake_service import FakeService


def urls(client: Client, host: str) -> list[str]:
    return [url for url in client.truth() if f"//{host}:" in url]


def test_time_stands_while_the_first_hand_in_cannot_be_made(lab: Client) -> None:
    told = [lab.leap("2026-03-05T00:00Z"), lab.leap(None)]

    assert told == ["03-02T09:00", "03-02T09:00"]
    assert lab.ask("GET", "/state")["waiting_acts"] == 1


def test_the_leap_goes_to_the_earlier_of_due_moment_and_next_act(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())

    told = [lab.leap(due) for due in ("2026-03-02T09:30Z", "2026-03-02T09:30Z", "2026-03-05T00:00Z")]

    assert told == ["03-02T09:00", "03-02T09:30", "03-02T11:15"]


def test_a_due_moment_that_is_past_moves_nothing(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap("2026-03-02T09:00Z")
    lab.leap("2026-03-02T10:00Z")

    assert lab.leap("2026-03-02T09:30Z") == "03-02T10:00"


def test_a_hand_in_fills_the_form_with_every_line(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())

    lab.leap(None)
    lab.leap(None)

    first, second = service.hand_ins.values()
    assert first["text"].splitlines() == [*urls(lab, "www.one.test"), *urls(lab, "four.test"), "no address"]
    assert (first["severity"], first["class_value"], first["scope"]) == ("urgent", "baseline", "file")
    assert second["text"].splitlines()[0].startswith("hxxp://two[.]example:")
    assert (second["severity"], second["class_value"], second["scope"]) == ("normal", "national", "page")


def test_facts_of_the_world_are_passed_at_their_own_moment(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap(None)

    told = lab.leap("2026-03-02T10:00Z")

    ((_, _, until),) = lab.truth()[urls(lab, "two.example")[3]]
    assert told == "03-02T10:00"
    assert until is not None
    assert "03-02T09:30" <= until <= "03-02T09:40"


def test_pages_move_with_their_site_and_end_at_the_old_host(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    while lab.leap("2026-03-03T13:30Z") != "03-03T13:30":
        pass

    moved, faded = (lab.truth()[urls(lab, "two.example")[n]] for n in (0, 3))

    assert moved == [("slow", "03-02T09:00", "03-03T13:07"), ("quick", "03-03T13:07", None)]
    assert len(faded) == 1


def test_a_notice_makes_its_host_remove_and_answer(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap(None)
    told = urls(lab, "www.one.test")
    service.send(lab.card["smtp"], "abuse@quick.example", told)

    while lab.leap("2026-03-02T15:00Z") != "03-02T15:00":
        pass

    ends = [lab.truth()[url][0][2] for url in told]
    assert all(end and "03-02T09:20" <= end <= "03-02T15:00" for end in (ends[0], ends[2], ends[3]))
    assert len(set(ends)) == 4
    assert ends[1] is None, "this page is called removed a day before it is"
    assert {url for url, answer in service.answers if answer == "removed"} >= {told[1]}


def test_mail_is_read_at_once_even_where_the_due_moment_is_past(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap("2026-03-02T09:00Z")
    lab.leap("2026-03-02T10:00Z")
    service.send(lab.card["smtp"], "abuse@quick.example", urls(lab, "www.one.test")[:1])

    told = lab.leap("2026-03-02T09:30Z")

    assert told == "03-02T10:00"
    assert len(list(Path(lab.card["maildir"], "new").iterdir())) == 1


def test_of_two_hosts_each_removes_its_own_copy(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap("2026-03-02T09:00Z")
    (url, _) = urls(lab, "img.three.test")
    service.send(lab.card["smtp"], "abuse@quick.example", [url])

    while lab.leap("2026-03-02T15:00Z") != "03-02T15:00":
        pass

    by_quick, by_slow = lab.truth()[url]
    assert (by_quick[0], by_slow) == ("quick", ("slow", "03-02T09:00", None))
    assert by_quick[2] is not None


def test_a_reminder_begins_nothing_anew(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap(None)
    told = urls(lab, "www.one.test")[:1]
    service.send(lab.card["smtp"], "abuse@quick.example", told)
    lab.leap("2026-03-02T09:10Z")
    service.send(lab.card["smtp"], "abuse@quick.example", told)

    while lab.leap("2026-03-04T15:00Z") != "03-04T15:00":
        pass

    assert service.answers == [(told[0], "removed")]


def test_a_notice_to_one_who_does_not_host_the_page_changes_nothing(
    lab: Client, service: FakeService
) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap(None)
    told = urls(lab, "www.one.test")
    service.send(lab.card["smtp"], "abuse@slow.example", told)

    while lab.leap("2026-03-05T22:00Z") != "03-05T22:00":
        pass

    assert [lab.truth()[url][0][2] for url in told] == [None] * 4
    assert service.answers == []


def test_a_registry_that_is_told_lets_the_domain_vanish(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())
    lab.leap(None)
    service.send(lab.card["smtp"], "abuse@registry.example", urls(lab, "four.test")[:1])

    while lab.leap("2026-03-02T18:00Z") != "03-02T18:00":
        pass

    ends = {lab.truth()[url][0][2] for url in urls(lab, "four.test")}
    (end,) = ends
    assert end is not None
    assert "03-02T12:00" <= end <= "03-02T17:00"


def test_the_lead_says_on_the_case_page_that_the_domain_is_dedicated(
    lab: Client, service: FakeService
) -> None:
    lab.ask("POST", "/service", service.card())

    while lab.leap(None) < "03-03T10:00":
        pass

    assert service.marks == [(urls(lab, "four.test")[0], "yes", "all of it")]


def test_the_world_ends_when_nothing_is_left(lab: Client, service: FakeService) -> None:
    lab.ask("POST", "/service", service.card())

    while not (last := lab.ask("POST", "/leap", {"next_due": None}))["over"]:
        pass

    assert last["now"] == "2026-03-06T09:00:00+00:00"
    assert all(host[2] for hosts in lab.truth().values() for host in hosts)
    assert lab.ask("GET", "/state")["faults"] == []


def test_an_act_whose_answer_was_lost_is_done_again_with_the_same_key(
    lab: Client, service: FakeService
) -> None:
    lab.ask("POST", "/service", service.card())
    service.breaks += [("GET /login", "before"), ("POST /hand-in", "after"), ("POST /hand-in", "before")]

    told = [lab.leap("2026-03-02T10:00Z") for _ in range(5)]

    assert told == ["03-02T09:00"] * 4 + ["03-02T10:00"]
    assert service.seen.count("POST /hand-in") == 3
    assert len(service.hand_ins) == 1


def test_an_act_that_the_service_refuses_again_and_again_is_given_up_and_told(
    lab: Client, service: FakeService
) -> None:
    card = service.card()
    card["users"][0]["password"] = "not the password"
    lab.ask("POST", "/service", card)

    told = [lab.leap("2026-03-02T09:30Z") for _ in range(6)]

    assert told[-2:] == ["03-02T09:00", "03-02T09:30"]
    assert lab.ask("GET", "/state")["faults"] == [
        "hand_in at 2026-03-02T09:00Z was given up: the log-in of the analyst was refused"
    ]


def play_out(world: World, path: Path) -> list[object]:
    """Play a world with one notice to each host after each hand-in, and return all that became of it."""
    with FakeService() as service, playing(world, path) as client:
        client.ask("POST", "/service", service.card())
        now = client.leap("2026-03-02T09:00Z")
        for host, mail in (("www.one.test", "quick"), ("two.example", "slow"), ("img.three.test", "slow")):
            service.send(client.card["smtp"], f"abuse@{mail}.example", urls(client, host))
        moments = [now]
        while not (leap := client.ask("POST", "/leap", {"next_due": None}))["over"]:
            moments.append(leap["now"])
        port = str(client.card["web_port"])
        truth = {url.replace(port, "80"): hosts for url, hosts in client.truth().items()}
        return [moments, truth, [(url.replace(port, "80"), word) for url, word in service.answers]]


def test_the_same_world_gives_the_same_truth_twice(small: World, tmp_path: Path) -> None:
    assert play_out(small, tmp_path / "a") == play_out(small, tmp_path / "b")
