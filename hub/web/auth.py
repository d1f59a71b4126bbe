"""Who may call what.

Every view of the agents' API names the action that it needs (`@needs`). The guard runs before anything else of a
request and refuses a view that names none: forgetting it closes a door instead of opening one.
"""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest
from typing import Any, TypeVar
from urllib.parse import urlsplit

from apiflask import APIBlueprint
from flask import Response, current_app, g, request

from hub.domain import permissions
from hub.domain.errors import Forbidden, NotSignedIn, Refused
from hub.hub import Hub
from hub.services import sign_in
from hub.services.sign_in import SignedIn
from hub.web.context import the_hub

PREFIX = "/api/v1"
# Not actions of a role: what anybody may call, and what everybody may who is signed in.
PUBLIC = "public"
SIGNED_IN = "signed_in"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_BODIES = frozenset({"application/json", "multipart/form-data"})
View = TypeVar("View", bound=Callable[..., Any])


def needs(action: str) -> Callable[[View], View]:
    """Names the action that a view needs: one of `hub.domain.permissions`, `PUBLIC` or `SIGNED_IN`.

    It stands right under the route, above everything else.
    """

    def name(view: View) -> View:
        view.action = action  # type: ignore[attr-defined]  # functions carry attributes
        return view

    return name


def api_blueprint(name: str, import_name: str, tag: str) -> APIBlueprint:
    """A blueprint of the agents' API, behind the guard."""
    blueprint = APIBlueprint(name, import_name, tag=tag, url_prefix=PREFIX)
    blueprint.before_request(guard)
    return blueprint


def guard() -> None:
    """Lets a request through to its view, or raises NotSignedIn, Forbidden or Refused."""
    hub = the_hub()
    action = getattr(current_app.view_functions[request.endpoint or ""], "action", None)
    if action is None:
        raise Forbidden("this view names no action")
    unsafe = request.method not in _SAFE
    if unsafe:
        _require_own_page(hub)
        if request.content_length and request.mimetype not in _BODIES:
            raise Refused("Content-Type", "must be application/json")
    if action == PUBLIC:
        return
    now = hub.clock.now()
    with hub.store.read() as connection:
        session = sign_in.current(connection, request.cookies.get(cookie_name(hub), ""), now)
    if session is None:
        raise NotSignedIn("sign in first")
    if unsafe and not compare_digest(request.headers.get("X-CSRF-Token", "").encode(), session.csrf_token.encode()):
        raise Forbidden("the X-CSRF-Token is not this session's")
    if action != SIGNED_IN:
        permissions.require(session.role, action)
    if sign_in.wants_extension(session, now):
        hub.store.write(lambda tx: sign_in.extend(tx, session))
    g.session = session


def _require_own_page(hub: Hub) -> None:
    """A browser says which page a changing request comes from. Programs say nothing, and hold no browser's cookies."""
    origin = request.headers.get("Origin")
    if origin is not None and origin not in (_origin(hub.settings.public_url), _origin(request.host_url)):
        raise Forbidden("the request comes from another page")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def is_secure(hub: Hub) -> bool:
    """Whether customers and agents reach this hub over TLS."""
    return hub.settings.public_url.startswith("https://")


def cookie_name(hub: Hub) -> str:
    return sign_in.cookie_name(secure=is_secure(hub))


def set_cookie(response: Response, hub: Hub, signed_in: SignedIn) -> None:
    """Gives the browser its session: out of reach of scripts, and not sent along from other sites' pages."""
    response.set_cookie(
        cookie_name(hub),
        signed_in.token,
        max_age=sign_in.LIFETIME // 1_000_000,
        httponly=True,
        samesite="Lax",
        secure=is_secure(hub),
        path="/",
    )


def clear_cookie(response: Response, hub: Hub) -> None:
    response.delete_cookie(cookie_name(hub), httponly=True, samesite="Lax", secure=is_secure(hub), path="/")
