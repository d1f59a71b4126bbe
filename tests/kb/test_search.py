from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.errors import Refused, Unavailable
from hub.domain.knowledge import ArticleText, Passage
from hub.ports import KnowledgeBase
from hub.testing.encoders import WordEncoder
from kb import index
from kb.calibration import UNFITTED, Calibration, Logistic
from kb.encoders import Encoder, EncoderSpec
from kb.search import KnowledgeSettings, LocalKnowledgeBase
from kb.vectors import pack, unpack

CONCEPTS = {"pedido": "order", "reembolso": "refund", "dónde": "where", "dinero": "refund"}
SPECS = (
    EncoderSpec("words", "test", "1"),
    EncoderSpec("english words", "test", "1", frozenset({"en"}), weight=2.0),
)
FITTED = Calibration(
    "test", {1: Logistic(-3, {"margin": 1.0}), 2: Logistic(-2, {"margin": 1.0})}, ((0.1, 0.5), (0.5, 0.9))
)


def load(specs: Sequence[EncoderSpec]) -> tuple[Encoder, ...]:
    return tuple(WordEncoder(CONCEPTS if spec.name == "words" else {}) for spec in specs)


def cold() -> LocalKnowledgeBase:
    return LocalKnowledgeBase(specs=SPECS, loader=load, fitted=FITTED)


@pytest.fixture
def knowledge() -> LocalKnowledgeBase:
    warm = cold()
    warm.warm()
    return warm


def article(article_id: str, title: str, body: str = "", locale: str = "en", version: int = 1) -> ArticleText:
    return ArticleText(article_id, version, locale, title, body)


REFUND = article("refund", "When do I get my refund?", "Money comes back within ten days.")
REEMBOLSO = article("refund", "¿Cuándo llega mi reembolso?", "El dinero vuelve en diez días.", "es", 4)
TRACK = article("track", "Where is my order?", "Follow the link in the mail.")
GIFT = article("gift", "How do I wrap a gift?", "Choose paper and a card.")


def fill(knowledge: LocalKnowledgeBase, *articles: ArticleText) -> None:
    knowledge.load([passage for one in articles for passage in knowledge.passages(one)])


def first(knowledge: LocalKnowledgeBase, question: str, language: str = "en") -> str:
    return knowledge.search(question, language=language).answers[0].article_id


def test_it_is_the_port() -> None:
    port: KnowledgeBase = cold()
    assert port.status()["state"] == "warming"


def test_nothing_is_searched_or_encoded_before_the_models_are_there() -> None:
    knowledge = cold()
    with pytest.raises(Unavailable):
        knowledge.search("refund", language="en")
    with pytest.raises(Unavailable):
        knowledge.passages(REFUND)
    assert knowledge.detect_language("¿dónde está mi pedido?") == "es"


def test_passages_can_be_loaded_before_the_models() -> None:
    warm = cold()
    warm.warm()
    passages = warm.passages(REFUND)
    starting = cold()
    starting.load(passages)
    assert starting.status()["passages"] == "1"
    starting.warm()
    assert first(starting, "refund") == "refund"


def test_status_tells_a_failed_start_and_a_later_success() -> None:
    failures = [OSError("no weights")]

    def sometimes(specs: Sequence[EncoderSpec]) -> tuple[Encoder, ...]:
        if failures:
            raise failures.pop()
        return load(specs)

    knowledge = LocalKnowledgeBase(specs=SPECS, loader=sometimes, fitted=FITTED)
    with pytest.raises(OSError, match="no weights"):
        knowledge.warm()
    assert knowledge.status()["state"] == "failed"
    assert "no weights" in knowledge.status()["failure"]
    knowledge.warm()
    assert knowledge.status() == {
        "state": "ready",
        "model_id": knowledge.model_id,
        "calibration_id": "test",
        "passages": "0",
        "vectors": "in memory",
    }


def test_an_answer_carries_article_version_locale_and_passage(knowledge: LocalKnowledgeBase) -> None:
    fill(knowledge, REFUND, REEMBOLSO, TRACK, GIFT)
    result = knowledge.search("¿y mi reembolso?", language="es-MX", limit=2)
    best = result.answers[0]
    assert (best.article_id, best.version, best.locale) == ("refund", 4, "es")
    assert (best.title, best.passage) == (REEMBOLSO.title, REEMBOLSO.body)
    assert (result.language, result.model_id, result.calibration_id) == ("es", knowledge.model_id, "test")
    assert len({answer.article_id for answer in result.answers}) == len(result.answers) == 2
    assert result.answers[0].score > result.answers[1].score
    assert result.confidence == best.confidence > result.answers[1].confidence


