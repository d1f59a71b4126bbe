"""Which waiting conversation goes next, and to whom. Pure: the store reads, this decides, services write.

**Order.** Each waiting conversation has a *due time*, and the earliest is next:

    due = max(since, min(since + (4 - priority) * STEP, deadline))

So an urgent one is due at once, one without priority 40 minutes after it came; a deadline (the clock that runs out
first) brings it forward. Whoever waits ages by standing still: nobody who comes more than `BOUND` = 4 * STEP later goes
ahead, whatever their priority and deadline, so nothing starves.

**Who may take it.** Available, in its team (or in one that helps out once it has waited that long), with every
skill that is required by then, with room for it, and without having just let it pass. Nobody else, however urgent.

**Who gets it.** The one with most points; `Candidate` names them. Equal points go to whoever has been idle longest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hub.domain.errors import Refused

SECOND = 1_000_000
MINUTE = 60 * SECOND

URGENT = 4
STEP = 10 * MINUTE
BOUND = URGENT * STEP

# What one agent can carry. A conversation weighs its share: whoever can have n of a channel carries WHOLE // n for
# each, so three chats fill somebody up, and so do two chats and three mails. Every number up to 10 divides 5040.
WHOLE = 5040
MOST_AT_ONCE = 50
DEFAULT_CAPACITY: Mapping[str, int] = {"voice": 1, "webchat": 3, "sms": 5, "email": 10}
OTHER_CHANNELS = 3

LOWEST_LEVEL, HIGHEST_LEVEL = 1, 5
CHOICES = ("longest_idle", "least_loaded")

# Whoever lets an offer pass is not asked again about the same conversation for so long.
REST = 2 * MINUTE
# Candidates that a decision names; how many there were besides is counted.
MOST_NAMED = 10

_OWN_TEAM = 100.0
_KNOWS_THEM = 40.0
_LEVEL = 4.0
_SPARE, _MOST_SPARED = 4.0, 80.0
_TURN = 30.0
_LONG_IDLE = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class Need:
    """A skill that a conversation asks for, at this level or above (1 to 5)."""

    skill: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Widening:
    """From `after` (microseconds of waiting) on, required levels are lower by `lower` (never below 1), and the skills
    in `optional` are preferred instead of required. Steps do not add up: the last that applies holds."""

    after: int
    lower: int = 0
    optional: tuple[str, ...] = ()


DEFAULT_WIDENING = (Widening(2 * MINUTE, lower=1), Widening(5 * MINUTE, lower=2))


@dataclass(frozen=True, slots=True)
class Overflow:
    """A team that helps out with what has waited for `after` (microseconds)."""

    team: str
    after: int = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class TeamRules:
    """How a team's queue is served.

    `wrap_up` is for how long whoever has resolved one of its conversations is left alone (microseconds; 0: not at all).
    """

    choice: str = "longest_idle"
    overflow: tuple[Overflow, ...] = ()
    widening: tuple[Widening, ...] = DEFAULT_WIDENING
    wrap_up: int = 0


DEFAULT_RULES = TeamRules()


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who may be given something.

    `capacity` is how many of a channel's conversations they have at once; `load` what they carry, of `WHOLE`;
    `idle_since` when they were last given something, or began to be available (microseconds).
    """

    id: str
    presence: str = "available"
    teams: frozenset[str] = frozenset()
    skills: Mapping[str, int] = field(default_factory=dict)
    capacity: Mapping[str, int] = field(default_factory=lambda: DEFAULT_CAPACITY)
    load: int = 0
    idle_since: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation in the queue. Times in microseconds since 1970 UTC.

    `deadline` is 0 where no clock runs. `passed` says until when those who let it pass are left alone. `last_agent` had
    this customer before.
    """

    id: str
    team: str
    channel: str
    since: int
    priority: int = 0
    deadline: int = 0
    required: tuple[Need, ...] = ()
    preferred: tuple[Need, ...] = ()
    last_agent: str = ""
    passed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may take it, and why they were thought more or less fit: `score` is the sum of the others.

    `own_team`: 100 unless they only help out. `knows_them`: 40 for who had this customer before. `preferred`: 4 for
    each level of each preferred skill. `spared`: less 4 for each level that is not asked for here (at most 80),
    so that who can do much is kept for what few can. `turn`: up to 30 for having been idle, or for having room, as the
    team chose.
    """

    agent_id: str
    score: float
    own_team: float = 0.0
    knows_them: float = 0.0
    preferred: float = 0.0
    spared: float = 0.0
    turn: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """`candidates` are the best first, at most `MOST_NAMED`; `eligible` counts them all.

    `turned_away` counts, by reason, everybody of the teams that were asked who may not have it. `winner` is empty where
    nobody may.
    """

    conversation_id: str
    winner: str
    candidates: tuple[Candidate, ...]
    eligible: int
    turned_away: Mapping[str, int]


