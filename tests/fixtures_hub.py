"""A hub for tests: storage in both modes, parts with behaviour for the outside, a runner that a test drives."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import Dialect, Engine, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from werkzeug.routing import Map, RuleFactory

from hub import app
from hub.app import Assembled, build
from hub.domain.inbox import Inbox
from hub.domain.knowledge import Passage
from hub.domain.messages import Address, InboundMessage, Parsed, WebhookRequest
from hub.hub import Hub
from hub.services import inbound
from hub.settings import from_environment
from hub.store import tables as t
from hub.store.migrate import migrate
from hub.store.queries import inboxes, turns
from hub.store.unit_of_work import Store, Tx, sqlite_engine
from hub.testing.fakes import CountingPush, FakeBot, ManualClock, PaperChannel, WaitingNudger, WordKnowledge
from hub.web import flask_app

TEAM, SECOND_TEAM = "team-one", "team-two"
WEB, PAPER = "inbox-web", "inbox-paper"
ANA, BEN = "agent-ana", "agent-ben"
ORIGIN = "https://shop.example"


@dataclass
class World:
    """A hub and what a test does to it."""

    assembled: Assembled
    clock: ManualClock
    bot: FakeBot
    knowledge: WordKnowledge
    nudger: WaitingNudger
    push: CountingPush
    paper: PaperChannel
    received: list[inbound.Received] = field(default_factory=list)

    @property
    def hub(self) -> Hub:
        return self.assembled.hub

    @property
    def store(self) -> Store:
        return self.assembled.hub.store

    def inbox(self, inbox_id: str = PAPER) -> Inbox:
        with self.store.read() as connection:
            return inboxes.get(connection, inbox_id)

    def publish(self, passage: Passage) -> None:
        """An article that customers may read, with one passage."""

        def write(tx: Tx) -> None:
            tx.add(t.article_stream, {"article_id": passage.article_id})
            values = {"article_id": passage.article_id, "locale": passage.locale, "version": passage.version}
            tx.add(t.article, values)

        self.store.write(write)
        self.knowledge.replace(passage.article_id, (passage,))

    def say(
        self,
        text: str,
        *,
        sender: str = "customer-1",
        name: str = "Carla Ruiz",
        external_id: str = "",
        thread_key: str = "",
        inbox_id: str = PAPER,
        language: str = "",
        evidence: tuple[tuple[str, str, str], ...] = (),
        payload: str = "",
        reply_to: str = "",
        to: str = "",
    ) -> inbound.Received:
        """A customer's message through the inbound path."""
        inbox = self.inbox(inbox_id)
        message = InboundMessage(
            external_id=external_id or f"x-{self.clock.now()}",
            address=Address(inbox.channel, sender, inbox.id if inbox.channel == "webchat" else "", name),
            text=text,
            thread_key=thread_key,
            language=language,
            evidence=evidence,
            payload=payload,
            reply_to=reply_to,
            to=to,
        )
        request = WebhookRequest("POST", "https://hub.example/webhooks/paper", body=text.encode())
        (received,) = self.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((message,)), request))
        self.received.append(received)
        return received

    def run(self) -> int:
        """Runs everything that is due, and what follows from it. Returns how many rows were run."""
        ran = 0
        while ids := self.nudger.take():
            ran += sum(self.assembled.runner.run(outbox_id) for outbox_id in ids)
        return ran

    def conversation(self, conversation_id: str = "") -> turns.Conversation:
        with self.store.read() as connection:
            return turns.conversation(connection, conversation_id or self.received[-1].conversation_id)

    def thread(self, conversation_id: str = "") -> list[tuple[str, str, str]]:
        """(author, text, state) of a conversation's messages, in order."""
        wanted = conversation_id or self.received[-1].conversation_id
        m = t.message.c
        with self.store.read() as connection:
            rows = connection.execute(t.message.select().where(m.conversation_id == wanted).order_by(m.event_id))
            return [(row.author_kind, row.text, row.state) for row in rows]

    def kinds(self, stream_id: str = "") -> list[str]:
        """The kinds of a stream's events, in order."""
        wanted = stream_id or self.received[-1].conversation_id
        e = t.event.c
        with self.store.read() as connection:
            rows = connection.execute(t.event.select().where(e.stream_id == wanted).order_by(e.sequence))
            return [row.kind for row in rows]

    def count(self, table: object) -> int:
        with self.store.read() as connection:
            return len(connection.execute(table.select()).all())  # type: ignore[attr-defined]  # any table


