"""Twilio's errors, and the numbers that always cause them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from channels.simulators.faults import Fault

# The numbers of Twilio's test credentials, here for every account.
MAGIC_TO: Mapping[str, int] = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_FROM: Mapping[str, int] = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
# Agreed here, after their pattern: messages to these are accepted and fail later with that code.
MAGIC_LATER: Mapping[str, int] = {
    f"+15005550{code - 30000:03}": code for code in (30003, 30005, 30006, 30007, 30008, 30034)
}

# code → HTTP status and text, as twilio.com/docs/api/errors has them.
_ERRORS: Mapping[int, tuple[int, str]] = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource {path} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "Service unavailable"),
    21211: (400, "Invalid 'To' Phone Number: {to}"),
    21212: (400, "Invalid From Number (caller ID): {sender}"),
    21266: (400, "'To' and 'From' number cannot be the same: {to}"),
    21408: (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number provided ({sender}) is not a valid message-capable Twilio phone number."),
    21609: (400, "The 'StatusCallback' URL {callback} is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (429, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "Message cannot be sent with the current combination of 'To' ({to}) and 'From' ({sender})"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21620: (400, "Invalid media URL(s)"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21701: (404, "The Messaging Service does not exist"),
}
# How deliveries fail: code → text of `error_message`.
CARRIER_ERRORS: Mapping[int, str] = {
    11200: "HTTP retrieval failure",
    12300: "Invalid Content-Type",
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Carrier violation",
    30008: "Unknown error",
    30034: "Message from an Unregistered Number",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Of the REST API: an HTTP status and a JSON body. `cut`: hang up instead. `hold`: seconds to wait before."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    hold: float = 0.0


class Refusal(Exception):
    """A REST call that is answered with one of Twilio's errors."""

    def __init__(self, code: int, **words: str) -> None:
        status, text = _ERRORS[code]
        super().__init__(text.format_map(words))
        self.code, self.status = code, status


def error(refusal: Refusal) -> Answer:
    """Twilio's JSON for an error."""
    return Answer(refusal.status, _error_body(refusal.status, refusal.code, str(refusal)))


def refused(fault: Fault) -> Answer:
    """The error that a fault asks for."""
    status = fault.whole("status", 500)
    usual = {401: 20003, 404: 20404, 429: 20429, 503: 20503}.get(status, 20500 if status >= 500 else 21612)
    code = fault.whole("code", usual)
    text = str(fault.details.get("message", _ERRORS.get(code, (0, "Error"))[1]))
    headers = {"Retry-After": str(fault.details["retry_after"])} if "retry_after" in fault.details else {}
    return Answer(status, _error_body(status, code, text), headers, hold=fault.seconds(0.0))


def _error_body(status: int, code: int, text: str) -> dict[str, Any]:
    return {
        "code": code,
        "message": text,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
