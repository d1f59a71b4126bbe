"""What the questions teach, from the log to the screen: gaps, lessons, cases, backtests, help for agents."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest

from hub.domain import assist as rules
from hub.domain.errors import Refused
from hub.domain.events import SYSTEM, Actor
from hub.domain.messages import Author
from hub.services import articles, assignment, assist, cases, replies
from hub.store.queries import passages
from tests.fixtures_hub import ANA, World
from tests.web.conftest import Screen

DAY = 24 * 3_600_000_000
ANSWER = "Unplug it, wait a minute and plug it in again."


@pytest.fixture
def editor(open_screen: Callable[..., Screen]) -> Screen:
    return open_screen("editor")


@pytest.fixture
def agent(open_screen: Callable[..., Screen]) -> Screen:
    return open_screen("agent")


def answered_by_ana(world: World, question: str, sender: str, language: str = "", answer: str = ANSWER) -> str:
    """A conversation that nobody but a person could answer, closed. Returns its id."""
    conversation_id = world.say(question, sender=sender, language=language).conversation_id
    world.run()
    world.say(f"{question} please", sender=sender, language=language)
    world.run()
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    world.clock.pass_time(5 * 60_000_000)
    world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, answer, f"c-{sender}"))
    world.store.write(lambda tx: assignment.resolve(tx, conversation_id, Actor(Author.AGENT, ANA)))
    world.run()
    return conversation_id


def publish(world: World, article_id: str, title: str, body: str) -> None:
    world.store.write(
        lambda tx: articles.import_published(tx, article_id, locale="en", title=title, body=body, by=SYSTEM)
    )
    world.run()
    with world.store.read() as connection:
        world.knowledge.replace(article_id, passages.of_article(connection, article_id, world.knowledge.model_id))


def test_a_gap_is_found_written_about_and_its_saving_told_two_weeks_after(world: World, editor: Screen) -> None:
    one = answered_by_ana(world, "blender stops after a minute", "a")
    answered_by_ana(world, "my blender stops after a minute", "b")
    answered_by_ana(world, "zebra crossing timetable wanted", "c")
    assert editor.get("/gaps")["searched_at"] is None
    editor.change("POST", "/gaps/search")
    assert editor.get("/gaps")["searching"] is True
    world.run()
    found = editor.get("/gaps")
    assert found["searching"] is False
    gap = found["items"][0]
    assert "blender" in gap["name"]
    assert gap["questions"] == 4
    assert gap["minutes"] == pytest.approx(2.5, abs=0.05), "ten minutes in four weeks"
    detail = editor.get(f"/gaps/{gap['id']}")
    assert one in {each["conversation_id"] for each in detail["questions"]}
    # Editors read what is behind a gap, and no other conversation.
    said = editor.get(f"/gaps/{gap['id']}/conversations/{one}")["messages"]
    assert {"contact", "agent"} <= {each["author"] for each in said}
    assert any("blender" in each["text"] for each in said)
    elsewhere = world.say("nothing of the kind", sender="d").conversation_id
    assert editor.call("GET", f"/gaps/{gap['id']}/conversations/{elsewhere}").status_code == 404
    begun = editor.change("POST", f"/gaps/{gap['id']}/article")
    draft = editor.get(f"/articles/{begun['article_id']}/{begun['locale']}")
    assert (draft["state"], draft["body"]) == ("draft", ANSWER)
    assert editor.problem("POST", f"/gaps/{gap['id']}/article") == (409, "conflict")
    publish(world, begun["article_id"], draft["title"], draft["body"])
    world.clock.pass_time(15 * DAY)
    editor.sign_in("editor@example.org")
    editor.change("POST", "/gaps/search")
    world.run()
    measured = next(each for each in editor.get("/gaps")["items"] if each["id"] == gap["id"])
    assert (measured["state"], measured["after"]) == ("published", 0)
    assert measured["before"] == pytest.approx(2.5, abs=0.05)
    other = next(each for each in editor.get("/gaps")["items"] if each["id"] != gap["id"])
    editor.change("POST", f"/gaps/{other['id']}/dismiss")
    assert [each["id"] for each in editor.get("/gaps")["items"]] == [gap["id"]]


def test_a_gaps_draft_is_in_one_language_though_customers_asked_in_two(world: World, editor: Screen) -> None:
    answered_by_ana(world, "blender stops after a minute", "a", "en")
    answered_by_ana(
        world, "blender stops after a minute now", "b", "es", "Desenchúfela, espere un minuto y enchúfela otra vez."
    )
    editor.change("POST", "/gaps/search")
    world.run()
    (gap,) = editor.get("/gaps")["items"]
    begun = editor.change("POST", f"/gaps/{gap['id']}/article")
    draft = editor.get(f"/articles/{begun['article_id']}/{begun['locale']}")
    assert gap["questions"] == 4
    assert (
        draft["body"] == {"en": ANSWER, "es": "Desenchúfela, espere un minuto y enchúfela otra vez."}[begun["locale"]]
    )


def test_what_an_agent_taught_counts_after_an_editors_yes(world: World, editor: Screen, agent: Screen) -> None:
    publish(world, "blender", "Blender care", ANSWER)
    received = world.say("mixer halts")
    world.run()
    path = f"/conversations/{received.conversation_id}/lessons"
    lesson = {"message_id": received.message_id, "article_id": "blender", "locale": "en"}
    agent.change("POST", path, lesson)
    agent.change("POST", path, lesson)
    (proposed,) = editor.get("/lessons")["items"]
    assert (proposed["text"], proposed["title"]) == ("mixer halts", "Blender care")
    with world.store.read() as connection:
        assert passages.published(connection, "blender")[0].phrasings == ()
    editor.change("POST", f"/lessons/{proposed['id']}/accept")
    assert world.run() > 0, "the article is indexed anew"
    with world.store.read() as connection:
        assert passages.published(connection, "blender")[0].phrasings == ("mixer halts",)
    assert editor.problem("POST", f"/lessons/{proposed['id']}/decline") == (409, "conflict")
    agent.change("POST", path, {"message_id": received.message_id, "locale": "en", "answer": "Cool it down."})
    (own,) = editor.get("/lessons")["items"]
    begun = editor.change("POST", f"/lessons/{own['id']}/accept")
    assert editor.get(f"/articles/{begun['article_id']}/en")["body"] == "Cool it down."
    assert agent.problem("POST", path, {"message_id": received.message_id, "locale": "en"}) == (422, "refused")


def test_an_agent_goes_on_with_troubleshooting_and_the_case_is_proposed(
    world: World, editor: Screen, agent: Screen
) -> None:
    for document in json.loads((files("hub") / "seed" / "cases.json").read_text(encoding="utf-8")):
        world.store.write(lambda tx, document=document: cases.save_base(tx, json.dumps(document)))
    received = world.say("we have the router and now no internet here")
    world.run()
    path = f"/conversations/{received.conversation_id}/guide"
    guide = agent.get(path)
    assert (guide["base_id"], guide["kind"]) == ("router", "ask")
    assert guide["ask"]["why"]["es"]
    answers = {"lights": "off"}
    after = agent.change("PUT", path, {"base_id": "router", "answers": answers})
    assert after["standing"][0]["solution"] == "dead_adapter"
    done = agent.change("PUT", path, {"base_id": "router", "answers": answers, "solution": "dead_adapter"})
    assert done["state"] == "solved"
    (proposed,) = editor.get("/cases")["items"]
    assert editor.change("POST", f"/cases/{proposed['id']}/accept")["state"] == "active"
    assert agent.problem("PUT", path, {"base_id": "router", "answers": {"lights": "pink"}}) == (422, "refused")
    base = next(each for each in editor.get("/case-bases")["items"] if each["id"] == "router")
    assert base["cases"] == 41
    written = {"base_id": "router", "solution": "outage", "answers": {"neighbours": "yes"}}
    assert editor.change("POST", "/cases", written)["state"] == "active"


def test_a_backtest_is_asked_for_and_read_later(world: World, editor: Screen) -> None:
    answered_by_ana(world, "blender stops after a minute", "a")
    made = editor.change("POST", "/articles", {"locale": "en", "title": "Blender stops after a minute", "body": ANSWER})
    asked = editor.change("POST", "/backtests", {"last": 100, "articles": "draft", "thresholds": {"knowledge": 0.5}})
    assert asked["state"] == "waiting"
    world.run()
    done = editor.get(f"/backtests/{asked['id']}")
    assert done["state"] == "done"
    (changed,) = done["report"]["changed"]["newly_answered"]
    assert changed["after"]["said"] == f"article:{made['article_id']}"
    assert editor.get("/backtests")["items"][0]["report"] is None
    assert editor.problem("POST", "/backtests", {"last": 0}) == (422, "refused")


class Model:
    """A language model that says what a test wants, and keeps what it was sent."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.sent: list[Sequence[Mapping[str, str]]] = []

    def write(self, messages: Sequence[Mapping[str, str]]) -> str:
        self.sent.append(messages)
        return self.answer


