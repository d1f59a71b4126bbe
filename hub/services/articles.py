"""Writing, reviewing, publishing and withdrawing articles. What is public has a version; a draft has none.

`hub.domain.articles` says which step may follow which.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hub.domain import articles as rules
from hub.domain import events as e
from hub.domain.errors import Conflict, Forbidden, NotFound, Refused
from hub.services import article_html
from hub.store import tables as t
from hub.store.queries import articles
from hub.store.queries.articles import Article
from hub.store.unit_of_work import Tx


def create(
    tx: Tx, *, locale: str, title: str, body: str = "", html: str = "", by: e.Actor, article_id: str | None = None
) -> str:
    """A new draft. Returns the article's id.

    Args:
        tx: the transaction.
        locale: ISO 639-1.
        title: of one line.
        body: plain text; where `html` is given, that counts instead.
        html: of an editor or another program; it is cleaned here.
        by: who writes.
        article_id: adds a locale to an article that is there.

    Raises:
        Conflict: the article has that locale already.
        NotFound: there is no such article.
        Refused: there is nothing to read in it.
    """
    if article_id is None:
        article_id = tx.new_id()
        tx.add(t.article_stream, {"article_id": article_id})
    elif not articles.has_stream(tx, article_id):
        raise NotFound(f"there is no article {article_id}")
    if articles.lock(tx, article_id, locale) is not None:
        raise Conflict(f"article {article_id} is there in {locale} already")
    _add(tx, article_id, locale, title, body, html, by)
    return article_id


def import_published(
    tx: Tx, article_id: str, *, locale: str, title: str, body: str = "", html: str = "", by: e.Actor
) -> int:
    """Brings in an article from elsewhere under the id that it has there, and publishes it. Returns its version.

    Doing it again changes nothing; another text becomes the next version. Whoever runs this machine does it: nobody
    reviews it here.
    """
    bring(tx, article_id, locale=locale, title=title, body=body, html=html, by=by)
    return publish(tx, article_id, locale=locale, by=by, reviewed=False)


def bring(tx: Tx, article_id: str, *, locale: str, title: str, body: str = "", html: str = "", by: e.Actor) -> bool:
    """Brings in a draft from elsewhere under the id that it has there. Returns whether anything changed.

    Raises:
        Conflict: it is archived here.
        Refused: there is nothing to read in it.
    """
    if not articles.has_stream(tx, article_id):
        tx.add(t.article_stream, {"article_id": article_id})
    before = articles.lock(tx, article_id, locale)
    if before is None:
        _add(tx, article_id, locale, title, body, html, by)
        return True
    return save(tx, article_id, locale=locale, title=title, body=body, html=html, by=by)


def _text(title: str, body: str, html: str) -> dict[str, str]:
    if html:
        cleaned = article_html.clean(html)
        return {"title": title, "body": cleaned.text, "html": cleaned.html}
    if not body.strip():
        raise Refused("body", "must hold text, or html must")
    return {"title": title, "body": body, "html": ""}


def _layout(html: str, body: str) -> str:
    return article_html.layout(html or article_html.from_text(body))


def _add(tx: Tx, article_id: str, locale: str, title: str, body: str, html: str, by: e.Actor) -> None:
    values = {**_text(title, body, html), "updated_at": tx.now, "updated_by": by.id, "state": "draft"}
    tx.add(t.article, {"article_id": article_id, "locale": locale} | values)


def save(tx: Tx, article_id: str, *, locale: str, title: str, body: str = "", html: str = "", by: e.Actor) -> bool:
    """Keeps what an editor wrote; what is public stays as it is. Returns whether it is another text than before: other
    blanks between blocks, or plain text that comes as HTML, are not.

    What was in review, approved or scheduled is a draft again: nobody has approved this text.

    Raises:
        NotFound: there is no such article.
        Conflict: it is archived.
        Refused: there is nothing to read in it.
    """
    before = _there(tx, article_id, locale)
    rules.require("save", before.state)
    text = _text(title, body, html)
    if before.title == text["title"] and _layout(before.html, before.body) == _layout(text["html"], text["body"]):
        return False
    state = rules.after_edit(before.state, public=bool(before.version))
    approved = {"approved_by": "", "submitted_by": "", "publish_at": 0}
    _change(tx, before, {**text, **approved, "state": state, "updated_at": tx.now, "updated_by": by.id})
    return True


def submit(tx: Tx, article_id: str, *, locale: str, by: e.Actor) -> None:
    """Asks for a review. Raises NotFound, Conflict."""
    before = _there(tx, article_id, locale)
    rules.require("submit", before.state)
    _step(tx, before, "review", by, {"submitted_by": by.id, "approved_by": "", "review_note": ""})


def approve(tx: Tx, article_id: str, *, locale: str, by: e.Actor) -> None:
    """Somebody else has read it and finds it right.

    Raises:
        NotFound: there is no such article.
        Conflict: nobody has asked for a review.
        Forbidden: whoever wrote it last or asked for the review cannot approve it.
    """
    before = _there(tx, article_id, locale)
    rules.require("approve", before.state)
    if by.id in (before.updated_by, before.submitted_by):
        raise Forbidden("another person than its writer must approve an article")
    _step(tx, before, "approved", by, {"approved_by": by.id, "review_note": ""})


def send_back(tx: Tx, article_id: str, *, locale: str, note: str, by: e.Actor) -> None:
    """It needs more work; `note` says which. Raises NotFound, Conflict."""
    before = _there(tx, article_id, locale)
    rules.require("send_back", before.state)
    state = "changed" if before.version else "draft"
    _step(tx, before, state, by, {"approved_by": "", "review_note": note})


def publish(tx: Tx, article_id: str, *, locale: str, by: e.Actor, reviewed: bool = True) -> int:
    """Makes the draft public as the next version. Returns its number.

    An unchanged article keeps its version. `reviewed`: only what another person has approved.

    Raises:
        NotFound: there is no such article.
        Conflict: it may not be published from where it is.
    """
    draft = _there(tx, article_id, locale)
    if draft.state == "published":
        return draft.version
    rules.require("publish", draft.state, reviewed=reviewed)
    version = articles.newest_version(tx, article_id, locale) + 1
    tx.add(
        t.article_version,
        {
            "article_id": article_id,
            "locale": locale,
            "version": version,
            "title": draft.title,
            "body": draft.body,
            "html": draft.html,
            "published_at": tx.now,
            "published_by": by.id,
            "approved_by": draft.approved_by,
        },
    )
    articles.add_images(tx, article_id, locale, version, article_html.images_in(draft.html))
    _change(tx, draft, {"version": version, "state": "published", "publish_at": 0, "review_note": ""})
    tx.record(article_id, e.ArticlePublished(locale, version), by)
    return version


def schedule(tx: Tx, article_id: str, *, locale: str, at: int, by: e.Actor, reviewed: bool = True) -> None:
    """Goes out by itself at a time (microseconds). Raises NotFound, Conflict; Refused where that is over."""
    before = _there(tx, article_id, locale)
    rules.require("schedule", before.state, reviewed=reviewed)
    if at <= tx.now:
        raise Refused("at", "must be in the future")
    _step(tx, before, "scheduled", by, {"publish_at": at})


def unschedule(tx: Tx, article_id: str, *, locale: str, by: e.Actor) -> None:
    """It waits again until somebody publishes it. Raises NotFound, Conflict."""
    before = _there(tx, article_id, locale)
    rules.require("unschedule", before.state)
    _step(tx, before, "approved" if before.approved_by else rules.after_edit("draft", public=bool(before.version)), by,
          {"publish_at": 0})  # fmt: skip


def set_expiry(tx: Tx, article_id: str, *, locale: str, at: int) -> None:
    """From this time on (microseconds; 0: never) the public does not see it any more. Raises NotFound, Refused."""
    before = _there(tx, article_id, locale)
    if at and at <= tx.now:
        raise Refused("expires_at", "must be in the future")
    _change(tx, before, {"expires_at": at})


def withdraw(tx: Tx, article_id: str, *, locale: str, by: e.Actor) -> None:
    """Takes an article out of the public's sight; its versions stay. Raises NotFound, Conflict where none is public."""
    before = _there(tx, article_id, locale)
    if not before.version:
        raise Conflict("this article is not public")
    _take_out(tx, before, "withdrawn", by)


