"""Fields of contacts, and codes that were sent to prove an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from hub.store import tables as t

_c = t.verification_code.c


@dataclass(frozen=True, slots=True)
class SentCode:
    """`channel` is that of the address that it went to. Times in microseconds."""

    id: str
    nonce: str
    tries: int
    expires_at: int
    used_at: int
    channel: str


@dataclass(frozen=True, slots=True)
class Question:
    """`name` is the field of contacts that holds the answer."""

    name: str
    text_en: str
    text_es: str
    position: int


def is_contact(connection: Connection, contact_id: str) -> bool:
    return connection.execute(select(t.contact.c.id).where(t.contact.c.id == contact_id)).first() is not None


def fields(connection: Connection, contact_id: str) -> Mapping[str, str]:
    """A contact's fields, by name."""
    f = t.contact_field.c
    rows = connection.execute(select(f.name, f.value).where(f.contact_id == contact_id).order_by(f.name))
    return {row.name: row.value for row in rows}


def questions(connection: Connection) -> tuple[Question, ...]:
    """What agents ask to learn who somebody is, in its order."""
    q = t.question.c
    rows = connection.execute(select(q.name, q.text_en, q.text_es, q.position).order_by(q.position, q.name))
    return tuple(Question(*row) for row in rows)


def latest(connection: Connection, conversation_id: str) -> SentCode | None:
    """The code that was sent last in a conversation, which the caller holds."""
    statement = (
        select(_c.id, _c.nonce, _c.tries, _c.expires_at, _c.used_at, t.identity.c.channel)
        .join(t.identity, t.identity.c.id == _c.identity_id)
        .where(_c.conversation_id == conversation_id)
        .order_by(_c.id.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return SentCode(*row) if row else None


def sent_since(connection: Connection, conversation_id: str, identity_id: str, since: int) -> int:
    """How many codes went to an address or for a conversation since a time."""
    mine = or_(_c.conversation_id == conversation_id, _c.identity_id == identity_id)
    return connection.execute(
        select(func.count()).select_from(t.verification_code).where(mine, _c.at > since)
    ).scalar_one()


def nonce_of(connection: Connection, conversation_id: str, message_id: str) -> str | None:
    """The nonce of the code that a message carries; None where it carries none."""
    mine = (_c.conversation_id == conversation_id) & (_c.message_id == message_id)
    return connection.execute(select(_c.nonce).where(mine)).scalar_one_or_none()
