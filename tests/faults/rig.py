"""Plays one schedule: processes that die and come again, people who go on, and the comparison at the end."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from hub.app import open_store
from hub.clock import SystemClock
from hub.settings import from_environment
from hub.store import replay
from tests.faults import check, people
from tests.faults.firm import furnish
from tests.faults.nursery import Child, Nursery
from tests.faults.providers import Bot, Providers
from tests.faults.schedule import Schedule
from tests.faults.stalls import Stalls
from tests.parts import PostgresServer, free_port

QUIET = 100.0  # seconds that a hub may take until it has nothing more to do
_RESPITE = 0.05
# How long after a process has died its supervisor starts it again.
_RESTART = 0.05


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who takes part: how many customers on each channel, each saying `count` things; whether there is a bot, and an
    agent who is quicker than it."""

    sms: int = 0
    email: int = 0
    webchat: int = 0
    count: int = 2
    bot: bool = False
    quick: bool = False


SCENARIOS = {
    "sms": Scenario(sms=2),
    "crowd": Scenario(sms=8),
    "email": Scenario(email=2, count=1),
    "webchat": Scenario(webchat=2),
    "all": Scenario(sms=1, email=1, webchat=1),
    "busy": Scenario(sms=3, email=2, webchat=2, count=3, bot=True),
    "turn": Scenario(sms=2, count=1, bot=True, quick=True),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """`reached` are the places that each process came to, `cut` the cuts that happened, `waits` seconds until customers
    heard something."""

    schedule: Schedule
    violations: list[str]
    cut: list[str]
    reached: dict[str, dict[str, int]]
    waits: list[float]
    seconds: float
    unknown: int

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.schedule.name,
            "violations": self.violations,
            "planned": len(self.schedule.cuts) + len(self.schedule.blows),
            "cut": self.cut,
            "reached": self.reached,
            "waits": [round(each, 3) for each in self.waits],
            "seconds": round(self.seconds, 2),
            "unknown": self.unknown,
        }


@dataclass(slots=True)
class _Process:
    """One of the hub's processes, through its lives."""

    name: str
    kind: str
    environment: dict[str, str]
    life: int = 0
    child: Child | None = None


@dataclass
class Rig:
    """A context manager: what schedules share. One schedule at a time.

    `postgres` and `redis_url` are there for the scaled-out mode. `servers` are what kills them and starts them again.
    """

    folder: Path
    postgres: PostgresServer | None = None
    redis_url: str = ""
    servers: dict[str, Callable[[], None]] = field(default_factory=dict)
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _templates: dict[str, tuple[str, Any]] = field(default_factory=dict)
    _count: int = 0

    def __enter__(self) -> Rig:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._nursery = self._stack.enter_context(Nursery())
        self._hub, self._hub_mail, self._simulator, self._smtp, self._rasa = (free_port() for _ in range(5))
        self._url = f"http://127.0.0.1:{self._hub}"
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def play(self, schedule: Schedule) -> Outcome:
        """Plays it and judges. What was there at the time stays in a folder of its own where something is wrong."""
        self._count += 1
        folder = self.folder / f"{self._count:04}"
        folder.mkdir(parents=True)
        began = time.monotonic()
        play = _Play(self, schedule, folder)
        found = play.run()
        outcome = Outcome(
            schedule, found, play.cuts(), play.reached(), play.waits, time.monotonic() - began, play.unknown
        )
        if not found:
            shutil.rmtree(folder)
        return outcome

    def environment(self, folder: Path, scenario: Scenario) -> dict[str, str]:
        return {
            "CENTRALITA_DATA": str(folder),
            "CENTRALITA_PORT": str(self._hub),
            "CENTRALITA_SECRET_KEY": "a key for schedules of faults, long enough",
            "CENTRALITA_KNOWLEDGE": "absent",
            "CENTRALITA_BOT": "auto" if scenario.bot else "absent",
            "CENTRALITA_RASA_URL": f"http://127.0.0.1:{self._rasa}" if scenario.bot else "",
            "CENTRALITA_RASA_TOKEN": "a token of nobody's" if scenario.bot else "",
            "CENTRALITA_BOT_TOKEN": "a token of nobody's" if scenario.bot else "",
            "CENTRALITA_SMTP_LISTEN": f"127.0.0.1:{self._hub_mail}",
            "CENTRALITA_FETCH_ALLOW": f"127.0.0.1:{self._simulator}",
            "CENTRALITA_THREADS": "96",
            "CENTRALITA_RUNNER_THREADS": "4",
        }

    def template(self, mode: str) -> tuple[str, Any]:
        """A furnished database of the mode, and the agent's session in it."""
        if mode not in self._templates:
            if mode == "embedded":
                url = f"sqlite:///{self.folder}/template.sqlite3"
            else:
                assert self.postgres is not None
                url = self.postgres.create_database(f"faults_template_{self._hub}")
            environment = self.environment(self.folder, Scenario()) | {"CENTRALITA_REDIS_URL": self.redis_url}
            simulator = f"http://127.0.0.1:{self._simulator}"
            signed_in = furnish(url, environment, simulator=simulator, smtp_port=self._smtp, chat=self._url)
            self._templates[mode] = url, signed_in
        return self._templates[mode]

    @contextlib.contextmanager
    def database(self, mode: str, folder: Path) -> Iterator[tuple[str, Any]]:
        """A copy of it."""
        url, signed_in = self.template(mode)
        if mode == "embedded":
            shutil.copy(url.removeprefix("sqlite:///"), folder / "hub.sqlite3")
            yield f"sqlite:///{folder}/hub.sqlite3", signed_in
        else:
            assert self.postgres is not None
            name = f"faults_{self._hub}_{self._count}"
            try:
                yield self.postgres.create_database(name, template=url.rpartition("/")[2]), signed_in
            finally:
                self.postgres.drop_database(name)


