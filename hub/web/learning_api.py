"""What the questions teach: backtests, gaps, lessons, cases; and what helps agents while they read."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, cast

from flask import current_app

from hub.domain import cases as reasoning
from hub.domain.cases import Case, CaseBase, Known, Reasoner
from hub.domain.errors import NotFound
from hub.services import assist, backtest, cases, gaps, lessons, tasks
from hub.services.cases import Guide
from hub.services.tasks import Task
from hub.store.queries import cases as case_queries
from hub.store.queries import gaps as gap_queries
from hub.store.queries import lessons as lesson_queries
from hub.web import render
from hub.web import schemas as shapes
from hub.web import schemas_learning as s
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_agent, the_hub

blueprint = api_blueprint("learning", __name__, "What the questions teach")


# --- backtests ---


@blueprint.post("/backtests")
@needs("edit_articles")
@blueprint.output(s.BacktestOut)
@blueprint.input(s.BacktestIn)
def ask_backtest(json_data: s.BacktestIn) -> s.BacktestOut:
    """Replay closed conversations through other articles, thresholds or rules

    It is done beside; ask again until its state is `done`. Nothing of it reaches a customer.
    """
    policy = json_data.policy.model_dump() if json_data.policy else {}
    thresholds = json_data.thresholds.model_dump(exclude_none=True)
    backtest.asked(json_data.last, json_data.articles, thresholds, policy)
    given = {"last": json_data.last, "articles": json_data.articles, "thresholds": thresholds, "policy": policy}
    by = the_agent()
    return _read_backtest(the_hub().store.write(lambda tx: tasks.ask(tx, "backtest", given, by)))


@blueprint.get("/backtests")
@needs("edit_articles")
@blueprint.output(s.Backtests)
def list_backtests() -> s.Backtests:
    """The last backtests, without their reports"""
    with the_hub().store.read() as connection:
        return s.Backtests(items=[_backtest(each, whole=False) for each in tasks.latest(connection, "backtest")])


@blueprint.get("/backtests/<identifier:task_id>")
@needs("edit_articles")
@blueprint.output(s.BacktestOut)
def get_backtest(task_id: str) -> s.BacktestOut:
    """A backtest and what came of it"""
    return _read_backtest(task_id)


def _read_backtest(task_id: str) -> s.BacktestOut:
    with the_hub().store.read() as connection:
        task = tasks.get(connection, task_id)
    if task.kind != "backtest":
        raise NotFound(f"there is no backtest {task_id}")
    return _backtest(task)


def _backtest(task: Task, *, whole: bool = True) -> s.BacktestOut:
    given = task.given
    report = s.BacktestReport.model_validate(task.result) if whole and task.result else None
    return s.BacktestOut(
        id=task.id,
        state=cast(s.TaskState, task.state),
        asked_at=render.time(task.asked_at),
        given=s.BacktestGiven(
            last=given["last"],
            articles=given["articles"],
            thresholds=given["thresholds"],
            misses=given["policy"].get("misses"),
            articles_first=given["policy"].get("articles_first"),
        ),
        report=report,
        error=task.error,
    )


# --- gaps ---


@blueprint.get("/gaps")
@needs("edit_articles")
@blueprint.output(s.Gaps)
def list_gaps() -> s.Gaps:
    """What customers ask and only people can answer, what costs most first"""
    with the_hub().store.read() as connection:
        rows = gap_queries.every(connection)
        last = tasks.latest(connection, "gaps", 1)
    done = last[0].ended_at if last else 0
    return s.Gaps(
        items=[_gap(row) for row in rows],
        searched_at=render.time(done) if done else None,
        searching=bool(last) and last[0].state == "waiting",
    )


@blueprint.post("/gaps/search")
@needs("edit_articles")
@blueprint.output(shapes.Done)
def search_gaps() -> shapes.Done:
    """Look for gaps in the last four weeks; it is done beside"""
    by = the_agent()
    the_hub().store.write(lambda tx: tasks.ask(tx, "gaps", {}, by))
    return shapes.Done()


@blueprint.get("/gaps/<identifier:gap_id>")
@needs("edit_articles")
@blueprint.output(s.GapDetail)
def get_gap(gap_id: str) -> s.GapDetail:
    """A gap with its questions and their conversations"""
    with the_hub().store.read() as connection:
        row = gap_queries.one(connection, gap_id)
        asked = gap_queries.questions(connection, gap_id)
    if row is None:
        raise NotFound(f"there is no gap {gap_id}")
    return s.GapDetail(
        gap=_gap(row),
        questions=[
            s.GapQuestion(
                message_id=each.message_id,
                conversation_id=each.conversation_id,
                ticket_number=each.ticket_number,
                text=each.text,
                reason=each.reason,
                at=render.time(each.at),
                minutes=round(each.handled / 60e6, 1),
            )
            for each in asked
        ],
    )


@blueprint.get("/gaps/<identifier:gap_id>/conversations/<identifier:conversation_id>")
@needs("edit_articles")
@blueprint.output(s.GapConversation)
def get_gap_conversation(gap_id: str, conversation_id: str) -> s.GapConversation:
    """What was said in a conversation behind a gap, for whoever writes the article"""
    said = gaps.conversation(the_hub().store, gap_id, conversation_id)
    items = [{"message_id": each.message_id, "author": each.author, "text": each.text} for each in said]
    return s.GapConversation.model_validate({"messages": items})


@blueprint.post("/gaps/<identifier:gap_id>/article")
@needs("edit_articles")
@blueprint.output(s.Begun)
def begin_gap_article(gap_id: str) -> s.Begun:
    """Begin an article with what agents answered"""
    by = the_agent()
    article_id, locale = the_hub().store.write(lambda tx: gaps.begin_article(tx, gap_id, by))
    return s.Begun(article_id=article_id, locale=locale)


@blueprint.post("/gaps/<identifier:gap_id>/dismiss")
@needs("edit_articles")
@blueprint.output(shapes.Done)
def dismiss_gap(gap_id: str) -> shapes.Done:
    """Nobody shall write about it"""
    the_hub().store.write(lambda tx: gaps.dismiss(tx, gap_id))
    return shapes.Done()


def _gap(row: Any) -> s.GapOut:
    measured = bool(row.measured_at)
    return s.GapOut(
        id=row.id,
        name=row.name,
        words=row.words.split() if row.words != "[]" else [],
        language=row.language,
        state=row.state,
        questions=row.questions,
        minutes=row.minutes / 100,
        article_id=row.article_id or None,
        locale=row.locale or None,
        published_at=render.time(row.published_at) if row.published_at else None,
        before=row.before / 100 if measured else None,
        after=row.after / 100 if measured else None,
    )


# --- lessons ---


@blueprint.post("/conversations/<identifier:conversation_id>/lessons")
@needs("work_conversations")
@blueprint.output(s.Begun)
@blueprint.input(s.LessonIn)
def teach(conversation_id: str, json_data: s.LessonIn) -> s.Begun:
    """Say which article answered a customer, or what it should say; it counts after an editor's yes"""
    by = the_agent()
    the_hub().store.write(
        lambda tx: lessons.propose(
            tx,
            conversation_id,
            json_data.message_id,
            article_id=json_data.article_id or "",
            locale=json_data.locale,
            answer=json_data.answer,
            by=by,
        )
    )
    return s.Begun(article_id=json_data.article_id or "", locale=json_data.locale)


