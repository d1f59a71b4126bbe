"""Shapes of open hours and of promises (SLA)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from hub.web.schemas import Identifier, Priority, Shape, Storable

Windows = Annotated[list[tuple[str, str]], Field(max_length=12)]


class HoursIn(Shape):
    """`week` has seven days, Monday first, each with windows as `["09:00", "18:00"]`. The public holidays of `country`
    (and `region`, as the library `holidays` names it) are closed; `exceptions` go before them."""

    zone: Annotated[Storable, StringConstraints(max_length=60)]
    week: list[Windows] = Field(max_length=7)
    exceptions: dict[str, Windows] = Field(default={}, max_length=400)
    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ""
    region: Annotated[Storable, StringConstraints(max_length=20)] = ""


class HoursOut(HoursIn):
    """`owner` is `inbox:ID`, `team:ID` or `vendor:ID`. `holidays` are the dates that are closed."""

    owner: str
    holidays: list[str]


class HoursList(Shape):
    items: list[HoursOut]


class PolicyIn(Shape):
    """`targets` in seconds of open time. Empty lists mean all; `position` orders the policies: the first that covers a
    conversation counts."""

    name: Annotated[Storable, StringConstraints(max_length=100)]
    position: int = Field(default=0, ge=0, le=10_000)
    targets: dict[Literal["first_response", "next_response", "resolution"], int]
    pauses: list[Literal["customer", "vendor", "snoozed"]] = Field(default=["customer", "vendor", "snoozed"])
    warn_share: float = 0.8
    inbox_ids: list[Identifier] = Field(default=[], max_length=500)
    team_ids: list[Identifier] = Field(default=[], max_length=500)
    priorities: list[Priority] = Field(default=[])
    contact_fields: dict[Identifier, Annotated[Storable, StringConstraints(max_length=500)]] = Field(
        default={}, max_length=10
    )


class PolicyOut(PolicyIn):
    policy_id: str


class Policies(Shape):
    """In their order."""

    items: list[PolicyOut]
