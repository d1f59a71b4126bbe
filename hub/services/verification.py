"""Who a customer is, proved by an agent's questions or by a code that was sent to an address of theirs.

A code rests nowhere: it follows from a nonce in its row and the installation's key. In the stored message it is masked;
only what goes out to the channel has it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from hmac import compare_digest
from hmac import digest as hmac_digest

from hub.domain import events as e
from hub.domain.errors import Conflict, NotFound, Refused, TooMany
from hub.domain.messages import Author
from hub.domain.rendering import phrase
from hub.domain.verification import level_of_answers
from hub.hub import Hub
from hub.services import replies
from hub.services.work import Work
from hub.store import tables as t
from hub.store.queries import codes, packets, thread
from hub.store.unit_of_work import Reading, Tx, UseCase

MASK = "••••••"
GOOD_FOR = 600_000_000
TRIES = 5
HOUR = 3_600_000_000
CODES_AN_HOUR = 3
METHODS = {"sms": "sms_code", "email": "mail_code"}
MOST_FIELDS = 30
_CODE = re.compile(r"[0-9]{3}[ -]?[0-9]{3}")

Derive = Callable[[str], bytes]


def set_field(tx: Tx, contact_id: str, name: str, value: str, agent_id: str) -> None:
    """Keeps what a firm knows of a customer (a customer number, an address); an empty value takes it away.

    Raises:
        NotFound: no such contact.
        Refused: a name or value that is too long, or too many fields.
    """
    if not codes.is_contact(tx.connection, contact_id):
        raise NotFound(f"there is no contact {contact_id}")
    keys = {"contact_id": contact_id, "name": name}
    if not value.strip():
        tx.remove(t.contact_field, keys)
        return
    fields = codes.fields(tx.connection, contact_id)
    if name not in fields and len(fields) >= MOST_FIELDS:
        raise Refused("name", f"must be one of at most {MOST_FIELDS} fields")
    tx.upsert(t.contact_field, keys, {"value": value.strip(), "agent_id": agent_id, "at": tx.now})


def set_question(tx: Tx, name: str, text_en: str, text_es: str, position: int) -> None:
    """What agents ask to learn who somebody is: a field of contacts, in words of both languages."""
    tx.upsert(t.question, {"name": name}, {"text_en": text_en, "text_es": text_es, "position": position})


def remove_question(tx: Tx, name: str) -> None:
    """Raises NotFound. What contacts have in the field stays."""
    if not tx.remove(t.question, {"name": name}):
        raise NotFound(f"there is no question {name}")


def answered(tx: Tx, conversation_id: str, asked: tuple[str, ...], right: tuple[str, ...], agent_id: str) -> str:
    """An agent asked whoever wrote last for fields of theirs, and says which were right. Returns the level.

    A customer who has proved more before keeps it. Raises Refused for fields that the contact has not, or that were
    not asked.
    """
    conversation = tx.conversation(conversation_id)
    if not asked or not set(asked) <= codes.fields(tx.connection, conversation.contact_id).keys():
        raise Refused("asked", "must be fields of this contact")
    if not set(right) <= set(asked):
        raise Refused("right", "must be of those that were asked")
    level = level_of_answers(asked, right)
    proved = conversation.verified_level, conversation.verified_identity
    if proved != ("verified", conversation.identity_id):
        told = e.IdentityVerified(level, "questions", conversation.identity_id, tuple(sorted(set(asked))))
        tx.record(conversation_id, told, e.Actor(Author.AGENT, agent_id))
    return level


def send_code(
    tx: Tx, conversation_id: str, inbox_id: str, identity_id: str, kinds: Mapping[str, str], agent_id: str
) -> str:
    """Sends a code of six digits to an address of the customer, through the outbox. Returns the message's id.

    Args:
        tx: the transaction.
        conversation_id: in which the customer is to be verified.
        inbox_id: by which it goes.
        identity_id: where to.
        kinds: the channel of each inbox's addresses.
        agent_id: who asks for it.

    Raises:
        Refused: no address for text messages or mail by which the customer can be reached.
        TooMany: three codes went to this address, or for this conversation, within an hour.
    """
    conversation = tx.conversation(conversation_id)
    ways = thread.ways(tx.connection, conversation.contact_id, kinds)
    way = next((each for each in ways if (each.inbox_id, each.identity_id) == (inbox_id, identity_id)), None)
    if way is None or way.channel not in METHODS or way.forbidden:
        raise Refused("identity_id", "must be an address for text messages or mail that may be written to")
    if codes.sent_since(tx.connection, conversation_id, identity_id, tx.now - HOUR) >= CODES_AN_HOUR:
        raise TooMany("too many codes were sent", retry_after=HOUR // 1_000_000)
    message_id = tx.new_id()
    tx.add(
        t.verification_code,
        {
            "id": tx.new_id(),
            "conversation_id": conversation_id,
            "identity_id": identity_id,
            "message_id": message_id,
            "nonce": secrets.token_hex(16),
            "at": tx.now,
            "expires_at": tx.now + GOOD_FOR,
        },
    )
    return replies.send(
        tx,
        conversation_id,
        phrase("code", conversation.language, code=MASK),
        e.Actor(Author.SYSTEM, agent_id),
        message_id=message_id,
        inbox_id=inbox_id,
        identity_id=identity_id,
        channel=way.channel,
    )


def looks_like_code(text: str) -> bool:
    """Whether a message is nothing but six digits, with blanks or a dash between them."""
    return _CODE.fullmatch(text.strip()) is not None


def awaits_code(tx: Tx, conversation_id: str) -> bool:
    """Whether a code was sent in a conversation that is still good."""
    code = codes.latest(tx.connection, conversation_id)
    return code is not None and not code.used_at and code.expires_at > tx.now and code.tries < TRIES


def typed(hub: Hub, work: Work) -> UseCase[None]:
    """The handler: what a customer wrote into the conversation is the code that was sent to them, or it is not; they
    are told. Whoever wrote it is verified, even where somebody else has written since."""
    event = work.recorded.event
    if not isinstance(event, e.CodeTyped):
        raise TypeError(f"{type(event).__name__} has no code")

    def check(tx: Tx) -> None:
        conversation_id = work.recorded.stream_id
        if not awaits_code(tx, conversation_id):
            return
        text = packets.message_text(tx.connection, event.message_id) or ""
        conversation = tx.conversation(conversation_id)
        right = check_code(tx, hub.box.derive, conversation_id, text, "", event.identity_id)
        told = phrase("code_right" if right else "code_wrong", conversation.language)
        replies.send(tx, conversation_id, told, e.Actor(Author.SYSTEM))

    return check


def check_code(tx: Tx, derive: Derive, conversation_id: str, typed: str, agent_id: str, identity_id: str = "") -> bool:
    """Whether this is the code that was sent last: whoever wrote last holds the address that it was sent to, then.

    `identity_id`: who typed it themselves, in place of whoever wrote last; `agent_id` is empty then.

    Every try counts, in the row that it is looked up in; a right code is good once.

    Raises:
        Conflict: no code was sent that is still good.
        TooMany: five wrong ones were tried.
    """
    conversation = tx.conversation(conversation_id)
    code = codes.latest(tx.connection, conversation_id)
    if code is None or code.used_at or code.expires_at <= tx.now:
        raise Conflict("no code was sent that is still good")
    if code.tries >= TRIES:
        raise TooMany("too many wrong codes", retry_after=(code.expires_at - tx.now) // 1_000_000 + 1)
    given = "".join(each for each in typed if each.isascii() and each.isdigit())
    right = compare_digest(given.encode(), _digits(derive, code.nonce).encode())
    tx.change(t.verification_code, {"id": code.id}, {"tries": code.tries + 1, "used_at": tx.now if right else 0})
    if right:
        told = e.IdentityVerified("verified", METHODS[code.channel], identity_id or conversation.identity_id)
        actor = e.Actor(Author.AGENT, agent_id) if agent_id else e.SYSTEM
        tx.record(conversation_id, told, actor)
    return right


def with_code(connection: Reading, derive: Derive, message_id: str, conversation_id: str, text: str) -> str:
    """A text as it goes out: with its code in place of the mask, where the message carries one."""
    if MASK not in text:
        return text
    nonce = codes.nonce_of(connection, conversation_id, message_id)
    return text.replace(MASK, _digits(derive, nonce)) if nonce else text


def _digits(derive: Derive, nonce: str) -> str:
    """Six digits that nobody can guess who has not the installation's key."""
    number = int.from_bytes(hmac_digest(derive("verification codes"), nonce.encode(), "sha256"), "big")
    return f"{number % 1_000_000:06}"
