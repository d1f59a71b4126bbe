"""Addresses that nobody may write to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select, tuple_

from hub.domain import events as e
from hub.domain.addresses import kind_of
from hub.domain.errors import NotFound
from hub.store import tables as t
from hub.store.feed import EVENT_COLUMNS, recorded_from
from hub.store.prepared import Prepared
from hub.store.unit_of_work import Tx

_d, _i = t.do_not_contact.c, t.identity.c
_DECISIONS = e.ConsentWithdrawn | e.ConsentGiven


@dataclass(frozen=True, slots=True)
class Prohibition:
    """Since when (microseconds) an address may not be written to, and how that came, as in the event."""

    since: int
    how: str


@dataclass(frozen=True, slots=True)
class Told:
    """That a customer wants no messages at an address (`withdrawn`), or wants them again. `at` in microseconds."""

    event_id: int
    withdrawn: bool
    how: str
    identity_id: str
    channel: str
    address: str
    display_name: str
    agent_name: str
    at: int


@dataclass(frozen=True, slots=True)
class Place:
    """An address as the list knows it, and whose it is."""

    kind: str
    address: str
    contact_id: str


def place(connection: Connection, identity_id: str) -> Place:
    """Where an identity stands in the list, or would. Raises NotFound."""
    statement = select(_i.channel, _i.address, _i.contact_id).where(_i.id == identity_id)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(f"there is no identity {identity_id}")
    return Place(kind_of(row.channel), row.address, row.contact_id)


def told(connection: Connection, conversation_ids: Sequence[str]) -> list[Told]:
    """What customers decided about being written to in conversations, oldest first."""
    ev = t.event.c
    kinds = (e.ConsentWithdrawn.__name__, e.ConsentGiven.__name__)
    statement = (
        select(*EVENT_COLUMNS, t.agent.c.name)
        .outerjoin_from(t.event, t.agent, t.agent.c.id == ev.actor_id)
        .where(ev.stream_id.in_(conversation_ids), ev.kind.in_(kinds))
        .order_by(ev.id)
    )
    happened = [(recorded_from(row[:-1]), row[-1] or "") for row in connection.execute(statement)]
    events = [(each, name, each.event) for each, name in happened]
    where = {
        row.id: row
        for row in connection.execute(
            select(_i.id, _i.channel, _i.wire_address, _i.address, _i.display_name).where(
                _i.id.in_({event.identity_id for _, _, event in events if isinstance(event, _DECISIONS)})
            )
        )
    }
    found = []
    for each, name, event in events:
        if isinstance(event, _DECISIONS) and (row := where.get(event.identity_id)):
            way = (row.id, row.channel, row.wire_address or row.address, row.display_name)
            found.append(Told(each.id, isinstance(event, e.ConsentWithdrawn), event.how, *way, name, each.at))
    return found


_PROHIBITED = select(_d.kind, _d.address, _d.since, _d.how).where(
    tuple_(_d.kind, _d.address).in_(bindparam("addresses", expanding=True))
)

# Of one, as every message that leaves asks.
_PROHIBITED_ONE = Prepared(
    select(_d.kind, _d.address, _d.since, _d.how).where(_d.kind == bindparam("which"), _d.address == bindparam("where"))
)


def prohibition(connection: Connection, where: Place) -> Prohibition | None:
    """Why this address may not be written to; None where it may."""
    return prohibitions(connection, [(where.kind, where.address)]).get((where.kind, where.address))


def prohibitions(connection: Connection, addresses: Collection[tuple[str, str]]) -> dict[tuple[str, str], Prohibition]:
    """Those of these (kind, address) that may not be written to."""
    if not addresses:
        return {}
    if len(addresses) == 1:
        ((kind, address),) = addresses
        rows: Sequence[Any] = _PROHIBITED_ONE.all(connection, {"which": kind, "where": address})
    else:
        rows = connection.execute(_PROHIBITED, {"addresses": list(addresses)}).all()
    return {(kind, address): Prohibition(since, how) for kind, address, since, how in rows}


def forbid(tx: Tx, where: Place, *, how: str, inbox_id: str, conversation_id: str) -> bool:
    """Puts an address on the list. Returns whether that was new: what stands there already keeps its first reason."""
    if prohibition(tx.connection, where) is not None:
        return False
    values = {"how": how, "inbox_id": inbox_id, "conversation_id": conversation_id, "since": tx.now}
    tx.add(t.do_not_contact, {"kind": where.kind, "address": where.address, **values})
    return True


def lift(tx: Tx, where: Place) -> bool:
    """Takes an address off the list. Returns whether it stood there."""
    return tx.remove(t.do_not_contact, {"kind": where.kind, "address": where.address}) > 0
