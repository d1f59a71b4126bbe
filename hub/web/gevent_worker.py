"""The gevent profile's worker. gunicorn loads it by name, so that nobody else needs gevent."""

from __future__ import annotations

from gunicorn.workers.ggevent import GeventWorker

from hub.web.server import EndsSoon


class Worker(EndsSoon, GeventWorker):  # type: ignore[misc]  # gunicorn carries no annotations
    """Serves web sockets as greenlets."""
