"""Signing in, and the people and places that every screen needs to name."""

from __future__ import annotations

from flask import Response, jsonify

from hub.domain.permissions import may
from hub.services import presence, sign_in
from hub.store.queries import inboxes as inbox_queries
from hub.store.queries import listening, people, sources
from hub.web import render
from hub.web import schemas as s
from hub.web.auth import PUBLIC, SIGNED_IN, api_blueprint, clear_cookie, needs, set_cookie
from hub.web.context import caller_address, the_hub, the_session

blueprint = api_blueprint("people", __name__, "People")


@blueprint.post("/session")
@needs(PUBLIC)
@blueprint.output(s.SessionOut)
@blueprint.input(s.SignIn)
def begin_session(json_data: s.SignIn) -> Response:
    """Sign in

    The answer sets the session's cookie.
    """
    hub = the_hub()
    signed_in = sign_in.sign_in(hub.store, json_data.email, json_data.password, caller_address())
    response = jsonify(_session(signed_in.agent_id, signed_in.csrf_token).model_dump(mode="json"))
    set_cookie(response, hub, signed_in)
    return response


@blueprint.get("/session")
@needs(SIGNED_IN)
@blueprint.output(s.SessionOut)
def session() -> s.SessionOut:
    """Who is signed in"""
    current = the_session()
    return _session(current.agent_id, current.csrf_token)


def _session(agent_id: str, csrf_token: str) -> s.SessionOut:
    with the_hub().store.read() as connection:
        return s.SessionOut(agent=render.agent(people.agent(connection, agent_id)), csrf_token=csrf_token)


@blueprint.delete("/session")
@needs(SIGNED_IN)
@blueprint.output(s.Done)
def end_session() -> Response:
    """Sign out"""
    hub, current = the_hub(), the_session()
    hub.store.write(lambda tx: sign_in.sign_out(tx, current))
    response = jsonify(s.Done().model_dump())
    clear_cookie(response, hub)
    return response


@blueprint.put("/presence")
@needs(SIGNED_IN)
@blueprint.output(s.AgentOut)
@blueprint.input(s.PresenceIn)
def set_presence(json_data: s.PresenceIn) -> s.AgentOut:
    """Say whether you are there"""
    hub, agent_id = the_hub(), the_session().agent_id
    hub.store.write(lambda tx: presence.set_presence(tx, agent_id, json_data.presence, json_data.reason))
    with hub.store.read() as connection:
        return render.agent(people.agent(connection, agent_id))


@blueprint.get("/agents")
@needs(SIGNED_IN)
@blueprint.output(s.Agents)
def agents() -> s.Agents:
    """Everybody who can sign in"""
    with the_hub().store.read() as connection:
        return s.Agents(items=[render.agent(each) for each in people.agents(connection)])


@blueprint.get("/teams")
@needs(SIGNED_IN)
@blueprint.output(s.Teams)
def teams() -> s.Teams:
    """All teams"""
    with the_hub().store.read() as connection:
        return s.Teams.model_validate(
            {"items": [{"id": each.id, "name": each.name, "tier": each.tier} for each in people.teams(connection)]}
        )


@blueprint.get("/inboxes")
@needs(SIGNED_IN)
@blueprint.output(s.Inboxes)
def inboxes() -> s.Inboxes:
    """All inboxes

    Those who look after them also see how listening for each of them goes, and how much was held back.
    """
    hub, role = the_hub(), the_session().role
    with hub.store.read() as connection:
        states = listening.states(connection, hub.clock.now()) if may(role, "read_health") else ()
        counts = sources.held_back_counts(connection) if may(role, "read_sources") else None
        found = inbox_queries.every(connection)
    listeners = {each.inbox_id: each for each in states}
    return s.Inboxes(
        items=[
            render.inbox_state(each, listeners.get(each.id), None if counts is None else counts.get(each.id, 0))
            for each in found
        ]
    )


@blueprint.get("/counters")
@needs("read_conversations")
@blueprint.output(s.Counters)
def counters() -> s.Counters:
    """The badges' counts"""
    mine, helping = f"assigned:{the_session().agent_id}", f"helping:{the_session().agent_id}"
    with the_hub().store.read() as connection:
        teams = {f"waiting:{team.id}": team.id for team in people.teams(connection)}
        found = people.counters(connection, ["waiting", "bot", "snoozed", mine, helping, *teams])
    return s.Counters(
        queue=found["waiting"],
        queue_by_team={team_id: found[name] for name, team_id in teams.items()},
        mine=found[mine],
        helping=found[helping],
        bot=found["bot"],
        snoozed=found["snoozed"],
    )
