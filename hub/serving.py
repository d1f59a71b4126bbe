"""What the process runs that serves: HTTP, web sockets and, embedded, everything else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from hub import heap
from hub.app import build, mail_receivers, require_schema, scaled_out
from hub.domain.errors import HubError
from hub.hub import Hub
from hub.live.push import LivePush
from hub.live.sockets import LiveSockets
from hub.settings import Settings
from hub.store.unit_of_work import Store
from hub.web import render, widget_render
from hub.web.flask_app import create_app

if TYPE_CHECKING:
    from redis import Redis


def start(settings: Settings) -> tuple[LiveSockets, Callable[[], None]]:
    """The application, and what stops all that runs beside it.

    Raises Unavailable when the database has not the schema that this version wants.
    """

    def make_push(store: Store, redis: Redis | None) -> LivePush:
        return LivePush(store, scaled_out().RedisHints(redis) if redis is not None else None)

    assembled = build(settings, make_push=make_push)
    try:
        require_schema(assembled.hub)
    except BaseException:
        assembled.stop()
        raise
    hub, push = assembled.hub, assembled.hub.push
    assert isinstance(push, LivePush)  # noqa: S101  # made above
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


def _settle(hub: Hub) -> None:
    """Loads the libraries of the inboxes' channels, which the first message of each would wait for."""
    for inbox in hub.inboxes.every():
        with suppress(HubError, KeyError):  # settings at fault are said where the inbox is used
            hub.channel_of(inbox)
    heap.keep()
