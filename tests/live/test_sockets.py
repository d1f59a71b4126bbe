"""Web sockets against the real server: who is let in, who hears what, who may say what."""

from __future__ import annotations

import queue
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
import socketio
import websocket

from tests.fixtures_hub import ORIGIN
from tests.live.conftest import Chat, Desk, Home, Server, hang_up, running

OpenChat = Callable[[Server], Chat]
OpenDesk = Callable[[Server], Desk]
MakeHome = Callable[[str], Home]
Json = dict[str, Any]
# For what the database has no part in.
ONE_DATABASE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


def handshake(server: Server, **options: Any) -> websocket.WebSocket:
    """A bare web socket to the hub; raises what the handshake was answered with."""
    address = server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    return websocket.create_connection(address, timeout=60, **options)


# --- who is let in ----------------------------------------------------------------------------------------------------


@ONE_DATABASE
@pytest.mark.parametrize(
    "origin", ["https://evil.example", ORIGIN, "http://127.0.0.1", "null", "http://127.0.0.1.evil.example"]
)
def test_pages_of_others_get_no_socket(server: Server, origin: str) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        handshake(server, origin=origin)
    assert refused.value.status_code == 403
    with pytest.raises(websocket.WebSocketBadStatusException):
        handshake(server, suppress_origin=True)


@ONE_DATABASE
def test_there_is_no_long_polling(server: Server) -> None:
    assert httpx.get(f"{server.url}/socket.io/?EIO=4&transport=polling").status_code == 400


@ONE_DATABASE
def test_who_has_no_session_is_refused(server: Server, open_chat: OpenChat, open_desk: OpenDesk) -> None:
    def refused(namespace: str, auth: Json | None, headers: dict[str, str]) -> Any:
        client = socketio.Client(reconnection=False)
        answers: queue.Queue[Any] = queue.Queue()
        client.on("connect_error", answers.put, namespace=namespace)
        with pytest.raises(socketio.exceptions.ConnectionError):
            client.connect(server.url, transports=["websocket"], namespaces=[namespace], auth=auth, headers=headers)
        hang_up(client)
        return answers.get(timeout=60)

    chat, desk = open_chat(server), open_desk(server)
    agents_cookie = desk.headers()
    assert refused("/agents", None, {}) == {"message": "not_signed_in"}
    assert refused("/agents", None, {"Cookie": "centralita=somebody"}) == {"message": "not_signed_in"}
    assert refused("/agents", {"token": chat.visit["socket_token"]}, {}) == {"message": "not_signed_in"}
    assert refused("/widget", None, agents_cookie) == {"message": "bad_signature"}
    assert refused("/widget", {"token": ""}, {}) == {"message": "bad_signature"}
    assert refused("/widget", {"token": 7}, {}) == {"message": "bad_signature"}
    assert refused("/widget", {"token": chat.visit["visitor_token"]}, {}) == {"message": "bad_signature"}
    desk.http.delete("/api/v1/session")
    assert refused("/agents", None, agents_cookie) == {"message": "not_signed_in"}


# --- who hears what ---------------------------------------------------------------------------------------------------


def test_everybody_hears_what_is_theirs_in_order(server: Server, open_chat: OpenChat, open_desk: OpenDesk) -> None:
    desk, ana, ben = open_desk(server), open_chat(server), open_chat(server)
    for screen in (desk, ana, ben):
        screen.connect()
        screen.catch_up()
    said = [f"ana {number}" for number in range(5)]
    for text in said:
        conversation_id = ana.say(text)["conversation_id"]
    ben.say("ben")
    ana.wait_for(lambda: set(said) <= set(ana.texts))
    ben.wait_for(lambda: "ben" in ben.texts)
    desk.wait_for(lambda: {*said, "ben"} <= set(desk.texts))
    assert [text for text in ana.texts if text.startswith("ana")] == said
    assert [text for text in desk.texts if text.startswith("ana")] == said
    assert not [text for text in ben.texts if text.startswith("ana")]
    assert desk.gaps == 0
    client_id = "answer-1"
    desk.post(f"/api/v1/conversations/{conversation_id}/messages", {"client_id": client_id, "text": "Hello Ana"})
    desk.post(
        f"/api/v1/conversations/{conversation_id}/messages",
        {"client_id": "note-1", "text": "a nasty note", "kind": "note"},
    )
    ana.wait_for(lambda: "Hello Ana" in ana.texts)
    desk.wait_for(lambda: "a nasty note" in desk.texts)
    answer = next(each["message"] for each in ana.entries if each["message"] and each["message"]["text"] == "Hello Ana")
    assert (answer["sender"], answer["author_name"]) == ("agent", "Zoe")
    statuses = [each["status"] for each in ana.entries if each["status"]]
    assert statuses[-1] == {"status": "assigned", "place": None, "agent_name": "Zoe"}
    ana.say("thanks")
    ana.wait_for(lambda: "thanks" in ana.texts)
    assert "a nasty note" not in str(ana.entries)
    assert "Hello Ana" not in str(ben.entries)


