"""Routing played without anybody there: what another rule, skill or capacity would have done, or is going to do. Pure.

The very code that decides in earnest (`hub.domain.routing.drain`) is asked whenever somebody comes, somebody has room
again, somebody's presence changes, or time alone changes what is asked for. Times are microseconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from random import Random

from hub.domain import routing as r

HALF_HOUR = 30 * r.MINUTE
_ENDS, _PRESENCE, _COMES, _LOOK = range(4)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A conversation that comes into a queue at `waiting.since`.

    `handling` is how long it keeps whoever gets it; `patience` how long the customer waits, 0: for ever.
    """

    waiting: r.Waiting
    contact_id: str
    handling: int
    patience: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` on an agent has this presence."""

    at: int
    agent_id: str
    presence: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an arrival: `agent_id` is empty where nobody got it, `wait` how long it waited until somebody did,
    or until the customer gave up or the play ended."""

    id: str
    agent_id: str
    wait: int
    gave_up: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """Of some outcomes. Shares are of all; waits in seconds, of those who were answered (0 where nobody was)."""

    conversations: int
    answered: int
    gave_up: int
    service_level: float
    mean_wait: float
    longest_wait: float


def play(
    arrivals: Sequence[Arrival],
    agents: Iterable[r.Agent],
    changes: Iterable[Change],
    rules: Mapping[str, r.TeamRules],
) -> dict[str, Outcome]:
    """Lets conversations find people.

    Args:
        arrivals: with ids of their own each.
        agents: everybody, as they are before the first change, carrying nothing.
        changes: of their presences.
        rules: by team; a team without any has the default ones.

    Returns:
        the outcome of each, by id. Whoever waits when nothing happens any more has waited until then.
    """
    staff = {agent.id: agent for agent in agents}
    by_id = {each.waiting.id: each for each in arrivals}
    ahead: list[tuple[int, int, str, str]] = [(each.at, _PRESENCE, each.agent_id, each.presence) for each in changes]
    for each in arrivals:
        waiting = each.waiting
        ahead.append((waiting.since, _COMES, waiting.id, ""))
        if each.patience:
            ahead.append((waiting.since + each.patience, _ENDS, waiting.id, ""))
        ahead += [(waiting.since + after, _LOOK, "", "") for after in _steps(rules.get(waiting.team, r.DEFAULT_RULES))]
    heapify(ahead)
    queue: dict[str, r.Waiting] = {}
    outcomes: dict[str, Outcome] = {}
    known: dict[str, str] = {}
    now = 0
    while ahead:
        now = ahead[0][0]
        while ahead and ahead[0][0] == now:
            _, kind, which, word = heappop(ahead)
            if kind == _COMES:
                arrival = by_id[which]
                last = known.get(arrival.contact_id, arrival.waiting.last_agent)
                queue[which] = replace(arrival.waiting, last_agent=last)
            elif kind == _PRESENCE and which in staff:
                staff[which] = replace(staff[which], presence=word, idle_since=now)
            elif kind == _ENDS and word:
                agent = staff[word]
                weight = r.weight(agent.capacity, by_id[which].waiting.channel)
                staff[word] = replace(agent, load=max(0, agent.load - weight))
            elif kind == _ENDS and which in queue:
                outcomes[which] = Outcome(which, "", now - queue.pop(which).since, gave_up=True)
        if not queue:
            continue
        for decision in r.drain(sorted(queue.values(), key=r.order), list(staff.values()), now, rules):
            waiting = queue.pop(decision.conversation_id)
            agent = staff[decision.winner]
            load = agent.load + r.weight(agent.capacity, waiting.channel)
            staff[agent.id] = replace(agent, load=load, idle_since=now)
            outcomes[waiting.id] = Outcome(waiting.id, agent.id, now - waiting.since, gave_up=False)
            arrival = by_id[waiting.id]
            known[arrival.contact_id] = agent.id
            heappush(ahead, (now + max(1, arrival.handling), _ENDS, waiting.id, agent.id))
    for waiting in queue.values():
        outcomes[waiting.id] = Outcome(waiting.id, "", now - waiting.since, gave_up=False)
    return outcomes


def _steps(rules: r.TeamRules) -> set[int]:
    """After how much waiting more people may have a conversation of a team."""
    return {step.after for step in rules.widening} | {each.after for each in rules.overflow}


def figures(outcomes: Iterable[Outcome], target: int) -> Figures:
    """`target`: answered within so many microseconds counts as in time."""
    every = list(outcomes)
    waits = [each.wait for each in every if each.agent_id]
    return Figures(
        conversations=len(every),
        answered=len(waits),
        gave_up=sum(each.gave_up for each in every),
        service_level=sum(wait <= target for wait in waits) / len(every) if every else 1.0,
        mean_wait=sum(waits) / len(waits) / r.SECOND if waits else 0.0,
        longest_wait=max(waits, default=0) / r.SECOND,
    )


def patience(waits: Iterable[int], gave_up: int) -> int:
    """The mean patience of customers, microseconds: all waits together by how many gave up (waits that were answered
    say only that patience was longer); 0 where nobody did."""
    return sum(waits) // gave_up if gave_up else 0


def drawn(past: Sequence[Arrival], days: int, begin: int, patience: int, seed: int) -> list[Arrival]:
    """A day that might come, drawn from days that were.

    Args:
        past: the arrivals of those days, moved to the day that is drawn.
        days: how many days they are of.
        begin: when the day begins.
        patience: the mean of the customers'; 0: they wait for ever.
        seed: the same seed draws the same day.

    Returns:
        for each half hour and team as many as came on average, give or take (Poisson), each at some moment of it and
        otherwise like one of those that came then.
    """
    random = Random(seed)  # noqa: S311  # nobody's secret depends on it
    boxes: dict[tuple[int, str], list[Arrival]] = {}
    for each in past:
        boxes.setdefault(((each.waiting.since - begin) // HALF_HOUR, each.waiting.team), []).append(each)
    found: list[Arrival] = []
    for (box, _), models in sorted(boxes.items()):
        at = begin + box * HALF_HOUR
        mean_gap = HALF_HOUR * days / len(models)
        offset = random.expovariate(1 / mean_gap)
        while offset < HALF_HOUR:
            model = random.choice(models)
            number = f"{len(found)}"
            waiting = replace(model.waiting, id=number, since=at + int(offset), deadline=0)
            stays = max(1, int(random.expovariate(1 / patience))) if patience else 0
            found.append(Arrival(waiting, model.contact_id, model.handling, stays))
            offset += random.expovariate(1 / mean_gap)
    return found
