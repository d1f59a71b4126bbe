"""The page by which an outside firm answers: whole without a script, open to whoever has its signed address."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from hub.domain.errors import BadSignature, Conflict, NotFound, Refused, TooLarge
from hub.domain.rendering import served
from hub.domain.vendor_letter import when
from hub.hub import Hub
from hub.ports import Capabilities
from hub.services import attachments, vendor_page
from hub.services.rate_limit import RateLimit
from hub.services.vendor_page import LONGEST, MOST_FILES, Page, State
from hub.web.context import caller_address, the_hub
from hub.web.firm_text import TEXT
from hub.web.help_pages import firm_name
from hub.web.help_text import LANGUAGES

# Around files: the boundaries of the form, its text (four bytes a character) and its names.
_OVERHEAD = 256 * 1024
_MEGABYTE = 1024 * 1024
_FOLDER = Path(__file__).parent / "templates"
_STYLE = "".join((_FOLDER / each / "style.css").read_text(encoding="utf-8") for each in ("help", "firm"))
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
blueprint = Blueprint("firm", __name__, template_folder="templates")
# Of one address, and answers to one question.
_CALLS = RateLimit(per_second=2.0, burst=40)
_ANSWERS = RateLimit(per_second=1 / 20, burst=10)


@blueprint.get("/firm/<token>")
def show(token: str) -> AnyResponse:
    """What the firm was asked, and where it answers. Looking changes nothing: programs that check mails look too."""
    hub = the_hub()
    if not _CALLS.allows(caller_address()):
        return _bad(429, "problem_busy")
    try:
        message_id = vendor_page.opened(hub.box.derive, token, hub.clock.now())
        return _shown(hub, token, message_id, sent=request.args.get("sent") == "1")
    except (BadSignature, NotFound):
        return _bad(404)


@blueprint.post("/firm/<token>")
def answer(token: str) -> AnyResponse:
    """Takes the answer, and shows the page again."""
    hub = the_hub()
    if not _CALLS.allows(caller_address()):
        return _bad(429, "problem_busy")
    try:
        message_id = vendor_page.opened(hub.box.derive, token, hub.clock.now())
        found = _page(hub, message_id)
    except (BadSignature, NotFound):
        return _bad(404)
    if not _ANSWERS.allows(message_id):
        return _shown(hub, token, message_id, problem="problem_busy", status=429)
    rules = _rules(hub, found)
    request.max_content_length = rules.attachment_limit + _OVERHEAD
    try:
        text = request.form.get("text", "").replace("\r\n", "\n").replace("\0", "")
    except RequestEntityTooLarge:
        # What is left of the body is never read.
        return _shown(hub, token, message_id, problem="problem_size", status=413)
    done = request.form.get("done") == "yes"
    try:
        nonce = vendor_page.check_form(hub.box.derive, message_id, request.form.get("key", ""))
    except BadSignature:
        return _shown(hub, token, message_id, text=text, done=done, problem="problem_form", status=403)
    files = [each for each in request.files.getlist("files") if each.filename]
    if len(files) > MOST_FILES:
        return _shown(hub, token, message_id, text=text, done=done, problem="problem_files", status=422)
    problem = _problem(text, files, done=done)
    if problem:
        return _shown(hub, token, message_id, text=text, done=done, problem=problem, status=422)
    if found.state is State.OPEN:
        try:
            ids = _kept(hub, message_id, files, rules)
        except TooLarge:
            return _shown(hub, token, message_id, text=text, done=done, problem="problem_size", status=413)
        except Refused as refused:
            name = refused.rule
            return _shown(hub, token, message_id, text=text, done=done, problem="problem_type", name=name, status=422)
        try:
            hub.store.write(lambda tx: vendor_page.answer(tx, message_id, text, ids, nonce, done=done))
        except Conflict:
            return _shown(hub, token, message_id, status=409)
    elif not _was_stored(hub, message_id, nonce):
        return _shown(hub, token, message_id, status=409)
    spoken = request.args.get("language", "")
    language = f"&language={spoken}" if spoken in LANGUAGES else ""
    return _guarded(redirect(f"{vendor_page.PATH}/{token}?sent=1{language}#content", 303))


def _problem(text: str, files: list[FileStorage], *, done: bool) -> str:
    if not text.strip() and not files and not done:
        return "problem_text"
    return "problem_long" if len(text.strip()) > LONGEST else ""


def _kept(hub: Hub, message_id: str, files: list[FileStorage], rules: Capabilities) -> tuple[str, ...]:
    """The ids of the files, all of which are taken. Raises TooLarge; Refused with the name of one that is not taken."""
    contents = [each.stream.read(rules.attachment_limit + 1) for each in files]
    if sum(map(len, contents)) > rules.attachment_limit:
        raise attachments.too_large(rules.attachment_limit)
    for file, content in zip(files, contents, strict=True):
        if not content or attachments.sniff(content, rules.media_types) is None:
            raise Refused("files", attachments.clean_name(file.filename or "", ""))
    return tuple(
        attachments.store(
            hub,
            owner=vendor_page.owner(message_id),
            name=file.filename or "",
            content=content,
            limit=rules.attachment_limit,
            media_types=rules.media_types,
        ).attachment_id
        for file, content in zip(files, contents, strict=True)
    )


def _was_stored(hub: Hub, message_id: str, nonce: str) -> bool:
    with hub.store.read() as connection:
        return vendor_page.was_stored(connection, message_id, nonce)


def _page(hub: Hub, message_id: str) -> Page:
    with hub.store.read() as connection:
        return vendor_page.page(connection, message_id)


def _rules(hub: Hub, page: Page) -> Capabilities:
    """What may come by the firm's inbox of mail may come here."""
    return hub.channel_of(hub.inboxes.by_id(page.vendor.inbox_id)).capabilities


