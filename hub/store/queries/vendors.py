"""Outside firms, and what passed between them and us about a conversation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, literal, or_, select

from hub.domain.errors import NotFound
from hub.domain.messages import Attachment, Author, Kind
from hub.store import tables as t
from hub.store.queries import conversations

# Why a question's page takes no answer any more.
DONE, RECALLED = "done", "recalled"
_v, _a, _n, _m = t.vendor.c, t.vendor_address.c, t.vendor_mail.c, t.message.c


@dataclass(frozen=True, slots=True)
class Vendor:
    """`inbox_id` is the mailbox that the firm is written from, the first of `addresses` is where it is written to.
    `same_domain`: any address of their domains is theirs. One that is not `active` is asked no more. `answer_within`
    is what they promise, microseconds of their open hours; 0: nothing. `page`: mails link to a page to answer by.
    `tell_customer`: the customer hears that a firm was asked."""

    id: str
    name: str
    language: str
    inbox_id: str
    addresses: tuple[str, ...]
    same_domain: bool
    active: bool
    answer_within: int = 0
    page: bool = False
    tell_customer: bool = True


def every(connection: Connection) -> tuple[Vendor, ...]:
    """All of them, by name."""
    rows = connection.execute(select(t.vendor).order_by(_v.name, _v.id)).all()
    addresses: dict[str, list[str]] = {}
    for row in connection.execute(select(_a.vendor_id, _a.address).order_by(_a.position)):
        addresses.setdefault(row.vendor_id, []).append(row.address)
    return tuple(
        Vendor(
            row.id,
            row.name,
            row.language,
            row.inbox_id,
            tuple(addresses.get(row.id, ())),
            bool(row.same_domain),
            bool(row.active),
            row.answer_within,
            bool(row.page),
            bool(row.tell_customer),
        )
        for row in rows
    )


def get(connection: Connection, vendor_id: str) -> Vendor:
    """Raises NotFound."""
    found = next((each for each in every(connection) if each.id == vendor_id), None)
    if found is None:
        raise NotFound(f"there is no vendor {vendor_id}")
    return found


def owner(connection: Connection, normal: str) -> str:
    """The firm with an address in its form for comparison; empty where it is nobody's."""
    return connection.execute(select(_a.vendor_id).where(_a.normal == normal)).scalar_one_or_none() or ""


def at(connection: Connection, normal: str, domain: str) -> frozenset[str]:
    """The firms that an address may be of: the one that has it, else those that own its registered domain."""
    exact = owner(connection, normal)
    if exact:
        return frozenset((exact,))
    theirs = select(_a.vendor_id).join(t.vendor, _v.id == _a.vendor_id).where(_a.domain == domain, _v.same_domain == 1)
    return frozenset(connection.execute(theirs).scalars()) if domain else frozenset()


def read_together(connection: Connection, conversation_id: str) -> tuple[str, ...]:
    """A conversation and those that are read in it."""
    return (conversation_id, *conversations.merged_into(connection, conversation_id))


def asked(connection: Connection, conversation_id: str) -> frozenset[str]:
    """The firms that were asked about a conversation."""
    where = _m.conversation_id.in_(read_together(connection, conversation_id))
    statement = select(_n.vendor_id).join(t.message, _m.id == _n.message_id).where(where).distinct()
    return frozenset(connection.execute(statement).scalars())


def references(connection: Connection, conversation_id: str, vendor_id: str, before: str) -> tuple[str, ...]:
    """The ids of the mails with a firm about a conversation that came before a message, oldest first; the last 100."""
    limit = select(_m.event_id).where(_m.id == before).scalar_subquery()
    mine = _m.conversation_id.in_(read_together(connection, conversation_id)) & (_n.vendor_id == vendor_id)
    i = t.letter_id.c
    theirs = (
        select(_m.event_id, i.position.label("nth"), i.id.label("letter"))
        .join(t.vendor_mail, _n.message_id == _m.id)
        .join(t.letter_id, i.message_id == _m.id)
        .where(mine, _m.event_id < limit, or_(i.position == 0, _m.author_kind != Author.VENDOR.value))
    )
    ours = (
        select(_m.event_id, literal(0).label("nth"), _m.provider_id.label("letter"))
        .join(t.vendor_mail, _n.message_id == _m.id)
        .where(mine, _m.event_id < limit, _m.provider_id.is_not(None), _m.provider_id != "")
    )
    both = theirs.union_all(ours).subquery()
    statement = select(both.c.letter).order_by(both.c.event_id.desc(), both.c.nth.desc()).limit(100)
    return tuple(reversed(connection.execute(statement).scalars().all()))


