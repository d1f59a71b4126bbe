"""Every promise can be broken, and the kit says so: the page's channel with one mistake in it at a time."""

from __future__ import annotations

import hashlib
import hmac
import importlib
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub.domain.errors import Refused
from hub.domain.messages import Address, WebhookRequest
from hub.ports import ChannelParts
from hub.testing import __main__ as command
from hub.testing import channel_kit
from hub.testing.channel_kit import CHECKS, ChannelKit, Subject, perform, run
from hub.testing.conformance import sending
from hub.testing.conformance.cases import read_cases
from hub.testing.conformance.subject import Broken
from hub.testing.samples import read_samples
from tests.channels.outside import page

CHANNEL = "postcard/centralita_postcard/channel.py"
PAYLOADS = "postcard/centralita_postcard/payloads"
NAMES = itertools.count()
CHECK = {check.name: check for check in CHECKS}


def sign(request: WebhookRequest, parts: ChannelParts) -> WebhookRequest:
    signature = hmac.new(parts.secrets["signing_key"].encode(), request.body, hashlib.sha256).hexdigest()
    return replace(request, headers={**request.headers, "x-postcard-signature": signature})


@pytest.fixture
def make_kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ChannelKit]]:
    """`make_kit((old, new), …)` describes the page's channel with these texts in it exchanged."""
    made: list[str] = []
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(*changes: tuple[str, str]) -> ChannelKit:
        files = page.files()
        source = files[CHANNEL]
        for old, new in changes:
            assert old in source, f"the page's channel has no {old!r} any more"
            source = source.replace(old, new)
        made.append(f"postcard_with_a_mistake_{next(NAMES)}")
        (tmp_path / f"{made[-1]}.py").write_text(source)
        page.write(tmp_path, {path: text for path, text in files.items() if path.startswith(PAYLOADS)})
        return ChannelKit(
            name="postcard",
            make=importlib.import_module(made[-1]).PostcardChannel,
            payloads=tmp_path / PAYLOADS,
            signs={"HMAC-SHA256": sign},
            signed=frozenset({"body"}),
            customer=Address("postcard", "calle-mayor-7"),
            settings=lambda provider_url: {"url": provider_url},
            secrets={"signing_key": "a-key-to-sign-webhooks", "api_key": "a-key-to-print-cards"},
        )

    yield make
    for name in made:
        del sys.modules[name]


COMPARED = "hmac.compare_digest(given.encode(), wanted.encode())"
GENUINE = f"if not {COMPARED}:"
TOO_LONG = "if not message.text or len(message.text) > self.capabilities.text_limit:"
TEXT_ONLY = "if message.attachments or message.buttons:"
READ = "            batch = json.loads(request.body)\n"
STATUS = "account, later = status in (401, 403), status in (408, 429) or status >= 500"
LOST = (
    '        except httpx.HTTPError as error:\n            raise ChannelError("no_answer", unknown=True) from error\n'
)
NOT_THERE = (
    "        except (httpx.ConnectError, httpx.ConnectTimeout) as error:\n"
    '            raise ChannelError("unreachable") from error\n'
)


