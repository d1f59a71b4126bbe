"""Writing: use cases run in transactions, events become rows.

A use case is a function of `Tx` alone: no I/O, no outside state, safe to run again. `Store.write` runs it and returns
what it returned, after the commit.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from hashlib import sha256
from select import POLLIN, poll
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import psycopg
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Table,
    bindparam,
    create_engine,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy import (
    event as sa_event,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.pool import QueuePool
from ulid import ULID

from hub import failpoints
from hub.domain import events as e
from hub.domain import sla
from hub.domain.conversation import Conversation, fold
from hub.domain.errors import NotFound, Unavailable
from hub.domain.messages import Delivery, further
from hub.ports import Clock
from hub.store import projections
from hub.store import tables as t
from hub.store.availability import ERRORS, raise_plainly
from hub.store.pipeline import BEGIN, BEGIN_READING, pipeline_of
from hub.store.prepared import Prepared
from hub.store.rulebook import Rulebook
from hub.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)

Result = TypeVar("Result")
UseCase = Callable[["Tx"], Result]
# What reads take; named here so that services need not know the library.
Reading: TypeAlias = Connection

CONVERSATION_FIELDS = tuple(field.name for field in fields(Conversation))
CONVERSATION_COLUMNS = tuple(t.conversation.c[name] for name in CONVERSATION_FIELDS)

_EVENT_COLUMNS = ("stream", "stream_id", "sequence", "at", "actor_kind", "actor_id", "kind", "data")
_INSERT_EVENT = Prepared(insert(t.event).returning(t.event.c.id), _EVENT_COLUMNS)
# Ids are handed out before the commit; the feed needs the transaction's own number to know what may still be under way.
# A transaction that began first may have waited for this stream while a younger one wrote to it: then it takes that
# one's number, or screens would be told of the stream in another order than its own. No number is below the
# transaction's own, so nobody has read past it.
_BEFORE = t.event.alias("before")
_OF_STREAM = (
    select(_BEFORE.c.transaction)
    .where(_BEFORE.c.stream_id == bindparam("of_stream"), _BEFORE.c.sequence == bindparam("previous"))
    .scalar_subquery()
)
_INSERT_EVENT_POSTGRES = Prepared(
    insert(t.event)
    .values(transaction=func.greatest(text("pg_current_xact_id()::text::bigint"), _OF_STREAM))
    .returning(t.event.c.id),
    ("transaction", *_EVENT_COLUMNS),
)
_OUTBOX_COLUMNS = ("event_id", "handler", "order_key", "slow", "due_at", "created_at", "offered_until")
_INSERT_OUTBOX = Prepared(insert(t.outbox).returning(t.outbox.c.id), _OUTBOX_COLUMNS)
_MESSAGE_COLUMNS = (
    *("id", "conversation_id", "event_id", "sequence", "at", "kind", "author_kind", "author_id", "inbox_id"),
    *("identity_id", "channel", "rule", "state", "text", "text_hash", "extras", "external_id", "client_key", "trusted"),
)
_INSERT_MESSAGE = Prepared(insert(t.message), _MESSAGE_COLUMNS)
_MESSAGE_STATE = Prepared(select(t.message.c.state).where(t.message.c.id == bindparam("which")))
_INSERT_CONVERSATION = Prepared(insert(t.conversation), CONVERSATION_FIELDS)
_INSERT_TICKET_NUMBER = Prepared(insert(t.ticket_number).returning(t.ticket_number.c.id), ("at",))
_SELECT_CONVERSATION = select(*CONVERSATION_COLUMNS).where(t.conversation.c.id == bindparam("id"))
_CONVERSATION = Prepared(_SELECT_CONVERSATION)
_CONVERSATION_LOCKED = Prepared(_SELECT_CONVERSATION.with_for_update())
_STREAM_TABLES = {
    "contact": (t.contact, t.contact.c.id),
    "agent": (t.agent, t.agent.c.id),
    "article": (t.article_stream, t.article_stream.c.article_id),
}


# `json.dumps` makes an encoder for each call that wants more than its defaults.
_AS_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

# What may change which promise counts. It is looked up in one place, right after them, so that no path forgets it.
_MAY_PROMISE = (e.ConversationOpened, e.HandedOver, e.Transferred, e.PriorityChanged, e.MovedToContact)


def conversation_from(row: Any) -> Conversation:
    """The state in a row of `CONVERSATION_COLUMNS`, in that order."""
    return Conversation(*row)


@dataclass(frozen=True, slots=True)
class MessageContent:
    """What the log does not hold of a message. `extras` (buttons, attachments, citation) is any JSON value or None."""

    text: str
    extras: Mapping[str, Any] | None = None
    external_id: str | None = None
    client_key: str | None = None
    trusted: bool = False


class Tx:
    """One transaction. Not for keeping: it ends when the use case returns."""

    def __init__(
        self, connection: Connection, clock: Clock, subscriptions: Subscriptions, rulebook: Rulebook | None = None
    ) -> None:
        self._connection = connection
        self.now = clock.now()
        self.rulebook = rulebook or Rulebook()
        self.postgres = connection.dialect.name == "postgresql"
        self.recorded: list[e.Recorded] = []
        self.nudges: list[tuple[int, bool]] = []
        self._subscriptions = subscriptions
        self._insert_event = _INSERT_EVENT_POSTGRES if self.postgres else _INSERT_EVENT
        self._before: dict[str, Conversation | None] = {}
        self._after: dict[str, Conversation] = {}
        self._outbox: list[dict[str, Any]] = []
        self._cursor: Any = None
        self._pipeline = pipeline_of(connection) if self.postgres else None
        # Rows of the outbox whose ids are still to be asked for, and whether each is slow.
        self._inserted: list[tuple[Any, bool]] = []

    @property
    def connection(self) -> Connection:
        """For queries, which find what this transaction has been told to write."""
        if self._pipeline is not None:
            self._pipeline.send()
        return self._connection

    # --- what use cases do ---

    def new_id(self) -> str:
        """A fresh identifier (ULID), growing with time."""
        return str(ULID.from_timestamp(self.now / 1_000_000))

    def next_ticket_number(self) -> int:
        """The next number that a customer is given. Numbers may be skipped, never given twice."""
        (number,) = self.run(_INSERT_TICKET_NUMBER, {"at": self.now}).fetchone()
        return cast(int, number)

    def conversation(self, conversation_id: str) -> Conversation:
        """The conversation, locked until the end of the transaction. Raises NotFound."""
        held = self._after.get(conversation_id)
        if held is not None:
            return held
        statement = _CONVERSATION_LOCKED if self.postgres else _CONVERSATION
        row = self.run(statement, {"id": conversation_id}).fetchone()
        if row is None:
            raise NotFound(f"there is no conversation {conversation_id}")
        return self.hold(conversation_from(row))

    def hold(self, conversation: Conversation) -> Conversation:
        """Takes a row that a query of this transaction has already locked; what is held already goes first."""
        held = self._after.get(conversation.id)
        if held is not None:
            return held
        self._before[conversation.id] = self._after[conversation.id] = conversation
        return conversation

    def record(
        self,
        stream_id: str,
        event: e.Event,
        actor: e.Actor = e.SYSTEM,
        *,
        content: MessageContent | None = None,
    ) -> e.Recorded:
        """Appends an event to its stream, projects it and writes an outbox row for each handler that hears of it.

        Args:
            stream_id: the conversation, contact, agent or article that it happened to.
            event: the fact.
            actor: who caused it.
            content: the text of the message that the event brings; None where it brings none.
        """
        name = type(event).__name__
        sequence = self._next_sequence(stream_id, event)
        row = {
            "stream": event.stream,
            "stream_id": stream_id,
            "sequence": sequence,
            "at": self.now,
            "actor_kind": actor.kind.value,
            "actor_id": actor.id,
            "kind": name,
            "data": _AS_JSON(e.to_data(event)),
        }
        place = {"of_stream": stream_id, "previous": sequence - 1}
        (event_id,) = self.run(self._insert_event, row | place).fetchone()
        recorded = e.Recorded(event_id, stream_id, sequence, self.now, actor, event)
        self.recorded.append(recorded)
        conversation = self._project(recorded, content)
        for subscription in self._subscriptions.get(name, ()):
            if subscription.when(recorded, conversation):
                self._outbox.append(
                    {
                        "event_id": event_id,
                        "handler": subscription.handler,
                        "order_key": subscription.order_key(recorded, conversation),
                        "slow": int(subscription.slow),
                        "due_at": self.now,
                        "created_at": self.now,
                        # Its own nudge comes at the commit: the sweeper need not offer it before that had its time.
                        "offered_until": self.now + 2_000_000,
                    }
                )
        if conversation is not None and isinstance(event, _MAY_PROMISE):
            self.promise(stream_id)
        return recorded

    def promise(self, conversation_id: str) -> None:
        """Applies the policy and the hours that count for a conversation now, unless they do already."""
        conversation = self.conversation(conversation_id)
        chosen = self.rulebook.chosen(self.connection, conversation)
        if chosen != (conversation.sla_policy, conversation.sla_hours):
            self.record(conversation_id, e.SlaPolicyApplied(*chosen))

    def terms(self, policy_id: str, hours_id: str) -> sla.Terms:
        """What a conversation's clocks go by."""
        return self.rulebook.terms(self.connection, policy_id, hours_id)

    def run(self, statement: Prepared, values: Mapping[str, Any]) -> Any:
        """Executes a statement of the inbound path. Returns a cursor, which the next one takes over.

        On PostgreSQL it is sent when somebody asks for its result, at the latest with the commit, together with all
        that was to be run before: an error comes then.
        """
        if self._pipeline is not None:
            return statement.put(self._pipeline, values)
        if self._cursor is None:
            self._cursor = self._connection.connection.cursor()
        return statement.run(self._cursor, self._connection, values)

    def ask(self, *queries: tuple[Prepared, Mapping[str, Any]]) -> list[list[Any]]:
        """The rows that each of some queries finds, one after the other; on PostgreSQL in one round trip."""
        if self._pipeline is not None:
            found = [statement.put(self._pipeline, values) for statement, values in queries]
            return [each.fetchall() for each in found]
        return [self.run(statement, values).fetchall() for statement, values in queries]

    def add(self, table: Table, values: Mapping[str, Any]) -> None:
        """Inserts one row of a table that is not projected."""
        self.run(_insert(table, tuple(values)), values)

    def change(self, table: Table, keys: Mapping[str, Any], values: Mapping[str, Any]) -> int:
        """Changes the rows with these keys, of a table or columns that are not projected; returns how many."""
        which = {f"key_{name}": value for name, value in keys.items()}
        cursor = self.run(_update(table, tuple(keys), tuple(values)), {**values, **which})
        return cast(int, cursor.rowcount)

    def remove(self, table: Table, keys: Mapping[str, Any]) -> int:
        """Deletes the rows with these keys; returns how many."""
        return self.connection.execute(
            delete(table).where(*(table.c[name] == value for name, value in keys.items()))
        ).rowcount

    def upsert(self, table: Table, keys: Mapping[str, Any], values: Mapping[str, Any], *, add: str = "") -> None:
        """Inserts a row or changes the one with these keys; `add` names a column that is added to instead of set."""
        self.run(_upsert(table, tuple(keys), tuple(values), add, self.postgres), {**keys, **values})

    def flush(self) -> None:
        """Writes held state. Runs by itself before the commit; call it before a query that must see this use case."""
        changes: dict[tuple[str, int], int] = {}
        for conversation_id, after in self._after.items():
            before = self._before[conversation_id]
            if before is after:
                continue
            self._write_conversation(before, after)
            left, entered = projections.badges(before), projections.badges(after)
            if left != entered:
                shard = projections.shard(conversation_id)
                for sign, badges in ((-1, left), (1, entered)):
                    for badge in badges:
                        changes[badge, shard] = changes.get((badge, shard), 0) + sign
            self._before[conversation_id] = after
        # In one order everywhere, so that two transactions never wait for each other's counters.
        for name, shard in sorted(key for key, change in changes.items() if change):
            self.upsert(t.counter, {"name": name, "shard": shard}, {"value": changes[name, shard]}, add="value")
        for row in self._outbox:
            inserted = self.run(_INSERT_OUTBOX, row)
            self._inserted.append((inserted, bool(row["slow"])))
            if self._pipeline is None:
                self.take_inserted()  # the next statement takes the cursor over
        self._outbox = []

    def take_inserted(self) -> None:
        """Puts the ids of the outbox's new rows into `nudges`."""
        for inserted, slow in self._inserted:
            (outbox_id,) = inserted.fetchone()
            self.nudges.append((outbox_id, slow))
        self._inserted = []

    # --- how ---

    def _next_sequence(self, stream_id: str, event: e.Event) -> int:
        if isinstance(event, e.ConversationOpened):
            self._before[stream_id] = None
            self._after[stream_id] = Conversation(stream_id)
        if event.stream == "conversation":
            return self.conversation(stream_id).sequence + 1
        table, key = _STREAM_TABLES[event.stream]
        row = self.run(_number(table, key), {"which": stream_id}).fetchone()
        if row is None:
            raise NotFound(f"there is no {event.stream} {stream_id}")
        return cast(int, row[0])

    def _project(self, recorded: e.Recorded, content: MessageContent | None) -> Conversation | None:
        stream_id = recorded.stream_id
        if recorded.event.stream != "conversation":
            self._project_others(recorded)
            return None
        before = self._after[stream_id]
        conversation = sla.project(before, fold(before, recorded), recorded, self.terms)
        self._after[stream_id] = conversation
        if (values := projections.message(recorded)) is not None:
            if content is None:
                raise TypeError(f"{type(recorded.event).__name__} wants its message's content")
            self.run(_INSERT_MESSAGE, values | _content_values(content))
        elif (key := projections.route(recorded)) is not None:
            keys = {"inbox_id": key.inbox_id, "identity_id": key.identity_id, "thread_key": key.thread_key}
            self.upsert(t.route, keys, {"conversation_id": stream_id})
        elif isinstance(recorded.event, e.DeliveryChanged):
            self._project_delivery(recorded.event)
        elif (change := projections.media(recorded)) is not None:
            media_id, values = change
            self.change(t.remote_media, {"id": media_id}, values)
        elif isinstance(recorded.event, e.MessagesMovedIn):
            moved = t.message.c.id.in_(recorded.event.message_ids)
            self.connection.execute(update(t.message).where(moved).values(conversation_id=stream_id))
        return conversation

    def _project_others(self, recorded: e.Recorded) -> None:
        stream_id = recorded.stream_id
        if (values := projections.contact(recorded)) is not None:
            self.change(t.contact, {"id": stream_id}, values)
        for identity_id, values in projections.identities(recorded).items():
            self.change(t.identity, {"id": identity_id}, values)
        if (values := projections.agent(recorded)) is not None:
            self.change(t.agent, {"id": stream_id}, values)

    def _project_delivery(self, event: e.DeliveryChanged) -> None:
        (found,) = self.run(_MESSAGE_STATE, {"which": event.message_id}).fetchone()
        current = Delivery(found)
        state = further(current, Delivery(event.state))
        if state is not current:
            values = {"state": state.value, "error_code": event.error_code}
            self.change(t.message, {"id": event.message_id}, values)

    def _write_conversation(self, before: Conversation | None, after: Conversation) -> None:
        if before is None:
            self.run(_INSERT_CONVERSATION, {name: getattr(after, name) for name in CONVERSATION_FIELDS})
            return
        changed = {
            name: value for name in CONVERSATION_FIELDS if (value := getattr(after, name)) != getattr(before, name)
        }
        self.run(_update_conversation(tuple(changed)), {**changed, "which": after.id})


