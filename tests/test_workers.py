"""Tests that run in several processes are shared out as they should be, and nothing that goes wrong there is lost."""

from __future__ import annotations

import pytest

from tests import parts, workers


@pytest.mark.parametrize("name", [*workers.TOGETHER, *workers.LONG])
def test_what_is_named_is_there(name: str) -> None:
    assert (parts.ROOT / name).exists()


def test_a_folders_files_stay_together_and_others_go_alone() -> None:
    assert workers.group("tests/bot/test_server.py::test_it[a::b]") == "tests/bot/"
    assert workers.group("tests/store/test_feed.py::test_it") == "tests/store/test_feed.py"


def test_a_port_is_given_once() -> None:
    ports = [parts.free_port() for _ in range(50)]
    assert len(set(ports)) == 50


def test_what_a_process_misses_is_named_and_its_crash_fails_the_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest("pytest_plugins = ['tests.workers']")
    pytester.makepyfile(
        test_one="from tests import parts\ndef test_it():\n    parts.missing('Abacus', 'carve one')",
        test_two="import os\ndef test_it():\n    os._exit(0)",
    )
    monkeypatch.setenv("PYTHONPATH", str(parts.ROOT))
    monkeypatch.delenv("CI", raising=False)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--numprocesses=2", "--max-worker-restart=0")
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*crashed while running 'test_two.py::test_it'*", "*MISSING PART: Abacus: carve one*"])