@pytest.mark.parametrize(
    ("check", "said", "old", "new"),
    [
        ("limits", "text_limit", "text_limit=500", "text_limit=0"),
        ("limits", "attachment_limit", "text_limit=500", "text_limit=500, attachments=True"),
        ("imports", "imports hub.store", "import httpx\n", "import httpx\nimport hub.store.tables\n"),
        ("imports", "starts a thread", "STATES =", "import threading\nthreading.Timer(0.5, print).start()\nSTATES ="),
        ("imports", "environment", "STATES =", "import os\nos.environ['POSTCARD'] = '1'\nSTATES ="),
        ("samples", "batch", "aside.append(", "raise (refused) or aside.append("),
        ("samples", "unsupported", 'if kind == "text" else ("", kind)', ""),
        ("samples", "report-delivered", '"delivered": Delivery.DELIVERED', '"delivered": Delivery.READ'),
        ("samples", "text", '_text(card, "from")', '"x"'),
        ("pure", "time.time", READ, f"            import time\n            time.time()\n{READ}"),
        ("pure", "socket", READ, f"            httpx.get('http://127.0.0.1:9', timeout=1)\n{READ}"),
        ("pure", "not become the same", '_text(card, "id"), Address', "str(__import__('uuid').uuid4()), Address"),
        ("garbage", "RecursionError", "(ValueError, RecursionError)", "ValueError"),
        ("garbage", "AttributeError", " if isinstance(batch, dict) else None", ""),
        ("garbage", "no database", 'if any(each == "\\0"', 'if any(each == "\\1"'),
        ("garbage", "more than an index takes", "longest: int = 100", "longest: int = 100_000"),
        ("garbage", "without an external_id", '(_text(card, "id"), A', '(card.get("id") and _text(card, "id"), A'),
        ("garbage", "nothing in it", '_text(card, "text", 5_000)', 'card.get("text") and _text(card, "text", 5_000)'),
        ("genuine", "without a signature", GENUINE, f"if given and not {COMPARED}:"),
        ("forged", "another key", GENUINE, "if len(given) != 64:"),
        ("forged", "TypeError", COMPARED, "hmac.compare_digest(given, wanted)"),
        ("forged", "KeyError", 'headers.get("x-postcard-signature", "")', 'headers["x-postcard-signature"]'),
        ("forged", "listed", "given.encode()", 'given.split(",")[0].encode()'),
        ("raw_bytes", "reads it", "        wanted = ", "        json.loads(request.body)\n        wanted = "),
        ("constant_time", "without hmac.compare_digest", COMPARED, "given == wanted"),
        ("constant_time", "with == besides", COMPARED, f"(given == wanted or {COMPARED})"),
        ("sending", "a card is taken", '"Idempotency-Key": message.message_id', '"X-Key": message.message_id'),
        ("sending", "a card is taken", "self._url}/cards", "self._url}/letters"),
        ("sending", "account is closed", STATUS, STATUS.replace("401, 403", "401, 402")),
        ("outages", "429", STATUS, STATUS.replace("408, 429", "408, 408")),
        ("outages", "7 seconds", "retry_after=float(wait) if wait.isdecimal() else None", "retry_after=None"),
        ("outages", "waits for ever", "timeout=10", "timeout=None"),
        ("outages", "unknown", '"no_answer", unknown=True', '"no_answer"'),
        ("outages", "with a page", "(ValueError, KeyError, TypeError)", "(KeyError, TypeError)"),
        ("outages", "nobody listens", NOT_THERE, ""),
        ("outages", "nobody listens", "(httpx.ConnectError, httpx.ConnectTimeout)", "httpx.ConnectTimeout"),
        ("outages", "hangs up", LOST, ""),
        ("oversize", "in one piece", TOO_LONG, "if not message.text:"),
        ("oversize", "not a permanent", '"a card takes 1 to 500 characters", permanent=True', '""'),
        ("oversize", "exactly 500", "text) > self", "text) >= self"),
        ("attachments", "a program", TEXT_ONLY, "if message.buttons:"),
        ("buttons", "Choice-0 was dropped", TEXT_ONLY, "if message.attachments:"),
        ("idempotent", "another request", '"Idempotency-Key": message.message_id', '"Idempotency-Key": str(object())'),
        ("idempotent", "a copy", '"Idempotency-Key": message.message_id', '"Idempotency-Key": "always"'),
        ("secrets", "<the secret>", '"no_answer", unknown', '"no_answer", str(headers), unknown'),
        ("secrets", "<the secret>", "        card =", "        __import__('logging').debug(headers)\n        card ="),
        ("secrets", "<the secret>", "    def verify", "    __repr__ = lambda self: str(vars(self))\n\n    def verify"),
        ("edge", "stored are", '_text(card, "id"), Address', "str(__import__('uuid').uuid4()), Address"),
        ("edge", "without a signature", GENUINE, "if False:"),
        ("copies", "messages", '_text(card, "id"), Address', "str(__import__('uuid').uuid4()), Address"),
        ("odd_requests", "500", "(ValueError, RecursionError)", "RecursionError"),
    ],
)  # fmt: skip
def test_a_mistake_is_found(
    make_kit: Callable[..., ChannelKit], check: str, said: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if said == "waits for ever":  # every other mistake has the time that a channel without one has
        monkeypatch.setattr(sending, "PATIENCE", 1.0)
    kit = make_kit((old, new))
    with pytest.raises(Broken) as broken:
        perform(CHECK[check], Subject(kit))
    assert said in str(broken.value)


def test_a_signature_of_half_the_body_is_found(make_kit: Callable[..., ChannelKit]) -> None:
    def of_its_beginning(request: WebhookRequest, parts: ChannelParts) -> WebhookRequest:
        return replace(sign(replace(request, body=request.body[:20]), parts), body=request.body)

    kit = replace(make_kit(("request.body, hashlib", "request.body[:20], hashlib")), signs={"half": of_its_beginning})
    with pytest.raises(Broken, match=r"its byte \d+ changed"):
        perform(CHECK["changed"], Subject(kit))
    with pytest.raises(Broken, match="covers nothing"):
        perform(CHECK["changed"], Subject(replace(kit, signed=frozenset())))


def test_a_clock_that_is_asked_is_found(make_kit: Callable[..., ChannelKit]) -> None:
    kept = ("self._url = ", "self._now = parts.clock.now\n        self._url = ")
    kit = make_kit(kept, ("        events, aside", "        self._now()\n        events, aside"))
    with pytest.raises(Broken, match="asks the clock"):
        perform(CHECK["pure"], Subject(kit))


def test_what_the_payloads_lack_is_found(make_kit: Callable[..., ChannelKit]) -> None:
    kit = make_kit()
    for name in ("batch", "unsupported-drawing", "report-posted", "report-delivered"):
        (kit.payloads / f"{name}.expected.json").unlink()
    for check in ("batch", "unsupported", "reports"):
        with pytest.raises(Broken, match="the payloads hold no"):
            perform(CHECK[check], Subject(kit))


def test_every_check_is_broken_by_one_of_these_mistakes_or_needs_what_postcard_has_not() -> None:
    mistakes = {check for check, _, _, _ in test_a_mistake_is_found.pytestmark[0].args[1]}
    elsewhere = {"changed", "batch", "unsupported", "reports"}  # above
    assert set(CHECK) - mistakes - elsewhere == {"consent", "media", "reply_window"}


def test_a_run_goes_on_after_a_broken_promise(make_kit: Callable[..., ChannelKit]) -> None:
    told: list[str] = []
    checks = [CHECK[name] for name in ("limits", "oversize", "buttons", "media")]
    outcomes = run(make_kit((TOO_LONG, "if not message.text:")), lambda each: told.append(each.check.name), checks)
    assert told == [check.name for check in checks]
    assert [each.state for each in outcomes] == ["ok", "broken", "ok", "not asked"]
    assert "in one piece" in outcomes[1].detail


def test_the_command_says_what_is_broken(
    make_kit: Callable[..., ChannelKit], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kit = make_kit((TOO_LONG, "if not message.text:"))
    monkeypatch.setattr(command, "entry_points", lambda **_: [SimpleNamespace(name="postcard", load=lambda: kit)])
    monkeypatch.setattr(channel_kit, "CHECKS", [CHECK[name] for name in ("limits", "oversize", "media")])
    assert command.main(["postcard"]) == 1
    printed = capsys.readouterr().out
    assert "✗ oversize" in printed
    assert "in one piece, over a limit of 500" in printed
    assert "postcard: 1 kept, 1 broken, 1 not asked" in printed
    assert command.main(["pigeon"]) == 2
    assert "one of: postcard" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "expected", "field"),
    [
        ("text", {}, "source"),
        ("text", {"source": "s", "event": []}, "event"),
        ("text", {"source": "s", "events": [{"kind": "letter"}]}, "events"),
        ("text", {"source": "s", "events": [{"kind": "delivery", "status": "sent"}]}, "status"),
        ("text", {"source": "s", "events": [{"kind": "delivery", "state": "gone"}]}, "state"),
        ("text", {"source": "s", "request": {"verb": "GET"}}, "verb"),
        ("text", {"source": "s", "refused": {"field": "f", "rule": "r"}, "events": []}, "refused"),
        ("two", {"source": "s"}, "two"),
    ],
)
def test_payloads_that_break_the_format_are_refused(
    tmp_path: Path, name: str, expected: dict[str, Any], field: str
) -> None:
    for ending in ("json", "form") if name == "two" else ("json",):
        (tmp_path / f"{name}.{ending}").write_text("{}")
    (tmp_path / f"{name}.expected.json").write_text(json.dumps(expected))
    with pytest.raises(Refused) as refused:
        read_samples(tmp_path, "https://hub.example/webhooks/key")
    assert field in refused.value.field
    assert f"{name}.expected.json" in refused.value.field


def test_a_folder_without_payloads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="must hold payloads"):
        read_samples(tmp_path, "https://hub.example/webhooks/key")


@pytest.mark.parametrize(
    "case",
    [
        {"receipt": {}},
        {"name": "n"},
        {"name": "n", "receipt": {}, "error": {}},
        {"name": "n", "error": {"temporary": True}},
        {"name": "n", "error": {}, "answers": {}},
    ],
)
def test_cases_that_break_the_format_are_refused(tmp_path: Path, case: dict[str, Any]) -> None:
    (tmp_path / "sending.json").write_text(json.dumps([case]))
    with pytest.raises(Refused):
        read_cases(tmp_path / "sending.json")


def test_nothing_is_excused_that_protects_everybody(make_kit: Callable[..., ChannelKit]) -> None:
    with pytest.raises(Refused, match="excused"):
        replace(make_kit(), excused={"garbage": "we never get any"})
