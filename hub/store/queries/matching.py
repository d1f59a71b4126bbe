"""What the inbound path looks up, each in one statement, locked where another transaction may do the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Select, bindparam, desc, func, or_, select

from hub.domain.addresses import PHONE, kind_of
from hub.domain.conversation import Conversation
from hub.domain.messages import WITH_CUSTOMER, Address, Author
from hub.domain.verification import Link
from hub.store import tables as t
from hub.store.prepared import Prepared
from hub.store.unit_of_work import CONVERSATION_COLUMNS, Tx, conversation_from

# Not a channel: an address that a contact has named and that somebody else has. Its scope is the contact.
CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class KnownIdentity:
    """`duplicate_id` is our id of the message with this external id, if it is stored; then `duplicate_in` its place.

    `evidence` and `stated_by` say how the contact is known; `wire_address` is the provider's spelling, if it differs.
    `current` is what `current_conversation` would find, in a tuple, where it is known already.
    """

    identity_id: str
    contact_id: str
    duplicate_id: str = ""
    duplicate_in: str = ""
    evidence: str = ""
    stated_by: str = ""
    wire_address: str = ""
    current: tuple[Conversation | None] | None = None


def _locked(tx: Tx, statement: Select[Any], *tables: Any) -> Select[Any]:
    # SQLite has one writer: whoever writes holds the whole database.
    return statement.with_for_update(of=tables) if tx.postgres else statement


_AT_ADDRESS = (
    (t.identity.c.channel == bindparam("channel"))
    & (t.identity.c.scope == bindparam("scope"))
    & (t.identity.c.address == bindparam("address"))
)
# Built once: on the inbound path, putting a statement together costs more than running it.
_SELECT_IDENTITY = (
    select(
        t.identity.c.id,
        t.identity.c.contact_id,
        t.identity.c.evidence,
        t.identity.c.stated_by,
        t.identity.c.wire_address,
    )
    .join(t.contact, t.contact.c.id == t.identity.c.contact_id)
    .where(_AT_ADDRESS)
)
_IDENTITY_LOCKED = Prepared(_SELECT_IDENTITY.with_for_update(of=t.contact))
_THE_MESSAGE = (t.message.c.inbox_id == bindparam("inbox_id")) & (t.message.c.external_id == bindparam("external_id"))
_PLACE = (t.message.c.id, t.message.c.conversation_id)
_OWNER_AND_STORED = Prepared(
    select(t.identity.c.id, t.identity.c.contact_id, *_PLACE)
    .outerjoin_from(t.identity, t.message, _THE_MESSAGE)
    .where(_AT_ADDRESS)
)
# Where there is one writer nothing changes between the two.
_IDENTITY_AND_STORED = Prepared(_SELECT_IDENTITY.add_columns(*_PLACE).outerjoin(t.message, _THE_MESSAGE))
_STORED = Prepared(select(*_PLACE).where(_THE_MESSAGE))
_SELECT_CURRENT = (
    select(*CONVERSATION_COLUMNS)
    .where(t.conversation.c.contact_id == bindparam("contact_id"), t.conversation.c.merged_into == "")
    .order_by(desc(t.conversation.c.last_activity_at), desc(t.conversation.c.id))
    .limit(1)
)
_CURRENT = Prepared(_SELECT_CURRENT)
_CURRENT_LOCKED = Prepared(_SELECT_CURRENT.with_for_update())
_CURRENT_AT = Prepared(
    select(*CONVERSATION_COLUMNS)
    .where(
        t.conversation.c.contact_id == select(t.identity.c.contact_id).where(_AT_ADDRESS).scalar_subquery(),
        t.conversation.c.merged_into == "",
    )
    .order_by(desc(t.conversation.c.last_activity_at), desc(t.conversation.c.id))
    .limit(1)
    .with_for_update(of=t.conversation)
)
_ROUTE = select(t.route.c.conversation_id).where(
    t.route.c.inbox_id == bindparam("inbox_id"),
    t.route.c.identity_id == bindparam("identity_id"),
    t.route.c.thread_key == bindparam("thread_key"),
)

_LOCK_ADDRESS = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("address"), 0)))


def identity(
    tx: Tx, address: Address, *, inbox_id: str, external_id: str, with_current: bool = False
) -> KnownIdentity | None:
    """The identity at an address, with its contact's row locked: two channels at once do not split one person.

    `with_current`: the contact's current conversation will be asked for, and may come along.
    """
    where = {"channel": address.channel, "scope": address.scope, "address": address.value}
    message = {"inbox_id": inbox_id, "external_id": external_id}
    if not tx.postgres:
        row = tx.run(_IDENTITY_AND_STORED, where | message).fetchone()
        return _known(row[:5], row[5:]) if row else None
    # After the lock: a copy of this message that was under way is committed now, or will wait for us; and a merge
    # that we waited for has given the identity to another contact, which then is the one to lock.
    asked = [(_IDENTITY_LOCKED, where), (_OWNER_AND_STORED, message | where)]
    if with_current:
        asked.append((_CURRENT_AT, where))
    while True:
        identities, owners, *conversations = tx.ask(*asked)
        if not identities:
            return None
        row = identities[0]
        if owners and owners[0][:2] == row[:2]:
            return _known(row, owners[0][2:], _locked_current(tx, conversations))


def _locked_current(tx: Tx, conversations: Sequence[Sequence[Any]]) -> tuple[Conversation | None] | None:
    if not conversations:
        return None
    rows = conversations[0]
    return (tx.hold(conversation_from(rows[0])) if rows else None,)


def _known(
    row: Sequence[Any], stored: Sequence[Any], current: tuple[Conversation | None] | None = None
) -> KnownIdentity:
    """Of a row of `_SELECT_IDENTITY`, and the place of the message where it is stored."""
    identity_id, contact_id, evidence, stated_by, wire_address = row
    duplicate_id, duplicate_in = stored
    return KnownIdentity(
        identity_id, contact_id, duplicate_id or "", duplicate_in or "", evidence, stated_by, wire_address, current
    )


def stored(tx: Tx, *, inbox_id: str, external_id: str) -> tuple[str, str] | None:
    """(message, conversation) of the message with this external id, whoever sent it; None where there is none."""
    row = tx.run(_STORED, {"inbox_id": inbox_id, "external_id": external_id}).fetchone()
    return (row[0], row[1]) if row else None


def current_conversation(
    tx: Tx, contact_id: str, known: tuple[Conversation | None] | None = None
) -> Conversation | None:
    """The contact's conversation with the latest activity, over all channels, locked; `known` is
    `KnownIdentity.current`."""
    if known is not None:
        return known[0]
    statement = _CURRENT_LOCKED if tx.postgres else _CURRENT
    row = tx.run(statement, {"contact_id": contact_id}).fetchone()
    return tx.hold(conversation_from(row)) if row else None


def routed_conversation(tx: Tx, inbox_id: str, identity_id: str, thread_key: str) -> Conversation | None:
    """Where this thread key points, locked; None where it was never seen."""
    key = {"inbox_id": inbox_id, "identity_id": identity_id, "thread_key": thread_key}
    conversation_id = tx.connection.execute(_ROUTE, key).scalar_one_or_none()
    if conversation_id is None:
        return None
    return standing(tx, conversation_id)


def standing(tx: Tx, conversation_id: str) -> Conversation:
    """A conversation, or what it was merged into (perhaps while we waited for its lock), locked."""
    conversation = tx.conversation(conversation_id)
    while conversation.merged_into:
        conversation = tx.conversation(conversation.merged_into)
    return conversation


def standing_contact(connection: Connection, conversation_id: str) -> str:
    """Whose a conversation is, or what it was merged into; not locked."""
    c = t.conversation.c
    merged_into, contact_id = conversation_id, ""
    while merged_into:
        row = connection.execute(select(c.merged_into, c.contact_id).where(c.id == merged_into)).one()
        merged_into, contact_id = row.merged_into, row.contact_id
    return contact_id


_OFFERED_EXTRAS = Prepared(
    select(t.message.c.extras)
    .join(t.conversation, t.conversation.c.id == t.message.c.conversation_id)
    .where(
        t.message.c.id == bindparam("which"),
        t.message.c.kind == "outgoing",
        t.conversation.c.contact_id == bindparam("contact"),
    )
)


def offered_extras(connection: Connection, message_id: str, contact_id: str) -> str:
    """The extras (JSON) of a message that we sent to this contact; empty where we did not."""
    row = _OFFERED_EXTRAS.one(connection, {"which": message_id, "contact": contact_id})
    return row.extras if row else ""


@dataclass(frozen=True, slots=True)
class HeldIdentity:
    """An identity with what it is held by. `linked_at` in microseconds."""

    id: str
    contact_id: str
    channel: str
    address: str
    display_name: str
    evidence: str
    stated_by: str
    linked_at: int


_i = t.identity.c
_HELD = select(*(_i[field.name] for field in fields(HeldIdentity))).order_by(_i.id)
_HELD_AT = Prepared(_HELD.where(_i.address == bindparam("which")))
_HELD_BY = Prepared(_HELD.where(_i.contact_id == bindparam("which")))
_HELD_ONE = Prepared(_HELD.where(_i.id == bindparam("which")))
_CLAIMED = (
    select(_i.id)
    .where(_i.channel == CLAIM, _i.scope == bindparam("contact"), _i.address == bindparam("which"))
    .limit(1)
)


def _held(connection: Connection, statement: Prepared, which: str) -> list[HeldIdentity]:
    return [HeldIdentity(*row) for row in statement.all(connection, {"which": which})]


def identities_at(connection: Connection, kind: str, address: str) -> list[HeldIdentity]:
    """Who has an address of this kind, in any channel that uses it and any scope."""
    return [each for each in _held(connection, _HELD_AT, address) if kind_of(each.channel) == kind]


def identities_held(connection: Connection, contact_id: str) -> list[HeldIdentity]:
    """All identities of a contact, oldest first."""
    return _held(connection, _HELD_BY, contact_id)


def held_identity(connection: Connection, identity_id: str) -> HeldIdentity | None:
    return next(iter(_held(connection, _HELD_ONE, identity_id)), None)


def has_claim(connection: Connection, contact_id: str, address: str) -> bool:
    """Whether a contact has named an address that is somebody else's."""
    return connection.execute(_CLAIMED, {"contact": contact_id, "which": address}).one_or_none() is not None


