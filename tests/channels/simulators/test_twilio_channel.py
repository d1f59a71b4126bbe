"""The hub's channel and the simulated Twilio, which were written apart: each must understand the other."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from channels.simulators.ledger import Media
from channels.sms import twilio
from channels.sms.twilio import TwilioSms
from hub.domain.errors import BadSignature, ChannelError
from hub.domain.inbox import Inbox
from hub.domain.messages import (
    Address,
    Attachment,
    Consent,
    ConsentWord,
    Delivery,
    DeliveryUpdate,
    InboundMessage,
    OutboundMessage,
    WebhookRequest,
)
from hub.fetcher import PublicFetcher
from hub.ports import ChannelParts
from hub.testing.fakes import ManualClock
from tests.channels.simulators.conftest import ACCOUNT, CARMEN, OLIVER, SERVICE, SPAIN, UK, Heard, World

assert ACCOUNT.shared_key is not None
SECRETS = {"auth_token": ACCOUNT.token, f"shared_key:{ACCOUNT.shared_key[0]}": ACCOUNT.shared_key[1]}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def channel_of(world: World, **settings: Any) -> TwilioSms:
    """The channel of an inbox with the simulated account."""
    given = {"account_sid": ACCOUNT.sid, "numbers": [SPAIN, UK], "api_url": world.url, **settings}
    fetcher = PublicFetcher({urlsplit(world.url).netloc})
    return twilio.channel(
        ChannelParts(
            Inbox("inbox-sms", "sms", "Text messages", "sms", "team", settings=given),
            SECRETS,
            lambda purpose: purpose.encode(),
            ManualClock(),
            fetcher,
            f"{world.hub.url}/webhooks/sms",
        )
    )


def outbound(text: str = "hola", to: str = CARMEN, **values: Any) -> OutboundMessage:
    return OutboundMessage("01JD4A0000000000000000MINE", "conversation", Address("sms", to), text, **values)


def taken(sms: TwilioSms, heard: Heard) -> Any:
    """What the channel makes of a call, once it has believed it."""
    request = WebhookRequest(
        "POST", heard.url, {name.lower(): value for name, value in heard.headers.items()}, body=heard.body
    )
    sms.verify(request)
    (event,) = sms.parse_inbound(request).events
    return event


@pytest.mark.parametrize("signing", ["token", "shared_key"])
@pytest.mark.parametrize("body_format", ["form", "json"])
def test_a_customers_text_is_believed_and_understood(world: World, signing: str, body_format: str) -> None:
    world.number(SPAIN, signing=signing, body_format=body_format)
    text = "¿Dónde está mi lámpara? 😀 100% + más & <b>\nadiós"
    sid = world.text(text)["sid"]
    said = taken(channel_of(world), world.hub.wait_for(1)[0])
    assert said == InboundMessage(sid, Address("sms", CARMEN), text, to=SPAIN)


@pytest.mark.parametrize("do", ["tamper", "unsigned"])
@pytest.mark.parametrize("signing", ["token", "shared_key"])
@pytest.mark.parametrize("body_format", ["form", "json"])
def test_forgeries_are_refused(world: World, do: str, signing: str, body_format: str) -> None:
    world.number(SPAIN, signing=signing, body_format=body_format)
    world.fault(where="webhook", do=do)
    world.text("hola")
    with pytest.raises(BadSignature):
        taken(channel_of(world), world.hub.wait_for(1)[0])


@pytest.mark.parametrize(
    ("body", "opt_out", "consent"),
    [
        ("Stop", "default", Consent(ConsentWord.STOP, answered=True)),
        ("cancel", "default", Consent(ConsentWord.STOP, answered=True)),
        ("baja", "default", Consent(ConsentWord.STOP)),
        ("yes", "default", None),
        ("cancel", "off", None),
        ("stop", "off", Consent(ConsentWord.STOP)),
        ("stop", "advanced", Consent(ConsentWord.STOP, answered=True)),
        ("yes", "advanced", None),
        ("help", "advanced", Consent(ConsentWord.HELP, answered=True)),
    ],
)
def test_words_of_consent(world: World, body: str, opt_out: str, consent: Consent | None) -> None:
    world.number(SPAIN, opt_out=opt_out)
    world.text(body)
    assert taken(channel_of(world, opt_out=opt_out), world.hub.wait_for(1)[0]).consent == consent


def test_a_picture_comes_through_twilio_to_us(world: World) -> None:
    world.twilio.text(CARMEN, SPAIN, "mire", [Media("", "", "lamp.png", "image/png", 0, PNG)])
    sms = channel_of(world)
    said = taken(sms, world.hub.wait_for(1)[0])
    (media,) = said.media
    assert (said.text, media.media_type) == ("mire", "image/png")
    got = sms.fetch_media(media)
    assert (got.content, got.media_type) == (PNG, "image/png")


@pytest.mark.parametrize(("do", "permanent"), [("missing", True), ("expired", True), ("cut", False)])
def test_a_picture_that_cannot_be_had(world: World, do: str, permanent: bool) -> None:
    world.twilio.text(CARMEN, SPAIN, "mire", [Media("", "", "lamp.png", "image/png", 0, PNG)])
    sms = channel_of(world)
    (media,) = taken(sms, world.hub.wait_for(1)[0]).media
    world.fault(where="media", do=do)
    with pytest.raises(ChannelError) as error:
        sms.fetch_media(media)
    assert error.value.permanent == permanent


def test_a_message_goes_out_and_its_reports_find_it(world: World) -> None:
    sms = channel_of(world)
    receipt = sms.send(outbound("¡Hola! 😀", sender=UK))
    kept = world.ledger.message(receipt.provider_id)
    assert kept is not None
    assert (kept.body, kept.sender, kept.recipient) == ("¡Hola! 😀", UK, CARMEN)
    updates = [taken(sms, heard) for heard in world.hub.wait_for(3)]
    states = [Delivery.SENT, Delivery.SENT, Delivery.DELIVERED]
    assert updates == [DeliveryUpdate(each, receipt.provider_id, "01JD4A0000000000000000MINE") for each in states]


def test_a_report_that_overtakes_our_calls_answer_names_our_message(world: World) -> None:
    world.fault(where="status", do="early")
    sms = channel_of(world)
    receipt = sms.send(outbound())
    first = taken(sms, world.hub.wait_for(3)[0])
    assert (first.message_id, first.provider_id) == ("01JD4A0000000000000000MINE", receipt.provider_id)


def test_a_delivery_that_fails_says_why(world: World) -> None:
    world.fault(where="send", do="fail_later", code=30007)
    sms = channel_of(world)
    sms.send(outbound())
    last = [taken(sms, heard) for heard in world.hub.wait_for(3)][-1]
    assert (last.state, last.error_code) == (Delivery.FAILED, "30007")
    assert last.error_text == "the network took the message for unwanted"


def test_a_service_sends_from_its_pool(world: World) -> None:
    for number in (SPAIN, UK):
        world.number(number, messaging_service_sid=SERVICE)
    sms = channel_of(world, messaging_service_sid=SERVICE)
    for to, written_to, sender in ((CARMEN, "", SPAIN), (OLIVER, "", UK), (CARMEN, UK, UK)):
        kept = world.ledger.message(sms.send(outbound(to=to, sender=written_to)).provider_id)
        assert kept is not None
        assert (kept.sender, kept.service_sid) == (sender, SERVICE)


def test_a_picture_goes_out_as_mms(world: World) -> None:
    world.hub.files["/files/lamp.png"] = (200, PNG, "image/png")
    lamp = Attachment("id", "lamp.png", "image/png", len(PNG), f"{world.hub.url}/files/lamp.png")
    sms = channel_of(world, mms=True)
    receipt = sms.send(outbound("la lámpara", attachments=(lamp,)))
    world.hub.wait_for(3)
    (media,) = world.ledger.media_of([receipt.provider_id])[receipt.provider_id]
    kept = world.ledger.media(media.sid)
    assert kept is not None
    assert (receipt.provider_id[:2], kept.content) == ("MM", PNG)


@pytest.mark.parametrize(
    ("fault", "flags", "code", "retry_after"),
    [
        ({"do": "refuse", "status": 429, "retry_after": 4}, "", "20429", 4.0),
        ({"do": "refuse", "status": 503}, "", "20503", None),
        ({"do": "refuse", "status": 500}, "", "20500", None),
        ({"do": "refuse", "status": 401}, "account", "20003", None),
        ({"do": "refuse", "status": 400, "code": 21614}, "permanent", "21614", None),
        ({"do": "refuse", "status": 504}, "unknown", "20500", None),
        ({"do": "cut"}, "unknown", "cut_off", None),
    ],
)
def test_refusals(world: World, fault: dict[str, Any], flags: str, code: str, retry_after: float | None) -> None:
    world.fault(where="send", **fault)
    with pytest.raises(ChannelError) as error:
        channel_of(world).send(outbound())
    found = [name for name in ("permanent", "account", "unknown") if getattr(error.value, name)]
    assert (found, error.value.code, error.value.retry_after) == ([flags] if flags else [], code, retry_after)
    assert world.ledger.listed(recipient=CARMEN) == []


def test_who_said_stop_is_opted_out_until_they_say_start(world: World) -> None:
    sms = channel_of(world)
    world.text("STOP")
    with pytest.raises(ChannelError) as error:
        sms.send(outbound())
    assert (error.value.code, error.value.permanent, error.value.opted_out) == ("21610", True, True)
    world.text("START")
    assert sms.send(outbound()).state is Delivery.SENT


def test_a_wrong_token_is_the_accounts_fault(world: World) -> None:
    sms = channel_of(world, account_sid="AC" + "9" * 32)
    with pytest.raises(ChannelError) as error:
        sms.send(outbound())
    assert (error.value.account, error.value.permanent) == (True, False)


@pytest.mark.parametrize("do", ["accept_then_cut", "accept_then_time_out"])
def test_a_lost_answer_is_unknown_and_the_message_is_found(world: World, do: str) -> None:
    world.fault(where="send", do=do)
    sms = channel_of(world, timeout=0.5)
    with pytest.raises(ChannelError) as error:
        sms.send(outbound("único"))
    assert (error.value.unknown, error.value.permanent) == (True, False)
    (made,) = world.ledger.listed(recipient=CARMEN)
    receipt = sms.find_sent(outbound("único"), since=int(made.created) * 1_000_000)
    assert receipt is not None
    assert receipt.provider_id == made.sid
    assert sms.find_sent(outbound("único"), since=int(made.created + 5) * 1_000_000) is None
    assert sms.find_sent(outbound("otro"), since=0) is None
    assert sms.find_sent(outbound("único", to=OLIVER), since=0) is None


def test_of_two_equal_messages_neither_is_guessed(world: World) -> None:
    sms = channel_of(world)
    for _ in range(2):
        sms.send(outbound("sí"))
    assert sms.find_sent(outbound("sí"), since=0) is None
