"""What comes in from channels: one transaction for everything in a webhook, and nothing twice."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from hub.domain import events as e
from hub.domain.conversation import Conversation, Status
from hub.domain.errors import Refused
from hub.domain.inbox import Inbox
from hub.domain.mail_threading import Placement
from hub.domain.matching import Match, Rule, match
from hub.domain.messages import (
    AccountTrouble,
    Author,
    CallEvent,
    Deletion,
    Delivery,
    DeliveryUpdate,
    Echo,
    Edit,
    InboundMessage,
    Letter,
    Parsed,
    Reachable,
    Reaction,
    Readdressed,
    Seen,
    TemplateUpdate,
    WebhookRequest,
)
from hub.domain.verification import PROOF, STATED
from hub.ports import Capabilities
from hub.services import (
    changes,
    consent,
    contacts,
    deep_links,
    delivery,
    letters,
    media,
    templates,
    vendors,
    verification,
)
from hub.store import tables as t
from hub.store.queries import attachments as attachment_queries
from hub.store.queries import matching, reply_window, sending
from hub.store.unit_of_work import MessageContent, Tx

# Kept with the raw payload for replay; everything else (cookies, tokens) is not.
_KEPT_HEADERS = ("content-type", "user-agent")
# What may come from a channel of which nothing is known: all of it is looked for.
_ANY = Capabilities("", 0)


@dataclass(frozen=True, slots=True)
class Received:
    """Where a customer's message is stored. `duplicate`: it was there already and nothing was written."""

    message_id: str
    conversation_id: str
    duplicate: bool


def accept(
    tx: Tx,
    inbox: Inbox,
    parsed: Parsed,
    request: WebhookRequest,
    rules: Capabilities = _ANY,
    *,
    raw_is_kept: bool = False,
) -> tuple[Received, ...]:
    """Stores a webhook: its messages, its delivery reports, what had to be set aside, and the raw payload.

    `rules` are the channel's. `raw_is_kept`: whoever calls keeps the raw payload elsewhere. Returns a `Received` for
    each message, in order. A repeated webhook writes nothing.
    """
    received: list[Received] = []
    written = False
    for event in parsed.events:
        match event:
            case InboundMessage():
                stored = receive(tx, inbox, event, rules)
                received.append(stored)
                written |= not stored.duplicate
            case DeliveryUpdate():
                written |= delivery.report(tx, inbox.id, event)
            case Edit() | Deletion() | Reaction():
                written |= changes.take(tx, inbox.id, event)
            case Echo():
                written |= echoed(tx, inbox, event)
            case Seen():
                written |= changes.seen(tx, inbox, event)
            case Readdressed():
                written |= contacts.readdress(tx, inbox, event)
            case Reachable():
                written |= changes.reachable(tx, inbox, event)
            case TemplateUpdate():
                written |= templates.decided(tx, inbox.id, event)
            case AccountTrouble():
                written |= delivery.trouble(tx, inbox.id, event)
            case CallEvent():
                raise Refused("events", f"an inbox of the channel {inbox.channel} takes no calls")
    for element in parsed.set_aside:
        tx.add(
            t.set_aside,
            {
                "id": tx.new_id(),
                "inbox_id": inbox.id,
                "at": tx.now,
                "field": element.field,
                "rule": element.rule,
                "raw": b"" if raw_is_kept else element.raw,
            },
        )
    # What was taken back may stand in the very request that says so.
    taken_back = any(isinstance(each, Deletion) for each in parsed.events)
    if (written or parsed.set_aside) and not raw_is_kept and not taken_back:
        headers = {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers}
        tx.add(
            t.webhook_payload,
            {
                "id": tx.new_id(),
                "inbox_id": inbox.id,
                "at": tx.now,
                "headers": json.dumps(headers),
                "body": request.body,
            },
        )
    return tuple(received)


