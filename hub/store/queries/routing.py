"""What routing is decided from, and what is kept of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, case, cast, delete, func, literal_column, or_, select, text

from hub.domain import routing as r
from hub.domain.conversation import Conversation, Status
from hub.domain.errors import NotFound
from hub.store import tables as t
from hub.store.prepared import Prepared
from hub.store.unit_of_work import Tx

_CHUNK = 50
_c = t.conversation.c
# In the words of the index that has few rows: SQLite takes it for no others, nor for a parameter.
_IS_OFFERED = _c.offered_to != literal_column("''")
# `hub.domain.routing.due`, as SQL knows it.
_by_priority = _c.waiting_since + (r.URGENT - cast(_c.priority, BigInteger)) * r.STEP
_due = case(
    (or_(_c.sla_due_at == 0, _c.sla_due_at >= _by_priority), _by_priority),
    (_c.sla_due_at <= _c.waiting_since, _c.waiting_since),
    else_=_c.sla_due_at,
)
# One decision at a time: two that do not see each other would give the same agent too much.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('routing', 0))")


@dataclass(frozen=True, slots=True)
class Offer:
    """`until` in microseconds."""

    conversation_id: str
    agent_id: str
    until: int


def lock(tx: Tx) -> None:
    """Makes every other decision, and whoever goes away, wait until the end of the transaction (SQLite has one
    writer)."""
    if tx.postgres:
        tx.connection.execute(_LOCK)


def agents(connection: Connection) -> tuple[r.Agent, ...]:
    """Everybody who could be given something, as they are now: those who are away too, without what they carry."""
    a, m, s = t.agent.c, t.team_member.c, t.agent_skill.c
    rows = connection.execute(
        select(a.id, a.presence, a.presence_since, a.capacity, t.agent_turn.c.given_at)
        .join_from(t.agent, t.agent_turn, t.agent_turn.c.agent_id == a.id, isouter=True)
        .where(a.disabled == 0, a.id.in_(select(m.agent_id)))
    ).all()
    teams: dict[str, set[str]] = defaultdict(set)
    for agent_id, team_id in connection.execute(select(m.agent_id, m.team_id)):
        teams[agent_id].add(team_id)
    skills: dict[str, dict[str, int]] = defaultdict(dict)
    for agent_id, skill, level in connection.execute(select(s.agent_id, s.skill, s.level)):
        skills[agent_id][skill] = level
    carried = _carried(connection)
    found = []
    for row in rows:
        capacity = capacity_of(row.capacity)
        load = sum(r.weight(capacity, channel) * number for channel, number in carried.get(row.id, ()))
        idle_since = max(row.presence_since, row.given_at or 0)
        found.append(
            r.Agent(row.id, row.presence, frozenset(teams[row.id]), skills.get(row.id, {}), capacity, load, idle_since)
        )
    return tuple(found)


def capacity_of(stored: str) -> Mapping[str, int]:
    """An agent's own capacity, else the usual one."""
    return json.loads(stored) if stored else r.DEFAULT_CAPACITY


def _carried(connection: Connection) -> Mapping[str, Sequence[tuple[str, int]]]:
    """(channel, how many) of what each agent has and is being offered. What sleeps weighs nothing."""
    having = select(_c.assignee_id, _c.channel, func.count()).where(_c.merged_into == "", _c.status == Status.ASSIGNED)
    offered = select(_c.offered_to, _c.channel, func.count()).where(_IS_OFFERED, _c.merged_into == "")
    carried: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for statement in (having.group_by(_c.assignee_id, _c.channel), offered.group_by(_c.offered_to, _c.channel)):
        for agent_id, channel, number in connection.execute(statement):
            carried[agent_id].append((channel, number))
    return carried


