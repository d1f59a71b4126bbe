"""Who works here: people and their invitations, teams, shifts, and what agents ask to learn who somebody is."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote

from hub.domain.errors import Refused
from hub.services import people, sign_in, staffing, verification
from hub.store.queries import codes
from hub.store.queries import people as queries
from hub.store.queries import staffing as staffing_queries
from hub.web import render
from hub.web import schemas as s
from hub.web import schemas_conversations as sc
from hub.web import schemas_people as sp
from hub.web.auth import PUBLIC, api_blueprint, needs
from hub.web.context import the_hub

blueprint = api_blueprint("staff", __name__, "People")

MOST_DAYS = 62


# --- people -----------------------------------------------------------------------------------------------------------


@blueprint.get("/people")
@needs("edit_people")
@blueprint.output(sp.PeopleOut)
def everybody() -> sp.PeopleOut:
    """Everybody, also those who may sign in no more"""
    with the_hub().store.read() as connection:
        return sp.PeopleOut(items=[_person(each) for each in queries.people(connection)])


@blueprint.post("/people")
@needs("edit_people")
@blueprint.output(sp.PersonOut)
@blueprint.input(sp.NewPersonIn)
def add(json_data: sp.NewPersonIn) -> sp.PersonOut:
    """Add somebody

    They choose their password by an invitation.
    """
    new, hub = json_data, the_hub()
    values = {"name": new.name, "email": new.email, "role": new.role, "language": new.language, "password_hash": ""}
    agent_id = hub.store.write(lambda tx: people.create_agent(tx, **values, team_ids=tuple(new.team_ids)))
    return _shown(agent_id)


@blueprint.put("/people/<identifier:agent_id>")
@needs("edit_people")
@blueprint.output(sp.PersonOut)
@blueprint.input(sp.PersonIn)
def change(agent_id: str, json_data: sp.PersonIn) -> sp.PersonOut:
    """Change who somebody is and what they may do

    Whoever is disabled is signed out at once. Somebody stays an administrator.
    """
    given = json_data
    the_hub().store.write(
        lambda tx: people.change_agent(
            tx,
            agent_id,
            name=given.name,
            email=given.email,
            role=given.role,
            language=given.language,
            disabled=given.disabled,
        )
    )
    return _shown(agent_id)


@blueprint.post("/people/<identifier:agent_id>/invitation")
@needs("edit_people")
@blueprint.output(sp.InvitationOut)
def invite(agent_id: str) -> sp.InvitationOut:
    """A link by which somebody chooses their password

    For whoever is new, and for whoever has forgotten theirs. Good once, for three days.
    """
    hub = the_hub()
    with hub.store.read() as connection:
        token, until = people.invitation(connection, hub.box.derive, agent_id, hub.clock.now())
    # Behind the `#`: no server on the way is told of it.
    return sp.InvitationOut(link=f"{hub.settings.public_url}/inbox/invitation#{quote(token)}", until=render.time(until))


@blueprint.post("/invitations/open")
@needs(PUBLIC)
@blueprint.output(sp.InvitedOut)
@blueprint.input(sp.InvitedIn)
def invited(json_data: sp.InvitedIn) -> sp.InvitedOut:
    """Whom an invitation is for

    401 where it is not good any more.
    """
    hub = the_hub()
    with hub.store.read() as connection:
        agent_id = people.invited(connection, hub.box.derive, json_data.token, hub.clock.now())
        found = queries.agent(connection, agent_id)
    return sp.InvitedOut(name=found.name, email=found.email, language=found.language)


@blueprint.post("/invitations/accept")
@needs(PUBLIC)
@blueprint.output(s.Done)
@blueprint.input(sp.PasswordIn)
def accept(json_data: sp.PasswordIn) -> s.Done:
    """Choose a password

    401 where the invitation is not good any more. Ends every session of theirs.
    """
    hub, given = the_hub(), json_data
    with hub.store.read() as connection:
        # Before the slow part: whoever has no invitation makes us compute nothing.
        people.invited(connection, hub.box.derive, given.token, hub.clock.now())
    password_hash = sign_in.hash_password(given.password)
    hub.store.write(lambda tx: people.accept_invitation(tx, hub.box.derive, given.token, password_hash))
    return s.Done()


def _shown(agent_id: str) -> sp.PersonOut:
    with the_hub().store.read() as connection:
        return _person(queries.person(connection, agent_id))


def _person(found: queries.Person) -> sp.PersonOut:
    return sp.PersonOut(**render.agent(found).model_dump(), disabled=found.disabled, invited=found.invited)


# --- teams ------------------------------------------------------------------------------------------------------------


@blueprint.post("/teams")
@needs("edit_routing")
@blueprint.output(sp.TeamDetail)
@blueprint.input(sp.NewTeamIn)
def add_team(json_data: sp.NewTeamIn) -> sp.TeamDetail:
    """Add a team"""
    return _team(the_hub().store.write(lambda tx: people.create_team(tx, json_data.name, json_data.tier)))


@blueprint.get("/teams/<identifier:team_id>")
@needs("read_floor")
@blueprint.output(sp.TeamDetail)
def team(team_id: str) -> sp.TeamDetail:
    """A team and its people"""
    return _team(team_id)


@blueprint.put("/teams/<identifier:team_id>")
@needs("edit_routing")
@blueprint.output(sp.TeamDetail)
@blueprint.input(sp.TeamIn)
def change_team(team_id: str, json_data: sp.TeamIn) -> sp.TeamDetail:
    """Change a team's name and tier, and say who leads it"""
    given = json_data
    the_hub().store.write(lambda tx: people.change_team(tx, team_id, given.name, given.tier, given.lead_ids))
    return _team(team_id)


