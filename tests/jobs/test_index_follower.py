"""Each process keeps its own search index in step with the log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import pytest

from hub.domain.events import SYSTEM
from hub.domain.knowledge import ArticleText, Passage
from hub.jobs.index_follower import IndexFollower
from hub.ports import Nearby
from hub.services import articles, indexing
from hub.store import feed
from tests.fixtures_hub import World


def publish(world: World, body: str, *, article_id: str = "hours", locale: str = "en") -> None:
    world.store.write(
        lambda tx: articles.import_published(tx, article_id, locale=locale, title="Hours", body=body, by=SYSTEM)
    )
    world.run()


def found(world: World) -> list[str]:
    return [answer.passage for answer in world.knowledge.search("open hours", language="en").answers]


class Heard:
    """Lets a test wait until a knowledge base was given an article, or everything."""

    def __init__(self, world: World) -> None:
        self.given, self.loaded = threading.Semaphore(0), threading.Event()
        knowledge = world.knowledge
        replace, load = knowledge.replace, knowledge.load

        def replace_and_tell(article_id: str, passages: Iterable[Passage]) -> None:
            replace(article_id, passages)
            self.given.release()

        def load_and_tell(passages: Iterable[Passage], *, nearby: Nearby | None = None) -> None:
            load(passages, nearby=nearby)
            self.loaded.set()

        knowledge.replace, knowledge.load = replace_and_tell, load_and_tell  # type: ignore[method-assign]


def test_an_edit_in_one_process_is_found_in_the_other(make_world: Callable[..., World]) -> None:
    one, other = make_world(), make_world()
    publish(one, "We open at nine.")
    heard = Heard(other)
    follower = IndexFollower(other.hub, indexes=False)
    follower.start()
    assert heard.loaded.wait(30)
    assert found(other) == ["We open at nine."], "what was there at the start"
    publish(one, "We open at ten.")
    assert heard.given.acquire(timeout=30)
    assert found(other) == ["We open at ten."]
    one.store.write(lambda tx: articles.withdraw(tx, "hours", locale="en", by=SYSTEM))
    one.run()
    assert heard.given.acquire(timeout=30)
    assert found(other) == []
    follower.stop()
    assert not follower._thread.is_alive()


def test_each_article_is_taken_over_once_for_many_edits(make_world: Callable[..., World]) -> None:
    one, other = make_world(), make_world()
    follower = IndexFollower(other.hub, indexes=False)
    cursor = follower.follow(feed.Cursor())
    for number in range(3):
        publish(one, f"We open at {number}.")
    taken: list[str] = []
    replace = other.knowledge.replace
    other.knowledge.replace = lambda article_id, passages: (taken.append(article_id), replace(article_id, passages))[1]  # type: ignore[method-assign]
    cursor = follower.follow(cursor)
    assert taken == ["hours"]
    assert follower.follow(cursor) == cursor
    assert taken == ["hours"]
    assert found(other) == ["We open at 2."]


def test_what_was_published_while_the_models_were_warming_is_indexed_when_they_are_ready(world: World) -> None:
    world.knowledge.warming = True
    publish(world, "We open at nine.")
    assert world.kinds("hours") == ["ArticlePublished"]
    heard = Heard(world)
    follower = IndexFollower(world.hub, indexes=True)
    follower.start()
    assert heard.given.acquire(timeout=30), "indexed, and taken over from the log"
    assert found(world) == ["We open at nine."]
    follower.stop()


def test_a_database_that_is_away_at_first_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publish(world, "We open at nine.")
    head, calls = feed.head, []

    def away_at_first(connection: object) -> feed.Cursor:
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionError("the database is away")
        return head(connection)  # type: ignore[arg-type]

    monkeypatch.setattr(feed, "head", away_at_first)
    heard = Heard(world)
    follower = IndexFollower(world.hub, indexes=False)
    follower.start()
    assert heard.loaded.wait(30)
    follower.stop()
    assert found(world) == ["We open at nine."]
    assert "could not load the search index" in caplog.text


def test_models_that_cannot_be_loaded_end_the_follower_and_nothing_else(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise OSError("no model there")

    world.knowledge.warm = fails  # type: ignore[method-assign]
    follower = IndexFollower(world.hub, indexes=True)
    follower.start()
    follower._thread.join(30)
    assert not follower._thread.is_alive()
    assert "could not load its models" in caplog.text
    world.say("hello")
    world.run()
    assert world.thread()[-1][0] == "bot"


def test_a_changed_model_reads_everything_while_the_one_before_answers(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = make_world()
    publish(before, "We open at nine.")
    publish(before, "Parcels come open within two days.", article_id="parcels")
    assert indexing.index_missing(before.hub) == 0, "says that this model has read everything"
    after = make_world()
    after.knowledge.model_id = "other words"
    reading, go_on, alone = threading.Event(), threading.Event(), threading.Event()
    passages, stand_alone = after.knowledge.passages, after.knowledge.stand_alone

    def slowly(text: ArticleText) -> tuple[Passage, ...]:
        reading.set()
        assert go_on.wait(30)
        return passages(text)

    monkeypatch.setattr(after.knowledge, "passages", slowly)
    monkeypatch.setattr(after.knowledge, "stand_alone", lambda: (stand_alone(), alone.set()))
    follower = IndexFollower(after.hub, indexes=True)
    follower.start()
    assert reading.wait(30)
    result = after.knowledge.search("open hours", language="en")
    assert (result.answers[0].passage, result.model_id) == ("We open at nine.", "words")
    go_on.set()
    assert alone.wait(30)
    result = after.knowledge.search("open hours", language="en")
    assert (result.answers[0].passage, result.model_id) == ("We open at nine.", "other words")
    follower.stop()
    assert not indexing.lean_on_former(after.hub), "a later start with the same model has nothing to lean on"
