"""Open hours of inboxes and teams, and what is promised to customers."""

from __future__ import annotations

from hub.services import promises
from hub.store.queries import rules
from hub.web import schemas as s
from hub.web import schemas_promises as sh
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_hub, the_session

blueprint = api_blueprint("promises", __name__, "Open hours and promises")


@blueprint.get("/opening-hours")
@needs("read_conversations")
@blueprint.output(sh.HoursList)
def opening_hours() -> sh.HoursList:
    """When inboxes and teams are open

    Those that are not named are always open; a team's hours go before its inboxes'.
    """
    with the_hub().store.read() as connection:
        return sh.HoursList(items=[_hours(each) for each in rules.hours(connection)])


@blueprint.put("/teams/<identifier:team_id>/opening-hours")
@needs("edit_promises")
@blueprint.output(sh.HoursOut)
@blueprint.input(sh.HoursIn)
def set_team_hours(team_id: str, json_data: sh.HoursIn) -> sh.HoursOut:
    """State when a team is open"""
    return _stated(f"team:{team_id}", json_data)


@blueprint.delete("/teams/<identifier:team_id>/opening-hours")
@needs("edit_promises")
@blueprint.output(s.Done)
def forget_team_hours(team_id: str) -> s.Done:
    """A team is open as its inboxes are"""
    return _forgotten(f"team:{team_id}")


@blueprint.put("/inboxes/<identifier:inbox_id>/opening-hours")
@needs("edit_promises")
@blueprint.output(sh.HoursOut)
@blueprint.input(sh.HoursIn)
def set_inbox_hours(inbox_id: str, json_data: sh.HoursIn) -> sh.HoursOut:
    """State when an inbox is open"""
    return _stated(f"inbox:{inbox_id}", json_data)


@blueprint.delete("/inboxes/<identifier:inbox_id>/opening-hours")
@needs("edit_promises")
@blueprint.output(s.Done)
def forget_inbox_hours(inbox_id: str) -> s.Done:
    """An inbox is always open"""
    return _forgotten(f"inbox:{inbox_id}")


@blueprint.put("/vendors/<identifier:vendor_id>/opening-hours")
@needs("edit_promises")
@blueprint.output(sh.HoursOut)
@blueprint.input(sh.HoursIn)
def set_vendor_hours(vendor_id: str, json_data: sh.HoursIn) -> sh.HoursOut:
    """State when an outside firm is open: its clock runs then"""
    return _stated(f"vendor:{vendor_id}", json_data)


@blueprint.delete("/vendors/<identifier:vendor_id>/opening-hours")
@needs("edit_promises")
@blueprint.output(s.Done)
def forget_vendor_hours(vendor_id: str) -> s.Done:
    """An outside firm is always open"""
    return _forgotten(f"vendor:{vendor_id}")


@blueprint.get("/sla-policies")
@needs("read_conversations")
@blueprint.output(sh.Policies)
def policies() -> sh.Policies:
    """What is promised, in the order in which it is looked up"""
    with the_hub().store.read() as connection:
        return sh.Policies(items=[_policy(each) for each in rules.policies(connection)])


@blueprint.post("/sla-policies")
@needs("edit_promises")
@blueprint.output(sh.PolicyOut)
@blueprint.input(sh.PolicyIn)
def add_policy(json_data: sh.PolicyIn) -> sh.PolicyOut:
    """Promise something"""
    return _saved("", json_data)


@blueprint.put("/sla-policies/<identifier:policy_id>")
@needs("edit_promises")
@blueprint.output(sh.PolicyOut)
@blueprint.input(sh.PolicyIn)
def change_policy(policy_id: str, json_data: sh.PolicyIn) -> sh.PolicyOut:
    """Change a promise

    For conversations that begin, change hands or change their priority from now on.
    """
    return _saved(policy_id, json_data)


@blueprint.delete("/sla-policies/<identifier:policy_id>")
@needs("edit_promises")
@blueprint.output(s.Done)
def withdraw_policy(policy_id: str) -> s.Done:
    """Promise it no further"""
    store, agent_id = the_hub().store, the_session().agent_id
    store.write(lambda tx: promises.withdraw_policy(tx, policy_id, agent_id))
    store.rulebook.forget()
    return s.Done()


def _saved(policy_id: str, given: sh.PolicyIn) -> sh.PolicyOut:
    store, agent_id = the_hub().store, the_session().agent_id
    stated = given.model_dump(exclude={"position"})
    saved = store.write(
        lambda tx: promises.save_policy(tx, stated, agent_id, policy_id=policy_id, position=given.position)
    )
    store.rulebook.forget()
    with store.read() as connection:
        return next(_policy(each) for each in rules.policies(connection) if each.policy_id == saved)


def _policy(found: rules.StatedPolicy) -> sh.PolicyOut:
    return sh.PolicyOut.model_validate({**found.data, "policy_id": found.policy_id, "position": found.position})


def _stated(owner: str, given: sh.HoursIn) -> sh.HoursOut:
    store, agent_id = the_hub().store, the_session().agent_id
    stated = given.model_dump(include={"zone", "week", "exceptions"})
    store.write(lambda tx: promises.set_hours(tx, owner, stated, agent_id, country=given.country, region=given.region))
    store.rulebook.forget()
    with store.read() as connection:
        return next(_hours(each) for each in rules.hours(connection) if each.owner == owner)


def _forgotten(owner: str) -> s.Done:
    store, agent_id = the_hub().store, the_session().agent_id
    store.write(lambda tx: promises.set_hours(tx, owner, None, agent_id))
    store.rulebook.forget()
    return s.Done()


def _hours(found: rules.StatedHours) -> sh.HoursOut:
    return sh.HoursOut.model_validate(
        {**found.data, "owner": found.owner, "country": found.country, "region": found.region}
    )
