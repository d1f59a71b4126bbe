"""A hub with as many conversations as are asked for, in minutes: two hundred go the real way in, the others are copies.

What is copied is whole: contacts, addresses, routes, conversations, messages and events, so that `replay --check` finds
no difference. The originals come by a clock of their own, so that all their ids begin alike, and with nothing else's:
a copy's are the same with another beginning, also inside the events.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from hub import app
from hub.domain.messages import Address, InboundMessage, Parsed, WebhookRequest
from hub.services import handoff, inbound
from hub.settings import from_environment
from hub.store import tables as t
from hub.store.unit_of_work import Tx

ORIGINALS = 200
TABLES = (t.contact, t.identity, t.route, t.conversation, t.message, t.event)
_BEGAN = 1_752_000_000_000_000  # microseconds: July 2025
_DAY = 86_400_000_000
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass
class _Clock:
    at: int = _BEGAN

    def now(self) -> int:
        self.at += 1000
        return self.at


def load(environment: dict[str, str], conversations: int) -> int:
    """Fills a migrated and seeded SQLite database. Returns how many conversations were put into it: `conversations`,
    as a multiple of the originals. Each has the customer's message and the hub's answer, and waits in the queue."""
    originals = min(ORIGINALS, conversations)
    _originals(environment, originals)
    copies = conversations // originals - 1
    _copy(Path(from_environment(environment).sqlite_path or ""), copies)
    return originals * (copies + 1)


def _originals(environment: dict[str, str], count: int) -> None:
    assembled = app.build(from_environment(environment), clock=_Clock())
    hub = assembled.hub
    inbox = next(each for each in hub.inboxes.every() if each.channel == "webchat")
    rules = hub.channel_of(inbox).capabilities

    def come(tx: Tx, numbers: range) -> None:
        for number in numbers:
            visitor = tx.new_id()
            message = InboundMessage(
                external_id=f"{visitor}:1",
                address=Address("webchat", visitor, inbox.id, f"Customer {number}"),
                text=f"Where is my order A{100000 + number}?",
                language="en",
            )
            (received,) = inbound.accept(tx, inbox, Parsed((message,)), WebhookRequest("POST", "loader"), rules)
            handoff.hand_over(tx, received.conversation_id, reason="not_understood", open_question=received.message_id)

    try:
        for begin in range(0, count, 50):
            hub.store.write(lambda tx, begin=begin: come(tx, range(begin, min(count, begin + 50))))
    finally:
        assembled.stop()


def _copy(path: Path, copies: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-400000")
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("BEGIN IMMEDIATE")
    # Nobody has to do what would follow from them.
    connection.execute("UPDATE outbox SET state = 'done' WHERE state IN ('pending', 'claimed')")
    newest = "SELECT substr(id, 1, 4) FROM conversation WHERE opened_at BETWEEN ? AND ? LIMIT 1"
    beginning = connection.execute(newest, (_BEGAN, _BEGAN + _DAY)).fetchone()[0]
    events = connection.execute("SELECT max(id) FROM event").fetchone()[0]
    for table in TABLES:
        mark = {"event": "stream_id", "route": "conversation_id"}.get(table.name, "id")
        connection.execute(
            f"CREATE TEMP TABLE original_{table.name} AS SELECT * FROM {table.name} "  # noqa: S608  # our own names
            f"WHERE {mark} >= '{beginning}' AND {mark} < '{beginning}~'"
        )
    for copy in range(1, copies + 1):
        new = "2" + _DIGITS[copy // 1024 % 32] + _DIGITS[copy // 32 % 32] + _DIGITS[copy % 32]
        for table in TABLES:
            columns = [column.name for column in table.columns]
            values = ", ".join(_value(table.name, column, beginning, new, copy * events) for column in columns)
            names = ", ".join(f'"{column}"' for column in columns)
            connection.execute(
                f"INSERT INTO {table.name} ({names}) "  # noqa: S608  # our own names
                f"SELECT {values} FROM original_{table.name}"
            )
    _count(connection)
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.close()


def _count(connection: sqlite3.Connection) -> None:
    """The badges (`projections.badges`), of everything that is there now."""
    connection.execute("DELETE FROM counter")
    waiting = "FROM conversation WHERE merged_into = '' AND status = 'waiting'"
    for names in (
        f"SELECT 'waiting', 0, count(*) {waiting}",
        f"SELECT 'waiting:' || team_id, 0, count(*) {waiting} GROUP BY team_id",
        "SELECT status, 0, count(*) FROM conversation WHERE merged_into = '' AND status IN ('bot', 'snoozed') "
        "GROUP BY status",
        "SELECT 'assigned:' || assignee_id, 0, count(*) FROM conversation WHERE merged_into = '' "
        "AND status = 'assigned' GROUP BY assignee_id",
    ):
        connection.execute(f"INSERT INTO counter (name, shard, value) {names}")


def _value(table: str, column: str, beginning: str, new: str, offset: int) -> str:
    if (table, column) in (("event", "id"), ("message", "event_id"), ("conversation", "handed_over_event")):
        return f'"{column}" + {offset}'
    if column.endswith(("id", "_key")) or column in ("data", "address", "wire_address"):
        return f"replace(\"{column}\", '{beginning}', '{new}')"
    return f'"{column}"'
