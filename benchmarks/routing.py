"""How long it takes to decide who gets what, in memory: 500 agents, 5,000 waiting.

One decision is one time that somebody becomes free: the queue is gone through in its order until it finds somebody, and
all 500 are weighed. Nine in ten are full or away; the front of the queue asks for skills that nobody free has.
"""

from __future__ import annotations

import random
import time

from benchmarks.harness import Context, Figure, percentile
from hub.domain import routing as r

AGENTS, WAITING = 500, 5_000
LIMIT = 5.0  # ms, p95
NOW = 10_000 * r.MINUTE
SKILLS = [f"skill-{number}" for number in range(12)]


def run(context: Context) -> dict[str, Figure]:
    dice = random.Random(11)  # noqa: S311  # cases, not secrets
    teams = [f"team-{number}" for number in range(5)]
    queue = sorted((_waiting(dice, teams, number) for number in range(WAITING)), key=r.order)
    taken: list[float] = []
    computed: list[float] = []
    for _ in range(context.scaled(300, 20)):
        agents = [_agent(dice, teams, number) for number in range(AGENTS)]
        began, began_computing = time.perf_counter(), time.thread_time()
        decided = r.drain(queue, agents, NOW, most=1)
        computed.append((time.thread_time() - began_computing) * 1_000)
        taken.append((time.perf_counter() - began) * 1_000)
        if not decided:
            raise AssertionError("somebody was free and nobody was given anything")
    p95 = percentile(taken, 0.95)
    # Processor time beside: on a machine with more to do than cores, the rest is waiting for one.
    runs = [{"p50": percentile(taken, 0.5), "p95_processor": percentile(computed, 0.95), "decisions": len(taken)}]
    return {"routing": Figure(p95, "ms p95", p95 <= LIMIT, runs=runs)}


def _agent(dice: random.Random, teams: list[str], number: int) -> r.Agent:
    return r.Agent(
        f"agent-{number}",
        presence="available" if dice.random() < 0.8 else "break",
        teams=frozenset(dice.sample(teams, dice.randint(1, 2))),
        skills={skill: dice.randint(1, 5) for skill in dice.sample(SKILLS, 3)},
        load=r.WHOLE if dice.random() < 0.9 else 0,
        idle_since=NOW - dice.randint(0, 30) * r.MINUTE,
    )


def _waiting(dice: random.Random, teams: list[str], number: int) -> r.Waiting:
    return r.Waiting(
        f"conversation-{number}",
        team=dice.choice(teams),
        channel=dice.choice(("webchat", "sms", "email")),
        since=NOW - dice.randint(0, 40) * r.MINUTE,
        priority=dice.randint(0, 4),
        required=tuple(r.Need(skill, dice.randint(1, 4)) for skill in dice.sample(SKILLS, dice.randint(1, 2))),
        preferred=(r.Need(dice.choice(SKILLS)),),
    )