class _Play:
    def __init__(self, rig: Rig, schedule: Schedule, folder: Path) -> None:
        self.rig, self.schedule, self.folder = rig, schedule, folder
        self.scenario = SCENARIOS[schedule.scenario]
        self.waits: list[float] = []
        self.unknown = 0
        self.struck: list[str] = []
        self._stopped = threading.Event()
        self._errors: list[str] = []
        self._processes: list[_Process] = []
        self._supervisors: list[threading.Thread] = []
        self._lives = threading.Lock()

    def run(self) -> list[str]:
        rig, scenario = self.rig, self.scenario
        with contextlib.ExitStack() as stack:
            database, signed_in = stack.enter_context(rig.database(self.schedule.mode, self.folder))
            providers = stack.enter_context(Providers(rig._url, rig._hub_mail, rig._simulator, rig._smtp))
            if scenario.bot:
                self._bot = stack.enter_context(Bot(rig._rasa, 0.2 if self.schedule.blows else 0.4))
            for channel, fault in self.schedule.faults:
                providers.fault(channel, fault)
            environment = rig.environment(self.folder, scenario) | {"CENTRALITA_DATABASE_URL": database}
            if self.schedule.mode == "scaled_out":
                environment["CENTRALITA_REDIS_URL"] = rig.redis_url
            line = people.agent_line(rig._url, self._stopped, signed_in)
            agent = people.Agent(line, quick=scenario.quick)
            follower = people.Follower(people.agent_line(rig._url, self._stopped, signed_in), agent.saw)
            stack.callback(self._end)
            self._begin(environment, follower)
            stalls = Stalls(self._pids)
            stack.callback(stalls.stop)
            follower.start()
            stack.callback(follower.stop)
            blows = threading.Thread(target=self._strike, daemon=True)
            blows.start()
            customers, visitors = self._talk(providers)
            blows.join(120)
            try:
                self._raise()
                agent.wait(len({each.number for each in customers if each.accepted_at}) * self._matters())
                self._quiet(providers, database)
            except (people.Stuck, ValueError) as error:
                self._errors.append(f"stuck: {error}")
            follower.stop()
            deadline = time.monotonic() + people.PATIENCE
            while follower.look() is not False and time.monotonic() < deadline:
                time.sleep(0.02)
            found = list(self._errors)
            try:
                whole = whole_feed(people.agent_line(rig._url, self._stopped, signed_in))
                limit = check.DEGRADED if not self._infrastructure() else 90.0
                if self.schedule.mode == "scaled_out" and self.schedule.cuts:
                    limit += 4.0  # a lease that its holder's death left, and the sweeper's round
                found += check.violations(
                    providers,
                    customers,
                    visitors,
                    follower,
                    whole,
                    stalls,
                    degraded=limit,
                    answered=not self.schedule.faults,
                )
                self.waits = check.delays(providers, customers, follower, stalls)
                queued = [each["message"] for each in whole if each["kind"] == "MessageQueued" and each["message"]]
                self.unknown = sum((each["delivery"] or {}).get("state") == "unknown" for each in queued)
            except (people.Stuck, ValueError) as error:
                found.append(f"stuck: at the end {error}")
            self._end()
            found += replayed(environment)
            if found:
                (self.folder / "violations.txt").write_text("\n".join(found) + "\n")
                (self.folder / "feed.json").write_text(json.dumps(follower.entries, indent=1))
                journal = check._journal(providers)
                (self.folder / "ledger.json").write_text(json.dumps(journal, indent=1))
        return found

    def cuts(self) -> list[str]:
        """What really happened where."""
        return self.struck + [
            f"{name}@{'='.join(words)}" for name, lines in self._traces() for words in lines if len(words) > 1
        ]

    def reached(self) -> dict[str, dict[str, int]]:
        return self._reached

    # --- the processes ---

    def _begin(self, environment: dict[str, str], follower: people.Follower) -> None:
        kinds = [("hub", "serve")]
        if self.schedule.mode == "scaled_out":
            kinds += [("worker-0", "worker"), ("worker-1", "worker")]
        for name, kind in kinds:
            process = _Process(name, kind, environment)
            self._start(process)
            self._processes.append(process)
            supervisor = threading.Thread(target=self._supervise, args=(process, follower), daemon=True)
            supervisor.start()
            self._supervisors.append(supervisor)

    def _pids(self) -> list[int]:
        return [pid for each in self._processes if each.child is not None for pid in each.child.pids]

    def _start(self, process: _Process) -> None:
        with self._lives:
            if self._stopped.is_set():
                return
            cuts = [each for each in self.schedule.cuts if (each.process, each.life) == (process.name, process.life)]
            process.child = self.rig._nursery.fork(
                process.kind,
                process.environment,
                cuts,
                self.folder / f"{process.name}.trace",
                self.folder / f"{process.name}.log",
                self.schedule,
            )

    def _supervise(self, process: _Process, follower: people.Follower) -> None:
        """Starts it again when it has died, as whatever runs a hub does."""
        while not self._stopped.is_set():
            child = process.child
            assert child is not None
            if not child.wait(0.5):
                continue
            if self._stopped.is_set():
                return
            if process.kind == "serve":
                follower.away(time.time())
            child.kill()
            child.close()
            process.life += 1
            if process.life > 20:
                self._errors.append(f"stuck: {process.name} dies again and again")
                return
            time.sleep(_RESTART)
            self._start(process)

    def _end(self) -> None:
        with self._lives:
            if self._stopped.is_set():
                return
            self._stopped.set()
        for process in self._processes:
            if process.child is not None:
                process.child.kill()
        for supervisor in self._supervisors:
            supervisor.join(5)
        self._reached = {name: dict(Counter(line[0] for line in lines)) for name, lines in self._traces()}
        self._kept = self._traces()

    def _traces(self) -> list[tuple[str, list[list[str]]]]:
        if hasattr(self, "_kept"):
            return self._kept
        found = []
        for process in self._processes:
            trace = self.folder / f"{process.name}.trace"
            lines = trace.read_text().splitlines() if trace.exists() else []
            found.append((process.name, [line.split() for line in lines if line]))
        return found

    # --- the people ---

    def _matters(self) -> int:
        """The conversations of one customer."""
        return 1

    def _talk(self, providers: Providers) -> tuple[list[people.Customer], list[people.Visitor]]:
        scenario = self.scenario
        customers: list[people.Customer] = []
        visitors: list[people.Visitor] = []
        threads: list[threading.Thread] = []

        def go(what: Callable[..., None], *arguments: Any) -> None:
            def guarded() -> None:
                try:
                    what(*arguments)
                except (people.Stuck, ValueError) as error:
                    self._errors.append(f"stuck: {error}")

            threads.append(threading.Thread(target=guarded, daemon=True))

        for number in range(scenario.sms):
            customers.append(people.Customer(len(customers), "sms", f"+3460011{number:04}"))
            go(people.texts, customers[-1], providers, scenario.count)
        for number in range(scenario.email):
            customers.append(people.Customer(len(customers), "email", f"customer-{number}@customers.example"))
            go(people.mails, customers[-1], providers, 1)
        for _ in range(scenario.webchat):
            customers.append(people.Customer(len(customers), "webchat", str(len(customers))))
            visitors.append(people.Visitor(customers[-1], people.Line(self.rig._url, self._stopped)))
            go(visitors[-1].chats, scenario.count)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return customers, visitors

    def _raise(self) -> None:
        if self._errors:
            raise people.Stuck(self._errors.pop())

    # --- blows from outside ---

    def _infrastructure(self) -> bool:
        """Whether what everything stands on is taken away: nobody is promised an answer without it. A row whose end
        could not be written comes again when its lease is over, a minute later."""
        full = any(each.deed == "full" for each in self.schedule.cuts)
        return full or any(each.target in ("postgres", "redis") for each in self.schedule.blows)

    def _strike(self) -> None:
        began = time.monotonic()
        for blow in sorted(self.schedule.blows, key=lambda each: each.after):
            time.sleep(max(0.0, began + blow.after / 1000 - time.monotonic()))
            processes = {each.name: each for each in self._processes}
            if blow.target == "bot":
                self._bot.die()
            elif blow.target in self.rig.servers:
                self.rig.servers[blow.target]()
            elif (child := processes[blow.target].child) is not None:
                child.kill()
            self.struck.append(f"{blow.target}@{blow.after}ms=kill")

    # --- the end ---

    def _quiet(self, providers: Providers, database: str) -> None:
        """Until nothing is on its way anywhere. Raises Stuck."""
        deadline = time.monotonic() + QUIET
        quiet = 0
        while quiet < 2:
            quiet = quiet + 1 if providers.are_quiet() and not unfinished(database) else 0
            if time.monotonic() > deadline:
                raise people.Stuck(f"{unfinished(database)} rows are still in the outbox after {QUIET:.0f} s")
            time.sleep(_RESPITE)


