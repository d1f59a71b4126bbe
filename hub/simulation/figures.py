"""How long things took: until the hub took a message, until an agent saw it, until an answer was at the customer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.simulation.reconcile import HubMessage
from hub.simulation.record import Ledger, Said, percentile

# (channel, moment in seconds since 1970-01-01 UTC, seconds that it took)
_Sample = tuple[str, float, float]
_SHARES = (0.5, 0.95, 0.99)


class Figures:
    """Of a run.

    Args:
        said: what customers said.
        ledgers: of each channel.
        messages: what the hub shows.
        seen: when a message was on an agent's screen, by the hub's id.
        outage: from when to when a provider was down.

    `accepted_ms` is from the provider's call to the hub's 200, `visible_ms` from there to an agent's open screen,
    `delivered_ms` from the hub's writing of an answer to its being at the provider or on the customer's page.
    """

    def __init__(
        self,
        said: Sequence[Said],
        ledgers: Sequence[Ledger],
        messages: Sequence[HubMessage],
        seen: Mapping[str, float],
        outage: tuple[float, float] | None,
    ) -> None:
        ids = {(each.channel, each.provider_id): each.id for each in messages if each.incoming}
        written = {(each.channel, each.key): each.at for each in messages if not each.incoming}
        taken = [(each.channel, each.taken) for each in said if each.taken.accepted]
        self._outage = outage
        self._samples: dict[str, list[_Sample]] = {
            "accepted_ms": [
                (channel, each.at, each.latency)
                for channel, each in taken
                if each.at is not None and each.latency is not None
            ],
            # The screen may have it before the provider has read the 200.
            "visible_ms": [
                (channel, each.at, max(0.0, seen[known] - each.at))
                for channel, each in taken
                if each.at is not None and (known := ids.get((channel, each.provider_id), "")) in seen
            ],
            "delivered_ms": [
                (ledger.channel, at, max(0.0, got.at - at))
                for ledger in ledgers
                for got in ledger.received
                if got.at is not None and (at := written.get((ledger.channel, got.provider_id))) is not None
            ],
        }

    def channel(self, name: str) -> dict[str, Any]:
        """Percentiles of one channel, of all where `name` is empty; None without samples."""
        found: dict[str, Any] = {}
        for what, samples in self._samples.items():
            own = [took for channel, _, took in samples if name in ("", channel)]
            shares = {f"p{share * 100:.0f}": _milliseconds(percentile(own, share)) for share in _SHARES}
            found[what] = {**shares, "samples": len(own)}
        p50, p99 = found["accepted_ms"]["p50"], found["accepted_ms"]["p99"]
        return {**found, "ratio": round(p99 / p50, 2) if p50 and p99 else None}

    def outage(self, down: str) -> dict[str, Any]:
        """The p99 of all channels but the one that was down, while it was and otherwise."""
        found: dict[str, Any] = {}
        began, ended = self._outage or (0.0, 0.0)
        for what, samples in self._samples.items():
            others = [(began <= at < ended, took) for channel, at, took in samples if channel != down]
            during, otherwise = (
                percentile([took for is_in, took in others if is_in is want], 0.99) for want in (True, False)
            )
            ratio = round(during / otherwise, 2) if during and otherwise else None
            found[what] = {"down": _milliseconds(during), "otherwise": _milliseconds(otherwise), "ratio": ratio}
        return found


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
