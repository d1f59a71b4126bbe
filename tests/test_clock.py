"""The clock follows the machine's, and never goes back with it."""

from __future__ import annotations

import pytest

from hub import clock

SECOND = 1_000_000


def test_it_follows_the_machine_and_goes_on_slowly_when_that_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, steady = [1000 * SECOND], [0]
    monkeypatch.setattr(clock, "wall", lambda: machine[0])
    watched = clock.SystemClock(lambda: steady[0])

    def after(seconds: int, *, jump: int = 0) -> float:
        steady[0] += seconds * SECOND
        machine[0] += (seconds + jump) * SECOND
        return watched.now() / SECOND

    assert after(0) == 1000
    assert after(10) == 1010
    assert after(10, jump=3600) == 4620
    assert after(10, jump=-3600) == 4625
    assert after(10) == 4630
    assert after(7200) == machine[0] / SECOND == 8240


def test_it_shows_what_the_machine_shows() -> None:
    before = clock.wall()
    assert before <= clock.SystemClock().now() <= clock.wall()
