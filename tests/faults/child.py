"""One life of a process of the hub, with the places armed."""

from __future__ import annotations

import contextlib
import gc
import itertools
import logging
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import replace
from typing import Any, NoReturn

from twilio.rest.api import v2010  # noqa: F401  # loaded with the first send: on a busy machine that outlasts LEASE

import hub.app
from channels.chat import widget  # noqa: F401  # what every life would import again
from channels.email import mailbox  # noqa: F401
from channels.sms import twilio  # noqa: F401
from hub import clock, failpoints, processes, scaled_out, serving, working  # noqa: F401  # each life would load them
from hub.jobs import handlers, sweeper
from hub.settings import from_environment
from hub.store import prepared  # noqa: F401
from hub.store.queries import outbox
from hub.web import flask_app
from tests.faults import bugs, hosts
from tests.faults.schedule import Cut

SECOND = 1_000_000
JUMP = 3600 * SECOND
# How long a lease is where nobody can know that its holder is dead, so that schedules need not wait a minute.
LEASE = 2 * SECOND


class Places:
    """What is told of each place: it is written down, and where a cut says so something happens."""

    def __init__(self, cuts: list[Cut], trace: str) -> None:
        self._cuts = {(each.place, each.hit): each for each in cuts}
        self._reached: Counter[str] = Counter()
        self._numbers: dict[str, itertools.count[int]] = {}
        self._trace = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._lock = threading.Lock()
        self._slow_until = 0.0
        self.offset = 0

    def __call__(self, place: str) -> None:
        with self._lock:
            self._reached[place] += 1
            cut = self._cuts.get((place, self._reached[place]))
            with contextlib.suppress(OSError):  # the disk is full
                os.write(self._trace, f"{place}{f' {cut.deed}' if cut else ''}\n".encode())
        if cut is not None:
            self._do(cut)
        if place == "store.ready" and time.monotonic() < self._slow_until:
            time.sleep(0.3)

    def _do(self, cut: Cut) -> None:
        match cut.deed:
            case "kill":
                os.killpg(0, signal.SIGKILL)
                time.sleep(60)
            case "full":
                _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
                resource.setrlimit(resource.RLIMIT_FSIZE, (4096, most))
                threading.Timer(1.5, resource.setrlimit, (resource.RLIMIT_FSIZE, (most, most))).start()
            case "slow":
                self._slow_until = time.monotonic() + 2
            case "wait":
                time.sleep(1)
            case "long":
                time.sleep(3)
            case "forward":
                self.offset += JUMP
            case "back":
                self.offset -= JUMP


def warm() -> None:
    """Everything that each life would do again in the same way, once."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"CENTRALITA_DATA": folder, "CENTRALITA_KNOWLEDGE": "absent", "CENTRALITA_BOT": "absent"}
        assembled = hub.app.build(from_environment(environment))
        flask_app.create_app(assembled.hub)
        assembled.stop()
    gc.collect()
    gc.freeze()  # the pages of what is there stay shared


def live(order: dict[str, Any]) -> NoReturn:
    """From the fork to the end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if order["host"]:
        hosts.move_to(order["host"])  # while there is one thread: those that it starts stay where it is
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for number in (1, 2):
        os.dup2(log, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    places = Places([Cut(**each) for each in order["cuts"]], order["trace"])
    failpoints.arm(places)
    honest = clock.wall
    clock.wall = lambda: honest() + places.offset
    settings = from_environment(order["environment"])
    if not settings.embedded:
        made = handlers.jobs
        hub.app.jobs = lambda turn: {name: replace(job, lease=LEASE) for name, job in made(turn).items()}
        outbox.offer.__kwdefaults__["for_microseconds"] = LEASE
    if order["rare_sweeps"]:
        sweeper.EVERY = 20.0
    if order["bug"]:
        bugs.plant(order["bug"])
    try:
        if order["kind"] == "serve":
            processes.serve(settings)
        else:
            processes.work(settings, slow=True)
    except BaseException:
        logging.exception("this life has ended")
    finally:
        sys.stdout.flush()
        os._exit(0)
