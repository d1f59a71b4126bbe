"""Bot turns: asked outside of transactions, decided, written only while the bot still owes the answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hub.domain.conversation import Status
from hub.domain.errors import BotTimeout
from hub.domain.events import SYSTEM
from hub.domain.knowledge import BotMessage, BotReply, Passage, SearchResult
from hub.domain.messages import Author
from hub.services import assignment, bot_turn, handoff, replies
from hub.services.handoff import packet
from hub.store import tables as t
from hub.testing.fakes import failing
from tests.fixtures_hub import ANA, World

HOURS = Passage("hours", 3, "en", 0, "When are you open?", "We are open from nine to five.", "words", b"")


def data(world: World, kind: str) -> list[dict[str, Any]]:
    with world.store.read() as connection:
        rows = connection.execute(t.event.select().where(t.event.c.kind == kind).order_by(t.event.c.id))
        return [json.loads(row.data) for row in rows]


def reasons(world: World) -> list[str]:
    return [each["reason"] for each in data(world, "HandedOver")]


def test_two_quick_messages_are_both_answered(world: World) -> None:
    world.say("hello")
    world.say("hola")
    world.run()
    assert [text for _, text in world.bot.turns] == ["hello", "hola"]
    assert [author for author, *_ in world.thread()] == ["contact", "contact", "bot", "bot"]
    assert "BotTurnDropped" not in world.kinds()


def test_one_conversation_has_one_turn_at_a_time_and_others_go_on(world: World) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def hold_the_first(text: str) -> None:
        if text == "hello 1":
            entered.set()
            assert go_on.wait(60)

    world.bot.before = hold_the_first
    world.say("hello 1", sender="a")
    world.say("hello 2", sender="a")
    world.say("hello 3", sender="b")
    first, second, other = world.nudger.take()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(world.assembled.runner.run, first)
        assert entered.wait(60)
        assert world.assembled.runner.run(second) is False, "it waits for the first one"
        assert world.assembled.runner.run(other) is True
        go_on.set()
        assert running.result(10) is True
    world.run()
    assert [text for _, text in world.bot.turns] == ["hello 3", "hello 1", "hello 2"]


@pytest.mark.parametrize("person", ["take", "reply"])
def test_bot_and_person_never_both_answer(world: World, person: str) -> None:
    """A person steps in while the bot thinks: its answer is dropped, and that is on record."""
    conversation_id = world.say("hello").conversation_id

    def step_in(_: str) -> None:
        if person == "take":
            world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
        else:
            world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, "Ana here", "c1"))

    world.bot.before = step_in
    world.run()
    assert Author.BOT not in [author for author, *_ in world.thread()]
    assert "BotTurnDropped" in world.kinds()


def test_a_killed_turn_does_not_ask_the_bot_for_another_one(world: World) -> None:
    """The hub dies between the bot's answer and our commit: the second run gets the same answer, said once."""
    world.say("hello")
    (outbox_id,) = world.nudger.take()
    write, calls = world.store.write, []

    def dies_at_the_second_write(use_case: Any, **how: Any) -> Any:
        calls.append(use_case)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return write(use_case, **how)

    object.__setattr__(world.hub, "store", Wrapped(world.store, dies_at_the_second_write))
    with pytest.raises(KeyboardInterrupt):
        world.assembled.runner.run(outbox_id)
    assert world.bot.asked == 1
    assert [author for author, *_ in world.thread()] == ["contact"]
    object.__setattr__(world.hub, "store", world.hub.store.store)  # type: ignore[attr-defined]
    assert world.assembled.runner.run(outbox_id) is False, "the lease still holds"
    world.clock.pass_time(60_000_000)
    assert world.assembled.runner.run(outbox_id) is True
    assert world.bot.asked == 2
    assert len(world.bot.turns) == 1, "the bot was advanced once"
    assert [author for author, *_ in world.thread()] == ["contact", "bot"]


