"""Documented payloads with the values that they must become, read from the folder beside a channel.

`NAME.json` (or any other ending) is a body, byte for byte as the provider sends it; `NAME.expected.json` says what
comes out of it. An expectation without a body is a request without one (a handshake). The keys of an expectation:

* `source`: where the provider documents the shape (required);
* `request`: `method` (POST), `path` (the inbox's webhook), `query`, `content_type` (by the body's ending), `headers`;
* `events`: each with its `kind` (`message`, `delivery`, `edit`… as in `_KINDS`) and the fields that differ from their
  defaults;
* `set_aside`: each with `field` and `rule`;
* `reply`: `status`, `body`, `content_type`, where the provider wants more than an empty 200;
* `refused`: instead of the three before, `field` and `rule` of the `Refused` that is raised.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from pydantic import TypeAdapter, ValidationError

from hub.domain.errors import Refused
from hub.domain.forms import FORM
from hub.domain.messages import (
    AccountTrouble,
    Address,
    CallEvent,
    Deletion,
    DeliveryUpdate,
    Echo,
    Edit,
    InboundEvent,
    InboundMessage,
    OutboundMessage,
    Parsed,
    ProviderReply,
    Reachable,
    Reaction,
    Readdressed,
    Seen,
    TemplateUpdate,
    WebhookRequest,
)

EXPECTED = ".expected.json"
_KINDS: Mapping[str, Any] = {
    "message": InboundMessage,
    "delivery": DeliveryUpdate,
    "call": CallEvent,
    "edit": Edit,
    "deletion": Deletion,
    "reaction": Reaction,
    "echo": Echo,
    "seen": Seen,
    "reachable": Reachable,
    "readdressed": Readdressed,
    "template": TemplateUpdate,
    "account": AccountTrouble,
}
_CONTENT_TYPES = {".json": "application/json", ".form": FORM, ".xml": "text/xml", ".eml": "message/rfc822"}
_KEYS = {"source", "request", "events", "set_aside", "reply", "refused"}
_REQUEST_KEYS = {"method", "path", "query", "content_type", "headers"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One documented request, unsigned, and what it must become.

    `refused` is (field, rule) where nothing in it can be read, and then there are no `events`. `set_aside` is
    (field, rule) of each element that is put aside.
    """

    name: str
    request: WebhookRequest
    events: tuple[InboundEvent, ...]
    set_aside: tuple[tuple[str, str], ...]
    reply: ProviderReply
    refused: tuple[str, str] | None

    @property
    def messages(self) -> tuple[InboundMessage, ...]:
        return tuple(each for each in self.events if isinstance(each, InboundMessage))

    @property
    def deliveries(self) -> tuple[DeliveryUpdate, ...]:
        return tuple(each for each in self.events if isinstance(each, DeliveryUpdate))


def read_samples(folder: Path, webhook_url: str) -> tuple[Sample, ...]:
    """Every sample of a folder, by name.

    Args:
        folder: `payloads/` beside the channel.
        webhook_url: where the provider calls the inbox.

    Raises:
        Refused: a file that breaks the format; the field names the file and the key in it.
    """
    found = tuple(_sample(path, webhook_url) for path in sorted(folder.glob(f"*{EXPECTED}")))
    if not found:
        raise Refused(str(folder), f"must hold payloads, each with its NAME{EXPECTED}")
    return found


def differences(parsed: Parsed, sample: Sample) -> str:
    """What a channel made of a sample, where that is not what was documented; empty where it is."""
    found = (parsed.events, tuple((each.field, each.rule) for each in parsed.set_aside), parsed.reply)
    for name, got, wanted in zip(
        ("events", "set_aside", "reply"), found, (sample.events, sample.set_aside, sample.reply), strict=True
    ):
        if got != wanted:
            return f"{name}: the payload became {got!r}, documented is {wanted!r}"
    return ""


def with_body(request: WebhookRequest, body: bytes) -> WebhookRequest:
    """The request with another body."""
    return replace(request, body=body)


def with_text(sample: Sample, text: str) -> WebhookRequest | None:
    """The sample's request with another text in place of its message's; None where that cannot be found in its body."""
    if len(sample.messages) != 1 or not sample.messages[0].text:
        return None
    old, body = sample.messages[0].text, sample.request.body
    if sample.request.form:
        pairs = [(name, value) for name, values in sample.request.form.items() for value in values]
        if sum(value == old for _, value in pairs) != 1:
            return None
        changed = urlencode([(name, text if value == old else value) for name, value in pairs]).encode()
        return with_body(sample.request, changed)
    try:
        document = json.loads(body)
    except ValueError:
        return None
    replaced, count = _replaced(document, old, text)
    return with_body(sample.request, json.dumps(replaced).encode()) if count == 1 else None


