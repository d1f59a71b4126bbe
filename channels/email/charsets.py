"""Bytes of mails as text, whatever charset they name, and whatever charset they are really in."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

# What mails call a charset → the codec that reads what is really meant. The supersets that browsers read (WHATWG
# Encoding Standard, "labels") stand for the narrow standards: `iso-8859-1` with bytes of 0x80-0x9f is windows-1252.
_CODECS = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "x-windows-949": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "chinesesimp": "gb18030",
    "cn-gb": "gb18030",
    "hz-gb-2312": "hz",
    "big5": "cp950",
    "x-x-big5": "cp950",
    "cn-big5": "cp950",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "ms_kanji": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-2022-jp-ms": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-8-e": "iso8859_8",
    "iso-8859-6-i": "iso8859_6",
    "koi8": "koi8_r",
    "koi": "koi8_r",
    "utf8": "utf_8",
    "utf-8": "utf_8_sig",
    "utf8mb4": "utf_8",
    "unicode-1-1-utf-8": "utf_8",
    "unicode-1-1-utf-7": "utf_7",
    "x-unicode-2-0-utf-7": "utf_7",
    "unicode": "utf_16",
    "ucs-2": "utf_16",
}
# Names that say nothing; the bytes decide.
_EMPTY_NAMES = frozenset(
    ("", "unknown", "unknown-8bit", "x-unknown", "x-user-defined", "default", "8bit", "7bit", "binary", "none", "null")
)
_SINGLE_BYTE_GUESS = "cp1252"
_ESCAPES_2022 = re.compile(rb"\x1b(?:\$[@B(]|\([JBI])")
# What mails without a true charset are really in; among all of Python's codecs a guess finds odder ones.
_LIKELY = ["utf_8", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8_r"]
_LIKELY += ["koi8_u", "iso8859_2", "gb18030", "big5", "cp932", "euc_jp", "cp949", "cp874"]
_SAMPLE = 32_768  # bytes that a guess looks at: it costs milliseconds a kilobyte
_NAME_LIMIT = 40


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the codec that read it, and what had to be repaired (empty: nothing)."""

    text: str
    codec: str
    note: str = ""


def codec_of(charset: str) -> str:
    """The Python codec for a charset as a mail names it; empty when no text codec of that name is known."""
    name = charset.strip().strip("\"'").strip().lower().split("*", 1)[0].split(";", 1)[0].strip()
    name = re.sub(r"^(?:charset|cs)\s*=\s*[\"']?", "", name)
    if name in _EMPTY_NAMES or len(name) > _NAME_LIMIT:
        return ""
    for candidate in (name, name.replace("_", "-"), re.sub(r"^x-", "", name), re.sub(r"^cp-?|^windows-?", "cp", name)):
        known = _CODECS.get(candidate, candidate)
        try:
            info = codecs.lookup(known)
        except (LookupError, ValueError):
            continue
        if getattr(info, "_is_text_encoding", True):  # `rot13`, `base64` and `zip` are codecs too, but not of text
            return "utf-8" if info.name in {"idna", "punycode", "unicode_escape", "raw_unicode_escape"} else info.name
    return ""


