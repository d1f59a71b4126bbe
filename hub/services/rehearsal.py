"""Changed rules, skills and capacities tried out, on what has happened and on what is likely to. Nothing is written."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.domain import hours
from hub.domain import rehearsal as d
from hub.domain import routing as r
from hub.domain import staffing as erlang
from hub.domain.errors import Refused
from hub.store.queries import people, routing, staffing
from hub.store.queries import rehearsal as queries
from hub.store.queries.rehearsal import Stay
from hub.store.unit_of_work import Reading

MOST_CONVERSATIONS = 2_000
MOST_RUNS = 50
MOST_ARRIVALS = 20_000  # of all days that are played
USUAL_HANDLING = 10 * r.MINUTE
WEEKS = 4
DAY = 24 * 60 * r.MINUTE


@dataclass(frozen=True, slots=True)
class Member:
    """What an agent would be able to do; None: as they are."""

    skills: Mapping[str, int] | None = None
    capacity: Mapping[str, int] | None = None
    team_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """What is tried out: rules by team, members by agent; who is not named stays as they are."""

    rules: Mapping[str, r.TeamRules] = field(default_factory=dict)
    members: Mapping[str, Member] = field(default_factory=dict)


NOTHING = Changed()


@dataclass(frozen=True, slots=True)
class Moved:
    """A conversation of the past: who had it and after which wait (microseconds; -1: nobody had it), who would have
    under the rules as they are, and who under the changed ones."""

    ticket_number: int
    conversation_id: str
    happened: d.Outcome
    as_now: d.Outcome
    changed: d.Outcome


@dataclass(frozen=True, slots=True)
class DryRun:
    """`differ` counts conversations that would have gone to somebody else than under the rules as they are; `moved`
    has the newest of them."""

    happened: d.Figures
    as_now: d.Figures
    changed: d.Figures
    differ: int
    moved: tuple[Moved, ...]
    got: Mapping[str, tuple[int, int]]  # by agent: how many as now, how many changed


@dataclass(frozen=True, slots=True)
class Stretch:
    """A half hour of a team: mean arrivals, who is there, how many Erlang A asks for, and what was played."""

    begin: int
    team_id: str
    arrivals: float
    there: int
    needed: int
    as_now: d.Figures
    changed: d.Figures


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of one day. `days`: how many days of the past it is drawn from. `patience` and `handling` are means, microseconds
    (patience 0: nobody was seen to give up). `staffed_by`: `shifts`, or `last_week` where none are written down."""

    day: date
    days: int
    runs: int
    arrivals: float
    handling: int
    patience: int
    staffed_by: str
    as_now: d.Figures
    changed: d.Figures
    stretches: tuple[Stretch, ...]


# --- the past ---------------------------------------------------------------------------------------------------------


def dry_run(connection: Reading, changed: Changed, *, last: int, target: int, most_moved: int = 50) -> DryRun:
    """What would have become of the last conversations that came to people.

    Who was there when is as it was; how long each conversation takes, too. What agents took themselves is played like
    everything else. Deadlines of promises are left out: they are of the versions that counted then.

    Args:
        connection: of a read.
        changed: what is tried out.
        last: how many conversations.
        target: answered within so many microseconds counts as in time.
        most_moved: how many of those that differ are named.

    Raises:
        Refused: what no team or agent could be.
    """
    if not 0 < last <= MOST_CONVERSATIONS:
        raise Refused("last", f"must be from 1 to {MOST_CONVERSATIONS}")
    now, then = _staff(connection, NOTHING), _staff(connection, changed)
    stays = queries.last(connection, last)
    arrivals = _arrivals(stays)
    begin = stays[0].waiting.since if stays else 0
    end = max((each.left_at or each.answered_at or each.waiting.since for each in stays), default=0) + 1
    presences = queries.presences(connection, [agent.id for agent in now[0]], begin, end)
    as_now = d.play(arrivals, _away(now[0]), presences, now[1])
    after = d.play(arrivals, _away(then[0]), presences, then[1])
    happened = {each.waiting.id: _happened(each) for each in stays}
    got: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for place, played in enumerate((as_now, after)):
        for each in played.values():
            if each.agent_id:
                got[each.agent_id][place] += 1
    moved = [
        Moved(stay.ticket_number, which, happened[which], as_now[which], after[which])
        for stay in reversed(stays)
        if as_now[which := stay.waiting.id].agent_id != after[which].agent_id
    ]
    return DryRun(
        d.figures(happened.values(), target),
        d.figures(as_now.values(), target),
        d.figures(after.values(), target),
        len(moved),
        tuple(moved[:most_moved]),
        {agent_id: (counts[0], counts[1]) for agent_id, counts in got.items()},
    )


