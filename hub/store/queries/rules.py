"""Open hours and promises as they are stated now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from hub.store import tables as t

_OWNERS = {"inbox": t.inbox, "team": t.team, "vendor": t.vendor}


@dataclass(frozen=True, slots=True)
class StatedHours:
    """The hours of an inbox, a team or an outside firm (`owner` is `inbox:ID`, `team:ID` or `vendor:ID`); `data` as in
    `hub.domain.hours`."""

    owner: str
    data: Mapping[str, Any]
    country: str
    region: str


@dataclass(frozen=True, slots=True)
class StatedPolicy:
    """The newest version of a policy; `data` as in `hub.domain.sla`."""

    policy_id: str
    position: int
    data: Mapping[str, Any]


def is_owner(connection: Connection, owner: str) -> bool:
    """Whether there is such an inbox, team or firm."""
    kind, _, owner_id = owner.partition(":")
    table = _OWNERS.get(kind)
    if table is None:
        return False
    return connection.execute(select(table.c.id).where(table.c.id == owner_id)).first() is not None


def hours(connection: Connection) -> tuple[StatedHours, ...]:
    """All hours that are stated."""
    h = t.opening_hours.c
    newest = select(func.max(h.id)).group_by(h.owner)
    rows = connection.execute(
        select(h.owner, h.data, h.country, h.region).where(h.id.in_(newest), h.data != "").order_by(h.owner)
    )
    return tuple(StatedHours(row.owner, json.loads(row.data), row.country, row.region) for row in rows)


def policies(connection: Connection) -> tuple[StatedPolicy, ...]:
    """All policies, in their order."""
    p = t.sla_policy.c
    newest = select(func.max(p.id)).group_by(p.policy_id)
    rows = connection.execute(
        select(p.policy_id, p.position, p.data)
        .where(p.id.in_(newest), p.withdrawn == 0)
        .order_by(p.position, p.policy_id)
    )
    return tuple(StatedPolicy(row.policy_id, row.position, json.loads(row.data)) for row in rows)


def policy(connection: Connection, policy_id: str) -> StatedPolicy | None:
    """None where there is none, or it was withdrawn."""
    return next((each for each in policies(connection) if each.policy_id == policy_id), None)
