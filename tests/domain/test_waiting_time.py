"""The wait that customers are told, against what simulated customers really wait."""

from __future__ import annotations

import heapq
import random

from hub.domain.waiting_time import MOST_ANSWERS, OLDEST, estimate

SECOND = 1_000_000
MINUTE = 60 * SECOND
AGENTS = 50


def day(seed: int) -> list[tuple[float, float]]:
    """(told, really waited) in seconds of everybody who had to wait and was told something, on a busy day.

    Fifty agents, first come first served, five minutes' work each (log-normal, varying by three quarters); for six
    hours as many come as could be served and a fifth more, in turns with a calmer half hour.
    """
    dice = random.Random(seed)  # noqa: S311  # customers, not secrets
    free_at = [0] * AGENTS
    answers: list[tuple[int, int]] = []
    under_way: list[tuple[int, int]] = []  # (answered at, waiting since), of those whose turn is still to come
    told: list[tuple[float, float]] = []
    now = 0
    while now < 6 * 60 * MINUTE:
        a_minute = AGENTS / 5 * (1.2 if now // (30 * MINUTE) % 4 else 0.8)
        now += int(dice.expovariate(a_minute) * MINUTE)
        while under_way and under_way[0][0] <= now:
            answered, since = heapq.heappop(under_way)
            answers.append((since, answered))
        begins = max(now, heapq.heappop(free_at))
        said = estimate(len(under_way) + 1, answers[-MOST_ANSWERS:], now)
        if begins > now and said is not None:
            told.append((said / SECOND, (begins - now) / SECOND))
        heapq.heappush(free_at, begins + int(dice.lognormvariate(5.48, 0.67) * SECOND))
        heapq.heappush(under_way, (begins, now))
    return told


def test_four_of_five_wait_what_they_were_told_within_a_quarter() -> None:
    told = [each for seed in range(4) for each in day(seed)]
    within = sum(abs(said - waited) <= 0.25 * waited for said, waited in told) / len(told)
    print(f"\n{len(told)} customers waited, {within:.1%} of them what they were told within 25 %")
    assert len(told) > 2_000
    assert within >= 0.8


def test_how_long_nobody_came_says_nothing_of_how_fast_the_queue_moves() -> None:
    """Six answers a minute apart, of people who waited; then an hour without anybody, and somebody who had no wait."""
    answers = [(0, minute * MINUTE) for minute in range(1, 7)] + [(66 * MINUTE, 66 * MINUTE)]
    assert estimate(3, answers, 67 * MINUTE) == 3 * MINUTE


def test_nothing_is_told_from_too_little_or_too_long_ago() -> None:
    answers = [(0, minute * MINUTE) for minute in range(1, 7)]
    assert estimate(1, answers, 7 * MINUTE) == MINUTE
    assert estimate(1, answers[:5], 7 * MINUTE) is None
    assert estimate(1, answers, 7 * MINUTE + OLDEST) is None
    assert estimate(1, [], 0) is None
