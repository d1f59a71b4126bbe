"""The schema: from nothing to the newest on both databases, and the same as the tables that the code uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from hub.store import tables as t
from hub.store.migrate import configuration, is_current, migrate, migrate_url
from hub.store.unit_of_work import sqlite_engine


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.sqlite3"
    make: Callable[[], str] = request.getfixturevalue("make_postgres_database")
    return make()


@pytest.fixture
def engine(empty: str) -> Iterator[Engine]:
    path = empty.removeprefix("sqlite:///")
    made = create_engine(empty) if path == empty else sqlite_engine(path, writing=True)
    yield made
    made.dispose()


def current(engine: Engine) -> bool:
    with engine.connect() as connection:
        return is_current(connection)


def test_an_empty_database_becomes_the_newest_and_stays_it(empty: str, engine: Engine) -> None:
    assert not current(engine)
    migrate_url(empty)
    assert current(engine)
    there = set(inspect(engine).get_table_names())
    assert there == {*t.metadata.tables, "alembic_version"}
    migrate_url(empty)
    assert set(inspect(engine).get_table_names()) == there


def test_the_migrations_make_what_the_code_uses(engine: Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, t.metadata) == []


def test_the_comparison_would_find_a_difference(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_message_thread"))
        connection.execute(text("ALTER TABLE team ADD COLUMN colour TEXT"))
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), t.metadata)
    assert sorted(change[0] for change in found) == ["add_index", "remove_column"]


def test_migrating_keeps_what_is_there(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(t.team.insert(), {"id": "team", "name": "First line", "tier": "1"})
    migrate(engine)
    with engine.connect() as connection:
        assert connection.execute(t.team.select()).one().name == "First line"


@pytest.mark.parametrize("revision", ["0000", "of_a_newer_version"])
def test_a_schema_of_another_version_is_not_current(engine: Engine, revision: str) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    assert not current(engine)


def test_the_revisions_are_one_line() -> None:
    script = ScriptDirectory.from_config(configuration())
    assert len(script.get_heads()) == len(script.get_bases()) == 1
