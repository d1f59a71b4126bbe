"""Providers' webhooks. Before the 200: verify, parse, one transaction; nothing else, for providers wait and repeat."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from hub import failpoints
from hub.domain.errors import BadSignature, Refused, TooLarge, Unavailable
from hub.domain.forms import FORM
from hub.domain.inbox import Inbox
from hub.domain.messages import DeliveryUpdate, Parsed, Seen, WebhookRequest
from hub.hub import Hub
from hub.ports import Channel
from hub.services import inbound, inbox_health, names
from hub.store.unit_of_work import Tx
from hub.web.context import the_hub

# Providers send links to media, not the media; a batch of a thousand delivery reports has half of this.
BODY_LIMIT = 2 * 1024 * 1024
# No provider comes near; and a form of a million empty fields is read for seconds, before anybody has proved anything.
FIELD_LIMIT = 1000

log = logging.getLogger(__name__)
blueprint = Blueprint("webhooks", __name__)


@blueprint.route("/webhooks/<identifier:inbox_key>", methods=["GET", "POST"])
def receive(inbox_key: str) -> Response:
    """One call of a provider to one inbox, answered as the provider wants it."""
    hub = the_hub()
    inbox = hub.inboxes.by_key(inbox_key)
    channel = _channel(hub, inbox)
    webhook = webhook_request(hub.settings.public_url)
    try:
        channel.verify(webhook)
    except BadSignature as error:
        inbox_health.refused(hub, inbox.id, str(error))
        raise
    parsed = channel.parse_inbound(webhook)
    failpoints.reach("webhook.read")
    has_news, noted = bool(parsed.events or parsed.set_aside), inbox_health.is_due(hub, inbox.id, "heard")

    def store(tx: Tx) -> None:
        if has_news:
            inbound.accept(tx, inbox, parsed, webhook, channel.capabilities)
        if noted:
            inbox_health.heard(tx, inbox.id)

    if has_news or noted:
        hub.store.write(store, later=_only_reports(parsed))
    failpoints.reach("webhook.stored")
    names.look_up(hub, inbox, channel, parsed)
    reply = parsed.reply
    return Response(reply.body, reply.status, content_type=reply.content_type)


def _only_reports(parsed: Parsed) -> bool:
    """Whether it only says what became of messages of ours: what a customer says goes first."""
    return not parsed.set_aside and all(isinstance(event, DeliveryUpdate | Seen) for event in parsed.events)


def _channel(hub: Hub, inbox: Inbox) -> Channel:
    """Raises Unavailable where the inbox is switched off or its settings are at fault: the provider keeps its messages
    and comes again."""
    if inbox.disabled:
        raise Unavailable("this inbox is switched off", retry_after=60)
    try:
        return hub.channel_of(inbox)
    except (Refused, KeyError) as error:
        log.warning("the inbox %s cannot be used, its settings are wrong: %s", inbox.name, error)
        raise Unavailable("this inbox is not set up", retry_after=60) from error


def webhook_request(public_url: str) -> WebhookRequest:
    """The current request as a channel sees it.

    The URL is the public one, as the provider signed it; a proxy in between may have changed ours.

    Raises:
        TooLarge: a body over `BODY_LIMIT` bytes, or a form of more than `FIELD_LIMIT` fields.
    """
    # One more than we take: a body that does not say its length is cut off there without a word.
    request.max_content_length = BODY_LIMIT + 1
    too_large = TooLarge("body", f"must have at most {BODY_LIMIT} bytes")
    try:
        body = request.get_data()
    except RequestEntityTooLarge as error:
        raise too_large from error
    if len(body) > BODY_LIMIT:
        raise too_large
    if request.mimetype == FORM and body.count(b"&") >= FIELD_LIMIT:
        raise TooLarge("body", f"must be a form of at most {FIELD_LIMIT} fields")
    query = request.query_string.decode("latin-1")
    return WebhookRequest(
        method=request.method,
        url=f"{public_url}{request.path}{'?' if query else ''}{query}",
        headers={name.lower(): value for name, value in request.headers},
        body=body,
    )
