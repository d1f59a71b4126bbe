"""WhatsApp through Twilio: the same webhooks, signatures and calls as for text messages, with `whatsapp:` in front of
each number.

Sources, all twilio.com/docs: "WhatsApp: API overview", "Send and receive media messages", "Twilio's request to your
incoming message webhook URL" (WhatsApp parameters), "Key concepts: the 24-hour window". Beside this file because it
shares the parts of `channels.sms.twilio`. What an administrator needs of it is in docs/whatsapp.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from channels.sms.twilio import _E164, _REPLY, TwilioSms, _answers, _aside, _media, _one, _Parcel, _sid, read_settings
from hub.domain.errors import ChannelError, Refused
from hub.domain.messages import Address, Attention, InboundMessage, Location, OutboundMessage, Parsed, Referral, chosen
from hub.domain.rendering import numbered
from hub.domain.templates import Approval, Template, TemplateButton
from hub.ports import ChannelParts

CHANNEL, PREFIX = "whatsapp", "whatsapp:"
DAY = 86_400
MEDIA_TYPES = ("image/png", "image/jpeg", "audio/ogg", "audio/mpeg", "video/mp4", "application/pdf")
# A user's id within a business portfolio, where WhatsApp does not tell the number.
_USER = re.compile(r"[A-Z]{2}\.[0-9A-Za-z.]{1,128}")


def channel(parts: ChannelParts) -> TwilioWhatsApp:
    """The WhatsApp numbers of an inbox. Raises Refused where a setting or a secret breaks its rule."""
    settings = read_settings(parts)
    if not settings.numbers or not all(_E164.fullmatch(each) for each in settings.numbers):
        raise Refused("numbers", "must each be in E.164 form, such as +34910000001, without whatsapp:")
    return TwilioWhatsApp(replace(settings, service_sid="", senders={}, mms=True), parts.fetcher)


class TwilioWhatsApp(TwilioSms):
    """One account's WhatsApp senders. See `hub.ports.Channel`."""

    def __init__(self, *made_of: Any) -> None:
        super().__init__(*made_of)
        self.capabilities = replace(
            self.capabilities,
            channel=CHANNEL,
            media_types=MEDIA_TYPES,
            segmented=False,
            opt_out=False,
            reply_window=DAY,
            changeable=True,
            typing_lasts=25,
            templates=True,
            deep_link=f"https://wa.me/{self._settings.numbers[0].lstrip('+')}?text={{text}}",
        )

    def _incoming(self, fields: Mapping[str, tuple[str, ...]], raw: bytes) -> Parsed:
        sid = _sid(fields)
        sender, recipient = _one(fields, "From", needed=True), _one(fields, "To", needed=True)
        number = sender.removeprefix(PREFIX)
        if not sender.startswith(PREFIX) or not (_E164.fullmatch(number) or _USER.fullmatch(number)):
            return _aside("From", "must be whatsapp: and a telephone number or a user's id", raw)
        ours = recipient.removeprefix(PREFIX)
        if ours not in self._settings.numbers:
            return _aside("To", "must be one of the inbox's numbers", raw)
        name = _one(fields, "ProfileName")[:200]
        user = _one(fields, "ExternalUserId") or _one(fields, "ExternalUserIdentifier")
        also = (Address(CHANNEL, user, display_name=name),) if _USER.fullmatch(user) and user != number else ()
        media, problems = _media(fields, raw)
        text, more = _content(fields)
        if not text.strip() and not media:
            kind = _one(fields, "MessageType")[:50] or "empty"
            more = {"unsupported": kind}
        message = InboundMessage(
            sid, Address(CHANNEL, number, display_name=name), text,
            media=media, to=ours, window=DAY, also=also, answers=_one(fields, "OriginalRepliedMessageSid")[:64], **more,
        )  # fmt: skip
        return Parsed((message,), tuple(problems), _REPLY)

    def attend(self, attention: Attention) -> None:
        """Shows that it is read and that somebody writes; Twilio has no way to show the first alone."""
        if attention.typing:
            with _answers():
                self._client.messaging.v2.typing_indicator.create(channel="whatsapp", message_id=attention.last)

    def templates(self) -> tuple[Template, ...]:
        """All of the account's content with what WhatsApp said of it. Raises ChannelError."""
        with _answers(asks=True):
            found = self._client.content.v1.content_and_approvals.list(limit=1000, page_size=100)
            return tuple(_template(each) for each in found)

    def _content(self, message: OutboundMessage, parcel: _Parcel) -> dict[str, Any]:
        if message.template is None:
            return super()._content(message, parcel)
        pairs = zip(message.template.parameters, message.template.values, strict=True)
        # Twilio numbers the places of the whole content, whatever part of it they are in.
        values = {parameter.name: value for parameter, value in pairs}
        given = {"content_variables": json.dumps(values, ensure_ascii=False)} if values else {}
        return {"content_sid": message.template.provider_id, **given}

    def _recipient(self, message: OutboundMessage) -> str:
        value = message.address.value
        if not (_E164.fullmatch(value) or _USER.fullmatch(value)):
            raise ChannelError("63024", "this is no WhatsApp address", permanent=True)
        return f"{PREFIX}{value}"

    def _sender(self, message: OutboundMessage) -> tuple[str, str]:
        numbers = self._settings.numbers
        return f"{PREFIX}{message.sender if message.sender in numbers else numbers[0]}", ""

    def _parcel(self, message: OutboundMessage) -> _Parcel:
        """One file goes with the words, further ones as links; buttons need an approved text, and are numbered."""
        text = numbered(message.text, (button.title for button in message.buttons))
        return _Parcel(text, message.attachments[:1], message.attachments[1:])


