"""How many agents a queue needs: Erlang B, C and A, and a simulation for what they do not cover. Pure.

`load` is the offered work in erlangs: customers a second times the seconds that each takes. Sources: A. K. Erlang
(1917) for B and C; C. Palm (1946) and Mandelbaum and Zeltyn, "Service engineering in action: the Palm/Erlang-A queue"
(2007) for A, where customers give up after an exponentially distributed patience. Times are seconds.

Erlang C knows no customer who gives up, and so asks for more agents than are needed; staff with Erlang A.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from random import Random

from hub.domain.errors import Refused

_VANISHED = 1e-14
_STEPS = 200  # of Simpson's rule; 20 give ten digits already
MOST_AGENTS = 10_000


@dataclass(frozen=True, slots=True)
class Outlook:
    """What customers meet.

    `waits`: the share that is not served at once. `service_level`: answered within the target, of all who came.
    `abandoned`: the share that gives up. `mean_wait`: seconds, of all who came. `occupancy`: the agents' busy share.
    """

    waits: float
    service_level: float
    abandoned: float
    mean_wait: float
    occupancy: float


def erlang_b(agents: int, load: float) -> float:
    """The share of customers who find all lines taken, where nobody can wait. Raises Refused."""
    _require(agents, load)
    blocked = 1.0
    for line in range(1, agents + 1):
        blocked = load * blocked / (line + load * blocked)
    return blocked


def erlang_c(agents: int, load: float) -> float:
    """The share of customers who wait, where everybody waits. Raises Refused: with no more agents than erlangs the
    queue grows for ever, and there is no such share."""
    _require(agents, load)
    if agents <= load:
        raise Refused("agents", "must be more than the erlangs: else the queue grows for ever")
    blocked = erlang_b(agents, load)
    return agents * blocked / (agents - load * (1 - blocked))


def with_everybody_waiting(agents: int, rate: float, handling: float, target: float) -> Outlook:
    """Erlang C's outlook. `rate` is customers a second. Raises Refused."""
    load = rate * handling
    waits = erlang_c(agents, load)
    spare = (agents - load) / handling
    return Outlook(waits, 1 - waits * math.exp(-spare * target), 0.0, waits / spare, load / agents)


def with_patience(agents: int, rate: float, handling: float, patience: float, target: float) -> Outlook:
    """Erlang A's outlook: whoever waits gives up after `patience` on average. Also where agents are fewer than erlangs.
    Raises Refused."""
    load = rate * handling
    _require(agents, load)
    if patience <= 0:
        raise Refused("patience", "must be more than 0 seconds")
    blocked = erlang_b(agents, load)
    if blocked < _VANISHED:
        return Outlook(0.0, 1.0, 0.0, 0.0, load / agents)
    # States in which somebody waits, relative to the one in which every agent is busy and nobody does.
    capacity, leaving = agents / handling, 1 / patience
    above, queue, state, waiting = 0.0, 0.0, 1.0, 0
    while state > _VANISHED * (1 / blocked + above):
        waiting += 1
        state *= rate / (capacity + waiting * leaving)
        above += state
        queue += waiting * state
    all_busy = blocked / (1 + blocked * above)
    mean_wait = queue * all_busy / rate
    abandoned = mean_wait * leaving
    density = rate * all_busy * agents / load

    def answered_after(wait: float) -> float:
        return density * math.exp(rate * patience * -math.expm1(-wait / patience) - capacity * wait - wait / patience)

    # Shares of customers: where nearly everybody waits, rounding carries them a last digit past all and none.
    waits = min(1.0, all_busy * (1 + above))
    return Outlook(
        waits=waits,
        service_level=min(1.0, max(0.0, 1 - waits + _integral(answered_after, target))),
        abandoned=abandoned,
        mean_wait=mean_wait,
        occupancy=load * (1 - abandoned) / agents,
    )


def _integral(function: Callable[[float], float], end: float) -> float:
    """By Simpson's rule from 0."""
    if end <= 0:
        return 0.0
    step = end / _STEPS
    inner = sum((4 if index % 2 else 2) * function(index * step) for index in range(1, _STEPS))
    return (function(0.0) + inner + function(end)) * step / 3


def agents_needed(
    rate: float,
    handling: float,
    patience: float,
    target: float,
    service_level: float,
    *,
    most_abandoned: float = 1.0,
    most_occupancy: float = 1.0,
) -> int:
    """The fewest agents that keep a service level by Erlang A, with bounds on those who give up and on occupancy.

    Args:
        rate: customers a second.
        handling: seconds that each takes, wrap-up included.
        patience: mean seconds until one gives up.
        target: seconds within which to answer.
        service_level: the share of all who come to be answered within the target, below 1.
        most_abandoned: the largest share that may give up.
        most_occupancy: the largest busy share of the agents.

    Raises:
        Refused: a number that is none of these, or one for which no number of agents is enough.
    """
    if not 0 < service_level < 1:
        raise Refused("service_level", "must be between 0 and 1")

    def enough(agents: int) -> bool:
        outlook = with_patience(agents, rate, handling, patience, target)
        return (
            outlook.service_level >= service_level
            and outlook.abandoned <= most_abandoned
            and outlook.occupancy <= most_occupancy
        )

    high = max(1, math.ceil(rate * handling))
    while not enough(high):
        if high >= MOST_AGENTS:
            raise Refused("service_level", "must be one that some number of agents can keep")
        high = min(MOST_AGENTS, high * 2)
    low = 0  # never enough: everything gets better with more agents
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@dataclass(frozen=True, slots=True)
class Plan:
    """`needed` by Erlang A; `without_patience` by Erlang C, None where it finds none. `around` has the outlook (Erlang
    A's) with some agents fewer and more."""

    erlangs: float
    needed: int
    without_patience: int | None
    around: tuple[tuple[int, Outlook], ...]


