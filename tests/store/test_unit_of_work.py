"""Writing: group commit, use cases that run again, and who hears of what when."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hub.domain import events as e
from hub.domain.errors import Conflict, NotFound, Unavailable
from hub.domain.messages import Author
from hub.services import contacts
from hub.store import tables as t
from hub.store.unit_of_work import SqliteStore, Store, Tx
from hub.testing.fakes import ManualClock
from tests.fixtures_hub import World

ACTOR = e.Actor(Author.CONTACT, "c")


def contact_names(store: Store) -> set[str]:
    with store.read() as connection:
        return set(connection.execute(text("SELECT name FROM contact")).scalars())


def test_a_failing_use_case_leaves_nothing_and_its_error_comes_through(world: World) -> None:
    def fails(tx: Tx) -> None:
        contacts.create(tx, "half", "en")
        raise Conflict("no")

    with pytest.raises(Conflict):
        world.store.write(fails)
    assert "half" not in contact_names(world.store)
    assert world.count(t.event) == 0


def test_group_commit_with_a_failing_member_loses_no_other(sqlite_store: SqliteStore) -> None:
    """The writer is held up so that all members wait in one batch; the third one fails."""
    store = sqlite_store
    entered, go_on = threading.Event(), threading.Event()

    def blocker(tx: Tx) -> None:
        entered.set()
        assert go_on.wait(60)

    def member(number: int) -> Callable[[Tx], str]:
        def use_case(tx: Tx) -> str:
            contact_id = contacts.create(tx, f"member-{number}", "en")
            if number == 3:
                raise Conflict("the third one fails")
            return contact_id

        return use_case

    batches: list[int] = []
    commit = store._commit

    def counting(batch: list[Any], *rest: Any) -> None:
        batches.append(len(batch))
        commit(batch, *rest)

    store._commit = counting  # type: ignore[method-assign,assignment]
    with ThreadPoolExecutor(9) as pool:
        held = pool.submit(store.write, blocker)
        assert entered.wait(60)
        members = [pool.submit(store.write, member(number)) for number in range(8)]
        while store._inbox.qsize() < 8:
            threading.Event().wait(0.001)
        go_on.set()
        held.result(10)
        outcomes = [each.exception(10) for each in members]
    assert batches[0:2] == [1, 8], "all eight waited and were one batch"
    assert [isinstance(each, Conflict) for each in outcomes] == [number == 3 for number in range(8)]
    assert contact_names(store) == {f"member-{number}" for number in range(8) if number != 3}
    with store.read() as connection:
        events = connection.execute(text("SELECT count(*) FROM event")).scalar_one()
    assert events == 7, "no event of the undone batch is left, none is doubled"


def test_callers_and_hooks_hear_only_after_the_commit_and_in_order(sqlite_path: Path) -> None:
    heard: list[int] = []

    def committed(nudges: list[tuple[int, bool]], has_events: bool) -> None:
        assert has_events
        with store.read() as connection:
            heard.append(connection.execute(text("SELECT count(*) FROM event")).scalar_one())

    store = SqliteStore(str(sqlite_path), ManualClock(), {}, committed)
    for _ in range(3):
        store.write(lambda tx: contacts.create(tx, "n", "en"))
    store.close()
    assert heard == [1, 2, 3]


def test_a_commit_is_on_disk_when_the_caller_hears(sqlite_store: SqliteStore) -> None:
    with sqlite_store.engine.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"


def test_reading_cannot_write(world: World) -> None:
    with world.store.read() as connection, pytest.raises(Exception, match=r"readonly|read-only"):
        connection.execute(t.team.insert(), {"id": "x", "name": "x"})


def test_a_uniqueness_error_runs_the_whole_use_case_again(world: World) -> None:
    """Both look first, both find nothing, both insert: the second one must find what the first one wrote."""
    if not world.store.postgres:
        pytest.skip("SQLite has one writer: there is nobody to collide with")
    barrier = threading.Barrier(2)
    runs: list[str] = []

    def find_or_create(tx: Tx) -> str:
        found = tx.connection.execute(text("SELECT id FROM team WHERE name = 'new'")).scalar_one_or_none()
        runs.append(found or "")
        if found:
            return str(found)
        if len(runs) <= 2:
            barrier.wait(60)
        team_id = tx.new_id()
        tx.add(t.team, {"id": team_id, "name": "new"})
        return team_id

    with ThreadPoolExecutor(2) as pool:
        one, two = (pool.submit(world.store.write, find_or_create) for _ in range(2))
        assert one.result(10) == two.result(10)
    assert len(runs) == 3


def test_events_are_numbered_within_their_stream_without_gaps(world: World) -> None:
    conversation_id = world.say("hello").conversation_id
    with ThreadPoolExecutor(8) as pool:
        said = [pool.submit(world.say, f"message {n}") for n in range(24)]
        for each in said:
            each.result()
    with world.store.read() as connection:
        numbers = connection.execute(
            text("SELECT sequence FROM event WHERE stream_id = :id ORDER BY id"), {"id": conversation_id}
        ).scalars()
        assert list(numbers) == list(range(1, 27)), "opened, and twenty-five messages"


def test_an_event_of_nobody_is_refused(world: World) -> None:
    with pytest.raises(NotFound):
        world.store.write(lambda tx: tx.record("nobody", e.Resolved()))
    with pytest.raises(NotFound):
        world.store.write(lambda tx: tx.record("nobody", e.PresenceChanged("busy", "")))


def test_whoever_cannot_be_told_of_a_commit_undoes_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def broken(outbox_ids: object, **_: object) -> None:
        raise ConnectionError("nobody hears")

    world.nudger.nudge = broken  # type: ignore[method-assign]
    world.say("hello")
    assert "could not tell of a commit" in caplog.text
    world.say("and the writer goes on")
    assert world.count(t.message) == 2


def test_a_store_that_is_closed_takes_nothing_and_leaves_nobody_waiting(sqlite_store: SqliteStore) -> None:
    """What was taken before is committed; whoever comes later is told at once."""
    entered, go_on = threading.Event(), threading.Event()

    def blocker(tx: Tx) -> None:
        entered.set()
        assert go_on.wait(60)

    with ThreadPoolExecutor(3) as pool:
        held = pool.submit(sqlite_store.write, blocker)
        assert entered.wait(60)
        taken = pool.submit(sqlite_store.write, lambda tx: contacts.create(tx, "taken", "en"))
        while not sqlite_store._inbox.qsize():
            threading.Event().wait(0.001)
        closing = pool.submit(sqlite_store.close)
        while not sqlite_store._closed:
            threading.Event().wait(0.001)
        with pytest.raises(Unavailable, match="stopping"):
            sqlite_store.write(lambda tx: contacts.create(tx, "late", "en"))
        go_on.set()
        held.result(10)
        assert taken.result(10)
        closing.result(10)
    assert contact_names(sqlite_store) == {"taken"}


@contextmanager
def held_up(store: SqliteStore, pool: ThreadPoolExecutor) -> Iterator[None]:
    """The writer is busy meanwhile: what comes is taken together afterwards."""
    entered, go_on = threading.Event(), threading.Event()

    def blocker(tx: Tx) -> None:
        entered.set()
        assert go_on.wait(60)

    pool.submit(store.write, blocker)
    assert entered.wait(60)
    yield
    go_on.set()


def come(store: SqliteStore, pool: ThreadPoolExecutor, order: list[str], *names: str) -> None:
    """Use cases, jobs among them, that write their name down come to the writer, which is busy, one after another."""
    for name in names:
        before = store._inbox.qsize()
        pool.submit(store.write, lambda _, name=name: order.append(name), later=name.startswith("job"))
        while store._inbox.qsize() == before:
            threading.Event().wait(0.001)


def mark_commits(store: SqliteStore, order: list[str]) -> None:
    commit = store._commit

    def marking(*given: Any) -> None:
        commit(*given)
        order.append("|")

    store._commit = marking  # type: ignore[method-assign,assignment]


JOBS = [f"job {number}" for number in range(10)]
ASKED = [f"webhook {number}" for number in range(3)]


def test_what_may_be_done_later_stands_back_and_is_not_forgotten(sqlite_store: SqliteStore) -> None:
    order: list[str] = []
    sqlite_store.PATIENCE = 60.0
    with ThreadPoolExecutor(20) as pool:
        mark_commits(sqlite_store, order)
        with held_up(sqlite_store, pool):
            come(sqlite_store, pool, order, *JOBS, *ASKED)
    sqlite_store.close()
    assert order == ["|", *ASKED, "|", *JOBS, "|"]


def test_in_a_rush_what_has_stood_back_for_long_goes_along(sqlite_store: SqliteStore) -> None:
    order: list[str] = []
    sqlite_store.PATIENCE = 0.0
    with ThreadPoolExecutor(20) as pool:
        mark_commits(sqlite_store, order)
        with held_up(sqlite_store, pool):
            come(sqlite_store, pool, order, *JOBS, *ASKED)
    sqlite_store.close()
    assert order == ["|", *ASKED, *JOBS[:3], "|", *JOBS[3:], "|"], "as many as of the others"


def test_who_comes_while_jobs_are_done_waits_for_one_of_them(sqlite_store: SqliteStore) -> None:
    begun, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def job(tx: Tx) -> None:
        order.append("job")
        begun.set()
        assert go_on.wait(60)

    with ThreadPoolExecutor(20) as pool:
        with held_up(sqlite_store, pool):
            for _ in range(10):
                pool.submit(sqlite_store.write, job, later=True)
            while sqlite_store._inbox.qsize() < 10:
                threading.Event().wait(0.001)
        assert begun.wait(60)
        come(sqlite_store, pool, order, "webhook")
        go_on.set()
    sqlite_store.close()
    assert order == ["job", "webhook", *["job"] * 9]


def test_room_is_made_for_whoever_waits_and_not_for_jobs(sqlite_store: SqliteStore) -> None:
    begun, go_on = threading.Event(), threading.Event()
    written: list[str] = []

    def slow(tx: Tx) -> None:
        begun.set()
        assert go_on.wait(60)

    with ThreadPoolExecutor(2) as pool:
        sqlite_store.make_room(60)
        job = pool.submit(sqlite_store.write, slow, later=True)
        assert begun.wait(60)
        sqlite_store.make_room(3600)
        come(sqlite_store, pool, written, "webhook")
        sqlite_store.make_room(0.01)
        assert written == [], "no longer than that"
        go_on.set()
        sqlite_store.make_room(60)
        assert written == ["webhook"]
        job.result(60)


@pytest.fixture
def sqlite_path(sqlite_template: Path, tmp_path: Path) -> Path:
    path = tmp_path / "own.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    return path


@pytest.fixture
def sqlite_store(sqlite_path: Path) -> SqliteStore:
    return SqliteStore(str(sqlite_path), ManualClock(), {}, lambda _nudges, _events: None)
