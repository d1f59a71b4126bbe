"""How the hub and its parts are, for administrators and for whoever starts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from hub.domain.inbox import HOUR
from hub.hub import Hub
from hub.ports import Health
from hub.services.inbox_health import ENDS_SOON
from hub.services.inboxes import DISABLED
from hub.store.queries import health, inbox_health, listening, outbox, passages, stops

State = Literal["ok", "warming", "degraded"]
# A row that waits so long is not waiting, it is forgotten: no runner takes rows.
_STUCK = 60_000_000
_WARMING = frozenset({"warming", "indexing", "starting"})
_WELL = frozenset({"ok", "ready", "absent"})


def parts(hub: Hub) -> tuple[Health, ...]:
    """The state of every part. Answers even where the database does not."""
    store = _store(hub)
    if store[0].state != "ok":
        return (*store, _bot(hub), Health("knowledge", "unknown"))
    return (*store, _bot(hub), _knowledge(hub), *_listeners(hub), *_stopped(hub), *_accounts(hub))


def state(parts: Sequence[Health]) -> State:
    """All of it in a word: `warming` where the only parts that are not well still load."""
    unwell = {part.state for part in parts} - _WELL
    if not unwell:
        return "ok"
    return "warming" if unwell <= _WARMING else "degraded"


def _store(hub: Hub) -> tuple[Health, ...]:
    mode = "sqlite" if hub.settings.embedded else "postgresql"
    try:
        with hub.store.read() as connection:
            oldest = health.oldest_due(connection)
            dead = outbox.dead(connection, limit=100)
    except Exception as error:  # whatever it is, this page has to show it
        return (Health("database", "down", {"kind": mode, "error": type(error).__name__}),)
    late = max(hub.clock.now() - oldest, 0) if oldest else 0
    work = "down" if late > _STUCK else "dead_rows" if dead else "ok"
    detail = {
        "oldest_due_seconds": str(late // 1_000_000),
        "dead": "100 or more" if len(dead) == 100 else str(len(dead)),
    }
    return Health("database", "ok", {"kind": mode}), Health("work", work, detail)


def _bot(hub: Hub) -> Health:
    if hub.bot is None:
        return Health("bot", "starting" if hub.settings.bot == "starting" else "absent")
    return _told("bot", dict(hub.bot.status()))


def _knowledge(hub: Hub) -> Health:
    if hub.knowledge is None:
        return Health("knowledge", "absent")
    part = _told("knowledge", dict(hub.knowledge.status()))
    if part.state != "ready":
        return part
    large = int(part.detail.get("passages", "0")) > hub.settings.knowledge_in_memory
    if large and hub.nearby is not None and (lacks := hub.nearby.lacks(hub.knowledge.model_id)):
        part = replace(part, detail={**part.detail, "vectors": f"in memory: {lacks}"})
    with hub.store.read() as connection:
        missing = len(passages.out_of_step(connection, hub.knowledge.model_id))
    # At the first start, and after a change of model, the models are there before what they are to find.
    return (
        replace(part, state="indexing", detail={**part.detail, "articles_to_index": str(missing)}) if missing else part
    )


def _told(name: str, status: dict[str, str]) -> Health:
    return Health(name, status.pop("state"), status)


def _listeners(hub: Hub) -> tuple[Health, ...]:
    """One part for each inbox that fetches for itself. Down: an error, or nobody listens."""
    now = hub.clock.now()
    with hub.store.read() as connection:
        states = listening.states(connection, now)
    inboxes = {inbox.id: inbox for inbox in hub.inboxes.every()}
    parts = []
    for each in states:
        inbox = inboxes.get(each.inbox_id)
        if inbox is None:
            continue
        detail = {"inbox": inbox.name, "waiting_there": str(each.behind)}
        if each.seen_at:
            detail["seen_seconds_ago"] = str(max(now - each.seen_at, 0) // 1_000_000)
        if each.notice:
            detail["notice"] = each.notice
        if each.error:
            detail |= {"error": each.error, "since_seconds": str(max(now - each.error_since, 0) // 1_000_000)}
        parts.append(Health("listener", each.word, detail))
    return tuple(parts)


def _stopped(hub: Hub) -> tuple[Health, ...]:
    """One part for each inbox that may not send, with how many messages it keeps (1000: that or more)."""
    now = hub.clock.now()
    with hub.store.read() as connection:
        found = [(each, stops.waiting(connection, each.inbox_id)) for each in stops.every(connection)]
    names = {inbox.id: inbox.name for inbox in hub.inboxes.every()}
    return tuple(
        Health(
            "sending",
            "down",
            {
                "inbox": names[stop.inbox_id],
                "inbox_id": stop.inbox_id,
                "error": " ".join(filter(None, (stop.code, stop.reason))),
                "since_seconds": str(max(now - stop.since, 0) // 1_000_000),
                "waiting": str(waiting),
                "tries": "yes" if stop.try_at else "no",
            },
        )
        for stop, waiting in found
        if stop.inbox_id in names and stop.code != DISABLED
    )


def _accounts(hub: Hub) -> tuple[Health, ...]:
    """One part for each inbox whose provider says that something is wrong, or whose token ends soon."""
    now = hub.clock.now()
    with hub.store.read() as connection:
        known = inbox_health.every(connection)
    parts = []
    for inbox in hub.inboxes.every():
        health = known.get(inbox.id)
        if inbox.disabled or health is None:
            continue
        left = health.state.token_until - now if health.state.token_until else ENDS_SOON
        if health.error:
            detail = {"inbox": inbox.name, "inbox_id": inbox.id, "error": f"{health.code} {health.error}".strip()}
            parts.append(Health("account", "down", detail))
        elif left < ENDS_SOON:
            detail = {"inbox": inbox.name, "inbox_id": inbox.id, "token_ends_in_hours": str(max(left, 0) // HOUR)}
            parts.append(Health("account", "ending", detail))
    return tuple(parts)
