"""Senders that may send only so fast: never faster, everybody in turn, nothing counted against whoever waits."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub.app import Assembled, build
from hub.clock import SystemClock
from hub.domain.errors import ChannelError
from hub.domain.messages import OutboundMessage
from hub.jobs import sweeper, worker
from hub.jobs.handlers import SECOND
from hub.jobs.sweeper import Sweeper
from hub.services import replies
from hub.settings import from_environment
from hub.store import tables as t
from hub.store.queries import pacing
from hub.testing.fakes import CountingPush, FakeBot, ManualClock, PaperChannel, WaitingNudger, WordKnowledge
from tests.fixtures_hub import ANA, PAPER, World, furnish
from tests.jobs.rows import put

MINUTE = 60 * SECOND
JITTER = 2000  # microseconds that pass by themselves while a test runs


class Line:
    """What left, by the sender's own watch: (microseconds since the first look, text)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sent: list[tuple[int, str]] = []
        world.paper.after_send = self._note

    def _note(self, message: OutboundMessage) -> None:
        self.sent.append((self.world.clock.now(), message.text))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.sent]


@pytest.fixture
def world(world: World) -> World:
    """A paper inbox that sends four messages a second, and that people answer."""
    limit(world, 4)
    world.store.write(lambda tx: tx.change(t.inbox, {"channel": "paper"}, {"settings": '{"rules": {"bot": false}}'}))
    return world


@pytest.fixture
def line(world: World) -> Line:
    return Line(world)


def limit(world: World, messages_per_second: float) -> None:
    world.paper.capabilities = replace(world.paper.capabilities, messages_per_second=messages_per_second)


def queue(world: World, customer: str, *texts: str) -> None:
    """An agent's messages to a customer."""
    conversation_id = world.say("hello", sender=customer).conversation_id
    for number, text in enumerate(texts):
        key = f"{customer}-{number}"
        world.store.write(
            lambda tx, text=text, key=key: replies.reply(tx, conversation_id, ANA, text, key)  # type: ignore[misc]
        )


def rows(world: World) -> list[Any]:
    """Rows of messages, oldest first."""
    with world.store.read() as connection:
        return list(connection.execute(select(t.outbox).where(t.outbox.c.handler == "deliver").order_by(t.outbox.c.id)))


def next_due(world: World) -> int:
    """When the next message is due of those that wait for no other one of their conversation."""
    first: dict[str, int] = {}
    for row in rows(world):
        if row.state != "done":
            first.setdefault(row.order_key, row.due_at)
    return min(first.values())


def drain(world: World) -> None:
    """Time goes by, and each row is run at the moment when it is due."""
    world.run()
    while any(row.state != "done" for row in rows(world)):
        step(world)


def step(world: World) -> None:
    """Until the next row is due, and that one."""
    world.clock.pass_time(max(0, next_due(world) - world.clock.now()))
    Sweeper(world.hub).sweep()
    world.run()


def is_paced(sent: list[tuple[int, str]], gap: int) -> bool:
    """Whether in no window more left than may: then no two are closer than their distance in gaps."""
    times = [at for at, _ in sent]
    return all(
        later - earlier >= (j - i) * gap - JITTER
        for i, earlier in enumerate(times)
        for j, later in enumerate(times[i + 1 :], start=i + 1)
    )


