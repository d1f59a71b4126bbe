"""What is made to go wrong in a simulation, dealt out before anything is said: the same seed, the same troubles."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Fault = Mapping[str, Any]
# One message in so many has something of its channel's menu.
EVERY = 4
# How much is to go wrong: one message in so many, and nothing that holds anybody up for more than these seconds.
LEVELS: Mapping[str, tuple[int, float]] = {"none": (0, 0.0), "quick": (1, 1.0), "full": (EVERY, math.inf)}

_IN: Sequence[Fault] = (
    {"where": "webhook", "do": "duplicate", "copies": 3},
    {"where": "webhook", "do": "parallel", "copies": 50},
    {"where": "webhook", "do": "lose_answer"},
)
_OUT: Sequence[Fault] = (
    {"where": "send", "do": "refuse", "status": 500},
    {"where": "send", "do": "refuse", "status": 429, "retry_after": 1},
    {"where": "send", "do": "cut"},
    {"where": "send", "do": "delay", "seconds": 2},
    {"where": "send", "do": "accept_then_cut"},
    # Longer than any channel of ours waits.
    {"where": "send", "do": "accept_then_time_out", "seconds": 25},
)
_APP: Sequence[Fault] = (
    *_IN,
    {"where": "webhook", "do": "tamper"},
    {"where": "webhook", "do": "unsigned"},
    {"where": "webhook", "do": "late", "seconds": 3},
    {"where": "webhook", "do": "poison"},
    {"where": "webhook", "do": "unknown_type"},
    *_OUT,
)
_REPORTS: Sequence[Fault] = tuple({"where": "status", "do": do} for do in ("reverse", "early", "duplicate", "lose"))
_META: Sequence[Fault] = (*_APP, *_REPORTS, {"where": "send", "do": "fail_later", "code": 131026})
MENU: Mapping[str, Sequence[Fault]] = {
    # What is not believed comes again with every app, and never with Twilio: there it would be lost before the hub.
    "sms": (
        *_IN,
        *_OUT,
        *_REPORTS,
        {"where": "status", "do": "late", "seconds": 3},
        {"where": "send", "do": "fail_later", "code": 30003},
    ),
    "whatsapp": _META,
    "messenger": (*_APP, *_REPORTS),
    "instagram": (*_APP, *_REPORTS),
    "telegram": _APP,
    "line": _APP,
    "slack": _APP,
    "email": (
        {"where": "mail", "do": "duplicate", "copies": 3},
        {"where": "mail", "do": "parallel", "copies": 10},
        {"where": "mail", "do": "late", "seconds": 2},
        {"where": "mail", "do": "cut"},
        {"where": "mail", "do": "lose_answer"},
        {"where": "mail", "do": "without_references"},
        {"where": "send", "do": "greylist"},
        {"where": "send", "do": "refuse"},
        {"where": "send", "do": "delay", "seconds": 2},
        {"where": "send", "do": "cut"},
        {"where": "send", "do": "accept_then_cut"},
        {"where": "send", "do": "bounce", "seconds": 0.1},
        {"where": "send", "do": "out_of_office", "seconds": 0.1},
    ),
    # The widget's own: nobody stands between it and the hub.
    "webchat": (
        {"where": "webhook", "do": "duplicate", "copies": 3},
        {"where": "webhook", "do": "parallel", "copies": 5},
        {"where": "webhook", "do": "lose_answer"},
        {"where": "webhook", "do": "drop"},
    ),
}
# Of what a channel does whose provider is down: every call of the hub's hangs, and fails then.
DOWN: Mapping[str, Fault] = {
    channel: {"where": "send", "do": "refuse", "status": 503, "seconds": 10, "times": None}
    for channel in ("sms", "whatsapp", "messenger", "instagram", "telegram", "line", "slack")
} | {"email": {"where": "send", "do": "delay", "seconds": 10, "times": None}}


class Troubles:
    """Deals out a channel's menu: each item once, then all again in another order.

    Args:
        seed: of the run.
        every: one message in so many; 0: none.
        longest: seconds; what holds anybody up for longer is left out.
    """

    def __init__(self, seed: int, every: int = EVERY, longest: float = math.inf) -> None:
        self._chance = random.Random(f"troubles {seed}")  # noqa: S311  # nothing secret
        self._every = every
        self._decks = {
            channel: self._shuffled([each for each in menu if each.get("seconds", 0) <= longest], channel, seed)
            for channel, menu in MENU.items()
        }

    def next(self, channel: str) -> Fault | None:
        """What is to go wrong with the next message of a channel, or with what comes of it."""
        if not self._every or self._chance.randrange(self._every):
            return None
        return next(self._decks[channel])

    @staticmethod
    def _shuffled(menu: Sequence[Fault], channel: str, seed: int) -> Iterator[Fault]:
        chance = random.Random(f"troubles of {channel} {seed}")  # noqa: S311  # nothing secret
        for _ in itertools.count():
            yield from chance.sample(menu, len(menu))
