"""Articles as other programs write them: a folder of Markdown, CSV, the JSON of Zendesk's and Chatwoot's help centres.

Reading gives `Foreign` values or refuses an article with its place and the rule; writing is the inverse. No database.

Sources of the formats:
    zendesk: https://developer.zendesk.com/api-reference/help_center/help-center-api/articles/ (`articles`, with
        `sections` and `translations` beside them; a list of such pages is read as one).
    chatwoot: the answer of `/api/v1/accounts/{id}/portals/{slug}/articles` (`payload`; its content is Markdown).
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import yaml
from markdown_it import MarkdownIt

from hub.domain.articles import slug
from hub.domain.errors import Refused
from hub.services import article_html

FORMATS = ("markdown", "csv", "zendesk", "chatwoot")
ENDINGS: Mapping[str, str] = {"markdown": "zip", "csv": "csv", "zendesk": "json", "chatwoot": "json"}
FILE_LIMIT = 20 * 1024 * 1024  # bytes of a file, and of a folder's files together
MOST = 10_000  # articles
_COLUMNS = ("id", "locale", "title", "category", "internal", "published", "html")
_LOCALE = re.compile(r"[a-z]{2}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FRONT = re.compile(r"\A\ufeff?---\r?\n(.*?)\r?\n---\r?\n?", re.DOTALL)
# What a spreadsheet would run.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Raw HTML in Markdown is text here, as it may come from anybody.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@dataclass(frozen=True, slots=True)
class Foreign:
    """One article in one locale. `where` names its place for people; `category` is its category's name there."""

    where: str
    article_id: str
    locale: str
    title: str
    html: str
    category: str = ""
    internal: bool = False
    published: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An article that cannot be taken, and the rule that it breaks."""

    where: str
    rule: str


Read = Foreign | Unreadable


def read(form: str, content: bytes) -> list[Read]:
    """The articles of a file (`markdown`: a zip of the folder), in its order.

    Raises:
        Refused: the file is not of that format at all, or too large.
    """
    if len(content) > FILE_LIMIT:
        raise Refused("file", f"must have at most {FILE_LIMIT} bytes")
    readers: Mapping[str, Callable[[bytes], Iterable[Read]]] = {
        "markdown": lambda given: read_markdown(unzipped(given)),
        "csv": _read_csv,
        "zendesk": _read_zendesk,
        "chatwoot": _read_chatwoot,
    }
    return checked(readers[form](content))


def checked(found: Iterable[Read]) -> list[Read]:
    """What was read, with what breaks a rule refused. Raises Refused where there is too much of it."""
    kept: list[Read] = []
    for each in found:
        if len(kept) >= MOST:
            raise Refused("file", f"must hold at most {MOST} articles")
        kept.append(_checked(each))
    return kept


def write(form: str, articles: Sequence[Foreign]) -> bytes:
    """A file of that format; `markdown`: a zip of the folder."""
    if form == "markdown":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in markdown_files(articles).items():
                archive.writestr(name, text)
        return packed.getvalue()
    writers: Mapping[str, Callable[[Sequence[Foreign]], str]] = {
        "csv": _write_csv,
        "zendesk": _write_zendesk,
        "chatwoot": _write_chatwoot,
    }
    return writers[form](articles).encode()


def _checked(found: Read) -> Read:
    if isinstance(found, Unreadable):
        return found
    broken = next(
        (
            rule
            for holds, rule in (
                (_ID.fullmatch(found.article_id), "id: must be 1 to 64 letters, digits, hyphens or underscores"),
                (_LOCALE.fullmatch(found.locale), "locale: must be two letters, such as en or es"),
                (0 < len(found.title) <= 300, "title: must have 1 to 300 characters"),
                ("\0" not in found.title + found.html, "must not contain NUL"),
            )
            if not holds
        ),
        "",
    )
    return Unreadable(found.where, broken) if broken else found


def _flag(value: Any) -> bool:
    return str(value).strip().lower() in ("1", "true", "yes", "y", "sí", "si", "x")


def _locale(value: Any) -> str:
    """`en-us` → `en`."""
    return str(value or "").strip().lower().replace("_", "-").partition("-")[0]


# --- Markdown ---------------------------------------------------------------------------------------------------------


def unzipped(content: bytes) -> dict[str, str]:
    """The Markdown files of a zip, by name. Raises Refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            wanted = [each for each in archive.infolist() if each.filename.endswith(".md") and not each.is_dir()]
            # Told before they are unpacked: a small zip may hold gigabytes.
            if len(wanted) > MOST or sum(each.file_size for each in wanted) > FILE_LIMIT:
                raise Refused("file", f"must hold at most {MOST} files and {FILE_LIMIT} bytes")
            return {each.filename: archive.read(each)[:FILE_LIMIT].decode("utf-8", "replace") for each in wanted}
    # RuntimeError: a file in it wants a password; NotImplementedError: it is packed in a way that Python cannot read.
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise Refused("file", "must be a zip of Markdown files") from error