def receive(tx: Tx, inbox: Inbox, message: InboundMessage, rules: Capabilities = _ANY) -> Received:
    """Stores one message of a customer in the conversation that it belongs to."""
    letter = message.letter
    firms = vendors.writing(tx.connection, letter) if letter else frozenset()
    if letter and firms and (answering := vendors.answering(tx, inbox, letter, firms)):
        return _from_vendor(tx, inbox, message, letter, answering)
    followed = deep_links.follow(tx, inbox, message, rules.deep_link)
    if followed:
        message = followed.message
    identity = contacts.find_or_create(tx, inbox, message)
    if identity.duplicate_id:
        return Received(identity.duplicate_id, identity.duplicate_in, duplicate=True)
    placed = letters.placement(tx, inbox.id, letter) if letter else None
    linked = matching.standing(tx, followed.conversation_id) if followed and followed.conversation_id else None
    threaded = linked or _threaded(tx, inbox, message, identity, placed)
    # A mail says itself what it belongs to: one that names nothing is about another matter.
    current = None if threaded or letter else matching.current_conversation(tx, identity.contact_id, identity.current)
    found = match(
        threaded=threaded,
        current=current,
        now=tx.now,
        window=inbox.window,
        reopen_window=inbox.reopen_window,
    )
    if linked and found.conversation_id:
        found = replace(found, rule=Rule.LINK)
    if identity.evidence == STATED and not found.conversation_id:
        mine = contacts.unless_too_late(tx, identity, message, window=inbox.window)
        if mine is not identity:
            identity, found = mine, Match(Rule.NEW)
    actor = e.Actor(Author.CONTACT, identity.contact_id)
    if found.conversation_id:
        conversation_id = found.conversation_id
        silent = message.consent is not None or message.elsewhere or (letter and letter.robot in letters.SILENT)
        if not silent:
            _wake(tx, tx.conversation(conversation_id), found, actor)
    else:
        conversation_id = _open(tx, inbox, message, identity, found, actor, for_bot=inbox.bot and not firms)
    if message.elsewhere and (not found.conversation_id or tx.conversation(conversation_id).status == Status.BOT):
        tx.record(conversation_id, e.Resolved())  # another app has the customer: nobody here is called
    _verify(tx, conversation_id, message, identity, inbox)
    if message.thread_key and (threaded is None or threaded.id != conversation_id):
        tx.record(conversation_id, e.RouteMoved(inbox.id, identity.identity_id, message.thread_key))
    if rules.typed_choices:
        message = changes.choice(tx, message, identity.identity_id, identity.contact_id)
    trusted = _was_offered(tx, message, identity.contact_id)
    message_id = tx.new_id()
    extras = _extras(tx, inbox.id, message, message_id, trusted, placed, firms)
    if followed:
        extras = (extras or {}) | {"link": followed.outcome.value}
    if rules.changeable:
        changes.lock(tx, inbox.id, message.external_id)
    before = tx.conversation(conversation_id)
    if (before.inbox_id, before.identity_id) != (inbox.id, identity.identity_id):
        # Right before the message, which shows that a segment begins with it.
        tx.record(conversation_id, e.SegmentBegan(inbox.id, identity.identity_id, message.address.channel), actor)
    tx.record(
        conversation_id,
        e.MessageReceived(
            message_id,
            inbox.id,
            identity.identity_id,
            message.address.channel,
            placed.rule.value if placed and found.rule is Rule.THREAD_KEY else found.rule.value,
            message.consent.word.value if message.consent else "",
            letter.robot if letter else "",
        ),
        actor,
        content=MessageContent(
            text=message.text,
            extras=extras,
            external_id=message.external_id,
            trusted=trusted,
        ),
    )
    if letter is not None:
        letters.keep(tx, inbox.id, message_id, letter)
        if not found.conversation_id and letter.robot in letters.SILENT:
            tx.record(conversation_id, e.Resolved())
    if verification.looks_like_code(message.text) and verification.awaits_code(tx, conversation_id):
        tx.record(conversation_id, e.CodeTyped(message_id, identity.identity_id), actor)
    media.announce(tx, inbox.id, conversation_id, message_id, message.media)
    if rules.changeable:
        changes.catch_up(tx, inbox.id, message.external_id)
    reply_window.note(tx, identity.identity_id, inbox.id, message)
    if followed:
        deep_links.tell(tx, conversation_id, followed, message_id, actor)
    if message.consent is not None:
        consent.heard(tx, inbox, conversation_id, identity.identity_id, message.consent, message.language)
        if not found.conversation_id:
            tx.record(conversation_id, e.Resolved())  # nothing is left to do for anybody
    return Received(message_id, conversation_id, duplicate=False)


