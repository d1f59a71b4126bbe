"""Tells a database that is away or takes nothing from a mistake of ours."""

from __future__ import annotations

import sqlite3
from typing import NoReturn

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.domain.errors import DatabaseAway

# What a use of either database may raise: by the library, by the driver on its own cursor, where all connections are
# taken.
ERRORS = (DBAPIError, PoolTimeout, psycopg.Error, sqlite3.Error)
# Classes of PostgreSQL's error codes (its documentation's appendix A): connection, resources (a full disk, too many
# connections), operator's intervention (it ends, it starts), system; and conflicts that did not end by themselves.
_AWAY = ("08", "53", "57", "58", "40")
# SQLite's (sqlite.org/rescode.html): another process has it, no memory, the disk fails or is full, no file.
_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}


def raise_plainly(error: Exception) -> NoReturn:
    """Raises DatabaseAway in place of one of `ERRORS` that says so, and any other as it is."""
    found = away(error)
    if found is not None:
        raise found from error
    raise error


def away(error: Exception) -> DatabaseAway | None:
    """What to raise in place of one of `ERRORS`, where the same may work in a while; None for all others."""
    if isinstance(error, PoolTimeout):
        return DatabaseAway("all connections to the database are taken")
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        # The lowest byte is the kind, the others say more about it.
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE_AWAY:
            return DatabaseAway("the database takes nothing at the moment")
    elif isinstance(cause, psycopg.Error):
        # An operation without a code never reached the server.
        lost = cause.sqlstate is None and isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
        if lost or (cause.sqlstate or "").startswith(_AWAY):
            return DatabaseAway("the database does not answer")
    return None
