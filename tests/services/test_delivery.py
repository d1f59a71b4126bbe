"""Messages on their way out: nothing twice, nothing back, and the truth where nobody knows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hub.domain.errors import ChannelError, DatabaseAway
from hub.domain.messages import (
    Address,
    Deletion,
    Delivery,
    DeliveryUpdate,
    InboundMessage,
    OutboundMessage,
    Parsed,
    Receipt,
    WebhookRequest,
)
from hub.services import attachments, delivery, inbound, replies
from hub.store import replay
from hub.store import tables as t
from hub.testing.fakes import PaperChannel
from tests.fixtures_hub import ANA, PAPER, WEB, World

MINUTE = 60_000_000


def reply(world: World, words: str, number: int = 0) -> str:
    """An agent's answer in the latest conversation. Returns the message's id."""
    conversation_id = world.received[-1].conversation_id
    return world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, words, f"{words}-{number}"))


def answered(world: World, words: str = "an answer") -> str:
    """A customer's message that an agent has answered; nothing is delivered yet."""
    world.say("hello")
    world.nudger.take()
    return reply(world, words)


def message(world: World, message_id: str) -> Any:
    with world.store.read() as connection:
        return connection.execute(t.message.select().where(t.message.c.id == message_id)).one()


def state(world: World, message_id: str) -> str:
    return str(message(world, message_id).state)


def report(world: World, update: DeliveryUpdate, inbox_id: str = PAPER) -> bool:
    return world.store.write(lambda tx: delivery.report(tx, inbox_id, update))


def agree(world: World) -> bool:
    with world.store.read() as connection:
        return replay.check(connection).differences == []


@pytest.fixture
def idempotent(world: World) -> World:
    world.paper.capabilities = PaperChannel(idempotent=True).capabilities
    return world


def test_a_message_is_sent_once_with_our_id_and_has_the_providers(world: World) -> None:
    message_id = answered(world)
    world.run()
    (sent,) = world.paper.sent
    assert (sent.message_id, sent.text, sent.address.value) == (message_id, "an answer", "customer-1")
    assert (state(world, message_id), message(world, message_id).provider_id) == ("sent", f"paper-{message_id}")
    assert agree(world)


def test_sending_is_committed_before_anything_is_sent(world: World) -> None:
    message_id = answered(world)
    seen: list[str] = []
    world.paper.after_send = lambda sent: seen.append(state(world, sent.message_id))
    world.run()
    assert seen == ["sending"]
    assert state(world, message_id) == "sent"


@pytest.mark.parametrize(
    "reports", [("delivered", "read"), ("read", "delivered"), ("read", "sent", "delivered", "failed")]
)
def test_reports_move_a_message_forward_only(world: World, reports: tuple[str, ...]) -> None:
    message_id = answered(world)
    world.run()
    moved = [report(world, DeliveryUpdate(Delivery(each), f"paper-{message_id}", error_code="7")) for each in reports]
    assert state(world, message_id) == "read"
    assert moved == [each == "read" or (each == "delivered" and reports[0] != "read") for each in reports]
    assert report(world, DeliveryUpdate(Delivery.READ, message_id=message_id)) is False, "a repeated one is no news"
    assert message(world, message_id).error_code in ("", "7")
    assert agree(world)


def test_what_failed_and_then_arrived_after_all_did_not_fail(world: World) -> None:
    message_id = answered(world)
    world.run()
    assert report(world, DeliveryUpdate(Delivery.FAILED, f"paper-{message_id}", error_code="30003", error_text="off"))
    assert (state(world, message_id), message(world, message_id).error_code) == ("failed", "30003")
    assert report(world, DeliveryUpdate(Delivery.DELIVERED, f"paper-{message_id}"))
    assert (state(world, message_id), message(world, message_id).error_code) == ("delivered", "")
    assert agree(world)


@pytest.mark.parametrize(
    "update",
    [
        DeliveryUpdate(Delivery.READ, provider_id="never heard of"),
        DeliveryUpdate(Delivery.READ, message_id="never heard of"),
        DeliveryUpdate(Delivery.READ),
    ],
)
def test_a_report_on_a_message_that_we_do_not_know_changes_nothing(world: World, update: DeliveryUpdate) -> None:
    answered(world, "one")
    world.run()
    reply(world, "two")
    events = world.count(t.event)
    assert report(world, update) is False
    assert world.count(t.event) == events


