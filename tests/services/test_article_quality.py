"""Figures from the log, test questions before and after a change, lists of what editors should look at, the sweeper."""

from __future__ import annotations

from functools import partial

import pytest

from hub.domain import article_checks as checks
from hub.domain import events as e
from hub.domain.article_checks import Text
from hub.domain.errors import Conflict, Forbidden
from hub.domain.messages import Author
from hub.services import article_figures, article_html, article_questions, article_round, articles, handoff
from hub.store import tables as t
from hub.store.queries import article_checks, passages
from hub.store.queries import articles as queries
from tests.fixtures_hub import ANA, BEN, World

WRITER, OTHER = e.Actor(Author.AGENT, ANA), e.Actor(Author.AGENT, BEN)
SECOND = 1_000_000
DAY = 24 * 3600 * SECOND


def publish(world: World, article_id: str, title: str, body: str) -> None:
    world.store.write(
        lambda tx: articles.import_published(tx, article_id, locale="en", title=title, body=body, by=e.SYSTEM)
    )
    world.run()
    load(world)


def load(world: World) -> None:
    with world.store.read() as connection:
        world.knowledge.load(passages.every(connection, world.knowledge.model_id))


def test_figures_are_what_the_log_says_and_can_be_read_again(world: World) -> None:
    publish(world, "returns", "Returns", "send parcels back within thirty days")
    world.say("send parcels back within thirty days", sender="one")
    world.run()
    world.say("send parcels back within thirty days", sender="two")
    world.run()
    asked = world.received[-1]
    world.store.write(
        lambda tx: handoff.hand_over(tx, asked.conversation_id, reason="customer_asked", open_question=asked.message_id)
    )
    for helpful in (True, False, True):
        event = e.ArticleRated("en", 1, helpful)
        world.store.write(lambda tx, event=event: tx.record("returns", event, e.Actor(Author.CONTACT, "")))
    expected = {("returns", "en"): article_checks.Figures(shown=2, helped=2, unhelpful=1, handed_off=1)}

    def figures() -> dict[tuple[str, str], article_checks.Figures]:
        article_figures.follow(world.hub)
        with world.store.read() as connection:
            return article_checks.figures(connection, 0)

    assert figures() == expected
    assert figures() == expected, "nothing counts twice"
    world.store.write(
        lambda tx: [
            tx.connection.execute(table.delete()) for table in (t.article_use, t.article_offer, t.article_use_cursor)
        ]
    )
    assert figures() == expected


def test_questions_before_and_after_a_change_that_nobody_else_sees(world: World) -> None:
    publish(world, "returns", "Returns", "send parcels back within thirty days")
    publish(world, "hours", "Hours", "open nine to five")

    def ask(text: str, article_id: str) -> None:
        world.store.write(
            lambda tx: article_questions.add(tx, text=text, locale="en", article_id=article_id, by=WRITER)
        )

    ask("send parcels back", "returns")
    ask("open nine to five", "hours")
    ask("penguins for sale", "")
    now = article_questions.trial(world.hub)
    assert now is not None
    assert article_questions.quality(now.before) == article_questions.Quality(1.0, 1.0, 1.0, 2)
    assert (now.broken, now.mended) == ((), ())
    world.store.write(
        lambda tx: articles.save(
            tx, "returns", locale="en", title="Refunds", body="ask for penguins for sale", by=WRITER
        )
    )
    then = article_questions.trial(world.hub, "returns", "en")
    assert then is not None
    assert [each.text for each in then.broken] == ["send parcels back", "penguins for sale"]
    assert article_questions.quality(then.after) == article_questions.Quality(0.5, 0.5, 0.5, 2)
    assert world.knowledge.search("send parcels back", language="en").answers[0].article_id == "returns"
    world.knowledge.warming = True
    assert article_questions.trial(world.hub, "returns", "en") is None


def test_another_person_approves_and_a_change_takes_it_back(world: World) -> None:
    article_id = world.store.write(lambda tx: articles.create(tx, locale="en", title="A", html="<p>One</p>", by=WRITER))

    def do(step: str, by: e.Actor = WRITER, **values: object) -> object:
        return world.store.write(partial(getattr(articles, step), article_id=article_id, locale="en", by=by, **values))

    def state() -> str:
        with world.store.read() as connection:
            return queries.get(connection, article_id, "en").state

    with pytest.raises(Conflict):
        do("publish")
    do("submit")
    with pytest.raises(Forbidden):
        do("approve")
    with pytest.raises(Conflict):
        do("publish")
    do("approve", OTHER)
    do("save", title="A", html="<p>Two</p>")
    assert state() == "draft"
    do("submit", OTHER)
    with pytest.raises(Forbidden):
        do("approve", WRITER)  # it was the last to write it
    with pytest.raises(Forbidden):
        do("approve", OTHER)
    do("send_back", OTHER, note="Shorter")
    assert do("publish", reviewed=False) == 1
    do("save", title="A", html="<p>Three</p>")
    do("restore", version=1)
    assert state() == "changed"
    with world.store.read() as connection:
        assert queries.get(connection, article_id, "en").html == "<p>Two</p>"
    do("archive")
    with pytest.raises(Conflict):
        do("save", title="A", html="<p>Four</p>")
    do("unarchive")
    assert state() == "withdrawn"


