"""Changes tried out before they are made, what tomorrow is likely to bring, and how many people a queue needs."""

from __future__ import annotations

from collections.abc import Mapping

from hub.domain import rehearsal as d
from hub.domain import routing as r
from hub.domain import staffing as erlang
from hub.services import rehearsal
from hub.store.queries import people
from hub.web import routing_render
from hub.web import schemas_conversations as s
from hub.web import schemas_rehearsal as sr
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_hub
from hub.web.render import time

blueprint = api_blueprint("rehearsal", __name__, "Routing")


@blueprint.post("/routing/dry-run")
@needs("edit_routing")
@blueprint.output(sr.DryRunOut)
@blueprint.input(sr.DryRunIn)
def dry_run(json_data: sr.DryRunIn) -> sr.DryRunOut:
    """What changed rules, skills or capacities would have made of the last conversations

    Nothing is written.
    """
    given = json_data
    with the_hub().store.read() as connection:
        target = round(given.target_seconds * r.SECOND)
        found = rehearsal.dry_run(connection, _changed(given.change), last=given.last, target=target)
        named = {one.agent_id for each in found.moved for one in (each.happened, each.as_now, each.changed)}
        names = people.names(connection, agents=(named | found.got.keys()) - {""})
    return sr.DryRunOut(
        happened=_figures(found.happened),
        as_now=_figures(found.as_now),
        changed=_figures(found.changed),
        differ=found.differ,
        moved=[
            sr.MovedOut(
                conversation_id=each.conversation_id,
                ticket_number=each.ticket_number,
                happened=_outcome(each.happened, names),
                as_now=_outcome(each.as_now, names),
                changed=_outcome(each.changed, names),
            )
            for each in found.moved
        ],
        got=[
            sr.GotOut(agent=s.AgentRef(id=agent_id, name=names.get(agent_id, "")), as_now=now, changed=then)
            for agent_id, (now, then) in sorted(found.got.items(), key=lambda each: names.get(each[0], ""))
        ],
    )


@blueprint.post("/routing/forecast")
@needs("edit_routing")
@blueprint.output(sr.ForecastOut)
@blueprint.input(sr.ForecastIn)
def forecast(json_data: sr.ForecastIn) -> sr.ForecastOut:
    """What a day is likely to bring, as things are and as they would be

    Played with the rules that decide in earnest, on arrivals drawn from the same weekday of the last four weeks.
    """
    given, hub = json_data, the_hub()
    with hub.store.read() as connection:
        found = rehearsal.forecast(
            connection,
            _changed(given.change),
            day=given.day,
            zone=given.zone,
            target=round(given.target_seconds * r.SECOND),
            runs=given.runs,
            service_level=given.service_level,
            now=hub.clock.now(),
        )
        teams = {each.id: routing_render.team(each) for each in people.teams(connection)}
    return sr.ForecastOut(
        day=found.day,
        days=found.days,
        runs=found.runs,
        arrivals=found.arrivals,
        handling_seconds=found.handling / r.SECOND,
        patience_seconds=found.patience / r.SECOND if found.patience else None,
        staffed_by=found.staffed_by,  # type: ignore[arg-type]  # pydantic checks it
        as_now=_figures(found.as_now),
        changed=_figures(found.changed),
        stretches=[
            sr.StretchOut(
                begin=time(each.begin),
                team=teams[each.team_id],
                arrivals=each.arrivals,
                there=each.there,
                needed=each.needed,
                as_now=_figures(each.as_now),
                changed=_figures(each.changed),
            )
            for each in found.stretches
            if each.team_id in teams
        ],
    )


@blueprint.post("/staffing")
@needs("read_floor")
@blueprint.output(sr.StaffingOut)
@blueprint.input(sr.StaffingIn)
def staffing(json_data: sr.StaffingIn) -> sr.StaffingOut:
    """How many people a queue needs, by Erlang A"""
    given = json_data
    found = erlang.plan(
        given.customers / (given.minutes * 60),
        given.handling_seconds,
        given.patience_seconds,
        given.target_seconds,
        given.service_level,
        most_abandoned=given.most_abandoned,
        most_occupancy=given.most_occupancy,
    )
    return sr.StaffingOut(
        erlangs=found.erlangs,
        needed=found.needed,
        without_patience=found.without_patience,
        around=[
            sr.OutlookOut(
                agents=agents,
                waits=outlook.waits,
                service_level=outlook.service_level,
                abandoned=outlook.abandoned,
                mean_wait=outlook.mean_wait,
                occupancy=outlook.occupancy,
            )
            for agents, outlook in found.around
        ],
    )


def _changed(given: sr.ChangeIn) -> rehearsal.Changed:
    return rehearsal.Changed(
        {team_id: routing_render.rules_from(each) for team_id, each in given.teams.items()},
        {
            agent_id: rehearsal.Member(
                each.skills, each.capacity, None if each.team_ids is None else tuple(each.team_ids)
            )
            for agent_id, each in given.agents.items()
        },
    )


def _figures(found: d.Figures) -> sr.ServedOut:
    return sr.ServedOut.model_validate({name: getattr(found, name) for name in sr.ServedOut.model_fields})


def _outcome(found: d.Outcome, names: Mapping[str, str]) -> sr.PlayedOut:
    agent = s.AgentRef(id=found.agent_id, name=names.get(found.agent_id, "")) if found.agent_id else None
    return sr.PlayedOut(agent=agent, wait=None if found.wait < 0 else found.wait / r.SECOND)
