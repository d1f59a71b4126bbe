"""Who answers: every combination of what the bot, the knowledge base and the customer can bring, against the rules."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import pytest

from hub.domain.bot_policy import (
    AWAY,
    MISSES_UNTIL_HANDOFF,
    Action,
    BotFailure,
    Decision,
    Policy,
    Thresholds,
    asks_for_person,
    choice_of,
    chosen_article,
    decide,
    tried,
)
from hub.domain.errors import Refused
from hub.domain.events import TriedAnswer
from hub.domain.knowledge import BotMessage, BotReply, FoundAnswer, SearchResult

THRESHOLDS = Thresholds(intent=0.7, knowledge=0.5)
SAYS = (BotMessage("words"),)
BEST = FoundAnswer("hours", 3, "en", "Opening hours", "From nine to five.", 12.5, 0.0)
SECOND = FoundAnswer("contact", 1, "es", "Contacto", "Llame.", 8.0, 0.1)


@dataclass(frozen=True)
class Case:
    """One combination, in words: the oracle below never looks at the objects that `decide` is given."""

    bot: str  # silent, speaks, or the reason of a failure
    intent: str  # known, out_of_scope, nlu_fallback or none
    sure: str  # below, at, above the threshold
    in_form: bool
    wants_person: bool
    failed_proof: bool
    knowledge: str  # not_asked, nothing, below, at, above
    asks: bool
    misses: int

    @property
    def reply(self) -> BotReply | BotFailure:
        if self.bot not in ("silent", "speaks"):
            return BotFailure(self.bot)
        return BotReply(
            SAYS if self.bot == "speaks" else (),
            {"known": "order_status", "none": ""}.get(self.intent, self.intent),
            {"below": 0.69, "at": 0.7, "above": 0.99}[self.sure],
            handoff_reason="customer_asked" if self.wants_person else "",
            in_form=self.in_form,
            verification_failed=self.failed_proof,
        )

    @property
    def found(self) -> SearchResult | None:
        if self.knowledge == "not_asked":
            return None
        confidence = {"nothing": None, "below": 0.49, "at": 0.5, "above": 0.9}[self.knowledge]
        answers = () if confidence is None else (replace(BEST, confidence=confidence), SECOND)
        return SearchResult(answers, "en", "model", "calibration")


def expected(case: Case) -> tuple[str, str, int]:
    """(action, reason, misses) as the seven rules of the module say, one `if` a rule."""
    replied = case.bot in ("silent", "speaks")
    away = case.bot in ("absent", "unreachable", "circuit_open", "empty_text", "not_by_mail", "chosen")
    if replied and case.wants_person:
        return "handoff", "customer_asked", 0  # 1
    if replied and case.failed_proof:
        return "handoff", "verification_failed", 0  # 1
    if not replied and not away:
        return "handoff", "bot_timeout" if case.bot == "timeout" else "bot_error", 0  # 2
    if case.bot == "speaks" and case.in_form:
        return "bot", "form", 0  # 3
    if case.bot == "speaks" and case.intent == "known" and case.sure in ("at", "above"):
        return "bot", "intent", 0  # 4
    if case.knowledge in ("at", "above"):
        return "knowledge", "knowledge", 0  # 5
    if away and case.asks:
        return "handoff", "customer_asked", 0  # 6
    if away or case.misses == 1:
        return "handoff", "not_understood", 0  # 7
    return "clarify", "not_understood", 1  # 7


REPLIES = itertools.product(
    ("silent", "speaks"),
    ("known", "out_of_scope", "nlu_fallback", "none"),
    ("below", "at", "above"),
    *[(False, True)] * 3,
)
FAILURES = (
    (reason, "none", "below", False, False, False)
    for reason in (*sorted(AWAY), "timeout", "failed", "empty", "http_500")
)
CASES = [
    Case(*bot, *rest)
    for bot in (*REPLIES, *FAILURES)
    for rest in itertools.product(("not_asked", "nothing", "below", "at", "above"), (False, True), (0, 1))
]


def test_every_combination_is_decided_by_the_first_rule_that_applies() -> None:
    assert len(CASES) == (2 * 4 * 3 * 8 + 10) * 5 * 2 * 2
    seen = set()
    for case in CASES:
        decision = decide(
            text="I want to talk to a person" if case.asks else "qwxz",
            bot=case.reply,
            knowledge=case.found,
            thresholds=THRESHOLDS,
            misses=case.misses,
        )
        assert (decision.action.value, decision.reason, decision.misses) == expected(case), case
        assert (decision.answer is None) == (decision.action is not Action.KNOWLEDGE), case
        if decision.answer is not None:
            assert decision.answer.article_id == "hours", "the best answer is the one that is given"
        seen.add((decision.action, decision.reason))
    assert len(seen) == 9, "every outcome of the rules is reached"


def expected_by_mail(case: Case) -> tuple[str, str]:
    """(action, reason) for a mail: the bot's reply must answer, alone, and nobody is asked anything."""
    action, reason, _ = expected(case)
    if case.bot == "speaks" and not case.wants_person and not case.failed_proof:
        if case.intent == "known" and case.sure in ("at", "above"):
            return ("handoff", "needs_dialogue") if case.in_form else ("bot", "intent")
        if case.knowledge in ("at", "above"):
            return "knowledge", "knowledge"
        return "handoff", "customer_asked" if case.asks else "not_understood"
    if action == "clarify" or reason == "not_understood":
        return "handoff", "customer_asked" if case.asks else "not_understood"
    return action, reason


