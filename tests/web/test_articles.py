"""Articles: drafts, versions, what is public and what is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hub.domain.events import SYSTEM
from hub.services import articles
from hub.store import tables as t
from hub.store.queries import passages
from tests.fixtures_hub import World
from tests.web.conftest import Screen

DRAFT = {"locale": "en", "title": "Returns", "body": "Within thirty days."}


@pytest.fixture
def editor(open_screen: Callable[..., Screen]) -> Screen:
    return open_screen("editor")


@pytest.fixture
def reviewer(open_screen: Callable[..., Screen]) -> Screen:
    return open_screen("supervisor")


def publish(editor: Screen, reviewer: Screen, path: str) -> Any:
    """Through the review, as the API asks for."""
    editor.change("POST", f"{path}/submit")
    reviewer.change("POST", f"{path}/approve")
    return editor.change("POST", f"{path}/publish", {})


def public(world: World, article_id: str) -> list[tuple[str, int, str]]:
    with world.store.read() as connection:
        return [(each.locale, each.version, each.body) for each in passages.published(connection, article_id)]


def test_from_draft_to_public_and_back(world: World, editor: Screen, reviewer: Screen) -> None:
    made = editor.change("POST", "/articles", DRAFT)
    article_id, path = made["article_id"], f"/articles/{made['article_id']}/en"
    assert (made["state"], made["version"], made["title"]) == ("draft", 0, "Returns")
    assert public(world, article_id) == []

    published = publish(editor, reviewer, path)
    assert (published["state"], published["version"]) == ("published", 1)
    assert editor.change("POST", f"{path}/publish", {})["version"] == 1

    changed = editor.change("PUT", path, DRAFT | {"body": "Within sixty days."})
    assert (changed["state"], changed["version"], changed["body"]) == ("changed", 1, "Within sixty days.")
    assert public(world, article_id) == [("en", 1, "Within thirty days.")]

    assert publish(editor, reviewer, path)["version"] == 2
    assert public(world, article_id) == [("en", 2, "Within sixty days.")]

    withdrawn = editor.change("POST", f"{path}/withdraw")
    assert (withdrawn["state"], withdrawn["version"]) == ("withdrawn", 0)
    assert public(world, article_id) == []
    assert editor.problem("POST", f"{path}/withdraw") == (409, "conflict")
    assert publish(editor, reviewer, path)["version"] == 3
    kinds = [kind for kind in world.kinds(article_id) if kind != "ArticleStateChanged"]
    assert kinds == ["ArticlePublished", "ArticlePublished", "ArticleWithdrawn", "ArticlePublished"]


def test_saving_what_is_there_changes_nothing(editor: Screen, reviewer: Screen) -> None:
    made = editor.change("POST", "/articles", DRAFT)
    path = f"/articles/{made['article_id']}/en"
    publish(editor, reviewer, path)
    assert editor.change("PUT", path, DRAFT)["state"] == "published"


def test_another_language(world: World, editor: Screen, reviewer: Screen) -> None:
    article_id = editor.change("POST", "/articles", DRAFT)["article_id"]
    spanish = {"locale": "es", "title": "Devoluciones", "body": "Treinta días.", "article_id": article_id}
    assert editor.change("POST", "/articles", spanish)["article_id"] == article_id
    assert editor.problem("POST", "/articles", spanish) == (409, "conflict")
    for locale in ("en", "es"):
        publish(editor, reviewer, f"/articles/{article_id}/{locale}")
    assert [locale for locale, _, _ in public(world, article_id)] == ["en", "es"]
    assert editor.problem("POST", "/articles", spanish | {"article_id": "nothing"}) == (404, "not_found")


def test_a_published_article_is_found(world: World, editor: Screen, reviewer: Screen) -> None:
    article_id = editor.change("POST", "/articles", DRAFT)["article_id"]
    publish(editor, reviewer, f"/articles/{article_id}/en")
    world.run()
    with world.store.read() as connection:
        world.knowledge.load(passages.every(connection, world.knowledge.model_id))
    found = editor.get("/knowledge/search", question="returns within thirty days")
    assert (found["language"], found["model_id"]) == ("en", "words")
    (answer,) = found["answers"]
    assert (answer["article_id"], answer["version"], answer["title"]) == (article_id, 1, "Returns")
    assert 0 < answer["confidence"] <= 1


def test_a_search_while_warming_says_so(world: World, editor: Screen) -> None:
    world.knowledge.warming = True
    response = editor.client.get("/api/v1/knowledge/search", query_string={"question": "returns"})
    assert (response.status_code, response.get_json()["error_id"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0


def pages(editor: Screen, **query: Any) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page = editor.get("/articles", **query, **({"after": after} if after else {}))
        found += [f"{each['article_id']}/{each['locale']}" for each in page["items"]]
        after = page["next"]
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_the_list_last_edited_first(editor: Screen, limit: int) -> None:
    ids = [editor.change("POST", "/articles", DRAFT | {"title": f"Article {n}"})["article_id"] for n in range(4)]
    editor.change("POST", "/articles", DRAFT | {"locale": "es", "title": "Artículo", "article_id": ids[1]})
    editor.change("PUT", f"/articles/{ids[0]}/en", DRAFT)
    expected = [f"{ids[0]}/en", f"{ids[1]}/es", *(f"{ids[n]}/en" for n in (3, 2, 1))]
    assert pages(editor, limit=limit) == expected
    assert pages(editor, limit=limit, locale="es") == [f"{ids[1]}/es"]


def test_looking_for_words(editor: Screen) -> None:
    wanted = editor.change("POST", "/articles", DRAFT | {"title": "100% cotton", "body": "Wash at 40_degrees"})
    editor.change("POST", "/articles", DRAFT)
    for query in ("COTTON", "100%", "40_d", "  wash "):
        assert pages(editor, query=query) == [f"{wanted['article_id']}/en"], query
    assert pages(editor, query="100_") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (DRAFT | {"locale": "es"}, "locale"),
        (DRAFT | {"article_id": "another"}, "article_id"),
        (DRAFT | {"title": ""}, "title"),
        (DRAFT | {"body": "x" * 100_001}, "body"),
        (DRAFT | {"body": " "}, "body"),
        (DRAFT | {"html": "<script>alert(1)</script>"}, "html"),
        (DRAFT | {"locale": "english"}, "locale"),
    ],
)
def test_a_draft_that_breaks_a_rule_is_refused(editor: Screen, body: dict[str, str], field: str) -> None:
    article_id = editor.change("POST", "/articles", DRAFT)["article_id"]
    response = editor.call("PUT", f"/articles/{article_id}/en", body)
    assert (response.status_code, response.get_json()["field"]) == (422, field)


@pytest.mark.parametrize("path", ["/articles/nothing/en", "/articles/nothing/english"])
def test_what_is_not_there(editor: Screen, path: str) -> None:
    assert editor.problem("GET", path) == (404, "not_found")
    assert editor.problem("PUT", path, DRAFT) == (404, "not_found")


def test_bringing_in_again_changes_nothing(world: World) -> None:
    def bring(body: str) -> int:
        return world.store.write(
            lambda tx: articles.import_published(tx, "faq-1", locale="en", title="T", body=body, by=SYSTEM)
        )

    assert [bring("one"), bring("one"), bring("two")] == [1, 1, 2]
    assert world.count(t.article_version) == 2
    assert public(world, "faq-1") == [("en", 2, "two")]