@blueprint.get("/lessons")
@needs("edit_articles")
@blueprint.output(s.Lessons)
@blueprint.input(s.LessonsQuery, location="query")
def list_lessons(query_data: s.LessonsQuery) -> s.Lessons:
    """What agents taught, newest first"""
    with the_hub().store.read() as connection:
        rows = lesson_queries.in_state(connection, query_data.state)
    return s.Lessons(
        items=[
            s.LessonOut(
                id=row.id,
                state=row.state,
                conversation_id=row.conversation_id,
                text=row.text,
                article_id=row.article_id or None,
                locale=row.locale,
                title=row.title or "",
                answer=row.answer,
                created_at=render.time(row.created_at),
            )
            for row in rows
        ]
    )


@blueprint.post("/lessons/<identifier:lesson_id>/accept")
@needs("edit_articles")
@blueprint.output(s.Begun)
def accept_lesson(lesson_id: str) -> s.Begun:
    """The article is found by these words from now on; an answer that no article has begins a draft"""
    by = the_agent()
    article_id = the_hub().store.write(lambda tx: lessons.decide(tx, lesson_id, accept=True, by=by))
    with the_hub().store.read() as connection:
        row = lesson_queries.one(connection, lesson_id)
    return s.Begun(article_id=article_id, locale=row.locale)


