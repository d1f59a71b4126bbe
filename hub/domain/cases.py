"""Guided troubleshooting by case-based reasoning: which question to ask next, and which solution stands out.

A case is a solved problem: answers to some of its base's questions, the solution, and how the customer told it. Nearest
cases are found by what was told and answered so far; their solutions' probabilities follow from a smoothed Bayesian
reading of the cases (with so few of them, counting alone would believe the first that fits). The next question is the
one whose answer tells most about the solution: the expected information gain in bits, less what is lost because some
customers cannot answer it. Nothing here is random, and nothing reads the outside.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Any

from hub.domain.errors import Refused

UNKNOWN = "unknown"
"""The answer of whoever does not know."""

LANGUAGES = ("en", "es")


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer that can be picked; its words by language."""

    id: str
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    text: Mapping[str, str]
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Solution:
    """What helped: a name and what to do, by language. `article_id` is the article that tells more, if any."""

    id: str
    title: Mapping[str, str]
    text: Mapping[str, str]
    article_id: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A solved problem. `answers` by question; what is not there was not asked. `told`: as the customer put it."""

    id: str
    solution: str
    answers: Mapping[str, str]
    told: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class CaseBase:
    """`title` by language; questions and solutions by their ids, in the editors' order."""

    id: str
    title: Mapping[str, str]
    questions: Mapping[str, Question]
    solutions: Mapping[str, Solution]
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """When to stop. `stands_out`: from which probability on the best solution is offered; `most_questions` in all;
    `least_gain`, bits: a question that tells less is not worth asking. `noise`: how often an answer is not what the
    case would have (a slip, a case that differs). `by_text`: how much the likeness of what was told counts."""

    stands_out: float = 0.7
    most_questions: int = 8
    least_gain: float = 0.02
    noise: float = 0.06
    by_text: float = 6.0


@dataclass(frozen=True, slots=True)
class Standing:
    """A solution with its probability, and the case nearest to what is known that had it."""

    solution: str
    probability: float
    nearest: str


@dataclass(frozen=True, slots=True)
class Next:
    """A question to ask. `gain` in bits; `splits`: the solutions that it tells apart, the likeliest first."""

    question: str
    gain: float
    splits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now: `ask`, `solve` (offer the first of `standing`) or `give_up` (hand off with what was learnt)."""

    kind: str
    standing: tuple[Standing, ...]
    ask: Next | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a problem. `likeness`: of what was told to each case, by the case's id, 0 to 1. `excluded` are
    solutions that did not help."""

    answers: Mapping[str, str] = field(default_factory=dict)
    likeness: Mapping[str, float] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()


