"""A channel under test, and what the checks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from hub.domain.errors import Refused
from hub.domain.inbox import Inbox
from hub.domain.messages import (
    Address,
    OutboundMessage,
    Parsed,
    WebhookRequest,
)
from hub.ports import Channel, ChannelMaker, ChannelParts, FetchedFile, Listener
from hub.store.secret_box import SecretBox
from hub.testing.conformance.cases import SendCase, read_cases
from hub.testing.fakes import ManualClock
from hub.testing.provider import Answer, Provider
from hub.testing.samples import Sample, read_samples
from hub.testing.small_hub import INBOX_ID, INBOX_KEY, KEY, PUBLIC_URL, TEAM_ID, SmallHub
from hub.testing.watching import Touched

WEBHOOK_URL = f"{PUBLIC_URL}/webhooks/{INBOX_KEY}"
# PostgreSQL indexes no value of more than 2,704 bytes; and no provider's id has a tenth of it.
IDENTIFIER_LIMIT = 255
COPIES = 50
PATIENCE = 20.0  # seconds after which a send that hangs hangs for good
EXCUSABLE = frozenset(
    {"changed", "batch", "unsupported", "reports", "sending", "outages", "oversize", "attachments", "buttons"}
)

Sign = Callable[[WebhookRequest, ChannelParts], WebhookRequest]


class Broken(AssertionError):
    """A promise of `hub.ports` that the channel does not keep."""


class NotAsked(Exception):
    """The channel does not promise what a check is about."""


@dataclass(frozen=True, slots=True)
class ChannelKit:
    """What the kit must know of a channel.

    name: as it is registered.
    make: its maker, as it is registered.
    payloads: the folder of samples (`hub.testing.samples`) and `sending.json`.
    signs: each way in which the provider signs a request, by name; it gets the request, unsigned, and what the channel
        was made from. Empty for a channel that fetches for itself (`Listener`).
    signed: what the signature covers: `body` (its bytes), `form` (its values, in any order), `url`.
    customer: the address that messages are sent to.
    settings: of the inbox, given the address of the provider.
    secrets: of the inbox; each at least 8 characters long.
    excused: checks that do not apply, each with the reason; only those in `EXCUSABLE`.
    wants_state: samples that a fresh hub must refuse, because they refer to what it does not have.
    modules: further modules that the channel consists of.
    lookups: what the provider answers where it is asked for a file's address first, by a part of the URL that is asked.
    """

    name: str
    make: ChannelMaker
    payloads: Path
    signs: Mapping[str, Sign]
    signed: frozenset[str]
    customer: Address
    settings: Callable[[str], Mapping[str, Any]] = lambda _: {}
    secrets: Mapping[str, str] = field(default_factory=dict)
    excused: Mapping[str, str] = field(default_factory=dict)
    wants_state: frozenset[str] = frozenset()
    modules: tuple[ModuleType, ...] = ()
    lookups: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := sorted(self.excused.keys() - EXCUSABLE):
            raise Refused("excused", f"may only name checks of {sorted(EXCUSABLE)}, not {unknown[0]}")
        if any(len(each) < 8 for each in self.secrets.values()):
            raise Refused("secrets", "must each have at least 8 characters, or finding them in a log proves nothing")


class NoFetcher:
    """For parsing, where nothing is fetched."""

    def fetch(self, url: str, *, limit: int, authorization: str = "") -> FetchedFile:  # noqa: ARG002
        raise Touched(f"fetches {url}")


class StoppedClock:
    """A clock that may be asked, or not."""

    def __init__(self) -> None:
        self.time = ManualClock().now()
        self.forbidden = False

    def now(self) -> int:
        if self.forbidden:
            raise Touched("asks the clock")
        return self.time


class Subject:
    """A channel under test: the kit's description with what is made from it.

    `database_url` gives an empty database for each hub; without it each has a SQLite file of its own.
    """

    def __init__(self, kit: ChannelKit, database_url: Callable[[], str] | None = None) -> None:
        self.kit = kit
        self.clock = StoppedClock()
        self._database_url = database_url or (lambda: "")

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        return read_samples(self.kit.payloads, WEBHOOK_URL)

    @cached_property
    def cases(self) -> tuple[SendCase, ...]:
        return read_cases(self.kit.payloads / "sending.json")

    @cached_property
    def parts(self) -> ChannelParts:
        return self.parts_for("https://provider.invalid")

    @cached_property
    def channel(self) -> Channel:
        return self.kit.make(self.parts)

    @property
    def listens(self) -> bool:
        return isinstance(self.channel, Listener)

    @property
    def hello(self) -> OutboundMessage:
        return OutboundMessage("01JD4A0000000000000000HELL", "01JD4A0000000000000000TALK", self.kit.customer, "Hello")

    def parts_for(self, provider_url: str) -> ChannelParts:
        settings = dict(self.kit.settings(provider_url))
        inbox = Inbox(INBOX_ID, INBOX_KEY, self.kit.name, self.kit.name, TEAM_ID, settings=settings)
        derive = SecretBox(KEY.encode()).derive
        return ChannelParts(inbox, dict(self.kit.secrets), derive, self.clock, NoFetcher(), WEBHOOK_URL)

    def hub(self) -> SmallHub:
        settings = self.kit.settings("https://provider.invalid")
        return SmallHub(self.kit.name, self.kit.make, settings, self.kit.secrets, self._database_url())

    def signed(self, request: WebhookRequest, parts: ChannelParts | None = None) -> Iterator[WebhookRequest]:
        """The request, signed in each way that the provider has; as it is for a channel that fetches for itself."""
        if not self.kit.signs:
            yield request
        for sign in self.kit.signs.values():
            yield sign(request, parts or self.parts)

    def first_signed(self, request: WebhookRequest, parts: ChannelParts | None = None) -> WebhookRequest:
        return next(self.signed(request, parts))

    def parse(self, request: WebhookRequest) -> Parsed:
        return self.channel.parse_inbound(self.first_signed(request))

    def plain(self) -> Sample:
        """A sample that is nothing but one message with a text."""
        for sample in self.samples:
            alone = len(sample.events) == len(sample.messages) == 1 and not sample.set_aside
            if not alone or sample.name in self.kit.wants_state:
                continue
            if sample.messages[0].text and not sample.messages[0].consent:
                return sample
        raise Broken("the payloads hold no plain message: one event, a message with a text")

    @contextmanager
    def sending(self, answer: Answer | None = None) -> Iterator[tuple[Channel, Provider]]:
        """The channel in front of a provider that gives this answer, else the documented one that takes a message."""
        with Provider() as provider:
            provider.answer = answer or self.taken
            yield self.kit.make(self.parts_for(provider.url)), provider

    @property
    def taken(self) -> Answer:
        """The documented answer by which the provider takes a message."""
        for case in self.cases:
            if case.answer and case.receipt:
                return case.answer
        raise Broken("sending.json holds no case with an answer and a receipt")


def demand(condition: object, text: str) -> None:
    """Raises Broken with the text unless the condition is true."""
    if not condition:
        raise Broken(text)


def raised(call: Callable[[Any], object], argument: object) -> Exception | None:
    """What a call with this argument raises."""
    try:
        call(argument)
    except Exception as error:
        return error
    return None


def told(error: BaseException) -> str:
    """An error as one line."""
    return f"{type(error).__name__}: {str(error)[:300]}"
