"""The inbox's first and middle page over HTTP with a million conversations, against a thousand, and a bare route.

The pages are asked for as the inbox does, signed in, fifty conversations each, ordered by last activity and, of the
queue, by priority and waiting time. Both hubs and the bare route are asked in turns, each over a connection of its own.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import loader
from benchmarks.harness import (
    Context,
    Figure,
    free_port,
    furnish,
    hub_environment,
    median,
    process,
    wait_for,
    yardstick,
)
from hub.services import demo

MANY, FEW = 1_000_000, 1_000
CALLS = 200
THREADS = 192
MOST_GROWTH, MOST_TIMES = 1.5, 6.0
PAGE = 50


def run(context: Context) -> dict[str, Figure]:
    """Raises ValueError when a page is not what it is said to be."""
    counts = {"many": context.scaled(MANY, 2_000), "few": FEW}
    with ExitStack() as stack:
        bare_place = urlsplit(stack.enter_context(yardstick("plain", context.folder, THREADS))).netloc
        served: dict[str, tuple[str, int]] = {}
        for name, count in counts.items():
            folder = context.folder / name
            folder.mkdir()
            port = free_port()
            environment = hub_environment(folder, port)
            furnish(environment)
            loaded = loader.load(environment, count)
            stack.enter_context(process([sys.executable, "-m", "hub", "serve"], environment, folder / "hub.log"))
            served[name] = f"127.0.0.1:{port}", loaded
        for place, _ in served.values():
            wait_for(f"http://{place}/health")
        # Not before all are filled: a server hangs up on who says nothing for a while.
        inboxes = {name: Inbox(*each) for name, each in served.items()}
        bare = HTTPConnection(bare_place)
        calls = context.scaled(CALLS, 20)
        times: dict[str, list[float]] = {"bare": []}
        for number in range(calls + 5):
            began = time.perf_counter()
            bare.request("GET", "/")
            bare.getresponse().read()
            took = {"bare": (time.perf_counter() - began) * 1000}
            for name, inbox in inboxes.items():
                took |= {f"{name}_{place}": each for place, each in inbox.ask().items()}
            if number >= 5:  # the first ones fill caches
                for name, each in took.items():
                    times.setdefault(name, []).append(each)
        bare.close()
    found = {name: median(each) for name, each in times.items()}
    places = ("first", "middle", "queue")
    worst = max(found[f"many_{place}"] for place in places)
    growth = max(found[f"many_{place}"] / found[f"few_{place}"] for place in places)
    holds = growth <= MOST_GROWTH and worst <= MOST_TIMES * found["bare"]
    summary = {f"{name}_ms": round(each, 2) for name, each in found.items()}
    summary |= {"conversations": float(inboxes["many"].loaded), "times_the_bare_route": round(worst / found["bare"], 2)}
    few = max(found[f"few_{place}"] for place in places)
    return {"inbox_scale": Figure(worst, "ms p50", holds, few, growth, [summary])}


class Inbox:
    """A hub's inbox as a supervisor has it open."""

    def __init__(self, place: str, loaded: int) -> None:
        self.loaded = loaded
        self._http = HTTPConnection(place, timeout=60)
        who = json.dumps({"email": "sofia@demo.example", "password": demo.PASSWORD})
        self._http.request("POST", "/api/v1/session", who, {"Content-Type": "application/json"})
        answer = self._http.getresponse()
        answer.read()
        self._headers = {"Cookie": (answer.headers["Set-Cookie"] or "").partition(";")[0]}
        self._middle = self._find_middle(loaded)

    def ask(self) -> dict[str, float]:
        """Milliseconds of each page. Raises ValueError when one is not full."""
        pages = {"first": "view=all", "middle": f"view=all&after={self._middle}", "queue": "view=queue"}
        return {name: self._page(query)[0] for name, query in pages.items()}

    def _page(self, query: str) -> tuple[float, str]:
        began = time.perf_counter()
        self._http.request("GET", f"/api/v1/conversations?limit={PAGE}&{query}", headers=self._headers)
        body = self._http.getresponse().read()
        took = (time.perf_counter() - began) * 1000
        page = json.loads(body)
        if len(page.get("items", ())) != PAGE:
            raise ValueError(f"{query}: {body[:300]!r}")
        return took, str(page["next"])

    def _find_middle(self, loaded: int) -> str:
        """A page's cursor in the middle of what is there, at most some hundred pages from the beginning."""
        after = self._page("view=all")[1]
        for _ in range(min(200, loaded // PAGE // 2) - 1):
            after = self._page(f"view=all&after={after}")[1]
        return after


if __name__ == "__main__":
    raise SystemExit(f"run it by `make bench KEYS=inbox_scale` in {Path.cwd()}")