class Reasoner:
    """A case base, counted once. Immutable: make a new one when a case is added.

    Args:
        base: the cases.
        settings: when to stop.
    """

    def __init__(self, base: CaseBase, settings: Settings | None = None) -> None:
        self.base = base
        self.settings = settings or Settings()
        self._by_solution: dict[str, list[Case]] = {}
        for case in base.cases:
            self._by_solution.setdefault(case.solution, []).append(case)
        # How each solution's customers answered each question: smoothed, by solution, question and answer.
        self._shares = {
            (solution, question.id): self._counted(cases, question)
            for solution, cases in self._by_solution.items()
            for question in base.questions.values()
        }
        self._knows = {question: self._answered(question) for question in base.questions}

    def _counted(self, cases: Sequence[Case], question: Question) -> dict[str, float]:
        """The probability of each answer of whoever has this solution's problem and can answer."""
        noise, size = self.settings.noise, len(question.choices)
        given = Counter(case.answers[question.id] for case in cases if question.id in case.answers)
        given.pop(UNKNOWN, None)
        # What its cases did not answer tells nothing: even odds.
        count, prior = sum(given.values()), 0.3
        seen = {choice.id: (given[choice.id] + prior / size) / (count + prior) for choice in question.choices}
        return {name: (1 - noise) * share + noise / size for name, share in seen.items()}

    def _answered(self, question: str) -> float:
        """The share of customers who can answer a question."""
        asked = [case.answers[question] for case in self.base.cases if question in case.answers]
        return (sum(answer != UNKNOWN for answer in asked) + 4) / (len(asked) + 5)

    def probabilities(self, known: Known) -> dict[str, float]:
        """How probable each solution is; they add up to 1. Empty where every solution is excluded."""
        weights: dict[str, float] = {}
        for solution, cases in self._by_solution.items():
            if solution in known.excluded:
                continue
            # Frequent problems are likelier; the case most like what was told speaks for its solution.
            alike = max((known.likeness.get(case.id, 0.0) for case in cases), default=0.0)
            weight = (len(cases) + 1) * 2.0 ** (self.settings.by_text * alike)
            for question, answer in known.answers.items():
                weight *= self._shares.get((solution, question), {}).get(answer, 1.0)
            weights[solution] = weight
        total = sum(weights.values())
        return {solution: weight / total for solution, weight in weights.items()}

    def next_question(self, known: Known, chances: Mapping[str, float] | None = None) -> Next | None:
        """The question that tells most about the solution; None where none is worth asking."""
        chances = chances if chances is not None else self.probabilities(known)
        uncertain = _entropy(chances.values())
        best: Next | None = None
        for question in self.base.questions.values():
            if question.id in known.answers:
                continue
            gain = (uncertain - self._left(question, chances)) * self._knows[question.id]
            if gain >= self.settings.least_gain and (best is None or gain > best.gain + 1e-12):
                best = Next(question.id, gain, ())
        return Next(best.question, best.gain, self._splits(best.question, chances)) if best else None

    def _left(self, question: Question, chances: Mapping[str, float]) -> float:
        """The uncertainty, bits, that is expected to be left after a question was answered."""
        left = 0.0
        for choice in question.choices:
            joint = [chance * self._shares[solution, question.id][choice.id] for solution, chance in chances.items()]
            total = sum(joint)
            left += total * _entropy(each / total for each in joint) if total else 0.0
        return left

    def _splits(self, question: str, chances: Mapping[str, float]) -> tuple[str, ...]:
        """The likely solutions of which each has another answer: what the question is asked for."""
        told: dict[str, str] = {}
        for solution in sorted(chances, key=lambda each: -chances[each]):
            shares = self._shares[solution, question]
            usual = max(shares, key=lambda each: shares[each])
            if shares[usual] > 1.5 / len(shares):
                told.setdefault(usual, solution)
        return tuple(told.values())[:3]

    def step(self, known: Known) -> Step:
        """What to do with what is known."""
        chances = self.probabilities(known)
        order = sorted(chances, key=lambda each: (-chances[each], each))
        standing = tuple(Standing(each, chances[each], self._nearest(each, known)) for each in order)
        if not standing:
            return Step("give_up", ())
        if standing[0].probability >= self.settings.stands_out:
            return Step("solve", standing)
        asked = len(known.answers)
        following = self.next_question(known, chances) if asked < self.settings.most_questions else None
        if following is not None:
            return Step("ask", standing, following)
        # Nothing more to ask: the best is offered where it leads clearly, else a person goes on.
        second = standing[1].probability if len(standing) > 1 else 0.0
        clear = standing[0].probability >= 0.4 and standing[0].probability >= 1.5 * second
        return Step("solve" if clear else "give_up", standing)

    def _nearest(self, solution: str, known: Known) -> str:
        return max(self._by_solution[solution], key=lambda case: (closeness(case, known), case.id)).id

    def nearest(self, known: Known, most: int = 3) -> list[tuple[Case, float]]:
        """Cases with how like the problem they are, 0 to 1, the nearest first."""
        found = [(case, closeness(case, known)) for case in self.base.cases]
        return sorted(found, key=lambda each: (-each[1], each[0].id))[:most]


def closeness(case: Case, known: Known) -> float:
    """How like a problem a case is, 0 to 1: the mean of the share of answers that agree, of those that both have, and
    of the likeness of what was told; one of the two where the other is not known."""
    both = [
        case.answers[question] == answer
        for question, answer in known.answers.items()
        if answer != UNKNOWN and case.answers.get(question, UNKNOWN) != UNKNOWN
    ]
    parts = [sum(both) / len(both)] if both else []
    if case.id in known.likeness:
        parts.append(known.likeness[case.id])
    return sum(parts) / len(parts) if parts else 0.0


