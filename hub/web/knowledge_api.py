"""What keeps a knowledge base good: checks, test questions, import and export."""

from __future__ import annotations

from typing import Any

from apiflask.fields import UploadFile
from flask import Response

from hub.domain.errors import NotFound
from hub.services import article_exchange, article_formats, article_questions
from hub.store.queries import article_checks
from hub.web import knowledge_render
from hub.web import schemas_knowledge as s
from hub.web.articles_api import DAY
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_agent, the_hub
from hub.web.files import reads_upload
from hub.web.schemas import Shape

_FILE: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {"description": "The file", "content": {"application/octet-stream": {}}}
}
_TYPES = {"zip": "application/zip", "csv": "text/csv; charset=utf-8", "json": "application/json"}

blueprint = api_blueprint("knowledge", __name__, "Knowledge base")


class ImportIn(Shape):
    file: UploadFile


@blueprint.get("/knowledge/checks")
@needs("edit_articles")
@blueprint.output(s.Checks)
@blueprint.input(s.ChecksQuery, location="query")
def checks(query_data: s.ChecksQuery) -> s.Checks:
    """Articles that are old, nearly the same as others, or contradict them"""
    hub = the_hub()
    now, old = hub.clock.now(), query_data.days * DAY
    with hub.store.read() as connection:
        texts = article_checks.public_texts(connection, now - 90 * DAY)
    return knowledge_render.checks(texts, now, old)


# --- test questions ---------------------------------------------------------------------------------------------------


def _questions() -> s.TestQuestions:
    with the_hub().store.read() as connection:
        found = article_checks.questions(connection)
    return s.TestQuestions(items=[knowledge_render.question(each) for each in found])


@blueprint.get("/knowledge/questions")
@needs("read_articles")
@blueprint.output(s.TestQuestions)
def questions() -> s.TestQuestions:
    """Test questions with their right answers"""
    return _questions()


@blueprint.post("/knowledge/questions")
@needs("edit_articles")
@blueprint.output(s.TestQuestions)
@blueprint.input(s.TestQuestionIn)
def add_question(json_data: s.TestQuestionIn) -> s.TestQuestions:
    """Keep a test question"""
    by, article_id = the_agent(), json_data.article_id or ""
    the_hub().store.write(
        lambda tx: article_questions.add(tx, text=json_data.text, locale=json_data.locale, article_id=article_id, by=by)
    )
    return _questions()


@blueprint.put("/knowledge/questions/<identifier:question_id>")
@needs("edit_articles")
@blueprint.output(s.TestQuestions)
@blueprint.input(s.TestQuestionIn)
def change_question(question_id: str, json_data: s.TestQuestionIn) -> s.TestQuestions:
    """Change a test question"""
    by, article_id = the_agent(), json_data.article_id or ""
    the_hub().store.write(
        lambda tx: article_questions.change(
            tx, question_id, text=json_data.text, locale=json_data.locale, article_id=article_id, by=by
        )
    )
    return _questions()


@blueprint.delete("/knowledge/questions/<identifier:question_id>")
@needs("edit_articles")
@blueprint.output(s.TestQuestions)
def remove_question(question_id: str) -> s.TestQuestions:
    """Drop a test question"""
    the_hub().store.write(lambda tx: article_questions.remove(tx, question_id))
    return _questions()


@blueprint.get("/knowledge/trial")
@needs("edit_articles")
@blueprint.output(s.TrialOut)
def trial() -> s.TrialOut:
    """The test questions as things stand"""
    return knowledge_render.trial(article_questions.trial(the_hub()))


@blueprint.get("/articles/<identifier:article_id>/<language:locale>/trial")
@needs("edit_articles")
@blueprint.output(s.TrialOut)
def article_trial(article_id: str, locale: str) -> s.TrialOut:
    """The test questions before and after this draft would be published; nothing that customers get changes"""
    return knowledge_render.trial(article_questions.trial(the_hub(), article_id, locale))


# --- import and export ------------------------------------------------------------------------------------------------


def _require_format(form: str) -> None:
    if form not in article_formats.FORMATS:
        raise NotFound(f"there is no format {form}: it is one of {', '.join(article_formats.FORMATS)}")


@blueprint.post("/articles/import/<identifier:form>")
@needs("edit_articles")
@reads_upload(lambda: article_formats.FILE_LIMIT)
@blueprint.input(ImportIn, location="files", arg_name="given")
@blueprint.output(s.Imported)
def import_articles(form: str, given: ImportIn) -> s.Imported:
    """Bring articles in as drafts; a folder of Markdown as a zip"""
    _require_format(form)
    found = article_formats.read(form, given.file.stream.read(article_formats.FILE_LIMIT + 1))
    report = article_exchange.bring_in(the_hub().store, found, by=the_agent())
    return s.Imported(
        created=report.created,
        changed=report.changed,
        unchanged=report.unchanged,
        categories=report.categories,
        refused=[s.RefusedArticle(where=each.where, rule=each.rule) for each in report.refused],
    )


@blueprint.get("/articles/export/<identifier:form>")
@needs("edit_articles")
@blueprint.doc(responses=_FILE)
def export_articles(form: str) -> Response:
    """All articles that are not archived, as a file"""
    _require_format(form)
    with the_hub().store.read() as connection:
        found = article_exchange.give_out(connection)
    ending = article_formats.ENDINGS[form]
    response = Response(article_formats.write(form, found), content_type=_TYPES[ending])
    response.headers["Content-Disposition"] = f'attachment; filename="articles-{form}.{ending}"'
    return response
