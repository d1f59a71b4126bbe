"""Messages that something is said of: an edit, a reaction, that they were taken back, how far they have come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, literal_column, select, update

from hub.domain.messages import Address, Delivery, Kind
from hub.store import tables as t
from hub.store.prepared import Prepared
from hub.store.queries.matching import offered_extras
from hub.store.queries.media import PENDING
from hub.store.unit_of_work import Tx

_m, _i, _c = t.message.c, t.identity.c, t.early_change.c


@dataclass(frozen=True, slots=True)
class Target:
    """A message as it stands. `theirs`: the provider gave the id on its way in, so it was not the hub that sent it."""

    id: str
    conversation_id: str
    identity_id: str
    kind: str
    text: str
    at: int
    extras: dict[str, Any]
    erased: bool
    theirs: bool


_TARGET = select(
    _m.id, _m.conversation_id, _m.identity_id, _m.kind, _m.text, _m.at, _m.extras, _m.erased_at, _m.external_id
).where(_m.inbox_id == bindparam("inbox"))
# Answers to messages, edits, reactions and echoes ask by these.
_BY_THEIRS = Prepared(_TARGET.where(_m.external_id == bindparam("which")))
_BY_PROVIDER = Prepared(_TARGET.where(_m.provider_id == bindparam("which")).order_by(_m.event_id.desc()).limit(1))


def target(connection: Connection, inbox_id: str, external_id: str) -> Target | None:
    """The message, of either side, that has this id with the provider; None where there is none."""
    values = {"inbox": inbox_id, "which": external_id}
    row = _BY_THEIRS.one(connection, values) or _BY_PROVIDER.one(connection, values)
    if row is None:
        return None
    extras = json.loads(row.extras) if row.extras else {}
    return Target(
        *(row.id, row.conversation_id, row.identity_id, row.kind, row.text, row.at),
        *(extras, bool(row.erased_at), row.external_id is not None),
    )


_EARLY = Prepared(
    select(_c.change).where(_c.inbox_id == bindparam("inbox"), _c.target == bindparam("which")).order_by(_c.at)
)
_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("target"), 0)))


def lock(tx: Tx, inbox_id: str, external_id: str) -> None:
    """Makes a message wait for what is said of it, and the other way round: it has no row yet that could be locked."""
    if tx.postgres:
        tx.connection.execute(_LOCK, {"target": f"message:{inbox_id}:{external_id}"})


def park(tx: Tx, inbox_id: str, external_id: str, change: str) -> bool:
    """Keeps what came before its message. Returns whether it is no copy."""
    digest = sha256(change.encode()).hexdigest()
    key = (_c.inbox_id == inbox_id) & (_c.target == external_id) & (_c.digest == digest)
    if tx.connection.execute(select(_c.at).where(key)).one_or_none() is not None:
        return False
    row = {"inbox_id": inbox_id, "target": external_id, "digest": digest, "change": change, "at": tx.now}
    tx.add(t.early_change, row)
    return True


def parked(tx: Tx, inbox_id: str, external_id: str) -> Sequence[str]:
    """What came before its message, in that order; it is taken out."""
    rows = tx.run(_EARLY, {"inbox": inbox_id, "which": external_id}).fetchall()
    if rows:
        mine = (_c.inbox_id == inbox_id) & (_c.target == external_id)
        tx.connection.execute(delete(t.early_change).where(mine))
    return [row[0] for row in rows]


def forget_payloads(tx: Tx, inbox_id: str, moments: Sequence[int]) -> None:
    """Drops the raw payloads that were stored in these transactions of an inbox: they hold the text as well."""
    w = t.webhook_payload.c
    tx.connection.execute(delete(t.webhook_payload).where(w.inbox_id == inbox_id, w.at.in_(list(moments))))


def waiting_media(tx: Tx, message_id: str) -> list[str]:
    """Files of a message that are still to be fetched."""
    r = t.remote_media.c
    statement = select(r.id).where(r.message_id == message_id, r.state == PENDING)
    return list(tx.connection.execute(statement).scalars())


def forget_media(tx: Tx, message_id: str) -> None:
    """Drops what the provider called a message's files and where it keeps them."""
    statement = update(t.remote_media).where(t.remote_media.c.message_id == message_id)
    tx.connection.execute(statement.values(url="", name=""))


