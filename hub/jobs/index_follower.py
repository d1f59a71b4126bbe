"""Keeps this process's search index in step with the log: each process that answers questions has one."""

from __future__ import annotations

import logging
import threading

from hub import cores, heap
from hub.domain.errors import Unavailable
from hub.domain.events import ArticleIndexed
from hub.hub import Hub
from hub.ports import KnowledgeBase
from hub.services import indexing
from hub.store import feed
from hub.store.queries import passages

log = logging.getLogger(__name__)

_OUTGROWN_EVERY = 60_000_000  # microseconds
EVERY = 0.3  # seconds; with encoding and commit an edit is found within two


class IndexFollower:
    """Warms the knowledge base, loads its index, then takes over what is indexed anew, wherever that happens.

    Args:
        hub: with a knowledge base.
        indexes: whether this process also encodes what has no passages of the present model.
    """

    def __init__(self, hub: Hub, *, indexes: bool) -> None:
        self._hub = hub
        self._indexes = indexes
        self._in_memory = True
        self._stopped = threading.Event()
        # Spread: it indexes, and with its loading of the models begins the thread that encodes.
        self._thread = threading.Thread(target=cores.spread()(self._run), name="index-follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        knowledge = self._hub.knowledge
        if knowledge is None:
            return
        try:
            knowledge.warm()
        except Exception:  # the edge of a thread: `status()` says `failed`, the hub goes on without answers
            log.exception("the knowledge base could not load its models")
            return
        while (cursor := self._load(knowledge)) is None:
            if self._stopped.wait(EVERY):
                return
        leaning = self._lean()
        heap.keep()
        if self._indexes:
            try:
                cursor = self._index(cursor)
            except Exception:  # what was not indexed is found again at the next start
                log.exception("could not index all articles")
        while not self._stopped.wait(EVERY):
            try:
                finished = leaning and indexing.finished(self._hub)
                cursor = self.follow(cursor)
                if self._outgrown(knowledge):
                    cursor = self._load(knowledge) or cursor
                if finished:  # what was indexed before that is in this process's index now
                    knowledge.stand_alone()
                    leaning = False
            except Exception:  # the edge of a thread: the next round tries again
                log.exception("could not follow the articles")

    def _index(self, cursor: feed.Cursor) -> feed.Cursor:
        """Encodes what is missing, and meanwhile follows: a new model may take an hour over it."""

        def between() -> None:
            nonlocal cursor
            cursor = self.follow(cursor)

        indexing.index_missing(self._hub, between=between)
        try:
            indexing.prepare_nearby(self._hub)
        except Unavailable as lacking:  # each process then holds all vectors itself
            log.info("PostgreSQL does not search vectors: %s", lacking)
        return cursor

    def _lean(self) -> bool:
        try:
            return indexing.lean_on_former(self._hub)
        except Exception:  # then nobody answers until all is indexed
            log.exception("could not load the index of the model before")
            return False

    def _outgrown(self, knowledge: KnowledgeBase) -> bool:
        """Whether the index is held in this process, has become too large for that, and the database can hold it."""
        large = int(knowledge.status().get("passages", "0")) > self._hub.settings.knowledge_in_memory
        if not (large and self._in_memory):
            return False
        due = self._hub.seldom.due("outgrown", self._hub.clock.now(), _OUTGROWN_EVERY)
        return due and indexing.nearby(self._hub) is not None

    def _load(self, knowledge: KnowledgeBase) -> feed.Cursor | None:
        """Where to follow from after everything is loaded; None where the database did not answer."""
        try:
            nearby = indexing.nearby(self._hub)
            with self._hub.store.read() as connection:
                cursor = feed.head(connection)
                found = list(passages.every(connection, knowledge.model_id, whole=nearby is None))
            knowledge.load(found, nearby=nearby)
            self._in_memory = nearby is None
        except Exception:  # the edge of a thread: the next round tries again
            log.exception("could not load the search index")
            return None
        return cursor

    def follow(self, cursor: feed.Cursor) -> feed.Cursor:
        """Takes over the articles that were indexed since a cursor; returns the next one."""
        knowledge = self._hub.knowledge
        if knowledge is None:
            return cursor
        while True:
            with self._hub.store.read() as connection:
                head = feed.head(connection)
                page = feed.read(connection, cursor, kinds=(ArticleIndexed.__name__,), limit=1000)
                for article_id in dict.fromkeys(recorded.stream_id for _, recorded in page.entries):
                    knowledge.replace(article_id, passages.of_article(connection, article_id, knowledge.model_id))
            if not page.more:
                return max(head, page.cursor)
            cursor = page.cursor
