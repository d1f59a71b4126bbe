"""How tests, the `simulate` command and the page drive the mailboxes: JSON under `/control/mail`; mails as pages."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from channels.simulators.control import Rejected, refuse_strangers
from channels.simulators.faults import BadFault
from channels.simulators.mail import TEXT_LIMIT, MailSending, MailWorld
from channels.simulators.mail_ledger import MOST_PER_PAGE, File, KeptMail
from channels.simulators.mail_people import FIRM_ADDRESS, FIRM_NAME, PEOPLE, is_address
from channels.simulators.mail_programs import PROGRAMS

# Seconds that `wait` lets a caller wait.
_MOST_WAIT = 60.0
_LONG_POLL = 25.0
_FILE_LIMIT = 10
_FILE_BYTES = 20 * 1024 * 1024
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_FIELDS = frozenset(
    {"from", "name", "to", "subject", "body", "answers", "language", "program", "files", "out_of_office", "wait"}
)
# A mail's HTML: nothing runs, nothing is fetched; its own pictures stand in it. The page may measure its height.
_MAIL_POLICY = (
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; form-action 'none'; base-uri 'self'; frame-ancestors 'self'"
)
_PAPER = (
    '<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title><base target="_blank">'
    "<style>:root{{color-scheme:only light}}html{{background:#fff}}"
    "body{{margin:0;padding:1rem;color:#17212b;background:#fff;overflow-wrap:anywhere;"
    'font:16px/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}}'
    "body>:first-child{{margin-top:0}}body>:last-child{{margin-bottom:0}}img{{max-width:100%;height:auto}}"
    "blockquote{{margin:0 0 0 .6rem;padding-left:.8rem;border-left:2px solid #d9dfe5;color:#56636f}}"
    "</style></head><body>{body}</body></html>"
)
_BODY = re.compile(r"<body[^>]*>(.*?)(?:</body>|$)", re.IGNORECASE | re.DOTALL)
_CONTENT_ID = re.compile(r"cid:([^\"'\s>)]+)", re.IGNORECASE)


def routes(world: MailWorld, host_names: frozenset[str]) -> Blueprint:
    """The blueprint of `/control/mail`.

    Args:
        world: whose mail it drives.
        host_names: what callers may call this machine, as for the phones.
    """
    mail = Blueprint("mail", __name__, url_prefix="/control/mail")

    @mail.before_request
    def only_from_here() -> None:
        refuse_strangers(host_names)

    @mail.errorhandler(HTTPException)
    def as_json(error: HTTPException) -> tuple[Response, int]:
        body: dict[str, Any] = {"error": error.description}
        if isinstance(error, Rejected):
            body |= {"field": error.field, "rule": error.rule}
        return jsonify(body), error.code or 500

    @mail.get("/people")
    def list_people() -> Response:
        people = [{name: getattr(each, name) for name in each.__slots__} for each in PEOPLE]
        return jsonify(
            {"people": people, "firm": {"name": FIRM_NAME, "address": FIRM_ADDRESS}, "programs": list(PROGRAMS)}
        )

    @mail.post("/mails")
    def send() -> tuple[Response, int]:
        sending = world.write(**_wanted(world))
        if _flag("wait", True):
            sending.done.wait(_MOST_WAIT)
        return jsonify(_sending_json(world, sending)), 201

    @mail.get("/mails")
    def list_mails() -> Response:
        after = _whole("after", 0, 2**53) if "after" in request.args else None
        limit = _whole("limit", 200, MOST_PER_PAGE)
        wait = min(_LONG_POLL, request.args.get("wait", 0.0, type=float))
        customer = request.args.get("address", "").lower()
        found = world.ledger.changes(after=after, customer=customer, limit=limit, wait=wait)
        cursor = found[-1].changed if found else world.ledger.last_change if after is None else after
        return jsonify({"mails": [_mail_json(world, each) for each in found], "after": cursor})

    @mail.get("/mails/<int:mail_id>/page")
    def show(mail_id: int) -> Response:
        found = world.ledger.mail(mail_id)
        if found is None:
            abort(404)
        files = {each.content_id: each for each in world.ledger.files_of(mail_id, with_content=True) if each.content_id}
        response = Response(_page(found, files), mimetype="text/html")
        response.headers["Content-Security-Policy"] = _MAIL_POLICY
        return _guarded(response)

    @mail.get("/mails/<int:mail_id>/source")
    def source(mail_id: int) -> Response:
        raw = world.ledger.source(mail_id)
        if raw is None:
            abort(404)
        return _guarded(Response(raw, mimetype="text/plain"))

    @mail.get("/files/<int:file_id>")
    def show_file(file_id: int) -> Response:
        file = world.ledger.file(file_id)
        if file is None:
            abort(404)
        response = Response(file.content, mimetype=file.media_type)
        if not file.media_type.startswith("image/") or file.media_type == "image/svg+xml":
            response.headers["Content-Disposition"] = "attachment"
        return _guarded(response)

    @mail.get("/ledger")
    def list_entries() -> Response:
        after, limit = _whole("after", 0, 2**53), _whole("limit", 100, MOST_PER_PAGE)
        entries = world.ledger.entries(after=after, limit=limit, kind=request.args.get("kind", ""))
        return jsonify({"entries": entries, "after": entries[-1]["id"] if entries else after})

    @mail.get("/summary")
    def summary() -> Response:
        return jsonify(world.ledger.summary())

    @mail.get("/faults")
    def list_faults() -> Response:
        menu = {
            where: {do: sorted(fields) for do, fields in items.items()} for where, items in world.faults.menu.items()
        }
        return jsonify({"faults": world.faults.listed(), "menu": menu})

    @mail.post("/faults")
    def add_fault() -> tuple[Response, int]:
        try:
            fault = world.faults.add(_body())
        except BadFault as error:
            field, _, rule = str(error).partition(": ")
            raise Rejected(field, rule) from error
        return jsonify({"id": fault.id}), 201

    @mail.delete("/faults")
    def clear_faults() -> Response:
        return jsonify({"cleared": world.faults.clear()})

    return mail


def _wanted(world: MailWorld) -> dict[str, Any]:
    """What `MailWorld.write` is to be called with. Raises Rejected."""
    body = _body()
    if unknown := set(body) - _FIELDS:
        raise Rejected(min(unknown), "is not known here")
    away = _flag("out_of_office", False)
    values: dict[str, Any] = {
        "sender": _text(body, "from"),
        "to": _text(body, "to", FIRM_ADDRESS),
        "name": _text(body, "name", ""),
        "subject": _text(body, "subject", ""),
        "text": _text(body, "body", ""),
        "language": _text(body, "language", ""),
        "program": _text(body, "program", ""),
        "files": _files(body.get("files", [])),
        "away": away,
    }
    for field, name in (("from", "sender"), ("to", "to")):
        if not is_address(values[name]):
            raise Rejected(field, "must be an e-mail address such as ana@mail.example")
    for field, choices in (("language", ("", "en", "es")), ("program", ("", *PROGRAMS))):
        if values[field] not in choices:
            raise Rejected(field, f"must be one of {', '.join(filter(None, choices))}")
    if len(values["text"]) > TEXT_LIMIT:
        raise Rejected("body", f"must be at most {TEXT_LIMIT} characters")
    if not away and not values["text"].strip() and not values["files"]:
        raise Rejected("body", "must not be empty where there are no files")
    if (answered := body.get("answers")) is not None:
        found = world.ledger.mail(answered) if type(answered) is int else None
        if found is None or found.customer != values["sender"].lower():
            raise Rejected("answers", "must be the id of a mail of the same mailbox")
        values["answers"] = found
    elif away:
        raise Rejected("answers", "must be there where nobody is in the office to write")
    return values


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Rejected("body", "must be a JSON object")
    return body


def _text(body: Mapping[str, Any], field: str, default: str | None = None) -> str:
    value = body.get(field, default)
    if not isinstance(value, str):
        raise Rejected(field, "must be a text")
    return value


def _flag(field: str, default: bool) -> bool:
    value = _body().get(field, default)
    if not isinstance(value, bool):
        raise Rejected(field, "must be true or false")
    return value


def _whole(name: str, default: int, most: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 17):
        raise Rejected(name, "must be a whole number")
    return min(int(text), most)


def _files(given: Any) -> list[File]:
    if not isinstance(given, list) or len(given) > _FILE_LIMIT:
        raise Rejected("files", f"must be a list of at most {_FILE_LIMIT} files")
    found = []
    for file in given:
        if not isinstance(file, dict):
            raise Rejected("files", "must hold objects with content_base64, media_type and name")
        kind = _text(file, "media_type")
        if not _MEDIA_TYPE.fullmatch(kind):
            raise Rejected("media_type", "must be a media type such as image/png")
        try:
            content = base64.b64decode(_text(file, "content_base64"), validate=True)
        except ValueError as error:
            raise Rejected("content_base64", "must be base64") from error
        if len(content) > _FILE_BYTES:
            raise Rejected("content_base64", f"must be at most {_FILE_BYTES} bytes")
        found.append(File(_text(file, "name", "file")[:200], kind, content))
    return found


def _sending_json(world: MailWorld, sending: MailSending) -> dict[str, Any]:
    kept = world.ledger.mail(sending.mail.id) or sending.mail
    return _mail_json(world, kept)


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _mail_json(world: MailWorld, mail: KeptMail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "changed": mail.changed,
        "message_id": mail.message_id,
        "origin": mail.origin,
        "kind": mail.kind,
        "customer": mail.customer,
        "from": mail.sender,
        "name": mail.sender_name,
        "to": mail.recipient,
        "subject": mail.subject,
        "text": mail.text,
        "has_page": bool(mail.html),
        "references": list(mail.refs),
        "thread": mail.thread,
        "status": mail.status,
        "code": mail.code,
        "words": mail.words,
        "attempts": mail.attempts,
        "latency_ms": mail.latency_ms,
        "at": _written(mail.created),
        "accepted_at": _written(accepted) if (accepted := world.ledger.accepted_at(mail.id)) else None,
        "files": [
            {"url": f"/control/mail/files/{each.id}", "media_type": each.media_type, "name": each.name}
            for each in world.ledger.files_of(mail.id)
            if not each.content_id
        ],
    }


def _page(mail: KeptMail, inline: Mapping[str, File]) -> str:
    """A mail's HTML on paper; one without is its text."""

    def picture(found: re.Match[str]) -> str:
        file = inline.get(found.group(1))
        return f"data:{file.media_type};base64,{base64.b64encode(file.content).decode()}" if file else "data:,"

    body = _BODY.search(mail.html)
    shown = body.group(1) if body else mail.html or f"<p>{escape(mail.text)}</p>"
    return _PAPER.format(language="en", title=escape(mail.subject), body=_CONTENT_ID.sub(picture, shown))


def _guarded(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    response.headers.setdefault("Content-Security-Policy", "sandbox; default-src 'none'")
    return response
