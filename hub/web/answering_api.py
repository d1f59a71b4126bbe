"""How sure the answers of each inbox must be."""

from __future__ import annotations

from dataclasses import asdict

from hub.domain.bot_policy import Policy, Thresholds
from hub.domain.inbox import Inbox
from hub.services import answering
from hub.store.queries import inboxes
from hub.web import schemas_answering as s
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_hub

blueprint = api_blueprint("answering", __name__, "Answers")


@blueprint.get("/answering")
@needs("edit_routing")
@blueprint.output(s.AnsweringList)
def everything() -> s.AnsweringList:
    """How sure the answers of each inbox must be"""
    with the_hub().store.read() as connection:
        return s.AnsweringList(items=[_shown(each) for each in inboxes.every(connection)])


@blueprint.put("/inboxes/<identifier:inbox_id>/answering")
@needs("edit_routing")
@blueprint.output(s.AnsweringOut)
@blueprint.input(s.AnsweringIn)
def change(inbox_id: str, json_data: s.AnsweringIn) -> s.AnsweringOut:
    """Say how sure an inbox's answers must be

    A backtest tells beforehand what it would have changed.
    """
    hub = the_hub()
    given = json_data.model_dump()
    policy = Policy(misses=given.pop("misses"), articles_first=given.pop("articles_first"))
    hub.store.write(lambda tx: answering.set_rules(tx, inbox_id, Thresholds(**given), policy))
    hub.inboxes.forget()
    with hub.store.read() as connection:
        return _shown(inboxes.get(connection, inbox_id))


def _shown(inbox: Inbox) -> s.AnsweringOut:
    rules = asdict(inbox.thresholds) | asdict(inbox.policy)
    return s.AnsweringOut(inbox_id=inbox.id, name=inbox.name, channel=inbox.channel, bot=inbox.bot, **rules)
