"""Twilio's side of Programmable Messaging, as its documentation tells it (API version 2010-04-01).

What it does: takes the hub's messages and reports on their delivery, hands customers' texts to the hub's webhooks,
signed, and answers STOP, START and HELP itself. There is no idempotency key for messages: the same call twice makes two
messages. The routes are in `twilio_rest.py`, the faults in `faults.py`.

Sources: twilio.com/docs, "Message resource", "Twilio's request to your incoming message webhook URL", "Outbound message
status in status callbacks", "Webhook connection overrides", "Test credentials", "Validating requests"; Twilio's help
page "Twilio support for opt-out keywords". What no page says is marked "our choice".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit
from xml.etree import ElementTree

import phonenumbers
import urllib3

from channels.simulators.faults import Fault, Faults
from channels.simulators.lanes import Lanes
from channels.simulators.ledger import Ledger, Media, Message
from channels.simulators.segments import segments

log = logging.getLogger(__name__)

Reply = urllib3.BaseHTTPResponse

API_VERSION = "2010-04-01"
BODY_LIMIT = 1600
MEDIA_LIMIT = 10
MEDIA_BYTES = 5 * 1024 * 1024
# A phone may send more than the API takes; this only keeps a slip from filling the memory.
TEXT_LIMIT = 100_000
_E164 = re.compile(r"\+[1-9][0-9]{5,14}")

OptOut = Literal["default", "advanced", "off"]

_STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
_START = {"START", "YES", "UNSTOP"}
_HELP = {"HELP", "INFO"}
_OPT_OUT_REPLIES = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}

# The numbers of Twilio's test credentials, here for every account.
_MAGIC_TO: Mapping[str, int] = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
_MAGIC_FROM: Mapping[str, int] = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
# Agreed here, after their pattern: messages to these are accepted and fail later with that code.
_MAGIC_LATER: Mapping[str, int] = {
    f"+15005550{code - 30000:03}": code for code in (30003, 30005, 30006, 30007, 30008, 30034)
}

# code → HTTP status and text, as twilio.com/docs/api/errors has them.
_ERRORS: Mapping[int, tuple[int, str]] = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource {path} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "Service unavailable"),
    21211: (400, "Invalid 'To' Phone Number: {to}"),
    21212: (400, "Invalid From Number (caller ID): {sender}"),
    21266: (400, "'To' and 'From' number cannot be the same: {to}"),
    21408: (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number provided ({sender}) is not a valid message-capable Twilio phone number."),
    21609: (400, "The 'StatusCallback' URL {callback} is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (429, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "Message cannot be sent with the current combination of 'To' ({to}) and 'From' ({sender})"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21620: (400, "Invalid media URL(s)"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21701: (404, "The Messaging Service does not exist"),
}
# How deliveries fail: code → text of `error_message`.
_CARRIER_ERRORS: Mapping[int, str] = {
    11200: "HTTP retrieval failure",
    12300: "Invalid Content-Type",
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Carrier violation",
    30008: "Unknown error",
    30034: "Message from an Unregistered Number",
}


@dataclass(frozen=True, slots=True)
class Account:
    """The account that the hub signs in with. A `shared_key` is (id, secret) of the newer signatures."""

    sid: str
    token: str = field(repr=False)
    shared_key: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the firm, and how its texts are handed to the hub.

    `webhook_url` may end in Twilio's connection overrides, `#rc=3&rp=5xx,ct`. `opt_out`: `default` answers and blocks
    by itself, `advanced` also says so to the webhook, `off` leaves everything to the hub. `signing` is `token`
    (HMAC-SHA1 with the account's token) or `shared_key` (HMAC-SHA256), `body_format` is `form` or `json`.
    """

    number: str
    webhook_url: str
    messaging_service_sid: str = ""
    opt_out: OptOut = "default"
    signing: Literal["token", "shared_key"] = "token"
    body_format: Literal["form", "json"] = "form"

    @property
    def sender(self) -> str:
        """What a customer blocks: a number of a messaging service stands for the whole service."""
        return self.messaging_service_sid or self.number


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. `retry` is the first pause before an attempt is repeated; each further one is twice as long."""

    queued: float = 0.1
    sent: float = 0.3
    final: float = 0.6
    retry: float = 0.5
    media_url: float = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Of the REST API: an HTTP status and a JSON body. `cut`: hang up instead. `hold`: seconds to wait before."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    hold: float = 0.0


class Refusal(Exception):
    """A REST call that is answered with one of Twilio's errors."""

    def __init__(self, code: int, **words: str) -> None:
        status, text = _ERRORS[code]
        super().__init__(text.format_map(words))
        self.code, self.status = code, status


