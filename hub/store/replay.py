"""Checks that every projected table is what the log says. Nothing is written.

Log and tables are read side by side, both sorted by the same key, and compared row by row as they pass: memory stays
bounded whatever the number of events (but for merges and splits, which people make one at a time).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Select, cast, func, select

from hub.domain import events as e
from hub.domain import sla
from hub.domain.conversation import Conversation, fold
from hub.domain.messages import Delivery, further
from hub.store import projections
from hub.store import tables as t
from hub.store.feed import EVENT_COLUMNS, recorded_from
from hub.store.rulebook import Rulebook
from hub.store.unit_of_work import CONVERSATION_COLUMNS, conversation_from

MOST_SHOWN = 50


@dataclass(slots=True)
class Report:
    """What a check found. `differences` holds the first ones, `different` counts all."""

    events: int = 0
    rows: int = 0
    seconds: float = 0.0
    different: int = 0
    differences: list[str] = field(default_factory=list)

    def differs(self, what: str) -> None:
        self.different += 1
        if len(self.differences) < MOST_SHOWN:
            self.differences.append(what)


def check(connection: Connection, *, conversation_id: str = "", since: int = 0) -> Report:
    """Compares the projections with the log.

    Args:
        connection: of a read: one snapshot.
        conversation_id: only this one.
        since: only conversations with an event at or after this time (microseconds since 1970 UTC). Badges are compared
            only when everything is.
    """
    report = Report()
    began = time.monotonic()
    scope = _scope(conversation_id, since)
    _conversations(connection, report, scope, whole=not (conversation_id or since))
    _messages(connection, report, scope)
    if not (conversation_id or since):
        _routes(connection, report)
        _media(connection, report)
        _contacts(connection, report)
        _agents(connection, report)
    report.seconds = time.monotonic() - began
    return report


Scope = Callable[[ColumnElement[str]], ColumnElement[bool] | None]


def _scope(conversation_id: str, since: int) -> Scope:
    if conversation_id:
        return lambda column: column == conversation_id
    if since:
        ev = t.event.c
        touched = select(ev.stream_id).where(ev.stream == "conversation", ev.at >= since)
        return lambda column: column.in_(touched)
    return lambda _: None


def _within(statement: Select[Any], condition: ColumnElement[bool] | None) -> Select[Any]:
    return statement if condition is None else statement.where(condition)


def _stream(connection: Connection, statement: Select[Any]) -> Iterator[Any]:
    # A server-side cursor where there is one: millions of rows pass through a few thousand at a time.
    result = connection.execute(statement.execution_options(yield_per=2000))
    try:
        yield from result
    finally:
        result.close()


def _binary(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column sorted by code points, as Python compares, whatever the database's locale."""
    return column.collate("C") if connection.dialect.name == "postgresql" else column


def _events(connection: Connection, stream: str, scope: Scope) -> Iterator[e.Recorded]:
    ev = t.event.c
    statement = _within(select(*EVENT_COLUMNS).where(ev.stream == stream), scope(ev.stream_id))
    ordered = statement.order_by(_binary(connection, ev.stream_id), ev.sequence)
    return (recorded_from(row) for row in _stream(connection, ordered))


def _conversations(connection: Connection, report: Report, scope: Scope, *, whole: bool) -> None:
    badges: Counter[str] = Counter()
    statement = _within(select(*CONVERSATION_COLUMNS), scope(t.conversation.c.id))
    ordered = statement.order_by(_binary(connection, t.conversation.c.id))
    rows = (conversation_from(row) for row in _stream(connection, ordered))
    row = next(rows, None)
    rulebook = Rulebook()
    terms_of = partial(rulebook.terms, connection)
    for told in _folded(_events(connection, "conversation", scope), report, terms_of):
        badges.update(projections.badges(told))
        while row is not None and row.id < told.id:
            report.differs(f"conversation {row.id}: there is a row and no event")
            row = next(rows, None)
        if row is None or row.id != told.id:
            report.differs(f"conversation {told.id}: there are events and no row")
            continue
        report.rows += 1
        if row != told:
            report.differs(f"conversation {told.id}: the row says {row}, the log {told}")
        row = next(rows, None)
    if row is not None:
        report.differs(f"conversation {row.id}: there is a row and no event")
    if whole:
        counted = select(t.counter.c.name, func.sum(t.counter.c.value)).group_by(t.counter.c.name)
        shown = {name: int(value) for name, value in connection.execute(counted) if value}
        for name in sorted(shown.keys() | badges.keys()):
            if shown.get(name, 0) != badges[name]:
                report.differs(f"badge {name}: the counter says {shown.get(name, 0)}, the log {badges[name]}")