def due(waiting: Waiting) -> int:
    """When it should be somebody's turn, microseconds: the queue's order. Never more than `BOUND` after it came."""
    latest = waiting.since + (URGENT - waiting.priority) * STEP
    if waiting.deadline:
        latest = min(latest, waiting.deadline)
    return max(waiting.since, latest)


def order(waiting: Waiting) -> tuple[int, int, str]:
    """The sort key of the queue: due time, then arrival, then id."""
    return due(waiting), waiting.since, waiting.id


def weight(capacity: Mapping[str, int], channel: str) -> int:
    """What one conversation of a channel weighs, of `WHOLE`; more than `WHOLE` where the agent takes none of them."""
    most = capacity.get(channel, OTHER_CHANNELS)
    return WHOLE // most if most else WHOLE + 1


def check_capacity(capacity: Mapping[str, int]) -> None:
    """Raises Refused unless each channel's number at once is 0 to `MOST_AT_ONCE`."""
    for channel, most in capacity.items():
        if not 0 <= most <= MOST_AT_ONCE:
            raise Refused(f"capacity.{channel}", f"must be from 0 to {MOST_AT_ONCE}")


def check_widening(steps: Sequence[Widening]) -> None:
    """Raises Refused unless the steps come one after another and each widens at least as far as the one before."""
    for before, step in zip((Widening(0), *steps), steps, strict=False):
        if step.after <= before.after:
            raise Refused("widening", "must have steps in the order of their times, the first later than 0")
        if not 0 <= step.lower <= HIGHEST_LEVEL or step.lower < before.lower:
            raise Refused("widening", "must never ask for more than the step before")
        if not set(before.optional) <= set(step.optional):
            raise Refused("widening", "must not require again what a step before made optional")


def needs(waiting: Waiting, rules: TeamRules, now: int) -> tuple[tuple[Need, ...], tuple[Need, ...]]:
    """(required, preferred) as they are after this long in the queue."""
    waited = now - waiting.since
    lower, optional = 0, frozenset[str]()
    for step in rules.widening:
        if waited >= step.after:
            lower, optional = step.lower, frozenset(step.optional)
    if not lower and not optional:
        return waiting.required, waiting.preferred
    required = tuple(
        Need(each.skill, max(LOWEST_LEVEL, each.level - lower))
        for each in waiting.required
        if each.skill not in optional
    )
    dropped = tuple(each for each in waiting.required if each.skill in optional)
    return required, waiting.preferred + dropped


def teams(waiting: Waiting, rules: TeamRules, now: int) -> tuple[str, ...]:
    """The teams whose people may take it by now, its own first."""
    if not rules.overflow:
        return (waiting.team,)
    waited = now - waiting.since
    return waiting.team, *(each.team for each in rules.overflow if waited >= each.after)


def decide(waiting: Waiting, agents: Iterable[Agent], now: int, rules: TeamRules = DEFAULT_RULES) -> Decision:
    """Who gets a conversation.

    Args:
        waiting: the conversation.
        agents: everybody who could be thought of; each as they are now.
        now: microseconds since 1970 UTC.
        rules: of the conversation's team.
    """
    required, preferred = needs(waiting, rules, now)
    asked = teams(waiting, rules, now)
    # The level of each skill that is of use here: with a preferred one, all of it.
    of_use = {need.skill: need.level for need in required} | {need.skill: HIGHEST_LEVEL for need in preferred}
    turned_away: Counter[str] = Counter()
    fit: list[tuple[float, int, str, Candidate]] = []
    for agent in agents:
        if agent.teams.isdisjoint(asked):
            continue
        reason = _why_not(waiting, agent, required, now)
        if reason:
            turned_away[reason] += 1
            continue
        candidate = _points(waiting, agent, preferred, of_use, now, rules)
        fit.append((-candidate.score, agent.idle_since, agent.id, candidate))
    fit.sort(key=lambda each: each[:3])
    named = tuple(each[3] for each in fit[:MOST_NAMED])
    return Decision(waiting.id, named[0].agent_id if named else "", named, len(fit), dict(turned_away))


