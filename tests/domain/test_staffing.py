"""Erlang's formulas against values worked out with 50 digits, and the simulation against the formulas."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.domain import staffing
from hub.domain.errors import Refused
from hub.domain.staffing import Stretch

HALF_HOUR = 1800.0


@pytest.mark.parametrize(
    ("agents", "load", "expected"),
    [
        (1, 1, 0.5),
        (2, 1, 0.2),
        (5, 3, 0.1100543478),
        (10, 5, 0.0183845703),
        (10, 10, 0.2145823431),
        (20, 12, 0.0097956394),
        (100, 80, 0.0039920286),
        (200, 180, 0.0103249952),
        (1000, 1000, 0.0248119176),
    ],
)
def test_erlang_b(agents: int, load: float, expected: float) -> None:
    assert staffing.erlang_b(agents, load) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("agents", "load", "expected"),
    [
        (2, 1, 0.3333333333),
        (5, 3, 0.2361516035),
        (10, 5, 0.0361053592),
        (20, 12, 0.0241344796),
        (100, 80, 0.0196464266),
        (200, 180, 0.0944712182),
    ],
)
def test_erlang_c(agents: int, load: float, expected: float) -> None:
    assert staffing.erlang_c(agents, load) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("calls", "handling", "target", "agents", "waits", "level", "mean", "occupancy"),
    [
        (100, 180, 20, 11, 0.682118, 0.389614, 122.78, 0.9091),
        (100, 180, 20, 12, 0.449388, 0.640158, 40.44, 0.8333),
        (100, 180, 20, 13, 0.285270, 0.795595, 17.12, 0.7692),
        (100, 180, 20, 14, 0.174132, 0.888350, 7.836, 0.7143),
        (120, 240, 20, 20, 0.256078, 0.816512, 15.36, 0.8000),
        (180, 240, 15, 29, 0.242274, 0.822749, 11.63, 0.8276),
        (500, 300, 20, 91, 0.309451, 0.814382, 12.11, 0.9158),
        (360, 240, 15, 55, 0.2387, 0.8459, 8.18, 0.8727),
    ],
)
def test_erlang_cs_outlook(
    calls: int, handling: int, target: int, agents: int, waits: float, level: float, mean: float, occupancy: float
) -> None:
    found = staffing.with_everybody_waiting(agents, calls / HALF_HOUR, handling, target)
    assert found.waits == pytest.approx(waits, abs=6e-5)
    assert found.service_level == pytest.approx(level, abs=6e-5)
    assert found.mean_wait == pytest.approx(mean, abs=6e-3)
    assert found.occupancy == pytest.approx(occupancy, abs=6e-5)


@pytest.mark.parametrize(
    ("agents", "patience", "waits", "abandoned", "of_offered", "of_answered", "occupancy"),
    [
        (9, 60, 0.524905, 0.213224, 0.627025, 0.796955, 0.8742),
        (10, 60, 0.423418, 0.157527, 0.718010, 0.852265, 0.8425),
        (10, 120, 0.496853, 0.137464, 0.639941, 0.741930, 0.8625),
        (12, 120, 0.279807, 0.061597, 0.825583, 0.879774, 0.7820),
        (14, 120, 0.126976, 0.022839, 0.932730, 0.954530, 0.6980),
    ],
)
def test_erlang_as_outlook(
    agents: int,
    patience: int,
    waits: float,
    abandoned: float,
    of_offered: float,
    of_answered: float,
    occupancy: float,
) -> None:
    found = staffing.with_patience(agents, 100 / HALF_HOUR, 180, patience, 20)
    assert found.waits == pytest.approx(waits, abs=1e-6)
    assert found.abandoned == pytest.approx(abandoned, abs=1e-6)
    assert found.service_level == pytest.approx(of_offered, abs=1e-6)
    assert found.service_level / (1 - found.abandoned) == pytest.approx(of_answered, abs=1e-6)
    assert found.occupancy == pytest.approx(occupancy, abs=6e-5)
    # Of all who came, also of those who gave up: the same share of patience as gives up.
    assert found.mean_wait == pytest.approx(abandoned * patience, abs=1e-4)


@given(load=st.floats(0.1, 60), more=st.integers(1, 40))
def test_without_end_of_patience_erlang_a_is_erlang_c(load: float, more: int) -> None:
    agents, handling = math.ceil(load) + more, 200.0
    endless = staffing.with_patience(agents, load / handling, handling, 1e9, 20)
    assert endless.waits == pytest.approx(staffing.erlang_c(agents, load), rel=1e-3, abs=1e-9)


@given(load=st.floats(0.0, 60), agents=st.integers(1, 80), patience=st.floats(1, 2000))
@example(load=29.0, agents=10, patience=872.0)  # rounding would make the service level -2e-16
def test_more_agents_are_never_worse(load: float, agents: int, patience: float) -> None:
    fewer, more = (staffing.with_patience(n, load / 200, 200, patience, 20) for n in (agents, agents + 1))
    assert more.service_level >= fewer.service_level - 1e-9
    assert more.abandoned <= fewer.abandoned + 1e-9
    assert 0 <= fewer.abandoned <= 1
    assert 0 <= fewer.service_level <= 1


@pytest.mark.parametrize(
    ("calls", "handling", "agents"), [(20, 180, 4), (100, 180, 12), (300, 240, 41), (1000, 300, 159)]
)
def test_how_many_agents_are_needed(calls: int, handling: int, agents: int) -> None:
    assert staffing.agents_needed(calls / HALF_HOUR, handling, 120, 20, 0.8) == agents


def test_bounds_on_those_who_give_up_and_on_occupancy_ask_for_more() -> None:
    def needed(**bounds: float) -> int:
        return staffing.agents_needed(1000 / HALF_HOUR, 300, 120, 20, 0.8, **bounds)

    assert needed(most_abandoned=0.02) > needed(most_abandoned=0.05) >= needed()
    found = needed(most_occupancy=0.85)
    occupancies = [staffing.with_patience(n, 1000 / HALF_HOUR, 300, 120, 20).occupancy for n in (found, found - 1)]
    assert occupancies[0] <= 0.85 < occupancies[1]


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda: staffing.erlang_c(8, 10), "agents"),
        (lambda: staffing.erlang_b(0, 10), "agents"),
        (lambda: staffing.erlang_b(1, -1), "load"),
        (lambda: staffing.with_patience(1, 1, 1, 0, 1), "patience"),
        (lambda: staffing.agents_needed(1, 1, 1, 1, 1.0), "service_level"),
        (lambda: staffing.simulate([], 1, 1, 1, seed=1), "day"),
        (lambda: staffing.simulate([Stretch(1, 1, 1)], 0, 1, 1, seed=1), "handling"),
    ],
)
def test_what_makes_no_sense_is_refused(ask: object, field: str) -> None:
    with pytest.raises(Refused) as refused:
        ask()  # type: ignore[operator]  # each is a function
    assert refused.value.field == field


# --- the simulation ---------------------------------------------------------------------------------------------------


def test_the_simulation_agrees_with_erlang_c_within_three_in_a_hundred() -> None:
    days, calls = 10, 100_000
    played = staffing.simulate([Stretch(calls * 18.0, calls, 14)], 180, math.inf, 20, seed=7, days=days).outlook
    expected = staffing.with_everybody_waiting(14, 100 / HALF_HOUR, 180, 20)
    for name in ("waits", "service_level", "mean_wait", "occupancy"):
        assert getattr(played, name) == pytest.approx(getattr(expected, name), rel=0.03), name
    assert played.abandoned == 0


@pytest.mark.parametrize(("agents", "patience"), [(9, 60), (12, 120)])
def test_the_simulation_agrees_with_erlang_a(agents: int, patience: int) -> None:
    played = staffing.simulate([Stretch(200_000 * 18.0, 200_000, agents)], 180, patience, 20, seed=3).outlook
    expected = staffing.with_patience(agents, 100 / HALF_HOUR, 180, patience, 20)
    for name in ("waits", "service_level", "mean_wait", "abandoned", "occupancy"):
        assert getattr(played, name) == pytest.approx(getattr(expected, name), rel=0.03), name


def test_agents_come_and_go_by_stretch() -> None:
    day = [Stretch(3600, 0, 0), Stretch(3600, 200, 20), Stretch(3600, 200, 1), Stretch(3600, 0, 0)]
    played = staffing.simulate(day, 180, 120, 20, seed=5, days=20)
    nobody, many, few, closed = played.by_stretch
    assert many.service_level > 0.95
    assert few.abandoned > 0.8
    assert nobody.service_level == closed.service_level == 1.0
    assert abs(played.customers - 20 * 400) < 400
    assert played == staffing.simulate(day, 180, 120, 20, seed=5, days=20)


def test_where_nobody_is_there_everybody_gives_up() -> None:
    played = staffing.simulate([Stretch(3600, 50, 0)], 180, 60, 20, seed=5)
    assert played.outlook.abandoned == 1.0
