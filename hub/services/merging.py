"""Conversations made one, or two, by an agent, and taken back."""

from __future__ import annotations

from hub.domain import events as e
from hub.domain.conversation import Conversation, Status
from hub.domain.errors import Conflict, NotFound, Refused
from hub.services import contacts
from hub.store.queries import matching, packets, routes
from hub.store.unit_of_work import Tx


def merge(tx: Tx, conversation_id: str, into: str, by: e.Actor) -> int:
    """Makes two conversations one: `conversation_id` is read in `into` from now on, and its routes lead there.

    Returns the event that `undo` takes back. Raises Refused for the same conversation or another contact's, Conflict
    for one that is merged already.
    """
    if conversation_id == into:
        raise Refused("into", "must be another conversation")
    first, second = (_standing(tx, each) for each in sorted((conversation_id, into)))
    if first.contact_id != second.contact_id:
        raise Refused("into", "must be of the same contact; merge the contacts first if they are one person")
    if matching.has_merged_children(tx, conversation_id):
        raise Conflict("others are merged into this conversation; merge those first")
    moved = routes.of_conversation(tx.connection, conversation_id)
    recorded = tx.record(conversation_id, e.Merged(into), by)
    tx.record(into, e.Absorbed(conversation_id, tuple("|".join(each) for each in moved)), by)
    for inbox_id, identity_id, thread_key in moved:
        tx.record(into, e.RouteMoved(inbox_id, identity_id, thread_key), by)
    return recorded.id


def split(tx: Tx, conversation_id: str, message_ids: tuple[str, ...], by: e.Actor) -> tuple[int, str]:
    """Moves messages of a conversation into a new one of the same contact, with the same agent.

    Returns the event that `undo` takes back and the new conversation's id. Raises Refused for messages that are not in
    it, for none, or for all of them.
    """
    source = _standing(tx, conversation_id)
    wanted = tuple(dict.fromkeys(message_ids))
    if not wanted:
        raise Refused("message_ids", "must name at least one message")
    inside = matching.messages_in(tx, conversation_id)
    for message_id in wanted:
        if message_id not in inside:
            raise Refused("message_ids", f"{message_id} is not a message of this conversation")
    if len(wanted) == len(inside):
        raise Refused("message_ids", "must leave at least one message behind")
    new_id = tx.new_id()
    tx.record(
        new_id,
        e.ConversationOpened(
            ticket_number=tx.next_ticket_number(),
            contact_id=source.contact_id,
            inbox_id=source.inbox_id,
            identity_id=source.identity_id,
            channel=source.channel,
            status=Status.WAITING,
            team_id=source.team_id,
            language=source.language,
            priority=source.priority,
            previous_id=conversation_id,
        ),
        by,
    )
    recorded = tx.record(conversation_id, e.MessagesMovedOut(new_id, wanted), by)
    tx.record(new_id, e.MessagesMovedIn(conversation_id, wanted), by)
    if source.assignee_id:
        tx.record(new_id, e.Assigned(source.assignee_id, "assign"), by)
    return recorded.id, new_id


def undo(tx: Tx, event_id: int, by: e.Actor) -> str:
    """Takes back a merge of conversations or contacts, or a split. Returns the conversation to look at.

    Raises NotFound for no such event, Refused for one that cannot be taken back, Conflict where it was already.
    """
    recorded = packets.event(tx.connection, event_id)
    if recorded is None:
        raise NotFound(f"there is no event {event_id}")
    match recorded.event:
        case e.Merged(into_id=into_id):
            _undo_merge(tx, recorded.stream_id, into_id, event_id, by)
            return recorded.stream_id
        case e.MessagesMovedOut() as moved:
            _undo_split(tx, recorded.stream_id, moved, by)
            return recorded.stream_id
        case e.ContactMerged() as merged:
            contacts.undo_merge(tx, recorded.stream_id, event_id, merged, by)
            return merged.conversation_ids[0] if merged.conversation_ids else ""
        case _:
            raise Refused("event_id", "must be a merge or a split")


def _standing(tx: Tx, conversation_id: str) -> Conversation:
    conversation = tx.conversation(conversation_id)
    if conversation.merged_into:
        raise Conflict(f"conversation {conversation.ticket_number} is merged into another")
    return conversation


def _undo_merge(tx: Tx, from_id: str, into_id: str, event_id: int, by: e.Actor) -> None:
    held = {each: tx.conversation(each) for each in sorted((from_id, into_id))}
    if held[from_id].merged_into != into_id or packets.was_undone(tx.connection, from_id, event_id):
        raise Conflict("this merge was undone already")
    # A route that has gone on to a later conversation stays there.
    there = set(routes.of_conversation(tx.connection, into_id))
    tx.record(from_id, e.MergeUndone(into_id, event_id), by)
    tx.record(into_id, e.MergeUndone(from_id, event_id), by)
    for key in packets.absorbed_routes(tx.connection, into_id, from_id):
        inbox_id, identity_id, thread_key = key.split("|", 2)
        if (inbox_id, identity_id, thread_key) in there:
            tx.record(from_id, e.RouteMoved(inbox_id, identity_id, thread_key), by)


def _undo_split(tx: Tx, source_id: str, moved: e.MessagesMovedOut, by: e.Actor) -> None:
    for each in sorted((source_id, moved.to_id)):
        _standing(tx, each)
    if matching.has_merged_children(tx, moved.to_id):
        raise Conflict("others are merged into the new conversation; take those merges back first")
    there = matching.messages_in(tx, moved.to_id)
    if not set(moved.message_ids) <= there:
        raise Conflict("this split was undone already")
    if there != set(moved.message_ids):
        raise Conflict("the new conversation has gone on; merge the two instead")
    tx.record(moved.to_id, e.MessagesMovedOut(source_id, moved.message_ids), by)
    tx.record(source_id, e.MessagesMovedIn(moved.to_id, moved.message_ids), by)
    tx.record(moved.to_id, e.Merged(source_id), by)
