"""The web chat over HTTP: its loader and page, and what a visitor's browser asks for.

A visitor's calls carry `Authorization: Bearer <visitor token>` and no cookie, so that no other page can make them on
the visitor's behalf. Rate limits are counted per visitor and per address, in this process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from apiflask import APIBlueprint
from flask import Response, current_app, g, request
from flask.blueprints import BlueprintSetupState
from ulid import ULID

from hub.domain.errors import BadSignature, Refused, Unavailable
from hub.domain.inbox import Inbox
from hub.domain.messages import Address, Delivery
from hub.domain.visitor import Visitor
from hub.ports import WebChat
from hub.services import attachments, contacts, delivery, inbound, opening, typing, web_chat
from hub.services.rate_limit import RateLimit
from hub.store import feed
from hub.store.queries import widget
from hub.web import assets, widget_render
from hub.web import schemas as s
from hub.web import schemas_conversations as sc
from hub.web import schemas_widget as sw
from hub.web.context import caller_address, the_hub
from hub.web.files import UploadIn, reads_upload, rendered
from hub.web.render import time
from hub.web.webhooks import webhook_request

HISTORY = 50
BODY_LIMIT = 128 * 1024
LOADER_AGE = 300

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
# An origin as it may stand in a policy: nothing that ends its directive.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")

_LIMITS = "widget_limits"


@dataclass(frozen=True)
class Limits:
    """How often one may call. An office or a mobile network shares an address: those are wide, a visitor's narrow."""

    sessions: RateLimit = field(default_factory=lambda: RateLimit(per_second=2, burst=60))
    address: RateLimit = field(default_factory=lambda: RateLimit(per_second=10, burst=200))
    visitor: Mapping[str, RateLimit] = field(
        default_factory=lambda: {
            "widget.say": RateLimit(per_second=1, burst=20),
            "widget.upload": RateLimit(per_second=0.2, burst=10),
            "widget.tell": RateLimit(per_second=0.2, burst=10),
            "widget.write": RateLimit(per_second=2, burst=10),
            "widget.see": RateLimit(per_second=5, burst=50),
            "widget.look": RateLimit(per_second=5, burst=50),
        }
    )


blueprint = APIBlueprint("widget", __name__, tag="Web chat", url_prefix="/widget")


@blueprint.record
def _count_for_this_application(setup: BlueprintSetupState) -> None:
    setup.app.extensions[_LIMITS] = Limits()


# --- the loader and the page ------------------------------------------------------------------------------------------


@blueprint.get("/loader.js")
@blueprint.doc(hide=True)
def loader() -> Response:
    response = _built("loader.js", LOADER_AGE)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@blueprint.get("/static/<path:path>")
@blueprint.doc(hide=True)
def static(path: str) -> Response:
    """A file of the built chat app. Their names carry a hash of their content."""
    return _built(path, assets.FOR_EVER)


@blueprint.get("/frame")
@blueprint.doc(hide=True)
def frame() -> Response:
    """The chat app's page, for an iframe on the inbox's own pages and nobody else's."""
    inbox = the_hub().inboxes.by_key(request.args.get("inbox", ""))
    web_chat.chat_of(the_hub(), inbox)
    response = _built("frame.html", 0)
    ancestors = ["'self'", *(each for each in inbox.settings.get("origins", ()) if _ORIGIN.fullmatch(each))]
    socket = f"{'wss' if request.is_secure else 'ws'}://{request.host}"
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        f"font-src 'self'; connect-src 'self' {socket}; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {' '.join(ancestors)}"
    )
    return response


def _built(path: str, age: int) -> Response:
    """A file of the built chat app. Raises NotFound, or Unavailable when nothing is built yet."""
    folder = the_hub().settings.console / "widget"
    if not (folder / "frame.html").is_file():
        raise Unavailable("the chat app is not built yet", retry_after=5)
    return assets.send(folder, path, age)


# --- a visitor's calls ------------------------------------------------------------------------------------------------


@blueprint.before_request
def authenticate() -> None:
    """Finds out who calls. Raises BadSignature; TooMany over a limit."""
    if "/v1/" not in request.path:
        return
    request.max_content_length = BODY_LIMIT
    limits: Limits = current_app.extensions[_LIMITS]
    address, endpoint = "" if _is_of_this_machine() else caller_address(), request.endpoint or ""
    if endpoint == "widget.session":
        if address:
            limits.sessions.check(address)
        return
    if address:
        limits.address.check(address)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise BadSignature("a bearer token is missing")
    g.visitor, g.inbox, g.chat = web_chat.visitor_of(the_hub(), token.strip())
    if limit := limits.visitor.get(endpoint):
        limit.check(_visitor().visitor_id)