def test_another_locale_answers_where_the_customers_has_none(knowledge: LocalKnowledgeBase) -> None:
    fill(knowledge, TRACK, GIFT, REFUND)
    best = knowledge.search("¿dónde pedido?", language="es").answers[0]
    assert (best.article_id, best.locale) == ("track", "en")


def test_an_english_question_finds_an_article_only_in_spanish(knowledge: LocalKnowledgeBase) -> None:
    fill(knowledge, REEMBOLSO, TRACK, GIFT)
    assert first(knowledge, "refund") == "refund"


def test_an_answer_in_another_language_is_judged_by_the_encoder_that_read_both(knowledge: LocalKnowledgeBase) -> None:
    fill(knowledge, REEMBOLSO)
    alone = knowledge.search("refund", language="en").confidence
    assert alone == pytest.approx(knowledge.search("refund", language="es").confidence)
    fill(knowledge, REEMBOLSO, TRACK, GIFT)
    assert first(knowledge, "refund") == "refund"


def test_a_language_that_no_encoder_claims_is_read_all_the_same() -> None:
    english_only = LocalKnowledgeBase(specs=SPECS[1:], loader=load, fitted=FITTED)
    english_only.warm()
    fill(english_only, article("kiosk", "Kiosk Öffnungszeiten", locale="de"), TRACK)
    assert first(english_only, "Kiosk", "de") == "kiosk"


def test_only_the_encoders_of_a_language_run() -> None:
    encoders = [WordEncoder(), WordEncoder()]
    knowledge = LocalKnowledgeBase(specs=SPECS, loader=lambda _specs: tuple(encoders), fitted=FITTED)
    knowledge.warm()
    fill(knowledge, REFUND)
    encoders[1].encoded.clear()
    knowledge.search("mi pedido", language="es")
    assert encoders[1].encoded == []
    knowledge.search("my order", language="en")
    assert encoders[1].encoded == ["my order"]


def test_a_learnt_phrasing_finds_its_article_and_is_never_an_answer(knowledge: LocalKnowledgeBase) -> None:
    question = "gimme dough"
    fill(knowledge, REFUND, TRACK, GIFT)
    before = {each.article_id: each.score for each in knowledge.search(question, language="en").answers}
    fill(knowledge, replace(REFUND, phrasings=(question, " ")), TRACK, GIFT)
    result = knowledge.search(question, language="en")
    assert result.answers[0].article_id == "refund"
    assert result.answers[0].score > before["refund"]
    assert result.answers[0].passage == REFUND.body
    assert knowledge.search("where is my order", language="en").answers[0].article_id == "track"
    knowledge.load([each for each in knowledge.passages(replace(GIFT, phrasings=(question,))) if each.is_phrasing])
    assert knowledge.search(question, language="en").answers == ()


def test_the_precision_follows_the_confidence(knowledge: LocalKnowledgeBase) -> None:
    fill(knowledge, REFUND, TRACK, GIFT)
    result = knowledge.search("where is my order", language="en")
    assert result.precision == FITTED.precision(result.confidence) > 0
    assert knowledge.search(" ", language="en").precision == 0


def test_an_exact_code_beats_similar_words(knowledge: LocalKnowledgeBase) -> None:
    texts = [f"The device shows an error {code} on its screen." for code in ("E-4012", "E-4013", "E-4014")]
    fill(knowledge, *(article(f"error {number}", text) for number, text in enumerate(texts)), REFUND)
    for number, code in enumerate(("E4012", "e-4013", "E_4014")):
        assert first(knowledge, f"what is this {code} thing") == f"error {number}"


def test_a_long_article_answers_with_its_best_passage_and_once(knowledge: LocalKnowledgeBase) -> None:
    paragraphs = [f"Paragraph about {topic}. " * 20 for topic in ("batteries", "chargers", "screens")]
    fill(knowledge, article("manual", "Manual", "\n\n".join(paragraphs)), REFUND)
    answers = knowledge.search("chargers", language="en").answers
    assert [answer.article_id for answer in answers].count("manual") == 1
    assert "chargers" in answers[0].passage


