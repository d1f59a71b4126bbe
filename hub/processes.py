"""What each kind of process runs: `serve` answers the web, `worker` runs what follows from events."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask

from hub.app import Assembled, build
from hub.domain.errors import Unavailable
from hub.jobs import worker
from hub.settings import Settings
from hub.store.migrate import is_current
from hub.web import server
from hub.web.flask_app import create_app
from hub.web.flask_app import openapi as describe

log = logging.getLogger(__name__)


class Served:
    """The web application as the server wants it: WSGI, with a way to close its web sockets."""

    def __init__(self, flask: Flask) -> None:
        self._flask = flask

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        return self._flask(environ, start_response)

    def close_sockets(self) -> None:
        return


def serve(settings: Settings) -> None:
    """Answers HTTP and web sockets until it is told to stop. Embedded, it runs the outbox too.

    Raises Unavailable when the database has not the schema that this version wants.
    """
    _require_schema(settings)

    def start() -> tuple[server.Application, Callable[[], None]]:
        assembled = build(settings)
        flask = create_app(assembled.hub)
        if settings.embedded:
            assembled.start()
        else:
            assembled.start_answering()
        return Served(flask), assembled.stop

    server.serve(
        host=settings.host,
        port=settings.port,
        threads=settings.threads,
        start=start,
        on_ready=lambda: log.info("Centralita answers on %s", settings.public_url),
        profile=settings.profile,
    )


def work(settings: Settings, *, slow: bool) -> None:
    """Runs outbox rows whose ids come through Redis, and the sweeper, until it is told to stop."""
    _require_schema(settings)
    assembled = build(settings)
    if assembled.redis is None:
        raise Unavailable("a worker needs Redis")
    assembled.start()
    try:
        worker.work(assembled.runner, assembled.redis, slow=slow)
    finally:
        assembled.stop()


def openapi(settings: Settings) -> dict[str, Any]:
    """The API's OpenAPI document."""
    assembled: Assembled = build(settings)
    return describe(assembled.hub)


def _require_schema(settings: Settings) -> None:
    assembled = build(settings)
    try:
        with assembled.hub.store.read() as connection:
            if not is_current(connection):
                raise Unavailable("the database has another schema: run `centralita migrate` first")
    finally:
        assembled.stop()
