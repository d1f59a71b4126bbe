"""Files that people upload: judged by what they hold, kept in the file store, read through signed addresses."""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

import puremagic
from ulid import ULID

from hub.domain.errors import BadSignature, Refused, TooLarge
from hub.domain.messages import Address, Attachment
from hub.hub import Hub
from hub.ports import Clock
from hub.store import tables as t
from hub.store.unit_of_work import Tx

FIELD = "file"
NAME_LENGTH = 120
TEXT = "text/plain"
# The name's ending decides what a customer's computer does with a download: it has to fit the content.
_ENDINGS = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "application/pdf": (".pdf",),
    TEXT: (".txt", ".csv", ".log", ".md", ".json"),
}
# Types that we can tell by the content; whatever else it is, it is bytes.
KNOWN_TYPES = tuple(_ENDINGS)
_UNSAFE_IN_NAMES = re.compile(r'[<>:"|?*]')
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_DAY = 24 * 3600


def agent_owner(agent_id: str) -> str:
    """The owner of an agent's uploads."""
    return f"agent:{agent_id}"


def customer_owner(address: Address) -> str:
    """The owner of a customer's uploads."""
    return f"{address.channel}:{address.scope}:{address.value}"


def store(hub: Hub, *, owner: str, name: str, content: bytes, limit: int, media_types: Collection[str]) -> Attachment:
    """Keeps an uploaded file until a message takes it.

    Args:
        owner: who may send it: `agent_owner` or `customer_owner`.
        name: as the sender calls it; cleaned here.
        limit: the most bytes.
        media_types: what may be sent; the content decides, not what the sender says of it.

    Raises:
        Refused: the file is empty or of a type that is not taken.
        TooLarge: it has more than `limit` bytes.
        Unavailable: the file store does not answer.
    """
    if not content:
        raise Refused(FIELD, "must not be empty")
    if len(content) > limit:
        raise too_large(limit)
    media_type = sniff(content, media_types)
    if media_type is None:
        raise Refused(FIELD, f"must be one of {', '.join(media_types)}")
    attachment = Attachment(str(ULID()), clean_name(name, media_type), media_type, len(content))
    digest = sha256(content).hexdigest()
    # Bytes first: a row never promises a file that is not there. What a crash leaves behind is bytes without a row.
    hub.files.put(key(attachment.attachment_id), content)
    hub.store.write(lambda tx: register(tx, attachment, owner=owner, digest=digest))
    return attachment


def register(tx: Tx, attachment: Attachment, *, owner: str, digest: str, message_id: str = "") -> None:
    """Writes down a stored file. `digest` is the SHA-256 of its bytes in hexadecimal; `message_id` has it already."""
    tx.add(
        t.attachment,
        {
            "id": attachment.attachment_id,
            "name": attachment.name,
            "media_type": attachment.media_type,
            "size": attachment.size,
            "sha256": digest,
            "owner": owner,
            "message_id": message_id,
            "created_at": tx.now,
        },
    )


def key(attachment_id: str) -> str:
    """Where an attachment's bytes are in the file store."""
    return f"attachments/{attachment_id}"


def too_large(limit: int) -> TooLarge:
    return TooLarge(FIELD, f"must have at most {limit} bytes")


def sniff(content: bytes, media_types: Collection[str]) -> str | None:
    """The type of a file by its content, where it is one of `media_types`; else None.

    What reads as text is text: served as such it can do no harm, whatever language it is written in.
    """
    try:
        found = puremagic.from_string(content, mime=True)
    except puremagic.PureError:
        found = ""
    if found in media_types:
        return found
    if TEXT in media_types and _is_text(content):
        return TEXT
    return None


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _NOT_IN_TEXT.search(content) is None


def clean_name(name: str, media_type: str) -> str:
    """A file name that is safe to show and to save: no folders, no control or direction signs, a fitting ending."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    printable = "".join(each for each in last if unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    cleaned = _UNSAFE_IN_NAMES.sub("_", printable).strip(" .") or "file"
    endings = _ENDINGS.get(media_type, ())
    stem, dot, last_part = cleaned.rpartition(".")
    ending = dot + last_part
    if endings and ending.lower() not in endings:
        stem, ending = cleaned, endings[0]
    return (stem[: NAME_LENGTH - len(ending)].rstrip(" .") or "file") + ending


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses under which an attachment can be opened without signing in, until they expire."""

    secret: bytes
    clock: Clock

    def url(self, attachment_id: str) -> str:
        """Path and query, good for one to two days: the same all day long, so that browsers can keep the file."""
        expiry = (self._seconds() // _DAY + 2) * _DAY
        return f"/api/v1/attachments/{attachment_id}?signature={expiry}.{self._sign(attachment_id, expiry)}"

    def check(self, attachment_id: str, signature: str) -> None:
        """Raises BadSignature unless `url` gave this signature for this attachment and it has not expired."""
        expiry, _, given = signature.partition(".")
        if not (expiry.isascii() and expiry.isdigit() and len(expiry) <= 12 and given.isascii()):
            raise BadSignature("the address is malformed")
        if not hmac.compare_digest(given, self._sign(attachment_id, int(expiry))):
            raise BadSignature("the address is not genuine")
        if int(expiry) <= self._seconds():
            raise BadSignature("the address has expired")

    def _seconds(self) -> int:
        return self.clock.now() // 1_000_000

    def _sign(self, attachment_id: str, expiry: int) -> str:
        return hmac.new(self.secret, f"{attachment_id}.{expiry}".encode(), sha256).hexdigest()


def links(hub: Hub) -> Links:
    """The installation's signer of attachment addresses."""
    return Links(hub.box.derive("attachment urls"), hub.clock)
