"""What happened, for whoever learns from it: closed conversations with their events and what customers wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, desc, select

from hub.domain import events as e
from hub.domain.conversation import Status
from hub.store import tables as t
from hub.store.feed import EVENT_COLUMNS, recorded_from

# As many as SQLite takes values in a statement, with room to spare.
CHUNK = 500
_KINDS = tuple(
    kind.__name__
    for kind in (
        e.MessageReceived,
        e.MessageQueued,
        e.NoteAdded,
        e.BotTurnDecided,
        e.HandedOver,
        e.HandedBack,
        e.Assigned,
        e.Transferred,
        e.Snoozed,
        e.Resolved,
        e.Reopened,
        e.Merged,
        e.LanguageSet,
    )
)


def closed(connection: Connection, last: int) -> list[tuple[str, int, str]]:
    """(id, ticket number, language) of the conversations that were resolved and had the last activity; newest first."""
    c = t.conversation.c
    statement = (
        select(c.id, c.ticket_number, c.language)
        .where(c.merged_into == "", c.status == Status.RESOLVED)
        .order_by(desc(c.last_activity_at), desc(c.id))
        .limit(last)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(statement)]


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Ids in portions that one statement takes."""
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def events(connection: Connection, conversation_ids: Sequence[str]) -> dict[str, list[e.Recorded]]:
    """Each conversation's events that tell who did what, in their order."""
    c = t.event.c
    found: dict[str, list[e.Recorded]] = defaultdict(list)
    for some in chunks(conversation_ids):
        statement = select(*EVENT_COLUMNS).where(c.stream_id.in_(some), c.kind.in_(_KINDS))
        for row in connection.execute(statement.order_by(c.stream_id, c.sequence)):
            recorded = recorded_from(row)
            found[recorded.stream_id].append(recorded)
    return found


def texts(connection: Connection, message_ids: Sequence[str]) -> dict[str, str]:
    """What messages say; empty where it was erased."""
    m = t.message.c
    found: dict[str, str] = {}
    for some in chunks(message_ids):
        found.update((row[0], row[1]) for row in connection.execute(select(m.id, m.text).where(m.id.in_(some))))
    return found


def confirmed(connection: Connection, message_ids: Sequence[str]) -> dict[str, str]:
    """The article that somebody said answers a message, by the message's id."""
    c = t.lesson.c
    found: dict[str, str] = {}
    for some in chunks(message_ids):
        statement = select(c.message_id, c.article_id).where(
            c.message_id.in_(some), c.state == "accepted", c.article_id != ""
        )
        found.update((row[0], row[1]) for row in connection.execute(statement))
    return found