def _content(fields: Mapping[str, tuple[str, ...]]) -> tuple[str, dict[str, Any]]:
    """The words of a message, and what it has besides."""
    text = _one(fields, "Body")[:10_000]
    more: dict[str, Any] = {}
    token = _one(fields, "ButtonPayload") or _one(fields, "ListId")
    if chosen(token)[0]:
        more["payload"] = token
    text = text or _one(fields, "ButtonText") or _one(fields, "ListTitle")
    latitude, longitude = _degrees(_one(fields, "Latitude"), 90), _degrees(_one(fields, "Longitude"), 180)
    if latitude is not None and longitude is not None:
        place = Location(latitude, longitude, _one(fields, "Label")[:500], _one(fields, "Address")[:500])
        more["location"] = place
        text = text or ", ".join(filter(None, (place.name, place.address))) or f"{latitude}, {longitude}"
    source = _one(fields, "ReferralSourceUrl")[:2000]
    if source:
        more["referral"] = Referral("ad", _one(fields, "ReferralHeadline")[:300], source)
    return text, more


def _degrees(value: str, most: float) -> float | None:
    found = float(value) if re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]{1,20})?", value) else None
    return found if found is not None and -most <= found <= most else None


_APPROVALS = {each.value: each for each in Approval}


def _template(content: Any) -> Template:
    """Content as Twilio has it: one of its types is what WhatsApp gets."""
    asked = content.approval_requests if isinstance(content.approval_requests, dict) else {}
    kinds = content.types if isinstance(content.types, dict) else {}
    shown: dict[str, Any] = next((each for each in kinds.values() if isinstance(each, dict) and each.get("body")), {})
    actions = shown.get("actions")
    buttons = tuple(
        TemplateButton(str(each.get("type", "")).lower(), str(each.get("title", "")), str(each.get("url") or ""))
        for each in (actions if isinstance(actions, list) else ())
        if isinstance(each, dict)
    )
    return Template(
        provider_id=str(content.sid),
        name=str(asked.get("name") or content.friendly_name)[:512],
        language=str(content.language),
        category=str(asked.get("category", "")).lower(),
        # What was never handed in, and what WhatsApp has not decided on, waits.
        approval=_APPROVALS.get(str(asked.get("status", "")).lower(), Approval.PENDING),
        body=str(shown.get("body", "")),
        header_kind="" if shown else "content",
        footer=str(shown.get("footer") or ""),
        buttons=buttons,
        reason=str(asked.get("rejection_reason") or "")[:200],
    )
