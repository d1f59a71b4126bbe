"""The page with the phones, in a real browser."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.channels.simulators.conftest import CARMEN, OLIVER, SPAIN, UK, World

pytestmark = pytest.mark.browser
# One green dot.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkaPj/HwAEAgH/l5pXlwAAAABJRU5ErkJggg=="
)


@pytest.fixture
def open_page(browser: Browser, world: World) -> Iterator[Any]:
    """`open_page(**context)` opens the phones; whatever the page complains of fails the test at its end."""
    contexts, complaints = [], list[str]()

    def open_one(**options: Any) -> Page:
        context = browser.new_context(**({"locale": "en-GB", "viewport": {"width": 1300, "height": 800}} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if is_wrong(message) else None)
        page.goto(world.url)
        expect(page.locator("#people button").first).to_be_visible()
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def is_wrong(message: ConsoleMessage) -> bool:
    """A refusal that a test asked for is no fault of the page."""
    return message.type == "error" and "status of 503" not in message.text


def phone(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("button", name=name).click()


def test_a_text_goes_out_and_an_answer_comes_in(open_page: Any, world: World) -> None:
    page = open_page()
    phone(page, "Oliver Hughes")
    box = page.get_by_role("textbox", name="Text message")
    expect(box).to_be_focused()
    box.fill("Where is my <b>order</b>?\n& the lamp")
    box.press("Enter")
    mine = page.locator("#thread .mine")
    expect(mine.locator("p")).to_have_text("Where is my <b>order</b>?\n& the lamp")
    expect(mine.get_by_text("Delivered")).to_be_attached()
    expect(box).to_have_value("")
    assert world.hub.texts() == ["Where is my <b>order</b>?\n& the lamp"]
    assert world.hub.heard[0].form["To"] == UK  # the firm's number of the customer's country
    world.client().messages.create(to=OLIVER, from_=UK, body="On its way <script>alert(1)</script>")
    expect(page.locator("#thread .theirs p")).to_have_text("On its way <script>alert(1)</script>")
    expect(page.get_by_role("log", name="Messages")).to_contain_text("From Lumbre")


def test_a_picture_goes_out_and_comes_in(open_page: Any, world: World) -> None:
    page = open_page()
    phone(page, "Oliver Hughes")
    chooser = {"name": "lamp.png", "mimeType": "image/png", "buffer": PICTURE}
    page.locator("#file").set_input_files([chooser, {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"x"}])
    expect(page.locator("#refused")).to_have_text("notes.txt is not a picture.")
    page.get_by_role("button", name="Send").click()
    sent = page.locator("#thread .mine img")
    expect(sent).to_be_visible()
    assert sent.evaluate("image => image.naturalWidth") == 1
    assert world.hub.wait_for(1)[0].form["NumMedia"] == "1"
    world.hub.files["/box.png"] = (200, PICTURE, "image/png")
    world.client().messages.create(to=OLIVER, from_=UK, body="", media_url=[f"{world.hub.url}/box.png"])
    expect(page.locator("#thread .theirs img")).to_be_visible()


def test_a_new_state_does_not_make_a_message_be_read_again(open_page: Any, world: World) -> None:
    page = open_page()
    phone(page, "Oliver Hughes")
    page.evaluate(
        """() => {
          window.added = [];
          new MutationObserver((changes) => {
            const nodes = changes.flatMap((change) => [...change.addedNodes]);
            added.push(...nodes.filter((node) => !node.closest("[aria-live=off]")).map((node) => node.className));
          }).observe(document.getElementById("thread"), { childList: true, subtree: true });
        }"""
    )
    world.hub.answer = lambda _: (200, "<Response><Message>at once</Message></Response>", "text/xml")
    box = page.get_by_role("textbox", name="Text message")
    box.fill("hello")
    box.press("Enter")
    expect(page.locator("#thread .mine .received")).to_be_attached()
    expect(page.locator("#thread .theirs")).to_contain_text("at once")
    assert page.evaluate("window.added") == ["day", "mine", "theirs"]


def test_another_phones_news_are_counted_and_read(open_page: Any, world: World) -> None:
    page = open_page()
    phone(page, "Oliver Hughes")
    world.client().messages.create(to=CARMEN, from_=SPAIN, body="Hola, Carmen")
    entry = page.get_by_role("navigation").get_by_role("button", name="Carmen Ortega")
    expect(entry.locator(".unread")).to_have_text("1 new")
    expect(page).to_have_title("(1) Phones")
    phone(page, "Carmen Ortega")
    expect(entry.locator(".unread")).to_have_count(0)
    expect(page).to_have_title("Phones")


def test_stop_is_shown_until_start(open_page: Any, world: World) -> None:
    page = open_page()
    phone(page, "Carmen Ortega")
    box = page.get_by_role("textbox", name="Text message")
    for word, holds in (("STOP", True), ("START", False)):
        box.fill(word)
        box.press("Enter")
        expect(page.locator("#stopped")).to_be_visible(visible=holds)
    assert world.ledger.blocks() == []


def test_a_text_that_nobody_takes_can_be_sent_again(open_page: Any, world: World) -> None:
    page = open_page()
    phone(page, "Oliver Hughes")
    world.hub.answer = lambda _: (503, "", "")
    box = page.get_by_role("textbox", name="Text message")
    box.fill("hello?")
    box.press("Enter")
    expect(page.locator("#thread .unsent")).to_contain_text("Not delivered")
    expect(page.locator("#announcement")).to_have_text("Not delivered: the hub did not take it")
    world.hub.answer = lambda _: (200, "", "")
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("#thread .mine:not(.unsent)")).to_contain_text("hello?")


def test_a_message_that_was_lost_on_the_way_says_so(open_page: Any, world: World) -> None:
    page = open_page()
    phone(page, "Oliver Hughes")
    page.get_by_role("button", name="Lose the hub’s message on the way").click()
    expect(page.locator("#in-force")).to_have_text("1 waits to happen")
    world.client().messages.create(to=OLIVER, from_=UK, body="lost")
    expect(page.locator("#thread .lost")).to_contain_text("Did not reach this phone (error 30007)")


def test_a_number_of_the_web_chat_becomes_a_phone(open_page: Any, world: World) -> None:
    page = open_page()
    number = page.get_by_role("textbox", name="Another number")
    number.fill("612")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#another-wrong")).to_be_visible()
    number.fill("0034 699 111 222")
    number.press("Enter")
    box = page.get_by_role("textbox", name="Text message")
    box.fill("it is me")
    box.press("Enter")
    expect(page.locator("#thread .mine")).to_contain_text("it is me")
    assert world.hub.wait_for(1)[0].form["From"] == "+34699111222"
    page.reload()
    expect(page.get_by_role("navigation").get_by_role("button", name="+34699111222")).to_be_visible()


def test_what_was_written_stays_while_the_simulator_is_away(open_page: Any, world: World) -> None:
    page = open_page()
    phone(page, "Oliver Hughes")
    page.route("**/control/texts", lambda route: route.fulfill(status=503, body="{}", content_type="application/json"))
    box = page.get_by_role("textbox", name="Text message")
    box.fill("keep me")
    box.press("Enter")
    expect(page.locator("#refused")).to_be_visible()
    expect(box).to_have_value("keep me")
    page.unroute("**/control/texts")
    box.press("Enter")
    expect(page.locator("#thread .mine")).to_contain_text("keep me")


def test_a_phones_width_and_the_keyboard(open_page: Any, world: World) -> None:
    page = open_page(viewport={"width": 390, "height": 780}, locale="es-ES", color_scheme="dark")
    expect(page.get_by_role("heading", name="Teléfonos")).to_be_visible()
    entry = page.get_by_role("navigation").get_by_role("button", name="Carmen Ortega")
    entry.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Carmen Ortega")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.get_by_role("textbox", name="Mensaje de texto").bounding_box()["height"] >= 40  # type: ignore[index]
    page.get_by_role("button", name="Todos los teléfonos").click()
    expect(entry).to_be_focused()


def test_both_languages_say_everything(open_page: Any) -> None:
    page = open_page()
    shape = """({ words }) => {
      const keys = (value, at) => typeof value === "object" && !Array.isArray(value)
        ? Object.entries(value).flatMap(([key, inner]) => keys(inner, `${at}.${key}`)) : [`${at}:${typeof value}`];
      return Object.values(words).map((each) => keys(each, "").sort());
    }"""
    english, spanish = page.evaluate(f"import('/page/words.js').then({shape})")
    assert english == spanish
    assert len(english) > 50
    page.get_by_role("button", name="Español").click()
    assert page.locator("html").get_attribute("lang") == "es"
    expect(page.get_by_role("heading", name="Red")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Red")).to_be_visible()


def test_the_page_runs_its_own_files_and_nothing_else(world: World) -> None:
    response = httpx.get(f"{world.url}/")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    folder = Path(__file__).parents[3] / "channels" / "simulators" / "phone_page"
    for path in folder.iterdir():
        assert httpx.get(f"{world.url}/page/{path.name}").status_code == 200
        assert "innerHTML" not in path.read_text()
    assert httpx.get(f"{world.url}/page/..%2Ftwilio.py").status_code == 404
