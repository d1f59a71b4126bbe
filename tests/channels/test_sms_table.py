"""docs/sms.md says what is so: each line of "What becomes of odd requests" goes to a hub, the lists are the code's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from channels.sms.twilio import ERRORS, Verdict
from hub.domain.consent import DEFAULT_WORDS, words
from hub.domain.messages import WebhookRequest
from hub.store import tables as t
from hub.testing.channel_kit import Subject
from hub.testing.samples import with_body
from hub.testing.small_hub import SmallHub
from tests.channels.kits.sms import KIT, by_shared_key, by_token, signed

DOCUMENT = Path(__file__).parents[2] / "docs" / "sms.md"
HEADING = "| What comes | Answer | Message | Set aside |"
SUBJECT = Subject(KIT)
PARTS = SUBJECT.parts
TEXT = next(sample.request for sample in SUBJECT.samples if sample.name == "text")
REPORT = next(sample.request for sample in SUBJECT.samples if sample.name == "report_delivered")
MEDIA = "https://api.twilio.com/2010-04-01/Accounts/AC0/Messages/MM0/Media/ME0"


@dataclass(frozen=True)
class Line:
    """A line of the table: the answer's status and the field it names, what becomes of the message, what is aside."""

    answer: str
    message: str
    aside: tuple[str, ...]


def documented() -> dict[str, Line]:
    """The table, by what comes."""
    lines = DOCUMENT.read_text().partition(HEADING)[2].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: lines.index("")]]
    return {
        what: Line(answer, message, tuple(re.findall(r"`([^`]+)`", aside))) for what, answer, message, aside in rows
    }


TABLE = documented()


def changed(*changes: tuple[str, str], without: str = "", base: WebhookRequest = TEXT) -> WebhookRequest:
    """A request, not signed yet, with fields changed or left out."""
    fields = {name: values[0] for name, values in base.form.items() if name != without} | dict(changes)
    return with_body(base, urlencode(fields).encode())


def more(*pairs: tuple[str, str]) -> WebhookRequest:
    """The text with further fields after its own."""
    return with_body(TEXT, TEXT.body + b"&" + urlencode(pairs).encode())


def genuine(request: WebhookRequest) -> WebhookRequest:
    return by_token(request, PARTS)


def in_json(document: object) -> WebhookRequest:
    request = replace(TEXT, headers={"content-type": "application/json"})
    return with_body(request, json.dumps(document).encode())


def as_object(**changes: str) -> dict[str, str]:
    return {name: values[0] for name, values in TEXT.form.items()} | changes


def cut(request: WebhookRequest) -> WebhookRequest:
    return with_body(request, request.body[:-40])


def uncovered(kind: str, body: bytes) -> WebhookRequest:
    """A genuine signature over the bare address, with a body that it says nothing of."""
    bare = genuine(replace(TEXT, headers={}, body=b""))
    return replace(bare, headers={**bare.headers, **({"content-type": kind} if kind else {})}, body=body)


# What comes → a request, signed or not as it says there; more than one where the line names several.
CASES: dict[str, list[Callable[[], WebhookRequest]]] = {
    "a text": [lambda: genuine(TEXT), lambda: by_shared_key(TEXT, PARTS)],
    "no signature": [lambda: TEXT],
    "a signature by another key": [lambda: signed(TEXT, "another token", "HMAC_SHA1")],
    "signed, then changed": [lambda: with_body(genuine(TEXT), changed(("Body", "pay me")).body)],
    "signed, then cut off": [lambda: cut(genuine(TEXT)), lambda: with_body(genuine(TEXT), b"")],
    "signed for another address": [
        lambda: replace(genuine(replace(TEXT, url="https://other.example/webhooks/kit-key")), url=TEXT.url)
    ],
    "JSON without its hash in the address": [lambda: uncovered("application/json", json.dumps(as_object()).encode())],
    "a type of content that no signature covers": [
        lambda: uncovered("text/plain", TEXT.body),
        lambda: uncovered("multipart/form-data; boundary=x", TEXT.body),
        lambda: uncovered("", TEXT.body),
    ],
    "more than 1000 fields": [lambda: genuine(with_body(TEXT, TEXT.body + b"&a=1" * 1001))],
    "more than 2 MB": [lambda: replace(genuine(TEXT), body=TEXT.body + b"&a=" + b"x" * 2**21)],
    "GET instead of POST": [lambda: genuine(replace(with_body(TEXT, b""), method="GET", headers={}))],
    "bytes that are not UTF-8": [
        lambda: genuine(with_body(TEXT, TEXT.body + b"&More=%ff")),
        lambda: genuine(with_body(TEXT, TEXT.body + b"&More=\xff\xfe")),
    ],
    "JSON that is no object": [lambda: genuine(in_json([as_object()])), lambda: genuine(in_json("text"))],
    "no MessageSid": [lambda: genuine(changed(("MessageSid", ""), ("SmsSid", "")))],
    "a MessageSid that is none": [lambda: genuine(changed(("MessageSid", "SM1'; DROP TABLE message; --")))],
    "no From": [lambda: genuine(changed(without="From")), lambda: genuine(changed(("From", "")))],
    "no To": [lambda: genuine(changed(without="To")), lambda: genuine(changed(("To", "")))],
    "no AccountSid, or another account's": [
        lambda: genuine(changed(without="AccountSid")),
        lambda: genuine(changed(("AccountSid", "AC" + "1" * 32))),
    ],
    "one field with two values": [lambda: genuine(more(("Body", "something else")))],
    "one field twice with one value": [lambda: genuine(more(("From", TEXT.form["From"][0])))],
    "unknown fields": [lambda: genuine(more(("Weather", "fine"), ("Weather", "rain"), ("", "")))],
    "the same request again": [lambda: genuine(TEXT)],
    "To that is none of the inbox's numbers": [lambda: genuine(changed(("To", "+34910009999")))],
    "From of WhatsApp or RCS": [
        lambda: genuine(changed(("From", "whatsapp:+34600111222"))),
        lambda: genuine(changed(("From", "rcs:brand_agent"))),
    ],
    "From a short code, or a sender's name": [
        lambda: genuine(changed(("From", "22000"))),
        lambda: genuine(changed(("From", "MIBANCO"))),
    ],
    "neither text nor files": [lambda: genuine(changed(("Body", " "))), lambda: genuine(changed(without="Body"))],
    "10,000 characters": [lambda: genuine(changed(("Body", "ñ" * 10_000)))],
    "more than 10,000 characters": [lambda: genuine(changed(("Body", "ñ" * 10_001)))],
    "NUL and half surrogate pairs": [
        lambda: genuine(changed(("Body", "a\0b"))),
        lambda: genuine(in_json(as_object(Body="a\ud800b"))),
    ],
    "NumMedia=3 with one address": [lambda: genuine(changed(("NumMedia", "3"), ("MediaUrl0", MEDIA)))],
    "NumMedia=0 with one address": [lambda: genuine(changed(("NumMedia", "0"), ("MediaUrl0", MEDIA)))],
    "NumMedia negative, of letters or over 10": [
        lambda: genuine(changed(("NumMedia", "-1"), ("MediaUrl0", MEDIA))),
        lambda: genuine(changed(("NumMedia", "many"), ("MediaUrl0", MEDIA))),
        lambda: genuine(changed(("NumMedia", "9" * 400), ("MediaUrl0", MEDIA))),
    ],
    "a MediaUrl that is no address": [
        lambda: genuine(changed(("NumMedia", "1"), ("MediaUrl0", "file:///etc/passwd"))),
        lambda: genuine(changed(("NumMedia", "1"), ("MediaUrl0", "//169.254.169.254/latest"))),
    ],
    "a report on a message that is not ours": [lambda: genuine(REPORT)],
    "a report with an unknown status": [lambda: genuine(changed(("MessageStatus", "archived"), base=REPORT))],
}
PAIRS = [(what, number) for what, requests in CASES.items() for number in range(len(requests))]


