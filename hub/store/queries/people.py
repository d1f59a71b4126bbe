"""Agents, their teams and their sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, select

from hub.domain.errors import NotFound
from hub.store import tables as t
from hub.store.prepared import Among
from hub.store.unit_of_work import Tx


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who signs in. `team_ids` are in the teams' order of age."""

    id: str
    name: str
    email: str
    role: str
    language: str
    presence: str
    team_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Person(Agent):
    """An agent as administrators see them. `invited`: they have not chosen a password yet."""

    disabled: bool = False
    invited: bool = False


@dataclass(frozen=True, slots=True)
class Team:
    id: str
    name: str
    tier: str


@dataclass(frozen=True, slots=True)
class TeamMembers:
    """Who is of a team, by name, and who of them leads it."""

    member_ids: tuple[str, ...]
    lead_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is checked against."""

    agent_id: str
    password_hash: str
    disabled: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that is still good, with what every request of it needs. Times in microseconds."""

    id: str
    agent_id: str
    role: str
    language: str
    csrf_token: str
    created_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often a sign-in failed since a time (microseconds)."""

    tries: int
    since: int


_AGENT = (t.agent.c.id, t.agent.c.name, t.agent.c.email, t.agent.c.role, t.agent.c.language, t.agent.c.presence)


def agents(connection: Connection) -> tuple[Agent, ...]:
    """Everybody who can sign in, by name."""
    return _agents(connection, select(*_AGENT).where(t.agent.c.disabled == 0).order_by(t.agent.c.name, t.agent.c.id))


def agent(connection: Connection, agent_id: str) -> Agent:
    """Raises NotFound."""
    found = _agents(connection, select(*_AGENT).where(t.agent.c.id == agent_id))
    if not found:
        raise NotFound(f"there is no agent {agent_id}")
    return found[0]


def _agents(connection: Connection, statement: Select[Any]) -> tuple[Agent, ...]:
    rows = connection.execute(statement).all()
    member = t.team_member.c
    memberships = connection.execute(
        select(member.agent_id, member.team_id)
        .where(member.agent_id.in_([row.id for row in rows]))
        .order_by(member.team_id)
    ).all()
    teams_of: dict[str, list[str]] = {}
    for agent_id, team_id in memberships:
        teams_of.setdefault(agent_id, []).append(team_id)
    return tuple(
        Agent(row.id, row.name, row.email, row.role, row.language, row.presence, tuple(teams_of.get(row.id, ())))
        for row in rows
    )


def is_active_agent(connection: Connection, agent_id: str) -> bool:
    """Whether this agent is there and can sign in."""
    statement = select(t.agent.c.id).where(t.agent.c.id == agent_id, t.agent.c.disabled == 0)
    return connection.execute(statement).first() is not None


def teams(connection: Connection) -> tuple[Team, ...]:
    """All teams, by name."""
    c = t.team.c
    return tuple(Team(*row) for row in connection.execute(select(c.id, c.name, c.tier).order_by(c.name)))


def people(connection: Connection) -> tuple[Person, ...]:
    """Everybody, also those who were disabled, by name."""
    a = t.agent.c
    known = {each.id: each for each in _agents(connection, select(*_AGENT))}
    rows = connection.execute(select(a.id, a.disabled, a.password_hash).order_by(a.disabled, a.name, a.id))
    return tuple(
        Person(**asdict(known[row.id]), disabled=bool(row.disabled), invited=not row.password_hash) for row in rows
    )


def person(connection: Connection, agent_id: str) -> Person:
    """Raises NotFound."""
    found = next((each for each in people(connection) if each.id == agent_id), None)
    if found is None:
        raise NotFound(f"there is no agent {agent_id}")
    return found


def administrators(tx: Tx) -> set[str]:
    """Who may change everything, locked until the end of the transaction: two may not take each other's role away."""
    a = t.agent.c
    statement = select(a.id).where(a.role == "administrator", a.disabled == 0).order_by(a.id)
    return set(tx.connection.execute(statement.with_for_update() if tx.postgres else statement).scalars())


def may_sign_in(connection: Connection, agent_id: str) -> bool:
    """Whether there is such an agent, and they were not disabled."""
    a = t.agent.c
    return connection.execute(select(a.id).where(a.id == agent_id, a.disabled == 0)).first() is not None


def password_hash(connection: Connection, agent_id: str) -> str:
    """As it rests; empty for whoever has not chosen a password yet."""
    statement = select(t.agent.c.password_hash).where(t.agent.c.id == agent_id)
    found: str = connection.execute(statement).scalar_one()
    return found


