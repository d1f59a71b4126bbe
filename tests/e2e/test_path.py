"""A customer chats, the bot answers, the knowledge base answers with its source, a person takes over with everything
in view; in both languages, and again with the bot hung."""

from __future__ import annotations

import itertools
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.e2e.conftest import Running

pytestmark = [pytest.mark.rasa, pytest.mark.browser, pytest.mark.knowledge, pytest.mark.timeout(1200)]
PATIENCE = 60_000
PASSWORD = "centralita"


@dataclass(frozen=True)
class Words:
    """What is said and seen in one language."""

    language: str
    launcher: str
    name: re.Pattern[str]
    start: str
    box: str
    greeting: str
    greeted: re.Pattern[str]
    question: str
    answer: str
    title: str
    order: str
    asks_number: re.Pattern[str]
    number: str
    postcode: str
    order_answer: re.Pattern[str]
    person: str
    queue: re.Pattern[str]
    reply: str
    agent: str
    agent_name: str
    take: str
    reason: str


ENGLISH = Words(
    language="en",
    launcher="Chat with us",
    name=re.compile("Name"),
    start="Start the chat",
    box="Write a message",
    greeting="good morning",
    greeted=re.compile(r"help", re.IGNORECASE),
    question="How long does delivery take?",
    answer="Standard delivery takes 3 to 5 working days",
    title="How long does delivery take?",
    order="where is my order A100236",
    asks_number=re.compile(r"customer number", re.IGNORECASE),
    number="87654321",
    postcode="SW1A 1AA",
    order_answer=re.compile(r"A100236.*delivered", re.IGNORECASE),
    person="I want to talk to a person",
    queue=re.compile(r"in the queue"),
    reply="Hello John, Ben here. I have read everything.",
    agent="ben@demo.example",
    agent_name="Ben Carter",
    take="Take",
    reason="asked for a person",
)
SPANISH = Words(
    language="es",
    launcher="Chatee con nosotros",
    name=re.compile("Nombre"),
    start="Empezar",
    box="Escriba un mensaje",
    greeting="buenos días",
    greeted=re.compile(r"ayudar", re.IGNORECASE),
    question="¿Cuánto tarda la entrega?",
    answer="El envío estándar tarda de 3 a 5 días hábiles",
    title="¿Cuánto tarda la entrega?",
    order="dónde está mi pedido A100234",
    asks_number=re.compile(r"número de cliente", re.IGNORECASE),
    number="12345678",
    postcode="28013",
    order_answer=re.compile(r"A100234.*camino", re.IGNORECASE),
    person="quiero hablar con una persona",
    queue=re.compile(r"en la cola"),
    reply="Hola, soy Ana. Ya lo he leído todo.",
    agent="ana@demo.example",
    agent_name="Ana Torres",
    take="Tomar",
    reason="pidió",
)


_numbers = itertools.count(1)


class Chat:
    """The customer's page. Each customer has a name of their own, by which agents find them."""

    def __init__(self, page: Page, words: Words) -> None:
        self.page, self.words = page, words
        self.frame: FrameLocator = page.frame_locator("iframe")
        self.customer = f"Carla {next(_numbers)}"

    def open(self, url: str) -> None:
        self.page.goto(f"{url}/demo?language={self.words.language}")
        self.page.get_by_role("button", name=self.words.launcher).click()
        self.frame.get_by_role("textbox", name=self.words.name).fill(self.customer, timeout=PATIENCE)
        self.frame.get_by_role("button", name=self.words.start).click(timeout=PATIENCE)
        expect(self.frame.get_by_role("textbox", name=self.words.box)).to_be_visible(timeout=PATIENCE)

    def say(self, text: str) -> None:
        box = self.frame.get_by_role("textbox", name=self.words.box)
        box.fill(text)
        box.press("Enter")

    def sees(self, text: str | re.Pattern[str]) -> None:
        expect(self.frame.get_by_role("log").get_by_text(text).filter(visible=True).last).to_be_visible(
            timeout=PATIENCE
        )


class Desk:
    """The agent's page."""

    def __init__(self, page: Page, words: Words) -> None:
        self.page, self.words = page, words

    def sign_in(self, url: str) -> None:
        self.page.goto(f"{url}/inbox/")
        self.page.locator("input[type=email]").fill(self.words.agent)
        self.page.locator("input[type=password]").fill(PASSWORD)
        self.page.keyboard.press("Enter")

    def open(self, customer: str) -> None:
        self.page.get_by_text(customer, exact=True).first.click(timeout=PATIENCE)

    def sees(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=PATIENCE)


@pytest.fixture(params=[ENGLISH, SPANISH], ids=["english", "spanish"])
def words(request: pytest.FixtureRequest) -> Words:
    found: Words = request.param
    return found


@contextmanager
def opened(browser: Browser, words: Words) -> Iterator[tuple[Chat, Desk]]:
    """A customer's page and an agent's."""
    locale = {"en": "en-GB", "es": "es-ES"}[words.language]
    contexts = [browser.new_context(locale=locale, viewport={"width": 1366, "height": 768}) for _ in range(2)]
    customer, agent = (context.new_page() for context in contexts)
    yield Chat(customer, words), Desk(agent, words)
    for context in contexts:
        context.close()