def was_used(connection: Connection, identity_id: str) -> bool:
    """Whether anything was ever said with this address, by either side."""
    statement = select(t.message.c.id).where(t.message.c.identity_id == identity_id).limit(1)
    return connection.execute(statement).one_or_none() is not None


def lock_address(tx: Tx, address: str) -> None:
    """Makes those wait who want to link this address too, until the end of the transaction: it has no row yet."""
    if tx.postgres:
        tx.connection.execute(_LOCK_ADDRESS, {"address": f"address:{address}"})


def links(connection: Connection, contact_id: str) -> list[Link]:
    """A contact's addresses as far as the proof of one reaches to the others."""
    held = identities_held(connection, contact_id)
    return [Link(each.id, each.channel, each.evidence, each.stated_by) for each in held]


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


@dataclass(frozen=True, slots=True)
class Hint:
    """Why another contact may be the same person. `address` is what they have in common; empty for a name."""

    contact_id: str
    reason: str
    address: str = ""


# The strongest first.
_REASONS = ("same_number", "same_email", "same_address", "stated", "mentioned", "same_name")


def candidates(connection: Connection, contact_id: str, mentioned: Collection[str] = ()) -> list[Hint]:
    """Other contacts that may be the same person, the likeliest first: an address in common or stated, an address that
    they `mentioned`, or the same full name.

    At most thirty; shown to people, never acted upon.
    """
    mine, other = t.identity.alias("mine"), t.identity.alias("other")
    by_address = (
        select(other.c.contact_id, other.c.address, other.c.channel, mine.c.channel)
        .join(mine, (mine.c.address == other.c.address) & (mine.c.id != other.c.id))
        .where(mine.c.contact_id == contact_id, other.c.contact_id != contact_id)
        .limit(10)
    )
    me, namesake = t.contact.alias("me"), t.contact.alias("namesake")
    by_name = (
        select(namesake.c.id)
        .join(me, (me.c.name == namesake.c.name) & (me.c.id != namesake.c.id))
        .where(me.c.id == contact_id, me.c.name.like("% %"), namesake.c.merged_into == "")
        .limit(10)
    )
    found = [
        Hint(candidate, _reason(address, {channel, my_channel}), address)
        for candidate, address, channel, my_channel in connection.execute(by_address)
    ]
    if mentioned:
        theirs = (_i.contact_id != contact_id) & (_i.channel != CLAIM) & _i.address.in_(list(mentioned))
        named = select(_i.contact_id, _i.address).where(theirs).order_by(_i.id)
        found += [Hint(candidate, "mentioned", address) for candidate, address in connection.execute(named)]
    found += [Hint(candidate, "same_name") for candidate in connection.execute(by_name).scalars()]
    return sorted(dict.fromkeys(found), key=lambda hint: _REASONS.index(hint.reason))


