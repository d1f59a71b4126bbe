"""The comparison at the end: silent where all is well, and finding what was planted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.simulation.reconcile import HubMessage, reconcile
from hub.simulation.record import Ledger, Received, Said, Taken, Tally

ANA, BEN = "+34600000001", "+34600000002"
LEDGER = Ledger(
    "sms",
    accepted=[("SM1", ANA), ("SM2", BEN), ("SM3", ANA)],
    refused=[("SM9", BEN)],
    received=[Received("SMa", ANA, "hello"), Received("SMb", BEN, "hola"), Received("SMc", ANA, "bye")],
)


def shown(provider_id: str, conversation: str, *, state: str = "", text: str = "", own_id: str = "") -> HubMessage:
    return HubMessage(
        own_id or f"m-{provider_id}", provider_id, "sms", conversation, incoming=not state, state=state, text=text
    )


MESSAGES = [
    shown("SM1", "c-ana"),
    shown("SMa", "c-ana", state="delivered", text="hello"),
    shown("SM2", "c-ben"),
    shown("SM3", "c-ana"),
    shown("SMb", "c-ben", state="sent", text="hola"),
    shown("SMc", "c-ana", state="read", text="bye"),
]
SAID = [
    Said(1, "sms", "one", Taken("SM1", accepted=True, latency=0.1)),
    Said(2, "sms", "two", Taken("SM2", accepted=True, latency=0.1)),
    Said(1, "sms", "three", Taken("SM3", accepted=True, latency=0.1)),
]


def found(ledger: Ledger, messages: list[HubMessage], said: list[Said] | None = None) -> list[tuple[str, str, str]]:
    result = reconcile([ledger], messages, SAID if said is None else said)
    return [(each.kind, each.where, each.provider_id) for each in result.differences]


def without(messages: list[HubMessage], provider_id: str) -> list[HubMessage]:
    return [each for each in messages if each.provider_id != provider_id]


def test_all_is_well() -> None:
    result = reconcile([LEDGER], MESSAGES, SAID)
    assert (list(result.differences), result.incoming, result.outgoing, result.unknown) == ([], 3, 3, 0)


def test_a_message_that_the_hub_lost() -> None:
    assert found(LEDGER, without(MESSAGES, "SM2")) == [("lost", "to the hub", "SM2")]


def test_a_message_that_the_hub_has_twice() -> None:
    twice = [*MESSAGES, shown("SM1", "c-ana", own_id="m-other")]
    assert ("doubled", "to the hub", "SM1") in found(LEDGER, twice)


def test_a_message_that_nobody_wrote() -> None:
    assert found(LEDGER, [*MESSAGES, shown("SMx", "c-ana")]) == [("invented", "to the hub", "SMx")]


def test_a_refused_message_may_be_there_all_the_same() -> None:
    """The hub had stored it, and the answer got lost."""
    assert found(LEDGER, [*MESSAGES, shown("SM9", "c-ben")]) == []


def test_on_a_channel_where_others_write_only_our_own_count() -> None:
    ledger = Ledger("sms", [("r1-1", ANA), ("r1-2", BEN)], [], [Received("SMa", ANA, "hello")], prefix="r1-")
    messages = [
        shown("r1-1", "c-ana"),
        shown("SMa", "c-ana", state="sent", text="hello"),
        shown("r1-2", "c-ben"),
        shown("someone", "c-other"),
        shown("SMo", "c-other", state="sent", text="to somebody else"),
    ]
    assert found(ledger, messages, []) == []
    assert found(ledger, without(messages, "r1-2"), []) == [("lost", "to the hub", "r1-2")]


def test_a_message_that_never_reached_the_customer() -> None:
    lost = replace(LEDGER, received=[each for each in LEDGER.received if each.provider_id != "SMb"])
    assert found(lost, MESSAGES) == [("lost", "to the customer", "SMb")]


def test_a_message_that_was_sent_twice() -> None:
    twice = replace(LEDGER, received=[*LEDGER.received, Received("SMd", ANA, "hello")])
    assert found(twice, MESSAGES) == [("doubled", "to the customer", "SMd")]


def test_a_message_that_has_our_id_alone_and_was_sent_twice() -> None:
    """The web chat's visitors see our ids, and may have read a message before its channel has given it one."""
    messages = [*without(MESSAGES, "SMb"), shown("", "c-ben", state="read", text="hola", own_id="m-b")]
    received = [LEDGER.received[0], Received("m-b", BEN, "hola"), LEDGER.received[2]]
    assert found(replace(LEDGER, received=received), messages) == []
    again = replace(LEDGER, received=[*received, Received("m-again", BEN, "hola")])
    assert found(again, messages) == [("doubled", "to the customer", "m-again")]


def test_a_message_that_is_in_the_ledger_twice_under_one_id() -> None:
    twice = replace(LEDGER, received=[*LEDGER.received, LEDGER.received[-1]])
    assert found(twice, MESSAGES) == [("doubled", "to the customer", "SMc")]


def test_a_message_to_a_customer_that_the_hub_does_not_know_of() -> None:
    more = replace(LEDGER, received=[*LEDGER.received, Received("SMz", BEN, "who wrote this?")])
    assert found(more, MESSAGES) == [("invented", "to the customer", "SMz")]


