"""Brings a database to the newest schema. A step of its own: two processes that create tables at once would collide."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine

from hub.store.unit_of_work import sqlite_engine


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def migrate(engine: Engine) -> None:
    """Upgrades to the newest revision; does nothing where that is reached."""
    config = configuration()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(connection: Connection) -> bool:
    """Whether the database has the schema that this code wants."""
    newest = ScriptDirectory.from_config(configuration()).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == newest


def migrate_url(url: str) -> None:
    """`migrate` for an address, as settings hold it."""
    path = url.removeprefix("sqlite:///")
    engine = create_engine(url) if path == url else sqlite_engine(path, writing=True)
    try:
        migrate(engine)
    finally:
        engine.dispose()
