"""Statements that every message runs, compiled once and run on SQLite's own cursor or PostgreSQL's pipeline.

SQLAlchemy's execution costs some 40 µs a statement, SQLite's and PostgreSQL's drivers cost 5 to 20; a message's whole
path has dozens. The statements are still written in Core, so that names are checked and both dialects come out right.
Only for columns whose values the drivers take and give as they are: text, whole numbers, bytes.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import BindParameter, Connection, Dialect, Select, bindparam
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import ClauseElement

from hub.store.pipeline import Pipeline, Rows, pipeline_of

Values = Mapping[str, Any]
# What the server itself takes: `$1` in place of the driver's `%(name)s`.
_NUMBERED = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # the library carries no annotations there
Bind = Callable[[Values], Any]


class Prepared:
    """One statement.

    Args:
        statement: a Core statement; what changes from call to call are `bindparam`s, or an insert's columns.
        columns: the columns that are given to an insert.
    """

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._columns = list(columns) if columns is not None else None
        self._compiled: dict[str, tuple[str, Bind]] = {}
        self._row = _row_of(statement)

    def run(self, cursor: Any, connection: Connection, values: Values) -> Any:
        """Executes on the cursor of SQLite's driver; returns it."""
        known = self._compiled.get(connection.dialect.name)
        if known is None:
            known = self._compiled[connection.dialect.name] = self._compile(connection.dialect)
        sql, bind = known
        cursor.execute(sql, bind(values))
        return cursor

    def put(self, pipeline: Pipeline, values: Values) -> Rows:
        """Puts it into the pipeline of a connection to PostgreSQL."""
        known = self._compiled.get(_NUMBERED.name)
        if known is None:
            known = self._compiled[_NUMBERED.name] = self._compile(_NUMBERED)
        sql, bind = known
        return pipeline.put(sql, bind(values))

    def all(self, connection: Connection, values: Values) -> list[Any]:
        """The rows that a query finds, by name or place, in the transaction that the connection is in or begins."""
        if not connection.in_transaction():
            connection.begin()
        if connection.dialect.name == _NUMBERED.name:
            return [self._row(row) for row in self.put(pipeline_of(connection), values).fetchall()]
        cursor = connection.connection.cursor()
        try:
            return [self._row(row) for row in self.run(cursor, connection, values).fetchall()]
        finally:
            cursor.close()

    def one(self, connection: Connection, values: Values) -> Any:
        """The first row that a query finds; None where it finds nothing."""
        return next(iter(self.all(connection, values)), None)

    def _compile(self, dialect: Dialect) -> tuple[str, Bind]:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._columns)
        # What is written into the statement itself; whatever is given at each call has no value here.
        constants = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
        if compiled.positional:
            order: list[str] = list(compiled.positiontup)
            if not constants and len(order) > 1:
                return str(compiled), cast(Bind, itemgetter(*order))
            return str(compiled), lambda values: [
                constants[name] if name in constants else values[name] for name in order
            ]
        return str(compiled), lambda values: {**values, **constants}


class Among:
    """A query of what belongs to some of many keys, put together and compiled once for each of a few lengths of their
    list: that costs more than running it, and screens ask with every look at what is new.

    Args:
        make: gives the query for the keys' `bindparam`s.
    """

    def __init__(self, make: Callable[[Sequence[BindParameter[Any]]], Select[Any]]) -> None:
        self._make = make
        self._prepared: dict[int, Prepared] = {}

    def all(self, connection: Connection, keys: Sequence[str]) -> list[Any]:
        """The rows, as `Prepared.all` gives them; none for no keys. A list is filled up with its last key to the next
        power of two."""
        if not keys:
            return []
        length = 1 << (len(keys) - 1).bit_length()
        if length not in self._prepared:
            self._prepared[length] = Prepared(self._make([bindparam(f"key_{place}") for place in range(length)]))
        filled = [*keys, *[keys[-1]] * (length - len(keys))]
        return self._prepared[length].all(connection, {f"key_{place}": key for place, key in enumerate(filled)})


def _row_of(statement: ClauseElement) -> Callable[[Any], Any]:
    """Makes the driver's tuples into rows with a query's names."""
    if not isinstance(statement, Select):
        return tuple
    names = [str(column.key) for column in statement.selected_columns]
    made: Callable[[Any], Any] = cast(Any, namedtuple)("Row", names, rename=True)._make
    return made
