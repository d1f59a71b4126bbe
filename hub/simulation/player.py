"""What a channel has to do to be played on. A new channel is a file with a `Player`, and a line in `players.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hub.simulation.http import Http
from hub.simulation.network import Network
from hub.simulation.plan import Person, Step
from hub.simulation.record import Ledger, Taken
from hub.simulation.trouble import Fault

# Seconds that a customer waits for an answer before they go on.
PATIENCE = 4.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the players play.

    Args:
        http: for every call; closed by whoever opened it.
        hub_url: the hub's public address.
        network: the simulated providers of the telephones.
        inbox_key: the web chat's inbox.
        pictures: the script's pictures (JPEG) by name.
        run: differs from run to run, so that ids of an earlier one do not come again.
        answered: to be called with a person's number when something has come for them.
    """

    http: Http
    hub_url: str
    network: Network
    inbox_key: str
    pictures: Mapping[str, bytes]
    run: str
    answered: Callable[[str, int], None]


class Player(Protocol):
    """Customers of one channel. Made with a `Stage`."""

    async def open(self) -> None:
        """Gets ready. Raises Unavailable, saying what is missing."""

    async def say(self, step: Step, fault: Fault | None = None) -> Taken:
        """Says something for the step's person; returns when the hub has taken it or it is clear that it will not.

        Nobody says two things at the same time. `fault` is what is to go wrong with it, or with the next that comes for
        them.
        """

    async def listen(self) -> None:
        """Tells `Stage.answered` of what comes for customers, until it is cancelled."""

    def leave(self, person: Person) -> None:
        """The person has nothing more to say here, and looks only now and then."""

    async def ledger(self) -> Ledger:
        """What the other side has of this run. Called once, when the hub has nothing more to send."""
