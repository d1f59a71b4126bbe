"""A real mailbox against the store, also under a mail server that is killed while mail arrives."""

from __future__ import annotations

import json
import os
import random
import threading
from collections.abc import Callable, Iterator

import pytest
from imapclient import IMAPClient
from sqlalchemy import func, select

from hub.domain.errors import Refused
from hub.jobs.listeners import Listeners
from hub.services import intake, reconciliation
from hub.store import tables as t
from tests.fixtures_hub import TEAM, World
from tests.parts import MailServer

MAIL = "inbox-mail"
# The issue on mail asks for five minutes of it: CENTRALITA_STORM_SECONDS=300.
STORM_SECONDS = float(os.environ.get("CENTRALITA_STORM_SECONDS", "6"))


def connect(world: World, server: MailServer) -> None:
    """An inbox that reads the mailbox `help` from its beginning."""
    imap = {"host": "127.0.0.1", "port": server.port, "security": "none", "username": "help", "begin": "all", "poll": 1}
    values = {"id": MAIL, "key": "mail", "name": "Mail", "channel": "email", "team_id": TEAM}
    sealed = world.hub.box.seal(json.dumps({"password": "secret"}))
    settings = json.dumps({"address": "help@lumbre.example", "imap": imap, "blocked": ["*@spam.example"]})
    world.store.write(lambda tx: tx.add(t.inbox, values | {"settings": settings, "secrets": sealed}))
    world.hub.inboxes.forget()


@pytest.fixture
def listen(world: World, mail_server: MailServer) -> Iterator[Callable[[], Listeners]]:
    connect(world, mail_server)
    running: list[Listeners] = []

    def start() -> Listeners:
        running.append(Listeners(world.hub))
        running[-1].start()
        return running[-1]

    yield start
    for each in running:
        each.stop()


def mail(number: int, sender: str = "ana@example.org") -> bytes:
    return f"From: {sender}\nTo: help@lumbre.example\nMessage-ID: <{number}@x>\nSubject: {number}\n\nhello".encode()


def stored(world: World) -> int:
    m = t.message.c
    with world.store.read() as connection:
        return connection.execute(select(func.count()).where(m.inbox_id == MAIL, m.kind == "incoming")).scalar_one()


def fetched(world: World) -> int:
    with world.store.read() as connection:
        return connection.execute(select(func.count()).select_from(t.source)).scalar_one()


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Waits for another thread's work."""
    waiting = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if true():
            return
        waiting.wait(0.05)
    raise AssertionError("it did not come true in time")


def test_everything_is_accounted_for(world: World, mail_server: MailServer, listen: Callable[[], Listeners]) -> None:
    mail_server.deliver(mail(1))
    mail_server.deliver(mail(1))
    mail_server.deliver(mail(2, "win@spam.example"))
    mail_server.deliver(b"no mail at all")
    listen()
    until(lambda: fetched(world) == 4)
    found = reconciliation.compare(world.hub, world.inbox(MAIL))
    assert (found.read, found.waiting, found.before, found.missing) == (4, 0, 0, ())
    assert found.states == {"stored": 2, "duplicate": 1, "refused": 1}
    assert [each.rule for each in found.refused] == ["is blocked by *@spam.example"]
    assert found.is_equal


def test_what_is_missing_is_named(world: World, mail_server: MailServer, listen: Callable[[], Listeners]) -> None:
    for number in (1, 2, 3):
        mail_server.deliver(mail(number))
    listener = listen()
    until(lambda: fetched(world) == 3)
    listener.stop()
    with world.store.read() as connection:
        newest = connection.execute(select(t.source.c.id).order_by(t.source.c.id.desc()).limit(1)).scalar_one()
    world.store.write(lambda tx: tx.remove(t.source, {"id": newest}))
    mail_server.deliver(mail(4))
    found = reconciliation.compare(world.hub, world.inbox(MAIL))
    assert [each.subject for each in found.missing] == ["3"]
    assert found.waiting == 1
    assert not found.is_equal


def test_only_a_mailbox_can_be_compared(world: World) -> None:
    with pytest.raises(Refused):
        reconciliation.compare(world.hub, world.inbox())


@pytest.mark.timeout(2 * STORM_SECONDS + 400)
def test_a_server_that_is_killed_again_and_again_loses_and_doubles_nothing(
    world: World, mail_server: MailServer, listen: Callable[[], Listeners]
) -> None:
    """Mail arrives while the server is killed at random, another program reads and files some of what was fetched."""
    chance = random.Random(7)  # noqa: S311  # a reproducible storm
    over = threading.Event()
    threading.Timer(STORM_SECONDS, over.set).start()
    listen()
    delivered = 0
    while not over.is_set():
        for _ in range(chance.randrange(1, 6)):
            delivered += 1
            mail_server.deliver(mail(delivered))
        if chance.random() < 0.3:
            mail_server.kill()
            over.wait(chance.random())
            mail_server.start()
        over.wait(chance.random() / 4)
    until(lambda: fetched(world) >= delivered, seconds=60 + STORM_SECONDS)
    with IMAPClient("127.0.0.1", port=mail_server.port, ssl=False, timeout=60) as other:
        other.login("help", "secret")
        other.select_folder("INBOX")
        lying = other.search(["ALL"])
    found = reconciliation.compare(world.hub, world.inbox(MAIL))
    print(f"{delivered} mails delivered, {fetched(world)} fetched, {stored(world)} stored")
    assert (len(lying), fetched(world), stored(world)) == (delivered, delivered, delivered)
    assert found.is_equal
    assert found.states == {"stored": delivered}
    with world.store.read() as connection:
        ids = connection.execute(select(t.source.c.id)).scalars().all()
    assert all(world.hub.files.get(intake.key(each)) for each in ids)
