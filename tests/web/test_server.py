"""The server as a process: ready line, keep-alive, ends in time and stops what it started."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from scripts.processes import end, start
from tests import parts


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def words(self) -> list[str]:
        return [line.split()[0] for line in self.log.read_text().splitlines()]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    port, log = parts.free_port(), tmp_path / "log"
    process = start([sys.executable, "-m", "tests.web.hello_server", str(port)], log=log, cwd=parts.ROOT)
    try:
        parts.wait_until(lambda: "ready" in log.read_text(), process, log)
        yield Running(process, port, log)
    finally:
        end(process)


def test_it_is_ready_when_it_says_so_and_was_started_in_the_serving_process(server: Running) -> None:
    answer = httpx.get(f"http://127.0.0.1:{server.port}/")
    assert server.words() == ["started", "ready"]
    assert f"started {answer.text}" in server.log.read_text()
    assert answer.text != str(server.process.pid)


def test_connections_are_kept_alive(server: Running) -> None:
    connection = HTTPConnection("127.0.0.1", server.port)
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("GET", "/")
        assert connection.getresponse().read()
        assert connection.sock is first
    connection.close()


def test_all_its_threads_run_on_one_core(server: Running) -> None:
    given = os.sched_getaffinity(server.process.pid)
    with httpx.Client() as client:
        serving = int(client.get(f"http://127.0.0.1:{server.port}/").text)
    threads = [int(each.name) for each in Path(f"/proc/{serving}/task").iterdir()]
    assert len(threads) > 1
    cores = {frozenset(os.sched_getaffinity(each)) for each in threads}
    assert len(cores) == 1
    assert {len(each) for each in cores} == {1}
    assert all(each <= given for each in cores)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("to_all", [False, True], ids=["parent", "group"])
def test_a_signal_ends_it_whatever_is_under_way(server: Running, how: signal.Signals, to_all: bool) -> None:
    with (
        socket.create_connection(("127.0.0.1", server.port)) as idle,
        socket.create_connection(("127.0.0.1", server.port)) as hanging,
    ):
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(4096)
        hanging.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        if to_all:  # as Ctrl-C does
            os.killpg(server.process.pid, how)
        else:
            server.process.send_signal(how)
        server.process.wait(60)
    assert server.words()[:2] == ["started", "ready"]
    assert "closed" in server.words()
    assert server.words().count("stopped") == 1


def test_the_worker_ends_when_its_parent_is_killed(server: Running) -> None:
    worker = int(httpx.get(f"http://127.0.0.1:{server.port}/").text)
    ended = os.pidfd_open(worker)
    server.process.kill()
    assert select.select([ended], [], [], 5)[0]
    os.close(ended)
