"""Published articles become passages that can be found."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hub.domain import events as e
from hub.domain.errors import Unavailable
from hub.domain.knowledge import ArticleText, Passage
from hub.hub import Hub
from hub.ports import Nearby
from hub.services.work import Work, nothing
from hub.store.queries import passages, search_models
from hub.store.queries.search_models import SearchModel
from hub.store.unit_of_work import Tx, UseCase


def index_article(hub: Hub, work: Work) -> UseCase[None]:
    """Job: cuts and encodes all published locales of an article, and says so in the log.

    While the models still warm up there is nothing to do: `index_missing` follows when they are ready.
    """
    if hub.knowledge is None:
        return nothing
    article_id = work.recorded.stream_id
    with hub.store.read() as connection:
        texts = passages.published(connection, article_id)
    model_id = hub.knowledge.model_id
    try:
        found = tuple(passage for text in texts for passage in hub.knowledge.passages(text))
    except Unavailable:
        return nothing
    return partial(_replace, article_id=article_id, model_id=model_id, texts=texts, found=found)


def index_missing(hub: Hub, between: Callable[[], None] = lambda: None) -> int:
    """Encodes every article whose passages of the present model are not those of its published texts, one by one.

    Runs at start, after the models are warm: a changed model indexes everything anew, while the one before answers
    (`lean_on_former`). Calls `between` after each. Returns how many it did.
    """
    if hub.knowledge is None:
        raise Unavailable("there is no knowledge base")
    knowledge = hub.knowledge
    with hub.store.read() as connection:
        missing = passages.out_of_step(connection, knowledge.model_id)
    for article_id in missing:
        with hub.store.read() as connection:
            texts = passages.published(connection, article_id)
        found = tuple(passage for text in texts for passage in knowledge.passages(text))
        hub.store.write(partial(_replace, article_id=article_id, model_id=knowledge.model_id, texts=texts, found=found))
        between()
    mine = SearchModel(knowledge.model_id, knowledge.model)
    hub.store.write(partial(search_models.complete, found=mine))
    return len(missing)


def prepare_nearby(hub: Hub) -> None:
    """Lets the database find vectors of the present model, where it can. Raises `Unavailable` with the reason."""
    if hub.nearby is not None and hub.knowledge is not None:
        hub.nearby.prepare(hub.knowledge.model_id)


def nearby(hub: Hub) -> Nearby | None:
    """What holds the vectors of an index that is too large for this process; None where they are to be held here."""
    if hub.nearby is None or hub.knowledge is None:
        return None
    model_id = hub.knowledge.model_id
    with hub.store.read() as connection:
        if passages.number(connection, model_id) <= hub.settings.knowledge_in_memory:
            return None
    return None if hub.nearby.lacks(model_id) else hub.nearby


def lean_on_former(hub: Hub) -> bool:
    """Lets the model that answered last answer until this one has read all articles. Returns whether it does.

    After a start with the same model, or the first, there is nothing to lean on.
    """
    if hub.knowledge is None:
        return False
    with hub.store.read() as connection:
        former = search_models.last(connection)
        if former is None or former.model_id == hub.knowledge.model_id:
            return False
        found = tuple(passages.every(connection, former.model_id))
    return bool(found) and hub.knowledge.lean_on(former.model, former.model_id, found)


def finished(hub: Hub) -> bool:
    """Whether the present model has read all articles, by this process or another."""
    with hub.store.read() as connection:
        newest = search_models.last(connection)
    return hub.knowledge is not None and newest is not None and newest.model_id == hub.knowledge.model_id


def _replace(tx: Tx, *, article_id: str, model_id: str, texts: list[ArticleText], found: tuple[Passage, ...]) -> None:
    passages.lock(tx, article_id)
    if passages.published(tx.connection, article_id) != texts:
        return  # published anew while this was encoded: that event's own job follows
    passages.replace(tx, article_id, model_id, found)
    tx.record(article_id, e.ArticleIndexed(model_id))
