"""What a schedule of faults is: which mode and scenario, what is cut where, what the providers do wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal["embedded", "scaled_out"]
Deed = Literal["kill", "full", "slow", "wait", "long", "forward", "back"]


@dataclass(frozen=True, slots=True)
class Cut:
    """What happens in a process when it comes to a place for the `hit`-th time in its `life`-th life.

    `deed`: `kill` (-9, the whole process group), `full` (no file grows for a second and a half), `slow` (each commit
    takes 0.3 s more for two seconds), `wait` (this once a second), `long` (three), `forward`,
    `back` (its clock jumps by an hour). `process` is `hub`, `worker-0` or `worker-1`.
    """

    place: str
    hit: int = 1
    deed: Deed = "kill"
    process: str = "hub"
    life: int = 0


@dataclass(frozen=True, slots=True)
class Blow:
    """A kill -9 at a time: `target` is a process of the hub, `redis`, `postgres` or `bot`, `after` in milliseconds."""

    target: str
    after: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """`faults` are orders to the simulated providers: (sms or mail, as their control APIs take them). With
    `rare_sweeps` the sweeper comes every twenty seconds: what a commit sets off must not need it."""

    mode: Mode
    scenario: str
    cuts: tuple[Cut, ...] = ()
    faults: tuple[tuple[str, Mapping[str, Any]], ...] = field(default=())
    bug: str = ""
    rare_sweeps: bool = False
    blows: tuple[Blow, ...] = ()

    @property
    def name(self) -> str:
        """The same for equal schedules, in every run."""
        cuts = [f"{each.process}{each.life}@{each.place}#{each.hit}={each.deed}" for each in self.cuts]
        faults = [
            f"{channel}:{fault['where']}.{fault['do']}" + (f".{fault['status']}" if "status" in fault else "")
            for channel, fault in self.faults
        ]
        cuts += [f"{each.target}@{each.after}ms" for each in self.blows]
        more = ["rare_sweeps"] * self.rare_sweeps + [f"bug:{self.bug}"] * bool(self.bug)
        return "_".join([self.mode, self.scenario, *cuts, *faults, *more])
