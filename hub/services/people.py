"""Teams and the people who sign in."""

from __future__ import annotations

from hub.domain.errors import Refused
from hub.domain.permissions import ROLES
from hub.services import presence
from hub.store import tables as t
from hub.store.queries import people
from hub.store.unit_of_work import Tx

TIERS = ("1", "2", "vendor")


def create_team(tx: Tx, name: str, tier: str = "1") -> str:
    """A new team. Returns its id. Raises Refused for an unknown tier or a name that is taken."""
    if tier not in TIERS:
        raise Refused("tier", f"must be one of {', '.join(TIERS)}")
    if any(team.name == name for team in people.teams(tx.connection)):
        raise Refused("name", "must not be another team's")
    team_id = tx.new_id()
    tx.add(t.team, {"id": team_id, "name": name, "tier": tier})
    return team_id


def create_agent(
    tx: Tx, *, name: str, email: str, role: str, language: str, password_hash: str, team_ids: tuple[str, ...] = ()
) -> str:
    """Somebody new who signs in. Returns their id.

    Args:
        name: as others see it.
        email: what they sign in with.
        role: one of `ROLES`.
        language: ISO 639-1, of their screens.
        password_hash: of `sign_in.hash_password`, which is too slow for a transaction.
        team_ids: the teams they work in.

    Raises:
        Refused: an unknown role, or an e-mail address that somebody has already.
    """
    if role not in ROLES:
        raise Refused("role", f"must be one of {', '.join(ROLES)}")
    email = email.strip().lower()
    if people.credentials(tx.connection, email) is not None:
        raise Refused("email", "must not be another agent's")
    agent_id = tx.new_id()
    tx.add(
        t.agent,
        {
            "id": agent_id,
            "name": name,
            "email": email,
            "role": role,
            "language": language,
            "password_hash": password_hash,
        },
    )
    for team_id in dict.fromkeys(team_ids):
        tx.add(t.team_member, {"team_id": team_id, "agent_id": agent_id})
    return agent_id


def set_password(tx: Tx, agent_id: str, password_hash: str) -> None:
    """Changes a password and ends the agent's sessions: whoever knew the old one is out."""
    tx.change(t.agent, {"id": agent_id}, {"password_hash": password_hash})
    tx.remove(t.sign_in_session, {"agent_id": agent_id})


def disable(tx: Tx, agent_id: str) -> None:
    """Ends an agent's sessions at once and lets them sign in no more. What they did stays theirs."""
    tx.change(t.agent, {"id": agent_id}, {"disabled": 1})
    tx.remove(t.sign_in_session, {"agent_id": agent_id})
    presence.set_presence(tx, agent_id, "offline", "disabled")
