"""Pages for people: the inbox app, the demo shop, the state of the hub."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from hub.domain.errors import NotFound
from hub.ports import Health
from hub.services import health
from hub.store.queries import inboxes
from hub.web import assets
from hub.web.context import the_hub

LANGUAGES = ("en", "es")
# Everything from here, except that the component library writes styles into the page. `{host}`: where the hub is
# reached; not every browser takes 'self' for its sockets.
APP_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' ws://{host} wss://{host}; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
# The demo shop is what a shop's own page looks like: with styles and scripts in it.
DEMO_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Pages of ours that run nothing.
STILL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint("pages", __name__, template_folder="templates")


def language() -> str:
    """The page's language: asked for in the address, else the browser's."""
    spoken = [request.args.get("language", ""), *(tag.partition("-")[0] for tag in request.accept_languages.values())]
    return next((each for each in spoken if each in LANGUAGES), LANGUAGES[0])


@blueprint.get("/")
def home() -> AnyResponse:
    return redirect("/inbox/")


@blueprint.get("/inbox/")
@blueprint.get("/inbox/<path:path>")
def inbox_app(path: str = "") -> Response:
    """A file of the built app, else its page: the app routes by itself."""
    settings = the_hub().settings
    folder = settings.console / "inbox"
    if path.startswith("assets/"):
        return assets.send(folder, path, assets.FOR_EVER)
    if not (folder / "index.html").is_file():
        return _not_built()
    try:
        response = assets.send(folder, path or "index.html", 0)
    except NotFound:
        response = assets.send(folder, "index.html", 0)
    response.headers["Content-Security-Policy"] = APP_POLICY.format(host=urlsplit(settings.public_url).netloc)
    return response


def _not_built() -> Response:
    response = Response(render_template("not_built.html", language=language()), 503)
    response.headers |= {"Retry-After": "5", "Content-Security-Policy": STILL_POLICY, "Cache-Control": "no-store"}
    return response


@blueprint.get("/demo")
def demo() -> Response:
    """A small shop's page with the chat of the first web chat inbox in it."""
    with the_hub().store.read() as connection:
        keys = [inbox.key for inbox in inboxes.every(connection) if inbox.channel == "webchat"]
    asked = request.args.get("inbox", "")
    key = asked if asked in keys else next(iter(keys), "")
    response = Response(render_template("demo.html", inbox_key=key, language=language()))
    response.headers["Content-Security-Policy"] = DEMO_POLICY
    return response


@blueprint.get("/health")
def machine_health() -> tuple[dict[str, object], int]:
    """`/status` for programs: the state of the whole and of each part, no details."""
    parts = health.parts(the_hub())
    return {"state": health.state(parts), "parts": {part.name: part.state for part in parts}}, _status_code(parts)


@blueprint.get("/status")
def status() -> Response:
    """Whether everything works, for everybody: states only, no details."""
    parts = health.parts(the_hub())
    overall = health.state(parts)
    page = render_template("status.html", language=language(), overall=overall, parts=parts)
    response = Response(page, _status_code(parts))
    response.headers |= {"Content-Security-Policy": STILL_POLICY, "Cache-Control": "no-store"}
    return response


def _status_code(parts: Sequence[Health]) -> int:
    """503 where nothing can be stored; everything else the hub goes on without."""
    return 503 if any(part.name == "database" and part.state == "down" for part in parts) else 200
