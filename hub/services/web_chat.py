"""The web chat's way in: which inbox and which channel a visitor's call belongs to."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlsplit

import jwt

from hub.domain.errors import BadSignature, NotFound, Unavailable
from hub.domain.inbox import Inbox
from hub.domain.visitor import Visitor
from hub.hub import Hub
from hub.ports import VisitorTokenPurpose, WebChat
from hub.store.queries.widget import CHANNEL

_LOOPBACK = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|::1")


def chat_of(hub: Hub, inbox: Inbox) -> WebChat:
    """The inbox's channel. Raises NotFound where the inbox is no web chat, Unavailable where it is switched off."""
    if inbox.channel != CHANNEL:
        raise NotFound("there is no such web chat")
    if inbox.disabled:
        raise Unavailable("this inbox is switched off", retry_after=60)
    return cast(WebChat, hub.channel_of(inbox))


def visitor_of(hub: Hub, token: str, purpose: VisitorTokenPurpose = "visitor") -> tuple[Visitor, Inbox, WebChat]:
    """Whose token this is, with their inbox and its channel. Raises BadSignature."""
    try:
        inbox = hub.inboxes.by_id(_named_inbox(token))
        chat = chat_of(hub, inbox)
    except (jwt.PyJWTError, KeyError, ValueError, RecursionError, NotFound) as error:
        raise BadSignature("the token is not genuine") from error
    return chat.read_visitor_token(token, purpose=purpose), inbox, chat


@lru_cache(maxsize=4096)
def _named_inbox(token: str) -> str:
    """The inbox that a token names; only to find out who can check it."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    inbox_id = str(claims["inbox"])
    if "\0" in inbox_id:
        raise ValueError("no identifier")
    return inbox_id


def is_own_origin(origin: str, *, public_url: str, host_url: str) -> bool:
    """Whether a page of this origin is the hub's own.

    Args:
        origin: what the browser says.
        public_url: where the hub is reached by everybody.
        host_url: where this request was sent to; counts on this machine alone, because anybody may write a host's name.
    """
    own = {_origin(public_url)}
    if _LOOPBACK.fullmatch(urlsplit(host_url).hostname or ""):
        own.add(_origin(host_url))
    return origin in own


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
