"""Outside firms: who they are, what they are asked about a conversation, and how their answers come back into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from publicsuffixlist import PublicSuffixList

from hub.domain import events as e
from hub.domain.conversation import Conversation, Status, require
from hub.domain.errors import DoNotContact, NotFound, Refused
from hub.domain.hours import MINUTE, add_open_time
from hub.domain.inbox import Inbox
from hub.domain.mail_threading import Placement, normal_address, place, reply_subject, without_prefixes
from hub.domain.messages import LETTERS, Attachment, Author, Kind, Letter, OutboundLetter
from hub.domain.rendering import phrase
from hub.domain.reply_window import tag_for
from hub.domain.vendor_letter import LIMIT, Packet, Quoted, body, told
from hub.ports import Capabilities
from hub.services import replies
from hub.services.letters import may_acknowledge
from hub.store import tables as t
from hub.store.queries import consent, inboxes, letters, packets, people, reply_window, vendors
from hub.store.queries.vendors import RECALLED, Along, Said, Vendor
from hub.store.unit_of_work import MessageContent, Reading, Tx

MOST_ADDRESSES = 20
MOST_QUOTED = 50
LONGEST = 366 * 24 * 60 * MINUTE
# Where the address of the firm's page stands in a mail until it leaves: whoever reads the stored mail has none.
PAGE = "•" * 12
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@]{1,64}@[^\s<>()\[\],;:\\\"@]{1,190}")
# Hosts where everybody has an address: their domain says nothing about who writes.
_ANYBODY = frozenset(
    {
        *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "hotmail.es", "live.com", "msn.com", "aol.com"),
        *("yahoo.com", "yahoo.es", "icloud.com", "me.com", "mac.com", "gmx.com", "gmx.de", "gmx.net", "web.de"),
        *("mail.com", "mail.ru", "yandex.ru", "proton.me", "protonmail.com", "zoho.com", "t-online.de", "orange.fr"),
        *("free.fr", "libero.it", "terra.es", "telefonica.net", "qq.com", "163.com", "126.com", "naver.com"),
    }
)


@dataclass(frozen=True, slots=True)
class Ask:
    """What an agent wants to send to a firm. `message_ids` and `attachment_ids` of the conversation go along;
    `address` is one of the firm's, empty for its first."""

    vendor_id: str
    text: str
    message_ids: tuple[str, ...] = ()
    attachment_ids: tuple[str, ...] = ()
    address: str = ""


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail to a firm as it will leave, but for the signature and the address of its page (`PAGE`)."""

    vendor: Vendor
    address: str
    subject: str
    whole: str
    files: tuple[Attachment, ...]
    along: Along


@dataclass(frozen=True, slots=True)
class Answering:
    """A mail that a firm wrote in answer to us, and where it belongs."""

    vendor_id: str
    placement: Placement


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def domain_of(address: str) -> str:
    """The registered domain of an address (`firm.co.uk` of `a@mail.firm.co.uk`); empty where it has none.

    By the public suffix list (publicsuffix.org), which the library brings along.
    """
    host = normal_address(address).rpartition("@")[2]
    return _suffixes().privatesuffix(host) or "" if host else ""


# --- who they are -----------------------------------------------------------------------------------------------------


def save(tx: Tx, vendor: Vendor) -> str:
    """Writes a firm down; with an empty id a new one. Returns its id.

    Raises:
        Refused: a field broke a rule; an address that is ours or another firm's.
        NotFound: there is no firm with this id.
    """
    if not vendor.name.strip():
        raise Refused("name", "must not be empty")
    inbox = next((each for each in inboxes.every(tx.connection) if each.id == vendor.inbox_id), None)
    if inbox is None or inbox.channel not in LETTERS:
        raise Refused("inbox_id", "must be an inbox of mail")
    if not 0 <= vendor.answer_within <= LONGEST:
        raise Refused("answer_within_seconds", "must be from 0 to a year")
    if vendor.id:
        vendors.get(tx.connection, vendor.id)
    rows = _addresses(tx, vendor)
    values = {
        "name": vendor.name.strip(),
        "language": vendor.language,
        "inbox_id": vendor.inbox_id,
        "same_domain": int(vendor.same_domain),
        "active": int(vendor.active),
        "answer_within": vendor.answer_within,
        "page": int(vendor.page),
        "tell_customer": int(vendor.tell_customer),
    }
    vendor_id = vendor.id or tx.new_id()
    if vendor.id:
        tx.change(t.vendor, {"id": vendor_id}, values)
        tx.remove(t.vendor_address, {"vendor_id": vendor_id})
    else:
        tx.add(t.vendor, {"id": vendor_id, "created_at": tx.now, **values})
    for row in rows:
        tx.add(t.vendor_address, {**row, "vendor_id": vendor_id})
    return vendor_id


def _addresses(tx: Tx, vendor: Vendor) -> list[dict[str, str | int]]:
    if not 0 < len(vendor.addresses) <= MOST_ADDRESSES:
        raise Refused("addresses", f"must be 1 to {MOST_ADDRESSES} mail addresses")
    ours = _our_addresses(tx)
    rows: dict[str, dict[str, str | int]] = {}
    for each in vendor.addresses:
        address, normal = each.strip(), normal_address(each)
        if not normal or not _ADDRESS.fullmatch(address):
            raise Refused("addresses", f"{each} is no mail address")
        if normal in ours:
            raise Refused("addresses", f"{address} is an inbox of ours")
        if vendors.owner(tx.connection, normal) not in ("", vendor.id):
            raise Refused("addresses", f"{address} is another firm's")
        domain = domain_of(address)
        if vendor.same_domain and (not domain or domain in _ANYBODY):
            raise Refused("same_domain", f"must not be set where everybody may have such an address: {address}")
        rows[normal] = {"normal": normal, "address": address, "domain": domain, "position": len(rows)}
    return list(rows.values())


def _our_addresses(tx: Tx) -> set[str]:
    found = set()
    for inbox in inboxes.every(tx.connection):
        if inbox.channel in LETTERS:
            told = (inbox.settings.get("address", ""), *inbox.settings.get("aliases", ()))
            found |= {normal_address(str(each)) for each in told}
    return found


# --- asking them ------------------------------------------------------------------------------------------------------


def composed(connection: Reading, conversation: Conversation, given: Ask, *, file_limit: int = 0) -> Composed:
    """The mail that `ask` would send.

    Args:
        connection: of a read, or a transaction's.
        conversation: that it is about.
        given: what the agent wants.
        file_limit: the most bytes that all files may have together; 0 for no limit.

    Raises:
        Refused: an empty text, a firm that is asked no more, a message or file that is not of this conversation.
        NotFound: there is no such firm.
    """
    if not given.text.strip():
        raise Refused("text", "must not be empty")
    vendor = vendors.get(connection, given.vendor_id)
    if not vendor.active:
        raise Refused("vendor_id", "must be a firm that is active")
    address = given.address or vendor.addresses[0]
    if address not in vendor.addresses:
        raise Refused("address", "must be an address of this firm")
    if len(given.message_ids) > MOST_QUOTED:
        raise Refused("message_ids", f"must be at most {MOST_QUOTED}")
    quoted = vendors.said(connection, conversation.id, given.message_ids)
    for each in given.message_ids:
        if each not in {said.id for said in quoted}:
            raise Refused("message_ids", f"{each} is not a message of this conversation")
    files = vendors.files(connection, conversation.id, given.attachment_ids)
    for each in given.attachment_ids:
        if each not in files:
            raise Refused("attachment_ids", f"{each} is not a file of this conversation")
    if file_limit and sum(each.size for each in files.values()) > file_limit:
        raise Refused("attachment_ids", f"must have at most {file_limit} bytes together")
    question = _question(connection, conversation)
    along = Along(conversation.handed_over_event, question, tuple(each.id for each in quoted), vendor.page)
    packet = packet_of(connection, conversation, given.text, along)
    whole = body(packet, language=vendor.language, page=PAGE if vendor.page else "")
    if len(whole) > LIMIT:
        raise Refused("message_ids", f"must leave the mail shorter than {LIMIT} characters")
    before = vendors.subject(connection, conversation.id, vendor.id)
    subject = before or without_prefixes(letters.subject(connection, conversation.id))
    subject = subject or phrase("vendor_subject", vendor.language)
    chosen = tuple(files[each] for each in dict.fromkeys(given.attachment_ids))
    return Composed(vendor, address, subject, whole, chosen, along)


def _question(connection: Reading, conversation: Conversation) -> str:
    handed = packets.event(connection, conversation.handed_over_event) if conversation.handed_over_event else None
    event = handed.event if handed else None
    open_question = event.open_question if isinstance(event, e.HandedOver) else ""
    return open_question or vendors.first_question(connection, conversation.id)


def packet_of(connection: Reading, conversation: Conversation, words: str, along: Along) -> Packet:
    """What a firm is told: an agent's words and what goes along with them, as it reads now (erased text is gone)."""
    handed = packets.event(connection, along.handed_over_event) if along.handed_over_event else None
    event = handed.event if handed else None
    quoted = vendors.said(connection, conversation.id, along.message_ids)
    return Packet(
        words,
        conversation.ticket_number,
        (packets.message_text(connection, along.question_id) or "") if along.question_id else "",
        told(event.tried) if isinstance(event, e.HandedOver) else (),
        tuple(Quoted(_who(each), each.at, each.text) for each in quoted if each.id != along.question_id),
    )