class Wrapped:
    """A store whose `write` is another function."""

    def __init__(self, store: Any, write: Any) -> None:
        self.store = store
        self.write = write

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@pytest.mark.parametrize(
    ("reason", "handed_over_as"),
    [("failed", "bot_error"), ("empty", "bot_error"), ("bad_answer", "bot_error"), ("timeout", "bot_timeout")],
)
def test_a_bot_that_fails_hands_over_at_once_and_once(world: World, reason: str, handed_over_as: str) -> None:
    def times_out(_: str) -> None:
        raise BotTimeout

    world.bot.before = times_out if reason == "timeout" else failing(reason)
    world.publish(HOURS)
    world.say("when are you open")
    world.run()
    world.say("hello?")
    world.run()
    assert reasons(world) == [handed_over_as]
    assert world.conversation().status == Status.WAITING


@pytest.mark.parametrize("reason", ["unreachable", "circuit_open"])
def test_a_bot_that_is_away_leaves_it_to_the_knowledge_base(world: World, reason: str) -> None:
    world.bot.before = failing(reason)
    world.publish(HOURS)
    world.say("when are you open")
    world.run()
    assert world.thread()[-1][1] == HOURS.text
    world.say("qwxz")
    world.run()
    assert reasons(world) == ["not_understood"]


def test_an_answer_names_its_article_version_and_passage(world: World) -> None:
    world.publish(HOURS)
    world.say("when are you open")
    world.run()
    with world.store.read() as connection:
        (row,) = connection.execute(t.message.select().where(t.message.c.kind == "outgoing"))
    citation = json.loads(row.extras)["citation"]
    assert (citation["article_id"], citation["version"], citation["passage"]) == ("hours", 3, HOURS.text)
    (decided,) = data(world, "BotTurnDecided")
    assert decided["action"] == "knowledge"
    assert decided["knowledge_confidence"] == pytest.approx(1.0)
    assert decided["calibration"] == "words-1"
    assert [each["given"] for each in decided["tried"] if each["source"] == "knowledge_base"] == [True]


def test_an_answer_in_another_language_says_so(world: World) -> None:
    world.publish(Passage("hours", 1, "es", 0, "Horario", "Abrimos a las nueve", "words", b""))
    world.say("horario abrimos nueve", language="en")
    world.run()
    assert "only available in another language" in world.thread()[-1][1]


def test_the_packet_has_everything_a_person_needs(world: World) -> None:
    slots = (("customer_number", "12345678"), ("order_id", "A100234"))
    world.bot.dialogue = lambda _text, _language: BotReply(
        (BotMessage("Thank you"),), "order_status", 0.9, slots=slots, verified_level="verified", in_form=True
    )
    world.say("where is my order")
    world.run()
    world.bot.dialogue = lambda _text, _language: BotReply((), "ask_human", 0.97, handoff_reason="customer_asked")
    world.publish(HOURS)
    world.say("when can I talk to somebody, are you open?")
    world.run()
    with world.store.read() as connection:
        found = packet(connection, world.conversation())
    assert found is not None
    assert found.reason == "customer_asked"
    assert found.open_question == (world.received[-1].message_id, "when can I talk to somebody, are you open?")
    assert found.slots == slots
    assert (found.verified_level, found.verified_by) == ("verified", "bot_form")
    assert found.waiting_since == world.conversation().waiting_since > 0
    assert [(each.label, each.score, each.given) for each in found.tried if each.source == "bot"] == [
        ("order_status", 0.9, True),
        ("ask_human", 0.97, False),
    ]
    assert found.transcript_messages == 4


def test_the_customer_is_told_what_happens_and_their_place(world: World) -> None:
    for number in range(3):
        world.say("a person please", sender=f"c{number}", language="en")
        world.run()
    texts = [world.thread(each.conversation_id)[-1][1] for each in world.received]
    assert "You are next in the queue" in texts[0]
    assert "You are number 2 in the queue" in texts[1]
    assert "You are number 3 in the queue" in texts[2]
    world.say("hola, quiero una persona", sender="c9")
    world.run()
    assert "Es usted el número 4 en la cola" in world.thread()[-1][1]


def test_a_failed_verification_hands_over_with_that_reason(world: World) -> None:
    world.bot.dialogue = lambda _text, _language: BotReply((BotMessage("No"),), "inform", 0.9, verification_failed=True)
    world.say("99999999")
    world.run()
    assert reasons(world) == ["verification_failed"]


