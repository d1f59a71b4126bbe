"""Where messages are routed to."""

from __future__ import annotations

from sqlalchemy import Connection, select

from hub.store import tables as t


def of_conversation(connection: Connection, conversation_id: str) -> list[tuple[str, str, str]]:
    """(inbox, identity, thread key) of all routes that lead to a conversation."""
    r = t.route.c
    statement = select(r.inbox_id, r.identity_id, r.thread_key).where(r.conversation_id == conversation_id)
    return [(row[0], row[1], row[2]) for row in connection.execute(statement.order_by(r.inbox_id, r.thread_key))]
