"""What is said of messages after they were said: edited, taken back, reacted to, read, echoed by another app."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

from hub.domain import events as e
from hub.domain.conversation import Status
from hub.domain.inbox import Inbox
from hub.domain.messages import (
    Address,
    Author,
    Deletion,
    Delivery,
    Edit,
    InboundMessage,
    Kind,
    Reachable,
    Reaction,
    Seen,
    chosen,
    further,
)
from hub.domain.rendering import meant
from hub.hub import Hub
from hub.services import attachments, consent, contacts
from hub.services.work import Work, nothing
from hub.store import tables as t
from hub.store.queries import changes as queries
from hub.store.queries import sending
from hub.store.unit_of_work import Tx, UseCase

lock = queries.lock
Change = Edit | Deletion | Reaction
_KINDS: dict[str, type[Change]] = {kind.__name__: kind for kind in (Edit, Deletion, Reaction)}
DELETED = "deleted"
_LONGEST_CHOICE = 100


def take(tx: Tx, inbox_id: str, change: Change) -> bool:
    """Applies a change to its message, or keeps it until that comes. Returns whether anything was written: a copy, and
    what is older than what is known, writes nothing."""
    queries.lock(tx, inbox_id, change.target)
    found = queries.target(tx.connection, inbox_id, change.target)
    if found is None:
        kept = json.dumps([type(change).__name__, asdict(change)], sort_keys=True, ensure_ascii=False)
        return queries.park(tx, inbox_id, change.target, kept)
    return _apply(tx, inbox_id, found, change)


def catch_up(tx: Tx, inbox_id: str, external_id: str) -> None:
    """Applies what came before the message that has been stored now."""
    waiting = queries.parked(tx, inbox_id, external_id)
    for each in waiting:
        name, fields = json.loads(each)
        change = _KINDS[name](**fields | {"address": Address(**fields["address"])})
        found = queries.target(tx.connection, inbox_id, external_id)
        if found is not None:
            _apply(tx, inbox_id, found, change)


def _apply(tx: Tx, inbox_id: str, found: queries.Target, change: Change) -> bool:
    tx.conversation(found.conversation_id)  # locked: a copy that was under way has done it by now
    now = queries.target(tx.connection, inbox_id, change.target)
    if now is None or now.erased:
        return False
    match change:
        case Reaction():
            return _react(tx, now, change)
        case Edit() if now.theirs:
            return _edit(tx, now, change)
        case Deletion() if now.theirs:
            _delete(tx, inbox_id, now)
            return True
        case _:
            return False


def _by(tx: Tx, found: queries.Target) -> e.Actor:
    if found.kind != Kind.INCOMING:
        return e.Actor(Author.AGENT)
    return e.Actor(Author.CONTACT, tx.conversation(found.conversation_id).contact_id)


def _edit(tx: Tx, found: queries.Target, edit: Edit) -> bool:
    """Versions are in the provider's order; each says when it was stored too, by which its raw payload is found."""
    versions = found.extras.get("versions") or [{"at": 0, "text": found.text, "stored": found.at}]
    if any(each["at"] == edit.sent_at for each in versions) or versions[-1]["text"] == edit.text:
        return False
    versions = sorted(
        [*versions, {"at": edit.sent_at, "text": edit.text, "stored": tx.now}], key=lambda each: each["at"]
    )
    tx.record(found.conversation_id, e.MessageEdited(found.id), _by(tx, found))
    text = versions[-1]["text"]
    digest = sha256(text.encode()).hexdigest()
    extras = _json(found.extras | {"versions": versions})
    tx.change(t.message, {"id": found.id}, {"text": text, "text_hash": digest, "extras": extras})
    return True


def _delete(tx: Tx, inbox_id: str, found: queries.Target) -> None:
    """The text goes here, the files in a job of the event: their bytes are not in the database."""
    tx.record(found.conversation_id, e.MessageDeleted(found.id), _by(tx, found))
    for media_id in queries.waiting_media(tx, found.id):
        tx.record(found.conversation_id, e.MediaRefused(found.id, media_id, DELETED))
    queries.forget_media(tx, found.id)
    stored = [found.at, *(each["stored"] for each in found.extras.get("versions", ()))]
    queries.forget_payloads(tx, inbox_id, stored)
    # Where to they wrote is ours, and answers still go that way.
    kept = {DELETED: True} | {name: found.extras[name] for name in (sending.TO,) if name in found.extras}
    tx.change(t.message, {"id": found.id}, {"text": "", "extras": _json(kept), "erased_at": tx.now})


def _react(tx: Tx, found: queries.Target, new: Reaction) -> bool:
    all_of_them = new.only or not new.emoji
    kept: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for each in found.extras.get("reactions", ()):
        same = each["who"] == new.address.value and (all_of_them or each["emoji"] in (new.emoji, ""))
        (theirs if same else kept).append(each)
    said = {"who": new.address.value, "emoji": new.emoji, "at": new.sent_at, "removed": new.removed}
    if any(each["at"] > new.sent_at or said.items() <= each.items() for each in theirs):
        return False
    reactions = [*kept, said | {"name": new.address.display_name}]
    tx.record(found.conversation_id, e.ReactionChanged(found.id, new.removed), _by_reader(tx, found))
    tx.change(t.message, {"id": found.id}, {"extras": _json(found.extras | {"reactions": reactions})})
    return True


