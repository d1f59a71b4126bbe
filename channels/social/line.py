"""LINE, by the Messaging API.

Sources: developers.line.biz/en/reference/messaging-api ("Webhook Event Objects", "Send reply message", "Send push
message", "Retry an API request", "Error responses"), its guide "Use LINE features with the LINE URL scheme" and the
machine-readable github.com/line/line-openapi. What an administrator needs is in docs/line.md.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import httpx

from channels.social import common
from hub.domain.errors import BadSignature, ChannelError, Refused
from hub.domain.inbox import AccountState
from hub.domain.messages import (
    Address,
    Attention,
    Deletion,
    InboundEvent,
    InboundMessage,
    Location,
    OutboundMessage,
    Parsed,
    ProviderReply,
    Reachable,
    Receipt,
    RemoteMedia,
    WebhookRequest,
    choice_token,
    chosen,
)
from hub.domain.rendering import ChoiceStyle
from hub.ports import Capabilities, ChannelParts, FetchedFile

CHANNEL = "line"
API_URL, DATA_URL = "https://api.line.me", "https://api-data.line.me"
MEDIA_LIMIT = 50_000_000
MEDIA_TYPES: tuple[str, ...] = ("image/png", "image/jpeg", "image/gif", "application/pdf", "text/plain")
MEDIA_TYPES += ("audio/mpeg", "audio/mp4", "video/mp4")
_PICTURES = frozenset({"image/png", "image/jpeg"})
_PICTURE_LIMIT = 10_000_000
_MOST_MESSAGES = 5
# A token for a free answer is good for about a minute, once.
_TOKEN_GOOD_FOR = 50_000_000
_FILE = "line:"
# What an inbound message says of how to answer it: the token and when it was made, in milliseconds.
_REPLY = re.compile(r"([\w-]{1,200})@([0-9]{1,15})")
_NAMESPACE = uuid.UUID("6c696e65-0000-4000-8000-63656e747261")
# Kinds of events that say nothing to us; what else is not known is set aside.
_SILENT = frozenset({"join", "leave", "memberJoined", "memberLeft", "beacon", "accountLink", "things", "membership"})
_SILENT |= {"videoPlayComplete", "module", "activated", "deactivated", "botSuspended", "botResumed", "delivery"}


def channel(parts: ChannelParts) -> Line:
    """The friends of one official account. Raises Refused where a setting or a secret breaks its rule."""
    return Line(parts)


class Line:
    """One Messaging API channel. Its secrets are `channel_secret` and `channel_access_token`."""

    capabilities = Capabilities(
        CHANNEL,
        text_limit=5000,
        buttons=30,
        attachments=True,
        attachment_limit=MEDIA_LIMIT,
        media_types=MEDIA_TYPES,
        choices=(ChoiceStyle("quick_replies", 13, 20),),
        typing_lasts=20,
        deep_link="https://line.me/R/oaMessage/{handle}/?{text}",
    )

    def __init__(self, parts: ChannelParts) -> None:
        rule = "must be the channel secret of the LINE Developers console"
        self._secret = common.secret(parts.secrets, "channel_secret", r"\S{8,100}", rule)
        rule = "must be a channel access token of the LINE Developers console"
        self._token = common.secret(parts.secrets, "channel_access_token", r"[!-~]{8,1000}", rule)
        self._api_url = common.address(parts.inbox.settings, "api_url", API_URL)
        self._data_url = common.address(
            parts.inbox.settings, "data_url", parts.inbox.settings.get("api_url") or DATA_URL
        )
        self._fetcher, self._clock, self._webhook_url = parts.fetcher, parts.clock, parts.webhook_url

    def verify(self, request: WebhookRequest) -> None:
        """The signature is over the raw bytes of the body."""
        wanted = b64encode(hmac.new(self._secret.encode(), request.body, hashlib.sha256).digest())
        given = request.headers.get("x-line-signature", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, wanted):
            raise BadSignature("the signature does not fit the body")

    def parse_inbound(self, request: WebhookRequest) -> Parsed:
        """A batch of events; the console's "Verify" button sends an empty one."""
        found = common.document(request)
        if not isinstance(found.get("events"), list):
            raise Refused("events", "must be a list")
        events = [each if isinstance(each, dict) else {"not an object": each} for each in found["events"]]
        return common.each_alone(events, _events, ProviderReply())

    def send(self, message: OutboundMessage) -> Receipt:
        """Free as an answer while the customer's last token is fresh, else pushed, which counts against the quota.

        A push has a key under which LINE takes it once; `find_sent` asks with it again.
        """
        body = self._messages(message)
        if token := self._fresh_token(message, self._clock.now()):
            response = self._post("reply", {"replyToken": token, "messages": body}, {})
            if not _is_used(response):
                return _receipt(response)
        return self._push(message, body)

    def find_sent(self, message: OutboundMessage, *, since: int) -> Receipt | None:
        """See `hub.ports.Reconciler`. The push is repeated under its key: LINE says 409 to what it has, and takes what
        it has not. What may have left as an answer has no key, and stays unknown."""
        if self._fresh_token(message, since):
            return None
        return self._push(message, self._messages(message))

    def account(self) -> AccountState:
        """The account, where LINE calls, and how much of the month's quota is used."""
        bot, hook, quota, used = (
            self._get(each)
            for each in ("info", "channel/webhook/endpoint", "message/quota", "message/quota/consumption")
        )
        url = common.text(hook, "endpoint")
        problems = [("webhook_unset", url)] if not url or hook.get("active") is False else []
        problems += [("webhook_elsewhere", url)] if url and url != self._webhook_url else []
        limit = f"{used.get('totalUsage', 0)} / {quota.get('value', '∞')}"
        handle = common.text(bot, "basicId", most=100)
        name = f"{common.text(bot, 'displayName', most=100)} {handle}".strip()
        return AccountState(name, limit=limit, problems=tuple(problems), handle=handle)

    def name_of(self, address: Address) -> str:
        """The friend's profile."""
        return common.text(self._get(f"profile/{address.value}"), "displayName", most=200)

    def attend(self, attention: Attention) -> None:
        """A reading mark where the message came with a token for it, and an animation while somebody answers."""
        calls: list[tuple[str, dict[str, Any]]] = []
        if attention.token:
            calls.append(("markAsRead", {"markAsReadToken": attention.token}))
        if attention.typing:
            calls.append(("loading/start", {"chatId": attention.address.value, "loadingSeconds": 20}))
        for way, body in calls:
            headers = {"Authorization": f"Bearer {self._token}"}
            common.accepted(common.post(f"{self._api_url}/v2/bot/chat/{way}", json=body, headers=headers))

    def fetch_media(self, media: RemoteMedia) -> FetchedFile:
        """Gets the content of a message from LINE, or of one that was made elsewhere from there, without our token."""
        if not media.url.startswith(_FILE):
            return self._fetcher.fetch(media.url, limit=MEDIA_LIMIT)
        url = f"{self._data_url}/v2/bot/message/{media.url.removeprefix(_FILE)}/content"
        return self._fetcher.fetch(url, limit=MEDIA_LIMIT, authorization=f"Bearer {self._token}")

    def _messages(self, message: OutboundMessage) -> list[dict[str, Any]]:
        fit = [each for each in message.attachments if each.media_type in _PICTURES and each.size <= _PICTURE_LIMIT]
        pictures = [each for each in fit if each.url.startswith("https://")][: _MOST_MESSAGES - 1]
        text, style = common.prepared(message, self.capabilities, pictures)
        made: list[dict[str, Any]] = [
            {"type": "image", "originalContentUrl": each.url, "previewImageUrl": each.url} for each in pictures
        ]
        if text:
            made.append({"type": "text", "text": text})
        if style:
            made[-1]["quickReply"] = {
                "items": [
                    {
                        "type": "action",
                        "action": {
                            "type": "postback",
                            "label": button.title,
                            "data": choice_token(message.message_id, number),
                            "displayText": button.title,
                        },
                    }
                    for number, button in enumerate(message.buttons, 1)
                ]
            }
        return made

    def _fresh_token(self, message: OutboundMessage, now: int) -> str:
        found = _REPLY.fullmatch(message.sender)
        return found[1] if found and now - int(found[2]) * 1000 < _TOKEN_GOOD_FOR else ""

    def _push(self, message: OutboundMessage, body: list[dict[str, Any]]) -> Receipt:
        key = str(uuid.uuid5(_NAMESPACE, message.message_id))
        return _receipt(self._post("push", {"to": message.address.value, "messages": body}, {"X-Line-Retry-Key": key}))

    def _get(self, path: str) -> dict[str, Any]:
        """What there is; empty where there is nothing (no webhook, no limit)."""
        try:
            return common.get(f"{self._api_url}/v2/bot/{path}", headers={"Authorization": f"Bearer {self._token}"})
        except ChannelError as error:
            if error.code == "404" and path != "info":
                return {}
            raise

    def _post(self, way: str, body: dict[str, Any], more: dict[str, str]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}", **more}
        return common.post(f"{self._api_url}/v2/bot/message/{way}", json=body, headers=headers)