def subject(connection: Connection, conversation_id: str, vendor_id: str) -> str:
    """The subject that the mails with a firm began with; empty where there are none."""
    y = t.letter.c
    statement = (
        select(y.subject)
        .join(t.vendor_mail, _n.message_id == y.message_id)
        .join(t.message, _m.id == y.message_id)
        .where(_m.conversation_id.in_(read_together(connection, conversation_id)), _n.vendor_id == vendor_id)
        .order_by(_m.event_id)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none() or ""


def letter(connection: Connection, message_id: str) -> tuple[str, str]:
    """(firm, subject) of a mail of ours to a firm."""
    statement = (
        select(_n.vendor_id, t.letter.c.subject)
        .join(t.letter, t.letter.c.message_id == _n.message_id)
        .where(_n.message_id == message_id)
    )
    row = connection.execute(statement).one()
    return row.vendor_id, row.subject


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a conversation, of whatever kind; `at` in microseconds."""

    id: str
    kind: str
    author_kind: str
    text: str
    at: int


_SAID = (_m.id, _m.kind, _m.author_kind, _m.text, _m.at)


def said(connection: Connection, conversation_id: str, message_ids: Sequence[str]) -> list[Said]:
    """Those of these messages that are read in a conversation, oldest first."""
    where = _m.conversation_id.in_(read_together(connection, conversation_id)) & _m.id.in_(list(message_ids))
    return [Said(*row) for row in connection.execute(select(*_SAID).where(where).order_by(_m.event_id))]


def first_question(connection: Connection, conversation_id: str) -> str:
    """The customer's first message in a conversation with a text; empty where there is none."""
    mine = _m.conversation_id.in_(read_together(connection, conversation_id))
    statement = select(_m.id).where(mine, _m.kind == Kind.INCOMING.value, _m.text != "").order_by(_m.event_id).limit(1)
    return connection.execute(statement).scalar_one_or_none() or ""


def files(connection: Connection, conversation_id: str, attachment_ids: Sequence[str]) -> dict[str, Attachment]:
    """Those of these files that came or went with a message of a conversation, by id."""
    f = t.attachment.c
    statement = (
        select(f.id, f.name, f.media_type, f.size)
        .join(t.message, _m.id == f.message_id)
        .where(_m.conversation_id.in_(read_together(connection, conversation_id)), f.id.in_(list(attachment_ids)))
    )
    return {row.id: Attachment(row.id, row.name, row.media_type, row.size) for row in connection.execute(statement)}


@dataclass(frozen=True, slots=True)
class Along:
    """What goes along with a question to a firm: the handoff whose tried answers are told (0: none), the message that
    holds the customer's question, the messages that the agent chose. `page`: the mail links to the firm's page."""

    handed_over_event: int
    question_id: str
    message_ids: tuple[str, ...]
    page: bool

    def as_json(self) -> dict[str, Any]:
        """For the question's extras."""
        return {
            "handed_over_event": self.handed_over_event,
            "question_id": self.question_id,
            "message_ids": list(self.message_ids),
            "page": self.page,
        }


@dataclass(frozen=True, slots=True)
class Question:
    """What a firm was asked: a message of ours. `ended` is empty, `DONE` or `RECALLED`; `at` in microseconds."""

    id: str
    conversation_id: str
    event_id: int
    vendor_id: str
    address: str
    at: int
    text: str
    ended: str
    along: Along
    files: tuple[Attachment, ...]


def question(connection: Connection, message_id: str) -> Question | None:
    """A question to a firm that links to its page; None where this is none."""
    statement = (
        select(_m.id, _m.conversation_id, _m.event_id, _m.at, _m.text, _m.extras, _n.vendor_id, _n.address, _n.ended)
        .join(t.vendor_mail, _n.message_id == _m.id)
        .where(_m.id == message_id, _m.author_kind == Author.AGENT.value)
    )
    row = connection.execute(statement).one_or_none()
    extras = json.loads(row.extras) if row and row.extras else {}
    if row is None or not extras.get("along", {}).get("page"):
        return None
    told = extras["along"]
    along = Along(told["handed_over_event"], told["question_id"], tuple(told["message_ids"]), told["page"])
    files = _files(extras)
    where = (row.id, row.conversation_id, row.event_id, row.vendor_id, row.address)
    return Question(*where, row.at, row.text, row.ended, along, files)


def _files(extras: dict[str, Any]) -> tuple[Attachment, ...]:
    found = extras.get("attachments", ())
    return tuple(Attachment(each["id"], each["name"], each["media_type"], each["size"]) for each in found)


def questions(connection: Connection, conversation_id: str, vendor_id: str) -> tuple[str, ...]:
    """The ids of what a firm was asked about a conversation and has not ended."""
    mine = _m.conversation_id.in_(read_together(connection, conversation_id))
    statement = (
        select(_m.id)
        .join(t.vendor_mail, _n.message_id == _m.id)
        .where(mine, _n.vendor_id == vendor_id, _n.ended == "", _m.author_kind == Author.AGENT.value)
    )
    return tuple(connection.execute(statement).scalars())


def has_told(connection: Connection, conversation_id: str) -> bool:
    """Whether the customer was told that a firm was asked about a conversation."""
    mine = _m.conversation_id.in_(read_together(connection, conversation_id))
    statement = select(_m.id).join(t.vendor_mail, _n.message_id == _m.id).where(mine, _n.told == 1).limit(1)
    return connection.execute(statement).first() is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a firm answered, by mail or on its page; `at` in microseconds."""

    at: int
    text: str
    files: tuple[Attachment, ...]


def answers(connection: Connection, conversation_id: str, vendor_id: str, after: int) -> tuple[Answer, ...]:
    """What a firm answered about a conversation after an event, oldest first."""
    mine = _m.conversation_id.in_(read_together(connection, conversation_id)) & (_m.event_id > after)
    statement = (
        select(_m.at, _m.text, _m.extras)
        .join(t.vendor_mail, _n.message_id == _m.id)
        .where(mine, _n.vendor_id == vendor_id, _m.author_kind == Author.VENDOR.value)
        .order_by(_m.event_id)
    )
    rows = connection.execute(statement).all()
    return tuple(Answer(row.at, row.text, _files(json.loads(row.extras) if row.extras else {})) for row in rows)


def names(connection: Connection, vendor_ids: Iterable[str]) -> dict[str, str]:
    """Names by id."""
    wanted = sorted(set(vendor_ids))
    rows = connection.execute(select(_v.id, _v.name).where(_v.id.in_(wanted))) if wanted else ()
    return {row.id: row.name for row in rows}
