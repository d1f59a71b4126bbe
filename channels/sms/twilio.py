"""Text and picture messages by Twilio's Programmable Messaging (API version 2010-04-01).

Sources, all twilio.com/docs unless named: "Twilio's request to your incoming message webhook URL", "Outbound message
status in status callbacks", "Messages resource", "Secure webhooks", "Sign webhooks with shared keys" (public beta),
"Webhook connection overrides", "Customize users' opt-in and opt-out experience", "Accepted content types for media",
"Error and warning dictionary"; Twilio's help pages "Twilio support for opt-out keywords" and "How to track opt-out,
opt-in and help messages using the OptOutType parameter". What an administrator needs of it is in docs/sms.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import weakref
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import phonenumbers
from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator
from twilio.rest import Client

from hub.domain.consent import DEFAULT_WORDS, UNITED_STATES_STOP, ConsentWords, consent_word, words
from hub.domain.errors import BadSignature, ChannelError, Refused
from hub.domain.forms import FORM, is_text
from hub.domain.inbox import AccountState
from hub.domain.messages import (
    Address,
    Attachment,
    Consent,
    ConsentWord,
    Delivery,
    DeliveryUpdate,
    InboundMessage,
    OutboundMessage,
    Parsed,
    ProviderReply,
    Receipt,
    RemoteMedia,
    SetAside,
    WebhookRequest,
)
from hub.domain.rendering import numbered
from hub.ports import Capabilities, ChannelParts, FetchedFile, Fetcher

CHANNEL = "sms"
API_URL = "https://api.twilio.com"
TEXT_LIMIT = 1600  # error 21617
# Twilio cuts what customers send at 1600 too; this is the most that screens and the bot take of any channel.
INBOUND_TEXT_LIMIT = 10_000
MEDIA_PER_MESSAGE = 10  # error 21623
MEDIA_LIMIT = 5 * 1024 * 1024
MEDIA_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain")
BUTTONS = 10
# A United States long code sends one segment a second; what is sent faster waits at Twilio (error 21611's page).
MESSAGES_PER_SECOND = 1.0
# Seconds that Twilio gets to answer; it is given as long to connect only where that is shorter.
READ_TIMEOUT = 15.0
_CONNECT_TIMEOUT = 5.0

# Carriers there take pictures; elsewhere Twilio refuses them.
_MMS_REGIONS = frozenset({"US", "CA", "AU"})
_MMS_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "application/pdf"})
_MMS_TOTAL = 5_000_000
# Twilio repeats its reports only where their address asks for that; the fragment is not signed.
_REPORT_RETRIES = "#rc=3&rp=5xx,ct,rt"
# How many of the newest messages to a number are looked through for one whose answer was lost.
_LOOK_BACK = 100

_ACCOUNT_SID = re.compile(r"AC[0-9A-Za-z]{32}")
_SERVICE_SID = re.compile(r"MG[0-9A-Za-z]{32}")
_MESSAGE_SID = re.compile(r"(SM|MM)[0-9A-Za-z]{32}")
_MESSAGE_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_REGION = re.compile(r"[A-Z]{2}")
_E164 = re.compile(r"\+[1-9][0-9]{5,14}")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_SENDER_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &._+-]{1,11}")
_MEDIA_FIELD = re.compile(r"MediaUrl([0-9]{1,2})")
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
# The secret of a shared key is kept under this and the key's id.
_SHARED_KEY = "shared_key:"
_JSON = "application/json"
_MOST_FIELDS = 1000

_REPLY = ProviderReply(body=b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>', content_type="text/xml")

# `sent` is what the hub says of a message that the provider has; how it goes on there is the provider's affair.
_STATES: Mapping[str, Delivery] = {
    "accepted": Delivery.SENT,
    "scheduled": Delivery.SENT,
    "queued": Delivery.SENT,
    "sending": Delivery.SENT,
    "sent": Delivery.SENT,
    # Neither delivered nor failed: some of its parts or recipients.
    "partially_delivered": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "read": Delivery.READ,
    "undelivered": Delivery.FAILED,
    "failed": Delivery.FAILED,
    "canceled": Delivery.FAILED,
}

# What Twilio answers by itself on long codes and toll-free numbers, where a message is exactly one of these. YES is one
# of its START words too, but only unblocks whoever is blocked; here it stays the answer to a question.
_TWILIO_WORDS: Mapping[str, ConsentWord] = {
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), ConsentWord.STOP),
    **dict.fromkeys(("START", "UNSTOP"), ConsentWord.START),
    **dict.fromkeys(("HELP", "INFO"), ConsentWord.HELP),
}
_OPT_OUT_TYPES: Mapping[str, ConsentWord] = {
    "STOP": ConsentWord.STOP,
    "START": ConsentWord.START,
    "HELP": ConsentWord.HELP,
}
_ANSWERS = words("yes", "y", "sí", "ok", "vale")


class Verdict(Enum):
    """What an error means: never again, later again, nothing goes out of this account, or nobody may write there."""

    PERMANENT = "permanent"
    RETRY = "retry"
    ACCOUNT = "account"
    OPTED_OUT = "opted out"


# code → verdict and meaning, by twilio.com/docs/api/errors. Those from 30000 on come in reports, too late to repeat.
ERRORS: Mapping[int, tuple[Verdict, str]] = {
    10001: (Verdict.ACCOUNT, "the account is not active"),
    11200: (Verdict.PERMANENT, "Twilio could not fetch the file"),
    11751: (Verdict.PERMANENT, "the files are larger than the recipient's network takes"),
    12300: (Verdict.PERMANENT, "the file is of a type that is not taken"),
    14107: (Verdict.RETRY, "too many messages to this number within a short time"),
    20003: (Verdict.ACCOUNT, "the account or its token is not accepted"),
    20005: (Verdict.ACCOUNT, "the account is not active"),
    20006: (Verdict.ACCOUNT, "the credentials may not send messages"),
    20008: (Verdict.ACCOUNT, "test credentials send nothing"),
    20403: (Verdict.ACCOUNT, "the account may not send messages"),
    20404: (Verdict.ACCOUNT, "there is no such account"),
    20429: (Verdict.RETRY, "too many requests at once"),
    20500: (Verdict.RETRY, "an error inside Twilio"),
    20503: (Verdict.RETRY, "Twilio is not available"),
    21211: (Verdict.PERMANENT, "the recipient's number is not valid"),
    21212: (Verdict.PERMANENT, "the sender is not valid"),
    21214: (Verdict.PERMANENT, "the recipient's number cannot be reached"),
    21266: (Verdict.PERMANENT, "sender and recipient are the same number"),
    21408: (Verdict.PERMANENT, "the account may not send to the recipient's country (geographic permissions)"),
    21601: (Verdict.PERMANENT, "the sender's number cannot send text messages"),
    21602: (Verdict.PERMANENT, "the message has neither text nor files"),
    21603: (Verdict.PERMANENT, "the message has no sender"),
    21604: (Verdict.PERMANENT, "the message has no recipient"),
    21605: (Verdict.PERMANENT, "the text is too long"),
    21606: (Verdict.PERMANENT, "the sender cannot send text messages to this recipient"),
    21608: (Verdict.PERMANENT, "a trial account sends to verified numbers only"),
    21609: (Verdict.PERMANENT, "Twilio cannot reach the address for reports; the hub needs a public one"),
    21610: (Verdict.OPTED_OUT, "the recipient has sent STOP to this sender"),
    21611: (Verdict.RETRY, "the sender's queue at Twilio is full"),
    21612: (Verdict.PERMANENT, "this sender cannot reach this recipient"),
    21614: (Verdict.PERMANENT, "the recipient's number is no mobile number"),
    21617: (Verdict.PERMANENT, "the text has more than 1600 characters"),
    21620: (Verdict.PERMANENT, "the address of a file is not valid"),
    21621: (Verdict.PERMANENT, "the sender's number cannot send pictures"),
    21623: (Verdict.PERMANENT, "the message has more than 10 files"),
    21635: (Verdict.PERMANENT, "the recipient's number is a landline"),
    21659: (Verdict.PERMANENT, "the sender is no number of Twilio's, or not for this country"),
    21660: (Verdict.PERMANENT, "the sender's number belongs to another account"),
    21701: (Verdict.PERMANENT, "there is no such messaging service"),
    21703: (Verdict.PERMANENT, "the messaging service has no senders"),
    30001: (Verdict.RETRY, "the sender's queue at Twilio is full"),
    30002: (Verdict.ACCOUNT, "the account is suspended"),
    30003: (Verdict.PERMANENT, "the telephone is off or cannot be reached"),
    30004: (Verdict.PERMANENT, "the recipient does not take messages from this sender"),
    30005: (Verdict.PERMANENT, "the recipient's number is unknown"),
    30006: (Verdict.PERMANENT, "the recipient's number is a landline or its network cannot be reached"),
    30007: (Verdict.PERMANENT, "the network took the message for unwanted"),
    30008: (Verdict.PERMANENT, "not delivered; the network gives no reason"),
    30022: (Verdict.RETRY, "faster than the sender's United States registration allows"),
    30023: (Verdict.PERMANENT, "the sender's United States registration allows no more messages today"),
    30032: (Verdict.PERMANENT, "the sender's toll-free number is not verified"),
    30034: (Verdict.PERMANENT, "the sender's number is not registered for the United States (A2P 10DLC)"),
    30036: (Verdict.PERMANENT, "the message waited longer than it was valid"),
    63003: (Verdict.PERMANENT, "the channel does not know the recipient"),
    63005: (Verdict.PERMANENT, "the channel does not take this content"),
    63007: (Verdict.PERMANENT, "the channel does not know the sender"),
    63013: (Verdict.PERMANENT, "against the channel's policy"),
    63014: (Verdict.PERMANENT, "the recipient has blocked this sender"),
    63016: (Verdict.PERMANENT, "outside the window in which the recipient may be written to"),
    63017: (Verdict.RETRY, "faster than the account may send"),
    63018: (Verdict.RETRY, "faster than the channel takes messages"),
    63024: (Verdict.PERMANENT, "the channel does not know the recipient"),
    63032: (Verdict.PERMANENT, "the channel takes no message for this recipient now"),
    63034: (Verdict.PERMANENT, "a file is too large"),
    63038: (Verdict.ACCOUNT, "the account may send no more messages today"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TwilioSettings:
    """An inbox's settings and secrets, checked; docs/sms.md says what each is for.

    `tokens` are the account's, in use and about to be; `shared_keys` are secrets by key id. `username` and `password`
    sign the hub in at Twilio. `timeout` is in seconds. `webhook_url` is where Twilio calls the inbox; `renamed` where
    that is not the hub's own address of it.
    """

    account_sid: str
    numbers: tuple[str, ...]
    service_sid: str
    senders: Mapping[str, str]
    api_url: str
    webhook_url: str
    renamed: bool
    mms: bool
    messages_per_second: float
    timeout: float
    provider_answers: bool
    consent_words: ConsentWords
    require_shared_key: bool
    tokens: tuple[str, ...] = field(repr=False)
    shared_keys: Mapping[str, str] = field(repr=False)
    username: str = ""
    password: str = field(default="", repr=False)


def channel(parts: ChannelParts) -> TwilioSms:
    """The text messages of an inbox. Raises Refused where a setting or a secret breaks its rule."""
    return TwilioSms(read_settings(parts), parts.fetcher)


def read_settings(parts: ChannelParts) -> TwilioSettings:
    """Checks what the inbox is set to.

    Raises:
        Refused: `field` is the setting or secret, `rule` what it must satisfy. A secret's value is never in it.
    """
    given: Mapping[str, Any] = parts.inbox.settings
    account_sid = _matching(given, "account_sid", _ACCOUNT_SID, "must be AC and 32 letters or digits", needed=True)
    service_sid = _matching(given, "messaging_service_sid", _SERVICE_SID, "must be MG and 32 letters or digits")
    numbers = _texts(given, "numbers")
    if not all(_E164.fullmatch(each) or _SHORT_CODE.fullmatch(each) for each in numbers):
        raise Refused("numbers", "must each be in E.164 form, such as +34910000001, or a short code")
    if not (numbers or service_sid):
        raise Refused("numbers", "must hold at least one number unless there is a messaging_service_sid")
    _matching(given, "default_region", _REGION, "must be a country by ISO 3166, such as ES")
    answers = given.get("opt_out", "default")
    if answers not in ("default", "advanced", "off"):
        raise Refused("opt_out", "must be default, advanced or off")
    tokens, shared_keys, username, password = _secrets(parts.secrets, account_sid)
    require_shared_key = _flag(given, "require_shared_key", default=False)
    if require_shared_key and not shared_keys:
        raise Refused("shared_key", "must be among the secrets where require_shared_key is set")
    return TwilioSettings(
        account_sid=account_sid,
        numbers=numbers,
        service_sid=service_sid,
        senders=_senders(given),
        api_url=_address(given, "api_url", API_URL),
        webhook_url=_address(given, "webhook_url", parts.webhook_url),
        renamed=bool(given.get("webhook_url")),
        mms=_flag(given, "mms", default=any(_region(each) in _MMS_REGIONS for each in numbers)),
        messages_per_second=_number(given, "messages_per_second", MESSAGES_PER_SECOND, least=0, most=1000),
        timeout=_number(given, "timeout", READ_TIMEOUT, least=0.1, most=120),
        provider_answers=answers == "default",
        consent_words=_consent_words(given),
        require_shared_key=require_shared_key,
        tokens=tokens,
        shared_keys=shared_keys,
        username=username,
        password=password,
    )


class TwilioSms:
    """The text messages of one inbox: one account, its numbers, perhaps a messaging service.

    Args:
        settings: of the inbox.
        fetcher: gets pictures that customers sent.
    """

    def __init__(self, settings: TwilioSettings, fetcher: Fetcher) -> None:
        self.capabilities = Capabilities(
            channel=CHANNEL,
            text_limit=TEXT_LIMIT,
            buttons=BUTTONS,
            attachments=True,
            attachment_limit=MEDIA_LIMIT,
            media_types=MEDIA_TYPES,
            segmented=True,
            messages_per_second=settings.messages_per_second,
            opt_out=True,
            changeable=False,
        )
        self._settings = settings
        self._fetcher = fetcher

    # --- from Twilio ---

    def verify(self, request: WebhookRequest) -> None:
        """Raises BadSignature unless one of the inbox's tokens or shared keys signed exactly this request.

        Where the inbox requires shared keys, the older signature with the account's token is none.
        """
        signature = request.headers.get("x-twilio-signature", "").encode("utf-8", "surrogateescape")
        if not signature:
            raise BadSignature("the header X-Twilio-Signature is missing")
        algorithm, keys = self._keys(request.headers.get("x-twilio-webhooks-signature-settings", ""))
        url = self._signed_url(request)
        fields = _signed_fields(request)
        # Ends at the one that fits; of one that fits none, the time taken does not tell which of them it came near.
        if not any(
            hmac.compare_digest(_signature(key, each, fields, algorithm), signature)
            for key in keys
            for each in _spellings(url)
        ):
            raise BadSignature("the signature does not fit the request")

    def parse_inbound(self, request: WebhookRequest) -> Parsed:
        """A customer's message, or a report on one of ours.

        Raises:
            Refused: it is neither, or a field that everything hangs on is missing, twofold or malformed.
        """
        if request.method != "POST":
            raise Refused("method", "must be POST; set the webhook's HTTP method so in Twilio's Console")
        fields = _fields(request)
        if _one(fields, "AccountSid") != self._settings.account_sid:
            raise Refused("AccountSid", "must be the inbox's account")
        status = _one(fields, "MessageStatus") or _one(fields, "SmsStatus")
        if status in ("", "receiving", "received") and "MessageStatus" not in fields:
            return self._incoming(fields, request.body)
        return _report(fields, status, request)

    def _incoming(self, fields: Mapping[str, tuple[str, ...]], raw: bytes) -> Parsed:
        sid = _sid(fields)
        sender, recipient = _one(fields, "From", needed=True), _one(fields, "To", needed=True)
        if not (_E164.fullmatch(sender) or _SHORT_CODE.fullmatch(sender) or _SENDER_NAME.fullmatch(sender)):
            return _aside("From", "must be a telephone number, a short code or a sender's name", raw)
        if not (_E164.fullmatch(recipient) or _SHORT_CODE.fullmatch(recipient)) or not self._is_ours(
            recipient, _one(fields, "MessagingServiceSid")
        ):
            return _aside("To", "must be one of the inbox's numbers", raw)
        text = _one(fields, "Body")
        media, problems = _media(fields, raw)
        if len(text) > INBOUND_TEXT_LIMIT:
            problems.append(SetAside("Body", f"has more than {INBOUND_TEXT_LIMIT} characters and was cut", raw))
            text = text[:INBOUND_TEXT_LIMIT]
        if not text.strip() and not media:
            problems.append(SetAside("Body", "must not be empty unless there are files", raw))
            return Parsed(set_aside=tuple(problems), reply=_REPLY)
        message = InboundMessage(
            external_id=sid,
            address=Address(CHANNEL, sender),
            text=text,
            media=media,
            consent=self._consent(text, sender, recipient, _one(fields, "OptOutType")),
            to=recipient,
        )
        return Parsed((message,), tuple(problems), _REPLY)

    def _is_ours(self, recipient: str, service_sid: str) -> bool:
        """A service's pool may hold numbers that the inbox's settings do not name."""
        settings = self._settings
        return recipient in settings.numbers or (bool(service_sid) and service_sid == settings.service_sid)

    def _consent(self, text: str, sender: str, recipient: str, opt_out_type: str) -> Consent | None:
        """What Twilio says of the word comes first, for it has acted on it already."""
        told = _OPT_OUT_TYPES.get(opt_out_type.upper())
        if told and not (told is ConsentWord.START and words(text) <= _ANSWERS):
            return Consent(told, answered=True)
        # Short codes outside a messaging service are left to the firm.
        if self._settings.provider_answers and recipient.startswith("+"):
            known = _TWILIO_WORDS.get(text.strip().upper())
            if known:
                return Consent(known, answered=True)
        also_stop = UNITED_STATES_STOP if sender.startswith("+1") else ()
        word = consent_word(text, self._settings.consent_words, also_stop=also_stop)
        return Consent(word) if word else None

    def _keys(self, settings_header: str) -> tuple[str, tuple[str, ...]]:
        """The algorithm and the secrets that a request may be signed with, by its settings header.

        The header is not signed itself: it chooses among the secrets, and never lets in an algorithm that its secret is
        not for.
        """
        if not settings_header.strip():
            if self._settings.require_shared_key:
                raise BadSignature("this inbox takes signatures of shared keys only")
            return HMAC_SHA1, self._settings.tokens
        said = [part.strip().partition("=") for part in settings_header.split(",")]
        values = {name: value for name, _, value in said}
        if len(values) < len(said) or not all(mark for _, mark, _ in said):
            raise BadSignature("the settings of the signature must be name=value, each name once")
        if values.get("algorithm") != HMAC_SHA256:
            raise BadSignature("the signature's algorithm must be HMAC_SHA256")
        secret = self._settings.shared_keys.get(values.get("key", ""))
        if secret is None:
            raise BadSignature("the inbox has no such shared key")
        return HMAC_SHA256, (secret,)

    def _signed_url(self, request: WebhookRequest) -> str:
        """The address as Twilio has it: the inbox may be known to it by another than the hub's own."""
        if not self._settings.renamed:
            return request.url
        _, mark, query = request.url.partition("?")
        return f"{self._settings.webhook_url.partition('#')[0]}{mark}{query}"

    # --- to Twilio ---

    @cached_property
    def _client(self) -> Any:
        """The SDK, over connections of its own. Made by whoever sends first: a process that only takes webhooks needs
        none."""
        settings = self._settings
        connections = httpx.Client(
            timeout=httpx.Timeout(settings.timeout, connect=min(_CONNECT_TIMEOUT, settings.timeout)),
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=30),
            follow_redirects=False,
        )
        weakref.finalize(self, connections.close)
        line = _Line(settings.api_url, connections)
        return Client(settings.username, settings.password, settings.account_sid, http_client=line)

    @property
    def _messages(self) -> Any:
        """The SDK's list of the account's messages."""
        return self._client.messages

    def account(self) -> AccountState:
        """The account: its name, and whether it is active, suspended or a trial."""
        with _answers(asks=True):
            said = self._client.api.v2010.accounts(self._settings.account_sid).fetch()
            status, kind = str(said.status), str(said.type)
        problems = (("account_status", status),) if status != "active" else ()
        return AccountState(str(said.friendly_name), limit="Trial" if kind == "Trial" else "", problems=problems)

    def send(self, message: OutboundMessage) -> Receipt:
        """Hands a message over; its reports come to an address that names it.

        Raises ChannelError. There is no idempotency key: `unknown` where the answer was lost.
        """
        to = self._recipient(message)
        parcel = self._parcel(message)
        _check(parcel)
        sender, service_sid = self._sender(message)
        with _answers():
            made = self._messages.create(
                to=to,
                **self._content(message, parcel),
                status_callback=self._report_url(message.message_id),
                **({"from_": sender} if sender else {}),
                **({"messaging_service_sid": service_sid} if service_sid else {}),
            )
            return _receipt(made)

    def _content(self, message: OutboundMessage, parcel: _Parcel) -> dict[str, Any]:  # noqa: ARG002  # others need it
        files = {"media_url": [each.url for each in parcel.enclosed]} if parcel.enclosed else {}
        return {"body": parcel.body, **files}

    def _recipient(self, message: OutboundMessage) -> str:
        """The address as Twilio writes it. Raises ChannelError where nobody can be answered there."""
        value = message.address.value
        if not (_E164.fullmatch(value) or _SHORT_CODE.fullmatch(value)):
            raise ChannelError("no_reply", "a sender's name cannot be answered", permanent=True)
        return value

    def sender_of(self, message: OutboundMessage) -> str:
        """See `hub.ports.ManySenders`: the number or name, or the messaging service where that chooses."""
        return " ".join(filter(None, self._sender(message)))

    def find_sent(self, message: OutboundMessage, *, since: int) -> Receipt | None:
        """See `hub.ports.Reconciler`. Twilio's times are whole seconds."""
        parcel = self._parcel(message)
        earliest = datetime.fromtimestamp(since // 1_000_000, UTC)
        with _answers(asks=True):
            # No date: Twilio's filter is over `date_sent`, which a message in its queue does not have yet.
            newest = self._messages.list(to=self._recipient(message), limit=_LOOK_BACK, page_size=_LOOK_BACK)
            found = [
                each
                for each in newest
                if each.direction == "outbound-api"
                and each.date_created is not None
                and each.date_created >= earliest
                and each.num_media == str(len(parcel.enclosed))
                and parcel.is_body(each.body or "")
            ]
            return _receipt(found[0]) if len(found) == 1 else None

    def fetch_media(self, media: RemoteMedia) -> FetchedFile:
        """Gets a picture, signed in at Twilio alone: no other host is given the credentials, nor asked at all."""
        parts, own = urlsplit(media.url), urlsplit(self._settings.api_url)
        at_twilio = parts.scheme == "https" and (parts.hostname or "").endswith(".twilio.com")
        if not at_twilio and (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
            raise ChannelError("media_host", "the file is at a host that is not Twilio's", permanent=True)
        credentials = f"{self._settings.username}:{self._settings.password}".encode()
        return self._fetcher.fetch(
            media.url, limit=MEDIA_LIMIT, authorization=f"Basic {b64encode(credentials).decode()}"
        )

    def _parcel(self, message: OutboundMessage) -> _Parcel:
        """What of a message goes as text, as MMS and as links: whatever cannot go as MMS is a link."""
        enclosed: list[Attachment] = []
        linked: list[Attachment] = []
        for attachment in message.attachments:
            fits = (
                len(enclosed) < MEDIA_PER_MESSAGE
                and attachment.size + sum(each.size for each in enclosed) <= _MMS_TOTAL
            )
            if self._settings.mms and attachment.media_type in _MMS_TYPES and fits:
                enclosed.append(attachment)
            else:
                linked.append(attachment)
        text = numbered(message.text, (button.title for button in message.buttons))
        return _Parcel(text, tuple(enclosed), tuple(linked))

    def _sender(self, message: OutboundMessage) -> tuple[str, str]:
        """The number or name to send from, and the messaging service; one of them may be empty.

        An answer comes from where the customer wrote to, else a phone shows it as somebody else's.
        """
        settings = self._settings
        if message.sender and (settings.service_sid or message.sender in settings.numbers):
            return message.sender, settings.service_sid
        chosen = settings.senders.get(_region(message.address.value))
        if chosen:
            return chosen, ""
        if settings.service_sid:
            return "", settings.service_sid
        return settings.senders.get("*") or settings.numbers[0], ""

    def _report_url(self, message_id: str) -> str:
        """Twilio signs the whole address: the id in it comes back as we wrote it, even before our call's answer."""
        return f"{self._settings.webhook_url.partition('#')[0]}?message_id={quote(message_id)}{_REPORT_RETRIES}"


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A message as it goes to Twilio: files are `enclosed` as MMS or `linked` below the text."""

    text: str
    enclosed: tuple[Attachment, ...]
    linked: tuple[Attachment, ...]

    @property
    def body(self) -> str:
        return "\n".join(filter(None, (self.text, *(each.url for each in self.linked))))

    def is_body(self, body: str) -> bool:
        """Whether a message with this body is ours. Links are made anew for each send: only their number counts."""
        links = body.removeprefix(self.text).split()
        return (
            body.startswith(self.text) and len(links) == len(self.linked) and all(_is_address(each) for each in links)
        )


class _Line(HttpClient):  # type: ignore[misc]  # the SDK's classes carry no annotations that mypy reads
    """Carries the SDK's calls over httpx: to another base address, with time limits, and errors as ours.

    The SDK's own client logs each request, puts one time limit over connecting and reading, and drops Retry-After.
    """

    def __init__(self, base: str, connections: httpx.Client) -> None:
        self._base = base
        self._connections = connections

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002  # the connections have theirs
        allow_redirects: bool = False,  # noqa: ARG002  # an API does not redirect
    ) -> Response:
        parts = urlsplit(uri)
        # Content and indicators are at hosts of their own; another base (a region, a simulator) has them all.
        elsewhere = self._base == API_URL and parts.hostname != urlsplit(API_URL).hostname
        base = f"{parts.scheme}://{parts.netloc}" if elsewhere else self._base
        address = f"{base}{parts.path}{'?' if parts.query else ''}{parts.query}"
        response = self._connections.request(
            method,
            address,
            params=params,  # type: ignore[arg-type]  # the SDK's are texts
            data=data,
            headers=headers,
            auth=auth,
        )
        if not response.is_success:
            _refuse(response)
        return Response(response.status_code, response.text, response.headers)


class _answers:  # noqa: N801  # read as a verb: with _answers()
    """Turns what goes wrong on the line into ChannelError.

    Args:
        asks: the call changes nothing, so that a lost answer leaves nothing unknown.
    """

    def __init__(self, *, asks: bool = False) -> None:
        self._unknown = not asks

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        match error:
            case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout() | httpx.ProxyError():
                raise ChannelError("not_reached", "Twilio cannot be reached") from error
            case httpx.TimeoutException():
                raise ChannelError("no_answer", "Twilio did not answer in time", unknown=self._unknown) from error
            case httpx.HTTPError():
                raise ChannelError("cut_off", "the line to Twilio broke", unknown=self._unknown) from error
            case TwilioException() | ValueError() | KeyError() | TypeError():
                raise ChannelError("bad_answer", "Twilio's answer cannot be read", unknown=self._unknown) from error


# --- signatures ---


class _Signed(dict[str, tuple[str, ...]]):
    """Fields as the SDK asks for those that are repeated."""

    def getall(self, name: str) -> tuple[str, ...]:
        return self[name]


def _signature(key: str, url: str, fields: _Signed, algorithm: str) -> bytes:
    signed: str = RequestValidator(key).compute_signature(url, fields, algorithm)
    return signed.encode()


def _signed_fields(request: WebhookRequest) -> _Signed:
    """The fields that the signature covers. Of a JSON body it covers the hash that stands in the URL.

    Raises BadSignature for a body that it does not cover at all: with that, one genuine address would be enough to
    have anything taken for genuine.
    """
    if request.kind == FORM:
        if _has_too_many_fields(request):
            raise BadSignature("the form has too many fields")
        return _Signed(request.form)
    stated = parse_qs(urlsplit(request.url).query).get("bodySHA256", [""])[0].lower()
    if request.body or stated:
        found = hashlib.sha256(request.body).hexdigest()
        if not hmac.compare_digest(found.encode(), stated.encode("utf-8", "surrogateescape")):
            raise BadSignature("the body does not fit the hash in the address")
    return _Signed()


def _spellings(url: str) -> tuple[str, ...]:
    """The URL as it is, with and without its scheme's port: Twilio's own parts do not agree on which they sign.

    Only the port is touched: whoever takes an address apart and puts it together again loses an empty query.
    """
    parts = urlsplit(url)
    host = parts.netloc.removesuffix(f":{parts.port}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    start = f"{parts.scheme}://"
    rest = url[len(start) + len(parts.netloc) :]
    return tuple(dict.fromkeys((url, f"{start}{host}{rest}", f"{start}{host}:{port}{rest}")))


# --- fields of a request ---


def _has_too_many_fields(request: WebhookRequest) -> bool:
    return sum(map(len, request.form.values())) > _MOST_FIELDS


def _fields(request: WebhookRequest) -> Mapping[str, tuple[str, ...]]:
    """The fields of a form or of a JSON object."""
    if request.kind == FORM:
        if _has_too_many_fields(request) or not is_text(request.body):
            raise Refused("body", f"must be a form in UTF-8, of at most {_MOST_FIELDS} fields")
        return request.form
    if request.kind != _JSON:
        raise Refused("content-type", f"must be {FORM} or {_JSON}")
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Refused("body", "must be JSON") from error
    if not isinstance(document, dict):
        raise Refused("body", "must be a JSON object")
    return {
        name: ("" if value is None else str(value),)
        for name, value in document.items()
        if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))
    }


def _one(fields: Mapping[str, tuple[str, ...]], name: str, *, needed: bool = False) -> str:
    """A field's value, empty where it is missing. Raises Refused where it has two, or is `needed` and empty."""
    values = set(fields.get(name, ()))
    if len(values) > 1:
        raise Refused(name, "must be there once")
    value = _NOT_STORABLE.sub("\ufffd", values.pop()) if values else ""
    if needed and not value:
        raise Refused(name, "must not be empty")
    return value


def _sid(fields: Mapping[str, tuple[str, ...]]) -> str:
    sid = _one(fields, "MessageSid") or _one(fields, "SmsSid")
    if not _MESSAGE_SID.fullmatch(sid):
        raise Refused("MessageSid", "must be SM or MM and 32 letters or digits")
    return sid


def _aside(name: str, rule: str, raw: bytes) -> Parsed:
    return Parsed(set_aside=(SetAside(name, rule, raw),), reply=_REPLY)


def _media(fields: Mapping[str, tuple[str, ...]], raw: bytes) -> tuple[tuple[RemoteMedia, ...], list[SetAside]]:
    """The files of a message, and what is wrong about the others: a picture that cannot be had loses no text."""
    problems: list[SetAside] = []
    stated = (fields.get("NumMedia") or ("0",))[0]
    if not re.fullmatch(r"[0-9]{1,2}", stated) or int(stated) > MEDIA_PER_MESSAGE:
        problems.append(SetAside("NumMedia", f"must be a whole number from 0 to {MEDIA_PER_MESSAGE}", raw))
        stated = "0"
    found = {int(match[1]) for match in map(_MEDIA_FIELD.fullmatch, fields) if match}
    media: list[RemoteMedia] = []
    for position in sorted(found | set(range(int(stated)))):
        name, values = f"MediaUrl{position}", set(fields.get(f"MediaUrl{position}", ()))
        url = values.pop() if len(values) == 1 else ""
        if not found >= {position}:
            problems.append(SetAside(name, "is missing, though NumMedia counts it", raw))
        elif not _is_address(url) or position >= MEDIA_PER_MESSAGE:
            problems.append(SetAside(name, f"must be an address, and one of the first {MEDIA_PER_MESSAGE}", raw))
        else:
            kind = (fields.get(f"MediaContentType{position}") or ("",))[0]
            media.append(RemoteMedia(url, _NOT_STORABLE.sub("\ufffd", kind)[:100]))
    return tuple(media), problems


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and len(url) <= 2000
        and url.isascii()
        and url.isprintable()
    )


def _report(fields: Mapping[str, tuple[str, ...]], status: str, request: WebhookRequest) -> Parsed:
    """A status callback. Our message's id stands in its address, which is signed like the rest."""
    sid = _sid(fields)
    state = _STATES.get(status.lower())
    if state is None:
        return _aside("MessageStatus", "must be the status of a message that was sent", request.body)
    message_id = parse_qs(urlsplit(request.url).query).get("message_id", [""])[0]
    code, text = _one(fields, "ErrorCode"), _one(fields, "ErrorMessage")
    return Parsed(
        (
            DeliveryUpdate(
                state=state,
                provider_id=sid,
                message_id=message_id if _MESSAGE_ID.fullmatch(message_id) else "",
                error_code=code[:20],
                error_text=(text or _known(code)[1])[:500],
                opted_out=_known(code)[0] is Verdict.OPTED_OUT,
            ),
        ),
        reply=_REPLY,
    )


# --- answers of the API ---


def _receipt(made: Any) -> Receipt:
    """Raises ValueError where the answer names no message."""
    if not isinstance(made.sid, str) or not _MESSAGE_SID.fullmatch(made.sid):
        raise ValueError("no sid")
    return Receipt(made.sid, _STATES.get(str(made.status), Delivery.SENT))


def _refuse(response: httpx.Response) -> NoReturn:
    """Raises the ChannelError of an answer that is no success."""
    try:
        said = response.json()
    except ValueError:
        said = None
    said = said if isinstance(said, dict) else {}
    code = said.get("code") if isinstance(said.get("code"), int) else 0
    verdict, meaning = ERRORS.get(code or 0, (_by_status(response.status_code), ""))
    raise ChannelError(
        str(code or response.status_code),
        str(said.get("message") or said.get("title") or meaning or f"HTTP {response.status_code}")[:500],
        permanent=verdict in (Verdict.PERMANENT, Verdict.OPTED_OUT),
        account=verdict is Verdict.ACCOUNT,
        # A gateway's words: nobody knows what the machine behind it has done.
        unknown=response.status_code in (502, 504) and response.request.method == "POST",
        retry_after=_retry_after(response.headers.get("retry-after", "")),
        opted_out=verdict is Verdict.OPTED_OUT,
    )


def _by_status(status: int) -> Verdict:
    if status in (401, 403):
        return Verdict.ACCOUNT
    return Verdict.RETRY if status in (408, 425, 429) or status >= 500 else Verdict.PERMANENT


def _retry_after(value: str) -> float | None:
    """Seconds of a Retry-After header (RFC 9110 §10.2.3); None where it says none."""
    if re.fullmatch(r"[0-9]{1,6}", value):
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _known(code: str) -> tuple[Verdict, str]:
    """What a report's code means; nothing for one that the table does not know."""
    known = int(code) if re.fullmatch(r"[0-9]{1,6}", code) else 0
    return ERRORS.get(known, (Verdict.PERMANENT, ""))


def _check(parcel: _Parcel) -> None:
    """Refuses what Twilio would refuse, and what the hub does not send. Raises ChannelError."""
    for attachment in (*parcel.enclosed, *parcel.linked):
        if attachment.media_type not in MEDIA_TYPES:
            raise ChannelError("12300", f"files of the type {attachment.media_type} are not sent", permanent=True)
        if attachment.size > MEDIA_LIMIT:
            raise ChannelError("63034", f"{attachment.name} is larger than 5 MB", permanent=True)
        if not _is_address(attachment.url):
            raise ChannelError("21620", f"{attachment.name} has no public address", permanent=True)
    if len(parcel.body) > TEXT_LIMIT:
        raise ChannelError("21617", f"the text has more than {TEXT_LIMIT} characters", permanent=True)
    if not parcel.body.strip() and not parcel.enclosed:
        raise ChannelError("21602", "the message has neither text nor files", permanent=True)


def _region(number: str) -> str:
    """ISO 3166 code of a number's country; empty where it has none, such as a short code."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ""
    # Of a number that nobody is known to have, at least the country that its code mainly belongs to.
    found = phonenumbers.region_code_for_number(parsed)
    return found or phonenumbers.region_code_for_country_code(parsed.country_code or 0)


# --- settings ---


def _matching(given: Mapping[str, Any], name: str, pattern: re.Pattern[str], rule: str, *, needed: bool = False) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or ((value or needed) and not pattern.fullmatch(value)):
        raise Refused(name, rule)
    return value


def _texts(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = given.get(name, ())
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise Refused(name, "must be a list of texts")
    return tuple(value)


def _flag(given: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise Refused(name, "must be true or false")
    return value


def _number(given: Mapping[str, Any], name: str, default: float, *, least: float, most: float) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Refused(name, f"must be a number from {least:g} to {most:g}")
    return float(value)


def _address(given: Mapping[str, Any], name: str, default: str) -> str:
    value = given.get(name) or default
    if not isinstance(value, str) or not _is_address(value) or "?" in value:
        raise Refused(name, "must be an address with http or https, without a query")
    return value.rstrip("/")


def _senders(given: Mapping[str, Any]) -> Mapping[str, str]:
    value = given.get("senders", {})
    if not isinstance(value, dict) or not all(
        isinstance(region, str) and (region == "*" or _REGION.fullmatch(region)) for region in value
    ):
        raise Refused("senders", "must name a sender for each country by ISO 3166, such as ES, or for *")
    for sender in value.values():
        if not isinstance(sender, str) or not any(
            each.fullmatch(sender) for each in (_E164, _SHORT_CODE, _SENDER_NAME)
        ):
            raise Refused("senders", "must each be a number in E.164 form, a short code or a name of 1 to 11 letters")
    return value


def _consent_words(given: Mapping[str, Any]) -> ConsentWords:
    lists = {
        name: words(*_texts(given, f"{name}_words")) if f"{name}_words" in given else getattr(DEFAULT_WORDS, name)
        for name in ("stop", "start", "help")
    }
    return ConsentWords(**lists)


def _secrets(secrets: Mapping[str, Any], account_sid: str) -> tuple[tuple[str, ...], Mapping[str, str], str, str]:
    """The tokens and the shared keys that webhooks are signed with; the name and password for the API."""
    names = ("auth_token", "auth_token_secondary", "api_key_sid", "api_key_secret")
    for name in names:
        if not isinstance(secrets.get(name, ""), str):
            raise Refused(name, "must be text")
    token, second, key_sid, key_secret = (secrets.get(name, "") for name in names)
    shared_keys = {
        name.removeprefix(_SHARED_KEY): str(secret) for name, secret in secrets.items() if name.startswith(_SHARED_KEY)
    }
    if not all(shared_keys.values()) or "" in shared_keys:
        raise Refused(_SHARED_KEY.rstrip(":"), "must be named shared_key: and the key's id, and must not be empty")
    if bool(key_sid) != bool(key_secret):
        raise Refused("api_key_secret", "goes together with api_key_sid")
    if not (token or key_secret):
        raise Refused("auth_token", "must be there unless there is an api_key_sid with its api_key_secret")
    if not (token or shared_keys):
        raise Refused("auth_token", "must be there unless there is a shared_key: webhooks are signed with it")
    tokens = tuple(filter(None, (token, second)))
    return tokens, shared_keys, key_sid or account_sid, key_secret or token
