"""What was promised to customers, and its clocks, as a fold over the conversation's events. Pure.

A policy promises times for the first response, each next response and the resolution. Its clocks run in the open hours
of the team (else the inbox) that has the conversation, and stand still for the reasons that the policy names. Which
version of policy and hours counts is an event of its own (`SlaPolicyApplied`), and versions never change: the log alone
gives the same clocks at any later time.

- `first_response` begins when the conversation comes to people and ends with the first answer that a person sends.
- `next_response` begins with the first message of the customer that follows an answer, and ends with the next answer.
- `resolution` begins when the conversation comes to people. It stands still while the conversation is resolved, or is
  the bot's, and goes on where it stopped when it is opened again.

Times are microseconds since 1970 UTC, durations microseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hub.domain import events as e
from hub.domain import hours as open_hours
from hub.domain.conversation import PRIORITIES, Conversation, Status
from hub.domain.errors import Refused
from hub.domain.hours import ALWAYS, SECOND, Hours
from hub.domain.messages import Author

FIRST_RESPONSE, NEXT_RESPONSE, RESOLUTION = CLOCKS = ("first_response", "next_response", "resolution")
# Why a clock may stand still: the customer's answer is awaited (the resolution alone), an outside firm's, or it sleeps.
PAUSES = ("customer", "vendor", "snoozed")
WARN_SHARE = 0.8
LONGEST = 366 * 24 * 3600  # seconds


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a policy.

    `targets` has a duration for each clock that it promises. An empty set of inboxes, teams or priorities means all;
    `contact_fields` are what the contact's fields must say. `warn_share` is the part of a target after which it warns.
    """

    name: str
    targets: Mapping[str, int]
    pauses: frozenset[str] = frozenset(PAUSES)
    warn_share: float = WARN_SHARE
    inbox_ids: frozenset[str] = frozenset()
    team_ids: frozenset[str] = frozenset()
    priorities: frozenset[str] = frozenset()
    contact_fields: Mapping[str, str] = field(default_factory=dict)

    def covers(self, conversation: Conversation, contact_fields: Mapping[str, str]) -> bool:
        """Whether the policy is for a conversation of a contact with these fields."""
        return (
            (not self.inbox_ids or conversation.inbox_id in self.inbox_ids)
            and (not self.team_ids or conversation.team_id in self.team_ids)
            and (not self.priorities or PRIORITIES[conversation.priority] in self.priorities)
            and all(contact_fields.get(name) == value for name, value in self.contact_fields.items())
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """What a conversation's clocks go by."""

    policy: Policy
    hours: Hours = ALWAYS


# The terms of the versions that an event names: policy, hours.
TermsOf = Callable[[str, str], Terms]


@dataclass(frozen=True, slots=True)
class Clock:
    """`used` is the open time that had passed when it last began to run, `since` when that was; 0: it stands still.
    `due` is when the promise ends, as far as is known while it runs; it stays once it is broken."""

    used: int = 0
    since: int = 0
    due: int = 0
    warned: bool = False
    breached: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """`answered`: a person has; `owed`: the customer has written since. `theirs`: the customer's turn. `late` are
    promises that were broken by an answer of which nobody was told yet: (clock, due)."""

    clocks: Mapping[str, Clock] = field(default_factory=dict)
    answered: bool = False
    owed: bool = False
    theirs: bool = False
    vendor: bool = False
    late: tuple[tuple[str, int], ...] = ()


def project(before: Conversation, after: Conversation, recorded: e.Recorded, terms_of: TermsOf) -> Conversation:
    """The conversation after an event, with its clocks.

    Args:
        before: the conversation before the event.
        after: what `conversation.fold` made of it.
        recorded: the event.
        terms_of: gives the terms of versions.
    """
    event, at = recorded.event, recorded.at
    if isinstance(event, e.SlaPolicyApplied):
        state = _settled(before, at, terms_of)
        if not before.sla_policy:
            state = replace(state, answered=after.status == Status.ASSIGNED)
        after = replace(after, sla_policy=event.policy_id, sla_hours=event.hours_id)
        if not event.policy_id:
            return _written(after, State(), None)
    elif not after.sla_policy:
        return after
    else:
        state = _told(read(before.sla_state), event)
    terms = terms_of(after.sla_policy, after.sla_hours)
    return _written(after, _moved(after, state, at, terms), terms)


def _settled(before: Conversation, at: int, terms_of: TermsOf) -> State:
    """The clocks with all that they used by the old terms taken down; those that ran go on from now."""
    state = read(before.sla_state)
    if not before.sla_policy:
        return state
    old = terms_of(before.sla_policy, before.sla_hours)
    clocks = {
        name: replace(clock, used=_used(clock, at, old), since=0, due=clock.due if clock.breached else 0)
        for name, clock in state.clocks.items()
    }
    broken = (
        (name, clock.due) for name, clock in state.clocks.items() if _is_overdue(clock, at) and not clock.breached
    )
    return replace(state, clocks=clocks, late=(*state.late, *broken))


def _told(state: State, event: e.Event) -> State:
    """What an event says about whose turn it is, and what was announced."""
    match event:
        case e.MessageReceived(robot="", consent=""):
            return replace(state, owed=True, theirs=False)
        case e.MessageQueued(author=Author.AGENT) | e.MessageEchoed():
            return replace(state, answered=True, owed=False, theirs=True)
        case e.Resolved() | e.HandedBack():
            return replace(state, owed=False)
        case e.VendorAsked():
            return replace(state, vendor=True)
        case e.VendorAnswered(robot="") | e.VendorRecalled():
            return replace(state, vendor=False)
        case e.SlaWarned(clock=name) if name in state.clocks:
            return _with(state, name, replace(state.clocks[name], warned=True))
        case e.SlaBreached(clock=name, due_at=due):
            if (name, due) in state.late:
                return replace(state, late=tuple(each for each in state.late if each != (name, due)))
            if name in state.clocks:
                return _with(state, name, replace(state.clocks[name], warned=True, breached=True))
    return state


def _moved(conversation: Conversation, state: State, at: int, terms: Terms) -> State:
    """Every clock begun, ended, stopped or let go on, as the conversation stands."""
    held = _holds(conversation, state) & terms.policy.pauses
    away = conversation.merged_into != "" or conversation.status in (Status.BOT, Status.RESOLVED)
    wanted = {
        FIRST_RESPONSE: not state.answered and conversation.status != Status.BOT,
        NEXT_RESPONSE: state.answered and state.owed and conversation.status != Status.BOT,
        RESOLUTION: RESOLUTION in state.clocks or conversation.status != Status.BOT,
    }
    for name in CLOCKS:
        clock = state.clocks.get(name)
        if not wanted[name] or name not in terms.policy.targets:
            if clock is not None:
                state = _ended(state, name, clock, at)
            continue
        reasons = held if name == RESOLUTION else held - {"customer"}
        clock = clock or Clock()
        if away or reasons:
            state = _with(state, name, _stopped(clock, at, terms))
        elif not clock.since:
            state = _with(state, name, _started(clock, name, at, terms))
    return state


def _holds(conversation: Conversation, state: State) -> frozenset[str]:
    """The reasons for which a clock may stand still now."""
    found = {
        "customer": state.theirs,
        "vendor": state.vendor,
        "snoozed": conversation.status == Status.SNOOZED,
    }
    return frozenset(name for name, holds in found.items() if holds)


def _started(clock: Clock, name: str, at: int, terms: Terms) -> Clock:
    left = terms.policy.targets[name] - clock.used
    return replace(clock, since=at, due=clock.due or open_hours.add_open_time(terms.hours, at, left) or 0)


def _stopped(clock: Clock, at: int, terms: Terms) -> Clock:
    """Standing still. A promise that is broken keeps the time at which it was."""
    return replace(clock, used=_used(clock, at, terms), since=0, due=clock.due if _is_overdue(clock, at) else 0)


def _is_overdue(clock: Clock, at: int) -> bool:
    return clock.breached or 0 < clock.due < at


def _ended(state: State, name: str, clock: Clock, at: int) -> State:
    """Nobody waits for it any more; a breach that nobody was told of yet is still to be announced."""
    clocks = {key: value for key, value in state.clocks.items() if key != name}
    unannounced = _is_overdue(clock, at) and not clock.breached
    return replace(state, clocks=clocks, late=(*state.late, (name, clock.due)) if unannounced else state.late)


def _used(clock: Clock, at: int, terms: Terms) -> int:
    return clock.used + (open_hours.open_time_between(terms.hours, clock.since, at) if clock.since else 0)


def _with(state: State, name: str, clock: Clock) -> State:
    return replace(state, clocks={**state.clocks, name: clock})


def _written(conversation: Conversation, state: State, terms: Terms | None) -> Conversation:
    """The conversation's columns."""
    name, due = _first_due(state)
    announce = [when for when, _ in _announcements(state, terms)] if terms else []
    active = conversation.status not in (Status.RESOLVED, Status.BOT) and not conversation.merged_into
    return replace(
        conversation,
        sla_state=write(state) if terms else "",
        sla_clock=name,
        sla_due_at=due,
        sla_breached=int(active and any(clock.breached for clock in state.clocks.values())),
        sla_next_at=min(announce, default=0),
    )


def _first_due(state: State) -> tuple[str, int]:
    """The clock that is due first, of those that run; else one that stands still, due at no time."""
    running = [(clock.due, name) for name, clock in state.clocks.items() if clock.since and clock.due]
    if running:
        due, name = min(running)
        return name, due
    return next((name for name in CLOCKS if name in state.clocks), ""), 0


def _announcements(state: State, terms: Terms) -> Iterable[tuple[int, e.SlaWarned | e.SlaBreached]]:
    """What is to be announced and when, as far as is known now."""
    for name, due in state.late:
        yield due + 1, e.SlaBreached(name, due)
    for name, clock in state.clocks.items():
        if not clock.due or clock.breached:
            continue
        if not clock.warned and clock.since:
            warning = round(terms.policy.targets[name] * terms.policy.warn_share) - clock.used
            warn_at = open_hours.add_open_time(terms.hours, clock.since, warning)
            if warn_at is not None and warn_at < clock.due:
                yield warn_at, e.SlaWarned(name, clock.due)
        # At the moment itself the promise is still kept.
        yield clock.due + 1, e.SlaBreached(name, clock.due)


def announcement(conversation: Conversation, now: int, terms_of: TermsOf) -> e.SlaWarned | e.SlaBreached | None:
    """The next warning or breach that is to be recorded by now; None where there is none left.

    Each is there once: the event that it becomes takes it away.
    """
    if not conversation.sla_policy or not conversation.sla_next_at or conversation.sla_next_at > now:
        return None
    terms = terms_of(conversation.sla_policy, conversation.sla_hours)
    found = sorted(_announcements(read(conversation.sla_state), terms), key=lambda each: each[0])
    return found[0][1] if found and found[0][0] <= now else None


@dataclass(frozen=True, slots=True)
class Face:
    """What a screen shows of the clock that is due first. `state`: `running`, `warned`, `breached` or `paused`.

    `due_at` is 0 while it stands still; `paused_by` has the reasons that there are for it.
    """

    clock: str
    state: str
    due_at: int
    paused_by: tuple[str, ...] = ()


def face(conversation: Conversation) -> Face | None:
    """The clock to show; None where nothing is promised, or all that was is kept."""
    gone = conversation.merged_into or conversation.status in (Status.RESOLVED, Status.BOT)
    if not conversation.sla_clock or gone:
        return None
    state = read(conversation.sla_state)
    clock = state.clocks[conversation.sla_clock]
    if not clock.since:
        why = tuple(sorted(_holds(conversation, state)))
        return Face(conversation.sla_clock, "breached" if clock.breached else "paused", 0, why)
    says = "breached" if clock.breached else "warned" if clock.warned else "running"
    return Face(conversation.sla_clock, says, clock.due)


def choose(
    policies: Iterable[tuple[str, Policy]], conversation: Conversation, contact_fields: Mapping[str, str]
) -> str:
    """The version of the first policy, in their order, that covers a conversation; empty where none does."""
    return next((version for version, policy in policies if policy.covers(conversation, contact_fields)), "")


# --- to and from text -------------------------------------------------------------------------------------------------


def write(state: State) -> str:
    """As it rests in the conversation's row."""
    clocks = {
        name: [clock.used, clock.since, clock.due, int(clock.warned), int(clock.breached)]
        for name, clock in sorted(state.clocks.items())
    }
    marks = [name for name in ("answered", "owed", "theirs", "vendor") if getattr(state, name)]
    return json.dumps({"clocks": clocks, "marks": marks, "late": state.late}, separators=(",", ":"))


def read(text: str) -> State:
    """The inverse of `write`; an empty text is the state of a conversation without a promise."""
    if not text:
        return State()
    data = json.loads(text)
    return State(
        {name: Clock(*values[:3], *map(bool, values[3:])) for name, values in data["clocks"].items()},
        **dict.fromkeys(data["marks"], True),
        late=tuple((name, due) for name, due in data["late"]),
    )


def to_data(policy: Policy) -> dict[str, Any]:
    """As JSON values; targets in seconds."""
    return {
        "name": policy.name,
        "targets": {name: duration // SECOND for name, duration in policy.targets.items()},
        "pauses": sorted(policy.pauses),
        "warn_share": policy.warn_share,
        "inbox_ids": sorted(policy.inbox_ids),
        "team_ids": sorted(policy.team_ids),
        "priorities": sorted(policy.priorities),
        "contact_fields": dict(policy.contact_fields),
    }


def from_data(data: Mapping[str, Any]) -> Policy:
    """The inverse of `to_data`. Raises Refused, with field and rule, for what is no policy."""
    if not data["name"].strip():
        raise Refused("name", "must not be empty")
    targets = data["targets"]
    if not targets or not set(targets) <= set(CLOCKS):
        raise Refused("targets", f"must promise at least one of {', '.join(CLOCKS)}")
    if not all(60 <= seconds <= LONGEST for seconds in targets.values()):
        raise Refused("targets", "must be between a minute and a year, in seconds")
    if not set(data["pauses"]) <= set(PAUSES):
        raise Refused("pauses", f"must be of {', '.join(PAUSES)}")
    if not set(data["priorities"]) <= set(PRIORITIES):
        raise Refused("priorities", f"must be of {', '.join(PRIORITIES)}")
    if not 0 < data["warn_share"] < 1:
        raise Refused("warn_share", "must be between 0 and 1")
    return Policy(
        data["name"].strip(),
        {name: int(seconds) * SECOND for name, seconds in targets.items()},
        frozenset(data["pauses"]),
        data["warn_share"],
        frozenset(data["inbox_ids"]),
        frozenset(data["team_ids"]),
        frozenset(data["priorities"]),
        dict(data["contact_fields"]),
    )
