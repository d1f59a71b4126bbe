"""What the messaging apps' providers have in common: who drives them, what is done to a webhook, how a call ends."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from flask import Response, jsonify, request

from channels.simulators.faults import Fault, Faults
from channels.simulators.ledger import Media, Message

# What can be made to happen to a customer's message on its way to the hub, with every app.
WEBHOOK_MENU: Mapping[str, frozenset[str]] = {
    "duplicate": frozenset({"copies"}),
    "parallel": frozenset({"copies"}),
    "late": frozenset({"seconds"}),
    "tamper": frozenset(),
    "unsigned": frozenset(),
    "lose_answer": frozenset(),
    "poison": frozenset(),
    "unknown_type": frozenset(),
}
# To the hub's call that sends one.
SEND_MENU: Mapping[str, frozenset[str]] = {
    "refuse": frozenset({"status", "code", "retry_after", "seconds"}),
    "delay": frozenset({"seconds"}),
    "cut": frozenset(),
    "accept_then_cut": frozenset(),
    "accept_then_time_out": frozenset({"seconds"}),
}
MEDIA_MENU: Mapping[str, frozenset[str]] = {name: frozenset() for name in ("missing", "html", "empty")}
_MEDIA_BYTES = 20_000_000


class Provider(Protocol):
    """Somebody's messaging apps, as the control API drives them.

    `webhooks` are the hub's addresses by app; an app without one is not there. `faults` are by app too.
    """

    webhooks: dict[str, str]
    faults: dict[str, Faults]

    def text(self, app: str, number: str, body: str, media: Sequence[Media] = ()) -> Message:
        """A customer writes, perhaps with files. Returns the last message of it."""

    def press(self, app: str, number: str, title: str, token: str) -> Message:
        """A customer presses a button that carries a token. Returns the message."""

    def change(self, app: str, number: str, sid: str, do: str, words: str) -> bool:
        """A customer does something to a message of theirs: `edit` (to these words), `take_back`, or `react` (with this
        emoji). Returns whether the app has that; what it has not changes nothing."""

    def opened(self, number: str, link: str) -> str:
        """A customer opens a link, as in a message of the firm's, and sends what it has ready for them. Returns the app
        that it opened; empty where it opens none of these."""


def handed_over(call: Callable[[str], int], fault: Fault | None, tries: int) -> int:
    """One attempt to hand a webhook to the hub, with what is to go wrong with it.

    Args:
        call: hands it over once: given what is done to its signature, returns the HTTP status, 0 where there is none.
        fault: of `WEBHOOK_MENU`; only the first attempt is touched by it.
        tries: how many there have been.

    Returns:
        The status that decides whether it is handed over again.
    """
    do = fault.do if fault and not tries else ""
    if fault and do in ("duplicate", "parallel"):
        copies = fault.whole("copies", 50 if do == "parallel" else 2)
        with ThreadPoolExecutor(copies if do == "parallel" else 1) as pool:
            statuses = list(pool.map(call, [""] * copies))
        return max(statuses, key=lambda status: 200 <= status < 300)
    status = call(do)
    # The hub said yes, and nobody heard it: it must take the repetition calmly.
    return call("") if do == "lose_answer" else status


def fetched(url: str) -> tuple[bytes, str] | None:
    """A file of the hub and its media type; None where it cannot be had."""
    if not url.startswith(("http://", "https://")):
        return None
    try:
        with urllib.request.urlopen(url, timeout=10) as found:  # noqa: S310  # one of the two above
            content = found.read(_MEDIA_BYTES + 1)
            kind = found.headers.get_content_type()
    except (OSError, urllib.error.URLError, ValueError):
        return None
    return (content, kind) if len(content) <= _MEDIA_BYTES else None


def hung_up() -> Response:
    """Cuts the connection under the server: the caller sees it end with no answer."""
    for name in ("gunicorn.socket", "werkzeug.socket"):
        connection = request.environ.get(name)
        if connection is not None:
            connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500, headers={"Connection": "close"})


def answered(fault: Fault | None, body: Mapping[str, Any], status: int, retry_after: int | None = None) -> Response:
    """The answer to the hub's call, with what is to go wrong with it: kept back, or cut off."""
    do = fault.do if fault else ""
    if fault and do in ("delay", "accept_then_time_out", "refuse"):
        time.sleep(fault.seconds({"accept_then_time_out": 30.0, "delay": 1.0}.get(do, 0.0)))
    if do in ("cut", "accept_then_cut"):
        return hung_up()
    response = jsonify(body)
    response.status_code = status
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def file_answer(file: Media | None, fault: Fault | None) -> Response:
    """The content of a customer's file, with what is to go wrong with it."""
    do = fault.do if fault else ""
    if file is None or do == "missing":
        return Response(status=404)
    if do == "html":
        return Response("<!doctype html><title>Sign in</title>", content_type="text/html")
    return Response(b"" if do == "empty" else file.content, content_type=file.media_type)
