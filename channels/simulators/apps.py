"""Telegram, LINE and Slack as far as an inbox meets them: customers who write, signed webhooks with each provider's
patience, and the calls by which the hub answers. Shapes and rules by the same sources as the channels.

What was said is in the common ledger, under the id that the provider gives it; a customer is the telephone that their
app is on, and their id with a provider is made from its number.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from flask import Blueprint, Response, request
from simple_websocket import ConnectionClosed, Server

from channels.simulators.faults import Fault, Faults
from channels.simulators.lanes import Lanes
from channels.simulators.ledger import Ledger, Media, Message
from channels.simulators.line import Lines, NoAnswer, NoConnection
from channels.simulators.messaging import (
    MEDIA_MENU,
    SEND_MENU,
    WEBHOOK_MENU,
    answered,
    fetched,
    file_answer,
    handed_over,
)
from channels.simulators.phones import CUSTOMERS, FIRM_NAME

APPS = ("telegram", "line", "slack")
TEAM, HUB_APP, HUB_BOT = "T0CUSTOMERS", "A0HUB", "B0HUB"
BOT_NAME, BASIC_ID = "lumbre_bot", "@lumbre"
# Seconds that each gives the hub to answer, and after which it tries again.
PATIENCE: Mapping[str, tuple[float, tuple[float, ...]]] = {
    "telegram": (60.0, (0.5, 2, 4, 8, 16, 32, 64)),
    "line": (2.0, (1, 5, 30, 60)),
    "slack": (3.0, (0.5, 60, 300)),
}
_CONNECT = 3.0
_TOKEN_GOOD_FOR = 60.0
_ACKNOWLEDGED_WITHIN = 3.0
MENU: Mapping[str, Mapping[str, frozenset[str]]] = {
    "send": SEND_MENU,
    "webhook": WEBHOOK_MENU,
    "media": MEDIA_MENU,
}
_NAMES = {customer.number: customer.name for customer in CUSTOMERS}


def secrets_of(token: str) -> dict[str, dict[str, str]]:
    """What the firm's inboxes are connected with, by app, made from one token of at least 16 characters."""
    return {
        "telegram": {"bot_token": f"7000000001:{token}", "webhook_secret": token},
        "line": {"channel_secret": token, "channel_access_token": f"line-{token}"},
        "slack": {"bot_token": f"xoxb-{token}", "signing_secret": token, "app_token": f"xapp-{token}"},
    }


def identity(app: str, number: str) -> str:
    """Whom the provider calls the owner of a telephone."""
    digits = number.removeprefix("+")
    return {"telegram": digits, "line": f"U{int(digits):032x}", "slack": f"U{digits}"}[app]


def number_of(app: str, who: str) -> str:
    """The telephone of somebody whom a provider calls so; empty for nobody's."""
    try:
        digits = str(int(who[1:], 16)) if app == "line" else who.removeprefix("U").removeprefix("D")
    except ValueError:
        return ""
    return f"+{digits}" if digits.isascii() and digits.isdigit() else ""


@dataclass(slots=True)
class _Socket:
    """A socket that the hub holds open; `confirmed` are envelopes that it said it has."""

    server: Server
    confirmed: set[str] = field(default_factory=set)
    heard: threading.Condition = field(default_factory=threading.Condition)


