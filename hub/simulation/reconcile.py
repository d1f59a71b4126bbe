"""The channels' ledgers beside what the hub shows: everything there once, and in order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from hub.simulation.record import Ledger, Said
from hub.simulation.script import MAIL

Kind = Literal["lost", "doubled", "invented", "out_of_order", "unfinished", "unchanged"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WEBCHAT = "webchat"
_SENT = frozenset({"sent", "delivered", "read"})
_UNFINISHED = frozenset({"queued", "sending"})


@dataclass(frozen=True, slots=True)
class HubMessage:
    """A message as the hub's feed shows it. `provider_id` is empty where the provider gave none; `key` is then ours.
    `at` is the moment of its event (seconds since 1970-01-01 UTC), `signs` are the emoji that were put to it."""

    id: str
    provider_id: str
    channel: str
    conversation_id: str
    incoming: bool
    state: str
    text: str
    at: float = 0.0
    signs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.provider_id or self.id

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> HubMessage | None:
        """Of an entry of the feed that brings a message; None for every other.

        What is edited, taken back or given a sign stays the message that it was. What the hub takes for typed by a
        colleague in the provider's app counts as sent by it: were it one of its own, it would stand there twice.
        """
        message = entry["message"]
        if message is None or entry["kind"] not in ("MessageReceived", "MessageQueued", "MessageEchoed"):
            return None
        incoming = message["kind"] == "incoming"
        given = message["provider_id"] or ""
        if message["channel"] == MAIL:
            # A Message-ID is not always one mail's alone, so the hub puts a check sum behind it. What it sends itself
            # is known by its own number, also where nobody knows whether it was sent.
            provider_id = given.rpartition("#")[0] if incoming else message["id"]
        elif message["channel"] == WEBCHAT:
            # The web chat's own ids are unique by visitor, and stand behind the visitor's.
            provider_id = given.rpartition(":")[2]
        else:
            provider_id = given
        return cls(
            id=message["id"],
            provider_id=provider_id,
            channel=message["channel"],
            conversation_id=message["conversation_id"],
            incoming=incoming,
            state=(message["delivery"] or {}).get("state", "" if incoming else "sent"),
            text=message["text"],
            at=datetime.fromisoformat(entry["at"]).timestamp() if "at" in entry else 0.0,
            signs=tuple(each["emoji"] for each in message.get("reactions", ())),
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be. `where` says which way the message went."""

    kind: Kind
    channel: str
    where: Literal["to the hub", "to the customer"]
    provider_id: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.where} ({self.channel}): {self.provider_id}, {self.detail}"


@dataclass(frozen=True, slots=True)
class Result:
    """What was compared, and every difference. `unknown` are messages, by channel, of which the hub itself says that it
    does not know whether they were sent."""

    incoming: int
    outgoing: int
    unknown_on: Mapping[str, int]
    differences: Sequence[Difference]

    @property
    def unknown(self) -> int:
        return sum(self.unknown_on.values())

    def count(self, kind: Kind, channel: str = "") -> int:
        """How many differences there are of a kind, on one channel or on all."""
        return sum(each.kind == kind and channel in ("", each.channel) for each in self.differences)


def reconcile(ledgers: Iterable[Ledger], messages: Sequence[HubMessage], said: Sequence[Said]) -> Result:
    """Compares.

    Args:
        ledgers: of each channel.
        messages: what the hub got and sent since the run's beginning, in the feed's order.
        said: what customers said and knew to be accepted before they said more: across channels, their order.
    """
    differences: list[Difference] = []
    incoming = outgoing = 0
    unknown: dict[str, int] = {}
    for ledger in ledgers:
        here = [each for each in messages if each.channel == ledger.channel]
        arrived = [each for each in here if each.incoming and each.provider_id.startswith(ledger.prefix)]
        incoming += len(ledger.accepted)
        differences += _incoming(ledger, arrived)
        ours = {each.conversation_id for each in arrived} if ledger.prefix else None
        sent = [each for each in here if not each.incoming and (ours is None or each.conversation_id in ours)]
        outgoing += len(ledger.received)
        unknown[ledger.channel] = sum(each.state == "unknown" for each in sent)
        differences += _outgoing(ledger, sent, arrived)
    differences += _order(said, messages)
    return Result(incoming, outgoing, unknown, differences)


