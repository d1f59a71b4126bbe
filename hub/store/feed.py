"""The feed: the log as screens read it, without gaps.

On PostgreSQL a transaction takes its event's id early and may commit late, so that `id > after` would pass over it for
ever. Each event keeps the number of its transaction, or that of the event before it in its stream where that is higher;
the feed serves only numbers below the oldest transaction still under way (`pg_snapshot_xmin`), ordered by
(transaction, id), and the cursor is that pair. SQLite has one writer: the id will do, and the transaction is 0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Select, bindparam, desc, select, text, tuple_

from hub.domain import events as e
from hub.domain.errors import Refused
from hub.domain.messages import Author
from hub.store import tables as t
from hub.store.prepared import Prepared

_SETTLED = text("event.transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the feed. Compared as a pair; written `transaction.id`."""

    transaction: int = 0
    id: int = 0

    def __str__(self) -> str:
        return f"{self.transaction}.{self.id}"

    @classmethod
    def parse(cls, value: str) -> Cursor:
        """Raises Refused on anything but `transaction.id`."""
        transaction, dot, event_id = value.partition(".")
        if not (dot and transaction.isascii() and transaction.isdigit() and event_id.isascii() and event_id.isdigit()):
            raise Refused("after", "must be a cursor that the feed gave")
        # More than a database's numbers hold. (The length first: long numbers are slow to read.)
        if len(value) > 40 or max(int(transaction), int(event_id)) >= 2**63:
            raise Refused("after", "must be a cursor that the feed gave")
        return cls(int(transaction), int(event_id))


@dataclass(frozen=True, slots=True)
class Page:
    """Events after a cursor, each with its own; `cursor` is the last one's, `more` says that another page is there."""

    entries: tuple[tuple[Cursor, e.Recorded], ...]
    cursor: Cursor
    more: bool


EVENT_COLUMNS = (
    t.event.c.transaction,
    t.event.c.id,
    t.event.c.stream_id,
    t.event.c.sequence,
    t.event.c.at,
    t.event.c.actor_kind,
    t.event.c.actor_id,
    t.event.c.kind,
    t.event.c.data,
)


def recorded_from(row: Sequence[Any]) -> e.Recorded:
    """The event in a row of `EVENT_COLUMNS`."""
    _, event_id, stream_id, sequence, at, actor_kind, actor_id, kind, data = row
    return e.Recorded(
        event_id, stream_id, sequence, at, e.Actor(Author(actor_kind), actor_id), e.from_data(kind, json.loads(data))
    )


def read(
    connection: Connection,
    after: Cursor,
    *,
    limit: int = 200,
    stream_ids: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
) -> Page:
    """The next events after a cursor.

    Args:
        connection: of a read.
        after: where the reader is.
        limit: the most entries to return.
        stream_ids: only these streams' events, for a reader who may see no others.
        kinds: only events of these kinds.
    """
    postgres = connection.dialect.name == "postgresql"
    values: dict[str, Any] = {"transaction": after.transaction, "id": after.id, "most": limit + 1}
    if stream_ids is not None:
        values["stream_ids"] = list(stream_ids)
    if kinds is not None:
        values["kinds"] = list(kinds)
    if stream_ids is None and kinds is None:
        rows: Sequence[Any] = _whole_page(postgres).all(connection, values)
    else:
        statement = _page(postgres, stream_ids is not None, kinds is not None)
        rows = connection.execute(statement, values).all()
    entries = tuple((Cursor(row[0], row[1]), recorded_from(row)) for row in rows[:limit])
    return Page(entries, entries[-1][0] if entries else after, len(rows) > limit)


@cache
def _page(postgres: bool, of_streams: bool, of_kinds: bool) -> Select[Any]:
    """Put together once for each shape: that costs more than running it."""
    event = t.event.c
    transaction, event_id = bindparam("transaction", type_=BigInteger), bindparam("id", type_=BigInteger)
    # SQLite has one transaction number for all events, and would use no more of the pair to find them: it would read
    # every event from the first one on.
    place = tuple_(event.transaction, event.id) > tuple_(transaction, event_id) if postgres else event.id > event_id
    statement = select(*EVENT_COLUMNS).where(place)
    if of_streams:
        statement = statement.where(event.stream_id.in_(bindparam("stream_ids", expanding=True)))
    if of_kinds:
        statement = statement.where(event.kind.in_(bindparam("kinds", expanding=True)))
    if postgres:
        statement = statement.where(_SETTLED).order_by(event.transaction)
    return statement.order_by(event.id).limit(bindparam("most", type_=Integer))


@cache
def _whole_page(postgres: bool) -> Prepared:
    """What the pusher asks with every commit."""
    return Prepared(_page(postgres, of_streams=False, of_kinds=False))


def head(connection: Connection) -> Cursor:
    """The cursor of now: what is read after it is newer than this read."""
    event = t.event.c
    statement = select(event.transaction, event.id).order_by(desc(event.transaction), desc(event.id)).limit(1)
    if connection.dialect.name == "postgresql":
        statement = statement.where(_SETTLED)
    row = connection.execute(statement).one_or_none()
    return Cursor(row[0], row[1]) if row else Cursor()
