"""Every error has one status, one stable id and one shape."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask

from hub.domain import errors as e
from hub.web import errors
from hub.web.schemas import Problem
from tests.fixtures_hub import World
from tests.web.conftest import Screen


def kinds(base: type[e.HubError] = e.HubError) -> list[type[e.HubError]]:
    return [base, *(kind for child in base.__subclasses__() for kind in kinds(child))]


EXAMPLES: dict[type[e.HubError], tuple[Any, ...]] = {
    e.Refused: ("name", "must be there"),
    e.TooLarge: ("file", "must be smaller"),
    e.TooMany: ("slow down", 7),
    e.Unavailable: ("later", 9),
    e.DatabaseAway: ("later", 9),
    e.BotError: ("empty",),
    e.BotTimeout: (),
    e.ChannelError: ("21211",),
}
STATUSES = {
    "error": 500,
    "refused": 422,
    "too_large": 413,
    "not_signed_in": 401,
    "bad_signature": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "already_taken": 409,
    "breaks_questions": 409,
    "do_not_contact": 409,
    "too_many": 429,
    "unavailable": 503,
    "bot_error": 502,
    "bot_timeout": 502,
    "channel_error": 502,
}


def test_every_error_is_known_here() -> None:
    ours = [kind for kind in kinds() if kind.__module__ == "hub.domain.errors"]
    assert {kind.error_id for kind in ours} == set(STATUSES)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind.__module__ == "hub.domain.errors"])
def test_an_error_becomes_its_answer(kind: type[e.HubError], app: APIFlask) -> None:
    error = kind(*EXAMPLES.get(kind, ("what happened",)))
    with app.test_request_context():
        response = errors.hub_error(error)
    problem = Problem.model_validate_json(response.get_data())
    assert (response.status_code, problem.error_id) == (STATUSES[kind.error_id], kind.error_id)
    assert problem.message == str(error)
    assert (problem.field, problem.rule) == (getattr(error, "field", None), getattr(error, "rule", None))
    assert response.headers.get("Retry-After") == {"too_many": "7", "unavailable": "9"}.get(kind.error_id)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_mistake_of_ours_is_logged_and_not_told(
    world: World,
    open_screen: Callable[..., Screen],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    agent = open_screen()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("hub.store.queries.conversations.page", fail)
    with caplog.at_level(logging.ERROR):
        response = agent.call("GET", "/conversations")
    assert (response.status_code, response.get_json()["error_id"]) == (500, "internal")
    assert "swordfish" not in response.text
    assert "swordfish" in caplog.text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("method", "path", "raw", "status", "error_id", "field"),
    [
        ("GET", "/nowhere", b"", 404, "not_found", None),
        ("PATCH", "/teams", b"", 405, "method_not_allowed", None),
        ("PUT", "/presence", b"{not json", 400, "refused", "body"),
        ("PUT", "/presence", b"\xff\xfe", 400, "refused", "body"),
        ("PUT", "/presence", b"null", 422, "refused", "presence"),
        ("PUT", "/presence", b"[]", 422, "refused", "body"),
        ("PUT", "/presence", b'{"presence": "busy", "reason": "\\ud800"}', 422, "refused", "reason"),
        ("PUT", "/presence", b'{"presence": "busy", "reason": "\\u0000"}', 422, "refused", "reason"),
        ("PUT", "/presence", b'{"presence": "busy", "mood": "good"}', 422, "refused", "mood"),
        ("PUT", "/presence", b'{"presence": "' + b"x" * 1024 * 1024 + b'"}', 413, "too_large", "body"),
        ("PUT", "/presence", b"[" * 100_000, 400, "refused", "body"),
    ],
)
def test_what_the_framework_finds_has_the_same_shape(
    open_screen: Callable[..., Screen],
    method: str,
    path: str,
    raw: bytes,
    status: int,
    error_id: str,
    field: str | None,
) -> None:
    agent = open_screen()
    response = agent.client.open(
        f"/api/v1{path}",
        method=method,
        data=raw,
        content_type="application/json",
        headers={"X-CSRF-Token": agent.csrf_token},
    )
    problem = Problem.model_validate(response.get_json())
    assert (response.status_code, problem.error_id, problem.field) == (status, error_id, field)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert problem.message
    if status == 405:
        assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_answer_carries_its_headers(app: APIFlask) -> None:
    for path in ("/api/v1/session", "/api/openapi.json", "/status", "/nowhere"):
        headers = app.test_client().get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
