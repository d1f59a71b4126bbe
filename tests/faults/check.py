"""What must be true after a schedule, by the ledgers of the other side, never by the hub's own tables.

The hub's side is what its public feed shows to a screen. One thing is asked of the store: whether its projections are
what its log says (`replay --check`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from hub.simulation.reconcile import HubMessage, reconcile
from hub.simulation.record import Ledger, Received
from tests.faults.people import Customer, Follower, Visitor
from tests.faults.providers import Providers
from tests.faults.stalls import Stalls

DEGRADED = 3.0  # seconds, in which a customer hears something whatever is away


def ledgers(providers: Providers, customers: Sequence[Customer], visitors: Sequence[Visitor]) -> list[Ledger]:
    """Each channel's other side."""
    accepted: dict[str, str] = {}
    journal = _journal(providers)
    sms = {each.sid: each for each in providers.ledger.changes(after=1, limit=1000)}
    for entry in journal:
        if entry["kind"] == "webhook" and 200 <= entry["status"] < 300 and entry["sid"] in sms:
            accepted.setdefault(entry["sid"], sms[entry["sid"]].customer)
    by_id = sorted(sms.values(), key=lambda each: each.id)
    refused = [(each.sid, each.customer) for each in by_id if each.origin == "customer" and each.sid not in accepted]
    sent = [Received(each.sid, each.customer, each.body) for each in by_id if each.origin == "hub"]
    mails = sorted(providers.mail_ledger.changes(after=1, limit=1000), key=lambda each: each.id)
    written = [each for each in mails if each.origin != "hub" and each.kind != "bounce"]
    got = [
        Received(each.message_id.partition("@")[0], each.customer, each.text.partition("\n\n-- \n")[0])
        for each in mails
        if each.origin == "hub" and each.status == "received"
    ]
    chats = [said for each in customers if each.channel == "webchat" for said in each.said]
    return [
        Ledger("sms", list(accepted.items()), refused, sent),
        Ledger(
            "email",
            [(each.message_id, each.customer) for each in written if each.status == "accepted"],
            [(each.message_id, each.customer) for each in written if each.status != "accepted"],
            got,
        ),
        Ledger(
            "webchat",
            [(each.taken.provider_id, str(each.customer)) for each in chats if each.taken.accepted],
            [(each.taken.provider_id, str(each.customer)) for each in chats if not each.taken.accepted],
            [each for visitor in visitors for each in visitor.received()],
            "visit-",
        ),
    ]


def violations(
    providers: Providers,
    customers: Sequence[Customer],
    visitors: Sequence[Visitor],
    follower: Follower,
    whole: Sequence[dict[str, Any]],
    stalls: Stalls,
    *,
    answered: bool = True,
    degraded: float = DEGRADED,
) -> list[str]:
    """Everything that is not as promised; empty where all is.

    Args:
        providers: with the ledgers.
        customers: with what they said.
        visitors: those of them in the web chat.
        follower: the screen that followed the feed through everything.
        whole: the feed, read again from its beginning when all was over.
        stalls: how long the machine kept everybody waiting.
        answered: whether somebody who writes is to hear something by themselves.
        degraded: seconds in which they are.
    """
    found: list[str] = []
    sides = ledgers(providers, customers, visitors)
    messages = [each for entry in whole if (each := HubMessage.from_entry(entry)) is not None]
    said = [each for customer in customers for each in customer.said]
    found += [str(each) for each in reconcile(sides, messages, said).differences]
    found += _feed(follower, whole)
    found += _doubts(providers, sides, messages)
    found += _both(whole)
    if answered:
        found += _unanswered(providers, customers, follower, stalls, degraded, sides, messages)
    return found


def delays(providers: Providers, customers: Sequence[Customer], follower: Follower, stalls: Stalls) -> list[float]:
    """Seconds that each customer waited for the first answer while the hub was there and had a core."""
    _first_answers(providers, customers)
    waits = []
    for each in customers:
        if not (each.accepted_at and each.answered_at):
            continue
        away = sum(
            max(0.0, min(until, each.answered_at) - max(since, each.accepted_at)) for since, until in follower.downs
        )
        stalled = stalls.between(each.accepted_at, each.answered_at)
        waits.append(max(0.0, each.answered_at - each.accepted_at - away - stalled))
    return waits


