"""When an inbox or a team is open: windows of the week, days that differ, holidays, in a time zone. Pure.

A window is read off the clock on the wall. It opens the first moment that this clock shows its beginning or a later
time of the same day, and closes the first moment that it shows its end: an hour that summer time leaves out is not
there, one that it repeats counts where the window goes on over it, and a day that a country skipped (Samoa, 30 December
2011) is never open. Times are microseconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.domain.errors import Refused

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY_MINUTES = 24 * 60
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Whoever has no open hour in so many days has none.
_FURTHEST = 400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From one minute of the day to another, 0 to 1440; a night is two windows, one on each day."""

    begin: int
    end: int


Windows = tuple[Window, ...]
ALL_DAY: Windows = (Window(0, DAY_MINUTES),)


@dataclass(frozen=True, slots=True)
class Hours:
    """Open hours. `week` has seven entries, Monday first.

    `exceptions` are dates with windows of their own (none: closed) and go before `holidays`, which are closed.
    """

    zone: str
    week: tuple[Windows, ...]
    exceptions: tuple[tuple[date, Windows], ...] = ()
    holidays: frozenset[date] = field(default=frozenset())

    def on(self, day: date) -> Windows:
        """The windows of a date."""
        for exceptional, windows in self.exceptions:
            if exceptional == day:
                return windows
        return () if day in self.holidays else self.week[day.weekday()]


ALWAYS = Hours("UTC", (ALL_DAY,) * 7)


def open_seconds_between(hours: Hours, begin: int, end: int) -> float:
    """The open time between two moments, in seconds; 0 where the end is not after the beginning."""
    return open_time_between(hours, begin, end) / SECOND


def open_time_between(hours: Hours, begin: int, end: int) -> int:
    """As `open_seconds_between`, in microseconds."""
    if hours == ALWAYS:
        return max(0, end - begin)
    total = 0
    day, last = _local_day(hours.zone, begin), _local_day(hours.zone, end)
    while day <= last:
        for opens, closes in _open(hours, day):
            total += max(0, min(closes, end) - max(opens, begin))
        day += timedelta(days=1)
    return total


def open_between(hours: Hours, begin: int, end: int) -> list[tuple[int, int]]:
    """What is open between two moments, piece by piece."""
    found = []
    for opens, closes in _from(hours, begin):
        if opens >= end:
            break
        found.append((opens, min(closes, end)))
    return found


def add_open_time(hours: Hours, begin: int, duration: int) -> int | None:
    """The first moment by which so much open time (microseconds) has passed; None where the hours never come.

    `open_time_between(hours, begin, add_open_time(hours, begin, duration)) == duration`.
    """
    if duration <= 0:
        return begin
    if hours == ALWAYS:
        return begin + duration
    left = duration
    for opens, closes in _from(hours, begin):
        if left <= closes - opens:
            return opens + left
        left -= closes - opens
    return None


def is_open(hours: Hours, at: int) -> bool:
    """Whether it is open at a moment. The moment of closing is closed."""
    return any(opens <= at < closes for opens, closes in _open(hours, _local_day(hours.zone, at)))


def next_opening(hours: Hours, at: int) -> int | None:
    """The first moment from `at` on at which it is open: `at` itself where it is; None where it never is again."""
    return next((opens for opens, _ in _from(hours, at)), None)


def local(hours: Hours, at: int) -> datetime:
    """A moment on the clock on the wall."""
    return (_EPOCH + at * _MICROSECOND).astimezone(_zone(hours.zone))


def _from(hours: Hours, begin: int) -> Iterator[tuple[int, int]]:
    """What is open from a moment on, piece by piece; ends after a long time without any."""
    day = _local_day(hours.zone, begin)
    empty = 0
    while empty < _FURTHEST and day.year < date.max.year:
        empty += 1
        for opens, closes in _open(hours, day):
            if closes > begin:
                empty = 0
                yield max(opens, begin), closes
        day += timedelta(days=1)


@lru_cache(maxsize=20_000)
def _open(hours: Hours, day: date) -> tuple[tuple[int, int], ...]:
    """The open intervals of a local date; those of different dates never meet."""
    found = []
    for window in hours.on(day):
        opens, closes = _moment(hours.zone, day, window.begin), _moment(hours.zone, day, window.end)
        if opens < closes:
            found.append((opens, closes))
    return tuple(found)


@lru_cache(maxsize=20_000)
def _moment(zone_name: str, day: date, minute: int) -> int:
    """The first moment at which the clock on the wall shows this time of this day, or has gone past it."""
    zone = _zone(zone_name)
    wall = datetime.combine(day, time.min) + timedelta(minutes=minute)
    # `fold` 0 is the first of two equal times.
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return _microseconds(moment)
    # The clock leaps over this time: the moment of the leap lies between the two readings of it.
    early, late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), moment
    low, high = int(early.timestamp()), int(late.timestamp())
    while low + 1 < high:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).replace(tzinfo=None) < wall:
            low = middle
        else:
            high = middle
    return high * SECOND


def _local_day(zone_name: str, at: int) -> date:
    return (_EPOCH + at * _MICROSECOND).astimezone(_zone(zone_name)).date()


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=700)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


# --- to and from JSON values ------------------------------------------------------------------------------------------


def to_data(hours: Hours) -> dict[str, Any]:
    """As JSON values: windows as `["09:00", "18:00"]`, dates as ISO 8601."""
    return {
        "zone": hours.zone,
        "week": [_windows_data(windows) for windows in hours.week],
        "exceptions": {day.isoformat(): _windows_data(windows) for day, windows in hours.exceptions},
        "holidays": sorted(day.isoformat() for day in hours.holidays),
    }


def from_data(data: Mapping[str, Any]) -> Hours:
    """The inverse of `to_data`. Raises Refused, with field and rule, for what is no such thing."""
    zone = data.get("zone", "")
    try:
        _zone(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise Refused("zone", "must be a time zone's name, as Europe/Madrid") from None
    week = data.get("week", ())
    if len(week) != len(WEEKDAYS):
        raise Refused("week", "must have seven days, Monday first")
    return Hours(
        zone,
        tuple(_windows(f"week.{name}", each) for name, each in zip(WEEKDAYS, week, strict=True)),
        tuple(
            (_date("exceptions", day), _windows(f"exceptions.{day}", each))
            for day, each in sorted(data.get("exceptions", {}).items())
        ),
        frozenset(_date("holidays", day) for day in data.get("holidays", ())),
    )


def _windows_data(windows: Windows) -> list[list[str]]:
    return [[_clock(each.begin), _clock(each.end)] for each in windows]


def _windows(where: str, data: Any) -> Windows:
    found: list[Window] = []
    for pair in data:
        if len(pair) != 2:
            raise Refused(where, "must be pairs of times")
        window = Window(_minute(where, pair[0]), _minute(where, pair[1]))
        if window.begin >= window.end:
            raise Refused(where, "must close after it opens, by 24:00; a night is two windows")
        if found and window.begin < found[-1].end:
            raise Refused(where, "must have windows one after the other")
        found.append(window)
    return tuple(found)


def _minute(where: str, text: str) -> int:
    hour, _, minute = text.partition(":") if isinstance(text, str) else ("", "", "")
    two_digits = all(len(part) == 2 and part.isascii() and part.isdigit() for part in (hour, minute))
    if not two_digits or int(minute) > 59 or int(hour) * 60 + int(minute) > DAY_MINUTES:
        raise Refused(where, "must have times from 00:00 to 24:00")
    return int(hour) * 60 + int(minute)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _date(where: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except (ValueError, TypeError):
        raise Refused(where, "must have dates as 2026-12-25") from None
