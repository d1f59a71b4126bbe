"""WhatsApp by Meta's Cloud API.

Sources, all developers.facebook.com/docs/whatsapp: "Webhooks: messages, statuses, smb_message_echoes,
message_template_status_update, account_update", "Business-scoped user IDs", "Messages", "Media", "Templates", "Error
codes". What an administrator needs of it is in docs/whatsapp.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from channels.social import meta
from channels.social.meta import Verdict, identifier, listed, mapping, part, text
from hub.domain.errors import ChannelError, Refused
from hub.domain.inbox import AccountState
from hub.domain.messages import (
    AccountTrouble,
    Address,
    Attachment,
    Attention,
    ContactCard,
    Deletion,
    Delivery,
    DeliveryUpdate,
    Echo,
    Edit,
    InboundEvent,
    InboundMessage,
    Location,
    OutboundMessage,
    Parsed,
    Reaction,
    Readdressed,
    Receipt,
    Referral,
    RemoteMedia,
    TemplateUpdate,
    WebhookRequest,
    choice_token,
    chosen,
)
from hub.domain.rendering import ChoiceStyle, numbered, style_for
from hub.domain.templates import HEADER_FILE, Approval, OutboundTemplate, Template, TemplateButton
from hub.ports import Capabilities, ChannelParts, FetchedFile

CHANNEL = "whatsapp"
DAY = 86_400
MEDIA_LIMIT = 16 * 1024 * 1024
_IMAGE_LIMIT = 5 * 1024 * 1024
_KINDS = ("image", "video", "audio", "document", "sticker")
_CAPTION = 1024
CHOICES = (ChoiceStyle("button", 3, 20, 1024), ChoiceStyle("list", 10, 24, 1024))
MEDIA_TYPES = (
    *("image/jpeg", "image/png", "video/mp4", "video/3gpp", "audio/aac", "audio/amr", "audio/mpeg", "audio/mp4"),
    *("audio/ogg", "application/pdf", "text/plain", "application/msword", "application/vnd.ms-excel"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
_STATES = {
    "sent": Delivery.SENT, "delivered": Delivery.DELIVERED, "read": Delivery.READ, "played": Delivery.READ,
    "failed": Delivery.FAILED,
}  # fmt: skip
_APPROVALS = {each.value.upper(): each for each in Approval} | {"IN_APPEAL": Approval.REJECTED}
_ULID = re.compile(r"[0-9A-Z]{26}")

ERRORS: Mapping[int | tuple[int, int], tuple[Verdict, str]] = {
    130429: (Verdict.RETRY, "faster than the number may send"),
    130472: (Verdict.PERMANENT, "Meta's experiment keeps marketing from this person"),
    130497: (Verdict.ACCOUNT, "the account may not write to this country"),
    131000: (Verdict.RETRY, "an error inside Meta"),
    131005: (Verdict.ACCOUNT, "the app lacks a permission"),
    131008: (Verdict.PERMANENT, "a parameter is missing"),
    131009: (Verdict.PERMANENT, "a parameter is not valid"),
    131016: (Verdict.RETRY, "WhatsApp is not available"),
    131021: (Verdict.PERMANENT, "sender and recipient are the same number"),
    131026: (Verdict.PERMANENT, "not deliverable: no WhatsApp there, an old app, or we are blocked"),
    131030: (Verdict.PERMANENT, "the recipient is not on the test number's list"),
    131031: (Verdict.ACCOUNT, "the account is locked"),
    131037: (Verdict.ACCOUNT, "the number's display name is not approved"),
    131042: (Verdict.ACCOUNT, "the account's payment is not in order"),
    131044: (Verdict.ACCOUNT, "the account's payment is not in order"),
    131045: (Verdict.ACCOUNT, "the number is not registered"),
    131047: (Verdict.PERMANENT, "more than 24 hours since the customer wrote: only a template may be sent"),
    131048: (Verdict.PERMANENT, "too many messages of this number were marked as spam"),
    131049: (Verdict.PERMANENT, "this person gets no more marketing for now"),
    131050: (Verdict.PERMANENT, "this person has stopped marketing messages"),
    131051: (Verdict.PERMANENT, "this type of message is not supported"),
    131052: (Verdict.PERMANENT, "the customer's file could not be had"),
    131053: (Verdict.PERMANENT, "the file could not be taken"),
    131056: (Verdict.RETRY, "too many messages to this person within a short time"),
    131057: (Verdict.RETRY, "the account is being maintained"),
    131062: (Verdict.PERMANENT, "this template needs a telephone number, and only the user's id is known"),
    132015: (Verdict.PERMANENT, "the template is paused"),
    132016: (Verdict.PERMANENT, "the template is disabled"),
    133010: (Verdict.ACCOUNT, "the number is not registered"),
    133016: (Verdict.RETRY, "too many registrations"),
    135000: (Verdict.RETRY, "an error inside Meta"),
    137000: (Verdict.PERMANENT, "the recipient's identity has changed"),
}  # fmt: skip


def channel(parts: ChannelParts) -> WhatsApp:
    """The WhatsApp number of an inbox. Raises Refused where a setting or a secret breaks its rule."""
    return WhatsApp(parts)


class WhatsApp:
    """One WhatsApp number. See `hub.ports.Channel`, `MediaSource` and `TemplateSource`."""

    def __init__(self, parts: ChannelParts) -> None:
        settings = parts.inbox.settings
        self._parts, self._settings = parts, meta.read_settings(parts, "phone_number_id")
        self._business = str(settings.get("business_account_id", ""))
        if self._business and not self._business.isdecimal():
            raise Refused("business_account_id", "must be Meta's id of it, digits in quotation marks")
        rate = settings.get("messages_per_second", 80)
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1000:
            raise Refused("messages_per_second", "must be a number from 0 to 1000")
        hours = settings.get("ad_window_hours", 24)
        if isinstance(hours, bool) or not isinstance(hours, int) or not 24 <= hours <= 72:
            raise Refused("ad_window_hours", "must be a whole number from 24 to 72")
        self._ad_window = hours * 3600 if hours > 24 else None
        self._graph = meta.Graph(self._settings, ERRORS)
        self.capabilities = Capabilities(
            channel=CHANNEL,
            text_limit=4096,
            buttons=10,
            attachments=True,
            attachment_limit=MEDIA_LIMIT,
            media_types=MEDIA_TYPES,
            reply_window=DAY,
            messages_per_second=float(rate),
            choices=CHOICES,
            templates=True,
            typing_lasts=25,
            deep_link="https://wa.me/{handle}?text={text}",
        )

    # --- from WhatsApp ---

    def verify(self, request: WebhookRequest) -> None:
        """Raises BadSignature."""
        meta.verify(request, self._settings)

    def parse_inbound(self, request: WebhookRequest) -> Parsed:
        """Messages, statuses, echoes and decisions on templates and the account. Raises Refused."""
        return meta.parse(request, "whatsapp_business_account", self._elements)

    def _elements(self, entry: Mapping[str, Any]) -> Iterator[tuple[Any, meta.Reader]]:
        for change in listed(entry, "changes"):
            change = mapping(change, "changes")
            value, name = part(change, "value"), change.get("field")
            ours = part(value, "metadata").get("phone_number_id") in (self._settings.account, None)
            if not ours:
                yield change, _another_number
                continue
            people = _people(value)
            for message in listed(value, "messages"):
                yield message, partial(self._message, people=people)
            for status in listed(value, "statuses"):
                yield status, self._status
            for echo in listed(value, "message_echoes"):
                yield echo, self._echo
            for changed in listed(value, "user_id_update"):
                yield changed, _changed_user
            if name == "message_template_status_update":
                yield value, _template_decision
            elif name == "account_update":
                yield value, _account

    def _message(self, message: Mapping[str, Any], people: Mapping[str, str]) -> Iterator[InboundEvent]:
        kind = text(message, "type", 50) or "unknown"
        address, also = _sender(message, people)
        at = meta.moment(message, "timestamp", 1_000_000)
        content = part(message, kind)
        match kind:
            case "reaction":
                emoji = text(content, "emoji", 50)
                target = identifier(content, "message_id")
                yield Reaction(target, address, emoji, at, removed=not emoji, only=True)
            case "edit":
                said = part(content, "message")
                new = text(part(said, "text"), "body") or text(part(said, text(said, "type", 50)), "caption")
                yield Edit(identifier(content, "original_message_id"), address, new, at)
            case "revoke":
                yield Deletion(identifier(content, "original_message_id"), address)
            case "system":
                yield from _moved(content, address)
            case "request_welcome":
                return  # they opened the chat and wrote nothing
            case _:
                yield self._said(message, kind, content, address, also, at)

    def _said(
        self, message: Mapping[str, Any], kind: str, content: Mapping[str, Any], address: Address,
        also: tuple[Address, ...], at: int,
    ) -> InboundMessage:  # fmt: skip
        more: dict[str, Any] = {"also": also, "sent_at": at, "answers": text(part(message, "context"), "id", 255)}
        referral = part(message, "referral")
        if referral:
            source = text(referral, "source_type", 20) or "ad"
            title, url = text(referral, "headline", 300), text(referral, "source_url", 2000)
            more["referral"] = Referral(source, title, url, text(referral, "ctwa_clid", 500))
            more["window"] = self._ad_window
        words = text(content, "body")
        if kind in _KINDS:
            file, words = identifier(content, "id"), text(content, "caption")
            name, media_type = text(content, "filename", 200), text(content, "mime_type", 100)
            more["media"] = (RemoteMedia(f"{self._settings.api}/{file}", media_type.partition(";")[0], name),)
            if kind == "sticker":
                more["sticker"] = kind
        elif kind == "location":
            place = Location(
                meta.degrees(content, "latitude", 90), meta.degrees(content, "longitude", 180),
                text(content, "name", 500), text(content, "address", 500),
            )  # fmt: skip
            more["location"] = place
            words = ", ".join(filter(None, (place.name, place.address))) or f"{place.latitude}, {place.longitude}"
        elif kind == "contacts":
            more["cards"] = cards = tuple(_card(mapping(each, "contacts")) for each in listed(message, "contacts"))
            words = ", ".join(card.name for card in cards if card.name)
        elif kind == "button":
            words, more["payload"] = text(content, "text"), _token(content.get("payload"))
        elif kind == "interactive":
            words, more["payload"] = _choice(content)
        if not words and "media" not in more:
            more["unsupported"] = text(part(message, "unsupported"), "type", 50) or kind
        return InboundMessage(identifier(message, "id"), address, words, **more)

    def _status(self, status: Mapping[str, Any]) -> Iterator[InboundEvent]:
        state = _STATES.get(text(status, "status", 20))
        if state is None:
            raise Refused("status", f"must be one of {', '.join(_STATES)}")
        error = next((each for each in listed(status, "errors") if isinstance(each, dict)), {})
        code = error.get("code")
        verdict, meaning = self._graph.verdict(code)
        ours = text(status, "biz_opaque_callback_data", 512)
        yield DeliveryUpdate(
            state,
            identifier(status, "id"),
            ours if _ULID.fullmatch(ours) else "",
            str(code)[:20] if isinstance(code, int) else "",
            text(part(error, "error_data"), "details", 500) or text(error, "title", 500) or meaning,
            account=state is Delivery.FAILED and verdict is Verdict.ACCOUNT,
        )

    def _echo(self, message: Mapping[str, Any]) -> Iterator[InboundEvent]:
        """What somebody typed in WhatsApp Business on the firm's own phone."""
        address, _ = _sender({"from": message.get("to"), "from_user_id": message.get("to_user_id")}, {})
        kind = text(message, "type", 50) or "unknown"
        at = meta.moment(message, "timestamp", 1_000_000)
        if kind in ("edit", "revoke", "reaction"):
            yield from self._message({**message, "from": message.get("to")}, {})
        else:
            yield Echo(self._said(message, kind, part(message, kind), address, (), at))

    # --- to WhatsApp ---

    def send(self, message: OutboundMessage) -> Receipt:
        """Hands a message over. Raises ChannelError; there is no idempotency key, but statuses give our id back."""
        body = self._body(message)
        value = message.address.value
        to = {"to": value.lstrip("+")} if value.lstrip("+").isdecimal() else {"recipient": value}
        quoted = {"context": {"message_id": message.reply_to_external_id}} if message.reply_to_external_id else {}
        said = self._graph.post(
            f"{self._settings.account}/messages",
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                **to,
                **body,
                **quoted,
                "biz_opaque_callback_data": message.message_id,
            },
        )
        try:
            return Receipt(identifier(mapping(listed(said, "messages")[0], "messages"), "id"), Delivery.SENT)
        except (Refused, IndexError) as error:
            raise ChannelError("bad_answer", "WhatsApp's answer names no message", unknown=True) from error

    def _body(self, message: OutboundMessage) -> dict[str, Any]:
        if message.template:
            return {"type": "template", "template": _template_body(message.template)}
        meta.check_files(message.attachments, lambda kind: MEDIA_LIMIT if kind in MEDIA_TYPES else 0)
        titles = [button.title for button in message.buttons]
        style = None if message.attachments else style_for(message.text, titles, CHOICES)
        words = message.text if style else numbered(message.text, titles)
        first, *others = message.attachments or (None,)
        if first is not None and len(words) > _CAPTION:
            first, others = None, list(message.attachments)
        words = "\n".join(filter(None, (words, *(each.url for each in others if each))))
        if len(words) > self.capabilities.text_limit or (first and len(words) > _CAPTION):
            raise ChannelError("too_long", "a text may have 4096 characters, with a file 1024", permanent=True)
        if first is not None:
            return _media_body(first, words)
        if not words.strip():
            raise ChannelError("empty", "the message has neither text nor files", permanent=True)
        if style:
            return {"type": "interactive", "interactive": _interactive(message, style.name)}
        return {"type": "text", "text": {"body": words, "preview_url": "https://" in words}}

    def account(self) -> AccountState:
        """The number, what WhatsApp thinks of it, and how many people it may write to in a day."""
        fields = "verified_name,display_phone_number,quality_rating,whatsapp_business_manager_messaging_limit"
        said = self._graph.get(f"{self._settings.account}?fields={fields}")
        number = text(said, "display_phone_number", 50)
        name = f"{text(said, 'verified_name', 200)} {number}".strip()
        quality, limit = text(said, "quality_rating", 50), text(said, "whatsapp_business_manager_messaging_limit", 50)
        digits = re.sub(r"[^0-9]", "", number)
        return AccountState(name, quality, limit, self._graph.token_until(), handle=digits)

    def attend(self, attention: Attention) -> None:
        """Whoever is shown that somebody writes is shown that it was read, too."""
        typing = {"typing_indicator": {"type": "text"}} if attention.typing else {}
        told = {"messaging_product": "whatsapp", "status": "read", "message_id": attention.last}
        self._graph.post(f"{self._settings.account}/messages", told | typing)

    def fetch_media(self, media: RemoteMedia) -> FetchedFile:
        """Gets a customer's file: its address is good for five minutes, so it is asked for anew each time."""
        found = meta.fetch(self._parts, self._settings, media.url, 100_000, signed=True)
        try:
            told = mapping(json.loads(found.content), "media")
            url, digest = text(told, "url", 4000), text(told, "sha256", 100)
        except (ValueError, Refused) as error:
            raise ChannelError("bad_answer", "WhatsApp does not say where the file is") from error
        file = meta.fetch(self._parts, self._settings, url, MEDIA_LIMIT * 7, signed=True)
        sums = hashlib.sha256(file.content)
        if digest and digest not in (sums.hexdigest(), base64.b64encode(sums.digest()).decode()):
            raise ChannelError("damaged", "the file is not the one that was sent")
        return file

    def templates(self) -> tuple[Template, ...]:
        """All of the account's templates. Raises ChannelError."""
        if not self._business:
            raise ChannelError("no_account", "business_account_id is not set", permanent=True)
        found: list[Template] = []
        fields = "id,name,language,status,category,components,rejected_reason"
        page, after = f"{self._business}/message_templates?limit=200&fields={fields}", ""
        for _ in range(50):
            said = self._graph.get(page + after)
            found += [_template(each) for each in listed(said, "data") if isinstance(each, dict)]
            cursor = text(part(part(said, "paging"), "cursors"), "after", 1000)
            if not cursor or "next" not in part(said, "paging"):
                break
            after = f"&after={cursor}"
        return tuple(found)