@blueprint.post("/lessons/<identifier:lesson_id>/decline")
@needs("edit_articles")
@blueprint.output(shapes.Done)
def decline_lesson(lesson_id: str) -> shapes.Done:
    """It does not count"""
    by = the_agent()
    the_hub().store.write(lambda tx: lessons.decide(tx, lesson_id, accept=False, by=by))
    return shapes.Done()


# --- cases ---


@blueprint.get("/case-bases")
@needs("read_articles")
@blueprint.output(s.CaseBases)
def list_case_bases() -> s.CaseBases:
    """What guided troubleshooting asks and offers"""
    with the_hub().store.read() as connection:
        found = case_queries.bases(connection)
    return s.CaseBases(items=[_base(each) for each in found])


@blueprint.put("/case-bases/<identifier:base_id>")
@needs("edit_articles")
@blueprint.output(s.CaseBaseOut)
@blueprint.input(s.CaseBaseIn)
def save_case_base(base_id: str, json_data: s.CaseBaseIn) -> s.CaseBaseOut:
    """Write a case base anew, or another one"""
    document = json.dumps({**json_data.model_dump(), "id": base_id}, ensure_ascii=False)
    the_hub().store.write(lambda tx: cases.save_base(tx, document))
    with the_hub().store.read() as connection:
        return next(_base(each) for each in case_queries.bases(connection) if each.id == base_id)


@blueprint.get("/cases")
@needs("edit_articles")
@blueprint.output(s.Cases)
@blueprint.input(s.CasesQuery, location="query")
def list_cases(query_data: s.CasesQuery) -> s.Cases:
    """Cases that conversations or editors brought, newest first"""
    with the_hub().store.read() as connection:
        rows = case_queries.solved(connection, query_data.state)
    return s.Cases(items=[_case(row) for row in rows])


@blueprint.post("/cases")
@needs("edit_articles")
@blueprint.output(s.CaseOut)
@blueprint.input(s.CaseIn)
def write_case(json_data: s.CaseIn) -> s.CaseOut:
    """Write a case; it counts at once"""
    by = the_agent()
    case = Case("", json_data.solution, json_data.answers, json_data.told, json_data.language)
    case_id = the_hub().store.write(lambda tx: cases.add_case(tx, json_data.base_id, case, by))
    return _one_case(case_id)


@blueprint.post("/cases/<identifier:case_id>/accept")
@needs("edit_articles")
@blueprint.output(s.CaseOut)
def accept_case(case_id: str) -> s.CaseOut:
    """A solved conversation counts as a case"""
    return _decided(case_id, accept=True)


@blueprint.post("/cases/<identifier:case_id>/decline")
@needs("edit_articles")
@blueprint.output(s.CaseOut)
def decline_case(case_id: str) -> s.CaseOut:
    """It does not count, or no longer"""
    return _decided(case_id, accept=False)


def _decided(case_id: str, *, accept: bool) -> s.CaseOut:
    by = the_agent()
    the_hub().store.write(lambda tx: cases.decide(tx, case_id, accept=accept, by=by))
    return _one_case(case_id)


def _one_case(case_id: str) -> s.CaseOut:
    with the_hub().store.read() as connection:
        return _case(case_queries.one(connection, case_id))


def _case(row: Any) -> s.CaseOut:
    return s.CaseOut(
        id=row.id,
        base_id=row.base_id,
        solution=row.solution,
        answers=json.loads(row.answers),
        told=row.text,
        language=row.language,
        state=row.state,
        conversation_id=row.conversation_id or None,
    )


def _base(base: CaseBase) -> s.CaseBaseOut:
    return s.CaseBaseOut(
        id=base.id,
        title=s.Words.model_validate(base.title),
        questions=[_question(each) for each in base.questions.values()],
        solutions=[s.CaseSolution.model_validate(asdict(each)) for each in base.solutions.values()],
        cases=len(base.cases),
    )


