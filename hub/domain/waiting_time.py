"""How long somebody in the queue is going to wait, told from how fast the queue has moved of late."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

# So many of the last answers are looked at, and with fewer gaps nothing is told.
MOST_ANSWERS, LEAST_GAPS = 100, 5
# Nothing is told from what is older: microseconds.
OLDEST = 2 * 3_600_000_000


def estimate(place: int, answers: Sequence[tuple[int, int]], now: int) -> int | None:
    """The wait of whoever is at a place in the queue, 1 = next.

    Only gaps between two answers count during which the second one was waiting already: how long nobody came says
    nothing of how fast the queue moves. The wait is the place times their mean.

    Args:
        place: in the queue.
        answers: (waiting since, answered at) of conversations that somebody got, in the order of their answers;
            microseconds since 1970 UTC.
        now: the same.

    Returns:
        microseconds; None where too little is known.
    """
    recent = [each for each in answers if each[1] > now - OLDEST]
    gaps = [answered - before for (_, before), (since, answered) in pairwise(recent) if since <= before]
    if len(gaps) < LEAST_GAPS:
        return None
    return place * sum(gaps) // len(gaps)
