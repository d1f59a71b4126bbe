"""Routing, as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hub.domain import events as e
from hub.domain import routing as r
from hub.services import routing
from hub.store.queries import people, staffing
from hub.web import schemas as s
from hub.web import schemas_conversations as sc
from hub.web.render import time


def _time_or_none(at: int) -> datetime | None:
    return time(at) if at else None


def team_rules(found: r.TeamRules) -> s.TeamRulesIn:
    return s.TeamRulesIn.model_validate(
        {
            "choice": found.choice,
            "overflow": [{"team_id": each.team, "after_seconds": each.after // r.SECOND} for each in found.overflow],
            "wrap_up_seconds": found.wrap_up // r.SECOND,
            "widening": [
                {"after_seconds": step.after // r.SECOND, "lower": step.lower, "optional": list(step.optional)}
                for step in found.widening
            ],
        }
    )


def rules_from(given: s.TeamRulesIn) -> r.TeamRules:
    """The inverse of `team_rules`."""
    return r.TeamRules(
        given.choice,
        tuple(r.Overflow(each.team_id, each.after_seconds * r.SECOND) for each in given.overflow),
        tuple(r.Widening(step.after_seconds * r.SECOND, step.lower, tuple(step.optional)) for step in given.widening),
        given.wrap_up_seconds * r.SECOND,
    )


def team(found: people.Team) -> s.TeamOut:
    return s.TeamOut.model_validate({"id": found.id, "name": found.name, "tier": found.tier})


def presence(found: staffing.Presence, load: float) -> s.PresenceOut:
    return s.PresenceOut.model_validate(
        {
            "presence": found.presence,
            "reason": found.reason,
            "since": _time_or_none(found.since),
            "until": _time_or_none(found.until),
            "load": load,
        }
    )


def reason(found: staffing.Reason) -> s.ReasonOut:
    return s.ReasonOut.model_validate({name: getattr(found, name) for name in s.ReasonOut.model_fields})


def need(found: r.Need) -> sc.NeedShape:
    return sc.NeedShape(skill=found.skill, level=found.level)


def wait(found: routing.Wait | None) -> sc.WaitOut | None:
    if found is None:
        return None
    estimate = None if found.estimate is None else found.estimate // r.SECOND
    return sc.WaitOut(place=found.place, estimate_seconds=estimate)


def decision(recorded: e.Recorded, decided: e.AssignmentDecided, names: Mapping[str, str]) -> sc.DecisionOut:
    def agent_ref(agent_id: str) -> sc.AgentRef:
        return sc.AgentRef(id=agent_id, name=names.get(agent_id, ""))

    points = ("score", "own_team", "knows_them", "preferred", "spared", "turn")
    asked = (each.rpartition("|") for each in decided.required)
    turned_away = (each.rpartition("|") for each in decided.turned_away)
    return sc.DecisionOut(
        at=time(recorded.at),
        agent=agent_ref(decided.agent_id),
        eligible=decided.eligible,
        candidates=[
            sc.CandidateOut(agent=agent_ref(each.agent_id), **{name: getattr(each, name) for name in points})
            for each in decided.candidates
        ],
        turned_away={reason: int(number) for reason, _, number in turned_away},
        required=[sc.NeedShape(skill=skill, level=int(level)) for skill, _, level in asked],
    )


def queue(found: staffing.Queue, of: people.Team) -> sc.QueueOut:
    return sc.QueueOut.model_validate(
        {
            "team": {"id": of.id, "name": of.name, "tier": of.tier},
            "waiting": found.waiting,
            "oldest_since": _time_or_none(found.oldest),
            "offered": found.offered,
        }
    )


def at_work(found: staffing.AtWork) -> sc.AtWorkOut:
    return sc.AtWorkOut.model_validate(
        {
            "agent": {"id": found.agent_id, "name": found.name},
            "presence": found.presence,
            "reason": found.reason,
            "since": _time_or_none(found.since),
            "load": found.load,
            "open": dict(found.open),
            "team_ids": list(found.team_ids),
        }
    )
