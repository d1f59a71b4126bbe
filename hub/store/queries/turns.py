"""What a bot turn begins with."""

from __future__ import annotations

import json

from sqlalchemy import Connection, select

from hub.domain.conversation import Conversation
from hub.domain.errors import NotFound
from hub.store import tables as t
from hub.store.unit_of_work import CONVERSATION_COLUMNS, conversation_from


def conversation(connection: Connection, conversation_id: str) -> Conversation:
    """A conversation as it stands. Raises NotFound."""
    statement = select(*CONVERSATION_COLUMNS).where(t.conversation.c.id == conversation_id)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(f"there is no conversation {conversation_id}")
    return conversation_from(row)


def message(connection: Connection, message_id: str) -> tuple[str, str]:
    """(text, trusted button payload) of a message; the payload is empty unless the hub had offered it."""
    m = t.message.c
    row = connection.execute(select(m.text, m.extras, m.trusted).where(m.id == message_id)).one()
    return row.text, json.loads(row.extras)["payload"] if row.trusted else ""
