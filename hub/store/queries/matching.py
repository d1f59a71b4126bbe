"""What the inbound path looks up, each in one statement, locked where another transaction may do the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, desc, literal, select

from hub.domain.conversation import Conversation
from hub.domain.messages import Address
from hub.store import tables as t
from hub.store.prepared import Prepared
from hub.store.unit_of_work import CONVERSATION_COLUMNS, Tx, conversation_from


@dataclass(frozen=True, slots=True)
class KnownIdentity:
    """`duplicate_id` is our id of the message with this external id, if it is stored; then `duplicate_in` its place."""

    identity_id: str
    contact_id: str
    duplicate_id: str
    duplicate_in: str


def _locked(tx: Tx, statement: Select[Any], *tables: Any) -> Select[Any]:
    # SQLite has one writer: whoever writes holds the whole database.
    return statement.with_for_update(of=tables) if tx.postgres else statement


# Built once: on the inbound path, putting a statement together costs more than running it.
_SELECT_IDENTITY = (
    select(t.identity.c.id, t.identity.c.contact_id)
    .join(t.contact, t.contact.c.id == t.identity.c.contact_id)
    .where(
        t.identity.c.channel == bindparam("channel"),
        t.identity.c.scope == bindparam("scope"),
        t.identity.c.address == bindparam("address"),
    )
)
_IDENTITY = Prepared(_SELECT_IDENTITY)
_IDENTITY_LOCKED = Prepared(_SELECT_IDENTITY.with_for_update(of=t.contact))
_SELECT_OWNER_AND_STORED = (
    select(t.identity.c.contact_id, t.message.c.id, t.message.c.conversation_id)
    .outerjoin_from(
        t.identity,
        t.message,
        (t.message.c.inbox_id == bindparam("inbox_id")) & (t.message.c.external_id == bindparam("external_id")),
    )
    .where(t.identity.c.id == bindparam("identity_id"))
)
_OWNER_AND_STORED = Prepared(_SELECT_OWNER_AND_STORED)
_SELECT_CURRENT = (
    select(*CONVERSATION_COLUMNS)
    .where(t.conversation.c.contact_id == bindparam("contact_id"), t.conversation.c.merged_into == "")
    .order_by(desc(t.conversation.c.last_activity_at), desc(t.conversation.c.id))
    .limit(1)
)
_CURRENT = Prepared(_SELECT_CURRENT)
_CURRENT_LOCKED = Prepared(_SELECT_CURRENT.with_for_update())
_ROUTE = select(t.route.c.conversation_id).where(
    t.route.c.inbox_id == bindparam("inbox_id"),
    t.route.c.identity_id == bindparam("identity_id"),
    t.route.c.thread_key == bindparam("thread_key"),
)


def identity(tx: Tx, address: Address, *, inbox_id: str, external_id: str) -> KnownIdentity | None:
    """The identity at an address, with its contact's row locked: two channels at once do not split one person."""
    where = {"channel": address.channel, "scope": address.scope, "address": address.value}
    while row := tx.run(_IDENTITY_LOCKED if tx.postgres else _IDENTITY, where).fetchone():
        identity_id, contact_id = row
        # After the lock: a copy of this message that was under way is committed now, or will wait for us; and a merge
        # that we waited for has given the identity to another contact, which then is the one to lock.
        which = {"inbox_id": inbox_id, "external_id": external_id, "identity_id": identity_id}
        owner_id, stored_id, stored_in = tx.run(_OWNER_AND_STORED, which).fetchone()
        if owner_id == contact_id:
            return KnownIdentity(identity_id, contact_id, stored_id or "", stored_in or "")
    return None


def current_conversation(tx: Tx, contact_id: str) -> Conversation | None:
    """The contact's conversation with the latest activity, over all channels, locked."""
    statement = _CURRENT_LOCKED if tx.postgres else _CURRENT
    row = tx.run(statement, {"contact_id": contact_id}).fetchone()
    return tx.hold(conversation_from(row)) if row else None


