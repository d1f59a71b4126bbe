"""Teams and the people who sign in.

Whoever is new gets a link by which they choose their password; so does whoever has forgotten theirs. The link rests
nowhere: it is signed with the installation's key over the password that it replaces, so that it is good once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hmac import compare_digest
from hmac import digest as hmac_digest

from hub.domain.errors import NotSignedIn, Refused
from hub.domain.permissions import ROLES
from hub.services import presence
from hub.store import tables as t
from hub.store.queries import people
from hub.store.unit_of_work import Reading, Tx

TIERS = ("1", "2", "vendor")
LEADS = frozenset({"team_lead", "supervisor", "administrator"})
INVITED_FOR = 3 * 24 * 3_600_000_000

Derive = Callable[[str], bytes]


def create_team(tx: Tx, name: str, tier: str = "1") -> str:
    """A new team. Returns its id. Raises Refused for an unknown tier or a name that is taken."""
    team_id = tx.new_id()
    tx.add(t.team, {"id": team_id, **_team_values(tx, "", name, tier)})
    return team_id


def change_team(tx: Tx, team_id: str, name: str, tier: str, lead_ids: Sequence[str]) -> None:
    """What a team is called, which tier it is and who of it leads it.

    Raises:
        NotFound: no such team.
        Refused: an unknown tier, a name that is taken, or a lead who is not of the team or whose role may not lead.
    """
    people.team(tx.connection, team_id)
    values = _team_values(tx, team_id, name, tier)
    members = {agent.id: agent for agent in people.agents(tx.connection) if team_id in agent.team_ids}
    for each in lead_ids:
        if each not in members or members[each].role not in LEADS:
            raise Refused("lead_ids", f"must be people of the team whose role is one of {', '.join(sorted(LEADS))}")
    tx.change(t.team, {"id": team_id}, values)
    tx.change(t.team_member, {"team_id": team_id}, {"lead": 0})
    for each in dict.fromkeys(lead_ids):
        tx.change(t.team_member, {"team_id": team_id, "agent_id": each}, {"lead": 1})


def _team_values(tx: Tx, team_id: str, name: str, tier: str) -> dict[str, str]:
    name = name.strip()
    if not name:
        raise Refused("name", "must not be empty")
    if tier not in TIERS:
        raise Refused("tier", f"must be one of {', '.join(TIERS)}")
    if any(team.name == name and team.id != team_id for team in people.teams(tx.connection)):
        raise Refused("name", "must not be another team's")
    return {"name": name, "tier": tier}


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
    values = _agent_values(tx, "", name, email, role, language)
    agent_id = tx.new_id()
    tx.add(t.agent, {"id": agent_id, **values, "password_hash": password_hash})
    for team_id in dict.fromkeys(team_ids):
        if not people.team_exists(tx.connection, team_id):
            raise Refused("team_ids", "must be teams")
        tx.add(t.team_member, {"team_id": team_id, "agent_id": agent_id})
    return agent_id


def change_agent(tx: Tx, agent_id: str, *, name: str, email: str, role: str, language: str, disabled: bool) -> None:
    """Changes who somebody is and what they may do. Whoever is disabled is signed out at once.

    Raises:
        NotFound: no such agent.
        Refused: as `create_agent`; or nobody would be left who is an administrator.
    """
    before = people.person(tx.connection, agent_id)
    values = _agent_values(tx, agent_id, name, email, role, language)
    stays = role == "administrator" and not disabled
    if not stays and people.administrators(tx) <= {agent_id}:
        raise Refused("disabled" if disabled else "role", "must leave somebody who is an administrator")
    tx.change(t.agent, {"id": agent_id}, values)
    if role not in LEADS:
        tx.change(t.team_member, {"agent_id": agent_id}, {"lead": 0})
    if disabled and not before.disabled:
        disable(tx, agent_id)
    elif not disabled and before.disabled:
        tx.change(t.agent, {"id": agent_id}, {"disabled": 0})


def _agent_values(tx: Tx, agent_id: str, name: str, email: str, role: str, language: str) -> dict[str, str]:
    if not name.strip():
        raise Refused("name", "must not be empty")
    if role not in ROLES:
        raise Refused("role", f"must be one of {', '.join(ROLES)}")
    email = email.strip().lower()
    known = people.credentials(tx.connection, email)
    if known is not None and known.agent_id != agent_id:
        raise Refused("email", "must not be another agent's")
    return {"name": name.strip(), "email": email, "role": role, "language": language}


def invitation(connection: Reading, derive: Derive, agent_id: str, now: int) -> tuple[str, int]:
    """(token, until) with which somebody chooses a password: until that time (microseconds), once.

    Raises NotFound, and Refused for somebody who is disabled.
    """
    if people.person(connection, agent_id).disabled:
        raise Refused("agent_id", "must not be disabled")
    until = now + INVITED_FOR
    return f"{agent_id}.{until}.{_signature(connection, derive, agent_id, until)}", until


def invited(connection: Reading, derive: Derive, token: str, now: int) -> str:
    """Who was invited with a token. Raises NotSignedIn where it is none, was used, or is too old."""
    agent_id, _, rest = token.partition(".")
    until, _, signature = rest.partition(".")
    good = until.isascii() and until.isdigit() and len(until) < 20 and int(until) > now
    if not good or not people.may_sign_in(connection, agent_id):
        raise NotSignedIn("the invitation is not good any more")
    if not compare_digest(signature.encode(), _signature(connection, derive, agent_id, int(until)).encode()):
        raise NotSignedIn("the invitation is not good any more")
    return agent_id


def _signature(connection: Reading, derive: Derive, agent_id: str, until: int) -> str:
    """Over the password that rests there now: once it is another, nothing that was signed before is good."""
    replaced = people.password_hash(connection, agent_id)
    return hmac_digest(derive("invitations"), f"{agent_id}.{until}.{replaced}".encode(), "sha256").hex()


def accept_invitation(tx: Tx, derive: Derive, token: str, password_hash: str) -> str:
    """Sets the password of whoever was invited. Returns their id. Raises what `invited` raises."""
    agent_id = invited(tx.connection, derive, token, tx.now)
    people.lock(tx, agent_id)
    invited(tx.connection, derive, token, tx.now)
    set_password(tx, agent_id, password_hash)
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
