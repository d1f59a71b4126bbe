"""What a visitor of the web chat gets to see of the feed: what was said with them, how far it came, who helps them.

The same function serves the poll of one visitor and the push to all that are connected, so that both tell the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from hub.domain import events as e
from hub.domain import rooms
from hub.domain.conversation import Conversation, Status
from hub.domain.inbox import Inbox
from hub.domain.messages import Author, Delivery, Kind
from hub.hub import Hub
from hub.ports import Capabilities
from hub.services import attachments, numbers
from hub.store import feed
from hub.store.queries import people, queue, widget
from hub.store.queries.widget import Said
from hub.store.unit_of_work import Reading
from hub.web import schemas_conversations as sc
from hub.web import schemas_widget as sw
from hub.web.render import time

_BRINGS_MESSAGE = e.MessageReceived | e.MessageQueued
_CHANGES_STATUS = (
    e.ConversationOpened
    | e.HandedOver
    | e.HandedBack
    | e.Assigned
    | e.Transferred
    | e.Snoozed
    | e.Woken
    | e.Resolved
    | e.Reopened
    | e.Absorbed
    | e.MergeUndone
)
# That a message is on its way, a customer sees by its arrival.
_TOLD_STATES = frozenset({Delivery.DELIVERED, Delivery.READ, Delivery.FAILED})
_SENDERS = {Author.CONTACT: "me", Author.BOT: "bot", Author.AGENT: "agent", Author.SYSTEM: "system"}


def for_visitors(
    connection: Reading, page: feed.Page, connected: Collection[str], hub: Hub
) -> dict[str, list[dict[str, Any]]]:
    """The entries of a page of the whole feed for each connected visitor's room that has any, as JSON values.

    Args:
        connection: of the read that the page came from.
        page: of the feed.
        connected: the visitors' rooms that somebody is in.
        hub: for signed addresses of attachments.
    """
    found = _entries(
        connection, page, lambda inbox_id, visitor_id: rooms.visitor(inbox_id, visitor_id) in connected, hub
    )
    return {
        rooms.visitor(inbox_id, visitor_id): [entry.model_dump(mode="json") for entry in entries]
        for (inbox_id, visitor_id), entries in found.items()
    }


def for_visitor(connection: Reading, page: feed.Page, inbox_id: str, visitor_id: str, hub: Hub) -> list[sw.WidgetEntry]:
    """The entries of a page of the feed for one visitor."""
    visitor = (inbox_id, visitor_id)
    return _entries(connection, page, lambda *other: other == visitor, hub).get(visitor, [])


def history(said: Iterable[Said], hub: Hub) -> list[sw.WidgetEntry]:
    """Earlier messages as entries, in the order given."""
    links = attachments.links(hub)
    return [sw.WidgetEntry(cursor=str(each.cursor), at=time(each.at), message=message(each, links)) for each in said]


def message(said: Said, links: attachments.Links) -> sw.WidgetMessage:
    extras: dict[str, Any] = json.loads(said.extras) if said.extras else {}
    citation = extras.get("citation")
    return sw.WidgetMessage.model_validate(
        {
            "id": said.id,
            "client_id": said.external_id.rpartition(":")[2] or None if said.kind == Kind.INCOMING else None,
            "sender": _SENDERS[Author(said.author_kind)],
            "author_name": said.author_name,
            "text": said.text,
            "buttons": extras.get("buttons", []),
            "attachments": [each | {"url": links.url(each["id"])} for each in extras.get("attachments", [])],
            "citation": citation and {name: citation[name] for name in sc.WidgetCitation.model_fields},
            "delivery": said.state,
            "at": time(said.at),
        }
    )


def status(connection: Reading, conversation: Conversation) -> sw.WidgetStatus:
    """How a visitor's conversation stands: the place in the queue while waiting, who helps while assigned."""
    found = sw.WidgetStatus.model_validate({"status": conversation.status})
    if conversation.status == Status.WAITING:
        found.place = queue.place(connection, conversation)
    elif conversation.status == Status.ASSIGNED:
        agent_id = conversation.assignee_id
        found.agent_name = people.names(connection, agents=[agent_id]).get(agent_id)
    return found


def settings(inbox: Inbox, capabilities: Capabilities) -> sw.WidgetSettings:
    """The inbox's own settings, completed by what every chat needs."""
    given: Mapping[str, Any] = inbox.settings
    return sw.WidgetSettings.model_validate(
        {
            "title": given.get("title") or {"en": inbox.name, "es": inbox.name},
            "greeting": given.get("greeting")
            or {"en": "Hello! How can we help?", "es": "¡Hola! ¿En qué podemos ayudarle?"},
            "languages": given.get("languages") or ["en", "es"],
            "pre_chat": given.get("pre_chat", []),
            "quick_replies": given.get("quick_replies", {}),
            "attachment_limit": capabilities.attachment_limit,
            "media_types": list(capabilities.media_types),
            "text_limit": capabilities.text_limit,
            "text_us": numbers.display(given["text_us"], "") if given.get("text_us") else None,
        }
    )


def _entries(
    connection: Reading, page: feed.Page, listens: Callable[[str, str], bool], hub: Hub
) -> dict[tuple[str, str], list[sw.WidgetEntry]]:
    """Entries by (inbox, visitor), of those visitors for whom `listens` is true."""
    mentioned = {
        recorded.event.message_id
        for _, recorded in page.entries
        if isinstance(recorded.event, _BRINGS_MESSAGE | e.DeliveryChanged)
    }
    said = {
        key: each for key, each in widget.said(connection, mentioned).items() if listens(each.inbox_id, each.visitor_id)
    }
    changed = {recorded.stream_id for _, recorded in page.entries if isinstance(recorded.event, _CHANGES_STATUS)}
    concerned = widget.visitors_in(connection, changed)
    links = attachments.links(hub)
    found: dict[tuple[str, str], list[sw.WidgetEntry]] = {}
    # The status is told as it is now, so one entry, in the place of the last change, tells of all.
    statuses: dict[tuple[str, str], tuple[str, feed.Cursor, int]] = {}
    for cursor, recorded in page.entries:
        event, entry = recorded.event, sw.WidgetEntry(cursor=str(cursor), at=time(recorded.at))
        if isinstance(event, _CHANGES_STATUS):
            for identity_id, inbox_id, visitor_id in concerned[recorded.stream_id]:
                if listens(inbox_id, visitor_id):
                    statuses[inbox_id, visitor_id] = (identity_id, cursor, recorded.at)
        elif isinstance(event, _BRINGS_MESSAGE | e.DeliveryChanged) and (about := said.get(event.message_id)):
            if not isinstance(event, e.DeliveryChanged):
                entry.message = message(about, links)
            elif event.state in _TOLD_STATES:
                entry.delivery = {about.id: Delivery(about.state).value}
            else:
                continue
            found.setdefault((about.inbox_id, about.visitor_id), []).append(entry)
    for visitor, (identity_id, cursor, at) in statuses.items():
        if conversation := widget.current(connection, identity_id):
            entry = sw.WidgetEntry(cursor=str(cursor), at=time(at), status=status(connection, conversation))
            found.setdefault(visitor, []).append(entry)
    for entries in found.values():
        entries.sort(key=lambda entry: feed.Cursor.parse(entry.cursor))
    return found
