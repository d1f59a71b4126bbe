"""The gevent profile's worker. gunicorn loads it by name, so that nobody else needs gevent."""

from __future__ import annotations

import gevent
from gunicorn.workers.ggevent import GeventWorker

from hub.web.server import EndsSoon


class Worker(EndsSoon, GeventWorker):  # type: ignore[misc]  # gunicorn carries no annotations
    """Serves web sockets as greenlets."""

    def handle_exit(self, sig: int, frame: object) -> None:
        # The signal comes in the event loop, where nothing may wait; starting a thread does.
        gevent.spawn(super().handle_exit, sig, frame)
