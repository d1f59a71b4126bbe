"""The graph that is written computes a BERT encoder, with matrices of 8 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from kb.export import Bert, Layer, graph
from kb.onnx_encoders import OnnxEncoder

HIDDEN, INNER, HEADS, LAYERS, POSITIONS = 64, 256, 4, 2, 12
WORDS = 40

Numbers = NDArray[np.float32]


@pytest.fixture(scope="module")
def bert() -> Bert:
    chance = np.random.default_rng(3)

    def some(*shape: int, size: float = 0.1) -> Numbers:
        return (size * chance.standard_normal(shape)).astype(np.float32)

    def near_one() -> Numbers:
        return np.float32(1) + some(HIDDEN)

    def layer() -> Layer:
        outer = some(INNER, HIDDEN)
        outer[0] *= 8  # what makes some words' values many times as large as the others'
        return Layer(
            some(HIDDEN, 3 * HIDDEN), some(3 * HIDDEN), some(HIDDEN, HIDDEN), some(HIDDEN), near_one(), some(HIDDEN),
            some(HIDDEN, INNER), some(INNER), outer, some(HIDDEN), near_one(), some(HIDDEN),
        )  # fmt: skip

    layers = tuple(layer() for _ in range(LAYERS))
    return Bert(HEADS, 1e-12, some(POSITIONS, HIDDEN), near_one(), some(HIDDEN), layers)


@pytest.fixture(scope="module")
def table() -> Numbers:
    return np.random.default_rng(4).standard_normal((WORDS, HIDDEN)).astype(np.float32)


def computed(bert: Bert, words: Numbers) -> Numbers:
    """The vector of one text, by 32-bit numbers."""

    def norm(values: Numbers, weight: Numbers, bias: Numbers) -> Numbers:
        centred = values - values.mean(-1, keepdims=True)
        return centred / np.sqrt(centred.var(-1, keepdims=True) + bert.epsilon) * weight + bias

    def gelu(values: Numbers) -> Numbers:
        # By numbers that onnxruntime has no part in: the error function's integral, in steps.
        steps = np.linspace(0, 1, 513)[1:] - 1 / 1024
        scaled = values[..., None] / np.sqrt(2)
        error = 2 / np.sqrt(np.pi) * (np.exp(-((scaled * steps) ** 2)) * scaled).mean(-1)
        return values * (1 + error) / 2

    state = norm(words + bert.positions[: len(words)], bert.norm, bert.norm_bias)
    for layer in bert.layers:
        together = state @ layer.query + layer.query_bias
        asked, known, meant = (
            part.reshape(len(words), HEADS, -1).swapaxes(0, 1) for part in np.split(together, 3, axis=-1)
        )
        likeness = np.exp(asked @ known.swapaxes(1, 2) / np.sqrt(HIDDEN / HEADS))
        seen = (likeness / likeness.sum(-1, keepdims=True) @ meant).swapaxes(0, 1).reshape(len(words), HIDDEN)
        attended = seen @ layer.attention + layer.attention_bias
        state = norm(state + attended, layer.attention_norm, layer.attention_norm_bias)
        outer = gelu(state @ layer.inner + layer.inner_bias) @ layer.outer + layer.outer_bias
        state = norm(state + outer, layer.outer_norm, layer.outer_norm_bias)
    mean = state.mean(0)
    found: Numbers = mean / np.linalg.norm(mean)
    return found


def test_the_graph_is_the_encoder(bert: Bert, table: Numbers, tmp_path: Path) -> None:
    file = tmp_path / "graph.onnx"
    file.write_bytes(graph(bert).SerializeToString())
    encoder = OnnxEncoder(
        file,
        lambda text: [ord(letter) % WORDS for letter in text],
        lambda numbers: np.asarray(table[numbers], dtype=np.float32),
        threads=1,
    )
    texts = ["to be", "a longer one", "x"]
    # What stands beside it in a batch moves a text by no more than the scale that they share.
    for found in (encoder.encode_query(texts), np.concatenate([encoder.encode_query([text]) for text in texts])):
        for text, vector in zip(texts, found, strict=True):
            assert vector @ computed(bert, table[[ord(letter) % WORDS for letter in text]]) > 0.999


def test_no_constant_is_left_over(bert: Bert) -> None:
    made = graph(bert)
    used = {name for node in made.graph.node for name in node.input}
    assert {each.name for each in made.graph.initializer} <= used
    assert onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
