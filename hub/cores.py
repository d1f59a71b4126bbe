"""On which processor cores the serving process's threads run.

Only one of its threads is ever in Python. On several cores the others wait for the interpreter's lock awake, and one
core asks the other for it some thirty times a text. On one core a thread that is woken waits until the one that holds
the lock sleeps (docs/performance.md has both measured).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Those that the process was given, where its threads are kept together.
_given: frozenset[int] = frozenset()


def keep_together() -> None:
    """Keeps the calling thread, and what it will start, on one of the cores that the process was given.

    To be called before there are others. Does nothing where there is one core, and where the system (not Linux) does
    not let a program choose. That programs which may go anywhere make room on that core is the system's doing.
    """
    global _given  # of the process, as its cores are
    if sys.platform != "linux":
        return
    given = os.sched_getaffinity(0)
    if len(given) > 1:
        _given = frozenset(given)
        # Several hubs on one machine take different ones, mostly.
        os.sched_setaffinity(0, {sorted(given)[os.getpid() % len(given)]})


@contextmanager
def spread() -> Iterator[None]:
    """For what takes long outside the interpreter's lock, such as models: the calling thread, and what it starts, may
    run on all cores meanwhile."""
    if sys.platform != "linux" or not _given:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _given)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
