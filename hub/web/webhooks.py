"""Providers' webhooks. Before the 200: verify, parse, one transaction; nothing else, for providers wait and repeat."""

from __future__ import annotations

from flask import Blueprint, Response, request

from hub.domain.messages import WebhookRequest
from hub.services import inbound
from hub.web.context import the_hub

# Providers send links to media, not the media; a batch of a thousand delivery reports has half of this.
BODY_LIMIT = 2 * 1024 * 1024

blueprint = Blueprint("webhooks", __name__)


@blueprint.route("/webhooks/<identifier:inbox_key>", methods=["GET", "POST"])
def receive(inbox_key: str) -> Response:
    """One call of a provider to one inbox, answered as the provider wants it."""
    hub = the_hub()
    webhook = webhook_request(hub.settings.public_url)
    inbox = hub.inboxes.by_key(inbox_key)
    channel = hub.channel_of(inbox)
    channel.verify(webhook)
    parsed = channel.parse_inbound(webhook)
    if parsed.events or parsed.set_aside:
        hub.store.write(lambda tx: inbound.accept(tx, inbox, parsed, webhook))
    reply = parsed.reply
    return Response(reply.body, reply.status, content_type=reply.content_type)


def webhook_request(public_url: str) -> WebhookRequest:
    """The current request as a channel sees it. Raises werkzeug's RequestEntityTooLarge over `BODY_LIMIT`.

    The URL is the public one, as the provider signed it; a proxy in between may have changed ours.
    """
    request.max_content_length = BODY_LIMIT
    query = request.query_string.decode("latin-1")
    return WebhookRequest(
        method=request.method,
        url=f"{public_url}{request.path}{'?' if query else ''}{query}",
        headers={name.lower(): value for name, value in request.headers},
        # The raw body first: parsing the form from it afterwards leaves it whole.
        body=request.get_data(),
        form={name: tuple(values) for name, values in request.form.lists()} if _is_form(request.mimetype) else {},
    )


def _is_form(mimetype: str) -> bool:
    return mimetype in ("application/x-www-form-urlencoded", "multipart/form-data")
