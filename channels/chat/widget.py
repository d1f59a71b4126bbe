"""Web chat: the hub's own channel. Its "provider" is the hub, its transport to the customer is the feed.

Three JSON Web Tokens (RFC 7519, HS256 only) are read here:

* the *visitor token*, ours, says which visitor of which inbox a browser is;
* the *socket token*, ours, the same for a minute, because a socket's handshake may end up in a log;
* the *identity token*, made by the shop with the inbox's identity secret, says who is signed in there.

The audience keeps them apart: a token is good for nothing but what it was made for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import jwt

from hub.domain.errors import BadSignature, ChannelError, Refused
from hub.domain.inbox import AccountState
from hub.domain.messages import (
    Address,
    Attachment,
    Delivery,
    InboundMessage,
    OutboundMessage,
    Parsed,
    Receipt,
    WebhookRequest,
)
from hub.domain.visitor import SignedIdentity, Visitor
from hub.ports import Capabilities, ChannelParts, Clock, VisitorTokenPurpose

CHANNEL = "webchat"
IDENTITY_AUDIENCE = "centralita"
VISITOR_LIFETIME = 30 * 24 * 3600
SOCKET_LIFETIME = 60
IDENTITY_LIFETIME = 24 * 3600
LEEWAY = 30
TEXT_LIMIT = 10_000
ATTACHMENTS_PER_MESSAGE = 5
ATTACHMENT_LIMIT = 10 * 1024 * 1024
MEDIA_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain")

_ALGORITHM = "HS256"
_SECRET_LENGTH = 32  # RFC 7518 §3.2: an HS256 key is at least as long as the hash
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_BODY_FIELDS = {"client_id", "text", "attachments", "payload", "reply_to"}

_LIFETIMES: Mapping[VisitorTokenPurpose, int] = {"visitor": VISITOR_LIFETIME, "socket": SOCKET_LIFETIME}


def issue_visitor_token(visitor: Visitor, *, secret: bytes, now: int, purpose: VisitorTokenPurpose = "visitor") -> str:
    """A token that `read_visitor_token` accepts.

    Args:
        visitor: who it is about.
        secret: the hub's secret, at least 32 bytes.
        now: microseconds since 1970-01-01 UTC.
        purpose: `visitor` lasts 30 days, `socket` one minute.
    """
    seconds = now // 1_000_000
    claims = {
        "aud": f"centralita:{purpose}",
        "iat": seconds,
        "exp": seconds + _LIFETIMES[purpose],
        "sub": visitor.visitor_id,
        "inbox": visitor.inbox_id,
        "language": visitor.language,
        "name": visitor.display_name,
        "evidence": [list(each) for each in visitor.evidence],
    }
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def read_visitor_token(
    token: str, *, secret: bytes, now: int | None, purpose: VisitorTokenPurpose = "visitor"
) -> Visitor:
    """The visitor of one of our tokens.

    Args:
        token: as `issue_visitor_token` made it.
        secret: the hub's secret.
        now: microseconds since 1970-01-01 UTC; None leaves the expiry to a caller who has checked it already.
        purpose: what the token must have been made for.

    Raises:
        BadSignature: not ours, changed, expired or made for something else.
    """
    claims = _claims(token, secret, f"centralita:{purpose}", now)
    evidence = claims.get("evidence", [])
    if not isinstance(evidence, list) or not all(
        isinstance(each, list) and len(each) == 3 and all(isinstance(part, str) for part in each) for each in evidence
    ):
        raise BadSignature("the token's evidence is malformed")
    visitor_id, inbox_id, language = _text(claims, "sub"), _text(claims, "inbox"), _text(claims, "language")
    if not _IDENTIFIER.fullmatch(visitor_id) or not _IDENTIFIER.fullmatch(inbox_id):
        raise BadSignature("the token names no visitor")
    if not _LANGUAGE.fullmatch(language):
        raise BadSignature("the token's language is malformed")
    return Visitor(
        visitor_id=visitor_id,
        inbox_id=inbox_id,
        language=language,
        display_name=_text(claims, "name"),
        evidence=tuple((each[0], each[1], each[2]) for each in evidence),
    )


def read_identity_token(token: str, *, secret: bytes, now: int) -> SignedIdentity:
    """What a shop's token says about its customer.

    The shop signs with HS256 and the inbox's identity secret. Claims: `aud` "centralita", `sub` (its customer id),
    `exp` (at most 24 hours ahead) and, where it knows them, `email`, `name`, `phone` (E.164).

    Args:
        token: the compact form (RFC 7515 §3.1).
        secret: the inbox's identity secret, at least 32 bytes.
        now: microseconds since 1970-01-01 UTC.

    Raises:
        BadSignature: not signed with this secret and HS256, changed, expired, for another audience, or a claim that
            breaks its rule: half a proof is none.
    """
    claims = _claims(token, secret, IDENTITY_AUDIENCE, now)
    if claims["exp"] > now // 1_000_000 + IDENTITY_LIFETIME + LEEWAY:
        raise BadSignature("the identity token's exp must be at most 24 hours ahead")
    subject, email, phone, name = (_text(claims, each).strip() for each in ("sub", "email", "phone", "name"))
    phone = re.sub(r"[\s().-]", "", phone)
    if not 1 <= len(subject) <= 200:
        raise BadSignature("the identity token's sub must have 1 to 200 characters")
    if email and (len(email) > 254 or not _EMAIL.fullmatch(email)):
        raise BadSignature("the identity token's email is not an address")
    if phone and not _PHONE.fullmatch(phone):
        raise BadSignature("the identity token's phone must be E.164, such as +34600123456")
    if len(name) > 120:
        raise BadSignature("the identity token's name must have at most 120 characters")
    return SignedIdentity(subject=subject, email=email.lower(), phone=phone, name=name)


def canonical_origin(origin: str) -> str | None:
    """`scheme://host:port` with the port always there, or None for what is no web origin (RFC 6454 §7).

    `null`, which a sandboxed frame or a local file sends, is none: it would let in everybody who has no origin.
    """
    if not origin.isascii() or any(each <= " " for each in origin):
        return None
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or origin.count("@"):
        return None
    if origin.lower() != f"{parts.scheme}://{parts.netloc}".lower() or parts.netloc.endswith(":") or port == 0:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port or _DEFAULT_PORTS[parts.scheme]}"


def channel(parts: ChannelParts) -> WidgetChannel:
    """The web chat of an inbox. Its settings name the `origins` that may embed it, its secrets an `identity_secret`."""
    identity_secret = parts.secrets.get("identity_secret")
    return WidgetChannel(
        parts.inbox.id,
        parts.derive("web chat visitors"),
        identity_secret.encode() if identity_secret else None,
        tuple(parts.inbox.settings.get("origins", ())),
        parts.clock,
    )


class WidgetChannel:
    """The web chat of one inbox.

    Args:
        inbox_id: whose visitors these are.
        secret: the hub's secret that visitor tokens are signed with, at least 32 bytes.
        identity_secret: what the shop signs identity tokens with, at least 32 bytes; None where it signs nobody in.
        allowed_origins: the pages that may embed the chat, as `https://shop.example` (port only where not the default).
        clock: for expiry.

    Raises:
        Refused: a secret that is too short or an origin that is none.
    """

    capabilities = Capabilities(
        channel=CHANNEL,
        text_limit=TEXT_LIMIT,
        buttons=10,
        attachments=True,
        attachment_limit=ATTACHMENT_LIMIT,
        media_types=MEDIA_TYPES,
        idempotent_send=True,
        changeable=False,
        typed_choices=False,
    )

    def __init__(
        self,
        inbox_id: str,
        secret: bytes,
        identity_secret: bytes | None,
        allowed_origins: tuple[str, ...],
        clock: Clock,
    ) -> None:
        if len(secret) < _SECRET_LENGTH:
            raise Refused("secret", "must have at least 32 bytes")
        if identity_secret is not None and len(identity_secret) < _SECRET_LENGTH:
            raise Refused("identity_secret", "must have at least 32 bytes")
        origins = {each: canonical_origin(each) for each in allowed_origins}
        for written, canonical in origins.items():
            if canonical is None:
                raise Refused("allowed_origins", f"{written!r} is no origin; write it as https://shop.example")
        self.inbox_id = inbox_id
        self._secret = secret
        self._identity_secret = identity_secret
        self._origins = frozenset(origins.values())
        self._clock = clock

    def account(self) -> AccountState:
        """There is no provider: what can be wrong is that no page may show the chat."""
        return AccountState(
            " ".join(sorted(filter(None, self._origins))), problems=() if self._origins else (("no_origins", ""),)
        )

    def verify(self, request: WebhookRequest) -> None:
        self.read_visitor_token(_bearer(request))

    def parse_inbound(self, request: WebhookRequest) -> Parsed:
        """One message (the body is `WidgetMessageIn`).

        Attachment ids, `payload` and `reply_to` are checked for their form and left to the hub, which alone knows the
        files and the buttons that it had offered.
        """
        visitor = read_visitor_token(_bearer(request), secret=self._secret, now=None)
        body = _body(request.body)
        message = InboundMessage(
            external_id=f"{visitor.visitor_id}:{body['client_id']}",
            address=Address(CHANNEL, visitor.visitor_id, visitor.inbox_id, visitor.display_name),
            text=body["text"],
            language=visitor.language,
            evidence=visitor.evidence,
            attachments=tuple(Attachment(each, "", "", 0) for each in body.get("attachments", [])),
            payload=body.get("payload") or "",
            reply_to=body.get("reply_to") or "",
        )
        return Parsed(events=(message,))

    def send(self, message: OutboundMessage) -> Receipt:
        """Says `sent`: the message has been in the feed, which the customer reads, since it was written."""
        if message.address.channel != CHANNEL or message.address.scope != self.inbox_id:
            raise ChannelError("wrong_inbox", "the address belongs to another inbox", permanent=True)
        if len(message.text) > self.capabilities.text_limit:
            raise ChannelError("too_long", f"more than {self.capabilities.text_limit} characters", permanent=True)
        return Receipt(provider_id=message.message_id, state=Delivery.SENT)

    def allows_origin(self, origin: str) -> bool:
        """Whether a page of this origin may embed the chat: scheme, host and port exactly."""
        return canonical_origin(origin) in self._origins

    def issue_visitor_token(self, visitor: Visitor, *, purpose: VisitorTokenPurpose = "visitor") -> str:
        """`issue_visitor_token` with this inbox's secret, now."""
        return issue_visitor_token(visitor, secret=self._secret, now=self._clock.now(), purpose=purpose)

    def read_visitor_token(self, token: str, *, purpose: VisitorTokenPurpose = "visitor") -> Visitor:
        """`read_visitor_token`, now, for visitors of this inbox alone. Raises BadSignature."""
        visitor = read_visitor_token(token, secret=self._secret, now=self._clock.now(), purpose=purpose)
        if visitor.inbox_id != self.inbox_id:
            raise BadSignature("the token belongs to another inbox")
        return visitor

    def read_identity_token(self, token: str) -> SignedIdentity:
        """`read_identity_token` with this inbox's identity secret, now. Raises BadSignature; also where it has none."""
        if self._identity_secret is None:
            raise BadSignature("this inbox takes no signed identities")
        return read_identity_token(token, secret=self._identity_secret, now=self._clock.now())