# --- who ---


def _another_number(_: Mapping[str, Any]) -> Iterator[InboundEvent]:
    raise Refused("metadata.phone_number_id", "must be the inbox's number")


def _people(value: Mapping[str, Any]) -> dict[str, str]:
    """Names by number and user's id; they may be missing."""
    names: dict[str, str] = {}
    for each in listed(value, "contacts"):
        person = mapping(each, "contacts")
        profile = part(person, "profile")
        name = text(profile, "name", 200) or text(profile, "username", 200)
        names |= {str(person[key]): name for key in ("wa_id", "user_id") if person.get(key)}
    return names


def _sender(message: Mapping[str, Any], people: Mapping[str, str]) -> tuple[Address, tuple[Address, ...]]:
    """Who wrote: by number where there is one, for then they are known in other channels too. Raises Refused."""
    phone, user = text(message, "from", 128), text(message, "from_user_id", 255)
    if not (phone or user):
        raise Refused("from", "must be a telephone number, or there must be a from_user_id")
    name = people.get(phone) or people.get(user, "")
    addresses = [Address(CHANNEL, each, display_name=name) for each in (_number(phone), user) if each]
    return addresses[0], tuple(addresses[1:])


def _number(value: str) -> str:
    """A number as the rest of the world writes it; WhatsApp leaves the plus out."""
    return f"+{value}" if value.isdecimal() else value


