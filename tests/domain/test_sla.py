"""Promises and their clocks: the facts sheet's example, and a slow reference that goes through every second."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain import events as e
from hub.domain import hours as open_hours
from hub.domain import sla
from hub.domain.conversation import Conversation, Status, fold
from hub.domain.errors import Refused
from hub.domain.hours import MINUTE, Hours, Window
from hub.domain.messages import Author
from hub.domain.sla import FIRST_RESPONSE, NEXT_RESPONSE, RESOLUTION

HOUR = 60 * MINUTE
POLICY = sla.Policy("Standard", {FIRST_RESPONSE: 30 * MINUTE, NEXT_RESPONSE: 60 * MINUTE, RESOLUTION: 8 * HOUR})
# Open from 08:00 to 10:00 and from 11:00 to 18:00 each day, in UTC.
OFFICE = Hours("UTC", ((Window(480, 600), Window(660, 1080)),) * 7)
TERMS = {
    ("standard", ""): sla.Terms(POLICY),
    ("standard", "office"): sla.Terms(POLICY, OFFICE),
    ("strict", ""): sla.Terms(replace(POLICY, pauses=frozenset(), targets={FIRST_RESPONSE: 10 * MINUTE})),
}
START = 500 * MINUTE  # 08:20 of a day

OPENED = e.ConversationOpened(7, "contact", "inbox", "identity", "paper", Status.WAITING, "team", "en")
ASKED = e.MessageReceived("m", "inbox", "identity", "paper", "window")
ANSWERED = e.MessageQueued("m", "inbox", "identity", "paper", Author.AGENT.value)
BY_BOT = e.MessageQueued("m", "inbox", "identity", "paper", Author.BOT.value)
APPLIED = e.SlaPolicyApplied("standard", "")


def terms_of(policy_id: str, hours_id: str) -> sla.Terms:
    return TERMS[policy_id, hours_id]


class Told:
    """A conversation whose story is told event by event, at times in minutes after the start."""

    def __init__(self, *, hours_id: str = "", status: str = Status.WAITING) -> None:
        self.conversation = Conversation("c")
        self.events: list[e.Recorded] = []
        self.tell(0, replace(OPENED, status=status), e.SlaPolicyApplied("standard", hours_id))

    def tell(self, minute: float, *events: e.Event) -> Told:
        at = START + round(minute * MINUTE)
        for event in events:
            number = len(self.events) + 1
            recorded = e.Recorded(number, "c", number, at, e.SYSTEM, event)
            self.events.append(recorded)
            before = self.conversation
            self.conversation = sla.project(before, fold(before, recorded), recorded, terms_of)
        return self

    def sweep(self, minute: float) -> list[tuple[str, str, float]]:
        """What the sweeper announces then: (kind, clock, minute at which it was due)."""
        found = []
        while event := sla.announcement(self.conversation, START + round(minute * MINUTE), terms_of):
            self.tell(minute, event)
            found.append((type(event).__name__, event.clock, (event.due_at - START) / MINUTE))
        return found

    def due(self) -> tuple[str, float]:
        return self.conversation.sla_clock, (self.conversation.sla_due_at - START) / MINUTE

    def face(self) -> sla.Face | None:
        return sla.face(self.conversation)


def test_the_first_answer_of_a_person_keeps_the_first_promise() -> None:
    told = Told().tell(0, ASKED)
    assert told.due() == (FIRST_RESPONSE, 30)
    assert told.tell(1, BY_BOT).due() == (FIRST_RESPONSE, 30)
    told.tell(12, ANSWERED)
    assert told.conversation.sla_due_at == 0  # the resolution waits for the customer
    assert told.tell(20, ASKED).due() == (NEXT_RESPONSE, 80)
    assert told.tell(21, ASKED).due() == (NEXT_RESPONSE, 80)  # further messages do not begin it again
    told.tell(30, ANSWERED).tell(31, ANSWERED)
    assert told.sweep(10_000) == []


def test_the_bots_time_does_not_count() -> None:
    told = Told(status=Status.BOT).tell(0, ASKED).tell(5, BY_BOT)
    assert told.conversation.sla_clock == ""
    assert told.tell(100, e.HandedOver("asked", "team", "m")).due() == (FIRST_RESPONSE, 130)
    told.tell(110, e.HandedBack())
    assert told.sweep(10_000) == []
    assert told.tell(200, e.HandedOver("asked", "team", "m")).due() == (FIRST_RESPONSE, 230)


def test_only_open_hours_count() -> None:
    told = Told(hours_id="office").tell(0, ASKED)  # 08:20
    assert told.due() == (FIRST_RESPONSE, 30)
    late = Told(hours_id="office").tell(90, ANSWERED, ASKED)  # 09:50: ten minutes until closing
    assert late.due() == (NEXT_RESPONSE, 90 + 10 + 60 + 50)


def test_a_warning_and_a_breach_come_once_each() -> None:
    told = Told().tell(0, ASKED)
    assert told.sweep(23.9) == []
    assert told.sweep(24) == [("SlaWarned", FIRST_RESPONSE, 30)]
    assert told.sweep(30) == []  # in time is in time
    assert told.sweep(30.1) == [("SlaBreached", FIRST_RESPONSE, 30)]
    assert told.sweep(60) == []
    assert told.conversation.sla_breached
    assert told.face() == sla.Face(FIRST_RESPONSE, "breached", START + 30 * MINUTE)
    told.tell(61, ANSWERED)
    assert not told.conversation.sla_breached
    assert told.sweep(1000) == []


def test_after_a_long_silence_both_come_once() -> None:
    told = Told().tell(0, ASKED)
    found = told.sweep(5000)
    assert sorted(found) == sorted(
        [
            ("SlaWarned", FIRST_RESPONSE, 30.0),
            ("SlaBreached", FIRST_RESPONSE, 30.0),
            ("SlaWarned", RESOLUTION, 480.0),
            ("SlaBreached", RESOLUTION, 480.0),
        ]
    )
    assert told.sweep(6000) == []


def test_an_answer_that_came_too_late_while_nobody_looked_is_a_breach_all_the_same() -> None:
    told = Told().tell(0, ASKED).tell(31, ANSWERED).tell(40, ASKED).tell(101, ANSWERED)
    assert told.sweep(102) == [("SlaBreached", FIRST_RESPONSE, 30), ("SlaBreached", NEXT_RESPONSE, 100)]
    assert told.sweep(103) == []


def test_a_clock_that_waits_for_the_customer_or_sleeps_stands_still() -> None:
    told = Told().tell(0, ASKED).tell(10, ANSWERED)
    assert told.face() == sla.Face(RESOLUTION, "paused", 0, ("customer",))
    told.tell(310, ASKED)
    told.tell(320, e.Snoozed(START + 999 * MINUTE))
    assert told.face() == sla.Face(NEXT_RESPONSE, "paused", 0, ("snoozed",))
    assert told.tell(500, e.Woken("time")).due() == (NEXT_RESPONSE, 550)


def test_while_an_outside_firm_is_asked_the_clocks_stand_still() -> None:
    told = Told().tell(0, ASKED).tell(10, e.VendorAsked("v", "vendor", "inbox", "email"))
    assert told.face() == sla.Face(FIRST_RESPONSE, "paused", 0, ("vendor",))
    told.tell(20, e.VendorAnswered("v", "vendor", "inbox", "email", "token", robot="auto_reply"))
    assert told.sweep(10_000) == []
    assert told.tell(100, e.VendorAnswered("v", "vendor", "inbox", "email", "token")).due() == (FIRST_RESPONSE, 120)


def test_a_reopened_conversation_goes_on_with_what_it_had() -> None:
    told = Told().tell(0, ASKED).tell(10, ANSWERED, ASKED).tell(60, e.Resolved())
    assert told.face() is None
    assert told.sweep(9_000) == []
    told.tell(1000, e.Reopened("message"), ASKED)
    assert told.due() == (NEXT_RESPONSE, 1060)
    told.tell(1001, ANSWERED, ASKED, e.Transferred("other"))
    state = sla.read(told.conversation.sla_state)
    assert state.clocks[RESOLUTION].due == START + (1001 + 480 - 60 - 1) * MINUTE


def test_other_terms_take_over_what_was_used() -> None:
    told = Told().tell(0, ASKED).tell(4, e.PriorityChanged(4), e.SlaPolicyApplied("strict", ""))
    assert told.due() == (FIRST_RESPONSE, 10)
    told.tell(5, e.SlaPolicyApplied("", ""))
    assert told.conversation.sla_due_at == 0
    assert told.conversation.sla_state == ""
    assert told.sweep(1000) == []


def test_a_breach_that_nobody_saw_is_not_forgotten_by_new_terms() -> None:
    told = Told().tell(0, ASKED).tell(31, e.SlaPolicyApplied("strict", ""))
    assert ("SlaBreached", FIRST_RESPONSE, 30) in told.sweep(32)


def test_machines_and_words_about_consent_owe_nobody_an_answer() -> None:
    told = Told().tell(0, ASKED).tell(1, ANSWERED)
    told.tell(2, replace(ASKED, robot="auto_reply"), replace(ASKED, consent="stop"))
    assert told.conversation.sla_due_at == 0


@pytest.mark.parametrize(
    ("policy", "covered"),
    [
        (POLICY, True),
        (replace(POLICY, inbox_ids=frozenset({"inbox"}), team_ids=frozenset({"team"})), True),
        (replace(POLICY, inbox_ids=frozenset({"other"})), False),
        (replace(POLICY, team_ids=frozenset({"other"})), False),
        (replace(POLICY, priorities=frozenset({"none"})), True),
        (replace(POLICY, priorities=frozenset({"urgent"})), False),
        (replace(POLICY, contact_fields={"contract": "gold"}), True),
        (replace(POLICY, contact_fields={"contract": "silver"}), False),
    ],
)
def test_the_first_policy_that_covers_it_counts(policy: sla.Policy, covered: bool) -> None:
    conversation = Told().conversation
    chosen = sla.choose([("this", policy), ("last", POLICY)], conversation, {"contract": "gold"})
    assert chosen == ("this" if covered else "last")
    assert sla.choose([], conversation, {}) == ""


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"targets": {}}, "targets"),
        ({"targets": {"lunch": 600}}, "targets"),
        ({"targets": {FIRST_RESPONSE: 5}}, "targets"),
        ({"pauses": ["weather"]}, "pauses"),
        ({"priorities": ["highest"]}, "priorities"),
        ({"warn_share": 1.0}, "warn_share"),
    ],
)
def test_bad_policies_are_refused_with_field_and_rule(change: dict[str, object], field: str) -> None:
    assert sla.from_data(sla.to_data(POLICY)) == POLICY
    with pytest.raises(Refused) as refused:
        sla.from_data(sla.to_data(POLICY) | change)
    assert refused.value.field == field


# --- against a slow reference -----------------------------------------------------------------------------------------

STORY: st.SearchStrategy[list[e.Event]] = st.lists(
    st.sampled_from(
        [
            ASKED,
            ANSWERED,
            BY_BOT,
            e.HandedOver("asked", "team", "m"),
            e.HandedBack(),
            e.Assigned("ana", "take"),
            e.Transferred("other"),
            e.Snoozed(1),
            e.Woken("time"),
            e.Resolved(),
            e.Reopened("agent"),
            e.Merged("other"),
            e.MergeUndone("other", 1),
            e.LanguageSet("es"),
        ]
    ),
    max_size=14,
)


def _wants(story: list[e.Recorded]) -> tuple[Conversation, bool, bool, bool]:
    """(conversation, answered, owed, customer's turn) after a story, each found by itself from the whole of it."""
    state = Conversation("c")
    for recorded in story:
        state = fold(state, recorded)
    kinds = [each.event for each in story]
    answers = [i for i, event in enumerate(kinds) if event == ANSWERED]
    last_answer = answers[-1] if answers else -1
    ends = [i for i, event in enumerate(kinds) if isinstance(event, e.Resolved | e.HandedBack)]
    asked = [i for i, event in enumerate(kinds) if event == ASKED]
    owed = bool(asked) and asked[-1] > max([last_answer, *ends])
    theirs = bool(answers) and not any(i > last_answer for i in asked)
    return state, bool(answers), owed, theirs


def _reference(story: list[e.Recorded], hours: Hours, now: int) -> dict[str, int]:
    """The open time that each clock that is there has used by `now`."""
    used: dict[str, int] = {}
    for done, (begin, end) in enumerate(pairwise([*(each.at for each in story), now]), 1):
        state, answered, owed, theirs = _wants(story[:done])
        with_bot = state.status == Status.BOT
        away = bool(state.merged_into) or state.status in (Status.BOT, Status.RESOLVED)
        asleep = state.status == Status.SNOOZED
        there = {
            FIRST_RESPONSE: not answered and not with_bot,
            NEXT_RESPONSE: answered and owed and not with_bot,
            RESOLUTION: RESOLUTION in used or not with_bot,
        }
        runs = {
            FIRST_RESPONSE: not (away or asleep),
            NEXT_RESPONSE: not (away or asleep),
            RESOLUTION: not (away or asleep or theirs),
        }
        for name, is_there in there.items():
            if not is_there:
                used.pop(name, None)
                continue
            used.setdefault(name, 0)
            if runs[name]:
                used[name] += open_hours.open_time_between(hours, begin, end)
    return used


@settings(max_examples=80)
@given(events=STORY, gaps=st.lists(st.integers(0, 200), min_size=15, max_size=15), office=st.booleans())
def test_the_clocks_are_what_the_whole_story_says(events: list[e.Event], gaps: list[int], office: bool) -> None:
    told, minute = Told(hours_id="office" if office else ""), 0
    hours = OFFICE if office else open_hours.ALWAYS
    announced: list[tuple[str, str, float]] = []
    plain = list(told.events)
    for event, gap in zip(events, gaps, strict=False):
        minute += gap
        told.tell(minute, event)
        plain.append(told.events[-1])
        if gap % 3 == 0:
            announced += told.sweep(minute)
        now = START + minute * MINUTE
        clocks = sla.read(told.conversation.sla_state).clocks
        used = _reference(plain, hours, now)
        assert clocks.keys() == used.keys()
        for name, clock in clocks.items():
            running = open_hours.open_time_between(hours, clock.since, now) if clock.since else 0
            assert clock.used + running == used[name]
            target = POLICY.targets[name]
            if clock.since and used[name] < target:
                assert clock.due == open_hours.add_open_time(hours, now, target - used[name])
    announced += told.sweep(minute + 100_000)
    assert len(set(announced)) == len(announced)
    assert told.sweep(minute + 100_001) == []


def test_a_state_is_read_back_as_it_was_written() -> None:
    for told in (Told().tell(0, ASKED), Told().tell(0, ASKED).tell(31, ANSWERED)):
        assert sla.write(sla.read(told.conversation.sla_state)) == told.conversation.sla_state
