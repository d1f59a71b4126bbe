"""A customer's message tried by the bot and the knowledge base: asked outside any transaction, decided, written."""

from __future__ import annotations

import json
import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

from hub import failpoints
from hub.domain import bot_policy
from hub.domain import events as e
from hub.domain.bot_policy import Action, BotFailure, Decision, Thresholds
from hub.domain.cases import UNKNOWN
from hub.domain.conversation import Conversation, Status
from hub.domain.errors import BotError, BotTimeout, HubError
from hub.domain.inbox import Inbox
from hub.domain.knowledge import BotReply, FoundAnswer, SearchResult
from hub.domain.messages import LETTERS
from hub.domain.rendering import phrase
from hub.hub import Hub
from hub.services import answers, cases, handoff, letters, replies
from hub.services.cases import Guide, Move
from hub.services.work import Work, nothing
from hub.store import tables as t
from hub.store.queries import records, turns
from hub.store.unit_of_work import Tx, UseCase

log = logging.getLogger(__name__)

# The article with the title that was picked is the first of a search for it, or nearly so.
CHOSEN_AMONG = 20
# Seconds. For so long the bot has the cores to itself: a search beside it would only make it slower, and where it is
# sure, nobody needs one. And so long a handoff waits for what the person who takes over would like to know.
HEAD_START = 0.1
FOR_PACKET = 0.2

TEXT_FOR_BOT = 2000  # longer texts block Rasa's one event loop; see docs/bot.md


@dataclass(frozen=True, slots=True)
class Asked:
    """What a turn begins with. `epoch` says who owed the answer when it began; `level` is the verified level of whoever
    wrote the message; `said_enough`: no further answer goes out by itself, whoever knows one."""

    conversation: Conversation
    inbox: Inbox
    received: e.MessageReceived
    text: str
    payload: str
    level: str
    said_enough: bool

    @property
    def by_mail(self) -> bool:
        """Mails are not a dialogue: one answer is all that is given, and only one that stands alone."""
        return self.received.channel in LETTERS

    @property
    def thresholds(self) -> Thresholds:
        ours = self.inbox.thresholds
        return replace(ours, knowledge=ours.mail, intent=ours.mail_intent) if self.by_mail else ours

    @property
    def message_id(self) -> str:
        return self.received.message_id

    @property
    def way(self) -> dict[str, str]:
        """Where the answer goes: to whoever asked. Meanwhile the customer, or another, may have written elsewhere."""
        asked = self.received
        return {"inbox_id": asked.inbox_id, "identity_id": asked.identity_id, "channel": asked.channel}

    @property
    def epoch(self) -> int:
        return self.conversation.turn_owner_epoch


