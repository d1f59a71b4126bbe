"""The knowledge base: articles for editors, search for agents."""

from __future__ import annotations

from hub.domain.errors import Refused, Unavailable
from hub.services import articles
from hub.store.queries import articles as queries
from hub.web import render
from hub.web import schemas as s
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_agent, the_hub

blueprint = api_blueprint("articles", __name__, "Knowledge base")


@blueprint.get("/articles")
@needs("read_articles")
@blueprint.output(s.Articles)
@blueprint.input(s.ArticlesQuery, location="query")
def list_articles(query_data: s.ArticlesQuery) -> s.Articles:
    """Articles, last edited first"""
    with the_hub().store.read() as connection:
        page = queries.page(
            connection,
            query=query_data.query,
            locale=query_data.locale,
            after=query_data.after or "",
            limit=query_data.limit,
        )
    return s.Articles(items=[render.article(each) for each in page.articles], next=page.next)


@blueprint.post("/articles")
@needs("edit_articles")
@blueprint.output(s.ArticleOut)
@blueprint.input(s.ArticleIn)
def create_article(json_data: s.ArticleIn) -> s.ArticleOut:
    """Begin an article, or with `article_id` another language of one"""
    by = the_agent()
    article_id = the_hub().store.write(
        lambda tx: articles.create(
            tx,
            locale=json_data.locale,
            title=json_data.title,
            body=json_data.body,
            by=by,
            article_id=json_data.article_id,
        )
    )
    return _article(article_id, json_data.locale)


@blueprint.get("/articles/<identifier:article_id>/<language:locale>")
@needs("read_articles")
@blueprint.output(s.ArticleOut)
def get_article(article_id: str, locale: str) -> s.ArticleOut:
    """An article as its editor left it"""
    return _article(article_id, locale)


@blueprint.put("/articles/<identifier:article_id>/<language:locale>")
@needs("edit_articles")
@blueprint.output(s.ArticleOut)
@blueprint.input(s.ArticleIn)
def save_article(article_id: str, locale: str, json_data: s.ArticleIn) -> s.ArticleOut:
    """Keep a draft; what is public stays as it is"""
    if json_data.locale != locale:
        raise Refused("locale", "must be the one of the address")
    if json_data.article_id not in (None, article_id):
        raise Refused("article_id", "must be the one of the address")
    by = the_agent()
    the_hub().store.write(
        lambda tx: articles.save(tx, article_id, locale=locale, title=json_data.title, body=json_data.body, by=by)
    )
    return _article(article_id, locale)


@blueprint.post("/articles/<identifier:article_id>/<language:locale>/publish")
@needs("edit_articles")
@blueprint.output(s.ArticleOut)
def publish_article(article_id: str, locale: str) -> s.ArticleOut:
    """Make the draft public as the next version"""
    by = the_agent()
    the_hub().store.write(lambda tx: articles.publish(tx, article_id, locale=locale, by=by))
    return _article(article_id, locale)


@blueprint.post("/articles/<identifier:article_id>/<language:locale>/withdraw")
@needs("edit_articles")
@blueprint.output(s.ArticleOut)
def withdraw_article(article_id: str, locale: str) -> s.ArticleOut:
    """Take an article out of the public's sight"""
    by = the_agent()
    the_hub().store.write(lambda tx: articles.withdraw(tx, article_id, locale=locale, by=by))
    return _article(article_id, locale)


def _article(article_id: str, locale: str) -> s.ArticleOut:
    with the_hub().store.read() as connection:
        return render.article(queries.get(connection, article_id, locale))


@blueprint.get("/knowledge/search")
@needs("read_articles")
@blueprint.output(s.Found)
@blueprint.input(s.SearchQuery, location="query")
def search(query_data: s.SearchQuery) -> s.Found:
    """What the knowledge base would answer"""
    knowledge = the_hub().knowledge
    if knowledge is None:
        raise Unavailable("this installation has no knowledge base", retry_after=3600)
    language = query_data.language or knowledge.detect_language(query_data.question)
    return render.search_result(knowledge.search(query_data.question, language=language, limit=10))
