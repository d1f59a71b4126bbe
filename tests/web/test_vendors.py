"""Outside firms over the API: written down by who may, asked by agents, shown in the thread."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fixtures_hub import World
from tests.services.test_letters import MAIL, Mails, ours
from tests.services.test_letters import mails as mails  # the fixture
from tests.services.test_vendors import WORKSHOP
from tests.web.conftest import Screen

FIRM = {"name": "Taller", "language": "en", "inbox_id": MAIL, "addresses": [WORKSHOP]}


@pytest.fixture
def database() -> str:
    """What is written is tested with the services, on both."""
    return "sqlite"


def test_a_firm_is_written_down_asked_and_answers(
    mails: Mails, world: World, open_screen: Callable[..., Screen]
) -> None:
    supervisor, agent = open_screen("supervisor"), open_screen("agent")
    firm = supervisor.change("POST", "/vendors", FIRM)
    unsaid = {"same_domain": False, "active": True, "answer_within_seconds": 0, "page": False}
    unsaid |= {"tell_customer": True}
    assert firm == FIRM | {"id": firm["id"]} | unsaid
    assert agent.get("/vendors")["items"] == [firm]
    conversation_id, _ = mails.arrive("My lamp flickers.", subject="Lamp")
    given = {"client_id": "one", "vendor_id": firm["id"], "text": "Do you know it?"}
    seen = agent.change("POST", f"/conversations/{conversation_id}/vendor-mails/preview", given)
    assert (seen["address"], seen["subject"]) == (WORKSHOP, "Lamp")
    assert "My lamp flickers." in seen["whole"]
    assert world.kinds(conversation_id).count("VendorAsked") == 0
    asked = agent.change("POST", f"/conversations/{conversation_id}/vendor-mails", given)
    world.run()
    (sent,) = [each for each in mails.sent if each.address.value == WORKSHOP]
    assert sent.text == seen["whole"], "what was shown is what was sent"
    mails.arrive("Yes", sender=WORKSHOP, In_Reply_To=ours(sent))
    thread = agent.get(f"/conversations/{conversation_id}/messages")["items"]
    asked, answer = [each for each in thread if each["kind"] == "vendor"]
    reference = {"id": firm["id"], "name": "Taller", "address": WORKSHOP, "ended": ""}
    assert (asked["vendor"], asked["author"]["kind"], asked["delivery"]["state"]) == (reference, "agent", "sent")
    assert (answer["vendor"], answer["author"]["name"], answer["delivery"]) == (reference, "Taller", None)
    assert (answer["rule"], answer["letter"]["sender"]) == ("in_reply_to", WORKSHOP)
    assert agent.get(f"/messages/{asked['id']}/body")["whole"] == seen["whole"]
    row = agent.get(f"/conversations/{conversation_id}")["conversation"]
    assert row["last_message"]["author_kind"] == "vendor"
    entries = agent.get("/events", after="0.0", limit=200)["entries"]
    (told,) = [each for each in entries if each["kind"] == "VendorAnswered"]
    assert (told["actor"]["name"], told["message"]["text"]) == ("Taller", "Yes")
    mails.arrive("new prices", sender=WORKSHOP, subject="Prices")
    listed = agent.get("/conversations", view="queue")["items"]
    (new,) = [each for each in listed if each["subject"] == "Prices"]
    (message,) = agent.get(f"/conversations/{new['id']}/messages")["items"]
    assert message["from_vendor"] == firm["id"]


def test_who_may_not_and_what_cannot_be_is_said(mails: Mails, open_screen: Callable[..., Screen]) -> None:
    supervisor, agent = open_screen("supervisor"), open_screen("agent")
    assert agent.problem("POST", "/vendors", FIRM) == (403, "forbidden")
    firm = supervisor.change("POST", "/vendors", FIRM)
    changed = supervisor.call("PUT", f"/vendors/{firm['id']}", FIRM | {"active": False}).get_json()
    assert changed["active"] is False
    assert supervisor.problem("PUT", "/vendors/none", FIRM) == (404, "not_found")
    refused = supervisor.call("POST", "/vendors", FIRM | {"addresses": ["nothing"]})
    assert (refused.status_code, refused.get_json()["field"]) == (422, "addresses")
    conversation_id, _ = mails.arrive()
    given = {"client_id": "one", "vendor_id": firm["id"], "text": "?"}
    refused = agent.call("POST", f"/conversations/{conversation_id}/vendor-mails", given)
    assert (refused.status_code, refused.get_json()["field"]) == (422, "vendor_id")
