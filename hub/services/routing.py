"""Waiting conversations find somebody: offers, their answers, and what an agent is given without being asked.

Every decision is made under one lock, so that nobody is given more than they can carry, and nothing once they are gone.
What people take or assign themselves is theirs to judge: it counts as load, and is never refused for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hub.domain import events as e
from hub.domain import routing as r
from hub.domain import waiting_time
from hub.domain.conversation import Conversation, Status
from hub.domain.errors import Conflict
from hub.domain.messages import Author
from hub.hub import Hub
from hub.services.work import Work, nothing
from hub.store import tables as t
from hub.store.queries import inboxes, queue
from hub.store.queries import routing as queries
from hub.store.unit_of_work import Reading, Tx, UseCase

# How long an agent is asked.
OFFER = 30 * r.SECOND
# A transaction holds the lock for so many decisions at most.
AT_ONCE = 20


def route(hub: Hub, _: Work) -> UseCase[None]:
    """The handler: something came, or somebody has room again."""
    give_away_all(hub)
    return nothing


def give_away_all(hub: Hub) -> None:
    """Gives away whatever can be, a few in each transaction."""
    modes = {inbox.id: inbox.routing for inbox in hub.inboxes.every() if inbox.routing != "manual"}
    if not modes:
        return
    with hub.store.read() as connection:
        # Looked at first without the lock: most of what happens in a busy hub frees nobody.
        if not _worth_it(connection, modes):
            return
    while hub.store.write(lambda tx: give_away(tx, modes)) == AT_ONCE:
        pass


def _worth_it(connection: Reading, modes: Mapping[str, str]) -> bool:
    return queries.anybody_waits(connection, modes) and any(
        agent.presence == "available" and agent.load < r.WHOLE for agent in queries.agents(connection)
    )


def lock(tx: Tx) -> None:
    """Nothing is decided until the end of the transaction: call it first, before anything else is locked."""
    queries.lock(tx)


def give_away(tx: Tx, modes: Mapping[str, str]) -> int:
    """Offers or gives what waits to whoever may have it, in the queue's order.

    Args:
        tx: the transaction.
        modes: of the inboxes that are routed, by id: `offer` or `automatic`.

    Returns:
        how many were decided: `AT_ONCE` at most, and then there may be more.
    """
    lock(tx)
    agents = queries.agents(tx.connection)
    rules = queries.rules(tx.connection)
    seen: dict[str, r.Waiting] = {}

    def in_order() -> Iterator[r.Waiting]:
        for waiting in queries.waiting(tx.connection, modes):
            seen[waiting.id] = waiting
            yield waiting

    decisions = r.drain(in_order(), agents, tx.now, rules, AT_ONCE)
    for decision in decisions:
        waiting = seen[decision.conversation_id]
        conversation = tx.conversation(decision.conversation_id)
        if conversation.status != Status.WAITING or conversation.offered_to or conversation.merged_into:
            continue  # somebody was faster while we were reading
        required, _ = r.needs(waiting, rules.get(waiting.team, r.DEFAULT_RULES), tx.now)
        tx.record(
            conversation.id,
            e.AssignmentDecided(
                decision.winner,
                decision.eligible,
                decision.candidates,
                tuple(f"{reason}|{number}" for reason, number in sorted(decision.turned_away.items())),
                tuple(f"{need.skill}|{need.level}" for need in required),
            ),
        )
        tx.upsert(t.agent_turn, {"agent_id": decision.winner}, {"given_at": tx.now})
        if modes[conversation.inbox_id] == "offer":
            tx.record(conversation.id, e.OfferMade(decision.winner, tx.now + OFFER))
        else:
            tx.record(conversation.id, e.Assigned(decision.winner, "routed"))
            got(tx, conversation, decision.winner)
    return len(decisions)


def got(tx: Tx, before: Conversation, agent_id: str) -> None:
    """Keeps that an agent got a conversation, however: call it with the conversation as it was before."""
    tx.upsert(t.agent_turn, {"agent_id": agent_id}, {"given_at": tx.now})
    if before.status == Status.WAITING:
        values = {"id": tx.new_id(), "team_id": before.team_id, "agent_id": agent_id}
        tx.add(t.answered, values | {"waiting_since": before.waiting_since, "at": tx.now})
        queries.forget_passed(tx, before.id)


def accept(tx: Tx, conversation_id: str, agent_id: str) -> None:
    """An agent takes what they are offered. Raises Conflict where they are not, or not any more."""
    conversation = _offered(tx, conversation_id, agent_id)
    actor = e.Actor(Author.AGENT, agent_id)
    tx.record(conversation_id, e.OfferAccepted(agent_id), actor)
    tx.record(conversation_id, e.Assigned(agent_id, "offer"), actor)
    got(tx, conversation, agent_id)


def decline(tx: Tx, conversation_id: str, agent_id: str) -> None:
    """An agent lets an offer pass: somebody else is asked. Raises Conflict where they are not offered it."""
    _offered(tx, conversation_id, agent_id)
    _let_pass(tx, conversation_id, agent_id)
    tx.record(conversation_id, e.OfferDeclined(agent_id), e.Actor(Author.AGENT, agent_id))


def _offered(tx: Tx, conversation_id: str, agent_id: str) -> Conversation:
    conversation = tx.conversation(conversation_id)
    if conversation.offered_to != agent_id or conversation.offered_until <= tx.now:
        raise Conflict(f"conversation {conversation.ticket_number} is not offered to you any more")
    return conversation


def time_out(tx: Tx, conversation_id: str) -> None:
    """Ends an offer that nobody has answered. Whoever did not is busy from now on, until they say that they are back:
    the next customer shall not wait for them as well. Does nothing where the offer was answered."""
    lock(tx)
    conversation = tx.conversation(conversation_id)
    agent_id = conversation.offered_to
    if not agent_id or conversation.offered_until > tx.now:
        return
    _let_pass(tx, conversation_id, agent_id)
    tx.record(conversation_id, e.OfferTimedOut(agent_id))
    tx.record(agent_id, e.PresenceChanged("busy", "missed_offer"))


def _let_pass(tx: Tx, conversation_id: str, agent_id: str) -> None:
    keys = {"conversation_id": conversation_id, "agent_id": agent_id}
    tx.upsert(t.passed, keys, {"until": tx.now + r.REST})


def withdraw(tx: Tx, conversation: Conversation, reason: str, actor: e.Actor = e.SYSTEM) -> None:
    """Stops asking an agent, where one is asked: call it before what becomes of the conversation is recorded."""
    if conversation.offered_to:
        tx.record(conversation.id, e.OfferWithdrawn(conversation.offered_to, reason), actor)


def gone(tx: Tx, agent_id: str) -> None:
    """Whoever goes away is not asked any more. Call it before their presence is recorded: nothing is decided meanwhile,
    so that nobody is given anything once they are away."""
    lock(tx)
    for offer in queries.offers_to(tx.connection, agent_id):
        conversation = tx.conversation(offer.conversation_id)
        if conversation.offered_to == agent_id:
            withdraw(tx, conversation, "away")


@dataclass(frozen=True, slots=True)
class Wait:
    """`place` 1 is next, `queue.FURTHEST_PLACE` stands for all beyond; `estimate` in microseconds, None: not known."""

    place: int
    estimate: int | None


def wait(connection: Reading, conversation: Conversation, now: int) -> Wait | None:
    """How long a conversation is going to wait for somebody; None where it does not wait."""
    if conversation.status != Status.WAITING or conversation.merged_into:
        return None
    if inboxes.get(connection, conversation.inbox_id).routing == "manual":
        place = queue.place(connection, conversation)  # as agents see the list that they take from
    else:
        place = queries.place(connection, conversation, queue.FURTHEST_PLACE)
    answers = queries.last_answers(connection, conversation.team_id, waiting_time.MOST_ANSWERS)
    known = place < queue.FURTHEST_PLACE
    return Wait(place, waiting_time.estimate(place, answers, now) if known else None)
