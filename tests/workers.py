"""How `make test` shares the tests out among processes (pytest-xdist), as a pytest plugin.

A group of tests runs in one process, in its order: what is dear to start (Rasa, the sentence models, a hub that
serves) is started once. The groups that take longest begin first, so that none of them is left at the end.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests import parts

# Folders whose files share what is dear to start; every other file is a group of its own.
TOGETHER = ("tests/bot/", "tests/kb/", "tests/live/")
# The groups that take longer than their number of tests lets expect, longest first.
LONG = (
    "tests/e2e/test_path.py",
    "tests/bot/",
    "tests/live/",
    "tests/simulation/test_play.py",
    "tests/benchmarks/test_harness.py",
    "tests/channels/outside/test_page.py",
    "tests/e2e/test_two_channels.py",
    "tests/e2e/test_scaled_out.py",
    # Takes all there is of the processor, and what was started first has limits in seconds.
    "tests/faults/test_faults.py",
    "tests/faults/test_hosts.py",
    "tests/benchmarks/test_scale.py",
    "tests/benchmarks/test_sockets.py",
    "tests/kb/",
    "tests/channels/test_conformance.py",
    "tests/services/test_reconciliation.py",
    "tests/channels/email/test_imap.py",
)


def group(test: str) -> str:
    """The group that a test belongs to, by the test's id."""
    path = test.partition("::")[0]
    return next((folder for folder in TOGETHER if path.startswith(folder)), path)


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores, as many tests wait for a server or a clock."""
    return (os.cpu_count() or 1) + 1


_TEMPORARY = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Tests' folders are kept in memory where there is room: SQLite waits for the disk at each commit, and they are
    thousands. What a failed test leaves stays there until the next run."""
    memory = None if hasattr(config, "workerinput") else parts.memory()
    if memory is not None and not config.option.basetemp:
        # The name says whose it is, see there.
        config.stash[_TEMPORARY] = folder = Path(
            tempfile.mkdtemp(prefix=f"centralita-tests-{os.getpid()}-", dir=memory)
        )
        config.option.basetemp = str(folder / "tests")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a process among others: the groups in the order in which they are to begin."""
    if not hasattr(config, "workerinput"):
        return
    sizes = Counter(group(item.nodeid) for item in items)

    def place(item: pytest.Item) -> tuple[int, int, str]:
        name = group(item.nodeid)
        return LONG.index(name) if name in LONG else len(LONG), -sizes[name], name

    items.sort(key=place)


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each process a group at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    config.option.loadscopereorder = False  # they come in their order
    return ByGroup(config, log)


# --- What was missing, in whichever process ---------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK and (folder := session.config.stash.get(_TEMPORARY, None)) is not None:
        shutil.rmtree(folder, ignore_errors=True)
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["missing"] = parts.MISSING


def pytest_testnodedown(node: Any) -> None:
    parts.MISSING.update(getattr(node, "workeroutput", {}).get("missing", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was missing, so that a green run with skips cannot be taken for a whole one."""
    for part, remedy in sorted(parts.MISSING.items()):
        terminalreporter.write_line(f"MISSING PART: {part}: {remedy}", red=True, bold=True)
