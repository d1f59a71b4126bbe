"""Meta as far as an inbox meets it: WhatsApp, Messenger and Instagram customers who write, signed webhooks that are
repeated for days, and the Graph API by which the hub answers, with the 24-hour window.

What was said is in a ledger; a customer is the telephone that their apps are on, and their id on a page is made from
its number. Shapes and rules by the same sources as the channels.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Blueprint, Response, jsonify, request

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

APPS = ("whatsapp", "messenger", "instagram")
OBJECTS = {"whatsapp": "whatsapp_business_account", "messenger": "page", "instagram": "instagram"}
ACCOUNTS = {"whatsapp": "106540352242922", "messenger": "1011121314", "instagram": "17841400000000001"}
HANDLES = {"whatsapp": "34910000001", "instagram": "lumbre"}
BUSINESS, HUB_APP = "102290129340398", "4455667788"
WINDOW = 24 * 3600.0
# Seconds that a webhook has, and for how long it is repeated, at growing gaps.
PATIENCE, GIVES_UP = 10.0, {"whatsapp": 7 * 86_400.0, "messenger": 36 * 3600.0, "instagram": 36 * 3600.0}
_LONGEST_GAP = 6 * 3600.0
MENU: Mapping[str, Mapping[str, frozenset[str]]] = {
    "send": {**SEND_MENU, "fail_later": frozenset({"code"})},
    "status": {name: frozenset() for name in ("reverse", "lose", "duplicate", "early")},
    "webhook": WEBHOOK_MENU,
    "media": {**MEDIA_MENU, "damaged": frozenset()},
}
# What the firm may write to whoever has been silent for a day.
TEMPLATES = [
    {
        "id": f"70010{place}",
        "name": "order_update",
        "language": language,
        "category": "UTILITY",
        "status": "APPROVED",
        "components": [{"type": "BODY", "text": text, "example": {"body_text": [["Ana", "A100236"]]}}],
    }
    for place, (language, text) in enumerate(
        (
            ("en", "Hello {{1}}, there is news about your order {{2}}. Answer this message to hear it."),
            ("es", "Hola, {{1}}: hay novedades de su pedido {{2}}. Responda a este mensaje para saberlas."),
        )
    )
]
_NAMES = {customer.number: customer.name for customer in CUSTOMERS}


def secrets_of(token: str) -> dict[str, str]:
    """What the firm's inboxes are connected with, made from one token of at least 16 characters."""
    return {"access_token": f"EAA{token}", "app_secret": token, "verify_token": f"verify-{token}"}


def identity(app: str, number: str) -> str:
    """Whom Meta calls the owner of a telephone: their number on WhatsApp, else an id that only this account knows."""
    digits = number.removeprefix("+")
    return digits if app == "whatsapp" else f"{APPS.index(app)}0{digits}"


def number_of(app: str, who: str) -> str:
    """The telephone of somebody whom Meta calls so."""
    return f"+{who.removeprefix('+') if app == 'whatsapp' else who[2:]}"


