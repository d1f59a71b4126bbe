"""What each kind of process runs: `serve` answers the web, `worker` runs what follows from events."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hub import heap
from hub.app import Assembled, build, mail_receivers
from hub.domain.errors import HubError, Unavailable
from hub.hub import Hub
from hub.jobs import worker
from hub.live.hints import RedisHints
from hub.live.push import LivePush
from hub.live.sockets import LiveSockets
from hub.ports import Silence
from hub.settings import Settings
from hub.store.migrate import is_current
from hub.web import render, server, widget_render
from hub.web.flask_app import create_app
from hub.web.flask_app import openapi as describe

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Answers HTTP and web sockets until it is told to stop. Embedded, it runs the outbox too.

    Raises Unavailable when the database has not the schema that this version wants.
    """
    _require_schema(settings)

    def start() -> tuple[server.Application, Callable[[], None]]:
        assembled = build(
            settings, make_push=lambda store, redis: LivePush(store, RedisHints(redis) if redis is not None else None)
        )
        hub, push = assembled.hub, assembled.hub.push
        assert isinstance(push, LivePush)  # noqa: S101  # made in the line before
        live = LiveSockets(
            create_app(hub),
            hub,
            push,
            render_agents=lambda connection, page: [
                entry.model_dump(mode="json") for entry in render.entries(connection, page, hub)
            ],
            render_visitors=lambda connection, page, connected: widget_render.for_visitors(
                connection, page, connected, hub
            ),
        )
        if settings.embedded:
            assembled.start()
        else:
            assembled.start_answering()
        live.start()
        receivers = mail_receivers(hub)
        for receiver in receivers:
            receiver.start()
        threading.Thread(target=_settle, args=(hub,), name="settling", daemon=True).start()

        def stop() -> None:
            for receiver in receivers:
                receiver.stop()
            live.stop()
            assembled.stop()

        return live, stop

    # Before the process forks: what no round of the collector touches stays shared with the process above.
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
    """Runs outbox rows whose ids come through Redis, and the sweeper, until it is told to stop."""
    _require_schema(settings)
    assembled = build(settings, make_push=lambda _, redis: RedisHints(redis) if redis is not None else Silence())
    if assembled.redis is None:
        raise Unavailable("a worker needs Redis")
    assembled.start()
    try:
        worker.work(assembled.runner, assembled.redis, slow=slow, threads=settings.runner_threads)
    finally:
        assembled.stop()
        if isinstance(assembled.hub.push, RedisHints):
            assembled.hub.push.stop()


def openapi(settings: Settings) -> dict[str, Any]:
    """The API's OpenAPI document."""
    assembled: Assembled = build(settings)
    return describe(assembled.hub)


def _settle(hub: Hub) -> None:
    """Loads the libraries of the inboxes' channels, which the first message of each would wait for."""
    for inbox in hub.inboxes.every():
        with suppress(HubError, KeyError):  # settings at fault are said where the inbox is used
            hub.channel_of(inbox)
    heap.keep()


def _require_schema(settings: Settings) -> None:
    assembled = build(settings)
    try:
        with assembled.hub.store.read() as connection:
            if not is_current(connection):
                raise Unavailable("the database has another schema: run `centralita migrate` first")
    finally:
        assembled.stop()