def files(connection: Connection, message_id: str) -> list[str]:
    """Ids of a message's files."""
    a = t.attachment.c
    return list(connection.execute(select(a.id).where(a.message_id == message_id)).scalars())


def identity_of(connection: Connection, address: Address) -> tuple[str, str] | None:
    """(identity, contact) of an address; None where nobody has it."""
    statement = select(_i.id, _i.contact_id).where(
        _i.channel == address.channel, _i.scope == address.scope, _i.address == address.value
    )
    row = connection.execute(statement).one_or_none()
    return (row[0], row[1]) if row else None


# What a provider has taken: a moment says nothing of a message that failed, waits, or may never have left.
_TAKEN = frozenset({Delivery.SENT.value, Delivery.DELIVERED.value})


def sent_up_to(
    connection: Connection, inbox_id: str, identity_id: str, moment: int, below: tuple[str, ...]
) -> list[tuple[str, str]]:
    """(message, conversation) of what was sent to an identity up to a moment and is in one of the states `below`; a
    message of which it is not known that the provider took it was not sent."""
    sent = (_m.identity_id == identity_id) & (_m.inbox_id == inbox_id) & (_m.kind == Kind.OUTGOING.value)
    states = sorted(_TAKEN.intersection(below))
    statement = select(_m.id, _m.conversation_id).where(sent, _m.state.in_(states), _m.at <= moment)
    return [(row[0], row[1]) for row in connection.execute(statement.order_by(_m.event_id.desc()).limit(500))]


_LEAVING = (Delivery.SENDING.value, Delivery.UNKNOWN.value)


def leaving(connection: Connection, inbox_id: str, identity_id: str, text: str) -> str:
    """The one message with this text of which it is not known yet whether the provider took it; empty where there is
    none, or more than one."""
    mine = (_m.identity_id == identity_id) & (_m.inbox_id == inbox_id) & (_m.kind == Kind.OUTGOING.value)
    statement = select(_m.id).where(mine, _m.state.in_(_LEAVING), _m.text == text, _m.provider_id.is_(None)).limit(2)
    found = list(connection.execute(statement).scalars())
    return found[0] if len(found) == 1 else ""


# Every short message asks. The kind is written out: SQLite takes a partial index only where a statement says its words.
_LAST_OFFER = Prepared(
    select(_m.id, _m.extras)
    .where(_m.identity_id == bindparam("identity"), _m.kind == literal_column(f"'{Kind.OUTGOING.value}'"))
    .order_by(_m.event_id.desc())
    .limit(1)
)


def last_offer(connection: Connection, identity_id: str) -> tuple[str, list[dict[str, str]]]:
    """(message, buttons) of what was last sent to an identity; no buttons where it offered none."""
    row = _LAST_OFFER.one(connection, {"identity": identity_id})
    extras = json.loads(row.extras) if row and row.extras else {}
    return (row.id if row else "", extras.get("buttons", []))


def offered(connection: Connection, message_id: str, contact_id: str) -> list[dict[str, str]]:
    """The buttons of a message that we sent to this contact; none where we did not."""
    extras = offered_extras(connection, message_id, contact_id)
    buttons: list[dict[str, str]] = json.loads(extras).get("buttons", []) if extras else []
    return buttons


def last_conversation(connection: Connection, contact_id: str) -> str:
    """A contact's conversation with the latest activity; empty where there is none."""
    c = t.conversation.c
    statement = select(c.id).where(c.contact_id == contact_id, c.merged_into == "")
    return connection.execute(statement.order_by(c.last_activity_at.desc()).limit(1)).scalar_one_or_none() or ""
