"""Guided troubleshooting in a conversation: it begins where nobody knows, asks by choices, and leaves a case behind."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from hub.domain.cases import Case
from hub.domain.errors import Conflict
from hub.domain.events import Actor
from hub.domain.messages import Author
from hub.services import cases
from hub.store import tables as t
from hub.store.queries import cases as queries
from tests.fixtures_hub import World

DEMO = json.loads((files("hub") / "seed" / "cases.json").read_text(encoding="utf-8"))
TOLD = "we have the router and now no internet here"
EDITOR = Actor(Author.AGENT, "editor")


@pytest.fixture
def firm(world: World) -> World:
    for document in DEMO:
        world.store.write(lambda tx, document=document: cases.save_base(tx, json.dumps(document)))
    return world


def last(world: World) -> tuple[str, list[dict[str, str]]]:
    """What the customer was told last, with its buttons."""
    m = t.message.c
    with world.store.read() as connection:
        row = connection.execute(t.message.select().where(m.kind == "outgoing").order_by(m.event_id.desc())).first()
    assert row is not None
    return row.text, json.loads(row.extras or "{}").get("buttons", [])


def decisions(world: World) -> list[dict[str, Any]]:
    with world.store.read() as connection:
        rows = connection.execute(t.event.select().where(t.event.c.kind == "BotTurnDecided").order_by(t.event.c.id))
        return [json.loads(row.data) for row in rows]


def test_a_customer_is_asked_until_a_solution_stands_out_and_it_becomes_a_case(firm: World) -> None:
    conversation_id = firm.say(TOLD).conversation_id
    firm.run()
    text, buttons = last(firm)
    assert text.startswith("Let us find out together")
    assert buttons[-1]["title"] == "I don't know"
    profile = {"scope": "all", "lights": "red", "wired": "no", "when": "always", "symptom": "none"}
    profile |= {"changed": "moved", "restarted": "no", "neighbours": "no"}
    base = next(each for each in DEMO if each["id"] == "router")
    words = {
        (question["id"], choice["id"]): choice["text"]["en"]
        for question in base["questions"]
        for choice in question["choices"]
    }
    asked = 0
    while buttons[0]["payload"].count(" ") == 2:
        question = buttons[0]["payload"].split()[1]
        firm.say(words[question, profile[question]])
        firm.run()
        text, buttons = last(firm)
        asked += 1
    assert 1 <= asked <= 3
    assert text.startswith("Loose fibre or phone cable: ")
    assert [each["title"] for each in buttons] == ["That helped", "It did not help"]
    firm.say("That helped")
    firm.run()
    assert [each["reason"] for each in decisions(firm)][-2:] == ["guide_solution", "guide_solved"]
    assert decisions(firm)[-2]["tried"][0]["source"] == "cases"
    assert firm.conversation(conversation_id).status == "bot"
    with firm.store.read() as connection:
        (proposed,) = queries.solved(connection, "proposed")
    assert (proposed.solution, proposed.text, proposed.conversation_id) == ("loose_cable", TOLD, conversation_id)
    firm.store.write(lambda tx: cases.decide(tx, proposed.id, accept=True, by=EDITOR))
    with firm.store.read() as connection:
        router = next(each for each in queries.bases(connection) if each.id == "router")
    assert router.cases[-1].id == proposed.id
    with pytest.raises(Conflict):
        firm.store.write(lambda tx: cases.decide(tx, proposed.id, accept=True, by=EDITOR))
    with firm.store.read() as connection:
        before = queries.stamp(connection)
    firm.store.write(lambda tx: cases.decide(tx, proposed.id, accept=False, by=EDITOR))
    with firm.store.read() as connection:
        router = next(each for each in queries.bases(connection) if each.id == "router")
        assert queries.stamp(connection) != before
    assert proposed.id not in [each.id for each in router.cases]
    with pytest.raises(Conflict):
        firm.store.write(lambda tx: cases.decide(tx, proposed.id, accept=False, by=EDITOR))


def test_what_does_not_help_is_not_offered_again_and_a_person_learns_what_was_said(firm: World) -> None:
    conversation_id = firm.say(TOLD).conversation_id
    firm.run()
    offered = []
    for _ in range(40):
        if firm.conversation(conversation_id).status != "bot":
            break
        _, buttons = last(firm)
        offer = buttons[0]["payload"] == "/guide solved"
        if offer:
            with firm.store.read() as connection:
                guide = cases.stored(connection, conversation_id)
            assert guide is not None
            assert guide.solution not in offered
            offered.append(guide.solution)
        firm.say("It did not help" if offer else "I don't know")
        firm.run()
    assert firm.conversation(conversation_id).status == "waiting"
    assert decisions(firm)[-1]["reason"] == "guide_given_up"
    with firm.store.read() as connection:
        guide = cases.stored(connection, conversation_id)
    assert guide is not None
    assert guide.state == "given_up"
    assert guide.answers or guide.excluded


def test_other_words_than_the_choices_are_read_as_ever(firm: World) -> None:
    """A customer in the middle of it may ask for a person, or greet; what nobody knows counts as not knowing."""
    conversation_id = firm.say(TOLD).conversation_id
    firm.run()
    firm.say("hello")
    firm.run()
    assert decisions(firm)[-1]["action"] == "bot"
    firm.say("purple elephants")
    firm.run()
    assert decisions(firm)[-1]["action"] in ("guide", "handoff")
    with firm.store.read() as connection:
        guide = cases.stored(connection, conversation_id)
    assert guide is not None
    assert "unknown" in guide.answers.values()
    firm.say("i want a person")
    firm.run()
    assert firm.conversation(conversation_id).status == "waiting"


def test_a_question_like_no_case_is_asked_in_other_words_as_ever(firm: World) -> None:
    firm.say("do you sell garden furniture for rabbits")
    firm.run()
    assert decisions(firm)[-1]["action"] == "clarify"


def test_an_editor_writes_a_case_and_it_counts_at_once(firm: World) -> None:
    case = Case("", "outage", {"neighbours": "yes"}, "the village is offline", "en")
    case_id = firm.store.write(lambda tx: cases.add_case(tx, "router", case, EDITOR))
    known = cases.Cases()
    with firm.store.read() as connection:
        reasoner = known.reasoners(connection)["router"]
        assert known.reasoners(connection)["router"] is reasoner
    assert reasoner.base.cases[-1].id == case_id
    guide = cases.by_agent(
        firm.hub, known, firm.say("x").conversation_id, told="x", base_id="router", answers={}, solution="outage"
    )
    assert guide.state == "solved"
