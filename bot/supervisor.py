"""Runs the bot's programs and ends them with whoever started it. Run by path, standard library only.

The first line of standard input is the order, `{"programs": {name: {"command", "folder", "environment", "log",
"restart"}}, "pids": path}`; then the pipe stays open as a lifeline. When it closes (the starter stopped us, was
interrupted or killed) the programs are terminated, and killed after a grace time. A program with `restart` is started
again when it ends by itself, unless it keeps ending right after its start; when one without `restart` ends, its exit
code becomes ours.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

GRACE = 1.5  # seconds between terminate and kill; a turn that is cut off is asked again and has left nothing behind
RESTART_AFTER = 3.0  # seconds
EARLY = 30.0  # seconds; a program that ends sooner did not start well
EARLY_ENDS = 3  # so many in a row and we give up
PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>


def _die_with_the_supervisor() -> None:
    """Set in the child between fork and exec, for the case that we ourselves are killed outright (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._early_ends = 0
        self._begun = 0.0
        self.due = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def restart(self) -> bool:
        return bool(self._order["restart"])

    def start(self) -> None:
        with Path(self._order["log"]).open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - the order comes from our starter
                self._order["command"],
                cwd=self._order["folder"],
                env=os.environ | self._order["environment"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_the_supervisor,
            )
        self._begun = time.monotonic()

    def ended(self) -> int | None:
        """Exit code to end with, or None to go on; a program that may be restarted gets its date."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        if not self.restart:
            return code
        self._early_ends = self._early_ends + 1 if time.monotonic() - self._begun < EARLY else 0
        if self._early_ends >= EARLY_ENDS:
            return code or 1
        self.process = None
        self.due = time.monotonic() + RESTART_AFTER
        return None


def stop(programs: dict[str, Program]) -> None:
    running = [program.process for program in programs.values() if program.process is not None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + GRACE
    for process in running:
        try:
            process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(order: dict[str, Any], lifeline: int) -> int:
    """Runs until the lifeline closes (0) or a program has ended for good (its exit code)."""
    programs = {name: Program(program) for name, program in order["programs"].items()}
    try:
        while True:
            for program in programs.values():
                if program.process is None and time.monotonic() >= program.due:
                    program.start()
                    write_pids(programs, Path(order["pids"]))
                if (code := program.ended()) is not None:
                    return code
            ready, _, _ = select.select([lifeline], [], [], 0.2)
            if ready and not os.read(lifeline, 1024):
                return 0
    finally:
        stop(programs)


def write_pids(programs: dict[str, Program], path: Path) -> None:
    """Whole or not at all: readers poll this file."""
    pids = {name: program.process.pid for name, program in programs.items() if program.process is not None}
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(pids | {"supervisor": os.getpid()}))
    fresh.replace(path)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # through `finally`, so that the programs end too
    lifeline = sys.stdin.fileno()
    line = b""
    while not line.endswith(b"\n"):
        letter = os.read(lifeline, 1)
        if not letter:
            return 0
        line += letter
    return run(json.loads(line), lifeline)


if __name__ == "__main__":
    sys.exit(main())
