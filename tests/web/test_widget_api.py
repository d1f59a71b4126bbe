"""The web chat over HTTP, against the real application on both databases."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jwt
import pytest
from flask.testing import FlaskClient

from hub.domain import events as e
from hub.domain.messages import Author, Delivery
from hub.services import assignment, contacts, handoff, merging, promises, replies
from hub.store import tables as t
from hub.web.flask_app import create_app
from tests.fixtures_hub import ANA, ORIGIN, WEB, World

SHOP_SECRET = "the shop's own secret, 32 bytes or more"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0" * 40
Json = dict[str, Any]


class Browser:
    """A visitor's browser: keeps its token and where it is in the feed."""

    def __init__(self, client: FlaskClient, world: World) -> None:
        self.client, self.world = client, world
        self.token = ""
        self.cursor = ""
        self.visit: Json = {}

    def open(self, **asked: Any) -> Json:
        body = {"inbox": "key-webchat", "origin": ORIGIN, "language": "en", "visitor_token": self.token or None} | asked
        answer = self.client.post("/widget/v1/session", json=body)
        assert answer.status_code == 200, answer.json
        self.visit = answer.get_json()
        self.token, self.cursor = self.visit["visitor_token"], self.visit["cursor"]
        return self.visit

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def call(self, path: str, body: Json | None = None, status: int = 200) -> Json:
        url = f"/widget/v1/{path}"
        if body is None:
            answer = self.client.get(url, headers=self.headers)
        else:
            answer = self.client.post(url, json=body, headers=self.headers)
        assert answer.status_code == status, answer.get_json()
        found: Json = answer.get_json()
        return found

    def say(self, text: str, client_id: str = "", status: int = 200, **more: Any) -> Json:
        return self.call(
            "messages", {"client_id": client_id or "c-" + text.replace(" ", "-"), "text": text, **more}, status
        )

    def news(self) -> list[Json]:
        """What the feed has since this browser last looked."""
        found: list[Json] = []
        more = True
        while more:
            page = self.call(f"events?after={self.cursor}&limit=2")
            found += page["entries"]
            self.cursor, more = page["cursor"], page["more"]
        return found

    def upload(self, content: bytes, name: str = "picture.png", status: int = 200) -> Json:
        answer = self.client.post(
            "/widget/v1/attachments", data={"file": (io.BytesIO(content), name)}, headers=self.headers
        )
        assert answer.status_code == status, answer.get_json()
        found: Json = answer.get_json()
        return found


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_app(world.hub).test_client()


@pytest.fixture
def browser(client: FlaskClient, world: World) -> Browser:
    found = Browser(client, world)
    found.open()
    return found


def texts(entries: list[Json]) -> list[str]:
    return [each["message"]["text"] for each in entries if each["message"]]


def statuses(entries: list[Json]) -> list[Json]:
    return [each["status"] for each in entries if each["status"]]


def settle(world: World, **settings: Any) -> None:
    """Changes the web chat inbox's settings, and gives it the shop's secret."""

    sealed = world.hub.box.seal(json.dumps({"identity_secret": SHOP_SECRET}))
    given = {"origins": [ORIGIN], "title": {"en": "A shop", "es": "Una tienda"}, **settings}
    values = {"settings": json.dumps(given), "secrets": sealed}
    world.store.write(lambda tx: tx.change(t.inbox, {"id": WEB}, values))
    world.hub.inboxes.forget()


