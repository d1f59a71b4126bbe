"""What placing a mail, answering it and showing it look up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, literal, or_, select

from hub.domain.mail_threading import Known, Lookups
from hub.domain.messages import LETTERS, WITH_CUSTOMER, Author, Kind
from hub.store import tables as t

INDEX = "index:"
_REFERENCES = 100
_SENT = (Kind.OUTGOING.value, Kind.VENDOR.value)
# A message of ours goes out under its own id.
_OURS = re.compile(r"([0-9A-Za-z]{26})@.+")


@dataclass(frozen=True, slots=True)
class Body:
    """A mail's body: `whole` is text with all that it quotes, `html` is safe to show, or empty."""

    subject: str
    whole: str
    html: str


def known(connection: Connection, inbox_id: str, named: Lookups) -> Known:
    """What the store has of what a mail names."""
    by_id = _by_letter_id(connection, inbox_id, named.message_ids)
    roots = _by_letter_id(connection, inbox_id, [INDEX + named.thread_root] if named.thread_root else [])
    ours = {
        match.group(1).upper(): given for given in named.message_ids if (match := _OURS.fullmatch(given)) is not None
    }
    m, c = t.message.c, t.conversation.c
    sent = select(m.id, m.conversation_id).where(m.id.in_(list(ours)), m.kind.in_(_SENT))
    by_id |= {ours[row.id]: (row.conversation_id, "") for row in (connection.execute(sent) if ours else ())}
    numbers = list(named.ticket_numbers)
    ticketed = select(c.ticket_number, c.id).where(c.ticket_number.in_(numbers))
    by_number = {row.ticket_number: row.id for row in (connection.execute(ticketed) if numbers else ())}
    places = {conversation for conversation, _ in (*by_id.values(), *roots.values())}
    places |= {*by_number.values(), *named.token_conversations}
    standing = {each: _standing(connection, each) for each in places}
    return Known(
        by_message_id={given: standing[conversation] for given, (conversation, _) in by_id.items()},
        by_thread_root={given.removeprefix(INDEX): standing[where] for given, (where, _) in roots.items()},
        by_ticket_number={number: standing[conversation] for number, conversation in by_number.items()},
        participants={
            name: _participants(connection, where) for each, where in standing.items() for name in {each, where}
        },
        thread_topics={standing[where]: topic for where, topic in roots.values()},
    )


