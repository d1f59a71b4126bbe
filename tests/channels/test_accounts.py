"""How the account is, that somebody reads and writes, and tokens that end: the calls that each provider documents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from channels.chat import widget
from channels.email import mailbox
from channels.sms import twilio, whatsapp_twilio
from channels.social import instagram, line, messenger, slack, telegram, whatsapp
from hub.domain.errors import ChannelError, Refused
from hub.domain.inbox import AccountState, Inbox
from hub.domain.messages import Address, Attention, OutboundMessage
from hub.domain.templates import OutboundTemplate
from hub.ports import Account, Attentive, Channel, ChannelMaker, ChannelParts, EndingToken, Names, TemplateSource
from hub.testing.provider import Answer, Asked, Provider

NOW = 1_800_000_000_000_000
HOOK = "https://hub.example/webhooks/key"
OF_META = {"access_token": "EAAtoken", "app_secret": "secret-of-the-app", "verify_token": "word"}
TELEGRAM = {"bot_token": "123456:a-token-of-a-bot", "webhook_secret": "a-secret-word"}
LINE = {"channel_secret": "secret-of-line", "channel_access_token": "token-of-line"}
SLACK = {"bot_token": "xoxb-1-token", "signing_secret": "secret-of-slack"}
SID = f"AC{'0' * 32}"
TWILIO = {"account_sid": SID, "numbers": ["+34910000001"]}


class AtNow:
    def now(self) -> int:
        return NOW


class NoFetcher:
    def fetch(self, url: str, *, limit: int, authorization: str = "") -> Any:
        raise AssertionError("nothing is fetched here")


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
def provider(server: Provider) -> Provider:
    server.asked.clear()
    server.first.clear()
    return server


def made(
    make: ChannelMaker, provider: Provider, secrets: Mapping[str, str], kept: dict[str, str] | None = None, **more: Any
) -> Channel:
    settings = {"api_url": provider.url, **more}
    keep = {} if kept is None else kept
    return make(
        ChannelParts(
            Inbox("inbox", "key", "Inbox", "any", "team", settings=settings),
            secrets,
            lambda purpose: purpose.encode() * 32,
            AtNow(),
            NoFetcher(),
            HOOK,
            keep.__setitem__,
        )
    )


def says(provider: Provider, *told: Any, status: int = 200, **headers: str) -> None:
    """What the provider answers next, in this order."""
    provider.first += [Answer(status, headers, json.dumps(each).encode()) for each in told]


def account(channel: Channel) -> AccountState:
    assert isinstance(channel, Account)
    return channel.account()


def asked(provider: Provider) -> list[tuple[str, str]]:
    return [(each.method, urlsplit(each.path).path) for each in provider.asked]


def query(asked: Asked) -> dict[str, list[str]]:
    return parse_qs(urlsplit(asked.path).query)


def test_whatsapp_tells_quality_limit_and_until_when_the_token_is_good(provider: Provider) -> None:
    channel = made(whatsapp.channel, provider, OF_META, phone_number_id="106540352", app_id="4455")
    says(
        provider,
        {
            "verified_name": "Lumbre",
            "display_phone_number": "+34 910 00 00 01",
            "quality_rating": "GREEN",
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
            "id": "106540352",
        },
        {"data": {"is_valid": True, "expires_at": 1_805_000_000}},
    )
    told = AccountState("Lumbre +34 910 00 00 01", "GREEN", "TIER_2K", 1_805_000_000_000_000, handle="34910000001")
    assert account(channel) == told
    assert asked(provider) == [("GET", "/v26.0/106540352"), ("GET", "/v26.0/debug_token")]
    assert query(provider.asked[1])["access_token"] == ["4455|secret-of-the-app"]


def test_a_token_that_meta_does_not_take_is_the_accounts_fault(provider: Provider) -> None:
    channel = made(messenger.channel, provider, OF_META, page_id="1011000")
    says(provider, {"error": {"code": 190, "message": "Error validating access token"}}, status=400)
    with pytest.raises(ChannelError, match="Error validating access token") as raised:
        account(channel)
    assert (raised.value.code, raised.value.account) == ("190", True)


@pytest.mark.parametrize(
    ("make", "settings", "told", "name"),
    [
        (messenger.channel, {"page_id": "1011000"}, {"name": "Lumbre", "id": "1011000"}, "Lumbre"),
        (instagram.channel, {"account_id": "17841000"}, {"username": "lumbre", "id": "17841000"}, "lumbre"),
    ],
    ids=["messenger", "instagram"],
)
def test_pages_and_accounts_say_their_names(
    provider: Provider, make: ChannelMaker, settings: dict[str, str], told: dict[str, str], name: str
) -> None:
    says(provider, told)
    handle = name if "account_id" in settings else ""  # links lead to a page by its id
    assert account(made(make, provider, OF_META, **settings)) == AccountState(name, handle=handle)


@pytest.mark.parametrize(
    ("hook", "problems"),
    [
        ({"url": HOOK, "pending_update_count": 0}, ()),
        ({"url": ""}, (("webhook_unset", ""),)),
        ({"url": "https://old.example/"}, (("webhook_elsewhere", "https://old.example/"),)),
        ({"url": HOOK, "last_error_message": "Wrong response: 502"}, (("webhook_error", "Wrong response: 502"),)),
    ],
    ids=["well", "unset", "elsewhere", "error"],
)
def test_telegram_says_what_it_heard_of_the_hub(
    provider: Provider, hook: dict[str, Any], problems: tuple[tuple[str, str], ...]
) -> None:
    says(provider, {"ok": True, "result": {"id": 1, "username": "lumbre_bot"}}, {"ok": True, "result": hook})
    assert account(made(telegram.channel, provider, TELEGRAM)) == AccountState(
        "@lumbre_bot", problems=problems, handle="lumbre_bot"
    )


def test_line_says_where_it_calls_and_what_is_left_of_the_month(provider: Provider) -> None:
    says(
        provider,
        {"userId": "U1", "basicId": "@lumbre", "displayName": "Lumbre", "chatMode": "bot", "markAsReadMode": "manual"},
        {"endpoint": HOOK, "active": False},
        {"type": "limited", "value": 1000},
        {"totalUsage": 500},
    )
    told = AccountState("Lumbre @lumbre", limit="500 / 1000", problems=(("webhook_unset", HOOK),), handle="@lumbre")
    assert account(made(line.channel, provider, LINE)) == told
    assert [path for _, path in asked(provider)] == [
        "/v2/bot/info",
        "/v2/bot/channel/webhook/endpoint",
        "/v2/bot/message/quota",
        "/v2/bot/message/quota/consumption",
    ]


def test_line_without_a_webhook_is_told_from_a_token_that_is_refused(provider: Provider) -> None:
    channel = made(line.channel, provider, LINE)
    says(provider, {"displayName": "Lumbre", "basicId": "@lumbre"})
    says(provider, {"message": "Webhook endpoint not found"}, status=404)
    says(provider, {"type": "none"}, {"totalUsage": 3})
    assert account(channel).problems == (("webhook_unset", ""),)
    says(provider, {"message": "Authentication failed"}, status=401)
    with pytest.raises(ChannelError, match="Authentication failed") as raised:
        account(channel)
    assert raised.value.account


def test_slack_names_the_scopes_that_are_lacking(provider: Provider) -> None:
    told = {"ok": True, "url": "https://lumbre.slack.com/", "team": "Lumbre", "user": "hub", "team_id": "T1"}
    says(provider, told, **{"x-oauth-scopes": "chat:write,im:history,reactions:read"})
    state = account(made(slack.channel, provider, SLACK))
    assert state == AccountState("hub · Lumbre", problems=(("missing_scope", "files:read"),))
    says(provider, {"ok": False, "error": "invalid_auth"})
    with pytest.raises(ChannelError, match="invalid_auth") as raised:
        account(made(slack.channel, provider, SLACK))
    assert raised.value.account


@pytest.mark.parametrize("make", [twilio.channel, whatsapp_twilio.channel], ids=["sms", "whatsapp"])
def test_twilio_says_whether_the_account_is_active(provider: Provider, make: ChannelMaker) -> None:
    channel = made(make, provider, {"auth_token": "a-token-of-twilio"}, **TWILIO)
    says(provider, {"sid": SID, "friendly_name": "Lumbre", "status": "suspended", "type": "Full"})
    assert account(channel) == AccountState("Lumbre", problems=(("account_status", "suspended"),))
    says(provider, {"code": 20003, "message": "Authenticate"}, status=401)
    with pytest.raises(ChannelError, match="Authenticate") as raised:
        account(channel)
    assert (raised.value.code, raised.value.account) == ("20003", True)
    assert asked(provider)[0] == ("GET", f"/2010-04-01/Accounts/{SID}.json")


def test_a_mailbox_that_cannot_be_reached_is_named_with_host_and_port(provider: Provider) -> None:
    settings = {"address": "info@lumbre.example", "smtp": {"host": "127.0.0.1", "port": 1, "security": "none"}}
    with pytest.raises(ChannelError, match=r"127\.0\.0\.1:1"):
        account(made(mailbox.channel, provider, {"password": "word"}, **settings))


def test_a_web_chat_that_no_page_may_show_says_so(provider: Provider) -> None:
    assert account(made(widget.channel, provider, {})).problems == (("no_origins", ""),)
    shown = account(made(widget.channel, provider, {}, origins=["https://shop.example"]))
    assert shown == AccountState("https://shop.example:443")


# --- somebody reads and writes ---


def attends(channel: Channel, *, typing: bool, token: str = "") -> None:
    assert isinstance(channel, Attentive)
    channel.attend(Attention(Address("any", "4915112345678"), "their-last", token, typing))


@pytest.mark.parametrize("typing", [False, True], ids=["reads", "writes"])
def test_whatsapp_is_told_by_the_message_that_was_read(provider: Provider, typing: bool) -> None:
    says(provider, {"success": True})
    attends(made(whatsapp.channel, provider, OF_META, phone_number_id="106540352"), typing=typing)
    told = {"messaging_product": "whatsapp", "status": "read", "message_id": "their-last"}
    assert provider.asked[0].json == told | ({"typing_indicator": {"type": "text"}} if typing else {})


def test_messenger_is_told_in_two_calls(provider: Provider) -> None:
    says(provider, {"recipient_id": "1"}, {"recipient_id": "1"})
    attends(made(messenger.channel, provider, OF_META, page_id="1011000"), typing=True)
    person = {"id": "4915112345678"}
    assert [each.json for each in provider.asked] == [
        {"recipient": person, "sender_action": "mark_seen"},
        {"recipient": person, "sender_action": "typing_on"},
    ]


def test_telegram_shows_that_somebody_writes_and_knows_no_reading(provider: Provider) -> None:
    channel = made(telegram.channel, provider, TELEGRAM)
    attends(channel, typing=False)
    assert provider.asked == []
    says(provider, {"ok": True, "result": True})
    attends(channel, typing=True)
    assert provider.asked[0].json == {"chat_id": "4915112345678", "action": "typing"}


def test_line_marks_what_came_with_a_token_for_it(provider: Provider) -> None:
    channel = made(line.channel, provider, LINE)
    says(provider, {}, {})
    attends(channel, typing=True, token="read-me")
    assert asked(provider) == [("POST", "/v2/bot/chat/markAsRead"), ("POST", "/v2/bot/chat/loading/start")]
    assert [each.json for each in provider.asked] == [
        {"markAsReadToken": "read-me"},
        {"chatId": "4915112345678", "loadingSeconds": 20},
    ]
    says(provider, {"message": "Failed to mark messages as read. Please ensure that chat is enabled."}, status=400)
    with pytest.raises(ChannelError, match="400"):
        attends(channel, typing=False, token="read-me")


def test_whatsapp_by_twilio_shows_both_at_once(provider: Provider) -> None:
    says(provider, {"success": True})
    attends(made(whatsapp_twilio.channel, provider, {"auth_token": "a-token-of-twilio"}, **TWILIO), typing=True)
    assert asked(provider) == [("POST", "/v2/Indicators/Typing.json")]
    assert provider.asked[0].form == {"channel": ["whatsapp"], "messageId": ["their-last"]}


# --- tokens that end ---


def test_instagram_logins_token_is_exchanged_and_kept(provider: Provider) -> None:
    kept: dict[str, str] = {}
    channel = made(instagram.channel, provider, OF_META, kept, account_id="17841000", instagram_login=True)
    assert isinstance(channel, EndingToken)
    says(provider, {"access_token": "IGnew", "token_type": "bearer", "expires_in": 5_184_000})
    assert channel.renew_token() == NOW + 5_184_000 * 1_000_000
    assert kept == {"access_token": "IGnew"}
    assert query(provider.asked[0]) == {"grant_type": ["ig_refresh_token"], "access_token": ["EAAtoken"]}
    assert asked(provider)[0][1].endswith("/refresh_access_token")


def test_a_pages_token_does_not_end(provider: Provider) -> None:
    channel = made(instagram.channel, provider, OF_META, account_id="17841000")
    assert isinstance(channel, EndingToken)
    assert (channel.renew_token(), provider.asked) == (0, [])


# --- what customers are called ---


@pytest.mark.parametrize(
    ("make", "secrets", "settings", "told", "path"),
    [
        (line.channel, LINE, {}, {"displayName": "Ana Ruiz", "userId": "U1"}, "/v2/bot/profile/U1"),
        (slack.channel, SLACK, {}, {"ok": True, "user": {"real_name": "Ana Ruiz"}}, "/users.info"),
        (
            messenger.channel,
            OF_META,
            {"page_id": "1011000"},
            {"first_name": "Ana", "last_name": "Ruiz", "id": "U1"},
            "/v26.0/U1",
        ),
        (instagram.channel, OF_META, {"account_id": "17841000"}, {"name": "Ana Ruiz", "username": "ana"}, "/v26.0/U1"),
    ],
    ids=["line", "slack", "messenger", "instagram"],
)
def test_providers_tell_what_somebody_is_called(
    provider: Provider,
    make: ChannelMaker,
    secrets: dict[str, str],
    settings: dict[str, str],
    told: dict[str, Any],
    path: str,
) -> None:
    channel = made(make, provider, secrets, **settings)
    assert isinstance(channel, Names)
    says(provider, told)
    assert channel.name_of(Address("any", "U1")) == "Ana Ruiz"
    assert asked(provider) == [("GET", path)]


def test_who_does_not_tell_a_name_has_none(provider: Provider) -> None:
    channel = made(slack.channel, provider, SLACK)
    assert isinstance(channel, Names)
    says(provider, {"ok": False, "error": "missing_scope"})
    assert channel.name_of(Address("slack", "U1")) == ""


# --- templates ---


def test_twilios_content_is_listed_with_what_whatsapp_said_of_it_and_sent_by_its_sid(provider: Provider) -> None:
    channel = made(whatsapp_twilio.channel, provider, {"auth_token": "a-token-of-twilio"}, **TWILIO)
    assert isinstance(channel, TemplateSource)
    sid = f"HX{'0' * 32}"
    content = {
        "sid": sid,
        "friendly_name": "shipped",
        "language": "es",
        "types": {
            "twilio/call-to-action": {
                "body": "Hola {{1}}, su pedido va de camino.",
                "actions": [{"type": "URL", "title": "Seguir", "url": "https://lumbre.example/{{2}}"}],
            }
        },
        "approval_requests": {"name": "order_shipped", "category": "UTILITY", "status": "approved"},
    }
    other = {"sid": f"HX{'1' * 32}", "friendly_name": "new", "language": "en", "types": {"twilio/text": {"body": "Hi"}}}
    says(provider, {"contents": [content, other], "meta": {"page": 0, "next_page_url": None, "key": "contents"}})
    shipped, new = channel.templates()
    assert (shipped.name, shipped.category, shipped.why_not, new.why_not) == ("order_shipped", "utility", "", "pending")
    assert [(each.place, each.name) for each in shipped.parameters] == [("body", "1"), ("button:0", "2")]
    assert asked(provider) == [("GET", "/v1/ContentAndApprovals")]
    values = ("Ana", "A-1")
    template = OutboundTemplate(shipped.name, shipped.language, shipped.parameters, values, shipped.provider_id)
    to = Address("whatsapp", "+34600111222")
    says(provider, {"sid": f"SM{'0' * 32}", "status": "queued"}, status=201)
    channel.send(OutboundMessage("01JD4A0000000000000000HELL", "c", to, shipped.text(values), template=template))
    form = provider.asked[-1].form
    assert (form["ContentSid"], json.loads(form["ContentVariables"][0])) == ([sid], {"1": "Ana", "2": "A-1"})
    assert form.keys() & {"Body", "MediaUrl"} == set()


def test_a_picture_at_a_templates_head_goes_by_its_address(provider: Provider) -> None:
    channel = made(whatsapp.channel, provider, OF_META, phone_number_id="106540352", business_account_id="102000")
    assert isinstance(channel, TemplateSource)
    head = {"type": "HEADER", "format": "IMAGE"}
    body = {"type": "BODY", "text": "Hola {{1}}"}
    told = {"id": "1", "name": "sale", "language": "es", "status": "APPROVED", "category": "MARKETING"}
    says(provider, {"data": [told | {"components": [head, body]}]})
    (sale,) = channel.templates()
    assert (sale.why_not, [(each.place, each.name) for each in sale.parameters]) == (
        "",
        [("header_file", "image"), ("body", "1")],
    )
    with pytest.raises(Refused, match="https address"):
        sale.text(("no address", "Ana"))
    values = ("https://lumbre.example/sale.png", "Ana")
    template = OutboundTemplate(sale.name, sale.language, sale.parameters, values)
    says(provider, {"messages": [{"id": "wamid.1"}]})
    to = Address("whatsapp", "+34600111222")
    channel.send(OutboundMessage("01JD4A0000000000000000HELL", "c", to, sale.text(values), template=template))
    picture = {"type": "image", "image": {"link": "https://lumbre.example/sale.png"}}
    assert provider.asked[-1].json["template"]["components"] == [
        {"type": "header", "parameters": [picture]},
        {"type": "body", "parameters": [{"type": "text", "text": "Ana"}]},
    ]
