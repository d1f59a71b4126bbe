"""The knowledge base: articles from draft to archive, their versions, categories and pictures; search for agents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.domain import articles as rules
from hub.domain.errors import BreaksQuestions, Refused, Unavailable
from hub.services import article_html, article_images, article_questions, articles
from hub.store.queries import article_checks
from hub.store.queries import articles as queries
from hub.store.unit_of_work import Tx
from hub.web import knowledge_render, render
from hub.web import schemas_conversations as common
from hub.web import schemas_knowledge as s
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_agent, the_hub
from hub.web.files import UploadIn, reads_upload

DAY = 24 * 3600 * 1_000_000
blueprint = api_blueprint("articles", __name__, "Knowledge base")


def _reviewed() -> bool:
    """Whether only approved articles are published here."""
    return the_hub().settings.article_review == "required"


def _article(article_id: str, locale: str) -> s.ArticleOut:
    with the_hub().store.read() as connection:
        return knowledge_render.article(queries.get(connection, article_id, locale))


def _after(step: Callable[..., Any], article_id: str, locale: str, **values: Any) -> s.ArticleOut:
    """Takes a step of `hub.services.articles` and gives the article as it is then."""
    by = the_agent()

    def use_case(tx: Tx) -> None:
        step(tx, article_id, locale=locale, by=by, **values)

    the_hub().store.write(use_case)
    return _article(article_id, locale)


# --- writing ----------------------------------------------------------------------------------------------------------


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
            state=query_data.state,
            category_id=query_data.category_id,
            after=query_data.after or "",
            limit=query_data.limit,
        )
    return s.Articles(items=[knowledge_render.article(each) for each in page.articles], next=page.next)


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
            html=json_data.html,
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
    return _after(articles.save, article_id, locale, title=json_data.title, body=json_data.body, html=json_data.html)


# --- review and publication -------------------------------------------------------------------------------------------


@blueprint.post("/articles/<identifier:article_id>/<language:locale>/submit")
@needs("edit_articles")
@blueprint.output(s.ArticleOut)
def submit_article(article_id: str, locale: str) -> s.ArticleOut:
    """Ask for a review"""
    return _after(articles.submit, article_id, locale)


@blueprint.post("/articles/<identifier:article_id>/<language:locale>/approve")
@needs("approve_articles")
@blueprint.output(s.ArticleOut)
def approve_article(article_id: str, locale: str) -> s.ArticleOut:
    """Approve somebody else's article"""
    return _after(articles.approve, article_id, locale)


@blueprint.post("/articles/<identifier:article_id>/<language:locale>/send-back")
@needs("approve_articles")
@blueprint.output(s.ArticleOut)
@blueprint.input(s.NoteIn)
def send_back_article(article_id: str, locale: str, json_data: s.NoteIn) -> s.ArticleOut:
    """Say what is still to be done"""
    return _after(articles.send_back, article_id, locale, note=json_data.note)


@blueprint.post("/articles/<identifier:article_id>/<language:locale>/publish")
@needs("edit_articles")
@blueprint.output(s.ArticleOut)
@blueprint.input(s.PublishIn)
def publish_article(article_id: str, locale: str, json_data: s.PublishIn) -> s.ArticleOut:
    """Make the draft public as the next version, now or at a time

    Refused with `breaks_questions` where test questions that are answered right today would not be any more.
    """
    hub = the_hub()
    with hub.store.read() as connection:
        draft = queries.get(connection, article_id, locale)
    if draft.state != "published":
        rules.require("schedule" if json_data.at else "publish", draft.state, reviewed=_reviewed())
    if not json_data.accept_broken and not draft.internal:
        trial = article_questions.trial(hub, article_id, locale)
        if trial is not None and trial.broken:
            questions = ", ".join(f"“{each.text}”" for each in trial.broken[:5])
            raise BreaksQuestions(f"{len(trial.broken)} test questions would not be answered right: {questions}")
    if json_data.at is None:
        return _after(articles.publish, article_id, locale, reviewed=_reviewed())
    at = render.microseconds(json_data.at)
    return _after(articles.schedule, article_id, locale, at=at, reviewed=_reviewed())


