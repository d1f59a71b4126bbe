"""Who has a conversation, and what becomes of it. Each verb raises Conflict where the state forbids it."""

from __future__ import annotations

from hub.domain import events as e
from hub.domain.conversation import PRIORITIES, Status, allowed, require
from hub.domain.errors import AlreadyTaken, Refused
from hub.domain.messages import Author
from hub.services import presence, replies, routing
from hub.store.queries import assignees
from hub.store.unit_of_work import MessageContent, Tx


def take(tx: Tx, conversation_id: str, agent_id: str) -> None:
    """An agent takes a conversation for themselves. Taking one's own again is no error.

    Raises AlreadyTaken when another agent has it.
    """
    conversation = tx.conversation(conversation_id)
    if conversation.status == Status.ASSIGNED and conversation.assignee_id == agent_id and not conversation.merged_into:
        return
    require(conversation, "take")
    if conversation.status == Status.SNOOZED and conversation.assignee_id not in ("", agent_id):
        raise AlreadyTaken(f"conversation {conversation.ticket_number} is with another agent")
    if conversation.offered_to == agent_id and conversation.offered_until > tx.now:
        routing.accept(tx, conversation_id, agent_id)
        return
    actor = e.Actor(Author.AGENT, agent_id)
    routing.withdraw(tx, conversation, "taken", actor)
    tx.record(conversation_id, e.Assigned(agent_id, "take"), actor)
    routing.got(tx, conversation, agent_id)


def assign(tx: Tx, conversation_id: str, agent_id: str, by: e.Actor) -> None:
    """Gives a conversation to an agent, whoever has it now. Raises Refused when there is no such agent at work."""
    conversation = tx.conversation(conversation_id)
    require(conversation, "assign")
    if not assignees.is_active_agent(tx.connection, agent_id):
        raise Refused("agent_id", "must be an agent who can sign in")
    routing.withdraw(tx, conversation, "taken", by)
    tx.record(conversation_id, e.Assigned(agent_id, "assign"), by)
    routing.got(tx, conversation, agent_id)


def transfer(tx: Tx, conversation_id: str, team_id: str, by: e.Actor, note: str = "") -> None:
    """Puts a conversation into another team's queue, with a note for whoever takes it. Raises Refused for no team."""
    conversation = tx.conversation(conversation_id)
    require(conversation, "transfer")
    if not assignees.team_exists(tx.connection, team_id):
        raise Refused("team_id", "must be a team")
    if note.strip():
        tx.record(conversation_id, e.NoteAdded(tx.new_id()), by, content=MessageContent(text=note))
    routing.withdraw(tx, conversation, "moved", by)
    tx.record(conversation_id, e.Transferred(team_id), by)


def bring_in(tx: Tx, conversation_id: str, agent_id: str, by: e.Actor, note: str, client_id: str) -> None:
    """Brings a colleague into a conversation, beside whoever has it, with a note for them. Whoever brings somebody into
    a conversation that nobody has takes it. One colleague at a time: the next one comes in the other's place.

    The same `client_id` from the same agent does it once. Raises Refused for somebody who cannot help, or no note.
    """
    conversation = tx.conversation(conversation_id)
    client_key, stored = replies.once(tx, by.id, client_id)
    if stored:
        return
    require(conversation, "bring_in")
    if not assignees.is_active_agent(tx.connection, agent_id):
        raise Refused("agent_id", "must be an agent who can sign in")
    owner = conversation.assignee_id or by.id
    if agent_id == owner:
        raise Refused("agent_id", "must be somebody else than who has the conversation")
    if not note.strip():
        raise Refused("note", "must not be empty")
    if not conversation.assignee_id:
        routing.withdraw(tx, conversation, "taken", by)
        tx.record(conversation_id, e.Assigned(owner, "take"), by)
        routing.got(tx, conversation, owner)
    note_id = tx.new_id()
    tx.record(
        conversation_id, e.NoteAdded(note_id), by, content=MessageContent(text=note.strip(), client_key=client_key)
    )
    tx.record(conversation_id, e.ColleagueAsked(agent_id, note_id), by)


def leave(tx: Tx, conversation_id: str, by: e.Actor) -> None:
    """The colleague leaves the conversation, or is not needed any more; where there is none, nothing happens."""
    conversation = tx.conversation(conversation_id)
    if conversation.colleague_id:
        tx.record(conversation_id, e.ColleagueLeft(conversation.colleague_id), by)


def resolve(tx: Tx, conversation_id: str, by: e.Actor) -> None:
    """Closes a conversation. A later message of the customer follows the inbox's windows; whose it was wraps up, where
    its team does."""
    wrap_up = presence.wrap_up_after(tx, conversation_id, by.id) if by.kind is Author.AGENT else 0
    conversation = tx.conversation(conversation_id)
    require(conversation, "resolve")
    routing.withdraw(tx, conversation, "moved", by)
    tx.record(conversation_id, e.Resolved(), by)
    if wrap_up:
        presence.wrap_up(tx, by.id, wrap_up)


def reopen(tx: Tx, conversation_id: str, by: e.Actor) -> None:
    """Opens a resolved conversation again: with its agent, else in the queue, else with the bot."""
    require(tx.conversation(conversation_id), "reopen")
    tx.record(conversation_id, e.Reopened("agent"), by)


def snooze(tx: Tx, conversation_id: str, until: int, by: e.Actor) -> None:
    """Puts a conversation to sleep until a time (microseconds since 1970 UTC) or the customer's next message."""
    if until <= tx.now:
        raise Refused("until", "must be in the future")
    conversation = tx.conversation(conversation_id)
    require(conversation, "snooze")
    routing.withdraw(tx, conversation, "moved", by)
    tx.record(conversation_id, e.Snoozed(until), by)


def wake(tx: Tx, conversation_id: str) -> None:
    """Ends a sleep whose time has come. Does nothing when a message or a person was first."""
    conversation = tx.conversation(conversation_id)
    if allowed(conversation, "wake") and conversation.snoozed_until <= tx.now:
        tx.record(conversation_id, e.Woken("time"))


def hand_back(tx: Tx, conversation_id: str, by: e.Actor) -> None:
    """Gives a conversation back to the bot, which answers the customer's next message."""
    conversation = tx.conversation(conversation_id)
    require(conversation, "hand_back")
    routing.withdraw(tx, conversation, "moved", by)
    tx.record(conversation_id, e.HandedBack(), by)


def set_priority(tx: Tx, conversation_id: str, priority: int, by: e.Actor) -> None:
    """Changes the priority (index into `PRIORITIES`). Raises Refused for any other number, Conflict where merged."""
    if not 0 <= priority < len(PRIORITIES):
        raise Refused("priority", f"must be one of {', '.join(PRIORITIES)}")
    conversation = tx.conversation(conversation_id)
    require(conversation, "set_priority")
    if conversation.priority != priority:
        tx.record(conversation_id, e.PriorityChanged(priority), by)