def _is_used(response: httpx.Response) -> bool:
    """Whether the token for an answer was used or is too old."""
    said = common.answered(response).get("message")
    return response.status_code == 400 and isinstance(said, str) and "reply token" in said.lower()


def _receipt(response: httpx.Response) -> Receipt:
    """Raises ChannelError. 409: LINE has taken it under this key before, and says as what."""
    said = common.answered(response)
    if response.status_code in (200, 409):
        try:
            return Receipt(common.identifier(common.objects(said, "sentMessages")[-1], "id"))
        except (Refused, IndexError) as error:
            if response.status_code == 409:
                return Receipt(response.headers.get("x-line-accepted-request-id", "")[:100])
            raise common.odd_answer() from error
    words = str(said.get("message", ""))
    spent = response.status_code == 429 and "monthly limit" in words
    account = spent or response.status_code in (401, 403)
    more: dict[str, Any] = {"account": True, "permanent": False} if account else {}
    raise common.by_status(response, "monthly_limit" if spent else "", words, **more)


# --- events ---


def _events(event: dict[str, Any]) -> Sequence[InboundEvent]:
    """What is in an event. Raises Refused."""
    kind = common.text(event, "type", most=100)
    if kind in _SILENT:
        return []
    who = _customer(event)
    if event.get("mode") == "standby":
        raise Refused("mode", "must be active: another module answers this customer")
    match kind:
        case "message":
            return [_message(event, who)]
        case "unsend":
            return [Deletion(common.identifier(common.child(event, "unsend"), "messageId"), who)]
        case "follow" | "unfollow":
            return [Reachable(who, kind == "follow")]
        case "postback":
            data = common.text(common.child(event, "postback"), "data", most=300)
            known = bool(chosen(data)[0])
            return [
                InboundMessage(
                    external_id=common.identifier(event, "webhookEventId"),
                    address=who,
                    text="" if known else data or "-",
                    payload=data if known else "",
                    to=_way_back(event),
                    sent_at=_at(event),
                )
            ]
        case _:
            raise Refused("type", "must be a kind of event that is known")


