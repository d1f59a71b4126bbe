"""Inboxes that fetch for themselves: one process at a time, nothing stored without its memory, errors shown."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from ulid import ULID

from hub.domain.errors import Refused
from hub.domain.inbox import Inbox
from hub.domain.messages import Address, InboundMessage, Parsed, WebhookRequest
from hub.jobs.listeners import LEASE, HubLine, Listeners
from hub.ports import Line
from hub.services import health, inbound, intake
from hub.store import tables as t
from hub.store.queries import listening, sources
from hub.store.unit_of_work import Tx
from hub.testing.fakes import PaperChannel
from tests.fixtures_hub import PAPER, World

WAIT = 20.0


class Letterbox(PaperChannel):
    """Letters with numbers in a list; the memory is the last number that was stored."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[str] = []
        self.together = False
        self.emptied = threading.Event()
        self.listening = threading.Event()
        self.before: Callable[[Line], None] = lambda _: None
        self.lines: list[Line] = []

    def parse_inbound(self, request: WebhookRequest) -> Parsed:
        letter = json.loads(request.body)
        if not letter["text"]:
            raise Refused("text", "must not be empty")
        return Parsed((InboundMessage(letter["id"], Address("paper", "customer-1"), letter["text"]),))

    def listen(self, line: Line) -> None:
        self.lines.append(line)
        self.before(line)
        line.seen(behind=len(self.letters))
        self.listening.set()
        while not line.stopped():
            done = int(line.memory or 0)
            arrived = [
                (WebhookRequest("FETCH", f"paper:{number}", body=letter(number, text)), str(number))
                for number, text in list(enumerate(self.letters, 1))[done:]
            ]
            if self.together and arrived:
                line.emit_all(arrived)
            for request, memory in arrived if not self.together else ():
                line.emit(request, memory)
            if int(line.memory or 0) == len(self.letters):
                self.emptied.set()
            line.wait(0.01)


def letter(number: int, text: str) -> bytes:
    return json.dumps({"id": f"letter-{number}", "text": text}).encode()


@pytest.fixture
def letterbox(world: World, monkeypatch: pytest.MonkeyPatch) -> Letterbox:
    box = Letterbox()
    install(world, box)
    return box


def install(world: World, box: Letterbox) -> None:
    channel_of = world.hub.channel_of
    object.__setattr__(world.assembled.hub, "channel_of", lambda inbox: box if inbox.id == PAPER else channel_of(inbox))


@pytest.fixture
def running() -> Iterator[list[Listeners]]:
    made: list[Listeners] = []
    yield made
    for each in made:
        each.stop()


def listener_row(world: World) -> tuple[str, str, str]:
    with world.store.read() as connection:
        row = connection.execute(t.listener.select()).one()
        return row.owner, row.memory, row.error


def test_what_is_emitted_is_stored_with_the_memory_and_a_restart_goes_on_there(
    world: World, letterbox: Letterbox, running: list[Listeners]
) -> None:
    letterbox.letters += ["one", "two"]
    running.append(Listeners(world.hub))
    running[0].start()
    assert letterbox.emptied.wait(WAIT)
    running[0].stop()
    assert listener_row(world)[:2] == ("", "2"), "released, so that another process begins at once"
    letterbox.letters.append("three")
    letterbox.emptied.clear()
    running.append(Listeners(world.hub))
    running[1].start()
    assert letterbox.emptied.wait(WAIT)
    assert world.count(t.message) == 3
    assert [line.memory for line in letterbox.lines] == ["2", "3"]


@pytest.mark.parametrize("together", [False, True])
def test_one_that_cannot_be_read_is_set_aside_and_blocks_nobody(
    world: World, letterbox: Letterbox, running: list[Listeners], together: bool
) -> None:
    letterbox.together = together
    letterbox.letters += ["one", "", "three"]
    running.append(Listeners(world.hub))
    running[0].start()
    assert letterbox.emptied.wait(WAIT)
    with world.store.read() as connection:
        aside = connection.execute(t.set_aside.select()).one()
    assert (aside.field, aside.rule) == ("text", "must not be empty")
    assert json.loads(aside.raw)["id"] == "letter-2"
    assert world.count(t.message) == 2


def test_what_wants_to_be_kept_whole_is_found_again_by_where_it_was(
    world: World, letterbox: Letterbox, running: list[Listeners]
) -> None:
    letterbox.capabilities = replace(letterbox.capabilities, keeps_source=True)
    letterbox.letters += ["one", "", "three"]
    running.append(Listeners(world.hub))
    running[0].start()
    assert letterbox.emptied.wait(WAIT)
    with world.store.read() as connection:
        newest_first = sources.page(connection, PAPER, state="", before="", limit=10)
        (message_id,) = connection.execute(select(t.message.c.id).where(t.message.c.external_id == "letter-3")).one()
        third = sources.of_message(connection, message_id)
        assert third is not None
        assert sources.known_origins(connection, PAPER, ["paper:1", "paper:4"]) == {"paper:1"}
        assert sources.counts(connection, PAPER) == {"stored": 2, "refused": 1}
        (aside,) = connection.execute(select(t.set_aside.c.raw)).one()
    assert [(each.origin, each.state, each.field) for each in newest_first] == [
        ("paper:3", "stored", ""),
        ("paper:2", "refused", "text"),
        ("paper:1", "stored", ""),
    ]
    assert json.loads(world.hub.files.get(intake.key(third.id)))["text"] == "three"
    assert aside == b"", "it is kept once"
    assert world.count(t.webhook_payload) == 0


