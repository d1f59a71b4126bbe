"""Nothing missing, nothing doubled: whatever happens between a screen and the feed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress

import jwt
import pytest

from hub.domain.messages import Address, InboundMessage, Parsed, WebhookRequest
from hub.live import push
from hub.services import inbound
from hub.store.queries import inboxes
from hub.store.unit_of_work import Tx
from tests.fixtures_hub import PAPER, WEB
from tests.live.conftest import BY_HINTS, Chat, Desk, Screen, Server, running

OpenChat = Callable[[Server], Chat]
OpenDesk = Callable[[Server], Desk]
ON_POSTGRES = pytest.mark.parametrize("server", ["postgres"], indirect=True)


class Talker(threading.Thread):
    """A customer who writes one message after another until told to stop."""

    def __init__(self, chat: Chat) -> None:
        super().__init__(daemon=True)
        self.chat, self.said, self.stopping = chat, list[str](), threading.Event()
        self.enough = threading.Event()

    def run(self) -> None:
        # The hub lets one visitor write 20 at once, then one a second.
        while len(self.said) < 18 and not self.stopping.is_set():
            text = f"talk {len(self.said)}"
            self.chat.say(text)
            self.said.append(text)
            if len(self.said) >= 4:
                self.enough.set()

    def finish(self) -> list[str]:
        self.join(30)
        return self.said


def talked(screen: Screen) -> list[str]:
    return [text for text in screen.texts if text.startswith("talk")]


def everything(screen: Screen) -> list[str]:
    """Its entries, by their places in the feed."""
    return [entry["cursor"] for entry in screen.entries]


def test_a_socket_that_connects_while_messages_flow_misses_none_and_doubles_none(
    server: Server, open_chat: OpenChat, open_desk: OpenDesk
) -> None:
    for _ in range(3):
        chat, second_tab, desk = open_chat(server), open_chat(server), open_desk(server)
        talker = Talker(chat)
        talker.start()
        assert talker.enough.wait(30)
        second_tab.visit = chat.visit
        second_tab.open()
        for screen in (second_tab, desk):
            screen.connect()
            screen.catch_up()
        said = talker.finish()
        for screen in (second_tab, desk):
            screen.wait_for(lambda screen=screen, last=said[-1]: last in talked(screen))
            assert everything(screen) == sorted(
                set(everything(screen)), key=lambda each: tuple(map(int, each.split(".")))
            )
        assert talked(desk) == said
        # The chat began with what was said before its session, and went on from there without a seam.
        history = [entry["message"]["text"] for entry in second_tab.visit["entries"] if entry["message"]]
        seen = [*history, *(text for text in talked(second_tab) if text not in history)]
        assert [text for text in seen if text.startswith("talk")] == said
        assert desk.gaps == 0


def test_sixty_seconds_offline_are_caught_up_by_cursor(
    server: Server, open_chat: OpenChat, open_desk: OpenDesk
) -> None:
    chat, desk = open_chat(server), open_desk(server)
    for screen in (chat, desk):
        screen.connect()
        screen.catch_up()
    conversation_id = chat.say("talk before")["conversation_id"]
    for screen in (chat, desk):
        screen.wait_for(lambda screen=screen: "talk before" in screen.texts)
        screen.disconnect()
    # However long it lasts: what counts is that the screen was not there.
    chat.say("talk meanwhile")
    for number in range(12):
        body = {"client_id": f"away-{number}", "text": f"talk answer {number}"}
        desk.post(f"/api/v1/conversations/{conversation_id}/messages", body)
    chat.open()  # a socket's token lives for a minute
    for screen in (chat, desk):
        screen.connect()
        chat_is_back = f"talk back {screen.namespace}"
        chat.say(chat_is_back.replace("/", ""))
        screen.catch_up()
    wanted = [
        "talk before",
        "talk meanwhile",
        *(f"talk answer {number}" for number in range(12)),
        "talk back widget",
        "talk back agents",
    ]
    for screen in (chat, desk):
        screen.wait_for(lambda screen=screen: "talk back agents" in screen.texts)
        assert talked(screen) == wanted


def test_polling_tells_the_same_as_the_socket(server: Server, open_chat: OpenChat, open_desk: OpenDesk) -> None:
    live, polling, desk = open_chat(server), open_chat(server), open_desk(server)
    polling.visit = live.visit
    polling.open()
    polling.entries, polling.cursor = list(live.entries), live.cursor
    live.connect()
    conversation_id = live.say("talk one")["conversation_id"]
    desk.post(f"/api/v1/conversations/{conversation_id}/take", {})
    desk.post(f"/api/v1/conversations/{conversation_id}/messages", {"client_id": "c", "text": "talk two"})
    desk.post(f"/api/v1/conversations/{conversation_id}/resolve", {})
    live.say("talk three")
    live.wait_for(lambda: "talk three" in live.texts)
    polling.catch_up()
    live_messages = [entry["message"] for entry in live.entries if entry["message"]]
    polled_messages = [entry["message"] for entry in polling.entries if entry["message"]]
    for ours, theirs in zip(live_messages, polled_messages, strict=True):
        assert {**ours, "delivery": None} == {**theirs, "delivery": None}
    last = [[entry["status"] for entry in screen.entries if entry["status"]][-1] for screen in (live, polling)]
    assert last[0] == last[1]


@ON_POSTGRES
def test_an_open_transaction_holds_events_back_and_loses_none(
    server: Server, open_chat: OpenChat, open_desk: OpenDesk
) -> None:
    chat, desk = open_chat(server), open_desk(server)
    chat.say("talk first")
    chat.catch_up()
    for screen in (chat, desk):
        screen.connect()
        screen.catch_up()
    writing, may_commit = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        """Takes its event's number early and commits late."""
        inbox = inboxes.get(tx.connection, PAPER)
        message = InboundMessage("slow", Address("paper", "slow-customer", "", "Sam"), "talk slow")
        inbound.accept(tx, inbox, Parsed((message,)), WebhookRequest("POST", "https://hub.example"))
        writing.set()
        assert may_commit.wait(30)

    with server.home.store() as store:
        writer = threading.Thread(target=store.write, args=(slow,))
        writer.start()
        try:
            assert writing.wait(60)
            chat.say("talk quick")
            for screen in (chat, desk):
                with suppress(queue.Empty):
                    screen.wait_for(lambda screen=screen: "talk quick" in screen.texts, timeout=1.5)
                screen.catch_up()
                assert "talk quick" not in screen.texts
        finally:
            may_commit.set()
            writer.join(60)
    for screen in (chat, desk):
        screen.wait_for(lambda screen=screen: "talk quick" in screen.texts)
    assert talked(desk)[-2:] == ["talk slow", "talk quick"]
    assert talked(chat) == ["talk first", "talk quick"]
    assert desk.gaps == 0


