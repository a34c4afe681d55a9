"""A lab that ended goes on in its folder, and a folder that cannot be gone on with is refused."""

from pathlib import Path

import pytest

from nta.lab.journal import Journal, JournalError
from nta.lab.lab import LabError
from nta.lab.world import World
from tests.lab.conftest import Client, playing
from tests.lab.fake_service import FakeService


def play_some(client: Client, service: FakeService) -> None:
    """Play until two notices have been read and some pages are gone."""
    client.ask("POST", "/service", service.card())
    client.leap("2026-03-02T09:00Z")
    urls = list(client.truth())
    service.send(client.card["smtp"], "abuse@quick.example", urls[:4])
    service.send(client.card["smtp"], "abuse@registry.example", [u for u in urls if "//four.test:" in u])
    while client.leap("2026-03-02T12:00Z") < "03-02T12:00":
        pass


def test_a_lab_started_again_goes_on_where_it_was(small: World, tmp_path: Path, service: FakeService) -> None:
    with playing(small, tmp_path) as client:
        play_some(client, service)
        service.send(client.card["smtp"], "abuse@slow.example", list(client.truth())[4:6])
        before = [client.ask("GET", path) for path in ("/now", "/truth", "/mails", "/state")]
        ports = client.card["ports"]
    (tmp_path / "lab.json").unlink()

    with playing(small, tmp_path) as client:
        after = [client.ask("GET", path) for path in ("/now", "/truth", "/mails", "/state")]

    asked = dict.fromkeys(("web", "dns", "rdap", "origins", "whois"), 0)
    assert before[3].pop("asked") == after[3].pop("asked") == asked
    assert after == before
    assert client.card["ports"] == ports
    assert before[0]["now"] == "2026-03-02T12:00:00+00:00"
    assert before[3]["waiting_acts"] == 1, "the last mail has not been read"


def test_a_world_ends_the_same_whether_or_not_the_lab_was_stopped_within(
    small: World, tmp_path: Path
) -> None:
    ends = []
    for name, breaks in (("whole", 1), ("parted", 3)):
        with FakeService() as service:
            for part in range(breaks):
                with playing(small, tmp_path / name) as client:
                    if part == 0:
                        play_some(client, service)
                    else:
                        client.ask("POST", "/service", service.card())
                    for _ in range(10_000 if part == breaks - 1 else 3):
                        if client.ask("POST", "/leap", {"next_due": None})["over"]:
                            break
                    port = str(client.card["web_port"])
                    truth = {url.replace(port, "80"): hosts for url, hosts in client.truth().items()}
            answers = sorted(url.replace(port, "80") for url, _ in service.answers)
            ends.append((truth, answers, len(service.hand_ins), len(service.marks)))

    assert ends[0] == ends[1]


def test_a_hand_in_of_unknown_fate_is_repeated_with_its_key_by_the_next_lab(
    small: World, tmp_path: Path, service: FakeService
) -> None:
    service.breaks.append(("POST /hand-in", "after"))
    for _ in range(2):
        with playing(small, tmp_path) as client:
            client.ask("POST", "/service", service.card())
            client.leap("2026-03-02T09:00Z")

    assert service.seen.count("POST /hand-in") == 2
    assert len(service.hand_ins) == 1


def test_a_last_line_cut_short_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"do":"begin"}\n{"do":"now","at"')

    journal = Journal(path)
    journal.write({"do": "now"})
    journal.close()

    assert path.read_bytes() == b'{"do":"begin"}\n{"do":"now"}\n'
    assert journal.entries == [{"do": "begin"}]


def test_a_broken_line_within_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"do":"begin"}\n{"do"\n{"do":"now"}\n')

    with pytest.raises(JournalError, match=r"^journal.jsonl: line 2 is broken$"):
        Journal(path)


def test_a_second_lab_in_one_folder_is_refused(small: World, tmp_path: Path) -> None:
    with (
        playing(small, tmp_path),
        pytest.raises(LabError, match="another lab is playing in this folder"),
        playing(small, tmp_path),
    ):
        pass


def test_a_folder_of_another_world_is_refused(small: World, loop_world: World, tmp_path: Path) -> None:
    with playing(small, tmp_path):
        pass

    with pytest.raises(LabError, match="belongs to another world"), playing(loop_world, tmp_path):
        pass