def _incoming(ledger: Ledger, arrived: Sequence[HubMessage]) -> list[Difference]:
    """Each accepted message once, as its writer left it, and nothing that nobody wrote. What was refused may be there:
    its answer got lost."""
    found: list[Difference] = []
    texts: dict[str, list[HubMessage]] = defaultdict(list)
    for each in arrived:
        texts[each.provider_id].append(each)

    def difference(kind: Kind, provider_id: str, detail: str) -> None:
        found.append(Difference(kind, ledger.channel, "to the hub", provider_id, detail))

    for provider_id, address in ledger.accepted:
        if not texts[provider_id]:
            difference("lost", provider_id, f"accepted from {address}, the hub does not show it")
    for provider_id, copies in texts.items():
        if len(copies) > 1:
            difference("doubled", provider_id, f"the hub shows {_listed(copies)}")
    for provider_id, (do, words) in ledger.changed.items():
        for shown in texts[provider_id]:
            as_it_is = words in shown.signs if do == "react" else shown.text == words
            if not as_it_is:
                difference("unchanged", provider_id, f"{do} {words[:60]!r}, the hub shows {_listed([shown])}")
    for provider_id in texts.keys() - {each for each, _ in (*ledger.accepted, *ledger.refused)}:
        if texts[provider_id]:
            difference("invented", provider_id, f"nobody sent {_listed(texts[provider_id])}")
    return found


def _outgoing(ledger: Ledger, sent: Sequence[HubMessage], arrived: Sequence[HubMessage]) -> list[Difference]:
    """Each message that the hub says it sent once, nothing else, and each customer's in order."""
    found: list[Difference] = []
    received = Counter(each.provider_id for each in ledger.received)
    known = {each.key: each for each in sent}

    def difference(kind: Kind, provider_id: str, detail: str) -> None:
        found.append(Difference(kind, ledger.channel, "to the customer", provider_id, detail))

    for shown, copies in Counter(each.key for each in sent).items():
        if copies > 1:
            difference("doubled", shown, f"the hub shows it {copies} times")
    for each in sent:
        if each.state in _UNFINISHED:
            difference("unfinished", each.key, f"{each.id} is still {each.state}")
        elif each.state in _SENT and not received[each.key]:
            difference("lost", each.key, f"{each.id} is {each.state}, the ledger has none such")
    for provider_id, copies in received.items():
        if copies > 1:
            difference("doubled", provider_id, f"in the ledger {copies} times")
    # A message whose outcome nobody knows has no id of the provider's: it is found by customer and text.
    with_address = _conversations(ledger, arrived)
    lost_sight_of = Counter(
        (each.conversation_id, each.text) for each in sent if not each.provider_id and not received[each.key]
    )
    for got in ledger.received:
        if got.provider_id in known:
            continue
        place = next((p for c in with_address[got.address] if lost_sight_of[p := (c, got.text)]), None)
        if place:
            lost_sight_of[place] -= 1
        elif any(got.text == other.text and other.conversation_id in with_address[got.address] for other in sent):
            difference("doubled", got.provider_id, f"{got.address} got the same text twice: {got.text[:60]!r}")
        else:
            difference("invented", got.provider_id, f"{got.address} got what the hub does not show: {got.text[:60]!r}")
    places = {each.key: number for number, each in enumerate(sent)}
    last: dict[tuple[str, str], int] = {}
    for got in ledger.received:
        if got.provider_id not in known:
            continue
        key, place_now = (known[got.provider_id].conversation_id, got.address), places[got.provider_id]
        if place_now < last.get(key, -1):
            difference("out_of_order", got.provider_id, f"{got.address} got it after a later one of the conversation")
        last[key] = max(place_now, last.get(key, -1))
    return found


def _conversations(ledger: Ledger, arrived: Sequence[HubMessage]) -> Mapping[str, set[str]]:
    """The conversations that each address has written in."""
    addresses = dict((*ledger.accepted, *ledger.refused))
    found: dict[str, set[str]] = defaultdict(set)
    for each in arrived:
        if each.provider_id in addresses:
            found[addresses[each.provider_id]].add(each.conversation_id)
    return found


def _order(said: Sequence[Said], messages: Sequence[HubMessage]) -> list[Difference]:
    """Each customer's messages in the order in which they were said, over all channels."""
    places = {(each.channel, each.provider_id): number for number, each in enumerate(messages) if each.incoming}
    last: dict[int, int] = {}
    found: list[Difference] = []
    for each in said:
        place = places.get((each.channel, each.taken.provider_id))
        if not each.taken.accepted or place is None:
            continue
        if place < last.get(each.customer, -1):
            detail = f"customer {each.customer} said it later: {each.text[:60]!r}"
            found.append(Difference("out_of_order", each.channel, "to the hub", each.taken.provider_id, detail))
        last[each.customer] = max(place, last.get(each.customer, -1))
    return found


def _listed(copies: Sequence[HubMessage]) -> str:
    return ", ".join(f"{each.id} {each.text[:60]!r}" for each in copies)
