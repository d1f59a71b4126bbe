"""Twilio's calls to the hub: signed, with the time-outs that their addresses ask for, each noted in the ledger."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit, urlunsplit
from xml.etree import ElementTree

import urllib3

from channels.simulators.ledger import Ledger
from channels.simulators.line import Lines, NoAnswer, NoConnection, Reply
from channels.simulators.twilio_account import Account, Number

# In place of an HTTP status: no connection came about, no answer came.
NO_CONNECTION, NO_ANSWER = 0, -1


@dataclass(frozen=True, slots=True)
class Connection:
    """Twilio's connection overrides: how often an HTTP call is repeated, after what, and its time-outs in seconds."""

    retries: int
    policy: frozenset[str]
    connect: float
    read: float

    def repeats(self, status: int, tries: int) -> bool:
        """Whether a call that ended with this status is made again after this many tries."""
        failure = {NO_CONNECTION: "ct", NO_ANSWER: "rt"}.get(status, f"{status // 100}xx")
        return failure in self.policy and tries <= self.retries


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


# Most of a form is the same each time.
_quoted = lru_cache(maxsize=4096)(quote_plus)


class BadTwiml(ValueError):
    """An answer of the hub that says it is XML and is not."""


def messages_of(reply: Reply) -> list[tuple[str, tuple[str, ...]]]:
    """The texts, with the addresses of their media, that a webhook's answer asks to be sent: TwiML, or plain text,
    which Twilio sends as a text message too. Raises BadTwiml."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    found: list[tuple[str, tuple[str, ...]]] = []
    if kind == "text/plain":
        found = [(reply.data.decode(errors="replace").strip(), ())]
    elif kind in ("text/xml", "application/xml") and reply.data:
        try:
            root = ElementTree.fromstring(reply.data)  # noqa: S314  # the hub's own answer, on this machine
        except ElementTree.ParseError as error:
            raise BadTwiml(str(error)) from error
        found = [_message_of(verb) for verb in root.iter("Message")]
    return [(text, links) for text, links in found if text or links]


def _message_of(verb: ElementTree.Element) -> tuple[str, tuple[str, ...]]:
    bodies = [verb.text or "", *(body.text or "" for body in verb.iter("Body"))]
    return "".join(bodies).strip(), tuple((link.text or "").strip() for link in verb.iter("Media"))


class Webhooks:
    """The line to the hub.

    Args:
        account: whose secrets sign.
        ledger: notes each call.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(self, account: Account, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._account = account
        self._ledger = ledger
        self._clock = clock
        self._lines = Lines()
        self._files = urllib3.PoolManager(retries=False)

    def close(self) -> None:
        self._lines.close()
        self._files.clear()

    def fetch(self, url: str, most: int) -> tuple[bytes, str] | None:
        """A file of the hub and its media type; None where it cannot be had or is larger than `most` bytes."""
        try:
            response = self._files.request("GET", url, preload_content=False, redirect=True, retries=3, timeout=10)
            content = response.read(most + 1)
            response.close()
        except urllib3.exceptions.HTTPError:
            return None
        if response.status != 200 or len(content) > most:
            return None
        return content, response.headers.get("content-type", "").partition(";")[0].strip()

    def post(
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
        algorithm, key = "HMAC_SHA1", self._account.token
        headers = {
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
            # The same for every repetition of one event, so that a receiver can tell.
            "I-Twilio-Idempotency-Token": hashlib.sha256(f"{self._account.sid} {copy_of}".encode()).hexdigest()[:32],
        }
        if number.signing == "shared_key" and self._account.shared_key:
            key_id, key = self._account.shared_key
            algorithm = "HMAC_SHA256"
            headers["X-Twilio-Webhooks-Signature-Settings"] = f"key={key_id},algorithm={algorithm}"
        if do == "json" or number.body_format == "json":
            body = json.dumps(dict(fields)).encode()
            address += f"{'&' if '?' in address else '?'}bodySHA256={hashlib.sha256(body).hexdigest()}"
            headers["Content-Type"] = "application/json"
            signed = signature(address, (), key, algorithm)
        else:
            body = urlencode(fields, quote_via=_quoted).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
            signed = signature(address, fields, key, algorithm)
        if do == "tamper":  # genuinely signed, over other bytes
            body += b" " if headers["Content-Type"] == "application/json" else b"&Tampered=1"
        if do != "unsigned":
            headers["X-Twilio-Signature"] = signed
        began = time.perf_counter()
        response: Reply | None = None
        try:
            response = self._lines.post(address, body, headers, connect=connection.connect, read=connection.read)
            status = response.status
        except NoConnection:
            status = NO_CONNECTION
        except NoAnswer:
            status = NO_ANSWER
        latency = round((time.perf_counter() - began) * 1000, 3) if response is not None else None
        detail = dict(note or {}) | ({"retry": retry} if retry else {}) | ({"fault": do} if do else {})
        self._ledger.note(kind, sid, self._clock(), max(0, status), latency, detail)
        return status, response