def whole_feed(line: people.Line) -> list[dict[str, Any]]:
    """The feed from its beginning to its end."""
    found: list[dict[str, Any]] = []
    cursor, more = "0.0", True
    while more:
        page = line.until("GET", f"/api/v1/events?after={cursor}&limit=500", seconds=10)
        cursor, more = page["cursor"], page["more"]
        found += page["entries"]
    return found


def replayed(environment: dict[str, str]) -> list[str]:
    """Where the projections are not what the log says."""
    store = open_store(from_environment(environment), SystemClock(), lambda _nudges, _events: None)
    try:
        with store.read() as connection:
            report = replay.check(connection)
    finally:
        store.close()
    return [f"replay: {each}" for each in report.differences]


def unfinished(database: str) -> int:
    """Rows of the outbox that are not done: only to know when it is over, never to judge."""
    count = "SELECT count(*) FROM outbox WHERE state IN ('pending', 'claimed')"
    if database.startswith("sqlite"):
        path = database.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
            return int(connection.execute(count).fetchone()[0])
    try:
        with psycopg.connect(database.replace("postgresql+psycopg", "postgresql")) as connection:
            row = connection.execute(count).fetchone()
            return int(row[0]) if row else 0
    except psycopg.OperationalError:
        return 1  # it is not there
