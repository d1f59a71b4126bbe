"""The feed loses nothing, whatever order transactions end in."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.domain import events as e
from hub.domain.errors import Refused
from hub.store import feed
from hub.store.unit_of_work import Tx
from tests.fixtures_hub import World


def read_all(world: World, cursor: feed.Cursor, limit: int = 200) -> tuple[list[int], feed.Cursor]:
    found: list[int] = []
    while True:
        with world.store.read() as connection:
            page = feed.read(connection, cursor, limit=limit)
        found += [recorded.id for _, recorded in page.entries]
        cursor = page.cursor
        if not page.more:
            return found, cursor


def test_the_feed_under_an_open_transaction_passes_over_nothing(world: World) -> None:
    """One transaction takes its event's id and stays open; a later one commits. Nobody may read past the open one."""
    if not world.store.postgres:
        pytest.skip("SQLite has one writer: a later event cannot be committed first")
    first = world.say("first", sender="a").conversation_id
    world.say("first", sender="b")
    _, cursor = read_all(world, feed.Cursor())
    holding, release = threading.Event(), threading.Event()

    def slow(tx: Tx) -> int:
        recorded = tx.record(first, e.PriorityChanged(3))
        holding.set()
        assert release.wait(60)
        return recorded.id

    with ThreadPoolExecutor(1) as pool:
        open_transaction = pool.submit(world.store.write, slow)
        assert holding.wait(60)
        world.say("second", sender="b")
        seen_meanwhile, cursor = read_all(world, cursor)
        release.set()
        held_id = open_transaction.result(10)
    seen_later, _ = read_all(world, cursor)
    assert held_id not in seen_meanwhile
    assert max(seen_later) > held_id, "the event that was committed first is served too"
    everything, _ = read_all(world, feed.Cursor())
    with_both_readings = sorted(seen_meanwhile + seen_later)
    assert held_id in with_both_readings
    assert with_both_readings == sorted(everything)[-len(with_both_readings) :], "none missing, none doubled"


def test_a_conversation_is_told_in_its_own_order_whoever_began_first(world: World) -> None:
    """A transaction that writes something else first has an older number than the one that it then waits for."""
    if not world.store.postgres:
        pytest.skip("SQLite has one writer: nobody begins before another ends")
    conversation_id = world.say("first").conversation_id
    began, go_on = threading.Event(), threading.Event()

    def begun_first(tx: Tx) -> None:
        tx.next_ticket_number()
        began.set()
        assert go_on.wait(60)
        tx.record(conversation_id, e.PriorityChanged(3))
        tx.record(conversation_id, e.PriorityChanged(2))

    with ThreadPoolExecutor(1) as pool:
        older = pool.submit(world.store.write, begun_first)
        assert began.wait(60)
        world.store.write(lambda tx: tx.record(conversation_id, e.PriorityChanged(4)))
        before, cursor = read_all(world, feed.Cursor())
        go_on.set()
        older.result(10)
    after, _ = read_all(world, cursor)
    assert sorted(before + after) == before + after == read_all(world, feed.Cursor())[0]


def test_a_reader_that_polls_while_many_write_gets_each_event_once(world: World) -> None:
    stop = threading.Event()
    seen: list[int] = []

    def follow() -> None:
        cursor = feed.Cursor()
        while True:
            last_round = stop.is_set()
            found, cursor = read_all(world, cursor, limit=7)
            seen.extend(found)
            if last_round:
                return

    with ThreadPoolExecutor(9) as pool:
        reader = pool.submit(follow)
        writers = [pool.submit(world.say, f"m{n}", sender=f"customer-{n % 5}") for n in range(60)]
        for each in writers:
            each.result(30)
        stop.set()
        reader.result(30)
    everything, _ = read_all(world, feed.Cursor())
    assert len(everything) >= 60
    assert sorted(seen) == sorted(everything)
    assert len(seen) == len(set(seen))


def test_the_head_is_now(world: World) -> None:
    world.say("before")
    with world.store.read() as connection:
        head = feed.head(connection)
    assert read_all(world, head)[0] == []
    world.say("after")
    assert len(read_all(world, head)[0]) == 1


def test_a_page_can_be_of_some_streams_or_kinds_only(world: World) -> None:
    one = world.say("one", sender="a").conversation_id
    world.say("two", sender="b")
    with world.store.read() as connection:
        page = feed.read(connection, feed.Cursor(), stream_ids=[one])
        assert {recorded.stream_id for _, recorded in page.entries} == {one}
        page = feed.read(connection, feed.Cursor(), kinds=["MessageReceived"])
        assert [type(recorded.event) for _, recorded in page.entries] == [e.MessageReceived] * 2


@pytest.mark.parametrize("value", ["", "1", "1.", ".1", "a.b", "1.2.3", "-1.2", "1.²", "9" * 30 + "." + "9" * 30])
def test_a_cursor_that_the_feed_did_not_give_is_refused(value: str) -> None:
    with pytest.raises(Refused, match="after"):
        feed.Cursor.parse(value)


def test_a_cursor_is_read_as_it_was_written() -> None:
    assert feed.Cursor.parse(str(feed.Cursor(12, 345))) == feed.Cursor(12, 345)
    assert feed.Cursor(2, 1) > feed.Cursor(1, 9)