def _folded(events: Iterator[e.Recorded], report: Report, terms_of: sla.TermsOf) -> Iterator[Conversation]:
    state: Conversation | None = None
    for recorded in events:
        report.events += 1
        if state is None or state.id != recorded.stream_id:
            if state is not None:
                yield state
            state = Conversation(recorded.stream_id)
        if recorded.sequence != state.sequence + 1:
            report.differs(f"conversation {state.id}: event {recorded.sequence} follows {state.sequence}")
        state = sla.project(state, fold(state, recorded), recorded, terms_of)
    if state is not None:
        yield state


_PROJECTED: tuple[str, ...] = (
    *("conversation_id", "event_id", "sequence", "kind", "author_kind", "author_id", "inbox_id"),
    *("identity_id", "channel", "rule", "state", "error_code", "at"),
)


def _messages(connection: Connection, report: Report, scope: Scope) -> None:
    """Messages against the events that made, moved and reported on them, both sorted by the message's id."""
    ev = t.event.c
    moved = _moves(connection)
    message_id = _json_field(connection, "message_id")
    made = ("MessageReceived", "MessageQueued", "MessageEchoed", "NoteAdded", "VendorAsked", "VendorAnswered")
    kinds = (*made, "DeliveryChanged")
    statement = _within(select(*EVENT_COLUMNS, message_id.label("message_id")), scope(ev.stream_id))
    ordered = statement.where(ev.kind.in_(kinds)).order_by(_binary(connection, message_id), ev.id)
    columns = [t.message.c.id, *(t.message.c[name] for name in _PROJECTED)]
    stored = _within(select(*columns), scope(t.message.c.conversation_id))
    rows = _stream(connection, stored.order_by(_binary(connection, t.message.c.id)))
    row = next(rows, None)
    partial = scope(ev.stream_id) is not None
    for told in _told_messages(_stream(connection, ordered), moved):
        if partial and (told["id"] in moved or "kind" not in told):
            continue  # it came from, or went to, a conversation that is not looked at
        while row is not None and row.id < told["id"]:
            if not (partial and row.id in moved):
                report.differs(f"message {row.id}: there is a row and no event")
            row = next(rows, None)
        if row is None or row.id != told["id"]:
            report.differs(f"message {told['id']}: there are events and no row")
            continue
        report.rows += 1
        for name in _PROJECTED:
            if getattr(row, name) != told[name]:
                report.differs(f"message {row.id}: {name} is {getattr(row, name)!r}, the log says {told[name]!r}")
        row = next(rows, None)
    while row is not None:
        if not (partial and row.id in moved):
            report.differs(f"message {row.id}: there is a row and no event")
        row = next(rows, None)


def _media(connection: Connection, report: Report) -> None:
    """What became of files that providers keep, against the last word on each, both sorted by the file's id."""
    ev, r = t.event.c, t.remote_media.c
    by_file = _binary(connection, _json_field(connection, "media_id"))
    kinds = ("MediaAnnounced", "MediaFetched", "MediaRefused")
    statement = select(*EVENT_COLUMNS).where(ev.kind.in_(kinds)).order_by(by_file, ev.id)
    columns = (r.id, r.message_id, r.state, r.reason, r.attachment_id)
    stored = _stream(connection, select(*columns).order_by(_binary(connection, r.id)))
    told = _last_of_media(recorded_from(row) for row in _stream(connection, statement))
    for wanted, row in zip_longest(told, stored):
        report.rows += 1
        if row is None or wanted != tuple(row):
            report.differs(f"file: the row says {row and tuple(row)}, the log {wanted}")
            return  # from here on the two run out of step


def _last_of_media(events: Iterator[e.Recorded]) -> Iterator[tuple[str, ...]]:
    media_id, message_id = "", ""
    values: projections.Values = {}
    for recorded in events:
        if isinstance(recorded.event, e.MediaAnnounced):
            if media_id:
                yield media_id, message_id, *values.values()
            media_id, message_id = recorded.event.media_id, recorded.event.message_id
            values = {"state": "pending", "reason": "", "attachment_id": ""}
        elif (change := projections.media(recorded)) is not None:
            values = change[1]
    if media_id:
        yield media_id, message_id, *values.values()


def _moves(connection: Connection) -> dict[str, str]:
    """Where each message that was ever moved is now."""
    ev = t.event.c
    statement = select(*EVENT_COLUMNS).where(ev.kind == "MessagesMovedIn").order_by(ev.id)
    moved: dict[str, str] = {}
    for row in _stream(connection, statement):
        recorded = recorded_from(row)
        if isinstance(recorded.event, e.MessagesMovedIn):
            moved.update(dict.fromkeys(recorded.event.message_ids, recorded.stream_id))
    return moved


