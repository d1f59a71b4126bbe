"""Writing, publishing and withdrawing articles. What is public has a version; a draft has none."""

from __future__ import annotations

from hub.domain import events as e
from hub.domain.errors import Conflict, NotFound
from hub.store import tables as t
from hub.store.queries import articles
from hub.store.queries.articles import Article
from hub.store.unit_of_work import Tx


def create(tx: Tx, *, locale: str, title: str, body: str, by: e.Actor, article_id: str | None = None) -> str:
    """A new draft. Returns the article's id.

    `article_id` adds a locale to an article that is there. Raises Conflict when it has that locale already, NotFound
    when there is no such article.
    """
    if article_id is None:
        article_id = tx.new_id()
        tx.add(t.article_stream, {"article_id": article_id})
    elif not articles.has_stream(tx, article_id):
        raise NotFound(f"there is no article {article_id}")
    if articles.lock(tx, article_id, locale) is not None:
        raise Conflict(f"article {article_id} is there in {locale} already")
    _add(tx, article_id, locale, title, body, by)
    return article_id


def import_published(tx: Tx, article_id: str, *, locale: str, title: str, body: str, by: e.Actor) -> int:
    """Brings in an article from elsewhere under the id that it has there, and publishes it. Returns its version.

    Doing it again changes nothing; another text becomes the next version.
    """
    if not articles.has_stream(tx, article_id):
        tx.add(t.article_stream, {"article_id": article_id})
    if articles.lock(tx, article_id, locale) is None:
        _add(tx, article_id, locale, title, body, by)
    else:
        save(tx, article_id, locale=locale, title=title, body=body, by=by)
    return publish(tx, article_id, locale=locale, by=by)


def _add(tx: Tx, article_id: str, locale: str, title: str, body: str, by: e.Actor) -> None:
    values = {"title": title, "body": body, "updated_at": tx.now, "updated_by": by.id}
    tx.add(t.article, {"article_id": article_id, "locale": locale, "state": "draft"} | values)


def save(tx: Tx, article_id: str, *, locale: str, title: str, body: str, by: e.Actor) -> None:
    """Keeps what an editor wrote; what is public stays as it is. Raises NotFound."""
    before = _there(tx, article_id, locale)
    state = "changed" if before.version and (title, body) != (before.title, before.body) else before.state
    values = {"title": title, "body": body, "state": state, "updated_at": tx.now, "updated_by": by.id}
    tx.change(t.article, {"article_id": article_id, "locale": locale}, values)


def publish(tx: Tx, article_id: str, *, locale: str, by: e.Actor) -> int:
    """Makes the draft public as the next version. Returns its number.

    An unchanged article keeps its version. Raises NotFound.
    """
    draft = _there(tx, article_id, locale)
    if draft.state == "published":
        return draft.version
    version = articles.newest_version(tx, article_id, locale) + 1
    tx.add(
        t.article_version,
        {
            "article_id": article_id,
            "locale": locale,
            "version": version,
            "title": draft.title,
            "body": draft.body,
            "published_at": tx.now,
            "published_by": by.id,
        },
    )
    tx.change(
        t.article,
        {"article_id": article_id, "locale": locale},
        {"version": version, "state": "published", "updated_at": tx.now, "updated_by": by.id},
    )
    tx.record(article_id, e.ArticlePublished(locale, version), by)
    return version


def withdraw(tx: Tx, article_id: str, *, locale: str, by: e.Actor) -> None:
    """Takes an article out of the public's sight; its versions stay. Raises NotFound, Conflict where none is public."""
    before = _there(tx, article_id, locale)
    if not before.version:
        raise Conflict("this article is not public")
    tx.change(
        t.article,
        {"article_id": article_id, "locale": locale},
        {"version": 0, "state": "withdrawn", "updated_at": tx.now, "updated_by": by.id},
    )
    tx.record(article_id, e.ArticleWithdrawn(locale), by)


def _there(tx: Tx, article_id: str, locale: str) -> Article:
    found = articles.lock(tx, article_id, locale)
    if found is None:
        raise NotFound(f"there is no article {article_id} in {locale}")
    return found