def _claims(token: str, secret: bytes, audience: str, now: int | None) -> Mapping[str, Any]:
    """The claims of a genuine token. Time is checked here, because PyJWT can only ask the machine's own clock."""
    claims = _genuine(token, secret, audience)
    expiry, not_before = claims["exp"], claims.get("nbf", 0)
    if not _is_time(expiry) or not _is_time(not_before):
        raise BadSignature("the token's times must be whole seconds")
    if now is not None:
        seconds = now // 1_000_000
        if expiry + LEEWAY <= seconds:
            raise BadSignature("the token has expired")
        if not_before - LEEWAY > seconds:
            raise BadSignature("the token is not valid yet")
    return claims


# A visitor sends the same token with every call, and each is checked more than once on its way in.
@lru_cache(maxsize=4096)
def _genuine(token: str, secret: bytes, audience: str) -> Mapping[str, Any]:
    """The claims of a token that was signed with this secret for this audience, whatever the time."""
    try:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            audience=audience,
            options={
                "require": ["aud", "exp", "sub"],
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise BadSignature("the token is not genuine") from error
    return MappingProxyType(claims)


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str) or not _storable(value):
        raise BadSignature(f"the token's {name} must be text")
    return value


def _bearer(request: WebhookRequest) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise BadSignature("a bearer token is missing")
    return token.strip()


