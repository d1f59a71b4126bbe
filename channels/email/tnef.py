"""`winmail.dat`: Outlook's own wrapping of a mail (TNEF), as far as its files and its text go.

Written by hand after [MS-OXTNEF] and [MS-OXCDATA]: the one library for it (tnefparse) has had no release since 2021 and
copies the rest of the file for each of its objects, so that a small crafted file keeps it busy for hours.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from channels.email.charsets import decode

SIGNATURE = b"\x78\x9f\x3e\x22"

_LEVEL_ATTACHMENT = 2
_ATTACH_RENDER_DATA = 0x9002
_ATTACH_TITLE = 0x8010
_ATTACH_DATA = 0x800F
_ATTACHMENT = 0x9005
_MESSAGE_PROPERTIES = 0x9003
_BODY = 0x800C
_CODE_PAGE = 0x9007

_PR_BODY = 0x1000
_PR_RTF_COMPRESSED = 0x1009
_PR_BODY_HTML = 0x1013
_PR_INTERNET_CODE_PAGE = 0x3FDE
_PR_ATTACH_DATA = 0x3701
_PR_ATTACH_LONG_NAME = 0x3707
_PR_ATTACH_MEDIA_TYPE = 0x370E
_PR_ATTACH_CONTENT_ID = 0x3712

_FIXED_SIZES = {0x2: 4, 0x3: 4, 0x4: 4, 0x5: 8, 0x6: 8, 0x7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_COUNTED = frozenset((0x0D, 0x1E, 0x1F, 0x102))
_MULTIPLE = 0x1000
_OBJECT = 0x0D
_LIMIT_OBJECTS = 20_000
_LIMIT_PROPERTIES = 20_000


@dataclass(frozen=True, slots=True)
class TnefFile:
    """A file inside: name (may be empty), media type and content id (mostly empty), bytes."""

    name: str
    media_type: str
    content_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Tnef:
    """What was inside. `rtf` is compressed RTF (MS-OXRTFCP) and left as it is."""

    text: str
    html: str
    rtf: bytes
    files: tuple[TnefFile, ...]
    notes: tuple[str, ...] = ()


def read_tnef(raw: bytes) -> Tnef:
    """The files and the text in `raw`; what is cut short is read as far as it goes, with a note.

    Raises ValueError when `raw` is no TNEF at all.
    """
    if raw[:4] != SIGNATURE:
        raise ValueError("no TNEF signature")
    notes: list[str] = []
    code_page = "cp1252"
    texts: dict[int, bytes | str] = {}
    files: list[dict[str, bytes]] = []
    view = memoryview(raw)
    for level, name, content in _objects(view, notes):
        if name == _CODE_PAGE and len(content) >= 4:
            code_page = f"cp{struct.unpack_from('<I', content)[0]}"
        elif name == _ATTACH_RENDER_DATA:
            files.append({})
        elif level == _LEVEL_ATTACHMENT and files:
            _attachment(files[-1], name, content, notes)
        elif name == _BODY:
            texts[_PR_BODY] = decode(bytes(content).rstrip(b"\0"), code_page).text
        elif name == _MESSAGE_PROPERTIES:
            page = code_page
            found: dict[int, tuple[int, bytes]] = {}
            for kind, number, value in _properties(content, notes):
                if number == _PR_INTERNET_CODE_PAGE and len(value) >= 4:
                    page = {65001: "utf-8"}.get(number_of := struct.unpack_from("<I", value)[0], f"cp{number_of}")
                elif number in (_PR_BODY, _PR_BODY_HTML, _PR_RTF_COMPRESSED):
                    found[number] = (kind, value)
            for number, (kind, value) in found.items():
                texts[number] = value if number == _PR_RTF_COMPRESSED else _text(kind, value, page)
    rtf = texts.get(_PR_RTF_COMPRESSED, b"")
    return Tnef(
        text=str(texts.get(_PR_BODY, "")),
        html=str(texts.get(_PR_BODY_HTML, "")),
        rtf=rtf if isinstance(rtf, bytes) else b"",
        files=tuple(
            TnefFile(
                name=decode(one.get("long_name", b"") or one.get("name", b""), code_page).text.strip("\0 "),
                media_type=one.get("media_type", b"").decode("ascii", "replace").strip("\0 ").lower(),
                content_id=one.get("content_id", b"").decode("ascii", "replace").strip("\0 <>"),
                content=one["content"],
            )
            for one in files
            if "content" in one
        ),
        notes=tuple(dict.fromkeys(notes)),
    )


def _objects(view: memoryview, notes: list[str]) -> Iterator[tuple[int, int, memoryview]]:
    position = 6  # signature and key
    for _ in range(_LIMIT_OBJECTS):
        if position + 9 > len(view):
            if position < len(view):
                notes.append("winmail.dat ends in the middle")
            return
        level, name, _kind, length = struct.unpack_from("<BHHI", view, position)
        start = position + 9
        if start + length > len(view):
            notes.append("winmail.dat ends in the middle")
        yield level, name, view[start : start + length]
        position = start + length + 2  # a checksum follows, which nobody's reader insists on
    notes.append(f"winmail.dat has more than {_LIMIT_OBJECTS} objects")


def _attachment(file: dict[str, bytes], name: int, content: memoryview, notes: list[str]) -> None:
    if name == _ATTACH_TITLE:
        file["name"] = bytes(content)
    elif name == _ATTACH_DATA:
        file["content"] = bytes(content)
    elif name == _ATTACHMENT:
        for kind, number, value in _properties(content, notes):
            if number == _PR_ATTACH_LONG_NAME:
                file["long_name"] = _text(kind, value, "").encode()
            elif number == _PR_ATTACH_MEDIA_TYPE:
                file["media_type"] = _text(kind, value, "").encode()
            elif number == _PR_ATTACH_CONTENT_ID:
                file["content_id"] = _text(kind, value, "").encode()
            elif number == _PR_ATTACH_DATA and "content" not in file:
                # An object begins with the 16 bytes of its interface; a mail in it is TNEF again.
                file["content"] = value[16:] if kind == _OBJECT else value


def _text(kind: int, value: bytes, code_page: str) -> str:
    if kind == 0x1F:
        return value.decode("utf-16-le", "replace").rstrip("\0")
    return decode(value.rstrip(b"\0"), code_page).text


def _properties(view: memoryview, notes: list[str]) -> Iterator[tuple[int, int, bytes]]:
    """The properties of a block: type, number and the first value's bytes."""
    try:
        count = struct.unpack_from("<I", view, 0)[0]
        position = 4
        for _ in range(min(count, _LIMIT_PROPERTIES)):
            kind, number = struct.unpack_from("<HH", view, position)
            position += 4
            if number >= 0x8000:  # a named property: its GUID, then a number or a name
                named = struct.unpack_from("<I", view, position + 16)[0]
                position += 20
                if named == 0:
                    position += 4
                else:
                    position += 4 + _padded(struct.unpack_from("<I", view, position)[0])
            several = bool(kind & _MULTIPLE)
            base = kind & 0xFFF
            values = 1
            if several or base in _COUNTED:
                values = struct.unpack_from("<I", view, position)[0]
                position += 4
            first = b""
            for index in range(values):
                if position > len(view):
                    break  # the count lied; what was read stays
                if base in _COUNTED:
                    length = struct.unpack_from("<I", view, position)[0]
                    position += 4
                    taken = _padded(length)
                else:
                    length = taken = _FIXED_SIZES[base]
                if index == 0:
                    first = bytes(view[position : position + length])
                position += taken
            yield base, number, first
    except (struct.error, KeyError):
        notes.append("winmail.dat has a property that cannot be read")


def _padded(length: int) -> int:
    return (length + 3) & ~3
