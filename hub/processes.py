"""Starts each kind of process: `serve` answers the web, `worker` runs what follows from events.

What they run is loaded by its name, by the process that runs it (`hub/serving.py`, `hub/working.py`): the one above the
server only waits for its end, and each page that both had loaded and one of them touched would be there twice.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from hub import heap
from hub.domain.errors import Refused
from hub.imports import OPTIONAL, without
from hub.settings import Settings
from hub.web import server

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Answers HTTP and web sockets until it is told to stop. Embedded, it runs the outbox too.

    Raises Refused where the profile's library is not installed. Where the hub cannot be put together, the program says
    why and ends with 2.
    """
    if settings.profile == "gevent":
        _begin_with_gevent()
    _outlive_clients()

    def start() -> tuple[server.Application, Callable[[], None]]:
        with without(OPTIONAL):
            serving = import_module("hub.serving")
        started: tuple[server.Application, Callable[[], None]] = serving.start(settings)
        return started

    heap.keep()
    server.serve(
        host=settings.host,
        port=settings.port,
        threads=settings.threads,
        start=start,
        on_ready=lambda: log.info("Centralita answers on %s", settings.public_url),
        profile=settings.profile,
    )


def work(settings: Settings, *, slow: bool) -> None:
    """Runs outbox rows whose ids come through Redis, and the sweeper, until it is told to stop.

    Raises Refused on SQLite, Unavailable when the database has not the schema that this version wants.
    """
    if settings.embedded:
        raise Refused(
            "CENTRALITA_DATABASE_URL", "must be PostgreSQL for a worker: on SQLite only `serve` writes, and it runs all"
        )
    _outlive_clients()
    import_module("hub.working").work(settings, slow=slow)


def _outlive_clients() -> None:
    """A command ends quietly when nobody reads its output; a server must not when a client hangs up."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def _begin_with_gevent() -> None:
    """Starts this program anew where it has not begun with gevent's patches: libraries choose how to wait when they are
    imported, and one that chose before would hold up every greenlet.

    Raises Refused where gevent is not installed.
    """
    if find_spec("gevent") is None:
        raise Refused("CENTRALITA_PROFILE", "must be threads where gevent is not installed (centralita[gevent])")
    if "gevent.monkey" not in sys.modules:
        os.execv(sys.executable, [sys.executable, "-m", "gevent.monkey", "--module", "hub", "serve"])  # noqa: S606  # this program
