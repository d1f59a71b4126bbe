"""The simulated Meta: its webhooks are what the channels believe and read, its API what pywa speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from flask import Flask
from pywa import WhatsApp as Pywa
from pywa.errors import ReEngagementMessage

from channels.simulators import meta as simulator
from channels.simulators.lanes import Lanes, ManualTime
from channels.simulators.ledger import Ledger, Media
from channels.simulators.line import Reply
from channels.simulators.meta import ACCOUNTS, Meta, identity, routes
from channels.simulators.server import create_app
from channels.simulators.twilio import Twilio
from channels.simulators.twilio_account import Account
from channels.social import instagram, messenger, whatsapp
from hub.domain import deep_links
from hub.domain.inbox import Inbox
from hub.domain.messages import Deletion, DeliveryUpdate, Echo, Edit, InboundMessage, Parsed, Reaction, WebhookRequest
from hub.ports import Channel, ChannelMaker, ChannelParts

ANA = "+34600111222"
HOUR = 3600.0
TOKEN = "a-token-of-sixteen-characters"  # made up
MAKERS: Mapping[str, ChannelMaker] = {
    "whatsapp": whatsapp.channel,
    "messenger": messenger.channel,
    "instagram": instagram.channel,
}
SETTINGS = {"whatsapp": "phone_number_id", "messenger": "page_id", "instagram": "account_id"}


class Hub:
    """The other end of the webhooks: it keeps what came, and answers what a test says."""

    def __init__(self) -> None:
        self.got: list[WebhookRequest] = []
        self.answers: list[int] = []

    def post(self, url: str, body: bytes, headers: Mapping[str, str], **_: float) -> Reply:
        lower = {name.lower(): value for name, value in headers.items()}
        self.got.append(WebhookRequest("POST", url, lower, body=body))
        return Reply(self.answers.pop(0) if self.answers else 200, {}, b"")

    def close(self) -> None:
        return


@pytest.fixture
def clock() -> ManualTime:
    return ManualTime()


@pytest.fixture
def world(clock: ManualTime) -> tuple[Meta, Lanes, Hub]:
    lanes, hub = Lanes(clock), Hub()
    meta = Meta(TOKEN, Ledger(), lanes, "http://simulator.test", clock)
    meta._lines = hub  # type: ignore[assignment]  # in the place of the network
    meta.webhooks = {app: f"http://hub.test/webhooks/{app}" for app in simulator.APPS}
    return meta, lanes, hub


def channel_of(app: str, meta: Meta) -> Channel:
    """Our channel of the simulated account."""
    settings = {SETTINGS[app]: ACCOUNTS[app], "app_id": simulator.HUB_APP}
    inbox = Inbox("i", "k", app, app, "t", settings=settings)
    return MAKERS[app](ChannelParts(inbox, meta.secrets, lambda _: b"", None, None, "http://hub.test"))  # type: ignore[arg-type]  # asked for nothing


def read(app: str, meta: Meta, requests: list[WebhookRequest]) -> list[Parsed]:
    """What our channel makes of webhooks, each of which it has to believe."""
    made = channel_of(app, meta)
    parsed = []
    for request in requests:
        made.verify(request)
        parsed.append(made.parse_inbound(request))
    return parsed


def known_as(app: str) -> str:
    """Ana's address in the hub: of a number with its plus, which WhatsApp leaves out."""
    value = identity(app, ANA)
    return f"+{value}" if value.isdecimal() and app == "whatsapp" else value


@pytest.mark.parametrize("app", simulator.APPS)
def test_the_channel_reads_what_customers_do(app: str, world: tuple[Meta, Lanes, Hub], clock: ManualTime) -> None:
    meta, lanes, hub = world
    kept = meta.text(app, ANA, "¿Dónde está mi pedido? 📦 1/2")
    meta.press(app, ANA, "No", "01JD4A0000000000000000HELL.2")
    meta.react(app, ANA, "m_1", "👍")
    meta.echo(app, ANA, "typed in the app")
    meta.faults[app].add({"where": "webhook", "do": "poison"})
    meta.text(app, ANA, "after the poison")
    lanes.play(clock, 1)
    text, pressed, reaction, echo, poisoned = read(app, meta, hub.got)
    (message,) = text.events
    assert isinstance(message, InboundMessage)
    assert (message.text, message.external_id) == ("¿Dónde está mi pedido? 📦 1/2", kept.sid)
    assert (message.address.value, message.sent_at) == (known_as(app), pytest.approx(clock.now * 1e6, abs=2e6))
    assert [each.payload for each in pressed.events if isinstance(each, InboundMessage)] == [
        "01JD4A0000000000000000HELL.2"
    ]
    assert [(each.target, each.emoji) for each in reaction.events if isinstance(each, Reaction)] == [("m_1", "👍")]
    assert [(each.own, each.message.text) for each in echo.events if isinstance(each, Echo)] == [
        (False, "typed in the app")
    ]
    assert len(poisoned.set_aside) == 1
    assert [each.text for each in poisoned.events if isinstance(each, InboundMessage)] == ["after the poison"]
    assert meta.ledger.summary()["texts"]["accepted"] == 3


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
@pytest.mark.parametrize("app", simulator.APPS)
def test_a_link_that_the_channel_declares_opens_it_and_brings_its_word(
    app: str, known: bool, world: tuple[Meta, Lanes, Hub], clock: ManualTime
) -> None:
    meta, lanes, hub = world
    if known:
        meta.text(app, ANA, "hello")
        lanes.play(clock, 1)
    hub.got.clear()
    form, token = channel_of(app, meta).capabilities.deep_link, deep_links.new_token()
    link = deep_links.address(form, simulator.HANDLES.get(app, ""), token, "es")
    assert meta.opened(ANA, link) == app
    lanes.play(clock, 1)
    ((message,),) = [each.events for each in read(app, meta, hub.got)]
    assert isinstance(message, InboundMessage)
    assert (message.address.value, deep_links.brought(form, message)) == (known_as(app), (token, ""))
    assert message.sent_at, "the window runs from here"
    for other in ("https://m.me/1?ref=x", link.partition("?")[0], "https://shop.example/"):
        assert meta.opened(ANA, other) == ""


