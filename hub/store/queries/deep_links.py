"""Links by which a customer goes on in another channel."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import Connection, select, update

from hub.store import tables as t
from hub.store.unit_of_work import Tx

_l = t.deep_link.c


@dataclass(frozen=True, slots=True)
class StoredLink:
    """`contact_id` had the conversation when the link was made. Times in microseconds; `used_at` 0: nobody came."""

    key: str
    secret_hash: str
    contact_id: str
    conversation_id: str
    inbox_id: str
    expires_at: int
    used_at: int


def get(connection: Connection, key: str) -> StoredLink | None:
    columns = (t.deep_link.c[field.name] for field in fields(StoredLink))
    row = connection.execute(select(*columns).where(_l.key == key)).one_or_none()
    return StoredLink(*row) if row else None


def use(tx: Tx, key: str) -> bool:
    """Whether nobody has used the link yet; then nobody else can. Of two at once the second waits for the first."""
    unused = update(t.deep_link).where(_l.key == key, _l.used_at == 0).values(used_at=tx.now)
    return tx.connection.execute(unused).rowcount == 1


def given_to(connection: Connection, conversation_id: str, token: str) -> str:
    """The identity to which a message of ours with this token went; empty where none did."""
    m = t.message.c
    carried = (m.conversation_id == conversation_id) & (m.kind == "outgoing") & m.text.contains(token, autoescape=True)
    found = select(m.identity_id).where(carried).order_by(m.event_id.desc()).limit(1)
    return connection.execute(found).scalar_one_or_none() or ""


def owner(connection: Connection, contact_id: str) -> str:
    """The contact that a contact has become by merges: itself where there was none."""
    merged_into = select(t.contact.c.merged_into).where(t.contact.c.id == contact_id)
    while into := connection.execute(merged_into).scalar_one_or_none():
        contact_id = into
        merged_into = select(t.contact.c.merged_into).where(t.contact.c.id == contact_id)
    return contact_id
