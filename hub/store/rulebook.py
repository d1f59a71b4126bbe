"""What is promised to customers, and when somebody is there, at hand.

Versions never change, so whatever was read once is good for ever. Which versions count now is read again when the last
reading is older than a second.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, func, select

from hub.domain import hours, sla
from hub.domain.conversation import Conversation
from hub.domain.errors import NotFound
from hub.domain.hours import ALWAYS, Hours
from hub.store import tables as t

FRESH = 1.0  # seconds; so long may a process go on with the old rules


@dataclass(frozen=True, slots=True)
class Current:
    """The versions that count. `policies` are in their order, `hours` by owner."""

    policies: tuple[tuple[str, sla.Policy], ...] = ()
    hours: dict[str, str] = field(default_factory=dict)


class Rulebook:
    """Any thread may ask; a connection is lent by whoever asks."""

    def __init__(self) -> None:
        self._policies: dict[str, sla.Policy] = {}
        self._hours: dict[str, Hours] = {"": ALWAYS}
        self._current = Current()
        self._read_at = -FRESH

    def forget(self) -> None:
        """For whoever has just changed the rules: this process reads them again at the next question."""
        self._read_at = -FRESH

    def terms(self, connection: Connection, policy_id: str, hours_id: str) -> sla.Terms:
        """The terms of these versions. Raises NotFound."""
        if policy_id not in self._policies:
            self._policies[policy_id] = sla.from_data(json.loads(_data(connection, t.sla_policy, policy_id)))
        return sla.Terms(self._policies[policy_id], self.hours(connection, hours_id))

    def hours(self, connection: Connection, hours_id: str) -> Hours:
        """The hours of a version; of none, always. Raises NotFound."""
        if hours_id not in self._hours:
            self._hours[hours_id] = hours.from_data(json.loads(_data(connection, t.opening_hours, hours_id)))
        return self._hours[hours_id]

    def hours_of(self, connection: Connection, team_id: str, inbox_id: str) -> str:
        """The version of the hours of a team, else of the inbox; empty where nobody stated any."""
        current = self.current(connection).hours
        return current.get(f"team:{team_id}") or current.get(f"inbox:{inbox_id}", "")

    def chosen(self, connection: Connection, conversation: Conversation) -> tuple[str, str]:
        """The versions of policy and hours that count for a conversation now; both empty where nothing is promised."""
        current = self.current(connection)
        if not current.policies:
            return "", ""
        fields = {}
        if any(policy.contact_fields for _, policy in current.policies):
            c = t.contact_field.c
            rows = connection.execute(select(c.name, c.value).where(c.contact_id == conversation.contact_id))
            fields = {row.name: row.value for row in rows}
        policy_id = sla.choose(current.policies, conversation, fields)
        if not policy_id:
            return "", ""
        return policy_id, self.hours_of(connection, conversation.team_id, conversation.inbox_id)

    def current(self, connection: Connection) -> Current:
        if time.monotonic() - self._read_at >= FRESH:
            self._current = self._read(connection)
            self._read_at = time.monotonic()
        return self._current

    def _read(self, connection: Connection) -> Current:
        p, h = t.sla_policy.c, t.opening_hours.c
        newest = select(func.max(p.id)).group_by(p.policy_id)
        found = connection.execute(
            select(p.id).where(p.id.in_(newest), p.withdrawn == 0).order_by(p.position, p.policy_id)
        ).scalars()
        policies = [(version, self.terms(connection, version, "").policy) for version in found]
        newest = select(func.max(h.id)).group_by(h.owner)
        stated = connection.execute(select(h.owner, h.id).where(h.id.in_(newest), h.data != ""))
        return Current(tuple(policies), {row.owner: row.id for row in stated})


def _data(connection: Connection, table: Table, version: str) -> str:
    found: str | None = connection.execute(select(table.c.data).where(table.c.id == version)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"there is no {table.name} {version}")
    return found
