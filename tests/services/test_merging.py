"""Conversations made one or two, and taken back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.domain import events as e
from hub.domain.conversation import Status
from hub.domain.errors import Conflict, NotFound, Refused
from hub.domain.inbox import DAY
from hub.domain.messages import Author
from hub.services import assignment, merging
from hub.store import replay
from hub.store import tables as t
from hub.store.queries import routes
from hub.store.unit_of_work import Tx
from tests.fixtures_hub import ANA, World

BY = e.Actor(Author.AGENT, ANA)


@pytest.fixture(autouse=True)
def projections_agree(world: World) -> Iterator[None]:
    """After every scenario the tables are what the log says."""
    yield
    with world.store.read() as connection:
        assert replay.check(connection).differences == []


@pytest.fixture
def two(world: World) -> tuple[str, str]:
    """Two conversations of one customer: (the older one about a sofa, the later one about a lamp)."""
    sofa = world.say("about my sofa", thread_key="sofa").conversation_id
    world.store.write(lambda tx: assignment.resolve(tx, sofa, BY))
    world.clock.pass_time(8 * DAY)
    lamp = world.say("about my lamp", thread_key="lamp").conversation_id
    world.store.write(lambda tx: assignment.reopen(tx, sofa, BY))
    assert sofa != lamp
    return sofa, lamp


def merge(world: World, conversation_id: str, into: str) -> int:
    return world.store.write(lambda tx: merging.merge(tx, conversation_id, into, BY))


def undo(world: World, event_id: int) -> str:
    return world.store.write(lambda tx: merging.undo(tx, event_id, BY))


def split(world: World, conversation_id: str, *message_ids: str) -> tuple[int, str]:
    return world.store.write(lambda tx: merging.split(tx, conversation_id, message_ids, BY))


def keys(world: World, conversation_id: str) -> list[str]:
    with world.store.read() as connection:
        return [key for *_, key in routes.of_conversation(connection, conversation_id)]


def test_messages_to_a_merged_conversation_land_in_the_other_and_come_back(world: World, two: tuple[str, str]) -> None:
    sofa, lamp = two
    event_id = merge(world, sofa, lamp)
    assert world.conversation(sofa).merged_into == lamp
    assert keys(world, lamp) == ["lamp", "sofa"]
    assert world.say("the sofa again", thread_key="sofa").conversation_id == lamp
    assert world.say("nothing in particular").conversation_id == lamp
    assert undo(world, event_id) == sofa
    assert world.conversation(sofa).merged_into == ""
    assert (keys(world, sofa), keys(world, lamp)) == (["sofa"], ["lamp"])
    assert world.say("and again", thread_key="sofa").conversation_id == sofa


def test_a_merge_is_undone_once(world: World, two: tuple[str, str]) -> None:
    first = merge(world, *two)
    undo(world, first)
    with pytest.raises(Conflict, match="undone already"):
        undo(world, first)
    second = merge(world, *two)
    with pytest.raises(Conflict, match="undone already"):
        undo(world, first)
    assert world.conversation(two[0]).merged_into == two[1], "the first one's undo takes nothing of the second one"
    undo(world, second)
    assert world.conversation(two[0]).merged_into == ""


def test_badges_count_what_was_merged_once(world: World, two: tuple[str, str]) -> None:
    for each in two:
        world.store.write(lambda tx, each=each: assignment.take(tx, each, ANA))
    event_id = merge(world, *two)
    with world.store.read() as connection:
        (row,) = [row for row in connection.execute(t.counter.select()) if row.name == f"assigned:{ANA}" and row.value]
    assert row.value == 1
    undo(world, event_id)
    with world.store.read() as connection:
        rows = [row.value for row in connection.execute(t.counter.select()) if row.name == f"assigned:{ANA}"]
    assert sum(rows) == 2


def test_a_route_that_has_gone_on_stays_where_it_is(world: World, two: tuple[str, str]) -> None:
    """While merged, the other one was closed and a later message with the key opened a third one."""
    sofa, lamp = two
    event_id = merge(world, sofa, lamp)
    world.store.write(lambda tx: assignment.resolve(tx, lamp, BY))
    world.clock.pass_time(8 * DAY)
    third = world.say("a new sofa", thread_key="sofa").conversation_id
    assert third not in two
    undo(world, event_id)
    assert (keys(world, sofa), keys(world, third)) == ([], ["sofa"])


def test_what_cannot_be_merged(world: World, two: tuple[str, str]) -> None:
    sofa, lamp = two
    stranger = world.say("hello", sender="somebody else").conversation_id
    with pytest.raises(Refused, match="into: must be another"):
        merge(world, sofa, sofa)
    with pytest.raises(Refused, match="into: must be of the same contact"):
        merge(world, sofa, stranger)
    with pytest.raises(NotFound):
        merge(world, sofa, "nowhere")
    merge(world, sofa, lamp)
    with pytest.raises(Conflict, match="merged into another"):
        merge(world, sofa, lamp)
    _, third = split(world, lamp, world.say("more", thread_key="lamp").message_id)
    with pytest.raises(Conflict, match="merge those first"):
        merge(world, lamp, third)
    with pytest.raises(Conflict, match="merged into another"):
        merge(world, third, sofa)
    assert world.conversation(lamp).merged_into == ""


def test_two_people_who_merge_a_pair_both_ways_at_once_merge_it_once(world: World, two: tuple[str, str]) -> None:
    barrier = threading.Barrier(2)

    def at_once(one: str, other: str) -> bool:
        barrier.wait(30)
        try:
            merge(world, one, other)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        merges = [pool.submit(at_once, *pair) for pair in (two, two[::-1])]
        assert sorted(each.result(30) for each in merges) == [False, True]


def test_a_message_that_comes_during_a_merge_lands_in_the_other(world: World, two: tuple[str, str]) -> None:
    if not world.store.postgres:
        pytest.skip("SQLite has one writer: nothing comes during a transaction")
    sofa, lamp = two
    merged, go_on = threading.Event(), threading.Event()

    def slow_merge(tx: Tx) -> None:
        merging.merge(tx, sofa, lamp, BY)
        tx.flush()
        merged.set()
        assert go_on.wait(30)

    with ThreadPoolExecutor(2) as pool:
        merging_ = pool.submit(world.store.write, slow_merge)
        assert merged.wait(30)
        saying = pool.submit(world.say, "the sofa again", thread_key="sofa")
        wait_for_a_lock(world)
        go_on.set()
        merging_.result(30)
        assert saying.result(30).conversation_id == lamp


def wait_for_a_lock(world: World) -> None:
    """Returns when a transaction of this database waits for another one."""
    statement = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    for _ in range(3000):
        with world.store.read() as connection:
            if connection.exec_driver_sql(statement).scalar_one():
                return
        threading.Event().wait(0.005)
    raise AssertionError("nobody waits")


def test_the_bots_answer_to_what_was_merged_meanwhile_is_dropped(world: World, two: tuple[str, str]) -> None:
    """Where an agent has the other conversation, bot and person would both answer."""
    sofa, lamp = two
    world.nudger.take()
    world.store.write(lambda tx: assignment.take(tx, lamp, ANA))
    world.say("hello", thread_key="sofa")
    world.bot.before = lambda _: merge(world, sofa, lamp)
    ids = world.nudger.take()
    # The conversation's earlier message waits for its turn too; the merge comes during the first of them.
    world.assembled.runner.run(1)
    for each in ids:
        world.assembled.runner.run(each)
    assert [author for author, *_ in world.thread(sofa)] == ["contact", "contact"]
    assert "BotTurnDropped" in world.kinds(sofa)


def test_a_turn_that_cannot_be_run_dies_quietly_where_it_was_merged_meanwhile(
    world: World, two: tuple[str, str]
) -> None:
    sofa, lamp = two
    attempts: list[int] = []

    def breaks(_: str) -> None:
        attempts.append(1)
        if len(attempts) == 3:
            merge(world, sofa, lamp)
        raise ZeroDivisionError

    world.bot.before = breaks
    for _ in range(3):
        assert world.assembled.runner.run(1) is True
        world.clock.pass_time(600_000_000)
    with world.store.read() as connection:
        assert connection.execute(t.outbox.select().where(t.outbox.c.id == 1)).one().state == "dead"
    assert "HandedOver" not in world.kinds(sofa)


def test_a_split_moves_messages_to_a_conversation_of_the_same_agent(world: World) -> None:
    one, two_, three = (world.say(f"message {number}") for number in range(3))
    source = one.conversation_id
    world.store.write(lambda tx: assignment.take(tx, source, ANA))
    event_id, new_id = split(world, source, three.message_id, two_.message_id, three.message_id)
    new = world.conversation(new_id)
    assert (new.status, new.assignee_id, new.previous_id) == (Status.ASSIGNED, ANA, source)
    assert new.ticket_number > world.conversation(source).ticket_number
    assert [text for _, text, _ in world.thread(new_id)] == ["message 1", "message 2"]
    assert new.last_message_id == three.message_id, "the newest, however they were picked"
    assert [text for _, text, _ in world.thread(source)] == ["message 0"]
    assert undo(world, event_id) == source
    assert [text for _, text, _ in world.thread(source)] == ["message 0", "message 1", "message 2"]
    assert world.conversation(new_id).merged_into == source
    assert world.conversation(source).last_message_id == three.message_id
    with pytest.raises(Conflict):
        undo(world, event_id)


def test_what_is_split_off_waits_for_a_person_where_nobody_has_it(world: World) -> None:
    one = world.say("one")
    _, new_id = split(world, one.conversation_id, world.say("two").message_id)
    assert world.conversation(new_id).status == Status.WAITING
    assert world.conversation(one.conversation_id).status == Status.BOT


def test_what_cannot_be_split(world: World) -> None:
    one, two_ = world.say("one"), world.say("two")
    other = world.say("three", sender="somebody else")
    conversations = world.count(t.conversation)
    for wanted in ((), (one.message_id, two_.message_id), (other.message_id,), (one.message_id, "nothing")):
        with pytest.raises(Refused, match="message_ids"):
            split(world, one.conversation_id, *wanted)
    assert world.count(t.conversation) == conversations


def test_a_split_whose_conversation_went_on_is_not_undone(world: World) -> None:
    one, two_ = world.say("one"), world.say("two")
    event_id, new_id = split(world, one.conversation_id, two_.message_id)
    assert world.say("more").conversation_id == new_id
    with pytest.raises(Conflict, match="has gone on"):
        undo(world, event_id)


def test_a_split_whose_conversation_took_in_another_is_not_undone(world: World) -> None:
    """Undoing it would leave a merge into a merged conversation."""
    one, two_, three = (world.say(f"message {number}") for number in range(3))
    event_id, new_id = split(world, one.conversation_id, two_.message_id)
    _, third = split(world, one.conversation_id, three.message_id)
    merged = merge(world, third, new_id)
    with pytest.raises(Conflict, match="take those merges back first"):
        undo(world, event_id)
    undo(world, merged)
    undo(world, event_id)
    assert world.conversation(new_id).merged_into == one.conversation_id
    assert world.conversation(third).merged_into == ""


def test_what_is_no_merge_is_not_undone(world: World) -> None:
    world.say("hello")
    with world.store.read() as connection:
        event_id = connection.exec_driver_sql("SELECT max(id) FROM event").scalar_one()
    with pytest.raises(Refused, match="event_id: must be a merge or a split"):
        undo(world, event_id)
    with pytest.raises(NotFound):
        undo(world, event_id + 100)
