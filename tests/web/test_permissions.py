"""Every route, one by one: who may, who may not, and that a route without an action of its own opens to nobody."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask

from hub.app import build
from hub.domain.permissions import ACTIONS, ROLES, may
from hub.services import people
from hub.settings import from_environment
from hub.web import auth
from hub.web.auth import PUBLIC, SIGNED_IN
from hub.web.flask_app import create_app
from tests.web.conftest import Screen

KNOWN = frozenset().union(*ACTIONS.values(), {PUBLIC, SIGNED_IN})
# Not of the agents' API, each with its own way of knowing who calls.
ELSEWHERE = {
    "/bot/v1/": "the bot's token",
    "/widget/": "the visitor's token",
    "/webhooks/": "the provider's signature",
    "/inbox/": "public",
    "/api/openapi.json": "public",
    "/demo": "public",
    "/help": "public",
    "/firm/": "the signed address",
    "/robots.txt": "public",
    "/health": "public",
    "/status": "public",
}


def _settings(data: Path) -> dict[str, str]:
    absent = {"CENTRALITA_KNOWLEDGE": "absent", "CENTRALITA_BOT": "absent"}
    return {"CENTRALITA_SECRET_KEY": "k" * 32, "CENTRALITA_DATA": str(data), **absent}


def _app() -> APIFlask:
    """An application that is only looked at."""
    return create_app(build(from_environment(_settings(Path(tempfile.gettempdir())))).hub)


def _routes() -> list[tuple[str, str, str]]:
    """(method, path with its parameters filled in, action) of the agents' API."""
    app = _app()
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(auth.PREFIX):
            path = re.sub(r"<int:\w+>", "1", rule.rule).replace("<language:locale>", "en")
            path = re.sub(r"<[^>]+>", "nothing", path).removeprefix(auth.PREFIX)
            action = getattr(app.view_functions[rule.endpoint], "action", "")
            found += [(method, path, action) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return sorted(found)


ROUTES = _routes()
GUARDED = [route for route in ROUTES if route[2] != PUBLIC]


@pytest.fixture(scope="module")
def app(sqlite_template: Path, password_hash: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[APIFlask]:
    """One hub for all routes, with one person of each role. Who may do what does not depend on the database."""
    folder = tmp_path_factory.mktemp("permissions")
    shutil.copy(sqlite_template, folder / "centralita.sqlite3")
    assembled = build(from_environment(_settings(folder)))
    for role in (*ROLES, "stranger"):
        assembled.hub.store.write(
            lambda tx, role=role: people.create_agent(
                tx,
                name=role,
                email=f"{role}@example.org",
                role="administrator" if role == "stranger" else role,
                language="en",
                password_hash=password_hash,
            )
        )
    yield create_app(assembled.hub)
    assembled.stop()


@pytest.fixture
def open_screen(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Screen]:
    """`open_screen(role)` is a browser of that role's person."""
    # Hundreds sign in here; their passwords are not what is tested.
    monkeypatch.setattr("hub.services.sign_in._matches", lambda _hash, _password: True)

    def make(role: str) -> Screen:
        opened = Screen(app.test_client())
        assert opened.sign_in(f"{role}@example.org").status_code == 200
        return opened

    return make


@pytest.mark.parametrize(("method", "path", "action"), ROUTES)
def test_names_an_action(method: str, path: str, action: str) -> None:
    assert action in KNOWN


def test_no_address_is_outside_of_all_guards(app: APIFlask) -> None:
    for rule in app.url_map.iter_rules():
        guarded = rule.rule.startswith(auth.PREFIX) or rule.rule == "/"
        assert guarded or any(rule.rule.startswith(prefix) for prefix in ELSEWHERE), rule.rule


def test_a_route_without_an_action_opens_to_nobody(app: APIFlask, open_screen: Callable[[str], Screen]) -> None:
    administrator = open_screen("administrator")
    del app.view_functions["people.teams"].action
    try:
        assert administrator.problem("GET", "/teams") == (403, "forbidden")
    finally:
        app.view_functions["people.teams"].action = SIGNED_IN


@pytest.mark.parametrize(("method", "path", "action"), GUARDED)
def test_wants_a_session(method: str, path: str, action: str, app: APIFlask) -> None:
    assert Screen(app.test_client()).problem(method, path, {}) == (401, "not_signed_in")


@pytest.mark.parametrize(("method", "path", "action"), [route for route in GUARDED if route[0] != "GET"])
def test_a_change_wants_the_token_of_the_session(
    method: str, path: str, action: str, open_screen: Callable[[str], Screen]
) -> None:
    administrator = open_screen("administrator")
    for wrong in ("", "x" * 43, open_screen("stranger").csrf_token):
        response = administrator.call(method, path, {}, **{"X-CSRF-Token": wrong})
        assert (response.status_code, response.get_json()["error_id"]) == (403, "forbidden")


@pytest.mark.parametrize(("method", "path", "action"), GUARDED)
def test_opens_to_the_roles_that_may_and_to_no_other(
    method: str, path: str, action: str, open_screen: Callable[[str], Screen]
) -> None:
    for role in ROLES:
        allowed = action == SIGNED_IN or may(role, action)
        status = open_screen(role).call(method, path, {}).status_code
        assert (status < 500 and status not in (401, 403)) if allowed else status == 403, role
