"""Which conversation a message belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.conversation import Conversation, Status
from hub.domain.matching import Match, Rule, match

WINDOW, REOPEN, NOW = 100, 300, 10_000


def held(status: Status, *, active: int = NOW, resolved: int = 0, name: str = "current") -> Conversation:
    return Conversation(name, status=status, last_activity_at=active, resolved_at=resolved)


def find(current: Conversation | None, threaded: Conversation | None = None) -> Match:
    return match(threaded=threaded, current=current, now=NOW, window=WINDOW, reopen_window=REOPEN)


def test_a_first_message_opens_a_conversation() -> None:
    assert find(None) == Match(Rule.NEW)


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        (held(Status.BOT, active=NOW - WINDOW), Match(Rule.WINDOW, "current")),
        (held(Status.BOT, active=NOW - WINDOW - 1), Match(Rule.NEW, previous_id="current")),
        (held(Status.WAITING, active=0), Match(Rule.WINDOW, "current")),
        (held(Status.ASSIGNED, active=0), Match(Rule.WINDOW, "current")),
        (held(Status.SNOOZED, active=0), Match(Rule.WINDOW, "current")),
        (held(Status.RESOLVED, resolved=NOW - REOPEN), Match(Rule.REOPENED, "current")),
        (held(Status.RESOLVED, resolved=NOW - REOPEN - 1), Match(Rule.NEW, previous_id="current")),
    ],
)
def test_without_a_thread_key_the_windows_decide(current: Conversation, expected: Match) -> None:
    assert find(current) == expected


@pytest.mark.parametrize(
    ("threaded", "expected"),
    [
        (held(Status.BOT, active=0, name="threaded"), Match(Rule.THREAD_KEY, "threaded")),
        (held(Status.RESOLVED, resolved=NOW - REOPEN, name="threaded"), Match(Rule.REOPENED, "threaded")),
        (held(Status.RESOLVED, resolved=NOW - REOPEN - 1, name="threaded"), Match(Rule.NEW, previous_id="threaded")),
    ],
)
def test_a_thread_key_goes_before_the_windows(threaded: Conversation, expected: Match) -> None:
    assert find(held(Status.ASSIGNED), threaded) == expected


CONVERSATIONS = st.builds(
    Conversation,
    id=st.sampled_from(["a", "b"]),
    status=st.sampled_from(Status),
    last_activity_at=st.integers(0, 2000),
    resolved_at=st.integers(0, 2000),
)


@given(
    threaded=st.none() | CONVERSATIONS,
    current=st.none() | CONVERSATIONS,
    now=st.integers(2000, 4000),
    window=st.integers(0, 3000),
    reopen_window=st.integers(0, 3000),
)
def test_whatever_there_is_a_message_lands_in_one_place_for_one_reason(
    threaded: Conversation | None, current: Conversation | None, now: int, window: int, reopen_window: int
) -> None:
    found = match(threaded=threaded, current=current, now=now, window=window, reopen_window=reopen_window)
    looked_at = threaded or current
    assert (found.rule is Rule.NEW) == (found.conversation_id == "")
    assert not (found.conversation_id and found.previous_id)
    if looked_at is None:
        assert found == Match(Rule.NEW)
        return
    assert looked_at.id in (found.conversation_id, found.previous_id)
    if found.rule is Rule.REOPENED:
        assert looked_at.status == Status.RESOLVED
        assert now - looked_at.resolved_at <= reopen_window
    if looked_at.status in (Status.WAITING, Status.ASSIGNED, Status.SNOOZED):
        assert found.conversation_id == looked_at.id, "nobody who waits for a person is split in two by time"
    if found.rule is Rule.THREAD_KEY:
        assert threaded is not None
    longer = match(threaded=threaded, current=current, now=now, window=window + 500, reopen_window=reopen_window + 500)
    assert longer.conversation_id or not found.conversation_id, "a longer window never opens a new one"