def _who(said: Said) -> str:
    if said.kind == Kind.NOTE.value:
        return "note"
    if said.kind == Kind.VENDOR.value:
        return "vendor" if said.author_kind == Author.VENDOR.value else "agent"
    return {Author.CONTACT.value: "customer", Author.AGENT.value: "agent"}.get(said.author_kind, "bot")


def ask(
    tx: Tx,
    conversation_id: str,
    agent_id: str,
    given: Ask,
    client_id: str,
    *,
    file_limit: int = 0,
    rules: Mapping[str, Capabilities] | None = None,
) -> str:
    """Queues a mail to a firm about a conversation; whoever asks about one that nobody has takes it. Returns its id.

    The customer is told, once a conversation, unless the firm is set otherwise or they cannot be written to now;
    `rules` is what the channel of each inbox can do. The same `client_id` from the same agent is stored once. Raises
    what `composed` raises, Conflict where the conversation was merged into another, and DoNotContact where the firm
    wants no messages at this address.
    """
    conversation = tx.conversation(conversation_id)
    client_key, stored = replies.once(tx, agent_id, client_id)
    if stored:
        return stored
    require(conversation, "ask_vendor")
    made = composed(tx.connection, conversation, given, file_limit=file_limit)
    where = ("email", made.address.lower())
    if where in consent.prohibitions(tx.connection, [where]):
        raise DoNotContact("this firm wants no messages at this address")
    actor = e.Actor(Author.AGENT, agent_id)
    if not conversation.assignee_id or conversation.status != Status.ASSIGNED:
        # An answer that comes back finds somebody who waits for it.
        tx.record(conversation_id, e.Assigned(conversation.assignee_id or agent_id, "take"), actor)
    message_id = tx.new_id()
    answers = bool(vendors.subject(tx.connection, conversation_id, made.vendor.id))
    letter = {
        "subject": reply_subject(made.subject, conversation.ticket_number, answers=answers),
        **{"robot": "", "rule": "new", "evidence": "", "claims": [], "notes": [], "inline": []},
        **{"has_html": False, "has_more": True},
    }
    extras: dict[str, object] = {"letter": letter, "along": made.along.as_json()}
    if made.files:
        extras["attachments"] = [each.as_json() for each in made.files]
    to_tell = made.vendor.tell_customer and _may_be_told(tx, conversation, rules or {})
    mail = {"message_id": message_id, "vendor_id": made.vendor.id, "address": made.address, "told": int(to_tell)}
    tx.add(t.vendor_mail, mail)
    tx.add(t.letter, {"message_id": message_id, "subject": made.subject, "whole": made.whole, "html": ""})
    tx.record(
        conversation_id,
        e.VendorAsked(
            message_id, made.vendor.id, made.vendor.inbox_id, "email", given.message_ids, _due(tx, made.vendor)
        ),
        actor,
        content=MessageContent(text=given.text.strip(), extras=extras, client_key=client_key),
    )
    if to_tell:
        words = phrase("vendor_told", conversation.language, number=conversation.ticket_number)
        replies.send(tx, conversation_id, words, e.Actor(Author.SYSTEM))
    return message_id