def _happened(stay: Stay) -> d.Outcome:
    if stay.answered_at:
        return d.Outcome(stay.waiting.id, stay.agent_id, stay.answered_at - stay.waiting.since, gave_up=False)
    wait = stay.ended_at - stay.waiting.since if stay.ended_at else -1
    return d.Outcome(stay.waiting.id, "", wait, gave_up=bool(stay.ended_at))


def _arrivals(stays: Sequence[Stay]) -> list[d.Arrival]:
    """What came, each taking as long as it did; what nobody has finished takes as long as most do."""
    took = [each.left_at - each.answered_at for each in stays if each.left_at]
    usual = int(median(took)) if took else USUAL_HANDLING
    return [
        d.Arrival(each.waiting, each.contact_id, each.left_at - each.answered_at if each.left_at else usual)
        for each in stays
    ]


def _staff(connection: Reading, changed: Changed) -> tuple[list[r.Agent], dict[str, r.TeamRules]]:
    """Everybody and all rules, with what is tried out in place of what is."""
    teams = {each.id for each in people.teams(connection)}
    skills = {each.name for each in staffing.skills(connection)}
    known = {each.id: each for each in routing.agents(connection)}
    for team_id, rules in changed.rules.items():
        if team_id not in teams or any(each.team not in teams - {team_id} for each in rules.overflow):
            raise Refused("teams", "must be teams, each helped by others")
        r.check_widening(rules.widening)
    for agent_id, member in changed.members.items():
        if agent_id not in known:
            raise Refused("agents", "must be people of a team")
        if not set(member.skills or ()) <= skills or not set(member.team_ids or ()) <= teams:
            raise Refused("agents", "must have skills and teams of the house")
        if member.capacity is not None:
            r.check_capacity(member.capacity)
        agent = known[agent_id]
        known[agent_id] = replace(
            agent,
            skills=agent.skills if member.skills is None else member.skills,
            capacity=agent.capacity if member.capacity is None else member.capacity,
            teams=agent.teams if member.team_ids is None else frozenset(member.team_ids),
        )
    return list(known.values()), {**routing.rules(connection), **changed.rules}


def _away(agents: Sequence[r.Agent]) -> list[r.Agent]:
    return [replace(agent, presence="offline", load=0, idle_since=0) for agent in agents]


