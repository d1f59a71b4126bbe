"""An account at Twilio, its numbers, and what can be said of any number."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import phonenumbers

_E164 = re.compile(r"\+[1-9][0-9]{5,14}")

OptOut = Literal["default", "advanced", "off"]


@dataclass(frozen=True, slots=True)
class Account:
    """The account that the hub signs in with. A `shared_key` is (id, secret) of the newer signatures."""

    sid: str
    token: str = field(repr=False)
    shared_key: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the firm, and how its texts are handed to the hub.

    `webhook_url` may end in Twilio's connection overrides, `#rc=3&rp=5xx,ct`. `opt_out`: `default` answers and blocks
    by itself, `advanced` also says so to the webhook, `off` leaves everything to the hub. `signing` is `token`
    (HMAC-SHA1 with the account's token) or `shared_key` (HMAC-SHA256), `body_format` is `form` or `json`.
    """

    number: str
    webhook_url: str
    messaging_service_sid: str = ""
    opt_out: OptOut = "default"
    signing: Literal["token", "shared_key"] = "token"
    body_format: Literal["form", "json"] = "form"

    @property
    def sender(self) -> str:
        """What a customer blocks: a number of a messaging service stands for the whole service."""
        return self.messaging_service_sid or self.number


@lru_cache(maxsize=4096)
def is_number(text: str) -> bool:
    """Whether the text is a number in E.164 form that can exist; Mexico's old 1 makes one of a digit more."""
    if not _E164.fullmatch(text):
        return False
    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:  # no such country
        return False
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    return reason in (phonenumbers.ValidationResult.IS_POSSIBLE, phonenumbers.ValidationResult.TOO_LONG)


@lru_cache(maxsize=4096)
def country(number: str) -> str:
    """ISO 3166 code of a number's country; empty where it has none."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or "" if is_number(number) else ""


@lru_cache(maxsize=4096)
def display(number: str) -> str:
    """A number as people read it: `+34 611 22 33 44`."""
    return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
