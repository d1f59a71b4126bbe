"""The queue's order, as SQL knows it."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, or_, select

from hub.domain.conversation import Conversation, Status
from hub.store import tables as t
from hub.store.prepared import Prepared

FURTHEST_PLACE = 100


_c = t.conversation.c
_SAME_PRIORITY = _c.priority == bindparam("priority")
# Every handoff asks: put together once.
_AHEAD = Prepared(
    select(func.count()).select_from(
        select(_c.id)
        .where(
            _c.merged_into == "",
            _c.status == Status.WAITING,
            _c.team_id == bindparam("team_id"),
            _c.id != bindparam("which"),
            or_(
                _c.priority > bindparam("priority"),
                _SAME_PRIORITY & (_c.waiting_since < bindparam("waiting_since")),
                _SAME_PRIORITY & (_c.waiting_since == bindparam("waiting_since")) & (_c.id < bindparam("which")),
            ),
        )
        .limit(FURTHEST_PLACE - 1)
        .subquery()
    )
)


def place(connection: Connection, conversation: Conversation) -> int:
    """A waiting conversation's place in its team's queue, 1 = next; `FURTHEST_PLACE` for all beyond that."""
    values = {name: getattr(conversation, name) for name in ("priority", "team_id", "waiting_since")}
    (ahead,) = _AHEAD.one(connection, values | {"which": conversation.id})
    return int(ahead) + 1
