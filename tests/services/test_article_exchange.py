"""Articles from and to other programs: nothing lost on the way back, nothing taken that breaks a rule."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from hub.domain import events as e
from hub.domain.errors import Refused
from hub.services import article_exchange, article_files, article_formats, articles
from hub.services.article_formats import Foreign, Unreadable
from hub.store.queries import articles as queries
from hub.store.unit_of_work import Tx
from tests.fixtures_hub import World

TEXTS = (
    Foreign(
        "", "returns", "en", "Returns & refunds", "<p>Within <strong>30</strong> days.</p>", "After sales", False, True
    ),
    Foreign("", "returns", "es", "Devoluciones", "<p>En 30 días:</p><ul><li>una</li></ul>", "Posventa", False, True),
    Foreign("", "secret", "en", "=SUM(A1)", "<p>For us.</p>", "", True, True),
    Foreign("", "plan", "en", "To come", "<h2>Soon</h2><p>Yes.</p>", "After sales", False, False),
)


@pytest.mark.parametrize("form", article_formats.FORMATS)
def test_what_is_written_is_read_again(form: str) -> None:
    read = article_formats.read(form, article_formats.write(form, TEXTS))
    found = {(each.article_id, each.locale): each for each in read if isinstance(each, Foreign)}
    assert len(read) == len(found) == len(TEXTS)
    for text in TEXTS:
        its = found[text.article_id, text.locale]
        assert (its.title, its.internal, its.published) == (text.title, text.internal, text.published), form
        kept, given = (articles.article_html.clean(each).text for each in (its.html, text.html))
        assert kept == given
        # Zendesk's sections have one name; the first locale's is taken.
        assert its.category == (
            text.category if form != "zendesk" else found["returns", "en"].category * bool(text.category)
        )


@pytest.mark.parametrize("form", article_formats.FORMATS)
def test_what_was_given_out_and_comes_back_as_it_was_is_no_edit(form: str, world: World) -> None:
    """Else every published article would wait for another review."""
    listed = (
        "<p>First:</p><ul><li><p>the <em>number</em></p></li><li><p>the note</p></li></ul><h2>Then</h2><p>Wait.</p>"
    )

    def publish(tx: Tx) -> None:
        plain = articles.create(
            tx, locale="en", title="Opening hours", body="From 9 to 5.\n\nBut:\nnot on Sundays & 1 May.", by=e.SYSTEM
        )
        rich = articles.create(tx, locale="es", title="Reclamar", html=listed, by=e.SYSTEM)
        articles.publish(tx, plain, locale="en", by=e.SYSTEM, reviewed=False)
        articles.publish(tx, rich, locale="es", by=e.SYSTEM, reviewed=False)

    world.store.write(publish)
    with world.store.read() as connection:
        given = article_formats.write(form, article_exchange.give_out(connection))
    back = article_exchange.bring_in(world.store, article_formats.read(form, given), by=e.SYSTEM)
    with world.store.read() as connection:
        states = [each.state for each in queries.every(connection)]
    assert (back.created, back.changed, back.refused) == (0, 0, ())
    assert back.unchanged == len(states)
    assert set(states) == {"published"}
    other = given.replace(b"From 9 to 5", b"From 9 to 6") if form != "markdown" else _rewritten(given)
    assert article_exchange.bring_in(world.store, article_formats.read(form, other), by=e.SYSTEM).changed == 1


def _rewritten(packed: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as given, zipfile.ZipFile(made, "w") as archive:
        for name in given.namelist():
            archive.writestr(name, given.read(name).replace(b"From 9 to 5", b"From 9 to 6"))
    return made.getvalue()


def test_a_spreadsheet_runs_nothing() -> None:
    lines = article_formats.write("csv", TEXTS).decode().splitlines()
    assert any(",'=SUM(A1)," in line for line in lines)


ZENDESK = {
    "articles": [
        {"id": 7, "title": "Hours", "body": "<p>9-5</p><script>x</script>", "locale": "en-us", "draft": False,
         "section_id": 3, "user_segment_id": None,
         "translations": [{"locale": "es", "title": "Horario", "body": "<p>9-5</p>", "draft": True}]},
        {"id": 8, "title": "VIP", "body": "<p>zanzibar</p>", "locale": "en-us", "draft": False, "user_segment_id": 12},
        {"id": 9, "title": "", "body": "<p>no title</p>", "locale": "en-us"},
    ],
    "sections": [{"id": 3, "name": "About us"}],
}  # fmt: skip


def test_zendesk_as_its_api_gives_it(world: World) -> None:
    found = article_formats.read("zendesk", json.dumps(ZENDESK).encode())
    report = article_exchange.bring_in(world.store, found, by=e.SYSTEM, publish=True)
    assert (report.created, report.categories) == (3, 1)
    assert [each.where for each in report.refused] == ["article 9 in en"]
    with world.store.read() as connection:
        hours, horario, vip = (
            queries.get(connection, *key) for key in (("zendesk-7", "en"), ("zendesk-7", "es"), ("zendesk-8", "en"))
        )
    assert (hours.version, hours.html, hours.internal) == (1, "<p>9-5</p>", 0)
    assert (horario.version, horario.category_id) == (0, hours.category_id)
    assert vip.internal, "what some of the readers saw there is for nobody here until an editor says so"
    again = article_exchange.bring_in(world.store, found, by=e.SYSTEM)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 3)


def test_chatwoot_as_its_api_gives_it() -> None:
    given = {
        "payload": [
            {"id": 4, "title": "Hours", "content": "**9** to 5 <script>x</script>", "status": "published",
             "category": {"name": "About", "locale": "en"}},
            {"id": 5, "title": "Horario", "content": "9 a 5", "status": 0, "locale": "es", "associated_article_id": 4},
            {"id": 6, "title": "Old", "content": "x", "status": "archived"},
        ],
        "meta": {},
    }  # fmt: skip
    one, two = article_formats.read("chatwoot", json.dumps(given).encode())
    assert isinstance(one, Foreign)
    assert isinstance(two, Foreign)
    assert (one.article_id, one.locale, one.category, one.published) == ("chatwoot-4", "en", "About", True)
    assert "<strong>9</strong>" in one.html
    assert "<script>" not in one.html
    assert (two.article_id, two.locale, two.published) == ("chatwoot-4", "es", False)


def test_a_folder_there_and_back(tmp_path: Path, world: World) -> None:
    assert article_files.save("markdown", tmp_path / "out", TEXTS) == 4
    assert (tmp_path / "out" / "es" / "returns.md").read_text().startswith("---\nid: returns\nlocale: es\n")
    with pytest.raises(Refused, match="empty folder"):
        article_files.save("markdown", tmp_path / "out", TEXTS)
    (tmp_path / "out" / "en" / "plain.md").write_text("# A heading\n\nText.")
    (tmp_path / "out" / "en" / "broken.md").write_text("---\n: [\n---\nText.")
    found = article_files.load("markdown", tmp_path / "out")
    assert Unreadable("en/broken.md", "front matter: must be YAML") in found
    plain = next(each for each in found if each.where == "en/plain.md")
    assert isinstance(plain, Foreign)
    assert (plain.article_id, plain.locale, plain.title, plain.html) == ("plain", "en", "A heading", "<p>Text.</p>\n")
    assert article_exchange.bring_in(world.store, found, by=e.SYSTEM).created == 5
    with world.store.read() as connection:
        given = article_exchange.give_out(connection)
    assert {(each.article_id, each.internal) for each in given} >= {("secret", True), ("plan", False)}


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("csv", b"title,text\nA,B\n"),
        ("csv", b"\xff\xfe"),
        ("zendesk", b"{}"),
        ("zendesk", b"[" * 100_000),
        ("chatwoot", b'{"payload": 3}'),
        ("markdown", b"no zip"),
    ],
    ids=["no_columns", "no_utf8", "no_articles", "too_deep", "no_payload", "no_zip"],
)
def test_what_is_no_such_file_is_refused(form: str, content: bytes) -> None:
    with pytest.raises(Refused, match="file"):
        article_formats.read(form, content)


def test_a_small_zip_with_much_in_it_is_not_unpacked() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("en/a.md", "x" * (article_formats.FILE_LIMIT + 1))
    with pytest.raises(Refused, match="must hold at most"):
        article_formats.read("markdown", packed.getvalue())