class Apps:
    """The three providers.

    Args:
        token: see `secrets_of`.
        ledger: shared with the other simulators.
        lanes: where deliveries run; one lane for each chat.
        base_url: where this simulator is reached.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(
        self, token: str, ledger: Ledger, lanes: Lanes, base_url: str, clock: Callable[[], float] = time.time
    ) -> None:
        self.secrets = secrets_of(token)
        self.ledger = ledger
        self.base_url = base_url
        self.webhooks: dict[str, str] = {}  # by app; Slack has none where the hub opens a socket
        self.faults = {app: Faults(MENU) for app in APPS}
        self._lanes, self._clock = lanes, clock
        self._lines = Lines()
        self._numbers = itertools.count(int(clock() * 1000) % 10**11)
        self._lock = threading.Lock()
        self._sockets: list[_Socket] = []
        self._reply_tokens: dict[str, tuple[str, float]] = {}
        self._retry_keys: dict[str, str] = {}
        self._bodies: dict[str, dict[str, Any]] = {}

    def close(self) -> None:
        """Lets the connections go."""
        for each in list(self._sockets):
            self.drop(each)
        self._lines.close()

    # --- customers ---

    def text(self, app: str, number: str, body: str, media: Sequence[Media] = ()) -> Message:
        """A customer writes, perhaps with files, for which LINE and Telegram take a message each. Returns the last
        message; its delivery runs in the lane of the chat."""
        files = [
            Media(str(next(self._numbers)), "", each.name, each.media_type, self._clock(), each.content)
            for each in media
        ]
        said: list[tuple[str, list[Media]]] = [(body, files)]
        if app == "line":
            said = [*(("", [file]) for file in files), *([(body, [])] if body else [])]
        elif app == "telegram" and files:
            said = [(body if place == 0 else "", [file]) for place, file in enumerate(files)]
        kept: Message | None = None
        for words, its in said:
            fault = self.faults[app].take("webhook", number)
            if fault and fault.do == "unknown_type":
                event, sid = getattr(self, f"_{app}_unknown")(number)
            else:
                event, sid = getattr(self, f"_{app}_text")(number, words, its)
            kept = self._deliver(app, number, sid, words, event, its, fault)
        assert kept is not None  # noqa: S101  # the control API takes nothing without words and files
        return kept

    def press(self, app: str, number: str, title: str, token: str) -> Message:
        """A customer presses a button that carries a token."""
        event, sid = getattr(self, f"_{app}_press")(number, title, token)
        return self._deliver(app, number, sid, title, event, fault=self.faults[app].take("webhook", number))

    def change(self, app: str, number: str, sid: str, do: str, words: str) -> bool:
        """A customer edits a message of theirs, takes it back or puts a sign to it, where the app lets them."""
        event = getattr(self, f"_{app}_{do}", lambda *_: None)(number, sid, words)
        if event is not None:
            self.event(app, number, event)
        return event is not None

    def opened(self, number: str, link: str) -> str:
        """A customer opens a link to the bot, and starts it, or to the account, and sends the text of the link."""
        parts = urlsplit(link)
        start = parse_qs(parts.query).get("start", [""])[0]
        if (parts.netloc, parts.path) == ("t.me", f"/{BOT_NAME}") and re.fullmatch(r"[\w-]{1,64}", start, re.ASCII):
            self.text("telegram", number, f"/start {start}")
            return "telegram"
        if (parts.netloc, unquote(parts.path)) == ("line.me", f"/R/oaMessage/{BASIC_ID}/") and parts.query:
            self.text("line", number, unquote(parts.query))
            return "line"
        return ""

    def event(self, app: str, number: str, event: dict[str, Any]) -> None:
        """Hands over anything else that the provider would say of a chat, as it is."""
        self._put(app, number, "", event)

    def block(self, app: str, number: str, *, blocked: bool) -> None:
        """The customer blocks the firm, or lets it in again."""
        if not self.ledger.block(number, app, blocked):
            return
        who, now = identity(app, number), self._clock()
        if app == "telegram":
            states = [{"status": each} for each in (("member", "kicked") if blocked else ("kicked", "member"))]
            changed = {"chat": self._chat(number), "date": int(now), "old_chat_member": states[0]}
            self.event(
                app,
                number,
                {"update_id": next(self._numbers), "my_chat_member": changed | {"new_chat_member": states[1]}},
            )
        elif app == "line":
            self.event(app, number, self._line_event("unfollow" if blocked else "follow", who))

    def _deliver(
        self,
        app: str,
        number: str,
        sid: str,
        body: str,
        event: dict[str, Any],
        media: Sequence[Media] = (),
        fault: Fault | None = None,
    ) -> Message:
        made = Message(sid, "inbound", "customer", number, app, body, 1, "receiving", self._clock(), channel=app)
        kept = self.ledger.add(made, [replace(each, message_sid=sid) for each in media])
        if app == "slack":
            self._bodies[sid] = event
        if fault and fault.do == "poison":
            event = self._poisoned(app, number, event)
        self._put(app, number, sid, event, fault)
        return kept

    def _poisoned(self, app: str, number: str, event: dict[str, Any]) -> dict[str, Any]:
        """Puts something before an event that nobody can read: into its batch, or as an update of its own."""
        if app == "line":
            return event | {"events": [{"type": "message", "source": None, "message": "poison"}, *event["events"]]}
        if app == "telegram":
            self._put(app, number, "", {"update_id": next(self._numbers), "message": {"chat": "poison"}})
        else:
            poison = {"type": "message", "channel": None, "ts": "soon", "event_ts": self._stamp()}
            self._put(app, number, "", _callback(poison))
        return event

    def _put(self, app: str, number: str, sid: str, event: dict[str, Any], fault: Fault | None = None) -> None:
        attempts, tries = iter(PATIENCE[app][1]), itertools.count()

        def call(do: str) -> int:
            status, latency = self._hand_over(app, event, do)
            self.ledger.note("webhook" if sid else "report", sid, self._clock(), status, latency, {"do": do})
            return status

        def step() -> float | None:
            if 200 <= handed_over(call, fault, next(tries)) < 300:
                if sid:
                    self.ledger.set_status(sid, "received", self._clock())
                return None
            pause = next(attempts, None)
            if pause is None and sid:
                self.ledger.set_status(sid, "failed", self._clock())
            return pause

        # Slack keeps no order: what it must try again holds up nothing.
        lane = (app, number, next(self._numbers) if app == "slack" else 0)
        self._lanes.put(lane, step, fault.seconds(3.0) if fault and fault.do == "late" else 0.0)

    def _hand_over(self, app: str, event: dict[str, Any], do: str = "") -> tuple[int, float | None]:
        """Gives the hub an event once: the HTTP status (0: no answer) and the milliseconds until then.

        `do`: `tamper` (the signature is another body's) or `unsigned`.
        """
        began = time.perf_counter()
        if app == "slack" and app not in self.webhooks:
            return (200, (time.perf_counter() - began) * 1000) if self._by_socket(event) else (0, None)
        url, body = self.webhooks.get(app, ""), json.dumps(event, ensure_ascii=False).encode()
        if not url:
            return 0, None
        headers = {"Content-Type": "application/json"}
        if do != "unsigned":
            headers |= {
                name: value[::-1] if do == "tamper" else value for name, value in self._signed(app, body).items()
            }
        try:
            reply = self._lines.post(url, body, headers, connect=_CONNECT, read=PATIENCE[app][0])
        except (NoConnection, NoAnswer):
            return 0, None
        return reply.status, round((time.perf_counter() - began) * 1000, 3)

    def _signed(self, app: str, body: bytes) -> dict[str, str]:
        secrets = self.secrets[app]
        if app == "telegram":
            return {"X-Telegram-Bot-Api-Secret-Token": secrets["webhook_secret"]}
        if app == "line":
            digest = hmac.new(secrets["channel_secret"].encode(), body, hashlib.sha256).digest()
            return {"X-Line-Signature": b64encode(digest).decode()}
        stamp = str(int(self._clock()))
        base = f"v0:{stamp}:".encode() + body
        signature = hmac.new(secrets["signing_secret"].encode(), base, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signature}"}

    # --- shapes ---

    def _chat(self, number: str) -> dict[str, Any]:
        first, _, last = _NAMES.get(number, number).partition(" ")
        return {"id": int(number[1:]), "type": "private", "first_name": first} | ({"last_name": last} if last else {})

    def _telegram_said(self, number: str, content: dict[str, Any]) -> tuple[dict[str, Any], str]:
        found, chat = next(self._numbers), self._chat(number)
        sender = {"id": chat["id"], "is_bot": False, "first_name": chat["first_name"]}
        message = {"message_id": found, "from": sender, "chat": chat, "date": int(self._clock())} | content
        return {"update_id": next(self._numbers), "message": message}, f"{chat['id']}:{found}"

    def _telegram_text(self, number: str, body: str, media: Sequence[Media]) -> tuple[dict[str, Any], str]:
        if not media:
            return self._telegram_said(number, {"text": body})
        (file,) = media
        about = {"file_id": file.sid, "file_unique_id": file.sid, "file_size": len(file.content)}
        content: dict[str, Any] = {"caption": body} if body else {}
        if file.media_type in ("image/jpeg", "image/png"):
            content["photo"] = [about | {"width": 640, "height": 480}]
        else:
            content["document"] = about | {"file_name": file.name, "mime_type": file.media_type}
        return self._telegram_said(number, content)

    def _telegram_edit(self, number: str, sid: str, words: str) -> dict[str, Any]:
        update, _ = self._telegram_said(number, {"text": words, "edit_date": int(self._clock())})
        edited = update["message"] | {"message_id": int(sid.rpartition(":")[2])}
        return {"update_id": update["update_id"], "edited_message": edited}

    def _telegram_react(self, number: str, sid: str, words: str) -> dict[str, Any]:
        chat = self._chat(number)
        reaction = {"chat": chat, "message_id": int(sid.rpartition(":")[2]), "date": int(self._clock())}
        reaction |= {"user": {"id": chat["id"], "is_bot": False, "first_name": chat["first_name"]}}
        reaction |= {"old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": words}]}
        return {"update_id": next(self._numbers), "message_reaction": reaction}

    def _telegram_unknown(self, number: str) -> tuple[dict[str, Any], str]:
        return self._telegram_said(number, {"hologram": {}})

    def _telegram_press(self, number: str, title: str, token: str) -> tuple[dict[str, Any], str]:
        key, chat = str(next(self._numbers)), self._chat(number)
        markup = {"inline_keyboard": [[{"text": title, "callback_data": token}]]}
        under = {"message_id": 1, "chat": chat, "date": int(self._clock()), "reply_markup": markup}
        sender = {"id": chat["id"], "is_bot": False, "first_name": chat["first_name"]}
        query = {"id": key, "from": sender, "chat_instance": "1", "data": token, "message": under}
        return {"update_id": next(self._numbers), "callback_query": query}, f"callback:{key}"

    def _line_event(self, kind: str, who: str, **more: Any) -> dict[str, Any]:
        now = self._clock()
        about = {
            "type": kind,
            "mode": "active",
            "timestamp": int(now * 1000),
            "source": {"type": "user", "userId": who},
        }
        about |= {"webhookEventId": f"01SIM{next(self._numbers):021}", "deliveryContext": {"isRedelivery": False}}
        return {"destination": "U" + "0" * 32, "events": [about | more]}

    def _line_said(self, number: str, kind: str, key: str, more: dict[str, Any]) -> tuple[dict[str, Any], str]:
        token = hashlib.sha256(key.encode()).hexdigest()[:32]
        self._reply_tokens[token] = (number, self._clock())
        event = self._line_event(kind, identity("line", number), replyToken=token, **more)
        return event, key if kind == "message" else event["events"][0]["webhookEventId"]

    def _line_text(self, number: str, body: str, media: Sequence[Media]) -> tuple[dict[str, Any], str]:
        if media:
            # A file is known by its message.
            key, kind = media[0].sid, media[0].media_type.partition("/")[0]
            content: dict[str, Any] = {"type": kind if kind in ("image", "video", "audio") else "file"}
            content["fileName"] = media[0].name
            content |= {"contentProvider": {"type": "line"}, "fileSize": len(media[0].content)}
        else:
            key, content = str(next(self._numbers)), {"type": "text", "text": body}
        return self._line_said(number, "message", key, {"message": {"id": key, **content}})

    def _line_take_back(self, number: str, sid: str, _words: str) -> dict[str, Any]:
        return self._line_event("unsend", identity("line", number), unsend={"messageId": sid})

    def _line_unknown(self, number: str) -> tuple[dict[str, Any], str]:
        key = str(next(self._numbers))
        return self._line_said(number, "message", key, {"message": {"id": key, "type": "hologram"}})

    def _line_press(self, number: str, _title: str, token: str) -> tuple[dict[str, Any], str]:
        return self._line_said(number, "postback", str(next(self._numbers)), {"postback": {"data": token}})

    def _stamp(self) -> str:
        return f"{int(self._clock())}.{next(self._numbers) % 1_000_000:06}"

    def _slack_text(
        self, number: str, body: str, media: Sequence[Media], subtype: str = ""
    ) -> tuple[dict[str, Any], str]:
        stamp, who = self._stamp(), identity("slack", number)
        escaped = body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        place = f"D{who[1:]}"
        event: dict[str, Any] = {"type": "message", "channel": place, "channel_type": "im", "user": who}
        event |= {"team": TEAM, "text": escaped}
        if media:
            event |= {
                "subtype": "file_share",
                "files": [
                    {
                        "id": f"F{file.sid}",
                        "name": file.name,
                        "mimetype": file.media_type,
                        "size": len(file.content),
                        "url_private_download": f"{self.base_url}/slack/files/{file.sid}",
                    }
                    for file in media
                ],
            }
        elif subtype:
            event["subtype"] = subtype
        return _callback(event | {"ts": stamp, "event_ts": stamp}), f"{place}:{stamp}"

    def _slack_changed(self, sid: str, subtype: str, more: dict[str, Any]) -> dict[str, Any]:
        before = self._bodies[sid]["event"]
        event: dict[str, Any] = {"type": "message", "subtype": subtype, "channel": before["channel"]}
        stamp = self._stamp()
        event["channel_type"] = "im"
        return _callback(event | {"ts": stamp, "event_ts": stamp, "previous_message": before} | more)

    def _slack_edit(self, number: str, sid: str, words: str) -> dict[str, Any]:
        escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        edited = {"user": identity("slack", number), "ts": self._stamp()}
        now = self._bodies[sid]["event"] | {"text": escaped, "edited": edited}
        return self._slack_changed(sid, "message_changed", {"message": now})

    def _slack_take_back(self, _number: str, sid: str, _words: str) -> dict[str, Any]:
        return self._slack_changed(sid, "message_deleted", {"deleted_ts": sid.partition(":")[2]})

    def _slack_react(self, number: str, sid: str, words: str) -> dict[str, Any]:
        place, _, stamp = sid.partition(":")
        names = {"👍": "+1", "❤️": "heart"}
        event: dict[str, Any] = {
            "type": "reaction_added",
            "user": identity("slack", number),
            "reaction": names.get(words, words),
        }
        event |= {"item": {"type": "message", "channel": place, "ts": stamp}, "event_ts": self._stamp()}
        return _callback(event)

    def _slack_unknown(self, number: str) -> tuple[dict[str, Any], str]:
        return self._slack_text(number, "", (), "hologram")

    def _slack_press(self, number: str, title: str, token: str) -> tuple[dict[str, Any], str]:
        who, stamp = identity("slack", number), self._stamp()
        place = f"D{who[1:]}"
        action = {"type": "button", "text": {"type": "plain_text", "text": title}, "value": token, "action_ts": stamp}
        pressed = {"type": "block_actions", "user": {"id": who, "team_id": TEAM}, "channel": {"id": place}}
        return pressed | {"message": {"ts": stamp}, "actions": [action]}, f"action:{place}:{stamp}"

    # --- what the hub sends ---

    def _sent(
        self,
        app: str,
        sid: str,
        number: str,
        body: str,
        choices: Sequence[tuple[str, str]] = (),
        links: Sequence[str] = (),
    ) -> None:
        made = Message(sid, "outbound-api", "hub", FIRM_NAME, number, body, 1, "delivered", self._clock(), channel=app)
        self.ledger.add(made, choices=choices)

        def fetch() -> None:
            for link in links:
                if file := fetched(link):
                    kept = Media(
                        f"F{next(self._numbers)}", sid, link.rpartition("/")[2], file[1], self._clock(), file[0]
                    )
                    self.ledger.add_media(sid, [kept], self._clock())

        if links:
            self._lanes.put((app, number, "files"), fetch)

    def send_fault(self, app: str, who: str) -> Fault | None:
        """What is to go wrong with a call of the hub's for somebody."""
        return self.faults[app].take("send", number_of(app, who))

    def telegram_call(
        self, token: str, method: str, fields: Mapping[str, Any], fault: Fault | None = None
    ) -> tuple[dict[str, Any], int]:
        """One method of the Bot API: the answer and its status."""

        def no(code: int, description: str, **parameters: Any) -> tuple[dict[str, Any], int]:
            return {"ok": False, "error_code": code, "description": description, "parameters": parameters}, code

        if token != self.secrets["telegram"]["bot_token"]:
            return no(401, "Unauthorized")
        if fault and fault.do == "refuse":
            wait = fault.details.get("retry_after")
            return no(fault.whole("status", 500), "refused", **({} if wait is None else {"retry_after": wait}))
        if method == "getMe":
            me = {"id": 7000000001, "is_bot": True, "first_name": FIRM_NAME, "username": BOT_NAME}
            return {"ok": True, "result": me}, 200
        if method == "setWebhook":
            url, secret = str(fields.get("url", "")), str(fields.get("secret_token", ""))
            # The real one wants https; the hub beside this machine has none.
            if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
                return no(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
                return no(400, "Bad Request: secret token contains unallowed characters")
            self.webhooks["telegram"], self.secrets["telegram"]["webhook_secret"] = url, secret
            return {"ok": True, "result": True, "description": "Webhook was set"}, 200
        if method == "getWebhookInfo":
            return {"ok": True, "result": {"url": self.webhooks.get("telegram", ""), "pending_update_count": 0}}, 200
        if method == "sendChatAction":
            return {"ok": True, "result": True}, 200
        if method == "getFile":
            file = self.ledger.media(str(fields.get("file_id", "")))
            if file is None:
                return no(400, "Bad Request: invalid file_id")
            path = {"file_id": file.sid, "file_size": len(file.content), "file_path": f"files/{file.sid}"}
            return {"ok": True, "result": path}, 200
        if method not in ("sendMessage", "sendPhoto", "sendDocument"):
            return no(404, "Not Found: method not found")
        number, said = (
            number_of("telegram", str(fields.get("chat_id", ""))),
            fields.get("text") or fields.get("caption"),
        )
        if not number:
            return no(400, "Bad Request: chat not found")
        if self.ledger.is_blocked(number, "telegram"):
            return no(403, "Forbidden: bot was blocked by the user")
        if method == "sendMessage" and not said:
            return no(400, "Bad Request: message text is empty")
        if len(str(said or "")) > (4096 if method == "sendMessage" else 1024):
            return no(400, "Bad Request: message is too long")
        found, chat = next(self._numbers), self._chat(number)
        link = str(fields.get("photo") or fields.get("document") or "")
        choices = _pairs(_keyboard(fields.get("reply_markup")), "text", "callback_data")
        self._sent("telegram", f"{chat['id']}:{found}", number, str(said or ""), choices, [link] if link else ())
        result = {"message_id": found, "chat": chat, "date": int(self._clock()), "text": str(said or "")}
        return {"ok": True, "result": result}, 200

    def line_call(
        self, way: str, body: Mapping[str, Any], headers: Mapping[str, str], fault: Fault | None = None
    ) -> tuple[dict[str, Any], int]:
        """A reply or a push: the answer and its status."""
        if headers.get("Authorization") != f"Bearer {self.secrets['line']['channel_access_token']}":
            return {"message": "Authentication failed due to the following reason: invalid token."}, 401
        if fault and fault.do == "refuse":
            return {"message": "refused"}, fault.whole("status", 500)
        messages = body.get("messages")
        if not isinstance(messages, list) or not 1 <= len(messages) <= 5:
            return {"message": "Size must be between 1 and 5"}, 400
        key = headers.get("X-Line-Retry-Key", "")
        with self._lock:
            if key and key in self._retry_keys:
                sent = [{"id": self._retry_keys[key]}]
                return {"message": "The retry key is already accepted", "sentMessages": sent}, 409
            if way == "reply":
                number, made = self._reply_tokens.pop(str(body.get("replyToken")), ("", 0.0))
                if not number or self._clock() - made > _TOKEN_GOOD_FOR:
                    return {"message": "Invalid reply token"}, 400
            else:
                number = number_of("line", str(body.get("to", "")))
            found = str(next(self._numbers))
            if key:
                self._retry_keys[key] = found
        if not number:
            return {"message": "The property, 'to', in the request body is invalid"}, 400
        texts = [str(each["text"]) for each in messages if each.get("text")]
        links = [str(each["originalContentUrl"]) for each in messages if each.get("originalContentUrl")]
        items = (messages[-1].get("quickReply") or {}).get("items", ())
        choices = _pairs([each.get("action", {}) for each in items], "label", "data")
        if not self.ledger.is_blocked(number, "line"):  # to whoever blocked it, it goes nowhere and without a word
            self._sent("line", found, number, "\n".join(texts), choices, links)
        return {"sentMessages": [{"id": found, "quoteToken": "q"}]}, 200

    def slack_call(
        self, method: str, fields: Mapping[str, Any], token: str, fault: Fault | None = None
    ) -> tuple[dict[str, Any], int]:
        """A method of the web API: the answer and its status."""
        wanted = self.secrets["slack"]["app_token" if method == "apps.connections.open" else "bot_token"]
        if token != f"Bearer {wanted}":
            return {"ok": False, "error": "invalid_auth"}, 200
        if fault and fault.do == "refuse":
            status = fault.whole("status", 500)
            return {"ok": False, "error": "ratelimited" if status == 429 else "internal_error"}, status
        match method:
            case "auth.test":
                names = {"user": "centralita", "team": FIRM_NAME}
                return {"ok": True, "team_id": TEAM, "user_id": "U0HUB", "bot_id": HUB_BOT, **names}, 200
            case "apps.connections.open":
                parts = urlsplit(self.base_url)
                return {"ok": True, "url": f"ws://{parts.netloc}/slack-socket"}, 200
            case "users.conversations":
                places = sorted({sid.partition(":")[0] for sid in self._bodies})
                return {"ok": True, "channels": [{"id": place, "is_im": True} for place in places]}, 200
            case "conversations.history":
                return self._history(fields), 200
            case "chat.postMessage":
                return self._posted(fields), 200
            case _:
                return {"ok": False, "error": "unknown_method"}, 200

    def line_recipient(self, way: str, body: Mapping[str, Any]) -> str:
        """Whom LINE calls the recipient of a call; empty where its token is nobody's."""
        if way == "push":
            return str(body.get("to", ""))
        number, _ = self._reply_tokens.get(str(body.get("replyToken")), ("", 0.0))
        return identity("line", number) if number else ""

    def _history(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        place, oldest = fields.get("channel"), str(fields.get("oldest", ""))
        events = [body.get("event", {}) for body in self._bodies.values()]
        said = [each for each in events if each.get("channel") == place and each["ts"] > oldest]
        return {"ok": True, "messages": sorted(said, key=lambda each: str(each["ts"]), reverse=True), "has_more": False}

    def _posted(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        number, said = number_of("slack", str(fields.get("channel", ""))), str(fields.get("text", ""))
        if not number:
            return {"ok": False, "error": "channel_not_found"}
        if not said:
            return {"ok": False, "error": "no_text"}
        place, stamp = f"D{number[1:]}", self._stamp()
        plain = said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        blocks = fields.get("blocks") if isinstance(fields.get("blocks"), list) else []
        buttons = [each for block in blocks or () for each in block.get("elements", ()) if "value" in each]
        choices = [(str(each["text"]["text"]), str(each["value"])) for each in buttons]
        self._sent("slack", f"{place}:{stamp}", number, plain, choices)
        event = {"type": "message", "subtype": "bot_message", "bot_id": HUB_BOT, "app_id": HUB_APP, "text": said}
        event |= {"channel": place, "channel_type": "im", "ts": stamp, "event_ts": stamp}
        if isinstance(fields.get("metadata"), dict):
            event["metadata"] = fields["metadata"]
        self.event("slack", number, _callback(event))
        return {"ok": True, "channel": place, "ts": stamp, "message": {"text": said}}

    # --- Slack's sockets ---

    def serve_socket(self, server: Server) -> None:
        """Holds a socket of the hub's until it closes."""
        mine = _Socket(server)
        server.send(json.dumps({"type": "hello", "num_connections": 1, "debug_info": {}, "connection_info": {}}))
        with self._lock:
            self._sockets.append(mine)
        try:
            while True:
                said = json.loads(server.receive())
                with mine.heard:
                    mine.confirmed.add(str(said.get("envelope_id", "")))
                    mine.heard.notify_all()
        except (ConnectionClosed, ValueError, TypeError):
            pass
        finally:
            with self._lock:
                if mine in self._sockets:
                    self._sockets.remove(mine)

    def drop(self, socket: _Socket | None = None) -> None:
        """Breaks a socket, or all of them."""
        with self._lock:
            broken = [socket] if socket else list(self._sockets)
            self._sockets = [each for each in self._sockets if each not in broken]
        for each in broken:
            with suppress(ConnectionClosed):  # the hub was first
                each.server.close()

    @property
    def sockets(self) -> int:
        """How many the hub holds open."""
        return len(self._sockets)

    def _by_socket(self, event: dict[str, Any]) -> bool:
        """Whether the hub confirmed an envelope on any one of its sockets, in time."""
        with self._lock:
            mine = self._sockets[-1] if self._sockets else None
        if mine is None:
            return False
        kind = "interactive" if event.get("type") == "block_actions" else "events_api"
        key = f"envelope-{next(self._numbers)}"
        envelope = {"type": kind, "envelope_id": key, "payload": event, "accepts_response_payload": False}
        try:
            mine.server.send(json.dumps(envelope))
        except (ConnectionClosed, OSError):
            return False
        with mine.heard:
            return mine.heard.wait_for(lambda: key in mine.confirmed, _ACKNOWLEDGED_WITHIN)


def _keyboard(markup: object) -> list[dict[str, Any]]:
    """The buttons of Telegram's markup, row by row."""
    found = json.loads(markup) if isinstance(markup, str) else markup
    rows = found.get("inline_keyboard", ()) if isinstance(found, dict) else ()
    return [each for row in rows for each in row]


def _pairs(buttons: Sequence[Mapping[str, Any]], title: str, token: str) -> list[tuple[str, str]]:
    return [(str(each[title]), str(each[token])) for each in buttons if title in each and token in each]


def _callback(event: dict[str, Any]) -> dict[str, Any]:
    key = hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()[:9].upper()
    about = {"token": "", "team_id": TEAM, "api_app_id": HUB_APP, "type": "event_callback", "event_id": f"Ev{key}"}
    return about | {"event": event, "event_time": int(float(event["event_ts"]))}


def routes(apps: Apps) -> Blueprint:
    """The providers' own addresses: the base of each is `/telegram`, `/line` and `/slack`."""
    blueprint = Blueprint("apps", __name__)

    def fields() -> dict[str, Any]:
        given = request.get_json(silent=True)
        return given if isinstance(given, dict) else {**request.args.to_dict(), **request.form.to_dict()}

    def signed_in(wanted: str) -> bool:
        return request.headers.get("Authorization") == f"Bearer {wanted}"

    @blueprint.route("/telegram/bot<token>/<method>", methods=["GET", "POST"])
    def telegram(token: str, method: str) -> Response:
        given = fields()
        fault = apps.send_fault("telegram", str(given.get("chat_id", ""))) if method.startswith("send") else None
        if fault and fault.do == "cut":
            return answered(fault, {}, 0)
        body, status = apps.telegram_call(token, method, given, fault)
        return answered(fault, body, status)

    @blueprint.get("/telegram/file/bot<token>/files/<file_id>")
    def telegram_file(token: str, file_id: str) -> Response:
        known = token == apps.secrets["telegram"]["bot_token"]
        return file_answer(apps.ledger.media(file_id) if known else None, apps.faults["telegram"].take("media"))

    @blueprint.post("/line/v2/bot/message/<way>")
    def line(way: str) -> Response:
        if way not in ("reply", "push"):
            return answered(None, {"message": "Not found"}, 404)
        given = fields()
        fault = apps.send_fault("line", apps.line_recipient(way, given))
        if fault and fault.do == "cut":
            return answered(fault, {}, 0)
        body, status = apps.line_call(way, given, dict(request.headers), fault)
        return answered(fault, body, status)

    @blueprint.get("/line/v2/bot/<path:about>")
    def line_account(about: str) -> Response:
        """What the account is told of itself, and of its customers."""
        if not signed_in(apps.secrets["line"]["channel_access_token"]):
            return answered(None, {"message": "Authentication failed"}, 401)
        known: dict[str, dict[str, Any]] = {
            "info": {"userId": "U0", "basicId": BASIC_ID, "displayName": FIRM_NAME, "markAsReadMode": "manual"},
            "channel/webhook/endpoint": {"endpoint": apps.webhooks.get("line", ""), "active": "line" in apps.webhooks},
            "message/quota": {"type": "limited", "value": 1000},
            "message/quota/consumption": {"totalUsage": 0},
        }
        said = known.get(about)
        return answered(None, said or {"message": "Not found"}, 200 if said else 404)

    @blueprint.post("/line/v2/bot/chat/<path:shown>")
    def line_attention(shown: str) -> Response:
        """Reading marks and the loading animation: nobody looks at them here."""
        known = signed_in(apps.secrets["line"]["channel_access_token"]) and shown in ("markAsRead", "loading/start")
        return answered(None, {} if known else {"message": "Not found"}, 200 if known else 404)

    @blueprint.get("/line/v2/bot/message/<message_id>/content")
    def line_file(message_id: str) -> Response:
        known = signed_in(apps.secrets["line"]["channel_access_token"])
        return file_answer(apps.ledger.media(message_id) if known else None, apps.faults["line"].take("media"))

    @blueprint.route("/slack/<method>", methods=["GET", "POST"])
    def slack(method: str) -> Response:
        given = fields()
        fault = apps.send_fault("slack", str(given.get("channel", ""))) if method == "chat.postMessage" else None
        if fault and fault.do == "cut":
            return answered(fault, {}, 0)
        body, status = apps.slack_call(method, given, request.headers.get("Authorization", ""), fault)
        wait = fault.details.get("retry_after") if fault else None
        return answered(fault, body, status, wait)

    @blueprint.get("/slack/files/<file_id>")
    def slack_file(file_id: str) -> Response:
        known = signed_in(apps.secrets["slack"]["bot_token"])
        return file_answer(apps.ledger.media(file_id) if known else None, apps.faults["slack"].take("media"))

    @blueprint.route("/slack-socket", websocket=True)
    def socket() -> str:
        apps.serve_socket(Server.accept(request.environ))
        return ""

    return blueprint
