"""The public help centre: pages that are whole without a script, for people and for search engines."""

from __future__ import annotations

import gzip
import threading
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response as AnyResponse

from hub.domain import events as e
from hub.domain.articles import slug
from hub.domain.errors import Forbidden, HubError, Unavailable
from hub.domain.messages import Author
from hub.domain.permissions import may
from hub.hub import Hub
from hub.services import answers, article_html, article_images, sign_in
from hub.services.rate_limit import RateLimit
from hub.store.queries import articles as article_queries
from hub.store.queries import help_centre
from hub.store.queries.articles import Category
from hub.store.queries.help_centre import Entry, PublicArticle
from hub.web import auth
from hub.web.context import caller_address, the_hub
from hub.web.help_text import LANGUAGES, TEXT

FOUND = 12  # articles that a search shows
RELATED = 4
NEWEST = 6
KEPT = 60  # seconds for which a page may be kept unasked
QUERY_LENGTH = 300
_STYLE = (Path(__file__).parent / "templates" / "help" / "style.css").read_text(encoding="utf-8")
# Nothing runs here and nothing comes from elsewhere; the one style sheet is in the page, known by its hash. (Auditors
# of pages ask for robots.txt from within the page: `connect-src`.)
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#0f6e64"/>'
    '<path d="M12 12.5a4 4 0 1 1 5.6 3.7c-1 .5-1.6 1.2-1.6 2.3v.5" fill="none" stroke="#fff" stroke-width="2.4" '
    'stroke-linecap="round"/><circle cx="16" cy="23" r="1.6" fill="#fff"/></svg>'
)

blueprint = Blueprint("help", __name__, template_folder="templates")
# Of one address: a search costs an encoding, a vote counts.
_SEARCHES = RateLimit(per_second=2.0, burst=20)
_VOTES = RateLimit(per_second=1 / 600, burst=1)


class _Related:
    """Which articles are near another, for as long as it keeps its version; what may be shown is asked each time."""

    KEPT = 2_000

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, str, str, int], tuple[str, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, hub: Hub, article: PublicArticle) -> tuple[str, ...]:
        key = (id(hub), article.article_id, article.locale, article.version)
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            return known
        if hub.knowledge is None:
            return ()
        try:
            found = answers.search(hub.store, hub.knowledge, article.title, language=article.locale, limit=RELATED + 1)
        except Unavailable:
            return ()
        ids = tuple(each.article_id for each in found.answers if each.article_id != article.article_id)[:RELATED]
        with self._lock:
            self._known[key] = ids
            if len(self._known) > self.KEPT:
                self._known.popitem(last=False)
        return ids


_related = _Related()


# --- pages ------------------------------------------------------------------------------------------------------------


@blueprint.get("/help")
@blueprint.get("/help/")
def start() -> AnyResponse:
    """To the reader's language."""
    spoken = (tag.partition("-")[0] for tag in request.accept_languages.values())
    response = redirect(f"/help/{next((each for each in spoken if each in LANGUAGES), 'en')}/")
    response.vary.add("Accept-Language")
    return response


@blueprint.get("/help/<language:locale>/")
def home(locale: str) -> AnyResponse:
    """Search first, then the topics and what is new."""
    if locale not in LANGUAGES:
        return _missing("en")
    with the_hub().store.read() as connection:
        shown = _categories(article_queries.categories(connection), help_centre.counts(connection, locale), locale)
        newest = help_centre.newest(connection, locale, NEWEST)
    text = TEXT[locale]
    return _page(
        "home",
        locale,
        title=text["help_centre"],
        description=text["about"],
        path=f"/help/{locale}/",
        alternates={each: f"/help/{each}/" for each in LANGUAGES},
        categories=shown,
        newest=[_link(each) for each in newest],
    )


@blueprint.get("/help/<language:locale>/search")
def search(locale: str) -> AnyResponse:
    """Answers to a question, in the reader's language first."""
    if locale not in LANGUAGES:
        return _missing("en")
    query = request.args.get("q", "").replace("\0", "").strip()[:QUERY_LENGTH]
    if not query:
        return redirect(f"/help/{locale}/")
    if not _SEARCHES.allows(caller_address()):
        return _page("busy", locale, title=TEXT[locale]["busy"], path=request.path, status=429)
    found = _find(the_hub(), query, locale)
    return _page(
        "search",
        locale,
        title=TEXT[locale]["results"].format(query=query),
        path=f"/help/{locale}/search",
        alternates={each: f"/help/{each}/search" for each in LANGUAGES},
        query=query,
        found=found,
        indexed=False,
    )


