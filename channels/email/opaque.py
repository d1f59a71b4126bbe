"""The text inside an opaque S/MIME signature (`application/pkcs7-mime; smime-type=signed-data`, RFC 8551 §3.5.2).

Such a mail is a CMS ContentInfo with SignedData (RFC 5652 §3, §5.1), in BER: its lengths may be indefinite, its content
cut into pieces. Nothing is checked here but that the way to the content is as it must be. Read by hand: cryptography
verifies and decrypts, but hands no content of signed data out, and its ASN.1 is DER alone.
"""

from __future__ import annotations

DEPTH = 16
_SEQUENCE, _SET, _OID, _INTEGER, _OCTETS, _EXPLICIT = 0x30, 0x31, 0x06, 0x02, 0x04, 0xA0
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")  # 1.2.840.113549.1.7.2
_DATA = bytes.fromhex("2a864886f70d010701")  # 1.2.840.113549.1.7.1
_ENDS = b"\0\0"


def signed_content(raw: bytes) -> bytes:
    """The MIME entity that was signed.

    Args:
        raw: the ContentInfo, BER.

    Raises:
        ValueError: this is no SignedData, is cut off or nested too deeply, or its content is elsewhere.
    """
    at = _into(raw, 0, _SEQUENCE)
    at = _exactly(raw, at, _OID, _SIGNED_DATA)
    at = _into(raw, _into(raw, at, _EXPLICIT), _SEQUENCE)
    at = _behind(raw, at, _INTEGER, 0)  # version
    at = _behind(raw, at, _SET, 0)  # digestAlgorithms
    at = _into(raw, at, _SEQUENCE)  # encapContentInfo
    at = _exactly(raw, at, _OID, _DATA)
    pieces: list[bytes] = []
    _octets(raw, _into(raw, at, _EXPLICIT), pieces, 0)
    return b"".join(pieces)


def _header(raw: bytes, at: int) -> tuple[int, int, int]:
    """(tag, where the value begins, where it ends) of what stands at a place; the end is -1 where it is indefinite."""
    if at + 2 > len(raw):
        raise ValueError("cut off")
    tag, length = raw[at], raw[at + 1]
    if tag & 0x1F == 0x1F:
        raise ValueError("a tag that has no place here")
    begin = at + 2
    if length == 0x80:
        if not tag & 0x20:
            raise ValueError("an indefinite length of what has no parts")
        return tag, begin, -1
    if length > 0x80:
        count = length & 0x7F
        if count > 5 or begin + count > len(raw):
            raise ValueError("a length that cannot be")
        length = int.from_bytes(raw[begin : begin + count], "big")
        begin += count
    if begin + length > len(raw):
        raise ValueError("cut off")
    return tag, begin, begin + length


def _into(raw: bytes, at: int, wanted: int) -> int:
    """Where the value of something that must have this tag begins."""
    tag, begin, _ = _header(raw, at)
    if tag != wanted:
        raise ValueError(f"tag {tag:#x} where {wanted:#x} must be")
    return begin


def _exactly(raw: bytes, at: int, wanted: int, value: bytes) -> int:
    """The place behind something that must have this tag and value."""
    tag, begin, end = _header(raw, at)
    if tag != wanted or raw[begin:end] != value:
        raise ValueError("something else than signed data")
    return end


def _behind(raw: bytes, at: int, wanted: int, depth: int) -> int:
    """The place behind something that must have this tag (0: any)."""
    tag, begin, end = _header(raw, at)
    if wanted and tag != wanted:
        raise ValueError(f"tag {tag:#x} where {wanted:#x} must be")
    if end >= 0:
        return end
    if depth >= DEPTH:
        raise ValueError("nested too deeply")
    while raw[begin : begin + 2] != _ENDS:
        begin = _behind(raw, begin, 0, depth + 1)
    return begin + 2


def _octets(raw: bytes, at: int, pieces: list[bytes], depth: int) -> int:
    """Takes the pieces of an octet string, which may be cut into others. Returns the place behind it."""
    tag, begin, end = _header(raw, at)
    if tag == _OCTETS:
        pieces.append(raw[begin:end])
        return end
    if tag != _OCTETS | 0x20 or depth >= DEPTH:
        raise ValueError("no octet string, or nested too deeply")
    while begin < end if end >= 0 else raw[begin : begin + 2] != _ENDS:
        begin = _octets(raw, begin, pieces, depth + 1)
    return begin if end >= 0 else begin + 2