def test_all_tabs_of_a_visitor_hear_the_same(server: Server, open_chat: OpenChat) -> None:
    first, second = open_chat(server), open_chat(server)
    second.visit = first.visit
    second.open()
    first.connect()
    second.connect()
    first.say("hello")
    first.wait_for(lambda: "hello" in first.texts)
    second.wait_for(lambda: "hello" in second.texts)


# --- who is writing ---------------------------------------------------------------------------------------------------


def test_typing_goes_both_ways_and_is_kept_nowhere(server: Server, open_chat: OpenChat, open_desk: OpenDesk) -> None:
    desk, ana, ben = open_desk(server), open_chat(server), open_chat(server)
    for screen in (desk, ana, ben):
        screen.connect()
    conversation_id = ana.say("hello")["conversation_id"]
    desk.wait_for(lambda: "hello" in desk.texts)
    ana.emit("typing", {"on": True})
    heard = desk.typing.get(timeout=60)
    assert (heard["conversation_id"], heard["on"], heard["author"]["kind"]) == (conversation_id, True, "contact")
    desk.emit("typing", {"conversation_id": conversation_id, "on": True})
    desk.emit("typing", {"conversation_id": conversation_id, "on": False})
    assert ana.typing.get(timeout=60) == {"author_name": "Zoe", "on": True}
    assert ana.typing.get(timeout=60) == {"author_name": "Zoe", "on": False}
    assert desk.typing.get(timeout=60)["author"]["name"] == "Zoe"
    assert ben.typing.empty()
    after = desk.cursor
    desk.catch_up()
    assert "typing" not in str(desk.entries).lower()
    assert desk.cursor == after or "Typing" not in str(desk.entries)


@ONE_DATABASE
def test_what_makes_no_sense_is_refused_with_field_and_rule(
    server: Server, open_chat: OpenChat, open_desk: OpenDesk
) -> None:
    desk, ana = open_desk(server), open_chat(server)
    desk.connect()
    ana.connect()
    for data, field in (({}, "on"), ({"on": 1}, "on"), ("on", "on"), (None, "on")):
        answer = ana.emit("typing", data)
        assert isinstance(answer, dict)
        assert (answer["field"], answer["rule"]) == (field, "must be true or false")
    assert desk.emit("typing", {"on": True})["field"] == "conversation_id"  # type: ignore[index]
    assert desk.emit("typing", {"conversation_id": "never", "on": True})["error_id"] == "not_found"  # type: ignore[index]
    ana.emit("typing", {"on": True})  # nobody has written yet: there is nothing to write in
    ana.say("hello")
    desk.wait_for(lambda: "hello" in desk.texts)
    assert desk.typing.empty()


@ONE_DATABASE
def test_who_types_faster_than_anybody_can_is_not_heard(
    server: Server, open_chat: OpenChat, open_desk: OpenDesk
) -> None:
    desk, ana = open_desk(server), open_chat(server)
    desk.connect()
    ana.connect()
    ana.say("hello")
    for number in range(50):
        ana.emit("typing", {"on": number % 2 == 0})
    ana.say("done")
    desk.wait_for(lambda: "done" in desk.texts)
    assert 8 <= desk.typing.qsize() < 25


