"""One conversation over two channels: a chat on the page, a text from the number given there, an answer by either; and
the inbox's pages as axe-core sees them, with all of that in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import AT_HOME, CARLA, FIRM, PATIENCE, Phones, Running, violations

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
# One green dot.
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkaPj/HwAEAgH/l5pXlwAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def customer(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    yield context.new_page()
    context.close()


def test_a_chat_goes_on_by_text_and_the_answer_takes_either_way(
    firm: tuple[Running, Phones], customer: Page, desk: Page
) -> None:
    hub, phones = firm
    customer.goto(f"{hub.url}/demo?language=en")
    customer.get_by_role("button", name="Chat with us").click()
    chat = customer.frame_locator("iframe")
    expect(chat.get_by_role("link", name="+34 644 01 02 03")).to_have_attribute("href", f"sms:{FIRM}", timeout=PATIENCE)
    chat.get_by_role("textbox", name="Name").fill("Carla Soler")
    chat.get_by_role("textbox", name="Phone").fill("+34 12")
    chat.get_by_role("button", name="Start the chat").click()
    expect(chat.get_by_role("alert")).to_contain_text("check the phone number", timeout=PATIENCE)
    chat.get_by_role("textbox", name="Phone").fill(f"+34 {AT_HOME}")
    chat.get_by_role("button", name="Start the chat").click()
    box = chat.get_by_role("textbox", name="Write a message")
    box.fill("The lamp came broken, here on the page")
    box.press("Enter")

    desk.get_by_text("Carla Soler", exact=True).first.click(timeout=PATIENCE)
    thread = desk.get_by_role("log")
    expect(thread.get_by_text("here on the page")).to_be_visible(timeout=PATIENCE)
    phones.text("I am on my way now, text me", media=[picture()])
    expect(thread.get_by_text("I am on my way now, text me")).to_be_visible(timeout=PATIENCE)
    # One conversation: one row of the list.
    expect(desk.locator("a[href*='/queue/']").filter(has_text="Carla Soler")).to_have_count(1)
    divider = thread.locator("[data-channel=sms]")
    expect(divider).to_have_count(1)
    expect(divider).to_contain_text(f"Now by SMS · {AT_HOME}")
    expect(divider.get_by_role("button", name=re.compile("not proven"))).to_be_visible()
    expect(thread.get_by_role("button", name=re.compile("^Enlarge"))).to_be_visible(timeout=PATIENCE)

    composer = desk.get_by_role("textbox", name="Reply to Carla Soler")
    composer.fill("It’s here. " * 7)
    expect(desk.get_by_text("2 SMS ·")).to_be_visible(timeout=PATIENCE)
    desk.get_by_role("button", name="Replace: only 1 SMS").click()
    expect(desk.get_by_text("1 SMS ·")).to_be_visible()
    composer.fill("We send you a new one today")
    composer.press("Enter")
    assert phones.got("We send you a new one today")["to"] == CARLA

    desk.get_by_role("button", name=re.compile("^Answer by SMS")).click()
    desk.get_by_role("menuitemradio", name=re.compile("Web chat")).click()
    expect(desk.get_by_text("This answer goes by Web chat")).to_be_visible()
    composer.fill("And the receipt stands here in the chat")
    composer.press("Enter")
    expect(chat.get_by_role("log").get_by_text("And the receipt stands here")).to_be_visible(timeout=PATIENCE)
    checked = hub.command("replay", "--check")
    assert checked.returncode == 0, checked.stdout


def test_who_texts_stop_is_written_to_no_more_by_text_but_on_the_page(
    firm: tuple[Running, Phones], customer: Page, desk: Page
) -> None:
    _, phones = firm
    desk.get_by_role("button", name="Back to SMS").click()
    phones.text("STOP")
    region = desk.get_by_role("region", name="Must not be written to")
    expect(region).to_contain_text("texted STOP", timeout=PATIENCE)
    expect(desk.get_by_role("log").get_by_text("wants no more messages")).to_be_visible()
    expect(desk.get_by_role("textbox", name="Reply to Carla Soler")).to_have_count(0)
    region.get_by_role("button", name="Answer by Web chat").click()
    composer = desk.get_by_role("textbox", name="Reply to Carla Soler")
    composer.fill("Then we write here")
    composer.press("Enter")
    chat = customer.frame_locator("iframe")
    expect(chat.get_by_role("log").get_by_text("Then we write here")).to_be_visible(timeout=PATIENCE)
    phones.text("START")
    expect(desk.get_by_role("log").get_by_text("wants messages again")).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_inbox(firm: tuple[Running, Phones], desk: Page, scheme: Any) -> None:
    hub, _ = firm
    desk.emulate_media(color_scheme=scheme)
    found: dict[str, list[str]] = {"conversation": violations(desk)}
    for page, width in (("queue", 1366), ("all", 390), ("articles", 1366), ("health", 1366)):
        desk.set_viewport_size({"width": width, "height": 768})
        desk.goto(f"{hub.url}/inbox/{page}")
        expect(desk.get_by_role("main")).to_be_visible(timeout=PATIENCE)
        desk.wait_for_load_state("networkidle")
        found[page] = violations(desk)
    assert not any(found.values()), found


def picture() -> dict[str, str]:
    return {"content_base64": PICTURE, "media_type": "image/png", "name": "lamp.png"}