def furnish(tx: Tx) -> None:
    """A small firm: two teams, two agents, a web chat and a paper inbox."""
    for team_id, name in ((TEAM, "First line"), (SECOND_TEAM, "Second line")):
        tx.add(t.team, {"id": team_id, "name": name, "tier": "1" if team_id == TEAM else "2"})
    for agent_id, name in ((ANA, "Ana"), (BEN, "Ben")):
        email = f"{name.lower()}@example.org"
        tx.add(t.agent, {"id": agent_id, "name": name, "email": email, "role": "agent", "language": "en"})
        tx.add(t.team_member, {"team_id": TEAM, "agent_id": agent_id})
    settings = f'{{"origins": ["{ORIGIN}"]}}'
    for inbox_id, channel in ((WEB, "webchat"), (PAPER, "paper")):
        values = {"id": inbox_id, "key": f"key-{channel}", "name": channel, "channel": channel, "team_id": TEAM}
        tx.add(t.inbox, values | {"settings": settings})


@pytest.fixture(scope="session", autouse=True)
def _made_once() -> Iterator[None]:
    """More than half of what a test takes that has a hub and a web application of its own, and the same for all of
    them: reading what is installed, compiling the statements that are executed, putting the routes in order."""
    first: list[Map] = []

    class KnownRoutes(Map):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            if first:
                self.__dict__ = first[0].__dict__
            else:
                first.append(self)

        def add(self, rulefactory: RuleFactory) -> None:
            if self is first[0]:
                super().add(rulefactory)

    class Application(APIFlask):
        url_map_class = KnownRoutes

    begin, statements = Engine.__init__, defaultdict[type[Dialect], LRUCache[Any, Any]](lambda: LRUCache(4000))

    def with_known_statements(engine: Engine, *arguments: Any, **options: Any) -> None:
        begin(engine, *arguments, **options)
        engine._compiled_cache = statements[type(engine.dialect)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "__init__", with_known_statements)
        for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):  # each engine has one of its own, all alike
            patch.setattr(dialect, "__eq__", lambda one, other: type(one) is type(other))
            patch.setattr(dialect, "__hash__", lambda one: hash(type(one)))
        patch.setattr(flask_app, "APIFlask", Application)
        patch.setattr(app, "entry_points", cache(entry_points))
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite3"
    engine = sqlite_engine(str(path), writing=True)
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_template(make_postgres_database: Callable[..., str]) -> str:
    """Address of a migrated, empty PostgreSQL database that nobody stays connected to."""
    url = make_postgres_database()
    engine = create_engine(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on; a test that takes it runs once on each."""
    return str(request.param)


@pytest.fixture
def make_database(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """`make_database()` gives the address of a migrated, empty database of the mode, dropped after the test."""
    server = request.getfixturevalue("postgres_server") if database == "postgres" else None
    made: list[str] = []

    def make() -> str:
        if server is None:
            path = tmp_path / f"hub{len(made) or ''}.sqlite3"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            made.append(f"sqlite:///{path}")
        else:
            template = request.getfixturevalue("postgres_template")
            made.append(request.getfixturevalue("make_postgres_database")(template))
        return made[-1]

    yield make
    if server is not None:
        for url in made:
            server.drop_database(url.rpartition("/")[2])


@pytest.fixture
def database_url(make_database: Callable[[], str]) -> str:
    """Address of a migrated, empty database of the mode."""
    return make_database()


@pytest.fixture
def make_world(database_url: str, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """`make_world()` gives a furnished hub on the test's database; a second call another process's view of it."""
    made: list[World] = []

    def make(**environment: str) -> World:
        settings = from_environment(
            {
                "CENTRALITA_DATABASE_URL": database_url,
                "CENTRALITA_REDIS_URL": "redis://127.0.0.1:1/0",
                "CENTRALITA_DATA": str(tmp_path / "data"),
                "CENTRALITA_SECRET_KEY": "a key for tests that is long enough",
                **environment,
            }
        )
        clock, bot, knowledge = (made[0].clock if made else ManualClock()), FakeBot(), WordKnowledge()
        nudger, push, paper = WaitingNudger(), CountingPush(), PaperChannel()
        assembled = build(
            settings,
            clock=clock,
            bot=bot,
            knowledge=knowledge,
            make_push=lambda _store, _redis: push,
            nudger=nudger,
            channels={"paper": lambda _parts: paper},
        )
        world = World(assembled, clock, bot, knowledge, nudger, push, paper)
        if not made:
            assembled.hub.store.write(furnish)
        made.append(world)
        return world

    yield make
    for world in made:
        world.assembled.stop()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A furnished hub."""
    return make_world()


@pytest.fixture
def hub(world: World) -> Hub:
    return world.hub


@pytest.fixture
def store(world: World) -> Store:
    return world.store