@ONE_DATABASE
def test_a_message_that_is_too_long_ends_the_socket(server: Server, open_chat: OpenChat) -> None:
    bare = handshake(server)
    assert bare.recv().startswith("0")
    bare.send("4" + "x" * 100_000)
    opcode = websocket.ABNF.OPCODE_TEXT
    with suppress(websocket.WebSocketException, OSError):
        while opcode not in (websocket.ABNF.OPCODE_CLOSE, None):
            opcode, _ = bare.recv_data(control_frame=True)
    with pytest.raises((websocket.WebSocketException, OSError)):
        bare.recv()
    bare.close()


# --- limits and ends --------------------------------------------------------------------------------------------------


def test_at_the_limit_a_handshake_gets_503_and_everything_else_is_served(
    make_home: MakeHome, open_chat: OpenChat
) -> None:
    with running(make_home("sqlite"), CENTRALITA_THREADS="66") as server:
        first, second = handshake(server), handshake(server)
        for _ in range(3):
            with pytest.raises(websocket.WebSocketBadStatusException) as refused:
                handshake(server)
            assert refused.value.status_code == 503
            assert int(refused.value.resp_headers["retry-after"]) > 0
        chat = open_chat(server)
        chat.say("by HTTP")
        chat.catch_up()
        assert "by HTTP" in chat.texts
        first.close()
        deadline = time.monotonic() + 60
        while True:
            try:
                handshake(server).close()
                break
            except websocket.WebSocketBadStatusException:
                assert time.monotonic() < deadline
        second.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_open_sockets(
    make_home: MakeHome, open_chat: OpenChat, open_desk: OpenDesk, how: signal.Signals
) -> None:
    with running(make_home("sqlite")) as server:
        screens = [open_desk(server), *(open_chat(server) for _ in range(5))]
        for screen in screens:
            screen.connect()
        bare = handshake(server)
        server.process.send_signal(how)
        assert server.process.wait(60) == 0
        assert "Traceback" not in server.log.read_text()
        bare.close()


def test_a_hung_screen_holds_up_nobody(server: Server, open_chat: OpenChat, open_desk: OpenDesk) -> None:
    desk, hung = open_desk(server), open_desk(server)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", int(server.url.rpartition(":")[2])))
    bare = handshake(server, socket=raw, header=[f"Cookie: {hung.headers()['Cookie']}"])
    assert bare.recv().startswith("0")
    bare.send("40/agents,")
    assert bare.recv().startswith("40/agents,{")
    desk.connect()  # and the other one never reads again
    said = []
    for person in range(10):
        chat = open_chat(server)
        for number in range(20):
            said.append(f"person {person} says {number} ".ljust(40, "-"))
            chat.say(said[-1] + "x" * 9_000)
    last = open_chat(server)
    for number in range(10):
        last.say(f"last {number}")
        # Whoever waited for the hung one would wait for ever: it never reads again.
        desk.wait_for(lambda text=f"last {number}": text in desk.texts)
    assert [text.rstrip("x") for text in desk.texts if "xxx" in text] == said
    raw.close()


@ONE_DATABASE
def test_an_upload_over_the_limit_is_refused_while_it_is_still_coming_in(server: Server, open_chat: OpenChat) -> None:
    chat = open_chat(server)
    limit = chat.visit["settings"]["attachment_limit"]
    head = (
        "POST /widget/v1/attachments HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {chat.http.headers['Authorization']}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n"
    )
    part = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), 10) as connection:
        # It says how long it will be: not a byte of it is read.
        connection.sendall(f"{head}Content-Length: 1000000000\r\n\r\n{part}".encode())
        answer = connection.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 413")

    def endless() -> Any:
        yield part.encode()
        yield b"\x89PNG\r\n\x1a\n"
        for _ in range(limit // 65536 + 2):
            yield b"\0" * 65536

    # Not kept for the next request: what is left of the body is thrown away for a while, then the server hangs up.
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Connection": "close"}
    problem = chat.http.post("/widget/v1/attachments", content=endless(), headers=headers)
    assert problem.status_code == 413
    assert str(limit) in problem.json()["rule"]
    picture = b"\x89PNG\r\n\x1a\n" + b"\0" * (limit - 8)
    assert chat.http.post("/widget/v1/attachments", files={"file": ("a.png", picture)}).json()["size"] == limit
    too_long = chat.http.post("/widget/v1/attachments", files={"file": ("a.png", picture + b"\0")})
    assert too_long.status_code == 413
