"""`RasaBot` against a real HTTP server that behaves as it is told, mostly badly."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rasa import TEXT_LIMIT, RasaBot, Turns, clean, reply_from
from hub.domain.errors import BotError, BotTimeout
from hub.domain.knowledge import BotMessage
from hub.domain.messages import Button

TOKEN = "the channel's token"
ANSWER: dict[str, Any] = {
    "messages": [{"text": "Hello", "buttons": [{"title": "Yes", "payload": "/affirm"}]}],
    "intent": "greet",
    "confidence": 0.98,
    "fallback": False,
    "handoff_reason": "",
    "in_form": False,
    "slots": {"purpose": "refund", "order_id": "A1"},
    "verified_level": "none",
    "verification_failed": False,
    "model_id": "m1",
}
EMPTY = ANSWER | {"messages": []}


@dataclass
class Rasa:
    """A server in Rasa's place. `behave` answers (status, body) for a request, or None to hang up."""

    behave: Callable[[str, dict[str, Any]], tuple[int, bytes] | None]
    url: str = ""
    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def paths(self) -> list[str]:
        return [path.removeprefix("/webhooks/hub") for path, _ in self.seen]


def ok(answer: dict[str, Any] = ANSWER) -> tuple[int, bytes]:
    return 200, json.dumps(answer).encode()


def failing(status: int, error: str) -> tuple[int, bytes]:
    return status, json.dumps({"error": error}).encode()


@pytest.fixture
def rasa() -> Iterator[Rasa]:
    fake = Rasa(lambda _path, _body: ok())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            fake.seen.append((self.path, body))
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                made: tuple[int, bytes] | None = failing(401, "unauthorized")
            else:
                made = fake.behave(self.path.removeprefix("/webhooks/hub"), body)
            if made is None:
                self.close_connection = True
                return
            status, content = made
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that hang up are what we test
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield fake
    fake.release.set()
    server.shutdown()
    server.server_close()


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def bots() -> Iterator[Callable[..., RasaBot]]:
    made: list[RasaBot] = []

    def make(rasa: Rasa, token: str = TOKEN, **options: Any) -> RasaBot:
        made.append(RasaBot(rasa.url, token, **options))
        return made[-1]

    yield make
    for bot in made:
        bot.close()


def ask(bot: RasaBot, text: str = "hi", conversation_id: str = "c1", message_id: str = "m1", **more: Any) -> Any:
    return bot.reply(
        conversation_id=conversation_id, message_id=message_id, text=text, channel="webchat", language="en", **more
    )


def reason_of(bot: RasaBot, **more: Any) -> str:
    with pytest.raises(BotError) as caught:
        ask(bot, **more)
    return caught.value.reason


def test_a_reply_carries_everything(rasa: Rasa, bots: Callable[..., RasaBot]) -> None:
    reply = ask(bots(rasa), trusted=True, metadata={"inbox": "i1"})
    assert reply.messages == (BotMessage("Hello", (Button("Yes", "/affirm"),)),)
    assert (reply.intent, reply.confidence, reply.model_id) == ("greet", 0.98, "m1")
    assert reply.slots == (("order_id", "A1"), ("purpose", "refund"))
    assert rasa.seen == [
        (
            "/webhooks/hub/reply",
            {
                "conversation_id": "c1",
                "message_id": "m1",
                "text": "hi",
                "channel": "webchat",
                "language": "en",
                "trusted": True,
                "metadata": {"inbox": "i1"},
            },
        )
    ]


def test_not_understood_is_an_answer_without_messages(rasa: Rasa, bots: Callable[..., RasaBot]) -> None:
    rasa.behave = lambda *_: ok(EMPTY | {"fallback": True, "intent": "refund", "confidence": 0.3})
    reply = ask(bots(rasa))
    assert (reply.messages, reply.handoff_reason, reply.intent, reply.confidence) == ((), "", "refund", 0.3)


def test_a_handoff_needs_no_message(rasa: Rasa, bots: Callable[..., RasaBot]) -> None:
    rasa.behave = lambda *_: ok(EMPTY | {"handoff_reason": "customer_asked"})
    assert ask(bots(rasa)).handoff_reason == "customer_asked"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (ok(EMPTY), "empty"),
        (failing(503, "empty"), "empty"),
        (failing(503, "RasaException"), "failed"),
        (failing(500, "boom"), "failed"),
        (failing(422, "refused"), "refused"),
        (failing(503, "timeout"), "timeout"),
        ((200, b"<html>"), "bad_answer"),
        ((200, b"[]"), "bad_answer"),
        ((200, b"{}"), "bad_answer"),
        ((200, b""), "bad_answer"),
        (ok(ANSWER | {"messages": [{"text": None, "buttons": []}]}), "bad_answer"),
        (ok(ANSWER | {"slots": ["a"]}), "bad_answer"),
        (ok(ANSWER | {"confidence": "high"}), "bad_answer"),
        (None, "unreachable"),
    ],
)
def test_every_failure_has_its_reason(
    rasa: Rasa, bots: Callable[..., RasaBot], made: tuple[int, bytes] | None, reason: str
) -> None:
    rasa.behave = lambda *_: made
    assert reason_of(bots(rasa)) == reason