def plan(
    rate: float,
    handling: float,
    patience: float,
    target: float,
    service_level: float,
    *,
    most_abandoned: float = 1.0,
    most_occupancy: float = 1.0,
) -> Plan:
    """How many agents a queue needs and what a few more or fewer would mean. As `agents_needed`."""
    bounds = {"most_abandoned": most_abandoned, "most_occupancy": most_occupancy}
    needed = agents_needed(rate, handling, patience, target, service_level, **bounds)
    enough: int | None = math.floor(rate * handling) + 1
    while enough is not None and with_everybody_waiting(enough, rate, handling, target).service_level < service_level:
        enough = enough + 1 if enough < MOST_AGENTS else None
    reach = max(2, needed // 10)
    every = range(max(1, needed - 2 * reach), needed + 2 * reach + 1, max(1, reach // 2))
    some = sorted({*every, needed})
    around = tuple((agents, with_patience(agents, rate, handling, patience, target)) for agents in some)
    return Plan(rate * handling, needed, enough, around)


def _require(agents: int, load: float) -> None:
    if not 0 < agents <= MOST_AGENTS:
        raise Refused("agents", f"must be from 1 to {MOST_AGENTS}")
    if not 0 <= load < math.inf:
        raise Refused("load", "must not be negative")


# --- simulation -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the day: how long it is (seconds), how many customers are expected in it, how many agents are there."""

    seconds: float
    customers: float
    agents: int


@dataclass(frozen=True, slots=True)
class Predicted:
    """Of a simulated day. `by_stretch` are the same figures by the stretch in which customers came."""

    customers: int
    outlook: Outlook
    by_stretch: tuple[Outlook, ...]


class _Sums:
    """What is counted of customers."""

    __slots__ = ("abandoned", "customers", "in_time", "waited", "waiting")

    def __init__(self) -> None:
        self.customers = self.waited = self.in_time = self.abandoned = 0
        self.waiting = 0.0

    def outlook(self, occupancy: float) -> Outlook:
        whole = self.customers or 1
        return Outlook(
            self.waited / whole,
            self.in_time / whole if self.customers else 1.0,
            self.abandoned / whole,
            self.waiting / whole,
            occupancy,
        )


def simulate(
    day: Sequence[Stretch], handling: float, patience: float, target: float, *, seed: int, days: int = 1
) -> Predicted:
    """Plays days customer by customer: who comes first is served first, an agent who goes home ends what they are at.

    Customers come at random (Poisson), take and wait exponentially distributed times. A loop of our own: twenty times
    as fast as an event framework for a queue of one skill, so that enough customers can be played to compare it with
    the formulas.

    Args:
        day: its stretches, in order; agents of one stretch stay for the next as far as they are needed there.
        handling: mean seconds that a customer takes.
        patience: mean seconds until one gives up; infinite: nobody does.
        target: seconds within which to answer.
        seed: the same seed plays the same days.
        days: how many to play.

    Raises:
        Refused: no stretch, or one without time.
    """
    if not day or any(each.seconds <= 0 for each in day):
        raise Refused("day", "must have stretches that take time")
    if handling <= 0 or patience <= 0:
        raise Refused("handling", "must be more than 0 seconds, as patience must")
    random = Random(seed)  # noqa: S311  # nobody's secret depends on it
    parts = [_Sums() for _ in day]
    worked = 0.0
    for _ in range(days):
        worked += _one_day(day, handling, patience, target, random, parts)
    paid = days * sum(each.seconds * each.agents for each in day)
    whole = _Sums()
    for part in parts:
        for name in _Sums.__slots__:
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
    occupancy = worked / paid if paid else 0.0
    return Predicted(whole.customers, whole.outlook(occupancy), tuple(part.outlook(occupancy) for part in parts))


def _shifts(day: Sequence[Stretch]) -> list[tuple[float, float]]:
    """From when to when each agent is there; whoever came last goes first."""
    there: list[float] = []
    shifts: list[tuple[float, float]] = []
    begin = 0.0
    for stretch in day:
        while len(there) > stretch.agents:
            shifts.append((there.pop(), begin))
        there += [begin] * (stretch.agents - len(there))
        begin += stretch.seconds
    # The last shift ends when the last customer is served, not in the middle of a queue.
    return shifts + [(came, math.inf) for came in there]


def _one_day(
    day: Sequence[Stretch], handling: float, patience: float, target: float, random: Random, parts: Sequence[_Sums]
) -> float:
    """Counts a day's customers into their stretches. Returns the seconds that agents were busy."""
    # When each agent is free next, and until when they are there. The first in the heap serves the next customer.
    free = _shifts(day)
    heapify(free)
    exponential, busy, begin = random.expovariate, 0.0, 0.0
    for stretch, sums in zip(day, parts, strict=True):
        end, at = begin + stretch.seconds, begin
        rate = stretch.customers / stretch.seconds
        while rate:
            at += exponential(rate)
            if at >= end:
                break
            sums.customers += 1
            stays = exponential(1 / patience) if patience < math.inf else math.inf
            while free and max(at, free[0][0]) >= free[0][1]:
                heappop(free)
            wait = max(0.0, free[0][0] - at) if free else math.inf
            sums.waited += wait > 0
            if wait > stays or wait == math.inf:
                sums.abandoned += 1
                sums.waiting += stays if stays < math.inf else 0.0
                continue
            sums.in_time += wait <= target
            sums.waiting += wait
            takes = exponential(1 / handling)
            busy += takes
            heapreplace(free, (at + wait + takes, free[0][1]))
        begin = end
    return busy
