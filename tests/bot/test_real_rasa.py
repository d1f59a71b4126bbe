"""The bot's project and our channel on the real Rasa server. One test, or more, for each trap that Rasa sets."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.rasa import TEXT_LIMIT, RasaBot
from bot.server import BotServerError, RasaServer, train
from hub.domain.errors import BotError, BotTimeout
from hub.domain.knowledge import BotReply
from tests.fixtures_rasa import HUB_TOKEN, HubApi

# The first test waits for training and start, which take a minute or more where the machine is busy.
pytestmark = [pytest.mark.rasa, pytest.mark.timeout(900)]

_numbers = itertools.count(1)
LANGUAGES = pytest.mark.parametrize("language", ["en", "es"])
WHERE = {"en": "where is my order?", "es": "¿dónde está mi pedido?"}
PERSON = {"en": "I want to talk to a person", "es": "quiero hablar con una persona"}


class Talk:
    """One conversation with the real bot."""

    def __init__(self, bot: RasaBot, language: str = "en", channel: str = "webchat", conversation_id: str = "") -> None:
        self.bot = bot
        self.language = language
        self.channel = channel
        self.conversation_id = conversation_id or f"conversation-{next(_numbers)}"

    def say(self, text: str, message_id: str = "", **options: Any) -> BotReply:
        reply = self.bot.reply(
            conversation_id=self.conversation_id,
            message_id=message_id or f"message-{next(_numbers)}",
            text=text,
            channel=self.channel,
            language=self.language,
            **options,
        )
        # An answer without confidence would be one after which Rasa fell back, and so undid the turn.
        assert not_understood(reply) or reply.confidence > 0
        return reply

    def says(self, *texts: str) -> BotReply:
        """The reply to the last of them."""
        return [self.say(text) for text in texts][-1]


@pytest.fixture
def talk(rasa_bot: RasaBot, hub_api: HubApi) -> Callable[..., Talk]:
    """Begins a conversation; `hub_api` is there for its good behaviour."""
    return lambda **options: Talk(rasa_bot, **options)


@pytest.fixture
def post(rasa_server: RasaServer) -> Callable[..., httpx.Response]:
    """The channel without our client: `post(path, token=..., **body)`."""

    def post(path: str, token: str | None = None, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {rasa_server.token if token is None else token}"}
        return httpx.post(rasa_server.url + path, json=body, headers=headers, timeout=60)

    return post


def turn(**changes: Any) -> dict[str, Any]:
    """A correct body for `/webhooks/hub/reply`, of a conversation of its own."""
    number = next(_numbers)
    ids = {"conversation_id": f"conversation-{number}", "message_id": f"message-{number}"}
    return {**ids, "text": "hello", "channel": "webchat", "language": "en", **changes}


def texts(reply: BotReply) -> list[str]:
    return [message.text for message in reply.messages]


def not_understood(reply: BotReply) -> bool:
    return not reply.messages and not reply.handoff_reason


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    pause = threading.Event()
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "did not come true"
        pause.wait(0.1)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process hangs meanwhile, without ending."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# -- Who may talk to the channel, and what it takes ---------------------------------------------------------------


@pytest.mark.parametrize("token", ["wrong", "Bearer"])
@pytest.mark.parametrize("path", ["/webhooks/hub/reply", "/webhooks/hub/told"])
def test_the_channel_asks_for_the_token(post: Callable[..., httpx.Response], path: str, token: str) -> None:
    answer = post(path, token=token, **turn())
    assert (answer.status_code, answer.json()) == (401, {"error": "unauthorized"})


def test_no_authorization_at_all_and_a_strange_one(rasa_server: RasaServer) -> None:
    url = rasa_server.url + "/webhooks/hub/reply"
    assert httpx.post(url, json=turn()).status_code == 401
    assert httpx.post(url, json=turn(), headers={b"Authorization": "Bearer ñ".encode()}).status_code == 401


def test_rasa_s_own_doors_are_shut(rasa_server: RasaServer) -> None:
    """No REST channel, and no HTTP API that would show or change any conversation."""
    for path in ("/webhooks/rest/webhook", "/conversations/x/tracker", "/model/parse", "/domain"):
        assert httpx.post(rasa_server.url + path, json={}).status_code in (404, 405)
        assert httpx.get(rasa_server.url + path).status_code in (404, 405)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", None, 7, ["hello"]])
def test_empty_text_is_refused_and_no_200(post: Callable[..., httpx.Response], text: object) -> None:
    answer = post("/webhooks/hub/reply", **turn(text=text))
    assert (answer.status_code, answer.json()["field"]) == (422, "text")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("conversation_id", ""),
        ("conversation_id", "a/b c"),  # Rasa does not decode ids in paths: it would be another conversation
        ("conversation_id", None),  # Rasa would take "default", shared by all
        ("message_id", ""),
        ("channel", "web chat"),
        ("language", 7),
        ("metadata", {"a": 1}),
    ],
)
def test_a_bad_field_is_named(post: Callable[..., httpx.Response], field: str, value: object) -> None:
    answer = post("/webhooks/hub/reply", **turn(**{field: value}))
    assert (answer.status_code, answer.json()["error"], answer.json()["field"]) == (422, "refused", field)


def test_a_body_that_is_no_json(rasa_server: RasaServer) -> None:
    headers = {"Authorization": f"Bearer {rasa_server.token}"}
    for content in (b"{", b"[]", b""):
        answer = httpx.post(rasa_server.url + "/webhooks/hub/reply", content=content, headers=headers)
        assert (answer.status_code, answer.json()["field"]) == (422, "body")


def test_long_text(post: Callable[..., httpx.Response], talk: Callable[..., Talk]) -> None:
    assert post("/webhooks/hub/reply", **turn(text="x" * (TEXT_LIMIT + 1))).status_code == 413
    begun = time.monotonic()
    assert talk().say("my parcel is late " * 10_000) is not None
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize(
    "text", ["👍", "👨‍👩‍👧", "你好吗", "مرحبا", "hola\x00mundo", "\ud83d", "????", "aaaaaaaaaaaaaaaaaaaaaa", "%s{}{0}"]
)
def test_strange_text_is_survived_and_not_understood(talk: Callable[..., Talk], text: str) -> None:
    conversation = talk()
    reply = conversation.say(text) if text != "\ud83d" else conversation.say("x" + text)
    assert not_understood(reply) or reply.intent == "greet"
    assert conversation.say("hello").intent == "greet"


def test_a_held_letter_does_not_hide_what_is_said(talk: Callable[..., Talk]) -> None:
    assert talk(language="es").say("holaaaaaaaaaaaaaaaa").intent == "greet"
    assert dict(talk().says("where is my order?", "11111111").slots)["customer_number"] == "11111111"  # digits stay


# -- Slash commands ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["/restart", "  /restart", "/ask_human", '/inform{"customer_number":"12345678"}', "/session_start", "/back"],
)
@pytest.mark.parametrize("trusted", [False, True])
def test_slash_commands_of_a_customer_do_nothing(talk: Callable[..., Talk], text: str, trusted: bool) -> None:
    conversation = talk()
    conversation.says("where is my order?", "12345678")
    if trusted and text == "/ask_human":
        assert conversation.say(text, trusted=True).handoff_reason == "customer_asked"  # one of our own buttons
        return
    reply = conversation.say(text, trusted=trusted)
    assert reply.confidence < 1  # read as words, like anything else
    if text == "/ask_human":
        return  # and these words say enough
    assert reply.in_form
    assert reply.handoff_reason == ""
    assert dict(reply.slots)["customer_number"] == "12345678"


def test_restart_does_not_forget_the_tries(talk: Callable[..., Talk]) -> None:
    conversation = talk()
    conversation.says("where is my order?", "11", "22", "/restart")
    assert conversation.say("where is my order?").handoff_reason == "verification_failed"


def test_a_button_s_payload_passes_when_trusted(talk: Callable[..., Talk]) -> None:
    conversation = talk(language="es")
    (offer,) = conversation.say("quiero un reembolso").messages
    assert [(button.title, button.payload) for button in offer.buttons] == [("Sí", "/affirm"), ("No", "/deny")]
    reply = conversation.say(offer.buttons[0].payload, trusted=True)
    assert (reply.intent, reply.confidence, reply.in_form) == ("affirm", 1.0, True)


# -- Language and channel ------------------------------------------------------------------------------------------


def test_the_very_first_answer_is_in_the_customer_s_language(talk: Callable[..., Talk]) -> None:
    assert texts(talk(language="es").say("hola"))[0].startswith("¡Hola!")
    assert texts(talk(language="en").say("hola"))[0].startswith("Hello!")


def test_the_language_may_change(talk: Callable[..., Talk]) -> None:
    conversation = talk(language="es")
    conversation.say("hola")
    conversation.language = "en"
    assert texts(conversation.say("what are your opening hours?"))[0].startswith("Our team")


@LANGUAGES
def test_the_channel_s_own_variants(talk: Callable[..., Talk], language: str) -> None:
    refund = {"en": "I want a refund", "es": "quiero un reembolso"}[language]
    (by_sms,) = talk(language=language, channel="sms").say(refund).messages
    assert by_sms.buttons == ()
    assert {"en": "Reply YES", "es": "Responda SÍ"}[language] in by_sms.text
    (by_webchat,) = talk(language=language).say(refund).messages
    assert len(by_webchat.buttons) == 2


# -- The form ------------------------------------------------------------------------------------------------------


@LANGUAGES
def test_an_order_is_told_after_verification_only(talk: Callable[..., Talk], hub_api: HubApi, language: str) -> None:
    conversation = talk(language=language)
    assert conversation.say(
        {"en": "where is my order A100234?", "es": "¿dónde está mi pedido A100234?"}[language]
    ).in_form
    claimed = conversation.say("12345678")
    assert claimed.verified_level == "claimed"
    assert hub_api.asked == []
    told = conversation.say("28013")
    assert hub_api.asked == [("POST", "/bot/v1/verify"), ("GET", "/bot/v1/orders/A100234")]
    assert (told.verified_level, told.in_form, told.handoff_reason) == ("verified", False, "")
    assert "A100234" in texts(told)[-1]
    assert {"en": "25 November", "es": "25 de noviembre"}[language] in texts(told)[-1]
    assert dict(told.slots) == {
        "customer_name": "Ana García",
        "customer_number": "12345678",
        "order_id": "A100234",
        "order_state": "shipped",
        "purpose": "order_status",
    }
    again = conversation.says(
        {"en": "and my other order?", "es": "¿y mi otro pedido? ¿dónde está?"}[language], "A100235"
    )
    assert "A100235" in texts(again)[0]
    assert not again.in_form


def test_both_answers_at_once(talk: Callable[..., Talk]) -> None:
    conversation = talk()
    conversation.say("track my order A100236")
    assert "delivered" in texts(conversation.say("87654321, SW1A 1AA"))[-1]


def test_an_order_of_somebody_else_is_not_found(talk: Callable[..., Talk]) -> None:
    reply = talk().says("where is my order A100236?", "12345678", "28013")
    assert "I find no order A100236" in texts(reply)[-1]


@LANGUAGES
def test_three_tries_then_a_person(talk: Callable[..., Talk], hub_api: HubApi, language: str) -> None:
    conversation = talk(language=language)
    conversation.say(WHERE[language])
    first = conversation.say("99")  # a wrong value is asked for again and does not leave the form
    assert first.in_form
    assert "2" in texts(first)[0]
    second = conversation.says("12345678", "28014")
    assert second.in_form
    assert not second.verification_failed
    third = conversation.says("12345678", "28015")
    assert (third.handoff_reason, third.verification_failed, third.in_form) == ("verification_failed", True, False)
    assert third.verified_level == "claimed"
    assert hub_api.asked == [("POST", "/bot/v1/verify")] * 2
    # Given back to the bot, the conversation gets no more tries.
    assert conversation.say(WHERE[language]).handoff_reason == "verification_failed"
    assert len(hub_api.asked) == 2


@LANGUAGES
def test_asking_for_a_person_inside_the_form(talk: Callable[..., Talk], language: str) -> None:
    conversation = talk(language=language)
    conversation.says(WHERE[language], "12345678")
    reply = conversation.say(PERSON[language])
    assert (reply.handoff_reason, reply.in_form, reply.intent) == ("customer_asked", False, "ask_human")


@LANGUAGES
def test_a_question_inside_the_form_is_answered_and_the_form_goes_on(
    talk: Callable[..., Talk], hub_api: HubApi, language: str
) -> None:
    conversation = talk(language=language)
    conversation.say(WHERE[language])
    reply = conversation.say({"en": "what are your opening hours?", "es": "¿cuál es su horario?"}[language])
    assert reply.in_form
    assert "9:00" in texts(reply)[0]
    assert texts(reply)[1] == texts(talk(language=language).say(WHERE[language]))[0]
    assert conversation.says("12345678", "28013").verified_level == "verified"


@LANGUAGES
def test_who_cannot_identify_is_offered_a_person(talk: Callable[..., Talk], language: str) -> None:
    conversation = talk(language=language)
    conversation.say(WHERE[language])
    left = conversation.say({"en": "i don't have my customer number", "es": "no tengo mi número de cliente"}[language])
    assert not left.in_form
    assert conversation.say({"en": "yes", "es": "sí"}[language]).handoff_reason == "customer_asked"


def test_ok_inside_the_form_costs_no_try(talk: Callable[..., Talk]) -> None:
    conversation = talk()
    assert conversation.says("where is my order?", "ok", "ok", "ok", "ok").in_form
    assert conversation.says("12345678", "28013").verified_level == "verified"


@pytest.mark.parametrize("purpose", ["refund", "billing", "change_address"])
def test_what_needs_a_person_goes_there_verified(talk: Callable[..., Talk], purpose: str) -> None:
    said = {"refund": "I want a refund", "billing": "my bill is wrong", "change_address": "change my address"}[purpose]
    conversation = talk()
    reply = conversation.says(said, "yes", "12345678", "28013")
    assert (reply.handoff_reason, reply.verified_level) == (purpose, "verified")
    assert conversation.says(said, "yes").handoff_reason == purpose  # already verified: nothing is asked again


@LANGUAGES
def test_yes_and_no_mean_nothing_without_a_question(talk: Callable[..., Talk], language: str) -> None:
    yes, no, refund, hours = {
        "en": ("yes", "no", "I want a refund", "when are you open?"),
        "es": ("sí", "no", "quiero un reembolso", "¿cuándo abren?"),
    }[language]
    conversation = talk(language=language)
    assert not_understood(conversation.say(yes))
    assert not_understood(conversation.say(no))
    conversation.says(refund, hours)
    assert not_understood(conversation.say(yes))  # the question is closed by what came between
    conversation.says(refund, no)
    assert not_understood(conversation.say(yes))
    conversation.says(refund, "👍👍 ~~")  # also by what was not understood
    assert not_understood(conversation.say(yes))


def test_not_understood_shows_the_real_intent_with_its_low_confidence(talk: Callable[..., Talk]) -> None:
    reply = talk().say("tuesday green address whatever")
    assert not_understood(reply)
    assert reply.intent not in ("nlu_fallback", "")
    assert reply.confidence < 0.65


def test_what_others_told_is_in_the_memory(
    rasa_bot: RasaBot, talk: Callable[..., Talk], post: Callable[..., httpx.Response]
) -> None:
    conversation = talk()
    before = conversation.say("where is my order?", message_id="first")
    rasa_bot.told(conversation_id=conversation.conversation_id, text="We open at nine.", author="agent-1")
    assert conversation.say("where is my order?", message_id="first") == before  # belongs to no turn of the bot
    assert conversation.say("12345678").verified_level == "claimed"  # the form went on
    fresh = Talk(rasa_bot)
    rasa_bot.told(conversation_id=fresh.conversation_id, text="Hello from a person", author="agent-1")
    assert fresh.say("hello").intent == "greet"
    assert post("/webhooks/hub/told", conversation_id="x", text="", author="a").status_code == 422


# -- The same message again ------------------------------------------------------------------------------------------


def test_the_hub_killed_between_answer_and_commit(rasa_server: RasaServer, hub_api: HubApi) -> None:
    """The message comes again, from another process: the same reply, and the form has not moved twice."""
    with closing(RasaBot(rasa_server.url, rasa_server.token)) as killed:
        conversation = Talk(killed)
        conversation.say("where is my order A100234?")
        first = [conversation.say("12345678", message_id="a"), conversation.say("28013", message_id="b")]
    asked = list(hub_api.asked)
    with closing(RasaBot(rasa_server.url, rasa_server.token)) as restarted:
        conversation = Talk(restarted, conversation_id=conversation.conversation_id)
        assert [conversation.say("12345678", message_id="a"), conversation.say("28013", message_id="b")] == first
        assert hub_api.asked == asked
        later = conversation.say("thanks")
        assert conversation.say("12345678", message_id="a") == first[0]  # also long after
        assert later.intent == "thanks"


@pytest.mark.parametrize("text", ["tuesday green address whatever", "yes", "tell me about whales"])
def test_a_repeated_message_that_was_not_understood(talk: Callable[..., Talk], text: str) -> None:
    conversation = talk()
    conversation.say("hello")
    first = conversation.say(text, message_id="again")
    assert not_understood(first)
    conversation.say("hello")
    assert conversation.say(text, message_id="again") == first


def test_a_wrong_try_sent_twice_counts_once(talk: Callable[..., Talk]) -> None:
    conversation = talk()
    conversation.say("where is my order?")
    for _ in range(5):
        assert "Tries left: 2" in texts(conversation.say("99", message_id="wrong"))[0]


def test_the_hub_hung_up_before_the_answer(rasa_server: RasaServer, talk: Callable[..., Talk]) -> None:
    """Whether Rasa had finished by then or not, the repeated message moves the form by one step."""
    conversation = talk()
    conversation.say("where is my order?")
    body = turn(conversation_id=conversation.conversation_id, message_id="cut", text="99")
    request = httpx.Request(
        "POST",
        rasa_server.url + "/webhooks/hub/reply",
        json=body,
        headers={"Authorization": f"Bearer {rasa_server.token}"},
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection((request.url.host, request.url.port or 0)) as connection:
        connection.sendall(f"POST {request.url.path} HTTP/1.1\r\n{head}\r\n".encode() + request.content)
    assert "Tries left: 2" in texts(conversation.say("99", message_id="cut"))[0]


def test_the_same_message_twice_at_once(rasa_server: RasaServer, hub_api: HubApi) -> None:
    """Two processes (two clients: one guards against itself) send it; it is run once."""
    bots = [RasaBot(rasa_server.url, rasa_server.token) for _ in range(8)]
    conversation = Talk(bots[0])
    conversation.says("where is my order A100234?", "12345678")
    with ThreadPoolExecutor(len(bots)) as pool:
        same = [Talk(bot, conversation_id=conversation.conversation_id) for bot in bots]
        replies = list(pool.map(lambda talk: talk.say("28013", message_id="twice"), same))
    assert replies == [replies[0]] * len(bots)
    assert replies[0].verified_level == "verified"
    assert hub_api.asked == [("POST", "/bot/v1/verify"), ("GET", "/bot/v1/orders/A100234")]
    for bot in bots:
        bot.close()


def test_two_quick_messages_are_both_answered_one_after_the_other(rasa_server: RasaServer, hub_api: HubApi) -> None:
    """Rasa's own lock would make the second wait a second and more; ours wakes it."""
    bots = [RasaBot(rasa_server.url, rasa_server.token) for _ in range(2)]
    conversation = Talk(bots[0])
    conversation.say("where is my order?")
    quick = [Talk(bot, conversation_id=conversation.conversation_id) for bot in bots]
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda talk: talk.say("99"), quick))
    assert sorted(texts(reply)[0][-2] for reply in replies) == ["1", "2"]  # two tries, counted one after the other
    for bot in bots:
        bot.close()