def test_what_is_scheduled_goes_out_and_what_expires_comes_in(world: World) -> None:
    article_id = world.store.write(lambda tx: articles.create(tx, locale="en", title="Sale", body="Now", by=WRITER))
    at = world.clock.now() + 60 * SECOND
    world.store.write(partial(articles.schedule, article_id=article_id, locale="en", at=at, by=WRITER, reviewed=False))
    world.store.write(partial(articles.set_expiry, article_id=article_id, locale="en", at=at + DAY))

    def after(seconds: int) -> tuple[str, int]:
        world.clock.pass_time(seconds * SECOND)
        article_round.go_round(world.hub)
        with world.store.read() as connection:
            found = queries.get(connection, article_id, "en")
        return found.state, found.version

    assert after(0) == ("scheduled", 0)
    assert after(61) == ("published", 1)
    assert after(61) == ("published", 1)
    assert after(86_400) == ("expired", 0)
    assert world.kinds(article_id)[-1] == "ArticleWithdrawn"


# --- lists ------------------------------------------------------------------------------------------------------------

RETURNS = Text(
    "returns", "en", "Return a parcel", "You can return a parcel within 30 days. Keep the shipping label.", 0
)


def test_near_duplicates_in_one_locale() -> None:
    twin = Text("again", "en", "Return your parcel", "You can return a parcel within 30 days. Keep the label.")
    others = [Text(f"o{n}", "en", f"Word{n} {n}", f"Something else about topic{n} entirely.") for n in "abcdefgh"]
    (pair,) = checks.near_duplicates([RETURNS, twin, *others])
    assert {pair.one.article_id, pair.two.article_id} == {"returns", "again"}
    assert pair.similarity >= checks.DUPLICATE
    spanish = Text("again", "es", twin.title, twin.body)
    assert checks.near_duplicates([RETURNS, spanish, *others]) == []


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (Text("b", "en", "Parcel return", "You can return a parcel within 14 days."), "numbers"),
        (Text("b", "en", "Parcel return", "You can not return a parcel within 30 days."), "negation"),
        (Text("returns", "es", "Devolver", "Puede devolver un paquete en 14 días."), "translation"),
        (Text("returns", "es", "Devolver", "Puede devolver un paquete en treinta días."), None),
        (Text("b", "en", "Parcel return", "You can return a parcel within thirty days."), None),
    ],
    ids=["numbers", "negation", "translation", "same_translation", "same"],
)
def test_contradictions(other: Text, kind: str | None) -> None:
    found = checks.contradictions([RETURNS, other])
    assert [each.kind for each in found] == ([kind] if kind else [])


def test_stale() -> None:
    now = 1_000 * DAY
    texts = [
        Text("old", "en", "A", "a", now - 200 * DAY),
        Text("lags", "en", "B", "b", now - 9 * DAY),
        Text("lags", "es", "B", "b", now - DAY),
        Text("bad", "en", "C", "c", now - DAY, 0, 3, 3),
        Text("ends", "en", "D", "d", now - DAY, now + DAY),
        Text("good", "en", "E", "e", now - DAY, 0, 9, 1),
    ]
    assert {(each.text.article_id, each.reason) for each in checks.stale(texts, now)} == {
        ("old", "old"), ("lags", "translation"), ("bad", "unhelpful"), ("ends", "ends_soon")
    }  # fmt: skip


# --- HTML -------------------------------------------------------------------------------------------------------------


def test_only_what_is_harmless_is_kept() -> None:
    found = article_html.clean(
        "<h1 style='x' onclick=y>Title</h1><div>One <b>two</b><script>alert(1)</script></div>"
        "<a href='javascript:alert(1)'>l</a><img src=https://e.example/x.png alt=map>"
        "<img src=/help/images/01A onerror=x>"
        "<iframe src=x>in</iframe><svg><script>1</script></svg><p>a &lt;script&gt;</p>"
    )
    assert found.image_ids == ("01A",)
    for word in ("onclick", "onerror", "javascript", "style", "<script", "iframe", "svg", "e.example"):
        assert word not in found.html, word
    assert found.text.startswith("Title\n\nOne two\n\nlmap")
    assert article_html.clean(found.html).html == found.html
    assert article_html.clean("<ol><li><p>x</p></li><li>y</li></ol>").text == "1. x\n2. y"
