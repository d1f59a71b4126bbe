"""Articles as editors left them, where that is not what is public."""

from __future__ import annotations

from sqlalchemy import Connection, select

from hub.domain.knowledge import ArticleText
from hub.store import tables as t

# What is public as it stands, or on purpose is not.
_SETTLED = ("published", "withdrawn", "archived", "expired")


def unpublished(connection: Connection) -> list[ArticleText]:
    """What would be published next: drafts, and changes of what is public. Version 0 says that none of it is."""
    a, s = t.article.c, t.article_stream.c
    statement = (
        select(a.article_id, a.locale, a.title, a.body)
        .join(t.article_stream, s.article_id == a.article_id)
        .where(a.state.not_in(_SETTLED), s.internal == 0)
    )
    rows = connection.execute(statement.order_by(a.article_id, a.locale))
    return [ArticleText(row.article_id, 0, row.locale, row.title, row.body) for row in rows]
