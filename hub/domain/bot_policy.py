"""Who answers a customer's message: the bot, the knowledge base, or a person. Pure: values in, a decision out.

The order of the rules is the policy; each has its name in `Decision.reason`:

1. The bot asks for a person, or the customer failed to prove who they are: hand over.
2. The bot did not answer in time or went wrong: hand over, whatever the knowledge base knows. A bot that is *known*
   to be away (not installed, nobody listening there yet, its circuit open) has not failed this message: rules 5 to 7
   decide.
3. The bot is in the middle of a form: its reply.
4. The bot is sure of the intent: its reply.
5. The knowledge base is sure of an answer: that answer.
6. The customer asks for a person in plain words that no bot has read: hand over.
7. The inbox has a target precision and the knowledge base knows articles that may be meant: offer up to three; the one
   that the customer picks is the answer.
8. Nobody knows: ask once to put it in other words; the second time in a row, or with no bot to talk to, hand over.

A mail is no dialogue: there the bot's reply must be an answer that stands alone, above a threshold of its own. Where it
is sure and would ask back (a form, buttons), a person does; small talk is no answer; and nobody asks for other words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.domain.errors import Refused
from hub.domain.events import TriedAnswer
from hub.domain.knowledge import BotReply, FoundAnswer, SearchResult


class Action(StrEnum):
    BOT = "bot"
    KNOWLEDGE = "knowledge"
    OFFER = "offer"
    CLARIFY = "clarify"
    GUIDE = "guide"
    HANDOFF = "handoff"


# Reasons for which a bot counts as away rather than as failed: nobody listens there, or nothing is for it to read.
AWAY = frozenset({"absent", "unreachable", "circuit_open", "empty_text", "not_by_mail", "chosen"})
# Intents that say "not for me", however sure the bot is of them.
NOT_UNDERSTOOD = frozenset({"out_of_scope", "nlu_fallback", ""})
# Intents whose replies answer nothing that somebody would write a mail for.
SMALL_TALK = frozenset({"affirm", "bot_challenge", "deny", "goodbye", "greet", "inform", "thanks"})
MISSES_UNTIL_HANDOFF = 2
# So many articles are offered at most, none of them less probable than this: a choice of what is surely not meant helps
# nobody.
CHOICES = 3
_PROBABLE = 0.05
# Why an article answers whose button the customer pressed.
CHOSEN = "chosen"
# What the button of an offered article sends, with the article's id after it.
_CHOICE = "/article "

_ASKS_FOR_PERSON = re.compile(
    r"\b(humans?|(real|actual|live) (person|people|agent)|someone real"
    r"|(talk|speak|chat) (to|with) (someone|somebody)|hablar con alguien"
    r"|(to|with|an?|the|your) (agent|person|operator|representative|advisor|supervisor|colleague)"
    r"|humano|(una|otra|alguna) persona|personas? real(es)?"
    r"|(un|una|con|al|el|la) (agente|operador|operadora|asesor|asesora|representante|encargado|encargada))\b"
    # The word alone, as on the telephone.
    r"|^\W*(agent|operator|representative|person|agente|operador|operadora|asesor|asesora|persona)"
    r"(\W+(please|por favor))?\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class BotFailure:
    """Why there is no reply: `timeout`, `empty`, an error's short name, or one of `AWAY`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which probability on an answer is given; set per inbox. By mail, where nobody asks back, `mail` counts for
    the knowledge base and `mail_intent` for the bot.

    `target_precision`, where it is not 0, decides in place of `knowledge`: the share of the knowledge base's answers
    that is to be right, as the calibration tells it (`SearchResult.precision`). By mail both must be reached. Raises
    `Refused` for what is not from 0 to 1.
    """

    intent: float = 0.65
    knowledge: float = 0.6
    mail: float = 0.8
    mail_intent: float = 0.9
    target_precision: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.target_precision <= 1:
            raise Refused("target_precision", "must be from 0 to 1")


@dataclass(frozen=True, slots=True)
class Policy:
    """What of the rules can be set otherwise, per inbox; a backtest tells what it would change.

    `misses`: unanswered messages in a row until a person takes over. `articles_first`: a sure article goes before a
    sure intent (rules 4 and 5 change places; forms stay first).
    """

    misses: int = MISSES_UNTIL_HANDOFF
    articles_first: bool = False


POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a message. `answer` is set for `KNOWLEDGE`, `choices` for `OFFER`; `misses` counts unanswered
    messages in a row."""

    action: Action
    reason: str
    misses: int = 0
    answer: FoundAnswer | None = None
    choices: tuple[FoundAnswer, ...] = ()


def asks_for_person(text: str) -> bool:
    """Whether a text asks for a person in plain words, English or Spanish. For turns that no bot has read."""
    return _ASKS_FOR_PERSON.search(text) is not None


def bot_is_sure(reply: BotReply, thresholds: Thresholds, *, by_mail: bool = False) -> bool:
    """Whether the bot's reply stands on its own, so that nobody need wait for the knowledge base."""
    if reply.handoff_reason or reply.verification_failed:
        return True
    if not reply.messages:
        return False
    if by_mail:
        return reply.intent not in NOT_UNDERSTOOD | SMALL_TALK and reply.confidence >= thresholds.intent
    return reply.in_form or (reply.intent not in NOT_UNDERSTOOD and reply.confidence >= thresholds.intent)


