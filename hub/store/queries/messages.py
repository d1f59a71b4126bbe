"""Messages as a thread shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Select, desc, select

from hub.domain.errors import NotFound
from hub.domain.messages import Author, Kind
from hub.store import tables as t
from hub.store.prepared import Among
from hub.store.queries import media
from hub.store.queries import thread as thread_queries
from hub.store.queries.media import Missing
from hub.store.queries.thread import Segment

_m = t.message.c


@dataclass(frozen=True, slots=True)
class Message:
    """A message with its content.

    `extras` is JSON or empty, `author_name` empty for bot and system, `provider_id` empty until the provider gave one.
    `sender` is the address that it came from, `vendor` the outside firm that it went to or came from: (id, name,
    address, ended: see `t.vendor_mail`). `missing`: files that the provider keeps and that are not here (yet).
    `segment` is there where one begins with it.
    """

    id: str
    conversation_id: str
    event_id: int
    sequence: int
    kind: str
    author_kind: str
    author_id: str
    author_name: str
    inbox_id: str
    channel: str
    rule: str
    state: str
    error_code: str
    error_text: str
    at: int
    text: str
    extras: str
    client_key: str
    provider_id: str
    erased: bool
    sender: str = ""
    vendor: tuple[str, str, str, str] | None = None
    missing: tuple[Missing, ...] = ()
    segment: Segment | None = None


_COLUMNS = (
    _m.id,
    _m.conversation_id,
    _m.event_id,
    _m.sequence,
    _m.kind,
    _m.author_kind,
    _m.author_id,
    _m.inbox_id,
    _m.channel,
    _m.rule,
    _m.state,
    _m.error_code,
    _m.error_text,
    _m.at,
    _m.text,
    _m.extras,
    _m.client_key,
    _m.external_id,
    _m.provider_id,
    _m.erased_at,
    t.agent.c.name.label("agent_name"),
    t.contact.c.name.label("contact_name"),
    t.identity.c.address.label("sender"),
    t.vendor.c.id.label("vendor_id"),
    t.vendor.c.name.label("vendor_name"),
    t.vendor_mail.c.address.label("vendor_address"),
    t.vendor_mail.c.ended.label("vendor_ended"),
)


def _select() -> Select[Any]:
    joined = t.message.outerjoin(t.agent, t.agent.c.id == _m.author_id)
    joined = joined.outerjoin(t.contact, t.contact.c.id == _m.author_id)
    joined = joined.outerjoin(t.identity, t.identity.c.id == _m.identity_id)
    joined = joined.outerjoin(t.vendor_mail, t.vendor_mail.c.message_id == _m.id)
    return select(*_COLUMNS).select_from(joined.outerjoin(t.vendor, t.vendor.c.id == t.vendor_mail.c.vendor_id))


def _messages(rows: Iterable[Any]) -> list[Message]:
    return [
        Message(
            id=row.id,
            conversation_id=row.conversation_id,
            event_id=row.event_id,
            sequence=row.sequence,
            kind=row.kind,
            author_kind=row.author_kind,
            author_id=row.author_id,
            author_name=row.agent_name or row.contact_name or (_by_vendor(row) and row.vendor_name) or "",
            inbox_id=row.inbox_id,
            channel=row.channel,
            rule=row.rule,
            state=row.state,
            error_code=row.error_code,
            error_text=row.error_text,
            at=row.at,
            text=row.text,
            extras=row.extras,
            client_key=row.client_key or "",
            provider_id=row.external_id or row.provider_id or "",
            erased=bool(row.erased_at),
            sender=_sender(row),
            vendor=(row.vendor_id, row.vendor_name, row.vendor_address, row.vendor_ended) if row.vendor_id else None,
        )
        for row in rows
    ]


def _by_vendor(row: Any) -> bool:
    """Whether an outside firm wrote it."""
    return bool(row.author_kind == Author.VENDOR.value)


def _sender(row: Any) -> str:
    if _by_vendor(row):
        return str(row.vendor_address or "")
    return str(row.sender or "") if row.kind == Kind.INCOMING.value else ""


def thread(
    connection: Connection, conversation_ids: Sequence[str], *, before: int = 0, limit: int = 50
) -> tuple[tuple[Message, ...], int | None]:
    """A page of what was said in conversations that are read as one: oldest first, and the event to go on before.

    Args:
        connection: of a read.
        conversation_ids: the conversation and those merged into it.
        before: only what came before this event; 0 for the newest.
        limit: the most messages.
    """
    found: list[Message] = []
    # One index range for each: `IN` would sort the whole of all threads.
    for conversation_id in conversation_ids:
        statement = _select().where(_m.conversation_id == conversation_id)
        if before:
            statement = statement.where(_m.event_id < before)
        found += _messages(connection.execute(statement.order_by(desc(_m.event_id)).limit(limit + 1)))
    found.sort(key=lambda message: message.event_id, reverse=True)
    shown = tuple(reversed(_completed(connection, found[:limit])))
    return shown, shown[0].event_id if len(found) > limit else None


def get(connection: Connection, message_id: str) -> Message:
    """Raises NotFound."""
    found = by_id(connection, [message_id])
    if message_id not in found:
        raise NotFound(f"there is no message {message_id}")
    return found[message_id]


_BY_ID = Among(lambda keys: _select().where(_m.id.in_(keys)))


def by_id(connection: Connection, message_ids: Sequence[str]) -> dict[str, Message]:
    """Those that are there, by id."""
    found = _messages(_BY_ID.all(connection, message_ids))
    return {each.id: each for each in _completed(connection, found)}


def _completed(connection: Connection, found: Sequence[Message]) -> list[Message]:
    ids = [each.id for each in found]
    missing, segments = media.missing(connection, ids), thread_queries.segments(connection, ids)
    return [replace(each, missing=missing.get(each.id, ()), segment=segments.get(each.id)) for each in found]
