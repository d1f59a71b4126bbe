"""Files that agents send, over the API."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from hub.store import tables as t
from tests.fixtures_hub import WEB, World
from tests.web.conftest import Screen

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0" * 40
OpenScreen = Callable[..., Screen]


def upload(screen: Screen, content: bytes = PNG, **headers: str) -> Any:
    return screen.client.post(
        "/api/v1/attachments",
        data={"file": (io.BytesIO(content), "plan.png")},
        headers={"X-CSRF-Token": screen.csrf_token, **headers},
    )


def test_an_agent_sends_a_file_with_a_reply(open_screen: OpenScreen, world: World) -> None:
    screen = open_screen()
    conversation_id = world.say("hello", inbox_id=WEB, sender="visitor").conversation_id
    uploaded = upload(screen).get_json()
    body = {"client_id": "c1", "text": "here it is", "attachments": [uploaded["id"]]}
    sent = screen.change("POST", f"/conversations/{conversation_id}/messages", body)
    (shown,) = sent["attachments"]
    assert {**shown, "url": ""} == {**uploaded, "url": ""}
    assert screen.client.get(shown["url"]).data == PNG


def test_another_agents_file_cannot_be_sent(open_screen: OpenScreen, world: World) -> None:
    zoe, max_ = open_screen(name="Zoe"), open_screen(name="Max")
    conversation_id = world.say("hello", inbox_id=WEB, sender="visitor").conversation_id
    body = {"client_id": "c1", "text": "here it is", "attachments": [upload(zoe).get_json()["id"]]}
    assert max_.problem("POST", f"/conversations/{conversation_id}/messages", body) == (422, "refused")


def test_uploading_wants_a_session_its_token_and_a_role(screen: Screen, open_screen: OpenScreen, world: World) -> None:
    assert upload(screen).status_code == 401
    assert upload(open_screen("editor")).status_code == 403
    signed_in = open_screen()
    assert upload(signed_in, **{"X-CSRF-Token": "another"}).status_code == 403
    assert world.count(t.attachment) == 0
    assert upload(signed_in, b"MZ\x90\0" + b"\0" * 80).get_json()["field"] == "file"