def _team(team_id: str) -> sp.TeamDetail:
    with the_hub().store.read() as connection:
        found, members = queries.team(connection, team_id), queries.members(connection, team_id)
        names = queries.names(connection, agents=members.member_ids)
    return sp.TeamDetail.model_validate(
        {
            "id": found.id,
            "name": found.name,
            "tier": found.tier,
            "members": [{"id": each, "name": names[each]} for each in members.member_ids],
            "lead_ids": list(members.lead_ids),
        }
    )


# --- shifts -----------------------------------------------------------------------------------------------------------


@blueprint.get("/shifts")
@needs("read_floor")
@blueprint.input(sp.ShiftsQuery, location="query")
@blueprint.output(sp.Shifts)
def shifts(query_data: sp.ShiftsQuery) -> sp.Shifts:
    """Who works when"""
    return _shifts(query_data.first, query_data.last)


@blueprint.put("/agents/<identifier:agent_id>/shifts/<day>")
@needs("edit_routing")
@blueprint.output(sp.Shifts)
@blueprint.input(sp.ShiftIn)
def set_shift(agent_id: str, day: str, json_data: sp.ShiftIn) -> sp.Shifts:
    """Say when somebody works on a date"""
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise Refused("day", "must be a date as 2026-12-25") from None
    given = json_data
    the_hub().store.write(lambda tx: staffing.set_shift(tx, agent_id, on, given.zone, given.windows))
    return _shifts(on, on)


def _shifts(first: date, last: date) -> sp.Shifts:
    if not 0 <= (last - first).days < MOST_DAYS:
        raise Refused("last", f"must be at most {MOST_DAYS} days from the first")
    with the_hub().store.read() as connection:
        found = staffing_queries.shifts(connection, first, last)
    return sp.Shifts(
        items=[
            sp.ShiftOut(
                agent=sc.AgentRef(id=each.agent_id, name=each.name),
                day=each.day,
                zone=each.zone,
                windows=list(each.windows),
            )
            for each in found
        ]
    )


# --- questions --------------------------------------------------------------------------------------------------------


@blueprint.get("/questions")
@needs("read_conversations")
@blueprint.output(sp.IdentityQuestions)
def questions() -> sp.IdentityQuestions:
    """What agents ask to learn who somebody is"""
    return _questions()


@blueprint.put("/questions/<identifier:name>")
@needs("edit_routing")
@blueprint.output(sp.IdentityQuestions)
@blueprint.input(sp.IdentityQuestionIn)
def set_question(name: str, json_data: sp.IdentityQuestionIn) -> sp.IdentityQuestions:
    """Add a question, or change it"""
    given = json_data
    the_hub().store.write(lambda tx: verification.set_question(tx, name, given.text_en, given.text_es, given.position))
    return _questions()


@blueprint.delete("/questions/<identifier:name>")
@needs("edit_routing")
@blueprint.output(sp.IdentityQuestions)
def remove_question(name: str) -> sp.IdentityQuestions:
    """Take a question away; what contacts have in its field stays"""
    the_hub().store.write(lambda tx: verification.remove_question(tx, name))
    return _questions()


def _questions() -> sp.IdentityQuestions:
    with the_hub().store.read() as connection:
        found = codes.questions(connection)
    return sp.IdentityQuestions.model_validate(
        {"items": [{field: getattr(each, field) for field in sp.IdentityQuestionOut.model_fields} for each in found]}
    )