def encoded(document: Mapping[str, Any]) -> bytes:
    """JSON in Meta's own spelling: nothing but ASCII, and each slash escaped."""
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/").encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """Of the Graph API, with what is to go wrong with it."""

    status: int
    body: Mapping[str, Any]
    retry_after: int | None = None
    fault: Fault | None = None


def _no(status: int, code: int, text: str, subcode: int = 0, retry_after: int | None = None) -> Answer:
    error: dict[str, Any] = {
        "message": f"(#{code}) {text}",
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": "Sim",
    }
    return Answer(status, {"error": error | ({"error_subcode": subcode} if subcode else {})}, retry_after)


class Meta:
    """One business: a WhatsApp number, a page and an Instagram account.

    Args:
        token: see `secrets_of`.
        ledger: where everything is kept.
        lanes: where deliveries run; one lane for each customer and app.
        base_url: where this simulator is reached.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(
        self, token: str, ledger: Ledger, lanes: Lanes, base_url: str, clock: Callable[[], float] = time.time
    ) -> None:
        self.secrets = secrets_of(token)
        self.ledger = ledger
        self.faults = {app: Faults(MENU) for app in APPS}
        self.base_url = base_url
        self.webhooks: dict[str, str] = {}  # by app
        self.templates: list[dict[str, Any]] = []
        self.revoked = False  # the token
        self._lanes, self._clock = lanes, clock
        self._lines = Lines()
        self._numbers = itertools.count(int(clock() * 1000))
        self._said: dict[tuple[str, str], float] = {}

    def close(self) -> None:
        """Lets the connections go."""
        self._lines.close()

    # --- customers ---

    def text(self, app: str, number: str, body: str, media: Sequence[Media] = ()) -> Message:
        """A customer writes, perhaps with files, for which WhatsApp takes a message each. Returns the last message; its
        delivery runs in the customer's lane."""
        files = self._files(media)
        if app != "whatsapp":
            said: dict[str, Any] = {"text": body} if body else {}
            if files:
                links = [{"type": _kind(f), "payload": {"url": f"{self.base_url}/meta-media/{f.sid}"}} for f in files]
                said["attachments"] = links
            return self._say(app, number, body, {"message": said}, files)
        kept: Message | None = None
        for place, file in enumerate(files):
            words = "" if place else body
            digest = b64encode(hashlib.sha256(file.content).digest()).decode()
            about = {"id": file.sid, "mime_type": file.media_type, "sha256": digest, "caption": words}
            kept = self._say(app, number, words, {"type": _kind(file), _kind(file): about}, [file])
        return kept or self._say(app, number, body, {"type": "text", "text": {"body": body}})

    def press(self, app: str, number: str, title: str, token: str) -> Message:
        """A customer presses a button that carries a token."""
        if app == "whatsapp":
            reply = {"type": "button_reply", "button_reply": {"id": token, "title": title}}
            return self._say(app, number, title, {"type": "interactive", "interactive": reply})
        return self._say(app, number, title, {"postback": {"title": title, "payload": token}})

    def change(self, app: str, number: str, sid: str, do: str, words: str) -> bool:
        """A customer edits a message of theirs, takes it back or puts a sign to it, where the app lets them."""
        if do == "react":
            self.react(app, number, sid, words)
            return True
        new = {"original_message_id": sid, "message": {"type": "text", "text": {"body": words}}}
        whatsapp = {
            "edit": {"type": "edit", "edit": new},
            "take_back": {"type": "revoke", "revoke": {"original_message_id": sid}},
        }
        pages: Mapping[tuple[str, str], dict[str, Any]] = {
            ("messenger", "edit"): {"message_edit": {"mid": sid, "text": words, "num_edit": 1}},
            ("instagram", "take_back"): {"message": {"mid": sid, "is_deleted": True}},
        }
        if app == "whatsapp":
            self.event(app, number, self._whatsapp(number, whatsapp[do]))
        elif (app, do) in pages:
            self.event(app, number, self._page(app, number, pages[app, do]))
        else:
            return False
        return True

    def opened(self, number: str, link: str) -> str:
        """A customer opens a link: with a text to send, or with a reference, which comes with "Get started" where they
        never wrote, else by itself."""
        parts = urlsplit(link)
        brought = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if (parts.netloc, parts.path) == ("wa.me", f"/{HANDLES['whatsapp']}") and brought.get("text"):
            self.text("whatsapp", number, brought["text"])
            return "whatsapp"
        places = {
            ("m.me", f"/{ACCOUNTS['messenger']}"): "messenger",
            ("ig.me", f"/m/{HANDLES['instagram']}"): "instagram",
        }
        app = places.get((parts.netloc, parts.path), "")
        if not app or not brought.get("ref"):
            return ""
        referral = {"ref": brought["ref"], "source": "SHORTLINK", "type": "OPEN_THREAD"}
        if (app, number) in self._said:
            self._said[app, number] = self._clock()
            self.event(app, number, self._page(app, number, {"referral": referral}))
        else:
            started = {"title": "Get started", "payload": "GET_STARTED", "referral": referral}
            self._say(app, number, "Get started", {"postback": started})
        return app

    def react(self, app: str, number: str, target: str, emoji: str) -> None:
        """A customer puts a sign to a message of either side."""
        if app == "whatsapp":
            self.event(
                app,
                number,
                self._whatsapp(number, {"type": "reaction", "reaction": {"message_id": target, "emoji": emoji}}),
            )
        else:
            reaction = {"reaction": "other", "emoji": emoji, "action": "react", "mid": target}
            self.event(app, number, self._page(app, number, {"reaction": reaction}))

    def event(
        self, app: str, number: str, document: Mapping[str, Any], sid: str = "", fault: Fault | None = None
    ) -> None:
        """Hands over anything that Meta would say of a customer, as it is."""
        began, gap, tries = self._clock(), 1.0, itertools.count()

        def step() -> float | None:
            nonlocal gap
            status = handed_over(lambda do: self._hand_over(app, document, sid, do), fault, next(tries))
            if 200 <= status < 300:
                if sid:
                    self.ledger.set_status(sid, "received", self._clock())
                return None
            if self._clock() - began > GIVES_UP[app]:
                if sid:
                    self.ledger.set_status(sid, "failed", self._clock())
                return None
            pause, gap = gap, min(2 * gap, _LONGEST_GAP)
            return pause

        self._lanes.put((app, number), step, fault.seconds(3.0) if fault and fault.do == "late" else 0.0)

    def echo(self, app: str, number: str, body: str) -> None:
        """Somebody of the firm writes in the provider's own app."""
        sid = self._id(app)
        if app == "whatsapp":
            now = str(int(self._clock()))
            said = {
                "from": HANDLES["whatsapp"],
                "to": identity(app, number),
                "id": sid,
                "timestamp": now,
                "type": "text",
            }
            value = {"message_echoes": [said | {"text": {"body": body}}]}
            self.event(app, number, self._change("smb_message_echoes", value))
        else:
            self.event(
                app,
                number,
                self._page(
                    app, number, {"message": {"mid": sid, "is_echo": True, "app_id": 263902037430900, "text": body}}
                ),
            )

    def _say(self, app: str, number: str, body: str, said: dict[str, Any], media: Sequence[Media] = ()) -> Message:
        sid = self._id(app)
        fault = self.faults[app].take("webhook", number)
        do = fault.do if fault else ""
        made = Message(sid, "inbound", "customer", number, app, body, 1, "receiving", self._clock(), channel=app)
        kept = self.ledger.add(made, [Media(m.sid, sid, m.name, m.media_type, m.created, m.content) for m in media])
        self._said[app, number] = self._clock()
        if do == "unknown_type":
            said = {"type": "hologram", "hologram": {}} if app == "whatsapp" else {"message": {"is_unsupported": True}}
        document = self._whatsapp(number, said, sid) if app == "whatsapp" else self._page(app, number, said, sid)
        self.event(app, number, _poisoned(document) if do == "poison" else document, sid, fault)
        return kept

    def _hand_over(self, app: str, document: Mapping[str, Any], sid: str, do: str) -> int:
        """Gives the hub a webhook once. Returns the HTTP status, 0 where no answer came."""
        url, body = self.webhooks.get(app, ""), encoded(document)
        digest = hmac.new(self.secrets["app_secret"].encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        if do != "unsigned":
            headers["X-Hub-Signature-256"] = f"sha256={digest}"
        sent = body + b" " if do == "tamper" else body
        began = time.perf_counter()
        try:
            status = self._lines.post(url, sent, headers, connect=3.0, read=PATIENCE).status if url else 0
        except (NoConnection, NoAnswer):
            status = 0
        latency = round((time.perf_counter() - began) * 1000, 3) if status else None
        self.ledger.note("webhook" if sid else "report", sid, self._clock(), status, latency, {"app": app})
        return status

    # --- shapes ---

    def _id(self, app: str) -> str:
        number = next(self._numbers)
        return f"wamid.SIM{number}" if app == "whatsapp" else f"m_SIM{number}"

    def _files(self, media: Sequence[Media]) -> list[Media]:
        now = self._clock()
        return [Media(str(next(self._numbers)), "", m.name, m.media_type, now, m.content) for m in media]

    def _change(self, field: str, value: Mapping[str, Any]) -> dict[str, Any]:
        about = {"display_phone_number": HANDLES["whatsapp"], "phone_number_id": ACCOUNTS["whatsapp"]}
        whole = {"messaging_product": "whatsapp", "metadata": about, **value}
        return {
            "object": OBJECTS["whatsapp"],
            "entry": [{"id": BUSINESS, "changes": [{"field": field, "value": whole}]}],
        }

    def _whatsapp(self, number: str, said: Mapping[str, Any], sid: str = "") -> dict[str, Any]:
        who = identity("whatsapp", number)
        user = f"ES.{int(who):020}"
        person = {"profile": {"name": _NAMES.get(number, number)}, "wa_id": who, "user_id": user}
        message = {"from": who, "from_user_id": user, "id": sid or self._id("whatsapp")}
        message |= {"timestamp": str(int(self._clock())), **said}
        return self._change("messages", {"contacts": [person], "messages": [message]})

    def _page(self, app: str, number: str, said: Mapping[str, Any], sid: str = "") -> dict[str, Any]:
        account, who, now = ACCOUNTS[app], identity(app, number), int(self._clock() * 1000)
        named = {
            key: {"mid": sid or self._id(app), **value} if key in ("message", "postback") else value
            for key, value in said.items()
        }
        ours = said.get("message", {}).get("is_echo") is True
        ends = (account, who) if ours else (who, account)
        event = {"sender": {"id": ends[0]}, "recipient": {"id": ends[1]}, "timestamp": now, **named}
        return {"object": OBJECTS[app], "entry": [{"id": account, "time": now, "messaging": [event]}]}

    # --- the hub's calls ---

    def send(self, account: str, body: Mapping[str, Any], authorization: str) -> Answer:
        """`POST /{version}/{account}/messages`."""
        app = next((each for each, its in ACCOUNTS.items() if its == account), "")
        if self.revoked or authorization != f"Bearer {self.secrets['access_token']}":
            return self._noted(_no(401, 190, "Error validating access token"))
        if not app:
            return self._noted(_no(400, 100, "Unsupported post request"))
        if "sender_action" in body or body.get("status") == "read":  # reading marks and dots: nobody looks at them here
            return Answer(200, {"success": True})
        who = body.get("to") or (body.get("recipient") or {}).get("id", "") if app != "whatsapp" else body.get("to", "")
        number = number_of(app, str(who))
        fault = self.faults[app].take("send", number)
        do = fault.do if fault else ""
        if fault and do == "refuse":
            wait = fault.details.get("retry_after")
            no = _no(fault.whole("status", 400), fault.whole("code", 2), "refused", retry_after=wait)
            return self._noted(replace(no, fault=fault))
        if do == "cut":
            return self._noted(Answer(500, {}, fault=fault))
        refusal = self._refusal(app, number, body)
        if refusal is not None:
            return self._noted(refusal)
        sid, text = self._id(app), _words(body)
        made = Message(sid, "outbound-api", "hub", FIRM_NAME, number, text, 1, "accepted", self._clock(), channel=app)
        self.ledger.add(made, choices=_choices(body))
        self._follow(app, number, sid, body, fault)
        said: Mapping[str, Any] = {"recipient_id": str(who), "message_id": sid}
        if app == "whatsapp":
            person = {"input": who, "wa_id": who, "user_id": f"ES.{int(str(who)):020}"}
            said = {"messaging_product": "whatsapp", "contacts": [person], "messages": [{"id": sid}]}
        return self._noted(Answer(200, said, fault=fault), sid)

    def _refusal(self, app: str, number: str, body: Mapping[str, Any]) -> Answer | None:
        open_until = self._said.get((app, number), -WINDOW) + WINDOW
        if app == "whatsapp":
            template = body.get("template") or {}
            if body.get("type") == "template":
                known = [each for each in self.templates if each["name"] == template.get("name")]
                return (
                    None
                    if any(each["status"] == "APPROVED" for each in known)
                    else _no(404, 132001, "no such template")
                )
            return None if self._clock() < open_until else _no(400, 131047, "Re-engagement message")
        if body.get("messaging_type") == "MESSAGE_TAG":
            tagged = body.get("tag") == "HUMAN_AGENT" and self._clock() < open_until + 6 * 86_400
            return None if tagged else _no(400, 100, "tag is not supported", 1893061)
        return None if self._clock() < open_until else _no(400, 10, "outside of allowed window", 2018278)

    def _follow(self, app: str, number: str, sid: str, body: Mapping[str, Any], fault: Fault | None) -> None:
        """The reports on a message that was taken, and its echo."""
        odd = self.faults[app].take("status", number)
        do = odd.do if odd else ""
        failed = fault is not None and fault.do == "fail_later"
        states = ["sent", "failed"] if failed else ["sent", "delivered", "read"]
        if do == "lose":
            states = states[-1:]
        if link := _link(body):
            self._lanes.put((app, number, "files"), lambda: self._fetch(sid, link))
        for place, state in enumerate(reversed(states) if do == "reverse" else states):
            code = fault.whole("code", 131026) if fault and state == "failed" else 0
            document = self._report(app, number, sid, state, code, body)
            for _ in range(2 if do == "duplicate" else 1):
                if document is not None and do == "early":
                    self._hand_over(app, document, "", "")
                elif document is not None:
                    self._lanes.put(
                        (app, number, "reports"), self._reporter(app, sid, state, document), 0.1 * (place + 1)
                    )

    def _fetch(self, sid: str, link: str) -> None:
        if file := fetched(link):
            name, now = link.rpartition("/")[2], self._clock()
            self.ledger.add_media(sid, [Media(f"{next(self._numbers)}", sid, name, file[1], now, file[0])], now)

    def _reporter(self, app: str, sid: str, state: str, document: Mapping[str, Any]) -> Callable[[], float | None]:
        def step() -> float | None:
            self.ledger.set_status(sid, state, self._clock())
            return None if 200 <= self._hand_over(app, document, "", "") < 300 else 60.0

        return step

    def _report(
        self, app: str, number: str, sid: str, state: str, code: int, body: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        now = self._clock()
        if app == "whatsapp":
            status: dict[str, Any] = {
                "id": sid,
                "status": state,
                "timestamp": str(int(now)),
                "recipient_id": identity(app, number),
            }
            status["biz_opaque_callback_data"] = body.get("biz_opaque_callback_data", "")
            if code:
                status["errors"] = [{"code": code, "title": "failed"}]
            return self._change("messages", {"statuses": [status]})
        if state == "sent":
            said = {"mid": sid, "is_echo": True, "app_id": int(HUB_APP), "text": _words(body)}
            metadata = body.get("message", {}).get("metadata")
            return self._page(app, number, {"message": said | ({"metadata": metadata} if app == "messenger" else {})})
        if app == "instagram":
            return self._page(app, number, {"read": {"mid": sid}}) if state == "read" else None
        key = {"delivered": "delivery", "read": "read"}.get(state)
        return self._page(app, number, {key: {"watermark": int(now * 1000) + 1000}}) if key else None

    def _noted(self, answer: Answer, sid: str = "") -> Answer:
        self.ledger.note("call", sid, self._clock(), answer.status)
        return answer


def _kind(file: Media) -> str:
    kind = file.media_type.partition("/")[0]
    return kind if kind in ("image", "video", "audio") else "document"


def _words(body: Mapping[str, Any]) -> str:
    """What a customer reads of a message of the hub's."""
    message = body.get("message") or {}
    interactive = (body.get("interactive") or {}).get("body") or {}
    template = ((message.get("attachment") or {}).get("payload") or {}).get("text")
    name = (body.get("template") or {}).get("name")
    words = (body.get("text") or {}).get("body") if isinstance(body.get("text"), dict) else message.get("text")
    caption = (body.get(str(body.get("type"))) or {}).get("caption")
    return str(words or interactive.get("text") or template or caption or name or "")


def _link(body: Mapping[str, Any]) -> str:
    """The address of the file that a message of the hub's has."""
    file = body.get(str(body.get("type"))) or {}
    attached = ((body.get("message") or {}).get("attachment") or {}).get("payload") or {}
    return str((file.get("link") if isinstance(file, dict) else "") or attached.get("url") or "")


def _choices(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Title and token of each button, line of a list or quick reply of a message of the hub's."""
    action = (body.get("interactive") or {}).get("action") or {}
    rows = [each["reply"] for each in action.get("buttons", ())]
    rows += [each for section in action.get("sections", ()) for each in section.get("rows", ())]
    message = body.get("message") or {}
    payload = (message.get("attachment") or {}).get("payload") or {}
    pages = [*message.get("quick_replies", ()), *payload.get("buttons", ())]
    return [(str(each["title"]), str(each["id"])) for each in rows] + [
        (str(each["title"]), str(each["payload"])) for each in pages
    ]


def _poisoned(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same webhook with an element in front that nobody can read."""
    poisoned: dict[str, Any] = json.loads(json.dumps(document))
    for entry in poisoned["entry"]:
        for change in entry.get("changes", ()):
            change["value"]["messages"].insert(0, {"id": "wamid.POISON", "type": "text", "timestamp": "soon"})
        if "messaging" in entry:
            entry["messaging"].insert(0, {"sender": None, "message": {"text": "poison"}})
    return poisoned


def routes(meta: Meta) -> Blueprint:
    """The Graph API, and the files of customers."""
    api = Blueprint("meta", __name__)

    @api.post("/<version>/<account>/messages")
    def send(version: str, account: str) -> Response:
        del version
        body = request.get_json(silent=True)
        answer = meta.send(account, body if isinstance(body, dict) else {}, request.headers.get("Authorization", ""))
        return answered(answer.fault, answer.body, answer.status, answer.retry_after)

    @api.get("/<version>/<account>/message_templates")
    def templates(version: str, account: str) -> Response:
        del version, account
        return jsonify({"data": meta.templates, "paging": {"cursors": {"after": "end"}}})

    def account(authorization: str) -> tuple[Response, int] | Response:
        """What a number, a page or an account is called, and what is thought of it."""
        if meta.revoked or authorization != f"Bearer {meta.secrets['access_token']}":
            return jsonify(_no(401, 190, "Error validating access token").body), 401
        names = {"name": FIRM_NAME, "verified_name": FIRM_NAME, "username": HANDLES["instagram"]}
        names["display_phone_number"] = f"+{HANDLES['whatsapp']}"
        limit = {"quality_rating": "GREEN", "whatsapp_business_manager_messaging_limit": "TIER_2K"}
        return jsonify(names | limit)

    @api.get("/<version>/<int:file_id>")
    def file(version: str, file_id: int) -> tuple[Response, int] | Response:
        del version
        if str(file_id) in ACCOUNTS.values():
            return account(request.headers.get("Authorization", ""))
        found = meta.ledger.media(str(file_id))
        fault = meta.faults["whatsapp"].take("media")
        do = fault.do if fault else ""
        if found is None or do == "missing":
            return jsonify(_no(404, 100, "no such media").body), 404
        digest = hashlib.sha256(found.content + b"!" * (do == "damaged")).hexdigest()
        url = f"{meta.base_url}/meta-media/{found.sid}?as={do}"
        return jsonify(
            {
                "id": found.sid,
                "messaging_product": "whatsapp",
                "url": url,
                "mime_type": found.media_type,
                "sha256": digest,
                "file_size": len(found.content),
            }
        )

    @api.get("/meta-media/<file_id>")
    def content(file_id: str) -> Response:
        do = request.args.get("as", "")
        return file_answer(meta.ledger.media(file_id), Fault(0, "media", do, "", {}) if do else None)

    return api
