"""Runs the hub's web application under gunicorn: one process with threads.

A web socket takes a thread for as long as it is open (docs/live.md), so the application refuses sockets before the
threads run out, and gunicorn is given more connections than threads: at its own limit it would hang new ones silently.
"""

from __future__ import annotations

import logging
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, Protocol

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError
from gunicorn.workers.gthread import ThreadWorker

from hub import cores
from hub.domain.errors import HubError

log = logging.getLogger(__name__)

# Kept-alive connections that wait without a thread.
IDLE_CONNECTIONS = 1000
# Files that a process has open beside its connections: databases, logs, articles.
OTHER_FILES = 256
# Seconds.
KEEP_ALIVE = 15
GRACE = 1
KILL_AFTER = 2
# A worker that is silent for so long is replaced; while it loads the hub it is: 3 s, on a busy machine many more.
SILENT = 120
# gunicorn sets a file's time for each request, to say that it lives. On a disk that waits for what the disk is doing.
IN_MEMORY = "/dev/shm"  # noqa: S108  # gunicorn makes a file of a name of its own there, and removes the name
# What the program ends with where the hub cannot be put together as its settings say.
REFUSED = 2


class Application(Protocol):
    """A WSGI application that can close its web sockets, which would otherwise hold up the end of the server."""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]: ...

    def close_sockets(self) -> None: ...


# Builds the application and starts what runs beside it; the second value stops that again.
Start = Callable[[], tuple[Application, Callable[[], None]]]


class EndsSoon:
    """Of a gunicorn worker: told to end, it closes its web sockets and gives other requests `GRACE` seconds."""

    def handle_exit(self, sig: int, frame: object) -> None:
        """On SIGTERM."""
        self.cfg.set("graceful_timeout", GRACE)  # type: ignore[attr-defined]  # the worker's own copy since the fork
        # Not in here: the signal may have come in the middle of anything, with any lock held.
        threading.Thread(target=self.app.close_sockets, daemon=True).start()  # type: ignore[attr-defined]
        super().handle_exit(sig, frame)  # type: ignore[misc]

    def handle_quit(self, sig: int, frame: object) -> None:
        """On SIGINT (Ctrl-C reaches the whole process group) and SIGQUIT."""
        self.handle_exit(sig, frame)


class Worker(EndsSoon, ThreadWorker):  # type: ignore[misc]  # gunicorn carries no annotations
    """Serves HTTP and web sockets with threads, all on one core."""

    def init_process(self) -> None:
        """After the fork, before anything is started."""
        cores.keep_together()
        super().init_process()


class Gunicorn(BaseApplication):  # type: ignore[misc]
    """gunicorn with given settings and nothing from files or the environment."""

    def __init__(self, options: dict[str, Any], start: Start) -> None:
        self._options = options
        self._start = start
        self._stop: Callable[[], None] | None = None
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)
        self.cfg.set("worker_exit", lambda _, worker: self.stop(asked=not worker.alive))

    def load(self) -> Application:
        # In the worker, after the fork: threads and database connections do not survive one.
        try:
            application, self._stop = self._start()
        except HubError as error:
            # gunicorn's word for what no further attempt would mend; it says the text and nothing else.
            raise AppImportError(f"centralita: {error}") from error
        return application

    def close_sockets(self) -> None:
        """Does nothing before the application is there."""
        if self.callable is not None:
            self.callable.close_sockets()

    def stop(self, *, asked: bool) -> None:
        """Stops what `start` started, and then the process where it was asked to end. The arbiter, which started
        nothing, calls this too."""
        if self._stop is None:
            return
        self.close_sockets()
        self._stop()
        if asked:
            _leave(0)


def _nothing() -> None:
    pass


def _allow_open(files: int) -> None:
    """Lets the process have as many open as the system allows: by itself that is often 1024, sockets and all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
    if wanted < files:
        log.warning("this process may have %d files and sockets open, %d could be wanted (ulimit -n)", hard, files)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _leave(code: int) -> NoReturn:
    """Ends the process. All is stopped: taking an interpreter with this many libraries apart takes a second more."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def serve(
    *,
    host: str,
    port: int,
    threads: int,
    start: Start,
    on_ready: Callable[[], None] = _nothing,
    profile: str = "threads",
    access_log: bool = False,
) -> None:
    """Serves until SIGINT or SIGTERM, then ends the process within three seconds. Does not return.

    Args:
        host: the address to listen at.
        port: the port to listen at.
        threads: the most requests and web sockets at a time.
        start: see `Start`; called in the serving process.
        on_ready: called there when the first request can be served.
        profile: `threads`, or `gevent` for a process that serves only sockets (docs/live.md).
        access_log: whether each request is written to standard output.
    """
    _allow_open(threads + IDLE_CONNECTIONS + OTHER_FILES)
    options = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        # Always one: a web socket's state is in its process. Whoever wants more processes starts more hubs.
        "workers": 1,
        "worker_class": Worker if profile == "threads" else "hub.web.gevent_worker.Worker",
        "threads": threads,
        "worker_connections": threads + IDLE_CONNECTIONS,
        "timeout": SILENT,
        "keepalive": KEEP_ALIVE,
        "graceful_timeout": KILL_AFTER,
        "worker_tmp_dir": IN_MEMORY if os.access(IN_MEMORY, os.W_OK | os.X_OK) else None,
        "accesslog": "-" if access_log else None,
        "loglevel": "warning",
        "control_socket_disable": True,
        "post_worker_init": lambda _: on_ready(),
    }
    above = os.getpid()
    try:
        Gunicorn(options, start).run()
    except SystemExit as ended:  # in both processes: what the worker ends with is a word to the one above
        code = ended.code if isinstance(ended.code, int) else 0
        _leave(REFUSED if code == Arbiter.APP_LOAD_ERROR and os.getpid() == above else code)