@pytest.mark.parametrize(
    ("app", "do"),
    [("whatsapp", "edit"), ("whatsapp", "take_back"), ("messenger", "edit"), ("instagram", "take_back")],
)
def test_a_customer_changes_what_they_said(
    app: str, do: str, world: tuple[Meta, Lanes, Hub], clock: ManualTime
) -> None:
    meta, lanes, hub = world
    sent = meta.text(app, ANA, "tomorow at 9")
    assert meta.change(app, ANA, sent.sid, do, "tomorrow at 9")
    assert not meta.change("instagram", ANA, sent.sid, "edit", "x")
    lanes.play(clock, 1)
    (changed,) = read(app, meta, hub.got)[1].events
    assert isinstance(changed, Edit | Deletion)
    assert (changed.target, changed.address.value) == (sent.sid, known_as(app))
    assert isinstance(changed, Deletion) if do == "take_back" else getattr(changed, "text", "") == "tomorrow at 9"


def test_another_link_that_opens_a_thread_says_nothing(world: tuple[Meta, Lanes, Hub], clock: ManualTime) -> None:
    meta, lanes, hub = world
    meta.text("messenger", ANA, "hello")
    assert meta.opened(ANA, f"https://m.me/{ACCOUNTS['messenger']}?ref=summer") == "messenger"
    lanes.play(clock, 1)
    assert [each.events for each in read("messenger", meta, hub.got)][1] == ()


def test_what_the_hub_does_not_take_comes_again_for_a_week(world: tuple[Meta, Lanes, Hub], clock: ManualTime) -> None:
    meta, lanes, hub = world
    hub.answers = [500] * 1000
    began = clock.now
    kept = meta.text("whatsapp", ANA, "hello")
    lanes.play(clock, 8 * 24 * HOUR)
    assert 30 < len(hub.got) < 60
    assert clock.now - began >= 7 * 24 * HOUR
    assert meta.ledger.message(kept.sid).status == "failed"  # type: ignore[union-attr]  # it is there


def hub_sends(meta: Meta, app: str, **more: Any) -> simulator.Answer:
    """The hub's call, as its channel makes it."""
    who = identity(app, ANA)
    body: dict[str, Any] = {
        "recipient": {"id": who},
        "messaging_type": "RESPONSE",
        "message": {"text": "Hi", "metadata": "OURS"},
    }
    if app == "whatsapp":
        body = {
            "to": who,
            "type": "text",
            "text": {"body": "Hi"},
            "biz_opaque_callback_data": "01JD4A0000000000000000HELL",
        }
    return meta.send(ACCOUNTS[app], {**body, **more}, f"Bearer {meta.secrets['access_token']}")


@pytest.mark.parametrize(("app", "code"), [("whatsapp", 131047), ("messenger", 10), ("instagram", 10)])
def test_the_window_closes_after_a_day(app: str, code: int, world: tuple[Meta, Lanes, Hub], clock: ManualTime) -> None:
    meta, lanes, _ = world
    assert hub_sends(meta, app).body["error"]["code"] == code, "nobody wrote yet"
    meta.text(app, ANA, "hello")
    lanes.play(clock, 23 * HOUR)
    assert hub_sends(meta, app).status == 200
    clock.now += 2 * HOUR
    assert hub_sends(meta, app).body["error"]["code"] == code
    if app == "whatsapp":
        assert hub_sends(meta, app, type="template", template={"name": "order"}).body["error"]["code"] == 132001
        meta.templates.append({"name": "order", "status": "APPROVED"})
        assert hub_sends(meta, app, type="template", template={"name": "order"}).status == 200
    else:
        assert hub_sends(meta, app, messaging_type="MESSAGE_TAG", tag="HUMAN_AGENT").status == 200
        assert hub_sends(meta, app, messaging_type="MESSAGE_TAG", tag="ACCOUNT_UPDATE").status == 400