def _entropy(chances: Iterable[float]) -> float:
    return -sum(each * log2(each) for each in chances if each > 0)


# --- to and from JSON values ------------------------------------------------------------------------------------------


def read_base(document: str, cases: Sequence[Case] = ()) -> CaseBase:
    """A case base from its JSON document: `{"id", "title", "questions": [{"id", "text", "choices": [{"id", "text"}]}],
    "solutions": [{"id", "title", "text", "article_id"}], "cases": [{"id", "solution", "answers", "told",
    "language"}]}`; every text is an object by language.

    Args:
        document: JSON.
        cases: more cases than the document has.

    Raises:
        Refused: it is not of that form, or a case names what the base has not.
    """
    try:
        data = json.loads(document)
        questions = {
            each["id"]: Question(
                each["id"],
                _texts(each["text"]),
                tuple(Choice(one["id"], _texts(one["text"])) for one in each["choices"]),
            )
            for each in data["questions"]
        }
        solutions = {
            each["id"]: Solution(each["id"], _texts(each["title"]), _texts(each["text"]), each.get("article_id", ""))
            for each in data["solutions"]
        }
        own = [
            Case(each["id"], each["solution"], dict(each["answers"]), each.get("told", ""), each.get("language", ""))
            for each in data.get("cases", ())
        ]
        base = CaseBase(data["id"], _texts(data["title"]), questions, solutions, (*own, *cases))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused("case base", f"must be of the documented form: {error!r}") from error
    for case in base.cases:
        check(base, case)
    return base


def check(base: CaseBase, case: Case) -> None:
    """Raises Refused unless a case names only what its base has."""
    if case.solution not in base.solutions:
        raise Refused("solution", f"must be one of the case base, not {case.solution}")
    for question, answer in case.answers.items():
        if question not in base.questions:
            raise Refused("answers", f"must answer questions of the case base, not {question}")
        if answer != UNKNOWN and answer not in {choice.id for choice in base.questions[question].choices}:
            raise Refused("answers", f"must give {question} one of its choices, not {answer}")


def _choices(given: Sequence[Mapping[str, Any]]) -> tuple[Choice, ...]:
    return tuple(Choice(each["id"], _texts(each["text"])) for each in given)


def _texts(given: Mapping[str, str]) -> dict[str, str]:
    if not all(isinstance(given[language], str) and given[language] for language in LANGUAGES):
        raise ValueError(f"a text must be there in {' and '.join(LANGUAGES)}")
    return dict(given)


def in_language(texts: Mapping[str, str], language: str) -> str:
    """A text in the customer's language, else in English."""
    return texts.get(language) or texts["en"]


def picked(question: Question, said: str) -> str:
    """The choice that a customer named by its words or its number, `UNKNOWN` for the last number or its words; empty
    where it is none."""
    word = said.strip().strip(".!").casefold()
    choices = [*question.choices, Choice(UNKNOWN, DONT_KNOW)]
    for number, choice in enumerate(choices, 1):
        if word in {str(number), *(text.casefold() for text in choice.text.values())}:
            return choice.id
    return UNKNOWN if word in _SHRUGS else ""


DONT_KNOW: Mapping[str, str] = {"en": "I don't know", "es": "No lo sé"}
_SHRUGS = frozenset({"idk", "dont know", "don't know", "not sure", "no idea", "no se", "no sé", "ni idea"})


def why(base: CaseBase, following: Next, language: str) -> str:
    """Why a question is asked, as a sentence."""
    names = [in_language(base.solutions[each].title, language) for each in following.splits]
    if len(names) < 2:
        return {"es": "Ayuda a acotar la causa."}.get(language, "It narrows down the cause.")
    if language == "es":
        return f"Distingue entre «{'», «'.join(names[:-1])}» y «{names[-1]}»."
    return f"It tells “{'”, “'.join(names[:-1])}” from “{names[-1]}”."
