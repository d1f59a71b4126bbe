"""What WhatsApp, Messenger and Instagram share: Meta's webhooks, the Graph API, and its errors.

Sources, all developers.facebook.com/docs: "Webhooks: getting started" (handshake, X-Hub-Signature-256), "Graph API:
handling errors", "WhatsApp Cloud API: error codes", "Messenger Platform: error codes".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from channels.social import common
from hub.domain.errors import BadSignature, ChannelError, Refused
from hub.domain.messages import Attachment, InboundEvent, Parsed, ProviderReply, SetAside, WebhookRequest
from hub.ports import ChannelParts, FetchedFile

API_URL = "https://graph.facebook.com"
VERSION = "v26.0"
TEXT_LIMIT = 10_000  # the most that screens and the bot take of a customer's message
READ_TIMEOUT, _CONNECT_TIMEOUT = 20.0, 5.0
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
# Where Meta keeps files; no other host is given the token.
_MEDIA_HOSTS = (".fbsbx.com", ".fbcdn.net", ".facebook.com", ".cdninstagram.com", ".whatsapp.net")

Reader = Callable[[Mapping[str, Any]], Iterator[InboundEvent]]


class Verdict(Enum):
    """What an error means: never again, later again, or nothing goes out of this account."""

    PERMANENT = "permanent"
    RETRY = "retry"
    ACCOUNT = "account"
    OPTED_OUT = "opted out"


@dataclass(frozen=True, slots=True)
class MetaSettings:
    """An inbox's settings and secrets, checked.

    `account` is the number's, the page's or the Instagram account's id, `app` the app's (perhaps empty). `api` is the
    Graph API's address with its version. `app_secrets` are in use and about to be. `timeout` in seconds.
    """

    account: str
    app: str
    api: str
    timeout: float
    token: str = field(repr=False)
    app_secrets: tuple[str, ...] = field(repr=False)
    verify_token: str = field(repr=False)


def read_settings(parts: ChannelParts, account: str, api_url: str = API_URL) -> MetaSettings:
    """Checks what the inbox is set to; `account` names the setting with its id, `api_url` is where no other is set.

    Raises Refused: `field` is the setting or secret; a secret's value is never in the rule.
    """
    given, secrets = parts.inbox.settings, parts.secrets
    number = given.get(account)
    if not isinstance(number, str) or not re.fullmatch(r"[0-9]{5,20}", number):
        raise Refused(account, "must be Meta's id of it, digits in quotation marks")
    version = given.get("version", VERSION)
    if not isinstance(version, str) or not re.fullmatch(r"v[0-9]{1,3}\.[0-9]", version):
        raise Refused("version", f"must be a version of the Graph API, such as {VERSION}")
    url = given.get("api_url") or api_url
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or "?" in url:
        raise Refused("api_url", "must be an address with http or https, without a query")
    timeout = given.get("timeout", READ_TIMEOUT)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0.1 <= timeout <= 120:
        raise Refused("timeout", "must be a number from 0.1 to 120")
    for name in ("access_token", "app_secret", "verify_token"):
        if not isinstance(secrets.get(name), str) or not secrets[name]:
            raise Refused(name, "must be among the secrets")
    app_secrets = tuple(filter(None, (secrets["app_secret"], secrets.get("app_secret_secondary", ""))))
    app, api = str(given.get("app_id", "")), f"{url.rstrip('/')}/{version}"
    token, word = secrets["access_token"], secrets["verify_token"]
    return MetaSettings(number, app, api, float(timeout), token, app_secrets, word)


# --- from Meta ---


def verify(request: WebhookRequest, settings: MetaSettings) -> None:
    """Raises BadSignature unless one of the app's secrets signed the raw body, or a handshake has our token."""
    if request.method == "GET":
        query = parse_qs(urlsplit(request.url).query)
        given = query.get("hub.verify_token", [""])[0].encode("utf-8", "surrogateescape")
        if request.body or not hmac.compare_digest(given, settings.verify_token.encode()):
            raise BadSignature("the handshake does not have the inbox's verify_token")
        return
    given = request.headers.get("x-hub-signature-256", "").encode("utf-8", "surrogateescape")
    genuine = [
        hmac.compare_digest(
            b"sha256=" + hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest().encode(), given
        )
        for secret in settings.app_secrets
    ]
    if not any(genuine):
        raise BadSignature("the header X-Hub-Signature-256 does not fit the body")


