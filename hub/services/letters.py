"""Mails: to which conversation one belongs, what is kept of it, and what an answer needs to be part of the thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub.domain import events as e
from hub.domain.inbox import Inbox
from hub.domain.mail_threading import Placement, place, reply_subject, without_prefixes
from hub.domain.messages import LETTERS, Author, InboundMessage, Letter, OutboundLetter
from hub.store import tables as t
from hub.store.queries import letters, people
from hub.store.queries.letters import INDEX
from hub.store.unit_of_work import Reading, Tx

# What answers by itself and waits for nobody: it wakes no conversation and makes no work.
SILENT = frozenset({"auto_reply", "out_of_office", "receipt", "bounce", "complaint"})
DAY = 24 * 3600 * 1_000_000
# Two programs that answer each other would do so for ever; whoever has had so many of ours in a day gets no more.
MOST_AUTOMATIC = 3


@dataclass(frozen=True, slots=True)
class Composed:
    """What the channel puts around an agent's text."""

    subject: str
    signature: str


def placement(tx: Tx, inbox_id: str, letter: Letter) -> Placement:
    """Where a mail goes by what it names, and what it only claims."""
    return place(letter.headers, letter.named, letters.known(tx.connection, inbox_id, letter.named))


def keep(tx: Tx, inbox_id: str, message_id: str, letter: Letter, *, copies: bool = True) -> None:
    """Writes down what a stored mail has besides its text. `copies`: whoever got one may answer in its conversation."""
    tx.add(
        t.letter,
        {"message_id": message_id, "subject": letter.subject, "whole": letter.whole, "html": letter.html},
    )
    names = [(letter_id, "") for letter_id in dict.fromkeys(letter.message_ids)]
    if letter.named.thread_root:
        names.append((INDEX + letter.named.thread_root, letter.headers.thread_topic))
    for position, (letter_id, topic) in enumerate(names):
        values = {"inbox_id": inbox_id, "id": letter_id, "message_id": message_id, "position": position}
        tx.add(t.letter_id, values | {"topic": topic})
    for address in dict.fromkeys(each.lower() for each in letter.copies if copies):
        tx.add(t.letter_copy, {"message_id": message_id, "address": address})


def also_known_as(tx: Tx, inbox_id: str, message_id: str, letter_ids: tuple[str, ...]) -> None:
    """Further ids of a mail of ours, by which replies and bounces may name it."""
    for position, letter_id in enumerate(dict.fromkeys(letter_ids), 1):
        tx.add(t.letter_id, {"inbox_id": inbox_id, "id": letter_id, "message_id": message_id, "position": position})


def as_extras(tx: Tx, message: InboundMessage, letter: Letter, placed: Placement) -> dict[str, Any]:
    """How a mail stands in its message's extras: what agents see at once, with the rule by which it was placed."""
    claims = []
    kept = zip(message.attachments[-len(message.files) :], message.files, strict=False) if message.files else ()
    for claim in placed.claims:
        claimed = tx.conversation(claim.conversation_id)
        claims.append({"conversation_id": claimed.id, "ticket_number": claimed.ticket_number, "rule": claim.rule.value})
    return {
        "subject": letter.subject,
        "robot": letter.robot,
        "rule": placed.rule.value,
        "evidence": placed.evidence,
        "claims": claims,
        "has_html": bool(letter.html),
        "has_more": bool(letter.whole.strip()) and letter.whole.split() != message.text.split(),
        "inline": [attachment.attachment_id for attachment, file in kept if file.inline],
        "notes": list(letter.notes),
    }


def outbound(connection: Reading, conversation_id: str, message_id: str, author: e.Actor) -> OutboundLetter:
    """What an answer of ours needs to be a mail in its thread; only a person's name is told."""
    return OutboundLetter(
        subject=letters.subject(connection, conversation_id),
        ticket_number=letters.ticket_number(connection, conversation_id),
        references=letters.references(connection, conversation_id, message_id),
        author=people.agent(connection, author.id).name if author.kind is Author.AGENT else "",
    )


def composed(connection: Reading, conversation_id: str, inbox: Inbox, agent_name: str) -> Composed:
    """What an answer of an agent's by a mail inbox would go out with."""
    answered = letters.answers(connection, conversation_id)
    number = letters.ticket_number(connection, conversation_id)
    return Composed(
        subject=reply_subject(letters.subject(connection, conversation_id), number, answers=answered),
        signature=str(inbox.settings.get("signature", "")).replace("{agent}", agent_name).strip(),
    )


def with_subject(connection: Reading, message_id: str, text: str) -> str:
    """A mail's question, of which the subject often says half."""
    kept = letters.body(connection, message_id)
    subject = without_prefixes(kept.subject) if kept else ""
    return f"{subject}\n{text}" if subject and subject.casefold() not in text.casefold() else text


def has_said_enough(connection: Reading, conversation_id: str, identity_id: str, now: int) -> bool:
    """Whether no further answer may go out by itself: one a conversation, and few a day to one address."""
    return letters.answered_before(connection, conversation_id) or _too_many(connection, identity_id, now)


def may_acknowledge(tx: Tx, channel: str, identity_id: str) -> bool:
    """Whether the hub may tell a customer by itself that something was received."""
    return channel not in LETTERS or not _too_many(tx.connection, identity_id, tx.now)


def _too_many(connection: Reading, identity_id: str, now: int) -> bool:
    return letters.automatic_since(connection, identity_id, now - DAY) >= MOST_AUTOMATIC