def test_a_wrong_token(rasa: Rasa, bots: Callable[..., RasaBot]) -> None:
    assert reason_of(bots(rasa, token="another")) == "unauthorized"


def test_nobody_listens(bots: Callable[..., RasaBot]) -> None:
    with socket.socket() as taken:  # bound, so that nobody else gets the port, but not listening
        taken.bind(("127.0.0.1", 0))
        bot = bots(Rasa(lambda *_: None, url=f"http://127.0.0.1:{taken.getsockname()[1]}"))
        assert reason_of(bot) == "unreachable"
        assert bot.status()["state"] == "down"


def test_a_hung_server_costs_the_deadline_and_no_more(rasa: Rasa, bots: Callable[..., RasaBot]) -> None:
    def hang(_path: str, _body: dict[str, Any]) -> tuple[int, bytes] | None:
        rasa.release.wait(30)
        return None

    rasa.behave = hang
    begun = time.monotonic()
    with pytest.raises(BotTimeout):
        ask(bots(rasa, deadline=1.0))
    assert time.monotonic() - begun < 1.5


def test_a_server_that_drips_is_cut_off_at_the_deadline(bots: Callable[..., RasaBot]) -> None:
    """Each byte comes in time, the whole never does: a time-out from byte to byte would wait for ever."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                try:
                    while not ended.wait(0.05):
                        connection.sendall(b" ")
                except OSError:
                    pass

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        begun = time.monotonic()
        with pytest.raises(BotTimeout):
            ask(bots(Rasa(lambda *_: None, url=f"http://127.0.0.1:{listener.getsockname()[1]}"), deadline=1.0))
        assert time.monotonic() - begun < 2.0
        ended.set()
        thread.join(60)


def test_a_connection_that_broke_is_tried_once_more(rasa: Rasa, bots: Callable[..., RasaBot]) -> None:
    answers = iter([None, ok()])
    rasa.behave = lambda *_: next(answers)
    assert ask(bots(rasa)).intent == "greet"
    assert [body["message_id"] for _, body in rasa.seen] == ["m1", "m1"]


def test_the_circuit_opens_after_three_failures_and_closes_after_a_probe(
    rasa: Rasa, bots: Callable[..., RasaBot]
) -> None:
    clock = Clock()
    bot = bots(rasa, clock=clock)
    rasa.behave = lambda *_: failing(503, "RasaException")
    assert [reason_of(bot) for _ in range(5)] == ["failed"] * 3 + ["circuit_open"] * 2
    assert rasa.paths() == ["/reply"] * 3

    clock.now += 10
    assert reason_of(bot) == "circuit_open"  # the probe failed
    assert reason_of(bot) == "circuit_open"  # and the next one waits for the cool-down
    assert rasa.paths()[3:] == ["/status"]

    clock.now += 10
    rasa.behave = lambda path, _: ok({"state": "ready"}) if path == "/status" else ok()
    assert ask(bot).intent == "greet"
    assert rasa.paths()[4:] == ["/status", "/reply"]


def test_one_failure_after_the_probe_opens_the_circuit_again(rasa: Rasa, bots: Callable[..., RasaBot]) -> None:
    clock = Clock()
    bot = bots(rasa, clock=clock)
    rasa.behave = lambda path, _: ok({"state": "ready"}) if path == "/status" else failing(500, "boom")
    for _ in range(3):
        reason_of(bot)
    clock.now += 10
    assert [reason_of(bot), reason_of(bot)] == ["failed", "circuit_open"]


@pytest.mark.parametrize("made", [failing(503, "empty"), failing(422, "refused")])
def test_a_server_that_answers_does_not_open_the_circuit(
    rasa: Rasa, bots: Callable[..., RasaBot], made: tuple[int, bytes]
) -> None:
    rasa.behave = lambda *_: made
    bot = bots(rasa)
    assert "circuit_open" not in [reason_of(bot) for _ in range(6)]


def test_only_one_caller_probes(rasa: Rasa, bots: Callable[..., RasaBot]) -> None:
    clock = Clock()
    bot = bots(rasa, clock=clock)
    rasa.behave = lambda *_: failing(500, "boom")
    for _ in range(3):
        reason_of(bot)
    clock.now += 10
    probing = threading.Event()

    def slow_probe(path: str, _body: dict[str, Any]) -> tuple[int, bytes]:
        if path == "/status":
            probing.set()
            rasa.release.wait(60)
        return ok()

    rasa.behave = slow_probe
    replies: list[Any] = []
    prober = threading.Thread(target=lambda: replies.append(ask(bot)))
    prober.start()
    assert probing.wait(60)
    assert reason_of(bot, conversation_id="c2") == "circuit_open"
    rasa.release.set()
    prober.join(60)
    assert [reply.intent for reply in replies] == ["greet"]


def test_one_message_of_a_conversation_at_a_time(rasa: Rasa, bots: Callable[..., RasaBot]) -> None:
    inside: list[str] = []
    overlaps: list[str] = []
    guard = threading.Lock()
    both_conversations = threading.Barrier(2, timeout=60)

    def watch(_path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        with guard:
            if body["conversation_id"] in inside:
                overlaps.append(body["message_id"])
            inside.append(body["conversation_id"])
        both_conversations.wait()  # c1 and c2 do run side by side
        with guard:
            inside.remove(body["conversation_id"])
        return ok()

    rasa.behave = watch
    bot = bots(rasa)
    threads = [
        threading.Thread(target=ask, args=(bot, "hi", conversation, f"{conversation}-{number}"))
        for conversation in ("c1", "c2")
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(rasa.seen) == 8
    assert overlaps == []


def test_waiting_for_the_conversation_counts_against_the_deadline() -> None:
    turns = Turns()
    with turns.one_at_a_time("c1", 1), pytest.raises(BotTimeout), turns.one_at_a_time("c1", 0.05):
        pass
    with turns.one_at_a_time("c1", 0.05):
        pass  # nothing is left held


def test_long_text_is_cut(rasa: Rasa, bots: Callable[..., RasaBot]) -> None:
    ask(bots(rasa), text="x" * 100_000)
    assert rasa.seen[0][1]["text"] == "x" * TEXT_LIMIT


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07\n"])
def test_nothing_to_say_is_not_sent(rasa: Rasa, bots: Callable[..., RasaBot], text: str) -> None:
    assert reason_of(bots(rasa), text=text) == "empty_text"
    assert rasa.seen == []


@given(st.text(st.characters(), max_size=50))
def test_cleaned_text_can_be_sent(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert not set(cleaned) & {chr(code) for code in [*range(32), 127]}


def test_clean_keeps_what_people_write() -> None:
    assert clean("¿Dónde está? 👍🏽 你好\n\tgracias\x00") == "¿Dónde está? 👍🏽 你好  gracias"
    assert clean("👨\u200d👩\u200d👧") == "👨\u200d👩\u200d👧"
    assert clean("broken \ud83d half of a pair") == "broken   half of a pair"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*ANSWER, "text", "buttons"]), inner),
    )
)
def test_no_answer_however_odd_raises_anything_but_a_bot_error(odd: Any) -> None:
    for name in ANSWER:
        try:
            reply_from(ANSWER | {name: odd})
        except BotError:
            continue


def test_told_reaches_the_memory(rasa: Rasa, bots: Callable[..., RasaBot]) -> None:
    rasa.behave = lambda *_: ok({})
    bots(rasa).told(conversation_id="c1", text="We open at nine.\x00", author="ana")
    assert rasa.seen == [("/webhooks/hub/told", {"conversation_id": "c1", "text": "We open at nine.", "author": "ana"})]


def test_status(rasa: Rasa, bots: Callable[..., RasaBot]) -> None:
    rasa.behave = lambda *_: ok({"state": "ready", "model_id": "m1", "version": "3.6.21", "actions": "ready"})
    assert bots(rasa).status() == {
        "state": "ready",
        "circuit": "closed",
        "model_id": "m1",
        "version": "3.6.21",
        "actions": "ready",
    }
    rasa.behave = lambda *_: failing(503, "x")
    assert bots(rasa).status() == {"state": "down", "reason": "failed", "circuit": "closed"}


def test_constructing_opens_no_connection(bots: Callable[..., RasaBot]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        bots(Rasa(lambda *_: None, url=f"http://127.0.0.1:{listener.getsockname()[1]}"))
        with pytest.raises(BlockingIOError):
            listener.accept()
