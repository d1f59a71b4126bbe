"""What the sweeper looks for."""

from __future__ import annotations

from sqlalchemy import Connection, delete, literal_column, select

from hub.domain.conversation import Status
from hub.store import tables as t
from hub.store.unit_of_work import Tx

_CHUNK = 500


def over_slept(connection: Connection, now: int) -> list[str]:
    """Snoozed conversations whose time has come, at most a chunk of them."""
    c = t.conversation.c
    statement = select(c.id).where(c.status == Status.SNOOZED, c.snoozed_until <= now, c.merged_into == "")
    return list(connection.execute(statement.limit(_CHUNK)).scalars())


def promises(connection: Connection, now: int) -> list[str]:
    """Conversations with a warning or a breach to announce, at most a chunk of them."""
    c = t.conversation.c
    # Written out as in the index that has few rows: SQLite takes it for no other words.
    statement = select(c.id).where(c.sla_next_at > literal_column("0"), c.sla_next_at <= now).order_by(c.sla_next_at)
    return list(connection.execute(statement.limit(_CHUNK)).scalars())


def vendors(connection: Connection, now: int) -> list[str]:
    """Conversations about which an outside firm is late, which nobody was told yet, at most a chunk of them."""
    c = t.conversation.c
    late = (c.vendor_due_at > literal_column("0"), c.vendor_due_at < now, c.vendor_overdue == 0)
    return list(connection.execute(select(c.id).where(*late).order_by(c.vendor_due_at).limit(_CHUNK)).scalars())


def tidy(tx: Tx, *, payloads: int, finished: int) -> bool:
    """Deletes one chunk of what was kept long enough (ages in microseconds). Returns whether there may be more."""
    o, p, s = t.outbox.c, t.webhook_payload.c, t.sign_in_session.c
    old = {
        t.outbox: select(o.id).where(o.state == "done", o.finished_at < tx.now - finished),
        t.webhook_payload: select(p.id).where(p.at < tx.now - payloads),
        t.sign_in_session: select(s.id).where(s.expires_at < tx.now),
    }
    a = t.answered.c
    old[t.answered] = select(a.id).where(a.at < tx.now - finished)
    full = False
    for table, statement in old.items():
        gone = tx.connection.execute(delete(table).where(table.c.id.in_(statement.limit(_CHUNK)))).rowcount
        full |= gone == _CHUNK
    return full