def drain(
    queue: Iterable[Waiting],
    agents: Sequence[Agent],
    now: int,
    rules: Mapping[str, TeamRules] | None = None,
    most: int | None = None,
) -> list[Decision]:
    """Gives away what can be given away, in the queue's order.

    Args:
        queue: what waits, sorted by `order`. It is read only as far as somebody has room.
        agents: everybody.
        now: microseconds since 1970 UTC.
        rules: by team; a team without any has the default ones.
        most: how many to give away at most; None for all.

    Returns:
        a decision with a winner for each conversation that found somebody. Each is taken into the load of its winner
        before the next is decided, so that together they exceed nobody's capacity.
    """
    rules = rules or {}
    current = {agent.id: agent for agent in agents}
    with_room = {agent.id: agent for agent in agents if agent.presence == "available" and agent.load < WHOLE}
    free: dict[tuple[str, ...], _Free] = {}
    decisions: list[Decision] = []
    for waiting in queue:
        if not with_room or (most is not None and len(decisions) >= most):
            break
        team_rules = rules.get(waiting.team, DEFAULT_RULES)
        asked = teams(waiting, team_rules, now)
        if asked not in free:
            free[asked] = _Free([agent for agent in with_room.values() if not agent.teams.isdisjoint(asked)])
        required, _ = needs(waiting, team_rules, now)
        if not free[asked].may_have(waiting, required, now):
            continue
        decision = decide(waiting, current.values(), now, team_rules)
        decisions.append(decision)
        winner = current[decision.winner]
        load = winner.load + weight(winner.capacity, waiting.channel)
        current[winner.id] = with_room[winner.id] = replace(winner, load=load, idle_since=now)
        if load >= WHOLE:
            del with_room[winner.id]
        free.clear()
    return decisions


class _Free:
    """Those of some teams who have room, to be asked about many conversations: most are ruled out by one look."""

    def __init__(self, agents: Sequence[Agent]) -> None:
        self._agents = agents
        self._best: dict[str, int] = {}
        for agent in agents:
            for skill, level in agent.skills.items():
                self._best[skill] = max(level, self._best.get(skill, 0))

    def may_have(self, waiting: Waiting, required: Sequence[Need], now: int) -> bool:
        """Whether one of them may have it."""
        for need in required:
            if self._best.get(need.skill, 0) < need.level:
                return False
        return any(not _why_not(waiting, agent, required, now) for agent in self._agents)


def _why_not(waiting: Waiting, agent: Agent, required: Sequence[Need], now: int) -> str:
    """Why an agent of the right team may not have it; empty where they may."""
    if agent.presence != "available":
        return agent.presence
    skills = agent.skills
    for need in required:
        if skills.get(need.skill, 0) < need.level:
            return "skill"
    if agent.load + weight(agent.capacity, waiting.channel) > WHOLE:
        return "full"
    if waiting.passed and waiting.passed.get(agent.id, 0) > now:
        return "passed"
    return ""


def _points(
    waiting: Waiting, agent: Agent, preferred: Sequence[Need], of_use: Mapping[str, int], now: int, rules: TeamRules
) -> Candidate:
    own_team = _OWN_TEAM if waiting.team in agent.teams else 0.0
    knows_them = _KNOWS_THEM if agent.id == waiting.last_agent else 0.0
    better = sum((_LEVEL * agent.skills.get(need.skill, 0) for need in preferred), 0.0)
    besides = sum(max(0, level - of_use.get(skill, 0)) for skill, level in agent.skills.items())
    spared = -min(_SPARE * besides, _MOST_SPARED)
    if rules.choice == "least_loaded":
        turn = _TURN * (1 - agent.load / WHOLE)
    else:
        idle = max(0, now - agent.idle_since)
        turn = _TURN * idle / (idle + _LONG_IDLE)
    turn = round(turn, 3)
    score = round(own_team + knows_them + better + spared + turn, 3)
    return Candidate(agent.id, score, own_team, knows_them, better, spared, turn)
