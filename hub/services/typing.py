"""Who reads and writes right now: told to whoever has the conversation open, and to the customer; kept nowhere."""

from __future__ import annotations

from hub.domain import rooms
from hub.domain.conversation import Status
from hub.domain.errors import HubError
from hub.domain.messages import Attention, Author
from hub.domain.permissions import require
from hub.hub import Hub
from hub.ports import Attentive
from hub.store.queries import attention, widget

EVENT = "typing"
_SECOND = 1_000_000
# A little before what the customer sees would end, it is told again.
_AGAIN_BEFORE = 1
_READ_EVERY = 5 * _SECOND


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
        name, role = attention.agent(connection, agent_id)
        require(role, "work_conversations")
        place = attention.place(connection, conversation_id)
    author = {"kind": Author.AGENT.value, "id": agent_id, "name": name}
    hub.push.whisper(rooms.AGENTS, EVENT, {"conversation_id": conversation_id, "author": author, "on": on})
    if not place.merged_into and place.status != Status.RESOLVED:
        # Their last message's address, where the answer will go; not the other addresses of the same person.
        if place.channel == widget.CHANNEL and place.scope is not None and place.address is not None:
            hub.push.whisper(rooms.visitor(place.scope, place.address), EVENT, {"author_name": name, "on": on})
        if on:
            _attend(hub, place.inbox_id, place.identity_id, typing=True)


def reads(hub: Hub, agent_id: str, conversation_id: str) -> None:
    """An agent has a conversation of theirs before them: the customer sees that what they wrote is read.

    Of somebody else's conversation they see nothing: who looks on there answers nothing. Raises NotFound, Forbidden.
    """
    with hub.store.read() as connection:
        _, role = attention.agent(connection, agent_id)
        require(role, "work_conversations")
        place = attention.place(connection, conversation_id)
    if place.assignee_id == agent_id and not place.merged_into and place.status != Status.RESOLVED:
        _attend(hub, place.inbox_id, place.identity_id, typing=False)


def _attend(hub: Hub, inbox_id: str, identity_id: str, *, typing: bool) -> None:
    """Shows it where the channel can and the inbox wants it: beside, for the provider may be slow."""
    try:
        inbox = hub.inboxes.by_id(inbox_id)
        channel = hub.channel_of(inbox)
    except (HubError, KeyError):
        return
    lasts = channel.capabilities.typing_lasts if typing else 0.0
    if not isinstance(channel, Attentive) or not inbox.receipts or inbox.disabled or (typing and not lasts):
        return
    with hub.store.read() as connection:
        last = attention.last_said(connection, inbox_id, identity_id)
    if last is None:
        return
    address, external_id, token = last
    what = f"typing:{identity_id}" if typing else f"read:{external_id}"
    pause = int((lasts - _AGAIN_BEFORE) * _SECOND) if typing else _READ_EVERY
    if hub.seldom.due(what, hub.clock.now(), pause):
        told = Attention(address, external_id, token, typing)
        hub.aside(lambda: channel.attend(told))
