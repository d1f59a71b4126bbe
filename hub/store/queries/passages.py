"""Articles as the knowledge base reads them, and the passages it makes of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Connection, LargeBinary, delete, exists, func, insert, literal, select, union

from hub.domain.knowledge import ArticleText, Passage
from hub.store import tables as t
from hub.store.prepared import Among
from hub.store.queries import vectors
from hub.store.unit_of_work import Tx

_p = t.passage.c
_COLUMNS = (_p.article_id, _p.version, _p.locale, _p.ordinal, _p.title, _p.text, _p.model_id, _p.vectors)


def published(connection: Connection, article_id: str) -> list[ArticleText]:
    """The published version of an article in each locale; none where only the firm reads it."""
    a, v, s = t.article.c, t.article_version.c, t.article_stream.c
    statement = (
        select(v.article_id, v.version, v.locale, v.title, v.body)
        .join(t.article, (a.article_id == v.article_id) & (a.locale == v.locale) & (a.version == v.version))
        .join(t.article_stream, s.article_id == a.article_id)
        .where(a.article_id == article_id, a.version > 0, s.internal == 0)
        .order_by(v.locale)
    )
    taught = _phrasings(connection, article_id)
    return [ArticleText(*row, phrasings=taught.get(row.locale, ())) for row in connection.execute(statement)]


def _phrasings(connection: Connection, article_id: str) -> dict[str, tuple[str, ...]]:
    """Customers' own words that an editor accepted for an article, by locale; what was erased teaches no more."""
    n, m = t.lesson.c, t.message.c
    statement = select(n.locale, m.text).join(t.message, m.id == n.message_id)
    found: dict[str, list[str]] = {}
    for locale, text in connection.execute(
        statement.where(n.article_id == article_id, n.state == "accepted", m.text != "").order_by(n.decided_at, n.id)
    ):
        found.setdefault(locale, []).append(text)
    return {locale: tuple(dict.fromkeys(texts)) for locale, texts in found.items()}


# Asked with each answer that a customer waits for.
_PUBLIC = Among(
    lambda keys: (
        select(t.article.c.article_id, t.article.c.locale)
        .join(t.article_stream, t.article_stream.c.article_id == t.article.c.article_id)
        .where(t.article.c.article_id.in_(keys), t.article.c.version > 0, t.article_stream.c.internal == 0)
    )
)


def readable(connection: Connection, wanted: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (article, locale) customers may read now."""
    rows = _PUBLIC.all(connection, sorted({article_id for article_id, _ in wanted}))
    return {(row.article_id, row.locale) for row in rows} & set(wanted)


def lock(tx: Tx, article_id: str) -> None:
    """Holds an article's stream until the end of the transaction: nobody publishes it meanwhile."""
    if tx.postgres:
        mine = t.article_stream.c.article_id == article_id
        tx.connection.execute(select(t.article_stream.c.article_id).where(mine).with_for_update())


def out_of_step(connection: Connection, model_id: str) -> list[str]:
    """Articles with a published locale that has no passages of this model, or with passages of a text that is not
    public any more."""
    a = t.article.c
    same = (_p.article_id == a.article_id) & (_p.locale == a.locale) & (_p.version == a.version)
    s = t.article_stream.c
    public = (a.version > 0) & exists().where(s.article_id == a.article_id, s.internal == 0)
    missing = select(a.article_id).where(public, ~exists().where(same, _p.model_id == model_id))
    left_over = select(_p.article_id).where(_p.model_id == model_id, ~exists().where(same, public))
    return sorted(connection.execute(union(missing, left_over)).scalars())


def replace(tx: Tx, article_id: str, model_id: str, passages: Iterable[Passage]) -> None:
    """Swaps an article's passages of one model."""
    tx.connection.execute(delete(t.passage).where(_p.article_id == article_id, _p.model_id == model_id))
    rows = [
        {
            "article_id": each.article_id,
            "version": each.version,
            "locale": each.locale,
            "ordinal": each.ordinal,
            "title": each.title,
            "text": each.text,
            "model_id": each.model_id,
            "vectors": each.vectors,
        }
        for each in passages
    ]
    if rows:
        tx.connection.execute(insert(t.passage), rows)
    if tx.postgres and vectors.is_there(tx.connection):
        vectors.take_in(tx.connection, [article_id], model_id)


def of_article(connection: Connection, article_id: str, model_id: str) -> tuple[Passage, ...]:
    """An article's passages of one model."""
    statement = select(*_COLUMNS).where(_p.article_id == article_id, _p.model_id == model_id)
    return tuple(Passage(*row) for row in connection.execute(statement.order_by(_p.locale, _p.ordinal)))


def number(connection: Connection, model_id: str) -> int:
    """How many passages of a model there are."""
    return int(connection.execute(select(func.count()).where(_p.model_id == model_id)).scalar_one())


def every(connection: Connection, model_id: str, *, whole: bool = True) -> Iterator[Passage]:
    """All passages of one model; without their vectors unless they are to be `whole`."""
    columns = _COLUMNS if whole else (*_COLUMNS[:-1], literal(b"", LargeBinary).label("vectors"))
    statement = select(*columns).where(_p.model_id == model_id)
    for row in connection.execute(statement.order_by(_p.article_id, _p.locale, _p.ordinal)):
        yield Passage(*row)