def shops_token(world: World, subject: str, **claims: Any) -> str:
    return jwt.encode(
        {"aud": "centralita", "sub": subject, "exp": world.clock.now() // 1_000_000 + 3600, **claims},
        SHOP_SECRET,
        algorithm="HS256",
    )


# --- the session ------------------------------------------------------------------------------------------------------


def test_a_first_visit_knows_nobody(browser: Browser) -> None:
    visit = browser.visit
    assert visit["entries"] == []
    assert visit["unread"] == 0
    assert visit["status"] is None
    assert visit["needs_details"] is False
    assert visit["settings"]["languages"] == ["en", "es"]
    assert visit["settings"]["text_limit"] == 10_000
    assert visit["settings"]["greeting"]["es"].startswith("¡Hola!")


def test_a_second_visit_has_the_history_and_the_unread_count(browser: Browser, world: World) -> None:
    browser.say("first question")
    world.run()
    again = Browser(browser.client, world)
    again.token = browser.token
    visit = again.open()
    assert texts(visit["entries"])[0] == "first question"
    assert visit["entries"][0]["message"]["sender"] == "me"
    assert visit["entries"][0]["message"]["client_id"] == "c-first-question"
    assert visit["unread"] == len(visit["entries"]) - 1 > 0
    assert again.news() == []


def test_history_is_the_newest_fifty_oldest_first(browser: Browser, world: World) -> None:
    for number in range(60):
        world.say(f"m{number}", sender=visitor_id(browser), inbox_id=WEB)
    assert texts(browser.open()["entries"]) == [f"m{number}" for number in range(10, 60)]


def test_a_session_says_when_somebody_is_there(browser: Browser, world: World) -> None:
    assert browser.visit["open"] is None, "nobody stated hours"
    now = world.clock.now()
    opens = datetime.fromtimestamp(now / 1_000_000, UTC) + timedelta(days=2)
    week: list[list[list[str]]] = [[], [], [], [], [], [], []]
    week[opens.weekday()] = [["09:00", "17:00"]]

    def state(owner: str, days: list[list[list[str]]]) -> list[Json]:
        world.clock.pass_time(1_000_000)
        world.store.write(lambda tx: promises.set_hours(tx, owner, {"zone": "Europe/Madrid", "week": days}, ANA))
        world.store.rulebook.forget()
        found: list[Json] = browser.open()["open"]
        return found

    (window,) = state(f"inbox:{WEB}", week)
    begins, ends = datetime.fromisoformat(window["begins"]), datetime.fromisoformat(window["ends"])
    assert ends - begins == timedelta(hours=8)
    assert begins.astimezone(ZoneInfo("Europe/Madrid")).strftime("%d %H:%M") == f"{opens:%d} 09:00"
    team_id = world.inbox(WEB).team_id
    assert len(state(f"team:{team_id}", [[["00:00", "24:00"]]] * 7)) >= 8, "the team's go before the inbox's"
    assert state(f"team:{team_id}", [[]] * 7) == []


def visitor_id(browser: Browser) -> str:
    found: str = jwt.decode(browser.token, options={"verify_signature": False})["sub"]
    return found


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"origin": "https://elsewhere.example"}, "origin"),
        ({"origin": "https://shop.example.evil.example"}, "origin"),
        ({"origin": "http://shop.example"}, "origin"),
        ({"origin": "null"}, "origin"),
        ({"origin": ""}, "origin"),
        ({"language": "english"}, "language"),
        ({"inbox": "no such key!"}, "inbox"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_session_refuses_with_field_and_rule(client: FlaskClient, asked: Json, field: str) -> None:
    body = {"inbox": "key-webchat", "origin": ORIGIN} | asked
    answer = client.post("/widget/v1/session", json=body)
    assert answer.status_code == 422
    assert answer.json["field"] == field
    assert answer.json["rule"]


def test_a_session_comes_from_the_hubs_own_frame(client: FlaskClient) -> None:
    body = {"inbox": "key-webchat", "origin": ORIGIN}
    elsewhere = client.post("/widget/v1/session", json=body, headers={"Origin": ORIGIN})
    own = client.post("/widget/v1/session", json=body, headers={"Origin": "http://127.0.0.1:8000"})
    assert (elsewhere.status_code, elsewhere.json["field"]) == (422, "Origin")
    assert own.status_code == 200


def test_the_hubs_own_page_may_embed_the_chat(client: FlaskClient) -> None:
    body = {"inbox": "key-webchat", "origin": "http://127.0.0.1:8000"}
    assert client.post("/widget/v1/session", json=body).status_code == 200


@pytest.mark.parametrize("inbox", ["nobody", "key-paper"])
def test_an_inbox_that_is_no_web_chat_is_not_found(client: FlaskClient, inbox: str) -> None:
    assert client.post("/widget/v1/session", json={"inbox": inbox, "origin": ORIGIN}).status_code == 404


@pytest.mark.parametrize("field", ["visitor_token", "identity_token"])
def test_a_bad_token_opens_no_session(client: FlaskClient, world: World, field: str) -> None:
    settle(world)
    body = {"inbox": "key-webchat", "origin": ORIGIN, field: "a.b.c"}
    answer = client.post("/widget/v1/session", json=body)
    assert (answer.status_code, answer.json["error_id"]) == (401, "bad_signature")


def test_who_is_signed_in_at_the_shop_keeps_the_chat_and_is_known(browser: Browser, world: World) -> None:
    settle(world, pre_chat=[{"name": "name", "required": True}])
    before = visitor_id(browser)
    browser.say("hello")
    visit = browser.open(identity_token=shops_token(world, "42", name="Ana García", email="ana@example.org"))
    assert visitor_id(browser) == before
    assert visit["needs_details"] is False
    assert texts(visit["entries"]) == ["hello"]


def test_another_customer_in_the_same_browser_sees_nothing_of_the_first(browser: Browser, world: World) -> None:
    settle(world)
    browser.open(identity_token=shops_token(world, "42"))
    first = visitor_id(browser)
    browser.say("my secret")
    second_visit = browser.open(identity_token=shops_token(world, "43"))
    assert second_visit["entries"] == []
    signed_out = browser.open()
    assert signed_out["entries"] == []
    assert first != visitor_id(browser)


def test_details_are_asked_for_once(client: FlaskClient, world: World) -> None:
    settle(world, pre_chat=[{"name": "name", "required": True}, {"name": "email", "required": False}])
    browser = Browser(client, world)
    assert browser.open()["needs_details"] is True
    browser.call("details", {"name": "Ana", "email": "Ana@Example.org"})
    visit = browser.open()
    assert visit["needs_details"] is False
    assert visit["contact_name"] == "Ana"
    with world.store.read() as connection:
        rows = connection.execute(t.identity.select().where(t.identity.c.channel == "email")).all()
    assert [(row.address, row.evidence) for row in rows] == [("ana@example.org", "stated")]


@pytest.mark.parametrize("phone", ["600 12 34 56", "+34 600 123 456", "0034600123456", "６００１２３４５６"])
def test_a_number_may_be_typed_as_at_home(client: FlaskClient, world: World, phone: str) -> None:
    settle(world, default_region="ES")
    browser = Browser(client, world)
    browser.open()
    browser.call("details", {"name": "Ana", "phone": phone})
    with world.store.read() as connection:
        rows = connection.execute(t.identity.select().where(t.identity.c.channel == "sms")).all()
    assert [(row.address, row.evidence) for row in rows] == [("+34600123456", "stated")]


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"email": "ana@example.org"}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "Ana", "email": "ana"}, "email"),
        ({"name": "Ana", "phone": "600123456"}, "phone"),
        ({"name": "A" * 121}, "name"),
        ({"name": "Ana", "fax": "1"}, "fax"),
    ],
)
def test_details_refuse_with_field_and_rule(client: FlaskClient, world: World, details: Json, field: str) -> None:
    settle(world, pre_chat=[{"name": "name", "required": True}])
    browser = Browser(client, world)
    browser.open()
    problem = browser.call("details", details, status=422)
    assert problem["field"] == field
    assert problem["rule"]