@blueprint.get("/help/<language:locale>/topics/<identifier:category_id>/<slug>")
@blueprint.get("/help/<language:locale>/topics/<identifier:category_id>")
def category(locale: str, category_id: str, slug: str = "") -> AnyResponse:  # noqa: ARG001  # for people to read
    """All articles of a topic."""
    if locale not in LANGUAGES:
        return _missing("en")
    with the_hub().store.read() as connection:
        known = {each.id: each for each in article_queries.categories(connection)}
        wanted = "" if category_id == "other" else category_id
        entries = help_centre.in_category(connection, wanted, locale)
    if not entries or (wanted and wanted not in known):
        return _missing(locale)
    names = {each: _category_name(known.get(wanted), each) for each in LANGUAGES}
    paths = {each: _category_path(each, category_id, names[each]) for each in LANGUAGES}
    return _page(
        "category",
        locale,
        title=names[locale],
        description=" · ".join(each.title for each in entries[:4])[:155],
        path=paths[locale],
        alternates=paths,
        entries=[_link(each) for each in entries],
    )


@blueprint.get("/help/<language:locale>/articles/<identifier:article_id>/<slug>")
@blueprint.get("/help/<language:locale>/articles/<identifier:article_id>")
def article(locale: str, article_id: str, slug: str = "") -> AnyResponse:  # noqa: ARG001  # the canonical one is told
    """An article, what is near it, and whether it helped."""
    hub = the_hub()
    with hub.store.read() as connection:
        found = help_centre.article(connection, article_id, locale)
        its_locales = [each for each in help_centre.locales(connection, article_id) if each in LANGUAGES]
        if found is None or locale not in LANGUAGES:
            if its_locales:
                return redirect(f"/help/{its_locales[0]}/articles/{article_id}")
            return _missing(locale if locale in LANGUAGES else "en")
        titles = {each: help_centre.article(connection, article_id, each) for each in its_locales}
        known = {each.id: each for each in article_queries.categories(connection)}
    near = _related(hub, found)
    with hub.store.read() as connection:
        related = help_centre.named(connection, near, locale)
        if not related:
            beside = help_centre.in_category(connection, found.category_id, locale, limit=RELATED + 1)
            related = [each for each in beside if each.article_id != article_id][:RELATED]
    its_category = known.get(found.category_id)
    name = _category_name(its_category, locale)
    return _page(
        "article",
        locale,
        title=found.title,
        description=_start(found.body),
        path=_article_path(locale, article_id, found.title),
        alternates={each: _article_path(each, article_id, its.title) for each, its in titles.items() if its},
        article=found,
        html=found.html or article_html.from_text(found.body),
        date=_date(found.published_at, locale),
        day=_day(found.published_at),
        category=(name, _category_path(locale, found.category_id or "other", name)),
        related=[_link(each) for each in related],
        thanks=request.args.get("thanks") == "1",
    )


@blueprint.post("/help/<language:locale>/articles/<identifier:article_id>/helpful")
def rate(locale: str, article_id: str) -> AnyResponse:
    """Whether an article helped. One vote in ten minutes from one address."""
    request.max_content_length = 1024
    hub = the_hub()
    origin = request.headers.get("Origin")
    if origin is not None and origin not in (_origin(hub.settings.public_url), _origin(request.host_url)):
        raise Forbidden("the request comes from another page")
    answer = request.form.get("answer", "")
    with hub.store.read() as connection:
        found = help_centre.article(connection, article_id, locale)
    if found is None or answer not in ("yes", "no"):
        return _missing(locale if locale in LANGUAGES else "en")
    if _VOTES.allows(f"{caller_address()}/{article_id}/{locale}"):
        event = e.ArticleRated(locale, found.version, answer == "yes")
        hub.store.write(lambda tx: tx.record(article_id, event, e.Actor(Author.CONTACT, "")))
    return redirect(f"{_article_path(locale, article_id, found.title)}?thanks=1#helpful", 303)


# --- for programs -----------------------------------------------------------------------------------------------------


@blueprint.get("/help/images/<identifier:image_id>")
def image(image_id: str) -> Response:
    """A picture of a public article; to whoever is signed in and reads articles, of any."""
    hub = the_hub()
    found, content = article_images.read(hub, image_id, of_the_firm=_reads_articles(hub))
    response = FlaskResponse(content, mimetype=found.media_type)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    # It never changes, but may cease to be public: whoever keeps it asks again.
    response.headers["Cache-Control"] = "private, max-age=300"
    return response