# -- Parts that are down or hang ---------------------------------------------------------------------------------------


def test_the_action_server_down_is_an_error_and_it_comes_back(
    rasa_server: RasaServer, rasa_bot: RasaBot, talk: Callable[..., Talk]
) -> None:
    conversation = talk()
    os.kill(rasa_server.pids()["actions"], signal.SIGKILL)
    with pytest.raises(BotError) as caught:
        conversation.say("where is my order?")
    assert caught.value.reason == "empty"
    assert conversation.say("hello").intent == "greet"  # what needs no action goes on
    assert talk().say("I want to talk to a person").handoff_reason == "customer_asked"
    eventually(lambda: rasa_bot.status().get("actions") == "ready")
    assert talk().say("where is my order?").in_form


def test_the_action_server_hung(rasa_server: RasaServer, talk: Callable[..., Talk]) -> None:
    conversation = talk()
    with stopped(rasa_server.pids()["actions"]):
        begun = time.monotonic()
        with pytest.raises(BotTimeout):
            conversation.say("where is my order?")
        assert time.monotonic() - begun < 5
        begun = time.monotonic()
        assert conversation.say("hello").intent == "greet"  # the same conversation is free at once
        assert talk().say("hello").intent == "greet"
        assert time.monotonic() - begun < 3
    assert conversation.say("where is my order?").in_form


