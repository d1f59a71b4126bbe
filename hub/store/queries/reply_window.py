"""When customers last wrote, where that decides whether they may be answered."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select

from hub.domain.messages import InboundMessage
from hub.domain.reply_window import SECOND, LastSaid
from hub.store import tables as t
from hub.store.prepared import Prepared
from hub.store.unit_of_work import Tx

_w = t.reply_window.c
# Every message asks that comes from a channel with windows, and every one that leaves.
_SAID = Prepared(
    select(_w.said_at, _w.open_until).where(_w.identity_id == bindparam("identity"), _w.inbox_id == bindparam("inbox"))
)


def said(connection: Connection, identity_id: str, inbox_id: str) -> LastSaid:
    """When a customer last wrote from an address to an inbox."""
    row = _SAID.one(connection, {"identity": identity_id, "inbox": inbox_id})
    return LastSaid(*row) if row else LastSaid()


def said_to(connection: Connection, identity_ids: Iterable[str]) -> dict[tuple[str, str], LastSaid]:
    """The same for several addresses and all inboxes, by (identity, inbox)."""
    rows = connection.execute(select(t.reply_window).where(_w.identity_id.in_(list(identity_ids))))
    return {(row.identity_id, row.inbox_id): LastSaid(row.said_at, row.open_until) for row in rows}


def note(tx: Tx, identity_id: str, inbox_id: str, message: InboundMessage) -> None:
    """A message has come; one that was delayed opens no window that its own time does not, and none closes one. Where
    the provider tells no time, `window` alone says that there is one."""
    if message.sent_at is None and message.window is None:
        return
    before = said(tx.connection, identity_id, inbox_id)
    at = tx.now if message.sent_at is None else min(message.sent_at, tx.now)
    until = at + message.window * SECOND if message.window else 0
    values = {"said_at": max(before.at, at), "open_until": max(before.open_until, until)}
    tx.upsert(t.reply_window, {"identity_id": identity_id, "inbox_id": inbox_id}, values)
