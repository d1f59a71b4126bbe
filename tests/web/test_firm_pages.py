"""The firm's page over HTTP: what it shows, what it takes, and who is turned away."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hub.domain.hours import SECOND
from hub.services import assignment, vendor_page, vendors
from hub.web import firm_pages
from tests.fixtures_hub import ANA, World
from tests.services.test_letters import Mails
from tests.services.test_letters import mails as mails  # the fixture
from tests.services.test_vendors import ACTOR, SECRET, Asking, add
from tests.web.conftest import Screen


@pytest.fixture
def database() -> str:
    """What is written is tested with the services, on both."""
    return "sqlite"


class Firm:
    """Somebody of a firm, with the mail that they got in front of them."""

    def __init__(self, world: World, mails: Mails, client: FlaskClient, **firm: Any) -> None:
        self.world, self.client, self.mails = world, client, mails
        self.asking = Asking(world, mails, add(world, page=True, **firm))
        self.conversation_id, self.question = mails.arrive("My <b>lamp</b> flickers.")
        self.path = self.ask()

    def ask(self, **fields: Any) -> str:
        mail = self.asking.ask(self.conversation_id, f"Is <i>{SECRET}</i> covered?", **fields)
        found = re.search(r"\S+(/firm/\S+)", mail.text)
        assert found
        return found[1]

    def open(self, path: str = "", **how: Any) -> TestResponse:
        return self.client.get(path or self.path, **how)

    def key(self, path: str = "") -> str:
        found = re.search(r'name="key" value="([^"]+)"', self.open(path).text)
        return found[1] if found else ""

    def answer(self, path: str = "", **form: Any) -> TestResponse:
        given = {"text": "Yes, it is.", "key": form.pop("key", None) or self.key(path)} | form
        return self.client.post(path or self.path, data=given, content_type="multipart/form-data")

    def said(self) -> list[str]:
        return [each.text for each in self.asking.said(self.conversation_id) if each.author_kind == "vendor"]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with a full allowance."""
    monkeypatch.setattr(firm_pages, "_CALLS", firm_pages.RateLimit(per_second=2.0, burst=40))
    monkeypatch.setattr(firm_pages, "_ANSWERS", firm_pages.RateLimit(per_second=1 / 20, burst=10))


@pytest.fixture
def firm(world: World, mails: Mails, app: APIFlask) -> Firm:
    return Firm(world, mails, app.test_client())


def test_the_page_shows_the_packet_and_is_nobodys_to_find_or_keep(firm: Firm) -> None:
    shown = firm.open()
    assert shown.status_code == 200
    for expected in (f"Is &lt;i&gt;{SECRET}&lt;/i&gt; covered?", "My &lt;b&gt;lamp&lt;/b&gt; flickers.", "Taller"):
        assert expected in shown.text
    assert "carla@example.org" not in shown.text, "who the customer is, the firm is not told"
    headers = shown.headers
    assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert "noindex" in headers["X-Robots-Tag"]
    assert "script-src" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "<script" not in shown.text
    assert "Set-Cookie" not in headers
    assert 'lang="es"' in firm.open(f"{firm.path}?language=es").text.partition("<head>")[0]
    assert firm.said() == [], "looking answers nothing"


def test_an_answer_with_files_comes_into_the_conversation(firm: Firm, open_screen: Callable[..., Screen]) -> None:
    files = [(io.BytesIO(b"four screws"), "plan.txt"), (io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"0" * 40), "lamp.png")]
    key = firm.key()
    sent = firm.answer(key=key, files=files, text="Yes.\r\nIt is.")
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{firm.path}?sent=1#content")
    assert sent.headers["Referrer-Policy"] == "no-referrer"
    assert firm.answer(key=key, text="Yes.\r\nIt is.").status_code == 303, "sent twice by mistake"
    assert firm.said() == ["Yes.\nIt is."]
    agent = open_screen("agent")
    *_, told = agent.get(f"/conversations/{firm.conversation_id}/messages")["items"]
    assert (told["rule"], told["author"]["name"], told["vendor"]["ended"]) == ("page", "Taller", "")
    assert [each["name"] for each in told["attachments"]] == ["plan.txt", "lamp.png"]
    assert agent.client.get(told["attachments"][0]["url"]).data == b"four screws"
    page = firm.open(f"{firm.path}?sent=1").text
    assert 'role="status"' in page
    assert "plan.txt" in page


def test_files_of_the_conversation_can_be_opened(firm: Firm) -> None:
    firm.answer(files=[(io.BytesIO(b"four screws"), "plan.txt")])
    with firm.world.store.read() as connection:
        page = vendor_page.page(connection, firm.path.removeprefix("/firm/").partition(".")[0])
    path = firm.ask(attachment_ids=(page.answers[0].files[0].attachment_id,))
    found = re.search(r'href="(/api/v1/attachments/[^"]+)"', firm.open(path).text)
    assert found
    assert firm.client.get(found[1].replace("&amp;", "&")).data == b"four screws"


