"""Large indexes: what sketches find is what reading every vector finds; articles that say the same are one answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hub.domain.knowledge import Passage
from kb import fusion, index, matrices
from kb.encoders import EncoderSpec
from kb.index import Snapshot
from kb.vectors import pack

SPECS = (
    EncoderSpec("all", "test", "1"),
    EncoderSpec("english", "test", "1", frozenset({"en"}), weight=2.0),
)
ARTICLES = 3000
QUESTIONS = 40
DIMENSIONS = 64
TOPICS = 24  # in so many directions texts differ; the rest is noise, as with real sentence models

Vectors = NDArray[np.float32]


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
    return unit


class Texts:
    """Texts as vectors: by two models that see the same topics, each in its own way."""

    def __init__(self) -> None:
        self._chance = np.random.default_rng(5)
        self._views = [self._chance.standard_normal((TOPICS, DIMENSIONS)) for _ in SPECS]

    def some(self, count: int) -> list[Vectors]:
        meant = self._chance.standard_normal((count, TOPICS))
        noise = 0.3 * self._chance.standard_normal((count, DIMENSIONS))
        return [_unit((meant @ view + noise).astype(np.float32)) for view in self._views]

    def near(self, vectors: list[Vectors], number: int) -> list[Vectors]:
        """What somebody asks whom a text would answer."""
        moved = [each[number] + 0.08 * self._chance.standard_normal(DIMENSIONS) for each in vectors]
        return [_unit(each.astype(np.float32)) for each in moved]


def _passage(number: int, vectors: list[Vectors], locale: str = "en") -> Passage:
    english = vectors[1][number] if locale == "en" else None
    text = f"text about thing{number % 700} and matter{number % 311}" + (f" E-{number:05}" if number < 5 else "")
    packed = pack([vectors[0][number], english])
    return Passage(f"article {number // 2}", 1, locale, number % 2, f"title {number}", text, "m", packed)


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts()


@pytest.fixture(scope="module")
def vectors(texts: Texts) -> list[Vectors]:
    return texts.some(2 * ARTICLES)


@pytest.fixture(scope="module")
def snapshot(vectors: list[Vectors]) -> Snapshot:
    return index.built(
        2, [_passage(number, vectors, "es" if number % 6 > 3 else "en") for number in range(2 * ARTICLES)]
    )


def both(
    snapshot: Snapshot, query: list[Vectors], text: str, language: str
) -> tuple[tuple[fusion.Candidate, ...], ...]:
    asked: list[Vectors | None] = [query[0], query[1] if language == "en" else None]
    return tuple(
        fusion.rank(snapshot, SPECS, asked, text, language=language, limit=3, sketched=sketched)
        for sketched in (True, False)
    )


def assert_equal(quick: tuple[fusion.Candidate, ...], slow: tuple[fusion.Candidate, ...]) -> None:
    assert [each.place for each in quick] == [each.place for each in slow]
    for one, other in zip(quick, slow, strict=True):
        # A product's last digit depends on how many rows are multiplied.
        assert one.evidence.features() == pytest.approx(other.evidence.features(), abs=1e-5)
        assert (one.encoders, one.score) == (other.encoders, pytest.approx(other.score, abs=1e-5))


@pytest.mark.parametrize("language", ["en", "es"])
def test_sketches_find_what_every_vector_finds(
    texts: Texts, vectors: list[Vectors], snapshot: Snapshot, language: str
) -> None:
    assert snapshot.rows > matrices.SKETCHED
    for number in range(0, 2 * ARTICLES, 2 * ARTICLES // QUESTIONS):
        text = f"what of thing{number % 700} and matter{number % 311}?" if number % 3 else "and this?"
        quick, slow = both(snapshot, texts.near(vectors, number), text, language)
        assert_equal(quick, slow)


@pytest.mark.parametrize("count", [2, 400, 700, 1026, 2100])
def test_an_index_of_any_size_is_searched(texts: Texts, vectors: list[Vectors], count: int) -> None:
    built = index.built(2, [_passage(number, vectors) for number in range(count)])
    for number in range(0, count, max(count // 7, 1)):
        quick, slow = both(built, texts.near(vectors, number), "and this?", "en")
        assert_equal(quick, slow)
        assert built.passages[quick[0].place].article_id == f"article {number // 2}"


def test_sketches_follow_edits(texts: Texts, vectors: list[Vectors], snapshot: Snapshot) -> None:
    changed, fresh = snapshot, texts.some(2 * ARTICLES)
    for article in range(0, 200, 7):
        numbers = (2 * article, 2 * article + 1)
        changed = index.with_article(changed, f"article {article}", [_passage(each, fresh) for each in numbers])
    for number in range(0, 400, 14):
        quick, slow = both(changed, texts.near(fresh, number), "and this?", "en")
        assert_equal(quick, slow)
        assert changed.passages[quick[0].place].article_id == f"article {number // 2}"
    quick, slow = both(snapshot, texts.near(vectors, 14), "and this?", "en")
    assert_equal(quick, slow)
    assert snapshot.passages[quick[0].place].article_id == "article 7"


def test_what_only_words_or_a_code_find_is_a_candidate(
    texts: Texts, vectors: list[Vectors], snapshot: Snapshot
) -> None:
    quick, slow = both(snapshot, texts.near(vectors, 3001), "my device says E-00004", "en")
    assert_equal(quick, slow)
    assert snapshot.passages[quick[0].place].article_id == "article 2"


def test_two_lines_of_edits_do_not_write_into_each_other(vectors: list[Vectors], snapshot: Snapshot) -> None:
    one = index.with_article(snapshot, "one", [replace(_passage(0, vectors), article_id="one")])
    other = index.with_article(index.detached(snapshot), "other", [replace(_passage(2, vectors), article_id="other")])
    row = np.array([snapshot.rows], dtype=np.int32)
    assert one.matrices[0].of(row)[0] == pytest.approx(vectors[0][0], abs=1e-3)
    assert other.matrices[0].of(row)[0] == pytest.approx(vectors[0][2], abs=1e-3)


def test_articles_that_say_the_same_are_one_answer(texts: Texts) -> None:
    vectors = texts.some(20)
    doubled = [each.repeat(2, 0) for each in vectors]
    passages = [replace(_passage(2 * number, doubled), article_id=str(number)) for number in range(20)]
    copy = replace(passages[4], article_id="copy of 4")
    query: list[Vectors | None] = [each[4] for each in vectors]

    def ranked(*all_passages: Passage) -> list[tuple[str, float]]:
        built = index.built(2, all_passages)
        found = fusion.rank(built, SPECS, query, "and this?", language="en", limit=3)
        return [(built.passages[each.place].article_id, round(each.evidence.margin, 1)) for each in found]

    alone, twice = ranked(*passages), ranked(*passages, copy)
    assert [article_id for article_id, _ in twice] == [article_id for article_id, _ in alone]
    # Nor does a copy make the answer less sure.
    assert alone[0][0] == "4"
    assert twice[0][1] == pytest.approx(alone[0][1], abs=0.3)
    assert twice[0][1] > 0
    # In another language it is for whoever speaks that.
    spanish = index.built(2, [*passages, replace(copy, locale="es")])
    found = fusion.rank(spanish, SPECS, [query[0], None], "¿y esto?", language="es", limit=2)
    assert {spanish.passages[each.place].locale for each in found} == {"en", "es"}


def test_many_that_say_the_same_leave_room_for_another_answer(texts: Texts) -> None:
    vectors = texts.some(2)
    # More copies than are compared at first.
    many = [each[[0] * 2 * fusion._COMPARED + [1]] for each in vectors]
    passages = [
        replace(_passage(number, many), article_id=f"article {number}", ordinal=0) for number in range(len(many[0]))
    ]
    built = index.built(2, passages)
    query: list[Vectors | None] = [each[0] for each in vectors]
    found = fusion.rank(built, SPECS, query, "and this?", language="en", limit=2)
    assert len(found) == 2
    assert built.passages[found[1].place].article_id == passages[-1].article_id


@pytest.mark.parametrize(("size", "count"), [(10, 10), (10, 3), (40, 7), (5000, 24), (5003, 128), (5003, 400)])
@pytest.mark.parametrize("different", [True, False])
def test_the_highest_values_are_found(size: int, count: int, different: bool) -> None:
    chance = np.random.default_rng(size + count)
    values = chance.permutation(size) if different else chance.integers(0, 9, size)
    found = fusion._top(values.astype(np.float32), count)
    least = np.sort(values)[-count]
    assert found.tolist() == np.flatnonzero(values >= least).tolist()
