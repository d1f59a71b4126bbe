"""What Messenger and Instagram share: one shape of events, one call to send.

Sources, all developers.facebook.com/docs: "Messenger Platform: webhooks (messages, message_echoes, message_edits,
message_reactions, messaging_postbacks, messaging_referrals, message_deliveries, message_reads)", "m.me links", "ig.me
links", "Send API", "Quick replies", "Button template", "Instagram Platform: webhooks, messaging".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from channels.social import meta
from channels.social.meta import Verdict, identifier, listed, mapping, part, text
from hub.domain.deep_links import is_token
from hub.domain.errors import ChannelError, Refused
from hub.domain.inbox import AccountState
from hub.domain.messages import (
    Address,
    Attention,
    Deletion,
    Delivery,
    DeliveryUpdate,
    Echo,
    Edit,
    InboundEvent,
    InboundMessage,
    OutboundMessage,
    Parsed,
    Reaction,
    Receipt,
    Referral,
    RemoteMedia,
    Seen,
    WebhookRequest,
    choice_token,
    chosen,
)
from hub.domain.rendering import ChoiceStyle, numbered, style_for
from hub.domain.reply_window import MessageTag
from hub.ports import Capabilities, ChannelParts, FetchedFile

DAY = 86_400
MEDIA_LIMIT = 25 * 1024 * 1024
CHOICES = (ChoiceStyle("button", 3, 20, 640), ChoiceStyle("quick_replies", 13, 20))
# Only people may answer with it, and Meta has to have approved the feature for the app.
HUMAN_AGENT = MessageTag("HUMAN_AGENT", 7 * DAY, frozenset({"agent"}))
_MILLISECOND = 1_000
_FILES = frozenset({"image", "video", "audio", "file", "sticker", "reel", "ig_reel", "post", "ig_post", "share"})
_ULID = re.compile(r"[0-9A-Z]{26}")

ERRORS: Mapping[int | tuple[int, int], tuple[Verdict, str]] = {
    (10, 2018278): (Verdict.PERMANENT, "outside the window in which the customer may be written to"),
    (10, 2534022): (Verdict.PERMANENT, "outside the window in which the customer may be written to"),
    (10, 1893063): (Verdict.ACCOUNT, "the page is restricted for a time"),
    (100, 1893061): (Verdict.PERMANENT, "this message tag is no longer taken"),
    (100, 2018001): (Verdict.PERMANENT, "there is no such person"),
    (100, 2018109): (Verdict.PERMANENT, "the file is too large"),
    551: (Verdict.PERMANENT, "this person does not take messages now"),
    1200: (Verdict.RETRY, "Meta is not available"),
}


class MetaMessaging:
    """One page or one Instagram account. See `hub.ports.Channel` and `MediaSource`; the two channels fill in the rest.

    `kind` is the webhook's object, `account_setting` the setting with the account's id, `name_field` where its name is.
    """

    channel: ClassVar[str]
    kind: ClassVar[str]
    account_setting: ClassVar[str]
    text_limit: ClassVar[int]
    media_types: ClassVar[tuple[str, ...]]
    name_field: ClassVar[str] = "name"
    person_fields: ClassVar[str] = "first_name,last_name"
    idle_media: ClassVar[frozenset[str]] = frozenset()
    deep_link: ClassVar[str]

    def __init__(self, parts: ChannelParts) -> None:
        self._parts, self._settings = parts, self._read_settings(parts)
        given = parts.inbox.settings
        tagged = given.get("human_agent", False)
        if not isinstance(tagged, bool):
            raise Refused("human_agent", "must be true or false")
        self._graph = meta.Graph(self._settings, ERRORS)
        self.capabilities = Capabilities(
            channel=self.channel,
            text_limit=self.text_limit,
            buttons=13,
            attachments=True,
            attachment_limit=MEDIA_LIMIT,
            media_types=self.media_types,
            reply_window=DAY,
            choices=CHOICES,
            tags=(HUMAN_AGENT,) if tagged else (),
            typing_lasts=20,
            deep_link=self.deep_link.replace("{account}", self._settings.account),
        )

    def _read_settings(self, parts: ChannelParts) -> meta.MetaSettings:
        return meta.read_settings(parts, self.account_setting)

    # --- from Meta ---

    def verify(self, request: WebhookRequest) -> None:
        """Raises BadSignature."""
        meta.verify(request, self._settings)

    def parse_inbound(self, request: WebhookRequest) -> Parsed:
        """Everything that was said or done in the threads. Raises Refused."""
        return meta.parse(request, self.kind, self._elements)

    def _elements(self, entry: Mapping[str, Any]) -> Iterator[tuple[Any, meta.Reader]]:
        for event in listed(entry, "messaging"):
            yield event, self._event
        for event in listed(entry, "standby"):
            yield event, self._standby
        for change in listed(entry, "changes"):
            change = mapping(change, "changes")
            yield change.get("value"), self._event

    def _standby(self, event: Mapping[str, Any]) -> Iterator[InboundEvent]:
        """Another app owns the thread at present: what is said there is shown, and nobody here answers."""
        for each in self._event(event):
            yield replace(each, elsewhere=True) if isinstance(each, InboundMessage) else each

    def _event(self, event: Mapping[str, Any]) -> Iterator[InboundEvent]:
        message = part(event, "message")
        is_echo = message.get("is_echo") is True
        ours, theirs = ("sender", "recipient") if is_echo else ("recipient", "sender")
        if str(part(event, ours).get("id")) != self._settings.account:
            raise Refused(f"{ours}.id", "must be the inbox's account")
        person = Address(self.channel, identifier(part(event, theirs), "id"), self._settings.account)
        at = meta.moment(event, "timestamp", _MILLISECOND)
        if message.get("is_deleted") is True:
            yield Deletion(identifier(message, "mid"), person)
        elif message:
            said = self._said(message, person, at)
            if is_echo:
                ours_id = text(message, "metadata", 100)
                known = ours_id if _ULID.fullmatch(ours_id) else ""
                own = bool(known) or (bool(self._settings.app) and str(message.get("app_id")) == self._settings.app)
                yield Echo(said, own=own, message_id=known)
            else:
                yield said
        elif edit := part(event, "message_edit"):
            yield Edit(identifier(edit, "mid"), person, text(edit, "text"), at)
        elif reaction := part(event, "reaction"):
            emoji = text(reaction, "emoji", 50) or text(reaction, "reaction", 50)
            removed = reaction.get("action") == "unreact"
            yield Reaction(identifier(reaction, "mid"), person, emoji, at, removed=removed, only=True)
        elif postback := part(event, "postback"):
            yield self._pressed(postback, person, at)
        elif delivered := part(event, "delivery"):
            yield Seen(person, meta.moment(delivered, "watermark", _MILLISECOND), Delivery.DELIVERED)
        elif read := part(event, "read"):
            if "mid" in read:
                yield DeliveryUpdate(Delivery.READ, identifier(read, "mid"))
            else:
                yield Seen(person, meta.moment(read, "watermark", _MILLISECOND), Delivery.READ)
        elif is_token(text(part(event, "referral"), "ref", 2000)):
            # A link of ours opened a thread that was there before: that is all that they say by it.
            mid = f"referral:{person.value}:{at}"
            yield InboundMessage(mid, person, "", sent_at=at, **_led_here(part(event, "referral")))
        # Else a handover, an opt-in, another link: nothing was said.

    def _said(self, message: Mapping[str, Any], person: Address, at: int) -> InboundMessage:
        words = text(message, "text")
        quoted = part(message, "reply_to")
        more: dict[str, Any] = {"sent_at": at, "answers": text(quoted, "mid", 255)}
        more |= _led_here(part(message, "referral"))
        story = text(part(quoted, "story"), "url", 4000)
        if story:
            more["referral"] = Referral("story", url=story)
        media: list[RemoteMedia] = []
        unknown = "" if message.get("is_unsupported") is not True else "unsupported"
        for each in listed(message, "attachments"):
            attachment = mapping(each, "attachments")
            kind, payload = text(attachment, "type", 50) or "unknown", part(attachment, "payload")
            url = text(payload, "url", 4000)
            if kind in self.idle_media and url:
                # Meta forbids to keep these: what stays is the address, until it works no more.
                more["referral"] = Referral(kind, url=url)
                words = words or url
            elif kind in _FILES and meta.is_address(url):
                media.append(RemoteMedia(url, name=text(payload, "title", 200)))
                if kind == "sticker" or payload.get("sticker_id"):
                    more["sticker"] = "sticker"
            elif kind == "fallback":
                words = "\n".join(filter(None, (words, text(payload, "title", 300), url)))
            else:
                unknown = kind
        quick = part(message, "quick_reply").get("payload")
        more["payload"] = quick if isinstance(quick, str) and chosen(quick)[0] else ""
        if not words and not media:
            more["unsupported"] = unknown or "empty"
        elif unknown:
            more["unsupported"] = unknown
        return InboundMessage(identifier(message, "mid"), person, words, media=tuple(media), **more)

    def _pressed(self, postback: Mapping[str, Any], person: Address, at: int) -> InboundMessage:
        payload, title = postback.get("payload"), text(postback, "title")
        token = payload if isinstance(payload, str) and chosen(payload)[0] else ""
        # In older payloads a postback has no id: who pressed when is one.
        mid = text(postback, "mid", 255) or f"postback:{person.value}:{at}"
        more = _led_here(part(postback, "referral"))
        # Whoever comes by a link of ours has pressed "Get started", and said nothing by it.
        words = "" if "referral" in more and is_token(more["referral"].reference) else title or "[postback]"
        return InboundMessage(mid, person, words, payload=token, sent_at=at, **more)

    # --- to Meta ---

    def send(self, message: OutboundMessage) -> Receipt:
        """Hands a message over. Raises ChannelError; there is no idempotency key."""
        kind = {"messaging_type": "MESSAGE_TAG", "tag": message.tag} if message.tag else {"messaging_type": "RESPONSE"}
        body = self._body(message)
        said = self._graph.post(
            f"{self._settings.account}/messages",
            {
                "recipient": {"id": message.address.value},
                **kind,
                "message": {**body, "metadata": message.message_id},
                **({"reply_to": {"mid": message.reply_to_external_id}} if message.reply_to_external_id else {}),
            },
        )
        try:
            return Receipt(identifier(said, "message_id"), Delivery.SENT)
        except Refused as error:
            raise ChannelError("bad_answer", "Meta's answer names no message", unknown=True) from error

    def _body(self, message: OutboundMessage) -> dict[str, Any]:
        meta.check_files(message.attachments, lambda kind: MEDIA_LIMIT if kind in self.media_types else 0)
        titles = [button.title for button in message.buttons]
        if len(message.attachments) == 1 and not message.text.strip() and not titles:
            (file,) = message.attachments
            kind = file.media_type.partition("/")[0]
            kind = kind if kind in ("image", "video", "audio") else "file"
            return {"attachment": {"type": kind, "payload": {"url": file.url, "is_reusable": False}}}
        # A message is a text or a file: with both, the files are links below the text.
        words = "\n".join(filter(None, (message.text, *(file.url for file in message.attachments))))
        style = style_for(words, titles, CHOICES)
        words = words if style else numbered(words, titles)
        if len(words) > self.text_limit or len(words.encode()) > self._most_bytes:
            raise ChannelError("too_long", f"a text may have {self.text_limit} characters", permanent=True)
        if not words.strip():
            raise ChannelError("empty", "the message has neither text nor files", permanent=True)
        tokens = [choice_token(message.message_id, number) for number, _ in enumerate(titles, 1)]
        if style and style.name == "button":
            buttons = [
                {"type": "postback", "title": title, "payload": token}
                for title, token in zip(titles, tokens, strict=True)
            ]
            payload = {"template_type": "button", "text": words, "buttons": buttons}
            return {"attachment": {"type": "template", "payload": payload}}
        if style:
            quick = [
                {"content_type": "text", "title": title, "payload": token}
                for title, token in zip(titles, tokens, strict=True)
            ]
            return {"text": words, "quick_replies": quick}
        return {"text": words}

    @property
    def _most_bytes(self) -> int:
        return 4 * self.text_limit

    def account(self) -> AccountState:
        """What the page or account is called, and until when its token is good."""
        said = self._graph.get(f"{self._settings.account}?fields={self.name_field}")
        name = text(said, self.name_field, 200)
        return AccountState(
            name, token_until=self._graph.token_until(), handle=name if "{handle}" in self.deep_link else ""
        )

    def name_of(self, address: Address) -> str:
        """What the person calls themselves; Meta tells of some and keeps it of others."""
        said = self._graph.get(f"{address.value}?fields={self.person_fields}")
        found = [text(said, each, 100) for each in ("name", "first_name", "last_name", "username")]
        return " ".join(filter(None, found[:1] if found[0] else found[1:3])) or found[3]

    def attend(self, attention: Attention) -> None:
        """A reading mark, and three dots while somebody answers."""
        for action in ("mark_seen", "typing_on") if attention.typing else ("mark_seen",):
            told = {"recipient": {"id": attention.address.value}, "sender_action": action}
            self._graph.post(f"{self._settings.account}/messages", told)

    def fetch_media(self, media: RemoteMedia) -> FetchedFile:
        """Gets a customer's file: whoever has the address may have it, while it is good."""
        return meta.fetch(self._parts, self._settings, media.url, MEDIA_LIMIT, signed=False)


def _led_here(referral: Mapping[str, Any]) -> dict[str, Any]:
    """What led them to write; who comes from an advertisement may be answered for seven days."""
    if not referral:
        return {}
    source = text(referral, "source", 50).lower()
    title = text(part(referral, "ads_context_data"), "ad_title", 300)
    led = Referral("ad" if source == "ads" else source or "link", title, reference=text(referral, "ref", 2000))
    return {"referral": led, **({"window": 7 * DAY} if source == "ads" else {})}
