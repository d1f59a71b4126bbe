"""Lanes: order within one, time as a parameter."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from channels.simulators.lanes import Lanes, ManualTime


def keep(said: list[str], word: str, again: list[float] | None = None) -> Callable[[], float | None]:
    def step() -> float | None:
        said.append(word)
        return again.pop(0) if again else None

    return step


def test_a_lane_keeps_its_order_and_waits_for_a_step_that_wants_again() -> None:
    clock, said = ManualTime(100.0), list[str]()
    lanes = Lanes(clock)
    lanes.put("a", keep(said, "a1", [5.0]))
    lanes.put("a", keep(said, "a2"))
    lanes.put("b", keep(said, "b1"), 3.0)
    assert lanes.play(clock, 4.0) == 2
    assert (said, clock.now) == (["a1", "b1"], 104.0)
    assert lanes.play(clock, 10.0) == 2
    assert (said, clock.now) == (["a1", "b1", "a1", "a2"], 114.0)


def test_a_delay_counts_from_the_turn() -> None:
    clock = ManualTime(0.0)
    lanes, at = Lanes(clock), list[float]()
    for delay in (2.0, 3.0):
        lanes.put("a", lambda: at.append(clock()), delay)
    lanes.play(clock, 10.0)
    assert at == [2.0, 5.0]


def test_a_broken_step_does_not_hold_up_its_lane(caplog: pytest.LogCaptureFixture) -> None:
    clock, said = ManualTime(), list[str]()
    lanes = Lanes(clock)
    lanes.put("a", lambda: 1 / 0)
    lanes.put("a", keep(said, "next"))
    lanes.play(clock)
    assert said == ["next"]
    assert "division by zero" in caplog.text


def test_threads_run_lanes_side_by_side_and_each_in_order() -> None:
    lanes, meeting, done = Lanes(), threading.Barrier(3), threading.Semaphore(0)
    said: dict[str, list[int]] = {"a": [], "b": []}
    lanes.start(3)
    for lane in said:
        lanes.put(lane, lambda: (meeting.wait(60), None)[1])  # each needs the other to be under way
        for number in range(50):
            lanes.put(lane, lambda lane=lane, number=number: (said[lane].append(number), done.release(), None)[2])  # type: ignore[misc]
    meeting.wait(60)
    for _ in range(100):
        assert done.acquire(timeout=60)
    assert said == {"a": list(range(50)), "b": list(range(50))}
    lanes.stop()


def test_lanes_that_all_want_to_run_again_a_little_later_are_not_forgotten() -> None:
    """The thread that waits for the next moment had begun to wait before there was one."""
    for _ in range(20):
        lanes, done = Lanes(), [threading.Event(), threading.Event()]
        lanes.start(8)

        def twice(number: int, ran: list[int], done: list[threading.Event]) -> float | None:
            ran[number] += 1
            if ran[number] == 2:
                done[number].set()
            return 0.002 if ran[number] < 2 else None

        ran = [0, 0]
        for number in range(2):
            lanes.put(number, partial(twice, number, ran, done))
        assert all(each.wait(60) for each in done)
        lanes.stop()
