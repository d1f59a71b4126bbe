"""Raw mails as values.

`parse_mail` reads what the standard library's parser can take and repairs what it cannot; each repair is a sentence in
`Mail.notes`. What is no mail at all comes back as `Unparsed`, with its bytes: a mail is never lost, never an exception.
"""

from __future__ import annotations

import binascii
import hashlib
import mimetypes
import quopri
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from html import escape

from channels.email import headers as fields
from channels.email.charsets import codec_of, decode
from channels.email.headers import MailAddress, Parameters
from channels.email.html import text_of
from channels.email.opaque import signed_content
from channels.email.tnef import SIGNATURE as TNEF_SIGNATURE
from channels.email.tnef import read_tnef


@dataclass(frozen=True, slots=True)
class Limits:
    """What one mail may cost. Sizes are in bytes, `text` in characters; what exceeds a limit is cut, with a note.

    Only `size` refuses: a larger mail is `Unparsed`. `work` bounds lines times multiparts, which is what the standard
    library's parser takes time for.
    """

    size: int = 36 * 1024 * 1024  # 25 MB of files, in base64
    parts: int = 5_000
    depth: int = 50
    header_block: int = 2 * 1024 * 1024
    header_value: int = 65_536
    header_fields: int = 1_000
    recipients: int = 10_000
    references: int = 1_000
    lines: int = 1_500_000
    work: int = 40_000_000
    text: int = 5_000_000
    notes: int = 60


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class MailPart:
    """A file of a mail. `name` is safe to show and to save under; `content_id` is without brackets.

    `kind` says what it is for besides its media type: `calendar`, `message` (a forwarded mail), `report` (a delivery
    status, a feedback report, the header of the mail reported on), `smime`, `pgp`, `tnef` (a winmail.dat that could not
    be unpacked), `leftover` (text outside of all parts), or empty.
    """

    name: str
    media_type: str
    content: bytes = field(repr=False)
    content_id: str = ""
    inline: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, read.

    Ids are without brackets. `message_id` is made from the raw bytes where the mail has none (`synthetic_id`), so that
    the same mail read twice is the same. `message_ids` has further ones that replies may name: a doubled header, one
    that a gateway replaced. `text` is empty where there is only `html` and the reverse; `body_text()` is text in
    either case. `html` is as it came: clean it before showing it. `content_ids` lead from Content-ID and
    Content-Location to the index in `parts`. `headers` has lower-case names and readable values. `protection` holds
    `smime-signed`, `smime-encrypted`, `pgp-signed`, `pgp-encrypted`. `notes` says what was repaired or cut.
    """

    message_id: str
    synthetic_id: bool
    message_ids: tuple[str, ...]
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    thread_index: str
    thread_topic: str
    date: datetime | None
    from_: tuple[MailAddress, ...]
    sender: MailAddress | None
    reply_to: tuple[MailAddress, ...]
    to: tuple[MailAddress, ...]
    cc: tuple[MailAddress, ...]
    delivered_to: tuple[MailAddress, ...]
    subject: str
    text: str
    html: str
    parts: tuple[MailPart, ...]
    content_ids: Mapping[str, int]
    calendar: tuple[str, ...]
    protection: tuple[str, ...]
    media_type: str
    headers: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]
    raw: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """The first header of that name (lower case), or empty."""
        values = self.headers.get(name)
        return values[0] if values else ""

    def body_text(self) -> str:
        """The body as plain text, quotes and all."""
        return self.text or text_of(self.html)

    @property
    def author(self) -> MailAddress | None:
        """Who wrote it: the first `From`, else `Sender`, else `Reply-To`; None for a mail that names nobody."""
        for candidates in (self.from_, (self.sender,) if self.sender else (), self.reply_to):
            for candidate in candidates:
                if "@" in candidate.address:
                    return candidate
        return self.from_[0] if self.from_ else None


@dataclass(frozen=True, slots=True)
class Unparsed:
    """Bytes that could not be read as a mail, and why. They are shown as they are."""

    reason: str
    raw: bytes = field(repr=False)


def parse_mail(raw: bytes, limits: Limits = LIMITS) -> Mail | Unparsed:
    """Reads one mail (RFC 5322 with MIME, RFC 2045 to 2049). Never raises."""
    if not raw.strip(b"\0\r\n\t "):
        return Unparsed("empty", raw)
    if len(raw) > limits.size:
        return Unparsed(f"larger than {limits.size} bytes", raw)
    try:
        return _parse(raw, limits, plainly=False)
    except Exception as error:  # whatever a parser of others does on bytes of others: the mail must be seen
        first = type(error).__name__
    try:
        return _parse(raw, limits, plainly=True)
    except Exception as error:
        return Unparsed(f"cannot be read ({first}, {type(error).__name__})", raw)


class _Notes:
    """Notes without repeats, bounded."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._notes: dict[str, None] = {}

    def add(self, note: str) -> None:
        if note and len(self._notes) < self._limit:
            self._notes[note] = None

    def all(self) -> tuple[str, ...]:
        return tuple(self._notes)


