"""Wakes the runner by threads of this process. Carries ids only and may forget: the database is the truth."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable

log = logging.getLogger(__name__)

# Seconds after which a row counts as one that waits for somebody outside, and between two looks for such rows.
STUCK = 1.0
_LOOK = 0.5
# How many times as many threads there may be while rows wait, and for how long one of them stays without work.
_MOST = 8
_IDLE = 10.0
# Rows for each thread that may stand in line where other processes could run them as well.
_NEAR = 4


class ThreadNudger:
    """Runs rows in threads of this process.

    A thread whose row waits for somebody outside, such as a provider that does not answer, is none for the others:
    while it does, another takes its place, so that no channel holds up another.

    Args:
        run: runs one row by its id.
        threads: for ordinary rows; slow ones have a thread of their own.
    """

    def __init__(self, run: Callable[[int], object], threads: int) -> None:
        self._run = run
        self._stopped = threading.Event()
        self._fast: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._slow: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        # The sweeper offers what is not begun in time once more; what stands in line already would be claimed in vain.
        self._in_line: set[int] = set()
        self._wanted = threads
        # By thread: since when it has run a row of the fast line (monotonic seconds).
        self._busy: dict[int, float] = {}
        self._running = 0
        self._helpers: list[threading.Thread] = []
        # Told whenever a row is begun or done.
        self._moved = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, args=(self._fast,), name=f"runner-{number}", daemon=True)
            for number in range(threads)
        ]
        self._threads.append(threading.Thread(target=self._work, args=(self._slow,), name="runner-slow", daemon=True))
        self._watcher = threading.Thread(target=self._watch, name="runner-watch", daemon=True)

    def start(self) -> None:
        for thread in (*self._threads, self._watcher):
            thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Lets running rows end; what waits stays in the outbox. `timeout` in seconds, for each thread."""
        self._stopped.set()
        with self._moved:
            self._moved.notify_all()
        if self._watcher.is_alive():
            self._watcher.join(timeout)  # from here on there are no more helpers
        for _ in (*self._threads[:-1], *self._helpers):
            self._fast.put(None)
        self._slow.put(None)
        for thread in (*self._threads, *self._helpers):
            if thread.is_alive():
                thread.join(timeout)

    def nudge(self, outbox_ids: Iterable[int], *, slow: bool = False) -> None:
        line = self._slow if slow else self._fast
        for outbox_id in outbox_ids:
            if outbox_id not in self._in_line:
                self._in_line.add(outbox_id)
                line.put(outbox_id)

    def nudge_with_room(self, outbox_id: int, *, slow: bool = False) -> None:
        """As `nudge`, for who brings rows faster than they are run: waits until few stand in the fast line, so that the
        others are left to other processes."""
        with self._moved:
            self._moved.wait_for(lambda: slow or self._stopped.is_set() or self._fast.qsize() < self._wanted)
        self.nudge([outbox_id], slow=slow)

    def take(self, outbox_ids: Iterable[int]) -> list[int]:
        """As `nudge`, of fast rows, as long as few stand in line. Returns the others: whoever has time may run them."""
        left = list(outbox_ids)
        while left and self._fast.qsize() < _NEAR * self._wanted and not self._stopped.is_set():
            self.nudge([left.pop(0)])
        return left

    def drained(self, within: float) -> bool:
        """Waits until nothing stands in line or runs, for so many seconds. Returns whether it is so."""
        with self._moved:
            return self._moved.wait_for(lambda: self._stopped.is_set() or not (self._in_line or self._running), within)

    def _work(self, line: queue.SimpleQueue[int | None]) -> None:
        while (outbox_id := line.get()) is not None and not self._stopped.is_set():
            self._run_one(outbox_id, counts=line is self._fast)

    def _help(self) -> None:
        """What a helper does: the fast line's rows, until there have been none for a while."""
        while not self._stopped.is_set():
            try:
                outbox_id = self._fast.get(timeout=_IDLE)
            except queue.Empty:
                return
            if outbox_id is None:
                return
            self._run_one(outbox_id, counts=True)

    def _run_one(self, outbox_id: int, *, counts: bool) -> None:
        with self._moved:
            self._in_line.discard(outbox_id)
            self._running += 1
            self._moved.notify_all()
        if counts:
            self._busy[threading.get_ident()] = time.monotonic()
        try:
            self._run(outbox_id)
        except Exception:  # the edge of a thread: the row stays in the outbox and the sweeper offers it again
            log.exception("could not run outbox row %s", outbox_id)
        finally:
            self._busy.pop(threading.get_ident(), None)
            with self._moved:
                self._running -= 1
                self._moved.notify_all()

    def _watch(self) -> None:
        """Puts a helper in the place of each thread that is stuck, while there is a line."""
        while not self._stopped.wait(_LOOK):
            self._helpers = [each for each in self._helpers if each.is_alive()]
            if self._fast.empty():
                continue
            now = time.monotonic()
            stuck = sum(now - since > STUCK for since in list(self._busy.values()))
            wanted = min(stuck, (_MOST - 1) * self._wanted) - len(self._helpers)
            for _ in range(wanted):
                helper = threading.Thread(target=self._help, name="runner-helper", daemon=True)
                self._helpers.append(helper)
                helper.start()