def read_change(text: str) -> Changed:
    """What is tried out, from a file as docs/routing.md describes it. Raises Refused for what is no such thing."""
    try:
        data = json.loads(text)
        rules = {
            team_id: r.TeamRules(
                each.get("choice", r.CHOICES[0]),
                tuple(r.Overflow(one["team_id"], one["after_seconds"] * r.SECOND) for one in each.get("overflow", ())),
                tuple(
                    r.Widening(one["after_seconds"] * r.SECOND, one.get("lower", 0), tuple(one.get("optional", ())))
                    for one in each.get("widening", ())
                ),
            )
            for team_id, each in data.get("teams", {}).items()
        }
        members = {
            agent_id: Member(
                each.get("skills"), each.get("capacity"), tuple(each["team_ids"]) if "team_ids" in each else None
            )
            for agent_id, each in data.get("agents", {}).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("change", f"must be a change as docs/routing.md describes it ({error})") from error
    return Changed(rules, members)


# --- what is likely to come -------------------------------------------------------------------------------------------


def forecast(
    connection: Reading,
    changed: Changed,
    *,
    day: date,
    zone: str,
    target: int,
    runs: int = 10,
    service_level: float = 0.8,
    now: int,
) -> Forecast:
    """What a day is likely to bring, as things are and as they would be: drawn from the same weekday of four weeks.

    Args:
        connection: of a read.
        changed: what is tried out.
        day: the date.
        zone: on whose clock it is that date.
        target: answered within so many microseconds counts as in time.
        runs: how many such days are played; the same ones for both.
        service_level: for the agents that are needed: the share to be answered in time.
        now: microseconds since 1970 UTC.

    Raises:
        Refused: a time zone that is none, too many runs, or what no team or agent could be.
    """
    if not 0 < runs <= MOST_RUNS:
        raise Refused("runs", f"must be from 1 to {MOST_RUNS}")
    begin, end = _moment(day, zone), _moment(day + timedelta(days=1), zone)
    staff, after = _staff(connection, NOTHING), _staff(connection, changed)
    past: list[d.Arrival] = []
    stays: list[Stay] = []
    days, began = 0, queries.began(connection)
    for weeks in range(1, 2 * WEEKS + 1):
        earlier = day - timedelta(weeks=weeks)
        first, last = _moment(earlier, zone), _moment(earlier + timedelta(days=1), zone)
        if days == WEEKS or last <= began:
            break  # enough, or nobody could have written then
        if last > now:
            continue
        found = queries.between(connection, first, last)
        days += 1
        stays += found
        past += [_moved_to(each, begin - first) for each in _arrivals(found)]
    days = max(days, 1)
    gave_up = sum(bool(each.ended_at) for each in stays)
    patience = d.patience(((each.answered_at or each.ended_at or now) - each.waiting.since for each in stays), gave_up)
    if len(past) * runs // days > MOST_ARRIVALS:
        runs = max(1, MOST_ARRIVALS * days // len(past))
    changes, staffed_by = _there(connection, [agent.id for agent in staff[0]], day, begin, end)
    outcomes: tuple[list[tuple[d.Arrival, d.Outcome]], ...] = ([], [])
    for run in range(runs):
        arrivals = d.drawn(past, days, begin, patience, seed=run)
        for into, (agents, rules) in zip(outcomes, (staff, after), strict=True):
            played = d.play(arrivals, _away(agents), changes, rules)
            into += [(each, played[each.waiting.id]) for each in arrivals]
    handling = sum(each.handling for each in past) // len(past) if past else 0
    as_now, as_changed = (d.figures((outcome for _, outcome in each), target) for each in outcomes)
    return Forecast(
        day,
        days,
        runs,
        len(past) / days,
        handling,
        patience,
        staffed_by,
        as_now,
        as_changed,
        tuple(_stretches(past, days, begin, changes, staff[0], patience, target, service_level, outcomes)),
    )


def _moment(day: date, zone: str) -> int:
    try:
        local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused("zone", "must be a time zone's name, as Europe/Madrid") from None
    return int(local.timestamp()) * r.SECOND


def _moved_to(arrival: d.Arrival, by: int) -> d.Arrival:
    return replace(arrival, waiting=replace(arrival.waiting, since=arrival.waiting.since + by))


def _there(
    connection: Reading, agent_ids: Sequence[str], day: date, begin: int, end: int
) -> tuple[list[d.Change], str]:
    """Who is there when: by the shifts of the day, else as a week before."""
    shifts = staffing.shifts(connection, day, day)
    if not shifts:
        week = 7 * DAY
        earlier = queries.presences(connection, agent_ids, begin - week, end - week)
        return [replace(each, at=each.at + week) for each in earlier], "last_week"
    found = []
    for shift in shifts:
        stated = hours.from_data({"zone": shift.zone, "week": [shift.windows] * 7})
        # A shift of another zone may reach into the days around.
        for opens, closes in hours.open_between(stated, begin, end):
            found += [d.Change(opens, shift.agent_id, "available"), d.Change(closes, shift.agent_id, "offline")]
    return found, "shifts"


def _stretches(
    past: Sequence[d.Arrival],
    days: int,
    begin: int,
    changes: Sequence[d.Change],
    agents: Sequence[r.Agent],
    patience: int,
    target: int,
    service_level: float,
    outcomes: tuple[list[tuple[d.Arrival, d.Outcome]], ...],
) -> list[Stretch]:
    def box(arrival: d.Arrival) -> tuple[int, str]:
        return (arrival.waiting.since - begin) // d.HALF_HOUR, arrival.waiting.team

    came: dict[tuple[int, str], list[d.Arrival]] = defaultdict(list)
    for each in past:
        came[box(each)].append(each)
    became: tuple[dict[tuple[int, str], list[d.Outcome]], ...] = (defaultdict(list), defaultdict(list))
    for into, pairs in zip(became, outcomes, strict=True):
        for arrival, outcome in pairs:
            into[box(arrival)].append(outcome)
    found = []
    for key, arrivals in sorted(came.items()):
        at = begin + key[0] * d.HALF_HOUR
        rate = len(arrivals) / days / (d.HALF_HOUR / r.SECOND)
        handling = sum(each.handling for each in arrivals) / len(arrivals) / r.SECOND
        stays = patience / r.SECOND or 3_600.0
        needed = erlang.agents_needed(rate, max(1.0, handling), stays, target / r.SECOND, service_level)
        figures = (d.figures(each[key], target) for each in became)
        there = _count_there(changes, agents, key[1], at)
        found.append(Stretch(at, key[1], len(arrivals) / days, there, needed, *figures))
    return found


def _count_there(changes: Sequence[d.Change], agents: Sequence[r.Agent], team_id: str, at: int) -> int:
    """How many of a team are available in the middle of a half hour."""
    presence: dict[str, str] = {}
    for change in sorted(changes, key=lambda each: each.at):
        if change.at <= at + d.HALF_HOUR // 2:
            presence[change.agent_id] = change.presence
    return sum(presence.get(agent.id) == "available" and team_id in agent.teams for agent in agents)
