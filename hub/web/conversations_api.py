"""Conversations: lists, threads, answers, and who has them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from flask import Response

from hub.domain.conversation import PRIORITIES, Conversation
from hub.domain.errors import HubError, NotFound, Refused
from hub.domain.reply_window import LastSaid
from hub.hub import Hub
from hub.ports import Capabilities
from hub.services import assignment, attachments, handoff, letters, replies
from hub.store import feed
from hub.store.queries import consent, inboxes, people, reply_window, stops, thread
from hub.store.queries import contacts as contact_queries
from hub.store.queries import conversations as queries
from hub.store.queries import letters as letter_queries
from hub.store.queries import messages as message_queries
from hub.store.unit_of_work import Reading, Tx
from hub.web import render
from hub.web import schemas as s
from hub.web import schemas_conversations as sc
from hub.web.auth import api_blueprint, needs
from hub.web.context import as_json, the_agent, the_hub, the_session
from hub.web.mail_page import page, policy

blueprint = api_blueprint("conversations", __name__, "Conversations")

_PAGE: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {"description": "The page", "content": {"text/html": {}}}
}


def changed(conversation_id: str, use_case: Callable[[Tx], object]) -> sc.ConversationOut:
    """Runs a use case and gives the conversation's row as it is then."""
    hub = the_hub()
    hub.store.write(use_case)
    with hub.store.read() as connection:
        return render.conversation(queries.row(connection, conversation_id))


@blueprint.get("/conversations")
@needs("read_conversations")
@blueprint.output(sc.Conversations)
@blueprint.input(sc.ConversationsQuery, location="query")
def conversations(query_data: sc.ConversationsQuery) -> Response:
    """One page of a list

    `queue` is ordered by priority and waiting time, the other views by last activity, newest first.
    """
    with the_hub().store.read() as connection:
        page = queries.page(
            connection,
            query_data.view,
            agent_id=the_session().agent_id,
            team_id=query_data.team_id or "",
            after=query_data.after or "",
            limit=query_data.limit,
        )
    return as_json(sc.Conversations(items=[render.conversation(row) for row in page.rows], next=page.next))


@blueprint.get("/conversations/<identifier:conversation_id>")
@needs("read_conversations")
@blueprint.output(sc.ConversationDetail)
def conversation(conversation_id: str) -> sc.ConversationDetail:
    """A conversation with its contact and, where the bot handed it over, the handoff packet"""
    hub = the_hub()
    capabilities = _capabilities(hub)
    with hub.store.read() as connection:
        row = queries.row(connection, conversation_id)
        state = row.conversation
        packet = handoff.packet(connection, state)
        contact = contact_queries.get(connection, state.contact_id)
        ways = thread.ways(connection, state.contact_id, _kinds(capabilities))
        merged = queries.merged_into(connection, conversation_id)
        name = people.agent(connection, the_session().agent_id).name
        return sc.ConversationDetail(
            conversation=render.conversation(row),
            contact=render.contact(contact),
            packet=render.packet(packet) if packet else None,
            verification=render.verification(state, row.level, contact),
            ways=_ways(hub, connection, ways, state, capabilities, name),
            consent=[render.consent(each) for each in consent.told(connection, (conversation_id, *merged))],
            reply_inboxes=_reply_inboxes(connection, state.contact_id),
            merged_from=list(merged),
            earlier=[
                render.conversation(each)
                for each in queries.of_contact(connection, state.contact_id)
                if each.conversation.id != conversation_id
            ],
        )


def _ways(
    hub: Hub,
    connection: Reading,
    found: Sequence[thread.WayBack],
    state: Conversation,
    capabilities: Mapping[str, Capabilities],
    name: str,
) -> list[sc.WayOut]:
    said = reply_window.said_to(connection, [each.identity_id for each in found])
    stopped = {each.inbox_id: each for each in stops.every(connection)}
    shown = []
    for each in found:
        inbox, rules = hub.inboxes.by_id(each.inbox_id), capabilities.get(each.inbox_id)
        composed = letters.composed(connection, state.id, inbox, name) if rules is not None and rules.letters else None
        last = said.get((each.identity_id, each.inbox_id), LastSaid())
        shown.append(render.way(each, inbox, state, rules, composed, last, stopped.get(each.inbox_id)))
    return shown


def _capabilities(hub: Hub) -> dict[str, Capabilities]:
    """What the channel of each inbox can do; those whose channel cannot be made are left out."""
    found = {}
    for inbox in hub.inboxes.every():
        with suppress(HubError):
            found[inbox.id] = hub.channel_of(inbox).capabilities
    return found


