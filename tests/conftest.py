"""Fixtures for the real parts; those for the hub and for Rasa are in modules of their own beside this file."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings
from playwright.sync_api import Browser, expect, sync_playwright

from tests import parts

# Helpers' fixtures load by name as they come; `pytester` is there for the tests of this file.
FIXTURES = (f"tests.{path.stem}" for path in sorted(Path(__file__).parent.glob("fixtures_*.py")))
pytest_plugins = ["pytester", "tests.workers", *FIXTURES]

# How long one example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def free_port() -> int:
    """A loopback port that nobody listens on; for several, call ``tests.parts.free_port``."""
    return parts.free_port()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[parts.PostgresServer]:
    """One real PostgreSQL server with pgvector for the whole run."""
    with parts.run_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: parts.PostgresServer) -> str:
    """SQLAlchemy address of the server's own database; tests that write take ``postgres_database``."""
    return postgres_server.url()


@pytest.fixture(scope="session")
def make_postgres_database(postgres_server: parts.PostgresServer) -> Callable[..., str]:
    """``make(template=None)`` gives the address of a database of its own, which goes with the server.

    ``template`` is the address of another one: migrate that once, let nobody stay connected to it, and copy it.
    """
    names = (f"test_{number}" for number in itertools.count(1))

    def make(template: str | None = None) -> str:
        return postgres_server.create_database(next(names), template.rpartition("/")[2] if template else None)

    return make


@pytest.fixture
def postgres_database(
    make_postgres_database: Callable[..., str], postgres_server: parts.PostgresServer
) -> Iterator[str]:
    """SQLAlchemy address of an empty database, dropped after the test."""
    url = make_postgres_database()
    yield url
    postgres_server.drop_database(url.rpartition("/")[2])


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Address of one real Redis for the whole run; ``fresh_redis_url`` gives it emptied."""
    with parts.run_redis() as url:
        yield url


@pytest.fixture
def fresh_redis_url(redis_url: str) -> str:
    """The same Redis with nothing in it."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    return redis_url


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The Chromium program, for tests that start it themselves."""
    return parts.chromium_program() or parts.missing(
        "Chromium", "install your system's chromium, or run `.venv/bin/playwright install chromium`"
    )


@pytest.fixture(scope="module")
def browser(chromium_path: Path) -> Iterator[Browser]:
    """A headless Chromium driven by Playwright; each test opens contexts of its own and closes them."""
    # Not for the whole session: Playwright's loop runs in this thread and would forbid `asyncio.run` to later tests.
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=parts.chromium_arguments())
        yield chromium
        chromium.close()