def _reason(address: str, channels: set[str]) -> str:
    if CLAIM in channels:
        return "stated"
    if all(kind_of(each) == PHONE for each in channels):
        return "same_number"
    return "same_email" if "@" in address else "same_address"


def last_said(connection: Connection, contact_id: str, *, limit: int = 50) -> list[str]:
    """The last texts that a contact wrote, newest first."""
    m = t.message.c
    mine = select(t.identity.c.id).where(t.identity.c.contact_id == contact_id)
    statement = select(m.text).where(m.identity_id.in_(mine), m.kind == "incoming")
    return list(connection.execute(statement.order_by(desc(m.event_id)).limit(limit)).scalars())


def writers(connection: Connection, contact_id: str) -> list[tuple[str, str, str]]:
    """(conversation, what it is merged into, identity that wrote in it) of a contact; an empty identity: nobody did."""
    c, m = t.conversation.c, t.message.c
    statement = (
        select(c.id, c.merged_into, m.identity_id)
        .outerjoin_from(t.conversation, t.message, (m.conversation_id == c.id) & (m.kind == "incoming"))
        .where(c.contact_id == contact_id)
        .distinct()
    )
    return sorted((row[0], row[1], row[2] or "") for row in connection.execute(statement))


def said_with(connection: Connection, conversation_id: str, identity_ids: Collection[str]) -> list[str]:
    """The messages of a conversation that came from addresses or went to them, in order."""
    m = t.message.c
    mine = (m.conversation_id == conversation_id) & m.identity_id.in_(list(identity_ids))
    return list(connection.execute(select(m.id).where(mine).order_by(m.event_id)).scalars())


