"""Whether an agent is there."""

from __future__ import annotations

from hub.domain import events as e
from hub.domain.errors import Refused
from hub.domain.messages import Author
from hub.store.unit_of_work import Tx

PRESENCES = ("available", "busy", "wrap_up", "break", "offline")


def set_presence(tx: Tx, agent_id: str, presence: str, reason: str = "") -> None:
    """Changes an agent's presence. Raises Refused for an unknown one, NotFound for an unknown agent."""
    if presence not in PRESENCES:
        raise Refused("presence", f"must be one of {', '.join(PRESENCES)}")
    tx.record(agent_id, e.PresenceChanged(presence, reason), e.Actor(Author.AGENT, agent_id))
