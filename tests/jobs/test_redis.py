"""Scaled out: ids through a real Redis, rows in a real PostgreSQL, and nothing lost with Redis."""

from __future__ import annotations

import queue
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from hub.__main__ import main
from hub.app import Assembled, build
from hub.domain.conversation import Status
from hub.domain.events import SYSTEM
from hub.domain.messages import OutboundMessage
from hub.jobs import worker
from hub.jobs.nudges import ThreadNudger
from hub.jobs.redis_nudger import FAST_QUEUE, PAUSE, SLOW_QUEUE, TOGETHER, RedisNudger
from hub.jobs.sweeper import Sweeper
from hub.services import articles
from hub.settings import from_environment
from hub.store import replay
from hub.store.queries import outbox
from hub.testing.fakes import CountingPush, FakeBot, ManualClock, PaperChannel, WaitingNudger, WordKnowledge
from tests import parts
from tests.fixtures_hub import World, furnish


@pytest.fixture
def world(
    make_postgres_database: Callable[..., str], postgres_template: str, fresh_redis_url: str, tmp_path: Path
) -> Iterator[World]:
    """A hub as its settings build it: PostgreSQL and Redis, nudged through RQ."""
    settings = from_environment(
        {
            "CENTRALITA_DATABASE_URL": make_postgres_database(postgres_template),
            "CENTRALITA_REDIS_URL": fresh_redis_url,
            "CENTRALITA_DATA": str(tmp_path / "data"),
        }
    )
    clock, bot, knowledge, push, paper = ManualClock(), FakeBot(), WordKnowledge(), CountingPush(), PaperChannel()
    assembled = build(
        settings,
        clock=clock,
        bot=bot,
        knowledge=knowledge,
        make_push=lambda _store, _redis: push,
        channels={"paper": lambda _parts: paper},
    )
    nudger_of(assembled).rest = 0  # what is gathered for a moment would come while a test looks
    assembled.hub.store.write(furnish)
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    yield World(assembled, clock, bot, knowledge, WaitingNudger(), push, paper)
    for each, handler in handlers.items():  # RQ sets its own
        signal.signal(each, handler)
    assembled.stop()
    assert assembled.redis is not None
    assembled.redis.close()


def redis(world: World) -> Redis:
    assert world.assembled.redis is not None
    return world.assembled.redis


def nudger_of(assembled: Assembled) -> RedisNudger:
    assert isinstance(assembled.hub.nudger, RedisNudger)
    return assembled.hub.nudger


def work(world: World, *, slow: bool = True, near: bool = True) -> None:
    nudger = nudger_of(world.assembled) if near else None
    worker.work(world.assembled.runner, redis(world), slow=slow, threads=4, burst=True, nudger=nudger)


def unfinished(world: World) -> int:
    with world.store.read() as connection:
        return outbox.unfinished(connection)


def swept(world: World) -> None:
    """As time goes by in a worker: sweeps, and runs what was offered, until nothing is left to do."""
    for _ in range(20):
        if not unfinished(world):
            return
        world.clock.pass_time(11_000_000)
        Sweeper(world.hub).sweep()
        work(world)
    raise AssertionError("rows are left over")


def test_the_settings_choose_redis(world: World) -> None:
    assert isinstance(world.hub.nudger, RedisNudger)


def test_a_worker_answers_everybody_in_order(world: World) -> None:
    for number in range(3):
        for sender in ("a", "b", "c"):
            world.say(f"hello {number}", sender=sender, external_id=f"{sender}-{number}")
    assert len(Queue(FAST_QUEUE, connection=redis(world))) > 0
    work(world)
    assert unfinished(world) == 0
    assert len(world.paper.sent) == 9
    for received in world.received[:3]:
        states = [state for author, _, state in world.thread(received.conversation_id) if author == "bot"]
        assert states == ["sent"] * 3
    assert sorted(text for _, text in world.bot.turns) == sorted(f"hello {n}" for n in range(3) for _ in range(3))
    for conversation_id in {received.conversation_id for received in world.received}:
        asked = [text for asked_in, text in world.bot.turns if asked_in == conversation_id]
        assert asked == ["hello 0", "hello 1", "hello 2"]
    with world.store.read() as connection:
        assert replay.check(connection).differences == []


def test_ids_that_are_told_together_share_a_job(world: World) -> None:
    world.hub.nudger.nudge(range(1, TOGETHER + 3))
    jobs = Queue(FAST_QUEUE, connection=redis(world)).jobs
    assert [job.args for job in jobs] == [tuple(range(1, TOGETHER + 1)), (TOGETHER + 1, TOGETHER + 2)]


def test_in_a_rush_the_ids_of_several_commits_share_a_job() -> None:
    put: queue.SimpleQueue[list[int]] = queue.SimpleQueue()

    class Nudger(RedisNudger):
        def _put(self, ids: Sequence[int], *, slow: bool = False) -> None:
            put.put(list(ids))
            if ids == [1]:  # while they are put, others commit
                self.nudge([2])
                self.nudge([3, 4])
            if slow:
                return

    nudger = Nudger("redis://127.0.0.1:1/0", ManualClock())
    nudger.nudge([1])
    assert put.get(timeout=60) == [1], "nobody waits for others"
    assert put.get(timeout=60) == [2, 3, 4]
    nudger.redis.close()