@pytest.mark.parametrize("together", [False, True])
def test_one_that_cannot_be_stored_is_set_aside_and_blocks_nobody(
    world: World, letterbox: Letterbox, running: list[Listeners], monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    letterbox.together = together
    letterbox.letters += ["one", "poison", "three"]
    receive = inbound.receive

    def poisoned(tx: Tx, inbox: Inbox, message: InboundMessage, *given: Any) -> inbound.Received:
        if message.text == "poison":
            raise ValueError("nobody had thought of this")
        return receive(tx, inbox, message, *given)

    monkeypatch.setattr(inbound, "receive", poisoned)
    running.append(Listeners(world.hub))
    running[0].start()
    assert letterbox.emptied.wait(WAIT)
    with world.store.read() as connection:
        assert connection.execute(select(t.set_aside.c.rule)).scalars().all() == ["could not be stored (ValueError)"]
    assert world.count(t.message) == 2


def test_what_comes_together_is_one_commit_or_the_memory_stands_where_the_last_one_was_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Letterbox()
    world.store.write(lambda tx: listening.take(tx, PAPER, owner="me", lease=LEASE))
    line = HubLine(world.hub, world.inbox(), box, "me", "")
    arrived = [(WebhookRequest("FETCH", f"paper:{n}", body=letter(n, f"text {n}")), str(n)) for n in range(1, 7)]
    commits: list[int] = []
    accept, write = inbound.accept, world.store.write
    broken = {"text 5"}

    def failing(tx: Tx, inbox: Inbox, parsed: Parsed, *given: Any, **named: Any) -> tuple[inbound.Received, ...]:
        if any(isinstance(each, InboundMessage) and each.text in broken for each in parsed.events):
            raise OSError("the disk is full")
        return accept(tx, inbox, parsed, *given, **named)

    def counted(use_case: Any) -> Any:
        result = write(use_case)
        commits.append(world.count(t.message))
        return result

    monkeypatch.setattr(inbound, "accept", failing)
    monkeypatch.setattr(world.store, "write", counted)
    line.emit_all(arrived[:3])
    assert (commits, listener_row(world)[1], line.memory) == ([3], "3", "3")
    with pytest.raises(OSError, match="disk is full"):
        line.emit_all(arrived[3:])
    assert (commits, listener_row(world)[1], line.memory) == ([3, 4], "4", "4"), "what cannot be stored now comes again"
    broken.clear()
    line.emit_all(arrived[4:])
    assert (commits, listener_row(world)[1], line.memory) == ([3, 4, 6], "6", "6")


def test_only_one_process_listens_and_one_that_was_away_too_long_writes_nothing(
    make_world: Callable[..., World], running: list[Listeners]
) -> None:
    first, second = make_world(), make_world()
    boxes = [Letterbox(), Letterbox()]
    for world, box in zip((first, second), boxes, strict=True):
        install(world, box)
        running.append(Listeners(world.hub))
    running[0].tend()
    assert boxes[0].listening.wait(WAIT)
    running[1].tend()
    assert boxes[1].lines == [], "the lease is the first one's"
    first.clock.pass_time(LEASE + 1)  # it renews nothing: hung, or cut off from the database
    running[1].tend()
    assert boxes[1].listening.wait(WAIT)
    boxes[0].letters.append("late")
    for line in boxes[0].lines:
        while not line.wait(0.01):
            running[0].tend()  # back again, it finds that the lease is gone and ends its listener
    assert first.count(t.message) == 0
    boxes[1].letters.append("once")
    assert boxes[1].emptied.wait(WAIT)
    while not int(boxes[1].lines[0].memory or 0):
        assert not boxes[1].lines[0].wait(0.01)
    assert first.count(t.message) == 1


def test_a_source_that_cannot_be_reached_is_shown_until_it_answers(
    world: World, letterbox: Letterbox, running: list[Listeners]
) -> None:
    failed, again = threading.Event(), threading.Event()

    def unreachable(_: Line) -> None:
        if not again.is_set():
            failed.set()
            raise ConnectionRefusedError("connection refused")

    letterbox.before = unreachable
    running.append(Listeners(world.hub))
    running[0].start()
    assert failed.wait(WAIT)
    while not listener_row(world)[2]:
        assert not letterbox.lines[0].wait(0.01)
    (part,) = (each for each in health.parts(world.hub) if each.name == "listener")
    assert part.state == "down"
    assert "connection refused" in part.detail["error"]
    again.set()
    assert letterbox.listening.wait(WAIT)
    (part,) = (each for each in health.parts(world.hub) if each.name == "listener")
    assert (part.state, part.detail["inbox"]) == ("ok", "paper")


def test_what_comes_in_one_millisecond_is_listed_in_its_order() -> None:
    ids = []
    for _ in range(300):
        ids.append(intake.new_source_id())
        ULID.from_timestamp(1.0)  # as a transaction asks for one of its own time
    assert ids == sorted(ids)
