"""Agents' time, read from the log."""

from __future__ import annotations

import pytest

from hub.domain import events as e
from hub.domain.handling import LONGEST_STRETCH, MINUTE, handling
from hub.domain.messages import Author

ANA = e.Actor(Author.AGENT, "ana")
TAKEN = e.Assigned("ana", "take")
SAYS = e.MessageQueued("m", "i", "x", "sms", "agent")
WRITES = e.MessageReceived("m", "i", "x", "sms", "new")


def log(*steps: tuple[float, e.Event]) -> list[e.Recorded]:
    """Events at minutes."""
    return [
        e.Recorded(n, "c", n, int(minute * MINUTE), ANA if event is SAYS else e.SYSTEM, event)
        for n, (minute, event) in enumerate(steps, 1)
    ]


@pytest.mark.parametrize(
    ("steps", "minutes"),
    [
        ([], 0),
        ([(1, WRITES), (5, e.Resolved())], 0),
        ([(1, TAKEN), (5, SAYS), (6, e.Resolved()), (99, WRITES)], 5),
        ([(1, TAKEN), (60, SAYS), (61, e.Resolved())], 11),
        ([(1, SAYS), (3, e.Snoozed(0)), (30, TAKEN), (32, e.HandedBack())], 4),
        ([(1, TAKEN), (2, e.Transferred("t")), (9, WRITES), (12, TAKEN), (13, e.Resolved())], 2),
        ([(1, TAKEN)], 0),
    ],
    ids=["nothing", "nobody", "once", "waiting", "snoozed", "transferred", "still-open"],
)
def test_time_counts_while_somebody_has_it(steps: list[tuple[float, e.Event]], minutes: float) -> None:
    assert handling(log(*steps)) == minutes * MINUTE
    assert LONGEST_STRETCH == 10 * MINUTE
