"""What may leave when: reply windows, tags, templates, and inboxes whose account is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.domain import events as e
from hub.domain.errors import ChannelError, Refused
from hub.domain.messages import (
    AccountTrouble,
    Address,
    Delivery,
    DeliveryUpdate,
    InboundMessage,
    Parsed,
    TemplateUpdate,
    WebhookRequest,
)
from hub.domain.reply_window import MessageTag
from hub.domain.templates import Approval, Template, TemplateButton
from hub.jobs.sweeper import Sweeper
from hub.services import delivery, health, inbound, replies, templates
from hub.store import tables as t
from hub.store.queries import stops
from hub.store.queries import templates as template_queries
from hub.testing.fakes import PaperChannel
from tests.fixtures_hub import ANA, PAPER, World

HOUR = 3_600_000_000
DAY = 24 * HOUR
TAG = MessageTag("HUMAN_AGENT", 7 * 86_400, frozenset({"agent"}))
ORDER = Template(
    "t-1",
    "order_shipped",
    "es",
    "utility",
    Approval.APPROVED,
    "Hola {{1}}, su pedido {{2}} va de camino.",
    footer="Lumbre",
    buttons=(TemplateButton("url", "Seguir", "https://lumbre.example/{{1}}"),),
)


class TemplatePaper(PaperChannel):
    """A paper channel whose provider keeps templates."""

    kept: tuple[Template, ...] = ()

    def templates(self) -> tuple[Template, ...]:
        return self.kept


@pytest.fixture
def windowed(world: World) -> World:
    """Customers may be answered for a day; people for seven; with templates always."""
    world.paper.capabilities = replace(world.paper.capabilities, reply_window=86_400, tags=(TAG,), templates=True)
    return world


def wrote(world: World, text: str = "hello", sent_at: int | None = None, window: int | None = None) -> str:
    """A customer's message with the provider's time of it (now unless given). Returns the conversation."""
    at = world.clock.now() if sent_at is None else sent_at
    number = len(world.received)
    message = InboundMessage(f"x-{number}", Address("paper", "customer-1"), text, sent_at=at, window=window)
    inbox = world.inbox()
    received = world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((message,)), WebhookRequest("POST", "x")))
    world.received += received
    return received[0].conversation_id


def says(world: World, conversation_id: str, text: str, **options: Any) -> str:
    """An agent's answer, queued."""
    return world.store.write(
        lambda tx: replies.reply(tx, conversation_id, ANA, text, f"c-{text}-{world.clock.now()}", **options)
    )


def sweep(world: World) -> None:
    """A round of the sweeper, and what it finds to do."""
    Sweeper(world.hub).sweep()
    world.run()


def row(world: World, message_id: str) -> Any:
    with world.store.read() as connection:
        return connection.execute(t.message.select().where(t.message.c.id == message_id)).one()


def test_within_the_window_nothing_is_tagged(windowed: World) -> None:
    says(windowed, wrote(windowed), "an answer")
    windowed.run()
    assert [(each.text, each.tag) for each in windowed.paper.sent if each.text == "an answer"] == [("an answer", "")]


def test_the_window_counts_when_the_message_leaves_not_when_it_is_written(windowed: World) -> None:
    windowed.paper.capabilities = replace(windowed.paper.capabilities, tags=())
    message_id = says(windowed, wrote(windowed), "too late")
    windowed.clock.pass_time(DAY)
    windowed.run()
    assert (row(windowed, message_id).state, row(windowed, message_id).error_code) == ("failed", "window_closed")
    assert [each for each in windowed.paper.sent if each.text == "too late"] == []


def test_a_person_may_use_a_tag_that_the_bot_may_not(windowed: World) -> None:
    conversation_id = wrote(windowed)
    windowed.run()
    windowed.paper.sent.clear()
    windowed.clock.pass_time(2 * DAY)
    by_bot = windowed.store.write(lambda tx: replies.send(tx, conversation_id, "from the bot", e.BOT))
    by_ana = says(windowed, conversation_id, "from Ana")
    windowed.run()
    assert (row(windowed, by_bot).state, row(windowed, by_bot).error_code) == ("failed", "window_closed")
    assert row(windowed, by_ana).state == "sent"
    assert [(each.text, each.tag) for each in windowed.paper.sent] == [("from Ana", "HUMAN_AGENT")]
    windowed.clock.pass_time(5 * DAY)
    late = says(windowed, conversation_id, "after seven days")
    windowed.run()
    assert row(windowed, late).error_code == "window_closed"


