"""A job as its handler sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hub.domain.errors import ChannelError
from hub.domain.events import Recorded
from hub.hub import Hub
from hub.store.unit_of_work import UseCase

# Of what a provider asks us to wait: beyond that it has forgotten us, or is not to be believed. Microseconds.
LONGEST_ASKED = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Work:
    """One claimed outbox row with its event.

    `interrupted`: an earlier attempt was cut off (a crash, a lost lease, an end that could not be written), so that
    nobody knows how far it came; after one that ended with a channel's word this is false. `last_attempt`: the row is
    dead if this one fails. `hold` makes sure that the row is still ours and lets the lease begin anew; it belongs into
    the transaction right before what cannot be undone, for whoever was kept waiting may have lost the row by then.
    """

    outbox_id: int
    recorded: Recorded
    attempt: int
    interrupted: bool
    last_attempt: bool
    hold: UseCase[None]


@dataclass(frozen=True, slots=True)
class Wait:
    """It is not this row's turn: it goes back until a time (microseconds). That is no attempt and no failure."""

    until: int


# A handler does its I/O and returns what is to be written: the runner commits that together with the row's end.
Handler = Callable[[Hub, Work], UseCase[None] | Wait]


def asked_pause(error: ChannelError) -> int | None:
    """How long the provider asks us to wait, microseconds; None where it did not say."""
    if error.retry_after is None:
        return None
    return int(min(max(0.0, error.retry_after) * 1_000_000, LONGEST_ASKED))


def nothing(_: object) -> None:
    """The use case of a job that finds nothing left to do."""
