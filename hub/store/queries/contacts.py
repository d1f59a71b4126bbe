"""Contacts with their addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from hub.domain import events as e
from hub.domain.addresses import kind_of
from hub.domain.errors import NotFound
from hub.store import tables as t
from hub.store.feed import EVENT_COLUMNS, recorded_from
from hub.store.queries import consent
from hub.store.queries.consent import Prohibition
from hub.store.queries.matching import CLAIM


@dataclass(frozen=True, slots=True)
class Identity:
    """One address, and how we know that it belongs to the contact. `linked_at` in microseconds.

    `wire_address` is how the provider writes it, where that differs. `stated_by` is the identity by which it is known.
    `prohibition` is there where nobody may write to it. `linked_by` is (kind, id, name) of whoever linked it.
    """

    id: str
    channel: str
    address: str
    wire_address: str
    display_name: str
    evidence: str
    stated_by: str
    linked_at: int
    prohibition: Prohibition | None = None
    linked_by: tuple[str, str, str] = ("system", "", "")


@dataclass(frozen=True, slots=True)
class Contact:
    id: str
    name: str
    language: str
    merged_into: str
    identities: tuple[Identity, ...]


def get(connection: Connection, contact_id: str) -> Contact:
    """Raises NotFound."""
    found = by_id(connection, [contact_id])
    if contact_id not in found:
        raise NotFound(f"there is no contact {contact_id}")
    return found[contact_id]


def by_id(connection: Connection, contact_ids: Sequence[str]) -> dict[str, Contact]:
    """Those that are there, by id. What they only claim (see `matching.CLAIM`) is none of their addresses."""
    if not contact_ids:
        return {}
    c, i = t.contact.c, t.identity.c
    columns = (i.id, i.channel, i.address, i.wire_address, i.display_name, i.evidence, i.stated_by, i.linked_at)
    addresses = connection.execute(
        select(i.contact_id, *columns)
        .where(i.contact_id.in_(contact_ids), i.channel != CLAIM)
        .order_by(i.linked_at, i.id)
    ).all()
    by = _linked_by(connection, contact_ids)
    forbidden = consent.prohibitions(connection, [(kind_of(row.channel), row.address) for row in addresses])
    identities: dict[str, list[Identity]] = {}
    for contact_id, *identity in addresses:
        known = Identity(*identity)
        prohibition = forbidden.get((kind_of(known.channel), known.address))
        known = replace(known, prohibition=prohibition, linked_by=by.get(known.id, known.linked_by))
        identities.setdefault(contact_id, []).append(known)
    rows = connection.execute(select(c.id, c.name, c.language, c.merged_into).where(c.id.in_(contact_ids)))
    return {row.id: Contact(*row, identities=tuple(identities.get(row.id, ()))) for row in rows}


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened to a contact or to one that was merged into it, with the name of the agent who did it."""

    recorded: e.Recorded
    agent_name: str


def history(connection: Connection, contact_ids: Sequence[str], *, limit: int = 1000) -> list[Happened]:
    """What made contacts what they are, oldest first, with what happened to those that they took in."""
    found: list[Happened] = []
    seen: set[str] = set()
    wanted = set(contact_ids)
    ev = t.event.c
    while wanted and len(found) < limit:
        statement = (
            select(*EVENT_COLUMNS, t.agent.c.name)
            .outerjoin_from(t.event, t.agent, t.agent.c.id == ev.actor_id)
            .where(ev.stream_id.in_(wanted), ev.stream == "contact")
            .order_by(ev.id)
            .limit(limit)
        )
        page = [Happened(recorded_from(row[:-1]), row[-1] or "") for row in connection.execute(statement)]
        seen |= wanted
        absorbed = (each.recorded.event for each in page)
        wanted = {event.from_id for event in absorbed if isinstance(event, e.ContactAbsorbed)} - seen
        found += page
    return sorted(found, key=lambda each: each.recorded.id)[:limit]


def _linked_by(connection: Connection, contact_ids: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    by: dict[str, tuple[str, str, str]] = {}
    for each in history(connection, contact_ids):
        event, actor = each.recorded.event, each.recorded.actor
        if isinstance(event, e.IdentityLinked | e.IdentityMoved):
            by[event.identity_id] = (actor.kind.value, actor.id, each.agent_name)
    return by