def _moved(system: Mapping[str, Any], address: Address) -> Iterator[InboundEvent]:
    """They have another number, or another user's id."""
    new = {"user_changed_number": "wa_id", "user_changed_user_id": "user_id"}.get(text(system, "type", 50), "")
    if new and text(system, new, 128):
        after = _number(text(system, new, 128))
        yield Readdressed(address, Address(CHANNEL, after, display_name=address.display_name))


def _changed_user(changed: Mapping[str, Any]) -> Iterator[InboundEvent]:
    ids = part(changed, "user_id")
    before, after = identifier(ids, "previous"), identifier(ids, "current")
    yield Readdressed(Address(CHANNEL, before), Address(CHANNEL, after))


# --- what ---


def _token(value: object) -> str:
    """What a button of ours carried; nothing for another's, which could say anything."""
    return value if isinstance(value, str) and chosen(value)[0] else ""


def _choice(interactive: Mapping[str, Any]) -> tuple[str, str]:
    reply = part(interactive, text(interactive, "type", 50))
    return text(reply, "title") or text(reply, "body"), _token(reply.get("id"))


def _card(contact: Mapping[str, Any]) -> ContactCard:
    phones = [text(each, "phone", 50) for each in listed(contact, "phones") if isinstance(each, dict)]
    emails = [text(each, "email", 200) for each in listed(contact, "emails") if isinstance(each, dict)]
    name = text(part(contact, "name"), "formatted_name", 200) or next(iter(phones), "") or "?"
    return ContactCard(name, tuple(filter(None, phones)), tuple(filter(None, emails)))


