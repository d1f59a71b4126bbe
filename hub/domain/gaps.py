"""What customers ask and nobody but a person could answer: groups of questions that mean the same, and what they cost.

A group costs the minutes that agents were busy with its conversations. Its saving is measured, not promised: minutes a
week before its article was published, less minutes a week that like questions still cost in the two weeks after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.domain.bot_policy import Action
from hub.domain.events import BotTurnDecided

DAY = 24 * 3_600_000_000
WEEK = 7 * DAY
# Of questions that are looked at, and after a publishing until the saving is told.
WINDOW = 4 * WEEK
MEASURED_AFTER = 2 * WEEK
# A question that came once is no gap yet.
LEAST_QUESTIONS = 2
# Why a person had to answer though somebody knew: no article would have spared it.
_NOT_FOR_ARTICLES = frozenset({"bot_timeout", "bot_error", "verification_failed", "lookup_failed", "refund", "billing"})
_NOT_FOR_ARTICLES |= {"change_address"}


@dataclass(frozen=True, slots=True)
class Group:
    """Texts that mean the same, by their places; `centre` is the place of the one most like the others, `words` say
    what they share and others have not."""

    places: tuple[int, ...]
    centre: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A message that only a person could answer. `reason`: `unanswered` (asked to say it otherwise), `handed_over`
    or `unhelpful` (an answer was given, and a person needed still). `handled` in microseconds of agents' time, shared
    by the conversation's questions."""

    message_id: str
    conversation_id: str
    at: int
    text: str
    language: str
    reason: str
    handled: int


def why_unanswered(turns: Sequence[BotTurnDecided], handed_over: str) -> Mapping[str, str]:
    """Which of a conversation's messages nobody answered, with the reason, by the message's id.

    Args:
        turns: the bot's, in their order, until a person had the conversation.
        handed_over: why it was handed over; empty where it was not.
    """
    if handed_over in _NOT_FOR_ARTICLES:
        return {}
    found: dict[str, str] = {}
    for turn in turns:
        if turn.action == Action.CLARIFY:
            found[turn.message_id] = "unanswered"
        elif turn.action == Action.HANDOFF and turn.reason == "not_understood":
            found[turn.message_id] = "handed_over"
        elif turn.action == Action.KNOWLEDGE and handed_over:
            found[turn.message_id] = "unhelpful"
    return found


def weekly(questions: Sequence[Question], since: int, until: int) -> float:
    """Minutes a week that questions between two times (microseconds) cost."""
    weeks = max((until - since) / WEEK, 1 / 7)
    return sum(each.handled for each in questions if since <= each.at < until) / 60e6 / weeks


def draft(title: str, answers: Sequence[str], most: int = 3) -> tuple[str, str]:
    """(title, text) of an article to begin with.

    Args:
        title: the question most like the others, as a customer wrote it.
        answers: what agents wrote to these customers, the best first.
        most: so many of them.
    """
    kept: list[str] = []
    for answer in answers:
        text = answer.strip()
        if text and all(_overlap(text, other) < 0.8 for other in kept):
            kept.append(text)
        if len(kept) == most:
            break
    line = " ".join(title.split())
    return (line[:1].upper() + line[1:])[:200], "\n\n".join(kept)


def _overlap(one: str, other: str) -> float:
    words, more = set(one.lower().split()), set(other.lower().split())
    return len(words & more) / max(1, min(len(words), len(more)))
