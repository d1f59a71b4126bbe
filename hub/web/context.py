"""What a view finds around it."""

from __future__ import annotations

from flask import Response, current_app, g
from pydantic import BaseModel

from hub.domain.events import Actor
from hub.domain.messages import Author
from hub.hub import Hub
from hub.store.queries.people import Session

HUB = "hub"


def the_hub() -> Hub:
    """The hub that this application serves."""
    hub: Hub = current_app.extensions[HUB]
    return hub


def as_json(shape: BaseModel) -> Response:
    """The answer of a route whose shape may be long. The framework would make dictionaries of it and then text, each in
    one piece, while no other thread of the process runs."""
    return current_app.response_class(shape.model_dump_json(by_alias=True), mimetype="application/json")


def the_session() -> Session:
    """Who asks; there is one in every view that names an action."""
    session: Session = g.session
    return session


def the_agent() -> Actor:
    """Who asks, as the one who causes events."""
    return Actor(Author.AGENT, the_session().agent_id)