def routed_conversation(tx: Tx, inbox_id: str, identity_id: str, thread_key: str) -> Conversation | None:
    """Where this thread key points, locked; None where it was never seen."""
    key = {"inbox_id": inbox_id, "identity_id": identity_id, "thread_key": thread_key}
    conversation_id = tx.connection.execute(_ROUTE, key).scalar_one_or_none()
    if conversation_id is None:
        return None
    conversation = tx.conversation(conversation_id)
    while conversation.merged_into:  # while we waited for its lock; the route leads there by now
        conversation = tx.conversation(conversation.merged_into)
    return conversation


def offered_extras(connection: Connection, message_id: str, contact_id: str) -> str:
    """The extras (JSON) of a message that we sent to this contact; empty where we did not."""
    statement = (
        select(t.message.c.extras)
        .join(t.conversation, t.conversation.c.id == t.message.c.conversation_id)
        .where(t.message.c.id == message_id, t.message.c.kind == "outgoing", t.conversation.c.contact_id == contact_id)
    )
    return connection.execute(statement).scalar_one_or_none() or ""


def identities_at(tx: Tx, channel: str, address: str) -> list[tuple[str, str]]:
    """(identity, contact) at an address of a channel, in any scope."""
    statement = select(t.identity.c.id, t.identity.c.contact_id).where(
        t.identity.c.address == address, t.identity.c.channel == channel
    )
    return [(row.id, row.contact_id) for row in tx.connection.execute(statement)]


def lock_contact(tx: Tx, contact_id: str) -> str | None:
    """Locks a contact; returns whom it is merged into (empty: nobody), None where there is no such contact."""
    statement = select(t.contact.c.merged_into).where(t.contact.c.id == contact_id)
    return tx.connection.execute(_locked(tx, statement, t.contact)).scalar_one_or_none()


def identities_of(tx: Tx, contact_id: str) -> list[str]:
    """All identities of a contact, oldest first."""
    statement = select(t.identity.c.id).where(t.identity.c.contact_id == contact_id).order_by(t.identity.c.id)
    return list(tx.connection.execute(statement).scalars())


def conversations_of(tx: Tx, contact_id: str) -> list[str]:
    """All conversations of a contact, oldest first."""
    mine = t.conversation.c.contact_id == contact_id
    statement = select(t.conversation.c.id).where(mine).order_by(t.conversation.c.id)
    return list(tx.connection.execute(statement).scalars())


def candidates(connection: Connection, contact_id: str) -> list[tuple[str, str]]:
    """(contact, reason) of other contacts that may be the same person: an address in common, or the same full name.

    At most ten; shown to people, never acted upon.
    """
    mine, other = t.identity.alias("mine"), t.identity.alias("other")
    by_address = (
        select(other.c.contact_id, literal("same_address"))
        .join(mine, (mine.c.address == other.c.address) & (mine.c.id != other.c.id))
        .where(mine.c.contact_id == contact_id, other.c.contact_id != contact_id)
    )
    me, namesake = t.contact.alias("me"), t.contact.alias("namesake")
    by_name = (
        select(namesake.c.id, literal("same_name"))
        .join(me, (me.c.name == namesake.c.name) & (me.c.id != namesake.c.id))
        .where(me.c.id == contact_id, me.c.name.like("% %"), namesake.c.merged_into == "")
    )
    found: dict[str, str] = {}
    for statement in (by_address, by_name):
        for candidate, reason in connection.execute(statement.limit(10)):
            found.setdefault(candidate, reason)
    return list(found.items())[:10]


def has_merged_children(tx: Tx, conversation_id: str) -> bool:
    """Whether other conversations are merged into this one."""
    statement = select(t.conversation.c.id).where(t.conversation.c.merged_into == conversation_id).limit(1)
    return tx.connection.execute(statement).one_or_none() is not None


def messages_in(tx: Tx, conversation_id: str) -> set[str]:
    """Ids of all messages of a conversation."""
    statement = select(t.message.c.id).where(t.message.c.conversation_id == conversation_id)
    return set(tx.connection.execute(statement).scalars())
