"""What would have happened: closed conversations replayed through the rules that decide live (`bot_policy.decide`).

What the bot said is taken from the log, as it was: a backtest tells what other articles, thresholds and rules would
have changed, not what another bot would. The log tells of a reply that the bot was not sure of no more than its intent,
so a lower threshold for intents gives no answer that was never written.

A conversation is followed until the replay hands it to a person; what its customer wrote after that, they wrote to a
person. Where the replay asks for other words and the log did not, nobody knows what they would have written: the
conversation then ends as it did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from hub.domain import bot_policy, intervals
from hub.domain.bot_policy import Action, BotFailure, Decision, Policy, Thresholds
from hub.domain.events import BotTurnDecided
from hub.domain.intervals import Interval
from hub.domain.knowledge import BotMessage, BotReply, FoundAnswer, SearchResult
from hub.domain.messages import LETTERS, Button

# Troubleshooting goes on as it did: its questions follow from each other, not from articles or thresholds.
_GUIDED = frozenset({"guide_question", "guide_solution", "guide_solved", "guide_given_up"})
_BY_RULE = frozenset({"not_understood", "needs_dialogue", "verification_failed"})


@dataclass(frozen=True, slots=True)
class Turn:
    """A customer's message as the log has its turn. `right` is the article that somebody confirmed for it, if any."""

    text: str
    language: str
    channel: str
    inbox_id: str
    decided: BotTurnDecided
    right: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """A closed conversation. `handed_over` is the reason for which the bot gave it to a person, empty where it did not;
    `unhelpful`: the customer said that an answer did not help; `handled` in microseconds of agents' time.

    `turns` are those until it was first handed over.
    """

    conversation_id: str
    ticket_number: int
    turns: tuple[Turn, ...]
    handed_over: str
    unhelpful: bool
    handled: int


@dataclass(frozen=True, slots=True)
class Change:
    """What is tried. `thresholds` are fields of `Thresholds` by name, in place of each inbox's own; `policy` is None
    where each inbox's own stays."""

    thresholds: Mapping[str, float]
    policy: Policy | None = None


@dataclass(frozen=True, slots=True)
class End:
    """How a conversation ended for its customer: `answered` by bot or article and by nobody else, `handed_over`,
    how probable it is that they were told something `wrong`, and the agents' time, microseconds. `said`: by what."""

    answered: bool
    handed_over: bool
    wrong: float
    handled: float
    said: str
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Replayed:
    """`question` is the message at which the two part, or the first."""

    conversation_id: str
    ticket_number: int
    question: str
    before: End
    after: End

    @property
    def what(self) -> str:
        """What the change means for this conversation."""
        if self.after.handed_over != self.before.handed_over:
            return "newly_handed_over" if self.after.handed_over else "newly_answered"
        return "other_answer" if self.after.said != self.before.said else "same"


@dataclass(frozen=True, slots=True)
class Figure:
    before: Interval
    after: Interval
    difference: Interval


@dataclass(frozen=True, slots=True)
class Report:
    """`figures` are `answered`, `handed_over` (shares of all conversations), `wrong` (expected share) and `minutes` (of
    agents, per conversation)."""

    conversations: int
    turns: int
    figures: Mapping[str, Figure]
    changed: tuple[Replayed, ...]


def said_then(decided: BotTurnDecided, text: str) -> BotReply | BotFailure:
    """What the bot brought to a turn, as far as the log has it (see the module)."""
    if decided.bot_model.startswith("none: "):
        return BotFailure(decided.bot_model.removeprefix("none: "))
    action, reason = decided.action, decided.reason
    messages: tuple[BotMessage, ...] = ()
    if action == Action.BOT:
        messages = (BotMessage(""),)
    elif reason == "needs_dialogue":
        messages = (BotMessage("", (Button("", ""),)),)
    by_rule = reason in _BY_RULE or (reason == "customer_asked" and bot_policy.asks_for_person(text))
    by_bot = action == Action.HANDOFF and (not by_rule or decided.intent == "ask_human")
    return BotReply(
        messages,
        decided.intent,
        decided.intent_confidence,
        handoff_reason=reason if by_bot else "",
        in_form=reason == "form",
        verification_failed=action == Action.HANDOFF and reason == "verification_failed",
    )


def found_then(decided: BotTurnDecided, language: str) -> SearchResult | None:
    """What the search brought to a turn; None where it was not asked or did not answer in time."""
    if not decided.knowledge_model:
        return None
    answers = tuple(
        FoundAnswer(each.article_id, each.version, each.locale, each.label, "", each.score, each.score)
        for each in decided.tried
        if each.source == "knowledge_base"
    )
    return SearchResult(answers, language, decided.knowledge_model, decided.calibration)


def replay(
    past: Sequence[Past],
    *,
    find: Callable[[Turn], SearchResult | None],
    rules: Mapping[str, tuple[Thresholds, Policy]],
    change: Change,
) -> Report:
    """Replays conversations and compares.

    Args:
        past: what happened.
        find: what the search brings to a turn now.
        rules: each inbox's own, by its id.
        change: what is tried.
    """
    cost = fmean([each.handled for each in past if each.handed_over] or [0])
    replayed = [_replayed(each, find, rules, change, cost) for each in past]
    before, after = [each.before for each in replayed], [each.after for each in replayed]
    figures = {
        "answered": _shares([each.answered for each in before], [each.answered for each in after]),
        "handed_over": _shares([each.handed_over for each in before], [each.handed_over for each in after]),
        "wrong": _means([each.wrong for each in before], [each.wrong for each in after]),
        "minutes": _means([each.handled / 60e6 for each in before], [each.handled / 60e6 for each in after]),
    }
    changed = tuple(each for each in replayed if each.what != "same")
    return Report(len(past), sum(len(each.turns) for each in past), figures, changed)


