"""A place in the queue, counted as far as anybody wants to know."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.domain.conversation import Conversation, Status
from hub.store import tables as t
from hub.store.queries import queue
from hub.store.unit_of_work import CONVERSATION_FIELDS, Tx
from tests.fixtures_hub import SECOND_TEAM, TEAM, World

ME = Conversation("m", status=Status.WAITING, team_id=TEAM, priority=2, waiting_since=1000)


def place(world: World, *others: Conversation) -> int:
    def fill(tx: Tx) -> None:
        rows = [{name: getattr(each, name) for name in CONVERSATION_FIELDS} for each in (ME, *others)]
        tx.connection.execute(t.conversation.insert(), rows)

    world.store.write(fill)
    with world.store.read() as connection:
        return queue.place(connection, ME)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (replace(ME, id="x", priority=3, waiting_since=2000), 2),
        (replace(ME, id="x", priority=1, waiting_since=1), 1),
        (replace(ME, id="x", waiting_since=999), 2),
        (replace(ME, id="x", waiting_since=1001), 1),
        (replace(ME, id="a"), 2),
        (replace(ME, id="z"), 1),
        (replace(ME, id="a", team_id=SECOND_TEAM), 1),
        (replace(ME, id="a", merged_into="b"), 1),
        (replace(ME, id="a", status=Status.ASSIGNED), 1),
    ],
)
def test_who_stands_before_whom(world: World, other: Conversation, expected: int) -> None:
    assert place(world, other) == expected


def test_far_back_is_all_the_same(world: World) -> None:
    before = [replace(ME, id=f"a{number:03}") for number in range(queue.FURTHEST_PLACE + 20)]
    assert place(world, *before) == queue.FURTHEST_PLACE
