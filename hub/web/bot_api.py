"""What the bot's action server asks the hub. It carries its own token, not a person's session."""

from __future__ import annotations

from hmac import compare_digest

from apiflask import APIBlueprint
from flask import request

from hub.domain.errors import NotSignedIn, TooMany
from hub.services import records
from hub.web import schemas_bot as s
from hub.web.context import the_hub

blueprint = APIBlueprint("bot", __name__, tag="Bot", url_prefix="/bot/v1")


@blueprint.before_request
def require_token() -> None:
    """Raises NotSignedIn unless the request carries the bot's token; always where none is configured."""
    token = the_hub().settings.bot_token
    given = request.headers.get("Authorization", "")
    if not token or not compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise NotSignedIn("this is for the bot alone")


@blueprint.get("/orders/<identifier:order_id>")
@blueprint.output(s.OrderOut)
@blueprint.input(s.OrderQuery, location="query")
def order(order_id: str, query_data: s.OrderQuery) -> s.OrderOut:
    """Where an order is

    Told only in the conversation in which its owner was verified, and only to the address that was.
    """
    with the_hub().store.read() as connection:
        found = records.order(connection, order_id, query_data.conversation_id, query_data.message_id)
    return s.OrderOut(order_id=found.order_id, state=found.state, carrier=found.carrier, expected=found.expected)


@blueprint.post("/verify")
@blueprint.output(s.VerifyOut)
@blueprint.input(s.VerifyIn)
def verify(json_data: s.VerifyIn) -> s.VerifyOut:
    """Whether a customer number and a postcode belong together"""
    said, where = json_data, (json_data.conversation_id, json_data.message_id)
    verdict = the_hub().store.write(lambda tx: records.verify(tx, *where, said.customer_number, said.postcode))
    if verdict.retry_after:
        raise TooMany("too many tries in this conversation", retry_after=verdict.retry_after)
    return s.VerifyOut(verified=verdict.verified, name=verdict.name or None)
