"""What a view finds around it."""

from __future__ import annotations

from flask import current_app, g

from hub.domain.events import Actor
from hub.domain.messages import Author
from hub.hub import Hub
from hub.store.queries.people import Session

HUB = "hub"


def the_hub() -> Hub:
    """The hub that this application serves."""
    hub: Hub = current_app.extensions[HUB]
    return hub


def the_session() -> Session:
    """Who asks; there is one in every view that names an action."""
    session: Session = g.session
    return session


def the_agent() -> Actor:
    """Who asks, as the one who causes events."""
    return Actor(Author.AGENT, the_session().agent_id)