class BotTurn:
    """The job `bot_turn`. Holds the threads in which the knowledge base is asked beside the bot."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=2 * threads, thread_name_prefix="bot-turn")
        self._cases = cases.Cases()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def __call__(self, hub: Hub, work: Work) -> UseCase[None]:
        event = work.recorded.event
        if not isinstance(event, e.MessageReceived):
            raise TypeError(f"a bot turn follows a message, not {type(event).__name__}")
        with hub.store.read() as connection:
            conversation = turns.conversation(connection, work.recorded.stream_id)
            text, payload = turns.message(connection, event.message_id)
            wordless = not (text.strip() or payload)
            if wordless and turns.asks_nothing(connection, event.message_id):
                return nothing
            level = records.effective(connection, conversation, event.identity_id)
            guide = cases.stored(connection, conversation.id)
            said_enough = False
            if event.channel in LETTERS:
                text = letters.with_subject(connection, event.message_id, text)
                said_enough = letters.has_said_enough(connection, conversation.id, event.identity_id, hub.clock.now())
        inbox = hub.inboxes.by_id(event.inbox_id)
        if conversation.status != Status.BOT or conversation.merged_into:
            return nothing
        language = conversation.language
        if hub.knowledge is not None:
            language = hub.knowledge.detect_language(text, hint=language)
        asked = Asked(replace(conversation, language=language), inbox, event, text, payload, level, said_enough)
        bot: BotReply | BotFailure = BotFailure("guided")
        knowledge: SearchResult | None = None
        answers_guide = guide is not None and guide.is_open and not wordless
        moved = self._answer_to_guide(hub, asked, guide) if guide is not None and answers_guide else None
        chosen = _chosen(hub, asked) if moved is None else None
        if wordless:
            # A picture, a place, a kind of message that nobody here can show: only people can look at it.
            bot, decision = BotFailure("empty_text"), Decision(Action.HANDOFF, "wordless")
        elif chosen is not None:
            bot, knowledge = BotFailure(bot_policy.CHOSEN), chosen
            decision = Decision(Action.KNOWLEDGE, bot_policy.CHOSEN, answer=chosen.answers[0])
        elif moved is None:
            bot, knowledge = self._ask(hub, asked)
            failpoints.reach("turn.answered")
            decision = bot_policy.decide(
                text=text,
                bot=bot,
                knowledge=None if said_enough else knowledge,
                thresholds=asked.thresholds,
                misses=conversation.bot_misses,
                by_mail=asked.by_mail,
                policy=asked.inbox.policy,
            )
            if bot_policy.may_guide(decision, by_mail=asked.by_mail):
                moved = self._guide_instead(hub, asked, guide)
        if moved is not None:
            decision = bot_policy.guided(moved.step.kind, solved=moved.guide.state == "solved")
        spoken_before = conversation.language

        def write(tx: Tx) -> None:
            _write(tx, asked, bot, knowledge, decision, spoken_before, moved)

        return write

    def _answer_to_guide(self, hub: Hub, asked: Asked, guide: Guide) -> Move | None:
        """What follows where a message answers the open question of troubleshooting; None where it does not."""
        with hub.store.read() as connection:
            reasoner = self._cases.reasoners(connection).get(guide.base_id)
        if reasoner is None or guide.asked not in (*reasoner.base.questions, ""):
            return None
        answer = cases.understood(guide, reasoner.base, asked.payload, asked.text)
        if not answer:
            return None
        return cases.move(hub, self._cases, reasoner, cases.answered(guide, answer), asked.conversation.language)

    def _guide_instead(self, hub: Hub, asked: Asked, guide: Guide | None) -> Move | None:
        """Troubleshooting where nobody knows: an open question counts as not answered, else a problem that is like a
        case's begins it. None where neither is so, or nothing could be asked."""
        with hub.store.read() as connection:
            reasoners = self._cases.reasoners(connection)
        language, text = asked.conversation.language, asked.text[:TEXT_FOR_BOT]
        if guide is not None and guide.state == "asking" and guide.asked and guide.base_id in reasoners:
            going_on = cases.answered(guide, UNKNOWN)
            return cases.move(hub, self._cases, reasoners[guide.base_id], going_on, language)
        begun = cases.begin(hub, self._cases, reasoners, asked.conversation.id, text) if guide is None else None
        if begun is None:
            return None
        moved = cases.move(hub, self._cases, reasoners[begun.base_id], begun, language)
        return moved if moved.step.kind != "give_up" else None

    def _ask(self, hub: Hub, asked: Asked) -> tuple[BotReply | BotFailure, SearchResult | None]:
        """The bot first, and the knowledge base as soon as the bot does not know or takes long: both within the bot's
        deadline, and neither waits for the other where its own word decides."""
        began = time.monotonic()
        answered, dropped = threading.Event(), threading.Event()

        def search() -> SearchResult | None:
            answered.wait(HEAD_START)
            return None if dropped.is_set() else _search(hub, asked)

        if asked.inbox.policy.articles_first:
            answered.set()
        knowledge: Future[SearchResult | None] = self._pool.submit(search)
        bot = _reply(hub, asked)
        sure = isinstance(bot, BotReply) and bot_policy.bot_is_sure(bot, asked.thresholds, by_mail=asked.by_mail)
        for_person = isinstance(bot, BotReply) and (bot.handoff_reason or bot.verification_failed)
        if sure and not for_person and not asked.inbox.policy.articles_first:
            dropped.set()
            answered.set()
            return bot, _readable(hub, knowledge)
        answered.set()
        left = hub.settings.bot_deadline - (time.monotonic() - began)
        if for_person or (isinstance(bot, BotFailure) and bot.reason not in bot_policy.AWAY):
            left = 0.0  # the decision is made; what is found is for the packet only
        wait([knowledge], timeout=max(left, FOR_PACKET))
        if not knowledge.done():
            log.warning("the knowledge base did not answer on message %s in time", asked.message_id)
        return bot, _readable(hub, knowledge)


