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
    tx.record(agent_id, e.PresenceChanged(presence, reason), e.Actor(Author.AGENT, agent_id))