def _journal(providers: Providers) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := providers.ledger.entries(after=found[-1]["id"] if found else 0, limit=1000):
        found += page
    return found


def _feed(follower: Follower, whole: Sequence[dict[str, Any]]) -> list[str]:
    """A screen that looks again and again has been told everything, once, and in the order of the feed."""
    seen = [entry["cursor"] for entry in follower.entries]
    there = [entry["cursor"] for entry in whole]
    found = [f"feed: a screen was told {count} times of {each}" for each, count in Counter(seen).items() if count > 1]
    missed = set(there) - set(seen)
    found += [f"feed: a screen was never told of {e['kind']} {e['cursor']}" for e in whole if e["cursor"] in missed]
    if not missed and seen != there and not found:
        found.append("feed: a screen was told in another order")
    return found


def _doubts(providers: Providers, sides: Sequence[Ledger], messages: Sequence[HubMessage]) -> list[str]:
    """Nothing that reached a customer is called failed; nothing is doubted whose answer the hub was given."""
    found: list[str] = []
    undelivered = {each.sid for each in providers.ledger.changes(after=1, limit=1000) if each.error_code}
    received = {
        (each.text, ledger.channel)
        for ledger in sides
        for each in ledger.received
        if each.provider_id not in undelivered
    }
    mails = {each.provider_id for ledger in sides if ledger.channel == "email" for each in ledger.received}
    for each in messages:
        there = each.id in mails if each.channel == "email" else (each.text, each.channel) in received
        if not each.incoming and each.state == "failed" and there:
            found.append(f"doubt: {each.id} ({each.channel}) is called failed and has come: {each.text[:60]!r}")
    return found


def _both(whole: Sequence[dict[str, Any]]) -> list[str]:
    """Once a person has a conversation the bot says nothing more in it."""
    persons: set[str] = set()
    found = []
    for entry in whole:
        message = entry["message"]
        stream = entry["conversation_id"]
        if entry["kind"] == "Assigned":
            persons.add(stream)
        elif entry["kind"] == "HandedBack":
            persons.discard(stream)
        elif entry["kind"] == "MessageQueued" and message and message["author"]["kind"] == "bot" and stream in persons:
            found.append(f"both: the bot spoke in {stream}, which a person has: {message['text'][:60]!r}")
    return found


def _first_answers(providers: Providers, customers: Sequence[Customer]) -> None:
    first: dict[str, float] = defaultdict(lambda: float("inf"))
    for text in providers.ledger.changes(after=1, limit=1000):
        if text.origin == "hub":
            first[text.recipient] = min(first[text.recipient], text.created)
    for mail in providers.mail_ledger.changes(after=1, limit=1000):
        if mail.origin == "hub":
            first[mail.customer] = min(first[mail.customer], mail.created)
    for each in customers:
        if each.address in first:
            each.answered_at = first[each.address]


def _unanswered(
    providers: Providers,
    customers: Sequence[Customer],
    follower: Follower,
    stalls: Stalls,
    degraded: float,
    sides: Sequence[Ledger],
    messages: Sequence[HubMessage],
) -> list[str]:
    waits = delays(providers, customers, follower, stalls)
    doubted = _doubted(sides, messages)
    found = [
        f"stuck: customer {each.number} ({each.channel}) was accepted and heard nothing"
        for each in customers
        if each.accepted_at and not each.answered_at and each.address not in doubted
    ]
    return found + [f"late: an answer took {each:.1f} s with the hub there" for each in waits if each > degraded]


def _doubted(sides: Sequence[Ledger], messages: Sequence[HubMessage]) -> set[str]:
    """The addresses of customers to whom the hub says that it does not know whether something was sent."""
    conversations = {each.conversation_id for each in messages if not each.incoming and each.state == "unknown"}
    writers = {each.provider_id for each in messages if each.incoming and each.conversation_id in conversations}
    return {address for ledger in sides for key, address in ledger.accepted if key in writers}