def test_by_mail_every_combination_is_decided_without_asking_back() -> None:
    for case in CASES:
        decision = decide(
            text="I want to talk to a person" if case.asks else "qwxz",
            bot=case.reply,
            knowledge=case.found,
            thresholds=THRESHOLDS,
            misses=case.misses,
            by_mail=True,
        )
        assert (decision.action.value, decision.reason) == expected_by_mail(case), case


def test_a_customer_is_asked_to_say_it_again_only_once() -> None:
    assert MISSES_UNTIL_HANDOFF == 2
    misses, actions = 0, []
    for _ in range(2):
        decision = decide(text="qwxz", bot=BotReply((), "", 0.0), knowledge=None, thresholds=THRESHOLDS, misses=misses)
        misses = decision.misses
        actions.append(decision.action)
    assert actions == [Action.CLARIFY, Action.HANDOFF]


def test_an_answer_in_between_begins_the_count_again() -> None:
    answered = decide(text="hello", bot=BotReply(SAYS, "greet", 0.9), knowledge=None, thresholds=THRESHOLDS, misses=1)
    assert answered.misses == 0


def test_what_was_tried_names_everything_considered_and_what_was_given() -> None:
    found = SearchResult((replace(BEST, confidence=0.9), replace(SECOND, confidence=0.2)), "en", "m", "c")
    bot = BotReply(SAYS, "greet", 0.4)
    decision = decide(text="when", bot=bot, knowledge=found, thresholds=THRESHOLDS, misses=0)
    assert tried(decision, bot, found) == (
        TriedAnswer("bot", "greet", 0.4, given=False),
        TriedAnswer("knowledge_base", "Opening hours", 0.9, True, "hours", 3, "en"),
        TriedAnswer("knowledge_base", "Contacto", 0.2, False, "contact", 1, "es"),
    )


def test_what_was_tried_when_the_bot_answered() -> None:
    found = SearchResult((replace(BEST, confidence=0.9),), "en", "m", "c")
    bot = BotReply(SAYS, "greet", 0.95)
    decision = decide(text="hi", bot=bot, knowledge=found, thresholds=THRESHOLDS, misses=0)
    assert [(each.source, each.given) for each in tried(decision, bot, found)] == [
        ("bot", True),
        ("knowledge_base", False),
    ]


def test_nothing_was_tried_where_nobody_could() -> None:
    decision = Decision(Action.HANDOFF, "bot_error")
    assert tried(decision, BotFailure("timeout"), None) == ()
    assert tried(decision, BotReply(SAYS, "", 0.0), None) == (), "a reply without an intent considered none"


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a person",
        "a real person please",
        "Can I speak to an agent?",
        "get me the operator",
        "is there a human there",
        "HUMAN",
        "agent",
        "Operator, please!",
        "can I talk to somebody?",
        "I'd like to speak with your supervisor",
        "quiero hablar con una persona",
        "Quiero hablar con alguien",
        "páseme con un agente",
        "¿me atiende un humano?",
        "¡Agente!",
        "operadora por favor",
        "necesito una representante",
        "quiero hablar con el encargado",
        "otra persona, por favor",
    ],
)
def test_a_wish_for_a_person_in_plain_words_is_heard(text: str) -> None:
    assert asks_for_person(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "where is my order",
        "the humane society",
        "is it inhumane",
        "my personal data",
        "personalised gifts",
        "the travel agency lost it",
        "cleaning agents for oak",
        "reagent",
        "a personality test",
        "does it operate at night",
        "humanidad",
        "artículos personales",
        "la agenda de 2026",
        "una agencia de viajes",
        "asesoría fiscal",
        "¿es personalizable?",
        "el operativo",
        "dos personas caben en el sofá",
        "a sofa for two persons",
    ],
)
def test_words_that_only_look_like_it_are_not(text: str) -> None:
    assert not asks_for_person(text)


