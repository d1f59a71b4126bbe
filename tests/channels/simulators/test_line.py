"""Calls on connections that stay open: every way in which an answer may end, and connections that ended meanwhile."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from channels.simulators.line import Lines, NoAnswer, NoConnection, Reply


@contextmanager
def answering(*connections: list[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives each connection its answers, one for each call, and closes it then."""
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for answers in connections:
            connection, _ = listener.accept()
            with connection:
                for answer in answers:
                    heard.append(connection.recv(65_536))
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
        thread.join(60)


def post(lines: Lines, url: str) -> Reply:
    return lines.post(f"{url}/sms?a=1", b"Body=hola", {"X-Name": "value"}, connect=5, read=5)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: b:c\r\n\r\nhola", b"hola"),
        (
            b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nho\r\n2\r\nla\r\n0\r\nTrailer: t\r\n\r\n",
            b"hola",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)
def test_the_next_call_takes_the_same_connection(answer: bytes, body: bytes) -> None:
    lines = Lines()
    with answering([answer, answer]) as (url, heard):
        assert [post(lines, url).data, post(lines, url).data] == [body, body]
    host = url.removeprefix("http://").encode()
    assert heard[0] == (
        b"POST /sms?a=1 HTTP/1.1\r\nHost: " + host + b"\r\nContent-Length: 9\r\nX-Name: value\r\n\r\nBody=hola"
    )
    lines.close()


def test_an_answer_that_ends_with_its_connection() -> None:
    lines = Lines()
    with answering([b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n<a/>"], [b"HTTP/1.1 503 No\r\n\r\n"]) as (
        url,
        _,
    ):
        reply = post(lines, url)
        assert (reply.status, reply.headers["content-type"], reply.data) == (200, "text/xml", b"<a/>")
        assert post(lines, url).status == 503
    lines.close()


def test_a_connection_that_was_closed_meanwhile_is_not_taken_again() -> None:
    lines, answer = Lines(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with answering([answer], [answer]) as (url, heard):
        assert post(lines, url).status == 200
        ((kept,),) = lines._idle.values()
        assert select.select([kept.socket], [], [], 10)[0]  # the end of it has come
        assert post(lines, url).status == 200
    assert len(heard) == 2
    lines.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhola",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhola\r\n",
        b"SSH-2.0-OpenSSH\r\n",
    ],
)
def test_half_an_answer_is_none(answer: bytes) -> None:
    lines = Lines()
    with answering([answer]) as (url, _), pytest.raises(NoAnswer):
        post(lines, url)


def test_an_answer_that_does_not_come() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(NoAnswer):
            Lines().post(url, b"", {}, connect=5, read=0.05)
    with pytest.raises(NoConnection):
        Lines().post(url, b"", {}, connect=5, read=5)
