"""What an answer from the articles costs: a question encoded, 1,000 to 200,000 passages searched, the decision.

The passages lie where real ones do: each is a mixture of the demo's, in its language, with words of its own. Plain
products of the question with every vector, which a search without sketches begins with, stand beside it.
"""

from __future__ import annotations

import gc
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import ROOT, Context, Figure, percentile
from hub.domain import bot_policy
from hub.domain.bot_policy import BotFailure, Thresholds
from hub.domain.knowledge import FoundAnswer, Passage, SearchResult
from kb import evaluate, fusion, index
from kb.index import Snapshot
from kb.search import LocalKnowledgeBase
from kb.vectors import pack, unpack

SIZES = {"search_1k": 1_000, "search_20k": 20_000, "search_200k": 200_000}
QUESTIONS = 200
ENCODED_WITHIN, FOUND_WITHIN = 12.0, 3.0  # ms, p50; the second for 20,000 passages
NEIGHBOURS = 3  # of which a made passage is a mixture

Vector = NDArray[np.float32]
Asked = tuple[str, str, list[Vector | None]]


def run(context: Context) -> dict[str, Figure]:
    """`search_*`: ms that a search takes beside the encoding; `encode`: ms of one question; `reindex`: seconds that
    1,000 articles take to be read anew."""
    knowledge = LocalKnowledgeBase()
    knowledge.warm()
    rows = evaluate.read_articles(ROOT / "hub" / "seed" / "articles.jsonl")
    texts = [(each["text"], each["locale"]) for each in _questions()][: context.scaled(QUESTIONS, 10)]
    figures = {}

    asked: list[Asked] = []
    took = [_timed(lambda text=text, at=at: asked.append((text, at, knowledge.query_vectors(text, at))))
            for text, at in texts]  # fmt: skip
    p50 = percentile(took, 0.5)
    figures["encode"] = Figure(p50, "ms", p50 <= ENCODED_WITHIN, runs=[_spread(took)])
    sizes = {key: full for key, full in SIZES.items() if context.wants(key)}
    if not sizes and not context.wants("reindex"):
        return figures

    chosen = rows[: context.scaled(len(rows), 4)]
    began = time.perf_counter()
    passages = [passage for article in chosen for passage in knowledge.passages(article)]
    seconds = (time.perf_counter() - began) * 1_000 / len({each.article_id for each in chosen})
    shape = {"articles": float(len(chosen)), "passages": float(len(passages))}
    figures["reindex"] = Figure(seconds, "s a 1,000 articles in two languages", holds=True, runs=[shape])

    before = _memory()
    for key, full in sizes.items():
        count = context.scaled(full, len(passages))
        began = time.perf_counter()
        snapshot = index.built(len(knowledge.specs), _many(passages, len(knowledge.specs), count))
        loaded = {
            "passages": float(count),
            "load_seconds": time.perf_counter() - began,
            "memory_mb": _memory() - before,
        }
        figures[key] = _searched(
            knowledge, snapshot, asked, limit=FOUND_WITHIN if full <= 20_000 else None, shape=loaded
        )
        del snapshot
        gc.collect()
    return figures


def _searched(
    knowledge: LocalKnowledgeBase,
    snapshot: Snapshot,
    asked: Sequence[Asked],
    *,
    limit: float | None,
    shape: dict[str, float],
) -> Figure:
    def search(question: Asked, *, sketched: bool = True) -> tuple[fusion.Candidate, ...]:
        text, language, vectors = question
        return fusion.rank(snapshot, knowledge.specs, vectors, text, language=language, limit=3, sketched=sketched)

    for question in {language: (text, language, vectors) for text, language, vectors in asked}.values():
        search(question)  # what a language's questions share is worked out by the first
    found, plain, decided, same = [], [], [], 0
    for question in asked:
        found.append(_timed(lambda question=question: search(question)))
        plain.append(_timed(lambda question=question: _products(snapshot, question)))
        result = _result(snapshot, search(question), question[1])
        decided.append(_timed(lambda question=question, result=result: _decide(question[0], result)))
        slow = search(question, sketched=False)
        same += [each.place for each in search(question)[:1]] == [each.place for each in slow[:1]]
    p50 = percentile(found, 0.5)
    runs = [
        shape | _spread(found) | {"first_answer_as_without_sketches": same / len(asked)},
        {f"decide_{name}": value for name, value in _spread(decided).items()},
        {f"products_{name}": value for name, value in _spread(plain).items()},
    ]
    yardstick = percentile(plain, 0.5)
    return Figure(p50, "ms", limit is None or p50 <= limit, yardstick, p50 / yardstick, runs=runs)


def _products(snapshot: Snapshot, question: Asked) -> None:
    for matrix, vector in zip(snapshot.matrices, question[2], strict=True):
        if vector is not None:
            matrix.whole[: matrix.rows] @ vector


def _result(snapshot: Snapshot, found: Sequence[fusion.Candidate], language: str) -> SearchResult:
    answers = tuple(
        FoundAnswer(passage.article_id, passage.version, passage.locale, passage.title, passage.text, each.score, 0.4)
        for each in found
        for passage in (snapshot.passages[each.place],)
    )
    return SearchResult(answers, language, "bench", "bench", 0.7)


def _decide(text: str, result: SearchResult) -> None:
    thresholds = Thresholds(target_precision=0.9)
    bot_policy.decide(text=text, bot=BotFailure("absent"), knowledge=result, thresholds=thresholds, misses=0)


def _many(passages: Sequence[Passage], encoders: int, count: int) -> Iterator[Passage]:
    chance, noise = random.Random(1), np.random.default_rng(1)  # noqa: S311  # no secret
    vocabulary = [f"word{number}" for number in range(20_000)]
    read = [unpack(passage.vectors, encoders) for passage in passages]
    alike = {passage.locale: [place for place, each in enumerate(passages) if each.locale == passage.locale]
             for passage in passages}  # fmt: skip
    for number in range(count):
        place = number % len(passages)
        passage = passages[place]
        parts = [read[each] for each in (place, *noise.choice(alike[passage.locale], NEIGHBOURS - 1))]
        shares = noise.dirichlet([1.0] * NEIGHBOURS).astype(np.float32)
        vectors = [_mixed([part[encoder] for part in parts], shares, noise) for encoder in range(encoders)]
        yield replace(
            passage,
            article_id=f"{passage.article_id}-{number // len(passages)}",
            text=f"{passage.text} {' '.join(chance.choices(vocabulary, k=40))}",
            vectors=pack(vectors),
        )


def _mixed(parts: Sequence[Vector | None], shares: Vector, noise: np.random.Generator) -> Vector | None:
    if any(part is None for part in parts):
        return None
    mixture = np.stack([part for part in parts if part is not None]).T @ shares
    mixture += 0.15 / np.sqrt(len(mixture)) * noise.standard_normal(len(mixture))
    found: Vector = mixture.astype(np.float32)
    return found


def _questions() -> list[dict[str, str]]:
    file = Path(ROOT) / "tests" / "kb" / "support_faq_queries.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1_000


def _spread(took: Sequence[float]) -> dict[str, float]:
    return {"p50_ms": percentile(took, 0.5), "p95_ms": percentile(took, 0.95)}


def _memory() -> float:
    """This process's resident memory in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024