def load_of(connection: Connection, agent_id: str) -> float:
    """The share of what an agent can carry that they carry now, with what they are offered; over 1 where they took
    more themselves."""
    a = t.agent.c
    capacity = capacity_of(connection.execute(select(a.capacity).where(a.id == agent_id)).scalar_one())
    having = select(_c.channel, func.count()).where(_c.assignee_id == agent_id, _c.status == Status.ASSIGNED)
    offered = select(_c.channel, func.count()).where(_IS_OFFERED, _c.offered_to == agent_id)
    carried = [
        *connection.execute(having.where(func.length(_c.merged_into) == 0).group_by(_c.channel)),
        *connection.execute(offered.group_by(_c.channel)),
    ]
    load: int = sum(r.weight(capacity, channel) * number for channel, number in carried)
    return round(load / r.WHOLE, 3)


def rules(connection: Connection) -> Mapping[str, r.TeamRules]:
    """How each team's queue is served."""
    c = t.team.c
    rows = connection.execute(select(c.id, c.choice, c.overflow, c.widening, c.wrap_up))
    return {
        row.id: r.TeamRules(row.choice, overflow(row.overflow), widening(row.widening), row.wrap_up) for row in rows
    }


def rules_of(connection: Connection, team_id: str) -> r.TeamRules:
    """How one team's queue is served. Raises NotFound."""
    found = rules(connection).get(team_id)
    if found is None:
        raise NotFound(f"there is no team {team_id}")
    return found


def overflow(stored: str) -> tuple[r.Overflow, ...]:
    """The teams that help a team out; none where nobody does."""
    return tuple(r.Overflow(each["team"], each["after"]) for each in json.loads(stored)) if stored else ()


def widening(stored: str) -> tuple[r.Widening, ...]:
    """A team's own schedule, else the usual one."""
    if not stored:
        return r.DEFAULT_WIDENING
    return tuple(r.Widening(each["after"], each["lower"], tuple(each["optional"])) for each in json.loads(stored))


def anybody_waits(connection: Connection, inbox_ids: Collection[str]) -> bool:
    """Whether a conversation of these inboxes waits for somebody and is not being offered."""
    return connection.execute(select(_c.id).where(*_waits(inbox_ids)).limit(1)).first() is not None


def _waits(inbox_ids: Collection[str]) -> tuple[Any, ...]:
    return (
        _c.merged_into == "",
        _c.status == Status.WAITING,
        _c.offered_to == "",
        _c.inbox_id.in_(sorted(inbox_ids)),
    )


def waiting(connection: Connection, inbox_ids: Collection[str], only: str = "") -> Iterator[r.Waiting]:
    """What waits in these inboxes and is not being offered, in the queue's order, read as far as it is asked for.

    `only`: nothing but this conversation.
    """
    languages = set(connection.execute(select(t.skill.c.name).where(t.skill.c.kind == "language")).scalars())
    columns = (_c.id, _c.team_id, _c.channel, _c.waiting_since, _c.priority, _c.language, _c.contact_id, _c.sla_due_at)
    statement = select(*columns).where(*_waits(inbox_ids)).order_by(_due, _c.waiting_since, _c.id)
    if only:
        statement = statement.where(_c.id == only)
    for rows in connection.execute(statement).partitions(_CHUNK):
        ids = [row.id for row in rows]
        needs = needs_of(connection, ids)
        passed = _passed(connection, ids)
        known = _last_agents(connection, {row.contact_id for row in rows})
        for row in rows:
            asked, liked = needs.get(row.id, ((), ()))
            if row.language in languages and all(need.skill != row.language for need in asked + liked):
                asked = (r.Need(row.language), *asked)
            yield r.Waiting(
                row.id,
                row.team_id,
                row.channel,
                row.waiting_since,
                row.priority,
                row.sla_due_at,
                required=asked,
                preferred=liked,
                last_agent=known.get(row.contact_id, ""),
                passed=passed.get(row.id, {}),
            )


