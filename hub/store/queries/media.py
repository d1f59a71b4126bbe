"""Files that providers keep for us."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from hub.domain.messages import RemoteMedia
from hub.store import tables as t
from hub.store.prepared import Among
from hub.store.unit_of_work import Tx

PENDING, FETCHED, REFUSED = "pending", "fetched", "refused"

_r = t.remote_media.c


@dataclass(frozen=True, slots=True)
class Missing:
    """A file of a message that is not here. `state` is `pending` or `refused`, then with a `reason`."""

    id: str
    message_id: str
    media_type: str
    name: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Announced:
    """A file as its message named it."""

    id: str
    message_id: str
    inbox_id: str
    media: RemoteMedia
    state: str


_MISSING = Among(
    lambda keys: (
        select(_r.id, _r.message_id, _r.media_type, _r.name, _r.state, _r.reason)
        .where(_r.message_id.in_(keys), _r.state != FETCHED)
        .order_by(_r.message_id, _r.position)
    )
)


def missing(connection: Connection, message_ids: Sequence[str]) -> dict[str, tuple[Missing, ...]]:
    """What is not here (yet) of messages, by message, in the order in which they name it."""
    found: dict[str, tuple[Missing, ...]] = {}
    for row in _MISSING.all(connection, message_ids):
        found[row.message_id] = (*found.get(row.message_id, ()), Missing(*row))
    return found


def get(connection: Connection, media_id: str) -> Announced | None:
    """A file that a message named; None where there is none."""
    columns = (_r.id, _r.message_id, _r.inbox_id, _r.url, _r.media_type, _r.name, _r.size, _r.state)
    row = connection.execute(select(*columns).where(_r.id == media_id)).one_or_none()
    if row is None:
        return None
    media = RemoteMedia(row.url, row.media_type, row.name, row.size)
    return Announced(row.id, row.message_id, row.inbox_id, media, row.state)


def conversation_of(tx: Tx, message_id: str) -> str:
    """The conversation that a message is in now."""
    statement = select(t.message.c.conversation_id).where(t.message.c.id == message_id)
    return str(tx.connection.execute(statement).scalar_one())


def show(tx: Tx, message_id: str) -> None:
    """Makes the fetched files of a message part of what it shows: after those that were uploaded, in its own order."""
    m, a = t.message.c, t.attachment.c
    extras = tx.connection.execute(select(m.extras).where(m.id == message_id)).scalar_one()
    shown = json.loads(extras) if extras else {}
    fetched = tx.connection.execute(
        select(a.id, a.name, a.media_type, a.size)
        .join(t.remote_media, _r.attachment_id == a.id)
        .where(_r.message_id == message_id)
        .order_by(_r.position)
    ).all()
    ours = {row.id for row in fetched}
    uploaded = [each for each in shown.get("attachments", ()) if each["id"] not in ours]
    shown["attachments"] = uploaded + [dict(row._mapping) for row in fetched]
    statement = update(t.message).where(m.id == message_id)
    tx.connection.execute(statement.values(extras=json.dumps(shown, ensure_ascii=False)))
