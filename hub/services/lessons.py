"""Agents teach: which article answers what a customer asked, or what it should say. An editor's yes makes it count: the
customer's words become a phrasing by which the article is found."""

from __future__ import annotations

from hub.domain import events as e
from hub.domain.errors import Conflict, NotFound, Refused
from hub.services import articles
from hub.store import tables as t
from hub.store.queries import articles as article_queries
from hub.store.queries import lessons, messages
from hub.store.unit_of_work import Tx


def propose(
    tx: Tx, conversation_id: str, message_id: str, *, article_id: str, locale: str, answer: str, by: e.Actor
) -> str:
    """An agent says what answers a message. The same said twice is one lesson. Returns its id.

    Args:
        tx: the transaction.
        conversation_id: where the message is.
        message_id: the customer's.
        article_id: what answers it; empty where no article does.
        locale: of the article, or of the answer.
        answer: what the article should say instead, or an answer that no article has; empty where it is right as it is.
        by: the agent.

    Raises:
        NotFound: no such message or article.
        Refused: neither article nor answer, or not a customer's message of this conversation.
    """
    message = messages.get(tx.connection, message_id)
    if message.conversation_id != conversation_id or message.kind != "incoming" or not message.text.strip():
        raise Refused("message_id", "must be a customer's message of this conversation that says something")
    if not article_id and not answer.strip():
        raise Refused("article_id", "must name an article unless there is an answer")
    if article_id:
        article_queries.get(tx.connection, article_id, locale)
        before = lessons.same(tx.connection, message_id, article_id)
        if before is not None and before.answer == answer:
            return str(before.id)
    lesson_id = tx.new_id()
    row = {
        "id": lesson_id,
        "conversation_id": conversation_id,
        "message_id": message_id,
        "article_id": article_id,
        "locale": locale,
        "answer": answer.strip(),
        "state": "proposed",
        "proposed_by": by.id,
        "created_at": tx.now,
    }
    tx.add(t.lesson, row)
    return lesson_id


def decide(tx: Tx, lesson_id: str, *, accept: bool, by: e.Actor) -> str:
    """An editor's yes or no. A yes to an answer that no article has begins a draft. Returns the article's id, empty
    where there is none. Raises NotFound, Conflict."""
    row = lessons.one(tx.connection, lesson_id)
    if row is None:
        raise NotFound(f"there is no lesson {lesson_id}")
    if row.state != "proposed":
        raise Conflict("somebody has decided on this already")
    article_id = str(row.article_id)
    if accept and not article_id:
        title = " ".join(messages.get(tx.connection, row.message_id).text.split())[:200] or "?"
        article_id = articles.create(tx, locale=row.locale, title=title, body=row.answer, by=by)
    values = {"state": "accepted" if accept else "declined", "decided_by": by.id, "decided_at": tx.now}
    tx.change(t.lesson, {"id": lesson_id}, values | {"article_id": article_id})
    if accept:
        tx.record(article_id, e.ArticleTaught(row.locale), by)
    return article_id