def test_a_message_that_was_delayed_opens_no_window(windowed: World) -> None:
    windowed.paper.capabilities = replace(windowed.paper.capabilities, tags=())
    old = windowed.clock.now() - 3 * DAY
    message_id = says(windowed, wrote(windowed, sent_at=old), "an answer")
    windowed.run()
    assert row(windowed, message_id).error_code == "window_closed"


def test_an_older_message_closes_nothing_and_an_advertisement_opens_longer(windowed: World) -> None:
    windowed.paper.capabilities = replace(windowed.paper.capabilities, tags=())
    conversation_id = wrote(windowed, window=7 * 86_400)
    wrote(windowed, "an older one", sent_at=windowed.clock.now() - 2 * DAY)
    windowed.clock.pass_time(6 * DAY)
    message_id = says(windowed, conversation_id, "six days later")
    windowed.run()
    assert row(windowed, message_id).state == "sent"


def test_who_types_too_late_is_told_at_once(windowed: World) -> None:
    windowed.paper.capabilities = replace(windowed.paper.capabilities, tags=())
    conversation_id = wrote(windowed)
    windowed.clock.pass_time(DAY)
    with pytest.raises(Refused, match="comes too late"):
        says(windowed, conversation_id, "hello?", rules={PAPER: windowed.paper.capabilities})


@pytest.fixture
def approved(windowed: World) -> World:
    with windowed.store.read() as connection:
        assert template_queries.of_inbox(connection, PAPER) == ()
    windowed.store.write(lambda tx: template_queries.replace_all(tx, PAPER, (ORDER,)))
    return windowed


def template_id(world: World) -> str:
    with world.store.read() as connection:
        return template_queries.of_inbox(connection, PAPER)[0].id


def test_a_template_leaves_after_the_window_with_its_values(approved: World) -> None:
    conversation_id = wrote(approved)
    approved.clock.pass_time(30 * DAY)
    values = ["Ana", "A-17", "a17"]
    message_id = says(approved, conversation_id, "", template=(template_id(approved), values))
    approved.run()
    sent = approved.paper.sent[-1]
    assert row(approved, message_id).state == "sent"
    assert sent.text == "Hola Ana, su pedido A-17 va de camino.\n\nLumbre"
    assert sent.template is not None
    assert (sent.template.name, sent.template.language, sent.tag) == ("order_shipped", "es", "")
    assert sent.template.at("body") == (("1", "Ana"), ("2", "A-17"))
    assert sent.template.at("button:0") == (("1", "a17"),)


@pytest.mark.parametrize(
    ("values", "field"),
    [(["Ana"], "parameters"), (["Ana", " ", "x"], "parameters"), (["Ana", "A\n17", "x"], "parameters")],
    ids=["too few", "empty", "two lines"],
)
def test_values_that_do_not_fit_are_refused(approved: World, values: list[str], field: str) -> None:
    conversation_id = wrote(approved)
    with pytest.raises(Refused) as refused:
        says(approved, conversation_id, "", template=(template_id(approved), values))
    assert refused.value.field == field


def test_a_template_that_the_provider_paused_is_not_sent(approved: World) -> None:
    conversation_id = wrote(approved)
    update = TemplateUpdate("order_shipped", "es", Approval.PAUSED, "low quality")
    inbox, request = approved.inbox(), WebhookRequest("POST", "x")
    approved.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((update,)), request))
    with pytest.raises(Refused, match="paused"):
        says(approved, conversation_id, "", template=(template_id(approved), ["a", "b", "c"]))
    with approved.store.read() as connection:
        (stored,) = template_queries.of_inbox(connection, PAPER)
    assert (stored.template.approval, stored.template.reason) == (Approval.PAUSED, "low quality")


