"""Gaps, their questions, and the articles written for them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, desc, func, select

from hub.store import tables as t

_g, _q = t.gap.c, t.gap_question.c


def every(connection: Connection, limit: int = 200) -> list[Any]:
    """Rows of the gaps that nobody dismissed, what costs most first."""
    statement = select(t.gap).where(_g.state != "dismissed").order_by(desc(_g.minutes), _g.id).limit(limit)
    return list(connection.execute(statement).all())


def one(connection: Connection, gap_id: str) -> Any:
    """The row of a gap; None where there is none."""
    return connection.execute(select(t.gap).where(_g.id == gap_id)).one_or_none()


def questions(connection: Connection, gap_id: str, limit: int = 100) -> list[Any]:
    """A gap's questions (with the message's text, the ticket number, the conversation's language), the newest first."""
    m, c = t.message.c, t.conversation.c
    statement = (
        select(t.gap_question, m.text, c.ticket_number, c.language)
        .join(t.message, m.id == _q.message_id)
        .join(t.conversation, c.id == _q.conversation_id)
        .where(_q.gap_id == gap_id)
        .order_by(desc(_q.at))
        .limit(limit)
    )
    return list(connection.execute(statement).all())


def is_behind(connection: Connection, gap_id: str, conversation_id: str) -> bool:
    """Whether a question of a gap was asked in a conversation."""
    statement = select(_q.message_id).where(_q.gap_id == gap_id, _q.conversation_id == conversation_id).limit(1)
    return connection.execute(statement).first() is not None


def by_message(connection: Connection) -> dict[str, str]:
    """The gap of each question that is in one."""
    return {row[0]: row[1] for row in connection.execute(select(_q.message_id, _q.gap_id))}


def published_at(connection: Connection, article_id: str) -> int:
    """When an article was first public; 0 where it is not."""
    v, a = t.article_version.c, t.article.c
    public = select(a.article_id).where(a.article_id == article_id, a.version > 0)
    if connection.execute(public).first() is None:
        return 0
    return connection.execute(select(func.min(v.published_at)).where(v.article_id == article_id)).scalar_one() or 0
