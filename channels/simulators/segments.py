"""How many SMS a text takes (3GPP TS 23.038 and TS 23.040). Written apart from the hub's own count, to check it."""

from __future__ import annotations

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"  # each takes an escape before it
_GSM_SINGLE, _GSM_PART = 160, 153
_UCS2_SINGLE, _UCS2_PART = 70, 67


def segments(text: str) -> int:
    """The number of SMS that carry the text; an empty one takes one too."""
    if all(letter in _BASIC or letter in _EXTENDED for letter in text):
        sizes, single, part = [2 if letter in _EXTENDED else 1 for letter in text], _GSM_SINGLE, _GSM_PART
    else:
        sizes, single, part = [2 if ord(letter) > 0xFFFF else 1 for letter in text], _UCS2_SINGLE, _UCS2_PART
    if sum(sizes) <= single:
        return 1
    # An escaped letter or a surrogate pair is never cut in two: it moves to the next SMS whole.
    count, used = 1, 0
    for size in sizes:
        if used + size > part:
            count, used = count + 1, 0
        used += size
    return count