def _may_be_told(tx: Tx, conversation: Conversation, rules: Mapping[str, Capabilities]) -> bool:
    """Whether the customer hears that a firm was asked: not again, and not where nobody may write to them now."""
    if not conversation.identity_id or vendors.has_told(tx.connection, conversation.id):
        return False
    if consent.prohibition(tx.connection, consent.place(tx.connection, conversation.identity_id)) is not None:
        return False
    found = rules.get(conversation.inbox_id)
    said = reply_window.said(tx.connection, conversation.identity_id, conversation.inbox_id)
    if found and tag_for(tx.now, said, found.reply_window, found.tags, Author.SYSTEM.value) is None:
        return False
    return may_acknowledge(tx, conversation.channel, conversation.identity_id)


def recall(tx: Tx, conversation_id: str, vendor_id: str, agent_id: str) -> None:
    """Takes back what a firm was asked: its page takes no answer any more, and no clock waits for it. Its mails still
    come in. Taken back already, nothing happens.

    Raises NotFound where the firm was not asked about this conversation, Conflict where that was merged into another.
    """
    conversation = tx.conversation(conversation_id)
    require(conversation, "recall_vendor")
    if vendor_id not in vendors.asked(tx.connection, conversation_id):
        raise NotFound(f"the firm {vendor_id} was not asked about this")
    waiting = vendors.questions(tx.connection, conversation_id, vendor_id)
    for each in waiting:
        tx.change(t.vendor_mail, {"message_id": each}, {"ended": RECALLED})
    if waiting:
        tx.record(conversation_id, e.VendorRecalled(vendor_id), e.Actor(Author.AGENT, agent_id))


