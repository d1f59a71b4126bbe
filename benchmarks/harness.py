"""What benchmarks share: servers in processes of their own, a lean client, percentiles, memory."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from unittest.mock import patch

from hub import __main__ as program

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Context:
    """Where a benchmark may write, what share of the full size it runs at, and which figures are wanted (none named:
    all). A module that measures several may leave out what is not."""

    folder: Path
    size: float
    keys: frozenset[str] = frozenset()

    def wants(self, key: str) -> bool:
        return not self.keys or key in self.keys

    def scaled(self, full: int, least: int = 1) -> int:
        return max(least, round(full * self.size))


@dataclass(frozen=True)
class Figure:
    """One measured value; `runs` holds what it is the median of. `holds`: the floor of docs/performance.md is met."""

    value: float
    unit: str
    holds: bool
    yardstick: float | None = None
    ratio: float | None = None
    runs: list[dict[str, float]] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)  # noqa: S607  # git, of this checkout
    return found.stdout.strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextmanager
def process(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a process group of its own, ended with all its children."""
    with log.open("wb") as output:
        child = subprocess.Popen(  # noqa: S603  # our own programs
            command,
            env={**os.environ, **environment},
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield child
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
                try:
                    child.wait(15)
                except subprocess.TimeoutExpired:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()


def until_none(count: Callable[[], int], late: str, seconds: float = 60.0) -> None:
    """Asks until nothing is left: the rows are another process's, which tells nobody of their end.

    Raises TimeoutError with `late` when something is left after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while count():
        if time.monotonic() > deadline:
            raise TimeoutError(late)
        time.sleep(0.1)


def wait_for(url: str, *, seconds: float = 180.0) -> float:
    """Waits for any HTTP answer; returns how long that took. Raises TimeoutError."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310  # loopback
        except urllib.error.HTTPError:
            break
        except OSError:
            time.sleep(0.02)
            continue
        break
    else:
        raise TimeoutError(f"{url} did not answer within {seconds} s")
    return time.monotonic() - began


def hub_environment(folder: Path, port: int, **more: str) -> dict[str, str]:
    """Settings of an embedded hub with nothing beside it."""
    return {
        "CENTRALITA_DATA": str(folder),
        "CENTRALITA_DATABASE_URL": f"sqlite:///{folder}/centralita.sqlite3",
        "CENTRALITA_REDIS_URL": "",
        "CENTRALITA_PORT": str(port),
        "CENTRALITA_KNOWLEDGE": "absent",
        "CENTRALITA_BOT": "absent",
        "CENTRALITA_SECRET_KEY": "a key for benchmarks, long enough for all",
        **more,
    }


def command(arguments: Sequence[str], environment: Mapping[str, str], given: str = "") -> str:
    """What a command of `centralita` prints that is `given` this on its standard input, run in this process: to start
    Python with all that it imports takes several times as long as what benchmarks ask of it.

    Raises ValueError where the command fails.
    """
    printed = io.StringIO()
    with (
        patch.dict(os.environ, environment),
        patch.object(sys, "stdin", io.StringIO(given)),
        contextlib.redirect_stdout(printed),
    ):
        code = program.main(arguments)
    if code:
        raise ValueError(f"centralita {' '.join(arguments)} ended with {code}: {printed.getvalue()}")
    return printed.getvalue()


def furnish(environment: Mapping[str, str]) -> None:
    """Puts the schema and the demo firm into the database of these settings."""
    command(["migrate"], environment)
    command(["seed"], environment)


@contextmanager
def hub(folder: Path, *, port: int = 0, **more: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A hub with the demo firm, in a process of its own: (address, process). Any free port when none is given."""
    port = port or free_port()
    environment = hub_environment(folder, port, **more)
    furnish(environment)
    with process([sys.executable, "-m", "hub", "serve"], environment, folder / "hub.log") as child:
        address = f"http://127.0.0.1:{port}"
        wait_for(address)
        yield address, child


@contextmanager
def yardstick(name: str, folder: Path, threads: int, *, one_core: bool = False) -> Iterator[str]:
    """A yardstick's server under the hub's own gunicorn command: its address. With `one_core` it is kept on one core,
    as the hub keeps itself."""
    port = free_port()
    cores = "one" if one_core else "given"
    command = [sys.executable, "-m", "benchmarks.yardsticks.serve", name, str(port), str(threads), cores]
    with process(command, {}, folder / f"{name}.log"):
        address = f"http://127.0.0.1:{port}"
        wait_for(address)
        yield address


def children(pid: int) -> list[int]:
    """A process and all that come from it."""
    found = [pid]
    for each in found:
        tasks = Path(f"/proc/{each}/task")
        with contextlib.suppress(OSError):  # a process or a thread that has ended meanwhile has none
            for task in tasks.iterdir():
                found.extend(int(child) for child in (task / "children").read_text().split())
    return found


def memory(pid: int) -> float:
    """MB of a process and its children, pages that they share counted once (proportional set size)."""
    total = 0
    for each in children(pid):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


@dataclass(frozen=True)
class Load:
    """What a load run saw. Times in milliseconds; `busy` is the share of one core that the client itself took."""

    statuses: dict[int, int]
    seconds: float
    times: list[float]
    busy: float = 0.0

    @property
    def rate(self) -> float:
        return self.statuses.get(200, 0) / self.seconds

    def p(self, share: float) -> float:
        return percentile(self.times, share)


def load(address: str, requests: Sequence[bytes], *, connections: int) -> Load:
    """Sends raw HTTP/1.1 requests over kept-alive connections, one at a time on each, until all are answered."""
    host, port = address.removeprefix("http://").split(":")
    waiting = iter(requests)
    statuses: dict[int, int] = {}
    times: list[float] = []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for request in waiting:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = 0
            lowered = head.lower()
            at = lowered.find(b"content-length:")
            if at >= 0:
                length = int(lowered[at + 15 : lowered.index(b"\r\n", at)])
            await reader.readexactly(length)
            times.append((time.perf_counter() - began) * 1000)
            status = int(head[9:12])
            statuses[status] = statuses.get(status, 0) + 1
            if b"connection: close" in lowered:
                writer.close()
                reader, writer = await asyncio.open_connection(host, int(port))
        writer.close()

    async def everything() -> float:
        began = time.perf_counter()
        await asyncio.gather(*(connection() for _ in range(connections)))
        return time.perf_counter() - began

    began = time.process_time()
    seconds = asyncio.run(everything())
    return Load(statuses, seconds, times, (time.process_time() - began) / seconds)
