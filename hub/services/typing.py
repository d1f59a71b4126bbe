"""Who is writing right now: told to whoever has the conversation open, kept nowhere."""

from __future__ import annotations

from hub.domain import rooms
from hub.domain.conversation import Status
from hub.domain.errors import NotFound
from hub.domain.messages import Author
from hub.domain.permissions import require
from hub.hub import Hub
from hub.store.queries import conversations, people, widget

EVENT = "typing"


def by_visitor(hub: Hub, inbox_id: str, visitor_id: str, *, on: bool) -> None:
    """A visitor of the web chat writes, or has stopped: agents see it in their conversation, if there is one."""
    with hub.store.read() as connection:
        visitor = widget.known(connection, inbox_id, visitor_id)
        conversation = widget.current(connection, visitor.identity_id) if visitor else None
    if visitor is None or conversation is None or conversation.status == Status.RESOLVED:
        return
    author = {"kind": Author.CONTACT.value, "id": visitor.contact_id, "name": visitor.contact_name}
    hub.push.whisper(rooms.AGENTS, EVENT, {"conversation_id": conversation.id, "author": author, "on": on})


def by_agent(hub: Hub, agent_id: str, conversation_id: str, *, on: bool) -> None:
    """An agent writes an answer, or has stopped: the customer and the other agents see it.

    Raises NotFound, or Forbidden when the agent may not answer customers.
    """
    with hub.store.read() as connection:
        agent = people.agent(connection, agent_id)
        require(agent.role, "work_conversations")
        row = conversations.rows(connection, [conversation_id]).get(conversation_id)
        if row is None:
            raise NotFound(f"there is no conversation {conversation_id}")
        state = row.conversation
        # Their last message's address, where the answer will go; not the other addresses of the same person.
        reached = [
            (inbox_id, visitor_id)
            for identity_id, inbox_id, visitor_id in widget.visitors_in(connection, [conversation_id])[conversation_id]
            if identity_id == state.identity_id
        ]
    author = {"kind": Author.AGENT.value, "id": agent.id, "name": agent.name}
    hub.push.whisper(rooms.AGENTS, EVENT, {"conversation_id": conversation_id, "author": author, "on": on})
    if not state.merged_into and state.status != Status.RESOLVED:
        for inbox_id, visitor_id in reached:
            hub.push.whisper(rooms.visitor(inbox_id, visitor_id), EVENT, {"author_name": agent.name, "on": on})