# --- tokens -----------------------------------------------------------------------------------------------------------

CALLS: list[tuple[str, Json | None]] = [
    ("details", {}),
    ("messages", {"client_id": "c", "text": "x"}),
    ("events", None),
    ("events?after=0.0", None),
    ("attachments", {}),
    ("seen", {"message_id": "m"}),
    ("typing", {"on": True}),
]


@pytest.mark.parametrize("kind", ["none", "garbage", "socket", "expired", "changed", "other inbox"])
def test_every_call_wants_a_genuine_token(browser: Browser, world: World, kind: str) -> None:
    genuine = browser.token
    browser.token = {
        "none": "",
        "garbage": "not.a.token",
        "socket": browser.visit["socket_token"],
        "expired": genuine,
        "changed": genuine[:-4] + ("aaaa" if not genuine.endswith("aaaa") else "bbbb"),
        "other inbox": jwt.encode(
            jwt.decode(genuine, options={"verify_signature": False}) | {"inbox": "inbox-paper"}, "x" * 32
        ),
    }[kind]
    if kind == "expired":
        world.clock.pass_time(31 * 24 * 3600 * 1_000_000)
    for path, body in CALLS:
        assert browser.call(path, body, status=401)["error_id"] == "bad_signature"
    assert world.count(t.message) == 0


# --- messages ---------------------------------------------------------------------------------------------------------


