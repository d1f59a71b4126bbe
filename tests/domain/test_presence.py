"""Presence over time: the states add up to the signed-in time, whatever the changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.domain.presence import PRESENCES, Change, durations, signed_in

MINUTE = 60_000_000

changes = st.lists(
    st.builds(Change, st.integers(0, 1_000), st.sampled_from(PRESENCES), st.sampled_from(("", "lunch", "training"))),
    max_size=12,
).map(lambda found: sorted(found, key=lambda change: change.at))


@given(changes, st.integers(0, 1_000), st.integers(0, 1_000))
def test_the_states_add_up_to_the_signed_in_time(found: list[Change], begin: int, length: int) -> None:
    end = begin + length
    lasted = durations(found, begin, end)
    assert sum(lasted.values()) == length
    present = sum(time for (presence, _), time in lasted.items() if presence != "offline")
    assert present == signed_in(found, begin, end)
    assert all(time > 0 for time in lasted.values())


@given(changes, st.integers(0, 1_000), st.integers(0, 1_000), st.integers(0, 1_000))
def test_split_anywhere_it_is_the_same(found: list[Change], begin: int, one: int, two: int) -> None:
    middle, end = begin + one, begin + one + two
    whole = durations(found, begin, end)
    parts = (durations(found, begin, middle), durations(found, middle, end))
    added = {key: sum(part.get(key, 0) for part in parts) for key in {*parts[0], *parts[1]}}
    assert added == whole


def test_a_day() -> None:
    day = [
        Change(0, "available", "signed_in"),
        Change(50 * MINUTE, "break", "lunch"),
        Change(80 * MINUTE, "available"),
        Change(95 * MINUTE, "busy", "missed_offer"),
        Change(100 * MINUTE, "offline", "signed_out"),
    ]
    lasted = durations(day, 10 * MINUTE, 120 * MINUTE)
    assert lasted == {
        ("available", "signed_in"): 40 * MINUTE,
        ("break", "lunch"): 30 * MINUTE,
        ("available", ""): 15 * MINUTE,
        ("busy", "missed_offer"): 5 * MINUTE,
        ("offline", "signed_out"): 20 * MINUTE,
    }
    assert signed_in(day, 10 * MINUTE, 120 * MINUTE) == 90 * MINUTE
