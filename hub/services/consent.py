"""Whether a customer wants to be written to: said by a word (STOP), by the provider, or to an agent.

One list (`do_not_contact`) for every sender: agents' answers, the bot's, the hub's own words. What it forbids is an
address, in every channel that uses it.
"""

from __future__ import annotations

from collections.abc import Mapping

from hub.domain import events as e
from hub.domain.conversation import require
from hub.domain.errors import Refused
from hub.domain.inbox import Inbox
from hub.domain.messages import Consent, ConsentWord
from hub.domain.rendering import phrase, served
from hub.services import replies
from hub.store.queries import consent as queries
from hub.store.queries.sending import ANSWERS_CONSENT
from hub.store.unit_of_work import MessageContent, Tx

KEYWORD, PROVIDER, AGENT = "keyword", "provider", "agent"


def heard(tx: Tx, inbox: Inbox, conversation_id: str, identity_id: str, said: Consent, language: str) -> None:
    """A customer's message was nothing but such a word: does what it says, and tells them so once.

    That answer goes out whatever the list says, for it is what they asked for. Where the provider has `answered`, it is
    not repeated.
    """
    match said.word:
        case ConsentWord.STOP:
            tell = withdraw(tx, conversation_id, identity_id, KEYWORD, inbox_id=inbox.id)
        case ConsentWord.START:
            give(tx, conversation_id, identity_id, KEYWORD)
            tell = True
        case ConsentWord.HELP:
            tell = True
    if tell and not said.answered:
        spoken = served(language or tx.conversation(conversation_id).language)
        extras = {ANSWERS_CONSENT: said.word.value}
        replies.send(tx, conversation_id, _text(inbox, said.word, spoken), e.SYSTEM, extras=extras)


def _text(inbox: Inbox, word: ConsentWord, language: str) -> str:
    """`help_text` of the inbox's settings is a text, or one for each language."""
    own = inbox.settings.get("help_text") if word is ConsentWord.HELP else None
    if isinstance(own, Mapping):
        own = own.get(language)
    return own or phrase(f"consent_{word.value}", language, inbox=inbox.name)


def decide(tx: Tx, conversation_id: str, identity_id: str, forbidden: bool, reason: str, by: e.Actor) -> None:
    """An agent forbids writing to an address of a conversation's customer, or allows it; the reason becomes a note.

    Saying what holds already is no error and writes nothing. Raises Refused for an address of somebody else or no
    reason, Conflict where the conversation was merged into another.
    """
    conversation = tx.conversation(conversation_id)
    require(conversation, "note")
    if not reason.strip():
        raise Refused("reason", "must not be empty")
    place = queries.place(tx.connection, identity_id)
    if place.contact_id != conversation.contact_id:
        raise Refused("identity_id", "must be an address of this conversation's customer")
    if forbidden:
        changed = withdraw(tx, conversation_id, identity_id, AGENT, by, inbox_id=conversation.inbox_id)
    else:
        changed = give(tx, conversation_id, identity_id, AGENT, by)
    if changed:
        tx.record(conversation_id, e.NoteAdded(tx.new_id()), by, content=MessageContent(text=reason))


def withdraw(
    tx: Tx, conversation_id: str, identity_id: str, how: str, by: e.Actor = e.SYSTEM, *, inbox_id: str
) -> bool:
    """Nobody may write to this address from now on. Returns whether that is new."""
    place = queries.place(tx.connection, identity_id)
    if not queries.forbid(tx, place, how=how, inbox_id=inbox_id, conversation_id=conversation_id):
        return False
    tx.record(conversation_id, e.ConsentWithdrawn(identity_id, how), by)
    return True


def give(tx: Tx, conversation_id: str, identity_id: str, how: str, by: e.Actor = e.SYSTEM) -> bool:
    """This address may be written to again. Returns whether it might not."""
    if not queries.lift(tx, queries.place(tx.connection, identity_id)):
        return False
    tx.record(conversation_id, e.ConsentGiven(identity_id, how), by)
    return True
