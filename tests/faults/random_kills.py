"""`python -m tests.faults.random_kills --count 100 --seed 1`: kill -9 at any moment of hub, worker, Redis, PostgreSQL
and the bot's server, while customers write on all channels. The log is that of `make faults`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import redis

from scripts.processes import end, start
from tests import parts
from tests.faults.__main__ import summary
from tests.faults.rig import Rig
from tests.faults.schedule import Blow, Schedule

TARGETS = {
    "embedded": ("hub", "hub", "bot"),
    "scaled_out": ("hub", "worker-0", "worker-1", "redis", "postgres", "bot"),
}


def schedules(count: int, seed: int) -> Iterator[Schedule]:
    """So many, by the dice of a seed: one to three blows within two and a half seconds."""
    dice = random.Random(seed)  # noqa: S311  # which blow falls when, no secret
    for _ in range(count):
        mode = "embedded" if dice.random() < 0.3 else "scaled_out"
        blows = tuple(Blow(dice.choice(TARGETS[mode]), dice.randrange(2500)) for _ in range(dice.randint(1, 3)))
        once = {each.target: each for each in blows}  # a server that is dead is not killed again
        yield Schedule("embedded" if mode == "embedded" else "scaled_out", "busy", blows=tuple(once.values()))


class Postgres:
    """Kills a server and starts it again over the same data, as its own user."""

    def __init__(self, server: parts.PostgresServer) -> None:
        self._server = server
        with server.connect() as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        self._data = Path(row[0])
        self._again: list[subprocess.Popen[bytes]] = []

    def __call__(self) -> None:
        pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        command = [os.fsdecode(word) for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") if word]
        user = parts._server_user()
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)  # while it is not buried, its lock file keeps the next one from starting
        while True:  # until the last of the old ones is gone
            process = start(command, log=self._data.parent / f"again-{pid}.log", user=user, cwd=self._data)
            while process.poll() is None:
                with contextlib.suppress(psycopg.OperationalError):
                    self._server.connect().close()
                    self._again.append(process)
                    return
                time.sleep(0.05)
            time.sleep(0.05)

    def end(self) -> None:
        for process in self._again:
            end(process, signal.SIGINT)


class Redis:
    """A server that keeps nothing, killed and started again at the same port."""

    def __init__(self) -> None:
        self.port = parts.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._start()

    def _start(self) -> None:
        program = parts.redis_program()
        assert program is not None
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = start([program, *words, "--daemonize", "no", "--logfile", os.devnull])
        with redis.Redis(port=self.port) as client:
            while not parts._pings(client):
                time.sleep(0.02)

    def __call__(self) -> None:
        end(self._process, signal.SIGKILL)
        time.sleep(0.3)
        self._start()

    def end(self) -> None:
        end(self._process)


def main() -> int:
    parser = argparse.ArgumentParser(prog="random_kills", description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, default=parts.ROOT / ".run" / "faults")
    options = parser.parse_args()
    options.log.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(parts.run_postgres())
        postgres, queue = Postgres(server), Redis()
        stack.callback(queue.end)
        stack.callback(postgres.end)
        # A program ends with the thread that started it (scripts/processes.py): this one stays.
        keeper = stack.enter_context(ThreadPoolExecutor(1))
        servers: dict[str, Callable[[], None]] = {
            "postgres": lambda: keeper.submit(postgres).result(),
            "redis": lambda: keeper.submit(queue).result(),
        }
        rig = Rig(options.log / "kept" / f"random-{options.seed}-{os.getpid()}", server, queue.url, servers)
        stack.enter_context(rig)
        for number, schedule in enumerate(schedules(options.count, options.seed), 1):
            file = options.log / f"random-{options.seed}-{number:04}.json"
            if file.exists():
                continue
            outcome = rig.play(schedule)
            file.write_text(json.dumps(outcome.as_json(), indent=1) + "\n")
            wrong += bool(outcome.violations)
            print(f"{number} {'✗' if outcome.violations else '✓'} {outcome.seconds:5.1f} s {schedule.name}", flush=True)
            for each in outcome.violations:
                print(f"    {each}", flush=True)
    summary(options.log)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
