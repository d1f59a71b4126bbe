"""Skills, capacity, reasons; and how queues and agents stand right now."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from hub.domain import routing as r
from hub.domain.conversation import Status
from hub.domain.errors import NotFound
from hub.domain.events import AssignmentDecided, Recorded
from hub.store import tables as t
from hub.store.feed import EVENT_COLUMNS, recorded_from
from hub.store.prepared import Prepared
from hub.store.queries import routing
from hub.store.unit_of_work import Tx

_c = t.conversation.c


@dataclass(frozen=True, slots=True)
class Skill:
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an agent is in a presence; its names by language."""

    code: str
    presence: str
    name_en: str
    name_es: str
    position: int


@dataclass(frozen=True, slots=True)
class Presence:
    """Times in microseconds; `until` 0: it does not end by itself."""

    presence: str
    reason: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Member:
    """What routing knows of an agent. `capacity` is None where it is the usual one."""

    skills: Mapping[str, int]
    capacity: Mapping[str, int] | None
    team_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """When an agent works on a date: windows as `("09:00", "14:00")`, on the clock of `zone`."""

    agent_id: str
    name: str
    day: date
    zone: str
    windows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """A team's queue now. `oldest`: since when the one that has waited longest waits, microseconds; 0: nobody does."""

    team_id: str
    waiting: int
    oldest: int
    offered: int


@dataclass(frozen=True, slots=True)
class AtWork:
    """An agent now. `since` in microseconds; `open` is how many conversations they have of each channel."""

    agent_id: str
    name: str
    presence: str
    reason: str
    since: int
    load: float
    open: Mapping[str, int]
    team_ids: tuple[str, ...]


def skills(connection: Connection) -> list[Skill]:
    """All skills, by name."""
    return [Skill(*row) for row in connection.execute(select(t.skill).order_by(t.skill.c.name))]


def reasons(connection: Connection) -> list[Reason]:
    """All reasons, in their order."""
    c = t.presence_reason.c
    return [Reason(*row) for row in connection.execute(select(t.presence_reason).order_by(c.position, c.code))]


def is_reason(connection: Connection, code: str, presence: str) -> bool:
    """Whether people may give this reason for this presence."""
    c = t.presence_reason.c
    return connection.execute(select(c.code).where(c.code == code, c.presence == presence)).first() is not None


def presence(connection: Connection, agent_id: str) -> Presence:
    """An agent's own, now."""
    a = t.agent.c
    columns = (a.presence, a.presence_reason, a.presence_since, a.presence_until)
    return Presence(*connection.execute(select(*columns).where(a.id == agent_id)).one())


def wrap_up_of(connection: Connection, conversation_id: str, agent_id: str) -> int:
    """For how long whoever has a conversation wraps up once it is resolved, microseconds; 0 for everybody else."""
    statement = (
        select(t.team.c.wrap_up)
        .join(t.conversation, _c.team_id == t.team.c.id)
        .where(_c.id == conversation_id, _c.assignee_id == agent_id, _c.status == Status.ASSIGNED)
    )
    return connection.execute(statement).scalar_one_or_none() or 0


def longest_wrap_up(connection: Connection, agent_id: str) -> int:
    """The longest wrap-up of an agent's teams, microseconds; 0: none of them has any."""
    m = t.team_member.c
    statement = select(func.max(t.team.c.wrap_up)).join(t.team_member, m.team_id == t.team.c.id)
    return connection.execute(statement.where(m.agent_id == agent_id)).scalar_one() or 0


def wrapped_up(connection: Connection, now: int) -> list[str]:
    """Whose wrap-up is over."""
    a = t.agent.c
    over = (a.presence == "wrap_up", a.presence_until > 0, a.presence_until <= now)
    return list(connection.execute(select(a.id).where(*over)).scalars())


# The sweeper asks many times a second.
_NEXT_WRAPPED_UP = Prepared(
    select(func.min(t.agent.c.presence_until)).where(t.agent.c.presence == "wrap_up", t.agent.c.presence_until > 0)
)


def next_wrapped_up(connection: Connection) -> int | None:
    """When the next wrap-up is over (microseconds); None while nobody wraps up."""
    found: int | None = _NEXT_WRAPPED_UP.one(connection, {})[0]
    return found