def _template_decision(value: Mapping[str, Any]) -> Iterator[InboundEvent]:
    approval = _APPROVALS.get(text(value, "event", 50))
    if approval is None:
        return  # flagged, pending deletion: nothing that changes whether it may be sent
    reason = text(value, "reason", 200)
    name, language = identifier(value, "message_template_name"), identifier(value, "message_template_language")
    yield TemplateUpdate(name, language, approval, "" if reason == "NONE" else reason)


def _account(value: Mapping[str, Any]) -> Iterator[InboundEvent]:
    event, ban = text(value, "event", 50), text(part(value, "ban_info"), "waba_ban_state", 50)
    if event in ("ACCOUNT_DELETED", "PARTNER_REMOVED") or ban == "DISABLE":
        yield AccountTrouble(event, "Meta has shut the WhatsApp account down")
    elif ban == "REINSTATE":
        yield AccountTrouble("")


# --- bodies ---


def _media_body(file: Attachment, words: str) -> dict[str, Any]:
    kind = file.media_type.partition("/")[0]
    if kind not in ("image", "video", "audio") or (kind == "image" and file.size > _IMAGE_LIMIT):
        kind = "document"
    if kind == "audio" and words:
        kind = "document"  # a sound takes no words
    told = {"link": file.url, **({"caption": words} if words else {})}
    return {"type": kind, kind: {**told, **({"filename": file.name} if kind == "document" else {})}}


