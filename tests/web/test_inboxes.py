"""Connecting inboxes from the console: what is filled in, what is never told again, how an inbox is."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apiflask import APIFlask

from hub.domain.errors import ChannelError
from hub.domain.inbox import AccountState
from hub.domain.messages import Delivery
from hub.services import inbox_health, replies
from hub.store import tables as t
from hub.store.queries import inbox_health as queries
from hub.testing.fakes import PaperChannel
from hub.testing.provider import Answer, Provider
from tests.fixtures_hub import ANA, PAPER, TEAM, World
from tests.web.conftest import Screen

BOT = {"bot_token": "987654:a-token-of-a-bot"}


@pytest.fixture
def administrator(app: APIFlask, make_agent: Callable[..., str]) -> Screen:
    make_agent("administrator")
    screen = Screen(app.test_client())
    assert screen.sign_in("administrator@example.org").status_code == 200
    return screen


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
def telegram(server: Provider) -> Provider:
    server.asked.clear()
    server.first.clear()
    return server


def say(provider: Provider, told: dict[str, Any], status: int = 200) -> None:
    """What the provider answers next."""
    provider.first.append(Answer(status, body=json.dumps(told).encode()))


def filled(**more: Any) -> dict[str, Any]:
    return {"channel": "telegram", "name": "Telegram", "team_id": TEAM, "secrets": BOT, **more}


def shown(screen: Screen, inbox_id: str) -> Any:
    return next(each for each in screen.get("/inboxes/settings")["items"] if each["id"] == inbox_id)


def test_every_kind_says_what_is_filled_in_in_both_languages(administrator: Screen) -> None:
    kinds = {each["channel"]: each for each in administrator.get("/inbox-kinds")["items"]}
    assert kinds.keys() >= {"webchat", "sms", "email", "whatsapp", "whatsapp_twilio", "messenger", "instagram"}
    assert kinds.keys() >= {"line", "slack", "telegram"}
    for kind in kinds.values():
        assert kind["title"]
        for words in [*kind["steps"], *(each["label"] for each in kind["fields"])]:
            assert words["en"].strip(), kind["channel"]
            assert words["es"].strip(), kind["channel"]


def test_an_inbox_is_connected_and_its_secrets_are_told_once(administrator: Screen, world: World) -> None:
    saved = administrator.change("POST", "/inboxes", filled())
    made = saved["made"]["webhook_secret"]
    assert len(made) >= 32
    inbox = saved["inbox"]
    assert inbox["secrets"] == ["bot_token", "webhook_secret"]
    assert inbox["address"].endswith(f"/webhooks/{inbox['key']}")
    again = administrator.client.get("/api/v1/inboxes/settings").text
    assert made not in again
    assert BOT["bot_token"] not in again
    answer = administrator.client.post(
        f"/webhooks/{inbox['key']}", json={"update_id": 1}, headers={"X-Telegram-Bot-Api-Secret-Token": made}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"secrets": {}}, "bot_token"),
        ({"secrets": {"bot_token": "no token"}}, "bot_token"),
        ({"secrets": BOT | {"colour": "red"}}, "colour"),
        ({"settings": {"bot_token": "987654:a-token-of-a-bot"}}, "bot_token"),
        ({"settings": {"api_url": 5}}, "api_url"),
        ({"settings": {"api_url": "ftp://elsewhere"}}, "api_url"),
        ({"team_id": "nobody"}, "team_id"),
        ({"name": " "}, "name"),
    ],
    ids=["missing", "malformed", "unknown", "secret in the open", "form", "the channel's rule", "team", "name"],
)
def test_what_breaks_a_rule_is_refused_by_name(administrator: Screen, change: dict[str, Any], field: str) -> None:
    response = administrator.call("POST", "/inboxes", filled(**change))
    assert (response.status_code, response.get_json()["field"]) == (422, field)
    assert "987654" not in response.text


def test_what_is_not_given_again_stays_and_what_is_not_declared_does_too(administrator: Screen, world: World) -> None:
    inbox_id = administrator.change("POST", "/inboxes", filled())["inbox"]["id"]
    sealed = world.inbox(inbox_id).sealed_secrets
    change = {"name": "Bot", "team_id": TEAM, "bot": False, "settings": {"api_url": "https://bots.example"}}
    saved = administrator.change("PUT", f"/inboxes/{inbox_id}/settings", change)
    assert (saved["made"], saved["inbox"]["name"], saved["inbox"]["bot"]) == ({}, "Bot", False)
    assert world.hub.box.open(world.inbox(inbox_id).sealed_secrets) == world.hub.box.open(sealed)
    anew = administrator.change("PUT", f"/inboxes/{inbox_id}/settings", change | {"made": ["webhook_secret"]})
    assert anew["made"]["webhook_secret"]
    gone = change | {"secrets": {"bot_token": ""}}
    assert administrator.problem("PUT", f"/inboxes/{inbox_id}/settings", gone) == (422, "refused")


def test_settings_within_settings_are_filled_in_by_their_names(administrator: Screen, world: World) -> None:
    mail = {
        "channel": "email",
        "name": "Mail",
        "team_id": TEAM,
        "settings": {"address": "info@lumbre.example", "imap.host": "imap.example", "imap.port": 993},
        "secrets": {"password": "a-password"},
    }
    saved = administrator.change("POST", "/inboxes", mail)["inbox"]
    assert world.inbox(saved["id"]).settings["imap"] == {"host": "imap.example", "port": 993}
    assert saved["settings"] == mail["settings"]


def test_the_test_button_asks_the_provider_and_says_what_exactly_is_wrong(
    administrator: Screen, telegram: Provider
) -> None:
    saved = administrator.change("POST", "/inboxes", filled(settings={"api_url": telegram.url}))["inbox"]
    say(telegram, {"ok": True, "result": True})
    say(telegram, {"ok": True, "result": {"id": 123456, "username": "lumbre_bot"}})
    say(telegram, {"ok": True, "result": {"url": "https://old.example/hook", "last_error_message": "502 Bad Gateway"}})
    health = administrator.change("POST", f"/inboxes/{saved['id']}/test")["health"]
    assert (health["state"], health["account"], health["error"]) == ("warning", "@lumbre_bot", "")
    assert [each["what"] for each in health["problems"]] == ["webhook_elsewhere", "webhook_error"]
    say(telegram, {"ok": False, "error_code": 401, "description": "Unauthorized"}, status=401)
    health = administrator.change("POST", f"/inboxes/{saved['id']}/test")["health"]
    assert (health["state"], health["error"], health["account"]) == ("down", "Unauthorized", "@lumbre_bot")
    assert shown(administrator, saved["id"])["health"]["error"] == "Unauthorized"


def test_an_inbox_says_when_it_was_heard_of_refused_and_sent_by(administrator: Screen, world: World) -> None:
    saved = administrator.change("POST", "/inboxes", filled())
    inbox, secret = saved["inbox"], saved["made"]["webhook_secret"]
    call = f"/webhooks/{inbox['key']}"
    assert inbox["health"]["state"] == "unknown"
    wrong = {"X-Telegram-Bot-Api-Secret-Token": "x" * 20}
    assert administrator.client.post(call, json={"update_id": 1}, headers=wrong).status_code == 401
    health = shown(administrator, inbox["id"])["health"]
    assert (health["state"], health["heard_at"], health["refusal"]) == (
        "warning",
        None,
        "the secret token does not fit",
    )
    world.clock.pass_time(1_000_000)
    right = {"X-Telegram-Bot-Api-Secret-Token": secret}
    assert administrator.client.post(call, json={"update_id": 1}, headers=right).status_code == 200
    assert shown(administrator, inbox["id"])["health"]["state"] == "ok"
    conversation_id = world.say("hello").conversation_id
    world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, "hi", "c-1"))
    world.run()
    assert shown(administrator, PAPER)["health"]["sent_at"] is not None


def test_an_inbox_that_is_switched_off_takes_nothing_and_keeps_what_is_to_leave(
    administrator: Screen, world: World
) -> None:
    conversation_id = world.say("hello").conversation_id
    world.run()
    world.paper.sent.clear()
    administrator.change("PUT", f"/inboxes/{PAPER}/switch", {"on": False})
    world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, "while it is off", "c-1"))
    world.run()
    assert world.paper.sent == []
    key = world.inbox().key
    assert administrator.client.post(f"/webhooks/{key}", json={}).status_code == 503
    found = shown(administrator, PAPER)
    assert (found["disabled"], found["health"]["state"], found["health"]["waiting"]) == (True, "off", 1)
    assert [each for each in administrator.get("/health")["parts"] if each["name"] == "sending"] == []
    administrator.change("PUT", f"/inboxes/{PAPER}/switch", {"on": True})
    world.run()
    assert [each.text for each in world.paper.sent] == ["while it is off"]
    assert world.thread(conversation_id)[-1][2] == Delivery.SENT.value


class AskedPaper(PaperChannel):
    """A paper channel whose provider can be asked, and whose token ends."""

    said: AccountState | ChannelError = AccountState("Paper & Co", "GREEN", "1000")
    good_until = 0
    renewals = 0

    def account(self) -> AccountState:
        if isinstance(self.said, ChannelError):
            raise self.said
        return self.said

    def renew_token(self) -> int:
        self.renewals += 1
        return self.good_until


@pytest.fixture
def asked(world: World) -> Iterator[AskedPaper]:
    """The paper inbox's channel, of that kind from now on."""
    paper, before = world.paper, type(world.paper)
    paper.__class__ = AskedPaper
    assert isinstance(paper, AskedPaper)
    yield paper
    paper.__class__ = before


