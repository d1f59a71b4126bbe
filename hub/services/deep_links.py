"""A customer goes on in another channel by a link that was given to them: once, within ten minutes, as themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from hmac import compare_digest

from hub.domain import deep_links as domain
from hub.domain import events as e
from hub.domain.conversation import require
from hub.domain.deep_links import Outcome
from hub.domain.errors import Refused
from hub.domain.inbox import Inbox
from hub.domain.messages import InboundMessage
from hub.domain.rendering import phrase
from hub.domain.verification import SIGNED_LINK
from hub.hub import Hub
from hub.services import contacts, replies
from hub.store import tables as t
from hub.store.queries import deep_links as queries
from hub.store.queries import inbox_health, matching
from hub.store.unit_of_work import Tx

GOOD_FOR = 600_000_000


@dataclass(frozen=True, slots=True)
class Followed:
    """Somebody came by a link. `message` is what they said besides; `conversation_id` is where they go on, empty where
    nothing was joined; `contact_id` is whose the link was, empty for one that is none of ours."""

    outcome: Outcome
    message: InboundMessage
    link_id: str = ""
    conversation_id: str = ""
    contact_id: str = ""


def inboxes(hub: Hub, conversation_inbox: str) -> list[Inbox]:
    """The inboxes into which a customer can be led from another one: those whose links can be made now."""
    with hub.store.read() as connection:
        health = inbox_health.every(connection)
    found = []
    for inbox in hub.inboxes.every():
        known = health.get(inbox.id)
        handle = known.state.handle if known else ""
        if inbox.id != conversation_inbox and not inbox.disabled and _link(hub, inbox, handle, "", ""):
            found.append(inbox)
    return found


def _link(hub: Hub, inbox: Inbox, handle: str, token: str, language: str) -> str:
    return domain.address(hub.channel_of(inbox).capabilities.deep_link, handle, token, language)


@dataclass(frozen=True, slots=True)
class Given:
    """A link that was made: in a sentence in the customer's language, and until when it is good (microseconds)."""

    link: str
    text: str
    expires_at: int


def give(hub: Hub, conversation_id: str, inbox_id: str, agent_id: str) -> Given:
    """Makes a link for the customer of a conversation. Nothing is sent: whoever asked puts it into an answer.

    Raises:
        NotFound: no such conversation or inbox.
        Conflict: the conversation was merged into another.
        Refused: an inbox without such links, or whose account's name is not known yet.
    """
    inbox = hub.inboxes.by_id(inbox_id)
    token = domain.new_token()
    key, secret = domain.parts(token)

    def write(tx: Tx) -> Given:
        conversation = tx.conversation(conversation_id)
        require(conversation, "note")
        handle = inbox_health.get(tx.connection, inbox.id).state.handle
        link = _link(hub, inbox, handle, token, conversation.language)
        if not link or inbox.disabled:
            raise Refused("inbox_id", "must be an inbox into which links lead; Test it once, so that its name is known")
        expires_at = tx.now + GOOD_FOR
        tx.add(
            t.deep_link,
            {
                "key": key,
                "secret_hash": _hash(secret),
                "contact_id": conversation.contact_id,
                "conversation_id": conversation_id,
                "inbox_id": inbox.id,
                "agent_id": agent_id,
                "at": tx.now,
                "expires_at": expires_at,
            },
        )
        return Given(link, phrase("link", conversation.language, link=link), expires_at)

    return hub.store.write(write)


def follow(tx: Tx, inbox: Inbox, message: InboundMessage, form: str) -> Followed | None:
    """Takes a message that came by a link: its sender is the contact to whom that was given, from here on.

    A sender who is known as another contact is the same person now: the two contacts become one. A link that is not
    good joins nothing, and the message is like any other but for the word that the link carried.

    Args:
        tx: the transaction.
        inbox: where it came.
        message: what came.
        form: of the inbox's links (`Capabilities.deep_link`).

    Returns:
        What came of it; None for a message that came by no link, or that is stored already.
    """
    token, text = domain.brought(form, message)
    if not token or matching.stored(tx, inbox_id=inbox.id, external_id=message.external_id):
        return None
    kept = message.referral if message.referral and message.referral.reference != token else None
    # Some providers show the word as a command.
    text = "" if token in text else text
    bare = replace(message, text=text, referral=kept)
    link, outcome = _taken(tx, inbox, token)
    if link is None:
        return Followed(outcome, bare)
    owner = queries.owner(tx.connection, link.contact_id)
    if outcome is not Outcome.LINKED:
        return Followed(outcome, bare, link.key, contact_id=owner)
    stated_by = queries.given_to(tx.connection, link.conversation_id, token)
    contacts.link_by_proof(tx, inbox, message.address, owner, SIGNED_LINK, stated_by=stated_by)
    return Followed(outcome, bare, link.key, link.conversation_id, owner)


def _taken(tx: Tx, inbox: Inbox, token: str) -> tuple[queries.StoredLink | None, Outcome]:
    """The link of a token, used up now where it was good; None for one that is none of ours."""
    key, secret = domain.parts(token)
    link = queries.get(tx.connection, key)
    if link is None or not compare_digest(link.secret_hash, _hash(secret)):
        return None, Outcome.UNKNOWN
    if link.inbox_id != inbox.id:
        return link, Outcome.ELSEWHERE
    if link.used_at:
        return link, Outcome.USED
    if link.expires_at <= tx.now:
        return link, Outcome.EXPIRED
    # Somebody has said since that the conversation is another customer's: whose the link was is not clear any more.
    holds = matching.standing_contact(tx.connection, link.conversation_id)
    if holds != queries.owner(tx.connection, link.contact_id):
        return link, Outcome.UNKNOWN
    return link, Outcome.LINKED if queries.use(tx, key) else Outcome.USED


def tell(tx: Tx, conversation_id: str, followed: Followed, message_id: str, actor: e.Actor) -> None:
    """Notes what came of a link, and tells the customer where they wrote."""
    tx.record(conversation_id, e.LinkFollowed(message_id, followed.link_id, followed.outcome.value), actor)
    if followed.message.elsewhere:
        return
    conversation = tx.conversation(conversation_id)
    # Whoever taps the same link again is with us already.
    joined = followed.outcome is Outcome.LINKED or (
        followed.outcome is Outcome.USED and followed.contact_id == conversation.contact_id
    )
    language = conversation.language or followed.message.language
    replies.send(tx, conversation_id, phrase("link_linked" if joined else "link_not_good", language), e.SYSTEM)


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
