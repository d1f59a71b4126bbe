"""The messaging apps beyond the kit: signatures by the providers' own libraries, Slack's socket, WhatsApp's windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from linebot.v3.webhook import SignatureValidator  # type: ignore[import-untyped]  # it carries no annotations
from slack_sdk.signature import Clock, SignatureVerifier

from channels.social import line, slack, whatsapp
from hub.domain.errors import BadSignature, Refused
from hub.domain.inbox import Inbox
from hub.domain.messages import InboundMessage, WebhookRequest
from hub.ports import ChannelParts
from hub.testing.conformance.subject import NoFetcher
from hub.testing.fakes import ManualClock

BODY = b'{"a":"\\u00e9"}'
MOMENT = 1_700_000_000


def parts(settings: dict[str, Any] | None = None, later: int = 0, **secrets: str) -> ChannelParts:
    clock = ManualClock()
    clock.pass_time((MOMENT + later) * 1_000_000 - clock.now())
    inbox = Inbox("i", "k", "n", "c", "t", settings=settings or {})
    return ChannelParts(inbox, secrets, lambda _: b"", clock, NoFetcher(), "https://hub.example/webhooks/k")


def test_lines_signature_is_what_its_own_library_accepts() -> None:
    signature = "nh99vDINoz5zgHpn0Tfc2tVbvxZOCvDCPlKHtv1dbPI="
    assert SignatureValidator("channel-secret").validate(BODY.decode(), signature)
    made = line.channel(parts(channel_secret="channel-secret", channel_access_token="a-long-token"))
    made.verify(WebhookRequest("POST", "u", {"x-line-signature": signature}, body=BODY))
    with pytest.raises(BadSignature):
        made.verify(WebhookRequest("POST", "u", {"x-line-signature": signature}, body=BODY + b" "))


class Then(Clock):
    def now(self) -> float:
        return MOMENT


def test_slacks_signature_is_what_its_own_library_accepts_and_old_ones_are_refused() -> None:
    signature = "v0=8c7e66185b729bc9908a26bbecac8f6900c940d0bf973dc5bf41b25ace719237"
    assert SignatureVerifier("signing-secret", Then()).is_valid(BODY, str(MOMENT), signature)
    made = slack.channel(parts(bot_token="xoxb-test-token", signing_secret="signing-secret"))
    headers = {"x-slack-signature": signature, "x-slack-request-timestamp": str(MOMENT)}
    request = WebhookRequest("POST", "u", headers, body=BODY)
    made.verify(request)
    other = replace(request, headers={**headers, "x-slack-request-timestamp": str(MOMENT + 1)})
    for later in (replace(request, body=BODY + b" "), other):
        with pytest.raises(BadSignature):
            made.verify(later)
    old = parts(later=301, bot_token="xoxb-test-token", signing_secret="signing-secret")
    with pytest.raises(BadSignature, match="five minutes"):
        slack.channel(old).verify(request)


def test_a_mode_or_a_token_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="mode"):
        slack.channel(parts({"mode": "carrier pigeon"}))
    with pytest.raises(Refused, match="app_token"):
        slack.channel(parts({"mode": "socket"}, bot_token="xoxb-test-token"))
    with pytest.raises(Refused, match="bot_token"):
        slack.channel(parts(bot_token="xoxp-of-a-person", signing_secret="signing-secret"))


def whatsapp_of(**more: Any) -> whatsapp.WhatsApp:
    of_meta = {"access_token": "EAAtest", "app_secret": "app-secret", "verify_token": "verify"}
    return whatsapp.channel(parts({"phone_number_id": "106540352242922", **more}, **of_meta))


@pytest.mark.parametrize(("hours", "seconds"), [(24, None), (25, 25 * 3600), (72, 72 * 3600)])
def test_whoever_comes_from_an_advertisement_may_be_answered_for_as_long_as_the_firm_says(
    hours: int, seconds: int | None
) -> None:
    folder = Path(whatsapp.__file__).parent / "payloads" / "whatsapp"
    windows = {}
    for name in ("from_an_advertisement", "text"):
        request = WebhookRequest("POST", "u", body=(folder / f"{name}.json").read_bytes())
        (said,) = whatsapp_of(ad_window_hours=hours).parse_inbound(request).events
        assert isinstance(said, InboundMessage)
        windows[name] = said.window
    assert windows == {"from_an_advertisement": seconds, "text": None}, "None: the channel's own 24 hours"


@pytest.mark.parametrize("hours", [23, 73, True, "48", 36.5])
def test_a_window_after_advertisements_that_cannot_be_is_refused_by_name(hours: Any) -> None:
    with pytest.raises(Refused, match="ad_window_hours"):
        whatsapp_of(ad_window_hours=hours)