def _kinds(capabilities: Mapping[str, Capabilities]) -> dict[str, str]:
    """For each inbox the channel whose addresses it writes to."""
    return {inbox_id: each.channel for inbox_id, each in capabilities.items()}


def _reply_inboxes(connection: Reading, contact_id: str) -> list[s.InboxOut]:
    reachable = set(thread.reply_inboxes(connection, contact_id))
    return [render.inbox(each) for each in inboxes.every(connection) if each.id in reachable]


@blueprint.get("/conversations/<identifier:conversation_id>/messages")
@needs("read_conversations")
@blueprint.output(sc.Messages)
@blueprint.input(sc.MessagesQuery, location="query")
def messages(conversation_id: str, query_data: sc.MessagesQuery) -> Response:
    """A page of the thread, oldest first

    It includes what was said in conversations that were merged into this one.
    """
    hub = the_hub()
    before = _event_id(query_data.before) if query_data.before else 0
    with hub.store.read() as connection:
        queries.row(connection, conversation_id)
        ids = (conversation_id, *queries.merged_into(connection, conversation_id))
        found, more = message_queries.thread(connection, ids, before=before, limit=query_data.limit)
    links = attachments.links(hub)
    shown = [render.message(each, links) for each in found]
    return as_json(sc.Messages(items=shown, before=str(more) if more else None))


@blueprint.get("/messages/<identifier:message_id>/body")
@needs("read_conversations")
@blueprint.output(sc.BodyOut)
def body(message_id: str) -> sc.BodyOut:
    """A mail's whole body, with all that it quotes

    404 for a message that is no mail.
    """
    with the_hub().store.read() as connection:
        found = letter_queries.body(connection, message_id)
    if found is None:
        raise NotFound("there is no such mail")
    return render.body(found)


@blueprint.get("/messages/<identifier:message_id>/page")
@needs("read_conversations")
@blueprint.input(sc.MailPageQuery, location="query")
@blueprint.doc(responses=_PAGE)
def mail_page(message_id: str, query_data: sc.MailPageQuery) -> Response:
    """A mail as it was sent, as a page for a frame

    It runs nothing and loads nothing from elsewhere, but for pictures where `images` asks for them. 404 for a message
    without HTML.
    """
    hub = the_hub()
    with hub.store.read() as connection:
        found = letter_queries.body(connection, message_id)
        if found is None or not found.html:
            raise NotFound("there is no such mail")
        extras = json.loads(message_queries.get(connection, message_id).extras)
    html = page(
        found.html,
        extras.get("attachments", []),
        lambda each: hub.files.get(attachments.key(each)),
        images=query_data.images,
    )
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = policy(images=query_data.images)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _event_id(before: str) -> int:
    if not (before.isascii() and before.isdigit() and len(before) < 19):
        raise Refused("before", "must be what the page before gave")
    return int(before)


@blueprint.post("/conversations/<identifier:conversation_id>/messages")
@needs("work_conversations")
@blueprint.output(sc.MessageOut)
@blueprint.input(sc.MessageIn)
def send(conversation_id: str, json_data: sc.MessageIn) -> sc.MessageOut:
    """Answer the customer, or leave a note that only agents see

    Whoever answers a conversation that nobody has takes it.
    """
    hub, agent_id = the_hub(), the_session().agent_id
    files = tuple(json_data.attachments)
    inbox_id, identity_id = json_data.inbox_id, json_data.identity_id
    capabilities = _capabilities(hub)
    kinds, limits = _kinds(capabilities), {each: found.text_limit for each, found in capabilities.items()}
    chosen = (json_data.template.id, json_data.template.parameters) if json_data.template else None

    def use_case(tx: Tx) -> str:
        content = (json_data.text, json_data.client_id, files)
        if json_data.kind == "note":
            return replies.note(tx, conversation_id, agent_id, *content)
        return replies.reply(
            tx,
            conversation_id,
            agent_id,
            *content,
            inbox_id=inbox_id,
            identity_id=identity_id,
            kinds=kinds,
            limits=limits,
            rules=capabilities,
            template=chosen,
        )

    message_id = hub.store.write(use_case)
    with hub.store.read() as connection:
        return render.message(message_queries.get(connection, message_id), attachments.links(hub))


@blueprint.post("/conversations/<identifier:conversation_id>/take")
@needs("work_conversations")
@blueprint.output(sc.ConversationOut)
def take(conversation_id: str) -> sc.ConversationOut:
    """Take a conversation

    409 `already_taken` when another agent was first.
    """
    agent_id = the_session().agent_id
    return changed(conversation_id, lambda tx: assignment.take(tx, conversation_id, agent_id))