def decide(
    *,
    text: str,
    bot: BotReply | BotFailure,
    knowledge: SearchResult | None,
    thresholds: Thresholds,
    misses: int,
    by_mail: bool = False,
    policy: Policy = POLICY,
) -> Decision:
    """The decision on one customer message.

    Args:
        text: the message, for rule 6.
        bot: the bot's reply, or why there is none.
        knowledge: what the search found; None when it was not asked or could not answer.
        thresholds: the inbox's.
        misses: messages in a row, before this one, that nobody could answer.
        by_mail: whether the message is a mail.
        policy: how the rules are set.
    """
    found = knowledge is not None and _is_sure(knowledge, thresholds, by_mail=by_mail)
    if isinstance(bot, BotReply):
        if bot.handoff_reason:
            return Decision(Action.HANDOFF, bot.handoff_reason)
        if bot.verification_failed:
            return Decision(Action.HANDOFF, "verification_failed")
        yields = policy.articles_first and found and not bot.in_form
        if bot_is_sure(bot, thresholds, by_mail=by_mail) and not yields:
            if by_mail and _asks_back(bot):
                return Decision(Action.HANDOFF, "needs_dialogue")
            return Decision(Action.BOT, "form" if bot.in_form else "intent")
    elif bot.reason not in AWAY:
        return Decision(Action.HANDOFF, "bot_timeout" if bot.reason == "timeout" else "bot_error")
    if found and knowledge is not None:
        return Decision(Action.KNOWLEDGE, "knowledge", answer=knowledge.answers[0])
    choices = () if by_mail or knowledge is None else _choices(knowledge, thresholds)
    if choices and misses + 1 < policy.misses and not asks_for_person(text):
        return Decision(Action.OFFER, "did_you_mean", misses=misses + 1, choices=choices)
    if isinstance(bot, BotFailure) or by_mail:
        return Decision(Action.HANDOFF, "customer_asked" if asks_for_person(text) else "not_understood")
    if misses + 1 >= policy.misses:
        return Decision(Action.HANDOFF, "not_understood")
    return Decision(Action.CLARIFY, "not_understood", misses=misses + 1)


def _is_sure(knowledge: SearchResult, thresholds: Thresholds, *, by_mail: bool) -> bool:
    if not knowledge.answers:
        return False
    confident = knowledge.confidence >= thresholds.knowledge
    if not thresholds.target_precision:
        return confident
    return knowledge.precision >= thresholds.target_precision and (confident or not by_mail)


def _choices(knowledge: SearchResult, thresholds: Thresholds) -> tuple[FoundAnswer, ...]:
    if not thresholds.target_precision:
        return ()
    return tuple(answer for answer in knowledge.answers[:CHOICES] if answer.confidence >= _PROBABLE)


def offered(tried: Sequence[TriedAnswer]) -> tuple[TriedAnswer, ...]:
    """Which of the answers that were considered were offered, in a decision to offer."""
    articles = [each for each in tried if each.article_id]
    return tuple(each for each in articles[:CHOICES] if each.score >= _PROBABLE)


def choice_of(answer: FoundAnswer) -> str:
    """What the button of an offered article sends."""
    return f"{_CHOICE}{answer.article_id}"


def chosen_article(payload: str) -> str:
    """The id of the article whose button was pressed; empty for any other payload.

    Args:
        payload: one that the hub had offered (`message.trusted`), never a customer's words.
    """
    return payload.removeprefix(_CHOICE) if payload.startswith(_CHOICE) else ""


def may_guide(decision: Decision, *, by_mail: bool) -> bool:
    """Whether troubleshooting may go on, or begin, in place of a decision: only where nobody knew, in a dialogue."""
    return not by_mail and decision.action in (Action.CLARIFY, Action.HANDOFF) and decision.reason == "not_understood"


def guided(kind: str, *, solved: bool = False) -> Decision:
    """The decision that follows from a step of troubleshooting (`hub.domain.cases.Step.kind`); `solved`: the customer
    said that it helped."""
    if solved:
        return Decision(Action.GUIDE, "guide_solved")
    if kind == "give_up":
        return Decision(Action.HANDOFF, "guide_given_up")
    return Decision(Action.GUIDE, "guide_question" if kind == "ask" else "guide_solution")


def _asks_back(reply: BotReply) -> bool:
    return reply.in_form or any(message.buttons for message in reply.messages)


def tried(decision: Decision, bot: BotReply | BotFailure, knowledge: SearchResult | None) -> tuple[TriedAnswer, ...]:
    """Everything that was considered, with its scores, for the decision's event and the handoff packet."""
    considered: list[TriedAnswer] = []
    if isinstance(bot, BotReply) and bot.intent:
        considered.append(TriedAnswer("bot", bot.intent, bot.confidence, decision.action is Action.BOT))
    considered.extend(
        TriedAnswer(
            source="knowledge_base",
            label=answer.title,
            score=answer.confidence,
            given=decision.answer is answer,
            article_id=answer.article_id,
            version=answer.version,
            locale=answer.locale,
        )
        for answer in (knowledge.answers if knowledge else ())
    )
    return tuple(considered)
