"""Conversations made one, or two, by an agent, and taken back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from hub.domain import events as e
from hub.domain.addresses import PHONE, kind_of
from hub.domain.conversation import Conversation, Status
from hub.domain.errors import Conflict, NotFound, Refused
from hub.services import contacts
from hub.store.queries import conversations, matching, packets, routes
from hub.store.queries.matching import CLAIM, HeldIdentity
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
    return _part(tx, source, wanted, by)


def _part(tx: Tx, source: Conversation, wanted: tuple[str, ...], by: e.Actor, *, out_of: str = "") -> tuple[int, str]:
    """Opens a conversation like `source` with messages from `out_of`, which is it or read in it."""
    conversation_id, new_id = source.id, tx.new_id()
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
    recorded = _move(tx, out_of or conversation_id, new_id, wanted, by)
    if source.assignee_id:
        tx.record(new_id, e.Assigned(source.assignee_id, "assign"), by)
    for each in (conversation_id, new_id):
        _answer_whoever_wrote_last(tx, each)
    return recorded.id, new_id


def _move(tx: Tx, from_id: str, to_id: str, message_ids: tuple[str, ...], by: e.Actor) -> e.Recorded:
    last = matching.last_without(tx.connection, from_id, message_ids)
    recorded = tx.record(from_id, e.MessagesMovedOut(to_id, message_ids, last), by)
    tx.record(to_id, e.MessagesMovedIn(from_id, message_ids), by)
    return recorded


def _answer_whoever_wrote_last(tx: Tx, conversation_id: str) -> None:
    """Answers go to the last of the customer's messages that are in the conversation now."""
    way, held = matching.last_way(tx.connection, conversation_id), tx.conversation(conversation_id)
    if way is not None and way != (held.inbox_id, held.identity_id, held.channel):
        tx.record(conversation_id, e.SegmentBegan(*way))


@dataclass(frozen=True, slots=True)
class Unlinked:
    """`event_id` is what `undo` takes back. `conversation_id`: where what they had said in the given conversation is
    now; empty where none was given, or nothing of theirs was in it."""

    event_id: int
    contact_id: str
    conversation_id: str


def unlink(tx: Tx, contact_id: str, identity_id: str, by: e.Actor, *, conversation_id: str = "") -> Unlinked:
    """An address is not this contact's: it gets a contact of its own, with all that is known by it alone.

    Conversations in which nobody else wrote go with it. From `conversation_id` what was said with it is split off.

    Raises:
        Refused: an address of another contact, or the only one of this one.
        Conflict: the contact or the conversation is merged into another.
        NotFound: there is no such contact.
    """
    merged_into = matching.lock_contact(tx, contact_id)
    if merged_into is None:
        raise NotFound(f"there is no contact {contact_id}")
    if merged_into:
        raise Conflict(f"contact {contact_id} is merged into {merged_into}")
    held = matching.identities_held(tx.connection, contact_id)
    chosen = next((each for each in held if each.id == identity_id and each.channel != CLAIM), None)
    if chosen is None:
        raise Refused("identity_id", "must be an address of this contact")
    leaving = _known_by(chosen, held)
    ids = {each.id for each in leaving}
    if all(each.id in ids or each.channel in (CLAIM, "customer") for each in held):
        raise Refused("identity_id", "must leave the contact another address")
    source = _standing(tx, conversation_id) if conversation_id else None
    if source is not None and source.contact_id != contact_id:
        raise Refused("identity_id", "must be an address of this conversation's customer")
    new_contact = contacts.create(tx, chosen.display_name, "", by)
    theirs = _alone(tx, contact_id, ids)
    split_event, parted = 0, conversation_id if conversation_id in theirs else ""
    if source is not None and not parted:
        split_event, parted = _split_off(tx, source, ids, by)
        theirs = (*theirs, parted) if parted else theirs
    grounds = tuple(contacts.grounds_of(each) for each in leaving)
    unlinked = e.IdentityUnlinked(new_contact, tuple(each.id for each in leaving), grounds, theirs, split_event)
    recorded = tx.record(contact_id, unlinked, by)
    for each in leaving:
        stays = each.stated_by in ids
        wrote = contacts.FIRST_MESSAGE if matching.was_used(tx.connection, each.id) else contacts.BY_AGENT
        evidence = each.evidence if stays else wrote
        moved = e.IdentityMoved(each.id, contact_id, evidence, each.stated_by if stays else "")
        tx.record(new_contact, moved, by)
    for moving in theirs:
        tx.record(moving, e.MovedToContact(new_contact), by)
    if split_event:
        _move_routes(tx, source.id if source else "", parted, ids, by)
    return Unlinked(recorded.id, new_contact, parted)