def last_without(connection: Connection, conversation_id: str, message_ids: Collection[str]) -> str:
    """The newest message of a conversation, shown in lists, when these are taken out; empty where none is left."""
    m = t.message.c
    staying = (m.conversation_id == conversation_id) & m.id.not_in(list(message_ids))
    news = or_(m.kind.in_(WITH_CUSTOMER), m.author_kind == Author.VENDOR.value)
    statement = select(m.id).where(staying, news, m.author_kind != "system")
    return connection.execute(statement.order_by(desc(m.event_id)).limit(1)).scalar_one_or_none() or ""


def last_way(connection: Connection, conversation_id: str) -> tuple[str, str, str] | None:
    """(inbox, identity, channel) of the customer's last message in a conversation; None where they wrote none."""
    m = t.message.c
    mine = (m.conversation_id == conversation_id) & (m.kind == "incoming")
    statement = select(m.inbox_id, m.identity_id, m.channel).where(mine).order_by(desc(m.event_id)).limit(1)
    row = connection.execute(statement).one_or_none()
    return (row[0], row[1], row[2]) if row else None


def has_merged_children(tx: Tx, conversation_id: str) -> bool:
    """Whether other conversations are merged into this one."""
    statement = select(t.conversation.c.id).where(t.conversation.c.merged_into == conversation_id).limit(1)
    return tx.connection.execute(statement).one_or_none() is not None


def messages_in(tx: Tx, conversation_id: str) -> set[str]:
    """Ids of all messages of a conversation."""
    statement = select(t.message.c.id).where(t.message.c.conversation_id == conversation_id)
    return set(tx.connection.execute(statement).scalars())
