"""Guided troubleshooting in conversations, for customers and agents, and the cases that they leave behind."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hub.domain import cases
from hub.domain import events as e
from hub.domain.cases import UNKNOWN, Case, CaseBase, Choice, Known, Reasoner, Step
from hub.domain.errors import Conflict, HubError, NotFound, Refused
from hub.domain.rendering import phrase
from hub.hub import Hub
from hub.store import tables as t
from hub.store.queries import cases as queries
from hub.store.unit_of_work import Reading, Tx

# From which likeness to a case's words on a problem counts as one of its base's. Measured in docs/cases.md.
LIKE_A_CASE = 0.5
PAYLOAD = "/guide "


@dataclass(frozen=True, slots=True)
class Guide:
    """Troubleshooting in a conversation. `told` is how the problem was put, `asked` the open question, `solution` the
    one that was offered. `state`: asking, offered, solved, given_up."""

    conversation_id: str
    base_id: str
    told: str
    answers: Mapping[str, str] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()
    asked: str = ""
    solution: str = ""
    state: str = "asking"

    @property
    def is_open(self) -> bool:
        return self.state in ("asking", "offered")


@dataclass(frozen=True, slots=True)
class Move:
    """What comes next: the guide after it, the step that was reasoned, and what the customer is told of it."""

    guide: Guide
    step: Step
    base: CaseBase
    text: str = ""
    buttons: tuple[dict[str, str], ...] = ()


class Cases:
    """The case bases of one process, read anew when they have changed, and what the models made of their words."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamp: tuple[Any, ...] | None = None
        self._reasoners: dict[str, Reasoner] = {}
        self._imprints: dict[tuple[str, str], bytes] = {}

    def reasoners(self, connection: Reading) -> Mapping[str, Reasoner]:
        """By the base's id."""
        stamp = queries.stamp(connection)
        with self._lock:
            if stamp != self._stamp:
                self._reasoners = {base.id: Reasoner(base) for base in queries.bases(connection)}
                self._stamp = stamp
            return self._reasoners

    def likeness(self, hub: Hub, told: str, some: Sequence[Case]) -> dict[str, float]:
        """How like what was told is to cases' words, 0 to 1, by the case's id; nothing while the models warm up."""
        put = [case for case in some if case.told]
        if hub.knowledge is None or not told.strip() or not put:
            return {}
        try:
            missing = [case.told for case in put if (hub.knowledge.model_id, case.told) not in self._imprints]
            made = hub.knowledge.imprint([told, *missing])
        except HubError:
            return {}
        for text, imprint in zip(missing, made[1:], strict=True):
            self._imprints[hub.knowledge.model_id, text] = imprint
        theirs = [self._imprints[hub.knowledge.model_id, case.told] for case in put]
        alike = hub.knowledge.likeness(made[0], theirs)
        return {case.id: max(0.0, each) for case, each in zip(put, alike, strict=True)}


def begin(hub: Hub, known: Cases, reasoners: Mapping[str, Reasoner], conversation_id: str, told: str) -> Guide | None:
    """Troubleshooting for a problem that is like a case's; None where it is like none."""
    best, base_id = 0.0, ""
    for reasoner in reasoners.values():
        alike = max(known.likeness(hub, told, reasoner.base.cases).values(), default=0.0)
        if alike > best:
            best, base_id = alike, reasoner.base.id
    return Guide(conversation_id, base_id, told) if best >= LIKE_A_CASE else None


def understood(guide: Guide, base: CaseBase, payload: str, text: str) -> str:
    """What a customer's message is to an open guide: a choice of the open question, `solved`, `unhelpful`, or empty."""
    if payload.startswith(PAYLOAD):
        question, _, choice = payload.removeprefix(PAYLOAD).partition(" ")
        if question in ("solved", "unhelpful"):
            return question if guide.state == "offered" else ""
        return choice if question == guide.asked and guide.state == "asking" else ""
    if guide.state == "offered":
        words = {phrase(f"guide_{name}", each).casefold(): name for name in _ENDS for each in cases.LANGUAGES}
        numbers = {str(number): name for number, name in enumerate(_ENDS, 1)}
        return (words | numbers).get(text.strip().strip(".!").casefold(), "")
    return cases.picked(base.questions[guide.asked], text) if guide.asked else ""


_ENDS = ("solved", "unhelpful")


def answered(guide: Guide, answer: str) -> Guide:
    """The guide after an answer to its open question, or to the solution that was offered."""
    if answer == "solved":
        return replace(guide, state="solved")
    if answer == "unhelpful":
        return replace(guide, state="asking", excluded=guide.excluded | {guide.solution}, solution="")
    return replace(guide, answers={**guide.answers, guide.asked: answer}, asked="")


def move(hub: Hub, known: Cases, reasoner: Reasoner, guide: Guide, language: str) -> Move:
    """What comes next for a guide, and what the customer is told."""
    alike = known.likeness(hub, guide.told, reasoner.base.cases)
    step = reasoner.step(Known(guide.answers, alike, guide.excluded))
    base = reasoner.base
    if guide.state == "solved":
        return Move(guide, step, base, phrase("guide_thanks", language))
    if step.ask is not None:
        question = base.questions[step.ask.question]
        text = f"{cases.in_language(question.text, language)}\n{cases.why(base, step.ask, language)}"
        if not guide.answers and not guide.excluded:
            text = f"{phrase('guide_begin', language)}\n{text}"
        choices = [*question.choices, Choice(UNKNOWN, cases.DONT_KNOW)]
        buttons = [
            {"title": cases.in_language(each.text, language), "payload": f"{PAYLOAD}{question.id} {each.id}"}
            for each in choices
        ]
        return Move(replace(guide, asked=question.id, state="asking"), step, base, text, tuple(buttons))
    if step.kind == "solve":
        solution = base.solutions[step.standing[0].solution]
        text = f"{cases.in_language(solution.title, language)}: {cases.in_language(solution.text, language)}"
        buttons = [{"title": phrase(f"guide_{each}", language), "payload": f"{PAYLOAD}{each}"} for each in _ENDS]
        return Move(replace(guide, asked="", solution=solution.id, state="offered"), step, base, text, tuple(buttons))
    return Move(replace(guide, asked="", state="given_up"), step, base)


