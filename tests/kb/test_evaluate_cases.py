"""`centralita evaluate cases`: guided troubleshooting beside a fixed tree of the same training cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

import pytest

from hub.domain.cases import CaseBase, read_base
from hub.domain.errors import Refused
from kb import evaluate_cases

DEMO = [
    read_base(json.dumps(document))
    for document in json.loads((files("hub") / "seed" / "cases.json").read_text(encoding="utf-8"))
]


def test_fewer_questions_than_a_tree_at_equal_success_without_even_reading_what_was_told() -> None:
    figures = evaluate_cases.measure(DEMO, None)
    assert figures["cases"] == sum(len(base.cases) for base in DEMO)
    best = max(figures["tree"], key=lambda each: (each["success"], -each["questions"]))
    equal = figures["equal_success"]
    assert equal["tree"] == best
    assert equal["ours"]["success"] >= best["success"]
    assert equal["ours"]["questions"] < best["questions"]
    assert equal["fewer"] == pytest.approx(1 - equal["ours"]["questions"] / best["questions"], abs=0.001)
    lines = evaluate_cases.as_text(figures)
    assert any("tree:" in line for line in lines)
    assert any("guided:" in line for line in lines)


def test_what_was_told_is_compared_with_the_training_cases_alone() -> None:
    base = DEMO[0]
    told = {case.told for case in base.cases}
    compared: list[tuple[str, int]] = []

    def likeness(text: str, others: Sequence[str]) -> list[float]:
        assert set(others) <= told
        compared.append((text, len(others)))
        return [0.0] * len(others)

    figures = evaluate_cases.measure([base], likeness)
    asked = [text for text, _ in compared]
    assert sorted(asked) == sorted(case.told for case in base.cases if case.told)
    assert all(others < len(base.cases) for _, others in compared)
    assert "without_text" in figures


@pytest.mark.parametrize("kept", [0, evaluate_cases.FOLDS - 1])
def test_a_base_that_cannot_be_parted_is_refused(kept: int) -> None:
    base: CaseBase = replace(DEMO[0], cases=DEMO[0].cases[:kept])
    with pytest.raises(Refused, match=base.id):
        evaluate_cases.measure([base], None)
