"""Somebody in front of a browser: a client that signs in and keeps its cookie and its CSRF token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from apiflask import APIFlask
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hub.services import people, sign_in
from hub.web.flask_app import create_app
from tests.fixtures_hub import TEAM, World

PASSWORD = "correct horse battery"


@dataclass
class Screen:
    """One browser. `csrf_token` is empty until it signs in."""

    client: FlaskClient
    agent_id: str = ""
    csrf_token: str = ""

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a call that must succeed."""
        response = self.client.get(f"/api/v1{path}", query_string=query)
        assert response.status_code == 200, response.text
        return response.get_json()

    def call(self, method: str, path: str, body: object = None, **headers: str) -> TestResponse:
        """Any call, with the session's CSRF token."""
        return self.client.open(
            f"/api/v1{path}", method=method, json=body, headers={"X-CSRF-Token": self.csrf_token, **headers}
        )

    def change(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of a changing call that must succeed."""
        response = self.call(method, path, body)
        assert response.status_code == 200, response.text
        return response.get_json()

    def problem(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """(status, error_id) of a call that must fail."""
        response = self.call(method, path, body)
        assert response.status_code >= 400, response.text
        return response.status_code, response.get_json()["error_id"]

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        response = self.client.post("/api/v1/session", json={"email": email, "password": password})
        if response.status_code == 200:
            body = response.get_json()
            self.agent_id, self.csrf_token = body["agent"]["id"], body["csrf_token"]
        return response


# Hundreds sign in here: how dear a guess is to be is tested where passwords are (tests/services/test_sign_in.py).
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "_HASHER", _CHEAP)


@pytest.fixture(scope="session")
def password_hash() -> str:
    return _CHEAP.hash(PASSWORD)


@pytest.fixture
def app(world: World) -> APIFlask:
    return create_app(world.hub)


@pytest.fixture
def make_agent(world: World, password_hash: str) -> Callable[..., str]:
    """`make_agent(role)` is somebody new who can sign in as `<role>@example.org`; gives their id."""

    def make(role: str, name: str = "") -> str:
        return world.store.write(
            lambda tx: people.create_agent(
                tx,
                name=name or role.title(),
                email=f"{name.lower() or role}@example.org",
                role=role,
                language="en",
                password_hash=password_hash,
                team_ids=(TEAM,),
            )
        )

    return make


@pytest.fixture
def screen(app: APIFlask) -> Screen:
    """A browser that nobody has signed in with."""
    return Screen(app.test_client())


@pytest.fixture
def open_screen(app: APIFlask, make_agent: Callable[..., str]) -> Callable[..., Screen]:
    """`open_screen(role)` is a signed-in browser of somebody new."""

    def make(role: str = "agent", name: str = "") -> Screen:
        make_agent(role, name)
        opened = Screen(app.test_client())
        assert opened.sign_in(f"{name.lower() or role}@example.org").status_code == 200
        return opened

    return make