def _interactive(message: OutboundMessage, style: str) -> dict[str, Any]:
    options = [
        {"id": choice_token(message.message_id, number), "title": button.title}
        for number, button in enumerate(message.buttons, 1)
    ]
    if style == "button":
        action: dict[str, Any] = {"buttons": [{"type": "reply", "reply": each} for each in options]}
    else:
        action = {"button": "⋯", "sections": [{"rows": options}]}
    return {"type": style, "body": {"text": message.text}, "action": action}


def _template_body(template: OutboundTemplate) -> dict[str, Any]:
    components: list[dict[str, Any]] = []
    for place in dict.fromkeys(each.place for each in template.parameters):
        values: list[dict[str, Any]] = [
            {"type": "text", "text": value, **({} if name.isdecimal() else {"parameter_name": name})}
            for name, value in template.at(place)
        ]
        if place == HEADER_FILE:
            place, values = "header", [{"type": kind, kind: {"link": link}} for kind, link in template.at(place)]
        where, _, index = place.partition(":")
        button = {"sub_type": "url", "index": index} if index else {}
        components.append({"type": where, **button, "parameters": values})
    return {"name": template.name, "language": {"code": template.language}, "components": components}


def _template(found: Mapping[str, Any]) -> Template:
    pieces = {text(each, "type", 20): each for each in listed(found, "components") if isinstance(each, dict)}
    header = pieces.get("HEADER", {})
    kind = text(header, "format", 20).lower()
    buttons = tuple(
        TemplateButton(text(each, "type", 50).lower(), text(each, "text", 200), text(each, "url", 2000))
        for each in listed(pieces.get("BUTTONS", {}), "buttons")
        if isinstance(each, dict)
    )
    reason = text(found, "rejected_reason", 200)
    return Template(
        provider_id=text(found, "id", 50),
        name=text(found, "name", 512),
        language=text(found, "language", 20),
        category=text(found, "category", 50).lower(),
        approval=_APPROVALS.get(text(found, "status", 50), Approval.PENDING),
        body=text(pieces.get("BODY", {}), "text"),
        header=text(header, "text"),
        header_kind="" if kind in ("", "text") else kind,
        footer=text(pieces.get("FOOTER", {}), "text"),
        buttons=buttons,
        reason="" if reason == "NONE" else reason,
    )