@pytest.mark.parametrize("state", ["failed", "unknown"])
def test_what_was_not_surely_sent_may_be_in_the_ledger_once(state: str) -> None:
    unsure = [*without(MESSAGES, "SMb"), shown("", "c-ben", state=state, text="hola", own_id="m-b")]
    assert found(LEDGER, unsure) == []
    assert found(replace(LEDGER, received=LEDGER.received[:1] + LEDGER.received[2:]), unsure) == []
    again = replace(LEDGER, received=[*LEDGER.received, Received("SMd", BEN, "hola")])
    assert found(again, unsure) == [("doubled", "to the customer", "SMd")]
    assert reconcile([LEDGER], unsure, SAID).unknown == (state == "unknown")


def test_a_message_that_is_still_on_its_way() -> None:
    waiting = [*MESSAGES, shown("", "c-ben", state="queued", text="soon", own_id="m-q")]
    assert found(LEDGER, waiting) == [("unfinished", "to the customer", "m-q")]


def test_a_customers_messages_in_another_order() -> None:
    first, *middle = without(MESSAGES, "SM3")
    assert found(LEDGER, [shown("SM3", "c-ana"), first, *middle]) == [("out_of_order", "to the hub", "SM3")]


def test_order_holds_over_channels() -> None:
    said = [
        Said(1, "webchat", "one", Taken("chat-1", accepted=True)),
        Said(1, "sms", "two", Taken("SM1", accepted=True)),
    ]
    chat = HubMessage("m-0", "chat-1", "webchat", "c-ana", incoming=True, state="", text="one")
    ledgers = [Ledger("webchat", [("chat-1", "1")], [], [], "chat-"), LEDGER]
    assert reconcile(ledgers, [chat, *MESSAGES], said).differences == []
    (late,) = reconcile(ledgers, [*MESSAGES, chat], said).differences
    assert (late.kind, late.provider_id) == ("out_of_order", "SM1")


def test_answers_in_another_order() -> None:
    one, two, three = LEDGER.received
    assert found(replace(LEDGER, received=[three, two, one]), MESSAGES) == [("out_of_order", "to the customer", "SMa")]


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert Tally().percentile(0.5) is None
    tally = Tally(latencies=[each / 100 for each in range(100, 0, -1)])
    assert [tally.percentile(share) for share in (0.5, 0.95, 0.99)] == [0.5, 0.95, 0.99]


def mail(kind: str, **message: object) -> HubMessage:
    told = {"id": "01JD", "channel": "email", "conversation_id": "c", "text": "", "delivery": None, **message}
    entry = {"kind": "MessageReceived" if kind == "incoming" else "MessageQueued", "message": {**told, "kind": kind}}
    found = HubMessage.from_entry(entry)
    assert found is not None
    return found


def test_a_mail_is_known_by_its_message_id_and_ours_by_our_number_also_where_nobody_knows_its_fate() -> None:
    assert mail("incoming", provider_id="a:b@mail.example#0123456789abcdef").key == "a:b@mail.example"
    unknown = mail("outgoing", provider_id=None, delivery={"state": "unknown"})
    assert unknown.key == "01JD"
    ledger = Ledger("email", accepted=[], refused=[], received=[Received("01JD", "ana@mail.example", "hello")])
    assert list(reconcile([ledger], [unknown], []).differences) == []
    twice = replace(ledger, received=[*ledger.received, *ledger.received])
    assert [each.kind for each in reconcile([twice], [unknown], []).differences] == ["doubled"]


def entry(event: str, channel: str, provider_id: str, **message: object) -> dict[str, object]:
    told: dict[str, object] = {"id": "01JD", "channel": channel, "conversation_id": "c", "text": "hello"}
    told |= {"kind": "outgoing", "delivery": None, "provider_id": provider_id, **message}
    return {"kind": event, "at": "2026-11-22T10:00:00Z", "message": told}


@pytest.mark.parametrize(
    ("channel", "given", "known_as"),
    [
        ("telegram", "34600:17", "34600:17"),
        ("slack", "action:D34600:1.2", "action:D34600:1.2"),
        ("webchat", "01JDVISITOR:run-1-2", "run-1-2"),
        ("whatsapp", "wamid.A", "wamid.A"),
    ],
)
def test_a_message_is_known_by_the_whole_id_that_its_provider_gave(channel: str, given: str, known_as: str) -> None:
    message = HubMessage.from_entry(entry("MessageReceived", channel, given, kind="incoming"))
    assert message is not None
    assert (message.provider_id, message.incoming) == (known_as, True)


def test_what_happens_to_a_message_later_makes_no_other() -> None:
    for kind in ("MessageEdited", "MessageDeleted", "ReactionChanged", "DeliveryChanged"):
        assert HubMessage.from_entry(entry(kind, "slack", "D1:1.1")) is None


def test_one_of_its_own_that_the_hub_takes_for_a_colleagues_is_found() -> None:
    own = HubMessage.from_entry(entry("MessageQueued", "messenger", "m_1", delivery={"state": "sent"}))
    echoed = HubMessage.from_entry(entry("MessageEchoed", "messenger", "m_1", id="01JE"))
    assert own is not None
    assert echoed is not None
    assert echoed.state == "sent"
    ledger = Ledger("messenger", [], [], [Received("m_1", ANA, "hello")])
    assert reconcile([ledger], [own], []).differences == []
    assert [each.kind for each in reconcile([ledger], [own, echoed], []).differences] == ["doubled"]
