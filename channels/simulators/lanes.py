"""Work in lanes: one after another within a lane, lanes side by side. Time is a parameter."""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

log = logging.getLogger(__name__)

_GRACE = 2.0  # seconds that a step under way has when the lanes are stopped

# A step of a lane: returns None when it is done, or the seconds after which it wants to run again; the lane waits.
Step = Callable[[], float | None]


class ManualTime:
    """A clock that stands until it is moved. `now` is in seconds since 1970-01-01 UTC."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Lanes:
    """Runs steps in threads (`start`) or, with a `ManualTime`, in the caller's own thread (`play`)."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lanes: dict[Hashable, deque[tuple[float, Step]]] = {}
        self._due: list[tuple[float, int, Hashable]] = []
        self._numbers = itertools.count()
        self._lock = threading.RLock()
        # One idle thread waits for the moment when the next lane falls due, the others until they are woken, the last
        # to fall asleep first: were all to wait for the same moment, all would wake for it.
        self._moment = threading.Condition(self._lock)
        self._watched = False
        self._until = math.inf  # the moment that it waits for; what falls due before that must wake it
        self._asleep: list[threading.Condition] = []
        self._own: set[int] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def put(self, lane: Hashable, step: Step, delay: float = 0.0) -> None:
        """Appends a step to a lane.

        Args:
            lane: steps of equal lanes run one after another, in the order in which they were put.
            step: see `Step`.
            delay: seconds from the moment on which the step's turn has come.
        """
        with self._lock:
            steps = self._lanes.setdefault(lane, deque())
            steps.append((delay, step))
            if len(steps) == 1:
                self._offer(lane, delay)

    def start(self, threads: int) -> None:
        """Runs what is due in this many threads."""
        for number in range(threads):
            thread = threading.Thread(target=self._work, name=f"lanes-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Ends the threads; what waits is given up."""
        with self._lock:
            self._stopping = True
            for idle in (self._moment, *self._asleep):
                idle.notify()
        until = time.monotonic() + _GRACE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def play(self, clock: ManualTime, seconds: float = 0.0) -> int:
        """Runs everything that falls due within the next `seconds`, in order, moving the clock. Returns how many
        steps were run."""
        until, ran = clock.now + seconds, 0
        while True:
            with self._lock:
                if not self._due or self._due[0][0] > until:
                    clock.now = until
                    return ran
                due, _, lane = heapq.heappop(self._due)
            clock.now = max(clock.now, due)
            self._run(lane)
            ran += 1

    def _offer(self, lane: Hashable, delay: float) -> None:
        entry = (self._clock() + delay, next(self._numbers), lane)
        heapq.heappush(self._due, entry)
        if delay <= 0 and threading.get_ident() in self._own:
            return  # it looks for what is due itself, as soon as its step has ended
        if not self._watched or delay <= 0:
            self._wake()
        elif entry[0] < self._until:
            self._moment.notify()

    def _wake(self) -> None:
        if self._asleep:
            self._asleep.pop().notify()
        elif self._watched:
            self._moment.notify()

    def _work(self) -> None:
        own = threading.Condition(self._lock)
        self._own.add(threading.get_ident())
        while True:
            with self._lock:
                while not self._stopping:
                    wait = self._due[0][0] - self._clock() if self._due else None
                    if wait is not None and wait <= 0:
                        break
                    if self._watched:
                        self._asleep.append(own)
                        own.wait()
                    else:
                        self._watched = True
                        self._until = self._due[0][0] if self._due else math.inf
                        self._moment.wait(wait)
                        self._watched = False
                if self._stopping:
                    return
                lane = heapq.heappop(self._due)[2]
                if self._due and (not self._watched or self._due[0][0] <= self._clock()):
                    self._wake()  # the next moment is another thread's
            self._run(lane)

    def _run(self, lane: Hashable) -> None:
        steps = self._lanes[lane]
        try:
            again = steps[0][1]()
        except Exception:
            # The other steps of the lane are somebody's texts: they must not wait for one that broke.
            log.exception("a step of lane %s broke", lane)
            again = None
        with self._lock:
            if again is not None:
                self._offer(lane, again)
                return
            steps.popleft()
            if steps:
                self._offer(lane, steps[0][0])
            else:
                del self._lanes[lane]