def test_forged_and_expired_addresses_show_nothing(firm: Firm) -> None:
    token = firm.path.removeprefix("/firm/")
    message_id, expiry, signature = token.split(".")
    world = firm.world
    other = firm.asking.said(firm.conversation_id)[0].id
    forged = (
        *(f"{message_id}.{int(expiry) + 1}.{signature}", f"{message_id}.{expiry}.{signature[:-1]}0x", message_id),
        *("x", "..", f"{firm.question}.{expiry}.{signature}", f"{message_id}.{expiry}.é"),
    )
    for each in forged:
        for found in (firm.open(f"/firm/{each}"), firm.client.post(f"/firm/{each}", data={"text": "x"})):
            assert found.status_code == 404
            assert SECRET not in found.text
            assert found.headers["Referrer-Policy"] == "no-referrer"
    assert other == message_id
    key = firm.key()
    world.clock.pass_time(vendor_page.GOOD_FOR * SECOND + SECOND)
    assert firm.open().status_code == 404
    assert firm.client.post(firm.path, data={"text": "x", "key": key}).status_code == 404
    assert firm.said() == []


def test_another_pages_form_answers_nothing(firm: Firm) -> None:
    other = firm.key(firm.ask())
    for key in ("", "x", "a.b", "é", other, firm.key()[:-1]):
        refused = firm.client.post(firm.path, data={"text": "kept words", "key": key})
        assert refused.status_code == 403
        assert "kept words" in refused.text, "what was written is not lost"
    assert firm.said() == []


def test_what_is_too_much_is_refused_and_the_words_are_kept(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "as I said"
    program = [(io.BytesIO(b"MZ\x90\x00" + b"\x00" * 60), "set<b>up.exe")]
    many = [(io.BytesIO(b"x"), f"{each}.txt") for each in range(6)]
    for form, status in (
        ({"text": " "}, 422),
        ({"text": words + "x" * vendor_page.LONGEST}, 422),
        ({"text": words, "files": program}, 422),
        ({"text": words, "files": many}, 422),
    ):
        refused = firm.answer(**form)
        assert refused.status_code == status
        assert 'role="alert"' in refused.text
        assert words in refused.text or form["text"] == " "
        assert "<b>up" not in refused.text
    monkeypatch.setattr(firm_pages, "_OVERHEAD", 2_000)
    limit = 10_000
    rules = firm.mails.channel.capabilities
    monkeypatch.setattr(
        firm_pages,
        "_rules",
        lambda *_: type("Rules", (), {"attachment_limit": limit, "media_types": rules.media_types}),
    )
    for size in (limit + 1, limit * 3):
        assert firm.answer(files=[(io.BytesIO(b"x" * size), "long.txt")]).status_code == 413
    both = [(io.BytesIO(b"x" * 6_000), "one.txt"), (io.BytesIO(b"x" * 6_000), "two.txt")]
    assert firm.answer(files=both).status_code == 413
    assert firm.said() == []


def test_done_taken_back_and_closed_say_so_and_take_nothing(firm: Firm) -> None:
    world, key = firm.world, firm.key()
    assert firm.answer(key=key, text="", done="yes").status_code == 303
    assert firm.answer(key=key, text="", done="yes").status_code == 303, "sent twice by mistake"
    page = firm.open().text
    assert "this is done" in page
    assert "<form" not in page
    second = firm.ask()
    late = firm.key(second)
    world.store.write(lambda tx: vendors.recall(tx, firm.conversation_id, firm.asking.firm, ANA))
    refused = firm.answer(second, key=late)
    assert (refused.status_code, SECRET in refused.text) == (409, False)
    third = firm.ask()
    world.store.write(lambda tx: assignment.resolve(tx, firm.conversation_id, ACTOR))
    closed = firm.open(third).text
    assert "closed" in closed
    assert SECRET not in closed
    assert "flickers" not in closed
    assert len(firm.said()) == 1


def test_whoever_sends_without_end_waits(firm: Firm) -> None:
    key = firm.key()
    answers = [firm.client.post(firm.path, data={"text": "x", "key": key}).status_code for _ in range(11)]
    assert answers == [303] * 10 + [429]
    looks = [firm.open().status_code for _ in range(40)]
    assert 429 in looks


def test_an_agent_takes_back_what_was_asked(firm: Firm, open_screen: Callable[..., Screen]) -> None:
    path = f"/conversations/{firm.conversation_id}/vendors/{firm.asking.firm}"
    assert open_screen("editor").problem("DELETE", path) == (403, "forbidden")
    agent = open_screen("agent")
    assert agent.problem("DELETE", f"/conversations/{firm.conversation_id}/vendors/nobody") == (404, "not_found")
    agent.change("DELETE", path)
    (asked,) = [
        each
        for each in agent.get(f"/conversations/{firm.conversation_id}/messages")["items"]
        if each["kind"] == "vendor"
    ]
    assert asked["vendor"]["ended"] == "recalled"
