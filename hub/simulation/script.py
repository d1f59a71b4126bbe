"""The script: what simulated customers say, read from YAML files.

A file is a list of conversations. Each has one or more customers and their turns in order; docs/simulate.md explains
every field. A file that breaks a rule is refused as a whole, with the place, the field and the rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from hub.domain.errors import Refused
from hub.simulation.numbers import REGIONS

# A turn on this channel goes by whichever of the played channels the customer was dealt.
ANY = "any"
Line = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Language = Literal["en", "es", "mixed", "pt", "fr"]
# The programs that the simulated mailboxes know to write as.
Program = Literal["gmail", "outlook", "apple", "thunderbird"]
MAIL = "email"
# What a customer waits for after a turn, at most `player.PATIENCE` seconds.
Expectation = Literal["any_answer"]

_DURATION = re.compile(r"([0-9]+)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PLACEHOLDER = re.compile(r"\{([^}]*)\}")
PLACEHOLDERS = frozenset({"phone"})


def _seconds(written: object) -> object:
    """`90s`, `5m`, `2h`, `3d` in seconds; everything else is left for the field's own rule to refuse."""
    match = _DURATION.fullmatch(written) if isinstance(written, str) else None
    return int(match[1]) * _SECONDS[match[2]] if match else str(written)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Customer(_Strict):
    """Who writes. `region` (ISO 3166) gives the phone number; `tells` is what they fill in before a web chat."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    region: str
    tells: list[Literal["name", "email", "phone"]] = []

    @model_validator(mode="after")
    def _known_region(self) -> Self:
        if self.region not in REGIONS:
            raise ValueError(f"region must be one of {', '.join(sorted(REGIONS))}")
        return self


class Mail(_Strict):
    """How a turn by mail is written. With a `subject` it is a new mail, without one an answer to the last that came.

    `program` is whose quoting it has; `out_of_office`: the customer's mailbox answers by itself, and `text` is what it
    says.
    """

    subject: Annotated[str, StringConstraints(max_length=300)] | None = None
    program: Program | None = None
    out_of_office: bool = False


class Turn(_Strict):
    """One message. `pause` is in seconds of the customer's life since the turn before; a player makes them shorter."""

    who: Name
    channel: Name
    text: Line
    pause: Annotated[int, BeforeValidator(_seconds)] = 5
    pictures: list[Name] = []
    expect: Expectation | None = None
    mail: Mail | None = None

    @model_validator(mode="after")
    def _mail_by_mail(self) -> Self:
        if self.mail and self.channel != MAIL:
            raise ValueError(f"mail says how a mail is written, and this goes by {self.channel}")
        return self

    @model_validator(mode="after")
    def _known_placeholders(self) -> Self:
        unknown = set(_PLACEHOLDER.findall(self.text)) - PLACEHOLDERS
        if unknown:
            raise ValueError(f"text may have the placeholders {{phone}} and no other, not {{{min(unknown)}}}")
        return self


class Conversation(_Strict):
    """One story, with one customer or several. `channel` and `who` stand for turns that name none."""

    id: Name
    about: Annotated[str, StringConstraints(min_length=10, max_length=200)]
    language: Language
    customers: Annotated[dict[Name, Customer], Field(min_length=1, max_length=5)]
    turns: Annotated[list[Turn], Field(min_length=1, max_length=40)]

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        """Gives each turn the conversation's channel, and its customer where there is only one."""
        if not isinstance(given, Mapping) or not isinstance(given.get("turns"), list):
            return given
        rest = {name: value for name, value in given.items() if name != "channel"}
        usual: dict[str, Any] = {"channel": given["channel"]} if "channel" in given else {}
        customers = given.get("customers")
        if isinstance(customers, Mapping) and len(customers) == 1:
            usual["who"] = next(iter(customers))
        rest["turns"] = [{**usual, **turn} if isinstance(turn, Mapping) else turn for turn in given["turns"]]
        return rest

    @model_validator(mode="after")
    def _known_customers(self) -> Self:
        silent = set(self.customers) - {turn.who for turn in self.turns}
        if strangers := {turn.who for turn in self.turns} - set(self.customers):
            raise ValueError(f"who must be one of the conversation's customers, not {min(strangers)}")
        if silent:
            raise ValueError(f"customers must all say something, {min(silent)} does not")
        return self

    @property
    def channels(self) -> frozenset[str]:
        """The channels that it needs, without `any`."""
        return frozenset(turn.channel for turn in self.turns) - {ANY}

    @property
    def pictures(self) -> frozenset[str]:
        return frozenset(name for turn in self.turns for name in turn.pictures)


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML carries no annotations
    """YAML without its tolerance: a key that stands twice is a slip, not a wish for the second."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                line = node.value[number][0].start_mark.line + 1
                raise Refused(f"line {line}, {key}", "must stand only once")
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def folder() -> Traversable:
    """Where our own script is."""
    return files("hub.simulation") / "conversations"


def load(place: Traversable | None = None) -> tuple[Conversation, ...]:
    """All conversations of a folder's `*.yml`, in the order of the files' names.

    Args:
        place: a folder; our own without it. Pictures are files of the same folder.

    Raises:
        Refused: a file, a field or a picture that breaks its rule.
    """
    place = place or folder()
    entries = {entry.name: entry for entry in place.iterdir()}
    found: list[Conversation] = []
    for name in sorted(entries):
        if name.endswith(".yml"):
            found += parse(name, entries[name].read_text(encoding="utf-8"))
    _require_once(each.id for each in found)
    for each in found:
        for picture in sorted(each.pictures):
            if f"{picture}.jpg" not in entries:
                raise Refused(f"{each.id}, pictures", f"must be a .jpg of the folder, there is no {picture}.jpg")
    if not found:
        raise Refused("script", "must have at least one conversation")
    return tuple(found)


def parse(name: str, content: str) -> list[Conversation]:
    """The conversations of one file. Raises Refused."""
    try:
        given = yaml.load(content, _Loader)  # noqa: S506  # a SafeLoader
    except yaml.YAMLError as error:
        raise Refused(name, f"must be YAML: {' '.join(str(error).split())}") from error
    except Refused as error:
        raise Refused(f"{name}, {error.field}", error.rule) from error
    if not isinstance(given, list):
        raise Refused(name, "must be a list of conversations")
    return [_conversation(name, number, each) for number, each in enumerate(given, 1)]


def _conversation(file: str, number: int, given: object) -> Conversation:
    which = given.get("id", number) if isinstance(given, Mapping) else number
    try:
        return Conversation.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Refused(f"{file}, conversation {which}{', ' if place else ''}{place}", first["msg"]) from error


def _require_once(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise Refused(f"{each}, id", "must be the id of one conversation only")
        seen.add(each)