def parse(
    request: WebhookRequest, kind: str, elements: Callable[[Mapping[str, Any]], Iterator[tuple[Any, Reader]]]
) -> Parsed:
    """Reads a batch, element by element: one that breaks a rule is set aside with it, and the others go on.

    Args:
        request: verified.
        kind: the `object` that the webhook must be of.
        elements: gives every element of an entry with what reads it. Both raise Refused.

    Raises:
        Refused: it is no webhook of this kind.
    """
    if request.method == "GET":
        query = parse_qs(urlsplit(request.url).query)
        challenge = query.get("hub.challenge", [""])[0]
        if query.get("hub.mode") != ["subscribe"] or not re.fullmatch(r"[\w.-]{1,200}", challenge, re.ASCII):
            raise Refused("hub.challenge", "must come with hub.mode=subscribe")
        return Parsed(reply=ProviderReply(body=challenge.encode()))
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Refused("body", "must be JSON") from error
    if not isinstance(document, dict) or document.get("object") != kind:
        raise Refused("object", f"must be {kind}")
    events: list[InboundEvent] = []
    aside: list[SetAside] = []
    for entry in listed(document, "entry"):
        found: list[tuple[Any, Reader]] = []
        with _setting_aside(aside, entry):
            found = list(elements(mapping(entry, "entry")))
        for element, read in found:
            with _setting_aside(aside, element):
                events += list(read(mapping(element, "element")))
    return Parsed(tuple(events), tuple(aside))


@contextmanager
def _setting_aside(aside: list[SetAside], element: object) -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        aside.append(SetAside(refused.field, refused.rule, json.dumps(element).encode()))


def mapping(value: object, name: str) -> Mapping[str, Any]:
    """The value as an object. Raises Refused."""
    if not isinstance(value, dict):
        raise Refused(name, "must be an object")
    return value


