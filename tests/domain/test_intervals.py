"""Intervals, against scipy's and against published examples."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from hub.domain.intervals import means, share, share_difference


@pytest.mark.parametrize(("hits", "count"), [(0, 10), (3, 10), (10, 10), (55, 100), (1, 10_000)])
def test_a_share_has_wilsons_interval(hits: int, count: int) -> None:
    expected = binomtest(hits, count).proportion_ci(0.95, method="wilson")
    found = share(hits, count)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    # Newcombe 1998 (Statistics in Medicine 17:2635), table II, method 10: cells e, f, g, h and the interval of f - g.
    [((36, 12, 2, 0), 0.0569, 0.3404), ((53, 1, 0, 0), -0.0494, 0.0977), ((0, 30, 0, 0), 0.8395, 1.0)],
)
def test_a_difference_of_paired_shares_has_newcombes_interval(
    cells: tuple[int, int, int, int], low: float, high: float
) -> None:
    both, first, second, neither = cells
    after = [True] * both + [True] * first + [False] * (second + neither)
    before = [True] * both + [False] * first + [True] * second + [False] * neither
    found = share_difference(before, after)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-4)


def test_means_are_resampled_by_row_and_the_same_each_time() -> None:
    before = [float(each % 7) for each in range(200)]
    columns = [before, [each + 1 for each in before], [1.0] * 200]
    one, other, difference = means(columns)
    assert one.low < one.value < one.high
    assert other.low - one.low == pytest.approx(1)
    assert (difference.low, difference.value, difference.high) == (1, 1, 1)
    assert means(columns)[0] == one
    assert means([[], []])[0].value == 0