def test_a_message_is_stored_once_however_often_it_is_sent(browser: Browser, world: World) -> None:
    first = browser.say("hello", "one")
    second = browser.say("hello", "one")
    assert (first["duplicate"], second["duplicate"]) == (False, True)
    assert first["message_id"] == second["message_id"]
    assert texts(browser.news()) == ["hello"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"client_id": "c", "text": ""}, "text"),
        ({"client_id": "c", "text": "x" * 10_001}, "text"),
        ({"client_id": "c", "text": "a\0b"}, "text"),
        ({"client_id": "", "text": "x"}, "client_id"),
        ({"text": "x"}, "client_id"),
        ({"client_id": "c", "text": "x", "attachments": ["never"]}, "attachments"),
        ({"client_id": "c", "text": "x", "payload": "/affirm"}, "reply_to"),
        ({"client_id": "c", "text": "x", "extra": 1}, "extra"),
    ],
)
def test_a_message_refuses_with_field_and_rule(browser: Browser, body: Json, field: str) -> None:
    problem = browser.call("messages", body, status=422)
    assert problem["field"] == field
    assert problem["rule"]


def test_a_body_that_is_too_long_is_refused(browser: Browser) -> None:
    problem = browser.call("messages", {"client_id": "c", "text": "x" * 200_000}, status=413)
    assert problem["error_id"] == "too_large"


def test_a_flood_is_told_when_to_come_again(browser: Browser) -> None:
    for number in range(20):
        browser.say(f"m{number}")
    answer = browser.client.post(
        "/widget/v1/messages", json={"client_id": "late", "text": "x"}, headers=browser.headers
    )
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1


# --- the visitor's feed -----------------------------------------------------------------------------------------------


def test_the_feed_tells_the_path_from_bot_to_person(browser: Browser, world: World) -> None:
    browser.say("I want a person")
    world.run()
    news = browser.news()
    assert texts(news)[0] == "I want a person"
    assert statuses(news)[-1] == {"status": "waiting", "place": 1, "agent_name": None}
    conversation_id = current(world)
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    assert statuses(browser.news())[-1] == {"status": "assigned", "place": None, "agent_name": "Ana"}
    world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, "Hello, I am Ana", "c1"))
    (answer,) = [each["message"] for each in browser.news() if each["message"]]
    assert (answer["sender"], answer["author_name"], answer["text"]) == ("agent", "Ana", "Hello, I am Ana")
    world.store.write(lambda tx: assignment.resolve(tx, conversation_id, e.Actor(Author.AGENT, ANA)))
    assert statuses(browser.news())[-1]["status"] == "resolved"


def make_one(world: World, conversation_id: str, into: str) -> None:
    """Merges two conversations and, first, their contacts."""
    by = e.Actor(Author.AGENT, ANA)
    mine, other = (world.conversation(each).contact_id for each in (conversation_id, into))
    world.store.write(lambda tx: contacts.merge(tx, mine, other, by))
    world.store.write(lambda tx: merging.merge(tx, conversation_id, into, by))


def current(world: World) -> str:
    with world.store.read() as connection:
        found = connection.execute(t.conversation.select().order_by(t.conversation.c.opened_at.desc())).first()
    assert found is not None
    identifier: str = found.id
    return identifier


def test_a_visitor_never_sees_notes_scores_or_other_addresses(browser: Browser, world: World) -> None:
    evidence = (("email", "ana@example.org", "signed_identity"),)
    world.say("by paper, privately", sender="ana-on-paper", evidence=evidence)
    stranger = Browser(browser.client, world)
    stranger.open()
    stranger.say("not yours")
    browser.say("hello")
    conversation_id = current(world)
    world.store.write(lambda tx: replies.note(tx, conversation_id, ANA, "a nasty note", "n1"))
    world.run()
    # They turn out to be the person who writes on paper, and it all becomes one conversation.
    paper = world.say("more on paper", sender="ana-on-paper").conversation_id
    make_one(world, paper, conversation_id)
    world.say("even more on paper", sender="ana-on-paper")
    for found in (browser.news(), browser.open()["entries"]):
        told = str(found)
        assert "hello" in texts(found)
        for hidden in ("paper", "nasty", "not yours", "score", "confidence", "not_understood", "reason"):
            assert hidden not in told


def test_after_a_merge_the_visitor_reads_on(browser: Browser, world: World) -> None:
    browser.say("one")
    mine = current(world)
    other = world.say("another matter", sender="somebody").conversation_id
    browser.news()
    world.store.write(lambda tx: handoff.hand_over(tx, other, reason="customer_asked", open_question=""))
    make_one(world, mine, other)
    assert statuses(browser.news())[-1]["status"] == "waiting"
    world.store.write(lambda tx: assignment.take(tx, other, ANA))
    assert statuses(browser.news())[-1]["agent_name"] == "Ana"


