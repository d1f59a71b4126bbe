"""Proved by questions or by a code; and what needs a proof is refused without, on every path."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest

import hub
from hub.domain import verification as levels
from hub.domain.errors import Conflict, NotFound, Refused, TooMany
from hub.domain.messages import Address, InboundMessage, Parsed, WebhookRequest
from hub.services import assignment, inbound, verification
from hub.store import tables as t
from tests.fixtures_hub import ANA, PAPER, World

KINDS = {PAPER: "sms"}
NUMBER = "+34600000001"


def text_message(world: World, text: str = "hello") -> str:
    """A conversation with somebody who wrote from a telephone."""
    message = InboundMessage(f"t-{world.clock.now()}", Address("sms", NUMBER), text)
    request, inbox = WebhookRequest("POST", "https://hub.example/webhooks/paper"), world.inbox()
    world.received += world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((message,)), request))
    return world.received[-1].conversation_id


def send(world: World, conversation_id: str) -> str:
    identity_id = world.conversation(conversation_id).identity_id
    return world.store.write(lambda tx: verification.send_code(tx, conversation_id, PAPER, identity_id, KINDS, ANA))


def sent_code(world: World) -> str:
    world.run()
    return [found.group(1) for each in world.paper.sent if (found := re.search(r"code is (\d{6})\.", each.text))][-1]


def check(world: World, conversation_id: str, code: str) -> bool:
    derive = world.hub.box.derive
    return world.store.write(lambda tx: verification.check_code(tx, derive, conversation_id, code, ANA))


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_code_goes_out_by_the_channel_and_rests_nowhere(world: World) -> None:
    conversation_id = text_message(world)
    send(world, conversation_id)
    code = sent_code(world)
    stored = world.thread(conversation_id)
    assert all(code not in text for _, text, _ in stored)
    with world.store.read() as connection:
        for table in (t.message, t.event, t.verification_code):
            assert all(code not in str(value) for row in connection.execute(table.select()) for value in row[1:9])
    assert not check(world, conversation_id, other(code))
    assert check(world, conversation_id, f" {code[:3]} {code[3:]} ")
    conversation = world.conversation(conversation_id)
    assert (conversation.verified_level, conversation.verified_by) == ("verified", "sms_code")
    with pytest.raises(Conflict):
        check(world, conversation_id, code)


def test_a_code_is_good_for_five_tries_and_ten_minutes_and_only_so_many_are_sent(world: World) -> None:
    conversation_id = text_message(world)
    with pytest.raises(Conflict):
        check(world, conversation_id, "000000")
    send(world, conversation_id)
    code = sent_code(world)
    for _ in range(verification.TRIES):
        assert not check(world, conversation_id, other(code))
    with pytest.raises(TooMany):
        check(world, conversation_id, code)
    send(world, conversation_id)
    code = sent_code(world)
    world.clock.pass_time(verification.GOOD_FOR)
    with pytest.raises(Conflict):
        check(world, conversation_id, code)
    send(world, conversation_id)
    with pytest.raises(TooMany):
        send(world, conversation_id)
    assert world.conversation(conversation_id).verified_level == "none"
    with pytest.raises(Refused):
        world.store.write(lambda tx: verification.send_code(tx, conversation_id, PAPER, "nobody", KINDS, ANA))


@pytest.mark.parametrize(
    ("asked", "right", "level"),
    [
        (("address", "customer_number"), ("address", "customer_number"), "verified"),
        (("address", "customer_number"), ("address",), "claimed"),
        (("address",), ("address",), "claimed"),
        (("address", "customer_number"), (), "none"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_agents_questions(world: World, asked: tuple[str, ...], right: tuple[str, ...], level: str) -> None:
    conversation_id = world.say("hello").conversation_id
    contact_id = world.conversation().contact_id
    for name in ("customer_number", "address"):
        world.store.write(
            partial(verification.set_field, contact_id=contact_id, name=name, value="something", agent_id=ANA)
        )
    assert world.store.write(lambda tx: verification.answered(tx, conversation_id, asked, right, ANA)) == level
    assert (world.conversation().verified_level, world.conversation().verified_by) == (level, "questions")
    with pytest.raises(Refused):
        world.store.write(lambda tx: verification.answered(tx, conversation_id, ("shoe_size",), (), ANA))
    with pytest.raises(Refused):
        world.store.write(lambda tx: verification.answered(tx, conversation_id, ("address",), ("phone",), ANA))
    with pytest.raises(NotFound):
        world.store.write(lambda tx: verification.set_field(tx, "nobody", "address", "x", ANA))


def test_levels_are_enough_or_not() -> None:
    for action, needed in levels.REQUIRED.items():
        enough = [level for level in levels.LEVELS if levels.may(action, level)]
        assert enough == list(levels.LEVELS[levels.LEVELS.index(needed) :])


def test_every_path_to_an_order_asks_for_the_level() -> None:
    """Orders are read in one query, which one service calls, which asks; whatever tells an order goes through it."""
    root = Path(hub.__file__).parent
    sources = {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*.py")}
    readers = {name for name, text in sources.items() if "order_record" in text and "/migrations/" not in name}
    assert readers == {
        "store/tables/record.py",
        "store/tables/__init__.py",
        "store/queries/records.py",
        "services/demo.py",
    }
    callers = {name for name, text in sources.items() if re.search(r"\brecords\.order\(", text)}
    assert callers == {"services/records.py", "web/bot_api.py"}
    assert sources["services/records.py"].count('may("tell_order"') == 1


def test_customers_type_the_code_into_the_conversation_themselves(world: World) -> None:
    conversation_id = text_message(world)
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    assert "CodeTyped" not in world.kinds(conversation_id)
    send(world, conversation_id)
    code = sent_code(world)
    text_message(world, other(code))
    world.run()
    assert world.conversation(conversation_id).verified_level == "none"
    assert "not the code" in world.thread(conversation_id)[-1][1]
    text_message(world, f"{code[:3]} {code[3:]}")
    world.run()
    found = world.conversation(conversation_id)
    assert (found.verified_level, found.verified_by, found.verified_identity) == (
        "verified",
        "sms_code",
        found.identity_id,
    )
    assert "code is right" in world.thread(conversation_id)[-1][1]
    text_message(world, code)
    assert world.kinds(conversation_id).count("CodeTyped") == 2, "a code that was used is a number like any other"
