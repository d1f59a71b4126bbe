"""What all tables share. Identifiers are ULIDs, times microseconds since 1970 UTC (0: not set), empty text is none."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column declared INTEGER.
RowNumber = BigInteger().with_variant(Integer, "sqlite")


def key(name: str = "id") -> Column[str]:
    return Column(name, Text, primary_key=True)


def text(name: str, **options: Any) -> Column[str]:
    options.setdefault("server_default", "")
    return Column(name, Text, nullable=False, **options)


def number(name: str, **options: Any) -> Column[int]:
    options.setdefault("server_default", "0")
    return Column(name, BigInteger, nullable=False, **options)
