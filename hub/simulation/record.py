"""What a run is: what customers said, what became of it, and how long the hub took to take it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a customer's message at the hub's door.

    `provider_id` is the channel's own id of it, as `MessageOut.provider_id` shows it. `latency` is in seconds, from the
    provider's call to the hub's 200; None where it was not accepted. `why` says why not. `at` is the moment of the 200
    (seconds since 1970-01-01 UTC).
    """

    provider_id: str
    accepted: bool
    latency: float | None = None
    why: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A message that a customer said. `customer` is the person's number within the run."""

    customer: int
    channel: str
    text: str
    taken: Taken


@dataclass(frozen=True, slots=True)
class Received:
    """A message of the hub's that the channel has handed to a customer. `address` is the customer's there, `at` when
    (seconds since 1970-01-01 UTC; None where nobody saw)."""

    provider_id: str
    address: str
    text: str
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a channel's other side has of a run.

    `accepted` are the ids of customers' messages that the hub said yes to, in that order, each with the customer's
    address; `refused` those that it did not. `received` is what the hub sent, in order. `prefix` is what the ids of
    this run's messages begin with, on a channel where others may write too; empty where the ledger has everybody's.
    """

    channel: str
    accepted: Sequence[tuple[str, str]]
    refused: Sequence[tuple[str, str]]
    received: Sequence[Received]
    prefix: str = ""
    # What customers did to messages of theirs, by id: (`edit`, `take_back` or `react`, the words or the emoji).
    changed: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """The counts of one channel. `waiting` are accepted messages after which nothing has come for the customer yet."""

    sent: int = 0
    accepted: int = 0
    answered: int = 0
    failed: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        return self.accepted - self.answered

    def percentile(self, share: float) -> float | None:
        """Of the latencies, in seconds (the nearest rank); None without any."""
        return percentile(self.latencies, share)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest rank; None without any values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
