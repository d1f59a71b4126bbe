"""The public help centre: whole without a script, in both languages, and silent about what is not public."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest
from apiflask import APIFlask
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from hub.domain import events as e
from hub.domain.knowledge import ArticleText
from hub.services import article_images, articles
from hub.store.queries import passages
from hub.store.unit_of_work import Tx
from hub.web import help_pages
from tests.fixtures_hub import World
from tests.web.conftest import Screen

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
SECRET = ArticleText("secret", 1, "en", "Goodwill", "Say zanzibar.")
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def reader(app: APIFlask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(autouse=True)
def fresh_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(help_pages, "_VOTES", help_pages.RateLimit(per_second=1 / 600, burst=1))
    monkeypatch.setattr(help_pages, "_related", help_pages._Related())


@pytest.fixture
def firm(world: World) -> World:
    """Returns in both languages, opening hours in English, one article for the firm alone, one draft."""

    def write(tx: Tx) -> None:
        articles.create_category(tx, names={"en": "Returns", "es": "Devoluciones"}, position=1, category_id="back")
        for locale, title, html in (
            ("en", "How do I return <something>?", "<p>Within <strong>thirty</strong> days, at a shop.</p>"),
            ("es", "¿Cómo devuelvo algo?", "<p>En treinta días, en una tienda.</p>"),
        ):
            articles.import_published(tx, "returns", locale=locale, title=title, html=html, by=e.SYSTEM)
        articles.import_published(tx, "hours", locale="en", title="Opening hours", body="Nine to\nfive.", by=e.SYSTEM)
        articles.import_published(tx, "secret", locale="en", title="Goodwill", body="Say zanzibar.", by=e.SYSTEM)
        articles.place(tx, "returns", category_id="back", internal=False, by=e.SYSTEM)
        articles.place(tx, "secret", category_id="back", internal=True, by=e.SYSTEM)
        articles.create(tx, article_id=None, locale="en", title="Draft zanzibar", body="zanzibar", by=e.SYSTEM)

    world.store.write(write)
    world.run()
    with world.store.read() as connection:
        world.knowledge.load(passages.every(connection, world.knowledge.model_id))
    return world


def page(reader: FlaskClient, path: str, status: int = 200) -> BeautifulSoup:
    response = reader.get(path)
    assert response.status_code == status, response.text
    assert response.headers["Content-Security-Policy"] == help_pages.POLICY
    assert "<script" not in response.text
    return BeautifulSoup(response.text, "lxml")


def links(found: BeautifulSoup, within: str = "main") -> list[str]:
    return [each.get("href") for each in found.select(f"{within} a")]


ARTICLE = "/help/en/articles/returns/how-do-i-return-something"


def test_from_the_start_over_a_topic_to_an_article_and_back(firm: World, reader: FlaskClient) -> None:
    assert reader.get("/help", headers={"Accept-Language": "es-MX"}).headers["Location"] == "/help/es/"
    home = page(reader, "/help/en/")
    assert home.html["lang"] == "en"
    assert [each.get_text() for each in home.select(".topics a")] == [
        "Returns1 article",
        "Other questions1 article",
    ]
    topic = page(reader, home.select(".topics a")[0].get("href"))
    assert ARTICLE in links(topic)
    article = page(reader, ARTICLE)
    assert article.select("h1")[0].get_text() == "How do I return <something>?"
    assert article.select(".text strong")[0].get_text() == "thirty"
    assert links(article, ".path") == ["/help/en/", "/help/en/topics/back/returns"]


def test_each_page_says_where_it_is_and_where_its_other_language_is(firm: World, reader: FlaskClient) -> None:
    base = firm.hub.settings.public_url
    article = page(reader, "/help/en/articles/returns/an-older-title")
    assert article.select("link[rel=canonical]")[0].get("href") == base + ARTICLE
    others = {each.get("hreflang"): each.get("href") for each in article.select("link[rel=alternate]")}
    assert others["es"] == f"{base}/help/es/articles/returns/como-devuelvo-algo"
    assert others["en"] == others["x-default"] == base + ARTICLE
    # What is in one language alone sends its reader to that.
    assert reader.get("/help/es/articles/hours").headers["Location"] == "/help/en/articles/hours"
    sitemap = reader.get("/help/sitemap.xml")
    assert sitemap.mimetype == "application/xml"
    for path in (ARTICLE, "/help/es/articles/returns/como-devuelvo-algo", "/help/en/articles/hours/opening-hours"):
        assert f"<loc>{base}{path}</loc>" in sitemap.text
    assert f"Sitemap: {base}/help/sitemap.xml" in reader.get("/robots.txt").text


def test_search_finds_and_says_when_it_does_not(firm: World, reader: FlaskClient) -> None:
    found = page(reader, "/help/en/search?q=return+within+thirty+days")
    assert links(found, ".rows")[0] == ARTICLE
    assert found.select("meta[name=robots]")[0].get("content") == "noindex"
    assert page(reader, "/help/es/search?q=<xyzzy>").select("main p")[-1].get_text().startswith("No se ha")
    assert reader.get("/help/en/search?q=").headers["Location"] == "/help/en/"
    firm.knowledge.warming = True
    assert links(page(reader, "/help/en/search?q=return+thirty"), ".rows") == [ARTICLE]
    other = page(reader, "/help/en/search?q=shop")
    assert links(other, ".rows") == [ARTICLE]


@pytest.mark.parametrize("warming", [False, True], ids=["with_models", "by_words"])
def test_what_is_not_public_is_nowhere(firm: World, reader: FlaskClient, warming: bool) -> None:
    firm.knowledge.warming = warming
    # Even where an index still has it.
    firm.knowledge.replace("secret", () if warming else firm.knowledge.passages(SECRET))
    for path in ("/help/en/", "/help/en/topics/back", "/help/en/search?q=zanzibar", "/help/sitemap.xml", ARTICLE):
        assert "Goodwill" not in reader.get(path).text, path
        assert not re.search("Say zanzibar|Draft zanzibar", reader.get(path).text), path
    assert reader.get("/help/en/articles/secret").status_code == 404
    assert reader.post("/help/en/articles/secret/helpful", data={"answer": "yes"}).status_code == 404
    firm.store.write(partial(articles.withdraw, article_id="hours", locale="en", by=e.SYSTEM))
    assert reader.get("/help/en/articles/hours/opening-hours").status_code == 404


@pytest.mark.parametrize(
    "path", ["/help/pt/", "/help/en/articles/none", "/help/en/topics/none/x", "/help/en/topics/other"]
)
def test_what_is_not_there_is_said_in_the_reader_s_language(world: World, reader: FlaskClient, path: str) -> None:
    assert page(reader, path, 404).select("h1")[0].get_text() == "This page is not here"


def test_whether_it_helped_is_an_event_and_counts_once(firm: World, reader: FlaskClient) -> None:
    answer = reader.post("/help/en/articles/returns/helpful", data={"answer": "no"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{ARTICLE}?thanks=1#helpful")
    assert page(reader, f"{ARTICLE}?thanks=1").select("[role=status]")
    reader.post("/help/en/articles/returns/helpful", data={"answer": "no"})
    assert firm.kinds("returns").count("ArticleRated") == 1
    assert reader.post("/help/en/articles/returns/helpful", data={"answer": "perhaps"}).status_code == 404
    elsewhere = {"Origin": "https://evil.example"}
    assert reader.post("/help/en/articles/hours/helpful", data={"answer": "no"}, headers=elsewhere).status_code == 403
    assert "ArticleRated" not in firm.kinds("hours")


def test_pictures_are_shown_with_public_texts_alone(
    firm: World, reader: FlaskClient, open_screen: Callable[..., Screen]
) -> None:
    editor = open_screen("editor")
    image = article_images.store(firm.hub, name="way.png", content=PNG, by=e.SYSTEM)
    path = f"/help/images/{image.id}"
    assert reader.get(path).status_code == 404
    assert editor.client.get(path).data == PNG, "editors see what they write"
    html = f'<p>Here</p><img src="{path}" alt="The way">'
    firm.store.write(lambda tx: articles.import_published(tx, "way", locale="en", title="Way", html=html, by=e.SYSTEM))
    assert (reader.get(path).data, reader.get(path).mimetype) == (PNG, "image/png")
    assert page(reader, "/help/en/articles/way").select(".text img")[0].get("alt") == "The way"
    firm.store.write(partial(articles.place, article_id="way", category_id="", internal=True, by=e.SYSTEM))
    assert reader.get(path).status_code == 404


def test_pages_are_small_kept_for_a_minute_and_asked_for_by_their_tag(firm: World, reader: FlaskClient) -> None:
    response = reader.get(ARTICLE, headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(response.data) < 10_000
    assert response.headers["Cache-Control"] == "public, max-age=60"
    tag = {"Accept-Encoding": "gzip", "If-None-Match": response.headers["ETag"]}
    assert reader.get(ARTICLE, headers=tag).status_code == 304