def needs_of(connection: Connection, ids: Sequence[str]) -> Mapping[str, tuple[tuple[r.Need, ...], tuple[r.Need, ...]]]:
    """(required, preferred) of conversations, besides their languages."""
    c = t.conversation_need.c
    rows = connection.execute(select(t.conversation_need).where(c.conversation_id.in_(ids)).order_by(c.skill))
    found: dict[str, tuple[tuple[r.Need, ...], tuple[r.Need, ...]]] = {}
    for row in rows:
        asked, liked = found.get(row.conversation_id, ((), ()))
        need = (r.Need(row.skill, row.level),)
        found[row.conversation_id] = (asked + need, liked) if row.required else (asked, liked + need)
    return found


def _passed(connection: Connection, ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    c = t.passed.c
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(select(t.passed).where(c.conversation_id.in_(ids))):
        found[row.conversation_id][row.agent_id] = row.until
    return found


def _last_agents(connection: Connection, contact_ids: Collection[str]) -> Mapping[str, str]:
    """Who had each contact last."""
    rows = connection.execute(
        select(_c.contact_id, _c.assignee_id)
        .where(_c.contact_id.in_(sorted(contact_ids)), _c.assignee_id != "")
        .order_by(_c.last_activity_at)
    )
    return {row.contact_id: row.assignee_id for row in rows}


def offers_over(connection: Connection, now: int) -> list[str]:
    """Conversations whose offer nobody answered in time."""
    statement = select(_c.id).where(_IS_OFFERED, _c.offered_until <= now).limit(_CHUNK)
    return list(connection.execute(statement).scalars())


# The sweeper asks many times a second.
_NEXT_OFFER_OVER = Prepared(select(func.min(_c.offered_until)).where(_IS_OFFERED))


def next_offer_over(connection: Connection) -> int | None:
    """When the next offer is over (microseconds); None while there is none."""
    found: int | None = _NEXT_OFFER_OVER.one(connection, {})[0]
    return found


def offers_to(connection: Connection, agent_id: str) -> list[Offer]:
    """What an agent is being offered, the one that ends first first."""
    statement = select(_c.id, _c.offered_to, _c.offered_until).where(_IS_OFFERED, _c.offered_to == agent_id)
    return [Offer(*row) for row in connection.execute(statement.order_by(_c.offered_until, _c.id))]


def place(connection: Connection, conversation: Conversation, furthest: int) -> int:
    """A waiting conversation's place in the order in which its team's queue is given away, 1 = next."""
    since, deadline = conversation.waiting_since, conversation.sla_due_at
    due = r.due(r.Waiting(conversation.id, conversation.team_id, "", since, conversation.priority, deadline))
    sooner = or_(
        _due < due,
        (_due == due) & (_c.waiting_since < conversation.waiting_since),
        (_due == due) & (_c.waiting_since == conversation.waiting_since) & (_c.id < conversation.id),
    )
    waits = (_c.merged_into == "", _c.status == Status.WAITING, _c.team_id == conversation.team_id)
    ahead = select(_c.id).where(*waits, sooner).limit(furthest - 1).subquery()
    return connection.execute(select(func.count()).select_from(ahead)).scalar_one() + 1


_a = t.answered.c
# Every handoff asks: put together once.
_LAST_ANSWERS = Prepared(
    select(_a.waiting_since, _a.at)
    .where(_a.team_id == bindparam("team"))
    .order_by(_a.at.desc(), _a.id.desc())
    .limit(bindparam("most"))
)


def last_answers(connection: Connection, team_id: str, most: int) -> list[tuple[int, int]]:
    """(waiting since, answered at) of the last conversations of a team's queue that somebody got, the oldest first."""
    return _LAST_ANSWERS.all(connection, {"team": team_id, "most": most})[::-1]


def forget_passed(tx: Tx, conversation_id: str) -> None:
    """Somebody has it: who let it pass before does not matter any more."""
    tx.connection.execute(delete(t.passed).where(t.passed.c.conversation_id == conversation_id))
