"""Telegram, by the Bot API's webhook (version 10.0).

Sources: core.telegram.org/bots/api ("Getting updates", "Available types", "Available methods", "Making requests") and
the source of the server itself, github.com/tdlib/telegram-bot-api. What an administrator needs is in docs/telegram.md.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from typing import Any

from channels.social import common
from hub.domain.errors import BadSignature, ChannelError, Refused
from hub.domain.inbox import AccountState
from hub.domain.messages import (
    Address,
    Attachment,
    Attention,
    ContactCard,
    Edit,
    InboundEvent,
    InboundMessage,
    Location,
    OutboundMessage,
    Parsed,
    ProviderReply,
    Reachable,
    Reaction,
    Receipt,
    Referral,
    RemoteMedia,
    WebhookRequest,
    choice_token,
)
from hub.domain.rendering import ChoiceStyle
from hub.ports import Capabilities, ChannelParts, FetchedFile

CHANNEL = "telegram"
API_URL = "https://api.telegram.org"
CAPTION_LIMIT = 1024
MEDIA_LIMIT = 20_000_000  # a bot may download no more
MEDIA_TYPES: tuple[str, ...] = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain")
MEDIA_TYPES += ("audio/ogg", "audio/mpeg", "video/mp4")
_PICTURES = frozenset({"image/png", "image/jpeg", "image/webp"})
_PICTURE_LIMIT = 5_000_000  # of those that Telegram fetches from an address
_FILE = "telegram:"
_FILES = ("document", "voice", "audio", "video", "video_note", "animation")
# Kinds of updates that say nothing to us; what else is not known is set aside.
_SILENT = frozenset(
    {"poll", "poll_answer", "message_reaction_count", "chat_member", "chat_boost", "removed_chat_boost"}
)
# What a message has besides its content.
_ABOUT = frozenset(
    {"message_id", "from", "chat", "date", "edit_date", "entities", "caption_entities", "text", "caption"}
)
_ABOUT |= {"reply_to_message", "quote", "external_reply", "media_group_id", "forward_origin", "message_thread_id"}
_ABOUT |= {"via_bot", "has_protected_content", "link_preview_options", "reply_markup", "is_topic_message", "effect_id"}
# What the hub wants to hear of; reactions come only where they are asked for by name.
_WANTED = ("message", "edited_message", "callback_query", "message_reaction", "my_chat_member")
_BLOCKED = ("bot was blocked", "user is deactivated", "bot was kicked")


def channel(parts: ChannelParts) -> Telegram:
    """The chats of one bot. Raises Refused where a setting or a secret breaks its rule."""
    return Telegram(parts)


class Telegram:
    """One bot. Its secrets are `bot_token` and `webhook_secret`, the one that was given to `setWebhook`."""

    capabilities = Capabilities(
        CHANNEL,
        text_limit=4096,
        buttons=100,
        attachments=True,
        attachment_limit=MEDIA_LIMIT,
        media_types=MEDIA_TYPES,
        messages_per_second=30,
        choices=(ChoiceStyle("buttons", 100, 64),),
        typing_lasts=5,
        deep_link="https://t.me/{handle}?start={token}",
    )

    def __init__(self, parts: ChannelParts) -> None:
        rule = "must be the token that BotFather gave, such as 123456:ABC-DEF1234ghIkl"
        self._token = common.secret(parts.secrets, "bot_token", r"[0-9]{1,20}:[\w-]{10,100}", rule)
        rule = "must have 8 to 256 letters, digits, _ or -"
        self._secret = common.secret(parts.secrets, "webhook_secret", r"[A-Za-z0-9_-]{8,256}", rule)
        self._api_url = common.address(parts.inbox.settings, "api_url", API_URL)
        self._fetcher, self._webhook_url = parts.fetcher, parts.webhook_url

    def verify(self, request: WebhookRequest) -> None:
        """Telegram signs nothing: it sends back the secret that it was given."""
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._secret.encode()):
            raise BadSignature("the secret token does not fit")

    def parse_inbound(self, request: WebhookRequest) -> Parsed:
        """One update. A pressed button is answered in the reply, else it would go on turning for the customer."""
        update = common.document(request)
        common.identifier(update, "update_id")
        query = update.get("callback_query")
        reply = ProviderReply()
        if isinstance(query, dict) and isinstance(query.get("id"), str):
            answer = {"method": "answerCallbackQuery", "callback_query_id": query["id"][:100]}
            reply = ProviderReply(200, json.dumps(answer).encode(), "application/json")
        return common.each_alone([update], _events, reply)

    def send(self, message: OutboundMessage) -> Receipt:
        """One call for each message: a file goes with the text as its caption, several as links."""
        files = message.attachments
        enclosed = files if len(files) == 1 and len(message.text) <= CAPTION_LIMIT else ()
        text, style = common.prepared(message, self.capabilities, enclosed)
        body: dict[str, Any] = {"chat_id": message.address.value}
        if style:
            row = [
                [{"text": button.title, "callback_data": choice_token(message.message_id, number)}]
                for number, button in enumerate(message.buttons, 1)
            ]
            body["reply_markup"] = {"inline_keyboard": row}
        if enclosed and len(text) <= CAPTION_LIMIT:
            method, name = _way(enclosed[0])
            body |= {name: enclosed[0].url, "caption": text}
        else:
            method, body["text"] = "sendMessage", text
        response = common.post(self._method(method), json=body)
        said = common.answered(response)
        if response.status_code == 200 and said.get("ok") is True:
            try:
                sent = common.child(said, "result")
                chat = common.child(sent, "chat")
                return Receipt(f"{common.identifier(chat, 'id')}:{common.identifier(sent, 'message_id')}")
            except Refused as refused:
                raise common.odd_answer() from refused
        if response.status_code == 200:
            raise common.odd_answer()
        raise _error(response.status_code, said, common.by_status(response, "", str(said.get("description", ""))))

    def account(self) -> AccountState:
        """The bot, and what Telegram last heard of the hub."""
        bot, hook = (common.child(common.get(self._method(each)), "result") for each in ("getMe", "getWebhookInfo"))
        url, wrong = common.text(hook, "url"), common.text(hook, "last_error_message", most=500)
        problems = (
            [("webhook_unset", "")] if not url else [("webhook_elsewhere", url)] if url != self._webhook_url else []
        )
        problems += [("webhook_error", wrong)] if wrong else []
        name = common.text(bot, "username", most=100)
        return AccountState(f"@{name}", problems=tuple(problems), handle=name)

    def register(self) -> None:
        """Telegram calls this inbox from now on, and sends the secret along."""
        wanted = {"url": self._webhook_url, "secret_token": self._secret, "allowed_updates": _WANTED}
        common.accepted(common.post(self._method("setWebhook"), json=wanted))

    def attend(self, attention: Attention) -> None:
        """Bots have no read receipts."""
        if attention.typing:
            body = {"chat_id": attention.address.value, "action": "typing"}
            common.accepted(common.post(self._method("sendChatAction"), json=body))

    def _method(self, name: str) -> str:
        return f"{self._api_url}/bot{self._token}/{name}"

    def fetch_media(self, media: RemoteMedia) -> FetchedFile:
        """Asks where the file is, and gets it. Both addresses hold the token: they are made here and go nowhere."""
        if not media.url.startswith(_FILE):
            raise ChannelError("media_host", "the file is none of Telegram's", permanent=True)
        file_id = media.url.removeprefix(_FILE)
        found = self._fetcher.fetch(f"{self._method('getFile')}?file_id={file_id}", limit=MEDIA_LIMIT)
        try:
            path = json.loads(found.content)["result"]["file_path"]
        except (ValueError, KeyError, TypeError) as error:
            raise ChannelError("no_such_file", "Telegram does not say where the file is") from error
        return self._fetcher.fetch(f"{self._api_url}/file/bot{self._token}/{path}", limit=MEDIA_LIMIT)


def _way(file: Attachment) -> tuple[str, str]:
    picture = file.media_type in _PICTURES and file.size <= _PICTURE_LIMIT
    return ("sendPhoto", "photo") if picture else ("sendDocument", "document")


def _error(status: int, said: dict[str, Any], error: ChannelError) -> ChannelError:
    described = str(said.get("description", ""))
    asked = said.get("parameters") if isinstance(said.get("parameters"), dict) else {}
    wait = asked.get("retry_after") if isinstance(asked, dict) else None
    if isinstance(wait, int) and not isinstance(wait, bool):
        error.retry_after = float(wait)
    if status == 404 and described == "Not Found":  # the address holds the token: there is no such bot
        error.permanent, error.account = False, True
    if status == 403:
        error.opted_out = any(each in described for each in _BLOCKED)
    return error


# --- updates ---


def _events(update: dict[str, Any]) -> Sequence[InboundEvent]:
    """What is in an update. Raises Refused."""
    if "message" in update:
        return [_message(common.child(update, "message"))]
    if "edited_message" in update:
        edited = common.child(update, "edited_message")
        if "location" in edited:
            return []  # a place that is sent again and again while they move
        words = common.text(edited, "text") or common.text(edited, "caption")
        return [Edit(_id(edited), _customer(edited), words, common.whole(edited, "edit_date", most=2**40) * 1_000_000)]
    if "callback_query" in update:
        return [_pressed(common.child(update, "callback_query"))]
    if "message_reaction" in update:
        return _reactions(common.child(update, "message_reaction"))
    if "my_chat_member" in update:
        changed = common.child(update, "my_chat_member")
        status = common.text(common.child(changed, "new_chat_member"), "status")
        return [Reachable(_customer(changed), status not in ("kicked", "left"))]
    if _SILENT & update.keys():
        return []
    raise Refused("update", "must be of a kind that is known")


def _customer(found: dict[str, Any]) -> Address:
    """Who writes, of anything that happened in a chat. Raises Refused for groups: who would be the customer there?"""
    chat = common.child(found, "chat")
    if chat.get("type") != "private":
        raise Refused("chat", "must be a private chat")
    names = [common.text(chat, name, most=100) for name in ("first_name", "last_name")]
    return Address(CHANNEL, common.identifier(chat, "id"), display_name=" ".join(filter(None, names)))


def _id(found: dict[str, Any]) -> str:
    return f"{common.identifier(common.child(found, 'chat'), 'id')}:{common.identifier(found, 'message_id')}"


def _message(found: dict[str, Any]) -> InboundMessage:
    who = _customer(found)
    words = common.text(found, "text") or common.text(found, "caption")
    sender = found.get("from") if isinstance(found.get("from"), dict) else {}
    media = _media(found)
    place = _place(found)
    cards: tuple[ContactCard, ...] = ()
    evidence: tuple[tuple[str, str, str], ...] = ()
    if "contact" in found:
        card = common.child(found, "contact")
        number = common.text(card, "phone_number", most=40)
        name = " ".join(filter(None, (common.text(card, each, most=100) for each in ("first_name", "last_name"))))
        cards = (ContactCard(name, (number,) if number else ()),)
        # Telegram says that the number is theirs, and that is all it proves: not that they may hear of its orders.
        if number and str(card.get("user_id", "")) == who.value:
            evidence = (("phone", number if number.startswith("+") else f"+{number}", "stated"),)
    sticker = ""
    if "sticker" in found:
        sticker = common.text(common.child(found, "sticker"), "emoji", most=20) or "sticker"
    referral = None
    if words.startswith("/start ") and len(words) <= len("/start ") + 64:
        referral = Referral("link", reference=words.removeprefix("/start ").strip())
    known = words or media or place or cards or sticker
    answered = found.get("reply_to_message")
    return InboundMessage(
        external_id=_id(found),
        address=who,
        text=words,
        language=common.text(sender, "language_code", most=2) if isinstance(sender, dict) else "",
        media=media,
        sent_at=common.whole(found, "date", most=2**40) * 1_000_000 or None,
        evidence=evidence,
        answers=_id(answered) if isinstance(answered, dict) and "chat" in answered else "",
        location=place,
        cards=cards,
        sticker=sticker,
        referral=referral,
        unsupported="" if known else min((each[:50] for each in found.keys() - _ABOUT), default="message"),
    )


def _place(found: dict[str, Any]) -> Location | None:
    venue = common.child(found, "venue") if "venue" in found else {}
    where = venue.get("location") or found.get("location")
    if where is None:
        return None
    where = common.as_object(where, "location")
    name, street = (common.text(venue, each, most=200) for each in ("title", "address"))
    return Location(common.degrees(where, "latitude"), common.degrees(where, "longitude"), name, street)


def _media(found: dict[str, Any]) -> tuple[RemoteMedia, ...]:
    """The file of a message; of a picture the largest of its sizes, which is the last."""
    if sizes := common.objects(found, "photo"):
        return (_remote(sizes[-1], "image/jpeg"),)
    if "sticker" in found:
        picture = common.child(found, "sticker")
        still = not (picture.get("is_animated") or picture.get("is_video"))
        return (_remote(picture, "image/webp"),) if still else ()
    for name in _FILES:
        if name in found:
            return (_remote(common.child(found, name), ""),)
    return ()


def _remote(file: dict[str, Any], kind: str) -> RemoteMedia:
    return RemoteMedia(
        f"{_FILE}{common.identifier(file, 'file_id')}",
        common.text(file, "mime_type", most=100) or kind,
        common.text(file, "file_name", most=200),
        common.whole(file, "file_size"),
    )


def _pressed(query: dict[str, Any]) -> InboundMessage:
    """A button of ours was pressed: its title is what the customer said by it."""
    under = common.child(query, "message")
    token = common.text(query, "data", most=64)
    markup = under.get("reply_markup")
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    listed = [row for row in (rows if isinstance(rows, list) else ()) if isinstance(row, list)]
    buttons = [each for row in listed for each in row if isinstance(each, dict)]
    titles = [each.get("text") for each in buttons if each.get("callback_data") == token]
    title = titles[0] if titles and isinstance(titles[0], str) else ""
    return InboundMessage(
        external_id=f"callback:{common.identifier(query, 'id')}",
        address=_customer(under),
        text=common.text({"text": title}, "text"),
        payload=token or "-",
        answers=_id(under),
    )


def _reactions(found: dict[str, Any]) -> list[InboundEvent]:
    """Telegram tells all signs of before and all of now."""
    who, target = _customer(found), _id(found)
    at = common.whole(found, "date", most=2**40) * 1_000_000
    before, now = (
        [common.text(each, "emoji", most=20) or "⭐" for each in common.objects(found, f"{name}_reaction")]
        for name in ("old", "new")
    )
    gone = [Reaction(target, who, each, at, removed=True) for each in before if each not in now]
    return [*gone, *(Reaction(target, who, each, at) for each in now if each not in before)]
