"""Who has a conversation before them, and what a customer said last, for those who show them that it is read; and
whose name is not known."""

from __future__ import annotations

import json
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from hub.domain.errors import NotFound
from hub.domain.messages import Address, Kind
from hub.store import tables as t
from hub.store.prepared import Prepared

_m, _i, _c = t.message.c, t.identity.c, t.conversation.c
_LAST = (
    select(_i.channel, _i.address, _i.scope, _i.display_name, _m.inbox_id, _m.external_id, _m.extras)
    .select_from(t.message.join(t.identity, _i.id == _m.identity_id))
    .where(_m.identity_id == bindparam("identity"), _m.kind == Kind.INCOMING.value)
    .order_by(_m.event_id.desc())
    .limit(1)
)


# Asked with every few keys that somebody presses.
_AGENT = Prepared(select(t.agent.c.name, t.agent.c.role).where(t.agent.c.id == bindparam("which")))
_PLACE = Prepared(
    select(_c.status, _c.merged_into, _c.assignee_id, _c.inbox_id, _c.identity_id, _i.channel, _i.scope, _i.address)
    .select_from(t.conversation.outerjoin(t.identity, _i.id == _c.identity_id))
    .where(_c.id == bindparam("which"))
)


class Place(NamedTuple):
    """A conversation, and the address that an answer in it would go to (None where it has none)."""

    status: str
    merged_into: str
    assignee_id: str
    inbox_id: str
    identity_id: str
    channel: str | None
    scope: str | None
    address: str | None


def agent(connection: Connection, agent_id: str) -> tuple[str, str]:
    """(name, role). Raises NotFound."""
    row = _AGENT.one(connection, {"which": agent_id})
    if row is None:
        raise NotFound(f"there is no agent {agent_id}")
    return row[0], row[1]


def place(connection: Connection, conversation_id: str) -> Place:
    """Raises NotFound."""
    row = _PLACE.one(connection, {"which": conversation_id})
    if row is None:
        raise NotFound(f"there is no conversation {conversation_id}")
    return Place(*row)


def last_said(connection: Connection, inbox_id: str, identity_id: str) -> tuple[Address, str, str] | None:
    """(address, the provider's id, what it came with for this) of the last message from an identity; None where that
    came to another inbox, or where nothing came."""
    row = connection.execute(_LAST, {"identity": identity_id}).one_or_none()
    if row is None or row.inbox_id != inbox_id or not row.external_id:
        return None
    token = json.loads(row.extras).get("read_token", "") if row.extras else ""
    return Address(row.channel, row.address, row.scope, row.display_name), row.external_id, token


def nameless(connection: Connection, address: Address) -> tuple[str, str] | None:
    """(identity, contact) of an address of which it is not known what its owner is called; None elsewhere."""
    here = (_i.channel == address.channel) & (_i.scope == address.scope) & (_i.address == address.value)
    statement = select(_i.id, _i.contact_id).where(here, _i.display_name == "")
    row = connection.execute(statement).one_or_none()
    return (row[0], row[1]) if row else None
