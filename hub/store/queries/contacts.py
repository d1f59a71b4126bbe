"""Contacts with their addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from hub.domain.addresses import kind_of
from hub.domain.errors import NotFound
from hub.store import tables as t
from hub.store.queries import consent
from hub.store.queries.consent import Prohibition


@dataclass(frozen=True, slots=True)
class Identity:
    """One address, and how we know that it belongs to the contact. `linked_at` in microseconds.

    `prohibition` is there where nobody may write to it.
    """

    id: str
    channel: str
    address: str
    display_name: str
    evidence: str
    linked_at: int
    prohibition: Prohibition | None = None


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
    """Those that are there, by id."""
    if not contact_ids:
        return {}
    c, i = t.contact.c, t.identity.c
    addresses = connection.execute(
        select(i.contact_id, i.id, i.channel, i.address, i.display_name, i.evidence, i.linked_at)
        .where(i.contact_id.in_(contact_ids))
        .order_by(i.linked_at, i.id)
    ).all()
    forbidden = consent.prohibitions(connection, [(kind_of(row.channel), row.address) for row in addresses])
    identities: dict[str, list[Identity]] = {}
    for contact_id, *identity in addresses:
        known = Identity(*identity)
        prohibition = forbidden.get((kind_of(known.channel), known.address))
        identities.setdefault(contact_id, []).append(replace(known, prohibition=prohibition))
    rows = connection.execute(select(c.id, c.name, c.language, c.merged_into).where(c.id.in_(contact_ids)))
    return {row.id: Contact(*row, identities=tuple(identities.get(row.id, ()))) for row in rows}
