"""How inboxes are, as last heard of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, select, update

from hub.domain.inbox import AccountState
from hub.store import tables as t
from hub.store.unit_of_work import Tx

_h = t.inbox_health.c


@dataclass(frozen=True, slots=True)
class InboxHealth:
    """Times in microseconds, 0: never. `code` and `error` are there where the provider refused to say how the account
    is, or where the token could not be renewed."""

    inbox_id: str
    heard_at: int = 0
    sent_at: int = 0
    refused_at: int = 0
    refusal: str = ""
    checked_at: int = 0
    code: str = ""
    error: str = ""
    state: AccountState = field(default_factory=AccountState)
    check_at: int = 0
    renewed_at: int = 0


def every(connection: Connection) -> dict[str, InboxHealth]:
    """All of which anything was heard, by inbox."""
    return {row.inbox_id: _health(row) for row in connection.execute(select(t.inbox_health))}


def get(connection: Connection, inbox_id: str) -> InboxHealth:
    """One inbox's; with nothing in it where nothing was heard."""
    row = connection.execute(select(t.inbox_health).where(_h.inbox_id == inbox_id)).one_or_none()
    return _health(row) if row else InboxHealth(inbox_id)


def note(tx: Tx, inbox_id: str, **values: int | str) -> None:
    """Keeps what is new of it."""
    tx.upsert(t.inbox_health, {"inbox_id": inbox_id}, dict(values))


def checked(tx: Tx, inbox_id: str, state: AccountState) -> None:
    """The provider has said how the account is."""
    before = get(tx.connection, inbox_id).state
    told = asdict(state) | {"token_until": state.token_until or before.token_until}
    note(tx, inbox_id, checked_at=tx.now, code="", error="", state=json.dumps(told, ensure_ascii=False))


def failed(tx: Tx, inbox_id: str, code: str, error: str) -> None:
    """The provider refused, or could not be reached; what it said before stays."""
    note(tx, inbox_id, checked_at=tx.now, code=code[:100], error=error[:500])


def renewed(tx: Tx, inbox_id: str, until: int) -> None:
    """The token was exchanged for one that is good until then (0: it does not end)."""
    state = asdict(get(tx.connection, inbox_id).state) | {"token_until": until}
    note(tx, inbox_id, renewed_at=tx.now, state=json.dumps(state, ensure_ascii=False))


def take_check(tx: Tx, inbox_id: str, *, lasts: int) -> bool:
    """Whether it is time to ask the provider; then it is not again for as long as that lasts, microseconds."""
    next_at = tx.now + lasts
    due = update(t.inbox_health).where(_h.inbox_id == inbox_id, _h.check_at <= tx.now).values(check_at=next_at)
    if tx.connection.execute(due).rowcount:
        return True
    if tx.connection.execute(select(_h.inbox_id).where(_h.inbox_id == inbox_id)).one_or_none():
        return False
    tx.add(t.inbox_health, {"inbox_id": inbox_id, "check_at": next_at})
    return True


def _health(row: Any) -> InboxHealth:
    told = json.loads(row.state) if row.state else {}
    problems = tuple((str(what), str(detail)) for what, detail in told.pop("problems", ()))
    return InboxHealth(**row._asdict() | {"state": AccountState(**told, problems=problems)})