@blueprint.post("/articles/<identifier:article_id>/<language:locale>/unschedule")
@needs("edit_articles")
@blueprint.output(s.ArticleOut)
def unschedule_article(article_id: str, locale: str) -> s.ArticleOut:
    """Do not publish it by itself"""
    return _after(articles.unschedule, article_id, locale)


@blueprint.post("/articles/<identifier:article_id>/<language:locale>/withdraw")
@needs("edit_articles")
@blueprint.output(s.ArticleOut)
def withdraw_article(article_id: str, locale: str) -> s.ArticleOut:
    """Take an article out of the public's sight"""
    return _after(articles.withdraw, article_id, locale)


@blueprint.put("/articles/<identifier:article_id>/<language:locale>/expiry")
@needs("edit_articles")
@blueprint.output(s.ArticleOut)
@blueprint.input(s.ExpiryIn)
def set_expiry(article_id: str, locale: str, json_data: s.ExpiryIn) -> s.ArticleOut:
    """Say until when it is public"""
    at = render.microseconds(json_data.expires_at) if json_data.expires_at else 0
    the_hub().store.write(lambda tx: articles.set_expiry(tx, article_id, locale=locale, at=at))
    return _article(article_id, locale)


@blueprint.post("/articles/<identifier:article_id>/<language:locale>/archive")
@needs("edit_articles")
@blueprint.output(s.ArticleOut)
def archive_article(article_id: str, locale: str) -> s.ArticleOut:
    """Put an article out of everybody's way"""
    return _after(articles.archive, article_id, locale)


@blueprint.post("/articles/<identifier:article_id>/<language:locale>/unarchive")
@needs("edit_articles")
@blueprint.output(s.ArticleOut)
def unarchive_article(article_id: str, locale: str) -> s.ArticleOut:
    """Take it from the archive"""
    return _after(articles.unarchive, article_id, locale)


@blueprint.put("/articles/<identifier:article_id>/placement")
@needs("edit_articles")
@blueprint.output(s.Articles)
@blueprint.input(s.PlacementIn)
def place_article(article_id: str, json_data: s.PlacementIn) -> s.Articles:
    """Choose an article's category and who may read it, in all its languages"""
    by = the_agent()
    category_id = json_data.category_id or ""
    the_hub().store.write(
        lambda tx: articles.place(tx, article_id, category_id=category_id, internal=json_data.internal, by=by)
    )
    with the_hub().store.read() as connection:
        found = [queries.get(connection, article_id, each) for each in queries.locales(connection, article_id)]
    return s.Articles(items=[knowledge_render.article(each) for each in found], next=None)


# --- versions and figures ---------------------------------------------------------------------------------------------


@blueprint.get("/articles/<identifier:article_id>/<language:locale>/versions")
@needs("read_articles")
@blueprint.output(s.ArticleVersions)
def versions(article_id: str, locale: str) -> s.ArticleVersions:
    """What was ever published, the newest first"""
    with the_hub().store.read() as connection:
        public = queries.get(connection, article_id, locale).version
        found = queries.versions(connection, article_id, locale)
    return s.ArticleVersions(items=[knowledge_render.version(each) for each in found], public=public)


@blueprint.get("/articles/<identifier:article_id>/<language:locale>/difference")
@needs("read_articles")
@blueprint.output(s.Difference)
@blueprint.input(s.DifferenceQuery, location="query")
def difference(article_id: str, locale: str, query_data: s.DifferenceQuery) -> s.Difference:
    """What two versions differ in, word by word"""
    with the_hub().store.read() as connection:
        earlier, later = (
            queries.version(connection, article_id, locale, number)
            if number
            else queries.get(connection, article_id, locale)
            for number in (query_data.earlier, query_data.later)
        )
    return s.Difference(
        title=knowledge_render.pieces(rules.difference(earlier.title, later.title)),
        body=knowledge_render.pieces(rules.difference(earlier.body, later.body)),
    )


