"""Customers are shown that an agent reads and writes, where their channel can and the inbox wants it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hub.domain.errors import Forbidden
from hub.domain.messages import Attention, InboundMessage, Parsed, WebhookRequest
from hub.services import assignment, inbound, typing
from hub.store import tables as t
from hub.testing.fakes import PaperChannel
from tests.fixtures_hub import ANA, BEN, PAPER, World

SECOND = 1_000_000


class AttentivePaper(PaperChannel):
    """A paper channel whose customers look through the window."""

    shown: list[Attention]

    def attend(self, attention: Attention) -> None:
        self.shown.append(attention)


@pytest.fixture
def paper(world: World) -> Iterator[AttentivePaper]:
    kept = type(world.paper)
    world.paper.__class__ = AttentivePaper
    assert isinstance(world.paper, AttentivePaper)
    world.paper.shown = []
    world.paper.capabilities = replace(world.paper.capabilities, typing_lasts=20)
    object.__setattr__(world.hub, "aside", lambda errand: errand())
    yield world.paper
    world.paper.__class__ = kept


def taken(world: World) -> str:
    """A conversation that Ana has."""
    conversation_id = world.say("hello", external_id="M1").conversation_id
    world.run()
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    return conversation_id


def test_whoever_answers_is_seen_to_write_as_long_as_they_do(world: World, paper: AttentivePaper) -> None:
    conversation_id = taken(world)
    for pause in (1, 3, 20):
        typing.by_agent(world.hub, ANA, conversation_id, on=True)
        world.clock.pass_time(pause * SECOND)
    typing.by_agent(world.hub, ANA, conversation_id, on=True)
    assert [(each.last, each.typing) for each in paper.shown] == [("M1", True), ("M1", True)], "once in 19 seconds"
    typing.by_agent(world.hub, ANA, conversation_id, on=False)
    assert len(paper.shown) == 2


def test_who_reads_their_own_conversation_is_seen_and_who_looks_on_is_not(world: World, paper: AttentivePaper) -> None:
    conversation_id = taken(world)
    typing.reads(world.hub, BEN, conversation_id)
    assert paper.shown == []
    typing.reads(world.hub, ANA, conversation_id)
    assert [(each.address.value, each.last, each.typing) for each in paper.shown] == [("customer-1", "M1", False)]


def test_what_the_message_came_with_for_this_goes_back(world: World, paper: AttentivePaper) -> None:
    conversation_id = taken(world)
    inbox, request = world.inbox(), WebhookRequest("POST", "https://hub.example/webhooks/paper")
    typing.reads(world.hub, ANA, conversation_id)
    said = InboundMessage("M2", paper.shown[0].address, "and this?", read_token="read-me")
    world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((said,)), request))
    typing.reads(world.hub, ANA, conversation_id)
    assert [(each.last, each.token) for each in paper.shown] == [("M1", ""), ("M2", "read-me")]


def test_an_inbox_that_does_not_want_it_shows_nothing(world: World, paper: AttentivePaper) -> None:
    conversation_id = taken(world)
    settings = json.dumps({"rules": {"receipts": False}})
    world.store.write(lambda tx: tx.change(t.inbox, {"id": PAPER}, {"settings": settings}))
    world.hub.inboxes.forget()
    typing.by_agent(world.hub, ANA, conversation_id, on=True)
    typing.reads(world.hub, ANA, conversation_id)
    assert paper.shown == []


def test_who_may_not_answer_is_refused(world: World, paper: AttentivePaper) -> None:
    conversation_id = taken(world)
    world.store.write(lambda tx: tx.change(t.agent, {"id": BEN}, {"role": "editor"}))
    with pytest.raises(Forbidden):
        typing.reads(world.hub, BEN, conversation_id)
    assert paper.shown == []