# ---------------------------------------------------------------- the header block

_HEADER_END = re.compile(rb"\r\n\r\n|\n\r?\n|\r\r(?!\n)")
_CLEAN_BLOCK = re.compile(rb"(?:(?:[\x21-\x39\x3b-\x7e]+:|[ \t])[^\r\n\x00]*(?:\r\n|\n|\Z))*\Z")
_FIELD = re.compile(rb"[\x21-\x39\x3b-\x7e]{1,200}:")
_SPACED_FIELD = re.compile(rb"([\x21-\x39\x3b-\x7e]{1,200})[ \t]+:")
_KNOWN_FIELD = re.compile(
    rb"^(?:return-path|received|from|to|cc|bcc|sender|reply-to|subject|date|message-id|in-reply-to|references|"
    rb"mime-version|content-[a-z-]{1,30}|delivered-to|x-[a-z0-9-]{1,60}|dkim-signature|list-[a-z]{1,20}|"
    rb"auto-submitted|thread-[a-z]{1,10}|user-agent|importance|authentication-results|errors-to|envelope-to)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)


_ESSENTIAL_FIELD = re.compile(rb"^(?:from|to|subject|date)[ \t]*:", re.IGNORECASE | re.MULTILINE)


def _prepared(raw: bytes, limits: Limits, notes: _Notes) -> bytes:
    """`raw` with a header block that the standard library reads to its end."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raw = raw.decode("utf-16", "replace").encode()
        notes.add("the whole mail is UTF-16")
    start = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n\0")
    if start != raw and not raw.startswith(b"\n"):
        notes.add("bytes before the first header")
    raw = start
    if re.match(rb"[ \t]+[\x21-\x39\x3b-\x7e]+:", raw):
        notes.add("the first header is indented")
        raw = raw.lstrip(b" \t")
    end = _HEADER_END.search(raw)
    block, rest = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    if not _ESSENTIAL_FIELD.search(block) and b"message/" not in block:
        block, rest = _with_more_headers(block, rest, notes)
    if len(block) > limits.header_block:
        cut_at = block.rfind(b"\n", 0, limits.header_block)
        block = block[: cut_at if cut_at > 0 else limits.header_block]
        notes.add(f"headers are cut after {limits.header_block} bytes")
    if not _CLEAN_BLOCK.match(block):
        block, moved = _repaired(block, notes)
        rest = moved + (b"\n\n" if moved and end else b"") + rest
    newline = b"\r\n" if end and end.group().startswith(b"\r\n") else b"\n"
    return block.rstrip(b"\r\n") + newline * 2 + rest


def _with_more_headers(block: bytes, rest: bytes, notes: _Notes) -> tuple[bytes, bytes]:
    """Puts the headers below to a block with none that a person's mail has: the empty line comes too early."""
    below = rest.lstrip(b"\r\n\t ")
    end = _HEADER_END.search(below)
    if end is None or not _KNOWN_FIELD.match(below[:500]) or not _ESSENTIAL_FIELD.search(below[: end.start()]):
        return block, rest
    notes.add("an empty line among the headers")
    return block.rstrip(b"\r\n\t ") + b"\n" + below[: end.start()], below[end.end() :]


def _repaired(block: bytes, notes: _Notes) -> tuple[bytes, bytes]:
    """A header block whose lines are all fields or their continuations, and what of it belongs to the body."""
    if b"\0" in block:
        notes.add("NUL bytes in the header")
        block = block.replace(b"\0", b"")
    if re.search(rb"\r(?!\n)", block):
        notes.add("bare CR in the header")
    lines = re.split(rb"\r\n|\n|\r", block)
    last_known = max((index for index, line in enumerate(lines) if _KNOWN_FIELD.match(line)), default=-1)
    kept: list[bytes] = []
    for index, line in enumerate(lines):
        spaced = _SPACED_FIELD.match(line)
        if _FIELD.match(line):
            kept.append(line)
        elif line[:1] in (b" ", b"\t"):
            if kept:
                kept.append(line)
        elif spaced and (index <= last_known or index == 0):
            kept.append(spaced.group(1) + b":" + line[spaced.end() :])
            notes.add("space before the colon of a header")
        elif re.match(rb">?From ", line) and index <= last_known:
            if index:
                notes.add("a mailbox's From line among the headers")
        elif index > last_known:
            notes.add("no empty line between header and body")
            return b"\n".join(kept), b"\n".join(lines[index:])
        elif line.strip() and kept:
            kept.append(b" " + line)
            notes.add("a header continues without being indented")
    return b"\n".join(kept), b""


# ---------------------------------------------------------------- the whole

_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-rcpt-to")
_ORIGINAL_IDS = ("x-microsoft-original-message-id", "x-google-original-message-id", "x-original-message-id")
_SINGLE = ("from", "sender", "reply-to", "subject", "date", "message-id", "in-reply-to", "references", "content-type")
_LONG = frozenset(("to", "cc", "bcc", "from", "reply-to", "references", "in-reply-to"))


def _is_too_much_work(raw: bytes, limits: Limits) -> bool:
    """Whether the standard library's parser would take too long: its time is lines times multiparts."""
    lines = raw.count(b"\n") + raw.count(b"\r")
    multiparts = len(re.findall(rb"multipart/|message/", raw, re.IGNORECASE))
    return lines > limits.lines or lines * multiparts > limits.work


def _parse(raw: bytes, limits: Limits, *, plainly: bool) -> Mail | Unparsed:
    notes = _Notes(limits.notes)
    prepared = _prepared(raw, limits, notes)
    separators = prepared.count(b"\n--")
    if separators > 2 * limits.parts + 100:
        # Cut before the standard library makes a part of each; its time grows with them.
        prepared = b"\n--".join(prepared.split(b"\n--", 2 * limits.parts + 100)[:-1])
        notes.add(f"more than {limits.parts} parts: the others are in the raw source")
    plainly = plainly or _is_too_much_work(prepared, limits)
    if plainly:
        notes.add("parts could not be told apart: the body is shown as it came")
        head, _, body = prepared.partition(b"\r\n\r\n" if b"\r\n\r\n" in prepared[: limits.header_block] else b"\n\n")
        message = message_from_bytes(head + b"\n\n", policy=compat32)
        collector = _Collector(limits, notes)
        collector.leftover(body)
    else:
        message = message_from_bytes(prepared, policy=compat32)
        collector = _Collector(limits, notes)
    values = _header_values(message, limits, notes)
    if not any(_KNOWN_FIELD.match(name.encode("utf-8", "replace") + b":") for name in values):
        return Unparsed("no header of a mail", raw)
    content_type = fields.parameters(values.get("content-type", [""])[0])
    charset = content_type.parameters.get("charset", "")
    if not plainly:
        collector.visit(message, 0)
        collector.finish()

    def people(*names: str) -> tuple[MailAddress, ...]:
        """All mailboxes of these headers; who has no address (`MAILER-DAEMON`) is there by name."""
        joined = ", ".join(value for name in names for value in values.get(name, []))
        found, more = fields.addresses(joined, limits.recipients, charset)
        if more:
            notes.add(f"{names[0]} has more than {limits.recipients} addresses")
        if not found and names[0] in ("from", "sender"):
            name = fields.readable(joined[:500], charset).strip(" ,<>")
            return (MailAddress("", name),) if name else ()
        return found

    own_ids = fields.message_ids(" ".join(values.get("message-id", [])), limits.references)
    extra_ids = tuple(
        one for name in _ORIGINAL_IDS for value in values.get(name, []) for one in fields.message_ids(value, 10)
    )
    ids = tuple(dict.fromkeys(own_ids + extra_ids))
    synthetic = not own_ids
    if synthetic:
        notes.add("no Message-ID")
        ids = (f"{hashlib.sha256(raw).hexdigest()[:40]}@no-message-id.invalid", *ids)
    moment, date_note = fields.date(values.get("date", [""])[0])
    notes.add(date_note or ("" if values.get("date") else "no Date"))
    if not values.get("from"):
        notes.add("no From")
    sender = people("sender")
    text, html = collector.bodies()
    return Mail(
        message_id=ids[0],
        synthetic_id=synthetic,
        message_ids=ids,
        in_reply_to=fields.message_ids(" ".join(values.get("in-reply-to", [])), limits.references),
        references=fields.message_ids(" ".join(values.get("references", [])), limits.references),
        thread_index=re.sub(r"\s+", "", values.get("thread-index", [""])[0])[:2_000],
        thread_topic=fields.readable(values.get("thread-topic", [""])[0], charset)[:998],
        date=moment,
        from_=people("from"),
        sender=sender[0] if sender else None,
        reply_to=people("reply-to"),
        to=people("to"),
        cc=people("cc"),
        delivered_to=people(*_DELIVERED),
        subject=re.sub(r"\s+", " ", fields.readable(values.get("subject", [""])[0], charset))[:2_000],
        text=text,
        html=html,
        parts=tuple(collector.parts),
        content_ids=collector.content_ids,
        calendar=tuple(collector.calendar),
        protection=tuple(dict.fromkeys(collector.protection)),
        media_type=content_type.value,
        headers={
            name: tuple(fields.readable(value, charset)[:8_192] for value in found[:100])
            for name, found in values.items()
        },
        notes=notes.all(),
        raw=raw,
    )


def _header_values(message: Message, limits: Limits, notes: _Notes) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for count, (name, value) in enumerate(message.raw_items()):
        if count >= limits.header_fields:
            notes.add(f"more than {limits.header_fields} headers")
            break
        key = str(name).lower()
        text = str(value)
        allowed = limits.header_block if key in _LONG else limits.header_value
        if len(text) > allowed:
            notes.add(f"header {key[:40]} is cut after {allowed} characters")
            text = text[:allowed]
        values.setdefault(key, []).append(text)
    for name in _SINGLE:
        if len(values.get(name, ())) > 1:
            notes.add(f"header {name} is there {len(values[name])} times")
            if name == "content-type":
                # A gateway that adds a second one leaves the real one with its boundary.
                values[name].sort(key=lambda text: "boundary" not in text.lower())
            else:
                values[name].sort(key=lambda text: not text.strip())
    return values


# ---------------------------------------------------------------- the parts

_DEFECTS = {
    "NoBoundaryInMultipartDefect": "multipart without a boundary",
    "StartBoundaryNotFoundDefect": "the boundary never appears",
    "CloseBoundaryNotFoundDefect": "a multipart is not closed",
    "FirstHeaderLineIsContinuationDefect": "a part begins with a continued header",
    "MisplacedEnvelopeHeaderDefect": "a mailbox's From line among the headers",
    "MissingHeaderBodySeparatorDefect": "no empty line between header and body",
    "MultipartInvariantViolationDefect": "a multipart without parts",
    "InvalidMultipartContentTransferEncodingDefect": "a multipart with an encoding of its own",
}
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,100}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")
_BOUNDARY_LINE = re.compile(rb"^--([^\r\n]{1,200}?)[ \t]*\r?\n(?=[!-9;-~]{1,60}:)", re.MULTILINE)
_MIME_PREAMBLE = re.compile(r"multi-?part message|MIME|mime", re.IGNORECASE)
_PGP_ARMOUR = re.compile(r"^-----BEGIN PGP (SIGNED )?MESSAGE-----", re.MULTILINE)
_UU_BEGIN = re.compile(r"^begin [0-7]{3,4} (\S.{0,200})$")
_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "text/plain": ".txt",
    "text/html": ".html",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "message/delivery-status": ".txt",
    "text/rfc822-headers": ".txt",
}
_REPORTS = {
    "message/delivery-status",
    "message/disposition-notification",
    "message/feedback-report",
    "message/global-delivery-status",
    "message/global-disposition-notification",
    "message/global-headers",
    "text/rfc822-headers",
}
_PROTECTED = {
    "application/pkcs7-mime": "smime",
    "application/x-pkcs7-mime": "smime",
    "application/pkcs7-signature": "smime",
    "application/x-pkcs7-signature": "smime",
    "application/pgp-encrypted": "pgp",
    "application/pgp-signature": "pgp",
    "application/pgp-keys": "pgp",
    "application/pgp": "pgp",
}