def _told_messages(rows: Iterator[Any], moved: dict[str, str]) -> Iterator[dict[str, Any]]:
    told: dict[str, Any] = {}
    for *columns, message_id in rows:
        if told.get("id") != message_id:
            if told:
                yield told
            told = {"id": message_id}
        recorded = recorded_from(columns)
        made = projections.message(recorded)
        if made is not None:
            told |= {"error_code": "", **made}
            told["conversation_id"] = moved.get(message_id, told["conversation_id"])
        elif isinstance(recorded.event, e.DeliveryChanged) and "state" in told:
            state = further(Delivery(told["state"]), Delivery(recorded.event.state))
            if state.value != told["state"]:
                told |= {"state": state.value, "error_code": recorded.event.error_code}
    if told:
        yield told


def _json_field(connection: Connection, name: str) -> ColumnElement[str]:
    if connection.dialect.name == "postgresql":
        in_json: ColumnElement[str] = cast(t.event.c.data, JSON)[name].as_string()
        return in_json
    extracted: ColumnElement[str] = func.json_extract(t.event.c.data, f"$.{name}")
    return extracted


def _routes(connection: Connection, report: Report) -> None:
    ev, r = t.event.c, t.route.c
    parts = [_binary(connection, _json_field(connection, name)) for name in ("inbox_id", "identity_id", "thread_key")]
    statement = select(*EVENT_COLUMNS).where(ev.kind == "RouteMoved").order_by(*parts, ev.id)
    told = _last_of_each(recorded_from(row) for row in _stream(connection, statement))
    keys = [_binary(connection, column) for column in (r.inbox_id, r.identity_id, r.thread_key)]
    stored = _stream(connection, select(t.route).order_by(*keys))
    for wanted, row in zip_longest(told, stored):
        report.rows += 1
        if row is None or wanted is None or (*wanted[0], wanted[1]) != tuple(row):
            report.differs(f"route: the row says {row and tuple(row)}, the log {wanted}")
            return  # from here on the two run out of step


def _last_of_each(events: Iterator[e.Recorded]) -> Iterator[tuple[tuple[str, str, str], str]]:
    key: tuple[str, str, str] | None = None
    conversation_id = ""
    for recorded in events:
        moved = projections.route(recorded)
        if moved is None:
            continue
        following = (moved.inbox_id, moved.identity_id, moved.thread_key)
        if key is not None and following != key:
            yield key, conversation_id
        key, conversation_id = following, recorded.stream_id
    if key is not None:
        yield key, conversation_id


def _contacts(connection: Connection, report: Report) -> None:
    """Whom contacts are merged into, and to whom each identity belongs."""
    ev = t.event.c
    statement = select(*EVENT_COLUMNS).where(ev.stream == "contact").order_by(ev.id)
    merged: dict[str, str] = {}
    owners: dict[str, projections.Values] = {}
    kinds = ("ContactMerged", "ContactAbsorbed", "ContactMergeUndone", "IdentityMoved")
    regrouping = statement.where(ev.kind.in_(kinds))
    for row in _stream(connection, regrouping):
        recorded = recorded_from(row)
        if (values := projections.contact(recorded)) is not None:
            merged[recorded.stream_id] = values["merged_into"]
        for identity_id, change in projections.identities(recorded).items():
            owners[identity_id] = owners.get(identity_id, {}) | change
    c, i = t.contact.c, t.identity.c
    for contact_id, merged_into in _stream(connection, select(c.id, c.merged_into)):
        report.rows += 1
        if merged_into != merged.get(contact_id, ""):
            report.differs(
                f"contact {contact_id}: merged into {merged_into!r}, the log says {merged.get(contact_id)!r}"
            )
    by_identity = _binary(connection, _json_field(connection, "identity_id"))
    linked = select(*EVENT_COLUMNS).where(ev.kind == "IdentityLinked").order_by(by_identity, ev.id)
    rows = _stream(connection, select(i.id, i.contact_id, i.evidence, i.stated_by).order_by(_binary(connection, i.id)))
    row = next(rows, None)
    for event_row in _stream(connection, linked):
        recorded = recorded_from(event_row)
        report.events += 1
        for told_id, change in projections.identities(recorded).items():
            told = change | owners.get(told_id, {})
            facts = (told_id, told["contact_id"], told["evidence"], told["stated_by"])
            if row is None or tuple(row) != facts:
                report.differs(f"identity {told_id}: the row says {row and tuple(row)}, the log {told}")
            report.rows += 1
            row = next(rows, None)
    if row is not None:
        report.differs(f"identity {row.id}: there is a row and no event")


def _agents(connection: Connection, report: Report) -> None:
    told: dict[str, dict[str, Any]] = {}
    for recorded in _events(connection, "agent", lambda _: None):
        report.events += 1
        if (values := projections.agent(recorded)) is not None:
            told[recorded.stream_id] = values
    a = t.agent.c
    columns = (a.presence, a.presence_reason, a.presence_since, a.presence_until)
    for row in _stream(connection, select(a.id, *columns)):
        report.rows += 1
        wanted = told.get(row.id)
        if wanted and tuple(row[1:]) != tuple(wanted.values()):
            report.differs(f"agent {row.id}: the row says {tuple(row)}, the log {wanted}")
