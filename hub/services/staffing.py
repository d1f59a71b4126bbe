"""Who can do what, how much at once, and how queues are served. Each verb raises Refused with field and rule."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

from hub.domain import hours
from hub.domain import routing as r
from hub.domain.errors import NotFound, Refused
from hub.domain.inbox import ROUTING_MODES
from hub.domain.presence import PRESENCES
from hub.services import routing
from hub.store import tables as t
from hub.store.queries import people, staffing
from hub.store.unit_of_work import Tx

SKILL_KINDS = ("topic", "language")
LONGEST_WRAP_UP = 60 * r.MINUTE


def set_skill(tx: Tx, name: str, kind: str) -> None:
    """A skill of the house. Conversations in a language that is one are answered by whoever has it."""
    if kind not in SKILL_KINDS:
        raise Refused("kind", f"must be one of {', '.join(SKILL_KINDS)}")
    tx.upsert(t.skill, {"name": name}, {"kind": kind})


def remove_skill(tx: Tx, name: str) -> None:
    """Takes a skill away, from agents and conversations too. Raises NotFound."""
    if not tx.remove(t.skill, {"name": name}):
        raise NotFound(f"there is no skill {name}")


def set_agent(
    tx: Tx, agent_id: str, *, skills: Mapping[str, int], capacity: Mapping[str, int] | None, team_ids: Sequence[str]
) -> None:
    """What an agent can do, how many of each channel's conversations at once (None: the usual), and their teams.

    Raises NotFound for an unknown agent.
    """
    people.agent(tx.connection, agent_id)
    _require_skills(tx, skills)
    if capacity is not None:
        r.check_capacity(capacity)
    if any(not people.team_exists(tx.connection, each) for each in team_ids):
        raise Refused("team_ids", "must be teams")
    routing.lock(tx)
    tx.change(t.agent, {"id": agent_id}, {"capacity": "" if capacity is None else json.dumps(dict(capacity))})
    tx.remove(t.agent_skill, {"agent_id": agent_id})
    for name, level in skills.items():
        tx.add(t.agent_skill, {"agent_id": agent_id, "skill": name, "level": level})
    leads = staffing.leads(tx.connection, agent_id)
    tx.remove(t.team_member, {"agent_id": agent_id})
    for team_id in dict.fromkeys(team_ids):
        tx.add(t.team_member, {"team_id": team_id, "agent_id": agent_id, "lead": int(team_id in leads)})


def set_team(tx: Tx, team_id: str, rules: r.TeamRules) -> None:
    """How a team's queue is served. Raises NotFound for an unknown team."""
    if not people.team_exists(tx.connection, team_id):
        raise NotFound(f"there is no team {team_id}")
    if rules.choice not in r.CHOICES:
        raise Refused("choice", f"must be one of {', '.join(r.CHOICES)}")
    helpers = [each.team for each in rules.overflow]
    if any(each == team_id or not people.team_exists(tx.connection, each) for each in helpers):
        raise Refused("overflow", "must be other teams")
    if len(set(helpers)) < len(helpers) or any(each.after < 0 for each in rules.overflow):
        raise Refused("overflow", "must have each team once, after a time that is not negative")
    if not 0 <= rules.wrap_up <= LONGEST_WRAP_UP:
        raise Refused("wrap_up_seconds", "must be from 0 to an hour")
    r.check_widening(rules.widening)
    for step in rules.widening:
        _require_skills(tx, dict.fromkeys(step.optional, 1), "widening")
    steps = [{"after": each.after, "lower": each.lower, "optional": list(each.optional)} for each in rules.widening]
    tx.change(
        t.team,
        {"id": team_id},
        {
            "choice": rules.choice,
            "overflow": json.dumps([{"team": each.team, "after": each.after} for each in rules.overflow]),
            "widening": json.dumps(steps),
            "wrap_up": rules.wrap_up,
        },
    )


def set_mode(tx: Tx, inbox_id: str, mode: str) -> None:
    """How what waits in an inbox finds somebody. Raises NotFound for an unknown inbox."""
    if mode not in ROUTING_MODES:
        raise Refused("mode", f"must be one of {', '.join(ROUTING_MODES)}")
    settings = staffing.inbox_settings(tx, inbox_id)
    settings["rules"] = {**settings.get("rules", {}), "routing": mode}
    tx.change(t.inbox, {"id": inbox_id}, {"settings": json.dumps(settings)})


def set_shift(tx: Tx, agent_id: str, day: date, zone: str, windows: Sequence[Sequence[str]]) -> None:
    """When an agent works on a date, as windows of the clock of a time zone; without any they do not work.

    Raises Refused for a time zone or windows that are none, NotFound for an unknown agent.
    """
    people.agent(tx.connection, agent_id)
    hours.from_data({"zone": zone, "week": [windows] * 7})
    keys = {"agent_id": agent_id, "day": day.isoformat()}
    if windows:
        tx.upsert(t.shift, keys, {"zone": zone, "windows": json.dumps([list(each) for each in windows])})
    else:
        tx.remove(t.shift, keys)


def set_needs(tx: Tx, conversation_id: str, required: Sequence[r.Need], preferred: Sequence[r.Need]) -> None:
    """What a conversation asks for besides its language. Raises NotFound for an unknown conversation."""
    tx.conversation(conversation_id)
    for field, needs in (("required", required), ("preferred", preferred)):
        _require_skills(tx, {need.skill: need.level for need in needs}, field)
    names = [need.skill for need in (*required, *preferred)]
    if len(set(names)) < len(names):
        raise Refused("preferred", "must name no skill twice")
    tx.remove(t.conversation_need, {"conversation_id": conversation_id})
    for is_required, needs in ((1, required), (0, preferred)):
        for need in needs:
            values = {"conversation_id": conversation_id, "skill": need.skill, "level": need.level}
            tx.add(t.conversation_need, values | {"required": is_required})


def set_reason(tx: Tx, code: str, presence: str, names: Mapping[str, str], position: int) -> None:
    """A reason that agents may give for a presence. `names` by language, `en` and `es`."""
    if presence not in PRESENCES or presence == "offline":
        raise Refused("presence", f"must be one of {', '.join(each for each in PRESENCES if each != 'offline')}")
    values = {"presence": presence, "name_en": names["en"], "name_es": names["es"], "position": position}
    tx.upsert(t.presence_reason, {"code": code}, values)


def remove_reason(tx: Tx, code: str) -> None:
    """Raises NotFound. What was said with it stays in the log."""
    if not tx.remove(t.presence_reason, {"code": code}):
        raise NotFound(f"there is no reason {code}")


def _require_skills(tx: Tx, wanted: Mapping[str, int], field: str = "skills") -> None:
    known = {skill.name for skill in staffing.skills(tx.connection)}
    for name, level in wanted.items():
        if name not in known:
            raise Refused(field, f"{name} is not a skill of the house")
        if not r.LOWEST_LEVEL <= level <= r.HIGHEST_LEVEL:
            raise Refused(field, f"must have levels from {r.LOWEST_LEVEL} to {r.HIGHEST_LEVEL}")