def test_an_agent_is_shown_answers_like_conversations_and_a_summary(world: World, agent: Screen) -> None:
    solved = answered_by_ana(world, "blender stops after a minute", "a")
    assert assist.remember(world.hub) == 1
    assert assist.remember(world.hub) == 0
    publish(world, "blender", "Blender care", ANSWER)
    open_one = world.say("the blender stops after one minute", sender="b").conversation_id
    world.run()
    shown = agent.get(f"/conversations/{open_one}/assist")
    assert shown["suggested"][0]["article_id"] == "blender"
    assert [(each["conversation_id"], each["answer"]) for each in shown["similar"]] == [(solved, ANSWER)]
    assert shown["summary"][0]["text"] == "the blender stops after one minute"
    assert shown["may_draft"] is False
    assert agent.problem("POST", f"/conversations/{open_one}/assist/draft") == (404, "not_found")


def test_a_draft_has_sources_and_nothing_is_sent_that_may_not_be(world: World) -> None:
    publish(world, "blender", "Blender care", ANSWER)
    received = world.say("blender care? I am ana@example.org, card 4111 1111 1111 1111")
    world.store.write(lambda tx: replies.note(tx, received.conversation_id, ANA, "she is our rival's boss", "n1"))
    model = Model("Unplug it. [1]")
    hub = replace(world.hub, writer=model)
    made = assist.draft(hub, received.conversation_id)
    assert (made.text, made.sources[0].article_id) == ("Unplug it. [1]", "blender")
    sent = json.dumps(model.sent)
    for secret in ("ana@example.org", "4111", "rival"):
        assert secret not in sent
    for answer in ("It is broken.", "See [7].", "NO ANSWER", ""):
        model.answer = answer
        with pytest.raises(Refused):
            assist.draft(hub, received.conversation_id)
    silent = replace(hub, settings=replace(hub.settings, assist_sends=("articles",)))
    model.answer = "Unplug it. [1]"
    assist.draft(silent, received.conversation_id)
    assert "blender care?" not in json.dumps(model.sent[-1])
    mute: Any = replace(hub, settings=replace(hub.settings, assist_sends=("messages",)))
    with pytest.raises(Refused):
        assist.draft(mute, received.conversation_id)


def test_a_summary_is_made_of_what_was_said() -> None:
    talk = [
        ("contact", "My blender stops after a minute. It is the red one."),
        ("bot", "I do not know that."),
        ("agent", "Does the blender smell of smoke when it stops? Please unplug the blender."),
        ("contact", "No smoke. The blender stops and the lamp blinks."),
        ("contact", "Thanks. I will wait for the new blender on Monday."),
    ]
    said = [rules.Said(str(n), "incoming", author, text) for n, (author, text) in enumerate(talk)]
    found = rules.summary(said, most=3)
    assert len(found) == 3
    assert found[0].text == "My blender stops after a minute."
    assert found[-1].text == "I will wait for the new blender on Monday."
    assert all(each.text in dict(enumerate(text for _, text in talk))[int(each.message_id)] for each in found)
    assert rules.summary([]) == ()
    assert rules.without_secrets("ES91 2100 0418 4502 0005 1332, +34 644 010 203, a@b.es, https://x.y/z") == (
        "[account], [number], [address], [link]"
    )
