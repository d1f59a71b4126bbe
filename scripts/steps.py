"""Named steps with progress: each shows what it does and how long it took, and is skipped when nothing has changed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scripts.processes import end, start

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / ".run"  # everything that running makes: database, secrets, stamps, logs
HEARTBEAT_SECONDS = 10
SHOWN_OF_A_FAILURE = 25  # lines

Command = Sequence[str | Path]


class Failed(Exception):
    """A step that did not work; the text is for the person at the terminal."""


class Stopping(Exception):
    """Somebody asked us to end while a step was under way."""


class Children:
    """Every child of this run, so that one call ends them all and none is started afterwards."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether we are ending."""
        return self._stopping

    def running(self) -> list[subprocess.Popen[bytes]]:
        """Those that have not ended."""
        with self._lock:
            return [process for process in self._running if process.poll() is None]

    def start(
        self, command: Command, log: Path, env: Mapping[str, str] | None = None, cwd: Path = ROOT
    ) -> subprocess.Popen[bytes]:
        """Start a child that logs to ``log``.

        :raises Stopping: we are ending.
        """
        with self._lock:
            if self._stopping:
                raise Stopping
            process = start(command, log=log, env=env, cwd=cwd)
            self._running.append(process)
            return process

    def end_all(self) -> None:
        """End them, the last one started first; again calls do nothing."""
        with self._lock:
            self._stopping = True
        for process in reversed(self.running()):
            end(process)


class Steps:
    """Runs steps and tells about them. Several threads may run steps at once."""

    def __init__(self, children: Children) -> None:
        self.children = children
        self._printing = threading.Lock()
        (RUN / "log").mkdir(parents=True, exist_ok=True)

    def say(self, text: str = "") -> None:
        """One whole line on standard output."""
        with self._printing:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def run(
        self,
        title: str,
        commands: Iterable[Command],
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> str:
        """Run the commands one after the other; return what they printed.

        :raises Failed: one of them ended with an error; the text carries the end of its output.
        :raises Stopping: we are ending.
        """
        log = RUN / "log" / (title.lower().replace(" ", "-").replace("'", "") + ".log")
        log.write_bytes(b"")
        began = time.monotonic()
        self.say(f"  …  {title}")
        for command in commands:
            process = self.children.start(command, log, env, cwd)
            while True:
                try:
                    code = process.wait(HEARTBEAT_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    self.say(f"  …  {title}, {time.monotonic() - began:.0f} s: {_last_line(log)}")
            if self.children.stopping:
                raise Stopping
            if code:
                words = " ".join(str(word) for word in command)
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-SHOWN_OF_A_FAILURE:])
                raise Failed(f"{title} failed ({words}):\n{tail}\n(all of it: {log.relative_to(ROOT)})")
        self.say(f"  ✓  {title} ({time.monotonic() - began:.0f} s)")
        return log.read_text(errors="replace")


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 500))
        lines = file.read().decode(errors="replace").split("\n")
    return next((line.strip()[:90] for line in reversed(lines) if line.strip()), "")


def digest(*inputs: Path | str) -> str:
    """One hash over texts, files and folders (without what is built inside them)."""
    total = hashlib.sha256()
    for item in inputs:
        if isinstance(item, str):
            total.update(item.encode())
            continue
        for path in _files(item):
            total.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


BUILT = {"node_modules", "dist", "models", "__pycache__", ".rasa"}


def _files(item: Path) -> list[Path]:
    if item.is_file():
        return [item]
    found: list[Path] = []
    for folder, names, files in os.walk(item):
        names[:] = [name for name in names if name not in BUILT]
        found += [Path(folder) / name for name in files]
    return sorted(found)


class Stamp:
    """Remembers that something was made from given inputs; it does not hold once the made thing is gone."""

    def __init__(self, path: Path, fingerprint: str, *made: Path) -> None:
        self.path, self.fingerprint, self.made = path, fingerprint, made

    def holds(self) -> bool:
        """Whether it was made from the same inputs and is still there."""
        return (
            self.path.exists()
            and self.path.read_text() == self.fingerprint
            and all(made.exists() for made in self.made)
        )

    def set(self) -> None:
        """Remember; call it when the thing is whole."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.fingerprint)
