"""The page by which an outside firm answers without an account: who may open it, what it shows, what comes back.

The address is the key: it is signed, is good for thirty days, and rests nowhere; only the mail that leaves has it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest
from hmac import digest as hmac_digest

from hub.domain import events as e
from hub.domain.conversation import Conversation, Status
from hub.domain.errors import BadSignature, Conflict, NotFound, Refused
from hub.domain.messages import Author
from hub.domain.rendering import phrase
from hub.domain.vendor_letter import Packet
from hub.services import vendors
from hub.store import tables as t
from hub.store.queries import attachments as attachment_queries
from hub.store.queries import matching, thread, turns
from hub.store.queries import vendors as queries
from hub.store.queries.vendors import DONE, RECALLED, Answer, Question, Vendor
from hub.store.unit_of_work import MessageContent, Reading, Tx

PATH = "/firm"
GOOD_FOR = 30 * 24 * 3600  # seconds
MOST_FILES = 5
LONGEST = 20_000  # characters
# The rule by which an answer from here belongs to its conversation.
RULE = "page"
Derive = Callable[[str], bytes]


class State(StrEnum):
    """Whether the page takes an answer; all but the first do not."""

    OPEN = "open"
    DONE = "done"
    RECALLED = "recalled"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Page:
    """What the firm sees. Where it was taken back or its case is closed, the page says so and shows nothing else."""

    state: State
    vendor: Vendor
    question: Question
    packet: Packet
    answers: tuple[Answer, ...]


def address(derive: Derive, public_url: str, message_id: str, asked_at: int) -> str:
    """The page's address for a question that was asked at a time, microseconds."""
    expiry = asked_at // 1_000_000 + GOOD_FOR
    return f"{public_url}{PATH}/{message_id}.{expiry}.{_signed(derive, message_id, expiry)}"


def opened(derive: Derive, token: str, now: int) -> str:
    """The question that an address belongs to. Raises BadSignature unless `address` gave it and it has not expired."""
    message_id, _, rest = token.partition(".")
    expiry, _, given = rest.partition(".")
    if not (token.isascii() and expiry.isdigit() and len(expiry) <= 12):
        raise BadSignature("the address is malformed")
    if not compare_digest(given, _signed(derive, message_id, int(expiry))):
        raise BadSignature("the address is not genuine")
    if int(expiry) * 1_000_000 <= now:
        raise BadSignature("the address has expired")
    return message_id


def _signed(derive: Derive, message_id: str, expiry: int) -> str:
    return hmac_digest(derive("firms' pages"), f"{message_id}.{expiry}".encode(), "sha256").hex()


def form_key(derive: Derive, message_id: str) -> str:
    """What the page's form carries: no other page can make one, and what is sent with it is stored once."""
    nonce = secrets.token_hex(16)
    return f"{nonce}.{_of_form(derive, message_id, nonce)}"


def check_form(derive: Derive, message_id: str, given: str) -> str:
    """The nonce of a form. Raises BadSignature unless `form_key` gave it for this question."""
    nonce, _, signature = given.partition(".")
    if not given.isascii() or not compare_digest(signature, _of_form(derive, message_id, nonce)):
        raise BadSignature("the form is not from this page")
    return nonce


def _of_form(derive: Derive, message_id: str, nonce: str) -> str:
    return hmac_digest(derive("firms' forms"), f"{message_id}.{nonce}".encode(), "sha256").hex()


def page(connection: Reading, message_id: str) -> Page:
    """What the page of a question shows. Raises NotFound where there is no such question."""
    question = _question(connection, message_id)
    vendor = queries.get(connection, question.vendor_id)
    conversation = turns.conversation(connection, question.conversation_id)
    while conversation.merged_into:
        conversation = turns.conversation(connection, conversation.merged_into)
    return Page(
        _state(vendor, question, conversation),
        vendor,
        question,
        vendors.packet_of(connection, conversation, question.text, question.along),
        queries.answers(connection, conversation.id, vendor.id, question.event_id),
    )


def _question(connection: Reading, message_id: str) -> Question:
    found = queries.question(connection, message_id)
    if found is None:
        raise NotFound("there is no such question")
    return found


def _state(vendor: Vendor, question: Question, conversation: Conversation) -> State:
    if question.ended == DONE:
        return State.DONE
    if question.ended == RECALLED:
        return State.RECALLED
    if conversation.status == Status.RESOLVED or not vendor.page:
        return State.CLOSED
    return State.OPEN


def answer(tx: Tx, message_id: str, text: str, attachment_ids: tuple[str, ...], nonce: str, *, done: bool) -> str:
    """Takes a firm's answer, into the conversation and with the same events as one by mail. Returns its id.

    Args:
        tx: the transaction.
        message_id: of the question.
        text: the answer; may be empty where there are files, or where it is `done`.
        attachment_ids: files that `owner` has uploaded.
        nonce: of the form: what was sent with it before is not stored again.
        done: the firm says that nothing more will come.

    Raises:
        NotFound: there is no such question.
        Conflict: the page takes no answer any more.
        Refused: an empty answer, too long a text, too many files.
    """
    question = _question(tx.connection, message_id)
    conversation = matching.standing(tx, question.conversation_id)
    client_key = f"{owner(message_id)}:{nonce}"
    stored = thread.message_with_client_key(tx.connection, client_key)
    if stored:
        return stored
    question = _question(tx.connection, message_id)  # after the lock: it may have ended meanwhile
    vendor = queries.get(tx.connection, question.vendor_id)
    state = _state(vendor, question, conversation)
    if state is not State.OPEN:
        raise Conflict(f"this question is {state.value}")
    text = text.strip()
    if not text and not attachment_ids and not done:
        raise Refused("text", "must not be empty unless there are files or it is done")
    if len(text) > LONGEST:
        raise Refused("text", f"must have at most {LONGEST} characters")
    if len(attachment_ids) > MOST_FILES:
        raise Refused("files", f"must be at most {MOST_FILES}")
    actor = e.Actor(Author.VENDOR, vendor.id)
    vendors.wake(tx, conversation.id, actor)
    answer_id = tx.new_id()
    ended = DONE if done else ""
    mail = {"message_id": answer_id, "vendor_id": vendor.id, "address": question.address, "ended": ended}
    tx.add(t.vendor_mail, mail)
    files = attachment_queries.claim(tx, attachment_ids, owner=owner(message_id), message_id=answer_id)
    said = text or (phrase("vendor_done", vendor.language) if done else "")
    extras = {"attachments": [each.as_json() for each in files]} if files else None
    tx.record(
        conversation.id,
        e.VendorAnswered(answer_id, vendor.id, vendor.inbox_id, "email", RULE, done=done),
        actor,
        content=MessageContent(text=said, extras=extras, client_key=client_key),
    )
    if done:
        tx.change(t.vendor_mail, {"message_id": message_id}, {"ended": DONE})
    return answer_id


def was_stored(connection: Reading, message_id: str, nonce: str) -> bool:
    """Whether what a form was sent with is stored."""
    return thread.message_with_client_key(connection, f"{owner(message_id)}:{nonce}") != ""


def owner(message_id: str) -> str:
    """The owner of what is uploaded on a question's page."""
    return f"firm:{message_id}"