def test_once_a_day_the_provider_is_asked_and_once_a_week_the_token_is_exchanged(
    world: World, asked: AskedPaper, administrator: Screen
) -> None:
    asked.good_until = world.clock.now() + 60 * inbox_health.DAY
    for _ in range(3):
        inbox_health.look_after(world.hub)
    assert asked.renewals == 1
    with world.store.read() as connection:
        kept = queries.get(connection, PAPER)
    assert (kept.state.name, kept.state.token_until, kept.error) == ("Paper & Co", asked.good_until, "")
    world.clock.pass_time(inbox_health.DAY + 1)
    asked.said = ChannelError("190", "the token was withdrawn", account=True)
    inbox_health.look_after(world.hub)
    assert asked.renewals == 1
    administrator.sign_in("administrator@example.org")
    health = shown(administrator, PAPER)["health"]
    assert (health["state"], health["code"], health["error"]) == ("down", "190", "the token was withdrawn")
    world.clock.pass_time(7 * inbox_health.DAY)
    asked.said = AccountState("Paper & Co")
    inbox_health.look_after(world.hub)
    assert asked.renewals == 2
    administrator.sign_in("administrator@example.org")
    assert shown(administrator, PAPER)["health"]["state"] == "ok"
    world.clock.pass_time(50 * inbox_health.DAY)
    asked.good_until = world.clock.now() + inbox_health.DAY
    inbox_health.look_after(world.hub)
    administrator.sign_in("administrator@example.org")
    assert shown(administrator, PAPER)["health"]["state"] == "warning", "it ends tomorrow"


