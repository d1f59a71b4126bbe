"""Whether an agent is there."""

from __future__ import annotations

from hub.domain import events as e
from hub.domain.errors import Refused
from hub.domain.messages import Author
from hub.domain.presence import OWN_REASONS, PRESENCES
from hub.services import routing
from hub.store.queries import staffing
from hub.store.unit_of_work import Tx


def set_presence(tx: Tx, agent_id: str, presence: str, reason: str = "") -> None:
    """Changes an agent's presence. Raises Refused for an unknown one or a reason that is none of the installation's for
    it, NotFound for an unknown agent."""
    if presence not in PRESENCES:
        raise Refused("presence", f"must be one of {', '.join(PRESENCES)}")
    if reason not in OWN_REASONS and not staffing.is_reason(tx.connection, reason, presence):
        raise Refused("reason", f"must be one of the reasons for {presence}, or empty")
    if presence != "available":
        routing.gone(tx, agent_id)
    until = 0
    if presence == "wrap_up":
        longest = staffing.longest_wrap_up(tx.connection, agent_id)
        until = tx.now + longest if longest else 0
    tx.record(agent_id, e.PresenceChanged(presence, reason, until), e.Actor(Author.AGENT, agent_id))


def wrap_up_after(tx: Tx, conversation_id: str, agent_id: str) -> int:
    """For how long an agent is to be left alone once they have resolved a conversation of theirs, microseconds; 0: not
    at all. Call it before the conversation is locked: where it is not 0, nothing is decided until the end of the
    transaction, so that they are given nothing in between."""
    wrap_up = staffing.wrap_up_of(tx.connection, conversation_id, agent_id)
    if wrap_up:
        routing.lock(tx)
    return wrap_up


def wrap_up(tx: Tx, agent_id: str, duration: int) -> None:
    """An agent who was available wraps up what they have just resolved, for so long (microseconds)."""
    if staffing.presence(tx.connection, agent_id).presence == "available":
        routing.gone(tx, agent_id)
        tx.record(agent_id, e.PresenceChanged("wrap_up", "resolved", tx.now + duration))


def end_wrap_up(tx: Tx, agent_id: str) -> None:
    """Ends a wrap-up whose time is over. Does nothing where the agent was faster."""
    if agent_id in staffing.wrapped_up(tx.connection, tx.now):
        tx.record(agent_id, e.PresenceChanged("available", "wrap_up_over"))
