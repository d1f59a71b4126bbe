"""Sockets with two threads instead of four: pings by one thread for all, nobody who only reads, no compression.
And packets that are sent by who has them, in their order, while their reader keeps up."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator

import engineio
import pytest
import websocket
from engineio import packet
from engineio.socket import Socket

from hub.live import wire
from hub.live.gate import _SendsAll
from hub.live.wire import Outgoing, Pings, Shared
from tests.live.conftest import Server
from tests.live.test_sockets import ONE_DATABASE, handshake


def test_pings_come_at_their_time_and_without_a_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engineio.Server(async_mode="threading", ping_interval=25)
    pings, threads = Pings(engine), threading.active_count()
    stays, leaves = Socket(engine, "stays"), Socket(engine, "leaves")
    for each in (stays, leaves):
        each.schedule_ping()
    assert threading.active_count() == threads
    leaves.closed = True
    now = time.monotonic()
    monkeypatch.setattr(wire.time, "monotonic", lambda: now + 24)
    pings.send_due()
    assert stays.queue.empty()
    monkeypatch.setattr(wire.time, "monotonic", lambda: now + 26)
    pings.send_due()
    assert stays.queue.get_nowait().packet_type == packet.PING
    assert leaves.queue.empty()
    pings.send_due()
    assert stays.queue.empty(), "asked once, until it answers"
    stays.receive(packet.Packet(packet.PONG))
    monkeypatch.setattr(wire.time, "monotonic", lambda: now + 60)
    pings.send_due()
    assert stays.queue.get_nowait().packet_type == packet.PING


def test_other_work_beside_still_has_its_thread() -> None:
    engine = engineio.Server(async_mode="threading")
    Pings(engine)
    done = threading.Event()
    engine.start_background_task(done.set).join(60)
    assert done.is_set()


@ONE_DATABASE
def test_no_socket_compresses_though_browsers_offer_it(server: Server) -> None:
    bare = handshake(server, header=["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"])
    assert "sec-websocket-extensions" not in bare.getheaders()
    assert bare.recv().startswith("0")
    bare.close()


@ONE_DATABASE
def test_a_text_in_pieces_is_read_whole_and_pings_of_the_layer_below_are_answered(server: Server) -> None:
    bare = handshake(server)
    assert bare.recv().startswith("0")
    bare.send_frame(websocket.ABNF.create_frame("40/wid", websocket.ABNF.OPCODE_TEXT, fin=0))
    bare.ping("here?")
    assert bare.recv_data(control_frame=True) == (websocket.ABNF.OPCODE_PONG, b"here?")
    bare.send_frame(websocket.ABNF.create_frame('get,{"token":""}', websocket.ABNF.OPCODE_CONT))
    assert bare.recv() == '44/widget,{"message":"bad_signature"}'
    bare.close()


# --- what goes out ----------------------------------------------------------------------------------------------------


class Line:
    """Both ends of a connection: what is put into `outgoing` here is read there."""

    def __init__(self) -> None:
        here, self.there = socket.socketpair()
        here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.there.settimeout(60)
        self.here = here
        self.outgoing = Outgoing()
        self.web_socket = object.__new__(wire._WebSocket)
        self.web_socket.connected, self.web_socket.sock = True, _SendsAll(here)
        self.outgoing.web_socket = self.web_socket
        self.written: list[str] = []
        self.writer = threading.Thread(target=self._write, daemon=True)

    def _write(self) -> None:
        # As Engine.IO's writer does: takes one, then all that are there, then sends them.
        while (first := self.outgoing.get(timeout=60)) is not None:
            taken = [first]
            while self.outgoing.qsize():
                taken.append(self.outgoing.get(block=False))
            for each in taken:
                data = each.encode()
                self.written.append(str(data[:20]))
                self.here.sendall(data if isinstance(data, wire._Frame) else wire._frame(each))

    def sleep(self) -> None:
        """Waits until the writer does."""
        wait_for(lambda: self.outgoing._writer_sleeps)

    def read(self, whole: int) -> bytes:
        got = b""
        while len(got) < whole:
            got += self.there.recv(65536)
        return got


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.001)  # nobody tells when a thread has gone to sleep


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.outgoing.put(None)
    if line.writer.ident is not None:
        line.writer.join(60)
        assert not line.writer.is_alive()
    line.here.close()
    line.there.close()


def said(text: str) -> Shared:
    return Shared(packet.MESSAGE, text)


def test_what_is_put_while_the_writer_sleeps_is_sent_without_waking_it(line: Line) -> None:
    line.writer.start()
    line.sleep()
    line.outgoing.put(said("one"))
    line.outgoing.put(packet.Packet(packet.PING))
    assert line.read(9) == b"\x81\x044one\x81\x012"
    assert line.written == []


def test_what_is_put_before_the_writer_is_there_is_sent_by_it(line: Line) -> None:
    line.outgoing.put(said("one"))
    line.outgoing.put(said("two"))
    line.writer.start()
    assert line.read(12) == b"\x81\x044one\x81\x044two"
    assert line.written == ["4one", "4two"]


def test_what_a_slow_reader_does_not_take_comes_later_whole_and_in_order(line: Line) -> None:
    line.writer.start()
    line.sleep()
    packets = [said(f"{number:05}" + "x" * 2000) for number in range(300)]
    for each in packets:
        line.outgoing.put(each)
    assert line.outgoing.qsize() > 100, "the kernel took more than its room"
    whole = b"".join(each.frame for each in packets)
    assert line.read(len(whole)) == whole
    line.sleep()
    line.outgoing.put(said("after"))
    assert line.read(8) == b"\x81\x064after"


def test_many_who_put_at_once_cut_nobody_short(line: Line) -> None:
    line.writer.start()

    def put(who: int) -> None:
        for number in range(200):
            line.outgoing.put(said(f"{who}{number:04}" + "x" * 500))

    threads = [threading.Thread(target=put, args=(who,)) for who in range(4)]
    for each in threads:
        each.start()
    got = line.read(800 * (4 + 1 + 505))
    for each in threads:
        each.join(60)
    texts = [got[at + 5 : at + 10].decode() for at in range(0, len(got), 510)]
    for who in range(4):
        assert [each for each in texts if each[0] == str(who)] == [f"{who}{number:04}" for number in range(200)]


def test_a_broken_socket_is_left_to_its_writer(line: Line) -> None:
    line.outgoing._writer_sleeps = True
    line.there.close()
    line.outgoing.put(said("one"))
    assert line.outgoing.qsize() == 1
    line.outgoing._writer_sleeps, line.web_socket.connected = True, False
    line.outgoing.put(said("two"))
    assert [line.outgoing.get(block=False).data, line.outgoing.get(block=False).data] == ["one", "two"]


def test_a_writer_without_work_stays_while_packets_pass_it(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Engine.IO ends a socket whose writer was given nothing for so long that not even a ping was due."""
    spells = iter(["one", None, None])

    def nothing_comes(*_: object) -> bool:
        if (text := next(spells)) is not None:
            line.outgoing.put(said(text))
        return False

    monkeypatch.setattr(line.outgoing._changed, "wait_for", nothing_comes)
    with pytest.raises(queue.Empty):
        line.outgoing.get(timeout=45)
    assert line.read(6) == b"\x81\x044one"
    assert len(list(spells)) == 1, "it ended after the second spell, in which nothing passed"
    line.outgoing.put(said("two"))
    assert line.outgoing.qsize() == 1, "nobody sleeps any more whom it could pass"


def test_who_ends_a_socket_waits_until_its_packets_are_seen_to(line: Line) -> None:
    line.outgoing.put(said("one"))
    joined = threading.Thread(target=line.outgoing.join)
    joined.start()
    assert line.outgoing.get().data == "one"
    assert joined.is_alive()
    line.outgoing.task_done()
    joined.join(60)
    assert not joined.is_alive()
