"""The runner: one run a row, in order within a key, and nothing written by whoever lost the lease."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hub.domain.errors import ChannelError, Unavailable
from hub.hub import Hub
from hub.jobs.handlers import SECOND, Job, jobs, with_routing
from hub.jobs.runner import Runner, pause
from hub.services.bot_turn import BotTurn
from hub.services.work import LONGEST_ASKED, Work, nothing
from hub.store.queries import outbox
from tests.fixtures_hub import World
from tests.jobs.rows import put, row, runner, teams, writes


class Recorder:
    """A handler that keeps what it was given and does what the test says, run by run."""

    def __init__(self, *outcomes: Exception | type[BaseException] | None) -> None:
        self.works: list[Work] = []
        self.outcomes = list(outcomes)

    def __call__(self, _: Hub, work: Work) -> Any:
        self.works.append(work)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        return nothing


def test_a_later_row_of_a_key_waits_and_runs_after_the_earlier_one(world: World) -> None:
    first, second, other = put(world, "a"), put(world, "a"), put(world, "b")
    handler = Recorder()
    run = runner(world, probe=Job(handler)).run
    assert run(second) is False
    assert run(other) is True, "another key goes on"
    assert run(first) is True
    assert world.nudger.take() == [second], "whoever waited is told at once"
    assert run(second) is True
    assert [work.outbox_id for work in handler.works] == [other, first, second]
    assert run(first) is False, "what is done is not run again"


def test_a_key_belongs_to_its_handler(world: World) -> None:
    put(world, "a", handler="other")
    mine = put(world, "a")
    assert runner(world, probe=Job(Recorder()), other=Job(Recorder())).run(mine) is True


def test_a_row_that_waits_for_its_next_attempt_holds_back_the_later_ones(world: World) -> None:
    first, second = put(world), put(world)
    handler = Recorder(Unavailable("not now"))
    run = runner(world, probe=Job(handler)).run
    assert run(first) is True
    assert run(first) is False, "not due yet"
    assert run(second) is False
    world.clock.pass_time(SECOND)
    assert run(second) is False
    assert run(first) is True
    assert run(second) is True


def test_a_dead_row_lets_the_next_one_go(world: World) -> None:
    first, second = put(world), put(world)
    run = runner(world, probe=Job(Recorder(ValueError("broken")), attempts=1)).run
    assert run(first) is True
    assert row(world, first).state == "dead"
    assert world.nudger.take() == [second]
    assert run(second) is True
    assert row(world, second).state == "done"


def test_twenty_threads_on_one_row_are_one_run(world: World) -> None:
    outbox_id = put(world)
    handler = Recorder()
    run = runner(world, probe=Job(handler)).run
    barrier = threading.Barrier(20)

    def at_once() -> bool:
        barrier.wait(30)
        return run(outbox_id)

    with ThreadPoolExecutor(20) as pool:
        ran = [each.result(60) for each in [pool.submit(at_once) for _ in range(20)]]
    assert ran.count(True) == 1
    assert len(handler.works) == 1
    assert row(world, outbox_id).attempts == 1


def test_whoever_lost_the_lease_writes_nothing(world: World) -> None:
    """The first runner hangs past its lease, another one does the work; then the first one comes back."""
    outbox_id = put(world)
    entered, go_on = threading.Event(), threading.Event()

    def hangs(_: Hub, work: Work) -> Any:
        if work.attempt == 1:
            entered.set()
            assert go_on.wait(30)
            return writes("first")
        assert work.interrupted
        return writes("second")

    job = Job(hangs, lease=5 * SECOND)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(runner(world, probe=job).run, outbox_id)
        assert entered.wait(30)
        assert runner(world, probe=job).run(outbox_id) is False, "the lease holds"
        world.clock.pass_time(5 * SECOND)
        assert runner(world, probe=job).run(outbox_id) is True
        go_on.set()
        assert slow.result(30) is True
    assert teams(world) == {"by-second"}
    assert (row(world, outbox_id).state, row(world, outbox_id).attempts) == ("done", 2)


def test_an_error_of_whoever_lost_the_lease_does_not_count(world: World) -> None:
    outbox_id = put(world)
    takes_over: list[Callable[[], bool]] = []

    def fails_too_late(_: Hub, work: Work) -> Any:
        if work.attempt == 1:
            world.clock.pass_time(5 * SECOND)
            assert takes_over[0]() is True
            raise ValueError("too late")
        return nothing

    died: list[Work] = []
    job = Job(fails_too_late, attempts=1, lease=5 * SECOND, gave_up=lambda _, work: lambda _tx: died.append(work))
    run = runner(world, probe=job).run
    takes_over.append(lambda: run(outbox_id))
    assert run(outbox_id) is True
    assert (row(world, outbox_id).state, row(world, outbox_id).last_error) == ("done", "")
    assert died == []


def test_each_handler_has_a_lease_of_its_own(world: World) -> None:
    short, long = put(world, "a", handler="short"), put(world, "b", handler="long")
    crash = Job(Recorder(KeyboardInterrupt, KeyboardInterrupt), lease=2 * SECOND)
    run = runner(world, short=crash, long=Job(Recorder(KeyboardInterrupt), lease=90 * SECOND)).run
    for each in (short, long):
        with pytest.raises(KeyboardInterrupt):
            run(each)
    world.clock.pass_time(3 * SECOND)
    assert run(long) is False
    with pytest.raises(KeyboardInterrupt):
        run(short)


def test_an_error_is_recorded_and_the_row_tried_again_later_and_later(world: World) -> None:
    outbox_id = put(world)
    errors = [ValueError("x" * 2500), ChannelError("429", "slow down"), Unavailable("down")]
    run = runner(world, probe=Job(Recorder(*errors))).run
    for wait, said in ((1, "ValueError: xxx"), (2, "ChannelError: slow down"), (4, "Unavailable: down")):
        assert run(outbox_id) is True
        found = row(world, outbox_id)
        assert found.state == "pending"
        assert found.last_error.startswith(said)
        assert len(found.last_error) <= 2000
        world.clock.pass_time(wait * SECOND - 100)
        assert run(outbox_id) is False, f"not before {wait} seconds"
        world.clock.pass_time(200)
    assert run(outbox_id) is True
    assert (row(world, outbox_id).state, row(world, outbox_id).last_error) == ("done", "")


@pytest.mark.parametrize(
    ("attempt", "error", "seconds"),
    [
        (1, ValueError(), 1),
        (4, ValueError(), 8),
        (60, ValueError(), 300),
        (5, ChannelError("429", retry_after=2.5), 2.5),
        (1, ChannelError("429", retry_after=0), 0),
        (1, ChannelError("429", retry_after=-5), 0),
        (1, ChannelError("429", retry_after=float("inf")), 3600),
        (1, ChannelError("429", retry_after=1800), 1800),
        (1, ChannelError("429", retry_after=float("nan")), 0),
        (3, ChannelError("500"), 4),
        (3, Unavailable("down"), 4),
    ],
)
def test_the_pause_is_what_the_provider_asks_for_else_it_doubles(
    attempt: int, error: Exception, seconds: float
) -> None:
    assert pause(attempt, error) == seconds * SECOND
    assert pause(attempt, error) <= LONGEST_ASKED


def test_a_permanent_error_dies_at_once(world: World) -> None:
    outbox_id = put(world)
    runner(world, probe=Job(Recorder(ChannelError("21610", permanent=True)))).run(outbox_id)
    assert (row(world, outbox_id).state, row(world, outbox_id).attempts) == ("dead", 1)


def test_giving_up_is_committed_with_the_death(world: World) -> None:
    outbox_id = put(world)
    handler = Recorder(ValueError("one"), ValueError("two"))
    run = runner(world, probe=Job(handler, attempts=2, gave_up=lambda _, _work: writes("gave-up"))).run
    run(outbox_id)
    assert teams(world) == set()
    world.clock.pass_time(SECOND)
    run(outbox_id)
    assert teams(world) == {"by-gave-up"}
    assert (row(world, outbox_id).state, row(world, outbox_id).last_error) == ("dead", "ValueError: two")
    assert [work.last_attempt for work in handler.works] == [False, True]


def test_what_a_handler_returned_is_committed_with_the_rows_end_or_not_at_all(world: World) -> None:
    outbox_id = put(world)

    def half(tx: Any) -> None:
        writes("half")(tx)
        raise ValueError("in the transaction")

    runner(world, probe=Job(lambda _hub, _work: half)).run(outbox_id)
    assert teams(world) == set()
    assert row(world, outbox_id).state == "pending"
    assert row(world, outbox_id).last_error == "ValueError: in the transaction"


def test_a_dead_row_is_shown_and_can_be_replayed(world: World) -> None:
    outbox_id, later = put(world), put(world)
    handler = Recorder(ValueError("broken"))
    run = runner(world, probe=Job(handler, attempts=1)).run
    run(outbox_id)
    with world.store.read() as connection:
        (dead,) = outbox.dead(connection)
    assert (dead.id, dead.attempts, dead.last_error) == (outbox_id, 1, "ValueError: broken")
    run(later)
    world.nudger.take()
    assert world.store.write(lambda tx: outbox.replay(tx, [outbox_id, later])) == [(outbox_id, False)]
    assert world.nudger.take() == [outbox_id]
    assert run(outbox_id) is True
    assert (handler.works[-1].attempt, handler.works[-1].interrupted) == (1, False)
    with world.store.read() as connection:
        assert outbox.dead(connection) == ()
        assert outbox.unfinished(connection) == 0


CRASH, ERROR, MISTAKE = KeyboardInterrupt, ChannelError("busy"), ValueError("a mistake of ours")


@pytest.mark.parametrize(
    ("outcomes", "interrupted"),
    [
        ([ERROR, ERROR, None], [False, False, False]),
        ([CRASH, None], [False, True]),
        ([CRASH, CRASH, None], [False, True, True]),
        ([ERROR, CRASH, None], [False, False, True]),
        ([CRASH, ERROR, None], [False, True, False]),
        ([CRASH, ERROR, CRASH, ERROR, None], [False, True, False, True, False]),
        ([MISTAKE, None], [False, True]),
        ([MISTAKE, ERROR, MISTAKE, None], [False, True, False, True]),
    ],
    ids=["errors", "crash", "crashes", "error-crash", "crash-error", "in turns", "mistake", "mistakes"],
)
def test_a_handler_is_told_when_nobody_knows_how_far_the_attempt_before_came(
    world: World, outcomes: list[Any], interrupted: list[bool]
) -> None:
    outbox_id = put(world)
    handler = Recorder(*outcomes)
    run = runner(world, probe=Job(handler)).run
    for outcome in outcomes:
        if outcome is CRASH:
            with pytest.raises(KeyboardInterrupt):
                run(outbox_id)
        else:
            assert run(outbox_id) is True
        world.clock.pass_time(600 * SECOND)
    assert [work.interrupted for work in handler.works] == interrupted
    assert row(world, outbox_id).state == "done"


def test_an_end_that_could_not_be_written_counts_as_cut_off(world: World) -> None:
    outbox_id = put(world)
    works: list[Work] = []

    def ends(_: Hub, work: Work) -> Any:
        works.append(work)
        return writes("twice" if work.attempt == 2 else "once")

    world.store.write(writes("once"))
    run = runner(world, probe=Job(ends)).run
    assert run(outbox_id) is True
    world.clock.pass_time(SECOND)
    assert run(outbox_id) is True
    assert [work.interrupted for work in works] == [False, True]
    assert (row(world, outbox_id).state, row(world, outbox_id).attempts) == ("done", 2)


def test_whoever_holds_a_row_keeps_it_and_whoever_lost_it_cannot_hold_it(world: World) -> None:
    outbox_id = put(world)
    takes_over: list[Callable[[], bool]] = []
    held: list[int] = []

    def holds(_: Hub, work: Work) -> Any:
        if work.attempt == 2:
            return nothing
        world.clock.pass_time(4 * SECOND)
        world.store.write(work.hold)
        world.clock.pass_time(4 * SECOND)
        assert takes_over[0]() is False, "the lease began anew"
        world.clock.pass_time(SECOND)
        assert takes_over[0]() is True
        world.store.write(work.hold)
        held.append(work.attempt)
        return nothing

    run = runner(world, probe=Job(holds, lease=5 * SECOND)).run
    takes_over.append(lambda: run(outbox_id))
    assert run(outbox_id) is True
    assert held == []
    assert (row(world, outbox_id).state, row(world, outbox_id).attempts) == ("done", 2)


def test_a_row_of_a_handler_that_this_version_has_not_is_left_alone(world: World) -> None:
    unknown = put(world, handler="of_a_newer_version")
    assert runner(world, probe=Job(Recorder())).run(unknown) is False
    assert (row(world, unknown).state, row(world, unknown).attempts) == ("pending", 0)


def test_every_subscription_has_its_handler_and_ends_in_time() -> None:
    table = jobs(BotTurn(1))
    named = {subscription.handler for each in with_routing(lambda: True).values() for subscription in each}
    assert named == set(table)
    for job in table.values():
        assert 1 < job.attempts <= 20
        assert job.lease >= 20 * SECOND


def test_a_row_that_is_not_there_is_nobodys(world: World) -> None:
    assert Runner(world.hub, {"probe": Job(Recorder())}).run(4711) is False
