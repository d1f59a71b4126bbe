"""The routes of Twilio's REST API that the hub calls, and of the store that its media links lead to."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, jsonify, request

from channels.simulators.ledger import Media, Message
from channels.simulators.messaging import hung_up
from channels.simulators.twilio import API_VERSION, Twilio
from channels.simulators.twilio_errors import Answer, Refusal, error

_MOST_PER_PAGE = 1000
_PAGE_TOKEN = re.compile(r"PASM([0-9a-f]{1,15})")


def routes(twilio: Twilio) -> Blueprint:
    """The blueprint that speaks for this account."""
    api = Blueprint("twilio_rest", __name__)
    base = f"/{API_VERSION}/Accounts/<account_sid>"

    @api.before_request
    def authenticate() -> Response | None:
        if request.endpoint == "twilio_rest.stored_media":
            return None
        given = request.authorization
        known = twilio.account
        name, token = (given.username or "", given.password or "") if given and given.type == "basic" else ("", "")
        right = hmac.compare_digest(name.encode(), known.sid.encode())
        if not hmac.compare_digest(token.encode(), known.token.encode()) or not right:
            refused = error(Refusal(20003))
            return _sent(Answer(refused.status, refused.body, {"WWW-Authenticate": 'Basic realm="Twilio API"'}))
        if (request.view_args or {}).get("account_sid") != known.sid:
            return _sent(_not_found())
        return None

    @api.get(f"{base}.json")
    def show_account(account_sid: str) -> Response:
        about = {"sid": account_sid, "friendly_name": "Simulator", "status": "active", "type": "Full"}
        return _sent(Answer(200, about))

    @api.post(f"{base}/Messages.json")
    def create_message(account_sid: str) -> Response:
        del account_sid
        answer = twilio.create({name: tuple(values) for name, values in request.form.lists()})
        if answer.hold:
            twilio.hold(answer.hold)
        if answer.cut:
            return hung_up()
        return _sent(answer)

    @api.get(f"{base}/Messages.json")
    def list_messages(account_sid: str) -> Response:
        del account_sid
        size = min(max(1, request.args.get("PageSize", 50, type=int)), _MOST_PER_PAGE)
        page = max(0, request.args.get("Page", 0, type=int))
        token = _PAGE_TOKEN.fullmatch(request.args.get("PageToken", ""))
        below = int(token[1], 16) if token else 0
        try:
            sent_from, sent_before = _sent_between(request.args)
        except ValueError:
            return _sent(Answer(400, {"code": 20001, "message": "DateSent must be YYYY-MM-DD", "status": 400}))
        found = twilio.ledger.listed(
            sender=request.args.get("From", ""),
            recipient=request.args.get("To", ""),
            sent_from=sent_from,
            sent_before=sent_before,
            below=below,
            limit=size + 1,
        )
        shown = found[:size]
        uri = f"/{API_VERSION}/Accounts/{twilio.account.sid}/Messages.json"
        filters = {name: value for name, value in request.args.items() if name not in ("Page", "PageToken", "PageSize")}

        def link(number: int, last: Message | None = None) -> str:
            more = {"PageSize": size, "Page": number} | ({"PageToken": f"PASM{last.id:x}"} if last else {})
            return f"{uri}?{urlencode({**filters, **more})}"

        return _sent(
            Answer(
                200,
                {
                    "messages": [twilio.as_json(message) for message in shown],
                    "page": page,
                    "page_size": size,
                    "start": page * size,
                    "end": page * size + max(0, len(shown) - 1),
                    "first_page_uri": link(0),
                    "next_page_uri": link(page + 1, shown[-1]) if len(found) > size else None,
                    "previous_page_uri": None,
                    "uri": f"{uri}?{request.query_string.decode('latin-1')}".rstrip("?"),
                },
            )
        )

    @api.get(f"{base}/Messages/<sid>.json")
    def show_message(account_sid: str, sid: str) -> Response:
        del account_sid
        message = twilio.ledger.message(sid)
        return _sent(Answer(200, twilio.as_json(message)) if message else _not_found())

    @api.get(f"{base}/Messages/<sid>/Media.json")
    def list_media(account_sid: str, sid: str) -> Response:
        del account_sid
        if twilio.ledger.message(sid) is None:
            return _sent(_not_found())
        media = [twilio.media_json(each) for each in twilio.ledger.media_of([sid])[sid]]
        uri = request.path
        paging: dict[str, Any] = {"page": 0, "page_size": 50, "start": 0, "end": max(0, len(media) - 1), "uri": uri}
        links = {"first_page_uri": uri, "next_page_uri": None, "previous_page_uri": None}
        return _sent(Answer(200, {"media_list": media, **paging, **links}))

    @api.get(f"{base}/Messages/<sid>/Media/<media_sid>")
    def show_media(account_sid: str, sid: str, media_sid: str) -> Response:
        """The file itself is in another store: the address of it, which needs no password, is the answer."""
        del account_sid
        as_json = media_sid.endswith(".json")
        media = twilio.ledger.media(media_sid.removesuffix(".json"))
        message = twilio.ledger.message(sid)
        if media is None or message is None or media.message_sid != sid:
            return _sent(_not_found())
        if as_json:
            return _sent(Answer(200, twilio.media_json(media)))
        fault = twilio.faults.take("media", message.sender, message.recipient)
        do = fault.do if fault else ""
        if do == "missing":
            return _sent(_not_found())
        if do == "cut":
            return hung_up()
        link = twilio.media_link(media.sid)
        if do == "expired":
            link = link.replace("Expires=", "Expires=1")[: link.index("Expires=") + 9] + "&Signature=0"
        if do in ("html", "empty", "other_type"):
            other = str(fault.details.get("media_type", "image/png")) if fault else ""
            link += f"&do={do}&type={other}"
        return Response(status=307, headers={"Location": link})

    @api.get("/cdn/<media_sid>")
    def stored_media(media_sid: str) -> Response:
        media = twilio.media_by_link(media_sid, request.args.get("Expires", ""), request.args.get("Signature", ""))
        if media is None:
            abort(403)
        do = request.args.get("do", "")
        if do == "html":
            return Response("<!doctype html><title>Please sign in</title>", content_type="text/html")
        if do == "empty":
            return file_response(Media(media.sid, media.message_sid, media.name, media.media_type, media.created))
        return file_response(media, request.args["type"] if do == "other_type" else media.media_type)

    return api


def file_response(media: Media, media_type: str = "") -> Response:
    """A file that a browser may show as a picture and nothing more."""
    response = Response(media.content, content_type=media_type or media.media_type)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _not_found() -> Answer:
    return error(Refusal(20404, path=request.path))


def _sent(answer: Answer) -> Response:
    response = jsonify(answer.body)
    response.status_code = answer.status
    response.headers.update(answer.headers)
    return response


def _sent_between(arguments: Mapping[str, str]) -> tuple[float | None, float | None]:
    """The filters `DateSent=`, `DateSent>=` and `DateSent<=`; a date means the whole day in GMT, as does Twilio.

    `DateSent<=2026-01-31` in a query is a parameter named `DateSent<`. Twilio's client sends whole times too.
    """
    on, since, until = (arguments.get(name, "") for name in ("DateSent", "DateSent>", "DateSent<"))
    day = on[: len("2026-01-31")]
    lower, upper = since or day, until or day
    return (_moment(lower, 0) if lower else None), (_moment(upper, 1) if upper else None)


def _moment(text: str, days: int) -> float:
    if len(text) == len("2026-01-31"):
        day = date.fromisoformat(text) + timedelta(days=days)
        return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() + 0.001 * days