def lock(tx: Tx, agent_id: str) -> None:
    """Nobody else changes an agent until the end of the transaction (SQLite has one writer)."""
    if tx.postgres:
        tx.connection.execute(select(t.agent.c.id).where(t.agent.c.id == agent_id).with_for_update())


def team(connection: Connection, team_id: str) -> Team:
    """Raises NotFound."""
    found = next((each for each in teams(connection) if each.id == team_id), None)
    if found is None:
        raise NotFound(f"there is no team {team_id}")
    return found


def members(connection: Connection, team_id: str) -> TeamMembers:
    """Of those who can sign in."""
    a, m = t.agent.c, t.team_member.c
    statement = (
        select(a.id, m.lead).join(t.team_member, m.agent_id == a.id).where(m.team_id == team_id, a.disabled == 0)
    )
    rows = connection.execute(statement.order_by(a.name, a.id)).all()
    return TeamMembers(tuple(row.id for row in rows), tuple(row.id for row in rows if row.lead))


def team_exists(connection: Connection, team_id: str) -> bool:
    return connection.execute(select(t.team.c.id).where(t.team.c.id == team_id)).first() is not None


def _name_of(table: Table) -> Among:
    return Among(lambda keys: select(table.c.id, table.c.name).where(table.c.id.in_(keys)))


_NAMES = tuple(_name_of(table) for table in (t.agent, t.contact, t.vendor))


def names(
    connection: Connection, *, agents: Iterable[str] = (), contacts: Iterable[str] = (), vendors: Iterable[str] = ()
) -> Mapping[str, str]:
    """Names by id, of agents, contacts and outside firms alike (their identifiers never meet)."""
    found: dict[str, str] = {}
    for which, ids in zip(_NAMES, (agents, contacts, vendors), strict=True):
        found.update((row[0], row[1]) for row in which.all(connection, sorted(set(ids))))
    return found


def counters(connection: Connection, names: Sequence[str]) -> Mapping[str, int]:
    """The badges' maintained counts, their shards added up; 0 for one that never counted anything."""
    c = t.counter.c
    found = dict.fromkeys(names, 0)
    # A primary-key range for each name: at most 16 short rows, whatever the size of the queue.
    for row in connection.execute(select(c.name, c.value).where(c.name.in_(names))):
        found[row.name] += row.value
    return found


def credentials(connection: Connection, email: str) -> Credentials | None:
    """Those of the agent with this address (lower case); None where there is none."""
    c = t.agent.c
    row = connection.execute(select(c.id, c.password_hash, c.disabled).where(c.email == email)).one_or_none()
    return Credentials(row.id, row.password_hash, bool(row.disabled)) if row else None


def session(connection: Connection, session_id: str, now: int) -> Session | None:
    """The session, unless it has expired or its agent was disabled."""
    s, a = t.sign_in_session.c, t.agent.c
    row = connection.execute(
        select(s.id, s.agent_id, a.role, a.language, s.csrf_token, s.created_at, s.expires_at)
        .join(t.agent, a.id == s.agent_id)
        .where(s.id == session_id, s.expires_at > now, a.disabled == 0)
    ).one_or_none()
    return Session(*row) if row else None


def attempts(tx: Tx, attempt_id: str) -> Attempts | None:
    """The failed sign-ins under this key, locked until the end of the transaction; None where there are none."""
    c = t.sign_in_attempt.c
    statement = select(c.tries, c.since).where(c.id == attempt_id)
    if tx.postgres:
        statement = statement.with_for_update()
    row = tx.connection.execute(statement).one_or_none()
    return Attempts(*row) if row else None


def forget_attempts(tx: Tx, before: int) -> None:
    """Deletes the failed sign-ins of windows that began before a time (microseconds)."""
    tx.connection.execute(delete(t.sign_in_attempt).where(t.sign_in_attempt.c.since < before))


def forget_sessions(tx: Tx) -> None:
    """Deletes the sessions that have expired."""
    tx.connection.execute(delete(t.sign_in_session).where(t.sign_in_session.c.expires_at <= tx.now))


def has_session(tx: Tx, agent_id: str) -> bool:
    """Whether an agent is signed in anywhere."""
    s = t.sign_in_session.c
    statement = select(s.id).where(s.agent_id == agent_id, s.expires_at > tx.now).limit(1)
    return tx.connection.execute(statement).first() is not None