@pytest.fixture
def pages(browser: Browser, words: Words) -> Iterator[tuple[Chat, Desk]]:
    with opened(browser, words) as both:
        yield both


def test_from_the_bot_over_the_knowledge_base_to_a_person(
    hub_with_bot: Running, pages: tuple[Chat, Desk], words: Words
) -> None:
    chat, desk = pages
    desk.sign_in(hub_with_bot.url)
    chat.open(hub_with_bot.url)
    chat.say(words.greeting)
    chat.sees(words.greeted)
    chat.say(words.question)
    chat.sees(re.compile(re.escape(words.answer)))
    expect(chat.frame.get_by_role("log").get_by_text(words.title).last).to_be_visible(timeout=PATIENCE)
    chat.say(words.order)
    chat.sees(words.asks_number)
    chat.say(words.number)
    chat.sees(re.compile("postcode|postal", re.IGNORECASE))
    chat.say(words.postcode)
    chat.sees(words.order_answer)
    chat.say(words.person)
    chat.sees(words.queue)

    desk.open(chat.customer)
    desk.sees(words.question)
    desk.sees(re.compile(re.escape(words.answer)))
    details = desk.page.locator("#details")
    expect(details).to_contain_text(words.number, timeout=PATIENCE)
    expect(details).to_contain_text(re.compile(words.reason, re.IGNORECASE))
    desk.page.get_by_role("button", name=words.take, exact=True).click()
    composer = desk.page.get_by_role("textbox").last
    composer.fill(words.reply)
    composer.press("Enter")
    chat.sees(words.reply)
    expect(chat.frame.get_by_text(words.agent_name).first).to_be_visible(timeout=PATIENCE)
    chat.say("👍")
    desk.sees("👍")
    checked = hub_with_bot.command("replay", "--check")
    assert checked.returncode == 0, checked.stdout


def test_with_the_bot_hung_a_person_has_the_customer_within_five_seconds_and_once(
    hub_with_bot: Running, pages: tuple[Chat, Desk], words: Words
) -> None:
    chat, desk = pages
    desk.sign_in(hub_with_bot.url)
    chat.open(hub_with_bot.url)
    hub_with_bot.hang_bot()
    try:
        before = handed_over(hub_with_bot)
        chat.say(words.question)
        accepted = time.monotonic()
        chat.sees(words.queue)
        assert time.monotonic() - accepted < 6, "five seconds, and what the browser takes to show it"
        (waited,) = handed_over(hub_with_bot)[len(before) :]
        assert waited < 5.0, "from the message to the queue, by the log's own clock"
        chat.say(words.question)
        desk.open(chat.customer)
    finally:
        hub_with_bot.wake_bot()
    assert len(handed_over(hub_with_bot)) == len(before) + 1, "in the queue once"
    expect(chat.frame.get_by_role("log").get_by_text(words.queue)).to_have_count(1)


def test_offline_for_a_minute_nothing_is_missing_and_nothing_doubled(hub_with_bot: Running, browser: Browser) -> None:
    """In both languages, in the same minute."""
    with opened(browser, ENGLISH) as english, opened(browser, SPANISH) as spanish:
        both = (english, spanish)
        for chat, desk in both:
            chat.open(hub_with_bot.url)
            chat.say(chat.words.person)
            chat.sees(chat.words.queue)
            desk.sign_in(hub_with_bot.url)
            desk.open(chat.customer)
            chat.page.context.set_offline(True)
        offline_since = time.monotonic()
        for chat, desk in both:
            composer = desk.page.get_by_role("textbox").last
            for number in range(5):
                composer.fill(f"answer {number} to you")
                composer.press("Enter")
                desk.sees(f"answer {number} to you")
            for number in range(3):
                chat.say(f"typed offline {number}")
        english[0].page.wait_for_timeout(max(0.0, 60 - (time.monotonic() - offline_since)) * 1000)
        for chat, _ in both:
            chat.page.context.set_offline(False)
        for chat, desk in both:
            log = chat.frame.get_by_role("log")
            for number in range(5):
                expect(log.get_by_text(f"answer {number} to you")).to_have_count(1, timeout=PATIENCE)
            for number in range(3):
                desk.sees(f"typed offline {number}")
                expect(desk.page.get_by_role("log").get_by_text(f"typed offline {number}")).to_have_count(1)
            texts = log.inner_text()
            places = [texts.index(f"answer {number} to you") for number in range(5)]
            assert places == sorted(places)


def handed_over(hub: Running) -> list[float]:
    """For each handoff of the log, how many seconds after the customer's message it came."""
    path = Path(hub.environment["CENTRALITA_DATA"]) / "centralita.sqlite3"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows: list[tuple[str, int]] = connection.execute(
            "SELECT data, at FROM event WHERE kind = 'HandedOver' ORDER BY id"
        ).fetchall()
        found = []
        for data, at in rows:
            (asked,) = connection.execute(
                "SELECT at FROM message WHERE id = ?", (json.loads(data)["open_question"],)
            ).fetchone()
            found.append((at - asked) / 1_000_000)
    return found