@blueprint.post("/conversations/<identifier:conversation_id>/assign")
@needs("assign_others")
@blueprint.output(sc.ConversationOut)
@blueprint.input(sc.AssignIn)
def assign(conversation_id: str, json_data: sc.AssignIn) -> sc.ConversationOut:
    """Give a conversation to an agent"""
    by = the_agent()
    return changed(conversation_id, lambda tx: assignment.assign(tx, conversation_id, json_data.agent_id, by))


@blueprint.post("/conversations/<identifier:conversation_id>/transfer")
@needs("work_conversations")
@blueprint.output(sc.ConversationOut)
@blueprint.input(sc.TransferIn)
def transfer(conversation_id: str, json_data: sc.TransferIn) -> sc.ConversationOut:
    """Put a conversation into a team's queue"""
    by = the_agent()
    return changed(
        conversation_id,
        lambda tx: assignment.transfer(tx, conversation_id, json_data.team_id, by, note=json_data.note),
    )


@blueprint.put("/conversations/<identifier:conversation_id>/colleague")
@needs("work_conversations")
@blueprint.output(sc.ConversationOut)
@blueprint.input(sc.ColleagueIn)
def bring_in(conversation_id: str, json_data: sc.ColleagueIn) -> sc.ConversationOut:
    """Bring a colleague in, with a note

    They read and answer along; whoever has the conversation keeps it.
    """
    by, given = the_agent(), json_data
    return changed(
        conversation_id,
        lambda tx: assignment.bring_in(tx, conversation_id, given.agent_id, by, given.note, given.client_id),
    )


@blueprint.delete("/conversations/<identifier:conversation_id>/colleague")
@needs("work_conversations")
@blueprint.output(sc.ConversationOut)
def leave(conversation_id: str) -> sc.ConversationOut:
    """The colleague leaves the conversation"""
    by = the_agent()
    return changed(conversation_id, lambda tx: assignment.leave(tx, conversation_id, by))


@blueprint.post("/conversations/<identifier:conversation_id>/resolve")
@needs("work_conversations")
@blueprint.output(sc.ConversationOut)
def resolve(conversation_id: str) -> sc.ConversationOut:
    """Close a conversation"""
    by = the_agent()
    return changed(conversation_id, lambda tx: assignment.resolve(tx, conversation_id, by))


@blueprint.post("/conversations/<identifier:conversation_id>/reopen")
@needs("work_conversations")
@blueprint.output(sc.ConversationOut)
def reopen(conversation_id: str) -> sc.ConversationOut:
    """Open a resolved conversation again"""
    by = the_agent()
    return changed(conversation_id, lambda tx: assignment.reopen(tx, conversation_id, by))


@blueprint.post("/conversations/<identifier:conversation_id>/snooze")
@needs("work_conversations")
@blueprint.output(sc.ConversationOut)
@blueprint.input(sc.SnoozeIn)
def snooze(conversation_id: str, json_data: sc.SnoozeIn) -> sc.ConversationOut:
    """Let a conversation sleep until a time or the customer's next message"""
    by, until = the_agent(), render.microseconds(json_data.until)
    return changed(conversation_id, lambda tx: assignment.snooze(tx, conversation_id, until, by))


@blueprint.post("/conversations/<identifier:conversation_id>/hand-back")
@needs("work_conversations")
@blueprint.output(sc.ConversationOut)
def hand_back(conversation_id: str) -> sc.ConversationOut:
    """Give a conversation back to the bot"""
    by = the_agent()
    return changed(conversation_id, lambda tx: assignment.hand_back(tx, conversation_id, by))


@blueprint.post("/conversations/<identifier:conversation_id>/priority")
@needs("work_conversations")
@blueprint.output(sc.ConversationOut)
@blueprint.input(sc.PriorityIn)
def set_priority(conversation_id: str, json_data: sc.PriorityIn) -> sc.ConversationOut:
    """Change a conversation's priority"""
    by, priority = the_agent(), PRIORITIES.index(json_data.priority)
    return changed(conversation_id, lambda tx: assignment.set_priority(tx, conversation_id, priority, by))


@blueprint.get("/events")
@needs("read_conversations")
@blueprint.output(sc.Feed)
@blueprint.input(sc.FeedQuery, location="query")
def events(query_data: sc.FeedQuery) -> Response:
    """What happened after a cursor

    Without `after` it is empty and its `cursor` is "now".
    """
    hub = the_hub()
    with hub.store.read() as connection:
        if query_data.after is None:
            return as_json(sc.Feed(entries=[], cursor=str(feed.head(connection)), more=False))
        page = feed.read(connection, feed.Cursor.parse(query_data.after), limit=query_data.limit)
        entries = render.entries(connection, page, hub)
    return as_json(sc.Feed(entries=entries, cursor=str(page.cursor), more=page.more))
