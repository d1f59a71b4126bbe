"""What only the firm reads reaches no customer, whichever way an answer takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import pytest

from hub.domain import events as e
from hub.domain.errors import Refused
from hub.domain.messages import Author
from hub.jobs.index_follower import IndexFollower
from hub.services import answers, articles, assist, indexing
from hub.store import feed
from hub.store.queries import passages
from tests.fixtures_hub import PAPER, WEB, World

SECRET = "Goodwill refunds above forty euros need the manager's word zanzibar."
EDITOR = e.Actor(Author.AGENT, "agent-ana")


@pytest.fixture
def article(world: World) -> str:
    """The id of a published article that everybody may read."""
    world.store.write(
        lambda tx: articles.import_published(
            tx, "goodwill", locale="en", title="Goodwill refunds", body=SECRET, by=e.SYSTEM
        )
    )
    world.run()
    take_over(world)
    return "goodwill"


def take_over(world: World) -> None:
    """This process's index as the log has it."""
    follower = IndexFollower(world.hub, indexes=False)
    follower.follow(feed.Cursor())


def place(world: World, *, internal: bool) -> None:
    world.store.write(partial(articles.place, article_id="goodwill", category_id="", internal=internal, by=EDITOR))


def asked(world: World, inbox_id: str) -> str:
    """All that a customer gets for the very words of the article."""
    world.say(SECRET, sender=f"customer-{inbox_id}-{world.clock.now()}", inbox_id=inbox_id)
    world.run()
    return " ".join(text for author, text, _ in world.thread() if author != "contact")


@pytest.mark.parametrize("inbox_id", [PAPER, WEB])
def test_the_bot_tells_it_to_nobody(world: World, article: str, inbox_id: str) -> None:
    assert "zanzibar" in asked(world, inbox_id), "while it is public it is an answer"
    place(world, internal=True)
    # At once: the index of this process still has it.
    assert world.knowledge.search(SECRET, language="en").answers
    assert "zanzibar" not in asked(world, inbox_id)
    world.run()
    take_over(world)
    assert not world.knowledge.search(SECRET, language="en").answers
    assert "zanzibar" not in asked(world, inbox_id)


class Model:
    """A language model that names the first source that it was given."""

    asked = 0

    def write(self, messages: Sequence[Mapping[str, str]]) -> str:
        self.asked += 1
        return "Yes. [1]"


def test_no_agent_is_given_it_to_send_on(world: World, article: str) -> None:
    conversation_id = world.say(SECRET, sender="customer").conversation_id
    world.run()
    model = Model()
    hub = replace(world.hub, writer=model)
    assert [each.article_id for each in assist.help_with(hub, conversation_id).suggested] == [article]
    assert assist.draft(hub, conversation_id).sources[0].article_id == article
    place(world, internal=True)
    # At once: the index of this process still has it.
    assert world.knowledge.search(SECRET, language="en").answers
    assert assist.help_with(hub, conversation_id).suggested == ()
    with pytest.raises(Refused):
        assist.draft(hub, conversation_id)
    assert model.asked == 1


def test_it_is_in_no_index_however_that_is_made(world: World, article: str) -> None:
    place(world, internal=True)
    world.run()

    def stored() -> list[str]:
        with world.store.read() as connection:
            return [each.text for each in passages.every(connection, world.knowledge.model_id)]

    assert stored() == []
    # At a start, with another model, and after its text changed: no other way leads in.
    assert indexing.index_missing(world.hub) == 0
    world.knowledge.model_id = "better words"
    assert indexing.index_missing(world.hub) == 0
    world.store.write(
        lambda tx: articles.import_published(
            tx, article, locale="en", title="Goodwill", body=f"{SECRET} Anew.", by=e.SYSTEM
        )
    )
    world.run()
    assert stored() == []
    place(world, internal=False)
    world.run()
    assert stored() == [f"{SECRET} Anew."]


def test_search_for_customers_leaves_it_out_whatever_the_index_holds(world: World, article: str) -> None:
    assert world.hub.knowledge is not None
    search = partial(answers.search, world.store, world.hub.knowledge, SECRET, language="en")
    assert [each.article_id for each in search().answers] == [article]
    place(world, internal=True)
    assert search().answers == ()
    place(world, internal=False)
    assert [each.article_id for each in search().answers] == [article]
    world.store.write(partial(articles.withdraw, article_id=article, locale="en", by=EDITOR))
    assert search().answers == ()