def test_whose_messages_do_not_say_their_name_is_asked_for_beside(
    administrator: Screen, world: World, telegram: Provider
) -> None:
    secrets = {"channel_secret": "secret-of-line", "channel_access_token": "token-of-line"}
    inbox = {"channel": "line", "name": "LINE", "team_id": TEAM, "secrets": secrets}
    key = administrator.change("POST", "/inboxes", inbox | {"settings": {"api_url": telegram.url}})["inbox"]["key"]
    object.__setattr__(world.hub, "aside", lambda errand: errand())
    say(telegram, {"displayName": "Ana Ruiz"})
    for number in (1, 2):
        said = {"id": str(number), "type": "text", "text": "hola"}
        source = {"type": "user", "userId": "U4af4980629"}
        event = {"type": "message", "message": said, "source": source, "timestamp": 1, "webhookEventId": str(number)}
        body = json.dumps({"destination": "U0", "events": [event]}).encode()
        signed = b64encode(hmac.new(b"secret-of-line", body, "sha256").digest()).decode()
        headers = {"X-Line-Signature": signed, "Content-Type": "application/json"}
        assert administrator.client.post(f"/webhooks/{key}", data=body, headers=headers).status_code == 200
    assert [each.path for each in telegram.asked if "profile" in each.path] == ["/v2/bot/profile/U4af4980629"]
    with world.store.read() as connection:
        assert connection.execute(t.contact.select()).one().name == "Ana Ruiz"