def echoed(tx: Tx, inbox: Inbox, echo: Echo) -> bool:
    """Takes a message of ours that came back. Returns whether it is news.

    What the hub sent itself says that the provider took it, in case its answer got lost. What a person typed in the
    provider's own app is an agent's message in the customer's conversation, and never the bot's business.
    """
    message = echo.message
    if echo.own or echo.message_id:
        return _ours(tx, inbox, echo)
    identity = contacts.find_or_create(tx, inbox, message)
    if identity.duplicate_id or changes.is_stored(tx, inbox.id, message.external_id):
        return False
    current = matching.current_conversation(tx, identity.contact_id)
    found = match(
        threaded=_threaded(tx, inbox, message, identity, None),
        current=current,
        now=tx.now,
        window=inbox.window,
        reopen_window=inbox.reopen_window,
    )
    actor = e.Actor(Author.AGENT)
    if found.conversation_id:
        conversation_id = found.conversation_id
    else:
        conversation_id = _open(tx, inbox, message, identity, found, actor, for_bot=False)
        tx.record(conversation_id, e.Resolved())  # it waits for nobody until the customer answers
    changes.taken_by_a_person(tx, conversation_id, actor)
    message_id = tx.new_id()
    changes.lock(tx, inbox.id, message.external_id)
    extras = _extras(tx, inbox.id, message, message_id, trusted=False, placed=None) or {}
    tx.record(
        conversation_id,
        e.MessageEchoed(message_id, inbox.id, identity.identity_id, message.address.channel),
        actor,
        content=MessageContent(
            text=message.text, extras={**extras, "native_app": True}, external_id=message.external_id
        ),
    )
    media.announce(tx, inbox.id, conversation_id, message_id, message.media)
    changes.catch_up(tx, inbox.id, message.external_id)
    return True


def _ours(tx: Tx, inbox: Inbox, echo: Echo) -> bool:
    message_id = echo.message_id or changes.leaving(tx, inbox, echo.message)
    if not message_id:
        return False
    return delivery.report(tx, inbox.id, DeliveryUpdate(Delivery.SENT, echo.message.external_id, message_id))


def _threaded(
    tx: Tx, inbox: Inbox, message: InboundMessage, identity: matching.KnownIdentity, placed: Placement | None
) -> Conversation | None:
    """The conversation that the message itself names, locked."""
    if placed is not None:
        return matching.standing(tx, placed.conversation_id) if placed.conversation_id else None
    if message.thread_key:
        return matching.routed_conversation(tx, inbox.id, identity.identity_id, message.thread_key)
    return None


def _from_vendor(
    tx: Tx, inbox: Inbox, message: InboundMessage, letter: Letter, answering: vendors.Answering
) -> Received:
    """Stores what an outside firm answered, in the conversation about which it was asked, for agents alone."""
    conversation_id = matching.standing(tx, answering.placement.conversation_id).id
    # After the lock: a copy of this mail that was under way is committed by now.
    stored = matching.stored(tx, inbox_id=inbox.id, external_id=message.external_id)
    if stored:
        return Received(*stored, duplicate=True)
    actor = e.Actor(Author.VENDOR, answering.vendor_id)
    if letter.robot not in letters.SILENT:
        vendors.wake(tx, conversation_id, actor)
    message_id = tx.new_id()
    address = message.address.value
    tx.add(t.vendor_mail, {"message_id": message_id, "vendor_id": answering.vendor_id, "address": address})
    rule = answering.placement.rule.value
    tx.record(
        conversation_id,
        e.VendorAnswered(message_id, answering.vendor_id, inbox.id, message.address.channel, rule, letter.robot),
        actor,
        content=MessageContent(
            text=message.text,
            extras=_extras(tx, inbox.id, message, message_id, trusted=False, placed=answering.placement),
            external_id=message.external_id,
        ),
    )
    letters.keep(tx, inbox.id, message_id, letter, copies=False)
    return Received(message_id, conversation_id, duplicate=False)


