"""Statements to PostgreSQL, several in one round trip.

A round trip costs both sides more than most statements do: the process goes to sleep and wakes up, and gives the
interpreter's lock away meanwhile. libpq's pipeline mode sends statements without waiting for the answers to those
before. The driver's own use of it takes as much time as it saves, so this speaks to `psycopg.pq` itself; values are
still converted by the driver.
"""

from __future__ import annotations

from collections.abc import Sequence
from select import POLLIN, POLLOUT, poll
from typing import Any, cast

import psycopg
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InFailedSqlTransaction, error_from_result
from sqlalchemy import Connection

_FAILED = {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.PIPELINE_ABORTED, pq.ExecStatus.BAD_RESPONSE}
BEGIN = b"BEGIN"
BEGIN_READING = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_NAME = "pipeline"
_UNDONE = "a statement of this transaction failed, and somebody went on"
_LOST = "the connection to the database is lost"


class Rows:
    """What a statement gives, asked for as of a cursor. Who asks first has it sent, with all that was put before it."""

    __slots__ = ("_count", "_pipeline", "_rows")

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline: Pipeline | None = pipeline
        self._rows: list[Any] = []
        self._count = -1

    def fetchone(self) -> Any:
        self._require()
        return self._rows.pop(0) if self._rows else None

    def fetchall(self) -> list[Any]:
        self._require()
        rows, self._rows = self._rows, []
        return rows

    @property
    def rowcount(self) -> int:
        self._require()
        return self._count

    def take(self, rows: list[Any], count: int) -> None:
        self._rows, self._count, self._pipeline = rows, count, None

    def _require(self) -> None:
        if self._pipeline is not None:
            self._pipeline.send()
        if self._pipeline is not None:
            raise RuntimeError("its transaction is over")


class Pipeline:
    """Statements of one connection, in their order. What is put is sent when somebody asks for a result, at the latest
    with the commit; a statement's error comes then, and is the transaction's end as any error is.

    Waits by `poll`, so that other greenlets go on in the gevent profile. What it prepares stays prepared for the
    connection's life: the driver must prepare nothing itself (`prepare_threshold=None`), or it would have the server
    forget all of that with each rollback.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._begin = BEGIN
        self._server = connection.pgconn
        self._values = Transformer(connection)
        self._known: dict[str, bytes] = {}
        self._once: set[str] = set()
        self._waiting: list[tuple[str, Sequence[Any], Rows]] = []
        self._socket = poll()
        self._socket.register(self._server.socket, POLLIN)

    def put(self, sql: str, values: Sequence[Any]) -> Rows:
        """`sql` with `$1`, `$2`… for the values."""
        rows = Rows(self)
        self._waiting.append((sql, values, rows))
        return rows

    def send(self) -> None:
        """Sends what is waiting, and begins a transaction where none is under way. Raises psycopg.Error."""
        if self._waiting:
            self._exchange()

    def commit(self) -> None:
        """Sends what is waiting and commits, in one round trip. Raises psycopg.Error: nothing is committed then, unless
        the connection was lost."""
        if self._server.transaction_status == pq.TransactionStatus.INERROR:
            raise InFailedSqlTransaction(_UNDONE)  # the server would take the commit and undo everything
        if self._waiting or self._server.transaction_status != pq.TransactionStatus.IDLE:
            self.put("COMMIT", ())
            self._exchange()

    def renew(self, begin: bytes) -> None:
        """For another use of the connection, whose transactions begin so. Drops what the last one never sent."""
        self._begin = begin
        self._waiting.clear()

    def _exchange(self) -> None:
        waiting, self._waiting = self._waiting, []
        server = self._server
        begins = server.transaction_status == pq.TransactionStatus.IDLE
        # What each answer is for: a statement's rows, or the name of what was prepared, or nothing.
        awaited: list[Rows | str | None] = []
        # Before anything is sent: a value that cannot be sent leaves the connection as it is.
        converted = [self._values.dump_sequence(values, [PyFormat.TEXT] * len(values)) for _, values, _ in waiting]
        try:
            server.enter_pipeline_mode()
            if begins:
                server.send_query_params(self._begin, None)
                awaited.append(None)
            named: dict[str, bytes] = {}
            for (sql, _, rows), values in zip(waiting, converted, strict=True):
                name = self._known.get(sql) or named.get(sql)
                if name is None and sql in self._once:
                    name = named[sql] = b"hub_%d" % (len(self._known) + len(named))
                    server.send_prepare(name, sql.encode())
                    awaited.append(sql)
                if name is not None:
                    server.send_query_prepared(name, values)
                else:
                    self._once.add(sql)
                    server.send_query_params(sql.encode(), values)
                awaited.append(rows)
            server.pipeline_sync()
            answers = self._answers()
            server.exit_pipeline_mode()
        except BaseException:
            server.finish()  # answers may still be coming: nobody can use this connection any more
            raise
        for what, answer in zip(awaited, answers, strict=True):
            if answer.status in _FAILED:
                raise error_from_result(answer)
            if isinstance(what, str):
                self._known[what] = named[what]
            elif what is not None:
                self._values.set_pgresult(answer)
                found = self._values.load_rows(0, answer.ntuples, cast(Any, tuple)) if answer.ntuples else []
                what.take(found, answer.command_tuples or 0)

    def _answers(self) -> list[Any]:
        server, socket = self._server, self._socket
        if server.flush():  # more than the system takes at once
            socket.modify(server.socket, POLLIN | POLLOUT)
            while server.flush():
                socket.poll()
                server.consume_input()
            socket.modify(server.socket, POLLIN)
        answers: list[Any] = []
        while True:
            while server.is_busy():
                socket.poll()
                server.consume_input()
            answer = server.get_result()
            if answer is None:
                if server.status != pq.ConnStatus.OK:
                    raise psycopg.OperationalError(_LOST)
            elif answer.status == pq.ExecStatus.PIPELINE_SYNC:
                return answers
            else:
                answers.append(answer)


def pipeline_of(connection: Connection) -> Pipeline:
    """The one of a connection, for as long as that lives: it knows what is prepared there."""
    found: Pipeline | None = connection.info.get(_NAME)
    if found is None:
        found = connection.info[_NAME] = Pipeline(cast(Any, connection.connection.driver_connection))
    return found
