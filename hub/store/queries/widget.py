"""What a web chat's visitor may see: what was said with their own address, and how their conversation stands.

Notes, other addresses of the same person and everything that was decided about them are not in here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, desc, literal, or_, select, tuple_

from hub.domain.conversation import Conversation
from hub.domain.messages import WITH_CUSTOMER
from hub.store import tables as t
from hub.store.feed import Cursor
from hub.store.prepared import Among, Prepared
from hub.store.unit_of_work import CONVERSATION_COLUMNS, conversation_from

CHANNEL = "webchat"


@dataclass(frozen=True, slots=True)
class KnownVisitor:
    """A visitor who has written, or said who they are."""

    identity_id: str
    contact_id: str
    contact_name: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message between the firm and a visitor. `extras` is JSON or empty, `author_name` is set for agents."""

    id: str
    cursor: Cursor
    inbox_id: str
    visitor_id: str
    kind: str
    author_kind: str
    author_name: str
    text: str
    extras: str
    external_id: str
    state: str
    at: int


_m, _i, _c = t.message.c, t.identity.c, t.conversation.c
_SAID = (
    _m.id,
    t.event.c.transaction,
    _m.event_id,
    _i.scope,
    _i.address,
    _m.kind,
    _m.author_kind,
    t.agent.c.name,
    _m.text,
    _m.extras,
    _m.external_id,
    _m.state,
    _m.at,
)


def known(connection: Connection, inbox_id: str, visitor_id: str) -> KnownVisitor | None:
    """None for a visitor of whom we have nothing yet."""
    statement = (
        select(_i.id, _i.contact_id, t.contact.c.name)
        .join(t.contact, t.contact.c.id == _i.contact_id)
        .where(_i.channel == CHANNEL, _i.scope == inbox_id, _i.address == visitor_id)
    )
    row = connection.execute(statement).one_or_none()
    return KnownVisitor(*row) if row else None


def streams(connection: Connection, identity_id: str) -> list[str]:
    """The conversations that a visitor's messages are in, and those that these were merged into."""
    mine = select(_m.conversation_id).where(_m.identity_id == identity_id).distinct()
    found = list(connection.execute(mine).scalars())
    wanted = found
    while wanted:
        merged = select(_c.merged_into).where(_c.id.in_(wanted), _c.merged_into != "").distinct()
        wanted = [each for each in connection.execute(merged).scalars() if each not in found]
        found += wanted
    return found


def current(connection: Connection, identity_id: str) -> Conversation | None:
    """The conversation that a visitor is in: that of the last message, or what it was merged into."""
    last = _LAST.one(connection, {"identity": identity_id})
    conversation_id = last.conversation_id if last else ""
    while conversation_id:
        conversation = conversation_from(_CONVERSATION.one(connection, {"which": conversation_id}))
        if not conversation.merged_into:
            return conversation
        conversation_id = conversation.merged_into
    return None


def history(connection: Connection, identity_id: str, until: Cursor, *, limit: int) -> list[Said]:
    """The last messages with a visitor up to a place in the feed, oldest first: what follows is the feed's to tell."""
    place = tuple_(t.event.c.transaction, _m.event_id)
    statement = (
        _said()
        .where(_m.identity_id == identity_id, place <= tuple_(until.transaction, until.id))
        .order_by(desc(_m.event_id))
        .limit(limit)
    )
    return [_from_row(row) for row in reversed(connection.execute(statement).all())]


def said(connection: Connection, message_ids: Collection[str]) -> dict[str, Said]:
    """Those of these messages that passed between the firm and a visitor, by id."""
    return {row.id: _from_row(row) for row in _SAID_AMONG.all(connection, list(message_ids))}


def visitors_in(connection: Connection, conversation_ids: Collection[str]) -> dict[str, list[tuple[str, str, str]]]:
    """(identity, inbox, visitor) of all visitors who took part in conversations or in what was merged into them."""
    found: dict[str, list[tuple[str, str, str]]] = {each: [] for each in conversation_ids}
    rows = _TAKING_PART.all(connection, list(conversation_ids))
    for conversation_id, merged_into, identity_id, inbox_id, visitor_id in rows:
        for each in {conversation_id, merged_into} & found.keys():
            found[each].append((identity_id, inbox_id, visitor_id))
    return found


def _said() -> Select[Any]:
    joined = (
        t.message.join(t.identity, _i.id == _m.identity_id)
        .join(t.event, t.event.c.id == _m.event_id)
        .outerjoin(t.agent, t.agent.c.id == _m.author_id)
    )
    of_both = _m.kind.in_([literal(kind) for kind in WITH_CUSTOMER])
    return select(*_SAID).select_from(joined).where(_m.channel == CHANNEL, of_both)


# The pusher asks these with every commit.
_SAID_AMONG = Among(lambda keys: _said().where(_m.id.in_(keys)))
_TAKING_PART = Among(
    lambda keys: (
        select(_c.id, _c.merged_into, _i.id.label("identity_id"), _i.scope, _i.address)
        .select_from(t.conversation)
        .join(t.message, _m.conversation_id == _c.id)
        .join(t.identity, _i.id == _m.identity_id)
        .where(or_(_c.id.in_(keys), _c.merged_into.in_(keys)), _m.channel == CHANNEL)
        .distinct()
    )
)
_LAST = Prepared(
    select(_m.conversation_id).where(_m.identity_id == bindparam("identity")).order_by(desc(_m.event_id)).limit(1)
)
_CONVERSATION = Prepared(select(*CONVERSATION_COLUMNS).where(_c.id == bindparam("which")))


def _from_row(row: Any) -> Said:
    message_id, transaction, event_id, inbox_id, visitor_id, kind, author_kind, agent_name, *rest = row
    text, extras, external_id, state, at = rest
    return Said(
        message_id,
        Cursor(transaction, event_id),
        inbox_id,
        visitor_id,
        kind,
        author_kind,
        agent_name or "",
        text,
        extras,
        external_id or "",
        state,
        at,
    )