def test_a_report_of_another_inbox_or_on_a_customers_message_changes_nothing(world: World) -> None:
    message_id = answered(world)
    world.run()
    assert report(world, DeliveryUpdate(Delivery.READ, f"paper-{message_id}"), WEB) is False
    assert report(world, DeliveryUpdate(Delivery.READ, message_id=world.received[0].message_id)) is False


def test_twenty_copies_of_a_report_at_once_are_one_event(world: World) -> None:
    message_id = answered(world)
    world.run()
    barrier = threading.Barrier(20)

    def at_once() -> bool:
        barrier.wait(30)
        return report(world, DeliveryUpdate(Delivery.DELIVERED, f"paper-{message_id}"))

    with ThreadPoolExecutor(20) as pool:
        changed = [each.result(60) for each in [pool.submit(at_once) for _ in range(20)]]
    assert changed.count(True) == 1
    assert world.kinds().count("DeliveryChanged") == 3, "sending, sent, delivered"


def dies_after_sending(_: OutboundMessage) -> None:
    raise KeyboardInterrupt


def crash(world: World) -> int:
    """The process dies after the provider took the message and before that is committed."""
    (outbox_id,) = world.nudger.take()
    world.paper.after_send = dies_after_sending
    with pytest.raises(KeyboardInterrupt):
        world.assembled.runner.run(outbox_id)
    world.paper.after_send = lambda _: None
    return outbox_id


def test_after_a_crash_nobody_knows_and_it_says_so(world: World) -> None:
    message_id = answered(world)
    outbox_id = crash(world)
    assert world.assembled.runner.run(outbox_id) is False, "the lease holds"
    world.clock.pass_time(MINUTE)
    assert world.assembled.runner.run(outbox_id) is True
    assert (state(world, message_id), message(world, message_id).error_code) == ("unknown", "interrupted")
    assert len(world.paper.sent) == 1, "never sent again blindly"
    assert report(world, DeliveryUpdate(Delivery.DELIVERED, message_id=message_id)), "unknown yields to a fact"
    assert state(world, message_id) == "delivered"
    assert agree(world)


def test_after_a_crash_an_idempotent_provider_is_asked_again_and_sends_once(idempotent: World) -> None:
    message_id = answered(idempotent)
    outbox_id = crash(idempotent)
    idempotent.clock.pass_time(MINUTE)
    assert idempotent.assembled.runner.run(outbox_id) is True
    assert state(idempotent, message_id) == "sent"
    assert [sent.message_id for sent in idempotent.paper.sent] == [message_id]