def _body(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Refused("body", "must be JSON") from error
    if not isinstance(body, dict):
        raise Refused("body", "must be a JSON object")
    for name in body.keys() - _BODY_FIELDS:
        raise Refused(name if name and _storable(name) else "body", "is not known")
    _identifier(body.get("client_id"), "client_id")
    text = body.get("text")
    if not isinstance(text, str) or len(text) > TEXT_LIMIT:
        raise Refused("text", f"must be text of at most {TEXT_LIMIT} characters")
    if not _storable(text):
        raise Refused("text", "must not contain NUL or half a surrogate pair")
    attachments = body.get("attachments", [])
    if not isinstance(attachments, list) or len(attachments) > ATTACHMENTS_PER_MESSAGE:
        raise Refused("attachments", f"must be a list of at most {ATTACHMENTS_PER_MESSAGE} ids")
    for each in attachments:
        _identifier(each, "attachments")
    if not text.strip() and not attachments:
        raise Refused("text", "must not be empty unless there are attachments")
    payload, reply_to = body.get("payload"), body.get("reply_to")
    if payload is not None and (not isinstance(payload, str) or len(payload) > 500 or not _storable(payload)):
        raise Refused("payload", "must be text of at most 500 characters")
    if reply_to is not None:
        _identifier(reply_to, "reply_to")
    if (payload is None) != (reply_to is None):
        raise Refused("reply_to", "goes together with payload")
    return body


def _identifier(value: object, field: str) -> None:
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise Refused(field, "must be 1 to 64 letters, digits, '_' or '-'")


def _storable(text: str) -> bool:
    """PostgreSQL takes no NUL, UTF-8 no half of a surrogate pair; JSON can write both."""
    return "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text)
