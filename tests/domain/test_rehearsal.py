"""Routing played without anybody there, against queueing theory and by hand."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from hub.domain import rehearsal as d
from hub.domain import routing as r
from hub.domain import staffing

NOW = 1_000 * r.MINUTE
ANA = r.Agent("ana", presence="offline", teams=frozenset({"one"}), capacity={"webchat": 1})
BEN = replace(ANA, id="ben", teams=frozenset({"two"}))


def came(
    number: int, at: int, handling: int = r.MINUTE, patience: int = 0, contact: str = "", **more: object
) -> d.Arrival:
    waiting = r.Waiting(f"c{number}", "one", "webchat", NOW + at, **more)  # type: ignore[arg-type]  # a test's own
    return d.Arrival(waiting, contact or f"customer-{number}", handling, patience)


def here(agent: r.Agent, at: int = 0, presence: str = "available") -> d.Change:
    return d.Change(NOW + at, agent.id, presence)


def test_conversations_go_one_after_another_and_impatient_ones_give_up() -> None:
    arrivals = [came(1, 0), came(2, 0), came(3, 0, patience=30 * r.SECOND)]
    found = d.play(arrivals, [ANA], [here(ANA)], {})
    assert [(each.agent_id, each.wait) for each in map(found.__getitem__, ("c1", "c2"))] == [
        ("ana", 0),
        ("ana", r.MINUTE),
    ]
    assert found["c3"] == d.Outcome("c3", "", 30 * r.SECOND, gave_up=True)
    figures = d.figures(found.values(), 30 * r.SECOND)
    assert (figures.conversations, figures.answered, figures.gave_up) == (3, 2, 1)
    assert figures.service_level == pytest.approx(1 / 3)
    assert (figures.mean_wait, figures.longest_wait) == (30, 60)


def test_nobody_is_given_anything_while_they_are_away() -> None:
    changes = [here(ANA, 5 * r.MINUTE), here(ANA, 6 * r.MINUTE, "break")]
    found = d.play([came(1, 0), came(2, 0)], [ANA], changes, {})
    assert (found["c1"].wait, found["c2"].agent_id) == (5 * r.MINUTE, "")


def test_time_alone_lets_others_help_and_lowers_what_is_asked_for() -> None:
    rules = {"one": r.TeamRules(overflow=(r.Overflow("two", 3 * r.MINUTE),), widening=())}
    assert d.play([came(1, 0)], [BEN], [here(BEN)], {})["c1"].agent_id == ""
    assert d.play([came(1, 0)], [BEN], [here(BEN)], rules)["c1"].wait == 3 * r.MINUTE
    able = replace(ANA, skills={"repair": 2})
    asked = came(1, 0, required=(r.Need("repair", 4),))
    assert d.play([asked], [able], [here(ANA)], {})["c1"].wait == r.DEFAULT_WIDENING[1].after


def test_customers_come_back_to_whom_they_had() -> None:
    both = [replace(ANA, capacity={"webchat": 5}), replace(ANA, id="abe", capacity={"webchat": 5})]
    arrivals = [came(1, 0, contact="x"), came(2, 1, contact="y"), came(3, 10 * r.MINUTE, contact="x")]
    found = d.play(arrivals, both, [here(ANA), d.Change(NOW, "abe", "available")], {})
    assert found["c3"].agent_id == found["c1"].agent_id


def test_the_play_agrees_with_erlang_a_where_its_assumptions_hold() -> None:
    """One team, one at a time, everybody alike: 8 agents, 7 erlangs, patience of two minutes."""
    rate, handling, patience, target, agents = 7 / 180, 180.0, 120.0, 20.0, 8
    random = Random(5)  # noqa: S311  # cases, not secrets
    arrivals, at, number = [], 0.0, 0
    while number < 20_000:
        at += random.expovariate(rate)
        number += 1
        takes, stays = random.expovariate(1 / handling), random.expovariate(1 / patience)
        arrivals.append(came(number, int(at * r.SECOND), int(takes * r.SECOND), max(1, int(stays * r.SECOND))))
    staff = [replace(ANA, id=f"agent-{each}") for each in range(agents)]
    found = d.play(arrivals, staff, [here(each) for each in staff], {"one": r.TeamRules(widening=())})
    figures = d.figures(found.values(), int(target * r.SECOND))
    theory = staffing.with_patience(agents, rate, handling, patience, target)
    assert figures.service_level == pytest.approx(theory.service_level, abs=0.02)
    assert figures.gave_up / figures.conversations == pytest.approx(theory.abandoned, abs=0.01)


def test_a_drawn_day_has_as_many_as_the_days_it_is_drawn_from() -> None:
    past = [came(number, number * r.MINUTE) for number in range(240)]
    drawn = [d.drawn(past, 4, NOW, 0, seed) for seed in range(50)]
    assert sum(map(len, drawn)) / 50 == pytest.approx(60, rel=0.1)
    assert d.drawn(past, 4, NOW, r.MINUTE, 7) == d.drawn(past, 4, NOW, r.MINUTE, 7)
    assert all(NOW <= each.waiting.since < NOW + 240 * r.MINUTE for each in drawn[0])
    assert len({each.waiting.id for each in drawn[0]}) == len(drawn[0])
    assert d.drawn([], 1, NOW, 0, 1) == []
    assert (d.patience([r.MINUTE, r.MINUTE], 1), d.patience([5], 0)) == (2 * r.MINUTE, 0)


def test_a_plan_is_what_the_tables_say() -> None:
    """100 calls of 180 s in half an hour, patience 120 s, 80 % in 20 s: 12 by Erlang A, 14 by Erlang C."""
    plan = staffing.plan(100 / 1_800, 180, 120, 20, 0.8)
    assert plan.erlangs == pytest.approx(10)
    assert (plan.needed, plan.without_patience) == (12, 14)
    outlook = dict(plan.around)[12]
    assert outlook.service_level == pytest.approx(0.825583, abs=1e-6)
    assert outlook.abandoned == pytest.approx(0.061597, abs=1e-6)