def test_no_window_has_more_than_may_leave(world: World, line: Line) -> None:
    for customer in range(4):
        queue(world, f"c{customer}", *(f"c{customer}-{number}" for number in range(3)))
    began = world.clock.now()
    drain(world)
    assert len(line.sent) == 12
    assert is_paced(line.sent, SECOND // 4)
    assert line.sent[-1][0] - began < 11 * SECOND // 4 + 100 * JITTER, "and no slot was wasted"
    for customer in range(4):
        mine = [text for text in line.texts if text.startswith(f"c{customer}-")]
        assert mine == [f"c{customer}-{number}" for number in range(3)], "in order"


def test_whoever_has_many_waiting_stands_in_line_once(world: World, line: Line) -> None:
    queue(world, "a", *(f"a{number}" for number in range(12)))
    queue(world, "b", "b0")
    queue(world, "c", "c0", "c1")
    drain(world)
    assert line.texts.index("b0") <= 2
    assert line.texts.index("c1") <= 5
    assert [text for text in line.texts if text[0] == "a"] == [f"a{number}" for number in range(12)]


def test_a_latecomer_waits_one_round_of_the_conversations(world: World, line: Line) -> None:
    for customer in "abcd":
        queue(world, customer, *(f"{customer}{number}" for number in range(4)))
    world.run()
    while len(line.sent) < 10:
        step(world)
    queue(world, "z", "z0")
    drain(world)
    assert line.texts.index("z0") - 10 <= 4
    for number in (1, 5):  # the first one of all had nobody to wait for
        assert len({text[0] for text in line.texts[number : number + 4]}) == 4, "everybody once a round"


def test_waiting_is_no_attempt(world: World, line: Line) -> None:
    for customer in range(8):
        queue(world, f"c{customer}", f"c{customer}")
    world.run()
    waiting = [row for row in rows(world) if row.state == "pending"]
    assert len(waiting) == 7
    assert {(row.attempts, row.failures, row.last_error) for row in waiting} == {(0, 0, "")}
    assert all(row.due_at == row.slot_at for row in waiting)
    drain(world)
    assert {(row.state, row.attempts, row.slot_at) for row in rows(world)} == {("done", 1, 0)}
    assert len(line.sent) == 8


def test_a_restart_keeps_everybodys_place(make_world: Callable[..., World], world: World, line: Line) -> None:
    for customer in range(8):
        queue(world, f"c{customer}", f"c{customer}")
    world.run()
    slots = {row.id: row.slot_at for row in rows(world) if row.state == "pending"}
    again = make_world()
    limit(again, 4)
    after = Line(again)
    assert {row.id: row.slot_at for row in rows(again) if row.state == "pending"} == slots
    drain(again)
    assert [text for _, text in line.sent + after.sent] == [f"c{customer}" for customer in range(8)]
    assert is_paced(line.sent + after.sent, SECOND // 4)


def test_a_crash_between_taking_a_slot_and_going_back_keeps_the_slot(world: World, line: Line) -> None:
    limit(world, 1 / 50)
    for customer in "abc":
        queue(world, customer, customer)
    first, second, third = (row.id for row in rows(world))
    run = world.assembled.runner.run
    assert run(first) is True
    assert run(second) is True
    writes: list[int] = []
    write = world.store.write

    def dies_at_the_third(use_case: Any, **how: Any) -> Any:
        writes.append(1)
        if len(writes) == 3:
            raise KeyboardInterrupt
        return write(use_case, **how)

    world.store.write = dies_at_the_third  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        run(third)
    world.store.write = write  # type: ignore[method-assign]
    slot = rows(world)[2].slot_at
    assert rows(world)[2].state == "claimed"
    world.clock.pass_time(61 * SECOND)
    assert run(third) is True
    assert (rows(world)[2].slot_at, rows(world)[2].due_at, rows(world)[2].state) == (slot, slot, "pending")
    drain(world)
    assert line.texts == ["a", "b", "c"]


def test_slots_that_nobody_used_are_not_made_up_for(world: World, line: Line) -> None:
    for customer in range(10):
        queue(world, f"c{customer}", f"c{customer}")
    world.run()
    world.clock.pass_time(10 * MINUTE)  # nothing ran all this time
    Sweeper(world.hub).sweep()
    drain(world)
    assert len(line.sent) == 10
    assert is_paced(line.sent[1:], SECOND // 4)


def test_a_slow_machine_sends_as_fast_as_it_can(world: World, line: Line) -> None:
    """Each row comes long after its slot: nobody is in the way, so none waits again."""
    limit(world, 10)
    for customer in range(6):
        queue(world, f"c{customer}", f"c{customer}")
    world.run()
    assert len(line.sent) == 1
    runs = 0
    while any(row.state != "done" for row in rows(world)):
        for row in rows(world):
            world.clock.pass_time(SECOND)
            runs += world.assembled.runner.run(row.id)
    assert len(line.sent) == 6
    assert runs == 5
    assert is_paced(line.sent, SECOND // 10)


def test_whoever_is_a_little_late_makes_the_next_one_wait_and_not_lose_its_place(world: World, line: Line) -> None:
    limit(world, 1)
    for customer in "abcd":
        queue(world, customer, customer)
    world.run()
    slots = [row.slot_at for row in rows(world)]
    ids = [row.id for row in rows(world)]
    run = world.assembled.runner.run
    world.clock.pass_time(slots[1] + SECOND // 2 - world.clock.now())
    assert run(ids[1]) is True
    assert line.texts == ["a", "b"]
    world.clock.pass_time(slots[2] - world.clock.now())
    assert run(ids[2]) is True
    late = rows(world)[2]
    assert (late.state, late.attempts) == ("pending", 0)
    assert 0 <= late.slot_at - (line.sent[1][0] + SECOND) + JITTER <= 2 * JITTER
    drain(world)
    assert line.texts == ["a", "b", "c", "d"]
    assert is_paced(line.sent, SECOND)


def test_a_busy_provider_stops_everybody_who_sends_by_that_sender(world: World, line: Line) -> None:
    for customer in "abc":
        queue(world, customer, f"{customer}0", f"{customer}1")
    world.paper.errors = [ChannelError("20429", "too many requests", retry_after=30.0)]
    began = world.clock.now()
    drain(world)
    assert len(line.sent) == 6
    assert line.sent[0][0] - began >= 30 * SECOND
    assert line.sent[-1][0] - began < 40 * SECOND
    assert is_paced(line.sent, SECOND // 4)
    assert sorted(row.attempts for row in rows(world)) == [1, 1, 1, 1, 1, 2], "the one that was refused"


def test_senders_do_not_wait_for_each_other(world: World, line: Line) -> None:
    limit(world, 1)
    world.paper.sender_of = lambda message: message.text[0]  # type: ignore[attr-defined]
    for customer in range(3):
        queue(world, f"c{customer}", f"x{customer}")
        queue(world, f"d{customer}", f"y{customer}")
    drain(world)
    for sender in "xy":
        mine = [each for each in line.sent if each[1].startswith(sender)]
        assert len(mine) == 3
        assert is_paced(mine, SECOND)
    assert line.sent[-1][0] - line.sent[0][0] < 2.1 * SECOND
    with world.store.read() as connection:
        assert set(connection.execute(select(t.sender_pace.c.sender)).scalars()) == {"x", "y"}


def test_without_a_limit_nothing_is_written_down(world: World, line: Line) -> None:
    limit(world, 0)
    for customer in range(5):
        queue(world, f"c{customer}", f"c{customer}")
    world.run()
    assert len(line.sent) == 5
    assert world.count(t.sender_pace) == 0


def test_a_message_that_may_not_be_sent_takes_no_slot(world: World, line: Line) -> None:
    queue(world, "a", "a0")
    world.store.write(
        lambda tx: tx.add(t.do_not_contact, {"kind": "paper", "address": "a", "how": "agent", "since": tx.now})
    )
    queue(world, "b", "b0")
    world.run()
    assert line.texts == ["b0"]


def test_two_rows_never_take_one_slot(world: World) -> None:
    ids = [put(world, str(number)) for number in range(24)]

    def take(outbox_id: int) -> int:
        return world.store.write(lambda tx: pacing.take_slot(tx, outbox_id, "+15550100", 2))

    with ThreadPoolExecutor(8) as threads:
        slots = sorted(threads.map(take, ids))
    assert all(later - earlier >= SECOND // 2 - JITTER for earlier, later in pairwise(slots))
    assert slots[-1] - slots[0] < 12 * SECOND


# --- on time, with the real clock -------------------------------------------------------------------------------------


@pytest.fixture(params=["embedded", "scaled out"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Assembled, PaperChannel]]:
    """A hub that runs by itself, as its settings build it."""
    scaled_out = request.param == "scaled out"
    if scaled_out:
        template = request.getfixturevalue("postgres_template")
        database = request.getfixturevalue("make_postgres_database")(template)
    else:
        (tmp_path / "hub.sqlite3").write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
        database = f"sqlite:///{tmp_path}/hub.sqlite3"
    environment = {"CENTRALITA_DATABASE_URL": database, "CENTRALITA_DATA": str(tmp_path / "data")}
    if scaled_out:
        environment["CENTRALITA_REDIS_URL"] = request.getfixturevalue("fresh_redis_url")
    paper = PaperChannel()
    assembled = build(
        from_environment(environment),
        clock=SystemClock(),
        bot=FakeBot(),
        knowledge=WordKnowledge(),
        make_push=lambda _store, _redis: CountingPush(),
        channels={"paper": lambda _parts: paper},
    )
    assembled.hub.store.write(furnish)
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    yield assembled, paper
    for each, handler in handlers.items():  # RQ sets its own
        signal.signal(each, handler)
    assembled.stop()
    if assembled.redis is not None:
        assembled.redis.close()


def test_slots_are_kept_to_the_moment(running: tuple[Assembled, PaperChannel], monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by the sweeper's rounds: whoever puts a row back tells it when to look."""
    monkeypatch.setattr(sweeper, "EVERY", 60.0)
    assembled, paper = running
    assembled.start()
    paper.capabilities = replace(paper.capabilities, messages_per_second=5)
    world = World(
        assembled, ManualClock(), FakeBot(), WordKnowledge(), WaitingNudger(), CountingPush(), paper
    )  # to speak with, not to run
    times: list[float] = []
    paper.after_send = lambda _: times.append(time.monotonic())
    for customer in range(8):
        world.say("hello", sender=f"c{customer}", external_id=f"x-{customer}")  # the bot greets each
    deadline = time.monotonic() + 59
    while len(times) < 8 and time.monotonic() < deadline:
        if assembled.redis is not None:
            worker.work(assembled.runner, assembled.redis, slow=False, threads=4, burst=True)
        else:
            time.sleep(0.01)
    assert len(times) == 8, "and not at the end of the round, in a minute"
    assert times[-1] - times[0] > 7 * 0.2 * 0.8
    assert {row.sender for row in _paces(world)} == {PAPER}


def _paces(world: World) -> list[Any]:
    with world.store.read() as connection:
        return list(connection.execute(select(t.sender_pace)))