def _shares(before: list[bool], after: list[bool]) -> Figure:
    one, other = (intervals.share(sum(each), len(each)) for each in (before, after))
    return Figure(one, other, intervals.share_difference(before, after))


def _means(before: list[float], after: list[float]) -> Figure:
    return Figure(*intervals.means([before, after, [new - old for old, new in zip(before, after, strict=True)]]))


def _rules(turn: Turn, rules: Mapping[str, tuple[Thresholds, Policy]], change: Change) -> tuple[Thresholds, Policy]:
    thresholds, policy = rules.get(turn.inbox_id, (Thresholds(), bot_policy.POLICY))
    thresholds = replace(thresholds, **change.thresholds)
    if turn.channel in LETTERS:
        thresholds = replace(thresholds, knowledge=thresholds.mail, intent=thresholds.mail_intent)
    return thresholds, change.policy or policy


def _replayed(
    past: Past,
    find: Callable[[Turn], SearchResult | None],
    rules: Mapping[str, tuple[Thresholds, Policy]],
    change: Change,
    cost: float,
) -> Replayed:
    before = _before(past)
    misses, parted = 0, past.turns[0].text if past.turns else ""
    given: list[tuple[str, float, float]] = []  # (what was said, how probably it is wrong, how sure it was)
    handed_over, same, clarified = "", True, ""
    for turn in past.turns:
        if turn.decided.reason in _GUIDED:
            given += [(said, before.wrong, 1.0) for said in (_said(turn.decided),) if said]
            handed_over = past.handed_over if turn.decided.action == Action.HANDOFF else ""
            continue
        thresholds, policy = _rules(turn, rules, change)
        bot = said_then(turn.decided, turn.text)
        spent = isinstance(bot, BotFailure) and bot.reason == "not_by_mail"
        decision = bot_policy.decide(
            text=turn.text,
            bot=bot,
            knowledge=None if spent else find(turn),
            thresholds=thresholds,
            misses=misses,
            by_mail=turn.channel in LETTERS,
            policy=policy,
        )
        misses = decision.misses
        asks = decision.action not in (Action.BOT, Action.KNOWLEDGE, Action.HANDOFF)
        clarified = turn.decided.message_id if asks else ""
        then, now = _said(turn.decided), _says(decision, bot)
        if same and (then, turn.decided.action) != (now, decision.action):
            same, parted = False, turn.text
        if decision.action is Action.HANDOFF:
            handed_over = decision.reason
            break
        if now:
            given.append((now, before.wrong if then == now else _wrong(turn, decision), _confidence(decision, bot)))
    if same:
        return Replayed(past.conversation_id, past.ticket_number, parted, before, before)
    last = past.turns[-1].decided
    if not handed_over and last.action == Action.HANDOFF and clarified == last.message_id:
        handed_over = past.handed_over
    wrong = max((each[1] for each in given), default=0.0)
    if handed_over:
        handled = float(past.handled) if past.handed_over else cost
        said = f"handoff:{handed_over}"
    else:
        handled = past.handled * wrong if past.handed_over else float(past.handled)
        said = given[-1][0] if given else ""
    confidence = given[-1][2] if given else 0.0
    after = End(bool(given) and not handed_over, bool(handed_over), wrong, handled, said, confidence)
    return Replayed(past.conversation_id, past.ticket_number, parted, before, after)


def _before(past: Past) -> End:
    given = [said for turn in past.turns if (said := _said(turn.decided))]
    confirmed = [_said(turn.decided) == f"article:{turn.right}" for turn in past.turns if turn.right]
    wrong = bool(given) and (bool(past.handed_over) or past.unhelpful or not all(confirmed))
    last = past.turns[-1].decided if past.turns else None
    said = f"handoff:{past.handed_over}" if past.handed_over else given[-1] if given else ""
    confidence = (last.knowledge_confidence or last.intent_confidence) if last and given else 0.0
    handed_over = bool(past.handed_over)
    return End(bool(given) and not handed_over, handed_over, float(wrong), float(past.handled), said, confidence)


def _said(decided: BotTurnDecided) -> str:
    """What a customer was answered with; empty where that was no answer."""
    if decided.action == Action.KNOWLEDGE:
        return next((f"article:{each.article_id}" for each in decided.tried if each.given), "")
    if decided.reason == "guide_solution":
        return next((f"case:{each.label}" for each in decided.tried if each.given), "")
    small = decided.reason == "form" or decided.intent in bot_policy.SMALL_TALK
    return f"intent:{decided.intent}" if decided.action == Action.BOT and not small else ""


def _says(decision: Decision, bot: BotReply | BotFailure) -> str:
    if decision.answer is not None:
        return f"article:{decision.answer.article_id}"
    if decision.action is not Action.BOT or not isinstance(bot, BotReply):
        return ""
    return "" if bot.in_form or bot.intent in bot_policy.SMALL_TALK else f"intent:{bot.intent}"


def _wrong(turn: Turn, decision: Decision) -> float:
    """How probably an answer that was not given then is wrong: what somebody confirmed, else its calibrated doubt."""
    if decision.answer is None:
        return 1.0 - turn.decided.intent_confidence
    if turn.right:
        return 0.0 if decision.answer.article_id == turn.right else 1.0
    return 1.0 - decision.answer.confidence


def _confidence(decision: Decision, bot: BotReply | BotFailure) -> float:
    if decision.answer is not None:
        return decision.answer.confidence
    return bot.confidence if isinstance(bot, BotReply) else 0.0
