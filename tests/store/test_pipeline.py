"""Statements to PostgreSQL that share a round trip: what they give, how they fail, and how many trips there are."""

from __future__ import annotations

from functools import partial
from typing import Any

import psycopg
import pytest
from sqlalchemy import bindparam, func, select, text

from hub.domain.errors import Conflict, DatabaseAway
from hub.store import tables as t
from hub.store.pipeline import Pipeline, pipeline_of
from hub.store.prepared import Prepared
from hub.store.unit_of_work import Tx
from tests.fixtures_hub import World

pytestmark = pytest.mark.parametrize("database", ["postgres"], indirect=True)

LONG = 4 * 1024 * 1024  # bytes: more than the system takes at once
_p = t.webhook_payload.c
_PAYLOAD = Prepared(select(_p.body, _p.at, _p.headers).where(_p.id == bindparam("which")))
_COUNT = Prepared(select(func.count()).select_from(t.webhook_payload))


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many statements went with each round trip."""
    seen: list[int] = []
    exchange = Pipeline._exchange

    def noted(self: Pipeline) -> None:
        seen.append(len(self._waiting))
        exchange(self)

    monkeypatch.setattr(Pipeline, "_exchange", noted)
    return seen


def payload(which: str, *, body: bytes = b"", headers: str = "{}", at: int = 0) -> dict[str, Any]:
    return {"id": which, "inbox_id": "an inbox", "at": at, "headers": headers, "body": body}


def stored(world: World) -> list[str]:
    with world.store.read() as connection:
        return sorted(connection.execute(select(_p.id)).scalars())


def test_what_nobody_looks_at_goes_with_the_commit(world: World, trips: list[int]) -> None:
    def write(tx: Tx) -> int:
        tx.add(t.webhook_payload, payload("one"))
        ((count,),) = tx.run(_COUNT, {}).fetchall()
        tx.add(t.webhook_payload, payload("two"))
        tx.add(t.webhook_payload, payload("three"))
        return int(count)

    assert world.store.write(write) == 1
    assert trips == [2, 3]
    assert stored(world) == ["one", "three", "two"]


def test_a_known_customers_text_takes_few_round_trips(world: World, trips: list[int]) -> None:
    """Who it is, whether it is stored and where it belongs; what they were last offered; the event; the message, and
    what may have been said of it before; the rest with the commit."""
    world.say("hello")
    trips.clear()
    world.say("where is my order?")
    assert len(trips) == 1 + 5, "the first one reads the inbox"


def test_queries_find_what_was_put_before_them(world: World) -> None:
    def write(tx: Tx) -> tuple[int, int, list[list[Any]]]:
        tx.add(t.webhook_payload, payload("one"))
        by_library = tx.connection.execute(select(func.count()).select_from(t.webhook_payload)).scalar_one()
        tx.add(t.webhook_payload, payload("two"))
        prepared = _COUNT.one(tx.connection, {})[0]
        tx.add(t.webhook_payload, payload("three"))
        return by_library, prepared, tx.ask((_COUNT, {}), (_PAYLOAD, {"which": "no such"}))

    assert world.store.write(write) == (1, 2, [[(3,)], []])


def test_values_come_back_as_they_went_in(world: World) -> None:
    """Twice, as what was prepared is another message of the protocol; and long ones, which go in many pieces."""
    values = [
        (b"", "", 0),
        (bytes(range(256)), "¿Dónde? 50 % of 'it' \\ $1 😀", 2**62),
        (b"\x00" * LONG, "ñ" * LONG, -1),
    ]
    for number, (body, headers, at) in enumerate(values):
        which = str(number)
        kept = payload(which, body=body, headers=headers, at=at)
        world.store.write(partial(Tx.add, table=t.webhook_payload, values=kept))
        with world.store.read() as connection:
            assert tuple(_PAYLOAD.one(connection, {"which": which})) == (body, at, headers)


def test_what_fails_with_the_commit_leaves_nothing(world: World) -> None:
    def write(tx: Tx) -> None:
        tx.add(t.webhook_payload, payload("one"))
        tx.connection.execute(text("SELECT 1"))
        tx.add(t.webhook_payload, payload("two"))
        tx.run(Prepared(text("SELECT 1 / 0")), {})

    with pytest.raises(psycopg.errors.DivisionByZero):
        world.store.write(write)
    assert stored(world) == []
    world.store.write(lambda tx: tx.add(t.webhook_payload, payload("three")))
    assert stored(world) == ["three"]


def test_a_uniqueness_error_that_comes_with_the_commit_runs_the_use_case_again(world: World) -> None:
    world.store.write(lambda tx: tx.add(t.webhook_payload, payload("one")))
    runs: list[str] = []

    def write(tx: Tx) -> None:
        runs.append("two" if runs else "one")
        tx.add(t.webhook_payload, payload(runs[-1]))

    world.store.write(write)
    assert runs == ["one", "two"]
    assert stored(world) == ["one", "two"]


def test_a_value_that_cannot_be_sent_is_its_own_use_cases_error(world: World) -> None:
    for _ in range(2):  # nor does it stay for whoever has the connection next
        with pytest.raises(psycopg.DataError, match="NUL"):
            world.store.write(lambda tx: tx.add(t.webhook_payload, payload("one", headers="\0")))
    assert stored(world) == []


def test_whoever_goes_on_after_an_error_does_not_take_it_for_committed(world: World) -> None:
    def write(tx: Tx) -> None:
        tx.add(t.webhook_payload, payload("one"))
        try:
            tx.connection.execute(text("SELECT 1 / 0"))
        except Exception:  # what a careless use case would do
            return

    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        world.store.write(write)
    assert stored(world) == []


def test_a_connection_that_is_lost_is_said_to_be_and_replaced(world: World) -> None:
    def write(tx: Tx) -> None:
        own = tx.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with world.store.read() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
        tx.add(t.webhook_payload, payload("one"))
        tx.run(_COUNT, {}).fetchone()

    with pytest.raises(DatabaseAway):
        world.store.write(write)
    world.store.write(lambda tx: tx.add(t.webhook_payload, payload("two")))
    assert stored(world) == ["two"]


def test_a_read_is_one_snapshot_and_writes_nothing(world: World) -> None:
    with world.store.read() as connection:
        assert _COUNT.one(connection, {})[0] == 0
        world.store.write(lambda tx: tx.add(t.webhook_payload, payload("one")))
        assert _COUNT.one(connection, {})[0] == 0
        assert connection.execute(select(func.count()).select_from(t.webhook_payload)).scalar_one() == 0
    assert stored(world) == ["one"]
    with world.store.read() as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        pipeline_of(connection).put("DELETE FROM webhook_payload", ()).fetchall()


def test_what_is_prepared_outlives_reads_and_errors(world: World) -> None:
    """Each end of a read, and each use case that fails, is a rollback: after it nothing is to be put together anew."""

    def names() -> list[str]:
        with world.store.read() as connection:
            rows = connection.execute(text("SELECT name FROM pg_prepared_statements ORDER BY prepare_time"))
            found = [str(name) for name in rows.scalars()]
            _COUNT.one(connection, {})
            return found

    def fails(tx: Tx) -> None:
        tx.run(_COUNT, {}).fetchone()
        raise Conflict("it fails")

    engine = world.store.engine  # type: ignore[attr-defined]  # the stores have one, their port does not
    taken = [engine.connect() for _ in range(engine.pool.size() - 1)]  # one is left, which all use
    try:
        for _ in range(2):
            names()
        before = names()
        with pytest.raises(Conflict):
            world.store.write(fails)
        assert before == names() != []
    finally:
        for each in taken:
            each.close()