def without_bot(tx: Tx, asked: Asked, knowledge: SearchResult | None) -> None:
    """Decides and writes a turn for which there is no bot, in a transaction that has asked nobody."""
    nobody, conversation = BotFailure("absent"), asked.conversation
    decision = bot_policy.decide(
        text=asked.text,
        bot=nobody,
        knowledge=knowledge,
        thresholds=asked.thresholds,
        misses=conversation.bot_misses,
        by_mail=asked.by_mail,
        policy=asked.inbox.policy,
    )
    _write(tx, asked, nobody, knowledge, decision, conversation.language, None)


def _readable(hub: Hub, search: Future[SearchResult | None]) -> SearchResult | None:
    """What a search has found by now. The store is asked here, not in the search's thread: nobody waits for that."""
    found = search.result() if search.done() else None
    return answers.readable(hub.store, found) if found is not None else None


def _reply(hub: Hub, asked: Asked) -> BotReply | BotFailure:
    if asked.said_enough:
        return BotFailure("not_by_mail")
    if hub.bot is None:
        return BotFailure("absent")
    # An article that is no longer there is asked for by its title.
    command = "" if bot_policy.chosen_article(asked.payload) else asked.payload
    text = (command or asked.text).strip()[:TEXT_FOR_BOT]
    if not text:
        return BotFailure("empty_text")
    try:
        return hub.bot.reply(
            conversation_id=asked.conversation.id,
            message_id=asked.message_id,
            text=text,
            channel=asked.received.channel,
            language=asked.conversation.language,
            trusted=bool(command),
            metadata={"verified_level": asked.level},
        )
    except BotTimeout:
        return BotFailure("timeout")
    except BotError as error:
        return BotFailure(error.reason)


def _chosen(hub: Hub, asked: Asked) -> SearchResult | None:
    """The article whose button was pressed, by itself; None where none was, or where it can no longer be found. Its
    title stands on the button, and is what is searched for."""
    article_id = bot_policy.chosen_article(asked.payload)
    found = _search(hub, asked, limit=CHOSEN_AMONG) if article_id else None
    if found is None:
        return None
    found = answers.readable(hub.store, found)
    mine = tuple(answer for answer in found.answers if answer.article_id == article_id)
    return replace(found, answers=mine) if mine else None


def _search(hub: Hub, asked: Asked, *, limit: int = bot_policy.CHOICES) -> SearchResult | None:
    if hub.knowledge is None or not asked.text.strip():
        return None
    try:
        language = asked.conversation.language
        return hub.knowledge.search(asked.text[:TEXT_FOR_BOT], language=language, limit=limit)
    except HubError:
        return None  # still warming: the policy goes on without it


