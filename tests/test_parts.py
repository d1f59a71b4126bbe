"""The parts are the real ones, each test gets its own, and nothing outlives the run."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
import redis
from playwright.sync_api import Browser

from tests import parts


def test_each_database_is_its_own_and_can_compare_vectors(
    postgres_database: str, make_postgres_database: Callable[..., str]
) -> None:
    with psycopg.connect(postgres_database.replace("+psycopg", "")) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("CREATE TABLE kept (value vector(2))")
        connection.execute("INSERT INTO kept VALUES ('[3,4]')")
        distance = connection.execute("SELECT value <-> '[0,0]' FROM kept").fetchone()
    assert distance == (5.0,)
    with psycopg.connect(make_postgres_database().replace("+psycopg", "")) as other:
        assert other.execute("SELECT to_regclass('kept')").fetchone() == (None,)
    with psycopg.connect(make_postgres_database(postgres_database).replace("+psycopg", "")) as copy:
        assert copy.execute("SELECT count(*) FROM kept").fetchone() == (1,)


def test_a_part_ends_with_its_context() -> None:
    with parts.run_redis() as url, redis.Redis.from_url(url) as client:
        assert client.ping()
    with redis.Redis.from_url(url) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_redis_can_be_had_empty(redis_url: str, fresh_redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_the_browser_runs_scripts(browser: Browser) -> None:
    context = browser.new_context(locale="es-ES")
    page = context.new_page()
    page.set_content("<p id=where></p><script>where.textContent = navigator.language</script>")
    assert page.inner_text("#where") == "es-ES"
    context.close()


def test_a_missing_part_skips_locally_and_fails_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest("pytest_plugins = ['tests.workers']")
    pytester.makepyfile("from tests import parts\ndef test_it():\n    parts.missing('Abacus', 'carve one')")
    monkeypatch.setenv("PYTHONPATH", str(parts.ROOT))
    monkeypatch.delenv("CI", raising=False)
    local = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    local.assert_outcomes(skipped=1)
    local.stdout.fnmatch_lines(["*MISSING PART: Abacus: carve one*"])
    monkeypatch.setenv("CI", "true")
    in_ci = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    in_ci.assert_outcomes(failed=1)
    in_ci.stdout.fnmatch_lines(["*Abacus is missing: carve one*"])
