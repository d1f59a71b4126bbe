"""Mail over the API: what a message tells of it, its whole body, and what was held back."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage

import pytest

from hub.domain.permissions import ROLES, may
from tests.fixtures_hub import World
from tests.services.test_held_back import spam
from tests.services.test_letters import Mails, ours
from tests.services.test_letters import mails as mails  # the fixture
from tests.web.conftest import Screen

REPLY = "Thanks.\n\nOn Sat, 21 Nov 2026 at 10:00, Lumbre <ayuda@lumbre.example> wrote:\n> It has been sent.\n"


@pytest.fixture
def agent(open_screen: Callable[..., Screen]) -> Screen:
    return open_screen("agent")


def test_a_mail_tells_its_subject_its_rule_and_that_there_is_more(mails: Mails, agent: Screen) -> None:
    conversation_id, _ = mails.arrive(subject="Re: My lamp")
    mails.arrive(REPLY, subject="Another word", In_Reply_To=ours(mails.answer(conversation_id)))
    thread = agent.get(f"/conversations/{conversation_id}/messages")["items"]
    first, *between, last = thread
    assert first["letter"] | {"evidence": ""} == {
        "subject": "Re: My lamp",
        "sender": "carla@example.org",
        "robot": "",
        "rule": "new",
        "evidence": "",
        "claims": [],
        "notes": ["no Date"],
        "has_html": False,
        "has_more": False,
        "inline": [],
    }
    assert [each["letter"] for each in between] == [None] * len(between), "ours are no letters of a customer's"
    assert (last["text"], last["rule"]) == ("Thanks.", "in_reply_to")
    assert (last["letter"]["subject"], last["letter"]["has_more"]) == ("Another word", True)
    body = agent.get(f"/messages/{last['id']}/body")
    assert "> It has been sent." in body["whole"]
    assert (body["subject"], body["html"]) == ("Another word", "")


def test_html_is_given_clean_with_its_pictures_held_back(mails: Mails, agent: Screen) -> None:
    raw = (
        b"From: a@example.org\nTo: ayuda@lumbre.example\nSubject: x\nMessage-ID: <h@x>\nContent-Type: text/html\n\n"
        b'<p onclick="steal()">Hello</p><img src="https://t.example/1.gif" width="1"><script>steal()</script>'
        b'<a href="https://evil.example/">https://bank.example/</a>'
    )
    _, message_id = mails.arrive(raw=raw)
    html = agent.get(f"/messages/{message_id}/body")["html"]
    assert "steal" not in html
    assert " src=" not in html
    assert 'data-remote-src="https://t.example/1.gif"' in html
    assert 'data-real-host="evil.example"' in html


def test_its_page_runs_nothing_and_loads_pictures_only_when_asked(mails: Mails, agent: Screen) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = "a@example.org", "ayuda@lumbre.example", "<p@x>"
    message.set_content("plain")
    message.add_alternative(
        '<p>Look: <img src="cid:one" alt="inside"> <img src="http://cdn.example/big.png" alt="Our offer">'
        '<img src="https://t.example/1.gif" width="1" alt="pixel"></p><a href="https://evil.example/">www.bank.example</a>!',
        subtype="html",
    )
    message.get_payload()[1].add_related(b"\x89PNG\r\n\x1a\n" + b"\0" * 9, "image", "png", cid="<one>")  # type: ignore[index, union-attr]
    _, message_id = mails.arrive(raw=message.as_bytes())
    held = agent.call("GET", f"/messages/{message_id}/page")
    policy = held.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "img-src data:;" in policy
    assert "frame-ancestors 'self'" in policy
    assert held.mimetype == "text/html"
    assert 'src="data:image/png;base64,iVBOR' in held.text
    assert 'src="http' not in held.text
    assert "Our offer" in held.text, "what is held back is named"
    assert 'target="_blank"' in held.text
    assert '</a><span class="real-host">⚠ evil.example</span>!' in held.text
    shown = agent.call("GET", f"/messages/{message_id}/page?images=true")
    assert 'src="https://cdn.example/big.png"' in shown.text
    assert 'src="https://t.example' not in shown.text, "a tracker is never loaded"
    assert "img-src data: https:;" in shown.headers["Content-Security-Policy"]
    _, plain = mails.arrive("only text", sender="b@example.org")
    assert agent.problem("GET", f"/messages/{plain}/page") == (404, "not_found")


def test_lists_and_headers_name_the_subject_the_conversation_began_with(mails: Mails, agent: Screen) -> None:
    conversation_id, _ = mails.arrive(subject="RV: My lamp")
    mails.arrive("more", subject="Re: something else", References=mails.last)
    (row,) = agent.get("/conversations", view="all")["items"]
    assert row["subject"] == "My lamp"
    detail = agent.get(f"/conversations/{conversation_id}")
    assert detail["conversation"]["subject"] == "My lamp"


def test_a_chat_has_no_subject_and_no_body(world: World, agent: Screen) -> None:
    said = world.say("hello")
    assert agent.get(f"/conversations/{said.conversation_id}")["conversation"]["subject"] == ""
    (message,) = [
        each
        for each in agent.get(f"/conversations/{said.conversation_id}/messages")["items"]
        if each["kind"] == "incoming"
    ]
    assert message["letter"] is None
    assert agent.problem("GET", f"/messages/{said.message_id}/body") == (404, "not_found")


def test_the_composer_is_told_what_the_answer_will_say_around_its_text(
    mails: Mails, world: World, agent: Screen
) -> None:
    conversation_id, _ = mails.arrive(subject="AW: My lamp")
    (way,) = agent.get(f"/conversations/{conversation_id}")["ways"]
    number = world.conversation(conversation_id).ticket_number
    assert way["letter"] == {"subject": f"Re: My lamp [#{number}]", "signature": "Agent\nLumbre"}
    sent = mails.channel._outgoing(mails.answer(conversation_id))
    assert sent.subject == way["letter"]["subject"]


def test_a_stranger_is_shown_with_what_they_claim(mails: Mails, agent: Screen) -> None:
    conversation_id, _ = mails.arrive()
    answer = mails.answer(conversation_id)
    stranger, _ = mails.arrive("let me in", sender="thief@x.example", In_Reply_To=ours(answer))
    message = agent.get(f"/conversations/{stranger}/messages")["items"][0]
    number = agent.get(f"/conversations/{conversation_id}")["conversation"]["ticket_number"]
    assert message["letter"]["claims"] == [
        {"conversation_id": conversation_id, "ticket_number": number, "rule": "in_reply_to"}
    ]


def test_what_was_held_back_is_listed_and_taken_in(mails: Mails, open_screen: Callable[..., Screen]) -> None:
    mails.arrive(raw=spam("First"))
    mails.arrive(raw=spam("Second"))
    lead = open_screen("team_lead")
    page = lead.get("/held-back")
    assert [(each["subject"], each["sender"], each["field"]) for each in page["items"]] == [
        ("Second", "prizes@x.example", "spam"),
        ("First", "prizes@x.example", "spam"),
    ]
    (inbox_id,) = page["counts"]
    assert page["counts"][inbox_id] == 2
    top = lead.get("/held-back", limit=1, inbox_id=inbox_id)
    rest = lead.get("/held-back", limit=1, before=top["next"])
    assert [each["subject"] for each in (*top["items"], *rest["items"])] == ["Second", "First"]
    assert rest["next"] is None
    raw = lead.call("GET", f"/sources/{page['items'][1]['id']}/raw").data
    assert len(raw) == page["items"][1]["size"]
    assert b"Subject: First" in raw
    taken = lead.change("POST", f"/sources/{page['items'][1]['id']}/accept")
    thread = lead.get(f"/conversations/{taken['conversation_id']}/messages")["items"]
    assert thread[0]["id"] == taken["message_id"]
    assert thread[0]["letter"]["subject"] == "First"
    assert lead.problem("POST", f"/sources/{page['items'][1]['id']}/accept") == (409, "conflict")
    assert [each["subject"] for each in lead.get("/held-back")["items"]] == ["Second"]


def test_it_is_not_for_everybody(mails: Mails, open_screen: Callable[..., Screen]) -> None:
    mails.arrive(raw=spam())
    source_id = open_screen("administrator").get("/held-back")["items"][0]["id"]
    for role in ROLES:
        if not may(role, "accept_sources"):
            assert open_screen(role).problem("POST", f"/sources/{source_id}/accept") == (403, "forbidden"), role
    assert {role for role in ROLES if may(role, "accept_sources")} == {"team_lead", "supervisor", "administrator"}


def test_our_answer_never_carries_the_number_that_a_stranger_named(mails: Mails, world: World, agent: Screen) -> None:
    conversation_id, _ = mails.arrive()
    named = world.conversation(conversation_id).ticket_number
    stranger, _ = mails.arrive("let me in", sender="thief@x.example", subject=f"Re: My order [#{named}]")
    (way,) = agent.get(f"/conversations/{stranger}")["ways"]
    assert way["letter"]["subject"] == f"Re: My order [#{world.conversation(stranger).ticket_number}]"
