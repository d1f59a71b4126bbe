"""Links by which a customer goes on in another channel: the word that such a link carries, and where it comes back.

A channel declares the form of its links in `Capabilities.deep_link`. Some providers hand the word back by themselves,
as the reference of what led the customer here; with the others it stands in a text that the customer only has to send.
"""

from __future__ import annotations

import re
import secrets
from base64 import b32encode
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import quote

from hub.domain.messages import InboundMessage

# 160 random bits in base 32. The first ten letters find the link, the rest proves it.
_RANDOM_BYTES, _FINDS = 20, 10
_MARK = "go-"
_TOKEN = re.compile(rf"{_MARK}[A-Z2-7]{{32}}")
HANDLE, TOKEN, TEXT = "{handle}", "{token}", "{text}"
_ASKED: Mapping[str, str] = {
    "en": "I would like to go on here:",
    "es": "Quiero seguir la conversación por aquí:",
}
_IN_TEXT = re.compile(rf"(?:(?:{'|'.join(map(re.escape, _ASKED.values()))})\s*)?(?<![\w-])({_TOKEN.pattern})(?![\w-])")


class Outcome(StrEnum):
    """What came of a link that somebody followed. Only with `linked` is anything joined."""

    LINKED = "linked"
    USED = "used"
    EXPIRED = "expired"
    # Made for another inbox than the one where it came back.
    ELSEWHERE = "elsewhere"
    # None of ours, or of a conversation that is somebody else's by now.
    UNKNOWN = "unknown"


def new_token() -> str:
    """A word that nobody guesses: 35 characters of `A-Za-z0-9-`, which each provider's links take (Telegram: 64)."""
    return f"{_MARK}{b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode()}"


def is_token(reference: str) -> bool:
    """Whether a reference has the form of such a word; it may still be none of ours."""
    return _TOKEN.fullmatch(reference) is not None


def parts(token: str) -> tuple[str, str]:
    """(what finds the link, what proves it) of a token."""
    letters = token.removeprefix(_MARK)
    return letters[:_FINDS], letters[_FINDS:]


def address(form: str, handle: str, token: str, language: str) -> str:
    """A link.

    Args:
        form: the channel's `Capabilities.deep_link`; empty where it has no such links.
        handle: of the inbox's account at the provider (`AccountState.handle`); empty where it is not known.
        token: see `new_token`.
        language: of the text that the customer sends.

    Returns:
        The link; empty where there can be none.
    """
    if not form or (HANDLE in form and not handle):
        return ""
    said = f"{_ASKED.get(language, _ASKED['en'])} {token}"
    return form.replace(HANDLE, quote(handle, safe="")).replace(TOKEN, token).replace(TEXT, quote(said, safe=""))


def brought(form: str, message: InboundMessage) -> tuple[str, str]:
    """(token, text without it) of a message that came by a link of this form; an empty token where it did not."""
    if message.referral is not None and is_token(message.referral.reference):
        return message.referral.reference, message.text
    if TEXT in form and _MARK in message.text and (found := _IN_TEXT.search(message.text)):
        return found[1], f"{message.text[: found.start()]}{message.text[found.end() :]}".strip()
    return "", message.text
