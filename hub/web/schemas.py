"""The HTTP edge's shapes: what all share, and the people. Each other matter has a module of its own beside this one.
Everything that crosses the API is one of these; inside the hub travel domain values.

Times are RFC 3339 strings in UTC, identifiers are opaque strings, cursors are opaque strings that only grow.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


def _storable(text: str) -> str:
    """PostgreSQL takes no NUL, UTF-8 no half of a surrogate pair; JSON can write both."""
    if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text):
        raise ValueError("must not contain NUL or half a surrogate pair")
    return text


Status = Literal["bot", "waiting", "assigned", "snoozed", "resolved"]
Priority = Literal["none", "low", "medium", "high", "urgent"]
Presence = Literal["available", "busy", "wrap_up", "break", "offline"]
Role = Literal["agent", "team_lead", "supervisor", "editor", "administrator"]
MessageKind = Literal["incoming", "outgoing", "note", "vendor"]
AuthorKind = Literal["contact", "bot", "agent", "system", "vendor"]
DeliveryState = Literal["queued", "sending", "sent", "delivered", "read", "failed", "unknown"]
VerifiedLevel = Literal["none", "claimed", "verified"]
View = Literal["queue", "mine", "helping", "all", "bot", "snoozed", "resolved"]
MailRule = Literal["in_reply_to", "references", "thread_index", "token", "ticket_number", "new"]
SourceState = Literal["stored", "duplicate", "refused", "read"]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,200}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Storable = Annotated[str, AfterValidator(_storable)]
Text = Annotated[Storable, StringConstraints(max_length=20_000)]


class Shape(BaseModel):
    """Base: unknown fields are refused, so that a typing mistake is an error and not silence."""

    # What we give has all its fields, also those that a program of ours need not fill in.
    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class Problem(Shape):
    """Every error answer. `field` and `rule` are there when input broke a rule."""

    error_id: str
    message: str
    field: str | None = None
    rule: str | None = None


class Done(Shape):
    ok: Literal[True] = True


# --- people -----------------------------------------------------------------------------------------------------------


class AgentOut(Shape):
    id: str
    name: str
    email: str
    role: Role
    language: Language
    team_ids: list[str]
    presence: Presence


class SignIn(Shape):
    email: Annotated[Storable, StringConstraints(min_length=1, max_length=254)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SessionOut(Shape):
    """`csrf_token` goes back in the header `X-CSRF-Token` of every request that changes something."""

    agent: AgentOut
    csrf_token: str


class PresenceIn(Shape):
    presence: Presence
    reason: Annotated[Storable, StringConstraints(max_length=80)] = ""


class PresenceOut(Shape):
    """`since`: when this presence began; null where there was never another. `until`: when it ends by itself. `load` is
    the share of what they can carry that they do."""

    presence: Presence
    reason: str
    since: datetime | None
    until: datetime | None
    load: float


class ReasonOut(Shape):
    """A reason that agents may give for a presence, named in both languages."""

    code: str
    presence: Presence
    name_en: str
    name_es: str
    position: int


class Reasons(Shape):
    items: list[ReasonOut]


class ReasonIn(Shape):
    presence: Presence
    name_en: Annotated[Storable, StringConstraints(min_length=1, max_length=80)]
    name_es: Annotated[Storable, StringConstraints(min_length=1, max_length=80)]
    position: int = Field(default=0, ge=0, le=1_000)


class SkillOut(Shape):
    """`kind` `language`: the name is a code of ISO 639-1, and conversations in it ask for the skill."""

    name: str
    kind: Literal["topic", "language"]


class Skills(Shape):
    items: list[SkillOut]


class SkillIn(Shape):
    kind: Literal["topic", "language"] = "topic"


Level = Annotated[int, Field(ge=1, le=5)]
AtOnce = Annotated[int, Field(ge=0, le=50)]


class MemberOut(Shape):
    """What routing knows of an agent: levels by skill, how many of each channel's conversations at once (null: the
    usual), their teams."""

    skills: dict[str, int]
    capacity: dict[str, int] | None
    team_ids: list[str]


class MemberIn(Shape):
    skills: dict[Identifier, Level] = Field(default={}, max_length=100)
    capacity: dict[Identifier, AtOnce] | None = Field(default=None, max_length=50)
    team_ids: list[Identifier] = Field(default=[], max_length=100)


class WideningStep(Shape):
    """After this many seconds of waiting, required levels are lower by `lower`, and the skills in `optional` are only
    preferred."""

    after_seconds: Annotated[int, Field(ge=1, le=604_800)]
    lower: Annotated[int, Field(ge=0, le=5)] = 0
    optional: list[Identifier] = Field(default=[], max_length=50)


class OverflowStep(Shape):
    """A team that helps out with what has waited for so many seconds."""

    team_id: Identifier
    after_seconds: Annotated[int, Field(ge=0, le=604_800)] = 300


class TeamRulesIn(Shape):
    """How a team's queue is served. Whoever has resolved one of its conversations is left alone for `wrap_up_seconds`;
    0: not at all."""

    choice: Literal["longest_idle", "least_loaded"]
    overflow: list[OverflowStep] = Field(default=[], max_length=10)
    widening: list[WideningStep] = Field(default=[], max_length=20)
    wrap_up_seconds: Annotated[int, Field(ge=0, le=3_600)] = 0


class ModeIn(Shape):
    """`manual`: agents take what waits. `offer`: the fittest is asked. `automatic`: the fittest is given it."""

    mode: Literal["manual", "offer", "automatic"]


class TeamOut(Shape):
    id: str
    name: str
    tier: Literal["1", "2", "vendor"]


class InboxOut(Shape):
    id: str
    name: str
    channel: str
    routing: Literal["manual", "offer", "automatic"]


class ListenerOut(Shape):
    """How an inbox that fetches for itself is. `seen_at`: when its source last answered; `behind`: how many messages
    are known to wait there. `error` has lasted since `error_since`; `notice` is the last thing that an administrator
    should know."""

    state: Literal["ok", "starting", "down"]
    seen_at: datetime | None
    behind: int
    notice: str
    error: str
    error_since: datetime | None


class InboxStateOut(InboxOut):
    """An inbox with what those may see who look after it: `listener` (who may read the hub's health) is null where
    messages are brought, `held_back` (who may read sources) counts what was refused and waits for a look."""

    listener: ListenerOut | None = None
    held_back: int | None = None


class Agents(Shape):
    items: list[AgentOut]


class Teams(Shape):
    items: list[TeamOut]


class Inboxes(Shape):
    items: list[InboxStateOut]


class Counters(Shape):
    """Maintained counts for the badges. `queue` is everything waiting, `queue_by_team` splits it."""

    queue: int
    queue_by_team: dict[str, int]
    mine: int
    helping: int
    bot: int
    snoozed: int
