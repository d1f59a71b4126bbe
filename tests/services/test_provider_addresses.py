"""One person with a number and a user's id at one provider: together, alone, and changed."""

from __future__ import annotations

from hub.domain.messages import Address, InboundMessage, Parsed, Readdressed, WebhookRequest
from hub.services import inbound
from hub.services.inbound import Received
from tests.fixtures_hub import World

NUMBER, OTHER, USER = "+34600111222", "+34600999888", "US.13491208655302741918"


def accept(world: World, event: InboundMessage | Readdressed) -> tuple[Received, ...]:
    inbox, request = world.inbox(), WebhookRequest("POST", "https://hub.example/webhooks/paper")
    return world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((event,)), request))


def says(world: World, words: str, *addresses: str) -> str:
    """The conversation of a message that the first address wrote, the others being the same person's."""
    first, *also = (Address("whatsapp", each) for each in addresses)
    message = InboundMessage(f"x-{words}", first, words, also=tuple(also))
    (received,) = accept(world, message)
    return received.conversation_id


def test_who_came_with_both_is_known_by_either(world: World) -> None:
    first = says(world, "with both", NUMBER, USER)
    assert says(world, "without a number", USER) == first
    assert says(world, "without an id", NUMBER) == first


def test_who_came_with_the_id_alone_is_known_by_the_number_that_comes_later(world: World) -> None:
    first = says(world, "without a number", USER)
    assert says(world, "with both", NUMBER, USER) == first
    assert says(world, "the number alone", NUMBER) == first


def test_two_who_were_known_apart_stay_apart(world: World) -> None:
    one, two = says(world, "the number", NUMBER), says(world, "the id", USER)
    assert one != two
    assert says(world, "both", NUMBER, USER) == one
    assert says(world, "the id again", USER) == two


def test_a_new_number_keeps_the_conversation_and_the_old_one(world: World) -> None:
    first = says(world, "hello", NUMBER)
    changed = Readdressed(Address("whatsapp", NUMBER), Address("whatsapp", OTHER))
    accept(world, changed)
    accept(world, changed)
    assert says(world, "from the new one", OTHER) == first
    assert says(world, "from the old one", NUMBER) == first


def test_a_new_number_of_nobody_known_makes_nobody(world: World) -> None:
    accept(world, Readdressed(Address("whatsapp", NUMBER), Address("whatsapp", OTHER)))
    assert says(world, "one", NUMBER) != says(world, "two", OTHER)
