"""95 % intervals of what is counted over a sample of conversations. Each says what it is and where it is from.

They tell how far another sample of the same kind of conversations might differ, and nothing of whether the future is
like the past.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean

Z = NormalDist().inv_cdf(0.975)
RESAMPLES = 1000
WILSON = "Wilson score (Wilson 1927)"
NEWCOMBE = "paired square-and-add of Wilson scores (Newcombe 1998, method 10)"
BOOTSTRAP = "percentile bootstrap over conversations, 1,000 resamples (Efron and Tibshirani 1993, chapter 13)"


@dataclass(frozen=True, slots=True)
class Interval:
    """A value between `low` and `high`; `method` names how these two were found."""

    value: float
    low: float
    high: float
    method: str


def share(hits: int, count: int) -> Interval:
    """The share of `count` that are hits, 0 to 1."""
    if not count:
        return Interval(0.0, 0.0, 1.0, WILSON)
    p, z2 = hits / count, Z * Z
    middle = (p + z2 / (2 * count)) / (1 + z2 / count)
    half = Z * sqrt(p * (1 - p) / count + z2 / (4 * count * count)) / (1 + z2 / count)
    return Interval(p, max(0.0, middle - half), min(1.0, middle + half), WILSON)


def share_difference(before: Sequence[bool], after: Sequence[bool]) -> Interval:
    """How much greater the share of hits is after than before, -1 to 1; the same conversations in the same order."""
    count = len(before)
    if not count:
        return Interval(0.0, -1.0, 1.0, NEWCOMBE)
    both = sum(x and y for x, y in zip(before, after, strict=True))
    only_after, only_before = sum(after) - both, sum(before) - both
    neither = count - both - only_after - only_before
    one, two = share(sum(after), count), share(sum(before), count)
    product = (both + only_after) * (only_before + neither) * (both + only_before) * (only_after + neither)
    excess: float = both * neither - only_after * only_before
    if excess > 0:
        excess = max(excess - count / 2, 0)  # continuity, against intervals that are too narrow
    phi = excess / sqrt(product) if product else 0.0
    difference = one.value - two.value
    down, up = one.value - one.low, two.high - two.value
    low = difference - sqrt(max(0.0, down * down - 2 * phi * down * up + up * up))
    down, up = two.value - two.low, one.high - one.value
    high = difference + sqrt(max(0.0, up * up - 2 * phi * up * down + down * down))
    return Interval(difference, low, high, NEWCOMBE)


def means(columns: Sequence[Sequence[float]], *, seed: int = 1) -> list[Interval]:
    """The mean of each column, with the interval of its resampled means; rows are drawn, so that columns of the same
    conversations stay together.

    Args:
        columns: all of the same length.
        seed: the same rows are drawn for the same seed.
    """
    count = len(columns[0]) if columns else 0
    if not count:
        return [Interval(0.0, 0.0, 0.0, BOOTSTRAP) for _ in columns]
    chance = random.Random(seed)  # noqa: S311  # statistics, not secrets
    drawn: list[list[float]] = [[] for _ in columns]
    for _ in range(RESAMPLES):
        rows = chance.choices(range(count), k=count)
        for values, found in zip(columns, drawn, strict=True):
            found.append(sum(map(values.__getitem__, rows)) / count)
    intervals = []
    for values, found in zip(columns, drawn, strict=True):
        found.sort()
        low, high = found[round(0.025 * RESAMPLES)], found[round(0.975 * RESAMPLES) - 1]
        intervals.append(Interval(fmean(values), low, high, BOOTSTRAP))
    return intervals
