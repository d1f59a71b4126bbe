"""The document that the console's types are made from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from apiflask import APIFlask

from hub.web.flask_app import openapi
from tests.fixtures_hub import World
from tests.parts import ROOT

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
KEPT = Path(ROOT) / "console" / "shared" / "openapi.json"


def text(world: World) -> str:
    return json.dumps(openapi(world.hub), indent=2, ensure_ascii=False) + "\n"


def test_the_console_has_the_newest(world: World) -> None:
    assert KEPT.read_text() == text(world), "run `centralita openapi > console/shared/openapi.json`"


def test_the_same_code_gives_the_same_document(world: World) -> None:
    assert text(world) == text(world)


def test_every_reference_leads_to_a_shape_and_every_shape_stands_once(world: World) -> None:
    document = openapi(world.hub)
    shapes = document["components"]["schemas"]
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= shapes.keys()
    assert not [name for name in shapes if "." in name or name.endswith("Query")]


def test_every_call_of_the_agents_api_says_what_it_needs(world: World) -> None:
    for path, operations in openapi(world.hub)["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            assert operation["responses"]["default"], path
            open_to_all = (path, method) in {
                ("/api/v1/session", "post"),
                ("/api/v1/attachments/{attachment_id}", "get"),
                ("/api/v1/invitations/accept", "post"),
                ("/api/v1/invitations/open", "post"),
            }
            if path.startswith("/api/v1"):
                assert ("security" in operation) is not open_to_all, path


def test_what_it_gives_is_required_and_what_it_takes_may_be_left_out(world: World) -> None:
    shapes = openapi(world.hub)["components"]["schemas"]
    assert "attachments" in shapes["MessageOut"]["required"]
    assert "attachments" not in shapes["MessageIn"]["required"]


def test_it_is_served(world: World, app: APIFlask) -> None:
    response = app.test_client().get("/api/openapi.json")
    assert response.get_json() == json.loads(text(world))