def _shown(
    hub: Hub,
    token: str,
    message_id: str,
    *,
    text: str = "",
    done: bool = False,
    problem: str = "",
    name: str = "",
    sent: bool = False,
    status: int = 200,
) -> Response:
    page = _page(hub, message_id)
    asked = request.args.get("language", "")
    locale = asked if asked in LANGUAGES else served(page.vendor.language)
    words = TEXT[locale]
    size = _rules(hub, page).attachment_limit // _MEGABYTE
    values = {"count": MOST_FILES, "size": size, "most": LONGEST, "name": name}
    return _rendered(
        "page",
        locale,
        status,
        title=words["title"].format(number=page.packet.ticket_number),
        path=f"{vendor_page.PATH}/{token}",
        page=page,
        shows=page.state in (State.OPEN, State.DONE),
        at=when(page.question.at),
        upload=words["upload"].format(**values),
        problem=words[problem].format(**values) if problem else "",
        key=vendor_page.form_key(hub.box.derive, message_id),
        draft=text,
        done=done,
        sent=sent,
        when=when,
        url=attachments.links(hub).url,
        most=LONGEST,
    )


def _bad(status: int, why: str = "bad_text") -> Response:
    spoken = (tag.partition("-")[0] for tag in request.accept_languages.values())
    locale = next((each for each in spoken if each in LANGUAGES), "en")
    return _rendered("bad", locale, status, title=TEXT[locale]["bad"], why=TEXT[locale][why], path="")


def _rendered(name: str, locale: str, status: int, **values: Any) -> Response:
    html = render_template(
        f"firm/{name}.html",
        text=TEXT[locale],
        locale=locale,
        languages=LANGUAGES,
        firm=firm_name(the_hub(), locale),
        style=_STYLE,
        **values,
    )
    response = Response(html, status)
    response.headers["Content-Language"] = locale
    _guarded(response)
    return response


def _guarded(response: AnyResponse) -> AnyResponse:
    """Its address is a key: nobody keeps it, passes it on or looks for it."""
    response.headers |= {
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow, noarchive",
    }
    return response