def test_delivery_is_told_and_seen_comes_back(browser: Browser, world: World) -> None:
    browser.say("hello")
    world.run()
    news = browser.news()
    answers = [each["message"] for each in news if each["message"] and each["message"]["sender"] == "bot"]
    assert answers
    browser.call("seen", {"message_id": answers[-1]["id"], "state": "read"})
    told = [each["delivery"] for each in browser.news() if each["delivery"]]
    assert {answers[-1]["id"]: "read"} in told
    assert browser.open()["unread"] == 0
    assert {state for _, _, state in world.thread(current(world))} == {"delivered", "read"}


def test_seen_is_for_ones_own_messages(browser: Browser, world: World) -> None:
    browser.say("hello")
    world.run()
    answer = next(each["message"] for each in browser.news() if each["message"] and each["message"]["sender"] == "bot")
    stranger = Browser(browser.client, world)
    stranger.open()
    stranger.say("hello")
    stranger.call("seen", {"message_id": answer["id"], "state": "read"})
    with world.store.read() as connection:
        row = connection.execute(t.message.select().where(t.message.c.id == answer["id"])).one()
    assert row.state != Delivery.READ


@pytest.mark.parametrize("after", ["x", "1", "1.2.3", "-1.2", "9" * 41 + ".1"])
def test_a_cursor_of_ones_own_making_is_refused(browser: Browser, after: str) -> None:
    assert browser.call(f"events?after={after}", status=422)["field"] == "after"


def test_without_a_cursor_the_feed_is_empty_and_now(browser: Browser) -> None:
    browser.say("before")
    page = browser.call("events")
    assert page["entries"] == []
    browser.say("after")
    assert texts(browser.call(f"events?after={page['cursor']}")["entries"]) == ["after"]


def test_citations_name_the_version_and_not_the_confidence(browser: Browser, world: World) -> None:
    browser.say("hello")
    conversation_id = current(world)
    citation = {
        "article_id": "returns",
        "version": 3,
        "locale": "en",
        "title": "Returns",
        "passage": "Within 30 days.",
        "confidence": 0.91,
    }
    extras = {"buttons": [{"title": "Yes", "payload": "/affirm"}], "citation": citation}
    world.store.write(lambda tx: replies.send(tx, conversation_id, "Within 30 days.", e.BOT, extras=extras))
    message = browser.news()[-1]["message"]
    del citation["confidence"]
    assert message["citation"] == citation
    assert message["buttons"] == extras["buttons"]


# --- typing -----------------------------------------------------------------------------------------------------------


def test_typing_is_told_to_agents_and_kept_nowhere(browser: Browser, world: World) -> None:
    browser.call("typing", {"on": True})
    assert world.push.whispers == []
    browser.say("hello")
    events = world.count(t.event)
    browser.call("typing", {"on": True})
    ((room, name, data),) = world.push.whispers
    assert (room, name) == ("agents", "typing")
    assert data["conversation_id"] == current(world)
    assert data["author"]["kind"] == "contact"
    assert data["on"] is True
    assert world.count(t.event) == events


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_picture_goes_with_a_message_and_comes_back(browser: Browser) -> None:
    uploaded = browser.upload(PNG, "../../etc/pass\u202ewd.png")
    assert uploaded["name"] == "passwd.png"
    assert (uploaded["media_type"], uploaded["size"]) == ("image/png", len(PNG))
    browser.say("look", attachments=[uploaded["id"]])
    ((shown,),) = [each["message"]["attachments"] for each in browser.news() if each["message"]]
    answer = browser.client.get(shown["url"])
    assert answer.data == PNG
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "X-Frame-Options" not in answer.headers or answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("content", "name", "media_type", "kept_as"),
    [
        (b"<html><script>alert(1)</script></html>", "page.html", "text/plain", "page.html.txt"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "bill.exe", "application/pdf", "bill.exe.pdf"),
        ("¡Hola!\n".encode(), "...", "text/plain", "file.txt"),
    ],
)
def test_what_is_no_picture_is_saved_and_never_shown(
    browser: Browser, content: bytes, name: str, media_type: str, kept_as: str
) -> None:
    uploaded = browser.upload(content, name)
    assert (uploaded["media_type"], uploaded["name"]) == (media_type, kept_as)
    answer = browser.client.get(uploaded["url"])
    assert answer.data == content
    assert answer.headers["Content-Type"].startswith(media_type)
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "must not be empty"),
        (b"MZ\x90\0" + b"\0" * 80, "must be one of"),
        (b"\x1f\x8b\x08\0\0\xff", "must be one of"),
    ],
)
def test_the_content_decides_what_is_taken(browser: Browser, content: bytes, rule: str) -> None:
    problem = browser.upload(content, "holiday.png", status=422)
    assert problem["field"] == "file"
    assert rule in problem["rule"]