@dataclass(slots=True)
class Sending:
    """A customer's text on its way to the hub."""

    message: Message
    done: threading.Event = field(default_factory=threading.Event)
    tries: int = 0

    @property
    def sid(self) -> str:
        return self.message.sid


@dataclass(frozen=True, slots=True)
class Connection:
    """Twilio's connection overrides: how often an HTTP call is repeated, after what, and its time-outs in seconds."""

    retries: int
    policy: frozenset[str]
    connect: float
    read: float


@lru_cache(maxsize=256)
def connection_of(url: str) -> Connection:
    """What the fragment of a webhook's URL asks for (`#rc=2&rp=all&ct=5000&rt=15000`), with Twilio's defaults: no
    repetition but of failed connections, of which none by default, 5 s to connect and 15 s to read."""
    given = {name: values[-1] for name, values in parse_qs(urlsplit(url).fragment).items()}

    def whole(name: str, default: int, least: int, most: int) -> int:
        text = given.get(name, "")
        return max(least, min(most, int(text))) if text.isascii() and text.isdigit() else default

    policy = frozenset(given.get("rp", "ct").split(","))
    return Connection(
        retries=whole("rc", 0, 0, 5),
        policy=frozenset({"4xx", "5xx", "ct", "rt"}) if "all" in policy else policy,
        connect=whole("ct", 5000, 100, 10_000) / 1000,
        read=whole("rt", 15_000, 100, 15_000) / 1000,
    )


def signature(url: str, fields: Sequence[tuple[str, str]], key: str, algorithm: str = "HMAC_SHA1") -> str:
    """The value of X-Twilio-Signature: base64 of the HMAC of the URL and each field's name and value, sorted.

    Args:
        url: as it was called, with port and query, without fragment.
        fields: of the form; none for a JSON body, whose hash stands in the URL as `bodySHA256`.
        key: the account's token or the shared key's secret.
        algorithm: `HMAC_SHA1` or `HMAC_SHA256`.
    """
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    digest = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}[algorithm]
    return base64.b64encode(hmac.new(key.encode(), signed.encode(), digest).digest()).decode()


@lru_cache(maxsize=4096)
def is_number(text: str) -> bool:
    """Whether the text is a number in E.164 form that can exist."""
    if not _E164.fullmatch(text):
        return False
    return text.startswith("+1500555") or phonenumbers.is_possible_number(phonenumbers.parse(text))


@lru_cache(maxsize=4096)
def country(number: str) -> str:
    """ISO 3166 code of a number's country; empty where it has none."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or "" if is_number(number) else ""


@lru_cache(maxsize=4096)
def display(number: str) -> str:
    """A number as people read it: `+34 611 22 33 44`."""
    return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def rfc2822(seconds: float) -> str:
    """A time as Twilio's JSON has it: `Fri, 24 May 2019 17:44:50 +0000`."""
    return format_datetime(datetime.fromtimestamp(int(seconds), UTC))


