"""The feeder by itself, over a real feed on both databases."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from hub.domain import rooms
from hub.domain.errors import Unavailable
from hub.live import push as push_module
from hub.live.push import LivePush
from hub.store import feed
from hub.store.unit_of_work import Reading, Store
from tests.fixtures_hub import WEB, World

PATIENCE = 60
ANA = rooms.visitor(WEB, "ana")


class Sockets:
    """What the feeder hands to the sockets, and how often it rendered."""

    def __init__(self) -> None:
        self.emitted: list[tuple[str, Mapping[str, Any], str]] = []
        self.rendered = 0
        self.news = threading.Condition()

    def emit(self, event: str, data: Mapping[str, Any], room: str) -> None:
        with self.news:
            self.emitted.append((event, data, room))
            self.news.notify_all()

    def agents(self, _: Reading, page: feed.Page) -> list[dict[str, Any]]:
        self.rendered += 1
        return [{"cursor": str(cursor), "kind": type(recorded.event).__name__} for cursor, recorded in page.entries]

    def visitors(self, _: Reading, page: feed.Page, connected: Collection[str]) -> dict[str, list[dict[str, Any]]]:
        self.rendered += 1
        return {room: [{"cursor": str(cursor)} for cursor, _ in page.entries] for room in connected}

    def kinds(self) -> list[str]:
        found = [data["entries"] for _, data, room in self.emitted if room == rooms.AGENTS]
        return [entry["kind"] for entries in found for entry in entries]

    def wait_for(self, condition: Callable[[], object]) -> None:
        with self.news:
            assert self.news.wait_for(condition, PATIENCE)


class Flaky:
    """A store that can be away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = False
        self.tries = threading.Semaphore(0)
        self.asked_for_room, self.room = threading.Event(), threading.Event()
        self.room.set()

    def make_room(self, seconds: float) -> None:
        self.asked_for_room.set()
        assert self.room.wait(PATIENCE)

    @contextmanager
    def read(self) -> Iterator[Reading]:
        self.tries.release()
        if self.away:
            raise ConnectionError("the database is away")
        with self._store.read() as connection:
            yield connection


@pytest.fixture
def sockets() -> Sockets:
    return Sockets()


@pytest.fixture
def flaky(world: World) -> Flaky:
    return Flaky(world.store)


@pytest.fixture
def push(flaky: Flaky, sockets: Sockets) -> Iterator[LivePush]:
    push = LivePush(flaky)  # type: ignore[arg-type]  # it only reads
    push.start(sockets.emit, sockets.agents, sockets.visitors)
    yield push
    push.stop()


def join(push: LivePush, room: str) -> None:
    """Joins as soon as the feed was read once."""
    ready = threading.Event()
    for _ in range(1000):
        try:
            push.joined(room)
        except Unavailable:
            ready.wait(0.01)
        else:
            return
    pytest.fail("the feed was never read")


def test_with_nobody_here_nothing_is_rendered(push: LivePush, world: World, sockets: Sockets, flaky: Flaky) -> None:
    for number in range(5):
        world.say(f"m{number}")
        push.look()
    for _ in range(3):
        assert flaky.tries.acquire(timeout=PATIENCE)
    assert sockets.rendered == 0
    assert sockets.emitted == []


def test_who_joins_hears_what_comes_then_in_order_without_a_seam(
    push: LivePush, world: World, sockets: Sockets
) -> None:
    world.say("before")
    join(push, rooms.AGENTS)
    with world.store.read() as connection:
        joined_at = feed.head(connection)
    for number in range(30):
        world.say(f"m{number}")
        push.look()
    with world.store.read() as connection:
        end = feed.head(connection)
        wanted = feed.read(connection, joined_at, limit=500).entries
    sockets.wait_for(lambda: sockets.emitted and sockets.emitted[-1][1]["cursor"] == str(end))
    pushes = [data for _, data, _ in sockets.emitted]
    for earlier, later in itertools.pairwise(pushes):
        assert earlier["cursor"] == later["after"]
    cursors = [entry["cursor"] for data in pushes for entry in data["entries"]]
    assert cursors[-len(wanted) :] == [str(cursor) for cursor, _ in wanted]
    assert len(cursors) == len(set(cursors))