def _write(
    tx: Tx,
    asked: Asked,
    bot: BotReply | BotFailure,
    knowledge: SearchResult | None,
    decision: Decision,
    spoken_before: str,
    moved: Move | None,
) -> None:
    conversation_id = asked.conversation.id
    now = tx.conversation(conversation_id)
    # Compare-and-set on who owes the answer, not on the sequence: a customer who writes twice is answered twice.
    if now.turn_owner_epoch != asked.epoch or now.status != Status.BOT or now.merged_into:
        tx.record(conversation_id, e.BotTurnDropped(asked.message_id), e.BOT)
        return
    language = asked.conversation.language
    if language and language != spoken_before:
        tx.record(conversation_id, e.LanguageSet(language))
    tx.record(
        conversation_id,
        e.BotTurnDecided(
            message_id=asked.message_id,
            action=decision.action.value,
            reason=decision.reason,
            intent=bot.intent if isinstance(bot, BotReply) else "",
            intent_confidence=bot.confidence if isinstance(bot, BotReply) else 0.0,
            knowledge_confidence=knowledge.confidence if knowledge else 0.0,
            misses=decision.misses,
            tried=(*(cases.tried(moved, language) if moved else ()), *bot_policy.tried(decision, bot, knowledge)),
            bot_model=bot.model_id if isinstance(bot, BotReply) else f"none: {bot.reason}",
            knowledge_model=knowledge.model_id if knowledge else "",
            calibration=knowledge.calibration_id if knowledge else "",
        ),
        e.BOT,
    )
    if isinstance(bot, BotReply):
        _remember(tx, now, asked, bot)
    if moved is not None:
        cases.keep(tx, moved.guide)
    match decision.action:
        case Action.BOT if isinstance(bot, BotReply) and asked.by_mail:
            said = (*(message.text for message in bot.messages), phrase("person_reads", language))
            replies.send(tx, conversation_id, "\n\n".join(said), e.BOT, extras=None, **asked.way)
        case Action.BOT if isinstance(bot, BotReply):
            for message in bot.messages:
                buttons = [{"title": each.title, "payload": each.payload} for each in message.buttons]
                extras = {"buttons": buttons} if buttons else None
                replies.send(tx, conversation_id, message.text, e.BOT, extras=extras, **asked.way)
        case Action.KNOWLEDGE if decision.answer is not None:
            _answer(tx, asked, decision.answer, language)
        case Action.GUIDE if moved is not None:
            extras = {"buttons": list(moved.buttons)} if moved.buttons else None
            replies.send(tx, conversation_id, moved.text, e.BOT, extras=extras, **asked.way)
        case Action.OFFER:
            offered = [{"title": each.title, "payload": bot_policy.choice_of(each)} for each in decision.choices]
            person = {"title": phrase("ask_person", language), "payload": "/ask_human"}
            text, extras = phrase("did_you_mean", language), {"buttons": [*offered, person]}
            replies.send(tx, conversation_id, text, e.BOT, extras=extras, **asked.way)
        case Action.CLARIFY:
            person = {"title": phrase("ask_person", language), "payload": "/ask_human"}
            text = phrase("clarify", language)
            replies.send(tx, conversation_id, text, e.BOT, extras={"buttons": [person]}, **asked.way)
        case _:
            handoff.hand_over(tx, conversation_id, reason=decision.reason, open_question=asked.message_id)


def _answer(tx: Tx, asked: Asked, answer: FoundAnswer, language: str) -> None:
    text = answer.passage
    if answer.locale != language:
        text = f"{text}\n{phrase('other_language', language)}"
    if asked.by_mail:
        text = f"{text}\n\n{phrase('person_reads', language)}"
    citation: dict[str, Any] = {
        "article_id": answer.article_id,
        "version": answer.version,
        "locale": answer.locale,
        "title": answer.title,
        "passage": answer.passage,
        "confidence": round(answer.confidence, 4),
    }
    replies.send(tx, asked.conversation.id, text, e.BOT, extras={"citation": citation}, **asked.way)


def _remember(tx: Tx, conversation: Conversation, asked: Asked, bot: BotReply) -> None:
    """Keeps what the bot knows where an agent can see it, and a proven identity in the log."""
    if bot.slots:
        tx.upsert(
            t.bot_memory,
            {"conversation_id": conversation.id},
            {"slots": json.dumps(dict(bot.slots), ensure_ascii=False), "updated_at": tx.now},
        )
    writer = asked.received.identity_id
    if bot.verified_level == "verified" and records.effective(tx.connection, conversation, writer) != "verified":
        tx.record(conversation.id, e.IdentityVerified("verified", "bot_form", writer), e.BOT)