def test_reports_follow_and_can_come_the_wrong_way_round(world: tuple[Meta, Lanes, Hub], clock: ManualTime) -> None:
    meta, lanes, hub = world
    meta.text("whatsapp", ANA, "hello")
    lanes.play(clock, 1)
    hub.got.clear()
    meta.faults["whatsapp"].add({"where": "status", "do": "reverse"})
    hub_sends(meta, "whatsapp")
    lanes.play(clock, 5)
    events = [each for parsed in read("whatsapp", meta, hub.got) for each in parsed.events]
    states = [each.state.value for each in events if isinstance(each, DeliveryUpdate)]
    assert states == ["read", "delivered", "sent"]


def test_a_revoked_token_is_refused(world: tuple[Meta, Lanes, Hub]) -> None:
    meta, _, _ = world
    meta.revoked = True
    assert (hub_sends(meta, "whatsapp").status, hub_sends(meta, "whatsapp").body["error"]["code"]) == (401, 190)


def test_pywa_is_answered_as_by_meta(world: tuple[Meta, Lanes, Hub], clock: ManualTime) -> None:
    meta, lanes, _ = world
    app = Flask(__name__)
    app.register_blueprint(routes(meta))
    session = httpx.Client(transport=httpx.WSGITransport(app=app))
    client = Pywa(ACCOUNTS["whatsapp"], meta.secrets["access_token"], session=session)
    with pytest.raises(ReEngagementMessage):
        client.send_message(to=identity("whatsapp", ANA), text="too early")
    file = Media("", "", "a.png", "image/png", 0, b"\x89PNG")
    meta.text("whatsapp", ANA, "look", [file])
    lanes.play(clock, 1)
    sent = client.send_message(to=identity("whatsapp", ANA), text="hello")
    assert meta.ledger.message(str(sent.id)).body == "hello"  # type: ignore[union-attr]  # it is there
    (kept,) = meta.ledger.media_of([each.sid for each in meta.ledger.listed(sender=ANA)]).values()
    url = client.get_media_url(kept[0].sid)
    assert session.get(url.url).content == b"\x89PNG"


def test_the_phones_write_press_and_are_troubled_by_meta_too(world: tuple[Meta, Lanes, Hub], clock: ManualTime) -> None:
    meta, lanes, hub = world
    twilio = Twilio(Account("AC" + "0a" * 16, "a token of a test account"), meta.ledger, lanes, base_url="http://x")
    page = create_app(twilio, meta=meta).test_client()
    assert page.get("/control/numbers").get_json()["apps"] == ["instagram", "messenger", "whatsapp"]
    for app in simulator.APPS:
        hub.got.clear()
        fault = {"channel": app, "where": "webhook", "do": "duplicate", "number": ANA}
        assert page.post("/control/faults", json=fault).status_code == 201
        assert page.post("/control/texts", json={"channel": app, "from": ANA, "body": "hola"}).status_code == 201
        lanes.play(clock, 1)
        (first,), (again,) = (each.events for each in read(app, meta, hub.got))
        assert isinstance(first, InboundMessage)
        assert first == again
        button = {"title": "Sí", "payload": "01JD4A0000000000000000HELL.1"}
        more: dict[str, Any] = {"message": {"text": "¿Sí?", "quick_replies": [button]}}
        if app == "whatsapp":
            reply = {"type": "reply", "reply": {"id": button["payload"], "title": "Sí"}}
            interactive = {"type": "button", "body": {"text": "¿Sí?"}, "action": {"buttons": [reply]}}
            more = {"type": "interactive", "interactive": interactive, "text": None}
        hub_sends(meta, app, **more)
        lanes.play(clock, 1)
        hub.got.clear()
        shown = [
            each
            for each in page.get("/control/texts", query_string={"number": ANA}).get_json()["texts"]
            if each["choices"]
        ]
        (asked,) = (each for each in shown if each["channel"] == app)
        assert (asked["choices"], asked["body"]) == (["Sí"], "¿Sí?")
        press = {"channel": app, "from": ANA, "sid": asked["sid"], "choice": 0}
        assert page.post("/control/presses", json=press).status_code == 201
        lanes.play(clock, 1)
        (pressed,) = (each for parsed in read(app, meta, hub.got) for each in parsed.events)
        assert isinstance(pressed, InboundMessage)
        assert pressed.payload == button["payload"]
        wrong = page.post("/control/presses", json=press | {"choice": 1})
        assert (wrong.status_code, wrong.get_json()["field"]) == (422, "choice")
    wrong = page.post("/control/faults", json={"channel": "pigeon", "where": "webhook", "do": "duplicate"})
    assert (wrong.status_code, wrong.get_json()["field"]) == (422, "channel")
