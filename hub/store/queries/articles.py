"""Articles as editors see them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, desc, func, or_, select, tuple_

from hub.domain.errors import NotFound, Refused
from hub.store import tables as t
from hub.store.unit_of_work import Tx

_a = t.article.c
_COLUMNS = (_a.article_id, _a.locale, _a.title, _a.body, _a.version, _a.state, _a.updated_at)


@dataclass(frozen=True, slots=True)
class Article:
    """An article in one locale, as its editor left it. `version` is the public one, 0: none. Times in microseconds."""

    article_id: str
    locale: str
    title: str
    body: str
    version: int
    state: str
    updated_at: int


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the key to ask the following page with; None on the last one."""

    articles: tuple[Article, ...]
    next: str | None


def page(
    connection: Connection, *, query: str = "", locale: str | None = None, after: str = "", limit: int = 50
) -> Page:
    """Articles, last edited first. `query` is looked for in titles and texts. Raises Refused for a strange `after`."""
    conditions: list[ColumnElement[bool]] = []
    if locale:
        conditions.append(_a.locale == locale)
    if query.strip():
        wanted = query.strip()
        conditions.append(or_(_a.title.icontains(wanted, autoescape=True), _a.body.icontains(wanted, autoescape=True)))
    if after:
        conditions.append(tuple_(_a.updated_at, _a.article_id, _a.locale) < tuple_(*_key(after)))
    order = (desc(_a.updated_at), desc(_a.article_id), desc(_a.locale))
    rows = connection.execute(select(*_COLUMNS).where(*conditions).order_by(*order).limit(limit + 1)).all()
    found = tuple(Article(*row) for row in rows[:limit])
    last = found[-1] if len(rows) > limit else None
    return Page(found, f"{last.updated_at}.{last.article_id}.{last.locale}" if last else None)


def _key(after: str) -> tuple[int, str, str]:
    parts = after.split(".")
    if len(parts) != 3 or not (parts[0].isascii() and parts[0].isdigit() and len(parts[0]) < 19):
        raise Refused("after", "must be a key that the page before gave")
    return int(parts[0]), parts[1], parts[2]


def get(connection: Connection, article_id: str, locale: str) -> Article:
    """Raises NotFound."""
    mine = (_a.article_id == article_id) & (_a.locale == locale)
    row = connection.execute(select(*_COLUMNS).where(mine)).one_or_none()
    if row is None:
        raise NotFound(f"there is no article {article_id} in {locale}")
    return Article(*row)


def lock(tx: Tx, article_id: str, locale: str) -> Article | None:
    """An article as it stands, locked until the end of the transaction; None when there is none in this locale."""
    statement = select(*_COLUMNS).where(_a.article_id == article_id, _a.locale == locale)
    if tx.postgres:
        statement = statement.with_for_update()
    row = tx.connection.execute(statement).one_or_none()
    return Article(*row) if row else None


def newest_version(tx: Tx, article_id: str, locale: str) -> int:
    """The number of the last version that was ever published; 0 when none was."""
    v = t.article_version.c
    statement = select(func.max(v.version)).where(v.article_id == article_id, v.locale == locale)
    return tx.connection.execute(statement).scalar_one() or 0


def has_stream(tx: Tx, article_id: str) -> bool:
    """Whether the article's events are numbered already."""
    s = t.article_stream.c
    return tx.connection.execute(select(s.article_id).where(s.article_id == article_id)).first() is not None
