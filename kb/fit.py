"""Fits the calibration of a set of models: `python -m kb.fit --data FOLDER…`.

A folder holds `articles.jsonl` (`{"id", "locale", "title", "body"}`) and `queries.jsonl` (`{"text", "locale",
"relevant": [article ids]}`, an empty list where no article answers). A message that an article answers is also asked
against indexes without that article: there every answer is wrong, and near misses are what a calibration must know.
"""

from __future__ import annotations

import argparse
import datetime
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from hub.domain.knowledge import ArticleText, Passage
from kb import evaluate, index
from kb.calibration import PACKAGED_FILE, UNFITTED
from kb.evaluate import Query
from kb.fusion import rank
from kb.search import KnowledgeSettings, LocalKnowledgeBase

FOLDS = 5
CANDIDATES = 3
# Of three messages one has no answer in the knowledge base: the share that the weights make, whatever the data holds.
# A real centre's is not known beforehand; fewer would make the probabilities too high where it is larger.
UNANSWERABLE_SHARE = 1 / 3
# Indexes with a part of the articles, so that the probabilities hold for small knowledge bases too.
PARTS = (2, 2, 4)
TARGETS = (0.90, 0.95)


@dataclass(frozen=True, slots=True)
class DataSet:
    """Articles and messages to fit or measure on."""

    name: str
    articles: tuple[ArticleText, ...]
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate answer to one message against one index.

    Attributes:
        group: rows of one group never part in cross-validation.
        answerable: the index holds an answer.
        natural: the whole index, as a customer would find it; other rows only help to fit.
        place: rank, from 0.
    """

    data: str
    group: str
    locale: str
    encoders: int
    features: dict[str, float]
    right: bool
    answerable: bool
    natural: bool
    place: int


def read(folder: Path) -> DataSet:
    """A data set. Raises `Refused`, naming file and line, for a row that is not of the documented form."""
    articles = evaluate.read_articles(folder / "articles.jsonl")
    return DataSet(folder.name, articles, evaluate.read_queries(folder / "queries.jsonl", articles))


def gather(knowledge: LocalKnowledgeBase, data: DataSet) -> list[Row]:
    """The evidence of every message against the whole index, without its article, and against parts of the index."""
    passages = [passage for article in data.articles for passage in knowledge.passages(article)]
    encoders = len(knowledge.specs)
    whole = index.built(encoders, passages)
    parts = [index.built(encoders, part) for part in _parts(passages)]
    rows: list[Row] = []
    for number, query in enumerate(data.queries):
        group = f"{data.name}/{min(query.relevant, default=f'unanswerable {number}')}"
        without = whole
        for article_id in query.relevant:
            without = index.with_article(without, article_id, ())
        snapshots = [whole, *([without] if query.relevant else []), *parts]
        routes = {query.locale, "und"}  # also as if the language were one that only the multilingual models read
        for language in sorted(routes):
            vectors = knowledge.query_vectors(query.text, language)
            for snapshot in snapshots:
                found = rank(snapshot, knowledge.specs, vectors, query.text, language=query.locale, limit=CANDIDATES)
                present = bool(query.relevant & {passage.article_id for passage in snapshot.passages})
                rows.extend(
                    Row(
                        data=data.name,
                        group=group,
                        locale=query.locale,
                        encoders=candidate.encoders,
                        features=candidate.evidence.features(),
                        right=snapshot.passages[candidate.place].article_id in query.relevant,
                        answerable=present,
                        natural=snapshot is whole and language == query.locale,
                        place=place,
                    )
                    for place, candidate in enumerate(found)
                )
    return rows


def _parts(passages: Sequence[Passage]) -> Iterable[list[Passage]]:
    """The passages parted by article, at random but always alike, into as many parts as each of `PARTS` says."""
    shuffled = sorted({passage.article_id for passage in passages})
    chance = random.Random(2026)  # noqa: S311  # no secret
    for count in PARTS:
        chance.shuffle(shuffled)
        for start in range(count):
            chosen = set(shuffled[start::count])
            yield [passage for passage in passages if passage.article_id in chosen]


def weights(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Each data set weighs the same, and in each `UNANSWERABLE_SHARE` of the weight has no answer."""
    keys = [(row.data, row.answerable) for row in rows]
    counts = {key: keys.count(key) for key in set(keys)}
    share = {True: 1 - UNANSWERABLE_SHARE, False: UNANSWERABLE_SHARE}
    found = np.array([share[row.answerable] / counts[key] for row, key in zip(rows, keys, strict=True)])
    scaled: NDArray[np.float64] = found / found.mean()
    return scaled