def read_markdown(files: Mapping[str, str]) -> Iterator[Read]:
    """Front matter (YAML: id, locale, title, category, internal, published) and Markdown. Without it, the id is the
    file's name, the locale its folder's, the title its first heading."""
    for name in sorted(files):
        text = files[name]
        front = _FRONT.match(text)
        try:
            facts = yaml.safe_load(front[1]) if front else {}
        except yaml.YAMLError:
            yield Unreadable(name, "front matter: must be YAML")
            continue
        if not isinstance(facts, dict):
            yield Unreadable(name, "front matter: must be fields with values")
            continue
        body = text[front.end() :] if front else text
        heading = re.match(r"\s*#\s+(.+?)\s*(?:\n|\Z)", body)
        if heading and not facts.get("title"):
            body = body[heading.end() :]
        folder, _, file = name.removesuffix(".md").rpartition("/")
        yield Foreign(
            where=name,
            article_id=str(facts.get("id") or file),
            locale=_locale(facts.get("locale") or folder.rpartition("/")[2]),
            title=str(facts.get("title") or (heading[1] if heading else "")).strip(),
            html=_MARKDOWN.render(body),
            category=str(facts.get("category") or ""),
            internal=_flag(facts.get("internal", "")),
            published=_flag(facts.get("published", "")),
        )


def markdown_files(articles: Iterable[Foreign]) -> dict[str, str]:
    """`locale/id.md` with front matter, for a folder."""
    files = {}
    for each in articles:
        facts: dict[str, Any] = {
            "id": each.article_id,
            "locale": each.locale,
            "title": each.title,
            "category": each.category,
        }
        facts |= {"internal": each.internal, "published": each.published}
        front = yaml.safe_dump(facts, allow_unicode=True, sort_keys=False)
        files[f"{each.locale}/{each.article_id}.md"] = f"---\n{front}---\n{_markdown(each.html)}\n"
    return files


def _markdown(html: str) -> str:
    library = import_module("markdownify")  # by its name: 5 MB with what it needs, for who gives articles out
    return str(library.markdownify(html, heading_style="ATX", bullets="-")).strip()


# --- CSV --------------------------------------------------------------------------------------------------------------


def _read_csv(content: bytes) -> Iterator[Read]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("file", "must be UTF-8") from error
    csv.field_size_limit(article_html.HTML_LIMIT * 2)
    rows = csv.DictReader(io.StringIO(text, newline=""))
    missing = {"locale", "title"} - set(rows.fieldnames or ())
    if missing or not {"html", "body"} & set(rows.fieldnames or ()):
        raise Refused("file", f"must have a line of names with {', '.join(_COLUMNS)} (or body for html)")
    try:
        for number, row in enumerate(rows, 2):
            values = {name: _unquoted(value or "") for name, value in row.items() if isinstance(value, str | None)}
            title = values.get("title", "").strip()
            html = values.get("html", "") or article_html.from_text(values.get("body", ""))
            yield Foreign(
                where=f"line {number}",
                article_id=values.get("id", "").strip() or slug(title)[:64].strip("-"),
                locale=_locale(values.get("locale")),
                title=title,
                html=html,
                category=values.get("category", "").strip(),
                internal=_flag(values.get("internal", "")),
                published=_flag(values.get("published", "")),
            )
    except csv.Error as error:
        raise Refused("file", f"must be CSV: {error}") from error


def _write_csv(articles: Sequence[Foreign]) -> str:
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow(_COLUMNS)
    for each in articles:
        flags = ("yes" if flag else "no" for flag in (each.internal, each.published))
        texts = (each.article_id, each.locale, each.title, each.category)
        rows.writerow([*map(_quoted, texts), *flags, _quoted(each.html)])
    return out.getvalue()