@pytest.fixture(scope="module")
def hub() -> Iterator[SmallHub]:
    with SUBJECT.hub() as hub:
        yield hub


def test_every_line_of_the_table_is_tried() -> None:
    assert set(TABLE) == set(CASES)


@pytest.mark.parametrize(("what", "number"), PAIRS, ids=[f"{what} {number}" for what, number in PAIRS])
def test_the_hub_does_what_the_table_says(hub: SmallHub, what: str, number: int) -> None:
    line, request = TABLE[what], CASES[what][number]()
    if what == "the same request again":
        assert hub.call(request)[0] == 200
    before, aside_before = hub.incoming(), len(hub.rows(t.set_aside))
    if line.message not in ("no", "no (it is there)"):
        # A message of its own: the lines of the table share one text.
        request = renamed(request, what, number)
    status, body, _ = hub.call(request)
    wanted, *fields = line.answer.replace("`", "").split()
    assert str(status) == wanted, body
    if status >= 400:
        problem = json.loads(body)
        assert problem["error_id"]
        assert problem["message"]
        assert [problem["field"]] == (fields or [None])
        assert bool(problem["rule"]) == bool(fields)
    asides = hub.rows(t.set_aside)[aside_before:]
    assert [row.field for row in asides] == list(line.aside)
    assert all(row.rule and row.raw == request.body for row in asides)
    made = [row for row in hub.incoming() if row.id not in {each.id for each in before}]
    assert len(made) == (0 if line.message.startswith("no") else 1)
    if made:
        (message,) = made
        length = {"10,000 characters": 10_000, "more than 10,000 characters": 10_000}.get(what)
        assert length is None or len(message.text) == length
        if "U+FFFD" in line.message:
            assert message.text == "a\ufffdb"
        files = {"yes, with one file": 1}.get(line.message, 0)
        assert len([row for row in hub.rows(t.remote_media) if row.message_id == message.id]) == files


def renamed(request: WebhookRequest, what: str, number: int) -> WebhookRequest:
    """The same request about another message, signed anew in the same way."""
    sid = f"SM{PAIRS.index((what, number)):032d}"
    body = request.body.replace(TEXT.form["MessageSid"][0].encode(), sid.encode())
    unsigned = replace(with_body(request, body), url=TEXT.url)
    shared = "x-twilio-webhooks-signature-settings" in request.headers
    return by_shared_key(unsigned, PARTS) if shared else by_token(unsigned, PARTS)


def cells(heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    lines = DOCUMENT.read_text().partition(f"{heading}\n")[2].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: lines.index("")]]


def test_the_errors_are_those_of_the_channel() -> None:
    again = {
        Verdict.PERMANENT: "never again",
        Verdict.RETRY: "again later",
        Verdict.ACCOUNT: "the account",
        Verdict.OPTED_OUT: "nobody may write there",
    }
    wanted = [[str(code), meaning, again[verdict]] for code, (verdict, meaning) in ERRORS.items()]
    assert cells("| Code | Means | Again? |") == wanted


def test_the_words_are_those_of_the_hub() -> None:
    rows = {word: f"{english}, {spanish}" for word, english, spanish in cells("| | English | Spanish |")}
    for name in ("stop", "start", "help"):
        assert words(*rows[name.upper()].split(", ")) == getattr(DEFAULT_WORDS, name)
