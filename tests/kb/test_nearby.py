"""On PostgreSQL pgvector only names candidates: what is found is what reading every vector in process finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial

import pytest
from sqlalchemy import insert, text

from hub.domain.errors import Unavailable
from hub.domain.events import SYSTEM
from hub.domain.knowledge import ArticleText, Passage
from hub.jobs.handlers import SUBSCRIPTIONS
from hub.jobs.index_follower import IndexFollower
from hub.services import articles, health, indexing
from hub.store import feed
from hub.store import tables as t
from hub.store.nearby import PgvectorNearby
from hub.store.queries import passages
from hub.store.queries import vectors as stored
from hub.store.unit_of_work import PostgresStore, Tx
from hub.testing.fakes import ManualClock
from kb import fusion, index
from kb.away import Away
from kb.index import Snapshot
from tests import parts
from tests.fixtures_hub import World
from tests.kb.test_fusion import DIMENSIONS, QUESTIONS, SPECS, Texts, Vectors, _passage, assert_equal
from tests.kb.test_search import cold

PASSAGES = 3000
DRAFT = ArticleText("", 1, "en", "Title 0", "See where the parcel is now")


def readers(language: str) -> list[bool]:
    return [spec.serves(language) for spec in SPECS]


@pytest.fixture(scope="module")
def texts() -> Texts:
    return Texts()


@pytest.fixture(scope="module")
def vectors(texts: Texts) -> list[Vectors]:
    return texts.some(PASSAGES)


@pytest.fixture(scope="module")
def every(vectors: list[Vectors]) -> list[Passage]:
    return [_passage(number, vectors, "es" if number % 6 > 3 else "en") for number in range(PASSAGES)]


@pytest.fixture(scope="module")
def store(make_postgres_database: Callable[..., str], postgres_template: str) -> Iterator[PostgresStore]:
    made = PostgresStore(make_postgres_database(postgres_template), ManualClock(), SUBSCRIPTIONS, lambda *_: None)
    yield made
    made.close()


def put(tx: Tx, some: list[Passage]) -> None:
    tx.connection.execute(insert(t.passage), [asdict(each) for each in some])


@pytest.fixture(scope="module")
def nearby(store: PostgresStore, every: list[Passage]) -> PgvectorNearby:
    store.write(partial(put, some=every))
    made = PgvectorNearby(store)
    assert made.lacks("m") == "pgvector is not enabled"
    made.prepare("m")
    assert made.lacks("m") == ""
    return made


@pytest.fixture(scope="module")
def whole(every: list[Passage]) -> Snapshot:
    return index.built(2, every)


@pytest.fixture(scope="module")
def bare(nearby: PgvectorNearby, every: list[Passage]) -> Snapshot:
    """The same index without vectors."""
    return index.built(2, [replace(each, vectors=b"") for each in every], Away(nearby, "m", readers))


def ranked(snapshot: Snapshot, query: list[Vectors], text: str, language: str) -> tuple[fusion.Candidate, ...]:
    asked: list[Vectors | None] = [query[0], query[1] if language == "en" else None]
    sketched = snapshot.away is not None  # in process: every vector
    return fusion.rank(snapshot, SPECS, asked, text, language=language, limit=3, sketched=sketched)


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_database_names_what_every_vector_finds(
    texts: Texts, vectors: list[Vectors], whole: Snapshot, bare: Snapshot, language: str
) -> None:
    assert all(matrix.rows == 0 for matrix in bare.matrices)
    for number in range(0, PASSAGES, PASSAGES // QUESTIONS):
        said = f"what of thing{number % 700} and matter{number % 311}?" if number % 3 else "and this?"
        query = texts.near(vectors, number)
        assert_equal(ranked(bare, query, said, language), ranked(whole, query, said, language))


def test_each_encoder_has_an_index_that_is_read(store: PostgresStore, nearby: PgvectorNearby) -> None:
    nearby.prepare("m")  # as at every start: nothing changes
    statement = stored.nearest_statement("m", {0: DIMENSIONS, 1: DIMENSIONS})
    query = str([0.1] * DIMENSIONS)
    with store.read() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = connection.execute(text(f"EXPLAIN {statement}"), {"query_0": query, "query_1": query})
        assert "\n".join(plan.scalars()).count("Index Scan using ix_passage_vector_") == len(SPECS)


def test_what_is_published_or_gone_since_is_followed(
    texts: Texts, vectors: list[Vectors], store: PostgresStore, bare: Snapshot, nearby: PgvectorNearby
) -> None:
    fresh = texts.some(2)
    changed = [replace(_passage(number, fresh), article_id="article 7") for number in range(2)]
    store.write(lambda tx: passages.replace(tx, "article 7", "m", changed))
    edited = index.with_article(bare, "article 7", changed)
    first = ranked(edited, texts.near(fresh, 1), "and this?", "en")[0]
    assert edited.passages[first.place].article_id == "article 7"
    store.write(lambda tx: passages.replace(tx, "article 7", "m", ()))
    assert nearby.candidates("m", {}, 0, ["article 7"]) == {}
    query = texts.near(vectors, 14)
    assert "article 7" not in {key[0] for key in nearby.candidates("m", {0: (query[0].tolist(), 1.0)}, 64, ())}
    # A process that has not heard of it yet finds others, and does not fail.
    assert ranked(edited, texts.near(fresh, 1), "and this?", "en")
    gone = index.with_article(edited, "article 7", ())
    found = [gone.passages[each.place].article_id for each in ranked(gone, query, "and this?", "en")]
    assert len(found) == 3
    assert "article 7" not in found


def test_a_hub_that_may_not_enable_it_says_so(
    make_postgres_database: Callable[..., str], postgres_server: parts.PostgresServer, postgres_template: str
) -> None:
    url = make_postgres_database(postgres_template)
    with postgres_server.connect(url.rpartition("/")[2]) as connection:
        connection.execute("CREATE ROLE guest LOGIN")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest")
    store = PostgresStore(url.replace("postgres@", "guest@"), ManualClock(), SUBSCRIPTIONS, lambda *_: None)
    nearby = PgvectorNearby(store)
    with pytest.raises(Unavailable, match="CREATE EXTENSION vector"):
        nearby.prepare("m")
    assert nearby.lacks("m") == "pgvector is not enabled"
    store.close()


def test_a_database_that_is_away_is_said_to_be(bare: Snapshot, texts: Texts, vectors: list[Vectors]) -> None:
    store = PostgresStore(
        f"postgresql+psycopg://postgres@127.0.0.1:{parts.free_port()}/x", ManualClock(), SUBSCRIPTIONS, lambda *_: None
    )
    cut_off = replace(bare, away=Away(PgvectorNearby(store), "m", readers))
    with pytest.raises(Unavailable):
        ranked(cut_off, texts.near(vectors, 1), "and this?", "en")
    store.close()


@pytest.mark.parametrize("database", ["postgres"])
def test_a_large_index_is_left_to_the_database(make_world: Callable[..., World]) -> None:
    world = make_world(CENTRALITA_KNOWLEDGE_IN_MEMORY="3")
    knowledge = cold()
    knowledge.warm()
    hub = replace(world.hub, knowledge=knowledge)

    def publish(article_id: str, title: str, body: str, locale: str = "en") -> None:
        world.store.write(
            lambda tx: articles.import_published(tx, article_id, locale=locale, title=title, body=body, by=SYSTEM)
        )

    def found(question: str) -> list[str]:
        return [each.passage for each in knowledge.search(question, language="en").answers]

    bodies = ["Follow the link", "Choose some paper", "Money comes back", "We open at nine"]
    for number, body in enumerate(bodies):
        publish(f"article {number}", f"Title {number}", body)
    indexing.index_missing(hub)
    assert indexing.nearby(hub) is None, "not before the database has the vectors"
    follower = IndexFollower(hub, indexes=True)
    follower._load(knowledge)
    assert knowledge.status()["vectors"] == "in memory"
    part = next(each for each in health.parts(hub) if each.name == "knowledge")
    assert part.detail["vectors"] == "in memory: pgvector is not enabled"
    cursor = follower._index(feed.Cursor())
    assert follower._outgrown(knowledge)
    assert not follower._outgrown(knowledge), "asked once in a while"
    follower._load(knowledge)
    assert knowledge.status()["vectors"] == "in the database"
    assert found("follow which link")[0] == "Follow the link"

    # What an editor tries is in the trial alone.
    trial = knowledge.fork()
    draft = replace(DRAFT, article_id="article 0")
    trial.replace("article 0", trial.passages(draft))
    assert trial.search("where is the parcel now", language="en").answers[0].passage == draft.body
    assert found("where is the parcel now")[:1] != [draft.body]

    # Published anew, and made internal: no trace of either's text before.
    publish("article 0", "Title 0", "Ask the courier")
    publish("article 3", "Title 3", "The secret door")
    world.store.write(lambda tx: articles.place(tx, "article 3", category_id="", internal=True, by=SYSTEM))
    indexing.index_missing(hub)
    follower.follow(cursor)
    assert found("ask which courier")[0] == "Ask the courier"
    assert "Follow the link" not in found("follow which link")
    assert not {"The secret door", "We open at nine"} & set(found("the secret door, open at nine"))
    with world.store.read() as connection:
        held = connection.execute(text("SELECT DISTINCT article_id FROM passage_vector")).scalars().all()
    assert set(held) == {"article 0", "article 1", "article 2"}