def _open(
    tx: Tx,
    inbox: Inbox,
    message: InboundMessage,
    identity: matching.KnownIdentity,
    found: Match,
    actor: e.Actor,
    *,
    for_bot: bool,
) -> str:
    conversation_id = tx.new_id()
    tx.record(
        conversation_id,
        e.ConversationOpened(
            ticket_number=tx.next_ticket_number(),
            contact_id=identity.contact_id,
            inbox_id=inbox.id,
            identity_id=identity.identity_id,
            channel=message.address.channel,
            status=Status.BOT if for_bot and not (message.letter and message.letter.robot) else Status.WAITING,
            team_id=inbox.team_id,
            language=message.language,
            previous_id=found.previous_id,
        ),
        actor,
    )
    return conversation_id


def _verify(
    tx: Tx, conversation_id: str, message: InboundMessage, identity: matching.KnownIdentity, inbox: Inbox
) -> None:
    """Takes a signature that came with the message as the proof that it is, of the address that it came from."""
    if not any(how in PROOF for _, _, how in message.evidence):
        return
    conversation = tx.conversation(conversation_id)
    if (conversation.verified_level, conversation.verified_identity) == ("verified", identity.identity_id):
        return
    # Whoever signs in in the middle of a visit is told apart from whoever was signed in all the time.
    region = contacts.region_of(inbox)
    contacts.add_evidence(tx, identity.contact_id, message.evidence, stated_by=identity.identity_id, region=region)
    tx.record(conversation_id, e.IdentityVerified("verified", "signed_identity", identity.identity_id))


def _wake(tx: Tx, conversation: Conversation, found: Match, actor: e.Actor) -> None:
    if found.rule is Rule.REOPENED or conversation.status == Status.RESOLVED:
        tx.record(conversation.id, e.Reopened("message"), actor)
    elif conversation.status == Status.SNOOZED:
        tx.record(conversation.id, e.Woken("message"), actor)


def _was_offered(tx: Tx, message: InboundMessage, contact_id: str) -> bool:
    """Whether a button's payload is one that we had put there: only then may it reach the bot as a command."""
    if not (message.payload and message.reply_to):
        return False
    extras = matching.offered_extras(tx.connection, message.reply_to, contact_id)
    buttons = json.loads(extras).get("buttons", []) if extras else []
    return any(button["payload"] == message.payload for button in buttons)


def _extras(
    tx: Tx,
    inbox_id: str,
    message: InboundMessage,
    message_id: str,
    trusted: bool,
    placed: Placement | None,
    firms: frozenset[str] = frozenset(),
) -> dict[str, object] | None:
    extras: dict[str, object] = {}
    if message.letter is not None and placed is not None:
        extras["letter"] = letters.as_extras(tx, message, message.letter, placed)
    if firms:
        extras["vendor"] = min(firms)  # something new of a firm's: a conversation like any, and marked
    if trusted:
        extras["payload"] = message.payload
    extras |= changes.shown(tx, inbox_id, message)
    if message.to:
        extras[sending.TO] = message.to
    if message.attachments:
        owner = f"{message.address.channel}:{message.address.scope}:{message.address.value}"
        stored = attachment_queries.claim(
            tx, tuple(each.attachment_id for each in message.attachments), owner=owner, message_id=message_id
        )
        extras["attachments"] = [each.as_json() for each in stored]
    return extras or None
