"""No child outlives its parent: not when it is ended, nor when the parent is killed outright."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.processes import end, start

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); signal.pause()"


def said(log: Path, process: subprocess.Popen[bytes]) -> str:
    """What the process said first, as soon as it has."""
    while not (log.exists() and log.read_text().endswith("\n")):
        assert process.poll() is None
    return log.read_text().strip()


def has_ended(process_id: int, seconds: float = 60.0) -> bool:
    """Whether the process is gone, or goes within ``seconds``."""
    try:
        descriptor = os.pidfd_open(process_id)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def test_a_child_that_ignores_its_end_is_killed(tmp_path: Path) -> None:
    child = start([sys.executable, "-c", STUBBORN], log=tmp_path / "log")
    said(tmp_path / "log", child)
    assert end(child, grace=0.2) == -signal.SIGKILL


def test_a_child_that_listens_is_not_killed(tmp_path: Path) -> None:
    listens = (
        "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print(flush=True); signal.pause()"
    )
    child = start([sys.executable, "-c", listens], log=tmp_path / "log")
    while not (tmp_path / "log").read_text():
        assert child.poll() is None
    assert end(child) == 7


def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    nested = (
        f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}], stdout=subprocess.PIPE)\n"
    )
    nested += "p.stdout.readline(); print(p.pid, flush=True); p.wait()"
    child = start([sys.executable, "-c", nested], log=tmp_path / "log")
    grandchild = int(said(tmp_path / "log", child))
    end(child)
    assert has_ended(grandchild)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no signal for a parent's death")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    sleeper = [sys.executable, "-c", "import signal; signal.pause()"]
    parent = (
        f"from scripts.processes import start; import signal; print(start({sleeper!r}).pid, flush=True); signal.pause()"
    )
    process = start([sys.executable, "-c", parent], log=tmp_path / "log", cwd=Path(__file__).parents[2])
    child = int(said(tmp_path / "log", process))
    process.kill()
    process.wait()
    assert has_ended(child)
