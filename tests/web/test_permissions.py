"""Every route, one by one: who may, who may not, and that a route without an action of its own opens to nobody."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable

import pytest
from apiflask import APIFlask

from hub.app import build
from hub.domain.permissions import ACTIONS, ROLES, may
from hub.services import sign_in
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
    "/health": "public",
    "/status": "public",
}


def _app() -> APIFlask:
    absent = {"CENTRALITA_KNOWLEDGE": "absent", "CENTRALITA_BOT": "absent"}
    settings = {"CENTRALITA_SECRET_KEY": "k" * 32, "CENTRALITA_DATA": tempfile.gettempdir(), **absent}
    return create_app(build(from_environment(settings)).hub)


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
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.mark.parametrize(("method", "path", "action"), ROUTES)
def test_names_an_action(method: str, path: str, action: str) -> None:
    assert action in KNOWN


def test_no_address_is_outside_of_all_guards() -> None:
    for rule in _app().url_map.iter_rules():
        guarded = rule.rule.startswith(auth.PREFIX) or rule.rule == "/"
        assert guarded or any(rule.rule.startswith(prefix) for prefix in ELSEWHERE), rule.rule


@on_sqlite
def test_a_route_without_an_action_opens_to_nobody(app: APIFlask, open_screen: Callable[..., Screen]) -> None:
    administrator = open_screen("administrator")
    del app.view_functions["people.teams"].action
    try:
        assert administrator.problem("GET", "/teams") == (403, "forbidden")
    finally:
        app.view_functions["people.teams"].action = SIGNED_IN


@on_sqlite
@pytest.mark.parametrize(("method", "path", "action"), GUARDED)
def test_wants_a_session(method: str, path: str, action: str, screen: Screen) -> None:
    assert screen.problem(method, path, {}) == (401, "not_signed_in")


@on_sqlite
@pytest.mark.parametrize(("method", "path", "action"), [route for route in GUARDED if route[0] != "GET"])
def test_a_change_wants_the_token_of_the_session(
    method: str, path: str, action: str, open_screen: Callable[..., Screen]
) -> None:
    administrator = open_screen("administrator")
    for wrong in ("", "x" * 43, open_screen("administrator", "Other").csrf_token):
        response = administrator.call(method, path, {}, **{"X-CSRF-Token": wrong})
        assert (response.status_code, response.get_json()["error_id"]) == (403, "forbidden")


@on_sqlite
@pytest.mark.parametrize(("method", "path", "action"), GUARDED)
def test_opens_to_the_roles_that_may_and_to_no_other(
    method: str, path: str, action: str, open_screen: Callable[..., Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A cheap hash: five people sign in for each of forty routes.
    monkeypatch.setattr(sign_in, "_matches", lambda _hash, _password: True)
    for role in ROLES:
        allowed = action == SIGNED_IN or may(role, action)
        status = open_screen(role).call(method, path, {}).status_code
        assert (status < 500 and status not in (401, 403)) if allowed else status == 403, role
