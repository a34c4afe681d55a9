"""The house put together: its folder and keys, who runs its jobs, and its doors."""

import mailbox
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from nta import assembly, bootstrap
from nta import settings as configuration
from nta.bootstrap import House
from nta.catalogue.entry_schema import ADDRESSES
from nta.domain.errors import OutsideError, RefusedError
from nta.domain.notices.vouching import Ours
from nta.domain.parties.contact_addresses import MAIL, mailbox_of
from nta.ports import Outgoing
from nta.store.db.database import Database
from nta.store.db.handle import Store
from nta.store.tables import Due
from nta.store.work import alive, audit, due
from nta.web.serving import Servers
from tests.builders import make_case
from tests.conftest import NINE
from tests.databases import Cluster
from tests.spoilt_mails import SPOILT
from tests.world.playing import ROOT, environment


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[Any]:
    """Builds houses in one folder, on SQLite unless told otherwise, and closes them."""
    built: list[House] = []

    def build(**settings: str) -> House:
        given = {f"NTA_{name.upper()}": value for name, value in settings.items()}
        built.append(House({"NTA_INSTANCE": str(tmp_path / "instance")} | given))
        return built[-1]

    yield build
    for house in built:
        house.close()


@pytest.fixture
def server(cluster: Cluster) -> Iterator[str]:
    with cluster.fresh() as uri:
        yield uri


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_first_start_makes_a_folder_for_our_eyes_only(houses: Any, tmp_path: Path) -> None:
    house = houses()
    assert house.store.db.is_sqlite

    assert mode(tmp_path / "instance") == 0o700
    assert {path.name for path in (tmp_path / "instance").iterdir()} >= {"nta.sqlite", "keys"}


def test_nothing_is_made_before_it_is_needed(houses: Any, tmp_path: Path) -> None:
    house = houses()

    assert house.settings.hotline is None
    assert not (tmp_path / "instance").exists()


@pytest.mark.parametrize("held", [None, "keys", "nta.sqlite"])
def test_a_folder_of_ours_or_an_empty_one_is_closed_to_others(
    houses: Any, tmp_path: Path, held: str | None
) -> None:
    folder = tmp_path / "instance"
    folder.mkdir()
    if held:
        (folder / held).touch()
    folder.chmod(0o755)

    assert houses().instance == folder
    assert mode(folder) == 0o700


def test_a_folder_of_others_is_refused_and_left_as_it_is(houses: Any, tmp_path: Path) -> None:
    folder = tmp_path / "instance"
    folder.mkdir()
    (folder / "letter.txt").touch()
    folder.chmod(0o755)

    with pytest.raises(RefusedError, match=r"^NTA_INSTANCE: .* is open to others and none of ours$"):
        _ = houses().store
    assert mode(folder) == 0o755
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def test_a_folder_that_cannot_be_made_is_refused(houses: Any, tmp_path: Path) -> None:
    (tmp_path / "instance").write_text("a file")

    with pytest.raises(RefusedError, match=r"^NTA_INSTANCE: .*: File exists$"):
        _ = houses().store


def test_what_one_process_sealed_the_next_one_opens(houses: Any) -> None:
    first = houses()
    sealed = first.store.sealer.seal("case.url", 1, "x")

    second = houses()

    assert second.store.sealer.text("case.url", 1, sealed) == "x"
    assert second.store.keys == first.store.keys


def test_a_database_in_use_wants_its_keys_and_gets_no_others(houses: Any, tmp_path: Path) -> None:
    houses().add_user("lead@hotline.test", "correct horse battery", "lead")
    keys = tmp_path / "instance" / "keys"
    (keys / "sealing").rename(tmp_path / "sealing")

    with pytest.raises(RefusedError, match="keys/sealing is missing, and the database is in use"):
        _ = houses().store
    assert sorted(path.name for path in keys.iterdir()) == ["digest", "portal"]

    (tmp_path / "sealing").rename(keys / "sealing")
    assert houses().store.keys.sealing


def test_a_second_machine_is_not_let_in_with_keys_of_its_own(
    houses: Any, server: str, tmp_path: Path
) -> None:
    first = houses(database_url=server)
    first.add_user("lead@hotline.test", "correct horse battery", "lead")
    keys = first.store.keys
    elsewhere = str(tmp_path / "elsewhere")

    with pytest.raises(RefusedError, match="put the key back, or set NTA_KEYS"):
        _ = houses(database_url=server, instance=elsewhere).store
    second = houses(
        database_url=server,
        instance=elsewhere,
        keys=keys.sealing[0].hex(),
        digest_key=keys.digest.hex(),
        portal_keys=keys.portal[0].hex(),
    )

    assert second.store.keys == keys
    assert not (tmp_path / "elsewhere" / "keys").exists()


