"""Twilio's side of Programmable Messaging, as its documentation tells it (API version 2010-04-01).

What it does: takes the hub's messages and reports on their delivery, hands customers' texts to the hub's webhooks,
signed, and answers STOP, START and HELP itself. There is no idempotency key for messages: the same call twice makes two
messages.

Beside this file: `twilio_rest.py` the routes, `twilio_webhooks.py` the calls to the hub, `twilio_errors.py` the errors,
`twilio_account.py` account and numbers, `faults.py` what is to go wrong.

Sources: twilio.com/docs, "Message resource", "Twilio's request to your incoming message webhook URL", "Outbound message
status in status callbacks", "Webhook connection overrides", "Test credentials", "Validating requests"; Twilio's help
page "Twilio support for opt-out keywords".
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from channels.simulators.faults import Fault, Faults
from channels.simulators.lanes import Lanes, Step
from channels.simulators.ledger import Ledger, Media, Message
from channels.simulators.line import Reply
from channels.simulators.segments import segments
from channels.simulators.twilio_account import Account, Number, country, is_number
from channels.simulators.twilio_errors import (
    CARRIER_ERRORS,
    MAGIC_FROM,
    MAGIC_LATER,
    MAGIC_TO,
    Answer,
    Refusal,
    error,
    refused,
)
from channels.simulators.twilio_webhooks import BadTwiml, Webhooks, connection_of, messages_of

API_VERSION = "2010-04-01"
BODY_LIMIT = 1600
MEDIA_LIMIT = 10
MEDIA_BYTES = 5 * 1024 * 1024
# A phone may send more than the API takes; this only keeps a slip from filling the memory.
TEXT_LIMIT = 100_000

_STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
_START = {"START", "YES", "UNSTOP"}
_HELP = {"HELP", "INFO"}
_KEYWORDS = (("STOP", _STOP), ("START", _START), ("HELP", _HELP))
_OPT_OUT_REPLIES = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. `retry` is the first pause before an attempt is repeated; each further one is twice as long."""

    queued: float = 0.1
    sent: float = 0.3
    final: float = 0.6
    retry: float = 0.5
    media_url: float = 4 * 3600.0


@dataclass(slots=True)
class Sending:
    """A customer's text on its way to the hub."""

    message: Message
    done: threading.Event = field(default_factory=threading.Event)
    tries: int = 0

    @property
    def sid(self) -> str:
        return self.message.sid


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
        self._webhooks = Webhooks(account, ledger, clock)
        self._url_key = secrets.token_bytes(32)
        self._released = threading.Event()

    def close(self) -> None:
        self.release()
        self._webhooks.close()

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
            if connection_of(number.webhook_url).repeats(status, sending.tries):
                return float(self._timing.retry * 2 ** (sending.tries - 1))
            self.ledger.set_status(sending.sid, "failed", self.clock(), 11200)
        else:
            self.ledger.set_status(sending.sid, "received", self.clock())
            self._replies(number, sending.message.sender, accepted)
        sending.done.set()
        return None

    def _call_hub(self, sending: Sending, number: Number, keyword: str, do: str) -> tuple[int, Reply | None]:
        fields = self._inbound_fields(sending.message, number, keyword)
        return self._webhooks.post(
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

    def _replies(self, number: Number, customer: str, reply: Reply) -> None:
        """Sends what the webhook's answer says."""
        try:
            messages = messages_of(reply)
        except BadTwiml as broken:
            detail = {"code": 12100, "text": f"Document parse failure: {broken}"}
            self.ledger.note("error", "", self.clock(), reply.status, detail=detail)
            return
        for text, links in messages:
            if not self.ledger.is_blocked(customer, number.sender):
                self._accept(number, customer, text, links, callback="", service=False, direction="outbound-reply")

    # --- the hub's messages ---

    def create(self, form: Mapping[str, Sequence[str]]) -> Answer:
        """`POST …/Messages.json`: makes a message of the form's fields, or says why not."""
        fields = {name: values[-1] for name, values in form.items() if values}
        to, sender = fields.get("To", "").strip(), fields.get("From", "").strip()
        fault = self.faults.take("send", to, sender)
        do = fault.do if fault else ""
        if fault and do == "refuse":
            return self._noted(refused(fault), to)
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
            (MAGIC_FROM.get(sender, 21606), sender in MAGIC_FROM),
            (21606, number is None),
            (MAGIC_TO.get(to, 21211), to in MAGIC_TO),
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
        code = MAGIC_LATER.get(message.recipient, 0)
        last = "undelivered" if code else "delivered"
        if fault:
            code, last = fault.whole("code", 30007), "undelivered"
        states = [("queued", 0, self._timing.queued), ("sent", 0, self._timing.sent), (last, code, self._timing.final)]
        wrong = self.faults.take("status", message.recipient, message.sender)
        do = wrong.do if wrong else ""
        kept_back: list[Step] = []

        def move(status: str, code: int) -> None:
            current = self.ledger.message(message.sid)
            if current and current.status == "failed":
                return  # its media could not be had: nothing more becomes of it
            if status == "sent" and links and (broken := self._fetch(message.sid, links)):
                status, code = "failed", broken
            self.ledger.set_status(message.sid, status, self.clock(), code)
            if message.callback_url and not (
                wrong and do == "lose" and status in wrong.details.get("statuses", [status])
            ):
                report(status, code)

        def report(status: str, code: int) -> None:
            for _ in range(wrong.whole("copies", 2) if wrong and do == "duplicate" else 1):
                step = self._reporting(message, number, status, code, tamper=do == "tamper")
                if do == "reverse":
                    kept_back.insert(0, step)
                elif wrong and do == "late":
                    self._lanes.put(("late", message.sid, status), step, wrong.seconds(5))
                else:
                    self._lanes.put(("report", message.sid), step)
            if status in (last, "failed"):
                for step in kept_back:
                    self._lanes.put(("report", message.sid), step)

        if do == "early":  # the report is there before the hub has the answer to its call
            self._reporting(message, number, "queued", 0)()
            states = states[1:]
        for status, its_code, delay in states:
            self._lanes.put(("status", message.sid), lambda s=status, c=its_code: move(s, c), delay)  # type: ignore[misc]

    def _fetch(self, sid: str, links: Sequence[str]) -> int:
        """Fetches a message's media from the hub. Returns Twilio's error code, 0 for none."""
        found: list[Media] = []
        for link in links:
            file = self._webhooks.fetch(link, MEDIA_BYTES)
            if file is None:
                return 11200
            content, kind = file
            if "/" not in kind or kind == "text/html":
                return 12300
            name = urlsplit(link).path.rpartition("/")[2]
            found.append(Media(f"ME{secrets.token_hex(16)}", sid, name, kind, self.clock(), content))
        self.ledger.add_media(sid, found, self.clock())
        return 0

    def _reporting(self, message: Message, number: Number, status: str, code: int, *, tamper: bool = False) -> Step:
        """A step that reports a state to the hub, and again as the address's overrides say."""
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
        url, event, note = message.callback_url, f"{message.sid} {status}", {"status": status, "code": code}
        tries = 0

        def step() -> float | None:
            nonlocal tries
            do = "tamper" if tamper else ""
            answer, _ = self._webhooks.post(
                "report", message.sid, url, fields, number, do, retry=tries, copy_of=event, note=note
            )
            tries += 1
            repeated = connection_of(url).repeats(answer, tries)
            return float(self._timing.retry * 2 ** (tries - 1)) if repeated else None

        return step

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
            "error_message": None if inbound else CARRIER_ERRORS.get(message.error_code),
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


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
