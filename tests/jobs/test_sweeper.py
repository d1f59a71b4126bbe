"""The sweeper: whatever was forgotten is found, and an idle hub rests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from hub.domain.conversation import Status
from hub.domain.errors import Unavailable
from hub.domain.events import SYSTEM
from hub.domain.inbox import DAY
from hub.jobs.handlers import SECOND, Job
from hub.jobs.sweeper import KEEP_FINISHED, KEEP_PAYLOADS, Sweeper
from hub.services import assignment
from hub.store import tables as t
from hub.store.queries import changes, outbox
from hub.store.unit_of_work import Tx
from tests.fixtures_hub import ANA, World
from tests.jobs.rows import put, row, runner


@pytest.fixture
def sweeper(world: World) -> Sweeper:
    return Sweeper(world.hub)


def test_a_lost_nudge_is_found(world: World, sweeper: Sweeper) -> None:
    world.say("hello")
    world.nudger.take()
    assert sweeper.sweep() == 0, "its own nudge has its time first"
    world.clock.pass_time(2 * SECOND)
    assert sweeper.sweep() == 1
    world.run()
    assert [author for author, *_ in world.thread()] == ["contact", "bot"]


def test_whoever_is_alone_and_begins_takes_over_what_the_dead_one_held(world: World, sweeper: Sweeper) -> None:
    held, told = put(world, "a"), put(world, "b")

    def dies(*_: object) -> None:
        raise SystemExit  # as little is written of the end as when the process is killed

    with pytest.raises(SystemExit):
        runner(world, probe=Job(dies)).run(held)  # type: ignore[arg-type]
    sweeper.sweep()
    world.nudger.take()
    assert sweeper.sweep() == 0, "both wait: for a lease, and for who was told"
    world.store.write(outbox.take_over)
    assert sweeper.sweep() == 2
    assert sorted(world.nudger.take()) == [held, told]


def test_a_row_is_offered_once_in_its_time_and_again_when_nobody_took_it(world: World, sweeper: Sweeper) -> None:
    first, slow = put(world, "a"), put(world, "b", slow=True)
    assert sweeper.sweep() == 2
    assert sorted(world.nudger.take()) == [first, slow]
    assert sweeper.sweep() == 0
    world.clock.pass_time(10 * SECOND)
    assert sweeper.sweep() == 2


def test_a_row_is_offered_when_its_turn_comes_and_not_before(world: World, sweeper: Sweeper) -> None:
    first, second = put(world), put(world)
    run = runner(world, probe=Job(lambda _hub, _work: (_ for _ in ()).throw(Unavailable("not now")), attempts=2)).run
    assert sweeper.sweep() == 1
    assert world.nudger.take() == [first]
    run(first)
    assert sweeper.sweep() == 0, "it waits for its next attempt, and the second one for it"
    world.clock.pass_time(SECOND)
    assert sweeper.sweep() == 1
    assert world.nudger.take() == [first]
    run(first)
    world.nudger.take()
    assert row(world, first).state == "dead"
    assert sweeper.sweep() == 1
    assert world.nudger.take() == [second]


def test_what_a_dead_process_had_claimed_is_offered_when_its_lease_ends(world: World, sweeper: Sweeper) -> None:
    outbox_id = put(world)

    def dies(_hub: object, _work: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner(world, probe=Job(dies, lease=30 * SECOND)).run(outbox_id)  # type: ignore[arg-type]
    world.clock.pass_time(29 * SECOND)
    assert sweeper.sweep() == 0
    world.clock.pass_time(2 * SECOND)
    assert sweeper.sweep() == 1


def test_two_sweepers_at_once_do_not_offer_a_row_twice(world: World) -> None:
    ids = {put(world, f"key-{number}") for number in range(5)}
    offered, go_on = threading.Event(), threading.Event()

    def holds(tx: Tx) -> list[tuple[int, bool]]:
        found = outbox.offer(tx)
        offered.set()
        assert not world.store.postgres or go_on.wait(30)
        return found

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(world.store.write, holds)
        assert offered.wait(30)
        second = world.store.write(outbox.offer)
        go_on.set()
        assert {each for each, _ in first.result(30)} == ids
    assert second == []


def test_a_snoozed_conversation_wakes_when_its_time_has_come(world: World, sweeper: Sweeper) -> None:
    conversation_id = world.say("hello").conversation_id
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    world.store.write(lambda tx: assignment.snooze(tx, conversation_id, tx.now + DAY, SYSTEM))
    sweeper.sweep()
    assert world.conversation().status == Status.SNOOZED
    world.clock.pass_time(DAY)
    sweeper.sweep()
    assert (world.conversation().status, world.conversation().assignee_id) == (Status.ASSIGNED, ANA)
    sweeper.sweep()
    assert world.kinds().count("Woken") == 1


def test_waking_does_nothing_where_somebody_was_first(world: World) -> None:
    conversation_id = world.say("hello").conversation_id
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    world.store.write(lambda tx: assignment.snooze(tx, conversation_id, tx.now + DAY, SYSTEM))
    world.store.write(lambda tx: assignment.wake(tx, conversation_id))
    assert world.conversation().status == Status.SNOOZED, "its time has not come"
    world.clock.pass_time(DAY)
    world.say("I am back")
    world.store.write(lambda tx: assignment.wake(tx, conversation_id))
    assert world.kinds().count("Woken") == 1


def test_what_was_kept_long_enough_is_deleted_and_nothing_younger(world: World, sweeper: Sweeper) -> None:
    def session(name: str, expires_in: int) -> Callable[[Tx], None]:
        values = {"id": name, "agent_id": ANA, "csrf_token": "x"}
        return lambda tx: tx.add(t.sign_in_session, values | {"created_at": tx.now, "expires_at": tx.now + expires_in})

    def said_too_early(target: str) -> Callable[[Tx], bool]:
        return lambda tx: changes.park(tx, "inbox", target, "{}")

    old, dead = put(world, "old"), put(world, "dead")
    world.say("long ago", sender="a")
    runner(world, probe=Job(lambda _hub, _work: lambda _tx: None)).run(old)
    runner(world, probe=Job(lambda _hub, _work: 1 / 0, attempts=1)).run(dead)  # type: ignore[arg-type, return-value]
    world.store.write(session("ended", DAY))
    world.store.write(said_too_early("never came"))
    world.clock.pass_time(max(KEEP_PAYLOADS, KEEP_FINISHED))
    young, waiting = put(world, "young"), put(world, "waiting")
    runner(world, probe=Job(lambda _hub, _work: lambda _tx: None)).run(young)
    world.say("just now", sender="b")
    world.store.write(session("good", DAY))
    world.store.write(said_too_early("may come"))
    sweeper.tidy()
    with world.store.read() as connection:
        rows = set(connection.execute(text("SELECT id FROM outbox WHERE handler = 'probe'")).scalars())
        payloads = list(connection.execute(text("SELECT body FROM webhook_payload")).scalars())
        sessions = list(connection.execute(text("SELECT id FROM sign_in_session")).scalars())
        early = list(connection.execute(text("SELECT target FROM early_change")).scalars())
    assert rows == {dead, young, waiting}, "a dead row waits for somebody to look at it"
    assert [bytes(each) for each in payloads] == [b"just now"]
    assert sessions == ["good"]
    assert early == ["may come"]
    assert world.count(t.message) == 2


def test_tidying_goes_on_until_nothing_old_is_left(world: World, sweeper: Sweeper) -> None:
    row_ = {"handler": "probe", "state": "done", "finished_at": 1}
    world.store.write(lambda tx: tx.connection.execute(t.outbox.insert(), [row_] * 1200))
    sweeper.tidy()
    assert world.count(t.outbox) == 0


def test_an_idle_hub_does_not_write(world: World, sweeper: Sweeper) -> None:
    world.say("hello")
    put(world)
    world.run()
    sweeper.sweep()
    with world.store.read() as connection:  # SQLite's number holds for one connection
        statement = (
            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
            if world.store.postgres
            else "PRAGMA data_version"
        )

        def commits() -> int:
            connection.rollback()
            return int(connection.exec_driver_sql(statement).scalar_one())

        before = commits()
        put(world, "other")
        assert commits() > before, "the number does rise with a write"
        sweeper.sweep()
        # PostgreSQL numbers the transactions of all its databases: its own housekeeping may fall into one round.
        rounds = []
        for _ in range(3):
            before = commits()
            for _ in range(5):
                sweeper.sweep()
            rounds.append(commits() - before)
        assert 0 in rounds


def test_an_idle_hub_does_not_even_ask_for_the_writer(
    world: World, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor while one row waits for its next attempt and others for that row."""
    world.say("hello")
    first = put(world)
    put(world)
    runner(world, probe=Job(lambda _hub, _work: 1 / 0)).run(first)  # type: ignore[arg-type, return-value]
    world.run()
    Sweeper(world.hub).sweep()  # the figures of what was said are written down

    def refuses(_: object, **how: object) -> None:
        raise AssertionError("an idle hub wanted to write")

    monkeypatch.setattr(world.store, "write", refuses)
    assert sweeper.sweep() == 0


def test_the_thread_sweeps_until_it_is_stopped_and_survives_a_bad_round(
    world: World, sweeper: Sweeper, caplog: pytest.LogCaptureFixture
) -> None:
    rounds = threading.Semaphore(0)
    sweep = sweeper.sweep

    def counted() -> int:
        rounds.release()
        if not caplog.records:
            raise ValueError("a bad round")
        return sweep()

    sweeper.sweep = counted  # type: ignore[method-assign]
    outbox_id = put(world)
    told = threading.Event()
    world.nudger.nudge = lambda ids, **_: told.set() if outbox_id in ids else None  # type: ignore[method-assign]
    sweeper.start()
    assert told.wait(30)
    sweeper.stop()
    assert not sweeper._thread.is_alive()
    assert "a sweep failed" in caplog.text
