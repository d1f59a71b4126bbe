"""Two hubs and two workers on hosts of their own, over one PostgreSQL and one Redis. One is cut off in the midst of its
work, and comes back."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import parts
from tests.faults import check, people
from tests.faults.firm import NUMBER, furnish
from tests.faults.hosts import Network, NotAllowed
from tests.faults.nursery import Child, Nursery
from tests.faults.providers import Providers
from tests.faults.rig import replayed, unfinished, whole_feed
from tests.faults.schedule import Cut, Schedule
from tests.faults.stalls import Stalls

pytestmark = pytest.mark.timeout(400)

HUBS, WORKERS = ("hub-a", "hub-b"), ("worker-a", "worker-b")
NUMBERS = {"hub-a": NUMBER, "hub-b": "+34644010204"}
PORT = 8000
# Until PostgreSQL has ended the session of a host that is cut off, its lease is over and a sweeper has come by.
TAKEN_OVER = 40.0


@dataclass
class Hosts:
    """Where everything runs."""

    network: Network
    providers: Providers
    children: dict[str, Child]
    folder: Path
    environment: dict[str, str]
    line: Callable[[], people.Line]
    stopped: threading.Event

    def url(self, hub: str) -> str:
        return f"http://{self.network.address(hub)}:{PORT}"

    def places(self, host: str) -> list[str]:
        """What a host's process has come to."""
        trace = self.folder / f"{host}.trace"
        return trace.read_text().splitlines() if trace.exists() else []

    def until(self, condition: Callable[[], object], what: str, seconds: float = people.PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, what
            time.sleep(0.02)  # files and databases tell nobody that they have changed

    def has_nothing_to_do(self) -> bool:
        return self.providers.are_quiet() and not unfinished(self.environment["CENTRALITA_DATABASE_URL"])


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    with contextlib.ExitStack() as stack:
        try:
            network = stack.enter_context(Network((*HUBS, *WORKERS)))
        except NotAllowed as error:
            pytest.skip(f"nobody may make networks here: {error}")
        postgres = stack.enter_context(parts.run_postgres(network.ours))
        redis_url = stack.enter_context(parts.run_redis(network.ours))
        simulator, mail = parts.free_port(), parts.free_port()
        urls = {host: f"http://{network.address(host)}:{PORT}" for host in HUBS}
        providers = stack.enter_context(Providers(urls["hub-a"], 0, simulator, mail, network.ours))
        for hub, number in NUMBERS.items():
            providers.answers(number, urls[hub])
        database = postgres.create_database("hosts")
        environment = {
            "CENTRALITA_DATA": str(tmp_path),
            "CENTRALITA_DATABASE_URL": database.replace("127.0.0.1", network.ours),
            "CENTRALITA_REDIS_URL": redis_url,
            "CENTRALITA_PORT": str(PORT),
            "CENTRALITA_SECRET_KEY": "a key for hosts that are cut off, long enough",
            "CENTRALITA_KNOWLEDGE": "absent",
            "CENTRALITA_BOT": "absent",
            "CENTRALITA_THREADS": "96",
        }
        signed_in = furnish(
            database,
            environment,
            simulator=providers.url,
            smtp_port=mail,
            chat=urls["hub-b"],
            numbers=tuple(NUMBERS.values()),
        )
        nursery, stopped = stack.enter_context(Nursery()), threading.Event()
        # Its commits are slow from there on, so that one can be cut off in the midst of it.
        cuts = {"worker-a": [Cut("job.done", 2, "slow")]}
        children: dict[str, Child] = {}
        stack.callback(lambda: [child.kill() for child in children.values()])
        for host in (*HUBS, *WORKERS):
            own = {"CENTRALITA_HOST": network.address(host), "CENTRALITA_PUBLIC_URL": urls.get(host, urls["hub-a"])}
            children[host] = nursery.fork(
                "serve" if host in HUBS else "worker",
                environment | own,
                cuts.get(host, []),
                tmp_path / f"{host}.trace",
                tmp_path / f"{host}.log",
                Schedule("scaled_out", "sms"),
                network.namespace(host),
            )
        stack.callback(stopped.set)

        def line() -> people.Line:
            return people.agent_line(urls["hub-b"], stopped, signed_in)

        yield Hosts(network, providers, children, tmp_path, environment, line, stopped)


class Town:
    """The customers, each with a thread while they say something."""

    def __init__(self, hosts: Hosts) -> None:
        self.customers: list[people.Customer] = []
        self._hosts = hosts
        self._homes: list[str] = []

    def settle(self, hub: str, count: int) -> list[people.Customer]:
        """So many new customers, who write to a hub's number."""
        new = [
            people.Customer(len(self.customers) + place, "sms", f"+3460012{len(self.customers) + place:04}")
            for place in range(count)
        ]
        self.customers += new
        self._homes += [hub] * count
        return new

    def say(self, customers: list[people.Customer], count: int = 2) -> list[threading.Thread]:
        """They begin to say so many things, each the next when the one before has arrived."""
        threads = []
        for each in customers:
            number = NUMBERS[self._homes[each.number]]
            work = threading.Thread(target=people.texts, args=(each, self._hosts.providers, count, number), daemon=True)
            work.start()
            threads.append(work)
        return threads

    def have_heard(self, customers: list[people.Customer]) -> bool:
        heard = {each.recipient for each in self._hosts.providers.ledger.changes(after=1, limit=1000)}
        return all(each.address in heard for each in customers)


def in_the_midst(places: list[str]) -> bool:
    """Whether a job's end is written and not committed: its conversation and its row are locked."""
    slow = "job.done slow"
    return slow in places and places[-1] == "store.ready" and places.index(slow) < len(places) - 1


def test_a_host_that_is_cut_off_loses_doubles_and_holds_up_nothing(hosts: Hosts) -> None:
    network, town = hosts.network, Town(hosts)
    agent = people.Agent(hosts.line(), quick=False)
    follower = people.Follower(hosts.line(), agent.saw)
    stalls = Stalls(lambda: [pid for child in hosts.children.values() for pid in child.pids])
    hosts.until(lambda: follower.look() is not None, "a hub answers")
    follower.start()
    try:
        # A worker, in the midst of a transaction: whatever it has locked or claimed.
        settled = town.settle("hub-a", 2) + town.settle("hub-b", 2)
        talking = town.say(settled, count=4)
        hosts.until(lambda: in_the_midst(hosts.places("worker-a")), "the worker works")
        network.cut("worker-a")
        for each in talking:
            each.join(people.PATIENCE)
        newcomers = town.settle("hub-a", 1) + town.settle("hub-b", 1)
        talking = town.say(newcomers)
        hosts.until(lambda: town.have_heard(settled + newcomers), "the other worker answers everybody", TAKEN_OVER)
        hosts.until(hosts.has_nothing_to_do, "the other worker has finished what was begun", TAKEN_OVER)
        network.heal("worker-a")
        # A hub, while its customers write.
        done = len(hosts.places("worker-a"))
        talking += town.say(settled, count=4)
        network.cut("hub-a")
        elsewhere = town.settle("hub-b", 1)
        talking += town.say(elsewhere)
        hosts.until(lambda: town.have_heard(elsewhere), "the other hub answers its customers", TAKEN_OVER)
        network.heal("hub-a")
        for each in talking:
            each.join(people.PATIENCE)
        back = town.settle("hub-a", 1)
        talking = town.say(back, count=3)
        hosts.until(lambda: town.have_heard(back), "the hub that was cut off answers again")
        for each in talking:
            each.join(people.PATIENCE)
        hosts.until(lambda: len(hosts.places("worker-a")) > done, "the worker that was cut off works again")
        agent.wait(len(town.customers))
        hosts.until(hosts.has_nothing_to_do, "all work is done")
    finally:
        follower.stop()
        stalls.stop()
    hosts.until(lambda: follower.look() is False, "the screen has seen everything")
    whole: list[dict[str, Any]] = whole_feed(hosts.line())
    found = check.violations(hosts.providers, town.customers, [], follower, whole, stalls, degraded=TAKEN_OVER)
    assert found == []
    assert all(each.said and each.said[-1].taken.accepted for each in town.customers)
    hosts.stopped.set()
    assert replayed(hosts.environment) == []
