"""Messages as they came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update

from hub.store import tables as t
from hub.store.unit_of_work import Tx

_s = t.source.c
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Source:
    """One of them. `size` in bytes, `at` in microseconds; field and rule are empty unless it was refused. Sender and
    subject are empty where nobody could read them."""

    id: str
    inbox_id: str
    origin: str
    state: str
    field: str
    rule: str
    message_id: str
    sender: str
    subject: str
    size: int
    at: int


def _source(row: Any) -> Source:
    return Source(
        id=row.id,
        inbox_id=row.inbox_id,
        origin=row.origin,
        state=row.state,
        field=row.field,
        rule=row.rule,
        message_id=row.message_id,
        sender=row.sender,
        subject=row.subject,
        size=row.size,
        at=row.at,
    )


def get(connection: Connection, source_id: str) -> Source | None:
    """The one with this id."""
    row = connection.execute(select(t.source).where(_s.id == source_id)).one_or_none()
    return _source(row) if row else None


def of_message(connection: Connection, message_id: str) -> Source | None:
    """What a message was read from."""
    mine = (_s.message_id == message_id) & (_s.state == "stored")
    row = connection.execute(select(t.source).where(mine).order_by(_s.id).limit(1)).one_or_none()
    return _source(row) if row else None


def page(connection: Connection, inbox_id: str, *, state: str, before: str, limit: int) -> tuple[Source, ...]:
    """An inbox's, newest first, of one state (empty: any), with ids below `before` (empty: from the newest)."""
    statement = select(t.source).where(_s.inbox_id == inbox_id)
    if state:
        statement = statement.where(_s.state == state)
    if before:
        statement = statement.where(_s.id < before)
    return tuple(_source(row) for row in connection.execute(statement.order_by(_s.id.desc()).limit(limit)))


def held_back(connection: Connection, inbox_id: str, *, before: str, limit: int) -> tuple[Source, ...]:
    """What was refused, newest first: one inbox's, or everybody's where it is empty; with ids below `before` (empty:
    from the newest)."""
    statement = select(t.source).where(_s.state == "refused")
    if inbox_id:
        statement = statement.where(_s.inbox_id == inbox_id)
    if before:
        statement = statement.where(_s.id < before)
    return tuple(_source(row) for row in connection.execute(statement.order_by(_s.id.desc()).limit(limit)))


def held_back_counts(connection: Connection) -> dict[str, int]:
    """How many of each inbox's were refused."""
    statement = select(_s.inbox_id, func.count()).where(_s.state == "refused").group_by(_s.inbox_id)
    return {row.inbox_id: row[1] for row in connection.execute(statement)}


def unrefuse(tx: Tx, source_id: str) -> bool:
    """Marks one as no longer refused, once; False for one that was not."""
    statement = update(t.source).where(_s.id == source_id, _s.state == "refused")
    return tx.connection.execute(statement.values(state="read", field="", rule="")).rowcount == 1


def became(tx: Tx, source_id: str, state: str, message_id: str) -> None:
    """Writes down what one that was taken in after all is now."""
    tx.connection.execute(update(t.source).where(_s.id == source_id).values(state=state, message_id=message_id))


def known_origins(connection: Connection, inbox_id: str, origins: Iterable[str]) -> frozenset[str]:
    """Those of the origins that were fetched."""
    wanted = list(origins)
    known: set[str] = set()
    for begin in range(0, len(wanted), _CHUNK):
        chunk = wanted[begin : begin + _CHUNK]
        statement = select(_s.origin).where(_s.inbox_id == inbox_id, _s.origin.in_(chunk))
        known.update(connection.execute(statement).scalars())
    return frozenset(known)


def counts(connection: Connection, inbox_id: str) -> dict[str, int]:
    """How many of an inbox's are in each state."""
    statement = select(_s.state, func.count()).where(_s.inbox_id == inbox_id).group_by(_s.state)
    return {row.state: row[1] for row in connection.execute(statement)}


def stored_without_message(connection: Connection, inbox_id: str) -> tuple[Source, ...]:
    """Sources that say that they are stored while their message is not there; there are none unless somebody erased
    rows by hand."""
    statement = (
        select(t.source)
        .outerjoin(t.message, t.message.c.id == _s.message_id)
        .where(_s.inbox_id == inbox_id, _s.state.in_(("stored", "duplicate")), t.message.c.id.is_(None))
    )
    return tuple(_source(row) for row in connection.execute(statement))
