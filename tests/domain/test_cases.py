"""Guided troubleshooting: the question that tells most, when it stops, and what breaks a case base."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from math import log2
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.cases import (
    UNKNOWN,
    Case,
    CaseBase,
    Known,
    Reasoner,
    Settings,
    closeness,
    picked,
    read_base,
    why,
)
from hub.domain.errors import Refused

DEMO = json.loads((files("hub") / "seed" / "cases.json").read_text(encoding="utf-8"))


def both(text: str) -> dict[str, str]:
    return {"en": text, "es": text}


def document(**changes: Any) -> str:
    """A base where `power` parts the solutions and `colour` tells nothing."""
    yes_no = [{"id": "yes", "text": {"en": "Yes", "es": "Sí"}}, {"id": "no", "text": {"en": "No", "es": "No"}}]
    questions = [{"id": each, "text": both(f"{each}?"), "choices": yes_no} for each in ("colour", "power")]
    solutions = [{"id": each, "title": both(each), "text": both(f"do {each}")} for each in ("plug", "repair")]
    cases = [
        {"id": f"{solution}-{n}", "solution": solution, "answers": {"power": power, "colour": ("yes", "no")[n % 2]}}
        for solution, power in (("plug", "no"), ("repair", "yes"))
        for n in range(4)
    ]
    whole = {"id": "b", "title": both("B"), "questions": questions, "solutions": solutions, "cases": cases}
    return json.dumps(whole | changes)


@pytest.fixture
def reasoner() -> Reasoner:
    return Reasoner(read_base(document()))


def test_it_asks_what_tells_most_then_offers_what_stands_out(reasoner: Reasoner) -> None:
    first = reasoner.step(Known())
    assert first.kind == "ask"
    assert first.ask is not None
    assert first.ask.question == "power"
    assert 0.4 < first.ask.gain <= 1
    assert set(first.ask.splits) == {"plug", "repair"}
    assert why(reasoner.base, first.ask, "en") == "It tells “plug” from “repair”."
    second = reasoner.step(Known({"power": "no"}))
    assert (second.kind, second.standing[0].solution) == ("solve", "plug")
    assert second.standing[0].nearest.startswith("plug-")


def test_who_does_not_know_is_not_asked_again_and_a_person_goes_on(reasoner: Reasoner) -> None:
    step = reasoner.step(Known({"power": UNKNOWN}))
    assert step.kind == "give_up", "the colour tells nothing"
    assert reasoner.probabilities(Known({"power": UNKNOWN})) == reasoner.probabilities(Known())


def test_what_did_not_help_is_not_offered_again(reasoner: Reasoner) -> None:
    step = reasoner.step(Known({"power": "no"}, excluded=frozenset({"plug"})))
    assert [each.solution for each in step.standing] == ["repair"]
    assert reasoner.step(Known(excluded=frozenset({"plug", "repair"}))).kind == "give_up"


def test_what_was_told_counts(reasoner: Reasoner) -> None:
    told = reasoner.probabilities(Known(likeness={"repair-1": 0.9, "plug-1": 0.1}))
    assert told["repair"] > 0.9


def test_no_more_than_so_many_questions(reasoner: Reasoner) -> None:
    hurried = Reasoner(reasoner.base, Settings(most_questions=0))
    assert hurried.step(Known()).kind == "give_up"


@given(st.data())
def test_probabilities_add_up_and_a_gain_is_never_more_than_what_is_uncertain(data: st.DataObject) -> None:
    base = read_base(json.dumps(data.draw(st.sampled_from(DEMO))))
    reasoner = Reasoner(base)
    answers = {
        question.id: data.draw(st.sampled_from([UNKNOWN, *(choice.id for choice in question.choices)]))
        for question in base.questions.values()
        if data.draw(st.booleans())
    }
    chances = reasoner.probabilities(Known(answers))
    assert sum(chances.values()) == pytest.approx(1)
    following = reasoner.next_question(Known(answers))
    if following is not None:
        assert following.question not in answers
        assert 0 < following.gain <= -sum(each * log2(each) for each in chances.values() if each) + 1e-9


@pytest.mark.parametrize("data", DEMO, ids=[each["id"] for each in DEMO])
def test_the_demo_solves_its_own_cases_with_few_questions(data: dict[str, Any]) -> None:
    base = read_base(json.dumps(data))
    solved, asked = 0, 0
    for case in base.cases:
        others = Reasoner(replace(base, cases=tuple(each for each in base.cases if each is not case)))
        answers: dict[str, str] = {}
        while (step := others.step(Known(answers))).ask is not None:
            answers[step.ask.question] = case.answers.get(step.ask.question, UNKNOWN)
        solved += step.kind == "solve" and step.standing[0].solution == case.solution
        asked += len(answers)
    assert solved / len(base.cases) > 0.75
    assert asked / len(base.cases) < 4


def test_near_cases_agree_in_answers_and_words() -> None:
    case = Case("c", "plug", {"power": "no", "colour": UNKNOWN})
    assert closeness(case, Known({"power": "no", "colour": "yes"})) == 1
    assert closeness(case, Known({"power": "yes"}, {"c": 0.5})) == 0.25
    assert closeness(case, Known()) == 0


def test_a_choice_is_named_by_words_or_number(reasoner: Reasoner) -> None:
    question = reasoner.base.questions["power"]
    said = {"yes": "yes", "SÍ.": "yes", "2": "no", "3": UNKNOWN, "no lo sé": UNKNOWN, "not sure": UNKNOWN, "maybe": ""}
    assert {text: picked(question, text) for text in said} == said


@pytest.mark.parametrize(
    "broken",
    [
        "no JSON",
        "[]",
        document(title={"en": "only English"}),
        document(cases=[{"id": "x", "solution": "nothing", "answers": {}}]),
        document(cases=[{"id": "x", "solution": "plug", "answers": {"age": "yes"}}]),
        document(cases=[{"id": "x", "solution": "plug", "answers": {"power": "perhaps"}}]),
    ],
    ids=["text", "list", "one-language", "solution", "question", "choice"],
)
def test_a_base_that_is_not_of_the_form_is_refused(broken: str) -> None:
    with pytest.raises(Refused):
        read_base(broken)


def test_an_empty_base_gives_up() -> None:
    empty: CaseBase = read_base(document(cases=[]))
    assert Reasoner(empty).step(Known()).kind == "give_up"
