"""Small look-ups in a conversation's thread."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, desc, select

from hub.store import tables as t


@dataclass(frozen=True, slots=True)
class WayBack:
    """How a customer can be reached through an inbox."""

    identity_id: str
    channel: str


def message_with_client_key(connection: Connection, client_key: str) -> str:
    """The id of the message that was stored under this key; empty where none was."""
    return (
        connection.execute(select(t.message.c.id).where(t.message.c.client_key == client_key)).scalar_one_or_none()
        or ""
    )


def identity_in(connection: Connection, contact_id: str, inbox_id: str) -> WayBack | None:
    """The identity from which a contact last wrote to an inbox."""
    m, i = t.message.c, t.identity.c
    statement = (
        select(i.id, i.channel)
        .join(t.message, m.identity_id == i.id)
        .where(i.contact_id == contact_id, m.inbox_id == inbox_id, m.kind == "incoming")
        .order_by(desc(m.event_id))
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return WayBack(row.id, row.channel) if row else None


def reply_inboxes(connection: Connection, contact_id: str) -> list[str]:
    """The inboxes that a contact has written to."""
    m, i = t.message.c, t.identity.c
    statement = (
        select(m.inbox_id)
        .join(t.identity, m.identity_id == i.id)
        .where(i.contact_id == contact_id, m.kind == "incoming")
        .distinct()
    )
    return list(connection.execute(statement).scalars())
