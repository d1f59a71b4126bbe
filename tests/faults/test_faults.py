"""Forty schedules of faults, chosen by dice from all that there are (`make faults` plays more), and the three bugs that
the schedules must find."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub import failpoints
from tests import parts
from tests.faults import enumeration
from tests.faults.rig import Rig
from tests.faults.schedule import Cut, Schedule

pytestmark = pytest.mark.timeout(600)  # ten schedules a test, each with hubs that die and come again

SEED, COUNT, SHARES = 2026, 40, 4
# (what is wrong, the schedule that shows it, how the checker names it)
BUGS = {
    # Each of the first commits waits long enough for a worker to look for what it was told of, also on a busy machine.
    "nudge_before_commit": (
        Schedule("scaled_out", "sms", tuple(Cut("store.ready", hit, "wait") for hit in range(1, 7)), rare_sweeps=True),
        "late",
    ),
    # The bot has its answer and waits with it, so that the agent is quicker on any machine.
    "lost_compare_and_set": (
        Schedule("embedded", "turn", tuple(Cut("turn.answered", hit, "long") for hit in (1, 2))),
        "both",
    ),
    # Of so many, somebody commits while the first waits: not all of them are counted in the shard that it has locked.
    "feed_by_bare_id": (Schedule("scaled_out", "crowd", (Cut("store.ready", 1, "long"),)), "feed"),
}


@pytest.fixture(scope="module")
def rig(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: parts.PostgresServer, redis_url: str
) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("faults"), postgres_server, redis_url) as rig:
        yield rig


@pytest.mark.parametrize("share", range(SHARES))
def test_nothing_is_lost_doubled_or_stuck_whatever_dies_where(rig: Rig, share: int) -> None:
    killed = 0
    for schedule in enumeration.chosen(COUNT, SEED)[share::SHARES]:
        outcome = rig.play(schedule)
        assert not outcome.violations, (schedule.name, outcome.violations, rig.folder)
        killed += any(each.endswith("=kill") for each in outcome.cut)
    assert killed >= 5


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(rig: Rig, bug: str) -> None:
    schedule, kind = BUGS[bug]
    planted = Schedule(schedule.mode, schedule.scenario, schedule.cuts, bug=bug, rare_sweeps=schedule.rare_sweeps)
    assert {each.partition(":")[0] for each in rig.play(planted).violations} >= {kind}


def test_every_place_is_cut_and_there_are_enough_schedules() -> None:
    schedules = enumeration.every()
    killing = [each for each in schedules if any(cut.deed == "kill" for cut in each.cuts)]
    assert len(killing) >= 900
    cut = {cut.place for each in killing for cut in each.cuts}
    # A screen that was told nothing asks the feed when it is connected again; there is no socket in these scenarios.
    assert cut == set(failpoints.PLACES) - {"push.read"}


def test_the_same_seed_chooses_the_same() -> None:
    assert enumeration.chosen(COUNT, SEED) == enumeration.chosen(COUNT, SEED)
    assert enumeration.chosen(COUNT, SEED) != enumeration.chosen(COUNT, SEED + 1)