def test_rasa_hung(rasa_server: RasaServer, talk: Callable[..., Talk]) -> None:
    conversation = talk()
    with stopped(rasa_server.pids()["rasa"]):
        begun = time.monotonic()
        with pytest.raises(BotTimeout):
            conversation.say("hello")
        assert time.monotonic() - begun < 5
    assert conversation.say("hello").intent == "greet"


@pytest.mark.parametrize("mode", ["hung", "broken"])
def test_the_hub_s_api_hung_or_broken_ends_in_a_handoff(talk: Callable[..., Talk], hub_api: HubApi, mode: str) -> None:
    conversation = talk()
    conversation.says("where is my order A100234?", "12345678")
    hub_api.mode = mode
    begun = time.monotonic()
    reply = conversation.say("28013")
    assert time.monotonic() - begun < 4.6
    assert (reply.handoff_reason, reply.in_form, reply.verification_failed) == ("lookup_failed", False, False)
    hub_api.mode = "well"  # it was no wrong try, and nothing has to be typed again
    assert conversation.say("where is my order A100234?").verified_level == "verified"


def test_the_hub_allows_no_more_tries(talk: Callable[..., Talk], hub_api: HubApi) -> None:
    hub_api.mode = "enough"
    reply = talk().says("where is my order?", "12345678", "28013")
    assert (reply.handoff_reason, reply.verification_failed) == ("verification_failed", True)