def test_a_portal_on_its_own_holds_the_portals_key_alone(houses: Any, server: str, tmp_path: Path) -> None:
    first = houses(database_url=server)
    sealed = first.store.sealer.seal("case.url", 1, "x")
    told = first.store.portal_sealer.seal("notice_item.portal", 1, "x")
    own = {
        "portal_keys": first.store.keys.portal[0].hex(),
        "instance": str(tmp_path / "portal"),
        "hotline": "example",
    }

    portal = houses(database_url=server, **own)
    store: Store = portal.portal_store

    assert store.portal_sealer.text("notice_item.portal", 1, told) == "x"
    assert not set(store.keys.sealing) & set(first.store.keys.sealing)
    assert store.keys.digest != first.store.keys.digest
    with pytest.raises(ValueError, match="not among NTA_KEYS"):
        store.sealer.open("case.url", 1, sealed)
    assert portal.portal(alone=True).name == "nta.web.portal"
    assert not (tmp_path / "portal" / "keys").exists()


def test_each_process_has_a_number_of_its_own(houses: Any, server: str) -> None:
    for settings in ({}, {"database_url": server}):
        ids = [houses(**settings).store.ids for _ in range(3)]
        assert [one.take(1)[0] >> 12 & 1023 for one in ids] == [1, 2, 3]


def test_a_server_is_not_brought_up_to_date_by_itself(houses: Any, cluster: Cluster) -> None:
    with cluster.fresh("template1") as uri, pytest.raises(RefusedError, match="run `nta db upgrade`"):
        _ = houses(database_url=uri).store


def taken(database: Database, holder: str | None) -> list[int]:
    with database.read() as connection:
        return list(
            connection.execute(
                select(Due.subject).where(Due.taken_by == holder).order_by(Due.subject)
            ).scalars()
        )


def take(database: Database, holder: str, *subjects: int) -> None:
    with database.write() as connection:
        due.want(connection, due.LOOK, subjects, NINE)
        assert due.take(connection, due.LOOK, holder, NINE, 100) == list(subjects)


