"""A conversation's states: every short schedule of commands, and what the fold may never do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import conversation as c
from hub.domain import events as e
from hub.domain.conversation import Conversation, Status, allowed, fold, require
from hub.domain.errors import AlreadyTaken, Conflict
from hub.domain.messages import Author
from tests.domain.test_events import EVENTS

LATER = 1_000_000

# What each command writes; the state before it decides nothing here, `require` does that.
COMMANDS: dict[str, tuple[str, tuple[e.Event, ...]]] = {
    "take": ("take", (e.Assigned("ana", "take"),)),
    "assign": ("assign", (e.Assigned("ben", "assign"),)),
    "transfer": ("transfer", (e.NoteAdded("n"), e.Transferred("team-two"))),
    "resolve": ("resolve", (e.Resolved(),)),
    "reopen": ("reopen", (e.Reopened("agent"),)),
    "snooze": ("snooze", (e.Snoozed(99 * LATER),)),
    "wake": ("wake", (e.Woken("time"),)),
    "hand_back": ("hand_back", (e.HandedBack(),)),
    "hand_over": (
        "hand_over",
        (e.HandedOver("not_understood", "team-one", "m"), e.MessageQueued("q", "i", "d", "paper", Author.SYSTEM)),
    ),
    "reply": ("reply", (e.MessageQueued("r", "i", "d", "paper", Author.AGENT),)),
    "note": ("note", (e.NoteAdded("n"),)),
    "recall_vendor": ("recall_vendor", (e.VendorRecalled("firm"),)),
    "bring_in": ("bring_in", (e.ColleagueAsked("b", "n"),)),
    "ask_vendor": ("ask_vendor", (e.VendorAsked("v", "firm", "i", "email"),)),
    "set_priority": ("set_priority", (e.PriorityChanged(4),)),
}
# Not commands: they happen whatever the state is.
HAPPENINGS: dict[str, tuple[e.Event, ...]] = {
    "bot_answers": (e.MessageQueued("b", "i", "d", "paper", Author.BOT),),
    "is_merged": (e.Merged("other"),),
    "is_parted": (e.MergeUndone("other", 1),),
}
RAISES_EPOCH = {"take", "assign", "transfer", "hand_back", "hand_over", "reply"}
DEPTH = 4


def opened(status: Status) -> Conversation:
    event = e.ConversationOpened(7, "contact", "i", "d", "paper", status, "team-one", "en")
    return fold(Conversation("x"), e.Recorded(1, "x", 1, LATER, e.SYSTEM, event))


def write(state: Conversation, events: tuple[e.Event, ...]) -> Conversation:
    for event in events:
        number = state.sequence + 1
        state = fold(state, e.Recorded(100 + number, "x", number, number * LATER, e.SYSTEM, event))
    return state


def customer_writes(state: Conversation) -> Conversation:
    """As `hub.services.inbound` does it: a message wakes and reopens."""
    if state.status == Status.RESOLVED:
        state = write(state, (e.Reopened("message"),))
    elif state.status == Status.SNOOZED:
        state = write(state, (e.Woken("message"),))
    return write(state, (e.MessageReceived("m", "i2", "d2", "webchat", "window"),))


def steps(state: Conversation) -> Iterator[tuple[str, Conversation]]:
    """Everything that can happen now."""
    for name, (command, events) in COMMANDS.items():
        if allowed(state, command):
            yield name, write(state, events)
        else:
            with pytest.raises(Conflict):
                require(state, command)
    for name, events in HAPPENINGS.items():
        yield name, write(state, events)
    if not state.merged_into:  # its routes lead to the other one
        yield "customer_writes", customer_writes(state)


def check(path: tuple[str, ...], before: Conversation, after: Conversation) -> None:
    step = path[-1]
    assert (after.status == Status.WAITING) == (after.waiting_since > 0), path
    assert (after.status == Status.SNOOZED) == (after.snoozed_until > 0), path
    assert (after.status == Status.RESOLVED) == (after.resolved_at > 0), path
    if after.status == Status.ASSIGNED:
        assert after.assignee_id, path
    if after.status in (Status.BOT, Status.WAITING):
        assert not after.assignee_id, path
    rise = after.turn_owner_epoch - before.turn_owner_epoch
    assert rise == (1 if step in RAISES_EPOCH else 0), path
    if step not in ("is_merged", "is_parted"):
        assert after.merged_into == before.merged_into, path
    if before.merged_into:
        assert not any(allowed(before, command) for command, _ in COMMANDS.values()), path
    assert after.sequence > before.sequence, path
    assert after.last_activity_at >= before.last_activity_at, path


def with_people(path: tuple[str, ...], first: Status) -> bool:
    """Whether people had the conversation since the bot last did: from the schedule alone."""
    has = first == Status.WAITING
    for step in path:
        has = (has or step in ("take", "assign", "transfer", "hand_over")) and step != "hand_back"
    return has


@pytest.mark.parametrize("first", [Status.BOT, Status.WAITING])
def test_every_short_schedule_keeps_the_states_sound(first: Status) -> None:
    seen, paths = set(), 0
    layer: dict[Conversation, tuple[str, ...]] = {opened(first): ()}
    for _ in range(DEPTH):
        following: dict[Conversation, tuple[str, ...]] = {}
        for state, path in layer.items():
            for name, after in steps(state):
                paths += 1
                walked = (*path, name)
                check(walked, state, after)
                # What was given to people stays theirs until they give it back, however it slept or was closed.
                if with_people(walked, first):
                    assert after.status != Status.BOT, walked
                else:
                    assert after.status in (Status.BOT, Status.RESOLVED), walked
                seen.add(after.status)
                following.setdefault(after, walked)
        layer = following
    assert seen == set(Status)
    assert paths > 2000


def test_the_bot_has_it_again_after_hand_back_and_nothing_of_before_counts() -> None:
    state = write(opened(Status.BOT), (e.BotTurnDecided("m", "clarify", "", "", 0, 0, 1, (), "", "", ""),))
    assert state.bot_misses == 1
    state = write(state, COMMANDS["hand_over"][1] + COMMANDS["take"][1] + COMMANDS["hand_back"][1])
    assert (state.status, state.bot_misses, state.assignee_id, state.handed_over_event) == (Status.BOT, 0, "", 0)
    state = write(state, (e.Resolved(), e.Reopened("message")))
    assert state.status == Status.BOT


@pytest.mark.parametrize("sleep", ["snooze", "resolve"])
def test_a_conversation_goes_back_to_its_agent_else_to_the_queue(sleep: str) -> None:
    asleep = COMMANDS[sleep][1]
    handed = write(opened(Status.BOT), COMMANDS["hand_over"][1])
    assert write(handed, (*asleep, e.Woken("time"))).status == Status.WAITING
    assert write(handed, (*COMMANDS["take"][1], *asleep, e.Reopened("message"))).status == Status.ASSIGNED
    without_bot = opened(Status.WAITING)
    assert write(without_bot, (*asleep, e.Woken("time"))).status == Status.WAITING
    transferred = write(opened(Status.BOT), COMMANDS["transfer"][1])
    assert write(transferred, (*asleep, e.Woken("time"))).status == Status.WAITING


def test_a_transfer_keeps_the_place_of_the_bots_handoff() -> None:
    handed = write(opened(Status.BOT), COMMANDS["hand_over"][1])
    moved = write(handed, COMMANDS["transfer"][1])
    assert moved.handed_over_event == handed.handed_over_event > 0
    assert moved.waiting_since > handed.waiting_since


def test_resolving_clears_what_is_open_and_keeps_who_had_it() -> None:
    state = write(customer_writes(opened(Status.BOT)), (*COMMANDS["take"][1], *COMMANDS["snooze"][1], e.Resolved()))
    assert (state.status, state.assignee_id) == (Status.RESOLVED, "ana")
    assert (state.unread, state.bot_misses, state.snoozed_until, state.waiting_since) == (0, 0, 0, 0)
    assert state.resolved_at > 0


def test_unread_counts_the_customer_until_somebody_answers() -> None:
    state = customer_writes(customer_writes(opened(Status.BOT)))
    assert state.unread == 2
    assert write(state, COMMANDS["hand_over"][1]).unread == 2, "the notice of the queue is no answer"
    assert write(state, COMMANDS["note"][1]).unread == 2
    assert write(state, COMMANDS["reply"][1]).unread == 0
    assert write(state, HAPPENINGS["bot_answers"]).unread == 0


def test_replies_go_where_the_customer_last_wrote() -> None:
    state = customer_writes(opened(Status.BOT))
    assert (state.inbox_id, state.identity_id, state.channel) == ("i2", "d2", "webchat")
    assert write(state, COMMANDS["reply"][1]).channel == "webchat"


def test_details() -> None:
    state = write(
        opened(Status.BOT),
        (e.PriorityChanged(3), e.LanguageSet("es"), e.IdentityVerified("verified", "bot_form"), e.MovedToContact("b")),
    )
    assert (state.priority, state.language, state.contact_id) == (3, "es", "b")
    assert (state.verified_level, state.verified_by) == ("verified", "bot_form")


def test_who_is_too_late_is_told_that_another_agent_has_it() -> None:
    taken = write(opened(Status.BOT), COMMANDS["take"][1])
    with pytest.raises(AlreadyTaken, match="7"):
        require(taken, "take")
    with pytest.raises(Conflict, match="merged into other"):
        require(write(taken, (e.Merged("other"),)), "take")
    with pytest.raises(Conflict, match="cannot hand over a conversation that is assigned"):
        require(taken, "hand_over")


def test_every_command_names_states_that_exist() -> None:
    assert {command for command, _ in COMMANDS.values()} == set(c._ALLOWED)
    for states in c._ALLOWED.values():
        assert states
        assert states <= set(Status)


STATES = st.builds(
    Conversation,
    id=st.just("x"),
    status=st.sampled_from(Status),
    assignee_id=st.sampled_from(["", "ana"]),
    merged_into=st.sampled_from(["", "other"]),
    unread=st.integers(0, 3),
    bot_misses=st.integers(0, 1),
    turn_owner_epoch=st.integers(0, 9),
    handed_over_event=st.integers(0, 1),
)


@given(state=STATES, event=EVENTS, number=st.integers(1, 10**6))
def test_the_fold_takes_every_event_in_every_state(state: Conversation, event: e.Event, number: int) -> None:
    after = fold(state, e.Recorded(number, "x", number, number, e.SYSTEM, event))
    assert after.sequence == number
    assert after.id == state.id
    assert after.turn_owner_epoch >= state.turn_owner_epoch
    assert fold(state, e.Recorded(number, "x", number, number, e.SYSTEM, event)) == after


@given(state=STATES)
def test_events_that_the_fold_does_not_know_change_only_the_sequence(state: Conversation) -> None:
    class Unheard(e.Event):
        stream = "conversation"

    for event in (Unheard(), e.BotTurnDropped("m"), e.NoteAdded("n"), e.Absorbed("o"), e.RouteMoved("i", "d", "k")):
        assert fold(state, e.Recorded(5, "x", 5, 5, e.SYSTEM, event)) == replace(state, sequence=5)


def test_a_conversations_fields_have_defaults_that_mean_not_set() -> None:
    for field in fields(Conversation):
        if field.name != "id":
            assert getattr(Conversation("x"), field.name) in (0, "", "none", Status.BOT)


def test_answers_go_where_the_last_segment_is_and_lists_show_what_stayed() -> None:
    first = e.MessageReceived("m1", "inbox-1", "i1", "webchat", "new")
    second = e.MessageReceived("m2", "inbox-2", "i2", "sms", "window")
    state = write(opened(Status.BOT), (first, e.SegmentBegan("inbox-2", "i2", "sms")))
    assert (state.inbox_id, state.identity_id, state.channel) == ("inbox-2", "i2", "sms")
    state = write(state, (second,))
    parted = write(state, (e.MessagesMovedOut("x", ("m2",), "m1"), e.SegmentBegan("inbox-1", "i1", "webchat")))
    assert (parted.last_message_id, parted.identity_id) == ("m1", "i1")
    assert write(state, (e.MessagesMovedOut("x", ("m1",), "m2"),)).last_message_id == "m2"
    older = e.MessagesMovedOut("x", ("m2",))
    assert write(state, (older,)).last_message_id == "m2", "an older log does not say what stayed"