class Twilio:
    """One account at Twilio.

    Args:
        account: its sid and token.
        ledger: where everything is kept.
        lanes: run what follows, in their time.
        base_url: where this simulator is reached, for the addresses of media.
        clock: seconds since 1970-01-01 UTC.
        timing: how long things take.
    """

    def __init__(
        self,
        account: Account,
        ledger: Ledger,
        lanes: Lanes,
        *,
        base_url: str,
        clock: Callable[[], float] = time.time,
        timing: Timing | None = None,
    ) -> None:
        self.account = account
        self.ledger = ledger
        self.faults = Faults()
        self.base_url = base_url
        self.clock = clock
        self._lanes = lanes
        self._timing = timing or Timing()
        self._numbers = {number: Number(**settings) for number, settings in ledger.numbers().items()}
        # A connection for each thread that calls the hub at a time, kept open between calls.
        self._http = urllib3.PoolManager(maxsize=64, retries=False)
        self._url_key = secrets.token_bytes(32)
        self._released = threading.Event()

    def close(self) -> None:
        self.release()
        self._http.clear()

    # --- numbers ---

    def numbers(self) -> tuple[Number, ...]:
        """The firm's, in the order in which they came."""
        return tuple(self._numbers.values())

    def set_number(self, number: Number) -> None:
        """Adds a number or changes it."""
        settings = {name: getattr(number, name) for name in Number.__slots__}
        self.ledger.set_number(number.number, settings)
        self._numbers[number.number] = number

    # --- a customer's text ---

    def text(self, sender: str, recipient: str, body: str, media: Sequence[Media] = (), copies: int = 1) -> Sending:
        """A customer's phone sends a text to one of the firm's numbers.

        Args:
            sender: the customer's number.
            recipient: one of `numbers()`.
            body: the text; may be empty where there is media.
            media: files with name, type and content; their sids are given here.
            copies: how often the same text is handed over at the same moment.

        Raises:
            KeyError: the firm has no such number.
        """
        number = self._numbers[recipient]
        sid = ("MM" if media else "SM") + secrets.token_hex(16)
        now = self.clock()
        message = self.ledger.add(
            Message(
                sid=sid,
                direction="inbound",
                origin="customer",
                sender=sender,
                recipient=recipient,
                body=body,
                segments=segments(body),
                status="receiving",
                created=now,
                service_sid=number.messaging_service_sid,
            ),
            [Media(f"ME{secrets.token_hex(16)}", sid, m.name, m.media_type, now, m.content) for m in media],
        )
        sending = Sending(message)
        keyword = self._keyword(number, message)
        fault = self.faults.take("webhook", sender, recipient)
        lane: tuple[str, ...] = ("text", sender, recipient)
        delay = 0.0
        if fault and fault.do == "reorder":
            lane, delay = ("overtaken", sid), fault.seconds(2)  # out of its customer's lane: the next one goes first
        self._lanes.put(lane, lambda: self._hand_over(sending, number, keyword, fault, copies), delay)
        return sending

    def _keyword(self, number: Number, message: Message) -> str:
        """Twilio's own handling of STOP, START and HELP: only a single word counts. Returns what the word asked for."""
        word = message.body.strip().upper()
        asked = next((name for name, words in _KEYWORDS if word in words), "")
        if not asked or number.opt_out == "off":
            return ""
        customer = message.sender
        # START and YES say nothing to somebody who is not blocked: "yes" is a word of every conversation.
        if asked == "HELP" or self.ledger.block(customer, number.sender, asked == "STOP") or asked == "STOP":
            self._own_reply(number, customer, _OPT_OUT_REPLIES[asked])
        return asked

    def _own_reply(self, number: Number, customer: str, body: str) -> None:
        """Twilio's own reply reaches the customer even though the pair is blocked; the hub is not told of it."""
        message = Message(
            sid=f"SM{secrets.token_hex(16)}",
            direction="outbound-reply",
            origin="provider",
            sender=number.number,
            recipient=customer,
            body=body,
            segments=segments(body),
            status="delivered",
            created=self.clock(),
            service_sid=number.messaging_service_sid,
        )
        self.ledger.add(message)

    def _hand_over(
        self, sending: Sending, number: Number, keyword: str, fault: Fault | None, copies: int
    ) -> float | None:
        """A step: one attempt (or its copies); asks for another where the answer and the URL's overrides say so."""
        do = fault.do if fault else ""
        if fault and do in ("duplicate", "parallel"):
            copies = fault.whole("copies", 2 if do == "duplicate" else 50)
        if copies > 1 and do != "duplicate":
            together = threading.Barrier(copies)

            def one(_: int) -> tuple[int, Reply | None]:
                together.wait(timeout=30)
                return self._call_hub(sending, number, keyword, do)

            with ThreadPoolExecutor(copies) as pool:
                answers = list(pool.map(one, range(copies)))
        else:
            answers = [self._call_hub(sending, number, keyword, do) for _ in range(max(1, copies))]
        if do == "lose_answer":  # the hub said yes, and nobody heard it: it must take the repetition calmly
            answers.append(self._call_hub(sending, number, keyword, ""))
        sending.tries += 1
        accepted = next((response for status, response in answers if 200 <= status < 300), None)
        status = answers[-1][0]
        if accepted is None:
            connection = connection_of(number.webhook_url)
            failure = {0: "ct", -1: "rt"}.get(status, f"{status // 100}xx")
            if failure in connection.policy and sending.tries <= connection.retries:
                return float(self._timing.retry * 2 ** (sending.tries - 1))
            self.ledger.set_status(sending.sid, "failed", self.clock(), 11200)
        else:
            self.ledger.set_status(sending.sid, "received", self.clock())
            self._replies(number, sending.message.sender, accepted)
        sending.done.set()
        return None

    def _call_hub(self, sending: Sending, number: Number, keyword: str, do: str) -> tuple[int, Reply | None]:
        fields = self._inbound_fields(sending.message, number, keyword)
        return self._post(
            "webhook", sending.sid, number.webhook_url, fields, number, do, retry=sending.tries, copy_of=sending.sid
        )

    def _inbound_fields(self, message: Message, number: Number, keyword: str) -> list[tuple[str, str]]:
        media = self.ledger.media_of([message.sid])[message.sid] if message.sid.startswith("MM") else []
        fields = [
            ("ToCountry", country(message.recipient)),
            ("ToState", ""),
            ("ToCity", ""),
            ("ToZip", ""),
            ("FromCountry", country(message.sender)),
            ("FromState", ""),
            ("FromCity", ""),
            ("FromZip", ""),
            ("SmsMessageSid", message.sid),
            ("SmsSid", message.sid),
            ("MessageSid", message.sid),
            ("AccountSid", self.account.sid),
            ("SmsStatus", "received"),
            ("From", message.sender),
            ("To", message.recipient),
            ("Body", message.body),
            ("NumSegments", str(message.segments)),
            ("NumMedia", str(len(media))),
            ("ApiVersion", API_VERSION),
        ]
        if number.messaging_service_sid:
            fields.append(("MessagingServiceSid", number.messaging_service_sid))
        if keyword and number.opt_out == "advanced":
            fields.append(("OptOutType", keyword))
        for position, file in enumerate(media):
            fields.append((f"MediaContentType{position}", file.media_type))
            fields.append(
                (f"MediaUrl{position}", self.base_url + self._uri(f"Messages/{message.sid}/Media/{file.sid}"))
            )
        return fields

    def _replies(self, number: Number, customer: str, response: Reply) -> None:
        """What the webhook answered: TwiML, or plain text, which Twilio sends as a text message too."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not response.data:
            return
        texts: list[tuple[str, tuple[str, ...]]] = []
        if kind in ("text/xml", "application/xml"):
            try:
                root = ElementTree.fromstring(response.data)  # noqa: S314  # the hub's own answer, on this machine
            except ElementTree.ParseError as error:
                detail = {"code": 12100, "text": f"Document parse failure: {error}"}
                self.ledger.note("error", "", self.clock(), response.status, detail=detail)
                return
            for verb in root.iter("Message"):
                bodies = [verb.text or "", *(body.text or "" for body in verb.iter("Body"))]
                links = tuple((link.text or "").strip() for link in verb.iter("Media"))
                texts.append(("".join(bodies).strip(), links))
        elif kind == "text/plain":
            texts.append((response.data.decode(errors="replace").strip(), ()))
        for text, links in texts:
            if (text or links) and not self.ledger.is_blocked(customer, number.sender):
                self._accept(number, customer, text, links, callback="", service=False, direction="outbound-reply")

    # --- the hub's messages ---

    def create(self, form: Mapping[str, Sequence[str]]) -> Answer:
        """`POST …/Messages.json`: makes a message of the form's fields, or says why not."""
        fields = {name: values[-1] for name, values in form.items() if values}
        to, sender = fields.get("To", "").strip(), fields.get("From", "").strip()
        fault = self.faults.take("send", to, sender)
        do = fault.do if fault else ""
        if fault and do == "refuse":
            return self._noted(_refused(fault), to)
        if do == "cut":
            return self._noted(Answer(0, {}, cut=True), to)
        try:
            message = self._create(fields, form.get("MediaUrl", ()), fault if do == "fail_later" else None)
        except Refusal as refusal:
            return self._noted(error(refusal), to)
        answer = Answer(
            201,
            # With a service the sender is chosen later, and with it the number of segments.
            self.as_json(message)
            | {"num_media": str(len(form.get("MediaUrl", ())))}
            | ({"num_segments": "0", "from": sender or None} if message.service_sid else {}),
            cut=do == "accept_then_cut",
            hold=fault.seconds(60 if do == "accept_then_time_out" else 1)
            if fault and do in ("delay", "accept_then_time_out")
            else 0.0,
        )
        return self._noted(answer, to, message.sid)

    def _create(self, fields: Mapping[str, str], links: Sequence[str], fault: Fault | None) -> Message:
        to, body = fields.get("To", "").strip(), fields.get("Body", "")
        sender, service = fields.get("From", "").strip(), fields.get("MessagingServiceSid", "").strip()
        callback = fields.get("StatusCallback", "").strip()
        words = {"to": to, "sender": sender, "callback": callback}
        number = self._numbers.get(sender)
        if service:
            members = [each for each in self.numbers() if each.messaging_service_sid == service]
            if not members:
                raise Refusal(21701, **words)
            # As Twilio's "country code geomatch": a sender of the recipient's country where the pool has one.
            number = number or next((each for each in members if country(each.number) == country(to)), members[0])
        own = number.number if number else ""
        rules = (
            (21604, not to),
            (21603, not (sender or service)),
            (21602, not (body or links)),
            (_MAGIC_FROM.get(sender, 21606), sender in _MAGIC_FROM),
            (21606, number is None),
            (_MAGIC_TO.get(to, 21211), to in _MAGIC_TO),
            (21211, not is_number(to)),
            (21266, to == own),
            (21617, len(body) > BODY_LIMIT),
            (21623, len(links) > MEDIA_LIMIT),
            (21620, not all(_is_address(link) for link in links)),
            (21609, bool(callback) and not _is_address(callback)),
            (21610, number is not None and self.ledger.is_blocked(to, number.sender)),
        )
        for code, broken in rules:
            if broken:
                raise Refusal(code, **words)
        assert number is not None  # noqa: S101  # 21606 above
        return self._accept(number, to, body, links, callback, bool(service), "outbound-api", fault)

    def _accept(
        self,
        number: Number,
        to: str,
        body: str,
        links: Sequence[str],
        callback: str,
        service: bool,
        direction: str,
        fault: Fault | None = None,
    ) -> Message:
        message = self.ledger.add(
            Message(
                sid=("MM" if links else "SM") + secrets.token_hex(16),
                direction=direction,
                origin="hub",
                sender=number.number,
                recipient=to,
                body=body,
                segments=segments(body),
                status="accepted" if service else "queued",
                created=self.clock(),
                service_sid=number.messaging_service_sid if service else "",
                callback_url=callback,
            )
        )
        self._follow(message, number, links, fault)
        return message

    def _follow(self, message: Message, number: Number, links: Sequence[str], fault: Fault | None) -> None:
        """Sets in motion what comes after a message was accepted: its states, and a report on each."""
        code = _MAGIC_LATER.get(message.recipient, 0)
        last = "undelivered" if code else "delivered"
        if fault:
            code, last = fault.whole("code", 30007), "undelivered"
        states = [("queued", 0, self._timing.queued), ("sent", 0, self._timing.sent), (last, code, self._timing.final)]
        report = self.faults.take("status", message.recipient, message.sender)
        do = report.do if report else ""
        reports: list[tuple[str, int]] = []

        def move(status: str, code: int, early: bool = False) -> None:
            current = self.ledger.message(message.sid)
            if current and current.status == "failed":
                return  # its media could not be had: nothing more becomes of it
            if status == "sent" and links:
                broken = self._fetch(message.sid, links)
                if broken:
                    status, code = "failed", broken
            self.ledger.set_status(message.sid, status, self.clock(), code)
            if not message.callback_url:
                return
            if do == "reverse":
                reports.insert(0, (status, code))
                if status == last or status == "failed":
                    for each in reports:
                        self._report(message, number, *each)
                return
            if report and do == "lose" and status in report.details.get("statuses", [status]):
                return
            if report and do == "late" and not early:
                late = (status, code)
                self._lanes.put(
                    ("late", message.sid, status), lambda: self._report(message, number, *late), report.seconds(5)
                )
                return
            for _ in range(report.whole("copies", 2) if report and do == "duplicate" else 1):
                self._report(message, number, status, code, tamper=do == "tamper")

        if do == "early":  # the report is there before the hub has the answer to its call
            move("queued", 0, early=True)
            states = states[1:]
        for status, its_code, delay in states:
            self._lanes.put(("status", message.sid), lambda s=status, c=its_code: move(s, c), delay)  # type: ignore[misc]

    def _fetch(self, sid: str, links: Sequence[str]) -> int:
        """Fetches a message's media from the hub. Returns Twilio's error code, 0 for none."""
        found: list[Media] = []
        for link in links:
            try:
                response = self._http.request("GET", link, preload_content=False, redirect=True, retries=3, timeout=10)
                content = response.read(MEDIA_BYTES + 1)
                response.close()
            except urllib3.exceptions.HTTPError:
                return 11200
            if response.status != 200 or len(content) > MEDIA_BYTES:
                return 11200
            kind = response.headers.get("content-type", "").partition(";")[0].strip()
            if "/" not in kind or kind == "text/html":
                return 12300
            name = urlsplit(link).path.rpartition("/")[2]
            found.append(Media(f"ME{secrets.token_hex(16)}", sid, name, kind, self.clock(), content))
        self.ledger.add_media(sid, found, self.clock())
        return 0

    def _report(self, message: Message, number: Number, status: str, code: int, tamper: bool = False) -> float | None:
        """One status callback; repeated, in this thread, as its URL's overrides say."""
        fields = [
            ("SmsSid", message.sid),
            ("SmsStatus", status),
            ("MessageStatus", status),
            ("MessageSid", message.sid),
            ("AccountSid", self.account.sid),
            ("From", message.sender),
            ("To", message.recipient),
            ("ApiVersion", API_VERSION),
        ]
        if message.service_sid:
            fields.append(("MessagingServiceSid", message.service_sid))
        if code:
            fields.append(("ErrorCode", str(code)))
        if status in ("delivered", "undelivered"):
            done = datetime.fromtimestamp(self.clock(), UTC)
            fields.append(("RawDlrDoneDate", f"{done:%y%m%d%H%M}"))
        connection = connection_of(message.callback_url)
        for attempt in range(connection.retries + 1):
            answer, _ = self._post(
                "report", message.sid, message.callback_url, fields, number, "tamper" if tamper else "", retry=attempt,
                copy_of=f"{message.sid} {status}", note={"status": status, "code": code},
            )  # fmt: skip
            failure = {0: "ct", -1: "rt"}.get(answer, f"{answer // 100}xx")
            if 200 <= answer < 300 or failure not in connection.policy:
                break
        return None

    # --- HTTP to the hub ---

    def _post(
        self,
        kind: str,
        sid: str,
        url: str,
        fields: list[tuple[str, str]],
        number: Number,
        do: str,
        *,
        retry: int,
        copy_of: str,
        note: Mapping[str, Any] | None = None,
    ) -> tuple[int, Reply | None]:
        """One signed call. Returns the HTTP status, 0 where no connection came about and -1 where no answer came."""
        connection = connection_of(url)
        address = urlunsplit(urlsplit(url)._replace(fragment=""))
        algorithm, key = "HMAC_SHA1", self.account.token
        headers = {
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
            # The same for every repetition of one event, so that a receiver can tell.
            "I-Twilio-Idempotency-Token": hashlib.sha256(f"{self.account.sid} {copy_of}".encode()).hexdigest()[:32],
        }
        if number.signing == "shared_key" and self.account.shared_key:
            key_id, key = self.account.shared_key
            algorithm = "HMAC_SHA256"
            headers["X-Twilio-Webhooks-Signature-Settings"] = f"key={key_id},algorithm={algorithm}"
        if do == "json" or number.body_format == "json":
            body = json.dumps(dict(fields)).encode()
            address += f"{'&' if '?' in address else '?'}bodySHA256={hashlib.sha256(body).hexdigest()}"
            headers["Content-Type"] = "application/json"
            signed = signature(address, (), key, algorithm)
        else:
            body = urlencode(fields).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
            signed = signature(address, fields, key, algorithm)
        if do == "tamper":  # genuinely signed, over other bytes
            body += b" " if headers["Content-Type"] == "application/json" else b"&Tampered=1"
        if do != "unsigned":
            headers["X-Twilio-Signature"] = signed
        began = time.perf_counter()
        response: Reply | None = None
        try:
            timeout = urllib3.Timeout(connect=connection.connect, read=connection.read)
            response = self._http.request("POST", address, body=body, headers=headers, timeout=timeout, redirect=False)
            status = response.status
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            status = 0
        except urllib3.exceptions.HTTPError:
            status = -1
        latency = round((time.perf_counter() - began) * 1000, 3) if response is not None else None
        detail = dict(note or {}) | ({"retry": retry} if retry else {}) | ({"fault": do} if do else {})
        self.ledger.note(kind, sid, self.clock(), max(0, status), latency, detail)
        return status, response

    # --- media ---

    def media_link(self, sid: str) -> str:
        """Where a file's bytes are for the next hours, with no password: the address carries its own signature."""
        until = int(self.clock() + self._timing.media_url)
        return f"{self.base_url}/cdn/{sid}?Expires={until}&Signature={self._link_signature(sid, until)}"

    def media_by_link(self, sid: str, until: str, signed: str) -> Media | None:
        """The file of such an address; None where it is forged or too old."""
        if not (until.isascii() and until.isdigit() and len(until) < 12):
            return None
        genuine = hmac.compare_digest(self._link_signature(sid, int(until)).encode(), signed.encode())
        return self.ledger.media(sid) if genuine and int(until) > self.clock() else None

    def _link_signature(self, sid: str, until: int) -> str:
        return hmac.new(self._url_key, f"{sid} {until}".encode(), hashlib.sha256).hexdigest()

    # --- shapes ---

    def _uri(self, path: str) -> str:
        return f"/{API_VERSION}/Accounts/{self.account.sid}/{path}"

    def as_json(self, message: Message) -> dict[str, Any]:
        """A message as the REST API shows it: numbers are texts, times RFC 2822."""
        inbound = message.direction == "inbound"
        uri = self._uri(f"Messages/{message.sid}")
        media = self.ledger.media_of([message.sid])[message.sid] if message.sid.startswith("MM") else []
        return {
            "account_sid": self.account.sid,
            "api_version": API_VERSION,
            "body": message.body,
            "date_created": rfc2822(message.created),
            "date_sent": rfc2822(message.sent or message.created) if inbound or message.sent else None,
            "date_updated": rfc2822(message.updated or message.created),
            "direction": message.direction,
            # What the webhook answered is in the Debugger, not here: for Twilio a customer's text is received.
            "error_code": None if inbound else message.error_code or None,
            "error_message": None if inbound else _CARRIER_ERRORS.get(message.error_code),
            "from": message.sender,
            "messaging_service_sid": message.service_sid or None,
            "num_media": str(len(media)),
            "num_segments": str(message.segments),
            "price": None,
            "price_unit": "USD",
            "sid": message.sid,
            "status": "received" if inbound else message.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": message.recipient,
            "uri": f"{uri}.json",
        }

    def media_json(self, media: Media) -> dict[str, Any]:
        """A media resource as the REST API shows it."""
        return {
            "account_sid": self.account.sid,
            "content_type": media.media_type,
            "date_created": rfc2822(media.created),
            "date_updated": rfc2822(media.created),
            "parent_sid": media.message_sid,
            "sid": media.sid,
            "uri": self._uri(f"Messages/{media.message_sid}/Media/{media.sid}.json"),
        }

    # --- waiting ---

    def hold(self, seconds: float) -> None:
        """Keeps an answer back for this long, or until `release`."""
        self._released.wait(seconds)

    def release(self) -> None:
        """Lets every answer that is kept back go."""
        held, self._released = self._released, threading.Event()
        held.set()

    def _noted(self, answer: Answer, to: str, sid: str = "") -> Answer:
        detail = {"to": to, "code": answer.body.get("code", 0), "cut": answer.cut, "held": answer.hold}
        self.ledger.note("call", sid, self.clock(), answer.status, detail=detail)
        return answer


_KEYWORDS = (("STOP", _STOP), ("START", _START), ("HELP", _HELP))


def error(refusal: Refusal) -> Answer:
    """Twilio's JSON for an error."""
    return Answer(refusal.status, _error_body(refusal.status, refusal.code, str(refusal)))


def _refused(fault: Fault) -> Answer:
    status = fault.whole("status", 500)
    usual = {401: 20003, 404: 20404, 429: 20429, 503: 20503}.get(status, 20500 if status >= 500 else 21612)
    code = fault.whole("code", usual)
    text = str(fault.details.get("message", _ERRORS.get(code, (0, "Error"))[1]))
    headers = {"Retry-After": str(fault.details["retry_after"])} if "retry_after" in fault.details else {}
    return Answer(status, _error_body(status, code, text), headers)


def _error_body(status: int, code: int, text: str) -> dict[str, Any]:
    return {
        "code": code,
        "message": text,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
