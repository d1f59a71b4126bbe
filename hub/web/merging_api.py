"""Conversations and contacts made one or parted, and taken back; who may be the same person."""

from __future__ import annotations

from flask import Response

from hub.domain import events as e
from hub.domain import permissions
from hub.services import contacts, merging
from hub.store.queries import contacts as contact_queries
from hub.store.queries import conversations as conversation_queries
from hub.store.queries import matching, packets
from hub.store.unit_of_work import Tx
from hub.web import render
from hub.web import schemas_conversations as s
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_agent, the_hub, the_session

blueprint = api_blueprint("merging", __name__, "Contacts and merging")


@blueprint.post("/conversations/<identifier:conversation_id>/merge")
@needs("work_conversations")
@blueprint.output(s.UndoOut)
@blueprint.input(s.MergeIn)
def merge(conversation_id: str, json_data: s.MergeIn) -> s.UndoOut:
    """Read a conversation in another one of the same contact from now on

    The answer has the conversation that goes on.
    """
    by = the_agent()
    event_id = the_hub().store.write(lambda tx: merging.merge(tx, conversation_id, json_data.into, by))
    return _undo_out(event_id, json_data.into)


@blueprint.post("/conversations/<identifier:conversation_id>/split")
@needs("work_conversations")
@blueprint.output(s.UndoOut)
@blueprint.input(s.SplitIn)
def split(conversation_id: str, json_data: s.SplitIn) -> s.UndoOut:
    """Move messages into a conversation of their own

    The answer has the new conversation.
    """
    by, message_ids = the_agent(), tuple(json_data.message_ids)
    event_id, new_id = the_hub().store.write(lambda tx: merging.split(tx, conversation_id, message_ids, by))
    return _undo_out(event_id, new_id)


def _undo_out(event_id: int, conversation_id: str) -> s.UndoOut:
    with the_hub().store.read() as connection:
        row = conversation_queries.row(connection, conversation_id)
    return s.UndoOut(event_id=event_id, conversation=render.conversation(row))


@blueprint.post("/events/<int:event_id>/undo")
@needs("work_conversations")
@blueprint.output(s.ConversationOut)
@blueprint.doc(responses={204: "Taken back; there is no conversation to look at"})
def undo(event_id: int) -> s.ConversationOut | Response:
    """Take back a merge or a split, or that an address was somebody else's

    A merge of contacts wants the action that made it, `merge_contacts`.
    """
    hub, by, role = the_hub(), the_agent(), the_session().role

    def use_case(tx: Tx) -> str:
        recorded = packets.event(tx.connection, event_id)
        if recorded is not None and isinstance(recorded.event, e.ContactMerged):
            permissions.require(role, "merge_contacts")
        return merging.undo(tx, event_id, by)

    conversation_id = hub.store.write(use_case)
    if not conversation_id:
        return Response(status=204)
    with hub.store.read() as connection:
        return render.conversation(conversation_queries.row(connection, conversation_id))


@blueprint.get("/contacts/<identifier:contact_id>")
@needs("read_conversations")
@blueprint.output(s.ContactOut)
def contact(contact_id: str) -> s.ContactOut:
    """A contact with its addresses"""
    with the_hub().store.read() as connection:
        return render.contact(contact_queries.get(connection, contact_id))


@blueprint.get("/contacts/<identifier:contact_id>/history")
@needs("read_conversations")
@blueprint.output(s.ContactHistory)
def history(contact_id: str) -> s.ContactHistory:
    """How a contact came by its addresses: linked, moved, merged and taken back, oldest first"""
    with the_hub().store.read() as connection:
        contact_queries.get(connection, contact_id)
        found = contact_queries.history(connection, [contact_id])
    return s.ContactHistory(items=[render.happened(each) for each in found])


@blueprint.get("/contacts/<identifier:contact_id>/candidates")
@needs("read_conversations")
@blueprint.output(s.Candidates)
def candidates(contact_id: str) -> s.Candidates:
    """Other contacts that may be the same person, the likeliest first"""
    with the_hub().store.read() as connection:
        contact_queries.get(connection, contact_id)
        said = matching.last_said(connection, contact_id)
        hints = matching.candidates(connection, contact_id, contacts.mentioned(said))
        them = contact_queries.by_id(connection, list(dict.fromkeys(each.contact_id for each in hints))[:10])
    return s.Candidates(items=render.candidates(hints, them))


@blueprint.post("/contacts/<identifier:contact_id>/addresses")
@needs("work_conversations")
@blueprint.output(s.ContactOut)
@blueprint.input(s.AddressIn)
def add_address(contact_id: str, json_data: s.AddressIn) -> s.ContactOut:
    """Write down another address of a contact

    An address that another contact has is a conflict: merge the two, or unlink it there.
    """
    hub, by, given = the_hub(), the_agent(), json_data
    hub.store.write(lambda tx: contacts.add_by_agent(tx, contact_id, given.kind, given.value, given.region or "", by))
    with hub.store.read() as connection:
        return render.contact(contact_queries.get(connection, contact_id))


@blueprint.post("/contacts/<identifier:contact_id>/addresses/<identifier:identity_id>/unlink")
@needs("work_conversations")
@blueprint.output(s.ContactUndoOut)
def unlink(contact_id: str, identity_id: str) -> s.ContactUndoOut:
    """An address is not this contact's

    The answer has the contact that it is now. Conversations in which nobody else wrote go with it.
    """
    hub, by = the_hub(), the_agent()
    done = hub.store.write(lambda tx: merging.unlink(tx, contact_id, identity_id, by))
    with hub.store.read() as connection:
        found = contact_queries.get(connection, done.contact_id)
    return s.ContactUndoOut(event_id=done.event_id, contact=render.contact(found))


@blueprint.post("/conversations/<identifier:conversation_id>/somebody-else")
@needs("work_conversations")
@blueprint.output(s.UndoOut)
@blueprint.input(s.SomebodyElseIn)
def somebody_else(conversation_id: str, json_data: s.SomebodyElseIn) -> s.UndoOut:
    """What was said with an address is somebody else's: it becomes a conversation and a contact of its own

    The answer has the conversation in which it is now.
    """
    hub, by, identity_id = the_hub(), the_agent(), json_data.identity_id

    def use_case(tx: Tx) -> merging.Unlinked:
        contact_id = tx.conversation(conversation_id).contact_id
        return merging.unlink(tx, contact_id, identity_id, by, conversation_id=conversation_id)

    done = hub.store.write(use_case)
    return _undo_out(done.event_id, done.conversation_id or conversation_id)


@blueprint.post("/contacts/<identifier:contact_id>/merge")
@needs("merge_contacts")
@blueprint.output(s.ContactUndoOut)
@blueprint.input(s.MergeIn)
def merge_contacts(contact_id: str, json_data: s.MergeIn) -> s.ContactUndoOut:
    """Make two contacts one

    The answer has the contact that goes on.
    """
    hub, by = the_hub(), the_agent()
    event_id = hub.store.write(lambda tx: contacts.merge(tx, contact_id, json_data.into, by))
    with hub.store.read() as connection:
        found = contact_queries.get(connection, json_data.into)
    return s.ContactUndoOut(event_id=event_id, contact=render.contact(found))
