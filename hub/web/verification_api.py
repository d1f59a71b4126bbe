"""Who a customer is: fields of theirs that an agent asks for, and codes sent to their addresses."""

from __future__ import annotations

from hub.hub import Hub
from hub.services import verification
from hub.store.queries import codes
from hub.web import schemas_verification as s
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_hub, the_session

blueprint = api_blueprint("verification", __name__, "Who a customer is")


@blueprint.get("/contacts/<identifier:contact_id>/fields")
@needs("read_conversations")
@blueprint.output(s.FieldsOut)
def fields(contact_id: str) -> s.FieldsOut:
    """What the firm keeps of a customer"""
    return _fields(contact_id)


@blueprint.put("/contacts/<identifier:contact_id>/fields/<identifier:name>")
@needs("work_conversations")
@blueprint.output(s.FieldsOut)
@blueprint.input(s.FieldIn)
def set_field(contact_id: str, name: str, json_data: s.FieldIn) -> s.FieldsOut:
    """Write down something of a customer; an empty value takes it away"""
    store, agent_id = the_hub().store, the_session().agent_id
    store.write(lambda tx: verification.set_field(tx, contact_id, name, json_data.value, agent_id))
    return _fields(contact_id)


def _fields(contact_id: str) -> s.FieldsOut:
    with the_hub().store.read() as connection:
        return s.FieldsOut(fields=dict(codes.fields(connection, contact_id)))


@blueprint.post("/conversations/<identifier:conversation_id>/questions")
@needs("work_conversations")
@blueprint.output(s.AnswersOut)
@blueprint.input(s.AnswersIn)
def answered(conversation_id: str, json_data: s.AnswersIn) -> s.AnswersOut:
    """Say which questions about themselves a customer answered right

    Two right and none wrong verify whoever wrote last; otherwise it is a claim.
    """
    said, agent_id = json_data, the_session().agent_id
    level = the_hub().store.write(
        lambda tx: verification.answered(tx, conversation_id, tuple(said.asked), tuple(said.right), agent_id)
    )
    return s.AnswersOut.model_validate({"level": level})


@blueprint.post("/conversations/<identifier:conversation_id>/code")
@needs("work_conversations")
@blueprint.output(s.CodeSent)
@blueprint.input(s.SendCodeIn)
def send_code(conversation_id: str, json_data: s.SendCodeIn) -> s.CodeSent:
    """Send a code of six digits to an address of the customer

    It is good for ten minutes. 429 after three within an hour.
    """
    hub, agent_id = the_hub(), the_session().agent_id
    where = (json_data.inbox_id, json_data.identity_id, _kinds(hub))
    message_id = hub.store.write(lambda tx: verification.send_code(tx, conversation_id, *where, agent_id))
    return s.CodeSent(message_id=message_id)


@blueprint.post("/conversations/<identifier:conversation_id>/code/check")
@needs("work_conversations")
@blueprint.output(s.CodeOut)
@blueprint.input(s.CodeIn)
def check_code(conversation_id: str, json_data: s.CodeIn) -> s.CodeOut:
    """Enter the code that the customer gives

    409 where none was sent that is still good, 429 after five tries.
    """
    hub, agent_id = the_hub(), the_session().agent_id
    given = (hub.box.derive, conversation_id, json_data.code, agent_id)
    return s.CodeOut(right=hub.store.write(lambda tx: verification.check_code(tx, *given)))


def _kinds(hub: Hub) -> dict[str, str]:
    return {inbox.id: hub.channel_of(inbox).capabilities.channel for inbox in hub.inboxes.every()}
