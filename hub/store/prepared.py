"""Statements of the inbound path, compiled once and run on the driver's own cursor.

SQLAlchemy's execution costs some 40 µs a statement, SQLite's and PostgreSQL's drivers cost 5 to 20; the inbound path
has eight. The statements are still written in Core, so that names are checked and both dialects come out right. Only
for columns whose values the drivers take and give as they are: text, whole numbers, bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql import ClauseElement

Values = Mapping[str, Any]
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

    def run(self, cursor: Any, connection: Connection, values: Values) -> Any:
        """Executes on a driver's cursor of this connection; returns the cursor."""
        known = self._compiled.get(connection.dialect.name)
        if known is None:
            known = self._compiled[connection.dialect.name] = self._compile(connection)
        sql, bind = known
        cursor.execute(sql, bind(values))
        return cursor

    def _compile(self, connection: Connection) -> tuple[str, Bind]:
        compiled: Any = self._statement.compile(dialect=connection.dialect, column_keys=self._columns)
        # What is written into the statement itself; whatever is given at each call has no value here.
        constants = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
        if compiled.positional:
            order: list[str] = list(compiled.positiontup)
            if not constants:
                return str(compiled), lambda values: [values[name] for name in order]
            return str(compiled), lambda values: [
                constants[name] if name in constants else values[name] for name in order
            ]
        return str(compiled), lambda values: {**values, **constants}
