"""What a customer said last, for those who show them that it is read; and whose name is not known."""

from __future__ import annotations

import json

from sqlalchemy import Connection, bindparam, select

from hub.domain.messages import Address, Kind
from hub.store import tables as t

_m, _i = t.message.c, t.identity.c
_LAST = (
    select(_i.channel, _i.address, _i.scope, _i.display_name, _m.inbox_id, _m.external_id, _m.extras)
    .select_from(t.message.join(t.identity, _i.id == _m.identity_id))
    .where(_m.identity_id == bindparam("identity"), _m.kind == Kind.INCOMING.value)
    .order_by(_m.event_id.desc())
    .limit(1)
)


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
