"""Inboxes whose account the provider refuses: nothing leaves by them until it takes it again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update

from hub.domain.messages import Kind
from hub.store import tables as t
from hub.store.prepared import Prepared
from hub.store.queries import outbox
from hub.store.unit_of_work import Tx

# How long after a refusal one message tries again, microseconds; the others wait for what it finds.
TRY_AFTER = 60_000_000
_MOST = 1000

_s, _o, _m = t.inbox_stop.c, t.outbox.c, t.message.c
# Every message that leaves asks.
_STOP = Prepared(select(t.inbox_stop).where(_s.inbox_id == bindparam("inbox")))


@dataclass(frozen=True, slots=True)
class Stop:
    """Why and since when nothing leaves by an inbox; `try_at` is when one message tries again (0: when somebody says
    so). Times in microseconds."""

    inbox_id: str
    code: str
    reason: str
    since: int
    try_at: int


def get(connection: Connection, inbox_id: str) -> Stop | None:
    """The inbox's stop; None where it may send."""
    row = _STOP.one(connection, {"inbox": inbox_id})
    return Stop(*row) if row else None


def every(connection: Connection) -> tuple[Stop, ...]:
    """All of them, by inbox."""
    return tuple(Stop(*row) for row in connection.execute(select(t.inbox_stop).order_by(_s.inbox_id)))


def stop(tx: Tx, inbox_id: str, code: str, reason: str, *, tries: bool) -> int:
    """The account is refused. Returns until when whoever wants to send waits, microseconds.

    `tries`: one message may find out from time to time whether that is over, because a refusal costs it nothing.
    """
    before = get(tx.connection, inbox_id)
    values = {"code": code[:100], "reason": reason[:500], "since": before.since if before else tx.now}
    # What needs a person is not opened again by a call that the provider happens to take.
    values["try_at"] = tx.now + TRY_AFTER if tries and not (before and not before.try_at) else 0
    tx.upsert(t.inbox_stop, {"inbox_id": inbox_id}, values)
    return tx.now + TRY_AFTER


def turn(tx: Tx, inbox_id: str) -> int:
    """Whether it is this message's turn to try: 0, and then the others wait for it; else until when to wait."""
    found = get(tx.connection, inbox_id)
    if found is None:
        return 0
    if not found.try_at or found.try_at > tx.now:
        return max(found.try_at, tx.now + TRY_AFTER // 2)
    mine = update(t.inbox_stop).where(_s.inbox_id == inbox_id, _s.try_at == found.try_at)
    taken = tx.connection.execute(mine.values(try_at=tx.now + TRY_AFTER)).rowcount
    return 0 if taken else tx.now + TRY_AFTER


def lift(tx: Tx, inbox_id: str) -> bool:
    """The account is taken again: what waits goes on at once. Returns whether there was a stop."""
    if get(tx.connection, inbox_id) is None:
        return False
    tx.remove(t.inbox_stop, {"inbox_id": inbox_id})
    ids = select(_o.id).where(*_waiting(inbox_id), _o.due_at > tx.now).order_by(_o.id).limit(_MOST)
    found = tx.connection.execute(ids).scalars().all()
    tx.connection.execute(update(t.outbox).where(_o.id.in_(found)).values(due_at=tx.now, offered_until=0))
    tx.nudges += [(each, False) for each in found]
    return True


def waiting(connection: Connection, inbox_id: str) -> int:
    """How many messages wait to leave by an inbox, counted up to 1000."""
    rows = select(_o.id).where(*_waiting(inbox_id)).limit(_MOST).subquery()
    return int(connection.execute(select(func.count()).select_from(rows)).scalar_one())


def _waiting(inbox_id: str) -> tuple[ColumnElement[bool], ...]:
    mine = (
        select(_m.id)
        .where(_m.conversation_id == _o.order_key, _m.event_id == _o.event_id, _m.inbox_id == inbox_id)
        .where(_m.kind.in_((Kind.OUTGOING.value, Kind.VENDOR.value)))
    )
    return outbox.unfinished_rows(_o), _o.handler == "deliver", mine.exists()
