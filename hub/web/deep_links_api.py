"""Links by which a customer goes on in another channel."""

from __future__ import annotations

from hub.hub import Hub
from hub.services import deep_links
from hub.store.queries import turns
from hub.web import render
from hub.web import schemas_deep_links as sd
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_hub, the_session

blueprint = api_blueprint("deep_links", __name__, "Links between channels")


@blueprint.get("/conversations/<identifier:conversation_id>/links")
@needs("work_conversations")
@blueprint.output(sd.LinkPlaces)
def places(conversation_id: str) -> sd.LinkPlaces:
    """The inboxes in which this customer can go on by a link

    An inbox is among them once its provider has said what its account is called, which is asked each day and by its
    test.
    """
    hub = the_hub()
    with hub.store.read() as connection:
        conversation = turns.conversation(connection, conversation_id)
    found = deep_links.inboxes(hub, conversation.inbox_id)
    return sd.LinkPlaces(
        items=[sd.LinkPlace(inbox_id=each.id, inbox_name=each.name, channel=_kind(hub, each.id)) for each in found]
    )


def _kind(hub: Hub, inbox_id: str) -> str:
    return hub.channel_of(hub.inboxes.by_id(inbox_id)).capabilities.channel


@blueprint.post("/conversations/<identifier:conversation_id>/links")
@needs("work_conversations")
@blueprint.output(sd.LinkOut)
@blueprint.input(sd.LinkIn)
def give(conversation_id: str, json_data: sd.LinkIn) -> sd.LinkOut:
    """Make a link by which this customer goes on in another inbox

    It is good once, for ten minutes, and nothing is sent: `text` is for an answer, in the customer's language. Who
    comes by it is this contact from then on.
    """
    given = deep_links.give(the_hub(), conversation_id, json_data.inbox_id, the_session().agent_id)
    return sd.LinkOut(link=given.link, text=given.text, expires_at=render.time(given.expires_at))