def _by_letter_id(connection: Connection, inbox_id: str, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """(conversation, topic) by letter id; where several messages have one, the first."""
    wanted = list(ids)
    if not wanted:
        return {}
    i, m = t.letter_id.c, t.message.c
    statement = (
        select(i.id, m.conversation_id, i.topic)
        .join(t.message, m.id == i.message_id)
        .where(i.inbox_id == inbox_id, i.id.in_(wanted))
        .order_by(m.event_id.desc())
    )
    return {row.id: (row.conversation_id, row.topic) for row in connection.execute(statement)}


def _standing(connection: Connection, conversation_id: str) -> str:
    """Where a conversation is read now: itself, or what it was merged into."""
    c = t.conversation.c
    merged = connection.execute(select(c.merged_into).where(c.id == conversation_id)).scalar_one_or_none()
    return _standing(connection, merged) if merged else conversation_id


def _participants(connection: Connection, conversation_id: str) -> frozenset[str]:
    """Mail addresses of its contact, of whoever wrote in it or was written to, and of who got a copy."""
    i, m, c, y = t.identity.c, t.message.c, t.conversation.c, t.letter_copy.c
    of_contact = select(i.address).join(t.conversation, c.contact_id == i.contact_id).where(c.id == conversation_id)
    of_messages = select(i.address).join(t.message, m.identity_id == i.id).where(m.conversation_id == conversation_id)
    copied = select(y.address).join(t.message, m.id == y.message_id).where(m.conversation_id == conversation_id)
    letters = i.channel.in_(LETTERS)
    statement = of_contact.where(letters).union(of_messages.where(letters), copied)
    return frozenset(connection.execute(statement).scalars())


def subject(connection: Connection, conversation_id: str) -> str:
    """The subject that a conversation with the customer began with; empty where nobody gave it one."""
    y, m = t.letter.c, t.message.c
    statement = (
        select(y.subject)
        .join(t.message, m.id == y.message_id)
        .where(m.conversation_id == conversation_id, m.kind.in_(WITH_CUSTOMER), y.subject != "")
        .order_by(m.event_id)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none() or ""


def ticket_number(connection: Connection, conversation_id: str) -> int:
    """The number that the customer was given."""
    c = t.conversation.c
    return int(connection.execute(select(c.ticket_number).where(c.id == conversation_id)).scalar_one())


def answers(connection: Connection, conversation_id: str) -> bool:
    """Whether a mail of a conversation came or went before, so that the next one answers it."""
    m = t.message.c
    mails = (m.conversation_id == conversation_id) & m.channel.in_(LETTERS) & m.kind.in_(WITH_CUSTOMER)
    return connection.execute(select(m.id).where(mails).limit(1)).one_or_none() is not None


def references(connection: Connection, conversation_id: str, before: str) -> tuple[str, ...]:
    """The ids of the mails with the customer that came before a message, oldest first; at most the last hundred."""
    m, i = t.message.c, t.letter_id.c
    limit = select(m.event_id).where(m.id == before).scalar_subquery()
    # Of a mail of ours the id that a gateway gave it comes last: that is the one that the customer's client knows.
    theirs = (
        select(m.event_id, i.position.label("nth"), i.id.label("letter"))
        .join(t.letter_id, i.message_id == m.id)
        .where(
            m.conversation_id == conversation_id,
            m.event_id < limit,
            or_((m.kind == Kind.INCOMING.value) & (i.position == 0), m.kind == Kind.OUTGOING.value),
        )
    )
    ours = select(m.event_id, literal(0).label("nth"), m.provider_id.label("letter")).where(
        m.conversation_id == conversation_id,
        m.event_id < limit,
        m.kind == Kind.OUTGOING.value,
        m.channel.in_(LETTERS),
        m.provider_id.is_not(None),
        m.provider_id != "",
    )
    both = theirs.union_all(ours).subquery()
    statement = select(both.c.letter).order_by(both.c.event_id.desc(), both.c.nth.desc()).limit(_REFERENCES)
    return tuple(reversed(connection.execute(statement).scalars().all()))


def body(connection: Connection, message_id: str) -> Body | None:
    """A mail's body; None for what is no mail."""
    row = connection.execute(select(t.letter).where(t.letter.c.message_id == message_id)).one_or_none()
    return Body(row.subject, row.whole, row.html) if row else None


def answered_before(connection: Connection, conversation_id: str) -> bool:
    """Whether the bot or the knowledge base has answered in this conversation."""
    m = t.message.c
    mine = (m.conversation_id == conversation_id) & (m.author_kind == Author.BOT.value)
    return connection.execute(select(m.id).where(mine).limit(1)).one_or_none() is not None


def automatic_since(connection: Connection, identity_id: str, since: int) -> int:
    """How many mails that no person wrote have gone to an address since a time (microseconds)."""
    m = t.message.c
    statement = select(func.count()).where(
        m.identity_id == identity_id,
        m.kind == Kind.OUTGOING.value,
        m.author_kind.in_((Author.BOT.value, Author.SYSTEM.value)),
        m.at >= since,
    )
    return int(connection.execute(statement).scalar_one())


def is_stored(connection: Connection, inbox_id: str, external_ids: Sequence[str]) -> frozenset[str]:
    """Those of the external ids that an inbox has a message of."""
    m = t.message.c
    statement = select(m.external_id).where(m.inbox_id == inbox_id, m.external_id.in_(list(external_ids)))
    return frozenset(connection.execute(statement).scalars())
