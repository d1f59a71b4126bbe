"""`centralita simulate`: from the command line's words to a run and its exit code."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from hub.domain.errors import HubError, Refused
from hub.simulation.hub_api import Login
from hub.simulation.players import PLAYERS
from hub.simulation.record import Tally
from hub.simulation.run import Options, Run, report, sentences
from hub.simulation.script import folder, load
from hub.simulation.table import Table
from hub.simulation.trouble import DOWN, LEVELS

_MOST_RATE = 1000.0
_MOST_MINUTES = 24 * 60.0
_MOST_AGENTS = 50
_MOST_CUSTOMERS = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--rate", type=float, default=1.0, metavar="N", help="messages a second (1)")
    parser.add_argument("--minutes", type=float, default=2.0, metavar="M", help="how long customers write (2)")
    parser.add_argument("--channels", default=",".join(PLAYERS), help=f"which of {','.join(PLAYERS)} (all)")
    parser.add_argument("--customers", type=int, default=0, metavar="N", help="how many write at once, at least (0)")
    parser.add_argument("--agents", type=int, default=0, metavar="K", help="demo agents who answer what waits (0)")
    parser.add_argument("--seed", type=int, help="plays the same customers again; without it others each time")
    parser.add_argument("--drain", type=float, default=60.0, metavar="SECONDS", help="the hub's time at the end (60)")
    parser.add_argument("--faults", choices=tuple(LEVELS), default="none", help="what is to go wrong (none)")
    parser.add_argument("--down", default="", metavar="CHANNEL", help="its provider fails in the middle third")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there")


def run(
    options: argparse.Namespace,
    *,
    hub_url: str,
    simulator_url: str,
    inbox_key: str,
    watcher: Login,
    agents: Sequence[Login],
) -> int:
    """Plays as the options say.

    Args:
        options: of `add_arguments`.
        hub_url: the running hub's public address.
        simulator_url: the simulated providers' address.
        inbox_key: of the web chat.
        watcher: somebody who may read conversations and health.
        agents: who may work as an agent; where more are asked for than there are, they sign in several times.

    Returns:
        The exit code: 0 where everything is there once and in order, else 1.

    Raises:
        Refused: an option that breaks its rule.
        Unavailable: the hub or a simulator is not there.
    """
    wanted = _options(
        options, hub_url=hub_url, simulator_url=simulator_url, inbox_key=inbox_key, watcher=watcher, agents=agents
    )
    script = load()
    names = {picture for each in script for picture in each.pictures}
    pictures = {name: (folder() / f"{name}.jpg").read_bytes() for name in names}
    played = Run(wanted, script, pictures, {channel: Tally() for channel in wanted.channels})
    try:
        result = asyncio.run(played.play(Table(sys.stdout), lambda text: print(text, flush=True)))
    except* HubError as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
    for line in sentences(played, result):
        print(line)
    if options.json:
        options.json.write_text(json.dumps(report(played, result), indent=2, ensure_ascii=False) + "\n")
    return 1 if result.differences else 0


def _options(
    options: argparse.Namespace,
    *,
    hub_url: str,
    simulator_url: str,
    inbox_key: str,
    watcher: Login,
    agents: Sequence[Login],
) -> Options:
    channels = tuple(dict.fromkeys(each.strip() for each in options.channels.split(",") if each.strip()))
    if not channels or not set(channels) <= set(PLAYERS):
        raise Refused("--channels", f"must be of {', '.join(PLAYERS)}, several with commas")
    if not 0 < options.rate <= _MOST_RATE:
        raise Refused("--rate", f"must be above 0 and at most {_MOST_RATE:.0f} messages a second")
    if not 0 < options.minutes <= _MOST_MINUTES:
        raise Refused("--minutes", f"must be above 0 and at most {_MOST_MINUTES:.0f}")
    if not 0 <= options.customers <= _MOST_CUSTOMERS:
        raise Refused("--customers", f"must be from 0 to {_MOST_CUSTOMERS}")
    if not 0 <= options.agents <= _MOST_AGENTS:
        raise Refused("--agents", f"must be from 0 to {_MOST_AGENTS}")
    if not 0 <= options.drain <= 3600:
        raise Refused("--drain", "must be from 0 to 3600 seconds")
    if options.down and options.down not in set(channels) & set(DOWN):
        raise Refused("--down", f"must be one of the channels that are played, of {', '.join(DOWN)}")
    return Options(
        hub_url=hub_url,
        simulator_url=simulator_url,
        inbox_key=inbox_key,
        watcher=watcher,
        channels=channels,
        rate=options.rate,
        seconds=options.minutes * 60,
        # Not the same numbers as last time: they may have said STOP.
        seed=random.SystemRandom().randrange(10**6) if options.seed is None else options.seed,
        agents=tuple(agents[number % len(agents)] for number in range(options.agents)),
        drain=options.drain,
        customers=options.customers,
        faults=options.faults,
        down=options.down,
    )
