"""Inboxes and their rules."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, bindparam, select

from hub.domain.bot_policy import Policy, Thresholds
from hub.domain.errors import NotFound
from hub.domain.inbox import Inbox
from hub.store import tables as t
from hub.store.prepared import Prepared
from hub.store.unit_of_work import Tx

_DEFAULTS = Inbox("", "", "", "", "")


_GET = Prepared(select(t.inbox).where(t.inbox.c.id == bindparam("which")))


def _inbox(row: Any) -> Inbox:
    settings = json.loads(row.settings)
    rules = settings.pop("rules", {})
    return Inbox(
        id=row.id,
        key=row.key,
        name=row.name,
        channel=row.channel,
        team_id=row.team_id,
        bot=rules.get("bot", _DEFAULTS.bot),
        window=rules.get("window", _DEFAULTS.window),
        reopen_window=rules.get("reopen_window", _DEFAULTS.reopen_window),
        thresholds=Thresholds(**rules.get("thresholds", {})),
        settings=settings,
        sealed_secrets=row.secrets,
        routing=rules.get("routing", _DEFAULTS.routing),
        policy=Policy(**rules.get("policy", {})),
        disabled=rules.get("disabled", _DEFAULTS.disabled),
        receipts=rules.get("receipts", _DEFAULTS.receipts),
    )


def every(connection: Connection) -> tuple[Inbox, ...]:
    """All inboxes, by name."""
    return tuple(_inbox(row) for row in connection.execute(select(t.inbox).order_by(t.inbox.c.name)))


def get(connection: Connection, inbox_id: str) -> Inbox:
    """Raises NotFound."""
    row = _GET.one(connection, {"which": inbox_id})
    if row is None:
        raise NotFound(f"there is no inbox {inbox_id}")
    return _inbox(row)


def by_key(connection: Connection, key: str) -> Inbox:
    """The inbox with this public key (it stands in web pages and webhook addresses). Raises NotFound."""
    row = connection.execute(select(t.inbox).where(t.inbox.c.key == key)).one_or_none()
    if row is None:
        raise NotFound("there is no such inbox")
    return _inbox(row)


def raw_settings(connection: Connection, inbox_id: str) -> dict[str, Any]:
    """An inbox's settings as they are kept, with its rules. Raises NotFound."""
    row = _GET.one(connection, {"which": inbox_id})
    if row is None:
        raise NotFound(f"there is no inbox {inbox_id}")
    found: dict[str, Any] = json.loads(row.settings)
    return found


def sealed_secrets(tx: Tx, inbox_id: str) -> str:
    """The inbox's secrets as they rest, locked. Raises NotFound."""
    statement = select(t.inbox.c.secrets).where(t.inbox.c.id == inbox_id)
    sealed = tx.connection.execute(statement.with_for_update() if tx.postgres else statement).scalar_one_or_none()
    if sealed is None:
        raise NotFound(f"there is no inbox {inbox_id}")
    return str(sealed)