@dataclass(slots=True)
class _Piece:
    """A stretch of the body: as text, as HTML, or the same as both."""

    text: str = ""
    html: str = ""


class _Collector:
    """Walks the parts of one mail and keeps body, files and what they say of the mail."""

    def __init__(self, limits: Limits, notes: _Notes) -> None:
        self.parts: list[MailPart] = []
        self.content_ids: dict[str, int] = {}
        self.calendar: list[str] = []
        self.protection: list[str] = []
        self._limits = limits
        self._notes = notes
        self._pieces: list[_Piece] = []
        self._count = 0
        self._characters = 0
        self._guesses = 0
        self._openings = 0
        self._preamble = ""

    def bodies(self) -> tuple[str, str]:
        """The body as text and as HTML; each is empty when the mail has the other only."""
        pieces = [piece for piece in self._pieces if piece.text.strip() or piece.html.strip()]
        with_html = any(piece.html for piece in pieces)
        with_text = any(piece.text for piece in pieces)
        text = html = ""
        if with_text:
            text = "\n\n".join(piece.text or text_of(piece.html) for piece in pieces)
        if with_html:
            html = "\n".join(piece.html or f"<pre>{escape(piece.text)}</pre>" for piece in pieces)
        return text, html

    def finish(self) -> None:
        """Once all parts are seen: a body that stands where no body should."""
        if any(piece.text.strip() or piece.html.strip() for piece in self._pieces):
            return
        texts = [part for part in self.parts if part.media_type in ("text/plain", "text/html") and not part.kind]
        if len(texts) == 1 and len(self.parts) == 1:
            self._notes.add("the body is marked as an attachment")
            self._body(texts[0].content, texts[0].media_type, Parameters("", {}), self._pieces)
        elif self._preamble.strip() and not _MIME_PREAMBLE.search(self._preamble[:200]):
            self._notes.add("the text stands before the first part")
            self._pieces.append(_Piece(text=self._preamble))

    def leftover(self, raw: bytes) -> None:
        """Shows bytes of a body that was not taken apart."""
        self._pieces.append(_Piece(text=_lines(decode(raw[: self._limits.text]).text)))
        if len(raw) > self._limits.text:
            self._notes.add(f"text is cut after {self._limits.text} characters")

    def visit(self, part: Message, depth: int) -> None:
        self._visit(part, depth, self._pieces, "")

    def _visit(self, part: Message, depth: int, pieces: list[_Piece], inside: str) -> None:
        self._count += 1
        if self._count > self._limits.parts:
            self._notes.add(f"more than {self._limits.parts} parts: the others are in the raw source")
            return
        for defect in part.defects:
            self._notes.add(_DEFECTS.get(type(defect).__name__, ""))
        content_type = self._content_type(part)
        media_type = content_type.value
        if media_type.startswith("message/") and not media_type.startswith("message/partial"):
            self._message(part, content_type)
        elif part.is_multipart():
            if depth >= self._limits.depth:
                self._notes.add(f"parts nest deeper than {self._limits.depth}")
                self._keep(_as_bytes(part), "message/rfc822", "deeper-parts.eml", kind="leftover")
                return
            self._multipart(part, media_type, depth, pieces)
        elif media_type.startswith("multipart/"):
            self._broken_multipart(part, media_type, depth, pieces, inside)
        else:
            self._leaf(part, content_type, depth, pieces, inside)

    def _content_type(self, part: Message) -> Parameters:
        declared = [value for name, value in part.raw_items() if name.lower() == "content-type"]
        # Of several the one that the standard library went by, unless it names no boundary and another does.
        declared.sort(key=lambda text: "boundary" not in str(text).lower())
        content_type = fields.parameters(str(declared[0])[: self._limits.header_value] if declared else "text/plain")
        if _MEDIA_TYPE.fullmatch(content_type.value):
            return content_type
        bare = content_type.value
        usual = {"text": "text/plain", "html": "text/html", "plain": "text/plain", "multipart": "multipart/mixed"}
        value = usual.get(bare, "text/plain" if bare in ("", "text/") else "application/octet-stream")
        if part.is_multipart():
            value = "multipart/mixed"
        if declared and str(declared[0]).strip():
            self._notes.add("a Content-Type that is none")
        return Parameters(value, content_type.parameters)

    def _multipart(self, part: Message, media_type: str, depth: int, pieces: list[_Piece]) -> None:
        children = part.get_payload()
        if not isinstance(children, list):
            return
        if isinstance(part.preamble, str) and not self._preamble:
            self._preamble = _lines(decode(fields.raw_bytes(part.preamble[:100_000])).text)
        if media_type == "multipart/signed":
            protocol = fields.parameters(str(part.get("content-type", ""))).parameters.get("protocol", "").lower()
            self.protection.append("pgp-signed" if "pgp" in protocol else "smime-signed")
        elif media_type == "multipart/encrypted":
            self.protection.append("pgp-encrypted")
        if media_type == "multipart/alternative":
            self._alternatives(children, depth, pieces)
        else:
            for child in children:
                if isinstance(child, Message):
                    self._visit(child, depth + 1, pieces, media_type)
        after = (part.epilogue or "") if isinstance(part.epilogue, str) else ""
        if len("".join(after.split())) > 10:
            self._notes.add("text after the last part")
            self._keep(fields.raw_bytes(after), "text/plain", "after-the-last-part.txt", kind="leftover")

    def _alternatives(self, children: Sequence[object], depth: int, pieces: list[_Piece]) -> None:
        chosen = _Piece()
        for child in children:
            if not isinstance(child, Message):
                continue
            inner: list[_Piece] = []
            self._visit(child, depth + 1, inner, "multipart/alternative")
            text = "\n\n".join(piece.text for piece in inner if piece.text.strip())
            html = "\n".join(piece.html for piece in inner if piece.html.strip())
            if html:
                # The richest comes last (RFC 2046 §5.1.4), but an empty last one is a mistake.
                chosen.html = html
                extra = text if text and not chosen.text else ""
                chosen.text = chosen.text or extra
            elif text and not (chosen.text and len(text) < len(chosen.text) // 4):
                chosen.text = text
        if chosen.html and chosen.text and _is_stub(chosen.text, chosen.html):
            self._notes.add("the plain text says less than the HTML")
            chosen.text = ""
        pieces.append(chosen)

    def _broken_multipart(self, part: Message, media_type: str, depth: int, pieces: list[_Piece], inside: str) -> None:
        """A multipart that could not be cut, because its boundary is missing or another: the likeliest one is tried."""
        content = self._content(part)
        found = _BOUNDARY_LINE.search(content)
        if found is not None and depth < self._limits.depth and self._guesses < 5:
            self._guesses += 1  # each reads the part anew
            boundary = found.group(1).strip()
            head = b'Content-Type: %s; boundary="%s"\n\n' % (media_type.encode(), boundary.replace(b'"', b'\\"'))
            again = message_from_bytes(head + content, policy=compat32)
            if again.is_multipart():
                self._notes.add("the boundary was found by its looks")
                self._visit(again, depth + 1, pieces, inside)
                return
        self._notes.add("a multipart without parts")
        self._body(content, "text/plain", Parameters("text/plain", {}), pieces)

    def _message(self, part: Message, content_type: Parameters) -> None:
        """A mail or a report inside: kept whole, read by whoever wants it."""
        media_type = content_type.value
        payload = part.get_payload()
        content = b""
        if isinstance(payload, list):
            blocks = [_as_bytes(one).strip(b"\r\n") for one in payload[:1_000] if isinstance(one, Message)]
            content = b"\n\n".join(blocks) + b"\n"
        else:
            content = self._content(part)
        encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
        if encoding == "base64" and b":" not in content[:200]:
            # Not allowed for these types (RFC 2046 §5.2.1), but sent.
            content, _ = _from_base64(content)
            self._notes.add("a mail inside is in base64")
        elif encoding == "quoted-printable":
            content = quopri.decodestring(content)
            self._notes.add("a mail inside is in quoted-printable")
        report = media_type in _REPORTS
        name = self._name(part, content_type)
        if not name and not report and isinstance(payload, list) and payload and isinstance(payload[0], Message):
            subject = fields.readable(str(payload[0].get("subject", ""))[:1_000])
            name = fields.file_name(f"{subject}.eml") if subject else ""
        self._keep(content, media_type, name, kind="report" if report else "message", part=part)

    def _leaf(self, part: Message, content_type: Parameters, depth: int, pieces: list[_Piece], inside: str) -> None:
        media_type = content_type.value
        disposition = fields.parameters(str(part.get("content-disposition", ""))[: self._limits.header_value])
        name = self._name(part, content_type)
        content = self._content(part)
        if media_type in ("text/plain", "text/html", "text/enriched", "text/richtext", "text/x-amp-html"):
            attached = disposition.value == "attachment" or (bool(name) and bool(disposition.value))
            if media_type == "text/x-amp-html":
                return  # a third form of what the other two say
            if not attached and not (name and pieces):
                self._body(content, media_type, content_type, pieces)
                return
        if content[:4] == TNEF_SIGNATURE and self._unpack(content, pieces):
            return
        kind = _PROTECTED.get(media_type, "")
        if kind == "smime" and "signature" not in media_type:
            opened = self._opened(content, depth, pieces, inside)
            opaque = content_type.parameters.get("smime-type", "").lower()
            self.protection.append("smime-signed" if opened or opaque == "signed-data" else "smime-encrypted")
        if inside == "multipart/encrypted":
            kind = "pgp"
        if media_type in _REPORTS:
            kind = "report"
        if media_type == "text/calendar":
            kind = "calendar"
            summary = calendar_summary(decode(content, content_type.parameters.get("charset", "utf-8")).text)
            if summary:
                self.calendar.append(summary)
        if kind in ("smime", "pgp") and not name:
            name = {"smime": "smime.p7m", "pgp": "encrypted.asc"}[kind]
        inline = disposition.value == "inline" or (inside == "multipart/related" and disposition.value != "attachment")
        self._keep(content, media_type, name, kind=kind, part=part, inline=inline)

    def _opened(self, content: bytes, depth: int, pieces: list[_Piece], inside: str) -> bool:
        """Shows what an opaque signature holds, unchecked; False where it holds nothing that can be read."""
        if depth >= self._limits.depth or self._openings >= 3:
            return False
        self._openings += 1  # each copies what it holds
        try:
            signed = signed_content(content)
        except ValueError:
            return False
        too_many = signed.count(b"\n--") > 2 * self._limits.parts + 100
        if too_many or not signed.strip() or _is_too_much_work(signed, self._limits):
            return False
        self._notes.add("the text stands in an S/MIME signature, which was not checked")
        self._visit(message_from_bytes(signed, policy=compat32), depth + 1, pieces, inside)
        return True

    def _name(self, part: Message, content_type: Parameters) -> str:
        for name, value in part.raw_items():
            if name.lower() == "content-disposition":
                disposition = fields.parameters(str(value)[: self._limits.header_value])
                found = disposition.parameters.get("filename") or disposition.parameters.get("name", "")
                if found:
                    return fields.file_name(found)
        return fields.file_name(content_type.parameters.get("name", ""))

    def _content(self, part: Message) -> bytes:
        """A part's bytes with its transfer encoding undone, be it named rightly or not."""
        encoding = re.sub(r"[\s;\"'_]+", "", fields.unfold(str(part.get("content-transfer-encoding", ""))).lower())
        del part["content-transfer-encoding"]  # so that the standard library hands out the bytes as they came
        payload = part.get_payload(decode=True)
        content = payload if isinstance(payload, bytes) else b""
        if encoding.startswith("base64") or encoding in ("b", "base-64"):
            decoded, note = _from_base64(content)
            self._notes.add(note)
            return decoded
        if encoding.startswith("quoted-printable") or encoding in ("quotedprintable", "qp", "q", "quoted/printable"):
            # White space that was put behind a soft line end hides it.
            return quopri.decodestring(re.sub(rb"=[ \t]+(?=\r?\n)", b"=", content))
        if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
            decoded, _, _ = _from_uu(content.decode("latin-1").split("\n"))
            return decoded if decoded else content
        if encoding not in ("", "7bit", "8bit", "binary", "7-bit", "8-bit", "7bits", "8bits"):
            self._notes.add("a transfer encoding that is none")
        return content

    def _body(self, content: bytes, media_type: str, content_type: Parameters, pieces: list[_Piece]) -> None:
        charset = content_type.parameters.get("charset", "")
        hint = ""
        if media_type == "text/html":
            found = re.search(rb"<meta[^>]{0,300}charset\s*=\s*[\"']?([\w:.-]{2,40})", content[:4_096], re.IGNORECASE)
            hint = found.group(1).decode("ascii") if found else ""
        if b"\0" in content and not codec_of(charset).startswith(("utf-16", "utf-32")) and not _is_utf16(content):
            self._notes.add("NUL bytes in the text")
            content = content.replace(b"\0", b"")  # before the text is decoded: one may stand within a character
        decoded = decode(content, charset, hint=hint)
        self._notes.add(decoded.note)
        text = _lines(decoded.text.replace("\0", ""))
        room = max(0, self._limits.text - self._characters)
        if len(text) > room:
            self._notes.add(f"text is cut after {self._limits.text} characters")
            self._keep(content, media_type, "")
            text = text[:room]
        self._characters += len(text)
        if media_type in ("text/enriched", "text/richtext"):
            text = re.sub(r"<[^<>]{0,100}>", "", text.replace("<<", "\ue000")).replace("\ue000", "<")
        if media_type == "text/plain" and re.match(r"\s*(?:<!doctype html|<html[\s>])", text[:200], re.IGNORECASE):
            self._notes.add("HTML that is called plain text")
            media_type = "text/html"
        if media_type == "text/html":
            pieces.append(_Piece(html=text))
            return
        if content_type.parameters.get("format", "").lower() == "flowed":
            text = _unflowed(text, delete_space=content_type.parameters.get("delsp", "").lower() == "yes")
        armour = _PGP_ARMOUR.search(text)
        if armour:
            self.protection.append("pgp-signed" if armour.group(1) else "pgp-encrypted")
        if "\nbegin " in f"\n{text}":
            text = self._without_uu(text)
        pieces.append(_Piece(text=text))

    def _without_uu(self, text: str) -> str:
        """Text without the uuencoded files in it, which become files."""
        lines = text.split("\n")
        kept: list[str] = []
        index = failed = 0
        while index < len(lines):
            begin = _UU_BEGIN.match(lines[index][:220])
            if begin and failed < 20:
                content, used, whole = _from_uu(lines[index:])
                failed += not whole
                if whole and content:
                    self._notes.add("a uuencoded file in the text")
                    self._keep(content, "application/octet-stream", fields.file_name(begin.group(1)))
                    index += used
                    continue
            kept.append(lines[index])
            index += 1
        return "\n".join(kept)

    def _unpack(self, content: bytes, pieces: list[_Piece]) -> bool:
        """Takes a winmail.dat apart; False when it must be kept as it is."""
        try:
            inside = read_tnef(content)
        except ValueError:
            return False
        for note in inside.notes:
            self._notes.add(note)
        if not (inside.files or inside.text or inside.html or inside.rtf):
            self._keep(content, "application/ms-tnef", "winmail.dat", kind="tnef")
            return True
        self._notes.add("winmail.dat was unpacked")
        if not any(piece.text.strip() or piece.html.strip() for piece in pieces) and (inside.text or inside.html):
            pieces.append(_Piece(text=_lines(inside.text), html=inside.html))
        for file in inside.files:
            name = fields.file_name(file.name)
            guessed = mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"
            media_type = file.media_type if _MEDIA_TYPE.fullmatch(file.media_type) else guessed
            self._keep(file.content, media_type, name, content_id=file.content_id, inline=bool(file.content_id))
        if inside.rtf and not (inside.text or inside.html or self._pieces):
            self._keep(content, "application/ms-tnef", "winmail.dat", kind="tnef")
        return True

    def _keep(
        self,
        content: bytes,
        media_type: str,
        name: str,
        *,
        kind: str = "",
        part: Message | None = None,
        content_id: str = "",
        inline: bool = False,
    ) -> None:
        index = len(self.parts)
        if index >= self._limits.parts:
            return
        if part is not None:
            ids = fields.message_ids(str(part.get("content-id", ""))[:2_000], 1)
            # Without brackets, or without an @: both are sent.
            content_id = ids[0] if ids else str(part.get("content-id", "")).strip().strip("<>")[:998]
            location = re.sub(r"\s+", "", str(part.get("content-location", "")))[:2_000]
            if location:
                self.content_ids.setdefault(location, index)
        if content_id:
            self.content_ids.setdefault(content_id, index)
        if not name:
            extension = _EXTENSIONS.get(media_type) or mimetypes.guess_extension(media_type, strict=False) or ""
            name = f"{'mail' if kind == 'message' else 'file'}-{index + 1}{extension}"
        self.parts.append(MailPart(name, media_type, content, content_id, inline, kind))


def _as_bytes(part: Message) -> bytes:
    """A part written out again; header by header where the standard library cannot."""
    try:
        return part.as_bytes(policy=compat32.clone(max_line_length=None, mangle_from_=False))
    except Exception:  # its generator has as many ways to fail as its parser
        head = "".join(f"{name}: {value}\n" for name, value in part.raw_items())
        payload = part.get_payload()
        return fields.raw_bytes(f"{head}\n{payload if isinstance(payload, str) else ''}")


def _is_utf16(content: bytes) -> bool:
    return content[:2] in (b"\xff\xfe", b"\xfe\xff") or content.count(b"\0") * 3 > len(content)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_stub(text: str, html: str) -> bool:
    """Whether the plain text is but a notice that there is HTML."""
    return (
        len(text) < 300
        and len(html) > 400
        and bool(
            re.search(
                r"HTML|html|e-?mail client|view (?:this|the) (?:e-?mail|message)|ver este (?:correo|mensaje)", text
            )
        )
        and len(text_of(html)) > 2 * len(text)
    )


_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


def _from_base64(content: bytes) -> tuple[bytes, str]:
    """Base64 with whatever stands in it; text that is no base64 at all comes back as it is."""
    letters = content.translate(None, b" \t\r\n\v\f")
    strange = letters.translate(None, _BASE64)
    if not letters:
        return b"", ""
    if len(strange) * 10 > len(letters) or (strange and len(letters) < 40 and b" " in content.strip()):
        return content, "text that is not in base64, though it says so"
    note = "characters in base64 that are none" if strange else ""
    pieces: list[bytes] = []
    # `=` ends a run; several runs one after another are several encodings that were put together.
    body = (letters.translate(None, strange) if strange else letters).rstrip(b"=")
    for run in re.split(rb"=+", body) if body.count(b"=") < 10_000 else [body.replace(b"=", b"")]:
        if not run:
            continue
        if len(run) % 4 == 1:
            run = run[:-1]
            note = "base64 is cut short"
        try:
            pieces.append(b64decode(run + b"=" * (-len(run) % 4)))
        except (binascii.Error, ValueError):
            return content, "base64 cannot be read"
    return b"".join(pieces), note


def _from_uu(lines: list[str]) -> tuple[bytes, int, bool]:
    """A uuencoded file from its `begin` line on: bytes, lines used, and whether its end was there."""
    pieces: list[bytes] = []
    started = False
    for index, line in enumerate(lines):
        line = line.rstrip("\r")
        if not started:
            started = bool(_UU_BEGIN.match(line[:220]))
            if not started and index > 20:
                break
            continue
        if line.strip() == "end":
            return b"".join(pieces), index + 1, True
        if not line.strip() or line == "`":
            continue
        try:
            pieces.append(binascii.a2b_uu(line[:200]))
        except (binascii.Error, ValueError):
            count = (((ord(line[0]) - 32) & 63) * 4 + 5) // 3  # some encoders pad a line too long
            try:
                pieces.append(binascii.a2b_uu(line[:count]))
            except (binascii.Error, ValueError):
                return b"", 0, False
    return b"".join(pieces), len(lines), False


def _unflowed(text: str, *, delete_space: bool) -> str:
    """`format=flowed` (RFC 3676) with its soft line ends undone, quote marks kept."""
    result: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")
        soft = content.endswith(" ") and content != "-- "
        if result and open_depth != depth:
            result.append("\n")
        if open_depth != depth and depth:
            result.append(">" * depth + " ")
        result.append(content[:-1] if soft and delete_space else content)
        open_depth = depth if soft else -1
    return "".join(result)


_CALENDAR_FIELD = re.compile(
    r"^(METHOD|SUMMARY|DTSTART|DTEND|LOCATION|ORGANIZER|STATUS)((?:;[^:\n]{0,300})?):(.{0,500})"
)


def calendar_summary(text: str) -> str:
    """One line about an invitation (RFC 5545), such as `REQUEST: Visit, 2026-11-25 10:00 (Europe/Madrid), Calle 1`.

    Times are as written, with their zone; empty when it has no event.
    """
    unfolded = re.sub(r"\n[ \t]", "", _lines(text[:100_000]))
    method = ""
    found: dict[str, str] = {}
    begun = False
    for line in unfolded.split("\n")[:5_000]:
        begun = begun or line.startswith(("BEGIN:VEVENT", "BEGIN:VTODO"))
        match = _CALENDAR_FIELD.match(line[:1_000])
        if match is None:
            continue
        name, options, value = match.groups()
        value = re.sub(r"\\([,;\\])", r"\1", re.sub(r"\\[nN]", " ", value)).strip()
        if name == "METHOD":
            method = value
        elif begun:
            if name == "DTSTART":
                value = _calendar_time(value, options)
            found.setdefault(name, value)
    pieces = [found.get("SUMMARY", ""), found.get("DTSTART", ""), found.get("LOCATION", "")]
    line = ", ".join(piece for piece in pieces if piece)
    return f"{method}: {line}" if method and line else line


def _calendar_time(value: str, options: str) -> str:
    match = re.match(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2}))?", value)
    if match is None:
        return value
    year, month, day, hour, minute = match.groups()
    zone = re.search(r"TZID=\"?([^;:\"]{1,60})", options)
    shown = f"{year}-{month}-{day}" + (f" {hour}:{minute}" if hour else "")
    if value.endswith("Z"):
        return f"{shown} UTC"
    return f"{shown} ({zone.group(1)})" if zone else shown
