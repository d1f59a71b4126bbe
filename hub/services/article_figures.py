"""What customers did with articles, read from the log into rows that can be counted.

Everything in `article_use` and `article_offer` follows from events and can be thrown away and read again. Nothing of it
is on the path of a message: the sweeper reads on every few seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.domain import bot_policy
from hub.domain import events as e
from hub.domain.bot_policy import CHOSEN, Action
from hub.hub import Hub
from hub.store import feed
from hub.store import tables as t
from hub.store.feed import Cursor
from hub.store.queries import article_checks
from hub.store.unit_of_work import Tx, UseCase

KINDS = (e.BotTurnDecided.__name__, e.HandedOver.__name__, e.ArticleRated.__name__)
PAGE = 500
PAGES = 20  # at once: the rest of a long log follows in the next round
STEP = 5_000  # events of other kinds after which the cursor moves on though there is nothing to write


def follow(hub: Hub) -> int:
    """Reads the log on. Returns how many events it took in."""
    done = 0
    for _ in range(PAGES):
        with hub.store.read() as connection:
            before = article_checks.cursor(connection)
            head = feed.head(connection)
            page = feed.read(connection, before, kinds=KINDS, limit=PAGE)
        after = page.cursor if page.more else max(head, page.cursor)
        recorded = [each for _, each in page.entries]
        if not recorded and after.id - before.id < STEP:
            break
        hub.store.write(_taking_in(before, after, recorded), later=True)
        done += len(recorded)
        if not page.more:
            break
    return done


def _taking_in(before: Cursor, after: Cursor, recorded: Sequence[e.Recorded]) -> UseCase[None]:
    def use_case(tx: Tx) -> None:
        if not article_checks.move_cursor(tx, before, after):
            return
        for each in recorded:
            _take_in(tx, each)

    return use_case


def _take_in(tx: Tx, recorded: e.Recorded) -> None:
    row: dict[str, Any] = {"event_id": recorded.id, "at": recorded.at}
    match recorded.event:
        case e.BotTurnDecided(action=Action.KNOWLEDGE, reason=reason, tried=tried):
            given = next((each for each in tried if each.given and each.article_id), None)
            if given is not None:
                row |= {"kind": article_checks.SHOWN, "conversation_id": recorded.stream_id}
                row |= {"article_id": given.article_id, "locale": given.locale, "version": given.version}
                tx.add(t.article_use, row)
                if reason == CHOSEN:
                    _offer(tx, recorded, article_checks.PICKED, given)
        case e.BotTurnDecided(action=Action.OFFER, tried=tried):
            for each in bot_policy.offered(tried):
                _offer(tx, recorded, article_checks.OFFERED, each)
        case e.ArticleRated(locale=locale, version=version, helpful=helpful):
            row["kind"] = article_checks.HELPED if helpful else article_checks.UNHELPFUL
            tx.add(t.article_use, row | {"article_id": recorded.stream_id, "locale": locale, "version": version})
        case e.HandedOver():
            # What was shown in this conversation before; what is shown later has its own end.
            tx.change(t.article_use, {"conversation_id": recorded.stream_id}, {"handed_off": 1})


def _offer(tx: Tx, recorded: e.Recorded, kind: str, article: e.TriedAnswer) -> None:
    which = {"event_id": recorded.id, "article_id": article.article_id}
    tx.add(t.article_offer, which | {"kind": kind, "locale": article.locale, "at": recorded.at})
