"""Sealing: what is sealed opens where it stands and nowhere else, and keys are never lost."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nta.domain.errors import RefusedError
from nta.store.db.sealing import (
    Keyring,
    Sealer,
    derive,
    digest16,
    load_keys,
    portal_keys,
    stranger,
)

OLD, NEW, PORTAL = b"o" * 32, b"n" * 32, b"p" * 32
HERE = ("case.url", 7)


@given(st.binary(max_size=200) | st.text(max_size=200), st.integers(0, 2**63 - 1))
def test_what_is_sealed_opens_where_it_stands(clear: str | bytes, row: int) -> None:
    sealer = Sealer((NEW,))

    sealed = sealer.seal("case.url", row, clear)

    wanted = clear.encode() if isinstance(clear, str) else clear
    assert sealer.open("case.url", row, sealed) == wanted
    assert len(wanted) < 8 or wanted not in sealed


@pytest.mark.parametrize(
    ("place", "row"),
    [
        pytest.param("case.url", 8, id="another-row"),
        pytest.param("case.referrer", 7, id="another-column"),
        pytest.param("host.url", 7, id="another-table"),
        pytest.param("case.url:7", 7, id="a-place-that-would-read-the-same"),
    ],
)
def test_bytes_moved_elsewhere_do_not_open(place: str, row: int) -> None:
    sealer = Sealer((NEW,))
    sealed = sealer.seal(*HERE, "http://a.test/x")

    with pytest.raises(ValueError, match="do not belong to row") as refusal:
        sealer.open(place, row, sealed)
    assert "a.test" not in str(refusal.value)


@pytest.mark.parametrize("place", range(0, 40, 3))
def test_bytes_that_were_changed_do_not_open(place: int) -> None:
    sealed = bytearray(Sealer((NEW,)).seal(*HERE, "http://a.test/x"))
    sealed[place] ^= 1

    with pytest.raises(ValueError, match=r"case\.url: (the sealed bytes do not belong|sealed under a key)"):
        Sealer((NEW,)).open(*HERE, bytes(sealed))


def test_the_same_text_is_sealed_differently_each_time() -> None:
    sealer = Sealer((NEW,))

    assert sealer.seal(*HERE, "x") != sealer.seal(*HERE, "x")


def test_an_old_key_still_opens_and_the_newest_seals() -> None:
    before, rotated, after = Sealer((OLD,)), Sealer((NEW, OLD)), Sealer((NEW,))
    old = before.seal(*HERE, "old")
    new = rotated.seal(*HERE, "new")

    assert rotated.text(*HERE, old) == "old"
    assert rotated.text(*HERE, new) == after.text(*HERE, new) == "new"
    with pytest.raises(ValueError, match="a key that is not among NTA_KEYS"):
        before.text(*HERE, new)
    with pytest.raises(ValueError, match="a key that is not among NTA_KEYS"):
        after.text(*HERE, old)


def test_a_key_made_after_the_start_is_read_when_bytes_name_it() -> None:
    held = [(OLD,)]
    running = Sealer(held[0], lambda: held[0])
    sealed = Sealer((NEW,)).seal(*HERE, "new")
    with pytest.raises(ValueError, match="a key that is not among NTA_KEYS"):
        running.text(*HERE, sealed)

    held[0] = (NEW, OLD)

    assert running.text(*HERE, sealed) == "new"


def test_the_newest_key_seals_a_second_after_it_was_made_and_the_old_one_goes_on_opening() -> None:
    held, now = [(OLD,)], [100.0]
    running = Sealer(held[0], lambda: held[0], machine=lambda: now[0])
    old = running.seal(*HERE, "old")
    held[0] = (NEW,)

    now[0] += 0.9
    assert running.seal(*HERE, "x")[:4] == Sealer.head_of(OLD)
    now[0] += 0.2
    assert running.seal(*HERE, "x")[:4] == Sealer.head_of(NEW)
    assert running.text(*HERE, old) == "old"


def test_while_the_keys_cannot_be_read_those_known_stand() -> None:
    def lost() -> tuple[bytes, ...]:
        raise RefusedError("keys/sealing is missing")

    now = [100.0]
    running = Sealer((OLD,), lost, machine=lambda: now[0])
    now[0] += 5

    assert running.text(*HERE, running.seal(*HERE, "x")) == "x"
    with pytest.raises(ValueError, match="a key that is not among NTA_KEYS"):
        running.text(*HERE, Sealer((NEW,)).seal(*HERE, "x"))


def test_digests_and_derived_keys_hang_on_key_and_purpose() -> None:
    keys = Keyring(sealing=(NEW,), digest=OLD, portal=(PORTAL, OLD))

    assert len({keys.derived(word) for word in ("url", "host", "domain", "return")} | {OLD}) == 5
    assert keys.derived("url") == derive(OLD, "url")
    assert keys.portal_derived("link") == derive(PORTAL, "link")
    assert keys.derived("url") != Keyring((NEW,), NEW, (PORTAL,)).derived("url")
    assert digest16(OLD, b"x") == digest16(OLD, b"x") != digest16(NEW, b"x")
    assert len(digest16(OLD, b"x")) == 16
    assert stranger() != stranger()


def test_keys_are_made_once_and_for_our_eyes_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = load_keys(tmp_path / "instance", (), None, ())
    finally:
        os.umask(before)
    folder = tmp_path / "instance" / "keys"

    assert load_keys(tmp_path / "instance", (), None, (), may_make=False) == made
    assert len({*made.sealing, made.digest, *made.portal}) == 3
    assert sorted(path.name for path in folder.iterdir()) == ["digest", "portal", "sealing"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_two_processes_that_start_at_once_end_up_with_the_same_keys(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from nta.store.db.sealing import load_keys\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        f"keys = load_keys(pathlib.Path({str(tmp_path)!r}), (), None, ())\n"
        "print(keys.sealing[0].hex(), keys.digest.hex(), keys.portal[0].hex())\n"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    try:
        for process in both:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in both:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        first, second = (process.communicate(timeout=20)[0] for process in both)
    finally:
        for process in both:
            process.kill()

    assert len(first.split()) == 3
    assert first == second
    assert len(list((tmp_path / "keys").iterdir())) == 3


def test_settings_win_over_stored_keys_and_nothing_is_made_for_them(tmp_path: Path) -> None:
    keys = load_keys(tmp_path, (NEW, OLD), OLD, (PORTAL,), may_make=False)

    assert keys == Keyring((NEW, OLD), OLD, (PORTAL,))
    assert list(tmp_path.iterdir()) == []


def test_several_stored_keys_are_newest_first(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "portal").write_text(f"{NEW.hex()}\n{OLD.hex()}\n")

    assert portal_keys(tmp_path, may_make=False) == (NEW, OLD)


@pytest.mark.parametrize("name", ["sealing", "digest", "portal"])
def test_no_key_is_made_for_a_database_in_use(name: str, tmp_path: Path) -> None:
    load_keys(tmp_path, (), None, ())
    (tmp_path / "keys" / name).unlink()

    with pytest.raises(RefusedError, match=f"keys/{name} is missing, and the database is in use"):
        load_keys(tmp_path, (), None, (), may_make=False)
    assert not (tmp_path / "keys" / name).exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "holds no key"), (b"abc\n", "64 hexadecimal"), (b"\xff\xfe", "64 hexadecimal")],
)
def test_a_key_file_that_cannot_be_read_is_named_and_left_as_it_is(
    content: bytes, said: str, tmp_path: Path
) -> None:
    load_keys(tmp_path, (), None, ())
    path = tmp_path / "keys" / "digest"
    path.write_bytes(content)

    with pytest.raises(RefusedError, match=said) as refusal:
        load_keys(tmp_path, (), None, ())
    assert str(path) in str(refusal.value)
    assert path.read_bytes() == content
