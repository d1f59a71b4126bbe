"""What the public may read: published versions of articles that are not internal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, desc, func, or_, select

from hub.store import tables as t

_a, _v, _s = t.article.c, t.article_version.c, t.article_stream.c


@dataclass(frozen=True, slots=True)
class Entry:
    """A public article in a list. `published_at` in microseconds."""

    article_id: str
    locale: str
    title: str
    start: str
    published_at: int
    category_id: str


@dataclass(frozen=True, slots=True)
class PublicArticle:
    """A public article as it is read. `html` is empty where it came as plain text."""

    article_id: str
    locale: str
    version: int
    title: str
    body: str
    html: str
    published_at: int
    category_id: str


def _public(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(t.article)
        .join(
            t.article_version, (_a.article_id == _v.article_id) & (_a.locale == _v.locale) & (_a.version == _v.version)
        )
        .join(t.article_stream, _s.article_id == _a.article_id)
        .where(_a.version > 0, _s.internal == 0)
    )


def _entries() -> Select[Any]:
    start = func.substr(_v.body, 1, 240)
    return _public(_v.article_id, _v.locale, _v.title, start, _v.published_at, _s.category_id)


def article(connection: Connection, article_id: str, locale: str) -> PublicArticle | None:
    """None where there is none that the public may read."""
    columns = (_v.article_id, _v.locale, _v.version, _v.title, _v.body, _v.html, _v.published_at, _s.category_id)
    row = connection.execute(_public(*columns).where(_a.article_id == article_id, _a.locale == locale)).one_or_none()
    return PublicArticle(*row) if row else None


def locales(connection: Connection, article_id: str) -> list[str]:
    """In which the public may read an article."""
    statement = _public(_a.locale).where(_a.article_id == article_id).order_by(_a.locale)
    return list(connection.execute(statement).scalars())


def counts(connection: Connection, locale: str) -> dict[str, int]:
    """How many public articles each category has; under the empty name those without one."""
    statement = _public(_s.category_id, func.count()).where(_a.locale == locale).group_by(_s.category_id)
    return {row[0]: row[1] for row in connection.execute(statement)}


def in_category(connection: Connection, category_id: str, locale: str, limit: int = 500) -> list[Entry]:
    """By title."""
    statement = _entries().where(_a.locale == locale, _s.category_id == category_id)
    return [Entry(*row) for row in connection.execute(statement.order_by(_v.title).limit(limit))]


def newest(connection: Connection, locale: str, limit: int) -> list[Entry]:
    """Published last."""
    statement = _entries().where(_a.locale == locale).order_by(desc(_v.published_at), _v.article_id)
    return [Entry(*row) for row in connection.execute(statement.limit(limit))]


def named(connection: Connection, article_ids: Collection[str], locale: str) -> list[Entry]:
    """Those of these articles that the public may read in a locale, in the order of `article_ids`."""
    statement = _entries().where(_a.article_id.in_(list(article_ids)), _a.locale == locale)
    found = {row[0]: Entry(*row) for row in connection.execute(statement)}
    return [found[each] for each in article_ids if each in found]


def with_words(connection: Connection, text: str, locale: str, limit: int) -> list[Entry]:
    """By words alone, for the time while there is no better search."""
    words = [word for word in text.split() if len(word) > 2][:8] or [text.strip()]
    matches = [
        or_(_v.title.icontains(word, autoescape=True), _v.body.icontains(word, autoescape=True)) for word in words
    ]
    statement = _entries().where(_a.locale == locale, or_(*matches)).order_by(_v.title).limit(200)
    found = [Entry(*row) for row in connection.execute(statement)]

    def hits(entry: Entry) -> int:
        title = entry.title.casefold()
        return sum(word.casefold() in title for word in words)

    return sorted(found, key=lambda each: (-hits(each), each.title))[:limit]


def every(connection: Connection) -> list[Entry]:
    """All that is public, by article and locale."""
    return [Entry(*row) for row in connection.execute(_entries().order_by(_v.article_id, _v.locale).limit(45_000))]
