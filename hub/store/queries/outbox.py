"""Outbox rows: offered, claimed, finished. Each change is one conditional statement: two runners never share a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    exists,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from hub.domain.events import Recorded
from hub.store import tables as t
from hub.store.feed import EVENT_COLUMNS, recorded_from
from hub.store.prepared import Prepared
from hub.store.unit_of_work import Tx

_o = t.outbox.c
# Written into the statements: SQLite takes a partial index only where the statement's text repeats its condition, and
# reads the whole table, finished rows and all, where the states are given as parameters.
_PENDING: ColumnElement[str] = literal_column("'pending'")
_CLAIMED: ColumnElement[str] = literal_column("'claimed'")
_DEAD: ColumnElement[str] = literal_column("'dead'")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that is ours until its lease ends, and the event that it follows from. `failures` is the number of the last
    attempt of which it is known how far it came: those after it were cut off."""

    id: int
    handler: str
    order_key: str
    attempts: int
    failures: int
    recorded: Recorded


@dataclass(frozen=True, slots=True)
class DeadRow:
    """A row that used up its attempts. Times in microseconds."""

    id: int
    handler: str
    order_key: str
    attempts: int
    last_error: str
    event_id: int
    created_at: int


def unfinished_rows(row: Any) -> ColumnElement[bool]:
    """The condition of the partial indexes, in their own words. `row` are the table's or an alias's columns."""
    found: ColumnElement[bool] = row.state.in_((_PENDING, _CLAIMED))
    return found