@blueprint.get("/help/icon.svg")
def icon() -> Response:
    response = FlaskResponse(_ICON, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "public, max-age=31536000"
    return response


@blueprint.get("/help/sitemap.xml")
def sitemap() -> Response:
    """Every page with its other languages."""
    hub = the_hub()
    with hub.store.read() as connection:
        entries = [each for each in help_centre.every(connection) if each.locale in LANGUAGES]
    by_article: dict[str, list[Entry]] = {}
    for entry in entries:
        by_article.setdefault(entry.article_id, []).append(entry)
    base = hub.settings.public_url
    pages: list[dict[str, Any]] = [
        {"path": f"{base}/help/{each}/", "day": "", "alternates": {one: f"{base}/help/{one}/" for one in LANGUAGES}}
        for each in LANGUAGES
    ]
    for mine in by_article.values():
        paths = {each.locale: base + _article_path(each.locale, each.article_id, each.title) for each in mine}
        pages += [{"path": paths[each.locale], "day": _day(each.published_at), "alternates": paths} for each in mine]
    text = render_template("help/sitemap.xml", pages=pages)
    return _kept(FlaskResponse(text, mimetype="application/xml"))


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Search engines are welcome in the help centre and nowhere else."""
    lines = (
        "User-agent: *",
        "Allow: /help/",
        "Disallow: /",
        "",
        f"Sitemap: {the_hub().settings.public_url}/help/sitemap.xml",
    )
    return _kept(FlaskResponse("\n".join(lines) + "\n", mimetype="text/plain"))


# --- how --------------------------------------------------------------------------------------------------------------


def _find(hub: Hub, query: str, locale: str) -> list[dict[str, str]]:
    """What the knowledge base finds; by words alone while it cannot."""
    if hub.knowledge is not None:
        try:
            found = answers.search(hub.store, hub.knowledge, query, language=locale, limit=FOUND)
        except Unavailable:
            pass
        else:
            return [
                {
                    "path": _article_path(each.locale, each.article_id, each.title),
                    "title": each.title,
                    "start": _start(each.passage),
                    "locale": each.locale,
                    "language": LANGUAGES[each.locale],
                }
                for each in found.answers
                if each.locale in LANGUAGES
            ]
    with hub.store.read() as connection:
        return [_link(each) for each in help_centre.with_words(connection, query, locale, FOUND)]


def _link(entry: Entry) -> dict[str, str]:
    return {
        "path": _article_path(entry.locale, entry.article_id, entry.title),
        "title": entry.title,
        "start": _start(entry.start),
        "locale": entry.locale,
        "language": LANGUAGES.get(entry.locale, entry.locale),
    }


def _categories(known: Sequence[Category], counts: Mapping[str, int], locale: str) -> list[dict[str, str]]:
    text = TEXT[locale]
    shown = []
    for each in known:
        if counts.get(each.id):
            name = _category_name(each, locale)
            shown.append((name, _category_path(locale, each.id, name), counts[each.id]))
    # Also of a category that is gone.
    rest = sum(counts.values()) - sum(count for _, _, count in shown)
    if rest and counts.get(""):
        shown.append((text["other_topics"], _category_path(locale, "other", text["other_topics"]), counts[""]))
    return [
        {
            "name": name,
            "path": path,
            "count": text["one_article"] if count == 1 else text["articles"].format(count=count),
        }
        for name, path, count in shown
    ]


def _category_name(found: Category | None, locale: str) -> str:
    if found is None:
        return TEXT[locale]["other_topics"]
    return found.names.get(locale) or next(iter(found.names.values()), found.id)


def _category_path(locale: str, category_id: str, name: str) -> str:
    return f"/help/{locale}/topics/{category_id}/{slug(name)}"


def _article_path(locale: str, article_id: str, title: str) -> str:
    return f"/help/{locale}/articles/{article_id}/{slug(title)}"


def _start(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 155 else words[:155].rsplit(" ", 1)[0] + "…"


_MONTHS = {
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    "es": (
        *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
        *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    ),
}


def _date(at: int, locale: str) -> str:
    day = datetime.fromtimestamp(at / 1_000_000, UTC)
    month = _MONTHS[locale][day.month - 1]
    return f"{day.day} de {month} de {day.year}" if locale == "es" else f"{day.day} {month} {day.year}"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, UTC).date().isoformat()


def firm_name(hub: Hub, locale: str) -> str:
    """The firm's name: what its web chat is called."""
    for inbox in hub.inboxes.every():
        title = inbox.settings.get("title")
        if inbox.channel == "webchat" and isinstance(title, Mapping):
            return str(title.get(locale) or next(iter(title.values()), ""))
    return ""


def _page(name: str, locale: str, *, path: str, status: int = 200, indexed: bool = True, **values: Any) -> Response:
    hub = the_hub()
    values = {"description": "", "alternates": {}, "query": "", **values}
    html = render_template(
        f"help/{name}.html",
        text=TEXT[locale],
        locale=locale,
        languages=LANGUAGES,
        firm=firm_name(hub, locale),
        base=hub.settings.public_url,
        path=path,
        indexed=indexed and status == 200,
        style=_STYLE,
        **values,
    )
    response = FlaskResponse(html, status)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Content-Language"] = locale
    return _kept(response) if status == 200 else response


def _kept(response: Response) -> Response:
    """Compressed, with what tells it from another text, for a minute."""
    if request.accept_encodings.quality("gzip") > 0:
        response.set_data(gzip.compress(response.get_data(), 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.cache_control.public, response.cache_control.max_age = True, KEPT
    response.add_etag()
    response.make_conditional(request)
    return response


def _missing(locale: str) -> Response:
    title = TEXT[locale]["not_found"]
    return _page("not_found", locale, title=title, path=f"/help/{locale}/", status=404)


def _reads_articles(hub: Hub) -> bool:
    token = request.cookies.get(auth.cookie_name(hub), "")
    if not token:
        return False
    try:
        with hub.store.read() as connection:
            session = sign_in.current(connection, token, hub.clock.now())
    except HubError:
        return False
    return session is not None and may(session.role, "read_articles")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
