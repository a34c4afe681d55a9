"""The spoiler: the same seed spoils the same way, and a soak goes on."""

from random import Random

from tests.fuzzing import SOAK, rounds, spoil

SEED = b"From: a@example.com\nSubject: hello\n\nA text of some length.\n"


def test_the_same_seed_spoils_the_same_way():
    once = [spoil(SEED, Random(seed)) for seed in range(50)]

    assert once == [spoil(SEED, Random(seed)) for seed in range(50)]
    assert len(set(once)) > 40


def test_nothing_at_all_can_be_spoilt_too():
    assert all(isinstance(spoil(b"", Random(seed)), bytes) for seed in range(50))


def test_a_few_seeds_are_always_the_same_few(monkeypatch):
    monkeypatch.delenv(SOAK, raising=False)

    assert list(rounds(4)) == [0, 1, 2, 3]


def test_a_soak_goes_on_beyond_the_few(monkeypatch):
    monkeypatch.setenv(SOAK, "0.05")

    assert len(list(rounds(4))) > 4