def decode(raw: bytes, charset: str = "", *, hint: str = "") -> Decoded:
    """Reads `raw`, which says that it is in `charset`; `hint` is a second opinion (an HTML page's own).

    Never raises and never drops a byte: what no charset explains is read as windows-1252 or shown as U+FFFD, with a
    note.
    """
    declared = codec_of(charset)
    named = charset.strip().lower().split("*", 1)[0][:_NAME_LIMIT]
    if (
        raw.isascii()
        and b"\0" not in raw
        and not _ESCAPES_2022.search(raw)
        and declared not in {"utf-7", "utf-16", "hz"}
    ):
        text = raw.decode("ascii")
        return Decoded(text, "ascii", f"charset {named} is not known" if named and not declared else "")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") and len(raw) % 2 == 0:
        return Decoded(raw.decode("utf-16", "replace"), "utf-16", "" if declared == "utf-16" else "text is UTF-16")
    if not declared.startswith("utf-16") and raw.count(b"\0") * 3 > len(raw) > 1:
        order = "utf-16-le" if raw[1::2].count(b"\0") >= raw[::2].count(b"\0") else "utf-16-be"
        return Decoded(raw.decode(order, "replace"), order, "text is UTF-16")
    if _ESCAPES_2022.search(raw[:_SAMPLE]) and declared not in {"iso2022_jp_ext", "iso2022_kr", "iso2022_jp"}:
        japanese = _strictly(raw, "iso2022_jp_ext")
        if japanese is not None:
            return Decoded(japanese, "iso2022_jp_ext", f"charset {named or 'missing'}, text is ISO-2022-JP")
    if not raw.isascii() and declared not in {"utf-8", "utf-8-sig", "utf-7", "utf-16"}:
        # A single-byte codec reads anything; bytes that are UTF-8 from end to end are not there by chance.
        text_utf8 = _strictly(raw, "utf_8")
        if text_utf8 is not None and declared != "hz" and not _better_as_multibyte(raw, declared):
            return Decoded(text_utf8.removeprefix("\ufeff"), "utf-8", f"charset {named or 'missing'}, text is UTF-8")
    for codec in (declared, codec_of(hint)):
        text_declared = _strictly(raw, codec) if codec else None
        if text_declared is not None:
            return Decoded(text_declared.removeprefix("\ufeff"), codec, "" if codec == declared else "charset of HTML")
    if declared.startswith("iso2022_jp"):
        # Vendors' extensions (①, ㈱) are in JIS X 0213 at the same places.
        wider = _strictly(raw, "iso2022_jp_2004")
        return Decoded(
            raw.decode(declared, "replace") if wider is None else wider, declared, "Japanese beyond the standard"
        )
    if declared.startswith("utf") and _mostly_utf8(raw):
        # A cut or a stray byte in a long UTF-8 text: the one byte is lost, not the text.
        return Decoded(raw.decode("utf-8", "replace").removeprefix("\ufeff"), "utf-8", "bytes that are not UTF-8")
    guess = _guess(raw)
    if guess is not None:
        return Decoded(guess[0], guess[1], f"charset {named or 'missing'} does not fit, read as {guess[1]}")
    return Decoded(raw.decode(_SINGLE_BYTE_GUESS, "replace"), _SINGLE_BYTE_GUESS, f"charset {named or 'missing'} fails")


def _strictly(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        if codec == "cp1252":  # five bytes of windows-1252 mean nothing; real mails have them all the same
            return raw.decode("latin-1") if not re.search(rb"[\x80-\x9f]", raw) else None
        return None


def _better_as_multibyte(raw: bytes, declared: str) -> bool:
    """Whether an East Asian charset that is declared reads bytes that happen to be UTF-8, too, and shorter.

    Chinese of one or two characters may be valid UTF-8 by chance; from three sequences on it is UTF-8.
    """
    if declared not in {"gb18030", "cp950", "cp932", "cp949", "euc_jp", "euc_kr", "big5"}:
        return False
    return sum(1 for byte in raw if byte >= 0xC2) < 3 and _strictly(raw, declared) is not None


def _mostly_utf8(raw: bytes) -> bool:
    sample = raw[:_SAMPLE]
    replaced = sample.decode("utf-8", "replace").count("\ufffd")
    # A legacy text read as UTF-8 fails at nearly each of its high bytes; a damaged UTF-8 text at few of them.
    return replaced * 4 <= sum(1 for byte in sample if byte >= 0x80)


def _guess(raw: bytes) -> tuple[str, str] | None:
    """What charset-normalizer makes of the lines that are not ASCII."""
    lines = [line for line in raw.split(b"\n") if not line.isascii()]
    sample = b"\n".join(lines)[:_SAMPLE]
    if sum(1 for byte in sample if byte >= 0x80) < 8:
        return None  # too little to tell one single-byte charset from another: the usual one is likelier
    best = from_bytes(
        sample, steps=5, chunk_size=1024, threshold=0.25, cp_isolation=_LIKELY, enable_fallback=False
    ).best()
    if best is None:
        return None
    text = _strictly(raw, best.encoding)
    return (text, best.encoding) if text is not None else None
