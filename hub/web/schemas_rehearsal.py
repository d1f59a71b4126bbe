"""Shapes of what is tried out: dry runs, forecasts, staffing."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from hub.web.schemas import AtOnce, Identifier, Level, Shape, Storable, TeamOut, TeamRulesIn
from hub.web.schemas_conversations import AgentRef

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class TriedMemberIn(Shape):
    """What an agent would be able to do; what is null stays as it is."""

    skills: dict[Identifier, Level] | None = Field(default=None, max_length=100)
    capacity: dict[Identifier, AtOnce] | None = Field(default=None, max_length=50)
    team_ids: list[Identifier] | None = Field(default=None, max_length=100)


class ChangeIn(Shape):
    """What is tried out, by team and by agent; who is not named stays as they are."""

    teams: dict[Identifier, TeamRulesIn] = Field(default={}, max_length=200)
    agents: dict[Identifier, TriedMemberIn] = Field(default={}, max_length=2_000)


class DryRunIn(Shape):
    change: ChangeIn = ChangeIn()
    last: Annotated[int, Field(ge=1, le=2_000)] = 200
    target_seconds: Seconds = 60


class ServedOut(Shape):
    """`service_level` is answered in time of all; waits in seconds, of those who were answered."""

    conversations: int
    answered: int
    gave_up: int
    service_level: float
    mean_wait: float
    longest_wait: float


class PlayedOut(Shape):
    """`wait` in seconds; null where it waits still."""

    agent: AgentRef | None
    wait: float | None


class MovedOut(Shape):
    conversation_id: str
    ticket_number: int
    happened: PlayedOut
    as_now: PlayedOut
    changed: PlayedOut


class GotOut(Shape):
    """How many somebody would have got."""

    agent: AgentRef
    as_now: int
    changed: int


class DryRunOut(Shape):
    """`differ` would have gone to somebody else than by the rules as they are; `moved` names the newest of them."""

    happened: ServedOut
    as_now: ServedOut
    changed: ServedOut
    differ: int
    moved: list[MovedOut]
    got: list[GotOut]


class ForecastIn(Shape):
    change: ChangeIn = ChangeIn()
    day: date
    zone: Annotated[Storable, StringConstraints(max_length=60)]
    target_seconds: Seconds = 60
    service_level: Annotated[float, Field(gt=0, lt=1)] = 0.8
    runs: Annotated[int, Field(ge=1, le=50)] = 10


class StretchOut(Shape):
    """A half hour of a team. `arrivals` is the mean; `needed` what Erlang A asks for where each has one at a time."""

    begin: datetime
    team: TeamOut
    arrivals: float
    there: int
    needed: int
    as_now: ServedOut
    changed: ServedOut


class ForecastOut(Shape):
    """`patience_seconds` is null where nobody was seen to give up. `staffed_by`: the shifts of the day, or, where none
    are written down, who was there a week before."""

    day: date
    days: int
    runs: int
    arrivals: float
    handling_seconds: float
    patience_seconds: float | None
    staffed_by: Literal["shifts", "last_week"]
    as_now: ServedOut
    changed: ServedOut
    stretches: list[StretchOut]


class StaffingIn(Shape):
    """A queue: so many customers in so many minutes, each taking `handling_seconds`, giving up after
    `patience_seconds` on average."""

    customers: Annotated[float, Field(gt=0, le=1_000_000)]
    minutes: Annotated[float, Field(gt=0, le=1_440)] = 30
    handling_seconds: Seconds
    patience_seconds: Seconds
    target_seconds: Annotated[float, Field(ge=0, le=86_400)] = 20
    service_level: Annotated[float, Field(gt=0, lt=1)] = 0.8
    most_abandoned: Annotated[float, Field(gt=0, le=1)] = 1
    most_occupancy: Annotated[float, Field(gt=0, le=1)] = 1


class OutlookOut(Shape):
    """With so many agents: shares of all who come, `mean_wait` in seconds."""

    agents: int
    waits: float
    service_level: float
    abandoned: float
    mean_wait: float
    occupancy: float


class StaffingOut(Shape):
    """`needed` by Erlang A, `without_patience` by Erlang C (null: it asks for more than can be); `around`: what few
    more or fewer would mean."""

    erlangs: float
    needed: int
    without_patience: int | None
    around: list[OutlookOut]
