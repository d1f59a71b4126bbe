"""Measures guided troubleshooting: `centralita evaluate cases` (docs/cases.md).

Held-out cases are customers: each answers what it holds and does not know the rest. Asked by the code that asks
customers, and by a fixed decision tree (scikit-learn) that was grown from the same training cases. Success is that the
solution offered is the case's; a tree always offers one, ours may hand off, which counts as no success.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np

from hub.domain.cases import UNKNOWN, Case, CaseBase, Known, Reasoner, Settings
from hub.domain.errors import Refused

FOLDS = 5
THRESHOLDS = (0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)

Likeness = Callable[[str, Sequence[str]], list[float]]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Point:
    """One way to ask: the share of cases solved, and questions a case, over the same cases."""

    name: str
    success: float
    questions: float


def measure(
    bases: Sequence[CaseBase],
    likeness: Likeness | None,
    progress: Progress = lambda _what, _done, _all: None,
) -> dict[str, Any]:
    """Stratified five-fold over each base, all bases pooled.

    Args:
        bases: with their cases; a solution with fewer cases than folds is in some test parts alone.
        likeness: how like a text is to others, 0 to 1; None: what customers told is not read.
        progress: is told what is done, how many of how many.

    Returns:
        `cases`; `ours` and `tree`, the curves, each point with `name`, `success`, `questions`; `default`, ours as
        customers get it; `equal_success`: the tree's best point, ours with the fewest questions that solves as much,
        and the `fewer` share of questions; the same without what was told (`without_text`), where it is read.
    """
    ours = _asked(bases, likeness, progress)
    tree = _trees(bases)
    figures: dict[str, Any] = {
        "cases": sum(len(base.cases) for base in bases),
        "tree": [_row(each) for each in tree],
        "ours": [_row(each) for each in ours],
        "default": _row(next(each for each in ours if each.name == str(Settings().stands_out))),
        "equal_success": _equal(ours, tree),
    }
    if likeness is not None:
        figures["without_text"] = _equal(_asked(bases, None, progress), tree)
    return figures


def _row(point: Point) -> dict[str, Any]:
    return {"name": point.name, "success": round(point.success, 4), "questions": round(point.questions, 3)}


def _equal(ours: Sequence[Point], tree: Sequence[Point]) -> dict[str, Any]:
    best = max(tree, key=lambda each: (each.success, -each.questions))
    enough = [each for each in ours if each.success >= best.success]
    mine = min(enough, key=lambda each: each.questions, default=None)
    fewer = None if mine is None else round(1 - mine.questions / best.questions, 3)
    return {"tree": _row(best), "ours": None if mine is None else _row(mine), "fewer": fewer}


def _folds(base: CaseBase) -> list[tuple[tuple[Case, ...], tuple[Case, ...]]]:
    labels = [case.solution for case in base.cases]
    if len(base.cases) < FOLDS or len(set(labels)) < 2:
        raise Refused("case base", f"{base.id} must have at least {FOLDS} cases and two solutions to be measured")
    # Here, for every command of the hub reads this file: two seconds and a hundred megabytes.
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=1).split(labels, labels)
    return [(tuple(base.cases[i] for i in train), tuple(base.cases[i] for i in test)) for train, test in folds]


def _asked(bases: Sequence[CaseBase], likeness: Likeness | None, progress: Progress) -> list[Point]:
    outcomes: dict[float, list[tuple[bool, int]]] = {each: [] for each in THRESHOLDS}
    count, done = sum(len(base.cases) for base in bases), 0
    for base in bases:
        for train, test in _folds(base):
            for case in test:
                told = likeness(case.told, [each.told for each in train]) if likeness and case.told else []
                alike = dict(zip((each.id for each in train), told, strict=False))
                for threshold in THRESHOLDS:
                    reasoner = Reasoner(replace(base, cases=train), Settings(stands_out=threshold))
                    outcomes[threshold].append(_solve(reasoner, case, alike))
                done += 1
                progress("cases", done, count)
    return [
        Point(str(each), fmean(ok for ok, _ in found), fmean(asked for _, asked in found))
        for each, found in outcomes.items()
    ]


def _solve(reasoner: Reasoner, case: Case, alike: Mapping[str, float]) -> tuple[bool, int]:
    """(whether the case's solution was offered, questions asked)."""
    answers: dict[str, str] = {}
    while True:
        step = reasoner.step(Known(answers, alike))
        if step.ask is None:
            return step.kind == "solve" and step.standing[0].solution == case.solution, len(answers)
        answers[step.ask.question] = case.answers.get(step.ask.question, UNKNOWN)


def _trees(bases: Sequence[CaseBase]) -> list[Point]:
    """The trees of each size; a base with fewer leaves than asked for has its largest."""
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415  # as above

    sizes = (4, 6, 8, 10, 12, 16, 24, 1000)
    outcomes: dict[int, list[tuple[bool, int]]] = {size: [] for size in sizes}
    for base in bases:
        columns = [(q.id, c) for q in base.questions.values() for c in (*(each.id for each in q.choices), UNKNOWN)]
        for train, test in _folds(base):
            rows = _encoded(train, columns)
            for size in sizes:
                tree = DecisionTreeClassifier(max_leaf_nodes=size, criterion="entropy", random_state=1)
                tree.fit(rows, [case.solution for case in train])
                outcomes[size] += _walked(tree, test, columns)
    return [
        Point(f"{size} leaves", fmean(ok for ok, _ in found), fmean(asked for _, asked in found))
        for size, found in outcomes.items()
    ]


def _encoded(cases: Sequence[Case], columns: Sequence[tuple[str, str]]) -> Any:
    return np.array(
        [[case.answers.get(question, UNKNOWN) == answer for question, answer in columns] for case in cases],
        dtype=np.float32,
    )


def _walked(tree: Any, cases: Sequence[Case], columns: Sequence[tuple[str, str]]) -> list[tuple[bool, int]]:
    """A question that a path names twice, for two of its answers, is asked once."""
    rows = _encoded(cases, columns)
    paths = tree.decision_path(rows)
    features = tree.tree_.feature
    found = []
    for number, (case, said) in enumerate(zip(cases, tree.predict(rows), strict=True)):
        nodes = paths.indices[paths.indptr[number] : paths.indptr[number + 1]]
        asked = {columns[features[node]][0] for node in nodes if features[node] >= 0}
        found.append((said == case.solution, len(asked)))
    return found


def as_text(figures: Mapping[str, Any]) -> list[str]:
    """The figures as lines for people."""

    def line(point: Mapping[str, Any] | None) -> str:
        if point is None:
            return "none solves as much"
        return f"{point['success']:.1%} solved with {point['questions']:.2f} questions a case ({point['name']})"

    lines = [f"{figures['cases']} held-out cases, five folds", "", "guided, by the probability at which it stops:"]
    lines += [f"  {line(each)}" for each in figures["ours"]]
    lines += ["fixed decision tree, by its size:", *(f"  {line(each)}" for each in figures["tree"]), ""]
    lines.append(f"as customers get it: {line(figures['default'])}")
    for name, words in (("equal_success", "at equal success"), ("without_text", "the same, not reading what was told")):
        if name in figures:
            found = figures[name]
            fewer = "" if found["fewer"] is None else f": {found['fewer']:.0%} fewer"
            lines += [f"{words}{fewer}", f"  tree:   {line(found['tree'])}", f"  guided: {line(found['ours'])}"]
    return lines