def _question(question: reasoning.Question) -> s.CaseQuestion:
    return s.CaseQuestion.model_validate(asdict(question))


# --- troubleshooting and help in a conversation ---


@blueprint.get("/conversations/<identifier:conversation_id>/guide")
@needs("read_conversations")
@blueprint.output(s.GuideOut)
def get_guide(conversation_id: str) -> s.GuideOut:
    """How far troubleshooting has come, the next best question, and what may be the solution"""
    hub, known = the_hub(), _known()
    with hub.store.read() as connection:
        guide, reasoners = cases.stored(connection, conversation_id), known.reasoners(connection)
    state = guide.state if guide else "none"
    if guide is None:
        asked = assist.help_with(hub, conversation_id).question
        guide = cases.begin(hub, known, reasoners, conversation_id, asked)
    if guide is None or guide.base_id not in reasoners:
        return s.GuideOut(base_id="", state="none", answers={}, ask=None, standing=[], kind="give_up")
    return _guide(guide, state, reasoners[guide.base_id])


@blueprint.put("/conversations/<identifier:conversation_id>/guide")
@needs("work_conversations")
@blueprint.output(s.GuideOut)
@blueprint.input(s.GuideIn)
def set_guide(conversation_id: str, json_data: s.GuideIn) -> s.GuideOut:
    """Say what the customer answered, or what helped"""
    hub, known = the_hub(), _known()
    told = assist.help_with(hub, conversation_id).question
    guide = cases.by_agent(
        hub,
        known,
        conversation_id,
        told=told,
        base_id=json_data.base_id,
        answers=json_data.answers,
        solution=json_data.solution or "",
    )
    hub.store.write(lambda tx: cases.keep(tx, guide))
    with hub.store.read() as connection:
        return _guide(guide, guide.state, known.reasoners(connection)[guide.base_id])


def _known() -> cases.Cases:
    """The case bases as this process has read them."""
    found: cases.Cases = current_app.extensions.setdefault("cases", cases.Cases())
    return found


def _guide(guide: Guide, state: str, reasoner: Reasoner) -> s.GuideOut:
    base = reasoner.base
    alike = _known().likeness(the_hub(), guide.told, base.cases)
    step = reasoner.step(Known(guide.answers, alike, guide.excluded))
    told = {case.id: case.told for case in base.cases}
    asked = None
    if step.ask is not None and state != "solved":
        why = {language: reasoning.why(base, step.ask, language) for language in reasoning.LANGUAGES}
        asked = s.AskedOut(question=_question(base.questions[step.ask.question]), why=s.Words.model_validate(why))
    return s.GuideOut.model_validate(
        {
            "base_id": base.id,
            "state": state,
            "answers": dict(guide.answers),
            "ask": asked,
            "kind": step.kind,
            "standing": [
                {
                    "solution": each.solution,
                    "title": base.solutions[each.solution].title,
                    "text": base.solutions[each.solution].text,
                    "probability": round(each.probability, 4),
                    "nearest": told.get(each.nearest, ""),
                }
                for each in step.standing[:3]
            ],
        }
    )


@blueprint.get("/conversations/<identifier:conversation_id>/assist")
@needs("read_conversations")
@blueprint.output(s.HelpOut)
def get_help(conversation_id: str) -> s.HelpOut:
    """Answers with their source, solved conversations like this one, and a summary"""
    return s.HelpOut.model_validate(_help(assist.help_with(the_hub(), conversation_id)))


def _help(found: assist.Help) -> dict[str, Any]:
    data = asdict(found)
    for each in data["suggested"]:
        each.pop("score")
    return data


@blueprint.post("/conversations/<identifier:conversation_id>/assist/draft")
@needs("work_conversations")
@blueprint.output(s.DraftOut)
def draft(conversation_id: str) -> s.DraftOut:
    """A language model's draft with its sources, for the agent alone; off unless the installation has set one"""
    return s.DraftOut.model_validate(asdict(assist.draft(the_hub(), conversation_id)))
