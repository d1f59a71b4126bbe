"""Who can do what, how queues are served, offers, and why somebody has a conversation."""

from __future__ import annotations

from hub.domain import routing as r
from hub.services import routing, staffing
from hub.store.queries import conversations as conversation_queries
from hub.store.queries import inboxes as inbox_queries
from hub.store.queries import people
from hub.store.queries import routing as routing_queries
from hub.store.queries import staffing as staffing_queries
from hub.store.unit_of_work import Reading
from hub.web import render, routing_render
from hub.web import schemas as s
from hub.web import schemas_conversations as sc
from hub.web.auth import SIGNED_IN, api_blueprint, needs
from hub.web.context import the_hub, the_session

blueprint = api_blueprint("routing", __name__, "Routing")


# --- skills, members, queues ------------------------------------------------------------------------------------------


@blueprint.get("/skills")
@needs(SIGNED_IN)
@blueprint.output(s.Skills)
def skills() -> s.Skills:
    """All skills"""
    return _skills()


def _skills() -> s.Skills:
    with the_hub().store.read() as connection:
        found = staffing_queries.skills(connection)
    return s.Skills.model_validate({"items": [{"name": each.name, "kind": each.kind} for each in found]})


@blueprint.put("/skills/<identifier:name>")
@needs("edit_routing")
@blueprint.output(s.Skills)
@blueprint.input(s.SkillIn)
def set_skill(name: str, json_data: s.SkillIn) -> s.Skills:
    """Add a skill, or say of which kind it is"""
    the_hub().store.write(lambda tx: staffing.set_skill(tx, name, json_data.kind))
    return _skills()


@blueprint.delete("/skills/<identifier:name>")
@needs("edit_routing")
@blueprint.output(s.Skills)
def remove_skill(name: str) -> s.Skills:
    """Take a skill away, from agents and conversations too"""
    the_hub().store.write(lambda tx: staffing.remove_skill(tx, name))
    return _skills()


@blueprint.get("/agents/<identifier:agent_id>/routing")
@needs("read_floor")
@blueprint.output(s.MemberOut)
def member(agent_id: str) -> s.MemberOut:
    """What an agent can do, how much at once, and for which teams"""
    return _member(agent_id)


def _member(agent_id: str) -> s.MemberOut:
    with the_hub().store.read() as connection:
        found = staffing_queries.member(connection, agent_id)
    return s.MemberOut(
        skills=dict(found.skills),
        capacity=None if found.capacity is None else dict(found.capacity),
        team_ids=list(found.team_ids),
    )


@blueprint.put("/agents/<identifier:agent_id>/routing")
@needs("edit_routing")
@blueprint.output(s.MemberOut)
@blueprint.input(s.MemberIn)
def set_member(agent_id: str, json_data: s.MemberIn) -> s.MemberOut:
    """Say what an agent can do, how much at once, and for which teams"""
    given = json_data
    the_hub().store.write(
        lambda tx: staffing.set_agent(
            tx, agent_id, skills=given.skills, capacity=given.capacity, team_ids=given.team_ids
        )
    )
    return _member(agent_id)


@blueprint.get("/teams/<identifier:team_id>/routing")
@needs("read_floor")
@blueprint.output(s.TeamRulesIn)
def team_rules(team_id: str) -> s.TeamRulesIn:
    """How a team's queue is served"""
    return _team_rules(team_id)


def _team_rules(team_id: str) -> s.TeamRulesIn:
    with the_hub().store.read() as connection:
        return routing_render.team_rules(routing_queries.rules_of(connection, team_id))


@blueprint.put("/teams/<identifier:team_id>/routing")
@needs("edit_routing")
@blueprint.output(s.TeamRulesIn)
@blueprint.input(s.TeamRulesIn)
def set_team_rules(team_id: str, json_data: s.TeamRulesIn) -> s.TeamRulesIn:
    """Say how a team's queue is served"""
    rules = routing_render.rules_from(json_data)
    the_hub().store.write(lambda tx: staffing.set_team(tx, team_id, rules))
    return _team_rules(team_id)


@blueprint.put("/inboxes/<identifier:inbox_id>/routing")
@needs("edit_routing")
@blueprint.output(s.InboxOut)
@blueprint.input(s.ModeIn)
def set_mode(inbox_id: str, json_data: s.ModeIn) -> s.InboxOut:
    """Say how what waits in an inbox finds somebody"""
    hub = the_hub()
    hub.store.write(lambda tx: staffing.set_mode(tx, inbox_id, json_data.mode))
    hub.inboxes.forget()
    routing.give_away_all(hub)
    return render.inbox(hub.inboxes.by_id(inbox_id))


# --- presence and its reasons -----------------------------------------------------------------------------------------


@blueprint.get("/presence")
@needs(SIGNED_IN)
@blueprint.output(s.PresenceOut)
def presence() -> s.PresenceOut:
    """Your own presence, since when, and how much you carry"""
    agent_id = the_session().agent_id
    with the_hub().store.read() as connection:
        load = routing_queries.load_of(connection, agent_id)
        return routing_render.presence(staffing_queries.presence(connection, agent_id), load)


