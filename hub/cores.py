"""On which processor cores the serving process's threads run, and for how long at a time.

Only one of its threads is ever in Python. On several cores the others wait for the interpreter's lock awake, and one
core asks the other for it some thirty times a text. On one core a thread that is woken waits until the one that holds
the lock sleeps (docs/performance.md has both measured).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Where Linux tells of its cores (Documentation/ABI/testing/sysfs-devices-system-cpu, admin-guide/pm/cpufreq).
_CORES = Path("/sys/devices/system/cpu")
# What a core can do in comparison with the others (ARM), or how fast it may run.
_TOLD = ("cpu_capacity", "cpufreq/cpuinfo_max_freq")
# Some laptops have slow cores beside fast ones; a tenth less is no other kind.
_ALIKE = 0.9

# Seconds after which a thread that is in Python makes room for one that asks, where all are on one core: with the
# interpreter's own 5 ms, what computes for long holds up each step of the writer. On several cores it is not shortened:
# there that made it worse.
TURN = 0.001

# Those that the process was given, where its threads are kept together.
_given: frozenset[int] = frozenset()


def keep_together() -> None:
    """Keeps the calling thread, and what it will start, on one of the cores that the process was given.

    To be called before there are others. Does nothing where there is one core, and where the system (not Linux, or a
    sandbox) does not let a program choose. That programs which may go anywhere make room on that core is the system's
    doing.
    """
    global _given  # of the process, as its cores are
    if sys.platform != "linux":
        return
    given = os.sched_getaffinity(0)
    fast = fastest(given)
    # Several hubs on one machine take different ones, mostly.
    if len(given) > 1 and _run_on({fast[os.getpid() % len(fast)]}):
        _given = frozenset(given)
        sys.setswitchinterval(TURN)


def fastest(cores: Iterable[int], folder: Path = _CORES) -> list[int]:
    """Those of some cores that are as fast as any, by what the system tells in `folder`; all where it tells nothing."""
    speed = dict.fromkeys(cores, 0)
    for core in speed:
        for name in _TOLD:
            with suppress(OSError, ValueError):  # virtual machines mostly tell nothing
                speed[core] = int((folder / f"cpu{core}" / name).read_text())
                break
    return sorted(core for core, told in speed.items() if told >= _ALIKE * max(speed.values()))


@contextmanager
def spread() -> Iterator[None]:
    """For what takes long outside the interpreter's lock, such as models: the calling thread, and what it starts, may
    run on all cores meanwhile."""
    if sys.platform != "linux" or not _given:
        yield
        return
    before = os.sched_getaffinity(0)
    _run_on(_given)
    try:
        yield
    finally:
        _run_on(before)


def _run_on(cores: Iterable[int]) -> bool:
    """Whether the system lets the calling thread run on these alone. What a container is given may change meanwhile."""
    try:
        os.sched_setaffinity(0, cores)
    except OSError:
        return False
    return True
