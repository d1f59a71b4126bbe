"""What goes out to the customer, and notes that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.domain import events as e
from hub.domain.conversation import Conversation, Status, require
from hub.domain.errors import DoNotContact, Refused
from hub.domain.messages import Author
from hub.domain.reply_window import tag_for
from hub.ports import Capabilities
from hub.services import templates
from hub.store.queries import attachments as attachment_queries
from hub.store.queries import consent as consent_queries
from hub.store.queries import reply_window, thread
from hub.store.queries.sending import TEMPLATE, template_extras
from hub.store.unit_of_work import MessageContent, Tx


def send(
    tx: Tx,
    conversation_id: str,
    text: str,
    actor: e.Actor,
    *,
    extras: dict[str, Any] | None = None,
    client_key: str | None = None,
    message_id: str = "",
    inbox_id: str = "",
    identity_id: str = "",
    channel: str = "",
) -> str:
    """Queues a message to the customer, by the channel of their last one unless another is named. Returns its id."""
    conversation = tx.conversation(conversation_id)
    message_id = message_id or tx.new_id()
    tx.record(
        conversation_id,
        e.MessageQueued(
            message_id,
            inbox_id or conversation.inbox_id,
            identity_id or conversation.identity_id,
            channel or conversation.channel,
            actor.kind.value,
        ),
        actor,
        content=MessageContent(text=text, extras=extras, client_key=client_key),
    )
    return message_id


def reply(
    tx: Tx,
    conversation_id: str,
    agent_id: str,
    text: str,
    client_id: str,
    attachments: tuple[str, ...] = (),
    inbox_id: str | None = None,
    identity_id: str | None = None,
    kinds: Mapping[str, str] | None = None,
    limits: Mapping[str, int] | None = None,
    rules: Mapping[str, Capabilities] | None = None,
    template: tuple[str, Sequence[str]] | None = None,
) -> str:
    """An agent's answer. Whoever answers a conversation that nobody has takes it. Returns the message's id.

    The same `client_id` from the same agent is stored once.

    Args:
        tx: the transaction.
        conversation_id: where it is said.
        agent_id: who says it.
        text: what.
        client_id: the screen's own id of it.
        attachments: ids of files that the agent has uploaded.
        inbox_id: by which inbox; None: where the customer wrote last.
        identity_id: to which of the customer's addresses; None: the one last used with that inbox.
        kinds: the channel of each inbox's addresses, for customers who have not written to it yet.
        limits: the most characters of a text by each inbox.
        rules: what the channel of each inbox can do.
        template: an approved text of the inbox's, by its id, with its values; instead of `text`.

    Raises:
        Refused: an empty text, one that is too long for the inbox or comes too late for it, a template that does not
            fit, or a way by which the customer cannot be reached.
        Conflict: the conversation was merged into another.
        DoNotContact: the customer wants no messages at this address.
    """
    conversation = tx.conversation(conversation_id)
    client_key, stored = once(tx, agent_id, client_id)
    if stored:
        return stored
    require(conversation, "reply")
    actor = e.Actor(Author.AGENT, agent_id)
    if not conversation.assignee_id or conversation.status != Status.ASSIGNED:
        tx.record(conversation_id, e.Assigned(conversation.assignee_id or agent_id, "take"), actor)
    message_id = tx.new_id()
    way = _way(tx, conversation, inbox_id or "", identity_id or "", kinds or {})
    by, to = way.get("inbox_id", conversation.inbox_id), way.get("identity_id", conversation.identity_id)
    more: dict[str, Any] = {}
    if template is not None:
        text, outbound = templates.filled(tx, by, *template)
        more = {TEMPLATE: template_extras(outbound)}
    elif rules is not None and by in rules:
        said = reply_window.said(tx.connection, to, by)
        if tag_for(tx.now, said, rules[by].reply_window, rules[by].tags, Author.AGENT.value) is None:
            raise Refused("text", "comes too late for this inbox: the customer has to write first")
    extras = {**(_attached(tx, agent_id, text, attachments, message_id) or {}), **more} or None
    limit = (limits or {}).get(by, len(text))
    if len(text) > limit:
        raise Refused("text", f"must have at most {limit} characters by this inbox")
    where = consent_queries.place(tx.connection, to)
    if consent_queries.prohibition(tx.connection, where) is not None:
        raise DoNotContact("this customer wants no messages at this address")
    return send(tx, conversation_id, text, actor, extras=extras, client_key=client_key, message_id=message_id, **way)


def _way(
    tx: Tx, conversation: Conversation, inbox_id: str, identity_id: str, kinds: Mapping[str, str]
) -> dict[str, str]:
    """The way that an agent picked; empty for the one that the customer used last."""
    if (inbox_id or conversation.inbox_id, identity_id or conversation.identity_id) == (
        conversation.inbox_id,
        conversation.identity_id,
    ):
        return {}
    found = [
        each
        for each in thread.ways(tx.connection, conversation.contact_id, kinds)
        if each.inbox_id == (inbox_id or each.inbox_id) and each.identity_id == (identity_id or each.identity_id)
    ]
    if not found:
        raise Refused("inbox_id", "must be an inbox by which this customer can be reached")
    way = found[0]
    return {"inbox_id": way.inbox_id, "identity_id": way.identity_id, "channel": way.channel}


def note(
    tx: Tx, conversation_id: str, agent_id: str, text: str, client_id: str, attachments: tuple[str, ...] = ()
) -> str:
    """A note that only agents see. Returns its id; the same `client_id` from the same agent is stored once.

    Raises Refused for an empty text, Conflict where the conversation was merged into another.
    """
    conversation = tx.conversation(conversation_id)
    client_key, stored = once(tx, agent_id, client_id)
    if stored:
        return stored
    require(conversation, "note")
    message_id = tx.new_id()
    extras = _attached(tx, agent_id, text, attachments, message_id)
    tx.record(
        conversation_id,
        e.NoteAdded(message_id),
        e.Actor(Author.AGENT, agent_id),
        content=MessageContent(text=text, extras=extras, client_key=client_key),
    )
    return message_id


def once(tx: Tx, agent_id: str, client_id: str) -> tuple[str, str]:
    """The key under which this is stored once, and the id of the message that already is."""
    client_key = f"{agent_id}:{client_id}"
    return client_key, thread.message_with_client_key(tx.connection, client_key)


def _attached(
    tx: Tx, agent_id: str, text: str, attachment_ids: tuple[str, ...], message_id: str
) -> dict[str, Any] | None:
    if not text.strip() and not attachment_ids:
        raise Refused("text", "must not be empty unless there are attachments")
    stored = attachment_queries.claim(tx, attachment_ids, owner=f"agent:{agent_id}", message_id=message_id)
    return {"attachments": [each.as_json() for each in stored]} if stored else None
