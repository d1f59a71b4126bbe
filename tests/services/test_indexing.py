"""Published articles become passages; what is not public any more has none."""

from __future__ import annotations

import pytest

from hub.domain.errors import Unavailable
from hub.domain.events import SYSTEM
from hub.domain.knowledge import ArticleText, Passage
from hub.services import articles, indexing
from hub.store import tables as t
from hub.store.queries import passages
from tests.fixtures_hub import World


def publish(world: World, body: str, *, article_id: str = "hours", locale: str = "en") -> None:
    world.store.write(
        lambda tx: articles.import_published(tx, article_id, locale=locale, title="Hours", body=body, by=SYSTEM)
    )


def withdraw(world: World, *, article_id: str = "hours", locale: str = "en") -> None:
    world.store.write(lambda tx: articles.withdraw(tx, article_id, locale=locale, by=SYSTEM))


def stored(world: World, model_id: str = "words") -> list[tuple[str, str, int, str]]:
    with world.store.read() as connection:
        return [(p.article_id, p.locale, p.version, p.text) for p in passages.every(connection, model_id)]


def test_all_public_locales_of_an_article_are_indexed_in_their_newest_version(world: World) -> None:
    publish(world, "We open at nine.")
    publish(world, "Abrimos a las nueve.", locale="es")
    publish(world, "We open at ten.")
    world.run()
    assert stored(world) == [("hours", "en", 2, "We open at ten."), ("hours", "es", 1, "Abrimos a las nueve.")]
    world.store.write(lambda tx: articles.save(tx, "hours", locale="en", title="Hours", body="A draft.", by=SYSTEM))
    world.run()
    assert ("hours", "en", 2, "We open at ten.") in stored(world), "a draft changes nothing that is public"
    withdraw(world, locale="es")
    world.run()
    assert stored(world) == [("hours", "en", 2, "We open at ten.")]
    withdraw(world)
    world.run()
    assert stored(world) == []
    assert world.kinds("hours")[-1] == "ArticleIndexed"


def test_what_could_not_be_encoded_while_warming_is_found_again(world: World) -> None:
    world.knowledge.warming = True
    publish(world, "We open at nine.")
    world.run()
    assert stored(world) == []
    with pytest.raises(Unavailable):
        indexing.index_missing(world.hub)
    world.knowledge.warming = False
    assert indexing.index_missing(world.hub) == 1
    assert len(stored(world)) == 1
    assert indexing.index_missing(world.hub) == 0


def test_what_was_withdrawn_while_warming_is_not_found_for_ever(world: World) -> None:
    publish(world, "We open at nine.")
    publish(world, "Abrimos a las nueve.", locale="es")
    publish(world, "Ring us.", article_id="contact")
    world.run()
    world.knowledge.warming = True
    withdraw(world, locale="es")
    publish(world, "Write to us.", article_id="contact")
    world.run()
    world.knowledge.warming = False
    assert indexing.index_missing(world.hub) == 2
    assert stored(world) == [("contact", "en", 2, "Write to us."), ("hours", "en", 1, "We open at nine.")]


def test_another_model_indexes_everything_anew_and_leaves_the_old_ones_passages(world: World) -> None:
    publish(world, "We open at nine.")
    publish(world, "Ring us.", article_id="contact")
    world.run()
    world.knowledge.model_id = "better words"
    assert indexing.index_missing(world.hub) == 2
    assert len(stored(world, "better words")) == len(stored(world)) == 2


def test_what_is_published_while_an_older_text_is_encoded_is_not_overwritten(world: World) -> None:
    """The start-up's round is slow, an editor and the job for their edit are quick."""
    publish(world, "We open at nine.")
    cut = world.knowledge.passages

    def slow(text: ArticleText) -> tuple[Passage, ...]:
        found = cut(text)
        if text.version == 1:
            publish(world, "We open at ten.")
            world.run()
        return found

    world.knowledge.passages = slow  # type: ignore[method-assign]
    indexing.index_missing(world.hub)
    assert stored(world) == [("hours", "en", 2, "We open at ten.")]
    assert world.count(t.passage) == 1


def test_without_a_knowledge_base_there_is_nothing_to_index(world: World) -> None:
    object.__setattr__(world.hub, "knowledge", None)
    publish(world, "We open at nine.")
    world.run()
    assert world.kinds("hours") == ["ArticlePublished"]
    with pytest.raises(Unavailable):
        indexing.index_missing(world.hub)
