"""What agents taught."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, desc, select

from hub.store import tables as t

_l, _m = t.lesson.c, t.message.c


def one(connection: Connection, lesson_id: str) -> Any:
    """The row of a lesson; None where there is none."""
    return connection.execute(select(t.lesson).where(_l.id == lesson_id)).one_or_none()


def in_state(connection: Connection, state: str, limit: int = 200) -> list[Any]:
    """Rows of lessons with the customer's words (`text`) and the article's title, the newest first."""
    a = t.article.c
    joined = t.lesson.join(t.message, _m.id == _l.message_id).outerjoin(
        t.article, (a.article_id == _l.article_id) & (a.locale == _l.locale)
    )
    statement = select(t.lesson, _m.text.label("text"), a.title.label("title")).select_from(joined)
    return list(connection.execute(statement.where(_l.state == state).order_by(desc(_l.created_at)).limit(limit)).all())


def same(connection: Connection, message_id: str, article_id: str) -> Any:
    """The row of the lesson that this article answers this message; None where nobody said so."""
    statement = select(t.lesson).where(_l.message_id == message_id, _l.article_id == article_id, _l.state != "declined")
    return connection.execute(statement).first()
