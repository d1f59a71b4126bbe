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
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request
from simple_websocket import ConnectionClosed, Server

from channels.simulators.lanes import Lanes
from channels.simulators.ledger import Ledger, Message
from channels.simulators.line import Lines, NoAnswer, NoConnection
from channels.simulators.phones import CUSTOMERS, FIRM_NAME

APPS = ("telegram", "line", "slack")
TEAM, HUB_APP, HUB_BOT = "T0CUSTOMERS", "A0HUB", "B0HUB"
# Seconds that each gives the hub to answer, and after which it tries again.
PATIENCE: Mapping[str, tuple[float, tuple[float, ...]]] = {
    "telegram": (60.0, (0.5, 2, 4, 8, 16, 32, 64)),
    "line": (2.0, (1, 5, 30, 60)),
    "slack": (3.0, (0.5, 60, 300)),
}
_CONNECT = 3.0
_TOKEN_GOOD_FOR = 60.0
_ACKNOWLEDGED_WITHIN = 3.0
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
        self.refusals: dict[str, list[tuple[int, int]]] = {app: [] for app in APPS}  # (status, Retry-After), used up
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

    def text(self, app: str, number: str, body: str) -> Message:
        """A customer writes. Returns the message; its delivery runs in the lane of the chat."""
        event, sid = getattr(self, f"_{app}_text")(number, body)
        return self._deliver(app, number, sid, body, event)

    def press(self, app: str, number: str, title: str, token: str) -> Message:
        """A customer presses a button that carries a token."""
        event, sid = getattr(self, f"_{app}_press")(number, title, token)
        return self._deliver(app, number, sid, title, event)

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

    def _deliver(self, app: str, number: str, sid: str, body: str, event: dict[str, Any]) -> Message:
        made = Message(sid, "inbound", "customer", number, app, body, 1, "receiving", self._clock(), channel=app)
        kept = self.ledger.add(made)
        if app == "slack":
            self._bodies[sid] = event
        self._put(app, number, sid, event)
        return kept

    def _put(self, app: str, number: str, sid: str, event: dict[str, Any]) -> None:
        attempts = iter(PATIENCE[app][1])

        def step() -> float | None:
            status, latency = self._hand_over(app, event)
            self.ledger.note("webhook", sid, self._clock(), status, latency)
            if 200 <= status < 300:
                if sid:
                    self.ledger.set_status(sid, "received", self._clock())
                return None
            pause = next(attempts, None)
            if pause is None and sid:
                self.ledger.set_status(sid, "failed", self._clock())
            return pause

        # Slack keeps no order: what it must try again holds up nothing.
        self._lanes.put((app, number, next(self._numbers) if app == "slack" else 0), step)

    def _hand_over(self, app: str, event: dict[str, Any]) -> tuple[int, float | None]:
        """Gives the hub an event once: the HTTP status (0: no answer) and the milliseconds until then."""
        began = time.perf_counter()
        if app == "slack" and app not in self.webhooks:
            return (200, (time.perf_counter() - began) * 1000) if self._by_socket(event) else (0, None)
        url, body = self.webhooks.get(app, ""), json.dumps(event, ensure_ascii=False).encode()
        if not url:
            return 0, None
        headers = {"Content-Type": "application/json", **self._signed(app, body)}
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

    def _telegram_text(self, number: str, body: str) -> tuple[dict[str, Any], str]:
        found, chat = next(self._numbers), self._chat(number)
        sender = {"id": chat["id"], "is_bot": False, "first_name": chat["first_name"]}
        message = {"message_id": found, "from": sender, "chat": chat, "date": int(self._clock()), "text": body}
        return {"update_id": next(self._numbers), "message": message}, f"{chat['id']}:{found}"

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

    def _line_text(self, number: str, body: str) -> tuple[dict[str, Any], str]:
        key = str(next(self._numbers))
        return self._line_said(number, "message", key, {"message": {"id": key, "type": "text", "text": body}})

    def _line_press(self, number: str, _title: str, token: str) -> tuple[dict[str, Any], str]:
        return self._line_said(number, "postback", str(next(self._numbers)), {"postback": {"data": token}})

    def _stamp(self) -> str:
        return f"{int(self._clock())}.{next(self._numbers) % 1_000_000:06}"

    def _slack_text(self, number: str, body: str) -> tuple[dict[str, Any], str]:
        stamp, who = self._stamp(), identity("slack", number)
        escaped = body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        place = f"D{who[1:]}"
        event = {"type": "message", "channel": place, "channel_type": "im", "user": who, "team": TEAM, "text": escaped}
        return _callback(event | {"ts": stamp, "event_ts": stamp}), f"{place}:{stamp}"

    def _slack_press(self, number: str, title: str, token: str) -> tuple[dict[str, Any], str]:
        who, stamp = identity("slack", number), self._stamp()
        place = f"D{who[1:]}"
        action = {"type": "button", "text": {"type": "plain_text", "text": title}, "value": token, "action_ts": stamp}
        pressed = {"type": "block_actions", "user": {"id": who, "team_id": TEAM}, "channel": {"id": place}}
        return pressed | {"message": {"ts": stamp}, "actions": [action]}, f"action:{place}:{stamp}"

    # --- what the hub sends ---

    def _sent(self, app: str, sid: str, number: str, body: str) -> None:
        made = Message(sid, "outbound-api", "hub", FIRM_NAME, number, body, 1, "delivered", self._clock(), channel=app)
        self.ledger.add(made)

    def _refusal(self, app: str) -> tuple[int, int] | None:
        with self._lock:
            return self.refusals[app].pop(0) if self.refusals[app] else None

    def telegram_call(self, token: str, method: str, fields: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
        """One method of the Bot API: the answer and its status."""

        def no(code: int, description: str, **parameters: Any) -> tuple[dict[str, Any], int]:
            return {"ok": False, "error_code": code, "description": description, "parameters": parameters}, code

        if token != self.secrets["telegram"]["bot_token"]:
            return no(401, "Unauthorized")
        if refusal := self._refusal("telegram"):
            return no(refusal[0], "Too Many Requests", retry_after=refusal[1])
        if method == "getMe":
            me = {"id": 7000000001, "is_bot": True, "first_name": FIRM_NAME, "username": "lumbre_bot"}
            return {"ok": True, "result": me}, 200
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
        self._sent(
            "telegram", f"{chat['id']}:{found}", number, str(said or fields.get("photo") or fields.get("document"))
        )
        result = {"message_id": found, "chat": chat, "date": int(self._clock()), "text": str(said or "")}
        return {"ok": True, "result": result}, 200

    def line_call(self, way: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[dict[str, Any], int]:
        """A reply or a push: the answer and its status."""
        if headers.get("Authorization") != f"Bearer {self.secrets['line']['channel_access_token']}":
            return {"message": "Authentication failed due to the following reason: invalid token."}, 401
        if refusal := self._refusal("line"):
            return {"message": "The API rate limit has been exceeded. Try again later."}, refusal[0]
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
        texts = [str(each.get("text") or each.get("originalContentUrl", "")) for each in messages]
        if not self.ledger.is_blocked(number, "line"):  # to whoever blocked it, it goes nowhere and without a word
            self._sent("line", found, number, "\n".join(texts))
        return {"sentMessages": [{"id": found, "quoteToken": "q"}]}, 200

    def slack_call(self, method: str, fields: Mapping[str, Any], token: str) -> tuple[dict[str, Any], int, int]:
        """A method of the web API: the answer, its status and its Retry-After (0: none)."""
        wanted = self.secrets["slack"]["app_token" if method == "apps.connections.open" else "bot_token"]
        if token != f"Bearer {wanted}":
            return {"ok": False, "error": "invalid_auth"}, 200, 0
        if refusal := self._refusal("slack"):
            return {"ok": False, "error": "ratelimited"}, refusal[0], refusal[1]
        match method:
            case "auth.test":
                return {"ok": True, "team_id": TEAM, "user_id": "U0HUB", "bot_id": HUB_BOT}, 200, 0
            case "apps.connections.open":
                parts = urlsplit(self.base_url)
                return {"ok": True, "url": f"ws://{parts.netloc}/slack-socket"}, 200, 0
            case "users.conversations":
                places = sorted({sid.partition(":")[0] for sid in self._bodies})
                return {"ok": True, "channels": [{"id": place, "is_im": True} for place in places]}, 200, 0
            case "conversations.history":
                return self._history(fields), 200, 0
            case "chat.postMessage":
                return self._posted(fields), 200, 0
            case _:
                return {"ok": False, "error": "unknown_method"}, 200, 0

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
        self._sent("slack", f"{place}:{stamp}", number, plain)
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

    @blueprint.route("/telegram/bot<token>/<method>", methods=["GET", "POST"])
    def telegram(token: str, method: str) -> tuple[Response, int]:
        body, status = apps.telegram_call(token, method, fields())
        return jsonify(body), status

    @blueprint.post("/line/v2/bot/message/<way>")
    def line(way: str) -> tuple[Response, int]:
        if way not in ("reply", "push"):
            return jsonify({"message": "Not found"}), 404
        body, status = apps.line_call(way, fields(), dict(request.headers))
        return jsonify(body), status

    @blueprint.route("/slack/<method>", methods=["GET", "POST"])
    def slack(method: str) -> tuple[Response, int]:
        body, status, wait = apps.slack_call(method, fields(), request.headers.get("Authorization", ""))
        response = jsonify(body)
        if wait:
            response.headers["Retry-After"] = str(wait)
        return response, status

    @blueprint.route("/slack-socket", websocket=True)
    def socket() -> str:
        apps.serve_socket(Server.accept(request.environ))
        return ""

    return blueprint
