"""Checks of what a channel makes of what it is sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import replace

from hypothesis import HealthCheck, Verbosity, given
from hypothesis import settings as fuzzing

from hub.domain.errors import BadSignature, ChannelError, Refused
from hub.domain.messages import (
    Consent,
    ConsentWord,
    Deletion,
    DeliveryUpdate,
    Echo,
    Edit,
    InboundMessage,
    Parsed,
    Reaction,
    RemoteMedia,
    WebhookRequest,
)
from hub.ports import Channel, FetchedFile, MediaSource
from hub.testing import odd_input
from hub.testing.conformance.subject import (
    IDENTIFIER_LIMIT,
    Broken,
    NotAsked,
    Subject,
    demand,
    raised,
    told,
)
from hub.testing.samples import differences, with_text
from hub.testing.watching import Touched, quiet


def check_samples(subject: Subject) -> None:
    channel = subject.channel
    for sample in subject.samples:
        for request in subject.signed(sample.request):
            parsed: Parsed | None = None
            refused: tuple[str, str] | None = None
            try:
                parsed = channel.parse_inbound(request)
            except Refused as error:
                refused = error.field, error.rule
            demand(refused == sample.refused, f"{sample.name}: refused {refused}, documented is {sample.refused}")
            if parsed:
                wrong = differences(parsed, sample) or _unusable(parsed, channel)
                demand(not wrong, f"{sample.name}: {wrong}")


def check_pure(subject: Subject) -> None:
    requests = [subject.first_signed(sample.request) for sample in subject.samples if not sample.refused]
    other = subject.kit.make(subject.parts)
    subject.clock.forbidden = True
    try:
        with quiet() as touched:
            first = [subject.channel.parse_inbound(request) for request in requests]
            again = [channel.parse_inbound(each) for channel in (subject.channel, other) for each in reversed(requests)]
    except Touched as error:
        raise Broken(f"parsing uses the outside: {error}") from error
    finally:
        subject.clock.forbidden = False
    demand(not touched, f"parsing uses the outside: {', '.join(dict.fromkeys(touched))}")
    demand(again == [*reversed(first), *reversed(first)], "the same payload did not become the same values again")


def check_garbage(subject: Subject) -> None:
    requests = [subject.first_signed(sample.request) for sample in subject.samples]

    @fuzzing(
        max_examples=200,
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(odd_input.damaged(requests))
    def read(request: WebhookRequest) -> None:
        _read_garbage(subject.channel, request)

    for request in (*odd_input.other_bodies(requests[0]), *odd_input.in_each_place(requests)):
        _read_garbage(subject.channel, request)
    read()


def _read_garbage(channel: Channel, request: WebhookRequest) -> None:
    try:
        parsed = channel.parse_inbound(request)
    except BadSignature:
        return
    except Refused as error:
        demand(error.field and error.rule, "a refusal must name its field and its rule")
        return
    except Exception as error:
        raise Broken(f"parse_inbound raises {told(error)}, for the body {request.body[:200]!r}") from error
    wrong = _unusable(parsed, channel)
    demand(not wrong, f"{wrong}, for the body {request.body[:200]!r}")


def _unusable(parsed: Parsed, channel: Channel) -> str:
    """What a hub could not store of it; empty where it can store all."""
    for element in parsed.set_aside:
        if not (element.field and element.rule):
            return "what is set aside must have a field and a rule"
    for event in parsed.events:
        indexed: dict[str, str] = {}
        if isinstance(event, InboundMessage):
            if not event.external_id:
                return "a message without an external_id cannot be told from its copies"
            if event.address.channel != channel.capabilities.channel or not event.address.value:
                return f"{event.address!r} is no address of the channel {channel.capabilities.channel}"
            files = event.attachments or event.media or event.files
            other = event.location or event.cards or event.sticker or event.unsupported or event.payload
            if not (event.text or files or event.letter or other):
                return "a message with nothing in it: say that its kind is not supported, or set it aside"
            if event.sent_at is not None and not 0 <= event.sent_at < 2**63:
                return f"sent_at {event.sent_at} is no time in microseconds"
            indexed = {"external_id": event.external_id, "address": event.address.value, "thread_key": event.thread_key}
        elif isinstance(event, DeliveryUpdate):
            if not (event.provider_id or event.message_id):
                return "a delivery report must say which message it is about"
            indexed = {"provider_id": event.provider_id, "message_id": event.message_id, "error_code": event.error_code}
        elif isinstance(event, Edit | Deletion | Reaction):
            if not (event.target and event.address.value):
                return "a change must say of which message, and whose it is"
            indexed = {"target": event.target, "address": event.address.value}
        elif isinstance(event, Echo):
            if not (event.message.external_id and event.message.address.value):
                return "an echo must say which message it is, and to whom"
            indexed = {"external_id": event.message.external_id, "address": event.message.address.value}
        for name, text in indexed.items():
            if len(text) > IDENTIFIER_LIMIT:
                return f"{name} has {len(text)} characters, more than an index takes ({IDENTIFIER_LIMIT})"
        if any("\0" in text or any("\ud800" <= each <= "\udfff" for each in text) for text in _texts(event)):
            return "a text with NUL or half a surrogate pair, which no database stores"
    return ""


def _texts(value: object) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            yield from _texts(getattr(value, each.name))
    elif isinstance(value, tuple | list | frozenset):
        for part in value:
            yield from _texts(part)


def check_batch(subject: Subject) -> None:
    mixed = [sample for sample in subject.samples if sample.set_aside and sample.events]
    demand(mixed, "the payloads hold no batch with an element that cannot be used: the others must go on")
    # That it stays so in the hub: check_edge stores every sample.


def check_unsupported(subject: Subject) -> None:
    found = [sample for sample in subject.samples if sample.name.startswith("unsupported")]
    demand(found, "the payloads hold no unsupported*.expected.json: a kind of message that the channel does not know")
    for sample in found:
        demand(
            any(message.text or message.unsupported for message in sample.messages),
            f"{sample.name}: it must become a message that says so, for whoever reads the conversation",
        )


def check_consent(subject: Subject) -> None:
    channel = subject.channel
    if not channel.capabilities.opt_out:
        for sample in subject.samples:
            demand(not any(each.consent for each in sample.messages), f"{sample.name}: consent without opt_out")
        raise NotAsked("customers cannot forbid us to write to them by a word")
    words = {each.consent.word for sample in subject.samples for each in sample.messages if each.consent}
    demand(words == set(ConsentWord), f"the payloads hold no {sorted(set(ConsentWord) - words)}")
    plain = subject.plain()
    for text, word in (
        ("STOP", ConsentWord.STOP), ("stop", ConsentWord.STOP), (" Stop. ", ConsentWord.STOP),
        ("START", ConsentWord.START), ("HELP", ConsentWord.HELP),
        ("ALTO", ConsentWord.STOP), ("baja", ConsentWord.STOP), ("AYUDA", ConsentWord.HELP),
        ("please do not stop", None), ("can you help me?", None), ("alto ahí", None), ("I will start on Monday", None),
    ):  # fmt: skip
        request = with_text(plain, text)
        demand(request, f"{plain.name}: its text cannot be found in its body")
        assert request is not None  # noqa: S101  # demanded
        (message,) = subject.parse(request).events
        found = message.consent if isinstance(message, InboundMessage) else None
        demand((found.word if found else None) is word, f"the text {text!r} became the consent {found}, not {word}")
        demand(not found or isinstance(found, Consent), "consent must be a Consent")


def check_media(subject: Subject) -> None:
    named = [media for sample in subject.samples for message in sample.messages for media in message.media]
    channel = subject.channel
    if not isinstance(channel, MediaSource):
        demand(not named, "messages name files of the provider, and the channel has no fetch_media")
        raise NotAsked("the provider keeps no files for us")
    demand(named, "the payloads hold no message with media")
    fetcher = _Fetcher(subject.kit.lookups)
    source = subject.kit.make(replace(subject.parts, fetcher=fetcher))
    assert isinstance(source, MediaSource)  # noqa: S101  # made as the one before
    strange = RemoteMedia("https://attacker.example/picture.png", "image/png")
    with quiet() as touched:
        for media in (*named, strange):
            got = raised(source.fetch_media, media)
            demand(got is None or isinstance(got, ChannelError), f"fetch_media raises {got!r}, not ChannelError")
            demand(media is strange or got is None, f"fetch_media does not get {media.url}: {got}")
    demand(not touched, f"fetch_media goes around the parts' fetcher: {', '.join(dict.fromkeys(touched))}")
    for url, limit, authorization in fetcher.asked:
        demand(0 < limit <= 200 * 1024 * 1024, f"fetch_media reads up to {limit} bytes")
        demand(
            not (authorization and url == strange.url), "the account's credentials go to a host that a message named"
        )
    for error in (ChannelError("gone", permanent=True), ChannelError("timeout")):
        fetcher.error = error
        got = raised(source.fetch_media, named[0])
        demand(
            isinstance(got, ChannelError) and got.permanent == error.permanent,
            f"the fetcher's {error!r} came out of fetch_media as {got!r}",
        )


class _Fetcher:
    """A fetcher that has every file, and keeps who asked how."""

    def __init__(self, lookups: Mapping[str, bytes]) -> None:
        self.asked: list[tuple[str, int, str]] = []
        self._lookups = lookups
        self.error: ChannelError | None = None

    def fetch(self, url: str, *, limit: int, authorization: str = "") -> FetchedFile:
        self.asked.append((url, limit, authorization))
        if self.error:
            raise self.error
        for part, answer in self._lookups.items():
            if part in url:
                return FetchedFile(answer, "application/json")
        return FetchedFile(b"\x89PNG\r\n\x1a\n", "image/png", "picture.png")
