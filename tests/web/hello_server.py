"""A small application behind the hub's own server, for test_server.py: `python -m tests.web.hello_server PORT`."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable
from typing import Any

from hub.web.server import serve

release = threading.Event()


class Hello:
    """Answers with the process id; `/wait` does not answer before the server ends."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/wait":
            release.wait()
        body = str(os.getpid()).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def close_sockets(self) -> None:
        print("closed", flush=True)


def start() -> tuple[Hello, Any]:
    print("started", os.getpid(), flush=True)
    return Hello(), lambda: print("stopped", os.getpid(), flush=True)


if __name__ == "__main__":
    serve(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        threads=4,
        start=start,
        on_ready=lambda: print("ready", flush=True),
    )