# Statements are put together once for each shape: that costs more than running them.


@cache
def _insert(table: Table, columns: tuple[str, ...]) -> Prepared:
    return Prepared(insert(table), columns)


@cache
def _update(table: Table, keys: tuple[str, ...], columns: tuple[str, ...]) -> Prepared:
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    which = (table.c[name] == bindparam(f"key_{name}") for name in keys)
    return Prepared(update(table).where(*which).values(values))


@cache
def _number(table: Table, key: Column[str]) -> Prepared:
    numbered = update(table).where(key == bindparam("which")).values(sequence=table.c.sequence + 1)
    return Prepared(numbered.returning(table.c.sequence))


@cache
def _update_conversation(columns: tuple[str, ...]) -> Prepared:
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    return Prepared(update(t.conversation).where(t.conversation.c.id == bindparam("which")).values(values))


@cache
def _upsert(table: Table, keys: tuple[str, ...], values: tuple[str, ...], add: str, postgres: bool) -> Prepared:
    make = postgres_insert if postgres else sqlite_insert
    statement = make(table)
    changes: dict[str, Any] = {name: statement.excluded[name] for name in values}
    if add:
        changes[add] = table.c[add] + statement.excluded[add]
    return Prepared(statement.on_conflict_do_update(index_elements=keys, set_=changes), (*keys, *values))


