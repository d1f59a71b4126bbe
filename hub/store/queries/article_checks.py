"""What editors' lists are made from: public texts, test questions, figures."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from hub.domain.article_checks import Text
from hub.domain.errors import NotFound
from hub.store import tables as t
from hub.store.feed import Cursor
from hub.store.unit_of_work import Tx

SHOWN, HELPED, UNHELPFUL = "shown", "helped", "unhelpful"
OFFERED, PICKED = "offered", "picked"
_CURSOR = "figures"


@dataclass(frozen=True, slots=True)
class Figures:
    """How often an article was shown, rated, and followed by a person taking over; how often it was one of several that
    were offered, and picked of them (which shows it)."""

    shown: int = 0
    helped: int = 0
    unhelpful: int = 0
    handed_off: int = 0
    offered: int = 0
    picked: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the article that answers it; empty: none does."""

    id: str
    text: str
    locale: str
    article_id: str


def figures(connection: Connection, since: int, article_id: str = "") -> dict[tuple[str, str], Figures]:
    """By (article, locale), since a time in microseconds; of one article where it is named."""
    u = t.article_use.c
    statement = (
        select(u.article_id, u.locale, u.kind, func.count(), func.sum(u.handed_off))
        .where(u.at >= since)
        .group_by(u.article_id, u.locale, u.kind)
    )
    if article_id:
        statement = statement.where(u.article_id == article_id)
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for its_id, locale, kind, count, handed_off in connection.execute(statement):
        mine = counts.setdefault((its_id, locale), {})
        mine[kind] = count
        if kind == SHOWN:
            mine["handed_off"] = int(handed_off)
    o = t.article_offer.c
    offers = select(o.article_id, o.locale, o.kind, func.count()).where(o.at >= since)
    offers = offers.group_by(o.article_id, o.locale, o.kind)
    for its_id, locale, kind, count in connection.execute(
        offers.where(o.article_id == article_id) if article_id else offers
    ):
        counts.setdefault((its_id, locale), {})[kind] = count
    return {key: Figures(**mine) for key, mine in counts.items()}


def public_texts(connection: Connection, since: int) -> list[Text]:
    """Every text that is public within the firm or beyond it, with its figures since a time."""
    a, v = t.article.c, t.article_version.c
    statement = (
        select(v.article_id, v.locale, v.title, v.body, v.published_at, a.expires_at)
        .join(t.article, (a.article_id == v.article_id) & (a.locale == v.locale) & (a.version == v.version))
        .where(a.version > 0)
        .order_by(v.article_id, v.locale)
    )
    used = figures(connection, since)
    found = []
    for row in connection.execute(statement):
        mine = used.get((row.article_id, row.locale), Figures())
        found.append(Text(*row, mine.helped, mine.unhelpful))
    return found


def cursor(connection: Connection) -> Cursor:
    """How far the log was read for the figures."""
    c = t.article_use_cursor.c
    row = connection.execute(select(c.transaction, c.event_id).where(c.id == _CURSOR)).one_or_none()
    return Cursor(row[0], row[1]) if row else Cursor()


def move_cursor(tx: Tx, before: Cursor, after: Cursor) -> bool:
    """Moves it on; False where another process was first, which then has written what lies between."""
    if tx.change(
        t.article_use_cursor,
        {"id": _CURSOR, "transaction": before.transaction, "event_id": before.id},
        {"transaction": after.transaction, "event_id": after.id},
    ):
        return True
    if before != Cursor() or cursor(tx.connection) != before:
        return False
    tx.add(t.article_use_cursor, {"id": _CURSOR, "transaction": after.transaction, "event_id": after.id})
    return True


def questions(connection: Connection) -> list[Question]:
    """All test questions, the oldest first."""
    q = t.article_question.c
    rows = connection.execute(select(q.id, q.text, q.locale, q.article_id).order_by(q.id))
    return [Question(*row) for row in rows]


def question(connection: Connection, question_id: str) -> Question:
    """Raises NotFound."""
    q = t.article_question.c
    row = connection.execute(select(q.id, q.text, q.locale, q.article_id).where(q.id == question_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no question {question_id}")
    return Question(*row)
