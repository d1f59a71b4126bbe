"""Files that a provider keeps: fetched in jobs of their own, shown when they are here, refused with a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from hub.domain.errors import ChannelError, NotFound
from hub.domain.events import Actor
from hub.domain.messages import Address, Author, InboundMessage, Parsed, RemoteMedia, WebhookRequest
from hub.hub import Hub
from hub.ports import FetchedFile
from hub.services import attachments, inbound, merging
from hub.store import feed, replay
from hub.store import tables as t
from hub.store.queries import messages as message_queries
from hub.web import render
from tests.fixtures_hub import ANA, PAPER, WEB, World

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(20))
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
MINUTE = 60_000_000


@pytest.fixture
def world(world: World) -> World:
    """A paper inbox that takes pictures and PDFs of up to 1,000 bytes, and that people answer."""
    capabilities = replace(
        world.paper.capabilities, attachments=True, attachment_limit=1000, media_types=("image/png", "application/pdf")
    )
    world.paper.capabilities = capabilities
    world.store.write(lambda tx: tx.change(t.inbox, {"channel": "paper"}, {"settings": '{"rules": {"bot": false}}'}))
    return world


def receive(world: World, *files: RemoteMedia, external_id: str = "", inbox_id: str = PAPER) -> str:
    """A customer's message with files; returns its id."""
    inbox = world.inbox(inbox_id)
    address = Address(inbox.channel, "customer-1")
    said = InboundMessage(external_id or f"x-{world.clock.now()}", address, "look", media=files)
    request = WebhookRequest("POST", "https://hub.example/webhooks/paper")
    (received,) = world.store.write(lambda tx: inbound.accept(tx, inbox, Parsed((said,)), request))
    world.received.append(received)
    return received.message_id


def shown(world: World, message_id: str) -> Any:
    """The message as screens see it."""
    with world.store.read() as connection:
        return render.message(message_queries.get(connection, message_id), attachments.links(world.hub))


def state(world: World, message_id: str) -> list[tuple[str, str]]:
    return [(each.state, each.reason) for each in shown(world, message_id).missing_media]


def agree(world: World) -> bool:
    with world.store.read() as connection:
        return replay.check(connection).differences == []


def test_a_file_is_pending_and_then_an_attachment(world: World) -> None:
    world.paper.files["https://p/1"] = FetchedFile(PNG, "text/html", "../../cat.html")
    message_id = receive(world, RemoteMedia("https://p/1", "image/jpeg", size=36))
    before = shown(world, message_id)
    assert (before.attachments, [each.state for each in before.missing_media]) == ([], ["pending"])
    assert before.missing_media[0].media_type == "image/jpeg"
    assert agree(world)
    world.run()
    after = shown(world, message_id)
    (attachment,) = after.attachments
    assert (attachment.name, attachment.media_type, attachment.size) == ("cat.html.png", "image/png", len(PNG))
    assert after.missing_media == []
    assert world.hub.files.get(attachments.key(attachment.id)) == PNG
    assert world.kinds()[-2:] == ["MediaAnnounced", "MediaFetched"]
    assert agree(world)


def test_screens_are_told_in_the_feed_with_the_message_as_it_is_then(world: World) -> None:
    with world.store.read() as connection:
        cursor = feed.head(connection)
    world.paper.files["https://p/1"] = FetchedFile(PNG)
    message_id = receive(world, RemoteMedia("https://p/1"), RemoteMedia("https://p/gone"))
    world.run()
    with world.store.read() as connection:
        entries = render.entries(connection, feed.read(connection, cursor), world.hub)
    told = [entry for entry in entries if entry.kind in ("MediaAnnounced", "MediaFetched", "MediaRefused")]
    assert [entry.kind for entry in told] == ["MediaAnnounced", "MediaAnnounced", "MediaFetched", "MediaRefused"]
    for entry in told:
        assert entry.message is not None
        assert entry.message.id == message_id
        assert [each.reason for each in entry.message.missing_media] == ["gone"]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (FetchedFile(b"<html><script>alert(1)</script>", "image/png", "cat.png"), "type_refused"),
        (FetchedFile(b"MZ\x90\x00" + bytes(60), "image/png"), "type_refused"),
        (FetchedFile(b"", "image/png"), "empty"),
        (FetchedFile(PNG + bytes(1000), "image/png"), "too_large"),
        (ChannelError("address_refused", permanent=True), "address_refused"),
        (ChannelError("20404", permanent=True), "20404"),
    ],
)
def test_a_file_that_will_not_do_is_refused_with_its_reason(
    world: World, file: FetchedFile | Exception, reason: str
) -> None:
    world.paper.files["https://p/1"] = file
    message_id = receive(world, RemoteMedia("https://p/1", "image/png"))
    world.run()
    assert state(world, message_id) == [("refused", reason)]
    assert world.count(t.attachment) == 0
    assert agree(world)


def test_what_is_announced_as_too_large_is_not_asked_for(world: World) -> None:
    asked: list[str] = []
    world.paper.fetch_media = lambda media: asked.append(media.url)  # type: ignore[assignment,method-assign,func-returns-value,return-value]
    message_id = receive(world, RemoteMedia("https://p/1", "image/png", size=1001))
    world.run()
    assert (state(world, message_id), asked) == ([("refused", "too_large")], [])


