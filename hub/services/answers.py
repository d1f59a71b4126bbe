"""Search on behalf of customers: what the knowledge base finds, and of that only what they may read now.

An index is a moment behind the articles, and each process has its own. Whoever answers a customer asks here.
"""

from __future__ import annotations

from dataclasses import replace

from hub.domain.knowledge import SearchResult
from hub.ports import KnowledgeBase
from hub.store.queries import passages
from hub.store.unit_of_work import Store


def search(store: Store, knowledge: KnowledgeBase, question: str, *, language: str, limit: int = 3) -> SearchResult:
    """As `KnowledgeBase.search`, without what is withdrawn or internal. Raises Unavailable while the models warm up."""
    return readable(store, knowledge.search(question, language=language, limit=limit))


def readable(store: Store, found: SearchResult) -> SearchResult:
    """What was found, without what is withdrawn or internal by now."""
    with store.read() as connection:
        public = passages.readable(connection, {(each.article_id, each.locale) for each in found.answers})
    answers = tuple(each for each in found.answers if (each.article_id, each.locale) in public)
    if answers == found.answers:
        return found
    # The precision belongs to the answer that was first.
    precision = found.precision if answers and answers[0] is found.answers[0] else 0.0
    return replace(found, answers=answers, precision=precision)
