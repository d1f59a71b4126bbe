"""What a view finds around it."""

from __future__ import annotations

from ipaddress import ip_address

from flask import Response, current_app, g, request
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


def caller_address() -> str:
    """The address of whoever asks, as far as it can be known; "" where nobody knows.

    A proxy on a private network is ours: the last address of its `X-Forwarded-For` is the one that it saw.
    """
    address = request.remote_addr or ""
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        if forwarded and ip_address(address).is_private:
            return str(ip_address(forwarded))
    except ValueError:
        pass  # a socket of the file system, or what nobody's proxy writes
    return address


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