def _content_values(content: MessageContent) -> dict[str, Any]:
    return {
        "text": content.text,
        "text_hash": sha256(content.text.encode()).hexdigest(),
        "extras": json.dumps(content.extras, ensure_ascii=False) if content.extras else "",
        "external_id": content.external_id,
        "client_key": content.client_key,
        "trusted": int(content.trusted),
    }


class Committed(Protocol):
    """Told after each commit, in the order of commits: the outbox rows to run (id, slow) and whether events came."""

    def __call__(self, nudges: list[tuple[int, bool]], has_events: bool, /) -> None: ...


class Store(Protocol):
    """Where everything rests."""

    def write(self, use_case: UseCase[Result], *, later: bool = False) -> Result:
        """Runs a use case in a transaction and returns its result after the commit. Its errors come through.

        With `later` it may stand back behind those that a customer, an agent or a provider is waiting for.

        Raises Unavailable once the store is closed and cannot take it any more, DatabaseAway while the database does
        not answer or takes nothing.
        """

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading, one snapshot. Raises DatabaseAway."""

    def make_room(self, seconds: float) -> None:
        """Waits until nobody waits for a write of theirs, and at most so long: for what can be done a little later."""

    def close(self) -> None: ...

    @property
    def postgres(self) -> bool: ...

    @property
    def rulebook(self) -> Rulebook: ...


class _Base:
    postgres = False

    def __init__(self, clock: Clock, subscriptions: Subscriptions, committed: Committed) -> None:
        self.clock = clock
        self.subscriptions = subscriptions
        self.rulebook = Rulebook()
        self._committed = committed

    def _perform(self, connection: Connection, use_case: UseCase[Result]) -> tuple[Tx, Result]:
        tx = Tx(connection, self.clock, self.subscriptions, self.rulebook)
        result = use_case(tx)
        tx.flush()
        return tx, result

    def _announce(self, tx: Tx) -> None:
        tx.take_inserted()
        if tx.nudges or tx.recorded:
            try:
                self._committed(tx.nudges, bool(tx.recorded))
            except Exception:  # it is committed: whoever was not told finds it in the outbox and in the feed
                log.exception("could not tell of a commit")


# A host that is cut off in the midst of a transaction keeps its locks until the other side knows, which without these
# takes hours: by then customers have given up. Seconds; `tcp_user_timeout` in milliseconds.
_CUT_OFF_HERE = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_CUT_OFF_THERE = """
SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 3; SET tcp_keepalives_count = 3; SET tcp_user_timeout = '15s'
"""


def _cut_off_there(connection: Any, _: Any) -> None:
    try:
        connection.execute(_CUT_OFF_THERE)
        connection.commit()  # the library begins a transaction, whose end would undo it
    except psycopg.Error:
        connection.close()  # nobody else knows of it yet
        raise


# Seconds after which a connection that nobody took is asked whether it is still there.
_SURE = 5.0
_TAKEN = "taken"


def _require_alive(connection: Any, record: Any, _: Any) -> None:
    """On taking a connection. The library would ask the server each time, which takes as long as a statement; but where
    the other side has ended it, or the system has found out that there is none, its socket has something to read."""
    now = time.monotonic()
    before, record.info[_TAKEN] = record.info.get(_TAKEN, now), now
    try:
        socket = poll()
        socket.register(connection.fileno(), POLLIN)
        is_alive = not socket.poll(0)
        if is_alive and now - before > _SURE:
            connection.execute("SELECT 1")
            connection.rollback()
    except psycopg.Error:
        is_alive = False
    if not is_alive:
        raise InvalidatePoolError


class PostgresStore(_Base):
    """On the caller's connection, in as few round trips as the results allow that a use case looks at. A uniqueness,
    serialization or deadlock error runs the whole use case again."""

    postgres = True
    ATTEMPTS = 4
    _AGAIN = frozenset({"23505", "40001", "40P01"})  # unique_violation, serialization_failure, deadlock_detected

    def __init__(
        self, url: str, clock: Clock, subscriptions: Subscriptions, committed: Committed, *, connections: int = 20
    ) -> None:
        super().__init__(clock, subscriptions, committed)
        how = {**_CUT_OFF_HERE, "prepare_threshold": None}  # `Pipeline` says why
        self.engine = create_engine(url, pool_size=connections, max_overflow=0, connect_args=how)
        sa_event.listen(self.engine, "connect", _cut_off_there)
        sa_event.listen(self.engine, "checkout", _require_alive)

    def write(self, use_case: UseCase[Result], *, later: bool = False) -> Result:  # noqa: ARG002  # nobody stands back
        for attempt in range(1, self.ATTEMPTS + 1):
            try:
                with self.engine.begin() as connection:
                    pipeline = pipeline_of(connection)
                    pipeline.renew(BEGIN)
                    tx, result = self._perform(connection, use_case)
                    failpoints.reach("store.ready")
                    pipeline.commit()
            except ERRORS as error:
                cause = error.orig if isinstance(error, DBAPIError) else error
                if attempt == self.ATTEMPTS or getattr(cause, "sqlstate", None) not in self._AGAIN:
                    raise_plainly(error)
            else:
                failpoints.reach("store.committed")
                self._announce(tx)
                failpoints.reach("store.told")
                return result
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection:
                # One snapshot for all statements of a read, as on SQLite.
                pipeline_of(connection).renew(BEGIN_READING)
                yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        except ERRORS as error:
            raise_plainly(error)

    def make_room(self, seconds: float) -> None:
        """Nobody is in line."""

    def close(self) -> None:
        self.engine.dispose()


class _Waiting:
    """A use case and whoever waits for it: woken once, by a bare lock. A `Future` is heard under its own lock, which
    the writer still has when it wakes the waiter, who then goes back to sleep."""

    __slots__ = ("_done", "_error", "_result", "came", "later", "use_case")

    def __init__(self, use_case: UseCase[Any], later: bool) -> None:
        self.use_case, self.later, self.came = use_case, later, time.monotonic()
        self._result: Any = None
        self._error: BaseException | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def end(self, result: Any, error: BaseException | None = None) -> None:
        self._result, self._error = result, error
        self._done.release()

    def wait(self) -> Any:
        with self._done:
            error, self._error = self._error, None  # its traceback will hold this frame: no circle for the collector
            if error is not None:
                raise error
            return self._result


class SqliteStore(_Base):
    """One writer thread takes what is waiting and commits it together.

    Threads that fight for SQLite's lock sleep and retry without a queue: p99 of hundreds of milliseconds. One writer
    has no fight, and one fsync serves the whole batch. A member that fails undoes the batch; its members then run one
    by one, each in its own transaction, so that nobody pays for another's error.

    What may be done later stands back: it has its turn when nobody waits, and ends that when somebody comes. In a rush
    it goes along with the others after `PATIENCE`, as many of it as there are of them, so that the jobs go on, too.
    """

    BATCH = 64
    PATIENCE = 0.05  # seconds
    OVERDUE = (2, 8)  # at least and at most, with those that somebody waits for
    ALONE = 16

    def __init__(self, path: str, clock: Clock, subscriptions: Subscriptions, committed: Committed) -> None:
        super().__init__(clock, subscriptions, committed)
        self.engine = sqlite_engine(path, writing=True)
        self._reading = sqlite_engine(path, writing=False)
        self._inbox: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._changing = threading.Lock()
        self._writer: threading.Thread | None = None
        self._connection: Connection | None = None
        self._closed = False
        # Members that somebody waits for: how many have ever come, how many of them the writer has taken, and how many
        # have been answered.
        self._came = self._taken = self._answered = 0
        self._nobody_waits = threading.Event()
        self._nobody_waits.set()

    def write(self, use_case: UseCase[Result], *, later: bool = False) -> Result:
        waiting = _Waiting(use_case, later)
        with self._changing:  # nothing is put behind the sign to stop, where nobody would ever take it
            if self._closed:
                raise Unavailable("the hub is stopping")
            if self._writer is None:
                self._start()
            if not later:
                self._came += 1
                self._nobody_waits.clear()
            self._inbox.put(waiting)
        try:
            return cast(Result, waiting.wait())
        except ERRORS as error:
            raise_plainly(error)
        finally:
            if not later:
                with self._changing:
                    self._answered += 1
                    if self._came == self._answered:
                        self._nobody_waits.set()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        try:
            with self._reading.connect() as connection:
                yield connection
        except ERRORS as error:
            raise_plainly(error)

    def make_room(self, seconds: float) -> None:
        self._nobody_waits.wait(seconds)

    def close(self) -> None:
        with self._changing:
            self._closed = True
            self._inbox.put(None)
        if self._writer is not None:
            self._writer.join()
        self.engine.dispose()
        self._reading.dispose()

    def _start(self) -> None:
        # On first use and not in the constructor: a thread does not survive the server's fork.
        self._writer = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._writer.start()

    def _run(self) -> None:
        running = True
        later: deque[_Waiting] = deque()
        while running or later:
            batch: list[_Waiting] = []
            while len(batch) < self.BATCH:
                try:
                    # Waits only where there is nothing at all to do.
                    member = self._inbox.get(block=running and not batch and not later)
                except queue.Empty:
                    break
                if member is None:
                    running = False
                elif member.later:
                    later.append(member)
                else:
                    self._taken += 1
                    batch.append(member)
            if batch:
                along = min(max(len(batch), self.OVERDUE[0]), self.OVERDUE[1])
                overdue = time.monotonic() - self.PATIENCE
                while along and later and later[0].came <= overdue:
                    batch.append(later.popleft())
                    along -= 1
                self._commit(batch)
            elif later:
                self._commit([later.popleft()], later)
        self._let_go()

    def _commit(self, batch: list[_Waiting], later: deque[_Waiting] | None = None) -> None:
        """Performs a batch, and takes along some of what may be done `later` until somebody comes who waits."""
        try:
            # One connection for the writer's life: taking it from the pool for each batch costs as much as a message.
            if self._connection is None:
                self._connection = self.engine.connect()
            with self._connection.begin():
                done = [self._perform(self._connection, member.use_case) for member in batch]
                while later and len(batch) < self.ALONE and self._came == self._taken:
                    batch.append(later.popleft())
                    done.append(self._perform(self._connection, batch[-1].use_case))
                failpoints.reach("store.ready")
        except BaseException as error:  # whatever it is belongs to its caller, not to the writer
            self._let_go()
            if len(batch) == 1:
                batch[0].end(None, error)
                return
            for member in batch:
                self._commit([member])
            return
        failpoints.reach("store.committed")
        for member, (tx, result) in zip(batch, done, strict=True):
            self._announce(tx)
            failpoints.reach("store.told")
            member.end(result)

    def _let_go(self) -> None:
        """Gives the connection back; the next batch takes a sound one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def sqlite_engine(path: str, *, writing: bool) -> Engine:
    """An engine on a SQLite file: WAL, every commit on disk (synchronous=FULL).

    The writing one has a single connection and locks at BEGIN, so that a transaction never fails half-way for the
    lock. The reading one refuses to write.
    """
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=1 if writing else 16,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": 30, "cached_statements": 256},
    )

    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late to hold a snapshot
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        if writing:
            # Its transactions are small; a file for each larger statement would be a change of the disk's own tables,
            # for which the next commit waits.
            connection.execute("PRAGMA temp_store=MEMORY")
        else:
            connection.execute("PRAGMA query_only=ON")

    def begin(connection: Connection) -> None:
        # Past the library, which would make a statement of it: every job and every screen begins a few times.
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE" if writing else "BEGIN")

    sa_event.listen(engine, "connect", prepare)
    sa_event.listen(engine, "begin", begin)
    return engine