def test_a_policy_sets_how_many_misses_there_may_be_and_whether_articles_go_first() -> None:
    unread = BotReply((), "", 0.1)
    patient = Policy(misses=3)
    decided = decide(text="hm", bot=unread, knowledge=None, thresholds=Thresholds(), misses=1, policy=patient)
    assert decided.action is Action.CLARIFY
    sure = BotReply((BotMessage("From nine to five."),), "opening_hours", 0.95)
    answer = FoundAnswer("a", 1, "en", "Open", "From nine.", 1.0, 0.9)
    knows = SearchResult((answer,), "en", "m", "c")

    def asked(bot: BotReply, policy: Policy) -> Decision:
        return decide(text="when open", bot=bot, knowledge=knows, thresholds=Thresholds(), misses=0, policy=policy)

    assert asked(sure, Policy()).action is Action.BOT
    assert asked(sure, Policy(articles_first=True)).answer is answer
    in_form = BotReply((BotMessage("Your number?"),), "order_status", 0.95, in_form=True)
    assert asked(in_form, Policy(articles_first=True)).action is Action.BOT, "a form is not left for an article"


def bands(
    precision: float, confidence: float, *, misses: int = 0, by_mail: bool = False, text: str = "when"
) -> Decision:
    knows = SearchResult((replace(BEST, confidence=confidence), SECOND), "en", "model", "calibration", precision)
    unread = BotReply((), "nlu_fallback", 0.1)
    thresholds = Thresholds(target_precision=0.9)
    return decide(text=text, bot=unread, knowledge=knows, thresholds=thresholds, misses=misses, by_mail=by_mail)


def test_a_target_precision_parts_answers_from_choices_from_silence() -> None:
    assert bands(0.9, 0.3).action is Action.KNOWLEDGE, "the share that is right decides, not the confidence"
    offered = bands(0.89, 0.99)
    assert (offered.action, offered.reason, offered.misses) == (Action.OFFER, "did_you_mean", 1)
    assert [choice.article_id for choice in offered.choices] == ["hours", SECOND.article_id]
    assert bands(0.1, 0.01).action is not Action.KNOWLEDGE
    assert bands(0.89, 0.99, misses=1).action is Action.HANDOFF, "who was asked once is not asked again"
    assert bands(0.89, 0.99, text="I want to talk to a person").action is not Action.OFFER


def test_by_mail_nothing_is_offered_and_both_measures_must_be_reached() -> None:
    assert bands(0.89, 0.99, by_mail=True).action is Action.HANDOFF
    assert bands(0.95, 0.3, by_mail=True).action is Action.HANDOFF
    assert bands(0.95, 0.7, by_mail=True).action is Action.KNOWLEDGE


def test_what_is_improbable_is_no_choice() -> None:
    knows = SearchResult((replace(BEST, confidence=0.2), replace(SECOND, confidence=0.04)), "en", "m", "c", 0.2)
    unread, thresholds = BotReply((), "", 0.0), Thresholds(target_precision=0.9)
    decided = decide(text="hm", bot=unread, knowledge=knows, thresholds=thresholds, misses=0)
    assert [choice.article_id for choice in decided.choices] == ["hours"]


def test_a_choice_says_its_article_and_nothing_else_does() -> None:
    assert chosen_article(choice_of(BEST)) == "hours"
    assert chosen_article("/ask_human") == chosen_article("") == chosen_article("hours") == ""


@pytest.mark.parametrize("target", [-0.1, 1.1])
def test_a_target_precision_is_a_share(target: float) -> None:
    with pytest.raises(Refused, match="target_precision"):
        Thresholds(target_precision=target)
