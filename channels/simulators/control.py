"""How tests, the `simulate` command and the page drive the simulators: JSON over HTTP, on loopback."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from channels.simulators.faults import BadFault, Faults
from channels.simulators.ledger import MOST_PER_PAGE, Media, Message
from channels.simulators.messaging import Provider
from channels.simulators.phones import CUSTOMERS, FIRM_NAME
from channels.simulators.twilio import MEDIA_BYTES, MEDIA_LIMIT, TEXT_LIMIT, Sending, Twilio
from channels.simulators.twilio_account import Number, country, display, is_number
from channels.simulators.twilio_rest import file_response

# Seconds that `wait` lets a caller wait.
_MOST_WAIT = 60.0
_LONG_POLL = 25.0
_MOST_COPIES = 200
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_SERVICE = re.compile(r"(MG[0-9a-f]{32})?")


class Rejected(HTTPException):
    """Input that breaks a rule: 422 with the field and the rule."""

    code = 422

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule = field, rule


def routes(
    twilio: Twilio, host_names: frozenset[str], apps: Mapping[str, Provider], *, with_mail: bool = False
) -> Blueprint:
    """The blueprint of `/control`.

    Args:
        twilio: whose simulator it drives.
        host_names: what callers may call this machine; a page that a foreign name leads here must not get in.
        apps: whose each messaging app is, besides text messages.
        with_mail: whether there is a page of mailboxes beside this one.
    """
    control = Blueprint("control", __name__, url_prefix="/control")

    @control.before_request
    def only_from_here() -> None:
        refuse_strangers(host_names)

    @control.errorhandler(HTTPException)
    def as_json(error: HTTPException) -> tuple[Response, int]:
        body: dict[str, Any] = {"error": error.description}
        if isinstance(error, Rejected):
            body |= {"field": error.field, "rule": error.rule}
        return jsonify(body), error.code or 500

    @control.get("/numbers")
    def list_numbers() -> Response:
        blocked = twilio.ledger.blocks()
        return jsonify(
            {
                "numbers": [_number_json(number) for number in twilio.numbers()],
                "customers": [
                    {
                        "number": person.number,
                        "name": person.name,
                        "language": person.language,
                        "place": person.place,
                        "display": display(person.number),
                        "country": country(person.number),
                        "blocked": [sender for customer, sender in blocked if customer == person.number],
                    }
                    for person in CUSTOMERS
                ],
                "blocks": [{"customer": customer, "sender": sender} for customer, sender in blocked],
                "mail": with_mail,
                "apps": _served(apps),
            }
        )

    @control.post("/numbers")
    def set_number() -> tuple[Response, int]:
        body = _body({"number", "webhook_url", "messaging_service_sid", "opt_out", "signing", "body_format"})
        if not is_number(_text(body, "number")):
            raise Rejected("number", "must be a number such as +34600111222")
        address = urlsplit(_text(body, "webhook_url"))
        if address.scheme not in ("http", "https") or not address.hostname:
            raise Rejected("webhook_url", "must start with http:// or https://")
        for field, choices in _CHOICES.items():
            if _text(body, field, choices[0]) not in choices:
                raise Rejected(field, f"must be one of {', '.join(choices)}")
        if not _SERVICE.fullmatch(_text(body, "messaging_service_sid", "")):
            raise Rejected("messaging_service_sid", "must be MG and 32 hexadecimal digits")
        if body.get("signing") == "shared_key" and twilio.account.shared_key is None:
            raise Rejected("signing", "needs a shared key, which this simulator was not started with")
        number = Number(**body)
        twilio.set_number(number)
        return jsonify(_number_json(number)), 201

    @control.post("/texts")
    def send_text() -> tuple[Response, int]:
        body = _body({"from", "to", "body", "media", "copies", "wait", "channel"})
        if _text(body, "channel", "sms") != "sms":
            return _by_app(apps, body)
        sender, recipient, text = _text(body, "from"), _text(body, "to"), _text(body, "body", "")
        if not is_number(sender):
            raise Rejected("from", "must be a number such as +34600111222")
        if recipient not in {number.number for number in twilio.numbers()}:
            raise Rejected("to", "must be one of the firm's numbers")
        if len(text) > TEXT_LIMIT:
            raise Rejected("body", f"must be at most {TEXT_LIMIT} characters")
        media = _media(body.get("media", []))
        if not text and not media:
            raise Rejected("body", "must not be empty where there is no media")
        copies = body.get("copies", 1)
        if type(copies) is not int or not 1 <= copies <= _MOST_COPIES:
            raise Rejected("copies", f"must be a whole number from 1 to {_MOST_COPIES}")
        wait = body.get("wait", True)
        if not isinstance(wait, bool):
            raise Rejected("wait", "must be true or false")
        sending = twilio.text(sender, recipient, text, media, copies)
        if wait:
            sending.done.wait(_MOST_WAIT)
        return jsonify(_sending_json(twilio, sending)), 201

    @control.post("/presses")
    def press() -> tuple[Response, int]:
        body = _body({"from", "channel", "sid", "choice"})
        provider, sender, place = _provider(apps, body), _text(body, "from"), body.get("choice")
        choices = twilio.ledger.choices(_text(body, "sid"))
        if type(place) is not int or not 0 <= place < len(choices):
            raise Rejected("choice", "must be the place of one of the message's buttons, from 0")
        pressed = provider.press(body["channel"], sender, *choices[place])
        return jsonify({"sid": pressed.sid, "delivered": False, "attempts": []}), 201

    @control.post("/changes")
    def change_text() -> tuple[Response, int]:
        body = _body({"from", "channel", "sid", "do", "words"})
        provider, sid, do = _provider(apps, body), _text(body, "sid"), _text(body, "do")
        kept = twilio.ledger.message(sid)
        if kept is None or (kept.channel, kept.customer) != (body["channel"], body["from"]):
            raise Rejected("sid", "must be a message of this customer's in this app")
        if do not in _CHANGES:
            raise Rejected("do", f"must be one of {', '.join(_CHANGES)}")
        return jsonify(
            {"changed": provider.change(kept.channel, kept.customer, sid, do, _text(body, "words", ""))}
        ), 201

    @control.post("/links")
    def open_link() -> tuple[Response, int]:
        body = _body({"from", "link"})
        sender, link = _text(body, "from"), _text(body, "link")
        if not is_number(sender):
            raise Rejected("from", "must be a number such as +34600111222")
        served = {id(apps[app]): apps[app] for app in _served(apps)}
        app = next((app for each in served.values() if (app := each.opened(sender, link))), "")
        if not app:
            raise Rejected("link", "must open one of the firm's apps")
        return jsonify({"channel": app}), 201

    @control.get("/texts")
    def list_texts() -> Response:
        number, after = request.args.get("number", ""), _whole("after", 0, 2**53)
        wait = min(_LONG_POLL, request.args.get("wait", 0.0, type=float))
        limit = _whole("limit", 200, MOST_PER_PAGE)
        found = twilio.ledger.changes(after=after, customer=number, limit=limit, wait=wait)
        media = twilio.ledger.media_of(message.sid for message in found)
        cursor = found[-1].changed if found else max(after, 0 if after else twilio.ledger.last_change)
        blocked = [sender for customer, sender in twilio.ledger.blocks() if customer == number]
        texts = [_text_json(message, media[message.sid], twilio.ledger.choices(message.sid)) for message in found]
        return jsonify({"texts": texts, "after": cursor, "blocked": blocked})

    @control.get("/media/<sid>")
    def show_media(sid: str) -> Response:
        media = twilio.ledger.media(sid)
        if media is None:
            abort(404)
        response = file_response(media)
        if not media.media_type.startswith(("image/", "audio/", "video/")) or media.media_type == "image/svg+xml":
            response.headers["Content-Disposition"] = "attachment"
        response.headers["Cache-Control"] = "private, max-age=86400, immutable"
        return response

    @control.get("/ledger")
    def list_entries() -> Response:
        after, limit = _whole("after", 0, 2**53), _whole("limit", 100, MOST_PER_PAGE)
        entries = twilio.ledger.entries(after=after, limit=limit, kind=request.args.get("kind", ""))
        return jsonify({"entries": entries, "after": entries[-1]["id"] if entries else after})

    @control.get("/summary")
    def summary() -> Response:
        return jsonify(twilio.ledger.summary(after=_whole("after", 0, 2**53)))

    def faults_of(channel: str) -> Faults:
        if channel == "sms":
            return twilio.faults
        if channel not in _served(apps):
            raise Rejected("channel", "must be sms or an app that the simulator was started with")
        return apps[channel].faults[channel]

    @control.get("/faults")
    def list_faults() -> Response:
        channels = ["sms", *_served(apps)] if "channel" not in request.args else [request.args["channel"]]
        listed = [each | {"channel": name} for name in channels for each in faults_of(name).listed()]
        menus = {
            name: {where: {do: sorted(fields) for do, fields in items.items()} for where, items in menu.items()}
            for name, menu in ((name, faults_of(name).menu) for name in channels)
        }
        return jsonify({"faults": listed, "menus": menus})

    @control.post("/faults")
    def add_fault() -> tuple[Response, int]:
        values = _body(None)
        faults = faults_of(_text(values, "channel", "sms"))
        try:
            fault = faults.add({name: value for name, value in values.items() if name != "channel"})
        except BadFault as error:
            field, _, rule = str(error).partition(": ")
            raise Rejected(field, rule) from error
        return jsonify({"id": fault.id}), 201

    @control.delete("/faults")
    def clear_faults() -> Response:
        only = request.args.get("channel", "")
        cleared = sum(faults_of(name).clear() for name in ([only] if only else ("sms", *_served(apps))))
        if only in ("", "sms"):
            twilio.release()
        return jsonify({"cleared": cleared})

    return control


def _served(apps: Mapping[str, Provider]) -> list[str]:
    """The apps that the simulator was started with."""
    return sorted(app for app, provider in apps.items() if app in provider.webhooks)


def _provider(apps: Mapping[str, Provider], body: dict[str, Any]) -> Provider:
    if body.get("channel") not in _served(apps):
        raise Rejected("channel", "must be sms or an app that the simulator was started with")
    if not is_number(_text(body, "from")):
        raise Rejected("from", "must be a number such as +34600111222")
    return apps[body["channel"]]


def _by_app(apps: Mapping[str, Provider], body: dict[str, Any]) -> tuple[Response, int]:
    """A customer writes by a messaging app; what became of it is in the texts."""
    provider, text, media = _provider(apps, body), _text(body, "body", ""), _media(body.get("media", []))
    if len(text) > TEXT_LIMIT:
        raise Rejected("body", f"must be at most {TEXT_LIMIT} characters")
    if not text and not media:
        raise Rejected("body", "must not be empty where there is no media")
    sent = provider.text(body["channel"], body["from"], text, media)
    return jsonify({"sid": sent.sid, "delivered": False, "attempts": []}), 201


_CHANGES = ("edit", "take_back", "react")
_CHOICES = {
    "opt_out": ("default", "advanced", "off"),
    "signing": ("token", "shared_key"),
    "body_format": ("form", "json"),
}


def refuse_strangers(host_names: frozenset[str]) -> None:
    """Lets no other page's script in, nor a name that somebody made to lead here (DNS rebinding).

    Writes must come as JSON besides: a foreign form cannot send that.
    """
    if (urlsplit(f"//{request.host}").hostname or "") not in host_names:
        abort(421, description="this simulator does not answer to that host name")
    if request.method in ("GET", "HEAD"):
        return
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if (origin is not None and origin != request.host_url.rstrip("/")) or site not in (None, "same-origin", "none"):
        abort(403, description="only the simulator's own page may do this")
    if request.method != "DELETE" and not request.is_json:
        abort(415, description="the body must be application/json")


def _body(fields: set[str] | None) -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Rejected("body", "must be a JSON object")
    unknown = set(body) - fields if fields is not None else set()
    if unknown:
        raise Rejected(min(unknown), "is not known here")
    return body


def _text(body: dict[str, Any], field: str, default: str | None = None) -> str:
    value = body.get(field, default)
    if not isinstance(value, str):
        raise Rejected(field, "must be a text")
    return value


def _whole(name: str, default: int, most: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 17):
        raise Rejected(name, "must be a whole number")
    return min(int(text), most)


def _media(given: Any) -> list[Media]:
    if not isinstance(given, list) or len(given) > MEDIA_LIMIT:
        raise Rejected("media", f"must be a list of at most {MEDIA_LIMIT} files")
    found = []
    for file in given:
        if not isinstance(file, dict):
            raise Rejected("media", "must hold objects with content_base64, media_type and name")
        kind = _text(file, "media_type")
        if not _MEDIA_TYPE.fullmatch(kind):
            raise Rejected("media_type", "must be a media type such as image/png")
        try:
            content = base64.b64decode(_text(file, "content_base64"), validate=True)
        except binascii.Error as error:
            raise Rejected("content_base64", "must be base64") from error
        if len(content) > MEDIA_BYTES:
            raise Rejected("content_base64", f"must be at most {MEDIA_BYTES} bytes")
        found.append(Media("", "", _text(file, "name", "file")[:200], kind, 0.0, content))
    return found


def _number_json(number: Number) -> dict[str, str]:
    return {name: getattr(number, name) for name in Number.__slots__} | {
        "country": country(number.number),
        "display": display(number.number),
        "name": FIRM_NAME,
    }


def _sending_json(twilio: Twilio, sending: Sending) -> dict[str, Any]:
    attempts = twilio.ledger.attempts(sending.sid)
    delivered = any(200 <= attempt["status"] < 300 for attempt in attempts)
    return {"sid": sending.sid, "delivered": delivered, "attempts": attempts}


def _text_json(message: Message, media: list[Media], choices: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "sid": message.sid,
        "channel": message.channel,
        "customer": message.customer,
        "direction": message.direction,
        "origin": message.origin,
        "from": message.sender,
        "to": message.recipient,
        "body": message.body,
        "segments": message.segments,
        "status": message.status,
        "error_code": message.error_code,
        "at": datetime.fromtimestamp(message.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "media": [{"url": f"/control/media/{m.sid}", "media_type": m.media_type, "name": m.name} for m in media],
        "choices": [title for title, _ in choices],
        "id": message.id,
        "changed": message.changed,
    }