def test_handed_back_the_bot_answers_the_next_message_and_only_that(world: World) -> None:
    conversation_id = world.say("a person please").conversation_id
    world.run()
    world.say("hello")
    world.run()
    assert len(world.bot.turns) == 1, "a person has it: the bot is not asked"
    world.store.write(lambda tx: assignment.hand_back(tx, conversation_id, SYSTEM))
    world.say("hello again")
    world.run()
    assert [text for _, text in world.bot.turns] == ["a person please", "hello again"]


def test_a_turn_that_cannot_be_run_at_all_ends_with_a_person(world: World) -> None:
    def breaks(_: str) -> None:
        raise ZeroDivisionError

    world.bot.before = breaks
    world.say("hello")
    for _ in range(3):
        for outbox_id in world.nudger.take() or [1]:
            world.assembled.runner.run(outbox_id)
        world.clock.pass_time(600_000_000)
    world.run()
    assert reasons(world) == ["bot_error"]
    assert world.conversation().status == Status.WAITING


def test_a_handoff_of_what_a_person_has_is_refused(world: World) -> None:
    conversation_id = world.say("hello").conversation_id
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    with pytest.raises(Exception, match="cannot hand over"):
        world.store.write(lambda tx: handoff.hand_over(tx, conversation_id, reason="x", open_question=""))


def test_a_message_without_words_goes_to_a_person(world: World) -> None:
    world.say("   ")
    world.run()
    assert reasons(world) == ["wordless"]
    assert world.bot.asked == 0


def test_a_knowledge_base_that_hangs_holds_up_no_turn(make_world: Callable[..., World]) -> None:
    world = make_world(CENTRALITA_BOT_DEADLINE="0.3")
    go_on = threading.Event()
    search = world.knowledge.search

    def hangs(question: str, *, language: str, limit: int = 3) -> SearchResult:
        assert go_on.wait(30)
        return search(question, language=language, limit=limit)

    world.knowledge.search = hangs  # type: ignore[method-assign]
    world.say("qwxz")
    world.run()
    go_on.set()
    assert [each["action"] for each in data(world, "BotTurnDecided")] == ["clarify"]
    assert data(world, "BotTurnDecided")[0]["knowledge_model"] == ""


def searching(world: World) -> list[str]:
    """What the knowledge base is asked from now on."""
    questions: list[str] = []
    search = world.knowledge.search

    def noted(question: str, *, language: str, limit: int = 3) -> SearchResult:
        questions.append(question)
        return search(question, language=language, limit=limit)

    world.knowledge.search = noted  # type: ignore[method-assign]
    return questions


def test_a_sure_bot_has_the_cores_to_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody searches beside it; where it does not know, that begins at its word, not at the head start's end."""
    monkeypatch.setattr(bot_turn, "HEAD_START", 600.0)
    questions = searching(world)
    world.say("hello")
    world.run()
    assert [author for author, *_ in world.thread()] == ["contact", "bot"]
    assert questions == []
    world.say("qwxz")
    world.run()
    assert questions == ["qwxz"]


def test_a_bot_that_takes_long_holds_up_no_search(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot_turn, "HEAD_START", 0.0)
    begun = threading.Event()
    search = world.knowledge.search

    def searches(question: str, *, language: str, limit: int = 3) -> SearchResult:
        begun.set()
        return search(question, language=language, limit=limit)

    def thinks(_: str) -> None:
        assert begun.wait(60)

    world.knowledge.search = searches  # type: ignore[method-assign]
    world.bot.before = thinks
    world.say("qwxz")
    world.run()
    assert begun.is_set()


def test_whoever_takes_over_learns_what_was_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot's own word for a person ends its head start, too."""
    monkeypatch.setattr(bot_turn, "HEAD_START", 600.0)
    monkeypatch.setattr(bot_turn, "FOR_PACKET", 60.0)
    world.publish(HOURS)
    world.say("I want a person: when are you open?")
    world.run()
    decided = data(world, "BotTurnDecided")[0]
    assert decided["action"] == "handoff"
    assert [each["label"] for each in decided["tried"] if each["source"] == "knowledge_base"] == [HOURS.title]
