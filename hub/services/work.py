"""A job as its handler sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hub.domain.events import Recorded
from hub.hub import Hub
from hub.store.unit_of_work import UseCase


@dataclass(frozen=True, slots=True)
class Work:
    """One claimed outbox row with its event.

    `interrupted`: an earlier attempt was cut off (a crash, a lost lease), so that nobody knows how far it came; after
    an attempt that ended with an error this is false. `last_attempt`: the row is dead if this one fails.
    """

    outbox_id: int
    recorded: Recorded
    attempt: int
    interrupted: bool
    last_attempt: bool


# A handler does its I/O and returns what is to be written: the runner commits that together with the row's end.
Handler = Callable[[Hub, Work], UseCase[None]]


def nothing(_: object) -> None:
    """The use case of a job that finds nothing left to do."""