@blueprint.get("/presence-reasons")
@needs(SIGNED_IN)
@blueprint.output(s.Reasons)
def reasons() -> s.Reasons:
    """The reasons that may be given for a presence"""
    return _reasons()


def _reasons() -> s.Reasons:
    with the_hub().store.read() as connection:
        found = staffing_queries.reasons(connection)
    return s.Reasons(items=[routing_render.reason(each) for each in found])


@blueprint.put("/presence-reasons/<identifier:code>")
@needs("edit_routing")
@blueprint.output(s.Reasons)
@blueprint.input(s.ReasonIn)
def set_reason(code: str, json_data: s.ReasonIn) -> s.Reasons:
    """Add a reason, or change it"""
    given = json_data
    names = {"en": given.name_en, "es": given.name_es}
    the_hub().store.write(lambda tx: staffing.set_reason(tx, code, given.presence, names, given.position))
    return _reasons()


@blueprint.delete("/presence-reasons/<identifier:code>")
@needs("edit_routing")
@blueprint.output(s.Reasons)
def remove_reason(code: str) -> s.Reasons:
    """Take a reason away; what was said with it stays"""
    the_hub().store.write(lambda tx: staffing.remove_reason(tx, code))
    return _reasons()


# --- offers, and why --------------------------------------------------------------------------------------------------


@blueprint.get("/offers")
@needs("work_conversations")
@blueprint.output(sc.Conversations)
def offers() -> sc.Conversations:
    """What you are being offered, the one that ends first first"""
    with the_hub().store.read() as connection:
        ids = [each.conversation_id for each in routing_queries.offers_to(connection, the_session().agent_id)]
        rows = conversation_queries.rows(connection, ids)
    return sc.Conversations(items=[render.conversation(rows[each]) for each in ids], next=None)


@blueprint.post("/conversations/<identifier:conversation_id>/offer/accept")
@needs("work_conversations")
@blueprint.output(s.Done)
def accept_offer(conversation_id: str) -> s.Done:
    """Take what you are offered"""
    agent_id = the_session().agent_id
    the_hub().store.write(lambda tx: routing.accept(tx, conversation_id, agent_id))
    return s.Done()


@blueprint.post("/conversations/<identifier:conversation_id>/offer/decline")
@needs("work_conversations")
@blueprint.output(s.Done)
def decline_offer(conversation_id: str) -> s.Done:
    """Let it pass: somebody else is asked"""
    agent_id = the_session().agent_id
    the_hub().store.write(lambda tx: routing.decline(tx, conversation_id, agent_id))
    return s.Done()


@blueprint.get("/conversations/<identifier:conversation_id>/routing")
@needs("read_conversations")
@blueprint.output(sc.RoutingOut)
def conversation_routing(conversation_id: str) -> sc.RoutingOut:
    """What a conversation asks for, who was chosen last and why, and how long it is going to wait"""
    with the_hub().store.read() as connection:
        return _routing(connection, conversation_id)


@blueprint.put("/conversations/<identifier:conversation_id>/needs")
@needs("work_conversations")
@blueprint.output(sc.RoutingOut)
@blueprint.input(sc.NeedsIn)
def set_needs(conversation_id: str, json_data: sc.NeedsIn) -> sc.RoutingOut:
    """Say which skills a conversation asks for besides its language"""
    hub = the_hub()
    asked, liked = (
        [r.Need(each.skill, each.level) for each in given] for given in (json_data.required, json_data.preferred)
    )
    hub.store.write(lambda tx: staffing.set_needs(tx, conversation_id, asked, liked))
    routing.give_away_all(hub)
    with hub.store.read() as connection:
        return _routing(connection, conversation_id)


def _routing(connection: Reading, conversation_id: str) -> sc.RoutingOut:
    conversation = conversation_queries.row(connection, conversation_id).conversation
    decided = staffing_queries.last_decision(connection, conversation_id)
    asked, liked = staffing_queries.needs(connection, conversation_id)
    named = {decided[1].agent_id, *(each.agent_id for each in decided[1].candidates)} if decided else set()
    return sc.RoutingOut(
        mode=inbox_queries.get(connection, conversation.inbox_id).routing,  # type: ignore[arg-type]  # pydantic checks it
        required=[routing_render.need(each) for each in asked],
        preferred=[routing_render.need(each) for each in liked],
        decision=routing_render.decision(*decided, people.names(connection, agents=named)) if decided else None,
        wait=routing_render.wait(routing.wait(connection, conversation, the_hub().clock.now())),
    )


# --- the floor --------------------------------------------------------------------------------------------------------


@blueprint.get("/floor")
@needs("read_floor")
@blueprint.output(sc.Floor)
def floor() -> sc.Floor:
    """Every team's queue and everybody of a team, as they are now"""
    with the_hub().store.read() as connection:
        teams = {each.id: each for each in people.teams(connection)}
        queues, at_work = staffing_queries.queues(connection), staffing_queries.at_work(connection)
    return sc.Floor(
        queues=[routing_render.queue(each, teams[each.team_id]) for each in queues],
        agents=[routing_render.at_work(each) for each in at_work],
    )
