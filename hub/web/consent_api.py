"""Who may be written to."""

from __future__ import annotations

from hub.services import consent
from hub.store.queries import contacts as contact_queries
from hub.store.queries import conversations as conversation_queries
from hub.web import render
from hub.web import schemas_conversations as s
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_agent, the_hub

blueprint = api_blueprint("consent", __name__, "Consent")


@blueprint.post("/conversations/<identifier:conversation_id>/do-not-contact")
@needs("work_conversations")
@blueprint.output(s.ContactOut)
@blueprint.input(s.DoNotContactIn)
def do_not_contact(conversation_id: str, json_data: s.DoNotContactIn) -> s.ContactOut:
    """Forbid writing to an address of this conversation's customer, or allow it again

    It holds for every inbox and every channel that uses this address. The reason becomes a note.
    """
    hub, by, wanted = the_hub(), the_agent(), json_data
    hub.store.write(
        lambda tx: consent.decide(tx, conversation_id, wanted.identity_id, wanted.forbidden, wanted.reason, by)
    )
    with hub.store.read() as connection:
        contact_id = conversation_queries.row(connection, conversation_id).conversation.contact_id
        return render.contact(contact_queries.get(connection, contact_id))
