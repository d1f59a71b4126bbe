"""Threads that run what they are told of."""

from __future__ import annotations

import queue
import threading

import pytest

from hub.jobs.handlers import Job
from hub.jobs.nudges import ThreadNudger
from tests.fixtures_hub import World
from tests.jobs.rows import put, row, runner, teams, writes


class Line:
    """A `run` that a test can hold up."""

    def __init__(self) -> None:
        self.ran: queue.Queue[int] = queue.Queue()
        self.held: dict[int, threading.Event] = {}
        self.entered: dict[int, threading.Event] = {}

    def hold(self, outbox_id: int) -> None:
        self.held[outbox_id], self.entered[outbox_id] = threading.Event(), threading.Event()

    def __call__(self, outbox_id: int) -> None:
        if outbox_id in self.held:
            self.entered[outbox_id].set()
            assert self.held[outbox_id].wait(30)
        if outbox_id < 0:
            raise ValueError("a row that cannot be run")
        self.ran.put(outbox_id)

    def next(self) -> int:
        return self.ran.get(timeout=30)


@pytest.fixture
def line() -> Line:
    return Line()


def test_rows_are_run_as_they_are_told_of(line: Line) -> None:
    nudger = ThreadNudger(line, 2)
    nudger.start()
    nudger.nudge([1, 2])
    nudger.nudge([3], slow=True)
    assert {line.next(), line.next(), line.next()} == {1, 2, 3}
    nudger.stop()
    assert not any(thread.is_alive() for thread in nudger._threads)


def test_slow_rows_do_not_hold_up_the_others(line: Line) -> None:
    nudger = ThreadNudger(line, 1)
    nudger.start()
    line.hold(1)
    nudger.nudge([1, 2], slow=True)
    assert line.entered[1].wait(30)
    nudger.nudge([3])
    assert line.next() == 3
    line.held[1].set()
    assert (line.next(), line.next()) == (1, 2)
    nudger.stop()


def test_rows_that_wait_for_somebody_outside_do_not_hold_up_the_others(line: Line) -> None:
    """Two providers that do not answer have all the threads there are."""
    nudger = ThreadNudger(line, 2)
    nudger.start()
    for number in (1, 2):
        line.hold(number)
    nudger.nudge([1, 2])
    assert line.entered[1].wait(30)
    assert line.entered[2].wait(30)
    nudger.nudge([3, 4])
    assert {line.next(), line.next()} == {3, 4}
    for number in (1, 2):
        line.held[number].set()
    assert {line.next(), line.next()} == {1, 2}
    nudger.stop()
    assert not any(thread.is_alive() for thread in (*nudger._threads, *nudger._helpers, nudger._watcher))


def test_a_row_that_stands_in_line_is_not_put_there_again(line: Line) -> None:
    nudger = ThreadNudger(line, 1)
    nudger.start()
    line.hold(1)
    nudger.nudge([1])
    assert line.entered[1].wait(30)
    nudger.nudge([2])
    nudger.nudge([2, 3])  # as the sweeper offers what has waited long
    nudger.nudge([1])  # running: something may have changed since it began
    line.held[1].set()
    assert [line.next() for _ in range(4)] == [1, 2, 3, 1]
    assert line.ran.empty()
    nudger.stop()


def test_a_row_that_cannot_be_run_ends_no_thread(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    nudger = ThreadNudger(line, 1)
    nudger.start()
    nudger.nudge([-1, 5])
    assert line.next() == 5
    nudger.stop()
    assert "could not run outbox row -1" in caplog.text


def test_stopping_lets_what_runs_end_and_leaves_what_waits(line: Line) -> None:
    nudger = ThreadNudger(line, 1)
    nudger.start()
    line.hold(1)
    nudger.nudge([1, 2, 3])
    assert line.entered[1].wait(30)
    stopping = threading.Thread(target=nudger.stop, args=(30.0,))
    stopping.start()
    assert nudger._stopped.wait(30)
    line.held[1].set()
    stopping.join(30)
    assert line.next() == 1
    assert line.ran.empty(), "what waits is in the outbox; the next start finds it there"


def test_a_nudger_that_was_never_started_can_be_stopped(line: Line) -> None:
    ThreadNudger(line, 3).stop()


def test_each_row_runs_once_however_often_it_is_told_of(world: World) -> None:
    ids = [put(world, f"key-{number}") for number in range(6)]
    last = threading.Semaphore(0)

    def run(outbox_id: int) -> None:
        runs(outbox_id)
        last.release()

    runs = runner(world, probe=Job(lambda _, work: writes(str(work.outbox_id)))).run
    nudgers = [ThreadNudger(run, 2) for _ in range(3)]  # as in three processes: none knows what the others run
    for nudger in nudgers:
        nudger.start()
    for nudger in nudgers:
        nudger.nudge(ids)
    for _ in range(3 * len(ids)):
        assert last.acquire(timeout=60)
    for nudger in nudgers:
        nudger.stop()
    assert teams(world) == {f"by-{each}" for each in ids}
    assert {(row(world, each).state, row(world, each).attempts) for each in ids} == {("done", 1)}


def test_who_brings_rows_from_a_queue_leaves_to_others_what_it_could_not_begin(line: Line) -> None:
    nudger = ThreadNudger(line, 1)
    nudger.start()
    line.hold(1)
    nudger.nudge_with_room(1)
    assert line.entered[1].wait(30)
    nudger.nudge_with_room(2)  # the first in line
    brought = threading.Event()

    def bring() -> None:
        nudger.nudge_with_room(3)
        brought.set()

    threading.Thread(target=bring, daemon=True).start()
    nudger.nudge_with_room(4, slow=True)  # has a line of its own
    assert line.next() == 4
    assert not brought.is_set()
    line.held[1].set()
    assert brought.wait(30)
    assert nudger.drained(60)
    assert {line.next(), line.next(), line.next()} == {1, 2, 3}
    assert line.ran.empty()
    nudger.stop()
