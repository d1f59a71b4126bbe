"""How SQLite finds what the inbound path asks for: a statement that reads a whole table costs more with every day."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Engine, event

from hub.jobs.sweeper import Sweeper
from hub.services import assignment, replies
from hub.store import feed, prepared
from hub.store import tables as t
from hub.store.queries import changes
from hub.store.unit_of_work import SqliteStore
from tests.fixtures_hub import ANA, World

# They grow with what customers do. The others hold what the firm has set up.
GROWING = {
    "event", "outbox", "message", "conversation", "contact", "identity", "route", "webhook_payload", "attachment",
    "answered", "source",
}  # fmt: skip
# What is read from end to end on purpose, with its reason.
ALLOWED = {
    # The few that are unfinished, by an index that has only those.
    "SCAN outbox USING INDEX ix_outbox_due",
    "SCAN outbox USING COVERING INDEX ix_outbox_due",
    "SCAN conversation USING INDEX ix_conversation_offered",
    # The newest of the log: the first row of the index, and no other.
    "SCAN event USING COVERING INDEX ix_event_transaction_id",
    # A list of values in the statement itself.
    "SCAN CONSTANT ROW",
}

Statements = dict[str, Any]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    """Every statement that is run, with its last values as the driver got them."""
    seen: Statements = {}
    run = prepared.Prepared.run

    class Noting:
        def __init__(self, cursor: Any) -> None:
            self._cursor = cursor

        def execute(self, sql: str, values: Any) -> None:
            seen[sql] = values
            self._cursor.execute(sql, values)

    def noted(self: prepared.Prepared, cursor: Any, connection: Any, values: Any) -> Any:
        run(self, Noting(cursor), connection, values)
        return cursor

    def executed(_connection: Any, _cursor: Any, sql: str, values: Any, _context: Any, many: bool) -> None:
        seen[sql] = values[0] if many else values

    monkeypatch.setattr(prepared.Prepared, "run", noted)
    event.listen(Engine, "before_cursor_execute", executed)
    yield seen
    event.remove(Engine, "before_cursor_execute", executed)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_on_the_path_of_a_message_reads_a_table_that_grows_from_end_to_end(
    world: World, statements: Statements
) -> None:
    """The values are explained as parameters, as they are run: SQLite then takes a partial index only where the
    statement's own text repeats the index's condition."""
    sweeper = Sweeper(world.hub)
    for number in range(3):
        world.say("where is my order?", sender=f"customer-{number}")
        world.run()
        sweeper.sweep()
    conversation_id = world.received[-1].conversation_id
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, "It is on its way.", "reply-1"))
    world.run()
    sweeper.sweep()
    store = world.store
    assert isinstance(store, SqliteStore)
    with closing(sqlite3.connect(store.engine.url.database or "")) as connection:
        read = {sql: plan(connection, sql, values) for sql, values in statements.items() if is_planned(sql)}
    assert len(read) > 30
    assert set(t.metadata.tables) >= GROWING
    # An alias counts as a table that grows: its step does not say which one it is.
    small = set(t.metadata.tables) - GROWING
    scans = [
        (step, sql)
        for sql, steps in read.items()
        for step in steps
        if step.split()[0] == "SCAN" and step.split()[1] not in small and step not in ALLOWED
    ]
    assert not scans


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_was_last_sent_is_found_without_what_the_customer_wrote_since(
    world: World, statements: Statements
) -> None:
    world.say("where is my order?")
    with world.store.read() as connection:
        changes.last_offer(connection, "whose it is does not matter to the plan")
    store = world.store
    assert isinstance(store, SqliteStore)
    asked = [(sql, values) for sql, values in statements.items() if "extras" in sql and "kind = 'outgoing'" in sql]
    assert len(asked) == 1
    with closing(sqlite3.connect(store.engine.url.database or "")) as database:
        steps = plan(database, *asked[0])
    assert steps == ["SEARCH message USING INDEX ix_message_outgoing (identity_id=?)"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_feed_is_read_from_the_cursor_on_and_not_from_the_first_event(world: World, statements: Statements) -> None:
    with world.store.read() as connection:
        feed.read(connection, feed.head(connection))
    store = world.store
    assert isinstance(store, SqliteStore)
    pages = [(sql, values) for sql, values in statements.items() if "FROM event" in sql and "event.id > ?" in sql]
    assert len(pages) == 1
    with closing(sqlite3.connect(store.engine.url.database or "")) as database:
        assert plan(database, *pages[0]) == ["SEARCH event USING INTEGER PRIMARY KEY (rowid>?)"]


def is_planned(sql: str) -> bool:
    return sql.lstrip().partition(" ")[0].upper() in ("SELECT", "UPDATE", "DELETE", "INSERT")


def plan(connection: sqlite3.Connection, sql: str, values: Any) -> list[str]:
    """The steps by which a statement finds its rows."""
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
