"""Plays customers against a running hub, shows how it goes, and compares at the end what everybody has."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from hub.simulation.agents import Agent
from hub.simulation.figures import Figures
from hub.simulation.http import BadAnswer, Http, NoAnswer
from hub.simulation.hub_api import HubSession, Login, sign_in
from hub.simulation.network import Network
from hub.simulation.plan import Step, plan, playable
from hub.simulation.player import PATIENCE, Player, Stage
from hub.simulation.players import PLAYERS
from hub.simulation.reconcile import KINDS, HubMessage, Result, reconcile
from hub.simulation.record import Ledger, Said, Taken, Tally
from hub.simulation.screen import Screen
from hub.simulation.script import MAIL, Conversation
from hub.simulation.table import Table, rows
from hub.simulation.trouble import DOWN, LEVELS, Fault, Troubles

# Seconds without anything new after which the hub has nothing more to do.
QUIET = 2.0
_LOOK = 0.5
# The state of a message that the hub makes while the end is being written.
_NOT_YET = "queued"


@dataclass(frozen=True, slots=True)
class Options:
    """What to play. `rate` is in messages a second, `seconds` how long, `drain` how long the hub may take afterwards.

    `watcher` may read conversations and the hub's health; each of `agents` works in the inbox. At least `customers` are
    under way at once. `faults` is one of `trouble.LEVELS`. `down` names a channel whose provider fails in the middle
    third of the time.
    """

    hub_url: str
    simulator_url: str
    inbox_key: str
    watcher: Login
    channels: tuple[str, ...]
    rate: float
    seconds: float
    seed: int
    agents: tuple[Login, ...] = ()
    drain: float = 60.0
    customers: int = 0
    faults: str = "none"
    down: str = ""


@dataclass(slots=True)
class Run:
    """One simulation, from its beginning to its report."""

    options: Options
    script: Sequence[Conversation]
    pictures: Mapping[str, bytes]
    tallies: dict[str, Tally]
    said: list[Said] = field(default_factory=list)
    customers: set[int] = field(default_factory=set)
    took: float = 0.0
    # What is compared at the end.
    ledgers: list[Ledger] = field(default_factory=list)
    messages: list[HubMessage] = field(default_factory=list)
    # When each message was on an agent's screen, by the hub's id; and the stretch in which a provider was down.
    seen: Mapping[str, float] = field(default_factory=dict)
    outage: tuple[float, float] | None = None
    # By customer: what was accepted on which channel and not answered yet; how many answers there were; and the next.
    _pending: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _answers: Counter[int] = field(default_factory=Counter)
    _next_answer: dict[int, asyncio.Event] = field(default_factory=dict)

    async def play(self, table: Table, tell: Callable[[str], None]) -> Result:
        """Plays everything. Raises Unavailable where something is missing, Refused where there is nothing to play.

        Args:
            table: drawn on while it goes on.
            tell: called with each sentence that is worth saying.
        """
        options = self.options
        playable(self.script, options.channels)
        with contextlib.closing(Http()) as http:
            watcher = await sign_in(http, options.hub_url, options.watcher)
            run = secrets.token_hex(4)
            network = Network(http, options.simulator_url)
            stage = Stage(http, options.hub_url, network, options.inbox_key, self.pictures, run, self.answered)
            players = {channel: PLAYERS[channel](stage) for channel in options.channels}
            for player in players.values():
                await player.open()
            cursor, began = await watcher.cursor(), datetime.now(UTC)
            agents = [
                Agent(
                    await sign_in(http, options.hub_url, login),
                    began,
                    f"{run}-agent{number}",
                    f"{options.seed} {number}",
                )
                for number, login in enumerate(options.agents)
            ]
            screen = Screen(options.hub_url, watcher.cookie)
            tell(f"Seed {options.seed}. Customers write by {' and '.join(options.channels)}.")
            async with _beside([screen.watch(), *(player.listen() for player in players.values())]):
                await screen.opened()
                beside = [*(agent.work() for agent in agents), self._draw(table, watcher), self._break(network, tell)]
                async with _beside(beside):
                    await self._say_all(players)
                if options.faults != "none" or options.down:
                    await network.clear_faults()
                tell("Everything is said; waiting until the hub has nothing more to do.")
                if not await self._drained(watcher, cursor):
                    tell(f"The hub still had work after {options.drain:.0f} s.")
            table.draw(self._headline("done"), self.tallies)
            # A hub that had not enough time goes on sending: what it calls sent before the ledgers are read must be in
            # them, and what is in them it must know afterwards.
            before = {each.id: each.state for each in await _messages(watcher, cursor)}
            self.ledgers = [await player.ledger() for player in players.values()]
            after = await _messages(watcher, cursor)
            self.messages = [replace(each, state=before.get(each.id, _NOT_YET)) for each in after]
            self.seen = screen.seen
        return reconcile(self.ledgers, self.messages, self.said)

    def answered(self, channel: str, customer: int) -> None:
        """Something has come for a customer: whatever they had asked is answered."""
        del channel  # one may ask here and be answered there
        for asked_on, count in self._pending.pop(customer, Counter()).items():
            self.tallies[asked_on].answered += count
        self._answers[customer] += 1
        if waiting := self._next_answer.pop(customer, None):
            waiting.set()

    async def _say_all(self, players: Mapping[str, Player]) -> None:
        """Says each message at its time, and one customer's messages one after another."""
        began = time.monotonic()
        last: dict[int, asyncio.Task[None]] = {}
        options = self.options
        troubles = Troubles(options.seed, *LEVELS[options.faults])
        async with asyncio.TaskGroup() as talking:
            for step in plan(
                self.script,
                options.channels,
                rate=options.rate,
                seconds=options.seconds,
                seed=options.seed,
                customers=options.customers,
            ):
                await asyncio.sleep(max(0.0, began + step.at - time.monotonic()))
                number = step.person.number
                self.customers.add(number)
                fault = troubles.next(step.channel)
                last[number] = talking.create_task(self._say(step, fault, players, last.get(number)))
        self.took = time.monotonic() - began

    async def _break(self, network: Network, tell: Callable[[str], None]) -> None:
        """A provider is down for the middle third of the time: every call of the hub's hangs, and fails then."""
        down, third = self.options.down, self.options.seconds / 3
        if not down:
            return
        await asyncio.sleep(third)
        path, query = ("mail/faults", "") if down == MAIL else ("faults", f"?channel={down}")
        (await network.post(path, {**DOWN[down], **({} if down == MAIL else {"channel": down})})).json()
        began = time.time()
        tell(f"The provider of {down} is down.")
        await asyncio.sleep(third)
        await network.delete(f"{path}{query}")
        self.outage = (began, time.time())
        tell(f"The provider of {down} is there again.")

    async def _say(
        self, step: Step, fault: Fault | None, players: Mapping[str, Player], before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            await before
        customer, tally = step.person.number, self.tallies[step.channel]
        answers, heard = self._answers[customer], asyncio.Event()
        self._next_answer[customer] = heard
        tally.sent += 1
        try:
            taken = await players[step.channel].say(step, fault)
        except (NoAnswer, BadAnswer) as error:
            taken = Taken("", accepted=False, why=str(error))
        self.said.append(Said(customer, step.channel, step.text, taken))
        if taken.accepted:
            tally.accepted += 1
            if taken.latency is not None:
                tally.latencies.append(taken.latency)
            if self._answers[customer] > answers:
                tally.answered += 1  # the answer was faster than the word that the question is taken
            else:
                self._pending[customer][step.channel] += 1
                if step.expects_answer:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(heard.wait(), PATIENCE)
        else:
            tally.failed += 1
        if step.last:
            for player in players.values():
                player.leave(step.person)

    async def _draw(self, table: Table, watcher: HubSession) -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(table.every)
            try:
                work = await watcher.work()
                behind = f"outbox {work.late} s behind, {work.dead} dead"
            except (NoAnswer, BadAnswer) as error:
                behind = f"health: {error}"
            at = time.monotonic() - began
            table.draw(self._headline(f"{at:.0f} of {self.options.seconds:.0f} s", at, behind), self.tallies)

    def _headline(self, when: str, seconds: float | None = None, behind: str = "") -> str:
        sent = sum(tally.sent for tally in self.tallies.values())
        took = self.took if seconds is None else seconds
        parts = [when, f"{sent / max(took, 0.001):.1f} messages/s", f"{len(self.customers)} customers", behind]
        return " · ".join(part for part in parts if part)

    async def _drained(self, watcher: HubSession, cursor: str) -> bool:
        """Waits until nothing is due, nothing is on its way and nothing new has happened for `QUIET` seconds."""
        deadline = time.monotonic() + self.options.drain
        quiet_since = time.monotonic()
        on_the_way: set[str] = set()
        while time.monotonic() < deadline:
            busy = False
            async for entry in watcher.events(cursor):
                cursor, busy = entry["cursor"], True
                message = entry["message"]
                if message and message["delivery"]:
                    finished = message["delivery"]["state"] not in ("queued", "sending")
                    (on_the_way.discard if finished else on_the_way.add)(message["id"])
            if busy or on_the_way or (await watcher.work()).late:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > QUIET:
                return True
            await asyncio.sleep(_LOOK)
        return False


def report(run: Run, result: Result) -> dict[str, Any]:
    """The result for machines. Times are milliseconds; `ratio` is p99 / p50 of `accepted_ms`."""
    figures = Figures(run.said, run.ledgers, run.messages, run.seen, run.outage)
    channels: dict[str, dict[str, Any]] = {}
    for name, tally in run.tallies.items():
        channels[name] = {
            "sent": tally.sent,
            "accepted": tally.accepted,
            "answered": tally.answered,
            "waiting": tally.waiting,
            "failed": tally.failed,
            **{kind: result.count(kind, name) for kind in KINDS},
            "unknown": result.unknown_on.get(name, 0),
            **figures.channel(name),
        }
    options = run.options
    return {
        "seed": options.seed,
        "rate": options.rate,
        "seconds": options.seconds,
        "faults": options.faults,
        "duration": round(run.took, 2),
        "rate_reached": round(len(run.said) / run.took, 2) if run.took else 0.0,
        "customers": len(run.customers),
        "agents": len(options.agents),
        "channels": channels,
        "all": figures.channel(""),
        "down": {"channel": options.down, **figures.outage(options.down)} if run.outage else None,
        "reconciled": {"to_the_hub": result.incoming, "to_the_customers": result.outgoing, "unknown": result.unknown},
        **{kind: result.count(kind) for kind in KINDS},
        "differences": [str(each) for each in result.differences],
        "refused": sorted(Counter(each.taken.why for each in run.said if not each.taken.accepted).items()),
        "versions": {"centralita": version("centralita"), "python": platform.python_version()},
    }


def sentences(run: Run, result: Result) -> list[str]:
    """The end of it, for people: what was not taken, each difference, each channel, and the sum."""
    lines = []
    for why, count in Counter(each.taken.why for each in run.said if not each.taken.accepted).most_common(10):
        lines.append(f"not accepted, {count} times: {why}")
    lines += [str(each) for each in result.differences]
    told = report(run, result)
    lines += rows(told["channels"])
    if told["down"]:
        lines.append(f"While the provider of {run.options.down} was down, the p99 of all other channels was")
        for name, what in (
            ("accepted_ms", "accepted"),
            ("visible_ms", "on an agent's screen"),
            ("delivered_ms", "answers at the customer's"),
        ):
            before, during, ratio = (told["down"][name][each] for each in ("otherwise", "down", "ratio"))
            lines.append(f"  {what}: {during} ms, otherwise {before} ms: {ratio} times")
    lines.append(
        f"{result.incoming} messages to the hub and {result.outgoing} to customers compared: "
        f"{result.count('lost')} lost, {result.count('doubled')} doubled, {result.count('out_of_order')} out of order, "
        f"{result.count('invented')} that nobody wrote, {result.count('unfinished')} unfinished, "
        f"{result.count('unchanged')} of {sum(len(each.changed) for each in run.ledgers)} not as changed"
        + (f"; of {result.unknown} the hub does not know whether they were sent" if result.unknown else "")
    )
    return lines


async def _messages(watcher: HubSession, cursor: str) -> list[HubMessage]:
    found = [HubMessage.from_entry(entry) async for entry in watcher.events(cursor)]
    return [each for each in found if each is not None]


@asynccontextmanager
async def _beside(work: Any) -> AsyncIterator[None]:
    """Runs coroutines beside a block, and ends them with it. What one of them raises ends the block too."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        yield
        for task in tasks:
            task.cancel()