def _by_reader(tx: Tx, found: queries.Target) -> e.Actor:
    return e.Actor(Author.CONTACT, tx.conversation(found.conversation_id).contact_id)


def erase_files(hub: Hub, work: Work) -> UseCase[None]:
    """Job: what a message that was taken back had of files goes too."""
    event = work.recorded.event
    if not isinstance(event, e.MessageDeleted):
        raise TypeError(f"files go with their message, not with {type(event).__name__}")
    with hub.store.read() as connection:
        files = queries.files(connection, event.message_id)
    if not files:
        return nothing
    for each in files:
        hub.files.delete(attachments.key(each))

    def write(tx: Tx) -> None:
        for each in files:
            tx.remove(t.attachment, {"id": each})

    return write


def seen(tx: Tx, inbox: Inbox, said: Seen) -> bool:
    """The customer has got or read what was sent until then. Returns whether that is news."""
    known = whose(tx, inbox, said.address)
    if known is None:
        return False
    below = tuple(each.value for each in Delivery if further(each, said.state) is not each)
    behind = queries.sent_up_to(tx.connection, inbox.id, known[0], said.up_to, below)
    for message_id, conversation_id in reversed(behind):
        tx.record(conversation_id, e.DeliveryChanged(message_id, said.state.value))
    return bool(behind)


def leaving(tx: Tx, inbox: Inbox, message: InboundMessage) -> str:
    """Our id of the message that an echo without one may be: sent just now, and not yet answered for."""
    known = whose(tx, inbox, message.address)
    return queries.leaving(tx.connection, inbox.id, known[0], message.text) if known else ""


def is_stored(tx: Tx, inbox_id: str, external_id: str) -> bool:
    """Whether a message of either side has this id with the provider."""
    return queries.target(tx.connection, inbox_id, external_id) is not None


def reachable(tx: Tx, inbox: Inbox, said: Reachable) -> bool:
    """The customer blocked us, or no longer does. Nobody is known by that alone."""
    known = whose(tx, inbox, said.address)
    conversation_id = queries.last_conversation(tx.connection, known[1]) if known else ""
    if known is None or not conversation_id:
        return False
    if said.reachable:
        return consent.give(tx, conversation_id, known[0], consent.PROVIDER)
    return consent.withdraw(tx, conversation_id, known[0], consent.PROVIDER, inbox_id=inbox.id)


def whose(tx: Tx, inbox: Inbox, address: Address) -> tuple[str, str] | None:
    """(identity, contact) of an address, however it is spelled; None where nobody has it."""
    return queries.identity_of(tx.connection, contacts.canonical(address, contacts.region_of(inbox)))


def taken_by_a_person(tx: Tx, conversation_id: str, actor: e.Actor) -> None:
    """Somebody answers in the provider's own app: the bot is silent from now on, as if they had the conversation."""
    conversation = tx.conversation(conversation_id)
    if conversation.status == Status.BOT:
        tx.record(conversation_id, e.Transferred(conversation.team_id), actor)


def choice(tx: Tx, message: InboundMessage, identity_id: str, contact_id: str) -> InboundMessage:
    """The message with the button that it chose by pressing it (a `choice_token`), or by typing its number or title
    under the last message that offered any: `payload`, and the title where nothing was written."""
    offered, number = chosen(message.payload)
    if offered:
        buttons = queries.offered(tx.connection, offered, contact_id)
    elif message.payload or not 0 < len(message.text) <= _LONGEST_CHOICE:
        return message
    else:
        offered, buttons = queries.last_offer(tx.connection, identity_id)
        if not buttons:
            return message
        typed = meant(message.text, [button["title"] for button in buttons])
        number = 0 if typed is None else typed + 1
    if not 1 <= number <= len(buttons):
        return replace(message, payload="") if offered and message.payload else message
    button = buttons[number - 1]
    text = message.text if message.text.strip() else button["title"]
    return replace(message, payload=button["payload"], reply_to=offered, text=text)


def shown(tx: Tx, inbox_id: str, message: InboundMessage) -> dict[str, Any]:
    """What a message has besides text and files, as it stands in its extras."""
    found: dict[str, Any] = {}
    if message.answers and (answered := queries.target(tx.connection, inbox_id, message.answers)):
        found["answers"] = answered.id
    if message.location:
        found["location"] = asdict(message.location)
    if message.cards:
        found["cards"] = [asdict(each) for each in message.cards]
    if message.referral:
        found["referral"] = asdict(message.referral)
    for name in ("sticker", "unsupported", "read_token"):
        if value := getattr(message, name):
            found[name] = value
    return found


def _json(extras: dict[str, Any]) -> str:
    return json.dumps(extras, ensure_ascii=False)
