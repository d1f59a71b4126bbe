"""The knowledge base's figures: what it finds on the demo's messages, how fast, in how much memory.

`python -m benchmarks.kb_quality` prints them as JSON; `run(context)` returns them.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hub.domain.knowledge import ArticleText, Passage
from kb.search import LocalKnowledgeBase
from kb.vectors import pack, unpack

ROOT = Path(__file__).parents[1]
PASSAGES = 20_000
THRESHOLDS = (0.6, 0.8)


def run(context: object = None) -> dict[str, Any]:  # noqa: ARG001  # every benchmark takes the context
    """Figures by name: seconds, milliseconds, megabytes and shares as their names say."""
    articles = [
        ArticleText(row["id"], 1, row["locale"], row["title"], row["body"])
        for row in _rows(ROOT / "hub" / "seed" / "articles.jsonl")
    ]
    queries = _rows(ROOT / "tests" / "kb" / "support_faq_queries.jsonl")
    found: dict[str, Any] = {}
    knowledge = LocalKnowledgeBase()
    found["memory_cold_mb"] = _memory()
    started = time.perf_counter()
    knowledge.warm()
    found["warm_seconds"] = round(time.perf_counter() - started, 2)
    found["memory_warm_mb"] = _memory()

    started = time.perf_counter()
    passages = [passage for article in articles for passage in knowledge.passages(article)]
    found["passages_per_second"] = round(len(passages) / (time.perf_counter() - started), 1)
    knowledge.load(passages)
    for locale in ("en", "es"):
        texts = [query["text"] for query in queries if query["locale"] == locale]
        found[f"encode_p50_ms_{locale}"] = _p50(lambda text, at=locale: knowledge.query_vectors(text, at), texts)
        found[f"search_p50_ms_{locale}"] = _p50(lambda text, at=locale: knowledge.search(text, language=at), texts)
    found |= _quality(knowledge, queries)

    many = _many(passages, len(knowledge.specs))
    started = time.perf_counter()
    knowledge.load(many)
    found["load_20k_seconds"] = round(time.perf_counter() - started, 2)
    found["memory_20k_mb"] = _memory()
    for locale in ("en", "es"):
        texts = [query["text"] for query in queries if query["locale"] == locale]
        found[f"search_20k_p50_ms_{locale}"] = _p50(lambda text, at=locale: knowledge.search(text, language=at), texts)
    edited = ArticleText(many[0].article_id, 2, "en", "Do you take bitcoin?", "Yes, at the checkout.")
    started = time.perf_counter()
    knowledge.replace(edited.article_id, knowledge.passages(edited))
    best = knowledge.search("bitcoin", language="en").answers[0]
    found["edit_to_found_20k_ms"] = round((time.perf_counter() - started) * 1000, 1)
    if best.article_id != edited.article_id or best.version != edited.version:
        raise RuntimeError(f"the edit was not found, but {best.article_id} version {best.version}")
    return found


def _quality(knowledge: LocalKnowledgeBase, queries: Iterable[dict[str, Any]]) -> dict[str, Any]:
    asked = [(query, knowledge.search(query["text"], language=query["locale"])) for query in queries]
    found: dict[str, Any] = {}
    for locale in ("en", "es"):
        mine = [(query, result) for query, result in asked if query["relevant"] and query["locale"] == locale]
        for places in (1, 3):
            right = [
                bool({answer.article_id for answer in result.answers[:places]} & set(query["relevant"]))
                for query, result in mine
            ]
            found[f"recall@{places}_{locale}"] = round(statistics.mean(right), 3)
    for threshold in THRESHOLDS:
        right = [
            result.answers[0].article_id in query["relevant"]
            for query, result in asked
            if result.confidence >= threshold
        ]
        found[f"coverage_at_{threshold}"] = round(len(right) / len(asked), 3)
        found[f"precision_at_{threshold}"] = round(statistics.mean(right), 3)
    return found


def _many(passages: list[Passage], encoders: int) -> list[Passage]:
    """So many passages as a large firm has: the demo's, each again and again with other words and moved vectors."""
    chance, noise = random.Random(1), np.random.default_rng(1)  # noqa: S311  # no secret
    vocabulary = [f"word{number}" for number in range(20_000)]
    made = []
    for number in range(PASSAGES):
        passage = passages[number % len(passages)]
        words = " ".join(chance.choices(vocabulary, k=40))
        vectors = [
            vector if vector is None else (vector + 0.05 * noise.standard_normal(len(vector))).astype(np.float32)
            for vector in unpack(passage.vectors, encoders)
        ]
        made.append(
            replace(
                passage,
                article_id=f"{passage.article_id}-{number // len(passages)}",
                text=f"{passage.text} {words}",
                vectors=pack(vectors),
            )
        )
    return made


def _p50(call: Callable[[str], object], texts: list[str]) -> float:
    took = []
    for text in texts:
        started = time.perf_counter()
        call(text)
        took.append((time.perf_counter() - started) * 1000)
    return round(statistics.median(took), 2)


def _memory() -> int:
    """This process's resident memory in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) // 1024


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
