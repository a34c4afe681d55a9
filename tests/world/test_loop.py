"""The loop runs: a world of 320 URLs, from handing in to the report, against what truly happened."""

import json
from datetime import datetime, timedelta

from nta.domain.deadlines import pause
from nta.domain.intake.urls import parse
from nta.domain.lifecycle import Presence
from nta.domain.roles import Severity
from nta.lab.httpclient import TIMEOUT_S
from nta.store.reads import summary as reading
from nta.usecases.report import summary, true_figures
from tests.world.leaks import no_marker_leaks
from tests.world.playing import Played, is_alive, left_behind
from tests.world.polling import Answers, waited_in_vain


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def test_the_demo_ends_well_and_leaves_no_process(played: Played) -> None:
    lab = json.loads((played.folder / "lab" / "lab.json").read_text())

    assert played.code == 0, played.err
    assert not is_alive(lab["pid"])


def test_no_request_of_anybody_waits_until_it_is_given_up(polled: tuple[Played, Answers]) -> None:
    played, answers = polled

    assert waited_in_vain(played) == []
    for name, took in answers.took.items():
        assert len(took) >= 50, name
        assert answers.slowest(name) < TIMEOUT_S, name


def test_every_story_of_the_loop_is_told(played: Played) -> None:
    told = played.summary

    assert told["cases"] >= 300
    assert told["submissions"] > told["cases"]
    for outcome in ("removed_after_notice", "gone_before_notice", "moved_after_notice", "disabled_domain"):
        assert told["outcomes"][outcome] >= 1, outcome
    assert sum(told["outcomes"].values()) == told["episodes"] == len(played.episodes)
    for event in ("bounced", "answered_removed", "told_registry", "domain_disabled", "moved"):
        assert told["events"][event] >= 1, event
    for clock in ("A", "B"):
        large = [f["provider"] for f in told["removal_times"] if f["clock"] == clock and f["n"] >= 20]
        assert len(large) >= 4, clock


def test_every_true_moment_lies_within_its_interval(played: Played) -> None:
    outside = []
    for line in played.episodes:
        true, gone, up = (moment(line[key]) for key in ("true_gone", "first_gone", "last_up"))
        if true is None or gone is None or true > gone or (up is not None and true <= up):
            outside.append(line)

    assert outside == []


def test_no_interval_is_longer_than_the_pause_for_its_age(played: Played) -> None:
    store = left_behind(played)
    with store.db.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT began_at, last_up_at, first_gone_at, severity FROM episode WHERE last_up_at IS NOT NULL"
        ).all()
    hour = timedelta(hours=1)
    too_long = [
        row
        for row in rows
        if (row.first_gone_at - row.last_up_at) / 1e6
        > pause(
            Presence.UP, timedelta(microseconds=row.last_up_at - row.began_at), Severity(row.severity)
        ).total_seconds()
    ]

    assert len(rows) > 200
    assert too_long == []
    assert min(row.first_gone_at - row.last_up_at for row in rows) < hour / timedelta(microseconds=1)


def test_the_true_shares_lie_between_surely_and_possibly(played: Played) -> None:
    store = left_behind(played)
    ends = {int(line["episode"]): moment(line["true_gone"]) for line in played.episodes}
    as_of = max(end for end in ends.values() if end) + timedelta(days=30)
    true = true_figures(store, as_of=as_of, vanished=ends)
    believed = {(f["provider"], f["clock"], f["role"]): f for f in summary(store, as_of)["removal_times"]}

    assert set(believed) <= set(true)
    for key, figure in believed.items():
        share = true[key]["within_24h"]
        assert figure["within_24h"]["surely"] - 1e-9 <= share["surely"], key
        assert share["possibly"] <= figure["within_24h"]["possibly"] + 1e-9, key


def test_removed_as_answered_is_looked_at_at_once(played: Played) -> None:
    store = left_behind(played)
    with store.db.read() as connection:
        late = connection.exec_driver_sql(
            "SELECT count(*) FROM event a WHERE a.kind = 'answered_removed' "
            "AND a.presence IN ('up', 'unseen') AND a.stage <> 'ended' "
            "AND NOT EXISTS (SELECT 1 FROM sighting_span s WHERE s.episode_id = a.episode_id "
            "AND (s.first_at = a.at OR s.last_at >= a.at AND s.first_at <= a.at))"
        ).scalar()
        answered = connection.exec_driver_sql(
            "SELECT count(*) FROM event WHERE kind = 'answered_removed'"
        ).scalar()

    assert (answered or 0) > 20
    assert late == 0


def test_no_marker_leaks(played: Played) -> None:
    no_marker_leaks(played)


def test_no_host_name_is_in_the_embedded_database_in_clear(played: Played) -> None:
    store = left_behind(played)
    with store.db.read() as connection:
        hosts = {parse(reading.url_of(store, line)).host for line in reading.episode_lines(connection)}
    stored = (played.folder / "nta.sqlite").read_bytes()

    assert len(hosts) == 12
    assert [host for host in hosts if host.encode() in stored] == []
