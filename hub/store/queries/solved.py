"""Conversations that ended, by what was asked in them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, desc, func, select

from hub.domain.conversation import Status
from hub.store import tables as t

_i, _c, _m = t.imprint.c, t.conversation.c, t.message.c


def last_remembered(connection: Connection, model_id: str) -> int:
    """Until when (microseconds) conversations were remembered with this model."""
    return connection.execute(select(func.max(_i.at)).where(_i.model_id == model_id)).scalar_one() or 0


def ended_since(connection: Connection, at: int, limit: int) -> list[tuple[str, int]]:
    """(id, last activity) of conversations that were resolved and had it after a time, the oldest first."""
    statement = (
        select(_c.id, _c.last_activity_at)
        .where(_c.merged_into == "", _c.status == Status.RESOLVED, _c.last_activity_at > at)
        .order_by(_c.last_activity_at, _c.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in connection.execute(statement)]


def first_question(connection: Connection, conversation_id: str) -> tuple[str, str] | None:
    """(id, text) of the first message of a customer in which they say something; None where there is none."""
    statement = select(_m.id, _m.text).where(_m.conversation_id == conversation_id, _m.kind == "incoming")
    rows = connection.execute(statement.order_by(_m.event_id).limit(5)).all()
    return next(((row[0], row[1]) for row in rows if len(row[1].split()) >= 3), None)


def remembered(connection: Connection, model_id: str, limit: int = 3000) -> list[Any]:
    """Rows (conversation, message, imprint) of the conversations that ended last."""
    statement = select(_i.conversation_id, _i.message_id, _i.data).where(_i.model_id == model_id)
    return list(connection.execute(statement.order_by(desc(_i.at)).limit(limit)).all())


def answers(connection: Connection, conversation_id: str, limit: int = 50) -> list[str]:
    """What agents wrote to the customer in a conversation, the oldest first."""
    statement = select(_m.text).where(
        _m.conversation_id == conversation_id, _m.kind == "outgoing", _m.author_kind == "agent", _m.text != ""
    )
    return list(connection.execute(statement.order_by(_m.event_id).limit(limit)).scalars())


def number(connection: Connection, conversation_id: str) -> int:
    """A conversation's ticket number; 0 where there is no such conversation."""
    return connection.execute(select(_c.ticket_number).where(_c.id == conversation_id)).scalar_one_or_none() or 0
