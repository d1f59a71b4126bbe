"""What the handoff packet is put together from."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, func, select, tuple_

from hub.domain.events import Absorbed, BotTurnDecided, ContactMergeUndone, HandedBack, MergeUndone, Recorded
from hub.domain.messages import WITH_CUSTOMER
from hub.store import tables as t
from hub.store.feed import EVENT_COLUMNS, recorded_from
from hub.store.prepared import Prepared


def event(connection: Connection, event_id: int) -> Recorded | None:
    """One event of the log."""
    row = connection.execute(select(*EVENT_COLUMNS).where(t.event.c.id == event_id)).one_or_none()
    return recorded_from(row) if row else None


_MINE = t.event.c.stream_id == bindparam("which")
_GIVEN_BACK = select(func.coalesce(func.max(t.event.c.sequence), 0)).where(_MINE, t.event.c.kind == HandedBack.__name__)
# Every handoff asks: put together once.
_TURNS = Prepared(
    select(*EVENT_COLUMNS)
    .where(_MINE, t.event.c.kind == BotTurnDecided.__name__, t.event.c.sequence > _GIVEN_BACK.scalar_subquery())
    .order_by(t.event.c.sequence.desc())
    .limit(bindparam("most"))
)


def turns(connection: Connection, conversation_id: str, *, limit: int) -> list[BotTurnDecided]:
    """The last bot turns since a person gave the conversation back, else since it was opened; the oldest first."""
    rows = _TURNS.all(connection, {"which": conversation_id, "most": limit})
    found = (recorded_from(row).event for row in reversed(rows))
    return [event for event in found if isinstance(event, BotTurnDecided)]


def slots(connection: Connection, conversation_id: str) -> tuple[tuple[str, str], ...]:
    """What the bot remembers of a conversation."""
    statement = select(t.bot_memory.c.slots).where(t.bot_memory.c.conversation_id == conversation_id)
    found = connection.execute(statement).scalar_one_or_none()
    return tuple(json.loads(found).items()) if found else ()


def message_text(connection: Connection, message_id: str) -> str | None:
    return connection.execute(select(t.message.c.text).where(t.message.c.id == message_id)).scalar_one_or_none()


def message_count(connection: Connection, conversation_id: str) -> int:
    """Messages between us and the customer in one conversation. Bounded by the conversation itself."""
    mine = (t.message.c.conversation_id == conversation_id) & t.message.c.kind.in_(WITH_CUSTOMER)
    statement = select(func.count()).where(mine)
    return connection.execute(statement).scalar_one()


def versions(
    connection: Connection, wanted: Iterable[tuple[str, int, str]]
) -> dict[tuple[str, int, str], tuple[str, str]]:
    """(title, body) of published article versions, by (article, version, locale)."""
    v = t.article_version.c
    statement = select(v.article_id, v.version, v.locale, v.title, v.body).where(
        tuple_(v.article_id, v.version, v.locale).in_(list(wanted))
    )
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in connection.execute(statement)}


def absorbed_routes(connection: Connection, into_id: str, from_id: str) -> tuple[str, ...]:
    """The routes that the latest merge of `from_id` into `into_id` moved."""
    ev = t.event.c
    rows = connection.execute(
        select(*EVENT_COLUMNS).where(ev.stream_id == into_id, ev.kind == Absorbed.__name__).order_by(ev.sequence.desc())
    )
    for row in rows:
        event = recorded_from(row).event
        if isinstance(event, Absorbed) and event.from_id == from_id:
            return event.routes
    return ()


def was_undone(connection: Connection, stream_id: str, event_id: int) -> bool:
    """Whether a merge of a conversation or contact was taken back, however often it was merged again since."""
    ev = t.event.c
    kinds = (MergeUndone.__name__, ContactMergeUndone.__name__)
    rows = connection.execute(select(*EVENT_COLUMNS).where(ev.stream_id == stream_id, ev.kind.in_(kinds)))
    undone = (recorded_from(row).event for row in rows)
    return any(isinstance(each, MergeUndone | ContactMergeUndone) and each.undone_event == event_id for each in undone)