def test_a_provider_that_is_down_is_asked_again_and_in_the_end_given_up(world: World) -> None:
    world.paper.files["https://p/1"] = ChannelError("http_503")
    message_id = receive(world, RemoteMedia("https://p/1"))
    (outbox_id,) = world.nudger.take()
    runs = 0
    while state(world, message_id) == [("pending", "")]:
        assert world.assembled.runner.run(outbox_id) is True
        world.clock.pass_time(10 * MINUTE)
        runs += 1
    assert (runs, state(world, message_id)) == (6, [("refused", "http_503")])


def test_a_channel_that_breaks_on_a_file_refuses_it_in_the_end(world: World) -> None:
    world.paper.files["https://p/1"] = KeyError("a field that was always there")
    message_id = receive(world, RemoteMedia("https://p/1"))
    (outbox_id,) = world.nudger.take()
    while world.assembled.runner.run(outbox_id):
        world.clock.pass_time(10 * MINUTE)
    assert state(world, message_id) == [("refused", "gave_up")]
    assert agree(world)


def test_no_file_waits_for_another_one(world: World) -> None:
    world.paper.files |= {"https://p/bad": ChannelError("http_503"), "https://p/good": FetchedFile(PNG)}
    first = receive(world, RemoteMedia("https://p/bad"), RemoteMedia("https://p/good"))
    second = receive(world, RemoteMedia("https://p/good"))
    for outbox_id in world.nudger.take():
        assert world.assembled.runner.run(outbox_id) is True
    assert [len(shown(world, each).attachments) for each in (first, second)] == [1, 1]
    assert state(world, first) == [("pending", "")]


def test_files_stand_in_the_order_of_the_message_whichever_comes_first(world: World) -> None:
    world.paper.files |= {f"https://p/{name}": FetchedFile(PDF, "", name) for name in ("a", "b", "c")}
    message_id = receive(world, *(RemoteMedia(f"https://p/{name}") for name in ("a", "b", "c")))
    for outbox_id in reversed(world.nudger.take()):
        world.assembled.runner.run(outbox_id)
    assert [each.name for each in shown(world, message_id).attachments] == ["a.pdf", "b.pdf", "c.pdf"]


def test_a_crash_after_the_bytes_were_kept_leaves_one_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.paper.files["https://p/1"] = FetchedFile(PNG)
    message_id = receive(world, RemoteMedia("https://p/1"))
    (outbox_id,) = world.nudger.take()
    kept: list[str] = []
    put = type(world.hub.files).put

    def dies(files: Any, key: str, content: bytes) -> None:
        put(files, key, content)
        kept.append(key)
        if len(kept) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(type(world.hub.files), "put", dies)
    with pytest.raises(KeyboardInterrupt):
        world.assembled.runner.run(outbox_id)
    world.clock.pass_time(10 * MINUTE)
    assert world.assembled.runner.run(outbox_id) is True
    assert len(kept) == 2
    assert len(set(kept)) == 1
    assert [attachments.key(each.id) for each in shown(world, message_id).attachments] == kept[:1]
    assert world.assembled.runner.run(outbox_id) is False


def test_a_repeated_webhook_announces_nothing_twice(world: World) -> None:
    for _ in range(3):
        receive(world, RemoteMedia("https://p/1"), external_id="same")
    assert world.count(t.remote_media) == 1


def test_a_file_follows_its_message_into_another_conversation(world: World) -> None:
    world.paper.files["https://p/1"] = FetchedFile(PNG)
    receive(world)
    message_id = receive(world, RemoteMedia("https://p/1"))
    from_id = world.received[-1].conversation_id
    _, new_id = world.store.write(lambda tx: merging.split(tx, from_id, (message_id,), Actor(Author.AGENT, ANA)))
    world.run()
    assert world.kinds(new_id)[-1] == "MediaFetched"
    assert len(shown(world, message_id).attachments) == 1
    assert agree(world)


def test_a_channel_that_cannot_fetch_refuses_what_it_announced(world: World) -> None:
    message_id = receive(world, RemoteMedia("https://p/1"), inbox_id=WEB)
    world.run()
    assert state(world, message_id) == [("refused", "not_fetched")]


def test_nobody_can_send_a_customers_file_as_their_own(world: World) -> None:
    world.paper.files["https://p/1"] = FetchedFile(PNG)
    message_id = receive(world, RemoteMedia("https://p/1"))
    world.run()
    with world.store.read() as connection:
        row = connection.execute(select(t.attachment)).one()
    assert (row.message_id, row.owner) == (message_id, "")


def test_replay_tells_where_a_files_row_is_not_what_the_log_says(hub: Hub, world: World) -> None:
    receive(world, RemoteMedia("https://p/1"))
    world.run()
    hub.store.write(lambda tx: tx.change(t.remote_media, {"state": "refused"}, {"state": "fetched"}))
    with hub.store.read() as connection:
        (difference,) = replay.check(connection).differences
    assert difference.startswith("file: the row says")


def test_the_row_keeps_what_the_provider_said(world: World) -> None:
    receive(world, RemoteMedia("https://p/1", "image/png", "cat.png", 12))
    with world.store.read() as connection:
        row = connection.execute(select(t.remote_media)).one()
        extras = connection.execute(select(t.message.c.extras)).scalar_one()
    assert (row.url, row.media_type, row.name, row.size) == ("https://p/1", "image/png", "cat.png", 12)
    assert "attachments" not in json.loads(extras or "{}")
    with pytest.raises(NotFound):
        world.hub.files.get(attachments.key(row.id))
