"""The Flask application: what is served under which address, and what every answer carries."""

from __future__ import annotations

from typing import Any, cast

from apiflask import APIFlask
from flask import Response, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.routing import BaseConverter, IntegerConverter

from hub.hub import Hub
from hub.web import (
    admin_api,
    answering_api,
    articles_api,
    auth,
    bot_api,
    consent_api,
    conversations_api,
    deep_links_api,
    errors,
    files,
    firm_pages,
    help_pages,
    inboxes_api,
    knowledge_api,
    learning_api,
    merging_api,
    openapi_document,
    pages,
    people_api,
    promises_api,
    rehearsal_api,
    routing_api,
    sources_api,
    staff_api,
    templates_api,
    vendors_api,
    verification_api,
    webhooks,
    widget_api,
)
from hub.web.context import HUB

# Of a request's body, where a view sets none of its own. The longest article has a tenth of it.
BODY_LIMIT = 1024 * 1024
DOCUMENT = "/api/openapi.json"
_MODULES = (
    people_api,
    promises_api,
    answering_api,
    conversations_api,
    consent_api,
    deep_links_api,
    merging_api,
    files,
    articles_api,
    knowledge_api,
    sources_api,
    templates_api,
    inboxes_api,
    learning_api,
    vendors_api,
    verification_api,
    admin_api,
    routing_api,
    rehearsal_api,
    staff_api,
    bot_api,
    pages,
    help_pages,
    firm_pages,
    webhooks,
    widget_api,
)


class Json(DefaultJSONProvider):
    """Keeps the order in which a shape or document has its parts."""

    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Raises ValueError for whatever is no JSON that can be read."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


class Identifier(BaseConverter):
    """Our identifiers in addresses; anything else is no address of ours."""

    regex = "[A-Za-z0-9_-]{1,64}"


class Language(BaseConverter):
    regex = "[a-z]{2}"


class RowId(IntegerConverter):
    """A number that a database can hold."""

    def __init__(self, map: Any) -> None:
        super().__init__(map, max=2**63 - 1)


def create_app(hub: Hub) -> APIFlask:
    """The application that serves a hub. Importing this module makes none."""
    app = APIFlask(
        "hub.web",
        title="Centralita",
        version="1",
        spec_path=DOCUMENT,
        docs_path=None,
        static_folder=None,  # type: ignore[arg-type]  # as in Flask: no route for files that we do not have
    )
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_LIMIT,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        AUTO_SERVERS=False,
    )
    app.json = Json(app)
    app.extensions[HUB] = hub
    app.url_map.converters |= {"identifier": Identifier, "language": Language, "int": RowId}
    for module in _MODULES:
        app.register_blueprint(module.blueprint)
    errors.register(app)
    app.after_request(_Headers(hub))
    app.spec_processor(lambda document: openapi_document.tidy(app, cast(dict[str, Any], document)))
    return app


def openapi(hub: Hub) -> dict[str, Any]:
    """The API's description, the same text for the same code: it can be kept and compared."""
    return cast(dict[str, Any], create_app(hub).spec)


class _Headers:
    """What every answer carries, where its view has not said otherwise."""

    def __init__(self, hub: Hub) -> None:
        self._headers = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
        if auth.is_secure(hub):
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    def __call__(self, response: Response) -> Response:
        headers = response.headers
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        if "Content-Security-Policy" not in headers:
            headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
            headers["X-Frame-Options"] = "DENY"
        if request.path.startswith(("/api/", "/bot/")):
            headers.setdefault("Cache-Control", "no-store")
        return response