def _is_of_this_machine() -> bool:
    """Whether a program beside the hub asks, and no proxy for somebody else."""
    try:
        return ip_address(request.remote_addr or "").is_loopback and "X-Forwarded-For" not in request.headers
    except ValueError:
        return False


def _visitor() -> Visitor:
    visitor: Visitor = g.visitor
    return visitor


def _inbox() -> Inbox:
    inbox: Inbox = g.inbox
    return inbox


def _chat() -> WebChat:
    chat: WebChat = g.chat
    return chat


def _visitors_address() -> Address:
    visitor = _visitor()
    return Address(widget.CHANNEL, visitor.visitor_id, visitor.inbox_id, visitor.display_name)


@blueprint.post("/v1/session")
@blueprint.input(sw.WidgetSessionIn, arg_name="asked")
@blueprint.output(sw.WidgetSessionOut)
def session(asked: sw.WidgetSessionIn) -> sw.WidgetSessionOut:
    """Open or resume a visit."""
    hub = the_hub()
    inbox = hub.inboxes.by_key(asked.inbox)
    chat = web_chat.chat_of(hub, inbox)
    _require_allowed(chat, asked.origin)
    settings = widget_render.settings(inbox, chat.capabilities)
    visitor = _whose(chat, inbox, asked, settings)
    with hub.store.read() as connection:
        # First the place in the feed, then what came before it: what comes after is asked of the feed with it.
        cursor = feed.head(connection)
        known = widget.known(connection, inbox.id, visitor.visitor_id)
        said = widget.history(connection, known.identity_id, cursor, limit=HISTORY) if known else []
        conversation = widget.current(connection, known.identity_id) if known else None
        status = widget_render.status(connection, conversation) if conversation else None
        team_id = conversation.team_id if conversation else inbox.team_id
        windows = opening.windows(connection, hub.store.rulebook, team_id, inbox.id, hub.clock.now())
    return sw.WidgetSessionOut(
        visitor_token=chat.issue_visitor_token(visitor),
        socket_token=chat.issue_visitor_token(visitor, purpose="socket"),
        contact_name=(known.contact_name if known else "") or visitor.display_name,
        needs_details=bool(settings.pre_chat) and known is None and not visitor.evidence,
        unread=sum(each.kind == "outgoing" and each.state != Delivery.READ for each in said),
        settings=settings,
        entries=widget_render.history(said, hub),
        cursor=str(cursor),
        status=status,
        open=None if windows is None else [sw.WidgetWindow(begins=time(a), ends=time(b)) for a, b in windows],
    )


def _require_allowed(chat: WebChat, origin: str) -> None:
    """The call comes from our own frame, and that stands in a page of the inbox's (or of ours: the demo shop)."""
    own = {"public_url": the_hub().settings.public_url, "host_url": request.host_url}
    caller = request.headers.get("Origin")
    if caller is not None and not web_chat.is_own_origin(caller, **own):
        raise Refused("Origin", "must be the hub's own: the chat runs in its frame")
    if not (web_chat.is_own_origin(origin, **own) or chat.allows_origin(origin)):
        raise Refused("origin", "must be one of the pages that may embed this chat")


def _whose(chat: WebChat, inbox: Inbox, asked: sw.WidgetSessionIn, settings: sw.WidgetSettings) -> Visitor:
    """The visitor of a visit: the one of the token, unless somebody else has signed in or out since."""
    known = chat.read_visitor_token(asked.visitor_token) if asked.visitor_token else None
    signed = chat.read_identity_token(asked.identity_token) if asked.identity_token else None
    evidence = signed.evidence(inbox.id) if signed else ()
    visitor_id = str(ULID())
    if known is not None and _customers(known.evidence) in ((), _customers(evidence)):
        visitor_id = known.visitor_id
    return Visitor(
        visitor_id=visitor_id,
        inbox_id=inbox.id,
        language=asked.language if asked.language in settings.languages else settings.languages[0],
        display_name=signed.name if signed else "",
        evidence=evidence,
    )


def _customers(evidence: tuple[tuple[str, str, str], ...]) -> tuple[str, ...]:
    """The shop's customers that evidence names: one, or nobody."""
    return tuple(value for kind, value, _ in evidence if kind == "customer")


