"""The regression behind the bot's intents: what it says of held-out examples, and what it leaves alone."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.fixtures_rasa import project_module

RANDOM = np.random.default_rng(7)
DIRECTIONS = RANDOM.normal(size=(8, 24))


@pytest.fixture(scope="module")
def model() -> ModuleType:
    return project_module("intent_model")


def messages(kinds: list[int], noise: float = 0.5) -> tuple[list[str], list[Any]]:
    """Texts and vectors of two models, each message near the direction of its kind."""
    drawn = DIRECTIONS[kinds] + noise * RANDOM.normal(size=(len(kinds), 24))
    drawn = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    halves = [drawn[:, :12], drawn[:, 12:]]
    return [f"message {chr(97 + kind) * 3}" for kind in kinds], [
        half / np.linalg.norm(half, axis=1, keepdims=True) for half in halves
    ]


def test_leaving_one_out_in_closed_form_is_leaving_it_out(model: ModuleType) -> None:
    kinds = [number % 4 for number in range(40)]
    texts, vectors = messages(kinds)
    letters = model.LETTERS.transform(texts)
    centres = np.arange(0, 40, 2)
    ridge = model._Ridge(vectors, letters, centres, np.array(kinds), 4)
    _, held_out = ridge.leave_one_out()
    for example in (0, 7):
        gone = np.arange(40) == example
        assert np.allclose(held_out[example], ridge.without(gone)[0], atol=2e-3)


@pytest.mark.parametrize("with_outside", [True, False])
def test_it_finds_intents_and_leaves_alone_what_none_was_meant_by(model: ModuleType, with_outside: bool) -> None:
    inside = [number % 6 for number in range(120)]
    kinds = inside + [6] * 20 if with_outside else inside
    texts, vectors = messages(kinds)
    intents = [f"intent{kind}" if kind < 6 else "out_of_scope" for kind in kinds]
    read = model.IntentModel(model.fit(texts, vectors, intents, "out_of_scope"))
    confidences = read.read(*messages([0, 1, 2, 3, 4, 5] * 5))
    best = [read.names[index] for index in confidences.argmax(axis=1)]
    assert np.mean([name == f"intent{kind}" for name, kind in zip(best, [0, 1, 2, 3, 4, 5] * 5, strict=True)]) > 0.8
    strange = read.read(*messages([7] * 30))
    if read.outside >= 0:
        strange = np.delete(strange, read.outside, axis=1)
    assert (strange.max(axis=1) < model.UNDERSTOOD).mean() > 0.5
