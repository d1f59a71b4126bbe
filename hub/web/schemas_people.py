"""Shapes of people, teams, shifts and questions, as those see them who look after them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from hub.web.schemas import AgentOut, Identifier, Language, Role, Shape, Storable, TeamOut
from hub.web.schemas_conversations import AgentRef
from hub.web.schemas_promises import Windows

Name = Annotated[Storable, StringConstraints(min_length=1, max_length=200)]
Words = Annotated[Storable, StringConstraints(min_length=1, max_length=300)]


class PersonOut(AgentOut):
    """Somebody who signs in, or did. `invited`: they have not chosen a password yet."""

    disabled: bool
    invited: bool


class PeopleOut(Shape):
    items: list[PersonOut]


class NewPersonIn(Shape):
    name: Name
    email: Annotated[Storable, StringConstraints(pattern=r"^[^\s@]+@[^\s@]+$", max_length=254)]
    role: Role
    language: Language
    team_ids: list[Identifier] = Field(default=[], max_length=100)


class PersonIn(Shape):
    name: Name
    email: Annotated[Storable, StringConstraints(pattern=r"^[^\s@]+@[^\s@]+$", max_length=254)]
    role: Role
    language: Language
    disabled: bool = False


class InvitationOut(Shape):
    """`link` is to be given to the person themselves: whoever has it chooses their password. Good once, until then."""

    link: str
    until: datetime


class InvitedIn(Shape):
    token: Annotated[Storable, StringConstraints(max_length=200)]


class InvitedOut(Shape):
    """Whom an invitation is for."""

    name: str
    email: str
    language: Language


class PasswordIn(InvitedIn):
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class NewTeamIn(Shape):
    name: Name
    tier: Literal["1", "2", "vendor"] = "1"


class TeamIn(NewTeamIn):
    lead_ids: list[Identifier] = Field(default=[], max_length=50)


class TeamDetail(TeamOut):
    """A team with its people, by name; `lead_ids` of them lead it."""

    members: list[AgentRef]
    lead_ids: list[str]


class ShiftsQuery(Shape):
    """From the first to the last date, both included, two months at most."""

    first: date
    last: date


class ShiftIn(Shape):
    """Windows as `["09:00", "14:00"]` on the clock of `zone`; none: they do not work."""

    zone: Annotated[Storable, StringConstraints(max_length=60)]
    windows: Windows


class ShiftOut(ShiftIn):
    agent: AgentRef
    day: date


class Shifts(Shape):
    items: list[ShiftOut]


class IdentityQuestionIn(Shape):
    text_en: Words
    text_es: Words
    position: int = Field(default=0, ge=0, le=1_000)


class IdentityQuestionOut(IdentityQuestionIn):
    """`name` is the field of contacts that holds the answer."""

    name: str


class IdentityQuestions(Shape):
    items: list[IdentityQuestionOut]