def test_empty_things(knowledge: LocalKnowledgeBase) -> None:
    assert knowledge.search("anything", language="en").answers == ()
    assert knowledge.search("anything", language="en").confidence == 0
    fill(knowledge, article("title", "Only a title"))
    assert knowledge.search("  ", language="en").answers == ()
    assert first(knowledge, "title") == "title"
    assert first(knowledge, "\ud800 title " + "x" * 1_000_000) == "title"


def test_one_article_alone_is_found_without_a_margin(knowledge: LocalKnowledgeBase) -> None:
    fill(knowledge, REFUND)
    result = knowledge.search("refund", language="en", limit=5)
    assert len(result.answers) == 1
    assert 0 < result.confidence < 1


def test_a_limit_below_one_is_refused(knowledge: LocalKnowledgeBase) -> None:
    with pytest.raises(Refused, match="limit"):
        knowledge.search("x", language="en", limit=0)


def test_no_calibration_no_confidence() -> None:
    knowledge = LocalKnowledgeBase(specs=SPECS, loader=load, fitted=UNFITTED)
    knowledge.warm()
    fill(knowledge, REFUND)
    assert knowledge.search("refund", language="en").confidence == 0
    assert knowledge.status()["calibration_id"] == ""


def test_an_edit_a_new_locale_and_a_removal_are_seen_at_once(knowledge: LocalKnowledgeBase) -> None:
    fill(knowledge, REFUND, TRACK)
    edited = article("track", "How do I cancel a subscription?", version=2)
    knowledge.replace("track", knowledge.passages(edited))
    best = knowledge.search("cancel subscription", language="en").answers[0]
    assert (best.article_id, best.version) == ("track", 2)
    assert knowledge.search("where is my order", language="en").answers[0].passage != TRACK.body
    knowledge.replace("refund", [*knowledge.passages(REFUND), *knowledge.passages(REEMBOLSO)])
    assert knowledge.search("reembolso", language="es").answers[0].locale == "es"
    knowledge.replace("refund", [])
    assert [answer.article_id for answer in knowledge.search("refund", language="en").answers] == ["track"]
    knowledge.replace("never there", [])
    assert knowledge.status()["passages"] == "1"


def test_foreign_passages_are_refused(knowledge: LocalKnowledgeBase) -> None:
    (passage,) = knowledge.passages(REFUND)
    with pytest.raises(Refused, match="model_id"):
        knowledge.load([replace(passage, model_id="other")])
    with pytest.raises(Refused, match="passages"):
        knowledge.replace("track", [passage])
    with pytest.raises(Refused, match="vectors"):
        knowledge.replace("refund", [replace(passage, vectors=passage.vectors + b"x")])
    with pytest.raises(Refused, match="vectors"):
        knowledge.load([passage, replace(passage, vectors=pack([np.ones(3, np.float32), np.ones(3, np.float32)]))])
    assert knowledge.status()["passages"] == "0"


def test_searches_go_on_while_articles_change(knowledge: LocalKnowledgeBase) -> None:
    """No search sees half an edit: both passages of an article are always of one version."""
    versions = [
        [
            replace(passage, ordinal=number, text=f"gift wrap {version}", version=version)
            for number, passage in enumerate(knowledge.passages(GIFT) * 2)
        ]
        for version in range(8)
    ]
    fill(knowledge, REFUND, TRACK)
    knowledge.replace("gift", versions[0])
    done = threading.Event()
    failures: list[BaseException] = []

    def edit() -> None:
        try:
            for turn in range(400):
                knowledge.replace("gift", versions[turn % len(versions)])
        except BaseException as failure:
            failures.append(failure)
        finally:
            done.set()

    def ask() -> None:
        try:
            while not done.is_set():
                best = knowledge.search("gift wrap", language="en").answers[0]
                assert best.article_id == "gift"
                assert best.passage == f"gift wrap {best.version}"
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for work in (edit, ask, ask)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def made(article_id: str, text: str, seed: int) -> Passage:
    vectors = np.random.default_rng(seed).standard_normal((2, 8)).astype(np.float32)
    return Passage(article_id, 1, "en", 0, article_id, text, "m", pack(list(vectors)))


EDITS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.lists(st.sampled_from(["order", "refund", "order order gift"]), max_size=3)),
    max_size=12,
)