@ON_POSTGRES
def test_two_processes_tell_each_other_and_nobody_twice(
    server: Server, open_chat: OpenChat, open_desk: OpenDesk
) -> None:
    with running(server.home, BY_HINTS) as one, running(server.home, BY_HINTS) as other:
        chat, elsewhere = open_chat(one), open_chat(other)
        here, there = open_desk(one), open_desk(other)
        elsewhere.visit = chat.visit
        elsewhere.open()
        for screen in (chat, elsewhere, here, there):
            screen.connect()
            screen.catch_up()
        said = [f"talk {number}" for number in range(10)]
        for text in said:
            chat.say(text)
            for screen in (chat, elsewhere, here, there):
                screen.wait_for(lambda screen=screen, text=text: text in screen.texts)
        conversation_id = chat.say("talk last")["conversation_id"]
        for screen in (chat, elsewhere, here, there):
            screen.wait_for(lambda screen=screen: "talk last" in screen.texts)
            assert talked(screen) == [*said, "talk last"]
            assert everything(screen) == list(dict.fromkeys(everything(screen)))
        here.emit("typing", {"conversation_id": conversation_id, "on": True})
        for heard in (chat.typing, elsewhere.typing):
            assert heard.get(timeout=60) == {"author_name": "Zoe", "on": True}
        for heard in (here.typing, there.typing):
            assert heard.get(timeout=60)["author"]["name"] == "Zoe"
        here.emit("typing", {"conversation_id": conversation_id, "on": False})
        for heard in (chat.typing, there.typing):
            assert heard.get(timeout=60)["on"] is False
            assert heard.empty()


@ON_POSTGRES
def test_without_hints_it_takes_a_second_and_nothing_is_lost(
    server: Server, open_chat: OpenChat, open_desk: OpenDesk
) -> None:
    assert push.POLL == 1
    chat, desk = open_chat(server), open_desk(server)
    for screen in (chat, desk):
        screen.connect()
        screen.catch_up()
    # Written by a process that tells nobody.
    visitor = visitor_of(chat)
    with server.home.store() as store:
        for number in range(3):
            store.write(lambda tx, number=number: write(tx, visitor, f"talk {number}"))
    for screen in (chat, desk):
        screen.wait_for(lambda screen=screen: "talk 2" in screen.texts)
        assert talked(screen)[-3:] == ["talk 0", "talk 1", "talk 2"]


def visitor_of(chat: Chat) -> str:
    claims = jwt.decode(chat.visit["visitor_token"], options={"verify_signature": False})
    return str(claims["sub"])


def write(tx: Tx, visitor: str, text: str) -> None:
    inbox = inboxes.get(tx.connection, WEB)
    message = InboundMessage(f"{visitor}:{text}", Address("webchat", visitor, WEB), text)
    inbound.accept(tx, inbox, Parsed((message,)), WebhookRequest("POST", "https://hub.example"))
