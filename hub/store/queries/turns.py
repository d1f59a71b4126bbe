"""What a bot turn begins with."""

from __future__ import annotations

import json

from sqlalchemy import Connection, bindparam, select

from hub.domain.conversation import Conversation
from hub.domain.errors import NotFound
from hub.store import tables as t
from hub.store.prepared import Prepared
from hub.store.unit_of_work import CONVERSATION_COLUMNS, conversation_from

_CONVERSATION = Prepared(select(*CONVERSATION_COLUMNS).where(t.conversation.c.id == bindparam("which")))
_MESSAGE = Prepared(
    select(t.message.c.text, t.message.c.extras, t.message.c.trusted).where(t.message.c.id == bindparam("which"))
)


def conversation(connection: Connection, conversation_id: str) -> Conversation:
    """A conversation as it stands. Raises NotFound."""
    row = _CONVERSATION.one(connection, {"which": conversation_id})
    if row is None:
        raise NotFound(f"there is no conversation {conversation_id}")
    return conversation_from(row)


def asks_nothing(connection: Connection, message_id: str) -> bool:
    """Whether a message without words is nothing to answer: one that was taken back, a sticker alone, or somebody who
    came by a link and has said nothing yet."""
    columns = select(t.message.c.extras, t.message.c.erased_at).where(t.message.c.id == message_id)
    row = connection.execute(columns).one()
    return bool(row.erased_at) or not {"sticker", "link"}.isdisjoint(json.loads(row.extras) if row.extras else {})


def message(connection: Connection, message_id: str) -> tuple[str, str]:
    """(text, trusted button payload) of a message; the payload is empty unless the hub had offered it."""
    row = _MESSAGE.one(connection, {"which": message_id})
    return row.text, json.loads(row.extras)["payload"] if row.trusted else ""