@given(edits=EDITS)
def test_any_edits_lead_to_the_index_that_would_be_built_anew(edits: list[tuple[str, list[str]]]) -> None:
    snapshot = index.empty(2)
    state: dict[str, list[Passage]] = {}
    for turn, (article_id, texts) in enumerate(edits):
        state[article_id] = [made(article_id, text, turn * 10 + number) for number, text in enumerate(texts)]
        snapshot = index.with_article(snapshot, article_id, state[article_id])
    anew = index.built(2, [passage for passages in state.values() for passage in passages])

    def content(of: index.Snapshot) -> list[tuple[str, str, list[float], float]]:
        scores = of.lexical.scores(["order"])[0]
        return sorted(
            (passage.article_id, passage.text, of.matrices[0].whole[row].tolist(), round(float(scores[row]), 4))
            for passage, row in zip(of.passages, of.alive.tolist(), strict=True)
        )

    assert content(snapshot) == content(anew)


def test_dead_rows_are_cleared_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_DEAD_ROWS", 3)
    snapshot = index.built(2, [made("a", "order", 1), made("b", "refund", 2)])
    for turn in range(20):
        snapshot = index.with_article(snapshot, "a", [made("a", f"order {turn}", turn)])
        assert snapshot.rows <= 7
    assert sorted(passage.text for passage in snapshot.passages) == ["order 19", "refund"]
    assert snapshot.lexical.scores(["refund"])[0][snapshot.alive].tolist().count(0) == 1


@given(st.lists(st.none() | st.lists(st.floats(-1, 1, width=16), min_size=1, max_size=9), min_size=1, max_size=3))
def test_vectors_come_back_as_they_went(vectors: list[list[float] | None]) -> None:
    packed = pack([None if vector is None else np.array(vector, np.float32) for vector in vectors])
    found = unpack(packed, len(vectors))
    assert [None if vector is None else vector.tolist() for vector in found] == vectors


def test_settings_are_checked() -> None:
    with pytest.raises(Refused, match="threads"):
        KnowledgeSettings(threads=0)


def test_a_folders_model_has_an_id_of_its_own_that_follows_its_files(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("one")
    before = LocalKnowledgeBase(KnowledgeSettings(model=str(tmp_path))).model_id
    (tmp_path / "weights").write_text("three")
    after = LocalKnowledgeBase(KnowledgeSettings(model=str(tmp_path))).model_id
    assert before != after
    assert str(tmp_path) not in before


def test_another_model_answers_until_all_is_read_and_follows_what_is_published_meanwhile(tmp_path: Path) -> None:
    def made(recipe: str) -> LocalKnowledgeBase:
        base = LocalKnowledgeBase(specs=SPECS, loader=load, fitted=FITTED)
        base._model_id = f"{base.model_id.rpartition('/')[0]}/{recipe}"
        base.warm()
        return base

    before, after = made("2"), made("3")
    old = [passage for one in (REFUND, TRACK) for passage in before.passages(one)]
    assert after.lean_on("", before.model_id, old)
    result = after.search("refund", language="en")
    assert (result.answers[0].article_id, result.model_id) == ("refund", before.model_id)
    # The same version read by the new model changes nothing; a new one, and a new article, are found at once.
    after.replace("track", after.passages(TRACK))
    newer = replace(REFUND, version=2, body="Within five days.")
    after.replace("refund", after.passages(newer))
    after.replace("gift", after.passages(GIFT))
    assert after.search("refund", language="en").answers[0].passage == newer.body
    assert first(after, "wrap a gift") == "gift"
    after.replace("gift", ())
    assert first(after, "wrap a gift") != "gift"
    after.stand_alone()
    assert after.search("refund", language="en").model_id == after.model_id
    # Another release made these passages: its vectors mean nothing here.
    assert not after.lean_on("", "words@0+english words@1/2", old)
    assert not after.lean_on(str(tmp_path / "gone"), "gone@hub/3", old)


def test_many_questions_are_answered_as_each_by_itself(knowledge: LocalKnowledgeBase) -> None:
    fill(knowledge, REFUND, REEMBOLSO, TRACK, GIFT)
    texts = ["where is my order", "refund", "", "wrap a gift please", "money", "follow the link"]
    asked = [(text, "en") for text in texts] + [
        ("¿mi reembolso?", "es-MX"),
        ("pedido", "es"),
        ("quero meu pedido", "pt"),
    ]
    results = knowledge.search_all(asked * 3, limit=2)
    for (text, language), result in zip(asked * 3, results, strict=True):
        alone = knowledge.search(text, language=language, limit=2)
        assert [each.article_id for each in result.answers] == [each.article_id for each in alone.answers]
        assert result.confidence == pytest.approx(alone.confidence, abs=1e-5)
        assert result.language == alone.language
    with pytest.raises(Refused):
        knowledge.search_all(asked, limit=0)
