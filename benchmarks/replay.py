"""How fast `centralita replay --check` goes through the log, and what memory it takes meanwhile."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import loader
from benchmarks.harness import ROOT, Context, Figure, hub_environment, median

CONVERSATIONS = 100_000
LEAST, MOST_MB = 10_000.0, 300.0
ROUNDS = 3
SAID = re.compile(r"^(\d+) events, (\d+) rows, (\d+) differences in ", re.MULTILINE)


def run(context: Context) -> dict[str, Figure]:
    """Raises ValueError where the log and what is shown differ, which a figure must not hide."""
    environment = hub_environment(context.folder, 8000)
    for command in ("migrate", "seed"):
        program = [sys.executable, "-m", "hub", command]
        subprocess.run(program, env={**os.environ, **environment}, cwd=ROOT, check=True)  # noqa: S603
    loader.load(environment, context.scaled(CONVERSATIONS, 200))
    runs = [check(environment) for _ in range(ROUNDS if context.size >= 0.1 else 1)]
    rate, most = median([each["events_per_second"] for each in runs]), max(each["memory_mb"] for each in runs)
    return {"replay": Figure(rate, "events/s", rate >= LEAST and most <= MOST_MB, runs=runs)}


def check(environment: dict[str, str]) -> dict[str, float]:
    """One run of the command."""
    command = [sys.executable, "-m", "hub", "replay", "--check"]
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(command, env={**os.environ, **environment}, cwd=ROOT, stdout=output)  # noqa: S603
        most = processor = 0.0
        while child.poll() is None:
            most, processor = max(most, _peak(child.pid)), max(processor, _processor(child.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(0.05)
        output.seek(0)
        said = output.read()
    found = SAID.search(said)
    if found is None or int(found[3]):
        raise ValueError(f"replay --check did not agree: {said[-2000:]}")
    rate = float(said.rpartition("(")[2].partition(" events/s")[0].replace(",", ""))
    return {
        "events": float(found[1]),
        "events_per_second": rate,
        "memory_mb": round(most, 1),
        "processor_seconds": round(processor, 2),
    }


def _peak(pid: int) -> float:
    """MB that a process has had at most; 0 once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has had."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
