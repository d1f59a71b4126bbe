"""What the messaging apps have in common: JSON that is read strictly, and calls whose outcome is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import httpx

from hub.domain.errors import ChannelError, Refused
from hub.domain.messages import (
    Attachment,
    InboundEvent,
    OutboundMessage,
    Parsed,
    ProviderReply,
    SetAside,
    WebhookRequest,
)
from hub.domain.rendering import ChoiceStyle, numbered, style_for
from hub.ports import Capabilities

TEXT_LIMIT = 10_000  # of what customers write: the most that screens and the bot take of any channel
TIMEOUT = httpx.Timeout(15.0, connect=5.0)
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_MOST_DEEP = 1_000_000_000_000_000_000
Made = TypeVar("Made")


# --- reading ---


def document(request: WebhookRequest) -> dict[str, Any]:
    """The JSON object in a request's body. Raises Refused."""
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Refused("body", "must be JSON") from error
    return as_object(found, "body")


def as_object(value: Any, name: str) -> dict[str, Any]:
    """Raises Refused unless it is an object."""
    if not isinstance(value, dict):
        raise Refused(name, "must be an object")
    return value


def child(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object in an object. Raises Refused where it is missing."""
    return as_object(found.get(name), name)


def objects(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects; empty where it is missing. Raises Refused."""
    value = found.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Refused(name, "must be a list")
    return [as_object(each, name) for each in value]


def text(found: Mapping[str, Any], name: str, *, most: int = TEXT_LIMIT) -> str:
    """A text, cut to `most` characters; empty where it is missing. Raises Refused."""
    value = found.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(name, "must be text")
    return _NOT_STORABLE.sub("\ufffd", value[:most])


def identifier(found: Mapping[str, Any], name: str) -> str:
    """An id, text or whole number, as text. Raises Refused where it is missing, empty or longer than any id is."""
    value = found.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST_DEEP:
        return str(value)
    if not isinstance(value, str) or not 0 < len(value) <= 100 or _NOT_STORABLE.search(value):
        raise Refused(name, "must be an id of 1 to 100 characters")
    return value


def whole(found: Mapping[str, Any], name: str, *, most: int = 2**53) -> int:
    """A whole number from 0; 0 where it is missing. Raises Refused."""
    value = found.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Refused(name, "must be a whole number")
    return value


def degrees(found: Mapping[str, Any], name: str) -> float:
    """Raises Refused unless it is an angle."""
    value = found.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -180 <= value <= 180:
        raise Refused(name, "must be in degrees")
    return float(value)


def each_alone(
    elements: Iterable[dict[str, Any]], read: Callable[[dict[str, Any]], Sequence[InboundEvent]], reply: ProviderReply
) -> Parsed:
    """What is read of each element of a batch; one that cannot be read is set aside, and the others go on."""
    events: list[InboundEvent] = []
    aside: list[SetAside] = []
    for each in elements:
        try:
            events += read(each)
        except Refused as refused:
            aside.append(SetAside(refused.field, refused.rule, json.dumps(each).encode()))
    return Parsed(tuple(events), tuple(aside), reply)


# --- sending ---


def secret(secrets: Mapping[str, str], name: str, pattern: str, rule: str) -> str:
    """A secret that an inbox must have. Raises Refused; the value is never in it."""
    value = secrets.get(name, "")
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise Refused(name, rule)
    return value


def address(settings: Mapping[str, Any], name: str, default: str) -> str:
    """The base of a provider's API, without a last slash. Raises Refused."""
    value = settings.get(name) or default
    if not isinstance(value, str) or not re.fullmatch(r"https?://[\w.:-]+(/[\w./-]*)?", value):
        raise Refused(name, "must be an address with http or https")
    return value.rstrip("/")


def prepared(
    message: OutboundMessage, capabilities: Capabilities, enclosed: Sequence[Attachment] = ()
) -> tuple[str, ChoiceStyle | None]:
    """The text to send, with numbered lines for choices and links for files that the channel cannot show otherwise, and
    the style in which the choices are shown.

    Raises ChannelError, permanent, for what the channel does not take.
    """
    for each in message.attachments:
        if each.media_type not in capabilities.media_types or each.size > capabilities.attachment_limit:
            raise ChannelError("bad_file", f"{each.name} is too large or of a type that is not sent", permanent=True)
    if len(message.buttons) > capabilities.buttons:
        raise ChannelError("too_many_buttons", f"more than {capabilities.buttons} choices", permanent=True)
    titles = [button.title for button in message.buttons]
    linked = [each.url for each in message.attachments if each not in enclosed]
    words = "\n".join([message.text, *linked]).strip()
    style = style_for(words, titles, capabilities.choices)
    if titles and style is None:
        words = numbered(words, titles)
    if len(words) > capabilities.text_limit:
        raise ChannelError("too_long", f"more than {capabilities.text_limit} characters", permanent=True)
    if not words.strip() and not enclosed:
        raise ChannelError("empty", "the message has neither text nor files", permanent=True)
    return words, style


def post(url: str, **how: Any) -> httpx.Response:
    """POSTs once. Raises ChannelError, `unknown` where the provider may have taken it."""
    return _asked("POST", url, **how)


def get(url: str, **how: Any) -> dict[str, Any]:
    """The JSON object at an address. Raises ChannelError."""
    response = _asked("GET", url, **how)
    said = answered(response)
    if response.status_code != httpx.codes.OK:
        words = str(said.get("description") or said.get("message") or "")
        raise by_status(response, "", words, **({"account": True} if response.status_code in (401, 403, 404) else {}))
    return said


def _asked(method: str, url: str, **how: Any) -> httpx.Response:
    """By the transport itself: the library's client would write the address into the log, and some hold a token."""
    request = httpx.Request(method, url, extensions={"timeout": TIMEOUT.as_dict()}, **how)
    problem: ChannelError
    try:
        with httpx.HTTPTransport() as transport:
            response = transport.handle_request(request)
            response.read()
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
        problem = ChannelError("not_reached", "the provider cannot be reached")
    except httpx.HTTPError:
        problem = ChannelError("no_answer", "the provider did not answer", unknown=method == "POST")
    else:
        return response
    raise problem


def answered(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty where it is none."""
    try:
        found = response.json()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def accepted(response: httpx.Response) -> None:
    """Raises ChannelError where the provider refused."""
    if not response.is_success:
        raise by_status(response, "", str(answered(response).get("description", "")))


def pause(response: httpx.Response) -> float | None:
    """Seconds of an answer's Retry-After; None where it says none."""
    value = response.headers.get("retry-after", "")
    return float(value) if re.fullmatch(r"[0-9]{1,6}", value) else None


def by_status(response: httpx.Response, code: str, words: str, **more: Any) -> ChannelError:
    """The error of an answer by its HTTP status: 401 is the account's, 408, 429 and 5xx come later again, else it is
    the message's. Of a gateway's words nobody knows what the machine behind it has done."""
    status = response.status_code
    later = status in (408, 425, 429) or status >= 500
    how = {
        "permanent": not later and status != 401,
        "account": status == 401,
        "unknown": status in (502, 504),
        "retry_after": pause(response),
    }
    return ChannelError(code or str(status), words[:500] or f"HTTP {status}", **how | more)


def odd_answer() -> ChannelError:
    """The provider said yes, and nothing that can be read."""
    return ChannelError("odd_answer", "the provider's answer cannot be read", unknown=True)
