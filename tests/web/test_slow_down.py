"""Guessing gets slow, and nobody who knows both secrets is kept out by it for long."""

from nta.web.slow_down import (
    FREE_TRIES,
    LONGEST_S,
    Slowing,
    Who,
)

LEAD, ANALYST = "lead", "analyst"
HERE, THERE = Who("192.0.2.1", is_known=False), Who("198.51.100.1", is_known=False)
DEVICE = Who("a device", is_known=True)


class Moments:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def wrong(slowing: Slowing, moments: Moments, account: str, who: Who, count: int) -> float:
    """Try wrongly as often as one is let, as soon as one is let; return how long that took."""
    began = moments.now
    for _ in range(count):
        while wait := slowing.wait(account, who):
            moments.now += wait
    return moments.now - began


def test_the_wait_grows_and_has_an_end() -> None:
    moments = Moments()
    slowing = Slowing(moments)

    first = wrong(slowing, moments, LEAD, DEVICE, FREE_TRIES)
    waits = [wrong(slowing, moments, LEAD, DEVICE, 1) for _ in range(9)]

    assert first == 0
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_S, LONGEST_S, LONGEST_S]


def test_a_try_that_is_put_off_makes_nobody_wait_longer() -> None:
    moments = Moments()
    slowing = Slowing(moments)
    wrong(slowing, moments, LEAD, HERE, FREE_TRIES + 3)

    waits = {slowing.wait(LEAD, HERE) for _ in range(1_000)}

    assert waits == {8.0}


def test_a_device_that_is_known_never_waits_for_what_others_do() -> None:
    moments = Moments()
    slowing = Slowing(moments)
    for number in range(300):
        wrong(slowing, moments, LEAD, Who(f"client {number}", is_known=False), 3)

    assert slowing.wait(LEAD, DEVICE) == 0


def test_a_new_device_waits_once_however_hard_others_hammer() -> None:
    moments = Moments()
    slowing = Slowing(moments)
    for number in range(300):
        wrong(slowing, moments, LEAD, Who(f"client {number}", is_known=False), 3)

    asked = slowing.wait(LEAD, THERE)
    for number in range(600):  # a minute of them
        moments.now += 0.1
        slowing.wait(LEAD, Who(f"other {number}", is_known=False))

    assert 0 < asked <= LONGEST_S
    assert slowing.wait(LEAD, THERE) == 0


def test_one_client_that_tries_every_account_is_slowed_down() -> None:
    moments = Moments()
    slowing = Slowing(moments)

    took = sum(wrong(slowing, moments, f"account {number}", HERE, 1) for number in range(100))

    assert took > 70 * LONGEST_S
    assert slowing.wait(LEAD, THERE) == 0


def test_whoever_gets_in_begins_anew() -> None:
    moments = Moments()
    slowing = Slowing(moments)
    wrong(slowing, moments, LEAD, HERE, FREE_TRIES + 2)
    wrong(slowing, moments, LEAD, HERE, 1)
    slowing.was_right(LEAD, HERE)
    slowing.is_in(LEAD, HERE)

    assert slowing.wait(LEAD, HERE) == 0


def test_the_code_after_a_right_password_does_not_wait_again_and_a_wrong_one_does() -> None:
    moments = Moments()
    slowing = Slowing(moments)
    wrong(slowing, moments, LEAD, HERE, FREE_TRIES + 6)
    wrong(slowing, moments, LEAD, HERE, 1)
    slowing.was_right(LEAD, HERE)

    assert [slowing.wait(LEAD, HERE) for _ in range(2)] == [0, LONGEST_S]


def test_a_clock_that_is_set_back_keeps_nobody_waiting() -> None:
    moments = Moments()
    slowing = Slowing(moments)
    wrong(slowing, moments, LEAD, HERE, FREE_TRIES + 6)
    moments.now -= 7_200

    assert slowing.wait(LEAD, HERE) == 0


def test_what_is_kept_is_bounded_and_forgotten() -> None:
    moments = Moments()
    slowing = Slowing(moments)
    for number in range(25_000):
        slowing.wait(f"account {number}", Who(f"client {number}", is_known=False))
    wrong(slowing, moments, LEAD, DEVICE, FREE_TRIES)
    moments.now += 3_601

    assert len(slowing._pairs._held) <= 20_000
    assert slowing.wait(LEAD, DEVICE) == 0


def test_codes_of_a_stolen_password_are_looked_at_so_often_a_day() -> None:
    moments = Moments()
    slowing = Slowing(moments)

    waits = [slowing.doubt("lead") for _ in range(300)]
    moments.now += 86_400

    assert sum(wait == 0 for wait in waits) == 200
    assert slowing.doubt("lead") == 0
