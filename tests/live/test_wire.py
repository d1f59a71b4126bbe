"""Sockets with two threads instead of four: pings by one thread for all, nobody who only reads, no compression."""

from __future__ import annotations

import threading
import time

import engineio
import pytest
import websocket
from engineio import packet
from engineio.socket import Socket

from hub.live import wire
from hub.live.wire import Pings
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
    engine.start_background_task(done.set).join(5)
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