def test_templates_are_read_from_the_provider_and_keep_their_ids(world: World) -> None:
    paper = TemplatePaper()
    paper.kept = (ORDER, replace(ORDER, name="gone"))
    hub = replace(world.hub, channel_of=lambda _: paper)
    templates.sync(hub, PAPER)
    with world.store.read() as connection:
        ids = {each.template.name: each.id for each in template_queries.of_inbox(connection, PAPER)}
    paper.kept = (replace(ORDER, body="Hola {{1}}: {{2}}"),)
    templates.sync(hub, PAPER)
    with world.store.read() as connection:
        (stored,) = template_queries.of_inbox(connection, PAPER)
    assert (stored.id, stored.template) == (ids["order_shipped"], paper.kept[0])


# --- the account ---


def test_a_refused_account_keeps_everything_and_goes_on_once_it_is_taken_again(world: World) -> None:
    world.paper.errors = [ChannelError("190", "the token has expired", account=True)]
    world.say("hello", sender="customer-1")
    world.run()
    world.paper.sent.clear()
    first = says(world, world.received[-1].conversation_id, "one")
    world.say("hello", sender="customer-2")
    second = says(world, world.received[-1].conversation_id, "two")
    world.run()
    assert world.paper.sent == [], "nothing leaves, and nobody asks again and again"
    with world.store.read() as connection:
        stop = stops.get(connection, PAPER)
        assert stop is not None
        assert (stop.code, stop.reason) == ("190", "the token has expired")
        assert stops.waiting(connection, PAPER) >= 2
    (part,) = [each for each in health.parts(world.hub) if each.name == "sending"]
    assert part.state == "down"
    assert part.detail["error"] == "190 the token has expired"
    assert int(part.detail["waiting"]) >= 2
    assert {row(world, each).state for each in (first, second)} == {"queued"}
    world.clock.pass_time(stops.TRY_AFTER)
    sweep(world)
    assert {row(world, each).state for each in (first, second)} == {"sent"}
    with world.store.read() as connection:
        assert stops.get(connection, PAPER) is None


def test_while_it_lasts_one_message_a_minute_tries_and_none_is_given_up(world: World) -> None:
    world.say("hello")
    world.run()
    conversation_id = world.received[-1].conversation_id
    refused = ChannelError("190", account=True)
    world.paper.errors = [refused] * 40
    message_id = says(world, conversation_id, "patient")
    world.run()
    for _ in range(30):
        world.clock.pass_time(stops.TRY_AFTER)
        sweep(world)
    assert len(world.paper.errors) == 9, "each minute one try, more than a row has attempts"
    world.paper.errors.clear()
    world.clock.pass_time(stops.TRY_AFTER)
    sweep(world)
    assert row(world, message_id).state == "sent"


def test_what_is_refused_in_a_report_waits_for_a_person(world: World) -> None:
    world.say("hello")
    world.run()
    conversation_id = world.received[-1].conversation_id
    message_id = says(world, conversation_id, "unpaid")
    world.run()
    update = DeliveryUpdate(Delivery.FAILED, f"paper-{message_id}", "", "131042", "the bill is not paid", account=True)
    assert world.store.write(lambda tx: delivery.report(tx, PAPER, update))
    next_id = says(world, conversation_id, "kept")
    world.run()
    world.clock.pass_time(10 * stops.TRY_AFTER)
    sweep(world)
    assert row(world, next_id).state == "queued"
    assert world.store.write(lambda tx: stops.lift(tx, PAPER))
    world.run()
    assert row(world, next_id).state == "sent"


def test_the_provider_itself_says_when_the_account_may_send_again(world: World) -> None:
    stopped = AccountTrouble("ACCOUNT_RESTRICTION", "restricted")
    assert world.store.write(lambda tx: delivery.trouble(tx, PAPER, stopped)) is True
    assert world.store.write(lambda tx: delivery.trouble(tx, PAPER, stopped)) is False, "a copy is no news"
    assert world.store.write(lambda tx: delivery.trouble(tx, PAPER, AccountTrouble(""))) is True
    with world.store.read() as connection:
        assert stops.every(connection) == ()
