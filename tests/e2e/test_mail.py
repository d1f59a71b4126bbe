"""A mail from the customer's page to the inbox, the agent's answer back into its thread, and an answer to that; the
mailboxes' page as axe-core sees it, with all of that in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE, Phones, Running, violations

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
OLIVER = "oliver.hughes@mail.example"
WORKSHOP = "pedidos@taller-norte.example"


@pytest.fixture(scope="module")
def mailbox(browser: Browser, firm: tuple[Running, Phones]) -> Iterator[Page]:
    """A customer's mailbox; whatever the page complains of fails the tests at their end."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1366, "height": 768})
    page, complaints = context.new_page(), list[str]()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{firm[1].url}/mail#{OLIVER}")
    expect(page.get_by_role("heading", name="Oliver Hughes")).to_be_visible(timeout=PATIENCE)
    yield page
    context.close()
    assert complaints == []


def test_a_mail_is_answered_in_its_thread_and_the_answer_to_that_comes_home(
    firm: tuple[Running, Phones], mailbox: Page, desk: Page
) -> None:
    mailbox.get_by_role("button", name="New mail").click()
    mailbox.get_by_role("textbox", name="Subject").fill("The oak shelf")
    mailbox.get_by_role("textbox", name="Message").fill("One bracket is missing.\n\nOliver")
    mailbox.get_by_role("button", name="Send").click()
    letters = mailbox.locator("#thread > li")
    expect(letters.first).to_contain_text("Taken by the hub (250)", timeout=PATIENCE)

    desk.get_by_text("Oliver Hughes", exact=True).first.click(timeout=PATIENCE)
    thread = desk.get_by_role("log")
    expect(thread.get_by_text("One bracket is missing.")).to_be_visible(timeout=PATIENCE)
    desk.get_by_role("textbox", name="Reply to Oliver Hughes").fill("It leaves today.\n\nYou get it on Monday.")
    desk.keyboard.press("Control+Enter")

    # Threaded: below what was asked, on the same page.
    answer = letters.filter(has_text="Sofía Méndez")
    expect(answer).to_have_count(1, timeout=PATIENCE)
    paper = mailbox.frame_locator(f"#thread [data-id='{answer.get_attribute('data-id')}'] iframe")
    expect(paper.get_by_text("You get it on Monday.")).to_be_visible(timeout=PATIENCE)
    answer.get_by_role("button", name="Plain text").click()
    expect(answer.locator(".text")).to_contain_text("It leaves today.\n\nYou get it on Monday.\n\n-- \nSofía Méndez")

    mailbox.get_by_role("button", name="Reply").click()
    mailbox.get_by_role("combobox", name="Quotes like").select_option("outlook")
    mailbox.get_by_role("textbox", name="Message").fill("Monday is fine, thank you.")
    mailbox.get_by_role("button", name="Send").click()
    expect(letters.last).to_contain_text("Taken by the hub (250)", timeout=PATIENCE)
    reply = thread.get_by_text("Monday is fine, thank you.")
    expect(reply).to_have_text("Monday is fine, thank you.", timeout=PATIENCE)
    # What was quoted is not shown again, and all of it is one conversation: one row of the list.
    expect(thread.get_by_text("It leaves today.")).to_have_count(1)
    desk.goto(f"{firm[0].url}/inbox/all")
    expect(desk.locator("a[href*='/all/']").filter(has_text="Oliver Hughes")).to_have_count(1, timeout=PATIENCE)


def test_a_workshop_is_asked_and_answers_and_the_customer_sees_neither(
    firm: tuple[Running, Phones], mailbox: Page, desk: Page, browser: Browser
) -> None:
    received = mailbox.locator("#list button")  # every mail of the firm's that this customer has
    before = received.count()
    assert before > 0
    desk.goto(f"{firm[0].url}/inbox/all")
    desk.get_by_text("Oliver Hughes", exact=True).first.click(timeout=PATIENCE)
    desk.get_by_role("button", name="More actions").click()
    desk.get_by_role("menuitem", name="Ask an outside firm").click()
    dialog = desk.get_by_role("dialog", name="Ask an outside firm")
    dialog.get_by_role("textbox", name="Your question").fill("¿Tenéis el soporte de la estantería de roble?")
    dialog.get_by_role("checkbox", name=re.compile("One bracket is missing")).check()
    dialog.get_by_role("button", name="Show the mail").click()
    expect(dialog.locator("pre")).to_contain_text("One bracket is missing", timeout=PATIENCE)
    assert violations(desk) == []
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_have_count(0, timeout=PATIENCE)
    thread = desk.get_by_role("log")
    expect(thread.get_by_text("to Taller Norte; the customer does not see it")).to_be_visible(timeout=PATIENCE)

    context = browser.new_context(locale="es-ES", viewport={"width": 1366, "height": 768})
    workshop = context.new_page()
    workshop.goto(f"{firm[1].url}/mail#{WORKSHOP}")
    workshop.locator("#list button").first.click(timeout=PATIENCE)
    asked = workshop.locator("#thread > li")
    expect(asked).to_have_count(1, timeout=PATIENCE)
    workshop.get_by_role("button", name="Responder").click()
    workshop.get_by_role("textbox", name="Mensaje").fill("Sale mañana desde Vigo.")
    workshop.get_by_role("button", name="Enviar").click()
    expect(thread.get_by_text("Sale mañana desde Vigo.")).to_be_visible(timeout=PATIENCE)
    expect(thread.get_by_text("Outside firm; the customer does not see it")).to_be_visible()
    assert violations(desk) == []
    desk.emulate_media(color_scheme="dark")
    desk.set_viewport_size({"width": 390, "height": 780})
    assert violations(desk) == []
    assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()

    # The customer is told that somebody was asked, and neither what nor what they said.
    mailbox.reload()
    received.first.click(timeout=PATIENCE)
    expect(received).to_have_count(before + 1)
    expect(mailbox.get_by_text("¿Tenéis el soporte de la estantería de roble?")).to_have_count(0)
    expect(mailbox.get_by_text("Sale mañana desde Vigo.")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1366), ("dark", 390)])
def test_axe_finds_nothing_in_the_mailboxes(mailbox: Page, scheme: Any, width: int) -> None:
    mailbox.emulate_media(color_scheme=scheme)
    mailbox.set_viewport_size({"width": width, "height": 780})
    found = {"thread": violations(mailbox)}
    mailbox.get_by_role("button", name="Reply").click()
    found["reply"] = violations(mailbox)
    mailbox.get_by_role("button", name=re.compile("Discard")).click()
    if width < 720:
        assert mailbox.evaluate("document.documentElement.scrollWidth <= innerWidth")
        mailbox.get_by_role("button", name="Back to the mails").click()
        found["mails"] = violations(mailbox)
        mailbox.get_by_role("button", name="All mailboxes").click()
        found["people"] = violations(mailbox)
    assert not any(found.values()), found