def _runnable(now: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Due, nobody's, and no earlier row of its key unfinished."""
    earlier = t.outbox.alias("earlier")
    return and_(
        or_(
            and_(_o.state == _PENDING, _o.due_at <= now),
            and_(_o.state == _CLAIMED, _o.lease_until <= now),
        ),
        ~exists().where(
            earlier.c.handler == _o.handler,
            earlier.c.order_key == _o.order_key,
            earlier.c.id < _o.id,
            unfinished_rows(earlier.c),
        ),
    )


@cache
def _claim(leases: tuple[tuple[str, int], ...]) -> Prepared:
    now: ColumnElement[int] = bindparam("now", type_=BigInteger)
    length = case({handler: literal(time, BigInteger) for handler, time in leases}, value=_o.handler)
    known = or_(*(_o.handler == handler for handler, _ in leases))
    return Prepared(
        update(t.outbox)
        .where(_o.id == bindparam("which"), known, _runnable(now))
        .values(state="claimed", lease=bindparam("ours"), lease_until=now + length, attempts=_o.attempts + 1)
        .returning(_o.id, _o.handler, _o.order_key, _o.attempts, _o.failures, _o.event_id)
    )


_FINISH = Prepared(
    update(t.outbox)
    .where(_o.id == bindparam("which"), _o.lease == bindparam("ours"), _o.state == "claimed")
    .values(state="done", finished_at=bindparam("now"), lease="", last_error="")
)
_RENEW = Prepared(
    update(t.outbox)
    .where(_o.id == bindparam("which"), _o.lease == bindparam("ours"), _o.state == "claimed")
    .values(lease_until=bindparam("until"))
)
_NEXT_IN_LINE = Prepared(
    select(_o.id, _o.slow)
    .where(
        _o.handler == bindparam("handler"),
        _o.order_key == bindparam("order_key"),
        unfinished_rows(_o),
        _o.state == _PENDING,
        _o.due_at <= bindparam("now"),
        _o.id > bindparam("which"),
    )
    .order_by(_o.id)
    .limit(1)
)
_EVENT = Prepared(select(*EVENT_COLUMNS).where(t.event.c.id == bindparam("which")))
_PUT_BACK = Prepared(
    update(t.outbox)
    .where(_o.id == bindparam("which"), _o.lease == bindparam("ours"), _o.state == "claimed")
    .values(
        state="pending",
        lease="",
        attempts=bindparam("attempts"),
        due_at=bindparam("until"),
        offered_until=bindparam("until"),
    )
)


def claim(tx: Tx, outbox_id: int, *, lease: str, leases: Mapping[str, int]) -> Claimed | None:
    """Takes a row for a while; None when it is done, not due, somebody else's, or has to wait for an earlier one.

    Args:
        tx: the transaction.
        outbox_id: the row.
        lease: names this attempt.
        leases: how long it is ours, by handler, microseconds; rows of other handlers are left to whoever knows them.
    """
    values = {"which": outbox_id, "ours": lease, "now": tx.now}
    row = tx.run(_claim(tuple(leases.items())), values).fetchone()
    if row is None:
        return None
    which, handler, order_key, attempts, failures, event_id = row
    recorded = recorded_from(tx.run(_EVENT, {"which": event_id}).fetchone())
    return Claimed(which, handler, order_key, attempts, failures, recorded)


def renew(tx: Tx, claimed: Claimed, *, lease: str, until: int) -> bool:
    """Lets a lease last until a time. False when it was lost meanwhile. Nobody can take the row before the commit."""
    return bool(tx.run(_RENEW, {"which": claimed.id, "ours": lease, "until": until}).rowcount == 1)


def finish(tx: Tx, claimed: Claimed, *, lease: str) -> bool:
    """Marks a row done. False when the lease was lost meanwhile: somebody else does the work, ours must not count."""
    values = {"which": claimed.id, "ours": lease, "now": tx.now}
    return bool(tx.run(_FINISH, values).rowcount == 1)


def fail(tx: Tx, claimed: Claimed, *, lease: str, error: str, due_at: int | None, known: bool) -> bool:
    """Ends an attempt with an error: to be tried again at `due_at`, or dead where that is None. `known`: whether one
    knows how far it came."""
    ours = (_o.id == claimed.id) & (_o.lease == lease) & (_o.state == "claimed")
    values: dict[str, Any] = {"lease": "", "last_error": error[:2000]}
    if known:
        values["failures"] = claimed.attempts
    if due_at is None:
        values |= {"state": "dead", "finished_at": tx.now}
    else:
        values |= {"state": "pending", "due_at": due_at, "offered_until": due_at}
    return tx.connection.execute(update(t.outbox).where(ours).values(values)).rowcount == 1


def put_back(tx: Tx, claimed: Claimed, *, lease: str, until: int) -> bool:
    """Ends a run that was none: the row is due again at a time, with as many attempts left as before. False when the
    lease was lost meanwhile."""
    values = {"which": claimed.id, "ours": lease, "attempts": claimed.attempts - 1, "until": until}
    return bool(tx.run(_PUT_BACK, values).rowcount == 1)


def next_due(connection: Connection, now: int) -> int | None:
    """When the next row is due that is not yet; None where there is none."""
    row = _NEXT_DUE.one(connection, {"now": now})
    return row[0] if row else None


def next_in_line(tx: Tx, claimed: Claimed) -> tuple[int, bool] | None:
    """(id, slow) of the row that waited for this one."""
    values = {"handler": claimed.handler, "order_key": claimed.order_key, "now": tx.now, "which": claimed.id}
    row = tx.run(_NEXT_IN_LINE, values).fetchone()
    return (row[0], bool(row[1])) if row else None


# The sweeper asks many times a second: put together once.
_NOW: ColumnElement[int] = bindparam("now", type_=BigInteger)
_NEXT_DUE = Prepared(select(_o.due_at).where(unfinished_rows(_o), _o.due_at > _NOW).order_by(_o.due_at).limit(1))
_OFFERABLE = (
    select(_o.id)
    .where(unfinished_rows(_o), _o.due_at <= _NOW, _o.offered_until <= _NOW, _runnable(_NOW))
    .order_by(_o.due_at)
    .limit(bindparam("most"))
)


def _offer(offerable: Select[Any]) -> ReturningUpdate[Any]:
    these = update(t.outbox).where(_o.id.in_(offerable))
    return these.values(offered_until=bindparam("until")).returning(_o.id, _o.slow)


_HAS_OFFERS = Prepared(_OFFERABLE)
_OFFER = _offer(_OFFERABLE)
# What another sweeper is offering is not offered twice.
_OFFER_POSTGRES = _offer(_OFFERABLE.with_for_update(skip_locked=True))


_FREE = update(t.outbox).where(unfinished_rows(_o), _o.state == _CLAIMED).values(lease_until=_NOW)
_FRESH = (
    update(t.outbox)
    .where(unfinished_rows(_o), or_(_o.offered_until > 0, _o.created_at > _NOW))
    .values(offered_until=0, due_at=case((_o.created_at > _NOW, _NOW), else_=_o.due_at))
)


def has_offers(connection: Connection, now: int) -> bool:
    """Whether `offer` would find anything."""
    return _HAS_OFFERS.one(connection, {"now": now, "most": 1}) is not None


def offer(tx: Tx, *, limit: int = 200, for_microseconds: int = 10_000_000) -> list[tuple[int, bool]]:
    """(id, slow) of rows that nobody was told of, or that were lost with a crash; not offered again for a while."""
    values = {"now": tx.now, "most": limit, "until": tx.now + for_microseconds}
    rows = tx.connection.execute(_OFFER_POSTGRES if tx.postgres else _OFFER, values)
    return sorted((row.id, bool(row.slow)) for row in rows)


def take_over(tx: Tx) -> None:
    """Ends every lease and offers everything at once: for a process that is alone on its database and has just begun.
    Whoever held them is dead, and customers would wait for as long as the leases last. What was written in a time that
    has yet to come, because the machine's clock was set back since, is due now."""
    tx.connection.execute(_FREE, {"now": tx.now})
    tx.connection.execute(_FRESH, {"now": tx.now})


def dead(connection: Connection, *, limit: int = 200) -> tuple[DeadRow, ...]:
    """Rows that used up their attempts, newest first."""
    statement = (
        select(_o.id, _o.handler, _o.order_key, _o.attempts, _o.last_error, _o.event_id, _o.created_at)
        .where(_o.state == _DEAD)
        .order_by(_o.id.desc())
        .limit(limit)
    )
    return tuple(DeadRow(*row) for row in connection.execute(statement))


def replay(tx: Tx, outbox_ids: Sequence[int]) -> list[tuple[int, bool]]:
    """Gives dead rows their attempts back. Returns (id, slow) of those that were dead."""
    rows = tx.connection.execute(
        update(t.outbox)
        .where(_o.id.in_(outbox_ids), _o.state == "dead")
        .values(state="pending", attempts=0, failures=0, due_at=tx.now, offered_until=0, finished_at=0)
        .returning(_o.id, _o.slow)
    )
    found = [(row.id, bool(row.slow)) for row in rows]
    tx.nudges += found
    return found


def unfinished(connection: Connection, *, limit: int = 1000) -> int:
    """How many rows are not finished, counted up to a limit."""
    statement = select(_o.id).where(unfinished_rows(_o)).limit(limit)
    return len(connection.execute(statement).all())