@blueprint.post("/v1/details")
@blueprint.input(sw.WidgetDetailsIn, arg_name="details")
@blueprint.output(s.Done)
def tell(details: sw.WidgetDetailsIn) -> s.Done:
    """Say who one is: the form before the chat."""
    hub, address = the_hub(), _visitors_address()
    name, email = details.name.strip(), details.email.strip().lower()
    phone = details.phone.strip()
    given = {"name": name, "email": email, "phone": phone}
    for asked in widget_render.settings(_inbox(), _chat().capabilities).pre_chat:
        if asked.required and not given[asked.name]:
            raise Refused(asked.name, "must be filled in")
    if email and not _EMAIL.fullmatch(email):
        raise Refused("email", "must be an e-mail address, such as ana@example.org")
    region = contacts.region_of(_inbox())
    hub.store.write(lambda tx: contacts.state_details(tx, address, name, email, phone, region))
    return s.Done()


@blueprint.post("/v1/messages")
@blueprint.input(sw.WidgetMessageIn, arg_name="_")
@blueprint.output(sw.Accepted)
def say(_: sw.WidgetMessageIn) -> Response:
    """Write to the firm. Sending again with the same `client_id` is harmless."""
    hub, inbox, chat = the_hub(), _inbox(), _chat()
    webhook = webhook_request(hub.settings.public_url)
    chat.verify(webhook)
    parsed = chat.parse_inbound(webhook)
    (received,) = hub.store.write(lambda tx: inbound.accept(tx, inbox, parsed, webhook, chat.capabilities))
    accepted = sw.Accepted(
        message_id=received.message_id, conversation_id=received.conversation_id, duplicate=received.duplicate
    )
    # Written here: the framework's way to the same bytes costs a fifth of the whole request.
    return Response(accepted.model_dump_json(), mimetype="application/json")


@blueprint.get("/v1/events")
@blueprint.input(sc.FeedQuery, location="query", arg_name="query")
@blueprint.output(sw.WidgetFeed)
def look(query: sc.FeedQuery) -> sw.WidgetFeed:
    """What happened since a cursor; without one nothing, and the cursor of now."""
    hub, visitor = the_hub(), _visitor()
    with hub.store.read() as connection:
        if query.after is None:
            return sw.WidgetFeed(entries=[], cursor=str(feed.head(connection)), more=False)
        after = feed.Cursor.parse(query.after)
        known = widget.known(connection, visitor.inbox_id, visitor.visitor_id)
        streams = widget.streams(connection, known.identity_id) if known else []
        page = feed.read(connection, after, limit=query.limit, stream_ids=streams)
        entries = widget_render.for_visitor(connection, page, visitor.inbox_id, visitor.visitor_id, hub)
    return sw.WidgetFeed(entries=entries, cursor=str(page.cursor), more=page.more)


@blueprint.post("/v1/attachments")
@reads_upload(lambda: _chat().capabilities.attachment_limit)
@blueprint.input(UploadIn, location="files", arg_name="form")
@blueprint.output(sc.AttachmentOut)
def upload(form: UploadIn) -> sc.AttachmentOut:
    """Upload a file for a message."""
    hub, capabilities = the_hub(), _chat().capabilities
    attachment = attachments.store(
        hub,
        owner=attachments.customer_owner(_visitors_address()),
        name=form.file.filename or "",
        content=form.file.stream.read(capabilities.attachment_limit + 1),
        limit=capabilities.attachment_limit,
        media_types=capabilities.media_types,
    )
    return rendered(attachment, attachments.links(hub))


@blueprint.post("/v1/seen")
@blueprint.input(sw.SeenIn, arg_name="seen")
@blueprint.output(s.Done)
def see(seen: sw.SeenIn) -> s.Done:
    """Say how far one has read."""
    visitor = _visitor()
    the_hub().store.write(
        lambda tx: delivery.seen(
            tx, visitor.inbox_id, widget.CHANNEL, visitor.visitor_id, seen.message_id, Delivery(seen.state)
        )
    )
    return s.Done()


@blueprint.post("/v1/typing")
@blueprint.input(sw.TypingIn, arg_name="typed")
@blueprint.output(s.Done)
def write(typed: sw.TypingIn) -> s.Done:
    """Say that one is writing, where there is no socket."""
    visitor = _visitor()
    typing.by_visitor(the_hub(), visitor.inbox_id, visitor.visitor_id, on=typed.on)
    return s.Done()