def _split_off(tx: Tx, source: Conversation, identity_ids: Collection[str], by: e.Actor) -> tuple[int, str]:
    """Moves what was said with addresses into a conversation of its own, also from what is read in this one.

    Returns the event of the first move and the new conversation; 0 and empty where nothing was said with them.
    """
    split_event, new_id = 0, ""
    for each in (source.id, *conversations.merged_into(tx.connection, source.id)):
        said = tuple(matching.said_with(tx.connection, each, identity_ids))
        if said and not new_id:
            split_event, new_id = _part(tx, source, said, by, out_of=each)
        elif said:
            _move(tx, each, new_id, said, by)
            _answer_whoever_wrote_last(tx, new_id)
    return split_event, new_id


def _known_by(chosen: HeldIdentity, held: Collection[HeldIdentity]) -> list[HeldIdentity]:
    """An address, the same number in other channels, and whatever is known only by these."""
    leaving = [chosen]
    if kind_of(chosen.channel) == PHONE:
        leaving += [
            each
            for each in held
            if each.id != chosen.id and each.address == chosen.address and kind_of(each.channel) == PHONE
        ]
    for known in leaving:
        leaving += [each for each in held if each.stated_by == known.id and each not in leaving]
    return leaving


def _alone(tx: Tx, contact_id: str, identity_ids: Collection[str]) -> tuple[str, ...]:
    """The conversations of a contact in which nobody wrote but from these addresses; what is read as one is one."""
    rows = matching.writers(tx.connection, contact_id)
    into = {conversation_id: merged_into for conversation_id, merged_into, _ in rows}

    def read_in(conversation_id: str) -> str:
        while into.get(conversation_id):
            conversation_id = into[conversation_id]
        return conversation_id

    wrote: dict[str, set[str]] = {}
    for conversation_id, _, identity_id in rows:
        wrote.setdefault(read_in(conversation_id), set()).update({identity_id} - {""})
    return tuple(sorted(each for each in into if wrote[read_in(each)] and wrote[read_in(each)] <= set(identity_ids)))


def _move_routes(tx: Tx, from_id: str, to_id: str, identity_ids: Collection[str], by: e.Actor) -> None:
    """What comes on the threads of these addresses goes to the other conversation from now on."""
    for inbox_id, identity_id, thread_key in routes.of_conversation(tx.connection, from_id):
        if identity_id in identity_ids:
            tx.record(to_id, e.RouteMoved(inbox_id, identity_id, thread_key), by)


def undo(tx: Tx, event_id: int, by: e.Actor) -> str:
    """Takes back a merge of conversations or contacts, a split, or what `unlink` did. Returns the conversation to look
    at; empty where there is none.

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
        case e.IdentityUnlinked() as unlinked:
            return _undo_unlink(tx, recorded.stream_id, unlinked, by)
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
    source, new = (_standing(tx, each) for each in sorted((source_id, moved.to_id)))
    if source.contact_id != new.contact_id:
        raise Conflict("what was split off is somebody else's by now; take that back first")
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
    _answer_whoever_wrote_last(tx, source_id)


def _undo_unlink(tx: Tx, contact_id: str, unlinked: e.IdentityUnlinked, by: e.Actor) -> str:
    held = {each: matching.lock_contact(tx, each) for each in sorted((contact_id, unlinked.to_id))}
    if held[unlinked.to_id]:
        raise Conflict("this was undone already, or the other contact was merged since")
    if not set(unlinked.identity_ids) <= set(matching.identities_of(tx, unlinked.to_id)):
        raise Conflict("an address was given to somebody else since; take that back first")
    contacts.merge(tx, unlinked.to_id, contact_id, by)
    for identity_id, ground in zip(unlinked.identity_ids, unlinked.grounds, strict=True):
        evidence, _, stated_by = ground.partition("|")
        tx.record(contact_id, e.IdentityMoved(identity_id, unlinked.to_id, evidence, stated_by), by)
    split = packets.event(tx.connection, unlinked.split_event) if unlinked.split_event else None
    if split is None or not isinstance(split.event, e.MessagesMovedOut):
        return unlinked.conversation_ids[0] if unlinked.conversation_ids else ""
    source_id, parted = split.stream_id, split.event.to_id
    while into := tx.conversation(source_id).merged_into:
        source_id = into
    _move_routes(tx, parted, source_id, unlinked.identity_ids, by)
    as_it_was = matching.messages_in(tx, parted) == set(split.event.message_ids)
    if source_id == split.stream_id and as_it_was:
        _undo_split(tx, source_id, split.event, by)
    else:  # it went on meanwhile, or came from more than one: they are read as one
        merge(tx, parted, source_id, by)
    return source_id
