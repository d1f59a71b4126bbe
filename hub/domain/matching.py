"""Which conversation a message belongs to. Pure; the store looks the candidates up, this decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hub.domain.conversation import Conversation, Status


class Rule(StrEnum):
    """Why a message landed where it did. Stored with the message and shown."""

    THREAD_KEY = "thread_key"
    WINDOW = "window"
    REOPENED = "reopened"
    NEW = "new"
    MOVED = "moved"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Match:
    """`conversation_id` is empty for a new conversation; `previous_id` then links to the one that was too old."""

    rule: Rule
    conversation_id: str = ""
    previous_id: str = ""


def match(
    *, threaded: Conversation | None, current: Conversation | None, now: int, window: int, reopen_window: int
) -> Match:
    """Finds the conversation for an incoming message.

    Args:
        threaded: where the channel's own thread key points, if it has one and it is known.
        current: the contact's latest conversation over all channels.
        now: the message's arrival, microseconds.
        window: how long after its last activity an open conversation still takes messages without a thread key,
            microseconds.
        reopen_window: how long after it was resolved a conversation is reopened rather than followed by a new one,
            microseconds.
    """
    if threaded is not None:
        return _into(threaded, Rule.THREAD_KEY, now, reopen_window)
    if current is None:
        return Match(Rule.NEW)
    if current.status == Status.RESOLVED:
        return _into(current, Rule.WINDOW, now, reopen_window)
    # Somebody who waits in the queue, or whom an agent is helping, is never split in two by the mere passing of time.
    if current.status != Status.BOT or now - current.last_activity_at <= window:
        return Match(Rule.WINDOW, current.id)
    return Match(Rule.NEW, previous_id=current.id)


def _into(found: Conversation, rule: Rule, now: int, reopen_window: int) -> Match:
    if found.status != Status.RESOLVED:
        return Match(rule, found.id)
    if now - found.resolved_at <= reopen_window:
        return Match(Rule.REOPENED, found.id)
    return Match(Rule.NEW, previous_id=found.id)