def member(connection: Connection, agent_id: str) -> Member:
    """Raises NotFound."""
    stored = connection.execute(select(t.agent.c.capacity).where(t.agent.c.id == agent_id)).scalar_one_or_none()
    if stored is None:
        raise NotFound(f"there is no agent {agent_id}")
    s, m = t.agent_skill.c, t.team_member.c
    levels = connection.execute(select(s.skill, s.level).where(s.agent_id == agent_id).order_by(s.skill))
    team_ids = connection.execute(select(m.team_id).where(m.agent_id == agent_id).order_by(m.team_id)).scalars()
    return Member({row.skill: row.level for row in levels}, json.loads(stored) if stored else None, tuple(team_ids))


def leads(connection: Connection, agent_id: str) -> set[str]:
    """The teams that an agent leads."""
    m = t.team_member.c
    return set(connection.execute(select(m.team_id).where(m.agent_id == agent_id, m.lead == 1)).scalars())


def shifts(connection: Connection, first: date, last: date) -> list[Shift]:
    """The shifts of these dates, both included, in their order, of those who can sign in."""
    c, a = t.shift.c, t.agent.c
    statement = (
        select(c.agent_id, a.name, c.day, c.zone, c.windows)
        .join(t.agent, a.id == c.agent_id)
        .where(c.day >= first.isoformat(), c.day <= last.isoformat(), a.disabled == 0)
        .order_by(c.day, a.name, c.agent_id)
    )
    return [
        Shift(row.agent_id, row.name, date.fromisoformat(row.day), row.zone, tuple(map(tuple, json.loads(row.windows))))
        for row in connection.execute(statement)
    ]


def inbox_settings(tx: Tx, inbox_id: str) -> dict[str, Any]:
    """An inbox's settings with its rules, locked. Raises NotFound."""
    statement = select(t.inbox.c.settings).where(t.inbox.c.id == inbox_id)
    stored = tx.connection.execute(statement.with_for_update() if tx.postgres else statement).scalar_one_or_none()
    if stored is None:
        raise NotFound(f"there is no inbox {inbox_id}")
    settings: dict[str, Any] = json.loads(stored)
    return settings


def needs(connection: Connection, conversation_id: str) -> tuple[list[r.Need], list[r.Need]]:
    """(required, preferred) of a conversation, besides its language."""
    c = t.conversation_need.c
    rows = connection.execute(
        select(c.skill, c.level, c.required).where(c.conversation_id == conversation_id).order_by(c.skill)
    ).all()
    return [r.Need(row.skill, row.level) for row in rows if row.required], [
        r.Need(row.skill, row.level) for row in rows if not row.required
    ]


def last_decision(connection: Connection, conversation_id: str) -> tuple[Recorded, AssignmentDecided] | None:
    """The latest decision on who gets a conversation; None where none was ever made."""
    c = t.event.c
    statement = select(*EVENT_COLUMNS).where(c.stream_id == conversation_id, c.kind == AssignmentDecided.__name__)
    row = connection.execute(statement.order_by(c.sequence.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    recorded = recorded_from(row)
    return (recorded, recorded.event) if isinstance(recorded.event, AssignmentDecided) else None


def queues(connection: Connection) -> list[Queue]:
    """Every team's queue now, in the teams' order by name."""
    statement = (
        select(_c.team_id, func.count(), func.min(_c.waiting_since), func.count(func.nullif(_c.offered_to, "")))
        .where(_c.merged_into == "", _c.status == Status.WAITING)
        .group_by(_c.team_id)
    )
    found = {row[0]: Queue(*row) for row in connection.execute(statement)}
    teams = connection.execute(select(t.team.c.id).order_by(t.team.c.name)).scalars()
    return [found.get(team_id, Queue(team_id, 0, 0, 0)) for team_id in teams]


def at_work(connection: Connection) -> list[AtWork]:
    """Everybody of a team who can sign in, by name."""
    a = t.agent.c
    rows = connection.execute(select(a.id, a.name, a.presence_reason, a.presence_since).order_by(a.name)).all()
    having = (
        select(_c.assignee_id, _c.channel, func.count())
        .where(_c.merged_into == "", _c.status == Status.ASSIGNED)
        .group_by(_c.assignee_id, _c.channel)
    )
    open_: dict[str, dict[str, int]] = defaultdict(dict)
    for agent_id, channel, number in connection.execute(having):
        open_[agent_id][channel] = number
    known = {agent.id: agent for agent in routing.agents(connection)}
    return [
        AtWork(
            row.id,
            row.name,
            known[row.id].presence,
            row.presence_reason,
            row.presence_since,
            round(known[row.id].load / r.WHOLE, 3),
            open_.get(row.id, {}),
            tuple(sorted(known[row.id].teams)),
        )
        for row in rows
        if row.id in known
    ]
