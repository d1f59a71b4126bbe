"""Pages for people, their languages, their caching and what they may load."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask import render_template
from flask.testing import FlaskClient

from hub.ports import Health
from hub.web.flask_app import create_app
from tests.fixtures_hub import World

SCRIPT = "run();" * 100


@pytest.fixture
def built(make_world: Callable[..., World], tmp_path: Path) -> FlaskClient:
    """A browser in front of a hub whose inbox app is built."""
    folder = tmp_path / "dist" / "inbox"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>the app</title>")
    (folder / "assets" / "app-1a2b.js").write_text(SCRIPT)
    (folder / "favicon.svg").write_text("<svg/>")
    (tmp_path / "dist" / "secret.txt").write_text("not for everybody")
    return create_app(make_world(CENTRALITA_CONSOLE=str(tmp_path / "dist")).hub).test_client()


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    return app.test_client()


def test_home_is_the_inbox(client: FlaskClient) -> None:
    response = client.get("/")
    assert (response.status_code, response.location) == (302, "/inbox/")
    assert client.get("/inbox").location.endswith("/inbox/")


@pytest.mark.parametrize("path", ["/inbox/", "/inbox/conversations/01ABC", "/inbox/index.html"])
def test_the_app_routes_by_itself_and_is_asked_for_anew(built: FlaskClient, path: str) -> None:
    with built.get(path) as response:
        assert (response.status_code, response.text) == (200, "<title>the app</title>")
        assert response.cache_control.no_cache
        policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "ws://127.0.0.1:8000 " in policy
    assert "frame-ancestors 'none'" in policy


def test_what_has_a_hash_in_its_name_is_kept(built: FlaskClient) -> None:
    with built.get("/inbox/assets/app-1a2b.js") as response:
        assert response.status_code == 200
        assert response.cache_control.immutable
        assert response.cache_control.max_age == 365 * 24 * 3600
        assert "javascript" in response.content_type
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["assets/app-1a2b.js", "", "conversations/01ABC"])
def test_the_app_travels_compressed_for_whoever_takes_that(built: FlaskClient, tmp_path: Path, path: str) -> None:
    content = (SCRIPT if path.startswith("assets/") else "<title>the app</title>" * 100).encode()
    (tmp_path / "dist" / "inbox" / "index.html").write_text("<title>the app</title>" * 100)
    small = built.get(f"/inbox/{path}", headers={"Accept-Encoding": "br, gzip"})
    plain = built.get(f"/inbox/{path}", headers={"Accept-Encoding": "gzip;q=0, br"})
    assert (small.headers["Content-Encoding"], gzip.decompress(small.data)) == ("gzip", content)
    assert len(small.data) < len(content) / 2
    assert ("Content-Encoding" not in plain.headers, plain.data) == (True, content)
    assert small.headers["ETag"] != plain.headers["ETag"]
    for response in (small, plain):
        assert response.headers["Vary"] == "Accept-Encoding"
        assert ("immutable" in response.headers["Cache-Control"]) == path.startswith("assets/")
    asked_again = {"Accept-Encoding": "gzip", "If-None-Match": small.headers["ETag"]}
    assert built.get(f"/inbox/{path}", headers=asked_again).status_code == 304


def test_another_build_is_another_page(built: FlaskClient, tmp_path: Path) -> None:
    page = tmp_path / "dist" / "inbox" / "index.html"
    kept = built.get("/inbox/").headers["ETag"]
    page.write_text("<title>the next</title>")
    os.utime(page, (1, 1))
    answer = built.get("/inbox/", headers={"If-None-Match": kept})
    assert (answer.status_code, answer.text) == (200, "<title>the next</title>")


def test_a_file_of_an_older_build_is_not_the_apps_page(built: FlaskClient) -> None:
    assert built.get("/inbox/assets/app-0000.js").status_code == 404
    assert built.get(f"/inbox/assets/{'x' * 300}.js").status_code == 404
    assert built.get("/inbox/assets/").status_code == 404


@pytest.mark.parametrize("path", ["/inbox/../secret.txt", "/inbox/%2e%2e/secret.txt", "/inbox/..%2fsecret.txt"])
def test_nothing_outside_of_the_app_is_served(built: FlaskClient, path: str) -> None:
    with built.get(path) as response:
        assert "not for everybody" not in response.text


@pytest.mark.parametrize(
    ("accept", "query", "words"),
    [("es-AR,en;q=0.5", "", "Casi listo"), ("fr", "", "Nearly there"), ("es", "?language=en", "Nearly there")],
)
def test_before_it_is_built_it_says_so(
    make_world: Callable[..., World], tmp_path: Path, accept: str, query: str, words: str
) -> None:
    client = create_app(make_world(CENTRALITA_CONSOLE=str(tmp_path / "none")).hub).test_client()
    response = client.get(f"/inbox/{query}", headers={"Accept-Language": accept})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert words in response.text


@pytest.mark.parametrize(("query", "words"), [("?language=en", "works"), ("?language=es", "funciona")])
def test_the_state_of_the_hub_without_its_details(world: World, client: FlaskClient, query: str, words: str) -> None:
    response = client.get(f"/status{query}")
    assert response.status_code == 200
    assert f"Centralita: {words}" in response.text
    world.knowledge.warming = True
    assert ("arrancando" if "es" in query else "starting") in client.get(f"/status{query}").text
    assert "sqlite" not in response.text
    assert "postgres" not in response.text


@pytest.mark.parametrize(
    "state",
    ["ready", "warming", "indexing", "starting", "absent", "unknown", "degraded", "down", "failed", "dead_rows"],
)
def test_every_state_of_a_part_has_words_of_both_languages(app: APIFlask, state: str) -> None:
    def cell(language: str) -> str:
        parts = (Health("knowledge", state),)
        with app.app_context():
            page = render_template("status.html", language=language, overall="ok", parts=parts)
        return page.partition("<td>")[2].partition("</td>")[0]

    # A state that nobody has put into words stands there as it is, the same for everybody.
    assert cell("en") != cell("es") != state


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_demo_shop_embeds_the_web_chat(client: FlaskClient, language: str) -> None:
    response = client.get(f"/demo?language={language}")
    assert response.status_code == 200
    assert 'data-inbox="key-webchat"' in response.text
    assert f'<html lang="{language}"' in response.text


def test_no_inbox_but_a_web_chat_is_shown_to_the_public(client: FlaskClient) -> None:
    assert 'data-inbox="key-webchat"' in client.get("/demo?inbox=key-paper").text
