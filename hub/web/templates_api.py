"""What the providers of inboxes allow: approved texts, and sending again after the account was refused."""

from __future__ import annotations

from hub.services import templates as service
from hub.store.queries import inboxes, stops
from hub.store.queries import templates as queries
from hub.store.queries.templates import Stored
from hub.store.unit_of_work import Tx
from hub.web import render
from hub.web import schemas as s
from hub.web import schemas_templates as st
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_hub

blueprint = api_blueprint("templates", __name__, "What providers allow")


@blueprint.get("/inboxes/<identifier:inbox_id>/templates")
@needs("work_conversations")
@blueprint.output(st.Templates)
def templates(inbox_id: str) -> st.Templates:
    """An inbox's templates, as they were last read from its provider"""
    return _all(inbox_id)


@blueprint.post("/inboxes/<identifier:inbox_id>/templates/sync")
@needs("work_conversations")
@blueprint.output(st.Templates)
def sync(inbox_id: str) -> st.Templates:
    """Read an inbox's templates from its provider

    409 where its channel has none, 502 where the provider does not answer.
    """
    service.sync(the_hub(), inbox_id)
    return _all(inbox_id)


@blueprint.post("/inboxes/<identifier:inbox_id>/resume")
@needs("run_jobs")
@blueprint.output(s.Done)
def resume(inbox_id: str) -> s.Done:
    """Send what waits for an inbox whose account was refused

    To be called when the provider's account is in order again; it stops anew where it is not.
    """

    def use_case(tx: Tx) -> None:
        inboxes.get(tx.connection, inbox_id)
        stops.lift(tx, inbox_id)

    the_hub().store.write(use_case)
    return s.Done()


def _all(inbox_id: str) -> st.Templates:
    with the_hub().store.read() as connection:
        inboxes.get(connection, inbox_id)
        found = queries.of_inbox(connection, inbox_id)
        at = queries.synced_at(connection, inbox_id)
    return st.Templates(items=[_shown(each) for each in found], synced_at=render.time(at) if at else None)


def _shown(stored: Stored) -> st.TemplateOut:
    template = stored.template
    return st.TemplateOut(
        id=stored.id,
        name=template.name,
        language=template.language,
        category=template.category,
        approval=template.approval.value,
        reason=template.reason,
        why_not=template.why_not,
        header=template.header,
        body=template.body,
        footer=template.footer,
        buttons=[st.TemplateButtonOut(kind=each.kind, title=each.title) for each in template.buttons],
        parameters=[st.ParameterOut(place=each.place, name=each.name) for each in template.parameters],
    )
