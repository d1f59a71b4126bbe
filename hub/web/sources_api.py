"""Messages as they came, whole: what became of each, and its bytes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from flask import Response, send_file

from hub.domain.errors import NotFound
from hub.services import intake
from hub.store.queries import inboxes, sources
from hub.web import render
from hub.web import schemas_operations as s
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_hub

blueprint = api_blueprint("sources", __name__, "Messages as they came")

_RAW: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {"description": "The bytes as they came", "content": {"message/rfc822": {}}}
}


@blueprint.get("/inboxes/<identifier:inbox_id>/sources")
@needs("read_sources")
@blueprint.input(s.SourcesQuery, location="query")
@blueprint.output(s.SourcePage)
def listed(inbox_id: str, query_data: s.SourcesQuery) -> s.SourcePage:
    """What an inbox has fetched and what became of it"""
    with the_hub().store.read() as connection:
        inboxes.get(connection, inbox_id)
        page = sources.page(
            connection,
            inbox_id,
            state=query_data.state or "",
            before=query_data.before or "",
            limit=query_data.limit + 1,
        )
        counts = sources.counts(connection, inbox_id)
    shown = page[: query_data.limit]
    return s.SourcePage(
        items=[_shown(each) for each in shown],
        next=shown[-1].id if len(page) > query_data.limit else None,
        counts=counts,
    )


@blueprint.get("/held-back")
@needs("read_sources")
@blueprint.input(s.HeldBackQuery, location="query")
@blueprint.output(s.HeldBackPage)
def held_back(query_data: s.HeldBackQuery) -> s.HeldBackPage:
    """What was refused, of all inboxes"""
    with the_hub().store.read() as connection:
        page = sources.held_back(
            connection, query_data.inbox_id or "", before=query_data.before or "", limit=query_data.limit + 1
        )
        counts = sources.held_back_counts(connection)
    shown = page[: query_data.limit]
    return s.HeldBackPage(
        items=[_shown(each) for each in shown],
        next=shown[-1].id if len(page) > query_data.limit else None,
        counts=counts,
    )


@blueprint.post("/sources/<identifier:source_id>/accept")
@needs("accept_sources")
@blueprint.output(s.AcceptedOut)
def accept(source_id: str) -> s.AcceptedOut:
    """Take in after all what was held back

    409 when it is in already, 422 when it cannot be read this time either.
    """
    received = intake.accept(the_hub(), source_id)
    first = received[0] if received else None
    return s.AcceptedOut(
        conversation_id=first.conversation_id if first else None, message_id=first.message_id if first else None
    )


@blueprint.get("/sources/<identifier:source_id>/raw")
@needs("read_sources")
@blueprint.doc(responses=_RAW)
def raw(source_id: str) -> Response:
    """Download one as it came"""
    with the_hub().store.read() as connection:
        found = sources.get(connection, source_id)
    return _bytes(found)


@blueprint.get("/messages/<identifier:message_id>/source")
@needs("read_conversations")
@blueprint.doc(responses=_RAW)
def of_message(message_id: str) -> Response:
    """Download what a message was read from"""
    with the_hub().store.read() as connection:
        found = sources.of_message(connection, message_id)
    return _bytes(found)


def _shown(source: sources.Source) -> s.SourceOut:
    return s.SourceOut.model_validate(
        {
            "id": source.id,
            "inbox_id": source.inbox_id,
            "state": source.state,
            "origin": source.origin,
            "field": source.field,
            "rule": source.rule,
            "message_id": source.message_id or None,
            "sender": source.sender,
            "subject": source.subject,
            "size": source.size,
            "at": render.time(source.at),
        }
    )


def _bytes(source: sources.Source | None) -> Response:
    if source is None:
        raise NotFound("there is no such source")
    # As a download, and never shown by a browser: it is somebody else's, with everything in it.
    response = send_file(
        BytesIO(the_hub().files.get(intake.key(source.id))),
        mimetype="message/rfc822",
        as_attachment=True,
        download_name=f"{source.id}.eml",
    )
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