def _customer(event: dict[str, Any]) -> Address:
    """Raises Refused for groups and rooms: who would be the customer there?"""
    source = common.child(event, "source")
    if source.get("type") != "user":
        raise Refused("source", "must be a user")
    return Address(CHANNEL, common.identifier(source, "userId"))


def _at(event: dict[str, Any]) -> int:
    return common.whole(event, "timestamp", most=2**42) * 1000


def _way_back(event: dict[str, Any]) -> str:
    token = common.text(event, "replyToken", most=200)
    return f"{token}@{common.whole(event, 'timestamp', most=2**42)}" if token else ""


def _message(event: dict[str, Any], who: Address) -> InboundMessage:
    found = common.child(event, "message")
    kind = common.text(found, "type", most=50)
    place = media = None
    sticker = unsupported = ""
    match kind:
        case "text":
            if not common.text(found, "text"):
                raise Refused("text", "must not be empty")
        case "image" | "video" | "audio" | "file":
            media = _media(found, kind)
        case "location":
            name, street = (common.text(found, each, most=200) for each in ("title", "address"))
            place = Location(common.degrees(found, "latitude"), common.degrees(found, "longitude"), name, street)
        case "sticker":
            words = found.get("keywords")
            shown = [each for each in words if isinstance(each, str)] if isinstance(words, list) else []
            sticker = common.text({"shown": shown[0] if shown else ""}, "shown", most=50) or "sticker"
        case _:
            unsupported = kind or "message"
    return InboundMessage(
        external_id=common.identifier(found, "id"),
        address=who,
        text=common.text(found, "text") if kind == "text" else "",
        media=(media,) if media else (),
        to=_way_back(event),
        sent_at=_at(event),
        answers=common.text(found, "quotedMessageId", most=100),
        location=place,
        sticker=sticker,
        unsupported=unsupported,
        read_token=common.text(found, "markAsReadToken", most=500),
    )


def _media(found: dict[str, Any], kind: str) -> RemoteMedia:
    provider = found.get("contentProvider")
    url = f"{_FILE}{common.identifier(found, 'id')}"
    if isinstance(provider, dict) and provider.get("type") == "external":
        url = common.text(provider, "originalContentUrl", most=2000)
        if not url.startswith("https://"):
            raise Refused("originalContentUrl", "must be an address with https")
    expected = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/mp4", "file": ""}[kind]
    return RemoteMedia(url, expected, common.text(found, "fileName", most=200), common.whole(found, "fileSize"))