def publish_due(tx: Tx, article_id: str, locale: str) -> None:
    """What the sweeper does when a scheduled article's time has come; conditional, as several may sweep."""
    draft = _there(tx, article_id, locale)
    if draft.state == "scheduled" and 0 < draft.publish_at <= tx.now:
        publish(tx, article_id, locale=locale, by=e.SYSTEM)


def expire_due(tx: Tx, article_id: str, locale: str) -> None:
    """What the sweeper does when an article's time is over."""
    before = _there(tx, article_id, locale)
    if not 0 < before.expires_at <= tx.now:
        return
    if before.version:
        _take_out(tx, before, "expired", e.SYSTEM)
    else:
        _change(tx, before, {"expires_at": 0})


def archive(tx: Tx, article_id: str, *, locale: str, by: e.Actor) -> None:
    """Out of everybody's way, and of the public's sight. Raises NotFound, Conflict."""
    before = _there(tx, article_id, locale)
    rules.require("archive", before.state)
    _take_out(tx, before, "archived", by)


def unarchive(tx: Tx, article_id: str, *, locale: str, by: e.Actor) -> None:
    """Back among the drafts. Raises NotFound, Conflict."""
    before = _there(tx, article_id, locale)
    rules.require("unarchive", before.state)
    state = "withdrawn" if articles.newest_version(tx, article_id, locale) else "draft"
    _step(tx, before, state, by, {})