def outbound(values: Mapping[str, Any], default: OutboundMessage, where: str) -> OutboundMessage:
    """A message to send from JSON: what it leaves out is as in `default`; of `address` too. Raises Refused."""
    whole = TypeAdapter(OutboundMessage).dump_python(default, mode="json") | values
    if isinstance(values.get("address"), dict):
        whole["address"] = TypeAdapter(Address).dump_python(default.address, mode="json") | values["address"]
    made = _value(OutboundMessage, whole, where)
    assert isinstance(made, OutboundMessage)  # noqa: S101  # asked for in the line before
    return made


def _sample(path: Path, webhook_url: str) -> Sample:
    name = path.name.removesuffix(EXPECTED)
    try:
        expected = json.loads(path.read_bytes())
    except ValueError as error:
        raise Refused(path.name, "must be JSON") from error
    if not isinstance(expected, dict) or not isinstance(expected.get("source"), str):
        raise Refused(f"{path.name}: source", "must say where the provider documents this payload")
    _only(expected, _KEYS, path.name)
    if "refused" in expected and expected.keys() & {"events", "set_aside", "reply"}:
        raise Refused(f"{path.name}: refused", "leaves nothing to expect besides")
    bodies = [each for each in path.parent.glob(f"{name}.*") if each != path and each.stem == name]
    if len(bodies) > 1:
        raise Refused(path.name, f"must have one body, and has {sorted(each.name for each in bodies)}")
    described = expected.get("request", {})
    _only(described, _REQUEST_KEYS, f"{path.name}: request")
    body = bodies[0].read_bytes() if bodies else b""
    content_type = described.get("content_type") or (_CONTENT_TYPES.get(bodies[0].suffix, "") if bodies else "")
    headers = {"content-type": content_type} if content_type else {}
    url = webhook_url
    if "path" in described:
        parts = urlsplit(webhook_url)
        url = f"{parts.scheme}://{parts.netloc}{described['path']}"
    query = described.get("query", "")
    request = WebhookRequest(
        method=described.get("method", "POST"),
        url=f"{url}?{query}" if query else url,
        headers=headers | {key.lower(): value for key, value in described.get("headers", {}).items()},
    )
    refused = expected.get("refused")
    return Sample(
        name=name,
        request=with_body(request, body),
        events=tuple(_event(each, f"{path.name}: events") for each in expected.get("events", ())),
        set_aside=tuple((each["field"], each["rule"]) for each in expected.get("set_aside", ())),
        reply=_value(ProviderReply, expected.get("reply", {}), f"{path.name}: reply"),
        refused=(refused["field"], refused["rule"]) if refused else None,
    )


def _event(values: Any, where: str) -> Any:
    kind = str(values.get("kind")) if isinstance(values, dict) else ""
    if kind not in _KINDS:
        raise Refused(where, f"must each have a kind of {sorted(_KINDS)}")
    return _value(_KINDS[kind], {key: value for key, value in values.items() if key != "kind"}, where)


def _value(kind: Any, values: dict[str, Any], where: str) -> Any:
    _only(values, {each.name for each in dataclasses.fields(kind)}, where)
    try:
        return TypeAdapter(kind).validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(f"{where}: {'.'.join(map(str, first['loc']))}", str(first["msg"])) from error


def _only(values: Any, known: set[str], where: str) -> None:
    if not isinstance(values, dict):
        raise Refused(where, "must be an object")
    if unknown := sorted(values.keys() - known):
        raise Refused(f"{where}: {unknown[0]}", f"is none of {sorted(known)}")


def _replaced(value: Any, old: str, new: str) -> tuple[Any, int]:
    """The JSON value with each text `old` exchanged, and how many there were."""
    if value == old:
        return new, 1
    if isinstance(value, dict):
        made = {key: _replaced(each, old, new) for key, each in value.items()}
        return {key: each for key, (each, _) in made.items()}, sum(count for _, count in made.values())
    if isinstance(value, list):
        listed = [_replaced(each, old, new) for each in value]
        return [each for each, _ in listed], sum(count for _, count in listed)
    return value, 0