@dataclass(frozen=True, slots=True)
class Fitted:
    """A logistic over the raw features."""

    intercept: float
    coefficients: NDArray[np.float64]

    def probabilities(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        features = np.array([list(row.features.values()) for row in rows])
        probabilities: NDArray[np.float64] = 1 / (1 + np.exp(-(self.intercept + features @ self.coefficients)))
        return probabilities


def fit(rows: Sequence[Row]) -> Fitted:
    """The logistic of some rows."""
    scaler = StandardScaler()
    features = scaler.fit_transform(np.array([list(row.features.values()) for row in rows]))
    model = LogisticRegression(C=1.0, max_iter=1000)
    model.fit(features, [row.right for row in rows], sample_weight=weights(rows))
    coefficients = model.coef_[0] / scaler.scale_
    return Fitted(float(model.intercept_[0] - coefficients @ scaler.mean_), coefficients)


def cross_validated(rows: Sequence[Row]) -> NDArray[np.float64]:
    """The probability of each row by a logistic that saw no row of its group."""
    probabilities = np.zeros(len(rows))
    folds = GroupKFold(FOLDS).split(rows, groups=[row.group for row in rows])
    for training, held_out in folds:
        fitted = fit([rows[number] for number in training])
        probabilities[held_out] = fitted.probabilities([rows[number] for number in held_out])
    return probabilities


def measures(rows: Sequence[Row], probabilities: NDArray[np.float64]) -> dict[str, Any]:
    """What the probabilities of first answers are worth: areas under the curve, calibration error, precision."""
    right = np.array([row.right for row in rows])
    answerable = np.array([row.answerable for row in rows])
    order = np.argsort(-probabilities, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(rows) + 1)
    found: dict[str, Any] = {"messages": len(rows), "unanswerable": int((~answerable).sum())}
    found["recall@1"] = round(float(right[answerable].mean()), 3)
    found["auroc_right"] = round(float(roc_auc_score(right, probabilities)), 3)
    if not answerable.all():
        found["auroc_answerable"] = round(float(roc_auc_score(answerable, probabilities)), 3)
    bins = np.array_split(order, 10)
    found["ece"] = round(
        float(sum(len(part) * abs(right[part].mean() - probabilities[part].mean()) for part in bins) / len(rows)), 3
    )
    for target in TARGETS:
        reached = np.flatnonzero(precision >= target)
        found[f"coverage_at_precision_{target:.2f}"] = round(float((reached.max(initial=-1) + 1) / len(rows)), 3)
    found["thresholds"] = {
        f"{threshold:.2f}": {
            "coverage": round(float((probabilities >= threshold).mean()), 3),
            "precision": round(float(right[probabilities >= threshold].mean()), 3),
            "unanswerable_answered": int((probabilities[~answerable] >= threshold).sum()),
        }
        for threshold in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)
        if (probabilities >= threshold).any()
    }
    return found


def precisions(rows: Sequence[Row], probabilities: NDArray[np.float64]) -> list[list[float]]:
    """What share of the answers at least as sure as a confidence is right: `[confidence, share]`, both rising.

    Messages without an answer count for `UNANSWERABLE_SHARE` of all. Each share is careful: that many answers and one
    wrong one more.
    """
    weight = weights(rows)
    order = np.argsort(-probabilities, kind="stable")
    right = np.array([row.right for row in rows])[order] * weight[order]
    shares = np.cumsum(right) / (np.cumsum(weight[order]) + 1)
    # From the surest answer down a share may only fall: whatever lies above a confidence is at least as good.
    falling = np.maximum.accumulate(shares[::-1])[::-1]
    found: list[list[float]] = []
    for confidence, share in zip(probabilities[order].tolist(), falling.tolist(), strict=True):
        if not found or share <= found[-1][1] - 0.005:
            found.append([round(confidence, 4), round(share, 4)])
    return found[::-1]


def calibrate(knowledge: LocalKnowledgeBase, data: Sequence[DataSet], date: str) -> dict[str, Any]:
    """The entry of the calibration file for the models of `knowledge`, with its cross-validated measures."""
    rows = [row for one in data for row in gather(knowledge, one)]
    probabilities = np.zeros(len(rows))
    logistics = {}
    for encoders in sorted({row.encoders for row in rows}):
        numbers = [number for number, row in enumerate(rows) if row.encoders == encoders]
        mine = [rows[number] for number in numbers]
        probabilities[numbers] = cross_validated(mine)
        fitted = fit(mine)
        coefficients = dict(
            zip(mine[0].features, (round(float(value), 5) for value in fitted.coefficients), strict=True)
        )
        logistics[str(encoders)] = {"intercept": round(fitted.intercept, 5), "coefficients": coefficients}
    first = [number for number, row in enumerate(rows) if row.natural and row.place == 0]
    validation = {}
    for one in data:
        for locale in ("", *sorted({query.locale for query in one.queries})):
            chosen = [
                number for number in first if rows[number].data == one.name and locale in ("", rows[number].locale)
            ]
            if any(rows[number].answerable for number in chosen):
                found = measures([rows[number] for number in chosen], probabilities[chosen])
                validation[f"{one.name} {locale or 'all'}"] = found
    return {
        "id": f"{date}/{'+'.join(one.name for one in data)}",
        "data": [one.name for one in data],
        "rows": len(rows),
        "unanswerable_share": round(UNANSWERABLE_SHARE, 3),
        "cross_validation": {"folds": FOLDS, "grouped_by": "article", "sets": validation},
        "logistics": logistics,
        "precisions": precisions([rows[number] for number in first], probabilities[first]),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m kb.fit", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder with articles and queries")
    parser.add_argument("--model", default="", help="name or folder of a model; default: the packaged ones")
    parser.add_argument("--output", type=Path, default=PACKAGED_FILE, help="calibration file to add to")
    parser.add_argument("--date", default=datetime.datetime.now(datetime.UTC).date().isoformat())
    chosen = parser.parse_args()
    knowledge = LocalKnowledgeBase(KnowledgeSettings(model=chosen.model), fitted=UNFITTED)
    print("loading the models", flush=True)
    knowledge.warm()
    print("gathering evidence", flush=True)
    entry = calibrate(knowledge, [read(folder) for folder in chosen.data], chosen.date)
    entries = json.loads(chosen.output.read_text(encoding="utf-8")) if chosen.output.exists() else {}
    entries[knowledge.model_id] = entry
    chosen.output.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps(entry["cross_validation"], indent=2))


if __name__ == "__main__":
    main()