def restore(tx: Tx, article_id: str, *, locale: str, version: int, by: e.Actor) -> None:
    """Makes the text of an earlier version the draft. Raises NotFound, Conflict."""
    old = articles.version(tx.connection, article_id, locale, version)
    before = _there(tx, article_id, locale)
    rules.require("save", before.state)
    text = {"title": old.title, "body": old.body, "html": old.html}
    if all(getattr(before, name) == value for name, value in text.items()):
        return
    state = rules.after_edit(before.state, public=bool(before.version))
    values: dict[str, Any] = {**text, "state": state, "updated_at": tx.now, "updated_by": by.id}
    _change(tx, before, values | {"approved_by": "", "submitted_by": "", "publish_at": 0})


def place(tx: Tx, article_id: str, *, category_id: str, internal: bool, by: e.Actor) -> None:
    """Puts an article, in all its locales, into a category (empty: none), and says who may read it.

    Raises:
        NotFound: there is no such article.
        Refused: there is no such category.
    """
    was_internal = articles.is_internal(tx, article_id)
    if category_id and not articles.has_category(tx, category_id):
        raise Refused("category_id", "must be a category's")
    tx.change(t.article_stream, {"article_id": article_id}, {"category_id": category_id, "internal": int(internal)})
    if internal != was_internal:
        tx.record(article_id, e.ArticleAudienceChanged("internal" if internal else "public"), by)


def _take_out(tx: Tx, before: Article, state: str, by: e.Actor) -> None:
    values = {"version": 0, "state": state, "publish_at": 0, "expires_at": 0, "updated_at": tx.now}
    _change(tx, before, values | ({} if by == e.SYSTEM else {"updated_by": by.id}))
    if before.version:
        tx.record(before.article_id, e.ArticleWithdrawn(before.locale, state), by)
    else:
        tx.record(before.article_id, e.ArticleStateChanged(before.locale, state), by)


def _step(tx: Tx, before: Article, state: str, by: e.Actor, values: Mapping[str, Any]) -> None:
    _change(tx, before, {"state": state, **values})
    tx.record(before.article_id, e.ArticleStateChanged(before.locale, state), by)


def _change(tx: Tx, before: Article, values: Mapping[str, Any]) -> None:
    tx.change(t.article, {"article_id": before.article_id, "locale": before.locale}, values)


def _there(tx: Tx, article_id: str, locale: str) -> Article:
    found = articles.lock(tx, article_id, locale)
    if found is None:
        raise NotFound(f"there is no article {article_id} in {locale}")
    return found


# --- categories -------------------------------------------------------------------------------------------------------


def create_category(tx: Tx, *, names: Mapping[str, str], position: int, category_id: str = "") -> str:
    """A new category, named in at least one locale. Returns its id."""
    category_id = category_id or tx.new_id()
    values = {"names": json.dumps(names, ensure_ascii=False), "position": position}
    tx.add(t.article_category, {"id": category_id, **values})
    return category_id


def change_category(tx: Tx, category_id: str, *, names: Mapping[str, str], position: int) -> None:
    """Raises NotFound."""
    values = {"names": json.dumps(names, ensure_ascii=False), "position": position}
    if not tx.change(t.article_category, {"id": category_id}, values):
        raise NotFound(f"there is no category {category_id}")


def remove_category(tx: Tx, category_id: str) -> None:
    """Its articles have none then. Raises NotFound."""
    if not tx.remove(t.article_category, {"id": category_id}):
        raise NotFound(f"there is no category {category_id}")
    tx.change(t.article_stream, {"category_id": category_id}, {"category_id": ""})
