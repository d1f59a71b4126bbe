"""Header fields of mails as values: RFC 5322, 2047, 2231 and the wrong forms of them that are really sent.

All functions take header text as the standard library's parser hands it out (bytes beyond ASCII as surrogates) and
never raise on any input; all run in time linear in their input, which the caller bounds.
"""

from __future__ import annotations

import binascii
import contextlib
import quopri
import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from urllib.parse import unquote_to_bytes

from channels.email.charsets import codec_of, decode

_WORD = re.compile(
    # The text of a Q word may hold a raw question mark (not allowed, but sent); the end is the `?=` after which the
    # word cannot go on.
    r"=\?(?P<charset>[^?\s=]{0,60})\?(?P<encoding>[bBqQ])\?(?P<text>[^?]*(?:\?(?!=)[^?]*){0,20})(?:\?=|\?$|$)",
    re.DOTALL,
)
_FOLD = re.compile(r"[\r\n]+[ \t]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Marks that turn the direction of the text around them: a name that reads `invoice‮fdp.exe` ends in .exe.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")
_MESSAGE_ID = re.compile(r"<([^<>]{1,998})>")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]{1,200}@(?:[^\s<>()\[\],;:\"@]{1,255}|\[[0-9a-fA-F:.IPv]{3,60}\])")


@dataclass(frozen=True, slots=True)
class MailAddress:
    """A mailbox: its address (domain in lower case, local part as written) and the name shown, which may be empty."""

    address: str
    name: str = ""


def raw_bytes(text: str) -> bytes:
    """The bytes of a header or body as they came in, from the standard library's surrogates."""
    return text.encode("utf-8", "surrogateescape")


def unfold(value: str) -> str:
    """A header's value on one line."""
    return _FOLD.sub(" ", value) if "\n" in value or "\r" in value else value


def readable(value: str, charset: str = "") -> str:
    """A header's value for people: encoded words read, bytes beyond ASCII read, controls dropped.

    `charset` is what the mail says of its body: the best guess for bytes that stand raw in a header.
    """
    value = unfold(value)
    if not value.isascii() or "\x1b" in value:
        value = decode(raw_bytes(value), charset).text
    for _ in range(2):  # some gateways encode what was encoded already
        if "=?" not in value:
            break
        value = _decode_words(value)
    return _CONTROL.sub(" ", value).strip()


def _decode_words(value: str) -> str:
    pieces: list[str] = []
    pending: list[tuple[str, bytes]] = []  # encoded words that touch, whose characters may be cut between them
    position = 0

    def flush() -> None:
        index = 0
        while index < len(pending):
            charset, content = pending[index]
            index += 1
            while index < len(pending) and pending[index][0] == charset:
                content += pending[index][1]
                index += 1
            pieces.append(_read_word(content, charset))
        pending.clear()

    for match in _WORD.finditer(value):
        between = value[position : match.start()]
        # White space between two encoded words is folding (RFC 2047 §6.2); anything else is text.
        if between.strip() or not pending:
            flush()
            pieces.append(between)
        text = match["text"]
        content = _base64(text) if match["encoding"] in "bB" else _q(text)
        pending.append((match["charset"].lower(), content))
        position = match.end()
    flush()
    pieces.append(value[position:])
    return "".join(pieces)


def _read_word(content: bytes, charset: str) -> str:
    if codec_of(charset) == "utf-7":
        try:
            return content.decode("utf-7")
        except UnicodeError:
            pass
    return decode(content, charset).text


def _q(text: str) -> bytes:
    # Characters that are not ASCII may stand in a word by mistake: they go in as UTF-8.
    return quopri.decodestring(raw_bytes(text.replace("_", " ")), header=False)


def _base64(text: str) -> bytes:
    letters = re.sub(r"[^A-Za-z0-9+/]", "", text.replace("-", "+").replace("_", "/") if "+" not in text else text)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    try:
        return b64decode(letters + "=" * (-len(letters) % 4))
    except (binascii.Error, ValueError):
        return raw_bytes(text)


def message_ids(value: str, limit: int = 1000) -> tuple[str, ...]:
    """The message ids in a header, in order, without brackets and without repeats.

    Of more than `limit` ids the first and the last `limit - 1` are kept: the thread's root and the nearest parents.
    """
    value = unfold(value)
    found = [re.sub(r"\s+", "", match) for match in _MESSAGE_ID.findall(value)]
    if not found:
        # No brackets at all: Lotus Notes, some web mailers and scripts.
        found = [token.strip("<>,;\"'") for token in value.split() if "@" in token][:limit]
    ids = tuple(dict.fromkeys(one for one in found if one))
    return ids if len(ids) <= limit else (ids[0], *ids[-(limit - 1) :])


def addresses(value: str, limit: int, charset: str = "") -> tuple[tuple[MailAddress, ...], bool]:
    """The mailboxes of a header, at most `limit`, and whether there were more.

    Read by hand rather than by `email.utils.getaddresses`, which makes several addresses of `Doe, John <j@example.org>`
    (Exchange sends it without quotes) and none of a list with one mistake in it.
    """
    value = unfold(value)
    found: list[MailAddress] = []
    waiting: list[str] = []  # pieces without an address: the part of a name before an unquoted comma
    for piece in _pieces(value):
        several = _ADDRESS.findall(piece) if "<" not in piece and '"' not in piece and piece.count("@") > 1 else []
        if len(several) > 1:  # addresses with nothing but spaces between them
            found += [MailAddress(_normal(one)) for one in several]
            continue
        one = _mailbox(piece, waiting, charset)
        if one is None:
            waiting = [*waiting[-3:], piece]
            continue
        waiting = []
        found.append(one)
        if len(found) > limit:
            return tuple(found[:limit]), True
    if not found and value.strip():
        whole = readable(value, charset)
        if whole != value.strip():  # the address itself was inside an encoded word
            name = _name(whole.split("<")[0], charset) if "<" in whole else ""
            found = [MailAddress(_normal(match), name) for match in _ADDRESS.findall(whole)]
    return tuple(found[:limit]), len(found) > limit


_PIECE = 2_000  # characters of one mailbox that are looked at


def _pieces(value: str) -> list[str]:
    """`value` cut at commas, semicolons and group names that stand outside quotes, brackets and comments."""
    pieces: list[str] = []
    start = 0
    quoted = angled = has_at = False
    depth = 0
    for match in re.finditer(r'\\.|["<>(),;:@]', value, re.DOTALL):
        sign = match.group()
        if sign[0] == "\\":
            continue
        if sign == '"':
            if not angled and depth == 0:
                quoted = not quoted
        elif quoted:
            continue
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth = max(0, depth - 1)
        elif depth:
            continue
        elif sign == "@":
            has_at = True
        elif sign == "<":
            angled = True
        elif sign == ">":
            angled = False
        elif sign in ",;" and (not angled or has_at):
            pieces.append(value[start : match.start()])
            start = match.end()
            angled = has_at = False
        elif sign == ":" and not angled and not has_at:
            start = match.end()  # the name of a group: `undisclosed-recipients:;`
    rest = value[start:]
    if quoted and ("," in rest or rest.count("@") > 1):  # a quote that never ends: cut anyway
        pieces.extend(rest.split(","))
    else:
        pieces.append(rest)
    return [piece[:_PIECE] for piece in pieces if piece.strip()]


def _mailbox(piece: str, waiting: list[str], charset: str) -> MailAddress | None:
    open_at = piece.rfind("<")
    if open_at >= 0:
        close_at = piece.find(">", open_at)
        inside = piece[open_at + 1 : close_at if close_at > open_at else None].strip()
        inside = inside.removeprefix("mailto:").rsplit(":", 1)[-1] if "@" in inside else inside  # source routes
        address = _normal(readable(inside, charset))
        if "@" in address or (inside and not _ADDRESS.search(piece)):
            name = ",".join([*waiting, piece[:open_at]])
            return MailAddress(address, _name(name, charset))
    comment = re.search(r"\(([^()]*)\)", piece)
    bare = re.sub(r"\([^()]*\)", " ", piece)
    found = _ADDRESS.search(bare)
    if found is None:
        at_word = next((word for word in bare.split() if "@" in word), "")
        if not at_word or len(at_word) > 320 or at_word.startswith("=?"):
            return None
        return MailAddress(_normal(at_word.strip("<>\"'")), _name(comment.group(1) if comment else "", charset))
    name = comment.group(1) if comment else bare.replace(found.group(), " ")
    return MailAddress(_normal(found.group()), _name(name, charset))


def _name(text: str, charset: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    name = readable(re.sub(r"\\(.)", r"\1", text), charset).strip(" \"'<>[]")
    return _DIRECTION.sub("", re.sub(r"\s+", " ", name))[:200]


def _normal(address: str) -> str:
    """An address with its domain in lower case and in Unicode's ASCII form where it has one; nothing invented."""
    address = re.sub(r"\s+", "", _CONTROL.sub("", address)).strip("<>,;")
    local, at, domain = address.rpartition("@")
    if not at:
        return address[:320]
    domain = domain.rstrip(".").lower()
    if not domain.isascii() and len(domain) < 254:
        with contextlib.suppress(UnicodeError):
            domain = domain.encode("idna").decode("ascii")
    return f"{local}@{domain}"[:320]


@dataclass(frozen=True, slots=True)
class Parameters:
    """A header such as `Content-Type`: its value in lower case and its parameters, names in lower case."""

    value: str
    parameters: dict[str, str]
    repaired: bool = False


_PARAMETER = re.compile(r'([^=;\s"]{1,80})\s{0,20}=\s{0,200}("(?:[^"\\]|\\.)*"?|[^;]*)', re.DOTALL)


def parameters(header: str, charset: str = "") -> Parameters:
    """A structured header taken apart: RFC 2231 continuations and charsets, RFC 2047 words where they are not allowed,
    raw bytes, names without quotes, a missing semicolon."""
    header = unfold(header).strip()
    head = re.match(r"\s*([^;\s=\"]*)", header)
    value = head.group(1).lower() if head else ""
    start = head.end() if head else 0
    plain: dict[str, str] = {}
    parts: dict[str, dict[int, tuple[str, bool]]] = {}
    for count, match in enumerate(_PARAMETER.finditer(header, start)):
        if count > 500:
            break
        key, text = match[1].lower(), match[2].strip()
        if text.startswith('"'):
            body = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
            # A Windows path is no escape: `C:\docs\a.pdf` keeps its backslashes, `\"` and `\\` do not.
            text = re.sub(r'\\(["\\])', r"\1", body)
        name, star, number = key.partition("*")
        if not star:
            plain.setdefault(name, text)
            continue
        encoded = key.endswith("*")
        index = int(number.rstrip("*")) if re.fullmatch(r"[0-9]{1,3}\*?", number) else 0
        parts.setdefault(name, {}).setdefault(index, (text, encoded))
    read = {name: readable(text, charset) for name, text in plain.items()}
    for name, sections in parts.items():
        joined = _continued(sections)
        if joined:
            read[name] = readable(joined, charset)
    return Parameters(value, read, bool(parts) and any(name in plain for name in parts))


def _continued(sections: dict[int, tuple[str, bool]]) -> str:
    ordered = [sections[index] for index in sorted(sections)]
    first, encoded = ordered[0]
    charset = ""
    if encoded and first.count("'") >= 2:
        charset, _, first = first.split("'", 2)
        ordered[0] = (first, True)
    # Some senders mark only the first section as encoded and percent-encode them all; others the reverse.
    content = b"".join(
        unquote_to_bytes(raw_bytes(text))
        if mark or (re.search(r"%[0-9A-Fa-f]{2}", text) and encoded)
        else raw_bytes(text)
        for text, mark in ordered
    )
    return decode(content, charset or "utf-8").text


_NUMERIC_DATE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?"
)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def date(value: str) -> tuple[datetime | None, str]:
    """A `Date` header as a moment, and what is wrong with it (empty: nothing).

    A date before 1990 or after 2099 is a clock that was never set: no moment, with a note, so that nothing is sorted by
    it.
    """
    text = readable(value)[:200].replace("=2C", ",")  # Hotmail sent `Fri=2C 28 Sep 2012`
    if not text:
        return None, ""
    moment: datetime | None = None
    note = ""
    try:
        fields = parsedate_tz(text)
        if fields is not None:
            offset = fields[9]
            zone = UTC if offset is None or abs(offset) >= 86_400 else timezone(timedelta(seconds=offset))
            note = "date without a time zone" if re.search(r"\d{1,2}:\d{2}(?::\d{2})?$", text) else ""
            moment = datetime(*fields[:5], min(fields[5], 59), tzinfo=zone)  # second 60 is a leap second
    except (ValueError, TypeError, OverflowError, IndexError):
        moment = None
    if moment is None:
        match = _NUMERIC_DATE.search(text)
        if match is not None:
            year, month, day, hour, minute, second, zone_text = match.groups()
            try:
                moment = datetime.fromisoformat(
                    f"{year}-{int(month):02}-{int(day):02}T{int(hour):02}:{minute}:{second or '00'}"
                    + ("+00:00" if zone_text in (None, "Z") else zone_text)
                )
                note = "date in another format"
            except ValueError:
                moment = None
    if moment is None:
        return None, "date cannot be read"
    if not _EARLIEST <= moment <= _LATEST:
        return None, f"date of {moment.year} is not believable"
    return moment, note


_UNSAFE_NAME = re.compile(r'[\x00-\x1f\x7f<>:"|?*/\\]')


def file_name(name: str, limit: int = 180) -> str:
    """A file name that is safe to show and to save under: no folders, no controls, no turned direction, bounded.

    Empty when nothing usable is left.
    """
    if re.search(r"%[0-9A-Fa-f]{2}", name) and not re.search(r"%(?![0-9A-Fa-f]{2})", name):
        name = decode(unquote_to_bytes(raw_bytes(name)), "utf-8").text  # percent-encoded where that is not allowed
    name = re.split(r"[/\\]", name)[-1]
    name = _DIRECTION.sub("", _UNSAFE_NAME.sub("_", name)).strip(" .\u00a0")
    if len(name) <= limit:
        return name
    stem, dot, extension = name.rpartition(".")
    if dot and len(extension) <= 12:
        return f"{stem[: limit - len(extension) - 1]}.{extension}"
    return name[:limit]
