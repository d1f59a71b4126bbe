"""Small look-ups in a conversation's thread."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, desc, func, select

from hub.domain.addresses import kind_of
from hub.domain.events import SegmentBegan
from hub.store import tables as t
from hub.store.prepared import Among
from hub.store.queries import consent
from hub.store.queries.matching import CLAIM

_SPELLING = (t.identity.c.address, t.identity.c.wire_address, t.identity.c.display_name)


def message_with_client_key(connection: Connection, client_key: str) -> str:
    """The id of the message that was stored under this key; empty where none was."""
    return (
        connection.execute(select(t.message.c.id).where(t.message.c.client_key == client_key)).scalar_one_or_none()
        or ""
    )


@dataclass(frozen=True, slots=True)
class Segment:
    """What a stretch of a conversation in one channel is shown with. `region` is the inbox's own."""

    inbox_id: str
    inbox_name: str
    region: str
    identity_id: str
    channel: str
    address: str
    display_name: str
    evidence: str


def _segments(keys: Sequence[Any]) -> Select[Any]:
    m, i, own, before = t.message.c, t.identity.c, t.event.alias("own"), t.event.alias("before")
    return (
        select(m.id, m.inbox_id, t.inbox.c.name, t.inbox.c.settings, i.id, i.channel, *_SPELLING, i.evidence)
        .join(own, own.c.id == m.event_id)
        .join(before, (before.c.stream_id == own.c.stream_id) & (before.c.sequence == own.c.sequence - 1))
        .join(t.identity, i.id == m.identity_id)
        .join(t.inbox, t.inbox.c.id == m.inbox_id)
        .where(m.id.in_(keys), m.kind == "incoming", before.c.kind == SegmentBegan.__name__)
    )


_SEGMENTS = Among(_segments)


def segments(connection: Connection, message_ids: Sequence[str]) -> dict[str, Segment]:
    """The segments that begin with one of these messages, by message."""
    found = {}
    for row in _SEGMENTS.all(connection, message_ids):
        message_id, inbox_id, name, settings, identity_id, channel, address, wire, display_name, evidence = row
        region = str(json.loads(settings).get("default_region", ""))
        found[message_id] = Segment(
            inbox_id, name, region, identity_id, channel, wire or address, display_name, evidence
        )
    return found


@dataclass(frozen=True, slots=True)
class WayBack:
    """How a customer can be reached: by an inbox, at an address. `last_used` is when they last wrote by it
    (microseconds; 0: never)."""

    inbox_id: str
    identity_id: str
    channel: str
    address: str
    display_name: str
    evidence: str
    last_used: int
    forbidden: bool


def ways(connection: Connection, contact_id: str, kinds: Mapping[str, str]) -> list[WayBack]:
    """How a contact can be reached: by what they last used first, then where they never wrote from.

    Args:
        connection: of a read, or a transaction's.
        contact_id: the contact.
        kinds: for each inbox the channel whose addresses it writes to (two providers of text messages are both `sms`).
    """
    m, i = t.message.c, t.identity.c
    wrote = (m.identity_id == i.id) & (m.kind == "incoming")
    statement = (
        select(i.id, i.channel, *_SPELLING, i.evidence, m.inbox_id, func.max(m.at))
        .outerjoin_from(t.identity, t.message, wrote)
        .where(i.contact_id == contact_id, i.channel != CLAIM)
        .group_by(i.id, i.channel, *_SPELLING, i.evidence, m.inbox_id)
        .order_by(desc(func.coalesce(func.max(m.at), 0)), i.id)
    )
    rows = connection.execute(statement).all()
    forbidden = consent.prohibitions(connection, [(kind_of(row.channel), row.address) for row in rows])
    found = []
    for identity_id, channel, address, wire, display_name, evidence, inbox_id, last_used in rows:
        # A visitor of a page is reached on that page alone; who was only named, by any inbox of that kind.
        places = [inbox_id] if inbox_id else [each for each, kind in kinds.items() if kind == channel]
        if ";ext=" in address:  # a desk behind a switchboard can call and be called, and no more
            continue
        prohibited = (kind_of(channel), address) in forbidden
        for place in places if inbox_id or channel != "webchat" else ():
            way = (place, identity_id, channel, wire or address, display_name, evidence, last_used or 0, prohibited)
            found.append(WayBack(*way))
    return found


def reply_inboxes(connection: Connection, contact_id: str) -> list[str]:
    """The inboxes that a contact has written to."""
    m, i = t.message.c, t.identity.c
    statement = (
        select(m.inbox_id)
        .join(t.identity, m.identity_id == i.id)
        .where(i.contact_id == contact_id, m.kind == "incoming")
        .distinct()
    )
    return list(connection.execute(statement).scalars())