@blueprint.post("/articles/<identifier:article_id>/<language:locale>/restore")
@needs("edit_articles")
@blueprint.output(s.ArticleOut)
@blueprint.input(s.VersionRef)
def restore_article(article_id: str, locale: str, json_data: s.VersionRef) -> s.ArticleOut:
    """Make the text of an earlier version the draft"""
    return _after(articles.restore, article_id, locale, version=json_data.version)


@blueprint.get("/articles/<identifier:article_id>/<language:locale>/figures")
@needs("read_articles")
@blueprint.output(s.FiguresOut)
@blueprint.input(s.FiguresQuery, location="query")
def figures(article_id: str, locale: str, query_data: s.FiguresQuery) -> s.FiguresOut:
    """What customers did with an article"""
    hub = the_hub()
    since = hub.clock.now() - query_data.days * DAY
    with hub.store.read() as connection:
        queries.get(connection, article_id, locale)
        found = article_checks.figures(connection, since, article_id)
    return knowledge_render.figures(found.get((article_id, locale), article_checks.Figures()), query_data.days)


# --- categories and pictures ------------------------------------------------------------------------------------------


def _categories() -> s.Categories:
    with the_hub().store.read() as connection:
        found = queries.categories(connection)
    return s.Categories(items=[knowledge_render.category(each) for each in found])


@blueprint.get("/article-categories")
@needs("read_articles")
@blueprint.output(s.Categories)
def categories() -> s.Categories:
    """All categories, in the order in which customers see them"""
    return _categories()


@blueprint.post("/article-categories")
@needs("edit_articles")
@blueprint.output(s.Categories)
@blueprint.input(s.CategoryIn)
def create_category(json_data: s.CategoryIn) -> s.Categories:
    """Add a category"""
    the_hub().store.write(lambda tx: articles.create_category(tx, names=json_data.names, position=json_data.position))
    return _categories()


@blueprint.put("/article-categories/<identifier:category_id>")
@needs("edit_articles")
@blueprint.output(s.Categories)
@blueprint.input(s.CategoryIn)
def change_category(category_id: str, json_data: s.CategoryIn) -> s.Categories:
    """Rename or move a category"""
    names, position = json_data.names, json_data.position
    the_hub().store.write(lambda tx: articles.change_category(tx, category_id, names=names, position=position))
    return _categories()


@blueprint.delete("/article-categories/<identifier:category_id>")
@needs("edit_articles")
@blueprint.output(s.Categories)
def remove_category(category_id: str) -> s.Categories:
    """Take a category away; its articles have none then"""
    the_hub().store.write(lambda tx: articles.remove_category(tx, category_id))
    return _categories()


@blueprint.post("/article-images")
@needs("edit_articles")
@reads_upload(lambda: article_images.LIMIT)
@blueprint.input(UploadIn, location="files", arg_name="form")
@blueprint.output(s.ImageOut)
def upload_image(form: UploadIn) -> s.ImageOut:
    """Upload a picture for an article"""
    content = form.file.stream.read(article_images.LIMIT + 1)
    image = article_images.store(the_hub(), name=form.file.filename or "", content=content, by=the_agent())
    return knowledge_render.image(image, article_html.IMAGES)


# --- search -----------------------------------------------------------------------------------------------------------


@blueprint.get("/knowledge/search")
@needs("read_articles")
@blueprint.output(common.Found)
@blueprint.input(common.SearchQuery, location="query")
def search(query_data: common.SearchQuery) -> common.Found:
    """What the knowledge base would answer"""
    knowledge = the_hub().knowledge
    if knowledge is None:
        raise Unavailable("this installation has no knowledge base", retry_after=3600)
    language = query_data.language or knowledge.detect_language(query_data.question)
    return render.search_result(knowledge.search(query_data.question, language=language, limit=10))