def _due(tx: Tx, vendor: Vendor) -> int:
    """By when a firm that is asked now has promised to answer, microseconds; 0 where it promises nothing."""
    if not vendor.answer_within:
        return 0
    stated = tx.rulebook.current(tx.connection).hours.get(f"vendor:{vendor.id}", "")
    return add_open_time(tx.rulebook.hours(tx.connection, stated), tx.now, vendor.answer_within) or 0


def announce(tx: Tx, conversation_id: str) -> None:
    """Records that a firm is late with its answer, once. At the very moment it was due it is not."""
    conversation = tx.conversation(conversation_id)
    if 0 < conversation.vendor_due_at < tx.now and not conversation.vendor_overdue:
        tx.record(conversation_id, e.VendorOverdue(conversation.vendor_id, conversation.vendor_due_at))


def outbound(connection: Reading, conversation_id: str, message_id: str, author: e.Actor) -> OutboundLetter:
    """What a mail to a firm needs to be one, in a thread of its own with that firm."""
    vendor_id, subject = vendors.letter(connection, message_id)
    return OutboundLetter(
        subject=subject,
        ticket_number=letters.ticket_number(connection, conversation_id),
        references=vendors.references(connection, conversation_id, vendor_id, message_id),
        author=people.agent(connection, author.id).name,
    )


# --- their answers ----------------------------------------------------------------------------------------------------


def writing(connection: Reading, letter: Letter) -> frozenset[str]:
    """The firms that a mail may be from, by its sender; none where that was found forged."""
    sender = normal_address(letter.headers.sender)
    if not sender or letter.headers.forged:
        return frozenset()
    return vendors.at(connection, sender, domain_of(sender))


def answering(tx: Tx, inbox: Inbox, letter: Letter, firms: frozenset[str]) -> Answering | None:
    """Where a mail of one of these firms goes: the first conversation it names about which that firm was asked."""
    known = letters.known(tx.connection, inbox.id, letter.named)
    asked = {each: vendors.asked(tx.connection, each) & firms for each in known.participants}
    # As for customers, with other participants: here those take part who were asked.
    sender = frozenset((letter.headers.sender,))
    members = {each: sender for each, some in asked.items() if some}
    placed = place(letter.headers, letter.named, replace(known, participants=members))
    if not placed.conversation_id:
        return None
    return Answering(min(asked[placed.conversation_id]), placed)


def wake(tx: Tx, conversation_id: str, actor: e.Actor) -> None:
    """What a firm answers is for people: where nobody has the conversation, it goes back into the queue."""
    conversation = tx.conversation(conversation_id)
    if conversation.status == Status.RESOLVED:
        tx.record(conversation_id, e.Reopened("vendor"), actor)
    elif conversation.status == Status.SNOOZED:
        tx.record(conversation_id, e.Woken("vendor"), actor)
    if tx.conversation(conversation_id).status == Status.BOT:
        tx.record(conversation_id, e.Transferred(conversation.team_id), actor)