def test_a_form_without_a_file_is_refused(browser: Browser) -> None:
    answer = browser.client.post("/widget/v1/attachments", data={"other": "x"}, headers=browser.headers)
    assert (answer.status_code, answer.json["field"]) == (422, "file")


def test_a_file_belongs_to_who_uploaded_it(browser: Browser, world: World) -> None:
    uploaded = browser.upload(PNG)
    stranger = Browser(browser.client, world)
    stranger.open()
    assert stranger.say("mine", attachments=[uploaded["id"]], status=422)["field"] == "attachments"
    browser.say("mine", attachments=[uploaded["id"]])
    assert browser.say("again", attachments=[uploaded["id"]], status=422)["field"] == "attachments"


def test_an_address_is_good_for_one_file_and_not_for_ever(browser: Browser, world: World) -> None:
    url, other = browser.upload(PNG)["url"], browser.upload(PNG)["url"]
    path, signature = url.split("?signature=")
    expiry, _, mac = signature.partition(".")
    for bad in (
        path,
        f"{path}?signature=",
        f"{other.split('?')[0]}?signature={signature}",
        f"{path}?signature={int(expiry) + 1}.{mac}",
        f"{path}?signature={expiry}.é",
    ):
        assert browser.client.get(bad).status_code == 401
    assert browser.client.get(url).status_code == 200
    world.clock.pass_time(2 * 24 * 3600 * 1_000_000)
    assert browser.client.get(url).status_code == 401


# --- the loader and the page ------------------------------------------------------------------------------------------


@pytest.fixture
def built(make_world: Callable[..., World], tmp_path: Path) -> Iterator[FlaskClient]:
    """An application over a built widget, as vite leaves it."""
    folder = tmp_path / "console" / "widget"
    folder.mkdir(parents=True)
    (folder / "loader.js").write_text("console.log('loader');" * 100)
    (folder / "frame.html").write_text("<!doctype html><title>Chat</title>")
    (folder / "app-abc123.js").write_text("console.log('app');" * 100)
    (tmp_path / "console" / "secret.txt").write_text("not for the public")
    world = make_world(CENTRALITA_CONSOLE=str(tmp_path / "console"))
    return create_app(world.hub).test_client()


def test_the_loader_is_small_and_can_be_asked_for_again(built: FlaskClient) -> None:
    answer = built.get("/widget/loader.js", headers={"Accept-Encoding": "br, gzip"})
    assert gzip.decompress(answer.data) == b"console.log('loader');" * 100
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert "javascript" in answer.headers["Content-Type"]
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    headers = {"Accept-Encoding": "br, gzip", "If-None-Match": answer.headers["ETag"]}
    assert built.get("/widget/loader.js", headers=headers).status_code == 304
    plain = built.get("/widget/loader.js")
    assert plain.data == b"console.log('loader');" * 100
    assert plain.headers["ETag"] != answer.headers["ETag"]


def test_hashed_files_are_kept_for_ever(built: FlaskClient) -> None:
    assert "immutable" in built.get("/widget/static/app-abc123.js").headers["Cache-Control"]


@pytest.mark.parametrize("path", ["../secret.txt", "..%2fsecret.txt", "none.js", "."])
def test_nothing_but_the_widgets_files_is_served(built: FlaskClient, path: str) -> None:
    assert built.get(f"/widget/static/{path}").status_code == 404


def test_the_frame_stands_in_the_inboxs_pages_alone(built: FlaskClient) -> None:
    answer = built.get("/widget/frame?inbox=key-webchat&origin=https://shop.example")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors 'self' {ORIGIN}")
    assert "unsafe" not in policy
    assert "X-Frame-Options" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("inbox", ["", "nobody", "key-paper"])
def test_the_frame_of_an_unknown_inbox_is_refused(built: FlaskClient, inbox: str) -> None:
    assert built.get(f"/widget/frame?inbox={inbox}").status_code == 404


def test_before_it_is_built_it_says_when_to_come_again(make_world: Callable[..., World], tmp_path: Path) -> None:
    client = create_app(make_world(CENTRALITA_CONSOLE=str(tmp_path / "none")).hub).test_client()
    answer = client.get("/widget/loader.js")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