def _quoted(value: str) -> str:
    """A spreadsheet reads `=…` as a formula; with an apostrophe before it, as text."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _unquoted(value: str) -> str:
    return value[1:] if value.startswith("'") and value[1:].startswith(_FORMULA) else value


# --- Zendesk ----------------------------------------------------------------------------------------------------------


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused("file", "must be JSON") from error


def _rows(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _object(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _foreign_id(prefix: str, value: Any) -> str:
    """Numbers get the program's prefix: two programs' numbers must not meet."""
    text = str(value)
    return f"{prefix}-{text}" if text.isdigit() else text


def _read_zendesk(content: bytes) -> Iterator[Read]:
    given = _json(content)
    pages = _rows(given if isinstance(given, list) else [given])
    if not any("articles" in page for page in pages):
        raise Refused("file", "must hold articles, as Zendesk's Help Center API gives them")
    sections = {
        str(each.get("id")): str(each.get("name") or "") for page in pages for each in _rows(page.get("sections"))
    }
    translations: dict[str, list[dict[str, Any]]] = {}
    for page in pages:
        for each in _rows(page.get("translations")):
            translations.setdefault(str(each.get("source_id")), []).append(each)
    for page in pages:
        for article in _rows(page.get("articles")):
            source = str(article.get("id"))
            texts = [article, *_rows(article.get("translations")), *translations.get(source, ())]
            # The article's own text stands among its translations again.
            for locale, text in {_locale(each.get("locale")): each for each in reversed(texts)}.items():
                yield Foreign(
                    where=f"article {source} in {locale}",
                    article_id=_foreign_id("zendesk", source),
                    locale=locale,
                    title=str(text.get("title") or "").strip(),
                    html=str(text.get("body") or ""),
                    category=sections.get(str(article.get("section_id")), ""),
                    # Shown there to some of the readers only: here to nobody until an editor says so.
                    internal=article.get("user_segment_id") is not None or bool(article.get("user_segment_ids")),
                    published=not text.get("draft"),
                )


def _write_zendesk(articles: Sequence[Foreign]) -> str:
    sections = {
        name: number for number, name in enumerate(sorted({each.category for each in articles if each.category}), 1)
    }
    own: dict[str, dict[str, Any]] = {}
    translations = []
    for each in articles:
        text = {"locale": each.locale, "title": each.title, "body": each.html, "draft": not each.published}
        if each.article_id not in own:
            own[each.article_id] = {
                "id": each.article_id,
                **text,
                "source_locale": each.locale,
                "section_id": sections.get(each.category),
                # Any number says that not everybody reads it.
                "user_segment_id": 1 if each.internal else None,
            }
        translations.append({"source_id": each.article_id, "source_type": "Article", **text})
    document = {
        "articles": list(own.values()),
        "translations": translations,
        "sections": [{"id": number, "name": name} for name, number in sections.items()],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


# --- Chatwoot ---------------------------------------------------------------------------------------------------------

# As its model numbers them, where an answer has numbers.
_CHATWOOT_STATUS = {"0": "draft", "1": "published", "2": "archived"}


def _read_chatwoot(content: bytes) -> Iterator[Read]:
    given = _json(content)
    pages = _rows(given if isinstance(given, list) else [given])
    if not any(isinstance(page.get("payload"), list | dict) for page in pages):
        raise Refused("file", "must hold a payload, as Chatwoot's API gives it")
    for page in pages:
        payload = page.get("payload")
        # One article's own answer has it as an object.
        for article in _rows(payload if isinstance(payload, list) else [payload]):
            status = _CHATWOOT_STATUS.get(str(article.get("status")), str(article.get("status") or ""))
            if status == "archived":
                continue
            category = _object(article, "category")
            config = _object(_object(article, "portal"), "config")
            source = article.get("associated_article_id") or article.get("id")
            locale = article.get("locale") or category.get("locale") or config.get("default_locale") or "en"
            yield Foreign(
                where=f"article {article.get('id')}",
                article_id=_foreign_id("chatwoot", source),
                locale=_locale(locale),
                title=str(article.get("title") or "").strip(),
                html=_MARKDOWN.render(str(article.get("content") or "")),
                category=str(category.get("name") or ""),
                internal=bool(article.get("internal")),
                published=status == "published",
            )


def _write_chatwoot(articles: Sequence[Foreign]) -> str:
    payload = [
        {
            "id": each.article_id,
            "title": each.title,
            "content": _markdown(each.html),
            "locale": each.locale,
            "status": "published" if each.published else "draft",
            "category": {"name": each.category, "slug": slug(each.category), "locale": each.locale},
            # Chatwoot has no such thing; it reads over it, we do not.
            "internal": each.internal,
        }
        for each in articles
    ]
    return json.dumps({"payload": payload, "meta": {"articles_count": len(payload)}}, ensure_ascii=False, indent=2)
