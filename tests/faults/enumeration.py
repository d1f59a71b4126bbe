"""Every schedule that is not random: which places are cut at which hit, alone and one after another, in both modes; and
what providers, disks, clocks and databases do wrong."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any

from tests.faults.schedule import Cut, Deed, Mode, Schedule

# How often a run of a scenario comes to a place, at most: a cut at each of these.
_INBOUND = {"webhook.read": 8, "webhook.stored": 8}
_STORE = {"store.ready": 20, "store.committed": 20, "store.told": 20}
_JOBS = {"job.claimed": 6, "job.done": 6, "job.written": 6, "turn.answered": 2}
_SENDING = {"send.begun": 4, "send.answered": 4}
_MAIL = {"mail.kept": 2, "mail.stored": 2}
EMBEDDED: Mapping[str, Mapping[str, int]] = {
    "sms": _INBOUND | _STORE | _JOBS | _SENDING,
    "email": _MAIL | dict.fromkeys(_STORE, 14) | _JOBS | {"send.begun": 3, "send.answered": 3},
    "webchat": dict.fromkeys(_STORE, 16) | _JOBS | _SENDING,
    "all": _INBOUND | _MAIL | _STORE | _JOBS | _SENDING,
    "turn": _INBOUND | dict.fromkeys(_STORE, 12) | dict.fromkeys(_JOBS, 2) | {"send.begun": 2, "send.answered": 2},
}
_WEB = {"webhook.read": 4, "webhook.stored": 4, "store.ready": 6, "store.committed": 6, "store.told": 6}
_WORKER = dict.fromkeys(("job.claimed", "job.done", "job.written"), 2) | dict.fromkeys(_STORE, 6)
_WORKER |= {"turn.answered": 1, "send.begun": 2, "send.answered": 2}

# (channel, order to the simulator)
PROVIDERS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("sms", {"where": "send", "do": "refuse", "status": 500, "times": 2}),
    ("sms", {"where": "send", "do": "refuse", "status": 503, "times": 1}),
    ("sms", {"where": "send", "do": "refuse", "status": 429, "retry_after": 1, "times": 2}),
    ("sms", {"where": "send", "do": "cut", "times": 1}),
    ("sms", {"where": "send", "do": "accept_then_cut", "times": 1}),
    ("sms", {"where": "send", "do": "accept_then_time_out", "seconds": 4, "times": 1}),
    ("sms", {"where": "send", "do": "delay", "seconds": 1, "times": 2}),
    ("sms", {"where": "send", "do": "fail_later", "times": 1}),
    ("sms", {"where": "status", "do": "duplicate", "copies": 3, "times": 4}),
    ("sms", {"where": "status", "do": "reverse", "times": 4}),
    ("sms", {"where": "status", "do": "late", "seconds": 1, "times": 4}),
    ("sms", {"where": "status", "do": "early", "times": 4}),
    ("sms", {"where": "status", "do": "lose", "times": 4}),
    ("sms", {"where": "webhook", "do": "duplicate", "copies": 3, "times": 3}),
    ("sms", {"where": "webhook", "do": "parallel", "copies": 8, "times": 2}),
    ("sms", {"where": "webhook", "do": "lose_answer", "times": 3}),
    ("mail", {"where": "send", "do": "greylist", "times": 1}),
    ("mail", {"where": "send", "do": "cut", "times": 1}),
    ("mail", {"where": "send", "do": "accept_then_cut", "times": 1}),
    ("mail", {"where": "mail", "do": "duplicate", "copies": 3, "times": 2}),
    ("mail", {"where": "mail", "do": "parallel", "copies": 5, "times": 2}),
    ("mail", {"where": "mail", "do": "lose_answer", "times": 2}),
)
_OTHERS: tuple[Deed, ...] = ("full", "slow", "wait", "forward", "back")


def every() -> list[Schedule]:
    """All of them, in one order."""
    found = [*_single(), *_double(), *_scaled_out(), *_providers(), *_machine()]
    assert len({each.name for each in found}) == len(found)
    return found


def chosen(count: int, seed: int) -> list[Schedule]:
    """So many of them, by the dice of a seed: all where there are not more."""
    found = every()
    random.Random(seed).shuffle(found)  # noqa: S311  # which come first, no secret
    return found[:count]


def _single() -> Iterator[Schedule]:
    for scenario, places in EMBEDDED.items():
        for place, hits in places.items():
            for hit in range(1, hits + 1):
                yield Schedule("embedded", scenario, (Cut(place, hit),))


def _double() -> Iterator[Schedule]:
    """Killed again in its next life, in every order of places. What was lost there is offered by the sweeper here."""
    for scenario in ("sms", "webchat", "all"):
        for first, second in itertools.product(EMBEDDED[scenario], (*EMBEDDED[scenario], "sweep.offered")):
            yield Schedule("embedded", scenario, (Cut(first), Cut(second, life=1)))


def _scaled_out() -> Iterator[Schedule]:
    mode: Mode = "scaled_out"
    for scenario in ("sms", "all"):
        for process, places in (("hub", _WEB), ("worker-0", _WORKER), ("worker-1", _WORKER)):
            for place, hits in places.items():
                for hit in range(1, hits + 1):
                    yield Schedule(mode, scenario, (Cut(place, hit, process=process),))
    for first, second in itertools.product(_WEB, _WORKER):
        yield Schedule(mode, "sms", (Cut(first, 2), Cut(second, process="worker-0")))


def _providers() -> Iterator[Schedule]:
    for channel, fault in PROVIDERS:
        scenario = "email" if channel == "mail" else "sms"
        yield Schedule("embedded", scenario, faults=((channel, fault),))
        for place in ("send.answered", "send.begun", "store.committed"):
            yield Schedule("embedded", scenario, (Cut(place, 2),), ((channel, fault),))
        yield Schedule("scaled_out", scenario, faults=((channel, fault),))


def _machine() -> Iterator[Schedule]:
    for scenario in EMBEDDED:
        yield Schedule("embedded", scenario, rare_sweeps=True)
    for scenario in ("sms", "all"):
        yield Schedule("scaled_out", scenario, rare_sweeps=True)
    for scenario, deed in itertools.product(("sms", "all"), _OTHERS):
        for place, hit in (("store.ready", 2), ("store.ready", 8), ("job.claimed", 1), ("send.begun", 1)):
            yield Schedule("embedded", scenario, (Cut(place, hit, deed),))
    # Of several hosts the clocks have to agree (docs/faults.md): there none jumps alone.
    stops: tuple[Deed, ...] = ("slow", "wait")
    for deed, process in itertools.product(stops, ("hub", "worker-0")):
        yield Schedule("scaled_out", "sms", (Cut("store.ready", 2, deed, process),))