def test_what_follows_from_a_workers_rows_does_not_go_through_redis(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[list[int]] = []
    nudger = nudger_of(world.assembled)
    put = nudger._put

    def putting(ids: Sequence[int], *, slow: bool = False) -> None:
        told.append(list(ids))
        put(ids, slow=slow)

    monkeypatch.setattr(nudger, "_put", putting)
    for sender in ("a", "b"):
        world.say("hello", sender=sender)
    assert len(told) == 2
    work(world)
    assert len(told) == 2, "the answers are sent by the worker that wrote them"
    assert len(world.paper.sent) == 2
    assert nudger.near is None, "afterwards it runs nothing"
    world.say("hello", sender="c")
    work(world, near=False)
    assert len(told) == 4, "its message and its answer"


def test_a_worker_with_a_long_line_leaves_rows_to_others() -> None:
    begun, go = queue.SimpleQueue[int](), threading.Event()

    def run(outbox_id: int) -> None:
        begun.put(outbox_id)
        go.wait(60)

    line = ThreadNudger(run, threads=1)
    line.start()
    assert line.take([1]) == []
    assert begun.get(timeout=60) == 1
    assert line.take(range(2, 10)) == [6, 7, 8, 9]
    go.set()
    assert [begun.get(timeout=60) for _ in range(4)] == [2, 3, 4, 5]
    line.stop()
    assert line.take([10]) == [10]


def test_slow_rows_have_a_queue_of_their_own(world: World) -> None:
    world.store.write(
        lambda tx: articles.import_published(tx, "hours", locale="en", title="Hours", body="Nine to five.", by=SYSTEM)
    )
    assert len(Queue(SLOW_QUEUE, connection=redis(world))) == 1
    work(world, slow=False)
    assert unfinished(world) == 1
    work(world, slow=True)
    assert unfinished(world) == 0


def test_providers_that_do_not_answer_hold_up_nobody_else(world: World) -> None:
    answers, hung = threading.Event(), []

    def sent(message: OutboundMessage) -> None:
        if message.address.value.startswith("hung"):
            hung.append(answers.wait(30))
        else:
            answers.set()

    world.paper.after_send = sent
    for sender in ("hung-1", "hung-2", "hung-3", "hung-4", "another"):
        world.say("hello", sender=sender)
    work(world)
    assert hung == [True] * 4, "it was answered while four threads of four waited"
    assert unfinished(world) == 0


def test_redis_that_forgets_everything_loses_nothing(world: World) -> None:
    for number in range(3):
        world.say("hello", sender=f"customer-{number}")
    redis(world).flushall()
    work(world)
    assert unfinished(world) == 3, "nobody was told"
    swept(world)
    assert sorted(message.address.value for message in world.paper.sent) == [f"customer-{n}" for n in range(3)]


def test_redis_that_is_away_is_no_error_and_the_sweeper_repairs_it(
    world: World, free_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    nudger = nudger_of(world.assembled)
    pool = nudger.redis.connection_pool
    there = pool.connection_kwargs["port"]
    pool.reset()
    pool.connection_kwargs["port"] = free_port
    conversation_id = world.say("a person please").conversation_id
    assert "Redis did not take 1 nudges" in caplog.text
    pool.reset()
    pool.connection_kwargs["port"] = there
    work(world)
    assert world.conversation(conversation_id).status == Status.BOT
    swept(world)
    assert world.conversation(conversation_id).status == Status.WAITING
    assert len(world.paper.sent) == 1


def test_redis_that_does_not_answer_is_waited_for_once_and_asked_again_later(
    free_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """As where its host is cut off: it does not even refuse, and providers wait for whoever has just committed."""
    clock = ManualClock()
    nudger = RedisNudger(f"redis://127.0.0.1:{free_port}/0", clock, patience=0.1)
    nudger.rest = 0
    with socket.create_server(("127.0.0.1", free_port)):
        for _ in range(3):
            nudger.nudge([1])
        assert caplog.text.count("Redis did not take") == 1
        clock.pass_time(PAUSE)
        nudger.nudge([1])
        assert caplog.text.count("Redis did not take") == 2
    nudger.redis.close()


def test_a_row_that_redis_tells_of_twice_runs_once(world: World) -> None:
    world.say("hello")
    world.hub.nudger.nudge([1, 1, 1])
    work(world)
    assert world.bot.asked == 1
    assert len(world.paper.sent) == 1


def test_a_worker_refuses_sqlite(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(sqlite_template, tmp_path / "hub.sqlite3")
    monkeypatch.setenv("CENTRALITA_DATABASE_URL", f"sqlite:///{tmp_path}/hub.sqlite3")
    monkeypatch.setenv("CENTRALITA_DATA", str(tmp_path / "data"))
    assert main(["worker"]) == 2
    assert "CENTRALITA_DATABASE_URL: must be PostgreSQL for a worker" in capsys.readouterr().err


def test_a_worker_that_starts_while_redis_is_away_does_not_die_of_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with Redis(port=parts.free_port()) as nobody:
        worker.work(world.assembled.runner, nobody, slow=True, threads=4, burst=True)
    assert "Redis is away" in caplog.text
