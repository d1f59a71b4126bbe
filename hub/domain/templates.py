"""Texts that a provider has approved beforehand, and that may be sent when nothing else may."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hub.domain.errors import Refused

# Where a value goes: `{{1}}` or `{{first_name}}`.
PLACE = re.compile(r"\{\{\s*(\w{1,64})\s*\}\}")
LONGEST_VALUE = 1024
# Where the address of a template's picture, video or document goes: the parameter is named for what it is.
HEADER_FILE = "header_file"
_FILES = frozenset({"image", "video", "document"})
_LINK = re.compile(r"https://[^\s/]+/\S+")


class Approval(StrEnum):
    """What the provider says of a template. Only an approved one is sent."""

    APPROVED = "approved"
    PENDING = "pending"
    REJECTED = "rejected"
    PAUSED = "paused"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class TemplateButton:
    """A button under a template. `kind` as the provider names it (`quick_reply`, `url`, `phone_number`, …); `target`
    is the address or number, with a place where it takes a value."""

    kind: str
    title: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """An approved text as the provider has it: one for each name and language.

    `category` is the provider's (`marketing`, `utility`, `authentication`), and what it costs goes by that. `header` is
    a text, or where `header_kind` is `image`, `video` or `document` a file goes there. `approval` with its `reason`.
    """

    provider_id: str
    name: str
    language: str
    category: str
    approval: Approval
    body: str
    header: str = ""
    header_kind: str = ""
    footer: str = ""
    buttons: tuple[TemplateButton, ...] = ()
    reason: str = ""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The values that it wants, in the order in which they are read."""
        wanted = [Parameter(HEADER_FILE, self.header_kind)] if self.header_kind in _FILES else []
        wanted += [Parameter("header", name) for name in _places(self.header)]
        wanted += [Parameter("body", name) for name in _places(self.body)]
        for number, button in enumerate(self.buttons):
            wanted += [Parameter(f"button:{number}", name) for name in _places(button.target)]
        return tuple(wanted)

    @property
    def why_not(self) -> str:
        """Why it cannot be sent from the inbox, in a word; empty where it can."""
        if self.approval is not Approval.APPROVED:
            return self.approval.value
        return "" if self.header_kind in _FILES | {""} else "header_kind"

    def text(self, values: Sequence[str]) -> str:
        """What the customer reads, with these values in the order of `parameters`.

        Raises Refused where there are too few or too many, and for one that is empty or breaks a provider's rules.
        """
        wanted = self.parameters
        if len(values) != len(wanted):
            raise Refused("parameters", f"must be {len(wanted)} values")
        for each, value in zip(wanted, values, strict=True):
            if not value.strip() or len(value) > LONGEST_VALUE or re.search(r"[\n\t]| {5}", value):
                raise Refused("parameters", f"must each be a line of 1 to {LONGEST_VALUE} characters")
            if each.place == HEADER_FILE and not _LINK.fullmatch(value):
                raise Refused("parameters", "must begin with the https address of the file")
        given: dict[str, dict[str, str]] = {}
        for each, value in zip(wanted, values, strict=True):
            given.setdefault(each.place, {})[each.name] = value
        lines = list(given.get(HEADER_FILE, {}).values())
        lines += [_filled(self.header, given.get("header", {})), _filled(self.body, given.get("body", {})), self.footer]
        return "\n\n".join(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that a template wants: in its `header`, its `body`, or `button:N` from 0; named or numbered there. At
    `header_file` it is the file's address, and the name says what kind of file."""

    place: str
    name: str


@dataclass(frozen=True, slots=True)
class OutboundTemplate:
    """A template on its way out, with its values in the order of `parameters`."""

    name: str
    language: str
    parameters: tuple[Parameter, ...] = ()
    values: tuple[str, ...] = field(default=(), repr=False)
    provider_id: str = ""

    def at(self, place: str) -> tuple[tuple[str, str], ...]:
        """(name, value) of what goes to a place, in order."""
        pairs = zip(self.parameters, self.values, strict=True)
        return tuple((each.name, value) for each, value in pairs if each.place == place)


def _places(text: str) -> list[str]:
    return list(dict.fromkeys(PLACE.findall(text)))


def _filled(text: str, values: Mapping[str, str]) -> str:
    return PLACE.sub(lambda found: values.get(found[1], found[0]), text)
