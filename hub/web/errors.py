"""Errors become answers here and nowhere else: a status, a stable `error_id` and, for input, the field and the rule."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from apiflask import APIFlask, HTTPError
from flask import Response, request
from werkzeug.datastructures import Headers

from hub.domain import errors as e
from hub.web.schemas import Problem

logger = logging.getLogger(__name__)

STATUS: Mapping[type[e.HubError], int] = {
    e.Refused: 422,
    e.TooLarge: 413,
    e.NotSignedIn: 401,
    e.Forbidden: 403,
    e.NotFound: 404,
    e.Conflict: 409,
    e.TooMany: 429,
    e.Unavailable: 503,
    e.BotError: 502,
    e.ChannelError: 502,
    e.HubError: 500,
}
# What Flask and Werkzeug raise by themselves.
_HTTP_ERROR_IDS: Mapping[int, str] = {
    400: e.Refused.error_id,
    401: e.NotSignedIn.error_id,
    403: e.Forbidden.error_id,
    404: e.NotFound.error_id,
    405: "method_not_allowed",
    413: e.TooLarge.error_id,
    415: e.Refused.error_id,
    422: e.Refused.error_id,
    503: e.Unavailable.error_id,
}


def status_of(error: e.HubError) -> int:
    """The HTTP status of an error: its own class's, else that of the nearest class above."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def register(app: APIFlask) -> None:
    """Makes every error that leaves a view an answer of the shape `Problem`."""
    app.register_error_handler(e.HubError, hub_error)
    app.register_error_handler(Exception, unexpected)
    app.error_processor(http_error)


def answer(problem: Problem, status: int) -> Response:
    return Response(problem.model_dump_json(), status, content_type="application/json")


def hub_error(error: e.HubError) -> Response:
    if isinstance(error, e.DatabaseAway):
        # One line for each who was turned away, and none of where: it is not here.
        logger.warning("%s %s: %s (%s)", request.method, request.path, error, str(error.__cause__).partition("\n")[0])
    field, rule = (error.field, error.rule) if isinstance(error, e.Refused) else (None, None)
    response = answer(
        Problem(error_id=error.error_id, message=str(error), field=field, rule=rule),
        status_of(error),
    )
    if isinstance(error, e.TooMany | e.Unavailable):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def http_error(error: HTTPError) -> Response:
    """Answers for the framework's own errors: no such path, a body that is no JSON, a field that breaks its rule."""
    status = error.status_code
    error_id = _HTTP_ERROR_IDS.get(status, e.HubError.error_id)
    problem = Problem(error_id=error_id, message=error.message or "")
    if status == 400:
        problem = Problem(error_id=error_id, message="the body must be JSON", field="body", rule="must be JSON")
    elif status == 413:
        rule = f"must have at most {request.max_content_length} bytes"
        problem = Problem(error_id=error_id, message=f"body: {rule}", field="body", rule=rule)
    elif status == 422:
        field, rule = _first_broken_rule(error)
        problem = Problem(error_id=error_id, message=f"{field}: {rule}", field=field, rule=rule)
    response = answer(problem, status)
    if allowed := Headers(error.headers).get("Allow"):
        response.headers["Allow"] = allowed
    return response


def _first_broken_rule(error: HTTPError) -> tuple[str, str]:
    """(field, rule) of a validation error: `{location: {field: [rules]}}`."""
    for fields in (error.detail or {}).values():
        for field, rules in fields.items():
            return ("body" if field == "_schema" else field), rules[0].removeprefix("Value error, ")
    return "body", error.message or "is not valid"


def unexpected(error: Exception) -> Response:
    """A mistake of ours. The log has it; the answer does not."""
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return answer(Problem(error_id="internal", message="something went wrong here; it was written down"), 500)
