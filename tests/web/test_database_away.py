"""The database away, or with no room: everybody is told to come again, nobody is told 200, and the log has a line."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from apiflask import APIFlask
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.domain.errors import DatabaseAway
from hub.store import tables as t
from hub.store.availability import away
from hub.store.unit_of_work import PostgresStore, SqliteStore
from tests.fixtures_hub import ORIGIN, World
from tests.web.conftest import Screen


@contextmanager
def postgres_away(store: PostgresStore) -> Iterator[None]:
    """As after a crash: who is connected is cut off, nobody gets in."""
    url = store.engine.url
    name = url.database or ""
    with psycopg.connect(host=url.host, port=url.port, user=url.username, dbname="postgres", autocommit=True) as server:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        server.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            server.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


@contextmanager
def disk_full(store: SqliteStore) -> Iterator[None]:
    """No page more for the file of the database."""

    def most(pages: int) -> None:
        store.write(lambda tx: tx.connection.execute(text(f"PRAGMA max_page_count = {pages}")).scalar())

    most(1)  # as many as there are: it is never fewer
    try:
        yield
    finally:
        most(1 << 30)


@pytest.fixture
def is_away(world: World) -> Callable[[], object]:
    """`with is_away():` the database takes nothing."""
    store = world.store
    return lambda: postgres_away(store) if isinstance(store, PostgresStore) else disk_full(store)  # type: ignore[arg-type]


def test_who_writes_is_told_to_come_again_and_nothing_is_lost(
    world: World,
    app: APIFlask,
    is_away: Callable[[], Iterator[None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = app.test_client()

    def say(number: int) -> int:
        body = f"-|id-{number}|customer-1|{'hello ' * 500}"
        response = client.post("/webhooks/key-paper", data=body.encode(), headers={"X-Paper": "genuine"})
        if response.status_code != 200:
            assert (response.status_code, response.get_json()["error_id"]) == (503, "unavailable")
            assert response.headers["Retry-After"] == "5"
        return response.status_code

    assert say(0) == 200
    with is_away(), caplog.at_level(logging.WARNING):  # type: ignore[attr-defined]
        # Until the file's free pages are used up some are taken in.
        statuses = [say(number) for number in range(1, 60)]
    assert statuses[-1] == 503
    refused = [number for number, status in enumerate(statuses, 1) if status == 503]
    lines = [each for each in caplog.records if "/webhooks/key-paper" in each.getMessage()]
    assert len(lines) == len(refused)
    assert all(each.exc_info is None and "\n" not in each.getMessage() for each in lines)
    assert world.count(t.message) == 60 - len(refused)
    assert [say(number) for number in refused] == [200] * len(refused)
    assert world.count(t.message) == 60


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_who_reads_is_told_to_come_again_and_stays_signed_in(
    app: APIFlask, open_screen: Callable[..., Screen], is_away: Callable[[], Iterator[None]]
) -> None:
    agent, visitor = open_screen(), app.test_client()
    asked = {"inbox": "key-webchat", "origin": ORIGIN}
    with is_away():  # type: ignore[attr-defined]
        answers = [agent.call("GET", "/conversations"), visitor.post("/widget/v1/session", json=asked)]
    for answer in answers:
        assert (answer.status_code, answer.get_json()["error_id"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "5"
    agent.get("/conversations")
    assert visitor.post("/widget/v1/session", json=asked).status_code == 200


def test_another_process_that_has_the_file_is_waited_for_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "one.sqlite3"
    with sqlite3.connect(file, isolation_level=None) as first, sqlite3.connect(file, timeout=0) as second:
        first.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as locked:
            second.execute("CREATE TABLE any (one)")
    first.close()
    second.close()
    assert isinstance(away(locked.value), DatabaseAway)
    assert isinstance(away(DBAPIError("SELECT 1", {}, locked.value)), DatabaseAway)


def test_a_mistake_of_ours_stays_one() -> None:
    with sqlite3.connect(":memory:") as connection, pytest.raises(sqlite3.OperationalError) as mistaken:
        connection.execute("SELECT nothing FROM nowhere")
    connection.close()
    assert away(mistaken.value) is None
    assert away(IntegrityError("INSERT", {}, psycopg.errors.UniqueViolation())) is None
    assert away(psycopg.errors.UndefinedTable()) is None
    assert isinstance(away(psycopg.errors.SerializationFailure()), DatabaseAway)
    assert isinstance(away(psycopg.errors.DiskFull()), DatabaseAway)
    assert isinstance(away(PoolTimeout()), DatabaseAway)