def test_a_crash_before_anything_was_sent_costs_only_time(world: World) -> None:
    """It dies before `sending` is committed; then the provider is busy once. Neither makes the message unknown."""
    message_id = answered(world)
    (outbox_id,) = world.nudger.take()
    write = world.store.write
    calls: list[int] = []

    def dies_at_the_second_write(use_case: Any, **how: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return write(use_case, **how)

    world.store.write = dies_at_the_second_write  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        world.assembled.runner.run(outbox_id)
    world.store.write = write  # type: ignore[method-assign]
    assert state(world, message_id) == "queued"
    world.paper.errors = [ChannelError("429", "slow down")]
    world.clock.pass_time(MINUTE)
    assert world.assembled.runner.run(outbox_id) is True
    world.clock.pass_time(MINUTE)
    assert world.assembled.runner.run(outbox_id) is True
    assert state(world, message_id) == "sent"
    assert len(world.paper.sent) == 1


def test_whoever_was_kept_waiting_until_another_had_the_message_sends_nothing(world: World) -> None:
    """It is claimed and read; then the machine stands still for longer than the lease."""
    message_id = answered(world)
    (outbox_id,) = world.nudger.take()
    write = world.store.write
    calls: list[int] = []

    def stands_still_before_the_second_write(use_case: Any, **how: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            world.clock.pass_time(MINUTE)
            assert world.assembled.runner.run(outbox_id) is True
        return write(use_case, **how)

    world.store.write = stands_still_before_the_second_write  # type: ignore[method-assign]
    assert world.assembled.runner.run(outbox_id) is True
    assert [sent.message_id for sent in world.paper.sent] == [message_id]
    assert state(world, message_id) == "sent"
    assert agree(world)


@pytest.mark.parametrize("attempts", [1, 10])
def test_what_was_sent_and_could_not_be_written_down_is_never_sent_again(world: World, attempts: int) -> None:
    message_id = answered(world)
    (outbox_id,) = world.nudger.take()
    world.paper.errors = [ChannelError("429", "slow down") for _ in range(1, attempts)]
    for _ in range(1, attempts):
        assert world.assembled.runner.run(outbox_id) is True
        world.clock.pass_time(10 * MINUTE)
    write = world.store.write
    calls: list[int] = []

    def is_away_at_the_third_write(use_case: Any, **how: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise DatabaseAway("the database does not answer")
        return write(use_case, **how)

    world.store.write = is_away_at_the_third_write  # type: ignore[method-assign]
    for _ in range(2):
        world.assembled.runner.run(outbox_id)
        world.clock.pass_time(10 * MINUTE)
    assert [sent.message_id for sent in world.paper.sent] == [message_id]
    assert state(world, message_id) == "unknown"
    assert agree(world)


def test_an_unknown_outcome_is_never_sent_again(world: World) -> None:
    message_id = answered(world)
    (outbox_id,) = world.nudger.take()
    world.paper.errors = [ChannelError("timeout", "no answer in time", unknown=True)]
    assert world.assembled.runner.run(outbox_id) is True
    world.clock.pass_time(10 * MINUTE)
    assert world.assembled.runner.run(outbox_id) is False, "its row is done"
    assert len(world.paper.sent) == 1
    found = message(world, message_id)
    assert (found.state, found.error_code, found.error_text) == ("unknown", "timeout", "no answer in time")


def test_an_unknown_outcome_is_tried_again_where_the_provider_knows_our_id(idempotent: World) -> None:
    message_id = answered(idempotent)
    (outbox_id,) = idempotent.nudger.take()
    idempotent.paper.errors = [ChannelError("timeout", unknown=True)]
    idempotent.assembled.runner.run(outbox_id)
    idempotent.clock.pass_time(MINUTE)
    idempotent.assembled.runner.run(outbox_id)
    assert state(idempotent, message_id) == "sent"
    assert len(idempotent.paper.sent) == 1


def test_a_channel_that_breaks_while_it_sends_is_unknown_and_not_sent_ten_times(world: World) -> None:
    message_id = answered(world)
    world.paper.after_send = lambda _: {}["the provider's answer has no such field"]
    world.run()
    world.clock.pass_time(10 * MINUTE)
    world.run()
    assert (state(world, message_id), message(world, message_id).error_code) == ("unknown", "channel_failed")
    assert len(world.paper.sent) == 1


def test_a_busy_provider_is_asked_again_when_it_said_and_sends_once(world: World) -> None:
    message_id = answered(world)
    (outbox_id,) = world.nudger.take()
    world.paper.errors = [ChannelError("429", "slow down", retry_after=30.0)]
    world.assembled.runner.run(outbox_id)
    assert state(world, message_id) == "sending"
    world.clock.pass_time(29_000_000)
    assert world.assembled.runner.run(outbox_id) is False
    world.clock.pass_time(2_000_000)
    assert world.assembled.runner.run(outbox_id) is True
    assert state(world, message_id) == "sent"
    assert len(world.paper.sent) == 1


def test_a_permanent_error_fails_with_the_providers_code_and_words(world: World) -> None:
    message_id = answered(world)
    world.paper.errors = [ChannelError("21610", "x" * 900, permanent=True)]
    world.run()
    found = message(world, message_id)
    assert (found.state, found.error_code, found.error_text) == ("failed", "21610", "x" * 500)
    assert world.paper.sent == []
    assert agree(world)


def test_a_provider_that_stays_busy_fails_the_message_in_the_end(world: World) -> None:
    message_id = answered(world)
    (outbox_id,) = world.nudger.take()
    world.paper.errors = [ChannelError("503", "busy") for _ in range(20)]
    runs = 0
    while state(world, message_id) != "failed":
        assert world.assembled.runner.run(outbox_id) is True
        world.clock.pass_time(10 * MINUTE)
        runs += 1
    assert runs == 10
    assert message(world, message_id).error_code == "503"


def test_the_order_is_kept_when_the_first_of_a_conversation_has_to_wait(world: World) -> None:
    answered(world, "one")
    reply(world, "two")
    first, second = world.nudger.take()
    world.say("hello", sender="somebody else")
    world.nudger.take()
    reply(world, "to another")
    (other,) = world.nudger.take()
    world.paper.errors = [ChannelError("429", "slow down")]
    run = world.assembled.runner.run
    assert run(first) is True
    assert run(second) is False
    assert run(other) is True
    world.clock.pass_time(MINUTE)
    assert run(first) is True
    assert world.nudger.take() == [second]
    assert run(second) is True
    assert [sent.text for sent in world.paper.sent] == ["to another", "one", "two"]


def test_a_message_that_failed_lets_the_next_one_go(world: World) -> None:
    first = answered(world, "one")
    second = reply(world, "two")
    world.paper.errors = [ChannelError("21610", permanent=True)]
    world.run()
    assert (state(world, first), state(world, second)) == ("failed", "sent")


def test_buttons_and_addresses_reach_the_channel(world: World) -> None:
    world.say("qwxz")
    world.run()
    (sent,) = world.paper.sent
    assert [(button.title, button.payload) for button in sent.buttons] == [("Talk to a person", "/ask_human")]
    assert (sent.address.channel, sent.address.value, sent.address.display_name) == (
        "paper",
        "customer-1",
        "Carla Ruiz",
    )


def write_to(world: World, own: str, external_id: str) -> None:
    """A customer's message to one of our addresses."""
    said = InboundMessage(external_id, Address("paper", "customer-1"), "hello", to=own)
    inbox, request = world.inbox(), WebhookRequest("POST", "https://hub.example/webhooks/paper")
    world.received.extend(world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((said,)), request)))
    world.nudger.take()


def test_an_answer_goes_out_from_the_address_that_the_customer_last_wrote_to(world: World) -> None:
    for number, own in enumerate(("+34910000001", "+34910000002", "")):
        write_to(world, own, f"to-{number}")
        reply(world, "an answer", number)
        world.run()
    assert [sent.sender for sent in world.paper.sent] == ["+34910000001", "+34910000002", ""]


@pytest.fixture
def in_web_chat(world: World) -> Callable[[str], list[str]]:
    """Three answers to a visitor each, in their web chats. Returns the messages' ids of one."""

    def answers(visitor: str) -> list[str]:
        world.say("hello", inbox_id=WEB, sender=visitor)
        return [reply(world, f"to {visitor} {number}") for number in range(3)]

    return answers


def seen(world: World, visitor: str, message_id: str, state: Delivery = Delivery.READ, inbox_id: str = WEB) -> int:
    return world.store.write(lambda tx: delivery.seen(tx, inbox_id, "webchat", visitor, message_id, state))


def test_what_a_customer_has_seen_is_marked_up_to_there(world: World, in_web_chat: Callable[[str], list[str]]) -> None:
    mine, others = in_web_chat("mine"), in_web_chat("other")
    assert seen(world, "mine", mine[1], Delivery.DELIVERED) == 2
    assert seen(world, "mine", mine[0]) == 1
    assert [state(world, each) for each in mine] == ["read", "delivered", "queued"]
    assert [state(world, each) for each in others] == ["queued"] * 3
    assert seen(world, "mine", mine[1], Delivery.DELIVERED) == 0, "read is not moved back"
    assert agree(world)


def test_nobody_marks_what_others_were_sent(world: World, in_web_chat: Callable[[str], list[str]]) -> None:
    mine, others = in_web_chat("mine"), in_web_chat("other")
    assert seen(world, "mine", others[2]) == 0
    assert seen(world, "mine", mine[2], inbox_id=PAPER) == 0
    assert seen(world, "mine", "never heard of") == 0
    assert seen(world, "stranger", mine[2]) == 0
    assert {state(world, each) for each in mine + others} == {"queued"}


def test_a_report_that_overtakes_our_own_commit_finds_its_message_by_our_id(world: World) -> None:
    """The provider calls back while its answer to our send is still on the wire."""
    message_id = answered(world)
    early = DeliveryUpdate(Delivery.DELIVERED, provider_id="paper-early", message_id=message_id)
    reports: list[bool] = []
    world.paper.after_send = lambda _: reports.append(report(world, early))
    world.run()
    assert reports == [True]
    assert state(world, message_id) == "delivered", "our `sent` comes later and moves nothing back"
    assert message(world, message_id).provider_id == f"paper-{message_id}"
    assert agree(world)


def test_what_is_unknown_is_settled_by_a_later_report(world: World) -> None:
    message_id = answered(world)
    world.paper.errors = [ChannelError("timeout", "no answer in time", unknown=True)]
    world.run()
    assert state(world, message_id) == "unknown"
    assert report(world, DeliveryUpdate(Delivery.SENT, provider_id="SM1", message_id=message_id))
    assert report(world, DeliveryUpdate(Delivery.DELIVERED, provider_id="SM1")), "it brought the provider's id"
    found = message(world, message_id)
    assert (found.state, found.provider_id, found.error_code, found.error_text) == ("delivered", "SM1", "", "")
    assert agree(world)


class Asked:
    """A provider that can be asked what became of a message."""

    def __init__(self, world: World, *answers: Receipt | ChannelError | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []
        self.messages: list[OutboundMessage] = []
        world.paper.find_sent = self.find_sent  # type: ignore[attr-defined]

    def find_sent(self, message: OutboundMessage, *, since: int) -> Receipt | None:
        self.asked.append((message.message_id, since))
        self.messages.append(message)
        answer = self.answers.pop(0)
        if isinstance(answer, ChannelError):
            raise answer
        return answer


def run_to_the_end(world: World, outbox_id: int) -> int:
    """Runs a row until it is done; returns how often it ran."""
    runs = 0
    while world.assembled.runner.run(outbox_id):
        world.clock.pass_time(10 * MINUTE)
        runs += 1
    return runs


@pytest.mark.parametrize("then", ["they take it back", "they write elsewhere"])
def test_the_provider_is_asked_for_it_where_it_was_sent_by_whatever_the_customer_does_since(
    world: World, then: str
) -> None:
    """LINE takes an answer by a word that came with what it answers: without that word it looks like a push, and the
    question what became of it would send it once more."""
    world.say("hello", sender="customer-1", external_id="M1", to="way-back-1")
    world.nudger.take()
    message_id = reply(world, "an answer")
    (outbox_id,) = world.nudger.take()
    asked = Asked(world, ChannelError("503", "busy"), None)
    world.paper.errors = [ChannelError("timeout", unknown=True)]
    assert world.assembled.runner.run(outbox_id)
    assert state(world, message_id) == "unknown"
    if then == "they take it back":
        address = Address("paper", "customer-1", display_name="Carla Ruiz")
        request = WebhookRequest("POST", "https://hub.example/webhooks/paper")
        taken_back = Parsed((Deletion("M1", address),))
        world.store.write(lambda tx: inbound.accept(tx, world.inbox(), taken_back, request))
    else:
        world.say("one more thing", sender="customer-1", external_id="M2", to="way-back-2")
    world.clock.pass_time(10 * MINUTE)
    run_to_the_end(world, outbox_id)
    assert [each.sender for each in asked.messages] == ["way-back-1"] * 2


def test_after_a_time_out_the_provider_is_asked_and_nothing_is_sent_again(world: World) -> None:
    queued_at = world.clock.now()
    message_id = answered(world)
    (outbox_id,) = world.nudger.take()
    asked = Asked(world, ChannelError("503", "busy"), Receipt("SM7", Delivery.DELIVERED))
    world.paper.errors = [ChannelError("timeout", unknown=True)]
    assert run_to_the_end(world, outbox_id) == 3
    assert [each for each, _ in asked.asked] == [message_id] * 2
    assert queued_at < asked.asked[0][1] < world.clock.now() - 10 * MINUTE
    found = message(world, message_id)
    assert (found.state, found.provider_id, len(world.paper.sent)) == ("delivered", "SM7", 1)
    assert agree(world)


@pytest.mark.parametrize("answer", [None, ChannelError("404", permanent=True)])
def test_what_the_provider_does_not_know_either_stays_unknown(world: World, answer: ChannelError | None) -> None:
    message_id = answered(world)
    (outbox_id,) = world.nudger.take()
    asked = Asked(world, answer)
    world.paper.errors = [ChannelError("timeout", unknown=True)]
    assert run_to_the_end(world, outbox_id) == 2
    assert (state(world, message_id), len(asked.asked), len(world.paper.sent)) == ("unknown", 1, 1)


def test_a_provider_that_never_answers_leaves_it_unknown(world: World) -> None:
    message_id = answered(world)
    (outbox_id,) = world.nudger.take()
    Asked(world, *(ChannelError("503") for _ in range(20)))
    world.paper.errors = [ChannelError("timeout", unknown=True)]
    assert run_to_the_end(world, outbox_id) == 10
    assert (state(world, message_id), len(world.paper.sent)) == ("unknown", 1)
    assert agree(world)


@pytest.mark.parametrize("found", [True, False])
def test_after_a_crash_the_provider_is_asked_at_once(world: World, found: bool) -> None:
    message_id = answered(world)
    (outbox_id,) = world.nudger.take()
    Asked(world, ChannelError("503"), Receipt("SM8") if found else None)

    def dies(_: object) -> None:
        raise KeyboardInterrupt

    world.paper.after_send = dies
    with pytest.raises(KeyboardInterrupt):
        world.assembled.runner.run(outbox_id)
    world.clock.pass_time(2 * MINUTE)
    assert run_to_the_end(world, outbox_id) == 2
    assert len(world.paper.sent) == 1
    assert (state(world, message_id), message(world, message_id).provider_id) == (
        ("sent", "SM8") if found else ("unknown", None)
    )
    assert agree(world)


def test_files_go_out_with_an_address_that_the_provider_can_fetch(world: World) -> None:
    kept = attachments.store(
        world.hub,
        owner=attachments.agent_owner(ANA),
        name="bill.txt",
        content=b"42",
        limit=100,
        media_types=("text/plain",),
    )
    conversation_id = world.say("hello").conversation_id
    world.nudger.take()
    files = (kept.attachment_id,)
    world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, "your bill", "c", files))
    world.run()
    (sent,) = world.paper.sent
    (file,) = sent.attachments
    assert (file.name, file.size) == ("bill.txt", 2)
    public, _, signature = file.url.partition("?signature=")
    assert public == f"{world.hub.settings.public_url}/api/v1/attachments/{kept.attachment_id}"
    attachments.links(world.hub).check(kept.attachment_id, signature)


def test_a_message_is_looked_up_as_it_was_sent(world: World) -> None:
    """Its files' addresses may be part of its text at the provider."""
    kept = attachments.store(
        world.hub, owner=attachments.agent_owner(ANA), name="a.txt", content=b"1", limit=9, media_types=("text/plain",)
    )
    conversation_id = world.say("hello").conversation_id
    world.nudger.take()
    files = (kept.attachment_id,)
    world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, "here", "c", files))
    (outbox_id,) = world.nudger.take()
    asked = Asked(world, Receipt("SM9"))
    world.paper.errors = [ChannelError("timeout", unknown=True)]
    run_to_the_end(world, outbox_id)
    assert asked.messages == world.paper.sent


def test_a_provider_that_gives_two_messages_one_id_breaks_nothing(world: World) -> None:
    older, newer = answered(world), reply(world, "another")
    world.run()
    for each in (older, newer):
        world.store.write(lambda tx, each=each: tx.change(t.message, {"id": each}, {"provider_id": "the same"}))
    assert report(world, DeliveryUpdate(Delivery.DELIVERED, provider_id="the same"))
    assert (state(world, older), state(world, newer)) == ("sent", "delivered")