def test_the_only_runner_of_a_file_frees_what_a_dead_one_held(houses: Any) -> None:
    house = houses()
    take(house.store.db, "node-77", 1, 2)

    house.take_jobs()

    assert taken(house.database, None) == [1, 2]
    with pytest.raises(RefusedError, match=rf"another process \(pid {os.getpid()}\)"):
        houses().take_jobs()
    house.close()
    houses().take_jobs()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a lock that is seen free twice be enough."""
    monkeypatch.setattr(bootstrap, "GRACE_S", 0.0)


@pytest.mark.usefixtures("soon")
def test_on_postgresql_runners_share_and_the_dead_ones_work_is_freed(houses: Any, server: str) -> None:
    one, two, three = (houses(database_url=server) for _ in range(3))
    for number, house in enumerate((one, two), 1):
        house.take_jobs()
        take(house.database, f"node-{house.node}", number)
    one.close()
    three.take_jobs()

    assert freed_soon(three) == [1]
    assert taken(three.database, f"node-{two.node}") == [2]
    two.close()
    assert freed_soon(three, 2) == [1, 2]


def freed_soon(house: House, count: int = 1) -> list[int]:
    """Ask until the server has noticed that a session is gone; each question takes a moment."""
    for _ in range(1000):
        house.release_the_dead()
        if len(free := taken(house.database, None)) >= count:
            return free
    return free


def test_after_a_loss_of_all_sessions_the_living_keep_their_leases(houses: Any, server: str) -> None:
    """As a restart of the server does: whoever is back first must not take the others for dead."""
    one, two = houses(database_url=server), houses(database_url=server)
    for number, house in enumerate((one, two), 1):
        house.take_jobs()
        take(house.database, f"node-{house.node}", number)

    cut_off(one.database, "pid <> pg_backend_pid()")
    for _ in range(3):
        one.release_the_dead()

    assert [taken(one.database, f"node-{house.node}") for house in (one, two)] == [[1], [2]]
    assert [house.may_work() for house in (one, two)] == [True, True]
    with one.database.read() as connection:
        assert alive.living(connection) == {f"node-{one.node}", f"node-{two.node}"}


def cut_off(database: Database, which: str) -> None:
    """End sessions of this database, and wait until they are gone."""
    mine = f"datname = current_database() AND {which}"
    with database.engine.connect() as connection:
        connection.exec_driver_sql(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {mine}"
        )


def test_a_step_that_broke_off_gives_back_its_own_rows_and_no_others(houses: Any, server: str) -> None:
    for house in (houses(), houses(database_url=server)):
        take(house.store.db, f"node-{house.node}", 1)
        take(house.store.db, "node-1000", 2)
        with house.store.db.write() as connection:
            due.want(connection, due.RESOLVE, [3], NINE)
            due.take(connection, due.RESOLVE, f"node-{house.node}", NINE, 1)

        house.give_back("recheck")
        house.give_back("inbox")

        assert taken(house.database, None) == [1]


def test_a_process_whose_number_another_goes_by_works_no_more_and_ends(houses: Any, server: str) -> None:
    house = houses(database_url=server)
    house._alive = SimpleNamespace(holds=lambda: False, is_replaced=False, close=lambda: None)

    assert (house.may_work(), house.stopping.is_set()) == (False, False)
    house._alive.is_replaced = True
    assert (house.may_work(), house.stopping.is_set()) == (False, True)


def test_on_postgresql_a_number_still_in_use_is_not_taken(houses: Any, server: str) -> None:
    old, new = houses(database_url=server), houses(database_url=server)
    old.take_jobs()
    new.__dict__["node"] = old.node
    new.stopping.set()

    with pytest.raises(OutsideError, match="another process goes by this one's number"):
        new.take_jobs()


def test_what_waits_is_looked_up_and_the_rest_is_always_seen_to(houses: Any, server: str) -> None:
    file, shared = houses(), houses(database_url=server)
    for house, always in ((file, {"inbox"}), (shared, {"inbox", "seal"})):
        assert house.pending(NINE) == always
        make_case(house.store, "http://a.test/", NINE, resolved=False)
        assert house.pending(NINE) == always | {"resolve", "recheck"}
        assert house.next_due() == NINE


def test_the_trail_is_sealed_by_the_jobs(houses: Any) -> None:
    house = houses(hotline="example")
    with house.store.db.write() as connection:
        audit.note(connection, house.store.ids, at=NINE, who="lead", act="reveal")
    (seal,) = (step for step in house.steps() if step.name == "seal")

    assert [seal.run(NINE), seal.run(NINE)] == [1, 0]


def test_the_jobs_want_to_know_who_we_are(houses: Any) -> None:
    with pytest.raises(RefusedError, match="NTA_HOTLINE"):
        houses().steps()


@pytest.mark.parametrize("door", ["desk", "portal"])
def test_a_door_that_is_built_by_another_server_wants_to_know_who_we_are(houses: Any, door: str) -> None:
    with pytest.raises(RefusedError, match=r"^NTA_HOTLINE is not set: "):
        getattr(houses(), door)()


def test_only_proxies_of_the_catalogue_are_asked_for_an_origin(houses: Any) -> None:
    settings = {"hotline": "example", "origin_tokens": "proxy:cloudflare=a,proxy:unheard=b"}
    known, unknown = "proxy:cloudflare=https://one.test/", "proxy:unheard=https://two.test/"

    assert houses().askable is None
    assert houses(origin_lookups=known, **settings).askable.ids == {"proxy:cloudflare"}
    with pytest.raises(RefusedError) as refusal:
        houses(origin_lookups=f"{known},{unknown}", **settings).steps()
    assert str(refusal.value) == "NTA_ORIGIN_LOOKUPS: the catalogue has no proxy:unheard"


def test_every_channel_that_the_catalogue_may_name_is_there(houses: Any) -> None:
    assert houses().channels.keys() == ADDRESSES.keys()


def test_without_a_relay_notices_wait(houses: Any) -> None:
    with pytest.raises(OutsideError, match="NTA_SMTP_URL is not set") as fault:
        list(
            houses()
            .channels[MAIL]
            .hand_over([Outgoing(1, mailbox_of("b@hosting.example"), b"", "a@hotline.test")], lambda _: True)
        )
    assert fault.value.temporary


@pytest.mark.parametrize(
    ("settings", "said", "wanted"),
    [
        ({"catalogue": "/none"}, "NTA_CATALOGUE: /none is no folder", "catalogue"),
        ({"ca_file": "/none.pem"}, "NTA_CA_FILE: /none.pem is no file", "eyes"),
        ({"ca_file": "/none.pem"}, "NTA_CA_FILE: /none.pem is no file", "asker"),
        ({"origin_tokens": "proxy:one=a"}, "^proxy:one stands in one of NTA_ORIGIN_LOOKUPS", "asker"),
        (
            {"origin_lookups": "proxy:one=https://one.test/"},
            "^proxy:one stands in one of",
            "asker",
        ),
    ],
)
def test_what_settings_name_must_be_there(
    houses: Any, settings: Mapping[str, str], said: str, wanted: str
) -> None:
    with pytest.raises(RefusedError, match=said):
        getattr(houses(**settings), wanted)


def test_only_the_labs_clock_leaps(houses: Any) -> None:
    house = houses(hotline="example")
    with pytest.raises(RefusedError, match="only the lab's clock leaps"):
        house.leaper(house.runner())


def test_doors_tell_their_real_ports_and_looks_keep_away_from_them(houses: Any) -> None:
    house = houses(hotline="example")

    servers = house.servers([("desk", "127.0.0.1", 0), ("portal", "127.0.0.1", 0)])

    (_, _, desk), (_, _, portal) = servers.listening
    assert servers.listening == [("desk", "127.0.0.1", desk), ("portal", "127.0.0.1", portal)]
    assert 0 not in (desk, portal)
    assert house.gate.own == {("127.0.0.1", desk), ("127.0.0.1", portal)}
    close(servers)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("127.0.0.1", "desk: port {port} on 127.0.0.1: Address already in use"),
        ("localhost", "no address to listen on"),
    ],
)
def test_a_door_that_cannot_be_opened_is_refused(houses: Any, host: str, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(RefusedError) as refusal:
            houses(hotline="example").servers([("desk", host, port)])

    assert said.format(port=port) in str(refusal.value)


class Patient(threading.Event):
    """Counts how often it was waited for, does not wait, and is set at the fifth time."""

    waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.waits += 1
        if self.waits == 5:
            self.set()
        return self.is_set()


def test_jobs_without_a_door_wait_between_two_glances() -> None:
    stopping = Patient()

    Servers([], stopping).loop()

    assert stopping.waits == 5


def close(servers: Servers) -> None:
    for server in servers._servers:
        server.task_dispatcher.shutdown(cancel_pending=True, timeout=1)
        server.close()


@pytest.mark.parametrize("door", ["desk", "portal"])
def test_gunicorn_can_load_each_door(door: str, tmp_path: Path) -> None:
    given = {**environment(None), "NTA_INSTANCE": str(tmp_path / "instance"), "NTA_HOTLINE": "example"}
    checked = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--check-config", f"wsgi:{door}"],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (checked.returncode, checked.stderr) == (0, "")
    wanted = {"digest", "portal", "sealing"} if door == "desk" else {"portal"}
    assert {path.name for path in (tmp_path / "instance" / "keys").iterdir()} == wanted


def test_spoilt_mail_ends_no_job(houses: Any, tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "maildir")
    for content in SPOILT.values():
        box.add(content)
    box.close()
    house = houses(hotline="example", inbox_url=f"maildir:{tmp_path / 'maildir'}")
    runner = house.runner()

    assert runner.turn() == len(SPOILT)

    assert runner.failures == 0
    assert list((tmp_path / "maildir" / "new").iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        ({"NTA_RETURN_PATH": "a+{token}@bounce.hotline.test"}, ("bounce.hotline.test",)),
        (
            {"NTA_SENDER": "n@hotline.test", "NTA_SMTP_URL": "smtp://u:p@Relay.elsewhere.example:587"},
            ("hotline.test", "relay.elsewhere.example"),
        ),
        ({"NTA_SMTP_URL": "smtp://127.0.0.1:25"}, ()),
        ({"NTA_SMTP_URL": "smtp://localhost"}, ()),
    ],
)
def test_our_relay_reports_from_our_return_path_our_sender_or_its_own_host(
    settings: dict[str, str], hosts: tuple[str, ...]
) -> None:
    given, _ = configuration.read(settings | {"NTA_INBOX_AUTHSERV": "mx.hotline.test"})

    assert assembly.ours(given) == Ours(settings.get("NTA_RETURN_PATH"), hosts, "mx.hotline.test")
