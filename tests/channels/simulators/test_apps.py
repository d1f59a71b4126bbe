"""The simulated Telegram, LINE and Slack: the providers' own libraries as clients, our channels on the other side."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from flask import Flask, request
from linebot.v3 import messaging as line_sdk  # type: ignore[import-untyped]  # it carries no annotations
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from telegram import Bot
from telegram.error import Forbidden, RetryAfter
from werkzeug.serving import make_server

from channels.simulators.apps import APPS, Apps, identity, number_of, routes
from channels.simulators.lanes import Lanes
from channels.simulators.ledger import Ledger, Media
from channels.simulators.server import create_app
from channels.simulators.twilio import Twilio
from channels.simulators.twilio_account import Account
from channels.social import line, slack, telegram
from hub.clock import SystemClock
from hub.domain import deep_links
from hub.domain.errors import BadSignature, ChannelError
from hub.domain.inbox import Inbox
from hub.domain.messages import (
    Address,
    Button,
    Deletion,
    Edit,
    InboundMessage,
    OutboundMessage,
    Parsed,
    Reaction,
    WebhookRequest,
    choice_token,
)
from hub.fetcher import PublicFetcher
from hub.ports import Account as AccountOf
from hub.ports import Channel, ChannelParts, MediaSource, Registrar
from hub.testing.conformance.subject import NoFetcher
from tests.parts import free_port

ANA = "+34611223344"
TOKEN = "a token of the simulators"
MAKERS: dict[str, Callable[[ChannelParts], Channel]] = {
    "telegram": telegram.channel,
    "line": line.channel,
    "slack": slack.channel,
}


@dataclass
class World:
    """Simulators that are served, and a hub that is nothing but channels. `heard` are what webhooks became."""

    apps: Apps
    url: str
    channels: dict[str, Channel]
    heard: list[Parsed] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)
    status: int = 200

    def wait(self, until: Callable[[], object], seconds: float = 60.0) -> None:
        with self.news:
            assert self.news.wait_for(until, seconds)

    @property
    def said(self) -> list[InboundMessage]:
        return [each for parsed in self.heard for each in parsed.events if isinstance(each, InboundMessage)]


def parts(url: str, app: str, secrets: dict[str, str], **settings: str) -> ChannelParts:
    inbox = Inbox("i", app, app, app, "t", settings={"api_url": f"{url}/{app}", **settings})
    return ChannelParts(inbox, secrets, lambda _: b"", SystemClock(), NoFetcher(), f"{url}/webhooks/{app}")


@pytest.fixture(scope="module")
def served() -> Iterator[World]:
    url = f"http://127.0.0.1:{(port := free_port())}"
    ledger, lanes = Ledger(), Lanes()
    apps = Apps(TOKEN.replace(" ", "-"), ledger, lanes, url)
    channels = {app: MAKERS[app](parts(url, app, apps.secrets[app])) for app in APPS}
    world = World(apps, url, channels)
    flask = Flask(__name__)
    flask.register_blueprint(routes(apps))

    @flask.post("/webhooks/<app>")
    def webhook(app: str) -> tuple[bytes, int]:
        headers = {name.lower(): value for name, value in request.headers}
        given = WebhookRequest("POST", request.url, headers, body=request.get_data())
        channels[app].verify(given)
        parsed = channels[app].parse_inbound(given)
        with world.news:
            if world.status == 200:
                world.heard.append(parsed)
            world.news.notify_all()
            return parsed.reply.body, world.status

    server = make_server("127.0.0.1", port, flask, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    lanes.start(4)
    yield world
    apps.close()
    lanes.stop()
    server.shutdown()
    ledger.close()


@pytest.fixture
def world(served: World) -> World:
    served.heard.clear()
    served.status = 200
    served.apps.webhooks = {app: f"{served.url}/webhooks/{app}" for app in APPS}
    return served


@pytest.mark.parametrize("app", APPS)
def test_a_customer_writes_presses_and_is_answered(world: World, app: str) -> None:
    sent = world.apps.text(app, ANA, "¿Dónde está <mi> sofá? & cuándo 🛋️")
    world.wait(lambda: world.said)
    (message,) = world.said
    assert (message.external_id, message.text) == (sent.sid, "¿Dónde está <mi> sofá? & cuándo 🛋️")
    assert message.address.value == identity(app, ANA)
    assert number_of(app, message.address.value) == ANA
    buttons = (Button("Sí", "/affirm"), Button("No", "/deny"))
    out = OutboundMessage(
        "01JD4A0000000000000000HELL", "c", message.address, "Mañana <a las 9>", buttons, sender=message.to
    )
    receipt = world.channels[app].send(out)
    kept = world.apps.ledger.message(receipt.provider_id)
    assert kept
    assert (kept.channel, kept.customer, kept.body, kept.origin) == (app, ANA, out.text, "hub")
    token = choice_token(out.message_id, 2)
    world.apps.press(app, ANA, "No", token)
    world.wait(lambda: len(world.said) == 2)
    assert world.said[1].payload == token


@pytest.mark.parametrize("app", ["telegram", "line"])
def test_a_link_that_the_channel_declares_opens_it_and_brings_its_word(world: World, app: str) -> None:
    channel = world.channels[app]
    assert isinstance(channel, AccountOf)
    form, token = channel.capabilities.deep_link, deep_links.new_token()
    link = deep_links.address(form, channel.account().handle, token, "es")
    assert world.apps.opened(ANA, link) == app
    world.wait(lambda: world.said)
    (message,) = world.said
    found, left = deep_links.brought(form, message)
    assert (found, left.removeprefix("/start ").replace(token, "")) == (token, "")
    for other in (link.replace("lumbre", "somebody"), "https://shop.example/?start=x", link.partition("?")[0]):
        assert world.apps.opened(ANA, other) == ""


@pytest.mark.parametrize(
    ("app", "do"),
    [("telegram", "edit"), ("telegram", "react"), ("line", "take_back")]
    + [("slack", each) for each in ("edit", "take_back", "react")],
)
def test_a_customer_changes_what_they_said(world: World, app: str, do: str) -> None:
    sent = world.apps.text(app, ANA, "tomorow <at> 9")
    world.wait(lambda: world.said)
    assert world.apps.change(app, ANA, sent.sid, do, "👍" if do == "react" else "tomorrow <at> 9")
    world.wait(lambda: len(world.heard) == 2)
    (changed,) = world.heard[1].events
    assert isinstance(changed, Edit | Deletion | Reaction)
    assert (changed.target, changed.address.value) == (sent.sid, identity(app, ANA))
    assert (type(changed), getattr(changed, "text", ""), getattr(changed, "emoji", "")) == {
        "edit": (Edit, "tomorrow <at> 9", ""),
        "take_back": (Deletion, "", ""),
        "react": (Reaction, "", "👍"),
    }[do]


def test_what_an_app_has_not_is_not_done(world: World) -> None:
    assert not world.apps.change("line", ANA, "1", "edit", "x")
    assert not world.apps.change("telegram", ANA, "1:2", "take_back", "")


def test_telegram_is_told_where_to_call_and_says_why_it_will_not(world: World) -> None:
    channel = world.channels["telegram"]
    assert isinstance(channel, Registrar)
    world.apps.webhooks = {}
    channel.register()
    assert world.apps.webhooks == {"telegram": f"{world.url}/webhooks/telegram"}
    world.apps.text("telegram", ANA, "heard")
    world.wait(lambda: world.said)
    far = replace(parts(world.url, "telegram", world.apps.secrets["telegram"]), webhook_url="http://hub.example/hook")
    with pytest.raises(ChannelError, match="An HTTPS URL must be provided"):
        telegram.channel(far).register()
    wrong = parts(world.url, "telegram", world.apps.secrets["telegram"] | {"bot_token": "1:not-the-bots-token"})
    with pytest.raises(ChannelError, match="Unauthorized") as refused:
        telegram.channel(wrong).register()
    assert refused.value.account


@pytest.mark.parametrize("app", APPS)
def test_what_the_hub_refuses_comes_again_and_nothing_unsigned_is_believed(world: World, app: str) -> None:
    world.status = 503
    sent = world.apps.text(app, ANA, "again")
    deadline = time.monotonic() + 60
    while not world.apps.ledger.attempts(sent.sid) and time.monotonic() < deadline:
        with world.news:
            world.news.wait(0.2)
    world.status = 200
    world.wait(lambda: world.said)
    assert world.said[0].external_id == sent.sid
    with pytest.raises(BadSignature):
        world.channels[app].verify(WebhookRequest("POST", "u", body=b"{}"))


@pytest.mark.filterwarnings("ignore:Deprecated since version v22.2")
def test_telegrams_own_library_is_answered_as_by_telegram(world: World) -> None:
    token = world.apps.secrets["telegram"]["bot_token"]

    async def talk() -> None:
        async with Bot(token, base_url=f"{world.url}/telegram/bot") as bot:
            sent = await bot.send_message(int(ANA[1:]), "hello")
            assert world.apps.ledger.message(f"{ANA[1:]}:{sent.message_id}")
            world.apps.faults["telegram"].add({"where": "send", "do": "refuse", "status": 429, "retry_after": 7})
            with pytest.raises(RetryAfter):
                await bot.send_message(int(ANA[1:]), "hello")
            world.apps.block("telegram", ANA, blocked=True)
            with pytest.raises(Forbidden):
                await bot.send_message(int(ANA[1:]), "hello")

    asyncio.run(talk())
    with pytest.raises(ChannelError) as refused:
        world.channels["telegram"].send(OutboundMessage("m", "c", Address("telegram", ANA[1:]), "hello"))
    assert refused.value.opted_out
    world.apps.block("telegram", ANA, blocked=False)


def test_lines_own_library_is_answered_as_by_line(world: World) -> None:
    token = world.apps.secrets["line"]["channel_access_token"]
    with line_sdk.ApiClient(line_sdk.Configuration(host=f"{world.url}/line", access_token=token)) as client:
        push = line_sdk.PushMessageRequest(to=identity("line", ANA), messages=[line_sdk.TextMessage(text="hello")])
        key = "123e4567-e89b-12d3-a456-426614174000"
        sent = line_sdk.MessagingApi(client).push_message(push, x_line_retry_key=key)
        with pytest.raises(line_sdk.ApiException) as again:
            line_sdk.MessagingApi(client).push_message(push, x_line_retry_key=key)
    assert again.value.status == 409
    assert world.apps.ledger.message(sent.sent_messages[0].id)


def test_a_push_whose_answer_was_lost_is_found_by_its_key_and_a_token_is_used_once(world: World) -> None:
    channel = world.channels["line"]
    assert isinstance(channel, line.Line)
    message = OutboundMessage("01JD4A0000000000000000LOST", "c", Address("line", identity("line", ANA)), "once")
    assert channel.send(message) == channel.find_sent(message, since=0)
    world.apps.text("line", ANA, "hello")
    world.wait(lambda: world.said)
    answers = [
        OutboundMessage(f"01JD4A000000000000000TOKE{n}", "c", message.address, f"answer {n}", sender=world.said[0].to)
        for n in range(2)
    ]
    first, second = [channel.send(each) for each in answers]
    assert first != second, "the second was pushed: its token was used"
    assert channel.find_sent(answers[0], since=SystemClock().now()) is None


def test_slacks_own_library_is_answered_as_by_slack(world: World) -> None:
    client = WebClient(world.apps.secrets["slack"]["bot_token"], base_url=f"{world.url}/slack/")
    said = client.chat_postMessage(channel=identity("slack", ANA), text="1 &lt; 2")
    kept = world.apps.ledger.message(f"{said['channel']}:{said['ts']}")
    assert kept
    assert kept.body == "1 < 2"
    world.apps.faults["slack"].add({"where": "send", "do": "refuse", "status": 429, "retry_after": 9})
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel=identity("slack", ANA), text="hello")
    assert refused.value.response.headers["Retry-After"] == "9"


def test_the_page_hears_which_apps_there_are_and_writes_by_them(world: World) -> None:
    account = Account("AC" + "0a" * 16, "a token of a test account")
    lanes = Lanes()
    client = create_app(Twilio(account, world.apps.ledger, lanes, base_url=world.url), apps=world.apps).test_client()
    assert client.get("/control/numbers").get_json()["apps"] == ["line", "slack", "telegram"]
    written = client.post("/control/texts", json={"channel": "line", "from": ANA, "body": "hola"})
    world.wait(lambda: world.said)
    assert world.said[0].external_id == written.get_json()["sid"]
    wrongs: list[dict[str, Any]] = [{"channel": "pigeon"}, {"from": "Ana"}, {"body": ""}, {"media": "none"}]
    for wrong in wrongs:
        body = {"channel": "line", "from": ANA, "body": "hola", **wrong}
        answer = client.post("/control/texts", json=body)
        assert (answer.status_code, answer.get_json()["field"]) == (422, next(iter(wrong)))


@pytest.mark.parametrize("app", APPS)
def test_pictures_come_in_and_can_be_had(world: World, app: str) -> None:
    world.apps.text(app, ANA, "look", [Media("", "", "lamp.png", "image/png", 0, b"\x89PNG lamp")])
    world.wait(lambda: sum(len(each.media) for each in world.said) == 1 and any(each.text for each in world.said))
    (media,) = (media for each in world.said for media in each.media)
    known = [each.external_id for each in world.said]
    assert all(world.apps.ledger.message(sid) for sid in known)
    made = parts(world.url, app, world.apps.secrets[app])
    source = MAKERS[app](replace(made, fetcher=PublicFetcher({world.url.removeprefix("http://")})))
    assert isinstance(source, MediaSource)
    assert source.fetch_media(media).content == b"\x89PNG lamp"


@pytest.mark.parametrize("app", APPS)
def test_what_can_go_wrong_with_a_message_loses_none(world: World, app: str) -> None:
    for fault in ("duplicate", "lose_answer", "poison", "unknown_type"):
        world.heard.clear()
        world.apps.faults[app].add({"where": "webhook", "do": fault})
        sent = world.apps.text(app, ANA, "hello")
        copies = 2 if fault in ("duplicate", "lose_answer") else 1
        world.wait(lambda copies=copies: len(world.said) == copies)
        assert {each.external_id for each in world.said} == {sent.sid}
        assert bool(world.said[0].unsupported) == (fault == "unknown_type")
        if fault == "poison":
            world.wait(lambda: any(each.set_aside for each in world.heard))  # a call of its own with some
        else:
            assert not any(each.set_aside for each in world.heard)
    assert world.apps.faults[app].listed() == []


class FakeLine:
    """What a listener has of the hub: it keeps what is emitted, once for each id, and the memory."""

    def __init__(self, channel: slack.Slack, memory: str = "") -> None:
        self.memory = memory
        self.said: dict[str, str] = {}
        self._channel = channel
        self._stopped = threading.Event()
        self.news = threading.Condition()

    def emit(self, request: WebhookRequest, memory: str = "") -> None:
        with self.news:
            for each in self._channel.parse_inbound(request).events:
                if isinstance(each, InboundMessage):
                    self.said.setdefault(each.external_id, each.text)
            self.memory = memory or self.memory
            self.news.notify_all()

    def emit_all(self, arrived: Sequence[tuple[WebhookRequest, str]]) -> None:
        for each in arrived:
            self.emit(*each)

    def remember(self, memory: str) -> None:
        with self.news:
            self.memory = memory
            self.news.notify_all()

    def seen(self, behind: int = 0, notice: str = "") -> None:
        pass

    def failed(self, error: str) -> None:
        raise AssertionError(error)

    def stopped(self) -> bool:
        return self._stopped.is_set()

    def wait(self, seconds: float) -> bool:
        return self._stopped.wait(min(seconds, 0.2))

    def stop(self) -> None:
        self._stopped.set()


def test_a_socket_brings_messages_and_what_was_said_without_one_is_fetched(world: World) -> None:
    del world.apps.webhooks["slack"]
    secrets: dict[str, Any] = world.apps.secrets["slack"]
    channel = slack.channel(parts(world.url, "slack", secrets, mode="socket"))
    assert isinstance(channel, slack.SlackSocket)
    first = FakeLine(channel)
    listened(world, channel, first, "live 0")
    world.apps.text("slack", ANA, "while away")
    second = FakeLine(channel, first.memory)
    second.said = first.said
    listened(world, channel, second, "live 1", missed="while away")
    assert list(second.said.values()) == ["live 0", "while away", "live 1"]
    with pytest.raises(BadSignature):
        channel.verify(WebhookRequest("POST", "u"))


def listened(world: World, channel: slack.SlackSocket, hub: FakeLine, live: str, missed: str = "") -> None:
    """Listens until what was missed is here, and then what is said now."""
    thread = threading.Thread(target=channel.listen, args=(hub,), daemon=True)
    thread.start()
    with hub.news:
        assert hub.news.wait_for(lambda: hub.memory and (not missed or missed in hub.said.values()), 30)
    world.apps.text("slack", ANA, live)
    with hub.news:
        assert hub.news.wait_for(lambda: live in hub.said.values(), 30)
    hub.stop()
    thread.join(30)
    assert not thread.is_alive()
