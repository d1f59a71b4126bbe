"""Articles as editors see them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, desc, func, insert, literal_column, or_, select, tuple_

from hub.domain.errors import NotFound, Refused
from hub.store import tables as t
from hub.store.unit_of_work import Tx

_a, _v, _s = t.article.c, t.article_version.c, t.article_stream.c
_COLUMNS = (
    *(_a.article_id, _a.locale, _a.title, _a.body, _a.html, _a.version, _a.state, _a.updated_at, _a.updated_by),
    *(_a.submitted_by, _a.approved_by, _a.review_note, _a.publish_at, _a.expires_at, _s.category_id, _s.internal),
)
_VERSION_COLUMNS = (_v.version, _v.title, _v.body, _v.html, _v.published_at, _v.published_by, _v.approved_by)


@dataclass(frozen=True, slots=True)
class Article:
    """An article in one locale, as its editor left it. `version` is the public one, 0: none. Times in microseconds, 0:
    never. `internal`: only the firm reads it, in every locale."""

    article_id: str
    locale: str
    title: str
    body: str
    html: str
    version: int
    state: str
    updated_at: int
    updated_by: str
    submitted_by: str
    approved_by: str
    review_note: str
    publish_at: int
    expires_at: int
    category_id: str
    internal: int


@dataclass(frozen=True, slots=True)
class Version:
    """A text that was published once. `published_at` in microseconds."""

    version: int
    title: str
    body: str
    html: str
    published_at: int
    published_by: str
    approved_by: str


@dataclass(frozen=True, slots=True)
class Category:
    """`names` by locale."""

    id: str
    names: Mapping[str, str]
    position: int


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the key to ask the following page with; None on the last one."""

    articles: tuple[Article, ...]
    next: str | None


def _articles() -> Select[Any]:
    return select(*_COLUMNS).join(t.article_stream, _s.article_id == _a.article_id)


def page(
    connection: Connection,
    *,
    query: str = "",
    locale: str | None = None,
    state: str | None = None,
    category_id: str | None = None,
    after: str = "",
    limit: int = 50,
) -> Page:
    """Articles, last edited first. `query` is looked for in titles and texts. What is archived is shown only where
    `state` asks for it. Raises Refused for a strange `after`."""
    conditions: list[ColumnElement[bool]] = [_a.state == state if state else _a.state != "archived"]
    if locale:
        conditions.append(_a.locale == locale)
    if category_id is not None:
        conditions.append(_s.category_id == category_id)
    if query.strip():
        wanted = query.strip()
        conditions.append(or_(_a.title.icontains(wanted, autoescape=True), _a.body.icontains(wanted, autoescape=True)))
    if after:
        conditions.append(tuple_(_a.updated_at, _a.article_id, _a.locale) < tuple_(*_key(after)))
    order = (desc(_a.updated_at), desc(_a.article_id), desc(_a.locale))
    rows = connection.execute(_articles().where(*conditions).order_by(*order).limit(limit + 1)).all()
    found = tuple(Article(*row) for row in rows[:limit])
    last = found[-1] if len(rows) > limit else None
    return Page(found, f"{last.updated_at}.{last.article_id}.{last.locale}" if last else None)


def _key(after: str) -> tuple[int, str, str]:
    parts = after.split(".")
    if len(parts) != 3 or not (parts[0].isascii() and parts[0].isdigit() and len(parts[0]) < 19):
        raise Refused("after", "must be a key that the page before gave")
    return int(parts[0]), parts[1], parts[2]


def every(connection: Connection) -> list[Article]:
    """All articles that are not archived, in every locale."""
    statement = _articles().where(_a.state != "archived").order_by(_a.article_id, _a.locale)
    return [Article(*row) for row in connection.execute(statement)]


def get(connection: Connection, article_id: str, locale: str) -> Article:
    """Raises NotFound."""
    row = connection.execute(_articles().where(_a.article_id == article_id, _a.locale == locale)).one_or_none()
    if row is None:
        raise NotFound(f"there is no article {article_id} in {locale}")
    return Article(*row)


def locales(connection: Connection, article_id: str) -> list[str]:
    """The locales that an article is written in."""
    return list(connection.execute(select(_a.locale).where(_a.article_id == article_id).order_by(_a.locale)).scalars())