def test_the_memory_survives_a_killed_server(rasa_server: RasaServer, hub_api: HubApi) -> None:
    with closing(RasaBot(rasa_server.url, rasa_server.token)) as bot:
        conversation = Talk(bot)
        conversation.say("where is my order A100234?")
        before = conversation.say("12345678", message_id="before")
        killed = rasa_server.pids()["rasa"]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: rasa_server.pids()["rasa"] != killed)  # the supervisor starts it again
        rasa_server.wait_ready()
        assert conversation.say("12345678", message_id="before") == before
        assert conversation.say("28013").verified_level == "verified"
        assert hub_api.asked == [("POST", "/bot/v1/verify"), ("GET", "/bot/v1/orders/A100234")]


def test_the_token_is_nobody_else_s_to_read(rasa_server: RasaServer) -> None:
    assert rasa_server.log.parent.stat().st_mode & 0o077 == 0
    assert rasa_server.log.with_name("credentials.yml").stat().st_mode & 0o077 == 0
    for name in ("rasa", "actions", "supervisor"):
        command = Path(f"/proc/{rasa_server.pids()[name]}/cmdline").read_text()
        assert rasa_server.token not in command
        assert HUB_TOKEN not in command


def test_a_broken_domain_is_refused_and_not_trained_around(rasa_python: Path, tmp_path: Path) -> None:
    """Rasa itself only warns, and goes on with an empty domain."""
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (project / "config.yml").write_text(
        "recipe: default.v1\nassistant_id: x\nlanguage: en\npipeline: []\npolicies: []\n"
    )
    (project / "domain.yml").write_text('version: "3.1"\nslots:\n  a: {type: text, mappings: [{type: from_intent}]}\n')
    (project / "data" / "nlu.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - hi\n    - hey\n'
    )
    with pytest.raises(BotServerError):
        train(rasa_python, project=project, log=tmp_path / "train.log")
    assert list(project.glob("models/*.tar.gz")) == []
