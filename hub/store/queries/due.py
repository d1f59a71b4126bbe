"""What the sweeper looks for."""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, Connection, bindparam, delete, literal_column, select, tuple_

from hub.domain.conversation import Status
from hub.store import tables as t
from hub.store.prepared import Prepared
from hub.store.unit_of_work import Tx

_CHUNK = 500

# Asked many times a second. The zeros are written out as in the indexes that have few rows: SQLite takes them for no
# other words.
_c = t.conversation.c
_NOW: ColumnElement[int] = bindparam("now", type_=BigInteger)
_NONE: ColumnElement[int] = literal_column("0")
_OVER_SLEPT = Prepared(
    select(_c.id).where(_c.status == Status.SNOOZED.value, _c.snoozed_until <= _NOW, _c.merged_into == "").limit(_CHUNK)
)
_PROMISES = Prepared(
    select(_c.id).where(_c.sla_next_at > _NONE, _c.sla_next_at <= _NOW).order_by(_c.sla_next_at).limit(_CHUNK)
)
_VENDORS = Prepared(
    select(_c.id)
    .where(_c.vendor_due_at > _NONE, _c.vendor_due_at < _NOW, _c.vendor_overdue == 0)
    .order_by(_c.vendor_due_at)
    .limit(_CHUNK)
)


def over_slept(connection: Connection, now: int) -> list[str]:
    """Snoozed conversations whose time has come, at most a chunk of them."""
    return [row.id for row in _OVER_SLEPT.all(connection, {"now": now})]


def promises(connection: Connection, now: int) -> list[str]:
    """Conversations with a warning or a breach to announce, at most a chunk of them."""
    return [row.id for row in _PROMISES.all(connection, {"now": now})]


def vendors(connection: Connection, now: int) -> list[str]:
    """Conversations about which an outside firm is late, which nobody was told yet, at most a chunk of them."""
    return [row.id for row in _VENDORS.all(connection, {"now": now})]


def tidy(tx: Tx, *, payloads: int, finished: int) -> bool:
    """Deletes one chunk of what was kept long enough (ages in microseconds). Returns whether there may be more."""
    o = t.outbox.c
    old = {
        t.outbox: (o.state == "done") & (o.finished_at < tx.now - finished),
        t.webhook_payload: t.webhook_payload.c.at < tx.now - payloads,
        t.sign_in_session: t.sign_in_session.c.expires_at < tx.now,
        t.answered: t.answered.c.at < tx.now - finished,
        # What was said of a message that never came is a customer's text as much as a payload is.
        t.early_change: t.early_change.c.at < tx.now - payloads,
    }
    full = False
    for table, condition in old.items():
        keys = table.primary_key.columns
        these = select(*keys).where(condition).limit(_CHUNK)
        gone = tx.connection.execute(delete(table).where(tuple_(*keys).in_(these))).rowcount
        full |= gone == _CHUNK
    return full
