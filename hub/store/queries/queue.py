"""The queue's order, as SQL knows it."""

from __future__ import annotations

from sqlalchemy import Connection, func, or_, select

from hub.domain.conversation import Conversation, Status
from hub.store import tables as t

FURTHEST_PLACE = 100


def place(connection: Connection, conversation: Conversation) -> int:
    """A waiting conversation's place in its team's queue, 1 = next; `FURTHEST_PLACE` for all beyond that."""
    c = t.conversation.c
    ahead = (
        select(c.id)
        .where(
            c.merged_into == "",
            c.status == Status.WAITING,
            c.team_id == conversation.team_id,
            c.id != conversation.id,
            or_(
                c.priority > conversation.priority,
                (c.priority == conversation.priority) & (c.waiting_since < conversation.waiting_since),
                (c.priority == conversation.priority)
                & (c.waiting_since == conversation.waiting_since)
                & (c.id < conversation.id),
            ),
        )
        .limit(FURTHEST_PLACE - 1)
        .subquery()
    )
    return connection.execute(select(func.count()).select_from(ahead)).scalar_one() + 1