def lock(tx: Tx, article_id: str, locale: str) -> Article | None:
    """An article as it stands, locked until the end of the transaction; None when there is none in this locale."""
    statement = _articles().where(_a.article_id == article_id, _a.locale == locale)
    if tx.postgres:
        statement = statement.with_for_update()
    row = tx.connection.execute(statement).one_or_none()
    return Article(*row) if row else None


def newest_version(tx: Tx, article_id: str, locale: str) -> int:
    """The number of the last version that was ever published; 0 when none was."""
    statement = select(func.max(_v.version)).where(_v.article_id == article_id, _v.locale == locale)
    return tx.connection.execute(statement).scalar_one() or 0


def versions(connection: Connection, article_id: str, locale: str) -> list[Version]:
    """What was published, the newest first."""
    mine = (_v.article_id == article_id) & (_v.locale == locale)
    rows = connection.execute(select(*_VERSION_COLUMNS).where(mine).order_by(desc(_v.version)))
    return [Version(*row) for row in rows]


def version(connection: Connection, article_id: str, locale: str, number: int) -> Version:
    """Raises NotFound."""
    mine = (_v.article_id == article_id) & (_v.locale == locale) & (_v.version == number)
    row = connection.execute(select(*_VERSION_COLUMNS).where(mine)).one_or_none()
    if row is None:
        raise NotFound(f"there is no version {number} of article {article_id} in {locale}")
    return Version(*row)


def has_stream(tx: Tx, article_id: str) -> bool:
    """Whether the article's events are numbered already."""
    return tx.connection.execute(select(_s.article_id).where(_s.article_id == article_id)).first() is not None


def is_internal(tx: Tx, article_id: str) -> bool:
    """Whether only the firm reads it. Raises NotFound."""
    row = tx.connection.execute(select(_s.internal).where(_s.article_id == article_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no article {article_id}")
    return bool(row[0])


def due(connection: Connection, now: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(article, locale) of those to be published now, and of those whose time is over."""
    # Written out as in the indexes that have few rows: SQLite takes them for no other words.
    publish = select(_a.article_id, _a.locale).where(_a.publish_at > literal_column("0"), _a.publish_at <= now)
    expire = select(_a.article_id, _a.locale).where(_a.expires_at > literal_column("0"), _a.expires_at <= now)
    return (
        [(row[0], row[1]) for row in connection.execute(publish)],
        [(row[0], row[1]) for row in connection.execute(expire)],
    )


# --- categories -------------------------------------------------------------------------------------------------------


def categories(connection: Connection) -> list[Category]:
    """In the order in which they are shown."""
    c = t.article_category.c
    rows = connection.execute(select(c.id, c.names, c.position).order_by(c.position, c.id))
    return [Category(row.id, json.loads(row.names), row.position) for row in rows]


def has_category(tx: Tx, category_id: str) -> bool:
    c = t.article_category.c
    return tx.connection.execute(select(c.id).where(c.id == category_id)).first() is not None


# --- pictures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Image:
    """A picture's name, type and size in bytes."""

    id: str
    name: str
    media_type: str
    size: int


def image(connection: Connection, image_id: str) -> Image | None:
    i = t.article_image.c
    row = connection.execute(select(i.id, i.name, i.media_type, i.size).where(i.id == image_id)).one_or_none()
    return Image(*row) if row else None


def is_public_image(connection: Connection, image_id: str) -> bool:
    """Whether a text that customers may read now shows the picture."""
    u = t.article_version_image.c
    statement = (
        select(u.image_id)
        .join(t.article, (_a.article_id == u.article_id) & (_a.locale == u.locale) & (_a.version == u.version))
        .join(t.article_stream, _s.article_id == u.article_id)
        .where(u.image_id == image_id, _a.version > 0, _s.internal == 0)
    )
    return connection.execute(statement.limit(1)).first() is not None


def add_images(tx: Tx, article_id: str, locale: str, number: int, image_ids: Iterable[str]) -> None:
    """Writes down which pictures a version shows."""
    rows = [
        {"article_id": article_id, "locale": locale, "version": number, "image_id": image_id} for image_id in image_ids
    ]
    if rows:
        tx.connection.execute(insert(t.article_version_image), rows)
