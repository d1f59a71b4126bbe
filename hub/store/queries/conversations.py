"""Conversations as lists and details show them. Pages go by row values, each along an index of the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, desc, func, literal_column, select, tuple_

from hub.domain.conversation import Conversation, Status
from hub.domain.errors import NotFound, Refused
from hub.store import tables as t
from hub.store.prepared import Among
from hub.store.queries import records
from hub.store.unit_of_work import CONVERSATION_COLUMNS, conversation_from

_c, _m, _i = t.conversation.c, t.message.c, t.identity.c
_STATUS_VIEWS = {"bot": Status.BOT, "snoozed": Status.SNOOZED, "resolved": Status.RESOLVED}


@dataclass(frozen=True, slots=True)
class Last:
    """The last message that customer or hub wrote. `at` in microseconds."""

    kind: str
    author_kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation with what a list shows beside it. `level` is the verified level of whoever wrote last; `address`
    is where they wrote from: its channel, its spelling, its name. `subject` is that of the mail it began with."""

    conversation: Conversation
    contact_name: str
    last: Last | None
    level: str
    address: tuple[str, str, str]
    subject: str


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the key to ask the following page with; None on the last one."""

    rows: tuple[Row, ...]
    next: str | None


# Of the first message alone: two look-ups by key, however long the conversation is.
_first = t.message.alias("first_message")
_first_id = (
    select(_first.c.id)
    .where(_first.c.conversation_id == _c.id)
    .order_by(_first.c.event_id)
    .limit(1)
    .correlate(t.conversation)
    .scalar_subquery()
)
_PREVIEW = 200  # characters of the last message that a list shows
_COLUMNS = (
    *CONVERSATION_COLUMNS,
    t.contact.c.name.label("contact_name"),
    _m.kind,
    _m.author_kind,
    _m.text,
    _m.at,
    _i.channel.label("address_channel"),
    _i.wire_address,
    _i.address,
    _i.display_name,
    t.letter.c.subject,
)


def _rows(connection: Connection, statement: Select[Any]) -> list[Row]:
    return _shown(connection, connection.execute(statement))


def _shown(connection: Connection, rows: Iterable[Any]) -> list[Row]:
    count = len(CONVERSATION_COLUMNS)
    found = []
    for row in rows:
        name, kind, author_kind, text, at, channel, wire, spelling, display_name, subject = row[count:]
        last = Last(kind, author_kind, text[:_PREVIEW], at) if kind is not None else None
        conversation = conversation_from(row[:count])
        address = (channel or conversation.channel, wire or spelling or "", display_name or "")
        level = records.effective(connection, conversation)
        found.append(Row(conversation, name or "", last, level, address, subject or ""))
    return found


def _select() -> Select[Any]:
    joined = t.conversation.outerjoin(t.contact, t.contact.c.id == _c.contact_id)
    joined = joined.outerjoin(t.identity, _i.id == _c.identity_id)
    joined = joined.outerjoin(t.letter, t.letter.c.message_id == _first_id)
    return select(*_COLUMNS).select_from(joined.outerjoin(t.message, _m.id == _c.last_message_id))


def page(
    connection: Connection, view: str, *, agent_id: str, team_id: str = "", after: str = "", limit: int = 30
) -> Page:
    """One page of a list.

    Args:
        connection: of a read.
        view: `queue` (by priority and waiting time), or by last activity, newest first: `mine`, `helping` (into which
            they were brought), `all`, `bot`, `snoozed`, `resolved`.
        agent_id: whose `mine` and `helping` are.
        team_id: only this team's conversations.
        after: `Page.next` of the page before.
        limit: the most rows.

    Raises:
        Refused: `after` is no key that a page gave.
    """
    # Said in a way that no index knows, so that "mine" goes along the assignee's and not along everybody's.
    standing = func.length(_c.merged_into) == 0 if view in ("mine", "helping") else _c.merged_into == ""
    statement = _select().where(standing)
    if team_id:
        statement = statement.where(_c.team_id == team_id)
    if view == "queue":
        return _queue(connection, statement, after, limit)
    if view == "mine":
        statement = statement.where(_c.assignee_id == agent_id, _c.status == Status.ASSIGNED)
    elif view == "helping":
        # The text of the partial index's condition, which SQLite looks for.
        statement = statement.where(_c.colleague_id == agent_id, literal_column("conversation.colleague_id <> ''"))
    elif view != "all":
        statement = statement.where(_c.status == _STATUS_VIEWS[view])
    if after:
        at, conversation_id = _key(after, 2)
        statement = statement.where(tuple_(_c.last_activity_at, _c.id) < tuple_(int(at), conversation_id))
    rows = _rows(connection, statement.order_by(desc(_c.last_activity_at), desc(_c.id)).limit(limit + 1))
    last = rows[limit - 1].conversation if len(rows) > limit else None
    return Page(tuple(rows[:limit]), f"{last.last_activity_at}.{last.id}" if last else None)


def _queue(connection: Connection, statement: Select[Any], after: str, limit: int) -> Page:
    statement = statement.where(_c.status == Status.WAITING)
    order = (desc(_c.priority), _c.waiting_since, _c.id)
    rows: list[Row] = []
    if after:
        # Priority sorts down and time sorts up: no one row value says "after". Two ranges do, each along the index.
        priority, since, conversation_id = _key(after, 3)
        same = (_c.priority == int(priority)) & (tuple_(_c.waiting_since, _c.id) > tuple_(int(since), conversation_id))
        rows = _rows(connection, statement.where(same).order_by(_c.waiting_since, _c.id).limit(limit + 1))
        statement = statement.where(_c.priority < int(priority))
    if len(rows) <= limit:
        rows += _rows(connection, statement.order_by(*order).limit(limit + 1 - len(rows)))
    last = rows[limit - 1].conversation if len(rows) > limit else None
    return Page(tuple(rows[:limit]), f"{last.priority}.{last.waiting_since}.{last.id}" if last else None)


def _key(after: str, parts: int) -> list[str]:
    key = after.split(".")
    numbers = key[:-1]
    if len(key) != parts or not all(each.isascii() and each.isdigit() and len(each) < 19 for each in numbers):
        raise Refused("after", "must be a key that the page before gave")
    return key


def row(connection: Connection, conversation_id: str) -> Row:
    """Raises NotFound."""
    found = _rows(connection, _select().where(_c.id == conversation_id))
    if not found:
        raise NotFound(f"there is no conversation {conversation_id}")
    return found[0]


_BY_ID = Among(lambda keys: _select().where(_c.id.in_(keys)))


def rows(connection: Connection, conversation_ids: Sequence[str]) -> dict[str, Row]:
    """Those that are there, by id."""
    return {each.conversation.id: each for each in _shown(connection, _BY_ID.all(connection, conversation_ids))}


def of_contact(connection: Connection, contact_id: str, *, limit: int = 10) -> tuple[Row, ...]:
    """A contact's conversations, newest first; those merged into others left out."""
    mine = (_c.contact_id == contact_id) & (_c.merged_into == "")
    statement = _select().where(mine).order_by(desc(_c.last_activity_at)).limit(limit)
    return tuple(_rows(connection, statement))


def merged_into(connection: Connection, conversation_id: str) -> tuple[str, ...]:
    """The conversations that are read in this one, also those that came with one of them, in order of age."""
    found: list[str] = []
    level = [conversation_id]
    while level:
        statement = select(_c.id).where(_c.merged_into.in_(level)).order_by(_c.id)
        level = [each for each in connection.execute(statement).scalars() if each not in found]
        found += level
    return tuple(sorted(found))