def part(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object in an object; empty where it is missing or none."""
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def listed(values: Mapping[str, Any], name: str) -> list[Any]:
    """A list in an object; empty where it is missing. Raises Refused for what is no list."""
    found = values.get(name, [])
    if not isinstance(found, list):
        raise Refused(name, "must be a list")
    return found


def text(values: Mapping[str, Any], name: str, longest: int = TEXT_LIMIT) -> str:
    """A text as it can be stored, cut to its longest; empty where it is missing or no text."""
    value = values.get(name)
    return _NOT_STORABLE.sub("\ufffd", value)[:longest] if isinstance(value, str) else ""


def identifier(values: Mapping[str, Any], name: str) -> str:
    """An id that everything hangs on. Raises Refused."""
    value = values.get(name)
    value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(value, str) or not 1 <= len(value) <= 255 or _NOT_STORABLE.search(value):
        raise Refused(name, "must be an id of 1 to 255 characters")
    return value


def moment(values: Mapping[str, Any], name: str, unit: int) -> int:
    """A time as microseconds; `unit` is how many of them it counts in. WhatsApp writes numbers as texts. Raises
    Refused: the reply window hangs on it."""
    value = values.get(name)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,14}", str(value)):
        raise Refused(name, "must be a time")
    return int(str(value)) * unit


def degrees(values: Mapping[str, Any], name: str, most: float) -> float:
    """A coordinate. Raises Refused."""
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -most <= value <= most:
        raise Refused(name, f"must be a number from {-most:g} to {most:g}")
    return float(value)


def is_address(url: str) -> bool:
    """Whether this is an address that can be fetched."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= 4000 and url.isprintable()


def fetch(parts: ChannelParts, settings: MetaSettings, url: str, limit: int, *, signed: bool) -> FetchedFile:
    """Gets a file from where Meta keeps it, with the token where that is wanted (`signed`). Raises ChannelError."""
    host, own = urlsplit(url).hostname or "", urlsplit(settings.api)
    is_own = (urlsplit(url).scheme, urlsplit(url).netloc) == (own.scheme, own.netloc)
    if not is_own and not (urlsplit(url).scheme == "https" and f".{host}".endswith(_MEDIA_HOSTS)):
        raise ChannelError("media_host", "the file is at a host that is not Meta's", permanent=True)
    authorization = f"Bearer {settings.token}" if signed else ""
    return parts.fetcher.fetch(url, limit=limit, authorization=authorization)


# --- to Meta ---


class Graph:
    """The Graph API for one inbox.

    Args:
        settings: of the inbox.
        errors: verdict and meaning by code, and by (code, subcode) where that says more.
    """

    def __init__(self, settings: MetaSettings, errors: Mapping[int | tuple[int, int], tuple[Verdict, str]]) -> None:
        self._settings = settings
        self.errors = errors

    @cached_property
    def _connections(self) -> httpx.Client:
        """Made by whoever sends first: a process that only takes webhooks needs none."""
        timeout = self._settings.timeout
        made = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(_CONNECT_TIMEOUT, timeout)),
            headers={"Authorization": f"Bearer {self._settings.token}"},
            follow_redirects=False,
        )
        weakref.finalize(self, made.close)
        return made

    def post(self, path: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Hands something over. Raises ChannelError; `unknown` where the answer was lost."""
        return self._ask("POST", path, document)

    def get(self, path: str) -> Mapping[str, Any]:
        """Asks for something; `path` may be a whole address, as in the pages of a list. Raises ChannelError."""
        return self._ask("GET", path, None)

    def token_until(self) -> int:
        """Until when the token is good, microseconds; 0 where it does not end, or where only the app would be told."""
        if not self._settings.app:
            return 0
        asking = f"{self._settings.app}|{self._settings.app_secrets[0]}"
        query = urlencode({"input_token": self._settings.token, "access_token": asking})
        try:
            said = common.get(f"{self._settings.api}/debug_token?{query}")
        except ChannelError:
            return 0
        until = part(said, "data").get("expires_at")
        return until * 1_000_000 if isinstance(until, int) else 0

    def _ask(self, method: str, path: str, document: Mapping[str, Any] | None) -> Mapping[str, Any]:
        lost = method == "POST"
        try:
            answer = self._connections.request(method, f"{self._settings.api}/{path}", json=document)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ChannelError("not_reached", "Meta cannot be reached") from error
        except httpx.HTTPError as error:
            raise ChannelError("no_answer", "Meta's answer was lost", unknown=lost) from error
        said = _document(answer)
        if answer.is_success and said is not None and "error" not in said:
            return said
        if answer.is_success and said is None:
            raise ChannelError("bad_answer", "Meta's answer cannot be read", unknown=lost)
        raise self._refusal(answer, part(said or {}, "error"), lost=lost)

    def _refusal(self, answer: httpx.Response, error: Mapping[str, Any], *, lost: bool) -> ChannelError:
        code, subcode = error.get("code"), error.get("error_subcode")
        verdict, meaning = self.verdict(code, subcode)
        if not error or (verdict is None and error.get("is_transient") is True):
            verdict = Verdict.RETRY if answer.status_code == 429 or answer.status_code >= 500 else None
            verdict = Verdict.RETRY if error else verdict
        if verdict is None:
            by_status = {401: Verdict.ACCOUNT, 403: Verdict.ACCOUNT, 408: Verdict.RETRY, 429: Verdict.RETRY}
            retry = Verdict.RETRY if answer.status_code >= 500 else Verdict.PERMANENT
            verdict = by_status.get(answer.status_code, retry)
        details = text(part(error, "error_data"), "details", 400) or text(error, "message", 400)
        wait = answer.headers.get("retry-after", "")
        return ChannelError(
            str(code if isinstance(code, int) else answer.status_code),
            details or meaning or f"HTTP {answer.status_code}",
            permanent=verdict in (Verdict.PERMANENT, Verdict.OPTED_OUT),
            account=verdict is Verdict.ACCOUNT,
            # A gateway's words: nobody knows what the machine behind it has done.
            unknown=lost and not error and answer.status_code in (502, 504),
            retry_after=float(wait) if re.fullmatch(r"[0-9]{1,6}", wait) else None,
            opted_out=verdict is Verdict.OPTED_OUT,
        )

    def verdict(self, code: object, subcode: object = None) -> tuple[Verdict | None, str]:
        """What an error means, and in words; None where the table does not know it."""
        if not isinstance(code, int):
            return None, ""
        known = self.errors.get((code, subcode)) if isinstance(subcode, int) else None
        found = known or self.errors.get(code) or _COMMON.get(code)
        if found is None and 200 <= code <= 299:
            return Verdict.ACCOUNT, "the app lacks a permission"
        return found or (None, "")


_COMMON: Mapping[int, tuple[Verdict, str]] = {
    0: (Verdict.ACCOUNT, "the token is not accepted"),
    1: (Verdict.RETRY, "an error inside Meta"),
    2: (Verdict.RETRY, "Meta is not available"),
    3: (Verdict.ACCOUNT, "the app lacks a permission"),
    4: (Verdict.RETRY, "too many calls of the app"),
    10: (Verdict.ACCOUNT, "the app lacks a permission"),
    32: (Verdict.RETRY, "too many calls for the page"),
    100: (Verdict.PERMANENT, "a parameter is not valid"),
    190: (Verdict.ACCOUNT, "the token has expired or was withdrawn"),
    368: (Verdict.ACCOUNT, "the account is blocked for a time"),
    613: (Verdict.RETRY, "too many calls"),
    80007: (Verdict.RETRY, "too many calls for the account"),
}


def _document(answer: httpx.Response) -> Mapping[str, Any] | None:
    try:
        said = answer.json()
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def check_files(attachments: tuple[Attachment, ...], limits: Callable[[str], int]) -> None:
    """Refuses files that the provider would refuse: `limits` gives the most bytes of a media type, 0: not taken.

    Raises ChannelError.
    """
    for each in attachments:
        most = limits(each.media_type)
        if not most:
            raise ChannelError("file_type", f"files of the type {each.media_type} are not sent", permanent=True)
        if each.size > most:
            raise ChannelError("file_size", f"{each.name} is larger than {most // 1_000_000} MB", permanent=True)
        if not is_address(each.url):
            raise ChannelError("file_address", f"{each.name} has no public address", permanent=True)