def tried(moved: Move, language: str) -> tuple[e.TriedAnswer, ...]:
    """What was considered, for the decision's event and the handoff packet."""
    given = moved.step.kind == "solve"
    return tuple(
        e.TriedAnswer(
            source="cases",
            label=cases.in_language(moved.base.solutions[each.solution].title, language),
            score=each.probability,
            given=given and place == 0,
        )
        for place, each in enumerate(moved.step.standing[:3])
    )


def stored(connection: Reading, conversation_id: str) -> Guide | None:
    """A conversation's troubleshooting as it stands; None where there is none."""
    row = queries.guide(connection, conversation_id)
    if row is None:
        return None
    answers, excluded = json.loads(row.answers), frozenset(json.loads(row.excluded))
    return Guide(conversation_id, row.base_id, row.told, answers, excluded, row.asked, row.solution, row.state)


def keep(tx: Tx, guide: Guide) -> None:
    """Keeps how far troubleshooting has come; what was solved is proposed as a case."""
    values = {
        "base_id": guide.base_id,
        "told": guide.told,
        "answers": json.dumps(dict(guide.answers)),
        "excluded": json.dumps(sorted(guide.excluded)),
        "asked": guide.asked,
        "solution": guide.solution,
        "state": guide.state,
        "updated_at": tx.now,
    }
    tx.upsert(t.guide, {"conversation_id": guide.conversation_id}, values)
    if guide.state == "solved" and not queries.of_conversation(tx.connection, guide.conversation_id):
        language = tx.conversation(guide.conversation_id).language
        _add(tx, guide.base_id, Case("", guide.solution, guide.answers, guide.told, language), guide.conversation_id)


def _add(tx: Tx, base_id: str, case: Case, conversation_id: str, state: str = "proposed", by: str = "") -> str:
    case_id = tx.new_id()
    row = {
        "id": case_id,
        "base_id": base_id,
        "solution": case.solution,
        "answers": json.dumps(dict(case.answers)),
        "text": case.told,
        "language": case.language,
        "state": state,
        "conversation_id": conversation_id,
        "proposed_by": by,
        "created_at": tx.now,
    }
    tx.add(t.solved_case, row)
    return case_id


def add_case(tx: Tx, base_id: str, case: Case, by: e.Actor) -> str:
    """A case that an editor wrote; it counts at once. Returns its id. Raises NotFound, Refused."""
    cases.check(_base(tx.connection, base_id), case)
    return _add(tx, base_id, case, "", "active", by.id)


def decide(tx: Tx, case_id: str, *, accept: bool, by: e.Actor) -> None:
    """An editor's yes or no to a proposed case; a no takes out one that counts, too. Raises NotFound, Conflict."""
    row = queries.one(tx.connection, case_id)
    if row is None:
        raise NotFound(f"there is no case {case_id}")
    if row.state != "proposed" and (accept or row.state != "active"):
        raise Conflict("somebody has decided on this case already")
    values = {"state": "active" if accept else "declined", "decided_by": by.id, "created_at": tx.now}
    tx.change(t.solved_case, {"id": case_id}, values)


def save_base(tx: Tx, document: str) -> str:
    """Keeps a case base as an editor wrote it. Returns its id. Raises Refused: also where a case that counts would name
    what is not there any more."""
    base = cases.read_base(document)
    active = [
        Case(row.id, row.solution, json.loads(row.answers))
        for row in queries.solved(tx.connection, "active", limit=10_000)
        if row.base_id == base.id
    ]
    cases.read_base(document, active)
    tx.upsert(t.case_base, {"id": base.id}, {"document": document, "updated_at": tx.now})
    return base.id


def _base(connection: Reading, base_id: str) -> CaseBase:
    found = next((each for each in queries.bases(connection) if each.id == base_id), None)
    if found is None:
        raise NotFound(f"there is no case base {base_id}")
    return found


def by_agent(
    hub: Hub, known: Cases, conversation_id: str, *, told: str, base_id: str, answers: Mapping[str, str], solution: str
) -> Guide:
    """What an agent has learnt, to be kept: their answers go in place of those before. Raises NotFound, Refused."""
    with hub.store.read() as connection:
        before, reasoners = stored(connection, conversation_id), known.reasoners(connection)
    if base_id not in reasoners:
        raise NotFound(f"there is no case base {base_id}")
    base = reasoners[base_id].base
    if solution and solution not in base.solutions:
        raise Refused("solution", "must be one of the case base")
    some = next(iter(base.solutions))
    cases.check(base, Case("", solution or some, answers))
    guide = before if before is not None and before.base_id == base_id else Guide(conversation_id, base_id, told)
    state = "solved" if solution else "asking"
    return replace(guide, answers=dict(answers), solution=solution, state=state, asked="")
