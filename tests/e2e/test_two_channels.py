"""One conversation over two channels: a chat on the page, a text from the number given there, an answer by either; and
the inbox's pages as axe-core sees them, with all of that in them."""

from __future__ import annotations

import re
import secrets
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from channels.simulators.phones import FIRM_NUMBERS
from scripts.processes import end, start
from tests import parts
from tests.e2e.conftest import ROOT, Running, run_hub

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PATIENCE = 20_000
FIRM = FIRM_NUMBERS[0]
CARLA, AT_HOME = "+34611998877", "611 99 88 77"
AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
# One green dot.
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkaPj/HwAEAgH/l5pXlwAAAABJRU5ErkJggg=="


@dataclass
class Phones:
    """The customers' phones: the simulated provider, by its control API."""

    url: str

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        address = f"{self.url}/control/{path}"
        answer = httpx.get(address, timeout=30) if body is None else httpx.post(address, json=body, timeout=30)
        return answer.raise_for_status().json()

    def text(self, body: str, number: str = CARLA, media: list[dict[str, str]] | None = None) -> None:
        """A customer texts the firm, who has it when this returns."""
        answer = self.call("texts", {"from": number, "to": FIRM, "body": body, "media": media or []})
        assert answer["delivered"], answer

    def got(self, body: str, number: str = CARLA, seconds: float = 20) -> dict[str, Any]:
        """The firm's text with this body, once the customer has it."""
        deadline = time.monotonic() + seconds
        after = 0
        while time.monotonic() < deadline:
            page = self.call(f"texts?number={number.replace('+', '%2B')}&after={after}&wait=5")
            for each in page["texts"]:
                if each["body"] == body and each["from"] != number:
                    found: dict[str, Any] = each
                    return found
            after = page["after"]
        raise AssertionError(f"{number} never got {body!r}")


@pytest.fixture(scope="module")
def console() -> Path:
    built = ROOT / "console" / "dist"
    if not (built / "inbox" / "index.html").exists():
        parts.missing("console", "run `make console`")
    return built


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory, console: Path) -> Iterator[tuple[Running, Phones]]:
    """The demo firm with a number for text messages, and neither bot nor knowledge base: people answer."""
    del console
    folder = tmp_path_factory.mktemp("two-channels")
    hub_port, port = parts.free_port(), parts.free_port()
    told = {
        "CENTRALITA_SIMULATOR_URL": f"http://127.0.0.1:{port}",
        "CENTRALITA_SIMULATOR_ACCOUNT": f"AC{secrets.token_hex(16)}",
        "CENTRALITA_SIMULATOR_TOKEN": secrets.token_hex(16),
        "CENTRALITA_FETCH_ALLOW": f"127.0.0.1:{port}",
        "CENTRALITA_REDIS_URL": "",
        "CENTRALITA_KNOWLEDGE": "absent",
    }
    number = f"--number={FIRM}=http://127.0.0.1:{hub_port}/webhooks/demo-sms"
    command = [sys.executable, "-m", "channels.simulators", "--port", str(port), number]
    with run_hub(folder, hub_port, told, None) as running:
        log = folder / "simulator.log"
        simulator = start(command, log=log, env=running.environment, cwd=ROOT)
        try:
            phones = Phones(told["CENTRALITA_SIMULATOR_URL"])
            deadline = time.monotonic() + 60
            while True:
                try:
                    phones.call("numbers")
                    break
                except httpx.TransportError:
                    assert time.monotonic() < deadline, log.read_text()
                    time.sleep(0.1)
            yield running, phones
        finally:
            end(simulator)


@pytest.fixture(scope="module")
def customer(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def desk(browser: Browser, firm: tuple[Running, Phones]) -> Iterator[Page]:
    """A supervisor, signed in."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.goto(f"{firm[0].url}/inbox/")
    page.locator("input[type=email]").fill("sofia@demo.example")
    page.locator("input[type=password]").fill("centralita")
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation").first).to_be_visible(timeout=PATIENCE)
    if page.get_by_role("link", name=re.compile("^Cola")).count():
        page.evaluate("localStorage.setItem('centralita.language', 'en')")
        page.reload()
    yield page
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


def violations(page: Page) -> list[str]:
    """What axe-core says of WCAG 2.2 AA, each with the first place."""
    page.evaluate(AXE.read_text())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    done = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
    return [
        f"{each['id']}: {each['nodes'][0]['html']} {each['nodes'][0]['failureSummary']}" for each in done["violations"]
    ]