def test_a_lost_hint_costs_a_second(push: LivePush, world: World, sockets: Sockets) -> None:
    join(push, ANA)
    world.say("nobody says that there is something new")
    sockets.wait_for(lambda: sockets.emitted)
    assert {room for _, _, room in sockets.emitted} == {ANA}


def test_long_pages_come_in_pieces(
    push: LivePush, world: World, sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_module, "PAGE", 3)
    join(push, rooms.AGENTS)
    for number in range(10):
        world.say(f"m{number}")
    push.look()
    sockets.wait_for(lambda: sockets.kinds().count("MessageReceived") == 10)
    assert max(len(data["entries"]) for _, data, _ in sockets.emitted) == 3


def test_it_outlives_a_database_that_is_away_and_misses_nothing(
    push: LivePush, world: World, sockets: Sockets, flaky: Flaky
) -> None:
    join(push, rooms.AGENTS)
    flaky.away = True
    while flaky.tries.acquire(blocking=False):
        pass
    for number in range(5):
        world.say(f"m{number}")
        push.look()
    for _ in range(3):
        assert flaky.tries.acquire(timeout=PATIENCE)
    assert sockets.emitted == []
    flaky.away = False
    sockets.wait_for(lambda: sockets.kinds().count("MessageReceived") == 5)


def test_a_page_lets_first_go_whoever_waits(world: World, flaky: Flaky, push: LivePush, sockets: Sockets) -> None:
    join(push, rooms.AGENTS)
    flaky.room.clear()
    flaky.asked_for_room.clear()
    world.say("hello")
    push.look()
    assert flaky.asked_for_room.wait(PATIENCE)
    assert sockets.emitted == []
    flaky.room.set()
    sockets.wait_for(lambda: sockets.kinds().count("MessageReceived") == 1)


def test_before_the_feed_was_read_once_nobody_is_let_in(world: World, sockets: Sockets) -> None:
    flaky = Flaky(world.store)
    flaky.away = True
    push = LivePush(flaky)  # type: ignore[arg-type]  # it only reads
    push.start(sockets.emit, sockets.agents, sockets.visitors)
    assert flaky.tries.acquire(timeout=PATIENCE)
    with pytest.raises(Unavailable):
        push.joined(rooms.AGENTS)
    flaky.away = False
    join(push, rooms.AGENTS)
    push.stop()


def test_who_joins_while_the_idle_feeder_looks_misses_nothing(
    world: World, sockets: Sockets, flaky: Flaky, push: LivePush
) -> None:
    """The race: the feeder, with nobody here, reads how far the feed is; somebody joins and asks the feed before that
    read; what lies between must still be pushed."""
    join(push, ANA)
    push.left(ANA)
    looking, go_on = threading.Event(), threading.Event()
    head = feed.head

    def slow_head(connection: Reading) -> feed.Cursor:
        looking.set()
        assert go_on.wait(PATIENCE)
        return head(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(push_module.feed, "head", slow_head)
        assert looking.wait(PATIENCE)
        push.joined(rooms.AGENTS)
        with world.store.read() as connection:
            asked_the_feed = head(connection)
        world.say("in between")
        patch.setattr(push_module.feed, "head", head)
        go_on.set()
    sockets.wait_for(lambda: "MessageReceived" in sockets.kinds())
    pushed = [entry["cursor"] for _, data, _ in sockets.emitted for entry in data["entries"]]
    with world.store.read() as connection:
        wanted = [str(cursor) for cursor, _ in feed.read(connection, asked_the_feed).entries]
    assert set(wanted) <= set(pushed)


def test_whispers_reach_rooms_that_somebody_is_in(push: LivePush, sockets: Sockets) -> None:
    join(push, ANA)
    push.whisper(ANA, "typing", {"on": True})
    push.whisper(rooms.AGENTS, "typing", {"on": True})
    assert sockets.emitted == [("typing", {"on": True}, ANA)]
    push.left(ANA)
    push.whisper(ANA, "typing", {"on": False})
    assert len(sockets.emitted) == 1
