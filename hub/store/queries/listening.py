"""Which process listens for which inbox. Each change is one conditional statement: two never hold the same one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, or_, select, update

from hub.store import tables as t
from hub.store.unit_of_work import Tx

_l = t.listener.c


@dataclass(frozen=True, slots=True)
class State:
    """How the listening for an inbox is. Times in microseconds (0: never); `behind` counts what is known to wait there;
    `error` is empty while all is well, else it has lasted since `error_since`; `notice` is the last thing that an
    administrator should know."""

    inbox_id: str
    held: bool
    seen_at: int
    behind: int
    notice: str
    error: str
    error_since: int

    @property
    def word(self) -> str:
        """`down`: an error, or nobody listens; `starting`: nothing was heard of the source yet; else `ok`."""
        if self.held and not self.seen_at and not self.error:
            return "starting"
        return "ok" if self.held and not self.error else "down"


def take(tx: Tx, inbox_id: str, *, owner: str, lease: int) -> str | None:
    """Takes or renews the lease for `lease` microseconds. Returns the channel's memory, None where another has it."""
    values = {"owner": owner, "lease_until": tx.now + lease}
    free = or_(_l.owner == owner, _l.lease_until <= tx.now)
    changed = update(t.listener).where(_l.inbox_id == inbox_id, free).values(values).returning(_l.memory)
    row = tx.connection.execute(changed).one_or_none()
    if row is not None:
        return str(row.memory)
    if tx.connection.execute(select(_l.inbox_id).where(_l.inbox_id == inbox_id)).one_or_none():
        return None
    tx.add(t.listener, {"inbox_id": inbox_id, **values})
    return ""


def release(tx: Tx, inbox_id: str, *, owner: str) -> None:
    """Lets another process begin at once."""
    tx.change(t.listener, {"inbox_id": inbox_id, "owner": owner}, {"owner": "", "lease_until": 0})


def remember(tx: Tx, inbox_id: str, *, owner: str, memory: str) -> bool:
    """Keeps the channel's memory. False where the lease is no longer ours: what belongs to it must not be written."""
    return bool(tx.change(t.listener, {"inbox_id": inbox_id, "owner": owner}, {"memory": memory}))


def seen(tx: Tx, inbox_id: str, *, owner: str, behind: int, notice: str = "") -> None:
    """The source answered; `behind` messages are known to wait there. An empty notice leaves the last one."""
    values: dict[str, int | str] = {"seen_at": tx.now, "behind": behind, "error": "", "error_since": 0}
    if notice:
        values["notice"] = notice
    tx.change(t.listener, {"inbox_id": inbox_id, "owner": owner}, values)


def failed(tx: Tx, inbox_id: str, *, owner: str, error: str) -> None:
    """The source cannot be reached or refuses us; the first of a row of errors says since when."""
    mine = (_l.inbox_id == inbox_id) & (_l.owner == owner)
    tx.connection.execute(update(t.listener).where(mine, _l.error == "").values(error_since=tx.now))
    tx.connection.execute(update(t.listener).where(mine).values(error=error[:500]))


def memory(connection: Connection, inbox_id: str) -> str:
    """The memory of an inbox's listener; empty where it never ran."""
    return connection.execute(select(_l.memory).where(_l.inbox_id == inbox_id)).scalar_one_or_none() or ""


def states(connection: Connection, now: int) -> tuple[State, ...]:
    """How all of them are, by inbox."""
    rows = connection.execute(select(t.listener).order_by(_l.inbox_id))
    return tuple(
        State(row.inbox_id, row.lease_until > now, row.seen_at, row.behind, row.notice, row.error, row.error_since)
        for row in rows
    )
