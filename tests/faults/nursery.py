"""Where the hub's processes come from: one process has imported everything and forks, as starting from nothing takes
longer than what a schedule does. Each child is a hub like any other from there on, until it comes to a cut.

`python -m tests.faults.nursery` reads orders (JSON, one a line) and answers each with the child's process id.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults.schedule import Cut, Schedule
from tests.parts import ROOT


class Nursery:
    """A context manager. `fork` gives a `Child`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        self._hear()  # everything is imported

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def fork(
        self,
        kind: str,
        environment: Mapping[str, str],
        cuts: Sequence[Cut],
        trace: Path,
        log: Path,
        schedule: Schedule,
        host: str = "",
    ) -> Child:
        """A new process of the hub.

        Args:
            kind: `serve`, `worker` or `check`.
            environment: the settings.
            cuts: what happens where, in this life of it.
            trace: file to which each place that it comes to is appended.
            log: file for what it says.
            schedule: what else is special about it: the bug that is planted in it (`bugs.py`), how often it sweeps.
            host: the network namespace that it lives in (`hosts.py`); ours where there is none.
        """
        order: dict[str, Any] = {
            "kind": kind,
            "environment": dict(environment),
            "cuts": [asdict(each) for each in cuts],
            "host": host,
        }
        with self._lock:
            assert self._process.stdin is not None
            order |= {"trace": str(trace), "log": str(log), "bug": schedule.bug, "rare_sweeps": schedule.rare_sweeps}
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return Child(int(self._hear()))

    def _hear(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the nursery has ended")
        return line


class Child:
    """A process that the nursery forked; its process group is its own."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle = os.pidfd_open(pid)

    def wait(self, seconds: float) -> bool:
        """Whether it has ended by then."""
        try:
            return bool(select.select([self._handle], [], [], seconds)[0])
        except OSError:  # it was closed meanwhile: whoever did that knew that it had ended
            return True

    def kill(self) -> None:
        """kill -9, of everything that it has started too."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait(10)

    def close(self) -> None:
        os.close(self._handle)

    @property
    def pids(self) -> list[int]:
        """The process and those that it has started, as gunicorn has."""
        try:
            return [self.pid, *map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split())]
        except OSError:
            return []


def main() -> None:
    from tests.faults import child  # what takes so long  # noqa: PLC0415

    child.warm()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries them
    answers = os.fdopen(os.dup(1), "w")
    print("ready", file=answers, flush=True)
    while line := sys.stdin.readline():
        order: dict[str, Any] = json.loads(line)
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.close(read)
            os.write(write, b".")
            os.close(write)
            child.live(order)
        os.close(write)
        os.read(read, 1)  # it leads its own group from here on
        os.close(read)
        print(pid, file=answers, flush=True)


if __name__ == "__main__":
    main()
