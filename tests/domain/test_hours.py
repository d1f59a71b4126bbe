"""Open hours: the real leaps of twenty clocks, and a slow reference that goes through every minute."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hub.domain import hours
from hub.domain.errors import Refused
from hub.domain.hours import ALL_DAY, ALWAYS, DAY_MINUTES, MINUTE, SECOND, Hours, Window

HOUR = 60 * MINUTE
NINE_TO_SIX = (Window(9 * 60, 18 * 60),)
MADRID = Hours("Europe/Madrid", (NINE_TO_SIX,) * 5 + ((), ()))


def at(text: str, zone: str = "UTC") -> int:
    """Microseconds of a moment given as on the clock of a zone."""
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * SECOND


def madrid(text: str) -> int:
    return at(text, "Europe/Madrid")


def test_the_weekend_does_not_count() -> None:
    friday, monday = madrid("2026-11-06 17:50"), madrid("2026-11-09 09:20")
    assert hours.open_seconds_between(MADRID, friday, monday) == 30 * 60
    assert hours.add_open_time(MADRID, friday, 30 * MINUTE) == monday


def test_a_holiday_does_not_count_and_an_exception_goes_before_it() -> None:
    monday, tuesday = date(2026, 11, 9), madrid("2026-11-10 09:20")
    friday = madrid("2026-11-06 17:50")
    closed = Hours(MADRID.zone, MADRID.week, holidays=frozenset({monday}))
    assert hours.open_seconds_between(closed, friday, tuesday) == 30 * 60
    half = Hours(MADRID.zone, MADRID.week, ((monday, (Window(600, 660),)),), closed.holidays)
    assert hours.open_seconds_between(half, friday, tuesday) == 90 * 60
    assert hours.is_open(half, madrid("2026-11-09 10:00"))
    assert not hours.is_open(half, madrid("2026-11-09 11:00"))


def test_the_next_opening() -> None:
    assert hours.next_opening(MADRID, madrid("2026-11-06 18:00")) == madrid("2026-11-09 09:00")
    assert hours.next_opening(MADRID, madrid("2026-11-06 17:59")) == madrid("2026-11-06 17:59")
    never = Hours("UTC", ((),) * 7)
    assert hours.next_opening(never, 0) is None
    assert hours.add_open_time(never, 0, 1) is None


def test_who_is_always_open_counts_real_time() -> None:
    assert hours.add_open_time(ALWAYS, 7, 5) == 12
    assert hours.open_time_between(ALWAYS, 7, 5) == 0
    round_the_clock = Hours("Europe/Madrid", (ALL_DAY,) * 7)
    assert hours.open_seconds_between(round_the_clock, madrid("2027-03-28 01:30"), madrid("2027-03-28 03:30")) == 3600


# Zone, a local date with a leap, and how many minutes that date has.
LEAPS = [
    ("Europe/Madrid", "2026-10-25", 1500),
    ("Europe/Madrid", "2027-03-28", 1380),
    ("Europe/London", "2026-03-29", 1380),
    ("Europe/Dublin", "2026-10-25", 1500),
    ("Atlantic/Azores", "2026-03-29", 1380),
    ("America/New_York", "2026-11-01", 1500),
    ("America/St_Johns", "2026-03-08", 1380),
    ("America/Havana", "2026-03-08", 1380),
    ("America/Asuncion", "2023-10-01", 1380),
    ("America/Santiago", "2026-09-06", 1380),
    ("America/Sao_Paulo", "2026-10-18", 1440),
    ("America/Sao_Paulo", "2018-11-04", 1380),
    ("Africa/Casablanca", "2026-02-15", 1500),
    ("Africa/Casablanca", "2026-03-22", 1380),
    ("Africa/Cairo", "2026-04-24", 1380),
    ("Antarctica/Troll", "2026-03-29", 1320),
    ("Antarctica/Troll", "2026-10-25", 1560),
    ("Asia/Beirut", "2026-03-29", 1380),
    ("Asia/Kathmandu", "2026-03-29", 1440),
    ("Asia/Kolkata", "2026-03-29", 1440),
    ("Asia/Tokyo", "2026-03-29", 1440),
    ("Australia/Lord_Howe", "2026-10-04", 1410),
    ("Australia/Lord_Howe", "2026-04-05", 1470),
    ("Australia/Sydney", "2026-04-05", 1500),
    ("Pacific/Apia", "2011-12-30", 0),
    ("Pacific/Apia", "2011-12-29", 1440),
    ("Pacific/Chatham", "2026-09-27", 1380),
    ("Pacific/Auckland", "2026-04-05", 1500),
]


@pytest.mark.parametrize(("zone", "day", "minutes"), LEAPS)
def test_a_day_has_the_minutes_that_its_clock_gives_it(zone: str, day: str, minutes: int) -> None:
    only = Hours(zone, ((),) * 7, ((date.fromisoformat(day), ALL_DAY),))
    noon = at(f"{day} 12:00")
    assert hours.open_time_between(only, noon - 48 * HOUR, noon + 48 * HOUR) == minutes * MINUTE


def test_twenty_zones_are_looked_at() -> None:
    assert len({zone for zone, _, _ in LEAPS}) >= 20


@pytest.mark.parametrize(
    ("zone", "day", "window", "opens", "closes"),
    [
        # Left out: from the leap on, which is when this clock first shows 02:30 or later.
        ("Europe/Madrid", "2027-03-28", ("02:30", "05:00"), "2027-03-28T01:00", "2027-03-28T03:00"),
        ("Europe/Madrid", "2027-03-28", ("01:00", "02:30"), "2027-03-28T00:00", "2027-03-28T01:00"),
        # Repeated: what ends at 02:30 ends the first time, what goes on over it counts it twice.
        ("Europe/Madrid", "2026-10-25", ("01:00", "02:30"), "2026-10-24T23:00", "2026-10-25T00:30"),
        ("Europe/Madrid", "2026-10-25", ("01:00", "03:00"), "2026-10-24T23:00", "2026-10-25T02:00"),
        # Half an hour only, and a midnight that is not there.
        ("Australia/Lord_Howe", "2026-10-04", ("01:00", "03:00"), "2026-10-03T14:30", "2026-10-03T16:00"),
        ("America/Sao_Paulo", "2018-11-04", ("00:00", "02:00"), "2018-11-04T03:00", "2018-11-04T04:00"),
    ],
)
def test_a_window_over_a_leap(zone: str, day: str, window: tuple[str, str], opens: str, closes: str) -> None:
    read = hours.from_data({"zone": zone, "week": [[]] * 7, "exceptions": {day: [list(window)]}})
    before, after = at(opens) - 30 * HOUR, at(closes) + 30 * HOUR
    assert hours.next_opening(read, before) == at(opens)
    assert hours.add_open_time(read, before, hours.open_time_between(read, before, after)) == at(closes)


# --- against every minute ---------------------------------------------------------------------------------------------

SPAN = 4 * DAY_MINUTES


@cache
def _labels(zone: str, day: str) -> tuple[int, list[datetime], list[datetime]]:
    """(first minute, what the clock shows at each minute, the latest that it has shown by then) around a date."""
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(days=2)
    shown = [(begin + timedelta(minutes=m)).astimezone(ZoneInfo(zone)).replace(tzinfo=None) for m in range(SPAN)]
    return round(begin.timestamp()) // 60, shown, list(accumulate(shown, max))


def _open_minutes(given: Hours, day: str) -> list[bool]:
    _, shown, latest = _labels(given.zone, day)
    found = [False] * SPAN
    for local_day in {each.date() for each in shown}:
        midnight = datetime.combine(local_day, time.min)
        for window in given.on(local_day):
            opens = bisect_left(latest, midnight + timedelta(minutes=window.begin))
            closes = bisect_left(latest, midnight + timedelta(minutes=window.end))
            found[opens:closes] = [True] * (closes - opens)
    return found


WINDOWS = st.lists(st.integers(0, 96), min_size=2, max_size=6, unique=True).map(
    lambda edges: tuple(Window(b * 15, e * 15) for b, e in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Hours, str, int, int]:
    zone, day, _ = draw(st.sampled_from(LEAPS))
    week = tuple(draw(st.one_of(WINDOWS, st.just(()))) for _ in range(7))
    exceptions = ((date.fromisoformat(day), draw(WINDOWS)),) if draw(st.booleans()) else ()
    begin, end = sorted((draw(st.integers(DAY_MINUTES, SPAN - DAY_MINUTES)), draw(st.integers(DAY_MINUTES, SPAN // 2))))
    return Hours(zone, week, exceptions), day, begin, end


@settings(max_examples=75)
@given(case=_cases())
def test_it_counts_what_going_through_every_minute_counts(case: tuple[Hours, str, int, int]) -> None:
    given_hours, day, begin, end = case
    first, _, _ = _labels(given_hours.zone, day)
    minutes = _open_minutes(given_hours, day)
    begins, ends = (first + begin) * MINUTE, (first + end) * MINUTE
    expected = sum(minutes[begin:end])
    assert hours.open_time_between(given_hours, begins, ends) == expected * MINUTE
    assert hours.is_open(given_hours, begins) == minutes[begin]
    opening = hours.next_opening(given_hours, begins)
    found = next((m for m in range(begin, SPAN - DAY_MINUTES) if minutes[m]), None)
    if found is not None:
        assert opening == (first + found) * MINUTE


MOMENTS = st.integers(at("2011-12-20 00:00"), at("2027-12-31 00:00"))


@settings(max_examples=75)
@given(case=_cases(), begin=MOMENTS, duration=st.integers(0, 60 * HOUR), more=st.integers(0, 20 * HOUR))
def test_adding_and_counting_undo_each_other(
    case: tuple[Hours, str, int, int], begin: int, duration: int, more: int
) -> None:
    given_hours = case[0]
    end = hours.add_open_time(given_hours, begin, duration)
    assume(end is not None)
    assert end is not None
    assert hours.open_time_between(given_hours, begin, end) == duration
    if duration:
        assert (
            hours.open_time_between(given_hours, begin, end - 1) == duration - 1
        )  # and not a moment later than needed
    later = hours.add_open_time(given_hours, begin, duration + more)
    if later is None:
        # No time can be added anywhere; a moment cannot where nobody ever opens.
        assert duration == 0
        assert hours.add_open_time(given_hours, begin, 1) is None
        return
    assert later >= end
    shifted = hours.add_open_time(given_hours, begin + more, duration)
    assert shifted is not None
    assert shifted >= end
    assert hours.open_time_between(given_hours, begin, end + more) >= duration


# --- as data ----------------------------------------------------------------------------------------------------------


@given(case=_cases())
def test_hours_are_read_back_as_they_were_written(case: tuple[Hours, str, int, int]) -> None:
    assert hours.from_data(hours.to_data(case[0])) == case[0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"zone": "Europe/Atlantis"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"zone": ""}, "zone"),
        ({"zone": None}, "zone"),
        ({"week": [[]] * 6}, "week"),
        ({"week": [[["18:00", "09:00"]], *[[]] * 6]}, "week.monday"),
        ({"week": [[], [["09:00", "12:00"], ["11:00", "13:00"]], *[[]] * 5]}, "week.tuesday"),
        ({"week": [[["09:00", "24:01"]], *[[]] * 6]}, "week.monday"),
        ({"week": [[["9:00", "10:00"]], *[[]] * 6]}, "week.monday"),
        ({"week": [[["09:00"]], *[[]] * 6]}, "week.monday"),
        ({"exceptions": {"25.12.2026": []}}, "exceptions"),
        ({"holidays": ["tomorrow"]}, "holidays"),
    ],
)
def test_bad_hours_are_refused_with_field_and_rule(change: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as refused:
        hours.from_data({"zone": "UTC", "week": [[]] * 7} | change)
    assert refused.value.field == field
